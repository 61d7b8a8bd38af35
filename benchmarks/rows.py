"""A server with 100,000 tasks: `check` and `report`, from the command to the end: `python -m benchmarks --only rows`.

A share with three snapshots that have statuses and no definitions, and the statuses alone as PowerShell exports them.
The peak is that of the largest process: a report runs its notebooks in one each.
"""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from io import StringIO

from benchmarks.history import ZONE, Share
from benchmarks.runner import Bench, Way, alone
from benchmarks.table import Goal, Row

SNAPSHOTS = 3
CHECK_SECONDS, REPORT_SECONDS, MOST_MIB = 5, 30, 1024
TIMES = "LastRunTime", "NextRunTime"
FORM = "%m/%d/%Y %I:%M:%S %p"
"""How PowerShell writes a time where the language is English."""


def measured(bench: Bench) -> list[Row]:
    """Both commands, on both kinds of data."""
    number = bench.size(100_000, 30)
    share = Share(bench.folder / "share", number, defined=False)
    share.grow(SNAPSHOTS)
    export = bench.folder / "export" / "status.csv"
    export.parent.mkdir()
    export.write_text("".join(exported(share)), encoding="utf-8")
    rows: list[Row] = []
    for what, data in {"a share": share.data, "an export": export.parent}.items():
        here = {"data": str(data), "out": str(bench.folder / f"reports of {what}")}
        for command, seconds in (("check", CHECK_SECONDS), ("report", REPORT_SECONDS)):
            way = Way(f"{command}, {what}", f"{__name__}:{command}", here, cores=2)
            for row in bench.rows("rows", [way], size=number, unit="task", turns=min(bench.turns, 3)).values():
                goals = Goal(seconds, "s", row.seconds), Goal(MOST_MIB, "MiB", row.peak)
                rows.append(replace(row, goals=goals))
    return rows


def exported(share: Share) -> Iterator[str]:
    """The last statuses of a share as ``Get-ScheduledTask | Get-ScheduledTaskInfo | Export-Csv`` cut to its columns."""
    yield '"TaskPath","TaskName","State","LastRunTime","LastTaskResult","NextRunTime","NumberOfMissedRuns"\r\n'
    for row in csv.DictReader(StringIO(share.statuses())):
        folder, _, name = row["Path"].rpartition("\\")
        last_run, next_run = (f"{datetime.fromisoformat(row[column]).astimezone(ZONE):{FORM}}" for column in TIMES)
        cells = folder + "\\", name, row["State"], last_run, row["LastTaskResult"], next_run, row["NumberOfMissedRuns"]
        yield ",".join(f'"{cell}"' for cell in cells) + "\r\n"


# Ways -----------------------------------------------------------------------------------------------------------------


def check(data: str, out: str) -> Callable[[], int]:
    """What needs attention, printed."""
    del out
    return lambda: _run("check", "--data", data)


def report(data: str, out: str) -> Callable[[], int]:
    """All pages; the history is built by the first turn."""
    return lambda: _run("report", "--data", data, "--reports", out)


def _run(command: str, *arguments: str) -> int:
    """Run a command in the zone of the tasks; its exit code, which is that of stale data."""
    zone = ["--zone", ZONE.key]
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "taskanalysis", command, *arguments, *zone], capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 1, 3):
        raise SystemExit(done.stderr)
    return done.returncode


def main() -> None:
    """Measure, and print."""
    with alone() as bench:
        bench.show(measured(bench))


if __name__ == "__main__":
    main()
