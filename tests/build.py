"""What tests are made of: places, task XML, shares with snapshots, and the frames of a history as values."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from xml.sax.saxutils import escape, quoteattr

import nbformat
import pandas as pd
import psutil
import pytest
from lxml import html

from taskanalysis.definition import ExecAction, TaskDefinition
from taskanalysis.health.past import known_history
from taskanalysis.health.rules import NO_RULES, Rules
from taskanalysis.history.eventlog.runs import EventLog
from taskanalysis.history.frames import History, read_history
from taskanalysis.report.trends import Trends
from taskanalysis.report.window import Window
from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot, write_snapshot
from taskanalysis.snapshot.status import Status

ROOT = Path(__file__).parents[1]
FILES = ROOT / "tests" / "files"
CORPUS = ROOT.parent / "shared" / "corpus"
"""Real files, where they lie beside the checkout."""

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
FRAMES = ("coverage", "spans", "observations", "runs", "events", "changes")
LOAD = "\\OpenData\\Load"


def hours(number: float) -> datetime:
    """So many hours after noon."""
    return NOON + timedelta(hours=number)


def status(path: str = LOAD, last_run: Any = None, code: int | None = 0, **given: Any) -> Status:
    """A status of a task that is ready; `last_run` in hours after noon, or as it is."""
    moment = hours(last_run) if isinstance(last_run, int | float) else last_run
    return Status(path, **{"state": "Ready", "enabled": True, "last_run": moment, "last_result": code, **given})


def xml(command: str = "python.exe", *more: str) -> bytes:
    """A definition with an action for each command."""
    actions = "".join(f"<Exec><Command>{each}</Command></Exec>" for each in (command, *more))
    return f"<Task><Actions>{actions}</Actions></Task>".encode("utf-16")


def write(data: Path, hour: float, *statuses: Status, server: str = "SRV", **given: Any) -> Path:
    """A snapshot so many hours after noon; without definitions, unless some are given."""
    known: dict[str, Any] = {"zone": "America/New_York", "definitions": None, "elevated": True, "collected_by": "me"}
    return write_snapshot(data, server=server, taken_at=hours(hour), statuses=statuses, **{**known, **given})


def history_of(tmp_path: Path, rows: Mapping[float, Iterable[Status]], **given: Any) -> History:
    """The history of snapshots with these statuses, by their hour."""
    for hour, statuses in rows.items():
        write(tmp_path, hour, *statuses, **given)
    return read_history(tmp_path)


def copied(source: Path, target: Path, names: Iterable[str]) -> None:
    """Copy these snapshot folders of one share into another."""
    for name in names:
        (found,) = source.glob(f"snapshots/*/*/{name}")
        shutil.copytree(found, target / found.relative_to(source))


def assert_same(one: History, other: History) -> None:
    """All frames equal, row by row and type by type."""
    for name in FRAMES:
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), obj=name)


def rows(frame: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """Rows as tuples of these columns; times in hours after noon, what is missing as None."""
    return [
        tuple(_plain(value) for value in row) for row in frame[list(columns)].astype(object).itertuples(index=False)
    ]


def _plain(value: Any) -> Any:
    if pd.isna(value):
        return None
    return (value - NOON) / timedelta(hours=1) if isinstance(value, pd.Timestamp) else value


# Files that never end -------------------------------------------------------------------------------------------------

TRAPS = ("pipe", "link to a pipe", "link to a device") if hasattr(os, "mkfifo") else ()
"""What can stand in place of a file, and keeps whoever reads it for ever."""


def trap(file: Path, kind: str) -> None:
    """Put one of `TRAPS` in place of a file."""
    file.unlink(missing_ok=True)
    target = Path("/dev/zero")
    if kind != "link to a device":
        target = file.with_name(f"{file.name}.pipe") if kind.startswith("link") else file
        os.mkfifo(target)
    if target != file:
        file.symlink_to(target)


def link(place: Path, target: object) -> None:
    """Make a link; the test is skipped where the system makes none, as Windows without the right to."""
    with contextlib.suppress(OSError):
        place.symlink_to(str(target))
    if not place.is_symlink():
        pytest.skip("links can't be made here")


T = TypeVar("T")


def answer(ask: Callable[[], T]) -> T:
    """What a function gives or raises; TimeoutError where it does not end."""
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(ask())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return future.result(timeout=60)


# Hostile text and the report command ----------------------------------------------------------------------------------

SCRIPT = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"


HOSTILE = {
    r"\<b>bold": SCRIPT,
    r"\=cmd|'x'!A1": "=1+1",
    r"\{{ 7*7 }} {% raw %} $a$b$": "{{ 7*7 }}",
    "\\" + "long" * 50: "x" * 10_000,
    r"\tab": "\t=1+1",
    r"\at": "@SUM(1)",
    r"\secret": "--password S3cret",
}


def definition(text: str) -> str:
    safe = text.replace("&", "&amp;").replace("<", "&lt;")
    exec_action = "".join(f"<{name}>{safe}</{name}>" for name in ("Command", "Arguments", "WorkingDirectory"))
    return (
        f"<Task><RegistrationInfo><Author>{safe}</Author><Description>{safe}</Description></RegistrationInfo>"
        f"<Triggers><LogonTrigger><UserId>{safe}</UserId></LogonTrigger></Triggers>"
        f"<Principals><Principal><UserId>{safe}</UserId></Principal></Principals>"
        f"<Actions><Exec>{exec_action}</Exec></Actions></Task>"
    )


MANY = 230
"""Tasks of the share of many: their stories are on three pages."""


def write_many(data: Path) -> None:
    """A share of two snapshots of `MANY` tasks, of which each ninth fails."""
    names = [f"\\OpenData\\{number % 7}\\Task {number:03}" for number in range(MANY)]
    definitions = {path: scheduled(every("PT1H"), command=f"C:\\jobs\\{path[-3:]}.exe") for path in names}
    for hour in (0, 1):
        soon = hours(hour + 0.5)
        rows = [status(path, hour - 0.5, int(turn % 9 == 0), next_run=soon) for turn, path in enumerate(names)]
        write(data, hour, *rows, definitions=definitions)


def text_in(file: Path) -> str:
    """What a file says: its text, or all cells of a Parquet file."""
    return pd.read_parquet(file).to_csv() if file.suffix == ".parquet" else file.read_text(encoding="utf-8-sig")


def report(out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run ``taskanalysis report`` as a user does, in a process of its own."""
    command = [sys.executable, "-m", "taskanalysis", "report", "--reports", str(out), *options]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False)


