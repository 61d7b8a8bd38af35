"""When a task is due, said a second time: every minute is asked whether a start is due at it.

Written from the rules alone, to hold `taskanalysis.schedule.slots` against; nothing is shared with it. Slow, and exact
where all boundaries, intervals and durations are whole minutes.

>>> from zoneinfo import ZoneInfo
>>> from taskanalysis.definition.model import TimeTrigger
>>> once = TaskDefinition(triggers=(TimeTrigger(start_boundary=datetime(2026, 7, 1, 9, 0)),))
>>> day = datetime(2026, 7, 1, tzinfo=UTC)
>>> [(f"{time:%H:%M}", *rest) for time, *rest in simulate(once, day, day + DAY, ZoneInfo("Europe/London"))]
[('08:00', 1, True)]
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple

from taskanalysis.definition.duration import Duration
from taskanalysis.definition.model import (
    LAST,
    CalendarTrigger,
    DayOfWeek,
    Repetition,
    Schedule,
    ScheduleByDay,
    ScheduleByMonth,
    ScheduleByMonthDayOfWeek,
    ScheduleByWeek,
    TaskDefinition,
    TimeTrigger,
)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOTHING = timedelta(0)


class Hit(NamedTuple):
    """A start of one trigger: the base slot that it comes from, and the reasons (a to d) not to judge by it."""

    time: datetime
    number: int
    base: datetime
    doubts: frozenset[str]


def simulate(
    definition: TaskDefinition, start: datetime, end: datetime, tz: tzinfo
) -> list[tuple[datetime, int, bool]]:
    """Each instant of the task once (UTC), with the first trigger due then, judged where any trigger due then is."""
    due: dict[datetime, list[Hit]] = {}
    for hit in hits(definition, start, end, tz):
        due.setdefault(hit.time, []).append(hit)
    return [
        (time, min(hit.number for hit in due[time]), any(not hit.doubts for hit in due[time])) for time in sorted(due)
    ]


def hits(definition: TaskDefinition, start: datetime, end: datetime, tz: tzinfo) -> Iterator[Hit]:
    """What each trigger gives by itself, from `start` (UTC, a whole minute) to before `end`, minute by minute."""
    if not definition.settings.enabled:
        return
    changes = clock_changes(start, end, tz)
    for number, trigger in enumerate(definition.triggers, 1):
        if not isinstance(trigger, TimeTrigger | CalendarTrigger) or not trigger.enabled:
            continue
        if trigger.start_boundary is None:
            continue
        cycle = Cycle.of(trigger.repetition)
        if cycle and cycle.interval < MINUTE:
            continue  # Windows refuses such a trigger
        bases = base_slots(trigger, start, end, tz)
        is_local = trigger.start_boundary.tzinfo is None
        until = min(end, instant(trigger.end_boundary, tz)) if trigger.end_boundary else end
        latest = before = None  # the base slot that the minute belongs to, and the one before that
        minute = start
        while minute < until:
            while bases and bases[0] <= minute:
                latest, before = bases.pop(0), latest
            if latest and is_due(minute, latest, cycle):
                doubts = doubts_about(minute, latest, before, cycle)
                if is_local and is_near_change(minute, changes):
                    doubts |= {"d"}
                yield Hit(minute, number, latest, frozenset(doubts))
            minute += MINUTE


# Repetition -----------------------------------------------------------------------------------------------------------


class Cycle(NamedTuple):
    """A repetition in exact time; a month is counted as 31 days."""

    interval: timedelta
    duration: timedelta | None  # None: for ever
    has_months: bool

    @classmethod
    def of(cls, repetition: Repetition | None) -> "Cycle | None":
        if repetition is None or repetition.interval.is_zero:
            return None
        interval, duration = repetition.interval, repetition.duration
        if duration is None:
            return cls(length(interval), None, interval.months > 0)
        return cls(length(interval), length(duration), interval.months + duration.months > 0)


def length(duration: Duration) -> timedelta:
    return duration.months * 31 * DAY + duration.delta


def is_due(minute: datetime, base: datetime, cycle: Cycle | None) -> bool:
    """Whether a start is due at `minute`, where `base` is the latest base slot: itself, or a repetition of it."""
    if minute == base:
        return True
    if cycle is None:
        return False
    elapsed = minute - base
    return elapsed % cycle.interval == NOTHING and (cycle.duration is None or elapsed <= cycle.duration)


def doubts_about(minute: datetime, base: datetime, before: datetime | None, cycle: Cycle | None) -> set[str]:
    """Reasons not to judge by a start that is due, but for the clocks (d)."""
    if minute == base or cycle is None:
        return set()
    doubts = set()
    if minute - base == cycle.duration:
        doubts.add("a")  # at the very end of the duration
    if before is not None:
        still_repeating = cycle.duration is None or cycle.duration > base - before
        if still_repeating and (base - before) % cycle.interval != NOTHING:
            doubts.add("b")  # starts counted from the base slot before would fall elsewhere
    if cycle.has_months:
        doubts.add("c")  # a month has no fixed length
    return doubts


# Days and base slots --------------------------------------------------------------------------------------------------


def base_slots(trigger: TimeTrigger | CalendarTrigger, start: datetime, end: datetime, tz: tzinfo) -> list[datetime]:
    """In order, those from `start` to `end` and the last two at or before `start`; found day by day, backwards."""
    boundary = trigger.start_boundary
    assert boundary
    schedule = trigger.schedule if isinstance(trigger, CalendarTrigger) else None
    found: set[datetime] = set()  # a set: where the clocks skip a day, two days have the same instant
    day = shown(end, boundary.tzinfo or tz).date() + 2 * DAY  # the clocks move by a day at most
    while day >= boundary.date() and sum(slot <= start for slot in found) < 2:
        if is_day(day, schedule, boundary.date()):
            found.add(instant(datetime.combine(day, boundary.time(), boundary.tzinfo), tz))
        day -= DAY
    return sorted(found)


def is_day(day: date, schedule: Schedule | None, first: date) -> bool:
    """Whether a day, not before the `first`, is one of the schedule; no schedule is "once"."""
    match schedule:
        case None:
            return day == first
        case ScheduleByDay(days_interval):
            return (day - first).days % days_interval == 0
        case ScheduleByWeek(days_of_week, weeks_interval):
            weeks = (sunday(day) - sunday(first)).days // 7
            return day.weekday() in days_of_week and weeks % weeks_interval == 0
        case ScheduleByMonth(days_of_month, months):
            is_last = (day + DAY).month != day.month
            return day.month in months and (day.day in days_of_month or (is_last and LAST in days_of_month))
        case ScheduleByMonthDayOfWeek(days_of_week, weeks, months):
            nth = len([number for number in range(1, day.day + 1) if (day.day - number) % 7 == 0])
            is_last = (day + 7 * DAY).month != day.month
            is_week = nth in weeks or (is_last and LAST in weeks)
            return day.month in months and day.weekday() in days_of_week and is_week


def sunday(day: date) -> date:
    """The Sunday that begins the week of a day."""
    while day.weekday() != DayOfWeek.Sunday:
        day -= DAY
    return day


# Clocks ---------------------------------------------------------------------------------------------------------------


def offset(moment: datetime, tz: tzinfo) -> timedelta:
    """How far the clocks are ahead of UTC."""
    ahead = moment.astimezone(tz).utcoffset()
    assert ahead is not None
    return ahead


def shown(moment: datetime, tz: tzinfo) -> datetime:
    """What the clocks show, naive."""
    return moment.astimezone(tz).replace(tzinfo=None, fold=0)


def instant(boundary: datetime, tz: tzinfo) -> datetime:
    """When the clocks first show a naive boundary; what they skip moves forward by the gap. An aware one as it is."""
    if boundary.tzinfo is not None:
        return boundary.astimezone(UTC)
    as_if_utc = boundary.replace(tzinfo=UTC)
    # no clock is 15 hours from UTC, and none changes twice within 30 hours
    earlier, later = offset(as_if_utc - 15 * HOUR, tz), offset(as_if_utc + 15 * HOUR, tz)
    passes = [moment for moment in (as_if_utc - earlier, as_if_utc - later) if shown(moment, tz) == boundary]
    if passes:
        return min(passes)
    gap = later - earlier
    return as_if_utc + gap - later


def clock_changes(start: datetime, end: datetime, tz: tzinfo) -> list[tuple[datetime, timedelta]]:
    """The minutes at which the clocks jump, and by how much, as far off as a jump of a day matters."""
    found = []
    hour = start - DAY
    while hour < end + DAY:
        if offset(hour, tz) != offset(hour + HOUR, tz):
            for number in range(1, 61):
                minute = hour + number * MINUTE
                jump = offset(minute, tz) - offset(minute - MINUTE, tz)
                if jump:
                    found.append((minute, jump))
        hour += HOUR
    return found


def is_near_change(minute: datetime, changes: list[tuple[datetime, timedelta]]) -> bool:
    """Within a gap's length after it, or within a fold's length of it: both passes."""
    return any(
        change <= minute < change + jump if jump > NOTHING else change + jump <= minute < change - jump
        for change, jump in changes
    )
