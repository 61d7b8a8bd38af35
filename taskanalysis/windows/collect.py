r"""Write a snapshot of a server, or of what other programs exported from one, and export its event log.

Authority: the share's layout is ours (``data/README.md``); ``wevtutil`` of Windows for the log. Everything is read
before anything is written; a snapshot is written whole or not at all, one collect of a server writes at a time, and
leftovers of a killed one are removed by the next. An exported log is named by the moment it reaches to, so that the
next begins there. Not yet run on Windows.

>>> Collected(Path("20261123T110200Z"), "OPENDATA01", 55, 41, stored=False).line()
'OPENDATA01: 55 tasks, 41 definitions as before, in 20261123T110200Z'
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

from filelock import Timeout

from taskanalysis import __version__
from taskanalysis.definition import Time, instant, read_bytes, read_task
from taskanalysis.errors import Problem, SnapshotError, TaskXmlError, UnfinishedError, reason_of
from taskanalysis.snapshot import (
    DELETED,
    Status,
    file_name,
    fits,
    in_future,
    in_scope,
    keep_script,
    list_snapshots,
    locked,
    log_name,
    long_path,
    newest_first,
    plain_path,
    read_manifest,
    read_snapshot,
    remove,
    server_folder,
    snapshot_folder,
    stamp_of,
    stamped,
    write_snapshot,
    write_whole,
)
from taskanalysis.text import clip, count
from taskanalysis.windows.dated import dated_folders
from taskanalysis.windows.evidence import Evidence, LogOf, gather
from taskanalysis.windows.restorable import WantedTasks, encoded, read_wanted
from taskanalysis.windows.scheduler import Scheduler, SchedulerError

LOG = "Microsoft-Windows-TaskScheduler/Operational"
TURN_ON = f"wevtutil set-log {LOG} /enabled:true"
WEVTUTIL_SECONDS = 600
"""Time limit of wevtutil."""
WAIT = 60.0
"""Seconds to wait for another collect of the same server."""


@dataclass(frozen=True, slots=True)
class Collected:
    """The written snapshot: its folder, number of tasks and of definitions (None: not read).

    `stored` tells whether the definitions are in it, or in an earlier one since nothing changed. `warnings` are
    sentences about the whole, `problems` what could not be read. `nothing_new`: the snapshot was there before.
    """

    place: Path
    server: str
    tasks: int
    definitions: int | None
    stored: bool = False
    warnings: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    nothing_new: bool = False

    def line(self) -> str:
        """The result in one line."""
        if self.nothing_new:
            return f"{self.server}: nothing new, its snapshot is there as {plain_path(self.place)}"
        counts = [count(self.tasks, "task")]
        if self.definitions is not None:
            counts.append(f"{count(self.definitions, 'definition')} {'stored' if self.stored else 'as before'}")
        return f"{self.server}: {', '.join(counts)}, in {plain_path(self.place)}"


@dataclass(slots=True)
class TaskData:
    """What was read of tasks; `refused` maps those whose definition could not be read to the error."""

    statuses: list[Status] = field(default_factory=list)
    definitions: dict[str, bytes] | None = None
    sddl: dict[str, str] = field(default_factory=dict)
    refused: dict[str, SchedulerError] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def collect(
    scheduler: Scheduler,
    data: Path,
    *,
    server: str,
    now: datetime,
    folders: Sequence[str] = (),
    status_only: bool = False,
    scripts: bool = False,
    log_of: LogOf = lambda _: (),
    collected_by: str = "",
    wait: float = WAIT,
) -> Collected:
    r"""Write a snapshot: the status of all tasks, and the definitions of those in `folders` and below.

    With the definitions it notes the files that they start, and the ends of logs of tasks whose last result is no
    success: those that `log_of` names, else the output that cmd writes to a file. With `scripts` the share keeps the
    scripts that were found.

    Without folders that is all outside ``\Microsoft``; with `status_only` no definition is read. `now` (aware) is the
    time of the snapshot; `wait` the seconds to wait for another collect of the same server. A definition that Windows
    refuses is copied from the last snapshot.

    SnapshotError for a folder that the server does not have; UnfinishedError where the connection is lost, another
    collect is writing, or the share is full or gone. Nothing is written then.
    """
    server_folder(data, server)
    _check_exists(data)
    paths, all_folders, problems = _listed(scheduler)
    for folder in folders:
        if not any(in_scope(found + "\\x", [folder]) for found in all_folders):
            raise SnapshotError(f"{server} has no task folder {clip(folder)}")
    read = read_tasks(scheduler, paths, None if status_only else folders)
    read.problems[:0] = problems
    evidence = _evidence(scheduler, read, log_of)
    elevated = scheduler.is_elevated()
    warnings = []
    if elevated is False:
        warnings.append("not elevated, so tasks of other accounts may be missing: run it as administrator")
    with holding(data, server, wait=wait):
        warnings += _drop_of_tasks(data, server, len(read.statuses))
        _keep_refused(data, server, read)
        for content in evidence.scripts.values() if evidence and scripts else ():
            keep_script(data, content)
        return _write(
            data,
            warnings,
            server=server,
            taken_at=now,
            later=True,
            zone=scheduler.zone(),
            statuses=read.statuses,
            definitions=read.definitions,
            folders=[] if status_only else folders,
            windows=scheduler.windows_version(),
            collected_by=collected_by,
            elevated=elevated,
            sddl=read.sddl,
            problems=read.problems,
            programs=evidence and evidence.programs,
            logs=evidence and evidence.logs,
        )


def convert(
    source: Path,
    data: Path,
    *,
    server: str = "",
    zone: str = "",
    dates: str = "",
    folders: Sequence[str] = (),
    at: Time = "",
    now: datetime | None = None,
    wait: float = WAIT,
) -> Collected:
    r"""Turn anything that `read_snapshot` reads into a snapshot of ours, taken when the source was, or `at`.

    Of a file with several servers, `server` selects one. Where the server already has a snapshot of that time, nothing
    is written.

    Definitions keep their bytes where Windows can import them; others are rewritten as UTF-16LE with BOM, and a warning
    counts them. Those outside `folders` are left out; without folders those of ``\Microsoft``, which a warning counts.

    SnapshotError where there is nothing to read, no server is named, times have no zone, or the time is later than
    `now` (aware; the clock where it is None); otherwise as `collect`.
    """
    _check_exists(data)
    snapshot = read_snapshot(source, zone=zone, dates=dates)
    if snapshot.others:
        snapshot = read_snapshot(source, server=server or snapshot.server, zone=zone, dates=dates, others=())
    if at != "":
        snapshot.taken_at = instant(at, zone)
    if in_future(snapshot.taken_at, now or datetime.now(UTC)):
        when = f"{snapshot.taken_at:%Y-%m-%d %H:%M} UTC"
        raise SnapshotError(f"{source} is of {when}, which lies in the future: correct the time of its files first")
    name = server or snapshot.server
    if not name:
        raise SnapshotError(f"{source} does not name its server: name it with --server")
    times = (moment for status in snapshot.statuses.values() for moment in (status.last_run, status.next_run))
    if any(isinstance(moment, datetime) and moment.tzinfo is None for moment in times):
        raise SnapshotError(f"{source} does not name the time zone of its server: name it with --zone")
    there = {known.path.name: known.path for known in list_snapshots(data, name)}
    if place := there.get(stamp_of(snapshot.taken_at)):
        return Collected(place, name, len(snapshot.statuses), None, nothing_new=True)
    chosen = [path for path in snapshot.tasks if in_scope(path, folders)]
    wanted = read_wanted(snapshot, tasks=chosen) if chosen else WantedTasks(problems=snapshot.problems)
    definitions = {task.path: encoded(task.xml) for task in wanted.tasks}
    warnings = []
    if rewritten := sum(hashlib.sha256(xml).hexdigest() != snapshot.hashes[path] for path, xml in definitions.items()):
        warnings.append(f"{count(rewritten, 'definition')} rewritten in the encoding that Windows imports")
    if (left_out := len(snapshot.tasks) - len(chosen)) and not folders:
        warnings.append(f"{count(left_out, 'definition')} of \\Microsoft left out: name their folder with --folder")
    with holding(data, name, wait=wait):
        return _write(
            data,
            warnings,
            server=name,
            taken_at=snapshot.taken_at,
            zone=snapshot.zone,
            statuses=list(snapshot.statuses.values()),
            definitions=definitions if "definitions" in snapshot.holds else None,
            folders=folders,
            windows=str(snapshot.manifest.get("windows") or ""),
            collected_by=str(snapshot.manifest.get("collected_by") or ""),
            elevated=snapshot.manifest.get("elevated"),
            tool=f"taskanalysis {__version__} from {clip(source.absolute().name)}",
            sddl={task.path: task.sddl for task in wanted.tasks if task.sddl},
            problems=[problem for problem in wanted.problems if problem in snapshot.notes],
            faults=[problem for problem in wanted.problems if problem not in snapshot.notes],
            holds=snapshot.holds,
            programs=snapshot.programs and list(chain.from_iterable(snapshot.programs.values())),
            logs=snapshot.logs,
        )


def convert_all(source: Path, data: Path, *, server: str = "", zone: str = "", **options: Any) -> list[Collected]:
    """Convert each server of a file with several, and each dated folder in a folder of them; else the source itself.

    A folder is dated where its name begins with a date, and perhaps a time; without one, its files tell the time where
    they are of that day, else it is noon. What lies beside two of them is a problem of the last snapshot. The options
    are those of `convert`.
    """
    dated, beside = ([], []) if options.get("at") else dated_folders(source, zone)
    if dated:
        found = [convert_all(folder, data, server=server, zone=zone, **options | {"at": at}) for at, folder in dated]
        done = [collected for each in found for collected in each]
        lost = [Problem(name, "lies beside dated folders and is not read: take it by itself") for name in beside]
        return [*done[:-1], replace(done[-1], problems=(*done[-1].problems, *lost))]
    snapshot = read_snapshot(source, zone=zone, dates=options.get("dates", ""))
    names = [server] if server or not snapshot.others else [snapshot.server, *snapshot.others]
    return [convert(source, data, server=name, zone=zone, **options) for name in names]


# Reading --------------------------------------------------------------------------------------------------------------


def _listed(scheduler: Scheduler) -> tuple[list[str], list[str], list[Problem]]:
    """Paths of all tasks and of all folders, and what could not be listed; SchedulerError if that is the root."""
    paths: list[str] = []
    folders, problems = ["\\"], []
    for folder in folders:  # the list grows: the folders below are appended
        try:
            folders += scheduler.folders(folder)
            listed = scheduler.tasks(folder)
        except SchedulerError as error:
            if error.lost or folder == "\\":
                raise
            problems.append(Problem(folder, error.reason))
            continue
        paths += [task for task in listed if isinstance(task, str)]
        problems += [Problem(task.what or folder, task.reason) for task in listed if isinstance(task, SchedulerError)]
    return paths, folders, problems


def read_tasks(scheduler: Scheduler, paths: Iterable[str], folders: Sequence[str] | None) -> TaskData:
    """Read all statuses, and the definitions in `folders` and below (None: none).

    A deleted task is left out; SchedulerError where the connection is lost.
    """
    read = TaskData(definitions=None if folders is None else {})
    for path in paths:
        wanted = folders is not None and in_scope(path, folders)
        try:
            status, refused = scheduler.status(path)
            texts = _texts(scheduler, path, refused) if wanted else {}
        except SchedulerError as error:
            if error.lost:
                raise
            read.problems.append(Problem(path, DELETED))
            continue
        fields = dict[str, list[str]]()
        for name, refusal in refused.items():
            fields.setdefault(refusal.reason, []).append(name)
        read.problems += [Problem(path, f"{', '.join(names)}: {reason}") for reason, names in fields.items()]
        read.statuses.append(status)
        if read.definitions is not None and "xml" in texts:
            read.definitions[path] = encoded(texts["xml"].removeprefix("\ufeff"))
        if "xml" in refused:
            read.refused[path] = refused["xml"]
        if texts.get("sddl"):
            read.sddl[path] = texts["sddl"]
    return read


def _evidence(scheduler: Scheduler, read: TaskData, log_of: LogOf) -> Evidence | None:
    """What the tasks run and last wrote; None where no definition was read."""
    if read.definitions is None:
        return None
    tasks = {}
    for path, xml in read.definitions.items():
        with suppress(TaskXmlError):
            tasks[path] = read_task(xml)
    evidence = gather(scheduler, tasks, {status.path: status for status in read.statuses}, log_of)
    read.problems += evidence.problems
    return evidence


def _texts(scheduler: Scheduler, path: str, refused: dict[str, SchedulerError]) -> dict[str, str]:
    """Definition and access list of a task; one that Windows refuses is added to `refused`."""
    texts = {}
    for name, ask in (("xml", scheduler.xml), ("sddl", scheduler.sddl)):
        try:
            texts[name] = ask(path)
        except SchedulerError as error:
            if error.lost or error.vanished:
                raise
            refused[name] = error
    return texts


# Writing --------------------------------------------------------------------------------------------------------------


@contextmanager
def holding(data: Path, server: str, *, wait: float = WAIT) -> Iterator[None]:
    """Lock what a share holds of one server, and remove what killed processes left behind.

    UnfinishedError where another process holds the lock for more than `wait` seconds, the share is gone, or the disk
    refuses a write inside.
    """
    _check_exists(data)
    folder = server_folder(data, server)
    try:
        with locked(folder, "*/.*.tmp", wait=wait):
            remove(*server_folder(data, server, "eventlogs").glob(".*.tmp"))
            for month in folder.glob("[0-9][0-9][0-9][0-9]-[0-9][0-9]"):
                with suppress(OSError):  # a month with snapshots stays
                    month.rmdir()
            yield
    except Timeout:
        raise UnfinishedError(f"another collect of {server} is writing to {data}: run this again later") from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UnfinishedError(f"{data} is full, so nothing was written: free some space and run it again") from None
        _check_exists(data)
        raise UnfinishedError(f"{data} can't be written ({reason_of(error)}), so nothing was written") from None


def _check_exists(data: Path) -> None:
    if not long_path(data).is_dir():
        raise UnfinishedError(f"{data} does not exist: create the folder, or check why the share is gone")


def _drop_of_tasks(data: Path, server: str, tasks: int) -> list[str]:
    """Warn if a fifth of the previous snapshot's tasks is missing."""
    for last in newest_first(data, server):
        with suppress(SnapshotError):
            before = read_manifest(last.path).get("tasks")
            if isinstance(before, int) and before and 5 * (before - tasks) >= before:
                when = f"{last.taken_at:%Y-%m-%d %H:%M} UTC"
                return [f"only {count(tasks, 'task')}, {before - tasks} fewer than at {when}"]
            return []
    return []


