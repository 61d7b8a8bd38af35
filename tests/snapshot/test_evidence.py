r"""Files that tasks start and what they last wrote: kept beside the definitions, and never in their way."""

import hashlib
from pathlib import Path

import pytest

from taskanalysis.errors import Problem
from taskanalysis.snapshot import ProgramFile, read_snapshot
from taskanalysis.snapshot.evidence import PROGRAMS_HEADER, read_programs, said_last, text_of, write_programs
from taskanalysis.windows import read_wanted
from tests.build import LOAD, NOON, hours, rewrite_manifest, status, write, xml

ROWS = [
    ProgramFile(LOAD, 1, "program", r"C:\Python\python.exe", True, 99, NOON, "ab" * 32),
    ProgramFile(LOAD, 1, "script", 'D:\\jobs\\ä, "b"\n<i>.py', False),
    ProgramFile(LOAD, 2, "script", "=1+1 {{ 7*7 }}" + "x" * 10_000),
]


def test_files_come_back_as_they_were_written(tmp_path: Path) -> None:
    write(tmp_path, 0, status(), definitions={LOAD: xml()}, programs=ROWS, logs={LOAD: "Löschung\n\x00failed"})
    found = read_snapshot(tmp_path, now=NOON)
    assert (found.programs, found.logs, found.problems) == ({LOAD: ROWS}, {LOAD: "Löschung\n\x00failed"}, [])


def test_statuses_alone_have_the_files_of_the_last_definitions_and_no_older_log(tmp_path: Path) -> None:
    write(tmp_path, 0, status(), definitions={LOAD: xml()}, programs=ROWS, logs={LOAD: "old"})
    write(tmp_path, 1, status())
    found = read_snapshot(tmp_path, now=hours(1))
    assert (found.programs, found.logs) == ({LOAD: ROWS}, {})


def test_snapshot_without_evidence_knows_none(tmp_path: Path) -> None:
    write(tmp_path, 0, status(), definitions={LOAD: xml()})
    found = read_snapshot(tmp_path, now=NOON)
    assert (found.programs, found.logs, found.problems) == (None, {}, [])


@pytest.mark.parametrize("name", ["programs.csv", "logs/OpenData/Load.txt"])
@pytest.mark.parametrize("content", [None, b"changed"])
def test_damaged_evidence_is_a_problem_and_the_definitions_stay(
    name: str, content: bytes | None, tmp_path: Path
) -> None:
    place = write(tmp_path, 0, status(), definitions={LOAD: xml()}, programs=ROWS, logs={LOAD: "x"})
    (place / name).unlink()
    if content:
        (place / name).write_bytes(content)
    found = read_snapshot(tmp_path, now=NOON)
    assert found.programs == ({} if name == "programs.csv" else {LOAD: ROWS}), "what was changed is not believed"
    assert name.rpartition("/")[2] in {problem.file.rpartition("/")[2] for problem in found.problems}
    assert list(found.tasks) == [LOAD]
    assert [task.path for task in read_wanted(found).tasks] == [LOAD]
    assert read_wanted(found).problems == []


@pytest.mark.parametrize(
    "row",
    [
        "Load,1,program,x,,,,",
        r"\Load,one,program,x,,,,",
        r"\Load,1,tool,x,,,,",
        r"\Load,1,program,x,yes,,,",
        r"\Load,1,program,x,,many,,",
        r"\Load,1,program,x,,,2026-11-20,",
        r"\Load,1,program,x,,,,abc",
        r"\Load,1,program",
    ],
)
def test_row_that_is_wrong_is_a_problem_with_its_line(row: str, tmp_path: Path) -> None:
    file, problems = tmp_path / "programs.csv", list[Problem]()
    good = write_programs(ROWS[:1]).decode()
    file.write_text(good + row + "\r\n", encoding="utf-8", newline="")
    assert read_programs(file, hashlib.sha256(file.read_bytes()).hexdigest(), problems) == ROWS[:1]
    assert [problem.what.partition(":")[0] for problem in problems] == ["line 3"]


