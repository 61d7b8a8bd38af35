"""Figures: what they say in words, and that no text of a task is more than text in them."""

import pandas as pd
from lxml import etree

from taskanalysis.report.charts import MOST_BARS, Chart, bars, blind_words, grid, short_names


def chart(*rows: tuple[str, int]) -> Chart:
    frame = pd.DataFrame(rows, columns=["name", "number"])
    return bars(frame, "name", "number", title="Which has most?", unit="task")


def texts(drawn: Chart) -> list[str]:
    return [element.text for element in etree.fromstring(drawn.svg).iter("{http://www.w3.org/2000/svg}text")]


def test_alternative_text_has_every_number() -> None:
    assert chart(("a", 1200), ("b", 1)).alt == "Bar chart. Which has most? a: 1,200 tasks; b: 1 task."


def test_figure_shows_names_and_numbers() -> None:
    assert texts(chart(("a", 1200), ("b", 1))) == ["a", "b", "1,200", "1"]


def test_bars_beyond_the_twelfth_are_one() -> None:
    drawn = chart(*((str(number), 1) for number in range(MOST_BARS + 5)))
    assert drawn.alt.endswith("; 5 others: 5 tasks.")
    assert chart(*((str(number), 1) for number in range(MOST_BARS + 1))).alt.count(";") == MOST_BARS


def test_no_data_is_said_in_words() -> None:
    words = "Which has most? There is nothing to show."
    assert chart().alt == words
    assert chart()._repr_html_() == f'<p class="empty mathjax_ignore">{words}</p>'


def test_text_of_a_task_is_neither_formula_nor_markup() -> None:
    drawn = chart(("$a$b$", 3), ("<script>x</script>", 2), ("任务", 1), ("x" * 500, 1))
    assert texts(drawn)[:3] == ["$a$b$", "<script>x</script>", "任务"]
    assert b"<script" not in drawn.svg
    assert '"' not in drawn._repr_html_().split('alt="')[1].split("src=")[0].rstrip().removesuffix('"')


def test_picture_carries_its_own_data_and_alternative_text() -> None:
    html = chart(("a", 1))._repr_html_()
    assert 'src="data:image/svg+xml;base64,' in html
    assert 'alt="Bar chart. Which has most? a: 1 task."' in html
    assert repr(chart(("a", 1))) == chart(("a", 1)).alt


# Grid -----------------------------------------------------------------------------------------------------------------


def week(*cells: tuple[int, str, int]) -> Chart:
    frame = pd.DataFrame(0, index=range(24), columns=["Monday", "Tuesday"])
    for hour, day, number in cells:
        frame.loc[hour, day] = number
    return grid(frame, title="How many starts?", unit="start")


def test_grid_says_its_largest_cells_and_how_many_are_empty() -> None:
    assert week((6, "Monday", 1200), (7, "Tuesday", 1)).alt == (
        "Grid. How many starts? Most: Monday 6: 1,200 starts; Tuesday 7: 1 start. 46 cells of 48 without any."
    )
    assert week().alt == "Grid. How many starts? Most: nothing. 48 cells of 48 without any."


def test_grid_shows_every_number_but_zero() -> None:
    shown = texts(week((6, "Monday", 1200), (7, "Tuesday", 1)))
    assert [text for text in shown if text in ("1,200", "1")] == ["1", "1,200", "1"]
    assert "0" in shown, "the hour"
    assert shown.count("0") == 1


def test_grid_with_hostile_labels_or_without_rows_is_drawn() -> None:
    hostile = pd.DataFrame([[1]], index=["<script>$x$"], columns=["&" * 500])
    assert b"<script" not in grid(hostile, title="?", unit="start").svg
    assert "nothing" in grid(pd.DataFrame(columns=["a"], dtype=int), title="?", unit="start").alt


# Figures over time ----------------------------------------------------------------------------------------------------


def test_many_blind_days_are_named_and_counted() -> None:
    days = pd.DataFrame({"blind": [day < 8 for day in range(20)]}, index=pd.date_range("2026-11-16", periods=20))
    assert blind_words(days).endswith("2026-11-20, 2026-11-21 and 2 others.")
    assert blind_words(days[8:]) == ""


def test_short_names_keep_tasks_apart_and_mark_what_is_cut() -> None:
    assert short_names(["\\A\\Load", "\\B\\Load"]) == {"\\A\\Load": "A\\Load", "\\B\\Load": "B\\Load"}
    assert short_names(["\\A\\Load"]) == {"\\A\\Load": "Load"}
    assert short_names(["\\A", "\\A\\B"]) == {"\\A": "A", "\\A\\B": "A\\B"}
    (long,) = short_names(["\\" + "folder" * 20 + " Load"]).values()
    assert (long[0], long[-5:], len(long)) == ("…", " Load", 30)
    assert short_names([]) == {}
