r"""The one door to Windows: what collecting and restoring ask of Task Scheduler, and the real service behind it.

Authority: the Task Scheduler 2.0 interfaces (ITaskService, ITaskFolder, IRegisteredTask) and [MS-TSCH] 3.2.5.4 for what
they refuse. `Scheduler` is what the rest of the package speaks; `tests/doubles/scheduler.py` keeps one in memory.

>>> raise SchedulerError(r"\OpenData\Load", 0x80070005)
Traceback (most recent call last):
taskanalysis.windows.scheduler.SchedulerError: \OpenData\Load: access is denied (0x80070005)
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from taskanalysis.errors import TaskAnalysisError, UnfinishedError
from taskanalysis.results import decode
from taskanalysis.schedule import known_zone
from taskanalysis.snapshot import STATES, Moment
from taskanalysis.text import clip
from taskanalysis.windows import machine

__all__ = ["ComScheduler", "Scheduler", "SchedulerError", "connect"]

NOT_FOUND, PATH_NOT_FOUND, ACCESS_DENIED, ALREADY_EXISTS = 0x80070002, 0x80070003, 0x80070005, 0x800700B7
INVALID_ARGUMENT, INVALID_NAME, LOGON_FAILURE, NONE_MAPPED = 0x80070057, 0x8007007B, 0x8007052E, 0x80070534
ACCOUNT_NOT_SET, ACCOUNT_NOT_FOUND, UNKNOWN_VERSION, UNEXPECTED_NODE = 0x8004130F, 0x80041310, 0x80041313, 0x80041316
BAD_NAMESPACE, INVALID_VALUE, MISSING_NODE, MALFORMED_XML = 0x80041317, 0x80041318, 0x80041319, 0x8004131A
TOO_MANY_NODES, SERVER_UNAVAILABLE, OUT_OF_RANGE = 0x8004131D, 0x800706BA, 0x8002000A
_LOST = {SERVER_UNAVAILABLE, 0x800706BE, 0x800706BF, 0x80010108, 0x80010007, 0x80010012, 0x80041315, 0x80070040}
_WORDS = {
    NOT_FOUND: "it is not there",
    PATH_NOT_FOUND: "its folder is not there",
    ACCESS_DENIED: "access is denied",
    ALREADY_EXISTS: "it is there already",
    INVALID_NAME: "this is not a name that Windows takes",
    INVALID_ARGUMENT: "Windows does not take this combination",
    OUT_OF_RANGE: "a date is out of range",
    SERVER_UNAVAILABLE: "the server does not answer",
}


class SchedulerError(UnfinishedError):
    """What Task Scheduler refused or could not do.

    `what` is a task path, a folder or "" (the service itself); `code` the HRESULT, unsigned; `more` what Windows adds,
    such as the line of the XML.
    """

    def __init__(self, what: str, code: int, more: str = "") -> None:
        self.what, self.code, self.more = what, code % 2**32, clip(more, 200)
        super().__init__(what, self.code, self.more)

    def __str__(self) -> str:
        """One sentence."""
        meaning = _WORDS.get(self.code) or decode(self.code, source="start").meaning.rstrip(".")
        more = f": {self.more}" if self.more else ""
        return f"{self.what or 'Task Scheduler'}: {meaning} (0x{self.code:08X}){more}"

    @property
    def vanished(self) -> bool:
        """Whether the task or its folder is simply not there any more."""
        return self.code in (NOT_FOUND, PATH_NOT_FOUND)

    @property
    def lost(self) -> bool:
        """Whether the connection is gone, so that nothing that follows can work."""
        return self.code in _LOST


class Scheduler(Protocol):
    r"""What collecting and restoring ask of a server's Task Scheduler.

    Folders and tasks are named by full paths: ``\`` is the root, ``\OpenData`` a folder, ``\OpenData\Load`` a task.
    Every method raises SchedulerError, with the HRESULT that Windows gave; one whose `lost` is true means that the
    connection is gone. Each property of a task is asked for once; a second question may find that the task `vanished`.
    """

    def folders(self, folder: str) -> list[str]:
        r"""The paths of the folders right below `folder` (not deeper), in the order that Windows gives."""

    def tasks(self, folder: str) -> list[str | SchedulerError]:
        """The paths of the tasks right in `folder`, hidden ones too; an error in place of one that can't be loaded."""

    def xml(self, path: str) -> str:
        """The definition as Windows exports it; its declaration says UTF-16. Write it as UTF-16LE with BOM."""

    def state(self, path: str) -> str:
        """``Unknown``, ``Disabled``, ``Queued``, ``Ready`` or ``Running``."""

    def enabled(self, path: str) -> bool:
        """Whether the task as a whole is switched on."""

    def last_run(self, path: str) -> Moment:
        """Start of the last run: aware in the server's zone, to the second, or ``"never"``."""

    def last_result(self, path: str) -> int:
        """Result of the last run, unsigned 32 bit."""

    def next_run(self, path: str) -> Moment:
        """When Windows means to start it next: aware in the server's zone, to the second, or ``"never"``."""

    def missed_runs(self, path: str) -> int:
        """Starts missed because the server was off, since the last successful run."""

    def sddl(self, path: str) -> str:
        """Owner, group and access list as an SDDL string; they are not in the XML."""

    def validate(self, path: str, xml: str) -> None:
        """Let Windows check the syntax of a definition and register nothing; SchedulerError where it refuses."""

    def create_folder(self, folder: str) -> None:
        """Create a folder and those above it that are missing; one that is there is left as it is."""

    def register(
        self,
        path: str,
        xml: str,
        *,
        account: str = "",
        password: str | None = None,
        logon_type: str = "",
        sddl: str = "",
        replace: bool = False,
        disabled: bool = False,
        fire_registration_triggers: bool = False,
    ) -> None:
        """Register a definition as a task; its folder must be there.

        `account` ("": as the definition says) and `password` are what it logs on with; `logon_type` is the schema's
        word: ``Password``, ``S4U``, ``InteractiveToken``, ``InteractiveTokenOrPassword``, ``ServiceAccount``,
        ``Group``, or "" (as the definition says). `sddl` ("": the folder's) is put on the task. A task of that path is
        refused unless `replace`. `disabled` registers it switched off. Registration triggers start the task only if
        told so.
        """

    def delete(self, path: str) -> None:
        """Delete a task."""

    def is_elevated(self) -> bool | None:
        """Whether this account has administrator's rights there, None where that can't be told (another server)."""

    def windows_version(self) -> str:
        """Edition and version, such as ``Windows Server 2019 10.0.17763``; "" where that can't be told."""

    def zone(self) -> str:
        """The server's time zone by its IANA name."""

    def account_exists(self, account: str) -> bool | None:
        r"""Whether the server knows an account, by name (``TOWN\svc-load``) or SID; None where that can't be told."""

    def path_exists(self, path: str) -> bool | None:
        """Whether a program or folder is there, variables (``%SystemRoot%``) put in; None where that can't be told."""


