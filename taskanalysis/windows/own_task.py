r"""Write the XML of the task that runs `collect`, `report` and `notify` every day.

Authority: [MS-TSCH] 2.5 for names and order of elements, the page of CommandLineToArgvW for quotation marks. The
settings follow what `findings` advises: a full path, a time limit, local time, no user who must be logged on, a stored
password only where nothing else works. Not yet imported on Windows.

>>> from taskanalysis.definition import describe, read_task
>>> xml = own_task(r"C:\ta\taskanalysis.exe", data=r"D:\tasks", start=datetime(2026, 11, 24, 5, 45), owner="Ada")
>>> describe(read_task(xml)), read_task(xml).actions[0].arguments
('At 05:45 every day', 'collect --data D:\\tasks --log D:\\tasks\\taskanalysis.log')
"""

from __future__ import annotations

import ntpath
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path, PureWindowsPath
from typing import Any

from lxml import etree

from taskanalysis import __version__
from taskanalysis.definition import NAMESPACE, Principal
from taskanalysis.errors import TaskAnalysisError
from taskanalysis.snapshot import check_apart
from taskanalysis.text import clip, program_name
from taskanalysis.windows.restorable import DECLARATION, encoded

OWN_FOLDER = r"\taskanalysis"
_PREFIXES: dict[Any, str] = {None: NAMESPACE}
PROFILES = PureWindowsPath(r"C:\Users")
LONGEST_PATH = 260  # pathType of the schema
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")  # not allowed in XML, or not in one line
_NAME = r'[^\\:*?"<>|]'
_FULL = re.compile(rf"(?:[A-Za-z]:(?=\\)|\\\\(?!\.){_NAME}+\\{_NAME}+)(?:\\{_NAME}*)*")
_FOLDER = re.compile(rf"\\(?:{_NAME}|\\)*")
_REPLACED = re.compile(r"%[^%]+%|\$\(")  # variables, and what IRegisteredTask::Run fills in


