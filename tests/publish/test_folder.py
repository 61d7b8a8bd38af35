"""Publishing: whole pages at every moment, killed runs, locked files, full disks, two runs at once, retention."""

import contextlib
import errno
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import Mock

import psutil
import pytest

from taskanalysis.errors import ReportError, TaskAnalysisError
from taskanalysis.publish.folder import (
    HOLDER,
    MARKER,
    Keep,
    check_own,
    held,
    list_runs,
    new_stamp,
    publish,
    why_not,
    workplace,
)
from tests.build import processes

NOW = datetime(2026, 11, 23, 11, 5, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
PAGES = ("inventory.html", "status.html")
DATA = ("inventory.csv", "status.json")
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has neither fork nor SIGKILL")


def page(stamp: str, size: int = 10) -> str:
    head = f'data-state="good" data-made-at="2026-11-23T11:05:00+00:00" data-run="{stamp}"'
    return f"<html {head}><head>{'x' * size}<p>{stamp}</p></html>\n"


def made(tmp_path: Path, stamp: str, size: int = 10) -> tuple[list[Path], list[Path]]:
    """The files of a run and of latest, as a report makes them."""
    folders = tmp_path / f"made-{stamp}" / "run", tmp_path / f"made-{stamp}" / "latest"
    for folder in folders:
        folder.mkdir(parents=True)
        for name in (*PAGES, *DATA):
            (folder / name).write_text(page(stamp, size), encoding="utf-8")
    run, latest = (sorted(folder.iterdir()) for folder in folders)
    return run, latest


def index(stay: list[str], locked: list[str]) -> str:
    return page(" ".join(["runs", *stay, "locked", *locked]))


def put(tmp_path: Path, now: datetime = NOW, *, size: int = 10, out: Path | None = None, **given: object) -> list[str]:
    """Publish ready pages into `out`, else ``tmp_path/out``, as a run of this moment."""
    out = out or tmp_path / "out"
    settings = {"keep": Keep(), "index": index, "seconds": 0.05, **given}
    with held(out, now=now, wait=0):
        stamp = new_stamp(out, now)
        return publish(*made(tmp_path, stamp, size), out, stamp=stamp, now=now, **settings)  # type: ignore[arg-type]


def stamp_of(file: Path) -> str:
    return file.read_text(encoding="utf-8").partition('data-run="')[2].partition('"')[0]


def left_over(folder: Path) -> list[str]:
    return sorted(str(each.relative_to(folder)) for each in folder.rglob(".*.tmp"))


def test_run_and_latest_hold_the_same_and_the_index_links_the_run(tmp_path: Path) -> None:
    assert put(tmp_path) == []
    out = tmp_path / "out"
    assert {each.name for each in out.iterdir()} - {".lock"} == {MARKER, "index.html", "latest", "runs"}
    assert list_runs(out) == ["20261123T110500Z"]
    for folder in (out / "latest", out / "runs/20261123T110500Z"):
        stamps = {each.name: stamp_of(each) for each in folder.iterdir()}
        assert stamps == dict.fromkeys((*PAGES, *DATA), "20261123T110500Z")
    assert "runs 20261123T110500Z locked" in (out / "index.html").read_text(encoding="utf-8")


def test_files_come_before_pages_and_the_index_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = []
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", lambda source, place: (places.append(place.name), replace(source, place)))
    put(tmp_path)
    assert places == [MARKER, HOLDER, "20261123T110500Z", *DATA, *PAGES, "index.html"]


def test_second_run_in_the_same_second_gets_a_name_of_its_own(tmp_path: Path) -> None:
    put(tmp_path)
    put(tmp_path)
    assert list_runs(tmp_path / "out") == ["20261123T110501Z", "20261123T110500Z"]


def test_outdated_page_is_removed(tmp_path: Path) -> None:
    put(tmp_path)
    old = tmp_path / "out/latest/status-failed.html"
    old.write_text("failed", encoding="utf-8")
    put(tmp_path, gone=["status-failed.html"])
    assert not old.exists()


# Our own folders ------------------------------------------------------------------------------------------------------


def contents(folder: Path) -> dict[str, bytes | None]:
    """Every file with its content, and every folder."""
    found = sorted(folder.rglob("*"))
    return {each.relative_to(folder).as_posix(): each.read_bytes() if each.is_file() else None for each in found}


@pytest.mark.parametrize(
    "name",
    ["notes.txt", ".notes.tmp", "index.html", "latest/status.html", "runs/20200101T000000Z/mine.csv", ".mine.tmp/x"],
)
def test_folder_of_something_else_is_refused_and_left_as_it_is(name: str, tmp_path: Path) -> None:
    file = tmp_path / "out" / name
    file.parent.mkdir(parents=True)
    file.write_text("<h1>company site</h1>", encoding="utf-8")
    before = contents(tmp_path)
    for folders in (("latest", "runs"), ("servers",)):
        with (
            pytest.raises(TaskAnalysisError, match="holds other files") as refused,
            held(tmp_path / "out", now=NOW, folders=folders),
        ):
            pass
        assert not isinstance(refused.value, ReportError), "exit code 2"
    assert contents(tmp_path) == before


def test_marked_folder_stays_ours_whatever_else_lies_there(tmp_path: Path) -> None:
    put(tmp_path)
    (tmp_path / "out" / "index.html").unlink()
    (tmp_path / "out" / "notes.txt").touch()
    check_own(tmp_path / "out")
    assert put(tmp_path, LATER) == []


def test_folder_of_an_earlier_version_is_known_by_its_index_and_marked(tmp_path: Path) -> None:
    put(tmp_path)
    (tmp_path / "out" / MARKER).unlink()
    put(tmp_path, LATER)
    assert (tmp_path / "out" / MARKER).is_file()


def test_folder_of_a_run_that_was_killed_at_once_is_ours(tmp_path: Path) -> None:
    for name in (".lock", HOLDER, f".{MARKER}.123.tmp", f".{HOLDER}.123.tmp"):
        (tmp_path / name).touch()
    check_own(tmp_path)
    check_own(tmp_path / "new")


LEFT = (
    ".index.html.tmp",
    ".index.html.12.tmp",
    f".{HOLDER}.12.tmp",
    "latest/.status.csv.tmp",
    "latest/.tasks-2.html.tmp",
    "runs/.20261123T110500Z.tmp/status.html",
    "runs/.20261123T110500Z.old.tmp/status.html",
)
MINE = (
    ".mine.tmp/thesis.docx",
    ".notes.tmp",
    "latest/.notes.docx.tmp",
    "latest/.x.tmp/y",
    "latest/.runs.csv.tmp/thesis.docx",
    "runs/.20261123T110500Z.tmp/thesis.docx",
    "runs/.20261123T110500Z.old.tmp/folder/status.html",
    "runs/.mine.tmp/x",
    "runs/.20261123.tmp/x",
    "servers/.x.tmp",
)


def test_only_our_own_leftovers_are_removed(tmp_path: Path) -> None:
    put(tmp_path)
    out = tmp_path / "out"
    before = contents(out).keys()
    for name in (*LEFT, *MINE):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text("x", encoding="utf-8")
    with held(out, now=LATER):
        pass
    files = {name for name, content in contents(out).items() if content is not None}
    assert files - before == set(MINE)


@pytest.mark.parametrize("name", ["mine.csv", "status.html", "Notes.docx", "folder/x"])
def test_folder_named_like_a_run_that_is_none_stays(name: str, tmp_path: Path) -> None:
    put(tmp_path)
    file = tmp_path / "out/runs/20200101T000000Z" / name
    file.parent.mkdir(parents=True)
    file.write_text("x", encoding="utf-8")
    if name in ("Notes.docx", "folder/x"):
        (tmp_path / "out/runs/20200101T000000Z/status.html").write_text(page("20200101T000000Z"), encoding="utf-8")
    put(tmp_path, LATER, keep=Keep(1))
    assert file.is_file()
    assert [stamp for stamp in list_runs(tmp_path / "out") if stamp > "2021"] == ["20261123T120500Z"]


# What holds a run up --------------------------------------------------------------------------------------------------


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes renames to some names fail as on Windows, where a program holds the file open; a number of times."""

    def lock(*names: str, times: int = 10_000) -> None:
        left = dict.fromkeys(names, times)
        replace = Path.replace

        def refuse(source: Path, place: Path) -> Path:
            if left.get(place.name, 0) > 0:
                left[place.name] -= 1
                raise PermissionError(errno.EACCES, "The process cannot access the file", str(source))
            return replace(source, place)

        monkeypatch.setattr(Path, "replace", refuse)

    return lock


def test_file_that_stays_locked_is_left_and_named(tmp_path: Path, locked: Callable[..., None]) -> None:
    put(tmp_path)
    locked("inventory.csv")
    assert put(tmp_path, LATER) == ["inventory.csv"]
    latest = tmp_path / "out/latest"
    stamps = {name: stamp_of(latest / name) for name in (*PAGES, *DATA)}
    assert stamps == dict.fromkeys(stamps, "20261123T120500Z") | {"inventory.csv": "20261123T110500Z"}
    assert "locked inventory.csv" in (tmp_path / "out/index.html").read_text(encoding="utf-8")
    assert stamp_of(tmp_path / "out/runs/20261123T120500Z/inventory.csv") == "20261123T120500Z"
    assert left_over(tmp_path / "out") == []


def test_file_that_a_virus_scanner_holds_for_a_moment_is_replaced(tmp_path: Path, locked: Callable[..., None]) -> None:
    locked("20261123T110500Z", *DATA, *PAGES, "index.html", times=2)
    assert put(tmp_path, seconds=5) == []
    assert stamp_of(tmp_path / "out/latest/status.html") == "20261123T110500Z"


def test_files_that_stay_locked_are_named_with_the_data_first_and_the_index_last(
    tmp_path: Path, locked: Callable[..., None]
) -> None:
    locked(*DATA, *PAGES, "index.html")
    assert put(tmp_path) == [*DATA, *PAGES, "index.html"]


def test_run_that_cannot_get_its_name_is_one_sentence(tmp_path: Path, locked: Callable[..., None]) -> None:
    locked("20261123T110500Z")
    with pytest.raises(ReportError, match="can't be made: another program holds"):
        put(tmp_path)
    assert left_over(tmp_path / "out") == []


@pytest.mark.parametrize("which", [(shutil, "copyfile"), (Path, "write_text")])
@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "out is full: make room there and run again; the last reports are still there"),
        (errno.EACCES, "let this account write there, or choose another with --reports"),
        (errno.ENETUNREACH, "see that it is there, and run again; nothing is lost"),
    ],
)
def test_disk_that_refuses_is_one_sentence_and_changes_nothing(
    which: tuple[object, str], number: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path)
    out = tmp_path / "out"
    before = {each: each.read_bytes() for each in out.rglob("*") if each.is_file()}
    run, latest = made(tmp_path, "later")
    with held(out, now=NOW, wait=0), monkeypatch.context() as patched:
        patched.setattr(*which, Mock(side_effect=OSError(number, os.strerror(number), "x")))
        with pytest.raises(ReportError, match=said):
            publish(run, latest, out, stamp="20261123T120500Z", keep=Keep(), now=NOW, index=index)
    assert {each: each.read_bytes() for each in out.rglob("*") if each.is_file()} == before


@pytest.mark.parametrize(("number", "said"), [(112, "is full"), (64, "can't be reached (The network name is gone)")])
def test_full_disk_and_lost_share_are_recognized_by_their_windows_codes(number: int, said: str) -> None:
    error = OSError(errno.EINVAL, "The network name is gone")
    error.winerror = number  # type: ignore[attr-defined, unused-ignore]
    assert said in why_not(error, Path("out"))


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_folder_that_may_not_be_written_is_one_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ReportError, match="let this account write there"), held(tmp_path / "out", now=NOW):
        pass


@pytest.mark.parametrize("place", ["latest", "latest/status.html/folder"])
def test_what_is_in_the_way_is_named_and_nothing_else_is_left(place: str, tmp_path: Path) -> None:
    file = tmp_path / "out" / place
    file.parent.mkdir(parents=True)
    file.write_text("x", encoding="utf-8")
    (tmp_path / "out" / MARKER).touch()
    with pytest.raises(ReportError, match=r"(latest|status\.html) is in the way"):
        put(tmp_path)
    assert left_over(tmp_path / "out") == []


# Two runs at once -----------------------------------------------------------------------------------------------------


def test_second_run_waits_and_then_names_the_first(tmp_path: Path) -> None:
    said: list[str] = []
    with (
        held(tmp_path, now=NOW),
        pytest.raises(ReportError) as refused,
        held(tmp_path, now=NOW, wait=0.1, say=said.append),
    ):
        pass
    who = f"process {os.getpid()} on {socket.gethostname()}, running since 2026-11-23T11:05:00+00:00"
    assert said == [f"Waiting for {who}"]
    assert str(refused.value).startswith(f"{tmp_path} is locked by {who}: ")


def test_second_run_goes_on_when_the_first_is_done(tmp_path: Path) -> None:
    with contextlib.ExitStack() as first:
        first.enter_context(held(tmp_path, now=NOW))
        with held(tmp_path, now=LATER, wait=30, say=lambda _: first.close()):
            assert {each.name for each in tmp_path.glob("[!.]*")} == {"latest", "runs"}  # no other is seen by readers
            assert json.loads((tmp_path / HOLDER).read_text(encoding="utf-8"))["since"] == LATER.isoformat()
    assert not (tmp_path / HOLDER).exists()


def test_holder_that_has_not_identified_itself_yet_is_no_error(tmp_path: Path) -> None:
    with held(tmp_path, now=NOW):
        (tmp_path / HOLDER).write_text("[", encoding="utf-8")
        with pytest.raises(ReportError, match="another run"), held(tmp_path, now=NOW, wait=0):
            pass


# Retention ------------------------------------------------------------------------------------------------------------


def test_older_runs_go_by_number(tmp_path: Path) -> None:
    for hour in range(5):
        put(tmp_path, NOW + timedelta(hours=hour), keep=Keep.of("2"))
    assert list_runs(tmp_path / "out") == ["20261123T150500Z", "20261123T140500Z"]
    text = (tmp_path / "out/index.html").read_text(encoding="utf-8")
    assert "runs 20261123T150500Z 20261123T140500Z locked" in text
    assert left_over(tmp_path / "out") == []


def test_older_runs_go_by_age_and_the_newest_stays(tmp_path: Path) -> None:
    for days in (0, 3, 9):
        put(tmp_path, NOW + timedelta(days=days), keep=Keep.of("7d"))
    assert list_runs(tmp_path / "out") == ["20261202T110500Z", "20261126T110500Z"]
    assert Keep.of("1d").stay(["20200101T000000Z"], NOW) == ["20200101T000000Z"]


def test_only_runs_go(tmp_path: Path) -> None:
    runs, elsewhere = tmp_path / "out/runs", tmp_path / "elsewhere"
    (runs / "my notes").mkdir(parents=True)
    (tmp_path / "out" / MARKER).touch()
    elsewhere.mkdir()
    (elsewhere / "kept.txt").write_text("x", encoding="utf-8")
    if os.name != "nt":
        (runs / "20200101T000000Z").symlink_to(elsewhere)
    put(tmp_path, keep=Keep(1))
    assert (runs / "my notes").is_dir()
    assert (runs / "20200101T000000Z").exists() is (os.name != "nt")
    assert (elsewhere / "kept.txt").is_file()


def test_run_in_which_a_file_is_open_stays_whole_until_later(tmp_path: Path, locked: Callable[..., None]) -> None:
    put(tmp_path)
    locked(".20261123T110500Z.old.tmp", times=1)
    put(tmp_path, LATER, keep=Keep(1))
    assert {each.name for each in (tmp_path / "out/runs/20261123T110500Z").iterdir()} == {*PAGES, *DATA}
    put(tmp_path, NOW + timedelta(hours=2), keep=Keep(1))
    assert list_runs(tmp_path / "out") == ["20261123T130500Z"]


@pytest.mark.parametrize("text", ["", "0", "-1", "30 d", "d", "1e3", "90days", "९", "1000000"])
def test_what_to_keep_must_be_a_number(text: str) -> None:
    with pytest.raises(ValueError, match="neither a number of runs"):
        Keep.of(text)


# Killed ---------------------------------------------------------------------------------------------------------------


KILLS = int(os.environ.get("KILLS", "4"))


def check_pages(out: Path) -> None:
    """Read each page that a reader can see, some of them in earlier runs; all must be whole."""
    files = [out / "index.html", *(out / "latest").glob("*.html")]
    files += [out / "runs" / stamp / name for stamp in list_runs(out)[:2] for name in PAGES]
    for file in files:
        with contextlib.suppress(FileNotFoundError):  # retention has just removed that run
            text = file.read_text(encoding="utf-8")
            whole = re.fullmatch(r'<html [^>]*data-run="([^"]+)"><head>x*<p>\1</p></html>\n', text)
            assert whole, f"{file}: {text[:80]!r} … {text[-80:]!r}"


@posix
@pytest.mark.slow
def test_publishing_that_is_killed_at_any_moment_leaves_whole_pages(tmp_path: Path) -> None:
    out, size = tmp_path / "out", 300_000
    for hours in (2, 1, 0):
        put(tmp_path, NOW - timedelta(hours=hours), size=size, keep=Keep(3))
    killed = begun = mixed = number = 0
    span = 0.02  # seconds, so that about half of the runs are done before the signal comes: no moment is left out
    random.seed(6)
    while killed < 100 or begun <= 20 or not mixed:
        number += 1
        assert number < 1000, f"{killed} were killed, {begun} of them had begun, {mixed} were half done"
        moment = NOW + timedelta(minutes=number)
        stamp = f"{moment:%Y%m%dT%H%M%SZ}"
        run, latest = made(tmp_path, stamp, size)
        child = os.fork()
        if not child:
            with contextlib.suppress(BaseException), held(out, now=moment, wait=0):
                publish(run, latest, out, stamp=stamp, keep=Keep(3), now=moment, index=index)
            os._exit(0)
        until = time.monotonic() + random.uniform(0, span)
        while time.monotonic() < until:
            check_pages(out)
        os.kill(child, signal.SIGKILL)
        was_killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])
        span *= 1.1 if was_killed else 0.9
        killed += was_killed
        begun += bool(left_over(out))
        newest = out / "runs" / list_runs(out)[0]
        mixed += len({stamp_of(each) for folder in (out / "latest", newest) for each in folder.iterdir()}) > 1
        check_pages(out)
        for each_run in list_runs(out):
            assert {each.name for each in (out / "runs" / each_run).iterdir()} == {*PAGES, *DATA}
        shutil.rmtree(tmp_path / f"made-{stamp}")
        if number % 10 == 0:
            later = moment + timedelta(seconds=30)
            put(tmp_path, later, size=size, keep=Keep(3))
            assert left_over(out) == []
            assert stamp_of(out / "latest/status.html") == f"{later:%Y%m%dT%H%M%SZ}"
            assert len(list_runs(out)) == 3


@posix
@pytest.mark.slow
def test_whole_run_that_is_killed_or_loses_workers_leaves_the_last_reports_and_the_next_cleans_up(
    tmp_path: Path,
) -> None:
    out, temporary, task = tmp_path / "out", tmp_path / "tmp", tmp_path / "data/Load.xml"
    task.parent.mkdir()
    temporary.mkdir()
    task.write_bytes(b"<Task><Actions><Exec><Command>x.exe</Command></Exec></Actions></Task>")
    command = [sys.executable, "-m", "taskanalysis", "report", "--data", str(task.parent), "--reports", str(out)]
    environment = os.environ | {"TMPDIR": str(temporary)}

    def whole() -> float:
        """Run to the end, in so many seconds."""
        began = time.monotonic()
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=300)
        assert list(temporary.iterdir()) == []
        assert left_over(out) == []
        return time.monotonic() - began

    def nothing_left() -> None:
        until = time.monotonic() + 20
        while others := processes(str(temporary)):
            assert time.monotonic() < until, f"still there: {others}"
            time.sleep(0.1)

    def check() -> None:
        for file in [out / "index.html", *(out / "latest").glob("*.html")]:
            text = file.read_text(encoding="utf-8")
            assert text.startswith("<!DOCTYPE html>")
            assert text.endswith("</html>")

    usual = whole()
    random.seed(6)
    for _ in range(KILLS):
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            until = time.monotonic() + random.uniform(0.1, 1) * usual
            while time.monotonic() < until:
                check()
            run.kill()
        nothing_left()
    whole()
    failed = 0
    for _ in range(KILLS):
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as run:
            time.sleep(random.uniform(0.1, 1) * usual)
            workers = [each for each in children(run.pid) if "spawn_main" in " ".join(each.cmdline())]
            for worker in workers[:1]:
                worker.kill()
            _, said = run.communicate(timeout=300)
        assert run.returncode in ((0, 3) if workers else (0,)), said
        failed += run.returncode == 3
        check()
        nothing_left()
    assert failed
    whole()
    assert not list((out / "latest").glob("*-failed.html"))


def children(parent: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(parent).children()
    return []


KILLED = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from taskanalysis.publish.folder import held, workplace
with held(Path(sys.argv[1]), now=datetime.now(UTC)), workplace():
    os.kill(os.getpid(), 9)
"""


@posix
def test_run_that_was_killed_holds_nothing_and_the_next_removes_its_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, temporary = tmp_path / "out", tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.setenv("TMPDIR", str(temporary))
    subprocess.run([sys.executable, "-c", KILLED, str(out)], check=False)
    assert (out / HOLDER).exists()
    assert len(list(temporary.iterdir())) == 2
    with held(out, now=NOW, wait=0), workplace() as mine:
        assert {each.name for each in temporary.iterdir()} == {mine.name, f"{mine.name}.lock"}
        with workplace() as other:  # that of a run that is alive stays
            assert mine.is_dir()
            assert other != mine
    assert list(temporary.iterdir()) == []
