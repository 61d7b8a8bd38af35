"""The house: its wings, what each may import, and the front doors that they have."""

import ast
import inspect
import pydoc
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import taskanalysis
from tests.build import ROOT

MODULES = sorted(
    file
    for file in (ROOT / "taskanalysis").rglob("*.py")
    if file.name != "__init__.py" or file.parent.name == "taskanalysis"
)
# one wing a row, and what it may import; below report and publish, each also all that stands above it
WINGS = {
    "text": set(),
    "errors": {"text"},
    "definition": {"errors", "text"},
    "results": {"errors", "text"},
    "schedule": {"errors", "text", "definition", "results"},
    "snapshot": {"errors", "text", "definition", "results", "schedule"},
    "history": {"errors", "text", "definition", "results", "schedule", "snapshot"},
    "health": {"errors", "text", "definition", "results", "schedule", "snapshot", "history"},
    "report": {"errors", "text", "definition", "results", "schedule", "snapshot", "history", "health"},
    "publish": {"errors", "text", "definition", "results", "schedule", "snapshot", "history", "health"},
    "windows": {"errors", "text", "definition", "results", "schedule", "snapshot"},
    "cli": {
        "errors",
        "text",
        "definition",
        "results",
        "schedule",
        "snapshot",
        "history",
        "health",
        "publish",
        "windows",
    },
}


def room(module: Path) -> str:
    """The name of a module within the package: ``snapshot.share``."""
    return ".".join(module.relative_to(ROOT / "taskanalysis").with_suffix("").parts)


def imported(module: Path) -> Iterator[str]:
    """What a module imports of the package, with dots: ``snapshot``, ``snapshot.share``."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "taskanalysis":
            yield from (alias.name for alias in node.names if alias.name != "__version__")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("taskanalysis."):
            yield node.module.removeprefix("taskanalysis.")
        elif isinstance(node, ast.Import):
            yield from (
                alias.name.removeprefix("taskanalysis.") for alias in node.names if "taskanalysis." in alias.name
            )


def test_the_folder_is_the_map() -> None:
    there = {file.name for file in (ROOT / "taskanalysis").iterdir() if file.name != "__pycache__"}
    wings = {name for name in WINGS if name != "errors"}
    assert there == wings | {"errors.py", "__init__.py", "__init__.pyi", "__main__.py", "py.typed"}


@pytest.mark.parametrize("wing", WINGS)
def test_wing_imports_only_its_neighbours_and_none_of_their_rooms(wing: str) -> None:
    folder = ROOT / "taskanalysis" / wing
    modules = sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]
    assert modules
    for module in modules:
        others = {name for name in imported(module) if name.partition(".")[0] != wing}
        assert others <= WINGS[wing], module


def test_modules_stay_small() -> None:
    lines = {room(module): len(module.read_text(encoding="utf-8").splitlines()) for module in MODULES}
    assert {name: number for name, number in lines.items() if number > 500} == {}


def test_every_open_of_a_text_file_names_its_encoding() -> None:
    calls = [
        (module.name, node)
        for module in [*MODULES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "data").glob("*.py")]
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("read_text", "write_text")
    ]
    assert len(calls) > 100
    places = {"read_text": 1, "write_text": 2}  # the encoding's, where it has no name
    without = [
        f"{name}:{node.lineno}"
        for name, node in calls
        if len(node.args) < places[node.func.attr] and "encoding" not in {keyword.arg for keyword in node.keywords}
    ]
    assert without == []


def test_one_module_renames_files_since_windows_may_refuse_it_for_a_moment() -> None:
    renaming = {
        room(module)
        for module in MODULES
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and (
            (node.func.attr in ("replace", "rename") and len(node.args) == 1 and not node.keywords)
            or ast.unparse(node.func) in ("os.replace", "os.rename", "os.renames", "shutil.move")
        )
    }
    assert renaming == {"snapshot.paths"}


def test_public_names_are_there_and_load_lazily() -> None:
    program = "import sys, taskanalysis; print(sorted(n for n in sys.modules if n.startswith('taskanalysis')))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "['taskanalysis']\n"
    for name in taskanalysis.__all__:
        assert getattr(taskanalysis, name)
    import_module("taskanalysis.report.inventory")  # a module is no name for users
    assert dir(taskanalysis) == taskanalysis.__all__
    assert "report" not in dir(taskanalysis)
    assert taskanalysis.report
    with pytest.raises(AttributeError, match="nothing"):
        taskanalysis.nothing  # noqa: B018


def test_help_lists_the_public_names_in_a_line_each_functions_first() -> None:
    lines = re.findall(r"^    (\w+)   +(\S.*)$", str(taskanalysis.__doc__), re.MULTILINE)
    assert sorted(name for name, _ in lines) == taskanalysis.__all__
    are_classes = [inspect.isclass(getattr(taskanalysis, name)) for name, _ in lines]
    assert are_classes == sorted(are_classes)
    assert pydoc.render_doc(taskanalysis, renderer=pydoc.plaintext).index("read_task ") < 300


@pytest.mark.slow
@pytest.mark.parametrize("use_jedi", [True, False])
def test_completion_in_a_notebook_shows_the_public_names_alone(use_jedi: bool) -> None:
    program = (
        "import sys; from IPython.core.completer import IPCompleter, provisionalcompleter\n"
        "import taskanalysis as ta, taskanalysis.report.inventory\n"
        "completer = IPCompleter(namespace={'ta': ta}, use_jedi=sys.argv[1] == 'True')\n"
        "with provisionalcompleter():\n"
        "    print(sorted(found.text.lstrip('.') for found in completer.completions('ta.', 3)))"
    )
    command = [sys.executable, "-c", program, str(use_jedi)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(taskanalysis.__all__)


@pytest.mark.parametrize("wing", [wing for wing in WINGS if wing != "errors"])
def test_every_public_name_of_a_wing_is_documented(wing: str) -> None:
    front = import_module(f"taskanalysis.{wing}")
    assert front.__doc__
    assert front.__all__
    for name in front.__all__:
        value = getattr(front, name)
        assert not (inspect.isroutine(value) or inspect.isclass(value)) or value.__doc__, name


@pytest.mark.parametrize("module", MODULES, ids=room)
def test_every_module_says_what_it_is(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))
