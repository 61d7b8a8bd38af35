r"""The history of each task up to a snapshot: since when, how often, how long; and when tasks were failing.

Unknown results count neither as success nor as failure: the `sign` of a run is `GOOD`, `BAD` or `UNCLEAR`.

>>> from taskanalysis.history import read_history
>>> from taskanalysis.snapshot import read_snapshot
>>> past = pasts(read_history("data", update=False), read_snapshot("data"))["\\OpenData\\Finance\\Checkbook"]
>>> past.failures, past.failing_since.isoformat()
(14, '2026-11-10T00:30:01+00:00')
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import union_categoricals

from taskanalysis.health.busy import EARLIER_RUNS, RunTimes, run_times
from taskanalysis.health.rules import NO_RULES, Rules
from taskanalysis.history import History, microseconds_of, read_history, task_slices
from taskanalysis.results import BAD_OUTCOMES, SETTLED
from taskanalysis.schedule import Moments, microseconds, moment_of
from taskanalysis.snapshot import STATUS_FIELDS, Snapshot, Status

GOOD, BAD, UNCLEAR = 1, -1, 0
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


@dataclass(frozen=True, slots=True)
class Past:
    """The history of one task; times are aware UTC, None where unknown.

    `form_since` is the first snapshot that shows it with its present triggers and enabled, None where that is the
    oldest; `shown_since` is the first that shows its last finished run; `failing_since` and `good_since` are starts of
    runs; `failures` counts those in a row; `longest` is how long the longest of the last 30 finished runs took at most,
    where five are known; `refused_since` is when starts began to fail after the last good run; `last_runs` are the
    last ones, finished or not (`busy`).
    """

    form_since: datetime | None = None
    disabled_since: datetime | None = None
    added_at: datetime | None = None
    last_success: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    good_since: datetime | None = None
    last_finished_failed: bool = False
    week: Rate = Rate()
    month: Rate = Rate()
    flapping: bool = False
    longest: timedelta | None = None
    refused_since: datetime | None = None
    shown_since: datetime | None = None
    last_runs: RunTimes | None = None


NO_PAST = Past()


class _Runs(NamedTuple):
    """Finished runs of one task in order of start; times in microseconds, `took` in seconds."""

    sign: Moments
    code: Moments
    started: Moments
    first_seen: Moments
    took: NDArray[Any]


_NONE = np.zeros(0, dtype=np.int64)
_NO_RUNS = _Runs(_NONE, _NONE, _NONE, _NONE, _NONE.astype(np.float64))


def known_history(snapshot: Snapshot, days: int = 0) -> History | None:
    """The history of the snapshot's server up to the snapshot, from the store as it is; None outside a share.

    It begins `days` before the snapshot, or earlier: verdicts need 100.
    """
    if not snapshot.manifest or not (snapshot.share / "snapshots").is_dir():
        return None
    since = snapshot.taken_at - max(LOOK_BACK, timedelta(days=min(days, MOST_DAYS)))
    return read_history(snapshot.share, server=snapshot.server, since=since, until=snapshot.taken_at, update=False)


def pasts(history: History, snapshot: Snapshot, rules: Rules = NO_RULES) -> dict[str, Past]:
    """The history of each task of the snapshot's server, by task path; `history` ends with the snapshot."""
    server = snapshot.server
    all_runs, taken_at = _of(history.runs, server), _of(history.coverage, server)["taken_at"]
    runs, times = _runs(all_runs, taken_at), known_runs(history, server)
    rows_of = task_slices(all_runs)
    changes, events = _of(history.changes, server), _of(history.events, server)
    redefined = _by_task(changes[changes["kind"] != "outcome"])
    refused = _by_task(events[events["kind"] == "start failed"])
    result = {}
    for path in sorted(snapshot.statuses.keys() | rows_of.keys()):
        own = runs.get(path, _NO_RUNS)
        if ok_codes := rules.of(server, path).ok_codes:
            own = own._replace(sign=np.where(np.isin(own.code, list(ok_codes)), GOOD, own.sign))
        past = _past(own, refused.get(path), snapshot.taken_at)
        if path in rows_of:
            last = slice(max(rows_of[path].start, rows_of[path].stop - EARLIER_RUNS - 1), rows_of[path].stop)
            past = replace(past, last_runs=times.part(last))
        if path in redefined:
            form_since = _form_since(path, redefined[path], history, server)
            disabled, added = (_last(redefined[path], kind) for kind in ("disabled", "added"))
            past = replace(past, form_since=form_since, disabled_since=disabled, added_at=added)
        result[path] = past
    return result


def hidden_tasks(history: History, snapshot: Snapshot) -> list[tuple[Status, datetime]]:
    """Tasks that earlier snapshots show and this one does not, without proof that they were removed.

    Each is the last status that was seen of it, and when that was (aware UTC).
    """
    spans, changes = _of(history.spans, snapshot.server), _of(history.changes, snapshot.server)
    last = spans.sort_values("last_seen").drop_duplicates("task_path", keep="last").astype({"task_path": "str"})
    changes = changes[changes["kind"] == "removed"]
    removed = changes["at"].groupby(changes["task_path"].astype("str")).max()
    gone = (removed.reindex(last["task_path"]) > last["last_seen"].to_numpy()).to_numpy()
    hidden = last[~gone & ~last["task_path"].isin(list(snapshot.statuses))].sort_values("task_path")
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
    return _blind_times(history.coverage["taken_at"])


