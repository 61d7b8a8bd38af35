r"""A snapshot: the definitions and statuses of one server at one moment, in our own format.

Authority: the layout is ours and documented in ``data/README.md``. What other programs wrote is read as a snapshot too.

>>> Snapshot("OPENDATA01", datetime(2026, 11, 23, 11, 2, tzinfo=UTC), zone="America/New_York").local_time.hour
6
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from taskanalysis import __version__
from taskanalysis.definition import MOST_OWN_BYTES, TaskDefinition, Time, asked_time, instant, read_bytes
from taskanalysis.errors import Problem, SnapshotError
from taskanalysis.schedule import known_zone
from taskanalysis.snapshot.evidence import ProgramFile, by_task, log_name, read_programs, write_programs
from taskanalysis.snapshot.files import Found, find_tasks
from taskanalysis.snapshot.foreign import ForeignStatuses, join_paths, read_statuses_file, status_files
from taskanalysis.snapshot.paths import file_name, in_scope, long_path, task_path, write_folder
from taskanalysis.snapshot.rows import TABLE
from taskanalysis.snapshot.share import (
    FORMAT,
    SAMPLE_TOOL,
    Stamped,
    StoredDefinitions,
    contradiction,
    folders_above,
    in_future,
    list_servers,
    newest_first,
    read_manifest,
    sample_share,
    server_folder,
    share_manifest,
    snapshot_folder,
    stamp_of,
    usual_wait,
    wrong_files,
)
from taskanalysis.snapshot.status import STATUS_FIELDS, Status, aware, read_statuses, with_offset, write_statuses
from taskanalysis.text import brief, count, listed, small_table


@dataclass(slots=True)
class Snapshot:
    """One server at one moment. `taken_at` is aware UTC; `zone` an IANA name or "" where not known.

    By task path: `tasks` holds TaskDefinition, `statuses` Status, `files` the file that was read and `hashes` its
    sha256, `commands` the command line where the statuses have it, `damaged` what is wrong with stored definitions that
    are missing, changed or can't be read, `programs` the files that the actions start (None: nobody looked) and `logs`
    the end of what the task last wrote. A snapshot that read no definitions has those of the last one that did:
    `defined_at` is when they were read (None: never), `folders` their scope. `holds` lists the fields of this source
    ("definitions" or a field of Status). `problems` are what could not be read; those of them that are no damage, but
    what the collector was refused or what was left out on purpose, are `notes`. `unread` counts files that could not be
    read, `others` names the other servers of the share.
    """

    server: str
    taken_at: datetime
    zone: str = ""
    tasks: dict[str, TaskDefinition] = field(default_factory=dict)
    statuses: dict[str, Status] = field(default_factory=dict)
    holds: frozenset[str] = frozenset()
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    folders: tuple[str, ...] = ()
    source: Path = Path()
    files: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)
    defined_at: datetime | None = None
    programs: dict[str, list[ProgramFile]] | None = None
    logs: dict[str, str] = field(default_factory=dict)
    unread: int = 0
    others: tuple[str, ...] = ()
    commands: dict[str, str] = field(default_factory=dict)
    manifest: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        """One line, masked: server, time, and how much it holds."""
        return brief("Snapshot", self.server or "unnamed server", self._when, *self._counts)

    def _repr_html_(self) -> str:
        """A small table of the same."""
        rows = [("server", self.server or "not known"), ("taken at", self._when), ("source", self.source)]
        rows += [("definitions of", f"{self.defined_at:%Y-%m-%d %H:%M} (UTC)")] if self.defined_at else []
        return small_table("Snapshot", [*rows, ("holds", listed([*self._counts]) or "nothing")])

    @property
    def _when(self) -> str:
        return f"{self.local_time:%Y-%m-%d %H:%M} ({self.zone or 'UTC'})"

    @property
    def _counts(self) -> list[str]:
        numbers = [(self.tasks, "definition"), (self.problems, "problem")]
        statuses = f"the status of {count(len(self.statuses), 'task')}" if self.statuses else "no statuses"
        definitions, problems = (count(len(found), unit) if found else "" for found, unit in numbers)
        return [part for part in (definitions or "no definitions", statuses, problems) if part]

    @property
    def faults(self) -> list[Problem]:
        """The problems without the notes: files that are missing, damaged or not usable."""
        return [problem for problem in self.problems if problem not in self.notes]

    def within(self, folder: str = "") -> dict[str, TaskDefinition]:
        r"""The definitions in `folder` and below ("": all outside ``\Microsoft``), in the order of their paths."""
        folders = [folder] if folder else []
        return {path: self.tasks[path] for path in sorted(self.tasks, key=str.casefold) if in_scope(path, folders)}

    def check_folder(self, folder: str) -> None:
        """SnapshotError where no task lies in `folder` or below, as far as is known: most likely it is mistyped.

        Tasks that can't be read or that the collector was refused are there.
        """
        refused = (problem.file for problem in self.notes if problem.file.startswith("\\"))
        places = chain(self.tasks, self.statuses, self.damaged, (f"{place}\\" for place in refused))
        if folder and not any(in_scope(path, [folder]) for path in places):
            raise SnapshotError(f"no task of {self.source} lies in {folder} or below")

    @property
    def share(self) -> Path:
        """The share that it lies in, or else the folder or file that it was read from: where ``rules.toml`` is."""
        above = folders_above(self.source)
        return above[3] if self.manifest and len(above) > 3 else self.source

    @property
    def is_sample(self) -> bool:
        """Whether it is of the sample share, which nobody renews; a copy of that is a share like any other."""
        if self.manifest.get("tool") != SAMPLE_TOOL:
            return False
        try:
            return self.share.samefile(sample_share())
        except (SnapshotError, OSError):
            return False

    def judged_at(self, at: Time, now: datetime) -> datetime:
        """When its age is judged (aware): at `at` where that is given, else `now`; of the sample at once."""
        if at != "":
            return min(instant(at, self.zone), now)
        return self.taken_at if self.is_sample else now

    @property
    def local_time(self) -> datetime:
        """`taken_at` in the server's zone, in UTC where that is unknown."""
        return self.taken_at.astimezone(ZoneInfo(self.zone)) if self.zone else self.taken_at


