"""Verdicts from one snapshot: each rule, its reason, and what needs attention."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from taskanalysis.definition.duration import Duration
from taskanalysis.definition.model import (
    Action,
    BootTrigger,
    ComHandlerAction,
    ExecAction,
    Principal,
    Repetition,
    Settings,
    TaskDefinition,
    TimeTrigger,
    Trigger,
)
from taskanalysis.health.rules import NO_RULES, Rules, parse_rules
from taskanalysis.health.verdicts import Judged, Verdict, judge
from taskanalysis.results.decode import Outcome
from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot
from taskanalysis.snapshot.status import Status
from tests.build import LOAD, hours, status, write, xml

NOW = datetime(2026, 11, 23, 11, 2, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")
AN_HOUR_AGO = (NOW - timedelta(hours=1)).astimezone(NEW_YORK)
PASSWORD = 0x8007052E


def task(*commands: str, user: str = "", limit: str = "PT1H", triggers: tuple[Trigger, ...] = ()) -> TaskDefinition:
    actions: tuple[Action, ...] = tuple(ExecAction(command=command) for command in commands)
    settings = Settings(execution_time_limit=Duration.parse(limit))
    return TaskDefinition(actions=actions, principals=(Principal(user_id=user),), settings=settings, triggers=triggers)


def judged(definition: TaskDefinition | None = None, rules: Rules = NO_RULES, **status: object) -> Judged:
    """The verdict on one task that is ready and ran an hour ago, unless `status` says otherwise."""
    fields: dict[str, object] = {"state": "Ready", "enabled": True, "last_run": AN_HOUR_AGO, "last_result": 0} | status
    snapshot = Snapshot("S", NOW, "America/New_York", {LOAD: definition} if definition else {})
    snapshot.statuses = {LOAD: Status(LOAD, **fields)}  # type: ignore[arg-type]
    (only,) = judge(snapshot, rules)
    return only


SERVICE = task("listen.exe", limit="PT0S", triggers=(BootTrigger(),))
TIMED = replace(SERVICE, triggers=(TimeTrigger(),))
OFF = replace(task("x.exe"), settings=Settings(enabled=False))
LONG_AGO = NOW - timedelta(hours=25)


@pytest.mark.parametrize(
    ("definition", "status", "verdict", "rule", "attention"),
    [
        (None, {}, "OK", "last run succeeded", False),
        (task("robocopy.exe"), {"last_result": 1}, "OK", "last run succeeded", False),
        (task("python.exe"), {"last_result": 1}, "FAILING", "last run failed", True),
        (None, {"last_result": 267014}, "FAILING", "last run failed", True),
        (None, {"last_result": PASSWORD}, "FAILING", "not started", True),
        (None, {"last_result": 0x800710E0}, "UNKNOWN", "unknown code", True),
        (None, {"last_result": 77777}, "UNKNOWN", "unknown code", True),
        (task("robocopy.exe", "python.exe"), {"last_result": 1}, "UNKNOWN", "unknown code", True),
        (task("python.exe", "cmd.exe"), {"last_result": 1}, "FAILING", "last run failed", True),
        (None, {"last_result": None}, "UNKNOWN", "no result", False),
        (None, {"last_result": 267008}, "UNKNOWN", "no result", False),
        (None, {"last_result": 267009}, "UNKNOWN", "no result", False),
        (None, {"last_run": "never", "last_result": 267011}, "NEVER RAN", "never ran", False),
        (None, {"last_run": "never", "last_result": 1}, "NEVER RAN", "never ran", False),
        (None, {"enabled": False, "last_result": 1}, "DISABLED", "disabled", False),
        (None, {"state": "Disabled", "enabled": None}, "DISABLED", "disabled", False),
        (None, {"state": "Running", "last_result": 267009}, "RUNNING", "running", False),
        (None, {"state": "Queued"}, "RUNNING", "queued", False),
        (None, {"state": "Queued", "last_result": 1}, "FAILING", "last run failed", True),
        (None, {"state": "Running", "last_run": NOW + timedelta(hours=5)}, "UNKNOWN", "clock in doubt", False),
        (OFF, {"state": "Unknown", "enabled": None, "last_result": 1}, "DISABLED", "disabled", False),
        (None, {"state": "Unknown", "last_result": 267009}, "RUNNING", "running", False),
        (OFF, {"state": None, "enabled": None, "last_result": 1}, "DISABLED", "disabled", False),
        (None, {"last_run": "never", "last_result": PASSWORD}, "NEVER RAN", "never ran", False),
        (None, {"state": None, "last_result": 267009}, "RUNNING", "running", False),
        (None, {"state": "Running", "last_run": LONG_AGO}, "RUNNING LONG", "running long", True),
        (SERVICE, {"state": "Running", "last_run": LONG_AGO}, "RUNNING", "service", False),
        (TIMED, {"state": "Running", "last_run": LONG_AGO}, "RUNNING LONG", "running long", True),
        (None, {"state": "Running", "last_run": None}, "RUNNING", "running", False),
        (None, {"state": "Running", "last_run": datetime(2026, 1, 1)}, "RUNNING", "running", False),
    ],
)
def test_verdict_of_one_snapshot(
    definition: TaskDefinition | None, status: dict[str, object], verdict: str, rule: str, attention: bool
) -> None:
    found = judged(definition, **status)
    assert (found.verdict.value, found.rule, found.needs_attention) == (verdict, rule, attention)
    assert found.reason.endswith(".")


def test_unknown_is_counted_neither_as_failed_nor_as_ok() -> None:
    found = judged(last_result=77777)
    assert found.result.outcome is Outcome.UNKNOWN
    assert "ok_codes = [77777]" in found.reason


def test_disabled_task_says_how_its_last_run_went_and_never_fails() -> None:
    assert judged(enabled=False, last_result=1).reason == "It is disabled; its last run: failed."
    assert judged(enabled=False, last_run="never").reason == "It is disabled; it has not run yet."


def test_refused_start_before_the_first_run_is_in_the_reason() -> None:
    reason = judged(last_run="never", last_result=PASSWORD).reason
    assert "Its start gave 0x8007052E: The account could not log on" in reason


def test_good_task_that_nothing_starts_again_says_so() -> None:
    once = TimeTrigger(start_boundary=datetime(2026, 1, 1))
    reason = judged(task("x.exe", triggers=(once,))).reason
    assert reason.endswith("Nothing will start it again: its triggers give no further start.")
    assert judged(task("x.exe", triggers=(BootTrigger(),))).reason == "It ended without an error."


def test_programs_that_read_a_code_differently_are_named() -> None:
    reason = judged(task("robocopy.exe", "python.exe"), last_result=1).reason
    assert "succeeded for robocopy and failed for python" in reason


def test_program_of_an_action_that_is_none_is_not_asked() -> None:
    actions = (ComHandlerAction(class_id="{1}"), ExecAction(command="robocopy.exe"))
    assert judged(replace(task("robocopy.exe"), actions=actions), last_result=1).verdict is Verdict.OK


def test_command_line_of_the_status_is_used_where_there_is_no_definition() -> None:
    quoted = r'"C:\Windows\System32\robocopy.exe" D:\a D:\b'
    snapshot = Snapshot("S", NOW, statuses={LOAD: Status(LOAD, "Ready", True, AN_HOUR_AGO, 1)})
    assert judge(snapshot)[0].verdict is Verdict.FAILING
    for line in (quoted, r"C:\Program Files (x86)\robocopy.exe D:\a", "robocopy a b"):
        snapshot.commands = {LOAD: line}
        assert judge(snapshot)[0].verdict is Verdict.OK
    snapshot.commands = {LOAD: "Multiple actions"}
    assert judge(snapshot)[0].result.advice == "Read what the program wrote, in its own log or in that of the task."


# Since ----------------------------------------------------------------------------------------------------------------


def test_since_is_known_of_a_run_that_goes_on_alone() -> None:
    assert judged(state="Running").since == AN_HOUR_AGO
    assert {judged(**status).since for status in ({"last_result": 1}, {"enabled": False}, {})} == {None}


# Rules ----------------------------------------------------------------------------------------------------------------


def rules(text: str) -> Rules:
    return parse_rules(f"[[rule]]\ntask = '*'\n{text}")


def test_rule_calls_a_code_success_and_is_named() -> None:
    found = judged(last_result=77777, rules=rules("ok_codes = [77777]"))
    assert (found.verdict, found.rule, found.result.certainty) == (Verdict.OK, "rules.toml, line 3", "certain")
    assert judged(task("robocopy.exe", "python.exe"), rules("ok_codes = [1]"), last_result=1).verdict is Verdict.OK
    assert judged(rules=rules("ok_codes = [267009]"), state="Running", last_result=267009).verdict is Verdict.RUNNING


@pytest.mark.parametrize(
    ("outcome", "verdict", "rule"),
    [
        ("succeeded", Verdict.OK, "rules.toml, line 1"),
        ("failed", Verdict.FAILING, "last run failed"),
        ("not started", Verdict.FAILING, "not started"),
        ("unknown", Verdict.UNKNOWN, "no result"),
    ],
)
def test_code_of_an_own_program_means_what_the_office_says(outcome: str, verdict: Verdict, rule: str) -> None:
    explained = parse_rules(f"[[code]]\nprogram = 'load.exe'\ncode = 300\nmeaning = 'Nil.'\noutcome = '{outcome}'")
    found = judged(task("load.exe"), explained, last_result=300)
    assert (found.verdict, found.rule, found.result.meaning) == (verdict, rule, "Nil.")
    assert (found.result.basis, found.result.certainty) == ("rules.toml, line 1", "certain")
    assert judged(task("other.exe"), explained, last_result=300).rule == "unknown code"


def test_rule_limits_how_long_a_task_may_run_and_is_named() -> None:
    limit = rules("max_minutes = 30")
    assert judged(rules=limit, state="Running").verdict is Verdict.RUNNING_LONG
    assert judged(SERVICE, limit, state="Running").rule == "rules.toml, line 3"
    assert judged(rules=rules("max_minutes = 2000"), state="Running", last_run=LONG_AGO).verdict is Verdict.RUNNING


def test_muted_task_keeps_its_verdict_and_needs_no_attention() -> None:
    found = judged(last_result=1, rules=rules("ignore_until = 2026-11-24"))
    assert (found.verdict, found.ignored, found.needs_attention) == (Verdict.FAILING, True, False)


def test_mute_ends_on_the_day_of_the_server() -> None:
    late = Snapshot("S", datetime(2026, 11, 24, 3, tzinfo=UTC), "America/New_York", statuses={LOAD: Status(LOAD)})
    assert late.local_time.date() == date(2026, 11, 23)
    assert judge(late, rules("ignore_until = 2026-11-24"))[0].ignored
    assert not judge(late, rules("ignore_until = 2026-11-23"))[0].ignored


# Overdue --------------------------------------------------------------------------------------------------------------


HOURLY = TimeTrigger(start_boundary=datetime(2026, 1, 1), repetition=Repetition(Duration.parse("PT1H")))
YESTERDAY = datetime(2026, 11, 22, 6, tzinfo=NEW_YORK)


def test_task_that_should_have_started_is_overdue_since_the_first_start_it_missed() -> None:
    found = judged(task("x.exe", triggers=(HOURLY,)), last_run=YESTERDAY, missed_runs=3)
    assert (found.verdict, found.rule, found.needs_attention) == (Verdict.OVERDUE, "overdue", True)
    assert found.since == datetime(2026, 11, 22, 7, tzinfo=NEW_YORK)
    assert found.reason == (
        "23 starts missed, the first at 2026-11-22 07:00; its last run, at 2026-11-22 06:00: succeeded. "
        "Windows counts 3 starts missed while the server was off or could not start it."
    )
    assert found.due.next_start == datetime(2026, 11, 23, 7, tzinfo=NEW_YORK)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ({"last_result": PASSWORD}, "FAILING"),
        ({"last_result": 1}, "OVERDUE"),
        ({"last_result": 267014}, "OVERDUE"),
        ({"last_result": 77777}, "OVERDUE"),
        ({"enabled": False}, "DISABLED"),
        ({"state": "Running"}, "RUNNING LONG"),
        ({"state": "Queued"}, "OVERDUE"),
        ({"state": "Queued", "last_result": 267045}, "OVERDUE"),
        ({"state": "Queued", "last_run": NOW - timedelta(minutes=10)}, "RUNNING"),
        ({"last_run": "never", "last_result": 267011}, "NEVER RAN"),
        ({"next_run": "never"}, "UNKNOWN"),
        ({"next_run": "never", "last_result": 1}, "FAILING"),
        ({"last_run": NOW + timedelta(minutes=6)}, "UNKNOWN"),
    ],
)
def test_what_comes_before_and_after_overdue(status: dict[str, object], verdict: str) -> None:
    assert judged(task("x.exe", triggers=(HOURLY,)), **{"last_run": YESTERDAY} | status).verdict.value == verdict


def test_rule_that_grants_more_time_decides_and_is_named() -> None:
    hourly = task("x.exe", triggers=(HOURLY,))
    patient, strict = rules("grace_minutes = 3000"), rules("grace_minutes = 30")
    assert judged(hourly, patient, last_run=YESTERDAY).verdict is Verdict.OK
    found = judged(hourly, strict, last_run=YESTERDAY)
    assert (found.verdict, found.rule) == (Verdict.OVERDUE, "rules.toml, line 3")


def test_last_run_after_the_snapshot_is_doubt_whatever_its_result() -> None:
    for code in (0, 1, 267009):
        found = judged(task("x.exe"), last_run=NOW + timedelta(hours=2), last_result=code)
        assert (found.verdict, found.rule, found.needs_attention) == (Verdict.UNKNOWN, "clock in doubt", False)
        assert found.not_judged == "the last run lies after the snapshot, so a clock or the time zone is wrong"
    started_meanwhile = judged(task("x.exe"), last_run=NOW + timedelta(minutes=2), state="Running", last_result=267009)
    assert started_meanwhile.verdict is Verdict.RUNNING


def test_times_in_reasons_are_those_of_the_servers_clocks() -> None:
    found = judged(task("x.exe", triggers=(HOURLY,)), last_run=YESTERDAY.astimezone(UTC))
    assert f"its last run, at {YESTERDAY.astimezone(NEW_YORK):%Y-%m-%d %H:%M}" in found.reason
    running = judged(task("x.exe"), last_run=AN_HOUR_AGO.astimezone(UTC), state="Running", last_result=267009)
    assert running.reason.startswith(f"Running since {AN_HOUR_AGO:%Y-%m-%d %H:%M}")


def test_task_for_which_windows_plans_nothing_needs_attention() -> None:
    found = judged(task("x.exe", triggers=(HOURLY,)), last_run=NOW - timedelta(minutes=10), next_run="never")
    assert (found.verdict, found.rule, found.needs_attention) == (Verdict.UNKNOWN, "no further start", True)
    assert found.reason == "Windows plans no further start, though a trigger is on that gives 2026-11-23 07:00."


def test_start_that_is_late_in_any_time_zone_is_overdue_and_the_reason_names_the_doubt() -> None:
    found = judged(
        task("x.exe", triggers=(HOURLY,)), last_run=YESTERDAY - timedelta(days=2), next_run=NOW + timedelta(7)
    )
    assert (found.verdict, found.since) == (Verdict.OVERDUE, datetime(2026, 11, 20, 7, tzinfo=NEW_YORK))
    assert "That is likely, not certain: Windows gives another next start (2026-11-30" in found.reason


def test_other_next_start_that_windows_names_is_kept_with_the_verdict() -> None:
    found = judged(task("x.exe", triggers=(HOURLY,)), last_run=YESTERDAY, next_run=NOW + timedelta(days=3, minutes=7))
    assert found.verdict is Verdict.OK
    assert found.due.in_doubt


def test_status_only_snapshot_reads_codes_by_the_definitions_before(tmp_path: Path) -> None:
    for hour, definitions in ((0, {LOAD: xml("robocopy.exe")}), (1, None), (2, None)):
        write(tmp_path, hour, status(code=1), definitions=definitions)
    newest = read_snapshot(tmp_path)
    assert (newest.taken_at, newest.defined_at, newest.holds & {"definitions"}) == (hours(2), hours(0), set())
    assert judge(newest)[0].verdict is Verdict.OK


def test_task_whose_starts_are_not_computed_is_not_judged() -> None:
    often = TimeTrigger(start_boundary=datetime(2026, 1, 1), repetition=Repetition(Duration.parse("PT30S")))
    found = judged(task("x.exe", triggers=(often,)), last_run=LONG_AGO)
    assert found.not_judged == "the starts of a repetition under a minute, which Windows refuses, are not computed"
