"""Run notebooks concurrently in child processes, with a timeout and guaranteed cleanup; papermill executes each.

A child ends when its stdin does, so it outlives its parent by a moment at most. Facts on papermill that shape this
module: an unknown parameter only logs a warning, a dead kernel or a `sys.exit(0)` leaves a notebook that looks whole,
output is rewritten after each cell, paths go through `str.format`. So parameters are checked first, success is checked
afterwards, and each notebook runs in a folder of its own.

>>> Failure("status", "status.ipynb has no parameter at").cell
''
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Self, cast

import psutil  # type: ignore[import-untyped]

from taskanalysis import errors
from taskanalysis.text import clip

if TYPE_CHECKING:
    from nbformat import NotebookNode

CELL_SECONDS = 900
RUN_SECONDS = 3600
START_TRIES = 3
START_SECONDS = 120
POLL = 0.05  # seconds
KERNEL = "taskanalysis"
OUTCOME = "outcome.json"
"""The file a child process writes when it is done: null, or the failure."""


@dataclass(frozen=True)
class Failure:
    """Why a report failed: `what` is one sentence, `cell` the source of the failed cell, "" where none started."""

    report: str
    what: str
    cell: str = ""
    error: str = ""


def run_notebook(
    name: str, source: Path, parameters: Mapping[str, Any], folder: Path, *, cell_seconds: int = CELL_SECONDS
) -> Failure | None:
    """Execute the notebook `source` in `folder` and store it there as ``<name>.ipynb``; None where it completed.

    Refused where the notebook lacks a parameter. A dead kernel, a cell that takes longer than `cell_seconds`, and one
    that ends the kernel without an error are failures too.
    """
    without_slow_imports()
    import papermill  # noqa: PLC0415 (half a second that the parent can spare)
    from papermill.exceptions import PapermillExecutionError  # noqa: PLC0415
    from traitlets.config import Config  # noqa: PLC0415

    target = folder / f"{name}.ipynb"
    braces = str.maketrans({"{": "{{", "}": "}}"})
    try:
        accepted = papermill.inspect_notebook(str(source).translate(braces)).keys()
        if unknown := parameters.keys() - accepted:
            what = f"parameter {min(unknown)}" if accepted else "cell with parameters (tagged 'parameters')"
            return Failure(name, f"{source.name} has no {what}: restore the original notebook")
        notebook = _with_retries(
            partial(
                papermill.execute_notebook,
                str(source).translate(braces),
                str(target).translate(braces),
                parameters=dict(parameters),
                kernel_name=KERNEL,
                cwd=str(folder),
                progress_bar=False,
                start_timeout=START_SECONDS,
                execution_timeout=cell_seconds,
                shutdown_kernel="immediate",  # all is written; a graceful shutdown costs a third of a second
                # without it ipykernel 7.3 and later warns at each start that its messages are not encrypted
                config=Config({"KernelManager": {"transport_encryption": "auto"}}),
            ),
            target,
        )
    except PapermillExecutionError as error:
        what = clip(error.evalue, 300)
        if error.ename not in vars(errors):  # ours are sentences for a reader already
            what = f"{_cell(error.source)} raised {error.ename}: {what}"
        trace = "\n".join(error.traceback or [f"{error.ename}: {error.evalue}"])
        return Failure(name, f"{source.name}: {what}", error.source, trace)
    except (RuntimeError, TimeoutError) as error:
        cell = last_started(target)
        late = isinstance(error, TimeoutError) and cell
        what = f"exceeded {cell_seconds} seconds" if late else "did not complete: its kernel died"
        return Failure(name, f"{source.name}: {_cell(cell)} {what}", cell, str(error))
    except OSError as error:
        where = error.filename or folder
        return Failure(name, f"{source.name}: {where}: {error.strerror or error}", last_started(target), str(error))
    except Exception as error:  # whatever an edited notebook makes papermill, nbformat or nbclient raise
        logging.getLogger(__name__).info("%s", source, exc_info=True)
        what = f"can't be run ({type(error).__name__}: {clip(str(error), 200)}): restore the original notebook"
        return Failure(name, f"{source.name} {what}", "", str(error))
    return _incomplete(notebook, name, source.name)


def _with_retries(execute: Callable[[], NotebookNode], target: Path) -> NotebookNode:
    """Run a notebook; retry where its kernel died before the first cell.

    Kernels that start at the same moment may be given the same port, and then one of them ends at once.
    """
    with _own_kernel(target.parent):
        for _ in range(START_TRIES - 1):
            try:
                return execute()
            except RuntimeError as error:
                if last_started(target):
                    raise
                logging.getLogger(__name__).info("%s: %s; retrying", target.name, error)
        return execute()


def without_slow_imports() -> None:
    """Keep jsonschema, which nbformat uses, from compiling an IRI grammar at each start, which takes a second."""
    # None makes the import fail, as where that package is not installed
    cast(dict[str, Any], sys.modules).setdefault("rfc3987_syntax", None)


@contextmanager
def _own_kernel(folder: Path) -> Iterator[None]:
    """Provide a kernel of this Python, independent of the user's kernels and IPython start-up files."""
    from ipykernel.kernelspec import get_kernel_dict  # noqa: PLC0415

    spec = folder / ".jupyter" / "kernels" / KERNEL
    spec.mkdir(parents=True, exist_ok=True)
    spec.joinpath("kernel.json").write_text(json.dumps(get_kernel_dict()), encoding="utf-8")
    root = str(spec.parents[1])
    own = {"JUPYTER_PATH": root, "IPYTHONDIR": root, "JUPYTER_RUNTIME_DIR": root}
    before = {name: os.environ[name] for name in own if name in os.environ}
    os.environ.update(own)
    try:
        yield
    finally:
        for name in own:
            del os.environ[name]
        os.environ.update(before)


