"""Expected runs: `python -m benchmarks.schedule [DEFINITIONS [FOLDER]]` prints a Markdown table.

A year of slots of many definitions, and the next run of each of their triggers. The definitions are those of the
sample share, or of a FOLDER with task XML, repeated. Beside ours stands the obvious way: `dateutil.rrule` stepped from
StartBoundary on, on some of the triggers, with the same answers where both know them. Goals: under 1 µs a slot and
200 µs a definition, and the next run of any trigger in under 100 µs, whatever its start year.
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import cycle, islice
from statistics import median
from zoneinfo import ZoneInfo

from dateutil import rrule

from benchmarks.timing import once, seconds
from taskanalysis.definition import TaskDefinition
from taskanalysis.schedule import next_run, slot_arrays
from taskanalysis.share import sample_share
from taskanalysis.snapshot import read_snapshot
from taskanalysis.taskfiles import read_tasks
from taskanalysis.trigger import CalendarTrigger, ScheduleByDay, ScheduleByWeek, TimeTrigger, Trigger

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
        if isinstance(schedule, ScheduleByDay):
            rule = rrule.rrule(rrule.DAILY, interval=schedule.days_interval, dtstart=start)
        elif isinstance(schedule, ScheduleByWeek):
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


def main(number: int = 1_000, folder: str = "") -> None:
    """Measure ours and the obvious way, and check that they agree."""
    tasks = definitions(number, folder)
    slots = year_of(tasks)
    year = seconds(lambda: year_of(tasks))
    timed = {
        id(each): each
        for task in tasks
        for each in task.triggers
        if each.enabled and isinstance(each, TimeTrigger | CalendarTrigger) and each.start_boundary
    }
    triggers = list(timed.values())
    taken = [seconds(partial(next_run, each, NOW, tz=ZONE)) for each in triggers]
    both = [each for each in triggers if each.end_boundary is None and next(by_rrule(each), None)][: number // 50 + 1]
    if any(next_by_rrule(each) != next_run(each, NOW, tz=ZONE) for each in both):
        raise SystemExit("the two ways do not agree")
    ours = seconds(lambda: [next_run(each, NOW, tz=ZONE) for each in both])
    stepping = sum(once(partial(next_by_rrule, each)) for each in both)
    print("| what | how much | time | each | goal |")
    print("|---|---|---|---|---|")
    print(
        f"| a year of slots, {len(tasks):,} definitions | {slots:,} slots | {year:.2f} s "
        f"| {year / slots * 1e6:.3f} µs a slot, {year / len(tasks) * 1e6:.0f} µs a definition | 1 µs, 200 µs |"
    )
    print(
        f"| next run, ours | {len(triggers)} triggers | | median {median(taken) * 1e6:.0f} µs, "
        f"slowest {max(taken) * 1e6:.0f} µs | 100 µs |"
    )
    print(
        f"| next run, stepping through rrule | {len(both)} of them | | {stepping / ours:,.0f} times as long as ours | |"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 1_000, sys.argv[2] if sys.argv[2:] else "")
