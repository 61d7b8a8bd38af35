"""Figures: what they say in words, and that no text of a task is more than text in them."""

import pandas as pd
from lxml import etree

from taskanalysis.charts import MOST_BARS, Chart, bars


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
    assert chart().alt == "Bar chart. Which has most? There is nothing to show."


def test_text_of_a_task_is_neither_formula_nor_markup() -> None:
    drawn = chart(("$a$b$", 3), ("<script>x</script>", 2), ("任务", 1), ("x" * 500, 1))
    assert texts(drawn)[:3] == ["$a$b$", "<script>x</script>", "任务"]
    assert b"<script" not in drawn.svg
    assert '"' not in drawn._repr_html_().split('alt="')[1].split("src=")[0].rstrip().removesuffix('"')


def test_same_data_give_the_same_bytes() -> None:
    assert chart(("a", 1)).svg == chart(("a", 1)).svg


def test_picture_carries_its_own_data_and_alternative_text() -> None:
    html = chart(("a", 1))._repr_html_()
    assert 'src="data:image/svg+xml;base64,' in html
    assert 'alt="Bar chart. Which has most? a: 1 task."' in html
    assert repr(chart(("a", 1))) == chart(("a", 1)).alt
