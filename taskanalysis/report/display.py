r"""What a notebook shows: headings, sentences and tables as HTML in which everything that comes from a task is text.

pandas' own HTML is cut at 60 rows and its Styler escapes nothing; these show up to `MOST_ROWS`, escaped, masked by
their makers, with the classes that the report template styles, sorts and filters. `mathjax_ignore` keeps JupyterLab
from reading formulas into names.

>>> Sentences(["2 tasks have no <description>."])._repr_html_()
'<ul class="answer mathjax_ignore"><li>2 tasks have no &lt;description&gt;.</li></ul>'
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from typing import Any

import pandas as pd

from taskanalysis.text import mask

PAGE_TYPE = "application/vnd.taskanalysis.page+json"
"""Media type under which a notebook gives the title of its page to `publish`."""

BADGE_COLUMNS = frozenset({"verdict", "outcome", "before", "after"})
"""Columns in which a word of BADGES is shown as a badge; any other text in them is shown as it is."""

_WORDS = {
    "bad": "FAILING; failed; stopped; not started",
    "late": "OVERDUE; RUNNING LONG",
    "good": "OK; succeeded",
    "busy": "RUNNING; running",
    "quiet": "NEVER RAN; never ran; DISABLED; disabled; enabled; UNKNOWN; unknown",
}
BADGES = {word: kind for kind, words in _WORDS.items() for word in words.split("; ")}
"""Each verdict and outcome, with the class of its badge: no text of a task is used as a class."""

MOST_ROWS = 2000
"""Rows of a table on a page, and entries of a list in a cell: 100,000 rows would make a page of 53 MB."""

LONG = 300  # characters; a longer cell scrolls in itself


@dataclass(frozen=True)
class Heading:
    """The head of a page: its title, and the facts that a reader needs to place it, as name and value.

    `read_at` is when what the page shows was read from the server, `stale_after` when it should be again (aware).
    """

    title: str
    facts: Mapping[str, str]
    read_at: datetime | None = None
    stale_after: datetime | None = None

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {
            "text/html": f'<dl class="facts mathjax_ignore">{_pairs(self.facts)}</dl>',
            "text/plain": "\n".join(f"{name}: {value}" for name, value in self.facts.items()),
            PAGE_TYPE: {"title": self.title, "facts": dict(self.facts)}
            | {name: at.isoformat() for name in ("read_at", "stale_after") if (at := getattr(self, name))},
        }


@dataclass(frozen=True)
class Sentences:
    """Computed sentences, one below the other, masked."""

    lines: Sequence[str]

    def _repr_html_(self) -> str:
        return (
            '<ul class="answer mathjax_ignore">'
            + "".join(f"<li>{escape(mask(line))}</li>" for line in self.lines)
            + "</ul>"
        )

    def __repr__(self) -> str:
        """The sentences as plain text, for a terminal."""
        return "\n".join(map(mask, self.lines))


@dataclass(frozen=True)
class Table:
    """A frame; `columns` are those that the page shows, in their order (all where there are none).

    `meanings` explains the columns, and `empty` stands where there is no row. The page shows the first `MOST_ROWS`
    rows, and links the `file` beside it that has all of them.
    """

    frame: pd.DataFrame
    caption: str
    meanings: Mapping[str, object] = field(default_factory=dict)
    columns: Sequence[str] = ()
    empty: str = "There is none."
    file: str = ""

    @property
    def is_cut(self) -> bool:
        """Whether the page lacks rows, or entries of a list."""
        columns = (column for _, column in self.frame.items() if column.dtype == object)
        cells = (cell for column in columns for cell in column)
        return len(self.frame) > MOST_ROWS or any(isinstance(cell, list) and len(cell) > MOST_ROWS for cell in cells)

    def _repr_html_(self) -> str:
        if self.frame.empty:
            return f'<p class="empty">{escape(self.empty)}</p>'
        frame = (self.frame[list(self.columns)] if self.columns else self.frame).head(MOST_ROWS)
        numeric = [kind.kind in "iuf" for kind in frame.dtypes]
        head = "".join(self._head(str(name), number) for name, number in zip(frame.columns, numeric, strict=True))
        names = [str(name) for name in frame.columns]
        rows = "".join(
            "<tr>" + "".join(map(_cell, row, names, numeric, [True] + [False] * len(row))) + "</tr>"
            for row in frame.astype(object).itertuples(index=False, name=None)
        )
        return (
            f'{self._rest()}<div class="table mathjax_ignore" role="region" aria-label="{escape(self.caption)}" '
            'tabindex="0"><table>'
            f"<caption>{escape(self.caption)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
            + self._legend(names)
        )

    def _rest(self) -> str:
        """Where the rows and entries are that the page lacks."""
        if not self.is_cut:
            return ""
        number, file = len(self.frame), escape(self.file)
        shown = f"The first {MOST_ROWS:,} of {number:,} rows" if number > MOST_ROWS else "A part of the longest lists"
        where = f'; <a href="{file}">{file}</a> has all of them' if file else ""
        return f'<p class="rest">{shown}{where}.</p>'

    def _head(self, name: str, numeric: bool) -> str:
        title = f' title="{escape(str(self.meanings[name]))}"' if name in self.meanings else ""
        kind = ' class="number"' if numeric else ""
        return f'<th scope="col"{kind}{title}>{escape(_label(name))}</th>'

    def _legend(self, names: Sequence[str]) -> str:
        meanings = {_label(name): str(self.meanings[name]) for name in names if name in self.meanings}
        legend = (
            f'<details class="legend"><summary>What the columns mean</summary><dl>{_pairs(meanings)}</dl></details>'
        )
        return legend if meanings else ""

    def __repr__(self) -> str:
        """The frame as plain text, for a terminal."""
        return f"{self.caption}\n{self.frame.to_string(index=False, max_rows=20, max_colwidth=40)}"


def text_of(value: Any) -> str:
    """A value as a reader sees it: yes and no, times to the minute, "" where there is none.

    >>> text_of(True), text_of(267014), text_of(None)
    ('yes', '267014', '')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return "; ".join(map(text_of, value))
    if value is None or value is pd.NaT or value is pd.NA or value != value:  # noqa: PLR0124 (NaN is not itself)
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, float):
        return f"{value:.2f}"
    return str(value)


