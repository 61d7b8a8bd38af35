r"""Many ``status.csv`` at once, as rows of whole numbers.

Authority: `status.read_statuses`, the strict reader. Each distinct text is checked by the same functions, once; a file
that is not regular in any way is read by it alone, row by row, with its problems.

>>> regular([b"Path,State,Enabled,LastRunTime,LastTaskResult,NextRunTime,NumberOfMissedRuns\r\n\\A,Ready,,,,,\r\n"])[1]
['\\A']
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import csv

from taskanalysis.history.spans import NONE, PATH, WIDTH, Rows, row_of
from taskanalysis.schedule import microseconds
from taskanalysis.snapshot import STATUS_HEADER, Status, _status, aware

__all__ = ["regular", "rows_of"]

_HEADER = re.compile(",".join(STATUS_HEADER).encode() + rb"\r?\n")
_TEXT = pa.dictionary(pa.int32(), pa.string())


def rows_of(statuses: Sequence[Status]) -> tuple[Rows, list[str]]:
    """Statuses of one snapshot as rows, all at position 0, and the paths that they count."""
    rows = np.zeros((len(statuses), WIDTH), np.int64)
    for number, status in enumerate(statuses):
        rows[number, 3:] = row_of(status)
    rows[:, PATH] = np.arange(len(statuses))
    return rows, [status.path for status in statuses]


def regular(contents: Sequence[bytes]) -> tuple[Rows, list[str]] | None:
    """The rows of several files, `FIRST` and `LAST` the number of the file; None where one is not regular."""
    headers = [_HEADER.match(content) for content in contents]
    bodies = [content[head.end() :] for head, content in zip(headers, contents, strict=True) if head]
    if len(bodies) < len(contents) or not all(body.endswith(b"\n") for body in bodies if body):
        return None
    counts = [body.count(b"\n") for body in bodies]
    try:
        cells = _cells(b"".join(bodies))
        which, paths = _distinct(cells.column(0))
        for path in paths:
            _status([path, *[""] * 6])
        values = [_checked(cells.column(number), check) for number, check in enumerate(_CHECKS, 1)]
    except (ValueError, pa.ArrowException):
        return None
    files = np.repeat(np.arange(len(contents)), counts)
    if len(which) != len(files) or len(np.unique(files * max(len(paths), 1) + which)) < len(files):
        return None  # a line break within quotes, a path twice
    return np.column_stack([which, files, files, *values]), paths


def _cells(body: bytes) -> pa.Table:
    if not body:
        return pa.table({name: pa.array([], _TEXT) for name in STATUS_HEADER})
    return csv.read_csv(
        pa.BufferReader(body),
        read_options=csv.ReadOptions(column_names=STATUS_HEADER, use_threads=False, block_size=len(body) + 1),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(STATUS_HEADER, _TEXT), strings_can_be_null=False, auto_dict_max_cardinality=2**30
        ),
    )


def _distinct(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], list[str]]:
    """The distinct texts of a column, and for each cell which of them it is."""
    if not len(column):
        return np.empty(0, np.int64), []
    cells = column.combine_chunks()
    return cells.indices.to_numpy().astype(np.int64), cells.dictionary.to_pylist()


def _checked(column: pa.ChunkedArray, check: Callable[[str], Sequence[int]]) -> npt.NDArray[np.int64]:
    """Each distinct text through `check`, which raises ValueError as the strict reader does."""
    which, texts = _distinct(column)
    known = np.array([check(text) for text in texts or [""]], np.int64)
    return known[which]


def _state(text: str) -> Sequence[int]:
    return row_of(_status(["\\a", text, *[""] * 5]))[:1]


def _enabled(text: str) -> Sequence[int]:
    return row_of(_status(["\\a", "", text, *[""] * 4]))[1:2]


def _moment(text: str) -> Sequence[int]:
    if text in ("", "never"):
        return NONE, 1 if text else NONE
    return microseconds(aware(text)), 0


def _number(text: str) -> Sequence[int]:
    return row_of(_status(["\\a", "", "", "", text, "", ""]))[4:5]


_CHECKS = (_state, _enabled, _moment, _number, _moment, _number)
