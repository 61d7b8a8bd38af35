"""Runs ways in turns, each in a process of its own, and makes rows of what they took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.child import Measured, measure
from benchmarks.table import Row, markdown

__all__ = ["Bench", "Taken", "Way", "alone"]

ROOT = Path(__file__).parents[1]
MOST_SECONDS = 1800  # of one measurement


@dataclass(frozen=True)
class Way:
    """A function of a module that is measured (see `child`), and how the table calls it.

    Ways with the same `question` must give the same answer. `is_peer` runs in the peers' Python; `number` of units are
    done, which the time is divided by where ways that do not do the same number are compared.
    """

    name: str
    function: str  # module:function
    arguments: dict[str, Any] = field(default_factory=dict)
    cores: int = 1
    question: str = ""
    is_peer: bool = False
    number: int = 0


@dataclass
class Taken:
    """Medians of all turns (the peak is the highest), and the answers of each turn."""

    seconds: float
    peak: float | None
    answers: list[Any]


@dataclass
class Bench:
    """How to measure: a `folder` for what is made, how many `turns`, tiny or full, with which Python for peers.

    `apart` is a process for each measurement; without, the peak is not known. `problems` lists what went wrong.
    """

    folder: Path
    turns: int = 3
    is_tiny: bool = False
    peers: Path | None = None
    apart: bool = True
    problems: list[str] = field(default_factory=list)

    def size(self, full: int, tiny: int) -> int:
        """One of both."""
        return tiny if self.is_tiny else full

    def measure(self, ways: Sequence[Way], turns: int = 0) -> dict[str, Taken]:
        """Let the ways take turns; one that fails, or has no Python to run in, is left out."""
        ways = [way for way in ways if self.peers or not way.is_peer]
        found: dict[str, list[Measured]] = {way.name: [] for way in ways}
        turns = turns or self.turns
        for turn in range(1, turns + 1):
            for way in (way for way in ways if way.name in found):
                if self.apart:
                    print(f"  turn {turn} of {turns}: {way.name}", file=sys.stderr, flush=True)
                try:
                    found[way.name].append(self._once(way))
                except subprocess.SubprocessError as error:
                    del found[way.name]
                    said = (getattr(error, "stderr", None) or "").strip().splitlines()
                    self.problems.append(f"{way.name} failed: {said[-1] if said else error}")
        self._compare([way for way in ways if way.name in found], found)
        return {name: _taken(each) for name, each in found.items()}

    def rows(
        self, what: str, ways: Sequence[Way], *, size: int | str, unit: str, base: str = "", turns: int = 0
    ) -> dict[str, Row]:
        """Measure, and make a row a way, by its name; the ratio is that to the way named `base`."""
        taken = self.measure(ways, turns)
        whole = size if isinstance(size, int) else 0
        each = {way.name: taken[way.name].seconds / (way.number or whole or 1) for way in ways if way.name in taken}
        rows = {}
        for way in (way for way in ways if way.name in taken):
            one, is_compared = taken[way.name], base in taken and way.name != base
            rows[way.name] = Row(
                what,
                way.name,
                way.number or size,
                one.seconds,
                number=way.number or whole,
                unit=unit,
                peak=one.peak,
                cores=way.cores,
                ratio=each[way.name] / each[base] if is_compared else None,
                base=base,
            )
        return rows

    def show(self, rows: Sequence[Row]) -> None:
        """Print rows; SystemExit with the problems where there were any."""
        print(markdown(rows))
        if self.problems:
            raise SystemExit("\n".join(self.problems))

    def _once(self, way: Way) -> Measured:
        module, _, function = way.function.partition(":")
        if not self.apart:
            return replace(measure(module, function, way.arguments), peak=None)  # it would be that of all ways
        python = str(self.peers) if way.is_peer else sys.executable
        command = [python, "-m", "benchmarks.child", module, function, json.dumps(way.arguments), str(way.cores)]
        set_up: dict[str, Any] = {"cwd": ROOT, "env": _environment(way.cores), "timeout": MOST_SECONDS}
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, check=True, encoding="utf-8", errors="replace", **set_up
        )
        return Measured(**json.loads(done.stdout.splitlines()[-1]))

    def _compare(self, ways: Sequence[Way], found: dict[str, list[Measured]]) -> None:
        for question in sorted({way.question for way in ways} - {""}):
            answers = {way.name: found[way.name][0].answer for way in ways if way.question == question}
            if any(answer != next(iter(answers.values())) for answer in answers.values()):
                told = "; ".join(f"{name} {json.dumps(answer)[:80]}" for name, answer in answers.items())
                self.problems.append(f"{question}: the ways do not agree: {told}")


@contextmanager
def alone() -> Iterator[Bench]:
    """A bench for a module by itself: a folder that is removed in the end, everything in this process."""
    with TemporaryDirectory() as folder:
        yield Bench(Path(folder), apart=False)


def _environment(cores: int) -> dict[str, str]:
    """No more threads than cores, also where a process can't be kept on them."""
    pools = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "ARROW_IO_THREADS")
    return os.environ | dict.fromkeys(pools, str(cores)) | {"PYTHONIOENCODING": "utf-8"}


def _taken(each: Sequence[Measured]) -> Taken:
    peaks = [one.peak for one in each if one.peak is not None]
    return Taken(median(one.seconds for one in each), max(peaks, default=None), [one.answer for one in each])
