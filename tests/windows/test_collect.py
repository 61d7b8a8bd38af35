"""Collecting: everything that was read is in the snapshot, or there is no snapshot; existing ones stay."""

import codecs
import errno
import os
import random
import shutil
import signal
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from taskanalysis.errors import Problem, SnapshotError, UnfinishedError
from taskanalysis.health import assess
from taskanalysis.history.upkeep import verify
from taskanalysis.snapshot import file_name, fits, long_path, plain_path
from taskanalysis.snapshot.share import list_snapshots
from taskanalysis.snapshot.snapshot import Snapshot, read_manifest, read_snapshot
from taskanalysis.snapshot.status import STATUS_FIELDS
from taskanalysis.windows.collect import LOG, collect, convert, export_log, holding
from taskanalysis.windows.scheduler import SchedulerError
from tests.build import ROOT, commands
from tests.doubles.scheduler import FakeScheduler, filled, task_xml
from tests.windows.restoring import NOON, Wevtutil, server, stored

LOAD, NIGHTLY, SCAN = "\\OpenData\\Load", "\\OpenData\\Permits\\Nightly: new?", "\\Microsoft\\Windows\\Scan"
ROOM = import_module("taskanalysis.windows.collect")  # the wing gives its name to the function


def take(fake: FakeScheduler, data: Path, minute: int = 0, **given: Any) -> Any:
    return collect(fake, data, **{"server": "SRV", "now": NOON + timedelta(minutes=minute), "wait": 0.2, **given})


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


# What is collected ----------------------------------------------------------------------------------------------------


def test_status_of_all_tasks_and_definitions_outside_microsoft_are_collected(tmp_path: Path) -> None:
    done = take(server(), tmp_path, collected_by="TOWN\\collector")
    found = read_snapshot(tmp_path)
    assert done.place == found.source
    assert done.line() == f"SRV: 3 tasks, 2 definitions stored, in {plain_path(done.place)}"
    assert (done.warnings, done.problems, found.problems) == ((), (), [])
    assert found.statuses.keys() == {LOAD, NIGHTLY, SCAN}
    assert commands(found.tasks) == {LOAD: "load.exe", NIGHTLY: "nightly.exe"}
    status = found.statuses[LOAD]
    assert [getattr(status, name) for name in STATUS_FIELDS] == ["Ready", True, NOON - timedelta(hours=1), 1, NOON, 2]
    assert (found.statuses[NIGHTLY].last_run, found.statuses[NIGHTLY].enabled) == ("never", False)
    assert [found.manifest[name] for name in ("zone", "windows", "collected_by", "elevated", "folders", "sddl")] == [
        *("America/New_York", "Windows Server 2019 10.0.17763", "TOWN\\collector", True, []),
        dict.fromkeys((LOAD, NIGHTLY), server().sddl(LOAD)),
    ]


@pytest.mark.parametrize(
    ("before", "command"), [("", "load.exe"), ("\ufeff", "\ud83d.exe")], ids=["plain", "half a character"]
)
def test_definition_is_stored_as_windows_exports_it(tmp_path: Path, before: str, command: str) -> None:
    fake = server()
    fake.store[LOAD].xml = before + task_xml(command)
    place = take(fake, tmp_path).place
    stored = (place / "tasks/OpenData/Load.xml").read_bytes()
    assert stored == codecs.BOM_UTF16_LE + task_xml(command).encode("utf-16-le", "surrogatepass")
    assert (place / "tasks/OpenData/Permits/Nightly%3A new%3F.xml").is_file()


@pytest.mark.parametrize(
    ("folders", "stored"),
    [
        (["\\OpenData\\Permits"], [NIGHTLY]),
        (["\\opendata", "\\Microsoft\\Windows"], [SCAN, LOAD, NIGHTLY]),
        (["\\"], [SCAN, LOAD, NIGHTLY]),
    ],
)
def test_named_folders_say_which_definitions_are_read(tmp_path: Path, folders: list[str], stored: list[str]) -> None:
    place = take(server(), tmp_path, folders=folders).place
    found = read_snapshot(place)
    assert sorted(found.tasks) == stored
    assert len(found.statuses) == 3
    assert found.folders == tuple(folders)


