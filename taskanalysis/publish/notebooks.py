"""Run a notebook in this process: papermill executes it, and what can't be trusted in its answer is checked.

Facts on papermill that shape this module: an unknown parameter only logs a warning, a `sys.exit(0)` leaves a notebook
that looks whole, paths go through `str.format`. So parameters are checked first and success afterwards.

>>> Failure("status", "status.ipynb has no parameter at").cell
''
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from taskanalysis import errors
from taskanalysis.text import clip

if TYPE_CHECKING:
    from nbformat import NotebookNode

CELL_SECONDS = 900
RUN_SECONDS = 3600


@dataclass(frozen=True)
class Failure:
    """Why a report failed: `what` is one sentence, `cell` the source of the failed cell, "" where none started."""

    report: str
    what: str
    cell: str = ""
    error: str = ""


def run_notebook(
    name: str,
    source: Path,
    parameters: Mapping[str, Any],
    folder: Path,
    *,
    cell_seconds: float = CELL_SECONDS,
    on_cell: Callable[[str], object] = len,
) -> Failure | None:
    """Execute the notebook `source` in `folder` and store it there as ``<name>.ipynb``; None where it completed.

    Refused where the notebook lacks a parameter. `on_cell` receives the source of each code cell before it runs; one
    that takes longer than `cell_seconds` ends this process.
    """
    without_slow_imports()
    import papermill  # noqa: PLC0415 (half a second that the parent can spare)
    from papermill.exceptions import PapermillExecutionError  # noqa: PLC0415

    from taskanalysis.publish import engine  # noqa: PLC0415

    braces = str.maketrans({"{": "{{", "}": "}}"})
    try:
        with _quiet("papermill"):  # which names the notebook again when it runs it
            accepted = papermill.inspect_notebook(str(source).translate(braces)).keys()
        if unknown := parameters.keys() - accepted:
            what = f"parameter {min(unknown)}" if accepted else "cell with parameters (tagged 'parameters')"
            return Failure(name, f"{source.name} has no {what}: restore the original notebook")
        notebook = papermill.execute_notebook(
            str(source).translate(braces),
            str(folder / f"{name}.ipynb").translate(braces),
            parameters=dict(parameters),
            engine_name=engine.NAME,
            request_save_on_cell_execute=False,
            cwd=str(folder),
            progress_bar=False,
            execution_timeout=cell_seconds,
            on_cell=on_cell,
        )
    except PapermillExecutionError as error:
        what = clip(error.evalue, 300)
        if error.ename not in vars(errors):  # ours are sentences for a reader already
            what = f"{cell_words(error.source)} raised {error.ename}: {what}"
        trace = "\n".join(error.traceback or [f"{error.ename}: {error.evalue}"])
        return Failure(name, f"{source.name}: {what}", error.source, trace)
    except OSError as error:
        where = error.filename or folder
        return Failure(name, f"{source.name}: {where}: {errors.reason_of(error)}", "", str(error))
    except Exception as error:  # whatever an edited notebook makes papermill or nbformat raise
        logging.getLogger(__name__).info("%s", source, exc_info=True)
        what = f"can't be run ({type(error).__name__}: {clip(str(error), 200)}): restore the original notebook"
        return Failure(name, f"{source.name} {what}", "", str(error))
    return _incomplete(notebook, name, source.name)


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Without the progress that a logger tells."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def without_slow_imports() -> None:
    """Keep jsonschema, which nbformat uses, from compiling an IRI grammar at each start, which takes a second."""
    # None makes the import fail, as where that package is not installed
    cast(dict[str, Any], sys.modules).setdefault("rfc3987_syntax", None)


def _incomplete(notebook: NotebookNode, name: str, file: str) -> Failure | None:
    """The failure of a code cell that did not complete, though papermill raised no error."""
    for cell in notebook.cells:
        completed = cell.cell_type != "code" or (cell.metadata.papermill.status == "completed" and cell.execution_count)
        if not completed and cell.source.strip():
            return Failure(name, f"{file}: {cell_words(cell.source)} did not complete", cell.source)
    return None


def cell_words(source: str) -> str:
    """A cell by its first line: papermill adds a cell, so numbers would mislead.

    >>> cell_words("page.answer")
    "the cell 'page.answer'"
    """
    first = clip(source.strip().partition("\n")[0])
    return f"the cell '{first}'" if first else "it"