def scheduled(trigger: str = "", settings: str = "", info: str = "", command: str = "python.exe") -> bytes:
    """A definition with these triggers, settings and registration info, as XML, and one action."""
    actions = f"<Actions><Exec><Command>{command}</Command></Exec></Actions>"
    info = f"<RegistrationInfo>{info}</RegistrationInfo>"
    task = f"<Task>{info}<Triggers>{trigger}</Triggers><Settings>{settings}</Settings>{actions}</Task>"
    return task.encode("utf-16")


def every(interval: str) -> str:
    """A trigger that repeats from the midnight before noon on."""
    repetition = f"<Repetition><Interval>{interval}</Interval></Repetition>"
    return f"<TimeTrigger>{repetition}<StartBoundary>2026-11-20T00:00:00Z</StartBoundary></TimeTrigger>"


# Definitions and manifests --------------------------------------------------------------------------------------------


def commands(tasks: Mapping[str, TaskDefinition]) -> dict[str, str]:
    """The command of each task, which has no other action."""
    found = {}
    for path, task in tasks.items():
        (action,) = task.actions
        assert isinstance(action, ExecAction)
        found[path] = action.command
    return found


def rewrite_manifest(folder: Path, **values: Any) -> None:
    """Write these values into a snapshot's ``snapshot.json``."""
    file = folder / "snapshot.json"
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | values), encoding="utf-8")


def notebook_of(file: Path, *sources: str, parameters: str = "data: str = ''") -> None:
    """Write a notebook of some code cells."""
    first = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]} if parameters else {})
    cells = [first, *map(nbformat.v4.new_code_cell, sources)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), file)


