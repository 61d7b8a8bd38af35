"""CSV files that spreadsheets read and that run nothing in them."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from taskanalysis.health.incidents import find_incidents
from taskanalysis.health.verdicts import judge
from taskanalysis.report import tables
from taskanalysis.report.files import save, save_status
from taskanalysis.snapshot.snapshot import Snapshot


def rows(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.reader(opened))


def test_status_json_has_its_keys_and_plain_values(sample: Snapshot, tmp_path: Path) -> None:
    judged = judge(sample)
    incidents = find_incidents(judged)
    frames = {
        "status": tables.status(sample, judged, incidents),
        "incidents": tables.incidents(sample, incidents),
        "problems": tables.problems(sample),
    }
    moment = datetime(2026, 11, 23, 12, tzinfo=UTC)
    (file,) = save_status(sample, frames, tmp_path, made_at=moment, stale_after=moment)
    said = json.loads(file.read_text(encoding="utf-8"))
    assert list(said) == [
        *("format", "version", "server", "taken_at", "made_at", "stale_after", "zone", "counts"),
        *("tasks", "incidents", "problems"),
    ]
    assert said["taken_at"] == "2026-11-23T06:02:00-05:00"
    assert said["made_at"] == said["stale_after"] == "2026-11-23T07:00:00-05:00"
    assert said["counts"]["FAILING"] == 12
    assert [len(said[name]) for name in ("tasks", "incidents", "problems")] == [49, 1, 0]
    row = next(each for each in said["tasks"] if each["task_path"] == r"\OpenData\Admin\Monthly archive")
    assert (row["last_run"], row["owner"], row["code"]) == ("never", None, 267011)
    assert save_status(sample, frames, "", made_at=moment, stale_after=moment) == []


def test_times_in_csv_have_their_offset(sample: Snapshot, tmp_path: Path) -> None:
    (file,) = save({"status": tables.status(sample, judge(sample))}, tmp_path)
    head, *others = rows(file)
    starts = {row[head.index("last_run")] for row in others}
    assert "never" in starts
    assert all(datetime.fromisoformat(start).tzinfo for start in starts - {"never"})


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1-1", "'+1-1"),
        ("-x", "'-x"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("-5", "-5"),
        ("+1.5", "+1.5"),
        ("-1e5", "-1e5"),
        ("1=1", "1=1"),
        (-5, "-5"),
        (True, "true"),
        (None, ""),
        (["=a", "b"], "'=a; b"),
    ],
)
def test_cell_is_no_formula(value: object, cell: str, tmp_path: Path) -> None:
    (file,) = save({"x": pd.DataFrame({"column": [value]}, dtype=object)}, tmp_path)
    assert rows(file) == [["column"], [cell]] or (cell == "" and rows(file) == [["column"], []])


def test_no_cell_of_the_hostile_tables_is_a_formula(hostile: Snapshot, tmp_path: Path) -> None:
    frames = {name: getattr(tables, name)(hostile) for name in ("inventory", "triggers", "actions")}
    for file in save(frames, tmp_path):
        cells = [cell for row in rows(file) for cell in row]
        assert cells
        assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []


def test_file_has_a_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    (file,) = save({"x": pd.DataFrame({"name": ["Größe"]})}, tmp_path / "new")
    assert file.read_bytes() == b"\xef\xbb\xbfname\r\n" + "Größe\r\n".encode()


def test_nothing_is_written_without_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert save({"x": pd.DataFrame({"a": [1]})}, "") == []
    assert list(tmp_path.iterdir()) == []


def test_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    old = pd.DataFrame({"a": [1]})
    save({"x": old}, tmp_path)

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no text")

    with pytest.raises(RuntimeError):
        save({"x": pd.DataFrame({"a": [Broken()]})}, tmp_path)
    assert rows(tmp_path / "x.csv") == [["a"], ["1"]]
    assert [file.name for file in tmp_path.iterdir()] == ["x.csv"]
