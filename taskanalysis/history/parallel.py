r"""Run independent jobs in this process, in a process pool, or on a Dask cluster.

Each is a standard executor (`concurrent.futures`), None for this process. Jobs that an executor fails to run are run in
this process, so the result does not depend on it.

>>> with executor_for(3) as executor:
...     list(each_in(executor, str.upper, ["a", "b", "c"], []))
['A', 'B', 'C']
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from taskanalysis import __version__
from taskanalysis.errors import ExecutorError, Problem
from taskanalysis.text import clip

MANY = 120
"""Jobs: fewer are finished before other processes have started."""
PATIENCE = 30.0
"""Seconds that a cluster may take to answer, or be without a worker."""

Piece = TypeVar("Piece")
Done = TypeVar("Done")
_log = logging.getLogger(__name__)


def is_address(text: str) -> bool:
    """Whether `text` is the address of a Dask scheduler.

    >>> is_address("tcp://10.0.0.5:8786"), is_address("10.0.0.5")
    (True, False)
    """
    return bool(re.fullmatch(r"(?:tcp|tls)://(?:[\w.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}", text))


@contextmanager
def executor_for(pieces: int, address: str = "") -> Iterator[Executor | None]:
    """An executor for a number of jobs of some hundredths of a second each.

    `address` names a Dask scheduler (``tcp://HOST:8786``), whose workers must see the data under the same path and have
    this version of the package. Without it: a pool with a process per processor, or None for few jobs. ExecutorError
    where the cluster can't be used.
    """
    if address and pieces:
        with _cluster(address) as executor:
            yield executor
    elif pieces < MANY:
        yield None
    else:
        # not forked: this process may have threads; and no orphans, should it be killed
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(mp_context=spawn, initializer=end_with_parent) as pool:
            yield pool


def each_in(
    executor: Executor | None, work: Callable[[Piece], Done], pieces: Iterable[Piece], problems: list[Problem]
) -> Iterator[Done]:
    """The results of `work` for each piece, in order. Where the executor fails, this process continues.

    The failure is added to `problems`. An error of the work itself is raised from this process.
    """
    pieces, done = list(pieces), 0
    if executor:
        try:
            for result in executor.map(work, pieces):
                yield result
                done += 1
        except Exception as error:
            _log.info("executor", exc_info=True)
            why = clip(f"{type(error).__name__}: {error}", 200)
            problems.append(Problem("executor", f"failed after {done} of {len(pieces)} jobs ({why})"))
    yield from map(work, pieces[done:])


def end_with_parent(end: Callable[[], object] | None = None) -> None:
    """End this process, which `multiprocessing` started, as soon as its parent is gone; `end` is called before."""
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent:
            parent.join()
            if end:
                end()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


# Dask -----------------------------------------------------------------------------------------------------------------


@contextmanager
def _cluster(address: str) -> Iterator[Executor]:
    try:
        from distributed import Client  # noqa: PLC0415 (an extra)
    except ImportError:
        raise ExecutorError('Dask is not installed: pip install "taskanalysis[fleet]"') from None
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:  # a TimeoutError is an OSError
        raise ExecutorError(f"the Dask scheduler {address} can't be reached ({clip(str(error), 160)})") from None
    with client:
        _check_workers(client, address)
        threading.Thread(target=_close_without_workers, args=(client,), daemon=True).start()
        # not pure: a file that could not be opened a moment ago is tried again
        yield client.get_executor(pure=False)


def _check_workers(client: Any, address: str) -> None:
    """ExecutorError where there is no worker, or one that has another version of this package or none."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
        versions = client.run(_version)
    except TimeoutError:
        raise ExecutorError(f"the Dask scheduler {address} has no workers") from None
    except ImportError as error:
        raise ExecutorError(f"a worker of {address} lacks taskanalysis {__version__} ({error})") from None
    other = sorted({f"{worker} has {version}" for worker, version in versions.items() if version != __version__})
    if other:
        raise ExecutorError(f"all workers of {address} must have taskanalysis {__version__}, and {other[0]}")


def _version() -> str:
    return __version__


def _close_without_workers(client: Any) -> None:
    """End the client of a cluster that has lost all its workers: Dask would wait for new ones without end."""
    seen = time.monotonic()
    while client.status == "running":
        if client.scheduler_info()["workers"]:
            seen = time.monotonic()
        elif time.monotonic() > seen + PATIENCE:
            client.close()
            return
        time.sleep(1)
