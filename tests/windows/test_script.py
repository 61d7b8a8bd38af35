"""The folder with `restore.ps1`: its data reads back exactly, and no text of a task is in the script."""

import re
import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskanalysis.definition.reader import read_task
from taskanalysis.errors import SnapshotError
from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot
from taskanalysis.snapshot.status import Status
from taskanalysis.windows import scheduler
from taskanalysis.windows.paper import Paper
from taskanalysis.windows.restorable import Wanted, encoded, read_wanted
from taskanalysis.windows.restore import apply, plan
from taskanalysis.windows.script import write_script
from tests.build import ROOT
from tests.doubles.scheduler import FakeScheduler, task_xml
from tests.doubles.task_folder import PASSWORD, Server, script_data
from tests.windows.restoring import HOSTILE, SDDL, taken

SCRIPT = (ROOT / "taskanalysis" / "windows" / "restore.ps1").read_text(encoding="ascii")
TEXTS = [
    *HOSTILE,
    "",
    '"double", \u201cand\u201d curly, ""',
    "line\nline",
    "\r\n'@\r\n",
    "@'\nx\n'@",
    "#TYPE System.String",
    "#>",
    "\n# SIG # Begin signature block\n",
    "nul\0nul",
    "line\u2028separator\u0085next",
    " blanks \t",
    "trailing backslash\\",
    "\ufeff",
    "=cmd|'/c calc'!A1",
]


def wanted(path: str = r"\OpenData\Load", xml: str = "<Task/>", **known: str | bool) -> Wanted:
    return Wanted(path, xml, read_task(encoded(xml)), **known)  # type: ignore[arg-type]


def written(tmp_path: Path, *tasks: Wanted, title: str = "t") -> list[dict[str, str]]:
    """The rows of a folder that is written for these tasks."""
    return script_data(write_script(tmp_path / "out", tasks or [wanted()], title=title).parent)[1]


# The data -------------------------------------------------------------------------------------------------------------


def test_hostile_texts_read_back_as_they_were(tmp_path: Path) -> None:
    tasks = []
    for number, text in enumerate(TEXTS):
        account = "".join(letter if letter.isprintable() and letter not in "<&" else "?" for letter in text)
        principal = f"<UserId>x{account}</UserId><LogonType>Password</LogonType>"
        xml = f"<Task><Principals><Principal>{principal}</Principal></Principals></Task>"
        tasks.append(wanted(rf"\{number}{text}\N{text}", xml, sddl=text))
    rows = written(tmp_path, *tasks)
    for row, task in zip(rows, tasks, strict=True):
        assert (row["Folder"], row["Name"], row["Account"], row["Sddl"]) == (
            *(task.folder, task.name),
            *(task.account, task.sddl),
        )
        assert (tmp_path / "out" / row["File"].replace("\\", "/")).read_bytes() == encoded(task.xml)


@pytest.mark.slow  # each example writes a folder
@settings(max_examples=50)
@given(st.text(), st.text())
def test_any_text_reads_back_as_it_was(name: str, sddl: str) -> None:
    task = wanted("\\x" + name, sddl=sddl)
    with tempfile.TemporaryDirectory() as folder:
        (row,) = written(Path(folder), task)
    assert (row["Folder"], row["Name"], row["Sddl"]) == (task.folder, task.name, sddl)


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ([wanted("\\a\ud800b")], "holds half a character"),
        ([wanted(sddl="\udc00")], "holds half a character"),
        ([], "no task"),
    ],
)
def test_what_no_file_could_hold_is_refused_and_no_folder_left(tmp_path: Path, tasks: list[Wanted], said: str) -> None:
    with pytest.raises(SnapshotError, match=said):
        write_script(tmp_path / "out", tasks, title="t")
    assert list(tmp_path.iterdir()) == []


def test_title_is_one_line_whatever_the_server_is_called(tmp_path: Path) -> None:
    script = write_script(tmp_path / "out", [wanted()], title="Łódź’s\r\ntasks\x1b[2J")
    assert script_data(script.parent)[0] == "Łódź’s tasks␛[2J"


# The script -----------------------------------------------------------------------------------------------------------


