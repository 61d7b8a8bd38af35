"""Expected runs: what the interface promises. The rules themselves are in tests/files/schedules and in the oracle."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pytest

import taskanalysis as ta
from benchmarks import schedule as benchmark
from taskanalysis.definition import model
from taskanalysis.definition.duration import Duration
from taskanalysis.definition.model import (
    BootTrigger,
    CalendarTrigger,
    Repetition,
    ScheduleByDay,
    Settings,
    TaskDefinition,
    TimeTrigger,
    Trigger,
)
from taskanalysis.errors import ZoneError
from taskanalysis.schedule.slots import next_run, previous_run, runs_around, slot_arrays, slots, unscheduled
from taskanalysis.schedule.zones import microseconds, moment_of, zone_clock

NEW_YORK = ZoneInfo("America/New_York")
MONDAY, TUESDAY = datetime(2026, 11, 23, tzinfo=NEW_YORK), datetime(2026, 11, 24, tzinfo=NEW_YORK)
SIX = CalendarTrigger(start_boundary=datetime(2026, 1, 1, 6), schedule=ScheduleByDay())
HOURLY = replace(SIX, repetition=Repetition(Duration.parse("PT1H"), Duration.parse("P1D")))
OFTEN = replace(SIX, repetition=Repetition(Duration.parse("PT0.001S"), Duration.parse("P1D")))


def task(*those: Trigger) -> TaskDefinition:
    return TaskDefinition(triggers=those)


def test_moments_are_aware_and_in_the_zone_asked_for() -> None:
    (run,) = ta.expected_runs(task(SIX), MONDAY, TUESDAY, tz="America/New_York")
    assert (run, run.tzinfo) == (datetime(2026, 11, 23, 6, tzinfo=NEW_YORK), NEW_YORK)
    assert next(ta.expected_runs(task(SIX), MONDAY, TUESDAY, tz=NEW_YORK)).tzinfo is NEW_YORK
    berlin = list(ta.expected_runs(SIX, MONDAY, TUESDAY, tz="Europe/Berlin"))
    assert [f"{run:%d %H:%M %z}" for run in berlin] == ["23 06:00 +0100"]


def test_start_is_included_and_end_is_not() -> None:
    six = datetime(2026, 11, 23, 6, tzinfo=NEW_YORK)
    assert list(ta.expected_runs(SIX, six, six + timedelta(seconds=1), tz=NEW_YORK)) == [six]
    assert list(ta.expected_runs(SIX, six - timedelta(seconds=1), six, tz=NEW_YORK)) == []
    assert list(ta.expected_runs(SIX, TUESDAY, MONDAY, tz=NEW_YORK)) == []
    assert next_run(SIX, six, tz=NEW_YORK) == six + timedelta(days=1)
    assert previous_run(SIX, six, tz=NEW_YORK) == six - timedelta(days=1)


def test_first_runs_come_without_computing_all_of_them() -> None:
    minute = TimeTrigger(start_boundary=datetime(1970, 1, 1), repetition=Repetition(Duration.parse("PT1M")))
    far = datetime(9000, 1, 1, tzinfo=UTC)
    assert len(list(islice(ta.expected_runs(minute, MONDAY, far, tz=NEW_YORK), 5))) == 5


def test_slot_names_the_first_of_the_triggers_that_share_it() -> None:
    seven = replace(SIX, start_boundary=datetime(2026, 1, 1, 7))
    found = list(slots(task(BootTrigger(), seven, HOURLY, SIX), MONDAY, MONDAY + timedelta(hours=9), tz=NEW_YORK))
    assert [(slot.time.hour, slot.trigger) for slot in found if slot.time.hour in (6, 7, 8)] == [(6, 3), (7, 2), (8, 3)]
    arrays = slot_arrays(task(seven, SIX), MONDAY, TUESDAY, tz=NEW_YORK)
    assert (arrays.trigger.tolist(), arrays.judged.tolist()) == ([2, 1], [True, True])
    assert arrays.time.dtype == np.dtype("datetime64[us]")


@pytest.mark.parametrize(
    "subject",
    [
        task(),
        task(BootTrigger()),
        task(replace(SIX, enabled=False)),
        replace(task(SIX), settings=Settings(enabled=False)),
        replace(SIX, start_boundary=None),
        replace(SIX, enabled=False),
        task(OFTEN),
        OFTEN,
    ],
)
def test_subject_without_start_times_yields_nothing(subject: TaskDefinition | Trigger) -> None:
    assert list(slots(subject, MONDAY, TUESDAY, tz="UTC")) == []
    assert next_run(subject, MONDAY, tz="UTC") is None
    assert previous_run(subject, MONDAY, tz="UTC") is None
    assert runs_around(subject, MONDAY, tz="UTC") == (None, None)
    assert len(slot_arrays(subject, MONDAY, TUESDAY, tz="UTC").time) == 0


def test_triggers_without_a_time_are_named() -> None:
    off, no_start = replace(BootTrigger(), enabled=False), replace(SIX, start_boundary=None)
    assert unscheduled(task(SIX, BootTrigger(), off, no_start, OFTEN)) == {
        2: "BootTrigger",
        4: "CalendarTrigger/ScheduleByDay",
        5: "a repetition under a minute, which Windows refuses",
    }
    assert unscheduled(BootTrigger()) == {1: "BootTrigger"}


def test_each_trigger_type_yields_runs_or_is_named_as_without_a_time() -> None:
    kinds = [kind for kind in vars(model).values() if isinstance(kind, type) and issubclass(kind, Trigger)]
    extra = {"UnknownTrigger": {"name": "UnknownTrigger"}, "CalendarTrigger": {"schedule": ScheduleByDay()}}
    made = [
        kind(start_boundary=datetime(2026, 11, 23, 6), **extra.get(kind.__name__, {}))
        for kind in kinds
        if kind is not Trigger
    ]
    timed = {type(each).__name__ for each in made if list(ta.expected_runs(each, MONDAY, TUESDAY, tz=NEW_YORK))}
    named = {name.partition("/")[0] for name in unscheduled(task(*made)).values()}
    assert timed == {"TimeTrigger", "CalendarTrigger"}
    assert {type(each).__name__ for each in made} == timed | named
    assert not timed & named


def test_unknown_zone_is_refused() -> None:
    for name in ("Mars/Olympus", "Eastern Standard Time", "America", "../../etc/passwd", "", "a\0b", "x" * 5_000):
        with pytest.raises(ZoneError, match="is not the name of a time zone"):
            ta.expected_runs(SIX, MONDAY, TUESDAY, tz=name)


@pytest.mark.parametrize("year", [1, 2, 9998, 9999])
@pytest.mark.parametrize("offset", [None, timezone(timedelta(hours=14)), timezone(-timedelta(hours=14))])
def test_ends_of_the_calendar_are_no_error(year: int, offset: timezone | None) -> None:
    start, end = datetime(year, 1, 1, tzinfo=offset), datetime(year, 12, 31, 23, 59, tzinfo=offset)
    long = Repetition(Duration.parse("P999999999D"), Duration.parse("P999999999D"))
    for repetition in (None, Repetition(Duration.parse("P1D")), long):
        for each in (
            replace(SIX, start_boundary=start, end_boundary=end, repetition=repetition),
            TimeTrigger(start_boundary=end, end_boundary=start, repetition=repetition),
        ):
            window = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
            assert len(list(islice(slots(each, *window, tz=NEW_YORK), 3))) <= 3
            for at in window:
                found = next_run(each, at, tz=NEW_YORK), previous_run(each, at, tz=NEW_YORK)
                assert all(run is None or run.tzinfo is NEW_YORK for run in found)


@pytest.mark.parametrize(
    "trigger",
    [
        SIX,
        replace(SIX, repetition=Repetition(Duration.parse("PT25M"), Duration.parse("PT3H"))),
        replace(SIX, repetition=Repetition(Duration.parse("PT7H"))),
        replace(SIX, schedule=model.ScheduleByWeek(days_of_week=frozenset({1, 5}))),
        replace(SIX, end_boundary=TUESDAY.replace(tzinfo=None) + timedelta(hours=3)),
        TimeTrigger(start_boundary=TUESDAY.replace(tzinfo=None)),
        TimeTrigger(start_boundary=TUESDAY, repetition=Repetition(Duration.parse("PT1H"), Duration.parse("PT4H"))),
    ],
)
def test_runs_around_a_moment_are_the_neighbors_among_all_runs(trigger: Trigger) -> None:
    begin, end = MONDAY - timedelta(days=40), TUESDAY + timedelta(days=40)
    runs = list(ta.expected_runs(trigger, begin, end, tz=NEW_YORK))
    near = [run for run in runs if abs(run - MONDAY) < timedelta(days=20)]
    moments = {run + timedelta(seconds=apart) for run in near for apart in (-1, 0, 1)}
    assert moments
    for at in sorted(moments | {MONDAY + timedelta(minutes=97 * step) for step in range(100)}):
        earlier = max((run for run in runs if run <= at), default=None)
        later = min((run for run in runs if run > at), default=None)
        assert runs_around(trigger, at, tz=NEW_YORK) == (earlier, later), at


# Clocks ---------------------------------------------------------------------------------------------------------------


def assert_clock_is_that_of_zoneinfo(zone: ZoneInfo, first: int, last: int, step: timedelta) -> None:
    """At every step, and each half hour around the changes that the clock knows."""
    clock = zone_clock(zone, first, last)
    begin, end = datetime(first, 1, 3, 0, 30), datetime(last, 12, 29)
    wall = [begin + number * step for number in range((end - begin) // step)]
    changes = [moment_of(change, zone).replace(tzinfo=None) for change in clock.changes.tolist()]
    wall += [change + timedelta(minutes=30 * number) for change in changes for number in range(-6, 7)]
    wall = [each for each in wall if begin <= each < end]
    ours = clock.instants(np.array([microseconds(each.replace(tzinfo=UTC)) for each in wall]))
    theirs = [microseconds(each.replace(tzinfo=zone)) for each in wall]
    assert ours.tolist() == theirs


@pytest.mark.parametrize("name", ["America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia"])
def test_wall_clock_becomes_the_instant_that_zoneinfo_gives(name: str) -> None:
    assert_clock_is_that_of_zoneinfo(ZoneInfo(name), 2010, 2012, timedelta(hours=1))


@pytest.mark.slow
def test_wall_clock_of_every_zone_is_that_of_zoneinfo() -> None:
    names = sorted(available_timezones() - {"localtime"})
    assert len(names) > 400
    for name in names:
        assert_clock_is_that_of_zoneinfo(ZoneInfo(name), 1998, 2032, timedelta(hours=97))


def test_clock_of_a_zone_without_changes_has_none() -> None:
    clock = zone_clock(ZoneInfo("Asia/Kolkata"), 2020, 2030)
    assert (clock.changes.tolist(), clock.offsets.tolist()) == ([], [19_800_000_000])


# Speed is measured elsewhere ------------------------------------------------------------------------------------------


def test_benchmark_runs_at_a_small_size(capsys: pytest.CaptureFixture[str]) -> None:
    benchmark.main(30)
    shown = capsys.readouterr().out
    assert "| a year of slots, 30 definitions |" in shown
    assert "stepping through rrule" in shown
