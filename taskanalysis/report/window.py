r"""The window of the trends: runs, expected starts and changes of one server's last days, and how each day went.

A window ends with a snapshot and begins some days before. Days are the server's (UTC where its zone is not known) and
stand in frames as local midnights without zone. A day without a snapshot inside a blind time is `blind`: not
known. Results mean here what rules.toml says; a bad result by a guess is unknown, a stop that a trigger orders is good.

>>> from taskanalysis.health import known_history
>>> from taskanalysis.snapshot import read_snapshot
>>> snapshot = read_snapshot("data")
>>> days = Window(snapshot, history=known_history(snapshot)).by_day
>>> [f"{day:%m-%d}" for day in days.index[days["blind"]]]
['10-17', '10-18', '10-27', '10-28']
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taskanalysis.definition import TaskDefinition
from taskanalysis.errors import SnapshotError
from taskanalysis.health import (
    BAD,
    GOOD,
    MOST_DAYS,
    UNCLEAR,
    Rate,
    blind_times,
    failing_at,
    failing_spells,
    ordered_stops,
    slot_fates,
)
from taskanalysis.history import History, category, of_server, read_logs, used_names
from taskanalysis.report.page import JudgedPage
from taskanalysis.results import BAD_OUTCOMES, Outcome
from taskanalysis.schedule import slot_arrays
from taskanalysis.snapshot import Snapshot, in_scope
from taskanalysis.text import count

ENDINGS = ["succeeded", *BAD_OUTCOMES, "running", "unknown"]
"""How a run ended, as the figures show it."""

Numbers = NDArray[np.int64]
_SIGNS = np.array([GOOD, *[BAD] * len(BAD_OUTCOMES), UNCLEAR, UNCLEAR])


@dataclass(frozen=True, eq=False, repr=False)
class Window(JudgedPage):
    """The window of `days` that ends with a snapshot, for the tasks in scope.

    Tasks for which no start is judged are those of the verdicts; tasks that a rule mutes on the day of the snapshot are
    left out. SnapshotError where `days` is less than 1.
    """

    days: int = 90

    def __post_init__(self) -> None:
        if self.days < 1:
            raise SnapshotError(f"a trend needs at least 1 day, not {self.days}")

    @classmethod
    def _beside(cls, snapshot: Snapshot, days: int | None = None) -> dict[str, Any]:
        days = cls.days if days is None else days
        return {**super()._beside(snapshot, days), "days": days}

    @property
    def zone(self) -> ZoneInfo:
        """The server's zone, UTC where it is not known."""
        return ZoneInfo(self.snapshot.zone or "UTC")

    @property
    def asked(self) -> datetime:
        """When the days that are asked for begin, a century ago at most."""
        return self.snapshot.taken_at - timedelta(days=min(self.days, MOST_DAYS))

    @cached_property
    def begin(self) -> datetime:
        """The first snapshot of the window; where there is none, when the days that are asked for begin."""
        first: datetime = pd.Timestamp(self.coverage["taken_at"].min()).to_pydatetime()
        return first if len(self.coverage) else self.asked

    @cached_property
    def is_known(self) -> bool:
        """Whether there are at least two snapshots, as a trend needs."""
        return len(self.coverage) > 1

    # What is known ----------------------------------------------------------------------------------------------------

    @cached_property
    def unknown_runs(self) -> str:
        """Why no run is known, as the end of a sentence; "" where one is."""
        if not self.is_known:
            return "a trend needs two snapshots"
        return "" if len(self.all_runs) else self.lacks("status", "last_run") or "no snapshot shows a run"

    @cached_property
    def unknown_endings(self) -> str:
        """Why it is not known how runs ended, as the end of a sentence; "" where it is."""
        has_codes = bool(self.all_runs["code"].notna().any())
        return self.unknown_runs or ("" if has_codes else self.lacks("status", "last_result") or "no result is known")

    @cached_property
    def unknown_starts(self) -> str:
        """Why it is not known which starts were expected, as the end of a sentence; "" where it is."""
        if not self.is_known:
            return "a trend needs two snapshots"
        return "" if len(self.slots) else self.lacks("zone", "definitions", "status", "last_run")

    @cached_property
    def coverage(self) -> pd.DataFrame:
        """The snapshots of the window, as `History.coverage` has them."""
        coverage = self._past.coverage
        return coverage[(coverage["server"] == self.snapshot.server) & (coverage["taken_at"] >= self.asked)]

    @cached_property
    def blind(self) -> list[tuple[datetime, datetime]]:
        """The blind times of the window, in the server's zone: the last snapshot before each, and the first after."""
        times = blind_times(self._past) if self.is_known else []
        return [(start.astimezone(self.zone), end.astimezone(self.zone)) for start, end in times if end > self.begin]

    @cached_property
    def gaps(self) -> list[tuple[datetime, datetime]]:
        """The blind times as local times without zone, as the figures draw them."""
        return [(start.replace(tzinfo=None), end.replace(tzinfo=None)) for start, end in self.blind]

    @cached_property
    def runs(self) -> pd.DataFrame:
        """The runs that started in the window: the columns of `History.runs`, `ending` (ENDINGS), `sign` and `day`.

        `sign` is 1 for a good ending, -1 for a bad one, and 0 for one that says neither. Fewer than two snapshots show
        no run of the window.
        """
        runs = self.all_runs[(self.all_runs["started"] >= pd.Timestamp(self.begin)) & self.is_known]
        return runs.assign(day=self.local(runs["started"]).dt.floor("D"))

    @cached_property
    def slots(self) -> pd.DataFrame:
        """The starts that should have been in the window, with their fates (`fates.slot_fates`)."""
        doubtful = {judged.path for judged in self.judged if judged.due.in_doubt}
        slots = slot_fates(
            self._past,
            self.snapshot.server,
            since=self.begin,
            until=self.snapshot.taken_at,
            rules=self.rules,
            folder=self.folder,
            doubtful=doubtful,
        )
        return self._within(slots)

    @cached_property
    def events(self) -> pd.DataFrame:
        """What is known to have kept tasks from running, or to have ended runs, in the window: `History.events`."""
        events = self._within(self._past.events)
        return events[(events["at"] >= pd.Timestamp(self.begin)) & self.is_known]

    @cached_property
    def missed_starts(self) -> pd.DataFrame:
        """The missed starts: `task_path`, `expected` (UTC) and `day` (local midnight, without zone)."""
        rows = self.slots[self.slots["fate"] == "missed"]
        taken = pd.DatetimeIndex(self.coverage["taken_at"])
        found: list[NDArray[np.datetime64]] = []
        in_force: dict[pd.Timestamp, dict[str, TaskDefinition]] = {}
        for path, expected, number in zip(rows["task_path"], rows["expected"], rows["count"], strict=True):
            times = np.repeat(np.datetime64(expected.tz_localize(None)), number)
            if number > 1:  # one row stands for all between two snapshots
                end = taken[taken.searchsorted(expected)]
                if end not in in_force:
                    in_force[end] = self._past.definitions(end.to_pydatetime(), self.snapshot.server)
                slots = slot_arrays(
                    in_force[end][path], expected.to_pydatetime(), end.to_pydatetime(), tz=self.zone.key
                )
                judged = slots.time[slots.judged][:number]
                times[: len(judged)] = judged
            found.append(times)
        times = np.concatenate([np.zeros(0, "M8[us]"), *found])
        expected = pd.Series(pd.DatetimeIndex(times, tz="UTC"))
        path = rows["task_path"].iloc[np.repeat(np.arange(len(rows)), rows["count"])].reset_index(drop=True)
        return pd.DataFrame({"task_path": path, "expected": expected, "day": self.local(expected).dt.floor("D")})

    @cached_property
    def all_changes(self) -> pd.DataFrame:
        """The changes of the window, as `History.changes` has them; where rules explain codes, as they say."""
        changes = self._within(self._past.changes)
        explained = {path for paths in self._explained.values() for path in paths}
        ruled = changes["task_path"].isin(explained)
        flips = self._flips(self.all_runs[self.all_runs["task_path"].isin(explained)])
        changes = pd.concat([changes[~(ruled & (changes["kind"] == "outcome"))], flips], ignore_index=True)
        changes["kind"] = changes["kind"].astype("category")
        changes["task_path"] = changes["task_path"].astype("category")
        changes = changes[changes["at"] > pd.Timestamp(self.begin)]
        return changes.sort_values(["at", "task_path", "kind"], ignore_index=True)

    # Days -------------------------------------------------------------------------------------------------------------

    @cached_property
    def dates(self) -> pd.DatetimeIndex:
        """The days of the window as local midnights without zone, none where no run and no missed start is known."""
        seen = self.local(self.coverage["taken_at"]).dt.floor("D")
        has_days = self.is_known and bool(len(self.all_runs) or len(self.missed_starts))
        return pd.date_range(seen.min(), seen.max()) if has_days else pd.DatetimeIndex([])

    @cached_property
    def by_day(self) -> pd.DataFrame:
        """How the days of the window went: a row for each of `dates`.

        `snapshots` taken, `blind`, the runs by ending (ENDINGS), `failing` (tasks whose last finished run had failed at
        the end of the day) and `missed` (tasks that missed a start).
        """
        seen, day, days = self.local(self.coverage["taken_at"]).dt.floor("D"), timedelta(days=1), self.dates
        blind = [any(begin <= start and start + day <= end for begin, end in self.gaps) for start in days]
        ends = (days + day).tz_localize(self.zone, ambiguous=True, nonexistent="shift_forward").tz_convert("UTC")
        missing = self.missed_starts["task_path"].astype(str).groupby(self.missed_starts["day"]).nunique()
        ended = self.runs.groupby(["day", "ending"], observed=False).size()
        columns = {
            "snapshots": seen.value_counts().reindex(days, fill_value=0),
            "blind": np.array(blind, dtype=bool),
            **ended.unstack().reindex(index=days, columns=ENDINGS, fill_value=0),
            "failing": self.failing_at(ends),
            "missed": missing.reindex(days, fill_value=0),
        }
        return pd.DataFrame(columns, index=days)

    def failing_at(self, moments: pd.DatetimeIndex) -> Numbers:
        """How many tasks had failed in their last finished run at each of these moments (aware)."""
        return failing_at(self.spells, moments)

    @cached_property
    def spells(self) -> pd.DataFrame:
        """The times in which a task was failing (`past.failing_spells`), also those that began before the window."""
        past = self._past
        return failing_spells(self.all_runs, *map(self._within, (past.events, past.changes, past.spans)))

    def rate(self, begin: timedelta, end: timedelta = timedelta(0)) -> Rate:
        """How many runs of known ending started from `begin` to `end` before the snapshot, and what part was good."""
        now, started = self.snapshot.taken_at, self.runs["started"]
        return Rate.of(self.runs.loc[(started > now - begin) & (started <= now - end), "sign"].to_numpy())

    # Parts ------------------------------------------------------------------------------------------------------------

    @cached_property
    def _past(self) -> History:
        return self.history or History(Path(), [], [], {}, read_logs(Path(), []))

    @cached_property
    def _explained(self) -> dict[tuple[int, str], list[str]]:
        """The task paths for which rules explain a code, by code and outcome."""
        server, tasks = self.snapshot.server, self.snapshot.tasks
        explained: dict[tuple[int, str], list[str]] = {}
        for path in map(str, self._past.runs["task_path"].cat.categories):
            for code, meaning in self.rules.meanings_of(server, path, tasks.get(path)).items():
                explained.setdefault((code, meaning.outcome.value), []).append(path)
        return explained

    @cached_property
    def all_runs(self) -> pd.DataFrame:
        """All runs in scope, also those before the window: they show how a task stood when it began."""
        runs = self._within(self._past.runs)
        path, code = runs["task_path"], runs["code"]
        outcome = runs["outcome"].cat.set_categories([outcome.value for outcome in Outcome])
        certainty = runs["certainty"].cat.set_categories(["certain", "likely", "guess"])
        for (number, word), paths in self._explained.items():
            by_rule = (path.isin(paths) & (code == number)).to_numpy(dtype=bool)
            outcome, certainty = outcome.mask(by_rule, word), certainty.mask(by_rule, "certain")  # type: ignore[arg-type]
        runs = runs.assign(outcome=outcome, certainty=certainty)
        place = [ENDINGS.index(name) if name in ENDINGS else -1 for name in outcome.cat.categories]
        ending = np.array([*place, -1])[outcome.cat.codes]
        guessed = (certainty == "guess").to_numpy() & (_SIGNS[ending] == BAD)
        ending = np.where(guessed | (ending < 0), ENDINGS.index("unknown"), ending)
        sign = np.where(ordered_stops(runs, self.snapshot), GOOD, _SIGNS[ending])
        return runs.assign(ending=category(ending, ENDINGS), sign=sign)

    def _flips(self, runs: pd.DataFrame) -> pd.DataFrame:
        """Changes of the outcome of these runs, those whose result was seen."""
        runs = runs[runs["code"].notna()].sort_values(["task_path", "started"])
        before = runs.shift()
        flip = (runs["task_path"].astype(str) == before["task_path"].astype(str)) & (
            runs["outcome"].astype(str) != before["outcome"].astype(str)
        )
        flips = runs.loc[flip, ["server", "task_path"]].assign(at=known_at(runs[flip]), kind="outcome")
        what = np.where(runs.loc[flip, "outcome"] == "succeeded", "A rule of the office counts it as success.", "")
        words = {"before": before.loc[flip, "outcome"].astype(str), "after": runs.loc[flip, "outcome"].astype(str)}
        return flips.assign(**words, what=what, fields="")

    def _within(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows of this server, of tasks in the folder that no rule mutes."""
        today, server = self.snapshot.local_time.date(), self.snapshot.server
        folders = [self.folder] if self.folder else []
        paths = [str(path) for path in frame["task_path"].cat.categories]
        kept = np.array(
            [in_scope(path, folders) and not self.rules.of(server, path).ignores(today) for path in paths] + [False]
        )
        rows = of_server(frame, server)
        is_kept = kept[rows["task_path"].cat.codes]
        rows = rows if is_kept.all() else rows[is_kept]
        return rows.assign(task_path=used_names(rows["task_path"]))

    def local(self, times: pd.Series) -> pd.Series:
        """Times as those of the server's clocks, without zone."""
        found: pd.Series = times.dt.tz_convert(self.zone).dt.tz_localize(None)
        return found


_EVENTS = {
    "start failed": ("start", "failed"),
    "ignored": ("start", "ignored"),
    "queued": ("start", "queued"),
    "time limit": ("run", "stopped at the time limit"),
    "stopped": ("run", "stopped for another reason"),
}
"""Kinds of `History.events` in words; a failed logon is a start that failed, too."""


def event_words(events: pd.DataFrame) -> list[str]:
    """How many events there are of each kind.

    >>> event_words(pd.DataFrame({"kind": ["ignored", "start failed", "ignored", "logon failed"]}))
    ['1 start failed', '2 starts ignored']
    """
    numbers = events["kind"].value_counts()
    return [
        f"{count(int(numbers[kind]), unit)} {words}" for kind, (unit, words) in _EVENTS.items() if numbers.get(kind, 0)
    ]


def known_at(runs: pd.DataFrame) -> pd.Series:
    """When the ending of each run was known: the first snapshot that shows it, else its end in the event log."""
    at = runs["finished_by"].fillna(runs["ended"])
    return at.fillna(runs["first_seen"]).fillna(runs["started"])
