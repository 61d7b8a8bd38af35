"""What a reader does on a page: sorts, filters, follows a link to a story, copies a line, all from the keyboard too."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator

from taskanalysis.report.page import story_id
from tests.whole.browsing import PHONE, PLAIN, Opened

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ALL = "All tasks"
BUS = story_id(r"\OpenData\Transit\Bus stops")
RANKS = ["FAILING", "OVERDUE", "RUNNING LONG", "UNKNOWN", "RUNNING", "NEVER RAN", "DISABLED", "OK"]


@pytest.fixture
def status(browser: Browser, pages: Path) -> Opened:
    return Opened(browser, pages / "status.html")


# Sorting --------------------------------------------------------------------------------------------------------------


def columns(opened: Opened, caption: str) -> list[str]:
    return opened.table(caption).locator("thead th").all_inner_texts()


def clicked_thrice(opened: Opened, caption: str, name: str) -> list[list[str]]:
    """The cells of a column before, and after each of three clicks on its head."""
    place = columns(opened, caption).index(name) + 1
    found = [opened.cells(caption, place)]
    for sign in ("ascending", "descending", None):
        opened.head(caption, name).click()
        assert opened.table(caption).locator("th").nth(place - 1).get_attribute("aria-sort") == sign
        assert opened.table(caption).locator("th[aria-sort]").count() == bool(sign)
        found.append(opened.cells(caption, place))
    return found


def number(text: str) -> float:
    return float(re.sub(r"[,%\s]", "", text))


def test_states_sort_by_rank_and_the_third_click_restores_the_order(status: Opened) -> None:
    names = status.rows(ALL)
    before, up, down, after = clicked_thrice(status, ALL, "State")
    assert before != up
    assert up == sorted(up, key=RANKS.index)
    assert [RANKS.index(each) for each in down] == sorted((RANKS.index(each) for each in down), reverse=True)
    assert len(set(up)) == len(RANKS)
    assert (after, status.rows(ALL)) == (before, names)


def test_rates_sort_by_number_with_empty_cells_last_in_both_directions(status: Opened) -> None:
    before, up, down, after = clicked_thrice(status, ALL, "Good, 30 days")
    empty = before.count("")
    assert 0 < empty < len(before)
    assert up[-empty:] == down[-empty:] == [""] * empty
    known = [number(each) for each in up[:-empty]]
    assert known == sorted(known)
    assert [number(each) for each in down[:-empty]] == sorted(known, reverse=True)
    assert known[0] < known[-1] == 100  # by letters it would come first
    assert after == before


def test_times_sort_by_time_whatever_they_say(status: Opened) -> None:
    script = "rows => rows.map(row => row.cells[3].querySelector('time')?.dateTime ?? '')"
    rows = status.table(ALL).locator("tbody tr")
    assert columns(status, ALL)[3] == "Last run"
    before = rows.evaluate_all(script)
    status.head(ALL, "Last run").click()
    up = rows.evaluate_all(script)
    known = [each for each in up if each]
    assert known == sorted(known) != [each for each in before if each]
    status.head(ALL, "Last run").click()
    assert [each for each in rows.evaluate_all(script) if each] == sorted(known, reverse=True)


def test_large_numbers_sort_with_their_commas(browser: Browser, pages: Path) -> None:
    opened = Opened(browser, pages / "trends.html")
    caption = "Tasks with expected starts"
    place = next(place for place, name in enumerate(columns(opened, caption), 1) if name == "Starts")
    assert any("," in cell for cell in opened.cells(caption, place))
    _, up, down, _ = clicked_thrice(opened, caption, "Starts")
    assert [number(each) for each in up] == sorted(number(each) for each in up)
    assert [number(each) for each in down] == sorted((number(each) for each in up), reverse=True)


def test_strips_have_no_order_and_no_button(status: Opened) -> None:
    buttons = status.table(ALL).locator("thead button").all_inner_texts()
    assert buttons == [name for name in columns(status, ALL) if name != "Last 30 days"]


# Filtering ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("context", [{}, PHONE], ids=["desk", "phone"])
def test_filter_keeps_the_rows_with_all_words(context: dict[str, object], browser: Browser, pages: Path) -> None:
    inventory = Opened(browser, pages / "inventory.html", **context)
    everything = inventory.rows("Tasks")
    inventory.find("Tasks", "permits PYTHON38")
    assert inventory.rows("Tasks") == [r"OpenData\Permits\Certificates of occupancy"]
    assert inventory.tools("Tasks").locator("output").inner_text() == f"1 of {len(everything)}"
    inventory.find("Tasks", "")
    assert inventory.rows("Tasks") == everything
    assert inventory.fragment == ""


def chip(opened: Opened, name: str) -> Locator:
    return opened.page.locator(".tools a", has_text=re.compile(rf"^\d+ {name}$"))


def test_chips_and_words_are_combined_and_stand_in_the_fragment(status: Opened) -> None:
    assert status.page.locator(".tools a").all_inner_texts() == [
        *("13 FAILING", "1 OVERDUE", "2 RUNNING LONG", "1 UNKNOWN", "2 RUNNING", "1 NEVER RAN", "1 DISABLED", "31 OK")
    ]
    chip(status, "FAILING").click()
    assert (len(status.rows(ALL)), status.fragment) == (13, "?v=FAILING")
    assert chip(status, "FAILING").get_attribute("aria-current") == "true"
    chip(status, "OVERDUE").click()
    assert (len(status.rows(ALL)), status.fragment) == (14, "?v=FAILING&v=OVERDUE")
    status.find(ALL, "permits load")
    assert status.rows(ALL) == [r"OpenData\Permits\Nightly load"]
    assert status.tools(ALL).locator("output").inner_text() == "1 of 52"
    status.head(ALL, "Last run").click()
    status.head(ALL, "Last run").click()
    assert status.fragment == "?q=permits+load&v=FAILING&v=OVERDUE&s=-3"
    chip(status, "FAILING").click()
    assert (status.rows(ALL), status.fragment) == ([], "?q=permits+load&v=OVERDUE&s=-3")
    assert chip(status, "FAILING").get_attribute("aria-current") is None


def test_fragment_restores_the_state_and_each_part_of_it_is_checked(browser: Browser, pages: Path) -> None:
    made = Opened(browser, pages / "status.html")
    chip(made, "FAILING").click()
    made.head(ALL, "Last run").click()
    made.find(ALL, "opendata")
    again = Opened(browser, made.file, f"#{made.fragment}")
    assert again.rows(ALL) == made.rows(ALL)
    assert again.fragment == made.fragment
    assert again.page.get_by_label(f"Filter: {ALL}").input_value() == "opendata"
    assert again.table(ALL).locator("th[aria-sort=ascending]").inner_text().startswith("Last run")
    assert (again.outside, again.said) == ([], [])
    for wrong in ("#?v=NOTHING&s=99", "#?s=x&q=", "#?%00%ff", "#?v=<b>x", "#%ff", "#nowhere", '#"]'):
        whole = Opened(browser, made.file, wrong)
        assert (len(whole.rows(ALL)), whole.said) == (52, []), wrong


def test_chip_is_a_link_to_the_list_that_it_filters(browser: Browser, pages: Path) -> None:
    status = Opened(browser, pages / "status.html")
    target = chip(status, "FAILING").get_attribute("href")
    assert target == "#?v=FAILING"
    assert len(Opened(browser, status.file, target).rows(ALL)) == 13
    status.page.evaluate("location.hash = '#?v=OVERDUE'")  # a link within the page
    status.page.wait_for_function("document.querySelectorAll('.chips tbody tr:not([hidden])').length == 1")


def test_two_lists_of_a_page_have_a_state_each(browser: Browser, pages: Path) -> None:
    opened = Opened(browser, pages / "trends.html")
    captions = [each.inner_text() for each in opened.page.locator(".table caption").all()]
    assert len(captions) > 3
    fields = [each for each in captions if opened.tools(each).count()]
    first, second = fields[:2]
    opened.find(first, "transit")
    opened.find(second, "transit")
    opened.head(first, "Task").click()
    places = [captions.index(each) + 1 for each in (first, second)]
    names = ["" if place == 1 else str(place) for place in places]
    assert opened.fragment == f"?q{names[0]}=transit&s{names[0]}=0&q{names[1]}=transit"
    again = Opened(browser, opened.file, f"#{opened.fragment}")
    for caption in captions:
        assert again.rows(caption) == opened.rows(caption)
    assert 0 < len(again.rows(first)) < len(Opened(browser, opened.file).rows(first))


def test_stories_are_found_by_words_and_chips(browser: Browser, pages: Path) -> None:
    opened = Opened(browser, pages / "tasks.html")
    stories = opened.page.locator(".task:visible")
    assert stories.count() == 52
    chip(opened, "RUNNING LONG").click()
    assert stories.count() == 2
    opened.page.get_by_label("Filter: Tasks").fill("base map")
    assert stories.count() == 1
    assert opened.fragment == "?q=base+map&v=RUNNING+LONG"
    assert Opened(browser, opened.file, f"#{opened.fragment}").page.locator(".task:visible").count() == 1


# Stories --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("context", [{}, PLAIN], ids=["scripts", "plain"])
def test_link_to_a_story_opens_it(context: dict[str, object], browser: Browser, pages: Path) -> None:
    opened = Opened(browser, pages / "status.html", **context)
    opened.page.locator(".todo a", has_text="Bus stops").click()
    opened.page.wait_for_url(f"**/tasks.html#{BUS}")
    story = opened.page.locator(".story:visible")
    assert story.count() == 1
    assert story.get_attribute("id") == BUS
    for words in ("How it stands", "Read the last lines of the traceback", "How to restore it", "When it starts"):
        assert words in story.inner_text()
    box = story.bounding_box()
    assert box
    assert 0 <= box["y"] < 200
    assert opened.said == []


@pytest.mark.parametrize("context", [{}, PLAIN], ids=["scripts", "plain"])
def test_fragment_of_a_story_opens_it_at_once(context: dict[str, object], browser: Browser, pages: Path) -> None:
    opened = Opened(browser, pages / "tasks.html", f"#{BUS}", **context)
    assert opened.page.locator(".story:visible").get_attribute("id") == BUS


def test_story_of_another_page_is_found_from_the_first(browser: Browser, many_pages: Path) -> None:
    last = story_id(r"\OpenData\6\Task 223")
    opened = Opened(browser, many_pages / "tasks.html", f"#{last}")
    opened.page.wait_for_url(f"**/tasks-3.html#{last}")
    assert opened.page.locator(".story:visible").get_attribute("id") == last
    plain = Opened(browser, many_pages / "tasks.html", **PLAIN).page
    plain.locator(".names").locator("xpath=..").locator("summary").click()
    plain.locator(f".names a[href$='#{last}']").click()
    assert plain.locator(".story:visible").get_attribute("id") == last


def test_lines_are_copied_whole(browser: Browser, pages: Path) -> None:
    opened = Opened(browser, pages / "status.html", permissions=["clipboard-read", "clipboard-write"])
    line = opened.page.locator(".todo > li", has_text="Base map").locator(".cmd")
    text = line.evaluate("line => line.firstChild.data")
    line.locator("xpath=..").locator("summary").click()
    line.get_by_role("button").click()
    line.get_by_role("button", name="Copied").wait_for(timeout=5000)
    assert opened.page.evaluate("navigator.clipboard.readText()") == text
    assert text == r"Stop-ScheduledTask -TaskPath '\OpenData\GIS\Tiles\' -TaskName 'Base map'"
    assert opened.page.locator(".cmd").count() == opened.page.locator(".cmd > button").count()


# The keyboard ---------------------------------------------------------------------------------------------------------

REACHED = """() => { const all = [...document.querySelectorAll('a[href], button, input, summary')]
    .filter(e => e.checkVisibility({ contentVisibilityAuto: true })); window.found = new Set(); return all.length; }"""
STEP = """() => { const e = document.activeElement; if (e === document.body || found.has(e)) return false; found.add(e);
    const box = e.getBoundingClientRect(), style = getComputedStyle(e); window.hidden ??= [];
    if (!e.matches('.skip') && (!box.width || style.outlineStyle === 'none')) hidden.push(e.outerHTML.slice(0, 80));
    return true; }"""
MISSED = """() => [...document.querySelectorAll('a[href], button, input, summary')]
    .filter(e => e.checkVisibility({ contentVisibilityAuto: true }) && !found.has(e))
    .map(e => e.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize("name", ["status", "tasks", "inventory", "trends"])
def test_keyboard_alone_reaches_everything_and_shows_where_it_is(name: str, browser: Browser, pages: Path) -> None:
    page = Opened(browser, pages / f"{name}.html").page
    number = page.evaluate(REACHED)
    assert number > 50
    for _ in range(number + 1):
        page.keyboard.press("Tab")
        if not page.evaluate(STEP):
            break
    assert page.evaluate(MISSED) == []
    assert page.evaluate("window.hidden") == []


def test_keyboard_skips_to_the_answer_opens_a_story_sorts_and_filters(browser: Browser, pages: Path) -> None:
    status = Opened(browser, pages / "status.html")
    page = status.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["x"] >= 0  # type: ignore[index]
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.todo') !== null")
    status.head(ALL, "State").focus()
    page.keyboard.press("Enter")
    assert status.cells(ALL, 2)[0] == "FAILING"
    chip(status, "DISABLED").focus()
    page.keyboard.press("Enter")
    assert len(status.rows(ALL)) == 1
    tasks = Opened(browser, pages / "tasks.html").page
    tasks.locator(".task > details > summary").nth(3).focus()
    tasks.keyboard.press("Enter")
    assert tasks.locator(".story:visible").count() == 1
