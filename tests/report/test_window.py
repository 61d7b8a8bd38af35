"""The window of the trends: each number counted another way, and what is blind is a gap."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

from taskanalysis.health.rules import parse_rules
from taskanalysis.health.verdicts import Verdict
from taskanalysis.report.window import ENDINGS, Window
from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot
from tests.build import hours, status, trends_of, window_of, write

NEW_YORK = ZoneInfo("America/New_York")
BUS = "\\OpenData\\Transit\\Bus stops"
REFUSED = 0x8007052E


def test_each_missed_start_is_a_slot_of_the_schedule_not_only_the_first(window: Window) -> None:
    mine = window.missed_starts[window.missed_starts["task_path"] == "\\OpenData\\Transit\\Parking meters"]
    times = window.local(mine["expected"])
    assert times.is_unique
    assert (f"{times.min():%d %H:%M}", f"{times.max():%d %H:%M}") == ("16 19:05", "19 06:45")
    assert {f"{day:%d}" for day in mine["day"]} == {"16", "17", "18", "19"}


def test_failing_now_are_the_tasks_that_the_verdicts_call_failing(window: Window) -> None:
    still = set(window.spells.loc[window.spells["until"].isna(), "task_path"])
    assert still == {each.path for each in window.judged if each.verdict is Verdict.FAILING}


def test_runs_of_each_day_are_those_that_started_on_it(window: Window) -> None:
    assert window.history
    runs = window.history.runs
    known = {
        ("\\OpenData\\GIS\\Zoning", 4): "succeeded",
        ("\\OpenData\\Admin\\Old exports", 1): "unknown",
    }  # rule, guess
    counted: Counter[str] = Counter()
    for path, started, code, outcome in zip(*map(runs.get, ("task_path", "started", "code", "outcome")), strict=True):
        if not path.startswith("\\Microsoft") and started >= window.begin:
            counted[f"{started.astimezone(NEW_YORK):%Y-%m-%d} {known.get((path, code), outcome)}"] += 1
    found = {
        f"{day:%Y-%m-%d} {name}": int(number)
        for day, row in window.by_day[ENDINGS].iterrows()
        for name, number in row.items()
        if number
    }
    assert found == dict(counted)


def test_failing_tasks_at_a_moment_are_those_whose_last_run_before_it_failed(window: Window) -> None:
    moments = pd.date_range("2026-09-26", "2026-11-23", freq="53h", tz="UTC")
    runs = window.all_runs
    counted = []
    for moment in moments:
        last = (
            runs[(runs["started"] <= moment) & (runs["sign"] != 0)].groupby("task_path", observed=True)["sign"].last()
        )
        counted.append(int((last == -1).sum()))
    assert window.failing_at(moments).tolist() == counted
    assert max(counted) > 8


def test_muted_task_and_one_outside_the_folder_are_left_out(sample: Snapshot) -> None:
    muted = trends_of(sample, parse_rules(f"[[rule]]\ntask = '{BUS}'\nignore = true"))
    assert BUS not in set(muted.runs["task_path"]) | set(muted.slots["task_path"]) | set(muted.spells["task_path"])
    inside = trends_of(sample, folder="\\OpenData\\Transit")
    assert {path.rpartition("\\")[0] for path in inside.runs["task_path"]} == {"\\OpenData\\Transit"}
    assert not any(path.startswith("\\Microsoft") for path in muted.runs["task_path"])


def test_longer_window_reads_a_longer_history(tmp_path: Path) -> None:
    for hour in (-150 * 24, -149 * 24, 0):
        write(tmp_path, hour, status(last_run=hour - 1))
    snapshot = read_snapshot(tmp_path)
    assert len(trends_of(snapshot, days=90).coverage) == 1
    assert len(trends_of(snapshot, days=200).coverage) == 3
    assert len(trends_of(snapshot, days=10**9).coverage) == 3


def test_days_are_those_of_the_server_s_clocks(tmp_path: Path) -> None:
    window = window_of(tmp_path, {0: [status(last_run=-1)], 18: [status(last_run=16)], 36: [status(last_run=35)]})
    assert {f"{day:%m-%d}": int(number) for day, number in window.by_day["succeeded"].items()} == {
        "11-20": 1,  # 23:00 in New York, the next day in UTC
        "11-21": 1,
    }


def failing(window: Window, *at: float) -> list[int]:
    return window.failing_at(pd.DatetimeIndex([hours(hour) for hour in at])).tolist()


def test_task_fails_from_the_start_of_its_first_bad_run_to_that_of_the_next_good_one(tmp_path: Path) -> None:
    runs = [(0, -1, 0), (6, 5, 1), (12, 11, 1), (18, 17, 0)]
    window = window_of(tmp_path, {hour: [status(last_run=start, code=code)] for hour, start, code in runs})
    assert failing(window, 4.9, 5, 16.9, 17) == [0, 1, 1, 0]


def test_task_that_is_switched_off_or_removed_is_not_failing(tmp_path: Path) -> None:
    other = status("\\Other", last_run=-1)
    bad = status(last_run=-1, code=1)
    off = status(last_run=-1, code=1, enabled=False, state="Disabled")
    window = window_of(tmp_path, {0: [bad, other], 6: [off, other], 12: [bad, other], 18: [other]})
    assert failing(window, 0, 5.9, 6, 11.9, 12, 17.9, 18) == [1, 1, 0, 0, 1, 1, 0]


def test_task_that_was_off_all_along_is_not_failing(tmp_path: Path) -> None:
    off = status(last_run=-1, code=1, enabled=False, state="Disabled")
    assert failing(window_of(tmp_path, {0: [off], 6: [off]}), 6) == [0]


def test_start_that_was_refused_after_a_good_run_is_failing(tmp_path: Path) -> None:
    window = window_of(tmp_path, {0: [status(last_run=-1)], 6: [status(last_run=-1, code=REFUSED)]})
    assert failing(window, 5.9, 6) == [0, 1]


def test_result_that_is_bad_by_a_guess_is_unknown_and_counts_neither_as_good_nor_as_bad(tmp_path: Path) -> None:
    rows = {0: [status(last_run=-1)], 6: [status(last_run=5)], 12: [status(last_run=11, code=0x800710E0)]}
    window = window_of(tmp_path, rows)
    assert window.runs["ending"].tolist() == ["succeeded", "unknown"]
    assert window.rate(timedelta(days=7)).runs == 1
    assert failing(window, 12) == [0]
    assert window.by_day["unknown"].sum() == 1
