r"""Planned starts with usual durations and what overlaps, as planned or with some tasks moved: what-if for one night.

Nothing is written to Windows: `move` changes definitions in memory alone.

>>> from taskanalysis.snapshot import read_snapshot
>>> night = planned_starts(read_snapshot("data"), moved={r"\OpenData\GIS\Parcels": "03:15"})
>>> night.loc[night["moved"], "start"].dt.strftime("%a %H:%M").tolist()
['Tue 03:15']
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import time, timedelta

import numpy as np
import pandas as pd

from taskanalysis.definition import TaskDefinition
from taskanalysis.errors import TaskAnalysisError
from taskanalysis.health import known_history
from taskanalysis.history import History
from taskanalysis.report.starts import DAY, starts_of
from taskanalysis.schedule import move
from taskanalysis.snapshot import Snapshot
from taskanalysis.text import clip, mask

LAST_RUNS, LEAST = 30, 5
"""A usual duration is the median of the last 30 known ones, of five at least."""
MOST_OVERLAPS = 100
"""Tasks that a row names at most: of ten thousand that start at midnight, each overlaps all others."""

Moved = Mapping[str, TaskDefinition | str | time]
"""By task path: a changed definition, or the time of day to move the task to."""


def planned_starts(
    snapshot: Snapshot,
    folder: str = "",
    *,
    days: int = 1,
    moved: Moved | None = None,
    history: History | None = None,
) -> pd.DataFrame:
    r"""The starts of the `days` after the snapshot, in order of time, with usual durations and what overlaps.

    `folder` limits which tasks are listed ("": all outside ``\Microsoft``); tasks elsewhere still count for `overlaps`.
    `moved` changes tasks in memory. Durations are those of `history`, by default that of the snapshot's share.

    ===============  ===================  ============================================================================
    `start`          datetime64[us, zone]  in the server's zone
    `task_path`      str                  masked
    `usual_seconds`  float64              median of the last 30 runs in the event log; NaN where five are not known
    `overlaps`       list of str          the tasks, by path, of which a start or a usual run falls into this one, in
                                          order of time; a task of unknown duration counts at its start alone; itself
                                          where it would still be running at its next start; at most 100
    `moved`          bool                 whether `moved` changes this task
    `judged`         bool                 whether it is certain that Windows starts it then
    ===============  ===================  ============================================================================

    Without a zone there is no row. TaskAnalysisError where `moved` names a task that the snapshot does not have, or
    gives a time to a task that can't be moved (`move`).
    """
    tasks, changed = with_moved(snapshot.tasks, moved or {})
    history = known_history(snapshot) if history is None else history
    usual = usual_seconds(history, snapshot.server) if history else pd.Series(dtype="float64")
    begin, end = snapshot.taken_at, snapshot.taken_at + days * DAY + timedelta(microseconds=1)
    earlier = timedelta(seconds=min(float(usual.max()), DAY.total_seconds())) if len(usual) else timedelta(0)
    starts = starts_of(tasks if snapshot.zone else {}, begin - earlier, end, snapshot.zone)
    starts = starts.assign(
        usual_seconds=starts["task_path"].map(usual).astype("float64"), moved=starts["task_path"].isin(changed)
    )
    starts["overlaps"] = pd.Series(list(_overlaps(starts)), dtype=object)
    listed = {*snapshot.within(folder)}
    starts = starts[(starts["start"] > begin) & starts["task_path"].isin(listed)].reset_index(drop=True)
    starts["task_path"] = starts["task_path"].map(mask).astype("str")
    return starts[["start", "task_path", "usual_seconds", "overlaps", "moved", "judged"]]


def with_moved(tasks: Mapping[str, TaskDefinition], moved: Moved) -> tuple[dict[str, TaskDefinition], set[str]]:
    """The definitions with those of `moved` in their place, and the paths of these; paths are compared without case."""
    paths = {path.casefold(): path for path in tasks}
    changed: dict[str, TaskDefinition] = {}
    for wanted, to in moved.items():
        path = paths.get(wanted.casefold())
        if path is None:
            raise TaskAnalysisError(f"there is no definition of a task {clip(wanted)} to move")
        try:
            changed[path] = to if isinstance(to, TaskDefinition) else move(tasks[path], to)
        except TaskAnalysisError as error:
            raise TaskAnalysisError(f"{clip(path)}: {error}") from None
    return {**tasks, **changed}, set(changed)


def usual_seconds(history: History, server: str) -> pd.Series:
    """How long a run of each task usually takes in seconds, by task path, where the event log tells it of five runs."""
    runs = history.runs
    known = runs[(runs["server"] == server) & runs["seconds"].notna()]
    known = known.assign(task_path=known["task_path"].astype("str")).sort_values("started")
    seconds = known.groupby("task_path").tail(LAST_RUNS).groupby("task_path")["seconds"].agg(["median", "size"])
    usual: pd.Series = seconds.loc[seconds["size"] >= LEAST, "median"]
    return usual


def _overlaps(starts: pd.DataFrame) -> Iterator[list[str]]:
    """The tasks that each row of `starts`, sorted by time, overlaps, in order of time."""
    paths = [mask(path) for path in starts["task_path"]]
    moments = starts["start"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]").astype(np.int64)
    ends = (moments + (starts["usual_seconds"].fillna(0).to_numpy() * 1e6).astype(np.int64)).tolist()
    begins = moments.tolist()
    going: dict[int, None] = {}  # rows, in order of time
    for row, begin in enumerate(begins):
        names: dict[str, None] = {}
        over = []
        for other in going:
            if ends[other] <= begin and begins[other] < begin:
                over.append(other)
            elif len(names) < MOST_OVERLAPS:
                names.setdefault(paths[other])
            else:
                break
        for other in over:
            del going[other]
        for other in range(row + 1, len(begins)):
            if (begins[other] >= ends[row] and begins[other] > begin) or len(names) == MOST_OVERLAPS:
                break
            names.setdefault(paths[other])
        going[row] = None
        yield list(names)
