r"""What a notebook shows: the answer, sentences and tables as HTML in which all that comes from a task is text.

pandas' own HTML is cut at 60 rows and its Styler escapes nothing; these show up to `MOST_ROWS`, escaped, masked by
their makers, with the classes that the report template styles, sorts and filters. `mathjax_ignore` keeps JupyterLab
from reading formulas into names.

>>> Sentences(["2 tasks have no <description>."]).html()
'<ul class="answer mathjax_ignore"><li>2 tasks have no &lt;description&gt;.</li></ul>'
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from html import escape
from typing import Any

import pandas as pd

from taskanalysis.report.style import scoped
from taskanalysis.text import clip, mask, say, spoken, visible

PAGE_TYPE = "application/vnd.taskanalysis.page+json"
"""Media type under which a notebook gives the title of its page to `publish`."""

CARD_TYPE = "application/vnd.taskanalysis.card+json"
"""Media type under which an answer gives `publish` what the index says of its page."""
MOST_POINTS = 5

BADGE_COLUMNS = frozenset({"verdict", "outcome", "before", "after", "fate"})
"""Columns in which a word of BADGES is shown as a badge; any other text in them is shown as it is."""
PART_COLUMNS = frozenset({"success_rate", "success_rate_7d", "success_rate_30d"})
"""Columns of parts from 0 to 1, shown in per cent."""
NAME_COLUMNS = frozenset({"task_path", "tasks", "which"})
"""Columns of task paths, shown as links to their stories."""
SENTENCE_COLUMNS = frozenset({"reason", "what", "cause", "why", "advice"})
"""Columns of sentences of ours, whose times are shown as all others."""
HEADS = {
    "task_path": "Task",
    "verdict": "State",
    "consecutive_failures": "Failed in a row",
    "success_rate": "Good",
    "success_rate_7d": "Good, 7 days",
    "success_rate_30d": "Good, 30 days",
    "hex": "Result",
    "next_run": "Next start",
    "expected_next": "Expected next",
    "missed_runs": "Missed while off",
    "missed": "Missed starts",
    "run_as": "Account",
    "multiple_instances": "While it runs",
    "certainty": "Uncertain",
    "blind_days": "Days without snapshots",
    "rule": "Decided by",
    "at": "When",
    "which": "Which",
    "advice": "Next step",
    "strip": "Last 30 days",
}
"""Heads for readers of columns whose name says less; the files keep the names."""
_KINDS = {
    "BootTrigger": "At startup",
    "CalendarTrigger/ScheduleByDay": "Daily",
    "CalendarTrigger/ScheduleByMonth": "Monthly",
    "CalendarTrigger/ScheduleByMonthDayOfWeek": "Monthly, by weekday",
    "CalendarTrigger/ScheduleByWeek": "Weekly",
    "EventTrigger": "On an event",
    "IdleTrigger": "On idle",
    "LogonTrigger": "At log on",
    "RegistrationTrigger": "At task creation or modification",
    "SessionStateChangeTrigger": "On a session change",
    "TimeTrigger": "One time",
    "WnfStateChangeTrigger": "On a state of Windows",
}
"""What Task Scheduler's window calls the types of triggers, for readers; the files keep the types."""


def trigger_words(kind: str) -> str:
    """A type of trigger as readers know it.

    >>> trigger_words("CalendarTrigger/ScheduleByDay"), trigger_words("NewTrigger")
    ('Daily', 'NewTrigger')
    """
    return _KINDS.get(kind, kind)


_WORDS = {
    "bad": "FAILING; failed; stopped; not started; missed",
    "late": "OVERDUE; RUNNING LONG",
    "good": "OK; succeeded; seen",
    "busy": "RUNNING; running",
    "quiet": "NEVER RAN; never ran; DISABLED; disabled; enabled; UNKNOWN; unknown",
}
BADGES = {word: kind for kind, words in _WORDS.items() for word in words.split("; ")}
"""Each verdict and outcome, with the class of its badge: no text of a task is used as a class."""

MOST_ROWS = 2000
"""Rows of a table on a page: 100,000 rows would make a page of 53 MB."""
MOST_LISTED = 20
"""Tasks that a cell names; the file beside the page has all."""

LONG = 300  # characters; of a longer text the beginning is shown, and all of it on a click
BEGINNING = 120


