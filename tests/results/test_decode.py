"""Result codes: a table of what each means in its context, and what is refused."""

import csv
import math
import re

import pandas as pd
import pytest

from benchmarks import decoding as benchmark
from taskanalysis.results.decode import OF_WINDOWS, Outcome, Result, decode, unsigned
from tests.build import ROOT

# context counts here; that each row of codes.csv is answered is tested below
# code | command line | state | ever ran | source | outcome | certainty | basis
TABLE = r"""
0              |                                      |          |       |        | succeeded   | likely  | convention
1              |                                      |          |       |        | failed      | likely  | convention
2              |                                      |          |       |        | failed      | likely  | convention
3              |                                      |          |       |        | failed      | likely  | convention
255            |                                      |          |       |        | failed      | likely  | convention
256            |                                      |          |       |        | unknown     | guess   | none
259            |                                      |          |       |        | unknown     | guess   | convention
259            | python.exe load.py                   |          |       |        | unknown     | guess   | convention
77777          |                                      |          |       |        | unknown     | guess   | none
9009           |                                      |          |       |        | unknown     | guess   | none
9009           | cmd.exe /c D:\jobs\load.bat          |          |       |        | failed      | certain | cmd
9009           | D:\jobs\load.cmd                     |          |       |        | failed      | certain | cmd
0              | python.exe load.py                   | Ready    | yes   |        | succeeded   | certain | python
1              | C:\Python311\python.exe load.py      | Ready    | yes   |        | failed      | likely  | python
1              | pythonw load.py                      |          |       |        | failed      | likely  | python
1              | py -3 load.py                        |          |       |        | failed      | likely  | python
1              | python3.11.exe load.py               |          |       |        | failed      | likely  | python
2              | python.exe load.py                   |          |       |        | failed      | likely  | python
42             | python.exe load.py                   |          |       |        | failed      | likely  | convention
0              | robocopy.exe a b                     |          |       |        | succeeded   | certain | robocopy
3              | ROBOCOPY a b                         |          |       |        | succeeded   | certain | robocopy
7              | robocopy.exe a b                     |          |       |        | succeeded   | certain | robocopy
8              | robocopy.exe a b                     |          |       |        | failed      | certain | robocopy
16             | robocopy.exe a b                     |          |       |        | failed      | certain | robocopy
17             | robocopy.exe a b                     |          |       |        | failed      | likely  | convention
1              | cmd.exe /c robocopy a b              |          |       |        | succeeded   | certain | robocopy
1              | cmd /c "C:\Tools\robocopy.exe" a b   |          |       |        | succeeded   | certain | robocopy
1              | cmd /c "robocopy.exe a b"            |          |       |        | succeeded   | certain | robocopy
1              | cmd /s /c call robocopy a b          |          |       |        | succeeded   | certain | robocopy
1              | cmd /c robocopy a b >> x.log 2>&1    |          |       |        | succeeded   | certain | robocopy
2              | cmd /c robocopy "\\srv\R&D" b        |          |       |        | succeeded   | certain | robocopy
1              | cmd /s/c @robocopy a b               |          |       |        | succeeded   | certain | robocopy
1              | cmd /c cd /d D:\jobs && robocopy a b |          |       |        | succeeded   | certain | robocopy
1              | cmd /c del x && if exist y exit 1    |          |       |        | failed      | likely  | cmd
9009           | cmd /c python load.py                |          |       |        | failed      | certain | cmd
9009           | cmd /c robocop a b                   |          |       |        | failed      | certain | cmd
0x80070642     | load.exe                             |          |       | action | unknown     | guess   | none
0x80072331     | load.exe                             |          |       | action | unknown     | guess   | none
1              | cmd /c robocopy a b && del a         |          |       |        | failed      | likely  | cmd
1              | cmd /c robocopy a b & del a          |          |       |        | failed      | likely  | cmd
1              | cmd /c robocopy a b \x7c find "x"     |          |       |        | failed      | likely  | cmd
1              | cmd.exe /c load.bat                  |          |       |        | failed      | likely  | cmd
1              | powershell.exe -Command "robocopy"   |          |       |        | failed      | likely  | powershell
0xFFFD0000     | pwsh -File x.ps1                     |          |       |        | failed      | likely  | hresult
64             | pwsh -File x.ps1                     |          |       |        | failed      | likely  | pwsh
64             | powershell.exe -File x.ps1           |          |       |        | failed      | likely  | convention
103            | py -3 load.py                        |          |       |        | failed      | likely  | py
103            | python.exe load.py                   |          |       |        | failed      | likely  | convention
1              | D:\jobs\load.py                      |          |       |        | failed      | likely  | python
1              | D:\jobs\load.vbs                     |          |       |        | failed      | likely  | wscript
0xFFFD0000     |                                      |          |       |        | failed      | likely  | hresult
-196608        | powershell.exe -File x.ps1           |          |       |        | failed      | certain | powershell
0              | msiexec.exe /i x.msi                 |          |       |        | succeeded   | certain | msiexec
1603           | msiexec.exe /i x.msi                 |          |       |        | failed      | certain | msiexec
3010           |                                      |          |       |        | unknown     | guess   | none
1603           |                                      |          |       |        | unknown     | guess   | none
0              | wscript.exe x.vbs                    |          |       |        | succeeded   | likely  | convention
0              | conhost.exe --headless x             |          |       |        | succeeded   | likely  | convention
0              | cmd.exe /c start x.exe               |          |       |        | succeeded   | likely  | convention
1              | cscript.exe x.vbs                    |          |       |        | failed      | likely  | wscript
1              | Rscript.exe x.R                      |          |       |        | failed      | likely  | rscript
128            | git.exe pull                         |          |       |        | failed      | certain | git
6              | curl.exe https://host.example        |          |       |        | failed      | certain | curl
1              | sqlcmd.exe -i x.sql                  |          |       |        | failed      | likely  | sqlcmd
1              | xcopy.exe a b                        |          |       |        | failed      | guess   | xcopy
0              | xcopy.exe a b                        |          |       |        | succeeded   | certain | xcopy
1              | 7z.exe a x.7z                        |          |       |        | failed      | likely  | 7z
2              | 7za a x.7z                           |          |       |        | failed      | certain | 7z
267008         |                                      | Ready    | yes   |        | unknown     | certain | scheduler
267009         |                                      |          |       |        | running     | certain | scheduler
267009         |                                      | Running  | yes   |        | running     | certain | state
267009         |                                      | Ready    | yes   |        | unknown     | certain | state
267009         |                                      | Disabled | yes   |        | unknown     | certain | state
267009         | python.exe load.py                   |          | no    |        | running     | certain | scheduler
0              |                                      | Running  | yes   |        | running     | certain | state
267010         |                                      |          |       |        | unknown     | certain | scheduler
267011         |                                      |          |       |        | never ran   | certain | scheduler
267011         |                                      | Ready    | no    |        | never ran   | certain | last run
267011         |                                      | Ready    | yes   |        | unknown     | certain | last run
1              |                                      | Ready    | no    |        | never ran   | certain | last run
0              | robocopy.exe a b                     | Ready    | no    |        | never ran   | certain | last run
267014         |                                      | Ready    | yes   |        | stopped     | certain | scheduler
267014         | robocopy.exe a b                     | Ready    | yes   |        | stopped     | certain | scheduler
267045         |                                      | Queued   | yes   |        | unknown     | certain | scheduler
0x00041306     |                                      |          |       |        | stopped     | certain | scheduler
0x4131f        |                                      |          |       |        | unknown     | guess   | none
0x8004131F     |                                      |          |       |        | not started | guess   | scheduler
-2147216609    |                                      |          |       |        | not started | guess   | scheduler
0x800710E0     |                                      |          |       |        | not started | guess   | win32
-2147020576    |                                      |          |       |        | not started | guess   | win32
0x80070002     | python.exe load.py                   |          |       |        | not started | likely  | win32
-2147024894    |                                      |          |       |        | not started | likely  | win32
2147942402     |                                      |          |       | start  | not started | likely  | win32
2147942402     |                                      |          |       | action | failed      | likely  | convention
0x80070002     | python.exe load.py                   |          |       | action | failed      | likely  | python
0x80070001     | robocopy.exe a b                     |          |       | action | succeeded   | certain | robocopy
2147942401     | cmd.exe /c load.bat                  |          |       | action | failed      | likely  | cmd
0x80070BC2     | msiexec.exe /i x.msi                 |          |       | action | succeeded   | certain | msiexec
0x80072331     | load.bat                             |          |       | action | failed      | certain | cmd
0              | load.bat                             |          |       | action | succeeded   | likely  | cmd
267014         | load.bat                             |          |       | action | stopped     | certain | scheduler
0xC0000005     | load.exe                             |          |       | action | failed      | certain | ntstatus
0x8007052E     | robocopy.exe a b                     | Ready    | yes   |        | not started | certain | win32
2147943726     |                                      |          |       | start  | not started | certain | win32
-2147023570    |                                      |          |       |        | not started | certain | win32
0xC000013A     | python.exe load.py                   |          |       |        | stopped     | certain | ntstatus
0x40010004     |                                      |          |       |        | stopped     | certain | ntstatus
0xC0000142     |                                      |          |       |        | failed      | likely  | ntstatus
0xC0000005     | python.exe load.py                   |          |       |        | failed      | certain | ntstatus
-1073741819    |                                      |          |       |        | failed      | certain | ntstatus
0xE0434352     | load.exe                             |          |       |        | failed      | certain | hresult
-1             | load.exe                             |          |       |        | failed      | likely  | hresult
4294967295     |                                      |          |       |        | failed      | likely  | hresult
0xC0000233     |                                      |          |       |        | failed      | guess   | ntstatus
0x80090030     |                                      |          |       |        | failed      | guess   | ntstatus
0x800F0950     |                                      |          |       |        | unknown     | guess   | none
0x8007012F     |                                      |          |       |        | failed      | guess   | ntstatus
0x40000001     |                                      |          |       |        | unknown     | guess   | ntstatus
1              | cmd /c "C:\My Tools\robocopy.exe"    |          |       |        | succeeded   | certain | robocopy
1              | cmd /c ""C:\My Tools\robocopy" "a""  |          |       |        | succeeded   | certain | robocopy
0x12345678     |                                      |          |       |        | unknown     | guess   | none
"""
OF_NO_PROGRAM = {*OF_WINDOWS, "convention"}
ROWS = [[cell.strip().replace(r"\x7c", "|") for cell in line.split("|")] for line in TABLE.strip().splitlines()]


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
