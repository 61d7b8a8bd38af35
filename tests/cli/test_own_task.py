"""``taskanalysis task-xml``: the files it writes, how it says to import them, and what it refuses."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from taskanalysis.cli import main
from taskanalysis.definition.model import CalendarTrigger
from taskanalysis.definition.reader import read_task

PROGRAM, MANAGED = r"C:\taskanalysis\.venv\Scripts\taskanalysis.exe", r"TOWN\gmsa-tasks$"


def command(*options: str) -> Result:
    return CliRunner().invoke(main, ["task-xml", *options])


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The options that a machine other than the server needs."""
    monkeypatch.setattr("taskanalysis.cli.own_task.user_name", lambda: r"TOWN\ada")
    return ["--program", PROGRAM, "--output", str(tmp_path / "own.xml")]


def test_command_writes_the_file_and_says_how_to_import_it(out: list[str]) -> None:
    done = command("--data", r"D:\tasks", "--reports", r"D:\my reports", "--at", "4:05", *out)
    assert (done.exit_code, done.stderr) == (0, "")
    task = read_task(Path(out[-1]))
    (trigger,) = task.triggers
    assert isinstance(trigger, CalendarTrigger)
    begin = trigger.start_boundary
    assert begin
    now = datetime.now(UTC).astimezone().replace(tzinfo=None)
    assert (begin.time().isoformat(), begin.tzinfo) == ("04:05:00", None)
    assert now - timedelta(minutes=1) < begin <= now + timedelta(days=1)
    assert task.registration_info.author == r"TOWN\ada"
    assert done.stdout.splitlines() == [
        rf"{out[-1]} defines the task \taskanalysis\Collect and report, which runs as SYSTEM. At 04:05 every day.",
        "To import, as administrator on the server: "
        rf'schtasks /create /tn "\taskanalysis\Collect and report" /xml "{out[-1]}"',
    ]


def test_task_notifies_and_logs_where_it_is_told(out: list[str]) -> None:
    done = command("--data", r"D:\tasks", "--notify-file", r"D:\to.txt", "--log", r"D:\our.log", *out)
    assert (done.exit_code, done.stderr) == (0, "")
    lines = [action.arguments for action in read_task(Path(out[-1])).programs]
    assert lines == [
        r"collect --data D:\tasks --log D:\our.log",
        r"notify --data D:\tasks --to-file D:\to.txt --log D:\our.log",
    ]


def test_managed_account_is_imported_by_restore_which_asks_no_password(out: list[str]) -> None:
    done = command("--data", r"\\fs\tasks", "--user", MANAGED, *out)
    assert (done.exit_code, done.stderr) == (0, "")
    assert f'taskanalysis restore "{out[-1]}" --apply' in done.stdout


def test_password_that_can_not_be_avoided_is_a_warning(out: list[str]) -> None:
    done = command("--data", r"\\fs\tasks", "--user", r"TOWN\etl", *out)
    assert done.exit_code == 0
    assert done.stderr.startswith(r"WARNING stored password (TOWN\etl): ")
    assert r'/ru "TOWN\etl" /rp *' in done.stdout


def test_light_task_is_a_second_file_beside_the_first(out: list[str]) -> None:
    done = command("--data", r"D:\tasks", "--status-every", "15", *out)
    assert done.exit_code == 0
    files = sorted(Path(out[-1]).parent.iterdir())
    assert [(file.name, read_task(file).uri) for file in files] == [
        ("own-status.xml", r"\taskanalysis\Collect status"),
        ("own.xml", r"\taskanalysis\Collect"),
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--data", "tasks"], "--data 'tasks' is not a full Windows path"),
        (["--data", r"D:\tasks", "--at", "24:00"], "--at '24:00' is not a time of day such as 05:45"),
        (["--data", r"D:\tasks", "--at", "05:45Z"], "--at '05:45Z' is not a time of day"),
        (["--data", r"D:\tasks", "--output", "-"], "--output needs the name of a file"),
        (["--data", r"D:\tasks", "--output", ""], "--output needs the name of a file"),
        (["--data", r"D:\tasks", "--reports", r"d:\Tasks\web"], "the reports would lie in the data"),
        (
            ["--data", r"D:\tasks", "--program", r"C:\Users\ada\python.exe"],
            r"--program 'C:\Users\ada\python.exe' lies below",
        ),
    ],
)
def test_refused_options_are_one_sentence_and_leave_no_file(options: list[str], said: str, out: list[str]) -> None:
    done = command(*out, *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"taskanalysis: {said}")
    assert len(done.stderr.splitlines()) == 1
    assert not list(Path(out[-1]).parent.iterdir())


def test_file_must_be_named_since_a_redirection_writes_another_encoding() -> None:
    done = command("--data", r"D:\tasks", "--program", PROGRAM)
    assert done.exit_code == 2
    assert "--output" in done.stderr


def test_file_that_can_not_be_written_is_one_sentence(out: list[str]) -> None:
    Path(out[-1]).parent.joinpath("file").touch()
    done = command("--data", r"D:\tasks", *out[:-1], str(Path(out[-1]).parent / "file" / "own.xml"))
    assert done.exit_code == 3
    assert "own.xml can't be written (" in done.stderr


def test_program_must_be_named_where_this_is_not_the_server(out: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    done = command("--data", r"D:\tasks", *out[2:])
    assert done.exit_code == 2
    assert "name with --program the full path" in done.stderr
