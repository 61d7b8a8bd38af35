"""Text made fit for a line, and what is not seen shown."""

import re
import unicodedata
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskanalysis.text import brief, clip, mask, one_line, small_table, visible


@given(st.text(), st.integers(2, 100))
def test_clipped_text_is_one_short_line_and_says_where_it_is_cut(text: str, most: int) -> None:
    line = clip(text, most)
    whole = " ".join(text.split())
    assert len(line) <= most
    assert line.splitlines() in ([], [line])
    assert line == whole or (line.endswith("…") and whole.startswith(line[:-1]))


def test_text_cut_amid_spaces_still_says_that_it_is_cut() -> None:
    assert clip("a" + " " * 1000 + "b", 10) == "a…"


@given(st.text())
def test_one_line_has_no_control_character(text: str) -> None:
    assert one_line(text).isprintable()


@pytest.mark.parametrize("code", [*range(9), 11, 12, *range(14, 32), 0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F)])
def test_control_character_and_direction_mark_is_visible_everywhere_alike(code: int) -> None:
    sign = chr(0x2400 + code) if code < 32 else f"<U+{code:04X}>"
    text = f"a{chr(code)}b"
    assert mask(text) == visible(text) == visible(visible(text)) == f"a{sign}b"
    assert one_line(text) == f"a{sign}b"
    assert brief("Task", text) == f"<Task: a{sign}b>"
    assert escape(sign) in small_table("Task", [(text, 1)])


@given(st.text(st.characters(categories=["Cc", "Cs", "Cf", "Zl", "Zp", "L"])))
def test_visible_text_has_nothing_that_turns_or_drives(text: str) -> None:
    kinds = {unicodedata.category(letter) for letter in visible(text)} - {"Cf"}
    assert not kinds & {"Cs", "Zl", "Zp"}
    assert not re.search(r"[^\t\n\r -~\xa0-\U0010ffff]|[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]", visible(text))
    visible(text).encode()


def test_letters_emoji_and_lines_stay_as_they_are() -> None:
    for text in (
        "Łódź",
        "\u0639\u0631\u0628",
        "👨\u200d👩\u200d👧 ❤\ufe0f",
        "\u0646\u06cc\u200c\u062e",
        "a\tb\r\nc",
        "co\u00adop",
        "",
    ):
        assert visible(text) == text
