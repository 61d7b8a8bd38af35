r"""Join the days of a store: one list of snapshots, and the spans of all servers that index it.

>>> from taskanalysis.history.store import load_days; from taskanalysis.history import open_store
>>> store = open_store("data")
>>> joined = join(load_days(store, [("OPENDATA01", "2026-11-22"), ("OPENDATA01", "2026-11-23")])[0])
>>> joined.coverage["taken_at"].dt.hour.tolist()
[5, 11, 17, 23, 5, 11]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]

from taskanalysis.history.changes import ELEVATED, Sight, proves_absence
from taskanalysis.history.days import Record, moments, places, rows_at
from taskanalysis.history.spans import NONE, SCHEMA, Numbers, Observed, categories, in_order, numbers, to_table
from taskanalysis.history.store import LoadedDay
from taskanalysis.snapshot import STATES


@dataclass(frozen=True)
class Joined:
    """Snapshots sorted by server and time, and spans sorted by day, task and time.

    `coverage` has one row per snapshot, `sight` what each could see, `times` its moments in microseconds, and `begins`
    the first row of each server and the end; `programs` are the names of the snapshots with the sha256 of their
    ``programs.csv``, "" where they have none. `table` holds the spans without path and times: `server` and `path` index
    `servers` and `paths`, `first` and `last` index `coverage`.
    """

    servers: list[str]
    paths: list[str]
    coverage: pd.DataFrame
    programs: list[tuple[str, str]]
    sight: Sight
    begins: Numbers
    times: Numbers
    table: pa.Table
    server: Numbers
    path: Numbers
    first: Numbers
    last: Numbers

    @cached_property
    def _labels(self) -> pd.Index[str]:
        """The task paths as pandas has them, made once: of 100,000, that saves 17 ms a column."""
        return labels(self.paths)

    def spans(self) -> pd.DataFrame:
        """One row per span."""
        frame: pd.DataFrame = self.table.to_pandas(
            types_mapper={pa.bool_(): pd.BooleanDtype(), pa.uint32(): pd.UInt32Dtype()}.get
        )
        frame["state"] = category(numbers(self.table, "state"), STATES)
        frame.insert(0, "server", pd.Series(category(self.server, self.servers)))
        frame.insert(1, "task_path", pd.Series(category(self.path, self._labels)))
        frame.insert(2, "first_seen", utc(self.times[self.first]))
        frame.insert(3, "last_seen", utc(self.times[self.last]))
        return frame

    def observed(self) -> Observed:
        """The spans sorted by task and time."""
        task = self.server * max(len(self.paths), 1) + self.path
        small = np.uint16 if len(self.servers) * len(self.paths) < 2**16 else np.int64  # sorts ten times faster
        order = np.argsort(task.astype(small), kind="stable")
        columns = {name: numbers(self.table, name)[order] for name in ("state", "enabled", "last_run", "last_result")}
        first, last = self.first[order], self.last[order]
        return Observed(self.times, self._offsets(), task=task[order], first=first, last=last, **columns)

    def split(self, task: Numbers) -> tuple[Numbers, Numbers]:
        """Indexes of server and path of task numbers in `observed`."""
        if len(self.servers) == 1:  # as in all reports; to divide a million numbers takes longer than all else here
            return np.zeros_like(task), task
        server, path = np.divmod(task, max(len(self.paths), 1))
        return server, path

    def names(self, task: Numbers) -> dict[str, pd.Categorical[str]]:
        """The columns server and task path of task numbers in `observed`."""
        server, path = self.split(task)
        return {"server": category(server, self.servers), "task_path": category(path, self._labels)}

    def looked(self, server: str, until: int) -> tuple[str, str] | None:
        """The row of `programs` of the last snapshot of a server up to a time (microseconds) that has one."""
        place = self.servers.index(server) if server in self.servers else -1
        begin, end = self.begins[place : place + 2] if place >= 0 else (0, 0)
        last = begin + np.searchsorted(self.times[begin:end], until, "right")
        return next((self.programs[at] for at in range(last - 1, begin - 1, -1) if self.programs[at][1]), None)

    def _offsets(self) -> Numbers:
        """The server's UTC offset at each snapshot, in microseconds, `NONE` where its zone is not known."""
        offsets = np.full(len(self.times), NONE)
        zones = self.coverage["zone"]
        for zone in zones.cat.categories[zones.cat.categories != ""]:
            mine = (zones == zone).to_numpy()
            local = utc(self.times[mine]).tz_convert(ZoneInfo(zone)).tz_localize(None)
            offsets[mine] = microseconds_of(local) - self.times[mine]
        return offsets


