r"""Interface to the Windows Task Scheduler service, and its COM implementation.

Authority: the Task Scheduler 2.0 interfaces (ITaskService, ITaskFolder, IRegisteredTask) and [MS-TSCH] 3.2.5.4 for what
they refuse. The rest of the package uses `Scheduler` only; `tests/doubles/scheduler.py` implements it in memory.

>>> raise SchedulerError(r"\OpenData\Load", 0x80070005)
Traceback (most recent call last):
taskanalysis.windows.scheduler.SchedulerError: \OpenData\Load: access is denied (0x80070005)
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from taskanalysis.errors import TaskAnalysisError, UnfinishedError
from taskanalysis.results import decode, unsigned
from taskanalysis.schedule import known_zone
from taskanalysis.snapshot import STATES, Moment, Status
from taskanalysis.text import clip
from taskanalysis.windows import machine
from taskanalysis.windows.machine import SeenFile

NOT_FOUND, PATH_NOT_FOUND, ACCESS_DENIED, ALREADY_EXISTS = 0x80070002, 0x80070003, 0x80070005, 0x800700B7
INVALID_ARGUMENT, INVALID_NAME, LOGON_FAILURE, NONE_MAPPED = 0x80070057, 0x8007007B, 0x8007052E, 0x80070534
SERVER_UNAVAILABLE, OUT_OF_RANGE, OUT_OF_MEMORY = 0x800706BA, 0x8002000A, 0x8007000E
LOGON_MISSING = {LOGON_FAILURE, OUT_OF_MEMORY, 0x8004130F, 0x80070569}
"""What is said where a password is wrong, missing or of no use: SCHED_E_ACCOUNT_INFORMATION_NOT_SET and others."""
_LOST = {SERVER_UNAVAILABLE, 0x800706BE, 0x800706BF, 0x80010108, 0x80010007, 0x80010012, 0x80041315, 0x80070040}
_WORDS = {
    NOT_FOUND: "does not exist",
    PATH_NOT_FOUND: "its folder does not exist",
    ACCESS_DENIED: "access is denied",
    ALREADY_EXISTS: "already exists",
    INVALID_NAME: "is not a valid name",
    INVALID_ARGUMENT: "Windows does not accept this combination",
    OUT_OF_RANGE: "a date is out of range",
    SERVER_UNAVAILABLE: "the server does not answer",
}

# TASK_LOGON_TYPE of taskschd.h, by the schema's words
_LOGON_WORDS = ("", "Password", "S4U", "InteractiveToken", "Group", "ServiceAccount", "InteractiveTokenOrPassword")
LOGON_TYPES = {word: number for number, word in enumerate(_LOGON_WORDS)}
WITHOUT_PASSWORD = {"S4U", "Group", "ServiceAccount"}
ACCOUNT_REFUSED = {INVALID_ARGUMENT, NONE_MAPPED, OUT_OF_MEMORY}


class SchedulerError(UnfinishedError):
    """A call that Task Scheduler refused or could not complete.

    `what` is a task path, a folder or "" (the service itself); `code` the HRESULT, unsigned; `more` the detail that
    Windows adds, such as the line of the XML.
    """

    def __init__(self, what: str, code: int, more: str = "") -> None:
        self.what, self.code, self.more = what, code % 2**32, clip(more, 200)
        super().__init__(what, self.code, self.more)

    def __str__(self) -> str:
        """One sentence, with the code."""
        meaning = _WORDS.get(self.code) or decode(self.code, source="start").meaning.rstrip(".")
        more = f": {self.more}" if self.more else ""
        return f"{self.what or 'Task Scheduler'}: {meaning} (0x{self.code:08X}){more}"

    @property
    def vanished(self) -> bool:
        """Whether the task or its folder does not exist (any more)."""
        return self.code in (NOT_FOUND, PATH_NOT_FOUND)

    @property
    def lost(self) -> bool:
        """Whether the connection is gone, so that no later call can work."""
        return self.code in _LOST

    @property
    def reason(self) -> str:
        """The sentence without the path, for where the path stands beside it."""
        return str(self).removeprefix(f"{self.what}: ")


class Scheduler(Protocol):
    r"""Access to the Task Scheduler of one server.

    Folders and tasks are named by full paths: ``\`` is the root, ``\OpenData`` a folder, ``\OpenData\Load`` a task.
    Every method raises SchedulerError with the HRESULT that Windows returned; if its `lost` is true, the connection is
    gone.
    """

    def folders(self, folder: str) -> list[str]:
        r"""Paths of the folders directly below `folder`, in the order of Windows."""

    def tasks(self, folder: str) -> list[str | SchedulerError]:
        """Paths of the tasks directly in `folder`, hidden ones too; an error in place of one that can't be loaded."""

    def xml(self, path: str) -> str:
        """The definition as Windows exports it; its declaration says UTF-16. Write it as UTF-16LE with BOM."""

    def status(self, path: str) -> tuple[Status, dict[str, SchedulerError]]:
        """The task's status, and by name the error of each field that Windows refused: it is None in the status.

        Each property is read once; times are aware, in the server's zone, to the second. SchedulerError where the task
        vanished or the connection is lost.
        """

    def sddl(self, path: str) -> str:
        """Owner, group and access list as an SDDL string; the XML does not hold them."""

    def validate(self, path: str, xml: str) -> None:
        """Check the syntax of a definition without registering it; SchedulerError where Windows refuses it.

        Neither the path nor the folder is checked.
        """

    def create_folder(self, folder: str) -> None:
        """Create a folder and its missing parents; an existing one stays as it is."""

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
    ) -> None:
        """Register a definition as a task, without firing its registration triggers; its folder must exist.

        `account` ("": as the definition says) and `password` are the credentials; `logon_type` is one of `LOGON_TYPES`
        ("": as the definition says). `sddl` ("": that of the folder) becomes the task's. An existing task is refused
        unless `replace`.
        """

    def is_elevated(self) -> bool | None:
        """Whether this account has administrator's rights there; None if not known (another server)."""

    def windows_version(self) -> str:
        """Edition and version, such as ``Windows Server 2019 10.0.17763``; "" if not known."""

    def zone(self) -> str:
        """IANA name of the server's time zone."""

    def account_exists(self, account: str) -> bool | None:
        r"""Whether the server knows an account, by name (``TOWN\svc-load``) or SID; None if it can't tell."""

    def path_exists(self, path: str) -> bool | None:
        """Whether a program or folder exists, variables (``%SystemRoot%``) expanded; None if it can't tell."""

    def environment(self, account: str) -> dict[str, str]:
        """The variables that are known for tasks of an account: those of the machine, all of this process's account."""

    def file(self, path: str, most: int = 0) -> SeenFile | None:
        """The file of a whole path, with its content where that has at most so many bytes; None where there is none.

        OSError where that can't be told, as where a file server does not answer.
        """

    def tail(self, path: str, most: int) -> bytes:
        """The last bytes of a file, at most so many; OSError where it can't be read."""

    def newest_file(self, pattern: str) -> str:
        """The newest file that fits a path with ``*`` and ``?`` in names of files and folders; "" where there is none.

        OSError where that can't be told.
        """