@dataclass(frozen=True)
class Look:
    r"""How a page shows times and names: `near` is the local time of its snapshot, `places` where each task's story is.

    >>> look = Look(datetime(2026, 11, 23, 6, 2), {r"\A": "tasks.html#t1"})
    >>> look.task(r"\A")
    '<a href="tasks.html#t1">A</a>'
    >>> look.time(datetime(2026, 11, 22, 21, 15))
    '<time datetime=2026-11-22T21:15>yesterday 21:15</time>'
    """

    near: datetime | None = None
    places: Mapping[str, str] = field(default_factory=dict)

    def time(self, moment: datetime) -> str:
        """A time as readers say it, and as ISO 8601 in the server's zone, for sorting."""
        words = say(moment, self.near) if self.near else f"{moment:%Y-%m-%d %H:%M}"
        return f"<time datetime={moment:%Y-%m-%dT%H:%M}>{words}</time>"

    def task(self, path: str, more: str = "") -> str:
        """A task's name with its folders, a link where it has a story; `more` is text behind it."""
        folders, _, name = path.rpartition("\\")
        folders = folders.removeprefix("\\")
        before = shown(folders + "\\") if folders else ""
        place = self.places.get(path)
        text = shown(name or path)
        inner = f'<a href="{escape(place)}">{text}</a>' if place else text
        return before + inner + shown(more)

    def named(self, text: str) -> str:
        r"""A text that is a task path, or begins with one and goes on in brackets, as a link; else the text.

        >>> Look(places={r"\A": "#a"}).named(r"\A (2 of 3)")
        '<a href="#a">A</a> (2 of 3)'
        """
        ends = [found.start() for found in re.finditer(r" (?=\(|at |from )", text)]
        path = next((text[:end] for end in [len(text), *reversed(ends)] if text[:end] in self.places), "")
        return self.task(path, text[len(path) :]) if path else shown(text)

    def sentence(self, text: str) -> str:
        """A sentence of ours: its times as readers say them, its task paths as links."""
        return "".join(self.task(part) if turn % 2 else shown(part) for turn, part in enumerate(self._parts(text)))

    def said(self, text: str) -> str:
        r"""The same as plain text.

        >>> look = Look(datetime(2026, 11, 23, 6, 2), {r"\Load at 2026-11-22": "#a"})
        >>> look.said(r"\Load at 2026-11-22 ran on 2026-11-22.")
        '\\Load at 2026-11-22 ran yesterday.'
        """
        return "".join(self._parts(text))

    def _parts(self, text: str) -> list[str]:
        """Words and task paths of a sentence by turns; a date in a path stays."""
        parts = self._names.split(text) if self._names and "\\" in text else [text]
        if self.near:
            parts[::2] = [spoken(part, self.near) for part in parts[::2]]
        return parts

    @cached_property
    def _names(self) -> re.Pattern[str] | None:
        r"""Task paths, which begin with a backslash; not the end of an account such as ``TOWN\etl``."""
        names = [re.escape(path[1:]) for path in sorted(self.places, key=len, reverse=True) if path[:1] == "\\"]
        return re.compile(rf"(\\(?<![\w:\\]\\)(?:{'|'.join(names)}))(?![\w\\])") if names else None


PLAIN = Look()
"""Times in ISO form, and no links."""


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
            "text/html": scoped(f'<dl class="facts mathjax_ignore">{pairs(self.facts)}</dl>'),
            "text/plain": "\n".join(f"{name}: {value}" for name, value in self.facts.items()),
            PAGE_TYPE: {"title": self.title, "facts": dict(self.facts)}
            | {name: at.isoformat() for name in ("read_at", "stale_after") if (at := getattr(self, name))},
        }


@dataclass(frozen=True)
class Sentences:
    """Computed sentences, one below the other, masked."""

    lines: Sequence[str]
    look: Look = PLAIN
    kind: str = "answer"

    def html(self) -> str:
        """The list without a style."""
        items = "".join(f"<li>{self.look.sentence(mask(line))}</li>" for line in self.lines)
        return f'<ul class="{self.kind} mathjax_ignore">{items}</ul>' if items else ""

    def _repr_html_(self) -> str:
        return scoped(self.html())

    def __repr__(self) -> str:
        """The sentences as plain text, for a terminal."""
        return "\n".join(map(mask, self.lines))


