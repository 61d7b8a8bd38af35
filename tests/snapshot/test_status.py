"""status.csv: read back as it was written, each wrong row a problem."""

import shutil
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskanalysis.snapshot.snapshot import read_snapshot
from taskanalysis.snapshot.status import STATES, Status
from tests.build import rewrite_manifest
from tests.snapshot.samples import EASTERN, STATUSES, write

SECONDS = st.integers(10**9, 3 * 10**10).map(lambda second: datetime.fromtimestamp(second, EASTERN))

MOMENTS = st.none() | st.just("never") | SECONDS

PATHS = st.text(st.characters(exclude_characters="\\", exclude_categories=["Cs"]), min_size=1).map(
    lambda name: "\\" + name
)

NUMBERS = st.none() | st.integers(0, 2**32 - 1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    st.builds(
        Status, PATHS, st.sampled_from([None, *STATES]), st.none() | st.booleans(), MOMENTS, NUMBERS, MOMENTS, NUMBERS
    )
)
def test_any_status_reads_back_as_it_was_written(tmp_path: Path, status: Status) -> None:
    shutil.rmtree(tmp_path / "snapshots", ignore_errors=True)
    found = read_snapshot(write(tmp_path, 0, status, definitions=None))
    assert list(found.statuses.values()) == [status]
    assert found.problems == []


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
        ("\\B,Ready,true,0001-01-01T00:00:00+14:00,0,,0", "line 3: time '0001-01-01T00:00:00+14:00' is out of range"),
        ("\\B,Ready,true,never,-1,never,0", "line 3: '-1' is not a number from 0 to 4294967295"),
        ("\\B,Ready,true,never,4294967296,never,0", "line 3: '4294967296' is not a number from 0 to 4294967295"),
        ("\\B,Ready,true,never,0x1,never,0", "line 3: '0x1' is not a number from 0 to 4294967295"),
        ("\\B,Ready,true,never,0,never,٣", "line 3: '٣' is not a number from 0 to 4294967295"),
        ("\\A,Ready,true,never,0,never,0", "line 3: \\A is listed twice"),
    ],
)
def test_bad_status_row_is_a_problem_and_the_others_are_read(tmp_path: Path, row: str, what: str) -> None:
    folder = write(tmp_path)
    header = "Path,State,Enabled,LastRunTime,LastTaskResult,NextRunTime,NumberOfMissedRuns"
    (folder / "status.csv").write_bytes("\r\n".join([header, "\\A,,,,,,", row, "\\Z,,,,,,", ""]).encode())
    rewrite_manifest(folder, sha256={})
    found = read_snapshot(folder)
    assert found.problems == [("status.csv", what)]
    assert sorted(found.statuses) == ["\\A", "\\Z"]


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
    rewrite_manifest(folder, sha256={})
    found = read_snapshot(folder)
    assert [problem.what[: len(what)] for problem in found.problems] == [what]
    assert (found.statuses, found.holds, len(found.tasks)) == ({}, {"definitions"}, 2)


def test_byte_order_mark_and_blank_lines_of_an_editor_do_no_harm(tmp_path: Path) -> None:
    folder = write(tmp_path)
    file = folder / "status.csv"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes() + b"\r\n")
    rewrite_manifest(folder, sha256={})
    assert tuple(read_snapshot(folder).statuses.values()) == STATUSES