def test_folder_without_tasks_is_no_mistake(tmp_path: Path) -> None:
    fake = server()
    fake.make("\\OpenData\\Empty")
    place = take(fake, tmp_path, folders=["\\OpenData\\Empty"]).place
    assert (place / "tasks").is_dir()
    assert read_snapshot(place).tasks == {}


def test_status_only_reads_no_definition(tmp_path: Path) -> None:
    fake = server()
    done = take(fake, tmp_path, status_only=True)
    assert done.line() == f"SRV: 3 tasks, in {plain_path(done.place)}"
    assert {member for member, _ in fake.calls} == {"folders", "tasks", *STATUS_FIELDS}
    assert sorted(path.name for path in done.place.iterdir()) == ["snapshot.json", "status.csv"]
    assert read_manifest(done.place)["definitions_read"] is False


def test_each_property_is_asked_for_once(tmp_path: Path) -> None:
    fake = server()
    take(fake, tmp_path)
    assert set(fake.calls.values()) == {1}
    asked = [member for member, _ in fake.calls if member != "file"]
    assert len(asked) == 2 * len(fake.made) + 3 * len(STATUS_FIELDS) + 2 * 2


def test_definitions_are_stored_only_when_something_changed(tmp_path: Path) -> None:
    fake = server()
    written = [take(fake, tmp_path, 0).stored, take(fake, tmp_path, 1).stored]
    fake.store[LOAD].last_result = 0
    written.append(take(fake, tmp_path, 2).stored)
    fake.store[LOAD].xml = task_xml("other.exe")
    written.append(take(fake, tmp_path, 3).stored)
    del fake.store[NIGHTLY]
    written.append(take(fake, tmp_path, 4).stored)
    done = take(fake, tmp_path, 5)
    assert [*written, done.stored] == [True, False, False, True, True, False]
    assert "1 definition as before" in done.line()
    assert commands(read_snapshot(tmp_path).tasks) == {LOAD: "other.exe"}
    assert verify(tmp_path).problems == []


@pytest.mark.slow
def test_5000_tasks_are_collected(tmp_path: Path) -> None:
    done = take(filled(5000), tmp_path, folders=["\\OpenData\\Permits"])
    assert (done.tasks, done.definitions, done.problems) == (5000, 1667, ())
    found = read_snapshot(tmp_path)
    assert (len(found.statuses), len(found.tasks)) == (5000, 1667)


def test_two_collects_in_one_second_are_two_snapshots(tmp_path: Path) -> None:
    names = [take(server(), tmp_path).place.name for _ in range(3)]
    assert names == ["20261123T170200Z", "20261123T170201Z", "20261123T170202Z"]


# What goes wrong ------------------------------------------------------------------------------------------------------


def test_task_that_is_refused_or_can_not_be_loaded_is_a_problem_and_not_known(tmp_path: Path) -> None:
    fake = server()
    fake.faults["*", LOAD] = SchedulerError(LOAD, 0x80070005)
    fake.broken["\\OpenData"] = [SchedulerError("task 2 of 2 in \\OpenData", 0x80041321)]
    done = take(fake, tmp_path)
    unloaded, problem = done.problems
    assert (unloaded.file, unloaded.what[-12:]) == ("task 2 of 2 in \\OpenData", "(0x80041321)")
    assert problem.file == LOAD
    assert problem.what.startswith("state, enabled, last_run")
    assert problem.what.endswith("xml, sddl: access is denied (0x80070005)")
    found = read_snapshot(tmp_path)
    assert [getattr(found.statuses[LOAD], name) for name in STATUS_FIELDS] == [None] * 6
    assert found.tasks.keys() == {NIGHTLY}
    assert found.manifest["problems"] == [list(unloaded), list(problem)]


def test_definition_that_is_refused_is_kept_from_the_snapshot_before(tmp_path: Path) -> None:
    fake = server()
    take(fake, tmp_path)
    fake.faults["xml", LOAD] = SchedulerError(LOAD, 0x80070005)
    done = take(fake, tmp_path, 1)
    assert not done.stored
    fake.store[NIGHTLY].xml = task_xml("changed.exe")
    done = take(fake, tmp_path, 2)
    assert done.stored
    assert done.problems[-1] == Problem(LOAD, "its definition is kept from 20261123T170200Z")
    assert commands(read_snapshot(done.place).tasks) == {LOAD: "load.exe", NIGHTLY: "changed.exe"}