def _blind_times(taken_at: pd.Series) -> list[tuple[datetime, datetime]]:
    times = microseconds_of(taken_at)
    ends = np.flatnonzero(np.diff(times) > longest_gap(times)) + 1
    return [(moment_of(int(times[end - 1]), UTC), moment_of(int(times[end]), UTC)) for end in ends]


# One task -------------------------------------------------------------------------------------------------------------


def _of(frame: pd.DataFrame, server: str) -> pd.DataFrame:
    return frame[frame["server"] == server]


def _by_task(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {str(path): group for path, group in frame.groupby("task_path", observed=True)}


def _runs(runs: pd.DataFrame, taken_at: pd.Series) -> dict[str, _Runs]:
    """The finished runs of each task, by task path; `runs` are in order of task and start."""
    runs = runs[runs["code"].notna()]
    if runs.empty:
        return {}
    bad = runs["outcome"].isin(BAD_OUTCOMES) & runs["certainty"].isin(SETTLED)
    columns = _Runs(
        np.select([runs["outcome"] == "succeeded", bad], [GOOD, BAD], UNCLEAR),
        runs["code"].to_numpy(dtype=np.int64),
        microseconds_of(runs["started"]),
        microseconds_of(runs["first_seen"]),
        _took(runs, taken_at).to_numpy(dtype=np.float64),
    )
    return {path: _Runs._make(column[rows] for column in columns) for path, rows in task_slices(runs).items()}


def known_runs(history: History, server: str) -> RunTimes:
    """The times of the runs of a server, in the order of `History.runs`."""
    ends = [end for _, end in _blind_times(_of(history.coverage, server)["taken_at"])]
    return run_times(_of(history.runs, server), _of(history.spans, server), pd.DatetimeIndex(ends))


def _took(runs: pd.DataFrame, taken_at: pd.Series) -> pd.Series[float]:
    """Seconds that each run took: from the event log, else at most until the first snapshot that shows it finished.

    Not known where that snapshot ends a blind time.
    """
    at_most = (runs["finished_by"] - runs["started"]).dt.total_seconds()
    ends = [end for _, end in _blind_times(taken_at)]
    return runs["seconds"].fillna(at_most.mask(runs["finished_by"].isin(ends)))


def _past(runs: _Runs, refused: pd.DataFrame | None, now: datetime) -> Past:
    sign = runs.sign
    good, bad = np.flatnonzero(sign == GOOD), np.flatnonzero(sign == BAD)
    bad_after_good = bad[bad > good[-1]] if len(good) else bad
    good_after_bad = good[good > bad[-1]] if len(bad) else good
    last_good = _first(runs.started, good[-1:])
    later = refused[refused["at"] > last_good] if refused is not None and last_good else refused
    took = runs.took[-30:][~np.isnan(runs.took[-30:])]
    week, month = (Rate.of(sign[runs.started > microseconds(now - timedelta(days=days))]) for days in (7, 30))
    return Past(
        last_success=last_good,
        failures=len(bad_after_good),
        failing_since=_first(runs.started, bad_after_good),
        good_since=_first(runs.started, good_after_bad),
        last_finished_failed=bool(len(sign) and sign[-1] == BAD),
        week=week,
        month=month,
        flapping=int(np.count_nonzero(np.diff(sign[sign != UNCLEAR][-10:]))) >= 3,
        longest=timedelta(seconds=float(took.max())) if len(took) >= 5 else None,
        refused_since=_moment(later["at"].iloc[0]) if later is not None and len(later) else None,
        shown_since=_first(runs.first_seen, np.arange(len(sign))[-1:]),
    )


def _first(times: Moments, places: Moments) -> datetime | None:
    """The time at the first of these places; None where there is none, or no snapshot shows it."""
    at = int(times[places[0]]) if len(places) else _UNKNOWN
    return moment_of(at, UTC) if at != _UNKNOWN else None


def _last(changes: pd.DataFrame, kind: str) -> datetime | None:
    times = changes.loc[changes["kind"] == kind, "at"]
    return _moment(times.max()) if len(times) else None


def _form_since(path: str, changes: pd.DataFrame, history: History, server: str) -> datetime | None:
    """The last time that it was added, enabled, or given other triggers or settings."""
    relevant = changes[changes["kind"].isin(["added", "enabled", "changed"])].sort_values("at", ascending=False)
    for at, kind in zip(map(_moment, relevant["at"]), relevant["kind"], strict=True):
        if kind != "changed":
            return at
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
    (9, [0, 9])
    """
    refused = events[events["kind"] == "start failed"]
    switched = changes[changes["kind"].isin(["disabled", "removed", "enabled", "added"])]
    first = spans.drop_duplicates("task_path").rename(columns={"first_seen": "at"})
    off_from_start = first[~first["enabled"].fillna(True).astype(bool)]
    marks = [
        runs[runs["sign"] != UNCLEAR].rename(columns={"started": "at"}),
        refused.assign(sign=BAD),
        switched.assign(off=switched["kind"].isin(["disabled", "removed"])),
        off_from_start.assign(off=True),
    ]
    columns = [mark.reindex(columns=["at", "sign", "off"]).astype(_MARK) for mark in marks]
    tasks = union_categoricals([mark["task_path"] for mark in marks], sort_categories=True)
    marked = pd.concat(columns, ignore_index=True).assign(task=tasks.codes)
    marked = marked.sort_values(["task", "at"], kind="stable", ignore_index=True)
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
