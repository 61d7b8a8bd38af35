r"""The history store: one Parquet file per day and server in ``<data>/history``.

    history/server=OPENDATA01/month=2026-11/2026-11-23.<snapshots>.<content>.parquet

Authority: the layout is ours, partitioned like Hive, so that pandas, DuckDB and Dask read it directly. A file's name
has a digest of the snapshots that it was built from, so names alone show which days are up to date, and one of its
bytes, which is checked at each reading. ``.unread`` after them marks a day with a snapshot that could not be read: each
update tries again. Files are written atomically, by one writer at a time; a process may be killed at any moment. All of
it is derived from the snapshots and may be deleted, but for days of which snapshots were pruned: nothing can build
these again. ``pruned.json`` lists these snapshots, ``.pruned`` marks the files, and no update deletes what such a file
alone has.

>>> store = open_store("data")
>>> sorted(store.wanted)[-1], len(store.wanted)
(('OPENDATA01', '2026-11-23'), 57)
"""

from __future__ import annotations

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

from taskanalysis.errors import Problem, SnapshotError, reason_of
from taskanalysis.history.days import DAMAGES, TIMES, DayFile, DayJob, Record, build_day, compute_day, digest, read_day
from taskanalysis.history.parallel import each_in
from taskanalysis.history.pruned import PRUNED, read_pruned, write_pruned
from taskanalysis.snapshot import (
    Stamped,
    folders_in,
    future_problems,
    list_months,
    locked,
    long_path,
    rename,
    stamps_in,
    write_whole,
)
from taskanalysis.text import clip, count

Day = tuple[str, str]
"""Server and day (``2026-11-23``, UTC)."""

WAIT = 5.0  # seconds for another writer
_OLD_FILE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\.[0-9a-f]{16}\.parquet")  # of version 1
_TEMPORARY = re.compile(r"\.([0-9]{4}-[0-9]{2}-[0-9]{2}\..+\.parquet)\.[0-9]+\.tmp")  # of `write_whole`


@dataclass(slots=True)
class Store:
    """The names in a share: `names` of the snapshots of each day, and the digest of them that its file has (`wanted`).

    `files` holds the existing files of each day, `rests` files of older versions and temporary ones of killed
    processes. `unseen` has a problem for each folder below ``snapshots`` that can't be listed, of which everything
    stored stays, and for each snapshot in the folder of another month. `pruned` are the names of deleted snapshots that
    the file of a day still holds, `lost` what no file does. Nothing is written where it `is_closed`, as long as the
    list of these names can't be read: then they are those that the files have and that are not there.
    """

    data: Path
    files: dict[Day, set[DayFile]] = field(default_factory=dict)
    rests: list[Path] = field(default_factory=list)
    names: dict[Day, list[str]] = field(default_factory=dict)
    wanted: dict[Day, str] = field(default_factory=dict)
    unseen: list[Problem] = field(default_factory=list)
    pruned: dict[Day, list[str]] = field(default_factory=dict)
    lost: list[Problem] = field(default_factory=list)
    is_closed: bool = False

    @property
    def problems(self) -> list[Problem]:
        """A problem for all that can't be seen of the snapshots, and for what is lost of pruned ones."""
        return self.unseen + self.lost

    def take_pruned(self, pruned: Mapping[Day, list[str]]) -> None:
        """Take the names of pruned snapshots: the file of their day has them, or they are lost.

        A file that may hold pruned snapshots, and that these names do not explain, is opened for its own names.
        """
        for day, names in pruned.items():
            if self.files.get(day):
                self._take(day, names)
            else:
                what = f"what {count(len(names), 'pruned snapshot')} of {day[0]} on {day[1]} had is no longer known"
                self.lost.append(Problem(f"history/{PRUNED}", what))
        for day, files in self.files.items():
            if self._is_listed(day) and not self._file(day):
                is_pruned = self.is_closed or day in self.pruned
                for file in sorted(file for file in files if file.pruned or is_pruned):
                    try:
                        self._take(day, _seen(day, self.place(day, file)) - {*self.names.get(day, ())})
                    except FileNotFoundError:
                        pass  # another process has just replaced it
                    except DAMAGES as error:
                        self.lost.append(Problem(f"history/{file}", f"is damaged ({clip(str(error))})"))

    def _take(self, day: Day, names: Iterable[str]) -> None:
        if taken := {*names, *self.pruned.get(day, ())}:
            self.pruned[day] = sorted(taken)
            self.wanted[day] = digest([*taken.union(self.names.get(day, ()))])

    def _is_listed(self, day: Day) -> bool:
        """Whether the folder of the day's month could be listed, as far as it is there."""
        month = f"snapshots/{day[0]}/{day[1][:7]}"
        return not any(problem.file in (month, f"snapshots/{day[0]}") for problem in self.unseen)

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
            good = self._file(day)
            if good or (day not in self.wanted and self._is_listed(day)):
                yield from (self.place(day, file) for file in files - {good} if self.is_spare(day, file, good))

    def is_spare(self, day: Day, file: DayFile, good: DayFile | None) -> bool:
        """Whether the file of a day can go: the good one or the snapshots have all that it holds."""
        if not file.pruned and day not in self.pruned:
            return True
        try:
            gone = _seen(day, self.place(day, file)) - {*self.names.get(day, ())}
            return good is not None and gone <= _seen(day, self.place(day, good))
        except DAMAGES:
            return False

    def _file(self, day: Day) -> DayFile | None:
        files = [file for file in self.files.get(day, ()) if file.names == self.wanted.get(day)]
        return min(files, key=attrgetter("unread", "content"), default=None)

    def month(self, day: Day) -> Path:
        """The folder of a day's snapshots."""
        return self.data / "snapshots" / day[0] / day[1][:7]