# The real service -----------------------------------------------------------------------------------------------------

# TASK_CREATION, TASK_ENUM_FLAGS and SECURITY_INFORMATION of taskschd.h and winnt.h
_VALIDATE_ONLY, _CREATE, _UPDATE, _NO_PRINCIPAL_ACE, _IGNORE_REGISTRATION = 1, 2, 4, 16, 32
_HIDDEN_TOO = 1
_OWNER_GROUP_DACL = 7  # reading the audit list too takes a privilege
_VALIDATED = "taskanalysis-validated"


def connect(server: str = "", *, user: str = "", password: str | None = None, zone: str = "") -> ComScheduler:
    r"""Connect to the Task Scheduler of this machine, or of `server` as `user` (``TOWN\anna``, "": the current user).

    `zone` is the server's IANA zone ("": that of this machine). TaskAnalysisError off Windows and where pywin32 is
    missing; SchedulerError where the server refuses. Not yet run on Windows.
    """
    if sys.platform != "win32":
        raise TaskAnalysisError("Task Scheduler is only on Windows: run this there, or name files with --from")
    zone = known_zone(zone or machine.local_zone()).key
    try:
        client = import_module("win32com.client")
    except ImportError as error:
        raise TaskAnalysisError(f"pywin32 is missing ({error}): pip install pywin32") from None
    with _calling(server):
        service = client.Dispatch("Schedule.Service")
        if server:
            domain, _, name = user.rpartition("\\")
            service.Connect(server, name or None, domain or None, password)
        else:
            service.Connect()
    return ComScheduler(service, zone, server)


