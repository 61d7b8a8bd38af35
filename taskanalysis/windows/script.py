r"""Write a folder that restores tasks on a server without Python: a PowerShell script and its data.

``restore.ps1`` is the same for every snapshot and documents the other files: ``tasks.csv`` with a row per task, the
definitions as Windows exports them, and ``about.txt``. No text of a task is in the script, so none can run as code.

Authority: Microsoft's pages on Import-Csv and Register-ScheduledTask, Windows PowerShell 5.1. Not yet run on Windows.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

from taskanalysis.errors import SnapshotError
from taskanalysis.snapshot import file_name, long_path, plain_path, write_folder
from taskanalysis.text import clip, one_line
from taskanalysis.windows.restorable import Wanted, encoded
from taskanalysis.windows.scheduler import LOGON_TYPES

# Windows PowerShell opens no file whose path is longer than 260 characters, the folder's own included
LONGEST_NAME = 130


def write_script(folder: Path, tasks: Sequence[Wanted], *, title: str, read_me: str = "") -> Path:
    """Write the folder, whole or not at all; returns the path of the script, which prints `title` first.

    `read_me` is the text of ``READ-ME.txt``.

    SnapshotError where the folder is not empty, there is no task, or a task's text can't be written as UTF-8; OSError
    where the disk refuses.
    """
    if not tasks:
        raise SnapshotError("there is no task to restore")
    folder = long_path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SnapshotError(f"{plain_path(folder)} is not empty: name a new folder for the script")
    files, rows = dict[str, bytes](), list[dict[str, str]]()
    for number, task in enumerate(tasks, 1):
        name = f"tasks/{file_name(task.path)}"
        if len(name) > LONGEST_NAME:
            name = f"long/{number:05}.xml"
        files[name] = encoded(task.text)
        rows.append(_row(task, name, files[name]))
    table = io.StringIO()
    writer = csv.DictWriter(table, rows[0], quoting=csv.QUOTE_ALL)  # with quotes, Import-Csv keeps blanks and line ends
    writer.writeheader()
    writer.writerows(rows)
    files["tasks.csv"] = table.getvalue().encode("utf-8-sig")
    files["about.txt"] = f"{one_line(title)}\r\n{_sha256(files['tasks.csv'])}\r\n".encode("utf-8-sig")
    files["READ-ME.txt"] = read_me.replace("\n", "\r\n").encode("utf-8-sig", "backslashreplace")
    script = Path(__file__).with_name("restore.ps1").read_text(encoding="ascii")
    files["restore.ps1"] = script.replace("\n", "\r\n").encode("ascii")
    if folder.exists():
        folder.rmdir()
    write_folder(folder.absolute(), files)
    return Path(plain_path(folder / "restore.ps1"))


def _row(task: Wanted, name: str, content: bytes) -> dict[str, str]:
    row = {
        "Folder": task.folder,
        "Name": task.name,
        "File": name.replace("/", "\\"),
        "Sha256": _sha256(content),
        "Account": task.logs_on_as,
        "AsksPassword": str(task.asks_password).lower(),
        "Logon": str(LOGON_TYPES.get(task.logon_type, 0)),
        "Enabled": str(task.enabled).lower(),
        "StartsAtOnce": str(task.starts_at_once).lower(),
        "Sddl": task.sddl,
    }
    try:
        "".join(row.values()).encode()
    except UnicodeEncodeError:
        raise SnapshotError(f"{clip(task.path)} or its access list holds half a character, which no CSV can") from None
    return row


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest().upper()
