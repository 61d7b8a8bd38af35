"""Our own format: written whole, read back the same, and never trusted further than it goes."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskanalysis.definition.model import ExecAction
from taskanalysis.errors import Problem, SnapshotError, ZoneError
from taskanalysis.snapshot.share import list_snapshots, newest_first
from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot, stale_after, write_snapshot
from taskanalysis.snapshot.status import STATES, STATUS_FIELDS, Status
from tests.build import ROOT

NOON = datetime(2026, 11, 23, 17, 2, tzinfo=UTC)
EASTERN = timezone(timedelta(hours=-5))
LOAD, NIGHTLY = "\\OpenData\\Load", "\\OpenData\\Permits\\Nightly: new?"
STATUSES = [
    Status(LOAD, "Ready", True, NOON.astimezone(EASTERN), 2147943726, NOON, 3),
    Status(NIGHTLY, "Disabled", False, "never", 267011, "never", 0),
    Status("\\Unknown"),
]


def xml(command: str) -> bytes:
    return f"<Task><Actions><Exec><Command>{command}</Command></Exec></Actions></Task>".encode("utf-16")


def write(data: Path, taken_at: datetime = NOON, **given: Any) -> Path:
    known: dict[str, Any] = {"definitions": {LOAD: xml("1"), NIGHTLY: xml("2")}, "statuses": STATUSES, "server": "SRV"}
    return write_snapshot(data, **{"zone": "America/New_York", "taken_at": taken_at, **known, **given})


def commands(snapshot: Snapshot) -> dict[str, str]:
    found = {}
    for path, task in snapshot.tasks.items():
        (action,) = task.actions
        assert isinstance(action, ExecAction)
        found[path] = action.command
    return found


def change(folder: Path, **values: Any) -> None:
    manifest = json.loads((folder / "snapshot.json").read_text(encoding="utf-8"))
    (folder / "snapshot.json").write_text(json.dumps(manifest | values), encoding="utf-8")


def csv(folder: Path, *rows: str) -> list[tuple[str, str]]:
    """Problems of a status.csv with these rows, without the word that it was changed."""
    header = "Path,State,Enabled,LastRunTime,LastTaskResult,NextRunTime,NumberOfMissedRuns"
    (folder / "status.csv").write_bytes("\r\n".join([header, *rows, ""]).encode())
    change(folder, sha256={})
    return [tuple(problem) for problem in read_snapshot(folder).problems if problem.file == "status.csv"]  # type: ignore[misc]


# Written and read back


def test_snapshot_reads_back_as_it_was_written(tmp_path: Path) -> None:
    folder = write(tmp_path, folders=["\\OpenData"], windows="10.0", collected_by="TOWN\\opendata", elevated=True)
    assert folder == tmp_path / "snapshots/SRV/2026-11/20261123T170200Z"
    found = read_snapshot(tmp_path)
    assert (found.server, found.taken_at, found.zone, found.folders) == (
        "SRV",
        NOON,
        "America/New_York",
        ("\\OpenData",),
    )
    assert found.local_time.isoformat() == "2026-11-23T12:02:00-05:00"
    assert commands(found) == {LOAD: "1", NIGHTLY: "2"}
    assert list(found.statuses.values()) == STATUSES
    assert found.holds == {"definitions", *STATUS_FIELDS}
    assert found.problems == []
    assert found.files[NIGHTLY] == "OpenData/Permits/Nightly%3A new%3F.xml"
    assert found.hashes[LOAD] == hashlib.sha256(xml("1")).hexdigest()


def test_files_are_exactly_those_of_the_format(tmp_path: Path) -> None:
    folder = write(tmp_path)
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert names == [
        "snapshot.json",
        "status.csv",
        "tasks/OpenData/Load.xml",
        "tasks/OpenData/Permits/Nightly%3A new%3F.xml",
    ]
    assert (folder / names[2]).read_bytes() == xml("1")
    lines = (folder / "status.csv").read_bytes().decode().split("\r\n")
    assert lines[1] == "\\OpenData\\Load,Ready,true,2026-11-23T12:02:00-05:00,2147943726,2026-11-23T17:02:00+00:00,3"
    assert lines[2] == "\\OpenData\\Permits\\Nightly: new?,Disabled,false,never,267011,never,0"
    assert lines[3:] == ["\\Unknown,,,,,,", ""]
    manifest = json.loads((folder / "snapshot.json").read_text(encoding="utf-8"))
    written = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names[1:]}
    tool = manifest.pop("tool")
    assert tool.startswith("taskanalysis ")
    assert manifest == {
        "format": 1, "server": "SRV", "taken_at": "2026-11-23T17:02:00Z", "zone": "America/New_York", "windows": "",
        "collected_by": "", "elevated": None, "folders": [], "definitions_read": True,
        "definitions": "20261123T170200Z", "tasks": 3, "sha256": written,
    }  # fmt: skip


SECONDS = st.integers(10**9, 3 * 10**10).map(lambda second: datetime.fromtimestamp(second, EASTERN))
MOMENTS = st.none() | st.just("never") | SECONDS
PATHS = st.text(st.characters(exclude_characters="\\", exclude_categories=["Cs"]), min_size=1).map(
    lambda name: "\\" + name
)
NUMBERS = st.none() | st.integers(0, 2**32 - 1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(
    st.builds(
        Status, PATHS, st.sampled_from([None, *STATES]), st.none() | st.booleans(), MOMENTS, NUMBERS, MOMENTS, NUMBERS
    )
)
def test_any_status_reads_back_as_it_was_written(tmp_path: Path, status: Status) -> None:
    shutil.rmtree(tmp_path / "snapshots", ignore_errors=True)
    found = read_snapshot(write(tmp_path, statuses=[status], definitions=None))
    assert list(found.statuses.values()) == [status]
    assert found.problems == []


def test_newest_of_a_share_is_read_and_others_are_listed_in_order(tmp_path: Path) -> None:
    later = NOON + timedelta(days=40)
    write(tmp_path, later, server="OTHER")
    write(tmp_path, NOON)
    write(tmp_path, NOON - timedelta(seconds=1))
    (tmp_path / "snapshots/SRV/2026-11/20261399T000000Z").mkdir()
    (tmp_path / "snapshots/SRV/2026-11/2026121T000000Z").mkdir()
    (tmp_path / "snapshots/SRV/2026-11/.20261130T000000Z.7.tmp").mkdir()
    listed = list_snapshots(tmp_path)
    assert [(each.server, each.taken_at) for each in listed] == [
        ("SRV", NOON - timedelta(seconds=1)),
        ("SRV", NOON),
        ("OTHER", later),
    ]
    assert read_snapshot(tmp_path).server == "OTHER"
    assert [each.taken_at for each in list_snapshots(tmp_path, "srv")] == [NOON - timedelta(seconds=1), NOON]
    assert list_snapshots(tmp_path, "*") == list_snapshots(tmp_path, "..") == []


def test_newest_that_fits_server_time_and_holdings_is_read(tmp_path: Path) -> None:
    write(tmp_path, NOON)
    write(tmp_path, NOON + timedelta(hours=6), definitions=None)
    write(tmp_path, NOON + timedelta(hours=12), server="OTHER")

    def hours(**wanted: str) -> float:
        return (read_snapshot(tmp_path, **wanted).taken_at - NOON) / timedelta(hours=1)

    assert hours() == 12
    assert hours(server="srv") == 6
    assert hours(server="srv", holding="definitions") == 0
    assert hours(at="2026-11-23T17:02:00Z") == 0
    assert hours(at="2026-11-23T12:02") == 0  # the server's local time
    assert hours(at="2026-11-23T18:02") == 6
    assert hours(at="9999-12-31T23:59") == 12
    for wanted in (
        {"at": "2026-11-23T12:01"},
        {"at": "0001-01-01"},
        {"server": "NONE"},
        {"server": "*"},
        {"at": "soon"},
    ):
        with pytest.raises(SnapshotError):
            read_snapshot(tmp_path, **wanted)


def test_sample_share_reads_without_a_problem() -> None:
    found = read_snapshot(ROOT / "data")
    assert (len(found.tasks), len(found.statuses), found.problems) == (49, 55, [])


# Definitions are stored once per change


def test_same_definitions_are_not_stored_again_and_still_read(tmp_path: Path) -> None:
    first = write(tmp_path)
    second = write(tmp_path, NOON + timedelta(hours=6))
    assert not (second / "tasks").exists()
    assert commands(read_snapshot(second)) == {LOAD: "1", NIGHTLY: "2"}
    assert read_snapshot(second).manifest["definitions"] == first.name


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
    second = write(tmp_path, NOON + timedelta(hours=6), definitions=definitions)
    found = read_snapshot(second)
    assert (second / "tasks").is_dir()
    assert sorted(found.tasks) == sorted(definitions)
    assert found.problems == []


def test_status_only_collect_says_nothing_of_definitions(tmp_path: Path) -> None:
    write(tmp_path)
    second = write(tmp_path, NOON + timedelta(hours=1), definitions=None)
    third = write(tmp_path, NOON + timedelta(hours=2))
    found = read_snapshot(second)
    assert (found.tasks, found.holds, found.problems) == ({}, set(STATUS_FIELDS), [])
    assert found.manifest["definitions"] is None
    assert not (third / "tasks").exists()


def test_another_servers_definitions_are_not_borrowed(tmp_path: Path) -> None:
    write(tmp_path)
    assert (write(tmp_path, NOON + timedelta(hours=1), server="OTHER") / "tasks").is_dir()


def test_damaged_snapshot_does_not_stop_the_next_one(tmp_path: Path) -> None:
    (write(tmp_path) / "snapshot.json").write_text("{", encoding="utf-8")
    assert (write(tmp_path, NOON + timedelta(hours=1)) / "tasks").is_dir()


def test_snapshot_copied_out_of_its_share_still_has_its_own_definitions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(write(tmp_path), tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    assert commands(read_snapshot(".")) == {LOAD: "1", NIGHTLY: "2"}


def test_snapshot_without_tasks_is_read_from_within_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    monkeypatch.chdir(write(tmp_path, NOON + timedelta(hours=6)))
    assert commands(read_snapshot(".")) == {LOAD: "1", NIGHTLY: "2"}


# Whole or not there


def files(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("method", ["write_bytes", "rename", "mkdir"])
def test_failure_in_the_middle_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    real: Callable[..., Any] = getattr(Path, method)
    calls = []

    def fail(self: Path, *args: Any, **named: Any) -> Any:
        calls.append(self)
        if len(calls) == (1 if method == "rename" else 3):
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
    with pytest.raises(SnapshotError, match="is there already"):
        write(tmp_path, definitions={})
    assert sorted(files(tmp_path)) == before
    assert commands(read_snapshot(folder)) == {LOAD: "1", NIGHTLY: "2"}


def test_rest_of_a_killed_process_does_not_get_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getpid", lambda: 7)
    rest = tmp_path / "snapshots/SRV/2026-11/.20261123T170200Z.7.tmp/tasks"
    rest.mkdir(parents=True)
    (rest / "Old.xml").write_bytes(xml("old"))
    assert "Old.xml" not in files(write(tmp_path))


@pytest.mark.parametrize("server", ["", "..", "../../x", "a/b", "a\\b", "a:b", ".hidden", "C:"])
def test_server_that_is_no_name_for_a_folder_is_refused(tmp_path: Path, server: str) -> None:
    with pytest.raises(SnapshotError, match="is not the name of a server"):
        write(tmp_path, server=server)
    assert not list(tmp_path.iterdir())


def test_time_without_offset_is_refused(tmp_path: Path) -> None:
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(SnapshotError, match="has no offset"):
        write(tmp_path, naive)
    with pytest.raises(SnapshotError, match="has no offset"):
        write(tmp_path, statuses=[Status(LOAD, last_run=naive)])
    assert files(tmp_path) == []


def test_path_longer_than_260_characters_works(tmp_path: Path) -> None:
    path = "\\" + "\\".join(["f" * 100] * 5)
    assert commands(read_snapshot(write(tmp_path, definitions={path: xml("1")}))) == {path: "1"}


# What is wrong is told


def test_definitions_that_are_not_there_are_a_problem(tmp_path: Path) -> None:
    first, second = write(tmp_path), write(tmp_path, NOON + timedelta(hours=6))
    shutil.rmtree(first)
    found = read_snapshot(second)
    assert found.problems == [(f"{second.name}/snapshot.json", f"its definitions ({first.name}) are not there")]
    assert (found.holds, found.unread) == (set(STATUS_FIELDS), 0)
    assert len(found.statuses) == 3


def test_changed_missing_and_bad_files_are_problems(tmp_path: Path) -> None:
    folder = write(tmp_path, definitions={path: xml(path) for path in ("\\A", "\\B", "\\C", "\\D")})
    (folder / "tasks/A.xml").write_bytes(xml("changed"))
    (folder / "tasks/B.xml").unlink()
    (folder / "tasks/C.xml").write_bytes(b"")
    (folder / "status.csv").write_bytes((folder / "status.csv").read_bytes().replace(b"Ready", b"Queued"))
    later = write(
        tmp_path, NOON + timedelta(hours=6), definitions={path: xml(path) for path in ("\\A", "\\B", "\\C", "\\D")}
    )
    changed = "was changed after the snapshot was written (its sha256 differs)"
    of_tasks = [
        ("A.xml", changed),
        ("B.xml", "is listed in snapshot.json and not there"),
        ("C.xml", "the file is empty"),
    ]
    assert sorted(read_snapshot(folder).problems) == sorted([*of_tasks, ("status.csv", changed)])
    assert sorted(read_snapshot(later).problems) == of_tasks
    assert sorted(read_snapshot(folder).tasks) == ["\\A", "\\D"]
    assert read_snapshot(folder).unread == 1


def test_unreadable_manifest_of_the_stored_definitions_is_a_problem(tmp_path: Path) -> None:
    first, second = write(tmp_path), write(tmp_path, NOON + timedelta(hours=6))
    (first / "snapshot.json").write_text("{", encoding="utf-8")
    found = read_snapshot(second)
    assert [problem.file for problem in found.problems] == [f"{first.name}/snapshot.json"]
    assert commands(found) == {LOAD: "1", NIGHTLY: "2"}


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("\\B,Ready", "line 3: has 2 cells instead of 7"),
        ("\\B,Ready,true,never,0,never,0,x", "line 3: has 8 cells instead of 7"),
        ("B,Ready,true,never,0,never,0", "line 3: 'B' is not a task path"),
        (",,,,,,", "line 3: '' is not a task path"),
        ("\\B,Bereit,true,never,0,never,0", "line 3: state 'Bereit' or enabled 'true' is not known"),
        ("\\B,Ready,yes,never,0,never,0", "line 3: state 'Ready' or enabled 'yes' is not known"),
        ("\\B,Ready,true,soon,0,never,0", "line 3: Invalid isoformat string: 'soon'"),
        ("\\B,Ready,true,2026-11-23T10:00:00,0,never,0", "line 3: time '2026-11-23T10:00:00' has no offset"),
        ("\\B,Ready,true,0001-01-01T00:00:00+14:00,0,,0", "line 3: time '0001-01-01T00:00:00+14:00' is out of reach"),
        ("\\B,Ready,true,never,-1,never,0", "line 3: '-1' is not a number from 0 to 4294967295"),
        ("\\B,Ready,true,never,4294967296,never,0", "line 3: '4294967296' is not a number from 0 to 4294967295"),
        ("\\B,Ready,true,never,0x1,never,0", "line 3: '0x1' is not a number from 0 to 4294967295"),
        ("\\B,Ready,true,never,0,never,٣", "line 3: '٣' is not a number from 0 to 4294967295"),
        ("\\A,Ready,true,never,0,never,0", "line 3: \\A is there already"),
    ],
)
def test_bad_status_row_is_a_problem_and_the_others_are_read(tmp_path: Path, row: str, what: str) -> None:
    folder = write(tmp_path)
    assert csv(folder, "\\A,,,,,,", row, "\\Z,,,,,,") == [("status.csv", what)]
    assert sorted(read_snapshot(folder).statuses) == ["\\A", "\\Z"]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "its header is not the one of status.csv"),
        (b"Name,Path\r\n", "its header is not the one of status.csv"),
        (b"\xff\xfeP\0", "'utf-8' codec can't decode byte 0xff"),
        (None, "can't be opened (No such file or directory)"),
    ],
)
def test_bad_status_file_is_a_problem_and_definitions_are_read(
    tmp_path: Path, content: bytes | None, what: str
) -> None:
    folder = write(tmp_path)
    (folder / "status.csv").unlink()
    if content is not None:
        (folder / "status.csv").write_bytes(content)
    change(folder, sha256={})
    found = read_snapshot(folder)
    assert [problem.what[: len(what)] for problem in found.problems] == [what]
    assert (found.statuses, found.holds, len(found.tasks)) == ({}, {"definitions"}, 2)


def test_byte_order_mark_and_blank_lines_of_an_editor_do_no_harm(tmp_path: Path) -> None:
    folder = write(tmp_path)
    file = folder / "status.csv"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes() + b"\r\n")
    change(folder, sha256={})
    assert list(read_snapshot(folder).statuses.values()) == STATUSES


# A manifest is not trusted


def test_unknown_keys_are_ignored_and_known_ones_may_be_missing(tmp_path: Path) -> None:
    folder = write(tmp_path)
    change(folder, colour="blue", later={"a": 1})
    assert read_snapshot(folder).problems == []
    manifest = {"format": 1, "server": "SRV", "taken_at": "2026-11-23T17:02:00Z", "zone": ""}
    (folder / "snapshot.json").write_text(json.dumps(manifest), encoding="utf-8")
    found = read_snapshot(folder)
    assert (found.tasks, len(found.statuses), found.zone, found.local_time) == ({}, 3, "", NOON)


@pytest.mark.parametrize("number", [2, 0, "1", None, [1], "x" * 1000])
def test_unknown_format_is_refused_in_one_sentence(tmp_path: Path, number: object) -> None:
    folder = write(tmp_path)
    change(folder, format=number)
    with pytest.raises(SnapshotError, match="this program reads format 1 of ") as caught:
        read_snapshot(folder)
    assert len(str(caught.value)) < 300 + len(str(folder))


@pytest.mark.parametrize(
    "values",
    [
        {"definitions": "../../x"},
        {"definitions": "/etc"},
        {"definitions": "20261123T170200Z/../.."},
        {"definitions": ""},
        {"definitions": None},
        {"definitions": 20261123},
        {"definitions": "20261123T170200Z\n"},
        {"definitions": "2026112T1170200Z"},
        {"definitions_read": "yes"},
        {"zone": "../../etc/passwd"},
        {"zone": "/etc/passwd"},
        {"zone": "Mars/Olympus"},
        {"zone": "America"},
        {"zone": "a\0b"},
        {"zone": 5},
        {"zone": None},
        {"server": 5},
        {"server": ["SRV"]},
        {"taken_at": "yesterday"},
        {"taken_at": "2026-11-23T17:02:00"},
        {"taken_at": "0001-01-01T00:00:00+14:00"},
        {"taken_at": "9999-12-31T23:00:00-14:00"},
        {"taken_at": 5},
        {"folders": "\\OpenData"},
        {"folders": 5},
        {"folders": [5]},
        {"sha256": []},
        {"sha256": {"status.csv": 5}},
    ],
    ids=str,
)
def test_bad_value_in_the_manifest_is_a_snapshot_error(tmp_path: Path, values: dict[str, Any]) -> None:
    folder = write(tmp_path)
    change(folder, **values)
    with pytest.raises(SnapshotError, match="json can't be read"):
        read_snapshot(folder)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "5", '"x"', "null", '["format"]', "[" * 100_000, '{"format": 1}', "\udcff", "9" * 5000]
)
def test_manifest_that_is_no_object_of_ours_is_a_snapshot_error(tmp_path: Path, text: str) -> None:
    folder = write(tmp_path)
    (folder / "snapshot.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SnapshotError):
        read_snapshot(folder)


def test_definitions_outside_the_share_are_not_read(tmp_path: Path) -> None:
    folder = write(tmp_path / "share", definitions=None)
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks/Secret.xml").write_bytes(xml("1"))
    change(folder, definitions_read=True, definitions="../../../../..")
    with pytest.raises(SnapshotError):
        read_snapshot(folder)


# Other things that can be read


def test_folder_and_file_of_task_xml_are_snapshots_with_definitions_only(tmp_path: Path) -> None:
    file = tmp_path / "F/Load.xml"
    file.parent.mkdir()
    file.write_bytes(xml("1"))
    for source, path in ((tmp_path, "\\F\\Load"), (file, "\\Load")):
        found = read_snapshot(source)
        assert (commands(found), found.holds, found.statuses) == ({path: "1"}, {"definitions"}, {})
        assert found.taken_at == datetime.fromtimestamp(int(file.stat().st_mtime), UTC)


def test_damaged_newest_snapshot_is_a_problem_and_the_one_before_is_read(tmp_path: Path) -> None:
    for hour in (1, 2):
        taken_at = NOON + timedelta(hours=hour)
        write_snapshot(tmp_path, server="S", taken_at=taken_at, zone="", statuses=STATUSES, definitions=None)
    newest = list_snapshots(tmp_path)[-1].path
    (newest / "snapshot.json").write_text("{", encoding="utf-8")
    snapshot = read_snapshot(tmp_path)
    assert snapshot.taken_at == NOON + timedelta(hours=1)
    assert [problem.file for problem in snapshot.problems] == [f"S/{newest.name}/snapshot.json"]


def test_other_servers_of_a_share_are_counted(tmp_path: Path) -> None:
    for server in ("A", "B", "C"):
        write_snapshot(tmp_path, server=server, taken_at=NOON, zone="", statuses=STATUSES, definitions=None)
    assert (read_snapshot(tmp_path).server, read_snapshot(tmp_path).others) == ("C", 2)
    assert read_snapshot(tmp_path, server="a").server == "A"


@pytest.mark.parametrize(
    ("minutes", "hours"), [([0], 26), ([0, 360, 720], 12), ([0, 5, 10, 15], 1), ([0, 360, 720, 5000, 5360], 12)]
)
def test_snapshot_is_stale_after_twice_the_usual_time(minutes: list[int], hours: int, tmp_path: Path) -> None:
    for minute in minutes:
        taken_at = NOON + timedelta(minutes=minute)
        write_snapshot(tmp_path, server="S", taken_at=taken_at, zone="", statuses=STATUSES, definitions=None)
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
Nightly,\\OpenData\\Nightly,0,11/24/2026 2:00:00 AM,Ready,python.exe,nightly.py
"""


