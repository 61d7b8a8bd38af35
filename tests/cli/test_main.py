"""The command line: help, versions, exit codes, and what it must not import."""

import subprocess
import sys
from unittest.mock import Mock

import click
import pytest
from click.testing import CliRunner

import taskanalysis
from taskanalysis.cli import main
from taskanalysis.cli.main import say
from taskanalysis.errors import ReportError, SnapshotError
from taskanalysis.windows.scheduler import SchedulerError

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


@pytest.mark.parametrize("name", main.commands)
def test_each_command_explains_its_options_and_has_an_example(name: str) -> None:
    done = CliRunner().invoke(main, [name, "--help"])
    assert done.exit_code == 0
    assert f"Example: taskanalysis {name} " in " ".join(done.output.split())
    options = [option for option in main.commands[name].params if isinstance(option, click.Option)]
    assert [option.name for option in options if not option.help] == []


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
        (ReportError("two\n\x1b[31mlines"), 3, "taskanalysis: two ␛[31mlines\n"),
        (SchedulerError("", 0x800706BA), 3, "taskanalysis: Task Scheduler: the server does not answer (0x800706BA)\n"),
        (KeyboardInterrupt(), 3, "taskanalysis: interrupted\n"),
        (ZeroDivisionError("oh"), 3, "taskanalysis: unexpected error: ZeroDivisionError: oh\n"),
    ],
)
def test_error_is_one_sentence_and_its_exit_code(
    error: Exception, code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taskanalysis.cli.report.make_reports", Mock(side_effect=error))
    done = CliRunner().invoke(main, ["report"])
    assert (done.exit_code, done.stderr.splitlines(keepends=True)[-1]) == (code, said)


def test_arguments_are_taken_literally(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows click would take brackets in a path for a pattern."""
    said: dict[str, object] = {}
    monkeypatch.setattr(click.Group, "main", lambda _, *args, **kwargs: said.update(kwargs))
    main(["--version"])
    assert said["windows_expand_args"] is False


def test_every_line_of_a_command_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    say("Reading 3 tasks of SRV\n--pass\u200bword S3cret", err=True)
    assert capsys.readouterr().err == "Reading 3 tasks of SRV --password ***\n"