def test_script_is_the_same_whatever_the_tasks_are(tmp_path: Path, sample: Snapshot) -> None:
    one = write_script(tmp_path / "one", [wanted()], title="one").read_bytes()
    assert one == write_script(tmp_path / "two", read_wanted(sample).tasks, title="two").read_bytes()
    assert one.replace(b"\r\n", b"\n").decode("ascii") == SCRIPT
    assert one.count(b"\n") == one.count(b"\r\n")


def test_script_has_no_here_strings_nothing_that_5_1_lacks_and_runs_no_text() -> None:
    for pattern in (r"@['\"]\s*$", r"&&", r"\|\|", r"\?\?", r"Invoke-Expression|\biex\b", r"\bImport-Module\b"):
        assert not re.search(pattern, SCRIPT, re.MULTILINE)


def test_script_documents_and_reads_each_column(tmp_path: Path) -> None:
    (row,) = written(tmp_path)
    manual, _, code = SCRIPT.partition("#>")
    for column in row:
        assert re.search(rf"^  (\w+, )?{column}\b", manual, re.MULTILINE)
        assert re.search(rf"'{column}'|\$row\.{column}\b", code)


@pytest.mark.parametrize(
    "part",
    [
        "SupportsShouldProcess = $true",
        "Import-Csv -LiteralPath (Get-Place 'tasks.csv') -Encoding UTF8",
        "Read-Host -AsSecureString",
        "Register-ScheduledTask @with",
        # -User needs a password, which a managed account has not: the definition names that one
        "if ($password) { $with.User = $task.Account; $with.Password = $password }",
        "$ignoreRegistrationTriggers = 0x6, 0x10, 0x20",
        "ErrorAction = 'Stop'",
        "[StringComparison]::Ordinal",  # -ceq would pass over characters that have no weight
        "exit 1",
        "exit 2",
        "exit 3",
    ],
)
def test_script_has(part: str) -> None:
    assert part in SCRIPT


# The folder -----------------------------------------------------------------------------------------------------------


def test_folder_is_enough_by_itself(tmp_path: Path, sample: Snapshot) -> None:
    tasks = read_wanted(sample).tasks
    rows = written(tmp_path, *tasks)
    assert len(rows) == len(tasks) == 52
    for row, task in zip(rows, tasks, strict=True):
        assert (tmp_path / "out" / row["File"].replace("\\", "/")).read_bytes() == encoded(task.xml)
    found = read_snapshot(tmp_path / "out" / "tasks")
    assert {path.casefold() for path in found.tasks} == {task.path.casefold() for task in tasks}


class Recorder(FakeScheduler):
    """A server that remembers how each task was registered."""

    def register(self, path: str, xml: str, **known: Any) -> None:
        super().register(path, xml, **known)
        names = ("account", "password", "logon_type", "sddl")
        registered = self.__dict__.setdefault("registered", {})
        registered[path] = (read_task(encoded(xml)), *(known.get(name) or "" for name in names))


PRINCIPALS = {
    r"\Stored": r"<UserId>TOWN\etl</UserId><LogonType>Password</LogonType>",
    r"\Managed": r"<UserId>TOWN\gmsa$</UserId><LogonType>Password</LogonType>",
    r"\S4U": r"<UserId>TOWN\etl</UserId><LogonType>S4U</LogonType>",
    r"\Logged on": r"<UserId>TOWN\etl</UserId><LogonType>InteractiveToken</LogonType>",
    r"\Either": r"<UserId>etl</UserId><LogonType>InteractiveTokenOrPassword</LogonType>",
    r"\Group": "<GroupId>S-1-5-32-545</GroupId>",
    r"\A\System": "<UserId>S-1-5-18</UserId>",
}


def test_script_registers_the_tasks_that_restore_would_in_the_same_way(tmp_path: Path, sample: Snapshot) -> None:
    more = {path: task_xml(principal=principal) for path, principal in PRINCIPALS.items()}
    statuses = [Status(path, "Disabled" if path == r"\S4U" else "Ready") for path in more]
    made = taken(tmp_path, more, statuses=statuses, sddl={r"\Group": SDDL})
    for number, snapshot in enumerate((sample, made)):
        planned, ours, script = plan(snapshot, Paper()), Recorder(), Recorder()
        apply(planned, ours, dict.fromkeys(planned.needs.passwords, PASSWORD))
        folder = write_script(tmp_path / f"out{number}", read_wanted(snapshot).tasks, title="t").parent
        assert Server(script, "").shell("powershell -File restore.ps1", folder) == (0, "")
        assert script.__dict__["registered"] == ours.__dict__["registered"]
        assert script.store == ours.store
        assert script.store.keys() == snapshot.within().keys()


