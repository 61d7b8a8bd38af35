"""The notebooks: short, without logic, and what they show is only text."""

import json
import re
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
import pytest

from taskanalysis.history import update_store
from taskanalysis.publish.make import NOTEBOOKS, notebook_file
from taskanalysis.publish.notebooks import run_notebook
from taskanalysis.report import trend_answers
from taskanalysis.report.inventory import Inventory
from taskanalysis.report.status import StatusPage
from taskanalysis.report.stories import TaskStories
from taskanalysis.report.trends import Trends
from taskanalysis.snapshot.share import sample_share
from taskanalysis.snapshot.status import Status
from tests.build import HOSTILE, NOON, definition, status, text_in, write

MOST_LINES = 90


@pytest.fixture(scope="module", autouse=True)
def _history_of_the_sample() -> None:
    """Build the history once, so that no page finds another process writing it."""
    update_store(sample_share())


def cells(name: str, kind: str = "code") -> list[Any]:
    return [cell for cell in nbformat.read(notebook_file(name), 4).cells if cell.cell_type == kind]


def lines(cell: Any) -> list[str]:
    return [line for line in cell.source.splitlines() if line.strip()]


def shown_by(name: str, **parameters: object) -> str:
    """What the cells show, run here in one process."""
    shown: list[str] = []
    names: dict[str, object] = {"display": lambda *items: shown.extend(map(_html, items))}
    first, *others = cells(name)
    exec(first.source, names)
    names |= parameters
    for cell in others:
        *before, last = lines(cell)
        exec("\n".join(before), names)
        value = eval(last, names)
        shown += [_html(value)] if value is not None else []
    return "\n".join(shown)


def _html(item: Any) -> str:
    return item._repr_html_() if hasattr(item, "_repr_html_") else item._repr_mimebundle_()["text/html"]


def test_notebooks_hold_at_most_ninety_lines_of_code() -> None:
    code = {name: cells(name) for name in NOTEBOOKS}
    assert sum(len(lines(cell)) for each in code.values() for cell in each) <= MOST_LINES
    for _, *others in code.values():
        numbers = [len(lines(cell)) for cell in others]
        assert max(numbers) <= 3
        assert sum(number > 1 for number in numbers) <= 2, "the load, and the files"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_imports_the_report_wing_alone(name: str) -> None:
    source = "\n".join(cell.source for cell in cells(name))
    assert re.findall(r"^\s*(?:from|import) (\S+)", source, re.MULTILINE) == ["taskanalysis.report"]
    assert not re.search(r"\b(for|if|def|lambda)\b", "\n".join(line.partition("#")[0] for line in source.splitlines()))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_has_its_parameters_and_no_output(name: str) -> None:
    notebook = nbformat.read(notebook_file(name), 4)
    assert [cell.id for cell in notebook.cells] == [f"{name}-{place:02}" for place in range(len(notebook.cells))]
    assert [cell for cell in notebook.cells if cell.cell_type == "code" and cell.outputs] == []
    tagged = [place for place, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", [])]
    assert tagged == [1]
    parameters = re.findall(r"^(\w+): (\w+) = (\S+)  # \w", notebook.cells[1].source, re.MULTILINE)
    texts = ("data", "server", "folder", "at", "zone", "dates", "save_to")
    more = {"trends": [("days", "int", "90")], "tasks": [("task", "str", '""')]}.get(name, [])
    assert parameters == [*((text, "str", '""') for text in texts), *more]
    assert len(lines(notebook.cells[1])) == 1 + len(parameters)


@pytest.mark.parametrize(
    ("name", "figures", "answer"),
    [
        (
            "inventory",
            0,
            "Yes, all 52 tasks can be put back, with 2 passwords at hand; the scripts of 1 task are not in the backup",
        ),
        ("status", 0, "9 things to do, 4 since yesterday"),
        ("tasks", 0, "52 tasks and their stories"),
        ("trends", 3, "Worse since Mon 9 Nov"),
    ],
)
def test_page_of_the_sample_answers_each_question(name: str, figures: int, answer: str) -> None:
    html = shown_by(name)
    assert f"<h1>{answer}</h1>" in html
    assert html.count("<h1>") == 1
    assert html.count("<figure") == figures
    assert ("Everything could be read." in html) is (name != "tasks"), "stories stand beside other pages"


def test_notebook_of_one_task_tells_it_alone() -> None:
    html = shown_by("tasks", task="\\Backup\\Offsite copy")
    assert "<h1>The story of \\Backup\\Offsite copy</h1>" in html
    assert html.count("<section") == 1


def test_cells_of_one_notebook_show_its_whole_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """No table, figure or sentence of a page's class is left out by its notebook."""
    own = {"title", "heading", "no_cause", "unmatched", "incidents"}
    for name, kind in (("inventory", Inventory), ("status", StatusPage), ("trends", Trends), ("tasks", TaskStories)):
        source = "\n".join(cell.source for cell in cells(name))
        shown = {each for each, value in vars(kind).items() if each[0] != "_" and isinstance(value, cached_property)}
        hidden = shown - own - set(re.findall(r"page\.(\w+)", source))
        assert hidden <= {"backup", "triggers", "actions", "starts"}, f"{name}: in files, or used by others"


def test_page_without_a_share_or_with_one_snapshot_says_so_in_words(tmp_path: Path) -> None:
    write(tmp_path, 0, status(last_run=-1), status("\\At that moment", last_run=0, code=1))
    for data, words in (("tests/files/folder", trend_answers.NO_SHARE), (str(tmp_path), trend_answers.ONE_SNAPSHOT)):
        html = shown_by("trends", data=data)
        assert words in html
        assert "<figure" not in html
        assert html.count('<p class="empty') >= 6, "a sentence in place of each figure and table"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_text_of_a_task_is_only_text_on_the_page_and_in_the_files(name: str, tmp_path: Path) -> None:
    definitions = {path: definition(text).encode() for path, text in HOSTILE.items()}
    for hour, code in ((0, 0), (6, 1), (12, 1)):
        rows = [Status(path, "Ready", True, NOON + timedelta(hours=hour - 1), code) for path in HOSTILE]
        write(tmp_path, hour, *rows, definitions=definitions | {r"\broken": b"<Task><b onclick='x'>"})
    html = shown_by(name, data=str(tmp_path), save_to=str(tmp_path / "out"))
    assert "<script" not in html
    assert "<b>bold" not in html
    assert "S3cret" not in html
    assert "&lt;b&gt;bold" in html
    if name == "tasks":  # stories are on their page alone
        return
    files = list((tmp_path / "out").iterdir())
    assert files
    for file in files:
        text = text_in(file)
        assert "S3cret" not in text
        assert "\n=" not in text


@pytest.mark.slow
def test_notebook_runs_to_its_end_as_a_report_does(tmp_path: Path) -> None:
    assert run_notebook("trends", notebook_file("trends"), {"save_to": str(tmp_path / "out")}, tmp_path) is None
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        f"{name}.{kind}" for name in ("changes", "missed_causes", "runs", "slots") for kind in ("csv", "parquet")
    ]
    assert json.loads((tmp_path / "trends.ipynb").read_text("utf-8"))["cells"]