# The real service -----------------------------------------------------------------------------------------------------

# TASK_CREATION, TASK_ENUM_FLAGS and SECURITY_INFORMATION of taskschd.h and winnt.h
_VALIDATE_ONLY, _CREATE, _UPDATE, _DISABLE, _NO_PRINCIPAL_ACE, _IGNORE_REGISTRATION = 1, 2, 4, 8, 16, 32
_HIDDEN_TOO = 1
_OWNER_GROUP_DACL = 7  # the rest of it, what is audited, takes a privilege
_LOGON_TYPES = {
    "": 0,
    "Password": 1,
    "S4U": 2,
    "InteractiveToken": 3,
    "Group": 4,
    "ServiceAccount": 5,
    "InteractiveTokenOrPassword": 6,
}


def connect(server: str = "", *, user: str = "", password: str | None = None, zone: str = "") -> ComScheduler:
    r"""The Task Scheduler of this machine, or of `server` as `user` (``TOWN\anna``, "": who runs this).

    `zone` is the server's by its IANA name ("": that of this machine). TaskAnalysisError where this is not Windows, or
    where pywin32 is missing; SchedulerError where the server refuses. No Windows has confirmed it yet.
    """
    if sys.platform != "win32":
        raise TaskAnalysisError("Task Scheduler is only on Windows: run this there, or name files with --from")
    server_zone = known_zone(zone or machine.local_zone()).key
    try:
        service = import_module("win32com.client").Dispatch("Schedule.Service")
    except ImportError as error:
        raise TaskAnalysisError(f"pywin32 is missing ({error}): pip install pywin32") from None
    with _asked(server):
        if server:
            domain, _, name = user.rpartition("\\")
            service.Connect(server, name or None, domain or None, password)
        else:
            service.Connect()
    return ComScheduler(service, server_zone, server)