@pytest.mark.parametrize("xml", ["<Task><Settings><Enabled>true</Enabled></Settings></Task>", "<Task/>"])
def test_disabled_task_is_disabled_in_its_file_too(tmp_path: Path, xml: str) -> None:
    (row,) = written(tmp_path, wanted(xml=xml, off=True))
    assert row["Enabled"] == "false"
    assert not read_task(tmp_path / "out/tasks/OpenData/Load.xml").settings.enabled


@pytest.mark.parametrize(
    ("principal", "account", "asks", "logon"),
    [
        (r"<UserId>TOWN\etl</UserId><LogonType>Password</LogonType>", r"TOWN\etl", "true", "1"),
        (r"<UserId>TOWN\gmsa$</UserId><LogonType>Password</LogonType>", r"TOWN\gmsa$", "false", "1"),
        (r"<UserId>TOWN\etl</UserId><LogonType>S4U</LogonType>", "", "false", "2"),
        (r"<UserId>TOWN\etl</UserId><LogonType>InteractiveToken</LogonType>", "", "false", "3"),
        ("<GroupId>S-1-5-32-545</GroupId>", "", "false", "4"),
        ("<UserId>S-1-5-18</UserId>", "", "false", "5"),
        (r"<UserId>etl</UserId><LogonType>InteractiveTokenOrPassword</LogonType>", "etl", "true", "6"),
    ],
)
def test_only_accounts_with_a_stored_password_are_asked(
    tmp_path: Path, principal: str, account: str, asks: str, logon: str
) -> None:
    (row,) = written(tmp_path, wanted(xml=f"<Task><Principals><Principal>{principal}</Principal></Principals></Task>"))
    assert (row["Account"], row["AsksPassword"], row["Logon"]) == (account, asks, logon)


def test_task_that_registering_would_start_is_marked(tmp_path: Path) -> None:
    rows = written(tmp_path, wanted(r"\a", "<Task><Triggers><RegistrationTrigger/></Triggers></Task>"), wanted(r"\b"))
    assert [row["StartsAtOnce"] for row in rows] == ["true", "false"]


def test_long_names_get_short_files(tmp_path: Path) -> None:
    rows = written(tmp_path, *(wanted("\\" + "a" * 200 + f"\\{number}") for number in range(2)))
    assert [row["File"] for row in rows] == [r"long\00001.xml", r"long\00002.xml"]
    assert all((tmp_path / "out" / "long" / f"0000{number}.xml").is_file() for number in (1, 2))


def test_folder_that_is_not_empty_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(SnapshotError, match="is not empty"):
        write_script(tmp_path, [wanted()], title="t")
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write_script(tmp_path / "out", [wanted()], title="t")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out"]


@pytest.mark.skipif(sys.platform == "win32", reason="there such a path is no name for a file")
def test_folder_is_named_as_its_user_wrote_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("taskanalysis.windows.script.long_path", lambda path: Path(f"\\\\?\\{path}"))
    assert write_script(Path("out"), [wanted()], title="t") == Path("out/restore.ps1")
    with pytest.raises(SnapshotError, match=r"^out is not empty"):
        write_script(Path("out"), [wanted()], title="t")


def test_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "write_bytes", Mock(side_effect=OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        write_script(tmp_path / "out", [wanted()], title="t")
    assert list(tmp_path.iterdir()) == []


def test_script_tries_again_where_the_package_does() -> None:
    (logons,) = re.findall(r"^\$withoutPassword = ([0-9, ]+)", SCRIPT, re.MULTILINE)
    (codes,) = re.findall(r"^\$accountRefused = ([-0-9, ]+)", SCRIPT, re.MULTILINE)
    assert {int(number) for number in logons.split(",")} == {
        scheduler.LOGON_TYPES[word] for word in scheduler.WITHOUT_PASSWORD
    }
    assert {int(number) % 2**32 for number in codes.split(",")} == scheduler.ACCOUNT_REFUSED
