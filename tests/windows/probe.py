r"""Print what only a Windows machine knows of Task Scheduler, to be sent back to this project.

    python tests/windows/probe.py > probe.txt
    python tests/windows/probe.py --with-account > probe.txt

Needs Windows, pywin32 and this checkout; run it as administrator. It makes the task folder \taskanalysis-probe, puts
tasks there that start `cmd.exe`, `where.exe`, `ping.exe` or nothing, reads what Windows says of them, and deletes them
again; the tests marked `windows` are a part of it, where pytest is installed. With --with-account it also makes a local
account for a minute, to see what a refused logon leaves behind, and deletes it. Names of accounts and of the machine
are replaced in what it prints; read it before you send it. It takes some minutes. docs/windows.md says which line
settles what.

Off Windows it prints this text and does nothing.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import platform
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

ROOT = Path(__file__).parents[2]
SCHEDULES = ROOT / "tests" / "files" / "schedules"
FOLDER = "taskanalysis-probe"
NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
VALIDATE, CREATE, UPDATE, DISABLE, IGNORE_REGISTRATION = 1, 2, 4, 8, 32
PASSWORD, S4U, INTERACTIVE, GROUP, SERVICE = 1, 2, 3, 4, 5
MOST_RUNS = 40


def definition(triggers: str = "", *, principal: str = "") -> str:
    """A definition that does nothing when it runs."""
    who = f'<Principals><Principal id="Author">{principal}</Principal></Principals>' if principal else ""
    context = ' Context="Author"' if who else ""
    return (
        f'<?xml version="1.0" encoding="UTF-16"?><Task version="1.2" xmlns="{NAMESPACE}">'
        f"<Triggers>{triggers}</Triggers>"
        f"{who}<Settings><DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries></Settings>"
        f"<Actions{context}>"
        "<Exec><Command>cmd.exe</Command><Arguments>/c exit 0</Arguments></Exec></Actions></Task>"
    )


def once(boundary: str) -> str:
    return f"<TimeTrigger><StartBoundary>{boundary}</StartBoundary></TimeTrigger>"


def daily(boundary: str) -> str:
    days = "<ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay>"
    return f"<CalendarTrigger><StartBoundary>{boundary}</StartBoundary>{days}</CalendarTrigger>"


def said(question: Callable[..., object], *words: object, **more: object) -> str:
    """What a call returns, or the error that it gives."""
    try:
        return repr(question(*words, **more))
    except Exception as error:
        info = getattr(error, "excepinfo", None) or ()
        code = info[5] if len(info) > 5 and info[5] else getattr(error, "hresult", None)
        more = f" {info[2]!r}" if len(info) > 2 and info[2] else ""
        return f"error 0x{code % 2**32:08X}{more}" if code is not None else f"{type(error).__name__}: {error}"


def run(*words: str, seconds: float = 60) -> str:
    """The exit code of a program and the last of what it printed; what its error is where it did not run."""
    try:
        ended = subprocess.run(
            words, capture_output=True, stdin=subprocess.DEVNULL, timeout=seconds, cwd=ROOT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return type(error).__name__
    printed = (ended.stdout or ended.stderr or b"").decode("utf-8", "replace").strip()
    return f"exit code {ended.returncode} {printed[-400:]!r}"


# What runs when -------------------------------------------------------------------------------------------------------


SystemTime = ctypes.c_uint16 * 8
"""SYSTEMTIME of minwinbase.h: year, month, day of the week, day, hour, minute, second, milliseconds of a clock."""


def system_time(moment: datetime) -> ctypes.Array[ctypes.c_uint16]:
    return SystemTime(moment.year, moment.month, 0, moment.day, moment.hour, moment.minute, moment.second)


def wall_clock(fields: Iterable[int]) -> str:
    year, month, _, day, *clock, _ = fields
    return datetime(year, month, day, *clock).isoformat()


def run_times(task: Any, start: datetime, end: datetime) -> list[str]:
    """IRegisteredTask::GetRunTimes, which scripts can't call: by its place, the 25th, in the table of taskschd.h."""
    found = re.search(r"obj at 0x([0-9A-Fa-f]+)", repr(task._oleobj_))
    if not found:
        raise RuntimeError(f"no address in {task._oleobj_!r}")
    this, raw = int(found[1], 16), ctypes.c_void_p()
    iid = (ctypes.c_char * 16)(*UUID("9c86f320-dee3-4dd1-b972-a303f26b061e").bytes_le)
    functype = ctypes.WINFUNCTYPE  # type: ignore[attr-defined,unused-ignore]

    def method(pointer: int, place: int, *kinds: Any) -> Any:
        table = ctypes.cast(pointer, ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p))).contents
        return functype(ctypes.c_long, ctypes.c_void_p, *kinds)(table[place])

    result = method(this, 0, ctypes.c_void_p, ctypes.c_void_p)(this, iid, ctypes.byref(raw))
    if result or not raw.value:
        raise RuntimeError(f"QueryInterface gave 0x{result % 2**32:08X}")
    number, times = ctypes.c_uint32(MOST_RUNS), ctypes.POINTER(SystemTime)()
    first, last = system_time(start), system_time(end)
    result = method(raw.value, 24, *4 * [ctypes.c_void_p])(
        raw.value, ctypes.byref(first), ctypes.byref(last), ctypes.byref(number), ctypes.byref(times)
    )
    runs = [wall_clock(times[place]) for place in range(number.value)] if times else []
    method(raw.value, 2)(raw.value)  # Release
    return runs if result in (0, 1) else [f"0x{result % 2**32:08X}", *runs]


