r"""What tasks run and last wrote, as `collect` keeps it."""

import ctypes
import hashlib
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from taskanalysis.snapshot import ProgramFile, kept_script, read_snapshot
from taskanalysis.windows import machine
from taskanalysis.windows.collect import collect
from taskanalysis.windows.evidence import MOST_HASHED, MOST_LOG_BYTES, last_lines
from tests.build import NOON
from tests.doubles.scheduler import FakeScheduler, task_xml
from tests.doubles.task_folder import STAND_INS, WINDOWS
from tests.doubles.task_folder import server as a_server

LOAD, GONE, SHELL = r"\OpenData\Load", r"\OpenData\Gone", r"\OpenData\Shell"
SCRIPT = b"print('load')\r\n"
MODIFIED = datetime(2026, 11, 1, tzinfo=UTC)
FAILED = {"last_run": NOON, "last_result": 1}


def with_arguments(command: str, arguments: str) -> str:
    return task_xml(command).replace("</Command>", f"</Command><Arguments>{arguments}</Arguments>")


def server(**more: bytes) -> FakeScheduler:
    fake = FakeScheduler(variables={"": {"SystemRoot": r"C:\Windows", "Path": r"C:\Python"}})
    fake.add(LOAD, with_arguments("python", r"D:\jobs\load.py --all"), **FAILED)
    fake.add(GONE, task_xml(r"D:\jobs\gone.exe"))
    line = r"/c D:\jobs\load.bat &gt;&gt; D:\logs\load.log 2&gt;&amp;1"
    fake.add(SHELL, with_arguments("cmd.exe", line), **FAILED)
    fake.disk = {r"C:\Python\python.exe": b"MZ", r"D:\jobs\load.py": SCRIPT, r"D:\jobs\load.bat": b"exit 1"} | more
    return fake


def take(fake: FakeScheduler, share: Path, **options: object) -> list[ProgramFile]:
    collect(fake, share, server="SRV", now=NOON, **options)  # type: ignore[arg-type]
    return [row for rows in (read_snapshot(share, now=NOON).programs or {}).values() for row in rows]


def test_files_of_all_actions_are_noted_with_size_time_and_hash(tmp_path: Path) -> None:
    found = take(server(), tmp_path)
    assert ProgramFile(GONE, 1, "program", r"D:\jobs\gone.exe", exists=False) in found
    sha256 = hashlib.sha256(SCRIPT).hexdigest()
    assert ProgramFile(LOAD, 1, "script", r"D:\jobs\load.py", True, len(SCRIPT), MODIFIED, sha256) in found
    assert ProgramFile(SHELL, 1, "program", "cmd.exe", exists=None) in found  # its folder was not there to be looked at
    assert {row.path for row in found} == {LOAD, GONE, SHELL}


def test_scripts_are_kept_once_and_only_when_asked_for(tmp_path: Path) -> None:
    sha256 = hashlib.sha256(SCRIPT).hexdigest()
    take(server(), tmp_path)
    assert kept_script(tmp_path, sha256) is None
    collect(server(), tmp_path, server="SRV", now=NOON, scripts=True)
    assert kept_script(tmp_path, sha256) == SCRIPT
    (place,) = [file for file in (tmp_path / "scripts").rglob("*") if file.name == sha256]
    before = place.stat()
    collect(server(), tmp_path, server="SRV", now=NOON, scripts=True)
    assert place.stat() == before
    place.write_bytes(b"changed")
    assert kept_script(tmp_path, sha256) is None
    collect(server(), tmp_path, server="SRV", now=NOON, scripts=True)
    assert kept_script(tmp_path, sha256) == SCRIPT


def test_large_file_is_noted_and_not_read(tmp_path: Path) -> None:
    fake = server(**{r"D:\jobs\load.py": bytes(MOST_HASHED + 1)})
    (row,) = [row for row in take(fake, tmp_path, scripts=True) if row.file == r"D:\jobs\load.py"]
    assert (row.size, row.sha256) == (MOST_HASHED + 1, "")


def test_file_that_cannot_be_looked_at_is_not_known(tmp_path: Path) -> None:
    fake = server()
    fake.faults["file", r"D:\jobs\gone.exe"] = PermissionError(13, "Permission denied")
    (row,) = [row for row in take(fake, tmp_path) if row.path == GONE]
    assert (row.exists, row.file) == (None, r"D:\jobs\gone.exe")


def test_statuses_alone_look_at_no_file(tmp_path: Path) -> None:
    fake = server()
    collect(fake, tmp_path, server="SRV", now=NOON, status_only=True)
    assert read_snapshot(tmp_path, now=NOON).programs is None
    assert not [path for member, path in fake.calls if member == "file"]


# Logs -----------------------------------------------------------------------------------------------------------------


