"""The sample share: rebuilt byte for byte, and each planted story visible in its raw files."""

import csv
import hashlib
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.build import ROOT
from tests.whole.test_stories import PASSWORD

SHARE = ROOT / "data" / "snapshots"
NEW_YORK = ZoneInfo("America/New_York")
NS = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
Row = dict[str, str]

RUNNING, NEVER_RAN, STOPPED, LOGON_FAILURE = "267009", "267011", "267014", "2147943726"
NO_SUCH_FOLDER = "2147942667"
BROKEN_BY_PASSWORD = {f"\\OpenData\\{name}" for name in PASSWORD}
PLANTED = {(path, LOGON_FAILURE) for path in BROKEN_BY_PASSWORD} | {
    (r"\OpenData\Transit\Ridership", "1"),
    (r"\OpenData\Transit\Bus stops", "1"),
    (r"\OpenData\GIS\Tiles\Mirror", "1"),
    (r"\OpenData\GIS\Tiles\Mirror", "3"),
    (r"\OpenData\Portal\Full-text index", STOPPED),
    (r"\OpenData\Services\Crime statistics", RUNNING),
    (r"\OpenData\Transit\Vehicle positions", RUNNING),
    (r"\OpenData\GIS\Parcels", RUNNING),
    (r"\OpenData\GIS\Tiles\Base map", RUNNING),
    (r"\OpenData\Admin\Monthly archive", NEVER_RAN),
    (r"\OpenData\Admin\Old exports", "1"),
    (r"\OpenData\GIS\Address points", "1"),
    (r"\OpenData\GIS\Zoning", "4"),
    (r"\OpenData\Portal\Catalog harvest", "1"),
    (r"\OpenData\Services\Recreation calendar", NO_SUCH_FOLDER),
    (r"\OpenData\Transit\Parking meters", STOPPED),
}


OFTEN = {
    "\\Heartbeat",
    "\\OpenData\\Portal\\Refresh dashboards",
    "\\OpenData\\Services\\311 requests",
    "\\OpenData\\Services\\Air quality",
    "\\OpenData\\Transit\\Parking meters",
    "\\OpenData\\Transit\\Trip updates",
    "\\Updater\\Browser",
}
"""Tasks that start every hour or more often: the event log leaves them out."""


def local(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=NEW_YORK)  # type: ignore[arg-type, misc]


def folders() -> list[Path]:
    return sorted(path.parent for path in SHARE.glob("OPENDATA01/*/*/snapshot.json"))


