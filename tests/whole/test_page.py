"""The pages in a real browser: offline, in the dark, on a phone, on paper, without scripts, with hostile texts."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from taskanalysis.errors import Problem, ReportError
from taskanalysis.publish import index as overview
from taskanalysis.publish import pages as page_maker
from taskanalysis.publish.make import NOTEBOOKS, Outcome, make_all
from taskanalysis.publish.notebooks import Failure
from taskanalysis.publish.pages import LAST_KNOWN, Run
from taskanalysis.report.display import BADGES
from taskanalysis.snapshot.share import list_servers
from tests.build import HOSTILE, SCRIPT
from tests.whole.browsing import DARK, OURS, PHONE, PLAIN, Opened

pytestmark = [pytest.mark.browser, pytest.mark.slow]
NOW = datetime(2026, 11, 23, 11, 5, tzinfo=UTC)
ABOUT = 'dir="rtl" \u202e<b>\x1b[31m{{ 7*7 }} & "quotes\' =1+1 '


@pytest.fixture(scope="module")
def index_pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of several servers, with a report that failed and one that is not there, and a failure page."""
    out = tmp_path_factory.mktemp("out") / SCRIPT.replace("/", "")
    latest = out / "latest"
    latest.mkdir(parents=True)
    names = ("status", "inventory", "trends")
    taken_at, due = NOW - timedelta(hours=3), NOW + timedelta(hours=9)
    run = Run(
        "20261123T110500Z",
        NOW,
        taken_at,
        due,
        "America/New_York",
        names,
        ["A sample."],
        page_maker.shown(ABOUT + SCRIPT),
        1,
    )
    old = Run("20261120T110500Z", NOW - timedelta(days=3), NOW, NOW, "", names, attention=7)
    body = page_maker.Rendered("Inventory", '<h1>Yes, all</h1><p class="sub">None: no need to worry.</p>')
    failure = Failure("status", f"status.ipynb: {SCRIPT}", f"{ABOUT}\n{SCRIPT}", f"{'x' * 10_000}{ABOUT}{SCRIPT}")
    (good,) = page_maker.report_pages("status", body, old, files=[]).values()
    texts = page_maker.report_pages("inventory", body, run, files=['<b>&"{{x}}.csv', "inventory.csv"])
    failed = page_maker.failure_page(
        failure, run, {"data": ABOUT + SCRIPT, "at": ""}, kept=False, has_good=True, answer=SCRIPT, good_at=NOW
    )
    texts |= {"status.html": page_maker.with_notice(good, SCRIPT, SCRIPT, SCRIPT), "status-failed.html": failed}
    rows = [overview.Server(page_maker.shown(f"{name}{ABOUT}"), NOW, SCRIPT, NOW, 1, SCRIPT) for name in HOSTILE]
    rows.append(overview.Server("OTHER", None, "", None, None, "", f"can't be read ({SCRIPT})"))
    rows.append(overview.Server("FRESH", NOW, "today", NOW + timedelta(days=1), 0, "3 OK", cases=[case_of("\\F")]))
    status = {"tasks": [{"verdict": "FAILING"}, {"verdict": "OK"}], "cases": [case_of(SCRIPT)]}
    status |= {"title": f"1 thing to do {SCRIPT}", "headline": ABOUT, "unseen": [SCRIPT]}
    texts["status.json"] = json.dumps(status)
    for name, text in texts.items():
        (latest / name).write_text(text, encoding="utf-8")
    for stamp in ("20261120T110500Z", "20261123T110500Z"):
        (out / "runs" / stamp).mkdir(parents=True)
        for name in ("inventory", "status-failed", "..", "<b>x"):
            (out / "runs" / stamp / f"{name}.html").write_text("", encoding="utf-8")
        (out / "runs" / stamp / "status.html").write_text(good, encoding="utf-8")
    cards = {"inventory": {"answer": SCRIPT + ABOUT, "points": ["a", "b"], "figure": "", "is_good": True}}
    notes = [page_maker.shown(f"{Problem(SCRIPT, ABOUT)}")]
    make = overview.index_page(out, run, failed=["status"], cards=cards, rows=rows, notes=notes)
    text = make(["20261123T110500Z", "20261120T110500Z"], ["status.csv", SCRIPT])
    (out / "index.html").write_text(text, encoding="utf-8")
    all_servers(out)
    return out


