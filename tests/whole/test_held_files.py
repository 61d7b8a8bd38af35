"""Files that other programs hold: what is written stays whole, and a scanner's moment hinders nothing."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from taskanalysis.cli import main
from taskanalysis.cli.log import log_line, logged
from taskanalysis.history import plan_pruning, prune, read_logs, update_store
from taskanalysis.snapshot import list_snapshots, read_snapshot, write_folder, write_whole
from taskanalysis.windows.collect import export_log
from taskanalysis.windows.restorable import read_wanted
from taskanalysis.windows.script import write_script
from tests.build import FILES, LOAD, NOON, hours, status, write, xml
from tests.doubles import held_files
from tests.windows.restoring import Wevtutil

PROGRAM = """\
    import mmap, os, shutil, sys
    from pathlib import Path

    file, folder = Path("folder/file"), Path("folder")
    folder.mkdir()
    file.write_bytes(b"x")
    Path("other").write_bytes(b"y")
    opened = held = file.open("rb")
    if "memory" in sys.argv[1]:
        held = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        opened.close()
    try:
        eval(sys.argv[2])
    except PermissionError:
        print("refused")
    held.close()
    eval(sys.argv[2])
    print("done")
"""
ACTS = {
    "delete": "os.unlink(file)",
    "rename": "os.rename(file, 'new')",
    "replace": "os.replace('other', file)",
    "rename the folder": "os.rename(folder, 'new')",
    "delete the folder": "shutil.rmtree(folder)",
    "delete what is in memory": "os.unlink(file)",
}


def child(tmp_path: Path, *command: str, scanned: bool = False) -> tuple[str, list[str]]:
    """What a Python with the habit prints, and the last parts of the paths that were refused to it."""
    habits = held_files.habits_of_children(tmp_path / "habits", scanned=scanned)
    work = tmp_path / "work"
    work.mkdir()
    done = subprocess.run(
        [sys.executable, *command],
        cwd=work,
        env=os.environ | habits,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    log = Path(habits[held_files.LOG])
    return done.stdout, [
        Path(line).name for line in log.read_text(encoding="utf-8").splitlines()
    ] if log.exists() else []


@pytest.mark.parametrize("act", ACTS)
def test_open_file_refuses_as_on_windows_and_closed_does_not(act: str, tmp_path: Path) -> None:
    said, _ = child(tmp_path, "-c", textwrap.dedent(PROGRAM), act, ACTS[act])
    assert said.split() == ["refused", "done"]


# A scanner holds each new file for a moment ---------------------------------------------------------------------------


@pytest.fixture
def scanned(monkeypatch: pytest.MonkeyPatch) -> set[Path]:
    """Refuses the first rename of each file; those that were refused."""
    seen: set[Path] = set()
    for name in held_files.RENAMES:
        monkeypatch.setattr(os, name, held_files.refusing_first(getattr(os, name), seen))
    return seen


def rotate(folder: Path) -> None:
    with logged(folder / "our.log", "collect"):
        for number in range(4):
            log_line(f"{number} {'x' * 999_000}")
    assert (folder / "our.log.1").exists()


def logs_are_read(folder: Path) -> None:
    read_logs(folder, ["SRV"], zones={"SRV": "UTC"}, update=True)
    assert len(list(folder.glob("history/eventlogs/SRV/*.parquet"))) == 3


def pruned(folder: Path) -> None:
    prune(folder, plan_pruning(folder, before=hours(2)))
    assert len(list_snapshots(folder)) == 1


def output(*words: str) -> None:
    CliRunner().invoke(main, words)
    assert Path(words[-1]).is_file()


WRITERS: dict[str, Callable[[Path], object]] = {
    "file": lambda folder: write_whole(folder / "file", b"x"),
    "folder": lambda folder: write_folder(folder / "new", {"file": b"x"}),
    "snapshot": lambda folder: write(folder, 3, status()),
    "history": lambda folder: set(update_store(folder)) and pytest.fail("not stored"),
    "event log that was read": logs_are_read,
    "event log that was exported": lambda folder: export_log(folder, "SRV", now=NOON, run=Wevtutil()),
    "pruned snapshots": pruned,
    "script": lambda folder: write_script(folder / "script", read_wanted(read_snapshot(folder)).tasks, title="t"),
    "log": rotate,
    "check": lambda folder: output("check", "--data", str(folder), "--output", str(folder / "check.txt")),
    "task": lambda folder: output(
        "task-xml", "--data", r"D:\tasks", "--program", r"C:\python.exe", "--output", str(folder / "task.xml")
    ),
}


@pytest.mark.parametrize("what", WRITERS)
def test_whatever_is_written_waits_while_a_scanner_has_it_open(what: str, tmp_path: Path, scanned: set[Path]) -> None:
    for hour in range(3):
        write(tmp_path, hour, status(), definitions={LOAD: xml()} if hour == 2 else None)
    (tmp_path / "eventlogs" / "SRV").mkdir(parents=True)
    log = FILES / "eventlogs" / "english.csv"
    (tmp_path / "eventlogs" / "SRV" / log.name).write_bytes(log.read_bytes())
    scanned.clear()
    WRITERS[what](tmp_path)
    assert scanned
    assert list(tmp_path.rglob("*.tmp")) == []


@pytest.mark.slow
def test_report_is_made_where_a_scanner_holds_each_new_file(tmp_path: Path) -> None:
    said, refused = child(tmp_path, "-m", "taskanalysis", "report", "--reports", "out", scanned=True)
    latest = tmp_path / "work" / "out" / "latest"
    assert {file.name for file in latest.iterdir()} < set(refused)
    assert "index.html" in refused
    assert "locked" not in said
