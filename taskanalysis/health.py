r"""What a reader should think of each task now: definition + status + rules -> one verdict a task, with its reason.

A verdict is about the moment of the snapshot, never about the clock on the wall. From one snapshot nothing is known of
earlier runs, so `since` is known of runs that go on and of starts that were missed alone. Unknown is a verdict of its
own: never counted as failed, never as OK.

>>> from datetime import UTC
>>> snapshot = Snapshot("S", datetime(2026, 11, 23, tzinfo=UTC), statuses={"\\A": Status("\\A", enabled=False)})
>>> [judged.verdict.value for judged in judge(snapshot)]
['DISABLED']
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from taskanalysis.definition import ExecAction, TaskDefinition
from taskanalysis.due import Differing, Missed, differing, expected_next, missed_starts, what_may_explain
from taskanalysis.duration import Duration, count, listed
from taskanalysis.findings import account, why_nothing_starts
from taskanalysis.program import working_program
from taskanalysis.result import Outcome, Result, decode
from taskanalysis.rules import NO_RULES, Rule, Rules
from taskanalysis.snapshot import Snapshot
from taskanalysis.status import Status
from taskanalysis.taskfiles import in_scope
from taskanalysis.trigger import CalendarTrigger, TimeTrigger
from taskanalysis.wording import describe

__all__ = ["Change", "Incident", "Judged", "Verdict", "compare", "find_incidents", "judge"]


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

    `since` is the start of the run that goes on, or the first start that was missed; None in all other cases, which one
    snapshot can't tell. `rule` names what decided; `said` is what ``rules.toml`` says of the task; `ignored` tasks are
    counted, not listed. `expected_next` is the next start that the definition gives, and `differing` how Windows
    differs from it.
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

    @property
    def needs_attention(self) -> bool:
        """Whether someone should look: not where a task is muted, waits, or says too little."""
        loud = self.verdict in (Verdict.FAILING, Verdict.OVERDUE, Verdict.RUNNING_LONG)
        unknown_code = self.verdict is Verdict.UNKNOWN and self.rule == "unknown code"
        return not self.ignored and (loud or unknown_code)


@dataclass(frozen=True, slots=True)
class Incident:
    """Tasks that need attention for one shared cause: what they have in common, "" where they have not."""

    cause: str
    tasks: tuple[str, ...]
    since: datetime | None
    code: int | None
    account: str = ""
    program: str = ""
    folder: str = ""


LEAST_TASKS = 3
LONGEST_RUN = timedelta(hours=24)


def judge(snapshot: Snapshot, rules: Rules = NO_RULES, folder: str = "") -> list[Judged]:
    r"""A verdict for each task that has a status, in the order of their paths.

    `folder` takes the tasks in it and below, "" all outside ``\Microsoft``.
    """
    folders = [folder] if folder else []
    return [
        _judge(status, snapshot.definition(path), rules.of(snapshot.server, path), snapshot)
        for path, status in sorted(snapshot.statuses.items(), key=lambda item: item[0].casefold())
        if in_scope(path, folders)
    ]


def find_incidents(judged: Iterable[Judged]) -> list[Incident]:
    """Groups of at least three tasks that need attention for one shared cause; a task is in one of them.

    Failing tasks share a code of Windows, and their account, else their program, else their folder. That programs give
    the same exit code of their own is no shared cause; when each began to fail, one snapshot does not know. Overdue
    tasks share that Windows counts starts which they missed: the server was off.
    """
    loud = [each for each in judged if each.needs_attention]
    incidents = _server_off([each for each in loud if each.verdict is Verdict.OVERDUE and each.status.missed_runs])
    left = [each for each in loud if each.verdict is Verdict.FAILING and _is_of_windows(each)]
    for kind, common in (("account", _account), ("program", _program), ("folder", _folder)):
        groups: dict[tuple[int | None, str], list[Judged]] = defaultdict(list)
        for each in left:
            if common(each):
                groups[each.result.code, common(each)].append(each)
        large = [group for group in groups.values() if len(group) >= LEAST_TASKS]
        incidents += [_incident(group, kind, common(group[0])) for group in large]
        taken = {each.path for group in large for each in group}
        left = [each for each in left if each.path not in taken]
    return sorted(incidents, key=lambda incident: (-len(incident.tasks), incident.cause))


# One task -------------------------------------------------------------------------------------------------------------


def _judge(status: Status, task: TaskDefinition | None, said: Rule, snapshot: Snapshot) -> Judged:
    programs = _programs(task)
    lines = [(action.command, action.arguments) for action in programs] or [
        _split(snapshot.commands.get(status.path, ""))
    ]
    result = _result(status, lines, said)
    missed = missed_starts(task, status, snapshot, said) if task else None
    verdict, rule, reason = _verdict(status, task, said, result, missed, snapshot.local_time)
    return Judged(
        status.path,
        verdict,
        reason,
        rule,
        result,
        status,
        said,
        task,
        since=missed.first if missed and verdict is Verdict.OVERDUE else _since(verdict, status),
        ignored=said.ignores(snapshot.local_time.date()),
        expected_next=expected_next(task, snapshot),
        differing=differing(task, status, snapshot) if task else None,
    )


def _result(status: Status, lines: list[tuple[str, str]], said: Rule) -> Result:
    """The decoded result; of several programs that read the code differently, nothing is known."""
    ever_ran = None if status.last_run is None else status.last_run != "never"
    results = [
        decode(status.last_result, command=command, arguments=arguments, state=status.state, ever_ran=ever_ran)
        for command, arguments in dict.fromkeys(lines)
    ]
    finished = results[0].outcome not in (Outcome.RUNNING, Outcome.NEVER_RAN)
    if said.ok_codes and status.last_result in said.ok_codes and finished:
        good = replace(results[0], outcome=Outcome.SUCCEEDED, advice="", certainty="certain")
        return replace(
            good, meaning="A rule of the office says that this code is success.", basis=said.name("ok_codes")
        )
    if len({result.outcome for result in results}) == 1:
        return results[0]
    readings = listed([f"{result.outcome.value} for {result.basis}" for result in dict.fromkeys(results)])
    meaning = f"Which of its programs gave this code is not known, and they read it differently: {readings}."
    return replace(results[0], outcome=Outcome.UNKNOWN, meaning=meaning, certainty="guess", basis="several programs")


def _verdict(  # noqa: PLR0911 (one return a rule, in the order of the rules)
    status: Status, task: TaskDefinition | None, said: Rule, result: Result, missed: Missed | None, now: datetime
) -> tuple[Verdict, str, str]:
    """Verdict, the rule that decided, and the reason in words; the first rule that applies."""
    settled = result.certainty in ("certain", "likely")
    bad = result.outcome in (Outcome.FAILED, Outcome.STOPPED, Outcome.NOT_STARTED)
    if _is_off(status, task):
        last = "it has not run yet" if result.outcome is Outcome.NEVER_RAN else f"its last run: {result.outcome.value}"
        return Verdict.DISABLED, "disabled", f"It is switched off; {last}."
    if status.state == "Running" or result.outcome is Outcome.RUNNING or (status.state == "Queued" and not bad):
        return _running(status, task, said, now)
    if result.outcome is Outcome.NEVER_RAN:
        return Verdict.NEVER_RAN, "never ran", result.meaning
    queued = " It waits for its turn to run again." if status.state == "Queued" else ""
    if result.outcome is Outcome.NOT_STARTED and settled:
        return Verdict.FAILING, "not started", result.meaning + queued
    if missed and task:
        rule = "overdue" if said.grace_minutes is None else said.name("grace_minutes")
        return Verdict.OVERDUE, rule, _overdue(status, task, result, missed)
    if bad and settled:
        return Verdict.FAILING, "last run failed", result.meaning + queued
    if bad or (result.outcome is Outcome.UNKNOWN and not settled):
        how = f"A rule with ok_codes = [{result.code}] in rules.toml would settle it if that is success."
        return Verdict.UNKNOWN, "unknown code", f"{result.meaning} {how}"
    if result.outcome is Outcome.UNKNOWN:
        return Verdict.UNKNOWN, "no result", result.meaning
    by_rule = result.basis.startswith("rules.toml")
    why = why_nothing_starts(task, now) if task else ""
    last = f" Nothing will start it again: {why}." if why else ""
    return Verdict.OK, result.basis if by_rule else "last run succeeded", result.meaning + last


def _is_off(status: Status, task: TaskDefinition | None) -> bool:
    if status.enabled is False or status.state == "Disabled":
        return True
    return status.enabled is None and status.state is None and task is not None and not task.settings.enabled


def _overdue(status: Status, task: TaskDefinition, result: Result, missed: Missed) -> str:
    starts = "It should have started" if missed.number == 1 else f"{count(missed.number, 'start')} missed, the first"
    since = f"{starts} at {missed.first:%Y-%m-%d %H:%M}"
    last = f"its last run, at {status.last_run:%Y-%m-%d %H:%M}: {result.outcome.value}"
    return " ".join([f"{since}; {last}.", *what_may_explain(task, status)])


def _running(  # noqa: PLR0911 (one return a rule)
    status: Status, task: TaskDefinition | None, said: Rule, now: datetime
) -> tuple[Verdict, str, str]:
    """RUNNING or, past its limit, RUNNING LONG; a service has no limit but a rule's."""
    if status.state == "Queued":
        return Verdict.RUNNING, "queued", "It waits for its turn to run."
    if not isinstance(status.last_run, datetime):
        return Verdict.RUNNING, "running", "It is running; since when is not known."
    if status.last_run.tzinfo is None:
        reason = f"It is running since {status.last_run:%Y-%m-%d %H:%M}, in a time zone that is not known."
        return Verdict.RUNNING, "running", reason
    lasting = now - status.last_run
    if lasting < timedelta(0):
        reason = "Its last run lies after the snapshot, so the time zone or a clock is in doubt."
        return Verdict.UNKNOWN, "clock in doubt", reason
    minutes = Duration(delta=timedelta(minutes=lasting // timedelta(minutes=1))).words()
    limit = LONGEST_RUN if said.max_minutes is None else timedelta(minutes=said.max_minutes)
    if said.max_minutes is None and task and _is_service(task):
        return Verdict.RUNNING, "service", f"It is running for {minutes}, as a service does: it has no time limit."
    if lasting <= limit:
        return Verdict.RUNNING, "running", f"It is running for {minutes}."
    rule = "running long" if said.max_minutes is None else said.name("max_minutes")
    return Verdict.RUNNING_LONG, rule, f"It is running for {minutes}, longer than {Duration(delta=limit).words()}."


def _is_service(task: TaskDefinition) -> bool:
    """No trigger with a time, and no time limit: meant to run as long as the server is up."""
    timed = any(isinstance(trigger, CalendarTrigger | TimeTrigger) for trigger in task.triggers)
    limit = task.settings.execution_time_limit
    return not timed and limit is not None and limit.is_zero


def _since(verdict: Verdict, status: Status) -> datetime | None:
    started = status.last_run if isinstance(status.last_run, datetime) else None
    return started if verdict in (Verdict.RUNNING, Verdict.RUNNING_LONG) else None


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


def _programs(task: TaskDefinition | None) -> list[ExecAction]:
    return [action for action in task.actions if isinstance(action, ExecAction)] if task else []


# Incidents ------------------------------------------------------------------------------------------------------------


def _is_of_windows(judged: Judged) -> bool:
    return judged.result.basis in ("scheduler", "win32", "hresult", "ntstatus")


def _account(judged: Judged) -> str:
    return account(judged.task.principal) if judged.task else ""


def _program(judged: Judged) -> str:
    programs = {working_program(action.command, action.arguments) for action in _programs(judged.task)}
    return programs.pop() if len(programs) == 1 else ""


def _folder(judged: Judged) -> str:
    return judged.path.rpartition("\\")[0]


def _incident(group: list[Judged], kind: str, common: str) -> Incident:
    first = group[0].result
    said = {"account": f"all as {common}", "program": f"all by {common}", "folder": f"all in {common}"}[kind]
    cause = f"{count(len(group), 'task')}, {said}, {first.hex}: {first.meaning}"
    paths = tuple(each.path for each in group)
    return Incident(cause, paths, None, first.code, **{kind: common})


def _server_off(overdue: list[Judged]) -> list[Incident]:
    if len(overdue) < LEAST_TASKS:
        return []
    since = min(each.since for each in overdue if each.since)
    starts = count(sum(each.status.missed_runs or 0 for each in overdue), "start")
    cause = f"{count(len(overdue), 'task')}, {starts} missed since {since:%Y-%m-%d %H:%M}: the server was off."
    return [Incident(cause, tuple(each.path for each in overdue), since, None)]


# Two snapshots --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """What differs between two snapshots: `kind` is added, removed, changed, enabled, disabled or outcome."""

    path: str
    kind: str
    before: str
    after: str
    what: str


def compare(before: Iterable[Judged], now: Iterable[Judged]) -> Iterator[Change]:
    """What changed from one snapshot to the next, task by task; a run that goes on has no outcome to compare."""
    old, new = ({each.path: each for each in judged} for judged in (before, now))
    for path in sorted(old.keys() | new.keys(), key=str.casefold):
        was, is_now = old.get(path), new.get(path)
        if is_now and is_now.ignored:
            continue
        if not was or not is_now:
            kind = "added" if is_now else "removed"
            verdicts = [each.verdict.value if each else "" for each in (was, is_now)]
            yield Change(path, kind, verdicts[0], verdicts[1], f"It was {kind}.")
            continue
        switched = was.verdict is Verdict.DISABLED, is_now.verdict is Verdict.DISABLED
        if switched[0] != switched[1]:
            kind = "disabled" if switched[1] else "enabled"
            yield Change(path, kind, was.verdict.value, is_now.verdict.value, f"It was {kind}.")
        if was.task and is_now.task and was.task != is_now.task:
            words = describe(was.task), describe(is_now.task)
            if words[0] != words[1]:
                yield Change(path, "changed", *words, "Its schedule was changed.")
            else:
                yield Change(path, "changed", "", "", "Its definition was changed, but not its schedule.")
        outcomes = was.result.outcome, is_now.result.outcome
        if outcomes[0] is not outcomes[1] and Outcome.RUNNING not in outcomes:
            yield Change(path, "outcome", outcomes[0].value, outcomes[1].value, is_now.result.meaning)
