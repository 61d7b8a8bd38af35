"""Runs that a trigger stops by order: good for verdicts, rates and trends, unlike those that anything else stopped."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from taskanalysis.health.past import known_history
from taskanalysis.health.verdicts import Judged, judge
from taskanalysis.snapshot.snapshot import read_snapshot
from tests.build import LOAD, hours, scheduled, status, trends_of, write

# each day from 06:00 to 10:00 in UTC, which is 6 to 2 hours before noon
WINDOW = (
    "<CalendarTrigger><Repetition><Interval>PT1H</Interval><Duration>PT4H</Duration>"
    "<StopAtDurationEnd>{stop}</StopAtDurationEnd></Repetition><StartBoundary>2026-01-01T06:00:00Z</StartBoundary>"
    "<ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay></CalendarTrigger>"
)


def listener(share: Path, stop: str = "true", until: float = 0, **now: Any) -> Judged:
    """A task that its trigger stops each day: 12 days, then what the last snapshot shows."""
    definitions = {LOAD: scheduled(WINDOW.format(stop=stop))}
    for day in range(-12, 0):
        write(share, 24 * day, status(last_run=24 * day - 6, code=267014), definitions=definitions)
    write(share, until, status(**{"last_run": -6, "code": 267014, **now}), definitions=definitions)
    snapshot = read_snapshot(share)
    (found,) = judge(snapshot, history=known_history(snapshot))
    return found


def test_task_that_is_stopped_each_day_by_order_is_well(tmp_path: Path) -> None:
    found = listener(tmp_path)
    assert (found.verdict.value, found.past.failures, found.past.month.success) == ("OK", 0, 1.0)
    assert not found.often_fails
    assert found.advice == ""
    assert found.since == hours(-12 * 24 - 6)


def test_it_does_not_fail_while_it_runs_again(tmp_path: Path) -> None:
    assert listener(tmp_path, until=-5, code=267009, state="Running").verdict.value == "RUNNING"


def test_it_fails_on_no_day_of_the_trends(tmp_path: Path) -> None:
    listener(tmp_path)
    trends = trends_of(read_snapshot(tmp_path))
    assert set(trends.runs["ending"]) == {"stopped"}
    assert trends.rate(timedelta(days=7)).success == 1.0
    assert trends.failing_at(pd.DatetimeIndex([hours(0)])).tolist() == [0]


@pytest.mark.parametrize(
    ("stop", "now"),
    [("false", {}), ("true", {"last_run": -1.5})],
    ids=["its trigger does not order it", "it started after the end"],
)
def test_any_other_stop_is_a_failure(stop: str, now: dict[str, Any], tmp_path: Path) -> None:
    found = listener(tmp_path, stop, **now)
    assert found.verdict.value == "FAILING"
    assert found.past.failures == (1 if now else 13)


def test_stop_before_the_end_of_the_repetition_is_a_failure(tmp_path: Path) -> None:
    assert listener(tmp_path, until=-3).past.failures == 1
