"""Task XML to definitions, ours and others': `python -m benchmarks --only definitions --only memory`.

The limit is the bare parse with lxml, the library below ours. Ours gives all that the schema knows, the others less:
two give four fields, as the scripts did that this project replaces, one the XML as a dictionary, and one records.
"""

# ruff: noqa: PLC0415 (each way imports what it needs, in a process of its own: other imports would be in its peak)

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zlib import crc32

from benchmarks.runner import Bench, Way
from benchmarks.table import Goal, Row

NAMESPACE = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
OTHER_LIMIT = "no settings twice, lxml.etree.parse alone"
Fields = tuple[str, str, str, str]
"""URI, description, the first interval anywhere, the first command."""


def measured(bench: Bench) -> list[Row]:
    """Every way over the same files."""
    from benchmarks.definitions import write_files

    number, folder = bench.size(20_000, 200), bench.folder / "definitions"
    write_files(folder, number)
    here = {"folder": str(folder)}
    same = "URI and first command of each definition"
    ways = [
        Way("lxml.etree.parse alone, the limit", f"{__name__}:lxml_alone", here),
        Way("ours", f"{__name__}:ours", here, question=same),
        Way("ours in two processes", f"{__name__}:ours_in_two", here, cores=2, question=same),
        Way("ours in two processes, sent back", f"{__name__}:ours_sent_back", here, cores=2, question=same),
        Way("lxml.etree.parse alone in two processes", f"{__name__}:lxml_in_two", here, cores=2),
        Way("ours, read_tasks", f"{__name__}:all_at_once", here, question=same),
        Way("ours, read_tasks of files seen before", f"{__name__}:ours_seen_before", here, question=same),
        Way("ElementTree, 4 fields", f"{__name__}:element_tree", here, question=same),
        Way("xmltodict", f"{__name__}:xml_to_dict", here, question=same, is_peer=True),
        Way("minidom, 4 fields", f"{__name__}:minidom", here, question=same),
        Way("dissect.target, parsed", f"{__name__}:dissect_parsed", here, is_peer=True),
        Way("dissect.target, its records", f"{__name__}:dissect_records", here, is_peer=True),
    ]
    limit, plain, *twice = (way.name for way in ways[:4])
    made = bench.rows("definitions", ways, size=number, unit="file", base=limit)
    made |= bench.rows("definitions", _nothing_alike(bench, number), size=number, unit="file", base=OTHER_LIMIT)
    made = {name: replace(row, base="lxml") for name, row in made.items()}
    if {limit, plain} <= made.keys():
        ours, others = made[plain], [made[name].seconds for name in made if "dissect" in name]
        goals = [Goal(2.5, "× lxml", ours.ratio), Goal(2.0, "× lxml, hoped for", ours.ratio)]
        goals += (
            [Goal(5, "times the rate of dissect.target", min(others) / ours.seconds, is_least=True)] if others else []
        )
        made[plain] = replace(ours, goals=tuple(goals))
        for name in made.keys() & set(twice):
            faster = Goal(1.7, "times as fast as in one", ours.seconds / made[name].seconds, is_least=True)
            made[name] = replace(made[name], goals=(faster,))
    return list(made.values())


def _nothing_alike(bench: Bench, number: int) -> list[Way]:
    """The limit and ours, where no two files share an account or a time limit: nothing that was read helps later."""
    from benchmarks.definitions import write_files

    write_files(bench.folder / "apart", number, settings_apart=True)
    here = {"folder": str(bench.folder / "apart")}
    return [
        Way(OTHER_LIMIT, f"{__name__}:lxml_alone", here),
        Way("the same, ours", f"{__name__}:ours", here),
    ]


def memory(bench: Bench) -> list[Row]:
    """The peak while many definitions are read, one after the other and all at once."""
    from benchmarks.definitions import write_files

    number, folder = bench.size(200_000, 200), bench.folder / "memory"
    write_files(folder, number)
    here = {"folder": str(folder)}
    ways = [
        Way("one after the other", f"{__name__}:one_by_one", here),
        Way("all at once, read_tasks", f"{__name__}:all_at_once", here),
    ]
    made = bench.rows("memory", ways, size=number, unit="file", turns=1)
    return [replace(row, goals=(Goal(1024, "MiB", row.peak),)) for row in made.values()]


# Ways ----------------------------------------------------------------------------------------------------------------


def lxml_alone(folder: str) -> Callable[[], Any]:
    """Parse and drop."""
    from lxml import etree

    return _over(folder, etree.parse)


def ours(folder: str) -> Callable[[], Any]:
    """The whole definition."""
    from taskanalysis.definition import read_task

    return _over(folder, read_task, _of_definition)


def lxml_in_two(folder: str) -> Callable[[], Any]:
    """Parse and drop in two processes: as much faster as this machine makes it."""
    return _in_two(folder, _parse)


def ours_in_two(folder: str) -> Callable[[], Any]:
    """The same in two processes, which keep what they read, and send their sums."""
    return _in_two(folder, _read)


def _in_two(folder: str, of_part: Callable[[list[Path]], list[int]]) -> Callable[[], Any]:
    files = _files(folder)
    parts = [files[begin : begin + 100] for begin in range(0, len(files), 100)]
    pool = ProcessPoolExecutor(2)
    list(pool.map(of_part, parts[:2]))
    return lambda: [sum(sums) for sums in zip(*pool.map(of_part, parts), strict=True)]


def _parse(files: list[Path]) -> list[int]:
    from lxml import etree

    return [sum(1 for _ in map(etree.parse, files))]


