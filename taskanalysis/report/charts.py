r"""Figures: a DataFrame in, a `Chart` with its alternative text out.

Every figure goes through `draw`, which sets size, spines, fonts and colours, so that all look alike. A chart shows
itself in a notebook as SVG inside ``<img>``, where no text of a task can run, and its alternative text is computed.
Figures over time are in `timecharts`.

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
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from taskanalysis.text import clip, count

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

__all__ = ["Chart", "bars", "draw", "grid"]

INK, BAR = "#1f2328", "#0072b2"  # blue of Okabe and Ito's palette, safe for the colour-blind
WIDTH = 7.2  # inches
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

    said = "; ".join(f"{name}: {count(number, unit)}" for name, number in shown.items())
    alt = f"Bar chart. {title} {said or 'There is nothing to show'}."
    return Chart(draw(paint, height=0.5 + 0.3 * len(shown)) if shown else b"", title, alt)


def grid(frame: pd.DataFrame, *, title: str, unit: str) -> Chart:
    """A cell for each number of a frame, darker for more; its index and columns are the labels of rows and columns.

    `unit` is what is counted, in the singular. The words tell the five largest cells, and how many are empty.
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
    said = [
        f"{frame.columns[column]} {frame.index[row]}: {count(number, unit)}" for row, column, number in cells if number
    ]
    empty = int((numbers == 0).sum())
    alt = f"Grid. {title} Most: {'; '.join(said) or 'nothing'}. {count(empty, 'cell')} of {numbers.size} without any."
    return Chart(draw(paint, height=0.6 + 0.22 * max(len(frame.index), 1)), title, alt)


def _shades() -> Colormap:
    from matplotlib.colors import LinearSegmentedColormap  # noqa: PLC0415 (half a second to import)

    return LinearSegmentedColormap.from_list("shades", ["#f3f6fa", BAR])


def draw(paint: Callable[..., None], *, height: float, width: float = WIDTH, panels: tuple[int, int] = (1, 1)) -> bytes:
    """The SVG of axes that `paint` fills: one, or rows times columns of them that share their scale to the right.

    `height` and `width` are in inches; a page stretches all figures to the same width, so that the text of a narrow one
    is larger. No figure stays open, and pyplot's state is not touched.
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
        figure.savefig(out, format="svg", metadata={"Date": None}, facecolor="white")
    # two decimals of a point are finer than any screen, and take a third of the bytes off
    return _POINT.sub(lambda found: b"%s%.2f %.2f" % (found[1], float(found[2]), float(found[3])), out.getvalue())


_POINT = re.compile(rb'^((?:[LM]|<path d="M|  +<path[^>]* d="M) )(-?\d+\.\d+) (-?\d+\.\d+)(?= |$)', re.MULTILINE)
