"""The sentences of the short answer: each number in them is counted here another way."""

from dataclasses import replace
from datetime import UTC, datetime

from taskanalysis.answers import inventory_answer, inventory_check, page_facts
from taskanalysis.snapshot import Snapshot
from taskanalysis.status import Status


def test_answer_of_the_sample_counts_right(sample: Snapshot) -> None:
    users = [task.principal.user_id or task.principal.group_id for task in sample.tasks.values()]
    assert inventory_answer(sample)[:2] == [
        f"{len(sample.tasks)} tasks in 12 folders, run as {len(set(users))} accounts; 1 of them disabled.",
        r"To put them back, type in the password of TOWN\opendata (9 tasks) and TOWN\svc-gis (5 tasks).",
    ]
    assert inventory_answer(sample)[2].startswith("To look at first: nothing starts it (2), ends soon (1), secret in")
    assert len(inventory_answer(sample)) == 4


def test_answer_for_a_folder_counts_that_folder_alone(sample: Snapshot) -> None:
    assert inventory_answer(sample, r"\Backup")[:2] == [
        "2 tasks in 1 folder, run as 1 account; none of them disabled.",
        "They can be put back without any password.",
    ]


def test_answer_says_where_there_is_nothing(sample: Snapshot) -> None:
    assert inventory_answer(sample, r"\Nowhere") == ["No task is defined here."]
    assert inventory_answer(Snapshot("S", datetime(2026, 1, 1, tzinfo=UTC))) == ["No task definition could be read."]


def test_check_of_the_sample_matches_definitions_and_statuses(sample: Snapshot) -> None:
    assert inventory_check(sample) == [
        "49 task definitions read, 0 files not readable.",
        "49 status rows beside them, none without its partner.",
    ]


def test_check_names_what_has_only_one_side(sample: Snapshot) -> None:
    statuses = {**sample.statuses, r"\New": Status(r"\New")}
    assert inventory_check(replace(sample, statuses=statuses))[1].endswith(", 1 without its partner.")


def test_check_counts_what_is_not_listed(sample: Snapshot) -> None:
    assert inventory_check(sample, r"\OpenData")[1] == r"6 tasks outside \OpenData: counted, not listed on this page."
    assert inventory_check(replace(sample, statuses={}))[-1] == "No status was collected with them."


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
