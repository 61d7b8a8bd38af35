r"""The history store: one Parquet file per day and server in ``<data>/history``.

    history/server=OPENDATA01/month=2026-11/2026-11-23.<snapshots>.<content>.parquet

Authority: the layout is ours, partitioned like Hive, so that pandas, DuckDB and Dask read it directly. A file's name
has a digest of the snapshots that it was built from, so names alone show which days are up to date, and one of its
bytes, which is checked at each reading. ``.unread`` after them marks a day with a snapshot that could not be read: each
update tries again. Files are written atomically, by one writer at a time; a process may be killed at any moment. All of
it is derived from the snapshots and may be deleted, but for days of which snapshots were pruned: ``pruned.json`` lists
these snapshots, and nothing can build their days again.

>>> store = open_store("data")
>>> sorted(store.wanted)[-1], len(store.wanted)
(('OPENDATA01', '2026-11-23'), 57)
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import groupby
from operator import attrgetter, itemgetter
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
from filelock import Timeout

from taskanalysis.definition import MOST_OWN_BYTES, read_bytes
from taskanalysis.errors import Problem, SnapshotError, reason_of
from taskanalysis.history.days import DAMAGES, DayFile, DayJob, Record, build_day, compute_day, digest, read_day
from taskanalysis.history.parallel import each_in
from taskanalysis.snapshot import Stamped, future_problems, locked, long_path, write_whole
from taskanalysis.text import clip, count

Day = tuple[str, str]
"""Server and day (``2026-11-23``, UTC)."""

WAIT = 5.0  # seconds for another writer
_OLD_FILE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\.[0-9a-f]{16}\.parquet")  # of version 1
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")


@dataclass(slots=True)
class Store:
    """The names in a share: `names` of the snapshots of each day, and the digest of them that its file has (`wanted`).

    `files` holds the existing files of each day, `rests` files of older versions and temporary ones of killed
    processes. `unlisted` maps folders below ``snapshots`` that can't be listed to the reason: what is stored of them
    stays. `pruned` are the names of deleted snapshots that the file of a day still holds, `lost` what no file does.
    Nothing is written where it `is_closed`, as long as these names can't be read.
    """

    data: Path
    files: dict[Day, set[DayFile]] = field(default_factory=dict)
    rests: list[Path] = field(default_factory=list)
    names: dict[Day, list[str]] = field(default_factory=dict)
    wanted: dict[Day, str] = field(default_factory=dict)
    unlisted: dict[Path, str] = field(default_factory=dict)
    pruned: dict[Day, list[str]] = field(default_factory=dict)
    lost: list[Problem] = field(default_factory=list)
    is_closed: bool = False

    @property
    def problems(self) -> list[Problem]:
        """A problem for each folder that can't be listed, and for what is lost of pruned snapshots."""
        return self.unlisted_folders + self.lost

    @property
    def unlisted_folders(self) -> list[Problem]:
        """A problem for each folder that can't be listed."""
        return [
            Problem(folder.relative_to(self.data).as_posix(), f"can't be listed ({reason})")
            for folder, reason in self.unlisted.items()
        ]

    def take_pruned(self, pruned: Mapping[Day, list[str]]) -> None:
        """Take the names of pruned snapshots: the file of their day has them, or they are lost."""
        for day, names in pruned.items():
            if self.files.get(day):
                self.pruned[day], self.wanted[day] = names, digest([*{*names, *self.names.get(day, ())}])
            else:
                what = f"what {count(len(names), 'pruned snapshot')} of {day[0]} on {day[1]} had is no longer known"
                self.lost.append(Problem(f"history/{PRUNED}", what))

    def file(self, day: Day) -> Path | None:
        """The file of a day, where it is up to date."""
        file = self._file(day)
        return self.place(day, file) if file else None

    def stale(self) -> list[Day]:
        """The days without such a file, oldest first."""
        return sorted((day for day in self.wanted if not self.file(day)), key=itemgetter(1, 0))

    def unread(self) -> list[Day]:
        """The days with such a file, but with a snapshot that could not be read, oldest first."""
        built = self.wanted.keys() - self.pruned.keys()
        unread = (day for day in built if (file := self._file(day)) and file.unread)
        return sorted(unread, key=itemgetter(1, 0))

    def later_than(self, moment: datetime) -> list[Problem]:
        """A problem for each server with snapshots later than a moment (aware)."""
        last, later = moment.astimezone(UTC).date().isoformat(), dict[str, list[Stamped]]()
        for (server, day), names in self.names.items():
            if day >= last:
                found = (Stamped(datetime.fromisoformat(name), server, name) for name in names)
                later.setdefault(server, []).extend(snapshot for snapshot in found if snapshot.taken_at > moment)
        return [problem for snapshots in later.values() for problem in future_problems(sorted(snapshots, reverse=True))]

    def job(self, day: Day) -> DayJob:
        """The input for building a day."""
        month = self.month(day)
        names = {*self.names.get(day, ()), *self.pruned.get(day, ())}  # an older file has the pruned ones
        folders = tuple(month / name for name in sorted(names))
        older = self.file(day) or max((self.place(day, file) for file in self.files.get(day, ())), default=None)
        return DayJob(*day, folders, older)

    def place(self, day: Day, file: DayFile) -> Path:
        """The path of a day's file."""
        server, name = day
        return self.data / "history" / f"server={server}" / f"month={name[:7]}" / str(file)

    def left_over(self) -> Iterator[Path]:
        """Outdated files, and temporary files of killed processes."""
        yield from self.rests
        for day, files in self.files.items():
            if day not in self.wanted:
                month = self.month(day)
                if month not in self.unlisted and month.parent not in self.unlisted:
                    yield from (self.place(day, file) for file in files)
            elif good := self._file(day):
                yield from (self.place(day, file) for file in files - {good})

    def _file(self, day: Day) -> DayFile | None:
        files = [file for file in self.files.get(day, ()) if file.names == self.wanted[day]]
        return min(files, key=attrgetter("unread", "content"), default=None)

    def month(self, day: Day) -> Path:
        """The folder of a day's snapshots."""
        return self.data / "snapshots" / day[0] / day[1][:7]


