"""A year of result codes, decoded: `python -m benchmarks.decoding [ROWS]` prints a Markdown table.

The rows are made, seeded: as many tasks, programs and codes as an office has. The goal is a million rows in under a
second. Beside it stands the obvious way, a call a row, on a tenth of the rows.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pandas as pd

from benchmarks.child import Measured
from benchmarks.runner import Bench, Way, alone
from benchmarks.table import Goal, Row
from benchmarks.timing import seconds
from taskanalysis.results import decode

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


def each_case_once(frame: pd.DataFrame) -> list[str]:
    """The outcome of each row, as the package computes it: one call for each distinct row."""
    number = frame.groupby(list(frame), sort=False).ngroup()
    outcomes = one_by_one(frame[~number.duplicated()])
    return [outcomes[case] for case in number]


def measured(bench: Bench, number: int = 0) -> list[Row]:
    """Both ways, with the same answers on the tenth."""
    number = number or bench.size(1_000_000, 1_000)
    same = "outcomes of a tenth of the rows"
    ways = [
        Way("each distinct case once", f"{__name__}:by_case", {"number": number}, question=same),
        Way("a call a row", f"{__name__}:by_call", {"number": number}, question=same, number=max(number // 10, 1)),
    ]
    found = bench.rows("decoding", ways, size=number, unit="row", base=ways[0].name)
    goal = {ways[0].name: (Goal(1, "s a million", found[ways[0].name].seconds / number * 1e6),)}
    return [replace(row, base="ours", goals=goal.get(name, ())) for name, row in found.items()]


def by_case(number: int) -> Callable[[], Measured]:
    """Ours."""
    frame = rows(number)
    part = max(number // 10, 1)
    outcomes = each_case_once(frame)
    return lambda: Measured(seconds(lambda: each_case_once(frame)), _digest(outcomes[:part]))


def by_call(number: int) -> Callable[[], Any]:
    """The obvious way, on a tenth."""
    part = rows(number).head(max(number // 10, 1))

    def work() -> Callable[[], str]:
        outcomes = one_by_one(part)
        return lambda: _digest(outcomes)

    return work


def _digest(outcomes: list[str]) -> str:
    return hashlib.sha256("\n".join(outcomes).encode()).hexdigest()[:16]


def main(number: int = 1_000_000) -> None:
    """Measure in this process."""
    with alone() as bench:
        bench.show(measured(bench, number))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
