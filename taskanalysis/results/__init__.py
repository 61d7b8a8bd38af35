"""What does a result code mean?

`decode` gives a `Result` for the program that returned the code; `codes.csv` holds the codes, one row for
each fact with its source. `decode_lines` takes all programs of a task.
"""

from taskanalysis.results.decode import BAD_OUTCOMES, SETTLED, Outcome, Result, decode, decode_lines, unsigned

__all__ = ["BAD_OUTCOMES", "SETTLED", "Outcome", "Result", "decode", "decode_lines", "unsigned"]
