"""Execute notebooks in this process: an engine for papermill without a kernel, a port or a second import of pandas.

Authority: papermill's "Extending papermill through custom engines", IPython's `InteractiveShell`, Jupyter's notebook
format 4.5. What papermill writes is what an IPython kernel would have written. The engine is registered where it is
used, in the process that runs notebooks: an entry point would be loaded by every papermill of the environment, and
would need an installation where a checkout suffices.

>>> import nbformat, papermill
>>> cell = nbformat.v4.new_code_cell("6 * 7")
>>> kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
>>> notebook = nbformat.v4.new_notebook(cells=[cell], metadata=kernel)
>>> done = papermill.execute_notebook(notebook, None, engine_name=NAME, progress_bar=False)
>>> done.cells[0].execution_count, done.cells[0].outputs[0].data
(1, {'text/plain': '42'})
"""

from __future__ import annotations

import atexit
import base64
import builtins
import copy
import faulthandler
import io
import linecache
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from datetime import UTC, datetime
from typing import Any

import nbformat
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell, InteractiveShellABC
from nbformat import NotebookNode
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines
from papermill.log import logger
from traitlets.config import Config

NAME = "taskanalysis"
"""The name under which papermill knows the engine."""
INLINE = "module://matplotlib_inline.backend_inline"
"""The backend of pyplot in a notebook, as a kernel sets it."""
LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
    "version": sys.version.split()[0],
}


class InProcess(Engine):  # type: ignore[misc]
    """Runs each code cell with IPython in this process, whose state is afterwards as before."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        *,
        execution_timeout: float | None = None,
        on_cell: Callable[[str], object] = len,
        **_: Any,
    ) -> None:
        """Execute the notebook of `nb_man`, up to the first cell that fails.

        `on_cell` is called with the source of each code cell before it runs. A cell that takes longer than
        `execution_timeout` seconds ends this process, with its stack on file descriptor 2: nothing else stops any code.
        """
        logger.info("Executing notebook in process %d, in place of kernel %s", os.getpid(), kernel_name)
        with untouched(), _shell() as shell:
            for index, cell in enumerate(nb_man.nb.cells):
                try:
                    nb_man.cell_start(cell, index)
                    if cell.cell_type == "code" and cell.source.strip():
                        on_cell(cell.source)
                        if execution_timeout:
                            faulthandler.dump_traceback_later(execution_timeout, exit=True, file=2)
                        if not shell.run(cell):
                            nb_man.cell_exception(cell, index)
                            break
                finally:
                    faulthandler.cancel_dump_traceback_later()
                    nb_man.cell_complete(cell, index)
        nb_man.nb.metadata["language_info"] = LANGUAGE


papermill_engines.register(NAME, InProcess)


# The shell ------------------------------------------------------------------------------------------------------------


class _Outputs:
    """What the cells show, as outputs of a notebook: `cell` holds those of the cell that runs."""

    def __init__(self) -> None:
        self.cell: list[NotebookNode] = []
        self.shown: dict[str, list[NotebookNode]] = {}
        self.clears_next = False

    def add(self, kind: str, display_id: str | None = None, **fields: Any) -> NotebookNode:
        if self.clears_next:
            self.clear()
        self.cell.append(output := nbformat.v4.new_output(kind, **fields))
        if display_id:
            self.shown.setdefault(display_id, []).append(output)
        return output

    def clear(self, wait: bool = False) -> None:
        self.clears_next = wait
        if not wait:
            self.cell.clear()

    def write(self, name: str, text: str) -> None:
        """Add to a stream, in one output where nothing else was shown in between."""
        last = self.cell[-1] if self.cell and not self.clears_next else {}
        if last.get("name") == name:
            last["text"] += text
        else:
            self.add("stream", name=name, text=text)


class _Stream(io.TextIOBase):
    """Standard output, or standard error, of a notebook."""

    encoding = "utf-8"

    def __init__(self, outputs: _Outputs, name: str) -> None:
        self.outputs, self.name = outputs, name

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        if text:
            self.outputs.write(self.name, text)
        return len(text)


class _Publisher(DisplayPublisher):  # type: ignore[misc]
    """Takes what `display` shows."""

    def publish(
        self,
        data: Mapping[str, Any],
        metadata: Mapping[str, Any] | None = None,
        *,
        transient: Mapping[str, Any] | None = None,
        update: bool = False,
        **_: Any,
    ) -> None:
        outputs: _Outputs = self.shell.outputs
        display_id = (transient or {}).get("display_id")
        fields = {"data": _plain(data), "metadata": dict(metadata or {})}
        for earlier in outputs.shown.get(display_id or "", []):
            earlier.update(copy.deepcopy(fields))
        if not update:
            outputs.add("display_data", display_id, **fields)

    def clear_output(self, wait: bool = False) -> None:
        self.shell.outputs.clear(wait)


class _Hook(DisplayHook):  # type: ignore[misc]
    """Takes the value of a cell's last expression."""

    def start_displayhook(self) -> None:
        self.shell.is_showing = True

    def write_output_prompt(self) -> None:
        """There is none."""

    def write_format_data(self, format_dict: Mapping[str, Any], md_dict: Mapping[str, Any] | None = None) -> None:
        if format_dict:
            fields = {"data": _plain(format_dict), "metadata": dict(md_dict or {})}
            self.shell.outputs.add("execute_result", execution_count=self.prompt_count, **fields)

    def finish_displayhook(self) -> None:
        self.shell.is_showing = False


