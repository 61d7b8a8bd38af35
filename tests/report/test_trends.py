"""Trends: each number and sentence counted another way; what is blind is a gap; the stories of the sample are found."""

import csv
import json
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import nbformat
import numpy as np
import pandas as pd
import pytest

from taskanalysis.errors import SnapshotError
from taskanalysis.health.incidents import find_incidents
from taskanalysis.health.rules import NO_RULES, Rules, parse_rules
from taskanalysis.health.slots import slot_fates
from taskanalysis.health.verdicts import Verdict, judge
from taskanalysis.publish.make import notebook_file
from taskanalysis.publish.notebooks import run_notebook
from taskanalysis.report import trend_answers as trendanswers
from taskanalysis.report import trend_tables as trendtables
from taskanalysis.report.columns import COLUMNS
from taskanalysis.report.display import text_of
from taskanalysis.report.files import save
from taskanalysis.report.trend_files import csv_parts, save_trends
from taskanalysis.report.trends import ENDINGS, Trends, trend_history
from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot
from taskanalysis.snapshot.status import Status
from taskanalysis.text import mask
from tests.build import HOSTILE, LOAD, NOON, definition, hours, status, write, xml
from tests.history.test_logs import log, run
from tests.whole.test_stories import MISSED, PASSWORD

NEW_YORK = ZoneInfo("America/New_York")
BLIND_DAYS = ["2026-10-17", "2026-10-18", "2026-10-27", "2026-10-28"]
BUS, SPOOLER = "\\OpenData\\Transit\\Bus stops", "\\Restart print spooler"
REFUSED = 0x8007052E


def trends_of(snapshot: Snapshot, rules: Rules = NO_RULES, folder: str = "", days: int = 90) -> Trends:
    history = trend_history(snapshot, days)
    return Trends(snapshot, history, judge(snapshot, rules, folder, history), rules, folder, days)


def share(tmp_path: Path, rows: dict[float, list[Status]], **given: object) -> Trends:
    """The trends of a share with these statuses, by their hour after noon UTC."""
    for hour, statuses in rows.items():
        write(tmp_path, hour, *statuses, **given)
    return trends_of(read_snapshot(tmp_path))


@pytest.fixture(scope="module")
def trends(sample: Snapshot) -> Trends:
    return trends_of(sample)


@pytest.fixture(scope="module")
def answer(trends: Trends) -> list[str]:
    return trendanswers.trend_answer(trends, find_incidents(trends.judged, trends.history))


# The stories of the sample --------------------------------------------------------------------------------------------


def test_days_without_snapshots_are_blind_and_no_others(trends: Trends) -> None:
    assert [f"{day:%Y-%m-%d}" for day in trends.by_day.index[trends.by_day["blind"]]] == BLIND_DAYS
    assert [f"{moment:%m-%d %H:%M}" for gap in trends.gaps for moment in gap] == [
        *("10-16 13:02", "10-19 07:02"),
        *("10-26 19:02", "10-29 01:02"),
    ]


def test_starts_missed_while_the_server_was_off_are_counted_and_named(trends: Trends, answer: list[str]) -> None:
    assert trends.missed.groupby("task_path", observed=True).size().to_dict() == MISSED
    assert trends.missed["day"].between("2026-10-16", "2026-10-19").all()
    said = f"31 tasks missed {sum(MISSED.values()):,} starts between Fri 2026-10-16 13:02 and Mon 2026-10-19 07:02"
    assert f"{said}: the server was off." in answer
    assert [line for line in answer if "while snapshots were taken" in line] == []
    table = trendtables.missed(trends)
    assert dict(zip(table["task_path"], table["starts"], strict=True)) == MISSED
    assert set(table["why"]) == {"The server was off: Windows counts them as missed."}


def test_each_missed_start_is_a_slot_of_the_schedule_not_only_the_first(trends: Trends) -> None:
    mine = trends.missed[trends.missed["task_path"] == "\\OpenData\\Transit\\Parking meters"]
    times = trends.local(mine["expected"])
    assert times.is_unique
    assert (f"{times.min():%d %H:%M}", f"{times.max():%d %H:%M}") == ("16 19:05", "19 06:45")
    assert {f"{day:%d}" for day in mine["day"]} == {"16", "17", "18", "19"}