# Reading -------------------------------------------------------------------------------------------------------------


def read_snapshot(
    path: str | Path,
    *,
    server: str = "",
    at: Time | None = None,
    holding: str = "",
    zone: str = "",
    dates: str = "",
    now: datetime | None = None,
    others: Sequence[str] | None = None,
) -> Snapshot:
    r"""Read a snapshot folder, the newest one of a share, or what other programs wrote: task XML, statuses or both.

    A folder of task XML (with or without a file of statuses), a file with one or many tasks, and the output of schtasks
    and PowerShell are recognized by their content. For these, `zone` (IANA) is the server's and `dates` ("dmy" or
    "mdy") the order of day and month where the file leaves it open; without a zone their times are naive.

    Of a status file with several servers, `server` selects one ("": the first). `others` are those that the snapshot
    is to name as not read, for who reads all of them (None: it looks for them).

    Of a share: the newest snapshot of `server` ("": of any), not later than `at` (ISO text, date or datetime; on the
    server's clock where it has no offset; None or "": the newest), and with `holding="definitions"` one that has
    definitions, unless none has. A snapshot that is more than ten minutes later than `now` (aware; None: the clock)
    is a problem and never the newest; so is one whose ``snapshot.json`` contradicts the names of its folders.

    SnapshotError where there is none, or where `snapshot.json` is not of this format; ZoneError for an unknown zone,
    TimeError for an `at` that is no time.
    All else that is wrong (a bad row, a missing or changed file) is a problem beside the data.

    >>> found = read_snapshot("tests/files/folder")
    >>> sorted(found.tasks), found.statuses, sorted(found.holds)
    (['\\OpenData\\Load', '\\OpenData\\Permits\\Nightly'], {}, ['definitions'])
    """
    if zone:
        known_zone(zone)
    latest = asked_time(at)
    source, now = long_path(path), now or datetime.now(UTC)
    if not (own := (source / "snapshot.json").is_file()) and (source / "snapshots").is_dir():
        newest, unusable = _newest(source, server, latest, holding, now)
        snapshot = _read_own(newest)
        snapshot.problems[:0] = unusable
        known = list_servers(source) if others is None else others
        snapshot.others = tuple(name for name in known if name != newest.parents[1].name)
        return snapshot
    snapshot = _read_own(source) if own else _read_foreign(source, zone, dates, server)
    snapshot.others = snapshot.others if others is None else tuple(others)
    if in_future(snapshot.taken_at, now):
        snapshot.problems.insert(0, Problem(source.name, FUTURE.partition(",")[0]))
    other = server and snapshot.server and server.casefold() != snapshot.server.casefold()
    if other or (latest and snapshot.taken_at > instant(latest, snapshot.zone)):
        raise SnapshotError(
            f"{path} is of {snapshot.server or 'no named server'} at {snapshot.taken_at:%Y-%m-%d %H:%M} UTC"
        )
    return snapshot


