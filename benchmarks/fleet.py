"""Many servers in one share: `python -m benchmarks.fleet [--draw FILE]` prints a Markdown table.

Made, seeded: servers with 200 tasks and a snapshot every hour. Measured are building the history and the overview of
all servers, as `report` does both, at three numbers of servers and at three of days, and the reports of one server
after the other, as `report --all-servers` makes them. The drawing shows how the cost grows.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass, replace
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil

from benchmarks.history import Share
from benchmarks.runner import Bench, Way
from benchmarks.table import Goal, Row
from taskanalysis.publish import renew_history, servers

TASKS = 200
HOUR, A_DAY = timedelta(hours=1), 24
SERVERS, DAYS = (50, 100, 200), (1, 7, 28)
MANY_REPORTS, SETTLED = 200, 10
FEW_SERVERS = 25
"""How many there are where the days grow."""


def make_fleet(data: Path, number: int, days: int, tasks: int = TASKS) -> None:
    """So many servers in one share, with hourly snapshots of so many days."""
    for each in range(number):
        share = Share(data, tasks, server=f"SERVER{each:03}", step=HOUR)
        share.grow(days * A_DAY)


def measured(bench: Bench) -> list[Row]:
    """Servers grow, then days; then the reports of a few servers."""
    tasks = bench.size(TASKS, 4)
    sizes = [(number, 1) for number in SERVERS] + [(FEW_SERVERS, days) for days in DAYS]
    rows: list[Row] = []
    for number, days in [(2, 1), (1, 2)] if bench.is_tiny else sizes:
        data = bench.folder / f"{number}x{days}"
        make_fleet(data, number, days, tasks)
        here = {"data": str(data)}
        ways = [
            Way(f"build the history: {days} d", f"{__name__}:build", here, cores=2, number=number),
            Way(f"overview of all: {days} d", f"{__name__}:overview", here, cores=2, number=number),
        ]
        size = f"{number} servers × {tasks} tasks"
        found = bench.rows("fleet", ways, size=size, unit="server", turns=min(bench.turns, 3))
        most = (number, days) == (SERVERS[-1], 1)
        rows += [
            replace(row, size=size, goals=(Goal(5, "s", row.seconds),) if most and "overview" in row.way else ())
            for row in found.values()
        ]
    return [*rows, *_reports(bench, tasks)]


def _reports(bench: Bench, tasks: int) -> list[Row]:
    """What `report --all-servers` takes for each server, and whether its processes grow over many."""
    number, data = bench.size(MANY_REPORTS, 4), bench.folder / "reports"
    make_fleet(data, number, 1, tasks)
    here = {"data": str(data), "out": str(bench.folder / "out")}
    way = Way("report --all-servers: 1 d", f"{__name__}:reports", here, cores=2, number=number)
    size = f"{number} servers × {tasks} tasks"
    taken = bench.measure([way], turns=1)
    if way.name not in taken:
        return []
    one = taken[way.name]
    early, late = (Processes(**each) for each in one.answers[0])
    each = one.seconds / number
    goals = Goal(1.5, "s a server", each), Goal(0.9, "s a server, hoped for", each)
    row = Row("fleet", way.name, size, one.seconds, number=number, unit="server", cores=2, goals=goals)
    held = f"{late.worker:.0f} MiB a worker, {late.files} files, {late.threads} threads"
    before = f"{early.worker:.0f} MiB, {early.files} files, {early.threads} threads"
    grown = (
        Goal(400, "MiB a worker", late.worker),
        Goal(0, "files more than after ten servers", max(late.files - early.files, 0)),
        Goal(0, "threads more", max(late.threads - early.threads, 0)),
    )
    return [row, Row("fleet", f"at its end: {held}; after ten servers: {before}", size, None, cores=2, goals=grown)]


@dataclass
class Processes:
    """The processes of a run: the memory of the largest worker (MiB), and all open files and threads together."""

    worker: float = 0
    files: int = 0
    threads: int = 0

    @classmethod
    def of(cls, pid: int) -> Processes:
        """As they are now; nothing where the run has ended."""
        with suppress(psutil.Error):
            first = psutil.Process(pid)
            others = first.children(recursive=True)
            most = max((each.memory_info().rss for each in others), default=0) / 2**20
            everyone = [first, *others]
            files = sum(each.num_handles() if os.name == "nt" else each.num_fds() for each in everyone)
            return cls(most, files, sum(each.num_threads() for each in everyone))
        return cls()

    @classmethod
    def among(cls, found: Sequence[Processes]) -> Processes:
        """The most memory, and the least of the others: files are open for a moment, what is never closed stays."""
        there = [each for each in found if each.files] or [cls()]
        return cls(
            *(which(each) for which, each in zip((max, min, min), zip(*map(astuple, there), strict=True), strict=True))
        )


# Ways ----------------------------------------------------------------------------------------------------------------


def build(data: str) -> Callable[[], Any]:
    """The history from nothing."""
    shutil.rmtree(Path(data) / "history", ignore_errors=True)
    return lambda: [str(problem) for problem in renew_history(Path(data))]


def overview(data: str) -> Callable[[], Any]:
    """How all servers stand."""
    renew_history(Path(data))
    return lambda: len(servers(Path(data)))


def reports(data: str, out: str) -> Callable[[], Any]:
    """The reports of all servers: their processes while the second ten are made, and at the end."""
    renew_history(Path(data))
    command = [sys.executable, "-m", "taskanalysis", "report", "--all-servers", "--data", data, "--reports", out]

    def work() -> list[dict[str, float]]:
        early, late = list[Processes](), list[Processes]()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as run:  # noqa: S603
            for line in run.stderr or ():
                if found := re.search(r": ([0-9]+) of ([0-9]+) servers done", line):
                    done, number = map(int, found.groups())
                    is_early = SETTLED < done <= 2 * SETTLED or number <= 2 * SETTLED
                    early += [Processes.of(run.pid)] if is_early else []
                    late += [Processes.of(run.pid)] if number - SETTLED <= done < number else []
        if run.returncode:
            raise SystemExit("the reports failed")
        return [asdict(Processes.among(each)) for each in (early, late)]

    return work


# The drawing ----------------------------------------------------------------------------------------------------------


def draw(rows: Sequence[Row], file: Path) -> None:
    """How long building and overview take, by servers and by days, both axes in powers."""
    import matplotlib as mpl  # noqa: PLC0415

    mpl.use("svg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
    marks = {"build the history": ("o-", -12), "overview of all": ("s--", 6)}
    for name, (mark, beside) in marks.items():
        measured_rows = [row for row in rows if name in row.way]
        sized = [(*map(int, re.findall(r"\d+", f"{row.size} {row.way}")), row.seconds) for row in measured_rows]
        by_servers = [(number, took) for number, _, days, took in sized if days == 1 and number != FEW_SERVERS]
        by_days = [(days, took) for number, _, days, took in sized if number == FEW_SERVERS]
        for axes, points in ((left, by_servers), (right, by_days)):
            axes.plot(*zip(*points, strict=True), mark, label=name)
            for across, took in points:
                axes.annotate(f"{took:.1f} s", (across, took), (4, beside), textcoords="offset points", fontsize=8)
    left.set(xlabel=f"servers, each with {TASKS} tasks and a day of hourly snapshots", ylabel="seconds")
    right.set(xlabel=f"days of hourly snapshots of {FEW_SERVERS} servers")
    for axes, ticks in ((left, SERVERS), (right, DAYS)):
        axes.set(xscale="log", yscale="log")
        axes.set_xticks(ticks, map(str, ticks))
        axes.set_yticks([0.5, 1, 2, 5, 10], ["0.5", "1", "2", "5", "10"])
        axes.margins(x=0.15, y=0.15)
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    left.legend(frameon=False)
    figure.savefig(file, metadata={"Date": None})


def main(file: Path | None) -> None:
    """Measure, print, and draw."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        rows = measured(bench)
        if file:
            draw(rows, file)
        bench.show(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draw", type=Path, metavar="FILE", help="an SVG file")
    import_module("benchmarks.fleet").main(parser.parse_args().draw)  # by its name, as the ways are called
