r"""Expected starts after a snapshot, in the server's zone: by hour, by weekday, and at the same minute.

Without a zone there are none. The other functions take the frame of `expected_starts`.

>>> from taskanalysis.snapshot import read_snapshot
>>> starts = expected_starts(read_snapshot("tests/files/folder", zone="Europe/London"))
>>> starts["task_path"].unique().tolist(), len(starts)
(['\\OpenData\\Load', '\\OpenData\\Permits\\Nightly'], 14)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd

from taskanalysis.definition import DayOfWeek, Duration, TaskDefinition, weekdays
from taskanalysis.health import Due
from taskanalysis.report.display import Html, Look, trigger_words
from taskanalysis.schedule import slot_arrays, unscheduled
from taskanalysis.snapshot import Snapshot
from taskanalysis.text import count, listed, mask

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
MOST_TIMES = 24
"""Starts of one task that are listed; of one that starts more often, the first and their number."""
MOST_TIMES_NAMED = 4
MOST_LINES = 60
"""Tasks of the timeline; of further ones their number."""
LEAST_AT_ONCE = 3
HOURS = 24


def expected_starts(snapshot: Snapshot, folder: str = "") -> pd.DataFrame:
    """The starts of the week after the snapshot: `task_path`, `start` (in the server's zone), `judged`."""
    tasks = snapshot.within(folder) if snapshot.zone else {}
    end = snapshot.taken_at + 7 * DAY + timedelta(microseconds=1)
    starts = starts_of(tasks, snapshot.taken_at, end, snapshot.zone)
    return starts[starts["start"] > snapshot.taken_at].reset_index(drop=True)


def starts_of(tasks: Mapping[str, TaskDefinition], begin: datetime, end: datetime, zone: str) -> pd.DataFrame:
    """The starts of tasks, by path, from `begin` to before `end` (aware), in order: as `expected_starts`."""
    slots = {path: slot_arrays(task, begin, end, tz=zone) for path, task in tasks.items()}
    paths = np.repeat(np.array(list(slots), dtype=object), [len(arrays.time) for arrays in slots.values()])
    times = np.concatenate([np.zeros(0, dtype="datetime64[us]"), *(arrays.time for arrays in slots.values())])
    judged = np.concatenate([np.zeros(0, dtype=bool), *(arrays.judged for arrays in slots.values())])
    start = pd.DatetimeIndex(times, tz="UTC").tz_convert(zone or "UTC")
    starts = pd.DataFrame({"task_path": paths, "start": start, "judged": judged})
    return starts.sort_values("start", kind="stable", ignore_index=True)


def next_runs(snapshot: Snapshot, starts: pd.DataFrame, most: int = MOST_TIMES) -> dict[str, list[datetime | str]]:
    """The starts of each task in the 24 hours after the snapshot; of more than `most`, how many more."""
    runs: dict[str, list[datetime | str]] = {}
    for path, times in starts[starts["start"] <= _day_later(snapshot)].groupby("task_path")["start"]:
        shown: list[datetime | str] = [time.to_pydatetime() for time in times.head(most)]
        more = len(times) - len(shown)
        runs[str(path)] = shown + ([f"and {more:,} more"] if more else [])
    return runs


def _day_later(snapshot: Snapshot) -> datetime:
    """24 hours later, which is another time of day where the clocks change."""
    return (snapshot.taken_at + DAY).astimezone(snapshot.local_time.tzinfo)


def timeline(snapshot: Snapshot, starts: pd.DataFrame, look: Look) -> Html:
    """The starts of the 24 hours after the snapshot, a line a task, the first one first; frequent tasks as one band."""
    if not snapshot.zone:
        return Html('<p class="empty">No start can be computed: the server\'s zone is not known.</p>')
    soon = starts[starts["start"] <= _day_later(snapshot)]
    if soon.empty:
        return Html('<p class="empty">No start in the 24 hours after the snapshot.</p>')
    times = {str(path): list(group) for path, group in soon.groupby("task_path", sort=False)["start"]}
    often = [path for path, found in times.items() if len(found) >= HOURS]
    single = [path for path in times if path not in often]
    lines = [_axis(snapshot)]
    if often:
        names = ", ".join(look.task(mask(path)) for path in often)
        title = f"{count(len(often), 'task')}, every hour or more often"
        mark = '<rect class="often" width="100%" height="10"/>'
        band = f'<svg class="day" height="14" role="img" aria-label="all day">{mark}</svg>'
        lines.append(
            f'<tr><th scope="row"><details><summary>{title}</summary>{names}</details></th><td>{band}</td></tr>'
        )
    lines += [
        f'<tr><th scope="row">{look.task(mask(path))}</th><td>{_line(snapshot, times[path])}</td></tr>'
        for path in single[:MOST_LINES]
    ]
    more = (
        f"<p>And {count(len(single) - MOST_LINES, 'more task')}, in inventory.csv.</p>"
        if len(single) > MOST_LINES
        else ""
    )
    words = "\n".join(f"{mask(path)}: {_said(times[path])}" for path in single)
    return Html(f'<div class="timeline"><table><tbody>{"".join(lines)}</tbody></table>{more}</div>', words)


def _axis(snapshot: Snapshot) -> str:
    """The first line: the hours that are multiples of three."""
    first = pd.Timestamp(snapshot.local_time).ceil("h", ambiguous=True, nonexistent="shift_forward")
    hours = [hour for hour in pd.date_range(first, _day_later(snapshot), freq="h") if hour.hour % 3 == 0]
    labels = "".join(
        f'<text{" class=odd" if turn % 2 else ""} x="{_place(snapshot, hour):.1f}%" y="11">{hour:%H:%M}</text>'
        for turn, hour in enumerate(hours)
        if _place(snapshot, hour) < 96
    )
    return (
        f'<tr><td class="soft">Starts</td><td><svg class="day" height="14" aria-hidden="true">{labels}</svg></td></tr>'
    )


def _line(snapshot: Snapshot, times: list[pd.Timestamp]) -> str:
    marks = "".join(
        f'<rect x="{_place(snapshot, time):.1f}%" width="4" height="10"><title>{time:%H:%M}</title></rect>'
        for time in times
    )
    return f'<svg class="day" height="14" role="img" aria-label="{_said(times)}">{marks}</svg>'


def _said(times: list[pd.Timestamp]) -> str:
    return listed([f"{time:%H:%M}" for time in times], most=MOST_TIMES)


def _place(snapshot: Snapshot, time: pd.Timestamp) -> float:
    """Where a time stands on the axis, in per cent."""
    return 100 * (time.to_pydatetime() - snapshot.taken_at).total_seconds() / DAY.total_seconds()


def _floored(starts: pd.Series, unit: str) -> pd.Series:
    """Rounded down in UTC, since the hour that autumn repeats is two."""
    floored: pd.Series = starts.dt.tz_convert("UTC").dt.floor(unit).dt.tz_convert(starts.dt.tz)
    return floored


def collisions(starts: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of ``COLUMNS["collisions"]``: groups of tasks that start in the same minute, the largest first."""
    minutes = starts.assign(start=_floored(starts["start"], "min")).drop_duplicates(["task_path", "start"])
    crowded = minutes[minutes.groupby("start")["task_path"].transform("size") >= LEAST_AT_ONCE]
    groups: dict[tuple[str, ...], list[pd.Timestamp]] = {}
    crowded = crowded.sort_values("start", kind="stable")
    for start, group in groupby(zip(crowded["start"], crowded["task_path"], strict=True), itemgetter(0)):
        groups.setdefault(tuple(path for _, path in group), []).append(start)
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
        words = {trigger_words(kind) for task in waiting for kind in unscheduled(task).values()}
        kinds = listed(sorted(f"{each[0].lower()}{each[1:]}" for each in words))
        starting = count(len(waiting), "task")
        lines.append(f"{starting} can also start at times that no schedule gives ({kinds}).")
    doubtful = count(int((~starts["judged"]).sum()), "start")
    if not starts["judged"].all():
        lines.append(f"{doubtful} in the week after the snapshot may be at another time, as when the clocks change.")
    return lines


def _pause(snapshot: Snapshot, soon: pd.DataFrame) -> str:
    edges = [snapshot.local_time, *soon["start"].tolist(), _day_later(snapshot)]
    pause, since = max(((after - before, before) for before, after in pairwise(edges)), key=lambda gap: gap[0])
    return f"{Duration(delta=pause // MINUTE * MINUTE).words()}, from {since:%Y-%m-%d %H:%M} on"