def test_starts_in_the_days_without_snapshots_are_blind_and_never_missed(trends: Trends) -> None:
    day = trends.local(trends.slots["expected"]).dt.strftime("%m-%d")
    fates = set(trends.slots.loc[day.isin(["10-27", "10-28"]), "fate"])
    assert "blind" in fates
    assert "missed" not in fates


def test_password_change_is_the_turn_and_the_one_cause(answer: list[str]) -> None:
    assert answer[0] == (
        "About as good as a week ago, and worse than four weeks ago: "
        "12 tasks are failing now, 11 a week ago, 1 four weeks ago."
    )
    assert answer[1].startswith("It turned on Monday, 2026-11-09: 9 more tasks were failing than the day before")
    assert answer[3].startswith("One cause: 9 tasks since 2026-11-09 07:10, all as TOWN\\opendata, 0x8007052E: ")


def test_changes_shown_are_those_planted_and_what_fails_now(trends: Trends) -> None:
    shown = trendtables.changed(trends)
    plain = {(row.task_path.removeprefix("\\OpenData\\"), row.kind) for row in shown.itertuples()}
    turned = [*PASSWORD, "Transit\\Ridership", "Transit\\Bus stops", "Portal\\Full-text index"]
    assert plain == {
        *((name, "outcome") for name in turned),
        ("Permits\\Legacy permit export", "removed"),
        ("GIS\\Street centerlines", "disabled"),
        ("Services\\Crash reports", "changed"),
        ("Admin\\Monthly archive", "added"),
    }
    assert len(shown) == len(plain)
    assert shown["what"].ne("").all()


def test_failing_now_are_the_tasks_that_the_verdicts_call_failing(trends: Trends) -> None:
    still = set(trends.spells.loc[trends.spells["until"].isna(), "task_path"])
    assert still == {each.path for each in trends.judged if each.verdict is Verdict.FAILING}


def test_weekend_failures_and_the_turn_show_in_the_grid(trends: Trends) -> None:
    worst = trendtables.worst(trends)
    grid = trendtables.grid(trends, worst)
    ridership = grid.loc["\\OpenData\\Transit\\Ridership"]
    assert set(ridership[ridership == "F"].index.day_name()) == {"Saturday", "Sunday"}
    assert set(ridership[ridership == "M"].index) == {pd.Timestamp("2026-10-17"), pd.Timestamp("2026-10-18")}
    checkbook = grid.loc["\\OpenData\\Finance\\Checkbook"]
    assert checkbook["2026-11-09":].tolist() == [*"NNNNNNNNNNNNNN", ""]
    requests = grid.loc["\\OpenData\\Services\\311 requests"]
    assert (requests["2026-11-09"], requests["2026-11-10"], requests["2026-10-27"]) == ("n", "N", "")
    assert "\\Heartbeat" not in grid.index, "it missed no more than all others did"
    assert "\\Heartbeat" in worst["task_path"].tolist()


# Counted another way --------------------------------------------------------------------------------------------------


def test_runs_of_each_day_are_those_that_started_on_it(trends: Trends) -> None:
    assert trends.history
    runs = trends.history.runs
    counted: Counter[str] = Counter()
    for path, started, outcome in zip(runs["task_path"], runs["started"], runs["outcome"], strict=True):
        if not path.startswith("\\Microsoft") and started >= trends.begin:
            counted[f"{started.astimezone(NEW_YORK):%Y-%m-%d} {outcome}"] += 1
    found = {
        f"{day:%Y-%m-%d} {name}": int(number)
        for day, row in trends.by_day[ENDINGS].iterrows()
        for name, number in row.items()
        if number
    }
    assert found == dict(counted)


def test_failing_tasks_at_a_moment_are_those_whose_last_run_before_it_failed(trends: Trends) -> None:
    moments = pd.date_range("2026-09-26", "2026-11-23", freq="53h", tz="UTC")
    runs = trends.all_runs
    counted = []
    for moment in moments:
        last = (
            runs[(runs["started"] <= moment) & (runs["sign"] != 0)].groupby("task_path", observed=True)["sign"].last()
        )
        counted.append(int((last == -1).sum()))
    assert trends.failing_at(moments).tolist() == counted
    assert max(counted) > 8