def case_of(text: str, *, code: int = 1) -> dict[str, Any]:
    """Something to do, all of it hostile."""
    known = dict.fromkeys(("title", "account", "since", "why", "advice"), text)
    return known | {"verdict": "FAILING", "code": code, "tasks": [text]}


def all_servers(out: Path) -> None:
    """The page above the reports of servers with hostile names, one of which failed."""
    for name in ("0 failed", "1 &lt;b&gt;x", "2 {{ 7*7 }} #%23 'x'"):  # as a folder of Windows may be called
        (out / "share" / "snapshots" / name / "2026-11" / "20261123T110200Z").mkdir(parents=True)

    def make(name: str, folder: Path) -> Outcome:
        if name.startswith("0"):
            raise ReportError(SCRIPT + ABOUT)
        rows = [{"task_path": f"\\{ABOUT}", "verdict": "FAILING", "since": SCRIPT, "reason": SCRIPT}]
        due = {"taken_at": NOW.isoformat(), "stale_after": (NOW + timedelta(hours=9)).isoformat()}
        told = {"tasks": rows, "zone": SCRIPT, "unseen": [ABOUT], **due, "cases": [case_of(SCRIPT), case_of(ABOUT)]}
        (folder / "latest").mkdir(parents=True)
        (folder / "latest" / "status.json").write_text(json.dumps(told), encoding="utf-8")
        (folder / "index.html").write_text("", encoding="utf-8")
        return Outcome("20261123T110500Z")

    make_all(
        out / "share",
        out / "fleet",
        make,
        list_servers(out / "share"),
        now=NOW,
        problems=[Problem(SCRIPT, ABOUT)],
        say=lambda _: None,
    )


INDEX_PAGES = (
    "index.html",
    "fleet/index.html",
    "latest/inventory.html",
    "latest/status.html",
    "latest/status-failed.html",
)
MADE = [
    *(("index_pages", name) for name in INDEX_PAGES),
    *((which, f"latest/{name}.html") for which in ("pages", "hostile_pages") for name in NOTEBOOKS),
    *((which, "index.html") for which in ("pages", "hostile_pages")),
    *(("many_pages", f"latest/{name}.html") for name in ("status", "tasks-3")),
]
every_page = pytest.mark.parametrize(("which", "name"), MADE, ids=str)


def file_of(which: str, name: str, request: pytest.FixtureRequest) -> Path:
    folder: Path = request.getfixturevalue(which)
    return (folder if which == "index_pages" else folder.parent) / name


@pytest.fixture
def inventory(browser: Browser, pages: Path) -> Opened:
    return Opened(browser, pages / "inventory.html")


# What holds for all pages ---------------------------------------------------------------------------------------------


@every_page
def test_page_is_small_asks_for_nothing_outside_itself_and_obeys_its_own_policy(
    which: str, name: str, browser: Browser, request: pytest.FixtureRequest
) -> None:
    file = file_of(which, name, request)
    opened = Opened(browser, file)
    assert (opened.outside, opened.said) == ([], [])
    assert file.stat().st_size < 500_000
    for light in (opened.page.locator("body"), opened.page.locator("h1")):  # the style is applied, not refused
        assert light.evaluate("e => getComputedStyle(e).fontFamily").startswith("system-ui")


@pytest.mark.parametrize("context", [{}, DARK, PHONE], ids=["light", "dark", "phone"])
@every_page
def test_page_has_no_accessibility_violation_and_a_phone_needs_no_horizontal_scroll(
    which: str, name: str, context: dict[str, Any], browser: Browser, request: pytest.FixtureRequest
) -> None:
    # axe is put in from outside, which our policy rightly forbids
    opened = Opened(browser, file_of(which, name, request), bypass_csp=True, **context)
    found = Axe().run(opened.page)
    assert found.violations_count == 0, found.generate_report()
    if context == PHONE:
        assert opened.page.evaluate("document.documentElement.scrollWidth") == 360


