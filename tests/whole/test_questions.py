"""Twenty questions of an office, each answered in one to three lines with public names: fifteen are a notebook."""

import ast
import builtins
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import pytest
from matplotlib.axes import Axes

import taskanalysis as ta
from taskanalysis.history import update_store
from taskanalysis.publish.make import NOTEBOOKS, renew_history
from taskanalysis.publish.notebooks import run_notebook
from tests.build import ROOT

NOTEBOOK = ROOT / "notebooks" / "explore.ipynb"
CELLS = nbformat.read(NOTEBOOK, 4).cells
OURS = {
    "Which tasks never ran?": 'ta.status(data).query("never_ran")[["task_path", "expected_next"]]',
    "What does 0x8007052E mean?": 'ta.decode("0x8007052E").meaning',
    "When does a task start in the first days of December?": r"""
task = ta.read_snapshot(data).tasks[r"\OpenData\Transit\Ridership"]
[f"{run:%a %d %H:%M}" for run in ta.expected_runs(task, "2026-12-01", "2026-12-04", tz="America/New_York")]
""",
    "What was a task before it changed, and after?": r"""
history = ta.read_history(data)
tasks = [history.definitions(day)[r"\OpenData\Services\Crash reports"] for day in ("2026-11-11", "2026-11-14")]
[(ta.describe(task), task.actions[0].command) for task in tasks]
""",
    "When were there no snapshots?": """
taken = ta.read_history(data).coverage["taken_at"]
taken[taken.diff() > "6h"]
""",
}
QUESTIONS = {
    heading.source.removeprefix("## "): code.source for heading, code in zip(CELLS[2::2], CELLS[3::2], strict=True)
} | {question: code.strip() for question, code in OURS.items()}


@pytest.fixture(autouse=True)
def _without_a_window() -> Iterator[None]:
    update_store(ta.sample_share())
    before = mpl.get_backend()
    plt.switch_backend("agg")
    yield
    plt.close("all")
    plt.switch_backend(before)


def answer(question: str) -> Any:
    """What the last line gives."""
    names: dict[str, Any] = {}
    exec(CELLS[1].source, names)
    *before, last = QUESTIONS[question].splitlines()
    exec("\n".join(before), names)
    return eval(last, names)


def test_there_are_twenty_questions_of_which_fifteen_are_the_notebook() -> None:
    assert [cell.cell_type for cell in CELLS] == ["markdown", "code"] * 16
    assert [cell.id for cell in CELLS] == [f"explore-{place:02}" for place in range(32)]
    assert [cell for cell in CELLS if cell.cell_type == "code" and cell.outputs] == []
    assert all(cell.source.startswith("## ") and cell.source.endswith("?") for cell in CELLS[2::2])
    assert [cell.id for cell in CELLS if "parameters" in cell.metadata.get("tags", ())] == ["explore-01"]
    assert len(QUESTIONS) == 20
    assert "explore" not in NOTEBOOKS, "it is no report"


@pytest.mark.parametrize("question", QUESTIONS)
def test_answer_has_three_lines_at_most_and_public_names_alone(question: str) -> None:
    assert len(QUESTIONS[question].splitlines()) <= 3
    nodes = list(ast.walk(ast.parse(QUESTIONS[question])))
    named = {node.id for node in nodes if isinstance(node, ast.Name)}
    made = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    assert named - made - {"ta", "data"} <= set(dir(builtins))
    attributes = [node for node in nodes if isinstance(node, ast.Attribute)]
    ours = {node.attr for node in attributes if isinstance(node.value, ast.Name) and node.value.id == "ta"}
    assert ours
    assert ours <= set(dir(ta))
    assert not [node.attr for node in attributes if node.attr.startswith("_")]
    assert not [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom | ast.Lambda)]


@pytest.mark.parametrize("question", QUESTIONS)
def test_question_has_an_answer(question: str) -> None:
    found = answer(question)
    if isinstance(found, Axes):
        assert found.patches
        assert max(max(abs(bar.get_width()), abs(bar.get_height())) for bar in found.patches) > 0  # type: ignore[attr-defined]
    else:
        assert len(found)


def test_answers_are_those_of_the_sample() -> None:
    sunday = answer("What starts between one and three on Sunday?")
    assert {f"{start:%a}" for start in sunday.index} == {"Sun"}
    assert {start.hour for start in sunday.index} <= {1, 2, 3}
    (changed,) = answer("Which tasks changed their command since October?").itertuples()
    assert (changed.task_path, f"{changed.at:%m-%d}") == (r"\OpenData\Services\Crash reports", "11-12")
    assert answer("Which passwords are needed to put the tasks back?").to_dict() == {
        "TOWN\\opendata": 9,
        "TOWN\\svc-gis": 5,
    }
    assert answer("Which tasks never ran?")["task_path"].tolist() == [r"\OpenData\Admin\Monthly archive"]
    late = answer("Which tasks have not succeeded for a week?")
    assert r"\OpenData\Finance\Checkbook" in late["task_path"].tolist()
    (moved,) = answer("What if a task starts at two o'clock?")["start"]
    assert f"{moved:%a %H:%M}" == "Tue 02:00"
    assert len(answer("When were there no snapshots?")) == 2


EXECUTE = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, kernel_name="python3", timeout=300).execute()
nbformat.write(notebook, sys.argv[2])
"""


@pytest.mark.slow
def test_notebook_runs_with_a_kernel_and_shows_tables_and_figures(tmp_path: Path) -> None:
    renew_history(ROOT / "data")
    command = [sys.executable, "-c", EXECUTE, str(NOTEBOOK), str(tmp_path / "out.ipynb")]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(tmp_path)}
    subprocess.run(command, check=True, capture_output=True, timeout=600, env=env)
    cells = [cell for cell in nbformat.read(tmp_path / "out.ipynb", 4).cells if cell.cell_type == "code"]
    shown = ["".join(kind for output in cell.outputs for kind in output.get("data", {})) for cell in cells]
    assert all(kinds for kinds in shown[1:])
    assert sum("image/png" in kinds for kinds in shown) == 7
    assert [output for cell in cells for output in cell.outputs if output.output_type == "stream"] == []


@pytest.mark.slow
def test_notebook_runs_in_the_engine_of_reports_on_a_share_that_is_given(tmp_path: Path) -> None:
    assert run_notebook("explore", NOTEBOOK, {"data": str(ta.sample_share())}, tmp_path) is None
    failure = run_notebook("explore", NOTEBOOK, {"data": str(tmp_path / "none")}, tmp_path)
    assert failure is not None
    assert "none" in failure.error