def test_rates_are_of_finished_runs_of_the_days_named(trends: Trends, answer: list[str]) -> None:
    now = trends.snapshot.taken_at
    rows = [row for row in trends.runs.itertuples() if row.ending not in ("running", "unknown")]
    week = [row.ending for row in rows if row.started > now - timedelta(days=7)]
    month = [row.ending for row in rows if now - timedelta(days=35) < row.started <= now - timedelta(days=7)]
    rates = [f"{100 * part.count('succeeded') / len(part):.1f} %" for part in (week, month)]
    assert answer[2] == (
        f"Of {len(week)} finished runs of the last 7 days {rates[0]} succeeded, "
        f"of {len(month):,} of the 28 days before {rates[1]}."
    )


def test_worst_task_has_its_runs_counted(trends: Trends) -> None:
    mine = [row for row in trends.runs.itertuples() if row.task_path == BUS]
    bad = [row for row in mine if row.outcome == "failed"]
    first = trendtables.worst(trends).iloc[0]
    assert (first["task_path"], first["runs"], first["bad_runs"]) == (BUS, len(mine), len(bad))
    assert first["bad_days"] == len({row.started.astimezone(NEW_YORK).date() for row in bad})
    assert first["failing_since"] == max(row.started for row in bad)
    assert first["success_rate"] == pytest.approx(1 - len(bad) / len(mine))


def test_weeks_add_up_to_the_days(trends: Trends) -> None:
    weeks, days = trendtables.weeks(trends), trends.by_day
    for name in ("succeeded", "failed", "stopped", "not started"):
        assert weeks[name.replace(" ", "_")].sum() == days[name].sum()
    assert weeks["missed"].sum() == sum(MISSED.values())
    assert weeks["blind_days"].sum() == len(BLIND_DAYS)
    assert weeks["week"].tolist() == sorted(weeks["week"], reverse=True)
    assert {datetime.fromisoformat(week).weekday() for week in weeks["week"]} == {0}


def test_every_expected_start_has_one_fate(trends: Trends) -> None:
    assert trends.history
    slots = slot_fates(trends.history, "OPENDATA01", since=trends.begin, until=trends.snapshot.taken_at)
    table = trendtables.expected(trends)
    assert table["starts"].sum() == slots["count"].sum() == trendtables.fates(trends)["starts"].sum()
    assert (table["starts"] == table.drop(columns=["task_path", "starts"]).sum(axis=1)).all()
    assert trendanswers.expected_answer(trends)[0].startswith(f"{slots['count'].sum():,} starts of {len(table)} tasks")


def test_hours_are_local_and_leave_out_tasks_that_start_too_often(trends: Trends) -> None:
    by_hour, left_out = trendtables.by_hour(trends)
    assert {"\\Heartbeat", "\\OpenData\\Transit\\Trip updates"} <= set(left_out)
    kept = trends.runs[~trends.runs["task_path"].isin(left_out)]
    counted = Counter(started.astimezone(NEW_YORK).hour for started in kept["started"])
    assert {hour: number for hour, number in by_hour.sum(axis=1).items() if number} == dict(counted)
    (said,) = trendanswers.hours_answer(left_out)
    assert said.startswith(f"Without {len(left_out)} tasks of which most starts are not visible")
    assert trendanswers.hours_answer([]) == []


def test_changes_not_shown_are_counted(trends: Trends) -> None:
    shown = trendtables.changed(trends)
    outcomes = (trends.changes["kind"] == "outcome").sum() - (shown["kind"] == "outcome").sum()
    assert trendanswers.changes_answer(trends, shown) == [
        "4 changes of definitions, of tasks, or of whether they are switched on.",
        f"{outcomes} changes of outcome did not last for three runs: counted here, and in changes.csv.",
    ]


# Rules, folder, window ------------------------------------------------------------------------------------------------


