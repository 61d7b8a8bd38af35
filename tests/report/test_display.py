"""What a notebook shows: all rows, escaped, and with words where there is none."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from lxml import html

from taskanalysis.health.verdicts import Verdict
from taskanalysis.report.display import (
    BADGE_COLUMNS,
    BADGES,
    CARD_TYPE,
    LONG,
    MOST_LISTED,
    MOST_POINTS,
    MOST_ROWS,
    PAGE_TYPE,
    PART_COLUMNS,
    Answer,
    Heading,
    Html,
    Look,
    Sentences,
    Table,
    label,
    shown,
    text_of,
)
from taskanalysis.report.inventory import Inventory
from taskanalysis.report.style import scoped
from taskanalysis.results.decode import Outcome
from taskanalysis.snapshot.snapshot import Snapshot
from tests.build import HOSTILE, SCRIPT

OURS = {"div", "table", "caption", "thead", "tbody", "tr", "th", "td", "wbr", "details", "summary", "dl", "dt", "dd"}
OURS |= {"p", "b", "a", "time"}
NEAR = datetime(2026, 11, 23, 6, 2)
LOAD, OTHER = r"\OpenData\Load", r"\OpenData\Load 2"
LOOK = Look(NEAR, {LOAD: "tasks.html#t1", OTHER: "tasks-2.html#t2"})


def parsed(table: Table) -> html.HtmlElement:
    text = table.html().replace("<wbr>", "<wbr/>")  # lxml takes it for a tag with an end
    return html.fromstring(f"<div>{text}</div>")


def cells(table: Table) -> list[str]:
    return [cell.text_content() for cell in parsed(table).xpath("//tbody/tr/*")]


def links(text: str) -> list[tuple[str, str]]:
    return [(link.text_content(), link.get("href")) for link in html.fromstring(f"<p>{text}</p>").iter("a")]


# Tables ---------------------------------------------------------------------------------------------------------------


def test_every_row_and_cell_of_a_table_is_there(inventory: Inventory) -> None:
    frame = inventory.tasks.frame
    table = replace(inventory.tasks, columns=())
    page = parsed(table)
    rows = page.xpath("//tbody/tr")
    kept = [name for name in frame.columns if any(text_of(value) for value in frame[name].astype(object))]
    assert len(rows) == len(frame)
    assert all(len(row) == len(kept) for row in rows)
    names = [row[kept.index("task_path")].text_content() for row in rows]
    assert [f"\\{name}" for name in names] == frame["task_path"].tolist()


def test_meaning_of_a_column_is_on_its_head_and_in_the_legend() -> None:
    page = parsed(Table(pd.DataFrame({"a_b": [1], "c": [2]}), "T", {"a_b": 'x "y"', "gone": "z"}))
    assert page.xpath("//th[@scope='col']/@title") == ['x "y"']
    assert page.xpath("//details//dt/text()") == ["A b"]
    assert page.xpath("//details//dd/text()") == ['x "y"']


def test_heads_are_for_readers_and_files_keep_the_names() -> None:
    names = ["task_path", "verdict", "success_rate_30d", "next_run", "last_run", "sha256"]
    assert [label(name) for name in names] == [
        "Task",
        "State",
        "Good, 30 days",
        "Next start",
        "Last run",
        "Sha256",
    ]


def test_table_shows_chosen_columns_in_their_order() -> None:
    table = Table(pd.DataFrame({"a": [1], "b": [2], "c": [3]}), "T", {}, ("c", "a"))
    assert parsed(table).xpath("//th[@scope='col']/text()") == ["C", "A"]
    assert cells(table) == ["3", "1"]


def test_column_without_any_value_is_left_out_with_its_meaning() -> None:
    frame = pd.DataFrame(
        {"owner": ["", ""], "a": ["x", ""], "code": pd.array([pd.NA, pd.NA], "Int64"), "rate": [np.nan, np.nan]}
    )
    frame = frame.assign(at=[None, pd.NaT], which=[[], []], zero=0, no=False)
    table = Table(frame, "T", dict.fromkeys(frame.columns, "meaning"))
    assert parsed(table).xpath("//thead//th/text()") == ["A", "Zero", "No"], "0 and no are values"
    assert parsed(table).xpath("//dt/text()") == ["A", "Zero", "No"]
    assert cells(table) == ["x", "0", "no", "", "0", "no"]


def test_table_in_which_nothing_is_known_keeps_its_rows() -> None:
    assert cells(Table(pd.DataFrame({"a": ["", ""], "b": ["", ""]}), "T")) == ["", ""]


def test_first_cell_of_a_row_is_its_head() -> None:
    assert [
        cell.get("scope") for cell in parsed(Table(pd.DataFrame({"a": ["x"], "b": [1]}), "T")).xpath("//tbody/tr/*")
    ] == [
        "row",
        None,
    ]


def test_long_table_shows_its_first_rows_and_links_the_file_with_all() -> None:
    table = Table(pd.DataFrame({"a": range(MOST_ROWS + 1)}), "T", file="t.csv")
    page = parsed(table)
    assert page.xpath("//tbody/tr/*/text()") == [f"{number:,}" for number in range(MOST_ROWS)]
    (rest,) = page.xpath("//p")
    assert rest.text_content() == "The first 2,000 of 2,001 rows; t.csv has all of them."
    assert rest.xpath("a/@href") == ["t.csv"]
    few = parsed(replace(table, most=3, file=""))
    assert few.xpath("//p")[0].text_content() == "The first 3 of 2,001 rows."
    assert len(few.xpath("//tbody/tr")) == 3


def test_table_that_fits_says_nothing_of_a_rest() -> None:
    page = parsed(Table(pd.DataFrame({"a": range(MOST_ROWS)}), "T", file="t.csv"))
    assert len(page.xpath("//tbody/tr")) == MOST_ROWS
    assert page.xpath("//p | //a") == []


def test_long_list_in_a_cell_says_how_many_more_there_are_and_the_file_has_them() -> None:
    whole = Table(pd.DataFrame({"a": [list(range(MOST_LISTED))]}), "T", file="t.csv")
    assert not whole.is_cut
    assert "more" not in whole.html()
    cut = replace(whole, frame=pd.DataFrame({"a": [list(range(MOST_LISTED + 1234))]}))
    assert cut.is_cut
    page = parsed(cut)
    assert [entry.text_content() for entry in page.xpath("//tbody//td/div | //tbody//th/div")][-2:] == [
        "19",
        "and 1,234 more",
    ]
    assert page.xpath("//p")[0].text_content() == "A part of the longest lists; t.csv has all of them."
    assert page.xpath("//p/a/@href") == ["t.csv"]


def test_list_that_the_page_does_not_show_cuts_nothing() -> None:
    frame = pd.DataFrame({"a": [1], "b": [list(range(MOST_LISTED + 1))]})
    assert Table(frame, "T").is_cut
    assert not Table(frame, "T", columns=("a",)).is_cut


def test_empty_table_is_answered_in_words() -> None:
    table = Table(pd.DataFrame(), "T", empty="None <here>.")
    assert table.html() == '<p class="empty">None &lt;here&gt;.</p>'
    assert replace(table, empty="").html() == ""


def test_nothing_of_a_hostile_table_is_markup(hostile: Snapshot) -> None:
    tables = Inventory(hostile)
    for table in (tables.tasks, tables.triggers, tables.actions, tables.findings, tables.problems):
        for look in (tables.look, Look()):
            page = parsed(Table(table.frame, "<b>caption", {"file": "<b>"}, look=look))
            assert {element.tag for element in page.iter()} <= OURS
            assert set(page.xpath("//a/@href")) <= set(look.places.values())


def test_each_verdict_and_outcome_is_a_badge_with_its_word() -> None:
    assert BADGES.keys() == {each.value for each in [*Verdict, *Outcome]} | {"enabled", "disabled", "missed", "seen"}
    for name in BADGE_COLUMNS:
        page = parsed(Table(pd.DataFrame({"task": list(BADGES), name: list(BADGES)}), "T"))
        badges = page.xpath("//tbody/tr/td/b")
        assert [(badge.text_content(), badge.get("class")) for badge in badges] == [
            (word, f"badge {kind}") for word, kind in BADGES.items()
        ]


@pytest.mark.parametrize(
    "text", ["bad", 'FAILING" onclick="x', "<b>OK</b>", "ok", "OK ", "failed loud", "At 21:40", ""]
)
def test_text_of_a_task_is_no_badge(text: str) -> None:
    page = parsed(Table(pd.DataFrame({name: [text] for name in BADGE_COLUMNS} | {"z": "z"}), "T"))
    assert {element.tag for element in page.iter()} <= OURS - {"b"}
    assert [cell.text_content() for cell in page.xpath("//tbody/tr/*")] == [text] * len(BADGE_COLUMNS) * bool(text) + [
        "z"
    ]
    assert page.xpath("//tbody//*[@class]") == []


def test_word_of_a_badge_is_plain_in_any_other_column() -> None:
    assert parsed(Table(pd.DataFrame({"name": ["OK"], "description": ["FAILING"]}), "T")).xpath("//b") == []


def test_table_is_filtered_by_chips_only_where_it_says_so() -> None:
    table = Table(pd.DataFrame({"verdict": ["OK"]}), "T")
    assert parsed(table).xpath("//table/@class") == []
    assert parsed(replace(table, chips=True)).xpath("//table/@class") == ["chips"]


def test_cells_of_our_own_stand_at_their_place_for_the_rows_shown() -> None:
    table = Table(pd.DataFrame({"a": ["x", "y", "z"]}), "T", columns=("a", "strip"), most=2)
    made = replace(table, cells={"strip": ["<i>1</i>", "<i>2</i>", "<i>3</i>"]})
    assert cells(made) == ["x", "1", "y", "2"]
    assert parsed(made).xpath("//tbody//i/text()") == ["1", "2"]


# Values ---------------------------------------------------------------------------------------------------------------


def test_time_has_one_form_and_its_iso_time_and_a_number_is_aligned() -> None:
    frame = pd.DataFrame({"a": [datetime(2026, 11, 22, 21, 15)], "b": [["2026-11-23 06:02"]], "d": [1.5]})
    frame = frame.assign(e="2026-11-23 06:02 and on", f=[[datetime(2026, 11, 9, 7, 10), "and 3 more"]])
    page = parsed(Table(frame, "T", look=LOOK))
    assert [(time.text_content(), time.get("datetime")) for time in page.iter("time")] == [
        ("yesterday 21:15", "2026-11-22T21:15"),
        ("Mon 9 Nov 07:10", "2026-11-09T07:10"),
    ]
    assert [head.get("class").split()[-1] for head in page.xpath("//thead//th")] == ["a", "b", "number", "e", "f"]
    assert parsed(Table(frame, "T")).xpath("string(//time)") == "2026-11-22 21:15", "without a moment near it"


def test_part_is_in_per_cent_and_100_only_where_it_is_all() -> None:
    values = [1.0, 0.0, 0.9999, 0.0001, 0.7255, None]
    for name in PART_COLUMNS:
        table = Table(pd.DataFrame({"x": "x", name: pd.array(values, "Float64")}), "T")
        assert cells(table)[1::2] == ["100 %", "0 %", "99 %", "1 %", "73 %", ""]
    assert cells(Table(pd.DataFrame({"rate": [0.5]}), "T")) == ["0.50"], "any other column"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (pd.Series([1432, 0, -5]), ["1,432", "0", "-5"]),
        (pd.Series([1234567.0, 2.5, np.nan]), ["1,234,567", "2.50", ""]),
        (pd.Series(pd.array([1596, None, 7], "Int64")), ["1,596", "", "7"]),
        (pd.Series(pd.array([0x8007052E, None, 1], "UInt32")), ["2,147,943,726", "", "1"]),
    ],
)
def test_thousands_have_a_comma_and_the_unknown_is_empty(values: pd.Series, said: list[str]) -> None:
    assert cells(Table(pd.DataFrame({"x": values}), "T")) == said


def test_types_of_triggers_are_those_of_windows_window() -> None:
    frame = pd.DataFrame({"type": ["CalendarTrigger/ScheduleByDay", "NewTrigger", "Exec"]})
    assert cells(Table(frame, "T")) == ["Daily", "NewTrigger", "Exec"]


def test_long_text_is_folded_and_whole_in_itself() -> None:
    table = Table(pd.DataFrame({"a": ["x" * 10_000], "b": ["y" * LONG]}), "T")
    (folded,) = parsed(table).xpath("//tbody//details")
    summary = folded.find("summary").text_content()
    assert (summary[:3], summary[-1], len(summary) < 200) == ("xxx", "…", True)
    assert folded.text_content().removeprefix(summary) == "x" * 10_000


def test_long_list_of_names_is_not_folded() -> None:
    names = [f"{LOAD} ({number} of 20)" for number in range(MOST_LISTED)]
    page = parsed(Table(pd.DataFrame({"which": [names], "more": [names]}), "T", look=LOOK))
    assert len(page.xpath("//tbody/tr/th/div")) == MOST_LISTED
    assert len(page.xpath("//tbody/tr/td/details")) == 1


def test_markup_of_links_does_not_make_a_text_long() -> None:
    text = f"{LOAD} failed."
    look = Look(NEAR, {LOAD: "tasks.html#" + "t" * 500})
    assert parsed(Table(pd.DataFrame({"what": [text]}), "T", look=look)).xpath("//details") == []


@pytest.mark.parametrize(
    ("text", "html_text"),
    [
        ("a\0b\x01\x7f", "a␀b␁␡"),
        ("a\x85\x9bb", "a&lt;U+0085&gt;&lt;U+009B&gt;b"),
        ("\u202egpj.exe\u2069", "&lt;U+202E&gt;gpj.exe&lt;U+2069&gt;"),
        ("a\tb\nc", "a\tb\nc"),
        ("<wbr>&\"'", "&lt;wbr&gt;&amp;&quot;&#x27;"),
        ("C:\\jobs\\load", "C:\\jobs\\load"),
    ],
)
def test_control_character_is_seen_and_does_nothing(text: str, html_text: str) -> None:
    assert shown(text) == html_text


def test_long_path_may_break_after_its_slashes_and_a_long_word_anywhere() -> None:
    path = "C:\\" + "\\".join(["scheduled"] * 6)
    assert shown(path).count("<wbr>") == 6
    assert shown(path).replace("<wbr>", "") == path
    word = shown("\0" + "x" * 100)
    assert word.replace("<wbr>", "") == "␀" + "x" * 100
    assert max(map(len, word.split("<wbr>"))) <= 24
    assert "<wbr>" not in shown("two words " * 20)


# Links ----------------------------------------------------------------------------------------------------------------


def test_task_is_a_link_to_its_story_with_its_folder_before_it() -> None:
    assert LOOK.task(LOAD) == 'OpenData\\<a href="tasks.html#t1">Load</a>'
    assert LOOK.task(r"\Other\<x>") == "Other\\&lt;x&gt;", "no story, no link"
    assert LOOK.task(r"\Load") == "Load"


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        (f"{LOAD}, for one: it failed.", [("Load", "tasks.html#t1")]),
        (f"{LOAD} and {OTHER} failed.", [("Load", "tasks.html#t1"), ("Load 2", "tasks-2.html#t2")]),
        (f"{OTHER}.", [("Load 2", "tasks-2.html#t2")]),
        (f"{LOAD}er failed.", []),
        (f"{LOAD}\\Sub failed.", []),
        (f"As TOWN{LOAD} it could not log on.", []),
        (f"In C:{LOAD} and \\\\files{LOAD} lies no file.", []),
        ("No task.", []),
    ],
)
def test_task_in_a_sentence_is_a_link_and_what_only_looks_like_it_is_not(
    sentence: str, found: list[tuple[str, str]]
) -> None:
    text = LOOK.sentence(sentence)
    assert links(text) == found
    if not found:
        assert html.fromstring(f"<p>{text}</p>").text_content() == sentence


def test_date_in_the_name_of_a_task_stays_and_its_link_too() -> None:
    path = r"\Load since 2026-11-22"
    look = Look(NEAR, {path: "#a"})
    text = look.sentence(f"{path} failed at 2026-11-22 21:15.")
    assert links(text) == [("Load since 2026-11-22", "#a")]
    assert text.endswith("</a> failed yesterday 21:15.")
    assert Answer(f"The story of {path}", look=look)._repr_mimebundle_()[CARD_TYPE]["answer"] == f"The story of {path}"


def test_sentences_of_thousands_of_tasks_are_linked_in_time() -> None:
    names = [f"\\Folder {number % 40}\\Task {number}" for number in range(2000)]
    look = Look(NEAR, dict.fromkeys(names, "#a"))
    text = f"It is shared by {', '.join(names)}."
    assert look.sentence(text).count("<a ") == 2000


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("task_path", LOAD, [("Load", "tasks.html#t1")]),
        ("tasks", [LOAD, OTHER], [("Load", "tasks.html#t1"), ("Load 2", "tasks-2.html#t2")]),
        ("which", [f"{LOAD} (3 of 5)", f"{LOAD}x (1)"], [("Load", "tasks.html#t1")]),
        ("which", [f"{OTHER} (a) (b)"], [("Load 2", "tasks-2.html#t2")]),
        ("reason", f"It waits for {LOAD}.", [("Load", "tasks.html#t1")]),
        ("description", f"It waits for {LOAD}.", []),
    ],
)
def test_cell_of_names_or_sentences_has_links(name: str, value: object, found: list[tuple[str, str]]) -> None:
    page = parsed(Table(pd.DataFrame({name: [value]}), "T", look=LOOK))
    assert [(link.text_content(), link.get("href")) for link in page.iter("a")] == found


# Answers, sentences, heading ------------------------------------------------------------------------------------------


def test_answer_is_the_h1_with_what_is_unseen_in_a_band_before_the_rest() -> None:
    answer = Answer("5 <things> to do", "since 2026-11-22.", ["1 <file>."], ["More."], LOOK)
    page = html.fromstring(f"<div>{answer._repr_mimebundle_()['text/html']}</div>")
    assert page.xpath("string(//h1)") == "5 <things> to do"
    assert page.xpath("string(//p[@class='sub'])") == "since yesterday."
    lists = page.xpath("//ul")
    assert [(each.get("class").split()[0], each.text_content()) for each in lists] == [
        ("unseen", "1 <file>."),
        ("answer", "More."),
    ]
    assert answer.lines == ["5 <things> to do.", "since 2026-11-22.", "1 <file>.", "More."]
    assert html.fromstring(f"<div>{Answer('A')._repr_mimebundle_()['text/html']}</div>").xpath("//ul | //p") == []


def test_answer_gives_the_index_its_title_five_points_and_a_figure() -> None:
    points = [f"{LOAD} at 2026-11-22 {hour}:00" for hour in range(10, 18)]
    answer = Answer("Worse", points=points, look=LOOK, figure=Html("<svg/>"), is_good=False)
    card = answer._repr_mimebundle_()[CARD_TYPE]
    assert (card["answer"], card["figure"], card["is_good"]) == ("Worse", "<svg/>", False)
    assert len(card["points"]) == MOST_POINTS
    assert card["points"][0] == 'OpenData\\<a href="tasks.html#t1">Load</a> yesterday 10:00'
    assert Answer("A")._repr_mimebundle_()[CARD_TYPE] == {"answer": "A", "points": [], "figure": "", "is_good": True}


@pytest.mark.parametrize("text", [*HOSTILE, *HOSTILE.values(), SCRIPT, "\0"])
def test_no_text_of_a_task_is_markup_or_secret_in_an_answer(text: str) -> None:
    bundle = Answer(text, text, [text], [text], LOOK, [text])._repr_mimebundle_()
    shown_html = bundle["text/html"] + "".join(bundle[CARD_TYPE]["points"])
    tags = {element.tag for element in html.fromstring(f"<div>{shown_html}</div>").iter()}
    assert tags <= {"div", "style", "h1", "p", "ul", "li", "wbr"}
    assert "S3cret" not in str(bundle)
    shown_html.encode()


def test_secret_in_a_sentence_is_masked() -> None:
    assert "S3cret" not in Sentences(["by load.exe --password S3cret"])._repr_html_()
    assert "S3cret" not in repr(Answer("--password S3cret", unseen=["--password S3cret"]))


def test_what_a_notebook_shows_brings_its_style_which_pages_leave_out() -> None:
    table = Table(pd.DataFrame({"a": [1]}), "T")
    shows = [table, Sentences(["a"]), Html("<p>a</p>")]
    texts = [each._repr_html_() for each in shows] + [
        each._repr_mimebundle_()["text/html"] for each in (Answer("A"), Heading("A", {}))
    ]
    for text in texts:
        assert text.startswith("<style data-jupyter>")
        assert text.count('<div class="taskanalysis">') == 1
        assert text.endswith("</div>")
    assert table._repr_html_() == scoped(table.html())


def test_sentences_and_heading_are_escaped() -> None:
    assert "<b>" not in Sentences(["<b>"]).html()
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
    assert repr(Html("<p>", "in words")) == "in words"
