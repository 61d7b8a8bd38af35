"""Pages: what must not be on them, and what they say about themselves."""

import re
from datetime import timedelta

import pytest
from lxml import html

from taskanalysis.publish import pages
from taskanalysis.publish.pages import age, find_faults, with_notice
from taskanalysis.report import display
from tests.build import NOON

IMAGE = "<img src='data:image/png;base64,iVBORw0KGgo=' alt='{}'>"


def test_page_of_an_older_version_gets_its_banner_too() -> None:
    page = with_notice("<html><head></head><body><main>x</main></body></html>", "No <b>luck.", "a.html", "Why")
    assert html.fromstring(page).xpath("//p[@class='banner']/text()") == ["No <b>luck. "]


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


def test_page_without_fault_has_none() -> None:
    assert find_faults(f"{IMAGE.format('Bar chart.')}<a href='status.csv'>x</a><a href='#top'>y</a> https://a.b") == []


def test_media_type_of_the_title_is_that_of_the_notebooks() -> None:
    assert pages.PAGE_TYPE == display.PAGE_TYPE


@pytest.mark.parametrize(
    ("minutes", "said"), [(-5, "0 minutes"), (1, "1 minute"), (119, "119 minutes"), (120, "2 hours"), (2880, "2 days")]
)
def test_age_is_said_in_one_unit(minutes: int, said: str) -> None:
    assert age(NOON, NOON + timedelta(minutes=minutes)) == said


def test_headings_that_say_the_same_have_two_places() -> None:
    run = pages.Run("20261123T110500Z", NOON, NOON, None, "", ["status"])
    body = "<h1>T</h1><h2>A &lt;b&gt;?</h2><h2>A <code>b</code></h2><h2>?!</h2><h2 id='own'>A</h2>"
    text = pages.report_page("status", pages.Rendered("T", body), run, files=[])
    assert re.findall('<li><a href="#([^"]*)">(.*?)</a>', text) == [
        ("a-b", "A &lt;b&gt;?"),
        ("a-b-2", "A b"),
        ("section", "?!"),
        ("own", "A"),
    ]
    assert '<h2 id="a-b-2">A <code>b</code></h2><h2 id="section">?!</h2><h2 id=\'own\'>A</h2>' in text
    assert text == pages.report_page("status", pages.Rendered("T", body), run, files=[])


def test_page_without_sections_has_no_contents() -> None:
    run = pages.Run("20261123T110500Z", NOON, NOON, None, "", ["status"])
    assert 'class="contents"' not in pages.report_page(
        "status", pages.Rendered("T", "<h1>T</h1><p>x</p>"), run, files=[]
    )
