"""A task moved to another time of day, on paper."""

from dataclasses import replace
from datetime import UTC, datetime, time

import pytest

from taskanalysis.definition.duration import Duration
from taskanalysis.definition.model import (
    BootTrigger,
    CalendarTrigger,
    DayOfWeek,
    LogonTrigger,
    Repetition,
    ScheduleByDay,
    ScheduleByMonth,
    ScheduleByMonthDayOfWeek,
    ScheduleByWeek,
    TaskDefinition,
    TimeTrigger,
    Trigger,
)
from taskanalysis.definition.reader import read_task
from taskanalysis.definition.words import describe
from taskanalysis.errors import TaskAnalysisError
from taskanalysis.schedule.moving import move
from taskanalysis.schedule.slots import unscheduled
from tests.build import FILES

TEN = datetime(2026, 11, 2, 22)
DAILY = CalendarTrigger(start_boundary=TEN, schedule=ScheduleByDay())
WEEKLY = CalendarTrigger(start_boundary=TEN, schedule=ScheduleByWeek((DayOfWeek.Monday,)))
ONCE = TimeTrigger(start_boundary=TEN)
BOOT = BootTrigger()


def task(*triggers: Trigger) -> TaskDefinition:
    return TaskDefinition(triggers=triggers)


@pytest.mark.parametrize(
    ("trigger", "words"),
    [
        (DAILY, "At 02:00 every day"),
        (WEEKLY, "At 02:00 on Monday"),
        (replace(DAILY, schedule=ScheduleByMonth((1,))), "On the 1st of every month at 02:00"),
        (replace(DAILY, schedule=ScheduleByMonthDayOfWeek((DayOfWeek.Friday,), (1,))), "On the first Friday of "),
        (ONCE, "Once on 2026-11-02 at 02:00"),
        (replace(ONCE, repetition=Repetition(Duration.parse("PT1H"))), "Every hour"),
        (replace(DAILY, start_boundary=TEN.replace(tzinfo=UTC)), "At 02:00 every day"),
    ],
)
def test_each_trigger_with_a_time_is_moved(trigger: Trigger, words: str) -> None:
    before = task(trigger)
    moved = move(before, to="02:00")
    assert describe(moved).startswith(words)
    assert moved.triggers[0].start_boundary == datetime(2026, 11, 2, 2)
    assert before == task(trigger)


@pytest.mark.parametrize("to", ["02:00", "02:00:00", " 02:00 ", "02", time(2)])
def test_time_of_day_has_several_forms(to: str | time) -> None:
    assert move(task(DAILY), to=to) == move(task(DAILY), to="02:00")


@pytest.mark.parametrize("to", ["", "two", "25:00", "2:00", "2026-11-02", "02:00+01:00", None, 2, TEN])
def test_other_forms_are_refused_with_an_example(to: str) -> None:
    with pytest.raises(TaskAnalysisError, match=r"such as 02:00$"):
        move(task(DAILY), to=to)


def test_of_several_triggers_one_is_named() -> None:
    both = task(BOOT, DAILY, WEEKLY)
    assert move(both, to="02:00", trigger=3).triggers[:2] == (BOOT, DAILY)
    assert describe(move(both, to="02:00", trigger=3).triggers[2]) == "At 02:00 on Monday"
    with pytest.raises(TaskAnalysisError) as caught:
        move(both, to="02:00")
    assert str(caught.value) == (
        "the task has 2 triggers with a time: name the one to move, "
        "trigger=2 (At 22:00 every day) or trigger=3 (At 22:00 on Monday)"
    )


def test_only_enabled_triggers_with_a_time_count() -> None:
    off = replace(WEEKLY, enabled=False)
    assert move(task(off, BOOT, DAILY), to="02:00").triggers[:2] == (off, BOOT)
    assert move(task(off, DAILY), to="02:00", trigger=1).triggers[0].start_boundary == datetime(2026, 11, 2, 2)


@pytest.mark.parametrize(
    ("triggers", "trigger", "said"),
    [
        ((BOOT,), 1, "trigger 1 ('At start-up') has no time to move"),
        ((BOOT, DAILY), 1, "trigger 1 ('At start-up') has no time to move"),
        ((DAILY,), 2, "the task has 1 trigger, so there is no trigger=2"),
        ((DAILY,), 0, "the task has 1 trigger, so there is no trigger=0"),
        ((), None, "the task has no start at a time of day that could be moved: it has no enabled trigger"),
        (
            (BOOT, LogonTrigger()),
            None,
            "the task has no start at a time of day that could be moved: it has only 'At start-up' and 'When anyone "
            "logs on'",
        ),
    ],
)
def test_what_has_no_time_is_one_sentence(triggers: tuple[Trigger, ...], trigger: int | None, said: str) -> None:
    with pytest.raises(TaskAnalysisError) as caught:
        move(task(*triggers), to="02:00", trigger=trigger)
    assert str(caught.value) == said


def test_every_trigger_type_is_moved_or_refused() -> None:
    every = read_task(FILES / "definitions" / "every-trigger.xml")
    every = replace(every, triggers=tuple(replace(trigger, enabled=True) for trigger in every.triggers))
    untimed = unscheduled(every)
    for number, trigger in enumerate(every.triggers, 1):
        if number in untimed:
            with pytest.raises(TaskAnalysisError, match="has no time to move"):
                move(every, to="02:00", trigger=number)
        else:
            start = move(every, to="02:00", trigger=number).triggers[number - 1].start_boundary
            assert start
            assert start.time() == time(2), trigger