INSIDE = """() => [...document.querySelectorAll('body *')].filter(each => {
    const style = getComputedStyle(each);
    const scrolls = way => ['auto', 'scroll'].includes(way);
    return (scrolls(style.overflowX) && each.scrollWidth > each.clientWidth)
        || (scrolls(style.overflowY) && each.scrollHeight > each.clientHeight);
}).map(each => each.outerHTML.slice(0, 120))"""
CLIPPED = """() => [...document.querySelectorAll('main *')].filter(each => each.checkVisibility())
    .filter(each => !each.closest('svg') && each.getBoundingClientRect().right > innerWidth + 1)
    .map(each => each.outerHTML.slice(0, 120))"""


@every_page
def test_nothing_scrolls_inside_a_page_or_beyond_it(
    which: str, name: str, browser: Browser, request: pytest.FixtureRequest
) -> None:
    page = Opened(browser, file_of(which, name, request)).page
    page.evaluate("document.querySelectorAll('details').forEach((each, i) => { if (i < 40) each.open = true; })")
    for width in (721, 1280, 1920):  # 45rem are 720 pixels
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(INSIDE) == [], width
        assert page.evaluate(CLIPPED) == [], width
        assert page.evaluate("document.documentElement.scrollWidth") <= width


# what the script adds: controls, and how long ago a time was
CLEAR = """() => {
    document.querySelectorAll('.tools, .cmd button').forEach(each => each.remove());
    for (const each of document.querySelectorAll('time[data-age]'))
        if (each.nextSibling?.data?.includes(' ago)')) each.nextSibling.remove();
}"""


@every_page
def test_nothing_is_missing_without_scripts(
    which: str, name: str, browser: Browser, request: pytest.FixtureRequest
) -> None:
    file = file_of(which, name, request)
    plain = Opened(browser, file, **PLAIN).page
    assert plain.locator("thead button, .tools, .cmd button").count() == 0
    scripted = Opened(browser, file, now=NOW).page
    scripted.evaluate(CLEAR)
    texts = [" ".join(page.inner_text("body").split()) for page in (plain, scripted)]
    assert texts[0] == texts[1]
    assert len(texts[0]) > 100


def test_each_part_of_status_is_there_without_scripts(browser: Browser, pages: Path) -> None:
    page = Opened(browser, pages / "status.html", **PLAIN).page
    assert page.locator(".todo > li:visible").count() == 9
    assert page.locator(".chips tbody tr:visible").count() == 52
    assert page.locator(".chips svg.s:visible").count() > 45
    line = page.locator(".cmd").first
    assert not line.is_visible()
    line.locator("xpath=..").locator("summary").click()
    assert line.is_visible()


# Hostile texts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_hostile_texts_are_shown_as_text(name: str, browser: Browser, hostile_pages: Path) -> None:
    opened = Opened(browser, hostile_pages / f"{name}.html")
    page = opened.page
    assert page.title().endswith("– SERVER")
    assert page.locator("script").count() == 1
    assert page.locator("main b:not(.badge):not(.next b):not(summary b), main i, main img, main iframe").count() == 0
    text = page.evaluate("document.querySelector('main').textContent")
    for shown in ("b>bold", "{{ 7*7 }} {% raw %} $a$b$", "=cmd|'x'!A1"):
        assert (shown in text) or name == "trends", shown
    assert "S3cret" not in page.content()
    assert opened.said == []


def test_hostile_texts_are_whole_in_inventory_and_stories(browser: Browser, hostile_pages: Path) -> None:
    inventory = Opened(browser, hostile_pages / "inventory.html").page
    stories = Opened(browser, hostile_pages / "tasks.html").page
    for page in (inventory, stories):
        text = page.evaluate("document.querySelector('main').textContent")
        for shown in (SCRIPT, "=1+1", "{{ 7*7 }}", "x" * 1000):
            assert shown in text
    assert "x" * 10_000 in inventory.evaluate("document.querySelector('main').textContent")


def test_hostile_stories_have_fragments_that_open_them_and_lines_that_are_their_own(
    browser: Browser, hostile_pages: Path
) -> None:
    status = Opened(browser, hostile_pages / "status.html").page
    targets = status.locator(".chips tbody th a").evaluate_all("all => all.map(each => each.getAttribute('href'))")
    assert len(targets) == len(HOSTILE)
    assert all(re.fullmatch(r"tasks\.html#t[0-9a-f]{10}", target) for target in targets)
    for target in targets:
        opened = Opened(browser, hostile_pages / "tasks.html", f"#{target.partition('#')[2]}", **PLAIN)
        story = opened.page.locator(".story:visible")
        assert (story.count(), opened.said) == (1, [])
        for line in story.locator(".cmd").all():
            assert line.locator("*").count() == 0  # text, and nothing else