@pytest.mark.parametrize(
    ("member", "path", "code", "problem", "read"),
    [
        ("last_run", LOAD, 0x8002000A, "last_run: a date is out of range (0x8002000A)", {LOAD, NIGHTLY, SCAN}),
        ("last_run", LOAD, 0x80070002, "was deleted while collecting", {NIGHTLY, SCAN}),
        ("sddl", LOAD, 0x80070002, "was deleted while collecting", {NIGHTLY, SCAN}),
        ("tasks", "\\OpenData", 0x80070005, "access is denied (0x80070005)", {NIGHTLY, SCAN}),
    ],
)
def test_what_is_refused_or_deleted_is_a_problem_and_the_rest_is_collected(
    tmp_path: Path, member: str, path: str, code: int, problem: str, read: set[str]
) -> None:
    fake = server()
    fake.faults[member, path] = SchedulerError(path, code)
    assert take(fake, tmp_path).problems == (Problem(path, problem),)
    statuses = read_snapshot(tmp_path).statuses
    assert statuses.keys() == read
    if LOAD in statuses:
        assert (statuses[LOAD].last_run, statuses[LOAD].last_result) == (None, 1)


@pytest.mark.parametrize("calls", [None, 0, 1, 5, 9, 20, 28])
def test_lost_connection_or_refused_root_writes_nothing(tmp_path: Path, calls: int | None) -> None:
    take(server(), tmp_path)
    before = files(tmp_path)
    fake = server()
    fake.drops_after = calls
    if calls is None:
        fake.faults["folders", "\\"] = SchedulerError("\\", 0x80070005)
    with pytest.raises(UnfinishedError, match="access is denied" if calls is None else "the server does not answer"):
        take(fake, tmp_path, 1)
    assert files(tmp_path) == before


def test_it_warns_where_it_is_not_elevated(tmp_path: Path) -> None:
    fake = server()
    fake.elevated = False
    (warning,) = take(fake, tmp_path).warnings
    assert warning.startswith("not elevated, so tasks of other accounts may be missing")
    manifest = read_manifest(read_snapshot(tmp_path).source)
    assert (manifest["elevated"], manifest["warnings"]) == (False, [warning])
    fake.elevated = None
    assert take(fake, tmp_path, 1).warnings == ()


@pytest.mark.parametrize(("now", "warned"), [(9, False), (8, True), (3, True), (12, False)])
def test_it_warns_where_a_fifth_of_the_tasks_is_gone(tmp_path: Path, now: int, warned: bool) -> None:
    take(filled(10), tmp_path)
    warnings = take(filled(now), tmp_path, 1).warnings
    assert bool(warnings) == warned
    assert all(f"only {now} tasks, {10 - now} fewer than at 2026-11-23 17:02 UTC" in each for each in warnings)


# The share ------------------------------------------------------------------------------------------------------------


def test_second_collect_at_the_same_time_says_so(tmp_path: Path) -> None:
    with (
        holding(tmp_path, "SRV"),
        pytest.raises(UnfinishedError, match=r"another collect of SRV is writing to .*: run this again later"),
    ):
        take(server(), tmp_path)
    assert files(tmp_path) == {}
    take(server(), tmp_path)


def test_other_servers_are_collected_at_the_same_time(tmp_path: Path) -> None:
    with holding(tmp_path, "OTHER"):
        take(server(), tmp_path)
    assert [known.server for known in list_snapshots(tmp_path)] == ["SRV"]


@pytest.mark.parametrize("written", range(4))
def test_full_disk_is_one_sentence_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    take(server(), tmp_path)
    before, write_bytes, left = files(tmp_path), Path.write_bytes, iter(range(written))

    def full(path: Path, content: bytes) -> int:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    changed = server()
    changed.store[LOAD].xml = task_xml("changed.exe")
    with pytest.raises(UnfinishedError, match=r"is full, so nothing was written: free some space"):
        take(changed, tmp_path, 60 * 24 * 30)
    assert files(tmp_path) == before
    assert [folder.name for folder in (tmp_path / "snapshots/SRV").iterdir() if folder.is_dir()] == ["2026-11"]


