"""A year of snapshots: `python -m benchmarks.history [--days 365] [--tasks 500]` prints a Markdown table.

The share is made, seeded: one server, a snapshot every 15 minutes, tasks that run every 15 minutes to every week, four
changes of a definition a week. Measured are building the store from nothing in two processes, adding one snapshot when
there are few and when there are many, and loading 90 days in a process of its own.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from taskanalysis.daystore import update_store
from taskanalysis.taskfiles import file_name

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
  <Triggers><CalendarTrigger><StartBoundary>2025-01-01T02:00:00</StartBoundary>
    <ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay></CalendarTrigger></Triggers>
  <Principals><Principal id="Author"><UserId>TOWN\\svc</UserId><LogonType>Password</LogonType></Principal></Principals>
  <Settings><MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy></Settings>
  <Actions Context="Author"><Exec><Command>{program}</Command><Arguments>{version}</Arguments></Exec></Actions>
</Task>"""
LOAD = """
import json, sys, time
from datetime import datetime
from taskanalysis.history import read_history
began = time.perf_counter()
history = read_history(sys.argv[1], update=False, since=datetime.fromisoformat(sys.argv[2]))
frames = {name: len(getattr(history, name)) for name in ("coverage", "runs", "events", "changes")}
took = time.perf_counter() - began
try:
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
except ImportError:
    peak = -1
print(json.dumps({"took": took, "peak": peak} | frames))
"""


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
        self.known: tuple[int, bool] | None = None
        self.line = ""

    def row(self, minute: int) -> str:
        """Its line of ``status.csv`` at a minute counted from `BEGIN`."""
        turn, since = divmod(minute - self.phase, self.period)
        runs = since < self.lasting
        if (turn, runs) != self.known:
            self.known = turn, runs
            last = BEGIN + timedelta(minutes=turn * self.period + self.phase, seconds=(turn * 7 + self.seed) % 3)
            last_run, next_run = (
                moment.astimezone(ZONE).isoformat() for moment in (last, last + timedelta(minutes=self.period))
            )
            code = 267009 if runs else int((turn * 31 + self.seed) % 50 == 0)
            self.line = f"{self.path},{'Running' if runs else 'Ready'},true,{last_run},{code},{next_run},0\r\n"
        return self.line

    def definition(self) -> bytes:
        """Its XML."""
        text = DEFINITION.format(path=self.path, program=self.program, version=self.version)
        return b"\xff\xfe" + text.encode("utf-16-le")


class Share:
    """A share that grows by one snapshot after the other."""

    def __init__(self, data: Path, tasks: int) -> None:
        dice = Random(1)
        self.data, self.dice, self.number, self.stored = data, dice, 0, ""
        self.tasks = [Task(number, dice) for number in range(tasks)]

    def grow(self, snapshots: int) -> None:
        """Write that many more snapshots, directly: faster than `write_snapshot`, and the same files."""
        for _ in range(snapshots):
            self._write()
            self.number += 1

    @property
    def now(self) -> datetime:
        """When the last snapshot was taken."""
        return BEGIN + (self.number - 1) * STEP

    def _write(self) -> None:
        moment = BEGIN + self.number * STEP
        stamp = f"{moment:%Y%m%dT%H%M%SZ}"
        folder = self.data / "snapshots" / SERVER / f"{moment:%Y-%m}" / stamp
        minute = self.number * 15
        content = (HEADER + "".join([task.row(minute) for task in self.tasks])).encode()
        hashes = {"status.csv": hashlib.sha256(content).hexdigest()}
        folder.mkdir(parents=True)
        if self.number % (7 * A_DAY // 4) == 0:
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
            "server": SERVER,
            "taken_at": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
            "zone": ZONE.key,
            "collected_by": "TOWN\\svc-collector",
            "elevated": True,
            "folders": [],
            "definitions_read": True,
            "definitions": self.stored,
            "tasks": len(self.tasks),
            "sha256": hashes,
        }
        (folder / "status.csv").write_bytes(content)
        (folder / "snapshot.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def adding(share: Share, times: int = 7) -> float:
    """Seconds to bring the store up to date with one more snapshot: the least of several, after one not counted.

    The folders of months before are given the age that they would have.
    """
    for month in sorted((share.data / "snapshots" / SERVER).iterdir())[:-1]:
        os.utime(month, (share.now.timestamp(),) * 2)
    share.grow(1)
    update_store(share.data)
    taken = []
    for _ in range(times):
        share.grow(1)
        began = time.perf_counter()
        problems = update_store(share.data)
        taken.append(time.perf_counter() - began)
        if problems:
            raise SystemExit(str(problems))
    return min(taken)


def building(share: Share, processes: int) -> float:
    """Seconds to build the store from nothing."""
    with ProcessPoolExecutor(processes) as pool:
        began = time.perf_counter()
        update_store(share.data, executor=pool)
        return time.perf_counter() - began


def loading(share: Share, days: int) -> dict[str, float]:
    """Seconds, peak memory of the process (MiB) and rows of what trends needs of the last days."""
    since = (share.now - timedelta(days=days)).isoformat()
    command = [sys.executable, "-c", LOAD, str(share.data), since]
    tries = [json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout) for _ in range(3)]  # noqa: S603
    return sorted(tries, key=lambda each: each["took"])[1]


def main(days: int, tasks: int, folder: Path) -> None:
    """Make the shares, measure, print."""
    few = Share(folder / "few", tasks)
    few.grow(FEW)
    building(few, 1)
    at_few = adding(few)
    many = Share(folder / "many", tasks)
    many.grow(days * A_DAY - A_DAY + FEW % A_DAY)  # at the same time of day
    built = building(many, 2)
    number = many.number
    at_many = adding(many)
    store = [file.stat().st_size for file in (many.data / "history").rglob("*.parquet")]
    quarter, all_ = loading(many, 90), loading(many, 10 * days)
    print("| what | size | measured | goal |")
    print("|---|---|---|---|")
    print(
        f"| build from nothing, 2 processes | {number:,} snapshots, {number * tasks:,} observations | {built:.1f} s | |"
    )
    print(f"| add one snapshot | at {FEW} | {at_few:.3f} s | 0.5 s |")
    print(f"| add one snapshot | at {number:,} | {at_many:.3f} s | {1.5 * at_few:.3f} s (1.5 times) |")
    for said, name in ((quarter, "90 days"), (all_, "all")):
        rows = f"{name}: {said['runs']:,} runs, {said['changes']:,} changes"
        took = f"{said['took']:.2f} s, {said['peak']} MiB"
        print(f"| load runs, events, coverage, changes | {rows} | {took} | 1 s, 500 MiB for 90 days |")
    print(f"| store on disk | {len(store)} files | {sum(store) / 2**20:.1f} MiB | |")
    print(f"\nAt {number:,} snapshots adding one takes {at_many / at_few:.2f} times as long as at {FEW}.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--tasks", type=int, default=500)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        main(given.days, given.tasks, Path(made))
