r"""Observations, runs, events and changes of a share over time, as DataFrames.

The frames come from the store in ``<data>/history`` (`store`); what it lacks is computed. Times are UTC, repeated texts
are categories; each frame is computed on first use. They hold nothing of a time without snapshots.

>>> history = read_history("data", since="2026-11-09")
>>> runs = history.runs
>>> int((runs["code"] == 0x8007052E).sum()), str(runs["started"].dtype)
(168, 'datetime64[us, UTC]')
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from taskanalysis.definition import TaskDefinition, Time, asked_time, instant, wall_time
from taskanalysis.errors import Problem, SnapshotError
from taskanalysis.history.changes import (
    TEXTS,
    Changed,
    Definitions,
    Redefined,
    Seen,
    came_and_went,
    redefined,
    switched,
)
from taskanalysis.history.joined import Joined, category, clipped, join, microseconds_of, of_server, used, utc
from taskanalysis.history.logs import Logged, read_logs, with_logged
from taskanalysis.history.runs import Decoded, Events, Runs, decode_runs, find_runs, is_sorted
from taskanalysis.history.scripts import ChangedScript, changed_scripts, files_of
from taskanalysis.history.spans import NONE, Numbers, Observed, blocks, differs, expand
from taskanalysis.history.store import LoadedDay, Store, load_days, open_store, update_store
from taskanalysis.results import Outcome
from taskanalysis.schedule import microseconds
from taskanalysis.snapshot import CLOCKS_APART, ProgramFile, newest_first, share_manifest
from taskanalysis.text import brief, count, listed, small_table

OBSERVED_FOR = timedelta(days=35) // timedelta(microseconds=1)
MOST_ROWS = 20
"""Servers, and problems, that a notebook shows of a history."""
KINDS = ["added", "removed", "changed", "enabled", "disabled", "outcome", "script"]


def read_history(
    data: str | Path,
    *,
    server: str | None = None,
    since: Time | None = None,
    until: Time | None = None,
    update: bool = False,
    executor: Executor | None = None,
) -> History:
    """Read the history of a share: of one `server` or all, of snapshots taken from `since` to `until`, both included.

    `since` and `until` are ISO texts, dates or datetimes, on the clock of each server where they have no offset, and
    None or "" for no limit; the result is that of a share with those snapshots alone, except that earlier definitions
    stay in force. Reading writes nothing: days that the store lacks are computed in memory, and `History.computed` says
    how many; at a prompt of IPython or Jupyter it is printed. With `update` the store is updated first, as
    ``taskanalysis report`` and ``history`` do, in `executor` where one is given; where it can't be written, `problems`
    says so. Snapshots more than ten minutes later than the clock are a problem, and left out.

    SnapshotError where `data` is no share, where it has no snapshot of `server` or can't list them; TimeError for what
    is no time.

    >>> read_history("data", server="opendata01").coverage["server"].unique().tolist()
    ['OPENDATA01']
    """
    history = load_history(data, server=server, since=since, until=until, update=update, executor=executor)
    if history.computed and _is_interactive():
        sys.stdout.write(f"{history.computed}\n")
    return history


def _is_interactive() -> bool:
    """Whether someone works in IPython or a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return bool(shell and shell())


def load_history(
    data: str | Path,
    *,
    server: str | None = None,
    since: Time | None = None,
    until: Time | None = None,
    update: bool = False,
    executor: Executor | None = None,
) -> History:
    """Read a history as `read_history` does, and print nothing: for pages and commands."""
    asked = [asked_time(moment) for moment in (since, until)]
    limit = datetime.now(UTC) + CLOCKS_APART
    problems = update_store(data, executor=executor) if update else []
    store = open_store(data, server)
    servers = {name for name, _ in store.wanted}
    if server is not None and not servers:
        unseen = [f"{store.data / problem.file} {problem.what}" for problem in store.unseen]
        raise SnapshotError(unseen[0] if unseen else f"{data} holds no snapshot of {server}")
    limits = {name: _limits(store.data, name, asked, limit) for name in servers}
    chosen = [day for day in store.wanted if limits[day[0]].has(day[1])]
    whole, damaged = load_days(store, chosen, executor=executor, keep=not update)
    if damaged and update:
        damaged += update_store(data, executor=executor, check=True)
    missing = sum(not store.file(day) for day in chosen)
    days = [part for part in (clipped(day, *limits[day.server]) for day in whole) if part.records]
    zones = {day.server: str(record["zone"]) for day in days for record in day.records if record.get("zone")}
    logged = read_logs(store.data, sorted(servers), zones=zones, update=update)
    kept = {f"history/{file.name}" for day in store.pruned if (file := store.file(day))}
    unread = [*store.problems, *store.later_than(limit), *(problem for problem in damaged if problem.file in kept)]
    unread += [Problem(*problem) for day in days for record in day.records for problem in record["problems"]]
    unread = list(dict.fromkeys(unread + logged.problems))
    problems = list(dict.fromkeys([*store.problems, *problems, *damaged, *unread, *logged.damaged]))
    in_force, computed = _in_force(store, whole, days), _computed(missing, len(chosen), logged.read)
    if computed:
        logging.getLogger(__name__).info("%s", computed)
    return History(Path(data), problems, days, in_force, logged.between(limits), unread=unread, computed=computed)