def _read_foreign(source: Path, zone: str, dates: str, server: str) -> Snapshot:
    """Definitions, statuses or both, from what is not our format."""
    depths = ("*", "*/*", "*/*/*")
    if source.is_dir() and any(file for depth in depths for file in source.glob(f"{depth}/snapshot.json")):
        raise SnapshotError(f"{source} is a part of a share: name the share itself, or one snapshot")
    files, tables = status_files(source)
    found = Found() if source in (*files, *tables) else find_tasks(source, skip=[*files, *tables])
    found.problems[:0] = [Problem(file.name, TABLE) for file in tables]
    if not files and not found.tasks:
        told = [problem for problem in found.problems if problem not in found.notes] or found.problems
        why = f" that can be read ({told[0].file}: {told[0].what})" if told else ""
        raise SnapshotError(f"{source} holds neither snapshots nor task XML nor statuses{why}")
    printed = ForeignStatuses("", found.changed)
    if files:
        printed = read_statuses_file(files[0], zone=zone, dates=dates, server=server)
    join_paths(printed, found.tasks)
    older = [
        Problem(file.name, f"holds statuses, not read: {files[0].name} is newer or holds more") for file in files[1:]
    ]
    return Snapshot(
        server=printed.server,
        taken_at=printed.taken_at,
        zone=zone,
        tasks=found.tasks,
        statuses=printed.statuses,
        holds=printed.holds | ({"definitions"} if found.tasks else set()),
        problems=found.problems + older + printed.problems + printed.notes,
        notes=found.notes + older + printed.notes,
        others=printed.others,
        damaged=_damaged(found.broken),
        defined_at=printed.taken_at if found.tasks else None,
        source=source,
        files=found.files,
        hashes=found.hashes,
        unread=found.failed,
        commands=printed.commands,
    )


def find_servers(source: Path, *, zone: str = "", dates: str = "") -> list[str]:
    """The servers of a share, or of a status file with several; none of data of one server. Errors as `read_snapshot`.

    >>> find_servers(Path("tests/files/statuses/two_servers.csv"))
    ['TOWN02', 'TOWN03']
    """
    if (source / "snapshots").is_dir():
        return list_servers(source)
    snapshot = read_snapshot(source, zone=zone, dates=dates)
    return [snapshot.server, *snapshot.others] if snapshot.others else []


def _damaged(problems: Iterable[Problem]) -> dict[str, str]:
    """The definitions that can't be read, by task path."""
    return {task_path(file): what for file, what in problems if file.lower().endswith(".xml")}


def stale_after(snapshot: Snapshot) -> datetime:
    """When the snapshot is too old (aware UTC): `usual_wait` after it, by the snapshots of its server up to it."""
    siblings = _siblings(snapshot.source) if snapshot.manifest else ()
    times = (sibling.taken_at for sibling in siblings if sibling.taken_at <= snapshot.taken_at)
    return snapshot.taken_at + usual_wait(times)


def _siblings(folder: Path) -> Iterable[Stamped]:
    """All snapshots of the same server in the share that a snapshot's folder lies in, newest first."""
    above = folders_above(folder)
    return newest_first(above[3], above[1].name) if len(above) > 3 else ()


