r"""What the history says of each task until the moment of a snapshot: since when, how often, how long.

Unknown results are counted neither as success nor as failure. Where the history begins inside, "since" is "at least
since", which `Past.begins_inside` tells.

>>> from taskanalysis.history import read_history
>>> from taskanalysis.snapshot import read_snapshot
>>> past = pasts(read_history("data", update=False), read_snapshot("data"))["\\OpenData\\Finance\\Checkbook"]
>>> past.failures, past.failing_since.isoformat(), past.begins_inside
(14, '2026-11-10T00:30:01+00:00', False)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taskanalysis.health.rules import NO_RULES, Rules
from taskanalysis.history import History, microseconds_of, read_history, task_slices
from taskanalysis.schedule import Moments, microseconds, moment_of
from taskanalysis.snapshot import Snapshot

__all__ = ["NO_PAST", "Past", "Rate", "blind_times", "hidden_tasks", "known_history", "pasts"]

LOOK_BACK = timedelta(days=100)
LEAST_RUNS = 3
"""A rate that rests on fewer runs says nothing."""
_GOOD, _BAD, _UNCLEAR = 1, -1, 0
_UNKNOWN = np.iinfo(np.int64).min  # as a time that is missing is kept


@dataclass(frozen=True, slots=True)
class Rate:
    """How many finished runs of known outcome were seen in some days, and what part of them succeeded."""

    runs: int = 0
    success: float | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """The past of one task; times are aware UTC, None where nothing is known.

    `form_since` is the first snapshot that shows it with its present triggers and enabled, None where that is the
    oldest; `shown_since` is the first that shows its last finished run; `failing_since` and `good_since` are starts of
    runs; `failures` counts those in a row; `longest` is how long the longest of the last 30 finished runs took at most,
    where five are known; `refused_since` is when starts began to fail after the last good run.
    """

    form_since: datetime | None = None
    disabled_since: datetime | None = None
    added_at: datetime | None = None
    last_success: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    good_since: datetime | None = None
    begins_inside: bool = False
    last_finished_failed: bool = False
    week: Rate = Rate()
    month: Rate = Rate()
    flapping: bool = False
    longest: timedelta | None = None
    refused_since: datetime | None = None
    shown_since: datetime | None = None


NO_PAST = Past()
_NONE = np.zeros(0, dtype=np.int64)


class _Ran(NamedTuple):
    """Finished runs of one task in the order of their start; times in microseconds, `took` in seconds."""

    sign: Moments
    code: Moments
    started: Moments
    first_seen: Moments
    took: NDArray[Any]


def pasts(history: History, snapshot: Snapshot, rules: Rules = NO_RULES) -> dict[str, Past]:
    """The past of each task of the snapshot's server, by task path; `history` ends with the snapshot."""
    server = snapshot.server
    ran = _ran(_of(history.runs, server), _of(history.coverage, server)["taken_at"])
    changes, events = _of(history.changes, server), _of(history.events, server)
    redefined = _by_task(changes[changes["kind"] != "outcome"])
    refused = _by_task(events[events["kind"] == "start failed"])
    found = {}
    for path in sorted(snapshot.statuses.keys() | ran.keys()):
        mine = ran.get(path, _NOTHING)
        ok_codes = rules.of(server, path).ok_codes
        if ok_codes:
            mine = mine._replace(sign=np.where(np.isin(mine.code, list(ok_codes)), _GOOD, mine.sign))
        past = _past(mine, refused.get(path), snapshot.taken_at)
        if path in redefined:
            told = redefined[path]
            form_since = _form_since(path, told, history, server)
            disabled, added = (_last(told, kind) for kind in ("disabled", "added"))
            past = replace(past, form_since=form_since, disabled_since=disabled, added_at=added)
        found[path] = past
    return found


_NOTHING = _Ran(_NONE, _NONE, _NONE, _NONE, _NONE.astype(np.float64))


