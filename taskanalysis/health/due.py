r"""Which starts of a task should have happened by the moment of a snapshot, and did not.

Authority: the last run that a status tells is the last *start* ([MS-TSCH] 3.2.5.4.17), so nothing started between that
and the snapshot. Which slots count, and how long to wait for them, is ours: `grace` and `differing`.

>>> from taskanalysis.definition import CalendarTrigger; from taskanalysis.definition import ScheduleByDay
>>> task = TaskDefinition(triggers=(CalendarTrigger(start_boundary=datetime(2026, 1, 1, 6), schedule=ScheduleByDay()),))
>>> snapshot = Snapshot("S", datetime(2026, 11, 23, 12, tzinfo=UTC), zone="UTC")
>>> missed = missed_starts(task, Status("\\A", last_run=datetime(2026, 11, 21, 6, tzinfo=UTC)), snapshot)
>>> missed.number, missed.first.day, missed.last.day
(2, 22, 23)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np

from taskanalysis.definition import Duration, TaskDefinition
from taskanalysis.health.rules import Rule
from taskanalysis.schedule import next_run, previous_run, slot_arrays
from taskanalysis.snapshot import Snapshot, Status
from taskanalysis.text import count

__all__ = [
    "Differing",
    "Missed",
    "differing",
    "expected_next",
    "grace",
    "missed_starts",
    "slot_spacing",
    "what_may_explain",
]

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
START_WHEN_AVAILABLE = timedelta(minutes=10)
"""How long Windows waits before it catches up on a start."""
LONGEST_LOOK = timedelta(days=400)
COLLECTING = timedelta(minutes=5)
"""Between the moment of a snapshot and the reading of its last status, at most."""


class Missed(NamedTuple):
    """Slots that passed without a start: how many, the first and the last (aware, in the server's zone)."""

    number: int
    first: datetime
    last: datetime


class Differing(NamedTuple):
    """Where Windows and the definition name different next starts (aware, or None for none), and why.

    `doubt` is whether our schedule or zone may be wrong; else it is known why they differ.
    """

    windows: datetime | None
    ours: datetime | None
    why: str
    doubt: bool


def expected_next(task: TaskDefinition | None, snapshot: Snapshot) -> datetime | None:
    """The first start after the snapshot that the definition gives, None where there is none or no zone is known."""
    return next_run(task, snapshot.taken_at, tz=snapshot.zone) if task and snapshot.zone else None


def missed_starts(
    task: TaskDefinition,
    status: Status,
    snapshot: Snapshot,
    said: Rule | None = None,
    form_since: datetime | None = None,
) -> Missed | None:
    """The judged slots after the last run whose grace was over at the snapshot; None where there is none.

    Slots before `form_since`, the first snapshot that shows the task in its present form, don't count; where it is not
    known, nothing is said of a task that never ran.

    Nothing is said where the zone or the last run is not known, of a task that starts only when the server is idle,
    and where Windows names another next start for no known reason. A run up to a minute before a slot is that slot's.
    Of a task that stands still for years the last 400 days are counted.
    """
    begins = [status.last_run + MINUTE] if isinstance(status.last_run, datetime) and status.last_run.tzinfo else []
    begins += [form_since] if form_since and (begins or status.last_run == "never") else []
    if not snapshot.zone or not begins or task.settings.run_only_if_idle:
        return None
    since = max(*begins, snapshot.taken_at - LONGEST_LOOK)
    latest = previous_run(task, snapshot.taken_at, tz=snapshot.zone)
    if latest is None or latest <= since or _in_doubt(task, status, snapshot):
        return None
    slots = slot_arrays(task, since, snapshot.taken_at, tz=snapshot.zone)
    waits = np.array([np.timedelta64(each) for each in (timedelta(0), *_graces(task, snapshot, said))])
    over = slots.time + waits[slots.trigger] <= np.datetime64(snapshot.taken_at.replace(tzinfo=None))
    times = slots.time[over & slots.judged & (slots.time > np.datetime64(since.astimezone(UTC).replace(tzinfo=None)))]
    if not len(times):
        return None
    zone = snapshot.local_time.tzinfo
    first, last = (times[place].item().replace(tzinfo=UTC).astimezone(zone) for place in (0, -1))
    return Missed(len(times), first, last)


def grace(task: TaskDefinition, number: int, spacing: timedelta | None, said: Rule | None = None) -> timedelta:
    """How long after a slot of a trigger (`number` from 1) its start is not late yet.

    Its RandomDelay, the smaller of an hour and the `spacing` of the task's slots (at least 2 minutes), and 10 minutes
    where StartWhenAvailable catches up; the `grace_minutes` of a rule replace all of it.
    """
    if said and said.grace_minutes is not None:
        return timedelta(minutes=said.grace_minutes)
    waiting = max(min(HOUR, spacing or HOUR), 2 * MINUTE)
    if task.settings.start_when_available:
        waiting += START_WHEN_AVAILABLE
    return waiting + _random_delay(task, number)


def _graces(task: TaskDefinition, snapshot: Snapshot, said: Rule | None) -> Iterator[timedelta]:
    spacing = slot_spacing(task, snapshot)
    return (grace(task, number, spacing, said) for number in range(1, len(task.triggers) + 1))


def _random_delay(task: TaskDefinition, number: int) -> timedelta:
    delay: Duration | None = getattr(task.triggers[number - 1], "random_delay", None)
    return delay.delta + timedelta(days=31) * delay.months if delay else timedelta(0)


def slot_spacing(task: TaskDefinition, snapshot: Snapshot) -> timedelta | None:
    """The usual time between the last 20 slots, None where there are not two."""
    times = np.zeros(0, dtype="datetime64[us]")
    for days in (2, 40, 800):
        if len(times) < 21:
            times = slot_arrays(
                task, snapshot.taken_at - timedelta(days=days), snapshot.taken_at, tz=snapshot.zone
            ).time[-21:]
    gaps = np.diff(times).astype(np.int64)
    return timedelta(microseconds=float(np.median(gaps))) if len(gaps) else None


# What Windows says of the next start ----------------------------------------------------------------------------------


def differing(task: TaskDefinition, status: Status, snapshot: Snapshot) -> Differing | None:
    """How Windows' NextRunTime differs from the start that the definition gives, by more than a minute; else None.

    Nothing is said of a disabled task, and where either is not known.
    """
    windows = None if status.next_run == "never" else status.next_run
    off = status.enabled is False or status.state == "Disabled" or not task.settings.enabled
    if not snapshot.zone or status.next_run is None or off or (windows and not windows.tzinfo):
        return None
    ours = expected_next(task, snapshot)
    if _near(windows, ours, MINUTE):
        return None
    windows = windows.astimezone(snapshot.local_time.tzinfo) if windows else None
    why = _known_reason(task, windows, ours, snapshot)
    return Differing(windows, ours, why or _guess(windows, ours), doubt=not why)


def _in_doubt(task: TaskDefinition, status: Status, snapshot: Snapshot) -> bool:
    found = differing(task, status, snapshot)
    return found is not None and found.doubt


def _near(one: datetime | None, other: datetime | None, distance: timedelta) -> bool:
    return one == other if one is None or other is None else abs(one - other) <= distance


def _known_reason(task: TaskDefinition, windows: datetime | None, ours: datetime | None, snapshot: Snapshot) -> str:
    all_on = replace(task, triggers=tuple(replace(trigger, enabled=True) for trigger in task.triggers))
    if _near(windows, expected_next(all_on, snapshot), MINUTE):
        return "Windows counts a trigger that is switched off."
    if _while_collecting(task, windows, ours, snapshot):
        return "It was due while the snapshot was taken."
    longest = max((_random_delay(task, number) for number in range(1, len(task.triggers) + 1)), default=timedelta(0))
    if longest and windows and ours and timedelta(0) < windows - ours <= longest + MINUTE:
        return "Windows delays it at random."
    return ""


def _while_collecting(
    task: TaskDefinition, windows: datetime | None, ours: datetime | None, snapshot: Snapshot
) -> bool:
    """Whether a slot so close to the snapshot lies between the two that each may have counted it or not."""
    now = snapshot.taken_at
    if ours and ours - now <= COLLECTING:
        return _near(windows, next_run(task, ours, tz=snapshot.zone), MINUTE)
    just_before = previous_run(task, now + timedelta(seconds=1), tz=snapshot.zone)
    return just_before is not None and now - just_before <= COLLECTING and _near(windows, just_before, MINUTE)


def _guess(windows: datetime | None, ours: datetime | None) -> str:
    if windows is None:
        return "Windows means not to start it again."
    if ours is None:
        return "No trigger of the definition gives this start."
    apart = abs(windows - ours)
    if apart <= timedelta(hours=14) and not apart % timedelta(minutes=15):
        return (
            f"They are {Duration(delta=apart).words()} apart, as in another time zone, or after a change of the task."
        )
    return "Not known: the task may have been changed since its definition was read."


def what_may_explain(task: TaskDefinition, status: Status) -> list[str]:
    """What in a definition or status may be why a start did not happen, as sentences."""
    settings, principal = task.settings, task.principal
    found = {
        f"Windows counts {count(status.missed_runs or 0, 'start')} missed while the server was off or could not start "
        "it.": bool(status.missed_runs),
        "It starts only while its user is logged on.": principal.logon_type == "InteractiveToken"
        or bool(principal.group_id),
        "It starts only with a network connection.": settings.run_only_if_network_available,
        "It does not start on battery power.": settings.disallow_start_if_on_batteries and not status.missed_runs,
    }
    return [sentence for sentence, holds in found.items() if holds]