class ComScheduler:
    """`Scheduler` through COM: `service` is a connected ITaskService, `zone` the server's IANA name.

    `server` "" is this machine. COM gives wall-clock times of the server without a zone; in the hour that comes twice
    in autumn they are read as the first. Tests use a double; not yet run on Windows.
    """

    def __init__(self, service: Any, zone: str, server: str = "") -> None:
        self._service, self._zone, self._server = service, ZoneInfo(zone), server
        self._listed: dict[str, Any] = {}

    def folders(self, folder: str) -> list[str]:
        """See `Scheduler`."""
        with _calling(folder):
            below = self._service.GetFolder(folder).GetFolders(0)
            return [str(_property(folder, below.Item(number), "Path")) for number in range(1, below.Count + 1)]

    def tasks(self, folder: str) -> list[str | SchedulerError]:
        """See `Scheduler`. Listed tasks are kept, so that reading them needs no second look-up."""
        with _calling(folder):
            tasks = self._service.GetFolder(folder).GetTasks(_HIDDEN_TOO)
            number = int(tasks.Count)
        listed: list[str | SchedulerError] = []
        for position in range(1, number + 1):
            try:  # by position: a loop over the collection ends at the first that can't be loaded
                with _calling(f"task {position} of {number} in {folder}"):
                    task = tasks.Item(position)
                    path = str(_property(folder, task, "Path"))
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
        with _calling(path):
            text = str(_property(path, self._task(path), "Xml"))
            if not text.lstrip("\ufeff \t\r\n").startswith("<"):
                raise SchedulerError(path, INVALID_ARGUMENT, f"Xml is {text!r}")
            return text

    def status(self, path: str) -> tuple[Status, dict[str, SchedulerError]]:
        """See `Scheduler`."""
        readings: dict[str, tuple[str, Callable[[Any], Any]]] = {
            "state": ("State", _state),
            "enabled": ("Enabled", bool),
            "last_run": ("LastRunTime", self._moment),
            "last_result": ("LastTaskResult", unsigned),
            "next_run": ("NextRunTime", self._moment),
            "missed_runs": ("NumberOfMissedRuns", int),
        }
        values, refused = dict[str, Any](), dict[str, SchedulerError]()
        for field, (member, convert) in readings.items():
            try:
                with _calling(path):
                    values[field] = convert(_property(path, self._task(path), member))
            except SchedulerError as error:
                if error.lost or error.vanished:
                    raise
                refused[field] = error
        return Status(path, **values), refused

    def sddl(self, path: str) -> str:
        """See `Scheduler`."""
        with _calling(path):
            return str(self._task(path).GetSecurityDescriptor(_OWNER_GROUP_DACL))

    def validate(self, path: str, xml: str) -> None:
        """See `Scheduler`. The name is one of the root, as that of a missing folder might be refused."""
        with _calling(path):
            self._service.GetFolder("\\").RegisterTask(_VALIDATED, xml, _VALIDATE_ONLY, None, None, 0)

    def create_folder(self, folder: str) -> None:
        """See `Scheduler`. CreateFolder makes the whole branch."""
        try:
            with _calling(folder):
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
    ) -> None:
        """See `Scheduler`. Where only the definition names an account, its logon type may have to stand there alone."""
        flags = _CREATE | _IGNORE_REGISTRATION | (_UPDATE if replace else 0)
        flags |= _NO_PRINCIPAL_ACE if sddl else 0  # the list stays as it was
        folder, _, name = path.rpartition("\\")
        account = machine.whole_name(account, self._server)
        more = (sddl,) if sddl else ()

        def register(logon: str) -> None:
            with _calling(path):
                place = self._service.GetFolder(folder or "\\")
                place.RegisterTask(name, xml, flags, account or None, password, LOGON_TYPES[logon], *more)

        try:
            register(logon_type)
        except SchedulerError as error:
            if account or logon_type not in WITHOUT_PASSWORD or error.code not in ACCOUNT_REFUSED:
                raise
            register("")
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
        """See `Scheduler`. A name without a folder is searched on the PATH of this account."""
        return None if self._server else machine.path_exists(path)

    def environment(self, account: str) -> dict[str, str]:
        """See `Scheduler`."""
        return {} if self._server else machine.environment(account)

    def file(self, path: str, most: int = 0) -> SeenFile | None:
        """See `Scheduler`."""
        self._check_local()
        return machine.file(path, most)

    def tail(self, path: str, most: int) -> bytes:
        """See `Scheduler`."""
        self._check_local()
        return machine.tail(path, most)

    def newest_file(self, pattern: str) -> str:
        """See `Scheduler`."""
        self._check_local()
        return machine.newest_file(pattern)

    def _check_local(self) -> None:
        if self._server:
            raise OSError(0, "its files are on another machine")

    def _task(self, path: str) -> Any:
        if path not in self._listed:
            folder, _, name = path.rpartition("\\")
            self._listed[path] = self._service.GetFolder(folder or "\\").GetTask(name)
        return self._listed[path]

    def _moment(self, value: Any) -> Moment:
        """Convert a date of COM: 1899-12-30 and 1999-11-30 mean "never"; pywin32 says UTC, but it is local time."""
        wall = datetime(value.year, value.month, value.day, value.hour, value.minute, value.second)  # noqa: DTZ001
        wall += timedelta(seconds=value.microsecond >= 500_000)  # dates are fractions of days
        if wall.year < 2000:
            return "never"
        if wall.year > 9998:
            raise OverflowError
        return wall.replace(tzinfo=self._zone)


def _property(what: str, known: Any, member: str) -> Any:
    """A property; pywin32 takes one that fails with E_INVALIDARG for a method, and returns that."""
    value = getattr(known, member)
    if callable(value):
        raise SchedulerError(what, INVALID_ARGUMENT, member)
    return value


def _state(number: Any) -> str:
    """The name of a TASK_STATE; any other number is ``Unknown``."""
    return STATES[number] if 0 <= number < len(STATES) else STATES[0]


@contextmanager
def _calling(what: str) -> Iterator[None]:
    """Turn COM errors into SchedulerError, recognised by their attributes: pywintypes exists on Windows alone."""
    try:
        yield
    except (ValueError, OverflowError):  # pywin32's answer to an impossible date
        raise SchedulerError(what, OUT_OF_RANGE) from None
    except Exception as error:
        if not hasattr(error, "hresult"):
            raise
        # excepinfo is None or (code, source, description, help, context, scode)
        _, _, more, *_, code = getattr(error, "excepinfo", None) or (0, None, "", 0)
        raise SchedulerError(what, int(code or error.hresult), str(more or "")) from None
