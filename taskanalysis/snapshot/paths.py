r"""Paths of files and of tasks: what a file system refuses, long paths on Windows, files written whole, locked folders.

Authority: Microsoft's "Naming Files, Paths, and Namespaces" for refused names and for the ``\\?\`` form.

>>> task_path(file_name(r"\OpenData\Load: new?"))
'\\OpenData\\Load: new?'
"""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path, PurePath

from filelock import FileLock

from taskanalysis.errors import SnapshotError
from taskanalysis.text import plain_paths

_REFUSED = re.compile(
    r'[%<>:"/|?*\x00-\x1f\x7f]'  # '%' so that decoding is exact
    r"|[. ](?=$)"  # Windows drops a dot or space at the end
    r"|^(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|COM[0-9¹²³]|LPT[0-9¹²³])(?= *(?:$|\.))",  # devices, whatever follows
    re.IGNORECASE,
)


def file_name(path: str) -> str:
    r"""Where a task path lies below ``tasks/``, as a posix path: what a file system refuses is percent-encoded.

    >>> file_name(r"\OpenData\nul"), file_name(r"\..\Load.")
    ('OpenData/%6Eul.xml', '.%2E/Load%2E.xml')
    """
    parts = path.strip("\\").split("\\")
    return "/".join(_REFUSED.sub(_encode_first, part) for part in parts) + ".xml"


def task_path(name: str) -> str:
    r"""The task path of a file name below ``tasks/``: the reverse of `file_name`.

    >>> task_path("OpenData/Permits/Nightly.xml")
    '\\OpenData\\Permits\\Nightly'
    """
    plain = name[:-4] if name.lower().endswith(".xml") else name
    decoded = re.sub(r"%([0-9A-Fa-f]{2})", lambda found: chr(int(found[1], 16)), plain.replace("/", "\\"))
    return "\\" + decoded.lstrip("\\")


def _encode_first(found: re.Match[str]) -> str:
    return f"%{ord(found[0][0]):02X}" + found[0][1:]


def in_scope(path: str, folders: Sequence[str]) -> bool:
    r"""Whether a task lies in one of `folders` or below; no folder named means all outside ``\Microsoft``.

    >>> in_scope(r"\OpenData2\Load", [r"\OpenData"]), in_scope(r"\opendata\Sub\Load", ["\\OpenData\\"])
    (False, True)
    """
    if not folders:
        return not in_scope(path, ["\\Microsoft"])
    return path.casefold().startswith(_beginnings(tuple(folders)))


@lru_cache
def _beginnings(folders: tuple[str, ...]) -> tuple[str, ...]:
    """How paths in these folders begin."""
    return tuple(
        "\\".join(["", *folder.strip("\\").split("\\"), ""]).replace("\\\\", "\\").casefold() for folder in folders
    )


def long_path(path: str | Path) -> Path:
    r"""The path; on Windows in the ``\\?\`` form, which may exceed 260 characters (not yet seen on a real Windows)."""
    if sys.platform != "win32":
        return Path(path)
    full = os.path.abspath(path)  # noqa: PTH100 (resolve() would follow a mapped drive)
    if full.startswith("\\\\?\\"):
        return Path(full)
    return Path("\\\\?\\UNC\\" + full[2:] if full.startswith("\\\\") else "\\\\?\\" + full)


def plain_path(path: PurePath) -> str:
    r"""A path as its user wrote it, without the prefix of `long_path`, and without the backslash that a share gets.

    >>> from pathlib import PureWindowsPath
    >>> plain_path(PureWindowsPath(r"\\?\UNC\files\tasks")), plain_path(PureWindowsPath("D:\\"))
    ('\\\\files\\tasks', 'D:\\')
    """
    text = plain_paths(str(path))
    return text.rstrip("\\") if text.startswith("\\\\") else text


def check_apart(data: PurePath, reports: PurePath) -> None:
    r"""SnapshotError where the folder of the data and that of the reports are one, or one lies in the other.

    >>> from pathlib import PureWindowsPath
    >>> check_apart(PureWindowsPath(r"D:\tasks"), PureWindowsPath(r"d:\Tasks\reports"))
    Traceback (most recent call last):
    taskanalysis.errors.SnapshotError: the reports would lie in the data (d:\Tasks\reports): name a folder beside it
    >>> check_apart(PureWindowsPath(r"D:\tasks"), PureWindowsPath(r"D:\tasks2"))
    """
    if reports == data:
        raise SnapshotError(f"the reports and the data would be in one folder ({data}): name another for the reports")
    if reports.is_relative_to(data):
        raise SnapshotError(f"the reports would lie in the data ({reports}): name a folder beside it")
    if data.is_relative_to(reports):
        raise SnapshotError(f"the data lies in the folder of the reports ({data}): name another for the reports")


