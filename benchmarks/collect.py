"""A collect of 500 tasks, beyond what COM itself takes: `python -m benchmarks.collect [TASKS]` prints a Markdown table.

The tasks are in memory, so only our part is measured: asking for each property, encoding, hashing, writing. The goal is
500 tasks in under 2 s. Beside it stands the least that a disk needs: the same files, written and renamed.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from statistics import median

from taskanalysis.collect import collect
from tests.fake_scheduler import filled, task_xml

NOW = datetime(2026, 11, 23, 17, 2, tzinfo=UTC)
RUNS = 5


def seconds(work: Callable[[int], object]) -> float:
    """The median of several runs, after one that is not counted; each gets its number."""
    work(0)
    taken = []
    for number in range(1, RUNS + 1):
        began = time.perf_counter()
        work(number)
        taken.append(time.perf_counter() - began)
    return median(taken)


def main(number: int = 500) -> None:
    """Measure a collect with new definitions, one with none, and the bare writing of the same files."""
    with tempfile.TemporaryDirectory() as folder:
        data, fake, minutes = Path(folder), filled(number, ["\\OpenData", "\\OpenData\\Permits"]), count()

        def same(_: int) -> Path:
            now = NOW + timedelta(minutes=next(minutes))
            return collect(fake, data, server="SRV", now=now, folders=["\\OpenData"]).place

        def changed(turn: int) -> Path:
            first = next(iter(fake.store.values()))
            first.xml = task_xml(f"turn{turn}.exe")
            return same(turn)

        def bare(turn: int) -> None:
            target = data / f"bare{turn}"
            for name, content in contents.items():
                file = target / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            target.rename(data / f"whole{turn}")

        rows = {"definitions stored": seconds(changed), "nothing changed": seconds(same)}
        stored = changed(-1)
        contents = {
            path.relative_to(stored).as_posix(): path.read_bytes() for path in stored.rglob("*.*") if path.is_file()
        }
        rows["the same files, written bare"] = seconds(bare)
        shutil.rmtree(data / "snapshots")
    print("| what | tasks | seconds | a task |")
    print("|---|---|---|---|")
    for what, taken in rows.items():
        print(f"| {what} | {number:,} | {taken:.3f} | {taken / number * 1e6:.0f} µs |")
    print("\nGoal: 500 tasks in under 2 s.")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