def runs_of(start: datetime, end: datetime) -> Callable[[Any], object]:
    return lambda task: run_times(task, start, end)


def next_run(task: Any) -> object:
    return task.NextRunTime


def changes(zone: ZoneInfo, year: int) -> list[datetime]:
    """The days of a year on which the clocks change, as wall-clock midnights."""
    days = (datetime(year, 1, 1) + timedelta(days=number) for number in range(366))
    return [
        day
        for day in days
        if (day + timedelta(1)).replace(tzinfo=zone).utcoffset() != day.replace(tzinfo=zone).utcoffset()
    ]


def schedules(probe: Probe) -> Iterator[str]:
    """Each sample: what Windows gives, and what this project gives, in the machine's zone."""
    from taskanalysis.definition.reader import read_task  # noqa: PLC0415
    from taskanalysis.schedule.slots import expected_runs  # noqa: PLC0415

    for file in sorted(SCHEDULES.glob("*.xml")):
        text = file.read_text(encoding="utf-8")
        begins = re.search(r"^From: (\S+)", text, re.MULTILINE)
        start = datetime.fromisoformat(begins[1] if begins else "2026-01-01").replace(tzinfo=None)
        end = start + timedelta(days=40)
        xml = re.sub(r"<Command>.*?</Command>", "<Command>cmd.exe</Command><Arguments>/c exit 0</Arguments>", text)
        windows, following = (probe.ask(xml, question) for question in (runs_of(start, end), next_run))
        aware = [moment.replace(tzinfo=probe.zone) for moment in (start, end)]
        ours = [f"{run:%Y-%m-%dT%H:%M:%S}" for run in expected_runs(read_task(file), *aware, tz=probe.zone)][:MOST_RUNS]
        yield f"{file.name}: {'same' if windows == repr(ours) else 'DIFFERENT'}"
        yield f"  windows {windows}, next {following}"
        if windows != repr(ours):
            yield f"  ours    {ours!r}"