@dataclass(frozen=True, slots=True)
class LoadedDay:
    """Spans and records of one day."""

    server: str
    day: str
    table: pa.Table
    records: list[Record]


def open_store(data: str | Path, server: str | None = None) -> Store:
    """List the snapshots and stored days of a share, of all servers or of one; no file is opened.

    A folder of a server or of a month that can't be listed is a problem. SnapshotError where `data` is no share, or
    where its folder ``snapshots`` can't be listed.
    """
    store = Store(_share(data))
    servers = _of(_folders(store.data / "snapshots", store.unlisted), server)
    for folder, reason in store.unlisted.items():
        raise SnapshotError(f"{folder} can't be listed ({reason})")
    for month in (month for folder in servers for month in _folders(folder, store.unlisted)):
        if _MONTH.fullmatch(month.name):
            names = _names(month, store.unlisted)
            store.names |= {(month.parent.name, day): group for day, group in _snapshot_names(month, names)}
    store.wanted = {day: digest(group) for day, group in store.names.items()}
    _find_stored(store, server)
    try:
        store.take_pruned(read_pruned(store.data, server))
    except SnapshotError as error:
        store.lost.append(Problem(f"history/{PRUNED}", str(error).partition(" ")[2]))
        store.is_closed = True
    return store


def update_store(
    data: str | Path, *, executor: Executor | None = None, wait: float = WAIT, check: bool = False
) -> list[Problem]:
    """Bring the store up to date with the snapshots; returns the problems that prevented it.

    Days are built in `executor`, or in this process where that is None or fails. Another writer is waited for at most
    `wait` seconds. With `check` each file is read, and built again where it is damaged. SnapshotError where `data` is
    no share.
    """
    history = _share(data) / "history"
    why = ""
    problems: list[Problem] = []
    try:
        with locked(history, wait=wait, fallback_to_soft=False):
            store = open_store(data)
            if store.is_closed:
                raise OSError(0, f"{PRUNED} can't be read")
            if check:
                problems += _remove_damaged(store)
            _update(store, executor, problems)
    except Timeout:
        why = "another process is writing it"
    except (OSError, NotImplementedError) as error:  # the second where a file system knows no locks
        why = f"it can't be written ({reason_of(error)})"
    if why:
        store = open_store(data)
        if stale := store.stale():
            days = f"{len(stale)} days" if len(stale) > 1 else f"{stale[0][0]} of {stale[0][1]}"
            problems.append(Problem("history", f"{days} not stored, because {why}; computed in memory"))
    return [*store.problems, *problems]


