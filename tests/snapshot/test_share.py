"""The share: folders found by their names, snapshot.json checked, stored definitions compared with their hashes."""

import json
import os
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from taskanalysis.errors import Problem, SnapshotError, TaskXmlError
from taskanalysis.snapshot import share
from taskanalysis.snapshot.paths import file_name
from taskanalysis.snapshot.share import StoredDefinitions, list_servers, list_snapshots, newest_first, read_manifest
from taskanalysis.snapshot.snapshot import read_snapshot
from taskanalysis.snapshot.status import STATUS_FIELDS
from tests.build import LOAD, NOON, commands, hours, link, rewrite_manifest, xml
from tests.snapshot.samples import NIGHTLY, write


def test_newest_of_a_share_is_read_and_others_are_listed_in_order(tmp_path: Path) -> None:
    write(tmp_path, 6 * 24, server="OTHER")
    write(tmp_path)
    write(tmp_path, -1 / 3600)
    (tmp_path / "snapshots/SRV/2026-11/20261399T000000Z").mkdir()
    (tmp_path / "snapshots/SRV/2026-11/2026121T000000Z").mkdir()
    (tmp_path / "snapshots/SRV/2026-11/.20261130T000000Z.7.tmp").mkdir()
    (tmp_path / "snapshots/SRV/2026-12").write_text("x", encoding="utf-8")
    listed = [(each.server, each.taken_at) for each in list_snapshots(tmp_path)]
    assert listed == [("SRV", NOON - timedelta(seconds=1)), ("SRV", NOON), ("OTHER", NOON + timedelta(days=6))]
    assert read_snapshot(tmp_path).server == "OTHER"
    assert [(each.server, each.taken_at) for each in list_snapshots(tmp_path, "srv")] == listed[:2]
    assert list_snapshots(tmp_path, "*") == list_snapshots(tmp_path, "..") == []


def test_one_of_many_servers_is_read_without_a_look_at_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for server in ("SRV", "OTHER", "THIRD"):
        write(tmp_path, server=server)
    opened = set[str]()
    for name in ("scandir", "listdir"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda path, real=real: (opened.add(str(path)), real(path))[1])
    assert read_snapshot(tmp_path, server="srv", others=()).others == ()
    assert opened
    assert not [place for place in opened if "OTHER" in place or "THIRD" in place]
    assert read_snapshot(tmp_path, server="srv").others == ("OTHER", "THIRD")
    assert [place for place in opened if "OTHER" in place]


def test_snapshot_is_read_from_within_its_folder_and_copied_out_of_its_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(write(tmp_path), tmp_path / "copy")
    for folder in (tmp_path / "copy", write(tmp_path, 6)):
        monkeypatch.chdir(folder)
        assert commands(read_snapshot(".").tasks) == {LOAD: "1", NIGHTLY: "2"}


@pytest.mark.parametrize("server", ["", "..", "../../x", "a/b", "a\\b", "a:b", ".hidden", "C:"])
def test_server_that_is_no_name_for_a_folder_is_refused(tmp_path: Path, server: str) -> None:
    with pytest.raises(SnapshotError, match="is not the name of a server"):
        write(tmp_path, server=server)
    assert not list(tmp_path.iterdir())


def test_definitions_that_are_not_there_are_a_problem(tmp_path: Path) -> None:
    first, second = write(tmp_path), write(tmp_path, 6)
    shutil.rmtree(first)
    found = read_snapshot(second)
    assert found.problems == [(f"{second.name}/snapshot.json", f"its definitions ({first.name}) are not there")]
    assert (found.holds, found.unread) == (set(STATUS_FIELDS), 0)
    assert len(found.statuses) == 3


def test_changed_missing_and_bad_files_are_problems(tmp_path: Path) -> None:
    definitions = {path: xml(path) for path in ("\\A", "\\B", "\\C", "\\D")}
    folder = write(tmp_path, definitions=definitions)
    (folder / "tasks/A.xml").write_bytes(xml("changed"))
    (folder / "tasks/B.xml").unlink()
    (folder / "tasks/C.xml").write_bytes(b"")
    (folder / "status.csv").write_bytes((folder / "status.csv").read_bytes().replace(b"Ready", b"Queued"))
    later = write(tmp_path, 6, definitions=definitions)
    changed = "was changed after the snapshot was written (its sha256 differs)"
    missing = "is listed in snapshot.json but missing"
    of_tasks = [("A.xml", changed), ("B.xml", missing), ("C.xml", "the file is empty")]
    assert sorted(read_snapshot(folder).problems) == sorted([*of_tasks, ("status.csv", changed)])
    assert sorted(read_snapshot(later).problems) == of_tasks
    assert sorted(read_snapshot(folder).tasks) == ["\\A", "\\D"]
    assert read_snapshot(folder).unread == 1


