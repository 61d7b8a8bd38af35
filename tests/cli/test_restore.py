"""``taskanalysis restore``: the plan and the results in words, passwords, exit codes, and the script."""

import hashlib
import re
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from click.testing import CliRunner, Result

from taskanalysis.cli import main
from taskanalysis.cli.restore import plan_lines, result_lines
from taskanalysis.definition.reader import read_task
from taskanalysis.history import verify
from taskanalysis.snapshot import ProgramFile, keep_script
from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot
from taskanalysis.snapshot.status import Status
from taskanalysis.windows import lay_out
from taskanalysis.windows import scheduler as door
from taskanalysis.windows.restorable import encoded
from taskanalysis.windows.restore import Restored, plan
from taskanalysis.windows.scheduler import SchedulerError
from tests.doubles.scheduler import FakeScheduler, task_xml
from tests.windows.restoring import LOAD, NIGHTLY, SDDL, STORED, change, taken

# Words ----------------------------------------------------------------------------------------------------------------


def test_plan_is_printed_in_words(tmp_path: Path) -> None:
    tasks = {
        r"\A": task_xml(version="1.9"),
        r"\B": task_xml(r"D:\b.exe", principal=STORED),
        r"\C": task_xml("new.exe"),
        r"\D": task_xml(),
        r"\Microsoft\X": task_xml(),
    }
    fake = FakeScheduler(paths=set())
    fake.add(r"\C", task_xml("old.exe"))
    fake.add(r"\D", task_xml())
    snapshot = taken(tmp_path, tasks, statuses=[Status(r"\B", "Disabled", False)], sddl={r"\C": SDDL})
    lines = plan_lines(plan(snapshot, fake), snapshot, "NEW")
    refused = lines.pop(14)
    assert refused.startswith("    this Windows does not accept it: ")
    assert lines == [
        "Plan for NEW: 4 tasks of OPENDATA01 at 2026-11-23 06:02 America/New_York",
        "",
        "To be created: 1",
        r"  \B (disabled)",
        "",
        "To be replaced: 1",
        r"  \C",
        "    command from old.exe to new.exe",
        "",
        "Unchanged, skipped: 1",
        r"  \D",
        "",
        "Can't be restored: 1",
        r"  \A",
        "",
        "Not restored automatically",
        "  Passwords to enter, one for each account:",
        r"    TOWN\etl (1 task: \B)",
        "  Missing programs, scripts and folders:",
        r"    D:\b.exe (1 task: \B)",
        "  Disabled, to be enabled by hand if they should run: 1 task",
        "  Access rights of 1 task, which the snapshot lacks: "
        "they inherit those of their folder, or keep their current ones",
        "",
        r"1 task of Windows itself (\Microsoft) left out: --folder names them.",
    ]


def test_results_are_a_table_without_secrets_and_controls() -> None:
    lines = result_lines([Restored("\\a\x1b[31m", "failed", "no --password S3cret"), Restored(r"\bbbbbbb", "created")])
    assert lines == [
        r"\a␛[31m   failed      no --password ***",
        r"\bbbbbbb  created",
        "",
        "1 task failed, 1 task created.",
    ]


# The command ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeScheduler:
    """The Task Scheduler that the command finds."""
    found = FakeScheduler()
    monkeypatch.setattr("taskanalysis.cli.restore.connect", lambda *_, **__: found)
    monkeypatch.setattr("taskanalysis.cli.restore.WINDOWS", True)
    return found


def restore(snapshot: Snapshot | Path, *options: str, typed: str = "") -> Result:
    source = snapshot.source if isinstance(snapshot, Snapshot) else snapshot
    return CliRunner().invoke(main, ["restore", str(source), *options], input=typed)


def test_command_prints_a_plan_and_does_nothing(tmp_path: Path, fake: FakeScheduler) -> None:
    ended = restore(taken(tmp_path, {LOAD: task_xml()}))
    assert ended.exit_code == 0
    assert "To be created: 1" in ended.stdout
    assert ended.stdout.endswith("No task was changed. Add --apply to carry out the plan.\n")
    assert fake.store == {}