# Files and folders that appear whole ----------------------------------------------------------------------------------

HELD_SECONDS = 5.0
"""How long a rename is tried again that the system refuses: a virus scanner or an indexer holds a new file so long."""


def rename(source: Path, place: Path, *, seconds: float = HELD_SECONDS) -> None:
    """Rename a file or folder; a file in `place` is replaced.

    PermissionError where it is still refused after `seconds`; IsADirectoryError or FileExistsError at once, where what
    is in `place` can't be replaced.
    """
    for error in rename_all({source: place}, seconds=seconds).values():
        raise error


def rename_all(moves: Mapping[Path, Path], *, seconds: float = HELD_SECONDS) -> dict[Path, PermissionError]:
    """Rename each source to its place, in order; returns the places that are refused for `seconds`, with the error.

    A program that holds a file open is why Windows refuses; it says the same of a folder in the place of a file, which
    is an error at once, as with `rename`.
    """
    waiting, until, pause = dict(moves), time.monotonic() + seconds, 0.05
    while True:
        refused: dict[Path, PermissionError] = {}
        for source, place in list(waiting.items()):
            try:
                source.replace(place)
                del waiting[source]
            except PermissionError as error:
                _check_free(place, is_for_folder=source.is_dir())
                refused[place] = error
        if not refused or time.monotonic() >= until:
            return refused
        time.sleep(pause)
        pause = min(2 * pause, 1)


def _check_free(place: Path, *, is_for_folder: bool) -> None:
    if is_for_folder and place.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(place)) from None
    if place.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(place)) from None


def write_whole(file: Path, *parts: bytes | memoryview) -> None:
    """Write a file of these parts atomically: temporary file beside it, then `rename`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = beside_of(file)
    try:
        with beside.open("wb") as out:
            out.writelines(parts)
        rename(beside, file)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a new folder of these files atomically; a name (posix path) that ends in ``/`` is a folder.

    OSError where the disk refuses; nothing is left then.
    """
    beside = beside_of(folder)
    try:
        shutil.rmtree(beside, ignore_errors=True)  # of a process that was killed
        for name, content in files.items():
            file = beside / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if name.endswith("/"):
                file.mkdir(exist_ok=True)
            else:
                file.write_bytes(content)
        rename(beside, folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def fits(folder: Path, name: str) -> bool:
    """Whether `write_folder` could write a file of this name (posix path): how long it may be depends on the disk.

    NTFS takes 255 characters between two slashes, most others 255 bytes; longer names are tried with an empty file.
    """
    if len(name) < _SHORT or (len(name) < 8 * _SHORT and max(map(len, name.split("/"))) < _SHORT):
        return True
    beside = beside_of(folder)
    try:
        file = beside / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    except (OSError, ValueError):  # Windows' Python takes no path of 32,767 characters
        return False
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return True


_SHORT = 80
"""No character of a name has more than three bytes for each of its UTF-16 units."""


def beside_of(place: Path) -> Path:
    """Where a file or folder is written before it is renamed: hidden, and of this process alone.

    >>> beside_of(Path("latest/status.csv")).match("latest/.status.csv.*.tmp")
    True
    """
    return place.with_name(f".{place.name}.{os.getpid()}.tmp")


# Folders of one process -----------------------------------------------------------------------------------------------

LOCK = ".lock"


@contextmanager
def locked(
    folder: Path, *leftovers: str, wait: float = 60, lock: str = LOCK, fallback_to_soft: bool = True
) -> Iterator[None]:
    """Lock `folder`, created where missing, and remove what matches the glob patterns `leftovers` in it.

    `lock` is the name of the lock file. The lock is the operating system's, so a dead process does not hold it; where
    the file system has none, a lock file replaces it, or NotImplementedError is raised without `fallback_to_soft`.
    filelock.Timeout where another process holds it for more than `wait` seconds, OSError where the system refuses.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name, locked(Path(name), ".*.tmp"):
    ...     [file.name for file in Path(name).iterdir()]
    ['.lock']
    """
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / lock, timeout=wait, fallback_to_soft=fallback_to_soft):
        for path in [path for pattern in leftovers for path in folder.glob(pattern)]:
            logging.getLogger(__name__).info("removing %s, left by a killed process", path)
            remove(path)
        yield


def remove(*paths: Path) -> None:
    """Remove files and whole folders; what another program holds open stays for the next run."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink(missing_ok=True)
