r"""The history store: one Parquet file per day and server in ``<data>/history``.

    history/server=OPENDATA01/month=2026-11/2026-11-23.<digest>.parquet

Authority: the layout is ours, partitioned like Hive, so that pandas, DuckDB and Dask read it directly. A file's name
has a digest of the snapshots that it was built from, so names alone show which days are up to date. Files are written
atomically, by one writer at a time; a process may be killed at any moment. All of it is derived from the snapshots and
may be deleted.

>>> store = open_store("data")
>>> sorted(store.wanted)[-1], len(store.wanted)
(('OPENDATA01', '2026-11-23'), 57)
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
from filelock import Timeout

from taskanalysis.errors import Problem, SnapshotError
from taskanalysis.history.days import DayJob, Record, build_day, digest, read_day
from taskanalysis.history.parallel import each_in
from taskanalysis.snapshot import Stamped, future_problems, locked, long_path, write_whole
from taskanalysis.text import clip

Day = tuple[str, str]
"""Server and day (``2026-11-23``, UTC)."""

WAIT = 5.0  # seconds for another writer
_FILE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.([0-9a-f]{16})\.parquet")
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")


@dataclass(slots=True)
class Store:
    """The names in a share: `names` of the snapshots of each day, and the digest that its file should have (`wanted`).

    `files` holds the digests of the existing files of each day, `rests` the temporary files of killed processes.
    """

    data: Path
    files: dict[Day, set[str]]
    rests: list[Path]
    names: dict[Day, list[str]]
    wanted: dict[Day, str]

    def file(self, day: Day) -> Path | None:
        """The file of a day, where it is up to date."""
        return self.place(day, self.wanted[day]) if self._has(day) else None

    def stale(self) -> list[Day]:
        """The days without such a file, oldest first."""
        return sorted((day for day in self.wanted if not self._has(day)), key=lambda day: (day[1], day[0]))

    def _has(self, day: Day) -> bool:
        return self.wanted[day] in self.files.get(day, ())

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
        month = self.data / "snapshots" / day[0] / day[1][:7]
        folders = tuple(month / name for name in self.names[day])
        older = (self.place(day, digest_) for digest_ in self.files.get(day, ()))
        return DayJob(folders, max(older, default=None))

    def place(self, day: Day, digest_: str) -> Path:
        """The path of a day's file."""
        server, name = day
        return self.data / "history" / f"server={server}" / f"month={name[:7]}" / f"{name}.{digest_}.parquet"

    def left_over(self) -> Iterator[Path]:
        """Outdated files, and temporary files of killed processes."""
        yield from self.rests
        for day, digests in self.files.items():
            wanted = self.wanted.get(day)
            if wanted is None or wanted in digests:
                yield from (self.place(day, digest_) for digest_ in digests if digest_ != wanted)


@dataclass(frozen=True, slots=True)
class LoadedDay:
    """Spans and records of one day."""

    server: str
    day: str
    table: pa.Table
    records: list[Record]


def open_store(data: str | Path, server: str | None = None) -> Store:
    """List the snapshots and stored days of a share, of all servers or of one; no file is opened.

    SnapshotError where `data` is no share, or a folder of it can't be listed.
    """
    root = _share(data)
    names: dict[Day, list[str]] = {}
    try:
        for folder in _of(_folders(root / "snapshots"), server):
            for month in _folders(folder):
                if _MONTH.fullmatch(month.name):
                    names |= {(folder.name, day): group for day, group in _snapshot_names(month)}
    except OSError as error:
        raise SnapshotError(f"{error.filename} can't be listed ({error.strerror})") from None
    wanted = {day: digest(group) for day, group in names.items()}
    return Store(root, *_stored(root / "history", server), names, wanted)


def update_store(data: str | Path, *, executor: Executor | None = None, wait: float = WAIT) -> list[Problem]:
    """Bring the store up to date with the snapshots; returns the problems that prevented it.

    Days are built in `executor`, or in this process where that is None or fails. Another writer is waited for at most
    `wait` seconds. SnapshotError where `data` is no share.
    """
    history = _share(data) / "history"
    why = ""
    problems: list[Problem] = []
    try:
        with locked(history, wait=wait, fallback_to_soft=False):
            _update(open_store(data), executor, problems)
    except Timeout:
        why = "another process is writing it"
    except (OSError, NotImplementedError) as error:  # the second where a file system knows no locks
        why = f"it can't be written ({getattr(error, 'strerror', None) or error})"
    if why and (stale := open_store(data).stale()):
        days = f"{len(stale)} days" if len(stale) > 1 else f"{stale[0][0]} of {stale[0][1]}"
        problems.append(Problem("history", f"{days} not stored, because {why}; computed in memory"))
    return problems