def load_days(
    store: Store, days: Iterable[Day], *, executor: Executor | None = None, keep: bool = False
) -> tuple[list[LoadedDay], list[Problem]]:
    """Read days, sorted by server and day; those without an up-to-date file are built in memory.

    A damaged file is a problem, and its day is built in memory, too. What is read with `keep` is there for the next
    call with it: the reports of a server begin with the same files.
    """
    days = sorted(days)
    stamps = _stamps(store, days) if keep else {}
    found = {day: _kept[stamp] for day, stamp in stamps.items() if stamp in _kept}
    read, problems = _read(store, [day for day in days if day not in found])
    found |= read
    if keep:
        _kept.clear()
        _kept.update({stamp: found[day] for day, stamp in stamps.items() if day in found})
    missing = [day for day in days if day not in found]
    for day, parts in zip(missing, each_in(executor, compute_day, map(store.job, missing), problems), strict=True):
        found[day] = LoadedDay(*day, *parts)
    for day in store.pruned.keys() & found.keys():
        names = set(store.pruned[day])
        for record in found[day].records:
            record["pruned"] = record["snapshot"] in names
    return [found[day] for day in days], problems


_Stamp = tuple[Path, int, int]
_kept: dict[_Stamp, LoadedDay] = {}


def _stamps(store: Store, days: Iterable[Day]) -> dict[Day, _Stamp]:
    """The up-to-date file of each day that has one, with its time and size."""
    stamps = {}
    for day in days:
        if place := store.file(day):
            with suppress(OSError):
                known = place.stat()
                stamps[day] = (place, known.st_mtime_ns, known.st_size)
    return stamps


def _read(store: Store, days: Iterable[Day]) -> tuple[dict[Day, LoadedDay], list[Problem]]:
    """The days that have an up-to-date file, and a problem for each that is damaged."""
    found: dict[Day, LoadedDay] = {}
    problems: list[Problem] = []
    for day in days:
        if not (file := store.file(day)):
            continue
        try:
            found[day] = LoadedDay(*day, *read_day(day[0], file))
        except FileNotFoundError:
            pass  # another process has just replaced it
        except DAMAGES as error:
            problems.append(Problem(f"history/{file.name}", f"is damaged ({clip(reason_of(error))})"))
    return found, problems


# Writing --------------------------------------------------------------------------------------------------------------


def _update(store: Store, executor: Executor | None, problems: list[Problem]) -> None:
    days = [*store.stale(), *store.unread()]
    built = each_in(executor, build_day, map(store.job, days), problems)
    for day, (content, file) in zip(days, built, strict=True):
        stored = store.files.setdefault(day, set())
        if file not in stored:
            write_whole(store.place(day, file), content)
        _remove(store.place(day, other) for other in stored - {file})
        store.files[day] = {file}
    _remove(store.left_over())
    gone = store.files.keys() - store.wanted.keys()
    for month in {store.place(day, file).parent for day in gone for file in store.files[day]}:
        with suppress(OSError):  # it holds other days
            month.rmdir()


def _remove_damaged(store: Store) -> list[Problem]:
    """Remove the files that are not as they were written, once none is open: a problem for each."""
    found, problems = _read(store, store.wanted)
    for day in store.wanted.keys() - found.keys():
        _remove(store.place(day, file) for file in store.files.pop(day, ()))
    for day in store.pruned.keys() - found.keys():
        store.lost.append(Problem(f"history/{PRUNED}", f"what was pruned of {day[0]} on {day[1]} is no longer known"))
        del store.pruned[day], store.wanted[day]
        if day in store.names:
            store.wanted[day] = digest(store.names[day])
    return problems


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        with suppress(OSError):  # open in another program: the next update removes it
            file.unlink()


