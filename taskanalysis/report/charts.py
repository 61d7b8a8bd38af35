r"""Figures: a DataFrame in, a `Chart` with its alternative text out.

Every figure goes through `draw`, which sets size, spines, fonts and colours, so that all look alike. A chart shows
itself in a notebook as SVG inside ``<img>``, where no text of a task can run, and its alternative text is computed.
The colours are of Okabe and Ito's palette, and none is the only sign of anything: a bad ending has its place, its
hatching or its letter too. The axis of days is here; `trend_charts` has the figures over time.

>>> import pandas
>>> accounts = pandas.DataFrame({"run_as": ["SYSTEM", "TOWN\\svc-gis"], "tasks": [12, 5]})
>>> bars(accounts, "run_as", "tasks", title="Which account runs most?", unit="task").alt
'Bar chart. Which account runs most? SYSTEM: 12 tasks; TOWN\\svc-gis: 5 tasks.'
"""

from __future__ import annotations

import base64
import io
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taskanalysis.text import clip, count, listed

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

INK, BAR = "#1f2328", "#0072b2"  # blue of Okabe and Ito's palette, safe for the colour-blind
WIDTH = 7.2  # inches
PICTURE_DPI = 150  # of what is drawn as a picture inside of a figure
MOST_BARS = 12
MOST_CELLS = 5
_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib; the names of ten more would stand in each text
    "font.size": 10.5,
    "svg.fonttype": "none",  # text stays text: small, and the reader's own fonts know its letters
    "svg.hashsalt": "taskanalysis",  # the same bytes on each run
    "text.parse_math": False,  # "a$b$c" is a name, no formula
    "text.color": INK,
    "axes.labelcolor": INK,
}


@dataclass(frozen=True)
class Chart:
    """A figure as SVG, the sentence above it, and what it shows in words for those who don't see it.

    Where `svg` is empty there is nothing to show, and the words stand alone.
    """

    svg: bytes
    title: str
    alt: str

    def _repr_html_(self) -> str:
        if not self.svg:
            return f'<p class="empty mathjax_ignore">{escape(self.alt)}</p>'
        source = base64.b64encode(self.svg).decode("ascii")
        return (
            f'<figure class="mathjax_ignore"><figcaption>{escape(self.title)}</figcaption>'
            f'<img alt="{escape(self.alt)}" src="data:image/svg+xml;base64,{source}"></figure>'
        )

    def __repr__(self) -> str:
        """The alternative text, for a terminal."""
        return self.alt


def bars(frame: pd.DataFrame, names: str, numbers: str, *, title: str, unit: str) -> Chart:
    """Horizontal bars, a row each, in the order of the rows; beyond twelve the rest is one bar.

    `names` and `numbers` are columns; `unit` is what is counted, in the singular.
    """
    shown = dict(zip(frame[names], frame[numbers], strict=True))
    if len(shown) > MOST_BARS + 1:
        rest = [shown.pop(name) for name in list(shown)[MOST_BARS:]]
        shown[f"{len(rest)} others"] = sum(rest)

    def paint(axes: Axes) -> None:
        places = range(len(shown))
        drawn = axes.barh(places, list(shown.values()), color=BAR, height=0.7)
        axes.bar_label(drawn, labels=[f"{number:,}" for number in shown.values()], padding=3)
        axes.set_yticks(places, [clip(name, 40) for name in shown])
        axes.set_xlim(0, 1.08 * max([*shown.values(), 1]))
        axes.invert_yaxis()
        axes.xaxis.set_visible(False)

    if not shown:
        return nothing(title, "There is nothing to show.")
    words = "; ".join(f"{name}: {count(number, unit)}" for name, number in shown.items())
    return draw("Bar chart", title, f"{words}.", paint, height=0.5 + 0.3 * len(shown))


def grid(frame: pd.DataFrame, *, title: str, unit: str) -> Chart:
    """A cell for each number of a frame, darker for more; its index and columns are the labels of rows and columns.

    `unit` is what is counted, in the singular. The words name the five largest cells, and count the empty ones.
    """
    numbers = frame.to_numpy()
    most = max(int(numbers.max(initial=0)), 1)

    def paint(axes: Axes) -> None:
        axes.pcolormesh(numbers, cmap=_shades(), vmin=0, vmax=most, edgecolors="white", rasterized=True)
        for (row, column), number in np.ndenumerate(numbers):
            if number:
                ink = "white" if number > most / 2 else INK
                axes.text(column + 0.5, row + 0.5, f"{number:,}", ha="center", va="center", color=ink, fontsize=8)
        axes.set_xticks(np.arange(len(frame.columns)) + 0.5, [clip(str(name), 12) for name in frame.columns])
        axes.set_yticks(np.arange(len(frame.index)) + 0.5, [clip(str(name), 40) for name in frame.index])
        axes.xaxis.tick_top()
        axes.invert_yaxis()

    order = np.argsort(-numbers, axis=None, kind="stable")[:MOST_CELLS]
    cells = [(*np.unravel_index(place, numbers.shape), int(numbers.flat[place])) for place in order]
    words = [
        f"{frame.columns[column]} {frame.index[row]}: {count(number, unit)}" for row, column, number in cells if number
    ]
    empty = int((numbers == 0).sum())
    most_of_all = f"Most: {'; '.join(words) or 'nothing'}. {count(empty, 'cell')} of {numbers.size} without any."
    return draw("Grid", title, most_of_all, paint, height=0.6 + 0.22 * max(len(frame.index), 1))


