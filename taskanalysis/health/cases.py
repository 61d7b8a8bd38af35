r"""Cases: the tasks that need attention, grouped by what one step mends, in the order in which to take them.

An incident is a case; so are three tasks or more that are overdue, unknown or hidden for one reason; each other task is
a case of its own. Authority: rules of our own (``docs/verdicts.md``).

>>> from taskanalysis.health import find_incidents, judge, known_history
>>> from taskanalysis.snapshot import read_snapshot
>>> snapshot = read_snapshot("data")
>>> history = known_history(snapshot)
>>> judged = judge(snapshot, history=history)
>>> [case.title for case in find_cases(judged, find_incidents(judged, history))][:2]
['9 tasks cannot log on as TOWN\\opendata', '\\OpenData\\Transit\\Bus stops']
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from taskanalysis.health.incidents import LEAST_TASKS, Incident
from taskanalysis.health.verdicts import Judged, Verdict
from taskanalysis.text import count

LOGON_FAILED = {0x80070000 + code for code in (1326, 1327, 1328, 1330, 1331, 1385, 1907, 1909)}
"""HRESULTs of a logon that Windows refused: [MS-ERREF] 2.2, ERROR_LOGON_FAILURE to ERROR_ACCOUNT_LOCKED_OUT."""


@dataclass(frozen=True, eq=False)
class Case:
    """What one step mends: the tasks, the incident that they share where there is one."""

    tasks: Sequence[Judged]
    incident: Incident | None = None

    @property
    def first(self) -> Judged:
        """The task whose verdict, result and advice stand for all."""
        return self.tasks[0]

    @property
    def verdict(self) -> Verdict:
        """The verdict of all."""
        return self.first.verdict

    @property
    def is_about_logon(self) -> bool:
        """Whether Windows refused to log the account on."""
        return self.verdict is Verdict.FAILING and self.first.result.code in LOGON_FAILED

    @cached_property
    def title(self) -> str:
        """What is wrong with several tasks; of one its path."""
        if len(self.tasks) == 1:
            return self.first.path
        tasks, result = count(len(self.tasks), "task"), self.first.result
        if self.incident and self.incident.account and self.is_about_logon:
            return f"{tasks} cannot log on as {self.incident.account}"
        if self.first.hidden_since:
            return f"{tasks} are hidden from the collector"
        if self.verdict is Verdict.FAILING:
            shared = self.incident and (self.incident.account or self.incident.program or self.incident.folder)
            return f"{tasks} fail with {result.hex}" + f", all of {shared}" * bool(shared)
        if self.verdict is Verdict.OVERDUE:
            return f"{tasks} {'were not started while the server was off' if self.incident else 'are overdue'}"
        unknown = f"{tasks} ended with {result.code}, which is not known"
        return unknown if self.first.rule == "unknown code" else f"Windows plans no further start of {tasks}"

    @cached_property
    def why(self) -> str:
        """The reason, as sentences."""
        if len(self.tasks) == 1:
            return self.first.reason
        if self.verdict is Verdict.FAILING:
            failures = sum(task.past.failures for task in self.tasks)
            runs = f" {count(failures, 'run')} failed since." if failures else ""
            return f"{self.first.result.meaning}{runs}"
        if self.incident:
            return self.incident.cause
        return f"{self.first.path}, for one: {self.first.reason}"

    @property
    def advice(self) -> str:
        """What to do first."""
        if self.incident and self.incident.account and self.is_about_logon:
            return f"Enter the new password of {self.incident.account} in these {count(len(self.tasks), 'task')}."
        return self.first.advice

    @cached_property
    def since(self) -> datetime | None:
        """When it began; None where that is not known."""
        return min((task.since for task in self.tasks if task.since), key=_moment, default=None)

    @cached_property
    def novelty(self) -> str:
        """NEW, AGAIN, or "" (`Judged.novelty`): what it is for all its tasks, so that old news stays old."""
        words = {task.novelty for task in self.tasks}
        return words.pop() if len(words) == 1 else ("" if "" in words else "AGAIN")

    @property
    def owners(self) -> list[str]:
        """Whom to ask."""
        return sorted({task.due.rule.owner for task in self.tasks if task.due.rule.owner})

    @property
    def notes(self) -> list[str]:
        """What the office notes on them."""
        return sorted({task.due.rule.note for task in self.tasks if task.due.rule.note})


def find_cases(loud: Sequence[Judged], incidents: Sequence[Incident]) -> list[Case]:
    """The cases of the tasks that need attention, those first that mend most tasks, then those of the last day."""
    by_path = {task.path: task for task in loud if task.needs_attention}
    cases = [Case([by_path[path] for path in incident.tasks], incident) for incident in incidents]
    together = {path for incident in incidents for path in incident.tasks}
    groups: dict[object, list[Judged]] = defaultdict(list)
    for task in by_path.values():
        if task.path not in together:
            groups[_shared(task)].append(task)
    for tasks in groups.values():
        cases += [Case(tasks)] if len(tasks) >= LEAST_TASKS else [Case([task]) for task in tasks]
    order = list(Verdict)
    return sorted(
        cases,
        key=lambda case: (
            -len(case.tasks),
            not case.novelty,
            order.index(case.verdict),
            -_moment(case.since).timestamp() if case.since else 0,
            case.title.casefold(),
        ),
    )


def _shared(task: Judged) -> object:
    """What tasks have in common that one step mends; the task itself where that is nothing."""
    if task.hidden_since:
        return "hidden", task.hidden_since, task.verdict
    if task.verdict is Verdict.OVERDUE:
        return task.verdict, task.advice, task.due.doubt
    if task.verdict is Verdict.UNKNOWN:
        return task.rule, task.result.code if task.rule == "unknown code" else None
    return task.path


def _moment(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
