"""What all figures over time share: the axis of days with its gaps, bars, colours of endings, and their words.

The colours are of Okabe and Ito's palette, and none is the only sign of anything: a bad ending has its place, its
hatching or its letter too. A time that no snapshot covers is hatched, and has no bar.

>>> days = pd.DataFrame({"blind": [False, True]}, index=pd.date_range("2026-11-22", periods=2))
>>> blind_words(days)
' Blind, drawn as gaps: 2026-11-23.'
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taskanalysis.report.charts import BAR, Chart
from taskanalysis.text import clip, listed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "COLOURS",
    "DAY",
    "HATCHES",
    "PAPER",
    "WIDTH",
    "Gaps",
    "blind_words",
    "blocks",
    "count_axis",
    "date_words",
    "distances",
    "most_words",
    "nothing",
    "short_names",
    "stack",
    "time_axis",
]

COLOURS = {
    "failed": "#d55e00",
    "stopped": "#e69f00",
    "not started": "#cc79a7",
    "unknown": "#999999",
    "running": BAR,
    "succeeded": "#56b4e9",
}
"""Endings in the order in which they are stacked: the bad ones at the bottom, where their growth is seen."""
HATCHES = {"stopped": "\\\\\\\\", "not started": "////"}
PAPER, SOFT, HATCHED = "#ffffff", "#57606a", "#aab2bb"
DAY = timedelta(days=1)
MOST_TICKS, LONG = 7, 30
WIDTH = 6.2
"""Inches: less than other figures, so that the many small words can be read on a phone."""

Gaps = Sequence[tuple[datetime, datetime]]
"""Blind times, as local times without zone."""


def time_axis(axes: Axes, days: pd.Index, gaps: Gaps, *, top: float = 0, few: bool = False) -> None:
    """Days to the right, named at some Mondays; blind times hatched over the whole height."""
    step = (len(days) // ((3 if few else MOST_TICKS) * 7) + 1) * 7
    first = next((number for number, day in enumerate(days) if day.weekday() == 0), 0)
    ticks = list(range(first if len(days) > 10 else 0, len(days), step if len(days) > 10 else 1))
    axes.set_xticks(ticks, [f"{days[tick]:%b} {days[tick].day}" for tick in ticks], fontsize=10, ha="left")
    axes.tick_params(axis="x", length=3, color=HATCHED)
    axes.set_xlim(0, len(days))
    for number, (start, end) in enumerate(gaps):
        left, right = (start - days[0]) / DAY, (end - days[0]) / DAY
        axes.axvspan(left, right, facecolor="#eef1f4", edgecolor=HATCHED, hatch="//////", linewidth=0, zorder=1)
        if number < 4 and not few:
            place = axes.get_xaxis_transform() if not top else axes.transData
            axes.text(
                *((left + right) / 2, top or 0.96),
                "blind",
                transform=place,
                rotation=90,
                ha="center",
                va="top",
                fontsize=8.5,
                color=SOFT,
                zorder=5,
                bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.5},
            )


def count_axis(axes: Axes, most: int) -> None:
    """Whole numbers from 0."""
    axes.set_ylim(0, 1.08 * max(most, 1))
    steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000]
    step = next((each for each in steps if most / each <= 4), most)
    axes.set_yticks(range(0, most + 1, step), [f"{number:,}" for number in range(0, most + 1, step)], fontsize=10)
    axes.grid(axis="y", color="#d0d7de", linewidth=0.6)
    axes.set_axisbelow(True)


def stack(axes: Axes, x: NDArray[np.float64], frame: pd.DataFrame) -> None:
    """Bars of endings on top of each other, with a key of those that occur."""
    from matplotlib.patches import Patch  # noqa: PLC0415 (half a second to import)

    bottom = np.zeros(len(frame))
    key = []
    for name, colour in COLOURS.items():
        number = frame[name].to_numpy(dtype=float)
        if number.any():
            blocks(axes, x, bottom, number, colour, hatch=HATCHES.get(name, ""))
            key.append(Patch(facecolor=colour, hatch=HATCHES.get(name, ""), edgecolor=PAPER, linewidth=0, label=name))
        bottom = bottom + number
    count_axis(axes, int(bottom.max(initial=0)))
    axes.legend(
        handles=key[::-1],
        ncols=len(key) or 1,
        loc="lower left",
        bbox_to_anchor=(-0.01, 1.0),
        frameon=False,
        handlelength=1.1,
        columnspacing=1.2,
        borderaxespad=0,
        fontsize=10,
    )


def blocks(
    axes: Axes,
    left: NDArray[np.float64],
    bottom: NDArray[np.float64] | float,
    height: NDArray[Any],
    colour: str,
    *,
    width: float = 0.86,
    hatch: str = "",
) -> None:
    """Bars as one path, which is a fifth of the size of a shape for each; those that touch as one outline."""
    from matplotlib.patches import PathPatch  # noqa: PLC0415 (half a second to import)
    from matplotlib.path import Path  # noqa: PLC0415

    drawn = height > 0
    if not drawn.any():
        return
    x, low = (left + (1 - width) / 2)[drawn], np.broadcast_to(bottom, height.shape)[drawn]
    high = low + height[drawn]
    groups = np.split(np.arange(len(x)), np.flatnonzero((np.diff(x) > width) | (width < 1)) + 1)
    outlines = [_outline(x[group], low[group], high[group], width) for group in groups]
    codes = [np.array([Path.MOVETO] + [Path.LINETO] * (len(each) - 1) + [Path.CLOSEPOLY]) for each in outlines]
    path = Path(np.concatenate([np.append(each, each[:1], axis=0) for each in outlines]), np.concatenate(codes))
    axes.add_patch(PathPatch(path, facecolor=colour, edgecolor=PAPER, linewidth=0, hatch=hatch or None, zorder=2))


def _outline(
    x: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64], width: float
) -> NDArray[np.float64]:
    """The corners of bars that touch, without those on a straight line."""
    ends = np.stack([x, x + width], axis=1).ravel()
    there, back = np.stack([ends, high.repeat(2)], axis=1), np.stack([ends, low.repeat(2)], axis=1)[::-1]
    corners = np.concatenate([there, back])
    straight = np.all(corners == np.roll(corners, 1, axis=0), axis=1)
    corners = corners[~straight]
    before, after = np.roll(corners, 1, axis=0), np.roll(corners, -1, axis=0)
    found: NDArray[np.float64] = corners[~np.any((corners == before) & (corners == after), axis=1)]
    return found


def distances(days: pd.Index, all_days: pd.Index) -> NDArray[np.float64]:
    """Days as distances from the first one."""
    return np.asarray((pd.DatetimeIndex(days) - all_days[0]) / DAY, dtype=np.float64)


# Words ----------------------------------------------------------------------------------------------------------------


def short_names(paths: Sequence[str] | pd.Index) -> dict[str, str]:
    r"""Task paths without the folders that all share, cut at the front where long.

    >>> short_names([r"\OpenData\GIS\Load", r"\OpenData\Load"])
    {'\\OpenData\\GIS\\Load': 'GIS\\Load', '\\OpenData\\Load': 'Load'}
    """
    parts = [str(path).split("\\") for path in paths]
    shared = 0
    while parts and all(len(each) > shared + 1 and each[shared] == parts[0][shared] for each in parts):
        shared += 1
    rests = ["\\".join(each[shared:]) for each in parts]
    return {
        str(path): clip(rest if len(rest) <= LONG else "…" + rest[1 - LONG :], LONG)
        for path, rest in zip(paths, rests, strict=True)
    }


def nothing(title: str) -> Chart:
    """What stands where a figure of days would, had less than two snapshots not told of any."""
    return Chart(b"", title, f"{title} Not known: a trend needs two snapshots.")


def date_words(day: Any) -> str:
    """A day as readers see it."""
    return f"{day:%Y-%m-%d}"


def most_words(numbers: pd.Series) -> str:
    """The largest of numbers by day, and its day."""
    return f"most: {int(numbers.max()):,} on {date_words(numbers.idxmax())}" if len(numbers) else "none"


def blind_words(days: pd.DataFrame) -> str:
    """Which days are `blind`, as a sentence with a space before it, "" where none is."""
    blind = days.index[days["blind"]]
    if not len(blind):
        return ""
    named = [date_words(day) for day in blind[:6]] + ([f"{len(blind) - 6} more"] if len(blind) > 6 else [])
    return f" Blind, drawn as gaps: {listed(named)}."
