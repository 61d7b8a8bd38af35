"""Runs, events, changes and coverage of a share over time."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskanalysis.definition.task import ExecAction
from taskanalysis.errors import SnapshotError
from taskanalysis.history.changes import proves_absence
from taskanalysis.history.frames import History, read_history
from taskanalysis.history.runs import MINUTE, find_runs
from taskanalysis.history.spans import NONE, Observed
from taskanalysis.snapshot.share import list_snapshots, sample_share
from taskanalysis.snapshot.status import STATES, Status
from tests.build import FRAMES, LOAD, NOON, assert_same, history_of, hours, rows, status, write, xml

HOUR = 3_600_000_000


@pytest.fixture(scope="module")
def sample_history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """The history of the sample share, with a store of its own."""
    data = tmp_path_factory.mktemp("share")
    shutil.copytree(sample_share() / "snapshots", data / "snapshots")
    return read_history(data)


# The stories of the sample --------------------------------------------------------------------------------------------


def test_changes_of_the_sample_are_those_that_were_planted(sample_history: History) -> None:
    changes = sample_history.changes.query("kind != 'outcome'")
    found = zip(changes["at"].dt.strftime("%m-%d %H"), changes["kind"], changes["task_path"], strict=True)
    assert [(at, kind, path.rpartition("\\")[2]) for at, kind, path in found] == [
        ("10-08 17", "removed", "Legacy permit export"),
        ("11-04 23", "disabled", "Street centerlines"),
        ("11-12 17", "changed", "Crash reports"),
        ("11-18 17", "added", "Monthly archive"),
    ]
    (changed,) = changes.query("kind == 'changed'").itertuples()
    assert (changed.before, changed.after) == ("At 21:40 every day", "At 20:40, Monday to Friday")
    assert "command from cmd.exe to C:\\Program Files\\Python311\\python.exe; arguments from" in changed.what


def test_tasks_of_the_sample_whose_outcome_changes_are_those_that_were_planted(sample_history: History) -> None:
    flips = sample_history.changes.query("kind == 'outcome'")
    often = {"Bus stops", "Ridership", "Full-text index"}
    opendata = flips[~flips["task_path"].str.rpartition("\\")[2].isin(often)]
    assert len(opendata) == opendata["task_path"].nunique() == 9
    assert set(opendata["before"] + " -> " + opendata["after"]) == {"succeeded -> not started"}
    assert opendata["at"].min() == pd.Timestamp("2026-11-09 17:02Z")
    assert set(flips["task_path"].str.rpartition("\\")[2]) >= often


def of(history: History, task: str) -> pd.DataFrame:
    return history.runs[history.runs["task_path"] == f"\\OpenData\\{task}"]


def test_ridership_fails_on_weekends_alone(sample_history: History) -> None:
    runs = of(sample_history, "Transit\\Ridership")
    weekday = runs["started"].dt.tz_convert("America/New_York").dt.day_of_week
    assert len(runs) > 50
    assert (runs["outcome"].astype(str) == np.where(weekday >= 5, "failed", "succeeded")).all()


def test_robocopy_exit_codes_count_as_success(sample_history: History) -> None:
    runs = of(sample_history, "GIS\\Tiles\\Mirror")
    assert set(runs["code"].dropna()) == {0, 1, 3}
    assert set(runs["outcome"]) == {"succeeded"}


def test_running_task_has_no_result(sample_history: History) -> None:
    last = of(sample_history, "Services\\Crime statistics").iloc[-1]
    assert (last["outcome"], last["code"], last["finished_by"]) == ("running", pd.NA, pd.NaT)
    assert f"{last['started']:%m-%d %H:%M}" == "11-21 10:10"
    assert sample_history.runs["outcome"].eq("running").sum() == 3


def test_stopped_runs_of_the_sample_are_the_four_that_were_planted(sample_history: History) -> None:
    stopped = sample_history.runs.query("outcome == 'stopped'")
    days = stopped["started"].dt.tz_convert("America/New_York").dt.strftime("%m-%d")
    assert days.tolist() == ["10-14", "11-05", "11-18", "11-22"]
    assert set(stopped["task_path"]) == {"\\OpenData\\Portal\\Full-text index"}


def test_coverage_of_the_sample_has_its_two_gaps(sample_history: History) -> None:
    gaps = sample_history.coverage["taken_at"].diff().dt.total_seconds() / 3600
    assert gaps.value_counts().to_dict() == {6: 219, 66: 1, 54: 1}


def test_columns_are_plain_and_typed(sample_history: History) -> None:
    times = {"taken_at", "first_seen", "last_seen", "last_run", "next_run", "started", "ended", "finished_by", "at"}
    texts = {"server", "task_path", "state", "outcome", "source", "kind", "zone", "account", "definitions"}
    for name in FRAMES:
        frame = getattr(sample_history, name)
        assert type(frame) is pd.DataFrame
        assert frame.index.equals(pd.RangeIndex(len(frame)))
        for column, dtype in frame.dtypes.items():
            if column in times:
                assert str(dtype) == "datetime64[us, UTC]"
            if column in texts:
                assert str(dtype) == "category"
            if column in ("code", "last_result", "missed_runs"):
                assert str(dtype) == "UInt32"


def test_share_without_snapshots_has_empty_frames_of_the_same_types(sample_history: History, tmp_path: Path) -> None:
    (tmp_path / "snapshots").mkdir()
    empty = read_history(tmp_path)
    for name in FRAMES:
        frame, full = getattr(empty, name), getattr(sample_history, name)
        assert frame.empty
        assert {column: str(dtype) for column, dtype in frame.dtypes.items()} == {
            column: str(dtype) for column, dtype in full.dtypes.items()
        }
    assert empty.definitions(NOON) == {}


# Runs -----------------------------------------------------------------------------------------------------------------


def test_first_result_belongs_to_the_run_and_a_later_one_is_a_failed_start(tmp_path: Path) -> None:
    history = history_of(
        tmp_path,
        {
            0: [status(last_run=-1, code=267009, state="Running")],
            1: [status(last_run=-1, code=0)],
            2: [status(last_run=-1, code=0x800710E0)],
            3: [status(last_run=-1, code=0x800710E0)],
            4: [status(last_run=-1, code=0)],
            5: [status(last_run=4.5, code=1)],
        },
    )
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
    second = 1 / 3600
    history = history_of(
        tmp_path,
        {
            0: [status(last_run=-1 + 5 * second)],
            1: [status(last_run=-1)],
            2: [status(last_run=-1 + 59 * second)],
            3: [status(last_run=-1 + 60 * second)],
        },
    )
    assert rows(history.runs, "first_seen", "last_seen") == [(0, 2), (3, 3)]
    assert history.runs["started"].iloc[0] == hours(-1 + 5 * second)


def test_last_run_that_goes_backwards_is_another_run(tmp_path: Path) -> None:
    history = history_of(tmp_path, {0: [status(last_run=-1)], 1: [status(last_run=-5, code=1)]})
    assert rows(history.runs, "started", "code", "first_seen") == [(-5, 1, 1), (-1, 0, 0)]
    assert changes(history, "before", "after") == [(1, "outcome", "succeeded", "failed")]


SPRING, AUTUMN = datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC)


@pytest.mark.parametrize(("change", "shift"), [(SPRING, -1), (SPRING, 1), (AUTUMN, 1), (AUTUMN, -1)])
def test_last_run_that_moves_with_the_clocks_is_one_run(tmp_path: Path, change: datetime, shift: int) -> None:
    """Not seen on Windows yet: a last run shown with the current offset."""
    at = (change - NOON) / timedelta(hours=1)
    history = history_of(
        tmp_path,
        {
            at - 3: [status(last_run=at - 9, code=1)],
            at + 3: [status(last_run=at - 9 + shift, code=1)],
            at + 9: [status(last_run=at - 9 + shift, code=1)],
        },
    )
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
    for hour, program in ((0, "python.exe"), (1, None), (2, "robocopy.exe"), (3, None)):
        write(
            tmp_path, hour, status(last_run=hour - 0.5, code=1), definitions={LOAD: xml(program)} if program else None
        )
    write(tmp_path, 4, status(last_run=3.5, code=1), definitions={LOAD: xml("python.exe", "robocopy.exe")})
    write(tmp_path, 5, status(last_run=4.5, code=1), definitions={LOAD: b"<Task><b onclick='x'>"})
    history = read_history(tmp_path)
    assert rows(history.runs, "outcome", "certainty") == [
        ("failed", "likely"),
        ("failed", "likely"),
        ("succeeded", "certain"),
        ("succeeded", "certain"),
        ("unknown", "guess"),
        ("failed", "likely"),
    ]


def test_two_servers_do_not_mix(tmp_path: Path) -> None:
    history = history_of(tmp_path, {0: [status(last_run=-1)], 1: [status(last_run=-1)], 2: [status(last_run=1.5)]})
    for hour in (0.5, 1.5):
        write(tmp_path, hour, status(last_run=-1, code=1), status("\\Else", last_run=0), server="SECOND")
    both = read_history(tmp_path)
    assert rows(both.runs.query("server == 'SRV'"), "started", "code") == rows(history.runs, "started", "code")
    assert rows(both.runs.query("server == 'SECOND'"), "task_path", "started") == [("\\Else", 0), (LOAD, -1)]
    assert rows(both.changes, "server", "kind") == []
    only = read_history(tmp_path, server="second")
    assert only.coverage["server"].cat.categories.tolist() == ["SECOND"]
    with pytest.raises(SnapshotError, match="holds no snapshot of THIRD"):
        read_history(tmp_path, server="THIRD")


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


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.lists(SEEN, min_size=8, max_size=8), min_size=1, max_size=3),
    st.lists(st.booleans(), min_size=8, max_size=8),
)
def test_runs_equal_those_of_a_plain_implementation(tasks: list[list[Any]], summer: list[bool]) -> None:
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


# Changes --------------------------------------------------------------------------------------------------------------


def changes(history: History, *columns: str) -> list[tuple[Any, ...]]:
    return rows(history.changes, "at", "kind", *columns)


def test_added_removed_enabled_and_disabled(tmp_path: Path) -> None:
    other = "\\Other"
    history = history_of(
        tmp_path,
        {
            0: [status()],
            1: [status(enabled=False), status(other)],
            2: [status(enabled=None)],
            3: [status(enabled=False)],
            16: [status(enabled=True), status(other)],
        },
    )
    assert changes(history, "task_path", "before", "after", "what") == [
        (1, "disabled", LOAD, "enabled", "disabled", "It was disabled."),
        (1, "added", other, "", "", "It was added."),
        (2, "removed", other, "", "", "It was removed."),
        (16, "enabled", LOAD, "disabled", "enabled", "It was enabled."),
        (16, "added", other, "", "", "It was added."),
    ]


def test_outcome_change_is_a_difference_from_the_previous_run(tmp_path: Path) -> None:
    codes = [0, 0, 1, 267009, 1, 0x8007052E, 0]
    states = {267009: "Running"}
    history = history_of(
        tmp_path,
        {
            hour: [status(last_run=hour - 0.5, code=code, state=states.get(code, "Ready"))]
            for hour, code in enumerate(codes)
        },
    )
    assert changes(history, "before", "after") == [
        (2, "outcome", "succeeded", "failed"),
        (5, "outcome", "failed", "not started"),
        (6, "outcome", "not started", "succeeded"),
    ]


def test_equivalent_definition_is_no_change(tmp_path: Path) -> None:
    same = (
        "<Task><Settings><Enabled>true</Enabled></Settings><Actions><Exec><Command>a</Command></Exec></Actions></Task>"
    )
    texts = [xml("a"), same.encode("utf-8-sig"), xml("b"), b"<Task><b onclick='x'>", xml("b")]
    for hour, text in enumerate(texts):
        write(tmp_path, hour, status(), definitions={LOAD: text})
    found = changes(read_history(tmp_path), "what")
    assert found[0] == (2, "changed", "command from a to b")
    assert [row[:2] for row in found[1:]] == [(3, "changed"), (4, "changed")]
    assert found[1][2].startswith("Its new definition can't be read: ")
    assert found[2][2].startswith("Its previous definition can't be read: ")


def disabled(text: str) -> bytes:
    return f"<Task><Settings><Enabled>{text}</Enabled></Settings></Task>".encode("utf-16")


@pytest.mark.parametrize(("observed", "kinds"), [(True, ["disabled"]), (False, ["changed"])])
def test_disabling_is_reported_once(tmp_path: Path, observed: bool, kinds: list[str]) -> None:
    for hour, text in enumerate(("true", "false")):
        enabled = (text == "true") if observed else None
        write(tmp_path, hour, status(enabled=enabled), definitions={LOAD: disabled(text)})
    assert [kind for _, kind in changes(read_history(tmp_path))] == kinds


def test_definition_that_was_out_of_scope_is_compared_with_the_one_before(tmp_path: Path) -> None:
    for hour, stored in enumerate([{LOAD: xml("a")}, {"\\Else": xml("x")}, {LOAD: xml("b")}]):
        write(tmp_path, hour, status(), definitions=stored)
    assert changes(read_history(tmp_path), "what") == [(2, "changed", "command from a to b")]


def test_deleted_definitions_are_not_compared(tmp_path: Path) -> None:
    folders = [write(tmp_path, hour, status(), definitions={LOAD: xml(text)}) for hour, text in enumerate("aba")]
    shutil.rmtree(folders[1] / "tasks")
    history = read_history(tmp_path)
    assert changes(history) == []
    assert history.definitions(hours(1.5)) == {}
    assert list(history.definitions(hours(2))) == [LOAD]


def many(number: int, **given: Any) -> list[Status]:
    return [status(f"\\T{each}", **given) for each in range(number)]


@pytest.mark.parametrize(
    ("counts", "removed"),
    [
        ([40, 31, 40], []),  # blind once
        ([40, 31, 31, 40], []),  # twice
        ([40, 31, 31, 31, 31], [(1, 9)]),  # three in a row: they have gone
        ([40, 31, 31, 31, 40], [(1, 9)]),
        ([40, 32, 40], [(1, 8)]),  # a fifth and no more
        ([10, 6, 10], [(1, 4)]),  # less than five
        ([40, 31], []),
        ([40, 0, 0, 40], []),
        ([40, 31, 22, 40], []),
    ],
)
def test_drop_in_tasks_is_doubted_until_three_snapshots_confirm_it(
    tmp_path: Path, counts: list[int], removed: list[tuple[int, int]]
) -> None:
    history = history_of(tmp_path, {hour: many(number) for hour, number in enumerate(counts)}, elevated=None)
    gone = history.changes.query("kind == 'removed'").groupby("at").size()
    assert [((at - NOON) / timedelta(hours=1), number) for at, number in gone.items()] == removed
    added = history.changes.query("kind == 'added'")
    assert len(added) == (sum(number for _, number in removed) if counts[-1] == counts[0] else 0)


def test_drop_is_believed_where_both_snapshots_are_elevated_under_one_account() -> None:
    tasks, whole = np.array([40, 20, 40]), np.full(3, True)
    same = [(True, "a")] * 3
    assert proves_absence(tasks, whole, same).all()
    for rights in ([(True, "a"), (True, "b")] * 2, [(True, "a"), (False, "a")] * 2, [(None, "a")] * 4):
        assert proves_absence(tasks, whole, rights[:3]).tolist() == [True, False, True]


def test_drop_that_an_elevated_snapshot_confirms_later_is_believed_from_there() -> None:
    rights = [(True, "a"), (False, "b"), (True, "a"), (True, "a")]
    found = proves_absence(np.array([40, 20, 20, 20]), np.full(4, True), rights)
    assert found.tolist() == [True, False, True, True]


def test_snapshot_that_could_not_be_read_whole_is_no_drop() -> None:
    found = proves_absence(np.array([40, 3, 40, 40]), np.array([True, False, True, True]), [(None, "")] * 4)
    assert found.tolist() == [True, False, True, True]


# A part of the time ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("since", "until"), [(-13, 13), (-12.5, 1.5), (0, None), (None, 0), (50, None), (None, -50)])
def test_history_of_a_time_is_that_of_its_snapshots(tmp_path: Path, since: float | None, until: float | None) -> None:
    data, part = tmp_path / "data", tmp_path / "part"
    for number, hour in enumerate([-30, -13, -12, 0, 1, 13]):
        given = {"definitions": {LOAD: xml(f"{number}.exe")}}
        load = [status(last_run=-31 + number // 2, code=number % 2), *([status("\\B")] * (number % 3))[:1]]
        write(data, hour, *load, **given)
    shutil.copytree(data / "snapshots", part / "snapshots")
    for stored in list_snapshots(part):
        hour = (stored.taken_at - NOON) / timedelta(hours=1)
        if (since is not None and hour < since) or (until is not None and hour > until):
            shutil.rmtree(stored.path)
    bounds = [hours(each) if each is not None else None for each in (since, until)]
    found = read_history(data, since=bounds[0], until=bounds[1])
    assert_same(found, read_history(part))


def test_definitions_are_in_force_from_before(tmp_path: Path) -> None:
    write(tmp_path, -60, status(last_run=-61, code=1), definitions={LOAD: xml("robocopy.exe")})
    for hour in (-30, -29, 0, 1):
        write(tmp_path, hour, status(last_run=hour - 0.5, code=1))
    for since in (-60, -40, -29.5, 0.5):
        history = read_history(tmp_path, since=hours(since))
        assert set(history.runs["outcome"]) == {"succeeded"}
        (task,) = history.definitions(hours(1)).values()
        (action,) = task.actions
        assert isinstance(action, ExecAction)
        assert action.command == "robocopy.exe"


def test_definitions_that_come_later_on_the_same_day_are_not_in_force_yet(tmp_path: Path) -> None:
    write(tmp_path, -30, status(), definitions={LOAD: xml("robocopy.exe")})
    write(tmp_path, 0, status(last_run=-0.5, code=1))
    write(tmp_path, 1, status(last_run=0.5, code=1), definitions={LOAD: xml("python.exe")})
    assert rows(read_history(tmp_path, since=hours(0)).runs, "outcome") == [("succeeded",), ("failed",)]


def test_task_outside_the_scope_keeps_its_last_definition(tmp_path: Path) -> None:
    for hour, stored in enumerate([{LOAD: xml("robocopy.exe")}, {"\\Else": xml()}]):
        write(tmp_path, hour, status(last_run=hour - 0.5, code=1), definitions=stored)
    assert rows(read_history(tmp_path).runs, "outcome") == [("succeeded",), ("succeeded",)]


def test_definitions_of_several_servers_need_a_name(tmp_path: Path) -> None:
    for server in ("A", "B"):
        write(tmp_path, 0, status(), server=server, definitions={f"\\{server}": xml()})
    history = read_history(tmp_path)
    assert list(history.definitions(NOON, "b")) == ["\\B"]
    assert history.definitions(NOON - timedelta(seconds=1), "b") == {}
    with pytest.raises(SnapshotError, match="has several servers; name one: A or B"):
        history.definitions(NOON)


def test_time_without_offset_is_refused(tmp_path: Path) -> None:
    (tmp_path / "snapshots").mkdir()
    with pytest.raises(SnapshotError, match="has no offset"):
        read_history(tmp_path, since=datetime(2026, 11, 1))


def test_observations_are_of_the_last_35_days_of_each_server(tmp_path: Path) -> None:
    for hour in (-35 * 24, -35 * 24 + 1, 0):
        write(tmp_path, hour, status(), status("\\B"))
    write(tmp_path, -24 * 60, status(), server="OLD")
    history = read_history(tmp_path)
    assert rows(history.observations, "server", "task_path", "taken_at") == [
        ("OLD", LOAD, -24 * 60),
        ("SRV", "\\B", -35 * 24 + 1),
        ("SRV", "\\B", 0),
        ("SRV", LOAD, -35 * 24 + 1),
        ("SRV", LOAD, 0),
    ]


def test_coverage_describes_each_snapshot(tmp_path: Path) -> None:
    write(tmp_path, 0, status(), definitions={LOAD: xml()}, elevated=None, collected_by="", zone="")
    write(tmp_path, 1, status(), status("\\B"))
    history = read_history(tmp_path)
    stamp = f"{NOON:%Y%m%dT%H%M%SZ}"
    columns = ("taken_at", "kind", "tasks", "elevated", "zone", "account", "definitions")
    assert rows(history.coverage, *columns) == [
        (0, "full", 1, None, "", "", stamp),
        (1, "status", 2, True, "America/New_York", "me", stamp),
    ]
