"""The sentences of the short answer: each number in them is counted here another way."""

from dataclasses import replace
from datetime import UTC, datetime

from taskanalysis import __version__
from taskanalysis.errors import Problem
from taskanalysis.health.incidents import find_incidents
from taskanalysis.health.rules import parse_rules
from taskanalysis.health.verdicts import judge
from taskanalysis.report.answers import (
    inventory_answer,
    inventory_check,
    page_facts,
    rules_check,
    status_answer,
    status_limits,
)
from taskanalysis.report.tables import findings, inventory
from taskanalysis.snapshot.snapshot import Snapshot
from taskanalysis.snapshot.status import Status

NOON = datetime(2026, 11, 23, 17, tzinfo=UTC)


def answer(snapshot: Snapshot, folder: str = "") -> list[str]:
    return inventory_answer(inventory(snapshot, folder), findings(snapshot, folder))


def test_answer_of_the_sample_counts_right(sample: Snapshot) -> None:
    users = {task.principal.user_id or task.principal.group_id for task in sample.tasks.values()}
    assert answer(sample)[:2] == [
        f"{len(sample.tasks)} tasks in 12 folders, run by {len(users)} accounts; 1 task disabled.",
        r"To put them back, type in the password of TOWN\opendata (9 tasks) and TOWN\svc-gis (5 tasks).",
    ]
    assert answer(sample)[2].startswith("To look at first: nothing starts it (2), ends soon (1), secret in")
    assert answer(sample)[3] == "Nothing was found in 19 of 49 tasks."


def test_answer_for_a_folder_counts_that_folder_alone(sample: Snapshot) -> None:
    assert answer(sample, r"\Backup")[:2] == [
        "2 tasks in 1 folder, run by 1 account; 0 tasks disabled.",
        "They can be put back without any password.",
    ]


def test_answer_says_where_there_is_nothing(sample: Snapshot, hostile: Snapshot) -> None:
    assert answer(sample, r"\Nowhere") == ["There is no task definition here."]
    assert answer(hostile)[-1] == "Something was found in each of 7 tasks."


def test_check_of_the_sample_matches_definitions_and_statuses(sample: Snapshot) -> None:
    assert inventory_check(sample) == [
        "49 task definitions read, 0 files not readable.",
        f"They are of 2026-11-23 06:02 (America/New_York), read by taskanalysis {__version__}.",
        r"6 tasks below \Microsoft: counted, not listed on this page.",
        "55 status rows, none without its partner.",
    ]


def test_check_names_what_has_only_one_side(sample: Snapshot) -> None:
    statuses = {**sample.statuses, r"\New": Status(r"\New")}
    assert inventory_check(replace(sample, statuses=statuses))[-1].endswith(", 1 without its partner.")


def test_check_counts_what_is_not_listed(sample: Snapshot) -> None:
    assert inventory_check(sample, r"\OpenData")[2] == r"12 tasks outside \OpenData: counted, not listed on this page."
    assert inventory_check(replace(sample, statuses={}))[-1] == "No status was collected with them."


def test_check_says_that_other_servers_are_not_on_the_page(sample: Snapshot) -> None:
    assert inventory_check(replace(sample, others=99))[-1] == "99 other servers in this share: not on this page."


def test_page_says_server_moment_zone_and_scope(sample: Snapshot) -> None:
    assert page_facts(sample) == {
        "Server": "OPENDATA01",
        "Snapshot": "Monday, 2026-11-23 06:02 (America/New_York)",
        "Tasks": r"all outside \Microsoft",
    }
    unknown = page_facts(replace(sample, zone="", server=""), r"\OpenData")
    assert unknown["Snapshot"].endswith("11:02 (UTC; the zone of the server is not known)")
    assert unknown["Server"] == "not named in the files"
    assert unknown["Tasks"] == r"\OpenData and below"
    assert page_facts(replace(sample, server="--password S3cret"))["Server"] == "--password ***"


# Status ---------------------------------------------------------------------------------------------------------------


