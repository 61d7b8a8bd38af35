"""Statuses in files of other programs: languages, code pages, times, cells, and what arrives broken."""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskanalysis.errors import Problem, SnapshotError
from taskanalysis.snapshot.foreign import decode_page, join_paths, read_statuses_file
from taskanalysis.snapshot.snapshot import read_snapshot
from taskanalysis.snapshot.status import STATES, STATUS_FIELDS, Status
from tests import build
from tests.snapshot.printed import (
    FILES,
    LANGUAGES,
    LOAD,
    MORNING,
    NIGHTLY,
    NOON,
    WANTED,
    Language,
    Write,
    as_csv,
    as_list,
    is_status_file,
    one,
    sample,
    wanted,
    whats,
)

EVENING = datetime(2026, 11, 25, 18)
CORPUS = build.CORPUS / "csv"
corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="the folder of real files is not here")


# Languages -----------------------------------------------------------------------------------------------------------


ENCODED = [
    (name, page)
    for name, language in LANGUAGES.items()
    for page in (*language.pages.split(), "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")
]


@pytest.mark.parametrize("layout", [as_csv, as_list])
@pytest.mark.parametrize(("name", "page"), ENCODED)
def test_every_language_reads_in_every_code_page_of_it(
    write: Write, name: str, page: str, layout: Callable[[Language, str], str]
) -> None:
    language = LANGUAGES[name]
    file = write(layout(language, page), page)
    found = read_statuses_file(file)
    assert is_status_file(file)
    assert found.statuses == wanted(language, page)
    assert len(found.statuses) >= 2
    assert (found.server, found.problems) == ("OPENDATA01", [])
    assert found.holds == {"state", "enabled", "last_run", "last_result", "next_run"}
    assert set(found.commands.values()) == {'cmd /c "D:\\a b.bat" 1'}
    assert found.taken_at == NOON


UNKNOWN = LANGUAGES["English"]._replace(
    names="|".join(f"имя{number}" for number in range(12)),
    ready="Тилбуид",
    running="Идет",
    disabled="Выкл",
    on="Вкл",
    off="Выкл",
    none="НД",
)


@pytest.mark.parametrize("layout", [as_csv, as_list])
def test_words_of_no_known_language_are_not_known_and_a_problem_each(
    write: Write, layout: Callable[[Language, str], str]
) -> None:
    found = read_statuses_file(write(layout(UNKNOWN, "utf-8")))
    assert found.statuses == {
        path: replace(status, state=status.state if status.state == "Disabled" else None)
        for path, status in WANTED.items()
    }
    assert whats(found) == [
        "'Тилбуид' is a word of no known language: state of 2 tasks not known",
        "'Идет' is a word of no known language: state of 1 task not known",
    ]


def test_word_that_rows_do_not_tell_is_not_learned(write: Write) -> None:
    language = UNKNOWN._replace(off="Отключ")  # disabled has two words
    found = read_statuses_file(write(as_csv(language, "utf-8")))
    assert [(each.state, each.enabled) for each in found.statuses.values()] == [(None, None)] * 4
    assert whats(found)[1] == "'Вкл' is a word of no known language: enabled of 3 tasks not known"
    planned = as_csv(UNKNOWN, "utf-8").replace('"НД","Выкл"', '"11/25/2026 06:00:00 PM","Выкл"')
    found = read_statuses_file(write(planned))
    assert found.statuses[NIGHTLY] == replace(WANTED[NIGHTLY], state=None, enabled=None, next_run=EVENING)


def test_one_word_for_all_tasks_is_not_learned(write: Write) -> None:
    language = UNKNOWN._replace(ready="Вкл", running="Идет")
    lines = as_csv(language, "utf-8").splitlines()
    for kept in ([line for line in lines if '"Выкл"' in line], [line.replace('"Вкл"', '"Выкл"') for line in lines]):
        found = read_statuses_file(write("\n".join([lines[0], *kept])))
        assert {(each.state, each.enabled) for each in found.statuses.values()} == {(None, None)}
        assert any(what.startswith("'Выкл' is a word of no known language") for what in whats(found))


