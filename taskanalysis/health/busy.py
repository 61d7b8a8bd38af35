r"""Until when runs are taken to have gone on: a start that comes while a run goes on is overlapped, not missed.

Snapshots show when a run was still going on and when it no longer was; between the two its end is not known. Where
earlier runs may have gone on into a slot of the task, a run is taken to have gone on as long as the longest of them.

>>> hours = lambda *numbers: np.array(numbers) * 3_600_000_000
>>> runs = RunTimes(started=hours(0, 3), shown=hours(0, 3), ended=np.full(2, NONE), finished=hours(2.5, 6),
...                 is_usual=np.array([True, True]))
>>> (busy_until(runs, slots=hours(0, 1, 2, 3, 4, 5)) / 3_600_000_000).tolist()
[0.0, 5.5]
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taskanalysis.definition import TaskDefinition
from taskanalysis.history import microseconds_of
from taskanalysis.schedule import Moments

EARLIER_RUNS = 30
NONE = np.iinfo(np.int64).min  # how numpy stores a missing time
_MINUTE = 60_000_000
_FAR = np.iinfo(np.int64).max


class RunTimes(NamedTuple):
    """Runs by time, in microseconds, `NONE` where not known.

    `shown` is the last snapshot that shows a run going on (its start where there is none), `ended` its end in the event
    log, `finished` the first snapshot that shows it finished, `is_usual` whether that one came at the usual time.
    """

    started: Moments
    shown: Moments
    ended: Moments
    finished: Moments
    is_usual: NDArray[np.bool_]

    def part(self, rows: slice) -> RunTimes:
        """Some of the runs."""
        return RunTimes(
            self.started[rows], self.shown[rows], self.ended[rows], self.finished[rows], self.is_usual[rows]
        )


class TaskRuns(NamedTuple):
    """The runs of one task: `rows` of the times of all."""

    times: RunTimes
    rows: slice


def skips_while_running(task: TaskDefinition) -> bool:
    """Whether Windows starts nothing at a slot that comes while the task runs ([MS-TSCH] MultipleInstancesPolicy)."""
    return task.settings.multiple_instances_policy in ("IgnoreNew", "Queue")


def run_times(runs: pd.DataFrame, spans: pd.DataFrame, ends_of_blind_times: Moments) -> RunTimes:
    """The times of `History.runs` of one server, from its `History.spans`."""
    started, finished = (microseconds_of(runs[name]) for name in ("started", "finished_by"))
    return RunTimes(
        started,
        np.maximum(started, _shown(runs, started, spans)),
        microseconds_of(runs["ended"]),
        finished,
        ~np.isin(finished, ends_of_blind_times),
    )


def _shown(runs: pd.DataFrame, started: Moments, spans: pd.DataFrame) -> Moments:
    """The last snapshot that shows each run going on; its start where none does."""
    shown = started.copy()
    running = spans[(spans["state"] == "Running") & spans["last_run"].notna()]
    if len(runs) and len(running):
        begun, seen = (microseconds_of(running[name]) for name in ("last_run", "last_seen"))
        run, apart = _nearest(runs["task_path"].array, started, running["task_path"].array, begun)
        # the start of a run that is in the event log, too, is that of the log, within a minute (`with_logged`)
        own = apart <= _MINUTE
        np.maximum.at(shown, run[own], seen[own])
    return shown


def _nearest(
    tasks: pd.Categorical[str], started: Moments, paths: pd.Categorical[str], begun: Moments
) -> tuple[Moments, Moments]:
    """The place of the run of a task that started nearest to each of other times, and how far it is from it.

    Runs are those of `History.runs`, so by task and start; `_FAR` is the distance from a run of another task.
    """
    code = tasks.categories.get_indexer(paths.categories)[paths.codes]
    begin, end = (np.searchsorted(tasks.codes, code, side) for side in ("left", "right"))
    first, beyond = begin, end
    while (first < beyond).any():  # a binary search for all at once: which run of the task is the first not earlier
        middle = (first + beyond) // 2
        is_earlier = (first < beyond) & (started[middle.clip(max=len(started) - 1)] < begun)
        first, beyond = np.where(is_earlier, middle + 1, first), np.where(is_earlier, beyond, middle)
    beside = np.array([first - 1, first])
    apart = np.abs(started[beside.clip(0, len(started) - 1)] - begun)
    apart = np.where((begin <= beside) & (beside < end), apart, _FAR)
    nearest = apart.argmin(axis=0)[np.newaxis]
    return np.take_along_axis(beside, nearest, 0)[0], np.take_along_axis(apart, nearest, 0)[0]


def busy_until(runs: RunTimes, slots: Moments) -> Moments:
    """Until when each run of a task is taken to have gone on, in microseconds; `slots` are those of the task, by time.

    Its end in the event log. Else the last snapshot that shows it running; where one of the 30 runs before it may have
    gone on into a slot, as long as the longest of these, but not after the first snapshot that shows it finished.
    """
    is_known = (runs.finished != NONE) & runs.is_usual
    first_slot = np.append(slots, _FAR)[np.searchsorted(slots, runs.started + _MINUTE, "right")]
    took = np.where(is_known & (first_slot <= runs.finished), runs.finished - runs.started, 0)
    until = runs.shown
    if took.any():
        longest = pd.Series(took).shift(fill_value=0).rolling(EARLIER_RUNS, min_periods=1).max().to_numpy(np.int64)
        until = np.maximum(until, np.minimum(runs.started + longest, np.maximum(runs.finished, runs.started)))
    return np.where(runs.ended == NONE, until, runs.ended)
