"""Errors and problems: one sentence each, whole after a trip to another process."""

import pickle

import pytest

from taskanalysis import errors
from taskanalysis.errors import TaskAnalysisError, TaskXmlError


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


def test_every_error_is_a_task_analysis_error_and_stands_in_the_tree() -> None:
    classes = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(classes) == 9
    assert all(issubclass(each, TaskAnalysisError) and each.__name__ in str(errors.__doc__) for each in classes)
    assert {each.__name__ for each in classes if issubclass(each, ValueError)} == {
        "TaskXmlError",
        "TimeError",
        "ZoneError",
    }


def test_error_keeps_its_parts_in_another_process() -> None:
    error = TaskXmlError("is bad", file="a.xml", element="Settings", text="x" * 500)
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, TaskXmlError)
    assert vars(again) == vars(error)
    assert str(again) == str(error)
