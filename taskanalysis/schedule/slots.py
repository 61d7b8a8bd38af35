r"""Compute when a task should start, without Windows.

Authority: [MS-TSCH] 2.5.3 and the documentation of ITrigger. Where these are silent, the common reading is taken; such
slots are *not judged*, so that no task counts as overdue because of them. Nothing here has been checked on Windows yet.

================================================================  ====================================================
a local StartBoundary is wall-clock time of the server, one with  ``ITrigger::put_StartBoundary``
an offset or ``Z`` a fixed instant, counted in that offset
----------------------------------------------------------------  ----------------------------------------------------
weeks are counted from the one that holds StartBoundary and       unconfirmed
begin on Sunday
----------------------------------------------------------------  ----------------------------------------------------
a day that a month lacks is skipped                               KB 325413
----------------------------------------------------------------  ----------------------------------------------------
repetition in elapsed time, every k with                          [MS-TSCH] 2.5.3.1; the last one announced but not
``k * Interval <= Duration``; the last, at exactly Duration, is   run: dahall/TaskScheduler#26
not judged
----------------------------------------------------------------  ----------------------------------------------------
a later slot of the trigger restarts the repetition; not          unconfirmed
judged where Interval does not divide the time between the two
----------------------------------------------------------------  ----------------------------------------------------
so ``P1D`` from a summer's 07:00 starts at 06:00 in winter        unconfirmed; health shows where Windows' NextRunTime
                                                                  differs
----------------------------------------------------------------  ----------------------------------------------------
a trigger with an Interval under a minute, which Windows          [MS-TSCH] 2.5.3.1
refuses, gives no slot at all
----------------------------------------------------------------  ----------------------------------------------------
a month in Interval or Duration counts 31 days; not judged        unconfirmed
----------------------------------------------------------------  ----------------------------------------------------
a local time that the clocks skip moves forward by the gap, one   unspecified (KB 325413); PEP 495. The newer text on
that they repeat is taken once; not judged                        WeeklyTrigger and both monthly ones has 02:30 start
                                                                  at 03:00, "the earliest time that exists"
----------------------------------------------------------------  ----------------------------------------------------
EndBoundary is exclusive                                          [MS-TSCH] 2.5.3; at the very instant unconfirmed
----------------------------------------------------------------  ----------------------------------------------------
RandomDelay and StartWhenAvailable do not move a slot             they are grace, not schedule
================================================================  ====================================================

A server's zone may change: give the one of the snapshot that follows the moments asked for.

>>> from taskanalysis.definition.model import Repetition
>>> trigger = TimeTrigger(start_boundary=datetime(1970, 1, 1), repetition=Repetition(Duration.parse("PT45M")))
>>> next_run(trigger, datetime(2026, 11, 23, 6, tzinfo=UTC), tz="UTC").isoformat()
'2026-11-23T06:45:00+00:00'
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from taskanalysis.definition import (
    CalendarTrigger,
    Duration,
    TaskDefinition,
    Time,
    TimeTrigger,
    Trigger,
    instant,
    model,
    type_name,
)
from taskanalysis.schedule.calendar import days_on, longest_gap
from taskanalysis.schedule.zones import (
    EARLIEST,
    LATEST,
    Moments,
    ZoneClock,
    known_zone,
    microseconds,
    moment_of,
    zone_clock,
)

Subject = TaskDefinition | Trigger
Flags = NDArray[np.bool_]

_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1) // _MICROSECOND
_MONTH = timedelta(days=31)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_NONE = np.zeros(0, dtype=np.int64)
# longer than the calendar, and four of them fit into 64 bits
_MOST_DAYS = 10_000 * 366
_FOR_EVER = Duration(delta=timedelta(days=_MOST_DAYS))
# how much of the calendar `slots` computes at once: little for the first slots, more and more for a year of them
_FIRST_GO, _LONGEST_GO = _DAY, 512 * _DAY
_TOO_SHORT = "a repetition under a minute, which Windows refuses"


class Slot(NamedTuple):
    """A moment at which a trigger (its position in the task, from 1) should start the task.

    `judged` is False where it is uncertain whether Windows starts the task at that moment.
    """

    time: datetime
    trigger: int
    judged: bool


class SlotArrays(NamedTuple):
    """Many slots: `time` datetime64[us] in UTC, `trigger` int64, `judged` bool, of one length, in order of time."""

    time: NDArray[np.datetime64]
    trigger: NDArray[np.int64]
    judged: Flags


def expected_runs(subject: Subject, start: Time, end: Time, *, tz: tzinfo | str) -> Iterator[datetime]:
    """Iterate over the times at which a definition or trigger should start, ``start <= t < end``, in order, each once.

    `start` and `end` are ISO text, dates or datetimes, in `tz` where they have no offset; `tz` is the server's zone (an
    IANA name or a tzinfo), and the moments are in it. A disabled task or trigger gives none, nor does a trigger without
    a time (`unscheduled`). TimeError for what is no time, ZoneError for an unknown zone. Sources: the table at the top
    of this module.

    >>> trigger = CalendarTrigger(start_boundary=datetime(2026, 3, 1, 2, 30), schedule=model.ScheduleByDay())
    >>> [f"{run:%d %H:%M}" for run in expected_runs(trigger, "2026-03-07", "2026-03-09T08:00", tz="America/New_York")]
    ['07 02:30', '08 03:30', '09 02:30']
    """
    return (slot.time for slot in slots(subject, start, end, tz=tz))


def slots(subject: Subject, start: Time, end: Time, *, tz: tzinfo | str) -> Iterator[Slot]:
    """Iterate over `expected_runs` as slots: each with the first trigger that gives it, judged where any judges it."""
    zone = _zone(tz)
    return _in_steps(subject, _instant(start, zone), _instant(end, zone), zone)


def slot_arrays(subject: Subject, start: Time, end: Time, *, tz: tzinfo | str) -> SlotArrays:
    """Compute all `slots` at once, as arrays with times in UTC: for a year of many tasks."""
    zone = _zone(tz)
    times, numbers, judged = _merged(subject, _instant(start, zone), _instant(end, zone), zone)
    return SlotArrays(times.astype("datetime64[us]"), numbers, judged)


def next_run(subject: Subject, after: Time, *, tz: tzinfo | str) -> datetime | None:
    """The first expected run later than `after`, None where there is none."""
    return runs_around(subject, after, tz=tz)[1]


def previous_run(subject: Subject, before: Time, *, tz: tzinfo | str) -> datetime | None:
    """The last expected run earlier than `before`, None where there is none."""
    zone = _zone(tz)
    return _around(subject, _instant(before, zone), zone)[0]


def runs_around(subject: Subject, moment: Time, *, tz: tzinfo | str) -> tuple[datetime | None, datetime | None]:
    """The last expected run up to a moment and the first one later, None where there is none."""
    zone = _zone(tz)
    return _around(subject, _instant(moment, zone) + 1, zone)


def unscheduled(subject: Subject) -> dict[int, str]:
    """Enabled triggers without computable start times: position in the task to type (boot, logon, event, …) or reason.

    >>> from taskanalysis.definition.model import BootTrigger, Repetition
    >>> second = TimeTrigger(start_boundary=datetime(2026, 1, 1), repetition=Repetition(Duration.parse("PT1S")))
    >>> unscheduled(TaskDefinition(triggers=(BootTrigger(), second)))
    {1: 'BootTrigger', 2: 'a repetition under a minute, which Windows refuses'}
    """
    return {
        number: _TOO_SHORT if trigger.repetition and trigger.repetition.is_too_short else type_name(trigger)
        for number, trigger in enumerate(_triggers(subject), 1)
        if trigger.enabled and not _plan(number, trigger, UTC)
    }


# Tasks ----------------------------------------------------------------------------------------------------------------


def _in_steps(subject: Subject, low: int, last: int, zone: tzinfo) -> Iterator[Slot]:
    plans, step = _plans(subject, zone), _FIRST_GO
    # from one slot to the next that there is: thousands of years may be empty
    while (after := _nearest(plans, low)[1]) is not None and after < last:
        low, high = after, min(after + step, last)
        for time, number, judged in zip(
            *(column.tolist() for column in _merged(subject, low, high, zone)), strict=True
        ):
            yield Slot(moment_of(time, zone), number, judged)
        low, step = high, min(2 * step, _LONGEST_GO)


def _around(subject: Subject, at: int, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
    """The last slot of a task or trigger before an instant, and the first from it on."""
    before, after = (None if run is None else moment_of(run, zone) for run in _nearest(_plans(subject, zone), at))
    return before, after


def _nearest(plans: list[_Plan], at: int) -> tuple[int | None, int | None]:
    """The last slot of all plans before an instant, and the first from it on."""
    found = [_neighbors(plan, at) for plan in plans]
    before = max((last for last, _ in found if last is not None), default=None)
    return before, min((first for _, first in found if first is not None), default=None)


def _merged(subject: Subject, low: int, high: int, zone: tzinfo) -> tuple[Moments, Moments, Flags]:
    """Times, trigger numbers and judged of all triggers, by time; a shared moment belongs to the first trigger."""
    plans = _plans(subject, zone)
    parts = [_between(plan, low, high) for plan in plans]
    times = np.concatenate([_NONE, *(times for times, _ in parts)])
    judged = np.concatenate([_NONE.astype(bool), *(flags for _, flags in parts)])
    numbers = np.repeat([plan.number for plan in plans], [len(times) for times, _ in parts]).astype(np.int64)
    if len(plans) > 1 and len(times):
        order = np.argsort(times, kind="stable")
        times, numbers, judged = times[order], numbers[order], judged[order]
        first = np.flatnonzero(np.append(True, times[1:] != times[:-1]))
        times, numbers, judged = times[first], numbers[first], np.logical_or.reduceat(judged, first)
    return times, numbers, judged


def _zone(tz: tzinfo | str) -> tzinfo:
    return known_zone(tz) if isinstance(tz, str) else tz


def _instant(moment: Time, zone: tzinfo) -> int:
    """Microseconds of a moment, clamped to the calendar."""
    return min(max(microseconds(instant(moment, zone)), EARLIEST), LATEST)


# Triggers -------------------------------------------------------------------------------------------------------------


class _Plan(NamedTuple):
    """A trigger with a time, reduced to numbers; all spans and moments in microseconds.

    Days are counted from `first` in `zone`. `interval` is 0 without a repetition; `vague` is true where that counts in
    months, `local` where the start boundary is wall-clock time of the server.
    """

    number: int
    schedule: model.Schedule | None
    first: int
    time_of_day: int
    zone: tzinfo
    local: bool
    end: int
    interval: int
    duration: int
    vague: bool

    @property
    def gap(self) -> int:
        """The longest time between two slots of the calendar."""
        return min(longest_gap(self.schedule) + 2, _MOST_DAYS) * _DAY if self.schedule else _DAY


def _plans(subject: Subject, zone: tzinfo) -> list[_Plan]:
    if isinstance(subject, TaskDefinition) and not subject.settings.enabled:
        return []
    plans = (_plan(number, trigger, zone) for number, trigger in enumerate(_triggers(subject), 1) if trigger.enabled)
    return [plan for plan in plans if plan]


def _triggers(subject: Subject) -> tuple[Trigger, ...]:
    return (subject,) if isinstance(subject, Trigger) else subject.triggers


def _plan(number: int, trigger: Trigger, zone: tzinfo) -> _Plan | None:
    start, end = trigger.start_boundary, trigger.end_boundary
    if not isinstance(trigger, TimeTrigger | CalendarTrigger) or not start:
        return None
    repetition = trigger.repetition
    if repetition and repetition.is_too_short:
        return None
    interval, duration = (repetition.interval, repetition.duration or _FOR_EVER) if repetition else (None, None)
    offset = start.utcoffset()
    return _Plan(
        number=number,
        schedule=trigger.schedule if isinstance(trigger, CalendarTrigger) else None,
        first=start.toordinal() - _EPOCH_DAY,
        time_of_day=(start - start.replace(hour=0, minute=0, second=0, microsecond=0)) // _MICROSECOND,
        zone=zone if offset is None else timezone(offset),
        local=offset is None,
        end=_instant(end, zone) if end else LATEST,
        interval=_span(interval),
        duration=_span(duration),
        vague=bool(interval and duration and (interval.months or duration.months)),
    )


def _span(duration: Duration | None) -> int:
    return min((duration.delta + duration.months * _MONTH) // _MICROSECOND, _MOST_DAYS * _DAY) if duration else 0


def _between(plan: _Plan, low: int, high: int) -> tuple[Moments, Flags]:
    """The slots with ``low <= t < high``, and which of them are judged."""
    high = min(high, plan.end)
    # the base that still repeats at `low`, and the one before it, to see whether the two are in step
    bases = _bases(plan, low - 2 * min(plan.duration, plan.gap), high) if low < high else _NONE
    if plan.interval and len(bases):
        times, judged = _repeated(plan, bases, low, high)
    else:
        times = bases[np.searchsorted(bases, low) : np.searchsorted(bases, high)]
        judged = np.ones(len(times), dtype=bool)
    if plan.local and len(times):
        judged &= _clock(plan.zone, times).is_settled(times)
    return times, judged


def _repeated(plan: _Plan, bases: Moments, low: int, high: int) -> tuple[Moments, Flags]:
    """Starts at each interval from each base, until the duration ends or the next base restarts it."""
    interval, duration = plan.interval, plan.duration
    until = np.minimum(np.append(bases[1:], high), high)
    first = np.maximum(-((bases - low) // interval), 0)
    last = np.minimum((until - 1 - bases) // interval, duration // interval)
    number = np.maximum(last - first + 1, 0)
    base = np.repeat(np.arange(len(bases)), number)
    k = np.arange(len(base)) - np.repeat(np.cumsum(number) - number - first, number)
    between = np.diff(bases, prepend=bases[:1] - duration)
    out_of_step = (between < duration) & (between % interval != 0)
    doubt = out_of_step[base] | (k * interval == duration) | plan.vague
    return bases[base] + k * interval, (k == 0) | ~doubt


def _bases(plan: _Plan, low: int, high: int) -> Moments:
    """Slots of the calendar without repetition: those from `low` to `high`, and some around them."""
    # two days around: no offset is more than a day, nor is any change of the clocks
    low_day, high_day = (min(max(edge, EARLIEST), LATEST) // _DAY for edge in (low - 2 * _DAY, high + 2 * _DAY))
    if plan.schedule:
        days = days_on(plan.schedule, plan.first, max(low_day, plan.first), high_day)
    else:
        days = np.array([plan.first] if plan.first <= high_day else [], dtype=np.int64)
    if not len(days):
        return _NONE
    wall = days * _DAY + plan.time_of_day
    instants = _clock(plan.zone, wall).instants(wall)
    # a day that the clocks skip as a whole falls on the next one (Pacific/Apia, 2011-12-30)
    is_later = instants[1:] > instants[:-1]
    return instants if is_later.all() else np.compress(np.append(True, is_later), instants)


def _neighbors(plan: _Plan, at: int) -> tuple[int | None, int | None]:
    """The last slot before an instant, and the first from it on."""
    at = min(max(at, (plan.first - 2) * _DAY), plan.end)
    bases = _bases(plan, at - plan.gap, at + plan.gap)
    later = int(np.searchsorted(bases, at))
    before, after = None, int(bases[later]) if later < len(bases) else None
    if later:
        base = int(bases[later - 1])
        before = base
        if plan.interval:
            before += min(plan.duration, at - 1 - base) // plan.interval * plan.interval
            repeated = before + plan.interval
            if repeated - base <= plan.duration and (after is None or repeated < after):
                after = repeated
    return before, after if after is not None and after < plan.end else None


def _clock(zone: tzinfo, moments: Moments) -> ZoneClock:
    """The clock of a zone around sorted moments, which may be instants or wall-clock times."""
    first, last = (min(max(int(moment), EARLIEST), LATEST) // _DAY + _EPOCH_DAY for moment in (moments[0], moments[-1]))
    return zone_clock(zone, date.fromordinal(first - 2).year, date.fromordinal(last + 2).year)
