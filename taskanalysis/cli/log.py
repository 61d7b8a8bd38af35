"""A log of what scheduled commands print: one file for many processes, rotated, and never a reason to fail.

A line has the time (local, with offset), the machine, the process and the command. It is written under a lock of the
operating system, so that two processes neither mix their lines nor rotate at once. What is written was masked before.

>>> import tempfile
>>> with tempfile.TemporaryDirectory() as folder:
...     with logged(Path(folder) / "our.log", "collect"):
...         log_line("S: 3 tasks")
...     print((Path(folder) / "our.log").read_text(encoding="utf-8").splitlines()[1].rpartition("collect: ")[2])
S: 3 tasks
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from taskanalysis import __version__
from taskanalysis.text import one_line

MOST_BYTES = 1_000_000
KEPT = 3
"""Older files: NAME.1, the newest of them, to NAME.3."""
WAIT = 10
"""Seconds to wait for another process that writes a line."""


@contextmanager
def logged(file: Path | None, command: str) -> Iterator[None]:
    """Append what `log_line` gets to a file, with how the command began and ended; nothing without a file."""
    global _log  # noqa: PLW0603 (threads of a command print, too)
    if file is None:
        yield
        return
    before, _log = _log, _Log(file.absolute(), command)
    try:
        log_line(f"taskanalysis {__version__} begins")
        code: object = NOT_ENDED
        try:
            yield
            code = 0
        except SystemExit as ended:
            code = ended.code or 0
            raise
        finally:
            log_line(f"ended with exit code {code}" if code is not NOT_ENDED else "ended by an error of usage")
    finally:
        _log = before


NOT_ENDED = object()


def log_line(line: str) -> None:
    """Append a line, masked and without control characters, to the log of the running command, if it has one."""
    if _log:
        _log.write(line)


@dataclass
class _Log:
    """The log file of a command. After the first line that can't be written, which is a warning, nothing is."""

    file: Path
    command: str
    is_broken: bool = False

    def write(self, line: str) -> None:
        from filelock import Timeout  # noqa: PLC0415 (slow)

        from taskanalysis.snapshot import locked  # noqa: PLC0415 (lxml)

        if self.is_broken:
            return
        now = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
        text = f"{now} {platform.node()} {os.getpid()} {self.command}: {one_line(line)}\n"
        try:
            with locked(self.file.parent, wait=WAIT, lock=f".{self.file.name}.lock"):
                content = text.encode("utf-8", "backslashreplace")
                if self.file.exists() and self.file.stat().st_size + len(content) > MOST_BYTES:
                    self._rotate()
                with self.file.open("ab") as out:
                    out.write(content)
        except (OSError, Timeout) as error:
            self.is_broken = True
            why = getattr(error, "strerror", None) or type(error).__name__
            print(one_line(f"WARNING the log {self.file} can't be written ({why})"), file=sys.stderr)  # noqa: T201

    def _rotate(self) -> None:
        """Make room; the oldest file goes. Where another program holds one open, the log grows until it is closed."""
        from taskanalysis.snapshot import rename  # noqa: PLC0415 (lxml)

        names = [self.file, *(self.file.with_name(f"{self.file.name}.{number}") for number in range(1, KEPT + 1))]
        with suppress(OSError):
            for younger, older in reversed([*pairwise(names)]):
                if younger.exists():
                    rename(younger, older, seconds=0)  # the next line tries again


_log: _Log | None = None