def test_missing_share_is_not_created(tmp_path: Path) -> None:
    fake = server()
    with pytest.raises(UnfinishedError, match="does not exist: create the folder, or check why the share is gone"):
        take(fake, tmp_path / "share")
    assert not fake.calls
    assert not (tmp_path / "share").exists()


def test_share_that_vanishes_during_a_collect_is_not_created_again(tmp_path: Path) -> None:
    share, fake = tmp_path / "share", server()
    share.mkdir()
    monkeyed = fake.is_elevated
    fake.is_elevated = lambda: (share.rmdir(), monkeyed())[1]  # type: ignore[method-assign]
    with pytest.raises(UnfinishedError, match="does not exist"):
        take(fake, share)
    assert not share.exists()


def test_share_that_can_not_be_written_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "mkdir", Mock(side_effect=PermissionError(errno.EACCES, "Permission denied")))
    with pytest.raises(UnfinishedError, match=r"can't be written \(Permission denied\), so nothing was written"):
        take(server(), tmp_path)


def test_snapshot_that_a_scanner_holds_open_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taskanalysis.snapshot.paths.time", Mock(monotonic=Mock(side_effect=[0, 9])))
    monkeypatch.setattr(Path, "replace", Mock(side_effect=PermissionError(errno.EACCES, "Access is denied")))
    with pytest.raises(UnfinishedError, match=r"can't be written \(Access is denied\), so nothing was written"):
        take(server(), tmp_path)
    assert list_snapshots(tmp_path) == []
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b", ".hidden"])
def test_server_that_is_no_name_for_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SnapshotError, match="is not the name of a server"):
        take(server(), tmp_path, server=name)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_collect_left_is_removed(tmp_path: Path) -> None:
    month = tmp_path / "snapshots/SRV/2026-10"
    (month / ".20261001T000000Z.4242.tmp/tasks").mkdir(parents=True)
    (month / ".20261001T000000Z.4242.tmp/tasks/Load.xml").write_bytes(b"half")
    log = tmp_path / "eventlogs/SRV/.20261001T000000Z.4242.tmp"
    log.mkdir(parents=True)
    other = tmp_path / "snapshots/OTHER/2026-10/.20261001T000000Z.1.tmp"
    other.mkdir(parents=True)
    take(server(), tmp_path)
    assert not month.exists()
    assert not log.exists()
    assert other.exists()  # that server's next collect does it


def copied(source: Path, target: Path) -> Path:
    """A copy of a share that takes no time: its files are never written again."""
    return shutil.copytree(source, target, copy_function=os.link, ignore=shutil.ignore_patterns(".lock"))


def killed(data: Path, fake: FakeScheduler, seconds: float) -> None:
    """A collect in a process of its own, from this one, which has all modules loaded, killed after some time."""
    child = os.fork()
    if not child:
        try:
            take(fake, data)
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes; Windows has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_collect_that_is_killed_at_any_moment_leaves_only_whole_snapshots(tmp_path: Path) -> None:
    before, after = filled(90), filled(90)
    for path in after.store:
        after.store[path].xml = task_xml("changed.exe")
    first = tmp_path / "first"
    first.mkdir()
    take(before, first, -60)
    lasting = 0.0
    for turn in range(3):  # the first takes longer: it loads what the later ones have
        warm = copied(first, tmp_path / f"warm{turn}")
        began = time.perf_counter()
        take(after, warm)
        lasting = time.perf_counter() - began
    dice = random.Random(20261123)
    in_the_middle = turn = 0
    while turn < 100 or in_the_middle <= 10:  # killed while it wrote, not before and after
        turn += 1
        assert turn < 1000
        data = copied(first, tmp_path / "share")
        killed(data, after, dice.uniform(0, lasting * 2))
        in_the_middle += bool(list(data.rglob("*.tmp")))
        known = list_snapshots(data)
        assert verify(data).problems == []
        found = read_snapshot(data)
        assert found.problems == []
        assert len(found.statuses) == len(found.tasks) + 30 == 90
        began = time.perf_counter()
        done = take(after, data, turn)
        lasting = (lasting + time.perf_counter() - began) / 2  # the machine may be busier than it was
        assert done.stored == (len(known) == 1)
        assert not list(data.rglob("*.tmp"))
        assert verify(data).problems == []
        shutil.rmtree(data)


