"""Task XML in folders and in files with many; the names of files."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskanalysis.definition.model import ExecAction, TaskDefinition
from taskanalysis.definition.reader import read_task
from taskanalysis.errors import SnapshotError
from taskanalysis.snapshot import files as taskfiles
from taskanalysis.snapshot.files import file_name, find_tasks, in_scope, long_path, read_tasks, task_of, task_path
from tests.build import CORPUS


def xml(command: str, uri: str = "") -> bytes:
    info = f"<RegistrationInfo><URI>{uri}</URI></RegistrationInfo>" if uri else ""
    return f"<Task>{info}<Actions><Exec><Command>{command}</Command></Exec></Actions></Task>".encode("utf-16")


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def commands(tasks: dict[str, TaskDefinition]) -> dict[str, str]:
    found = {}
    for path, task in tasks.items():
        (action,) = task.actions
        assert isinstance(action, ExecAction)
        found[path] = action.command
    return found


def test_folder_with_subfolders_names_tasks_by_where_they_lie(tmp_path: Path) -> None:
    files = {"A/Load.xml": xml("1", "\\Old\\Load"), "B/Load.XML": xml("2"), "Top.xml": xml("3", "\\Else")}
    tasks, problems = read_tasks(write(tmp_path, files))
    assert commands(tasks) == {"\\A\\Load": "1", "\\B\\Load": "2", "\\Top": "3"}
    assert problems == []


def test_flat_folder_names_tasks_by_uri_and_by_file_where_there_is_none(tmp_path: Path) -> None:
    files = {"a.xml": xml("1", "\\A\\Load"), "b.xml": xml("2"), "c.xml": xml("3", "Load"), "d.xml": xml("4", "\\\\x")}
    tasks, problems = read_tasks(write(tmp_path, files))
    assert commands(tasks) == {"\\A\\Load": "1", "\\b": "2", "\\c": "3", "\\d": "4"}
    assert problems == []


def test_files_without_extension_are_read_and_other_files_passed_over(tmp_path: Path) -> None:
    files = {
        "A/Load": xml("1"),
        "A/Reader 16.0 update": xml("2"),
        "A/notes.txt": b"Tasks of the office",
        "A/status.csv": b"Path,State",
        "A/large.zip": b"PK" + b"\0" * (17 << 20),
    }
    tasks, problems = read_tasks(write(tmp_path, files))
    assert commands(tasks) == {"\\A\\Load": "1", "\\A\\Reader 16.0 update": "2"}
    assert problems == []


def test_second_task_with_a_path_is_a_problem_and_not_lost(tmp_path: Path) -> None:
    files = {"a.xml": xml("1", "\\A\\Load"), "b.xml": xml("2", "\\a\\LOAD"), "c.xml": xml("3", "\\A\\Load")}
    tasks, problems = read_tasks(write(tmp_path, files))
    assert commands(tasks) == {"\\A\\Load": "1", "\\b.xml": "2", "\\c.xml": "3"}
    assert [problem.file for problem in problems] == ["b.xml", "c.xml"]
    assert problems[0].what == "its task path \\a\\LOAD is that of a.xml too; listed as \\b.xml"


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
    (tmp_path / "gone.xml").symlink_to(tmp_path / "nowhere")
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
    file = tmp_path / "all.xml"
    file.write_bytes(printed(root=root, declarations=declarations).encode(encoding))
    tasks, problems = read_tasks(file)
    assert commands(tasks) == {"\\A\\One": "1", "\\A\\Zwei für alle": "2", "\\Three": "3"}
    assert problems == []


def test_one_bad_task_among_many_is_one_problem_with_its_number_and_path(tmp_path: Path) -> None:
    file = tmp_path / "all.xml"
    text = printed(root=False, declarations=True)
    file.write_text(text.replace("<Command>2</Command>", "<Command>2"), encoding="utf-8")
    tasks, problems = read_tasks(file)
    assert commands(tasks) == {"\\A\\One": "1", "\\Three": "3"}
    assert len(problems) == 1
    assert problems[0].what.startswith("task 2 \\A\\Zwei für alle: is not well-formed XML")


def test_task_cut_off_in_the_middle_does_not_take_the_next_with_it(tmp_path: Path) -> None:
    file = tmp_path / "all.xml"
    text = printed(root=False, declarations=True)
    file.write_text(text.replace("2</Command></Exec></Actions></Task>", ""), encoding="utf-8")
    tasks, problems = read_tasks(file)
    assert commands(tasks) == {"\\A\\One": "1", "\\Three": "3"}
    assert len(problems) == 1


def test_tasks_without_a_path_are_named_by_file_and_number(tmp_path: Path) -> None:
    file = tmp_path / "all.xml"
    file.write_bytes(b"<Tasks><Task/><Task/></Tasks>")
    assert sorted(read_tasks(file)[0]) == ["\\all.xml (1)", "\\all.xml (2)"]


def test_one_task_in_one_file_is_read_with_its_sha256(tmp_path: Path) -> None:
    file = tmp_path / "Load.xml"
    file.write_bytes(xml("1"))
    found = find_tasks(file)
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
    file = tmp_path / "all.xml"
    file.write_bytes(content)
    tasks, problems = read_tasks(file)
    assert tasks == {}
    assert len(problems) == 1
    assert what in problems[0].what


@pytest.mark.parametrize("name", ["nowhere", "x" * 5000, "a\0b"])
def test_nothing_at_the_source_is_a_snapshot_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(SnapshotError):
        read_tasks(tmp_path / name)


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the folder of real files is not here")
def test_folder_of_real_files_gives_274_tasks_and_names_what_failed() -> None:
    tasks, problems = read_tasks(CORPUS / "xml")
    taken = [problem for problem in problems if "its task path" in problem.what]
    assert len(tasks) == 274
    assert [problem.what[:22] for problem in problems if problem not in taken] == ["is not well-formed XML"]


# Names

PARTS = st.text(st.characters(exclude_characters="\\", exclude_categories=["Cs"]), min_size=1)
TRICKY = st.sampled_from(
    ["CON", "nul.txt", "COM1", "com¹.log", "LPT9 .x", "CONIN$", "..", ".", "a.", "a ", "%41", "a.xml"]
)
REFUSED = set('<>:"/|?*') | {chr(number) for number in (*range(32), 127)}
DEVICES = {"con", "prn", "aux", "nul", "conin$", "conout$"} | {
    f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³"
}


@given(st.lists(PARTS | TRICKY, min_size=1).map(lambda parts: "\\" + "\\".join(parts)))
def test_file_name_and_task_path_are_inverse_and_windows_takes_the_name(path: str) -> None:
    name = file_name(path)
    assert task_path(name) == path
    for part in name.split("/"):
        assert part
        assert not REFUSED & set(part)
        assert part[-1] not in ". "
        assert part.partition(".")[0].rstrip(" ").lower() not in DEVICES


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("\\OpenData\\Load", "OpenData/Load.xml"),
        ("\\..\\..\\etc\\passwd", ".%2E/.%2E/etc/passwd.xml"),
        ("\\C:/x", "C%3A%2Fx.xml"),
        ("\\.NET\\.x", ".NET/.x.xml"),
        ("\\Nul.d\\CON1\\con", "%4Eul.d/CON1/%63on.xml"),
        ("\\100%", "100%25.xml"),
        ("\\für – 統計", "für – 統計.xml"),
    ],
)
def test_names_stay_readable_and_inside_the_folder(path: str, name: str) -> None:
    assert file_name(path) == name
    assert task_path(name) == path


@pytest.mark.parametrize(
    ("path", "folders", "inside"),
    [
        ("\\OpenData\\Load", ["\\OpenData"], True),
        ("\\OpenData2\\Load", ["\\OpenData"], False),
        ("\\opendata\\sub\\Load", ["\\OPENDATA\\"], True),
        ("\\OpenData\\Load", ["OpenData"], True),
        ("\\OpenData", ["\\OpenData"], False),
        ("\\A\\B\\Load", ["\\B", "\\A\\B"], True),
        ("\\Load", ["\\"], True),
        ("\\Microsoft\\Windows\\Defrag", [], False),
        ("\\MicrosoftEdge\\Update", [], True),
        ("\\Microsoft\\Windows\\Defrag", ["\\"], True),
        ("\\STRASSE\\Load", ["\\straße"], True),
    ],
)
def test_scope_is_a_folder_and_all_below_it(path: str, folders: list[str], inside: bool) -> None:
    assert in_scope(path, folders) is inside


@pytest.mark.parametrize(
    ("path", "long"),
    [
        ("D:\\data", "\\\\?\\D:\\data"),
        ("\\\\files\\share\\data", "\\\\?\\UNC\\files\\share\\data"),
        ("\\\\?\\D:\\data", "\\\\?\\D:\\data"),
    ],
)
def test_paths_on_windows_are_not_limited_to_260_characters(
    path: str, long: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not seen on a real Windows yet."""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(os.path, "abspath", str)
    assert str(long_path(path)) == long


