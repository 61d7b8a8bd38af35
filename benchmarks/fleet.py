"""Many servers in one share: `python -m benchmarks.fleet [--draw FILE]` prints a Markdown table.

Made, seeded: servers with 200 tasks and a snapshot every hour. Measured are building the history and the overview of
all servers, as `report` does both, at three numbers of servers and at three of days, and the reports of one server
after the other, as `report --all-servers` makes them. The drawing shows how the cost grows.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.history import Share
from benchmarks.runner import Bench, Way
from benchmarks.table import Row
from taskanalysis.publish import renew_history, servers

TASKS = 200
HOUR, A_DAY = timedelta(hours=1), 24
SERVERS, DAYS = (50, 100, 200), (1, 7, 28)
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
        rows += [replace(row, size=size) for row in found.values()]
    return [*rows, *_reports(bench, tasks)]


def _reports(bench: Bench, tasks: int) -> list[Row]:
    """What `report --all-servers` takes for each of a few servers."""
    number, data = bench.size(5, 2), bench.folder / "reports"
    make_fleet(data, number, 1, tasks)
    here = {"data": str(data), "out": str(bench.folder / "out")}
    way = Way("report --all-servers: 1 d", f"{__name__}:reports", here, cores=2, number=number)
    size = f"{number} servers × {tasks} tasks"
    found = bench.rows("fleet", [way], size=size, unit="server", turns=1)
    return [replace(row, size=size) for row in found.values()]


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
    """The reports of all servers."""
    renew_history(Path(data))
    command = [sys.executable, "-m", "taskanalysis", "report", "--all-servers", "--data", data, "--reports", out]
    return lambda: subprocess.run(command, check=True, capture_output=True).returncode  # noqa: S603


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