def test_word_of_every_cell_is_not_that_of_disabled(write: Write) -> None:
    refused = as_csv(UNKNOWN._replace(disabled="НД", off="НД"), "utf-8")  # as of tasks whose properties were refused
    assert read_statuses_file(write(refused)).statuses[NIGHTLY] == replace(
        WANTED[NIGHTLY], state=None, enabled=None, next_run=None
    )


def test_word_for_no_next_run_is_learned_of_disabled_tasks_alone(write: Write) -> None:
    head = '"TaskName","TaskPath","State","NextRunTime"\n"A","\\","Ready","n.b."\n'
    known = read_statuses_file(write(head + '"B","\\","Disabled","n.b."\n'))
    assert [each.next_run for each in known.statuses.values()] == ["never", "never"]
    assert whats(known) == []
    found = read_statuses_file(write(head + '"B","\\","Ready","n.b."\n'))
    assert [each.next_run for each in found.statuses.values()] == [None, None]
    assert whats(found) == ["'n.b.' is a word of no known language: next run of 2 tasks not known"]


@pytest.mark.parametrize("later", [0, 60])
def test_newest_status_file_is_read_and_of_one_time_that_with_most_fields(tmp_path: Path, later: int) -> None:
    contents = {"a.csv": '"TaskName","LastRunTime"\n"Load","2026-11-24 06:00"\n'}
    contents["b.json"] = '[{"TaskName": "Load", "TaskPath": "\\\\Town\\\\", "State": "Ready", "LastTaskResult": 0}]'
    for name, text in contents.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        time = NOON.timestamp() + (later if name == "a.csv" else 0)
        os.utime(tmp_path / name, (time, time))
    found = read_snapshot(tmp_path)
    chosen, other = ("a.csv", "b.json") if later else ("b.json", "a.csv")
    assert list(found.statuses) == (["\\Load"] if later else ["\\Town\\Load"])
    assert Problem(other, f"holds statuses, not read: {chosen} is newer or holds more") in found.notes


def test_columns_that_no_row_has_are_named(write: Write) -> None:
    short = read_statuses_file(write('"TaskName","Next Run Time","Status"\n"\\A","N/A","Ready"\n'))
    (note,) = short.notes
    assert note.what.startswith("has no columns LastRunTime and LastTaskResult: export schtasks /query /v /fo csv")
    assert short.problems == []
    cut = read_statuses_file(write('"TaskName","Status","Last Run Time"\n"\\A","Ready","N/A"\n'))
    assert [note.what.partition(":")[0] for note in cut.notes] == [
        "has no column LastTaskResult",
        "has no column NextRunTime",
    ]


def test_word_of_two_columns_is_one_problem(write: Write) -> None:
    found = read_statuses_file(
        write('"TaskName","TaskPath","State","Enabled"\n"A","\\","Af","Af"\n"B","\\","Af","Af"\n')
    )
    assert whats(found) == ["'Af' is a word of no known language: state and enabled of 2 tasks not known"]


@pytest.mark.parametrize("page", ["cp850", "cp1252"])
def test_page_that_nothing_tells_is_a_problem_until_definitions_have_the_names(write: Write, page: str) -> None:
    text = '"TaskName","TaskPath","State"\n"Lé","\\","Ready"\n"Ú","\\","Ready"\n'
    found = read_statuses_file(write(text.encode(page)))
    assert any("letters of names may be wrong" in what for what in whats(found)) or list(found.statuses) == [
        "\\Lé",
        "\\Ú",
    ]
    join_paths(found, found.statuses)
    assert whats(found) == []


