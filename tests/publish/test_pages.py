"""Pages: what must not be on them, what they say about themselves, and how one report becomes several of them."""

import base64
import hashlib
import pickle
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import nbformat
import pytest
from lxml import html

from taskanalysis.publish import pages
from taskanalysis.publish.notebooks import Failure
from taskanalysis.publish.pages import (
    LAST_KNOWN,
    Rendered,
    Run,
    failure_page,
    find_faults,
    read_answer,
    read_head,
    render_cells,
    report_pages,
    with_notice,
)
from taskanalysis.report import display
from taskanalysis.report.style import scoped
from tests.build import NOON

IMAGE = "<img src='data:image/png;base64,iVBORw0KGgo=' alt='{}'>"
HOUR = timedelta(hours=1)
RUN = Run("20261120T120000Z", NOON, NOON - HOUR, NOON + HOUR, "Europe/London", ("status", "tasks"), server="SRV")


def report_page(body: str, run: Run = RUN, name: str = "status", **given: Any) -> str:
    """The only page of a report with this body."""
    (text,) = report_pages(name, Rendered("T", body), run, files=[], **given).values()
    return text


def h1(text: str) -> str:
    return str(html.fromstring(text).xpath("string(//h1)"))


# Faults ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        "<img src='data:,'>",
        "<img src='data:,' alt=' '>",
        "<img src='https://example.org/x.png' alt='x'>",
        "<img src='//example.org/x.png' alt='x'>",
        "<img src='\\\\host\\x.png' alt='x'>",
        "<a href='file:///etc/passwd'>x</a>",
        "<p style='background: url(https://example.org/x.png)'>x</p>",
        "<style>@import 'x.css'</style>",
        "<svg><image xlink:href='https://example.org/x.png'></image></svg>",
    ],
)
def test_fault_of_a_page_is_found(fault: str) -> None:
    assert len(find_faults(f"<p>before</p>{fault}<p>after</p>")) == 1


@pytest.mark.parametrize("long", ["a<wbr>" * 5000, "<i>" * 3000])
def test_fault_behind_a_very_long_or_deep_text_is_found(long: str) -> None:
    """Some parsers end where more than 2,048 elements lie in each other, which is a fault."""
    assert len(find_faults(f"<p>{long}</p><img src='https://example.org/x.png' alt='x'>")) == 1
    assert len(find_faults(f"<p>{long}</p>")) <= ("<i>" in long)


def test_page_without_fault_has_none() -> None:
    assert find_faults(f"{IMAGE.format('Bar chart.')}<a href='status.csv'>x</a><a href='#top'>y</a> https://a.b") == []


# What a page says of itself -------------------------------------------------------------------------------------------


def test_media_types_are_those_of_the_notebooks() -> None:
    assert (pages.PAGE_TYPE, pages.CARD_TYPE) == (display.PAGE_TYPE, display.CARD_TYPE)


@pytest.mark.parametrize(
    ("attention", "unseen", "title"),
    [
        (17, False, "17 need attention – Status – SRV"),
        (1, False, "1 needs attention – Status – SRV"),
        (1000, True, "1,000 need attention, not all seen – Status – SRV"),
        (0, True, "0 need attention, not all seen – Status – SRV"),
        (None, True, "Status – SRV"),
    ],
)
def test_title_begins_with_the_number_that_need_attention(attention: int | None, unseen: bool, title: str) -> None:
    run = replace(RUN, attention=attention, unseen=unseen)
    assert run.title("Status") == title
    assert html.fromstring(report_page("<h1>x</h1>", run)).findtext(".//title").startswith(title.partition("Stat")[0])


def test_head_of_a_page_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "x.html"
    file.write_text(report_page("<h1>x</h1>", replace(RUN, attention=3, unseen=True)), encoding="utf-8")
    assert read_head(file) == pages.Head("good", RUN.stamp, NOON, NOON + HOUR, 3, NOON - HOUR, unseen=True)
    file.write_text(report_page("<h1>x</h1>", replace(RUN, due=None)), encoding="utf-8")
    assert read_head(file) == pages.Head("good", RUN.stamp, NOON, None, None, NOON - HOUR)
    assert read_head(tmp_path / "nowhere.html") is None