def moment(folder: Path) -> datetime:
    return datetime.strptime(folder.name, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def definitions(folder: Path) -> dict[str, ET.Element]:
    files = {file: file.relative_to(folder / "tasks").with_suffix("") for file in folder.glob("tasks/**/*.xml")}
    return {"\\" + str(name).replace("/", "\\"): ET.parse(file).getroot() for file, name in files.items()}


def text(task: ET.Element, name: str) -> list[str]:
    return [element.text or "" for element in task.iter(NS + name)]


@pytest.fixture(scope="module")
def history() -> dict[datetime, dict[str, Row]]:
    """All status rows by time of the snapshot and task path."""
    rows = {}
    for folder in folders():
        with (folder / "status.csv").open(encoding="utf-8", newline="") as file:
            rows[moment(folder)] = {row["Path"]: row for row in csv.DictReader(file)}
    return rows


@pytest.fixture(scope="module")
def newest(history: dict[datetime, dict[str, Row]]) -> dict[str, Row]:
    return history[max(history)]


@pytest.fixture(scope="module")
def tasks() -> dict[str, ET.Element]:
    """The definitions of the last snapshot."""
    manifest = json.loads((folders()[-1] / "snapshot.json").read_text(encoding="utf-8"))
    (folder,) = SHARE.glob(f"OPENDATA01/*/{manifest['definitions']}")
    return definitions(folder)


def seen_runs(history: dict[datetime, dict[str, Row]], path: str) -> dict[datetime, str]:
    """The runs that the snapshots show: start to last result seen for it."""
    rows = [row[path] for row in history.values() if path in row]
    return {datetime.fromisoformat(row["LastRunTime"]): row["LastTaskResult"] for row in rows}


# The share as a whole


@pytest.mark.slow
def test_committed_sample_equals_a_fresh_build(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "TZ": "Asia/Tokyo"}
    (tmp_path / "snapshots/OPENDATA01/2020-01/old").mkdir(parents=True)
    subprocess.run([sys.executable, ROOT / "data/make_sample.py", "--out", tmp_path], check=True, env=env)

    def contents(share: Path) -> dict[str, bytes]:
        files = (path for name in ("snapshots", "eventlogs") for path in (share / name).rglob("*") if path.is_file())
        return {path.relative_to(share).as_posix(): path.read_bytes() for path in files}

    fresh, committed = contents(tmp_path), contents(SHARE.parent)
    assert fresh.keys() == committed.keys()
    assert [name for name in fresh if fresh[name] != committed[name]] == []
    assert not (tmp_path / "snapshots/OPENDATA01/2020-01").exists()


def test_sample_is_smaller_than_three_megabytes() -> None:
    assert sum(path.stat().st_size for path in SHARE.rglob("*") if path.is_file()) < 3_000_000


def test_event_log_is_one_of_wevtutil_from_the_day_on_which_it_was_enabled() -> None:
    (file,) = (SHARE.parent / "eventlogs" / "OPENDATA01").iterdir()
    content = file.read_bytes()
    assert len(content) < 1_500_000
    events = [ET.fromstring(line) for line in content.decode("ascii").split("\r\n")[:-1]]
    namespace = "{http://schemas.microsoft.com/win/2004/08/events/event}"
    times = [str(event.find(f"{namespace}System/{namespace}TimeCreated").get("SystemTime")) for event in events]  # type: ignore[union-attr]
    assert times == sorted(times)
    assert (times[0][:10], times[-1][:16]) == ("2026-11-12", "2026-11-23T10:32")
    named = {
        data.text or "" for event in events for data in event.iter(f"{namespace}Data") if data.get("Name") == "TaskName"
    }
    assert not {name for name in named if name.startswith("\\Microsoft") or name in OFTEN}


def test_every_manifest_names_all_other_files_and_their_hashes() -> None:
    assert len(folders()) == 240 - 10 - 8, "one every six hours, but for two gaps"
    for folder in folders():
        manifest = json.loads((folder / "snapshot.json").read_text(encoding="utf-8"))
        files = [path for path in folder.rglob("*") if path.is_file() and path.name != "snapshot.json"]
        hashes = {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
        assert manifest["sha256"] == hashes
        assert manifest["tasks"] == len((folder / "status.csv").read_text(encoding="utf-8").splitlines()) - 1


def test_definitions_are_stored_only_where_one_changed() -> None:
    manifests = [json.loads((folder / "snapshot.json").read_text(encoding="utf-8")) for folder in folders()]
    stored = [folder.name for folder in folders() if (folder / "tasks").is_dir()]
    assert stored == sorted({manifest["definitions"] for manifest in manifests})
    assert [name[:8] for name in stored] == ["20260924", "20261008", "20261104", "20261112", "20261118"]


def test_definitions_are_utf_16_with_bom_and_windows_line_ends() -> None:
    files = list(SHARE.glob("OPENDATA01/*/*/tasks/**/*.xml"))
    assert files
    for file in files:
        content = file.read_bytes()
        assert content.startswith(b"\xff\xfe")
        assert content.decode("utf-16").startswith('<?xml version="1.0" encoding="UTF-16"?>\r\n<Task version=')


def test_definitions_are_those_of_all_tasks_outside_microsoft(
    newest: dict[str, Row], tasks: dict[str, ET.Element]
) -> None:
    assert tasks.keys() == {path for path in newest if not path.startswith("\\Microsoft\\")}
    assert all(text(task, "URI") == [path] for path, task in tasks.items())
    below = [path for path in newest if path.startswith("\\OpenData\\")]
    assert (len(newest), len(below), len(tasks)) == (58, 46, 52)


def test_no_result_but_the_planted_ones(history: dict[datetime, dict[str, Row]]) -> None:
    seen = {(row["Path"], row["LastTaskResult"]) for rows in history.values() for row in rows.values()}
    assert {(path, code) for path, code in seen if code != "0"} == PLANTED


def test_running_says_267009_and_nothing_else_does(history: dict[datetime, dict[str, Row]]) -> None:
    for rows in history.values():
        assert all((row["State"] == "Running") == (row["LastTaskResult"] == RUNNING) for row in rows.values())


def test_all_start_when_announced_but_those_of_a_story(history: dict[datetime, dict[str, Row]]) -> None:
    late = set()
    for before, after in pairwise(history):
        for path in history[before].keys() & history[after].keys():
            announced, start = history[before][path]["NextRunTime"], history[after][path]["LastRunTime"]
            if "never" not in (announced, start):
                due = datetime.fromisoformat(announced)
                outage = local(2026, 10, 16, 19) <= due <= local(2026, 10, 19, 7)
                if due < after - timedelta(minutes=30) and datetime.fromisoformat(start) < due and not outage:
                    late.add(path)
    assert late == {
        r"\OpenData\Services\Crime statistics",  # its run of two days before is still going on
        r"\OpenData\Portal\Certificate check",  # announced by a disabled trigger
        r"\OpenData\Admin\Rebuild staging",
        r"\OpenData\Log clean-up",  # in the queue
    }


def test_no_account_or_number_of_a_real_machine(tasks: dict[str, ET.Element]) -> None:
    accounts = {name for task in tasks.values() for name in text(task, "UserId") + text(task, "GroupId")}
    invented = re.compile(r"TOWN\\[a-z$-]+|S-1-5-(18|19|32-545)|S-1-5-21-1111111111-2222222222-3333333333-1001")
    assert [name for name in accounts if not invented.fullmatch(name)] == []


# The stories


def test_missed_runs_are_counted_after_the_outage_until_the_next_run(history: dict[datetime, dict[str, Row]]) -> None:
    on_again = local(2026, 10, 19, 7)
    missed = {
        (taken_at, path): int(row["NumberOfMissedRuns"])
        for taken_at, rows in history.items()
        for path, row in rows.items()
        if row["NumberOfMissedRuns"] != "0"
    }
    for taken_at, path in missed:
        assert taken_at > on_again
        assert datetime.fromisoformat(history[taken_at][path]["LastRunTime"]) < on_again
    first = datetime(2026, 10, 19, 11, 2, tzinfo=UTC)
    assert missed[first, r"\OpenData\GIS\Parcels"] == 3
    assert missed[first, r"\OpenData\Transit\Ridership"] == 2
    assert missed[first, r"\OpenData\Services\Air quality"] == 120
    assert (first, r"\OpenData\GIS\Tiles\Compact cache") not in missed
    assert sum(taken_at == first for taken_at, _ in missed) >= 25


def test_queued_task_keeps_its_last_run_while_its_starts_pass(history: dict[datetime, dict[str, Row]]) -> None:
    queued = {(taken_at, path) for taken_at, rows in history.items() for path in rows if is_queued(rows[path])}
    assert {path for _, path in queued} == {r"\OpenData\Log clean-up"}
    times = sorted(taken_at.astimezone(NEW_YORK) for taken_at, _ in queued)
    assert (times[0], times[-1], len(times)) == (local(2026, 11, 21, 6, 2), local(2026, 11, 23, 6, 2), 9)
    last = {history[taken_at][path]["LastRunTime"] for taken_at, path in queued}
    assert {text[:16] for text in last} == {"2026-11-20T00:20"}


def is_queued(row: Row) -> bool:
    return row["State"] == "Queued"


def test_a_start_in_the_repeated_hour_happens_once(history: dict[datetime, dict[str, Row]]) -> None:
    starts = seen_runs(history, r"\OpenData\Admin\Back up databases")
    (start,) = [start for start in starts if start.date() == date(2026, 11, 1)]
    assert start.isoformat().startswith("2026-11-01T01:30:")
    assert start.utcoffset() == timedelta(hours=-4)


def test_texts_that_could_do_harm_are_there(tasks: dict[str, ET.Element]) -> None:
    (fire,) = text(tasks[r"\OpenData\Services\Fire incidents"], "Description")
    assert "<script>alert(1)</script>" in fire
    assert '"' in fire
    assert "'" in fire
    assert text(tasks[r"\OpenData\Portal\Sitemap"], "Description")[0].startswith("=")
    assert '--password "S3cret-2026!"' in text(tasks[r"\OpenData\Services\Air quality"], "Arguments")[0]
    assert "/p:" in text(tasks[r"\OpenData\Admin\Back up databases"], "Arguments")[0]


# What the inventory is to be tried on


def shapes(tasks: dict[str, ET.Element]) -> Iterator[str]:
    for task in tasks.values():
        for part in ("Triggers", "Actions", "Principals"):
            yield from (element.tag.removeprefix(NS) for element in task.iterfind(f"{NS}{part}//*"))
        yield from text(task, "LogonType")


def test_every_trigger_type_and_shape_occurs(tasks: dict[str, ET.Element]) -> None:
    found = set(shapes(tasks))
    assert found >= {
        *("BootTrigger", "RegistrationTrigger", "IdleTrigger", "TimeTrigger", "EventTrigger", "LogonTrigger"),
        *("SessionStateChangeTrigger", "CalendarTrigger", "WnfStateChangeTrigger"),
        *("ScheduleByDay", "ScheduleByWeek", "ScheduleByMonth", "ScheduleByMonthDayOfWeek"),
        *("RandomDelay", "EndBoundary", "Delay", "StopAtDurationEnd", "Exec", "ComHandler"),
        *("GroupId", "Password", "S4U", "InteractiveToken"),
    }
    days = {day for task in tasks.values() for day in text(task, "Day")}
    weeks = {week for task in tasks.values() for week in text(task, "Week")}
    assert days == {"1", "15", "Last"}
    assert weeks == {"1", "Last"}


def test_readme_names_the_tasks_and_results_of_the_sample(history: dict[datetime, dict[str, Row]]) -> None:
    readme = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    paths = {path for rows in history.values() for path in rows}
    stories, findings = readme.split("All paths in the table are below")
    short = re.findall(r"`((?:Permits|Finance|Transit|GIS|Services|Portal|Admin)\\[^`]+)`", stories)
    full = re.findall(r"`(\\[^`]+\\[^`]+)`", findings.split("## Layout of a share")[0])
    assert len(short) > 20
    assert len(full) > 15
    assert {"\\OpenData\\" + name for name in short} | set(full) <= paths
    for path, code in PLANTED:
        assert path.removeprefix("\\OpenData\\") in stories
        assert code in stories
