r"""Figures over time: what each day of a server looked like, drawn so that what is not known is a gap and never a zero.

The frames are those of `trends` and `trendtables`: a row a day, under its local midnight; `gaps` are the blind times.
Figures of single tasks are in `taskcharts`.

>>> days = pd.DataFrame({"failing": [1, 3], "blind": False}, index=pd.date_range("2026-11-22", periods=2))
>>> failing(days, []).alt.partition("? ")[2]
'1 on 2026-11-22, 3 on 2026-11-23; most: 3 on 2026-11-23.'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taskanalysis.report.axis import (
    COLOURS,
    DAY,
    PAPER,
    WIDTH,
    Gaps,
    blind_words,
    blocks,
    count_axis,
    date_words,
    distances,
    most_words,
    nothing,
    short_names,
    stack,
    time_axis,
)
from taskanalysis.report.charts import BAR, INK, Chart, draw
from taskanalysis.results import BAD_OUTCOMES
from taskanalysis.text import clip, count, listed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["changes", "coverage", "endings", "failing", "hours"]


def failing(days: pd.DataFrame, gaps: Gaps) -> Chart:
    """How many tasks were failing at the end of each day: the columns `failing` and `blind`."""
    title = "How many tasks were failing at the end of each day?"
    if days.empty:
        return nothing(title)
    known = days[~days["blind"]]
    numbers = known["failing"]

    def paint(axes: Axes) -> None:
        time_axis(axes, days.index, gaps)
        blocks(axes, distances(known.index, days.index), 0, numbers.to_numpy(), COLOURS["failed"], width=1.0)
        count_axis(axes, int(numbers.max()))
        axes.text(len(days) + 0.4, int(numbers.iloc[-1]), f"{numbers.iloc[-1]:,}", va="center", weight="bold")

    ends = f"{numbers.iloc[0]:,} on {date_words(known.index[0])}, {numbers.iloc[-1]:,} on {date_words(known.index[-1])}"
    alt = f"Area chart. {title} {ends}; {most_words(numbers)}.{blind_words(days)}"
    return Chart(draw(paint, height=1.7, width=WIDTH), title, alt)


def coverage(days: pd.DataFrame, gaps: Gaps) -> Chart:
    """How many snapshots there are of each day: the columns `snapshots` and `blind`; blind times are gaps."""
    title = "How many snapshots are there of each day?"
    if days.empty:
        return nothing(title)
    known = days[~days["blind"]]

    def paint(axes: Axes) -> None:
        time_axis(axes, days.index, gaps)
        blocks(axes, distances(known.index, days.index), 0, known["snapshots"].to_numpy(), BAR)
        count_axis(axes, int(days["snapshots"].max()))

    usual = int(known["snapshots"].median())
    alt = f"Bar chart. {title} {usual:,} on most of {count(len(days), 'day')}.{blind_words(days)}"
    return Chart(draw(paint, height=1.4, width=WIDTH), title, alt)


def endings(days: pd.DataFrame, gaps: Gaps) -> Chart:
    """How the runs of each day ended, stacked: a column each (`COLOURS`), and `blind`; blind days are gaps."""
    title = "How did the runs that were seen end, day by day?"
    if days.empty:
        return nothing(title)
    known = days[~days["blind"]]

    def paint(axes: Axes) -> None:
        time_axis(axes, days.index, gaps)
        stack(axes, distances(known.index, days.index), known)

    bad = known[list(BAD_OUTCOMES)].sum(axis=1)
    said = [f"{name} {int(known[name].sum()):,}" for name in reversed(COLOURS) if known[name].any()]
    most = f"Failed, stopped or not started: {most_words(bad)}."
    alt = f"Stacked bars. {title} {'; '.join(said)}. {most}{blind_words(days)}"
    return Chart(draw(paint, height=2.5, width=WIDTH), title, alt)


def hours(by_hour: pd.DataFrame) -> Chart:
    """Into which hours of the day (index 0..23) the runs' starts fell, stacked by ending."""
    title = "Into which hours did the starts fall?"
    totals = by_hour[list(COLOURS)].sum(axis=1)
    if not totals.any():
        return Chart(b"", title, f"{title} No start is known.")

    def paint(axes: Axes) -> None:
        stack(axes, by_hour.index.to_numpy(dtype=float), by_hour)
        axes.set_xticks(np.arange(0, 24, 3) + 0.5, [f"{hour:02}:00" for hour in range(0, 24, 3)])
        axes.set_xlim(0, 24)

    most = [f"{hour:02}:00 {count(int(number), 'start')}" for hour, number in totals.nlargest(3).items()]
    empty = [f"{hour:02}:00" for hour in totals.index[totals == 0]]
    without = f" None in the hours from {listed(empty)}." if empty else ""
    return Chart(
        draw(paint, height=2.2, width=WIDTH), title, f"Stacked bars. {title} Most: {', '.join(most)}.{without}"
    )


