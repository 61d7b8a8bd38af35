r"""When tasks were failing: from the start of the first failed run until a good one, or until switched off or removed.

A run's `sign` is 1 for a good ending, -1 for a bad one, and 0 for one that says neither and changes nothing. A start
that was refused is a failed run.

>>> from taskanalysis.history import read_history
>>> history = read_history("data", update=False)
>>> signs = history.runs["outcome"].map({"succeeded": GOOD, "not started": BAD}).astype(float).fillna(UNCLEAR)
>>> spells = failing_spells(history.runs.assign(sign=signs), history.events, history.changes, history.spans)
>>> len(spells), failing_at(spells, pd.DatetimeIndex(["2026-11-08", "2026-11-23"], tz="UTC")).tolist()
(9, [0, 9])
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taskanalysis.history import microseconds_of, utc

__all__ = ["BAD", "GOOD", "UNCLEAR", "failing_at", "failing_spells"]

GOOD, BAD, UNCLEAR = 1, -1, 0

Numbers = NDArray[np.int64]
_NOT_A_TIME = np.iinfo(np.int64).min


def failing_spells(
    runs: pd.DataFrame, events: pd.DataFrame, changes: pd.DataFrame, spans: pd.DataFrame
) -> pd.DataFrame:
    """A row a time in which a task was failing: `task_path`, `begin` and `until` (UTC), NaT where it fails still.

    The frames are those of `History`, of one server; `runs` have a column `sign`.
    """
    runs = runs[runs["sign"] != UNCLEAR]
    refused = events[events["kind"] == "start failed"]
    switched = changes[changes["kind"].isin(["disabled", "removed", "enabled", "added"])]
    off = switched["kind"].isin(["disabled", "removed"]).to_numpy(dtype=float)
    first = spans.drop_duplicates("task_path")
    first = first[~first["enabled"].fillna(True).astype(bool)]  # switched off when the history begins
    frames = [(runs, "started"), (refused, "at"), (switched, "at"), (first, "first_seen")]
    paths = pd.Index(sorted({path for frame, _ in frames for path in frame["task_path"].cat.categories}), dtype="str")
    task = np.concatenate([_places(frame["task_path"], paths) for frame, _ in frames])
    at = np.concatenate([microseconds_of(frame[name]) for frame, name in frames])
    order = np.lexsort((at, task))
    task, at = task[order], at[order]
    unsaid = [np.full(len(frame), np.nan) for frame, _ in frames]
    signs = np.concatenate([runs["sign"].to_numpy(dtype=float), np.full(len(refused), float(BAD)), *unsaid[2:]])
    offs = np.concatenate([*unsaid[:2], off, np.ones(len(first))])
    bad = (_carried(signs[order], task) == BAD) & (_carried(offs[order], task) != 1)
    follows = np.append(False, (task[1:] == task[:-1]) & bad[:-1])[: len(task)]
    starts, ends = np.flatnonzero(bad & ~follows), np.flatnonzero(~bad & follows)
    place = np.append(ends, -1)[np.searchsorted(ends, starts)]  # the first end after each start, of any task
    until = np.where((place >= 0) & (task[place] == task[starts]), at[place], _NOT_A_TIME)
    return pd.DataFrame({"task_path": paths[task[starts]], "begin": utc(at[starts]), "until": utc(until)})


def failing_at(spells: pd.DataFrame, moments: pd.DatetimeIndex) -> Numbers:
    """How many of these times hold each of the moments (aware)."""
    begins, ends = (np.sort(microseconds_of(spells[name].dropna())) for name in ("begin", "until"))
    at = microseconds_of(moments)
    return np.searchsorted(begins, at, "right") - np.searchsorted(ends, at, "right")


def _carried(values: NDArray[np.float64], task: Numbers) -> NDArray[np.float64]:
    """Each value; where it is not known the last one before it that is known of the same task."""
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, np.arange(len(values))))
    return np.where((last >= 0) & (task[last] == task), values[last], np.nan)


def _places(paths: pd.Series, known: pd.Index) -> Numbers:
    """The places of a column of categories in an index."""
    return np.append(known.get_indexer(paths.cat.categories), -1)[paths.cat.codes]
