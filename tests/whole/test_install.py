"""What is installed: pinned requirements, few of them, and a wheel that works alone."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from tests.build import ROOT

PIN = re.compile(r"[\w.-]+==[\w.]+( ; .+)?")


def lines_of(name: str) -> list[str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def names(requirements: list[str]) -> set[str]:
    """Names as pip compares them."""
    return {re.split(r"[<>=\[ ]", line)[0].lower().replace("_", "-") for line in requirements}


def test_requirements_are_pinned_and_end_in_the_project() -> None:
    *pins, last = lines_of("requirements.txt")
    first, *more = lines_of("requirements-dev.txt")
    assert (first, last) == ("-r requirements.txt", "-e .")
    assert [line for line in pins + more if not PIN.fullmatch(line)] == []


def test_each_requirement_of_the_project_is_pinned_where_it_belongs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert extras.keys() == {"lab", "eventlog", "fleet", "notify", "test"}
    for_all, for_tests = names(lines_of("requirements.txt")), names(lines_of("requirements-dev.txt"))
    assert names([*project["dependencies"], *extras["lab"], *extras["eventlog"]]) <= for_all
    assert names([*extras["test"], *extras["fleet"], *extras["notify"]]) <= for_all | for_tests


def test_neither_analysts_nor_the_scheduled_run_install_tools_of_the_tests() -> None:
    tools = {"pytest", "hypothesis", "playwright", "ruff", "mypy", "dask", "distributed", "apprise", "aiosmtpd"}
    assert not names(lines_of("requirements.txt")) & tools
    assert names(lines_of("requirements-dev.txt")) >= tools
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert not names(project["dependencies"]) & {*tools, "jupyterlab"}


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (made,) = folder.glob("*.whl")
    return made


@pytest.mark.slow
def test_wheel_carries_all_that_is_no_python(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    files = [file for file in (ROOT / "taskanalysis").rglob("*") if file.is_file()]
    data = {file for file in files if file.suffix not in (".py", ".pyc")}
    assert len(data) > 12
    assert {file.relative_to(ROOT).as_posix() for file in data} <= held
    assert {f"taskanalysis/notebooks/{file.name}" for file in (ROOT / "notebooks").glob("*.ipynb")} <= held
    assert not [name for name in held if name.startswith(("tests/", "data/"))]


@pytest.mark.slow
def test_wheel_alone_makes_the_reports_of_a_share(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=True)
    programs = tmp_path / "bare" / ("Scripts" if sys.platform == "win32" else "bin")
    pins = tmp_path / "pins.txt"
    pins.write_text("\n".join(lines_of("requirements.txt")[:-1]), encoding="utf-8")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    install = [str(programs / "python"), "-m", "pip", "install", "--quiet", "--constraint", str(pins), str(wheel)]
    subprocess.run(install, check=True, capture_output=True, env=clean)
    shutil.copytree(ROOT / "data" / "snapshots", tmp_path / "share" / "snapshots")
    report = [str(programs / "taskanalysis"), "report", "--data", "share", "--reports", "out"]
    done = subprocess.run(report, capture_output=True, text=True, env=clean, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    latest = {file.name for file in (tmp_path / "out" / "latest").iterdir()}
    assert latest >= {"inventory.html", "status.html", "trends.html", "status.json", "runs.csv"}
