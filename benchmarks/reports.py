"""The reports of the sample share, from the command to the files, against a floor in the same run.

The floor: three empty notebooks, which import pandas and pyplot, executed by nbclient in a process each. Run it with
``python -m benchmarks.reports``; the two take turns. Then a line for each page: its size, and when Chromium, already
running, first paints something of it from file://, where there is a Chromium.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.runner import Bench, Way, alone
from benchmarks.table import Goal, Row
from taskanalysis.publish import NOTEBOOKS

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge")
PROGRAM = next(filter(None, map(shutil.which, BROWSERS)), None)
TURNS = 5
EMPTY = 3
"""Empty notebooks of the floor, however many reports there are."""
FLOOR = """
import nbformat
from nbclient import NotebookClient
cell = nbformat.v4.new_code_cell("import pandas\\nimport matplotlib.pyplot")
kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
NotebookClient(nbformat.v4.new_notebook(cells=[cell], metadata=kernel)).execute()
"""


def measured(bench: Bench) -> list[Row]:
    """The reports against the floor, and their pages."""
    out = bench.folder / "pages"
    reports = Way(f"{len(NOTEBOOKS)} reports", f"{__name__}:ours", {"out": str(out)}, cores=2)
    floor = Way(f"{EMPTY} empty notebooks", f"{__name__}:empty", cores=2)
    _run("-m", "taskanalysis", "history")  # the store of the sample share is made once
    found = bench.rows("reports", [reports, floor], size="the sample share", unit="", base=floor.name)
    made = [replace(row, base="empty") for row in found.values()]
    if reports.name in found and made[0].ratio:
        made[0] = replace(
            made[0], goals=(Goal(0.85, "× empty", made[0].ratio), Goal(0.6, "× empty, hoped for", made[0].ratio))
        )
    return [*made, *(_pages(out) if PROGRAM and reports.name in found else [])]


def ours(out: str) -> Callable[[], None]:
    """Our reports, by the command."""
    return lambda: _run("-m", "taskanalysis", "report", "--reports", out)


def empty() -> Callable[[], None]:
    """Empty notebooks, all at once."""

    def work() -> None:
        command = [sys.executable, "-c", FLOOR]
        quiet = {"stderr": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
        running = [subprocess.Popen(command, **quiet) for _ in range(EMPTY)]  # type: ignore[call-overload] # noqa: S603
        codes = [process.wait() for process in running]
        if any(codes):
            raise SystemExit("the floor gave way")

    return work


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)  # noqa: S603


# Pages ---------------------------------------------------------------------------------------------------------------


@contextmanager
def chromium() -> Iterator[Browser]:
    """A Chromium of this machine; SystemExit where none is found."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 (an extra)

    if not PROGRAM:
        raise SystemExit(f"no Chromium found: none of {', '.join(BROWSERS)} is on the PATH")
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=PROGRAM, args=[*root, "--disable-gpu"])
        yield opened
        opened.close()


PAINT = """() => new Promise(done => new PerformanceObserver(
    list => list.getEntriesByName("first-contentful-paint").forEach(entry => done(entry.startTime))
).observe({ type: "paint", buffered: true }))"""


def first_paint(browser: Browser, file: Path) -> float:
    """Milliseconds from opening a page to the first of it that is seen."""
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto(file.as_uri())
    painted = page.evaluate(PAINT)
    context.close()
    return float(painted)


def _pages(out: Path) -> list[Row]:
    """The size and the first paint of each page."""
    made = []
    with chromium() as browser:
        for file in (out / "index.html", *(out / "latest" / f"{name}.html" for name in NOTEBOOKS)):
            seconds = median(first_paint(browser, file) for _ in range(TURNS)) / 1000
            size = file.stat().st_size / 1000
            goals = Goal(0.5, "s", seconds), Goal(500, "kB", size)
            row = Row("reports", f"first paint of {file.name}", f"{size:.0f} kB", seconds, goals=goals, cores=2)
            made.append(row)
    return made


def main() -> None:
    """Take turns, and print the medians."""
    with alone() as bench:
        bench.show(measured(bench))


if __name__ == "__main__":
    main()
