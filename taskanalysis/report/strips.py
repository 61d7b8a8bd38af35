r"""Strips: how each day of a task went, or each of its last runs, as small inline SVG.

Height tells good from bad without colours: a good day is a low block, a bad one a full one, one with good runs too is
between them; a missed start is a line, and no block a day of which no run is known. A strip of 30 days has some 200
bytes, since days in a row are one path; its colours and the shade of weekends are classes of the page's style.

>>> import pandas
>>> signs = pandas.Series(["·", "·", "f", "", "M"], index=pandas.date_range("2026-11-19", periods=5))
>>> days_in_words(signs)
'2 days good, 1 with some runs failed, 1 with a missed start'
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taskanalysis.report.window import ENDINGS, Window
from taskanalysis.results import BAD_OUTCOMES
from taskanalysis.text import count

SIGNS = {
    "failed": "F",
    "stopped": "S",
    "not started": "N",
    "missed": "M",
    "unknown": "?",
    "running": "r",
    "succeeded": "·",
}
"""The sign of a day; a small letter where other runs of that day succeeded."""
MONTH = 30
STEP, HEIGHT = 6, 16
"""Pixels from a day to the next, and of a full block."""
_BLOCKS = {  # class of the style and height, by sign
    "·": ("g", 4),
    "F": ("x", HEIGHT),
    "S": ("t", HEIGHT),
    "N": ("n", HEIGHT),
    "f": ("p", 10),
    "s": ("p", 10),
    "n": ("p", 10),
    "M": ("m", 2),
    "m": ("m", 2),
    "?": ("u", 8),
    "r": ("u", 8),
}
_WORDS = {
    "g": ("{} good", "day"),
    "x": ("{} failed", ""),
    "n": ("{} not started", ""),
    "t": ("{} stopped", ""),
    "p": ("{} with some runs failed", ""),
    "m": ("{} with a missed start", ""),
    "u": ("{} unclear", ""),
}
_KEY = {
    "g": "good",
    "p": "some runs failed",
    "x": "failed",
    "n": "not started",
    "t": "stopped",
    "m": "start missed",
    "u": "unclear or running",
}


def day_signs(window: Window, paths: Sequence[str]) -> pd.DataFrame:
    """How each day of these tasks went, by a sign (`SIGNS`): its rows are tasks, its columns the window's last days.

    A bad ending comes before a missed start, that before a good run; "" is a day without a known run.
    """
    days, index = window.dates[-window.days :], pd.Index(list(paths), dtype=object)
    runs = window.runs[["task_path", "day", "ending"]]
    ended = {name: _per_day(runs[runs["ending"] == name], index, days) for name in ENDINGS}
    bad = np.stack([ended[name] for name in BAD_OUTCOMES])
    order = np.argmax(bad, axis=0)
    signs = np.full((len(index), len(days)), "", dtype=object)
    for name in ("unknown", "running", "succeeded"):
        signs[ended[name] > 0] = SIGNS[name]
    signs[_per_day(window.missed_starts, index, days) > 0] = SIGNS["missed"]
    for number, name in enumerate(BAD_OUTCOMES):
        signs[(bad.sum(axis=0) > 0) & (order == number)] = SIGNS[name]
    mixed = (ended["succeeded"] > 0) & np.isin(signs, [*(SIGNS[name] for name in BAD_OUTCOMES), SIGNS["missed"]])
    signs[mixed] = [sign.lower() for sign in signs[mixed]]
    return pd.DataFrame(signs, index=index, columns=days)


def _per_day(rows: pd.DataFrame, paths: pd.Index, days: pd.Index) -> NDArray[np.int64]:
    """How many rows each task has on each day."""
    counts = np.zeros((len(paths), len(days)), np.int64)
    place = np.append(paths.get_indexer(rows["task_path"].cat.categories), -1)[rows["task_path"].cat.codes]
    column = days.get_indexer(pd.DatetimeIndex(rows["day"]))
    kept = (place >= 0) & (column >= 0)
    np.add.at(counts, (place[kept], column[kept]), 1)
    return counts


def strips(signs: pd.DataFrame) -> dict[str, str]:
    """The strip of each task of `day_signs`."""
    return {str(path): strip(days) for path, days in signs.iterrows()}


def strip(signs: pd.Series, label: str = "") -> str:
    """The days of a task (index: local midnights, values: `SIGNS`) as SVG; `label` is said in place of its words.

    >>> strip(pd.Series(["·", "·", "F"], index=pd.date_range("2026-11-20", periods=3)))[:57]
    '<svg class="s w4" viewBox="0 0 18 16" role=img aria-label'
    """
    return "" if signs.empty else _svg(_paths(list(signs)), signs.index, label or days_in_words(signs))


def _svg(inner: str, days: pd.Index, label: str) -> str:
    """Only other lengths than a month's need a view box of their own, which is a tenth of a large page."""
    first = days[0].weekday() if len(days) else 0
    size = "" if len(days) == MONTH else f' viewBox="0 0 {STEP * len(days)} {HEIGHT}"'
    kind = f'"s w{first}"{size}'
    return f'<svg class={kind} role=img aria-label="{escape(label)}">{inner}</svg>'


