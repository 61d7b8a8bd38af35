"""The sentences of the trends: each number in them is counted another way."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from taskanalysis.health.past import GOOD
from taskanalysis.health.rules import rules_of
from taskanalysis.report import trend_answers, trend_tables
from taskanalysis.report.strips import day_signs
from taskanalysis.report.trends import Trends
from taskanalysis.report.window import Window
from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot
from tests.build import LOAD, every, scheduled, status, trends_of, window_of, xml
from tests.whole.test_stories import MISSED, QUEUED


@pytest.fixture(scope="module")
def answer(trends: Trends) -> list[str]:
    return list(trends.answer.lines)


def test_starts_missed_while_the_server_was_off_are_counted_and_named(window: Window, answer: list[str]) -> None:
    off = window.missed_starts["day"].between("2026-10-16", "2026-10-19")
    assert window.missed_starts[off].groupby("task_path", observed=True).size().to_dict() == MISSED
    assert window.missed_starts[~off].groupby("task_path", observed=True).size().to_dict() == QUEUED
    said = f"34 tasks missed {sum(MISSED.values()):,} starts between 2026-10-16 13:02 and 2026-10-19 07:02"
    assert f"{said}: the server was off." in answer
    (queued,) = QUEUED
    assert [line for line in answer if "while snapshots were taken" in line] == [
        f"1 task missed 3 starts while snapshots were taken: {queued}."
    ]
    table = trend_tables.missed(window)
    off = table["why"] == "The server was off: Windows counts them as missed."
    assert dict(table.loc[off, ["task_path", "starts"]].to_numpy().tolist()) == MISSED
    assert table.loc[~off, ["task_path", "starts", "why"]].to_numpy().tolist() == [[queued, 3, ""]]


def test_password_change_is_the_turn_and_the_one_cause(answer: list[str]) -> None:
    assert answer[0] == "Worse since Mon 9 Nov."
    assert answer[1] == (
        "About as good as a week ago, and worse than four weeks ago: "
        "13 tasks are failing now, 11 a week ago, 1 four weeks ago."
    )
    assert answer[2] == ("Since 2026-11-09, when 9 more tasks were failing than the day before, it has stayed so.")
    assert answer[4].startswith("One cause: 9 tasks since 2026-11-09 07:10, all as TOWN\\opendata, 0x8007052E: ")


def test_rates_are_of_finished_runs_of_the_days_named(window: Window, answer: list[str]) -> None:
    now = window.snapshot.taken_at
    rows = [row for row in window.runs.itertuples() if row.ending not in ("running", "unknown")]
    week = [row.sign for row in rows if row.started > now - timedelta(days=7)]
    month = [row.sign for row in rows if now - timedelta(days=35) < row.started <= now - timedelta(days=7)]
    rates = [f"{100 * part.count(GOOD) / len(part):.1f} %" for part in (week, month)]
    assert answer[3] == (
        f"Of {len(week)} finished runs of the last 7 days {rates[0]} succeeded, "
        f"of {len(month):,} of the 28 days before {rates[1]}."
    )


def test_changes_not_shown_are_counted(window: Window) -> None:
    shown = trend_tables.changed(window)
    outcomes = (window.all_changes["kind"] == "outcome").sum() - (shown["kind"] == "outcome").sum()
    assert trend_answers.changes_answer(window, shown) == [
        "6 changes: tasks added, removed, changed, enabled or disabled, and scripts that were changed or removed.",
        f"{outcomes} changes of outcome did not last for three runs: not listed, but in changes.csv.",
    ]


def test_window_of_a_week_knows_nothing_of_the_days_before(sample: Snapshot) -> None:
    week = trends_of(sample, rules_of(sample.share), days=7)
    assert (len(week.by_day), week.gaps) == (8, [])
    assert not [line for line in trend_answers.coverage_answer(week) if "asked for" in line]
    assert week.runs["started"].min() >= sample.taken_at - timedelta(days=7)
    assert trend_answers.trend_answer(week)[0].endswith("13 tasks are failing now, 11 a week ago.")
    missed = [line for line in trend_answers.trend_answer(week) if "blind" in line or "missed" in line]
    assert [line.split(":")[0] for line in missed] == ["1 task missed 3 starts while snapshots were taken"]


def test_without_a_zone_days_are_utc_and_no_start_is_expected(tmp_path: Path) -> None:
    rows = {0.0: [status(last_run=-1)], 18.0: [status(last_run=16)], 36.0: [status(last_run=35)]}
    window = window_of(tmp_path, rows, zone="", definitions={LOAD: xml()})
    assert window.by_day["succeeded"].tolist() == [0, 2, 0]
    (line,) = trend_answers.expected_answer(window)
    assert line == "Which starts were expected is not known: the server's zone is not known."


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
    rows = {80.0 * n: [status(last_run=80 * n - 1, code=code)] for n, code in enumerate(codes, -3)}
    assert trend_answers.trend_answer(window_of(tmp_path, rows))[0] == said


FOUR = ["\\A", "\\B", "\\C", "\\D"]


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ([0, 0, 1, 1], "Worse since yesterday"),
        ([1, 1, 0, 0], "Better since yesterday"),
        ([0, 0, 1, 1, 0], "Not known: there are no snapshots of a week ago"),
        ([1, 1, 0, 0, 1], "Not known: there are no snapshots of a week ago"),
        ([0, 0, 0, 0], "Not known: there are no snapshots of a week ago"),
        ([0] * 9, "About as good as a week ago"),
        ([1] * 9, "About as good as a week ago"),
        ([0, 1, *[0] * 8], "About as good as a week ago"),
        ([0] * 8 + [1], "Worse since today"),
        ([1] * 8 + [0], "Better since today"),
    ],
)
def test_direction_is_a_few_words_and_never_calm_without_a_week(codes: list[int], said: str, tmp_path: Path) -> None:
    rows = {
        24.0 * n: [status(path, last_run=24 * n - 1, code=code) for path in FOUR]
        for n, code in enumerate(codes, -max(len(codes) - 5, 0))
    }
    window = window_of(tmp_path, rows, definitions=dict.fromkeys(FOUR, xml()))
    assert trend_answers.direction(window) == said
    page = trends_of(window.snapshot)
    assert page.answer.title == said
    assert page.answer.is_good is not said.startswith(("Worse", "Not known"))
    blind = trends_of(replace(window.snapshot, statuses={}))
    assert blind.answer.title.endswith("; not everything could be seen")
    assert not blind.answer.is_good


def test_one_task_more_or_less_is_no_step_but_from_none(tmp_path: Path) -> None:
    """Against a week ago, since a step of the days needs three tasks."""
    for name, before, after, said in (
        ("a", 0, 1, "Worse than a week ago"),
        ("b", 1, 2, "About as good as a week ago"),
        ("c", 1, 0, "Better than a week ago"),
    ):
        rows = {
            24.0 * n: [
                status(path, last_run=24 * n - 1, code=int(place < (before if n < 4 else after)))
                for place, path in enumerate(FOUR)
            ]
            for n in range(-3, 6)
        }
        assert trend_answers.direction(window_of(tmp_path / name, rows)) == said


def test_direction_without_a_trend_says_why(tmp_path: Path) -> None:
    one = window_of(tmp_path, {0: [status(last_run=-1)]})
    assert trend_answers.direction(one) == "Not known: there is only one snapshot"
    assert trend_answers.direction(trends_of(read_snapshot("tests/files/folder"))) == (
        "Not known: this is no share of snapshots"
    )
    assert trend_answers.points(one) == []


def test_points_of_the_index_are_numbers_rates_and_blind_times(window: Window, answer: list[str]) -> None:
    points = trend_answers.points(window)
    assert points[0] == "13 tasks are failing now, 11 a week ago, 1 four weeks ago."
    assert points[1] in answer
    assert points[2].startswith("No snapshots from 2026-10-16 13:02 to 2026-10-19 07:02 and from 2026-10-26 ")
    assert points[2].endswith(": these days are gaps in the figures, never zeros.")


def test_days_before_the_first_snapshot_are_named_as_a_day(window: Window) -> None:
    line = trend_answers.coverage_answer(window)[1]
    assert line == "Of the 90 days asked for, those before 2026-09-24 are not known."
    assert window.look.said(line).endswith("those before Thu 24 Sep are not known.")


def test_turn_is_not_said_where_it_went_back(tmp_path: Path) -> None:
    paths = ["\\A", "\\B", "\\C", "\\D"]
    codes = [0, 0, 1, 1, 0]
    rows = {24.0 * n: [status(path, last_run=24 * n - 1, code=code) for path in paths] for n, code in enumerate(codes)}
    back = window_of(tmp_path / "back", rows)
    assert not [line for line in trend_answers.trend_answer(back) if "stayed so" in line]
    rows.pop(96.0)
    stays = window_of(tmp_path / "stays", rows)
    assert [line for line in trend_answers.trend_answer(stays) if "stayed so" in line] == [
        "Since 2026-11-22, when 4 more tasks were failing than the day before, it has stayed so."
    ]


def test_missed_start_outside_of_a_blind_time_is_named(tmp_path: Path) -> None:
    trigger = "<CalendarTrigger><StartBoundary>2026-01-01T06:00:00</StartBoundary><ScheduleByDay/></CalendarTrigger>"
    daily = f"<Task><Triggers>{trigger}</Triggers><Actions><Exec><Command>x.exe</Command></Exec></Actions></Task>"
    stands = [status(last_run=-1)]
    window = window_of(tmp_path, {12 * n: stands for n in range(5)}, definitions={LOAD: daily.encode()})
    assert trend_answers.expected_answer(window)[1:] == [f"1 task missed 2 starts while snapshots were taken: {LOAD}."]
    assert trend_tables.missed(window)[["starts", "why"]].values.tolist() == [[2, ""]]
    assert day_signs(window, [LOAD]).loc[LOAD].tolist() == ["", "M", "M"]


def test_one_snapshot_is_said_to_be_too_few(tmp_path: Path) -> None:
    window = window_of(tmp_path, {0: [status(last_run=-1, code=1)]})
    assert trend_answers.trend_answer(window) == [trend_answers.ONE_SNAPSHOT]
    assert trend_answers.coverage_answer(window) == [trend_answers.ONE_SNAPSHOT]
    assert trend_answers.runs_answer(window) == trend_answers.changes_answer(window, window.all_changes) == []
    assert window.by_day.empty
    assert trend_tables.weeks(window).empty


def test_two_snapshots_are_a_trend(tmp_path: Path) -> None:
    window = window_of(tmp_path, {0: [status(last_run=-1)], 6: [status(last_run=5, code=1)]})
    assert trend_answers.trend_answer(window)[0] == "1 task is failing now; a week ago is not known."
    assert trend_answers.coverage_answer(window)[0].startswith("2 snapshots from 2026-11-20 07:00 to")
    assert trend_tables.changed(window)["after"].tolist() == ["failed"], "against the last run before the window"
    assert trend_answers.coverage_answer(window)[-1] == "No snapshot is missing."


def test_share_without_a_status_says_nothing_of_runs(tmp_path: Path) -> None:
    window = window_of(tmp_path, {0: [], 6: []})
    assert (len(window.by_day), len(window.runs)) == (0, 0)
    why = "no status was collected"
    assert trend_answers.trend_answer(window) == [f"How many tasks are failing is not known: {why}."]
    assert trend_answers.direction(window) == f"Not known: {why}"
    assert (window.unknown_runs, window.unknown_endings, window.unknown_starts) == (why, why, NONE)


NONE = "no definitions were collected"


def test_why_runs_and_starts_are_not_known(tmp_path: Path) -> None:
    never = [status(last_run="never", code=267011)]
    window = window_of(tmp_path / "1", {0: never, 6: never}, definitions={LOAD: xml()})
    assert (window.unknown_runs, window.unknown_starts) == ("no snapshot shows a run", "")
    assert trend_answers.expected_answer(window) == [
        "No start was expected: no enabled task has a time at which it should have started."
    ]
    rows = {0: [status(last_run=-1, code=None)], 6: [status(last_run=5, code=None)]}
    window = window_of(tmp_path / "2", rows, holds=("state", "last_run"))
    assert (window.unknown_runs, window.unknown_endings) == ("", "these data do not hold the last result")
    assert trend_answers.changes_answer(window, window.all_changes)[0] == (
        f"0 changes: tasks added, removed, enabled or disabled. Definitions were not compared: {NONE}."
    )


def test_trend_of_a_last_snapshot_without_statuses_is_not_known(tmp_path: Path) -> None:
    window = window_of(tmp_path, {0: [status(last_run=-1)], 6: [status(last_run=5)], 12: []})
    assert trend_answers.direction(window) == "Not known: no status was collected"
    assert trend_answers.points(window) == []


def test_starts_that_failed_or_were_put_off_are_counted(window: Window, tmp_path: Path) -> None:
    assert trend_answers.expected_answer(window)[-1] == (
        "Known events: 62 starts failed, 2 starts ignored, 3 starts queued and 2 runs stopped at the time limit."
    )
    without = window_of(tmp_path, {0: [status()], 6: [status()]}, definitions={LOAD: scheduled(every("PT2H"))})
    assert not any("Known events" in line for line in trend_answers.expected_answer(without))


def test_starts_of_frequent_tasks_and_durations_that_are_not_known_are_named(window: Window, tmp_path: Path) -> None:
    _, left_out = trend_tables.by_hour(window)
    (line,) = trend_answers.hours_answer(left_out)
    assert line.startswith(f"Left out: {len(left_out)} tasks that start too often for most starts to be visible (")
    assert line.endswith(f" and {len(left_out) - 3} others).")
    assert trend_answers.hours_answer([]) == []
    (line,) = trend_answers.durations_answer(window)
    assert line == f"The duration of 227 of {len(window.runs):,} runs is known, from the event log."
    (line,) = trend_answers.durations_answer(window_of(tmp_path, {0: [], 6: []}))
    assert line.startswith("The duration of no run is known: only an event log shows it")
    starts = int(window.slots["count"].sum())
    assert trend_answers.expected_answer(window)[0].startswith(f"{starts:,} starts of ")
