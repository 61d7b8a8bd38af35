"""Run notebooks in child processes that are warmed once and used for many, with timeouts and guaranteed cleanup.

Each worker takes one notebook after the other and returns its page, rendered and checked. The processes are spawned,
so that Windows and Linux do the same. One that dies, hangs or outlives its time is replaced, and only its notebook has
failed; a worker whose parent is gone ends.

>>> job = Job("status", Path("status.ipynb"), {"data": "data"})
>>> job.cell_seconds
900
"""

from __future__ import annotations

import ast
import faulthandler
import gc
import logging
import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING, Any, Self

from taskanalysis.history import end_with_parent
from taskanalysis.publish.notebooks import (
    CELL_SECONDS,
    RUN_SECONDS,
    Failure,
    cell_words,
    run_notebook,
    without_slow_imports,
)
from taskanalysis.publish.pages import Rendered, find_faults, render_cells
from taskanalysis.text import clip

if TYPE_CHECKING:
    from nbformat import NotebookNode

MOST_WAIT = 0.5
"""Seconds after which a wait looks for signals: on Windows none interrupts it."""


@dataclass(frozen=True)
class Job:
    """A notebook to run with its parameters, for the report of that name."""

    report: str
    source: Path
    parameters: Mapping[str, Any]
    cell_seconds: float = CELL_SECONDS


@contextmanager
def stoppable() -> Iterator[None]:
    """Make SIGTERM, a closed console and Ctrl-Break raise KeyboardInterrupt, once, as Ctrl-C does.

    Task Scheduler's "End" sends no signal; after it only the next run can clean up.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread gets signals
        return
    signals = [getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")]
    # what nohup or a shell had this process ignore stays ignored
    numbers = [number for number in signals if number and signal.getsignal(number) != signal.SIG_IGN]

    def stop(number: int, _: FrameType | None) -> None:
        for later in numbers:
            signal.signal(later, signal.SIG_IGN)  # a second one must not interrupt the cleanup
        logging.getLogger(__name__).info("stopped by signal %d", number)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# The parent's side ----------------------------------------------------------------------------------------------------


class Workers:
    """As many worker processes as `number`, which first import what the notebooks in `sources` import.

    Their temporary files and logs are in `folder`. Threads may share them: one queue of notebooks, first come first
    served.
    """

    def __init__(self, number: int, folder: Path, sources: Sequence[Path] = (), *, verbose: bool = False) -> None:
        self.number, self.folder = number, folder
        self._given = tuple(sources), verbose
        self._names = count(1)
        self._all: set[_Worker] = set()
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        self._threads = ThreadPoolExecutor(number)
        self._is_ended, self._lock = False, threading.Lock()

    def __enter__(self) -> Self:
        """Start the processes."""
        try:
            for _ in range(self.number):
                self._idle.put(self._start())
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End all processes."""
        self.end()
        self._threads.shutdown(cancel_futures=True)

    def end(self) -> None:
        """End all processes; threads that wait for them get a CancelledError."""
        with self._lock:  # no other starts now
            self._is_ended = True
        for worker in self._all:
            worker.end()

    def run(
        self, jobs: Sequence[Job], *, seconds: float = RUN_SECONDS, apart: bool = True
    ) -> Iterator[tuple[Job, Rendered | Failure]]:
        """As each notebook is done, its job with the page or with the failure.

        Where not `apart`, one worker runs them all, one after the other. Those that are not done after `seconds` are
        stopped and have failed. CancelledError after `end`.
        """
        if self._is_ended:
            raise CancelledError
        until, done = time.monotonic() + seconds, SimpleQueue[tuple[Job, Rendered | Failure]]()
        batches = [[job] for job in jobs] if apart else [jobs]
        running = [self._threads.submit(self._run, batch, until, seconds, done.put) for batch in batches]
        for _ in jobs:
            result = None
            while not result:
                if self._is_ended:
                    raise CancelledError
                with suppress(Empty):
                    result = done.get(timeout=MOST_WAIT)
                    continue
                for future in (future for future in running if future.done()):
                    future.result()  # where a worker could not be replaced
            yield result

    def _run(
        self,
        jobs: Iterable[Job],
        until: float,
        seconds: float,
        put: Callable[[tuple[Job, Rendered | Failure]], object],
    ) -> None:
        worker = self._idle.get()
        try:
            for job in jobs:
                if not worker.process.is_alive():
                    worker.end()
                    worker = self._start(worker)
                put((job, worker.run(job, until, seconds)))
        finally:
            self._idle.put(worker)

    def _start(self, dead: _Worker | None = None) -> _Worker:
        with self._lock:
            if self._is_ended:
                raise CancelledError
            worker = _Worker(self.folder / f"worker-{next(self._names)}", *self._given)
            self._all = self._all - {dead} | {worker}
        return worker