def _newest(share: Path, server: str, at: datetime | None, holding: str, now: datetime) -> tuple[Path, list[Problem]]:
    """The newest snapshot that fits, and a problem for each newer one that can't be used and each unlisted folder."""
    unusable: list[Problem] = []
    later: list[Stamped] = []
    lacking: list[Path] = []
    chosen: Path | None = None
    for candidate in newest_first(share, server or None, unusable):
        if in_future(candidate.taken_at, now):
            later.append(candidate)
            continue
        try:
            manifest = share_manifest(candidate.path)
        except SnapshotError as error:
            unusable.append(_unreadable(candidate, error))
            continue
        if at and candidate.taken_at > instant(at, manifest["zone"]):
            continue
        if manifest["definitions_read"] or holding != "definitions":
            chosen = candidate.path
            break
        lacking.append(candidate.path)
    unusable[:0] = future_problems(later)
    if chosen or lacking:
        return chosen or lacking[0], unusable
    wanted = "".join([f" of {server}" * bool(server), f" up to {at:%Y-%m-%d %H:%M}" if at else ""])
    if not unusable:
        raise SnapshotError(f"{share} holds no snapshot{wanted}")
    file, what = unusable[0]
    raise SnapshotError(what if file.endswith("snapshot.json") else f"{file} {what}")


def _unreadable(snapshot: Stamped, error: SnapshotError) -> Problem:
    return Problem(f"{snapshot.server}/{snapshot.path.name}/snapshot.json", str(error))


def future_problems(later: Sequence[Stamped]) -> list[Problem]:
    """A problem that names the first of these snapshots, newest first, which lie in the future."""
    more = f" (as do {len(later) - 1} others)" if len(later) > 1 else ""
    return [Problem(f"{later[-1].server}/{later[-1].path.name}", FUTURE + more)] if later else []


FUTURE = "lies in the future: a clock was wrong, so it is not used"


def _read_own(folder: Path) -> Snapshot:
    manifest = read_manifest(folder)
    notes = [Problem(str(task), str(what)) for task, what in manifest["problems"]]
    problems = [Problem(str(file), str(what)) for file, what in manifest["faults"]]
    if len(folders_above(folder)) > 2 and folders_above(folder)[2].name == "snapshots":
        what = contradiction(folder, manifest)
        problems += [Problem(f"{folder.name}/snapshot.json", what)] if what else []
    statuses = read_statuses(folder / "status.csv", manifest["sha256"].get("status.csv"), problems)
    place, defining = (folder, manifest) if manifest["definitions_read"] else _defined_before(folder, problems)
    stored = StoredDefinitions.of(place, defining)
    found = stored.find() if stored else Found()
    known = STATUS_FIELDS if manifest["holds"] is None else manifest["holds"]
    held = [name for name in STATUS_FIELDS if name in known and statuses]
    seen = defining["sha256"].get("programs.csv")
    programs = by_task(read_programs(place / "programs.csv", seen, problems)) if seen else None
    logs = _logs(folder, manifest, statuses, problems)
    if defining["definitions_read"] and not stored:
        what = f"its definitions ({defining['definitions']}) are not there"
        problems.append(Problem(f"{place.name}/snapshot.json", what))
    return Snapshot(
        server=manifest["server"],
        taken_at=aware(manifest["taken_at"]).astimezone(UTC),
        zone=manifest["zone"],
        tasks=found.tasks,
        statuses=statuses,
        holds=frozenset((*held, *(("definitions",) if stored and place == folder else ()))),
        problems=notes + problems + found.problems,
        notes=notes,
        folders=tuple(defining["folders"]),
        source=folder,
        files=found.files,
        hashes=found.hashes,
        damaged=_damaged(found.problems),
        defined_at=aware(defining["taken_at"]).astimezone(UTC) if defining["definitions_read"] else None,
        programs=programs,
        logs=logs,
        unread=found.failed,
        manifest=manifest,
    )


def _logs(
    folder: Path, manifest: Mapping[str, Any], statuses: Iterable[str], problems: list[Problem]
) -> dict[str, str]:
    """What tasks last wrote, by task path; files that are missing or were changed are added to `problems`."""
    found = {}
    for path in statuses:
        name = log_name(path)
        if sha256 := manifest["sha256"].get(name):
            problems += wrong_files(folder, {name: sha256})
            with suppress(OSError, ValueError):
                found[path] = read_bytes(folder / name, MOST_OWN_BYTES).decode("utf-8", "replace")
    return found


