"""A folder that one process at a time writes to, cleaned of what killed processes left in it.

>>> import tempfile
>>> with tempfile.TemporaryDirectory() as name, locked(Path(name), ".*.tmp"):
...     [file.name for file in Path(name).iterdir()]
['.lock']
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

LOCK = ".lock"
WAIT = 60.0
"""Seconds to wait for another process."""


@contextmanager
def locked(
    folder: Path, *leftovers: str, wait: float = WAIT, lock: str = LOCK, fallback_to_soft: bool = True
) -> Iterator[None]:
    """Lock `folder`, created where missing, and remove what matches the glob patterns `leftovers` in it.

    `lock` is the name of the lock file. The lock is the operating system's, so a dead process does not hold it; where
    the file system has none, a lock file replaces it, or NotImplementedError is raised without `fallback_to_soft`.
    filelock.Timeout where another process holds it for more than `wait` seconds, OSError where the system refuses.
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
