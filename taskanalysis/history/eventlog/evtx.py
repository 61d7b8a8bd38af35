"""Records of ``.evtx`` files, read with the package evtx (the extra ``eventlog``) in a process of its own.

A damaged file can keep the package from ever returning, and no other thread of its process runs meanwhile.

Authority: libyal/libevtx, "Windows XML Event Log (EVTX) format".
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from taskanalysis.history.eventlog import child
from taskanalysis.text import count

MAGIC, _HEADER, _CHUNK = b"ElfFile\0", 4096, 65536
PROVIDER = "Microsoft-Windows-TaskScheduler"
_SECONDS, _MIB = 10, 1 << 20


EvtxRecord = tuple[str, int, str, str, dict[str, Any]]
"""Provider, id, time as text, ActivityID ("" without one), data by their names in the provider's manifest."""
_decoder = json.JSONDecoder(strict=False)


class EvtxError(Exception):
    """A file that could not be read, or not to its end."""


class EvtxReader:
    """Reads ``.evtx`` files in a child process, started with the first file and used for all.

    Use it in a ``with`` statement, which ends the child. A file may take 10 seconds and one more for each MiB (of which
    the package reads about 100 a second); then the child ends itself, also where this process was killed.
    """

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._seconds = seconds
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> EvtxReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def records(self, path: Path) -> Iterator[EvtxRecord | str]:
        """Each record of a file, or why it can't be read; EvtxError, after those, for a problem of the whole file."""
        package = find_spec("evtx")
        if not package or not package.origin:
            raise EvtxError("needs the package evtx: pip install 'taskanalysis[eventlog]'")
        size = path.stat().st_size
        for line in self._answer(path, self._seconds + size / _MIB, Path(package.origin).parents[1]):
            try:
                yield _decoder.raw_decode(line.decode("utf-8", "replace"))[0]
            except (ValueError, RecursionError) as error:
                yield str(error)
        if (size - _HEADER) % _CHUNK:
            raise EvtxError("is cut off; what is whole was read")

    def _answer(self, path: Path, seconds: float, packages: Path) -> Iterator[bytes]:
        is_whole, began = False, time.monotonic()
        try:
            process = self._child = self._child or _start(packages)
            if process.stdin and process.stdout:
                with suppress(BrokenPipeError):  # the child was killed since the last file
                    process.stdin.write(json.dumps([os.fspath(path), seconds]).encode() + b"\n")
                    process.stdin.flush()
                for line in process.stdout:
                    if is_whole := line == b"null\n":
                        return
                    if line.endswith(b"\n"):  # else the child ended while it wrote
                        yield line
            code = process.wait()
        finally:
            if not is_whole:
                self._end()
        if time.monotonic() - began >= seconds:
            raise EvtxError(f"was not read to its end within {count(round(seconds), 'second')}; it may be damaged")
        raise EvtxError(f"was not read to its end: the package evtx failed (exit code {code})")

    def _end(self) -> None:
        process, self._child = self._child, None
        if process:
            process.kill()
            with suppress(BrokenPipeError), process:  # closes its pipes and waits
                pass


def _start(packages: Path) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-S", child.__file__, os.fspath(packages)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise EvtxError(f"can't be read: no process can be started for it ({error})") from error