def test_page_begins_with_a_link_to_its_answer() -> None:
    page = html.document_fromstring(report_page("<h1>x</h1>"))
    first = page.xpath("//a")[0]
    assert (first.get("class"), first.get("href")) == ("skip", "#main")
    (main,) = page.xpath("//main[@id='main']")
    assert main[0].tag == "h1"


@pytest.mark.parametrize(
    ("due", "words"),
    [
        (HOUR, "As of Fri 20 Nov 2026 11:00, server time (Europe/London). Current until today 13:00."),
        (
            -HOUR / 2,
            "As of Fri 20 Nov 2026 11:00, server time (Europe/London). "
            "Stale: a newer snapshot was due by Fri 20 Nov 2026 11:30.",
        ),
        (None, "As of Fri 20 Nov 2026 11:00, server time (Europe/London)."),
    ],
)
def test_page_says_of_when_it_is_and_until_when(due: timedelta | None, words: str) -> None:
    page = html.fromstring(report_page("<h1>x</h1>", replace(RUN, due=due and NOON + due)))
    assert " ".join(page.xpath("string(//p[@class='when'])").split()) == words
    assert page.xpath("//p[@class='when']/time/@datetime") == ["2026-11-20T11:00:00+00:00"]


def test_page_of_a_server_without_a_zone_says_so() -> None:
    page = html.fromstring(report_page("<h1>x</h1>", replace(RUN, zone="")))
    assert "Nov 2026 11:00, UTC; the server's zone is not known." in page.xpath("string(//p[@class='when'])")


def test_answer_of_a_page_that_is_stale_when_made_is_of_the_past() -> None:
    body = "<h1>Nothing to do: no task &lt;b&gt; needs attention</h1>"
    stale = report_page(body, replace(RUN, due=NOON - HOUR / 2))
    assert h1(stale) == f"{LAST_KNOWN}Nothing to do: no task <b> needs attention"
    assert {read_answer(text) for text in (stale, report_page(body))} == {"Nothing to do: no task <b> needs attention"}
    for due in (NOON, None):  # with --at nothing is due
        assert h1(report_page(body, replace(RUN, due=due))) == "Nothing to do: no task <b> needs attention"


def test_age_of_a_report_is_that_of_what_it_shows() -> None:
    old = Rendered("Inventory", "<h1>x</h1>", NOON - 48 * HOUR, NOON - 22 * HOUR)
    (text,) = report_pages("inventory", old, RUN, files=[]).values()
    assert 'As of <time datetime="2026-11-18T12:00:00+00:00">Wed 18 Nov 2026 12:00</time>' in text
    assert h1(text) == f"{LAST_KNOWN}x"


def test_answer_of_another_page_is_empty() -> None:
    assert [read_answer(text) for text in ("", "<h1 class=x>a</h1>", "<h1>a<b>b</b>\n</h1>")] == ["", "", "ab\n"]


def test_page_of_an_older_version_gets_its_banner_too() -> None:
    page = with_notice("<html><head></head><body><main>x</main></body></html>", "No <b>luck.", "a.html", "Why")
    assert html.fromstring(page).xpath("//p[@class='banner']/text()") == ["No <b>luck. "]


# The policy -----------------------------------------------------------------------------------------------------------


def hashes(text: str, tag: str) -> list[str]:
    """The hashes of the content of all elements of a kind, as a browser computes them."""
    inner = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    return [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in inner]


HEADS = ("Task", "State", "Good", 'a"</style><script>x</script>\\')


def table(numbers: str = "number", heads: tuple[str, ...] = HEADS) -> str:
    cells = "".join(
        f'<th scope="col" class="{numbers if place == 2 else "x"}">{pages.escape(head)}</th>'
        for place, head in enumerate(heads)
    )
    row = f"<tr><th scope=row>r{'<td>1' * (len(heads) - 1)}</tr>"
    return f"<table><caption>C</caption><thead><tr>{cells}</tr></thead><tbody>{row}</tbody></table>"


@pytest.mark.parametrize("body", ["<h1>x</h1>", f"<h1>x</h1>{table()}", f"<h1>x</h1>{table()}{table()}"])
def test_policy_names_the_style_and_the_script_of_its_page_and_no_other(body: str) -> None:
    text = report_page(body)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', text)
    ((style,), (script,)) = hashes(text, "style"), hashes(text, "script")
    assert policy == (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src 'sha256-{style}'; script-src 'sha256-{script}'"
    )
    assert not re.search(r"\son[a-z]+=|\sstyle=", text)


