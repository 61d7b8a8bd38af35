"""Layouts: CSV, LIST and the exports of PowerShell, whole or damaged; tables are refused."""

import csv
import random
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from taskanalysis.errors import SnapshotError
from taskanalysis.snapshot.foreign import read_statuses_file, status_files
from taskanalysis.snapshot.snapshot import read_snapshot
from taskanalysis.snapshot.status import Status
from tests.snapshot.printed import (
    FILES,
    LANGUAGES,
    LOAD,
    MORNING,
    NIGHTLY,
    WANTED,
    Write,
    as_csv,
    as_list,
    is_status_file,
    sample,
    wanted,
    whats,
)


def test_columns_of_another_order_are_read_by_name(write: Write) -> None:
    head, *rows = (line.split('","') for line in as_csv(LANGUAGES["English"], "utf-8").splitlines())
    moved = [[*row[:5], row[12], row[5], row[6], *row[7:12], *row[13:]] for row in (head, *rows)]
    found = read_statuses_file(write("\n".join('","'.join(row) for row in moved)))
    assert found.statuses == WANTED


def test_schtasks_csv_with_quotes_commas_and_comments_that_span_lines(write: Write) -> None:
    found = read_statuses_file(write(sample("english.csv"), "utf-16"))
    assert found.statuses == {
        LOAD: Status(LOAD, "Ready", True, MORNING, 0, datetime(2026, 11, 25, 6)),
        NIGHTLY: Status(NIGHTLY, "Disabled", False, "never", 267011, "never"),
    }
    assert found.problems == []
    assert found.commands == {NIGHTLY: 'robocopy "D:\\Permits" "E:\\Permits" /MIR'}  # the other can't be told


def test_comment_may_hold_many_quotes_and_commas_before_it_goes_on(write: Write) -> None:
    lines = as_csv(LANGUAGES["English"], "utf-8").splitlines()
    lines[2] = lines[2].replace('"N/A","Enabled"', '"' + 'x","' * 30 + 'y\nand "so" on","Enabled"')
    found = read_statuses_file(write("\n".join(lines)))
    assert (found.statuses, found.problems) == (WANTED, [])


def test_inner_quotes_may_be_doubled(write: Write) -> None:
    text = as_csv(LANGUAGES["English"], "utf-8").replace('"D:\\a b.bat"', '""D:\\a b.bat"",""x""')
    found = read_statuses_file(write(text))
    assert found.statuses == WANTED
    assert set(found.commands.values()) == {'cmd /c "D:\\a b.bat","x" 1'}


def test_schtasks_csv_without_header_is_read_by_position(write: Write) -> None:
    lines = as_csv(LANGUAGES["German"], "utf-8").splitlines()[1:]
    assert read_statuses_file(write("\n".join(lines))).statuses == WANTED
    short = '"\\Load","25.11.2026 06:00:00","Bereit"\n"\\B","Nicht zutreffend","Deaktiviert"\n'
    assert read_statuses_file(write(short)).statuses == {
        "\\Load": Status("\\Load", "Ready", next_run=datetime(2026, 11, 25, 6)),
        "\\B": Status("\\B", "Disabled", False, next_run="never"),
    }


def test_three_columns_of_an_unknown_language_are_those_of_schtasks_only_where_they_look_so(write: Write) -> None:
    head = '"Heiti","Keyrt","Staða"\n'
    past = read_statuses_file(write(head + '"\\A","23.11.2026 06:00:00","Bereit"\n"\\B","N/A","Tilbúið"\n'))
    assert past.statuses == {"\\A": Status("\\A", "Ready"), "\\B": Status("\\B")}
    assert whats(past)[0] == "its times are of a column in no known language, and none is later than the file: left out"
    planned = read_statuses_file(write(head + '"\\A","25.11.2026 06:00:00","Bereit"\n"\\B","N/A","Bereit"\n'))
    assert [status.next_run for status in planned.statuses.values()] == [datetime(2026, 11, 25, 6), "never"]
    with pytest.raises(SnapshotError, match="holds no statuses"):
        read_statuses_file(write(head + '"\\A","23.11.2026 06:00:00","1"\n"\\B","23.11.2026 06:00:00","0"\n'))