def test_rule_of_the_office_makes_a_code_good_in_runs_and_changes(sample: Snapshot) -> None:
    rules = parse_rules(f"[[rule]]\ntask = '{BUS}'\nok_codes = [1]")
    ruled = trends_of(sample, rules)
    assert set(ruled.runs.loc[ruled.runs["task_path"] == BUS, "ending"]) == {"succeeded"}
    assert BUS not in set(ruled.changes["task_path"])
    worst = trendtables.worst(ruled).set_index("task_path")
    assert (worst.loc[BUS, "bad_runs"], worst.loc[BUS, "success_rate"], worst.loc[BUS, "missed"]) == (0, 1, 10)


def test_muted_task_and_one_outside_the_folder_are_left_out(sample: Snapshot) -> None:
    muted = trends_of(sample, parse_rules(f"[[rule]]\ntask = '{BUS}'\nignore = true"))
    assert BUS not in set(muted.runs["task_path"]) | set(muted.slots["task_path"]) | set(muted.spells["task_path"])
    inside = trends_of(sample, folder="\\OpenData\\Transit")
    assert {path.rpartition("\\")[0] for path in inside.runs["task_path"]} == {"\\OpenData\\Transit"}
    assert not any(path.startswith("\\Microsoft") for path in muted.runs["task_path"])


def test_window_of_a_week_knows_nothing_of_the_days_before(sample: Snapshot) -> None:
    week = trends_of(sample, days=7)
    assert (len(week.by_day), week.gaps) == (8, [])
    assert week.runs["started"].min() >= sample.taken_at - timedelta(days=7)
    assert trendanswers.trend_answer(week)[0].endswith("12 tasks are failing now, 11 a week ago.")
    assert [line for line in trendanswers.trend_answer(week) if "blind" in line or "missed" in line] == []
    with pytest.raises(SnapshotError, match="at least 1 day, not 0"):
        trends_of(sample, days=0)


def test_longer_window_reads_a_longer_history(tmp_path: Path) -> None:
    for hour in (-150 * 24, -149 * 24, 0):
        write(tmp_path, hour, status(last_run=hour - 1))
    snapshot = read_snapshot(tmp_path)
    assert len(trends_of(snapshot, days=90).coverage) == 1
    assert len(trends_of(snapshot, days=200).coverage) == 3
    assert len(trends_of(snapshot, days=10**9).coverage) == 3


def test_days_are_those_of_the_server_s_clocks(tmp_path: Path) -> None:
    trends = share(tmp_path, {0: [status(last_run=-1)], 18: [status(last_run=16)], 36: [status(last_run=35)]})
    assert {f"{day:%m-%d}": int(number) for day, number in trends.by_day["succeeded"].items()} == {
        "11-20": 1,  # 23:00 in New York, the next day in UTC
        "11-21": 1,
    }


def test_without_a_zone_days_are_utc_and_no_start_is_expected(tmp_path: Path) -> None:
    rows = {0.0: [status(last_run=-1)], 18.0: [status(last_run=16)], 36.0: [status(last_run=35)]}
    trends = share(tmp_path, rows, zone="", definitions={LOAD: xml()})
    assert trends.by_day["succeeded"].tolist() == [0, 2, 0]
    assert trendanswers.expected_answer(trends) == ["No start is expected: the zone of the server is not known."]


# Failing --------------------------------------------------------------------------------------------------------------


def failing(trends: Trends, *at: float) -> list[int]:
    return trends.failing_at(pd.DatetimeIndex([hours(hour) for hour in at])).tolist()


def test_task_fails_from_the_start_of_its_first_bad_run_to_that_of_the_next_good_one(tmp_path: Path) -> None:
    runs = [(0, -1, 0), (6, 5, 1), (12, 11, 1), (18, 17, 0)]
    trends = share(tmp_path, {hour: [status(last_run=start, code=code)] for hour, start, code in runs})
    assert failing(trends, 4.9, 5, 16.9, 17) == [0, 1, 1, 0]


