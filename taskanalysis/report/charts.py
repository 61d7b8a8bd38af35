r"""Figures: a DataFrame in, a `Chart` out: inline SVG over the width of the page, and what it shows in words.

Positions are per cent, so that a figure is as wide as its page while its letters keep their size; colours are classes
of the page's style, light and dark. None is the only sign of anything: bad endings stand at the bottom, and the key and
the words name all. Blind times are hatched over the whole height, never drawn as zero.

>>> days = pd.DataFrame({"failed": [1, 3]}, index=pd.date_range("2026-11-22", periods=2))
>>> Chart("How many failed?", days, "1 on Sun 22 Nov, 3 on Mon 23 Nov.").alt
'How many failed? 1 on Sun 22 Nov, 3 on Mon 23 Nov.'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taskanalysis.report.style import scoped
from taskanalysis.text import listed, say_day, spoken

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ENDING_CLASSES = {
    "failed": "x",
    "stopped": "t",
    "not started": "n",
    "unknown": "u",
    "running": "y",
    "succeeded": "g",
}
"""Endings in the order in which they are stacked, bad ones at the bottom where their growth is seen; with classes."""
_COLOURS = dict(zip(ENDING_CLASSES, ("#d55e00", "#e69f00", "#cc79a7", "#999999", "#0072b2", "#56b4e9"), strict=True))
"""Of `Chart.figure`: Okabe and Ito's palette, safe for the colour-blind."""
DAY = timedelta(days=1)
HEIGHT, FOOT, HEAD = 170, 22, 14
"""Pixels of a figure, of its labels below, and of the room above its bars."""
MOST_TICKS = 12

Gaps = Sequence[tuple[datetime, datetime]]
"""Blind times, as local times without zone."""


@dataclass(frozen=True)
class Chart:
    """Stacked bars: a row of `frame` is a bar, a column a part of it (`ENDING_CLASSES`; any other is "failed").

    `words` say what it shows; where `frame` is empty they stand alone. `ticks` are labels by place, counted in bars;
    `gaps` are from where to where nothing is known, counted in bars too.
    """

    title: str
    frame: pd.DataFrame
    words: str
    ticks: Mapping[int, str] | None = None
    gaps: Sequence[tuple[float, float]] = ()

    @property
    def alt(self) -> str:
        """Title and words, for those who don't see the figure."""
        return f"{self.title} {self.words}"

    def _repr_html_(self) -> str:
        if self.frame.empty:
            return scoped(f'<p class="empty mathjax_ignore">{escape(self.alt)}</p>')
        return scoped(
            f'<figure class="mathjax_ignore"><figcaption>{escape(self.title)}</figcaption>{self._key()}'
            f'<svg class="chart" width="100%" height="{HEIGHT}" role="img" aria-label="{escape(self.alt)}">'
            f"{self._plot()}{self._labels()}</svg></figure>"
        )

    def __repr__(self) -> str:
        """The title and the words, for a terminal."""
        return self.alt

    @property
    def figure(self) -> Figure:
        """The same as a figure of matplotlib, to adjust and save; gaps are left out.

        >>> chart = Chart("How many?", pd.DataFrame({"failed": [1, 3]}), "1 and 3.")
        >>> chart.figure.axes[0].get_title()
        'How many?'
        """
        from matplotlib.figure import Figure  # noqa: PLC0415 (half a second to import, and no page needs it)

        figure = Figure(figsize=(10, 3), layout="constrained")
        axes = figure.subplots()
        colours: Any = {name: _COLOURS.get(str(name), _COLOURS["failed"]) for name in self.frame.columns}
        self.frame.plot.bar(ax=axes, stacked=True, width=0.9, color=colours, title=self.title, rot=0)
        ticks = self.ticks or {}
        axes.set_xticks(list(ticks), list(ticks.values()))
        return figure

    # Parts ------------------------------------------------------------------------------------------------------------

    @cached_property
    def _top(self) -> int:
        return max(int(self.frame.sum(axis=1).max()), 1)

    def _key(self) -> str:
        names = [str(name) for name in self.frame.columns if self.frame[name].any()]
        if len(self.frame.columns) < 2:
            return ""
        parts = (
            f'<span><svg viewBox="0 0 10 10" aria-hidden="true"><path class="{_class(name)} bar" d="M0 0h10v10H0z"/>'
            f"</svg>{escape(name)}</span>"
            for name in names
        )
        return f'<p class="key">{"".join(parts)}</p>'

    def _plot(self) -> str:
        """Grid lines, blind times and bars, in bars to the right and in parts of the highest one up."""
        bars, inner = len(self.frame), HEIGHT - FOOT - HEAD
        lines = "".join(f'<path class="line" d="M0 {self._up(number):g}H{bars}"/>' for number in self._steps())
        blind = "".join(
            f'<rect class="blind" x="{begin:.2f}" y="-{HEAD}" width="{end - begin:.2f}" height="{inner + HEAD}"/>'
            for begin, end in self.gaps
        )
        bottom = np.zeros(bars)
        parts = []
        for name in self.frame.columns:
            number = self.frame[name].to_numpy(dtype=float)
            if path := self._bars(bottom, number):
                parts.append(f'<path class="{_class(str(name))} bar" d="{path}"/>')
            bottom = bottom + number
        return (
            f'<svg y="{HEAD}" width="100%" height="{inner}" viewBox="0 0 {bars} {inner}" preserveAspectRatio="none" '
            f'overflow="visible">{lines}{blind}{"".join(parts)}</svg>'
        )

    def _bars(self, bottom: NDArray[np.float64], number: NDArray[np.float64]) -> str:
        return "".join(
            f"M{place + 0.07:g} {self._up(low):g}v-{self._up(low) - self._up(low + high):.2f}h.86v"
            f"{self._up(low) - self._up(low + high):.2f}z"
            for place, (low, high) in enumerate(zip(bottom, number, strict=True))
            if high > 0
        )

    def _up(self, number: float) -> float:
        inner = HEIGHT - FOOT - HEAD
        return round(inner * (1 - number / self._top), 2)

    def _steps(self) -> list[int]:
        """Numbers at which the figure has a line, four at most besides zero."""
        sizes = [digit * 10**power for power in range(9) for digit in (1, 2, 5)]
        step = next(size for size in sizes if self._top / size <= 4)
        return list(range(0, self._top + 1, step))

    def _labels(self) -> str:
        bars = len(self.frame)
        numbers = "".join(
            f'<text y="{HEAD + self._up(number) - 2:g}">{number:,}</text>' for number in self._steps() if number
        )
        ticks = "".join(
            f'<text{" class=odd" if turn % 2 else ""} x="{100 * place / bars:.1f}%" y="{HEIGHT - 6}">'
            f"{escape(label)}</text>"
            for turn, (place, label) in enumerate((self.ticks or {}).items())
        )
        return numbers + ticks