def test_list_of_five_lines_is_that_of_schtasks_only_where_the_fourth_is_a_word(write: Write) -> None:
    assert not is_status_file(
        write("Имя:      SRV\nЗадача:   \\A\nЗапуск:  2026-11-23 06:00\nИтог:   1\nВход:     x\n")
    )


def test_short_csv_holds_next_run_and_state_only(write: Write) -> None:
    text = '\n"TaskName","Next Run Time","Status"\n"\\Load","11/25/2026 6:00:00 AM","Queued"\n'
    found = read_statuses_file(write(text))
    assert found.statuses == {"\\Load": Status("\\Load", "Queued", None, next_run=datetime(2026, 11, 25, 6))}
    assert found.holds == {"state", "next_run"}
    assert (found.server, found.commands) == ("", {})


def test_list_with_a_comment_that_looks_like_keys(write: Write) -> None:
    found = read_statuses_file(write(sample("list.txt")))
    assert found.statuses == {
        LOAD: Status(LOAD, "Running", True, MORNING, 267009, datetime(2026, 11, 25, 6)),
        NIGHTLY: Status(NIGHTLY, "Ready", True, "never", 1, "never"),
    }
    assert whats(found) == ["ERROR: The task cannot be loaded: Broken (2 times)"]
    assert found.commands == {LOAD: "py.exe D:\\Jobs\\load.py"}


def test_short_list_is_read(write: Write) -> None:
    text = (
        "Ordner: \\\nHostname:         SRV\nAufgabenname:     \\A: b\nNächste Laufzeit: 25.11.2026 06:00:00\n"
        "Status:           Wird ausgeführt\nAnmeldemodus:     Nur interaktiv\n"
    )
    found = read_statuses_file(write(text, "cp850"))
    assert found.statuses == {"\\A: b": Status("\\A: b", "Running", next_run=datetime(2026, 11, 25, 6))}
    assert (found.server, found.problems) == ("SRV", [])


def test_short_list_of_a_language_that_nobody_knows_is_read_by_position(write: Write) -> None:
    text = "Папка: \\\nИмя:      SRV\nЗадача:   \\A\nСрок:     2026-11-25 06:00\nСтатус:   ?\nВход:     x\n"
    found = read_statuses_file(write(text))
    assert found.statuses == {"\\A": Status("\\A", None, next_run=datetime(2026, 11, 25, 6))}
    assert found.server == "SRV"


def test_list_that_lost_its_columns_is_read_by_its_names(write: Write) -> None:
    text = re.sub(r":  +", ": ", sample("list.txt"))
    assert read_statuses_file(write(text)).statuses == read_statuses_file(write(sample("list.txt"))).statuses


RULER = f"{'=' * 40} {'=' * 22} {'=' * 15}\n"


TABLE = "looks like schtasks /fo table, which has no results and cuts names: export schtasks /query /v /fo csv instead"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("\nFolder: \\\nTaskName    Next Run Time    Status\n" + RULER + "Load    N/A    Ready\n", "utf-16"),
        ("\nTaskName      Next Run Time    Status\n" + RULER + "Load    N/A    Ready\n", "utf-8"),
        ("フォルダー: \\業務\nタスク名    次回の実行時刻    状態\n" + RULER + "Load    N/A    無効\n", "cp932"),
        ("Папка: \\\nИмя    Срок    Статус\n" + RULER + "Load    11/25/2026 6:00:00 AM    x\n" * 6 + "\n", "utf-8"),
    ],
)
def test_table_of_schtasks_is_refused_by_name(write: Write, text: str, encoding: str) -> None:
    file = write(text, encoding)
    assert status_files(file) == ([], [file])
    with pytest.raises(SnapshotError, match=re.escape(f"{file} {TABLE}")):
        read_statuses_file(file)
    with pytest.raises(SnapshotError, match=re.escape(f"({file.name}: {TABLE})")):
        read_snapshot(file)


