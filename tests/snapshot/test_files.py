"""Task XML in folders and in files with many."""

import os
import sys
from pathlib import Path

import pytest

from taskanalysis.definition.reader import read_task
from taskanalysis.errors import SnapshotError
from taskanalysis.snapshot import files as taskfiles
from taskanalysis.snapshot.files import find_tasks, read_tasks, task_of
from taskanalysis.snapshot.kinds import INSTEAD
from taskanalysis.snapshot.snapshot import read_snapshot
from taskanalysis.windows.restorable import read_wanted
from tests.build import CORPUS, TRAPS, answer, commands, link, trap


def xml(command: str, uri: str = "") -> bytes:
    info = f"<RegistrationInfo><URI>{uri}</URI></RegistrationInfo>" if uri else ""
    return f"<Task>{info}<Actions><Exec><Command>{command}</Command></Exec></Actions></Task>".encode("utf-16")


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_folder_with_subfolders_names_tasks_by_where_they_lie(tmp_path: Path) -> None:
    files = {"A/Load.xml": xml("1", "\\Old\\Load"), "B/Load.XML": xml("2"), "Top.xml": xml("3", "\\Else")}
    tasks, problems = read_tasks(write(tmp_path, files))
    assert commands(tasks) == {"\\A\\Load": "1", "\\B\\Load": "2", "\\Top": "3"}
    assert problems == []


def test_flat_folder_with_strays_below_names_tasks_by_uri_else_by_file(tmp_path: Path) -> None:
    files = {"a.xml": xml("1", "\\A\\Load"), "b.xml": xml("2"), "c.xml": xml("3", "Load"), "d.xml": xml("4", "\\\\x")}
    tasks, problems = read_tasks(write(tmp_path, files | {".git/HEAD": b"ref"}))
    assert commands(tasks) == {"\\A\\Load": "1", "\\b": "2", "\\c": "3", "\\d": "4"}
    assert [problem.file for problem in problems] == [".git/HEAD"]


def test_files_without_extension_are_read_and_other_files_named(tmp_path: Path) -> None:
    files = {
        "A/Load": xml("1"),
        "A/Reader 16.0 update": xml("2"),
        "A/notes.txt": b"Tasks of the office",
        "A/status.csv": b"Path,State",
        "A/large.zip": b"PK\3\4" + b"\0" * (17 << 20),
        "rules.toml": b"[tasks]",
    }
    tasks, problems = read_tasks(write(tmp_path, files))
    assert commands(tasks) == {"\\A\\Load": "1", "\\A\\Reader 16.0 update": "2"}
    assert problems == [
        ("A/large.zip", "is an archive: unpack it"),
        ("A/notes.txt", "is not read: neither task XML nor statuses"),
        ("A/status.csv", f"is a CSV without the column TaskName and LastRunTime or LastTaskResult: {INSTEAD}"),
    ]


def test_file_with_many_tasks_counts_in_a_folder_like_one_by_itself(tmp_path: Path) -> None:
    content = printed(root=True, declarations=False).encode("utf-16")
    files = {
        "all.xml": content,
        "a.xml": xml("4", "\\B\\Four"),
        "some.txt": printed(root=False, declarations=True).encode(),
    }
    tasks, problems = read_tasks(write(tmp_path, files))
    paths = ["\\A\\One", "\\A\\Zwei für alle", "\\Three"]
    assert commands(tasks) == {"\\B\\Four": "4", **dict(zip(paths, "123", strict=True))} | {
        f"\\some.txt ({number})": str(number) for number in (1, 2, 3)
    }
    assert [what[:25] for _, what in problems] == [f"has the same task path \\{name}" for name in "AAT"]


def test_bad_task_of_a_file_with_many_is_a_problem_in_a_folder_too(tmp_path: Path) -> None:
    many = b"<Tasks><!-- \\A --><Task/><!-- \\B --><Task><Bad></Task><!-- \\C --><Task/></Tasks>"
    tasks, problems = read_tasks(write(tmp_path, {"all.xml": many}))
    assert sorted(tasks) == ["\\A", "\\C"]
    assert [(file, what[:9]) for file, what in problems] == [("all.xml", "task 2 \\B")]


