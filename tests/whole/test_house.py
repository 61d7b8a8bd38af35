"""The house: which module may import which, what the README names, and what an installed wheel carries."""

import ast
import inspect
import re
import subprocess
import sys
import tomllib
import zipfile
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
README = (ROOT / "README.md").read_text(encoding="utf-8")
PLATFORM_SCRIPT = ROOT / ".ci" / "readme_command.py"


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
    assert there == wings | {"errors.py", "__init__.py", "__init__.pyi", "__main__.py"}


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
        node
        for module in MODULES
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("read_text", "write_text")
    ]
    assert calls
    assert all("encoding" in {keyword.arg for keyword in node.keywords} for node in calls)


def test_public_names_are_there_and_load_lazily() -> None:
    program = "import sys, taskanalysis; print(sorted(n for n in sys.modules if n.startswith('taskanalysis')))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "['taskanalysis']\n"
    for name in taskanalysis.__all__:
        assert getattr(taskanalysis, name)
    assert set(taskanalysis.__all__) <= set(dir(taskanalysis))
    with pytest.raises(AttributeError, match="nothing"):
        taskanalysis.nothing  # noqa: B018


@pytest.mark.parametrize("module", [room(module) for module in MODULES if module.stem != "__main__"])
def test_every_name_in_all_exists_and_is_documented(module: str) -> None:
    loaded = import_module(f"taskanalysis.{module}" if module != "__init__" else "taskanalysis")
    assert loaded.__doc__
    for name in loaded.__all__:
        found = getattr(loaded, name)
        assert not (inspect.isroutine(found) or inspect.isclass(found)) or found.__doc__


# README ---------------------------------------------------------------------------------------------------------------


def test_readme_names_only_what_exists() -> None:
    named = re.findall(r"`((?:taskanalysis|tests|data|notebooks)/[\w./]*)`", README)
    assert len(named) > 30
    assert [name for name in named if not (ROOT / name).exists()] == []
    links = re.findall(r"\]\(([\w./]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_readme_names_only_options_that_exist() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "taskanalysis", "report", "--help"], capture_output=True, text=True, check=True
    )
    named = set(re.findall(r"^\| `(--\w+)", README, re.MULTILINE))
    assert named
    assert [option for option in named | {"--data", "--reports"} if option not in done.stdout] == []


def test_readme_names_the_files_that_a_report_makes(pages: Path) -> None:
    assert [file.name for file in pages.iterdir() if f"`{file.name}`" not in README] == []


@pytest.mark.parametrize("what", ["report", "tests"])
@pytest.mark.parametrize("platform", ["linux", "win32"])
def test_each_command_is_one_line_that_makes_its_venv(what: str, platform: str) -> None:
    program = f"import runpy; print(runpy.run_path({str(PLATFORM_SCRIPT)!r})['readme_command']({what!r}, {platform!r}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    line = done.stdout.strip()
    assert "-m venv .venv &&" in line
    assert "install -r requirements.txt &&" in line
    assert line in README


# What is installed ----------------------------------------------------------------------------------------------------


def test_requirements_are_pinned_and_end_in_the_project() -> None:
    lines = [line for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines() if line[0] != "#"]
    assert lines[-1] == "-e ."
    assert [line for line in lines[:-1] if not re.match(r"[\w.-]+==[\w.]+( ; .+)?$", line)] == []


def test_plain_install_brings_no_test_tool_and_no_jupyterlab() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[<>=\[]", requirement)[0] for requirement in project["dependencies"]}
    assert names >= {"pandas", "lxml", "matplotlib", "papermill", "nbconvert", "ipykernel", "tzdata"}
    assert not names & {"pytest", "hypothesis", "playwright", "ruff", "mypy", "jupyterlab"}
    assert project["optional-dependencies"].keys() == {"lab", "eventlog", "fleet", "test"}
    pinned = (ROOT / "requirements.txt").read_text(encoding="utf-8").lower()
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["lab"], *extras["test"]]
    assert [
        name for name in (re.split(r"[<>=\[]", one)[0] for one in wanted) if f"\n{name.lower()}==" not in pinned
    ] == []


@pytest.mark.slow
def test_wheel_carries_notebooks_and_template(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    template = {
        f"taskanalysis/publish/template/{file.name}"
        for file in (ROOT / "taskanalysis" / "publish" / "template").iterdir()
    }
    notebooks = {f"taskanalysis/notebooks/{file.name}" for file in (ROOT / "notebooks").glob("*.ipynb")}
    assert len(template) == 10
    assert template | notebooks | {"taskanalysis/results/result_codes.csv", "taskanalysis/windows/restore.ps1"} <= names
    assert not [name for name in names if name.startswith(("tests/", "data/"))]