def _pairs(pairs: Mapping[str, str]) -> str:
    return "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in pairs.items())


def _cell(value: Any, name: str, numeric: bool, first: bool) -> str:
    items = value if isinstance(value, list) else [value]
    if len(items) > MOST_ROWS:
        items = [*items[:MOST_ROWS], f"and {len(items) - MOST_ROWS:,} more"]
    show = _badge if name in BADGE_COLUMNS else _breakable
    texts = [show(text_of(item)) for item in items]
    inner = texts[0] if len(texts) == 1 else "".join(f"<div>{text}</div>" for text in texts)
    if sum(map(len, texts)) > LONG:
        inner = f'<div class="long" tabindex="0">{inner}</div>'
    kind = ' class="break"' if any(map(_LONG_WORD.search, texts)) else ""
    kind = ' class="time"' if texts and all(map(_TIME.fullmatch, texts)) else kind
    kind = f' class="number" data-value="{text_of(value)}"' if numeric else kind
    attributes = f' data-label="{escape(_label(name))}"{kind}'
    return f'<th scope="row"{attributes}>{inner}</th>' if first else f"<td{attributes}>{inner}</td>"


# a word that would make its column wide; such a one may be broken anywhere
_LONG_WORD = re.compile(r"[^\s<>]{17}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d)?")


def _badge(text: str) -> str:
    return f'<span class="badge {BADGES[text]}">{text}</span>' if text in BADGES else _breakable(text)


def _breakable(text: str) -> str:
    """Escaped text in which a path may be broken after a backslash or a slash."""
    return re.sub(r"([\\/])(?=\w)", r"\1<wbr>", escape(text.translate(_PICTURES)))


# control characters as the pictures that Unicode has of them, so that they are seen and do nothing
_PICTURES = {code: 0x2400 + code for code in range(32) if code not in (9, 10)} | {127: 0x2421}
_PICTURES |= dict.fromkeys(range(0x80, 0xA0), 0xFFFD)


def _label(column: str) -> str:
    return column.replace("_", " ")
