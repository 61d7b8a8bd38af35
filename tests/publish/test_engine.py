"""The engine: what it writes is what a kernel writes, and a notebook leaves nothing for the next."""

import contextlib
import logging
import os
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from papermill.exceptions import PapermillExecutionError

from taskanalysis.history import update_store
from taskanalysis.publish import engine
from taskanalysis.publish.make import NOTEBOOKS, notebook_file
from taskanalysis.snapshot.share import sample_share
from tests.build import ROOT, notebook_of

Cells = list[Any]
TIMES = ("start_time", "end_time", "duration")


def executed(file: Path, target: Path, **options: Any) -> Any:
    """What papermill writes of a notebook, also where a cell fails, without times and the names of files."""
    with contextlib.suppress(PapermillExecutionError):
        papermill.execute_notebook(str(file), str(target), progress_bar=False, cwd=str(target.parent), **options)
    return read(file, target)


def executed_apart(file: Path, target: Path) -> Any:
    """The same by the engine in a process of its own, without pytest's handlers and filters."""
    program = "import sys; from pathlib import Path; from tests.publish.test_engine import executed, engine\n"
    program += "executed(*map(Path, sys.argv[1:]), engine_name=engine.NAME)"
    subprocess.run([sys.executable, "-c", program, str(file), str(target)], check=True, cwd=ROOT)
    return read(file, target)


def read(file: Path, target: Path) -> Any:
    """What is written in `target`, of the notebook in `file`."""
    notebook = nbformat.read(target, 4)
    for metadata in (notebook.metadata, *(cell.metadata for cell in notebook.cells)):
        for name in TIMES:
            metadata.get("papermill", {}).pop(name, None)
        if "execution" in metadata:
            metadata.execution = sorted(metadata.execution)
    notebook.metadata.papermill.pop("output_path")
    for cell in notebook.cells:
        cell.id *= cell.id.startswith(file.stem)  # papermill gives others to the cells that it adds
        if "outputs" in cell:
            cell.outputs = _merged(cell.outputs)
    return notebook


def _merged(outputs: Cells) -> Cells:
    """Outputs whose streams come in one piece each, as a kernel may send them in several; no colours, no file names."""
    merged: Cells = []
    for output in outputs:
        output.text, output.evalue = (_CELL.sub("CELL", output.get(name, "")) for name in ("text", "evalue"))
        output.traceback = [" ".join(_COLOUR.sub("", line).split()) for line in output.get("traceback", ())]
        if "data" in output and "text/plain" in output.data:
            output.data["text/plain"] = _PLACE.sub("", output.data["text/plain"])
        if merged and output.get("name") and merged[-1].get("name") == output.name:
            merged[-1].text += output.text
        else:
            merged.append(output)
    return merged


_PLACE = re.compile(" at 0x[0-9a-f]+")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_CELL = re.compile(r"\S*ipykernel_\d+\S*\.py|\d+\.py|<ipython-input-\d+-\w+>")


def by_engine(folder: Path, *sources: str) -> Cells:
    """The code cells of a notebook of these sources, executed here."""
    notebook_of(folder / "some.ipynb", *sources)
    done = executed(folder / "some.ipynb", folder / "out.ipynb", engine_name=engine.NAME)
    return [cell for cell in done.cells if cell.cell_type == "code"][1:]


def shown(cell: Any) -> list[tuple[str, str]]:
    """Its outputs, as kind and text."""
    return [
        (each.output_type, each.get("text") or each.get("evalue") or each.data["text/plain"]) for each in cell.outputs
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_is_written_as_with_a_kernel(name: str, tmp_path: Path) -> None:
    share = tmp_path / "share"  # of its own: other tests may build the store of the sample at the same time
    shutil.copytree(sample_share() / "snapshots", share / "snapshots")
    update_store(share)
    files = [tmp_path / "kernel.ipynb", tmp_path / "engine.ipynb"]
    kernel, ours = (
        executed(notebook_file(name), file, engine_name=how, kernel_name="python3", parameters={"data": str(share)})
        for file, how in zip(files, (None, engine.NAME), strict=True)
    )
    assert len(ours.cells) > 5
    assert ours == kernel


VARIOUS = [
    "import sys, warnings\nprint('<one>'); print('two', end=''); print('three')",
    "sys.stderr.write('aside\\n');",
    "from IPython.display import HTML, Image, display, clear_output\n"
    "display(HTML('<b>x</b>'), metadata={'alt': 'y'}); display(Image(data=b'\\x89PNG', format='png')); 1 + 1",
    "shown = display(1, display_id='here'); display(2)",
    "shown.update(3)",
    "print('gone'); clear_output(); print('stays'); clear_output(wait=True); print('the last')",
    "Out[4], In[1], _, get_ipython().execution_count",
    "%pwd\n_ == __import__('os').getcwd(), __name__, sys.modules['__main__'].shown is shown",
    "   ",
    "None",
    "warnings.warn('look')",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2])",
    "plt.figure(); plt.show(); print('after it')",
    "import asyncio\nawait asyncio.sleep(0)\n5;",
    "import logging; logging.warning('logged')",
]
FAILING = {
    "raises": "def f(x):\n    return 1 / x\nf(0)",
    "exits": "import sys; sys.exit(0)",
    "is no Python": "1 +* 2",
    "cannot be shown": "class A:\n    def _repr_html_(self):\n        raise ValueError('no')\nA()",
}


@pytest.mark.slow
@pytest.mark.parametrize("last", FAILING)
def test_what_cells_show_and_raise_is_written_as_with_a_kernel(last: str, tmp_path: Path) -> None:
    notebook_of(tmp_path / "some.ipynb", *VARIOUS, FAILING[last], "'never run'")
    kernel = executed(tmp_path / "some.ipynb", tmp_path / "kernel.ipynb")
    assert executed_apart(tmp_path / "some.ipynb", tmp_path / "engine.ipynb") == kernel


