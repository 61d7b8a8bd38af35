r"""Incidents: tasks that need attention for one shared cause, so that one repair mends them all.

>>> from taskanalysis.health import judge
>>> from taskanalysis.health import known_history
>>> from taskanalysis.snapshot import read_snapshot
>>> snapshot = read_snapshot("data")
>>> [incident.cause[:52] for incident in find_incidents(judge(snapshot, history=known_history(snapshot)))]
['9 tasks since 2026-11-09 07:10, all as TOWN\\opendata']
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from taskanalysis.health.past import blind_times
from taskanalysis.health.verdicts import Judged, Verdict
from taskanalysis.history import History
from taskanalysis.text import count, working_program

LEAST_TASKS = 3
_EVER = datetime.min.replace(tzinfo=UTC)
_FAR = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Incident:
    """Tasks that need attention for one shared cause, with what they have in common ("" for what they have not)."""

    cause: str
    tasks: tuple[str, ...]
    since: datetime | None
    code: int | None
    account: str = ""
    program: str = ""
    folder: str = ""


def find_incidents(judged: Iterable[Judged], history: History | None = None) -> list[Incident]:
    """Groups of at least three tasks that need attention for one shared cause; a task is in one of them.

    Failing tasks share a code of Windows, and their account, else their program, else their folder; and, where their
    history is known, a moment between the last good run and the first bad one of each. Exit codes of programs are no
    shared cause. Overdue tasks share that Windows counts missed starts of theirs, or that all their missed starts lie
    in one time without snapshots: the server was off.
    """
    blind = blind_times(history) if history else []
    loud = [task for task in judged if task.needs_attention]
    overdue = [task for task in loud if task.verdict is Verdict.OVERDUE]
    incidents = _server_off([task for task in overdue if task.status.missed_runs or _fell_into(task, blind)])
    left = [task for task in loud if task.verdict is Verdict.FAILING and task.result.is_of_windows]
    for kind, common in (("account", _account), ("program", _program), ("folder", _folder)):
        groups: dict[tuple[int | None, str], list[Judged]] = defaultdict(list)
        for task in left:
            if common(task):
                groups[task.result.code, common(task)].append(task)
        for (_, shared), group in groups.items():
            at_once = _at_once(group)
            if len(at_once) >= LEAST_TASKS:
                incidents.append(_incident(at_once, kind, shared))
                left = [task for task in left if task not in at_once]
    return sorted(incidents, key=lambda incident: (-len(incident.tasks), incident.cause))


def _at_once(group: Sequence[Judged]) -> list[Judged]:
    """The most tasks of a group that may have begun to fail at one moment, between a good run and the first bad one."""
    spans = [
        (task.past.last_success or _EVER, task.past.failing_since or task.past.refused_since or _FAR) for task in group
    ]
    chosen: list[Judged] = []
    for moment in sorted({first_bad for _, first_bad in spans}):
        failing = [task for task, (good, bad) in zip(group, spans, strict=True) if good < moment <= bad]
        chosen = max(chosen, failing, key=len)
    return chosen


def _incident(group: list[Judged], kind: str, shared: str) -> Incident:
    first = group[0].result
    words = {"account": f"all as {shared}", "program": f"all by {shared}", "folder": f"all in {shared}"}[kind]
    since = min((task.since for task in group if task.since), default=None)
    begun = f" since {_local(since, group[0]):%Y-%m-%d %H:%M}" if since else ""
    cause = f"{count(len(group), 'task')}{begun}, {words}, {first.hex}: {first.meaning}"
    return Incident(cause, tuple(task.path for task in group), since, first.code, **{kind: shared})


def _server_off(overdue: Sequence[Judged]) -> list[Incident]:
    if len(overdue) < LEAST_TASKS:
        return []
    since = min(task.since for task in overdue if task.since)
    numbers = (task.status.missed_runs or (task.due.missed.number if task.due.missed else 0) for task in overdue)
    starts = count(sum(numbers), "start")
    cause = f"{count(len(overdue), 'task')}, {starts} missed since {since:%Y-%m-%d %H:%M}: the server was off."
    return [Incident(cause, tuple(task.path for task in overdue), since, None)]


def _fell_into(task: Judged, blind: Collection[tuple[datetime, datetime]]) -> bool:
    missed = task.due.missed
    return missed is not None and any(begin < missed.first and missed.last <= end for begin, end in blind)


def _local(moment: datetime, task: Judged) -> datetime:
    """A moment in the zone of the task's own times."""
    last_run = task.status.last_run
    return moment.astimezone(last_run.tzinfo) if isinstance(last_run, datetime) and last_run.tzinfo else moment


def _account(task: Judged) -> str:
    return task.task.principal.account if task.task else ""


def _program(task: Judged) -> str:
    actions = task.task.programs if task.task else ()
    programs = {working_program(action.command, action.arguments) for action in actions}
    return programs.pop() if len(programs) == 1 else ""


def _folder(task: Judged) -> str:
    return task.path.rpartition("\\")[0]
