r"""Spans: what a task's status was, and from which snapshot to which of a day it was unbroken the same.

A span holds as much as its observations: `expand` gives them back. Rows are a table of whole numbers, so that a day of
a server is handled at once. `first` and `last` are positions in the list of snapshots, `NONE` is "not known".

>>> ready = [0, 3, 1, 0, NONE, NONE, NONE, NONE, NONE, NONE]
>>> rows = np.array([[0, n, n, *ready[1:9]] for n in (0, 1, 3)])
>>> merged(rows)[:, :3].tolist()
[[0, 0, 1], [0, 3, 3]]
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]

from taskanalysis.schedule import microseconds
from taskanalysis.snapshot import STATES, Status

__all__ = [
    "FIRST",
    "LAST",
    "NONE",
    "PATH",
    "expand",
    "merged",
    "moved",
    "row_of",
    "to_rows",
    "to_table",
]

Rows = npt.NDArray[np.int64]

NONE: int = np.iinfo(np.int64).min
PATH, FIRST, LAST = range(3)
VALUES = ("state", "enabled", "last_run", "never_ran", "last_result", "next_run", "never_next", "missed_runs")
WIDTH = 3 + len(VALUES)
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


def row_of(status: Status) -> list[int]:
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


def merged(rows: Rows) -> Rows:
    """Rows in the order of task and time, those that follow each other with equal values made one."""
    rows = rows[np.lexsort((rows[:, FIRST], rows[:, PATH]))]
    begins = np.ones(len(rows), bool)
    before, after = rows[:-1], rows[1:]
    begins[1:] = (after[:, PATH] != before[:, PATH]) | (after[:, FIRST] != before[:, LAST] + 1)
    begins[1:] |= (after[:, 3:] != before[:, 3:]).any(axis=1)
    starts = np.flatnonzero(begins)
    spans = rows[starts]
    spans[:, LAST] = rows[np.append(starts[1:], len(rows))[: len(starts)] - 1, LAST]
    return spans


def moved(rows: Rows, places: npt.NDArray[np.int64]) -> Rows:
    """Rows whose snapshots have new positions: `places` of each old one, -1 where it is gone.

    A span is cut where a snapshot has come in between.

    >>> row = np.array([[0, 0, 2, *[NONE] * 8]])
    >>> moved(row, np.array([0, 1, 3]))[:, :3].tolist(), moved(row, np.array([-1, 0, -1]))[:, :3].tolist()
    ([[0, 0, 1], [0, 3, 3]], [[0, 0, 0]])
    """
    kept = np.flatnonzero(places >= 0)
    first = np.searchsorted(kept, rows[:, FIRST])
    last = np.searchsorted(kept, rows[:, LAST], "right") - 1
    there = first <= last
    rows, first, last = rows[there], first[there], last[there]
    if not len(rows):
        return rows
    goal = places[kept]
    begins = np.flatnonzero(np.diff(goal, prepend=goal[0] - 2) != 1)  # blocks with nothing new inside
    ends = np.append(begins[1:], len(goal)) - 1
    block = np.searchsorted(begins, np.arange(len(goal)), "right") - 1
    pieces = block[last] - block[first] + 1
    number = np.repeat(block[first], pieces) + _count_up(pieces)
    cut = np.repeat(rows, pieces, axis=0)
    cut[:, FIRST] = np.maximum(goal[np.repeat(first, pieces)], goal[begins[number]])
    cut[:, LAST] = np.minimum(goal[np.repeat(last, pieces)], goal[ends[number]])
    return cut


def expand(first: npt.NDArray[Any], last: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each observation in spans from `first` to `last`, the number of its span and the position of its snapshot.

    >>> [each.tolist() for each in expand(np.array([0, 5]), np.array([2, 5]))]
    [[0, 0, 0, 1], [0, 1, 2, 5]]
    """
    lengths = (last - first + 1).astype(np.int64)
    return np.repeat(np.arange(len(first)), lengths), np.repeat(first, lengths) + _count_up(lengths)


def _count_up(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """0, 1, … for each length."""
    ends = np.cumsum(lengths)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)


# Arrow ----------------------------------------------------------------------------------------------------------------


def to_table(rows: Rows, paths: Sequence[str], times: npt.NDArray[np.int64]) -> pa.Table:
    """Rows as the table that is stored; `paths` and `times` (microseconds) are what PATH, FIRST and LAST count."""
    columns = [
        pa.DictionaryArray.from_arrays(pa.array(rows[:, PATH], pa.int32()), pa.array(paths, pa.string())),
        pa.array(times[rows[:, FIRST]]).cast(MOMENT),
        pa.array(times[rows[:, LAST]]).cast(MOMENT),
    ]
    for number, name in enumerate(VALUES, 3):
        known = pa.array(rows[:, number], mask=rows[:, number] == NONE)
        if name == "state":
            columns.append(pa.DictionaryArray.from_arrays(known.cast(pa.int32()), pa.array(STATES, pa.string())))
        else:
            columns.append(known.cast(SCHEMA.field(name).type))
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def to_rows(table: pa.Table, times: npt.NDArray[np.int64]) -> tuple[Rows, list[str]]:
    """The reverse of `to_table`: rows and paths."""
    rows = np.empty((table.num_rows, WIDTH), np.int64)
    paths: list[str] = []
    for number, name in enumerate(SCHEMA.names):
        rows[:, number] = numbers(table, name)
    if table.num_rows:
        paths = table.column("task_path").combine_chunks().dictionary.to_pylist()
    rows[:, FIRST] = np.searchsorted(times, rows[:, FIRST])
    rows[:, LAST] = np.searchsorted(times, rows[:, LAST])
    return rows, paths


def numbers(table: pa.Table, name: str) -> npt.NDArray[np.int64]:
    """A column as whole numbers: text as the number of its category, `NONE` where not known."""
    column = table.column(name).combine_chunks()
    if isinstance(column, pa.ChunkedArray):  # of no chunk at all
        return np.empty(0, np.int64)
    if pa.types.is_dictionary(column.type):
        column = column.indices
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    found: npt.NDArray[np.int64] = column.cast(pa.int64()).fill_null(NONE).to_numpy(zero_copy_only=False)
    return found
