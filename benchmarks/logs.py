"""Importing event logs, against the package evtx alone: `python -m benchmarks --only eventlog`.

Alone means that the package gives each record as XML, and nothing more: the limit. Ours makes runs and events of them,
or the frames that the history joins.
"""

# ruff: noqa: PLC0415 (each way imports what it needs, in a process of its own: other imports would be in its peak)

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.runner import Bench, Way
from benchmarks.table import Goal, Row

SERVER = "OPENDATA01"


def measured(bench: Bench) -> list[Row]:
    """The same logs by all ways; the package takes no second core, as was measured."""
    from benchmarks.eventlog import files

    number, here = bench.size(100_000, 500), {"folder": str(bench.folder)}
    files(bench.folder / "eventlogs" / SERVER, number)
    limit = Way("the package evtx alone, the limit", f"{__name__}:alone", here)
    runs_and_events = Way("ours, runs and events", f"{__name__}:runs", here)
    joined = Way("ours, frames", f"{__name__}:frames", here)
    found = bench.rows("event log", [limit, runs_and_events, joined], size=number, unit="record", base=limit.name)
    made = [replace(row, base="evtx") for row in found.values()]
    return [replace(row, goals=(Goal(2, "× evtx", row.ratio),)) if row.ratio else row for row in made]


def alone(folder: str) -> Callable[[], Any]:
    """Each record as XML, dropped."""
    from evtx import PyEvtxParser

    def read(file: Path) -> int:
        return sum(1 for _ in PyEvtxParser(str(file)).records())

    read(_logs(folder)[0])
    return lambda: sum(map(read, _logs(folder)))


def runs(folder: str) -> Callable[[], Any]:
    """Runs and events of each log."""
    from taskanalysis.history import read_eventlog

    def read(file: Path) -> int:
        log = read_eventlog(file)
        if log.problems:
            raise ValueError(str(log.problems))
        return len(log.runs) + len(log.events)

    read(_logs(folder)[0])
    return lambda: sum(map(read, _logs(folder)))


def frames(folder: str) -> Callable[[], Any]:
    """What the history joins, of all logs."""
    from taskanalysis.history import read_logs

    read_logs(folder, [SERVER])
    return lambda: len(read_logs(folder, [SERVER]).runs)


def _logs(folder: str) -> list[Path]:
    return sorted(Path(folder, "eventlogs", SERVER).glob("*.evtx"))
