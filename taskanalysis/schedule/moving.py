r"""Move a task to another time of day, on paper: nothing is written to Windows.

>>> from taskanalysis.definition import describe
>>> from taskanalysis.definition.model import ScheduleByDay
>>> nightly = CalendarTrigger(start_boundary=datetime(2026, 1, 1, 22), schedule=ScheduleByDay())
>>> describe(move(TaskDefinition(triggers=(nightly,)), to="02:00"))
'At 02:00 every day'
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time

from taskanalysis.definition import CalendarTrigger, TaskDefinition, TimeTrigger, Trigger, describe
from taskanalysis.errors import TaskAnalysisError
from taskanalysis.text import clip, count, listed


def move(task: TaskDefinition, to: str | time, *, trigger: int | None = None) -> TaskDefinition:
    r"""The definition with its start moved to another time of day, ``"02:00"`` or a `datetime.time`, of the server.

    The days, weeks and months stay, as do a repetition (which moves as a whole), the random delay and the end boundary.
    The time is the server's local time, also where the start had an offset until now. `trigger` is the position of the
    trigger to move, from 1; without it the task must have one enabled trigger with a time. `task` is not changed.

    TaskAnalysisError for text that is no time of day, a trigger that has no time (at start-up, at log on, on an event),
    a task with several times where `trigger` names none, and a position that the task does not have.

    >>> move(TaskDefinition(), to="25:00")
    Traceback (most recent call last):
    ...
    taskanalysis.errors.TaskAnalysisError: '25:00' is not a time of day such as 02:00
    """
    moment = _time_of_day(to)
    place = _only_timed(task.triggers) if trigger is None else _chosen(task.triggers, trigger)
    old = task.triggers[place]
    start = old.start_boundary and datetime.combine(old.start_boundary, moment)
    moved = replace(old, start_boundary=start)
    return replace(task, triggers=(*task.triggers[:place], moved, *task.triggers[place + 1 :]))


def _time_of_day(to: str | time) -> time:
    try:
        moment = to if isinstance(to, time) else time.fromisoformat(to.strip())
    except (ValueError, AttributeError):
        raise TaskAnalysisError(f"'{clip(str(to))}' is not a time of day such as 02:00") from None
    if moment.tzinfo:
        raise TaskAnalysisError(f"{moment} has an offset: give the server's local time, such as 02:00")
    return moment


def _has_time(trigger: Trigger) -> bool:
    return isinstance(trigger, CalendarTrigger | TimeTrigger) and trigger.start_boundary is not None


def _only_timed(triggers: tuple[Trigger, ...]) -> int:
    """The index of the only enabled trigger with a time."""
    timed = [index for index, trigger in enumerate(triggers) if trigger.enabled and _has_time(trigger)]
    if len(timed) > 1:
        numbers = listed([f"trigger={index + 1} ({clip(describe(triggers[index]))})" for index in timed], "or")
        raise TaskAnalysisError(f"the task has {len(timed)} triggers with a time: name the one to move, {numbers}")
    if not timed:
        words = listed([f"'{clip(describe(trigger))}'" for trigger in triggers if trigger.enabled])
        has = f"only {words}" if words else "no enabled trigger"
        raise TaskAnalysisError(f"the task has no start at a time of day that could be moved: it has {has}")
    return timed[0]


def _chosen(triggers: tuple[Trigger, ...], number: int) -> int:
    """The index of the trigger at a position from 1, which must have a time."""
    if not 1 <= number <= len(triggers):
        raise TaskAnalysisError(f"the task has {count(len(triggers), 'trigger')}, so there is no trigger={number}")
    if not _has_time(triggers[number - 1]):
        raise TaskAnalysisError(f"trigger {number} ('{clip(describe(triggers[number - 1]))}') has no time to move")
    return number - 1
