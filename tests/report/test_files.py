"""CSV files that spreadsheets read and that run nothing in them."""

import csv
import io
import re
import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from taskanalysis.report.files import csv_parts, save
from taskanalysis.report.status import StatusPage
from taskanalysis.snapshot.snapshot import Snapshot
from tests.build import HOSTILE


def rows(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.reader(opened))


def test_times_in_csv_have_their_offset(sample: Snapshot, tmp_path: Path) -> None:
    file, _ = save({"status": StatusPage(sample).tasks.frame}, tmp_path)
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
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("\tx", "'\tx"),
        (" =1+1", " '=1+1"),
        ("x;=1+1;y", "x;'=1+1;y"),
        ("x; =1+1", "x; '=1+1"),
        ("x,=1+1", "x,'=1+1"),
        ("x\t=1+1", "x\t'=1+1"),
        ("x|=1+1", "x|'=1+1"),
        ("x\n=1+1", "x\n'=1+1"),
        ("x\r\n@A1", "x\r\n'@A1"),
        ('x;"=1+1"', 'x;"\'=1+1"'),
        ('"x;=1+1"', '"x;\'=1+1"'),
        ("x;-1+1|+2;@a", "x;'-1+1|'+2;'@a"),
        ("x;\uff1d1", "x;'\uff1d1"),
        ("x;;=1", "x;;'=1"),
        ("x; -5; +1.5; -1e5;y", "x; -5; +1.5; -1e5;y"),
        ("x, -5; y", "x, '-5; y"),
        ("-5;6", "'-5;6"),
        ('a "=1" b -c', 'a "=1" b -c'),
        ("a=b;c=-d", "a=b;c=-d"),
        ("/x:1 -y --z", "/x:1 -y --z"),
        ("-5", "-5"),
        ("+1.5", "+1.5"),
        ("-1e5", "-1e5"),
        ("1=1", "1=1"),
        (-5, "-5"),
        (True, "true"),
        (None, ""),
        (["=a", "b"], "'=a; b"),
        (["a", "=b"], "a; '=b"),
    ],
)
def test_cell_is_no_formula(value: object, cell: str, tmp_path: Path) -> None:
    file, _ = save({"x": pd.DataFrame({"column": [value]}, dtype=object)}, tmp_path)
    assert rows(file) == [["column"], [cell]] or (cell == "" and rows(file) == [["column"], []])


def test_file_has_a_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    file, _ = save({"x": pd.DataFrame({"name": ["Größe"]})}, tmp_path / "new")
    assert file.read_bytes() == b"\xef\xbb\xbfname\r\n" + "Größe\r\n".encode()


def test_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    old = pd.DataFrame({"a": [1]})
    save({"x": old}, tmp_path)

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no text")

    with pytest.raises(RuntimeError):
        save({"x": pd.DataFrame({"a": [Broken()]})}, tmp_path)
    assert rows(tmp_path / "x.csv") == [["a"], ["1"]]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["x.csv", "x.parquet"]


def test_each_kind_of_column_is_written_as_its_values_are() -> None:
    texts = [*HOSTILE, *HOSTILE.values(), 'a "b", c', "two\nlines", "-5", "--password S3cret", ""]
    texts += ["{11111111-2222-3333-4444-555555555555}", "+x"]
    number = len(texts)
    zone = ZoneInfo("America/New_York")
    moments = pd.date_range("2026-10-31", periods=number, freq="2h", tz="UTC").to_series().reset_index(drop=True)
    frame = pd.DataFrame(
        {
            "text": pd.Series(texts, dtype="category"),
            "at": moments.where(np.arange(number) % 3 > 0),
            "seconds": np.where(np.arange(number) % 2, 1.5, np.nan),
            "code": pd.array([None if n % 4 else n for n in range(number)], "UInt32"),
            "yes": np.arange(number) % 2 == 0,
        }
    )
    one_by_one = frame.assign(at=frame["at"].dt.tz_convert(zone)).astype(object)
    file = b"".join(csv_parts(frame, zone))
    assert file == b"".join(csv_parts(one_by_one))
    head, *cells = csv.reader(file.decode("utf-8-sig").splitlines(keepends=True))
    assert head == list(frame.columns)
    assert [row[1:] for row in cells[:5]] == [
        ["", "", "0", "true"],
        ["2026-10-30T22:00:00-04:00", "1.5", "", "false"],
        ["2026-10-31T00:00:00-04:00", "", "", "true"],
        ["", "1.5", "", "false"],
        ["2026-10-31T04:00:00-04:00", "", "4", "true"],
    ]
    assert {row[1][-6:] for row in cells} == {"", "-04:00", "-05:00"}
    assert "S3cret" not in file.decode()


def test_long_file_is_that_of_its_parts() -> None:
    long = pd.DataFrame({"a": np.arange(250_000), "b": "x"})
    text = b"".join(csv_parts(long)).decode("utf-8-sig")
    assert text.splitlines() == ["a,b", *(f"{number},x" for number in range(250_000))]


def test_columns_of_few_texts_are_written_as_they_stand() -> None:
    dice, number = np.random.default_rng(3), 2_000
    few = pd.DataFrame(
        {
            "same": pd.Categorical(["A"] * number),
            "text": pd.Categorical(dice.choice(['a "b", c', "two\nlines", "=1", "plain"], number)),
            "many": np.arange(number),
            "unknown": pd.Series([pd.NaT] * number, dtype="datetime64[us, UTC]"),
            "code": pd.array(dice.choice([0, 1, None], number), "UInt32"),
            "yes": dice.choice([True, False], number),
            "seconds": dice.choice([0.5, np.nan], number),
        }
    )
    file = b"".join(csv_parts(few))
    pieces = [b"".join(csv_parts(few[begin : begin + 5])) for begin in range(0, number, 5)]  # too few rows to combine
    head = pieces[0][: pieces[0].index(b"\n") + 1]
    assert file == head + b"".join(piece.removeprefix(head) for piece in pieces)
    assert len({len(row) for row in csv.reader(file.decode("utf-8-sig").splitlines(keepends=True))}) == 1


FORMULA = re.compile(r"[=+\-@\uff1d\uff0b\uff0d\uff20]")
NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?")
TEXTS = st.text(alphabet="=+-@\uff1d19eax\"',;|\t\r\n ", max_size=12)


@given(TEXTS)
def test_no_spreadsheet_finds_a_formula_whatever_separates(text: str) -> None:
    # a quotation mark that begins a text is no formula, and only the comma is a separator before it
    assume(not re.match(r'\s*"[\s"]*[^\s",;|]', text))
    file = b"".join(csv_parts(pd.DataFrame([["x", text, "x"]], columns=["a", "b", "c"], dtype=object)))
    content = file.decode("utf-8-sig").partition("\r\n")[2]
    for separator in ",;\t|":
        for quotes in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
            for row in csv.reader(io.StringIO(content, newline=""), delimiter=separator, quoting=quotes):
                for cell in row:
                    plain = cell.strip(' "\r\n\t').removesuffix(",x").rstrip(' "')
                    assert not FORMULA.match(plain) or NUMBER.fullmatch(plain), cell


def test_ten_thousand_separators_take_no_time() -> None:
    for piece in ("\t", ";", ' "', "=", "; =", "-1;", "+1 "):
        began = time.process_time()
        list(csv_parts(pd.DataFrame({"a": [piece * 10_000]})))
        assert time.process_time() - began < 1