def dates(probe: Probe) -> Iterator[str]:
    """How COM tells times on the other side of a change of the clocks."""
    year = datetime.now(probe.zone).year + 1
    yield f"changes in {year}: {[f'{day:%Y-%m-%d}' for day in changes(probe.zone, year)]}"
    boundaries = [f"{year}-01-15T12:00:00", f"{year}-07-15T12:00:00"]
    boundaries += [f"{boundary}{offset}" for boundary in boundaries for offset in ("Z", "-05:00", "+02:00")]
    for day in changes(probe.zone, year):
        boundaries += [f"{day:%Y-%m-%d}T{hour:02}:{minute:02}:00" for hour in range(4) for minute in (0, 30)]
    for boundary in boundaries:
        yield f"once at {boundary}: next {probe.ask(definition(once(boundary)), next_run)}"
    for day in changes(probe.zone, year):
        question = runs_of(day - timedelta(1), day + timedelta(2))
        for clock in ("01:30:00", "02:00:00", "02:30:00", "03:00:00"):
            runs = probe.ask(definition(daily(f"{year}-01-01T{clock}")), question)
            yield f"daily at {clock} around {day:%Y-%m-%d}: {runs}"


# What Windows refuses -------------------------------------------------------------------------------------------------


def errors(probe: Probe) -> Iterator[str]:
    """What RegisterTask says of what is not right."""
    good, half_a_minute = definition(), "<Repetition><Interval>PT30S</Interval></Repetition>"
    texts = {
        "good": good,
        "no declaration": good.partition("?>")[2],
        "declared UTF-8": good.replace("UTF-16", "UTF-8"),
        "not well-formed": good[:-3],
        "no namespace": good.replace(f' xmlns="{NAMESPACE}"', ""),
        "another namespace": good.replace(NAMESPACE, "urn:x"),
        "another root": good.replace("<Task ", "<Tusk ").replace("</Task>", "</Tusk>"),
        "no version": good.replace(' version="1.2"', ""),
        "version 1.6": good.replace("1.2", "1.6"),
        "version 1.9": good.replace("1.2", "1.9"),
        "version 2.0": good.replace("1.2", "2.0"),
        "no action": re.sub("<Actions.*</Actions>", "", good),
        "empty actions": re.sub("<Exec>.*</Exec>", "", good),
        "empty command": good.replace("cmd.exe", ""),
        "two triggers elements": good.replace("<Triggers></Triggers>", "<Triggers/><Triggers/>"),
        "33 actions": good.replace("</Actions>", 32 * "<Exec><Command>cmd.exe</Command></Exec>" + "</Actions>"),
        "49 triggers": definition(49 * once("2030-01-01T00:00:00")),
        "unknown element": good.replace("<Settings>", "<Settings><Unheard>1</Unheard>"),
        "bad date": definition(once("2030-13-01T00:00:00")),
        "interval of 30 seconds": definition(once("2030-01-01T00:00:00").replace("</T", f"{half_a_minute}</T")),
        "settings last": re.sub("(<Settings>.*</Settings>)(.*)(</Task>)", r"\2\1\3", good),
        "unknown account": definition(principal=r"<UserId>NOSUCH\nobody</UserId><LogonType>S4U</LogonType>"),
        "unknown SID": definition(principal="<UserId>S-1-5-21-1-2-3-1001</UserId><LogonType>S4U</LogonType>"),
        "password without password": definition(
            principal=f"<UserId>{probe.user}</UserId><LogonType>Password</LogonType>"
        ),
        "SYSTEM": definition(principal="<UserId>S-1-5-18</UserId>"),
        "SYSTEM by name, Password": definition(principal="<UserId>SYSTEM</UserId><LogonType>Password</LogonType>"),
        "Users group": definition(principal="<GroupId>S-1-5-32-545</GroupId>"),
        "URI of another path": good.replace(
            "<Triggers>", r"<RegistrationInfo><URI>\Else\Where</URI></RegistrationInfo><Triggers>", 1
        ),
    }
    for label, xml in texts.items():
        yield f"{label}: validate {said(probe.put, 'case', xml, VALIDATE)}"
        back = probe.ask(xml, lambda task: task.Xml)
        yield f"  register {probe.refused or 'OK, reads back ' + ('the same text' if back == repr(xml) else back)}"
    names = ["a?b", "a/b", "a:b", "a.", " a", "a ", "..", "x" * 220, "x" * 250, "\u2019\u202e", r"no\such\folder\x"]
    for name in names:
        yield f"name {name[:20]!r} of {len(name)}: {said(probe.put, name, good, CREATE)}"
        yield f"  deleted: {said(probe.folder.DeleteTask, name, 0)}"
    with probe.task(good):
        yield f"there already, create: {said(probe.put, 'case', good, CREATE)}"
        yield f"there already, update: {said(probe.put, 'case', good, UPDATE)}"
    yield f"not there, update: {said(probe.put, 'other', good, UPDATE)}"
    yield f"bad SDDL: {said(probe.put, 'case', good, CREATE, 'nonsense')}"
    with probe.task(good, CREATE | DISABLE) as task:
        yield f"TASK_DISABLE: enabled, in XML {said(lambda: (task.Enabled, '<Enabled>false' in task.Xml))}"
    for flags, label in ((0, "without the flag"), (IGNORE_REGISTRATION, "TASK_IGNORE_REGISTRATION_TRIGGERS")):
        with probe.task(definition("<RegistrationTrigger/>"), CREATE | flags) as task:
            time.sleep(5)
            yield f"registration trigger, {label}: last run {said(getattr, task, 'LastRunTime')}"
    with probe.task(good) as task:
        again = said(probe.put, "case", task.Xml, UPDATE, logon=INTERACTIVE)
        same = probe.folder.GetTask("case").Xml == task.Xml
        yield f"its own export registered again: {again}, reads back the same: {same}"
    own = f"<UserId>{probe.user}</UserId><LogonType>S4U</LogonType>"
    for logon, who in ((SERVICE, "<UserId>S-1-5-18</UserId>"), (GROUP, "<GroupId>S-1-5-32-545</GroupId>"), (S4U, own)):
        answer = said(probe.put, "case", definition(principal=who), CREATE, logon=logon)
        yield f"logon type {logon} with an account that only the definition names: {answer}"
        said(probe.folder.DeleteTask, "case", 0)
    with probe.task(good) as task:
        yield f"SDDL as registered: {said(task.GetSecurityDescriptor, 7)}"
        yield f"never ran: {said(lambda: (task.LastRunTime, task.LastTaskResult, task.NextRunTime))}"
        said(task.Run, None)
        time.sleep(5)
        yield f"ran once: {said(lambda: (task.LastRunTime, task.LastTaskResult, task.State))}"