def join(days: Sequence[LoadedDay], in_force: dict[str, str] | None = None) -> Joined:
    """Join days, sorted by server and day; `in_force` names the definitions of each server before its first day."""
    days = [day for day in days if any(record["read"] for record in day.records)]
    servers = sorted({day.server for day in days})
    server = np.array([servers.index(day.server) for day in days], np.int64)
    taken = [moments(day.records) for day in days]
    own = np.repeat(server, [len(times) for times in taken])  # the server of each snapshot
    begins = np.searchsorted(own, np.arange(len(servers) + 1))
    times = np.concatenate([np.empty(0, np.int64), *taken])
    table = pa.concat_tables([SCHEMA.empty_table(), *(day.table for day in days)]).unify_dictionaries()
    path, paths = in_order(numbers(table, "task_path"), categories(table, "task_path"))
    before = np.cumsum([0, *(len(times) for times in taken)])[:-1]  # snapshots of earlier days
    first, last = [np.empty(0, np.int64)], [np.empty(0, np.int64)]  # rows of `coverage`
    for day, seen, number in zip(days, taken, before, strict=True):
        first.append(np.searchsorted(seen, numbers(day.table, "first_seen")) + number)
        last.append(np.searchsorted(seen, numbers(day.table, "last_seen")) + number)
    records = [record for day in days for record in day.records if record["read"]]
    sight = _sight(records, begins)
    return Joined(
        servers=servers,
        paths=paths,
        coverage=_coverage(servers, own, records, sight, times, in_force or {}),
        programs=[(record["snapshot"], record.get("programs") or "") for record in records],
        sight=sight,
        begins=begins,
        times=times,
        table=table.drop_columns(["task_path", "first_seen", "last_seen"]),
        server=np.repeat(server, [day.table.num_rows for day in days]),
        path=path,
        first=np.concatenate(first),
        last=np.concatenate(last),
    )


def clipped(day: LoadedDay, begin: datetime | None, end: datetime | None) -> LoadedDay:
    """A day as if it had only the snapshots from `begin` to `end`, both included."""
    taken = [(datetime.fromisoformat(record["snapshot"]), record) for record in day.records]
    kept = [record for at, record in taken if (not begin or begin <= at) and (not end or at <= end)]
    if len(kept) == len(day.records):
        return day
    rows, paths = rows_at(day.table, day.records, places(kept))
    return replace(day, table=to_table(rows, paths, moments(kept)), records=kept)


def _sight(records: Sequence[Record], begins: Numbers) -> Sight:
    tasks = np.array([record["tasks"] for record in records], np.int64)
    whole = np.array([record["whole"] for record in records], bool)
    accounts = ["" if record["elevated"] is True else f"not elevated: {record['account']}" for record in records]
    number = {"": ELEVATED} | {name: place for place, name in enumerate(sorted({*accounts} - {""}), ELEVATED + 1)}
    account = np.array([number[name] for name in accounts], np.int64)
    proves = whole.copy()
    for begin, end in pairwise(begins):
        proves[begin:end] = proves_absence(tasks[begin:end], whole[begin:end], account[begin:end])
    return Sight(proves, account, [record["refused"] for record in records])


