r"""The long tables of the trends report as files, written a column at a time.

A quarter of a year of 500 tasks is a million rows, so that each distinct text is masked and quoted once, and the rows
are joined by Arrow. What the files look like is what `export.save` writes.

>>> zone = ZoneInfo("America/New_York")
>>> frame = pd.DataFrame({"task_path": ["=A"], "at": pd.to_datetime(["2026-11-23 11:02"], utc=True), "code": [1]})
>>> csv_bytes(frame, list(frame), zone).decode("utf-8-sig").splitlines()
['task_path,at,code', "'=A,2026-11-23T06:02:00-05:00,1"]
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from taskanalysis.columns import COLUMNS
from taskanalysis.errors import printable
from taskanalysis.export import _csv_cell, write_beside
from taskanalysis.masking import mask
from taskanalysis.trends import Trends

__all__ = ["csv_bytes", "save_trends"]

_ROWS = 100_000
"""Rows that are joined at once."""


def save_trends(trends: Trends, folder: str | Path) -> list[Path]:
    """Write ``runs.csv``, ``slots.csv`` and ``changes.csv`` of the window into a folder, "" for nowhere; returns them.

    Their columns are those of `COLUMNS`, times ISO 8601 in the server's zone, texts masked and safe in spreadsheets.
    """
    if not folder:
        return []
    frames: Mapping[str, pd.DataFrame] = {"runs": trends.runs, "slots": trends.slots, "changes": trends.changes}
    files = [Path(folder) / f"{name}.csv" for name in frames]
    for file, (name, frame) in zip(files, frames.items(), strict=True):
        write_beside(file, csv_bytes(frame, list(COLUMNS[name]), trends.zone))
    return files


def csv_bytes(frame: pd.DataFrame, columns: Sequence[str], zone: ZoneInfo) -> bytes:
    """These columns as CSV: UTF-8 with byte order mark, lines that end in CR and LF, aware times in `zone`."""
    parts = [(",".join(columns) + "\r\n").encode("utf-8-sig")]
    for begin in range(0, len(frame), _ROWS):
        cells = [_cells(frame[name].iloc[begin : begin + _ROWS], zone) for name in columns]
        lines = pc.binary_join_element_wise(*cells, ",").to_pylist()
        parts.append("\r\n".join([*lines, ""]).encode())
    return b"".join(parts)


def _cells(column: pd.Series, zone: ZoneInfo) -> pa.Array:
    """A column as it stands in the file; "" where a value is not known."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return _times(column, zone)
    if pd.api.types.is_numeric_dtype(column):
        return pa.array(column, from_pandas=True).cast(pa.string()).fill_null("")
    codes, texts = pd.factorize(column)
    known = pa.array([_text(text) for text in texts] or [""], pa.string())
    return known.take(pa.array(codes, mask=codes < 0)).fill_null("")


def _times(column: pd.Series, zone: ZoneInfo) -> pa.Array:
    moments = column.to_numpy(dtype="M8[s]")
    local = column.dt.tz_convert(zone).dt.tz_localize(None).to_numpy(dtype="M8[s]")
    unknown = np.isnat(moments)
    minutes = np.where(unknown, 0, (local - moments).astype(np.int64) // 60)
    offsets, which = np.unique(minutes, return_inverse=True)
    signs = [f"{'-' if each < 0 else '+'}{abs(each) // 60:02}:{abs(each) % 60:02}" for each in offsets.tolist()]
    texts = pa.array(np.datetime_as_string(local), mask=unknown)
    offset = pa.array(signs or [""], pa.string()).take(pa.array(which))
    return pc.binary_join_element_wise(texts, offset, "").fill_null("")


_NUMBERED = re.compile(r"\{?[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?|")
"""The number of a run in the event log, which each run has its own of: no secret, and no formula."""


def _text(text: object) -> str:
    if _NUMBERED.fullmatch(str(text)):
        return str(text)
    safe = str(_csv_cell(mask(printable(str(text)))))
    return '"' + safe.replace('"', '""') + '"' if any(mark in safe for mark in ',"\r\n') else safe
