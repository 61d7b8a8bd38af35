r"""The status page: what to do, what changed, and how each task stands.

>>> page = StatusPage.read("data", folder=r"\Backup")
>>> page.answer.title, page.answer.line
('Nothing to do: no task needs attention', 'None of 2 tasks needs attention: no need to worry. 2 OK.')
>>> len(page.tasks.frame), len(page.cases)
(2, 0)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from taskanalysis.health import NO_PAST, Case, Judged
from taskanalysis.report.cards import MOST_CARDS, cards
from taskanalysis.report.display import MOST_ROWS, Answer, Html, Table
from taskanalysis.report.files import save, save_status
from taskanalysis.report.page import change_rows, local
from taskanalysis.report.strips import day_signs, key, shares, strips
from taskanalysis.report.window import Window
from taskanalysis.results import BAD_OUTCOMES
from taskanalysis.snapshot import Snapshot
from taskanalysis.text import count, listed, mask

STRIP_DAYS = 30
MOST_CHANGES, MOST_FURTHER = 30, 50
_LOUD_FIRST = ("FAILING", "OVERDUE", "RUNNING LONG")


@dataclass(frozen=True, eq=False, repr=False)
class StatusPage(Window):
    """How each task of a snapshot stands, as tables and sentences; each is computed when it is first asked for."""

    days: int = STRIP_DAYS

    title: ClassVar[str] = "Status"

    @cached_property
    def answer(self) -> Answer:
        """The short answer: what there is to do, how many tasks need attention, and what could not be seen."""
        found = self.assessment
        order = sorted(found.counts.items(), key=lambda pair: pair[0] not in _LOUD_FIRST)
        counts = listed([f"{number} {verdict}" for verdict, number in order])
        line = " ".join([found.headline] * (found.headline != f"{found.title}.") + [f"{counts}."] * bool(counts))
        points = [f"{case.novelty} {case.title}".strip() for case in self.cases]
        return Answer(found.title, line, found.unseen, look=self.look, points=points, is_good=found.code == 0)

    @property
    def cases(self) -> list[Case]:
        """What there is to do."""
        return self.assessment.cases

    @cached_property
    def cards(self) -> Html:
        """What there is to do first, as cards."""
        return cards(self.cases, self.look, self._strip_of, self.snapshot.logs)

    @cached_property
    def further(self) -> Table:
        """What else there is to do, as rows."""
        rows = [_row(self.snapshot, task, case.title) for case in self.cases[MOST_CARDS:] for task in case.tasks]
        shown = ("task_path", "verdict", "reason", "advice", "since", "owner")
        return replace(self._table("status", rows, "Also to do", shown, "", "status.csv"), most=MOST_FURTHER)

    @cached_property
    def remarks(self) -> Answer | Html:
        """What recovered, what often fails though it is OK now, and what is not known by choice."""
        items = "".join(f"<li>{self.look.sentence(mask(line))}</li>" for line in self.assessment.remarks)
        html = f'<ul class="answer mathjax_ignore">{items}</ul>' if items else ""
        return Html(html, "\n".join(map(mask, self.assessment.remarks)))

    # Tables -----------------------------------------------------------------------------------------------------------

    @cached_property
    def tasks(self) -> Table:
        """All tasks that are not muted, those that need attention first."""
        cause = {path: cause.cause for cause in self.causes for path in cause.tasks}
        listed = self._in_order
        rows = (_row(self.snapshot, judged, cause.get(judged.path, "")) for judged in listed)
        columns = ("task_path", "verdict", "strip", "last_run", "next_run", "success_rate_30d", "owner")
        made = self._table("status", rows, "All tasks", columns, "No status was collected.")
        days = [self._strips.get(judged.path, "") for judged in listed[:MOST_ROWS]]
        return replace(made, cells={"strip": days}, chips=True)

    @cached_property
    def key(self) -> Html:
        """What the blocks of the strips mean."""
        return Html(key() if len(self.dates) else "")

    @cached_property
    def changes(self) -> Table:
        """What changed in the 24 hours before the snapshot; of turns of the outcome the last one of each task."""
        rows, nothing = [], "There is no snapshot before this one, so no change is known."
        if self.history and len(self.history.coverage) > 1:
            changes, nothing = self.history.changes, "Nothing changed in the 24 hours before the snapshot."
            if why := self.lacks("definitions", "status", "last_result"):
                nothing = f"No change is known of the 24 hours before the snapshot: {why}."
            new = changes[changes["at"] > pd.Timestamp(self.snapshot.taken_at - timedelta(days=1))]
            rows = change_rows(self.snapshot, _last_turns(new.iloc[::-1]), self.folder)
        shown = ("at", "task_path", "kind", "before", "after", "what")
        made = self._table("changes", rows, "Changes", shown, nothing, self._own_file("changes"))
        return replace(made, most=MOST_CHANGES)

    # Strips -----------------------------------------------------------------------------------------------------------

    @cached_property
    def _in_order(self) -> list[Judged]:
        shown = [judged for judged in self.judged if not judged.ignored]
        return sorted(shown, key=lambda judged: not judged.needs_attention)

    @cached_property
    def _signs(self) -> pd.DataFrame:
        return day_signs(self, [judged.path for judged in self._in_order[:MOST_ROWS]])

    @cached_property
    def _strips(self) -> dict[str, str]:
        return strips(self._signs)

    def _strip_of(self, case: Case) -> str:
        """The days of a task; of several, how many of them had a bad day."""
        paths = [task.path for task in case.tasks if task.path in self._signs.index]
        if len(case.tasks) == 1 or not paths or not len(self._signs.columns):
            return self._strips.get(case.first.path, "")
        bad = (~self._signs.loc[paths].isin(["", "·", "r", "?"])).sum()
        most = f"{bad.max()} of {count(len(paths), 'task')} at most on a day"
        return shares(bad.tolist(), len(paths), bad.index, f"Tasks with a bad day: {most}")

    # Files ------------------------------------------------------------------------------------------------------------

    @property
    def old_status(self) -> pd.DataFrame:
        """The tasks as ``task-status.csv`` has them: four old columns, those most asked for, then the others."""
        status = self.tasks.frame
        old = pd.DataFrame(
            {
                "name": status["task_path"].str.rpartition("\\")[2] if len(status) else [],
                "lastResult": [_OLD_WORDS.get(outcome, "Unknown") for outcome in status["outcome"]],
                "resultCode": status["code"],
                "timeStamp": status["next_run"],
            }
        )
        first = ["task_path", "verdict", "last_run", "meaning"]
        return pd.concat([old, status[first], status.drop(columns=first)], axis=1)

    def save(self, folder: str | Path, *, made_at: datetime | None = None) -> list[Path]:
        """Write ``status.csv``, ``task-status.csv`` and ``status.json`` (`files`); `made_at` is now where not given."""
        frames = {"status": self.tasks.frame, "incidents": self.incidents.frame, "problems": self.problems.frame}
        files = save(self._cut | {"status": self.tasks.frame, "task-status": self.old_status}, folder, self.known_zone)
        return files + save_status(self.assessment, frames, folder, made_at=made_at or datetime.now(UTC))


_OLD_WORDS = {"succeeded": "Working", "running": "Working"} | dict.fromkeys(BAD_OUTCOMES, "Broken")


def _last_turns(changes: pd.DataFrame) -> pd.DataFrame:
    """Changes, the newest first, without the earlier turns of the outcome of a task."""
    earlier = changes.duplicated(["task_path", "kind"]) & (changes["kind"] == "outcome")
    return changes[~earlier]


# Rows -----------------------------------------------------------------------------------------------------------------


def _row(snapshot: Snapshot, judged: Judged, incident: str) -> dict[str, Any]:
    result, status, rule, past = judged.result, judged.status, judged.due.rule, judged.past
    has_past = past is not NO_PAST
    return {
        "server": snapshot.server,
        "task_path": judged.path,
        "verdict": judged.verdict.value,
        "reason": judged.reason,
        "since": local(snapshot, judged.since),
        "outcome": result.outcome.value,
        "code": result.code,
        "hex": result.hex,
        "meaning": result.meaning,
        "advice": judged.advice,
        "certainty": result.certainty,
        "basis": result.basis,
        "state": status.state or "",
        "last_run": local(snapshot, status.last_run),
        "last_success": local(snapshot, past.last_success),
        "next_run": local(snapshot, status.next_run),
        "expected_next": local(snapshot, judged.due.next_start),
        "missed_runs": status.missed_runs,
        "incident": incident,
        "owner": rule.owner or "",
        "note": rule.note or "",
        "rule": judged.rule,
        "consecutive_failures": past.failures if has_past else None,
        "runs_7d": past.week.runs if has_past else None,
        "success_rate_7d": past.week.success,
        "runs_30d": past.month.runs if has_past else None,
        "success_rate_30d": past.month.success,
        "flapping": past.flapping if has_past else None,
    }
