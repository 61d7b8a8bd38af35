"""Runs and failed starts that observations show."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskanalysis.history.frames import read_history
from taskanalysis.history.runs import MINUTE, find_runs
from taskanalysis.history.spans import NONE, Observed
from taskanalysis.snapshot.status import STATES, Status
from tests.build import LOAD, NOON, history_of, hourly, hours, rows, status, write, xml

HOUR = 3_600_000_000


def test_first_result_belongs_to_the_run_and_a_later_one_is_a_failed_start(tmp_path: Path) -> None:
    codes = [267009, 0, 0x800710E0, 0x800710E0, 0]
    history = hourly(tmp_path, [*((-1, code) for code in codes), (4.5, 1)])
    assert rows(history.runs, "started", "code", "first_seen", "finished_by", "last_seen") == [
        (-1, 0, 0, 1, 4),
        (4.5, 1, 5, 5, 5),
    ]
    assert rows(history.events, "at", "kind", "code", "source") == [(2, "start failed", 0x800710E0, "status")]


@pytest.mark.parametrize(("state", "code"), [("Running", 0), ("Queued", 0), ("Ready", 267009), ("Ready", 267045)])
def test_running_or_queued_run_has_no_result_yet(tmp_path: Path, state: str, code: int) -> None:
    history = history_of(tmp_path, {0: [status(last_run=-1, code=code, state=state)]})
    assert rows(history.runs, "code", "outcome", "finished_by") == [(None, "running", None)]
    write(tmp_path, 1, status(last_run=0.5))
    assert rows(read_history(tmp_path).runs, "outcome") == [("unknown",), ("succeeded",)]


def test_never_and_unknown_are_no_runs(tmp_path: Path) -> None:
    history = history_of(tmp_path, {0: [status(last_run="never", code=267011), Status("\\A")]})
    assert history.runs.empty
    assert rows(history.observations, "task_path", "never_ran", "last_run") == [
        ("\\A", None, None),
        (LOAD, True, None),
    ]


def test_minute_of_the_start_identifies_a_run(tmp_path: Path) -> None:
    history = hourly(tmp_path, [(-1 + second / 3600, 0) for second in (5, 0, 59, 60)])
    assert rows(history.runs, "first_seen", "last_seen") == [(0, 2), (3, 3)]
    assert history.runs["started"].iloc[0] == hours(-1 + 5 / 3600)


def test_last_run_that_goes_backwards_is_another_run(tmp_path: Path) -> None:
    history = hourly(tmp_path, [(-1, 0), (-5, 1)])
    assert rows(history.runs, "started", "code", "first_seen") == [(-5, 1, 1), (-1, 0, 0)]
    assert rows(history.changes, "at", "kind", "before", "after") == [(1, "outcome", "succeeded", "failed")]


SPRING, AUTUMN = datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC)


@pytest.mark.parametrize(("change", "shift"), [(SPRING, -1), (SPRING, 1), (AUTUMN, 1), (AUTUMN, -1)])
def test_last_run_that_moves_with_the_clocks_is_one_run(tmp_path: Path, change: datetime, shift: int) -> None:
    """Not seen on Windows yet: a last run shown with the current offset."""
    at = (change - NOON) / timedelta(hours=1)
    last_runs = {at - 3: at - 9, at + 3: at - 9 + shift, at + 9: at - 9 + shift}
    history = history_of(tmp_path, {hour: [status(last_run=start, code=1)] for hour, start in last_runs.items()})
    assert rows(history.runs, "started", "first_seen", "last_seen") == [(at - 9, at - 3, at + 9)]


@pytest.mark.parametrize(
    ("zone", "before", "after", "moved"),
    [
        ("America/New_York", -0.5, 0.5, 1.0),  # between the snapshots: an hourly task
        ("America/New_York", -3, 3, 2.0),  # not just the shift
        ("America/Phoenix", -3, 3, 1.0),  # no clock change there
        ("", -3, 3, 1.0),  # not known
        ("America/New_York", -9, -3, 1.0),  # before the clock change
    ],
)
@pytest.mark.parametrize("change", [SPRING, AUTUMN])
def test_last_run_that_can_be_another_one_is_another_run(
    tmp_path: Path, change: datetime, zone: str, before: float, after: float, moved: float
) -> None:
    at = (change - NOON) / timedelta(hours=1)
    first = at + before - 0.75 if before == -0.5 else at + before - 4
    history = history_of(
        tmp_path, {at + before: [status(last_run=first)], at + after: [status(last_run=first + moved)]}, zone=zone
    )
    assert rows(history.runs, "started") == [(first,), (first + moved,)]


def test_result_is_decoded_for_the_program_in_force(tmp_path: Path) -> None:
    programs = [xml("python.exe"), None, xml("robocopy.exe"), None, xml("python.exe", "robocopy.exe"), b"<Task><b>"]
    for hour, program in enumerate(programs):
        write(tmp_path, hour, status(last_run=hour - 0.5, code=1), definitions=program and {LOAD: program})
    history = read_history(tmp_path)
    assert rows(history.runs, "outcome", "certainty") == [
        ("failed", "likely"),
        ("failed", "likely"),
        ("succeeded", "certain"),
        ("succeeded", "certain"),
        ("unknown", "guess"),
        ("failed", "likely"),
    ]


# A plain implementation of the same rules -----------------------------------------------------------------------------


def oracle(snapshots: list[tuple[int, int, tuple[int, str, int] | None]]) -> tuple[list[Any], list[Any]]:
    """Runs and events of one task: snapshots are (time, offset, (last run, state, code) or None), in microseconds."""
    runs: dict[int, dict[str, Any]] = {}
    events = []
    before: tuple[int, int, int, int] | None = None  # last run, key, time and offset of the snapshot before
    for number, (at, offset, seen) in enumerate(snapshots):
        if seen is None or seen[0] == NONE:
            continue
        last_run, state, code = seen
        key = last_run // MINUTE
        if before and before[0] // MINUTE == key:
            key = before[1]
        elif before:
            shift = offset - before[3]
            if shift and abs(last_run - before[0]) == abs(shift) and not before[2] < last_run <= at:
                key = before[1]
        run = runs.setdefault(key, {"started": last_run, "first": number, "codes": [], "by": -1})
        run["last"] = number
        if state not in ("Running", "Queued") and code not in (NONE, 267009, 267045):
            if run["codes"] and code not in (run["codes"][-1], run["codes"][0]):
                events.append((number, code))
            if not run["codes"]:
                run["by"] = number
            run["codes"].append(code)
        before = last_run, key, at, offset
    found = [
        (run["started"], run["first"], run["last"], (run["codes"] or [NONE])[0], run["by"])
        for _, run in sorted(runs.items())
    ]
    return found, events


SEEN = st.one_of(
    st.none(),
    st.tuples(
        st.one_of(st.just(NONE), st.integers(0, 12).map(lambda half: half * HOUR // 2), st.integers(0, 6 * HOUR)),
        st.sampled_from(["Ready", "Ready", "Running", "Queued"]),
        st.sampled_from([0, 1, 2, 267009, 267045, NONE]),
    ),
)


@pytest.mark.parametrize("examples", [60, pytest.param(300, marks=pytest.mark.slow)])
def test_runs_equal_those_of_a_plain_implementation(examples: int) -> None:
    eight = {"min_size": 8, "max_size": 8}
    tasks = st.lists(st.lists(SEEN, **eight), min_size=1, max_size=3)
    settings(max_examples=examples)(given(tasks, st.lists(st.booleans(), **eight))(compare))()


def compare(tasks: list[list[Any]], summer: list[bool]) -> None:
    """The runs of these tasks with those of the oracle."""
    times = [(number + 1) * HOUR for number in range(8)]
    offsets = [-4 * HOUR if each else -5 * HOUR for each in summer]
    made = [
        (task, at, STATES.index(seen[1]), seen[0], seen[2])
        for task, row in enumerate(tasks)
        for at, seen in enumerate(row)
        if seen
    ]
    columns = np.array(made, np.int64).reshape(-1, 5).T
    task, at, state, last_run, code = columns
    observed = Observed(np.array(times), np.array(offsets), task, at, at, state, np.full(len(at), NONE), last_run, code)
    runs, events = find_runs(observed)
    for number, row in enumerate(tasks):
        wanted, failed = oracle(list(zip(times, offsets, row, strict=True)))
        mine = runs.task == number
        found = np.column_stack([runs.started, runs.first_seen, runs.last_seen, runs.code, runs.finished_by])[mine]
        assert [tuple(each) for each in found.tolist()] == wanted
        mine = events.task == number
        assert sorted(zip(events.seen[mine].tolist(), events.code[mine].tolist(), strict=True)) == failed
