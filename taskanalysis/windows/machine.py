r"""Facts about this machine: name, zone, Windows version, its variables and files, and whether an account exists.

Authority: Python's platform, tzlocal for the zone's IANA name, LookupAccountName and LookupAccountSid for accounts.
pywin32 is loaded inside functions, so that this imports anywhere. Not yet run on Windows.

>>> windows_name("2012ServerR2", "6.3.9600"), windows_name("11", "10.0.22631")
('Windows Server 2012 R2 6.3.9600', 'Windows 11 10.0.22631')
"""

from __future__ import annotations

import ctypes
import errno
import fnmatch
import getpass
import itertools
import ntpath
import os
import platform
import re
import shutil
import stat
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from taskanalysis.definition import open_regular, read_bytes
from taskanalysis.errors import TaskAnalysisError

T = TypeVar("T")

# variables whose value depends on the account
_OWN_VARIABLES = {"APPDATA", "LOCALAPPDATA", "USERPROFILE", "HOMEPATH", "HOMEDRIVE", "USERNAME", "TEMP", "TMP"}
_NO_SUCH_ACCOUNT = {1332, 1337}  # ERROR_NONE_MAPPED, ERROR_INVALID_SID


def server_name(full: str = "") -> str:
    """The name of a machine ("": this one) in capitals and without its domain, so that a share has one folder for it.

    >>> server_name("opendata01.town.example"), server_name("10.0.0.5")
    ('OPENDATA01', '10.0.0.5')
    """
    name = full or platform.node()
    return name if re.fullmatch(r"[0-9.]+", name) else name.partition(".")[0].upper()


def user_name() -> str:
    r"""The current user, ``TOWN\svc-collector``; the bare name if no domain is known."""
    domain = os.environ.get("USERDOMAIN", "")
    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a service may have no name in its environment
        name = ""
    return "\\".join(filter(None, (domain, name)))


def windows_name(release: str = "", version: str = "") -> str:
    """Product name and version of Windows from what Python's platform returns; without arguments, of this machine."""
    release, version = release or platform.release(), version or platform.version()
    server = re.fullmatch(r"(\d+)Server(R2)?", release)
    name = f"Server {server[1]} {server[2] or ''}".strip() if server else release
    return f"Windows {name} {version}"


def is_elevated() -> bool:
    """Whether this process has administrator's rights; only on Windows."""
    ctypes: Any = import_module("ctypes")  # windll exists on Windows alone
    return bool(ctypes.windll.shell32.IsUserAnAdmin())


def local_zone() -> str:
    """The IANA name of this machine's zone; TaskAnalysisError if it has no known one."""
    try:
        name = import_module("tzlocal").get_localzone_name()  # imported here: it reads the registry
    except LookupError:  # a zone of Windows that is not in Unicode's table
        name = None
    if not name:
        raise TaskAnalysisError("the time zone of this machine has no known IANA name: give it with --zone")
    return str(name)


def whole_name(account: str, server: str = "") -> str:
    r"""``.\anna`` with the name of the machine, ``server`` or this one: not every call of Windows knows the dot.

    >>> whole_name(r".\anna", "opendata01.town.example"), whole_name(r"TOWN\anna")
    ('OPENDATA01\\anna', 'TOWN\\anna')
    """
    return f"{server_name(server)}\\{account[2:]}" if account.startswith(".\\") else account


def account_exists(account: str, server: str = "") -> bool | None:
    """Whether a server ("": this machine) knows an account, by name or SID; None if it can't tell."""
    security: Any = import_module("win32security")
    try:
        if re.match(r"(?i)S-1-\d", account):
            security.LookupAccountSid(server or None, security.ConvertStringSidToSid(account))
        else:
            security.LookupAccountName(server or None, whole_name(account, server))
    except security.error as error:  # a domain that does not answer proves nothing
        return False if error.winerror in _NO_SUCH_ACCOUNT else None
    return True


def path_exists(path: str) -> bool | None:
    """Whether a program or folder exists; None if its variables depend on the account or are not set.

    None also where that can't be told, as where a file server does not answer.
    A name without a folder is searched on the PATH of this account.

    >>> path_exists('"no such program.exe"'), path_exists(r"%TEMP%/load.cmd")
    (False, None)
    """
    plain = path.strip().strip('"')
    values = {name.upper(): value for name, value in os.environ.items()}
    names = {name.upper() for name in re.findall("%([^%]+)%", plain)}
    if not plain or names & _OWN_VARIABLES or names - values.keys():
        return None
    full = re.sub("%([^%]+)%", lambda variable: values[variable[1].upper()], plain)
    if not re.search(r"[\\/]", full):
        return shutil.which(full) is not None
    try:
        return _answered(full, Path(full).exists)
    except OSError:
        return None


# Files ----------------------------------------------------------------------------------------------------------------

ANSWER_SECONDS = 5.0
"""How long a file server may take to answer; one that does not is not asked again."""
MOST_NAMES, LOOK_SECONDS = 100_000, 4.0
"""Names of files and folders that are looked at for the newest file, and for how long."""


class SeenFile(NamedTuple):
    """What there is at a path: size in bytes, when it was changed (aware UTC), and its content where it was read."""

    size: int
    modified: datetime
    content: bytes | None = None


def environment(account: str) -> dict[str, str]:
    """The variables that tasks of an account see, as far as they are known: those of the machine, all of our own."""
    if account.casefold() in {user_name().casefold(), user_name().rpartition("\\")[2].casefold()}:
        return dict(os.environ)
    known = {name: value for name, value in os.environ.items() if name.upper() in _MACHINE_VARIABLES}
    return known | _registered_variables()


