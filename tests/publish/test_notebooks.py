"""A notebook in this process: what is refused, and what failed in one sentence."""

import os
from pathlib import Path

import pytest

from taskanalysis.publish.make import NOTEBOOKS, notebook_file
from taskanalysis.publish.notebooks import Failure, run_notebook
from tests.build import notebook_of


def failure_of(folder: Path) -> Failure:
    """The failure of ``some.ipynb`` in a folder."""
    work = folder / "work {0}"  # papermill formats paths
    work.mkdir()
    failure = run_notebook("some", folder / "some.ipynb", {"data": ""}, work)
    assert failure
    return failure


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("raise ValueError('no <b>luck')", "the cell '{source}' raised ValueError: no <b>luck"),
        ("import sys; sys.exit(3)", "the cell '{source}' raised SystemExit: 3"),
        ("1 +* 2", "the cell '{source}' raised SyntaxError: invalid syntax"),
        ("from taskanalysis.snapshot import read_snapshot; read_snapshot('nowhere')", "nowhere does not exist"),
    ],
)
@pytest.mark.filterwarnings("ignore:To exit")
def test_cell_that_fails_is_one_sentence_and_shown(source: str, says: str, tmp_path: Path) -> None:
    notebook_of(tmp_path / "some.ipynb", source, "1 + 1")
    failure = failure_of(tmp_path)
    said = failure.what.replace(f"{tmp_path / 'work {0}'}{os.sep}", "")  # on Windows the path is whole
    assert said.startswith(f"some.ipynb: {says.format(source=source)}")
    assert failure.cell == source


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ("x: str = ''", " has no parameter data: restore the original notebook"),
        ("", " has no cell with parameters (tagged 'parameters'): restore the original notebook"),
        (None, " can't be run (NotJSONError: "),
    ],
)
def test_edited_notebook_is_refused(parameters: str | None, says: str, tmp_path: Path) -> None:
    notebook_of(tmp_path / "some.ipynb", parameters=parameters or "")
    if parameters is None:
        (tmp_path / "some.ipynb").write_text("{", encoding="utf-8")
    assert failure_of(tmp_path).what.startswith(f"some.ipynb{says}")


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_runs_from_any_working_directory_without_parameters(name: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    assert run_notebook(name, notebook_file(name), {}, elsewhere) is None
    assert [file.name for file in elsewhere.iterdir()] == [f"{name}.ipynb"]