# Round trips ----------------------------------------------------------------------------------------------------------


def test_sample_share_collected_again_is_the_same(tmp_path: Path, sample: Snapshot) -> None:
    fake = FakeScheduler(zone_name=sample.zone)
    raw = stored(sample)
    for path, status in sample.statuses.items():
        known = {name: getattr(status, name) for name in STATUS_FIELDS if getattr(status, name) is not None}
        fake.add(path, raw[path].decode("utf-16") if path in raw else task_xml(), **known)
        for name in STATUS_FIELDS:
            if getattr(status, name) is None:
                fake.faults[name, path] = SchedulerError(path, 0x80070005)
    for path in raw.keys() - sample.statuses.keys():
        fake.add(path, raw[path].decode("utf-16"))
    take(fake, tmp_path, server=sample.server)
    found = read_snapshot(tmp_path)
    assert found.problems == []
    assert {path: found.statuses[path] for path in sample.statuses} == sample.statuses
    assert found.hashes == sample.hashes
    assert found.tasks == sample.tasks


# Snapshots of what other programs wrote -------------------------------------------------------------------------------


def test_folder_of_exports_becomes_a_snapshot(tmp_path: Path) -> None:
    done = convert(ROOT / "tests/files/folder", tmp_path, server="SRV")
    found = read_snapshot(tmp_path)
    assert commands(found.tasks).keys() == {"\\OpenData\\Load", "\\OpenData\\Permits\\Nightly"}
    assert [problem.file for problem in done.problems] == ["OpenData/Broken.xml"]
    assert found.manifest["tool"].endswith(" from folder")
    assert (found.manifest["elevated"], found.zone, found.statuses) == (None, "", {})


def test_exported_bytes_stay_and_others_are_rewritten(tmp_path: Path) -> None:
    source = tmp_path / "exports"
    source.mkdir()
    contents = {
        "A": codecs.BOM_UTF16_LE + task_xml("a.exe").encode("utf-16-le"),
        "B": task_xml("b.exe").encode("utf-8"),
        "C": codecs.BOM_UTF16_BE + task_xml("c.exe").encode("utf-16-be"),
        "D": codecs.BOM_UTF16_LE + task_xml("d.exe").replace("UTF-16", "UTF-8").encode("utf-16-le"),
    }
    for name, content in contents.items():
        (source / f"{name}.xml").write_bytes(content)
    done = convert(source, tmp_path, server="SRV")
    for name in contents:
        exported = codecs.BOM_UTF16_LE + task_xml(f"{name.lower()}.exe").encode("utf-16-le")
        assert (done.place / f"tasks/{name}.xml").read_bytes() == exported
    assert done.warnings == ("3 definitions rewritten in the encoding that Windows imports",)


def test_statuses_become_a_snapshot_with_their_zone(tmp_path: Path) -> None:
    source = ROOT / "tests/files/statuses/english.csv"
    done = convert(source, tmp_path, zone="America/New_York")
    found, wanted = read_snapshot(tmp_path), read_snapshot(source, zone="America/New_York")
    assert found.statuses == wanted.statuses
    assert (found.server, found.taken_at) == ("OPENDATA01", wanted.taken_at)
    assert done.definitions is None
    assert found.manifest["definitions_read"] is False


def test_losses_of_converted_files_stay_problems_of_the_snapshot(tmp_path: Path) -> None:
    (source := tmp_path / "source").mkdir()
    (source / "notes.txt").write_text("Tasks of the office", encoding="utf-8")
    (source / "Cut.xml").write_bytes(task_xml("a.exe").encode("utf-16")[:-90])
    (source / "status.csv").write_text(
        '"TaskName","TaskPath","State","LastRunTime"\n"Load","\\","Ready","some day 3"\n"Sync","\\","Ready","day 4"\n',
        encoding="utf-8",
    )
    wanted = read_snapshot(source, zone="America/New_York")
    convert(source, tmp_path, server="SRV", zone="America/New_York")
    found = read_snapshot(tmp_path)
    assert {problem.file for problem in found.faults} == {"Cut.xml", "status.csv"}
    assert sorted(found.faults) == sorted(wanted.faults)
    assert sorted(found.notes) == sorted(wanted.notes)
    assert "notes.txt" in {problem.file for problem in found.notes}
    assert found.holds == wanted.holds == {"state", "last_run"}
    (other := tmp_path / "other").mkdir()
    copied = read_snapshot(convert(found.source, other).place)
    assert (copied.faults, copied.holds) == (found.faults, found.holds)
    assert assess(found).code == 3
    assert assess(found).headline.startswith("The last run of 2 of 2 tasks could not be read.")


