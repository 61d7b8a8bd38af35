"""Strips: what each day of a task says, and that a block says the same without colours."""

import re
from datetime import datetime
from itertools import groupby
from pathlib import Path

import pandas as pd
import pytest
from lxml import html

from taskanalysis.report import style
from taskanalysis.report.status import StatusPage
from taskanalysis.report.strips import (
    HEIGHT,
    MONTH,
    SIGNS,
    STEP,
    day_signs,
    days_in_words,
    key,
    run_strip,
    shares,
    strip,
)
from taskanalysis.report.window import ENDINGS, Window
from tests.build import LOAD, scheduled, status, window_of, write
from tests.whole.test_stories import MISSED, PASSWORD

DAILY = "<CalendarTrigger><StartBoundary>2026-01-01T06:00:00</StartBoundary><ScheduleByDay/></CalendarTrigger>"
REFUSED, STOPPED = 0x8007052E, 267014
ALL = [*SIGNS.values(), "f", "s", "n", "m"]
FOLDER = Path(style.__file__).parent
STYLES = {"JupyterLab": FOLDER / "jupyter.css", "pages": FOLDER.parent / "publish" / "template" / "style.css"}


def signs(text: str, first: str = "2026-11-16") -> pd.Series:
    """A sign a day, a space for a day without a run; the first is a Monday."""
    days = pd.date_range(first, periods=len(text))
    return pd.Series([sign.strip() for sign in text], index=days, dtype=object)


def drawn(text: str) -> html.HtmlElement:
    return html.fromstring(text)


