r"""Assess each task: one verdict with its reason, from definition, status, rules and history.

A verdict is about the moment of the snapshot, never about the clock on the wall. Without a history nothing is known of
earlier runs, so `since` is known only of runs that still go on and of missed starts. Unknown is a verdict of its own:
never counted as failed, never as OK.

>>> from datetime import UTC
>>> snapshot = Snapshot("S", datetime(2026, 11, 23, tzinfo=UTC), statuses={"\\A": Status("\\A", enabled=False)})
>>> [judged.verdict.value for judged in judge(snapshot)]
['DISABLED']
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import lru_cache

import numpy as np

from taskanalysis.definition import CalendarTrigger, DayOfWeek, Duration, TaskDefinition, TimeTrigger
from taskanalysis.health.advice import advice_on
from taskanalysis.health.busy import TaskRuns
from taskanalysis.health.due import COLLECTING, Due, Missed
from taskanalysis.health.evidence import FilesAt, changed_file, files_at
from taskanalysis.health.findings import why_nothing_starts
from taskanalysis.health.past import NO_PAST, Past, hidden_tasks, last_runs, pasts
from taskanalysis.health.rules import NO_RULE, NO_RULES, Rule, Rules
from taskanalysis.health.stops import NEVER, ORDERED_STOP, STOPPED, ordered_ends
from taskanalysis.history import History
from taskanalysis.results import BAD_OUTCOMES, SETTLED, Outcome, Result, decode_lines
from taskanalysis.schedule import microseconds, moment_of
from taskanalysis.snapshot import Snapshot, Status, in_scope
from taskanalysis.text import ago, count, listed


class Verdict(Enum):
    """The state of a task, as a reader should see it now."""

    OK = "OK"
    FAILING = "FAILING"
    OVERDUE = "OVERDUE"
    RUNNING = "RUNNING"
    RUNNING_LONG = "RUNNING LONG"
    NEVER_RAN = "NEVER RAN"
    DISABLED = "DISABLED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, eq=False)
class Judged:
    """One task and its verdict.

    `since` is when the state began: the start of the first failed run after the last good one, of the first good one
    after a failed one, or of the run that goes on; the first missed start; else the first snapshot that shows it.
    Without a history (`past` is `NO_PAST`) it is None but for runs that go on and missed starts. `rule` names what
    decided; `due` has the status, the definition, the office's rule and the starts of the task. `doubt` is why the
    task could not be judged, or not wholly; "" where it was. `hidden_since` is when a task was last seen that is
    missing from the snapshot without proof that it was removed: its verdict is the last one.
    """

    verdict: Verdict
    reason: str
    rule: str
    result: Result
    due: Due
    since: datetime | None = None
    past: Past = NO_PAST
    doubt: str = ""
    hidden_since: datetime | None = None

    @property
    def path(self) -> str:
        """The task path."""
        return self.due.status.path

    @property
    def status(self) -> Status:
        """The task's status in the snapshot."""
        return self.due.status

    @property
    def task(self) -> TaskDefinition | None:
        """The task's definition, None where it is not known."""
        return self.due.task

    @property
    def ignored(self) -> bool:
        """Whether a rule mutes the task: it is counted, not listed."""
        rule = self.due.rule
        return rule is not NO_RULE and rule.ignores(self.due.snapshot.local_time.date())

    @property
    def needs_attention(self) -> bool:
        """Whether someone should look: not where a task is muted, waits, or says too little."""
        return (self.verdict in LOUD or self.rule in LOUD_RULES) and not self.ignored

    @property
    def advice(self) -> str:
        """What to do first."""
        return advice_on(self)

    @property
    def novelty(self) -> str:
        """NEW where the problem began in the last 24 hours and no run was bad in the 30 days before it, else AGAIN.

        "" where it began earlier, or where that is not known.
        """
        began, now = self.since, self.due.snapshot.taken_at
        if not self.needs_attention or self.past is NO_PAST or began is None or not began.tzinfo or began < now - DAY:
            return ""
        before = self.past.bad_before if self.verdict is Verdict.FAILING else self.past.last_bad
        return "AGAIN" if before and before > began - 30 * DAY else "NEW"

    @property
    def has_recovered(self) -> bool:
        """Whether it is OK since a run of the last 24 hours, after a bad one."""
        since, last_bad = self.past.good_since, self.past.last_bad
        if self.verdict is not Verdict.OK or since is None or last_bad is None:
            return False
        return since >= self.due.snapshot.taken_at - DAY

    @property
    def often_fails(self) -> bool:
        """Whether it is OK now though less than 90 % of at least 10 runs of 30 days were good."""
        month = self.past.month
        return self.verdict is Verdict.OK and month.runs >= 10 and month.success is not None and month.success < 0.9

    @property
    def not_judged(self) -> str:
        """Why it can't be said whether the task needs attention, as the end of a sentence; "" where it can."""
        return "" if self.ignored or self.needs_attention else self.doubt