def test_folder_of_the_old_scripts_joins_definitions_and_statuses(tmp_path: Path) -> None:
    uri = "<RegistrationInfo><URI>\\OpenData\\Load</URI></RegistrationInfo>"
    (tmp_path / "Load.xml").write_bytes(f"<Task>{uri}</Task>".encode("utf-16"))
    (tmp_path / "script_status.csv").write_text(STATUS_CSV, encoding="utf-8")
    snapshot = read_snapshot(tmp_path, zone="America/New_York")
    assert list(snapshot.tasks) == ["\\OpenData\\Load"]
    assert list(snapshot.statuses) == ["\\OpenData\\Load", "\\OpenData\\Nightly"]
    assert snapshot.holds == {"definitions", "state", "last_result", "next_run"}
    next_run = snapshot.statuses["\\OpenData\\Load"].next_run
    assert isinstance(next_run, datetime)
    assert next_run.isoformat() == "2026-11-24T06:30:00-05:00"
    assert snapshot.problems == []


def test_file_of_statuses_alone_is_a_snapshot_without_definitions(tmp_path: Path) -> None:
    file = tmp_path / "whatever.txt"
    file.write_text(STATUS_CSV, encoding="utf-8")
    snapshot = read_snapshot(file)
    assert (snapshot.tasks, len(snapshot.statuses), snapshot.zone) == ({}, 2, "")
    assert snapshot.commands["\\OpenData\\Nightly"] == "python.exe nightly.py"
    next_run = snapshot.statuses["\\OpenData\\Nightly"].next_run
    assert isinstance(next_run, datetime)
    assert next_run.tzinfo is None