def test_stored_definition_is_read_by_its_task_path(tmp_path: Path) -> None:
    first, second = write(tmp_path), write(tmp_path, 6)
    stored = StoredDefinitions.of(second, read_manifest(second))
    assert stored
    assert (stored.folder, sorted(stored.hashes)) == (first, [f"tasks/{file_name(path)}" for path in (LOAD, NIGHTLY)])
    assert commands({LOAD: stored.read(LOAD)}) == {LOAD: "1"}
    with pytest.raises(TaskXmlError, match="can't be opened"):
        stored.read("\\Other")


def test_listed_file_that_can_not_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "status.csv").mkdir()
    (problem,) = share.wrong_files(tmp_path, {"status.csv": "0" * 64})
    assert (problem.file, problem.what[:15]) == ("status.csv", "can't be opened")


@pytest.mark.parametrize("place", [("snapshots",), ("snapshots", "SRV"), ("snapshots", "SRV", "2026-11")])
def test_part_of_a_share_is_refused_by_name(tmp_path: Path, place: tuple[str, ...]) -> None:
    write(tmp_path)
    with pytest.raises(SnapshotError, match="is a part of a share"):
        read_snapshot(tmp_path.joinpath(*place))


def test_unreadable_manifest_of_the_stored_definitions_is_a_problem(tmp_path: Path) -> None:
    first, second = write(tmp_path), write(tmp_path, 6)
    (first / "snapshot.json").write_text("{", encoding="utf-8")
    found = read_snapshot(second)
    assert [problem.file for problem in found.problems] == [f"{first.name}/snapshot.json"]
    assert commands(found.tasks) == {LOAD: "1", NIGHTLY: "2"}


def test_unknown_keys_are_ignored_and_known_ones_may_be_missing(tmp_path: Path) -> None:
    folder = write(tmp_path)
    rewrite_manifest(folder, colour="blue", later={"a": 1})
    assert read_snapshot(folder).problems == []
    manifest = {"format": 1, "server": "SRV", "taken_at": "2026-11-20T12:00:00Z", "zone": ""}
    (folder / "snapshot.json").write_text(json.dumps(manifest), encoding="utf-8")
    found = read_snapshot(folder)
    assert (found.tasks, len(found.statuses), found.zone, found.local_time) == ({}, 3, "", NOON)


@pytest.mark.parametrize("number", [2, 0, "1", None, [1], "x" * 1000])
def test_unknown_format_is_refused_in_one_sentence(tmp_path: Path, number: object) -> None:
    folder = write(tmp_path)
    rewrite_manifest(folder, format=number)
    with pytest.raises(SnapshotError, match="this program reads format 1 of ") as caught:
        read_snapshot(folder)
    assert len(str(caught.value)) < 300 + len(str(folder))


STAMP = "20261120T120000Z"
WRONG: dict[str, list[Any]] = {
    "definitions": ["../../../../..", "/etc", f"{STAMP}/../..", f"{STAMP}\n", "2026112T1170200Z", "", None, 20261123],
    "definitions_read": ["yes"],
    "zone": ["../../etc/passwd", "/etc/passwd", "Mars/Olympus", "America", "a\0b", 5, None],
    "server": [5, ["SRV"]],
    "taken_at": ["yesterday", "2026-11-20T12:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-14:00", 5],
    "folders": ["\\OpenData", 5, [5]],
    "sha256": [[], {"status.csv": 5}],
    "warnings": [1, "a", [1], [["a"]]],
    "problems": [1, [1], [["a"]], [["a", 1]]],
    "faults": [1, [1], [["a"]], [["a", 1]]],
    "holds": [1, [1], "state"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in WRONG for value in WRONG[name]], ids=str)
def test_bad_value_in_the_manifest_is_a_snapshot_error(tmp_path: Path, name: str, value: Any) -> None:
    folder = write(tmp_path)
    rewrite_manifest(folder, **{name: value})
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