def _shades() -> Colormap:
    from matplotlib.colors import LinearSegmentedColormap  # noqa: PLC0415 (half a second to import)

    return LinearSegmentedColormap.from_list("shades", ["#f3f6fa", BAR])


def draw(
    kind: str,
    title: str,
    words: str,
    paint: Callable[..., None],
    *,
    height: float,
    width: float = WIDTH,
    panels: tuple[int, int] = (1, 1),
) -> Chart:
    """A chart of axes that `paint` fills: one, or rows times columns of them that share their scale to the right.

    Its alternative text is made of `kind`, `title` and `words`. `height` and `width` are in inches; a page stretches
    all figures to the same width, so that the text of a narrow one is larger. No figure stays open, and pyplot's state
    is not touched.
    """
    from matplotlib import rc_context  # noqa: PLC0415 (half a second to import)
    from matplotlib.figure import Figure  # noqa: PLC0415

    with rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the reader's browser has the letters
        figure = Figure(figsize=(width, height), layout="constrained")
        all_axes = figure.subplots(*panels, squeeze=False, sharex=True).ravel().tolist()
        for axes in all_axes:
            axes.spines[:].set_visible(False)
            axes.tick_params(length=0)
        paint(*all_axes)
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None}, facecolor="white", dpi=PICTURE_DPI)
    # two decimals of a point are finer than any screen, and take a third of the bytes off
    svg = _POINT.sub(lambda found: b"%s%.2f %.2f" % (found[1], float(found[2]), float(found[3])), out.getvalue())
    return Chart(svg, title, f"{kind}. {title} {words}")


_POINT = re.compile(rb'^((?:[LM]|<path d="M|  +<path[^>]* d="M) )(-?\d+\.\d+) (-?\d+\.\d+)(?= |$)', re.MULTILINE)


# Axis -----------------------------------------------------------------------------------------------------------------

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
TIME_WIDTH = 6.2
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
    step = next((step for step in steps if most / step <= 4), most)
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
    if not (height > 0).any():
        return
    days, low = left.astype(np.int64), np.broadcast_to(bottom, height.shape)
    tops, lows = np.full(days.max() + 1, np.nan), np.zeros(days.max() + 1)
    tops[days], lows[days] = np.where(height > 0, low + height, np.nan), low
    edges = np.arange(len(tops) + 1.0)
    if width < 1:  # a step that is not drawn between two bars
        margin = (1 - width) / 2
        edges = np.stack([edges[:-1] + margin, edges[1:] - margin], axis=1).ravel()
        tops, lows = np.insert(tops, range(1, len(tops)), np.nan), lows.repeat(2)[:-1]
    axes.stairs(
        *(tops, edges),
        baseline=lows if low.any() else 0,
        fill=True,
        facecolor=colour,
        edgecolor=PAPER,
        linewidth=0,
        hatch=hatch or None,
        zorder=2,
    )


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
    while parts and all(len(names) > shared + 1 and names[shared] == parts[0][shared] for names in parts):
        shared += 1
    rests = ["\\".join(names[shared:]) for names in parts]
    return {
        str(path): clip(rest if len(rest) <= LONG else "…" + rest[1 - LONG :], LONG)
        for path, rest in zip(paths, rests, strict=True)
    }


def nothing(title: str, why: str = "Not known: a trend needs two snapshots.") -> Chart:
    """Words in place of a figure."""
    return Chart(b"", title, f"{title} {why}")


def most_words(numbers: pd.Series) -> str:
    """The largest of numbers by day, and its day."""
    return f"most: {int(numbers.max()):,} on {numbers.idxmax():%Y-%m-%d}"


def blind_words(days: pd.DataFrame) -> str:
    """Which days are `blind`, as a sentence with a space before it, "" where none is."""
    blind = days.index[days["blind"]]
    if not len(blind):
        return ""
    return f" Blind, drawn as gaps: {listed([f'{day:%Y-%m-%d}' for day in blind], most=6)}."
