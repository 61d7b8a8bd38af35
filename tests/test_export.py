"""CSV files that spreadsheets read and that run nothing in them."""

import csv
from pathlib import Path

import pandas as pd
import pytest

from taskanalysis import tables
from taskanalysis.export import save
from taskanalysis.snapshot import Snapshot


def rows(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.reader(opened))


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
