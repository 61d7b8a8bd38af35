"""One notebook, run by papermill in a process of its own: what `report` starts once for each of them.

The facts on papermill that shape this module: an unknown parameter only logs a warning, a dead kernel or a
`sys.exit(0)` leaves a notebook that looks whole, output is rewritten after each cell, paths go through `str.format`.
So parameters are checked first, success is checked afterwards, and work is done in a folder of its own.

>>> Failure("status", "status.ipynb has no parameter at").cell
''
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from taskanalysis import errors
from taskanalysis.snapshot import write_whole
from taskanalysis.text import clip

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["CELL_SECONDS", "OUTCOME", "Failure", "last_started", "run_notebook", "without_slow_imports"]

CELL_SECONDS = 900
START_TRIES = 3
START_SECONDS = 120
KERNEL = "taskanalysis"
OUTCOME = "outcome.json"
"""File that a process leaves when it is done: null, or what failed."""


@dataclass(frozen=True)
class Failure:
    """Why a report could not be made: `what` is one sentence, `cell` the source of the cell, "" where none began."""

    report: str
    what: str
    cell: str = ""
    error: str = ""


def run_notebook(
    name: str, source: Path, parameters: Mapping[str, Any], folder: Path, *, cell_seconds: int = CELL_SECONDS
) -> Failure | None:
    """Execute the notebook `source` in `folder`, where it is kept as ``<name>.ipynb``; None where it ran to its end.

    Refused where it does not know a parameter. A dead kernel, a cell that takes longer than `cell_seconds`, and one
    that ends the kernel without an error are failures too.
    """
    without_slow_imports()
    import papermill  # noqa: PLC0415 (half a second, which the process that starts this one can spare)
    from papermill.exceptions import PapermillExecutionError  # noqa: PLC0415
    from traitlets.config import Config  # noqa: PLC0415

    target = folder / f"{name}.ipynb"
    braces = str.maketrans({"{": "{{", "}": "}}"})
    try:
        known = papermill.inspect_notebook(str(source).translate(braces)).keys()
        if unknown := parameters.keys() - known:
            lacks = f"has no parameter {min(unknown)}" if known else "has no cell with parameters (tagged 'parameters')"
            return Failure(name, f"{source.name} {lacks}: put back the notebook of the project")
        notebook = _started_at_last(
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
                shutdown_kernel="immediate",  # all is written; to wait for its farewell costs a third of a second
                # without it ipykernel 7.3 and later warns at each start that its messages are not encrypted
                config=Config({"KernelManager": {"transport_encryption": "auto"}}),
            ),
            target,
        )
    except PapermillExecutionError as error:
        own = error.ename in vars(errors)  # a sentence for a reader already
        what = (
            clip(error.evalue, 300) if own else f"{_cell(error.source)} gave {error.ename}: {clip(error.evalue, 300)}"
        )
        trace = "\n".join(error.traceback or [f"{error.ename}: {error.evalue}"])
        return Failure(name, f"{source.name}: {what}", error.source, trace)
    except (RuntimeError, TimeoutError) as error:
        cell = last_started(target)
        late = isinstance(error, TimeoutError) and cell
        what = f"took longer than {cell_seconds} seconds" if late else "did not end: its kernel died"
        return Failure(name, f"{source.name}: {_cell(cell)} {what}", cell, str(error))
    except OSError as error:
        where = error.filename or folder
        return Failure(name, f"{source.name}: {where}: {error.strerror or error}", last_started(target), str(error))
    except Exception as error:  # whatever an edited notebook makes papermill, nbformat or nbclient say
        logging.getLogger(__name__).info("%s", source, exc_info=True)
        what = f"can't be run ({type(error).__name__}: {clip(str(error), 200)}): put back the notebook of the project"
        return Failure(name, f"{source.name} {what}", "", str(error))
    return _stopped(notebook, name, source.name)


def _started_at_last(execute: Callable[[], NotebookNode], target: Path) -> NotebookNode:
    """Run a notebook; once more where its kernel died before the first cell.

    Kernels that start at the same moment may be given the same port, and then one of them ends at once.
    """
    with _own_kernel(target.parent):
        for _ in range(START_TRIES - 1):
            try:
                return execute()
            except RuntimeError as error:
                if last_started(target):
                    raise
                logging.getLogger(__name__).info("%s: %s; tried again", target.name, error)
        return execute()


def without_slow_imports() -> None:
    """Keep jsonschema, which nbformat uses, from compiling a grammar of IRIs at each start: it takes a second."""
    # None makes the import fail, as where that package is not installed
    cast(dict[str, Any], sys.modules).setdefault("rfc3987_syntax", None)


@contextmanager
def _own_kernel(folder: Path) -> Iterator[None]:
    """A kernel of this very Python, whatever kernels and IPython start-up files the user has set up."""
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


def _stopped(notebook: NotebookNode, name: str, file: str) -> Failure | None:
    """A code cell that did not run to its end, though nothing complained."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and not _completed(cell):
            return Failure(name, f"{file}: {_cell(cell.source)} did not run to its end", cell.source)
    return Failure(name, f"{file}: a cell did not run to its end") if notebook.metadata.papermill.exception else None


def _completed(cell: NotebookNode) -> bool:
    empty = not cell.source.strip()
    return empty or (cell.metadata.papermill.status == "completed" and cell.execution_count is not None)


def last_started(file: Path) -> str:
    """Source of the last cell that began, from the notebook as it was last saved; "" where that can't be told."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        began = [each["source"] for each in cells if each["metadata"].get("papermill", {}).get("start_time")]
        return "".join(began[-1]) if began else ""
    return ""


def _cell(source: str) -> str:
    """A cell by its first line: papermill adds one, so that numbers would mislead."""
    first = clip(source.strip().partition("\n")[0])
    return f"the cell '{first}'" if first else "it"


# The process ----------------------------------------------------------------------------------------------------------


def main() -> None:
    """Take one job as a line of JSON from stdin, and leave its outcome in the working directory.

    What takes time to import is imported before the job comes. When stdin ends, so does this process, with its kernel:
    then the one that started it is no more.
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
    folder = Path.cwd()
    failure = run_notebook(job.pop("name"), Path(job.pop("source")), job.pop("parameters"), folder, **job)
    write_whole(folder / OUTCOME, json.dumps(asdict(failure) if failure else None).encode())


def _end_with_parent() -> None:
    import psutil  # type: ignore[import-untyped]  # noqa: PLC0415

    while os.read(0, 1):  # not sys.stdin: at exit Python waits for nobody who reads from it
        pass
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            process.kill()
    os._exit(1)


if __name__ == "__main__":
    main()
