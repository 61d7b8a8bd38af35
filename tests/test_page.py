"""The page in a real browser: offline, in the dark, on a phone, on paper, without scripts, with hostile texts."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from taskanalysis.report import NOTEBOOKS

pytestmark = pytest.mark.browser
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge")
PROGRAM = next(filter(None, map(shutil.which, BROWSERS)), None)
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not PROGRAM:
        pytest.skip(f"no Chromium found: none of {', '.join(BROWSERS)} is on the PATH")
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=PROGRAM, args=[*root, "--disable-gpu"])
        yield opened
        opened.close()


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


@pytest.fixture
def inventory(browser: Browser, pages: Path) -> Opened:
    return Opened(browser, pages / "inventory.html")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_page_asks_for_nothing_outside_itself(name: str, browser: Browser, pages: Path) -> None:
    opened = Opened(browser, pages / f"{name}.html")
    assert [url for url in opened.asked[1:] if not url.startswith("data:")] == []
    assert opened.said == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_page_weighs_less_than_half_a_megabyte(name: str, pages: Path) -> None:
    assert (pages / f"{name}.html").stat().st_size < 500_000


@pytest.mark.parametrize("context", [{}, {"color_scheme": "dark"}, PHONE], ids=["light", "dark", "phone"])
@pytest.mark.parametrize("name", NOTEBOOKS)
@pytest.mark.parametrize("which", ["pages", "hostile_pages"])
def test_page_has_no_accessibility_violation(
    which: str, name: str, context: dict[str, Any], browser: Browser, request: pytest.FixtureRequest
) -> None:
    # axe is put in from outside, which our policy rightly forbids
    opened = Opened(browser, request.getfixturevalue(which) / f"{name}.html", bypass_csp=True, **context)
    found = Axe().run(opened.page)
    assert found.violations_count == 0, found.generate_report()


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


def test_status_tells_hostile_names_as_text(browser: Browser, hostile_pages: Path) -> None:
    opened = Opened(browser, hostile_pages / "status.html")
    assert opened.page.title() == "Status"
    assert opened.page.locator("td b, td i, td img, th b").count() == 0


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


def test_table_sorts_by_a_column_and_back(inventory: Opened) -> None:
    head = inventory.page.locator("th button", has_text="tasks").first
    numbers = inventory.page.locator("table", has=inventory.page.locator("caption", has_text="Findings")).locator(
        "tbody tr > :nth-child(2)"
    )
    head.click()
    ascending = [int(text) for text in numbers.all_inner_texts()]
    assert ascending == sorted(ascending)
    head.click()
    assert [int(text) for text in numbers.all_inner_texts()] == sorted(ascending, reverse=True)


def test_table_can_be_sorted_from_the_keyboard(inventory: Opened) -> None:
    head = inventory.page.locator("th button", has_text="schedule").first
    head.focus()
    inventory.page.keyboard.press("Enter")
    assert inventory.page.locator("th[aria-sort=ascending]").inner_text().startswith("schedule")


def test_filter_keeps_the_rows_with_all_words(inventory: Opened) -> None:
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


def test_phone_needs_no_horizontal_scroll(browser: Browser, pages: Path, hostile_pages: Path) -> None:
    for file in [folder / f"{name}.html" for folder in (pages, hostile_pages) for name in NOTEBOOKS]:
        opened = Opened(browser, file, **PHONE)
        assert opened.page.evaluate("document.documentElement.scrollWidth") == 360
    assert opened.page.locator("tbody td").first.is_visible()


def test_filter_works_on_a_phone(browser: Browser, pages: Path) -> None:
    opened = Opened(browser, pages / "inventory.html", **PHONE)
    opened.page.get_by_label("Filter: Tasks").fill("python38")
    assert opened.rows("Tasks") == [r"\OpenData\Permits\Certificates of occupancy"]


def test_dark_page_is_dark_and_its_figures_stand_on_light_cards(browser: Browser, pages: Path) -> None:
    opened = Opened(browser, pages / "inventory.html", color_scheme="dark")
    colour = "element => getComputedStyle(element).backgroundColor"
    assert opened.page.locator("body").evaluate(colour) == "rgb(13, 17, 23)"
    assert opened.page.locator("figure").first.evaluate(colour) == "rgb(255, 255, 255)"
