r"""A snapshot: the definitions and statuses of one server at one moment, in our own format.

Authority: the layout is ours and documented in ``data/README.md``. This module owns its folders. A folder or a file of
task XML is read as a snapshot too; it holds definitions only.

>>> Snapshot("OPENDATA01", datetime(2026, 11, 23, 11, 2, tzinfo=UTC), zone="America/New_York").local_time.hour
6
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from taskanalysis import __version__
from taskanalysis.definition import TaskDefinition
from taskanalysis.errors import Problem, SnapshotError
from taskanalysis.schedule import known_zone
from taskanalysis.snapshot.files import Found, file_name, find_tasks, in_scope, long_path, task_path
from taskanalysis.snapshot.foreign import is_status_file, join_paths, read_statuses_file, status_files
from taskanalysis.snapshot.share import Stamped, instant, list_servers, newest_first, server_folder, stamped
from taskanalysis.snapshot.status import STATUS_FIELDS, Status, aware, read_statuses, with_offset, write_statuses
from taskanalysis.text import clip

__all__ = [
    "Snapshot",
    "read_manifest",
    "read_snapshot",
    "stale_after",
    "write_snapshot",
]

FORMAT = 1


@dataclass(slots=True)
class Snapshot:
    """One server at one moment. `taken_at` is aware UTC; `zone` an IANA name or "" where not known.

    `tasks` maps task path to TaskDefinition, `statuses` task path to Status, `files` task path to the file it was read
    from and `hashes` to its sha256; `unread` counts the files that could not be read, `others`
    the other servers of the share, `commands` the command lines that statuses tell, `in_force`
    the definitions before where this snapshot read none; `holds` lists the fields that
    this source has ("definitions" or a field of Status).
    """

    server: str
    taken_at: datetime
    zone: str = ""
    tasks: dict[str, TaskDefinition] = field(default_factory=dict)
    statuses: dict[str, Status] = field(default_factory=dict)
    holds: frozenset[str] = frozenset()
    problems: list[Problem] = field(default_factory=list)
    folders: tuple[str, ...] = ()
    source: Path = Path()
    files: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    unread: int = 0
    others: int = 0
    commands: dict[str, str] = field(default_factory=dict)
    in_force: dict[str, TaskDefinition] = field(default_factory=dict)
    manifest: dict[str, Any] = field(default_factory=dict)

    def definition(self, path: str) -> TaskDefinition | None:
        """The definition of a task, or the last one before, where only statuses were collected."""
        return self.tasks.get(path) or self.in_force.get(path)

    def within(self, folder: str = "") -> dict[str, TaskDefinition]:
        r"""The definitions in `folder` and below ("": all outside ``\Microsoft``), in the order of their paths."""
        folders = [folder] if folder else []
        return {path: self.tasks[path] for path in sorted(self.tasks, key=str.casefold) if in_scope(path, folders)}

    @property
    def share(self) -> Path:
        """The folder of the share that it lies in, or of the files that it was read from: where ``rules.toml`` is."""
        above = Path(os.path.abspath(self.source)).parents  # noqa: PTH100 (resolve() would follow a mapped drive)
        return above[3] if self.manifest and len(above) > 3 else self.source

    @property
    def local_time(self) -> datetime:
        """`taken_at` in the server's zone, in UTC where the zone is not known."""
        return self.taken_at.astimezone(ZoneInfo(self.zone)) if self.zone else self.taken_at


# Reading -------------------------------------------------------------------------------------------------------------


