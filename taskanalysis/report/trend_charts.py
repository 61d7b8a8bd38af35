r"""Figures over time, in which what is not known is a gap and never a zero: days, hours, changes, single tasks.

The frames are those of `window` and `trend_tables`: one row per day, under its local midnight; `gaps` are the blind
times. No text of a task is more than text here.

>>> days = pd.DataFrame({"failing": [1, 3], "blind": False}, index=pd.date_range("2026-11-22", periods=2))
>>> failing(days, []).alt.partition("? ")[2]
'1 on 2026-11-22, 3 on 2026-11-23; most: 3 on 2026-11-23.'
>>> signs = pd.DataFrame([["·", "F"]], index=[r"\Load"], columns=pd.date_range("2026-11-22", periods=2))
>>> worst = pd.DataFrame({"task_path": [r"\Load"], "bad_runs": [1], "runs": [2]})
>>> task_days(signs, worst, []).alt
'Grid. Which task failed on which day? Worst first: \\Load: failed on 1 day, last on 2026-11-23.'
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taskanalysis.report.charts import (
    BAR,
    COLOURS,
    DAY,
    HATCHES,
    INK,
    PAPER,
    TIME_WIDTH,
    Chart,
    Gaps,
    blind_words,
    blocks,
    count_axis,
    distances,
    draw,
    most_words,
    nothing,
    short_names,
    stack,
    time_axis,
)
from taskanalysis.report.trend_tables import SIGNS
from taskanalysis.results import BAD_OUTCOMES
from taskanalysis.text import clip, count, listed

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def failing(days: pd.DataFrame, gaps: Gaps) -> Chart:
    """How many tasks were failing at the end of each day: the columns `failing` and `blind`."""

    def paint(axes: Axes, x: NDArray[np.float64], seen: pd.DataFrame) -> None:
        numbers = seen["failing"]
        blocks(axes, x, 0, numbers.to_numpy(), COLOURS["failed"], width=1.0)
        count_axis(axes, int(numbers.max()))
        axes.text(len(days) + 0.4, int(numbers.iloc[-1]), f"{numbers.iloc[-1]:,}", va="center", weight="bold")

    def words(seen: pd.DataFrame) -> str:
        numbers = seen["failing"]
        ends = [f"{number:,} on {day:%Y-%m-%d}" for day, number in numbers.iloc[[0, -1]].items()]
        return f"{', '.join(ends)}; {most_words(numbers)}."

    title = "How many tasks were failing at the end of each day?"
    return _by_day("Area chart", title, words, paint, days, gaps, height=1.7)


def coverage(days: pd.DataFrame, gaps: Gaps) -> Chart:
    """How many snapshots there are of each day: the columns `snapshots` and `blind`; blind times are gaps."""

    def paint(axes: Axes, x: NDArray[np.float64], seen: pd.DataFrame) -> None:
        blocks(axes, x, 0, seen["snapshots"].to_numpy(), BAR)
        count_axis(axes, int(seen["snapshots"].max()))

    def words(seen: pd.DataFrame) -> str:
        return f"{int(seen['snapshots'].median()):,} on most of {count(len(days), 'day')}."

    return _by_day("Bar chart", "How many snapshots are there of each day?", words, paint, days, gaps, height=1.4)


def endings(days: pd.DataFrame, gaps: Gaps) -> Chart:
    """How the runs of each day ended, stacked: a column each (`COLOURS`), and `blind`; blind days are gaps."""

    def words(seen: pd.DataFrame) -> str:
        sums = [f"{name} {int(seen[name].sum()):,}" for name in reversed(COLOURS) if seen[name].any()]
        bad = seen[list(BAD_OUTCOMES)].sum(axis=1)
        return f"{'; '.join(sums)}. Failed, stopped or not started: {most_words(bad)}."

    title = "How did the runs that were seen end, day by day?"
    return _by_day("Stacked bars", title, words, stack, days, gaps, height=2.5)


def _by_day(
    kind: str,
    title: str,
    words: Callable[[pd.DataFrame], str],
    paint: Callable[[Axes, NDArray[np.float64], pd.DataFrame], None],
    days: pd.DataFrame,
    gaps: Gaps,
    *,
    height: float,
) -> Chart:
    """A figure with an axis of days, of those that are not blind."""
    if days.empty:
        return nothing(title)
    seen = days[~days["blind"]]

    def paint_all(axes: Axes) -> None:
        time_axis(axes, days.index, gaps)
        paint(axes, distances(seen.index, days.index), seen)

    return draw(kind, title, words(seen) + blind_words(days), paint_all, height=height, width=TIME_WIDTH)


def hours(by_hour: pd.DataFrame) -> Chart:
    """How many runs started in each hour of the day (index 0..23), stacked by ending."""
    title = "At which hours do runs start?"
    totals = by_hour[list(COLOURS)].sum(axis=1)
    if not totals.any():
        return nothing(title, "No start is known.")

    def paint(axes: Axes) -> None:
        stack(axes, by_hour.index.to_numpy(dtype=float), by_hour)
        axes.set_xticks(np.arange(0, 24, 3) + 0.5, [f"{hour:02}:00" for hour in range(0, 24, 3)])
        axes.set_xlim(0, 24)

    most = [f"{hour:02}:00 {count(int(number), 'start')}" for hour, number in totals.nlargest(3).items()]
    empty = [f"{hour:02}:00" for hour in totals.index[totals == 0]]
    without = f" None in the hours from {listed(empty)}." if empty else ""
    return draw("Stacked bars", title, f"Most: {', '.join(most)}.{without}", paint, height=2.2, width=TIME_WIDTH)


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

    One row per kind; changes of one kind that are close together are one mark with their number.
    """
    title = "What changed when?"
    if not len(days):
        return nothing(title)
    if frame.empty:
        return nothing(title, "No change is known.")
    turns = np.where(frame["after"] == "succeeded", "recovered", "began to fail")
    kind_of = np.where(frame["kind"] == "outcome", turns, frame["kind"])
    kinds = {kind: _clusters(frame[kind_of == kind], days) for kind in LANES if kind in kind_of}
    names = short_names(frame["task_path"].unique().tolist())

    def paint(axes: Axes) -> None:
        time_axis(axes, days, gaps, top=len(kinds) - 0.4)
        for place, (kind, clusters) in enumerate(reversed(kinds.items())):
            marker, colour = LANES[kind]
            axes.axhline(place, color="#d0d7de", linewidth=0.8, zorder=1)
            for x, label in clusters:
                axes.plot(x, place, marker=marker, color=colour, markersize=9, zorder=3)
                right = x > 0.62 * len(days)
                axes.text(
                    x + (-1 if right else 1) * 0.016 * len(days),
                    place,
                    clip(names.get(label, label), 40),
                    ha="right" if right else "left",
                    va="center",
                    fontsize=10,
                    zorder=4,
                    bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.5},
                )
        axes.set_yticks(range(len(kinds)), list(reversed(kinds)))
        axes.set_ylim(-0.5, len(kinds) - 0.35)

    places = {
        kind: "; ".join(f"{label} on {days[0] + x * DAY:%Y-%m-%d}" for x, label in clusters)
        for kind, clusters in kinds.items()
    }
    words = ". ".join(f"{kind}: {where}" for kind, where in places.items())
    return draw("Time line", title, f"{words}.", paint, height=0.5 + 0.36 * len(kinds), width=TIME_WIDTH)