def _keep_refused(data: Path, server: str, read: TaskData) -> None:
    """Copy refused definitions from the last snapshot that stores them: a backup must not lose them."""
    if read.definitions is None or not read.refused:
        return
    last = next((one.path for one in newest_first(data, server) if (one.path / "tasks").is_dir()), None)
    if last is None:
        return
    for path in read.refused:
        with suppress(OSError, TaskXmlError):
            read.definitions[path] = read_bytes(last / "tasks" / file_name(path))
            read.problems.append(Problem(path, f"its definition is kept from {last.name}"))


def _write(
    data: Path, warnings: Sequence[str], *, server: str, taken_at: datetime, later: bool = False, **content: Any
) -> Collected:
    """Write the snapshot; with `later`, some seconds later if one of that time exists."""
    names = {snapshot.path.name for snapshot in list_snapshots(data, server)}
    taken_at = taken_at.astimezone(UTC)
    while stamp_of(taken_at) in names and later:
        taken_at += timedelta(seconds=1)
    place, faults = snapshot_folder(server_folder(data, server), stamp_of(taken_at)), list(content.pop("faults", ()))
    for name, what, place_of in (
        ("definitions", "its definition", lambda path: f"tasks/{file_name(path)}"),
        ("logs", "its log", log_name),
    ):
        held = content.get(name) or {}
        if long := [path for path in held if not fits(place, place_of(path))]:
            faults += [Problem(path, f"{what} is not stored: the share takes no name that is so long") for path in long]
            content[name] = {path: text for path, text in held.items() if path not in long}
    write_snapshot(data, server=server, taken_at=taken_at, warnings=warnings, faults=faults, **content)
    definitions = content["definitions"]
    number = None if definitions is None else len(definitions)
    stored, problems = (place / "tasks").is_dir(), (*content["problems"], *faults)
    return Collected(place, server, len(content["statuses"]), number, stored, tuple(warnings), problems)