@pytest.mark.skipif(sys.platform == "win32", reason="paths are made long on Windows only")
def test_paths_elsewhere_stay_as_they_are() -> None:
    assert long_path("data") == Path("data")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipe_among_the_files_is_a_problem_and_no_wait(tmp_path: Path) -> None:
    (tmp_path / "Load.xml").write_bytes(b"<Task/>")
    for name in ("pipe.xml", "pipe.txt"):
        os.mkfifo(tmp_path / name)
    tasks, problems = read_tasks(tmp_path)
    assert list(tasks) == ["\\Load"]
    assert problems == [("pipe.txt", "is not a regular file"), ("pipe.xml", "is not a regular file")]


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="this file system takes names in Unicode only")
def test_name_that_is_no_unicode_is_shown_by_its_bytes(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/bad\xe9.xml", "wb") as file:  # noqa: PTH123 (a name in bytes)
        file.write(b"<Task/>")
    tasks, problems = read_tasks(tmp_path)
    assert (list(tasks), problems) == (["\\bad\\udce9"], [])


def test_stray_files_in_subfolders_leave_a_flat_folder_flat(tmp_path: Path) -> None:
    (tmp_path / "B.xml").write_bytes(b"<Task><RegistrationInfo><URI>\\A\\B</URI></RegistrationInfo></Task>")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref", encoding="utf-8")
    assert list(read_tasks(tmp_path)[0]) == ["\\A\\B"]


def test_equal_bytes_are_parsed_once_wherever_they_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = []
    monkeypatch.setattr(taskfiles, "_KNOWN", {})
    monkeypatch.setattr(taskfiles, "read_task", lambda data: parsed.append(data) or read_task(data))
    for folder in ("a", "b"):
        for number in range(3):
            file = tmp_path / folder / f"{number}.xml"
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(
                f"<Task><Actions><Exec><Command>{number % 2}.exe</Command></Exec></Actions></Task>".encode()
            )
    assert len(read_tasks(tmp_path)[0]) == 6
    assert len(read_tasks(tmp_path / "a")[0]) == 3
    assert len(parsed) == 2


def test_no_more_definitions_are_remembered_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taskfiles, "_KNOWN", {})
    monkeypatch.setattr(taskfiles, "MOST_KNOWN", 2)
    for number in range(5):
        assert task_of(b"<Task/>", str(number)) == read_task(b"<Task/>")
        assert len(taskfiles._KNOWN) <= 2