def test_task_that_is_switched_off_or_removed_is_not_failing(tmp_path: Path) -> None:
    other = status("\\Other", last_run=-1)
    bad = status(last_run=-1, code=1)
    off = status(last_run=-1, code=1, enabled=False, state="Disabled")
    trends = share(tmp_path, {0: [bad, other], 6: [off, other], 12: [bad, other], 18: [other]})
    assert failing(trends, 0, 5.9, 6, 11.9, 12, 17.9, 18) == [1, 1, 0, 0, 1, 1, 0]


def test_task_that_was_off_all_along_is_not_failing(tmp_path: Path) -> None:
    off = status(last_run=-1, code=1, enabled=False, state="Disabled")
    assert failing(share(tmp_path, {0: [off], 6: [off]}), 6) == [0]


def test_start_that_was_refused_after_a_good_run_is_failing(tmp_path: Path) -> None:
    trends = share(tmp_path, {0: [status(last_run=-1)], 6: [status(last_run=-1, code=REFUSED)]})
    assert failing(trends, 5.9, 6) == [0, 1]


def test_result_that_is_bad_by_a_guess_is_unknown_and_counts_neither_as_good_nor_as_bad(tmp_path: Path) -> None:
    rows = {0: [status(last_run=-1)], 6: [status(last_run=5)], 12: [status(last_run=11, code=0x800710E0)]}
    trends = share(tmp_path, rows)
    assert trends.runs["ending"].tolist() == ["succeeded", "unknown"]
    assert trends.rate(timedelta(days=7)).runs == 1
    assert failing(trends, 12) == [0]
    assert trends.by_day["unknown"].sum() == 1


def test_turn_that_lasted_is_shown_with_its_end_and_one_that_did_not_is_not(tmp_path: Path) -> None:
    codes = [0, 1, 0, 1, 1, 1, 0, 0]
    rows = {6.0 * n: [status(last_run=6 * n - 1, code=code)] for n, code in enumerate(codes)}
    trends = share(tmp_path, rows)
    shown = trendtables.changed(trends)
    assert [(f"{at:%d %H}", after) for at, after in zip(shown["at"], shown["after"], strict=True)] == [
        ("21 01", "failed"),
        ("21 19", "succeeded"),
    ]
    assert len(trends.changes) == 4


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ([0] * 4, "About as good as a week ago: no task is failing now, 0 a week ago."),
        ([0, 0, 0, 1], "Worse than a week ago: 1 task is failing now, 0 a week ago."),
        ([1, 1, 1, 0], "Better than a week ago: no task is failing now, 1 a week ago."),
        ([1, 1, 1, 1], "About as good as a week ago: 1 task is failing now, 1 a week ago."),
    ],
)
def test_better_or_worse_is_said_against_a_week_ago(codes: list[int], said: str, tmp_path: Path) -> None:
    rows = {80.0 * n: [status(last_run=80 * n - 1, code=code)] for n, code in enumerate(codes)}
    assert trendanswers.trend_answer(share(tmp_path, rows))[0] == said


def test_turn_is_not_said_where_it_went_back(tmp_path: Path) -> None:
    paths = ["\\A", "\\B", "\\C", "\\D"]
    codes = [0, 0, 1, 1, 0]
    rows = {24.0 * n: [status(path, last_run=24 * n - 1, code=code) for path in paths] for n, code in enumerate(codes)}
    back = share(tmp_path / "back", rows)
    assert not [line for line in trendanswers.trend_answer(back) if "turned" in line]
    rows.pop(96.0)
    stays = share(tmp_path / "stays", rows)
    assert [line for line in trendanswers.trend_answer(stays) if "turned" in line] == [
        "It turned on Sunday, 2026-11-22: 4 more tasks were failing than the day before, "
        "and it has never been as good since."
    ]


def test_missed_start_outside_of_a_blind_time_is_named(tmp_path: Path) -> None:
    trigger = "<CalendarTrigger><StartBoundary>2026-01-01T06:00:00</StartBoundary><ScheduleByDay/></CalendarTrigger>"
    daily = f"<Task><Triggers>{trigger}</Triggers><Actions><Exec><Command>x.exe</Command></Exec></Actions></Task>"
    stands = [status(last_run=-1)]
    trends = share(tmp_path, {12 * n: stands for n in range(5)}, definitions={LOAD: daily.encode()})
    assert trendanswers.expected_answer(trends)[1:] == [f"1 task missed 2 starts while snapshots were taken: {LOAD}."]
    assert trendtables.missed(trends)[["starts", "why"]].values.tolist() == [[2, ""]]
    assert trendtables.grid(trends, trendtables.worst(trends)).loc[LOAD].tolist() == ["", "M", "M"]


