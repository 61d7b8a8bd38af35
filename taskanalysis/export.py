"""Tables as files: CSV that spreadsheets read and that runs nothing in them.

>>> save({}, "")
[]
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

__all__ = ["save"]


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
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_name(f".{file.name}.{os.getpid()}.tmp")
        try:
            frame.map(_csv_cell).to_csv(beside, index=False, encoding="utf-8-sig", lineterminator="\r\n")
            beside.replace(file)
        finally:
            beside.unlink(missing_ok=True)
        files.append(file)
    return files


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
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value.startswith(FORMULA) and not _NUMBER.fullmatch(value):
        return "'" + value
    return value