# Changes --------------------------------------------------------------------------------------------------------------

NEAR = 0.07
"""Part of the axis within which changes of one kind are one mark, since their labels would cover each other."""
LANES = {
    "began to fail": ("v", COLOURS["failed"]),
    "recovered": ("^", BAR),
    "changed": ("s", INK),
    "enabled": ("o", INK),
    "disabled": ("X", INK),
    "added": ("P", INK),
    "removed": ("D", INK),
}
"""What a change is called in the figure, with its mark and colour."""


def changes(frame: pd.DataFrame, days: pd.DatetimeIndex, gaps: Gaps) -> Chart:
    """What changed when: the columns of ``changes``, with `at` in the server's zone; `days` is the axis.

    A row a kind; changes of one kind that are close together are one mark with their number.
    """
    title = "What changed when?"
    if not len(days):
        return nothing(title)
    if frame.empty:
        return Chart(b"", title, f"{title} No change is known.")
    kinds = {kind: frame[_is_kind(frame, kind)] for kind in LANES}
    kinds = {kind: rows for kind, rows in kinds.items() if len(rows)}
    names = short_names(frame["task_path"].unique().tolist())

    def paint(axes: Axes) -> None:
        time_axis(axes, days, gaps, top=len(kinds) - 0.4)
        for place, (kind, rows) in enumerate(reversed(kinds.items())):
            marker, colour = LANES[kind]
            axes.axhline(place, color="#d0d7de", linewidth=0.8, zorder=1)
            for x, paths in _clusters(rows, days):
                label = names[paths[0]] if len(set(paths)) == 1 else count(len(set(paths)), "task")
                axes.plot(x, place, marker=marker, color=colour, markersize=9, zorder=3)
                right = x > 0.62 * len(days)
                axes.text(
                    x + (-1 if right else 1) * 0.016 * len(days),
                    place,
                    clip(label, 40),
                    ha="right" if right else "left",
                    va="center",
                    fontsize=10,
                    zorder=4,
                    bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.5},
                )
        axes.set_yticks(range(len(kinds)), list(reversed(kinds)))
        axes.set_ylim(-0.5, len(kinds) - 0.35)

    said = [f"{kind}: {'; '.join(_said(rows, days))}" for kind, rows in kinds.items()]
    return Chart(
        draw(paint, height=0.5 + 0.36 * len(kinds), width=WIDTH), title, f"Time line. {title} {'. '.join(said)}."
    )


def _is_kind(frame: pd.DataFrame, kind: str) -> NDArray[np.bool_]:
    """Which changes belong into a row of the figure."""
    turn, good = (frame["kind"] == "outcome").to_numpy(), (frame["after"] == "succeeded").to_numpy()
    if kind in ("began to fail", "recovered"):
        return turn & (good if kind == "recovered" else ~good)
    return (frame["kind"] == kind).to_numpy(dtype=bool)


def _clusters(rows: pd.DataFrame, days: pd.DatetimeIndex) -> list[tuple[float, list[str]]]:
    """Changes that lie closer together than a label is wide, as one place and the tasks."""
    found: list[tuple[float, list[str]]] = []
    for at, path in sorted(zip(rows["at"], rows["task_path"], strict=True)):
        x = float((at.replace(tzinfo=None) - days[0]) / DAY)
        if found and x - found[-1][0] < NEAR * len(days):
            found[-1][1].append(path)
        else:
            found.append((x, [path]))
    return found


def _said(rows: pd.DataFrame, days: pd.DatetimeIndex) -> list[str]:
    said = []
    for x, paths in _clusters(rows, days):
        name = paths[0] if len(set(paths)) == 1 else count(len(set(paths)), "task")
        said.append(f"{name} on {date_words(days[0] + x * DAY)}")
    return said
