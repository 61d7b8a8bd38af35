"""Figures: blind days are gaps and never zero, words are counted from the data, colour is no only sign."""

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lxml import etree

from taskanalysis.report import charts, style
from taskanalysis.report.charts import ENDING_CLASSES, HEAD, HEIGHT, Chart
from taskanalysis.report.window import ENDINGS
from taskanalysis.results.decode import BAD_OUTCOMES

FIRST = datetime(2026, 11, 16)  # a Monday
GAP = [(datetime(2026, 11, 17, 19), datetime(2026, 11, 19, 7))]
DAYS = (charts.failing, charts.endings)
STYLES = {
    "JupyterLab": Path(style.__file__).with_name("jupyter.css"),
    "pages": Path(style.__file__).parents[1] / "publish" / "template" / "style.css",
}


def days(number: int = 7, blind: tuple[int, ...] = (2,), **columns: list[int]) -> pd.DataFrame:
    """Days from a Monday on, those in `blind` blind; a column that is not given is of zeros."""
    index = pd.date_range(FIRST, periods=number)
    frame = pd.DataFrame(0, index=index, columns=[*ENDINGS, "snapshots", "failing"])
    for name, values in columns.items():
        frame[name.replace("_", " ")] = values
    return frame.assign(blind=[place in blind for place in range(number)])


WEEK = days(
    succeeded=[9, 8, 7, 9, 9, 9, 3],
    failed=[1, 0, 5, 0, 2, 0, 1],
    not_started=[0, 0, 0, 0, 1, 0, 0],
    failing=[1, 1, 1, 0, 3, 3, 2],
)


def svg(chart: Chart) -> etree._Element:
    (found,) = re.findall(r'<svg class="chart".*</svg>', chart._repr_html_())
    return etree.fromstring(found.replace("class=odd", 'class="odd"'))


def bars(chart: Chart, kind: str) -> list[tuple[int, float, float]]:
    """The bars of a class: their place, where their bottom stands, and their height, in pixels of the figure."""
    found = svg(chart).xpath(f"//path[@class='{kind} bar']/@d")
    moves = re.findall(r"M([\d.]+) ([\d.]+)v-([\d.]+)h\.86v([\d.]+)z", found[0]) if found else []
    assert sum(map(len, moves)) == 4 * (found[0].count("M") if found else 0)
    assert all(up == down for *_, up, down in moves), "a bar is closed"
    return [(int(float(place)), float(bottom), float(up)) for place, bottom, up, _ in moves]


def blind(chart: Chart) -> list[tuple[float, float, float]]:
    """From which bar to which a hatched time reaches, and how high."""
    rects = svg(chart).xpath("//rect[@class='blind']")
    return [(float(r.get("x")), float(r.get("x")) + float(r.get("width")), float(r.get("height"))) for r in rects]


def texts(chart: Chart) -> list[str]:
    return [str(text) for text in svg(chart).xpath("//text/text()")]


# Gaps -----------------------------------------------------------------------------------------------------------------


def test_blind_day_has_no_bar_even_where_runs_of_it_are_known() -> None:
    drawn = charts.endings(WEEK, GAP)
    assert [place for place, *_ in bars(drawn, "x")] == [0, 4, 6]
    assert [place for place, *_ in bars(drawn, "g")] == [0, 1, 3, 4, 5, 6]
    assert [place for place, *_ in bars(charts.endings(WEEK.assign(blind=False), []), "x")] == [0, 2, 4, 6]
    assert [place for place, *_ in bars(charts.failing(WEEK, GAP), "x")] == [0, 1, 4, 5, 6]


def test_blind_time_is_hatched_from_its_begin_to_its_end_over_the_whole_height() -> None:
    for make in DAYS:
        ((begin, end, height),) = blind(make(WEEK, GAP))
        assert (round(begin, 1), round(end, 1)) == (1.8, 3.3)
        assert height == HEIGHT - charts.FOOT
        assert blind(make(WEEK, [])) == []


def test_blind_day_is_covered_by_the_hatching() -> None:
    ((begin, end, _),) = blind(charts.failing(WEEK, GAP))
    assert all(begin <= place and place + 1 <= end for place in np.flatnonzero(WEEK["blind"]))


def test_blind_time_that_began_before_the_first_day_is_cut_there() -> None:
    before = [(datetime(2026, 11, 2), datetime(2026, 11, 16, 12)), (datetime(2026, 10, 1), datetime(2026, 10, 3))]
    assert [gap[:2] for gap in blind(charts.failing(WEEK, before))] == [(0, 0.5)]
    after = [(datetime(2026, 11, 22, 12), datetime(2026, 12, 2))]
    assert [gap[:2] for gap in blind(charts.failing(WEEK, after))] == [(6.5, 7)]