def _coverage(
    servers: list[str],
    own: Numbers,
    records: Sequence[Record],
    sight: Sight,
    times: Numbers,
    in_force: dict[str, str],
) -> pd.DataFrame:
    """The frame `History.coverage`; `own` is the server of each record."""
    begins = np.searchsorted(own, np.arange(len(servers)))
    first = {begin: in_force.get(server) for server, begin in zip(servers, begins.tolist(), strict=True)}
    definitions = list[str | None]()
    for place, record in enumerate(records):
        before = first[place] if place in first else definitions[-1]
        definitions.append(record["definitions"] or before)
    elevated = [record["elevated"] if isinstance(record["elevated"], bool) else None for record in records]
    read = np.array([bool(record["definitions_read"]) for record in records], np.int64)
    return pd.DataFrame(
        {
            "server": category(own, servers),
            "taken_at": utc(times),
            "kind": category(read, ["status", "full"]),
            "tasks": np.array([record["tasks"] for record in records], np.int64),
            "elevated": pd.array(elevated, "boolean"),
            "proves_absence": sight.proves,
            "pruned": np.array([bool(record.get("pruned")) for record in records], bool),
            "zone": _texts([record["zone"] for record in records]),
            "account": _texts([record["account"] for record in records]),
            "definitions": _texts(definitions),
        }
    )


def _texts(texts: Sequence[str | None]) -> pd.Categorical[str]:
    """Texts, most of them repeated, as a column of categories; None is missing."""
    names = sorted({text for text in texts if text is not None})
    place: dict[str | None, int] = {None: -1} | {name: number for number, name in enumerate(names)}
    return category(np.array([place[text] for text in texts], np.int64), names)


def of_server(frame: pd.DataFrame, server: str) -> pd.DataFrame:
    """The rows of a frame of `History` that are of one server."""
    names = frame["server"].array.categories
    if len(names) == 1 and names[0] == server:  # as nearly always: a copy of it would take longer
        return frame
    return frame[frame["server"] == server]


def used(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame without categories that no row has, so that no group of it is empty."""
    columns = [str(name) for name, dtype in frame.dtypes.items() if isinstance(dtype, pd.CategoricalDtype)]
    fewer = {name: used_names(frame[name]) for name in columns}
    return frame.assign(**{name: column for name, column in fewer.items() if column is not frame[name].array})


def used_names(column: pd.Series) -> pd.Categorical[str]:
    """A column of categories without those that no row has; the same where there are none.

    A million rows of seven columns take 0.2 s, with pandas' own method 0.5 s.
    """
    known: pd.Categorical[str] = column.array
    codes, names = known.codes.astype(np.int64), known.categories
    there = np.bincount(codes + 1, minlength=len(names) + 1)[1:] > 0
    if there.all():
        return known
    left = names[there]
    return category(np.append(np.cumsum(there) - 1, -1)[codes], left if len(left) > MOST_WORDS else left.tolist())


def category(codes: Numbers, categories: Sequence[str] | pd.Index[str]) -> pd.Categorical[str]:
    """Indexes into texts as a column of categories; -1 and `NONE` are missing."""
    known: Any = pd.CategoricalDtype(categories) if isinstance(categories, pd.Index) else _dtype(tuple(categories))
    codes = np.maximum(codes, -1).astype(np.int32)
    made: pd.Categorical[str] = pd.Categorical.from_codes(codes, dtype=known, validate=False)
    return made


MOST_WORDS = 32
"""Categories that are kept: columns of so few have the same ones on all servers."""


@lru_cache(maxsize=64)
def _dtype(categories: tuple[str, ...]) -> pd.CategoricalDtype:
    """Words as categories, made once: most columns of all servers have the same."""
    return pd.CategoricalDtype(labels(categories))


def labels(texts: Sequence[str]) -> pd.Index[str]:
    """Texts as the categories of a column."""
    return pd.Index(list(texts), dtype="str")


def utc(times: Numbers) -> pd.DatetimeIndex:
    """Microseconds as times in UTC, `NONE` as NaT."""
    return pd.DatetimeIndex(np.ascontiguousarray(times, np.int64).view("M8[us]")).tz_localize("UTC")


def microseconds_of(times: pd.Series | pd.DatetimeIndex) -> Numbers:
    """Times as whole microseconds since 1970, NaT as `NONE`: the reverse of `utc`.

    >>> microseconds_of(utc(np.array([1_500_000, NONE]))).tolist() == [1_500_000, NONE]
    True
    """
    return times.to_numpy(dtype="datetime64[us]").astype(np.int64)