def _clusters(rows: pd.DataFrame, days: pd.DatetimeIndex) -> list[tuple[float, str]]:
    """Changes that lie closer together than a label is wide, as one place, with the task or the number of tasks."""
    clusters: list[tuple[float, set[str]]] = []
    for at, path in sorted(zip(rows["at"], rows["task_path"], strict=True)):
        x = float((at.replace(tzinfo=None) - days[0]) / DAY)
        if clusters and x - clusters[-1][0] < NEAR * len(days):
            clusters[-1][1].add(path)
        else:
            clusters.append((x, {path}))
    return [(x, min(paths) if len(paths) == 1 else count(len(paths), "task")) for x, paths in clusters]


# Single tasks ---------------------------------------------------------------------------------------------------------

MOST_ROWS, MOST_PANELS = 25, 6
CELL = (6, 12)
"""Pixels of a cell, to the right and down."""
CELL_COLOURS = {SIGNS[name]: colour for name, colour in COLOURS.items()}


def task_days(signs: pd.DataFrame, worst: pd.DataFrame, gaps: Gaps) -> Chart:
    """A cell for each task (row) and day (column) with the sign of how it went (`trend_tables.SIGNS`), 25 rows at most.

    A good day is a low block, a bad one a full block with its letter, a mixed one lower with a small letter, a missed
    start a frame; no block is a day without a known run. `worst` has the columns `task_path`, `bad_runs` and `runs`.
    """
    title = "Which task failed on which day?"
    if not len(signs.columns):
        return nothing(title)
    if signs.empty:
        return nothing(title, "No task with a bad day is known.")
    shown = signs.head(MOST_ROWS)
    names = short_names(shown.index)
    rows = zip(worst["task_path"], worst["bad_runs"], worst["runs"], strict=True)
    counts = {path: f"{bad:,} of {runs:,}" for path, bad, runs in rows}
    cells = shown.to_numpy()

    def paint(axes: Axes) -> None:
        time_axis(axes, signs.columns, gaps, top=len(shown) + 0.05)
        axes.imshow(
            _pixels(cells), extent=(0, len(signs.columns), 0, len(shown)), aspect="auto", interpolation="none", zorder=2
        )
        _letters(axes, cells)
        middles = np.arange(len(shown))[::-1] + 0.5
        axes.set_yticks(middles, [names[path] for path in shown.index])
        for middle, path in zip(middles, shown.index, strict=True):
            axes.text(len(signs.columns) + 0.5, middle, counts[path], va="center", fontsize=10)
        axes.set_ylim(0, len(shown))
        axes.xaxis.tick_top()

    more = f" {count(len(signs) - len(shown), 'more task')} not drawn." if len(signs) > len(shown) else ""
    words = "; ".join(f"{path}: {_bad_days(signs.loc[path])}" for path in shown.index[:5])
    height = 0.5 + 0.23 * len(shown)
    return draw("Grid", title, f"Worst first: {words}.{more}", paint, height=height, width=TIME_WIDTH)