def test_cells_show_streams_values_and_what_they_display(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins._", None, raising=False)  # as doctest leaves it
    first, second, empty = by_engine(tmp_path, "print(1); display(2); print(3); print(4); 5", "_ + 1", " ")
    assert shown(first) == [("stream", "1\n"), ("display_data", "2"), ("stream", "3\n4\n"), ("execute_result", "5")]
    assert (second.execution_count, shown(second)) == (3, [("execute_result", "6")])
    assert (empty.execution_count, empty.outputs) == (None, [])


def test_nothing_runs_after_a_cell_that_fails_unless_it_may(tmp_path: Path) -> None:
    failed, other = by_engine(tmp_path, "1 / 0", "1")
    (output,) = failed.outputs
    assert (output.ename, output.evalue, failed.metadata.papermill.status) == (
        "ZeroDivisionError",
        "division by zero",
        "failed",
    )
    assert (other.execution_count, other.metadata.papermill.status) == (None, "pending")


CHANGES = """
import builtins, logging, os, sys, warnings
import matplotlib as mpl, matplotlib.pyplot as plt, pandas as pd
mine = builtins.mine = 1
mpl.rcParams["font.size"] = 33.0
plt.figure()
mpl.use("svg")
pd.set_option("display.max_rows", 3)
pd.set_option("display.float_format", str)
warnings.simplefilter("ignore")
warnings.showwarning = print
os.chdir("..")
os.environ["MINE"] = "1"
os.environ.pop("PATH")
sys.path.insert(0, "/mine")
sys.argv.append("mine")
sys.displayhook = sys.excepthook = print
logging.basicConfig(level=logging.DEBUG)
logging.getLogger("mine").setLevel(1)
logging.getLogger("papermill").addHandler(logging.NullHandler())
logging.disable(logging.CRITICAL)
"""
STATE = """
import builtins, logging, os, sys, warnings
import matplotlib as mpl, pandas as pd
root = logging.getLogger()
state = {
    "names": sorted(name for name in globals() if not name.startswith("_")),
    "builtins": sorted(vars(builtins)),
    "rcParams": str(sorted(dict.items(mpl.rcParams))),
    "figures": getattr(sys.modules.get("matplotlib.pyplot"), "get_fignums", list)(),
    "pandas": [pd.get_option("display.max_rows"), pd.get_option("display.float_format")],
    "filters": (warnings.filters, warnings.showwarning.__name__),
    "folder": os.getcwd(),
    "environment": sorted(os.environ.items()),
    "path": (sys.path, sys.argv),
    "hooks": (sys.excepthook.__name__, type(sys.displayhook).__name__),
    "logging": (root.level, len(root.handlers), root.manager.disable, logging.getLogger("mine").level),
    "handlers": logging.getLogger("papermill").handlers,
}
print("\\n".join(f"{name}: {value}" for name, value in state.items()))
"""


def test_nothing_of_a_notebook_is_seen_by_the_next(tmp_path: Path) -> None:
    by_engine(tmp_path, "import matplotlib.pyplot", STATE)  # modules that are loaded stay so
    (before,) = by_engine(tmp_path, STATE)
    (changed,) = by_engine(tmp_path, CHANGES)
    assert changed.metadata.papermill.status == "completed"
    (after,) = by_engine(tmp_path, STATE)
    assert after.outputs[0].text.splitlines() == before.outputs[0].text.splitlines()


def test_figures_of_pyplot_are_shown_also_after_a_notebook_that_chose_another_backend(tmp_path: Path) -> None:
    plot = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"
    for source in ("import matplotlib\nmatplotlib.use('svg')\n" + plot, plot):
        (cell,) = by_engine(tmp_path, source)
    assert [list(output.data) for output in cell.outputs] == [["image/png", "text/plain"]]


@pytest.mark.filterwarnings("ignore:To exit")
def test_exit_is_no_success(tmp_path: Path) -> None:
    ended, other = by_engine(tmp_path, "exit()", "1")
    assert (ended.metadata.papermill.status, other.execution_count) == ("failed", None)


def test_process_is_as_it_was_before_the_notebook(tmp_path: Path) -> None:
    kept = sys.modules["__main__"], dict(os.environ), sys.path[:], Path.cwd(), sys.stdout, logging.root.handlers[:]
    filters = warnings.filters[:]
    by_engine(tmp_path, CHANGES)
    assert (sys.modules["__main__"], dict(os.environ), sys.path, Path.cwd(), sys.stdout, logging.root.handlers) == kept
    assert warnings.filters == filters


def test_user_files_of_ipython_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start_up = tmp_path / "ipython/profile_default/startup/00.py"
    start_up.parent.mkdir(parents=True)
    start_up.write_text("raise SystemExit", encoding="utf-8")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    (cell,) = by_engine(tmp_path, "2 + 2")
    assert shown(cell) == [("execute_result", "4")]
    assert [file.name for file in (tmp_path / "ipython").rglob("*") if file.is_file()] == ["00.py"]


@pytest.mark.slow
def test_cell_that_takes_too_long_ends_the_process_with_its_stack(tmp_path: Path) -> None:
    notebook_of(tmp_path / "some.ipynb", "def wait():\n    while True: pass\nwait()")
    program = (
        "import sys, papermill; from taskanalysis.publish import engine\n"
        "papermill.execute_notebook(sys.argv[1], None, engine_name=engine.NAME, execution_timeout=0.5)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "some.ipynb")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "in wait\n" in done.stderr
