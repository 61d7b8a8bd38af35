r"""What the files that a task starts say of its failures.

>>> from datetime import UTC, datetime
>>> now = datetime(2026, 11, 23, 6, tzinfo=UTC)
>>> old = ProgramFile("\\Load", 1, "script", "D:/load.py", exists=True, sha256="a" * 64)
>>> new = old._replace(modified=now - timedelta(minutes=40), sha256="b" * 64)
>>> changed_file([new], Past(last_success=now - timedelta(days=1), failing_since=now), lambda at: [old])
' Its script load.py changed 40 minutes before.'
"""

from __future__ import annotations

import ntpath
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from operator import itemgetter

from taskanalysis.definition import Duration
from taskanalysis.health.past import Past
from taskanalysis.history import History
from taskanalysis.snapshot import ProgramFile

FilesAt = Callable[[datetime], Iterable[ProgramFile]]
"""The files of tasks as they were last seen up to a moment (aware)."""


def files_at(history: History, server: str) -> FilesAt:
    """The files of a server's tasks, read when they are asked for."""
    return lru_cache(maxsize=16)(lambda at: history.files(server, at))


def changed_file(files: Sequence[ProgramFile], past: Past, files_at: FilesAt) -> str:
    """The last of these files that changed between the last good run and the first bad one, as a sentence; else "".

    A file has changed where its content differs from what was seen before it was written.
    """
    if not past.last_success or not past.failing_since:
        return ""
    times = [(file.modified, file) for file in files if file.modified]
    written = [(at, file) for at, file in times if past.last_success < at <= past.failing_since]
    for at, file in sorted(written, key=itemgetter(0), reverse=True):
        before = {old.sha256 for old in files_at(at) if (old.path, old.file) == (file.path, file.file)}
        if not file.sha256 or not before or before & {"", file.sha256}:
            continue
        minutes = (past.failing_since - at) // timedelta(minutes=1)
        ago = Duration(delta=timedelta(minutes=minutes)).words() if minutes else "just"
        return f" Its {file.role} {ntpath.basename(file.file)} changed {ago} before."
    return ""
