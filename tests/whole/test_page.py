"""The page in a real browser: offline, in the dark, on a phone, on paper, without scripts, with hostile texts."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from benchmarks.reports import BROWSERS, PROGRAM, chromium
from taskanalysis.errors import Problem, ReportError
from taskanalysis.publish import index as overview
from taskanalysis.publish import pages as page_maker
from taskanalysis.publish.make import NOTEBOOKS, Outcome, make_all
from taskanalysis.publish.notebooks import Failure
from taskanalysis.publish.pages import Run
from taskanalysis.report.display import BADGES
from tests.build import HOSTILE, SCRIPT

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not PROGRAM:
        pytest.skip(f"no Chromium found: none of {', '.join(BROWSERS)} is on the PATH")
    with chromium() as opened:
        yield opened


class Opened:
    """A page with the network cut, and all that it asked for or complained of."""

    def __init__(self, browser: Browser, file: Path, **context: Any) -> None:
        self.page: Page = browser.new_context(offline=True, **context).new_page()
        self.asked: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.goto(file.as_uri())

    def rows(self, caption: str) -> list[str]:
        """The first cells of a table's rows that can be seen."""
        table = self.page.locator(".table", has=self.page.locator(f"caption:text-is('{caption}')"))
        return [cell for cell in table.locator("tbody tr > :first-child:visible").all_inner_texts() if cell]


NOW = datetime(2026, 11, 23, 11, 5, tzinfo=UTC)
ABOUT = 'dir="rtl" \u202e<b>\x1b[31m{{ 7*7 }} & "quotes\' =1+1 '


