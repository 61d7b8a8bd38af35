"""The store of the history: the same in any order of snapshots, whole after a kill, and never required."""

import errno
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.dataset  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from taskanalysis.errors import Problem, SnapshotError
from taskanalysis.history import days as daybuild
from taskanalysis.history import store as daystore
from taskanalysis.history.days import DayFile, digest_of
from taskanalysis.history.frames import read_history
from taskanalysis.history.spans import MOMENT
from taskanalysis.history.store import load_days, open_store, update_store
from taskanalysis.snapshot.paths import long_path
from taskanalysis.snapshot.share import list_snapshots, sample_share
from taskanalysis.snapshot.snapshot import read_snapshot
from taskanalysis.snapshot.status import Status
from tests.build import (
    GUIDS,
    LOAD,
    assert_same,
    hours,
    link,
    rewrite_manifest,
    rows,
    run_events,
    status,
    store_files,
    write,
    xml,
)
from tests.doubles.clock import Clock

HOURS = [-30, -20, -13, -12, -11, 0, 1, 2, 13]
OTHER = '\\OpenData\\Other, the "second"'


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """Three days of two servers."""
    data = tmp_path / "share"
    for number, hour in enumerate(HOURS):
        given = {"definitions": {LOAD: xml(f"{number // 3}.exe")}} if number % 2 else {}
        load = status(last_run=number // 2 - 40, code=number % 3 % 2)
        write(data, hour, load, *([status(OTHER, "never", 267011)] * (number not in (3, 4))), **given)
        write(data, hour, load, server="SECOND")
    return data


def bare(share: Path) -> Path:
    """A copy of a share without a store."""
    shutil.copytree(share / "snapshots", share.parent / "bare" / "snapshots")
    return share.parent / "bare"


# The same store -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (None, 2, 3))])
def test_store_is_the_same_in_any_order_of_snapshots(share: Path, tmp_path: Path, seed: int | None) -> None:
    folders = [stored.path for stored in list_snapshots(share)]
    if seed is not None:
        random.Random(seed).shuffle(folders)
    grown = tmp_path / "grown"
    for folder in folders:
        shutil.copytree(folder, grown / folder.relative_to(long_path(share)))
        assert update_store(grown) == []
        assert update_store(grown) == []
    assert update_store(share) == []
    assert store_files(grown) == store_files(share)
    assert_same(read_history(grown, update=True), read_history(share, update=True))


@pytest.mark.parametrize("gone", [HOURS[:1], [-12], [-12, 0], [-13, -12, -11], HOURS[5:]])
def test_store_after_snapshots_were_removed_is_that_of_the_rest(share: Path, gone: list[int]) -> None:
    update_store(share)
    for stored in list_snapshots(share):
        if stored.taken_at in map(hours, gone):
            shutil.rmtree(stored.path)
    update_store(share)
    update_store(rest := bare(share))
    assert store_files(share) == store_files(rest)


def test_day_without_snapshots_loses_its_file_and_folder(share: Path) -> None:
    for hour in (24 * 20, 24 * 21):
        write(share, hour, status())
    update_store(share)
    assert (share / "history" / "server=SRV" / "month=2026-12").is_dir()
    shutil.rmtree(share / "snapshots" / "SRV" / "2026-12")
    update_store(share)
    assert not (share / "history" / "server=SRV" / "month=2026-12").exists()


def test_only_what_is_new_is_read(share: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    update_store(share)
    write(share, 1.5, status())
    built, read = [], []
    real = daybuild._read
    monkeypatch.setattr(daybuild, "_read", lambda folder: read.append(folder.name) or real(folder))
    monkeypatch.setattr(daystore, "build_day", lambda job: built.append(job) or daybuild.build_day(job))
    update_store(share)
    assert read == ["20261120T133000Z"]
    assert len(built) == 1
    update_store(share)
    assert len(built) == 1


def test_days_computed_in_memory_are_those_of_their_files(share: Path) -> None:
    damaged = sorted((share / "snapshots" / "SRV").glob("*/*/status.csv"))[1]
    damaged.write_text("no statuses", encoding="utf-8")
    computed = load_days(open_store(share), days := open_store(share).stale())
    update_store(share)
    store = open_store(share)
    assert all(map(store.file, days))
    assert computed == load_days(store, days)
    assert any(record["problems"] for day in computed[0] for record in day.records)


def test_every_observation_of_the_sample_is_restored(tmp_path: Path) -> None:
    month = Path("snapshots", "OPENDATA01", "2026-11")  # all of it is observed
    shutil.copytree(sample_share() / month, tmp_path / month)
    wanted = {}
    for stored in list_snapshots(tmp_path):
        wanted |= {(stored.taken_at, path): each for path, each in read_snapshot(stored.path).statuses.items()}
    found = {}
    for row in read_history(tmp_path, update=True).observations.astype(object).itertuples():
        moment = [
            "never" if never is True else None if never is pd.NA else at.to_pydatetime()
            for at, never in ((row.last_run, row.never_ran), (row.next_run, row.never_next))
        ]
        found[row.taken_at.to_pydatetime(), row.task_path] = Status(
            row.task_path, row.state, row.enabled, moment[0], row.last_result, moment[1], row.missed_runs
        )
    assert len(wanted) > 4_000
    assert found == wanted


def test_pandas_and_arrow_read_the_files_directly(share: Path) -> None:
    spans = read_history(share, update=True).spans
    frame = pd.read_parquet(share / "history")
    assert len(frame) == len(spans)
    assert set(frame["server"]) == {"SRV", "SECOND"}
    assert set(frame["month"]) == {"2026-11"}
    assert pyarrow.dataset.dataset(share / "history", partitioning="hive").count_rows() == len(spans)


# Unreadable -----------------------------------------------------------------------------------------------------------


def snapshot(data: Path, hour: float, server: str = "SRV") -> Path:
    (found,) = (stored.path for stored in list_snapshots(data, server) if stored.taken_at == hours(hour))
    return found


def test_damaged_manifest_is_a_problem_that_stays_and_its_snapshot_is_not_covered(share: Path) -> None:
    folder = snapshot(share, 1)
    (folder / "snapshot.json").write_text("{", encoding="utf-8")
    assert [problem.file for problem in read_history(share, update=True).problems] == [
        f"SRV/{folder.name}/snapshot.json"
    ]
    write(share, 1.5, status())
    history = read_history(share, update=True)
    assert [problem.file for problem in history.problems] == [f"SRV/{folder.name}/snapshot.json"]
    assert hours(1) not in set(history.coverage.query("server == 'SRV'")["taken_at"])
    assert len(history.coverage) == 2 * len(HOURS)


def test_damaged_status_file_is_a_problem_and_its_tasks_have_not_gone(share: Path) -> None:
    (snapshot(share, 1) / "status.csv").write_bytes(b"no header\r\n")
    (snapshot(share, 2) / "status.csv").unlink()
    history = read_history(share, update=True)
    assert [problem.file.split("/")[1:] for problem in history.problems] == [
        ["20261120T130000Z", "status.csv"],
        ["20261120T130000Z", "status.csv"],
        ["20261120T140000Z", "status.csv"],
    ]
    covered = history.coverage.query("server == 'SRV'").iloc[-3:]
    assert covered["tasks"].tolist() == [0, 0, 2]
    assert covered["proves_absence"].tolist() == [False, False, True]
    assert [row for row in rows(history.changes, "kind", "task_path") if row[1] == LOAD and row[0] != "outcome"] == [
        ("changed", LOAD)
    ] * 2


def test_status_file_that_was_changed_is_read_but_for_its_bad_row(share: Path) -> None:
    file = snapshot(share, 1) / "status.csv"
    content = file.read_bytes().replace(b'"\\OpenData\\Other', b'"OpenData\\Other')
    file.write_bytes(content.replace(b",Ready,", b",Queued,"))
    history = read_history(share, update=True)
    assert [problem.what[:20] for problem in history.problems] == ["was changed after th", "line 3: 'OpenData\\Ot"]
    assert history.observations["state"].eq("Queued").sum() == 1
    assert history.coverage.query("server == 'SRV'")["tasks"].tolist()[-3:] == [1, 2, 2]
    assert "removed" not in [kind for kind, at in rows(history.changes, "kind", "at") if at >= 1]


@pytest.mark.parametrize("file", ["snapshot.json", "status.csv"])
def test_locked_snapshot_is_retried(share: Path, monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    locked, real = snapshot(share, 1) / file, os.open

    def refuse(path: Any, *args: Any, **given: Any) -> Any:
        if path == locked:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, *args, **given)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refuse)
        for _ in range(2):
            assert len(read_history(share, update=True).problems) == 1
            assert len(store_files(share)) == 6
    history = read_history(share, update=True)
    assert history.problems == []
    other = bare(share)
    assert_same(history, read_history(other, update=True))
    assert store_files(share) == store_files(other)


@pytest.mark.parametrize("content", [None, b"", b"PAR1 and no more", "other version"])
def test_missing_or_damaged_file_of_the_store_is_rebuilt(
    share: Path, content: bytes | str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_history(share, update=True)
    good = store_files(share)
    file = share / sorted(good)[0]
    if content is None:
        file.unlink()
    elif isinstance(content, bytes):
        file.write_bytes(content)
    else:
        with monkeypatch.context() as patched:
            patched.setattr(daybuild, "VERSION", 0)
            patched.setattr(daybuild, "digest", lambda _names: "0" * 16)
            store = open_store(share)
            file.write_bytes(daybuild.build_day(store.job(("SECOND", "2026-11-19")))[0])
    history = read_history(share, update=True)
    damaged = [] if content is None else [(f"history/{file.name}", "is damaged")]
    assert [(problem.file, problem.what[:10]) for problem in history.problems] == damaged
    assert_same(history, before)
    assert store_files(share) == good
    assert read_history(share, update=True).problems == []


def damage(file: Path, kind: str) -> None:
    content = file.read_bytes()
    if kind == "missing":
        file.unlink()
    else:
        file.write_bytes({"empty": b"", "cut": content[: len(content) // 2], "changed": content + b"\r\n"}[kind])


@pytest.mark.parametrize("kind", ["missing", "empty", "cut", "changed"])
@pytest.mark.parametrize("name", ["snapshot.json", "status.csv"])
def test_snapshot_that_was_half_copied_is_read_again_until_it_is_whole(share: Path, name: str, kind: str) -> None:
    file = snapshot(share, 1) / name
    good = file.read_bytes()
    damage(file, kind)
    if (name, kind) == ("snapshot.json", "changed"):
        file.write_bytes(good + b"}")
    damaged = read_history(share, update=True)
    assert {problem.file for problem in damaged.problems} == {f"SRV/{file.parent.name}/{name}"}
    assert [problem.file for problem in read_history(share, update=False).problems] == [
        problem.file for problem in damaged.problems
    ], "it is stored"
    file.write_bytes(good)
    history = read_history(share, update=True)
    assert history.problems == []
    assert_same(history, read_history(other := bare(share), update=True))
    assert store_files(share) == store_files(other)


def test_day_with_an_unreadable_snapshot_is_not_written_again_while_nothing_changes(
    share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (snapshot(share, 1) / "status.csv").unlink()
    first = read_history(share, update=True)
    with monkeypatch.context() as patched:
        patched.setattr(daystore, "write_whole", Mock(side_effect=AssertionError))
        assert read_history(share, update=True).problems == first.problems
    write(share, 1.5, status())
    assert read_history(share, update=True).problems == first.problems


def test_manifest_without_hashes_is_read_once_where_all_its_rows_are_there(
    share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewrite_manifest(snapshot(share, 1), sha256={})
    rewrite_manifest(snapshot(share, 2), sha256={}, tasks=7)
    update_store(share)
    read, real = [], daybuild._read
    monkeypatch.setattr(daybuild, "_read", lambda folder: read.append(folder) or real(folder))
    update_store(share)
    assert read == [snapshot(share, 2)], "rows of the other may still come"


@pytest.mark.parametrize("closed", ["snapshots/SRV", "snapshots/SRV/2026-11"])
def test_folder_that_cant_be_listed_is_a_problem_and_what_is_stored_of_it_stays(
    share: Path, monkeypatch: pytest.MonkeyPatch, closed: str
) -> None:
    whole = read_history(share, update=True)
    good = store_files(share)

    def refusing(real: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def refuse(path: Any) -> Any:
            if Path(path) == long_path(share) / closed:
                raise OSError(errno.EIO, "Input/output error", str(path))
            return real(path)

        return refuse

    with monkeypatch.context() as patched:
        for name in ("listdir", "scandir"):
            patched.setattr(os, name, refusing(getattr(os, name)))
        history = read_history(share, update=True)
        assert history.problems == [Problem(closed, "can't be listed (Input/output error)")]
        assert update_store(share) == history.problems
        assert history.coverage["server"].unique().tolist() == ["SECOND"]
        assert len(history.runs) == (whole.runs["server"] == "SECOND").sum()
        with pytest.raises(SnapshotError, match=r"can't be listed \(Input/output error\)"):
            read_history(share, server="SRV", update=True)
        assert len(read_history(share, server="SECOND", update=True).coverage) == len(HOURS)
    assert store_files(share) == good
    assert_same(read_history(share, update=True), whole)


def test_link_that_leads_nowhere_is_a_problem(share: Path) -> None:
    link(share / "snapshots" / "GONE", share / "nowhere")
    link(share / "snapshots" / "LOOP", share / "snapshots" / "LOOP")
    link(share / "snapshots" / "read me", __file__)
    assert [(problem.file, problem.what[:15]) for problem in read_history(share, update=True).problems] == [
        ("snapshots/GONE", "is a link that "),
        ("snapshots/LOOP", "can't be opened"),
    ]


@pytest.mark.parametrize("name", ["AAA", "SRVX"])
def test_server_without_a_readable_snapshot_does_not_hide_the_others(share: Path, name: str) -> None:
    whole = read_history(share, update=True)
    folder = write(share, 1, status(), server=name, definitions={LOAD: xml("secret.exe")})
    (folder / "snapshot.json").write_text("{", encoding="utf-8")
    history = read_history(share, update=True)
    assert [problem.file for problem in history.problems] == [f"{name}/{folder.name}/snapshot.json"]
    assert_same(history, whole)


# Damaged --------------------------------------------------------------------------------------------------------------


def other_file(share: Path, kind: str) -> Path:
    """Replace a stored day by a file that is whole, but of another server, other times or other columns."""
    store, day = open_store(share), ("SRV", "2026-11-20")
    place = store.file(day)
    assert place
    table = pq.read_table(io.BytesIO(place.read_bytes()))  # a mapped file could not be deleted on Windows
    if kind == "server":
        table = table.replace_schema_metadata(
            {daybuild.KEY: table.schema.metadata[daybuild.KEY].replace(b'"SRV"', b'"SECOND"')}
        )
    elif kind == "times":
        late = pa.array([moment + timedelta(days=1) for moment in table["last_seen"].to_pylist()], MOMENT)
        table = table.set_column(2, "last_seen", late)
    elif kind == "columns":
        table = table.drop_columns(["missed_runs"])
    elif kind == "snapshots":
        table = table.replace_schema_metadata(
            {daybuild.KEY: table.schema.metadata[daybuild.KEY].replace(b"20261120T13", b"20261120T23")}
        )
    elif kind == "records":
        table = table.replace_schema_metadata({daybuild.KEY: json.dumps({"version": daybuild.VERSION}).encode()})
    out = io.BytesIO()
    pq.write_table(table, out)
    place.unlink()
    file = DayFile.of(place.name)
    assert file
    place = place.with_name(str(file._replace(content=digest_of(out.getvalue()))))
    place.write_bytes(out.getvalue())
    return place


@pytest.mark.parametrize("kind", ["server", "times", "columns", "snapshots", "records"])
def test_whole_file_that_is_of_something_else_is_built_again(share: Path, kind: str) -> None:
    before = read_history(share, update=True)
    good = store_files(share)
    file = other_file(share, kind)
    history = read_history(share, update=True)
    assert [(problem.file, problem.what[:10]) for problem in history.problems] == [
        (f"history/{file.name}", "is damaged")
    ]
    assert_same(history, before)
    assert store_files(share) == good


def test_update_that_checks_builds_damaged_files_again(share: Path) -> None:
    update_store(share)
    good = store_files(share)
    file = share / sorted(good)[0]
    file.write_bytes(good[sorted(good)[0]] + b"x")
    assert update_store(share) == []
    (problem,) = update_store(share, check=True)
    assert problem == (f"history/{file.name}", "is damaged (its bytes have changed since it was written)")
    assert store_files(share) == good
    assert update_store(share, check=True) == []


@pytest.mark.parametrize("flips", [12, pytest.param(5000, marks=pytest.mark.slow)])
def test_a_single_flipped_bit_is_noticed_and_never_gives_another_history(tmp_path: Path, flips: int) -> None:
    for hour in (-13, -12, 0, 1):
        write(tmp_path, hour, status(last_run=hour - 0.5, code=hour % 3), definitions={LOAD: xml(f"{hour}.exe")})
    (tmp_path / "eventlogs" / "SRV").mkdir(parents=True)
    log = "".join(run_events(GUIDS[0])) + "<html>"
    (tmp_path / "eventlogs" / "SRV" / "log.xml").write_text(log, encoding="utf-8")
    before = read_history(tmp_path, update=True)
    good = store_files(tmp_path)
    assert len(good) == 2 + 3
    dice = random.Random(20261127)
    for _ in range(0, flips, len(good)):
        for name, content in good.items():  # one bit of each file
            flipped = bytearray(content)
            flipped[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
            (tmp_path / name).write_bytes(flipped)
        history = read_history(tmp_path, update=True)
        noticed = {Path(problem.file).name for problem in history.problems if "is damaged" in problem.what}
        assert noticed == {Path(name).name for name in good}
        assert_same(history, before)
        assert store_files(tmp_path) == good


def test_snapshot_in_the_folder_of_another_month_is_a_problem(share: Path) -> None:
    (share / "snapshots" / "SRV" / "2026-10").mkdir()
    name = "20261121T010000Z"
    snapshot(share, 13).rename(share / "snapshots" / "SRV" / "2026-10" / name)
    history = read_history(share, update=True)
    problem = Problem(f"snapshots/SRV/2026-10/{name}", "lies in the month 2026-10, so it is not used")
    assert history.problems == history.unread == [problem]
    assert len(history.coverage) == 2 * len(HOURS) - 1


def test_folders_named_almost_like_snapshots_are_ignored(share: Path) -> None:
    for name in ("20261131T000000Z", "20261120T999999Z", ".20261120T010000Z.7.tmp", "20261031T990000Z", "notes"):
        (share / "snapshots" / "SRV" / "2026-11" / name).mkdir()
    (share / "snapshots" / "SRV" / "old").mkdir()
    (share / "snapshots" / "read me.txt").touch()
    history = read_history(share, update=True)
    assert history.problems == []
    assert len(history.coverage) == 2 * len(HOURS)


# Not writable ---------------------------------------------------------------------------------------------------------


def expect_computed(share: Path, why: str) -> None:
    """The history of a share whose store can't be written is whole, and says why it is not stored."""
    history = read_history(share, update=True)
    (problem,) = history.problems
    assert problem.file == "history"
    assert why in problem.what
    assert_same(history, read_history(bare(share), update=True))


def test_without_a_place_to_write_all_is_computed(share: Path) -> None:
    (share / "history").write_text("a file", encoding="utf-8")
    expect_computed(share, "6 days not stored, because it can't be written (")


@pytest.mark.parametrize(
    ("written", "error", "why"),
    [
        (0, PermissionError(errno.EACCES, "Permission denied"), "6 days not stored, because it can't be written (Perm"),
        (2, OSError(errno.ENOSPC, "No space left on device"), "4 days not stored, because it can't be written (No spa"),
    ],
)
def test_what_was_written_before_an_error_stays_and_the_rest_is_computed(
    share: Path, monkeypatch: pytest.MonkeyPatch, written: int, error: OSError, why: str
) -> None:
    real, done = Path.replace, list[Path]()

    def fail(path: Path, target: Path) -> Path:
        if "share" in path.parts:
            if len(done) == written:
                raise error
            done.append(path)
        return real(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", fail)
        patched.setattr("taskanalysis.snapshot.paths.time", Clock())
        expect_computed(share, why)
    assert len(store_files(share)) == written
    assert list((share / "history").rglob("*.tmp")) == []
    assert read_history(share, update=True).problems == []


def test_reading_without_update_computes_what_is_missing_and_writes_nothing(share: Path) -> None:
    history = read_history(share, update=False)
    assert history.problems == []
    assert not (share / "history").exists()
    update_store(share)
    assert read_history(share, update=False).problems == []
    assert_same(read_history(share, update=False), history)


def test_complete_store_needs_no_permission(share: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    update_store(share)
    refused = PermissionError(errno.EACCES, "Permission denied")
    monkeypatch.setattr("taskanalysis.snapshot.paths.FileLock", Mock(side_effect=refused))
    assert read_history(share, update=True).problems == []


HOLD = """
import sys, time
from filelock import FileLock
with FileLock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


def test_while_another_process_writes_all_is_computed_and_its_death_frees_the_store(share: Path) -> None:
    (share / "history").mkdir()
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(share / "history" / ".lock")], stdout=subprocess.PIPE)
    try:
        assert holder.stdout
        assert holder.stdout.readline().strip() == b"held"
        (problem,) = update_store(share, wait=0.1)
        assert "6 days not stored, because another process is writing it" in problem.what
        assert store_files(share) == {}
    finally:
        holder.kill()
        holder.communicate()
    assert update_store(share, wait=0.1) == []
    assert len(store_files(share)) == 6


def test_leftovers_of_killed_processes_are_ignored_and_removed(share: Path) -> None:
    update_store(share)
    good = store_files(share)
    file = share / sorted(good)[0]
    rests = [
        file.with_name(f".{file.name}.123.tmp"),
        file.with_name(f"{file.name[:10]}.{'0' * 16}.parquet"),
        file.with_name(f"2025-01-01.{'0' * 16}.parquet"),
    ]
    for rest in rests:
        rest.write_bytes(b"half a file")
    assert read_history(share, update=False).problems == []
    update_store(share)
    assert [rest.name for rest in rests if rest.exists()] == []
    assert store_files(share) == good


def test_file_replaced_while_reading_is_no_problem(share: Path) -> None:
    update_store(share)
    store = open_store(share)
    write(share, 1.5, status())
    update_store(share)
    days, problems = load_days(store, store.wanted)
    assert problems == []
    assert len(days) == 6


# Killed ---------------------------------------------------------------------------------------------------------------


def large(data: Path) -> None:
    """Three servers, ten days, two snapshots a day."""
    for server in ("A", "B", "C"):
        for number in range(20):
            tasks = [status(f"\\T{task}", number // (task + 1) - 99, (number + task) % 3) for task in range(10)]
            write(data, number * 12 - 240, *tasks, server=server)


def forked(data: Path) -> int:
    """Start an update in a process of its own, from this one, which has all modules loaded."""
    child = os.fork()
    if not child:
        try:
            update_store(data)
        finally:
            os._exit(0)
    return child


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes; Windows has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_update_that_is_killed_at_any_moment_is_finished_by_the_next(tmp_path: Path) -> None:
    whole, data = tmp_path / "whole", tmp_path / "share"
    large(whole)
    for _ in range(3):  # the first takes longer: it loads what the later ones have
        shutil.rmtree(whole / "history", ignore_errors=True)
        began = time.perf_counter()
        update_store(whole)
        lasting = time.perf_counter() - began
    wanted, good = read_history(whole, update=True), store_files(whole)
    third = len(list_snapshots(whole)) // 3
    dice = random.Random(20261123)
    incomplete = turn = 0
    while turn < 120 or incomplete <= 50:  # killed in the middle, not before and after
        turn += 1
        assert turn < 600, f"of {turn} updates only {incomplete} were killed in the middle"
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(whole / "snapshots", data / "snapshots", copy_function=os.link)
        if turn % 4 > 1:  # a store that holds a part of each day
            for stored in dice.sample(list_snapshots(data), third):
                (aside := tmp_path / "aside").mkdir(exist_ok=True)
                stored.path.rename(aside / f"{stored.server}.{stored.path.name}")
            update_store(data)
            for folder in aside.iterdir():
                server, name = folder.name.split(".")
                folder.rename(data / "snapshots" / server / f"{name[:4]}-{name[4:6]}" / name)
        children = [forked(data) for _ in range(1 + turn % 2)]
        time.sleep(dice.uniform(0, lasting * 1.2))
        os.kill(children[0], signal.SIGKILL)
        was_incomplete = store_files(data).keys() != good.keys()
        incomplete += was_incomplete
        lasting *= 1.1 if was_incomplete else 0.9  # other tests of this machine may make it slower or faster
        if turn % 2:
            time.sleep(dice.uniform(0, lasting))
            os.kill(children[1], signal.SIGKILL)
        for child in children:
            os.waitpid(child, 0)
        history = read_history(data, update=True)
        assert history.problems == []
        assert_same(history, wanted)
        assert store_files(data) == good
        assert list((data / "history").rglob("*.tmp")) == []


def test_history_that_is_read_again_is_not_opened_again_unless_a_file_is_another(
    share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update_store(share)
    first = read_history(share, update=False)
    opened: list[str] = []

    def read_day(server: str, place: Path, *columns: object) -> Any:
        opened.append(place.name)
        return daybuild.read_day(server, place, *columns)

    monkeypatch.setattr(daystore, "read_day", read_day)
    assert_same(read_history(share, update=False), first)
    assert opened == []
    file = next((share / "history").rglob("*.parquet"))
    file.write_bytes(file.read_bytes()[:-9])
    again = read_history(share, update=False)
    assert opened == [file.name]
    assert [problem.file for problem in again.problems] == [f"history/{file.name}"]
