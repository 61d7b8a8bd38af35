"""Fates of slots: each by the smallest share that shows it. Hours count from noon of 2026-11-20, UTC."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from taskanalysis.health.fates import FATES, slot_fates
from taskanalysis.health.rules import parse_rules
from taskanalysis.history.frames import History, read_history
from taskanalysis.report.columns import COLUMNS
from taskanalysis.snapshot.status import Status
from tests.build import GUIDS, LOAD, event, every, hours, rows, scheduled, status, write

EVERY_TWO_HOURS = scheduled(every("PT2H"))
EARLY = 2 - 1 / 60
RUNNING = status(last_run=0, code=267009, state="Running")
OFF = status(last_run=0, enabled=False, state="Disabled")

Seen = Mapping[float, Any]
"""What snapshots show of the task, by their hour: a status, or the last run of a task that is ready."""


def history(data: Path, seen: Seen, task: bytes = EVERY_TWO_HOURS) -> History:
    for hour, shown in seen.items():
        write(data, hour, shown if isinstance(shown, Status) else status(last_run=shown), definitions={LOAD: task})
    return read_history(data)


def fates(data: Path, seen: Seen, task: bytes = EVERY_TWO_HOURS, **more: Any) -> list[tuple[object, ...]]:
    frame = slot_fates(history(data, seen, task), "SRV", **more)
    assert list(frame.columns) == list(COLUMNS["slots"])
    return rows(frame, "expected", "fate", "started", "count")


@pytest.mark.parametrize(
    ("seen", "expected", "fate", "started"),
    [
        pytest.param({1: 0, 4: 2.5}, 2, "seen", 2.5, id="start that a later snapshot shows is seen"),
        pytest.param({1: 0, 4: EARLY}, 2, "seen", EARLY, id="run a minute before its slot is that of the slot"),
        pytest.param({1: 0, 3.9: 3.5}, 2, "late", 3.5, id="run after its grace is late"),
        pytest.param({1: 0, 3.5: 0}, 2, "missed", None, id="start that is proven not to have happened is missed"),
        pytest.param({1: "never", 3.5: "never"}, 2, "missed", None, id="task that never ran missed its start"),
        pytest.param({1: 0, 2.5: 0}, 2, "pending", None, id="start whose grace is not over is pending"),
        pytest.param({1: None, 3.5: None}, 2, "not visible", None, id="unknown last run proves nothing"),
        pytest.param(
            {1: 0, 3.5: OFF, 5.5: OFF, 7.5: 0, 9.5: 8}, 8, "seen", 8, id="slots of a disabled task do not count"
        ),
    ],
)
def test_fate_of_a_single_slot(seen: Seen, expected: float, fate: str, started: float | None, tmp_path: Path) -> None:
    assert fates(tmp_path, seen) == [(expected, fate, started, 1)]


def test_proof_reaches_over_days_without_snapshots(tmp_path: Path) -> None:
    assert {fate for _, fate, _, _ in fates(tmp_path, {1: 0, 2: 0, 3: 0, 30: 0})} == {"missed"}


def test_starts_between_two_snapshots_hide_behind_the_last_run(tmp_path: Path) -> None:
    assert fates(tmp_path, {1: 0, 7: 6, 13: 12}) == [
        (2, "not visible", None, 2),
        (6, "seen", 6, 1),
        (8, "not visible", None, 2),
        (12, "seen", 12, 1),
    ]


def test_the_same_in_a_time_without_the_usual_snapshots_is_blind(tmp_path: Path) -> None:
    seen = [(hour, "seen", hour, 1) for hour in (2, 4)]
    blind = [(hour, "blind", None, 1) for hour in (6, 8, 10)]
    assert fates(tmp_path, {1: 0, 3: 2, 5: 4, 13: 12}) == [*seen, *blind, (12, "seen", 12, 1)]


def test_start_during_a_run_that_goes_on_is_overlapped(tmp_path: Path) -> None:
    assert fates(tmp_path, {1: RUNNING, 5.5: RUNNING}) == [(2, "overlapped", None, 2)]
    assert fates(tmp_path / "ended", {1: RUNNING, 5.5: 0}) == [(2, "missed", None, 2)]


def test_start_during_a_run_of_the_event_log_that_goes_on_is_overlapped(tmp_path: Path) -> None:
    """The log has the seconds of its start, which the snapshots have not."""
    begun = hours(0) + timedelta(seconds=20, milliseconds=40)
    steps = [
        event(100, begun, GUIDS[0], UserContext="u", InstanceId=GUIDS[0]),
        event(200, begun, GUIDS[0], ActionName="a.exe", TaskInstanceId=GUIDS[0]),
    ]
    (tmp_path / "eventlogs" / "SRV").mkdir(parents=True)
    (tmp_path / "eventlogs" / "SRV" / "log.xml").write_text("".join(steps), encoding="utf-8")
    assert fates(tmp_path, {1: RUNNING, 5.5: RUNNING}) == [(2, "overlapped", None, 2)]
    assert read_history(tmp_path).runs["source"].tolist() == ["eventlog"]


def test_slots_closer_than_snapshots_are_one_row_an_interval_with_their_count(tmp_path: Path) -> None:
    counted = fates(tmp_path, {1: 1, 2: 2, 3: 2}, scheduled(every("PT1M")))
    assert [(fate, number) for _, fate, _, number in counted] == [
        ("seen", 1),
        ("not visible", 59),
        ("seen", 1),
        ("missed", 58),
        ("pending", 1),
    ]


@pytest.mark.parametrize(
    ("settings", "more"),
    [("<RunOnlyIfIdle>true</RunOnlyIfIdle>", {}), ("", {"doubtful": [LOAD]})],
)
def test_slots_that_are_in_doubt_are_not_judged(settings: str, more: dict[str, Any], tmp_path: Path) -> None:
    task = scheduled(every("PT2H"), settings)
    assert fates(tmp_path, {1: 0, 3.5: 0}, task, **more) == [(2, "not judged", None, 1)]


def test_rule_that_grants_more_time_makes_a_late_start_a_seen_one(tmp_path: Path) -> None:
    rules = parse_rules("[[rule]]\ntask = '*'\ngrace_minutes = 100")
    assert fates(tmp_path, {1: 0, 3.9: 3.5}, rules=rules) == [(2, "seen", 3.5, 1)]


def test_disabled_definition_has_no_slots(tmp_path: Path) -> None:
    assert fates(tmp_path, {1: 0, 3.5: 0}, scheduled(every("PT2H"), "<Enabled>false</Enabled>")) == []


def test_changed_definition_counts_from_the_snapshot_that_first_shows_it(tmp_path: Path) -> None:
    history(tmp_path, {1.5: 0, 3.5: 2})
    history(tmp_path, {6.5: 5, 8.5: 7}, scheduled(every("PT2H").replace("T00:00", "T01:00")))
    assert rows(slot_fates(read_history(tmp_path), "SRV"), "expected", "fate") == [(2, "seen"), (7, "seen")]


def test_other_description_is_no_other_form(tmp_path: Path) -> None:
    history(tmp_path, {1.5: 0, 3.5: 2})
    history(tmp_path, {5.5: 4}, scheduled(every("PT2H"), info="<Author>x</Author>"))
    assert rows(slot_fates(read_history(tmp_path), "SRV"), "expected", "fate") == [(2, "seen"), (4, "seen")]


def test_window_and_folder_bound_the_rows(tmp_path: Path) -> None:
    seen = history(tmp_path, {1: 0, 3: 2, 5: 4, 7: 6})
    assert rows(slot_fates(seen, "SRV", since=hours(3), until=hours(5)), "expected") == [(4,)]
    assert slot_fates(seen, "SRV", folder="\\Other").empty
    assert slot_fates(seen, "OTHER").empty
    assert len(slot_fates(seen, "SRV", folder="\\OpenData")) == 3


def test_share_without_definitions_or_zone_has_no_slots(tmp_path: Path) -> None:
    write(tmp_path, 1, status(last_run=0))
    write(tmp_path, 3, status(last_run=2))
    empty = slot_fates(read_history(tmp_path), "SRV")
    assert (list(empty.columns), len(empty)) == (list(COLUMNS["slots"]), 0)
    write(tmp_path / "zone", 1, status(last_run=0), definitions={LOAD: EVERY_TWO_HOURS}, zone="")
    assert slot_fates(read_history(tmp_path / "zone"), "SRV").empty


def test_columns_have_the_types_that_are_promised(tmp_path: Path) -> None:
    frame = slot_fates(history(tmp_path, {1: 0, 4: 2}), "SRV")
    kinds = {name: str(kind) for name, kind in frame.dtypes.items()}
    assert kinds == {
        "server": "category",
        "task_path": "category",
        "expected": "datetime64[us, UTC]",
        "fate": "category",
        "started": "datetime64[us, UTC]",
        "count": "int64",
    }
    assert frame["fate"].cat.categories.tolist() == FATES
    assert timedelta(0) <= frame["started"].iloc[0] - frame["expected"].iloc[0]
