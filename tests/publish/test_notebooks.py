"""Notebooks in child processes: retries, timeouts, signals, and that nothing of them is left."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from taskanalysis.publish import notebooks
from taskanalysis.publish.folder import workplace
from taskanalysis.publish.make import NOTEBOOKS, notebook_file
from taskanalysis.publish.notebooks import START_TRIES, Failure, Workers, _with_retries, last_started, run_notebook
from tests.build import notebook_of, processes


def test_run_that_takes_too_long_is_ended_with_its_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, real = tmp_path / "begun", time.monotonic
    clock = SimpleNamespace(monotonic=lambda: real() + 1000 * begun.exists(), sleep=time.sleep)
    monkeypatch.setattr(notebooks, "time", clock)
    source = f"import time; open({str(begun)!r}, 'w').close(); time.sleep(600)"
    notebook_of(tmp_path / "some.ipynb", source)
    job = {"source": str(tmp_path / "some.ipynb"), "parameters": {}, "cell_seconds": 600}
    with workplace() as work, Workers(("some",), work) as team:
        ((_, failure),) = team.run({"some": job}, seconds=300)
        said = "some.ipynb: stopped, because the run exceeded 300 seconds"
        assert failure == Failure("some", said, source)
        assert processes(str(work)) == []


def failure_of(folder: Path, seconds: int = 600) -> Failure:
    """The failure of ``some.ipynb`` in a folder."""
    work = folder / "work {0}"  # papermill formats paths
    work.mkdir()
    failure = run_notebook("some", folder / "some.ipynb", {"data": ""}, work, cell_seconds=seconds)
    assert failure
    return failure


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("raise ValueError('no <b>luck')", "the cell '{source}' raised ValueError: no <b>luck"),
        pytest.param("import sys; sys.exit(0)", "the cell '{source}' did not complete", marks=pytest.mark.slow),
        pytest.param(
            "import os; os._exit(1)", "the cell '{source}' did not complete: its kernel died", marks=pytest.mark.slow
        ),
        pytest.param("import time; time.sleep(600)", "the cell '{source}' exceeded 2 seconds", marks=pytest.mark.slow),
        pytest.param(
            "from taskanalysis.snapshot import read_snapshot; read_snapshot('nowhere')",
            "nowhere does not exist",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_cell_that_fails_is_one_sentence_and_shown(source: str, says: str, tmp_path: Path) -> None:
    notebook_of(tmp_path / "some.ipynb", source, "1 + 1")
    failure = failure_of(tmp_path, seconds=2 if "sleep" in source else 60)
    assert failure.what.startswith(f"some.ipynb: {says.format(source=source)}")
    assert failure.cell == source
    assert "sleep" not in source or "after 2 seconds" in failure.error


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


def test_failure_in_a_process_and_its_end_are_reported(tmp_path: Path) -> None:
    notebook_of(tmp_path / "some.ipynb")
    jobs: dict[str, dict[str, Any]] = {"some": {"source": str(tmp_path / "some.ipynb"), "parameters": {"at": ""}}}
    with workplace() as work, Workers(("some", "dead"), work) as team:
        failures = {name: failure.what for name, failure in team.run(jobs | {"dead": {}}) if failure}
    assert failures == {
        "some": "some.ipynb has no parameter at: restore the original notebook",
        "dead": "dead.ipynb: its process ended with code 1: KeyError: 'source'",
    }


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM that a program could catch")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_kernels_and_removes_all_that_was_begun(number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "tmp").mkdir()
    (tmp_path / "data/Load.xml").write_bytes(b"<Task><Actions><Exec><Command>x</Command></Exec></Actions></Task>")
    options = ["--data", str(tmp_path / "data"), "--reports", str(tmp_path / "out")]
    with subprocess.Popen(
        [sys.executable, "-m", "taskanalysis", "report", *options],
        env=os.environ | {"TMPDIR": str(tmp_path / "tmp")},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 (ignored in a background job)
    ) as run:
        family: list[psutil.Process] = []
        while not any("ipykernel_launcher" in each.cmdline() for each in family if each.is_running()):
            assert run.poll() is None
            family = psutil.Process(run.pid).children(recursive=True)
        run.send_signal(number)
        _, said = run.communicate(timeout=30)
    assert run.returncode == 3
    assert said.splitlines()[-1] == "taskanalysis: interrupted"
    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []
    assert list((tmp_path / "tmp").iterdir()) == []
    assert sorted(each.name for each in (tmp_path / "out").rglob("*")) == [
        ".lock",
        ".taskanalysis-reports",
        "latest",
        "runs",
    ]


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no SIGHUP")
def test_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with notebooks.stoppable():
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) not in (signal.SIG_IGN, signal.SIG_DFL)
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


WORK = """
import json, sys
from pathlib import Path
from taskanalysis.publish.folder import workplace
from taskanalysis.publish.notebooks import Workers
with workplace() as work, Workers(("some",), work) as team:
    list(team.run({"some": {"source": sys.argv[1], "parameters": {}, "cell_seconds": 600}}))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.slow