def refused_logon(probe: Probe) -> Iterator[str]:
    """What a password that was changed leaves in LastRunTime and LastTaskResult."""
    name, first, second = "taprobe", secrets.token_urlsafe(12) + "aA1!", secrets.token_urlsafe(12) + "bB2!"

    yield f"account made: {run('net', 'user', name, first, '/add', '/y')}"  # it asks about a long password
    try:
        # only some groups may log on as a batch job; 551 is Backup Operators in every language
        group = f"Add-LocalGroupMember -SID S-1-5-32-551 -Member {name}"
        yield f"batch right: {run('powershell', '-NoProfile', '-Command', group)}"
        account = f"{platform.node()}\\{name}"
        xml = definition(principal=f"<UserId>{account}</UserId><LogonType>Password</LogonType>")
        put = {"user": account, "logon": PASSWORD}
        s4u, by_name = xml.replace("Password", "S4U"), {"user": account}
        for label, more in (("nothing", {}), ("its name", by_name), ("its password", by_name | {"password": first})):
            answer = said(probe.put, "case", s4u, CREATE, logon=S4U, **more)
            yield f"S4U as another account, handed over with {label}: {answer}"
            said(probe.folder.DeleteTask, "case", 0)
        yield f"wrong password: {said(probe.put, 'case', xml, CREATE, password='wrong', **put)}"
        yield f"right password: {said(probe.put, 'case', xml, CREATE, password=first, **put)}"
        task = probe.folder.GetTask("case")
        yield f"user id reads back as a SID: {'S-1-5-21-' in task.Xml}"
        for label, change in (("right", ""), ("changed", second)):
            if change:
                yield f"password changed: {run('net', 'user', name, change, '/y')}"
            yield f"run with {label} password: {said(lambda task=task: task.Run(None) and 'started')}"
            time.sleep(10)
            task = probe.folder.GetTask("case")
            yield f"  then: {said(lambda task=task: (task.LastRunTime, task.LastTaskResult, task.State))}"
    finally:
        said(probe.folder.DeleteTask, "case", 0)
        yield f"account deleted: {run('net', 'user', name, '/delete')}"


