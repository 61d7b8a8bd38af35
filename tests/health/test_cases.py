"""Cases: what one step mends is one of them, and nothing else is; in which order; and the title of the whole."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from taskanalysis.errors import Problem
from taskanalysis.health.assessment import BLIND, Assessment, assess
from taskanalysis.health.cases import Case, find_cases
from taskanalysis.health.incidents import find_incidents
from taskanalysis.health.past import Past
from taskanalysis.health.rules import Rules, parse_rules
from taskanalysis.health.verdicts import Judged, Verdict, judge
from taskanalysis.snapshot.snapshot import Snapshot
from taskanalysis.snapshot.status import Status
from tests.health.test_incidents import AN_HOUR_AGO, HOURLY, NOW, PASSWORD, overdue, several, task

CRASH = 0xC0000005
LONG_AGO = NOW - timedelta(hours=20)


def failing(names: str, code: int, user: str = "", program: str = "x.exe") -> list[Judged]:
    """Tasks that fail with a code, each as an account of its own where none is given."""
    return several(*((f"\\{name}", user or name, program, code) for name in names))


def late(names: str, **given: int) -> list[Judged]:
    return [overdue(name, LONG_AGO, **given) for name in names]


def hidden(names: str, hours: int = 5) -> list[Judged]:
    since = NOW - timedelta(hours=hours)
    return [replace(each, hidden_since=since) for each in failing(names, 1)]


def without_a_start(names: str) -> list[Judged]:
    tasks = {f"\\{name}": replace(task("x.exe", name), triggers=(HOURLY,)) for name in names}
    stands = {path: Status(path, "Ready", True, NOW - timedelta(minutes=2), 0, next_run="never") for path in tasks}
    return judge(Snapshot("S", NOW, "America/New_York", tasks, stands))


def running(names: str) -> list[Judged]:
    stands = {f"\\{name}": Status(f"\\{name}", "Running", True, NOW - timedelta(days=9), 267009) for name in names}
    return judge(Snapshot("S", NOW, "America/New_York", {path: task("x.exe", path) for path in stands}, stands))


def muted(names: str) -> list[Judged]:
    stands = {f"\\{name}": Status(f"\\{name}", "Ready", True, AN_HOUR_AGO, 1) for name in names}
    return judge(Snapshot("S", NOW, statuses=stands), parse_rules("[[rule]]\ntask = '*'\nignore = true"))


def cases(judged: Sequence[Judged]) -> list[Case]:
    return find_cases([each for each in judged if not each.ignored], find_incidents(judged))


def titles(judged: Sequence[Judged]) -> list[str]:
    return [case.title for case in cases(judged)]


# What is one case -----------------------------------------------------------------------------------------------------

ABC = ["\\a", "\\b", "\\c"]


@pytest.mark.parametrize(
    ("judged", "said"),
    [
        (failing("abc", PASSWORD, r"TOWN\etl"), [r"3 tasks cannot log on as TOWN\etl"]),
        (failing("ab", PASSWORD, r"TOWN\etl"), ABC[:2]),
        (failing("abc", CRASH, r"TOWN\etl"), [r"3 tasks fail with 0xC0000005, all of TOWN\etl"]),
        (failing("abc", CRASH, program="python.exe"), ["3 tasks fail with 0xC0000005, all of python"]),
        (failing("abc", 1, r"TOWN\etl", "python.exe"), ABC),
        (late("abc", missed_runs=1), ["3 tasks were not started while the server was off"]),
        (late("abc"), ["3 tasks are overdue"]),
        (late("ab"), ABC[:2]),
        (hidden("abc"), ["3 tasks are hidden from the collector"]),
        (hidden("ab"), ABC[:2]),
        (hidden("abc") + hidden("de", hours=6), ["3 tasks are hidden from the collector", "\\d", "\\e"]),
        (failing("abc", 4711), ["3 tasks ended with 4711, which is not known"]),
        (failing("ab", 4711) + failing("c", 4712), ABC),
        (without_a_start("abc"), ["Windows plans no further start of 3 tasks"]),
        (without_a_start("ab"), ABC[:2]),
        (running("abc"), ABC),
        (failing("abc", 0), []),
        (muted("abc"), []),
        ([], []),
    ],
)
def test_case_is_what_one_step_mends(judged: list[Judged], said: list[str]) -> None:
    assert titles(judged) == said
    paths = [each.path for case in cases(judged) for each in case.tasks]
    assert sorted(paths) == sorted(each.path for each in judged if each.needs_attention), "each task in one case"


def test_kinds_of_the_table_are_what_they_claim() -> None:
    assert {each.rule for each in without_a_start("a")} == {"no further start"}
    assert {each.rule for each in failing("a", 4711)} == {"unknown code"}
    assert {each.verdict for each in running("a")} == {Verdict.RUNNING_LONG}
    assert muted("a")[0].verdict is Verdict.FAILING


def test_overdue_tasks_with_another_doubt_or_advice_are_no_group() -> None:
    rules = parse_rules("[[rule]]\ntask = '*'\nlink = 'https://wiki.example/x'").of("S", "\\c")
    *both, third = late("abc")
    linked = replace(third, due=replace(third.due, rule=rules))
    assert titles([*both, linked]) == ABC


def test_incident_and_tasks_beside_it_are_apart() -> None:
    judged = failing("abc", PASSWORD, r"TOWN\etl") + failing("de", 1)
    assert titles(judged) == [r"3 tasks cannot log on as TOWN\etl", "\\d", "\\e"]
    first, *others = cases(judged)
    assert first.incident
    assert [case.incident for case in others] == [None, None]


# What a case says -----------------------------------------------------------------------------------------------------


def test_case_of_one_task_says_what_its_verdict_says() -> None:
    (case,) = cases(failing("a", 1))
    assert (case.why, case.advice, case.verdict) == (case.first.reason, case.first.advice, Verdict.FAILING)


def test_case_of_a_password_names_the_account_and_how_many_tasks_need_it() -> None:
    (case,) = cases(failing("abc", PASSWORD, r"TOWN\etl"))
    assert case.is_about_logon
    assert case.advice == r"Enter the new password of TOWN\etl in these 3 tasks."
    assert case.why == case.first.result.meaning, "no run is counted where no history is known"
    past = Past(failures=4, failing_since=NOW - timedelta(days=2), last_success=NOW - timedelta(days=3))
    known = [replace(each, past=past) for each in case.tasks]
    assert Case(known, case.incident).why == f"{case.first.result.meaning} 12 runs failed since."


@pytest.mark.parametrize(
    ("code", "is_about_logon"),
    [(0x8007052E, True), (0x80070775, True), (0x8007052C, False), (1326, False), (CRASH, False)],
)
def test_refused_logon_is_known_by_its_hresult_alone(code: int, is_about_logon: bool) -> None:
    assert Case(failing("a", code)).is_about_logon is is_about_logon


def test_server_that_was_off_is_told_by_the_incident() -> None:
    (case,) = cases(late("abc", missed_runs=2))
    assert case.incident
    assert case.why == case.incident.cause
    (other,) = cases(late("abc"))
    assert other.why == f"\\a, for one: {other.first.reason}"


def test_case_began_with_its_first_task() -> None:
    began = [NOW - timedelta(hours=hour) for hour in (3, 9, 5)]
    tasks = [replace(each, since=at) for each, at in zip(failing("abc", 1), began, strict=True)]
    assert Case(tasks).since == began[1]
    assert Case([tasks[0], replace(tasks[1], since=None)]).since == began[0]
    assert Case([replace(tasks[0], since=None)]).since is None
    naive = replace(tasks[1], since=datetime(2026, 11, 23, 1))
    assert Case([tasks[0], naive]).since == naive.since, "a time without zone is compared, not refused"


def test_owners_and_notes_are_named_once() -> None:
    text = "[[rule]]\ntask = '{}'\nowner = '{}'\nnote = '{}'\n"
    said = {"\\a": ("GIS team", "call"), "\\b": ("GIS team", "call"), "\\c": ("Finance", "wait")}
    rules = parse_rules("".join(text.format(path, *words) for path, words in said.items()))
    stands = {path: Status(path, "Ready", True, AN_HOUR_AGO, 1) for path in [*ABC, "\\d"]}
    case = Case(judge(Snapshot("S", NOW, statuses=stands), rules))
    assert (case.owners, case.notes) == (["Finance", "GIS team"], ["call", "wait"])


# Novelty and order ----------------------------------------------------------------------------------------------------


def lately(name: str, hours: float = 1, bad_before: float | None = None) -> Judged:
    """A task that began to fail so many hours ago, and had failed so many days before that."""
    began = NOW - timedelta(hours=hours)
    before = began - timedelta(days=bad_before) if bad_before else None
    past = Past(failures=1, failing_since=began, bad_before=before, last_success=began - timedelta(hours=1))
    (each,) = several((f"\\{name}", name, "x.exe", 1))
    return replace(each, past=past, since=began)


NEW, AGAIN, OLD = lately("a"), lately("b", bad_before=2), lately("c", hours=50)


@pytest.mark.parametrize(
    ("tasks", "novelty"),
    [
        ([NEW], "NEW"),
        ([AGAIN], "AGAIN"),
        ([OLD], ""),
        ([NEW, NEW], "NEW"),
        ([NEW, AGAIN], "AGAIN"),
        ([NEW, OLD], ""),
        ([NEW, AGAIN, OLD], ""),
    ],
)
def test_group_is_new_only_where_all_its_tasks_are(tasks: list[Judged], novelty: str) -> None:
    assert Case(tasks).novelty == novelty


def test_most_tasks_come_first_then_those_of_the_last_day_then_the_verdict_then_the_newest() -> None:
    judged = [
        *late("op"),
        lately("old", hours=90),
        lately("older", hours=99),
        lately("z", hours=2),
        lately("New", hours=20),
        *failing("uvw", CRASH, "one"),
        *failing("ab", CRASH, "two"),
        *failing("cdef", PASSWORD, "three"),
    ]
    assert titles(judged) == [
        "4 tasks cannot log on as three",
        "3 tasks fail with 0xC0000005, all of one",
        "\\z",
        "\\New",
        "\\old",
        "\\older",
        "\\a",
        "\\b",
        "\\o",
        "\\p",
    ]
    assert titles(judged[::-1]) == titles(judged), "the order of the tasks is no part of it"


# The title ------------------------------------------------------------------------------------------------------------

GOOD, BAD = (Status(f"\\{code}", "Ready", True, AN_HOUR_AGO, code) for code in (0, 1))
CALM = "Nothing to do: no task needs attention"


def stood(*statuses: Status, **given: Any) -> Snapshot:
    tasks = {status.path: task("x.exe", "u") for status in statuses}
    known: dict[str, Any] = {"zone": "America/New_York", "tasks": tasks, "defined_at": NOW} | given
    return replace(Snapshot("S", NOW), statuses={status.path: status for status in statuses}, **known)


def assessed(snapshot: Snapshot, rules: str = "", now: datetime | None = None) -> Assessment:
    return assess(snapshot, parse_rules(rules) if rules else Rules(), now=now)


@pytest.mark.parametrize(
    ("found", "title"),
    [
        (assessed(stood(GOOD)), CALM),
        (assessed(stood(BAD)), "1 thing to do"),
        (assessed(stood(BAD, GOOD)), "1 thing to do"),
        (assessed(stood()), "Not known: no status was collected"),
        (assessed(stood(BAD), "[[rule]]\ntask = '*'\nignore = true"), "Not known: no task is judged"),
        (
            assessed(stood(GOOD, problems=[Problem("status.csv", "line 3: is cut")])),
            "None of 1 task needs attention; not everything could be seen",
        ),
        (assessed(stood(BAD, problems=[Problem("a", "b")])), "1 thing to do; not everything could be seen"),
        (
            assessed(stood(GOOD, Status("\\x", "Ready"))),
            "None of 1 task needs attention; 1 other could not be judged",
        ),
        (
            assessed(stood(GOOD), now=NOW + timedelta(days=9)),
            "None of 1 task needs attention; not everything could be seen",
        ),
        (assessed(stood(GOOD, tasks={}, folders=["\\Other"])), "None of 1 task needs attention"),
    ],
)
def test_title_says_what_to_do_and_is_calm_only_where_the_headline_is(found: Assessment, title: str) -> None:
    assert found.title == title
    assert (found.title == CALM) is found.headline.endswith(": no need to worry.")
    assert found.title != CALM or (found.code == 0 and not found.unseen)
    if found.unseen:
        assert found.code == BLIND
        assert "Nothing to do" not in found.title


def test_title_counts_cases_and_those_that_began_since_yesterday() -> None:
    tasks = [NEW, AGAIN, OLD]
    snapshot = stood(*(each.status for each in tasks))
    assert Assessment(snapshot, tasks).title == "3 things to do, 2 since yesterday"
    assert Assessment(snapshot, [OLD]).title == "1 thing to do"


def test_line_of_a_group_names_all_its_tasks() -> None:
    found = Assessment(stood(BAD), [*late("abc"), *failing("def", PASSWORD, r"TOWN\etl"), *failing("g", 1)])
    first, second, third = found.task_lines
    assert {first.split(" ")[0], second.split(" ")[0]} == {"INCIDENT", "OVERDUE"}
    assert {line.rpartition("shared by ")[2] for line in (first, second)} == {
        "\\a, \\b and \\c.",
        "\\d, \\e and \\f.",
    }
    assert third.startswith("FAILING \\g: ")
