r"""The long tables of the trends report as files, written a column at a time.

A quarter of a year of 500 tasks is a million rows, so that each distinct text is masked and quoted once, and the rows
are joined by Arrow. What the files look like is what `export.save` writes.

>>> zone = ZoneInfo("America/New_York")
>>> frame = pd.DataFrame({"task_path": ["=A"], "at": pd.to_datetime(["2026-11-23 11:02"], utc=True), "code": [1]})
>>> b"".join(csv_parts(frame, list(frame), zone)).decode("utf-8-sig").splitlines()
['task_path,at,code', "'=A,2026-11-23T06:02:00-05:00,1"]
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from taskanalysis.report.columns import COLUMNS
from taskanalysis.report.files import _csv_cell
from taskanalysis.report.trends import Trends
from taskanalysis.snapshot import write_whole
from taskanalysis.text import mask, printable

__all__ = ["csv_parts", "save_trends"]

_ROWS = 100_000
"""Rows that are joined at once."""


def save_trends(trends: Trends, folder: str | Path) -> list[Path]:
    """Write ``runs.csv``, ``slots.csv`` and ``changes.csv`` of the window into a folder, "" for nowhere; returns them.

    Their columns are those of `COLUMNS`, times ISO 8601 in the server's zone, texts masked and safe in spreadsheets.
    """
    if not folder:
        return []
    frames: Mapping[str, pd.DataFrame] = {"runs": trends.runs, "slots": trends.slots, "changes": trends.changes}

    def save(name: str) -> Path:
        file = Path(folder) / f"{name}.csv"
        write_whole(file, *csv_parts(frames[name], list(COLUMNS[name]), trends.zone))
        return file

    with ThreadPoolExecutor() as pool:  # Arrow and the disk leave Python free for the other files
        return list(pool.map(save, frames))


def csv_parts(frame: pd.DataFrame, columns: Sequence[str], zone: ZoneInfo) -> Iterator[bytes | memoryview]:
    """These columns as CSV: UTF-8 with byte order mark, lines that end in CR and LF, aware times in `zone`."""
    yield (",".join(columns) + "\r\n").encode("utf-8-sig")
    cells = [_cells(frame[name], zone) for name in columns]
    for begin in range(0, len(frame), _ROWS):
        yield _lines([column.slice(begin, _ROWS).dictionary_decode() for column in cells])


def _lines(columns: Sequence[pa.StringArray]) -> memoryview:
    """The rows of these columns: the text that Arrow keeps of joined ones, end to end."""
    rows = pc.binary_join_element_wise(*columns[:-1], pc.binary_join_element_wise(columns[-1], "\r\n", ""), ",")
    return memoryview(rows.buffers()[2])


def _cells(column: pd.Series, zone: ZoneInfo) -> pa.DictionaryArray:
    """A column as it stands in the file, each distinct value written once; "" where one is not known."""
    codes, values = pd.factorize(column)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        texts = _times(pd.Series(values), zone)
    elif pd.api.types.is_numeric_dtype(values.dtype):
        texts = pa.array(values, from_pandas=True).cast(pa.string())
    else:
        texts = pa.array([_text(text) for text in values], pa.string())
    known = pa.concat_arrays([texts, pa.array([""], pa.string())])
    return pa.DictionaryArray.from_arrays(np.where(codes < 0, len(values), codes), known)


def _times(moments: pd.Series, zone: ZoneInfo) -> pa.StringArray:
    local = moments.dt.tz_convert(zone).dt.tz_localize(None).to_numpy(dtype="M8[s]")
    minutes = (local - moments.to_numpy(dtype="M8[s]")).astype(np.int64) // 60
    which, offsets = pd.factorize(minutes)
    signs = [f"{'-' if each < 0 else '+'}{abs(each) // 60:02}:{abs(each) % 60:02}" for each in offsets.tolist()]
    offset = pa.array(signs, pa.string()).take(pa.array(which))
    texts = pc.binary_replace_slice(pa.array(local).cast(pa.string()), start=10, stop=11, replacement="T")
    return pc.binary_join_element_wise(texts, offset, "")


_NUMBERED = re.compile(r"\{?[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?|")
"""The number of a run in the event log, which each run has its own of: no secret, and no formula."""


def _text(text: object) -> str:
    if _NUMBERED.fullmatch(str(text)):
        return str(text)
    safe = str(_csv_cell(mask(printable(str(text)))))
    return '"' + safe.replace('"', '""') + '"' if any(mark in safe for mark in ',"\r\n') else safe