def test_notebook_that_runs_ends_soon_after_its_run_was_killed(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    notebook_of(tmp_path / "some.ipynb", f"import time; open({str(begun)!r}, 'w').close(); time.sleep(600)")
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", WORK, str(tmp_path / "some.ipynb")], env=environment) as run:
        until = time.monotonic() + 60
        while not begun.exists():
            assert time.monotonic() < until
            time.sleep(0.05)
        run.kill()
    until = time.monotonic() + 10
    while others := processes(str(tmp_path)):
        assert time.monotonic() < until, f"still there: {others}"
        time.sleep(0.1)


@pytest.mark.slow
def test_kernels_and_start_up_files_of_the_user_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = tmp_path / "jupyter/kernels/python3/kernel.json"
    start_up = tmp_path / "ipython/profile_default/startup/00.py"
    for file, text in ((kernel, '{"argv": ["nothing"], "display_name": "x"}'), (start_up, "raise SystemExit")):
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook_of(tmp_path / "some.ipynb", "1 + 1")
    (tmp_path / "work").mkdir()
    assert run_notebook("some", tmp_path / "some.ipynb", {}, tmp_path / "work") is None
    assert os.environ["IPYTHONDIR"] == str(tmp_path / "ipython")


def test_last_started_cell_of_a_notebook_that_is_half_written_is_unknown(tmp_path: Path) -> None:
    assert last_started(tmp_path / "nowhere.ipynb") == ""
    (tmp_path / "half.ipynb").write_text('{"cells": [', encoding="utf-8")
    assert last_started(tmp_path / "half.ipynb") == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_runs_from_any_working_directory_without_parameters(name: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    assert run_notebook(name, notebook_file(name), {}, elsewhere) is None
    assert [file.name for file in elsewhere.iterdir() if file.name != ".jupyter"] == [f"{name}.ipynb"]


@pytest.mark.parametrize(
    ("dies", "in_cell", "tries"),
    [(START_TRIES - 1, False, START_TRIES), (START_TRIES, False, START_TRIES), (START_TRIES, True, 1)],
)
def test_kernel_that_dies_is_retried_only_at_its_start(dies: int, in_cell: bool, tries: int, tmp_path: Path) -> None:
    tried: list[int] = []

    def execute() -> Any:
        tried.append(1)
        if len(tried) <= dies:
            raise RuntimeError("Kernel died")
        return "done"

    metadata = {"papermill": {"start_time": "2026-11-23T11:02:00"}} if in_cell else {}
    cells = [{"source": "x", "metadata": metadata}]
    (tmp_path / "status.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")
    with pytest.raises(RuntimeError) if dies >= START_TRIES else contextlib.nullcontext():
        assert _with_retries(execute, tmp_path / "status.ipynb") == "done"
    assert len(tried) == tries
