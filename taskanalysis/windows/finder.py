r"""Where Windows finds a program or script by its name, from a folder, the search path and what else is known.

Nothing is run. A file is named only where Windows could start no other; everything else is not known. Authority:
Microsoft's pages "CreateProcessW", "ShellExecuteExW" and "cmd". That a task without "Start in" works in System32 is
what people see, and nowhere promised.

>>> finder = Finder({"PATH": r"D:\tools"}, {r"D:\tools\tool.exe"}.__contains__, r"D:\jobs")
>>> finder.command("tool").file, finder.script("load.py")
('D:\\tools\\tool.exe', Named(role='script', file='D:\\jobs\\load.py', exists=False))
"""

from __future__ import annotations

import ntpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

PROGRAM, SCRIPT = "program", "script"
SCRIPTS = (
    *(".bat", ".cmd", ".js", ".pl", ".ps1", ".psm1", ".py", ".pyw", ".r", ".rb", ".sh", ".sql", ".vbe", ".vbs", ".wsf"),
)
"""Kinds of files that tasks run and that somebody of the office wrote."""
PATHEXT = ".com;.exe;.bat;.cmd;.vbs;.vbe;.js;.jse;.wsf;.wsh;.msc"
"""What cmd adds to a name, in this order, where Windows is as it was installed."""

MOST_CHARACTERS = 260
"""MAX_PATH: no current folder is longer (Microsoft, "SetCurrentDirectory")."""

Exists = Callable[[str], bool | None]
"""Whether there is a file of this whole path; None where that can't be told."""


class Named(NamedTuple):
    """A file that an action names: its role, its whole path, and whether it is there.

    Where Windows could start another file, or where its place is not known, `file` is what the action says, and
    `exists` is None.
    """

    role: str
    file: str
    exists: bool | None


def expanded(text: str, environment: Mapping[str, str]) -> str:
    """`text` with the values of the variables (names in capitals) that are known; the others stay."""
    return re.sub("%([^%]+)%", lambda found: environment.get(found[1].upper(), found[0]), text)


