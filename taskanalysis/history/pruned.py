r"""The list of pruned snapshots in ``history/pruned.json``: the files of their days alone have what they showed.

    {"sha256": "…", "pruned": {"OPENDATA01": {"2025-01-31": ["20250131T050200Z"]}}}

Authority: the format is ours. The digest is that of the list, so that a damaged list is noticed; lists of earlier
versions have none.

>>> import tempfile
>>> with tempfile.TemporaryDirectory() as share:
...     write_pruned(Path(share), {("OPENDATA01", "2025-01-31"): ["20250131T050200Z"]})
...     read_pruned(Path(share))
{('OPENDATA01', '2025-01-31'): ['20250131T050200Z']}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from taskanalysis.definition import MOST_OWN_BYTES, read_bytes
from taskanalysis.errors import SnapshotError, reason_of
from taskanalysis.snapshot import stamped, write_whole
from taskanalysis.text import clip

PRUNED = "pruned.json"
Listed = dict[str, dict[str, list[str]]]
"""Names of snapshots, by server and day."""


def read_pruned(data: Path, server: str | None = None) -> dict[tuple[str, str], list[str]]:
    """The names of the pruned snapshots of each server and day (``2026-11-23``), of all servers or of one.

    SnapshotError where the list can't be read, is not as it was written, or names a snapshot of another day.
    """
    try:
        content = json.loads(read_bytes(data / "history" / PRUNED, MOST_OWN_BYTES))
        listed = content if "sha256" not in content else _checked(content)
        found = {(name, day): names for name, days in listed.items() for day, names in days.items()}
        for (_, day), names in found.items():
            _check_names(day, names)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, AttributeError, TypeError, KeyError, RecursionError) as error:
        raise SnapshotError(f"history/{PRUNED} can't be read ({clip(reason_of(error), 160)})") from None
    return {day: names for day, names in found.items() if server is None or day[0].casefold() == server.casefold()}


def write_pruned(data: Path, pruned: Mapping[tuple[str, str], Sequence[str]]) -> None:
    """Replace the list."""
    listed: Listed = {}
    for (server, day), names in sorted(pruned.items()):
        listed.setdefault(server, {})[day] = sorted(names)
    content = json.dumps({"sha256": _digest(listed), "pruned": listed}, indent=1)
    write_whole(data / "history" / PRUNED, content.encode())


def _checked(content: Mapping[str, Any]) -> Listed:
    listed: Listed = content["pruned"]
    if _digest(listed) != content["sha256"]:
        raise ValueError("it has changed since it was written")
    return listed


def _digest(listed: Listed) -> str:
    return hashlib.sha256(json.dumps(listed, sort_keys=True).encode()).hexdigest()


def _check_names(day: str, names: Sequence[str]) -> None:
    """ValueError unless these are the names of snapshots of a day."""
    of_day = date.fromisoformat(day)
    for name in names:
        taken_at = stamped(name)
        if taken_at is None or taken_at.date() != of_day or str(of_day) != day:
            raise ValueError(f"'{clip(str(name))}' is no snapshot of {clip(day)}")
