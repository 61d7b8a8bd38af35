r"""What a server's Task Scheduler says, or what other programs wrote of it -> a new snapshot in a share.

Authority: the layout is ours (``data/README.md``). All is read before anything is written; a snapshot is there whole or
not at all, one collect of a server writes at a time, and what a killed one left is removed by the next.

>>> Collected(Path("20261123T110200Z"), "OPENDATA01", 55, 41, stored=False).line()
'OPENDATA01: 55 tasks, 41 definitions as before, in 20261123T110200Z'
"""

from __future__ import annotations

import codecs
import errno
import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from filelock import Timeout

from taskanalysis import __version__
from taskanalysis.errors import Problem, SnapshotError, UnfinishedError
from taskanalysis.snapshot import (
    STATUS_FIELDS,
    Status,
    file_name,
    in_scope,
    list_snapshots,
    locked,
    long_path,
    newest_first,
    plain_path,
    read_manifest,
    read_snapshot,
    remove,
    server_folder,
    write_snapshot,
)
from taskanalysis.text import clip, count
from taskanalysis.windows.restorable import encoded, read_wanted
from taskanalysis.windows.scheduler import Scheduler, SchedulerError

__all__ = ["Collected", "collect", "convert", "holding"]

WAIT = 60.0
"""Seconds for another collect of the same server."""
PAUSES = (0.5, 2.0)
"""Seconds before a snapshot is written again that Windows would not rename: a virus scanner still had it open."""


@dataclass(frozen=True, slots=True)
class Collected:
    """A snapshot that was written: its folder, number of tasks and definitions (None: not read), whether these are new.

    `warnings` are sentences about the whole, `problems` what could not be read.
    """

    place: Path
    server: str
    tasks: int
    definitions: int | None
    stored: bool = False
    warnings: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    def line(self) -> str:
        """What was done, in one line."""
        what = [count(self.tasks, "task")]
        if self.definitions is not None:
            what.append(f"{count(self.definitions, 'definition')} {'stored' if self.stored else 'as before'}")
        return f"{self.server}: {', '.join(what)}, in {plain_path(self.place)}"


@dataclass(slots=True)
class _Read:
    """What was read of a server; `refused` tells for each definition that could not be read why."""

    statuses: list[Status] = field(default_factory=list)
    definitions: dict[str, bytes] | None = None
    sddl: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def collect(
    scheduler: Scheduler,
    data: Path,
    *,
    server: str,
    now: datetime,
    folders: Sequence[str] = (),
    status_only: bool = False,
    collected_by: str = "",
    wait: float = WAIT,
) -> Collected:
    r"""Write a snapshot: the status of all tasks, and the definitions of those in `folders` and below.

    Without folders that is all outside ``\Microsoft``; with `status_only` no definition is read. `now` (aware) is when
    the snapshot is taken; `wait` (seconds) is for another collect of the same server. A definition that is refused is
    kept as the last snapshot has it. Each property of a task is asked for once.

    SnapshotError for a folder that the server does not have; UnfinishedError where the connection is lost, another
    collect goes on, or the share is full or gone. Nothing is written then.
    """
    server_folder(data, server)
    _check_there(data)
    paths, found, problems = _listed(scheduler)
    for folder in folders:
        if not any(in_scope(each + "\\x", [folder]) for each in found):
            raise SnapshotError(f"{server} has no task folder {clip(folder)}")
    read = _read(scheduler, paths, None if status_only else folders)
    read.problems[:0] = problems
    elevated = scheduler.is_elevated()
    warnings = []
    if elevated is False:
        warnings.append("not elevated, so tasks of other accounts may be missing: run it as administrator")
    with holding(data, server, wait=wait):
        warnings += _drop(data, server, len(read.statuses))
        _keep(data, server, read)
        place = _write(
            data,
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
        )
    number = None if read.definitions is None else len(read.definitions)
    stored = (place / "tasks").is_dir()
    return Collected(place, server, len(read.statuses), number, stored, tuple(warnings), tuple(read.problems))


