"""Situations that a careful operator meets: verdict, reason, since and advice of each."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from taskanalysis.health import Judged, known_history
from taskanalysis.health.verdicts import judge
from taskanalysis.snapshot import Status, read_snapshot
from tests.build import LOAD, NOON, hours, scheduled, status, write

DAILY = (
    "<CalendarTrigger>{more}<StartBoundary>2026-01-01T{at}Z</StartBoundary>"
    "<ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay></CalendarTrigger>"
)
MORNING = DAILY.format(more="", at="06:00:00")
STOPPED = (
    "<Repetition><Interval>PT1H</Interval><Duration>PT4H</Duration>"
    "<StopAtDurationEnd>true</StopAtDurationEnd></Repetition>"
)
WINDOW = DAILY.format(more=STOPPED, at="06:00:00")
RUNNING: dict[str, Any] = {"state": "Running", "code": 267009}


@dataclass(frozen=True)
class Situation:
    """What snapshots show, by their hour from noon on, and what is said: verdict, part of the reason, since, advice."""

    words: str
    seen: dict[float, Status]
    verdict: str
    reason: str
    since: float | None = None
    advice: str = ""
    task: bytes = field(default_factory=lambda: scheduled(MORNING, "<ExecutionTimeLimit>PT1H</ExecutionTimeLimit>"))


def limited(limit: str, trigger_limit: str = "") -> bytes:
    trigger = DAILY.format(more="", at="06:00:00")
    if trigger_limit:
        own = f"<ExecutionTimeLimit>{trigger_limit}</ExecutionTimeLimit>"
        trigger = trigger.replace("<StartBoundary>", f"{own}<StartBoundary>")
    return scheduled(trigger, f"<ExecutionTimeLimit>{limit}</ExecutionTimeLimit>")


def batch(command: str) -> bytes:
    return scheduled(MORNING, "<ExecutionTimeLimit>PT1H</ExecutionTimeLimit>", command=command)


SITUATIONS = [
    Situation(
        "queued for two weeks while its starts pass",
        {0: status(last_run=-14 * 24 + 18, state="Queued")},
        "OVERDUE",
        "It is in the queue, since 2026-11-08 01:00 at the latest.",
        -13 * 24 + 18,
        "End the run that it waits for",
    ),
    Situation(
        "queued, by its code, too",
        {0: status(last_run=-30, state="Queued", code=267045)},
        "OVERDUE",
        "It should have started",
        -6,
        "End the run that it waits for",
    ),
    Situation(
        "queued since a moment ago", {0: status(last_run=-6, state="Queued")}, "RUNNING", "It waits for its turn", -6
    ),
    Situation(
        "never ran, the last-run cell is empty, since before the oldest snapshot",
        {0: status(last_run=None, code=267011), 24: status(last_run=None, code=267011)},
        "OVERDUE",
        "It should have started at 2026-11-21 01:00. It has not run yet.",
        18,
        "Start the task by hand; its history says why it did not start",
    ),
    Situation(
        "never ran, and nothing was due yet",
        {0: status(last_run="never", code=267011), 6: status(last_run="never", code=267011)},
        "NEVER RAN",
        "It has not run yet.",
    ),
    Situation(
        "the code says that it never ran, whatever the cell says",
        {0: status(last_run=-6, code=267011)},
        "NEVER RAN",
        "It has not run yet.",
    ),
    Situation(
        "far past its own time limit",
        {0: status(last_run=-6, **RUNNING)},
        "RUNNING LONG",
        "past its time limit of 30 minutes, at which Windows should have stopped it",
        -6,
        "See in Task Manager what python is doing",
        limited("PT30M"),
    ),
    Situation(
        "far past the time limit of its trigger",
        {0: status(last_run=-6, **RUNNING)},
        "RUNNING LONG",
        "past its time limit of 20 minutes",
        -6,
        "See in Task Manager",
        limited("PT72H", "PT20M"),
    ),
    Situation(
        "at its time limit, which Windows enforces within minutes",
        {0.1: status(last_run=-0.5, **RUNNING)},
        "RUNNING",
        "Running since 2026-11-20 06:30 (36 minutes).",
        -0.5,
        task=limited("PT30M"),
    ),
    Situation(
        "the state says nothing, the code that it runs",
        {0: status(last_run=-0.5, code=267009, state="Unknown")},
        "RUNNING",
        "Running since 2026-11-20 06:30 (30 minutes).",
        -0.5,
    ),
    Situation(
        "Windows gives no known state, the last result was good",
        {0: status(last_run=-6, state="Unknown")},
        "UNKNOWN",
        "But what the task is doing now is not known.",
        -6,
    ),
    Situation(
        "the trigger stops it at the end of its repetition",
        {0: status(last_run=-3, code=267014)},
        "OK",
        "It was stopped at 2026-11-20 05:00, as its trigger orders at the end of the repetition.",
        -3,
        task=scheduled(WINDOW),
    ),
    Situation(
        "stopped in the middle of the repetition",
        {-2.5: status(last_run=-3, code=267014)},
        "FAILING",
        "Stopped by someone, or by its time limit.",
        -3,
        "Compare the length of the run with the time limit",
        scheduled(WINDOW),
    ),
    Situation(
        "a cleanup found nothing to delete",
        {0: status(last_run=-6, code=1)},
        "UNKNOWN",
        "No file matched",
        -6,
        "Ask who made the program what 1 (0x00000001) means; if it is success, add ok_codes = [1]",
        batch("forfiles.exe"),
    ),
    Situation(
        "an update is installed already",
        {0: status(last_run=-6, code=0x240006)},
        "OK",
        "installed already",
        -6,
        task=batch("wusa.exe"),
    ),
    Situation(
        "a service to stop does not exist",
        {0: status(last_run=-6, code=1060)},
        "FAILING",
        "There is no service of this name.",
        -6,
        "Check the name",
        batch("sc.exe"),
    ),
    Situation(
        "a code that nobody knows, for the third time",
        {-47: status(last_run=-54, code=0), -23: status(last_run=-30, code=77777), 0: status(last_run=-6, code=77777)},
        "UNKNOWN",
        "Nothing is known of this code.",
        -30,
        "Ask who made the program what 77777",
    ),
    Situation(
        "its start was missed while the server was off",
        {0: status(last_run=-54, missed_runs=2)},
        "OVERDUE",
        "Windows counts 2 starts missed",
        -30,
        "See in the System log whether the server was off",
    ),
    Situation(
        "the start was refused, as on battery power",
        {0: status(last_run=-54, code=0x800710E0)},
        "OVERDUE",
        "Windows refused its last start, as it does on battery power.",
        -30,
        "See the conditions of the task",
    ),
]


def judged_in(situation: Situation, share: Path) -> Judged:
    for hour, seen in situation.seen.items():
        write(share, hour, seen, definitions={LOAD: situation.task})
    snapshot = read_snapshot(share, now=hours(1000))
    (found,) = judge(snapshot, history=known_history(snapshot))
    return found


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.words)
def test_situation_is_judged_as_a_careful_operator_would(situation: Situation, tmp_path: Path) -> None:
    found = judged_in(situation, tmp_path)
    assert found.verdict.value == situation.verdict
    assert situation.reason in found.reason
    assert found.since == (None if situation.since is None else hours(situation.since))
    assert situation.advice in found.advice
    assert bool(found.advice) or not found.needs_attention


# New, again, recovered ------------------------------------------------------------------------------------------------


def daily(share: Path, codes: dict[int, int]) -> Judged:
    """A task that ran each day at 06:00 with these codes, by the number of days before the last."""
    for day in sorted(codes, reverse=True):
        write(share, -24 * day, status(last_run=-24 * day - 6, code=codes[day]), definitions={LOAD: scheduled(MORNING)})
    snapshot = read_snapshot(share)
    (found,) = judge(snapshot, history=known_history(snapshot))
    return found


def test_problem_is_new_or_comes_again(tmp_path: Path) -> None:
    assert daily(tmp_path / "new", {3: 0, 2: 0, 1: 0, 0: 1}).novelty == "NEW"
    assert daily(tmp_path / "again", {3: 1, 2: 0, 1: 0, 0: 1}).novelty == "AGAIN"
    assert daily(tmp_path / "old", {3: 0, 2: 1, 1: 1, 0: 1}).novelty == ""
    assert daily(tmp_path / "long ago", {40: 1, 2: 0, 1: 0, 0: 1}).novelty == "NEW"
    assert daily(tmp_path / "well", {1: 0, 0: 0}).novelty == ""


def test_recovery_is_one_of_the_last_24_hours(tmp_path: Path) -> None:
    assert daily(tmp_path / "now", {2: 0, 1: 1, 0: 0}).has_recovered
    assert not daily(tmp_path / "before", {2: 1, 1: 0, 0: 0}).has_recovered
    assert not daily(tmp_path / "never", {2: 0, 1: 0, 0: 0}).has_recovered
    assert not daily(tmp_path / "first run", {0: 0}).has_recovered


def test_task_that_often_fails_is_named_though_it_is_ok_now(tmp_path: Path) -> None:
    assert daily(tmp_path / "often", dict.fromkeys(range(12), 0) | {3: 1, 7: 1}).often_fails
    assert not daily(tmp_path / "once", dict.fromkeys(range(12), 0) | {3: 1}).often_fails
    assert not daily(tmp_path / "few", {3: 0, 2: 1, 1: 1, 0: 0}).often_fails


def test_failures_on_the_same_weekdays_are_a_pattern(tmp_path: Path) -> None:
    fridays = {day: int((NOON - timedelta(days=day)).weekday() == 4) for day in range(36)}
    assert "All its failures of 60 days were on Friday." in daily(tmp_path / "fridays", fridays).reason
    once_good = fridays | {7: 0}
    assert "All its failures" not in daily(tmp_path / "good once", once_good).reason
    assert "All its failures" not in daily(tmp_path / "all", dict.fromkeys(range(36), 1)).reason