@pytest.mark.parametrize("path", ["\\" + "N" * 300, "\\A\\" + "N" * 10_000, "\\" + "\\".join(["N" * 200] * 200)])
def test_name_that_is_too_long_for_a_file_stops_no_other(tmp_path: Path, path: str) -> None:
    (source := tmp_path / "source").mkdir()
    for name, task in (("long.xml", path), ("good.xml", LOAD)):
        registration = f"<RegistrationInfo><URI>{task}</URI></RegistrationInfo><Triggers>"
        (source / name).write_text(task_xml().replace("<Triggers>", registration), encoding="utf-16")
    done = convert(source, tmp_path, server="SRV", zone="UTC")
    (lost,) = done.problems
    assert (lost.file, lost.what) == (path, "its definition is not stored: the share takes no name that is so long")
    found = read_snapshot(tmp_path)
    assert found.tasks.keys() == {LOAD}
    assert found.faults == [lost]
    assert assess(found).code == 3
    assert "is not stored: the share takes no name" in " ".join(assess(found).unseen)


def test_name_that_just_fits_is_stored(tmp_path: Path) -> None:
    path = "\\" + "N" * 251
    assert fits(tmp_path / "new", f"tasks/{file_name(path)}")
    assert not fits(tmp_path / "new", f"tasks/{file_name(path + 'N')}")
    assert list(tmp_path.iterdir()) == []
    fake = server()
    fake.store[path] = replace(fake.store[LOAD])
    assert take(fake, tmp_path).problems == ()
    assert path in read_snapshot(tmp_path).tasks


