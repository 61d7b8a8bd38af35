r"""The history of each task up to a snapshot: since when, how often, how long; and when tasks were failing.

Unknown results count neither as success nor as failure: the `sign` of a run is `GOOD`, `BAD` or `UNCLEAR`. A run
that its trigger stopped by order is good.

>>> from taskanalysis.history import read_history
>>> from taskanalysis.snapshot import read_snapshot
>>> past = pasts(read_history("data", update=False), read_snapshot("data"))["\\OpenData\\Finance\\Checkbook"]
>>> past.failures, past.failing_since.isoformat()
(14, '2026-11-10T00:30:01+00:00')
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import union_categoricals

from taskanalysis.health.busy import EARLIER_RUNS, RunTimes, TaskRuns, run_times
from taskanalysis.health.rules import NO_RULES, Rules
from taskanalysis.health.stops import ordered_stops
from taskanalysis.history import History, load_history, microseconds_of, of_server, task_slices
from taskanalysis.results import BAD_OUTCOMES, SETTLED, Outcome
from taskanalysis.schedule import Moments, microseconds, moment_of
from taskanalysis.snapshot import STATUS_FIELDS, Snapshot, Status

GOOD: int = 1
BAD: int = -1
UNCLEAR: int = 0
LOOK_BACK = timedelta(days=100)
MOST_DAYS = 36_500
LEAST_RUNS = 3
"""A rate over fewer runs is not given."""
_UNKNOWN = np.iinfo(np.int64).min  # how numpy stores a missing time


@dataclass(frozen=True, slots=True)
class Rate:
    """The number of finished runs with a known outcome, and the part of them that succeeded; None under three runs."""

    runs: int = 0
    success: float | None = None

    @classmethod
    def of(cls, signs: Moments) -> Rate:
        """The rate of runs with these signs.

        >>> Rate.of(np.array([GOOD, BAD, UNCLEAR, GOOD, GOOD]))
        Rate(runs=4, success=0.75)
        """
        clear = signs[signs != UNCLEAR]
        return cls(len(clear), float(np.mean(clear == GOOD)) if len(clear) >= LEAST_RUNS else None)


class Past(NamedTuple):
    """The history of one task; times are aware UTC, None where unknown.

    `form_since` is the first snapshot that shows it with its present triggers and enabled, None where that is the
    oldest; `first_seen` is the first that shows a task that never ran. `code_since` is the first of the last runs with
    the same code; `failing_since` and `good_since` are starts of runs; `failures` counts those in a row; `last_bad` is
    the last bad run and `bad_before` the last one before the last good run. `longest` is how long the longest of the
    last 30 finished runs took, or at most took unless `longest_is_exact`, where five are known. `refused_since` is when
    starts began to fail after the last good run; `weekdays` are those of all bad runs of 60 days where a pattern shows
    (0 is Monday).
    """

    last_success: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    good_since: datetime | None = None
    last_finished_failed: bool = False
    week: Rate = Rate()
    month: Rate = Rate()
    flapping: bool = False
    longest: timedelta | None = None
    code_since: datetime | None = None
    longest_is_exact: bool = False
    last_bad: datetime | None = None
    bad_before: datetime | None = None
    refused_since: datetime | None = None
    form_since: datetime | None = None
    disabled_since: datetime | None = None
    added_at: datetime | None = None
    first_seen: datetime | None = None
    weekdays: tuple[int, ...] = ()


NO_PAST: Past = Past()


class _Runs(NamedTuple):
    """Finished runs in order of task and start; times in microseconds, `took` in seconds."""

    sign: Moments
    code: Moments
    started: Moments
    first_seen: Moments
    took: NDArray[Any]
    is_exact: NDArray[np.bool_]


def known_history(snapshot: Snapshot, days: int = 0) -> History | None:
    """The history of the snapshot's server up to the snapshot, from the store as it is; None outside a share.

    It begins `days` before the snapshot, or earlier: verdicts need 100.
    """
    if not snapshot.manifest or not (snapshot.share / "snapshots").is_dir():
        return None
    since = snapshot.taken_at - max(LOOK_BACK, timedelta(days=min(days, MOST_DAYS)))
    return load_history(snapshot.share, server=snapshot.server, since=since, until=snapshot.taken_at)


def pasts(history: History, snapshot: Snapshot, rules: Rules = NO_RULES) -> dict[str, Past]:
    """The history of each task of the snapshot's server, by task path; `history` ends with the snapshot."""
    server = snapshot.server
    finished = of_server(history.runs[history.runs["code"].notna()], server)
    runs, tasks = _runs(finished, of_server(history.coverage, server)["taken_at"]), task_slices(finished)
    for path, rows in tasks.items():
        for code, meaning in rules.meanings_of(server, path, snapshot.tasks.get(path)).items():
            runs.sign[rows] = np.where(runs.code[rows] == code, sign_of(meaning.outcome), runs.sign[rows])
    runs.sign[ordered_stops(finished, snapshot)] = GOOD
    begins = np.array([rows.start for rows in tasks.values()], dtype=np.int64)
    finished_pasts = dict(zip(tasks, _pasts(runs, begins, snapshot.taken_at), strict=True))
    changes, events = of_server(history.changes, server), of_server(history.events, server)
    never = _first_seen_of_idle(of_server(history.spans, server), snapshot)
    redefined = _times_by_task(changes, "outcome".__ne__)
    refused = _times_by_task(events, "start failed".__eq__)
    result, recent, now = {}, snapshot.taken_at - timedelta(days=60), snapshot.local_time
    for path in sorted(snapshot.statuses.keys() | finished_pasts.keys()):
        past = finished_pasts.get(path) or Past()
        if past.last_bad and past.last_bad > recent:
            rows = tasks[path]
            days = _bad_weekdays(runs.sign[rows], runs.started[rows], now)
            past = past._replace(weekdays=days) if days else past
        if path in never:
            past = past._replace(first_seen=never[path])
        if path in refused:
            past = past._replace(refused_since=_refused_since(refused[path], past.last_success))
        if path in redefined:
            form_since = _form_since(path, redefined[path], history, server)
            disabled, added = (_last(redefined[path], kind) for kind in ("disabled", "added"))
            past = past._replace(form_since=form_since, disabled_since=disabled, added_at=added)
        result[path] = past
    return result


