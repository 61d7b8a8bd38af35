r"""The trends page: is it getting better or worse, and since when.

>>> page = Trends.read("data", days=90)
>>> page.answer.title
'Worse since Mon 9 Nov'
>>> page.worst.frame["task_path"].iloc[0]
'\\OpenData\\Transit\\Bus stops'
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import pandas as pd

from taskanalysis.report import charts, trend_answers, trend_tables
from taskanalysis.report.charts import Chart
from taskanalysis.report.columns import COLUMNS
from taskanalysis.report.display import Answer, Html, Sentences, Table
from taskanalysis.report.files import save
from taskanalysis.report.page import NOT_ALL_SEEN
from taskanalysis.report.strips import day_signs, key, strips
from taskanalysis.report.window import Window

MOST_STRIPS = 100
"""Rows of the tables of tasks that did badly, or did what was expected; the files have all."""


@dataclass(frozen=True, eq=False, repr=False)
class Trends(Window):
    """The last `days` before a snapshot as tables, sentences and figures; each is computed when first asked for."""

    title: ClassVar[str] = "Trends"
    no_cause: ClassVar[str] = "No cause is shared by three tasks or more that need attention."

    # Sentences --------------------------------------------------------------------------------------------------------

    @cached_property
    def answer(self) -> Answer:
        """The short answer: better or worse, since when, and what stands out."""
        first, *others = trend_answers.trend_answer(self, self.causes)
        title, unseen = trend_answers.direction(self), self.assessment.unseen
        is_good = not (unseen or title.startswith(("Worse", "Not known")))
        title += f"; {NOT_ALL_SEEN}" if unseen else ""
        return Answer(title, first, unseen, others, self.look, points=trend_answers.points(self), is_good=is_good)

    @cached_property
    def key(self) -> Html:
        """What the blocks of the strips mean."""
        return Html(key() if len(self.worst.frame) else "")

    @cached_property
    def coverage_answer(self) -> Sentences:
        """Which snapshots there are, and which times have none."""
        return Sentences(trend_answers.coverage_answer(self), self.look)

    @cached_property
    def runs_answer(self) -> Sentences:
        """How many runs were seen, and how they ended."""
        return Sentences(trend_answers.runs_answer(self), self.look)

    @cached_property
    def changes_answer(self) -> Sentences:
        """How many changes there were, and how many of them the page leaves out."""
        return Sentences(trend_answers.changes_answer(self, self.changes.frame), self.look)

    @cached_property
    def expected_answer(self) -> Sentences:
        """How many starts were expected, and how many of them were missed."""
        return Sentences(trend_answers.expected_answer(self), self.look)

    @cached_property
    def hours_answer(self) -> Sentences:
        """Which tasks the figure of hours leaves out, and how many durations are known."""
        _, left_out = self._by_hour
        left_out = [] if self.unknown_runs else left_out
        return Sentences(trend_answers.hours_answer(left_out) + trend_answers.durations_answer(self), self.look)

    # Tables -----------------------------------------------------------------------------------------------------------

    @cached_property
    def weeks(self) -> Table:
        """The weeks of the window, the newest first."""
        rows = trend_tables.weeks(self)
        return self._table("weeks", rows, "Weeks, the newest first", empty="")

    @cached_property
    def worst(self) -> Table:
        """Tasks with bad runs or missed starts, the worst first, with a strip of the window's days."""
        rows = trend_tables.worst(self)
        caption = "Tasks with bad runs or missed starts, the worst first"
        made = self._table("worst", rows, caption, empty=self._no_bad_day)
        paths = rows["task_path"].head(MOST_STRIPS).tolist()
        days = strips(day_signs(self, paths))
        columns = ["task_path", "each_day", *(name for name in rows.columns if name != "task_path")]
        return replace(made, columns=columns, most=MOST_STRIPS, cells={"each_day": [days[path] for path in paths]})

    @property
    def _no_bad_day(self) -> str:
        """What is known where no task has a bad day."""
        endings, missed = self.unknown_endings, self.unknown_starts
        if endings:
            known = "" if missed else " No missed start is known."
            return f"Which runs failed is not known: {endings}.{known}"
        if missed:
            return f"No run that is known failed; which starts were missed is not known: {missed}."
        return "No task had a bad run or missed a start, as far as is known."

    @cached_property
    def changes(self) -> Table:
        """Changes of tasks and definitions, and turns of the outcome that lasted."""
        rows = trend_tables.changed(self).iloc[::-1]
        shown = ("at", "task_path", "kind", "before", "after", "what")
        nothing = "No change is known." if self.is_known else "Not known: a trend needs two snapshots."
        return self._table("changes", rows, "Changes, the newest first", shown, nothing)

    @cached_property
    def missed(self) -> Table:
        """Missed starts by cause, the newest first."""
        rows = trend_tables.missed_causes(self)
        nothing = "" if self.unknown_starts else "No missed start is known."
        return self._table("missed_causes", rows, "Missed starts by cause, the newest first", empty=nothing)

    @cached_property
    def expected(self) -> Table:
        """Tasks with expected starts."""
        nothing = "" if self.unknown_starts else "No expected start is known."
        made = self._table("expected", trend_tables.expected(self), "Tasks with expected starts", empty=nothing)
        return replace(made, most=MOST_STRIPS)

    @cached_property
    def durations(self) -> Table:
        """How long tasks run, where the event log shows it."""
        return self._table("durations", trend_tables.durations(self), "Durations", empty="No duration is known.")

    # Figures ----------------------------------------------------------------------------------------------------------

    @cached_property
    def failing_figure(self) -> Chart:
        """Failing tasks at the end of each day."""
        return charts.failing(self.by_day, self.gaps, self.unknown_endings)

    @cached_property
    def runs_figure(self) -> Chart:
        """Runs of each day by ending."""
        return charts.endings(self.by_day, self.gaps, self.unknown_endings)

    @cached_property
    def hours_figure(self) -> Chart:
        """Runs by hour of the day."""
        by_hour, _ = self._by_hour
        return charts.hours(by_hour, self.unknown_runs)

    @cached_property
    def _by_hour(self) -> tuple[pd.DataFrame, list[str]]:
        return trend_tables.by_hour(self)

    # Files ------------------------------------------------------------------------------------------------------------

    def save(self, folder: str | Path) -> list[Path]:
        """Write ``runs.csv``, ``slots.csv`` and ``changes.csv`` of the window (`files.save`), in the server's zone."""
        frames = {"runs": self.runs, "slots": self.slots, "changes": self.all_changes} if folder else {}
        own = {name: frame[list(COLUMNS[name])] for name, frame in frames.items()}
        return save(self._cut | own, folder, self.zone)
