r"""The tables of the trends report: weeks, worst tasks, changes, expected starts, durations, hours.

Times are in the server's zone. All text here is masked, because all of it is shown.

>>> from taskanalysis.health import known_history
>>> from taskanalysis.snapshot import read_snapshot
>>> snapshot = read_snapshot("data")
>>> worst(Window(snapshot, history=known_history(snapshot)))["task_path"].iloc[0]
'\\OpenData\\Transit\\Bus stops'
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from taskanalysis.health import BAD, FATES, LEAST_RUNS, UNCLEAR
from taskanalysis.report.columns import frame
from taskanalysis.report.page import change_rows
from taskanalysis.report.window import ENDINGS, Window, known_at
from taskanalysis.results import BAD_OUTCOMES

LASTING = 3
"""Consecutive failed runs; fewer are a turn that is in the CSV file alone."""


def weeks(window: Window) -> pd.DataFrame:
    """The weeks (from Monday) of the window, the newest first, with the columns of ``COLUMNS["weeks"]``."""
    days = window.by_day.head(0) if window.unknown_endings else window.by_day
    weeks = days[[*ENDINGS, "blind"]].groupby(_monday(days.index.to_series())).sum()
    days_of_missed = window.missed_starts["day"]
    missed = days_of_missed.groupby(_monday(days_of_missed)).size().reindex(weeks.index, fill_value=0).astype("Int64")
    missed = missed.mask(pd.Series(bool(window.unknown_starts), index=weeks.index))
    runs = weeks[["succeeded", *BAD_OUTCOMES]].sum(axis=1)
    rate = _rates(weeks["succeeded"], runs)
    names = {name: name.replace(" ", "_") for name in ENDINGS} | {"blind": "blind_days"}
    weeks = weeks.rename(columns=names).assign(runs=runs, success_rate=rate, missed=missed)
    weeks = weeks.assign(week=[f"{monday:%Y-%m-%d}" for monday in weeks.index])
    return frame("weeks", weeks[::-1].to_dict("records"))


def worst(window: Window) -> pd.DataFrame:
    """The tasks with a bad run or a missed start, with the columns of ``COLUMNS["worst"]``.

    The one with most bad days comes first, then the one with most bad runs, with most missed starts.
    """
    runs = window.runs[["task_path", "day", "sign"]]
    bad, clear = runs[runs["sign"] == BAD], runs[runs["sign"] != UNCLEAR]
    sums: dict[str, pd.Series] = {
        "bad_days": bad.groupby("task_path", observed=True)["day"].nunique(),
        "bad_runs": bad["task_path"].value_counts(sort=False),
        "runs": clear["task_path"].value_counts(sort=False),
        "missed": window.missed_starts["task_path"].value_counts(sort=False),
    }
    # as texts: pandas can't align categories of which one column has less than 128 and another has more
    texts = {name: column.set_axis(column.index.astype("str")) for name, column in sums.items()}
    by_task = pd.DataFrame(texts).fillna(0)
    by_task = by_task.astype(np.int64)[(by_task["bad_runs"] > 0) | (by_task["missed"] > 0)]
    by_task = by_task.sort_index().sort_values(["bad_days", "bad_runs", "missed"], ascending=False, kind="stable")
    by_task["success_rate"] = _rates(by_task["runs"] - by_task["bad_runs"], by_task["runs"])
    still = window.spells[window.spells["until"].isna()]
    since = {str(path): begin for path, begin in zip(still["task_path"], still["begin"], strict=True)}
    rows = (
        {
            "task_path": path,
            "failing_since": since[path].astimezone(window.zone).to_pydatetime() if path in since else "",
            "owner": window.rules.of(window.snapshot.server, str(path)).owner or "",
        }
        | row
        for path, row in by_task.to_dict("index").items()
    )
    return frame("worst", rows)


def changed(window: Window) -> pd.DataFrame:
    """The changes that decide what to think of a task, with the columns of ``COLUMNS["changes"]``.

    All but those of the outcome, and of these the turns to and from failing that lasted: at least three runs, or still.
    """
    changes, runs = window.all_changes, window.all_runs
    clear = np.flatnonzero(runs["sign"] != UNCLEAR)
    task, sign = (column.to_numpy()[clear] for column in (runs["task_path"].cat.codes, runs["sign"]))
    starts = np.flatnonzero(np.append(True, (np.diff(task) != 0) | (np.diff(sign) != 0))[: len(task)])
    lengths = np.diff(np.append(starts, len(task)))
    ends = np.append(task[starts][1:] != task[starts][:-1], True)[: len(starts)]
    lasts = (sign[starts] == BAD) & ((lengths >= LASTING) | ends)
    follows = np.append(False, task[starts][1:] == task[starts][:-1])[: len(starts)]
    turns = starts[follows & (lasts | np.append(False, lasts[:-1])[: len(starts)])]
    turns = turns[(known_at(runs.iloc[clear[turns]]) > pd.Timestamp(window.begin)).to_numpy(dtype=bool)]
    after, before = runs.iloc[clear[turns]], runs.iloc[clear[turns - 1]]
    flips = pd.DataFrame(
        {
            "task_path": after["task_path"].astype(str).to_numpy(),
            "at": known_at(after).reset_index(drop=True),
            "before": before["ending"].astype(str).to_numpy(),
            "after": after["ending"].astype(str).to_numpy(),
        }
    ).assign(server=window.snapshot.server, kind="outcome", fields="")
    seen = changes.loc[changes["kind"] == "outcome", ["task_path", "at", "what"]].astype({"task_path": str})
    flips = flips.merge(seen.drop_duplicates(["task_path", "at"]), how="left", on=["task_path", "at"])
    flips["what"] = flips["what"].fillna("")
    other = changes[changes["kind"] != "outcome"].astype({"task_path": str, "kind": str, "server": str})
    rows = pd.concat([other, flips], ignore_index=True) if len(flips) else other
    rows = rows.sort_values(["at", "task_path"], kind="stable")
    return frame("changes", change_rows(window.snapshot, rows, window.folder))


# Starts ---------------------------------------------------------------------------------------------------------------


def fates(window: Window) -> pd.DataFrame:
    """How many expected starts had each fate: the columns `fate` and `starts`, without those that none had."""
    sums = window.slots.groupby("fate", observed=False)["count"].sum()
    fates = pd.DataFrame({"fate": FATES, "starts": [int(sums.get(fate, 0)) for fate in FATES]})
    return fates[fates["starts"] > 0].reset_index(drop=True)


def expected(window: Window) -> pd.DataFrame:
    """The tasks with expected starts, those with most missed first, with the columns of ``COLUMNS["expected"]``."""
    slots = window.slots
    sums = slots.groupby(["task_path", "fate"], observed=False)["count"].sum().unstack(fill_value=0)
    sums = sums.reindex(columns=FATES, fill_value=0).set_axis([fate.replace(" ", "_") for fate in FATES], axis=1)
    sums = sums.sort_values(["missed", "late", "overlapped"], ascending=False, kind="stable")
    return frame("expected", sums.assign(starts=sums.sum(axis=1)).reset_index().to_dict("records"))


def missed(window: Window) -> pd.DataFrame:
    """The series of missed starts of each task, the newest first: ``COLUMNS["missed"]``."""
    starts, slots = window.missed_starts, window.slots
    some_missed = slots["task_path"].isin(starts["task_path"].unique())
    met = slots[some_missed & slots["fate"].isin(["seen", "late", "overlapped"])]
    places = _order(window, met), _order(window, starts)
    number = np.searchsorted(np.sort(places[0]), places[1])  # starts between the same two that were met
    rows = starts.groupby([starts["task_path"], number], observed=True)["expected"].agg(["min", "max", "size"])
    rows = rows.reset_index().sort_values(["min", "task_path"], ascending=[False, True], kind="stable")
    off = _missed_while_off(window)
    made = []
    for path, first, last, size in zip(rows["task_path"], rows["min"], rows["max"], rows["size"], strict=True):
        ends = [end for start, end in window.blind if start <= first and last <= end]
        why = ""
        if ends:
            counted = (str(path), ends[0]) in off
            why = "The server was off: Windows counts them as missed." if counted else "No snapshot was taken then."
        times = {name: at.astimezone(window.zone).to_pydatetime() for name, at in (("first", first), ("last", last))}
        made.append({"task_path": str(path), "starts": int(size), "why": why} | times)
    return frame("missed", made)


NO_CAUSE = "Not known: snapshots were taken then."


def missed_causes(window: Window) -> pd.DataFrame:
    """The missed starts by cause and time without snapshots, the newest first: ``COLUMNS["missed_causes"]``."""
    groups: dict[tuple[str, datetime | None], list[Any]] = {}
    for row in missed(window).itertuples(index=False):
        groups.setdefault((str(row.why) or NO_CAUSE, _blind_end(window, row)), []).append(row)
    rows = [
        {
            "why": why,
            "first": min(row.first for row in found),
            "last": max(row.last for row in found),
            "starts": sum(row.starts for row in found),
            "which": [f"{path} ({number:,})" for path, number in _by_task(found).items()],
        }
        for (why, _), found in groups.items()
    ]
    return frame("missed_causes", sorted(rows, key=lambda row: row["last"], reverse=True))


def _blind_end(window: Window, row: Any) -> datetime | None:
    """When the time without snapshots ended in which all these starts were missed."""
    return next((end for start, end in window.blind if start <= row.first and row.last <= end), None)


def _by_task(rows: list[Any]) -> dict[str, int]:
    """How many starts each task missed, most first."""
    numbers: Counter[str] = Counter()
    for row in rows:
        numbers[str(row.task_path)] += int(row.starts)
    return dict(numbers.most_common())


def _order(window: Window, rows: pd.DataFrame) -> np.ndarray[Any, Any]:
    """A number for each row that grows with task, then time."""
    paths = window.slots["task_path"].cat.categories
    task = np.append(paths.get_indexer(rows["task_path"].cat.categories), -1)[rows["task_path"].cat.codes]
    seconds = rows["expected"].to_numpy(dtype="M8[s]").astype(np.int64)
    return task * 2**40 + seconds


def _missed_while_off(window: Window) -> set[tuple[str, datetime]]:
    """Tasks of which Windows counts missed starts at the end of a blind time, with that end."""
    if not window.blind or window.history is None:
        return set()
    spans = window.history.spans
    first = spans[
        (spans["server"] == window.snapshot.server) & spans["first_seen"].isin([end for _, end in window.blind])
    ]
    first = first[first["missed_runs"].fillna(0) > 0]
    return {(str(path), at.to_pydatetime()) for path, at in zip(first["task_path"], first["first_seen"], strict=True)}


# Runs -----------------------------------------------------------------------------------------------------------------


def durations(window: Window) -> pd.DataFrame:
    """The tasks whose durations are in the event log, the longest first: ``COLUMNS["durations"]``."""
    runs = window.runs[window.runs["seconds"].notna()]
    recent = runs["started"] > window.snapshot.taken_at - timedelta(days=7)
    rows = []
    for path, group in runs.groupby("task_path", observed=True):
        minutes, last = group["seconds"] / 60, group.loc[recent.loc[group.index], "seconds"] / 60
        rows.append(
            {
                "task_path": str(path),
                "runs": len(group),
                "usual_minutes": round(float(minutes.median()), 1),
                "longest_minutes": round(float(minutes.max()), 1),
                "last_week_minutes": round(float(last.median()), 1) if len(last) >= LEAST_RUNS else np.nan,
            }
        )
    durations = frame("durations", rows)
    return durations.sort_values("longest_minutes", ascending=False, kind="stable", ignore_index=True)


def by_hour(window: Window) -> tuple[pd.DataFrame, list[str]]:
    """How many runs started in each hour of the day (index 0..23, local time), by ending; and the tasks left out.

    Of a task of which most starts are not visible those before a snapshot are seen, so that its hours are not known.
    """
    starts = expected(window)
    left_out = sorted(starts.loc[2 * starts["not_visible"] > starts["starts"], "task_path"])
    runs = window.runs.loc[~window.runs["task_path"].isin(left_out), ["started", "ending"]]
    counts = np.zeros((24, len(ENDINGS)), np.int64)
    np.add.at(counts, (window.local(runs["started"]).dt.hour.to_numpy(), runs["ending"].cat.codes.to_numpy()), 1)
    return pd.DataFrame(counts, columns=ENDINGS), left_out


def _monday(times: pd.Series) -> pd.Series:
    found: pd.Series = times.dt.floor("D") - pd.to_timedelta(times.dt.day_of_week, unit="D")
    return found


def _rates(good: pd.Series, runs: pd.Series) -> pd.Series:
    """What part of the runs was good, where there are enough of them."""
    return (good / runs).where(runs >= LEAST_RUNS)
