r"""Incidents: tasks that need attention for one shared cause, so that mending one thing mends them all.

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

from taskanalysis.definition import ExecAction
from taskanalysis.health.due import Missed
from taskanalysis.health.past import blind_times
from taskanalysis.health.verdicts import Judged, Verdict
from taskanalysis.history import History
from taskanalysis.text import count, working_program

__all__ = ["Incident", "find_incidents"]

LEAST_TASKS = 3
_EVER = datetime.min.replace(tzinfo=UTC)
_FAR = datetime.max.replace(tzinfo=UTC)


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


def find_incidents(judged: Iterable[Judged], history: History | None = None) -> list[Incident]:
    """Groups of at least three tasks that need attention for one shared cause; a task is in one of them.

    Failing tasks share a code of Windows, and their account, else their program, else their folder; and, where their
    past is known, a moment between the last good run and the first bad one of each. That programs give the same exit
    code of their own is no shared cause. Overdue tasks share that Windows counts starts which they missed, or that all
    they missed lies in one time without snapshots: the server was off.
    """
    blind = blind_times(history) if history else []
    loud = [each for each in judged if each.needs_attention]
    overdue = [each for each in loud if each.verdict is Verdict.OVERDUE]
    incidents = _server_off([each for each in overdue if each.status.missed_runs or _fell_into(each.missed, blind)])
    left = [each for each in loud if each.verdict is Verdict.FAILING and _is_of_windows(each)]
    for kind, common in (("account", _account), ("program", _program), ("folder", _folder)):
        groups: dict[tuple[int | None, str], list[Judged]] = defaultdict(list)
        for each in left:
            if common(each):
                groups[each.result.code, common(each)].append(each)
        for group in groups.values():
            at_once = _at_once(group)
            if len(at_once) >= LEAST_TASKS:
                incidents.append(_incident(at_once, kind, common(at_once[0])))
                left = [each for each in left if each not in at_once]
    return sorted(incidents, key=lambda incident: (-len(incident.tasks), incident.cause))


def _at_once(group: Sequence[Judged]) -> list[Judged]:
    """The most tasks of a group that may have begun to fail at one moment, between a good run and the first bad one."""
    spans = [
        (each.past.last_success or _EVER, each.past.failing_since or each.past.refused_since or _FAR) for each in group
    ]
    moments = {first_bad for _, first_bad in spans}
    chosen: list[Judged] = []
    for moment in sorted(moments):
        those = [each for each, (good, bad) in zip(group, spans, strict=True) if good < moment <= bad]
        chosen = max(chosen, those, key=len)
    return chosen


def _incident(group: list[Judged], kind: str, common: str) -> Incident:
    first = group[0].result
    said = {"account": f"all as {common}", "program": f"all by {common}", "folder": f"all in {common}"}[kind]
    known = [each.since for each in group if each.since]
    since = min(known) if known else None
    begun = f" since {_local(since, group[0]):%Y-%m-%d %H:%M}" if since else ""
    cause = f"{count(len(group), 'task')}{begun}, {said}, {first.hex}: {first.meaning}"
    paths = tuple(each.path for each in group)
    return Incident(cause, paths, since, first.code, **{kind: common})


def _server_off(overdue: Sequence[Judged]) -> list[Incident]:
    if len(overdue) < LEAST_TASKS:
        return []
    since = min(each.since for each in overdue if each.since)
    numbers = (each.status.missed_runs or (each.missed.number if each.missed else 0) for each in overdue)
    starts = count(sum(numbers), "start")
    cause = f"{count(len(overdue), 'task')}, {starts} missed since {since:%Y-%m-%d %H:%M}: the server was off."
    return [Incident(cause, tuple(each.path for each in overdue), since, None)]


def _fell_into(missed: Missed | None, blind: Collection[tuple[datetime, datetime]]) -> bool:
    return missed is not None and any(begin < missed.first and missed.last <= end for begin, end in blind)


def _local(moment: datetime, judged: Judged) -> datetime:
    """A moment in the zone of the task's own times."""
    last_run = judged.status.last_run
    return moment.astimezone(last_run.tzinfo) if isinstance(last_run, datetime) and last_run.tzinfo else moment


def _is_of_windows(judged: Judged) -> bool:
    return judged.result.basis in ("scheduler", "win32", "hresult", "ntstatus")


def _account(judged: Judged) -> str:
    return judged.task.principal.account if judged.task else ""


def _program(judged: Judged) -> str:
    actions = judged.task.actions if judged.task else ()
    programs = {
        working_program(action.command, action.arguments) for action in actions if isinstance(action, ExecAction)
    }
    return programs.pop() if len(programs) == 1 else ""


def _folder(judged: Judged) -> str:
    return judged.path.rpartition("\\")[0]
