r"""Classify every scheduled start of a period: seen, late, missed or another fate.

Authority: the rules below are our own. They rest on one fact: the last run that a snapshot shows is the last start
before it ([MS-TSCH] 3.2.5.4.17), so nothing started between the two.

===========  ===========================================================================================================
seen         a known run began within its grace, or up to a minute before it
late         a known run began after its grace, and before the next slot
overlapped   the run before was still going on, or may have been (`busy`), and the task starts only once at a time
missed       a snapshot after its grace proves that nothing started since before it, even across days without snapshots
not visible  later runs hide whether it happened, as the snapshots are too far apart to show each run
blind        the same, in a time without the usual snapshots: nothing is known of it
not judged   it is in doubt whether Windows starts it just then (`schedule`), or our schedule is in doubt (`due`)
pending      its grace was not over at the last snapshot
===========  ===========================================================================================================

Slots count while a definition is in force and the task is enabled, from the first snapshot that shows it so.

>>> from datetime import UTC
>>> from taskanalysis.history import read_history
>>> slots = slot_fates(read_history("data", update=False), "OPENDATA01", since=datetime(2026, 11, 22, tzinfo=UTC))
>>> slots.loc[slots["task_path"] == "\\OpenData\\GIS\\Parcels", "fate"].tolist()
['seen', 'seen']
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taskanalysis.definition import TaskDefinition
from taskanalysis.health.busy import RunTimes, busy_until, skips_while_running
from taskanalysis.health.due import DOUBTED, graces
from taskanalysis.health.past import known_runs, longest_gap, median_gap
from taskanalysis.health.rules import NO_RULES, Rules
from taskanalysis.history import History, category, microseconds_of, of_server, task_slices, utc
from taskanalysis.schedule import Moments, SlotArrays, slot_arrays
from taskanalysis.snapshot import in_scope

FATES = ["seen", "late", "overlapped", "missed", "not visible", "blind", "not judged", "pending"]
SEEN, LATE, OVERLAPPED, MISSED, NOT_VISIBLE, BLIND, NOT_JUDGED, PENDING = range(len(FATES))

_MINUTE = 60_000_000
_DOUBTED = DOUBTED // timedelta(microseconds=1)
_NEVER, _FAR = np.iinfo(np.int64).min, np.iinfo(np.int64).max


class _Seen(NamedTuple):
    """What snapshots show of one task, in microseconds: observations by time, and runs by start.

    `last_run` is `_NEVER` for a task that never ran and `_FAR` where it is not known; `runs` are by start.
    """

    first: Moments
    last: Moments
    last_run: Moments
    enabled: NDArray[np.bool_]
    runs: RunTimes


class _Taken(NamedTuple):
    """When snapshots were taken, their usual gap (None: not known), and the longest that is not blind (`longest_gap`).

    In microseconds.
    """

    times: Moments
    usual: float | None
    longest: float

    @classmethod
    def of(cls, times: Moments) -> Self:
        """The snapshots at these times."""
        return cls(times, median_gap(times), longest_gap(times))


class _Rows(NamedTuple):
    """Slots of one task: times in microseconds, fates by their place in `FATES`, how many slots a row stands for."""

    path: str
    at: Moments
    fate: NDArray[np.int8]
    started: Moments
    number: Moments


@dataclass(slots=True)
class _Form:
    """A definition in force from one moment to another, in one zone."""

    start: datetime
    end: datetime
    zone: str
    task: TaskDefinition


def slot_fates(
    history: History,
    server: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    rules: Rules = NO_RULES,
    folder: str = "",
    doubtful: Collection[str] = (),
) -> pd.DataFrame:
    r"""The slots of one server's tasks with their fates, by task and time; the columns of ``slots``.

    `since` and `until` are aware and bound the slots (None: all that the history covers); `folder` takes the tasks in
    it and below ("": all outside ``\Microsoft``); of `doubtful` task paths only slots are judged that were missed in
    any time zone (`due.DOUBTED`). Of a task with slots closer than snapshots, those of one fate between two snapshots
    are one row with their `count`. Times are UTC.
    """
    coverage = of_server(history.coverage, server)
    taken = _Taken.of(microseconds_of(coverage["taken_at"]))
    folders = [folder] if folder else []
    observed = _observed(history, server)
    rows: list[_Rows] = []
    for path, forms in _forms(history, server, coverage).items():
        if path not in observed or not in_scope(path, folders):
            continue
        rule = rules.of(server, path)
        for form in forms:
            start, end = max(form.start, since or form.start), min(form.end, until or form.end)
            slots = slot_arrays(form.task, start, end, tz=form.zone)
            if not len(slots.time):
                continue
            spacing = median_gap(slots.time.astype(np.int64))
            usual = timedelta(microseconds=spacing) if spacing else None
            waits = graces(form.task, usual, rule).astype(np.int64)
            if form.task.settings.run_only_if_idle:
                slots = slots._replace(judged=np.zeros(len(slots.time), dtype=bool))
            busy = np.full(len(observed[path].runs.started), _NEVER)
            if skips_while_running(form.task):
                busy = busy_until(observed[path].runs, slots.time.astype(np.int64))
            rows.append(_rows(path, slots, waits, observed[path], busy, taken, path in doubtful))
    return _frame(server, rows)


# Fates ----------------------------------------------------------------------------------------------------------------


def _rows(
    path: str, slots: SlotArrays, waits: Moments, seen: _Seen, busy: Moments, taken: _Taken, doubtful: bool
) -> _Rows:
    at = slots.time.astype(np.int64)
    if doubtful:
        wide = np.maximum(waits, _DOUBTED)
        fate, run = _fates(at, at + wide[slots.trigger], slots.judged, seen, busy, taken, _DOUBTED)
        fate = np.where((fate == MISSED) | (fate == PENDING), fate, NOT_JUDGED).astype(np.int8)
        run = np.full(len(fate), -1)
    else:
        fate, run = _fates(at, at + waits[slots.trigger], slots.judged, seen, busy, taken)
    shown = _is_enabled(at, seen)
    at, fate, started = at[shown], fate[shown], np.append(seen.runs.started, _NEVER)[run[shown]]
    number = np.ones(len(at), dtype=np.int64)
    spacing = median_gap(at)
    if spacing and taken.usual and spacing < taken.usual:
        group = np.searchsorted(taken.times, at) * len(FATES) + fate
        _, first, number = np.unique(group, return_index=True, return_counts=True)
        by_time = np.argsort(first)
        first, number = first[by_time], number[by_time]
        at, fate, started = at[first], fate[first], started[first]
    return _Rows(path, at, fate, started, number)


def _frame(server: str, rows: Sequence[_Rows]) -> pd.DataFrame:
    paths = sorted({task.path for task in rows})
    place = {path: number for number, path in enumerate(paths)}
    lengths = [len(task.at) for task in rows]
    at, fate, started, number = (
        np.concatenate([np.zeros(0, np.int64), *(task[field] for task in rows)]) for field in range(1, 5)
    )
    columns = {
        "server": category(np.zeros(len(at), np.int64), [server]),
        "task_path": category(np.repeat([place[task.path] for task in rows], lengths), paths),
        "expected": utc(at),
        "fate": category(fate, FATES),
        "started": utc(started),
        "count": number,
    }
    return pd.DataFrame(columns)


def _fates(
    at: Moments,
    due: Moments,
    judged: NDArray[np.bool_],
    seen: _Seen,
    busy: Moments,
    taken: _Taken,
    early: int = _MINUTE,
) -> tuple[NDArray[np.int8], Moments]:
    """The fate of each slot, and the place of its run (-1: none) in the runs that are known.

    `due` ends its grace; a run up to `early` microseconds before it is its own.
    """
    proof = np.searchsorted(seen.last, due)  # the first observation that could prove something
    pending = proof == len(seen.last)
    last_run = np.append(seen.last_run, _FAR)[proof]
    # a run is of one slot alone: from a minute before it (or `early`; less, where slots are closer) to the next's turn
    opens = at - np.minimum(early, np.diff(at, prepend=at[:1] - 2 * early) // 2)
    closes = np.append(opens[1:], _FAR)
    run = np.searchsorted(seen.runs.started, opens)
    started = np.append(seen.runs.started, _FAR)[run]
    known_until = np.append(_NEVER, np.maximum.accumulate(busy) if len(busy) else [])[run]
    before, after = np.searchsorted(taken.times, at, side="right") - 1, np.searchsorted(taken.times, at)
    gap = np.append(taken.times, _FAR)[after] - taken.times[np.maximum(before, 0)]
    cases = [
        ~judged,
        (started <= due) & (started < closes),
        started < closes,
        known_until >= at,
        pending,
        last_run < opens,
        gap <= taken.longest,
    ]
    answers = [NOT_JUDGED, SEEN, LATE, OVERLAPPED, PENDING, MISSED, NOT_VISIBLE]
    fate = np.select(cases, answers, BLIND).astype(np.int8)
    return fate, np.where((fate == SEEN) | (fate == LATE), run, -1)


def _is_enabled(at: Moments, seen: _Seen) -> NDArray[np.bool_]:
    """Whether the observations before and after each slot do not say that the task is off."""
    states = np.concatenate([[True], seen.enabled, [True]])
    before, after = np.searchsorted(seen.first, at, side="right"), np.searchsorted(seen.last, at) + 1
    enabled: NDArray[np.bool_] = states[before] & states[after]
    return enabled


# What the history shows -----------------------------------------------------------------------------------------------


def _observed(history: History, server: str) -> dict[str, _Seen]:
    spans, runs = of_server(history.spans, server)[_OF_SPANS], of_server(history.runs, server)
    # a stable sort keeps those of a task by time, and takes a tenth of the time that sorting by both takes
    spans = spans.take(np.argsort(spans["task_path"].cat.codes, kind="stable"))
    first, last, last_run = (microseconds_of(spans[name]) for name in ("first_seen", "last_seen", "last_run"))
    unknown = (last_run == _NEVER) & ~spans["never_ran"].fillna(False).to_numpy(dtype=bool)
    enabled = spans["enabled"].fillna(True).to_numpy(dtype=bool)
    ran, run_times = task_slices(runs), known_runs(history, server)
    observed = {}
    for path, own in task_slices(spans).items():
        own_runs = ran.get(path, slice(0, 0))
        observed[path] = _Seen(
            first=first[own],
            last=last[own],
            last_run=np.where(unknown[own], _FAR, last_run[own]),
            enabled=enabled[own],
            runs=run_times.part(own_runs),
        )
    return observed


_OF_SPANS = ["task_path", "first_seen", "last_seen", "last_run", "never_ran", "enabled"]


def _forms(history: History, server: str, coverage: pd.DataFrame) -> dict[str, list[_Form]]:
    """The definitions of each task over time; equal ones that follow each other are one."""
    stored = coverage[coverage["definitions"].notna() & (coverage["zone"].astype(str) != "")]
    stamps, zones = stored["definitions"].astype(str), stored["zone"].astype(str)
    number = ((stamps != stamps.shift()) | (zones != zones.shift())).cumsum()
    forms: dict[str, list[_Form]] = {}
    last: datetime | None = None
    for _, group in stored.groupby(number):
        first, end = group["taken_at"].iloc[0].to_pydatetime(), group["taken_at"].iloc[-1].to_pydatetime()
        zone = str(group["zone"].iloc[0])
        for path, task in history.definitions(end, server).items():
            earlier = forms.setdefault(path, [])
            before = earlier[-1] if earlier and earlier[-1].end == last and _same(earlier[-1].task, task) else None
            if before and before.zone == zone:
                before.end = end
            else:
                earlier.append(_Form(before.end if before else first, end, zone, task))
        last = end
    return forms


def _same(one: TaskDefinition, other: TaskDefinition) -> bool:
    """Whether two definitions have the same slots, and the same grace."""
    return one is other or (one.triggers == other.triggers and one.settings == other.settings)
