"""The reports of the sample share, from the command to the files, against a floor in the same run.

The floor: as many empty notebooks as there are reports, which import pandas and pyplot, executed by nbclient in a
process each. Run it with ``python -m benchmarks.reports``; the two take turns, and the median ratio counts.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from taskanalysis.report import NOTEBOOKS

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


def main() -> None:
    """Take turns, and print the medians."""
    with tempfile.TemporaryDirectory() as folder:
        ours(Path(folder))  # the history store of the sample share is made once
        turns = [(ours(Path(folder)), floor()) for _ in range(TURNS)]
    made, empty = (statistics.median(column) for column in zip(*turns, strict=True))
    ratio = statistics.median(one / other for one, other in turns)
    print(f"{len(NOTEBOOKS)} reports {made:.1f} s, as many empty notebooks {empty:.1f} s: {ratio:.2f} times the floor")


if __name__ == "__main__":
    main()