def load_days(
    store: Store, days: Iterable[Day], *, executor: Executor | None = None, repair: bool = False
) -> tuple[list[LoadedDay], list[Problem]]:
    """Read days, sorted by server and day; those without an up-to-date file are built in memory.

    A damaged file is a problem; `repair` deletes it, so that the next update writes it again.
    """
    found: dict[Day, LoadedDay] = {}
    problems: list[Problem] = []
    days = sorted(days)
    for day in days:
        if not (file := store.file(day)):
            continue
        try:
            found[day] = LoadedDay(*day, *read_day(file))
        except FileNotFoundError:
            pass  # another process has just replaced it
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            problems.append(Problem(f"history/{file.name}", f"is damaged ({clip(str(error))})"))
            if repair:
                _remove([file])
    for day, (content, _) in _built(store, [day for day in days if day not in found], executor, problems):
        found[day] = LoadedDay(*day, *read_day(content))
    return [found[day] for day in days], problems


# Writing --------------------------------------------------------------------------------------------------------------


def _update(store: Store, executor: Executor | None, problems: list[Problem]) -> None:
    for day, (content, new) in _built(store, store.stale(), executor, problems):
        write_whole(store.place(day, new), content)
        _remove(store.place(day, old) for old in store.files.get(day, set()) - {new})
        store.files[day] = {new}
    _remove(store.left_over())
    for month in {store.place(day, "").parent for day in store.files.keys() - store.wanted.keys()}:
        with suppress(OSError):  # it holds other days
            month.rmdir()


def _built(
    store: Store, days: Sequence[Day], executor: Executor | None, problems: list[Problem]
) -> Iterator[tuple[Day, tuple[bytes, str]]]:
    return zip(days, each_in(executor, build_day, map(store.job, days), problems), strict=True)


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


def _folders(folder: Path) -> list[Path]:
    """The folders in it; OSError where it can't be listed. A glob would take it for empty, and its days for gone."""
    with os.scandir(folder) as entries:
        return sorted(folder / entry.name for entry in entries if entry.is_dir())


def _snapshot_names(month: Path) -> Iterator[tuple[str, list[str]]]:
    """Names in the folder of a month that look like snapshots of that month, sorted, by day (``2026-11-23``)."""
    stamp = month.name.replace("-", "") + "[0-3][0-9]T(?:[01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]Z"
    names = sorted(re.findall(f"^{stamp}$", "\n".join(os.listdir(month)), re.MULTILINE))  # noqa: PTH208
    for day, group in groupby(names, itemgetter(slice(8))):
        with suppress(ValueError):  # the 31st of February
            yield date.fromisoformat(day).isoformat(), list(group)


def _of(folders: Iterable[Path], server: str | None) -> list[Path]:
    """The folders of a server, by its case-insensitive name, or all."""
    return [
        folder
        for folder in folders
        if server is None or folder.name.removeprefix("server=").casefold() == server.casefold()
    ]


def _stored(history: Path, server: str | None) -> tuple[dict[Day, set[str]], list[Path]]:
    """The digests of the files of each day, and the temporary files of killed processes."""
    files: dict[Day, set[str]] = {}
    rests: list[Path] = []
    with suppress(OSError):  # missing or not accessible: treated as empty
        for month in [month for folder in _of(_folders(history), server) for month in _folders(folder)]:
            for name in os.listdir(month):  # noqa: PTH208 (3,000 names a month, and no paths wanted)
                match = _FILE.fullmatch(name)
                if match and month.name == f"month={name[:7]}":
                    day = month.parent.name.removeprefix("server="), match[1]
                    files.setdefault(day, set()).add(match[2])
                elif match or name.endswith(".tmp"):
                    rests.append(month / name)
    return files, rests
