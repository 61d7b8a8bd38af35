"""Statuses through ConvertTo-Json of PowerShell 5.1 and 7, and exports that were cut or hold several servers."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from taskanalysis.errors import SnapshotError
from taskanalysis.snapshot.foreign import join_paths, read_statuses_file
from taskanalysis.snapshot.snapshot import read_snapshot
from taskanalysis.snapshot.status import Status
from tests.snapshot.printed import MORNING, Write, is_status_file, whats

AT = "/Date(1795500000000)/"
FIRST = {
    "TaskName": "Load",
    "TaskPath": "\\F\\",
    "State": 3,
    "LastRunTime": "/Date(1795500000000)/",
    "LastTaskResult": 1,
}
NEW = {"TaskName": "New", "TaskPath": "\\", "State": 1, "LastRunTime": "/Date(943920000000)/", "NextRunTime": None}
WANTED = {
    "\\F\\Load": Status("\\F\\Load", "Ready", None, datetime(2026, 11, 24, 6, tzinfo=UTC), 1),
    "\\New": Status("\\New", "Disabled", False, "never"),
}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([FIRST, NEW]),
        json.dumps([FIRST, NEW], indent=4),
        json.dumps(FIRST) + "\r\n" + json.dumps(NEW),
        json.dumps({"value": [FIRST, NEW], "Count": 2}),
        json.dumps(
            [FIRST | {"State": "Ready", "LastRunTime": "2026-11-24T07:00:00+01:00"}, NEW | {"State": "Disabled"}]
        ),
        json.dumps([FIRST | {"State": {"value": 3, "Value": "Ready"}}, NEW]),
        json.dumps([FIRST | {"LastRunTime": {"value": AT, "DisplayHint": 2}}, NEW]),
        json.dumps([FIRST | {"Actions": [{"Id": None}], "CimClass": {"a": {"b": 1}}}, NEW]),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_of_powershell_is_read(write: Write, text: str, encoding: str) -> None:
    file = write(text, encoding)
    assert is_status_file(file)
    found = read_statuses_file(file)
    assert (found.statuses, found.problems) == (WANTED, [])


def test_one_object_alone_is_read(write: Write) -> None:
    assert list(read_statuses_file(write(json.dumps(FIRST))).statuses.values()) == [WANTED["\\F\\Load"]]


def test_damaged_json_is_read_as_far_as_it_goes(write: Write) -> None:
    found = read_statuses_file(write(json.dumps([FIRST, NEW])[:-40]))
    assert found.statuses == {"\\F\\Load": WANTED["\\F\\Load"]}
    assert whats(found)[0].startswith("its JSON is damaged: ")
    deep = json.dumps([FIRST])[:-1] + "," + "[" * 100_000
    assert len(read_statuses_file(write(deep)).statuses) == 1


@pytest.mark.parametrize("text", ['{"a": 1}', '[{"TaskName": "A"}]', "[1, 2]", "{not json"])
def test_other_json_is_no_status_file(write: Write, text: str) -> None:
    assert not is_status_file(write(text))


def test_cut_export_is_read_and_the_missing_column_named(write: Write) -> None:
    text = '"Status","TaskName","Last Run Time","Last Result"\n"Ready","\\F\\A","11/24/2026 6:00:00 AM","0"\n'
    found = read_statuses_file(write(text))
    assert found.statuses == {"\\F\\A": Status("\\F\\A", "Ready", None, MORNING, 0)}
    assert [note.what for note in found.notes] == ["has no column NextRunTime: export it, too"]


NAMES = "TaskName,LastRunTime,LastTaskResult\nLoad,11/24/2026 6:00:00 AM,0\nSend,11/24/2026 6:00:00 AM,1\n"


def test_names_without_folders_take_those_of_their_definitions(write: Write, tmp_path: Path) -> None:
    file = write(NAMES, name="status.csv")
    found = read_statuses_file(file)
    assert list(found.statuses) == ["\\Load", "\\Send"]
    assert whats(found) == ["has no column TaskPath, so folders of tasks are not known: export it, too"]
    join_paths(found, ["\\F\\Load", "\\G\\Send", "\\H\\Send"])
    assert list(found.statuses) == ["\\Send", "\\F\\Load"]
    assert len(found.problems) == 1
    (tmp_path / "a.xml").write_bytes(b"<Task><RegistrationInfo><URI>\\F\\Load</URI></RegistrationInfo></Task>")
    (tmp_path / "b.xml").write_bytes(b"<Task><RegistrationInfo><URI>\\G\\Send</URI></RegistrationInfo></Task>")
    snapshot = read_snapshot(tmp_path)
    assert sorted(snapshot.statuses) == ["\\F\\Load", "\\G\\Send"]
    assert snapshot.faults == []


def test_name_of_two_rows_is_no_task(write: Write) -> None:
    found = read_statuses_file(write(NAMES + "load,11/24/2026 7:00:00 AM,5\n"))
    assert list(found.statuses) == ["\\Send"]
    assert "2 rows named load left out: without TaskPath they are not one task" in whats(found)


SERVERS = (
    "LastRunTime,LastTaskResult,NextRunTime,TaskName,TaskPath,PSComputerName\n"
    "11/24/2026 6:00:00 AM,0,,Load,\\,SRV01\n11/24/2026 6:00:00 AM,1,,Load,\\,SRV02\n"
    "11/24/2026 6:00:00 AM,2,,Send,\\,srv02\n"
)


def test_each_server_of_a_file_is_read_by_its_name(write: Write) -> None:
    file = write(SERVERS)
    first = read_snapshot(file)
    assert (first.server, first.others, list(first.statuses)) == ("SRV01", ("SRV02",), ["\\Load"])
    assert [fault.what for fault in first.faults] == ["2 rows of other servers than SRV01 left out: --server SRV02"]
    second = read_snapshot(file, server="srv02")
    assert (second.server, second.others, sorted(second.statuses)) == ("SRV02", ("SRV01",), ["\\Load", "\\Send"])
    assert second.faults == []
    with pytest.raises(SnapshotError, match="no row is of the server SRV03, but of SRV01, SRV02"):
        read_snapshot(file, server="SRV03")
