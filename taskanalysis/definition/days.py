"""The days of a calendar schedule in English.

>>> days_of(ScheduleByMonth(days_of_month=(1, 15, LAST), months=(Month.March,)))
' on the 1st, the 15th and the last day of March'
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import singledispatch

from taskanalysis.definition.model import (
    LAST,
    DayOfWeek,
    Month,
    ScheduleByDay,
    ScheduleByMonth,
    ScheduleByMonthDayOfWeek,
    ScheduleByWeek,
)
from taskanalysis.text import listed

__all__ = ["days_of", "weekdays"]


def weekdays(days: Sequence[DayOfWeek]) -> str:
    """Days of the week, in their order.

    >>> weekdays([DayOfWeek.Saturday, DayOfWeek.Sunday])
    'Saturday and Sunday'
    """
    if tuple(days) == tuple(DayOfWeek):
        return "every day"
    if tuple(days) == tuple(DayOfWeek)[:5]:
        return "Monday to Friday"
    return listed([day.name for day in days]) if days else "no day of the week"


@singledispatch
def days_of(schedule: object) -> str:
    """On which days, with the space or comma that stands before it."""
    raise TypeError(f"{type(schedule).__name__} has no words")


@days_of.register
def _(schedule: ScheduleByDay) -> str:
    return " every day" if schedule.days_interval == 1 else f" every {schedule.days_interval} days"


@days_of.register
def _(schedule: ScheduleByWeek) -> str:
    days = weekdays(schedule.days_of_week)
    if days == "every day":
        return " every day" if schedule.weeks_interval == 1 else f" every day of every {schedule.weeks_interval} weeks"
    days = f", {days}" if days == "Monday to Friday" else f" on {days}"
    return days if schedule.weeks_interval == 1 else f"{days}, every {schedule.weeks_interval} weeks"


@days_of.register
def _(schedule: ScheduleByMonth) -> str:
    if set(schedule.days_of_month) >= set(range(1, 32)):
        return f" on every day of {_months(schedule.months)}"
    days = [f"the {part}" for part in _ranges(schedule.days_of_month)]
    return f" on {listed(days) if days else 'no day'} of {_months(schedule.months)}"


@days_of.register
def _(schedule: ScheduleByMonthDayOfWeek) -> str:
    names = listed([day.name for day in schedule.days_of_week]) or "no day of the week"
    if len(schedule.weeks) == 5:
        return f" on every {names} of {_months(schedule.months)}"
    weeks = listed([_WEEKS[week] for week in schedule.weeks])
    return f" on the {weeks} {names} of {_months(schedule.months)}"


_WEEKS: dict[object, str] = {1: "first", 2: "second", 3: "third", 4: "fourth", LAST: "last"}


def _months(months: Sequence[Month]) -> str:
    return "every month" if len(months) == 12 else listed([month.name for month in months])


def _ranges(days: Iterable[int | str]) -> list[str]:
    """Days of a month as ordinals, three or more in a row as a range.

    >>> _ranges([1, 2, 3, 15, LAST])
    ['1st to 3rd', '15th', 'last day']
    """
    runs: list[list[int]] = []
    for day in sorted(int(day) for day in days if day != LAST):
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    parts: list[str] = []
    for run in runs:
        names = [_ordinal(day) for day in run]
        parts += [f"{names[0]} to {names[-1]}"] if len(run) > 2 else names
    return parts + ["last day"] * (LAST in days)


def _ordinal(number: int) -> str:
    return f"{number}{'th' if 10 < number < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
