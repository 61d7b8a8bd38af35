"""Run times against a simulator that asks every minute: random tasks and zones, mostly where the clocks change.

That the simulator is right where a file of `tests/files/schedules` says the runs is in `test_schedule_files`.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskanalysis.definition.duration import Duration
from taskanalysis.definition.model import (
    LAST,
    BootTrigger,
    CalendarTrigger,
    DayOfWeek,
    Month,
    Repetition,
    Schedule,
    ScheduleByDay,
    ScheduleByMonth,
    ScheduleByMonthDayOfWeek,
    ScheduleByWeek,
    Settings,
    TaskDefinition,
    TimeTrigger,
    Trigger,
    type_name,
)
from taskanalysis.schedule.slots import (
    expected_runs,
    next_run,
    previous_run,
    slot_arrays,
    slots,
    unscheduled,
)
from taskanalysis.schedule.zones import microseconds, zone_clock
from tests.schedule.oracle import DAY, MINUTE, clock_changes, hits, is_near_change, offset, simulate

ZONES = [
    "America/New_York",
    "Europe/London",
    "Australia/Lord_Howe",  # by half an hour
    "Asia/Kolkata",
    "Europe/Istanbul",  # left DST in 2016
    "Asia/Pyongyang",  # half an hour in 2015 and back in 2018
    "America/Sao_Paulo",  # gap at midnight
    "Africa/Casablanca",  # back for Ramadan
    "Pacific/Apia",  # without 2011-12-30
    "America/Caracas",  # half an hour in 2007 and back in 2016
    "UTC",
]


# Random cases ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A task, and a window (UTC) to look for its starts in."""

    zone: str
    start: datetime
    end: datetime
    definition: TaskDefinition

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


@cache
def days_of_change(zone: str) -> list[datetime]:
    """Midnights (UTC) of days in which the clocks of a zone change."""
    days = [datetime(2005, 1, 1, tzinfo=UTC) + number * DAY for number in range(26 * 365)]
    return [day for day in days if offset(day, ZoneInfo(zone)) != offset(day + DAY, ZoneInfo(zone))]


@cache
def minutes(least: int, most: int) -> st.SearchStrategy[timedelta]:
    return st.integers(least, most).map(lambda number: number * MINUTE)


@cache
def one_in(number: int) -> st.SearchStrategy[bool]:
    return st.sampled_from([*[False] * (number - 1), True])


def some(*values: object) -> st.SearchStrategy[tuple[object, ...]]:
    """All of them, or some in any order."""
    few = st.lists(st.sampled_from(values), min_size=1, max_size=6, unique=True).map(tuple)
    return st.just(values) | few


# made once, not in the functions below: hypothesis takes most of its time to make strategies
# the clocks change at such a time in one of the zones
SMALL_HOURS = st.sampled_from([0, 30, 60, 90, 120, 135, 150, 180, 210, 1410, 1425]).map(lambda number: number * MINUTE)
TIMES = SMALL_HOURS | SMALL_HOURS | minutes(0, 240) | minutes(0, 1439)
OFFSETS = st.sampled_from([0, 60, -300, 330, 630, -660, 840]).map(lambda number: timezone(number * MINUTE))
LOCAL = st.none()
INTERVALS = st.sampled_from([1, 5, 7, 15, 30, 45, 60, 61, 90, 120, 240, 360, 720, 1440, 2880]) | st.integers(1, 3000)
DURATIONS = st.sampled_from([60 * MINUTE, DAY, DAY, 7 * DAY, 0 * DAY]) | minutes(1, 4000)
KINDS = st.sampled_from([ScheduleByDay, ScheduleByWeek, ScheduleByMonth, ScheduleByMonthDayOfWeek, None])
EVERY = st.sampled_from([*[1] * 9, 2, 3, 4]) | st.integers(1, 60)
WEEKDAYS, MONTHS, WEEKS = some(*DayOfWeek), some(*Month), some(1, 2, 3, 4, LAST)
DAYS_OF_MONTH = some(*range(1, 32), LAST) | st.sampled_from([(LAST,), (30, 31), (1, LAST)])
AGES = st.sampled_from([1, *range(8), *range(-1, 15)]) | st.integers(-3, 400) | st.integers(400, 7000)
LENGTHS = minutes(700, 3000) | minutes(1, 3000) | minutes(1400, 4000) | minutes(4000, 10_000)