def test_header_is_that_of_the_data_dictionary() -> None:
    text = Path("data/README.md").read_text(encoding="utf-8")
    assert ",".join(PROGRAMS_HEADER) in text


def test_hash_that_the_manifest_lacks_is_no_evidence(tmp_path: Path) -> None:
    place = write(tmp_path, 0, status(), definitions={LOAD: xml()}, programs=ROWS)
    rewrite_manifest(place, sha256={})
    assert read_snapshot(tmp_path, now=NOON).programs is None


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ("", ""),
        ("\n \n", ""),
        ("one\ntwo\n\n", "two"),
        ("Traceback (most recent call last):\n  File 1\n    x()\nValueError: no rows\n", "ValueError: no rows"),
        (
            "Traceback (most recent call last):\n  a\nKeyError: 1\n\nDuring handling of the above exception:\n\n"
            "Traceback (most recent call last):\n  b\nTypeError: two\n\n[exit 1]\n",
            "TypeError: two",
        ),
        ("Traceback (most recent call last):\n  cut", "cut"),
    ],
)
def test_line_that_says_most(log: str, line: str) -> None:
    assert said_last(log) == line


GERMAN = "Löschung für die Straße: 3 Zeilen\r\n" * 3
RUSSIAN = "Ошибка: нет строк в таблице 12, код 7, шаг 3 из 9\r\n" * 3


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"\xff\xfe" + RUSSIAN.encode("utf-16-le"), RUSSIAN),
        (b"\xfe\xff" + RUSSIAN.encode("utf-16-be"), RUSSIAN),
        (b"\xef\xbb\xbf" + RUSSIAN.encode(), RUSSIAN),
        (RUSSIAN.encode("utf-16-le"), RUSSIAN),
        (GERMAN.encode("utf-16-be"), GERMAN),
        (b"\xff\xfe" + "a\0b".encode("utf-16-le"), "a\0b"),
        # cut within a character or a pair
        (RUSSIAN.encode("utf-16-le")[1:], RUSSIAN[1:]),
        (RUSSIAN.encode("utf-16-le")[:-1], RUSSIAN[:-1]),
        (b"\xff\xfe" + GERMAN.encode("utf-16-le")[:-1], GERMAN[:-1]),
        (RUSSIAN.encode()[1:], RUSSIAN[1:]),
        (RUSSIAN.encode() + "é".encode()[:1], RUSSIAN),
        ("naïve 😀".encode()[:-2], "naïve "),
        # filled with NULs by a crash
        (b"begin\r\n" + bytes(401) + "Löschung\r\n".encode(), "begin\r\nLöschung\r\n"),
        ((GERMAN + "\0" * 300 + GERMAN).encode("utf-16-le"), GERMAN + GERMAN),
        (b"\xff\xfe" + (GERMAN + "\0" * 300).encode("utf-16-le"), GERMAN),
        (b"load failed\r\n" + bytes(3000), "load failed\r\n"),
        (b"a\0b, c\0d\r\n", "a\0b, c\0d\r\n"),
        # some bytes of another program
        (b"caf\xe9\r\n" + GERMAN.encode(), "caf\ufffd\r\n" + GERMAN),
        (GERMAN.encode() + b"\x81 lost\r\n", GERMAN + "\ufffd lost\r\n"),
        # the console, and Windows itself
        (GERMAN.encode("cp850"), GERMAN),
        (GERMAN.encode("cp437"), GERMAN),
        (GERMAN.encode("cp1252"), GERMAN),
        ("Straße „Süd“ – 5 €".encode("cp1252"), "Straße „Süd“ – 5 €"),
        ("Système: accès refusé".encode("cp850"), "Système: accès refusé"),
        (RUSSIAN.encode("cp866"), RUSSIAN),
    ],
)  # fmt: skip
def test_text_of_a_log_reads_as_it_was_written(content: bytes, text: str) -> None:
    assert text_of(content) == text