def convert(
    source: Path,
    data: Path,
    *,
    server: str = "",
    zone: str = "",
    dates: str = "",
    folders: Sequence[str] = (),
    wait: float = WAIT,
) -> Collected:
    r"""Make a snapshot of anything that `read_snapshot` reads; its moment is that of the source.

    Definitions keep their bytes where Windows can import them so, else they are written anew as UTF-16LE with BOM and
    a warning tells how many. Those outside `folders` are left out; without folders those of ``\Microsoft``, which a
    warning tells.

    SnapshotError where there is nothing to read, no server is named, times have no zone, or the server has a snapshot
    of that moment; else as `collect`.
    """
    _check_there(data)
    snapshot = read_snapshot(source, zone=zone, dates=dates)
    name = server or snapshot.server
    if not name:
        raise SnapshotError(f"{source} does not tell its server: name it with --server")
    times = (moment for each in snapshot.statuses.values() for moment in (each.last_run, each.next_run))
    if any(isinstance(moment, datetime) and moment.tzinfo is None for moment in times):
        raise SnapshotError(f"{source} does not tell the time zone of its server: name it with --zone")
    chosen = [path for path in snapshot.tasks if in_scope(path, folders)]
    wanted = read_wanted(snapshot, tasks=chosen) if chosen else None
    definitions = {each.path: encoded(each.xml) for each in wanted.tasks} if wanted else {}
    sddl = {each.path: each.sddl for each in wanted.tasks if each.sddl} if wanted else {}
    problems = wanted.problems if wanted else snapshot.problems
    anew = [path for path, xml in definitions.items() if hashlib.sha256(xml).hexdigest() != snapshot.hashes[path]]
    warnings = [f"{count(len(anew), 'definition')} written anew, in the encoding that Windows imports"] if anew else []
    if (left := len(snapshot.tasks) - len(chosen)) and not folders:
        warnings.append(f"{count(left, 'definition')} of \\Microsoft left out: --folder names what is wanted of them")
    has_definitions = "definitions" in snapshot.holds
    with holding(data, name, wait=wait):
        place = _write(
            data,
            server=name,
            taken_at=snapshot.taken_at,
            zone=snapshot.zone,
            statuses=snapshot.statuses.values(),
            definitions=definitions if has_definitions else None,
            folders=folders,
            windows=str(snapshot.manifest.get("windows") or ""),
            collected_by=str(snapshot.manifest.get("collected_by") or ""),
            elevated=snapshot.manifest.get("elevated"),
            tool=f"taskanalysis {__version__} from {clip(source.absolute().name)}",
            sddl=sddl,
            problems=problems,
        )
    number = len(definitions) if has_definitions else None
    stored = (place / "tasks").is_dir()
    return Collected(place, name, len(snapshot.statuses), number, stored, tuple(warnings), tuple(problems))


# Reading --------------------------------------------------------------------------------------------------------------


def _listed(scheduler: Scheduler) -> tuple[list[str], list[str], list[Problem]]:
    """All tasks, all folders, and what could not be listed; SchedulerError where that is the root."""
    paths: list[str] = []
    folders, problems = ["\\"], []
    for folder in folders:  # it grows: the folders below are appended
        try:
            folders += scheduler.folders(folder)
            listed = scheduler.tasks(folder)
        except SchedulerError as error:
            if error.lost or folder == "\\":
                raise
            problems.append(Problem(folder, _why(error)))
            continue
        paths += [each for each in listed if isinstance(each, str)]
        problems += [Problem(each.what or folder, _why(each)) for each in listed if isinstance(each, SchedulerError)]
    return paths, folders, problems


