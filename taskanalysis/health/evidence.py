r"""What the files that a task starts say of its failures.

>>> from datetime import UTC, datetime
>>> now = datetime(2026, 11, 23, 6, tzinfo=UTC)
>>> script = ProgramFile("\\Load", 1, "script", "D:/load.py", exists=True, modified=now - timedelta(minutes=40))
>>> changed_file([script], Past(last_success=now - timedelta(days=1), failing_since=now))
' Its script load.py changed 40 minutes before.'
"""

from __future__ import annotations

import ntpath
from collections.abc import Sequence
from datetime import timedelta

from taskanalysis.definition import Duration
from taskanalysis.health.past import Past
from taskanalysis.snapshot import ProgramFile


def changed_file(files: Sequence[ProgramFile], past: Past) -> str:
    """The last of these files that changed between the last good run and the first bad one, as a sentence; else ""."""
    if not past.last_success or not past.failing_since:
        return ""
    changed = [
        (file.modified, file)
        for file in files
        if file.modified and past.last_success < file.modified <= past.failing_since
    ]
    if not changed:
        return ""
    at, file = max(changed)
    minutes = (past.failing_since - at) // timedelta(minutes=1)
    ago = Duration(delta=timedelta(minutes=minutes)).words() if minutes else "just"
    return f" Its {file.role} {ntpath.basename(file.file)} changed {ago} before."
