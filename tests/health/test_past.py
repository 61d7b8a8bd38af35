"""The history of a task, and the verdicts that need it. Hours count from noon of 2026-11-20, UTC."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from taskanalysis.errors import Problem
from taskanalysis.health.past import Past, Rate, blind_times, hidden_tasks, known_history, pasts
from taskanalysis.health.rules import NO_RULES, Rules, parse_rules
from taskanalysis.health.verdicts import Judged, Verdict, judge
from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot
from taskanalysis.snapshot.status import Status
from tests.build import LOAD, every, hours, scheduled, status, write, xml

Seen = Mapping[float, Sequence[Status]]
"""The statuses that snapshots show, by their hour."""
PLAIN, HOURLY = scheduled(), scheduled(every("PT1H"))
OTHER = status("\\Other", last_run=0)
NEVER = status(last_run="never", code=267011)
GOOD, REFUSED = status(last_run=0), status(last_run=0, code=0x8007052E)
OFF = status(last_run=0, state="Disabled", enabled=False)


def newest(data: Path, seen: Seen, task: bytes = PLAIN) -> Snapshot:
    """The newest snapshot of a share with these statuses."""
    for hour, statuses in seen.items():
        write(data, hour, *statuses, definitions={each.path: task for each in statuses})
    return read_snapshot(data)


def hourly(*codes: int) -> dict[float, list[Status]]:
    """A task that ran each hour with these results, seen half an hour later."""
    return {hour + 0.5: [status(last_run=hour, code=code)] for hour, code in enumerate(codes)}


def past_of(snapshot: Snapshot, rules: Rules = NO_RULES) -> Past:
    history = known_history(snapshot)
    assert history
    return pasts(history, snapshot, rules)[LOAD]


def past(data: Path, codes: Sequence[int], rules: Rules = NO_RULES) -> Past:
    return past_of(newest(data, hourly(*codes)), rules)


def judged(snapshot: Snapshot, rules: Rules = NO_RULES) -> dict[str, Judged]:
    return {each.path: each for each in judge(snapshot, rules, history=known_history(snapshot))}


def verdict(data: Path, seen: Seen, task: bytes = PLAIN, rules: Rules = NO_RULES) -> Judged:
    return judged(newest(data, seen, task), rules)[LOAD]


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
    days = {24 * day + 0.5: [status(last_run=24 * day, code=int(day < -30))] for day in range(-40, 1)}
    found = past_of(newest(tmp_path, days))
    assert (found.week, found.month) == (Rate(7, 1.0), Rate(30, 1.0))


def test_rule_that_calls_a_code_success_holds_for_the_past_too(tmp_path: Path) -> None:
    found = past(tmp_path, [1, 1, 1], parse_rules("[[rule]]\ntask = '*'\nok_codes = [1]"))
    assert (found.failures, found.week) == (0, Rate(3, 1.0))


@pytest.mark.parametrize(("outcome", "failures", "runs"), [("succeeded", 0, 3), ("failed", 3, 3), ("unknown", 0, 0)])
def test_code_of_an_own_program_holds_for_the_past_too(outcome: str, failures: int, runs: int, tmp_path: Path) -> None:
    text = f"[[code]]\nprogram = 'x.exe'\ncode = 300\nmeaning = 'x'\noutcome = '{outcome}'"
    found = past_of(newest(tmp_path, hourly(300, 300, 300), xml("x.exe")), parse_rules(text))
    assert (found.failures, found.week.runs) == (failures, runs)


@pytest.mark.parametrize(
    ("codes", "flapping"),
    [([0, 1, 0, 1], True), ([0, 1, 1, 0], False), ([0, 1, 0, 1, *[1] * 9], False), ([1, 0, 77777, 1, 0], True)],
)
def test_flapping_is_three_changes_within_ten_runs(codes: list[int], flapping: bool, tmp_path: Path) -> None:
    assert past(tmp_path, codes).flapping is flapping


def test_longest_run_is_known_from_five_on_and_not_where_snapshots_were_lacking(tmp_path: Path) -> None:
    assert past(tmp_path / "four", [0] * 4).longest is None
    assert past(tmp_path / "five", [0] * 5).longest == timedelta(minutes=30)
    snapshot = newest(tmp_path / "gap", hourly(*[0] * 6) | {20.5: [status(last_run=6)]})
    history = known_history(snapshot)
    assert history
    assert past_of(snapshot).longest == timedelta(minutes=30)
    assert blind_times(history) == [(hours(5.5), hours(20.5))]


# Verdicts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "state", "since", "says"),
    [
        (hourly(0, 0, 1, 1, 1), Verdict.FAILING, 2, " 3 failures in a row."),
        (hourly(1, 1, 1), Verdict.FAILING, 0, " 3 failures in a row, as far as the history goes."),
        (hourly(1, 1, 0, 0, 0), Verdict.OK, 2, "."),
        ({1: [GOOD], 2: [OFF], 3: [OFF]}, Verdict.DISABLED, 2, "."),
        ({1: [OTHER], 2: [OTHER, NEVER], 3: [OTHER, NEVER]}, Verdict.NEVER_RAN, 2, "."),
        ({1: [GOOD], 2: [REFUSED], 3: [REFUSED]}, Verdict.FAILING, 2, "."),
    ],
    ids=["failing", "failing from the first on", "good again", "disabled", "new", "refused"],
)
def test_verdict_is_since_the_first_run_or_snapshot_that_shows_it(
    seen: Seen, state: Verdict, since: float, says: str, tmp_path: Path
) -> None:
    found = verdict(tmp_path, seen)
    assert (found.verdict, found.since) == (state, hours(since))
    assert found.reason.endswith(says)


def test_new_task_that_did_not_start_when_it_should_is_overdue(tmp_path: Path) -> None:
    snapshot = newest(tmp_path, {1: [OTHER], 1.5: [OTHER, NEVER], 5.5: [OTHER, NEVER]}, HOURLY)
    found = judged(snapshot)[LOAD]
    assert (found.verdict, found.since) == (Verdict.OVERDUE, hours(2))
    assert found.reason.startswith("3 starts missed, the first at 2026-11-20 09:00. It has not run yet.")
    assert {each.path: each for each in judge(snapshot)}[LOAD].verdict is Verdict.NEVER_RAN


def test_starts_of_a_former_schedule_are_not_held_against_a_task(tmp_path: Path) -> None:
    newest(tmp_path, {1: [GOOD]})
    snapshot = newest(tmp_path, {9.5: [GOOD]}, HOURLY)
    assert judge(snapshot)[0].verdict is Verdict.OVERDUE, "one snapshot can't know it"
    assert judged(snapshot)[LOAD].verdict is Verdict.OK
    later = verdict(tmp_path, {12.5: [GOOD]}, HOURLY)
    assert (later.verdict, later.since) == (Verdict.OVERDUE, hours(10))


def test_another_description_does_not_hide_what_was_missed(tmp_path: Path) -> None:
    newest(tmp_path, {1: [status(last_run=1)]}, HOURLY)
    described = scheduled(every("PT1H"), info="<Description>x</Description>")
    assert verdict(tmp_path, {9.5: [status(last_run=1)]}, described).since == hours(2)


def test_running_longer_than_twice_the_longest_run_is_long(tmp_path: Path) -> None:
    running = status(last_run=6, code=267009, state="Running")
    seen = hourly(*[0] * 6)
    assert verdict(tmp_path / "1", seen | {6.9: [running]}).verdict is Verdict.RUNNING
    found = verdict(tmp_path / "2", seen | {7.5: [running]})
    assert (found.verdict, found.since) == (Verdict.RUNNING_LONG, hours(6))
    assert found.reason == "Running since 2026-11-20 13:00 (90 minutes), longer than 1 hour."
    rules = parse_rules("[[rule]]\ntask = '*'\nmax_minutes = 600")
    assert verdict(tmp_path / "3", seen | {7.5: [running]}, rules=rules).verdict is Verdict.RUNNING


def test_running_task_whose_last_run_failed_goes_on_failing(tmp_path: Path) -> None:
    found = verdict(tmp_path, hourly(0, 0, 1, 1) | {4.5: [status(last_run=4, code=267009, state="Running")]})
    assert (found.verdict, found.since) == (Verdict.FAILING, hours(2))
    assert (
        found.reason
        == "Running since 2026-11-20 11:00 (30 minutes); its last finished run failed. 2 failures in a row."
    )


# Tasks that are not shown ---------------------------------------------------------------------------------------------


def several(number: int) -> list[Status]:
    return [status(f"\\Task {each}", last_run=0) for each in range(number)]


def shown(data: Path, *rows: tuple[int, bool | None]) -> dict[str, Judged]:
    for hour, (number, elevated) in enumerate(rows):
        write(data, hour, *several(number), elevated=elevated)
    return judged(read_snapshot(data))


def test_many_tasks_that_vanish_at_once_are_unknown_and_not_removed(tmp_path: Path) -> None:
    found = shown(tmp_path, (20, True), (20, True), (10, False))
    hidden = [each for each in found.values() if each.rule == "hidden"]
    assert len(hidden) == 10
    assert {each.verdict for each in hidden} == {Verdict.UNKNOWN}
    assert not any(each.needs_attention for each in hidden)


def test_three_snapshots_in_a_row_that_show_few_are_believed(tmp_path: Path) -> None:
    assert len(shown(tmp_path, (20, True), *[(10, True)] * 3)) == 10
    assert len(shown(tmp_path / "two", (20, True), *[(10, True)] * 2)) == 20


def test_tasks_that_a_lesser_account_does_not_show_are_never_removed(tmp_path: Path) -> None:
    assert len(shown(tmp_path / "few", (20, True), (18, True))) == 18
    assert len(shown(tmp_path / "lost", (20, True), *[(18, False)] * 5)) == 20
    assert len(shown(tmp_path / "back", (20, True), (18, False), (18, True))) == 18
    assert len(shown(tmp_path / "gained", (20, False), (18, True))) == 18


def test_alarm_of_a_hidden_task_goes_on(tmp_path: Path) -> None:
    for hour in range(3):
        write(tmp_path, hour, status("\\A"), status("\\B", last_run=0, code=1))
    write(tmp_path, 8, status("\\A"), problems=[Problem("\\B", "access is denied")])
    hidden = judged(read_snapshot(tmp_path))["\\B"]
    assert (hidden.verdict, hidden.needs_attention, hidden.hidden_since) == (Verdict.FAILING, True, hours(2))
    assert hidden.reason.startswith("Was FAILING when last seen, 6 hours ago (2026-11-20 09:00): ")
    write(tmp_path, 9, status("\\A"))
    assert list(judged(read_snapshot(tmp_path))) == ["\\A"]  # an elevated collector that was refused nothing


def test_snapshot_that_lies_in_no_share_has_no_history(tmp_path: Path) -> None:
    folder = write(tmp_path / "share", 1, status(last_run=0))
    alone = folder.rename(tmp_path / folder.name)
    assert known_history(read_snapshot(alone)) is None
    assert known_history(Snapshot("S", datetime.fromisoformat("2026-11-20T12:00+00:00"))) is None


def test_history_ends_with_its_snapshot(tmp_path: Path) -> None:
    newest(tmp_path, hourly(0, 0, 1, 1))
    early = read_snapshot(tmp_path, at="2026-11-20T13:30Z")
    history = known_history(early)
    assert history
    assert history.coverage["taken_at"].max() == hours(1.5)
    assert past_of(early).failures == 0
    assert hidden_tasks(history, early) == []


def test_share_of_many_tasks_is_judged(tmp_path: Path) -> None:
    """More than 127: categories of pandas are then numbered in another type."""
    found = shown(tmp_path, (200, True), (200, True))
    assert {each.verdict for each in found.values()} == {Verdict.OK}
    assert len(shown(tmp_path / "fewer", (200, True), (100, False))) == 200