def test_many_tasks_of_which_few_missed_a_start_are_one_table(tmp_path: Path) -> None:
    trigger = "<CalendarTrigger><StartBoundary>2026-01-01T06:00:00</StartBoundary><ScheduleByDay/></CalendarTrigger>"
    daily = f"<Task><Triggers>{trigger}</Triggers><Actions><Exec><Command>x.exe</Command></Exec></Actions></Task>"
    others = [f"\\Task {number:03}" for number in range(200)]  # pandas counts up to 127 categories in other numbers
    rows = {
        12.0 * n: [status(last_run=-1), *(status(path, last_run=12 * n - 1, code=n % 2) for path in others)]
        for n in range(5)
    }
    for hour, statuses in rows.items():
        write(tmp_path, hour, *statuses, definitions={LOAD: daily.encode()})
    snapshot = read_snapshot(tmp_path)
    trends = Trends(snapshot, trend_history(snapshot))
    worst = trendtables.worst(trends).set_index("task_path")
    assert (len(worst), worst.loc[LOAD, "missed"], worst.loc[others[7], "bad_runs"]) == (201, 2, 2)
    assert len(trendtables.grid(trends, worst.reset_index())) == 201
    assert len(every_table(trends)["expected"]) == 1


# Durations ------------------------------------------------------------------------------------------------------------


def test_durations_are_told_where_the_event_log_has_them(sample: Snapshot) -> None:
    trends = trends_of(sample)
    assert trendanswers.durations_answer(trends)[0].startswith("Of no run is it known how long it took")
    runs = trends.runs
    mine = (runs["task_path"] == BUS).to_numpy()
    seconds = np.where(mine, np.arange(len(runs)) - np.flatnonzero(mine)[0], np.nan) * 60
    vars(trends)["runs"] = runs.assign(seconds=seconds)
    (row,) = trendtables.durations(trends).to_dict("records")
    number = int(mine.sum())
    assert (row["task_path"], row["runs"], row["longest_minutes"]) == (BUS, number, number - 1)
    assert row["usual_minutes"] == (number - 1) / 2
    assert row["last_week_minutes"] > row["usual_minutes"]
    assert trendanswers.durations_answer(trends)[0].startswith(f"Of {number} of {len(runs):,} runs it is known")


def test_runs_of_an_event_log_between_snapshots_are_counted_with_their_durations(tmp_path: Path) -> None:
    log(tmp_path, *(run(hour, 6 * hour, code=hour == 3, instance=hour) for hour in (1, 2, 3, 4)))
    rows = {0: [status(last_run=-1)], 6: [status(last_run=4)], 12: [status(last_run=4)]}
    trends = share(tmp_path, rows, definitions={LOAD: xml()})
    assert trends.runs["ending"].tolist() == ["succeeded", "succeeded", "failed", "succeeded"]
    assert trends.by_day[["succeeded", "failed"]].to_numpy().tolist() == [[3, 1]]
    assert failing(trends, 2.9, 3, 3.9, 4) == [0, 1, 1, 0]
    (row,) = trendtables.durations(trends).to_dict("records")
    assert (row["runs"], row["usual_minutes"], row["longest_minutes"]) == (4, 15, 24)
    assert trendanswers.durations_answer(trends)[0].startswith("Of 4 of 4 runs")
    save_trends(trends, tmp_path / "out")
    lines = (tmp_path / "out" / "runs.csv").read_text("utf-8-sig").splitlines()
    assert len(lines) == 5
    assert ",360,0,succeeded,eventlog,time,00000001-0a0b-" in lines[1]


# Nothing to tell of ---------------------------------------------------------------------------------------------------


