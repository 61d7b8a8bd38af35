r"""What tasks run and what they last wrote, beside their definitions: ``programs.csv``, ``scripts/`` and ``logs/``.

Authority: the files are ours (``data/README.md``). They are evidence: a definition is whole without them, and one that
can't be read is a problem.

>>> row = ProgramFile(r"\Load", 1, "script", r"D:\load.py", exists=True, size=12)
>>> write_programs([row]).decode().splitlines()[1]
'\\Load,1,script,D:\\load.py,true,12,,'
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from taskanalysis.definition import read_bytes, without_mark
from taskanalysis.errors import Problem
from taskanalysis.snapshot.pages import decode_page
from taskanalysis.snapshot.paths import file_name, long_path, write_whole
from taskanalysis.snapshot.status import aware, check_path, take_rows, with_offset
from taskanalysis.text import brief

PROGRAMS_HEADER = ("Path", "Action", "Role", "File", "Exists", "Size", "Modified", "Sha256")
ROLES = ("program", "script")
MOST_SCRIPT_BYTES = 2**20
"""Larger files are no scripts that somebody wrote; they are not kept."""


class ProgramFile(NamedTuple):
    """A file that an action of a task starts, as the collector saw it.

    `action` is its place among the task's actions, from 1; `file` its whole path where that is known, else what the
    action says; `exists` is None where nobody looked or could tell; `modified` is aware; `sha256` is "" where the file
    was not read.
    """

    path: str
    action: int
    role: str
    file: str
    exists: bool | None = None
    size: int | None = None
    modified: datetime | None = None
    sha256: str = ""

    def __repr__(self) -> str:
        """One masked line: task path, role, file, and whether it exists."""
        exists = {None: "not known whether it exists", True: "exists", False: "does not exist"}[self.exists]
        return brief("ProgramFile", self.path, self.role, self.file, exists)


def write_programs(rows: Iterable[ProgramFile]) -> bytes:
    """The content of a ``programs.csv``; SnapshotError where a time has no offset."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(PROGRAMS_HEADER)
    for row in rows:
        exists = "" if row.exists is None else str(row.exists).lower()
        modified = with_offset(row.modified).isoformat(timespec="seconds") if row.modified else ""
        writer.writerow([row.path, row.action, row.role, row.file, exists, row.size, modified, row.sha256])
    return out.getvalue().encode("utf-8", "backslashreplace")


def read_programs(file: Path, sha256: str, problems: list[Problem]) -> list[ProgramFile]:
    """The rows of a ``programs.csv``, none where it was changed; errors are added to `problems`."""
    found: list[ProgramFile] = []
    take_rows(file, PROGRAMS_HEADER, lambda row: found.append(_program_of(row)), problems, sha256, believed=False)
    return found


def _program_of(row: list[str]) -> ProgramFile:
    if len(row) != len(PROGRAMS_HEADER):
        raise ValueError(f"has {len(row)} cells instead of {len(PROGRAMS_HEADER)}")
    path, action, role, file, exists, size, modified, sha256 = row
    check_path(path)
    if role not in ROLES or exists not in _EXISTS or not re.fullmatch(r"[0-9a-f]{64}|", sha256):
        raise ValueError(f"role '{role}', exists '{exists}' or the sha256 is not known")
    moment = aware(modified) if modified else None
    return ProgramFile(path, int(action), role, file, _EXISTS[exists], int(size) if size else None, moment, sha256)


def by_task(rows: Iterable[ProgramFile]) -> dict[str, list[ProgramFile]]:
    """The rows of each task, by its path."""
    found: dict[str, list[ProgramFile]] = {}
    for row in rows:
        found.setdefault(row.path, []).append(row)
    return found


_EXISTS = {"": None, "true": True, "false": False}


# Scripts --------------------------------------------------------------------------------------------------------------


def script_place(share: Path, sha256: str) -> Path:
    """Where a share keeps a script.

    >>> script_place(Path("data"), "ab12").as_posix()
    'data/scripts/ab/ab12'
    """
    return long_path(share) / "scripts" / sha256[:2] / sha256