@pytest.fixture(scope="module")
def index_pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of several servers, with a report that failed and one that is not there, and a failure page."""
    out = tmp_path_factory.mktemp("out") / SCRIPT.replace("/", "")
    latest = out / "latest"
    latest.mkdir(parents=True)
    names = ("inventory", "status", "trends")
    run = Run(
        "20261123T110500Z",
        NOW,
        NOW - timedelta(hours=3),
        NOW + timedelta(hours=9),
        "America/New_York",
        names,
        ["A sample."],
    )
    old = Run("20261120T110500Z", NOW - timedelta(days=3), NOW, NOW, "", names)
    body = page_maker.Rendered("Inventory", "<h1>Inventory</h1>")
    failure = Failure("status", f"status.ipynb: {SCRIPT}", f"{ABOUT}\n{SCRIPT}", f"{'x' * 10_000}{ABOUT}{SCRIPT}")
    notice = page_maker.with_notice(page_maker.report_page("status", body, old, files=[]), SCRIPT, SCRIPT, SCRIPT)
    failed = page_maker.failure_page(failure, run, {"data": ABOUT + SCRIPT, "at": ""}, kept=False, has_good=True)
    rows = [overview.Server(page_maker.shown(f"{name}{ABOUT}"), NOW, SCRIPT, NOW, 1, SCRIPT) for name in HOSTILE]
    rows.append(overview.Server("OTHER", None, "", None, None, "", f"can't be read ({SCRIPT})"))
    rows.append(overview.Server("FRESH", NOW, "today", NOW + timedelta(days=1), 0, "3 OK"))
    status = (
        '{"tasks": [{"verdict": "FAILING"}, {"verdict": "OK"}], "incidents": [{"cause": "<script>alert(1)</script>"}]}'
    )
    (latest / "status.json").write_text(status, encoding="utf-8")
    for name, text in {
        "inventory": page_maker.report_page("inventory", body, run, files=['<b>&"{{x}}.csv', "inventory.csv"]),
        "status": notice,
        "status-failed": failed,
    }.items():
        (latest / f"{name}.html").write_text(text, encoding="utf-8")
    for stamp in ("20261120T110500Z", "20261123T110500Z"):
        (out / "runs" / stamp).mkdir(parents=True)
        for name in ("inventory", "status-failed", "..", "<b>x"):
            (out / "runs" / stamp / f"{name}.html").write_text("", encoding="utf-8")
    make = overview.index_page(
        out,
        run,
        server=ABOUT + SCRIPT,
        failed=["status"],
        rows=rows,
        notes=[page_maker.shown(f"{Problem(SCRIPT, ABOUT)}")],
    )
    text = make(["20261123T110500Z", "20261120T110500Z"], ["status.csv", SCRIPT])
    (out / "index.html").write_text(text, encoding="utf-8")
    all_servers(out)
    return out


def all_servers(out: Path) -> None:
    """The page above the reports of servers with hostile names, one of which failed."""
    for name in ("0 failed", "1 &lt;b&gt;x", "2 {{ 7*7 }} #%23 'x'"):  # as a folder of Windows may be called
        (out / "share" / "snapshots" / name / "2026-11" / "20261123T110200Z").mkdir(parents=True)

    def make(name: str, folder: Path) -> Outcome:
        if name.startswith("0"):
            raise ReportError(SCRIPT + ABOUT)
        rows = [{"task_path": f"\\{ABOUT}", "verdict": "FAILING", "since": SCRIPT, "reason": SCRIPT}]
        times = dict.fromkeys(("taken_at", "stale_after"), NOW.isoformat())
        (folder / "latest").mkdir(parents=True)
        told = {"tasks": rows, "zone": SCRIPT, **times}
        (folder / "latest" / "status.json").write_text(json.dumps(told), encoding="utf-8")
        (folder / "index.html").write_text("", encoding="utf-8")
        return Outcome("20261123T110500Z")

    make_all(out / "share", out / "fleet", make, now=NOW, problems=[Problem(SCRIPT, ABOUT)], say=lambda _: None)


INDEX_PAGES = (
    "index.html",
    "fleet/index.html",
    "latest/inventory.html",
    "latest/status.html",
    "latest/status-failed.html",
)


@pytest.fixture
def inventory(browser: Browser, pages: Path) -> Opened:
    return Opened(browser, pages / "inventory.html")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_page_is_small_and_asks_for_nothing_outside_itself(name: str, browser: Browser, pages: Path) -> None:
    file = pages / f"{name}.html"
    opened = Opened(browser, file)
    assert [url for url in opened.asked[1:] if not url.startswith("data:")] == []
    assert opened.said == []
    assert file.stat().st_size < 500_000


def test_every_image_has_its_text(inventory: Opened) -> None:
    images = inventory.page.locator("img").all()
    assert len(images) == 4
    for image in images:
        assert (image.get_attribute("alt") or "").startswith(("Bar chart. ", "Grid. "))
        assert image.evaluate("image => image.naturalWidth") > 100


def test_hostile_texts_are_shown_as_text(browser: Browser, hostile_pages: Path) -> None:
    opened = Opened(browser, hostile_pages / "inventory.html")
    assert opened.page.title() == "Inventory"
    assert opened.page.locator("script").count() == 1
    assert opened.page.locator("td b, td i, td img, th b").count() == 0
    text = opened.page.inner_text("body")
    for shown in ("<script>document.title='owned'</script>", r"\<b>bold", "{{ 7*7 }}", "=1+1", "x" * 10_000):
        assert shown in text
    assert [said for said in opened.said if "Content Security Policy" not in said] == []
    status = Opened(browser, hostile_pages / "status.html").page
    assert status.title() == "Status"
    assert status.locator("td b, td i, td img, th b").count() == 0


def test_policy_stops_a_script_that_is_not_ours(inventory: Opened) -> None:
    inventory.page.evaluate("""() => {
        const script = document.createElement('script');
        script.textContent = "document.title = 'owned'";
        document.body.append(script);
        document.body.insertAdjacentHTML('beforeend', "<img src=x onerror=\\"document.title='owned'\\">");
    }""")
    inventory.page.wait_for_timeout(200)
    assert inventory.page.title() == "Inventory"
    assert any("Content Security Policy" in said for said in inventory.said)


def test_table_sorts_by_a_column_and_back_and_from_the_keyboard(inventory: Opened) -> None:
    head = inventory.page.locator("th button", has_text="tasks").first
    numbers = inventory.page.locator("table", has=inventory.page.locator("caption", has_text="Findings")).locator(
        "tbody tr > :nth-child(2)"
    )
    head.click()
    ascending = [int(text) for text in numbers.all_inner_texts()]
    assert ascending == sorted(ascending)
    head.click()
    assert [int(text) for text in numbers.all_inner_texts()] == sorted(ascending, reverse=True)
    inventory.page.locator("th button", has_text="schedule").first.focus()
    inventory.page.keyboard.press("Enter")
    assert inventory.page.locator("th[aria-sort=ascending]").inner_text().startswith("schedule")


@pytest.mark.parametrize("context", [{}, PHONE], ids=["desk", "phone"])
def test_filter_keeps_the_rows_with_all_words(context: dict[str, Any], browser: Browser, pages: Path) -> None:
    inventory = Opened(browser, pages / "inventory.html", **context)
    everything = inventory.rows("Tasks")
    inventory.page.get_by_label("Filter: Tasks").fill("permits PYTHON38")
    assert inventory.rows("Tasks") == [r"\OpenData\Permits\Certificates of occupancy"]
    label = inventory.page.locator("label", has=inventory.page.get_by_label("Filter: Tasks"))
    assert label.locator("output").inner_text() == f"1 of {len(everything)} rows"
    inventory.page.get_by_label("Filter: Tasks").fill("")
    assert inventory.rows("Tasks") == everything


def test_printed_page_has_all_rows_and_no_controls(inventory: Opened) -> None:
    everything = inventory.rows("Tasks")
    inventory.page.get_by_label("Filter: Tasks").fill("permits")
    inventory.page.emulate_media(media="print")
    assert inventory.rows("Tasks") == everything
    assert not inventory.page.locator(".filter").first.is_visible()
    heights = "table => [table.parentNode.scrollHeight, table.parentNode.clientHeight]"
    shown, whole = inventory.page.locator("table").first.evaluate(heights)
    assert shown == whole


def test_page_without_scripts_is_whole(browser: Browser, pages: Path, inventory: Opened) -> None:
    plain = Opened(browser, pages / "inventory.html", java_script_enabled=False)
    assert plain.rows("Tasks") == inventory.rows("Tasks")
    assert plain.page.locator("th button").count() == 0
    assert plain.page.locator("img").first.is_visible()


# Contents and badges --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NOTEBOOKS)
@pytest.mark.parametrize("which", ["pages", "hostile_pages"])
def test_each_section_is_in_the_contents(
    which: str, name: str, browser: Browser, request: pytest.FixtureRequest
) -> None:
    page = Opened(browser, request.getfixturevalue(which) / f"{name}.html").page
    links = page.locator(".contents a")
    sections = page.locator("h2")
    assert sections.count() > 5
    assert links.all_inner_texts() == sections.all_inner_texts()
    targets = [link.get_attribute("href") for link in links.all()]
    assert targets == [f"#{section.get_attribute('id')}" for section in sections.all()]
    ids = page.locator("[id]").evaluate_all("elements => elements.map(element => element.id)")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_contents_lead_to_sections_from_the_keyboard(scripts: bool, browser: Browser, pages: Path) -> None:
    page = Opened(browser, pages / "status.html", java_script_enabled=scripts).page
    link = page.locator(".contents a", has_text="disabled")
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/status.html#what-is-disabled-and-which-results-say-nothing", timeout=10_000)
    box = page.locator("h2", has_text="disabled").bounding_box()
    assert box
    assert 0 <= box["y"] < 50


def test_contents_are_folded_on_a_phone_and_not_printed(browser: Browser, pages: Path) -> None:
    page = Opened(browser, pages / "trends.html", **PHONE).page
    link = page.locator(".contents a").first
    assert not link.is_visible()
    page.locator(".contents summary").focus()
    page.keyboard.press("Enter")
    assert link.is_visible()
    page.emulate_media(media="print")
    assert not page.locator(".contents").is_visible()
    assert Opened(browser, pages / "trends.html").page.locator(".contents a").first.is_visible()


def test_verdicts_are_badges_with_words_on_screen_and_on_paper(browser: Browser, pages: Path) -> None:
    page = Opened(browser, pages / "status.html").page
    cells = page.locator("td[data-label=verdict]")
    assert cells.count() > 40
    assert page.locator("td[data-label=verdict] > .badge").all_inner_texts() == cells.all_inner_texts()
    for badge in page.locator(".badge").all():
        assert badge.get_attribute("class") == f"badge {BADGES[badge.inner_text()]}"
    page.emulate_media(media="print", color_scheme="dark")  # paper is light, and may show no fills
    style = "all => all.map(each => [getComputedStyle(each).color, getComputedStyle(each).backgroundColor].join())"
    shades = set(page.locator(".badge").evaluate_all(style))
    assert shades <= {"rgb(0, 0, 0),rgb(255, 255, 255)", "rgb(51, 51, 51),rgb(255, 255, 255)"}


def test_badge_of_a_hostile_page_is_a_known_word(browser: Browser, hostile_pages: Path) -> None:
    badges = Opened(browser, hostile_pages / "status.html").page.locator(".badge")
    assert badges.count() >= len(HOSTILE)
    for badge in badges.all():
        assert badge.get_attribute("class") == f"badge {BADGES[badge.inner_text()]}"


@pytest.mark.parametrize("name", NOTEBOOKS)
@pytest.mark.parametrize("which", ["pages", "hostile_pages"])
def test_no_page_is_wider_than_its_window_and_numbers_are_aligned(
    which: str, name: str, browser: Browser, request: pytest.FixtureRequest
) -> None:
    file = request.getfixturevalue(which) / f"{name}.html"
    page = Opened(browser, file, viewport={"width": 1200, "height": 900}).page
    assert page.evaluate("document.documentElement.scrollWidth") == 1200
    assert page.locator(".table").evaluate_all("all => all.every(each => each.scrollWidth <= each.clientWidth)")
    right = "all => all.every(each => getComputedStyle(each).textAlign == 'right')"
    assert page.locator(".number").evaluate_all(right)


def test_dark_page_is_dark_and_its_figures_stand_on_light_cards(browser: Browser, pages: Path) -> None:
    opened = Opened(browser, pages / "inventory.html", color_scheme="dark")
    colour = "element => getComputedStyle(element).backgroundColor"
    assert opened.page.locator("body").evaluate(colour) == "rgb(13, 17, 23)"
    assert opened.page.locator("figure").first.evaluate(colour) == "rgb(255, 255, 255)"


# The index, and reports that failed ----------------------------------------------------------------------------------


@pytest.mark.parametrize("context", [{}, {"color_scheme": "dark"}, PHONE], ids=["light", "dark", "phone"])
@pytest.mark.parametrize(
    ("which", "name"),
    [
        *(("index_pages", name) for name in INDEX_PAGES),
        *((which, f"latest/{name}.html") for which in ("pages", "hostile_pages") for name in NOTEBOOKS),
        *(("pages", "index.html"), ("hostile_pages", "index.html")),
    ],
)
def test_page_has_no_accessibility_violation_and_a_phone_needs_no_horizontal_scroll(
    which: str, name: str, context: dict[str, Any], browser: Browser, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(which)
    # axe is put in from outside, which our policy rightly forbids
    opened = Opened(browser, (folder if which == "index_pages" else folder.parent) / name, bypass_csp=True, **context)
    found = Axe().run(opened.page)
    assert found.violations_count == 0, found.generate_report()
    if context == PHONE:
        assert opened.page.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("name", INDEX_PAGES)
def test_hostile_names_are_text_and_lead_nowhere(name: str, browser: Browser, index_pages: Path) -> None:
    opened = Opened(browser, index_pages / name)
    assert opened.page.title() != "owned"
    assert opened.page.locator("script").count() == 1
    assert opened.page.locator("b, i, img").count() == 0
    assert [url for url in opened.asked[1:] if not url.startswith("data:")] == []
    assert opened.said == []
    text = (index_pages / name).read_text(encoding="utf-8")
    assert not {"\u202e", "\x1b"} & set(text)
    for link in opened.page.locator("a").all():
        target = link.evaluate("link => link.href")
        assert target.startswith(index_pages.as_uri() + "/"), target


def test_index_says_the_state_the_reports_and_the_servers(browser: Browser, index_pages: Path) -> None:
    page = Opened(browser, index_pages / "index.html", java_script_enabled=False).page
    assert page.locator(".state").inner_text() == (
        "When it was last known: 1 of 2 tasks needs attention. Status could not be made."
    )
    assert page.locator(".counts li").all_inner_texts() == ["1 FAILING", "1 OK"]
    rows = page.locator("table", has=page.locator("caption:text-is('Reports')")).locator("tbody tr").all()
    states = [row.locator("td").first.inner_text() for row in rows]
    assert states[0] == "fresh until 2026-11-23 15:05 (America/New_York)"
    assert states[1] == "failed why Status failed; shown is the last good one"
    assert states[2] == "missing"
    servers = page.locator("table", has=page.locator("caption:text-is('Servers')")).locator("tbody tr")
    assert servers.count() == len(HOSTILE) + 2
    assert servers.last.inner_text().split("\t") == ["FRESH", "today, fresh", "0", "3 OK"]
    assert page.locator(".runs li").count() == 2
    assert page.locator(".runs li").first.inner_text().endswith("Inventory\nStatus failed")
    assert (
        page.locator(".renewal").inner_text().startswith("Snapshot of 2026-11-23 03:05 (America/New_York), 3 hours old")
    )


@pytest.mark.parametrize(("later", "fresh"), [(timedelta(hours=8), True), (timedelta(hours=10), False)])
def test_reader_sees_that_nobody_renews_a_page(
    later: timedelta, fresh: bool, browser: Browser, index_pages: Path
) -> None:
    stale = "Stale: the newest data are from 2026-11-23 03:05, and others were due by 2026-11-23 15:05."
    for name in ("index.html", "latest/inventory.html"):
        page = browser.new_context(offline=True).new_page()
        page.clock.set_fixed_time(NOW + later)
        page.goto((index_pages / name).as_uri())
        assert (stale in page.inner_text("body")) is not fresh
        assert ("due by 2026-11-23 15:05 (America/New_York)" in page.inner_text("body")) is fresh
        if name == "index.html":
            state = (
                page.locator("table", has=page.locator("caption:text-is('Reports')")).locator("td").first.inner_text()
            )
            assert state.startswith("fresh until" if fresh else "stale until")
            assert f"({3 + later // timedelta(hours=1)} hours ago)" in page.locator(".renewal").inner_text()
        else:
            assert page.locator("header .stale").count() == (not fresh)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("inventory", "A newer snapshot is due by 2026-11-23 15:05 (America/New_York); then this page is stale."),
        (
            "status-failed",
            "Snapshot of 2026-11-23 03:05 (America/New_York), tried at 2026-11-23 06:05 (America/New_York).",
        ),
    ],
)
def test_page_without_scripts_says_how_old_it_is(name: str, words: str, browser: Browser, index_pages: Path) -> None:
    page = Opened(browser, index_pages / f"latest/{name}.html", java_script_enabled=False).page
    assert words in page.inner_text("header")


def test_pages_of_one_folder_share_one_policy(pages: Path, index_pages: Path) -> None:
    files = [pages.parent / "index.html", pages / "status.html", *(index_pages / name for name in INDEX_PAGES)]
    policies = {
        re.findall(r'Content-Security-Policy" content="([^"]+)"', file.read_text(encoding="utf-8"))[0] for file in files
    }
    assert len(policies) == 1