LOUD = (Verdict.FAILING, Verdict.OVERDUE, Verdict.RUNNING_LONG)
NO_FURTHER_START = "no further start"
CLOCK = "clock in doubt"
LOUD_RULES = ("unknown code", NO_FURTHER_START)
"""Rules whose verdict, UNKNOWN, needs attention."""
HIDDEN = "it is missing from the snapshot, and nothing proves that it was removed"
OUTSIDE = "its definition lies outside the folders that were collected"
DAY = timedelta(days=1)
LONGEST_RUN = timedelta(hours=24)
ENDING = timedelta(minutes=10)
"""How long Windows may take to stop a run at its time limit."""
SHORTEST_LIMIT = timedelta(hours=1)


def judge(
    snapshot: Snapshot, rules: Rules = NO_RULES, folder: str = "", history: History | None = None
) -> list[Judged]:
    r"""A verdict for each task that has a status, in the order of their paths.

    `folder` takes the tasks in it and below, "" all outside ``\Microsoft``. `history` is that of the server up to the
    snapshot (`known_history`); tasks that it shows and the snapshot hides get their last verdict.
    """
    past = pasts(history, snapshot, rules) if history else {}
    runs = last_runs(history, snapshot.server) if history else lambda _: None
    files = files_at(history, snapshot.server) if history else lambda _: ()
    folders = [folder] if folder else []
    judged = [
        _judge(status, snapshot, rules.of(snapshot.server, path), past.get(path, NO_PAST), runs(path), files)
        for path, status in snapshot.statuses.items()
        if in_scope(path, folders)
    ]
    if history:
        for status, seen in hidden_tasks(history, snapshot):
            if in_scope(status.path, folders):
                then = replace(snapshot, taken_at=seen, tasks=_defined(history, snapshot, seen))
                rule = rules.of(snapshot.server, status.path)
                task = _judge(status, then, rule, past.get(status.path, NO_PAST), runs(status.path), files)
                judged.append(_hidden(task, snapshot))
    return sorted(judged, key=lambda task: task.path.casefold())


def _defined(history: History, snapshot: Snapshot, at: datetime) -> dict[str, TaskDefinition]:
    return snapshot.tasks | history.definitions(at, snapshot.server)


# One task -------------------------------------------------------------------------------------------------------------


_Decision = tuple[Verdict, str, str]
"""A verdict, the rule that decided, and the reason."""


def _judge(status: Status, snapshot: Snapshot, rule: Rule, past: Past, runs: TaskRuns | None, files: FilesAt) -> Judged:
    due = Due(status, snapshot, snapshot.tasks.get(status.path), rule, past.form_since, past.first_seen, runs)
    result = _result(due)
    verdict, name, reason = _verdict(due, result, past)
    reason += _trail(verdict, past)
    if verdict is Verdict.FAILING:
        reason += changed_file((snapshot.programs or {}).get(status.path, ()), past, files)
    return Judged(
        verdict, reason, name, result, due, _since(verdict, due, past), past, _doubt(due, result, verdict, name)
    )


def _hidden(task: Judged, snapshot: Snapshot) -> Judged:
    """The last verdict of a hidden task: it still needs attention where it did, and is UNKNOWN where not."""
    seen = task.due.snapshot.local_time
    ago = _words(snapshot.taken_at - seen)
    reason = f"Was {task.verdict.value} when last seen, {ago} ago ({seen:%Y-%m-%d %H:%M}): {task.reason}"
    if not task.needs_attention:
        task = replace(task, verdict=Verdict.UNKNOWN, rule="hidden")
    return replace(task, reason=reason, hidden_since=seen, doubt=HIDDEN)