def test_older_file_of_statuses_is_named_and_not_read(tmp_path: Path) -> None:
    for name, when in (("old.csv", 1_000_000_000), ("new.csv", 1_700_000_000)):
        (tmp_path / name).write_text(STATUS_CSV, encoding="utf-8")
        os.utime(tmp_path / name, (when, when))
    assert [problem.file for problem in read_snapshot(tmp_path).problems] == ["old.csv"]


def test_unknown_zone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(STATUS_CSV, encoding="utf-8")
    for zone in ("Nowhere/Town", "../../etc/passwd", "a" * 5000):
        with pytest.raises(ZoneError, match="is not the name of a time zone"):
            read_snapshot(tmp_path, zone=zone)


def test_share_that_holds_no_definitions_gives_its_newest_snapshot(tmp_path: Path) -> None:
    for hour in (10, 11):
        taken_at = datetime(2026, 11, 23, hour, tzinfo=UTC)
        write_snapshot(tmp_path, server="S", taken_at=taken_at, zone="", statuses=[Status(r"\A")], definitions=None)
    found = read_snapshot(tmp_path, holding="definitions")
    assert (found.taken_at.hour, found.tasks) == (11, {})


def test_file_among_the_months_of_a_server_is_no_month(tmp_path: Path) -> None:
    taken_at = datetime(2026, 11, 23, 11, tzinfo=UTC)
    write_snapshot(tmp_path, server="S", taken_at=taken_at, zone="", statuses=[Status(r"\A")], definitions=None)
    (tmp_path / "snapshots" / "S" / "2026-12").write_text("x", encoding="utf-8")
    assert read_snapshot(tmp_path).taken_at == taken_at