@dataclass(frozen=True)
class Answer:
    """The answer of a page: its h1, a line below it, what could not be seen, and further sentences.

    `title` has no full stop. `unseen` stands in a band, since with any of it nobody may call it well. On the index
    stand the title, up to five `points` and a `figure`.
    """

    title: str
    line: str = ""
    unseen: Sequence[str] = ()
    more: Sequence[str] = ()
    look: Look = PLAIN
    points: Sequence[str] = ()
    figure: Html | None = None
    is_good: bool = True

    @property
    def lines(self) -> list[str]:
        """All of it as sentences."""
        return [f"{self.title}.", *([self.line] if self.line else []), *self.unseen, *self.more]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        line = f'<p class="sub">{self.look.sentence(mask(self.line))}</p>' if self.line else ""
        unseen, more = Sentences(self.unseen, self.look, "unseen"), Sentences(self.more, self.look)
        title = mask(self.look.said(self.title))
        card = {
            "answer": title,
            "points": [self.look.sentence(mask(point)) for point in self.points[:MOST_POINTS]],
            "figure": self.figure.html if self.figure else "",
            "is_good": self.is_good,
        }
        return {
            "text/html": scoped(f"<h1>{shown(title)}</h1>{line}{unseen.html()}{more.html()}"),
            "text/plain": repr(self),
            CARD_TYPE: card,
        }

    def __repr__(self) -> str:
        """The answer as plain text, for a terminal."""
        return "\n".join(map(mask, self.lines))


@dataclass(frozen=True)
class Html:
    """HTML of our own making, all text of tasks in it escaped, and the same in words."""

    html: str
    words: str = ""

    def _repr_html_(self) -> str:
        return scoped(self.html)

    def __repr__(self) -> str:
        """In words, for a terminal."""
        return self.words


@dataclass(frozen=True)
class Table:
    """A frame; `columns` are those that the page shows, in their order (all where there are none).

    Columns without any value are left out. `meanings` explains the columns, and `empty` stands where there is no row.
    The page links the `file` beside it that has all rows where it shows a part of them. `cells` holds HTML
    of our own for a column, a cell each row; with `chips` the page filters by the words of its badges; `most` is how
    many rows the page shows.
    """

    frame: pd.DataFrame
    caption: str
    meanings: Mapping[str, object] = field(default_factory=dict)
    columns: Sequence[str] = ()
    empty: str = "There is none."
    file: str = ""
    look: Look = PLAIN
    cells: Mapping[str, Sequence[str]] = field(default_factory=dict)
    chips: bool = False
    most: int = MOST_ROWS

    @property
    def is_cut(self) -> bool:
        """Whether the page lacks rows, or entries of a list."""
        names = [name for name in self.columns or self.frame.columns if name in self.frame.columns]
        columns = (self.frame[name] for name in names if self.frame[name].dtype == object)
        cells = (cell for column in columns for cell in column)
        return len(self.frame) > self.most or any(isinstance(cell, list) and len(cell) > MOST_LISTED for cell in cells)

    def _repr_html_(self) -> str:
        return scoped(self.html())

    def html(self) -> str:
        """The table without a style."""
        if self.frame.empty:
            return f'<p class="empty">{escape(self.empty)}</p>' if self.empty else ""
        head = self.frame.head(self.most)
        names = [str(name) for name in self.columns or self.frame.columns]
        columns = [self._column(name, head) for name in names]
        kept = [place for place, (_, cells) in enumerate(columns) if any(cells)] or [0]
        names, columns = [names[place] for place in kept], [columns[place] for place in kept]
        heads = "".join(self._head(name, kind) for name, (kind, _) in zip(names, columns, strict=True))
        opened = ["<th scope=row>", *["<td>"] * len(columns)]
        rows = zip(*(cells for _, cells in columns), strict=True)
        body = "".join(
            "<tr>" + "".join(map(str.__add__, opened, row)) for row in rows
        )  # the ends of cells may be left out
        chips = " class=chips" if self.chips else ""
        return (
            f'{self._rest()}<div class="table mathjax_ignore"><table{chips}><caption>{escape(self.caption)}</caption>'
            f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>{self._legend(names)}"
        )

    def _column(self, name: str, frame: pd.DataFrame) -> tuple[str, Sequence[str]]:
        """The class of a column, and its cells."""
        if name in self.cells:
            return "", list(self.cells[name])[: len(frame)]
        column = frame[name]
        if column.dtype.kind in "iuf":
            show = percent if name in PART_COLUMNS else _number
            return "number", [show(value) for value in column.tolist()]
        values = column.astype(object).tolist()
        return "", [self._cell(value, name) for value in values]

    def _cell(self, value: Any, name: str) -> str:
        if isinstance(value, datetime) and value is not pd.NaT:
            return self.look.time(value)
        items = value if isinstance(value, list) else [value]
        if len(items) > MOST_LISTED:
            items = [*items[:MOST_LISTED], f"and {len(items) - MOST_LISTED:,} more"]
        texts = [self._text(item, name) for item in items]
        inner = texts[0] if len(texts) == 1 else "".join(f"<div>{text}</div>" for text in texts)
        if len(inner) <= LONG or name in NAME_COLUMNS:
            return inner
        plain = "; ".join(map(text_of, items))
        if len(plain) <= LONG:
            return inner
        return f"<details><summary>{shown(clip(plain, BEGINNING))}</summary>{inner}</details>"

    def _text(self, value: Any, name: str) -> str:
        if isinstance(value, datetime) and value is not pd.NaT:
            return self.look.time(value)
        text = text_of(value)
        if name in BADGE_COLUMNS:
            return badge(text)
        if name == "type":
            return shown(trigger_words(text))
        if name in NAME_COLUMNS:
            return self.look.named(text)
        return self.look.sentence(text) if name in SENTENCE_COLUMNS else shown(text)

    def _rest(self) -> str:
        """Where the rows and entries are that the page lacks."""
        if not self.is_cut:
            return ""
        number, file = len(self.frame), escape(self.file)
        part = f"The first {self.most:,} of {number:,} rows" if number > self.most else "A part of the longest lists"
        where = f'; <a href="{file}">{file}</a> has all of them' if file else ""
        return f'<p class="rest">{part}{where}.</p>'

    def _head(self, name: str, kind: str) -> str:
        title = f' title="{escape(str(self.meanings[name]))}"' if name in self.meanings else ""
        return f'<th scope="col" class="{f"{name} {kind}".strip()}"{title}>{escape(label(name))}</th>'

    def _legend(self, names: Sequence[str]) -> str:
        meanings = {label(name): str(self.meanings[name]) for name in names if name in self.meanings}
        legend = f'<details class="legend"><summary>What the columns mean</summary><dl>{pairs(meanings)}</dl></details>'
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