@pytest.mark.parametrize("name", ["Stra?en", "Stra\ufffden", "Stra├ƒen", "StraÃŸen", "StraΣen"])
def test_name_that_lost_letters_is_a_problem(write: Write, name: str) -> None:
    found = read_statuses_file(write(f'"TaskName","TaskPath","State"\n"{name}","\\","Ready"\n'))
    assert whats(found) == [f"the name \\{name} lost letters when it was written: export as UTF-8 or Unicode"]


@pytest.mark.parametrize("pages", [("utf-8", "cp1252"), ("cp1252", "cp850")])
def test_lost_letters_do_not_hide_what_a_word_means(write: Write, pages: tuple[str, str]) -> None:
    for language in (LANGUAGES["German"], LANGUAGES["French"], LANGUAGES["Spanish"]):
        text = as_csv(language, "cp1252").encode(pages[0]).decode(pages[1], errors="replace")
        lossy = as_list(language, "cp1252").encode("ascii", errors="replace")
        for content in (text, lossy):
            statuses = read_statuses_file(write(content)).statuses.values()
            states = [(status.state, status.enabled) for status in statuses]
            assert states == [("Ready", True), ("Running", True), ("Disabled", False)]


# Found by looking ----------------------------------------------------------------------------------------------------


def test_what_can_not_be_opened_is_a_snapshot_error(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere", tmp_path / "a\0b"):
        assert not is_status_file(path)
        with pytest.raises(SnapshotError):
            read_statuses_file(path)


# Times ---------------------------------------------------------------------------------------------------------------


def runs(*pairs: tuple[str, str]) -> str:
    rows = [f'"T{number}","\\","{last}","{next_}"' for number, (last, next_) in enumerate(pairs)]
    return "\n".join(['"TaskName","TaskPath","LastRunTime","NextRunTime"', *rows])


def test_each_task_with_an_unclear_or_odd_time_is_counted(write: Write) -> None:
    unclear = read_statuses_file(write(runs(*[("02/03/2026 06:00", "")] * 3)))
    assert whats(unclear) == ["day and month of 3 times are ambiguous: choose with --dates dmy or --dates mdy"]
    odd = read_statuses_file(write(runs(*[("soon", "23/11/2026 06:00")] * 2)))
    assert whats(odd) == [f"\\T{number}: last run 'soon' can't be read" for number in (0, 1)]
    assert [each.next_run for each in odd.statuses.values()] == [datetime(2026, 11, 23, 6)] * 2


def test_dates_decides_where_the_file_does_not(write: Write) -> None:
    file = write(runs(("02/03/2026 06:00", "02/04/2026 06:00"), ("05/05/2026 07:00", "")))
    silent = read_statuses_file(file)
    assert [each.last_run for each in silent.statuses.values()] == [None, datetime(2026, 5, 5, 7)]
    assert whats(silent) == ["day and month of 2 times are ambiguous: choose with --dates dmy or --dates mdy"]
    for order, first in (("dmy", datetime(2026, 3, 2, 6)), ("mdy", datetime(2026, 2, 3, 6))):
        found = read_statuses_file(file, dates=order)
        assert found.statuses["\\T0"].last_run == first
        assert found.problems == []
    with pytest.raises(SnapshotError, match="is not an order"):
        read_statuses_file(file, dates="ydm")


def test_years_of_another_calendar_are_a_problem_where_the_order_is_given(write: Write) -> None:
    thai = read_statuses_file(write(runs(("23/11/69 06:00", "25/11/69 06:00"))), dates="dmy")
    assert whats(thai) == [
        "--dates dmy gives years that are not near that of the file: they may be of another calendar"
    ]
    assert whats(read_statuses_file(write(runs(("23/11/26 06:00", ""))), dates="dmy")) == []
    assert whats(read_statuses_file(write(runs(("23/11/2016 06:00", ""))), dates="dmy")) == []


# Cells ---------------------------------------------------------------------------------------------------------------


def test_empty_cells_are_not_known_and_no_problem(write: Write) -> None:
    found = one(write)
    assert found.statuses == {"\\A": Status("\\A")}
    assert found.problems == []
    assert found.holds == set(STATUS_FIELDS) - {"enabled"}


@pytest.mark.parametrize(
    ("text", "last", "next_", "odd"),
    [
        ("N/A", "never", "never", 0),
        ("Nicht zutreffend", "never", "never", 0),
        ("Не применимо", None, None, 2),
        ("11/30/1999 12:00:00 AM", "never", "never", 0),
        ("12/30/1899 12:00:00 AM", "never", "never", 0),
        ("1999-12-31 23:59:59", "never", "never", 0),
        ("0001-01-01T00:00:00", "never", "never", 0),
        ("1/1/0001 12:00:00 AM", "never", "never", 0),
        ("2000-01-01 00:00:00", datetime(2000, 1, 1), datetime(2000, 1, 1), 0),
        ("????", None, None, 2),
        ("week 7", None, None, 2),
    ],
)
def test_never_is_told_from_not_known(write: Write, text: str, last: object, next_: object, odd: int) -> None:
    found = one(write, LastRunTime=text, NextRunTime=text)
    status = found.statuses["\\A"]
    assert (status.last_run, status.next_run) == (last, next_)
    assert len(found.problems) == odd
    read, word = f"'{text}' can't be read", f"'{text}' is a word of no known language: next run of 1 task not known"
    assert all(what == word or (read in what and what.startswith("\\A: ")) for what in whats(found))


@pytest.mark.parametrize(
    ("text", "code", "odd"),
    [
        ("0", 0, 0),
        ("267011", 267011, 0),
        ("-2147024894", 2147942402, 0),
        ("2147942402", 2147942402, 0),
        ("0x80070002", 2147942402, 0),
        ("0X1", 1, 0),
        ("-1", 2**32 - 1, 0),
        ("007", 7, 0),
        ("4294967295", 2**32 - 1, 0),
        ("4294967296", None, 1),
        ("-2147483649", None, 1),
        ("1.0", None, 1),
        ("٣", None, 1),
        ("N/A", None, 0),
    ],
)
def test_results_are_unsigned(write: Write, text: str, code: int | None, odd: int) -> None:
    found = one(write, LastTaskResult=text)
    assert found.statuses["\\A"].last_result == code
    assert len(found.problems) == odd


# What arrives broken -------------------------------------------------------------------------------------------------


def test_same_task_with_another_value_is_a_problem_and_the_first_counts(write: Write) -> None:
    text = runs(("2026-11-24 06:00", ""), ("2026-11-24 07:00", ""), ("2026-11-24 06:00", ""))
    found = read_statuses_file(write(re.sub(r'"T\d"', lambda name: '"t"' if "1" in name[0] else '"T"', text)))
    assert found.statuses == {"\\T": Status("\\T", last_run=MORNING)}
    assert whats(found) == ["\\T is listed again with another last_run; the first row is used"]


def test_rows_of_a_second_server_are_left_out_and_counted(write: Write) -> None:
    lines = as_csv(LANGUAGES["English"], "utf-8").splitlines()
    other = [line.replace("OPENDATA01", "OPENDATA02") for line in lines[1:]]
    found = read_statuses_file(write("\n".join([*lines, *other])))
    assert found.statuses == WANTED
    assert whats(found) == ["8 rows of other servers than OPENDATA01 left out: --server OPENDATA02"]
    assert found.others == ("OPENDATA02",)


def test_rows_without_a_server_are_of_none_that_others_name(write: Write) -> None:
    lines = as_csv(LANGUAGES["English"], "utf-8").splitlines()
    nobodys = [line.replace("OPENDATA01", "").replace("\\Load", "\\Else") for line in lines[1:3]]
    found = read_statuses_file(write("\n".join([*lines, *nobodys])))
    assert found.statuses == WANTED
    assert whats(found) == ["2 rows without the name of a server left out, as others have one"]
    assert len(read_statuses_file(write("\n".join([lines[0], *nobodys]))).statuses) == 1


@pytest.mark.parametrize("name", ["", "\x07bell", "\\"])
def test_row_without_a_task_path_is_a_problem(write: Write, name: str) -> None:
    found = read_statuses_file(write(f'"TaskName","TaskPath"\n"{name}","{"" if name else "x"}"\n"A","\\"\n'))
    assert list(found.statuses) == ["\\A"]
    assert re.fullmatch("'.*' is not a task path", *whats(found))


def test_problems_do_not_grow_without_end(write: Write) -> None:
    rows = "\n".join(f'"A{number}","\\","x7{number}"' for number in range(1000))
    found = read_statuses_file(write('"TaskName","TaskPath","LastRunTime"\n' + rows))
    assert len(found.problems) == 201
    assert whats(found)[-1] == "further problems (800 times)"


def check_read_or_refused(file: Path) -> None:
    """What is read is sound; else nothing but SnapshotError."""
    is_status_file(file)
    try:
        found = read_statuses_file(file, zone="Europe/Berlin")
    except SnapshotError:
        return
    for path, status in found.statuses.items():
        assert re.match(r"\\[^\\]", path)
        assert status.path == path
        assert status.state in (None, *STATES)
        assert status.last_result is None or 0 <= status.last_result < 2**32
        for time in (status.last_run, status.next_run):
            assert time in (None, "never") or (isinstance(time, datetime) and time.tzinfo)


SAMPLES = [path.read_bytes() for path in sorted(FILES.iterdir())]
SAMPLES += [
    as_csv(language, page).encode(page) for language in LANGUAGES.values() for page in language.pages.split()[-1:]
]


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400)
@given(
    content=st.sampled_from(SAMPLES)
    | st.binary(max_size=400)
    | st.text(st.sampled_from('"\\,;:=\r\n\0\t ACTaskNmePth?|1/202')).map(str.encode),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), st.binary(max_size=6)), max_size=8),
    encoding=st.sampled_from(["", "utf-16", "utf-16-le"]),
)
def test_any_bytes_and_any_damaged_sample_give_statuses_or_a_snapshot_error(
    write: Write, content: bytes, changes: list[tuple[float, int, bytes]], encoding: str
) -> None:
    if encoding:
        content = decode_page(content).encode(encoding, errors="replace")
    for place, length, new in changes:
        at = int(place * len(content))
        content = content[:at] + new + content[at + length :]
    check_read_or_refused(write(content))


