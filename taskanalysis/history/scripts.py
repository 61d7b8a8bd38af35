r"""Scripts that changed between two snapshots, as their ``programs.csv`` show them.

>>> old = ProgramFile(r"\Load", 1, "script", r"D:\load.py", exists=True, size=12, sha256="a" * 64)
>>> how_it_changed(old, old._replace(exists=False))
'The script D:\\load.py is gone.'
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from taskanalysis.errors import Problem
from taskanalysis.snapshot import ProgramFile, long_path, read_programs, snapshot_folder

SHORT = 8
"""Digits of a sha256 that name a version of a script."""


class ChangedScript(NamedTuple):
    """A script of a task that changed: the snapshot that first shows it, both versions (`SHORT`), and what in words."""

    path: str
    at: int
    before: str
    after: str
    what: str


def changed_scripts(data: Path, server: str, stamps: Iterable[tuple[int, str, str]]) -> Iterator[ChangedScript]:
    """The scripts of a server that changed; `stamps` are snapshots in order: number, name, sha256 of programs.csv.

    One with "" did not look at any file. Each content is read once.
    """
    before: dict[tuple[str, str], ProgramFile] = {}
    last = ""
    for at, stamp, sha256 in stamps:
        if not sha256 or sha256 == last:
            continue
        last, rows = sha256, files_of(data, server, stamp, sha256)
        now = {(row.path, row.file): row for row in rows if row.role == "script" and row.exists is not None}
        for key, row in now.items():
            if key in before and (what := how_it_changed(before[key], row)):
                yield ChangedScript(row.path, at, before[key].sha256[:SHORT], row.sha256[:SHORT], what)
        before |= now


def files_of(data: Path, server: str, stamp: str, sha256: str) -> list[ProgramFile]:
    """What a snapshot says of the files of tasks; nothing where its programs.csv has not that sha256."""
    folder, problems = snapshot_folder(long_path(data) / "snapshots" / server, stamp), list[Problem]()
    return read_programs(folder / "programs.csv", sha256, problems)  # `history --verify` names what is damaged


def how_it_changed(old: ProgramFile, new: ProgramFile) -> str:
    """What happened to a script, as a sentence; "" where nothing is known to have."""
    if old.exists != new.exists:
        return f"The script {new.file} is {'there again' if new.exists else 'gone'}."
    known = old.sha256 and new.sha256
    if not new.exists or (old.sha256 == new.sha256 if known else (old.size, old.modified) == (new.size, new.modified)):
        return ""
    when = f" at {new.modified:%Y-%m-%d %H:%M}" if new.modified else ""
    return f"The script {new.file} was changed{when}."