def _first_seen_of_idle(spans: pd.DataFrame, snapshot: Snapshot) -> dict[str, datetime]:
    """When the tasks that never ran are first shown, by task path."""
    idle = {path for path, status in snapshot.statuses.items() if status.never_ran}
    spans = _of_tasks(spans, idle.__contains__)
    tasks, times = spans["task_path"].array, microseconds_of(spans["first_seen"])
    codes, first = np.unique(tasks.codes, return_index=True)  # spans of a task are by time
    paths = tasks.categories[codes].tolist()
    return {path: moment_of(at, UTC) for path, at in zip(paths, times[first].tolist(), strict=True)}


def _of_tasks(spans: pd.DataFrame, is_wanted: Callable[[str], bool]) -> pd.DataFrame:
    """The spans of some tasks, chosen by their paths."""
    tasks = spans["task_path"].array
    wanted = np.array([*map(is_wanted, tasks.categories.tolist()), False])
    if not wanted.any():
        return spans.iloc[:0]
    found: pd.DataFrame = spans.loc[wanted[tasks.codes]]
    return found


def hidden_tasks(history: History, snapshot: Snapshot) -> list[tuple[Status, datetime]]:
    """Tasks that earlier snapshots show and this one does not, without proof that they were removed.

    Each is the last status that was seen of it, and when that was (aware UTC).
    """
    spans, changes = of_server(history.spans, snapshot.server), of_server(history.changes, snapshot.server)
    spans = _of_tasks(spans, lambda path: path not in snapshot.statuses)
    if spans.empty:
        return []
    last = spans.sort_values("last_seen").drop_duplicates("task_path", keep="last").astype({"task_path": "str"})
    changes = changes[changes["kind"] == "removed"]
    removed = changes["at"].groupby(changes["task_path"].astype("str")).max()
    gone = (removed.reindex(last["task_path"]) > last["last_seen"].to_numpy()).to_numpy()
    hidden = last[~gone].sort_values("task_path")
    return [(_status_of(row), _moment(row["last_seen"])) for _, row in hidden.iterrows()]


def _status_of(row: pd.Series[Any]) -> Status:
    """The status in a row of `History.spans`."""
    value = {name: None if pd.isna(row[name]) else row[name] for name in STATUS_FIELDS}
    return Status(
        row["task_path"],
        state=value["state"],
        enabled=None if value["enabled"] is None else bool(value["enabled"]),
        last_run="never" if row["never_ran"] is True else value["last_run"] and _moment(value["last_run"]),
        last_result=None if value["last_result"] is None else int(value["last_result"]),
        next_run="never" if row["never_next"] is True else value["next_run"] and _moment(value["next_run"]),
        missed_runs=None if value["missed_runs"] is None else int(value["missed_runs"]),
    )