# Joined to definitions -----------------------------------------------------------------------------------------------


def test_statuses_take_the_names_of_their_definitions(write: Write) -> None:
    found = read_statuses_file(write(sample("powershell5.csv")))
    known = ["\\opendata\\LOAD", "\\OpenData\\Straßen übertragen", "\\OpenData\\Other"]
    join_paths(found, known)
    assert sorted(found.statuses) == ["\\Heartbeat", "\\OpenData\\Straßen übertragen", "\\opendata\\LOAD"]
    assert all(path == status.path for path, status in found.statuses.items())
    found = read_statuses_file(write(sample("script_status.csv")))
    join_paths(found, [LOAD.upper()])
    assert LOAD.upper() in found.commands


def test_lost_letters_that_fit_two_tasks_stay_lost(write: Write) -> None:
    found = read_statuses_file(write('"TaskName","TaskPath"\n"?b","\\"\n"??","\\"\n'))
    join_paths(found, ["\\äb", "\\öb", "\\😀"])
    assert sorted(found.statuses) == ["\\?b", "\\😀"]
    found = read_statuses_file(write('"TaskName","TaskPath"\n"ÄB","\\"\n'))
    join_paths(found, ["\\äb", "\\öb"])
    assert list(found.statuses) == ["\\äb"]


