"""Notebooks -> HTML: papermill runs them, nbconvert renders them through the template beside this module.

The facts on both that shape this module: an unknown parameter only logs a warning, a dead kernel or a `sys.exit(0)`
leaves a notebook that looks whole, output is rewritten after each cell, and the usual template asks the internet for
scripts. So parameters are checked first, success is checked afterwards, work is done in a local temporary folder, and
the pages are ours.

>>> notebook_file("inventory").name
'inventory.ipynb'
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import papermill
from ipykernel.kernelspec import get_kernel_dict
from nbconvert import HTMLExporter, TemplateExporter
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from taskanalysis import __version__
from taskanalysis.display import PAGE_TYPE
from taskanalysis.errors import ReportError, RulesError, SnapshotError, clip

__all__ = ["NOTEBOOKS", "notebook_file", "render", "write_report"]

NOTEBOOKS = ("inventory", "status")
TEMPLATE = Path(__file__).parent / "template"
CELL_SECONDS = 900
START_SECONDS = 120
KERNEL = "taskanalysis"
# without it ipykernel 7.3 and later warns at each start that the kernel's messages are not encrypted
_KERNEL = Config({"KernelManager": {"transport_encryption": "auto"}})


def write_report(name: str, reports: Path, parameters: Mapping[str, Any], *, now: datetime, banner: str = "") -> Path:
    """Run one notebook and put its page, with the CSV files beside it, into ``<reports>/latest``; returns the page.

    Files are replaced one by one, each whole, data first and the page last. `now` is an aware datetime. SnapshotError
    where the notebook found nothing to read, ReportError where it did not run to its end: nothing is replaced then.
    """
    with tempfile.TemporaryDirectory(prefix="taskanalysis-", ignore_cleanup_errors=True) as temporary:
        made = Path(temporary) / "made"
        made.mkdir()
        notebook = run_notebook(name, {**parameters, "save_to": str(made)}, Path(temporary))
        files = sorted(file.name for file in made.iterdir())
        page = made / f"{name}.html"
        page.write_text(render(notebook, made_at=now, files=files, banner=banner), encoding="utf-8", newline="\n")
        latest = reports / "latest"
        _put([*(made / file for file in files), page], latest)
    return latest / page.name


def _put(files: list[Path], folder: Path) -> None:
    """Copy files beside their places, then rename one by one; what can't be copied leaves all as it was."""
    beside = {file: folder / f".{file.name}.{os.getpid()}.tmp" for file in files}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, copy in beside.items():
            shutil.copyfile(file, copy)
        for file, copy in beside.items():
            copy.replace(folder / file.name)
    except OSError as error:
        raise ReportError(f"{folder} can't be written ({error.strerror or error})") from None
    finally:
        for copy in beside.values():
            with suppress(OSError):
                copy.unlink(missing_ok=True)


def notebook_file(name: str) -> Path:
    """Where a notebook lies: in the package when installed from a wheel, else in the checkout."""
    places = [Path(__file__).parent / "notebooks", Path(__file__).parents[1] / "notebooks"]
    for place in places:
        if (place / f"{name}.ipynb").is_file():
            return place / f"{name}.ipynb"
    raise ReportError(f"the notebook {name}.ipynb is not installed")


def run_notebook(name: str, parameters: Mapping[str, Any], folder: Path) -> NotebookNode:
    """Execute a notebook in `folder`; ReportError where it does not know a parameter or did not run to its end."""
    source = notebook_file(name)
    unknown = parameters.keys() - papermill.inspect_notebook(str(source)).keys()
    if unknown:
        raise ReportError(f"{source.name} has no parameter {min(unknown)}")
    try:
        with _own_kernel():
            notebook = papermill.execute_notebook(
                str(source),
                str(folder / source.name),
                parameters=dict(parameters),
                kernel_name=KERNEL,
                cwd=str(folder),
                progress_bar={"desc": name, "unit": "cell"},
                start_timeout=START_SECONDS,
                execution_timeout=CELL_SECONDS,
                config=_KERNEL,
            )
    except PapermillExecutionError as error:
        if error.ename in (SnapshotError.__name__, RulesError.__name__):
            raise SnapshotError(error.evalue) from None
        said = f"{_cell(error.source)} gave {error.ename}: {clip(error.evalue, 300)}"
        raise ReportError(f"{source.name}: {said}") from None
    except (RuntimeError, TimeoutError) as error:  # a dead kernel; a cell that took too long
        raise ReportError(f"{source.name}: {clip(str(error), 300)}") from None
    check_complete(notebook, source.name)
    return notebook


@contextmanager
def _own_kernel() -> Iterator[None]:
    """A kernel of this very Python, whatever kernels and IPython start-up files the user has set up."""
    with tempfile.TemporaryDirectory(prefix="taskanalysis-", ignore_cleanup_errors=True) as folder:
        spec = Path(folder) / "kernels" / KERNEL
        spec.mkdir(parents=True)
        spec.joinpath("kernel.json").write_text(json.dumps(get_kernel_dict()), encoding="utf-8")
        own = {"JUPYTER_PATH": folder, "IPYTHONDIR": folder}
        before = {name: os.environ[name] for name in own if name in os.environ}
        os.environ.update(own)
        try:
            yield
        finally:
            for name in own:
                del os.environ[name]
            os.environ.update(before)


def check_complete(notebook: NotebookNode, name: str) -> None:
    """ReportError unless every code cell ran to its end."""
    stopped = [cell for cell in notebook.cells if cell.cell_type == "code" and not _completed(cell)]
    if stopped:
        raise ReportError(f"{name}: {_cell(stopped[0].source)} did not run to its end")
    if notebook.metadata.papermill.exception:
        raise ReportError(f"{name}: a cell did not run to its end")


def _completed(cell: NotebookNode) -> bool:
    empty = not cell.source.strip()
    return empty or (cell.metadata.papermill.status == "completed" and cell.execution_count is not None)


def _cell(source: str) -> str:
    """A cell by its first line: papermill adds one, so that numbers would mislead."""
    return f"the cell '{clip(source.strip().partition(chr(10))[0])}'"


# Pages ----------------------------------------------------------------------------------------------------------------


def render(notebook: NotebookNode, *, made_at: datetime, files: list[str], banner: str = "") -> str:
    """An executed notebook as one HTML page that asks for nothing outside itself, its code hidden."""
    style, script = (TEMPLATE.joinpath(file).read_text(encoding="utf-8") for file in ("style.css", "script.js"))
    page = {
        "title": _title(notebook),
        "banner": banner,
        "made_at": f"{made_at:%Y-%m-%d %H:%M} {made_at:%Z}",
        "version": __version__,
        "files": files,
        "style": style,
        "script": script,
        "policy": "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src {_hash(style)}; script-src {_hash(script)}",
    }
    # HTMLExporter would parse the page once more, which takes minutes for thousands of rows; ours needs no mending
    body, _ = TemplateExporter.from_notebook_node(_exporter(), notebook, resources={"page": page})
    return str(body)


@cache
def _exporter() -> HTMLExporter:
    """One exporter for all pages: it takes most of a second to make."""
    return HTMLExporter(
        template_name=TEMPLATE.name,
        extra_template_basedirs=[str(TEMPLATE.parent)],
        anchor_link_text="",
        exclude_anchor_links=True,
    )


def _title(notebook: NotebookNode) -> str:
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    for output in outputs:
        if PAGE_TYPE in output.get("data", {}):
            return str(output["data"][PAGE_TYPE]["title"])
    return "Report"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"