def _number(value: Any) -> str:
    """A number with commas; "" where it is not known.

    >>> _number(1432), _number(None), _number(2.5)
    ('1,432', '', '2.50')
    """
    if value is None or value is pd.NA or value != value:  # noqa: PLR0124
        return ""
    return f"{value:.2f}" if isinstance(value, float) and value % 1 else f"{int(value):,}"


def percent(value: Any) -> str:
    """A part of 1 in per cent; 100 and 0 only where it is all or nothing.

    >>> percent(0.999), percent(1.0), percent(0.7255), percent(None)
    ('99 %', '100 %', '73 %', '')
    """
    if value is None or value is pd.NA or value != value:  # noqa: PLR0124
        return ""
    return f"{value:.0%}".replace("%", " %") if value in (0, 1) else f"{min(max(round(100 * value), 1), 99)} %"


def pairs(rows: Mapping[str, str]) -> str:
    """Names and values, both text, as the content of a ``dl``."""
    return "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in rows.items())


def badge(text: str) -> str:
    """A verdict or an outcome as a badge; any other text as text."""
    return f'<b class="badge {BADGES[text]}">{text}</b>' if text in BADGES else shown(text)


def shown(text: str) -> str:
    r"""Escaped text in which a path may be broken after a backslash or a slash, and a long word anywhere.

    >>> shown(r"C:\jobs\<x>"), shown("C:/scheduled/" + "x" * 40)
    ('C:\\jobs\\&lt;x&gt;', 'C:/<wbr>scheduled/<wbr>xxxxxxxxxxxxxxxxxxxxxxxx<wbr>xxxxxxxxxxxxxxxx')
    """
    text = visible(text)
    if len(text) <= SHORT:
        return escape(text)
    marked = _LONG_WORD.sub("\\g<0>\0", _BREAK.sub("\\1\0", text))  # no text has a NUL now
    return escape(marked).replace("\0", "<wbr>")


SHORT, LONG_WORD = 48, 24
_LONG_WORD = re.compile(rf"[^\s\0]{{{LONG_WORD}}}(?=[^\s\0])")
_BREAK = re.compile(r"([\\/])(?=\w)")


def label(column: str) -> str:
    """The head of a column for readers.

    >>> label("task_path"), label("last_run")
    ('Task', 'Last run')
    """
    return HEADS.get(column) or column.replace("_", " ").capitalize()