# Real files ----------------------------------------------------------------------------------------------------------


@corpus
def test_real_csv_of_tasks_alone_knows_nothing_of_them() -> None:
    file = CORPUS / "MSFT_TaskEventTrigger_brianary.csv"
    rows = pd.read_csv(file)
    paths = set(rows["TaskPath"] + rows["TaskName"])
    found = read_statuses_file(file)
    assert found.statuses == {path: Status(path) for path in paths}
    assert len(paths) == 14
    assert (found.holds, found.problems) == (frozenset(), [])


REAL = r"\resticprofile backup\self backup"
REAL_CSV = Status(REAL, "Ready", True, datetime(2025, 2, 13, 17, 15), 0x80070002, datetime(2025, 2, 13, 17, 30))
REAL_LIST = Status(REAL, "Ready", True, datetime(2025, 8, 4, 21, 0, 1), 1, datetime(2025, 8, 4, 21, 15))


@corpus
@pytest.mark.parametrize(
    ("name", "server", "status", "command"),
    [
        ("resticprofile_csvOutput.csv", "WIN-7060", REAL_CSV, " --config examples\\windows.yaml "),
        ("resticprofile_listOutput.txt", "WIN-5NMJF0VS8OR", REAL_LIST, ' --config "examples\\other windows.yaml" '),
    ],
)
def test_real_output_of_schtasks_reads(name: str, server: str, status: Status, command: str) -> None:
    found = read_statuses_file(CORPUS / name, dates="dmy")
    assert (found.server, found.statuses, found.problems) == (server, {REAL: status}, [])
    assert command in found.commands[REAL]
    silent = read_statuses_file(CORPUS / name)
    ambiguous = replace(status, last_run=None, next_run=None) if status is REAL_LIST else status
    assert (silent.statuses, len(silent.problems)) == ({REAL: ambiguous}, status is REAL_LIST)