def _doubt(due: Due, result: Result, verdict: Verdict, rule: str) -> str:  # noqa: PLR0911 (one return a reason)
    """Why the task could not be judged, or not wholly, as the end of a sentence; "" where it was."""
    status, snapshot = due.status, due.snapshot
    if verdict is Verdict.DISABLED:
        return ""
    if verdict is Verdict.RUNNING:
        is_bounded = due.task is None or not _is_service(due.task)
        return "it is running since a time that is not known" if status.last_run is None and is_bounded else ""
    if rule == CLOCK:
        return "the last run lies after the snapshot, so a clock or the time zone is wrong"
    if status.state == "Unknown" and verdict is Verdict.UNKNOWN:
        return "the state is not known"
    if status.last_result is None and result.outcome is Outcome.UNKNOWN:
        return "the last result is not known"
    if due.task is None:
        if status.path in snapshot.damaged:
            return f"the stored definition {snapshot.damaged[status.path]}"
        if snapshot.defined_at is None:
            return "no definitions were collected"
        return "there is no definition" if in_scope(status.path, snapshot.folders) else OUTSIDE
    if due.is_timed and (status.last_run is None or due.doubt):
        return due.doubt or "the last run is not known"
    return due.uncomputed


def _after_snapshot(due: Due) -> bool:
    """Whether the last run lies after the snapshot, which takes some minutes itself."""
    last_run = due.status.last_run
    aware = isinstance(last_run, datetime) and last_run.tzinfo is not None
    return aware and last_run > due.snapshot.taken_at + COLLECTING  # type: ignore[operator]


def _result(due: Due) -> Result:
    """The decoded result, or what the office says of the code."""
    status = due.status
    lines = (due.task.command_lines if due.task else []) or [_split(due.snapshot.commands.get(status.path, ""))]
    ever_ran = False if status.never_ran else None if status.last_run is None else True
    result = decode_lines(
        status.last_result,
        lines,
        state=status.state,
        ever_ran=ever_ran,
    )
    finished = result.outcome not in (Outcome.RUNNING, Outcome.NEVER_RAN)
    meaning = due.rule.meanings(lines).get(status.last_result) if finished and status.last_result is not None else None
    if not meaning:
        return result
    advice = "" if meaning.outcome is Outcome.SUCCEEDED else result.advice
    return replace(result, certainty="certain", advice=advice, **meaning._asdict())


def _last_run(status: Status, result: Result) -> str:
    """How the last run of a disabled task ended."""
    if result.outcome is Outcome.NEVER_RAN:
        return "it has not run yet"
    is_known = status.last_result is not None or result.outcome is not Outcome.UNKNOWN
    return f"its last run: {result.outcome.value}" if is_known else "how its last run ended is not known"


def _verdict(due: Due, result: Result, past: Past) -> _Decision:  # noqa: PLR0911 (one return a rule, in their order)
    """The first rule that applies."""
    status = due.status
    is_bad, is_settled = result.outcome in BAD_OUTCOMES, result.certainty in SETTLED
    if _is_off(due):
        return Verdict.DISABLED, "disabled", f"It is disabled; {_last_run(status, result)}."
    if _after_snapshot(due):
        reason = "Its last run lies after the snapshot, so a clock or the time zone is wrong."
        return Verdict.UNKNOWN, CLOCK, reason
    if status.state == "Running" or result.outcome is Outcome.RUNNING:
        return _running(due, past)
    late = _late(due, result)
    if status.state == "Queued" and not is_bad:
        return late or (Verdict.RUNNING, "queued", "It waits for its turn to run.")
    if result.outcome is Outcome.NEVER_RAN:
        return late or (Verdict.NEVER_RAN, "never ran", result.meaning)
    queued = " It waits for its turn to run again." if status.state == "Queued" else ""
    if result.outcome is Outcome.NOT_STARTED and is_settled:
        return Verdict.FAILING, "not started", result.meaning + queued
    if late and not (is_bad and is_settled and due.plans_nothing):
        return late
    if ended := _ordered_stop(due, result):
        reason = f"It was stopped at {ended:%Y-%m-%d %H:%M}, as its trigger orders at the end of the repetition."
        return Verdict.OK, ORDERED_STOP, reason
    if is_bad and is_settled:
        return Verdict.FAILING, "last run failed", result.meaning + queued
    if is_bad or (result.outcome is Outcome.UNKNOWN and not is_settled):
        how = f"A rule with ok_codes = [{result.code}] would settle it."
        return Verdict.UNKNOWN, "unknown code", f"{result.meaning} {how}"
    if result.outcome is Outcome.UNKNOWN:
        return Verdict.UNKNOWN, "no result", result.meaning
    if status.state == "Unknown":
        return Verdict.UNKNOWN, "unknown state", f"{result.meaning} But what the task is doing now is not known."
    rule = result.basis if result.basis.startswith("rules.toml") else "last run succeeded"
    why = why_nothing_starts(due.task, due.snapshot.local_time) if due.task and not due.next_start else ""
    last = f" Nothing will start it again: {why}." if why else ""
    return Verdict.OK, rule, result.meaning + last