def _read(files: list[Path]) -> list[int]:
    from taskanalysis.definition import read_task

    return _checksum(map(_of_definition, map(read_task, files)))


def ours_sent_back(folder: str) -> Callable[[], Any]:
    """The same in two processes, which send the definitions back."""
    from taskanalysis.definition import read_task

    pool, files = ProcessPoolExecutor(2), _files(folder)
    list(pool.map(read_task, files[:40], chunksize=20))
    return lambda: _checksum(map(_of_definition, pool.map(read_task, files, chunksize=100)))


def ours_seen_before(folder: str) -> Callable[[], Any]:
    """The same files once more, in a process that has read them: equal bytes are not parsed again."""
    work = all_at_once(folder)
    work()
    return work


def element_tree(folder: str) -> Callable[[], Any]:
    """Four fields."""
    from xml.etree import ElementTree

    def read(file: Path) -> Fields:
        root = ElementTree.parse(file).getroot()  # noqa: S314 (own files)

        def first(name: str) -> str:
            return (root.findtext(f".//{NAMESPACE}{name}") or "").strip()

        return first("URI"), first("Description"), first("Interval"), first("Command")

    return _over(folder, read, _of_fields)


def minidom(folder: str) -> Callable[[], Any]:
    """Four fields."""
    from xml.dom import minidom as dom

    def read(file: Path) -> Fields:
        root = dom.parse(str(file))  # noqa: S318 (own files)

        def first(name: str) -> str:
            found = root.getElementsByTagName(name)
            return found[0].firstChild.data.strip() if found and found[0].firstChild else ""

        return first("URI"), first("Description"), first("Interval"), first("Command")

    return _over(folder, read, _of_fields)


def xml_to_dict(folder: str) -> Callable[[], Any]:
    """All of it as a dictionary."""
    import xmltodict

    def key(read: dict[str, Any]) -> str:
        task = read["Task"]
        found = (task.get("Actions") or {}).get("Exec") or {}
        first = found[0] if isinstance(found, list) else found
        return ((task.get("RegistrationInfo") or {}).get("URI") or "") + "\n" + (first.get("Command") or "")

    return _over(folder, lambda file: xmltodict.parse(file.read_bytes()), key)


def dissect_parsed(folder: str) -> Callable[[], Any]:
    """A file's tasks, with their actions and triggers, and no records of them."""
    from dissect.target.plugins.os.windows.tasks.xml import ScheduledTasks

    def read(file: Path) -> None:
        for task in ScheduledTasks(file).tasks:
            list(task.get_actions())
            list(task.get_triggers())

    return _those_that_can_be_read(folder, read)


def dissect_records(folder: str) -> Callable[[], Any]:
    """The records that the plugin `tasks` gives for a file."""
    from dissect.target.plugins.os.windows.tasks._plugin import TasksPlugin

    class OneFile(TasksPlugin):
        def __init__(self, file: Path) -> None:
            self.target, self.task_files = target, [file]

    # the least of a target that records are made for
    target = SimpleNamespace(_config=None, path=None, hostname="", domain="", datetime=SimpleNamespace(tzinfo=UTC))
    return _those_that_can_be_read(folder, lambda file: list(OneFile(file).tasks()))


def one_by_one(folder: str) -> Callable[[], Any]:
    """Read and drop; no list of all files is made either."""
    from taskanalysis.definition import read_task

    def paths() -> Iterator[Path]:
        for root, _, names in os.walk(folder):
            yield from (Path(root, name) for name in names)

    return lambda: sum(1 for _ in map(read_task, paths()))


def all_at_once(folder: str) -> Callable[[], Any]:
    """All definitions in a dictionary."""
    from taskanalysis.snapshot import read_tasks

    read_tasks(next(Path(folder).rglob("*.xml")))
    return lambda: _checksum(map(_of_definition, read_tasks(folder)[0].values()))


# Parts ---------------------------------------------------------------------------------------------------------------


def _files(folder: str) -> list[Path]:
    """All files in order, each read once, so that none is read from the disk while the time runs."""
    files = sorted(Path(folder).rglob("*.xml"))
    sum(len(file.read_bytes()) for file in files)
    return files


def _over(folder: str, read: Callable[[Path], Any], key: Callable[[Any], str] | None = None) -> Callable[[], Any]:
    """Work that reads each file, and sums up what `key` says of it."""
    files = _files(folder)
    for file in files[:20]:
        read(file)
    return lambda: _checksum(map(key or str, map(read, files))) if key else sum(1 for _ in map(read, files))


def _checksum(keys: Iterable[str]) -> list[int]:
    """How many there are, and a sum over all, whatever their order."""
    number = checksum = 0
    for key in keys:
        number, checksum = number + 1, checksum + crc32(key.encode())
    return [number, checksum]


def _of_definition(task: Any) -> str:
    commands = (action.command for action in task.actions if hasattr(action, "command"))
    return f"{task.uri}\n{next(commands, '')}"


def _of_fields(fields: Fields) -> str:
    return f"{fields[0]}\n{fields[3]}"


def _those_that_can_be_read(folder: str, read: Callable[[Path], object]) -> Callable[[], Any]:
    """Work that says how many files could be read; the package wants files that open as bytes."""

    class File(type(Path())):  # type: ignore[misc]
        def open(self, mode: str = "rb") -> Any:
            return super().open(mode)

    def is_read(file: Path) -> bool:
        try:
            read(file)
        except ValueError:
            return False
        return True

    files = [File(file) for file in _files(folder)]
    sum(map(is_read, files[:20]))
    return lambda: sum(map(is_read, files))
