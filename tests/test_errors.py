"""Errors and problems: one sentence each, whole after a trip to another process."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskanalysis.errors import SnapshotError, TaskAnalysisError, TaskXmlError
from taskanalysis.text import clip


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            TaskXmlError("is bad", file="a.xml", element="Settings/Priority", text="x"),
            "a.xml: Settings/Priority 'x' is bad",
        ),
        (TaskXmlError("is bad", file="a.xml"), "a.xml: is bad"),
        (TaskXmlError("is bad", element="Triggers"), "Triggers is bad"),
        (TaskXmlError("is bad"), "is bad"),
    ],
)
def test_message_names_file_element_and_text_where_known(error: TaskXmlError, sentence: str) -> None:
    assert str(error) == sentence


def test_every_error_is_a_task_analysis_error_and_bad_xml_a_value_error() -> None:
    assert issubclass(SnapshotError, TaskAnalysisError)
    assert issubclass(TaskXmlError, TaskAnalysisError)
    assert issubclass(TaskXmlError, ValueError)


def test_error_keeps_its_parts_in_another_process() -> None:
    error = TaskXmlError("is bad", file="a.xml", element="Settings", text="x" * 500)
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, TaskXmlError)
    assert vars(again) == vars(error)
    assert str(again) == str(error)


@given(st.text(), st.integers(2, 100))
def test_clipped_text_is_one_short_line_and_says_where_it_is_cut(text: str, most: int) -> None:
    line = clip(text, most)
    whole = " ".join(text.split())
    assert len(line) <= most
    assert line.splitlines() in ([], [line])
    assert line == whole or (line.endswith("…") and whole.startswith(line[:-1]))


def test_text_cut_amid_spaces_still_says_that_it_is_cut() -> None:
    assert clip("a" + " " * 1000 + "b", 10) == "a…"
