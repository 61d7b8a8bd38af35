"""Render pages: an executed notebook, a failure or an index as one HTML file, through the templates in ``template``.

nbconvert renders the cells; the page around them is ours, since nbconvert's loads scripts from the internet. Each page
holds its time and when a newer one is due, so that the reader's browser can say that it is stale.

>>> find_faults('<img src="data:image/png;base64,aaaa" alt=""><script src="https://example.org/x.js"></script>')
['an image has no text (alt)', 'it loads https://example.org/x.js']
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
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
from taskanalysis.health import without_calm
from taskanalysis.publish.notebooks import Failure, without_slow_imports
from taskanalysis.text import clip, mask, say

if TYPE_CHECKING:
    from nbconvert import HTMLExporter
    from nbformat import NotebookNode

TEMPLATE = Path(__file__).parent / "template"
HEAD_BYTES = 4096
# the same as in report/display.py, which would import pandas here; a test compares both
PAGE_TYPE = "application/vnd.taskanalysis.page+json"
CARD_TYPE = "application/vnd.taskanalysis.card+json"


@dataclass(frozen=True)
class Run:
    """What all pages of a run share: its stamp, when it was made, and the time of its snapshot.

    Times are aware. `due` is when a newer snapshot should exist, None where ``--at`` selected an earlier one; `zone` is
    the server's, "" where not known; `names` are the reports; `banners` stand on each page. `attention` is how many
    tasks need attention, None where that is not known, and `unseen` whether something could not be seen.
    """

    stamp: str
    made_at: datetime
    taken_at: datetime
    due: datetime | None
    zone: str
    names: Sequence[str]
    banners: Sequence[str] = ()
    server: str = ""
    attention: int | None = None
    unseen: bool = False

    def _there(self, moment: datetime) -> datetime:
        return moment.astimezone(ZoneInfo(self.zone or "UTC"))

    def say(self, moment: datetime) -> str:
        """A time as readers say it near the snapshot, in the zone of the server."""
        return say(self._there(moment), self._there(self.taken_at))

    def full(self, moment: datetime) -> str:
        """A time with its year, in the zone of the server."""
        there = self._there(moment)
        return f"{there:%a} {there.day} {there:%b %Y %H:%M}"

    def title(self, name: str) -> str:
        """The title of a page: the number that need attention first, so that a row of tabs says it."""
        number = [] if self.attention is None else [attention_words(self.attention, self.unseen)]
        return " – ".join([*number, name, *([self.server] if self.server else [])])

    def stale_words(self) -> str:
        """The sentence that the snapshot is too old, shown from `due` on."""
        return f"Stale: a newer snapshot was due by {self.full(self.due or self.made_at)}."


@dataclass(frozen=True)
class Head:
    """The data of a published page; `state` is good or failed, `attention` how many tasks need it (None: not known).

    `taken_at` is the time of its data, `unseen` whether something could not be seen then.
    """

    state: str
    run: str
    made_at: datetime
    due: datetime | None
    attention: int | None = None
    taken_at: datetime | None = None
    unseen: bool = False


def attention_words(number: int, unseen: bool) -> str:
    """How many tasks need attention, in a word or two; where not all was seen it says so.

    >>> attention_words(1, unseen=False), attention_words(0, unseen=True)
    ('1 needs attention', '0 need attention, not all seen')
    """
    return f"{number:,} need{'s' if number == 1 else ''} attention{', not all seen' if unseen else ''}"


LAST_KNOWN = "When it was last known: "
"""How an answer begins that is not of now."""


# Reports --------------------------------------------------------------------------------------------------------------


class Rendered(NamedTuple):
    """An executed notebook: its title, its cells as HTML without code, and the age of what it shows (aware times).

    `card` is what the index says of it: the answer, its first lines, and a figure, as HTML of our own making.
    """

    title: str
    body: str
    read_at: datetime | None = None
    stale_after: datetime | None = None
    card: Mapping[str, Any] = {}


def render_cells(notebook: NotebookNode) -> Rendered:
    """Render the cells of an executed notebook; what comes before its heading is for those who open the notebook."""
    from nbconvert import TemplateExporter  # noqa: PLC0415 (while notebooks run there is time for it)

    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    heads = [output["data"][PAGE_TYPE] for output in outputs if PAGE_TYPE in output.get("data", {})]
    first = next((place for place, cell in enumerate(notebook.cells) if _has_head(cell)), -1)
    shown_cells = notebook.cells[first + 1 :]
    # HTMLExporter would parse the page again, which takes minutes for thousands of rows
    body, _ = TemplateExporter.from_notebook_node(_exporter(), type(notebook)({**notebook, "cells": shown_cells}))
    cards = [output["data"][CARD_TYPE] for output in outputs if CARD_TYPE in output.get("data", {})]
    head = heads[0] if heads else {"title": "Report"}
    read_at, due = (datetime.fromisoformat(head[name]) if name in head else None for name in ("read_at", "stale_after"))
    # plain dicts: a process that gets the nodes of nbformat imports it, which takes a second
    card = json.loads(json.dumps(cards[0])) if cards else {}
    return Rendered(str(head["title"]), _JUPYTER.sub("", str(body)), read_at, due, card)


_JUPYTER = re.compile(r"<style data-jupyter>.*?</style>", re.DOTALL)


def _has_head(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and any(PAGE_TYPE in output.get("data", {}) for output in cell.outputs)


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


def report_pages(
    name: str,
    rendered: Rendered,
    run: Run,
    *,
    files: Sequence[str],
    kept: bool = False,
    failed: Sequence[str] = (),
) -> dict[str, str]:
    """The pages of a report by file name, for ``latest`` or, where `kept`, for its run: one, of stories often several.

    `rendered` comes from `render_cells`, `files` are linked beside it, `failed` are reports of the same run without a
    page.
    """
    title, body, read_at, due, _ = rendered
    if run.due and read_at and due:
        run = replace(run, taken_at=read_at, due=due)
    if run.due and run.made_at > run.due:
        body = without_calm(body.replace("<h1>", f"<h1>{LAST_KNOWN}", 1))
    first, *others = _PAGE.split(body)
    bodies = [first + "".join(others[:1]), *others[1:]]
    names = [f"{name}.html", *(f"{name}-{number}.html" for number in range(2, len(bodies) + 1))]
    links = _links(run.names, kept, failed if kept else ())
    texts = {}
    for place, (file, part) in enumerate(zip(names, bodies, strict=True)):
        heading = f"<h1>{escape(title)}, page {place + 1} of {len(names)}</h1>" if place else ""
        intro, sections, contents, nothing = _with_contents(heading + part)
        texts[file] = page(
            "report",
            run,
            title=title,
            links=links,
            files=files,
            kept=kept,
            newest=f"../../latest/{file}",
            intro=Markup(_to_latest(intro, kept)),  # noqa: S704 (cells of our own notebooks)
            sections=Markup(_to_latest(sections, kept)),  # noqa: S704
            contents=contents,
            nothing=nothing,
            pages=[(str(number), each, each == file) for number, each in enumerate(names, 1)],
        )
    return texts


_PAGE = re.compile('(?=<div class="taskanalysis"><!--page-->)')


def _to_latest(html: str, kept: bool) -> str:
    """HTML whose links to stories lead to ``latest``, the only place where those are kept."""
    return html.replace('href="tasks', 'href="../../latest/tasks') if kept else html


_SECTION = re.compile(r"<h2\b(?![^>]*class=)([^>]*)>(.*?)</h2>", re.DOTALL)
_EMPTY = re.compile(r"<p class=\"empty[^>]*>(.*?)</p>", re.DOTALL)
_BARE = re.compile(r"<p>.*?</p>|</?div[^>]*>|\s+", re.DOTALL)


def _with_contents(body: str) -> tuple[str, str, list[tuple[str, str]], str]:
    """What comes before the first section, the sections with ids, the ids with their texts, and what all others say.

    A section that says only that there is nothing to show is left out, and its sentence stands with those of others.

    >>> _with_contents("<h1>T</h1><h2>Why?</h2>a<h2>Why &amp; <i>how</i></h2>b")[1:3]
    ('<h2 id="why">Why?</h2>a<h2 id="why-how">Why &amp; <i>how</i></h2>b', [('why', 'Why?'), ('why-how', 'Why & how')])
    >>> _with_contents('<h2>Why?</h2><p>Text.</p><p class="empty">Not known.</p>')[1:]
    ('', [], 'Not known.')
    """
    contents: dict[str, str] = {}
    nothing: list[str] = []
    intro, *parts = _SECTION.split(body)
    sections = []
    for attributes, inner, content in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        sentences = _EMPTY.findall(content)
        if sentences and not _BARE.sub("", _EMPTY.sub("", content)):
            nothing += [unescape(re.sub("<[^>]*>", "", sentence)) for sentence in sentences]
            continue
        text = unescape(re.sub("<[^>]*>", "", inner)).strip()
        own = re.search(r"""\bid=(["'])(.+?)\1""", attributes)
        wanted = unescape(own[2]) if own else "-".join(re.findall("[a-z0-9]+", text.lower())) or "section"
        name, number = wanted, 1
        while name in contents and not own:
            number += 1
            name = f"{wanted}-{number}"
        contents[name] = text
        named = attributes if own else f' id="{name}"{attributes}'
        sections.append(f"<h2{named}>{inner}</h2>{content}")
    return intro, "".join(sections), list(contents.items()), " ".join(dict.fromkeys(nothing))


def failure_page(
    failure: Failure,
    run: Run,
    parameters: Mapping[str, Any],
    *,
    kept: bool,
    has_good: bool,
    failed: Sequence[str] = (),
    answer: str = "",
    good_at: datetime | None = None,
    made: Sequence[str] = (),
) -> str:
    """The page of a failed report: what still holds, then cell, error and parameters, masked.

    `answer` is that of the last good report and `good_at` when its data were read; `made` are the pages of this run.
    """
    links = _links(run.names, kept, failed)
    visible = Failure(failure.report, *(shown(text) for text in (failure.what, failure.cell, failure.error)))
    good = f"../../latest/{failure.report}.html" if kept else f"{failure.report}.html"
    return page(
        "failed",
        run,
        title=f"{failure.report.title()} could not be made",
        links=links,
        state="failed",
        failure=visible,
        good=good if has_good else "",
        answer=shown(answer),
        good_at=good_at,
        others=[(other, target) for other, target in links[1:] if target in made],
        parameters={name: shown(str(value)) for name, value in parameters.items()},
    )


def _links(names: Sequence[str], kept: bool, failed: Sequence[str]) -> list[tuple[str, str]]:
    pages = {name: f"{name}-failed.html" if name in failed else f"{name}.html" for name in names}
    if kept and "tasks" in pages:
        pages["tasks"] = "../../latest/tasks.html"
    return [
        ("Overview", "../../index.html" if kept else "../index.html"),
        *((n.title(), to) for n, to in pages.items()),
    ]


def page(
    template: str, run: Run, *, title: str, links: Sequence[tuple[str, str]], state: str = "good", **fields: Any
) -> str:
    """Render a page by the name of its template; all values are escaped."""
    environment, style, script = _environment()
    made = environment.get_template(f"{template}.html.j2")
    text = made.render(run=run, title=title, links=links, state=state, style=_MARK, policy=_MARK, **fields)
    text, labels = _with_labels(text)
    whole = style + labels
    policy = (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src {_hash(whole)}; script-src {_hash(script)}"
    )
    return text.replace(_MARK, policy, 1).replace(_MARK, whole, 1)


_MARK = f"@@{secrets.token_hex(8)}@@"
"""What no text of a task can be."""
_TABLE = re.compile(r"<table( class=chips)?>(?=<caption>.*?</caption><thead><tr>(.*?)</tr></thead>)", re.DOTALL)
_HEAD = re.compile(r"<th\b([^>]*)>(.*?)</th>", re.DOTALL)
_SELF_EVIDENT = {"State", "Last 30 days", "Each day", "Task", "Owner"}


def _with_labels(text: str) -> tuple[str, str]:
    """A page whose tables have ids, and the style of their columns: numbers at the right, and names on a phone.

    Attributes for each cell would take a tenth of a large page.
    """
    numbers, names = "", ""
    count = 0

    def with_id(found: re.Match[str]) -> str:
        nonlocal count, numbers, names
        count += 1
        for place, (attributes, inner) in enumerate(_HEAD.findall(found[2]), 1):
            column = f"#c{count} td:nth-child({place})"
            head = unescape(re.sub("<[^>]*>", "", inner))
            if "number" in attributes:
                numbers += f"{column}{{text-align:right;white-space:nowrap}}"
            if place > 1 and head not in _SELF_EVIDENT:
                names += f"{column}::before{{content:{_css(head)}}}"
        return f'<table id="c{count}"{found[1] or ""}>'

    text = _TABLE.sub(with_id, text)
    return text, f"@media (min-width: 45.01rem), print {{{numbers}}} @media (max-width: 45rem) {{{names}}}"


def _css(text: str) -> str:
    r"""A text as a string of CSS, in which nothing can end it.

    >>> _css('Next "start"</style>')
    '"Next \\000022start\\000022\\00003C/style\\00003E"'
    """
    return '"' + "".join(c if c.isalnum() or c in " ,.:()/-" else f"\\{ord(c):06X}" for c in text) + '"'


@cache
def _environment() -> tuple[Environment, str, str]:
    """The templates, the style and the script."""
    environment = Environment(loader=FileSystemLoader(TEMPLATE), autoescape=True, undefined=StrictUndefined)
    style, script = (TEMPLATE.joinpath(file).read_text(encoding="utf-8") for file in ("style.css", "script.js"))
    environment.globals |= {"version": __version__, "script": Markup(script)}  # noqa: S704 (our own file)
    return environment, style, script


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"


# Faults of a page --------------------------------------------------------------------------------------------

_REFERENCES = ("src", "href", "srcset", "poster", "data", "action", "background", "xlink:href")
_URL = re.compile(r"@import|url\(\s*['\"]?(?!data:|#)", re.IGNORECASE)


def find_faults(body: str) -> list[str]:
    """Reasons not to publish a rendered notebook: images without text, references outside the folder."""
    parser = HTMLParser(huge_tree=True)
    # libxml2 takes breaks of words for elements that go on, and ends where too many lie in each other
    root = etree.fromstring(f"<div>{body.replace('<wbr>', '')}</div>", parser)
    unread = any(error.level == etree.ErrorLevels.FATAL for error in parser.error_log)
    faults = ["it can't be checked to its end"] if unread else []
    for element in root.iter(etree.Element):
        if element.tag == "img" and not (element.get("alt") or "").strip():
            faults.append("an image has no text (alt)")
        references = [str(value).strip() for name, value in element.items() if name in _REFERENCES]
        styled = (element.get("style") or "") + (element.text or "" if element.tag == "style" else "")
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
        attention = int(values["attention"]) if values.get("attention") else None
        taken_at = datetime.fromisoformat(unescape(values["snapshot"])) if "snapshot" in values else None
        state, run = (unescape(values[name]) for name in ("state", "run"))
        head = Head(state, run, made_at, due, attention, taken_at, values.get("unseen") == "yes")
        return head if made_at.tzinfo else None
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


def read_answer(text: str) -> str:
    """The answer that a published page gives: its h1 without `LAST_KNOWN`; "" where it has none."""
    found = re.search("<h1>(.*?)</h1>", text, re.DOTALL)
    return unescape(re.sub("<[^>]*>", "", found[1])).removeprefix(LAST_KNOWN) if found else ""


_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def shown(text: str) -> str:
    """Text from a file as a page may show it: masked, hidden characters visible, without the colours of a terminal."""
    return mask(_ANSI.sub("", text))
