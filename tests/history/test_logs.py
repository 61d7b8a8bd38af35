"""Event logs beside snapshots: the same run once, and no log read twice. Hours count from noon of 2026-11-20, UTC."""

import sys
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from benchmarks import eventlog as benchmark
from taskanalysis.errors import Problem
from taskanalysis.health.past import pasts
from taskanalysis.history import logs as logstore
from taskanalysis.history.frames import read_history
from taskanalysis.publish.make import renew_history
from taskanalysis.snapshot.snapshot import read_snapshot
from tests import build
from tests.build import FILES, LOAD, assert_same, hours, link, rows, status, store_files, write, xml

GUID = "0000%04d-0a0b-4c0d-8e0f-000000000077"


def event(number: int, hour: float, instance: int, path: str = LOAD, **data: object) -> str:
    """An event of an instance, so many hours after noon."""
    return build.event(number, hours(hour), GUID % instance, path, **data)


def run(hour: float, minutes: float, code: int = 0, instance: int = 1, path: str = LOAD) -> str:
    """A run of so many minutes that a trigger with a time started; `code` is the program's own."""
    end, guid = hour + minutes / 60, GUID % instance
    result = 0x80070000 | code if code else 0
    return "".join(
        [
            event(107, hour, instance, path, InstanceId=guid),
            event(100, hour, instance, path, InstanceId=guid, UserContext="TOWN\\etl"),
            event(200, hour, instance, path, TaskInstanceId=guid, ActionName="a.exe"),
            event(201, end, instance, path, TaskInstanceId=guid, ActionName="a.exe", ResultCode=result),
            event(102, end, instance, path, InstanceId=guid, UserContext="TOWN\\etl"),
        ]
    )


def log(data: Path, *parts: str, name: str = "log.xml") -> Path:
    file = data / "eventlogs" / "SRV" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(parts), encoding="utf-8")
    return file


def share(data: Path, *codes: int, command: str = "python.exe") -> Path:
    """A task that ran each hour, and was looked at half an hour later."""
    for hour, code in enumerate(codes):
        write(data, hour + 0.5, status(last_run=hour, code=code), definitions={LOAD: xml(command)})
    return data


def test_run_of_both_is_one_with_the_log_s_times_and_the_snapshot_s_code(tmp_path: Path) -> None:
    log(share(tmp_path, 0, 1), run(1 + 20 / 3600, 6, code=1))
    history = read_history(tmp_path, update=True)
    assert rows(history.runs, "task_path", "code", "outcome", "source", "trigger_kind") == [
        (LOAD, 0, "succeeded", "status", ""),
        (LOAD, 1, "failed", "eventlog", "time"),
    ]
    second = history.runs.iloc[1]
    assert second["started"] == hours(1) + timedelta(seconds=20)
    assert (second["seconds"], second["ended"]) == (360, hours(1.1) + timedelta(seconds=20))
    assert (second["first_seen"], second["instance"]) == (hours(1.5), GUID % 1)
    assert history.runs["at_most_seconds"].isna().tolist() == [True, False], "the first may have ended long before"
    assert history.runs["at_most_seconds"][1] == 1780, "until the snapshot that shows its result"


def test_start_more_than_a_minute_away_is_another_run(tmp_path: Path) -> None:
    log(share(tmp_path, 0), run(61 / 3600, 1))
    assert rows(read_history(tmp_path, update=True).runs, "source") == [("status",), ("eventlog",)]


def test_run_that_goes_on_is_running_though_the_log_has_no_end_of_it(tmp_path: Path) -> None:
    write(tmp_path, 0.5, status(last_run=0, code=267009, state="Running"), definitions={LOAD: xml()})
    log(tmp_path, event(100, 10 / 3600, 1, UserContext="u", InstanceId=GUID % 1))
    assert rows(read_history(tmp_path).runs, "source", "outcome", "code") == [("eventlog", "running", None)]


def test_two_runs_of_a_minute_are_not_joined_with_one(tmp_path: Path) -> None:
    log(share(tmp_path, 0), run(5 / 3600, 0.2), run(30 / 3600, 0.2, instance=2))
    assert rows(read_history(tmp_path, update=True).runs, "source", "first_seen") == [
        ("eventlog", 0.5),
        ("eventlog", None),
    ]


def test_runs_that_no_snapshot_shows_come_from_the_log(tmp_path: Path) -> None:
    gone = run(0.4, 3, instance=4, path="\\Gone")
    log(share(tmp_path, 0, 0), run(0.2, 3, code=1, instance=2), run(0.3, 3, instance=3), gone)
    assert rows(read_history(tmp_path, update=True).runs, "task_path", "started", "outcome", "first_seen") == [
        ("\\Gone", 0.4, "succeeded", None),
        (LOAD, 0, "succeeded", 0.5),
        (LOAD, 0.2, "failed", None),
        (LOAD, 0.3, "succeeded", None),
        (LOAD, 1, "succeeded", 1.5),
    ]


