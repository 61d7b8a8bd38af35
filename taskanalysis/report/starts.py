r"""Expected starts after a snapshot, in the server's zone: by hour, by weekday, and at the same minute.

Without a zone there are none. The other functions take the frame of `expected_starts`.

>>> from taskanalysis.snapshot import read_snapshot
>>> starts = expected_starts(read_snapshot("tests/files/folder", zone="Europe/London"))
>>> starts["task_path"].unique().tolist(), len(starts)
(['\\OpenData\\Load', '\\OpenData\\Permits\\Nightly'], 14)
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from taskanalysis.definition import DayOfWeek, Duration, weekdays
from taskanalysis.health import Due
from taskanalysis.schedule import slot_arrays, unscheduled
from taskanalysis.snapshot import Snapshot
from taskanalysis.text import count, listed

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
MOST_TIMES = 24
"""Starts of one task that are listed; of one that starts more often, the first and their number."""
MOST_TIMES_NAMED = 4
LEAST_AT_ONCE = 3
HOURS = 24


def expected_starts(snapshot: Snapshot, folder: str = "") -> pd.DataFrame:
    """The starts of the week after the snapshot: `task_path`, `start` (in the server's zone), `judged`."""
    tasks = snapshot.within(folder) if snapshot.zone else {}
    end = snapshot.taken_at + 7 * DAY + timedelta(microseconds=1)
    slots = {path: slot_arrays(task, snapshot.taken_at, end, tz=snapshot.zone) for path, task in tasks.items()}
    paths = np.repeat(np.array(list(slots), dtype=object), [len(arrays.time) for arrays in slots.values()])
    times = np.concatenate([np.zeros(0, dtype="datetime64[us]"), *(arrays.time for arrays in slots.values())])
    judged = np.concatenate([np.zeros(0, dtype=bool), *(arrays.judged for arrays in slots.values())])
    start = pd.DatetimeIndex(times, tz="UTC").tz_convert(snapshot.zone or "UTC")
    starts = pd.DataFrame({"task_path": paths, "start": start, "judged": judged})
    return starts[starts["start"] > snapshot.taken_at].sort_values("start", kind="stable", ignore_index=True)


def next_runs(snapshot: Snapshot, starts: pd.DataFrame) -> dict[str, list[datetime | str]]:
    """The starts of each task in the 24 hours after the snapshot; of many, the first ones and how many more."""
    runs: dict[str, list[datetime | str]] = {}
    for path, times in starts[starts["start"] <= _day_later(snapshot)].groupby("task_path")["start"]:
        shown: list[datetime | str] = [time.to_pydatetime() for time in times.head(MOST_TIMES)]
        more = len(times) - len(shown)
        runs[str(path)] = shown + ([f"and {more:,} more"] if more else [])
    return runs


def coming(snapshot: Snapshot, starts: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of ``COLUMNS["coming"]``: the hours of the 24 hours after the snapshot."""
    if not snapshot.zone:
        return []
    until = _day_later(snapshot)
    soon = starts[starts["start"] <= until]
    first = pd.Timestamp(snapshot.taken_at).floor("h").tz_convert(snapshot.zone)
    by_hour = dict(iter(soon.groupby(_floored(soon["start"], "h"))))
    hours = pd.date_range(first, until, freq="h")
    return [_hour_row(hour, by_hour.get(hour, soon.head(0))) for hour in hours]


def _day_later(snapshot: Snapshot) -> datetime:
    """24 hours later, which is another time of day where the clocks change."""
    return (snapshot.taken_at + DAY).astimezone(snapshot.local_time.tzinfo)


def _floored(starts: pd.Series, unit: str) -> pd.Series:
    """Rounded down in UTC, since the hour that autumn repeats is two."""
    floored: pd.Series = starts.dt.tz_convert("UTC").dt.floor(unit).dt.tz_convert(starts.dt.tz)
    return floored


def _hour_row(hour: pd.Timestamp, group: pd.DataFrame) -> dict[str, Any]:
    times = sorted(group.groupby("task_path", sort=False)["start"], key=lambda item: len(item[1]) > MOST_TIMES_NAMED)
    which = [f"{path} {_at(starts)}" for path, starts in times]
    return {"hour": hour.to_pydatetime(), "starts": len(group), "tasks": len(which), "which": which}


def _at(starts: pd.Series) -> str:
    times = list(dict.fromkeys(f"{start:%H:%M}" for start in starts))
    if len(times) > MOST_TIMES_NAMED:
        return f"from {times[0]} to {times[-1]}, {len(starts)} times"
    return f"at {listed(times)}"


def week_grid(starts: pd.DataFrame) -> pd.DataFrame:
    """Starts by hour (index 0..23, local time) and weekday (columns, Monday first), of the week that follows."""
    grid = np.zeros((24, 7), dtype=np.int64)
    np.add.at(grid, (starts["start"].dt.hour.to_numpy(), starts["start"].dt.day_of_week.to_numpy()), 1)
    return pd.DataFrame(grid, columns=[day.name for day in DayOfWeek])


def collisions(starts: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of ``COLUMNS["collisions"]``: groups of tasks that start in the same minute, the largest first."""
    minutes = starts.assign(start=_floored(starts["start"], "min")).drop_duplicates(["task_path", "start"])
    crowded = minutes[minutes.groupby("start")["task_path"].transform("size") >= LEAST_AT_ONCE]
    groups: dict[tuple[str, ...], list[pd.Timestamp]] = {}
    for start, group in crowded.groupby("start"):
        groups.setdefault(tuple(group["task_path"]), []).append(pd.Timestamp(start))  # type: ignore[arg-type]
    rows: list[dict[str, Any]] = [
        {"tasks": len(paths), "which": list(paths), "starts": len(times), "when": _when(times)}
        for paths, times in groups.items()
    ]
    return sorted(rows, key=lambda row: (-row["tasks"], row["starts"]))


def _when(times: list[pd.Timestamp]) -> str:
    """Days and times of day, of many times the first ones.

    >>> _when([pd.Timestamp("2026-11-23 06:00"), pd.Timestamp("2026-11-24 06:00")])
    'Monday and Tuesday, at 06:00'
    """
    days = weekdays(sorted({DayOfWeek(time.weekday()) for time in times}))
    of_day = sorted({f"{time:%H:%M}" for time in times})
    more = [f"{len(of_day) - MOST_TIMES_NAMED} other times of day"] if len(of_day) > MOST_TIMES_NAMED else []
    return f"{days}, at {listed(of_day[:MOST_TIMES_NAMED] + more)}"


def differences(snapshot: Snapshot, folder: str = "") -> Iterator[dict[str, Any]]:
    """Rows of ``COLUMNS["differences"]``: tasks whose next start by Windows differs from that of their definition."""
    for path, task in snapshot.within(folder).items():
        status = snapshot.statuses.get(path)
        other = Due(status, snapshot, task).differing if status else None
        if other:
            yield {
                "server": snapshot.server,
                "task_path": path,
                "next_run": other.windows or "never",
                "expected_next": other.ours or "never",
                "why": other.why,
            }


def starts_answer(snapshot: Snapshot, starts: pd.DataFrame, folder: str = "") -> list[str]:
    """How much starts in the next 24 hours, when nothing does, and what has no schedule."""
    if not snapshot.zone:
        return ["The server's zone is not known, so no start can be computed: --zone gives one."]
    soon = starts[starts["start"] <= _day_later(snapshot)]
    number = soon["task_path"].nunique()
    lines = [f"{count(len(soon), 'start')} of {count(number, 'task')} in the 24 hours after the snapshot."]
    if len(soon):
        lines.append(f"The longest time without a start is {_pause(snapshot, soon)}.")
    often = soon.groupby("task_path")["start"].transform("size") >= HOURS
    if often.any() and not often.all():
        frequent = count(soon.loc[often, "task_path"].nunique(), "task")
        lines.append(
            f"Apart from {frequent} starting every hour or more often, it is {_pause(snapshot, soon[~often])}."
        )
    waiting = [task for task in snapshot.within(folder).values() if task.settings.enabled and unscheduled(task)]
    if waiting:
        kinds = listed(sorted({kind for task in waiting for kind in unscheduled(task).values()}))
        starting = count(len(waiting), "task")
        lines.append(f"{starting} can also start at times that no schedule gives ({kinds}).")
    doubtful = count(int((~starts["judged"]).sum()), "start")
    if not starts["judged"].all():
        lines.append(f"{doubtful} in the week after the snapshot may be at another time, as when the clocks change.")
    return lines


def _pause(snapshot: Snapshot, soon: pd.DataFrame) -> str:
    edges = [snapshot.local_time, *soon["start"].tolist(), _day_later(snapshot)]
    pause, since = max(((after - before, before) for before, after in pairwise(edges)), key=lambda gap: gap[0])
    return f"{Duration(delta=pause // MINUTE * MINUTE).words()}, from {since:%A %H:%M} on"