def every_table(trends: Trends) -> dict[str, pd.DataFrame]:
    makers = ("weeks", "worst", "changed", "expected", "missed", "durations")
    return {name: getattr(trendtables, name)(trends) for name in makers}


def test_folder_of_exports_is_said_to_be_no_share() -> None:
    trends = trends_of(read_snapshot("tests/files/folder"))
    assert trendanswers.trend_answer(trends) == [trendanswers.NO_SHARE]
    assert all(frame.empty for frame in every_table(trends).values())
    assert trends.by_day.empty
    assert trendtables.grid(trends, trendtables.worst(trends)).empty


def test_one_snapshot_is_said_to_be_too_few(tmp_path: Path) -> None:
    trends = share(tmp_path, {0: [status(last_run=-1, code=1)]})
    assert trendanswers.trend_answer(trends) == [trendanswers.ONE_SNAPSHOT]
    assert trendanswers.coverage_answer(trends) == [trendanswers.ONE_SNAPSHOT]
    assert trends.by_day.empty
    assert every_table(trends)["weeks"].empty


def test_two_snapshots_are_a_trend(tmp_path: Path) -> None:
    trends = share(tmp_path, {0: [status(last_run=-1)], 6: [status(last_run=5, code=1)]})
    assert trendanswers.trend_answer(trends)[0] == "1 task is failing now; of a week ago nothing is known."
    assert trendanswers.coverage_answer(trends)[0].startswith("2 snapshots from Fri 2026-11-20 07:00 to")
    assert trendtables.changed(trends)["after"].tolist() == ["failed"], "against the last run before the window"
    assert trendanswers.coverage_answer(trends)[-1] == "There is no blind time: nowhere is a snapshot lacking."


def test_share_without_a_status_gives_no_runs_and_no_error(tmp_path: Path) -> None:
    trends = share(tmp_path, {0: [], 6: []})
    assert (len(trends.by_day), int(trends.by_day[ENDINGS].to_numpy().sum())) == (1, 0)
    assert "No run that was seen failed." in trendanswers.trend_answer(trends)


# Files ----------------------------------------------------------------------------------------------------------------


def test_files_have_the_columns_of_the_dictionary_and_all_rows(trends: Trends, tmp_path: Path) -> None:
    files = {file.stem: file for file in save_trends(trends, tmp_path)}
    assert files.keys() == {"runs", "slots", "changes"}
    for name, file in files.items():
        text = file.read_bytes()
        assert text.startswith(b"\xef\xbb\xbf")
        with file.open(encoding="utf-8-sig", newline="") as opened:
            head, *rows = csv.reader(opened)
        assert head == list(COLUMNS[name])
        assert len(rows) == len(getattr(trends, name)) == text.count(b"\r\n") - 1
    first = dict(zip(COLUMNS["runs"], (files["runs"].read_text("utf-8-sig").splitlines()[1]).split(","), strict=True))
    assert first["started"] == "2026-09-25T02:20:02-04:00"
    assert (first["ended"], first["seconds"], first["code"], first["source"]) == ("", "", "0", "status")
    assert save_trends(trends, "") == []


def test_fast_file_is_that_of_save_for_all_kinds_of_values(tmp_path: Path) -> None:
    texts = [*HOSTILE, *HOSTILE.values(), 'a "b", c', "two\nlines", "-5", "--password S3cret", ""]
    texts += ["{11111111-2222-3333-4444-555555555555}", "+x"]
    number = len(texts)
    moments = pd.date_range("2026-10-31", periods=number, freq="2h", tz="UTC").to_series().reset_index(drop=True)
    frame = pd.DataFrame(
        {
            "text": pd.Series(texts, dtype="category"),
            "at": moments.where(np.arange(number) % 3 > 0),
            "seconds": np.where(np.arange(number) % 2, 1.5, np.nan),
            "code": pd.array([None if n % 4 else n for n in range(number)], "UInt32"),
        }
    )
    shown = frame.assign(text=[mask(text) for text in texts], at=frame["at"].dt.tz_convert(NEW_YORK))
    (file,) = save({"some": shown}, tmp_path)
    assert b"".join(csv_parts(frame, list(frame), NEW_YORK)) == file.read_bytes()