def logs(fake: FakeScheduler, share: Path, **options: object) -> dict[str, str]:
    collect(fake, share, server="SRV", now=NOON, **options)  # type: ignore[arg-type]
    return read_snapshot(share, now=NOON).logs


def test_end_of_the_output_that_cmd_writes_is_kept_where_a_task_failed(tmp_path: Path) -> None:
    fake = server(**{r"D:\logs\load.log": b"begin\r\nValueError: no rows\r\n"})
    assert logs(fake, tmp_path) == {SHELL: "begin\nValueError: no rows"}


def test_log_of_a_task_that_succeeded_is_not_kept(tmp_path: Path) -> None:
    fake = server(**{r"D:\logs\load.log": b"all well"})
    fake.store[SHELL].last_result = 0
    assert logs(fake, tmp_path) == {}


def test_rule_names_the_logs_of_which_the_newest_is_kept(tmp_path: Path) -> None:
    fake = server(**{r"D:\logs\a-1.log": b"old", r"D:\logs\a-2.log": b"new", r"D:\other\a.log": b"other"})
    fake.changed = {r"D:\logs\a-2.log": NOON}
    globs = {LOAD: (r"D:\other\*.log", r"D:\logs\a-*.log"), SHELL: (r"D:\none\*.log",)}
    assert logs(fake, tmp_path, log_of=lambda path: globs.get(path, ())) == {LOAD: "new"}
    (problem,) = [each for each in read_snapshot(tmp_path, now=NOON).problems if each.file == "logs/OpenData/Shell.txt"]
    assert problem.what == r"no file is there for its log D:\none\*.log"


def test_variables_in_the_path_of_a_log_have_the_values_of_the_account(tmp_path: Path) -> None:
    fake = server(**{r"D:\logs\a.log": b"failed"})
    fake.variables[""]["LOGS"] = r"D:\logs"
    assert logs(fake, tmp_path, log_of=lambda _: (r"%Logs%\*.log",))[LOAD] == "failed"


def test_log_that_is_locked_is_a_problem_and_no_more(tmp_path: Path) -> None:
    fake = server(**{r"D:\logs\load.log": b"x"})
    fake.faults["tail", r"D:\logs\load.log"] = PermissionError(13, "Permission denied")
    assert logs(fake, tmp_path) == {}
    found = read_snapshot(tmp_path, now=NOON)
    assert [each.what for each in found.problems] == [
        r"its log D:\logs\load.log can't be read (Permission denied)",
    ]
    assert found.faults == []


@pytest.mark.parametrize(
    ("tail", "text"),
    [
        ("Löschung\n".encode(), "Löschung"),
        ("Löschung\n".encode()[2:], "schung"),
        ("Löschung\n".encode("cp1252"), "Löschung"),
        ("\ufeffLöschung\r\n".encode("utf-16-le"), "Löschung"),
        ("Löschung\r\n".encode("utf-16-be"), "Löschung"),
        (b"a\x00b\r\n\r\n", "a\x00b"),
        (b"", ""),
        (b"x" * MOST_LOG_BYTES, "x" * MOST_LOG_BYTES),
        (b"half\n" + b"y" * MOST_LOG_BYTES, "y" * MOST_LOG_BYTES),
        (b"\n".join(b"%d" % number for number in range(99)), "\n".join(map(str, range(49, 99)))),
    ],
)
def test_last_lines_of_a_log_of_any_encoding(tail: bytes, text: str) -> None:
    assert last_lines(tail) == text


# The machine ----------------------------------------------------------------------------------------------------------


def test_huge_log_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "huge.log"
    with file.open("wb") as out:
        out.truncate(10 * 2**30)
        out.seek(0, os.SEEK_END)
        out.write(b"the end\n")
    begun = time.process_time()
    assert machine.tail(str(file), 8) == b"the end\n"
    assert time.process_time() - begun < 1
    assert machine.file(str(file), MOST_HASHED) == machine.SeenFile(
        file.stat().st_size, datetime.fromtimestamp(int(file.stat().st_mtime), UTC)
    )


def test_file_of_this_machine_is_seen_with_its_content(tmp_path: Path) -> None:
    file = tmp_path / "load.py"
    file.write_bytes(SCRIPT)
    seen = machine.file(str(file), 100)
    assert seen
    assert (seen.size, seen.content) == (len(SCRIPT), SCRIPT)
    assert [machine.file(str(path)) for path in (tmp_path, tmp_path / "none", file / "below")] == [None] * 3
    (tmp_path / "load.old").mkdir()
    assert machine.newest_file(str(tmp_path / "LOAD.*")) == str(file)
    assert machine.newest_file(str(tmp_path / "none" / "*")) == ""