def test_hostile_fragment_does_nothing(browser: Browser, pages: Path) -> None:
    for fragment in ('#"><img src=x onerror=alert(1)>', "#?q=<script>1</script>", "#t'];alert(1)//", "#?v[]=1&s=1e9"):
        for name in ("status", "tasks"):
            opened = Opened(browser, pages / f"{name}.html", fragment)
            assert (opened.said, opened.page.title().startswith("17 need attention")) == ([], True)
            assert opened.page.locator("img").count() == 0


def test_labels_of_a_hostile_page_are_names_of_columns(browser: Browser, hostile_pages: Path) -> None:
    page = Opened(browser, hostile_pages / "inventory.html", **PHONE).page
    labels = set(page.locator("td").evaluate_all(LABELS))
    assert labels <= {"none", *(f'"{name}"' for name in page.locator("thead th").all_text_contents())}
    assert len(labels) > 5


@pytest.mark.parametrize("name", INDEX_PAGES)
def test_hostile_names_are_text_and_lead_nowhere(name: str, browser: Browser, index_pages: Path) -> None:
    opened = Opened(browser, index_pages / name)
    assert opened.page.title() != "owned"
    assert opened.page.locator("script").count() == 1
    assert opened.page.locator("main b, i, img").count() == 0
    assert (opened.outside, opened.said) == ([], [])
    text = (index_pages / name).read_text(encoding="utf-8")
    assert not {"\u202e", "\x1b"} & set(text)
    for link in opened.page.locator("a").all():
        target = link.evaluate("link => link.href")
        assert target.startswith(index_pages.as_uri() + "/"), target


def test_policy_stops_a_script_that_is_not_ours(inventory: Opened) -> None:
    before = inventory.page.title()
    inventory.page.evaluate("""() => {
        const script = document.createElement('script');
        script.textContent = "document.title = 'owned'";
        document.body.append(script);
        document.body.insertAdjacentHTML('beforeend', "<img src=x onerror=\\"document.title='owned'\\">");
        document.body.insertAdjacentHTML('beforeend', "<p id=styled style='color: red'>x</p>");
    }""")
    inventory.page.wait_for_timeout(200)
    assert inventory.page.title() == before
    assert inventory.page.locator("#styled").evaluate("e => getComputedStyle(e).color") != "rgb(255, 0, 0)"
    assert sum(OURS in said for said in inventory.said) >= 3


def test_badge_of_a_hostile_page_is_a_known_word(browser: Browser, hostile_pages: Path) -> None:
    badges = Opened(browser, hostile_pages / "status.html").page.locator(".badge")
    assert badges.count() >= len(HOSTILE)
    for badge in badges.all():
        assert badge.get_attribute("class") == f"badge {BADGES[badge.inner_text()]}"


# Screens --------------------------------------------------------------------------------------------------------------

LABELS = "all => all.map(each => getComputedStyle(each, '::before').content)"


def test_first_screen_says_what_to_do_and_shows_badges_strips_and_links(browser: Browser, pages: Path) -> None:
    page = Opened(browser, pages / "status.html", viewport={"width": 1280, "height": 800}).page
    cards = page.locator(".todo > li")
    assert cards.count() == 9
    for card in cards.all():
        box = card.locator(".next").bounding_box()
        assert box
        assert box["y"] + box["height"] <= 800
        assert card.locator("h2 .badge").inner_text() in BADGES
        strip = card.locator("svg.s").bounding_box()
        assert strip
        assert (strip["width"], strip["height"]) == (180, 16)
    assert page.locator(".todo .new").all_inner_texts() == ["AGAIN", "AGAIN", "NEW", "NEW"]