# The notebook ---------------------------------------------------------------------------------------------------------


def cells(kind: str) -> list[str]:
    notebook = nbformat.read(notebook_file("trends"), 4)
    assert 14 <= len(notebook.cells) <= 20
    assert [cell.id for cell in notebook.cells] == [f"trends-{number:02}" for number in range(len(notebook.cells))]
    assert [cell for cell in notebook.cells if cell.cell_type == "code" and cell.outputs] == []
    return [cell.source for cell in notebook.cells if cell.cell_type == kind]


def shown_by_notebook(**parameters: object) -> str:
    """What the cells show, run here in one process."""
    shown: list[str] = []
    names: dict[str, object] = {"display": lambda *items: shown.extend(map(_html, items))}
    for number, source in enumerate(cells("code")):
        lines = source.splitlines()
        last = next((n for n in range(len(lines) - 1, -1, -1) if not lines[n].startswith((" ", ")", "]"))), 0)
        exec("\n".join(lines[:last]), names)
        value = eval("\n".join(lines[last:]), names) if number else exec("\n".join(lines[last:]), names)
        if value is not None:
            shown.append(_html(value))
        if not number:
            names |= parameters
    return "\n".join(shown)


def _html(item: object) -> str:
    return item._repr_html_() if hasattr(item, "_repr_html_") else item._repr_mimebundle_()["text/html"]  # type: ignore[attr-defined]


def test_notebook_has_the_parameters_of_the_others_and_days(trends: Trends) -> None:
    first = cells("code")[0].splitlines()
    other = nbformat.read(notebook_file("status"), 4).cells[1].source.splitlines()
    assert first[: len(other)] == other
    assert first[len(other) :] == ["days: int = 90  # how many days before the snapshot are looked at"]
    assert not [source for source in cells("code") if "for " in source.split("#")[0] or "def " in source]


def test_page_of_the_sample_answers_each_question_with_a_figure() -> None:
    html = shown_by_notebook()
    assert html.count("<figure") == 8
    assert "It turned on Monday, 2026-11-09" in html
    assert "Everything could be read." in html or "not stored" in html


def test_page_without_a_share_or_with_one_snapshot_says_so_in_words(tmp_path: Path) -> None:
    write(tmp_path, 0, status(last_run=-1))
    for data, said in (("tests/files/folder", trendanswers.NO_SHARE), (str(tmp_path), trendanswers.ONE_SNAPSHOT)):
        html = shown_by_notebook(data=data)
        assert said in html
        assert "<figure" not in html


def test_text_of_a_task_is_only_text_on_the_page_and_in_the_files(tmp_path: Path) -> None:
    definitions = {path: definition(text).encode() for path, text in HOSTILE.items()}
    for hour, code in ((0, 0), (6, 1), (12, 1)):
        rows = [Status(path, "Ready", True, NOON + timedelta(hours=hour - 1), code) for path in HOSTILE]
        write(tmp_path, hour, *rows, definitions=definitions | {r"\broken": b"<Task><b onclick='x'>"})
    html = shown_by_notebook(data=str(tmp_path), save_to=str(tmp_path / "out"))
    assert "<script" not in html
    assert "<b>bold" not in html
    assert "S3cret" not in html
    assert "&lt;b&gt;bold" in html
    text = (tmp_path / "out" / "runs.csv").read_text("utf-8-sig")
    assert "S3cret" not in text
    assert "\n=" not in text


@pytest.mark.slow
def test_notebook_runs_to_its_end_as_a_report_does(tmp_path: Path) -> None:
    assert run_notebook("trends", notebook_file("trends"), {"save_to": str(tmp_path / "out")}, tmp_path) is None
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["changes.csv", "runs.csv", "slots.csv"]
    assert json.loads((tmp_path / "trends.ipynb").read_text("utf-8"))["cells"]


def test_times_are_shown_as_the_server_s_clocks_tell_them(trends: Trends) -> None:
    since = trendtables.worst(trends).set_index("task_path")["failing_since"]
    assert text_of(since["\\OpenData\\Permits\\Inspections"]) == "2026-11-09 07:10"
    assert since["\\Heartbeat"] == ""
