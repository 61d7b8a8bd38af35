"""A PowerShell grammar reads `restore.ps1`, and the lines to copy that hold text of tasks.

The grammar is that of tree-sitter: it knows no versions, so what Windows PowerShell 5.1 lacks is in `test_script.py`.
"""

from pathlib import Path
from typing import Any

import pytest

from taskanalysis.definition.reader import read_task
from taskanalysis.report.commands import argument, powershell
from taskanalysis.snapshot.snapshot import Snapshot
from taskanalysis.windows.restorable import Wanted, encoded, read_wanted
from taskanalysis.windows.script import write_script
from tests.build import ROOT
from tests.doubles.task_folder import script_data
from tests.windows.restoring import HOSTILE

tree_sitter: Any = pytest.importorskip("tree_sitter", reason="needs the grammar of requirements-dev.txt")
grammar: Any = pytest.importorskip("tree_sitter_powershell", reason="needs the grammar of requirements-dev.txt")
SCRIPT = ROOT / "taskanalysis" / "windows" / "restore.ps1"


def parsed(script: bytes) -> Any:
    return tree_sitter.Parser(tree_sitter.Language(grammar.language())).parse(script).root_node


def nodes(root: Any, kind: str) -> list[Any]:
    found = [root] if root.type == kind else []
    return found + [node for child in root.children for node in nodes(child, kind)]


def test_grammar_reads_the_script() -> None:
    root = parsed(SCRIPT.read_bytes())
    assert not root.has_error
    names = {nodes(each, "function_name")[0].text.decode() for each in nodes(root, "function_statement")}
    assert {"Get-Place", "Find-Task"} <= names


@pytest.mark.parametrize("change", [(b"if (", b"if "), (b"}", b""), (b"'Stop'", b"'Stop"), (b"param()", b"param(")])
def test_grammar_finds_a_mistake(change: tuple[bytes, bytes]) -> None:
    assert parsed(SCRIPT.read_bytes().replace(*change, 1)).has_error


def test_grammar_reads_the_script_whatever_the_tasks_are(tmp_path: Path, sample: Snapshot) -> None:
    hostile = [
        Wanted(rf"\{number}{text}", "<Task/>", read_task(encoded("<Task/>"))) for number, text in enumerate(HOSTILE)
    ]
    for name, tasks in (("sample", read_wanted(sample).tasks), ("hostile", hostile)):
        script = write_script(tmp_path / name, tasks, title="t")
        assert not parsed(script.read_bytes()).has_error
        # the data beside it is no script: what stands there is a value, as a literal of PowerShell, too
        for row in script_data(script.parent)[1]:
            for cell in filter(str.isprintable, row.values()):
                assert not parsed(f"$x = {powershell(cell)}\n".encode()).has_error


@pytest.mark.parametrize(
    "text", ["O'Neil", "$(calc)", "`n", "a; calc", "'; calc; '", "@'", "--%", "<# #>", "# x", "任务", "a b"]
)
def test_text_of_a_task_is_one_string_of_a_line_to_copy(text: str) -> None:
    root = parsed(f"Start-ScheduledTask -TaskName {argument(text)}\n".encode())
    assert not root.has_error
    assert len(nodes(root, "command")) == 1
    (literal,) = nodes(root, "string_literal")
    assert literal.text.decode() == powershell(text)
