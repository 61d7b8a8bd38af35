r"""The parts of `probe.py` about the machine: its files, accounts, programs, event log and PowerShell.

Each part yields lines, and none of them ends with an error of the system. The folder of the probe is all they change in
Task Scheduler, and temporary folders on the disk.
"""

from __future__ import annotations

import base64
import mmap
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.windows.probe import CREATE, DISABLE, NAMESPACE, ROOT, UPDATE, VALIDATE, Probe, definition, once, run, said

OTHER_OWNER, ENTRIES = "O:SYG:SY", "D:(A;;FA;;;BA)(A;;FA;;;SY)"
WEEKDAYS = ("<DaysOfWeek><Monday/></DaysOfWeek>", "<Months><January/></Months>")
NAMES = ["O'Brien", "\u2019; exit 5; \u2018", "$(exit 5) $x", "`n", "=1+1", "two  words", "-WhatIf", "[ab]*", "\u65e5"]
LOG = "Microsoft-Windows-TaskScheduler/Operational"


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        yield Path(name)


# Files ----------------------------------------------------------------------------------------------------------------


def files(_: Probe) -> Iterator[str]:
    """What is refused of files that are open, and how soon a new file can be renamed."""
    from filelock import FileLock  # noqa: PLC0415

    from taskanalysis.snapshot import long_path  # noqa: PLC0415

    with folder() as place:
        file, other, below = place / "below" / "file", place / "other", place / "below"
        below.mkdir()
        file.write_bytes(b"x")
        other.write_bytes(b"y")
        with file.open("rb"):
            yield f"delete an open file: {said(os.unlink, file)}"
            yield f"rename an open file: {said(os.rename, file, place / 'new')}"
            yield f"replace an open file: {said(os.replace, other, file)}"
            yield f"rename the folder of an open file: {said(os.rename, below, place / 'new')}"
        if file.exists():
            with file.open("rb") as opened:
                memory = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
            yield f"delete a file in memory: {said(os.unlink, file)}"
            memory.close()
        yield f"replace a folder by a file: {said(os.replace, other, below)}"
        deep = long_path(place) / ("x" * 120) / ("y" * 120) / "file"
        yield f"make a path of {len(str(deep))} characters: {said(deep.parent.mkdir, parents=True)}"
        yield f"write and read it: {said(lambda: deep.write_bytes(b'x') and deep.read_bytes())}"
        with FileLock(place / "lock"):
            pass
        yield f"a lock file is there after its release: {(place / 'lock').exists()}"
        waits = sorted(_wait(place, number) for number in range(50))
        yield f"seconds until a new page can be renamed: median {waits[25]:.2f}, longest {waits[-1]:.2f}"


def _wait(place: Path, number: int) -> float:
    """How long the rename of a new file is refused, in seconds, at most 10."""
    new = place / f"{number}.tmp"
    new.write_bytes(b"<html><script>1</script>" * 5_000)
    began = time.monotonic()
    while time.monotonic() - began < 10:
        try:
            new.replace(place / f"{number}.html")
            break
        except PermissionError:
            time.sleep(0.01)
    return time.monotonic() - began


# Accounts and definitions ---------------------------------------------------------------------------------------------


def accounts(probe: Probe) -> Iterator[str]:
    """How accounts may be written, and which access lists can be set."""
    name = probe.user.rpartition("\\")[2]
    for label, account in (("with its domain", probe.user), ("with a dot", f".\\{name}"), ("alone", name)):
        yield f"look up our account {label}: {said(_is_known, account)}"
    for account in ("SYSTEM", r"NT AUTHORITY\SYSTEM", r"NOSUCH\nobody"):
        yield f"look up {account}: {said(_is_known, account)}"
    good = definition()
    for label, sddl in (("another owner", OTHER_OWNER + ENTRIES), ("no owner", ENTRIES)):
        yield f"access list with {label}: {said(probe.put, 'case', good, CREATE, sddl)}"
        said(probe.folder.DeleteTask, "case", 0)
    stored = definition(principal=f"<UserId>{probe.user}</UserId><LogonType>Password</LogonType>")
    for label, xml, name in (
        ("a good definition in a folder that is missing", good, r"nowhere\case"),
        ("a good definition at the root", good, "taskanalysis-validated"),
        ("one that needs a password", stored, "taskanalysis-validated"),
    ):
        yield f"validate {label}: {said(probe.root.RegisterTask, name, xml, VALIDATE, None, None, 0)}"


def _is_known(account: str) -> bool:
    security: Any = import_module("win32security")
    return bool(security.LookupAccountName(None, account))


def defaults(probe: Probe) -> Iterator[str]:
    """How Windows reads what a definition leaves out."""
    days, months = WEEKDAYS
    monthly = f"<ScheduleByMonthDayOfWeek>{days}{months}</ScheduleByMonthDayOfWeek>"
    trigger = f"<CalendarTrigger><StartBoundary>2030-01-01T00:00:00</StartBoundary>{monthly}</CalendarTrigger>"
    with probe.task(definition(trigger)) as task:
        for member in ("ExecutionTimeLimit", "MultipleInstances", "StartWhenAvailable", "Enabled", "Priority"):
            yield f"default of {member}: {said(lambda name=member: getattr(task.Definition.Settings, name))}"
        yield f"default of Weeks: {said(lambda: task.Definition.Triggers.Item(1).WeeksOfMonth)}"
    good = definition(once("2030-01-01T00:00:00"))
    with probe.task(good):
        yield f"replace with TASK_DISABLE: {said(probe.put, 'case', good, UPDATE | DISABLE)}"
        yield f"  enabled then: {said(lambda: probe.folder.GetTask('case').Enabled)}"


