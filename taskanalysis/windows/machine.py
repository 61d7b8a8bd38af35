r"""Facts about this machine: name, zone, Windows version, and whether an account or a program exists.

Authority: Python's platform, tzlocal for the zone's IANA name, LookupAccountName and LookupAccountSid for accounts.
pywin32 is loaded inside functions, so that this imports anywhere. Not yet run on Windows.

>>> windows_name("2012ServerR2", "6.3.9600"), windows_name("11", "10.0.22631")
('Windows Server 2012 R2 6.3.9600', 'Windows 11 10.0.22631')
"""

from __future__ import annotations

import getpass
import os
import platform
import re
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

from taskanalysis.errors import TaskAnalysisError

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


def account_exists(account: str, server: str = "") -> bool | None:
    """Whether a server ("": this machine) knows an account, by name or SID; None if it can't tell."""
    security: Any = import_module("win32security")
    try:
        if re.match(r"(?i)S-1-\d", account):
            security.LookupAccountSid(server or None, security.ConvertStringSidToSid(account))
        else:
            security.LookupAccountName(server or None, account)
    except security.error as error:  # a domain that does not answer proves nothing
        return False if error.winerror in _NO_SUCH_ACCOUNT else None
    return True


def path_exists(path: str) -> bool | None:
    """Whether a program or folder exists; None if its variables depend on the account or are not set.

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
    return Path(full).exists() if re.search(r"[\\/]", full) else shutil.which(full) is not None