def _class(name: str) -> str:
    return ENDING_CLASSES.get(name, "x")


# Charts by day --------------------------------------------------------------------------------------------------------


def by_day(title: str, days: pd.DataFrame, columns: Sequence[str], gaps: Gaps, words: str, unknown: str = "") -> Chart:
    """A chart with a bar a day: these columns of `days` (index: local midnights, with a column `blind`).

    `unknown` is why nothing is known of them, "" where something is: nothing is drawn then.
    """
    if days.empty or unknown:
        return Chart(title, days[list(columns)].head(0), f"Not known: {unknown or 'a trend needs two snapshots'}.")
    frame = days[list(columns)].mask(days["blind"], 0)
    blind = days.index[days["blind"]]
    near = days.index[-1].date()
    named = [say_day(day.date(), near) for day in blind]
    more = f" No snapshots: {listed(named, most=6)}." if named else ""
    begin = days.index[0]
    places = [((start - begin) / DAY, (end - begin) / DAY) for start, end in gaps]
    shown = [(max(start, 0.0), min(end, float(len(days)))) for start, end in places if end > 0]
    return Chart(title, frame, spoken(words, days.index[-1]) + more, _day_ticks(pd.DatetimeIndex(days.index)), shown)


def _day_ticks(days: pd.DatetimeIndex) -> dict[int, str]:
    """Labels at some Mondays, of a short time at each day."""
    if len(days) <= 10:
        return {place: f"{day.day} {day:%b}" for place, day in enumerate(days)}
    step = 7 * (len(days) // (7 * MOST_TICKS) + 1)
    first = next(place for place, day in enumerate(days) if day.weekday() == 0)
    return {place: f"{days[place].day} {days[place]:%b}" for place in range(first, len(days) - 2, step)}


def failing(days: pd.DataFrame, gaps: Gaps, unknown: str = "") -> Chart:
    """How many tasks were failing at the end of each day (columns `failing`, `blind`); `unknown` as in `by_day`."""
    numbers = days.loc[~days["blind"], "failing"] if len(days) else days["failing"]
    words = ""
    if len(numbers):
        ends = [f"{numbers.iloc[place]:,} on {numbers.index[place]:%Y-%m-%d}" for place in (0, -1)]
        words = f"{', '.join(ends)}; {_most_words(numbers)}."
    shown = days.rename(columns={"failed": "failed runs", "failing": "failed"})
    return by_day("How many tasks were failing at the end of each day?", shown, ["failed"], gaps, words, unknown)


def endings(days: pd.DataFrame, gaps: Gaps, unknown: str = "") -> Chart:
    """How the runs of each day ended, a column each (`ENDING_CLASSES`), and `blind`; `unknown` as in `by_day`."""
    seen = days[~days["blind"]] if len(days) else days
    bad = seen[["failed", "stopped", "not started"]].sum(axis=1)
    words = ""
    if len(seen):
        sums = [f"{name} {int(seen[name].sum()):,}" for name in reversed(ENDING_CLASSES) if seen[name].any()]
        words = f"{'; '.join(sums)}. Failed, stopped or not started: {_most_words(bad)}."
    return by_day("How did the runs of each day end?", days, list(ENDING_CLASSES), gaps, words, unknown)


def hours(by_hour: pd.DataFrame, unknown: str = "") -> Chart:
    """How many runs started in each hour of the day (index 0..23), stacked by ending; `unknown` as in `by_day`."""
    title, frame = "At which hours do runs start?", by_hour[list(ENDING_CLASSES)]
    totals = frame.sum(axis=1)
    if not totals.any():
        return Chart(title, frame.head(0), f"Not known: {unknown}." if unknown else "No start is known.")
    most = [f"{hour:02}:00 {int(number):,}" for hour, number in totals.nlargest(3).items()]
    empty = [f"{hour:02}:00" for hour in totals.index[totals == 0]]
    without = f" No start in the hours from {listed(empty)}." if empty else ""
    ticks = {hour: f"{hour:02}:00" for hour in range(0, 24, 3)}
    return Chart(title, frame, f"Most: {', '.join(most)}.{without}", ticks)


def _most_words(numbers: pd.Series) -> str:
    """The largest of numbers by day, and its day."""
    day = pd.DatetimeIndex(numbers.index)[int(numbers.to_numpy().argmax())]
    return f"most: {int(numbers.max()):,} on {day:%Y-%m-%d}"