def own_task(
    program: str,
    *,
    data: str,
    start: datetime,
    owner: str,
    reports: str = "",
    user: str = "",
    folders: Sequence[str] = (),
    eventlog: bool = False,
    status_every: int = 0,
    notify_file: str = "",
    log_file: str = "",
) -> bytes:
    r"""The definition, UTF-16LE with byte order mark, of a task that collects and reports every day.

    `program` is ``taskanalysis.exe`` or ``python.exe``; it, `data`, `reports` ("": only collect), `notify_file` (of
    targets; "": no messages) and `log_file` ("": in `data`) are full Windows paths. `start` is the first start, naive:
    wall-clock time of the server. `user` is a managed account (``name$``), another account, or "" for SYSTEM; `owner`
    the contact. A single folder limits reports and messages too. With `status_every` (minutes) the task only collects
    statuses, and starts half that time after `start`, so that the two tasks do not meet. TaskAnalysisError where
    Windows would refuse the task, or the account could not run it.

    >>> own_task(r"C:\ta\taskanalysis.exe", data=r"D:\%A%", start=datetime(2026, 11, 24, 5, 45), owner="Ada")
    Traceback (most recent call last):
    taskanalysis.errors.TaskAnalysisError: --data holds %A%, which Task Scheduler would replace: write it out
    """
    program, data = _full("program", program), _full("data", data)
    reports = _full("reports", reports) if reports else ""
    notify_file = _full("notify-file", notify_file) if notify_file else ""
    log = _full("log", log_file or str(PureWindowsPath(data) / "taskanalysis.log"))
    if reports:
        check_apart(_plain(data), _plain(reports))
    folders = [_task_folder(folder) for folder in folders]
    owner, user = _line("owner", owner), _line("user", user or "SYSTEM")
    network = next((path for path in (data, reports, program, notify_file, log) if path.startswith("\\\\")), "")
    who = _principal(user, network)

    if status_every:
        name, begin = "Collect status", start + timedelta(minutes=status_every // 2)
        lines = [["collect", "--data", data, "--status-only"]]
        what = f"Writes the status of this server's scheduled tasks to {data} every {status_every} minutes."
    else:
        name, begin = "Collect and report" if reports else "Collect", start
        lines = _daily(data, reports, folders, notify_file, eventlog=eventlog)
        what = f"Backs up the scheduled tasks of this server to {data} every day."
        what += f" Writes reports to {reports}." if reports else ""
        what += f" Notifies the targets in {notify_file} of what is new." if notify_file else ""

    root = etree.Element(f"{{{NAMESPACE}}}Task", {"version": "1.2"}, _PREFIXES)
    info = _add(root, "RegistrationInfo")
    _add(info, "URI", rf"{OWN_FOLDER}\{name}")
    _add(info, "Author", owner)
    _add(info, "Description", f"{what} Made by taskanalysis {__version__}. Contact: {owner}")
    _add_trigger(_add(root, "Triggers"), begin, status_every)
    settings = _add(root, "Settings")
    _add(settings, "MultipleInstancesPolicy", "IgnoreNew")
    _add(settings, "DisallowStartIfOnBatteries", "false")
    _add(settings, "StopIfGoingOnBatteries", "false")
    _add(settings, "StartWhenAvailable", "true")
    _add(settings, "RunOnlyIfNetworkAvailable", "true" if network else "false")
    _add(settings, "Enabled", "true")
    # above the hour of `report --run-seconds`, so that a run that hangs ends by itself and leaves a page about it
    _add(settings, "ExecutionTimeLimit", "PT10M" if status_every else "PT2H")
    principal = _add(_add(root, "Principals"), "Principal", id="Author")
    _add(principal, "UserId", who.user_id)
    if who.logon_type:
        _add(principal, "LogonType", who.logon_type)
    _add(principal, "RunLevel", who.run_level)
    actions = _add(root, "Actions", Context="Author")
    module = ["-m", "taskanalysis"] if program_name(program) != "taskanalysis" else []
    for line in lines:
        action = _add(actions, "Exec")
        _add(action, "Command", program)
        _add(action, "Arguments", subprocess.list2cmdline([*module, *line, "--log", log]))
        _add(action, "WorkingDirectory", str(PureWindowsPath(program).parent))
    etree.indent(root)
    return encoded(DECLARATION + etree.tostring(root, encoding="unicode").replace("\n", "\r\n"))


def _daily(data: str, reports: str, folders: Sequence[str], notify_file: str, *, eventlog: bool) -> list[list[str]]:
    """The commands of the daily task; a single folder limits all of them."""
    chosen = [word for folder in folders for word in ("--folder", folder)]
    same = chosen if len(folders) == 1 else []
    lines = [["collect", "--data", data, *chosen, *["--eventlog"] * eventlog]]
    if reports:
        lines.append(["report", "--data", data, "--reports", reports, *same])
    if notify_file:
        # readers elsewhere can't open a local path
        link = ["--link", str(PureWindowsPath(reports) / "index.html")] if reports.startswith("\\\\") else []
        lines.append(["notify", "--data", data, "--to-file", notify_file, *same, *link])
    return lines


def this_program() -> str:
    """The program to run on this machine, if it is Windows."""
    if sys.platform != "win32":
        raise TaskAnalysisError(
            r"this is not Windows: name with --program the full path of taskanalysis.exe on the server, such as "
            r"C:\taskanalysis\.venv\Scripts\taskanalysis.exe"
        )
    beside = Path(sys.executable).with_name("taskanalysis.exe")  # where a venv has it
    return str(beside if beside.exists() else sys.executable)


# Options --------------------------------------------------------------------------------------------------------------


def _line(option: str, text: str) -> str:
    """Check that XML can hold a text, and that it is one line."""
    if not text.strip() or _UNFIT.search(text):
        raise TaskAnalysisError(f"--{option} is empty, or holds characters that can't be written: give it as one line")
    return text.strip()


def _full(option: str, text: str) -> str:
    """Check that a text is a full Windows path that reaches the program unchanged."""
    path = _line(option, text).replace("/", "\\")
    if not _FULL.fullmatch(path):
        raise TaskAnalysisError(
            rf"--{option} '{clip(path)}' is not a full Windows path, such as \\fileserver\tasks or D:\tasks"
        )
    if option == "program" and not re.fullmatch(r"taskanalysis|python[0-9.]*", program_name(path)):
        raise TaskAnalysisError(f"--program '{clip(path)}' is neither taskanalysis.exe nor python.exe")
    if option == "program" and len(path) > LONGEST_PATH:
        raise TaskAnalysisError(f"--program '{clip(path)}' is longer than {LONGEST_PATH} characters")
    if option == "program" and _plain(path).is_relative_to(PROFILES):
        raise TaskAnalysisError(
            f"--program '{clip(path)}' lies below {PROFILES}, which other accounts can't read: "
            r"install it elsewhere, such as in C:\taskanalysis"
        )
    return _unreplaced(option, path)


def _plain(path: str) -> PureWindowsPath:
    """A path without ``..``."""
    return PureWindowsPath(ntpath.normpath(path))


def _task_folder(text: str) -> str:
    folder = _line("folder", text).replace("/", "\\")
    if not _FOLDER.fullmatch(folder):
        raise TaskAnalysisError(rf"--folder '{clip(folder)}' is not a task folder, such as \OpenData")
    return _unreplaced("folder", folder)


def _unreplaced(option: str, text: str) -> str:
    """Check that Task Scheduler replaces nothing in a text; it offers no way to escape."""
    if variable := _REPLACED.search(text):
        raise TaskAnalysisError(
            f"--{option} holds {clip(variable[0])}, which Task Scheduler would replace: write it out"
        )
    return text


def _principal(user: str, network: str) -> Principal:
    """The account, with administrator's rights: without them `collect` silently sees fewer tasks."""
    account = Principal(user_id=user).account
    advice = r"name a managed account with --user, such as TOWN\gmsa-tasks$"
    if account in ("LOCAL SERVICE", "NETWORK SERVICE"):
        raise TaskAnalysisError(f"{account} is not an administrator and sees only some of the tasks: {advice}")
    if account == "SYSTEM":
        if network:
            raise TaskAnalysisError(f"SYSTEM reaches {network} as the computer's account or not at all: {advice}")
        return Principal(user_id="S-1-5-18", run_level="HighestAvailable")  # its name depends on the language
    # a managed account is registered with "Password", known to Windows; S4U stores none and has no network
    logon = "Password" if user.endswith("$") or network else "S4U"
    return Principal(user_id=user, logon_type=logon, run_level="HighestAvailable")


# Elements -------------------------------------------------------------------------------------------------------------


def _add(parent: etree._Element, name: str, text: str | None = None, **attributes: str) -> etree._Element:
    """Append a child element; its text is escaped."""
    child = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}", attributes)
    child.text = text
    return child


def _add_trigger(triggers: etree._Element, begin: datetime, minutes: int) -> None:
    """Append a daily trigger, or one that repeats without end; without an offset it follows the server's clock."""
    trigger = _add(triggers, "TimeTrigger" if minutes else "CalendarTrigger")
    _add(trigger, "Enabled", "true")
    _add(trigger, "StartBoundary", begin.replace(tzinfo=None).isoformat(timespec="seconds"))
    if minutes:
        _add(_add(trigger, "Repetition"), "Interval", f"PT{minutes}M")
    else:
        _add(_add(trigger, "ScheduleByDay"), "DaysInterval", "1")