# The probe ------------------------------------------------------------------------------------------------------------


class Probe:
    """The folder of the probe, its zone and its account."""

    def __init__(self, service: Any, zone: ZoneInfo) -> None:
        self.zone, self.refused = zone, ""
        self.user = f"{os.environ.get('USERDOMAIN', '')}\\{os.environ.get('USERNAME', '')}"
        self.root = service.GetFolder("\\")
        try:
            self.folder = service.GetFolder(f"\\{FOLDER}")
        except Exception:
            self.folder = self.root.CreateFolder(FOLDER)

    def put(
        self, name: str, xml: str, flags: int, *more: str, user: Any = None, password: Any = None, logon: int = 0
    ) -> Any:
        """RegisterTask; `more` is an access list."""
        return self.folder.RegisterTask(name, xml, flags, user, password, logon, *more) and "OK"

    def ask(self, xml: str, question: Callable[[Any], object]) -> str:
        """The answer to a question about a task that is registered for a moment, or how Windows refuses it."""
        with self.task(xml) as task:
            return said(question, task) if task else self.refused

    @contextmanager
    def task(self, xml: str, flags: int = CREATE) -> Iterator[Any]:
        """A registered task for a moment; None, with `refused` set, where Windows does not take it."""
        xml = xml.partition("-->")[2].strip() if xml.startswith("<!--") else xml
        self.refused = ""
        logon = 0 if "<UserId>" in xml or "<GroupId>" in xml else INTERACTIVE
        answer = said(self.put, "case", xml, flags, logon=logon)
        if answer.startswith("'OK'"):
            yield self.folder.GetTask("case")
        else:
            self.refused = answer
            yield None
        with suppress(Exception):
            self.folder.DeleteTask("case", 0)

    def clear(self, folder: Any = None) -> None:
        """Delete the folder and all in it."""
        folder = folder or self.folder
        with suppress(Exception):
            below, tasks = folder.GetFolders(0), folder.GetTasks(1)
            for each in [below.Item(number) for number in range(1, below.Count + 1)]:
                self.clear(each)
            for name in [tasks.Item(number).Name for number in range(1, tasks.Count + 1)]:
                folder.DeleteTask(name, 0)
        said(lambda: self.root.DeleteFolder(folder.Path.strip("\\"), 0))


def main() -> None:
    """Print it all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--with-account", action="store_true", help="make a local account for a minute")
    options = parser.parse_args()
    if sys.platform != "win32":
        print(__doc__)
        return
    sys.path.insert(0, str(ROOT))
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    service = import_module("win32com.client").Dispatch("Schedule.Service")
    service.Connect()
    machine = import_module("taskanalysis.windows.machine")
    probe = Probe(service, ZoneInfo(machine.local_zone()))
    hidden = [word for word in {platform.node(), *probe.user.split("\\")} if word]

    def tell(line: str) -> None:
        for word in sorted(hidden, key=len, reverse=True):
            line = re.sub(re.escape(word), "<hidden>", line, flags=re.IGNORECASE)
        print(re.sub(r"S-1-5-21(-[0-9]+)+", "<hidden SID>", line), flush=True)

    tell(f"{machine.windows_name()}, Python {platform.python_version()}, zone {probe.zone}")
    tell(f"administrator: {said(machine.is_elevated)}")
    parts = [schedules, dates, errors, *import_module("tests.windows.probe_machine").PARTS]
    parts += [refused_logon] if options.with_account else []
    try:
        for part in parts:
            tell(f"\n== {part.__name__}: {part.__doc__}")
            try:
                for line in part(probe):
                    tell(line)
            except Exception as error:
                tell(f"this part ended: {type(error).__name__}: {error}")
    finally:
        probe.clear()


if __name__ == "__main__":
    main()