class _Shell(InteractiveShell):  # type: ignore[misc]
    """A shell whose cells show into `outputs`."""

    def __init__(self, **options: Any) -> None:
        self.outputs = _Outputs()
        self.is_showing = self.could_not_show = False
        super().__init__(displayhook_class=_Hook, display_pub_class=_Publisher, **options)

    def run(self, cell: NotebookNode) -> bool:
        """Run a cell and fill in its outputs and number; whether the next may run."""
        self.outputs.cell = cell.outputs = []
        self.is_showing = self.could_not_show = False
        begun = _now()
        result = self.run_cell(cell.source, store_history=True)
        cell.execution_count = result.execution_count
        idle = _now()
        # as nbclient records the messages of a kernel
        times = {"iopub.status.busy": begun, "iopub.execute_input": begun, "iopub.status.idle": idle}
        cell.metadata["execution"] = times | {"shell.execute_reply": idle}
        is_done = result.success and not self.could_not_show
        return is_done or "raises-exception" in cell.metadata.get("tags", [])

    def _showtraceback(self, etype: type[BaseException], evalue: BaseException, stb: list[str]) -> None:
        self.could_not_show |= self.is_showing
        self.outputs.add("error", ename=etype.__name__, evalue=str(evalue), traceback=list(stb))

    def ask_exit(self) -> None:
        """What `exit()` does."""
        raise SystemExit(0)

    def enable_gui(self, gui: str | None = None) -> None:
        """There is none."""

    def init_virtualenv(self) -> None:
        """A kernel looks for none either."""


InteractiveShellABC.register(_Shell)


@contextmanager
def _shell() -> Iterator[_Shell]:
    """A shell of its own for a notebook: a fresh namespace, no history, nothing of the user's IPython."""
    config = Config({"HistoryManager": {"enabled": False}})
    _Shell.clear_instance()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        shell = _Shell.instance(config=config, ipython_dir=folder, colors="neutral")
        if "matplotlib.pyplot" in sys.modules:  # it tells only the shell in which it was imported
            from matplotlib_inline.backend_inline import configure_inline_support  # noqa: PLC0415

            configure_inline_support.current_backend = "unset"
            configure_inline_support(shell, INLINE)
            sys.modules["matplotlib"].interactive(True)
        try:
            with redirect_stdout(_Stream(shell.outputs, "stdout")), redirect_stderr(_Stream(shell.outputs, "stderr")):
                yield shell
        finally:
            shell.atexit_operations()
            atexit.unregister(shell.atexit_operations)
            _Shell.clear_instance()


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    """What is shown, fit for JSON: images as base64."""
    return {
        kind: base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value
        for kind, value in data.items()
    }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


