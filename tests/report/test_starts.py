"""What starts when: the frames of expected starts, their sums, and what Windows says otherwise."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from taskanalysis.definition.duration import Duration
from taskanalysis.definition.model import (
    BootTrigger,
    CalendarTrigger,
    Repetition,
    ScheduleByDay,
    Settings,
    TaskDefinition,
    TimeTrigger,
    Trigger,
)
from taskanalysis.report import starts
from taskanalysis.report.inventory import Inventory
from taskanalysis.snapshot.snapshot import Snapshot
from taskanalysis.snapshot.status import Status

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 23, 6, 2, tzinfo=NEW_YORK)
SIX = CalendarTrigger(start_boundary=datetime(2026, 1, 1, 6), schedule=ScheduleByDay())
QUARTERS = TimeTrigger(start_boundary=datetime(2026, 1, 1), repetition=Repetition(Duration.parse("PT15M")))


def share(now: datetime = NOW, zone: str = "America/New_York", **tasks: Trigger) -> Snapshot:
    definitions = {f"\\{name}": TaskDefinition(triggers=(trigger,)) for name, trigger in tasks.items()}
    return Snapshot("S", now.astimezone(UTC), zone=zone, tasks=definitions)


def test_starts_of_the_sample_are_those_of_its_tasks_in_order(sample: Snapshot) -> None:
    week = starts.expected_starts(sample)
    assert week["start"].is_monotonic_increasing
    assert str(week["start"].dt.tz) == "America/New_York"
    assert set(week["task_path"]) <= set(sample.within())
    parcels = week.loc[week["task_path"] == r"\OpenData\GIS\Parcels", "start"]
    assert [f"{start:%a %H:%M}" for start in parcels] == [
        f"{day} 05:25" for day in ("Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Mon")
    ]


def test_start_at_the_very_moment_of_the_snapshot_is_not_a_coming_one() -> None:
    six = NOW.replace(minute=0)
    snapshot = share(six, Load=SIX)
    runs = starts.next_runs(snapshot, starts.expected_starts(snapshot))
    assert runs == {r"\Load": [six + timedelta(days=1)]}


def test_many_starts_of_a_task_are_listed_in_part_and_counted() -> None:
    snapshot = share(Load=QUARTERS)
    runs = starts.next_runs(snapshot, starts.expected_starts(snapshot))[r"\Load"]
    assert len(runs) == starts.MOST_TIMES + 1
    assert runs[0] == NOW.replace(minute=15)
    assert runs[-1] == "and 72 more"


def test_hours_to_come_hold_every_start_and_empty_ones_are_there() -> None:
    snapshot = share(Load=SIX, Often=QUARTERS)
    coming = Inventory(snapshot).coming.frame
    assert len(coming) == 25
    assert coming["starts"].sum() == 96 + 1
    assert coming["which"].iloc[0] == [r"\Often at 06:15, 06:30 and 06:45"]
    assert coming["which"].iloc[-1] == [r"\Load at 06:00", r"\Often at 06:00"]
    quiet = share(Load=SIX)
    assert Inventory(quiet).coming.frame["starts"].tolist() == [0] * 24 + [1]


def test_hour_that_autumn_repeats_is_two() -> None:
    snapshot = share(datetime(2026, 10, 31, 12, tzinfo=NEW_YORK), Often=QUARTERS)
    hours = Inventory(snapshot).coming.frame["hour"]
    assert [f"{hour:%H %z}" for hour in hours if hour.hour == 1] == ["01 -0400", "01 -0500"]
    assert len(hours) == 25


def test_frequent_starts_in_an_hour_are_said_as_a_span_after_the_rare_ones() -> None:
    minute = replace(QUARTERS, repetition=Repetition(Duration.parse("PT5M")))
    snapshot = share(A=minute, Z=SIX)
    coming = Inventory(snapshot).coming.frame
    assert coming["which"].iloc[1] == [r"\A from 07:00 to 07:55, 12 times"]
    late = share(NOW - timedelta(hours=1), A=minute, Z=SIX)
    assert Inventory(late).coming.frame["which"].iloc[1][0] == r"\Z at 06:00"


def test_week_has_each_start_in_its_hour_and_weekday() -> None:
    snapshot = share(Load=SIX, Often=QUARTERS)
    grid = starts.week_grid(starts.expected_starts(snapshot))
    assert grid.shape == (24, 7)
    assert grid.to_numpy().sum() == 7 + 7 * 96
    assert (grid.loc[6, "Monday"], grid.loc[7, "Monday"]) == (5, 4)


def test_three_tasks_that_start_together_are_a_group_and_two_are_none() -> None:
    snapshot = share(A=SIX, B=SIX, C=replace(SIX, start_boundary=datetime(2026, 1, 1, 6, 0, 30)))
    (row,) = Inventory(snapshot).collisions.frame.to_dict("records")
    assert row == {"tasks": 3, "which": [r"\A", r"\B", r"\C"], "starts": 7, "when": "every day, at 06:00"}
    assert Inventory(share(A=SIX, B=SIX)).collisions.frame.empty


def test_times_of_a_group_that_often_starts_together_are_shortened() -> None:
    snapshot = share(A=QUARTERS, B=QUARTERS, C=QUARTERS)
    (row,) = Inventory(snapshot).collisions.frame.to_dict("records")
    assert row["when"] == "every day, at 00:00, 00:15, 00:30, 00:45 and 92 other times of day"


def test_windows_other_next_start_of_the_sample_is_that_of_disabled_triggers(sample: Snapshot) -> None:
    frame = Inventory(sample).differences.frame
    assert frame["task_path"].tolist() == [r"\OpenData\Admin\Rebuild staging", r"\OpenData\Portal\Certificate check"]
    assert set(frame["why"]) == {"Windows counts a disabled trigger."}
    assert frame["expected_next"].tolist()[0] == "never"


def test_task_without_a_status_is_not_compared() -> None:
    snapshot = share(A=SIX, B=SIX)
    snapshot.statuses = {r"\A": Status(r"\A", next_run=NOW)}
    assert Inventory(snapshot).differences.frame["task_path"].tolist() == [r"\A"]


def test_answer_names_the_longest_pause_with_and_without_the_frequent_ones() -> None:
    snapshot = share(Load=SIX, Often=QUARTERS, Boot=BootTrigger())
    said = starts.starts_answer(snapshot, starts.expected_starts(snapshot))
    assert said == [
        "97 starts of 2 tasks in the 24 hours after the snapshot.",
        "The longest time without a start is 15 minutes, from Monday 06:15 on.",
        "Apart from 1 task starting every hour or more often, it is 23 hours 58 minutes, from Monday 06:02 on.",
        "1 task can also start at times that no schedule gives (BootTrigger).",
    ]


def test_repetition_under_a_minute_is_the_reason_why_no_start_is_computed() -> None:
    snapshot = share(Load=SIX, Often=replace(SIX, repetition=Repetition(Duration.parse("PT0.001S"))))
    said = starts.starts_answer(snapshot, starts.expected_starts(snapshot))
    assert said[0] == "1 start of 1 task in the 24 hours after the snapshot."
    assert said[-1] == (
        "1 task can also start at times that no schedule gives (a repetition under a minute, which Windows refuses)."
    )


def test_pause_of_a_share_where_all_tasks_start_often_is_said_once() -> None:
    snapshot = share(Often=QUARTERS)
    assert len(starts.starts_answer(snapshot, starts.expected_starts(snapshot))) == 2


def test_starts_in_doubt_are_counted() -> None:
    snapshot = share(
        datetime(2026, 3, 6, 12, tzinfo=NEW_YORK), Load=replace(SIX, start_boundary=datetime(2026, 1, 1, 2))
    )
    assert starts.starts_answer(snapshot, starts.expected_starts(snapshot))[-1].startswith("1 start in the week")


@pytest.mark.parametrize("zone", ["", "America/New_York"])
def test_empty_share_and_unknown_zone_have_no_starts_and_no_error(zone: str) -> None:
    snapshot = share(zone=zone) if zone else share(zone="", Load=SIX)
    week = starts.expected_starts(snapshot)
    assert week.empty
    assert starts.next_runs(snapshot, starts.expected_starts(snapshot)) == {}
    assert starts.week_grid(week).to_numpy().sum() == 0
    assert starts.collisions(week) == []
    assert Inventory(snapshot).differences.frame.empty
    assert len(starts.coming(snapshot, week)) == (25 if zone else 0)
    assert len(starts.starts_answer(snapshot, week)) == 1
    assert Inventory(snapshot).triggers.frame["next_run"].tolist() == ([] if zone else [""])


def test_next_run_in_the_hour_that_spring_skips_is_not_certain() -> None:
    gap = share(datetime(2026, 3, 7, 12, tzinfo=NEW_YORK), A=replace(SIX, start_boundary=datetime(2026, 1, 1, 2, 30)))
    (row,) = Inventory(gap).triggers.frame.to_dict("records")
    assert (row["next_run"], row["judged"]) == (datetime(2026, 3, 8, 3, 30, tzinfo=NEW_YORK), False)


def test_disabled_task_and_disabled_trigger_have_no_next_run() -> None:
    snapshot = share(A=replace(SIX, enabled=False), B=SIX)
    snapshot.tasks[r"\B"] = replace(snapshot.tasks[r"\B"], settings=Settings(enabled=False))
    assert Inventory(snapshot).triggers.frame["next_run"].tolist() == ["", ""]
    assert Inventory(snapshot).tasks.frame["next_runs"].tolist() == [[], []]
