"""The command line: help, versions, exit codes, and what it must not import."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import taskanalysis
from taskanalysis.__main__ import main
from taskanalysis.errors import ReportError, SnapshotError

HEAVY = ("pandas", "numpy", "lxml", "matplotlib", "papermill", "nbconvert")


@pytest.mark.parametrize("words", [["--help"], ["report", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    program = (
        "import sys; sys.argv = ['taskanalysis', *sys.argv[1:]]\n"
        "from taskanalysis.__main__ import main\n"
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
        (KeyboardInterrupt(), 3, "taskanalysis: stopped before it was done\n"),
        (ZeroDivisionError("oh"), 3, "taskanalysis: an error that is not expected: ZeroDivisionError: oh\n"),
    ],
)
def test_error_is_one_sentence_and_its_exit_code(
    error: Exception, code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("taskanalysis.report.write_report", fail)
    done = CliRunner().invoke(main, ["report"])
    assert (done.exit_code, done.stderr.splitlines(keepends=True)[-1]) == (code, said)


def test_outside_a_checkout_the_share_must_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("taskanalysis.share.__file__", str(tmp_path / "taskanalysis" / "share.py"))
    done = CliRunner().invoke(main, ["report", "--reports", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert "--data" in done.stderr
    assert not (tmp_path / "out").exists()
