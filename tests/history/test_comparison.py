"""Two snapshots, folders or exports compared: what differs, and what is not known."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from taskanalysis.errors import SnapshotError
from taskanalysis.history.comparison import Diff, diff
from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot
from taskanalysis.snapshot.status import Status
from tests.build import status, write, xml

A, B, C = (f"\\OpenData\\{name}" for name in "ABC")
OFF = b"<Task><Settings><Enabled>false</Enabled></Settings><Actions><Exec><Command>a</Command></Exec></Actions></Task>"


def found(diff: Diff) -> list[tuple[str, str]]:
    """Kind and name of each change, and of each task that is not known."""
    told = [(change.kind, change.task_path) for change in diff.changes] + [("?", path) for path, _ in diff.unknown]
    return [(kind, path.rpartition("\\")[2]) for kind, path in told]


def snapshots(data: Path, *sides: Mapping[str, bytes] | None, **given: Any) -> list[Snapshot]:
    """A snapshot of tasks with these definitions for each side."""
    return [
        read_snapshot(write(data, hour, *(status(path) for path in tasks or ()), definitions=tasks, **given))
        for hour, tasks in enumerate(sides)
    ]


def exports(folder: Path, tasks: Mapping[str, bytes]) -> Path:
    """A folder of task XML, by file name."""
    for name, content in tasks.items():
        file = folder / f"{name}.xml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder


def test_each_kind_of_change_is_found(tmp_path: Path) -> None:
    one, two = snapshots(tmp_path, {A: xml("a"), B: xml("b")}, {B: xml("c"), C: xml("c")})
    both = diff(one, two)
    assert found(both) == [("removed", "A"), ("changed", "B"), ("added", "C")]
    assert [change.what for change in both.changes] == ["runs a", "command from b to c", "runs c"]
    assert found(diff(two, one)) == [("added", "A"), ("changed", "B"), ("removed", "C")]
    assert both.headline == "1 added, 1 removed and 1 changed."


def test_same_tasks_do_not_differ_whatever_the_case_of_their_paths(tmp_path: Path) -> None:
    one, two = snapshots(tmp_path, {A: xml("a")}, {A.upper(): xml("a")})
    assert not diff(one, two).differs
    assert diff(one, two).headline == "No difference is known among 1 task."


@pytest.mark.parametrize(("now", "kind"), [(False, "disabled"), (True, "enabled"), (None, "")])
def test_switch_is_told_by_the_status_first(now: bool | None, kind: str, tmp_path: Path) -> None:
    write(tmp_path, 0, status(A, enabled=None if now is None else not now), definitions={A: xml("a")})
    write(tmp_path, 1, status(A, enabled=now), definitions={A: xml("a")})
    one, two = (read_snapshot(folder) for folder in sorted(tmp_path.glob("snapshots/*/*/*")))
    assert found(diff(one, two)) == ([(kind, "A")] if kind else [])


def test_switch_is_told_by_the_definition_where_there_is_no_status(tmp_path: Path) -> None:
    on, off = exports(tmp_path / "on", {"A": xml("a")}), exports(tmp_path / "off", {"A": OFF})
    assert found(diff(on, off)) == [("disabled", "A")]
    assert found(diff(off, on)) == [("enabled", "A")]


def test_folders_and_exports_are_compared(tmp_path: Path) -> None:
    one = exports(tmp_path / "one", {"OpenData/A": xml("a"), "OpenData/B": xml("b")})
    two = exports(tmp_path / "two", {"OpenData/B": xml("b"), "OpenData/C": xml("c")})
    assert found(diff(one, two)) == [("removed", "A"), ("added", "C")]
    (snapshot,) = snapshots(tmp_path / "share", {A: xml("a"), B: xml("b")})
    assert found(diff(snapshot, two)) == [("removed", "A"), ("added", "C")]


def test_two_files_with_a_task_each_are_one_task_before_and_after(tmp_path: Path) -> None:
    exports(tmp_path, {"Load": xml("a"), "Load new": xml("b")})
    (change,) = diff(tmp_path / "Load.xml", tmp_path / "Load new.xml").changes
    assert (change.kind, change.task_path, change.what) == ("changed", "\\Load", "command from a to b")


def test_only_the_folder_counts(tmp_path: Path) -> None:
    one, two = snapshots(tmp_path, {A: xml("a"), "\\Microsoft\\X": xml("a")}, {"\\Microsoft\\Y": xml("a")})
    assert found(diff(one, two)) == [("removed", "A")]
    assert "2 tasks in \\Microsoft not compared." in diff(one, two).remarks
    assert found(diff(one, two, folder="\\Microsoft")) == [("removed", "X"), ("added", "Y")]
    with pytest.raises(SnapshotError, match="lies in \\\\Nope"):
        diff(one, two, folder="\\Nope")


# Unknown is never none ------------------------------------------------------------------------------------------------


def test_task_of_a_broken_file_is_not_removed(tmp_path: Path) -> None:
    tasks = {"OpenData/A": xml("a"), "OpenData/B": xml("b")}
    one, two = exports(tmp_path / "one", tasks), exports(tmp_path / "two", {"OpenData/A": b"<Task", "X/C": xml("c")})
    both = diff(one, two)
    assert found(both) == [("removed", "B"), ("added", "C"), ("?", "A")]
    assert both.unknown[0].why.endswith("its definition could not be read")
    assert len(both.problems) == 1


def test_broken_file_of_a_flat_folder_may_be_any_task(tmp_path: Path) -> None:
    one = exports(tmp_path / "one", {"A": xml("a"), "B": xml("b")})
    two = exports(tmp_path / "two", {"A": xml("a"), "Other": b"<Task"})
    assert found(diff(one, two)) == [("?", "B")]
    assert "something in Other.xml could not be read" in diff(one, two).unknown[0].why


def test_where_only_statuses_are_known_no_definition_is_removed(tmp_path: Path) -> None:
    (one,) = snapshots(tmp_path / "one", {A: xml("a"), B: xml("b")})
    write(tmp_path / "two", 1, status(A), status(C))
    two = read_snapshot(tmp_path / "two")
    assert found(diff(one, two)) == [("removed", "B"), ("added", "C"), ("?", "A")]
    assert diff(one, two).unknown[0].why.endswith("no definitions were collected")
    assert diff(two, two).remarks == ["Neither side has the definition of 2 tasks: statuses are compared."]


def test_tasks_known_by_status_alone_are_not_removed_by_a_folder_of_xml(tmp_path: Path) -> None:
    write(tmp_path / "one", 0, status(A), status(B))
    two = exports(tmp_path / "two", {"OpenData/A": xml("a")})
    assert found(diff(tmp_path / "one", two)) == [("?", "A"), ("?", "B")]
    assert diff(tmp_path / "one", two).unknown[1].why.endswith("no statuses were collected")


@pytest.mark.parametrize(
    ("rights", "is_known"),
    [
        ({"elevated": True}, True),
        ({"elevated": False, "collected_by": "me"}, False),
        ({"elevated": None, "collected_by": ""}, False),
        ({"problems": [["\\OpenData", "access is denied"]]}, False),
        ({"problems": [["\\Other", "access is denied"]]}, True),
    ],
)
def test_task_is_removed_only_where_the_collector_would_have_seen_it(
    rights: dict[str, Any], is_known: bool, tmp_path: Path
) -> None:
    write(tmp_path, 0, status(A), status(B), elevated=True)
    write(tmp_path, 1, status(B), **rights)
    one, two = (read_snapshot(folder) for folder in sorted(tmp_path.glob("snapshots/*/*/*")))
    assert found(diff(one, two)) == [("removed" if is_known else "?", "A")]


def test_large_drop_is_not_known(tmp_path: Path) -> None:
    paths = [f"\\OpenData\\{number}" for number in range(20)]
    write(tmp_path, 0, *map(status, paths))
    write(tmp_path, 1, *map(status, paths[5:]))
    write(tmp_path, 2, *map(status, paths[4:]))
    one, fewer, less = (read_snapshot(folder) for folder in sorted(tmp_path.glob("snapshots/*/*/*")))
    assert {kind for kind, _ in found(diff(one, fewer))} == {"?"}
    assert {kind for kind, _ in found(diff(one, less))} == {"removed"}
    assert "only 15 of 20 tasks are listed" in diff(one, fewer).unknown[0].why


def test_damaged_statuses_are_not_none(tmp_path: Path) -> None:
    write(tmp_path, 0, status(A), status(B))
    folder = write(tmp_path, 1, status(A), status(B))
    file = folder / "status.csv"
    file.write_text("\n".join(file.read_text(encoding="utf-8").splitlines()[:-1]), encoding="utf-8")
    one = read_snapshot(min(tmp_path.glob("snapshots/*/*/*")))
    assert found(diff(one, folder)) == [("?", "B")]


def test_carried_definitions_are_said_to_be_older(tmp_path: Path) -> None:
    write(tmp_path, 0, status(A), definitions={A: xml("a")})
    one, two = read_snapshot(tmp_path), read_snapshot(write(tmp_path, 1, status(A)))
    assert diff(one, two).remarks == [
        "The definitions of SRV, 2026-11-20 08:00 (America/New_York) are of 2026-11-20 07:00."
    ]


# As a table -----------------------------------------------------------------------------------------------------------


def test_frame_has_typed_columns_and_no_secret(tmp_path: Path) -> None:
    one, two = snapshots(tmp_path, {A: xml("a")}, {A: xml("b --password S3cret")})
    frame = diff(one, two).frame
    assert frame["what"].tolist() == ["command from a to b --password ***"]
    assert frame["kind"].cat.categories.tolist() == ["changed"]
    assert diff(one, one).frame.dtypes.astype("str").to_dict() == frame.dtypes.astype("str").to_dict()


def test_long_comparison_shows_its_first_rows(tmp_path: Path) -> None:
    statuses = {f"\\OpenData\\{number}": Status(f"\\OpenData\\{number}") for number in range(1001)}
    one = read_snapshot(write(tmp_path, 0))
    two = read_snapshot(write(tmp_path, 1, *statuses.values()))
    shown = diff(one, two)._repr_html_()
    assert (shown.count("<tr>"), "The first 1,000 of 1,001 rows." in shown) == (1001, True)
