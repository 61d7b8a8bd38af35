"""What does a result code mean?

`decode` gives a `Result` for the program that returned the code; `codes.csv` holds the codes, a row a fact with its
source.
"""

from taskanalysis.results.decode import Outcome, Result, decode, decode_lines, unsigned
from taskanalysis.results.frames import decode_frame

__all__ = ["Outcome", "Result", "decode", "decode_frame", "decode_lines", "unsigned"]
