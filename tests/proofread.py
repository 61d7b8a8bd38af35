"""List the sentences of all task definitions in a folder, and of tests/files/triggers, for an editor to read.

    .venv/bin/python -m tests.proofread [FOLDER] [--at 2026-11-23T06:02:00-05:00] > sentences.txt

A line has a file's path, a tab and a sentence. A file with several tasks has several lines, one without a task has
none; a task that can't be read has its error. `--at` is the moment of reading: it decides whether a trigger has ended.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from taskanalysis.definition import TaskDefinition, describe, read_many, read_task
from taskanalysis.errors import TaskXmlError
from taskanalysis.text import one_line
from tests import build

TRIGGERS = build.FILES / "triggers"


def expectation(file: Path) -> dict[str, str]:
    """What the comment before the root element says: About, Says and so on."""
    (comment,) = re.findall(r"\A<!--\n(.*?)-->", file.read_text(encoding="utf-8"), re.DOTALL)
    return dict(line.split(": ", 1) for line in comment.splitlines())


def sentence(file: Path) -> str:
    """The sentence of a file of tests/files/triggers, read when its comment says."""
    at = expectation(file).get("At")
    return describe(read_task(file), at=datetime.fromisoformat(at) if at else None)


def sentences(folder: Path, at: datetime | None) -> Iterator[tuple[str, str]]:
    """Path and sentence of each task in a folder and all below it."""
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        try:
            tasks: list[TaskDefinition | TaskXmlError] = [task for _, task in read_many(file.read_bytes())]
        except (TaskXmlError, OSError) as error:
            yield str(file), f"(can't be read: {error})"
            continue
        for task in tasks:
            yield str(file), describe(task, at=at) if isinstance(task, TaskDefinition) else f"(can't be read: {task})"


def moment(text: str) -> datetime:
    """A moment of reading; without an offset, in the zone of this computer."""
    return datetime.fromisoformat(text).astimezone()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="folder of task XML")
    parser.add_argument("--at", type=moment, help="moment of reading")
    wanted = parser.parse_args()
    if wanted.folder and not wanted.folder.is_dir():
        parser.error(f"{wanted.folder} is not a folder")
    found = [(str(file.relative_to(build.ROOT)), sentence(file)) for file in sorted(TRIGGERS.glob("*.xml"))]
    found += sentences(wanted.folder, wanted.at) if wanted.folder else []
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    print("\n".join(f"{one_line(file)}\t{one_line(said)}" for file, said in found))


if __name__ == "__main__":
    main()