# Words ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            charts.failing,
            "How many tasks were failing at the end of each day? 1 on Mon 16 Nov, 2 today; most: 3 on Fri 20 Nov.",
        ),
        (
            charts.endings,
            "How did the runs of each day end? succeeded 47; not started 1; failed 4. "
            "Failed, stopped or not started: most: 3 on Fri 20 Nov.",
        ),
    ],
)
def test_words_are_counted_from_the_days_that_are_known(make: Callable[..., Chart], words: str) -> None:
    drawn = make(WEEK, GAP)
    assert drawn.alt == f"{words} No snapshots: Wed 18 Nov."
    assert repr(drawn) == drawn.alt
    assert svg(drawn).get("aria-label") == drawn.alt
    assert svg(drawn).get("role") == "img"


def test_words_change_with_the_data() -> None:
    worse = WEEK.assign(failing=[0, 0, 0, 0, 0, 1200, 7])
    assert "0 on Mon 16 Nov, 7 today; most: 1,200 yesterday." in charts.failing(worse, GAP).alt


def test_many_blind_days_are_named_and_counted() -> None:
    drawn = charts.failing(days(20, blind=tuple(range(3, 12))), [])
    assert drawn.alt.endswith(
        "No snapshots: Thu 19 Nov, Fri 20 Nov, Sat 21 Nov, Sun 22 Nov, Mon 23 Nov, Tue 24 Nov and 3 others."
    )


def test_words_of_hours_tell_the_fullest_and_the_empty_ones() -> None:
    hours = pd.DataFrame(1, index=range(24), columns=ENDINGS)
    hours.loc[3, "succeeded"], hours.loc[[4, 5]] = 1200, 0
    drawn = charts.hours(hours)
    assert drawn.alt == (
        "At which hours do runs start? Most: 03:00 1,205, 00:00 6, 01:00 6. No start in the hours from 04:00 and 05:00."
    )
    assert texts(drawn)[-8:] == [f"{hour:02}:00" for hour in range(0, 24, 3)]
    assert charts.hours(hours * 0).alt.endswith("No start is known.")


def test_nothing_known_is_words_without_a_figure() -> None:
    empty = days(0, blind=())
    for drawn in (*(make(empty, []) for make in DAYS), charts.hours(pd.DataFrame(0, range(24), ENDINGS))):
        assert "<svg" not in drawn._repr_html_()
        assert f'<p class="empty mathjax_ignore">{drawn.alt}</p>' in drawn._repr_html_()
    assert charts.failing(empty, []).alt.endswith("Not known: a trend needs two snapshots.")


def test_days_that_are_all_blind_are_no_zero() -> None:
    drawn = charts.failing(days(3, blind=(0, 1, 2)), [])
    assert not re.search(r"\b0 on", drawn.alt)
    assert bars(drawn, "x") == []
    assert "most: 0" not in charts.endings(days(3, blind=(0, 1, 2)), []).alt


# Bars and labels ------------------------------------------------------------------------------------------------------


def test_bars_stand_on_each_other_from_zero_and_reach_their_numbers() -> None:
    drawn = charts.endings(WEEK.assign(blind=False), [])
    inner = HEIGHT - charts.FOOT - HEAD
    unit = inner / 12
    failed, refused, good = (bars(drawn, kind) for kind in "xng")
    assert failed[0] == (0, inner, pytest.approx(unit, abs=0.01))
    assert refused == [(4, pytest.approx(inner - 2 * unit, abs=0.01), pytest.approx(unit, abs=0.01))]
    assert good[4][1:] == (pytest.approx(inner - 3 * unit, abs=0.02), pytest.approx(9 * unit, abs=0.02))


@pytest.mark.parametrize(
    ("top", "steps"),
    [
        (0, []),
        (1, ["1"]),
        (4, ["1", "2", "3", "4"]),
        (5, ["2", "4"]),
        (17, ["5", "10", "15"]),
        (1234, ["500", "1,000"]),
        (5_000_000, ["2,000,000", "4,000,000"]),
    ],
)
def test_numbers_beside_the_lines_are_round_and_few(top: int, steps: list[str]) -> None:
    drawn = Chart("T", pd.DataFrame({"failed": [0, top]}), "words")
    assert [text for text in texts(drawn) if re.fullmatch(r"[\d,]+", text)] == (steps or ["1"])
    assert len(svg(drawn).xpath("//path[@class='line']")) == len(steps or ["1"]) + 1, "and one at zero"