@pytest.mark.parametrize("name", ["status", "inventory"])
def test_heads_of_tables_stay_in_the_window(name: str, browser: Browser, many_pages: Path) -> None:
    page = Opened(browser, many_pages / f"{name}.html", viewport={"width": 1280, "height": 800}).page
    table = page.locator("table", has=page.locator("caption:text-matches('^(All tasks|Tasks)$')"))
    table.locator("tbody tr").nth(120).scroll_into_view_if_needed()
    head, row = (table.locator(each).first for each in ("thead th", "tbody tr:nth-child(121)"))
    at_top, seen = head.bounding_box(), row.bounding_box()
    assert at_top
    assert seen
    assert abs(at_top["y"]) < 1
    assert seen["y"] > at_top["height"]
    on_top = (
        "e => { const b = e.getBoundingClientRect(); return e.contains(document.elementFromPoint(b.x + 9, b.y + 9)); }"
    )
    assert head.evaluate(on_top)


def test_heads_do_not_cover_each_other(browser: Browser, pages: Path) -> None:
    for name in NOTEBOOKS:
        page = Opened(browser, pages / f"{name}.html", viewport={"width": 1280, "height": 800}).page
        wide = "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent)"
        assert page.locator("thead th").evaluate_all(wide) == [], name


def test_names_of_columns_stand_before_the_cells_on_a_phone_alone(browser: Browser, pages: Path) -> None:
    for context, shown in ((PHONE, True), ({}, False)):
        page = Opened(browser, pages / "trends.html", **context).page
        table = page.locator(".table", has=page.locator("caption:text-is('Weeks, the newest first')"))
        labels = table.locator("tbody tr").first.locator("td").evaluate_all(LABELS)
        heads = table.locator("thead th").all_text_contents()
        assert labels == [f'"{name}"' if shown else "none" for name in heads[1:]]
        head = table.locator("thead").bounding_box()
        assert head
        assert (head["height"] > 5) is not shown


def test_numbers_stand_at_the_right_of_a_wide_page_and_times_are_not_broken(browser: Browser, pages: Path) -> None:
    for name in ("status", "trends"):
        page = Opened(browser, pages / f"{name}.html").page
        script = """all => all.flatMap(head => { const table = head.closest('table');
            return [...table.tBodies[0].rows].map(row => getComputedStyle(row.cells[head.cellIndex]).textAlign); })"""
        assert set(page.locator("thead th.number:not(:first-child)").evaluate_all(script)) == {"right"}
        lines = "all => all.filter(each => each.getClientRects().length > 1).length"
        assert page.locator("time").evaluate_all(lines) == 0


LIGHT = """() => [...document.querySelectorAll('body, body *')].filter(each => {
    if (!each.checkVisibility()) return false;
    const [r, g, b, a = 1] = getComputedStyle(each).backgroundColor.match(/[\\d.]+/g).map(Number);
    return a > 0.5 && r + g + b > 3 * 128 && !each.matches('.badge, .badge *');
}).map(each => each.outerHTML.slice(0, 100))"""
FILLS = """all => all.map(each => getComputedStyle(each)).map(style => [style.fill, style.stroke].join())"""


@pytest.mark.parametrize("name", ["index", *NOTEBOOKS])
def test_dark_page_is_dark_with_its_figures(name: str, browser: Browser, pages: Path) -> None:
    file = pages.parent / "index.html" if name == "index" else pages / f"{name}.html"
    dark, light = (Opened(browser, file, color_scheme=scheme).page for scheme in ("dark", "light"))
    assert dark.evaluate(LIGHT) == []
    assert dark.locator("body").evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(13, 17, 23)"
    if name == "trends":
        assert dark.locator("figure svg.chart").count() == 3
        for shape in ("figure .bar", "figure text", "figure .line"):
            assert dark.locator(shape).count() > 5
            assert dark.locator(shape).evaluate_all(FILLS) != light.locator(shape).evaluate_all(FILLS)
        text = dark.locator("figure text").first.evaluate("e => getComputedStyle(e).fill")
        assert sum(map(int, re.findall(r"\d+", text))) > 3 * 128
    if name in ("status", "trends"):
        assert dark.locator("svg.s path").evaluate_all(FILLS) != light.locator("svg.s path").evaluate_all(FILLS)