def blocks(text: str) -> dict[str, set[int]]:
    """The days or runs that have a block of each class, as the style cuts its lines into them."""
    found: dict[str, set[int]] = {}
    for path in drawn(text).iter("path"):
        for place, length in re.findall(r"M(\d+) [\d.]+h(\d+)", path.get("d")):
            assert int(place) % STEP == 0
            assert (int(length) + 1) % STEP == 0, "a line ends before the gap between two days"
            first = int(place) // STEP
            found.setdefault(path.get("class"), set()).update(range(first, first + (int(length) + 1) // STEP))
    return found


def heights(css: str) -> dict[str, float]:
    """The height of the blocks of each class, as a style draws them."""
    return {kind: float(width) for kind, width in re.findall(r"\.(\w)\s*\{[^}]*?stroke-width:\s*([\d.]+)", css)}


# Days -----------------------------------------------------------------------------------------------------------------


def test_each_day_says_how_the_task_went(tmp_path: Path) -> None:
    codes = [0, 1, STOPPED, REFUSED, 4711, 0]
    rows = {24.0 * n: [status(last_run=24 * n - 2, code=code)] for n, code in enumerate(codes)}
    window = window_of(tmp_path, rows)
    found = day_signs(window, [LOAD, "\\Never seen"])
    assert found.loc[LOAD].tolist() == ["", "F", "S", "N", "?", "·"], "a start before the window is none of its days"
    assert found.loc["\\Never seen"].tolist() == [""] * len(codes)
    assert list(found.columns) == list(window.by_day.index)


def test_bad_ending_comes_before_a_missed_start_and_that_before_a_good_run(tmp_path: Path) -> None:
    other = status("\\Other", last_run=-1)
    seen = {
        0.0: status(last_run=-1),
        6.0: status(last_run=5, code=1),  # 12:00 and 16:00 in New York, one day
        11.0: status(last_run=10),
        24.0: status(last_run=10),
        48.0: status(last_run=10),
    }
    window = window_of(
        tmp_path, {hour: [each, other] for hour, each in seen.items()}, definitions={LOAD: scheduled(DAILY)}
    )
    assert day_signs(window, [LOAD]).loc[LOAD].tolist() == ["f", "M", "M"]
    assert day_signs(window, ["\\Other"]).loc["\\Other"].tolist() == ["", "", ""]


def test_running_task_is_neither_good_nor_bad(tmp_path: Path) -> None:
    running = status(last_run=20, code=267009, state="Running")
    window = window_of(tmp_path, {0.0: [status(last_run=-1)], 24.0: [running]})
    assert day_signs(window, [LOAD]).loc[LOAD].tolist() == ["", "r"]


def test_weekend_failures_and_the_turn_of_the_sample_show(window: Window) -> None:
    paths = ["\\OpenData\\Transit\\Ridership", "\\OpenData\\Finance\\Checkbook", "\\OpenData\\Services\\311 requests"]
    ridership, checkbook, requests = (row for _, row in day_signs(window, paths).iterrows())
    assert set(ridership[ridership == "F"].index.day_name()) == {"Saturday", "Sunday"}
    assert set(ridership[ridership == "M"].index) == {pd.Timestamp("2026-10-17"), pd.Timestamp("2026-10-18")}
    assert checkbook["2026-11-09":].tolist() == [*"NNNNNNNNNNNNNN", ""]
    assert (requests["2026-11-09"], requests["2026-11-10"], requests["2026-10-27"]) == ("n", "N", "")


def test_every_cell_is_counted_another_way(window: Window) -> None:
    paths = sorted(MISSED)
    found = day_signs(window, paths)
    endings = window.runs.groupby(["task_path", "day"], observed=True)["ending"].agg(set)
    missed = set(zip(window.missed_starts["task_path"].astype(str), window.missed_starts["day"], strict=True))
    for (path, day), ended in endings.items():
        if path in paths:
            sign, is_bad = found.loc[path, day], bool(ended & {"failed", "stopped", "not started"})
            assert sign.isupper() == (sign != "?" and (is_bad or (path, day) in missed) and "succeeded" not in ended)
            assert is_bad == (sign.upper() in {"F", "S", "N"})
    filled = {(path, day) for path, row in found.iterrows() for day, sign in row.items() if sign}
    known = {pair for pair in endings.index if pair[0] in paths} | {pair for pair in missed if pair[0] in paths}
    assert filled == known


def test_strip_has_the_last_days_that_the_page_asks_for(window: Window) -> None:
    month = StatusPage.read("data")
    assert month._signs.shape == (52, MONTH)
    assert month._signs.columns[-1] == pd.Timestamp("2026-11-23")
    assert len(day_signs(window, []).columns) == len(window.by_day)


def test_share_of_one_snapshot_has_no_strip(tmp_path: Path) -> None:
    write(tmp_path, 0, status(last_run=-1))
    window = StatusPage.read(tmp_path)
    assert day_signs(window, [LOAD]).shape == (1, 0)
    assert strip(day_signs(window, [LOAD]).loc[LOAD]) == ""
    assert window._strips[LOAD] == ""


def test_strips_of_many_tasks_are_those_of_each(tmp_path: Path) -> None:
    names = [f"\\Task {number:03}" for number in range(200)]  # pandas counts up to 127 categories in other numbers
    rows = {
        24.0 * n: [status(name, last_run=24 * n - 2, code=(n + turn) % 2) for turn, name in enumerate(names)]
        for n in range(4)
    }
    window = window_of(tmp_path, rows)
    found = day_signs(window, names[::-1])
    assert found.loc[names[0]].tolist() == ["", "F", "·", "F"]
    assert found.loc[names[199]].tolist() == ["", "·", "F", "·"]


# Drawing --------------------------------------------------------------------------------------------------------------


def test_each_day_has_its_block_and_equal_days_in_a_row_are_one_line() -> None:
    text = strip(signs("··FFfM ?rSNmns·"))
    assert blocks(text) == {
        "g": {0, 1, 14},
        "x": {2, 3},
        "p": {4, 12, 13},
        "m": {5, 11},
        "u": {7, 8},
        "t": {9},
        "n": {10},
    }
    assert text.count("<path") == len(blocks(text))
    lines = sum(path.get("d").count("M") for path in drawn(text).iter("path"))
    assert lines == len([kind for kind, _ in groupby("ggxxpm uutnmppg") if kind != " "])


def test_every_sign_is_drawn_named_and_in_the_key() -> None:
    kinds = set()
    for sign in ALL:
        (kind,) = blocks(strip(signs(sign)))
        kinds.add(kind)
        assert days_in_words(signs(sign)) != "no run known"
    assert set(html.fromstring(f"<div>{key()}</div>").xpath("//path/@class")) == kinds
    assert strip(signs(" ")).count("<path") == 0
    assert days_in_words(signs("   ")) == "no run known"


@pytest.mark.parametrize("name", STYLES)
def test_height_tells_good_mixed_and_bad_without_colour(name: str) -> None:
    tall = heights(STYLES[name].read_text(encoding="utf-8"))
    assert 0 < tall["m"] < tall["g"] < tall["u"] < tall["p"] < tall["x"]
    assert tall["x"] == tall["t"] == tall["n"] == HEIGHT
    for sign in ALL:
        (kind,) = blocks(strip(signs(sign)))
        (middle,) = re.findall(r"M0 ([\d.]+)h", strip(signs(sign)))
        assert float(middle) == HEIGHT - tall[kind] / 2, "blocks stand on the ground"


@pytest.mark.parametrize(("first", "weekday"), [("2026-11-16", 0), ("2026-11-21", 5), ("2026-11-22", 6)])
def test_strip_says_on_which_weekday_it_begins_so_that_weekends_are_shaded(first: str, weekday: int) -> None:
    assert f"w{weekday}" in drawn(strip(signs("···", first))).get("class").split()
    pages = STYLES["pages"].read_text(encoding="utf-8")
    assert f".w{weekday}" in pages


def test_strip_of_a_month_is_small_and_others_have_their_own_size() -> None:
    month = strip(signs("·" * 28 + "F·"))
    assert "viewBox" not in month
    assert len(month) < 300
    assert f'viewBox="0 0 {7 * STEP} {HEIGHT}"' in strip(signs("·······"))
    assert strip(signs("")) == ""


def test_words_count_the_days() -> None:
    assert days_in_words(signs("····FF  M")) == "4 days good, 2 failed, 1 with a missed start"
    assert days_in_words(signs("F")) == "1 day failed"
    assert drawn(strip(signs("··F"))).get("aria-label") == "2 days good, 1 failed"
    assert drawn(strip(signs("··F"), 'x "<b>"')).get("aria-label") == 'x "<b>"'


def test_last_runs_are_a_block_each_and_counted_in_words() -> None:
    text = run_strip(["succeeded", "failed", "failed", "running", "unknown", "stopped", "not started"])
    assert blocks(text) == {"g": {0}, "x": {1, 2}, "u": {3, 4}, "t": {5}, "n": {6}}
    assert drawn(text).get("aria-label") == (
        "Last 7 runs, oldest left: 1 succeeded, 2 failed, 1 stopped, 1 not started, 1 running, 1 unknown"
    )
    assert run_strip([]).count("<path") == 0
    assert {"succeeded", "failed", "stopped", "not started", "running", "unknown"} == set(ENDINGS) <= set(SIGNS)


def test_shares_are_as_high_as_the_part_of_tasks_with_a_bad_day() -> None:
    days = pd.date_range(datetime(2026, 11, 16), periods=4)
    found = drawn(shares([0, 1, 2, 4], 4, days, "Tasks with a bad day"))
    assert re.findall(r"M(\d+) 16v-(\d+)h5V16z", found.find("path").get("d")) == [("6", "4"), ("12", "8"), ("18", "16")]
    tiny = drawn(shares([1], 1000, days[:1], "x")).find("path").get("d")
    assert tiny == "M0 16v-2h5V16z", "one of a thousand is still seen"


def test_card_of_several_tasks_shows_how_many_of_them_had_a_bad_day() -> None:
    page = StatusPage.read("data")
    case = page.cases[0]
    assert {task.path.removeprefix("\\OpenData\\") for task in case.tasks} == set(PASSWORD)
    found = drawn(page._strip_of(case))
    assert found.get("aria-label") == "Tasks with a bad day: 9 of 9 tasks at most on a day"
    alone = next(each for each in page.cases if len(each.tasks) == 1)
    assert page._strip_of(alone) == page._strips[alone.first.path]
