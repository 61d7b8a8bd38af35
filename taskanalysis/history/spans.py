r"""Spans: the status of a task, and the first and last snapshot of a day between which it did not change.

`expand` restores the observations of a span. Rows are a table of whole numbers, so that a day of a server is processed
at once; `first` and `last` are positions in the list of snapshots, `NONE` means "not known".

Authority for ``status.csv``: `snapshot.read_statuses`, the strict reader. `regular` checks each distinct text once,
with the same functions; it leaves a file that is irregular in any way, and its problems, to the strict reader.

>>> ready = [3, 1, 0, *[NONE] * 5]
>>> rows = np.array([[0, n, n, *ready] for n in (0, 1, 3)])
>>> merged(rows)[:, :3].tolist()
[[0, 0, 1], [0, 3, 3]]
>>> regular([b"Path,State,Enabled,LastRunTime,LastTaskResult,NextRunTime,NumberOfMissedRuns\r\n\\A,Ready,,,,,\r\n"])[1]
['\\A']
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import csv

from taskanalysis.schedule import microseconds
from taskanalysis.snapshot import STATES, STATUS_HEADER, Status, aware, check_path, status_of

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Rows = Numbers  # of WIDTH columns

NONE: int = np.iinfo(np.int64).min
PATH, FIRST, LAST = range(3)
MOMENT = pa.timestamp("us", "UTC")
TEXT = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [
        ("task_path", TEXT),
        ("first_seen", MOMENT),
        ("last_seen", MOMENT),
        ("state", TEXT),
        ("enabled", pa.bool_()),
        ("last_run", MOMENT),
        ("never_ran", pa.bool_()),
        ("last_result", pa.uint32()),
        ("next_run", MOMENT),
        ("never_next", pa.bool_()),
        ("missed_runs", pa.uint32()),
    ]
)
VALUES = SCHEMA.names[3:]
WIDTH = len(SCHEMA.names)


@dataclass(frozen=True, slots=True)
class Observed:
    """Spans as arrays, sorted by task and time; `NONE` is not known.

    `times` are the moments of all snapshots and `offsets` the UTC offsets of local time then, both in microseconds;
    `task` is a number for server and path, `first` and `last` are positions in `times`.
    """

    times: Numbers
    offsets: Numbers
    task: Numbers
    first: Numbers
    last: Numbers
    state: Numbers
    enabled: Numbers
    last_run: Numbers
    last_result: Numbers


def differs(values: npt.NDArray[Any]) -> Flags:
    """Whether each value differs from the one before; the first one does."""
    flags = np.ones(len(values), bool)
    flags[1:] = values[1:] != values[:-1]
    return flags


def blocks(*keys: npt.NDArray[Any]) -> tuple[Numbers, Numbers]:
    """First and last row of each block of consecutive rows with equal keys.

    >>> [rows.tolist() for rows in blocks(np.array([7, 7, 8]))]
    [[0, 2], [1, 2]]
    """
    begins = np.flatnonzero(np.logical_or.reduce([differs(key) for key in keys]))
    return begins, np.append(begins[1:], len(keys[0]))[: len(begins)] - 1


def in_order(codes: Numbers, texts: Sequence[str]) -> tuple[Numbers, list[str]]:
    """Renumber codes of `texts`, which may repeat, as codes of a sorted list of the texts in use.

    >>> codes, texts = in_order(np.array([2, 0, 3]), ["b", "unused", "a", "b"])
    >>> codes.tolist(), texts
    ([0, 1, 1], ['a', 'b'])
    """
    used = np.flatnonzero(np.bincount(codes)).tolist()
    ordered = sorted({texts[code] for code in used})
    rank = {text: number for number, text in enumerate(ordered)}
    place = np.zeros(len(texts), np.int64)
    place[used] = [rank[texts[code]] for code in used]
    return place[codes], ordered


def merged(rows: Rows) -> Rows:
    """Sort rows by task and time, and merge consecutive ones with equal values."""
    rows = rows[np.lexsort((rows[:, FIRST], rows[:, PATH]))]
    new = differs(rows[:, PATH])
    before, after = rows[:-1], rows[1:]
    new[1:] |= (after[:, FIRST] != before[:, LAST] + 1) | (after[:, 3:] != before[:, 3:]).any(axis=1)
    begins, ends = blocks(np.cumsum(new))
    spans = rows[begins]
    spans[:, LAST] = rows[ends, LAST]
    return spans


def moved(rows: Rows, places: Numbers) -> Rows:
    """Move rows to new positions of their snapshots: `places` for each old one, -1 where it was removed.

    A span is split where a new snapshot lies inside. Moving spans takes 0.6 ms for 500 tasks and 95 snapshots, moving
    their observations 4 ms.

    >>> row = np.array([[0, 0, 2, *[NONE] * 8]])
    >>> moved(row, np.array([0, 1, 3]))[:, :3].tolist(), moved(row, np.array([-1, 0, -1]))[:, :3].tolist()
    ([[0, 0, 1], [0, 3, 3]], [[0, 0, 0]])
    """
    kept = np.flatnonzero(places >= 0)
    first = np.searchsorted(kept, rows[:, FIRST])
    last = np.searchsorted(kept, rows[:, LAST], "right") - 1
    there = first <= last
    rows, first, last = rows[there], first[there], last[there]
    goal = places[kept]
    begins, ends = blocks(goal - np.arange(len(goal)))  # with nothing new inside
    block = np.repeat(np.arange(len(begins)), ends - begins + 1)
    span, piece = expand(block[first], block[last])
    pieces = rows[span]
    pieces[:, FIRST] = np.maximum(goal[first[span]], goal[begins[piece]])
    pieces[:, LAST] = np.minimum(goal[last[span]], goal[ends[piece]])
    return pieces


def expand(first: npt.NDArray[Any], last: npt.NDArray[Any]) -> tuple[Numbers, Numbers]:
    """For each observation in spans from `first` to `last`, the number of its span and the position of its snapshot.

    >>> [numbers.tolist() for numbers in expand(np.array([0, 5]), np.array([2, 5]))]
    [[0, 0, 0, 1], [0, 1, 2, 5]]
    """
    lengths = (last - first + 1).astype(np.int64)
    span = np.repeat(np.arange(len(first)), lengths)
    return span, np.arange(len(span)) + (first + lengths - np.cumsum(lengths))[span]


# Statuses -------------------------------------------------------------------------------------------------------------

_CELLS = {1: 0, 2: 1, 3: 2, 4: 4, 5: 5, 6: 7}
"""Cells of a row of ``status.csv``: the index in `VALUES`. Times have two, as they may be "never"."""
_TIMES = {3, 5}
_HEADER = re.compile(",".join(STATUS_HEADER).encode() + rb"\r?\n")


def _values_of(status: Status) -> list[int]:
    """The values of a status as whole numbers, in the order of `VALUES`."""
    return [
        NONE if status.state is None else STATES.index(status.state),
        NONE if status.enabled is None else int(status.enabled),
        *_moment(status.last_run),
        NONE if status.last_result is None else status.last_result,
        *_moment(status.next_run),
        NONE if status.missed_runs is None else status.missed_runs,
    ]


def _moment(value: object) -> tuple[int, int]:
    """Microseconds and whether it is "never"."""
    if isinstance(value, datetime):
        return microseconds(value), 0
    return NONE, NONE if value is None else 1


def rows_of(statuses: Sequence[Status]) -> tuple[Rows, list[str]]:
    """Statuses of one snapshot as rows, all at position 0, and the paths that PATH numbers."""
    rows = np.zeros((len(statuses), WIDTH), np.int64)
    for number, status in enumerate(statuses):
        rows[number, 3:] = _values_of(status)
    rows[:, PATH] = np.arange(len(statuses))
    return rows, [status.path for status in statuses]


def regular(contents: Sequence[bytes]) -> tuple[Rows, list[str]] | None:
    """The rows of several files, FIRST and LAST the number of the file; None where one is irregular, or all empty."""
    headers = [_HEADER.match(content) for content in contents]
    bodies = [content[head.end() :] for head, content in zip(headers, contents, strict=True) if head]
    if len(bodies) < len(contents) or not any(bodies) or not all(body.endswith(b"\n") for body in bodies if body):
        return None
    counts = [body.count(b"\n") for body in bodies]
    try:
        cells = _cells(b"".join(bodies))
        which, paths = numbers(cells, "Path"), categories(cells, "Path")
        for path in paths:
            check_path(path)
        values = [_checked(cells, number, value) for number, value in _CELLS.items()]
    except (ValueError, pa.ArrowException):
        return None
    files = np.repeat(np.arange(len(contents)), counts)
    if len(which) != len(files) or not differs(np.sort(files * len(paths) + which)).all():
        return None  # a line break within quotes, a path twice
    return np.column_stack([which, files, files, *values]), paths


def _cells(body: bytes) -> pa.Table:
    return csv.read_csv(
        pa.BufferReader(body),
        read_options=csv.ReadOptions(column_names=STATUS_HEADER, use_threads=False, block_size=len(body) + 1),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(STATUS_HEADER, TEXT), strings_can_be_null=False, auto_dict_max_cardinality=2**30
        ),
    )


def _checked(cells: pa.Table, number: int, value: int) -> Rows:
    """The values of a column; ValueError where the strict reader raises it. Each distinct text is converted once."""
    name = STATUS_HEADER[number]
    texts = categories(cells, name)
    made: list[Any]
    if number in _TIMES:  # most texts, so without the rest of a row
        made = [_moment(aware(text) if text not in ("", "never") else text or None) for text in texts]
    else:
        rows = (["\\a", *[""] * (number - 1), text, *[""] * (6 - number)] for text in texts)
        made = [_values_of(status_of(row))[value] for row in rows]
    return np.array(made, np.int64)[numbers(cells, name)]


# Arrow ----------------------------------------------------------------------------------------------------------------


def to_table(rows: Rows, paths: Sequence[str], times: Numbers) -> pa.Table:
    """Rows as an Arrow table for storage; PATH indexes `paths`, FIRST and LAST index `times` (microseconds)."""
    columns = [
        pa.DictionaryArray.from_arrays(pa.array(rows[:, PATH], pa.int32()), pa.array(paths, pa.string())),
        pa.array(times[rows[:, FIRST]]).cast(MOMENT),
        pa.array(times[rows[:, LAST]]).cast(MOMENT),
    ]
    for number, name in enumerate(VALUES, 3):
        values = pa.array(rows[:, number], mask=rows[:, number] == NONE)
        if name == "state":
            columns.append(pa.DictionaryArray.from_arrays(values.cast(pa.int32()), pa.array(STATES, pa.string())))
        else:
            columns.append(values.cast(SCHEMA.field(name).type))
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def to_rows(table: pa.Table, times: Numbers) -> tuple[Rows, list[str]]:
    """The reverse of `to_table`: rows and paths."""
    rows = np.empty((table.num_rows, WIDTH), np.int64)
    for number, name in enumerate(SCHEMA.names):
        rows[:, number] = numbers(table, name)
    rows[:, FIRST] = np.searchsorted(times, rows[:, FIRST])
    rows[:, LAST] = np.searchsorted(times, rows[:, LAST])
    return rows, categories(table, "task_path")


def numbers(table: pa.Table, name: str) -> Numbers:
    """A column as whole numbers: codes of text, `NONE` where not known."""
    if not table.num_rows:
        return np.empty(0, np.int64)
    column = table.column(name).combine_chunks()
    if pa.types.is_dictionary(column.type):
        column = column.indices
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    column = column.cast(pa.int64())
    # fill_null and to_numpy import pandas, which a process that only checks files does without
    column = column.fill_null(NONE) if column.null_count else column
    return np.frombuffer(column.buffers()[1], np.int64, len(column), 8 * column.offset)


def categories(table: pa.Table, name: str) -> list[str]:
    """The texts of a column, which the codes of `numbers` index."""
    texts: list[str] = table.column(name).combine_chunks().dictionary.to_pylist() if table.num_rows else []
    return texts
