"""Planned starts with usual durations and overlaps, and what changes where a task is moved."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from taskanalysis.definition.duration import Duration
from taskanalysis.definition.model import CalendarTrigger, Repetition, ScheduleByDay, TaskDefinition, TimeTrigger
from taskanalysis.errors import TaskAnalysisError
from taskanalysis.history import diff
from taskanalysis.report.planned import MOST_OVERLAPS, planned_starts, usual_seconds
from taskanalysis.report.tables import starts
from taskanalysis.schedule.moving import move
from taskanalysis.snapshot.snapshot import Snapshot

NOW = datetime(2026, 11, 23, 18, tzinfo=ZoneInfo("America/New_York"))


def at(clock: str) -> TaskDefinition:
    start = datetime.fromisoformat(f"2026-01-01T{clock}")
    return TaskDefinition(triggers=(CalendarTrigger(start_boundary=start, schedule=ScheduleByDay()),))


def snapshot(**tasks: TaskDefinition) -> Snapshot:
    paths = {f"\\OpenData\\{name}": task for name, task in tasks.items()}
    return Snapshot("S", NOW.astimezone(UTC), zone="America/New_York", tasks=paths)


def history(**minutes: float) -> Any:
    """A history in which each task ran five times, for so many minutes."""
    rows = [
        {"server": "S", "task_path": f"\\OpenData\\{name}", "seconds": 60 * took, "started": NOW - timedelta(days=day)}
        for name, took in minutes.items()
        for day in range(5)
    ]
    return SimpleNamespace(runs=pd.DataFrame(rows, columns=["server", "task_path", "seconds", "started"]))


def shown(frame: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Time, task and the tasks that it overlaps, by name."""
    names = [[path.rpartition("\\")[2] for path in paths] for paths in frame["overlaps"]]
    return [
        (f"{start:%H:%M}", path.rpartition("\\")[2], "".join(others))
        for start, path, others in zip(frame["start"], frame["task_path"], names, strict=True)
    ]


def test_runs_that_would_go_on_at_the_same_time_overlap() -> None:
    tasks = snapshot(A=at("22:00"), B=at("22:30"), C=at("23:00"), D=at("23:00"), E=at("23:30"))
    found = planned_starts(tasks, history=history(A=45, B=30))
    assert shown(found) == [
        ("22:00", "A", "B"),
        ("22:30", "B", "A"),  # its run ends as the next ones start
        ("23:00", "C", "D"),
        ("23:00", "D", "C"),
        ("23:30", "E", ""),
    ]
    assert found["usual_seconds"].isna().tolist() == [False, False, True, True, True]


def test_moved_task_overlaps_others_and_nothing_else_changes() -> None:
    tasks = snapshot(A=at("22:00"), B=at("02:00"))
    durations = history(A=30, B=30)
    assert shown(planned_starts(tasks, history=durations)) == [("22:00", "A", ""), ("02:00", "B", "")]
    for to in ("02:15", move(tasks.tasks["\\OpenData\\A"], "02:15")):
        found = planned_starts(tasks, moved={"\\opendata\\a": to}, history=durations)
        assert shown(found) == [("02:00", "B", "A"), ("02:15", "A", "B")]
        assert found["moved"].tolist() == [False, True]
    assert tasks.tasks["\\OpenData\\A"] == at("22:00")


def test_run_that_began_before_the_snapshot_still_overlaps() -> None:
    tasks = snapshot(A=at("17:30"), B=at("18:30"))
    assert shown(planned_starts(tasks, history=history(A=90)))[0] == ("18:30", "B", "A")


def test_task_that_is_not_over_at_its_next_start_overlaps_itself() -> None:
    hourly = TaskDefinition(
        triggers=(TimeTrigger(start_boundary=datetime(2026, 1, 1), repetition=Repetition(Duration.parse("PT1H"))),)
    )
    found = planned_starts(snapshot(A=hourly), history=history(A=61))
    assert {others for _, _, others in shown(found)} == {"A"}
    assert {others for _, _, others in shown(planned_starts(snapshot(A=hourly), history=history(A=60)))} == {""}


def test_tasks_outside_the_folder_still_count() -> None:
    tasks = snapshot(A=at("22:00"))
    tasks.tasks["\\Microsoft\\Windows\\X"] = at("22:00")
    (row,) = planned_starts(tasks, "\\OpenData", history=history()).itertuples()
    assert row.overlaps == ["\\Microsoft\\Windows\\X"]


def test_days_and_types() -> None:
    tasks = snapshot(A=at("22:00"))
    assert len(planned_starts(tasks, days=3, history=history())) == 3
    nothing = planned_starts(snapshot(), history=history())
    tasks.zone = ""
    for empty in (nothing, planned_starts(tasks, history=history())):
        assert empty.empty
        assert empty.dtypes.drop("start").equals(planned_starts(snapshot(A=at("22:00"))).dtypes.drop("start"))


def test_usual_duration_needs_five_runs_and_is_the_median() -> None:
    runs = history(A=1, B=2).runs
    assert usual_seconds(SimpleNamespace(runs=runs), "S").to_dict() == {"\\OpenData\\A": 60, "\\OpenData\\B": 120}  # type: ignore[arg-type]
    assert usual_seconds(SimpleNamespace(runs=runs[:9]), "S").to_dict() == {"\\OpenData\\A": 60}  # type: ignore[arg-type]
    assert usual_seconds(SimpleNamespace(runs=runs), "OTHER").empty  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("moved", "said"),
    [
        ({"\\OpenData\\Z": "02:00"}, "there is no definition of a task \\OpenData\\Z to move"),
        ({"\\OpenData\\A": "2"}, "\\OpenData\\A: '2' is not a time of day such as 02:00"),
    ],
)
def test_mistakes_are_one_sentence(moved: dict[str, str], said: str) -> None:
    with pytest.raises(TaskAnalysisError) as caught:
        planned_starts(snapshot(A=at("22:00")), moved=moved)
    assert str(caught.value) == said


def test_many_tasks_at_one_moment_name_a_part_of_each_other() -> None:
    tasks = snapshot(**{f"T{number}": at("02:00") for number in range(2 * MOST_OVERLAPS)})
    found = planned_starts(tasks, history=history(**{f"T{number}": 5 for number in range(2 * MOST_OVERLAPS)}))
    assert set(found["overlaps"].map(len)) == {MOST_OVERLAPS}


def test_sample_says_what_a_moved_task_meets(sample: Snapshot, tmp_path: Path) -> None:
    before = sorted(file.stat().st_mtime_ns for file in sample.share.rglob("*.xml"))
    path = r"\OpenData\GIS\Parcels"
    found = planned_starts(sample, moved={path: "03:15"})
    (row,) = found[found["moved"]].itertuples()
    assert (f"{row.start:%H:%M}", r"\OpenData\Portal\Catalog harvest" in row.overlaps) == ("03:15", True)
    assert sorted(file.stat().st_mtime_ns for file in sample.share.rglob("*.xml")) == before


def test_folder_may_be_written_with_slashes() -> None:
    assert starts(folder="/Backup")["task_path"].tolist() == starts(folder="\\Backup")["task_path"].tolist() != []
    assert len(diff("data", "data", folder="/OpenData/Permits").compared) > 0