def _read(scheduler: Scheduler, paths: Iterable[str], folders: Sequence[str] | None) -> _Read:
    """The status of all, and the definition of those in `folders` (None: of none); SchedulerError where it is lost."""
    read = _Read(definitions=None if folders is None else {})
    for path in paths:
        wanted = folders is not None and in_scope(path, folders)
        names = [*STATUS_FIELDS, *(("xml", "sddl") if wanted else ())]
        known, refused = dict[str, Any](), dict[str, list[str]]()
        try:
            for name in names:
                try:
                    known[name] = getattr(scheduler, name)(path)
                except SchedulerError as error:
                    if error.lost or error.vanished:
                        raise
                    refused.setdefault(_why(error), []).append(name)
        except SchedulerError as error:
            if error.lost:
                raise
            read.problems.append(Problem(path, "was listed, and then it was not there any more"))
            continue
        read.problems += [Problem(path, f"{', '.join(which)}: {why}") for why, which in refused.items()]
        read.statuses.append(Status(path, **{name: known.get(name) for name in STATUS_FIELDS}))
        if read.definitions is None or not wanted:
            continue
        if "xml" in known:  # what a file can't hold as UTF-16 is kept as it is
            text = known["xml"].removeprefix("\ufeff").encode("utf-16-le", "surrogatepass")
            read.definitions[path] = codecs.BOM_UTF16_LE + text
        else:
            read.refused[path] = next(why for why, which in refused.items() if "xml" in which)
        if known.get("sddl"):
            read.sddl[path] = known["sddl"]
    return read


def _why(error: SchedulerError) -> str:
    """The error without the path, which stands beside it."""
    return str(error).removeprefix(f"{error.what}: ")


# Writing --------------------------------------------------------------------------------------------------------------


@contextmanager
def holding(data: Path, server: str, *, wait: float = WAIT) -> Iterator[None]:
    """Hold what a share has of one server, and remove what killed processes left of it.

    UnfinishedError where another one holds it for more than `wait` seconds, where the share is gone, or where the disk
    refuses what is done meanwhile.
    """
    _check_there(data)
    folder = server_folder(data, server)
    try:
        with locked(folder, "*/.*.tmp", wait=wait):
            remove(*server_folder(data, server, "eventlogs").glob(".*.tmp"))
            for month in folder.glob("[0-9][0-9][0-9][0-9]-[0-9][0-9]"):
                with suppress(OSError):  # those that hold snapshots stay
                    month.rmdir()
            yield
    except Timeout:
        raise UnfinishedError(
            f"another collect of {server} is writing to {data}: run this again when it is done"
        ) from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UnfinishedError(
                f"{data} is full, so nothing was written: make room there and run this again"
            ) from None
        if not long_path(data).is_dir():
            _check_there(data)
        raise UnfinishedError(f"{data} can't be written ({error.strerror or error}), so nothing was") from None


def _check_there(data: Path) -> None:
    if not long_path(data).is_dir():
        raise UnfinishedError(f"{data} is not there: make the folder, or see why the share is gone")


def _drop(data: Path, server: str, tasks: int) -> list[str]:
    """A warning where a fifth of the tasks of the snapshot before is missing."""
    for known in newest_first(data, server):
        with suppress(SnapshotError):
            before = read_manifest(known.path).get("tasks")
            if isinstance(before, int) and before and 5 * (before - tasks) >= before:
                return [
                    f"only {count(tasks, 'task')}, {before - tasks} fewer than at {known.taken_at:%Y-%m-%d %H:%M} UTC"
                ]
            return []
    return []


def _keep(data: Path, server: str, read: _Read) -> None:
    """Take definitions that were refused from the last snapshot that stores them: a backup must not lose them."""
    if not read.refused or read.definitions is None:
        return
    last = next((each for each in newest_first(data, server) if (each.path / "tasks").is_dir()), None)
    for path in read.refused:
        with suppress(OSError):
            if last:
                read.definitions[path] = (last.path / "tasks" / file_name(path)).read_bytes()
                read.problems.append(Problem(path, f"its definition is kept as {last.path.name} has it"))


def _write(data: Path, *, taken_at: datetime, server: str, later: bool = False, **told: Any) -> Path:
    """Write the snapshot; with `later` by seconds where there is one of that name."""
    known = {each.path.name for each in list_snapshots(data, server)}
    taken_at = taken_at.astimezone(UTC)
    while f"{taken_at:%Y%m%dT%H%M%SZ}" in known and later:
        taken_at += timedelta(seconds=1)
    for pause in PAUSES:
        try:
            return write_snapshot(data, server=server, taken_at=taken_at, **told)
        except PermissionError as error:
            if getattr(error, "winerror", None) is None:
                raise
            time.sleep(pause)
    return write_snapshot(data, server=server, taken_at=taken_at, **told)
