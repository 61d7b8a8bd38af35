r"""A task folder of its own, in Windows' Task Scheduler or in the stand-in, for tests that put tasks there.

Of the server nothing but that folder is seen, and what a test asks of any other place is an AssertionError before the
service hears of it. The folder is removed before and after. The stand-in also plays `schtasks` and `restore.ps1`, so
that the tests of both have run, if not the programs, where there is no Windows.
"""

import hashlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import pytest

from taskanalysis.windows import machine
from taskanalysis.windows.scheduler import ComScheduler, Scheduler, SchedulerError, connect
from tests.doubles.scheduler import FakeScheduler

FOLDER = r"\taskanalysis-restore-test"
PASSWORD = "secret"
"""What is typed where the script asks for a password."""
LOGON_WORDS = {
    0: "",
    1: "Password",
    2: "S4U",
    3: "InteractiveToken",
    4: "Group",
    5: "ServiceAccount",
    6: "InteractiveTokenOrPassword",
}
"""The values of TASK_LOGON_TYPE (taskschd.h)."""
SOMEBODY = "S-1-5-21-1-2-3-1001"
STAND_INS = ["stand-in", "stand-in that writes URIs"]
WINDOWS = pytest.param(
    "windows",
    marks=[pytest.mark.windows, pytest.mark.skipif(sys.platform != "win32", reason="needs Task Scheduler itself")],
)
_NO_PATH = {
    *("account_exists", "path_exists", "is_elevated", "windows_version", "zone"),
    *("environment", "file", "tail", "newest_file"),
}


def lies_inside(path: str) -> bool:
    r"""Whether a task or a folder is ours. Nothing may climb out: ``\taskanalysis-restore-test\..\Other`` is not."""
    parts = path.casefold().split("\\")
    return parts[:2] == FOLDER.casefold().split("\\") and ".." not in parts


class Confined:
    """`Scheduler`, of which only the folder is there."""

    def __init__(self, whole: Scheduler) -> None:
        self._whole = whole

    def folders(self, folder: str) -> list[str]:
        if folder == "\\":
            return [each for each in self._whole.folders("\\") if lies_inside(each)]
        assert lies_inside(folder), f"{folder} is not ours"
        return self._whole.folders(folder)

    def tasks(self, folder: str) -> list[str | SchedulerError]:
        assert folder == "\\" or lies_inside(folder), f"{folder} is not ours"
        return [] if folder == "\\" else self._whole.tasks(folder)

    def __getattr__(self, member: str) -> Any:
        asked = getattr(self._whole, member)
        if member in _NO_PATH:
            return asked

        def confined(path: str, *more: Any, **known: Any) -> Any:
            assert lies_inside(path), f"{member} of {path}, which is not ours"
            return asked(path, *more, **known)

        return confined


@dataclass(frozen=True)
class Server:
    """A server that a test may change: `scheduler` is the folder of it, `account` the SID of who registers."""

    whole: FakeScheduler | ComScheduler
    account: str

    @property
    def scheduler(self) -> Scheduler:
        return cast(Scheduler, Confined(self.whole))

    def paths(self, folder: str = "\\") -> set[str]:
        """The paths of all tasks."""
        listed = self.scheduler.tasks(folder)
        below = [self.paths(each) for each in self.scheduler.folders(folder)]
        return {each if isinstance(each, str) else str(each) for each in listed}.union(*below)

    def empty(self) -> None:
        """Remove the folder with all in it, where it is there."""
        for folder in self.scheduler.folders("\\"):
            self._remove(folder)

    def _remove(self, folder: str) -> None:
        for below in self.scheduler.folders(folder):
            self._remove(below)
        for path in self.scheduler.tasks(folder):
            assert isinstance(path, str), path
            assert lies_inside(path)
            if isinstance(self.whole, FakeScheduler):
                del self.whole.store[path]
            else:
                self.whole._service.GetFolder(folder).DeleteTask(path.rpartition("\\")[2], 0)
        assert lies_inside(folder)
        if isinstance(self.whole, FakeScheduler):
            self.whole.made.discard(folder)
        else:
            self.whole._service.GetFolder("\\").DeleteFolder(folder.strip("\\"), 0)

    def shell(self, line: str, folder: Path) -> tuple[int, str]:
        """Run a line in cmd, in a folder; its exit code and what it printed."""
        if isinstance(self.whole, FakeScheduler):
            return _played(self.whole, [word.strip('"') for word in shlex.split(line, posix=False)], folder)
        # a PowerShell 7 above us would give its modules to Windows PowerShell, which can't load them
        inherited = {name: value for name, value in os.environ.items() if name.upper() != "PSMODULEPATH"}
        done = subprocess.run(
            line,
            shell=True,
            cwd=folder,
            env=inherited,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
            check=False,
        )
        return done.returncode, done.stdout.decode("utf-8", "replace")


