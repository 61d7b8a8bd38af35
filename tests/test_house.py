"""The house: which module may import which, what the README names, and what an installed wheel carries."""

import ast
import inspect
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import import_module
from pathlib import Path

import pytest

import taskanalysis

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "taskanalysis").glob("*.py"))
# each imports only what stands in rows above its own
LAYERS = [
    ["__init__", "columns", "duration", "errors", "failing", "localdates", "program", "statuswords", "zoneclock"],
    [
        "charts",
        "eventnotes",
        "execute",
        "executors",
        "machine",
        "masking",
        "result",
        "statusrows",
        "trigger",
        "xmltext",
    ],
    [
        "dayswords",
        "decoding",
        "definition",
        "display",
        "eventquery",
        "evtxchunk",
        "frames",
        "pages",
        "recurrence",
        "rules",
        "timeaxis",
        "workers",
        "xmlvalues",
    ],
    ["eventrecords", "schedule", "taskcharts", "taskxml", "timecharts", "wording"],
    ["eventlog", "findings", "taskfiles"],
    ["difference", "logstore", "share", "status"],
    ["formats", "publish", "scheduler", "spans"],
    ["runs", "snapshot", "statustable"],
    ["changes", "daybuild", "due", "export", "restorable"],
    ["collect", "daystore", "psscript", "restore", "starts"],
    ["joined", "logexport", "restorewords", "upkeep"],
    ["collectcommand", "commandline", "outcomes", "restorecommand", "taskwriter"],
    ["history"],
    ["fates", "historycommand", "past"],
    ["health"],
    ["check", "incidents", "overview", "trends"],
    ["report", "tables", "trendfiles", "trendtables"],
    ["answers", "trendanswers"],
    ["fleet"],
    ["reportcommand"],
    ["__main__"],
]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PLATFORM_SCRIPT = ROOT / ".ci" / "readme_command.py"


def imported(module: Path) -> set[str]:
    """The modules of the package that a module imports, wherever the import stands, but not for types alone."""
    names = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("taskanalysis"):
            inner = node.module.partition(".")[2]
            names |= {inner} if inner else {alias.name for alias in node.names if not alias.name.startswith("__")}
    return names


@pytest.mark.parametrize("module", MODULES, ids=lambda file: file.stem)
def test_imports_point_down_only(module: Path) -> None:
    (level,) = [number for number, names in enumerate(LAYERS) if module.stem in names]
    below = {name for names in LAYERS[:level] for name in names}
    if module.stem != "__init__":  # it loads them lazily
        assert imported(module) <= below


def test_every_module_has_its_layer_and_its_place_on_the_map() -> None:
    stems = {module.stem for module in MODULES}
    assert stems == {name for names in LAYERS for name in names}
    assert [
        name for name in stems if not name.startswith("__") and f"`{name}`" not in (taskanalysis.__doc__ or "")
    ] == []


def test_modules_stay_small() -> None:
    lines = {module.name: len(module.read_text(encoding="utf-8").splitlines()) for module in MODULES}
    assert {name: number for name, number in lines.items() if number > 400} == {}


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
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        taskanalysis.nothing  # noqa: B018


@pytest.mark.parametrize("module", [module.stem for module in MODULES if module.stem != "__main__"])
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


def test_readme_names_every_module() -> None:
    unnamed = {module.name for module in MODULES} - set(re.findall(r"`taskanalysis/(\w+\.py)`", README))
    assert unnamed <= {"__init__.py", "errors.py", "duration.py"}


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
    template = {f"taskanalysis/template/{file.name}" for file in (ROOT / "taskanalysis" / "template").iterdir()}
    notebooks = {f"taskanalysis/notebooks/{file.name}" for file in (ROOT / "notebooks").glob("*.ipynb")}
    assert len(template) == 9
    assert template | notebooks | {"taskanalysis/result_codes.csv", "taskanalysis/restore.ps1"} <= names
    assert not [name for name in names if name.startswith(("tests/", "data/"))]