def multiples(tasks: Mapping[str, pd.DataFrame], gaps: Gaps) -> Chart:
    """A panel a task, six at most: its runs of each day, good ones above the line and bad ones below it."""
    title = "How did the worst tasks go? Good runs above the line, bad ones below."
    if not tasks:
        return nothing(title, "No task with bad runs is known.")
    shown = dict(list(tasks.items())[:MOST_PANELS])
    names = short_names(list(shown))
    rows = (len(shown) + 1) // 2

    def paint(*panels: Axes) -> None:
        for axes, (path, days) in zip(panels, shown.items(), strict=False):
            seen = days[~days["blind"]]
            x, below = distances(seen.index, days.index), np.zeros(len(seen))
            good = seen["succeeded"].to_numpy()
            most = max(int(good.max(initial=0)), int(seen[list(BAD_OUTCOMES)].sum(axis=1).max()), 1)
            time_axis(axes, days.index, gaps, few=True)
            blocks(axes, x, 0, good, COLOURS["succeeded"], width=1.0)
            for name in BAD_OUTCOMES:
                number = seen[name].to_numpy()
                blocks(axes, x, below - number, number, COLOURS[name], width=1.0, hatch=HATCHES.get(name, ""))
                below = below - number
            axes.axhline(0, color=INK, linewidth=0.8)
            axes.set_ylim(-1.1 * most, 1.1 * most)
            axes.set_yticks([])
            axes.set_title(f"{names[path]}: {_good_and_bad(days)}", loc="left", fontsize=10)
        for axes in panels[len(shown) :]:
            axes.set_visible(False)
            axes.set_in_layout(False)

    words = "; ".join(f"{path}: {_good_and_bad(days)}" for path, days in shown.items())
    height = 0.2 + 1.05 * rows
    return draw("Small bar charts", title, f"{words}.", paint, height=height, width=TIME_WIDTH, panels=(rows, 2))


# Cells ----------------------------------------------------------------------------------------------------------------


def _pixels(cells: NDArray[Any]) -> NDArray[np.uint8]:
    """The cells as an image that is white where nothing is: small, and sharp at any size."""
    wide, high = CELL
    image = np.full((cells.shape[0] * high, cells.shape[1] * wide, 4), 255, np.uint8)
    image[..., 3] = 0  # clear, so that blind times show
    for (row, column), sign in np.ndenumerate(cells):
        if not sign:
            continue
        block = image[row * high + 1 : (row + 1) * high, column * wide : (column + 1) * wide - 1]
        if sign == "·":
            block[-4:] = _rgba(CELL_COLOURS[sign])
        elif sign in "Mm":
            block[:], block[1:-1, 1:-1] = _rgba(INK), _rgba(PAPER)
        else:
            block[3 if sign.islower() else 0 :] = _rgba(CELL_COLOURS.get(sign) or CELL_COLOURS[sign.upper()])
    return image


def _rgba(colour: str) -> tuple[int, int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16), 255


def _letters(axes: Axes, cells: NDArray[Any]) -> None:
    """A letter in the middle of each cell that has one, all in one picture: as text they are half a megabyte."""
    from matplotlib.font_manager import FontProperties  # noqa: PLC0415 (half a second to import)
    from matplotlib.textpath import TextPath  # noqa: PLC0415
    from matplotlib.transforms import Affine2D  # noqa: PLC0415

    rows, columns = cells.shape
    size = min(6.2, 200 / columns)
    for sign in sorted({*cells.ravel()} - {"", SIGNS["succeeded"]}):
        letter = TextPath((0, 0), sign, prop=FontProperties(weight="bold"))
        (left, low), (right, high) = letter.get_extents().get_points()
        centred = letter.transformed(Affine2D().translate(-(left + right) / 2, -(low + high) / 2))
        y, x = np.nonzero(cells == sign)
        axes.plot(
            *(x + 0.5, rows - y - 0.5),
            linestyle="none",
            marker=centred,
            markersize=size if sign.isupper() or sign == "?" else 0.75 * size,
            color=INK,
            markeredgewidth=0,
            rasterized=True,
            zorder=4,
        )


def _bad_days(signs: pd.Series) -> str:
    bad = {name: signs.index[signs.str.upper() == SIGNS[name]] for name in (*BAD_OUTCOMES, "missed")}
    words = [f"{name} on {count(len(days), 'day')}" for name, days in bad.items() if len(days)]
    last = max((days[-1] for days in bad.values() if len(days)), default=None)
    return f"{listed(words)}, last on {last:%Y-%m-%d}" if last else "nothing bad"


def _good_and_bad(days: pd.DataFrame) -> str:
    good, bad = int(days["succeeded"].sum()), int(days[list(BAD_OUTCOMES)].to_numpy().sum())
    return f"{good:,} good, {bad:,} bad"
