"""What does a result code mean?

`decode` gives a `Result` for the program that returned the code; `codes.csv` holds the codes, one row for
each fact with its source. `decode_lines` takes all programs of a task, `code_of` a code as people type it.
"""

from taskanalysis.results.decode import BAD_OUTCOMES, SETTLED, Outcome, Result, decode, decode_lines, unsigned
from taskanalysis.results.typed import code_of, other_reading

__all__ = [
    "BAD_OUTCOMES",
    "SETTLED",
    "Outcome",
    "Result",
    "code_of",
    "decode",
    "decode_lines",
    "other_reading",
    "unsigned",
]
