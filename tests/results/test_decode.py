"""Result codes: a table of what each means in its context, and what is refused."""

import csv
import math
import re

import pandas as pd
import pytest

from benchmarks import decoding as benchmark
from taskanalysis.results.decode import OF_WINDOWS, Outcome, Result, decode, unsigned
from tests.build import FILES, ROOT

TABLE = (FILES / "codes.txt").read_text(encoding="utf-8").splitlines()[2:]
OF_NO_PROGRAM = {*OF_WINDOWS, "convention"}
ROWS = [[cell.strip().replace(r"\x7c", "|") for cell in line.split("|")] for line in TABLE]


def read(row: list[str]) -> Result:
    code, line, state, ever_ran, source, *_ = row
    command, _, arguments = line.partition(" ")
    ran = {"yes": True, "no": False, "": None}[ever_ran]
    return decode(
        code, command=command, arguments=arguments, state=state or None, ever_ran=ran, source=source or "status"
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: " ".join(filter(None, row[:5])))
def test_code_in_its_context(row: list[str]) -> None:
    result = read(row)
    assert [result.outcome.value, result.certainty, result.basis] == row[5:]
    assert (result.code, result.hex) == (unsigned(row[0]), f"0x{result.code:08X}")
    assert re.fullmatch(r"[A-Za-z0-9].*\.", result.meaning)
    assert result.advice == "" or re.fullmatch(r"[A-Z].*\.", result.advice)


def test_table_is_long_and_has_no_row_twice() -> None:
    assert len(ROWS) >= 100
    assert len({tuple(row[:5]) for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("command", ["", "load.exe", "python.exe", "cmd.exe"])
def test_plain_exit_code_is_never_explained_as_an_error_of_windows(command: str) -> None:
    bases = {decode(code, command=command).basis for code in range(20_000)}
    assert not bases & {"win32", "hresult", "ntstatus", "scheduler"}


# What is a code -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [None, math.nan, float("nan"), pd.NA])
def test_no_code_is_no_code(code: object) -> None:
    found = decode(code)
    assert (found.code, found.hex, found.name, found.outcome) == (None, "", None, Outcome.UNKNOWN)


def test_no_code_of_a_task_that_runs_or_never_ran() -> None:
    assert decode(None, state="Running").outcome is Outcome.RUNNING
    assert decode(None, ever_ran=False).outcome is Outcome.NEVER_RAN


SAME = [-2147024894, 2147942402, 2147942402.0, "-2147024894", "2147942402", " 0x80070002 ", "2147942402.0"]
REFUSED = [True, False, "", "abc", "0x", "0x123456789", "1e3", "1_000", "١", 1.5, math.inf, 2**32, -(2**31) - 1, [1]]


@pytest.mark.parametrize("code", SAME)
def test_signed_unsigned_text_and_float_are_one_code(code: object) -> None:
    assert decode(code).code == 0x80070002


def test_codes_that_pandas_made_floats_beside_nan_are_read() -> None:
    codes = pd.Series([2147942402, None, 0])
    assert [decode(code).code for code in codes] == [0x80070002, None, 0]
    assert [decode(code).code for code in codes.astype("Int64")] == [0x80070002, None, 0]


@pytest.mark.parametrize("code", [*REFUSED, b"1", object()])
def test_anything_else_is_refused(code: object) -> None:
    with pytest.raises(ValueError, match="is not a result code"):
        decode(code)


def test_each_distinct_row_needs_one_call_only() -> None:
    frame = benchmark.rows(3_000)
    assert benchmark.each_case_once(frame) == benchmark.one_by_one(frame)


def test_benchmark_runs_at_a_small_size(capsys: pytest.CaptureFixture[str]) -> None:
    benchmark.main(500)
    assert "| each distinct case once | 500 |" in capsys.readouterr().out


def test_unknown_source_is_refused() -> None:
    with pytest.raises(ValueError, match="is not status, action or start"):
        decode(0, source="log")


# The table beside the module ------------------------------------------------------------------------------------------


def curated() -> list[dict[str, str]]:
    file = ROOT / "taskanalysis" / "results" / "codes.csv"
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


def test_curated_table_is_whole() -> None:
    rows = curated()
    assert len(rows) >= 150
    keys = [(row["table"], int(row["code"], 0)) for row in rows]
    assert len(set(keys)) == len(keys)
    for row in rows:
        assert row["outcome"] in {outcome.value for outcome in Outcome}
        assert row["certainty"] in {"certain", "likely", "guess"}
        assert re.fullmatch(r"[A-Za-z0-9].{8,139}\.", row["meaning"]), row
        assert row["advice"] == "" or re.fullmatch(r"[A-Z].{8,}\.", row["advice"]), row
        assert row["source"]
        assert row["advice"] or row["outcome"] not in ("failed", "not started", "stopped")


def test_every_program_of_the_office_has_its_table() -> None:
    names = {row["table"] for row in curated()}
    wanted = "python py robocopy cmd powershell pwsh msiexec wscript rscript git curl sqlcmd xcopy 7z"
    assert names >= set(wanted.split()) | OF_NO_PROGRAM


def test_every_row_is_what_decode_answers() -> None:
    for row in curated():
        table = row["table"]
        command = "" if table in OF_NO_PROGRAM else f"{table}.exe"
        found = decode(row["code"], command=command)
        if not (table == "wscript" and row["code"] == "0"):  # its 0 is known to hide
            assert (found.basis, found.meaning) == (table, row["meaning"])