def test_file_server_that_does_not_answer_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def hang(path: str, _: int) -> None:
        asked.append(path)
        time.sleep(30)

    monkeypatch.setattr(machine, "_file", hang)
    monkeypatch.setattr(machine, "ANSWER_SECONDS", 0.05)
    monkeypatch.setattr(machine, "_SILENT", set())
    for path in (r"\\gone\share\a.bat", r"\\GONE\share\b.bat", "//gone/share/c.bat", r"\\?\UNC\gone\share\d.bat"):
        with pytest.raises(TimeoutError, match="gone does not answer"):
            machine.file(path)
    assert asked == [r"\\gone\share\a.bat"]


def test_drive_of_a_file_server_that_does_not_answer_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {"z:\\": 4, "c:\\": 3}
    kernel = SimpleNamespace(GetDriveTypeW=lambda root: kinds[root])
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel), raising=False)
    monkeypatch.setattr(machine, "ANSWER_SECONDS", 0.05)
    monkeypatch.setattr(machine, "_SILENT", set())
    monkeypatch.setattr(machine, "_file", lambda path, _: time.sleep(0 if path.startswith("C:") else 1))
    assert machine.file(r"C:\a.bat") is None
    for path in (r"Z:\a.bat", r"z:\b.bat"):
        with pytest.raises(TimeoutError, match="z: does not answer"):
            machine.file(path)


@pytest.mark.parametrize("path", [r"\\gone\share\a.bat", "//gone/share/a.bat"])
def test_program_on_a_file_server_that_does_not_answer_is_not_known(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(_: Path) -> bool:
        time.sleep(1)
        return True

    monkeypatch.setattr(Path, "exists", hang)
    monkeypatch.setattr(machine, "ANSWER_SECONDS", 0.05)
    monkeypatch.setattr(machine, "_SILENT", set())
    assert [machine.path_exists(each) for each in (path, f'"{path}"')] == [None, None]


def test_newest_file_of_folders_that_fit(tmp_path: Path) -> None:
    for age, name in enumerate(
        ["load/run 1/a.log", "load/run 2/b.log", "load/old/c.log", "load/run 3", "load/run 1/b.txt"]
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
        os.utime(file, (age, age))
    patterns = ["load/RUN*/*.log", "l?ad/*/*.log", "*/run 1/*", "load/*/none/*", "load/*/*/a.log", "load/run [12]/*"]
    found = [machine.newest_file(str(tmp_path / pattern)) for pattern in patterns]
    wanted = ["load/run 2/b.log", "load/old/c.log", "load/run 1/b.txt"]
    assert found == [*(str(tmp_path / name) for name in wanted), "", "", ""]


@pytest.mark.parametrize(("limit", "value"), [("MOST_NAMES", 3), ("LOOK_SECONDS", -1.0)])
def test_looking_for_the_newest_file_has_an_end(
    limit: str, value: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        (tmp_path / f"{number}.log").write_bytes(b"")
    assert machine.newest_file(str(tmp_path / "*.log"))
    monkeypatch.setattr(machine, limit, value)
    with pytest.raises(OSError, match="too many names"):
        machine.newest_file(str(tmp_path / "*.log"))


@pytest.mark.parametrize("kind", [*STAND_INS, WINDOWS])
def test_stand_in_and_machine_answer_alike(kind: str, tmp_path: Path) -> None:
    files = {tmp_path / "load-1.log": b"old", tmp_path / "load-2.log": b"one\ntwo\n"}
    for age, (file, content) in enumerate(files.items()):
        file.write_bytes(content)
        os.utime(file, (age * 60, age * 60))
    with a_server(kind) as server:
        if isinstance(server.whole, FakeScheduler):
            server.whole.disk = {str(file): content for file, content in files.items()}
            server.whole.changed = {str(file): datetime.fromtimestamp(file.stat().st_mtime, UTC) for file in files}
            server.whole.variables = {"": {"SystemRoot": "C:\\Windows"}}
        asked, last = server.scheduler, str(tmp_path / "load-2.log")
        assert asked.newest_file(str(tmp_path / "LOAD-*.log")) == last
        assert asked.newest_file(str(tmp_path / "none-*.log")) == ""
        assert asked.newest_file(str(tmp_path.parent / "*" / "load-?.log")).endswith("load-2.log")
        assert asked.newest_file(str(tmp_path.parent / "load-*.log")) == ""
        assert asked.tail(last, 4) == b"two\n"
        assert asked.file(last, 100) == machine.SeenFile(8, datetime.fromtimestamp(60, UTC), b"one\ntwo\n")
        assert asked.file(last, 7) == machine.SeenFile(8, datetime.fromtimestamp(60, UTC))
        assert asked.file(str(tmp_path / "none.log")) is None
        assert any(name.upper() == "SYSTEMROOT" for name in asked.environment("S-1-5-18"))
        with pytest.raises(FileNotFoundError):
            asked.tail(str(tmp_path / "none.log"), 4)
