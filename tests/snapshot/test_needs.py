"""What is in the backup, and what restored tasks need: names with their tasks, each spelled as it first is."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from taskanalysis.definition import TaskDefinition, read_task
from taskanalysis.snapshot import Needs, ProgramFile, Snapshot, Status, in_backup, keep_script, not_in_backup

NOW = datetime(2026, 11, 23, tzinfo=UTC)
KEPT = hashlib.sha256(b"print()").hexdigest()
STORED = "<UserId>TOWN\\{}</UserId><LogonType>Password</LogonType>"


def task(principal: str, *actions: tuple[str, str]) -> bytes:
    runs = "".join(
        f"<Exec><Command>{command}</Command><WorkingDirectory>{folder}</WorkingDirectory></Exec>"
        for command, folder in actions
    )
    return (
        f"<Task><Triggers><LogonTrigger><UserId>TOWN\\anna</UserId></LogonTrigger></Triggers>"
        f"<Principals><Principal>{principal}</Principal></Principals><Actions>{runs}</Actions></Task>"
    ).encode()


def test_needs_are_named_once_with_all_their_tasks(tmp_path: Path) -> None:
    tasks = {
        r"\A": read_task(task(STORED.format("etl"), (r"E:\x\load.exe", r"\\files\e"), ("python.exe", "D:\\"))),
        r"\B": read_task(task(STORED.format("ETL"), (r"e:\X\load.exe", ""))),
        r"\C": read_task(task("<UserId>S-1-5-18</UserId>", ("%JOBS%/c.exe", r"C:\jobs"), ('"robocopy"', ""))),
        r"\D": read_task(task("<UserId>TOWN\\gmsa$</UserId><LogonType>Password</LogonType>")),
    }
    scripts = {
        r"\A": [
            ProgramFile(r"\A", 1, "script", r"F:\load.py", sha256=KEPT),
            ProgramFile(r"\A", 1, "script", "etl.load"),
            ProgramFile(r"\A", 1, "program", r"E:\x\load.exe"),
            ProgramFile(r"\A", 2, "program", r"C:\Python\python.exe"),
        ],
        r"\B": [ProgramFile(r"\B", 1, "program", r"e:\X\load.exe")],
        r"\Gone": [ProgramFile(r"\Gone", 1, "script", r"H:\x.py")],
    }
    keep_script(tmp_path, b"print()")
    needs = Needs.of(tasks, Snapshot("S", NOW, programs=scripts, source=tmp_path))
    assert needs.passwords == {r"TOWN\etl": [r"\A", r"\B"]}
    assert needs.accounts == {
        r"TOWN\anna": [r"\A", r"\B", r"\C", r"\D"],
        r"TOWN\etl": [r"\A", r"\B"],
        r"TOWN\gmsa$": [r"\D"],
    }
    assert needs.programs == {
        "%JOBS%/c.exe": [r"\C"],
        r"C:\jobs": [r"\C"],
        "D:\\": [r"\A"],
        r"E:\x\load.exe": [r"\A", r"\B"],
        r"\\files\e": [r"\A"],
    }
    assert needs.bare == {r"python.exe, found at C:\Python\python.exe": [r"\A"], "robocopy": [r"\C"]}
    assert needs.scripts == {r"F:\load.py": [r"\A"]}
    assert needs.unkept == {"etl.load": [r"\A"]}
    assert needs.looked
    assert needs.drives == {"D:": [r"\A"], "E:": [r"\A", r"\B"], "F:": [r"\A"]}


def test_each_known_task_is_in_the_backup_or_has_a_reason_why_not() -> None:
    snapshot = Snapshot("S", NOW, folders=("\\A", "\\Microsoft"))
    snapshot.tasks = {"\\A\\Stored": TaskDefinition(), "\\Other\\Stored": TaskDefinition()}
    paths = ("\\A\\Lacking", "\\B\\Stored before", "\\C\\Not collected", "\\Microsoft\\X", "\\A\\Stored")
    snapshot.statuses = {path: Status(path) for path in paths}
    snapshot.damaged = {"\\a\\damaged": "was changed"}
    lacking, damaged = "its definition is not stored", "its stored definition was changed"
    known = {"\\a\\damaged": damaged, "\\A\\Lacking": lacking, "\\A\\Stored": "", "\\Other\\Stored": ""}
    assert in_backup(snapshot) == known
    assert list(in_backup(snapshot)) == list(known)
    more = in_backup(snapshot, hidden=["\\A\\Hidden"], stored={"\\B\\Stored before"})
    assert more == known | {"\\A\\Hidden": lacking, "\\B\\Stored before": lacking}
    assert in_backup(snapshot, "\\Microsoft") == {"\\Microsoft\\X": lacking}
    assert not_in_backup(snapshot) == {"\\a\\damaged": damaged, "\\A\\Lacking": lacking}
    chosen = ["\\C\\NOT collected", "\\A\\Stored", "\\Unknown"]
    assert not_in_backup(snapshot, tasks=chosen) == {"\\C\\Not collected": lacking}
    assert list(not_in_backup(snapshot, "\\Microsoft", chosen)) == ["\\C\\Not collected", "\\Microsoft\\X"]


def test_nothing_needs_nothing() -> None:
    assert Needs.of({}) == Needs()


def test_scripts_that_nobody_looked_for_are_not_known() -> None:
    assert Needs.of({}, Snapshot("S", NOW)).looked is False
