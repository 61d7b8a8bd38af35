"""The status page: whether to worry, how each task stands, and the files of it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from taskanalysis.errors import Problem
from taskanalysis.health.rules import parse_rules, read_rules
from taskanalysis.report.columns import COLUMNS
from taskanalysis.report.status import StatusPage
from taskanalysis.report.trends import Trends
from taskanalysis.snapshot.share import sample_share
from taskanalysis.snapshot.snapshot import Snapshot
from taskanalysis.snapshot.status import Status

NOON = datetime(2026, 11, 23, 17, tzinfo=UTC)
ALL_MUTED = parse_rules("[[rule]]\ntask = '*'\nignore = true")


@pytest.fixture(scope="module")
def page(sample: Snapshot) -> StatusPage:
    return StatusPage(sample, rules=read_rules(sample_share() / "rules.toml"))


@pytest.fixture(scope="module")
def status(page: StatusPage) -> pd.DataFrame:
    return page.tasks.frame


def test_page_reads_rules_and_history_of_the_share() -> None:
    page = StatusPage.read(folder=r"\OpenData\Transit")
    assert page.history
    assert page.rules.rules
    assert page.failing.frame["task_path"].tolist() == [r"\OpenData\Transit\Bus stops", r"\OpenData\Transit\Ridership"]
    assert page.overdue.frame.empty
    assert len(page.running.frame) == 1


def test_run_book_stands_beside_the_advice_of_tasks_that_need_attention(sample: Snapshot) -> None:
    rules = parse_rules("[[rule]]\ntask = '*'\nlink = 'https://wiki.example/x'")
    frame = StatusPage(sample, r"\OpenData\Transit", rules=rules).tasks.frame
    has_link = frame["advice"].str.endswith(" (Run book: https://wiki.example/x)")
    assert frame.loc[has_link, "verdict"].tolist() == ["FAILING", "FAILING"]
    assert len(frame) > 2


# Sentences ------------------------------------------------------------------------------------------------------------


def test_answer_of_the_status_says_whether_to_worry(page: StatusPage) -> None:
    lines = page.answer.lines
    assert lines[0] == "17 of 52 tasks need attention."
    assert lines[1].startswith(r"One cause: 9 tasks, all as TOWN\opendata, 0x8007052E: ")
    assert [line.split(". ")[0] for line in lines[2:7]] == [
        r"UNKNOWN: \OpenData\Admin\Old exports",
        r"RUNNING LONG: \OpenData\GIS\Tiles\Base map",
        r"OVERDUE: \OpenData\Log clean-up",
        r"FAILING: \OpenData\Portal\Full-text index",
        r"RUNNING LONG: \OpenData\Services\Crime statistics",
    ]
    assert lines[7:] == [
        "And 3 more tasks, listed below.",
        "Summary: 31 OK, 13 FAILING, 1 OVERDUE, 2 RUNNING, 2 RUNNING LONG, 1 NEVER RAN, 1 DISABLED and 1 UNKNOWN.",
    ]


def test_problems_beyond_the_fifth_are_counted() -> None:
    statuses = {f"\\{name}": Status(f"\\{name}", "Ready", True, NOON, 1) for name in "ABCDEFG"}
    few = {path: replace(status, last_result=number + 1) for number, (path, status) in enumerate(statuses.items())}
    assert StatusPage(Snapshot("S", NOON, statuses=few)).answer.lines[6] == "And 2 more tasks, listed below."


def test_quiet_status_is_called_quiet(sample: Snapshot) -> None:
    quiet = StatusPage(sample, r"\Backup")
    assert quiet.answer.lines[0] == "None of 2 tasks needs attention: no need to worry."
    muted = replace(quiet, rules=parse_rules("[[rule]]\ntask = '*Offsite*'\nignore = true"))
    assert muted.answer.lines[-1] == "1 task muted by rules.toml: counted, not listed."
    assert replace(quiet, rules=ALL_MUTED).answer.lines == [
        "No task is judged.",
        "2 tasks muted by rules.toml: counted, not listed.",
    ]
    nothing = StatusPage(replace(sample, statuses={}))
    assert nothing.answer.lines == [
        "No status was collected.",
        "It is not known how the tasks run: no status was collected.",
    ]


def test_what_could_not_be_read_is_no_reason_not_to_worry(sample: Snapshot) -> None:
    damaged = replace(sample, problems=[Problem("status.csv", "line 3: is cut")])
    assert StatusPage(damaged, r"\Backup").answer.lines[:2] == [
        "None of 2 tasks needs attention; not everything could be seen.",
        "1 problem in the data that were read.",
    ]
    lacking = replace(sample, statuses={path: sample.statuses[path] for path in [r"\Backup\Offsite copy"]})
    assert StatusPage(lacking, r"\Backup").answer.lines[:2] == [
        "None of 1 task needs attention; 1 could not be judged.",
        r"1 task: not judged, because there is no status: \Backup\System state.",
    ]


def test_no_output_is_not_taken_for_good_news() -> None:
    statuses = {path: Status(path, "Ready") for path in (r"\A", r"\B")} | {r"\C": Status(r"\C", "Ready", True, NOON, 0)}
    page = StatusPage(Snapshot("S", NOON, statuses=statuses))
    assert page.answer.lines == [
        "None of 3 tasks needs attention; 3 could not be judged.",
        r"2 tasks: not judged, because the last result is not known: \A and \B.",
        r"1 task: not judged, because no definitions were collected: \C.",
        "No: no definitions were collected.",
        "Summary: 1 OK and 2 UNKNOWN.",
    ]
    assert "3 status rows, no definitions with them." in page.check.lines


# Tables ---------------------------------------------------------------------------------------------------------------


def test_tasks_that_need_attention_come_first(status: pd.DataFrame) -> None:
    loud = {"FAILING", "OVERDUE", "RUNNING LONG", "UNKNOWN"}
    assert len(status) == 52
    assert set(status["verdict"][:17]) == loud
    assert not set(status["verdict"][17:]) & loud


def test_each_verdict_has_its_table(page: StatusPage, status: pd.DataFrame) -> None:
    tables = [page.failing, page.overdue, page.running, page.disabled, page.unknown]
    parts = [table.frame["verdict"].value_counts().to_dict() for table in tables]
    assert parts == [
        {"FAILING": 13},
        {"OVERDUE": 1, "NEVER RAN": 1},
        {"RUNNING": 2, "RUNNING LONG": 2},
        {"DISABLED": 1},
        {"UNKNOWN": 1},
    ]
    assert sum(len(table.frame) for table in tables) == (status["verdict"] != "OK").sum()


def test_status_row_says_what_is_known(status: pd.DataFrame) -> None:
    row = status.set_index("task_path").loc[r"\OpenData\Permits\Nightly load"]
    assert (row["outcome"], row["code"], row["hex"]) == ("not started", 0x8007052E, "0x8007052E")
    assert row["incident"].startswith(r"9 tasks, all as TOWN\opendata")
    assert row["last_run"].isoformat() == "2026-11-22T22:15:02-05:00"
    row = status.set_index("task_path").loc[r"\OpenData\GIS\Tiles\Mirror"]
    assert (row["verdict"], row["owner"], row["code"]) == ("OK", "GIS team", 1)


def test_status_keeps_never_and_unknown_apart() -> None:
    statuses = {r"\A": Status(r"\A", last_run="never"), r"\B": Status(r"\B")}
    frame = StatusPage(Snapshot("S", NOON, statuses=statuses)).tasks.frame
    assert frame["last_run"].tolist() == ["never", ""]
    assert frame["code"].isna().all()
    assert frame["verdict"].tolist() == ["NEVER RAN", "UNKNOWN"]


def test_old_status_keeps_its_columns_and_their_meaning(page: StatusPage) -> None:
    old = page.old_status
    assert list(old.columns[:8]) == [*COLUMNS["old_status"], "task_path", "verdict", "last_run", "meaning"]
    assert set(old.columns[4:]) == set(COLUMNS["status"])
    by_path = old.set_index("task_path")
    row = by_path.loc[r"\OpenData\Permits\Nightly load"]
    assert (row["name"], row["lastResult"], row["resultCode"]) == ("Nightly load", "Broken", 0x8007052E)
    assert row["timeStamp"] == row["next_run"]
    assert by_path.loc[r"\OpenData\GIS\Tiles\Mirror", "lastResult"] == "Working"
    assert by_path.loc[r"\OpenData\Admin\Monthly archive", "lastResult"] == "Unknown"


def test_muted_task_is_not_listed(sample: Snapshot) -> None:
    page = StatusPage(sample, rules=ALL_MUTED)
    assert page.tasks.frame.empty
    assert list(page.old_status.columns)[:4] == list(COLUMNS["old_status"])


def test_changes_are_those_of_24_hours_the_newest_first(sample: Snapshot, trends: Trends) -> None:
    history = trends.history
    changes = StatusPage(sample, history=history).changes.frame
    assert changes[["task_path", "kind", "after"]].to_numpy().tolist() == [
        [r"\OpenData\Transit\Bus stops", "outcome", "failed"],
        [r"\OpenData\GIS\Address points", "outcome", "succeeded"],
        [r"\OpenData\Transit\Parking meters", "outcome", "stopped"],
        [r"\OpenData\Portal\Full-text index", "outcome", "stopped"],
        [r"\OpenData\Transit\Bus stops", "outcome", "succeeded"],
        [r"\OpenData\Transit\Bus stops", "outcome", "failed"],
        [r"\OpenData\Services\Recreation calendar", "outcome", "not started"],
    ]
    assert changes["at"].min() > sample.local_time - timedelta(days=1)
    assert StatusPage(sample, r"\Backup", history=history).changes.empty == "Nothing changed."
    assert StatusPage(sample).changes.empty == "There is no snapshot before this one."
    assert StatusPage(sample).changes.frame.empty


def test_status_with_a_history_shows_how_the_runs_before_went(sample: Snapshot, trends: Trends) -> None:
    tasks = StatusPage(sample, history=trends.history).tasks.frame.set_index("task_path")
    row = tasks.loc[r"\OpenData\Transit\Bus stops"]
    assert (row["consecutive_failures"], row["runs_7d"], row["runs_30d"], row["flapping"]) == (1, 28, 112, True)
    assert row["success_rate_7d"] == 17 / 28
    assert f"{row['last_success']:%m-%d %H:%M %z}" == "11-22 22:20 -0500"
    few = tasks.loc[r"\Backup\System state"]
    assert (few["runs_7d"], few["success_rate_7d"] is pd.NA) == (1, True)
    columns = ["consecutive_failures", "runs_7d", "success_rate_7d", "runs_30d", "success_rate_30d", "flapping"]
    assert StatusPage(sample).tasks.frame[columns].isna().all(axis=None)


# Files ----------------------------------------------------------------------------------------------------------------


def test_status_json_has_its_keys_and_plain_values(page: StatusPage, tmp_path: Path) -> None:
    files = page.save(tmp_path, made_at=datetime(2026, 11, 23, 12, tzinfo=UTC))
    assert [file.name for file in files] == ["status.csv", "task-status.csv", "status.json"]
    content = json.loads(files[-1].read_text(encoding="utf-8"))
    assert list(content) == [
        *("format", "version", "server", "taken_at", "made_at", "stale_after", "zone", "code", "headline"),
        *("attention", "unseen", "backup", "summary", "counts", "tasks", "incidents", "problems"),
    ]
    assert content["taken_at"] == "2026-11-23T06:02:00-05:00"
    assert content["made_at"] == "2026-11-23T07:00:00-05:00"
    assert content["stale_after"] == "2026-11-23T18:02:00-05:00"
    assert content["counts"]["FAILING"] == 13
    assert (content["code"], content["attention"], content["unseen"]) == (1, 17, [])
    assert content["backup"]["sentence"] == "Yes: all 52 tasks are in the backup."
    assert content["summary"][0].endswith(": 17 of 52 tasks need attention.")
    assert [len(content[name]) for name in ("tasks", "incidents", "problems")] == [52, 1, 0]
    row = next(row for row in content["tasks"] if row["task_path"] == r"\OpenData\Admin\Monthly archive")
    assert (row["last_run"], row["owner"], row["code"], row["flapping"]) == ("never", None, 267011, None)
    assert page.save("") == []