def test_tasks_of_a_file_with_many_in_a_folder_are_restored(tmp_path: Path) -> None:
    folder = write(tmp_path, {"all.xml": printed(root=True, declarations=False).encode(), "b (2).xml": xml("9", "\\X")})
    wanted = read_wanted(read_snapshot(folder), tasks=["\\A\\Zwei für alle", "\\X"])
    assert [(each.path, each.task.programs[0].command) for each in wanted.tasks] == [
        ("\\A\\Zwei für alle", "2"),
        ("\\X", "9"),
    ]
    assert "<Command>2</Command>" in wanted.tasks[0].xml


def test_second_task_with_a_path_is_a_problem_and_not_lost(tmp_path: Path) -> None:
    files = {"a.xml": xml("1", "\\A\\Load"), "b.xml": xml("2", "\\a\\LOAD"), "c.xml": xml("3", "\\A\\Load")}
    tasks, problems = read_tasks(write(tmp_path, files))
    assert commands(tasks) == {"\\A\\Load": "1", "\\b.xml": "2", "\\c.xml": "3"}
    assert [problem.file for problem in problems] == ["b.xml", "c.xml"]
    assert problems[0].what == "has the same task path \\a\\LOAD as a.xml; listed as \\b.xml"


def test_task_is_not_lost_where_its_file_name_is_a_path_too(tmp_path: Path) -> None:
    files = {"a.xml": xml("1", "\\c.xml"), "b.xml": xml("2", "\\Load"), "c.xml": xml("3", "\\Load")}
    tasks, problems = read_tasks(write(tmp_path, files))
    assert commands(tasks) == {"\\c.xml": "1", "\\Load": "2", "\\c.xml~": "3"}
    assert len(problems) == 1


def test_bad_files_of_a_folder_are_problems_and_the_rest_is_read(tmp_path: Path) -> None:
    files = {"F/a.xml": xml("1"), "F/b.xml": b"", "F/c": b"<html>", "F/d.xml": b"<Task>", "F/e.xml": xml("5")}
    tasks, problems = read_tasks(write(tmp_path, files))
    assert sorted(tasks) == ["\\F\\a", "\\F\\e"]
    assert [problem.file for problem in problems] == ["F/b.xml", "F/c", "F/d.xml"]
    assert problems[0].what == "the file is empty"


def test_folder_that_can_not_be_listed_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"F/a.xml": xml("1"), "G/b.xml": xml("2")})
    scan = os.scandir

    def closed(path: str) -> object:
        if str(path).endswith("G"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", closed)
    tasks, problems = read_tasks(tmp_path)
    assert list(tasks) == ["\\F\\a"]
    assert problems == [("G/", "can't be opened (Permission denied)")]


@pytest.mark.skipif(sys.platform == "win32", reason="a link needs rights there")
def test_file_that_vanishes_meanwhile_is_a_problem(tmp_path: Path) -> None:
    link(tmp_path / "gone.xml", tmp_path / "nowhere")
    tasks, problems = read_tasks(tmp_path)
    assert (tasks, problems) == ({}, [("gone.xml", "can't be opened (No such file or directory)")])


# One file with many

DECLARATION = '<?xml version="1.0" encoding="UTF-16"?>\r\n'


def printed(*, root: bool, declarations: bool) -> str:
    tasks = [("\\A\\One", "1"), ("\\A\\Zwei für alle", "2"), ("\\Three", "3")]
    between = DECLARATION if declarations else ""
    body = "".join(f"{between}<!-- {path} -->\r\n{xml(command).decode('utf-16')}\r\n\r\n" for path, command in tasks)
    return f"{DECLARATION}<Tasks>\r\n{body}</Tasks>" if root else body


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8", "cp850", "cp1252"])
@pytest.mark.parametrize(("root", "declarations"), [(True, False), (False, True), (False, False)])
def test_what_schtasks_prints_is_read_by_its_comments(
    tmp_path: Path, encoding: str, root: bool, declarations: bool
) -> None:
    content = printed(root=root, declarations=declarations).encode(encoding)
    tasks, problems = read_tasks(write(tmp_path, {"all.xml": content}) / "all.xml")
    assert commands(tasks) == {"\\A\\One": "1", "\\A\\Zwei für alle": "2", "\\Three": "3"}
    assert problems == []


@pytest.mark.parametrize("lost", ["</Command>", "</Command></Exec></Actions></Task>"])
def test_one_bad_task_among_many_is_one_problem_and_takes_no_other_with_it(tmp_path: Path, lost: str) -> None:
    file = tmp_path / "all.xml"
    file.write_text(printed(root=False, declarations=True).replace("2" + lost, "2"), encoding="utf-8")
    tasks, (problem,) = read_tasks(file)
    assert commands(tasks) == {"\\A\\One": "1", "\\Three": "3"}
    assert problem.what.startswith("task 2 \\A\\Zwei für alle: is not well-formed XML")


def test_tasks_without_a_path_are_named_by_file_and_number(tmp_path: Path) -> None:
    write(tmp_path, {"all.xml": b"<Tasks><Task/><Task/></Tasks>"})
    assert sorted(read_tasks(tmp_path / "all.xml")[0]) == ["\\all.xml (1)", "\\all.xml (2)"]


def test_one_task_in_one_file_is_read_with_its_sha256(tmp_path: Path) -> None:
    found = find_tasks(write(tmp_path, {"Load.xml": xml("1")}) / "Load.xml")
    assert commands(found.tasks) == {"\\Load": "1"}
    assert found.files == {"\\Load": "Load.xml"}
    assert len(found.hashes["\\Load"]) == 64


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "the file is empty"),
        (b"<Tasks/>", "holds several tasks"),
        (b"<ScheduledTasks><TaskV2><Properties><Task/></Properties></TaskV2></ScheduledTasks>", "Group Policy"),
        (b"<!DOCTYPE Tasks [<!ENTITY a 'b'>]><Tasks><Task/></Tasks>", "DTD"),
        (b"<Project><Task/></Project>", "is not a task definition"),
        (b"\xff\xfe<Task/>", "UTF-16"),
        (b"<Task/>" * 20_001, "more than 20,000 tasks"),
        (b"ERROR: Access is denied.", "not well-formed"),
    ],
)
def test_file_without_readable_tasks_is_one_problem(tmp_path: Path, content: bytes, what: str) -> None:
    tasks, (problem,) = read_tasks(write(tmp_path, {"all.xml": content}) / "all.xml")
    assert tasks == {}
    assert what in problem.what