class Limits(NamedTuple):
    """The first and the last moment that are asked of a server (aware UTC), None for no first one."""

    begin: datetime | None
    end: datetime

    def has(self, day: str) -> bool:
        """Whether any of a day (of UTC, ISO) lies within."""
        return (not self.begin or str(self.begin.date()) <= day) and day <= str(self.end.date())


def _limits(data: Path, server: str, asked: Sequence[datetime | None], latest: datetime) -> Limits:
    is_local = any(moment and moment.tzinfo is None for moment in asked)
    zone = zone_of(data, server) if is_local else ""
    begin, end = (instant(moment, zone).astimezone(UTC) if moment else None for moment in asked)
    return Limits(begin, min(end or latest, latest))


def zone_of(data: Path, server: str) -> str:
    """The zone of the newest snapshot of a server that can be read; "" where none names it."""
    for snapshot in newest_first(data, server):
        with suppress(SnapshotError):
            return str(share_manifest(snapshot.path)["zone"])
    return ""


def _computed(missing: int, days: int, logs: int) -> str:
    """How much was computed since the store lacks it, as a sentence; "" where it has all.

    >>> _computed(2, 60, 1)
    '2 of 60 days and 1 event log were computed in memory; "taskanalysis history" or update=True stores them.'
    """
    if not missing and not logs:
        return ""
    parts = [f"{missing:,} of {count(days, 'day')}"] if missing else []
    parts += [count(logs, "event log")] if logs else []
    were = "was" if missing + logs == 1 else "were"
    return f'{listed(parts)} {were} computed in memory; "taskanalysis history" or update=True stores them.'


def _in_force(store: Store, whole: Sequence[LoadedDay], days: Sequence[LoadedDay]) -> dict[str, str]:
    """The definitions in force at the first snapshot of each server: the name of the snapshot that stores them."""
    found: dict[str, str] = {}
    by_name = {(day.server, day.day): day for day in whole}
    for first in {day.server: day for day in reversed(days)}.values():
        stamp = next((record for record in first.records if record["read"]), first.records[0])["snapshot"]
        until = [day for day in store.wanted if day[0] == first.server and day[1] <= first.day]
        for day in sorted(until, reverse=True):
            loaded = by_name.get(day) or load_days(store, [day])[0][0]
            records = [record for record in loaded.records if record["snapshot"] <= stamp]
            if named := [record["definitions"] for record in records if record.get("definitions")]:
                found[first.server] = named[-1]
                break
    return found