def read_snapshot(
    path: str | Path, *, server: str = "", at: str = "", holding: str = "", zone: str = "", dates: str = ""
) -> Snapshot:
    r"""Read a snapshot folder, the newest one of a share, or what other programs wrote: task XML, statuses or both.

    A folder of task XML (with a file of statuses in it, or without), one file with one or many tasks, and the output
    of schtasks and PowerShell are told apart by looking. For these, `zone` (IANA) is the server's and `dates` ("dmy",
    "mdy") says which comes first where the file does not tell; without a zone their times are naive.

    Of a share: the newest of `server` ("": of any), not later than `at` (an ISO time, the server's local time where it
    has no offset), that has what `holding` says ("definitions", or "" for any), or any where none has.

    SnapshotError where there is none, or where `snapshot.json` is not of this format; ZoneError for an unknown zone.
    All else that is wrong (a bad row, a missing or changed file) is a problem beside the data.

    >>> found = read_snapshot("tests/files/folder")
    >>> sorted(found.tasks), found.statuses, sorted(found.holds)
    (['\\OpenData\\Load', '\\OpenData\\Permits\\Nightly'], {}, ['definitions'])
    """
    if zone:
        known_zone(zone)
    source = long_path(path)
    if (source / "snapshots").is_dir() and not (source / "snapshot.json").is_file():
        newest, damaged = _newest(source, server, at, holding)
        snapshot = _read_own(newest)
        snapshot.problems[:0] = damaged
        snapshot.others = len({*list_servers(source)} - {snapshot.server})
        return snapshot
    own = (source / "snapshot.json").is_file()
    snapshot = _read_own(source) if own else _read_foreign(source, zone, dates)
    other = server and snapshot.server and server.casefold() != snapshot.server.casefold()
    if other or (at and snapshot.taken_at > instant(at, snapshot.zone)):
        raise SnapshotError(
            f"{path} is of {snapshot.server or 'no named server'} at {snapshot.taken_at:%Y-%m-%d %H:%M} UTC"
        )
    return snapshot


def _read_foreign(source: Path, zone: str, dates: str) -> Snapshot:
    """Definitions, statuses or both, from what is not our format."""
    inside = (each for depth in ("*", "*/*", "*/*/*") for each in source.glob(f"{depth}/snapshot.json"))
    if source.is_dir() and next(inside, None):
        raise SnapshotError(f"{source} is a part of a share: name the share itself, or one snapshot")
    files = status_files(source) if source.is_dir() else [source] if is_status_file(source) else []
    found = Found() if files == [source] else find_tasks(source, skip=files)
    statuses = read_statuses_file(files[0], zone=zone, dates=dates) if files else None
    if not found.tasks and not statuses:
        why = f" that can be read ({found.problems[0].file}: {found.problems[0].what})" if found.problems else ""
        raise SnapshotError(f"{source} holds neither snapshots nor task XML nor statuses{why}")
    problems = found.problems + [Problem(older.name, "is an older file of statuses, not read") for older in files[1:]]
    if statuses:
        join_paths(statuses, found.tasks)
        problems += statuses.problems
    return Snapshot(
        server=statuses.server if statuses else "",
        taken_at=statuses.taken_at if statuses else found.changed,
        zone=zone,
        tasks=found.tasks,
        statuses=statuses.statuses if statuses else {},
        holds=(statuses.holds if statuses else frozenset()) | ({"definitions"} if found.tasks else set()),
        problems=problems,
        source=source,
        files=found.files,
        hashes=found.hashes,
        unread=found.failed,
        commands=statuses.commands if statuses else {},
    )