def test_newest_snapshots_come_first_and_older_months_are_not_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for server, day in (("A", "20261003"), ("A", "20261101"), ("B", "20261102"), ("A", "20261109")):
        share.snapshot_folder(tmp_path / "snapshots" / server, f"{day}T120000Z").mkdir(parents=True)
    assert [known.path.name[:8] for known in newest_first(tmp_path)] == ["20261109", "20261102", "20261101", "20261003"]
    assert list(newest_first(tmp_path)) == list_snapshots(tmp_path)[::-1]
    assert [known.path.name[:8] for known in newest_first(tmp_path, "a")] == ["20261109", "20261101", "20261003"]
    listed: list[str] = []
    real = share.stamps_in
    monkeypatch.setattr(share, "stamps_in", lambda month, problems: listed.append(month.name) or real(month, problems))
    assert next(newest_first(tmp_path)).server == "A"
    assert set(listed) == {"2026-11"}


# What can't be opened -------------------------------------------------------------------------------------------------


def test_folders_that_cannot_be_opened_are_problems_of_their_server_alone(tmp_path: Path) -> None:
    for server in ("GOOD", "BAD"):
        write(tmp_path, server=server)
    (tmp_path / "snapshots/BAD/2026-12").write_text("x", encoding="utf-8")
    link(tmp_path / "snapshots/BAD/2027-01", "nowhere")
    link(tmp_path / "snapshots/GONE", "nowhere")
    (tmp_path / "snapshots/readme.txt").write_text("x", encoding="utf-8")
    (tmp_path / "snapshots/FILE").write_text("x", encoding="utf-8")
    link(tmp_path / "snapshots/read me", __file__)
    assert list_servers(tmp_path) == ["BAD", "FILE", "GONE", "GOOD"]
    assert read_snapshot(tmp_path, server="GOOD").problems == []
    assert read_snapshot(tmp_path, server="BAD").problems == [
        Problem("snapshots/BAD/2026-12", "is not a folder"),
        Problem("snapshots/BAD/2027-01", "is a link that leads nowhere"),
    ]
    with pytest.raises(SnapshotError, match=r"^snapshots/GONE is a link that leads nowhere$"):
        read_snapshot(tmp_path, server="GONE")
    with pytest.raises(SnapshotError, match=r"^snapshots/FILE is not a folder$"):
        read_snapshot(tmp_path, server="FILE")
    assert len(read_snapshot(tmp_path).problems) == 4  # which of all is the newest can't be known


def test_snapshot_in_the_folder_of_another_month_is_a_problem_and_not_used(tmp_path: Path) -> None:
    write(tmp_path)
    newer = write(tmp_path, 1)
    other = newer.parents[1] / "2026-12" / newer.name
    other.parent.mkdir()
    newer.rename(other)
    (other.parent / "20261131T000000Z").mkdir()
    problem = Problem(f"snapshots/SRV/2026-12/{newer.name}", "lies in the month 2026-12, so it is not used")
    found = read_snapshot(tmp_path)
    assert (found.taken_at, found.problems) == (hours(0), [problem])
    problems: list[Problem] = []
    assert [known.taken_at for known in list_snapshots(tmp_path, problems=problems)] == [hours(0)]
    assert problems == [problem]


def test_folder_that_cannot_be_listed_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    write(tmp_path, -24 * 30)
    listed = os.listdir

    def denied(path: Any) -> list[str]:
        if str(path).endswith("2026-11"):
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "listdir", denied)
    found = read_snapshot(tmp_path)
    assert found.problems == [Problem("snapshots/SRV/2026-11", "can't be listed (Permission denied)")]
    assert found.taken_at.month == 10


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"taken_at": "2026-11-20T12:00:01Z"}, "unlike the name of its folder"),
        ({"server": "OTHER"}, "that it is of OTHER, unlike the name of its folder"),
    ],
)
def test_snapshot_that_contradicts_its_folder_is_never_the_newest(
    values: dict[str, str], what: str, tmp_path: Path
) -> None:
    write(tmp_path, -6)
    newest = write(tmp_path)
    rewrite_manifest(newest, **values)
    found = read_snapshot(tmp_path)
    assert found.taken_at == hours(-6)
    assert what in found.problems[0].what
    assert what in read_snapshot(newest).problems[0].what
