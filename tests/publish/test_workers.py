"""Notebooks in child processes: failures, timeouts, signals, and that nothing of them is left."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from lxml import html

from taskanalysis.publish import workers
from taskanalysis.publish.folder import workplace
from taskanalysis.publish.notebooks import Failure
from taskanalysis.publish.pages import Rendered
from taskanalysis.publish.workers import Job, Workers
from tests.build import notebook_of, processes

MOST = 60.0
"""Seconds for what takes one on a quiet machine."""


@contextmanager
def team(number: int = 1) -> Iterator[Workers]:
    with workplace() as work, Workers(number, work) as made:
        yield made


def job(file: Path, *sources: str, report: str = "", cell_seconds: float = 600, **parameters: Any) -> Job:
    """The job of a notebook that is written there."""
    notebook_of(file, *sources)
    return Job(report or file.stem, file, parameters, cell_seconds)


def wait_until(is_so: Callable[[], object], seconds: float = MOST) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.05)


KILLED = 15 if os.name == "nt" else -15
DEADLY = {
    "import os; os._exit(7)": "did not complete: its process ended with code 7",
    "import sys; sys.exit(0)": "did not complete",
    "import time; time.sleep(600)": "exceeded 2 seconds",
    "import os; os.kill(os.getpid(), 15)": f"did not complete: its process ended with code {KILLED}",
    "import re; re.match('(a*)*b', 'a' * 50)": "exceeded 2 seconds",
}


@pytest.mark.slow
def test_report_whose_cell_ends_hangs_or_kills_its_process_has_failed_and_the_others_go_on(tmp_path: Path) -> None:
    deadly = [job(tmp_path / f"bad{n}.ipynb", source, "1", cell_seconds=2) for n, source in enumerate(DEADLY)]
    good = [job(tmp_path / f"good{n}.ipynb", "import os; print(os.getpid())") for n in range(2)]
    with team() as made:
        done = {each.report: result for each, result in made.run([good[0], *deadly, good[1]])}
    for number, (source, says) in enumerate(DEADLY.items()):
        failure = done[f"bad{number}"]
        assert isinstance(failure, Failure)
        assert failure.what == f"bad{number}.ipynb: the cell '{source}' {says}"
        assert failure.cell == source
        assert "exceeded" not in says or "after 2 seconds" in failure.error
        assert "sleep" not in source or "line 1 in <module>" in failure.error
    assert all(isinstance(done[each.report], Rendered) for each in good)


def test_failure_in_a_process_and_its_end_are_reported(tmp_path: Path) -> None:
    notebook_of(tmp_path / "some.ipynb")
    some = Job("some", tmp_path / "some.ipynb", {"at": ""})
    with team() as made:
        ((_, failure),) = made.run([some])
        assert failure == Failure("some", "some.ipynb has no parameter at: restore the original notebook")
        ((_, failure),) = made.run([Job("dead", tmp_path / "dead.ipynb", _Unreadable())])
    assert isinstance(failure, Failure)
    assert failure.what == "dead.ipynb: its process ended with code 1: ZeroDivisionError: division by zero"


class _Unreadable(dict[str, Any]):
    """Parameters that no process can read."""

    def __reduce__(self) -> tuple[Callable[[str], Any], tuple[str]]:
        return eval, ("1 / 0",)


def test_page_that_loads_something_from_outside_is_a_failure(tmp_path: Path) -> None:
    source = "from IPython.display import HTML\nHTML('<script src=\"https://example.org/x.js\"></script>')"
    with team() as made:
        ((_, failure),) = made.run([job(tmp_path / "some.ipynb", source)])
    said = "some.ipynb: it loads https://example.org/x.js"
    assert failure == Failure("some", said, "", "it loads https://example.org/x.js")


@pytest.mark.slow
def test_run_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    sleep = [sys.executable, "-c", "import time; time.sleep(600)", str(tmp_path)]
    source = f"import subprocess, time\nsubprocess.Popen({sleep!r}); open({str(begun)!r}, 'w').close(); time.sleep(600)"
    jobs = [job(tmp_path / "some.ipynb", source), job(tmp_path / "next.ipynb", "1")]
    with team() as made:
        ((_, warm),) = made.run([jobs[1]])
        results = {each.report: result for each, result in made.run(jobs, seconds=4)}
        assert results["some"] == Failure("some", "some.ipynb: stopped, because the run exceeded 4 seconds", source)
        assert results["next"] == Failure("next", "next.ipynb: stopped, because the run exceeded 4 seconds")
        assert begun.exists()
        if os.name == "posix":
            wait_until(lambda: processes(str(tmp_path)) == [])
        ((_, page),) = made.run([jobs[1]])
    assert isinstance(warm, Rendered)
    assert isinstance(page, Rendered)


def test_worker_is_used_again_and_sees_nothing_of_the_notebook_before(tmp_path: Path) -> None:
    first = job(tmp_path / "one.ipynb", "import os\nprint(os.getpid()); seen = 1")
    second = job(tmp_path / "two.ipynb", "import os\nprint(os.getpid(), 'seen' in globals(), os.listdir())")
    with team() as made:
        one, two = (result for _, result in made.run([first, second], apart=False))
    assert isinstance(one, Rendered)
    assert isinstance(two, Rendered)
    (number,) = re.findall("[0-9]+", html.fromstring(one.body).text_content())
    assert html.fromstring(two.body).text_content().strip() == f"{number} False []"


@pytest.mark.slow
def test_many_notebooks_are_shared_out(tmp_path: Path) -> None:
    both = f"import pathlib, time, os\npathlib.Path({str(tmp_path)!r}, str(os.getpid())).touch()\n"
    both += f"while len(list(pathlib.Path({str(tmp_path)!r}).glob('[0-9]*'))) < 2: time.sleep(0.01)"
    with team(2) as made:
        done = [result for _, result in made.run([job(tmp_path / f"n{n}.ipynb", both) for n in range(3)], seconds=60)]
    assert [type(result) for result in done] == [Rendered] * 3


@pytest.mark.slow
def test_those_who_wait_when_all_is_ended_are_sent_away(tmp_path: Path) -> None:
    with team() as made:
        results = made.run(
            [job(tmp_path / "some.ipynb", "1"), job(tmp_path / "other.ipynb", "import time; time.sleep(600)")]
        )
        next(results)
        made.end()
        with pytest.raises(CancelledError):
            next(results)


def _listen() -> None:
    """Ignore no signal that a shell or nohup ignores."""
    for name in SIGNALS:
        signal.signal(getattr(signal, name), signal.SIG_DFL)


ALONE: dict[str, Any] = {"preexec_fn": _listen}
if os.name == "nt":
    ALONE = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
SIGNALS = ["CTRL_BREAK_EVENT"] if os.name == "nt" else ["SIGTERM", "SIGINT", "SIGHUP"]


@pytest.mark.slow
@pytest.mark.parametrize("name", SIGNALS)
def test_signal_ends_workers_and_removes_all_that_was_begun(name: str, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "tmp").mkdir()
    (tmp_path / "data/Load.xml").write_bytes(b"<Task><Actions><Exec><Command>x</Command></Exec></Actions></Task>")
    options = ["--data", str(tmp_path / "data"), "--reports", str(tmp_path / "out")]
    with subprocess.Popen(
        [sys.executable, "-m", "taskanalysis", "report", *options],
        env=os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(tmp_path / "tmp")),
        stderr=subprocess.PIPE,
        text=True,
        **ALONE,
    ) as run:
        wait_until(lambda: list((tmp_path / "tmp").glob("taskanalysis-*/worker-*/tmp*")))  # one runs a notebook
        family = psutil.Process(run.pid).children(recursive=True)
        try:
            run.send_signal(getattr(signal, name))
        except (OSError, SystemError) as error:
            run.kill()
            pytest.skip(f"this machine has no console that could send it: {error}")
        began = time.monotonic()
        _, said = run.communicate(timeout=MOST)
    _, alive = psutil.wait_procs(family, timeout=2)
    assert (run.returncode, alive) == (3, [])
    assert said.splitlines()[-1] == "taskanalysis: interrupted"
    assert time.monotonic() - began < MOST
    assert list((tmp_path / "tmp").iterdir()) == []
    left = {each.name for each in (tmp_path / "out").rglob("*")} - {".lock"}  # Windows removes that
    assert left == {".taskanalysis-reports", "latest", "runs"}


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no SIGHUP")
def test_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with workers.stoppable():
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) not in (signal.SIG_IGN, signal.SIG_DFL)
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


WORK = """
import sys
from pathlib import Path
from taskanalysis.publish.folder import workplace
from taskanalysis.publish.workers import Job, Workers
if __name__ == "__main__":
    with workplace() as work, Workers(2, work) as team:
        list(team.run([Job("some", Path(sys.argv[1]), {})]))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.slow
