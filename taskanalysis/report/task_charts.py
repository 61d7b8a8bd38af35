r"""Figures of single tasks over time: which failed on which day, and how the worst of them went.

The frames are those of `trendtables`; `gaps` are the blind times. No text of a task is more than text here.

>>> signs = pd.DataFrame([["·", "F"]], index=[r"\Load"], columns=pd.date_range("2026-11-22", periods=2))
>>> worst = pd.DataFrame({"task_path": [r"\Load"], "bad_runs": [1], "runs": [2]})
>>> task_days(signs, worst, []).alt
'Grid. Which task failed on which day? Worst first: \\Load: failed on 1 day, last on 2026-11-23.'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taskanalysis.report.axis import (
    COLOURS,
    HATCHES,
    PAPER,
    WIDTH,
    Gaps,
    blocks,
    date_words,
    distances,
    nothing,
    short_names,
    time_axis,
)
from taskanalysis.report.charts import INK, Chart, draw
from taskanalysis.results import BAD_OUTCOMES
from taskanalysis.text import count, listed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["multiples", "task_days"]

MOST_ROWS, MOST_PANELS = 25, 6
CELL = (6, 12)
"""Pixels of a cell, to the right and down."""
CELL_COLOURS = {
    "F": COLOURS["failed"],
    "S": COLOURS["stopped"],
    "N": COLOURS["not started"],
    "?": COLOURS["unknown"],
    "r": COLOURS["running"],
    "·": COLOURS["succeeded"],
}


def task_days(signs: pd.DataFrame, worst: pd.DataFrame, gaps: Gaps) -> Chart:
    """A cell for each task (row) and day (column) with the sign of how it went (`trendtables.SIGNS`), 25 rows at most.

    A good day is a low block, a bad one a full block with its letter, a mixed one lower with a small letter, a missed
    start a frame; no block is a day without a known run. `worst` has the columns `task_path`, `bad_runs` and `runs`.
    """
    title = "Which task failed on which day?"
    if not len(signs.columns):
        return nothing(title)
    if signs.empty:
        return Chart(b"", title, f"{title} No task with a bad day is known.")
    shown = signs.head(MOST_ROWS)
    names = short_names(shown.index)
    rows = zip(worst["task_path"], worst["bad_runs"], worst["runs"], strict=True)
    counts = {path: f"{bad:,} of {runs:,}" for path, bad, runs in rows}
    cells = shown.to_numpy()
    letters = np.where(np.isin(cells, ["", "·"]), " ", cells)

    def paint(axes: Axes) -> None:
        time_axis(axes, signs.columns, gaps, top=len(shown) + 0.05)
        axes.imshow(
            _pixels(cells), extent=(0, len(signs.columns), 0, len(shown)), aspect="auto", interpolation="none", zorder=2
        )
        _letters(axes, letters)
        middles = np.arange(len(shown))[::-1] + 0.5
        axes.set_yticks(middles, [names[path] for path in shown.index])
        for middle, path in zip(middles, shown.index, strict=True):
            axes.text(len(signs.columns) + 0.5, middle, counts[path], va="center", fontsize=10)
        axes.set_ylim(0, len(shown))
        axes.xaxis.tick_top()

    more = f" {count(len(signs) - len(shown), 'more task')} not drawn." if len(signs) > len(shown) else ""
    said = "; ".join(f"{path}: {_bad_days(signs.loc[path])}" for path in shown.index[:5])
    alt = f"Grid. {title} Worst first: {said}.{more}"
    return Chart(draw(paint, height=0.5 + 0.23 * len(shown), width=WIDTH), title, alt)


def multiples(tasks: Mapping[str, pd.DataFrame], gaps: Gaps) -> Chart:
    """A panel a task, six at most: its runs of each day, good ones above the line and bad ones below it."""
    title = "How did the worst tasks go? Good runs above the line, bad ones below."
    if not tasks:
        return Chart(b"", title, f"{title} No task with bad runs is known.")
    shown = dict(list(tasks.items())[:MOST_PANELS])
    names = short_names(list(shown))
    rows = (len(shown) + 1) // 2

    def paint(*panels: Axes) -> None:
        for axes, (path, days) in zip(panels, shown.items(), strict=False):
            known = days[~days["blind"]]
            x, below = distances(known.index, days.index), np.zeros(len(known))
            good = known["succeeded"].to_numpy()
            most = max(int(good.max(initial=0)), int(known[list(BAD_OUTCOMES)].sum(axis=1).max()), 1)
            time_axis(axes, days.index, gaps, few=True)
            blocks(axes, x, 0, good, COLOURS["succeeded"], width=1.0)
            for name in BAD_OUTCOMES:
                number = known[name].to_numpy()
                blocks(axes, x, below - number, number, COLOURS[name], width=1.0, hatch=HATCHES.get(name, ""))
                below = below - number
            axes.axhline(0, color=INK, linewidth=0.8)
            axes.set_ylim(-1.1 * most, 1.1 * most)
            axes.set_yticks([])
            axes.set_title(f"{names[path]}: {_good_and_bad(days)}", loc="left", fontsize=10)
        for axes in panels[len(shown) :]:
            axes.set_visible(False)
            axes.set_in_layout(False)

    said = "; ".join(f"{path}: {_good_and_bad(days)}" for path, days in shown.items())
    return Chart(
        draw(paint, height=0.2 + 1.05 * rows, panels=(rows, 2), width=WIDTH),
        title,
        f"Small bar charts. {title} {said}.",
    )


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


def _letters(axes: Axes, letters: NDArray[Any]) -> None:
    """A letter in the middle of each cell, a row of them as one text with a place for each: small, and still text."""
    from matplotlib.artist import Artist  # noqa: PLC0415

    class Letters(Artist):
        def draw(self, renderer: Any) -> None:
            (left, _), (right, _) = axes.transData.transform([(0, 0), (1, 0)])
            size = min(8.5, 1.15 * (right - left))
            for row, signs in enumerate(letters[::-1]):
                columns = np.flatnonzero(signs != " ")
                points = axes.transData.transform([(column + 0.5, row + 0.46) for column in columns] or [(0, 0)])
                y = renderer.height - points[0, 1] + 0.36 * size
                style = f"font: 700 {size:.1f}px sans-serif; text-anchor: middle; fill: {INK}"
                places = {"x": " ".join(f"{x:.1f}" for x in points[:, 0]), "y": f"{y:.1f}", "style": style}
                if len(columns):
                    renderer.writer.element("text", "".join(signs[columns]), places)

    artist = Letters()
    artist.set_zorder(4)
    artist.set_in_layout(False)
    axes.add_artist(artist)


def _bad_days(signs: pd.Series) -> str:
    words = {"F": "failed", "S": "stopped", "N": "not started", "M": "missed"}
    numbers = {word: int(signs.str.upper().eq(sign).sum()) for sign, word in words.items()}
    said = [f"{word} on {count(number, 'day')}" for word, number in numbers.items() if number]
    bad = signs.index[signs.str.upper().isin(list(words))]
    return f"{listed(said)}, last on {date_words(bad[-1])}" if len(bad) else "nothing bad"


def _good_and_bad(days: pd.DataFrame) -> str:
    good, bad = int(days["succeeded"].sum()), int(days[list(BAD_OUTCOMES)].to_numpy().sum())
    return f"{good:,} good, {bad:,} bad"