@dataclass(frozen=True)
class History:
    """A share over time. Its frames are plain DataFrames; ``data/README.md`` documents their columns.

    `problems` lists what could not be read or stored, `unread` those of them that leave a part of the past unknown;
    `computed` says how much the store lacked, `in_force` which snapshot of each server has the definitions at first.
    """

    data: Path
    problems: list[Problem]
    days: list[LoadedDay] = field(repr=False)
    in_force: dict[str, str] = field(repr=False)
    logged: Logged = field(repr=False)
    unread: list[Problem] = field(default_factory=list, kw_only=True)
    computed: str = field(default="", kw_only=True)

    def __repr__(self) -> str:
        """One line, masked: share, servers, snapshots, problems."""
        problems = count(len(self.problems), "problem") if self.problems else ""
        servers = [f"{server} {span}" for server, span in self._spans.items()]
        return brief("History", str(self.data), listed(servers, most=3), problems, self.computed.partition(";")[0])

    def _repr_html_(self) -> str:
        """A row for each server, then what could not be read, and what was computed."""
        spans = self._spans
        rows = [*list(spans.items())[:MOST_ROWS], *self.problems[:MOST_ROWS]]
        numbers = f"{count(len(spans), 'server')}, {count(len(self.problems), 'problem')}"
        return small_table(f"History of {self.data}: {numbers}. {self.computed}", rows)

    @property
    def _spans(self) -> dict[str, str]:
        """The number of snapshots of each server, and from when to when they are."""
        found: dict[str, list[str]] = {}
        for day in self.days:
            found.setdefault(day.server, []).extend(day.day for _ in day.records)
        return {
            server: f"{count(len(days), 'snapshot')} from {min(days)} to {max(days)}" for server, days in found.items()
        }

    @cached_property
    def coverage(self) -> pd.DataFrame:
        """One row per readable snapshot, sorted by server and time."""
        return used(self._joined.coverage)

    @cached_property
    def spans(self) -> pd.DataFrame:
        """All observations; consecutive equal ones of a task within a day are one row."""
        return self._joined.spans()

    @cached_property
    def observations(self) -> pd.DataFrame:
        """One row per task and snapshot, of the 35 days before the newest snapshot of each server."""
        joined = self._joined
        seen = [joined.times[begin:end] for begin, end in pairwise(joined.begins)]
        older = [np.searchsorted(times, times.max(initial=0) - OBSERVED_FOR, "right") for times in seen]
        oldest = joined.begins[:-1] + np.array(older, np.int64)
        first = np.maximum(joined.first, oldest[joined.server])
        recent = np.flatnonzero(first <= joined.last)
        span, at = expand(first[recent], joined.last[recent])
        frame = self.spans.drop(columns=["first_seen", "last_seen"]).take(recent[span]).reset_index(drop=True)
        frame.insert(2, "taken_at", utc(joined.times[at]))
        order = np.lexsort((at, frame["task_path"].cat.codes, frame["server"].cat.codes))
        return used(frame.take(order).reset_index(drop=True))

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row per run, sorted by server, task and start, from snapshots, event logs or both."""
        runs = self._seen_runs
        if len(self.logged.runs):
            last = self.coverage.groupby("server", observed=True)["taken_at"].max()
            definitions = {str(name): self.definitions(at, str(name)) for name, at in last.items()}
            runs = with_logged(runs, self.logged.runs, definitions)
        # what had ended when the first snapshot was taken may have ended long before
        joined, servers = self._joined, runs["server"].array
        firsts = dict(zip(joined.servers, joined.times[joined.begins[:-1]].tolist(), strict=True))
        first = np.array([firsts[name] for name in servers.categories], np.int64)[servers.codes]
        started, finished = (microseconds_of(runs[name]) for name in ("started", "finished_by"))
        is_known = (started != NONE) & (finished != NONE) & ((finished != first) | runs["seconds"].notna().to_numpy())
        return used(runs.assign(at_most_seconds=np.where(is_known, (finished - started) / 1e6, np.nan)))

    @cached_property
    def _seen_runs(self) -> pd.DataFrame:
        joined, runs = self._joined, self._runs[0]
        which, results = self._decoded
        outcomes = [*(result.outcome.value for result in results), Outcome.RUNNING.value, Outcome.UNKNOWN.value]
        certainties = [*(result.certainty for result in results), "certain", "certain"]
        which = np.where(which >= 0, which, np.where(runs.goes_on, len(results), len(results) + 1))
        return pd.DataFrame(
            joined.names(runs.task)
            | {
                "started": utc(runs.started),
                "ended": utc(np.full(len(which), NONE)),
                "seconds": np.full(len(which), np.nan),
                "code": _codes(runs.code),
                "outcome": _words(which, outcomes, [outcome.value for outcome in Outcome]),
                "source": _same("status", len(which)),
                "trigger_kind": _same("", len(which)),
                "instance": _same("", len(which)),
                "first_seen": utc(joined.times[runs.first_seen]),
                "finished_by": utc(np.append(joined.times, NONE)[runs.finished_by]),
                "last_seen": utc(joined.times[runs.last_seen]),
                "certainty": _words(which, certainties, ["certain", "likely", "guess"]),
            }
        )

    @cached_property
    def events(self) -> pd.DataFrame:
        """Failed, refused and ignored starts, and stops, from event logs and from results that changed."""
        seen = self._seen_events
        if self.logged.events.empty:
            return used(seen)
        both = pd.concat([seen.astype({"server": "str", "task_path": "str"}), self.logged.events], ignore_index=True)
        both = both.sort_values(["server", "task_path", "at"], ignore_index=True)
        return both[list(seen.columns)].astype(dict.fromkeys(("server", "task_path", "kind", "source"), "category"))

    @cached_property
    def _seen_events(self) -> pd.DataFrame:
        joined, events = self._joined, self._runs[1]
        return pd.DataFrame(
            joined.names(events.task)
            | {
                "at": utc(joined.times[events.seen]),
                "kind": _same("start failed", len(events.task)),
                "code": _codes(events.code),
                "source": _same("status", len(events.task)),
            }
        )

    @cached_property
    def changes(self) -> pd.DataFrame:
        """Tasks added, removed, changed, enabled or disabled, changed outcomes and scripts, sorted by time."""
        observed, joined = self._observed, self._joined
        server, path = joined.split(observed.task)
        came = came_and_went(observed, server, path, joined.begins, joined.sight, joined.paths)
        parts = [
            self._seen(came, "removed", "added"),
            self._seen(switched(observed), "disabled", "enabled"),
            self._outcomes(),
            self._redefined(),
            self._scripts(),
        ]
        task = np.concatenate([part.task for part in parts])
        at = joined.times[np.concatenate([part.at for part in parts])]
        kinds = np.array([KINDS.index(kind) for part in parts for kind in part.kind], np.int64)
        texts = [text for part in parts for text in part.texts]
        order = np.lexsort((kinds, task, at))
        columns = zip(*(texts[place] for place in order.tolist()), strict=True) if texts else [()] * len(TEXTS)
        return used(
            pd.DataFrame(
                joined.names(task[order])
                | {"at": utc(at[order]), "kind": category(kinds[order], KINDS)}
                | {name: pd.Series(column, dtype="str") for name, column in zip(TEXTS, columns, strict=True)}
            )
        )

    def definitions(self, at: Time, server: str | None = None) -> dict[str, TaskDefinition]:
        r"""The definitions in force at a moment, by task path; empty where no earlier snapshot stores any.

        `at` is ISO text, a date or a datetime, on the server's clock where it has no offset. `server` may be omitted in
        the history of one server; SnapshotError where there are several, TimeError for what is no time.

        >>> history = read_history("data", update=False)
        >>> len(history.definitions("2026-11-23"))
        52
        """
        servers = self._joined.servers
        moment = wall_time(at)  # refused before anything else is looked at
        chosen = [name for name in servers if server is None or name.casefold() == server.casefold()]
        if len(chosen) > 1:
            raise SnapshotError(f"the history has several servers; name one: {listed(servers, 'or')}")
        if not chosen:
            return {}
        place = servers.index(chosen[0])
        begin, end = self._joined.begins[place : place + 2]
        zone = self.coverage["zone"].iat[end - 1]
        until = microseconds(instant(moment, zone if isinstance(zone, str) else ""))
        last = begin + np.searchsorted(self._joined.times[begin:end], until, "right") - 1
        stamp = self.coverage["definitions"].iat[last] if last >= begin else None
        return dict(self._definitions.all(chosen[0], stamp)) if isinstance(stamp, str) else {}

    def stored_tasks(self, server: str) -> set[str]:
        """The paths of all tasks of which a snapshot of the server stores a definition."""
        stamps = set(of_server(self.coverage, server)["definitions"].dropna())
        return {path for stamp in stamps for path in self._definitions.hashes(server, stamp)}

    def first_seen(self, server: str) -> dict[str, datetime]:
        """When each task of the server is first shown, by task path (aware UTC)."""
        spans = of_server(self.spans, server)
        first = spans.groupby("task_path", observed=True)["first_seen"].min()
        return {str(path): at.to_pydatetime() for path, at in first.items()}

    def files(self, server: str, at: datetime) -> list[ProgramFile]:
        """What the last snapshot of a server up to a moment (aware) that looked for files found."""
        found = self._joined.looked(server, microseconds(at))
        return files_of(self.data, server, *found) if found else []

    # Parts ------------------------------------------------------------------------------------------------------------

    @cached_property
    def _joined(self) -> Joined:
        return join(self.days, self.in_force)

    @cached_property
    def _observed(self) -> Observed:
        return self._joined.observed()

    @cached_property
    def _runs(self) -> tuple[Runs, Events]:
        return find_runs(self._observed)

    @cached_property
    def _decoded(self) -> Decoded:
        return decode_runs(self._runs[0], self._joined, self._definitions)

    @cached_property
    def _definitions(self) -> Definitions:
        return Definitions(self.data)

    def _seen(self, seen: Seen, off: str, on: str) -> Changed:
        kind = np.where(seen.on, on, off).tolist()
        other = np.where(seen.on, off, on).tolist() if on == "enabled" else [""] * len(kind)
        after = kind if on == "enabled" else other
        texts = [(*each, f"It was {word}.", "") for *each, word in zip(other, after, kind, strict=True)]
        return Changed(seen.task, seen.at, kind, texts)

    def _outcomes(self) -> Changed:
        """Finished runs whose outcome differs from that of the previous one."""
        runs, (which, results) = self._runs[0], self._decoded
        order = np.flatnonzero(which >= 0)
        if not is_sorted(runs.task[order], runs.finished_by[order]):
            order = order[np.lexsort((runs.started[order], runs.finished_by[order], runs.task[order]))]
        words = [result.outcome.value for result in results]
        outcome = np.array([words.index(word) for word in words], np.int64)[which[order]]
        flips = np.flatnonzero(~differs(runs.task[order]) & differs(outcome))
        now = order[flips]
        before, after, result = outcome[flips - 1].tolist(), outcome[flips].tolist(), which[now].tolist()
        texts = [
            (words[old], words[new], results[number].meaning, "")
            for old, new, number in zip(before, after, result, strict=True)
        ]
        return Changed(runs.task[now], runs.finished_by[now], ["outcome"] * len(texts), texts)

    def _redefined(self) -> Changed:
        joined, observed = self._joined, self._observed
        own, switchable = joined.split(np.unique(observed.task[observed.enabled != NONE]))
        found = list[tuple[int, Redefined]]()
        for server, (begin, end) in enumerate(pairwise(joined.begins.tolist())):
            stamps = joined.coverage["definitions"].iloc[begin:end].dropna()
            new = stamps[stamps != stamps.shift()]
            stored = zip(new.index.tolist(), new.tolist(), strict=True)
            switches = {joined.paths[path] for path in switchable[own == server]}
            changed = redefined(self._definitions, joined.servers[server], stored, switches)
            found += [(server, row) for row in changed]
        return self._rows("changed", found)

    def _scripts(self) -> Changed:
        """Changed scripts."""
        joined, found = self._joined, list[tuple[int, ChangedScript]]()
        for server, (begin, end) in enumerate(pairwise(joined.begins.tolist())):
            stamps = ((at, *joined.programs[at]) for at in range(begin, end))
            found += [(server, row) for row in changed_scripts(self.data, joined.servers[server], stamps)]
        return self._rows("script", found)

    def _rows(self, kind: str, found: Sequence[tuple[int, Redefined | ChangedScript]]) -> Changed:
        """Changes of one kind, each with the index of its server; of tasks that snapshots show."""
        place = {path: number for number, path in enumerate(self._joined.paths)}
        there = [(server * len(place) + place[row.path], row) for server, row in found if row.path in place]
        return Changed(
            np.array([task for task, _ in there], np.int64),
            np.array([row.at for _, row in there], np.int64),
            [kind] * len(there),
            [tuple(getattr(row, name, "") for name in TEXTS) for _, row in there],
        )


def _codes(codes: Numbers) -> pd.Series[int]:
    return pd.Series(pd.arrays.IntegerArray(np.where(codes == NONE, 0, codes).astype(np.uint32), codes == NONE))


def _same(text: str, length: int) -> pd.Categorical[str]:
    return category(np.zeros(length, np.int64), [text])


def _words(which: Numbers, words: Sequence[str], categories: Sequence[str]) -> pd.Categorical[str]:
    """Indexes into a list of words, some repeated, as a column of categories."""
    return category(np.array([categories.index(word) for word in words], np.int64)[which], categories)


def task_slices(frame: pd.DataFrame) -> dict[str, slice]:
    r"""The rows of each task, by task path, in a frame sorted by task whose ``task_path`` is categorical.

    >>> task_slices(pd.DataFrame({"task_path": pd.Categorical(["\\A", "\\A", "\\B"])}))
    {'\\A': slice(0, 2, None), '\\B': slice(2, 3, None)}
    """
    tasks = frame["task_path"].array
    begins, ends = blocks(tasks.codes)
    codes, paths = tasks.codes, tasks.categories.tolist()
    return {
        str(paths[code]): slice(begin, end + 1)
        for code, begin, end in zip(codes[begins].tolist(), begins.tolist(), ends.tolist(), strict=True)
    }
