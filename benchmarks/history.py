"""A year of snapshots: `python -m benchmarks.history [--days 365] [--tasks 500]` prints a Markdown table.

The share is made, seeded: one server, a snapshot every 15 minutes, tasks that run every 15 minutes to every week, four
changes of a definition a week. Measured are building the store from nothing in two processes, adding one snapshot when
there are few and when there are many, loading 90 days, and a question that others can answer from the same files.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks import question
from benchmarks.child import Measured
from benchmarks.runner import Bench, Way
from benchmarks.table import Goal, Row
from taskanalysis.history import update_store
from taskanalysis.snapshot import file_name, list_snapshots, sample_share

SERVER, ZONE = "SERVER01", ZoneInfo("America/New_York")
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=15)
A_DAY = timedelta(days=1) // STEP
FEW = 350
PERIODS = [15] * 10 + [60] * 20 + [360] * 10 + [1440] * 50 + [10080] * 10  # minutes, of a hundred tasks
HEADER = "Path,State,Enabled,LastRunTime,LastTaskResult,NextRunTime,NumberOfMissedRuns\r\n"
DEFINITION = """<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.4" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Author>TOWN\\admin</Author><URI>{path}</URI></RegistrationInfo>
  <Triggers><TimeTrigger><Repetition><Interval>PT{period}M</Interval></Repetition>
    <StartBoundary>{start:%Y-%m-%dT%H:%M:%SZ}</StartBoundary></TimeTrigger></Triggers>
  <Principals><Principal id="Author"><UserId>TOWN\\svc</UserId><LogonType>Password</LogonType></Principal></Principals>
  <Settings><MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy></Settings>
  <Actions Context="Author"><Exec><Command>{program}</Command><Arguments>{version}</Arguments></Exec></Actions>