@st.composite
def repetitions(draw: st.DrawFn) -> Repetition:
    minute = draw(INTERVALS)
    interval = Duration(int(draw(one_in(20))), minute * MINUTE)
    if draw(one_in(2)):
        delta = draw(st.integers(1, 30)) * minute * MINUTE if draw(one_in(2)) else draw(DURATIONS)
        duration = Duration(int(draw(one_in(5))), delta)
    else:
        duration = None
    return Repetition(Duration() if draw(one_in(30)) else interval, duration, draw(st.booleans()))


@st.composite
def schedules(draw: st.DrawFn, near: date) -> Schedule | None:
    """None is "once". Where only some days are named the day `near` is mostly one of them."""

    def with_near(values: tuple[object, ...], value: int) -> tuple[object, ...]:
        return values if value in values or draw(one_in(5)) else (*values, value)

    kind = draw(KINDS)
    if kind is None:
        return None
    if kind is ScheduleByDay:
        return ScheduleByDay(draw(EVERY))
    if kind is ScheduleByMonth:
        return ScheduleByMonth(with_near(draw(DAYS_OF_MONTH), near.day), with_near(draw(MONTHS), Month(near.month)))
    weekdays = () if draw(one_in(50)) else with_near(draw(WEEKDAYS), DayOfWeek(near.weekday()))
    if kind is ScheduleByWeek:
        return ScheduleByWeek(weekdays, draw(EVERY))
    return ScheduleByMonthDayOfWeek(weekdays, draw(WEEKS), with_near(draw(MONTHS), Month(near.month)))