# Pruned snapshots -----------------------------------------------------------------------------------------------------

PRUNED = "pruned.json"
"""The names of pruned snapshots by server and day; their runs are in the files of these days alone."""


def read_pruned(data: Path, server: str | None = None) -> dict[Day, list[str]]:
    """The names of the pruned snapshots of each day, of all servers or of one; SnapshotError where it can't be read."""
    try:
        listed = json.loads(read_bytes(data / "history" / PRUNED, MOST_OWN_BYTES))
        found = {(name, day): list(map(str, names)) for name, days in listed.items() for day, names in days.items()}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise SnapshotError(f"history/{PRUNED} can't be read ({clip(reason_of(error), 160)})") from None
    return {day: names for day, names in found.items() if server is None or day[0].casefold() == server.casefold()}


def write_pruned(data: Path, pruned: Mapping[Day, Sequence[str]]) -> None:
    """Replace the list of pruned snapshots."""
    listed: dict[str, dict[str, list[str]]] = {}
    for (server, day), names in sorted(pruned.items()):
        listed.setdefault(server, {})[day] = sorted(names)
    write_whole(data / "history" / PRUNED, json.dumps(listed, indent=1).encode())


# Names ----------------------------------------------------------------------------------------------------------------


def _share(data: str | Path) -> Path:
    root = long_path(data)
    if not (root / "snapshots").is_dir():
        raise SnapshotError(f"{data} is not a share: it has no folder snapshots")
    return root


def _folders(folder: Path, unlisted: dict[Path, str]) -> list[Path]:
    """The folders in it, sorted; where it can't be listed, `unlisted` gets the reason.

    A glob would take it for empty, and its days for gone.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted(folder / entry.name for entry in entries if _is_folder(entry))
    except OSError as error:
        _note(folder, error, unlisted)
        return []


def _names(folder: Path, unlisted: dict[Path, str]) -> list[str]:
    """The names in it; where it can't be listed, `unlisted` gets the reason."""
    try:
        return os.listdir(folder)  # noqa: PTH208 (3,000 names a month, and no paths wanted)
    except OSError as error:
        _note(folder, error, unlisted)
        return []


def _note(folder: Path, error: OSError, unlisted: dict[Path, str]) -> None:
    if not isinstance(error, FileNotFoundError) or folder.is_symlink():  # else it was removed a moment ago
        unlisted[folder] = reason_of(error)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder, or a link that leads nowhere: to list that says why."""
    try:
        return entry.is_dir() or (entry.is_symlink() and not Path(entry.path).exists())
    except OSError:
        return True


def _snapshot_names(month: Path, names: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Those of the names in the folder of a month that look like snapshots of it, sorted, by day (``2026-11-23``)."""
    stamp = month.name.replace("-", "") + "[0-3][0-9]T(?:[01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]Z"
    found = sorted(re.findall(f"^{stamp}$", "\n".join(names), re.MULTILINE))
    for day, group in groupby(found, itemgetter(slice(8))):
        with suppress(ValueError):  # the 31st of February
            yield date.fromisoformat(day).isoformat(), list(group)


def _of(folders: Iterable[Path], server: str | None) -> list[Path]:
    """The folders of a server, by its case-insensitive name, or all."""
    return [
        folder
        for folder in folders
        if server is None or folder.name.removeprefix("server=").casefold() == server.casefold()
    ]


def _find_stored(store: Store, server: str | None) -> None:
    """Fill in the files of each day, and what killed processes and older versions left."""
    closed: dict[Path, str] = {}  # what can't be listed counts as not stored
    servers = _of(_folders(store.data / "history", closed), server)
    for month in (month for folder in servers for month in _folders(folder, closed)):
        for name in _names(month, closed):
            file = DayFile.of(name)
            if file and month.name == f"month={name[:7]}":
                store.files.setdefault((month.parent.name.removeprefix("server="), file.day), set()).add(file)
            elif file or name.endswith(".tmp") or _OLD_FILE.fullmatch(name):
                store.rests.append(month / name)