def test_columns_have_their_names_on_a_phone_and_numbers_stand_at_the_right() -> None:
    text = report_page(f"<h1>x</h1>{table()}{table('x', ('Task', 'Kind'))}")
    assert re.findall(r"#c\d[^{}]*\{text-align:right[^}]*\}", text) == [
        "#c1 td:nth-child(3){text-align:right;white-space:nowrap}"
    ]
    labels = re.findall(r"(#c\d td:nth-child\(\d\))::before\{content:(\"[^\"]*\")\}", text)
    hostile = '"a\\000022\\00003C/style\\00003E\\00003Cscript\\00003Ex\\00003C/script\\00003E\\00005C"'
    assert labels == [
        ("#c1 td:nth-child(3)", '"Good"'),
        ("#c1 td:nth-child(4)", hostile),
        ("#c2 td:nth-child(2)", '"Kind"'),
    ]
    assert html.fromstring(text).xpath("//table/@id") == ["c1", "c2"]
    assert text.count("<script>") == 1


# Sections -------------------------------------------------------------------------------------------------------------


def test_headings_that_say_the_same_have_two_places() -> None:
    body = "<h1>T</h1><h2>A &lt;b&gt;?</h2><h2>A <code>b</code></h2><h2>?!</h2><h2 id='own'>A</h2>"
    text = report_page(body)
    assert re.findall('<li><a href="#([^"]*)">(.*?)</a>', text) == [
        ("a-b", "A &lt;b&gt;?"),
        ("a-b-2", "A b"),
        ("section", "?!"),
        ("own", "A"),
    ]
    assert '<h2 id="a-b-2">A <code>b</code></h2><h2 id="section">?!</h2><h2 id=\'own\'>A</h2>' in text
    assert text == report_page(body)


def test_contents_come_after_the_answer_and_not_where_there_is_one_section() -> None:
    page = html.document_fromstring(report_page("<h1>T</h1><ol><li>card</ol><h2>A</h2>a<h2>B</h2>b"))
    assert [child.tag for child in page.xpath("//main")[0]] == ["h1", "ol", "nav", "h2", "h2"]
    for body in ("<h1>T</h1><p>x</p>", "<h1>T</h1><h2>A</h2>a"):
        assert 'class="contents"' not in report_page(body)


def test_empty_sections_are_one_line_without_headings() -> None:
    nothing = '<h2>{}?</h2><div class="taskanalysis"><p class="empty">{}</p></div>'
    body = "<h1>T</h1><h2>Full</h2>x" + nothing.format("A", "No a &amp; b.") + nothing.format("B", "No c.")
    body += nothing.format("C", "No c.") + '<h2>D</h2><p class="empty">No d.</p><table></table>'
    page = html.fromstring(report_page(body))
    assert page.xpath("//h2/text()") == ["Full", "D"]
    assert page.xpath("//nav[@aria-label='Contents']//a/text()") == ["Full", "D"]
    assert page.xpath("//main/*[last()]/text()") == ["No a & b. No c."]


def test_headings_of_cards_are_no_sections() -> None:
    page = html.fromstring(report_page("<h1>T</h1><h2 class=what>Card</h2><h2>A</h2><h2>B</h2>"))
    assert page.xpath("//h2/@id") == ["a", "b"]


# A report of several pages --------------------------------------------------------------------------------------------

STORIES = "<h1>250 tasks</h1><p>intro</p>" + "".join(
    f'<div class="taskanalysis"><!--page--><section class="task" id="t{number}">'
    f'<a href="tasks-2.html#t2">x</a> href="tasks is text</section></div>'
    for number in (1, 2, 3)
)


def test_stories_are_on_as_many_pages_as_there_are_hundreds() -> None:
    texts = report_pages("tasks", Rendered("Tasks", STORIES), RUN, files=[])
    assert list(texts) == ["tasks.html", "tasks-2.html", "tasks-3.html"]
    found = [html.fromstring(text) for text in texts.values()]
    assert [page.xpath("//section/@id") for page in found] == [["t1"], ["t2"], ["t3"]]
    assert [page.xpath("//h1/text()") for page in found] == [
        ["250 tasks"],
        ["Tasks, page 2 of 3"],
        ["Tasks, page 3 of 3"],
    ]
    for page, name in zip(found, texts, strict=True):
        assert page.xpath("//nav[@aria-label='Pages']//a/@href") == list(texts)
        assert page.xpath("//nav[@aria-label='Pages']//a[@aria-current='page']/@href") == [name]
    assert "Pages" not in report_page("<h1>T</h1>")


