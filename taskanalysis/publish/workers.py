"""Processes that run notebooks at once, within a time limit, and leave nothing behind however they end.

Each works in a folder of a local temporary one, which is locked while its owner lives: what a killed run left is
removed by the next. A process ends when its stdin does, so it outlives its parent by a moment at most.

>>> with workplace() as folder:
...     folder.is_dir()
True
>>> folder.exists()
False
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, Self

import psutil  # type: ignore[import-untyped]
from filelock import FileLock, Timeout

from taskanalysis.publish.execute import OUTCOME, Failure, last_started

__all__ = ["RUN_SECONDS", "Workers", "stoppable", "workplace"]

RUN_SECONDS = 3600
POLL = 0.05  # seconds
PREFIX = "taskanalysis-"


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM, a closed console and Ctrl-Break end this process as Ctrl-C does: by KeyboardInterrupt, once.

    Task Scheduler's "End" sends no signal; after it only the next run can clean up.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread gets signals
        return
    known = [getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")]
    # what nohup or a shell told this process to ignore stays ignored
    numbers = [each for each in known if each and signal.getsignal(each) != signal.SIG_IGN]

    def stop(number: int, _: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)  # a second one must not stop the cleaning up
        logging.getLogger(__name__).info("stopped by signal %d", number)
        raise KeyboardInterrupt

    before = {each: signal.signal(each, stop) for each in numbers}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def workplace() -> Iterator[Path]:
    """A new local temporary folder, removed at the end; those of runs that were killed are removed first."""
    root = Path(tempfile.gettempdir())
    for lock in root.glob(f"{PREFIX}*.lock"):
        with suppress(OSError, Timeout):
            with FileLock(lock, timeout=0):  # it is held while its owner lives
                _remove(lock.with_suffix(""))
            if not lock.with_suffix("").exists():
                lock.unlink(missing_ok=True)
    folder = root / f"{PREFIX}{secrets.token_hex(6)}"
    lock = folder.with_suffix(".lock")
    try:
        with FileLock(lock):
            try:
                folder.mkdir(mode=0o700)
                yield folder
            finally:
                _remove(folder)
    finally:
        with suppress(OSError):
            lock.unlink(missing_ok=True)


def _remove(folder: Path) -> None:
    for _ in range(20):  # the last process of a killed run may still write
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            break
        time.sleep(POLL)


class Workers:
    """A process for each name, started at once so that it imports what it needs before it gets its job."""

    def __init__(self, names: Sequence[str], folder: Path, *, verbose: bool = False) -> None:
        self.verbose = verbose
        self.folders = {name: folder / name for name in names}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._said = {name: folder / f"{name}.log" for name in names}

    def __enter__(self) -> Self:
        """Start the processes."""
        try:
            for name, folder in self.folders.items():
                self._processes[name] = self._start(name, folder)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End all of them, with their kernels."""
        for process in self._processes.values():
            _end(process)

    def _start(self, name: str, folder: Path) -> subprocess.Popen[bytes]:
        own = folder / ".tmp"
        own.mkdir(parents=True)
        with self._said[name].open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "taskanalysis.publish.execute"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=None if self.verbose else log,
                cwd=folder,
                env=os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(own)),
                # Ctrl-C is for the process that started them: it ends them, and then cleans up
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )

    def run(self, jobs: Mapping[str, Mapping[str, Any]], *, seconds: float = RUN_SECONDS) -> Iterator[Failure | str]:
        """Give each process its job (arguments of `run_notebook`); yields as they end the name, or what failed.

        Those that are not done after so many seconds are ended, and have failed.
        """
        for name, job in jobs.items():
            line = json.dumps({"name": name, "verbose": self.verbose, **job}) + "\n"
            stdin = self._processes[name].stdin
            with suppress(OSError):  # it died: told below
                if stdin:
                    stdin.write(line.encode())
                    stdin.flush()
        waiting, until = list(jobs), time.monotonic() + seconds
        while waiting:
            ended = [name for name in waiting if self._processes[name].poll() is not None]
            for name in ended:
                waiting.remove(name)
                yield self._outcome(name)
            if waiting and time.monotonic() > until:
                for name in waiting:
                    _end(self._processes[name])
                    cell = last_started(self.folders[name] / f"{name}.ipynb")
                    yield Failure(name, f"{name}.ipynb: was stopped, because the run took {seconds:g} seconds", cell)
                return
            if not ended:
                time.sleep(POLL)

    def _outcome(self, name: str) -> Failure | str:
        try:
            found = json.loads((self.folders[name] / OUTCOME).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            log = self._said[name].read_text(encoding="utf-8", errors="replace").strip()
            code = self._processes[name].returncode
            last = f": {log.splitlines()[-1]}" if log else ""
            cell = last_started(self.folders[name] / f"{name}.ipynb")
            return Failure(name, f"{name}.ipynb: its process ended with code {code}{last}", cell, log)
        return Failure(**found) if found else name


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with all that it started, and wait until they are gone."""
    if process.stdin:
        with suppress(OSError):
            process.stdin.close()
    if process.poll() is not None:
        return
    with suppress(psutil.Error):
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        for each in family:
            with suppress(psutil.Error):
                each.kill()
        psutil.wait_procs(family, timeout=5)
    process.wait()
