"""Importing event logs, against the package evtx alone: `python -m benchmarks --only eventlog`.

Alone means that the package gives each record as JSON, and nothing more: the limit. Ours makes runs and events of them,
or the frames that the history joins; the package works in a second process meanwhile.
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
    """A full log by all ways; ours from the start of the process that reads it."""
    from benchmarks.eventlog import RECORDS, SECONDS, files

    number, here = bench.size(RECORDS, 500), {"folder": str(bench.folder)}
    files(bench.folder / "eventlogs" / SERVER, number)
    limit = Way("the package evtx alone, the limit", f"{__name__}:alone", here)
    runs_and_events = Way("ours, runs and events", f"{__name__}:runs", here, cores=2)
    joined = Way("ours, frames", f"{__name__}:frames", here, cores=2)
    rows = bench.rows("event log", [limit, runs_and_events, joined], size=number, unit="record", base=limit.name)
    for row in rows.values():
        is_judged = row.way == runs_and_events.name
        goals = (Goal(SECONDS, "s", None if bench.is_tiny else row.seconds),) if is_judged else ()
        rows[row.way] = replace(row, base="evtx", goals=goals)
    return list(rows.values())


def alone(folder: str) -> Callable[[], Any]:
    """Each record as JSON, dropped."""
    from evtx import PyEvtxParser

    def read(file: Path) -> int:
        return sum(1 for _ in PyEvtxParser(str(file)).records_json())

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
