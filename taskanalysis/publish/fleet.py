"""Make the reports of many servers: some at once on this machine, or each on a worker of a Dask cluster.

A server that a cluster can't make is made on this machine, so the result does not depend on it.

>>> [name for name, _ in each_server(lambda name, folder: name.lower(), {"A": Path("a"), "B": Path("b")})]
['A', 'B']
"""

from __future__ import annotations

import atexit
import logging
import multiprocessing
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from taskanalysis.errors import ExecutorError, Problem, TaskAnalysisError
from taskanalysis.history import executor_for
from taskanalysis.publish.workers import MOST_WAIT, Workers
from taskanalysis.text import clip, count

Made = TypeVar("Made")
Team = Callable[[int], AbstractContextManager[Workers]]
"""Gives workers for a number of notebooks."""
_log = logging.getLogger(__name__)


def each_server(
    make: Callable[..., Made],
    folders: Mapping[str, Path],
    *,
    team: Team | None = None,
    cluster: str = "",
    problems: list[Problem] | None = None,
) -> Iterator[tuple[str, Made | TaskAnalysisError]]:
    """Call `make` with each server and its folder; yield both its name and what was made or failed, as each is ready.

    With a `team`, `make` also gets the workers as ``team=``, and some servers are made at once. `cluster` is the
    address of a Dask scheduler; `make` goes there by its name, and why the cluster is not used is added to `problems`.
    """
    rest = dict(folders)
    if cluster and team:
        problems = [] if problems is None else problems
        try:
            with executor_for(len(rest), cluster) as executor:
                there = partial(_made_there, make, team)
                futures = {executor.submit(there, *each): each[0] for each in rest.items()} if executor else {}
                for name, done in _on_cluster(futures, problems):
                    del rest[name]
                    yield name, done
        except ExecutorError as error:
            problems.append(Problem("executor", f"{error}; the reports were made on this machine"))
    if not rest:
        return
    if not team:
        yield from (_made(make, *each) for each in rest.items())
        return
    with team(len(rest)) as workers:
        yield from _at_once(make, rest, workers)


def _made(make: Callable[..., Made], name: str, folder: Path, **more: Any) -> tuple[str, Made | TaskAnalysisError]:
    try:
        return name, make(name, folder, **more)
    except TaskAnalysisError as error:
        return name, error


def _at_once(
    make: Callable[..., Made], folders: Mapping[str, Path], team: Workers
) -> Iterator[tuple[str, Made | TaskAnalysisError]]:
    """While all workers are busy, one server more is read or published."""
    with ThreadPoolExecutor(team.number + 1) as threads:
        futures = {threads.submit(partial(_made, make, team=team), *each) for each in folders.items()}
        try:
            yield from (future.result() for future in _as_ready(futures))
        except BaseException:
            team.end()
            threads.shutdown(wait=False, cancel_futures=True)
            raise


def _as_ready(futures: Iterable[Future[Made]]) -> Iterator[Future[Made]]:
    """Each as it is done; signals are seen in between."""
    waiting = set(futures)
    while waiting:
        ready, waiting = wait(waiting, MOST_WAIT, FIRST_COMPLETED)
        yield from ready


# On a cluster ---------------------------------------------------------------------------------------------------------


def _on_cluster(
    futures: Mapping[Future[tuple[str, Made | TaskAnalysisError]], str], problems: list[Problem]
) -> Iterator[tuple[str, Made | TaskAnalysisError]]:
    """What the cluster made; why it did not make the others becomes one problem."""
    why: list[str] = []
    try:
        for future in _as_ready(futures):
            try:
                done = future.result()
            except Exception as error:
                _log.info("cluster: %s", futures[future], exc_info=True)
                why.append(clip(f"{futures[future]}: {type(error).__name__}: {error}", 200))
            else:
                yield done
    except BaseException:
        for future in futures:
            future.cancel()
        raise
    if why:
        left = count(len(why), "server")
        problems.append(Problem("executor", f"left {left} of {len(futures)} to this machine ({why[0]})"))


def _made_there(make: Callable[..., Made], team: Team, name: str, folder: Path) -> tuple[str, Made | TaskAnalysisError]:
    """On a worker of the cluster: with the notebook workers of that process, which are kept for the next server."""
    with _LOCK:
        if not _KEPT:
            _KEPT.append(_started(team))
    return _made(make, name, folder, team=_KEPT[0])


_LOCK = threading.Lock()
_KEPT: list[Workers] = []


def _started(team: Team) -> Workers:
    from distributed import get_worker  # noqa: PLC0415 (an extra)

    # Dask's nanny forbids its process to have others, which would outlive it: ours end with it
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(team(get_worker().state.nthreads))
