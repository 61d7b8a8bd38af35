"""Jobs in this process, in a pool, and on a real Dask cluster of local processes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks.history import Share
from taskanalysis.cli import main
from taskanalysis.errors import ExecutorError, Problem
from taskanalysis.history import parallel as executors
from taskanalysis.history.frames import read_history
from taskanalysis.history.parallel import MANY, each_in, executor_for, is_address
from taskanalysis.history.store import open_store, update_store
from taskanalysis.history.upkeep import rebuild
from taskanalysis.publish.make import renew_history
from tests.build import assert_same, status, store_files, write

NOBODY = "tcp://127.0.0.1:9"


class Breaking(ThreadPoolExecutor):
    """An executor that breaks after a number of jobs."""

    def __init__(self, after: int) -> None:
        super().__init__(1)
        self.after = after

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.after -= 1
        if self.after < 0:
            failed: Future[Any] = Future()
            failed.set_exception(BrokenExecutor("a process died"))
            return failed
        return super().submit(fn, *args, **kwargs)


@pytest.mark.parametrize("after", [0, 2, 9])
def test_jobs_that_an_executor_fails_to_run_are_run_here_and_reported(after: int) -> None:
    problems: list[Problem] = []
    with Breaking(after) as executor:
        assert list(each_in(executor, str.upper, "abcd", problems)) == ["A", "B", "C", "D"]
    gave_up = Problem("executor", f"failed after {after} of 4 jobs (BrokenExecutor: a process died)")
    assert problems == ([] if after > 4 else [gave_up])


def test_error_of_a_job_is_raised_with_any_executor() -> None:
    with ThreadPoolExecutor(1) as executor, pytest.raises(ValueError, match="invalid literal"):
        list(each_in(executor, int, ["1", "x"], []))


def test_store_does_not_depend_on_the_executor(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for data in (whole, broken):
        for hour in (0, 24, 48):
            write(data, hour, status(last_run=hour - 1))
    with ThreadPoolExecutor(3) as executor:
        assert update_store(whole, executor=executor) == []
    with Breaking(1) as executor:
        assert [problem.file for problem in update_store(broken, executor=executor)] == ["executor"]
    stores = store_files(whole), store_files(broken)
    assert stores[0] == stores[1]
    rebuild(whole)
    assert update_store(whole) == []
    assert (store_files(whole), len(stores[0])) == (stores[0], 3)


def test_pool_is_started_only_for_many_jobs() -> None:
    with executor_for(MANY - 1) as executor:
        assert executor is None
    with executor_for(MANY) as executor:
        assert executor
        assert list(executor.map(len, ["ab", "c"])) == [2, 1]


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("tcp://scheduler.town.example:8786", True),
        ("tls://[fe80::1]:8786", True),
        ("tcp://host", False),
        ("http://host:8786", False),
        ("host:8786", False),
        ("tcp://user:secret@host:8786", False),
        ("", False),
    ],
)
def test_address_of_a_scheduler(text: str, right: bool) -> None:
    assert is_address(text) == right


@pytest.mark.parametrize("command", ["report", "history"])
def test_invalid_address_is_bad_usage(command: str) -> None:
    done = CliRunner().invoke(main, [command, "--executor", "http://host"])
    assert done.exit_code == 2
    assert "'http://host' is not the address of a Dask scheduler, such as tcp://HOST:8786" in done.output


def test_without_dask_the_command_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    write(tmp_path, 0, status())
    done = CliRunner().invoke(main, ["history", "--data", str(tmp_path), "--executor", NOBODY])
    assert done.exit_code == 3
    assert done.output == 'taskanalysis: Dask is not installed: pip install "taskanalysis[fleet]"\n'


def test_history_is_built_without_the_cluster_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    write(tmp_path, 0, status())
    (problem,) = renew_history(tmp_path, NOBODY)
    assert problem.what.endswith('pip install "taskanalysis[fleet]"; the history was built on this machine')
    assert open_store(tmp_path).stale() == []
    assert renew_history(tmp_path, NOBODY) == []  # nothing is new: nobody is asked


# A real cluster -------------------------------------------------------------------------------------------------------


class Cluster:
    """A scheduler and workers, each a process of its own."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.file, self.stack = folder / "scheduler.json", stack
        self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-jupyter")
        until = time.monotonic() + 60
        while not self.file.exists() and time.monotonic() < until:
            time.sleep(0.1)
        self.address: str = json.loads(self.file.read_text(encoding="utf-8"))["address"]

    def worker(self) -> subprocess.Popen[bytes]:
        """Another worker."""
        return self._start("worker", "--nthreads", "1", "--no-nanny", "--host", "127.0.0.1")

    def _start(self, kind: str, *more: str) -> subprocess.Popen[bytes]:
        module = f"distributed.cli.dask_{kind}"
        command = [sys.executable, "-m", module, "--scheduler-file", str(self.file), "--no-dashboard", *more]
        environment = os.environ | {"DASK_DISTRIBUTED__WORKER__DAEMON": "True"}
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment)
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        return process


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with ExitStack() as stack:
        yield Cluster(tmp_path, stack)


def refused(address: str, why: str) -> None:
    with pytest.raises(ExecutorError, match=why), executor_for(1, address):
        pass


def test_unreachable_scheduler_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "PATIENCE", 0.2)
    refused(NOBODY, f"the Dask scheduler {NOBODY} can't be reached")


@pytest.mark.slow
def test_cluster_that_loses_a_worker_gives_the_same_store(cluster: Cluster, tmp_path: Path) -> None:
    share = tmp_path / "share"
    Share(share, 60).grow(40 * 96)  # 40 days of 60 tasks, each day a piece of work of some tenths of a second
    workers = [cluster.worker(), cluster.worker()]
    command = [sys.executable, "-m", "taskanalysis", "history", "--data", str(share), "--executor", cluster.address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        until = time.monotonic() + 120
        while not store_files(share) and time.monotonic() < until:
            time.sleep(0.01)
        workers[0].kill()
        killed_at = len(store_files(share))
        output, _ = process.communicate(timeout=240)
    assert process.returncode == 0, output
    assert 0 < killed_at < 40
    assert "PROBLEM" not in output
    on_cluster, history = store_files(share), read_history(share, update=False)
    for file in (share / "history").rglob("*.parquet"):
        file.unlink()
    assert update_store(share) == []
    assert store_files(share) == on_cluster
    assert len(on_cluster) == 40
    assert_same(history, read_history(share, update=False))


@pytest.mark.slow
def test_cluster_that_loses_all_workers_leaves_the_rest_to_this_process(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = cluster.worker()
    problems: list[Problem] = []
    with executor_for(8, cluster.address) as executor:
        monkeypatch.setattr(executors, "PATIENCE", 2.0)
        done = each_in(executor, time.sleep, [0.3] * 8, problems)
        next(done)
        worker.kill()
        assert list(done) == [None] * 7
    assert [problem.what.startswith("failed after ") for problem in problems] == [True]


@pytest.mark.slow
def test_cluster_without_workers_or_with_another_version_is_refused(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(executors, "PATIENCE", 3.0)
        refused(cluster.address, "has no workers")
    cluster.worker()
    monkeypatch.setattr(executors, "__version__", "9.9.9")
    refused(cluster.address, r"must have taskanalysis 9\.9\.9, and tcp://.* has 0\.1\.0")