def test_links_of_a_kept_page_to_stories_lead_to_latest() -> None:
    text = report_page('<h1>T</h1><a href="tasks.html#t1">x</a><a href="status.csv">y</a>href=&quot;tasks', kept=True)
    page = html.fromstring(text)
    assert page.xpath("//main//a/@href") == ["../../latest/tasks.html#t1", "status.csv"]
    assert page.xpath("//nav[@aria-label='Reports']/a/@href") == [
        "../../index.html",
        "status.html",
        "../../latest/tasks.html",
    ]
    assert page.xpath("//p[@class='when']/a/@href") == ["../../latest/status.html"]
    assert not page.xpath("//*[@data-stale-after]")  # nobody renews a page that is kept
    assert "href=&quot;tasks" in text


# Cells ----------------------------------------------------------------------------------------------------------------


def test_cells_become_a_page_without_the_style_of_jupyter_and_what_comes_before_the_heading() -> None:
    heading = display.Heading("Status", {"Server": "S"}, NOON, NOON + HOUR)
    answer = display.Answer("2 things <to> do", points=["\\A"], is_good=False)
    outputs = [nbformat.v4.new_output("execute_result", each._repr_mimebundle_()) for each in (heading, answer)] + [
        nbformat.v4.new_output("display_data", {"text/html": scoped("<p>12</p>")})
    ]
    cells = [nbformat.v4.new_markdown_cell("# For analysts")]
    cells += [nbformat.v4.new_code_cell("secret_code()", outputs=[output]) for output in outputs]
    rendered = render_cells(nbformat.v4.new_notebook(cells=cells))
    assert (rendered.title, rendered.read_at, rendered.stale_after) == ("Status", NOON, NOON + HOUR)
    assert rendered.card == {"answer": "2 things <to> do", "points": ["\\A"], "figure": "", "is_good": False}
    assert "<h1>2 things &lt;to&gt; do</h1>" in rendered.body
    assert '<div class="taskanalysis"><p>12</p></div>' in rendered.body
    for gone in ("For analysts", "secret_code", "<style", "facts"):
        assert gone not in rendered.body
    assert b"nbformat" not in pickle.dumps(rendered)  # the process that gets it would import that for a second


# Reports that failed --------------------------------------------------------------------------------------------------


def test_page_of_a_failed_report_says_first_what_still_holds() -> None:
    failure = Failure("status", "status.ipynb: the cell 'a' raised ValueError: oh", "a", "ValueError: oh")
    known: dict[str, Any] = {"answer": "9 things <b> to do --password S3cret", "good_at": NOON - 5 * HOUR}
    text = failure_page(failure, RUN, {"data": "x", "at": ""}, kept=False, has_good=True, made=["tasks.html"], **known)
    page = html.document_fromstring(text)
    assert page.xpath("//h1/text()") == ["Status could not be made"]
    first, second, third = page.xpath("//main/p")[:3]
    assert first.text_content() == ("What still holds: 9 things <b> to do --password ***, as of Fri 20 Nov 2026 07:00.")
    assert first.xpath("a/@href") == ["status.html"]
    assert second.text_content() == "Made in this run: Tasks."
    assert second.xpath("a/@href") == ["tasks.html"]
    assert third.text_content().startswith("status.ipynb: the cell 'a' raised ValueError: oh. The next run tries again")
    assert page.xpath("//h2/text()") == ["Cell", "Error", "Parameters"]
    assert page.xpath("//dd/text()") == ["x", "(empty)"]
    kept = html.fromstring(failure_page(failure, RUN, {}, kept=True, has_good=True, **known))
    assert kept.xpath("//main/p[1]/a/@href") == ["../../latest/status.html"]


def test_page_of_a_report_that_never_was_made_says_so() -> None:
    text = failure_page(Failure("status", "It died"), RUN, {}, kept=False, has_good=False)
    page = html.fromstring(text)
    assert page.xpath("string(//main/p[1])") == "There is no earlier version of this report."
    assert page.xpath("//h2/text()") == ["Parameters"]