def _is_off(due: Due) -> bool:
    status, task = due.status, due.task
    if status.enabled is False or status.state == "Disabled":
        return True
    return (
        status.enabled is None and status.state in (None, "Unknown") and task is not None and not task.settings.enabled
    )


def _late(due: Due, result: Result) -> _Decision | None:
    """OVERDUE where starts were missed; UNKNOWN, which needs attention, where Windows plans no further one."""
    if due.task is None:  # nothing says when it should start
        return None
    missed = due.missed
    if due.plans_nothing:
        at = f" that gives {due.next_start:%Y-%m-%d %H:%M}" if due.next_start else ""
        reason = f"Windows plans no further start, though a trigger is on{at}."
        return (
            Verdict.UNKNOWN,
            NO_FURTHER_START,
            " ".join([reason, *([_overdue(due, result, missed)] if missed else [])]),
        )
    if not missed:
        return None
    rule = "overdue" if due.rule.grace_minutes is None else due.rule.name("grace_minutes")
    more = f" {result.meaning}" if result.outcome is Outcome.NEVER_RAN else ""
    if due.status.state == "Queued":
        more += f" It is in the queue, since {missed.first:%Y-%m-%d %H:%M} at the latest."
    return Verdict.OVERDUE, rule, _overdue(due, result, missed) + more


def _overdue(due: Due, result: Result, missed: Missed) -> str:
    last_run, last = due.status.last_run, ""
    starts = "It should have started" if missed.number == 1 else f"{count(missed.number, 'start')} missed, the first"
    if isinstance(last_run, datetime):
        last = f"; its last run, at {_local(due, last_run):%Y-%m-%d %H:%M}: {result.outcome.value}"
    likely = [f"That is likely, not certain: {due.doubt}."] if due.doubt else []
    return " ".join([f"{starts} at {missed.first:%Y-%m-%d %H:%M}{last}.", *likely, *due.likely_reasons])


def _running(due: Due, past: Past) -> _Decision:
    """RUNNING or, past its limit, RUNNING LONG; a service has no limit but a rule's."""
    last_run, rule = due.status.last_run, due.rule
    if not isinstance(last_run, datetime):
        return Verdict.RUNNING, "running", "It is running; when it started is not known."
    if last_run.tzinfo is None:
        reason = f"It has been running since {last_run:%Y-%m-%d %H:%M}, in an unknown time zone."
        return Verdict.RUNNING, "running", reason
    lasting = max(due.snapshot.taken_at - last_run, timedelta(0))
    running = f"Running since {_local(due, last_run):%Y-%m-%d %H:%M} ({ago(lasting)})"
    if rule.max_minutes is None and due.task and _is_service(due.task):
        return Verdict.RUNNING, "service", f"{running}, as a service does: it has no time limit."
    limit, why = _limit(due, past)
    if lasting > limit:
        name = "running long" if rule.max_minutes is None else rule.name("max_minutes")
        return Verdict.RUNNING_LONG, name, f"{running}{why}."
    if past.last_finished_failed:
        return Verdict.FAILING, "last run failed", f"{running}; its last finished run failed."
    return Verdict.RUNNING, "running", f"{running}."


def _limit(due: Due, past: Past) -> tuple[timedelta, str]:
    """How long a run may take, by a rule, as usual for the task or a day, or by its own limit; and how it is passed."""
    if due.rule.max_minutes is not None:
        limit = timedelta(minutes=due.rule.max_minutes)
        return limit, f", longer than {_words(limit)}"
    spacing = due.spacing
    limit = max(LONGEST_RUN, 2 * spacing) if spacing else LONGEST_RUN
    why = f", longer than {_words(limit)}"
    if past.longest:
        limit = max(2 * past.longest, SHORTEST_LIMIT)
        longest = "the longest of its last runs took" if past.longest_is_exact else "its last runs took at most"
        usual = limit > SHORTEST_LIMIT
        why = f"; {longest} {_words(past.longest)}" if usual else f", longer than {_words(limit)}"
    own = _own_limit(due.task) if due.task else None
    if own is not None and own + ENDING < limit:
        return own + ENDING, f", past its time limit of {_words(own)}, at which Windows should have stopped it"
    return limit, why


