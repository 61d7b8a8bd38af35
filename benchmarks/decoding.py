"""A year of result codes, decoded: `python -m benchmarks.decoding [ROWS]` prints a Markdown table.

The rows are made, seeded: as many tasks, programs and codes as an office has. The goal is a million rows in under a
second. Beside it stands the obvious way, a call a row, on a tenth of the rows.
"""

import sys
from random import Random

import pandas as pd

from benchmarks.timing import seconds
from taskanalysis.decoding import decode_frame
from taskanalysis.result import decode

PROGRAMS = ["python.exe", "robocopy.exe", "powershell.exe", "cmd.exe", "msiexec.exe", "curl.exe", "load.exe"]
CODES = [0] * 60 + [*range(1, 17), 259, 267009, 267011, 267014, 2147942402, 2147943726, 3221225786, 77777]


def rows(number: int) -> pd.DataFrame:
    """A history of `number` rows with code, command, state and ever_ran."""
    dice = Random(1)
    return pd.DataFrame(
        {
            "code": dice.choices(CODES, k=number),
            "command": dice.choices(PROGRAMS, k=number),
            "state": dice.choices(["Ready"] * 9 + ["Running"], k=number),
            "ever_ran": dice.choices([True] * 99 + [False], k=number),
        }
    )


def one_by_one(frame: pd.DataFrame) -> list[str]:
    """The outcome of each row, by a call a row."""
    return [
        decode(row.code, command=row.command, state=row.state, ever_ran=row.ever_ran).outcome.value
        for row in frame.itertuples(index=False)
    ]


def main(number: int = 1_000_000) -> None:
    """Measure both ways and check that they agree."""
    frame = rows(number)
    part = frame.head(max(number // 10, 1))
    if decode_frame(part)["outcome"].tolist() != one_by_one(part):
        raise SystemExit("the two ways do not agree")
    ours, simple = seconds(lambda: decode_frame(frame)), 10 * seconds(lambda: one_by_one(part))
    print("| way | rows | seconds | a row |")
    print("|---|---|---|---|")
    print(f"| each distinct case once | {number:,} | {ours:.2f} | {ours / number * 1e6:.2f} µs |")
    print(
        f"| a call a row (a tenth measured, times ten) | {number:,} | {simple:.2f} | {simple / number * 1e6:.2f} µs |"
    )
    print(f"\nRatio {simple / ours:.1f}. Goal: a million rows in under a second.")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