def test_command_asks_each_password_once_and_shows_none(tmp_path: Path, fake: FakeScheduler) -> None:
    fake.accounts = {r"TOWN\etl": "Winter"}
    tasks = {LOAD: task_xml(principal=STORED), NIGHTLY: task_xml(principal=STORED.replace("TOWN", "town"))}
    snapshot = taken(tmp_path, tasks)
    ended = restore(snapshot, "--apply", typed="Winter\n")
    assert (ended.exit_code, sorted(fake.store)) == (0, [LOAD, NIGHTLY])
    assert not (snapshot.share / "replaced").exists()
    assert rf"TOWN\etl (2 tasks: {LOAD}, {NIGHTLY})" in ended.stdout
    assert ended.stderr.count("Password of TOWN\\etl") == 1
    assert "Winter" not in ended.output
    assert ended.stdout.endswith("\n2 tasks created.\n")


@pytest.mark.parametrize(
    ("fault", "typed", "code", "table", "error"),
    [
        (None, "no\n", 1, "1 task created, 1 task failed.", ""),
        (None, "\n", 1, r"not tried   no password was given for TOWN\etl", ""),
        (SchedulerError("", door.SERVER_UNAVAILABLE), "right\n", 3, "Load  ", "the connection was lost before all "),
        (KeyboardInterrupt(), "right\n", 3, "1 task created.", ""),
    ],
)
def test_command_that_can_not_restore_all_prints_what_it_did(
    tmp_path: Path, fake: FakeScheduler, fault: Any, typed: str, code: int, table: str, error: str
) -> None:
    fake.accounts = {r"TOWN\etl": "right"}
    if fault:
        fake.faults["register", NIGHTLY] = fault
    tasks = {LOAD: task_xml(), NIGHTLY: task_xml(principal=STORED)}
    ended = restore(taken(tmp_path, tasks), "--apply", typed=typed)
    assert ended.exit_code == code
    assert re.search(r"\\OpenData\\Load +created\n", ended.stdout)
    assert table in ended.stdout
    assert list(fake.store) == [LOAD]
    assert error in ended.stderr


def test_damaged_snapshot_ends_with_2_before_a_password_is_asked(tmp_path: Path, fake: FakeScheduler) -> None:
    snapshot = taken(tmp_path, {LOAD: task_xml(principal=STORED)})
    change(snapshot.source / "tasks/OpenData/Load.xml")
    ended = restore(snapshot, "--apply", typed="x\n")
    assert ended.exit_code == 2
    assert "is damaged" in ended.stderr
    assert "Password" not in ended.output
    assert fake.store == {}


def test_command_saves_what_it_replaces_beside_the_snapshots_and_out_of_the_history(
    tmp_path: Path, fake: FakeScheduler
) -> None:
    fake.add(LOAD, task_xml("old.exe"))
    share = taken(tmp_path, {LOAD: task_xml()}).share
    assert restore(share, "--apply").exit_code == 0
    assert read_snapshot(share).server == "OPENDATA01"
    (saved,) = (share / "replaced").rglob("Load.xml")
    assert saved.read_bytes() == encoded(task_xml("old.exe"))


def test_command_asks_for_a_share_where_it_would_replace_and_has_none(tmp_path: Path, fake: FakeScheduler) -> None:
    fake.add(r"\Load", task_xml("old.exe"))
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "Load.xml").write_bytes(encoded(task_xml()))
    ended = restore(tmp_path / "exports", "--apply")
    assert ended.exit_code == 2
    assert "--data" in ended.stderr
    assert fake.store[r"\Load"].xml == task_xml("old.exe")
    assert restore(tmp_path / "exports", "--apply", "--data", str(tmp_path / "share")).exit_code == 0
    assert len(list((tmp_path / "share" / "replaced").rglob("Load.xml"))) == 1


def test_file_that_could_not_be_read_ends_with_1(tmp_path: Path, fake: FakeScheduler) -> None:
    (tmp_path / "good.xml").write_bytes(encoded(task_xml()))
    (tmp_path / "bad.xml").write_text("<Task", encoding="utf-8")
    ended = restore(tmp_path, "--apply")
    assert (ended.exit_code, list(fake.store)) == (1, [r"\good"])
    assert "Could not be read: 1\n  bad.xml: " in ended.stdout


