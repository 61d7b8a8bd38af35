"""Logs as Event Viewer saves them and as Get-WinEvent gives them through ConvertTo-Json and Export-Clixml."""

import csv
import io
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from taskanalysis.history.eventlog.runs import read_eventlog
from taskanalysis.schedule import known_zone
from tests.build import GUIDS, whats

Write = Callable[..., Path]
ZONE = "America/New_York"
NAME = "Microsoft-Windows-TaskScheduler"
TASK, INSTANCE = "\\OpenData\\Load", f"{{{GUIDS[0]}}}"
RUN = f'"{INSTANCE}" instance of the "{TASK}" task for user "TOWN\\x".'
BEGAN, ENDED = "11/23/2026 6:00:00 AM", "11/23/2026 6:00:40 AM"
DONE = f'completed task "{TASK}" , instance "{INSTANCE}" , action "C:\\x.exe" with return code 7.'
EVENTS = [
    (102, ENDED, f"Task Scheduler successfully finished {RUN}"),
    (201, ENDED, f"Task Scheduler successfully {DONE}"),
    (200, BEGAN, f'Task Scheduler launched action "C:\\x.exe" in instance "{INSTANCE}" of task "{TASK}".'),
    (100, BEGAN, f"Task Scheduler started {RUN}"),
]
ENGLISH = "Level,Date and Time,Source,Event ID,Task Category"
DUTCH = "Niveau,Datum en tijd,Bron,Gebeurtenis-id,Taakcategorie"


def viewer(header: str) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows(["Information", when, NAME, number, "x", message] for number, when, message in EVENTS)
    return f"{header}\r\n{out.getvalue()}"


def as_json(date: str, **more: object) -> str:
    rows = []
    for number, when, message in EVENTS:
        moment = datetime.strptime(when, "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=ZoneInfo(ZONE))
        stamp = f"/Date({int(moment.timestamp() * 1000)})/" if date == "5.1" else moment.isoformat()
        rows.append({"Id": number, "TimeCreated": stamp, "Message": message, "ProviderName": NAME, **more})
    return json.dumps(rows, indent=1)


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (viewer(ENGLISH), "utf-8-sig"),
        (viewer(DUTCH), "utf-8"),
        (viewer(DUTCH).replace(f",{NAME},", f',"{NAME}",'), "utf-16"),
        (as_json("5.1"), "utf-16"),
        (as_json("7", ActivityId=GUIDS[0], Properties=[{"Value": "x"}]), "utf-8"),
    ],
)
def test_saved_log_gives_its_run(write: Write, content: str, encoding: str) -> None:
    log = read_eventlog(write(content.encode(encoding), "log.txt"), zone=ZONE)
    (run,) = log.runs
    assert (run.path, run.started, run.seconds, run.code) == (
        TASK,
        datetime(2026, 11, 23, 6, tzinfo=known_zone(ZONE)),
        40,
        7,
    )
    assert log.problems == []


def test_local_times_of_event_viewer_need_a_zone(write: Write) -> None:
    assert whats(read_eventlog(write(viewer(ENGLISH)))) == ["its times are local and need a time zone: use --zone"]


def test_clixml_of_events_is_named(write: Write) -> None:
    for start in ("", "<?xml version='1.0'?>\n"):
        log = read_eventlog(write(start + "<Objs Version='1.1.0.1'><Obj/></Objs>"))
        assert whats(log) == ["is Clixml (Export-Clixml), which is not read: export the log with wevtutil epl"]


def test_damaged_json_is_read_as_far_as_it_goes(write: Write) -> None:
    log = read_eventlog(write(as_json("7")[:-20]))
    assert any("its JSON is damaged" in what for what in whats(log))
    log = read_eventlog(write('[{"Id": 1}]'))
    assert any("message and timecreated" in what for what in whats(log))
