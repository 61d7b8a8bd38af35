"""Files that are neither task XML nor statuses: named by what they look like, with what to export instead."""

import io
import zipfile
from pathlib import Path

import pytest

from taskanalysis.errors import SnapshotError
from taskanalysis.health import assess
from taskanalysis.snapshot.kinds import EMPTY, INSTEAD, OTHER, XML, kind_of
from taskanalysis.snapshot.snapshot import read_snapshot


def zipped(name: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr(name, "x")
    return content.getvalue()


OBJS = "<Objs Version='1.1.0.1' xmlns='http://schemas.microsoft.com/powershell/2004/04'><Obj><TN><T>%s</T></TN></Obj></Objs>"
EVENT = "<Event><System><Provider Name='%s'/></System></Event>"
TABLE = "TaskName TaskPath  LastRunTime\n-------- --------  -----------\nLoad     \\F\\       11/23/2026\n"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (zipped("xl/workbook.xml"), "is a workbook, which is not read"),
        (zipped("tasks.xml"), "is an archive"),
        (b"7z\xbc\xaf\x27\x1c", "is an archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "is a file of Excel"),
        (b"ElfFile\0" + b"\0" * 100, "is an event log"),
        (OBJS % "MSFT_TaskDynamicInfo", "is Clixml (Export-Clixml)"),
        ((OBJS % "EventLogRecord").encode("utf-16"), "is Clixml of events"),
        (EVENT % "Microsoft-Windows-TaskScheduler", "holds events of the Task Scheduler"),
        (EVENT % "Microsoft-Windows-Security-Auditing", "holds events of Microsoft-Windows-Security-Auditing"),
        ("<Events>" + EVENT % "Other", "holds events of Other"),
        ('[{"a": 1}]', "is JSON without tasks"),
        ('[{"Id": 201, "TimeCreated": "x"}]', "is JSON of events"),
        (TABLE, "looks like Format-Table"),
        (("\n\n" + TABLE).encode("utf-16"), "looks like Format-Table"),
        ("Folder: \\\nTaskName Next Run Time Status\n=== === ===\n", "looks like schtasks /fo table"),
        ("TaskName,State\nLoad,Ready\n", "is a CSV without the column LastRunTime or LastTaskResult"),
        ('#TYPE X\n"LastRunTime","LastTaskResult"\n"x","0"\n', "is a CSV without the column TaskName"),
        ("Level,Date and Time,Source,Event ID,Task Category\n", "holds events"),
        ("Message,Id,TimeCreated\n", "holds events"),
        ('Ebene,Datum\nx,24.11.2026 06:00,Microsoft-Windows-TaskScheduler,201,y,"z"\n', "holds events"),
        ("<!DOCTYPE html>\n<html><body>", "is a page of HTML"),
        ("<HTML>", "is a page of HTML"),
        ("<table><tr><th>TaskName</th></tr></table>", "is a page of HTML"),
        ("Event[0]:\n  Log Name: x\n  Source: Microsoft-Windows-TaskScheduler\n", "holds events as text"),
        (
            "\n\n   ProviderName: Microsoft-Windows-TaskScheduler\n\nTimeCreated   Id\n-----   --\n",
            "holds events as text",
        ),
        (b"BZh91AY&SY", "is an archive"),
        (b"\xfd7zXZ\0\0", "is an archive"),
        ('"Vél","Verk","Næst"\n"SRV","\\Load","24.11.2026 06:00:00"\n', "is a CSV of schtasks in an unknown language"),
        ('"Heiti","Keyrt","Útkoma"\n"\\Load","23.11.2026 06:00:00","1"\n', "is a CSV of schtasks in an unknown"),
        ("Path,State,Enabled,LastRunTime,LastTaskResult,NextRunTime,NumberOfMissedRuns\n", "is the status.csv of a"),
    ],
)
def test_kind_is_named_with_what_to_do(content: str | bytes, what: str, tmp_path: Path) -> None:
    data = content.encode() if isinstance(content, str) else content
    kind = kind_of(data)
    assert kind.what.startswith(what)
    assert kind.is_data
    file = tmp_path / "export"
    file.write_bytes(data)
    with pytest.raises(SnapshotError) as caught:
        read_snapshot(file)
    assert what in str(caught.value)
    assert "not well-formed" not in str(caught.value)
    (tmp_path / "Load.xml").write_bytes(b"<Task/>")
    snapshot = read_snapshot(tmp_path)
    assert [(problem.file, problem.what) for problem in snapshot.faults] == [("export", kind.what)]
    assert assess(snapshot).code == 3


@pytest.mark.parametrize(
    "content", [b"Notes of the office", b"\x89PNG\r\n\x1a\n\0\0", b"a,b,c\n1,2,3\n", b"[section]\nx=1\n"]
)
def test_what_holds_no_data_is_a_note(content: bytes, tmp_path: Path) -> None:
    assert kind_of(content) == OTHER
    (tmp_path / "other.txt").write_bytes(content)
    (tmp_path / "Load.xml").write_bytes(b"<Task/>")
    snapshot = read_snapshot(tmp_path)
    assert snapshot.problems == [("other.txt", OTHER.what)]
    assert snapshot.faults == []


@pytest.mark.parametrize("content", [b"<Task>", b"<r/>", "<Task>".encode("utf-16")])
def test_xml_is_left_to_its_reader(content: bytes) -> None:
    assert kind_of(content) == XML


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"\r\n ", bytes(4096)])
def test_empty_file_is_damaged_data(content: bytes, tmp_path: Path) -> None:
    assert kind_of(content) == EMPTY
    (tmp_path / "status.csv").write_bytes(content)
    (tmp_path / "Load.xml").write_bytes(b"<Task/>")
    assert [problem.what for problem in read_snapshot(tmp_path).faults] == ["is empty"]


def test_other_xml_is_no_damaged_definition(tmp_path: Path) -> None:
    (tmp_path / "events.xml").write_text(EVENT % "Other", encoding="utf-8")
    (tmp_path / "Load.xml").write_bytes(b"<Task>")
    (tmp_path / "Send.xml").write_bytes(b"<Task/>")
    snapshot = read_snapshot(tmp_path)
    assert len(snapshot.faults) == 2
    assert list(snapshot.damaged) == ["\\Load"]


def test_statuses_in_a_folder_below_are_named(tmp_path: Path) -> None:
    (tmp_path / "Load.xml").write_bytes(b"<Task/>")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "status.csv").write_text("TaskName,TaskPath,LastRunTime\nA,\\,\n", encoding="utf-8")
    (problem,) = read_snapshot(tmp_path).faults
    assert problem == ("below/status.csv", "holds statuses, but lies in a folder below, which is not read: move it up")
    assert "schtasks" in INSTEAD