def test_figures_have_words_and_use_the_width(browser: Browser, pages: Path) -> None:
    for name in ("status", "inventory", "trends"):
        page = Opened(browser, pages / f"{name}.html", viewport={"width": 1280, "height": 800}).page
        unsaid = """all => all.filter(e => !e.parentElement.closest('svg') && !e.closest('[aria-hidden]'))
            .filter(e => !e.getAttribute('aria-label')).map(e => e.outerHTML.slice(0, 90))"""
        assert page.locator("main svg").evaluate_all(unsaid) == []
        assert page.locator("img").count() == 0
    for figure in (
        Opened(browser, pages / "trends.html", viewport={"width": 1280, "height": 800})
        .page.locator("figure:visible svg.chart")
        .all()
    ):
        box = figure.bounding_box()
        assert box
        assert box["width"] > 1100


# Contents, badges, paper ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NOTEBOOKS)
@pytest.mark.parametrize("which", ["pages", "hostile_pages"])
def test_each_section_is_in_the_contents(
    which: str, name: str, browser: Browser, request: pytest.FixtureRequest
) -> None:
    page = Opened(browser, request.getfixturevalue(which) / f"{name}.html").page
    links = page.locator("nav[aria-label=Contents] a")
    sections = page.locator("h2:not(.what)")
    if sections.count() > 1:
        assert links.all_inner_texts() == sections.all_inner_texts()
        targets = [link.get_attribute("href") for link in links.all()]
        assert targets == [f"#{section.get_attribute('id')}" for section in sections.all()]
    else:
        assert (links.count(), name in ("tasks", "status")) == (0, True)
    ids = page.locator("[id]").evaluate_all("elements => elements.map(element => element.id)")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("context", [{}, PLAIN], ids=["scripts", "plain"])
def test_contents_lead_to_sections_from_the_keyboard(context: dict[str, Any], browser: Browser, pages: Path) -> None:
    page = Opened(browser, pages / "inventory.html", **context).page
    link = page.locator(".contents a", has_text="accounts")
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/inventory.html#which-accounts-run-them", timeout=10_000)
    box = page.locator("h2", has_text="accounts").bounding_box()
    assert box
    assert 0 <= box["y"] < 50


def test_verdicts_are_badges_with_words_on_screen_and_on_paper(browser: Browser, pages: Path) -> None:
    page = Opened(browser, pages / "status.html").page
    cells = page.locator(".chips tbody td:nth-child(2)")
    assert cells.count() == 52
    assert page.locator(".chips td:nth-child(2) > .badge").all_inner_texts() == cells.all_inner_texts()
    for badge in page.locator(".badge").all():
        assert badge.get_attribute("class") == f"badge {BADGES[badge.inner_text()]}"
    page.emulate_media(media="print", color_scheme="dark")  # paper is light, and may show no fills
    style = "all => all.map(each => [getComputedStyle(each).color, getComputedStyle(each).backgroundColor].join())"
    shades = set(page.locator(".badge.bad, .badge.late").evaluate_all(style))
    assert shades == {"rgb(0, 0, 0),rgb(255, 255, 255)", "rgb(0, 0, 0),rgba(0, 0, 0, 0)"}


def test_good_days_are_told_from_bad_ones_by_height(browser: Browser, pages: Path) -> None:
    page = Opened(browser, pages / "status.html").page
    heights = "all => all.map(each => getComputedStyle(each).strokeWidth)"
    found = {kind: set(page.locator(f".chips .s .{kind}").evaluate_all(heights)) for kind in "gxntm"}
    assert found == {"g": {"4px"}, "x": {"16px"}, "n": {"16px"}, "t": {"16px"}, "m": {"2px"}}


def sheets(page: Page) -> int:
    return page.pdf(format="A4").count(b"/Type /Page\n")


def test_status_is_printed_on_two_sheets_with_every_command_and_every_row(browser: Browser, pages: Path) -> None:
    opened = Opened(browser, pages / "status.html")
    page = opened.page
    assert sheets(page) <= 2
    lines, rows = page.locator(".cmd").count(), page.locator(".chips tbody tr").count()
    page.locator(".tools a").first.click()
    assert page.locator(".chips tbody tr:visible").count() < rows
    page.emulate_media(media="print")
    for context in (opened.page, printed(browser, opened.file, **PLAIN)):
        assert context.locator(".chips tbody tr:visible").count() == rows == 52
        boxes = [line.bounding_box() for line in context.locator(".cmd").all()]
        assert len(boxes) == lines == 9
        assert all(box and box["height"] > 5 for box in boxes)
    for gone in (".tools", ".contents", ".skip", ".cmd button"):
        assert page.locator(f"{gone}:visible").count() == 0
    assert page.locator("details[open]").count() == 0  # as it was, for the screen


