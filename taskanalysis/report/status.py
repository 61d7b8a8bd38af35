r"""The status page: what needs attention, how each task stands, and what to do next.

>>> page = StatusPage.read("data", folder=r"\Backup")
>>> page.answer.lines
['None of 2 tasks needs attention: no need to worry.', 'Summary: 2 OK.']
>>> len(page.tasks.frame), len(page.failing.frame)
(2, 0)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from taskanalysis.health import NO_PAST, Judged, Verdict
from taskanalysis.report.display import Sentences, Table
from taskanalysis.report.files import save, save_status
from taskanalysis.report.page import MOST_NAMED, JudgedPage, change_rows, local, table
from taskanalysis.results import BAD_OUTCOMES
from taskanalysis.snapshot import Snapshot
from taskanalysis.text import count, listed


@dataclass(frozen=True, eq=False, repr=False)
class StatusPage(JudgedPage):
    """How each task of a snapshot stands, as tables and sentences; each is computed when it is first asked for."""

    title: ClassVar[str] = "Status"

    @cached_property
    def answer(self) -> Sentences:
        """The short answer: how many tasks need attention, which first, and what could not be seen."""
        found = self.assessment
        together = {path for cause in self.causes for path in cause.tasks}
        alone = [judged for judged in found.loud if judged.path not in together]
        lines = [found.headline, *(f"One cause: {cause.cause}" for cause in self.causes)]
        lines += [_headline(judged) for judged in alone[:MOST_NAMED]]
        if len(alone) > MOST_NAMED:
            lines.append(f"And {count(len(alone) - MOST_NAMED, 'more task')}, listed below.")
        summary = listed([f"{number} {verdict}" for verdict, number in found.counts.items()])
        summaries = [f"Summary: {summary}."] if summary else []
        return Sentences([*lines, *found.unseen, *summaries, *found.remarks])

    # Tables -----------------------------------------------------------------------------------------------------------

    @cached_property
    def tasks(self) -> Table:
        """All tasks that are not muted, those that need attention first."""
        cause = {path: cause.cause for cause in self.causes for path in cause.tasks}
        shown = sorted(
            (judged for judged in self.judged if not judged.ignored), key=lambda row: not row.needs_attention
        )
        rows = (_row(self.snapshot, judged, cause.get(judged.path, "")) for judged in shown)
        columns = (
            "task_path",
            "verdict",
            "reason",
            "since",
            "last_run",
            "success_rate_30d",
            "next_run",
            "owner",
            "rule",
        )
        return table("status", rows, "All tasks", columns, "No status was collected.")

    @cached_property
    def changes(self) -> Table:
        """What changed in the 24 hours before the snapshot."""
        rows, nothing = [], "There is no snapshot before this one."
        if self.history and len(self.history.coverage) > 1:
            changes, nothing = self.history.changes, "Nothing changed."
            new = changes[changes["at"] > pd.Timestamp(self.snapshot.taken_at - timedelta(days=1))]
            rows = change_rows(self.snapshot, new.iloc[::-1], self.folder)
        shown = ("at", "task_path", "kind", "before", "after", "what")
        return table("changes", rows, "Changes", shown, nothing, self._own_file("changes"))

    @cached_property
    def failing(self) -> Table:
        """Failing tasks."""
        shown = ("task_path", "meaning", "advice", "hex", "since", "consecutive_failures", "success_rate_30d")
        return self._with("Failing tasks", (*shown, "owner", "note"), "No task is failing.", Verdict.FAILING)

    @cached_property
    def overdue(self) -> Table:
        """Tasks that are overdue or never ran."""
        shown = ("task_path", "verdict", "reason", "since", "expected_next", "missed_runs", "owner", "note")
        nothing = "No task is known to be overdue, or never to have run."
        return self._with("Overdue or never ran", shown, nothing, Verdict.OVERDUE, Verdict.NEVER_RAN)

    @cached_property
    def running(self) -> Table:
        """Running tasks."""
        shown = ("task_path", "verdict", "reason", "last_run", "owner", "note", "rule")
        return self._with("Running", shown, "No task is running.", Verdict.RUNNING_LONG, Verdict.RUNNING)

    @cached_property
    def disabled(self) -> Table:
        """Disabled tasks."""
        return self._with("Disabled", _QUIET, "No task is disabled.", Verdict.DISABLED)

    @cached_property
    def unknown(self) -> Table:
        """Tasks whose result is not known."""
        return self._with("Unknown", _QUIET, "No result is unclear.", Verdict.UNKNOWN)

    def _with(self, caption: str, shown: tuple[str, ...], nothing: str, *verdicts: Verdict) -> Table:
        frame = self.tasks.frame
        return table(
            "status", frame[frame["verdict"].isin([verdict.value for verdict in verdicts])], caption, shown, nothing
        )

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
        files = save(self._cut | {"status": self.tasks.frame, "task-status": self.old_status}, folder)
        return files + save_status(self.assessment, frames, folder, made_at=made_at or datetime.now(UTC))


def _headline(judged: Judged) -> str:
    new = f" ({judged.novelty})" if judged.novelty else ""
    return f"{judged.verdict.value}{new}: {judged.path}. {judged.reason}"


_QUIET = ("task_path", "reason", "since", "last_run", "owner", "note")
_OLD_WORDS = {"succeeded": "Working", "running": "Working"} | dict.fromkeys(BAD_OUTCOMES, "Broken")


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