# Blind times ----------------------------------------------------------------------------------------------------------


def median_gap(times: Moments) -> float | None:
    """The usual gap between moments; None where there are not two."""
    return float(np.median(np.diff(times))) if len(times) > 1 else None


def longest_gap(times: Moments) -> float:
    """The longest gap between snapshots, in microseconds, that is not blind: half as long again as the median gap."""
    gap = median_gap(times)
    return np.inf if gap is None else 1.5 * gap


def blind_times(history: History) -> list[tuple[datetime, datetime]]:
    """Times without the usual snapshots: the last snapshot before and the first after each; `history` of one server."""
    times = microseconds_of(history.coverage["taken_at"])
    return [(moment_of(int(times[end - 1]), UTC), moment_of(int(times[end]), UTC)) for end in _ends(times)]


def _ends_of_blind_times(taken_at: pd.Series) -> Moments:
    times = microseconds_of(taken_at)
    return times[_ends(times)]


def _ends(times: Moments) -> Moments:
    """The places of the snapshots that end a blind time."""
    return np.flatnonzero(np.diff(times) > longest_gap(times)) + 1


# One task -------------------------------------------------------------------------------------------------------------


def _times_by_task(frame: pd.DataFrame, is_wanted: Callable[[str], bool]) -> dict[str, list[tuple[datetime, str]]]:
    """The times and kinds of changes or events of each task, those of some kinds, the oldest first."""
    tasks, kinds = frame["task_path"].array, frame["kind"].array
    names = kinds.categories.tolist()
    rows = np.flatnonzero(np.array([*map(is_wanted, names), False])[kinds.codes])
    found: dict[str, list[tuple[datetime, str]]] = {}
    columns = tasks.codes[rows].tolist(), microseconds_of(frame["at"])[rows].tolist(), kinds.codes[rows].tolist()
    paths = tasks.categories.tolist()
    for task, at, kind in zip(*columns, strict=True):
        found.setdefault(paths[task], []).append((moment_of(at, UTC), names[kind]))
    return found


def sign_of(outcome: Outcome) -> int:
    """The sign of a run whose outcome is certain."""
    return GOOD if outcome is Outcome.SUCCEEDED else BAD if outcome in BAD_OUTCOMES else UNCLEAR


def _runs(runs: pd.DataFrame, taken_at: pd.Series) -> _Runs:
    outcome, certainty = runs["outcome"].array, runs["certainty"].array
    signs = np.array([sign_of(Outcome(name)) for name in outcome.categories], np.int64)[outcome.codes]
    is_settled = np.array([name in SETTLED for name in certainty.categories], bool)[certainty.codes]
    return _Runs(
        np.where((signs == BAD) & ~is_settled, UNCLEAR, signs),
        runs["code"].to_numpy(dtype=np.int64),
        microseconds_of(runs["started"]),
        microseconds_of(runs["first_seen"]),
        _took(runs, taken_at),
        runs["seconds"].notna().to_numpy(),
    )


def last_runs(history: History, server: str) -> Callable[[str], TaskRuns | None]:
    """A function that gives the last runs of a task, finished or not; None for one without."""
    times, slices = known_runs(history, server), task_slices(of_server(history.runs, server))

    def of(path: str) -> TaskRuns | None:
        rows = slices.get(path)
        return TaskRuns(times, slice(max(rows.start, rows.stop - EARLIER_RUNS - 1), rows.stop)) if rows else None

    return of


def known_runs(history: History, server: str) -> RunTimes:
    """The times of the runs of a server, in the order of `History.runs`."""
    runs, spans, coverage = (of_server(frame, server) for frame in (history.runs, history.spans, history.coverage))
    return run_times(runs, spans, _ends_of_blind_times(coverage["taken_at"]))


def _took(runs: pd.DataFrame, taken_at: pd.Series) -> NDArray[np.float64]:
    """Seconds that each run took: from the event log, else at most until the first snapshot that shows it finished.

    Not known, NaN, where that snapshot ends a blind time, or where there is none.
    """
    started, finished = (microseconds_of(runs[name]) for name in ("started", "finished_by"))
    is_unknown = (started == _UNKNOWN) | (finished == _UNKNOWN) | np.isin(finished, _ends_of_blind_times(taken_at))
    at_most = np.where(is_unknown, np.nan, (finished - started) / 1e6)
    seconds = runs["seconds"].to_numpy(dtype=np.float64)
    return np.where(np.isnan(seconds), at_most, seconds)