@st.composite
def triggers(draw: st.DrawFn, near: datetime) -> Trigger:
    """One with a boundary near a midnight, sometimes years before it."""
    enabled = not draw(one_in(15))
    if draw(one_in(25)):
        return BootTrigger(enabled=enabled)
    schedule = draw(schedules((near - draw(st.integers(-1, 1)) * DAY).date()))
    day = datetime(1970, 1, 1) if draw(one_in(12)) else near.replace(tzinfo=None) - draw(AGES) * DAY
    start = (day + draw(TIMES)).replace(tzinfo=draw(OFFSETS if draw(one_in(4)) else LOCAL))
    end = near.replace(tzinfo=draw(OFFSETS if draw(one_in(3)) else LOCAL)) + draw(minutes(0, 8000))
    is_repeated = draw(one_in(2)) or (schedule is None and not draw(one_in(5)))
    common = {
        "enabled": enabled,
        "start_boundary": start if not draw(one_in(60)) else None,
        "end_boundary": end if draw(one_in(4)) else None,
        "repetition": draw(repetitions()) if is_repeated else None,
        "random_delay": Duration(0, MINUTE) if draw(one_in(10)) else None,
    }
    return CalendarTrigger(schedule=schedule, **common) if schedule else TimeTrigger(**common)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A task in a zone, with a window that is mostly near a change of its clocks."""
    zone = draw(st.sampled_from(ZONES))
    midnight = datetime(2005, 1, 1, tzinfo=UTC) + draw(st.integers(0, 26 * 365)) * DAY
    if days_of_change(zone) and not draw(one_in(5)):
        midnight = draw(st.sampled_from(days_of_change(zone)))
    elif draw(one_in(3)):
        midnight = midnight.replace(day=1)
    start = midnight + draw(minutes(-1500, 1000))
    drawn = tuple(draw(triggers(midnight)) for _ in range(draw(st.integers(1, 3))))
    task_settings = Settings(enabled=not draw(one_in(40)), start_when_available=draw(st.booleans()))
    return Case(zone, start, start + draw(LENGTHS), TaskDefinition(triggers=drawn, settings=task_settings))


# The program against the simulator ------------------------------------------------------------------------------------


def check_against_simulation(case: Case) -> None:
    """All answers of `schedule` about one case are those of the simulator."""
    definition, start, end, tz = case.definition, case.start, case.end, case.tz
    simulated = simulate(definition, start, end, tz)
    given_slots = list(slots(definition, start, end, tz=tz))
    assert [(slot.time.astimezone(UTC), slot.trigger, slot.judged) for slot in given_slots] == simulated

    times = [time for time, _, _ in simulated]
    runs = list(expected_runs(definition, start, end, tz=case.zone))
    assert [run.astimezone(UTC) for run in runs] == times
    assert {run.tzinfo for run in runs} | {slot.time.tzinfo for slot in given_slots} <= {tz}

    arrays = slot_arrays(definition, start, end, tz=tz)
    rows = zip(arrays.time.tolist(), arrays.trigger.tolist(), arrays.judged.tolist(), strict=True)
    assert [(time.replace(tzinfo=UTC), number, judged) for time, number, judged in rows] == simulated

    following = next_run(definition, start - MINUTE, tz=tz)  # all are whole minutes: the first at or after the start
    preceding = previous_run(definition, end, tz=tz)
    if times:
        assert following is not None
        assert preceding is not None
        assert [following.astimezone(UTC), preceding.astimezone(UTC)] == [times[0], times[-1]]
    else:
        assert following is None or following.astimezone(UTC) >= end
        assert preceding is None or preceding.astimezone(UTC) < start

    if definition.settings.enabled:
        without_a_time = {
            number: type_name(trigger)
            for number, trigger in enumerate(definition.triggers, 1)
            if trigger.enabled and (isinstance(trigger, BootTrigger) or trigger.start_boundary is None)
        }
        assert unscheduled(definition) == without_a_time
        if len(definition.triggers) == 1:
            assert list(slots(definition.triggers[0], start, end, tz=tz)) == given_slots
    clock = zone_clock(tz, start.year - 1, end.year + 1)
    for moment in (start, end, *times[:3]):
        near = is_near_change(moment, clock_changes(moment, moment + MINUTE, tz))
        assert clock.is_settled(np.array([microseconds(moment)])).tolist() == [not near]


# the same cases every time, so that a push is not judged by chance; the long run below draws new ones each time
@settings(max_examples=60, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_slots_are_those_of_the_simulator(case: Case) -> None:
    check_against_simulation(case)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))  # for pytest-xdist
@settings(max_examples=1_000, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
@given(case=cases())
def test_slots_of_many_tasks_are_those_of_the_simulator(part: int, case: Case) -> None:
    check_against_simulation(case)


@pytest.mark.slow
def test_random_cases_hold_every_kind_of_start() -> None:
    kinds: Counter[str] = Counter()

    @settings(max_examples=600, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(cases())
    def count(case: Case) -> None:
        found = list(hits(case.definition, case.start, case.end, case.tz))
        kinds.update({type_name(case.definition.triggers[hit.number - 1]) for hit in found})
        kinds.update({f"doubt {reason}" for hit in found for reason in hit.doubts})
        kinds.update({"repeated" for hit in found if hit.time > hit.base} | {"any" for _ in found[:1]})

    count()
    schedules_seen = {kind for kind in kinds if kind.startswith("CalendarTrigger/")}
    assert len(schedules_seen) == 4
    assert kinds.keys() - schedules_seen == {
        "any",
        "TimeTrigger",
        "repeated",
        *(f"doubt {reason}" for reason in "abcd"),
    }
    assert kinds["any"] > 240
