"""Names of files, paths of tasks, files written whole, and folders that one process at a time writes to."""

import errno
import math
import os
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskanalysis.snapshot.paths import (
    file_name,
    in_scope,
    locked,
    long_path,
    plain_path,
    remove,
    rename,
    rename_all,
    task_path,
    write_whole,
)
from tests.doubles.clock import Clock

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
    assert plain_path(Path(long)) == path.removeprefix("\\\\?\\")


@pytest.mark.skipif(sys.platform == "win32", reason="paths are made long on Windows only")
def test_paths_elsewhere_stay_as_they_are() -> None:
    assert long_path("data") == Path("data")
    assert plain_path(Path("data")) == "data"


def broken() -> Iterator[bytes]:
    yield b"half"
    raise OSError(28, "No space left on device")


def test_file_is_written_whole_or_stays_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "latest" / "status.csv"
    write_whole(file, b"one ", memoryview(b"two"))
    with pytest.raises(OSError, match="No space left"):
        write_whole(file, *broken())
    assert [(each.name, each.read_bytes()) for each in file.parent.iterdir()] == [("status.csv", b"one two")]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("taskanalysis.snapshot.paths.time", clock)
    return clock


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> dict[str, float]:
    """The names to which nothing can be renamed, with the second in which they are free."""
    free: dict[str, float] = {}
    replace = Path.replace

    def refuse(source: Path, place: Path) -> Path:
        if clock.seconds < free.get(place.name, 0):
            raise PermissionError(errno.EACCES, "Access is denied")
        return replace(source, place)

    monkeypatch.setattr(Path, "replace", refuse)
    return free


@pytest.mark.parametrize(("seconds", "content"), [(0.01, "new"), (4.5, "new"), (math.inf, "old")])
def test_rename_that_is_refused_is_tried_again_for_five_seconds(
    seconds: float, content: str, tmp_path: Path, held: dict[str, float], clock: Clock
) -> None:
    source, place = tmp_path / "source", tmp_path / "place"
    source.write_text("new", encoding="utf-8")
    place.write_text("old", encoding="utf-8")
    held["place"] = seconds
    with nullcontext() if content == "new" else pytest.raises(PermissionError, match="Access is denied"):
        rename(source, place)
    assert place.read_text(encoding="utf-8") == content
    assert min(seconds, 5) <= clock.seconds < 6


def test_renames_go_on_while_one_is_refused_and_that_one_is_named(
    tmp_path: Path, held: dict[str, float], clock: Clock
) -> None:
    moves = {tmp_path / f"{name}.tmp": tmp_path / name for name in ("first", "second", "third")}
    for source in moves:
        source.touch()
    held |= {"first": math.inf, "second": 1.0}
    refused = rename_all(moves, seconds=2)
    assert [place.name for place in refused] == ["first"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["first.tmp", "second", "third"]
    assert 2 <= clock.seconds < 3


@pytest.mark.parametrize(
    ("source", "place", "error"),
    [
        ("file", "folder", IsADirectoryError),
        ("folder", "file", (FileExistsError, NotADirectoryError)),
        ("folder", "full", (FileExistsError, OSError)),
    ],
)
@pytest.mark.parametrize("is_windows", [True, False])
def test_what_can_never_be_replaced_is_an_error_at_once(
    source: str,
    place: str,
    error: type[OSError] | tuple[type[OSError], ...],
    is_windows: bool,
    tmp_path: Path,
    held: dict[str, float],
    clock: Clock,
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    write_whole(tmp_path / "full" / "file", b"x")
    held |= dict.fromkeys((place,) if is_windows else (), math.inf)  # it says of it what it says of an open file
    with pytest.raises(error) as raised:
        rename(tmp_path / source, tmp_path / place)
    assert not isinstance(raised.value, PermissionError)
    assert clock.seconds == 0


def test_leftovers_are_removed_once_the_folder_is_locked(tmp_path: Path) -> None:
    (tmp_path / ".run.tmp").mkdir()
    (tmp_path / ".run.tmp" / "page.html").write_text("x", encoding="utf-8")
    (tmp_path / ".page.tmp").write_text("x", encoding="utf-8")
    (tmp_path / "page.html").write_text("x", encoding="utf-8")
    with locked(tmp_path, ".*.tmp"):
        assert sorted(file.name for file in tmp_path.iterdir()) == [".lock", "page.html"]


def test_link_is_removed_and_not_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    link = tmp_path / "link"
    try:
        link.symlink_to(tmp_path / "kept")
    except OSError:
        pytest.skip("this account may not make links")
    remove(link, tmp_path / "nowhere")
    assert [file.name for file in tmp_path.iterdir()] == ["kept"]
