"""Reports of many servers: at once here, on a cluster, and what happens when a server, a worker or all of them fail."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from lxml import html

from taskanalysis.errors import ExecutorError, Problem, ReportError
from taskanalysis.publish import fleet
from taskanalysis.publish.fleet import each_server
from taskanalysis.publish.workers import Workers
from tests.build import ROOT, processes, status, table, write, xml

FOLDERS = {name: Path(name) for name in "ABCD"}


class Team(Workers):
    """Workers that only count."""

    def __enter__(self) -> "Team":
        return self


@contextmanager
def team(number: int) -> Iterator[Workers]:
    with Team(min(number, 2), Path("nowhere")) as made:
        yield made


def test_servers_are_made_at_once_one_more_than_there_are_workers() -> None:
    together = threading.Barrier(3)

    def make(name: str, folder: Path, *, team: Workers) -> str:
        if name != "D":
            together.wait(timeout=30)
        return f"{name} {folder} {team.number}"

    assert dict(each_server(make, FOLDERS, team=team)) == {name: f"{name} {name} 2" for name in FOLDERS}


def test_server_that_fails_is_its_error_and_stops_no_other() -> None:
    def make(name: str, folder: Path, *, team: Workers) -> str:
        if name == "B":
            raise ReportError("its disk is full")
        return name

    made = dict(each_server(make, FOLDERS, team=team))
    assert str(made.pop("B")) == "its disk is full"
    assert made == {name: name for name in "ACD"}


def test_mistake_of_ours_ends_all_workers_and_is_raised() -> None:
    seen: list[Workers] = []

    def make(name: str, folder: Path, *, team: Workers) -> str:
        seen.append(team)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(each_server(make, FOLDERS, team=team))
    with pytest.raises(CancelledError):
        list(seen[0].run([None], seconds=1))  # type: ignore[list-item]


def test_without_the_cluster_the_servers_are_made_here_and_the_page_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def refuse(*_: object) -> Iterator[None]:
        raise ExecutorError("nobody answers")
        yield

    monkeypatch.setattr(fleet, "executor_for", refuse)
    problems: list[Problem] = []
    made = dict(each_server(lambda name, _, team: name, FOLDERS, team=team, cluster="tcp://a:1", problems=problems))
    assert made == {name: name for name in FOLDERS}
    assert problems == [Problem("executor", "nobody answers; the reports were made on this machine")]


# Real runs ------------------------------------------------------------------------------------------------------------


def share_of(folder: Path, *servers: str) -> Path:
    """A share of servers with a failing task each."""
    for server in servers:
        for hour in (0, 1):
            rows = status(last_run=hour - 0.5, code=1)
            write(folder, hour, rows, server=server, definitions={"\\OpenData\\Load": xml()})
    return folder


def command(share: Path, out: Path, *more: str) -> list[str]:
    options = ["--all-servers", "--data", str(share), "--reports", str(out), *more]
    return [sys.executable, "-m", "taskanalysis", "report", *options]


def check_servers(out: Path, *servers: str) -> None:
    """All servers have their reports, and the page above lists them."""
    page = html.document_fromstring((out / "index.html").read_text(encoding="utf-8"))
    assert sorted(row[0] for row in table(page, "Servers, those with most to do first")) == sorted(servers)
    for server in servers:
        for name in ("index.html", "latest/trends.html", "latest/status.json"):
            assert server in (out / "servers" / server / name).read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM that a program could catch")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_run_of_all_servers_that_is_stopped_leaves_no_process_and_the_next_is_whole(name: str, tmp_path: Path) -> None:
    servers = [f"S{n}" for n in range(6)]
    share, out, temporary = share_of(tmp_path / "share", *servers), tmp_path / "out", tmp_path / "tmp"
    temporary.mkdir()
    environment = os.environ | {"TMPDIR": str(temporary)}
    with subprocess.Popen(
        command(share, out),
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 (ignored in a background job)
    ) as run:
        assert run.stderr
        for line in run.stderr:
            if "1 of 6 servers done" in line:
                break
        family = psutil.Process(run.pid).children(recursive=True)
        run.send_signal(getattr(signal, name))
        _, said = run.communicate(timeout=60)
    _, alive = psutil.wait_procs(family, timeout=2)
    assert alive == []
    assert processes(str(temporary)) == []
    if name != "SIGKILL":
        assert (run.returncode, said.splitlines()[-1]) == (3, "taskanalysis: interrupted")
        assert list(temporary.iterdir()) == []
    assert not (out / "index.html").exists()
    subprocess.run(command(share, out), env=environment, check=True, capture_output=True)
    assert list(temporary.iterdir()) == []
    assert list((out / "servers").rglob("*.tmp")) == []
    check_servers(out, *servers)


class Cluster:
    """A scheduler, and a worker with a nanny, as `dask worker` starts one."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "scheduler.json"
        self.started: list[subprocess.Popen[bytes]] = []
        self.start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-jupyter")
        until = time.monotonic() + 60
        while not self.file.exists():
            assert time.monotonic() < until
            time.sleep(0.1)

    def start(self, kind: str, *more: str) -> subprocess.Popen[bytes]:
        module = [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--scheduler-file", str(self.file)]
        process = subprocess.Popen([*module, "--no-dashboard", *more], cwd=ROOT, stderr=subprocess.DEVNULL)
        self.started.append(process)
        return process

    @property
    def address(self) -> str:
        return str(json.loads(self.file.read_text(encoding="utf-8"))["address"])


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    yield made
    for process in made.started[::-1]:
        process.terminate()
        process.wait(timeout=60)


@pytest.mark.slow
def test_cluster_makes_the_reports_of_whole_servers(cluster: Cluster, tmp_path: Path) -> None:
    servers = [f"S{n}" for n in range(4)]
    share_of(tmp_path / "share", *servers)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    cluster.start("worker", "--nthreads", "2", "--host", "127.0.0.1", "--local-directory", str(tmp_path))
    more = ["--executor", cluster.address]
    environment = os.environ | {"TMPDIR": str(temporary)}
    with subprocess.Popen(
        command(Path("share"), Path("out"), *more), cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    ) as run:
        most = 0
        while run.poll() is None:
            most = max(most, len(processes(str(temporary))))
            time.sleep(0.1)
        assert run.stderr
        said = run.stderr.read()
    assert (run.returncode, most) == (0, 1), said  # none but itself on this machine
    assert "4 of 4 servers done" in said
    check_servers(tmp_path / "out", *servers)
    assert "executor" not in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_servers_of_a_cluster_that_is_lost_are_made_here(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = cluster.start("worker", "--nthreads", "1", "--no-nanny", "--host", "127.0.0.1")
    problems: list[Problem] = []
    results = each_server(_pid, FOLDERS, team=team, cluster=cluster.address, problems=problems)
    first = next(results)
    monkeypatch.setattr("taskanalysis.history.parallel.PATIENCE", 3.0)  # from here on
    worker.kill()
    made = dict([first, *results])
    assert made.keys() == FOLDERS.keys()
    assert first[1] != os.getpid()
    assert os.getpid() in made.values()
    assert [problem.what.startswith("left ") for problem in problems] == [True]


def _pid(name: str, folder: Path, *, team: Workers) -> int:
    time.sleep(0.5)
    return os.getpid()