def _seen(day: Day, place: Path) -> set[str]:
    """The names of the snapshots that a day's file holds what was read of; one of `DAMAGES` as from `read_day`."""
    return {record["snapshot"] for record in read_day(day[0], place)[1] if record["read"]}


@dataclass(frozen=True, slots=True)
class LoadedDay:
    """Spans and records of one day."""

    server: str
    day: str
    table: pa.Table
    records: list[Record]


def open_store(data: str | Path, server: str | None = None) -> Store:
    """List the snapshots and stored days of a share, of all servers or of one; unless it must be, no file is opened.

    Folders that can't be listed and snapshots in the folder of another month are problems. SnapshotError where `data`
    is no share, or where its folder ``snapshots`` can't be listed.
    """
    store = Store(_share(data))
    months = list_months(store.data, server, store.unseen)
    for problem in store.unseen:
        if problem.file == "snapshots":
            raise SnapshotError(f"{store.data / problem.file} {problem.what}")
    for month in months:
        names = stamps_in(month, store.unseen)
        store.names |= {(month.parent.name, day): group for day, group in _by_day(names)}
    store.wanted = {day: digest(group) for day, group in store.names.items()}
    _find_stored(store, server)
    pruned: dict[Day, list[str]] = {}
    try:
        pruned = read_pruned(store.data, server)
    except SnapshotError as error:
        store.lost.append(Problem(f"history/{PRUNED}", str(error).partition(" ")[2]))
        store.is_closed = True
    store.take_pruned(pruned)
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


def _read(
    store: Store, days: Iterable[Day], columns: Sequence[str] | None = None
) -> tuple[dict[Day, LoadedDay], list[Problem]]:
    """The days that have an up-to-date file, with some columns or all, and a problem for each that is damaged."""
    found: dict[Day, LoadedDay] = {}
    problems: list[Problem] = []
    for day in days:
        if not (file := store.file(day)):
            continue
        try:
            found[day] = LoadedDay(*day, *read_day(day[0], file, columns))
        except FileNotFoundError:
            pass  # another process has just replaced it
        except DAMAGES as error:
            problems.append(Problem(f"history/{file.name}", f"is damaged ({clip(reason_of(error))})"))
    return found, problems


# Writing --------------------------------------------------------------------------------------------------------------


