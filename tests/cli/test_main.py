"""The command line: help, versions, exit codes, and what it must not import."""

import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

import taskanalysis
from taskanalysis.cli import main
from taskanalysis.errors import ReportError, SnapshotError
from taskanalysis.publish.index import Standing
from taskanalysis.publish.make import Outcome
from taskanalysis.publish.notebooks import Failure

HEAVY = ("pandas", "numpy", "lxml", "matplotlib", "papermill", "nbconvert")


@pytest.mark.parametrize("words", [["--help"], ["report", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    program = (
        "import sys; sys.argv = ['taskanalysis', *sys.argv[1:]]\n"
        "from taskanalysis.cli import main\n"
        "try: main()\n"
        f"finally: print('heavy:', sorted(set({HEAVY}) & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("heavy: []\n")


@pytest.mark.parametrize("words", [[], ["report"]])
def test_each_help_has_an_example(words: list[str]) -> None:
    done = CliRunner().invoke(main, [*words, "--help"])
    assert done.exit_code == 0
    assert "Example: taskanalysis report --data" in done.output


def test_version_is_that_of_the_package() -> None:
    assert CliRunner().invoke(main, ["--version"]).output == f"taskanalysis, version {taskanalysis.__version__}\n"


def test_unknown_option_is_bad_usage() -> None:
    assert CliRunner().invoke(main, ["report", "--dta", "x"]).exit_code == 2


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (SnapshotError("no --password S3cret here"), 2, "taskanalysis: no --password *** here\n"),
        (ReportError("inventory.ipynb stopped"), 3, "taskanalysis: inventory.ipynb stopped\n"),
        (OSError(28, "No space left on device", "x.html"), 3, "taskanalysis: x.html: No space left on device\n"),
        (ReportError("two\n\x1b[31mlines"), 3, "taskanalysis: two [31mlines\n"),
        (KeyboardInterrupt(), 3, "taskanalysis: interrupted\n"),
        (ZeroDivisionError("oh"), 3, "taskanalysis: unexpected error: ZeroDivisionError: oh\n"),
    ],
)
def test_error_is_one_sentence_and_its_exit_code(
    error: Exception, code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("taskanalysis.cli.report.make_reports", fail)
    done = CliRunner().invoke(main, ["report"])
    assert (done.exit_code, done.stderr.splitlines(keepends=True)[-1]) == (code, said)


@pytest.fixture
def outcome(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Makes `report` end with this outcome; returns what it was asked for."""

    def end_with(**fields: Any) -> dict[str, Any]:
        asked: dict[str, Any] = {}
        made = Outcome("20261123T110500Z", **fields)
        monkeypatch.setattr("taskanalysis.cli.report.make_reports", lambda *_, **given: asked.update(given) or made)
        return asked

    return end_with


def test_file_that_stayed_locked_is_named_and_no_error(outcome: Callable[..., object], tmp_path: Path) -> None:
    outcome(locked=["status.csv", "index.html"])
    done = CliRunner().invoke(main, ["report", "--reports", str(tmp_path)])
    assert done.exit_code == 0
    where = f"the new versions are in {tmp_path / 'runs' / '20261123T110500Z'}"
    assert done.stderr.splitlines()[-1] == f"Open in another program, so not replaced: status.csv, index.html; {where}"


def test_report_that_failed_is_one_sentence_that_names_the_page(outcome: Callable[..., object], tmp_path: Path) -> None:
    outcome(failures=[Failure("status", "status.ipynb: it died --password S3cret")], standing=Standing({"FAILING": 1}))
    done = CliRunner().invoke(main, ["report", "--reports", str(tmp_path), "--fail-on", "attention"])
    assert done.exit_code == 3
    page = tmp_path / "latest/status-failed.html"
    assert done.stderr.splitlines()[-1] == f"taskanalysis: status.ipynb: it died --password *** (see {page})"


@pytest.mark.parametrize(
    ("counts", "options", "code"),
    [
        ({"FAILING": 1, "OK": 3}, ["--fail-on", "attention"], 1),
        ({"UNKNOWN CODE": 1}, ["--fail-on", "attention"], 1),
        ({"UNKNOWN": 1, "NEVER RAN": 2, "OK": 3}, ["--fail-on", "attention"], 0),
        ({"FAILING": 1}, [], 0),
    ],
)
def test_attention_fails_only_where_it_is_asked_for(
    counts: dict[str, int], options: list[str], code: int, outcome: Callable[..., object]
) -> None:
    outcome(standing=Standing(counts))
    assert CliRunner().invoke(main, ["report", *options]).exit_code == code


def test_limits_and_retention_reach_the_run(outcome: Callable[..., dict[str, Any]]) -> None:
    asked = outcome()
    options = ["--keep", "90d", "--cell-seconds", "5", "--run-seconds", "60", "-v"]
    root = logging.getLogger()
    before = root.handlers[:]
    assert CliRunner().invoke(main, ["report", *options]).exit_code == 0
    root.handlers[:] = before
    assert (asked["keep"].days, asked["limits"].cell, asked["limits"].run, asked["verbose"]) == (90, 5, 60, True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--keep", "0"], "--keep '0' is neither a number of runs such as 30 nor of days such as 90d"),
        (["--reports", ""], "--reports is empty: name a folder"),
        (["--cell-seconds", "0"], "0 is not in the range x>=1"),
        (["--fail-on", "monday"], "'monday' is not 'attention'"),
    ],
)
def test_bad_usage_of_report_is_told_with_its_option(options: list[str], said: str) -> None:
    done = CliRunner().invoke(main, ["report", *options])
    assert done.exit_code == 2
    assert said in done.stderr


def test_outside_a_checkout_the_share_must_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(
        "taskanalysis.snapshot.share.__file__", str(tmp_path / "taskanalysis" / "snapshot" / "share.py")
    )
    done = CliRunner().invoke(main, ["report", "--reports", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert "--data" in done.stderr
    assert not (tmp_path / "out").exists()


def test_what_is_typed_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows click would take brackets in a path for a pattern."""
    said: dict[str, object] = {}
    monkeypatch.setattr(click.Group, "main", lambda _, *args, **kwargs: said.update(kwargs))
    main(["--version"])
    assert said["windows_expand_args"] is False