def _incomplete(notebook: NotebookNode, name: str, file: str) -> Failure | None:
    """The failure of a code cell that did not complete, though papermill raised no error."""
    for cell in notebook.cells:
        completed = cell.cell_type != "code" or (cell.metadata.papermill.status == "completed" and cell.execution_count)
        if not completed and cell.source.strip():
            return Failure(name, f"{file}: {_cell(cell.source)} did not complete", cell.source)
    return None


def last_started(file: Path) -> str:
    """Source of the last cell that started, from the notebook as last saved; "" where it can't be read."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        started = [cell["source"] for cell in cells if cell["metadata"].get("papermill", {}).get("start_time")]
        return "".join(started[-1]) if started else ""
    return ""


def _cell(source: str) -> str:
    """A cell by its first line: papermill adds a cell, so numbers would mislead."""
    first = clip(source.strip().partition("\n")[0])
    return f"the cell '{first}'" if first else "it"


# The processes, seen from their parent --------------------------------------------------------------------------------


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


class Workers:
    """One child process for each name, started at once so that its imports are done when its job comes."""

    def __init__(self, names: Sequence[str], folder: Path, *, verbose: bool = False) -> None:
        self.verbose = verbose
        self.folders = {name: folder / name for name in names}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._logs = {name: folder / f"{name}.log" for name in names}

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
        """End all processes, with their kernels."""
        for process in self._processes.values():
            _end(process)

    def _start(self, name: str, folder: Path) -> subprocess.Popen[bytes]:
        own = folder / ".tmp"
        own.mkdir(parents=True)
        with self._logs[name].open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "taskanalysis.publish.notebooks"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=None if self.verbose else log,
                cwd=folder,
                env=os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(own)),
                # Ctrl-C is for the process that started them: it ends them, and then cleans up
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )

    def run(
        self, jobs: Mapping[str, Mapping[str, Any]], *, seconds: float = RUN_SECONDS
    ) -> Iterator[tuple[str, Failure | None]]:
        """Send each process its job (arguments of `run_notebook`); as each ends, yield its name and failure.

        Those still running after `seconds` are killed and count as failed.
        """
        for name, job in jobs.items():
            line = json.dumps({"name": name, "verbose": self.verbose, **job}) + "\n"
            stdin = self._processes[name].stdin
            with suppress(OSError):  # it died: reported below
                if stdin:
                    stdin.write(line.encode())
                    stdin.flush()
        waiting, until = list(jobs), time.monotonic() + seconds
        while waiting:
            ended = [name for name in waiting if self._processes[name].poll() is not None]
            for name in ended:
                waiting.remove(name)
                yield name, self._outcome(name)
            if waiting and time.monotonic() > until:
                for name in waiting:
                    _end(self._processes[name])
                    cell = last_started(self.folders[name] / f"{name}.ipynb")
                    what = f"{name}.ipynb: stopped, because the run exceeded {seconds:g} seconds"
                    yield name, Failure(name, what, cell)
                return
            if not ended:
                time.sleep(POLL)

    def _outcome(self, name: str) -> Failure | None:
        try:
            failure = json.loads((self.folders[name] / OUTCOME).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            log = self._logs[name].read_text(encoding="utf-8", errors="replace").strip()
            code = self._processes[name].returncode
            last = f": {log.splitlines()[-1]}" if log else ""
            cell = last_started(self.folders[name] / f"{name}.ipynb")
            return Failure(name, f"{name}.ipynb: its process ended with code {code}{last}", cell, log)
        return Failure(**failure) if failure else None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its descendants, and wait until they are gone."""
    if process.stdin:
        with suppress(OSError):
            process.stdin.close()
    if process.poll() is not None:
        return
    with suppress(psutil.Error):
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        _kill(family)
        psutil.wait_procs(family, timeout=5)
    process.wait()


def _kill(family: Sequence[psutil.Process]) -> None:
    for process in family:
        with suppress(psutil.Error):
            process.kill()


# The process itself ---------------------------------------------------------------------------------------------------


def main() -> None:
    """Read one job as a line of JSON from stdin, and write its outcome into the working directory.

    Slow imports are done before the job comes. When stdin ends, its parent is gone: then this process ends too, with
    its kernel.
    """
    without_slow_imports()
    import papermill  # noqa: F401, PLC0415

    line = sys.stdin.buffer.readline()
    if not line:
        return
    threading.Thread(target=_end_with_parent, daemon=True).start()
    job = json.loads(line)
    if job.pop("verbose"):
        logging.basicConfig(level=logging.INFO, format=f"{job['name']}: %(message)s")
    failure = run_notebook(job.pop("name"), Path(job.pop("source")), job.pop("parameters"), Path.cwd(), **job)
    Path(OUTCOME).write_text(json.dumps(asdict(failure) if failure else None), encoding="utf-8")


def _end_with_parent() -> None:
    while os.read(0, 1):  # not sys.stdin: at exit Python waits for nobody who reads from it
        pass
    _kill(psutil.Process().children(recursive=True))
    os._exit(1)


if __name__ == "__main__":
    main()
