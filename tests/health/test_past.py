"""What the past of a task tells, and the verdicts that need it. Hours count from noon of 2026-11-20, UTC."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from taskanalysis.health.past import Past, Rate, blind_times, hidden_tasks, known_history, pasts
from taskanalysis.health.rules import NO_RULES, Rules, parse_rules
from taskanalysis.health.verdicts import Judged, Verdict, judge
from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot
from taskanalysis.snapshot.status import Status
from tests.build import LOAD, hours, status, write

Looks = Mapping[float, Sequence[Status]]
HOURLY = (
    "<TimeTrigger><Repetition><Interval>PT1H</Interval></Repetition>"
    "<StartBoundary>2026-11-20T00:00:00Z</StartBoundary></TimeTrigger>"
)


def definition(trigger: str = "", program: str = "python.exe") -> bytes:
    actions = f"<Actions><Exec><Command>{program}</Command></Exec></Actions>"
    return f"<Task><Triggers>{trigger}</Triggers>{actions}</Task>".encode("utf-16")


def newest(data: Path, looks: Looks, task: bytes = definition()) -> Snapshot:
    """The newest snapshot of a share with these statuses, by their hour."""
    for hour, statuses in looks.items():
        write(data, hour, *statuses, definitions={each.path: task for each in statuses})
    return read_snapshot(data)


def past(data: Path, codes: Sequence[int], rules: Rules = NO_RULES) -> Past:
    """The past of a task that ran each hour with these results."""
    snapshot = newest(data, {number + 0.5: [status(last_run=number, code=code)] for number, code in enumerate(codes)})
    history = known_history(snapshot)
    assert history
    return pasts(history, snapshot, rules)[LOAD]


def verdict(data: Path, looks: Looks, task: bytes = definition(), rules: Rules = NO_RULES) -> Judged:
    snapshot = newest(data, looks, task)
    (found,) = judge(snapshot, rules, history=known_history(snapshot))
    return found


def test_failures_in_a_row_begin_after_the_last_good_run(tmp_path: Path) -> None:
    found = past(tmp_path, [0, 1, 0, 1, 1, 1])
    assert (found.failures, found.failing_since, found.last_success) == (3, hours(3), hours(2))
    assert (found.good_since, found.last_finished_failed) == (None, True)


def test_good_runs_begin_after_the_last_failed_one(tmp_path: Path) -> None:
    found = past(tmp_path, [1, 0, 1, 0, 0])
    assert (found.failures, found.failing_since, found.good_since) == (0, None, hours(3))
    assert not found.last_finished_failed


def test_unknown_results_neither_break_a_row_nor_count(tmp_path: Path) -> None:
    found = past(tmp_path, [0, 1, 77777, 1])
    assert (found.failures, found.failing_since) == (2, hours(1))
    assert found.week == Rate(3, 1 / 3)


def test_rate_rests_on_three_runs_at_least(tmp_path: Path) -> None:
    assert past(tmp_path / "two", [0, 1]).week == Rate(2, None)
    assert past(tmp_path / "three", [0, 1, 0]).month == Rate(3, 2 / 3)


def test_rates_look_back_seven_and_thirty_days(tmp_path: Path) -> None:
    days = {24 * day + 0.5: [status(last_run=24 * day, code=int(day < 10))] for day in range(0, 41, 1)}
    snapshot = newest(tmp_path, days)
    history = known_history(snapshot)
    assert history
    found = pasts(history, snapshot)[LOAD]
    assert found.week == Rate(7, 1.0)
    assert found.month == Rate(30, 1.0)


def test_rule_that_calls_a_code_success_holds_for_the_past_too(tmp_path: Path) -> None:
    found = past(tmp_path, [1, 1, 1], parse_rules("[[rule]]\ntask = '*'\nok_codes = [1]"))
    assert (found.failures, found.week) == (0, Rate(3, 1.0))


@pytest.mark.parametrize(
    ("codes", "flapping"),
    [([0, 1, 0, 1], True), ([0, 1, 1, 0], False), ([0, 1, 0, 1, *[1] * 9], False), ([1, 0, 77777, 1, 0], True)],
)
def test_flapping_is_three_changes_within_ten_runs(codes: list[int], flapping: bool, tmp_path: Path) -> None:
    assert past(tmp_path, codes).flapping is flapping


def test_longest_run_is_known_from_five_on_and_not_where_snapshots_were_lacking(tmp_path: Path) -> None:
    assert past(tmp_path / "four", [0] * 4).longest is None
    assert past(tmp_path / "five", [0] * 5).longest == timedelta(minutes=30)
    looks = {number + 0.5: [status(last_run=number)] for number in (0, 1, 2, 3, 4, 5)}
    gap = {20.5: [status(last_run=6)]}
    snapshot = newest(tmp_path / "gap", looks | gap)
    history = known_history(snapshot)
    assert history
    assert pasts(history, snapshot)[LOAD].longest == timedelta(minutes=30)
    assert blind_times(history) == [(hours(5.5), hours(20.5))]


# Verdicts -------------------------------------------------------------------------------------------------------------


def test_failing_is_since_the_first_failed_run(tmp_path: Path) -> None:
    found = verdict(tmp_path, {hour + 0.5: [status(last_run=hour, code=int(hour > 1))] for hour in range(5)})
    assert (found.verdict, found.since) == (Verdict.FAILING, hours(2))
    assert found.reason.endswith(" 3 failures in a row.")


def test_failing_from_the_first_on_is_said_to_be_as_far_as_is_known(tmp_path: Path) -> None:
    found = verdict(tmp_path, {hour + 0.5: [status(last_run=hour, code=1)] for hour in range(3)})
    assert found.reason.endswith(" 3 failures in a row, as far as the history goes.")


def test_ok_is_since_the_first_good_run(tmp_path: Path) -> None:
    found = verdict(tmp_path, {hour + 0.5: [status(last_run=hour, code=int(hour < 2))] for hour in range(5)})
    assert (found.verdict, found.since) == (Verdict.OK, hours(2))


def test_disabled_is_since_the_snapshot_that_first_shows_it(tmp_path: Path) -> None:
    off = status(last_run=0, state="Disabled", enabled=False)
    found = verdict(tmp_path, {1: [status(last_run=0)], 2: [off], 3: [off]})
    assert (found.verdict, found.since) == (Verdict.DISABLED, hours(2))


def test_new_task_has_never_run_since_it_was_added(tmp_path: Path) -> None:
    other = status("\\Other", last_run=0)
    never = status(last_run="never", code=267011)
    snapshot = newest(tmp_path, {1: [other], 2: [other, never], 3: [other, never]})
    found = {each.path: each for each in judge(snapshot, history=known_history(snapshot))}[LOAD]
    assert (found.verdict, found.since) == (Verdict.NEVER_RAN, hours(2))


def test_new_task_that_did_not_start_when_it_should_is_overdue(tmp_path: Path) -> None:
    other = status("\\Other", last_run=0)
    never = status(last_run="never", code=267011)
    snapshot = newest(tmp_path, {1: [other], 1.5: [other, never], 5.5: [other, never]}, definition(HOURLY))
    found = {each.path: each for each in judge(snapshot, history=known_history(snapshot))}[LOAD]
    assert (found.verdict, found.since) == (Verdict.OVERDUE, hours(2))
    assert found.reason.startswith(
        "3 starts missed, the first at 2026-11-20 09:00. It does not start on battery power."
    )
    assert {each.path: each for each in judge(snapshot)}[LOAD].verdict is Verdict.NEVER_RAN


def test_starts_of_a_former_schedule_are_not_held_against_a_task(tmp_path: Path) -> None:
    write(tmp_path, 1, status(last_run=0), definitions={LOAD: definition()})
    write(tmp_path, 9.5, status(last_run=0), definitions={LOAD: definition(HOURLY)})
    snapshot = read_snapshot(tmp_path)
    assert judge(snapshot)[0].verdict is Verdict.OVERDUE, "one snapshot can't know it"
    assert judge(snapshot, history=known_history(snapshot))[0].verdict is Verdict.OK
    write(tmp_path, 12.5, status(last_run=0), definitions={LOAD: definition(HOURLY)})
    later = read_snapshot(tmp_path)
    found = judge(later, history=known_history(later))[0]
    assert (found.verdict, found.since) == (Verdict.OVERDUE, hours(10))


def test_another_description_does_not_hide_what_was_missed(tmp_path: Path) -> None:
    told = definition(HOURLY).decode("utf-16")
    named = told.replace("<Triggers>", "<RegistrationInfo><Description>x</Description></RegistrationInfo><Triggers>")
    write(tmp_path, 1, status(last_run=1), definitions={LOAD: definition(HOURLY)})
    write(tmp_path, 9.5, status(last_run=1), definitions={LOAD: named.encode("utf-16")})
    snapshot = read_snapshot(tmp_path)
    assert judge(snapshot, history=known_history(snapshot))[0].since == hours(2)


def test_running_longer_than_twice_the_longest_run_is_long(tmp_path: Path) -> None:
    running = status(last_run=6, code=267009, state="Running")
    looks = {hour + 0.5: [status(last_run=hour)] for hour in range(6)}
    assert verdict(tmp_path / "1", looks | {6.9: [running]}).verdict is Verdict.RUNNING
    found = verdict(tmp_path / "2", looks | {7.5: [running]})
    assert (found.verdict, found.since) == (Verdict.RUNNING_LONG, hours(6))
    assert found.reason == "It has been running for 1 hour 30 minutes, longer than 1 hour."
    rules = parse_rules("[[rule]]\ntask = '*'\nmax_minutes = 600")
    assert verdict(tmp_path / "3", looks | {7.5: [running]}, rules=rules).verdict is Verdict.RUNNING


def test_running_task_whose_last_run_failed_goes_on_failing(tmp_path: Path) -> None:
    looks = {hour + 0.5: [status(last_run=hour, code=int(hour > 1))] for hour in range(4)}
    found = verdict(tmp_path, looks | {4.5: [status(last_run=4, code=267009, state="Running")]})
    assert (found.verdict, found.since) == (Verdict.FAILING, hours(2))
    assert found.reason == "It has been running for 30 minutes; its last finished run failed. 2 failures in a row."


def test_refused_start_after_a_good_run_is_failing_since_it_shows(tmp_path: Path) -> None:
    looks = {
        1: [status(last_run=0)],
        2: [status(last_run=0, code=0x8007052E)],
        3: [status(last_run=0, code=0x8007052E)],
    }
    found = verdict(tmp_path, looks)
    assert (found.verdict, found.rule, found.since) == (Verdict.FAILING, "not started", hours(2))


# Tasks that are not shown ---------------------------------------------------------------------------------------------


def several(number: int) -> list[Status]:
    return [status(f"\\Task {each}", last_run=0) for each in range(number)]


def looks_with(data: Path, *shown: tuple[int, bool | None]) -> dict[str, Judged]:
    for hour, (number, elevated) in enumerate(shown):
        write(data, hour, *several(number), elevated=elevated)
    snapshot = read_snapshot(data)
    return {each.path: each for each in judge(snapshot, history=known_history(snapshot))}


def test_many_tasks_that_vanish_at_once_are_unknown_and_not_removed(tmp_path: Path) -> None:
    found = looks_with(tmp_path, (20, True), (20, True), (10, False))
    hidden = [each for each in found.values() if each.rule == "hidden"]
    assert len(hidden) == 10
    assert {each.verdict for each in hidden} == {Verdict.UNKNOWN}
    assert not any(each.needs_attention for each in hidden)


def test_three_looks_in_a_row_that_show_few_are_believed(tmp_path: Path) -> None:
    assert len(looks_with(tmp_path, (20, True), *[(10, False)] * 3)) == 10


def test_few_tasks_that_vanish_and_many_under_a_full_account_are_removed(tmp_path: Path) -> None:
    assert len(looks_with(tmp_path / "few", (20, True), (18, False))) == 18
    assert len(looks_with(tmp_path / "full", (20, True), (10, True))) == 10


def test_snapshot_that_lies_in_no_share_has_no_history(tmp_path: Path) -> None:
    folder = write(tmp_path / "share", 1, status(last_run=0))
    alone = folder.rename(tmp_path / folder.name)
    assert known_history(read_snapshot(alone)) is None
    assert known_history(Snapshot("S", datetime.fromisoformat("2026-11-20T12:00+00:00"))) is None


def test_history_ends_with_its_snapshot(tmp_path: Path) -> None:
    for hour in range(4):
        write(tmp_path, hour, status(last_run=hour, code=int(hour > 1)))
    early = read_snapshot(tmp_path, at="2026-11-20T13:00Z")
    history = known_history(early)
    assert history
    assert history.coverage["taken_at"].max() == hours(1)
    assert pasts(history, early)[LOAD].failures == 0
    assert hidden_tasks(history, early) == []


def test_share_of_many_tasks_is_judged(tmp_path: Path) -> None:
    """More than 127: categories of pandas are then numbered in another type."""
    found = looks_with(tmp_path, (200, True), (200, True))
    assert {each.verdict for each in found.values()} == {Verdict.OK}
    assert len(looks_with(tmp_path / "fewer", (200, True), (100, False))) == 200