def keep_script(share: Path, content: bytes) -> None:
    """Keep a script by its hash; one that is there already is not written again, unless it is damaged."""
    sha256 = hashlib.sha256(content).hexdigest()
    if kept_script(share, sha256) is None:
        write_whole(script_place(share, sha256), content)


def kept_script(share: Path, sha256: str) -> bytes | None:
    """A script that a share keeps; None where it is not there, can't be opened, or was changed."""
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        return None
    with suppress(OSError, ValueError):
        content = read_bytes(script_place(share, sha256), MOST_SCRIPT_BYTES)
        if hashlib.sha256(content).hexdigest() == sha256:
            return content
    return None


def stored_script(share: Path, start: str) -> bytes | None:
    """The script that a share keeps whose sha256 begins so; None where it is none, or not the only one."""
    names = []
    with suppress(OSError):
        names = [name for name in os.listdir(script_place(share, start).parent) if name.startswith(start)]  # noqa: PTH208
    return kept_script(share, names[0]) if start and len(names) == 1 else None


def text_of(content: bytes) -> str:
    r"""Text of any encoding that Windows writes, cut at both ends or not: UTF-16, UTF-8 or the page that reads best.

    By byte order mark, then the places of NULs, then UTF-8, where more of its characters are right than wrong. Runs of
    NULs, with which a crash fills a file, are left out. NULs at even places are those of UTF-16LE that was cut within a
    character; Western text of UTF-16BE reads the same.

    >>> text_of("Löad".encode("utf-16-le")), text_of("Löad".encode()), text_of("Löad".encode("cp850"))
    ('Löad', 'Löad', 'Löad')
    """
    encoding, rest = without_mark(content)
    if encoding in ("", "utf-16-le", "utf-16-be"):
        pairs = _FILL.sub(lambda run: b"\0" * (len(run[0]) % 2), rest)  # what is a pair stays one
        even, odd = pairs[::2].count(0), pairs[1::2].count(0)
        if not encoding and _are_high_bytes(even, odd, len(pairs)):
            encoding, pairs = "utf-16-le", pairs[1:] + b"\0"
        if encoding or _are_high_bytes(odd, even, len(pairs)):
            return pairs[: len(pairs) // 2 * 2].decode(encoding or "utf-16-le", "replace")
    rest = _FILL.sub(b"", rest)
    text = _decoder(encoding or "utf-8")("replace").decode(re.sub(rb"\A[\x80-\xbf]{1,3}", b"", rest))
    wrong = text.count("\ufffd")
    right = len(text) - wrong - sum(map(str.isascii, text))
    return text if encoding or right > wrong or not wrong else decode_page(rest)


_FILL = re.compile(rb"\0{4,}")
_decoder = codecs.getincrementaldecoder  # it leaves a cut character at the end alone


def _are_high_bytes(zeros: int, others: int, length: int) -> bool:
    """Whether NULs at every second place, and `others` between them, are those of UTF-16: many, or many enough."""
    return zeros > 4 * others and (zeros * 4 > length or (zeros >= 8 and zeros * 16 > length))


def is_evidence(name: str) -> bool:
    """Whether a file of a snapshot (its posix path) is evidence, which no restore needs."""
    return name == "programs.csv" or name.startswith("logs/")


# Logs -----------------------------------------------------------------------------------------------------------------


def log_name(path: str) -> str:
    r"""Where the end of a task's log lies below its snapshot, as a posix path.

    >>> log_name(r"\OpenData\Load")
    'logs/OpenData/Load.txt'
    """
    return f"logs/{file_name(path).removesuffix('.xml')}.txt"


def said_last(log: str) -> str:
    r"""The line of a log that says most: what a Python traceback ends with, else the last line that is not empty.

    >>> said_last("Traceback (most recent call last):\n  File 1\nValueError: no rows\n\nbye\n"), said_last("a\n b\n")
    ('ValueError: no rows', 'b')
    """
    *_, last = log.split("Traceback (most recent call last):\n")
    lines = [line for line in last.splitlines() if line.strip()]
    if last != log:
        lines = [line for line in lines if not line[0].isspace()][:1] or lines
    return lines[-1].strip() if lines else ""