class _Worker:
    """A worker process, seen from its parent."""

    def __init__(self, folder: Path, sources: Sequence[Path], verbose: bool) -> None:
        folder.mkdir(parents=True)
        self.log, self.is_ended = folder / "log", False
        spawn = multiprocessing.get_context("spawn")
        self.pipe, other = spawn.Pipe()
        self.process = spawn.Process(target=work, args=(other, folder, self.log, sources, verbose))
        with other, _interrupts_held():
            self.process.start()

    def run(self, job: Job, until: float, seconds: float) -> Rendered | Failure:
        """Run a notebook; a failure where it is not done at `until` (monotonic) or the process dies."""
        cell, since = "", 0.0
        try:
            self.pipe.send(job)
            while self.pipe.poll(max(until - time.monotonic(), 0)):
                said = self.pipe.recv()
                if not isinstance(said, str):
                    return said  # type: ignore[no-any-return]
                cell, since = said, time.monotonic()
        except (EOFError, OSError):
            self.process.join(MOST_WAIT)
            self.end()
            return self._died(job, cell, late=bool(cell) and time.monotonic() - since >= job.cell_seconds)
        self.end()
        what = f"{job.source.name}: stopped, because the run exceeded {seconds:g} seconds"
        return Failure(job.report, what, cell)

    def _died(self, job: Job, cell: str, late: bool) -> Failure:
        """The failure of a process that ended in `cell`; the engine ends one whose cell is too late."""
        name, log = job.source.name, self.log.read_text(encoding="utf-8", errors="replace").strip()
        if late:
            what = f"exceeded {job.cell_seconds:g} seconds"
            error = f"The cell was stopped after {job.cell_seconds:g} seconds.\n{log}"
            return Failure(job.report, f"{name}: {cell_words(cell)} {what}", cell, error)
        code = f"its process ended with code {self.process.exitcode}"
        if cell:
            return Failure(job.report, f"{name}: {cell_words(cell)} did not complete: {code}", cell, log)
        last = f": {log.splitlines()[-1]}" if log else ""
        return Failure(job.report, f"{name}: {code}{last}", "", log)

    def end(self) -> None:
        """Kill the process, with what a notebook started there, and wait until it is gone."""
        if self.is_ended:
            return  # its number may be that of another
        self.is_ended = True
        if hasattr(os, "killpg") and self.process.pid:
            with suppress(OSError):  # it has no group yet, or none any more
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.join()
        self.pipe.close()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back until a process has started, which then never gets one: its parent ends it."""
    if not hasattr(signal, "pthread_sigmask"):  # on Windows the process ignores it, once it runs
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# The worker's side ----------------------------------------------------------------------------------------------------


def work(pipe: Connection, folder: Path, log: Path, sources: Sequence[Path], verbose: bool) -> None:
    """Run the jobs that come through `pipe` until it ends; send the source of each cell as it begins, then the page."""
    _settle(folder, log, verbose)
    _warm(sources)
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        os.truncate(log, 0)
        if verbose:
            name = f"{job.parameters.get('server', '')} {job.report}".strip().replace("%", "%%")
            logging.basicConfig(level=logging.INFO, format=f"{name}: %(message)s", force=True)
        pipe.send(_page(job, pipe.send))


def _settle(folder: Path, log: Path, verbose: bool) -> None:
    """Be a process that ends with its parent, and that writes temporary files and its log into its own folder."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end = None
    if hasattr(os, "setsid"):
        os.setsid()
        end = lambda: os.killpg(0, signal.SIGKILL)  # noqa: E731
    end_with_parent(end)
    with log.open("ab") as file:
        for number in (1, 2)[: 1 if verbose else 2]:
            os.dup2(file.fileno(), number)
    faulthandler.enable(2)
    os.environ.update(dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder)))
    tempfile.tempdir = None


def _warm(sources: Sequence[Path]) -> None:
    """Import what notebooks need, and what they import."""
    gc.disable()  # nothing of it is garbage
    without_slow_imports()
    import nbformat  # noqa: PLC0415

    from taskanalysis.publish import engine  # noqa: F401, PLC0415

    render_cells(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("#")]))
    for source in sources:
        with suppress(Exception):  # a notebook that can't be read or imported has a failure when it is run
            for cell in nbformat.read(source, as_version=4).cells:
                if cell.cell_type == "code":
                    _import(ast.parse(cell.source).body)
    gc.freeze()  # what is there now stays: looking for garbage takes a tenth of the time
    gc.enable()


def _import(statements: Iterable[ast.stmt]) -> None:
    """Import what these statements import, and run nothing else of them."""
    for node in statements:
        if isinstance(node, ast.Import):
            for alias in node.names:
                import_module(alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module:
            module = import_module(node.module)
            for alias in node.names:
                getattr(module, alias.name)  # a name that is loaded late


def _page(job: Job, say: Callable[[str], object]) -> Rendered | Failure:
    """The page of a notebook, which is run here."""
    import nbformat  # noqa: PLC0415

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        options: dict[str, Any] = {"cell_seconds": job.cell_seconds, "on_cell": say}
        try:
            failure = run_notebook(job.report, job.source, job.parameters, folder, **options)
            return failure or page_of(job, nbformat.read(folder / f"{job.report}.ipynb", as_version=4))
        except Exception as error:  # the worker goes on
            logging.getLogger(__name__).info("%s", job.source, exc_info=True)
            return Failure(job.report, f"{job.source.name}: {type(error).__name__}: {clip(str(error), 200)}")


def page_of(job: Job, notebook: NotebookNode) -> Rendered | Failure:
    """The page of an executed notebook; one that readers must not get is a failure."""
    rendered = render_cells(notebook)
    faults = find_faults(rendered.body)
    return Failure(job.report, f"{job.source.name}: {faults[0]}", "", "\n".join(faults)) if faults else rendered