@pytest.mark.parametrize("name", ["nowhere", "x" * 5000, "a\0b"])
def test_nothing_at_the_source_is_a_snapshot_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(SnapshotError):
        read_tasks(tmp_path / name)


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the folder of real files is not here")
def test_folder_of_real_files_gives_274_tasks_and_names_what_failed() -> None:
    tasks, problems = read_tasks(CORPUS / "xml")
    taken = [problem for problem in problems if "has the same task path" in problem.what]
    assert len(tasks) == 274
    assert [problem.what[:22] for problem in problems if problem not in taken] == ["is not well-formed XML"]


@pytest.mark.parametrize("kind", TRAPS)
def test_what_is_no_regular_file_is_a_problem_and_no_wait(tmp_path: Path, kind: str) -> None:
    (tmp_path / "Load.xml").write_bytes(b"<Task/>")
    for name in ("a.xml", "b.txt"):
        trap(tmp_path / name, kind)
    tasks, problems = answer(lambda: read_tasks(tmp_path))
    assert list(tasks) == ["\\Load"]
    what = "can't be opened (not a regular file)"
    assert [problem for problem in problems if ".pipe" not in problem.file] == [("a.xml", what), ("b.txt", what)]


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="this file system takes names in Unicode only")
def test_name_that_is_no_unicode_is_shown_by_its_bytes(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/bad\xe9.xml", "wb") as file:  # noqa: PTH123 (a name in bytes)
        file.write(b"<Task/>")
    tasks, problems = read_tasks(tmp_path)
    assert (list(tasks), problems) == (["\\bad\\udce9"], [])


def test_equal_bytes_are_parsed_once_wherever_they_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = []
    monkeypatch.setattr(taskfiles, "_PARSED", {})
    monkeypatch.setattr(taskfiles, "read_task", lambda data: parsed.append(data) or read_task(data))
    write(tmp_path, {f"{folder}/{number}.xml": xml(str(number % 2)) for folder in "ab" for number in range(3)})
    assert len(read_tasks(tmp_path)[0]) == 6
    assert len(read_tasks(tmp_path / "a")[0]) == 3
    assert len(parsed) == 2


def test_no_more_definitions_are_remembered_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taskfiles, "_PARSED", {})
    monkeypatch.setattr(taskfiles, "MOST_PARSED", 2)
    for number in range(5):
        assert task_of(b"<Task/>", str(number)) == read_task(b"<Task/>")
        assert len(taskfiles._PARSED) <= 2