@contextmanager
def server(kind: str) -> Iterator[Server]:
    """A server of a kind, `WINDOWS` or one of `STAND_INS`, whose folder is not there, before and after."""
    if kind in STAND_INS:
        stand_in = FakeScheduler(accounts={SOMEBODY: PASSWORD}, sets_uri=kind == STAND_INS[1])
        found = Server(stand_in, SOMEBODY)
        stand_in.add(r"\OpenData\Not ours")
    else:
        assert machine.is_elevated(), "the tests of the real Task Scheduler must be run as administrator"
        found = Server(connect(), own_sid())
    found.empty()
    try:
        yield found
    finally:
        found.empty()


def own_sid() -> str:
    """The SID of the account that runs this; only on Windows."""
    security: Any = import_module("win32security")
    token = security.OpenProcessToken(import_module("win32api").GetCurrentProcess(), 8)  # TOKEN_QUERY
    return str(security.ConvertSidToStringSid(security.GetTokenInformation(token, security.TokenUser)[0]))


# What the programs do, as they are documented and written -------------------------------------------------------------


def _played(fake: FakeScheduler, words: list[str], folder: Path) -> tuple[int, str]:
    try:
        if words[0] == "schtasks":
            return 0, _schtasks(fake, words[1:], folder)
        assert words[0] == "powershell"
        if "-Command" in words:
            return 0, _register_scheduled_task(fake, words[-1], folder)
        assert "restore.ps1" in words
        return _restore_ps1(fake, folder, what_if="-WhatIf" in words), ""
    except SchedulerError as error:
        return 1, f"ERROR: {error}"


def _schtasks(fake: FakeScheduler, words: list[str], folder: Path) -> str:
    """/create and /query: /tn makes its folders, /xml takes a file as Windows exports it, /f replaces."""
    path = words[words.index("/tn") + 1]
    if words[0] == "/query":
        return fake.xml(path)
    file = folder / words[words.index("/xml") + 1].replace("\\", os.sep)
    data = file.read_bytes()
    assert data.startswith(b"\xff\xfe")
    assert words[0] == "/create"
    assert set(words) <= {"/create", "/tn", path, "/xml", words[words.index("/xml") + 1], "/f"}
    fake.create_folder(path.rpartition("\\")[0])
    fake.register(path, data.decode("utf-16"), replace="/f" in words, fires=True)
    return "SUCCESS"


def _register_scheduled_task(fake: FakeScheduler, line: str, folder: Path) -> str:
    """With -Xml, as the README has it: the folder is made, and nothing is replaced without -Force."""
    found = re.fullmatch(
        r"Register-ScheduledTask -TaskPath (\S+)\\ -TaskName '([^']+)' -Xml \(Get-Content -Raw (\S+)\)", line
    )
    assert found, line
    fake.create_folder(found[1])
    fake.register(f"{found[1]}\\{found[2]}", (folder / found[3]).read_bytes().decode("utf-16"))
    return "Ready"


CELL = re.compile(r'"((?:[^"]|"")*)"(,|\r\n)')


def script_data(folder: Path) -> tuple[str, list[dict[str, str]]]:
    """Title and rows beside a `restore.ps1`, as Import-Csv reads them; ValueError where `tasks.csv` was changed.

    All cells are quoted, in which Import-Csv keeps everything and reads two quotation marks as one.
    """
    title, sha256 = (folder / "about.txt").read_bytes().decode("utf-8-sig").split("\r\n")[:2]
    content = (folder / "tasks.csv").read_bytes()
    if hashlib.sha256(content).hexdigest().upper() != sha256:
        raise ValueError("tasks.csv was changed")
    assert content.startswith(b"\xef\xbb\xbf")  # else Excel reads it in the code page of the machine
    text, lines = content.decode("utf-8-sig"), list[list[str]]([[]])
    cells = list(CELL.finditer(text))
    assert "".join(cell[0] for cell in cells) == text
    for cell in cells:
        lines[-1].append(cell[1].replace('""', '"'))
        if cell[2] != ",":
            lines.append([])
    return title, [dict(zip(lines[0], line, strict=True)) for line in lines[1:-1]]


def _restore_ps1(fake: FakeScheduler, folder: Path, *, what_if: bool) -> int:
    """What the script does with its rows."""
    try:
        _, rows = script_data(folder)
    except ValueError:
        return 2
    contents = [(folder / row["File"].replace("\\", os.sep)).read_bytes() for row in rows]
    if [hashlib.sha256(content).hexdigest().upper() for content in contents] != [row["Sha256"] for row in rows]:
        return 2
    for row, content in zip(rows, contents, strict=True):
        path, xml = row["Folder"].rstrip("\\") + "\\" + row["Name"], content.decode("utf-16")
        existing = fake.store.get(path)
        if what_if or (existing and existing.xml == xml):
            continue
        if existing:
            replaced = folder / "replaced" / "20261123T110200Z" / row["File"].replace("\\", os.sep)
            replaced.parent.mkdir(parents=True, exist_ok=True)
            replaced.write_bytes(existing.xml.encode("utf-16"))
        if row["Folder"] not in fake.made:
            fake.create_folder(row["Folder"])
        fake.register(
            path,
            xml,
            account=row["Account"],
            password=PASSWORD if row["AsksPassword"] == "true" else None,
            logon_type=LOGON_WORDS[int(row["Logon"])],
            sddl=row["Sddl"],
            replace=True,
            fires=row["StartsAtOnce"] != "true",
        )
    return 0