# The event log --------------------------------------------------------------------------------------------------------


def export_log(
    data: Path, server: str, *, now: datetime, run: Callable[[Sequence[str]], str] | None = None, wait: float = WAIT
) -> Path | None:
    """Export this machine's events since the last export, up to `now` (aware); returns the file.

    None if the log is disabled, so that there is nothing to export. `run` runs wevtutil with these arguments and
    returns its output. UnfinishedError where wevtutil fails, or as `holding`; no file is left then.
    """
    run = run or _wevtutil
    folder = server_folder(data, server, "eventlogs")
    with holding(data, server, wait=wait):
        if re.search(r"(?im)^\s*enabled:\s*false\s*$", run(["get-log", LOG])):
            return None
        stamp = stamp_of(now)
        file = folder / f"{stamp}.evtx"
        last = max(filter(None, (stamped(log.stem) for log in folder.glob("*.evtx"))), default=None)
        since = f"@SystemTime>='{_iso(last)}' and " if last else ""
        events = f"*[System[TimeCreated[{since}@SystemTime<'{_iso(now)}']]]"
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as local:
            exported = Path(local, file.name)  # the service that writes it may not reach a share
            run(["export-log", LOG, str(exported), f"/query:{events}"])
            write_whole(file, exported.read_bytes())
    return file


def _iso(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"


def _wevtutil(arguments: Sequence[str]) -> str:
    program = Path(os.environ.get("SystemRoot", r"C:\Windows"), "System32", "wevtutil.exe")  # noqa: SIM112 (its name)
    try:
        ended = subprocess.run(  # noqa: S603 (a list, no shell; the values are ours)
            [str(program), *arguments],
            capture_output=True,
            timeout=WEVTUTIL_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnfinishedError(f"the event log can't be exported: wevtutil fails ({clip(str(error))})") from None
    if ended.returncode:
        output = (ended.stderr or ended.stdout).decode("utf-8", "replace")
        raise UnfinishedError(f"the event log can't be exported: wevtutil says {clip(output, 160)}")
    return ended.stdout.decode("utf-8", "replace")