def test_table_of_schtasks_among_other_files_is_a_problem(write: Write, tmp_path: Path) -> None:
    table = write("Folder: \\\nTaskName    Next Run Time    Status\n" + RULER, name="table")
    for name in ("A.xml", "B.xml"):
        write(b"<Task/>", name=name)
        found = read_snapshot(tmp_path)
        assert (found.problems, found.statuses, found.unread) == ([(table.name, TABLE)], {}, 0)
    csv_file = write(sample("english.csv"), at=datetime(2026, 11, 23, tzinfo=UTC), name="older.csv")
    assert status_files(tmp_path) == ([csv_file], [table])
    assert len(read_snapshot(tmp_path).statuses) == 2


def test_powershell_5_csv(write: Write) -> None:
    found = read_statuses_file(write(sample("powershell5.csv"), "ascii"))
    lossy = "\\OpenData\\Stra?en ?bertragen"
    assert list(found.statuses.values()) == [
        Status(LOAD, None, None, MORNING, 0, datetime(2026, 11, 25, 6), 0),
        Status(lossy, None, None, "never", 267011, None, 2),
        Status("\\Heartbeat", None, None, datetime(2026, 11, 24, 5, 30), 2147942402, datetime(2026, 11, 24, 23, 30), 1),
    ]
    assert found.holds == {"last_run", "last_result", "next_run", "missed_runs"}
    assert found.server == ""
    assert whats(found) == [f"the name {lossy} lost letters when it was written: export as UTF-8 or Unicode"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_powershell_7_csv_with_states_and_further_columns(write: Write, delimiter: str) -> None:
    rows = [
        ["Actions", "State", "TaskName", "TaskPath", "LastRunTime", "Description", "PSComputerName"],
        ["x", "Ready", "Load", "\\OpenData\\", "11/24/2026 6:00:00\u202fAM", "a; b, c\td\nState", "SRV"],
        ["x", "4", "B", "\\", "11/24/2026 6:00:00\u202fAM", "", "SRV"],
        ["x", "0", "C", "\\", "2026-11-24T06:00:00-05:00", "", "SRV"],
    ]
    lines = [delimiter.join(f'"{cell}"' if set(cell) & set(",;\t\n") else cell for cell in row) for row in rows]
    found = read_statuses_file(write("\n".join(lines)))
    assert [each.state for each in found.statuses.values()] == ["Ready", "Running", "Unknown"]
    assert list(found.statuses) == [LOAD, "\\B", "\\C"]
    assert found.statuses[LOAD].last_run == MORNING
    assert found.statuses["\\C"].last_run == datetime(2026, 11, 24, 11, tzinfo=UTC)
    assert found.server == "SRV"


def test_csv_with_names_and_folders_alone_is_tasks_of_which_nothing_is_known(write: Write) -> None:
    header = '"TaskName","TaskPath","Query"\n'
    text = header * 2 + '"A","\\F\\","<x>"\n"A","\\F\\","<y>\n"",z"\n"<script>","\\","\'"\n'
    found = read_statuses_file(write(text))
    assert list(found.statuses.values()) == [Status("\\F\\A"), Status("\\<script>")]
    assert (found.holds, found.problems) == (frozenset(), [])


def test_format_list(write: Write) -> None:
    found = read_statuses_file(write(sample("format_list.txt")))
    first, second = found.statuses.values()
    assert first == Status(LOAD, None, None, MORNING, 0, datetime(2026, 11, 25, 18), 3)
    assert (second.last_run, second.next_run, second.missed_runs) == ("never", None, 0)


@pytest.mark.parametrize("form", ["whole", "folder", "folder\\"])
def test_old_scripts_csv_has_paths_or_folders(write: Write, form: str) -> None:
    rows = list(csv.reader(sample("script_status.csv").splitlines()))
    if form != "whole":
        for row in rows[1:]:
            row[1] = row[1].removesuffix("\\" + row[0]) + "\\" * (form == "folder\\" or row[0] == "Heartbeat")
    found = read_statuses_file(write("\n".join('"' + '","'.join(row) + '"' for row in rows)))
    assert list(found.statuses.values()) == [
        Status(LOAD, "Ready", None, None, 0, datetime(2026, 11, 25, 6)),
        Status(NIGHTLY, "Disabled", False, None, 267011, None),
        Status("\\Heartbeat", "Running", None, None, 2147942401, datetime(2026, 11, 24, 23, 30)),
    ]
    assert found.holds == {"state", "last_result", "next_run"}
    assert found.commands[LOAD] == "C:\\Python312\\python.exe D:\\Jobs\\load.py --full"
    assert found.problems == []


def test_task_named_like_its_folder_keeps_its_path(write: Write) -> None:
    text = '"Name","Path","NextRun"\n"A","\\F\\A",""\n"B","\\F\\B",""\n"Load","\\Load\\",""\n'
    assert list(read_statuses_file(write(text)).statuses) == ["\\F\\A", "\\F\\B", "\\Load\\Load"]
    text = '"Name","Path","NextRun"\n"A","\\F",""\n"B","\\F",""\n"Load","\\Load",""\n'
    assert list(read_statuses_file(write(text)).statuses) == ["\\F\\A", "\\F\\B", "\\Load\\Load"]


@pytest.mark.parametrize("name", sorted(path.name for path in FILES.iterdir()))
def test_samples_are_known_by_content_whatever_their_name(write: Write, name: str) -> None:
    for encoding in ("utf-8", "utf-16", "utf-16-be"):
        assert is_status_file(write(sample(name), encoding, name="Load.xml"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 5000,
        b"ERROR: Access is denied.\r\n",
        b"a,b,c\n1,2,3\n",
        b"Status: fine\nName: x\nLast Result: 0\n",
        b"Path,State,Enabled,LastRunTime,LastTaskResult,NextRunTime,NumberOfMissedRuns\r\n\\Load,Ready,,,,,\r\n",
        "<Task><TaskName>\\x</TaskName></Task>".encode("utf-16"),
        b'<!--\n"TaskName","TaskPath"\n-->',
        b"name  role  place\n===== ===== =====\nx     y     z\n",
        b'"a","b","c"\n"1","2","3"\n',
        b'{"TaskName": "\\\\Load", "State": 3}',
    ],
)
def test_other_files_are_none(write: Write, content: bytes) -> None:
    file = write(content)
    assert not is_status_file(file)
    with pytest.raises(SnapshotError, match="holds no statuses of tasks"):
        read_statuses_file(file)


def test_error_lines_are_problems_and_the_same_one_only_once(write: Write) -> None:
    lines = as_csv(LANGUAGES["Italian"], "cp850").splitlines()
    error, info = "ERRORE: impossibile caricare l'attività: Rotta", "INFORMAZIONI: nessuna attività"
    text = "\n".join([error, lines[0], lines[1], error, *lines[2:4], info, "", lines[0], *lines[4:], error])
    found = read_statuses_file(write(text, "cp850"))
    assert found.statuses == wanted(LANGUAGES["Italian"], "cp850")
    assert whats(found) == [f"{error} (3 times)"]
    assert [note.what for note in found.notes] == [info]
    assert {problem.file for problem in found.problems} == {"statuses.dat"}


EXPORT = "TaskName,TaskPath,State\nA,\\,Ready\n"
SHORT = '"TaskName","Next Run Time","Status"\n"\\A","N/A","Ready"\n'


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a,b\rc,d\nstray\n" + EXPORT, "stray"),
        (EXPORT + "ERROR: Access is denied.\n", "ERROR: Access is denied."),
        (EXPORT + "B,\\,Ready,more\n", "line 3: 4 cells instead of 3"),
        (EXPORT + 'B,"' + "x" * 140_000, "line 3: field larger than field limit (131072), not read further"),
        (SHORT + '"\\B","N/A","Ready","more"\n', "a row has 4 cells instead of 3: "),
        (SHORT + '"\\B","' + 'x","' * 6_000 + '"\n', "a row with more than 5,000 cells is left out: "),
        (
            "HostName: x\nTaskName: \\A\nStatus: Ready\n\nHostName: y\n",
            "a record without the name of its task is left out: y",
        ),
    ],
)
def test_damaged_row_is_a_problem_and_the_others_are_read(write: Write, text: str, what: str) -> None:
    found = read_statuses_file(write(text))
    assert found.statuses["\\A"].state == "Ready"
    assert what in whats(found)[-1]