def test_exit_code_in_a_log_is_read_for_the_program(tmp_path: Path) -> None:
    log(share(tmp_path, 0, command="robocopy.exe"), run(0.2, 3, code=1))
    assert rows(read_history(tmp_path, update=True).runs, "outcome", "code")[1] == ("succeeded", 0x80070001)


def test_run_without_an_end_is_unknown_and_one_that_windows_ended_is_stopped(tmp_path: Path) -> None:
    begun = event(100, 0.2, 5, InstanceId=GUID % 5, UserContext="u")
    ended = event(329, 0.4, 6, TaskInstanceId=GUID % 6) + event(111, 0.4, 6, InstanceId=GUID % 6)
    log(share(tmp_path, 0), begun, event(100, 0.3, 6, InstanceId=GUID % 6, UserContext="u"), ended)
    assert rows(read_history(tmp_path, update=True).runs, "started", "outcome")[1:] == [
        (0.2, "unknown"),
        (0.3, "stopped"),
    ]


def test_events_of_the_log_are_listed_with_those_of_snapshots(tmp_path: Path) -> None:
    refused = event(101, 3, 7, UserContext="u", ResultCode=0x8007052E)
    ignored = event(322, 4, 8, TaskInstanceId=GUID % 8)
    share(tmp_path, 0)
    write(tmp_path, 2, status(last_run=0, code=0x8007052E), definitions={LOAD: xml()})
    log(tmp_path, refused, ignored)
    assert rows(read_history(tmp_path, update=True).events, "at", "kind", "code", "source") == [
        (2, "start failed", 0x8007052E, "status"),
        (3, "start failed", 0x8007052E, "eventlog"),
        (4, "ignored", None, "eventlog"),
    ]


def test_same_run_in_two_logs_is_one(tmp_path: Path) -> None:
    share(tmp_path, 0)
    log(tmp_path, run(0.2, 3))
    once = read_history(tmp_path, update=True)
    log(tmp_path, run(0.2, 3), name="again.xml")
    pd.testing.assert_frame_equal(read_history(tmp_path, update=True).runs, once.runs)


def test_duration_of_the_log_is_what_a_task_is_measured_by(tmp_path: Path) -> None:
    share(tmp_path, *[0] * 6)
    log(tmp_path, *(run(hour, 4, instance=hour) for hour in range(6)))
    snapshot = read_snapshot(tmp_path)
    assert pasts(read_history(tmp_path, update=True), snapshot)[LOAD].longest == timedelta(minutes=4)


def test_history_is_cut_to_the_time_that_was_asked_for(tmp_path: Path) -> None:
    log(share(tmp_path, 0, 0, 0), run(0.2, 1), run(1.2, 1, instance=2), run(2.2, 1, instance=3))
    some = read_history(tmp_path, since=hours(1), until=hours(2), update=True)
    assert rows(some.runs, "started") == [(1,), (1.2,)]


# Files ----------------------------------------------------------------------------------------------------------------


def test_log_is_read_once_and_again_where_it_or_its_copy_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    reader = logstore.read_eventlog
    monkeypatch.setattr(
        logstore, "read_eventlog", lambda file, **more: (read.append(file.name), reader(file, **more))[1]
    )
    log(share(tmp_path, 0), run(0.2, 3))
    first = read_history(tmp_path, update=True)
    assert_same(read_history(tmp_path, update=False), first)
    assert read == ["log.xml"]
    log(tmp_path, run(0.2, 3), run(0.3, 3, instance=2))
    assert len(read_history(tmp_path, update=True).runs) == 3
    assert read == ["log.xml"] * 2
    kept = list(tmp_path.glob("history/eventlogs/SRV/*.parquet"))
    assert len(kept) == 3, "what was read before is gone"
    for file in kept:
        file.write_bytes(b"PAR1")
    damaged = read_history(tmp_path, update=True)
    assert len(damaged.runs) == 3
    assert [problem.what[:10] for problem in damaged.problems] == ["is damaged"] * 3
    assert read == ["log.xml"] * 3
    assert read_history(tmp_path, update=True).problems == []
    assert read == ["log.xml"] * 3