_MACHINE_VARIABLES = {
    *("SYSTEMROOT", "WINDIR", "SYSTEMDRIVE", "COMSPEC", "PROGRAMDATA", "ALLUSERSPROFILE", "PUBLIC", "COMPUTERNAME"),
    *("PROGRAMFILES", "PROGRAMFILES(X86)", "PROGRAMW6432", "COMMONPROGRAMFILES", "COMMONPROGRAMFILES(X86)"),
}


def _registered_variables() -> dict[str, str]:
    """The variables of the machine in the registry, which all accounts see."""
    try:
        registry: Any = import_module("winreg")
    except ImportError:
        return {}
    known: dict[str, str] = {}
    with suppress(OSError):
        key = r"SYSTEM\CurrentControlSet\Control\Session Manager\Environment"
        with registry.OpenKey(registry.HKEY_LOCAL_MACHINE, key) as opened:
            for place in range(registry.QueryInfoKey(opened)[1]):
                name, value, _ = registry.EnumValue(opened, place)
                known[name] = os.path.expandvars(str(value))
    return known


def file(path: str, most: int = 0) -> SeenFile | None:
    """The file at a whole path, with its content where that has at most `most` bytes; None where there is none.

    OSError where that can't be told: a file server does not answer, access is denied.
    """
    return _answered(path, lambda: _file(path, most))


def _file(path: str, most: int) -> SeenFile | None:
    try:
        found = os.stat(path)  # noqa: PTH116 (a path of Windows, as it stands)
    except (FileNotFoundError, NotADirectoryError):
        drive = ntpath.splitdrive(path)[0]
        if drive and not os.path.exists(drive + "\\"):  # noqa: PTH110 (as it stands)
            raise OSError(errno.ENODEV, "its drive is not there for this account") from None
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    content = None
    if found.st_size <= most:
        with suppress(OSError, ValueError):  # it is there, whoever holds it open
            content = read_bytes(Path(path), most)
    return SeenFile(found.st_size, datetime.fromtimestamp(int(found.st_mtime), UTC), content)


def tail(path: str, most: int) -> bytes:
    """The last bytes of a file, at most `most`; OSError where it can't be read."""

    def read() -> bytes:
        with open_regular(Path(path)) as opened:
            opened.seek(max(opened.seek(0, os.SEEK_END) - most, 0))
            return opened.read(most)

    return _answered(path, read)


def newest_file(pattern: str) -> str:
    """The newest file that fits a path with ``*`` and ``?`` in names of files and folders; "" where there is none.

    OSError where a folder can't be listed, or where looking at all of them would take too long.
    """
    return _answered(pattern, lambda: max(_fitting(pattern), default=(0.0, ""))[1])


def _fitting(pattern: str) -> Iterator[tuple[float, str]]:
    """When each file that fits was changed (seconds since 1970), and its path."""
    anchor, *parts = Path(pattern).parts
    folders, most, end = [anchor], itertools.count(-MOST_NAMES), time.monotonic() + LOOK_SECONDS
    for left, part in zip(range(len(parts) - 1, -1, -1), parts, strict=True):
        if left and not re.search("[*?]", part):
            folders = [os.path.join(folder, part) for folder in folders]  # noqa: PTH118 (as it stands)
            continue
        wanted = re.compile(fnmatch.translate(part.lower().replace("[", "[[]")))
        above, folders = folders, []
        for folder in above:
            with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
                for entry in entries:
                    if next(most) >= 0 or time.monotonic() > end:
                        raise OSError(errno.EFBIG, "its folders hold too many names to look at")
                    if not wanted.match(entry.name.lower()):
                        continue
                    if left and entry.is_dir():
                        folders.append(entry.path)
                    elif not left and entry.is_file():
                        yield entry.stat().st_mtime, entry.path


_SILENT: set[str] = set()


def _server_of(path: str) -> str:
    r"""The file server of a path or a drive that is on one, in lower case; "" for a path of this machine.

    >>> _server_of("//Files/share/a.bat"), _server_of(r"\\?\UNC\files\share"), _server_of(r"\\?\D:\a.bat")
    ('files', 'files', '')
    """
    found = re.match(r"[\\/]{2}(?:[?.][\\/]UNC[\\/])?([^\\/?.][^\\/]*)", path, re.IGNORECASE)
    drive = ntpath.splitdrive(path)[0].lower()
    return found[1].lower() if found else drive if _is_remote(drive) else ""


def _is_remote(drive: str) -> bool:
    """Whether Windows has a drive (``z:``) from a file server, as it knows without asking that (GetDriveTypeW)."""
    windll: Any = getattr(ctypes, "windll", None)
    is_drive = windll is not None and re.fullmatch("[a-z]:", drive)
    return bool(is_drive) and windll.kernel32.GetDriveTypeW(f"{drive}\\") == _DRIVE_REMOTE


_DRIVE_REMOTE = 4  # winbase.h


def _answered(path: str, ask: Callable[[], T]) -> T:
    """What `ask` returns; OSError where the file server of a path does not answer in time."""
    server = _server_of(path)
    if not server:
        return ask()
    if server in _SILENT:
        raise TimeoutError(errno.ETIMEDOUT, f"{server} does not answer")
    answer: Future[T] = Future()

    def work() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=work, daemon=True).start()  # nothing else ends a call to a share that is gone
    try:
        return answer.result(ANSWER_SECONDS)
    except FutureTimeout:
        _SILENT.add(server)
        raise TimeoutError(errno.ETIMEDOUT, f"{server} does not answer") from None
