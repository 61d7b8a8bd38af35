r"""What a reader should think of each task now: definition, status, rules, past -> one verdict a task, and why.

A verdict is about the moment of the snapshot, never about the clock on the wall. Without a history nothing is known of
earlier runs, so `since` is known of runs that go on and of starts that were missed alone. Unknown is a verdict of its
own: never counted as failed, never as OK.

>>> from datetime import UTC
>>> snapshot = Snapshot("S", datetime(2026, 11, 23, tzinfo=UTC), statuses={"\\A": Status("\\A", enabled=False)})
>>> [judged.verdict.value for judged in judge(snapshot)]
['DISABLED']
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from taskanalysis.definition import CalendarTrigger, Duration, TaskDefinition, TimeTrigger
from taskanalysis.health.due import (
    Differing,
    Missed,
    differing,
    expected_next,
    missed_starts,
    slot_spacing,
    what_may_explain,
)
from taskanalysis.health.findings import why_nothing_starts
from taskanalysis.health.past import NO_PAST, Past, hidden_tasks, pasts
from taskanalysis.health.rules import NO_RULES, Rule, Rules
from taskanalysis.history import History
from taskanalysis.results import Outcome, Result, decode_lines
from taskanalysis.snapshot import Snapshot, Status, in_scope
from taskanalysis.text import count

__all__ = ["Judged", "Verdict", "judge"]


class Verdict(Enum):
    """What a reader should think of a task now."""

    OK = "OK"
    FAILING = "FAILING"
    OVERDUE = "OVERDUE"
    RUNNING = "RUNNING"
    RUNNING_LONG = "RUNNING LONG"
    NEVER_RAN = "NEVER RAN"
    DISABLED = "DISABLED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Judged:
    """One task and its verdict.

    `since` is when what the verdict says began: the start of the first failed run after the last good one, of the first
    good one after a failed one, or of the run that goes on; the first start that was missed; else the first snapshot
    that shows it. Without a history (`past` is `NO_PAST`) it is None but for runs that go on and missed starts. `rule`
    names what decided; `said` is what ``rules.toml`` says of the task; `ignored` tasks are counted, not listed.
    `expected_next` is the next start that the definition gives, and `differing` how Windows differs from it.
    """

    path: str
    verdict: Verdict
    reason: str
    rule: str
    result: Result
    status: Status
    said: Rule
    task: TaskDefinition | None = None
    since: datetime | None = None
    ignored: bool = False
    expected_next: datetime | None = None
    differing: Differing | None = None
    past: Past = NO_PAST
    missed: Missed | None = None

    @property
    def needs_attention(self) -> bool:
        """Whether someone should look: not where a task is muted, waits, or says too little."""
        loud = self.verdict in (Verdict.FAILING, Verdict.OVERDUE, Verdict.RUNNING_LONG)
        unknown_code = self.verdict is Verdict.UNKNOWN and self.rule == "unknown code"
        return not self.ignored and (loud or unknown_code)


LONGEST_RUN = timedelta(hours=24)
SHORTEST_LIMIT = timedelta(hours=1)
HIDDEN = "It is missing from this snapshot, and so are others: whoever collected it may see fewer tasks than before."


def judge(
    snapshot: Snapshot, rules: Rules = NO_RULES, folder: str = "", history: History | None = None
) -> list[Judged]:
    r"""A verdict for each task that has a status, in the order of their paths.

    `folder` takes the tasks in it and below, "" all outside ``\Microsoft``. `history` is that of the server until the
    snapshot (`past.known_history`); tasks that it shows and the snapshot hides get a verdict too, UNKNOWN.
    """
    known = pasts(history, snapshot, rules) if history else {}
    hidden = {path: Status(path) for path in hidden_tasks(history, snapshot)} if history else {}
    folders = [folder] if folder else []
    statuses = sorted((snapshot.statuses | hidden).items(), key=lambda item: item[0].casefold())
    return [
        _judge(status, snapshot, rules.of(snapshot.server, path), known.get(path, NO_PAST), path in hidden)
        for path, status in statuses
        if in_scope(path, folders)
    ]


# One task -------------------------------------------------------------------------------------------------------------


class _Case(NamedTuple):
    """All that decides about one task."""

    status: Status
    task: TaskDefinition | None
    said: Rule
    result: Result
    missed: Missed | None
    past: Past
    snapshot: Snapshot

    @property
    def is_bad(self) -> bool:
        return self.result.outcome in (Outcome.FAILED, Outcome.STOPPED, Outcome.NOT_STARTED)

    @property
    def is_settled(self) -> bool:
        return self.result.certainty in ("certain", "likely")


class _Decision(NamedTuple):
    verdict: Verdict
    rule: str
    reason: str


def _judge(status: Status, snapshot: Snapshot, said: Rule, past: Past, hidden: bool) -> Judged:
    task = None if hidden else snapshot.definition(status.path)
    programs = task.programs if task else ()
    lines = [(action.command, action.arguments) for action in programs]
    result = _result(status, lines or [_split(snapshot.commands.get(status.path, ""))], said)
    missed = missed_starts(task, status, snapshot, said, past.form_since) if task else None
    case = _Case(status, task, said, result, missed, past, snapshot)
    decision = _Decision(Verdict.UNKNOWN, "hidden", HIDDEN) if hidden else _verdict(case)
    return Judged(
        status.path,
        decision.verdict,
        decision.reason + _trail(decision.verdict, past),
        decision.rule,
        result,
        status,
        said,
        task,
        since=_since(decision.verdict, case),
        ignored=said.ignores(snapshot.local_time.date()),
        expected_next=expected_next(task, snapshot),
        differing=differing(task, status, snapshot) if task else None,
        past=past,
        missed=missed,
    )


def _result(status: Status, lines: list[tuple[str, str]], said: Rule) -> Result:
    """The decoded result, which a rule of the office may call success."""
    ever_ran = None if status.last_run is None else status.last_run != "never"
    result = decode_lines(status.last_result, lines, state=status.state, ever_ran=ever_ran)
    finished = result.outcome not in (Outcome.RUNNING, Outcome.NEVER_RAN)
    if not (said.ok_codes and status.last_result in said.ok_codes and finished):
        return result
    meaning = "A rule of the office says that this code is success."
    basis = said.name("ok_codes")
    return replace(result, outcome=Outcome.SUCCEEDED, advice="", certainty="certain", meaning=meaning, basis=basis)


def _verdict(case: _Case) -> _Decision:  # noqa: PLR0911 (one return a rule, in the order of the rules)
    """The first rule that applies."""
    status, said, result = case.status, case.said, case.result
    if _is_off(status, case.task):
        last = "it has not run yet" if result.outcome is Outcome.NEVER_RAN else f"its last run: {result.outcome.value}"
        return _Decision(Verdict.DISABLED, "disabled", f"It is switched off; {last}.")
    going = status.state == "Running" or result.outcome is Outcome.RUNNING
    if going or (status.state == "Queued" and not case.is_bad):
        return _running(case)
    overdue = "overdue" if said.grace_minutes is None else said.name("grace_minutes")
    if result.outcome is Outcome.NEVER_RAN:
        if case.missed:
            return _Decision(Verdict.OVERDUE, overdue, f"{_overdue(case)} {result.meaning}")
        return _Decision(Verdict.NEVER_RAN, "never ran", result.meaning)
    queued = " It waits for its turn to run again." if status.state == "Queued" else ""
    if result.outcome is Outcome.NOT_STARTED and case.is_settled:
        return _Decision(Verdict.FAILING, "not started", result.meaning + queued)
    if case.missed:
        return _Decision(Verdict.OVERDUE, overdue, _overdue(case))
    if case.is_bad and case.is_settled:
        return _Decision(Verdict.FAILING, "last run failed", result.meaning + queued)
    if case.is_bad or (result.outcome is Outcome.UNKNOWN and not case.is_settled):
        how = f"A rule with ok_codes = [{result.code}] in rules.toml would settle it if that is success."
        return _Decision(Verdict.UNKNOWN, "unknown code", f"{result.meaning} {how}")
    if result.outcome is Outcome.UNKNOWN:
        return _Decision(Verdict.UNKNOWN, "no result", result.meaning)
    rule = result.basis if result.basis.startswith("rules.toml") else "last run succeeded"
    why = why_nothing_starts(case.task, case.snapshot.local_time) if case.task else ""
    last = f" Nothing will start it again: {why}." if why else ""
    return _Decision(Verdict.OK, rule, result.meaning + last)


def _is_off(status: Status, task: TaskDefinition | None) -> bool:
    if status.enabled is False or status.state == "Disabled":
        return True
    return status.enabled is None and status.state is None and task is not None and not task.settings.enabled


def _overdue(case: _Case) -> str:
    status, missed, task = case.status, case.missed, case.task
    if not missed or not task:
        return ""
    starts = "It should have started" if missed.number == 1 else f"{count(missed.number, 'start')} missed, the first"
    last = ""
    if isinstance(status.last_run, datetime):
        last = f"; its last run, at {status.last_run:%Y-%m-%d %H:%M}: {case.result.outcome.value}"
    return " ".join([f"{starts} at {missed.first:%Y-%m-%d %H:%M}{last}.", *what_may_explain(task, status)])


def _running(case: _Case) -> _Decision:  # noqa: PLR0911 (one return a rule)
    """RUNNING or, past its limit, RUNNING LONG; a service has no limit but a rule's."""
    status, said, past = case.status, case.said, case.past
    if status.state == "Queued":
        return _Decision(Verdict.RUNNING, "queued", "It waits for its turn to run.")
    if not isinstance(status.last_run, datetime):
        return _Decision(Verdict.RUNNING, "running", "It is running; since when is not known.")
    if status.last_run.tzinfo is None:
        reason = f"It is running since {status.last_run:%Y-%m-%d %H:%M}, in a time zone that is not known."
        return _Decision(Verdict.RUNNING, "running", reason)
    lasting = case.snapshot.taken_at - status.last_run
    if lasting < timedelta(0):
        reason = "Its last run lies after the snapshot, so the time zone or a clock is in doubt."
        return _Decision(Verdict.UNKNOWN, "clock in doubt", reason)
    running = f"It is running for {_words(lasting)}"
    if said.max_minutes is None and case.task and _is_service(case.task):
        return _Decision(Verdict.RUNNING, "service", f"{running}, as a service does: it has no time limit.")
    limit, why = _limit(case)
    if lasting > limit:
        rule = "running long" if said.max_minutes is None else said.name("max_minutes")
        return _Decision(Verdict.RUNNING_LONG, rule, f"{running}, longer than {why}.")
    if past.last_finished_failed:
        return _Decision(Verdict.FAILING, "last run failed", f"{running}; its last finished run failed.")
    return _Decision(Verdict.RUNNING, "running", f"{running}.")