def stale_after(snapshot: Snapshot) -> datetime:
    """When the snapshot is too old (aware UTC): after twice the usual time between the last 20, at least an hour.

    Where it is the only one, after 26 hours.
    """
    times = (each.taken_at for each in _neighbours(snapshot) if each.taken_at <= snapshot.taken_at)
    gaps = sorted(after - before for after, before in pairwise(islice(times, 20)))
    wait = max(2 * gaps[len(gaps) // 2], timedelta(hours=1)) if gaps else timedelta(hours=26)
    return snapshot.taken_at + wait


def _neighbours(snapshot: Snapshot) -> Iterable[Stamped]:
    """All snapshots of its server in the share that it lies in, newest first; none where it is not of our format."""
    return _in_share(snapshot.source) if snapshot.manifest else ()


def _in_share(folder: Path) -> Iterable[Stamped]:
    above = Path(os.path.abspath(folder)).parents  # noqa: PTH100 (resolve() would follow a mapped drive)
    return newest_first(above[3], above[1].name) if len(above) > 3 else ()


def _newest(share: Path, server: str, at: str, holding: str) -> tuple[Path, list[Problem]]:
    """The newest snapshot that fits, and what newer ones could not be read."""
    damaged: list[Problem] = []
    lacking: list[Path] = []
    for known in newest_first(share, server or None):
        try:
            manifest = read_manifest(known.path)
        except SnapshotError as error:
            damaged.append(Problem(f"{known.server}/{known.path.name}/snapshot.json", str(error)))
            continue
        if at and known.taken_at > instant(at, manifest["zone"]):
            continue
        if manifest["definitions_read"] or holding != "definitions":
            return known.path, damaged
        lacking.append(known.path)
    if lacking:
        return lacking[0], damaged
    wanted = "".join([f" of {server}" * bool(server), f" up to {at}" * bool(at)])
    raise SnapshotError(damaged[0].what if damaged else f"{share} holds no snapshot{wanted}")


def _read_own(folder: Path) -> Snapshot:
    manifest = read_manifest(folder)
    problems = [Problem(str(task), str(what)) for task, what in manifest["problems"]]
    found = _read_definitions(folder, manifest) if manifest["definitions_read"] else None
    statuses = read_statuses(folder / "status.csv", manifest["sha256"].get("status.csv"), problems)
    holds = (STATUS_FIELDS if statuses else ()) + (("definitions",) if found else ())
    if found is None:
        found = Found()
        if manifest["definitions_read"]:
            what = f"its definitions ({manifest['definitions']}) are not there"
            problems.append(Problem(f"{folder.name}/snapshot.json", what))
    return Snapshot(
        server=manifest["server"],
        taken_at=aware(manifest["taken_at"]).astimezone(UTC),
        zone=manifest["zone"],
        tasks=found.tasks,
        statuses=statuses,
        holds=frozenset(holds),
        problems=problems + found.problems,
        folders=tuple(manifest["folders"]),
        source=folder,
        files=found.files,
        hashes=found.hashes,
        unread=found.failed,
        in_force={} if manifest["definitions_read"] else _definitions_before(folder),
        manifest=manifest,
    )


def _definitions_before(folder: Path) -> dict[str, TaskDefinition]:
    """The definitions of the newest snapshot before this one that read any."""
    for known in _in_share(folder):
        with suppress(SnapshotError):
            manifest = read_manifest(known.path)
            if known.path.name < folder.name and manifest["definitions_read"]:
                found = _read_definitions(known.path, manifest)
                return found.tasks if found else {}
    return {}


def _read_definitions(folder: Path, manifest: Mapping[str, Any]) -> Found | None:
    """The tasks that this snapshot stores, or that the one it names does; None where they are not there."""
    stamp, holder = manifest["definitions"], folder
    if not (folder / "tasks").is_dir():
        holder = Path(os.path.abspath(folder)).parent.parent / f"{stamp[:4]}-{stamp[4:6]}" / stamp  # noqa: PTH100
    if not (holder / "tasks").is_dir():
        return None
    found = find_tasks(holder / "tasks", path_of=task_path)
    try:
        written = manifest["sha256"] if holder == folder else read_manifest(holder)["sha256"]
    except SnapshotError as error:
        found.problems.append(Problem(f"{stamp}/snapshot.json", str(error)))
    else:
        found.compare({name[6:]: sha256 for name, sha256 in written.items() if name.startswith("tasks/")})
    return found


def read_manifest(folder: Path) -> dict[str, Any]:
    """What ``snapshot.json`` of a snapshot's folder says, each key that is used here checked; SnapshotError else."""
    try:
        manifest = json.loads((folder / "snapshot.json").read_text(encoding="utf-8"))
        if not isinstance(manifest, dict):
            raise ValueError("it is not an object")
        if manifest.get("format") != FORMAT:
            wanted = clip(str(manifest.get("format")))
            raise SnapshotError(f"{folder}: this program reads format {FORMAT} of snapshot.json, not {wanted}")
        known = _ABSENT | manifest
        for name, kind in _KINDS.items():
            if not isinstance(known.get(name), kind):
                raise ValueError(f"'{name}' is missing or of a wrong type")
        pairs = [text for pair in known["problems"] for text in pair]
        if not all(isinstance(text, str) for text in [*known["folders"], *known["sha256"].values(), *pairs]):
            raise ValueError("'folders', 'sha256' or 'problems' hold something else than text")
        if any(len(pair) != 2 for pair in known["problems"]):
            raise ValueError("'problems' are no pairs")
        if known["definitions_read"] and not stamped(known["definitions"] or ""):
            raise ValueError(f"'definitions' is not the name of a snapshot: {known['definitions']}")
        if known["zone"]:
            known_zone(known["zone"])
        aware(known["taken_at"])
        json.dumps(known, ensure_ascii=False).encode("utf-8")  # half a character can't be shown
        return known
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise SnapshotError(f"{folder}: snapshot.json can't be read ({clip(str(error), 160)})") from None


_KINDS: dict[str, Any] = {"server": str, "taken_at": str, "zone": str, "folders": list, "sha256": dict}
_KINDS |= {"definitions_read": bool, "definitions": str | None, "problems": list}
_ABSENT: dict[str, Any] = {"folders": [], "definitions_read": False, "definitions": None, "sha256": {}, "problems": []}


# Writing -------------------------------------------------------------------------------------------------------------


def write_snapshot(
    data: Path,
    *,
    server: str,
    taken_at: datetime,
    zone: str,
    statuses: Iterable[Status],
    definitions: Mapping[str, bytes] | None,
    folders: Sequence[str] = (),
    windows: str = "",
    collected_by: str = "",
    elevated: bool | None = None,
    tool: str = f"taskanalysis {__version__}",
    sddl: Mapping[str, str] | None = None,
    problems: Sequence[Problem] = (),
) -> Path:
    r"""Write one snapshot beside its place and rename it there; returns its folder.

    `definitions` maps task path to the exact bytes that Windows exported, None for a status-only collect; `folders` is
    their scope, empty for all outside ``\Microsoft``. They are stored where the set of tasks or any byte differs from
    the last snapshot that stored them. `taken_at` and the times of `statuses` are aware. `sddl` maps task path to
    access list, `problems` tell what could not be read.

    SnapshotError where this moment has a snapshot already, where a time has no offset, or where `server` is no name
    for a folder; OSError where the disk refuses. Nothing is left then.
    """
    moment = with_offset(taken_at).astimezone(UTC)
    stamp = f"{moment:%Y%m%dT%H%M%SZ}"
    place = server_folder(data, server) / f"{moment:%Y-%m}" / stamp
    if place.exists():
        raise SnapshotError(f"{place} is there already")
    names = {f"tasks/{file_name(path)}": path for path in sorted(definitions or {})}
    contents = {name: definitions[path] for name, path in names.items()} if definitions else {}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    stored_in, stored = _last_stored(data, server, moment)
    if definitions is not None and stored_in and stored == hashes:
        contents, hashes = {}, {}
    else:
        stored_in = stamp
    listed = sorted(statuses, key=lambda status: status.path.casefold())
    contents["status.csv"] = write_statuses(listed)
    hashes["status.csv"] = hashlib.sha256(contents["status.csv"]).hexdigest()
    manifest = {
        "format": FORMAT,
        "server": server,
        "taken_at": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "zone": zone,
        "windows": windows,
        "collected_by": collected_by,
        "tool": tool,
        "elevated": elevated,
        "folders": list(folders),
        "definitions_read": definitions is not None,
        "definitions": stored_in if definitions is not None else None,
        "tasks": len(listed),
        "sha256": hashes,
    }
    more = {"sddl": dict(sddl or {}), "problems": [list(problem) for problem in problems]}
    manifest |= {name: told for name, told in more.items() if told}
    contents["snapshot.json"] = (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode("utf-8")
    beside = place.with_name(f".{stamp}.{os.getpid()}.tmp")
    try:
        shutil.rmtree(beside, ignore_errors=True)  # of a process that was killed
        if definitions is not None and stored_in == stamp:
            (beside / "tasks").mkdir(parents=True)  # also where there is no task
        for name, content in contents.items():
            file = beside / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        beside.rename(place)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        with suppress(OSError):  # other snapshots of that month are there
            place.parent.rmdir()
        raise
    return place


def _last_stored(data: Path, server: str, before: datetime) -> tuple[str, dict[str, str]]:
    """Stamp and file hashes of the last snapshot before this one that has ``tasks/``."""
    for known in newest_first(data, server):
        if known.taken_at < before and (known.path / "tasks").is_dir():
            try:
                hashes = read_manifest(known.path)["sha256"]
            except SnapshotError:
                break  # a damaged one must not stop the next: store them anew
            return known.path.name, {name: value for name, value in hashes.items() if name.startswith("tasks/")}
    return "", {}
