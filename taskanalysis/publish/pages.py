"""Render pages: an executed notebook, a failure or an index as one HTML file, through the templates in ``template``.

nbconvert renders the cells; the page around them is ours, since nbconvert's loads scripts from the internet. Each page
holds its time and when a newer one is due, so that the reader's browser can say that it is stale.

>>> find_faults('<img src="data:image/png;base64,aaaa" alt=""><script src="https://example.org/x.js"></script>')
['an image has no text (alt)', 'it loads https://example.org/x.js']
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from html import escape, unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from lxml import etree
from lxml.html import HTMLParser
from markupsafe import Markup

from taskanalysis import __version__
from taskanalysis.definition import open_regular
from taskanalysis.publish.notebooks import Failure, without_slow_imports
from taskanalysis.text import clip, count, mask

if TYPE_CHECKING:
    from nbconvert import HTMLExporter
    from nbformat import NotebookNode

TEMPLATE = Path(__file__).parent / "template"
HEAD_BYTES = 4096
# the same as in report/display.py, which would import pandas here; a test compares both
PAGE_TYPE = "application/vnd.taskanalysis.page+json"


@dataclass(frozen=True)
class Run:
    """What all pages of a run share: its stamp, when it was made, and the time of its snapshot.

    Times are aware. `due` is when a newer snapshot should exist, None where ``--at`` selected an earlier one; `zone` is
    the server's, "" where not known; `names` are the reports; `banners` stand on each page. Pages of the `sample` share
    are made at its last snapshot, and no other is due.
    """

    stamp: str
    made_at: datetime
    taken_at: datetime
    due: datetime | None
    zone: str
    names: Sequence[str]
    banners: Sequence[str] = ()
    sample: bool = False

    def local(self, moment: datetime) -> str:
        """A time in the zone of the server."""
        there = moment.astimezone(ZoneInfo(self.zone or "UTC"))
        return f"{there:%Y-%m-%d %H:%M} ({self.zone or 'UTC'})"

    def stale_words(self) -> str:
        """The sentence that the snapshot is too old, shown from `due` on."""
        taken_at, due = (self.local(moment).partition(" (")[0] for moment in (self.taken_at, self.due or self.made_at))
        return f"Stale: the newest data are from {taken_at}, and others were due by {due}."


@dataclass(frozen=True)
class Head:
    """The data of a published page; `state` is good or failed."""

    state: str
    run: str
    made_at: datetime
    due: datetime | None


# Reports --------------------------------------------------------------------------------------------------------------


class Rendered(NamedTuple):
    """An executed notebook: its title, its cells as HTML without code, and the age of what it shows (aware times)."""

    title: str
    body: str
    read_at: datetime | None = None
    stale_after: datetime | None = None


def render_cells(notebook: NotebookNode) -> Rendered:
    """Render the cells of an executed notebook."""
    from nbconvert import TemplateExporter  # noqa: PLC0415 (while notebooks run there is time for it)

    # HTMLExporter would parse the page again, which takes minutes for thousands of rows
    body, _ = TemplateExporter.from_notebook_node(_exporter(), notebook)
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    heads = [output["data"][PAGE_TYPE] for output in outputs if PAGE_TYPE in output.get("data", {})]
    head = heads[0] if heads else {"title": "Report"}
    times = (datetime.fromisoformat(head[name]) if name in head else None for name in ("read_at", "stale_after"))
    return Rendered(str(head["title"]), str(body), *times)


@cache
def _exporter() -> HTMLExporter:
    """One exporter for all pages, since creating one is slow."""
    without_slow_imports()
    from nbconvert import HTMLExporter  # noqa: PLC0415

    return HTMLExporter(
        template_name=TEMPLATE.name,
        template_file="notebook.html.j2",
        extra_template_basedirs=[str(TEMPLATE.parent)],
        anchor_link_text="",
        exclude_anchor_links=True,
    )


def report_page(
    name: str,
    rendered: Rendered,
    run: Run,
    *,
    files: Sequence[str],
    kept: bool = False,
    failed: Sequence[str] = (),
) -> str:
    """The page of a report, for ``latest`` or, where `kept`, for its run; `rendered` comes from `render_cells`.

    `files` are linked beside it; `failed` are reports of the same run without a page.
    """
    title, body, read_at, due = rendered
    if run.due and read_at and due:
        run = replace(run, taken_at=read_at, due=due)
    links = _links(run.names, kept, failed if kept else ())
    intro, sections, contents = _with_contents(body)
    fields: dict[str, Any] = {"intro": Markup(intro), "sections": Markup(sections), "contents": contents}  # noqa: S704
    return page(
        "report", run, title=title, links=links, files=files, kept=kept, newest=f"../../latest/{name}.html", **fields
    )


_SECTION = re.compile(r"<h2\b([^>]*)>(.*?)</h2>", re.DOTALL)


def _with_contents(body: str) -> tuple[str, str, list[tuple[str, str]]]:
    """The cells before the first section, the sections with an id on each heading, and the ids with their texts.

    >>> _with_contents("<h1>T</h1><h2>Why?</h2><h2>Why &amp; <i>how</i></h2>")[1:]
    ('<h2 id="why">Why?</h2><h2 id="why-how">Why &amp; <i>how</i></h2>', [('why', 'Why?'), ('why-how', 'Why & how')])
    """
    contents: dict[str, str] = {}

    def with_id(heading: re.Match[str]) -> str:
        attributes, inner = heading.groups()
        text = unescape(re.sub("<[^>]*>", "", inner)).strip()
        own = re.search(r"""\bid=(["'])(.+?)\1""", attributes)
        wanted = unescape(own[2]) if own else "-".join(re.findall("[a-z0-9]+", text.lower())) or "section"
        name, number = wanted, 1
        while name in contents and not own:
            number += 1
            name = f"{wanted}-{number}"
        contents[name] = text
        return heading[0] if own else f'<h2 id="{name}"{attributes}>{inner}</h2>'

    first = _SECTION.search(body)
    begin = first.start() if first else len(body)
    return body[:begin], _SECTION.sub(with_id, body[begin:]), list(contents.items())


def failure_page(
    failure: Failure, run: Run, parameters: Mapping[str, Any], *, kept: bool, has_good: bool, failed: Sequence[str] = ()
) -> str:
    """The page of a failed report: cell, error and parameters, masked."""
    visible = Failure(failure.report, *(shown(text) for text in (failure.what, failure.cell, failure.error)))
    good = f"../../latest/{failure.report}.html" if kept else f"{failure.report}.html"
    return page(
        "failed",
        run,
        title=f"{failure.report.title()} could not be made",
        links=_links(run.names, kept, failed),
        state="failed",
        failure=visible,
        good=good if has_good else "",
        parameters={name: shown(str(value)) for name, value in parameters.items()},
    )


def _links(names: Sequence[str], kept: bool, failed: Sequence[str]) -> list[tuple[str, str]]:
    pages = [(name.title(), f"{name}-failed.html" if name in failed else f"{name}.html") for name in names]
    return [("All reports", "../../index.html" if kept else "../index.html"), *pages]


def page(
    template: str, run: Run, *, title: str, links: Sequence[tuple[str, str]], state: str = "good", **fields: Any
) -> str:
    """Render a page by the name of its template; all values are escaped."""
    return (
        _environment()
        .get_template(f"{template}.html.j2")
        .render(run=run, title=title, links=links, state=state, local=run.local, stale=run.stale_words(), **fields)
    )


@cache
def _environment() -> Environment:
    environment = Environment(loader=FileSystemLoader(TEMPLATE), autoescape=True, undefined=StrictUndefined)
    style, script = (TEMPLATE.joinpath(file).read_text(encoding="utf-8") for file in ("style.css", "script.js"))
    environment.globals |= {
        "version": __version__,
        "style": Markup(style),  # noqa: S704 (our own files)
        "script": Markup(script),  # noqa: S704
        "policy": "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src {_hash(style)}; script-src {_hash(script)}",
    }
    return environment


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"


# Faults of a page --------------------------------------------------------------------------------------------

_REFERENCES = ("src", "href", "srcset", "poster", "data", "action", "background", "xlink:href")
_URL = re.compile(r"@import|url\(\s*['\"]?(?!data:|#)", re.IGNORECASE)


def find_faults(body: str) -> list[str]:
    """Reasons not to publish a rendered notebook: images without text, references outside the folder."""
    root = etree.fromstring(f"<div>{body}</div>", HTMLParser(huge_tree=True))
    faults = []
    for element in root.iter(etree.Element):
        if element.tag == "img" and not (element.get("alt") or "").strip():
            faults.append("an image has no text (alt)")
        references = [str(element.get(name) or "").strip() for name in _REFERENCES]
        styled = str(element.get("style") or "") + (element.text or "" if element.tag == "style" else "")
        references += [styled] if _URL.search(styled) else []
        faults += [f"it loads {clip(reference)}" for reference in references if _is_outside(reference)]
    return faults


def _is_outside(reference: str) -> bool:
    r"""Whether a reference leaves the folder: anything with a scheme or a host, except ``data:``.

    >>> [_is_outside(each) for each in ("status.csv", "#top", "data:,", "//host/x", "https://host", "\\\\host\\x")]
    [False, False, False, True, True, True]
    """
    scheme = re.match(r"[a-z][a-z0-9+.-]*:", reference, re.IGNORECASE)
    return (
        bool(scheme and scheme[0].lower() != "data:")
        or reference.startswith(("/", "\\"))
        or bool(_URL.search(reference))
    )


# Published pages ------------------------------------------------------------------------------------------


def read_head(file: Path) -> Head | None:
    """The data of a published page; None where it is missing or not one of ours."""
    try:
        with open_regular(file) as opened:
            text = opened.read(HEAD_BYTES).decode("utf-8", "replace")
    except OSError:
        return None
    values = dict(re.findall(r'data-([a-z-]+)="([^"]*)"', text.partition("<head>")[0]))
    try:
        due = datetime.fromisoformat(unescape(values["due"])) if "due" in values else None
        made_at = datetime.fromisoformat(unescape(values["made-at"]))
        return Head(unescape(values["state"]), unescape(values["run"]), made_at, due) if made_at.tzinfo else None
    except (KeyError, ValueError):
        return None


_NOTICE = re.compile(r"<!--notice-->.*?<!--/notice-->", re.DOTALL)


def with_notice(text: str, sentence: str, link: str, name: str) -> str:
    """The text of a page with a sentence and a link at its top, replacing an earlier one."""
    shown_link = f'<a href="{escape(link)}">{escape(name)}</a>'
    band = f'<!--notice--><p class="banner">{escape(sentence)} {shown_link}</p><!--/notice-->'
    head, begin, body = text.partition("<body>")
    replaced, number = _NOTICE.subn(lambda _: band, body, count=1)
    return head + begin + (replaced if number else band + body)  # pages of older versions have no place for it


def age(earlier: datetime, later: datetime) -> str:
    """The time between two moments, in one unit.

    >>> from datetime import UTC, timedelta
    >>> moment = datetime(2026, 11, 23, tzinfo=UTC)
    >>> age(moment, moment + timedelta(hours=50)), age(moment, moment + timedelta(minutes=61))
    ('2 days', '61 minutes')
    """
    minutes = max(int((later - earlier).total_seconds() // 60), 0)
    size, unit = (1, "minute") if minutes < 120 else (60, "hour") if minutes < 2880 else (1440, "day")
    return count(minutes // size, unit)


_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def shown(text: str) -> str:
    """Text from a file as a page may show it: masked, without terminal colours, control characters as U+FFFD."""
    plain = mask(_ANSI.sub("", text))
    return "".join(letter if letter.isprintable() or letter == "\n" else "\ufffd" for letter in plain)