def test_what_could_not_be_collected_is_a_problem_of_the_snapshot(tmp_path: Path) -> None:
    told = [Problem(r"\A", "xml: access is denied")]
    taken_at = datetime(2026, 11, 23, 11, tzinfo=UTC)
    folder = write_snapshot(
        tmp_path, server="S", taken_at=taken_at, zone="", statuses=[Status(r"\A")], definitions=None, problems=told
    )
    assert read_snapshot(tmp_path).problems == told
    manifest = json.loads((folder / "snapshot.json").read_text(encoding="utf-8"))
    for wrong in ({"problems": 1}, {"problems": [1]}, {"problems": [["a"]]}, {"problems": [["a", 1]]}):
        (folder / "snapshot.json").write_text(json.dumps(manifest | wrong), encoding="utf-8")
        with pytest.raises(SnapshotError, match=r"snapshot\.json can.t be read"):
            read_snapshot(tmp_path)


def test_newest_snapshots_come_first_and_older_months_are_not_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for server, month, day in (("A", "2026-10", 3), ("A", "2026-11", 1), ("B", "2026-11", 2), ("A", "2026-11", 9)):
        stamp = f"{month.replace('-', '')}{day:02}T120000Z"
        (tmp_path / "snapshots" / server / month / stamp).mkdir(parents=True)
    assert [known.path.name[:8] for known in newest_first(tmp_path)] == ["20261109", "20261102", "20261101", "20261003"]
    assert list(newest_first(tmp_path)) == list_snapshots(tmp_path)[::-1]
    assert [known.path.name[:8] for known in newest_first(tmp_path, "a")] == ["20261109", "20261101", "20261003"]
    listed: list[str] = []
    monkeypatch.setattr(
        "taskanalysis.snapshot.share._names",
        lambda month: listed.append(month.name) or [each.name for each in month.iterdir()],
    )
    assert next(newest_first(tmp_path)).server == "A"
    assert set(listed) == {"2026-11"}
