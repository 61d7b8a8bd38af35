"""Run times against a simulator that asks every minute: random tasks and zones, mostly where the clocks change.

`pytest tests/schedule/test_oracle.py -k sample -rP` prints what the random cases hold.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
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
from tests.schedule.oracle import DAY, MINUTE, clock_changes, hits, instant, is_near_change, offset, shown, simulate

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
@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_slots_are_those_of_the_simulator(case: Case) -> None:
    check_against_simulation(case)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))  # for pytest-xdist
@settings(max_examples=5_000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
@given(case=cases())
def test_slots_of_many_tasks_are_those_of_the_simulator(part: int, case: Case) -> None:
    check_against_simulation(case)


# The random cases themselves ------------------------------------------------------------------------------------------


def kinds_of(case: Case) -> set[str]:
    """What a case holds, as the simulator sees it: types that start, reasons of doubt, slots moved by a gap."""
    found: set[str] = set()
    numbers = set()
    for hit in hits(case.definition, case.start, case.end, case.tz):
        numbers.add(hit.number)
        found |= {f"doubt {reason}" for reason in hit.doubts} or {"judged"}
        boundary = case.definition.triggers[hit.number - 1].start_boundary
        assert boundary is not None
        if hit.time > hit.base:
            found.add("repeated" if hit.time - hit.base < 1000 * DAY else "repeated for years")
        elif boundary.tzinfo is None and shown(hit.time, case.tz).time() != boundary.time():
            found.add("moved")
        found.add("local boundary" if boundary.tzinfo is None else "fixed boundary")
    found |= {type_name(case.definition.triggers[number - 1]) for number in numbers}
    return found | {"any"} if found else found


@pytest.mark.slow
def test_sample_of_random_cases_holds_every_kind_of_start() -> None:
    counts: Counter[str] = Counter()
    cases_seen = []

    @settings(
        max_examples=600,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(cases())
    def count(case: Case) -> None:
        counts.update(kinds_of(case))
        cases_seen.append(case)

    count()
    print("\n".join(f"{kind:<45} {number:>4}" for kind, number in counts.most_common()))
    assert {case.zone for case in cases_seen} == set(ZONES)
    assert counts["any"] > 0.4 * len(cases_seen)
    schedules_seen = {kind for kind in counts if kind.startswith("CalendarTrigger/")}
    assert len(schedules_seen) == 4
    wanted = ["TimeTrigger", *schedules_seen, "local boundary", "fixed boundary", "judged", "repeated"]
    wanted += ["doubt a", "doubt b", "doubt c", "doubt d", "moved", "repeated for years"]
    assert [kind for kind in wanted if not counts[kind]] == []


# The simulator itself -------------------------------------------------------------------------------------------------


def seen(trigger: Trigger | TaskDefinition, zone: str, start: str, hours: int) -> list[str]:
    """Starts as the clocks show them, `?` where not judged."""
    task = trigger if isinstance(trigger, TaskDefinition) else TaskDefinition(triggers=(trigger,))
    tz = ZoneInfo(zone)
    begin = datetime.fromisoformat(start).replace(tzinfo=tz).astimezone(UTC)
    simulated = simulate(task, begin, begin + timedelta(hours=hours), tz)
    return [f"{time.astimezone(tz):%a %H:%M %z}{'' if judged else ' ?'}" for time, _, judged in simulated]


def daily(boundary: str, repeated: str = "", *, until: str = "") -> CalendarTrigger:
    """Every day from a boundary on; `repeated` is the interval, or interval/duration."""
    interval, _, duration = repeated.partition("/")
    repetition = Repetition(Duration.parse(interval or "PT0S"), Duration.parse(duration) if duration else None)
    return CalendarTrigger(
        schedule=ScheduleByDay(),
        start_boundary=datetime.fromisoformat(boundary),
        end_boundary=datetime.fromisoformat(until) if until else None,
        repetition=repetition if repeated else None,
    )


@pytest.mark.parametrize(
    ("boundary", "zone", "day", "expected"),
    [
        ("2026-03-01T02:30", "America/New_York", "2026-03-07", ["Sat 02:30 -0500", "Sun 03:30 -0400 ?"]),
        ("2026-03-01T03:30", "America/New_York", "2026-03-07", ["Sat 03:30 -0500", "Sun 03:30 -0400 ?"]),
        ("2026-03-01T04:00", "America/New_York", "2026-03-07", ["Sat 04:00 -0500", "Sun 04:00 -0400"]),
        ("2026-10-01T00:30", "America/New_York", "2026-10-31", ["Sat 00:30 -0400", "Sun 00:30 -0400"]),
        ("2026-10-01T01:30", "America/New_York", "2026-10-31", ["Sat 01:30 -0400", "Sun 01:30 -0400 ?"]),
        ("2026-10-01T02:00", "America/New_York", "2026-10-31", ["Sat 02:00 -0400", "Sun 02:00 -0500"]),
        ("2026-03-01T02:30-05:00", "America/New_York", "2026-03-07", ["Sat 02:30 -0500", "Sun 03:30 -0400"]),
        ("2026-10-01T02:15", "Australia/Lord_Howe", "2026-10-03", ["Sat 02:15 +1030", "Sun 02:45 +1100 ?"]),
        (
            "2018-11-01T00:00",
            "America/Sao_Paulo",
            "2018-11-03",
            ["Sat 00:00 -0300", "Sun 01:00 -0200 ?", "Mon 00:00 -0200"],
        ),
        ("2011-12-01T10:00", "Pacific/Apia", "2011-12-29", ["Thu 10:00 -1000", "Sat 10:00 +1400 ?"]),
        ("2015-08-01T23:45", "Asia/Pyongyang", "2015-08-14", ["Fri 23:45 +0900 ?"]),
        ("2015-08-01T23:15", "Asia/Pyongyang", "2015-08-14", ["Fri 23:15 +0900", "Sat 23:15 +0830"]),
        ("2026-07-01T09:00Z", "Asia/Kolkata", "2026-07-01", ["Wed 14:30 +0530", "Thu 14:30 +0530"]),
    ],
)
def test_simulator_knows_clocks(boundary: str, zone: str, day: str, expected: list[str]) -> None:
    assert seen(daily(boundary), zone, day, 48) == expected


@pytest.mark.parametrize("zone", ZONES)
def test_simulator_finds_an_instant_as_pep_495_says(zone: str) -> None:
    for day in days_of_change(zone):
        for number in range(0, 2880, 15):
            wall = day.replace(tzinfo=None) + number * MINUTE
            assert instant(wall, ZoneInfo(zone)) == wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("repeated", "day", "number", "doubtful"),
    [
        ("PT1H/P1D", "2026-07-01T06:00", 24, []),  # the end of the duration is the next day's start
        ("PT1H/PT12H", "2026-07-01T06:00", 13, ["18:00"]),
        ("PT1H/PT11H59M", "2026-07-01T06:00", 12, []),
        ("PT0S/PT2H", "2026-07-01T06:00", 1, []),
        ("PT1H/PT0S", "2026-07-01T06:00", 1, []),
        ("PT5H", "2026-07-01T06:00", 5, ["11:00", "16:00", "21:00", "02:00"]),
        ("PT5H/P1D", "2026-07-01T06:00", 5, []),  # over when the next day's start comes
        ("PT5H/PT24H1M", "2026-07-01T06:00", 5, ["11:00", "16:00", "21:00", "02:00"]),
        ("PT8H/P1M", "2026-07-01T06:00", 3, ["14:00", "22:00"]),
        ("PT1H/P1D", "2026-03-07T06:00", 23, ["03:00"]),  # after the gap
        ("PT1H/P1D", "2026-10-31T06:00", 25, ["01:00", "01:00", "05:00"]),  # in the fold; after 24 hours
    ],
)
def test_simulator_repeats(repeated: str, day: str, number: int, doubtful: list[str]) -> None:
    hours = {"2026-03-07T06:00": 23, "2026-10-31T06:00": 25}.get(day, 24)
    starts = seen(daily("2026-02-01T06:00", repeated), "America/New_York", day, hours)
    assert len(starts) == number
    assert [start[4:9] for start in starts if start.endswith("?")] == doubtful


EVERY_DAY = tuple(DayOfWeek)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (None, "2"),
        (ScheduleByDay(10), "2 12 22"),
        (ScheduleByWeek((DayOfWeek.Saturday, DayOfWeek.Sunday)), "3 4 10 11 17 18 24 25 31"),
        (ScheduleByWeek((DayOfWeek.Saturday, DayOfWeek.Sunday), 2), "3 11 17 25 31"),  # Sunday begins the week
        (ScheduleByWeek(), ""),
        (ScheduleByMonth((1, 2, 30, LAST)), "2 30 31"),
        (ScheduleByMonth((5,), (Month.February,)), ""),
        (ScheduleByMonthDayOfWeek((DayOfWeek.Friday,)), "2 9 16 23 30"),
        (ScheduleByMonthDayOfWeek((DayOfWeek.Monday, DayOfWeek.Friday), (1, 4)), "2 5 23 26"),
        (ScheduleByMonthDayOfWeek(EVERY_DAY, (LAST,)), "25 26 27 28 29 30 31"),
        (ScheduleByMonthDayOfWeek(EVERY_DAY, (1,), (Month.June,)), ""),
    ],
    ids=str,
)
def test_simulator_knows_days(schedule: Schedule | None, expected: str) -> None:
    boundary = datetime(2026, 10, 2, 6, 0)  # a Friday
    once = TimeTrigger(start_boundary=boundary)
    trigger = CalendarTrigger(schedule=schedule, start_boundary=boundary) if schedule else once
    task = TaskDefinition(triggers=(trigger,))
    starts = simulate(task, datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC), UTC)
    assert " ".join(str(time.day) for time, _, _ in starts) == expected


def test_simulator_counts_days_of_a_fixed_boundary_in_its_offset() -> None:
    trigger = CalendarTrigger(
        schedule=ScheduleByWeek((DayOfWeek.Monday,)), start_boundary=datetime.fromisoformat("2026-07-01T00:30+14:00")
    )
    assert seen(trigger, "America/New_York", "2026-07-01", 7 * 24) == ["Sun 06:30 -0400"]


def test_simulator_counts_a_month_as_31_days() -> None:
    repetition = Repetition(Duration.parse("PT12H"), Duration.parse("P1M"))
    trigger = TimeTrigger(start_boundary=datetime(2026, 2, 1), repetition=repetition)
    starts = seen(trigger, "UTC", "2026-02-01", 1000)
    assert starts == ["Sun 00:00 +0000", *(start for start in starts[1:] if start.endswith("?"))]
    assert len(starts) == 2 * 31 + 1


def test_simulator_skips_a_day_that_a_month_lacks() -> None:
    trigger = CalendarTrigger(schedule=ScheduleByMonth((31,)), start_boundary=datetime(2026, 1, 31, 6, 0))
    task = TaskDefinition(triggers=(trigger,))
    starts = simulate(task, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC), UTC)
    assert [f"{time:%m-%d}" for time, _, _ in starts] == ["01-31", "03-31", "05-31"]


def test_simulator_ends_before_the_end_boundary() -> None:
    for until in ("2026-07-01T08:00", "2026-07-01T12:00Z"):
        trigger = daily("2026-07-01T06:00", "PT1H/P1D", until=until)
        assert seen(trigger, "America/New_York", "2026-07-01", 72) == ["Wed 06:00 -0400", "Wed 07:00 -0400"]


def test_simulator_starts_nothing_that_is_disabled() -> None:
    trigger = TimeTrigger(start_boundary=datetime(2026, 7, 1, 6, 0))
    off = TimeTrigger(start_boundary=datetime(2026, 7, 1, 6, 0), enabled=False)
    assert seen(trigger, "UTC", "2026-07-01", 24) == ["Wed 06:00 +0000"]
    assert seen(off, "UTC", "2026-07-01", 24) == []
    assert seen(TaskDefinition(triggers=(trigger,), settings=Settings(enabled=False)), "UTC", "2026-07-01", 24) == []


def test_simulator_gives_an_instant_once_with_the_first_trigger_and_judged_by_any() -> None:
    hourly = daily("2026-07-01T06:00", "PT1H/PT2H")  # 08:00, not judged
    task = TaskDefinition(triggers=(BootTrigger(), hourly, daily("2026-07-01T08:00")))
    starts = simulate(task, datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 7, 2, tzinfo=UTC), UTC)
    assert [(time.hour, number, judged) for time, number, judged in starts] == [
        (6, 2, True),
        (7, 2, True),
        (8, 2, True),
    ]


def test_simulator_reaches_back_to_1970() -> None:
    trigger = TimeTrigger(
        start_boundary=datetime(1970, 1, 1), repetition=Repetition(Duration.parse("PT7M"), Duration.parse("P36525D"))
    )
    assert seen(trigger, "UTC", "2026-07-01T06:00", 1)[:2] == ["Wed 06:02 +0000", "Wed 06:09 +0000"]
