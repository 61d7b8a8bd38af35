"""Windows' habits with files, on Linux: what is open is not deleted, renamed or replaced, and a new file is scanned.

Authority: Microsoft's pages on CreateFile (without ``FILE_SHARE_DELETE``, for which Python does not ask), DeleteFile
and MoveFileEx. ``/proc/self`` tells which files are open, so that Arrow's and those in memory count, too.

As a plug-in, ``pytest -p tests.doubles.held_files tests/history`` refuses what Windows would refuse;
`habits_of_children` gives a habit to the processes that a test starts. Where there is no ``/proc``, as on Windows
itself, nothing is done about open files.
"""

from __future__ import annotations

import errno
import functools
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

LOG = "HELD_FILES_LOG"
"""The variable with the name of a file that gets a line for each refusal."""
SCANNED, IN_USE = 5, 32
"""What Windows says of a file that a scanner has open, and of one that is open elsewhere."""
RENAMES = ("rename", "replace")
_PROC = Path("/proc/self")


def install(*, scanned: bool = False) -> None:
    """Give this process the habit with open files; with `scanned`, refuse the first rename of each file instead."""
    if not scanned and not _PROC.is_dir():
        return
    seen: set[Path] = set()
    for name in RENAMES if scanned else ("unlink", "remove", "rmdir", *RENAMES):
        real = getattr(os, name)
        setattr(os, name, refusing_first(real, seen) if scanned else _refusing_open(real))


def pytest_configure() -> None:
    """Give pytest's own process the habit with open files."""
    install()


def habits_of_children(folder: Path, *, scanned: bool = False) -> dict[str, str]:
    """Variables that give a habit, as `install` does, to the processes of a test; `folder` is new."""
    folder.mkdir()
    program = f"from tests.doubles import held_files\nheld_files.install(scanned={scanned})\n"
    (folder / "sitecustomize.py").write_text(program, encoding="utf-8")
    root = Path(__file__).parents[2]
    return {"PYTHONPATH": os.pathsep.join([str(folder), str(root)]), LOG: str(folder / "refused.txt")}


def refusing_first(real: Callable[..., Any], seen: set[Path]) -> Callable[..., Any]:
    """`os.rename` or `os.replace` that refuses a source which is not among the `seen`, and adds it."""

    @functools.wraps(real)
    def call(source: Any, place: Any, **given: Any) -> Any:
        if (full := _full(source, given.get("src_dir_fd"))) not in seen:
            seen.add(full)
            _refuse(_full(place, given.get("dst_dir_fd")), SCANNED)
        return real(source, place, **given)

    return call


def _refusing_open(real: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(real)
    def call(*paths: Any, **given: Any) -> Any:
        for full in (_full(path, given.get("dir_fd")) for path in paths[:2]):
            if _is_open(full):
                _refuse(full, IN_USE)
        return real(*paths, **given)

    return call


def _refuse(full: Path, code: int) -> None:
    if log := os.environ.get(LOG):
        with Path(log).open("a", encoding="utf-8") as out:
            out.write(f"{full.as_posix()}\n")
    error = PermissionError(errno.EACCES, "The process cannot access the file", str(full))
    error.winerror = code  # type: ignore[attr-defined, unused-ignore]
    raise error


def _full(path: Any, folder: int | None) -> Path:
    """The whole path; a link stays one, as it is the link that is deleted or renamed."""
    place = Path(os.fsdecode(path))
    parent = place.parent if folder is None else (_PROC / "fd" / str(folder)).readlink()
    return parent.resolve() / place.name


def _is_open(full: Path) -> bool:
    """Whether this process has the file, or one below the folder, open or in memory; open folders hinder nobody."""
    for handle in os.listdir(_PROC / "fd"):  # noqa: PTH208
        with suppress(OSError):  # the handle of this very listing
            file = (_PROC / "fd" / handle).readlink()
            if (file == full or full in file.parents) and file.is_file():
                return True
    maps = (_PROC / "maps").read_text(encoding="utf-8", errors="surrogateescape")
    return re.search(rf" {re.escape(str(full))}(?:/|$)", maps, re.MULTILINE) is not None
