r"""How objects show themselves at a prompt and in a notebook: a short line, or a small table, masked and escaped.

>>> brief("Task", r"\OpenData\Load", "runs load.bat --password S3cret")
'<Task: \\OpenData\\Load, runs load.bat --password ***>'
>>> small_table("Task", [("runs", "<b>")])
'<table><caption>Task</caption><tbody><tr><th>runs</th><td>&lt;b&gt;</td></tr></tbody></table>'
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from html import escape

from taskanalysis.text.sentences import clip, one_line

MOST = 160  # characters of a line, and of a cell of a table


def brief(kind: str, *parts: str) -> str:
    """One line for ``repr``, of at most 200 characters or so; parts that are "" are left out."""
    return f"<{kind}: {_text(', '.join(filter(None, parts)), MOST)}>"


@dataclass(frozen=True, slots=True, repr=False)
class Brief:
    """The parent of a frozen dataclass (with ``repr=False``) whose ``repr`` is one masked line.

    It has the fields that are not their default.

    >>> @dataclass(frozen=True, repr=False)
    ... class Load(Brief):
    ...     run: str = ""
    ...     hidden: bool = False
    >>> Load(run="load.bat --password S3cret")
    <Load: run load.bat --password ***>
    """

    def __repr__(self) -> str:
        values = ((each, getattr(self, each.name)) for each in fields(self))
        shown = (f"{each.name} {_plain(value)}" for each, value in values if value != each.default)
        return brief(type(self).__name__, *shown)


def _plain(value: object) -> str:
    # the repr of a text would hide its control characters from masking
    return " ".join(map(_plain, value)) if isinstance(value, tuple) else str(value)


def small_table(caption: str, rows: Iterable[Sequence[object]], header: Sequence[str] = ()) -> str:
    """An HTML table for ``_repr_html_``; the first cell of a row is its heading where there is no `header`."""
    head = f"<thead><tr>{''.join(f'<th>{_cell(name)}</th>' for name in header)}</tr></thead>" if header else ""
    body = []
    for first, *rest in rows:
        tag = "td" if header else "th"
        cells = "".join(f"<td>{_cell(value)}</td>" for value in rest)
        body.append(f"<tr><{tag}>{_cell(first)}</{tag}>{cells}</tr>")
    return f"<table><caption>{_cell(caption)}</caption>{head}<tbody>{''.join(body)}</tbody></table>"


def _cell(value: object) -> str:
    return escape(_text(str(value), 2 * MOST))


def _text(text: str, most: int) -> str:
    # masked before it is cut: half a secret would not be known as one
    return clip(one_line(text), most)
