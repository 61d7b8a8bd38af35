"""What a notebook shows: all rows, escaped, and with words where there is none."""

from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd
import pytest
from lxml import html

from taskanalysis.health.verdicts import Verdict
from taskanalysis.report.display import BADGE_COLUMNS, BADGES, MOST_ROWS, PAGE_TYPE, Heading, Sentences, Table, text_of
from taskanalysis.report.inventory import Inventory
from taskanalysis.results.decode import Outcome
from taskanalysis.snapshot.snapshot import Snapshot

OURS = {"div", "table", "caption", "thead", "tbody", "tr", "th", "td", "wbr", "details", "summary", "dl", "dt", "dd"}


def test_every_row_and_cell_of_a_table_is_there(inventory: Inventory) -> None:
    frame = inventory.tasks.frame
    page = html.fromstring(replace(inventory.tasks, columns=())._repr_html_())
    rows = page.xpath("//tbody/tr")
    assert len(rows) == len(frame)
    assert all(len(row) == len(frame.columns) for row in rows)
    assert [row[1].text_content() for row in rows] == frame["task_path"].tolist()


def test_meaning_of_a_column_is_on_its_head_and_in_the_legend() -> None:
    page = html.fromstring("<div>" + Table(pd.DataFrame({"a_b": [1], "c": [2]}), "T", {"a_b": 'x "y"'})._repr_html_())
    assert page.xpath("//th[@scope='col']/@title") == ['x "y"']
    assert page.xpath("//details//dt/text()") == ["a b"]
    assert page.xpath("//details//dd/text()") == ['x "y"']


def test_table_shows_chosen_columns_in_their_order() -> None:
    page = html.fromstring(Table(pd.DataFrame({"a": [1], "b": [2], "c": [3]}), "T", {}, ("c", "a"))._repr_html_())
    assert page.xpath("//th[@scope='col']/text()") == ["c", "a"]
    assert [cell.text_content() for cell in page.xpath("//tbody/tr/*")] == ["3", "1"]


def test_long_table_shows_its_first_rows_and_links_the_file_with_all() -> None:
    frame = pd.DataFrame({"a": range(MOST_ROWS + 1)})
    page = html.fromstring("<div>" + Table(frame, "T", file="t.csv")._repr_html_())
    assert page.xpath("//tbody/tr/*/text()") == [str(number) for number in range(MOST_ROWS)]
    (rest,) = page.xpath("//p")
    assert rest.text_content() == "The first 2,000 of 2,001 rows; t.csv has all of them."
    assert rest.xpath("a/@href") == ["t.csv"]


def test_table_that_fits_says_nothing_of_a_rest() -> None:
    page = html.fromstring("<div>" + Table(pd.DataFrame({"a": range(MOST_ROWS)}), "T", file="t.csv")._repr_html_())
    assert len(page.xpath("//tbody/tr")) == MOST_ROWS
    assert page.xpath("//p | //a") == []


def test_long_list_in_a_cell_says_how_many_more_there_are() -> None:
    frame = pd.DataFrame({"a": [list(range(MOST_ROWS + 5))]})
    page = html.fromstring("<div>" + Table(frame, "T", file="t.csv")._repr_html_())
    assert [entry.text_content() for entry in page.xpath("//tbody//div/div")][-2:] == ["1999", "and 5 more"]
    assert page.xpath("//p")[0].text_content() == "A part of the longest lists; t.csv has all of them."


def test_empty_table_is_answered_in_words() -> None:
    assert Table(pd.DataFrame(), "T", empty="None <here>.")._repr_html_() == '<p class="empty">None &lt;here&gt;.</p>'


def test_nothing_of_a_hostile_table_is_markup(hostile: Snapshot) -> None:
    tables = Inventory(hostile)
    for table in (tables.tasks, tables.triggers, tables.actions, tables.findings, tables.problems):
        page = html.fromstring(Table(table.frame, "<b>caption", {"file": "<b>"})._repr_html_())
        assert {element.tag for element in page.iter()} <= OURS


def test_each_verdict_and_outcome_is_a_badge_with_its_word() -> None:
    assert BADGES.keys() == {each.value for each in [*Verdict, *Outcome]} | {"enabled", "disabled"}
    for name in BADGE_COLUMNS:
        page = html.fromstring(Table(pd.DataFrame({"task": list(BADGES), name: list(BADGES)}), "T")._repr_html_())
        badges = page.xpath("//tbody/tr/td/span")
        assert [(badge.text_content(), badge.get("class")) for badge in badges] == [
            (word, f"badge {kind}") for word, kind in BADGES.items()
        ]


@pytest.mark.parametrize(
    "text", ["bad", 'FAILING" onclick="x', "<b>OK</b>", "ok", "OK ", "failed loud", "At 21:40", ""]
)
def test_text_of_a_task_is_no_badge(text: str) -> None:
    rows = Table(pd.DataFrame({name: [text] for name in BADGE_COLUMNS}), "T")._repr_html_()
    page = html.fromstring(rows)
    assert {element.tag for element in page.iter()} <= OURS
    assert [cell.text_content() for cell in page.xpath("//tbody/tr/*")] == [text] * len(BADGE_COLUMNS)
    assert {name for cell in page.xpath("//tbody//*[@class]") for name in cell.get("class").split()} <= {"break"}


def test_word_of_a_badge_is_plain_in_any_other_column() -> None:
    page = html.fromstring(Table(pd.DataFrame({"name": ["OK"], "description": ["FAILING"]}), "T")._repr_html_())
    assert page.xpath("//span") == []


def test_time_is_kept_in_one_piece_and_a_number_is_aligned() -> None:
    frame = pd.DataFrame({"a": [datetime(2026, 11, 23, 6, 2)], "b": [["2026-11-23 06:02"]], "c": [[]], "d": [1.5]})
    page = html.fromstring(Table(frame.assign(e="2026-11-23 06:02 and on"), "T")._repr_html_())
    assert [cell.get("class") for cell in page.xpath("//tbody/tr/*")] == ["time", "time", None, "number", None]


def test_long_text_is_whole_and_scrolls_in_itself() -> None:
    page = html.fromstring(Table(pd.DataFrame({"a": ["x" * 10_000]}), "T")._repr_html_())
    (cell,) = page.xpath("//div[@class='long']")
    assert cell.text_content() == "x" * 10_000


def test_secret_in_a_sentence_is_masked() -> None:
    assert "S3cret" not in Sentences(["by load.exe --password S3cret"])._repr_html_()


def test_sentences_and_heading_are_escaped() -> None:
    assert "<b>" not in Sentences(["<b>"])._repr_html_()
    bundle = Heading("<b>", {"<b>": "<i>"})._repr_mimebundle_()
    assert "<b>" not in bundle["text/html"]
    assert bundle[PAGE_TYPE] == {"title": "<b>", "facts": {"<b>": "<i>"}}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (False, "no"),
        (267014, "267014"),
        (float("nan"), ""),
        (None, ""),
        (pd.NaT, ""),
        (pd.NA, ""),
        (["a", 1], "a; 1"),
        (datetime(2026, 11, 23, 6, 2, tzinfo=UTC), "2026-11-23 06:02"),
    ],
)
def test_value_reads_as_a_reader_expects(value: object, text: str) -> None:
    assert text_of(value) == text


def test_terminal_gets_plain_text() -> None:
    assert repr(Sentences(["a", "b"])) == "a\nb"
    assert repr(Table(pd.DataFrame({"a": [1]}), "T")).startswith("T\n")
