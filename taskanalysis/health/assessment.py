r"""How one server stands by one snapshot: what needs attention, and all that could not be judged, read or seen.

Pages, index, ``summary.txt``, ``check`` and the exit codes take their numbers from here, so that none of them is calm
where another is not. Authority: rules of our own (``docs/verdicts.md``).

>>> from datetime import UTC
>>> from taskanalysis.snapshot import Status
>>> ready = Status("\\A", state="Ready", enabled=True, last_result=0)
>>> assessment = assess(Snapshot("S", datetime(2026, 11, 23, tzinfo=UTC), statuses={"\\A": ready}))
>>> assessment.headline, assessment.code
('Not known: 1 task could not be judged.', 3)
>>> assessment.unseen
['1 task: not judged, because no definitions were collected: \\A.', 'No: no definitions were collected.']
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from taskanalysis.errors import Problem
from taskanalysis.health.age import CALM, dated, late_names
from taskanalysis.health.backup import MOST_NAMED, Backup, find_backup
from taskanalysis.health.cases import Case, find_cases
from taskanalysis.health.incidents import Incident, find_incidents
from taskanalysis.health.rules import NO_RULES, Rules
from taskanalysis.health.unseen import Doubt, find_unseen
from taskanalysis.health.verdicts import OUTSIDE, Judged, Verdict, judge
from taskanalysis.history import History
from taskanalysis.snapshot import Snapshot, in_scope, stale_after
from taskanalysis.text import count, listed, needs_attention

MOST_SERVERS = 10
NO_STATUS = "no status was collected"
ATTENTION, BLIND = 1, 3
_NUMBER = re.compile("[0-9]+")


@dataclass(frozen=True, eq=False)
class Assessment:
    r"""The verdicts on the tasks of a snapshot in `folder` and below ("": all outside ``\Microsoft``).

    `judged` has muted tasks too. `now` is the moment at which age is judged (aware; None: age is not judged here).
    `no_rules` is why the rules of the office are not applied; "" where they are.
    """

    snapshot: Snapshot
    judged: list[Judged]
    folder: str = ""
    history: History | None = None
    now: datetime | None = None
    no_rules: str = ""

    @cached_property
    def shown(self) -> list[Judged]:
        """The tasks that are not muted."""
        return [task for task in self.judged if not task.ignored]

    @cached_property
    def loud(self) -> list[Judged]:
        """The tasks that need attention."""
        return [task for task in self.shown if task.needs_attention]

    @cached_property
    def causes(self) -> list[Incident]:
        """The causes that several tasks share."""
        return find_incidents(self.judged, self.history)

    @cached_property
    def cases(self) -> list[Case]:
        """What there is to do, the most tasks mended by one step first."""
        return find_cases(self.loud, self.causes)

    @cached_property
    def counts(self) -> dict[str, int]:
        """The number of tasks with each verdict that occurs, in the order of `Verdict`."""
        verdicts = [task.verdict for task in self.shown]
        return {verdict.value: verdicts.count(verdict) for verdict in Verdict if verdict in verdicts}

    @cached_property
    def title(self) -> str:
        """What there is to do, in one line without a full stop; calm only where `headline` is.

        >>> from datetime import UTC
        >>> assess(Snapshot("S", datetime(2026, 11, 23, tzinfo=UTC))).title
        'Not known: no status was collected'
        """
        if not self.shown:
            return f"Not known: {'no task is judged' if self.snapshot.statuses else 'no status was collected'}"
        unread = self.unread_runs.removesuffix(".")
        if not self.cases:
            calm = "Nothing to do: no task needs attention" if self._is_calm else self.headline.removesuffix(".")
            return unread or calm
        new = [case.novelty for case in self.cases if case.novelty]
        lately = f", {len(new)} since yesterday" if new else ""
        first = f"{count(len(self.cases), 'thing')} to do{lately}"
        if unread:
            return f"{unread}; {first}"
        return f"{first}; not everything could be seen" if self.unseen else first

    @cached_property
    def headline(self) -> str:
        """How many tasks need attention, and whether there is nothing to worry about."""
        if not self.shown:
            return "No task is judged." if self.snapshot.statuses else "No status was collected."
        if self.unread_runs:
            known = f" {needs_attention(len(self.loud), len(self.shown))} by what is known."
            return f"{self.unread_runs}{known if self.is_known else ''}"
        unjudged = sum(map(len, self.not_judged.values()))
        if not self.is_known:
            could = f"none of {unjudged:,} tasks could" if unjudged > 1 else "1 task could not"
            return f"Not known: {could} be judged."
        first = needs_attention(len(self.loud), self.known)
        if unjudged:
            return f"{first}; {count(unjudged, 'other')} could not be judged."
        if self.unseen:
            return f"{first}; not everything could be seen."
        return f"{first}{CALM if self._is_calm else self._uncounted}."

    @cached_property
    def known(self) -> int:
        """The number of tasks that are not muted and could be judged."""
        unjudged = {path for paths in self.not_judged.values() for path in paths}
        return sum(task.needs_attention or task.path not in unjudged for task in self.shown)

    @cached_property
    def is_known(self) -> bool:
        """Whether all or an enabled task could be judged, so that a number of those that need attention says something.

        That a task is disabled says nothing of others.
        """
        off = sum(task.verdict is Verdict.DISABLED for task in self.shown)
        return self.known > (off if self.not_judged else 0)

    @property
    def _uncounted(self) -> str:
        number = len(self.snapshot.others)
        return f"; {count(number, 'other server')} {'are' if number > 1 else 'is'} not counted here" if number else ""

    @property
    def _is_calm(self) -> bool:
        return not (self.loud or self.unseen or self.problems or self.outside or self.snapshot.others)

    @cached_property
    def unread_runs(self) -> str:
        """A sentence where most last runs are not known though the source has them; "" where they are."""
        if "last_run" not in self.snapshot.holds:
            return ""
        unknown = [task for task in self.shown if task.status.last_run is None and not task.status.never_ran]
        if 2 * len(unknown) <= len(self.shown):
            return ""
        return f"The last run of {len(unknown):,} of {count(len(self.shown), 'task')} could not be read."

    # What is not known --------------------------------------------------------------------------------------------

    @cached_property
    def not_judged(self) -> dict[str, list[str]]:
        """The task paths that could not be judged, by the reason as the end of a sentence."""
        found = {why: paths for why, paths in self._by_doubt.items() if why != OUTSIDE}
        if not self.snapshot.statuses:
            hidden = {task.path for task in self.judged}
            paths = [path for path in self.snapshot.within(self.folder) if path not in hidden]
            return found | ({NO_STATUS: paths} if paths else {})
        if "definitions" in self.snapshot.holds:
            without = self.snapshot.tasks.keys() - self.snapshot.statuses.keys()
            without -= {task.path for task in self.judged}  # hidden ones
            paths = [path for path in sorted(without) if in_scope(path, [self.folder] if self.folder else [])]
            found |= {"there is no status": paths} if paths else {}
        return found

    @cached_property
    def outside(self) -> list[str]:
        """Tasks whose definitions are not collected by choice: their missed starts can't be seen."""
        return self._by_doubt.get(OUTSIDE, [])

    @cached_property
    def _by_doubt(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for task in self.shown:
            if task.doubt and (why := task.not_judged):
                found.setdefault(why, []).append(task.path)
        return found

    @cached_property
    def backup(self) -> Backup:
        """The stored definitions."""
        return find_backup(self.snapshot, self.folder, self.history)

    @cached_property
    def stale_after(self) -> datetime:
        """When a newer snapshot should exist (aware UTC)."""
        return stale_after(self.snapshot)

    @property
    def late(self) -> list[str]:
        """What is too old at `now`: keys of `age.STALE`."""
        due = {"snapshot": self.stale_after, "backup": self.backup.stale_after}
        return late_names(due, self.now) if self.now else []

    @cached_property
    def problems(self) -> list[Problem]:
        """What could not be read of the snapshot and of the history, each once."""
        return list(dict.fromkeys([*self.snapshot.problems, *(self.history.problems if self.history else ())]))

    @cached_property
    def unread_past(self) -> list[Problem]:
        """The problems of the history that leave a part of the past unknown, without those of the snapshot itself."""
        place = f"{self.snapshot.server}/{self.snapshot.source.name}/"
        found = self.history.unread if self.history else []
        known = self.snapshot.problems
        return [problem for problem in found if problem not in known and not problem.file.startswith(place)]

    @cached_property
    def unseen(self) -> list[str]:
        """All that could not be judged, read or seen, as sentences: with any of them, nobody may call it well."""
        return [doubt.sentence for doubt in self.doubts]

    @cached_property
    def doubts(self) -> list[Doubt]:
        """The sentences of `unseen`, each with what it is about."""
        doubts = [
            Doubt(about, sentence)
            for about, sentence in (("runs", self.unread_runs), ("rules", self.no_rules))
            if sentence
        ]
        doubts += [
            Doubt(
                _NUMBER.sub("#", why),
                f"{count(len(paths), 'task')}: not judged, because {why}: {listed(paths, most=MOST_NAMED)}.",
            )
            for why, paths in self.not_judged.items()
            if why != NO_STATUS
        ]
        if not self.snapshot.statuses:
            doubts.append(Doubt("statuses", "It is not known how the tasks run: no status was collected."))
        doubts += find_unseen(self.snapshot, self.folder, self.history)
        backup = self.backup
        if backup.missing or backup.read_at is None:
            doubts.append(Doubt("backup", backup.named))
        if older := len(self.unread_past):
            doubts.append(Doubt("history", f"Part of the past is not known: {count(older, 'problem')} in the history."))
        if "snapshot" in self.late:
            due = self.local(self.stale_after)
            doubts.append(Doubt("stale snapshot", f"The snapshot is stale: another was due by {due}."))
        if "backup" in self.late and backup.read_at:
            read_at = self.local(backup.read_at)
            doubts.append(Doubt("stale backup", f"The backup is stale: its definitions are of {read_at}."))
        return doubts

    @cached_property
    def remarks(self) -> list[str]:
        """What is not known by choice or of the past, as sentences: no reason for an alarm, nor to be calm."""
        remarks = []
        recovered = [task.path for task in self.shown if task.has_recovered]
        if recovered:
            remarks.append(f"Recovered in the last 24 hours: {listed(recovered, most=MOST_NAMED)}.")
        often = [
            f"{task.path} ({round(100 * (task.past.month.success or 0))} % good)"
            for task in self.shown
            if task.often_fails
        ]
        if often:
            remarks.append(f"OK now, often failing: {listed(often, most=MOST_NAMED)}.")
        if self.outside:
            named = listed(self.outside, most=MOST_NAMED)
            remarks.append(
                f"{count(len(self.outside), 'task')}: missed starts are not seen, because {OUTSIDE}: {named}."
            )
        known = {*self.snapshot.problems, *(self.history.unread if self.history else ())}
        if mended := sum(problem not in known for problem in self.problems):
            remarks.append(f"{count(mended, 'problem')} in the history, with nothing lost.")
        muted = len(self.judged) - len(self.shown)
        if muted:
            remarks.append(f"{count(muted, 'task')} muted by rules.toml: counted, not listed.")
        return remarks + self.others

    @property
    def others(self) -> list[str]:
        """A sentence on the other servers of the share, which this assessment says nothing of; none where all are."""
        others = self.snapshot.others
        number, named = count(len(others), "other server"), listed([*others], most=MOST_SERVERS)
        return [f"{number} of this share not judged here: {named} (--all-servers judges all)."] if others else []

    @property
    def code(self) -> int:
        """The exit code: 3 where something is unseen, 1 where a task needs attention, else 0."""
        return BLIND if self.unseen else ATTENTION if self.loud else 0

    @property
    def where(self) -> str:
        """Server and time of the snapshot."""
        return f"{self.snapshot.server or 'unnamed server'}, {self.local(self.snapshot.taken_at)}"

    def local(self, moment: datetime) -> str:
        """A moment in the server's zone."""
        zone = self.snapshot.local_time.tzinfo
        return f"{moment.astimezone(zone):%Y-%m-%d %H:%M} ({self.snapshot.zone or 'UTC'})"

    @cached_property
    def _advice(self) -> dict[str, str]:
        return {task.path: task.advice for task in self.loud}

    def _line(self, task: Judged) -> str:
        """A task that needs attention: verdict, since when, why, what to do, whom to ask."""
        new = f" ({task.novelty})" if task.novelty else ""
        began = task.since
        if began and began.tzinfo:
            began = began.astimezone(self.snapshot.local_time.tzinfo)
        since = f" since {began:%Y-%m-%d %H:%M}" if began else ""
        rule = task.due.rule
        parts = [
            f"{task.verdict.value}{new}{since} {task.path}: {task.reason}",
            f"Next: {self._advice[task.path]}",
            f"Owner: {rule.owner}." if rule.owner else "",
            f"Note: {rule.note}" if rule.note else "",
        ]
        return " ".join(filter(None, parts))

    @cached_property
    def task_lines(self) -> list[str]:
        """A line for each case: for an incident or a group with all its tasks."""
        return [self._line(case.first) if len(case.tasks) == 1 else self._shared_line(case) for case in self.cases]

    def _shared_line(self, case: Case) -> str:
        paths = listed([task.path for task in case.tasks])
        kind, what = ("INCIDENT", case.incident.cause) if case.incident else (case.verdict.value, f"{case.title}.")
        return f"{kind} {what} Next: {case.advice} It is shared by {paths}."

    def lines(self) -> list[str]:
        """The assessment as text, the first line fit for the subject of a mail."""
        lines = [f"{self.where}: {self.headline}", *self.task_lines]
        lines += self.unseen + self.remarks
        return lines + [f"PROBLEM {problem.file}: {problem.what}" for problem in self.problems]

    @property
    def subject(self) -> str:
        """The first line of ``summary.txt``: how the tasks stood when they were read, and what is too old at `now`."""
        return dated(f"{self.where}: {replace(self, now=None).headline}", self.late)


def assess(
    snapshot: Snapshot,
    rules: Rules = NO_RULES,
    folder: str = "",
    history: History | None = None,
    now: datetime | None = None,
) -> Assessment:
    """Judge the tasks of a snapshot; the parameters are those of `judge` and of `Assessment`."""
    judged = judge(snapshot, rules, folder, history)
    return Assessment(snapshot, judged, folder, history, now, rules.problem)
