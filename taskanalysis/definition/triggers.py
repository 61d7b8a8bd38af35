"""What starts a task: one frozen dataclass per trigger type, in the schema's words.

Authority: [MS-TSCH] 2.5.3 and the Task Scheduler schema; `WnfStateChangeTrigger` is undocumented. No XML here and no
dates computed: `definition` fills these, `wording` says them in English.

A boundary is a datetime. A naive one is wall-clock time of the server; an aware one was written with an offset or `Z`
and is a fixed instant, which drifts an hour against local time over DST (`ITrigger::put_StartBoundary`).

>>> CalendarTrigger(schedule=ScheduleByWeek(days_of_week=(DayOfWeek.Monday,))).enabled
True
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final, Literal

from taskanalysis.definition.duration import Duration

__all__ = [
    "LAST",
    "BootTrigger",
    "CalendarTrigger",
    "DayOfWeek",
    "EventTrigger",
    "IdleTrigger",
    "LogonTrigger",
    "Month",
    "RegistrationTrigger",
    "Repetition",
    "Schedule",
    "ScheduleByDay",
    "ScheduleByMonth",
    "ScheduleByMonthDayOfWeek",
    "ScheduleByWeek",
    "SessionStateChangeTrigger",
    "TimeTrigger",
    "Trigger",
    "UnknownTrigger",
    "WnfStateChangeTrigger",
    "type_name",
]

LAST: Final = "Last"
OrLast = int | Literal["Last"]


class DayOfWeek(IntEnum):
    """Numbered as `datetime.weekday` does."""

    Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday = range(7)


class Month(IntEnum):
    """Numbered as `datetime.month` is."""

    January, February, March, April, May, June = range(1, 7)
    July, August, September, October, November, December = range(7, 13)


@dataclass(frozen=True, slots=True)
class Repetition:
    """Start again every `interval` for `duration` (None: for ever); [MS-TSCH] 2.5.3.1."""

    interval: Duration
    duration: Duration | None = None
    stop_at_duration_end: bool = False


@dataclass(frozen=True, slots=True)
class ScheduleByDay:
    """Every `days_interval` days, counted from the start boundary."""

    days_interval: int = 1


@dataclass(frozen=True, slots=True)
class ScheduleByWeek:
    """On these weekdays, every `weeks_interval` weeks."""

    days_of_week: tuple[DayOfWeek, ...] = ()
    weeks_interval: int = 1


@dataclass(frozen=True, slots=True)
class ScheduleByMonth:
    """On these days (1..31 or `LAST`) of these months."""

    days_of_month: tuple[OrLast, ...] = ()
    months: tuple[Month, ...] = tuple(Month)


@dataclass(frozen=True, slots=True)
class ScheduleByMonthDayOfWeek:
    """On these weekdays of these weeks (1..4 or `LAST`) of these months.

    Weeks that the XML leaves out are read as all five; what Windows does then is unconfirmed.
    """

    days_of_week: tuple[DayOfWeek, ...] = ()
    weeks: tuple[OrLast, ...] = (1, 2, 3, 4, LAST)
    months: tuple[Month, ...] = tuple(Month)


Schedule = ScheduleByDay | ScheduleByWeek | ScheduleByMonth | ScheduleByMonthDayOfWeek


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What every trigger type has."""

    id: str = ""
    enabled: bool = True
    start_boundary: datetime | None = None
    end_boundary: datetime | None = None
    execution_time_limit: Duration | None = None
    repetition: Repetition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BootTrigger(Trigger):
    """At start-up of the server."""

    delay: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationTrigger(Trigger):
    """When the task is registered, that is created or changed."""

    delay: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleTrigger(Trigger):
    """When the server has become idle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeTrigger(Trigger):
    """Once at the start boundary; with a repetition, from then on."""

    random_delay: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTrigger(Trigger):
    """When an event that `subscription` (a QueryList, as text) selects is logged."""

    subscription: str = ""
    delay: Duration | None = None
    period_of_occurrence: Duration | None = None
    number_of_occurrences: int = 1
    matching_element: str = ""
    value_queries: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogonTrigger(Trigger):
    """When `user_id` logs on, any user where it is empty."""

    user_id: str = ""
    delay: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStateChangeTrigger(Trigger):
    """When a session of `user_id` (empty: of anyone) is locked, unlocked, connected or disconnected."""

    state_change: str = ""
    user_id: str = ""
    delay: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarTrigger(Trigger):
    """By day, week, month, or day of week in a month."""

    schedule: Schedule
    random_delay: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WnfStateChangeTrigger(Trigger):
    """When Windows publishes a change of an internal state (Windows Notification Facility); undocumented."""

    state_name: str = ""
    data: str = ""
    data_offset: str = ""
    delay: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownTrigger(Trigger):
    """A trigger of a type that this program does not know, kept by the name of its element."""

    name: str


def type_name(trigger: Trigger) -> str:
    """The type of a trigger as its element is called; a CalendarTrigger's with the name of its schedule.

    >>> type_name(CalendarTrigger(schedule=ScheduleByDay()))
    'CalendarTrigger/ScheduleByDay'
    """
    if isinstance(trigger, UnknownTrigger):
        return trigger.name
    name = type(trigger).__name__
    return f"{name}/{type(trigger.schedule).__name__}" if isinstance(trigger, CalendarTrigger) else name