# Nothing of a notebook is seen by the next ----------------------------------------------------------------------------


@contextmanager
def untouched() -> Iterator[None]:
    """Put back what a notebook may change of its process: see the functions below."""
    with ExitStack() as stack:
        for keep in (_process, _imports, _logs, _figures, _frames):
            stack.enter_context(keep())
        stack.enter_context(warnings.catch_warnings())
        yield
    linecache.clearcache()


@contextmanager
def _process() -> Iterator[None]:
    """Current directory and environment; in it the backend of pyplot is that of a kernel."""
    folder, environment = os.getcwd(), dict(os.environ)  # noqa: PTH109
    os.environ.setdefault("MPLBACKEND", INLINE)
    try:
        yield
    finally:
        os.chdir(folder)
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)


@contextmanager
def _imports() -> Iterator[None]:
    """The import path, ``__main__``, which IPython replaces, built-in names, and hooks."""
    path, arguments, main, names = sys.path[:], sys.argv[:], sys.modules["__main__"], dict(vars(builtins))
    hooks = {name: getattr(sys, name) for name in ("displayhook", "excepthook", "stdout", "stderr")}
    vars(builtins).pop("_", None)  # where an interpreter has left one, IPython sets none
    try:
        yield
    finally:
        sys.path[:], sys.argv[:], sys.modules["__main__"] = path, arguments, main
        for name in vars(builtins).keys() - names.keys():
            delattr(builtins, name)
        vars(builtins).update(names)
        for name, hook in hooks.items():
            setattr(sys, name, hook)


@contextmanager
def _logs() -> Iterator[None]:
    """Levels and handlers of all loggers."""
    fields = ("level", "propagate", "disabled", "handlers", "filters")
    root, fresh = logging.getLogger(), logging.Logger("")

    def loggers() -> list[logging.Logger]:
        return [root, *(each for each in root.manager.loggerDict.values() if isinstance(each, logging.Logger))]

    before = {each: {name: copy.copy(getattr(each, name)) for name in fields} for each in loggers()}
    least = root.manager.disable
    try:
        yield
    finally:
        for each in loggers():
            vars(each).update(before.get(each) or {name: copy.copy(getattr(fresh, name)) for name in fields})
        logging.disable(least)  # and forget which levels are on


@contextmanager
def _figures() -> Iterator[None]:
    """Settings of matplotlib, and figures that pyplot keeps."""
    import matplotlib as mpl  # noqa: PLC0415 (it takes its backend from the environment)

    before = dict.copy(mpl.rcParams)  # not resolved: the backend may be chosen later
    try:
        yield
    finally:
        if pyplot := sys.modules.get("matplotlib.pyplot"):
            pyplot.close("all")
            pyplot.switch_backend(os.environ["MPLBACKEND"])  # it keeps the last one, whatever the settings say
        dict.update(mpl.rcParams, before)


@contextmanager
def _frames() -> Iterator[None]:
    """Options of pandas."""
    import pandas as pd  # noqa: PLC0415 (what runs before the first notebook does without)

    before = dict(_options(pd.options))
    try:
        yield
    finally:
        for name, value in _options(pd.options):
            with suppress(Exception):  # one that is new, or deprecated
                if value is not before[name] and value != before[name]:
                    pd.set_option(name, before[name])


def _options(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The names and values of options in a group, and in those below."""
    for name, value in vars(group)["d"].items():
        if isinstance(value, dict):
            yield from _options(type(group)(value), f"{path}{name}.")
        else:
            yield f"{path}{name}", value