def _by_task(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {str(path): group for path, group in frame.groupby("task_path", observed=True)}


def _ran(runs: pd.DataFrame, times: pd.Series) -> dict[str, _Ran]:
    """The finished runs of each task, by task path; `runs` are in the order of task and start."""
    runs = runs[runs["code"].notna()]
    if runs.empty:
        return {}
    columns = _Ran(
        np.select([runs["outcome"] == "succeeded", _is_bad(runs)], [_GOOD, _BAD], _UNCLEAR),
        runs["code"].to_numpy(dtype=np.int64),
        microseconds_of(runs["started"]),
        microseconds_of(runs["first_seen"]),
        _took(runs, times).to_numpy(dtype=np.float64),
    )
    return {path: _Ran._make(column[rows] for column in columns) for path, rows in task_slices(runs).items()}


def known_history(snapshot: Snapshot) -> History | None:
    """The history of the snapshot's server until the snapshot, where it lies in a share; it is read, not renewed."""
    if not snapshot.manifest or not (snapshot.share / "snapshots").is_dir():
        return None
    since = snapshot.taken_at - LOOK_BACK
    return read_history(snapshot.share, server=snapshot.server, since=since, until=snapshot.taken_at, update=False)


def blind_times(history: History) -> list[tuple[datetime, datetime]]:
    """Times without the usual snapshots of a server: the last before and the first after each; for a history of one."""
    times = history.coverage["taken_at"]
    gaps = times.diff()
    ends = gaps > 1.5 * gaps.median()
    return [(_moment(end - gap), _moment(end)) for end, gap in zip(times[ends], gaps[ends], strict=True)]


def hidden_tasks(history: History, snapshot: Snapshot) -> list[str]:
    """Tasks that earlier snapshots show and this one does not, without proof that they were removed."""
    spans, changes = _of(history.spans, snapshot.server), _of(history.changes, snapshot.server)
    seen = spans.groupby("task_path", observed=True)["last_seen"].max()
    removed = changes[changes["kind"] == "removed"].groupby("task_path", observed=True)["at"].max()
    gone = {str(path): at for path, at in removed.items()}
    known = ((str(path), at) for path, at in seen.items())
    return sorted(
        path for path, at in known if path not in snapshot.statuses and not (path in gone and gone[path] > at)
    )


def _of(frame: pd.DataFrame, server: str) -> pd.DataFrame:
    return frame[frame["server"] == server]


def _is_bad(runs: pd.DataFrame) -> pd.Series[bool]:
    bad = runs["outcome"].isin(["failed", "stopped", "not started"])
    return bad & runs["certainty"].isin(["certain", "likely"])


def _took(runs: pd.DataFrame, times: pd.Series) -> pd.Series[float]:
    """Seconds that each run took: as the event log tells, else at most until a snapshot shows it finished.

    Not known where the usual snapshots were lacking before that one.
    """
    at_most = (runs["finished_by"] - runs["started"]).dt.total_seconds()
    gaps = times.diff().set_axis(times)
    usual = gaps.median()
    return runs["seconds"].fillna(at_most.where(~(runs["finished_by"].map(gaps) > 1.5 * usual)))


def _past(ran: _Ran, refused: pd.DataFrame | None, now: datetime) -> Past:
    sign = ran.sign
    good, bad = np.flatnonzero(sign == _GOOD), np.flatnonzero(sign == _BAD)
    bad_after_good = bad[bad > good[-1]] if len(good) else bad
    good_after_bad = good[good > bad[-1]] if len(bad) else good
    last_good = _first(ran.started, good[-1:])
    later = refused[refused["at"] > last_good] if refused is not None and last_good else refused
    took = ran.took[-30:][~np.isnan(ran.took[-30:])]
    return Past(
        last_success=last_good,
        failures=len(bad_after_good),
        failing_since=_first(ran.started, bad_after_good),
        good_since=_first(ran.started, good_after_bad),
        begins_inside=not len(good) or not len(bad),
        last_finished_failed=bool(len(sign) and sign[-1] == _BAD),
        week=_rate(ran, now, 7),
        month=_rate(ran, now, 30),
        flapping=int(np.count_nonzero(np.diff(sign[sign != _UNCLEAR][-10:]))) >= 3,
        longest=timedelta(seconds=float(took.max())) if len(took) >= 5 else None,
        refused_since=_moment(later["at"].iloc[0]) if later is not None and len(later) else None,
        shown_since=_first(ran.first_seen, np.arange(len(sign))[-1:]),
    )


def _first(times: Moments, places: Moments) -> datetime | None:
    """The time at the first of these places; None where there is none, or no snapshot shows it."""
    at = int(times[places[0]]) if len(places) else _UNKNOWN
    return moment_of(at, UTC) if at != _UNKNOWN else None


def _rate(ran: _Ran, now: datetime, days: int) -> Rate:
    recent = ran.sign[ran.started > microseconds(now - timedelta(days=days))]
    known = recent[recent != _UNCLEAR]
    enough = len(known) >= LEAST_RUNS
    return Rate(len(known), float(np.mean(known == _GOOD)) if enough else None)


def _last(changes: pd.DataFrame, kind: str) -> datetime | None:
    those = changes.loc[changes["kind"] == kind, "at"]
    return _moment(those.max()) if len(those) else None


def _form_since(path: str, changes: pd.DataFrame, history: History, server: str) -> datetime | None:
    """The last time that it was added, enabled, or given other triggers or another time to wait."""
    relevant = changes[changes["kind"].isin(["added", "enabled", "changed"])].sort_values("at", ascending=False)
    for at, kind in zip(relevant["at"], relevant["kind"], strict=True):
        moment = at.to_pydatetime()
        if kind != "changed":
            return _moment(at)
        before, after = (
            history.definitions(each, server).get(path) for each in (moment - timedelta(microseconds=1), moment)
        )
        if not before or not after or (before.triggers, before.settings) != (after.triggers, after.settings):
            return _moment(at)
    return None


def _moment(at: pd.Timestamp) -> datetime:
    return at.to_pydatetime().astimezone(UTC)