def test_row_cut_off_keeps_what_is_whole_and_not_the_next(write: Write) -> None:
    lines = as_csv(LANGUAGES["English"], "utf-8").splitlines()
    cut = lines[1][: lines[1].index('","y"')]
    found = read_statuses_file(write("\n".join([lines[0], cut, *lines[3:]])))
    assert found.statuses == WANTED | {LOAD: Status(LOAD, "Ready", None, MORNING, None, datetime(2026, 11, 25, 18))}
    assert [what[:18] for what in whats(found)] == ["a row is cut off: "]
    last = read_statuses_file(write("\n".join([*lines[:-2], lines[-1][:-40]])))
    assert last.statuses == WANTED
    assert len(last.problems) == 1


BIG = 16 * 1024 * 1024


VERBOSE = as_csv(LANGUAGES["English"], "utf-8").encode()


def numbered(line: str, most: int) -> bytes:
    return "\n".join(line % number for number in range(most)).encode()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("made", "refused"),
    [
        (lambda: b"x" * (BIG + 1), "larger than 16 MiB"),
        (lambda: b"\n" * BIG, "holds no statuses"),
        (lambda: random.Random(7).randbytes(BIG), "holds no statuses"),
        (lambda: b'"' + b'","' * (BIG // 3 - 1) + b'"', "holds no statuses"),
        (lambda: b"TaskName,TaskPath" + b",x" * 1_000_000 + b"\nA,\\" + b",y" * 1_000_000, ""),
        (lambda: VERBOSE + b'"H","\\A","' + b'","' * 5_000_000, ""),
        (lambda: VERBOSE + b'"H","\\A","' + b"x\n" * 7_000_000, ""),
        (lambda: VERBOSE + b'"H","\\A",""\n' * 1_000_000, "more than 100,000 rows"),
        (lambda: VERBOSE + numbered("stray %d", 1_000_000), ""),
        (lambda: b"TaskName,TaskPath\n" + numbered("%d,x", 1_500_000), "more than 100,000 rows"),
        (lambda: b"TaskName,TaskPath,LastRunTime\n" + numbered("%d,\\,x", 99_000), ""),
        (lambda: b'TaskName,TaskPath\nA,"\\' + b"x\n" * 7_000_000, ""),
        (lambda: as_list(LANGUAGES["English"], "utf-8").encode() + b"x: y\n" * 3_000_000, ""),
        (lambda: b"Folder: \\\na Next Status\n=== === ===\n" + b"a   b   c\n" * 90_000 + b"=" * 5_000_000, "/fo table"),
        (lambda: b"Folder: \\\n" + b"=== " * 4_000_000, "fo table"),
        (lambda: "ホスト名: x\nタスク名: \\A\n".encode("cp932") + b"\x83" * 9_000_000, ""),
    ],
)
def test_huge_files_take_seconds_and_no_traceback(write: Write, made: Callable[[], bytes], refused: str) -> None:
    file = write(made())
    started = time.process_time()
    is_status_file(file)
    if refused:
        with pytest.raises(SnapshotError, match=refused):
            read_statuses_file(file)
    else:
        assert len(read_statuses_file(file).problems) <= 201
    assert time.process_time() - started < 20
