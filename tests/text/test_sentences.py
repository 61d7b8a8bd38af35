"""Text made fit for a line."""

from hypothesis import given
from hypothesis import strategies as st

from taskanalysis.text import clip, one_line


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
