"""A collect of 500 tasks, beyond what COM itself takes: `python -m benchmarks.collect [TASKS]` prints a Markdown table.

The tasks are in memory, so only our part is measured: asking for each property, encoding, hashing, writing. The goal is
500 tasks in under 2 s. Beside it stands the least that a disk needs: the same files, written and renamed. The evidence
lies on the disk: each task has a script of its own and the same Python, and every fifth failed and has a large log. It
may add 1 s.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import escape
from itertools import count
from pathlib import Path
from statistics import median

from benchmarks.child import Measured
from benchmarks.runner import Bench, Way, alone
from benchmarks.table import Goal, Row
from taskanalysis.windows import collect, machine
from taskanalysis.windows.machine import SeenFile
from tests.doubles.scheduler import FakeScheduler, filled, task_xml

NOW = datetime(2026, 11, 23, 17, 2, tzinfo=UTC)
RUNS = 5
PROGRAM_BYTES, LOG_BYTES = 2**20, 2**33


def measured(bench: Bench, number: int = 0) -> list[Row]:
    """A collect with new definitions, one with none, and the bare writing of the same files."""
    number = number or bench.size(500, 6)
    here = {"number": number, "folder": str(bench.folder)}
    names = {"definitions stored": stored, "nothing changed": unchanged, "the same files, written bare": bare}
    ways = [Way(name, f"{__name__}:{function.__name__}", here) for name, function in names.items()]
    found = bench.rows("collect", ways, size=number, unit="task", base=ways[2].name)
    made = [replace(row, base="bare") for row in found.values()]
    made = [
        replace(row, goals=(Goal(2, "s for 500", row.seconds / number * 500),)) if row.ratio else row for row in made
    ]
    return made + _evidence(bench, number)


def _evidence(bench: Bench, number: int) -> list[Row]:
    """What looking at the files of the tasks adds to a collect."""
    here = {"number": number, "folder": str(bench.folder)}
    names = {"with evidence": evidence, "the same tasks, no file there": no_evidence}
    ways = [Way(name, f"{__name__}:{function.__name__}", here) for name, function in names.items()]
    found = bench.rows("collect", ways, size=number, unit="task")
    if len(found) == len(ways):
        first, second = (found[way.name] for way in ways)
        added = (first.seconds - second.seconds) / number * 500
        found[ways[0].name] = replace(first, goals=(Goal(1, "s more for 500", added),))
    return [*found.values()]


def stored(number: int, folder: str) -> Callable[[], Measured]:
    """Each time another definition, so that all are stored."""
    server = _Server(number, folder)
    return lambda: _seconds(server.change_and_collect)


def unchanged(number: int, folder: str) -> Callable[[], Measured]:
    """The definitions of the snapshot before."""
    server = _Server(number, folder)
    return lambda: _seconds(lambda _: server.collect())


def bare(number: int, folder: str) -> Callable[[], Measured]:
    """The files of a snapshot, written and renamed."""
    server = _Server(number, folder)
    snapshot = server.collect()
    files = [path for path in snapshot.rglob("*.*") if path.is_file()]
    contents = {path.relative_to(snapshot).as_posix(): path.read_bytes() for path in files}

    def write(turn: int) -> None:
        target = server.data / f"bare{turn}"
        for name, content in contents.items():
            file = target / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        target.rename(server.data / f"whole{turn}")

    return lambda: _seconds(write)


def evidence(number: int, folder: str) -> Callable[[], Measured]:
    """A collect that finds, reads and hashes what the tasks start, and reads the ends of logs."""
    disk = Path(tempfile.mkdtemp(dir=folder))
    for name in ("Python", "jobs", "logs"):
        (disk / name).mkdir()
    (disk / "Python" / "python.exe").write_bytes(bytes(PROGRAM_BYTES))
    for place in range(number):
        (disk / "jobs" / f"load{place}.py").write_bytes(f"print({place})\n".encode() * 2000)
        with (disk / "logs" / f"load{place}.log").open("wb") as log:
            log.truncate(LOG_BYTES)  # sparse: only its end is read
    server = _Server(number, folder, _with_files(number, disk))
    snapshot = server.collect()
    if len((snapshot / "programs.csv").read_bytes().splitlines()) < 2 * number or not (snapshot / "logs").is_dir():
        raise SystemExit("the evidence was not found")
    return lambda: _seconds(lambda _: server.collect())


def no_evidence(number: int, folder: str) -> Callable[[], Measured]:
    """The same tasks, with none of their files there."""
    server = _Server(number, folder, _with_files(number, Path(tempfile.mkdtemp(dir=folder))))
    return lambda: _seconds(lambda _: server.collect())


@dataclass
class _OnDisk(FakeScheduler):
    """A server whose files are in a folder, whatever their drive."""

    root: Path = Path()

    def file(self, path: str, most: int = 0) -> SeenFile | None:
        return machine.file(self._place(path), most)

    def tail(self, path: str, most: int) -> bytes:
        return machine.tail(self._place(path), most)

    def newest_file(self, pattern: str) -> str:
        return pattern if Path(self._place(pattern)).is_file() else ""

    def _place(self, path: str) -> str:
        return str(self.root.joinpath(*path.split("\\")[1:]))


def _with_files(number: int, root: Path) -> _OnDisk:
    fake = _OnDisk(root=root)
    for place in range(number):
        line = f"/c C:\\Python\\python.exe D:\\jobs\\load{place}.py >> D:\\logs\\load{place}.log"
        xml = task_xml("cmd.exe").replace("</Command>", f"</Command><Arguments>{escape(line)}</Arguments>")
        fake.add(f"\\OpenData\\Task {place}", xml, last_run=NOW, last_result=int(place % 5 == 0))
    return fake


class _Server:
    """So many tasks, and a share of its own; each collect is a minute later than the one before."""

    def __init__(self, number: int, folder: str, fake: FakeScheduler | None = None) -> None:
        self.data, self._minutes = Path(tempfile.mkdtemp(dir=folder)), count()
        self._fake: FakeScheduler = fake or filled(number, ["\\OpenData", "\\OpenData\\Permits"])

    def collect(self) -> Path:
        now = NOW + timedelta(minutes=next(self._minutes))
        return collect(self._fake, self.data, server="SRV", now=now, folders=["\\OpenData"]).place

    def change_and_collect(self, turn: int) -> Path:
        next(iter(self._fake.store.values())).xml = task_xml(f"turn{turn}.exe")
        return self.collect()


def _seconds(work: Callable[[int], object]) -> Measured:
    """The median of several runs, after one that is not counted; each gets its number."""
    work(0)
    taken = []
    for number in range(1, RUNS + 1):
        began = time.perf_counter()
        work(number)
        taken.append(time.perf_counter() - began)
    return Measured(median(taken))


def main(number: int = 500) -> None:
    """Measure in this process."""
    with alone() as bench:
        bench.show(measured(bench, number))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