def test_options_reach_the_plan(tmp_path: Path, fake: FakeScheduler) -> None:
    snapshot = taken(
        tmp_path, {LOAD: task_xml(principal=STORED), NIGHTLY: task_xml(principal=STORED), r"\X": task_xml()}
    )
    options = ["--folder", "/OpenData/Permits", "--task", LOAD, "--disabled", "--map", r"TOWN\etl=CITY\etl$", "--apply"]
    ended = restore(snapshot, *options)
    assert (ended.exit_code, sorted(fake.store)) == (0, [LOAD, NIGHTLY])
    assert {task.enabled for task in fake.store.values()} == {False}
    assert {read_task(encoded(task.xml)).principal.user_id for task in fake.store.values()} == {r"CITY\etl$"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--map", "x"], "--map 'x' is not OLD=NEW"),
        (["--script", ""], "--script is empty"),
        (["--script", "x", "--apply"], "--script only writes a folder"),
        (["--script", "x", "--against", "x"], "--script only writes a folder"),
        (["--against", "x", "--apply"], "--against plans on paper"),
        (["--user", "anna"], "--user is for the connection to --server, which is missing"),
    ],
)
def test_bad_usage_names_the_option(tmp_path: Path, options: list[str], said: str) -> None:
    ended = restore(taken(tmp_path, {LOAD: task_xml()}), *options)
    assert ended.exit_code == 2
    assert said in ended.stderr


def test_password_of_the_server_is_asked_and_handed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = Mock(return_value=FakeScheduler())
    monkeypatch.setattr("taskanalysis.cli.restore.connect", connect)
    snapshot = taken(tmp_path, {LOAD: task_xml()})
    ended = restore(snapshot, "--server", "NEW", "--user", r"TOWN\anna", typed="Spring\n")
    assert ended.exit_code == 0
    connect.assert_called_once_with("NEW", user=r"TOWN\anna", password="Spring", zone="America/New_York")
    assert "Spring" not in ended.output
    assert "Plan for NEW" in ended.stdout


def test_off_windows_nothing_is_carried_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taskanalysis.cli.restore.WINDOWS", False)
    monkeypatch.setattr("sys.platform", "linux")
    ended = restore(taken(tmp_path, {LOAD: task_xml()}), "--apply")
    assert ended.exit_code == 2
    assert ended.stderr == "taskanalysis: restore --apply needs Windows; --script DIR writes a script to run there\n"


# On paper -------------------------------------------------------------------------------------------------------------

SCRIPT = ProgramFile(LOAD, 1, "script", r"D:\jobs\load.py", exists=True, sha256=hashlib.sha256(b"print()").hexdigest())
LOST = ProgramFile(LOAD, 1, "script", r"D:\jobs\lost.py", exists=True, sha256="ab" * 32)


def test_off_windows_the_plan_is_for_an_empty_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taskanalysis.cli.restore.WINDOWS", False)
    tasks = {LOAD: task_xml(r"E:\py\python.exe", principal=STORED), r"\Microsoft\X": task_xml()}
    statuses = [Status(LOAD, "Ready"), Status(NIGHTLY, "Ready"), Status(r"\Microsoft\Y", "Ready")]
    snapshot = taken(tmp_path, tasks, statuses=statuses, programs=[SCRIPT, LOST])
    keep_script(snapshot.share, b"print()")
    ended = restore(snapshot)
    assert ended.exit_code == 1  # a task can't be restored
    assert ended.stdout.splitlines() == [
        "Plan for an empty server: 1 task of OPENDATA01 at 2026-11-23 06:02 America/New_York",
        "",
        "To be created: 1",
        rf"  {LOAD}",
        "",
        "Not in the backup, so that nothing restores them: 1",
        rf"  {NIGHTLY}: its definition is not stored",
        "",
        "Not restored automatically",
        "  Passwords to enter, one for each account:",
        rf"    TOWN\etl (1 task: {LOAD})",
        "  Accounts that the server must know:",
        rf"    TOWN\etl (1 task: {LOAD})",
        "  Programs and folders that must be there:",
        rf"    E:\py\python.exe (1 task: {LOAD})",
        "  Scripts that must be there:",
        rf"    D:\jobs\load.py (1 task: {LOAD})",
        rf"    D:\jobs\lost.py (1 task: {LOAD})",
        "  Scripts that are not in the backup, to be copied from elsewhere:",
        rf"    D:\jobs\lost.py (1 task: {LOAD})",
        "  Drives that must be there:",
        rf"    D: (1 task: {LOAD})",
        rf"    E: (1 task: {LOAD})",
        "  Access rights of 1 task, which the snapshot lacks: "
        "they inherit those of their folder, or keep their current ones",
        "",
        r"1 task of Windows itself (\Microsoft) left out: --folder names them.",
        "",
        "This is a plan on paper: only Windows can tell whether it accepts the tasks. No task was changed.",
    ]