def printed(browser: Browser, file: Path, **context: Any) -> Page:
    page = Opened(browser, file, **context).page
    page.emulate_media(media="print")
    return page


def test_stories_are_printed_whole_though_folded_and_filtered(browser: Browser, pages: Path) -> None:
    opened = Opened(browser, pages / "tasks.html")
    opened.page.get_by_label("Filter: Tasks").fill("permits")
    opened.page.emulate_media(media="print")
    for page in (opened.page, printed(browser, opened.file, **PLAIN)):
        heights = page.locator(".story").evaluate_all("all => all.map(each => each.getBoundingClientRect().height)")
        assert len(heights) == 52
        assert min(heights) > 50


# The index, and reports that failed -----------------------------------------------------------------------------------


def test_index_says_the_state_the_reports_and_the_servers(browser: Browser, index_pages: Path) -> None:
    page = Opened(browser, index_pages / "index.html", **PLAIN).page
    assert page.locator("h1").inner_text().startswith(f"{LAST_KNOWN}1 thing to do <script>")
    assert page.locator(".unseen li").count() == 1
    cards = page.locator(".three > div")
    assert cards.locator("h2").all_inner_texts() == list(overview.QUESTIONS.values())
    assert cards.locator("strong").all_inner_texts()[0] == f"{LAST_KNOWN}Yes, all"
    assert cards.nth(0).locator(".stale").inner_text() == "It could not be made: why"
    assert cards.nth(1).locator("li").all_inner_texts() == ["a", "b"]
    assert cards.nth(2).locator("strong").inner_text() == "Not known"
    servers = page.locator("table", has=page.locator("caption:text-matches('^Servers')")).locator("tbody tr")
    assert servers.count() == len(HOSTILE) + 2
    assert servers.last.inner_text().split("\t")[:2] == ["FRESH", "0"]
    assert servers.last.inner_text().split("\t")[-2:] == ["today, fresh", "3 OK"]
    runs = [" ".join(each.split()) for each in page.locator(".runs li").all_inner_texts()]
    assert runs == [
        "today 06:05 7 need attention Status Inventory Status failed".replace("Status Inventory", "Status")
        + " Inventory",
        "Fri 20 Nov 06:05 7 need attention Status Status failed Inventory",
    ]


@pytest.mark.parametrize(("later", "fresh"), [(timedelta(hours=8), True), (timedelta(hours=10), False)])
def test_reader_sees_that_nobody_renews_a_page(
    later: timedelta, fresh: bool, browser: Browser, index_pages: Path
) -> None:
    stale = "Stale: a newer snapshot was due by Mon 23 Nov 2026 15:05."
    for name in ("index.html", "latest/inventory.html"):
        page = Opened(browser, index_pages / name, now=NOW + later).page
        header = page.inner_text("header")
        assert (stale in header) is not fresh
        assert ("Current until today 15:05." in header) is fresh
        assert page.locator("header .stale").count() == (not fresh)
        answer = page.inner_text("h1")
        if name != "index.html":
            assert answer == ("Yes, all" if fresh else f"{LAST_KNOWN}Yes, all")
            assert ("no need to worry" in page.inner_text("main")) is fresh
        else:
            assert answer.count(LAST_KNOWN) == (1 if fresh else 2)
        assert page.title().startswith("1 needs attention" if fresh else "Stale: 1 needs attention")
    page = Opened(browser, index_pages / "fleet/index.html", now=NOW + later).page
    assert page.locator("td .stale:text-is('stale')").count() == (0 if fresh else 2)
    assert page.inner_text("h1").startswith(LAST_KNOWN) is not fresh


def test_page_without_scripts_says_how_old_it_is(browser: Browser, index_pages: Path) -> None:
    for name in ("inventory", "status-failed"):
        header = Opened(browser, index_pages / f"latest/{name}.html", **PLAIN).page.inner_text("header")
        assert "As of Mon 23 Nov 2026 03:05, server time (America/New_York). Current until today 15:05." in header
