r"""Runs that a trigger stops at the end of its repetition, as it orders: 267014 is then no failure.

Authority: StopAtDurationEnd ([MS-TSCH] 2.5.3.1): "all running tasks" are stopped at the end of the repetition.

>>> from datetime import datetime
>>> from taskanalysis.definition.model import CalendarTrigger, Duration, Repetition, ScheduleByDay
>>> repetition = Repetition(Duration.parse("PT10M"), Duration.parse("PT4H"), stop_at_duration_end=True)
>>> trigger = CalendarTrigger(start_boundary=datetime(2026, 1, 1, 6), schedule=ScheduleByDay(), repetition=repetition)
>>> started, until = (np.array([f"2026-11-23T{clock}"], "M8[us]").astype(np.int64) for clock in ("09:50", "12:00"))
>>> ordered_ends(TaskDefinition(triggers=(trigger,)), started, until, zone="UTC").astype("M8[us]").item().hour
10
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taskanalysis.definition import TaskDefinition
from taskanalysis.history import microseconds_of
from taskanalysis.schedule import Moments, moment_of, slot_arrays
from taskanalysis.snapshot import Snapshot

STOPPED = 267014
ORDERED_STOP = "stop at the end"
"""The rule of the verdict on such a run."""
NEVER = np.iinfo(np.int64).min
_MINUTE = timedelta(minutes=1)


def ordered_ends(task: TaskDefinition, started: Moments, until: Moments, *, zone: str) -> Moments:
    """When a trigger ordered the end of stopped runs, `NEVER` where none did; all in microseconds.

    Each run began at `started`, in ascending order, and had ended by `until`.
    """
    ends = np.full(len(started), NEVER)
    for trigger in task.triggers if len(started) else ():
        repetition = trigger.repetition
        if trigger.enabled and repetition and repetition.stop_at_duration_end and repetition.duration:
            first = replace(task, triggers=(replace(trigger, repetition=None),))
            lasting, late = repetition.duration.delta, started + _MINUTE // timedelta(microseconds=1)
            since, before = moment_of(int(started[0]), UTC) - lasting, moment_of(int(late[-1]), UTC)
            begins = slot_arrays(first, since, before, tz=zone or "UTC").time.astype(np.int64)
            place = np.searchsorted(begins, late, "left") - 1
            end = np.append(begins, NEVER)[place] + lasting // timedelta(microseconds=1)
            ends = np.where((place >= 0) & (started < end) & (end <= until), end, ends)
    return ends


def ordered_stops(runs: pd.DataFrame, snapshot: Snapshot) -> NDArray[np.bool_]:
    """Which of these rows of `History.runs`, of the snapshot's server, a trigger stopped by order.

    The definitions are those of the snapshot.
    """
    found = np.zeros(len(runs), bool)
    stopped = np.flatnonzero((runs["code"] == STOPPED).to_numpy(dtype=bool, na_value=False))
    if not len(stopped):
        return found
    until = microseconds_of(runs["ended"].fillna(runs["finished_by"]))
    started, paths = microseconds_of(runs["started"]), runs["task_path"].to_numpy()
    for path in dict.fromkeys(paths[stopped]):
        if task := snapshot.tasks.get(path):
            rows = stopped[paths[stopped] == path]
            rows = rows[np.argsort(started[rows])]
            found[rows] = ordered_ends(task, started[rows], until[rows], zone=snapshot.zone) != NEVER
    return found
