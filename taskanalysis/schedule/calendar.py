"""Compute the days of a calendar schedule, many at once. Days are whole numbers, counted from 1970-01-01.

Authority: [MS-TSCH] 2.5.3. Weeks are counted from the one that holds the first day and begin on Sunday (unconfirmed);
a day that a month lacks is skipped (KB 325413).

>>> first = np.datetime64("2026-01-31").astype(int)
>>> [str(day) for day in days_on(model.ScheduleByMonth((31,)), first, first, first + 100).astype("datetime64[D]")]
['2026-01-31', '2026-03-31']
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import singledispatch

import numpy as np
from numpy.typing import NDArray

from taskanalysis.definition import model

Days = NDArray[np.int64]


def longest_gap(schedule: model.Schedule) -> int:
    """The most days that lie between two days of a schedule."""
    if isinstance(schedule, model.ScheduleByDay):
        return schedule.days_interval
    if isinstance(schedule, model.ScheduleByWeek):
        return 7 * schedule.weeks_interval
    if isinstance(schedule, model.ScheduleByMonth) and not any(
        day == model.LAST or day <= 28 for day in schedule.days_of_month
    ):
        return 3000  # February 29 may be eight years away
    return 400


@singledispatch
def days_on(schedule: model.Schedule, first: int, low: int, high: int) -> Days:
    """The days of a schedule from `low` to `high`, both included, counted from its `first` (not later than `low`)."""
    raise TypeError(f"{schedule} is no schedule, from {first}, in {low}..{high}")


@days_on.register
def _(schedule: model.ScheduleByDay, first: int, low: int, high: int) -> Days:
    return np.arange(low + (first - low) % schedule.days_interval, high + 1, schedule.days_interval)


@days_on.register
def _(schedule: model.ScheduleByWeek, first: int, low: int, high: int) -> Days:
    days = np.arange(low, high + 1)
    in_turn = (_weeks(days) - _weeks(np.array(first))) % schedule.weeks_interval == 0
    return np.compress(_marked(7, schedule.days_of_week)[_weekdays(days)] & in_turn, days)


@days_on.register
def _(schedule: model.ScheduleByMonth, first: int, low: int, high: int) -> Days:
    days = np.arange(max(first, low), high + 1)
    months, of_month, left = _of_months(days)
    wanted = _marked(32, [day for day in schedule.days_of_month if day != model.LAST])[of_month]
    if model.LAST in schedule.days_of_month:
        wanted |= left == 0
    return np.compress(wanted & _marked(13, schedule.months)[months], days)


@days_on.register
def _(schedule: model.ScheduleByMonthDayOfWeek, first: int, low: int, high: int) -> Days:
    days = np.arange(max(first, low), high + 1)
    months, of_month, left = _of_months(days)
    wanted = _marked(6, [week for week in schedule.weeks if week != model.LAST])[(of_month - 1) // 7 + 1]
    if model.LAST in schedule.weeks:
        wanted |= left < 7
    wanted &= _marked(7, schedule.days_of_week)[_weekdays(days)]
    return np.compress(wanted & _marked(13, schedule.months)[months], days)


def _marked(size: int, numbers: Iterable[int]) -> NDArray[np.bool_]:
    marks = np.zeros(size, dtype=bool)
    marks[list(numbers)] = True
    return marks


def _weekdays(days: Days) -> Days:
    """0 for Monday, as DayOfWeek; 1970 began on a Thursday."""
    return (days + 3) % 7


def _weeks(days: Days) -> Days:
    """Numbers of weeks that begin on Sunday."""
    return (days + 4) // 7


def _of_months(days: Days) -> tuple[Days, Days, Days]:
    """Month 1..12, day of the month from 1, and days left in it."""
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    of_month = (dates - months.astype("datetime64[D]")).astype(np.int64) + 1
    left = ((months + 1).astype("datetime64[D]") - dates).astype(np.int64) - 1
    return months.astype(np.int64) % 12 + 1, of_month, left