def _pasts(runs: _Runs, begins: Moments, now: datetime) -> Iterator[Past]:
    """What finished runs say of each task, whose first run is at one of the places `begins`.

    Of all tasks at once: 100,000 tasks take 1.5 s, one after the other they took 5 s.
    """
    if not len(begins):
        return
    ends = np.append(begins[1:], len(runs.sign))
    place, task = np.arange(len(runs.sign)), np.repeat(np.arange(len(begins)), ends - begins)
    good, bad = runs.sign == GOOD, runs.sign == BAD
    last_good, last_bad = (np.maximum.reduceat(np.where(which, place, -1), begins) for which in (good, bad))
    bad_after_good, good_after_bad = bad & (place > last_good[task]), good & (place > last_bad[task])
    first_bad, first_good = (
        np.minimum.reduceat(np.where(which, place, len(place)), begins) for which in (bad_after_good, good_after_bad)
    )
    counted = (place >= ends[task] - 30) & ~np.isnan(runs.took)
    longest = np.maximum.reduceat(np.where(counted, runs.took, -np.inf), begins)
    longest[np.add.reduceat(counted, begins, dtype=np.int64) < 5] = -np.inf
    exact = np.maximum.reduceat(np.where(counted & runs.is_exact, runs.took, -np.inf), begins)
    bad_before = np.maximum.reduceat(np.where(bad & ~bad_after_good, place, -1), begins)
    yield from map(  # in the order of the fields
        Past,
        _moments(runs.started, last_good),
        np.add.reduceat(bad_after_good, begins, dtype=np.int64).tolist(),
        _moments(runs.started, first_bad),
        _moments(runs.started, first_good),
        bad[ends - 1].tolist(),
        _rates(runs, begins, now - timedelta(days=7)),
        _rates(runs, begins, now - timedelta(days=30)),
        (_turns(runs.sign, task, len(begins)) >= 3).tolist(),
        [timedelta(seconds=took) if took > -np.inf else None for took in longest.tolist()],
        _moments(runs.started, _same_code_since(runs.code, begins)),
        ((longest == exact) & (longest > -np.inf)).tolist(),
        _moments(runs.started, last_bad),
        _moments(runs.started, bad_before),
    )


def _same_code_since(code: Moments, begins: Moments) -> Moments:
    """The place of the first of the last runs of each task that ended with the same code."""
    differs = np.append(True, code[1:] != code[:-1])
    differs[begins] = True
    return np.maximum.reduceat(np.where(differs, np.arange(len(code)), -1), begins)


def _bad_weekdays(sign: Moments, started: Moments, now: datetime) -> tuple[int, ...]:
    """The weekdays (0 is Monday) of all bad runs of the last 60 days, where a pattern shows; () where none does.

    At least four bad runs on at most three weekdays, on which there was no good run.
    """
    recent = started > microseconds(now - timedelta(days=60))
    started, sign = started[recent], sign[recent]
    if np.count_nonzero(sign == BAD) < 4:
        return ()
    bad = set[int]()
    for at in started[sign == BAD].tolist():
        bad.add(_weekday(at, now))
        if len(bad) > 3:
            return ()
    good = {_weekday(at, now) for at in started[sign == GOOD].tolist()}
    return tuple(sorted(bad)) if good and not bad & good else ()


def _weekday(at: int, now: datetime) -> int:
    return moment_of(at, now.tzinfo or UTC).weekday()


def _moments(times: Moments, places: Moments) -> list[datetime | None]:
    """The times at these places; None where there is no such place, or no snapshot shows it."""
    known = np.append(times, _UNKNOWN)[np.minimum(places, len(times))].tolist()
    moments = {at: moment_of(at, UTC) for at in {*known} - {_UNKNOWN}}  # many tasks start at one time
    return [moments.get(at) for at in known]


def _rates(runs: _Runs, begins: Moments, since: datetime) -> list[Rate]:
    """The `Rate` of each task's runs after a moment."""
    clear = (runs.started > microseconds(since)) & (runs.sign != UNCLEAR)
    numbers, successes = (
        np.add.reduceat(which, begins, dtype=np.int64).tolist() for which in (clear, clear & (runs.sign == GOOD))
    )
    return list(map(_rate, numbers, successes))


@lru_cache(maxsize=4096)
def _rate(number: int, successes: int) -> Rate:
    return Rate(number, successes / number if number >= LEAST_RUNS else None)


