"""The reports of the sample share, from the command to the files, against a floor in the same run.

The floor: as many empty notebooks as there are reports, which import pandas and pyplot, executed by nbclient in a
process each. Run it with ``python -m benchmarks.reports``; the two take turns, and the median ratio counts. Then a
line for each page: its size, and when Chromium, already running, first paints something of it from file://.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from taskanalysis.report import NOTEBOOKS

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge")
PROGRAM = next(filter(None, map(shutil.which, BROWSERS)), None)
TURNS = 5
FLOOR = """
import nbformat
from nbclient import NotebookClient
cell = nbformat.v4.new_code_cell("import pandas\\nimport matplotlib.pyplot")
kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
NotebookClient(nbformat.v4.new_notebook(cells=[cell], metadata=kernel)).execute()
"""


def floor() -> float:
    """Seconds that empty notebooks take."""
    began = time.perf_counter()
    running = [
        subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", FLOOR], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        for _ in NOTEBOOKS
    ]
    if any(process.wait() for process in running):
        raise SystemExit("the floor gave way")
    return time.perf_counter() - began


def ours(out: Path) -> float:
    """Seconds that our reports take."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "taskanalysis", "report", "--reports", str(out)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    return time.perf_counter() - began


@contextmanager
def chromium() -> Iterator[Browser]:
    """A Chromium of this machine; SystemExit where none is found."""
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


def show_pages(out: Path) -> None:
    """Print the size and the first paint of each page."""
    with chromium() as browser:
        for file in (out / "index.html", *(out / "latest" / f"{name}.html" for name in NOTEBOOKS)):
            paints = sorted(first_paint(browser, file) for _ in range(TURNS))
            median, slowest = paints[TURNS // 2], paints[-1]
            size = file.stat().st_size / 1000
            print(f"{file.name}: {size:.0f} kB, first paint {median:.0f} ms, the slowest of {TURNS} {slowest:.0f} ms")


def main() -> None:
    """Take turns, and print the medians."""
    with tempfile.TemporaryDirectory() as folder:
        ours(Path(folder))  # the history store of the sample share is made once
        turns = [(ours(Path(folder)), floor()) for _ in range(TURNS)]
        report(turns)
        show_pages(Path(folder))


def report(turns: list[tuple[float, float]]) -> None:
    """Print the medians of pairs of ours and of the floor."""
    made, empty = (statistics.median(column) for column in zip(*turns, strict=True))
    ratio = statistics.median(one / other for one, other in turns)
    print(f"{len(NOTEBOOKS)} reports {made:.1f} s, as many empty notebooks {empty:.1f} s: {ratio:.2f} times the floor")


if __name__ == "__main__":
    main()