class ComScheduler:
    """`Scheduler` through COM: `service` is a connected ITaskService, `zone` the server's IANA name.

    `server` "" is this machine. Dates of COM are wall-clock times of the server without a zone. Of an hour that comes
    twice in autumn the first is taken: they don't tell which. Tests speak to a double; no Windows has confirmed it yet.
    """

    def __init__(self, service: Any, zone: str, server: str = "") -> None:
        self._service, self._zone, self._server = service, ZoneInfo(zone), server
        self._listed: dict[str, Any] = {}

    def folders(self, folder: str) -> list[str]:
        """See `Scheduler`."""
        with _asked(folder):
            found = self._service.GetFolder(folder).GetFolders(0)
            return [str(found.Item(number).Path) for number in range(1, found.Count + 1)]

    def tasks(self, folder: str) -> list[str | SchedulerError]:
        """See `Scheduler`. What is listed is kept, so that no property looks its task up again."""
        with _asked(folder):
            found = self._service.GetFolder(folder).GetTasks(_HIDDEN_TOO)
            number = int(found.Count)
        listed: list[str | SchedulerError] = []
        for position in range(1, number + 1):
            try:  # by position: a loop over the collection ends at the first that can't be loaded
                with _asked(f"task {position} of {number} in {folder}"):
                    task = found.Item(position)
                    path = str(task.Path)
            except SchedulerError as error:
                if error.lost:
                    raise
                listed.append(error)
            else:
                self._listed[path] = task
                listed.append(path)
        return listed

    def xml(self, path: str) -> str:
        """See `Scheduler`."""
        with _asked(path):
            return str(self._task(path).Xml)

    def state(self, path: str) -> str:
        """See `Scheduler`; a number that is none of TASK_STATE is ``Unknown``."""
        with _asked(path):
            number = int(self._task(path).State)
            return STATES[number] if 0 <= number < len(STATES) else STATES[0]

    def enabled(self, path: str) -> bool:
        """See `Scheduler`."""
        with _asked(path):
            return bool(self._task(path).Enabled)

    def last_run(self, path: str) -> Moment:
        """See `Scheduler`."""
        with _asked(path):
            return self._moment(self._task(path).LastRunTime)

    def last_result(self, path: str) -> int:
        """See `Scheduler`."""
        with _asked(path):
            return int(self._task(path).LastTaskResult) % 2**32  # COM's LONG has a sign

    def next_run(self, path: str) -> Moment:
        """See `Scheduler`."""
        with _asked(path):
            return self._moment(self._task(path).NextRunTime)

    def missed_runs(self, path: str) -> int:
        """See `Scheduler`."""
        with _asked(path):
            return int(self._task(path).NumberOfMissedRuns)

    def sddl(self, path: str) -> str:
        """See `Scheduler`."""
        with _asked(path):
            return str(self._task(path).GetSecurityDescriptor(_OWNER_GROUP_DACL))

    def validate(self, path: str, xml: str) -> None:
        """See `Scheduler`."""
        with _asked(path):
            self._service.GetFolder("\\").RegisterTask(path, xml, _VALIDATE_ONLY, None, None, 0)

    def create_folder(self, folder: str) -> None:
        """See `Scheduler`. CreateFolder makes the whole branch."""
        try:
            with _asked(folder):
                self._service.GetFolder("\\").CreateFolder(folder.strip("\\"))
        except SchedulerError as error:
            if error.code != ALREADY_EXISTS:
                raise

    def register(
        self,
        path: str,
        xml: str,
        *,
        account: str = "",
        password: str | None = None,
        logon_type: str = "",
        sddl: str = "",
        replace: bool = False,
        disabled: bool = False,
        fire_registration_triggers: bool = False,
    ) -> None:
        """See `Scheduler`."""
        flags = _CREATE | (_UPDATE if replace else 0) | (_DISABLE if disabled else 0)
        flags |= 0 if fire_registration_triggers else _IGNORE_REGISTRATION
        flags |= _NO_PRINCIPAL_ACE if sddl else 0  # the list is put there as it was
        folder, _, name = path.rpartition("\\")
        more = (sddl,) if sddl else ()
        with _asked(path):
            place = self._service.GetFolder(folder or "\\")
            place.RegisterTask(name, xml, flags, account or None, password, _LOGON_TYPES[logon_type], *more)
        self._listed.pop(path, None)

    def delete(self, path: str) -> None:
        """See `Scheduler`."""
        folder, _, name = path.rpartition("\\")
        with _asked(path):
            self._service.GetFolder(folder or "\\").DeleteTask(name, 0)
        self._listed.pop(path, None)

    def is_elevated(self) -> bool | None:
        """See `Scheduler`."""
        return None if self._server else machine.is_elevated()

    def windows_version(self) -> str:
        """See `Scheduler`."""
        return "" if self._server else machine.windows_name()

    def zone(self) -> str:
        """See `Scheduler`."""
        return self._zone.key

    def account_exists(self, account: str) -> bool | None:
        """See `Scheduler`."""
        return machine.account_exists(account, self._server)

    def path_exists(self, path: str) -> bool | None:
        """See `Scheduler`. A name without a folder is looked for on the PATH of this account."""
        return None if self._server else machine.path_exists(path)

    def _task(self, path: str) -> Any:
        if path not in self._listed:
            folder, _, name = path.rpartition("\\")
            self._listed[path] = self._service.GetFolder(folder or "\\").GetTask(name)
        return self._listed[path]

    def _moment(self, value: Any) -> Moment:
        """A date of COM: 1899-12-30 and 1999-11-30 are Windows' "never"; pywin32 calls it UTC, which it is not."""
        wall = datetime(value.year, value.month, value.day, value.hour, value.minute, value.second)  # noqa: DTZ001
        wall += timedelta(seconds=value.microsecond >= 500_000)  # dates are fractions of days
        if wall.year < 2000:
            return "never"
        if wall.year > 9998:
            raise OverflowError
        return wall.replace(tzinfo=self._zone)


@contextmanager
def _asked(what: str) -> Iterator[None]:
    """Turn errors of COM into SchedulerError; pywintypes is on Windows alone, so they are known by their parts."""
    try:
        yield
    except (ValueError, OverflowError):  # what pywin32 makes of a date that is none
        raise SchedulerError(what, OUT_OF_RANGE) from None
    except Exception as error:
        if not hasattr(error, "hresult"):
            raise
        more: Any = getattr(error, "excepinfo", None) or ()  # (code, source, description, help, context, scode)
        code = int(more[5]) if len(more) > 5 and more[5] else int(error.hresult)
        raise SchedulerError(what, code, str(more[2] or "") if len(more) > 2 else "") from None