@pytest.mark.parametrize(
    "options",
    [
        ("--task", NIGHTLY),
        ("--task", NIGHTLY.upper(), "--task", LOAD),
        ("--folder", r"\OpenData\Permits"),
        ("--apply",),
    ],
    ids=" ".join,
)
def test_task_without_a_definition_is_named_however_it_is_chosen(
    options: tuple[str, ...], tmp_path: Path, fake: FakeScheduler
) -> None:
    snapshot = taken(tmp_path, {LOAD: task_xml()}, statuses=[Status(LOAD, "Ready"), Status(NIGHTLY, "Ready")])
    ended = restore(snapshot, *options)
    assert (
        f"\nNot in the backup, so that nothing restores them: 1\n  {NIGHTLY}: its definition is not stored\n"
        in ended.stdout
    )
    assert ended.exit_code == ("--apply" in options), "1 where it should have been restored"
    assert (f"To be created: 1\n  {LOAD}\n" in ended.stdout) == (LOAD in options or "--apply" in options)
    assert restore(snapshot, "--task", r"\Unknown").exit_code == 2


def test_plan_against_a_snapshot_says_what_would_differ_there(tmp_path: Path) -> None:
    old = taken(tmp_path / "old", {LOAD: task_xml("old.exe"), NIGHTLY: task_xml()})
    ended = restore(
        taken(tmp_path / "new", {LOAD: task_xml("new.exe"), NIGHTLY: task_xml()}), "--against", str(old.source)
    )
    assert ended.exit_code == 0
    assert ended.stdout.startswith("Plan for OPENDATA01 as of 2026-11-23 06:02 America/New_York: 2 tasks of OPENDATA01")
    assert f"To be replaced: 1\n  {LOAD}\n    command from old.exe to new.exe\n" in ended.stdout
    assert f"Unchanged, skipped: 1\n  {NIGHTLY}\n" in ended.stdout


def test_scripts_are_laid_out_and_nothing_is_written_over(tmp_path: Path, fake: FakeScheduler) -> None:
    snapshot = taken(tmp_path, {LOAD: task_xml()}, programs=[SCRIPT, LOST])
    keep_script(snapshot.share, b"print()")
    out = tmp_path / "out"
    place = out / "D" / "jobs" / "load.py"
    fake.paths = {r"D:\jobs\load.py"}
    first = restore(snapshot, "--scripts", str(out))
    assert first.stdout.splitlines()[:2] == [
        rf"D:\jobs\load.py: written to {place}",
        r"Not in the backup: D:\jobs\lost.py",
    ]
    assert (
        rf"    D:\jobs\lost.py (1 task: {LOAD})" in first.stdout.partition("Missing programs, scripts and folders")[2]
    )
    assert r"    D:\jobs\load.py" not in first.stdout
    assert place.read_bytes() == b"print()"
    place.write_bytes(b"mine")
    assert restore(snapshot, "--scripts", str(out)).stdout.splitlines()[0].endswith("is there already, and differs")
    assert place.read_bytes() == b"mine"


def test_one_script_that_cannot_be_laid_out_stops_no_other(tmp_path: Path, fake: FakeScheduler) -> None:
    names = (r"D:\jobs\a.py", "D:\\" + "x" * 5000, r"D:\there.py", r"D:\jobs\load.py")
    snapshot = taken(tmp_path, {LOAD: task_xml()}, programs=[SCRIPT._replace(file=name) for name in names])
    keep_script(snapshot.share, b"print()")
    (tmp_path / "out/D/there.py").mkdir(parents=True)
    first, long, there, last = lay_out(snapshot, [LOAD], tmp_path / "out")
    assert [": written to " in line for line in (first, last)] == [True, True]
    assert "can't be written" in long
    assert "is there already, and differs" in there
    assert restore(snapshot, "--scripts", str(tmp_path / "out/D/jobs/a.py")).exit_code == 2


def test_damaged_script_is_not_laid_out_and_found_by_verify(tmp_path: Path) -> None:
    snapshot = taken(tmp_path, {LOAD: task_xml()}, programs=[SCRIPT])
    keep_script(snapshot.share, b"print()")
    (file,) = (snapshot.share / "scripts").glob("*/*")
    file.write_bytes(b"evil")
    assert lay_out(snapshot, [LOAD], tmp_path / "out") == [r"Damaged in the backup: D:\jobs\load.py"]
    assert [problem.what for problem in verify(snapshot.share).problems] == ["is damaged, or no script that was kept"]