def _own_limit(task: TaskDefinition) -> timedelta | None:
    """The time limit of a task, or the longest of its triggers' where all have one; None where there is none."""
    limits = [trigger.execution_time_limit for trigger in task.triggers if trigger.enabled]
    chosen = [limit for limit in limits if limit and not limit.is_zero]
    if not chosen or len(chosen) < len(limits):
        limit = task.settings.execution_time_limit
        chosen = [limit] if limit and not limit.is_zero else []
    return max((limit.delta for limit in chosen if not limit.months), default=None)


def _ordered_stop(due: Due, result: Result) -> datetime | None:
    """When the trigger of a stopped run ordered its stop, at the end of a repetition; None where none did."""
    last_run, taken_at = due.status.last_run, due.snapshot.taken_at
    if result.code != STOPPED or not isinstance(last_run, datetime) or not last_run.tzinfo or not due.task:
        return None
    started, until = (np.array([microseconds(moment)]) for moment in (last_run, taken_at))
    end = int(ordered_ends(due.task, started, until, zone=due.snapshot.zone)[0])
    return None if end == NEVER else moment_of(end, due.snapshot.local_time.tzinfo or UTC)


def _local(due: Due, moment: datetime) -> datetime:
    """A moment in the server's zone; as it is where one of both is not known."""
    known = moment.tzinfo is not None and bool(due.snapshot.zone)
    return moment.astimezone(due.snapshot.local_time.tzinfo) if known else moment


def _words(span: timedelta) -> str:
    """A span of time to the minute."""
    return Duration(delta=timedelta(minutes=span // timedelta(minutes=1))).words()


def _is_service(task: TaskDefinition) -> bool:
    """No trigger with a time, and no time limit: meant to run as long as the server is up."""
    timed = any(isinstance(trigger, CalendarTrigger | TimeTrigger) for trigger in task.triggers)
    limit = task.settings.execution_time_limit
    return not timed and limit is not None and limit.is_zero


def _trail(verdict: Verdict, past: Past) -> str:
    """What the history adds to the reason."""
    trail = ""
    if verdict is Verdict.FAILING and past.failures > 1:
        trail = f" {past.failures} failures in a row{', as far as the history goes' * (not past.last_success)}."
    if verdict is Verdict.FAILING and past.weekdays:
        days = listed([DayOfWeek(day).name for day in past.weekdays])
        trail += f" All its failures of 60 days were on {days}."
    if past.flapping and past.month.success is not None:
        bad = round(past.month.runs * (1 - past.month.success))
        trail += f" {bad:,} of {past.month.runs:,} runs bad in 30 days."
    return trail


def _since(verdict: Verdict, due: Due, past: Past) -> datetime | None:  # noqa: PLR0911 (one return a verdict)
    match verdict:
        case Verdict.OVERDUE:
            return due.missed.first if due.missed else None
        case Verdict.RUNNING | Verdict.RUNNING_LONG:
            return due.status.last_run if isinstance(due.status.last_run, datetime) else None
        case Verdict.FAILING:
            return past.failing_since or past.refused_since
        case Verdict.OK:
            return past.good_since
        case Verdict.DISABLED:
            return past.disabled_since
        case Verdict.NEVER_RAN:
            return past.added_at
        case Verdict.UNKNOWN:
            return past.code_since


# a quoted program, one with spaces that ends in .exe or the like, or the first word; then the arguments
_COMMAND_LINE = re.compile(
    r"""\s*(?:"([^"]*)"|(.+?\.(?:exe|com|bat|cmd))(?=\s|$)|(\S*))\s*(.*)""", re.DOTALL | re.IGNORECASE
)


@lru_cache(maxsize=4096)
def _split(line: str) -> tuple[str, str]:
    """Command and arguments of a command line, which a status holds as one text."""
    if line.strip().casefold() in ("com handler", "multiple actions"):
        return "", ""
    parts = _COMMAND_LINE.match(line)
    return (parts[1] or parts[2] or parts[3] or "", parts[4]) if parts else ("", "")
