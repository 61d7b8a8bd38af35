"""The tables of the trends: the stories of the sample are found, and each number is counted another way."""

from collections import Counter
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from taskanalysis.health.fates import slot_fates
from taskanalysis.health.rules import parse_rules
from taskanalysis.report import trend_tables
from taskanalysis.report.display import text_of
from taskanalysis.report.strips import day_signs
from taskanalysis.report.window import Window
from taskanalysis.snapshot.snapshot import Snapshot
from tests.build import LOAD, scheduled, status, trends_of, window_of
from tests.whole.test_stories import MISSED, PASSWORD, QUEUED

NEW_YORK = ZoneInfo("America/New_York")
BUS = "\\OpenData\\Transit\\Bus stops"


def test_changes_shown_are_those_planted_and_what_fails_now(window: Window) -> None:
    shown = trend_tables.changed(window)
    plain = {(row.task_path.removeprefix("\\OpenData\\"), row.kind) for row in shown.itertuples()}
    turned = [*PASSWORD, "Transit\\Ridership", "Transit\\Bus stops", "Portal\\Full-text index"]
    turned += ["Services\\Recreation calendar"]
    assert plain == {
        *((name, "outcome") for name in turned),
        ("Permits\\Legacy permit export", "removed"),
        ("GIS\\Street centerlines", "disabled"),
        ("Services\\Crash reports", "changed"),
        ("Services\\Recreation calendar", "changed"),
        ("Admin\\Monthly archive", "added"),
        ("Portal\\Full-text index", "script"),
    }
    assert len(shown) == len(plain)
    assert shown["what"].ne("").all()


def test_task_that_only_missed_starts_is_among_the_worst_after_those_that_failed(window: Window) -> None:
    worst = trend_tables.worst(window)
    assert "\\Heartbeat" in worst["task_path"].tolist()
    bad = worst["bad_days"].tolist()
    assert bad == sorted(bad, reverse=True)
    assert worst.set_index("task_path").loc["\\Heartbeat", ["bad_days", "bad_runs", "missed"]].tolist() == [0, 0, 359]


def test_worst_task_has_its_runs_counted(window: Window) -> None:
    mine = [row for row in window.runs.itertuples() if row.task_path == BUS]
    bad = [row for row in mine if row.outcome == "failed"]
    first = trend_tables.worst(window).iloc[0]
    assert (first["task_path"], first["runs"], first["bad_runs"]) == (BUS, len(mine), len(bad))
    assert first["bad_days"] == len({row.started.astimezone(NEW_YORK).date() for row in bad})
    assert first["failing_since"] == max(row.started for row in bad)
    assert first["success_rate"] == pytest.approx(1 - len(bad) / len(mine))


def test_weeks_add_up_to_the_days(window: Window) -> None:
    weeks, days = trend_tables.weeks(window), window.by_day
    for name in ("succeeded", "failed", "stopped", "not started"):
        assert weeks[name.replace(" ", "_")].sum() == days[name].sum()
    assert weeks["missed"].sum() == sum(MISSED.values()) + sum(QUEUED.values())
    assert weeks["blind_days"].sum() == 4
    assert weeks["week"].tolist() == sorted(weeks["week"], reverse=True)
    assert {datetime.fromisoformat(week).weekday() for week in weeks["week"]} == {0}


def test_missed_starts_are_grouped_by_cause_the_newest_first(window: Window) -> None:
    off, unknown = trend_tables.missed_causes(window).to_dict("records")[::-1]
    assert (off["why"], unknown["why"]) == (
        "The server was off: Windows counts them as missed.",
        "Not known: snapshots were taken then.",
    )
    assert dict(map(_counted, off["which"])) == MISSED
    assert dict(map(_counted, unknown["which"])) == QUEUED
    assert (off["starts"], unknown["starts"]) == (sum(MISSED.values()), sum(QUEUED.values()))
    numbers = [number for _, number in map(_counted, off["which"])]
    assert numbers == sorted(numbers, reverse=True)
    rows = trend_tables.missed(window)
    mine = rows[rows["why"] == off["why"]]
    assert (off["first"], off["last"]) == (mine["first"].min(), mine["last"].max())


def _counted(text: str) -> tuple[str, int]:
    """A task and its number of missed starts."""
    path, _, number = text.removesuffix(")").rpartition(" (")
    return path, int(number.replace(",", ""))


def test_two_times_without_snapshots_are_two_causes_and_none_is_guessed(tmp_path: Path) -> None:
    daily = scheduled(
        "<CalendarTrigger><StartBoundary>2026-01-01T06:00:00</StartBoundary><ScheduleByDay/></CalendarTrigger>"
    )
    hours = [-240, -234, -228, -222, -126, -120, -114, -30, -24, -18]
    others = [f"\\{letter}" for letter in "AB"]
    window = window_of(
        tmp_path,
        {hour: [status(path, last_run=-241) for path in others] for hour in hours},
        definitions=dict.fromkeys(others, daily),
    )
    assert len(window.blind) == 2
    causes = trend_tables.missed_causes(window)
    assert causes["last"].is_monotonic_decreasing
    assert causes["starts"].sum() == trend_tables.missed(window)["starts"].sum() == len(window.missed_starts)
    rows = trend_tables.missed(window)
    assert set(rows["why"]) <= {"", "No snapshot was taken then."}, "Windows counts none"