def test_data_of_the_future_are_not_stored(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(ROOT / "tests/files/folder", source)
    for file in source.rglob("*.xml"):
        os.utime(file, (2_100_000_000, 2_100_000_000))
    with pytest.raises(SnapshotError, match="is of 2036-07-18 13:20 UTC, which lies in the future: correct the time"):
        convert(source, tmp_path, server="SRV", now=datetime(2036, 7, 18, 13, 9, tzinfo=UTC))
    assert not (tmp_path / "snapshots").exists()
    assert convert(source, tmp_path, server="SRV", now=datetime(2036, 7, 18, 13, 11, tzinfo=UTC)).tasks == 0


@pytest.mark.parametrize(
    ("source", "given", "says"),
    [
        ("tests/files/statuses/english.csv", {}, "does not name the time zone of its server: name it with --zone"),
        ("tests/files/folder", {}, "does not name its server: name it with --server"),
        ("tests/files/folder", {"server": "../SRV"}, "is not the name of a server"),
    ],
)
def test_what_is_missing_for_a_snapshot_is_named(tmp_path: Path, source: str, given: dict[str, str], says: str) -> None:
    with pytest.raises(SnapshotError, match=says):
        convert(ROOT / source, tmp_path, **given)
    assert list(tmp_path.iterdir()) == []


def test_definitions_of_windows_itself_are_left_out_and_counted(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    place = take(server(), tmp_path, folders=["\\"]).place
    done = convert(place, tmp_path / "one")
    assert (done.definitions, done.tasks) == (2, 3)
    assert done.warnings == ("1 definition of \\Microsoft left out: name their folder with --folder",)
    done = convert(place, tmp_path / "two", folders=["\\Microsoft"])
    assert (done.definitions, done.warnings) == (1, ())


def test_own_snapshot_is_copied_with_its_access_lists(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    first = take(server(), tmp_path)
    second = convert(first.place, other)
    assert files(second.place).keys() == files(first.place).keys()
    for name in ("tasks/OpenData/Load.xml", "status.csv"):
        assert (first.place / name).read_bytes() == (second.place / name).read_bytes()
    same = ("server", "taken_at", "zone", "windows", "elevated", "sddl", "sha256", "tasks")
    assert [read_manifest(first.place)[name] for name in same] == [read_manifest(second.place)[name] for name in same]
    again = convert(first.place, other)
    assert (again.nothing_new, again.place) == (True, second.place)
    assert again.line() == f"SRV: nothing new, its snapshot is there as {plain_path(second.place)}"


# The event log --------------------------------------------------------------------------------------------------------


def test_log_is_exported_from_the_last_export_on(tmp_path: Path) -> None:
    wevtutil = Wevtutil()
    names = [export_log(tmp_path, "SRV", now=NOON + timedelta(hours=hour), run=wevtutil) for hour in (0, 1, 2)]
    folder = long_path(tmp_path) / "eventlogs/SRV"
    assert names == [folder / f"20261123T1{hour}0200Z.evtx" for hour in (7, 8, 9)]
    assert sorted(folder.iterdir()) == names
    times = [f"'2026-11-23T1{hour}:02:00.000Z'" for hour in (7, 8, 9)]
    assert wevtutil.asked == [
        f"/query:*[System[TimeCreated[@SystemTime<{times[0]}]]]",
        f"/query:*[System[TimeCreated[@SystemTime>={times[0]} and @SystemTime<{times[1]}]]]",
        f"/query:*[System[TimeCreated[@SystemTime>={times[1]} and @SystemTime<{times[2]}]]]",
    ]


def test_log_is_exported_to_a_local_folder_since_its_service_may_not_reach_a_share(tmp_path: Path) -> None:
    wevtutil = Mock(side_effect=Wevtutil())
    file = export_log(tmp_path, "SRV", now=NOON, run=wevtutil)
    (_, _, place, _) = wevtutil.call_args.args[0]
    assert tmp_path not in Path(place).parents
    assert not Path(place).parent.exists()
    assert file
    assert file.read_bytes() == b"ElfFile"


def test_export_that_fails_leaves_nothing_and_is_made_up_for_by_the_next(tmp_path: Path) -> None:
    export_log(tmp_path, "SRV", now=NOON, run=Wevtutil())
    with pytest.raises(UnfinishedError, match=r"Access is denied"):
        export_log(tmp_path, "SRV", now=NOON + timedelta(hours=1), run=Wevtutil(fails=True))
    assert list(files(tmp_path)) == ["eventlogs/SRV/20261123T170200Z.evtx"]
    assert not list(tmp_path.rglob("*.tmp"))
    wevtutil = Wevtutil()
    export_log(tmp_path, "SRV", now=NOON + timedelta(hours=2), run=wevtutil)
    assert "@SystemTime>='2026-11-23T17:02:00.000Z'" in wevtutil.asked[0]


def test_wevtutil_is_called_without_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = SimpleNamespace(returncode=0, stdout=b"enabled: true", stderr=b"Access is denied.\r\n")
    run = Mock(return_value=ended)
    monkeypatch.setattr("subprocess.run", run)
    assert ROOM._wevtutil(["get-log", LOG]) == "enabled: true"
    (words,) = run.call_args.args
    assert (words[0].endswith("wevtutil.exe"), words[1:]) == (True, ["get-log", LOG])
    assert not run.call_args.kwargs.get("shell")
    ended.returncode = 5
    with pytest.raises(UnfinishedError, match=r"wevtutil says Access is denied\."):
        ROOM._wevtutil(["get-log", LOG])


def test_missing_wevtutil_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SystemRoot", str(tmp_path))
    with pytest.raises(UnfinishedError, match="the event log can't be exported: wevtutil fails"):
        export_log(tmp_path, "SRV", now=NOON)


@pytest.mark.windows
@pytest.mark.skipif(sys.platform != "win32", reason="needs wevtutil itself")
def test_real_log_is_exported_from_the_last_export_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exported = export_log(tmp_path, "SRV", now=datetime.now(UTC))
    assert [file.name for file in tmp_path.rglob("*.evtx")] == ([exported.name] if exported else [])
    monkeypatch.setattr(ROOM, "LOG", "System")  # which is never off
    early = datetime.now(UTC)
    first, second = (export_log(tmp_path, "OTHER", now=early + timedelta(seconds=more)) for more in (1, 2))
    assert first
    assert second
    assert [file.read_bytes()[:8] for file in (first, second)] == [b"ElfFile\0"] * 2
    assert second.stat().st_size <= first.stat().st_size
