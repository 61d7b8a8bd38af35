r"""The trends page: is it getting better or worse, and since when.

>>> page = Trends.read("data", days=90)
>>> page.answer.lines[0].partition(": ")[2]
'13 tasks are failing now, 11 a week ago, 1 four weeks ago.'
>>> page.worst.frame["task_path"].iloc[0]
'\\OpenData\\Transit\\Bus stops'
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import pandas as pd

from taskanalysis.report import trend_answers, trend_charts, trend_tables
from taskanalysis.report.charts import Chart, bars
from taskanalysis.report.columns import COLUMNS
from taskanalysis.report.display import Sentences, Table
from taskanalysis.report.files import save
from taskanalysis.report.page import table
from taskanalysis.report.window import Window

NONE_KNOWN = "None is known."


@dataclass(frozen=True, eq=False, repr=False)
class Trends(Window):
    """The last `days` before a snapshot as tables, sentences and figures; each is computed when first asked for."""

    title: ClassVar[str] = "Trends"
    no_cause: ClassVar[str] = "No cause is shared by three tasks or more that need attention."

    # Sentences --------------------------------------------------------------------------------------------------------

    @cached_property
    def answer(self) -> Sentences:
        """The short answer: better or worse, since when, and what stands out."""
        return Sentences([*trend_answers.trend_answer(self, self.causes), *self.assessment.unseen])

    @cached_property
    def coverage_answer(self) -> Sentences:
        """Which snapshots there are, and which times have none."""
        return Sentences(trend_answers.coverage_answer(self))

    @cached_property
    def runs_answer(self) -> Sentences:
        """How many runs were seen, and how they ended."""
        return Sentences(trend_answers.runs_answer(self))

    @cached_property
    def changes_answer(self) -> Sentences:
        """How many changes there were, and how many of them the page leaves out."""
        return Sentences(trend_answers.changes_answer(self, self.changes.frame))

    @cached_property
    def expected_answer(self) -> Sentences:
        """How many starts were expected, and how many of them were missed."""
        return Sentences(trend_answers.expected_answer(self))

    @cached_property
    def hours_answer(self) -> Sentences:
        """Which tasks the figure of hours leaves out, and how many durations are known."""
        _, left_out = self._by_hour
        return Sentences(trend_answers.hours_answer(left_out) + trend_answers.durations_answer(self))

    # Tables -----------------------------------------------------------------------------------------------------------

    @cached_property
    def weeks(self) -> Table:
        """The weeks of the window, the newest first."""
        rows = trend_tables.weeks(self)
        return table("weeks", rows, "Weeks, the newest first", empty="No week is known.")

    @cached_property
    def worst(self) -> Table:
        """Tasks with bad runs or missed starts, the worst first."""
        rows = trend_tables.worst(self)
        return table("worst", rows, "Tasks with bad runs or missed starts, the worst first", empty=NONE_KNOWN)

    @cached_property
    def changes(self) -> Table:
        """Changes of tasks and definitions, and turns of the outcome that lasted."""
        rows = trend_tables.changed(self).iloc[::-1]
        shown = ("at", "task_path", "kind", "before", "after", "what")
        return table("changes", rows, "Changes, the newest first", shown, "No change is known.")

    @cached_property
    def missed(self) -> Table:
        """Missed starts, the newest first."""
        return table("missed", trend_tables.missed(self), "Missed starts, the newest first", empty=NONE_KNOWN)

    @cached_property
    def expected(self) -> Table:
        """Tasks with expected starts."""
        return table("expected", trend_tables.expected(self), "Tasks with expected starts", empty=NONE_KNOWN)

    @cached_property
    def durations(self) -> Table:
        """How long tasks run, where the event log shows it."""
        return table("durations", trend_tables.durations(self), "Durations", empty="No duration is known.")

    # Figures ----------------------------------------------------------------------------------------------------------

    @cached_property
    def failing_figure(self) -> Chart:
        """Failing tasks at the end of each day."""
        return trend_charts.failing(self.by_day, self.gaps)

    @cached_property
    def coverage_figure(self) -> Chart:
        """Snapshots of each day."""
        return trend_charts.coverage(self.by_day, self.gaps)

    @cached_property
    def runs_figure(self) -> Chart:
        """Runs of each day by ending."""
        return trend_charts.endings(self.by_day, self.gaps)

    @cached_property
    def days_figure(self) -> Chart:
        """How each day of the worst tasks went."""
        grid = trend_tables.grid(self, self.worst.frame)
        return trend_charts.task_days(grid, self.worst.frame, self.gaps)

    @cached_property
    def worst_figure(self) -> Chart:
        """Good and bad runs of each day, of the worst tasks."""
        return trend_charts.multiples(trend_tables.panels(self, self.worst.frame), self.gaps)

    @cached_property
    def changes_figure(self) -> Chart:
        """When tasks changed."""
        days = pd.DatetimeIndex(self.by_day.index)
        return trend_charts.changes(self.changes.frame.iloc[::-1], days, self.gaps)

    @cached_property
    def expected_figure(self) -> Chart:
        """Expected starts by fate."""
        fates = trend_tables.fates(self)
        return bars(fates, "fate", "starts", title="What happened to the expected starts?", unit="start")

    @cached_property
    def hours_figure(self) -> Chart:
        """Runs by hour of the day."""
        by_hour, _ = self._by_hour
        return trend_charts.hours(by_hour)

    @cached_property
    def _by_hour(self) -> tuple[pd.DataFrame, list[str]]:
        return trend_tables.by_hour(self)

    # Files ------------------------------------------------------------------------------------------------------------

    def save(self, folder: str | Path) -> list[Path]:
        """Write ``runs.csv``, ``slots.csv`` and ``changes.csv`` of the window (`files.save`), in the server's zone."""
        frames = {"runs": self.runs, "slots": self.slots, "changes": self.all_changes} if folder else {}
        own = {name: frame[list(COLUMNS[name])] for name, frame in frames.items()}
        return save(self._cut | own, folder, self.zone)