@dataclass(frozen=True)
class Finder:
    """Finds files from `folder`, the current one, "" where that is not known; `drive` is then its drive, if known.

    `environment` has names in capitals; a PATHEXT of "" is not known. `parked` are the current folders of other drives,
    as ``D:`` goes to. `is_doubtful`: it may be another folder, if this one is not there; `instead` are then all that it
    may be, this one among them, () where they are not known.
    """

    environment: Mapping[str, str]
    exists: Exists
    folder: str = ""
    drive: str = ""
    parked: Mapping[str, str] = field(default_factory=dict)
    is_doubtful: bool = False
    instead: tuple[str, ...] = ()

    @property
    def system_folder(self) -> str:
        """The folder of Windows' own programs."""
        return ntpath.join(self._root, "System32")

    @property
    def _root(self) -> str:
        return self.environment.get("SYSTEMROOT", r"C:\Windows")

    @property
    def _path(self) -> list[str]:
        """The folders of the search path, as far as it is known."""
        return [folder.strip('" ') for folder in self.environment.get("PATH", "").split(";") if folder.strip('" ')]

    @property
    def _endings(self) -> list[str]:
        return [each.strip() for each in self.environment.get("PATHEXT", PATHEXT).lower().split(";") if each.strip()]

    # Elsewhere --------------------------------------------------------------------------------------------------------

    def moved(self, folder: str) -> Finder:
        """The same from another folder, "" where that is not known."""
        whole = self.joined(folder) if folder else ""
        whole = whole if len(whole) < MOST_CHARACTERS else ""
        is_doubtful = self.is_doubtful and not is_whole(folder)
        return replace(self, folder=whole, drive="", parked=self.parked if whole else {}, is_doubtful=is_doubtful)

    def on_drive(self, drive: str) -> Finder:
        """The same from the current folder of a drive (``D:``)."""
        parked = {**self.parked, self.current_drive.upper(): self.folder}
        return replace(self, folder=parked.get(drive.upper(), ""), drive=drive.upper(), parked=parked)

    def parking(self, folder: str) -> Finder:
        """The same, with this folder (a whole path) as the current one of its drive."""
        return replace(self, parked={**self.parked, ntpath.splitdrive(folder)[0].upper(): ntpath.normpath(folder)})

    def lost(self) -> Finder:
        """The same where neither the current folder nor the search path is known any more."""
        environment = {name: value for name, value in self.environment.items() if name != "PATH"}
        return replace(self.moved(""), environment=environment)

    @property
    def current_drive(self) -> str:
        """The drive, or server and share, of the current folder; "" where it is not known."""
        return ntpath.splitdrive(self.folder)[0] or self.drive

    def joined(self, name: str) -> str:
        """The whole path of a name; "" where it is not known, as behind the letter of a drive alone."""
        if is_whole(name):
            return ntpath.normpath(name)
        if ntpath.splitdrive(name)[0] or name.startswith(("\\\\", "//")) or _NO_NAME.search(name):
            return ""
        if name.startswith(("\\", "/")):
            return ntpath.normpath(self.current_drive + name) if self.current_drive else ""
        return ntpath.normpath(ntpath.join(self.folder, name)) if self.folder else ""

    # Files ------------------------------------------------------------------------------------------------------------

    def program(self, name: str) -> Named:
        """What Task Scheduler starts by this name; without a folder that of the search path."""
        end = "" if ntpath.splitext(name)[1] else ".exe"
        if is_whole(name):
            found = self._first(PROGRAM, [name + end], name)
            is_unclear = found.exists is False and (_MORE.search(name) or self._any_like(name))
            return Named(PROGRAM, name, None) if is_unclear else found
        if has_folder(name) or not self.folder:
            return Named(PROGRAM, name, None)
        if self.folder != self.system_folder and self._any_like(ntpath.join(self.folder, name)):
            return Named(PROGRAM, name, None)  # Windows takes it in some cases only
        return self._on_path(name, [self.system_folder, self._root, *self._path], [end])

    def command(self, name: str) -> Named:
        """What cmd starts by this name, from the current folder or the search path."""
        unknown = Named(PROGRAM, name, None)
        ends = ["", *self._endings] if ntpath.splitext(name)[1] else self._endings
        if not self._endings:
            return unknown
        if not has_folder(name):
            return self._by_name(name, ends) if self.folder else unknown
        whole = self.joined(name)
        found = self._first(PROGRAM, [whole + end for end in ends], whole) if whole else unknown
        # then cmd may take the first word alone
        return unknown if found.exists is False and (" " in name or self._may_be_elsewhere(name)) else found

    def script(self, name: str) -> Named:
        """What a program opens by this name: a whole path, or one from the current folder."""
        unknown, whole = Named(SCRIPT, name, None), self.joined(name)
        found = self._first(SCRIPT, [whole], whole) if whole else unknown
        return unknown if found.exists is False and self._may_be_elsewhere(name) else found

    def _by_name(self, name: str, ends: Sequence[str]) -> Named:
        if not self.is_doubtful:
            return self._on_path(name, [self.folder, *self._path], ends)
        here = self._on_path(name, [self.folder], ends)
        others = [ntpath.join(folder, name) + end for folder in self.instead for end in ends]
        is_in_none = bool(others) and all(self.exists(file) is False for file in others)
        return self._on_path(name, self._path, ends) if is_in_none else here

    def _may_be_elsewhere(self, name: str) -> bool:
        return self.is_doubtful and not is_whole(name)

    def _on_path(self, name: str, folders: Sequence[str], ends: Sequence[str]) -> Named:
        """The first of these folders that has it; where none has, the account may have a search path of its own.

        Whether cmd looks for a name with an ending in all folders before it adds another is not documented.
        """
        unknown = Named(PROGRAM, name, None)
        if _NO_NAME.search(name):
            return unknown
        places = [ntpath.join(folder, name) for folder in folders]
        orders = ([place + end for place in places for end in ends], [place + end for end in ends for place in places])
        found, other = (self._first(PROGRAM, files, name) for files in (orders[0], orders[0] if ends[0] else orders[1]))
        return found if found.exists and found == other else unknown

    def _first(self, role: str, files: Sequence[str], otherwise: str) -> Named:
        """The first of these files that is there; not known where one before it can't be looked at."""
        for file in files:
            there = self.exists(file)
            if there is not False:
                return Named(role_of(file, role), file, there)
        return Named(role_of(otherwise, role), otherwise, False)

    def _any_like(self, place: str) -> bool:
        """Whether a file of this name, with an extension or without, is there or may be."""
        return any(self.exists(place + end) is not False for end in ("", *(self._endings or PATHEXT.split(";"))))


_MORE = re.compile(r"\.(?:exe|com|bat|cmd)\s", re.IGNORECASE)
"""Arguments in the field of the program."""
_NO_NAME = re.compile(r'["%<>|?*]|(?<!^\w):')


def role_of(file: str, role: str) -> str:
    """`SCRIPT` for a file that is one by its ending, else `role`."""
    return SCRIPT if file.lower().endswith(SCRIPTS) else role


def has_folder(name: str) -> bool:
    """Whether a name says where the file is."""
    return bool(ntpath.splitdrive(name)[0]) or "\\" in name or "/" in name


def is_whole(path: str) -> bool:
    """Whether a path begins with a drive and a folder, or with a server and its share."""
    drive, rest = ntpath.splitdrive(path.replace("/", "\\"))
    return bool(drive) and rest.startswith("\\") and not _NO_NAME.search(path)