</Task>"""


class Task:
    """A made-up task that runs every `period` minutes from a minute of its own."""

    def __init__(self, number: int, dice: Random) -> None:
        self.path = f"\\OpenData\\{('GIS', 'Permits', 'Portal', 'Finance')[number % 4]}\\Job {number:03}"
        self.period = PERIODS[number * 37 % 100]
        self.phase = dice.randrange(self.period)
        self.lasting = dice.choice([1, 2, 5, 10, 40]) if self.period > 60 else 1
        self.program = dice.choice(["python.exe", "robocopy.exe", "cmd.exe", "powershell.exe"])
        self.seed = dice.randrange(1000)
        self.version = 1
        self.current: tuple[int, bool] | None = None
        self.line = ""

    def row(self, minute: int) -> str:
        """Its line of ``status.csv`` at a minute counted from `BEGIN`."""
        turn, since = divmod(minute - self.phase, self.period)
        runs = since < self.lasting
        if (turn, runs) != self.current:
            self.current = turn, runs
            last = BEGIN + timedelta(minutes=turn * self.period + self.phase, seconds=(turn * 7 + self.seed) % 3)
            last_run, next_run = (
                moment.astimezone(ZONE).isoformat() for moment in (last, last + timedelta(minutes=self.period))
            )
            code = 267009 if runs else int((turn * 31 + self.seed) % 50 == 0)
            self.line = f"{self.path},{'Running' if runs else 'Ready'},true,{last_run},{code},{next_run},0\r\n"
        return self.line

    def definition(self) -> bytes:
        """Its XML."""
        start = BEGIN + timedelta(minutes=self.phase)
        values = {"period": self.period, "start": start, "program": self.program, "version": self.version}
        text = DEFINITION.format(path=self.path, **values)
        return b"\xff\xfe" + text.encode("utf-16-le")


def tasks(number: int) -> list[Task]:
    """So many tasks, always the same."""
    dice = Random(1)
    return [Task(each, dice) for each in range(number)]


class Share:
    """A share that grows by one snapshot of a server with so many tasks after the other, `step` apart.

    Only where it is `defined` do snapshots have definitions.
    """

    def __init__(
        self, data: Path, number: int, *, server: str = SERVER, step: timedelta = STEP, defined: bool = True
    ) -> None:
        self.data, self.server, self.step, self.defined = data, server, step, defined
        self.dice, self.number, self.stored = Random(2), 0, ""
        self.tasks = tasks(number)

    def grow(self, snapshots: int) -> None:
        """Write that many more snapshots, directly: faster than `write_snapshot`, and the same files."""
        for _ in range(snapshots):
            self._write()
            self.number += 1

    @property
    def now(self) -> datetime:
        """When the last snapshot was taken."""
        return BEGIN + (self.number - 1) * self.step

    def statuses(self) -> str:
        """The ``status.csv`` of the next snapshot."""
        minute = self.number * self.step // timedelta(minutes=1)
        return HEADER + "".join([task.row(minute) for task in self.tasks])

    def _write(self) -> None:
        moment = BEGIN + self.number * self.step
        stamp = f"{moment:%Y%m%dT%H%M%SZ}"
        folder = self.data / "snapshots" / self.server / f"{moment:%Y-%m}" / stamp
        content = self.statuses().encode()
        hashes = {"status.csv": hashlib.sha256(content).hexdigest()}
        folder.mkdir(parents=True)
        if self.defined and self.number % (7 * A_DAY // 4) == 0:
            self.stored = stamp
            self.dice.choice(self.tasks).version += 1
            for task in self.tasks:
                name = f"tasks/{file_name(task.path)}"
                file = folder / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(task.definition())
                hashes[name] = hashlib.sha256(task.definition()).hexdigest()
        manifest = {
            "format": 1,
            "server": self.server,
            "taken_at": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
            "zone": ZONE.key,
            "collected_by": "TOWN\\svc-collector",
            "elevated": True,
            "folders": [],
            "definitions_read": self.defined,
            "definitions": self.stored,
            "tasks": len(self.tasks),
            "sha256": hashes,
        }
        (folder / "status.csv").write_bytes(content)
        (folder / "snapshot.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")


# Rows ----------------------------------------------------------------------------------------------------------------


def measured(bench: Bench, days: int = 0, number: int = 0) -> list[Row]:
    """A year of one server with 500 tasks, or six days of one with five."""
    days, number = days or bench.size(365, 6), number or bench.size(500, 5)
    few, many = Share(bench.folder / "few", number), Share(bench.folder / "many", number)
    few.grow(FEW)
    many.grow(days * A_DAY - A_DAY + FEW % A_DAY)  # at the same time of day
    update_store(few.data)
    build = Way("build from nothing", f"{__name__}:build", {"data": str(many.data)}, cores=2)
    found = list(bench.rows("history", [build], size=many.number, unit="snapshot").values())
    store = [file.stat().st_size for file in (many.data / "history").rglob("*.parquet")]
    adding, loading = _adding(bench, few, many), _loading(bench, many)
    disk = Row("history", "store on disk", f"{len(store)} files, {sum(store) / 2**20:.1f} MiB", None)
    asked = question.measured(bench, many.data, many.now)
    return [*found, *adding, *loading, disk, *asked, *_trends(bench, many)]


def _adding(bench: Bench, few: Share, many: Share) -> list[Row]:
    """One snapshot more, where there are few and where there are many."""
    shares = {f"at {share.number:,}": share for share in (few, many)}
    arguments = {at: {"data": str(share.data), "number": len(share.tasks)} for at, share in shares.items()}
    taken = bench.measure([Way(at, f"{__name__}:add", each) for at, each in arguments.items()])
    base = next(iter(shares))
    made = []
    for at, each in taken.items():
        ratio = None if at == base or base not in taken else each.seconds / taken[base].seconds
        row = Row("history", "add one snapshot", at, each.seconds, peak=each.peak, ratio=ratio, base=base)
        made.append(replace(row, goals=(Goal(0.5, "s", each.seconds),)))
    return made


def _loading(bench: Bench, share: Share) -> list[Row]:
    """What trends needs, of 90 days and of all."""
    since = {"90 days": (share.now - timedelta(days=90)).isoformat(), "all days": ""}
    arguments = {days: {"data": str(share.data), "since": moment} for days, moment in since.items()}
    taken = bench.measure([Way(days, f"{__name__}:load", each) for days, each in arguments.items()])
    made = []
    for days, each in taken.items():
        runs, changes = each.answers[0]
        way, size = f"load runs, events, coverage, changes: {days}", f"{runs:,} runs, {changes:,} changes"
        goals = (Goal(1, "s", each.seconds), Goal(500, "MiB", each.peak)) if days == "90 days" else ()
        made.append(Row("history", way, size, each.seconds, number=runs, unit="run", peak=each.peak, goals=goals))
    return made


def _trends(bench: Bench, share: Share) -> list[Row]:
    """The trends report, which shows 90 days, beside that of the sample share."""
    shares = {"trends report of the sample share": sample_share(), "trends report of 90 days": share.data}
    ways = [
        Way(name, f"{__name__}:trends", {"data": str(data), "folder": str(bench.folder)}, cores=2)
        for name, data in shares.items()
    ]
    base, large = bench.rows("history", ways, size="a page and its files", unit="").values()
    more = (large.seconds or 0) - (base.seconds or 0)
    return [base, replace(large, goals=(Goal(2.5, "s more than the sample share", more),))]


# Ways ----------------------------------------------------------------------------------------------------------------


def build(data: str) -> Callable[[], Any]:
    """The store from nothing."""
    shutil.rmtree(Path(data) / "history", ignore_errors=True)
    pool = ProcessPoolExecutor(2)
    list(pool.map(abs, range(2)))
    return lambda: update_store(data, executor=pool)


def add(data: str, number: int) -> Callable[[], Measured]:
    """One snapshot more, several times: the least, after one that is not counted."""
    share = Share(Path(data), number)
    share.number = (list_snapshots(share.data)[-1].taken_at - BEGIN) // STEP + 1

    def once() -> float:
        share.grow(1)
        began = time.perf_counter()
        problems = update_store(share.data)
        took = time.perf_counter() - began
        if problems:
            raise SystemExit(str(problems))
        return took

    once()
    return lambda: Measured(min(once() for _ in range(7)))


def load(data: str, since: str) -> Callable[[], Any]:
    """What trends needs of the last days."""
    from taskanalysis.history import read_history  # noqa: PLC0415 (pandas would be in the peak of the others)

    def read(begin: str) -> list[int]:
        history = read_history(data, update=False, since=datetime.fromisoformat(begin) if begin else None)
        frames = {name: len(getattr(history, name)) for name in ("coverage", "runs", "events", "changes")}
        return [frames["runs"], frames["changes"]]

    read(question.NEVER)
    return lambda: read(since)


def trends(data: str, folder: str) -> Callable[[], Any]:
    """From the snapshot to the published page."""
    from taskanalysis.publish import make as report  # noqa: PLC0415
    from taskanalysis.snapshot import read_snapshot  # noqa: PLC0415

    report.NOTEBOOKS = ("trends",)  # type: ignore[assignment]
    report.renew_history(Path(data))
    now, out = datetime.now(UTC), Path(tempfile.mkdtemp(dir=folder))

    def work() -> None:
        if failures := report.make_reports(read_snapshot(data), out, {"data": data}, now=now).failures:
            raise SystemExit(failures[0].what)

    return work


def main(days: int, tasks: int, folder: Path) -> None:
    """Measure, print."""
    bench = Bench(folder, turns=1)
    bench.show(measured(bench, days, tasks))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--tasks", type=int, default=500)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        # by its name, as the ways are called
        import_module("benchmarks.history").main(given.days, given.tasks, Path(made))
