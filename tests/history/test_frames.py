"""Runs, events, changes and coverage of a share over time."""

import shutil
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from taskanalysis.errors import SnapshotError
from taskanalysis.history.frames import History, read_history
from taskanalysis.snapshot.share import list_snapshots, sample_share
from tests.build import FRAMES, LOAD, NOON, assert_same, commands, history_of, hours, rows, status, write, xml


@pytest.fixture(scope="module")
def sample_history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """The history of the sample share, with a store of its own."""
    data = tmp_path_factory.mktemp("share")
    shutil.copytree(sample_share() / "snapshots", data / "snapshots")
    return read_history(data)


# The stories of the sample --------------------------------------------------------------------------------------------


def of(history: History, task: str) -> pd.DataFrame:
    return history.runs[history.runs["task_path"] == f"\\OpenData\\{task}"]


def test_ridership_fails_on_weekends_alone(sample_history: History) -> None:
    runs = of(sample_history, "Transit\\Ridership")
    weekday = runs["started"].dt.tz_convert("America/New_York").dt.day_of_week
    assert len(runs) > 50
    assert (runs["outcome"].astype(str) == np.where(weekday >= 5, "failed", "succeeded")).all()


def test_running_task_has_no_result(sample_history: History) -> None:
    last = of(sample_history, "Services\\Crime statistics").iloc[-1]
    assert (last["outcome"], last["code"], last["finished_by"]) == ("running", pd.NA, pd.NaT)
    assert f"{last['started']:%m-%d %H:%M}" == "11-21 10:10"
    assert sample_history.runs["outcome"].eq("running").sum() == 4


def test_stopped_runs_of_the_sample_are_the_five_that_were_planted(sample_history: History) -> None:
    stopped = sample_history.runs.query("outcome == 'stopped'")
    days = stopped["started"].dt.tz_convert("America/New_York").dt.strftime("%m-%d")
    assert days.tolist() == ["10-14", "11-05", "11-18", "11-22", "11-22"]
    assert set(stopped["task_path"]) == {"\\OpenData\\Portal\\Full-text index", "\\OpenData\\Transit\\Parking meters"}


def test_columns_are_plain_and_typed(sample_history: History) -> None:
    times = ["taken_at", "first_seen", "last_seen", "last_run", "next_run", "started", "ended", "finished_by", "at"]
    texts = ["server", "task_path", "state", "outcome", "source", "kind", "zone", "account", "definitions"]
    types = dict.fromkeys(times, "datetime64[us, UTC]") | dict.fromkeys(texts, "category")
    types |= dict.fromkeys(["code", "last_result", "missed_runs"], "UInt32")
    for name in FRAMES:
        frame = getattr(sample_history, name)
        if name != "spans":
            unused = {
                column: set(frame[column].cat.categories) - set(frame[column]) for column in frame if column in texts
            }
            assert not any(unused.values()), (name, unused)
        assert type(frame) is pd.DataFrame
        assert frame.index.equals(pd.RangeIndex(len(frame)))
        typed = frame.columns.intersection(list(types))
        assert frame.dtypes[typed].astype(str).to_dict() == {column: types[column] for column in typed}


def test_share_without_snapshots_has_empty_frames_of_the_same_types(sample_history: History, tmp_path: Path) -> None:
    (tmp_path / "snapshots").mkdir()
    empty = read_history(tmp_path)
    for name in FRAMES:
        frame, full = getattr(empty, name), getattr(sample_history, name)
        assert frame.empty
        assert frame.dtypes.astype(str).to_dict() == full.dtypes.astype(str).to_dict()
    assert empty.definitions(NOON) == {}


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
        assert commands(history.definitions(hours(1))) == {LOAD: "robocopy.exe"}


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


def test_time_without_offset_is_on_the_clock_of_each_server(tmp_path: Path) -> None:
    for server, zone in (("A", "America/New_York"), ("B", "Asia/Tokyo"), ("C", "")):
        for hour in range(-16, 16, 4):
            write(tmp_path, hour, status(), server=server, zone=zone)
    history = read_history(tmp_path, since="2026-11-20", until="2026-11-21")
    hours = {name: [row[1] for row in rows(history.coverage, "server", "taken_at") if row[0] == name] for name in "ABC"}
    assert hours == {"A": [-4, 0, 4, 8, 12], "B": [-16, -12, -8, -4, 0], "C": [-12, -8, -4, 0, 4, 8, 12]}


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
