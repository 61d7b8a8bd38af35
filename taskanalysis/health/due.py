r"""When one task should start, and which of its starts it missed: a `Due` a task, each part computed once.

Authority: the last run in a status is the last *start* ([MS-TSCH] 3.2.5.4.17), so nothing started between that and the
snapshot. Which slots count, and how long their grace is, are rules of our own: `graces`, `Due.missed`, `Due.differing`.

>>> from taskanalysis.definition.model import CalendarTrigger, ScheduleByDay
>>> task = TaskDefinition(triggers=(CalendarTrigger(start_boundary=datetime(2026, 1, 1, 6), schedule=ScheduleByDay()),))
>>> snapshot = Snapshot("S", datetime(2026, 11, 23, 12, tzinfo=UTC), zone="UTC")
>>> due = Due(Status("\\A", last_run=datetime(2026, 11, 21, 6, tzinfo=UTC)), snapshot, task)
>>> due.missed.number, due.missed.first.day, due.missed.last.day, due.next_start.day
(2, 22, 23, 24)
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from taskanalysis.definition import CalendarTrigger, Duration, TaskDefinition, TimeTrigger
from taskanalysis.health.busy import TaskRuns, busy_until, skips_while_running
from taskanalysis.health.findings import is_over
from taskanalysis.health.rules import NO_RULE, Rule
from taskanalysis.schedule import moment_of, next_run, runs_around, slot_arrays
from taskanalysis.snapshot import Snapshot, Status
from taskanalysis.text import count

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
START_WHEN_AVAILABLE = timedelta(minutes=10)
"""How long Windows waits before it catches up on a start."""
DOUBTED: timedelta = timedelta(hours=26)
"""How far a wrong time zone can move a start: a start that is later than this is missed in any zone."""
REFUSED = 0x800710E0
"""ERROR_REQUEST_REFUSED ([MS-ERREF] 2.2): the start was refused, as where a condition of the task is not met."""
LONGEST_LOOK = timedelta(days=400)
COLLECTING = timedelta(minutes=5)
"""The longest time between the moment of a snapshot and the reading of its last status."""


class Missed(NamedTuple):
    """Slots that passed without a start: how many, the first and the last (aware, in the server's zone)."""

    number: int
    first: datetime
    last: datetime


class Differing(NamedTuple):
    """The next starts that Windows and the definition give (aware, None for none), and why they differ.

    `doubt` is whether our schedule or zone may be wrong; else the reason for the difference is known.
    """

    windows: datetime | None
    ours: datetime | None
    why: str
    doubt: bool


def graces(task: TaskDefinition, spacing: timedelta | None, rule: Rule = NO_RULE) -> NDArray[np.timedelta64]:
    """How long after a slot its start is not yet late, by trigger number (from 1; place 0 is unused).

    The trigger's RandomDelay, the smaller of an hour and the `spacing` of the task's slots (at least 2 minutes), and 10
    minutes where StartWhenAvailable catches up; the `grace_minutes` of a rule replace all of it.

    >>> from taskanalysis.definition import TimeTrigger
    >>> graces(TaskDefinition(triggers=(TimeTrigger(),)), timedelta(minutes=15))[1].item().seconds
    900
    """
    if rule.grace_minutes is not None:
        waits = [timedelta(minutes=rule.grace_minutes)] * len(task.triggers)
    else:
        wait = max(min(HOUR, spacing or HOUR), 2 * MINUTE)
        if task.settings.start_when_available:
            wait += START_WHEN_AVAILABLE
        waits = [wait + delay for delay in _random_delays(task)]
    return np.array([timedelta(0), *waits], dtype="m8[us]")


def _random_delays(task: TaskDefinition) -> list[timedelta]:
    delays: list[Duration | None] = [getattr(trigger, "random_delay", None) for trigger in task.triggers]
    return [delay.delta + timedelta(days=31) * delay.months if delay else timedelta(0) for delay in delays]


@dataclass(frozen=True, eq=False)
class Due:
    """When one task should start, by its definition, its status and its `rule`; computed where asked for, and kept.

    Without a definition there are no starts, without a zone only those that are missed in every zone. `form_since` is
    the first snapshot that shows the task in its present form, `first_seen` the first of a task that never ran,
    `last_runs` are those that are known (`busy`); None where that is not known.
    """

    status: Status
    snapshot: Snapshot = field(repr=False)
    task: TaskDefinition | None = None
    rule: Rule = NO_RULE
    form_since: datetime | None = None
    first_seen: datetime | None = None
    last_runs: TaskRuns | None = None

    @property
    def next_start(self) -> datetime | None:
        """The first start after the snapshot."""
        return self._starts[1]

    @property
    def previous_start(self) -> datetime | None:
        """The last slot up to the snapshot."""
        return self._starts[0]

    @cached_property
    def _starts(self) -> tuple[datetime | None, datetime | None]:
        if not self.task or not self.snapshot.zone:
            return None, None
        return runs_around(self.task, self.snapshot.taken_at, tz=self.snapshot.zone)

    @cached_property
    def spacing(self) -> timedelta | None:
        """The usual time between the last 20 slots, None where there are not two."""
        times, taken_at, zone = np.zeros(0, dtype="datetime64[us]"), self.snapshot.taken_at, self._zone
        for days in (2, 40, 800):
            if self.task and len(times) < 21:
                times = slot_arrays(self.task, taken_at - timedelta(days=days), taken_at, tz=zone).time[-21:]
        gaps = np.diff(times).astype(np.int64)
        return timedelta(microseconds=float(np.median(gaps))) if len(gaps) else None

    @cached_property
    def missed(self) -> Missed | None:
        """The judged slots after the last run whose grace was over at the snapshot; None where there is none.

        None too where the last run is not known, or where the task starts only when the server is idle. Slots before
        `form_since` don't count; of a task that never ran, those after `first_seen` do. A run up to a minute
        before a slot is that slot's; slots while it went on are overlapped. Where schedule or zone are in `doubt`, a
        slot is missed only if nothing started from 26 hours before it (at most half the usual spacing) to 26 hours
        after it. Of a task that has not run for years, the last 400 days are counted.
        """
        task, taken_at, last_run = self.task, self.snapshot.taken_at, self._last_run
        begins = [last_run + MINUTE] if last_run else []
        if self.status.never_ran:
            begins = [self.first_seen] if self.first_seen else []
        if self.form_since and (begins or self.status.never_ran):
            begins.append(self.form_since)
        if not task or not begins or task.settings.run_only_if_idle:
            return None
        since = max(*begins, taken_at - LONGEST_LOOK)
        if not self.doubt and (self.previous_start is None or self.previous_start <= since):
            return None
        slots = slot_arrays(task, since, taken_at, tz=self._zone)
        waits = graces(task, self.spacing, self.rule)[slots.trigger]
        if self.doubt:
            waits = np.maximum(waits, np.timedelta64(DOUBTED))
            since += min(DOUBTED, (self.spacing or 2 * DOUBTED) / 2)
        times = slots.time[(slots.time + waits <= _utc(taken_at)) & slots.judged & (slots.time > _utc(since))]
        if len(times) and skips_while_running(task):
            times = times[times > self._busy_until(task)]
        if not len(times):
            return None
        first, last = (self._local(times[place].item().replace(tzinfo=UTC)) for place in (0, -1))
        return Missed(len(times), first, last)

    def _busy_until(self, task: TaskDefinition) -> np.datetime64:
        """Until when its last run is taken to have gone on."""
        if self.last_runs is None:
            return np.datetime64(0, "us")
        runs = self.last_runs.times.part(self.last_runs.rows)
        first = moment_of(int(runs.started[0]), UTC)
        slots = slot_arrays(task, first, self.snapshot.taken_at, tz=self._zone).time.astype(np.int64)
        return np.datetime64(int(busy_until(runs, slots)[-1]), "us")

    @property
    def _zone(self) -> str:
        return self.snapshot.zone or "UTC"

    @property
    def _last_run(self) -> datetime | None:
        """The last run, in UTC where the server's zone is not known; None where it never ran or is not known."""
        last_run = self.status.last_run
        if not isinstance(last_run, datetime) or last_run.tzinfo:
            return None if isinstance(last_run, str) else last_run
        return None if self.snapshot.zone else last_run.replace(tzinfo=UTC)

    @cached_property
    def doubt(self) -> str:
        """Why our schedule or zone may be wrong, as the end of a sentence; "" where nothing says so."""
        if not self.snapshot.zone:
            return "the time zone of the server is not known"
        if not self.in_doubt or not self.differing:
            return ""
        windows = f"{self.differing.windows:%Y-%m-%d %H:%M}" if self.differing.windows else "never"
        ours = f"{self.differing.ours:%Y-%m-%d %H:%M}" if self.differing.ours else "never"
        return f"Windows gives another next start ({windows}) than the definition ({ours})"

    @property
    def plans_nothing(self) -> bool:
        """Whether Windows plans no further start though a trigger that is on gives one."""
        return self.differing is not None and self.differing.doubt and self.differing.windows is None

    @property
    def is_timed(self) -> bool:
        """Whether an enabled trigger gives times."""
        triggers = self.task.triggers if self.task and self.task.settings.enabled else ()
        return any(trigger.enabled and isinstance(trigger, CalendarTrigger | TimeTrigger) for trigger in triggers)

    @property
    def uncomputed(self) -> str:
        """Why starts that a trigger may give are not computed, as the end of a sentence; "" where all are."""
        triggers = self.task.triggers if self.task and self.task.settings.enabled else ()
        refused = [each for each in triggers if each.enabled and each.repetition and each.repetition.is_too_short]
        if all(is_over(trigger, self.snapshot.local_time) for trigger in refused):
            return ""
        return "the starts of a repetition under a minute, which Windows refuses, are not computed"

    @cached_property
    def likely_reasons(self) -> list[str]:
        """Likely reasons for a missed start, as sentences."""
        if not self.task:
            return []
        settings, principal, missed = self.task.settings, self.task.principal, self.status.missed_runs or 0
        logged_on = principal.logon_type == "InteractiveToken" or bool(principal.group_id)
        counted = f"Windows counts {count(missed, 'start')} missed while the server was off or could not start it."
        reasons = [
            (missed > 0, counted),
            (logged_on, "It starts only while its user is logged on."),
            (settings.run_only_if_network_available, "It starts only with a network connection."),
            (self.status.last_result == REFUSED, "Windows refused its last start, as it does on battery power."),
        ]
        return [sentence for holds, sentence in reasons if holds]

    # What Windows gives as the next start -----------------------------------------------------------------------------

    @cached_property
    def differing(self) -> Differing | None:
        """How Windows' NextRunTime differs from `next_start`, by more than a minute; else None.

        None too for a disabled task, and where either start is not known.
        """
        status, task = self.status, self.task
        windows = None if status.next_run == "never" else status.next_run
        unknown = not self.snapshot.zone or status.next_run is None or (windows is not None and not windows.tzinfo)
        off = status.enabled is False or status.state == "Disabled"
        if unknown or off or not task or not task.settings.enabled or _near(windows, self.next_start):
            return None
        windows = self._local(windows) if windows else None
        why = self._known_reason(task, windows)
        return Differing(windows, self.next_start, why or _guess(windows, self.next_start), doubt=not why)

    @property
    def in_doubt(self) -> bool:
        """Whether Windows gives another next start for no known reason."""
        return self.differing is not None and self.differing.doubt

    def _known_reason(self, task: TaskDefinition, windows: datetime | None) -> str:
        ours, longest = self.next_start, max(_random_delays(task), default=timedelta(0))
        all_on = replace(task, triggers=tuple(replace(trigger, enabled=True) for trigger in task.triggers))
        if _near(windows, replace(self, task=all_on).next_start):
            return "Windows counts a disabled trigger."
        if self._while_collecting(windows):
            return "It was due while the snapshot was taken."
        if longest and windows and ours and timedelta(0) < windows - ours <= longest + MINUTE:
            return "Windows delays it at random."
        if windows and (why := self.uncomputed):
            return f"{why[0].upper()}{why[1:]}."
        return ""

    def _while_collecting(self, windows: datetime | None) -> bool:
        """Whether both starts are right: the slot between them is so close to the snapshot that either may count it."""
        now, ours, before = self.snapshot.taken_at, self.next_start, self.previous_start
        if self.task and ours and ours - now <= COLLECTING:
            return _near(windows, next_run(self.task, ours, tz=self.snapshot.zone))
        return before is not None and now - before <= COLLECTING and _near(windows, before)

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.snapshot.local_time.tzinfo)


def _utc(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None))


def _near(one: datetime | None, other: datetime | None) -> bool:
    return one == other if one is None or other is None else abs(one - other) <= MINUTE


def _guess(windows: datetime | None, ours: datetime | None) -> str:
    if windows is None:
        return "Windows plans no further start."
    if ours is None:
        return "No trigger of the definition gives this start."
    apart = abs(windows - ours)
    if apart <= timedelta(hours=14) and not apart % timedelta(minutes=15):
        return (
            f"They are {Duration(delta=apart).words()} apart, as in another time zone, or after a change of the task."
        )
    return "Not known: the task may have been changed since its definition was read."