@corpus
def test_real_table_is_refused() -> None:
    with pytest.raises(SnapshotError, match="looks like schtasks /fo table"):
        read_statuses_file(CORPUS / "schtasks_table_en_SuspectedDorkBot.txt")


def excerpts() -> dict[int, str]:
    text = (CORPUS / "localized_and_quirky_excerpts.md").read_text(encoding="utf-8")
    sections = re.split(r"^## (\d+)\. ", text, flags=re.MULTILINE)[1:]
    pairs = zip(sections[::2], sections[1::2], strict=True)
    return {
        int(number): found[1] for number, body in pairs if (found := re.search(r"^```\n(.*?)^```", body, re.S | re.M))
    }


@corpus
@pytest.mark.parametrize(
    ("number", "status", "pages"),
    [
        (1, Status("\\fzuZbSwfXc", "Ready", True, "never", 267011, "never"), "utf-8 cp437 utf-16"),
        (5, Status("\\burp cron", "Ready", True, datetime(2015, 2, 12, 15, 40), 0, datetime(2015, 2, 12, 16)),
         "utf-8 cp852 cp1250"),
        (7, Status("\\OpenClaw Gateway", "Ready", None, datetime(2026, 9, 3, 1, 23, 45), 0), "utf-8 cp932"),
        (9, Status(r"\resticprofile backup\default backup", None, None, datetime(2026, 4, 19, 12, 39, 25), 0,
                   datetime(2026, 4, 19, 13), 0), "utf-8"),
    ],
)  # fmt: skip
def test_real_excerpts_read(write: Write, number: int, status: Status, pages: str) -> None:
    for page in pages.split():
        found = read_statuses_file(write(excerpts()[number], page))
        assert (list(found.statuses.values()), found.problems) == ([status], [])


@corpus
def test_real_header_without_rows_is_read_and_error_lines_alone_are_not(write: Write) -> None:
    found = read_statuses_file(write(excerpts()[3], "gbk"))
    assert (found.statuses, found.problems) == ({}, [])
    with pytest.raises(SnapshotError, match="holds no statuses"):
        read_statuses_file(write(excerpts()[4]))
