r"""What became of the starts that tasks should have made: each slot of a time with its fate.

Authority: the sentences under *Fates* below, which are ours. They rest on one fact: the last run that a snapshot tells
is the last start before it ([MS-TSCH] 3.2.5.4.17), so nothing started between the two.

===========  ===========================================================================================================
seen         a known run began within its grace, or up to a minute before it
late         a known run began after its grace, and before the next slot
overlapped   the run before was still going on
missed       a snapshot after its grace proves that nothing started since before it, be it across days without snapshots
not visible  later runs hide whether it happened, as the snapshots are too far apart to show each run
blind        the same, in a time without the usual snapshots: nothing is said of it
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
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taskanalysis.definition import TaskDefinition
from taskanalysis.health.due import grace
from taskanalysis.health.rules import NO_RULES, Rules
from taskanalysis.history import History, category, microseconds_of, task_slices, utc
from taskanalysis.schedule import SlotArrays, slot_arrays
from taskanalysis.snapshot import in_scope

__all__ = ["FATES", "slot_fates"]

FATES = ["seen", "late", "overlapped", "missed", "not visible", "blind", "not judged", "pending"]
SEEN, LATE, OVERLAPPED, MISSED, NOT_VISIBLE, BLIND, NOT_JUDGED, PENDING = range(len(FATES))

Moments = NDArray[np.int64]
_MINUTE = 60_000_000
_NEVER, _FAR = np.iinfo(np.int64).min, np.iinfo(np.int64).max
_BLIND_FROM = 1.5
"""A gap between snapshots of more than so many usual ones is a blind time."""


class _Seen(NamedTuple):
    """What snapshots tell of one task, in microseconds: observations by time, and runs by start.

    `last_run` is `_NEVER` for a task that never ran and `_FAR` where it is not known; `busy_until` is how long each run
    is known to have gone on.
    """

    first: Moments
    last: Moments
    last_run: Moments
    enabled: NDArray[np.bool_]
    runs: Moments
    busy_until: Moments


class _Rows(NamedTuple):
    """Slots of one task: times in microseconds, fates by their place in `FATES`, how many slots a row stands for."""

    path: str
    at: Moments
    fate: NDArray[np.int8]
    started: Moments
    number: Moments


class _Form(NamedTuple):
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
    r"""A row a slot of one server's tasks with its fate, in the order of task and time; the columns of ``slots``.

    `since` and `until` are aware and bound the slots (None: all that the history covers); `folder` takes the tasks in
    it and below ("": all outside ``\Microsoft``); of `doubtful` task paths no slot is judged. Of a task with slots
    closer than snapshots, those of one fate between two snapshots are one row with their `count`. Times are UTC.
    """
    coverage = history.coverage[history.coverage["server"] == server]
    times = microseconds_of(coverage["taken_at"])
    folders = [folder] if folder else []
    observed = _observed(history, server)
    found: list[_Rows] = []
    for path, forms in _forms(history, server, coverage).items():
        if path not in observed or not in_scope(path, folders):
            continue
        said = rules.of(server, path)
        for form in forms:
            start, end = max(form.start, since or form.start), min(form.end, until or form.end)
            slots = slot_arrays(form.task, start, end, tz=form.zone)
            if not len(slots.time):
                continue
            spacing = _median_gap(slots.time.astype(np.int64))
            usual = timedelta(microseconds=spacing) if spacing else None
            waits = [grace(form.task, number + 1, usual, said) for number in range(len(form.task.triggers))]
            if path in doubtful or form.task.settings.run_only_if_idle:
                slots = slots._replace(judged=np.zeros(len(slots.time), dtype=bool))
            found.append(_rows(path, slots, np.array([0, *(_micro(wait) for wait in waits)]), observed[path], times))
    return _frame(server, found)


# Fates ----------------------------------------------------------------------------------------------------------------


def _rows(path: str, slots: SlotArrays, waits: Moments, seen: _Seen, times: Moments) -> _Rows:
    at = slots.time.astype(np.int64)
    fate, run = _fates(at, at + waits[slots.trigger], slots.judged, seen, times)
    shown = _is_enabled(at, seen)
    at, fate, run = at[shown], fate[shown], run[shown]
    started = np.append(seen.runs, _NEVER)[run]
    number = np.ones(len(at), dtype=np.int64)
    spacing, usual = _median_gap(at), _median_gap(times)
    if spacing and usual and spacing < usual:
        interval = np.searchsorted(times, at)
        order = np.lexsort((at, fate, interval))
        new = np.append(True, (np.diff(interval[order]) != 0) | (np.diff(fate[order]) != 0))
        first = np.flatnonzero(new)
        number = np.diff(np.append(first, len(order)))
        chosen = order[first]
        again = np.argsort(at[chosen], kind="stable")
        chosen, number = chosen[again], number[again]
        at, fate, started = at[chosen], fate[chosen], started[chosen]
    return _Rows(path, at, fate, started, number)


def _frame(server: str, found: Sequence[_Rows]) -> pd.DataFrame:
    paths = sorted({rows.path for rows in found})
    place = {path: number for number, path in enumerate(paths)}
    lengths = [len(rows.at) for rows in found]
    at, fate, started, number = (
        np.concatenate([np.zeros(0, np.int64), *(rows[field] for rows in found)]) for field in range(1, 5)
    )
    columns = {
        "server": category(np.zeros(len(at), np.int64), [server]),
        "task_path": category(np.repeat([place[rows.path] for rows in found], lengths), paths),
        "expected": utc(at),
        "fate": category(fate, FATES),
        "started": utc(started),
        "count": number,
    }
    return pd.DataFrame(columns)


def _fates(
    at: Moments, due: Moments, judged: NDArray[np.bool_], seen: _Seen, times: Moments
) -> tuple[NDArray[np.int8], Moments]:
    """The fate of each slot, and the place of its run (-1: none) in the runs that are known; `due` ends its grace."""
    proof = np.searchsorted(seen.last, due)  # the first observation that could prove something
    pending = proof == len(seen.last)
    last_run = np.append(seen.last_run, _FAR)[proof]
    # a run is of one slot alone: from a minute before it (less, where slots are closer) until the next one's turn
    opens = at - np.minimum(_MINUTE, np.diff(at, prepend=at[:1] - 2 * _MINUTE) // 2)
    closes = np.append(opens[1:], _FAR)
    run = np.searchsorted(seen.runs, opens)
    started = np.append(seen.runs, _FAR)[run]
    known_until = np.append(_NEVER, np.maximum.accumulate(seen.busy_until) if len(seen.runs) else [])[run]
    before, after = np.searchsorted(times, at, side="right") - 1, np.searchsorted(times, at)
    gap = np.append(times, _FAR)[after] - times[np.maximum(before, 0)]
    usual = _median_gap(times) or _FAR
    cases = [
        ~judged,
        (started <= due) & (started < closes),
        started < closes,
        known_until >= at,
        pending,
        last_run < opens,
        gap <= _BLIND_FROM * usual,
    ]
    answers = [NOT_JUDGED, SEEN, LATE, OVERLAPPED, PENDING, MISSED, NOT_VISIBLE]
    fate = np.select(cases, answers, BLIND).astype(np.int8)
    return fate, np.where((fate == SEEN) | (fate == LATE), run, -1)


def _is_enabled(at: Moments, seen: _Seen) -> NDArray[np.bool_]:
    """Whether the observations before and after each slot do not say that the task is off."""
    states = np.concatenate([[True], seen.enabled, [True]])
    before, after = np.searchsorted(seen.first, at, side="right"), np.searchsorted(seen.last, at) + 1
    found: NDArray[np.bool_] = states[before] & states[after]
    return found


# What is known --------------------------------------------------------------------------------------------------------


def _observed(history: History, server: str) -> dict[str, _Seen]:
    spans = history.spans[history.spans["server"] == server].sort_values(["task_path", "first_seen"])
    runs = history.runs[history.runs["server"] == server]
    first, last, last_run = (microseconds_of(spans[name]) for name in ("first_seen", "last_seen", "last_run"))
    unknown = (last_run == _NEVER) & ~spans["never_ran"].fillna(False).to_numpy(dtype=bool)
    enabled = spans["enabled"].fillna(True).to_numpy(dtype=bool)
    running = (spans["state"] == "Running").to_numpy() & (last_run != _NEVER)
    started, ended = microseconds_of(runs["started"]), microseconds_of(runs["ended"])
    ran = task_slices(runs)
    found = {}
    for path, mine in task_slices(spans).items():
        those = ran.get(path, slice(0, 0))
        going = np.flatnonzero(running[mine]) + mine.start
        found[path] = _Seen(
            first=first[mine],
            last=last[mine],
            last_run=np.where(unknown[mine], _FAR, last_run[mine]),
            enabled=enabled[mine],
            runs=started[those],
            busy_until=_busy_until(started[those], ended[those], last_run[going], last[going]),
        )
    return found


def _busy_until(started: Moments, ended: Moments, going: Moments, seen: Moments) -> Moments:
    """How long each run is known to have gone on: until its end, else the last snapshot that shows it running."""
    until = started.copy()
    run = np.searchsorted(started, going)
    known = run < len(started)
    known[known] = started[run[known]] == going[known]
    np.maximum.at(until, run[known], seen[known])
    return np.where(ended == _NEVER, until, ended)


def _forms(history: History, server: str, coverage: pd.DataFrame) -> dict[str, list[_Form]]:
    """The definitions of each task over time; equal ones that follow each other are one."""
    known = coverage[coverage["definitions"].notna() & (coverage["zone"].astype(str) != "")]
    stamps, zones = known["definitions"].astype(str), known["zone"].astype(str)
    number = ((stamps != stamps.shift()) | (zones != zones.shift())).cumsum()
    forms: dict[str, list[_Form]] = {}
    last: datetime | None = None
    for _, group in known.groupby(number):
        first, end = group["taken_at"].iloc[0].to_pydatetime(), group["taken_at"].iloc[-1].to_pydatetime()
        zone = str(group["zone"].iloc[0])
        for path, task in history.definitions(end, server).items():
            earlier = forms.setdefault(path, [])
            before = earlier[-1] if earlier and earlier[-1].end == last else None
            if before and _same(before.task, task):
                if before.zone == zone:
                    earlier[-1] = before._replace(end=end)
                    continue
                first_of_form = before.end
            else:
                first_of_form = first
            earlier.append(_Form(first_of_form, end, zone, task))
        last = end
    return forms


def _same(one: TaskDefinition, other: TaskDefinition) -> bool:
    """Whether two definitions have the same slots, and the same grace."""
    return one is other or (one.triggers == other.triggers and one.settings == other.settings)


# Numbers --------------------------------------------------------------------------------------------------------------


def _micro(wait: timedelta) -> int:
    return wait // timedelta(microseconds=1)


def _median_gap(times: Moments) -> float | None:
    return float(np.median(np.diff(times))) if len(times) > 1 else None
