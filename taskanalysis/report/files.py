"""Tables as files: CSV that spreadsheets read and that runs nothing in them.

>>> save({}, "")
[]
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from numbers import Integral
from pathlib import Path
from typing import Any

import pandas as pd

from taskanalysis import __version__
from taskanalysis.snapshot import Snapshot, write_whole
from taskanalysis.text import mask

__all__ = ["save", "save_status"]


def save(frames: Mapping[str, pd.DataFrame], folder: str | Path) -> list[Path]:
    """Write each frame as ``<name>.csv``, beside its place and renamed; returns the files. A `folder` "" writes none.

    UTF-8 with byte order mark, so that spreadsheets read it; a text that a spreadsheet would take for a formula gets
    one leading apostrophe; times are ISO 8601 with their offset.
    """
    if not folder:
        return []
    files = []
    for name, frame in frames.items():
        file = Path(folder) / f"{name}.csv"
        text = frame.astype(object).map(_csv_cell).to_csv(index=False, lineterminator="\r\n")
        write_whole(file, text.encode("utf-8-sig"))
        files.append(file)
    return files


def save_status(
    snapshot: Snapshot,
    frames: Mapping[str, pd.DataFrame],
    folder: str | Path,
    *,
    made_at: datetime,
    stale_after: datetime,
) -> list[Path]:
    """Write ``status.json`` from the frames `status`, `incidents` and `problems`, as `save` writes; returns the files.

    Its keys are listed in ``data/README.md``; unknown values are null, times ISO 8601 with their offset.
    """
    if not folder:
        return []
    tables = {
        name: [dict(zip(frame.columns, map(_plain, row), strict=True)) for row in frame.itertuples(index=False)]
        for name, frame in frames.items()
    }
    zone = snapshot.local_time.tzinfo
    content = {
        "format": 1,
        "version": __version__,
        "server": mask(snapshot.server),
        "taken_at": snapshot.local_time.isoformat(timespec="seconds"),
        "made_at": made_at.astimezone(zone).isoformat(timespec="seconds"),
        "stale_after": stale_after.astimezone(zone).isoformat(timespec="seconds"),
        "zone": snapshot.zone,
        "counts": frames["status"]["verdict"].value_counts().to_dict(),
        "tasks": tables["status"],
        "incidents": tables["incidents"],
        "problems": tables["problems"],
    }
    file = Path(folder) / "status.json"
    write_whole(file, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode("utf-8"))
    return [file]


def _plain(value: Any) -> Any:
    """A cell as JSON has it."""
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, str) and not value):
        return None
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return int(value) if isinstance(value, Integral) and not isinstance(value, bool) else value


# the last four are full-width, which some spreadsheets take for the same
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?(?:[eE][+-]?[0-9]+)?")


def _csv_cell(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula; lists joined, booleans in lower case.

    >>> [_csv_cell(value) for value in ("=1+1", "-5", -5, "@SUM", True, "a=b")]
    ["'=1+1", '-5', -5, "'@SUM", 'true', 'a=b']
    """
    if isinstance(value, list):
        value = "; ".join(map(str, value))
    if value is pd.NaT or value is pd.NA:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value.startswith(FORMULA) and not _NUMBER.fullmatch(value):
        return "'" + value
    return value
