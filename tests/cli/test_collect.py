"""``taskanalysis collect``: what it prints, asks and refuses, and how it is connected."""

from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from click.testing import CliRunner

from taskanalysis.cli import main
from taskanalysis.snapshot import plain_path
from taskanalysis.snapshot.share import list_snapshots, sample_share
from taskanalysis.snapshot.snapshot import read_manifest, read_snapshot
from taskanalysis.windows import machine
from taskanalysis.windows.scheduler import SchedulerError
from tests.build import FILES
from tests.doubles.scheduler import FakeTask, task_xml
from tests.windows.restoring import Wevtutil, server


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A machine on which the command finds a scheduler."""
    fake = server()
    found = SimpleNamespace(fake=fake, connect=Mock(return_value=fake), log=Wevtutil())
    monkeypatch.setattr("taskanalysis.cli.collect.connect", found.connect)
    monkeypatch.setattr(machine.platform, "node", lambda: "srv.town.example")
    monkeypatch.setattr("taskanalysis.cli.collect.user_name", lambda: "TOWN\\collector")
    monkeypatch.setattr(import_module("taskanalysis.windows.collect"), "_wevtutil", found.log)
    return found


def run(*words: str, typed: str = "") -> tuple[int, str, str]:
    done = CliRunner().invoke(main, ["collect", *words], input=typed)
    return done.exit_code, done.stdout, done.stderr


def test_command_says_in_one_line_what_it_did(tmp_path: Path, windows: SimpleNamespace) -> None:
    code, out, err = run("--data", str(tmp_path), "--folder", "/OpenData")
    (known,) = list_snapshots(tmp_path)
    assert (code, out, err) == (0, f"SRV: 3 tasks, 2 definitions stored, in {plain_path(known.path)}\n", "")
    manifest = read_manifest(known.path)
    assert (manifest["folders"], manifest["collected_by"]) == (["\\OpenData"], "TOWN\\collector")
    windows.connect.assert_called_once_with("", user="", password=None, zone="")


def test_command_asks_for_a_password_and_shows_it_nowhere(tmp_path: Path, windows: SimpleNamespace) -> None:
    words = ["--data", str(tmp_path), "--server", "other", "--user", "TOWN\\anna", "--zone", "Europe/Paris"]
    code, out, err = run(*words, typed="S3cret\n")
    assert code == 0
    assert out.startswith("OTHER: 3 tasks")
    assert "S3cret" not in out + err
    windows.connect.assert_called_once_with("other", user="TOWN\\anna", password="S3cret", zone="Europe/Paris")
    (known,) = list_snapshots(tmp_path)
    assert read_manifest(known.path)["collected_by"] == "TOWN\\anna"
    assert "S3cret" not in (known.path / "snapshot.json").read_text(encoding="utf-8")


def test_command_tells_warnings_and_problems_apart_from_what_it_did(tmp_path: Path, windows: SimpleNamespace) -> None:
    windows.fake.elevated = False
    windows.fake.store["\\Evil\x1b[2J"] = FakeTask(task_xml())
    windows.fake.faults["*", "\\Evil\x1b[2J"] = SchedulerError("\\Evil", 0x80070002)
    code, out, err = run("--data", str(tmp_path), "--status-only")
    assert (code, len(out.splitlines())) == (0, 1)
    assert err.splitlines()[0].startswith("WARNING not elevated")
    assert err.splitlines()[1] == "PROBLEM \\Evil␛[2J: was deleted while collecting"


def test_command_exports_the_log_and_says_where_it_is_off(tmp_path: Path, windows: SimpleNamespace) -> None:
    assert run("--data", str(tmp_path), "--eventlog")[0] == 0
    windows.log.enabled = False
    code, _, err = run("--data", str(tmp_path), "--eventlog")
    assert code == 0
    assert len(list((tmp_path / "eventlogs/SRV").iterdir())) == 1
    assert "is disabled" in err
    assert "enable it: wevtutil set-log Microsoft-Windows-TaskScheduler/Operational /enabled:true" in err


def test_command_whose_export_fails_says_that_the_snapshot_is_there(tmp_path: Path, windows: SimpleNamespace) -> None:
    windows.log.fails = True
    code, out, err = run("--data", str(tmp_path), "--eventlog")
    assert (code, len(out.splitlines()), len(err.splitlines())) == (3, 1, 1)
    assert "the snapshot was written, but the event log can't be exported" in err
    assert len(list_snapshots(tmp_path)) == 1


def test_command_turns_files_into_a_snapshot(tmp_path: Path) -> None:
    code, out, _ = run("--data", str(tmp_path), "--from", str(sample_share()))
    assert code == 0
    assert out.startswith("OPENDATA01: 58 tasks, ")
    found, wanted = read_snapshot(tmp_path), read_snapshot(sample_share())
    assert found.statuses == wanted.statuses
    assert found.tasks == wanted.within()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ([], 2, "--data"),
        (["--data", ""], 2, "--data is empty"),
        (["--data", "{share}", "--folder", ""], 2, "--folder is empty"),
        (["--data", "{share}", "--from", ""], 2, "--from is empty"),
        (["--data", "{share}", "--from", "x", "--status-only"], 2, "ask Windows: omit them with --from"),
        (["--data", "{share}", "--server", "X"], 2, "--server needs --zone"),
        (["--data", "{share}", "--user", "X"], 2, "--user is for the connection to --server"),
        (["--data", "{share}", "--dates", "dmy"], 2, "--dates is for --from"),
        (["--data", "{share}", "--server", "X", "--zone", "UTC", "--eventlog"], 2, "run it there, without --server"),
        (["--data", "{share}", "--folder", "\\Nowhere"], 2, "SRV has no task folder \\Nowhere"),
        (["--data", "{share}/gone"], 3, "does not exist"),
        (["--data", "{share}", "--from", "{share}/gone"], 2, "does not exist"),
    ],
)
@pytest.mark.usefixtures("windows")
def test_command_refuses_in_one_sentence(tmp_path: Path, words: list[str], code: int, says: str) -> None:
    found, out, err = run(*(word.replace("{share}", str(tmp_path)) for word in words))
    assert (found, out) == (code, "")
    assert says in err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


EXPORT = "TaskName,TaskPath,LastRunTime,LastTaskResult,PSComputerName\n"
ROW = "Load,\\,2026-11-23 06:00:00,0,%s\n"


def test_each_server_of_a_file_becomes_a_snapshot_and_a_second_time_nothing_new(tmp_path: Path) -> None:
    source, data = tmp_path / "status.csv", tmp_path / "data"
    source.write_text(EXPORT + ROW % "SRV01" + ROW % "SRV02", encoding="utf-8")
    data.mkdir()
    words = ["--data", str(data), "--from", str(source), "--zone", "UTC", "--at", "2026-11-23T08:00:00"]
    code, out, _ = run(*words)
    assert (code, [line[:13] for line in out.splitlines()]) == (0, ["SRV01: 1 task", "SRV02: 1 task"])
    assert {known.path.name for known in list_snapshots(data)} == {"20261123T080000Z"}
    code, out, _ = run(*words)
    assert (code, [line[:18] for line in out.splitlines()]) == (0, ["SRV01: nothing new", "SRV02: nothing new"])


def folders(tmp_path: Path, *names: str, file: str = "status.csv") -> tuple[Path, Path]:
    """An empty share, and a folder of folders with these names, each with an export."""
    data, exports = tmp_path / "data", tmp_path / "exports"
    data.mkdir()
    content = {"status.csv": EXPORT + ROW.replace("11-23", "11-20") % "SRV", "A.xml": "<Task/>"}
    for name in names:
        (exports / name).mkdir(parents=True)
        (exports / name / file).write_text(content[file], encoding="utf-8")
    return data, exports


def test_folder_of_dated_folders_is_taken_in_one_go(tmp_path: Path) -> None:
    data, exports = folders(tmp_path, "2026-11-21", "2026-11-22_0700", "20261123T060500")
    code, out, _ = run("--data", str(data), "--from", str(exports), "--zone", "UTC")
    assert (code, len(out.splitlines())) == (0, 3)
    names = sorted(known.path.name for known in list_snapshots(data))
    assert names == ["20261121T120000Z", "20261122T070000Z", "20261123T060500Z"]


def test_what_lies_beside_dated_folders_is_named(tmp_path: Path) -> None:
    data, exports = folders(tmp_path, "2026-11-21", "2026-11-22", "old")
    (exports / "notes.txt").write_text("x", encoding="utf-8")
    code, out, err = run("--data", str(data), "--from", str(exports), "--zone", "UTC")
    assert (code, len(out.splitlines())) == (0, 2)
    what = "lies beside dated folders and is not read: take it by itself"
    assert err.splitlines()[-2:] == [f"PROBLEM notes.txt: {what}", f"PROBLEM old: {what}"]


def test_folder_with_a_date_among_others_is_one_of_the_task_scheduler(tmp_path: Path) -> None:
    data, exports = folders(tmp_path, "2026-11-21", "old", file="A.xml")
    code, out, _ = run("--data", str(data), "--from", str(exports), "--zone", "UTC", "--server", "SRV")
    assert (code, out[:27]) == (0, "SRV: 0 tasks, 2 definitions")


def test_unknown_word_is_stored_as_not_known(tmp_path: Path) -> None:
    source = FILES / "statuses" / "icelandic.csv"
    code, _, err = run("--data", str(tmp_path), "--from", str(source), "--zone", "UTC", "--at", "2026-11-24T12:00:00")
    assert (code, err.count("PROBLEM")) == (0, 1)
    (known,) = list_snapshots(tmp_path)
    text = (known.path / "status.csv").read_text(encoding="utf-8")
    assert "\\Town\\Roads,,true,2026-11-24T06:10:00+00:00,0," in text
    assert "\\Town\\Old,Disabled,false," in text


def test_time_without_a_source_is_refused(tmp_path: Path) -> None:
    code, _, err = run("--data", str(tmp_path), "--at", "2026-11-23")
    assert code == 2
    assert "--at is for --from" in err