@pytest.mark.parametrize(
    ("number", "ticks"), [(1, 1), (7, 7), (10, 10), (11, 2), (30, 4), (90, 7), (365, 11), (3650, 12)]
)
def test_some_mondays_are_named_and_of_a_short_time_each_day(number: int, ticks: int) -> None:
    drawn = charts.failing(days(number, blind=()), [])
    assert [text for text in texts(drawn) if not text.replace(",", "").isdigit()] == list((drawn.ticks or {}).values())
    assert len(drawn.ticks or {}) == ticks <= charts.MOST_TICKS + 1
    if number > 10:
        assert {pd.Timestamp(FIRST + place * charts.DAY).weekday() for place in drawn.ticks or {}} == {0}
        assert list(drawn.ticks or {}) == sorted(drawn.ticks or {})
    assert all(float(x[:-1]) < 100 for x in svg(drawn).xpath("//text/@x"))


def test_key_names_only_what_occurs_and_one_kind_needs_none() -> None:
    page = charts.endings(WEEK, GAP)._repr_html_()
    (key,) = re.findall(r'<p class="key">(.*?)</p>', page)
    assert re.findall(r"</svg>([^<]+)", key) == ["failed", "not started", "succeeded"]
    assert '<p class="key">' not in charts.failing(WEEK, GAP)._repr_html_()


def test_bad_endings_stand_at_the_bottom_and_each_ending_has_a_class_and_a_colour() -> None:
    assert tuple(ENDING_CLASSES)[:3] == BAD_OUTCOMES
    assert set(ENDING_CLASSES) == set(ENDINGS)
    assert len(set(ENDING_CLASSES.values())) == len(ENDINGS)
    okabe_ito = {"#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#999999"}
    assert len(set(charts._COLOURS.values()) & okabe_ito) == len(ENDINGS)


@pytest.mark.parametrize("name", STYLES)
def test_every_class_of_a_figure_is_in_both_styles(name: str) -> None:
    css = STYLES[name].read_text(encoding="utf-8")
    for kind in [*ENDING_CLASSES.values(), "blind", "line"]:
        assert re.search(rf"\.{kind}\b[^{{}}]*\{{", css), kind


def test_figure_is_as_wide_as_its_page_and_its_letters_keep_their_size() -> None:
    root = svg(charts.endings(WEEK, GAP))
    assert (root.get("width"), root.get("viewBox")) == ("100%", None)
    assert all(x.endswith("%") for x in root.xpath("//text/@x"))
    (plot,) = root.xpath("./svg")
    assert (plot.get("preserveAspectRatio"), plot.get("viewBox")) == ("none", f"0 0 7 {HEIGHT - charts.FOOT - HEAD}")
    assert plot.xpath(".//text") == [], "letters would be stretched"


def test_text_is_neither_formula_nor_markup() -> None:
    hostile = '<script>x</script> & "c" $a$'
    drawn = Chart(hostile, pd.DataFrame({"failed": [1], hostile: [2]}), hostile, {0: hostile})
    page = drawn._repr_html_()
    assert "<script" not in page
    assert texts(drawn)[-1] == hostile
    assert svg(drawn).get("aria-label") == f"{hostile} {hostile}"
    assert "mathjax_ignore" in page


# For analysts, and files ----------------------------------------------------------------------------------------------


def test_figure_of_matplotlib_has_the_same_bars_title_and_labels() -> None:
    drawn = charts.endings(WEEK, GAP)
    (axes,) = drawn.figure.axes
    assert axes.get_title() == drawn.title
    heights = {container.get_label(): [round(bar.get_height()) for bar in container] for container in axes.containers}
    assert heights["failed"] == [1, 0, 0, 0, 2, 0, 1], "the blind day is left out"
    assert heights["succeeded"] == [9, 8, 0, 9, 9, 9, 3]
    assert [label.get_text() for label in axes.get_xticklabels()] == list((drawn.ticks or {}).values())
    (other,) = Chart("T", pd.DataFrame({"number": [1]}), "words").figure.axes
    assert len(other.containers) == 1


def test_figure_is_saved_by_who_wants_it(tmp_path: Path) -> None:
    file = tmp_path / "failing.svg"
    charts.failing(WEEK, GAP).figure.savefig(file)
    assert b"<svg" in file.read_bytes()


def test_same_data_give_the_same_small_figure() -> None:
    dice = np.random.default_rng(1)
    columns = {name.replace(" ", "_"): dice.integers(0, 99, 90).tolist() for name in [*ENDINGS, "failing"]}
    quarter = days(90, blind=(30, 31), **columns)
    for make in DAYS:
        page = make(quarter, GAP)._repr_html_()
        assert page == make(quarter, GAP)._repr_html_()
        assert len(page) - len(style.scoped("")) < 25_000
