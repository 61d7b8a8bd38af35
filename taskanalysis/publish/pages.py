"""Pages: an executed notebook, or what is known, as one HTML file through the templates beside this module.

nbconvert renders the cells; what is around them is ours, since its own page asks the internet for scripts. Each page
carries its moment and when a newer one is due, so that the reader's browser can say that nobody renews it any more.

>>> find_faults('<img src="data:image/png;base64,aaaa" alt=""><script src="https://example.org/x.js"></script>')
['an image has no text (alt)', 'it asks for https://example.org/x.js']
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from html import escape, unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from lxml import etree
from lxml.html import HTMLParser
from markupsafe import Markup

from taskanalysis import __version__
from taskanalysis.publish.notebooks import Failure, without_slow_imports
from taskanalysis.text import clip, mask

if TYPE_CHECKING:
    from nbconvert import HTMLExporter
    from nbformat import NotebookNode

__all__ = [
    "Head",
    "Run",
    "failure_page",
    "find_faults",
    "page",
    "read_head",
    "render_cells",
    "report_page",
    "with_notice",
]

TEMPLATE = Path(__file__).parent / "template"
HEAD_BYTES = 4096
# that of display.py, which would bring pandas into a process that only waits for notebooks; a test compares both
PAGE_TYPE = "application/vnd.taskanalysis.page+json"


@dataclass(frozen=True)
class Run:
    """What all pages of a run share: its stamp, when it was made, and of which snapshot.

    The moments are aware. `due` is when a newer snapshot should be there, None for a time in the past that was asked
    for; `zone` is the server's, "" where not known; `names` are the reports there are; `sample` is said on each page.
    """

    stamp: str
    made_at: datetime
    taken_at: datetime
    due: datetime | None
    zone: str
    names: Sequence[str]
    sample: str = ""

    def local(self, moment: datetime) -> str:
        """A moment as readers of this server see it."""
        there = moment.astimezone(ZoneInfo(self.zone or "UTC"))
        return f"{there:%Y-%m-%d %H:%M} ({self.zone or 'UTC'})"

    def stale_words(self) -> str:
        """That the snapshot is too old: said from the moment `due` on."""
        zone = ZoneInfo(self.zone or "UTC")
        taken_at, due = (
            f"{each.astimezone(zone):%Y-%m-%d %H:%M}" for each in (self.taken_at, self.due or self.made_at)
        )
        return f"Stale: the newest snapshot is of {taken_at}, and another was due by {due}."


@dataclass(frozen=True)
class Head:
    """What a page that lies in the share says of itself; `state` is good or failed."""

    state: str
    run: str
    made_at: datetime
    due: datetime | None


# Reports --------------------------------------------------------------------------------------------------------------


def render_cells(notebook: NotebookNode) -> tuple[str, str]:
    """The title of an executed notebook, and its cells as HTML without their code."""
    from nbconvert import TemplateExporter  # noqa: PLC0415 (while notebooks run there is time for it)

    # HTMLExporter would parse the page once more, which takes minutes for thousands of rows; ours needs no mending
    body, _ = TemplateExporter.from_notebook_node(_exporter(), notebook)
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    titles = [output["data"][PAGE_TYPE]["title"] for output in outputs if PAGE_TYPE in output.get("data", {})]
    return str(titles[0]) if titles else "Report", str(body)


@cache
def _exporter() -> HTMLExporter:
    """One exporter for all pages: it takes a while to make."""
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
    rendered: tuple[str, str],
    run: Run,
    *,
    files: Sequence[str],
    kept: bool = False,
    failed: Sequence[str] = (),
) -> str:
    """The page of a report: for ``latest``, or where `kept` for its run; `rendered` is what `render_cells` gave.

    `files` lie beside it; `failed` are reports of the same run that have no page.
    """
    title, body = rendered
    links = _links(run.names, "../../index.html" if kept else "../index.html", failed if kept else ())
    intro, sections, contents = _with_contents(body)
    fields: dict[str, Any] = {"intro": Markup(intro), "sections": Markup(sections), "contents": contents}  # noqa: S704
    return page(
        "report", run, title=title, links=links, files=files, kept=kept, newest=f"../../latest/{name}.html", **fields
    )


_SECTION = re.compile(r"<h2\b([^>]*)>(.*?)</h2>", re.DOTALL)


def _with_contents(body: str) -> tuple[str, str, list[tuple[str, str]]]:
    """The cells before the first section, the sections with an id on each heading, and these ids with their texts.

    >>> _with_contents("<h1>T</h1><h2>Why?</h2><h2>Why &amp; <i>how</i></h2>")[1:]
    ('<h2 id="why">Why?</h2><h2 id="why-how">Why &amp; <i>how</i></h2>', [('why', 'Why?'), ('why-how', 'Why & how')])
    """
    contents: dict[str, str] = {}

    def with_id(found: re.Match[str]) -> str:
        attributes, inner = found.groups()
        text = unescape(re.sub("<[^>]*>", "", inner)).strip()
        own = re.search(r"""\bid=(["'])(.+?)\1""", attributes)
        wanted = unescape(own[2]) if own else "-".join(re.findall("[a-z0-9]+", text.lower())) or "section"
        name, number = wanted, 1
        while name in contents and not own:
            number += 1
            name = f"{wanted}-{number}"
        contents[name] = text
        return found[0] if own else f'<h2 id="{name}"{attributes}>{inner}</h2>'

    first = _SECTION.search(body)
    begin = first.start() if first else len(body)
    return body[:begin], _SECTION.sub(with_id, body[begin:]), list(contents.items())


def failure_page(
    failure: Failure, run: Run, parameters: Mapping[str, Any], *, kept: bool, has_good: bool, failed: Sequence[str] = ()
) -> str:
    """Why a report could not be made: the cell, the error, the parameters; masked."""
    visible = Failure(failure.report, *(shown(text) for text in (failure.what, failure.cell, failure.error)))
    good = f"../../latest/{failure.report}.html" if kept else f"{failure.report}.html"
    return page(
        "failed",
        run,
        title=f"{failure.report.title()} could not be made",
        links=_links(run.names, "../../index.html" if kept else "../index.html", failed),
        state="failed",
        failure=visible,
        good=good if has_good else "",
        parameters={each: shown(str(value)) for each, value in parameters.items()},
    )


def _links(names: Sequence[str], index: str, failed: Sequence[str]) -> list[tuple[str, str]]:
    pages = [(name.title(), f"{name}-failed.html" if name in failed else f"{name}.html") for name in names]
    return [("All reports", index), *pages]


def page(
    template: str, run: Run, *, title: str, links: Sequence[tuple[str, str]], state: str = "good", **fields: Any
) -> str:
    """A page by the name of its template; all that goes in is escaped."""
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


_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def _visible(text: str) -> str:
    """Text without colours of a terminal, and with its control characters as pictures of them."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "\ufffd" for letter in _ANSI.sub("", text))


# What a page must not have --------------------------------------------------------------------------------------------

_ASKING = ("src", "href", "srcset", "poster", "data", "action", "background", "xlink:href")
_URL = re.compile(r"@import|url\(\s*['\"]?(?!data:|#)", re.IGNORECASE)


def find_faults(body: str) -> list[str]:
    """Why a rendered notebook must not be published: images without text, references to what lies outside."""
    root = etree.fromstring(f"<div>{body}</div>", HTMLParser(huge_tree=True))
    faults = []
    for element in root.iter(etree.Element):
        if element.tag == "img" and not (element.get("alt") or "").strip():
            faults.append("an image has no text (alt)")
        asked = [str(element.get(name) or "").strip() for name in _ASKING]
        styled = str(element.get("style") or "") + (element.text or "" if element.tag == "style" else "")
        asked += [styled] if _URL.search(styled) else []
        faults += [f"it asks for {clip(each)}" for each in asked if _is_outside(each)]
    return faults


def _is_outside(reference: str) -> bool:
    r"""Whether it leads out of the folder: all that has a scheme or a host, but no data.

    >>> [_is_outside(each) for each in ("status.csv", "#top", "data:,", "//host/x", "https://host", "\\\\host\\x")]
    [False, False, False, True, True, True]
    """
    scheme = re.match(r"[a-z][a-z0-9+.-]*:", reference, re.IGNORECASE)
    return (
        bool(scheme and scheme[0].lower() != "data:")
        or reference.startswith(("/", "\\"))
        or bool(_URL.search(reference))
    )


# Pages that lie in the share ------------------------------------------------------------------------------------------


def read_head(file: Path) -> Head | None:
    """What a page says of itself, None where it is not there or not one of ours."""
    try:
        with file.open("rb") as opened:
            text = opened.read(HEAD_BYTES).decode("utf-8", "replace")
    except OSError:
        return None
    found = dict(re.findall(r'data-([a-z-]+)="([^"]*)"', text.partition("<head>")[0]))
    try:
        due = datetime.fromisoformat(unescape(found["due"])) if "due" in found else None
        made_at = datetime.fromisoformat(unescape(found["made-at"]))
        return Head(unescape(found["state"]), unescape(found["run"]), made_at, due) if made_at.tzinfo else None
    except (KeyError, ValueError):
        return None


_NOTICE = re.compile(r"<!--notice-->.*?<!--/notice-->", re.DOTALL)


def with_notice(text: str, sentence: str, link: str, name: str) -> str:
    """The text of a page with a sentence and a link at its top, in place of such a one from before."""
    shown_link = f'<a href="{escape(link)}">{escape(name)}</a>'
    band = f'<!--notice--><p class="banner">{escape(sentence)} {shown_link}</p><!--/notice-->'
    head, begin, body = text.partition("<body>")
    replaced, number = _NOTICE.subn(lambda _: band, body, count=1)
    return head + begin + (replaced if number else band + body)  # a page of an older version has no place for it


def age(earlier: datetime, later: datetime) -> str:
    """How long it was, in one unit.

    >>> from datetime import UTC, timedelta
    >>> moment = datetime(2026, 11, 23, tzinfo=UTC)
    >>> age(moment, moment + timedelta(hours=50)), age(moment, moment + timedelta(minutes=61))
    ('2 days', '61 minutes')
    """
    minutes = max(int((later - earlier).total_seconds() // 60), 0)
    size, unit = (1, "minute") if minutes < 120 else (60, "hour") if minutes < 2880 else (1440, "day")
    number = minutes // size
    return f"{number} {unit}{'' if number == 1 else 's'}"


def shown(text: str) -> str:
    """Text of a file as it may be shown on a page: masked, its control characters visible."""
    return _visible(mask(text))
