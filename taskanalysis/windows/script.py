r"""Tasks -> a folder with a PowerShell script that puts them back on a server where there is no Python.

The folder is enough by itself: the script, and each definition as Windows exports it. The program is ``restore.ps1``
beside this file; only literals are added to it.

Authority: the PowerShell language specification, 2.3.5.2 (verbatim string literals) and B.1.8: a single-quoted string
ends with any of five quotation marks, and two of them stand for the second. Nobody has run it on Windows yet.

>>> print(quoted("O'Brien’s $(calc) `n"))
'O''Brien’’s $(calc) `n'
>>> print(quoted("two\nlines"))
('two' + [char]0x000A + 'lines')
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from taskanalysis.errors import SnapshotError
from taskanalysis.snapshot import file_name, long_path, plain_path, write_folder
from taskanalysis.windows.restorable import Wanted, encoded

__all__ = ["quoted", "script_text", "write_script"]

_QUOTES = re.compile("(['\u2018\u2019\u201a\u201b])")
# Windows PowerShell opens no file whose path is longer than 260 characters, and the folder's own comes before it
LONGEST_NAME = 130
# TASK_LOGON_TYPE of taskschd.h
_LOGONS = {
    "": 0,
    "Password": 1,
    "S4U": 2,
    "InteractiveToken": 3,
    "Group": 4,
    "ServiceAccount": 5,
    "InteractiveTokenOrPassword": 6,
}


def quoted(text: str) -> str:
    """An expression of PowerShell whose value is exactly `text` and that can do nothing else.

    What a reader can't see (line ends, controls, marks that turn the direction of text, halves of characters) is built
    from its number, so that the script reads as what it does, and no text can put anything on a line of its own.
    """
    parts: list[str] = []
    plain = ""
    for letter in text:
        if letter.isprintable():
            plain += letter
        else:
            # a character past U+FFFF is two in Windows
            units = letter.encode("utf-16-be", "surrogatepass")
            parts += [_literal(plain)] if plain or not parts else []
            parts += [f"[char]0x{units[at : at + 2].hex().upper()}" for at in range(0, len(units), 2)]
            plain = ""
    if not parts:
        return _literal(plain)
    # the text comes first, since a character and a character would be added as numbers
    return "(" + " + ".join(parts + ([_literal(plain)] if plain else [])) + ")"


def script_text(tasks: Sequence[tuple[Wanted, str, bytes]], title: str) -> str:
    """The script for tasks, each with the name of its file in the folder and the file's content."""
    program = Path(__file__).with_name("restore.ps1").read_text(encoding="ascii")
    rows = [_row(task, name, content) for task, name, content in tasks]
    data = "\n".join([f"$title = {quoted(title)}", "$tasks = @(", *rows, ")"])
    before, after = program.split("#DATA#\n")
    return f"{before}{data}\n{after}"


def write_script(folder: Path, tasks: Sequence[Wanted], *, title: str) -> Path:
    """Write the folder, whole or not at all; returns the script's path.

    SnapshotError where the folder holds something already or there is no task; OSError where the disk refuses.
    """
    if not tasks:
        raise SnapshotError("there is no task to put back")
    folder = long_path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SnapshotError(f"{plain_path(folder)} is not empty: name a new folder for the script")
    filed = []
    for number, task in enumerate(tasks, 1):
        name = f"tasks/{file_name(task.path)}"
        if len(name) > LONGEST_NAME:
            name = f"long/{number:05}.xml"
        filed.append((task, name, encoded(task.text)))
    text = script_text(filed, title).replace("\n", "\r\n")
    # Windows PowerShell reads a script without byte order mark in the code page of the machine
    files = {name: content for _, name, content in filed} | {"restore.ps1": text.encode("utf-8-sig")}
    if folder.exists():
        folder.rmdir()
    write_folder(folder.absolute(), files)
    return Path(plain_path(folder / "restore.ps1"))


def _row(task: Wanted, name: str, content: bytes) -> str:
    values = {
        "Folder": quoted(task.folder),
        "Name": quoted(task.name),
        "File": quoted(name.replace("/", "\\")),
        "Sha256": quoted(hashlib.sha256(content).hexdigest().upper()),
        "Account": quoted(task.logs_on_as),
        "AsksPassword": _switch(task.asks_password),
        "Logon": str(_LOGONS.get(task.logon_type, 0)),
        "Enabled": _switch(task.enabled),
        "StartsAtOnce": _switch(task.starts_at_once),
        "Sddl": quoted(task.sddl),
    }
    return "    @{ " + "; ".join(f"{name} = {value}" for name, value in values.items()) + " }"


def _switch(on: bool) -> str:
    return "$true" if on else "$false"


def _literal(text: str) -> str:
    return "'" + _QUOTES.sub(r"\1\1", text) + "'"