def _limit(case: _Case) -> tuple[timedelta, str]:
    """How long a run may take, and why: what a rule allows, what is usual for the task, or a day."""
    if case.said.max_minutes is not None:
        limit = timedelta(minutes=case.said.max_minutes)
        return limit, _words(limit)
    if case.past.longest:
        limit = max(2 * case.past.longest, SHORTEST_LIMIT)
        return limit, f"{_words(limit)}, twice the longest of its last runs" if limit > SHORTEST_LIMIT else _words(
            limit
        )
    spacing = slot_spacing(case.task, case.snapshot) if case.task and case.snapshot.zone else None
    limit = max(LONGEST_RUN, 2 * spacing) if spacing else LONGEST_RUN
    return limit, _words(limit)


def _words(span: timedelta) -> str:
    """A span of time to the minute."""
    return Duration(delta=timedelta(minutes=span // timedelta(minutes=1))).words()


def _is_service(task: TaskDefinition) -> bool:
    """No trigger with a time, and no time limit: meant to run as long as the server is up."""
    timed = any(isinstance(trigger, CalendarTrigger | TimeTrigger) for trigger in task.triggers)
    limit = task.settings.execution_time_limit
    return not timed and limit is not None and limit.is_zero


def _trail(verdict: Verdict, past: Past) -> str:
    """What the past adds to the reason."""
    said = []
    if verdict is Verdict.FAILING and past.failures > 1:
        said.append(f"{past.failures} failures in a row{', as far as the history goes' * (not past.last_success)}.")
    if past.flapping:
        said.append("Its outcome changes often.")
    return "".join(f" {sentence}" for sentence in said)


def _since(verdict: Verdict, case: _Case) -> datetime | None:
    past, started = case.past, case.status.last_run
    if verdict is Verdict.OVERDUE:
        return case.missed.first if case.missed else None
    if verdict in (Verdict.RUNNING, Verdict.RUNNING_LONG):
        return started if isinstance(started, datetime) else None
    known: dict[Verdict, datetime | None] = {
        Verdict.FAILING: past.failing_since or past.refused_since,
        Verdict.OK: past.good_since,
        Verdict.DISABLED: past.disabled_since,
        Verdict.NEVER_RAN: past.added_at,
        Verdict.UNKNOWN: past.shown_since,
    }
    return known[verdict]


# a quoted program, one with spaces that ends in .exe or the like, or the first word; then the arguments
_COMMAND_LINE = re.compile(
    r"""\s*(?:"([^"]*)"|(.+?\.(?:exe|com|bat|cmd))(?=\s|$)|(\S*))\s*(.*)""", re.DOTALL | re.IGNORECASE
)


def _split(line: str) -> tuple[str, str]:
    """Command and arguments of a command line, as statuses tell it in one text."""
    if line.strip().casefold() in ("com handler", "multiple actions"):
        return "", ""
    found = _COMMAND_LINE.match(line)
    return (found[1] or found[2] or found[3] or "", found[4]) if found else ("", "")
