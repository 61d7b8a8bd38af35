"""Expected runs: `python -m benchmarks.schedule [DEFINITIONS [FOLDER]]` prints a Markdown table.

A year of slots of many definitions, and the next run of each of their triggers. The definitions are those of the
sample share, or of a FOLDER with task XML, repeated. Beside ours stands the obvious way: `dateutil.rrule` stepped from
StartBoundary on, on some of the triggers, with the same answers where both know them. Goals: under 1 µs a slot and
200 µs a definition, and the next run of any trigger in under 100 µs, whatever its start year.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import cycle, islice
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from dateutil import rrule

from benchmarks.child import Measured
from benchmarks.runner import Bench, Way, alone
from benchmarks.table import Goal, Row
from benchmarks.timing import seconds
from taskanalysis.definition import CalendarTrigger, TaskDefinition, TimeTrigger, Trigger, model
from taskanalysis.schedule import next_run, slot_arrays
from taskanalysis.snapshot import read_snapshot, read_tasks, sample_share

ZONE = ZoneInfo("America/New_York")
START, END = datetime(2026, 1, 1, tzinfo=ZONE), datetime(2027, 1, 1, tzinfo=ZONE)
NOW = datetime(2026, 11, 23, 11, 2, tzinfo=UTC)


def definitions(number: int, folder: str) -> list[TaskDefinition]:
    """So many definitions, over and over the same ones."""
    found = read_tasks(folder)[0] if folder else read_snapshot(sample_share()).tasks
    return list(islice(cycle(found.values()), number))


def by_rrule(trigger: Trigger) -> Iterator[datetime]:
    """The instants of a trigger by day, by week or with endless repetition, stepped through from its StartBoundary."""
    start = trigger.start_boundary
    if start and start.microsecond:  # rrule drops them
        return
    if isinstance(trigger, TimeTrigger) and trigger.repetition and not trigger.repetition.duration and start:
        first = (start if start.tzinfo else start.replace(tzinfo=ZONE)).astimezone(UTC)
        seconds = int(trigger.repetition.interval.delta.total_seconds())
        yield from rrule.rrule(rrule.SECONDLY, interval=seconds, dtstart=first)
    if isinstance(trigger, CalendarTrigger) and not trigger.repetition and not (start and start.tzinfo):
        schedule = trigger.schedule
        if isinstance(schedule, model.ScheduleByDay):
            rule = rrule.rrule(rrule.DAILY, interval=schedule.days_interval, dtstart=start)
        elif isinstance(schedule, model.ScheduleByWeek):
            rule = rrule.rrule(
                rrule.WEEKLY,
                interval=schedule.weeks_interval,
                dtstart=start,
                byweekday=[int(day) for day in schedule.days_of_week],
                wkst=rrule.SU,
            )
        else:
            return
        yield from (moment.replace(tzinfo=ZONE).astimezone(UTC) for moment in rule)


def next_by_rrule(trigger: Trigger) -> datetime | None:
    """The first of those instants that lies after NOW."""
    return next((moment for moment in by_rrule(trigger) if moment > NOW), None)


def year_of(tasks: list[TaskDefinition]) -> int:
    """How many slots they have in a year."""
    return sum(len(slot_arrays(task, START, END, tz=ZONE).time) for task in tasks)


def timed(tasks: list[TaskDefinition]) -> list[Trigger]:
    """Their enabled triggers with a start boundary, each once."""
    kinds = TimeTrigger | CalendarTrigger
    found = {id(each): each for task in tasks for each in task.triggers if isinstance(each, kinds)}
    return [each for each in found.values() if each.enabled and each.start_boundary]


def known_to_both(tasks: list[TaskDefinition]) -> list[Trigger]:
    """Some of them, which rrule can step through."""
    both = (each for each in timed(tasks) if each.end_boundary is None and next(by_rrule(each), None))
    return list(islice(both, len(tasks) // 50 + 1))


# Rows ----------------------------------------------------------------------------------------------------------------


def measured(bench: Bench, number: int = 0, folder: str = "") -> list[Row]:
    """A year, the next run of each trigger, and the obvious way on some of them, with the same answers."""
    number = number or bench.size(1_000, 30)
    tasks, here = definitions(number, folder), {"number": number, "folder": folder}
    slots, triggers, some = year_of(tasks), len(timed(tasks)), len(known_to_both(tasks))
    same = "next run of some triggers"
    ways = [
        Way(f"a year of slots, {number:,} definitions", f"{__name__}:whole_year", here, number=slots),
        Way("next run, the median trigger", f"{__name__}:next_of_each", here),
        Way("next run, ours", f"{__name__}:next_of_some", here, question=same, number=some),
        Way("next run, stepping through rrule", f"{__name__}:stepping", here, question=same, number=some),
    ]
    year, each, ours, stepped = (way.name for way in ways)
    found = bench.rows("expected runs", ways[:1], size=slots, unit="slot")
    taken = bench.measure(ways[1:2])
    found |= bench.rows("expected runs", ways[2:], size=some, unit="trigger", base=ours)
    if year in found:
        goals = [(1, "µs a slot", slots), (200, "µs a definition", number)]
        judged = [Goal(limit, unit, found[year].seconds / many * 1e6) for limit, unit, many in goals]
        found[year] = replace(found[year], goals=tuple(judged))
    if each in taken:
        slowest = median(taken[each].answers) * 1e6
        goal = Goal(100, "µs for the slowest", slowest)
        found[each] = Row("expected runs", each, triggers, taken[each].seconds, peak=taken[each].peak, goals=(goal,))
    return [replace(found[name], base="ours") for name in (year, each, ours, stepped) if name in found]


def whole_year(number: int, folder: str) -> Callable[[], Measured]:
    """A year of slots of so many definitions."""
    tasks = definitions(number, folder)
    return lambda: Measured(seconds(lambda: year_of(tasks)))


def next_of_each(number: int, folder: str) -> Callable[[], Measured]:
    """The next run of each trigger that has a time: the median, and the slowest."""
    triggers = timed(definitions(number, folder))

    def work() -> Measured:
        taken = [seconds(partial(next_run, each, NOW, tz=ZONE)) for each in triggers]
        return Measured(median(taken), max(taken))

    return work


def next_of_some(number: int, folder: str) -> Callable[[], Measured]:
    """The next run of those that rrule knows too."""
    triggers = known_to_both(definitions(number, folder))

    def work() -> list[datetime | None]:
        return [next_run(each, NOW, tz=ZONE) for each in triggers]

    return lambda: Measured(seconds(work), lambda: [f"{each:%Y-%m-%dT%H:%M:%S%z}" for each in work() if each])


def stepping(number: int, folder: str) -> Callable[[], Any]:
    """The same by rrule, from each StartBoundary on."""
    triggers = known_to_both(definitions(number, folder))

    def work() -> Callable[[], list[str]]:
        found = [next_by_rrule(each) for each in triggers]
        return lambda: [f"{each.astimezone(ZONE):%Y-%m-%dT%H:%M:%S%z}" for each in found if each]

    return work


def main(number: int = 1_000, folder: str = "") -> None:
    """Measure in this process."""
    with alone() as bench:
        bench.show(measured(bench, number, folder))


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 1_000, sys.argv[2] if sys.argv[2:] else "")