def test_answer_of_the_status_says_whether_to_worry(sample: Snapshot) -> None:
    lines = status_answer(sample, judge(sample), find_incidents(judge(sample)))
    assert lines[0] == "13 of 49 tasks need attention."
    assert lines[1].startswith(r"One cause: 9 tasks, all as TOWN\opendata, 0x8007052E: ")
    assert [line.split(". ")[0] for line in lines[2:6]] == [
        r"FAILING: \OpenData\Portal\Full-text index",
        r"RUNNING LONG: \OpenData\Services\Crime statistics",
        r"FAILING: \OpenData\Transit\Bus stops",
        r"FAILING: \OpenData\Transit\Ridership",
    ]
    assert lines[6:] == ["All in all: 32 OK, 12 FAILING, 2 RUNNING, 1 RUNNING LONG, 1 NEVER RAN and 1 DISABLED."]


def test_quiet_status_is_said_to_be_quiet(sample: Snapshot) -> None:
    good = judge(sample, folder=r"\Backup")
    assert status_answer(sample, good, [], r"\Backup")[0] == "None of 2 tasks needs attention: no need to worry."
    muted = judge(sample, parse_rules("[[rule]]\ntask = '*Offsite*'\nignore = true"), r"\Backup")
    assert status_answer(sample, muted, [], r"\Backup")[-1] == "1 task muted by rules.toml: counted, not listed."
    everything = judge(sample, parse_rules("[[rule]]\ntask = '*'\nignore = true"), r"\Backup")
    assert status_answer(sample, everything, []) == ["2 tasks muted by rules.toml: counted, not listed."]
    assert status_answer(sample, [], []) == ["No status was collected, so nothing can be said of how the tasks run."]


def test_what_could_not_be_read_is_no_reason_not_to_worry(sample: Snapshot) -> None:
    good = judge(sample, folder=r"\Backup")
    damaged = replace(sample, problems=[Problem("status.csv", "line 3: is cut")])
    assert status_answer(damaged, good, [], r"\Backup")[:2] == [
        "None of 2 tasks needs attention.",
        "1 problem in what was read: see the end of this page.",
    ]
    lacking = replace(sample, statuses={path: sample.statuses[path] for path in [r"\Backup\Offsite copy"]})
    assert status_answer(lacking, judge(lacking, folder=r"\Backup"), [], r"\Backup")[:2] == [
        "None of 1 task needs attention.",
        "1 task without any status: nothing is known of how they run.",
    ]


def test_limits_name_what_the_data_lack(sample: Snapshot) -> None:
    assert status_limits(sample) == ["From one snapshot nothing is known of earlier runs, nor since when a task fails."]
    old = replace(sample, holds=frozenset({"state", "last_result"}), tasks={})
    assert status_limits(old)[1:] == [
        "No definitions came with it, so no missed start can be told.",
        "These data do not tell when it last ran.",
        "No definitions came with it, so a code is read without knowing the program that gave it.",
    ]


def test_limits_name_the_tasks_whose_schedule_is_in_doubt(sample: Snapshot) -> None:
    other = {path: replace(status, next_run=NOON) for path, status in sample.statuses.items() if status.next_run}
    doubtful = replace(sample, statuses=other)
    (said,) = status_limits(doubtful, judge(doubtful))[1:]
    assert said.startswith("No missed start is told where Windows names another next start")
    assert said.endswith(" and others.")
    unknown = replace(sample, zone="")
    assert "--zone" in status_limits(unknown, judge(unknown))[1]


def test_rule_that_matches_no_task_is_reported(sample: Snapshot) -> None:
    rules = parse_rules("[[rule]]\ntask = '*'\nignore = true\n[[rule]]\ntask = '*Gone*'")
    assert rules_check(sample, rules) == [
        "The rule for *Gone* in rules.toml, line 5 matches no task.",
        "The rule for * in rules.toml, line 3 mutes without an end.",
    ]


def test_silence_is_not_taken_for_good_news() -> None:
    statuses = {path: Status(path, "Ready") for path in (r"\A", r"\B")} | {r"\C": Status(r"\C", "Ready", True, NOON, 0)}
    snapshot = Snapshot("S", NOON, statuses=statuses)
    assert status_answer(snapshot, judge(snapshot), find_incidents(judge(snapshot))) == [
        "None of 1 task needs attention.",
        "Of 2 other tasks it is not known how the last run ended.",
        "All in all: 1 OK and 2 UNKNOWN.",
    ]
    assert inventory_check(snapshot)[-1] == "3 status rows, no definitions beside them."