def test_log_that_is_gone_leaves_nothing_and_temporary_files_of_killed_processes_go(tmp_path: Path) -> None:
    file = log(share(tmp_path, 0), run(0.2, 3))
    read_history(tmp_path, update=True)
    kept = tmp_path / "history" / "eventlogs" / "SRV"
    killed = f".{next(kept.glob('*.runs.*')).name}.1.tmp"
    for name in (killed, ".x.runs.1.tmp", "notes.parquet"):
        (kept / name).write_text("", encoding="utf-8")
    file.unlink()
    assert len(read_history(tmp_path, update=True).runs) == 1
    assert {file.name for file in kept.iterdir()} == {".x.runs.1.tmp", "notes.parquet"}, "others made these"


def test_log_that_is_being_written_is_no_log_yet(tmp_path: Path) -> None:
    log(share(tmp_path, 0), run(0.2, 3), name=".log.xml.4242.tmp")
    history = read_history(tmp_path, update=True)
    assert (len(history.runs), history.problems) == (1, [])
    assert list(tmp_path.glob("history/eventlogs/SRV/*")) == []


def test_nothing_is_kept_without_update(tmp_path: Path) -> None:
    log(share(tmp_path, 0), run(0.2, 3))
    assert len(read_history(tmp_path, update=False).runs) == 2
    assert not (tmp_path / "history" / "eventlogs").exists()


def test_log_that_holds_something_else_is_a_problem_and_no_error(tmp_path: Path) -> None:
    share(tmp_path, 0)
    log(tmp_path, "<html>", name="page.xml")
    history = read_history(tmp_path, update=True)
    assert len(history.runs) == 1
    assert [problem.file for problem in history.problems] == ["eventlogs/SRV/page.xml"]


@pytest.mark.parametrize("name", ["eventlogs", "eventlogs/SRV"])
def test_folder_of_logs_that_is_a_link_to_nowhere_is_a_problem_and_what_is_stored_stays(
    tmp_path: Path, name: str
) -> None:
    log(share(tmp_path, 0), run(0.2, 3))
    read_history(tmp_path, update=True)
    good = store_files(tmp_path)
    (tmp_path / name).rename(tmp_path / "away")
    link(tmp_path / name, "nowhere")
    history = read_history(tmp_path, update=True)
    assert history.unread == [Problem(name, "is a link that leads nowhere")]
    assert store_files(tmp_path) == good


def test_package_that_is_not_installed_is_a_problem_and_the_log_is_read_when_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("evtx", reason="the extra eventlog is not installed")
    benchmark.files(share(tmp_path, 0) / "eventlogs" / "SRV", 600)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "evtx", None)
        (problem,) = read_history(tmp_path, update=True).problems
        assert problem.what == "needs the package evtx: pip install 'taskanalysis[eventlog]'"
    history = read_history(tmp_path, update=True)
    assert history.problems == []
    assert (history.runs["source"] == "eventlog").sum() == 99


def test_two_servers_keep_their_logs_apart(tmp_path: Path) -> None:
    log(share(tmp_path, 0), run(0.2, 3))
    write(tmp_path, 1, status(last_run=0), server="OTHER")
    assert rows(read_history(tmp_path, update=True).runs, "server", "source") == [
        ("OTHER", "status"),
        ("SRV", "status"),
        ("SRV", "eventlog"),
    ]
    assert len(read_history(tmp_path, server="OTHER", update=True).runs) == 1


def test_log_changes_no_type_of_a_column(tmp_path: Path) -> None:
    before = read_history(share(tmp_path, 0), update=True).runs.dtypes.astype("str").to_dict()
    log(tmp_path, run(0.2, 3))
    assert read_history(tmp_path, update=True).runs.dtypes.astype("str").to_dict() == before


def test_report_stores_the_logs_once_for_all_its_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log(share(tmp_path, 0, 0), run(0, 5))
    (tmp_path / "eventlogs" / "UNSEEN").mkdir()  # a server without a snapshot
    assert renew_history(tmp_path) == []
    read: list[Path] = []
    monkeypatch.setattr(logstore, "read_eventlog", lambda file, **_: read.append(file))
    history = read_history(tmp_path)
    assert (history.computed, len(history.runs), read) == ("", 2, [])
    assert renew_history(tmp_path) == []


def test_wall_clock_times_of_a_log_are_those_of_its_own_server(tmp_path: Path) -> None:
    for server, zone in (("AAA", "Europe/Berlin"), ("ZZZ", "America/New_York")):
        write(tmp_path, 0, status(), server=server, zone=zone)
        folder = tmp_path / "eventlogs" / server
        folder.mkdir(parents=True)
        (folder / "log.csv").write_bytes((FILES / "eventlogs" / "english.csv").read_bytes())
    events = read_history(tmp_path).events
    firsts = events[events["source"] == "eventlog"].groupby("server", observed=True)["at"].min()
    assert firsts["ZZZ"] - firsts["AAA"] == timedelta(hours=6)