def _update(store: Store, executor: Executor | None, problems: list[Problem]) -> None:
    _mark(store)
    days = [*store.stale(), *store.unread()]
    built = each_in(executor, build_day, map(store.job, days), problems)
    for day, (content, file) in zip(days, built, strict=True):
        made = file._replace(pruned=day in store.pruned)
        stored = store.files.setdefault(day, set())
        if made not in stored:
            write_whole(store.place(day, made), content)
        _remove(store.place(day, other) for other in stored - {made} if store.is_spare(day, other, made))
        store.files[day] = {made}
    _remove(store.left_over())
    gone = store.files.keys() - store.wanted.keys()
    for month in {store.place(day, file).parent for day in gone for file in store.files[day]}:
        with suppress(OSError):  # it holds other days
            month.rmdir()


def _remove_damaged(store: Store) -> list[Problem]:
    """Remove the files that are not as they were written, once none is open: a problem for each.

    Those of days with pruned snapshots stay: nothing can build them again, and a backup may have them.
    """
    found, problems = _read(store, store.wanted, TIMES)
    for day in sorted(day for day in store.wanted.keys() - found.keys() if store.file(day)):
        files = store.files.pop(day)
        if day in store.pruned:
            what = f"what was pruned of {day[0]} on {day[1]} is no longer known"
            store.lost.append(Problem(f"history/{PRUNED}", what))
        else:
            _remove(store.place(day, file) for file in files)
    return problems


def _mark(store: Store) -> None:
    """Mark the files of days with pruned snapshots, and list these where the list lacks them."""
    for day in store.pruned:
        for file in [file for file in store.files.get(day, ()) if not file.pruned]:
            with suppress(OSError):  # open in another program: the next update marks it
                marked = file._replace(pruned=True)
                rename(store.place(day, file), store.place(day, marked))
                store.files[day] = store.files[day] - {file} | {marked}
    known = read_pruned(store.data)
    pruned = known | {day: sorted({*names, *known.get(day, ())}) for day, names in store.pruned.items()}
    if pruned != known:
        write_pruned(store.data, pruned)


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        with suppress(OSError):  # open in another program: the next update removes it
            file.unlink()


# Names ----------------------------------------------------------------------------------------------------------------


def _share(data: str | Path) -> Path:
    root = long_path(data)
    if not (root / "snapshots").is_dir():
        raise SnapshotError(f"{data} is not a share: it has no folder snapshots")
    return root


def _by_day(stamps: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """The names of snapshots, sorted, by day (``2026-11-23``); those of no moment are left out."""
    found = sorted(_MOMENTS.findall("\n".join(stamps)))
    for day, group in groupby(found, itemgetter(slice(8))):
        with suppress(ValueError):  # the 31st of February
            yield date.fromisoformat(day).isoformat(), list(group)


_MONTH = re.compile(r"month=[0-9]{4}-[0-9]{2}")
_MOMENTS = re.compile("^[0-9]{8}T(?:[01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]Z$", re.MULTILINE)


def _find_stored(store: Store, server: str | None) -> None:
    """Fill in the files of each day, and what killed processes and older versions left."""
    closed: list[Problem] = []  # what can't be listed counts as not stored
    of_server = re.compile(f"server={re.escape(server)}" if server is not None else "server=.+", re.IGNORECASE)
    for folder in folders_in(store.data / "history", of_server.fullmatch, closed):
        for month in folders_in(folder, _MONTH.fullmatch, closed):
            for file in _files_in(month):
                found = DayFile.of(file.name)
                if found and month.name == f"month={found.day[:7]}":
                    store.files.setdefault((folder.name.removeprefix("server="), found.day), set()).add(found)
                elif found or _is_rest(file.name):
                    store.rests.append(file)


def _files_in(month: Path) -> list[Path]:
    try:
        return list(month.iterdir())
    except OSError:
        return []


def _is_rest(name: str) -> bool:
    """Whether a killed process or an older version left a file of this name."""
    temporary = _TEMPORARY.fullmatch(name)
    return bool(_OLD_FILE.fullmatch(temporary[1] if temporary else name) or (temporary and DayFile.of(temporary[1])))
