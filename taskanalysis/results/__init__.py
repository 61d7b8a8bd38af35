"""What does a result code mean?

`decode` gives a `Result` for the program that returned the code; `codes.csv` holds the codes, a row a fact with its
source.
"""

from taskanalysis.results.decode import BAD_OUTCOMES, SETTLED, Outcome, Result, decode, decode_lines, unsigned

__all__ = ["BAD_OUTCOMES", "SETTLED", "Outcome", "Result", "decode", "decode_lines", "unsigned"]