def processes(word: str) -> list[list[str]]:
    """Command lines of processes that name a folder, work in it, or have it for temporary files."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if word in " ".join([*process.cmdline(), process.cwd(), process.environ().get("TMPDIR", "")]):
                found.append(process.cmdline())
    return found


def page_of(file: Path) -> html.HtmlElement:
    """A page as elements, without the breaks of long words, which libxml2 takes for elements that go on."""
    return html.document_fromstring(file.read_text(encoding="utf-8").replace("<wbr>", ""))


def table(page: html.HtmlElement, caption: str) -> list[list[str]]:
    """The cells of the rows of a table, by its caption."""
    rows = page.xpath(f"//table[caption='{caption}']/tbody/tr")
    return [[" ".join(cell.text_content().split()) for cell in row] for row in rows]


# Event logs -----------------------------------------------------------------------------------------------------------

LOGGED = datetime(2026, 11, 23, 11, tzinfo=UTC)
GUIDS = tuple(f"{letter * 8}-0a0b-4c0d-8e0f-{letter * 12}" for letter in "abcd")


def logged(seconds: float) -> datetime:
    """So many seconds after `LOGGED`."""
    return LOGGED + timedelta(seconds=seconds)


def whats(log: EventLog) -> list[str]:
    """What is wrong with a log."""
    return [problem.what for problem in log.problems]


def event(number: int, at: float | datetime = 0, activity: str = "", path: str = LOAD, **data: object) -> str:
    """An event as wevtutil prints it; `at` in seconds after `LOGGED`, or as it is; `path` is its TaskName if not ""."""
    moment = at if isinstance(at, datetime) else logged(at)
    values = ({"TaskName": path} if path else {}) | data
    cells = "".join(f"<Data Name={quoteattr(name)}>{escape(str(value))}</Data>" for name, value in values.items())
    correlation = f" ActivityID={quoteattr('{' + activity.upper() + '}')}" if activity else ""
    return (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
        "<Provider Name='Microsoft-Windows-TaskScheduler' Guid='{de7b24ea-73c8-4a09-985d-5bdadcfa9017}'/>"
        f"<EventID>{number}</EventID><Version>0</Version>"
        f"<TimeCreated SystemTime='{moment.isoformat().replace('+00:00', 'Z')}'/><Correlation{correlation}/>"
        f"<Channel>Microsoft-Windows-TaskScheduler/Operational</Channel></System><EventData>{cells}</EventData></Event>"
    )


def run_events(
    instance: str, start: float = 0, end: float | None = 60, path: str = LOAD, code: object = 0
) -> list[str]:
    """The four events that every run has; without `end` the first two."""
    events = [
        event(100, start, instance, path, UserContext="TOWN\\opendata", InstanceId=instance),
        event(200, start + 1, instance, path, ActionName="x.exe", TaskInstanceId=instance),
    ]
    if end is not None:
        events.append(event(201, end, instance, path, TaskInstanceId=instance, ActionName="x.exe", ResultCode=code))
        events.append(event(102, end + 1, instance, path, UserContext="TOWN\\opendata", InstanceId=instance))
    return events


# Pages ----------------------------------------------------------------------------------------------------------------


def trends_of(snapshot: Snapshot, rules: Rules = NO_RULES, folder: str = "", days: int = 90) -> Trends:
    """The trends of a snapshot with its history, by these rules."""
    return Trends(snapshot, folder, known_history(snapshot, days), rules, days)


def window_of(data: Path, rows: Mapping[float, Iterable[Status]], **given: Any) -> Window:
    """The window of a share with these statuses, by their hour after noon UTC."""
    for hour, statuses in rows.items():
        write(data, hour, *statuses, **given)
    return trends_of(read_snapshot(data))


def hourly(tmp_path: Path, results: Iterable[tuple[float, int]]) -> History:
    """The history of a task, looked at each hour from noon on: its last run, in hours after noon, and its code."""
    states = {267009: "Running"}
    statuses = [status(last_run=start, code=code, state=states.get(code, "Ready")) for start, code in results]
    return history_of(tmp_path, {hour: [each] for hour, each in enumerate(statuses)})


def store_files(data: Path) -> dict[str, bytes]:
    """The files of a share's history that no process has to itself."""
    found = sorted(file for file in (data / "history").rglob("*") if file.is_file() and file.name[0] != ".")
    return {file.relative_to(data).as_posix(): file.read_bytes() for file in found}