def test_no_missed_start_has_no_cause(tmp_path: Path) -> None:
    window = window_of(tmp_path, {0: [status(last_run=-1)], 6: [status(last_run=5)]})
    assert trend_tables.missed_causes(window).empty


def test_every_expected_start_has_one_fate(window: Window) -> None:
    assert window.history
    slots = slot_fates(window.history, "OPENDATA01", since=window.begin, until=window.snapshot.taken_at)
    table = trend_tables.expected(window)
    assert table["starts"].sum() == slots["count"].sum() == trend_tables.fates(window)["starts"].sum()
    assert (table["starts"] == table.drop(columns=["task_path", "starts"]).sum(axis=1)).all()


def test_hours_are_local_and_leave_out_tasks_that_start_too_often(window: Window) -> None:
    by_hour, left_out = trend_tables.by_hour(window)
    assert {"\\Heartbeat", "\\OpenData\\Transit\\Trip updates"} <= set(left_out)
    kept = window.runs[~window.runs["task_path"].isin(left_out)]
    counted = Counter(started.astimezone(NEW_YORK).hour for started in kept["started"])
    assert {hour: number for hour, number in by_hour.sum(axis=1).items() if number} == dict(counted)


def test_rule_of_the_office_makes_a_code_good_in_runs_and_changes(sample: Snapshot) -> None:
    rules = parse_rules(f"[[rule]]\ntask = '{BUS}'\nok_codes = [1]")
    ruled = trends_of(sample, rules)
    assert set(ruled.runs.loc[ruled.runs["task_path"] == BUS, "ending"]) == {"succeeded"}
    assert BUS not in set(ruled.all_changes["task_path"])
    worst = trend_tables.worst(ruled).set_index("task_path")
    assert (worst.loc[BUS, "bad_runs"], worst.loc[BUS, "success_rate"], worst.loc[BUS, "missed"]) == (0, 1, 10)


def test_code_of_an_own_program_means_the_same_in_runs(sample: Snapshot) -> None:
    text = "[[code]]\nprogram = 'bus_stops.py'\ncode = 1\nmeaning = 'x'\noutcome = '{}'"
    for word, ending in (("succeeded", "succeeded"), ("stopped", "stopped"), ("unknown", "unknown")):
        runs = trends_of(sample, parse_rules(text.format(word))).runs
        ones = (
            runs[runs["code"] == 1].groupby("ending", observed=True)["task_path"].agg(lambda paths: BUS in set(paths))
        )
        assert [name for name, has_bus in ones.items() if has_bus] == [ending]


def test_turn_that_lasted_is_shown_with_its_end_and_one_that_did_not_is_not(tmp_path: Path) -> None:
    codes = [0, 1, 0, 1, 1, 1, 0, 0]
    rows = {6.0 * n: [status(last_run=6 * n - 1, code=code)] for n, code in enumerate(codes)}
    window = window_of(tmp_path, rows)
    shown = trend_tables.changed(window)
    assert [(f"{at:%d %H}", after) for at, after in zip(shown["at"], shown["after"], strict=True)] == [
        ("21 01", "failed"),
        ("21 19", "succeeded"),
    ]
    assert len(window.all_changes) == 4


def test_many_tasks_of_which_few_missed_a_start_are_one_table(tmp_path: Path) -> None:
    trigger = "<CalendarTrigger><StartBoundary>2026-01-01T06:00:00</StartBoundary><ScheduleByDay/></CalendarTrigger>"
    daily = f"<Task><Triggers>{trigger}</Triggers><Actions><Exec><Command>x.exe</Command></Exec></Actions></Task>"
    others = [f"\\Task {number:03}" for number in range(200)]  # pandas counts up to 127 categories in other numbers
    rows = {
        12.0 * n: [status(last_run=-1), *(status(path, last_run=12 * n - 1, code=n % 2) for path in others)]
        for n in range(5)
    }
    window = window_of(tmp_path, rows, definitions={LOAD: daily.encode()})
    worst = trend_tables.worst(window).set_index("task_path")
    assert (len(worst), worst.loc[LOAD, "missed"], worst.loc[others[7], "bad_runs"]) == (201, 2, 2)
    assert len(day_signs(window, worst.index)) == 201
    (row,) = trend_tables.missed_causes(window).to_dict("records")
    assert (row["starts"], row["which"]) == (2, [f"{LOAD} (2)"])
    assert len(trend_tables.expected(window)) == 1


def test_times_are_shown_as_the_server_s_clocks_tell_them(window: Window) -> None:
    since = trend_tables.worst(window).set_index("task_path")["failing_since"]
    assert text_of(since["\\OpenData\\Permits\\Inspections"]) == "2026-11-09 07:10"
    assert since["\\Heartbeat"] == ""


def test_durations_are_told_where_the_event_log_has_them(sample: Snapshot) -> None:
    window = trends_of(sample)
    runs = window.runs
    mine = (runs["task_path"] == BUS).to_numpy()
    seconds = np.where(mine, np.arange(len(runs)) - np.flatnonzero(mine)[0], np.nan) * 60
    vars(window)["runs"] = runs.assign(seconds=seconds)
    (row,) = trend_tables.durations(window).to_dict("records")
    number = int(mine.sum())
    assert (row["task_path"], row["runs"], row["longest_minutes"]) == (BUS, number, number - 1)
    assert row["usual_minutes"] == (number - 1) / 2
    assert row["last_week_minutes"] > row["usual_minutes"]