def shares(counts: Sequence[int], of: int, days: pd.Index, label: str) -> str:
    """How many of `of` tasks had a bad day on each of these days, as SVG: the higher the more."""
    blocks = "".join(
        f"M{STEP * place} {HEIGHT}v-{max(round(HEIGHT * number / of), 2)}h{STEP - 1}V{HEIGHT}z"
        for place, number in enumerate(counts)
        if number
    )
    return _svg(f'<path class="a" d="{blocks}"/>', days, label)


def _paths(signs: Sequence[str]) -> str:
    """A path for each kind of day: equal days in a row are one line, which the style cuts into days."""
    lines: dict[tuple[str, int], str] = {}
    place = 0
    for block, days in groupby(signs, _BLOCKS.get):
        length = len(list(days))
        if block:
            middle = f"{HEIGHT - block[1] / 2:g}"
            lines[block] = lines.get(block, "") + f"M{STEP * place} {middle}h{STEP * length - 1}"
        place += length
    return "".join(f'<path class={kind} d="{line}"/>' for (kind, _), line in lines.items())


def days_in_words(signs: pd.Series) -> str:
    """How many days went how."""
    kinds = [_BLOCKS[sign][0] for sign in signs if sign]
    numbers = {kind: kinds.count(kind) for kind in _WORDS if kind in kinds}
    words = [
        _WORDS[kind][0].format(count(number, "day") if not place else f"{number:,}")
        for place, (kind, number) in enumerate(numbers.items())
    ]
    return ", ".join(words) or "no run known"


def run_strip(endings: Sequence[str]) -> str:
    """The last runs of a task, the oldest first, by ending (`window.ENDINGS`): a block each."""
    words = ", ".join(f"{endings.count(name)} {name}" for name in ENDINGS if name in endings)
    size = f'viewBox="0 0 {STEP * max(len(endings), 1)} {HEIGHT}"'
    label = f"Last {count(len(endings), 'run')}, oldest left: {words}"
    return f'<svg class="s r" {size} role="img" aria-label="{label}">{_paths([SIGNS[name] for name in endings])}</svg>'


def key() -> str:
    """What the blocks of a strip mean, as HTML."""
    heights = dict(_BLOCKS.values())
    parts = "".join(
        f'<span><svg viewBox="0 0 5 {HEIGHT}" aria-hidden="true">'
        f'<path class="{kind}" d="M0 {HEIGHT - heights[kind] / 2:g}h5"/></svg>{words}</span>'
        for kind, words in _KEY.items()
    )
    return f'<p class="key">{parts}<span>shaded: weekend; empty: no run, or no snapshot</span></p>'