def properties(probe: Probe) -> Iterator[str]:
    """Whether each property of each task is a value, and each definition XML."""
    names = ("Path", "Xml", "State", "Enabled", "LastRunTime", "LastTaskResult", "NextRunTime", "NumberOfMissedRuns")
    seen, methods, refused, other = 0, set[str](), set[str](), 0
    for task in _tasks(probe.root):
        seen += 1
        for name in names:
            try:
                value = getattr(task, name)
            except Exception as error:
                refused.add(f"{name} {getattr(error, 'hresult', type(error).__name__)}")
                continue
            if callable(value):
                methods.add(name)
            elif name == "Xml":
                other += not str(value).startswith("<")
    yield f"tasks that were asked: {seen}"
    yield f"properties that were methods: {sorted(methods)}, that were refused: {sorted(refused)}"
    yield f"definitions that do not begin with <: {other}"


def _tasks(place: Any) -> Iterator[Any]:
    tasks, below = place.GetTasks(1), place.GetFolders(0)
    yield from (tasks.Item(number) for number in range(1, tasks.Count + 1))
    for number in range(1, below.Count + 1):
        yield from _tasks(below.Item(number))


# Programs -------------------------------------------------------------------------------------------------------------


def programs(probe: Probe) -> Iterator[str]:
    """How a program is found, where it works, and what its end leaves behind."""
    for label, command, arguments in (
        ("a name without its folder", "where.exe", "cmd"),
        ("a name without an ending", "where", "cmd"),
        ("exit code 1", "cmd.exe", "/c exit 1"),
        ("exit code 0xC0000005", "cmd.exe", "/c exit -1073741819"),
        ("a program that is missing", "taskanalysis-no-such.exe", ""),
    ):
        yield f"result of {label}: {_result(probe, command, arguments)}"
    with folder() as place:
        _result(probe, "cmd.exe", f'/c cd > "{place / "cd.txt"}"')
        found = place / "cd.txt"
        yield f"a task without a folder to start in works in: {said(lambda: found.read_text('mbcs').strip())}"
    with probe.task(_runs("ping.exe", "-n 60 127.0.0.1")) as task:
        said(lambda: task.Run(None))
        time.sleep(3)
        yield f"while it runs: {said(lambda: (task.LastTaskResult, task.State))}"
        said(lambda: task.Stop(0))
        time.sleep(3)
        yield f"after it was ended: {said(lambda: (task.LastTaskResult, task.State))}"


def _runs(command: str, arguments: str) -> str:
    plain = "<Exec><Command>cmd.exe</Command><Arguments>/c exit 0</Arguments></Exec>"
    arguments = arguments.replace("&", "&amp;").replace(">", "&gt;")
    text = definition(principal="<UserId>S-1-5-18</UserId>")
    assert NAMESPACE in text
    return text.replace(plain, f"<Exec><Command>{command}</Command><Arguments>{arguments}</Arguments></Exec>")


def _result(probe: Probe, command: str, arguments: str) -> str:
    with probe.task(_runs(command, arguments)) as task:
        if not task:
            return probe.refused
        started = said(lambda: task.Run(None) and "started")
        time.sleep(5)
        return f"{started}, then {said(lambda: (task.LastTaskResult, task.State))}"


def event_log(_: Probe) -> Iterator[str]:
    """Whether the log is on, and where wevtutil can write it."""
    yield f"log is on: {run('wevtutil', 'get-log', LOG)}"
    with folder() as place:
        for label, target in (("a local folder", str(place)), ("a share", _as_share(place))):
            file = rf"{target}\{label.replace(' ', '-')}.evtx"
            yield f"export into {label}: {run('wevtutil', 'export-log', LOG, file, '/query:*[System[EventID=201]]')}"


def _as_share(place: Path) -> str:
    drive, rest = os.path.splitdrive(place)
    return rf"\\localhost\{drive.rstrip(':') or 'C'}$" + rest


def powershell(_: Probe) -> Iterator[str]:
    """Whether PowerShell reads what is written for it: the script, and the lines to copy."""
    from taskanalysis.report.commands import powershell as quoted  # noqa: PLC0415

    yield f"version: {_shell('[string]$PSVersionTable.PSVersion')}"
    yield f"policies: {_shell('[string](Get-ExecutionPolicy -List | ForEach-Object { $_.ExecutionPolicy })')}"
    script = ROOT / "taskanalysis" / "windows" / "restore.ps1"
    parse = f"$null = [Management.Automation.Language.Parser]::ParseFile({quoted(str(script))}, [ref]$null, [ref]$e)"
    yield f"errors in restore.ps1: {_shell(f'$e = $null; {parse}; [string]@($e).Count')}"
    for name in NAMES:
        line = f"[string](({quoted(name)}.ToCharArray() | ForEach-Object {{ [int]$_ }}) -join ',')"
        answer, expected = _shell(line), ",".join(str(ord(letter)) for letter in name)
        yield f"quoted name {name!r}: {'as it is' if repr(expected) in answer else answer}"


def _shell(line: str) -> str:
    encoded = base64.b64encode(line.encode("utf-16-le")).decode()
    return run("powershell", "-NoProfile", "-NonInteractive", "-EncodedCommand", encoded)


def suite(_: Probe) -> Iterator[str]:
    """The tests against the real service, of which nothing but their own task folder is seen."""
    words = ("-m", "pytest", "-m", "windows", "-q", "-rs", "--tb=line", "-p", "no:cacheprovider")
    yield f"pytest -m windows: {run(sys.executable, *words, seconds=1_800)}"


PARTS = (files, accounts, defaults, properties, programs, event_log, powershell, suite)