def _turns(sign: Moments, task: Moments, tasks: int) -> Moments:
    """How often the outcome changed in the last ten clear runs of each task."""
    clear = np.flatnonzero(sign != UNCLEAR)
    sign, task = sign[clear], task[clear]
    left = np.searchsorted(task, task, side="right") - np.arange(len(task))  # runs of the task from here on
    turns = (task[1:] == task[:-1]) & (sign[1:] != sign[:-1]) & (left[:-1] <= 10)
    return np.bincount(task[1:][turns], minlength=tasks)


def _refused_since(refused: Sequence[tuple[datetime, str]], last_good: datetime | None) -> datetime | None:
    return next((at for at, _ in refused if not last_good or at > last_good), None)


def _last(changes: Sequence[tuple[datetime, str]], kind: str) -> datetime | None:
    return next((at for at, found in reversed(changes) if found == kind), None)


def _form_since(path: str, changes: Sequence[tuple[datetime, str]], history: History, server: str) -> datetime | None:
    """The last time that it was added, enabled, or given other triggers or settings."""
    for at, kind in reversed(changes):
        if kind in ("added", "enabled"):
            return at
        if kind == "changed":
            before, after = (
                history.definitions(moment, server).get(path) for moment in (at - timedelta(microseconds=1), at)
            )
            if not before or not after or (before.triggers, before.settings) != (after.triggers, after.settings):
                return at
    return None


def _moment(at: pd.Timestamp) -> datetime:
    return at.to_pydatetime().astimezone(UTC)


# When tasks were failing ----------------------------------------------------------------------------------------------


def failing_spells(
    runs: pd.DataFrame, events: pd.DataFrame, changes: pd.DataFrame, spans: pd.DataFrame
) -> pd.DataFrame:
    """The times in which a task was failing: `task_path`, `begin` and `until` (UTC), NaT where it still fails.

    A task fails from the start of the first failed run, or from a refused start, until a good run or until it is
    disabled or removed. The frames are those of `History`, of one server; `runs` have a column `sign`.

    >>> from taskanalysis.history import read_history
    >>> history = read_history("data", update=False)
    >>> signs = history.runs["outcome"].map({"succeeded": GOOD, "not started": BAD}).astype(float).fillna(UNCLEAR)
    >>> spells = failing_spells(history.runs.assign(sign=signs), history.events, history.changes, history.spans)
    >>> len(spells), failing_at(spells, pd.DatetimeIndex(["2026-11-08", "2026-11-23"], tz="UTC")).tolist()
    (10, [0, 10])
    """
    clear = runs.loc[runs["sign"] != UNCLEAR, ["task_path", "started", "sign"]]
    refused = events[events["kind"] == "start failed"]
    switched = changes[changes["kind"].isin(["disabled", "removed", "enabled", "added"])]
    first = spans.drop_duplicates("task_path").rename(columns={"first_seen": "at"})
    off_from_start = first[~first["enabled"].fillna(True).astype(bool)]
    marks = [
        clear.rename(columns={"started": "at"}),
        refused.assign(sign=BAD),
        switched.assign(off=switched["kind"].isin(["disabled", "removed"])),
        off_from_start.assign(off=True),
    ]
    columns = [mark.reindex(columns=["at", "sign", "off"]).astype(_MARK) for mark in marks]
    tasks = union_categoricals([mark["task_path"] for mark in marks], sort_categories=True)
    marked = pd.concat(columns, ignore_index=True).assign(task=tasks.codes)
    marked = marked.take(np.lexsort((microseconds_of(marked["at"]), marked["task"]))).reset_index(drop=True)
    by_task = marked.groupby("task")
    failing = (by_task["sign"].ffill() == BAD) & (by_task["off"].ffill() != 1)
    begins = failing & ~(failing.shift(fill_value=False) & (marked["task"].diff() == 0))
    until = marked["at"].mask(failing).groupby(marked["task"]).bfill()
    path = tasks.categories.astype("str")[marked["task"][begins]]
    return pd.DataFrame({"task_path": path, "begin": marked["at"][begins].array, "until": until[begins].array})


_MARK = {"at": "datetime64[us, UTC]", "sign": "float64", "off": "float64"}


def failing_at(spells: pd.DataFrame, moments: pd.DatetimeIndex) -> Moments:
    """How many tasks were failing at each of these aware moments."""
    begins, ends = (np.sort(microseconds_of(spells[name].dropna())) for name in ("begin", "until"))
    at = microseconds_of(moments)
    return np.searchsorted(begins, at, "right") - np.searchsorted(ends, at, "right")
