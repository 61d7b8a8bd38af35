"""Our own format: written whole, read back the same, and never trusted further than it goes."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from taskanalysis.errors import Problem, SnapshotError, ZoneError
from taskanalysis.snapshot.paths import long_path
from taskanalysis.snapshot.share import list_snapshots
from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot, stale_after, write_snapshot
from taskanalysis.snapshot.status import STATUS_FIELDS, Status
from tests.build import LOAD, NOON, ROOT, commands, copied, hours, scheduled, xml
from tests.snapshot.samples import NIGHTLY, STATUSES, write

# Written and read back


def test_snapshot_reads_back_as_it_was_written(tmp_path: Path) -> None:
    missed = [Problem(r"\A", "xml: access is denied")]
    folder = write(tmp_path, folders=["\\OpenData"], windows="10.0", collected_by="TOWN\\opendata", problems=missed)
    assert folder == long_path(tmp_path) / "snapshots/SRV/2026-11/20261120T120000Z"
    found = read_snapshot(tmp_path)
    where = (found.server, found.taken_at, found.zone, found.folders)
    assert where == ("SRV", NOON, "America/New_York", ("\\OpenData",))
    assert found.local_time.isoformat() == "2026-11-20T07:00:00-05:00"
    assert commands(found.tasks) == {LOAD: "1", NIGHTLY: "2"}
    assert tuple(found.statuses.values()) == STATUSES
    assert found.holds == {"definitions", *STATUS_FIELDS}
    assert (found.problems, found.notes, found.faults) == (missed, missed, [])
    assert found.files[NIGHTLY] == "OpenData/Permits/Nightly%3A new%3F.xml"
    assert found.hashes[LOAD] == hashlib.sha256(xml("1")).hexdigest()


def test_files_are_exactly_those_of_the_format(tmp_path: Path) -> None:
    folder = write(tmp_path)
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    nightly = "tasks/OpenData/Permits/Nightly%3A new%3F.xml"
    assert names == ["snapshot.json", "status.csv", "tasks/OpenData/Load.xml", nightly]
    assert (folder / names[2]).read_bytes() == xml("1")
    lines = (folder / "status.csv").read_bytes().decode().split("\r\n")
    assert lines[1] == "\\OpenData\\Load,Ready,true,2026-11-20T07:00:00-05:00,2147943726,2026-11-20T12:00:00+00:00,3"
    assert lines[2] == "\\OpenData\\Permits\\Nightly: new?,Disabled,false,never,267011,never,0"
    assert lines[3:] == ["\\Unknown,,,,,,", ""]
    manifest = json.loads((folder / "snapshot.json").read_text(encoding="utf-8"))
    written = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names[1:]}
    tool = manifest.pop("tool")
    assert tool.startswith("taskanalysis ")
    assert manifest == {
        "format": 1, "server": "SRV", "taken_at": "2026-11-20T12:00:00Z", "zone": "America/New_York", "windows": "",
        "collected_by": "me", "elevated": True, "folders": [], "definitions_read": True,
        "definitions": "20261120T120000Z", "tasks": 3, "sha256": written,
    }  # fmt: skip


def test_newest_that_fits_server_time_and_holdings_is_read(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, 6, definitions=None)
    write(tmp_path, 12, server="OTHER")

    def hour(**wanted: str) -> float:
        return (read_snapshot(tmp_path, **wanted).taken_at - NOON) / timedelta(hours=1)

    assert hour() == 12
    assert read_snapshot(tmp_path).others == ("SRV",)
    assert hour(server="srv") == 6
    assert hour(server="srv", holding="definitions") == 0
    assert hour(at="2026-11-20T12:00:00Z") == 0
    assert hour(at="2026-11-20T07:00") == 0  # the server's local time
    assert hour(at="2026-11-20T13:00") == 6
    assert hour(at="9999-12-31T23:59") == 12
    times = ("2026-11-20T06:59", "0001-01-01")
    for wanted in ({"server": "NONE"}, {"server": "*"}, *({"at": at} for at in times)):
        with pytest.raises(SnapshotError):
            read_snapshot(tmp_path, **wanted)


def test_sample_share_reads_without_a_problem() -> None:
    found = read_snapshot(ROOT / "data")
    assert (len(found.tasks), len(found.statuses), found.problems) == (52, 58, [])


def test_sample_is_judged_at_its_own_time_and_a_copy_of_it_is_not(sample: Snapshot, tmp_path: Path) -> None:
    now = sample.taken_at + timedelta(days=3)
    assert sample.is_sample
    assert sample.judged_at("", now) == sample.taken_at
    assert sample.judged_at("2026-11-24T06:02", now) == sample.taken_at + timedelta(days=1)
    copied(sample.share, tmp_path, [sample.manifest["definitions"], sample.source.name])
    copy = read_snapshot(tmp_path, now=now)
    assert (copy.taken_at, copy.is_sample, copy.judged_at("", now)) == (sample.taken_at, False, now)
    collected = replace(sample, manifest={**sample.manifest, "tool": "taskanalysis 0.1.0"})
    assert not collected.is_sample, "a server that someone collects into the folder of the sample"


# Definitions are stored once per change


@pytest.mark.parametrize(
    "definitions",
    [
        {LOAD: xml("1"), NIGHTLY: xml("changed")},
        {LOAD: xml("1")},
        {LOAD: xml("1"), NIGHTLY: xml("2"), "\\New": xml("3")},
        {},
    ],
)
def test_any_difference_stores_all_definitions(tmp_path: Path, definitions: dict[str, bytes]) -> None:
    write(tmp_path)
    second = write(tmp_path, 6, definitions=definitions)
    found = read_snapshot(second)
    assert (second / "tasks").is_dir()
    assert sorted(found.tasks) == sorted(definitions)
    assert found.problems == []


def test_status_only_collect_says_nothing_of_definitions_and_the_same_are_not_stored_again(tmp_path: Path) -> None:
    write(tmp_path)
    second = write(tmp_path, 1, definitions=None)
    third = write(tmp_path, 2)
    found = read_snapshot(second)
    assert (sorted(found.tasks), found.holds, found.problems) == ([LOAD, NIGHTLY], set(STATUS_FIELDS), [])
    assert (found.taken_at, found.defined_at) == (hours(1), hours(0))
    assert found.manifest["definitions"] is None
    assert found.tasks[LOAD] == read_snapshot(third).tasks[LOAD]
    assert found.share == long_path(tmp_path)
    assert not (third / "tasks").exists()


def test_folder_holds_tasks_in_it_and_below(tmp_path: Path) -> None:
    found = read_snapshot(write(tmp_path, definitions={path: xml() for path in ("\\b", "\\A\\x", "\\Microsoft\\y")}))
    assert list(found.within()) == ["\\A\\x", "\\b"]
    assert list(found.within("\\microsoft")) == ["\\Microsoft\\y"]


def test_snapshot_of_another_server_or_a_later_time_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path)
    for wanted in ({"server": "OTHER"}, {"at": "2026-11-20T06:59"}):
        with pytest.raises(SnapshotError, match="is of SRV at 2026-11-20 12:00 UTC"):
            read_snapshot(folder, **wanted)


def test_definitions_of_another_server_or_a_damaged_snapshot_are_not_borrowed(tmp_path: Path) -> None:
    first = write(tmp_path)
    assert (write(tmp_path, 1, server="OTHER") / "tasks").is_dir()
    (first / "snapshot.json").write_text("{", encoding="utf-8")
    assert (write(tmp_path, 1) / "tasks").is_dir()


# Whole or not there


def files(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("method", ["write_bytes", "replace", "mkdir"])
def test_failure_in_the_middle_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    real: Callable[..., Any] = getattr(Path, method)
    calls = []

    def fail(self: Path, *args: Any, **named: Any) -> Any:
        calls.append(self)
        if len(calls) == (1 if method == "replace" else 3):
            raise OSError(28, "No space left on device")
        return real(self, *args, **named)

    monkeypatch.setattr(Path, method, fail)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path)
    monkeypatch.undo()
    assert files(tmp_path) == []
    assert not list(tmp_path.rglob("*.tmp"))
    write(tmp_path)
    assert read_snapshot(tmp_path).problems == []


def test_snapshot_that_exists_is_refused_and_untouched(tmp_path: Path) -> None:
    folder = write(tmp_path)
    before = sorted(files(tmp_path))
    with pytest.raises(SnapshotError, match="already exists"):
        write(tmp_path, definitions={})
    assert sorted(files(tmp_path)) == before
    assert commands(read_snapshot(folder).tasks) == {LOAD: "1", NIGHTLY: "2"}


def test_rest_of_a_killed_process_does_not_get_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getpid", lambda: 7)
    rest = tmp_path / "snapshots/SRV/2026-11/.20261120T120000Z.7.tmp/tasks"
    rest.mkdir(parents=True)
    (rest / "Old.xml").write_bytes(xml("old"))
    assert "Old.xml" not in files(write(tmp_path))


def test_time_without_offset_is_refused(tmp_path: Path) -> None:
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(SnapshotError, match="has no offset"):
        write_snapshot(tmp_path, server="SRV", taken_at=naive, zone="", statuses=[], definitions=None)
    with pytest.raises(SnapshotError, match="has no offset"):
        write(tmp_path, 0, Status(LOAD, last_run=naive))
    assert files(tmp_path) == []


def test_path_longer_than_260_characters_works(tmp_path: Path) -> None:
    path = "\\" + "\\".join(["f" * 100] * 5)
    assert commands(read_snapshot(write(tmp_path, definitions={path: xml("1")})).tasks) == {path: "1"}


# Other things that can be read


def test_folder_and_file_of_task_xml_are_snapshots_with_definitions_only(tmp_path: Path) -> None:
    file = tmp_path / "F/Load.xml"
    file.parent.mkdir()
    file.write_bytes(xml("1"))
    for source, path in ((tmp_path, "\\F\\Load"), (file, "\\Load")):
        found = read_snapshot(source)
        assert (commands(found.tasks), found.holds, found.statuses) == ({path: "1"}, {"definitions"}, {})
        assert found.taken_at == datetime.fromtimestamp(int(file.stat().st_mtime), UTC)


def test_damaged_newest_snapshot_is_a_problem_and_the_one_before_is_read(tmp_path: Path) -> None:
    for hour in (1, 2):
        write(tmp_path, hour, definitions=None)
    newest = list_snapshots(tmp_path)[-1].path
    (newest / "snapshot.json").write_text("{", encoding="utf-8")
    snapshot = read_snapshot(tmp_path)
    assert snapshot.taken_at == hours(1)
    assert [problem.file for problem in snapshot.problems] == [f"SRV/{newest.name}/snapshot.json"]


@pytest.mark.parametrize(
    ("minutes", "hours"), [([0], 26), ([0, 360, 720], 12), ([0, 5, 10, 15], 1), ([0, 360, 720, 5000, 5360], 12)]
)
def test_snapshot_is_stale_after_twice_the_usual_time(minutes: list[int], hours: int, tmp_path: Path) -> None:
    for minute in minutes:
        write(tmp_path, minute / 60, definitions=None)
    newest = read_snapshot(tmp_path)
    assert stale_after(newest) - newest.taken_at == timedelta(hours=hours)


def test_folder_with_nothing_but_a_bad_file_is_refused_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(b"")
    with pytest.raises(SnapshotError, match=r"nor statuses that can be read \(a\.xml: the file is empty\)"):
        read_snapshot(tmp_path)


@pytest.mark.parametrize("inside", ["", "snapshots", "docs"])
def test_folder_that_holds_nothing_is_a_snapshot_error(tmp_path: Path, inside: str) -> None:
    (tmp_path / inside).mkdir(exist_ok=True)
    with pytest.raises(SnapshotError):
        read_snapshot(tmp_path)
    with pytest.raises(SnapshotError, match="does not exist"):
        read_snapshot(tmp_path / "nowhere")


# What is not our format -----------------------------------------------------------------------------------------------

STATUS_CSV = """Name,Path,LastResult,NextRun,Status,Command,Arguments
Load,\\OpenData\\Load,1,11/24/2026 6:30:00 AM,Ready,C:\\Windows\\System32\\robocopy.exe,a b
Nightly,\\OpenData\\Nightly,0,7/24/2026 2:00:00 AM,Ready,python.exe,nightly.py
"""


def test_folder_of_the_old_scripts_joins_definitions_and_statuses(tmp_path: Path) -> None:
    (tmp_path / "Load.xml").write_bytes(scheduled(info="<URI>\\OpenData\\Load</URI>"))
    (tmp_path / "script_status.csv").write_text(STATUS_CSV, encoding="utf-8")
    snapshot = read_snapshot(tmp_path, zone="America/New_York")
    assert list(snapshot.tasks) == ["\\OpenData\\Load"]
    assert list(snapshot.statuses) == ["\\OpenData\\Load", "\\OpenData\\Nightly"]
    assert snapshot.holds == {"definitions", "state", "last_result", "next_run"}
    times = [str(status.next_run) for status in snapshot.statuses.values()]
    assert times == ["2026-11-24 06:30:00-05:00", "2026-07-24 02:00:00-04:00"]
    assert snapshot.problems == []


def test_file_of_statuses_alone_is_a_snapshot_without_definitions(tmp_path: Path) -> None:
    file = tmp_path / "whatever.txt"
    file.write_text(STATUS_CSV, encoding="utf-8")
    snapshot = read_snapshot(file)
    assert (snapshot.tasks, len(snapshot.statuses), snapshot.zone) == ({}, 2, "")
    assert snapshot.commands["\\OpenData\\Nightly"] == "python.exe nightly.py"
    assert str(snapshot.statuses["\\OpenData\\Nightly"].next_run) == "2026-07-24 02:00:00"


def test_older_file_of_statuses_is_named_and_not_read(tmp_path: Path) -> None:
    (tmp_path / "Sub").mkdir()
    (tmp_path / "Load.xml").write_bytes(b"<Task/>")
    for name, when in (("old.csv", 1_000_000_000), ("new.csv", 1_700_000_000)):
        (tmp_path / name).write_text(STATUS_CSV.replace("Load", name), encoding="utf-8")
        os.utime(tmp_path / name, (when, when))
    snapshot = read_snapshot(tmp_path)
    assert [problem.file for problem in snapshot.problems] == ["old.csv"]
    assert list(snapshot.statuses) == ["\\OpenData\\new.csv", "\\OpenData\\Nightly"]


def test_unknown_zone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(STATUS_CSV, encoding="utf-8")
    for zone in ("Nowhere/Town", "../../etc/passwd", "a" * 5000):
        with pytest.raises(ZoneError, match="is not the name of a time zone"):
            read_snapshot(tmp_path, zone=zone)


def test_share_that_holds_no_definitions_gives_its_newest_snapshot(tmp_path: Path) -> None:
    write(tmp_path, 0, definitions=None)
    write(tmp_path, 1, definitions=None)
    found = read_snapshot(tmp_path, holding="definitions")
    assert (found.taken_at.hour, found.tasks) == (13, {})
