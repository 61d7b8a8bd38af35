"""Fates of slots: each by the smallest share that shows it. Hours count from noon of 2026-11-20, UTC."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from taskanalysis.health.rules import parse_rules
from taskanalysis.health.slots import FATES, slot_fates
from taskanalysis.history.frames import History, read_history
from taskanalysis.report.columns import COLUMNS
from taskanalysis.snapshot.status import Status
from tests.build import LOAD, hours, rows, status, write

EVERY_TWO_HOURS = (
    "<TimeTrigger><Repetition><Interval>PT2H</Interval></Repetition>"
    "<StartBoundary>2026-11-20T00:00:00Z</StartBoundary></TimeTrigger>"
)
EVERY_MINUTE = EVERY_TWO_HOURS.replace("PT2H", "PT1M")


def definition(trigger: str = EVERY_TWO_HOURS, settings: str = "") -> bytes:
    """A task that starts every two hours, at even ones."""
    return f"<Task><Triggers>{trigger}</Triggers><Settings>{settings}</Settings><Actions/></Task>".encode("utf-16")


def history(data: Path, seen: Mapping[float, Sequence[Status]], task: bytes = definition()) -> History:
    for hour, statuses in seen.items():
        write(data, hour, *statuses, definitions={LOAD: task})
    return read_history(data)


def fates(
    data: Path, seen: Mapping[float, Sequence[Status]], task: bytes = definition(), **more: object
) -> list[tuple[object, ...]]:
    frame = slot_fates(history(data, seen, task), "SRV", **more)  # type: ignore[arg-type]
    assert list(frame.columns) == list(COLUMNS["slots"])
    return rows(frame, "expected", "fate", "started", "count")


def test_start_that_a_later_snapshot_shows_is_seen(tmp_path: Path) -> None:
    assert fates(tmp_path, {1: [status(last_run=0)], 4: [status(last_run=2.5)]}) == [(2, "seen", 2.5, 1)]


def test_run_a_minute_before_its_slot_is_that_of_the_slot(tmp_path: Path) -> None:
    early = 2 - 1 / 60
    assert fates(tmp_path, {1: [status(last_run=0)], 4: [status(last_run=early)]}) == [(2, "seen", early, 1)]


def test_run_after_its_grace_is_late(tmp_path: Path) -> None:
    assert fates(tmp_path, {1: [status(last_run=0)], 3.9: [status(last_run=3.5)]}) == [(2, "late", 3.5, 1)]


def test_start_that_is_proven_not_to_have_happened_is_missed(tmp_path: Path) -> None:
    assert fates(tmp_path, {1: [status(last_run=0)], 3.5: [status(last_run=0)]}) == [(2, "missed", None, 1)]


def test_proof_reaches_over_days_without_snapshots(tmp_path: Path) -> None:
    seen = {1: [status(last_run=0)], 2: [status(last_run=0)], 3: [status(last_run=0)], 30: [status(last_run=0)]}
    assert {fate for _, fate, _, _ in fates(tmp_path, seen)} == {"missed"}


def test_start_whose_grace_is_not_over_is_pending(tmp_path: Path) -> None:
    assert fates(tmp_path, {1: [status(last_run=0)], 2.5: [status(last_run=0)]}) == [(2, "pending", None, 1)]


def test_starts_between_two_looks_hide_behind_the_last_run(tmp_path: Path) -> None:
    assert fates(tmp_path, {1: [status(last_run=0)], 7: [status(last_run=6)], 13: [status(last_run=12)]}) == [
        (2, "not visible", None, 2),
        (6, "seen", 6, 1),
        (8, "not visible", None, 2),
        (12, "seen", 12, 1),
    ]


def test_the_same_in_a_time_without_the_usual_snapshots_is_blind(tmp_path: Path) -> None:
    looks = {hour: [status(last_run=hour - 1)] for hour in (1, 3, 5, 13)}
    assert fates(tmp_path, looks) == [
        (2, "seen", 2, 1),
        (4, "seen", 4, 1),
        (6, "blind", None, 1),
        (8, "blind", None, 1),
        (10, "blind", None, 1),
        (12, "seen", 12, 1),
    ]


def test_start_during_a_run_that_goes_on_is_overlapped(tmp_path: Path) -> None:
    running = status(last_run=0, code=267009, state="Running")
    assert fates(tmp_path, {1: [running], 5.5: [running]}) == [(2, "overlapped", None, 2)]
    assert fates(tmp_path / "ended", {1: [running], 5.5: [status(last_run=0)]}) == [(2, "missed", None, 2)]


def test_slots_closer_than_snapshots_are_one_row_an_interval_with_their_count(tmp_path: Path) -> None:
    seen = {1: [status(last_run=1)], 2: [status(last_run=2)], 3: [status(last_run=2)]}
    found = fates(tmp_path, seen, definition(EVERY_MINUTE))
    assert [(fate, number) for _, fate, _, number in found] == [
        ("seen", 1),
        ("not visible", 59),
        ("seen", 1),
        ("missed", 58),
        ("pending", 1),
    ]
    assert sum(number for *_, number in found) == 120


@pytest.mark.parametrize(
    ("settings", "more"),
    [("<RunOnlyIfIdle>true</RunOnlyIfIdle>", {}), ("", {"doubtful": [LOAD]})],
)
def test_slots_that_are_in_doubt_are_not_judged(settings: str, more: dict[str, object], tmp_path: Path) -> None:
    seen = {1: [status(last_run=0)], 3.5: [status(last_run=0)]}
    assert fates(tmp_path, seen, definition(settings=settings), **more) == [(2, "not judged", None, 1)]


def test_rule_that_grants_more_time_makes_a_late_start_a_seen_one(tmp_path: Path) -> None:
    rules = parse_rules("[[rule]]\ntask = '*'\ngrace_minutes = 100")
    seen = {1: [status(last_run=0)], 3.9: [status(last_run=3.5)]}
    assert fates(tmp_path, seen, rules=rules) == [(2, "seen", 3.5, 1)]


def test_slots_of_a_time_when_the_task_was_off_do_not_count(tmp_path: Path) -> None:
    off = status(last_run=0, enabled=False, state="Disabled")
    seen = {1: [status(last_run=0)], 3.5: [off], 5.5: [off], 7.5: [status(last_run=0)], 9.5: [status(last_run=8)]}
    assert fates(tmp_path, seen) == [(8, "seen", 8, 1)]


def test_disabled_definition_has_no_slots(tmp_path: Path) -> None:
    seen = {1: [status(last_run=0)], 3.5: [status(last_run=0)]}
    assert fates(tmp_path, seen, definition(settings="<Enabled>false</Enabled>")) == []


def test_changed_definition_counts_from_the_snapshot_that_first_shows_it(tmp_path: Path) -> None:
    odd = definition(EVERY_TWO_HOURS.replace("T00:00", "T01:00"))
    history(tmp_path, {1.5: [status(last_run=0)], 3.5: [status(last_run=2)]})
    history(tmp_path, {6.5: [status(last_run=5)], 8.5: [status(last_run=7)]}, odd)
    found = rows(slot_fates(read_history(tmp_path), "SRV"), "expected", "fate")
    assert found == [(2, "seen"), (7, "seen")]


def test_other_description_is_no_other_form(tmp_path: Path) -> None:
    named = (
        definition()
        .decode("utf-16")
        .replace("<Triggers>", "<RegistrationInfo><Author>x</Author></RegistrationInfo><Triggers>")
    )
    history(tmp_path, {1.5: [status(last_run=0)], 3.5: [status(last_run=2)]})
    history(tmp_path, {5.5: [status(last_run=4)]}, named.encode("utf-16"))
    assert rows(slot_fates(read_history(tmp_path), "SRV"), "expected", "fate") == [(2, "seen"), (4, "seen")]


def test_unknown_last_run_proves_nothing(tmp_path: Path) -> None:
    assert fates(tmp_path, {1: [status(last_run=None)], 3.5: [status(last_run=None)]}) == [(2, "not visible", None, 1)]


def test_task_that_never_ran_missed_its_starts(tmp_path: Path) -> None:
    assert fates(tmp_path, {1: [status(last_run="never")], 3.5: [status(last_run="never")]}) == [(2, "missed", None, 1)]


def test_window_and_folder_bound_the_rows(tmp_path: Path) -> None:
    told = history(tmp_path, {hour: [status(last_run=hour - 1)] for hour in (1, 3, 5, 7)})
    one = slot_fates(told, "SRV", since=hours(3), until=hours(5))
    assert rows(one, "expected") == [(4,)]
    assert slot_fates(told, "SRV", folder="\\Other").empty
    assert slot_fates(told, "OTHER").empty
    assert len(slot_fates(told, "SRV", folder="\\OpenData")) == 3


def test_share_without_definitions_or_zone_has_no_slots(tmp_path: Path) -> None:
    write(tmp_path, 1, status(last_run=0))
    write(tmp_path, 3, status(last_run=2))
    empty = slot_fates(read_history(tmp_path), "SRV")
    assert (list(empty.columns), len(empty)) == (list(COLUMNS["slots"]), 0)
    write(tmp_path / "zone", 1, status(last_run=0), definitions={LOAD: definition()}, zone="")
    assert slot_fates(read_history(tmp_path / "zone"), "SRV").empty


def test_columns_have_the_types_that_are_promised(tmp_path: Path) -> None:
    frame = slot_fates(history(tmp_path, {1: [status(last_run=0)], 4: [status(last_run=2)]}), "SRV")
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