def test_notebook_that_runs_ends_soon_after_its_run_was_killed(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    sleep = [sys.executable, "-c", "import time; time.sleep(600)", str(tmp_path)]
    source = f"import subprocess, time\nsubprocess.Popen({sleep!r}); open({str(begun)!r}, 'w').close(); time.sleep(600)"
    notebook_of(tmp_path / "some.ipynb", source)
    (tmp_path / "run.py").write_text(WORK, encoding="utf-8")
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "run.py"), str(tmp_path / "some.ipynb")], env=environment
    ) as run:
        wait_until(begun.exists)
        run.kill()
    wait_until(lambda: not processes(str(tmp_path)), seconds=2)


@pytest.mark.slow
def test_worker_that_died_between_notebooks_fails_none(tmp_path: Path) -> None:
    with team() as made:
        for _ in range(2):
            ((_, page),) = made.run([job(tmp_path / "some.ipynb", "1")])
            assert isinstance(page, Rendered)
            (worker,) = made._all
            worker.process.kill()
            worker.process.join()


@pytest.mark.slow
def test_worker_that_cannot_be_replaced_is_an_error_and_no_wait_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    jobs = [job(tmp_path / "some.ipynb", "import os; os._exit(1)"), job(tmp_path / "next.ipynb", "1")]
    with team() as made:
        results = made.run(jobs, apart=False)
        monkeypatch.setattr(workers, "_Worker", refuse)
        next(results)
        with pytest.raises(OSError, match="No space left"):
            next(results)