def _defined_before(folder: Path, problems: list[Problem]) -> tuple[Path, dict[str, Any]]:
    """The newest snapshot before this one that read definitions, with its manifest; this one where none did.

    Snapshots between them that can't be read may have read definitions, so each is a problem.
    """
    unread = []
    for earlier in _siblings(folder):
        if earlier.path.name >= folder.name:
            continue
        try:
            manifest = share_manifest(earlier.path)
        except SnapshotError as error:
            unread.append(_unreadable(earlier, error))
            continue
        if manifest["definitions_read"]:
            problems += unread
            return earlier.path, manifest
    problems += unread
    return folder, read_manifest(folder)


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
    faults: Sequence[Problem] = (),
    holds: Iterable[str] = STATUS_FIELDS,
    programs: Iterable[ProgramFile] | None = None,
    logs: Mapping[str, str] | None = None,
    warnings: Sequence[str] = (),
) -> Path:
    r"""Write a snapshot into a share, whole or not at all; returns its folder.

    `definitions` maps task path to the exact bytes that Windows exported (None: statuses only); `folders` is their
    scope, empty for all outside ``\Microsoft``. They are stored only where the set of tasks or any byte differs from
    the last snapshot that stored them. `taken_at` and the times of `statuses` are aware. `sddl` maps task path to
    security descriptor; `problems` lists what the collector was refused, `faults` what could not be stored or was lost
    in reading other programs' files, `holds` the fields of Status that those have; `warnings` are of the whole.
    `programs` are the files that actions start (None: not looked at), `logs` maps task path to the end of what the task
    last wrote.

    SnapshotError where there is a snapshot of this moment, a time has no offset, or `server` can't be the name of a
    folder; OSError where the disk refuses. Nothing is left then.
    """
    moment = with_offset(taken_at).astimezone(UTC)
    stamp = stamp_of(moment)
    place = snapshot_folder(server_folder(data, server), stamp)
    if place.exists():
        raise SnapshotError(f"{place} already exists")
    contents = {f"tasks/{file_name(path)}": xml for path, xml in sorted((definitions or {}).items())}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    stored_in = _stored_in(data, server, moment, hashes) or stamp
    if stored_in != stamp:
        contents, hashes = {}, {}
    elif definitions is not None:
        contents["tasks/"] = b""  # also where there is no task
    listed = sorted(statuses, key=lambda status: status.path.casefold())
    evidence = {"status.csv": write_statuses(listed)}
    if programs is not None:
        evidence["programs.csv"] = write_programs(programs)
    evidence |= {log_name(path): text.encode("utf-8", "backslashreplace") for path, text in (logs or {}).items()}
    contents |= evidence
    hashes |= {name: hashlib.sha256(content).hexdigest() for name, content in evidence.items()}
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
    more: dict[str, Any] = {"sddl": dict(sddl or {}), "warnings": list(warnings)}
    more |= {"problems": [*map(list, problems)], "faults": [*map(list, faults)]}
    manifest |= {name: value for name, value in more.items() if value}
    if listed and (held := sorted(set(holds) & set(STATUS_FIELDS))) != sorted(STATUS_FIELDS):
        manifest["holds"] = held
    contents["snapshot.json"] = (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode("utf-8")
    try:
        write_folder(place, contents)
    except BaseException:
        with suppress(OSError):  # other snapshots of that month are there
            place.parent.rmdir()
        raise
    return place


def _stored_in(data: Path, server: str, before: datetime, hashes: Mapping[str, str]) -> str:
    """The last snapshot before that stores definitions; "" where they are others, or can't be compared."""
    for earlier in newest_first(data, server):
        stored = StoredDefinitions(earlier.path)
        if earlier.taken_at < before and stored.tasks.is_dir():
            with suppress(SnapshotError):  # a damaged one must not stop the next
                return earlier.path.name if stored.hashes == hashes else ""
            return ""
    return ""