@pytest.mark.parametrize(
    "name", [r"D:\..\..\x.py", r"\\files\share\..\x.py", "/etc/x.py", r"C:\a:b.py", r"D:\nul\x.py"]
)
def test_script_of_any_name_is_laid_out_inside_the_folder(tmp_path: Path, name: str) -> None:
    known = SCRIPT._replace(file=name)
    snapshot = taken(tmp_path, {LOAD: task_xml()}, programs=[known])
    keep_script(snapshot.share, b"print()")
    lay_out(snapshot, [LOAD], tmp_path / "out")
    assert [file.read_bytes() for file in (tmp_path / "out").rglob("*.py")] == [b"print()"]
    assert not list(tmp_path.glob("x.py"))


def test_script_needs_no_windows(tmp_path: Path) -> None:
    snapshot = taken(tmp_path, {LOAD: task_xml(), r"\Microsoft\X": task_xml()})
    ended = restore(snapshot, "--script", str(tmp_path / "out"))
    assert ended.exit_code == 0
    assert ended.stdout.splitlines()[1:] == [
        "powershell -NoProfile -ExecutionPolicy Bypass -File restore.ps1 -WhatIf",
        r"1 task of Windows itself (\Microsoft) left out: --folder names them.",
    ]
    files = sorted(file.relative_to(tmp_path / "out").as_posix() for file in (tmp_path / "out").rglob("*.*"))
    assert files == ["READ-ME.txt", "about.txt", "restore.ps1", "tasks.csv", "tasks/OpenData/Load.xml"]


def test_read_me_says_what_must_be_there_and_what_is_lost(tmp_path: Path) -> None:
    tasks = {LOAD: task_xml(r"E:\x.exe --password S3cret", principal=STORED)}
    snapshot = taken(tmp_path, tasks, statuses=[Status(LOAD, "Disabled", False), Status(NIGHTLY, "Ready")])
    ended = restore(snapshot, "--script", str(tmp_path / "out"))
    assert (ended.exit_code, ended.stderr) == (1, f"Not in the backup: {NIGHTLY}: its definition is not stored\n")
    text = (tmp_path / "out" / "READ-ME.txt").read_bytes().decode("utf-8-sig")
    lines = text.split("\r\n")
    assert lines[0] == "1 task of OPENDATA01, as they were at 2026-11-23 06:02 America/New_York"
    for line in (
        rf"    TOWN\etl (1 task: {LOAD})",
        rf"    E:\x.exe --password *** (1 task: {LOAD})",
        rf"    E: (1 task: {LOAD})",
        "  Disabled, to be enabled by hand if they should run: 1 task",
        "  Task Scheduler's own history of runs is not restored.",
        rf"    {NIGHTLY}: its definition is not stored",
        "1. Install the programs, scripts and drives where they were, and set the time zone.",
    ):
        assert line in lines


def test_read_me_names_programs_found_by_name_and_scripts_that_the_backup_lacks(tmp_path: Path) -> None:
    python = ProgramFile(LOAD, 1, "program", r"C:\Python\python.exe", exists=True)
    tasks = {LOAD: task_xml("python.exe"), NIGHTLY: task_xml("robocopy")}
    snapshot = taken(tmp_path, tasks, programs=[python, SCRIPT, LOST])
    keep_script(snapshot.share, b"print()")
    restore(snapshot, "--script", str(tmp_path / "out"))
    lines = (tmp_path / "out" / "READ-ME.txt").read_bytes().decode("utf-8-sig").split("\r\n")
    named, lacking = (lines.index(f"  {heading}:") for heading in (BY_NAME, LACKING))
    assert lines[named + 1 : named + 3] == [
        rf"    python.exe, found at C:\Python\python.exe (1 task: {LOAD})",
        rf"    robocopy (1 task: {NIGHTLY})",
    ]
    assert lines[lacking + 1] == rf"    D:\jobs\lost.py (1 task: {LOAD})"
    assert not any(line.startswith(r"    D:\jobs\load.py") for line in lines[lacking:])


BY_NAME = "Programs that must be found by their names"
LACKING = "Scripts that are not in the backup, to be copied from elsewhere"


def test_read_me_says_that_scripts_are_not_known_where_nobody_looked_for_them(tmp_path: Path) -> None:
    restore(taken(tmp_path, {LOAD: task_xml()}), "--script", str(tmp_path / "out"))
    text = (tmp_path / "out" / "READ-ME.txt").read_text(encoding="utf-8-sig")
    assert "  Scripts: not known, because the collector did not look for them.\n" in text
