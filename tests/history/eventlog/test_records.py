"""Log files of each kind, in any encoding, whole or damaged: XML of wevtutil and CSV of PowerShell."""

import os
import random
import sys
import threading
import tracemalloc
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from taskanalysis.errors import Problem
from taskanalysis.history.eventlog.runs import EventLog, LoggedRun, read_eventlog
from tests import build
from tests.build import LOAD, event, run_events, whats
from tests.build import logged as at

FILES = build.FILES / "eventlogs"
A, B, *_ = build.GUIDS
SLOW = "\\OpenData\\Slow"
Read, Write = Callable[..., EventLog], Callable[..., Path]


# XML -----------------------------------------------------------------------------------------------------------------

TEXT = (FILES / "runs.xml").read_text(encoding="utf-8")
ROOT = f'<?xml version="1.0" encoding="UTF-16"?>\r\n<Events>\r\n{TEXT}</Events>'


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("cp850"),
        ROOT.encode("utf-16"),
        ROOT.encode("utf-8"),
        TEXT.replace("\n", "").encode(),
        TEXT.replace("><", ">\n  <").replace("'", '"').encode(),
    ],
    ids=["utf-8-bom", "utf-16", "utf-16-be", "utf-16-le", "cp850", "root-16", "root-8", "one line", "pretty"],
)
def test_xml_is_read_in_every_encoding_and_shape(write: Write, sample_log: EventLog, content: bytes) -> None:
    log = read_eventlog(write(content, "runs.xml"))
    assert log == sample_log


def test_a_letter_at_the_edge_of_a_block_is_whole(write: Write) -> None:
    for encoding, filler in (("utf-8", 1 << 20), ("utf-16", (1 << 19) - 1)):
        text = " " * (filler - 30) + "".join(run_events(A, path="\\Bürö" * 40))
        assert [each.path for each in read_eventlog(write(("<x/>" + text).encode(encoding))).runs] == ["\\Bürö" * 40]


def test_times_in_other_offsets_are_the_same_moment(read: Read) -> None:
    (found,) = read(*(each.replace("T11:", "T06:").replace("Z'", "-05:00'") for each in run_events(A))).runs
    assert (found.started, found.started.tzinfo) == (at(0), UTC)


# CSV -----------------------------------------------------------------------------------------------------------------


def test_csv_of_windows_powershell_is_read() -> None:
    log = read_eventlog(FILES / "english.csv", zone="America/New_York")
    assert log.problems == []
    (found,) = log.runs
    assert found == LoggedRun(
        path=LOAD,
        started=at(0),
        ended=at(43),
        seconds=43,
        code=0x80070001,
        code_source="action",
        codes=(0x80070001,),
        trigger_kind="time",
        instance="00000021-0a0b-4c0d-8e0f-0000000000e7",
        user="TOWN\\opendata",
    )
    assert [(each.path, each.kind, each.code, each.instance[:8]) for each in log.events] == [
        (SLOW, "ignored", None, "00000022"),
        ("\\OpenData\\Viewer", "ignored", None, ""),
        ("\\OpenData\\Export", "start failed", 2147943726, ""),
    ]
    assert (log.first, log.last) == (at(0), at(4 * 3600))


def test_csv_of_few_columns_in_german_is_read() -> None:
    log = read_eventlog(FILES / "german.csv", zone="Europe/Berlin")
    (found,) = log.runs
    assert (found.path, found.seconds, found.code, found.user) == ("\\OpenData\\Büro", 90, 0, "TOWN\\opendata")
    assert (found.started, log.problems) == (datetime(2026, 11, 23, 5, tzinfo=UTC), [])


STARTED = 'Task Scheduler started "{{{0}}}" instance of the "{1}" task for user "TOWN\\opendata".'
ENDED = 'Task Scheduler successfully finished "{{{0}}}" instance of the "{1}" task for user "TOWN\\opendata".'


def table(*rows: Sequence[object], header: str = "TimeCreated,Id,Message", delimiter: str = ",") -> str:
    cells = (['"' + str(cell).replace('"', '""') + '"' for cell in row] for row in rows)
    return "\r\n".join([header.replace(",", delimiter), *(delimiter.join(row) for row in cells), ""])


BEGUN, DONE = "2026-11-23 12:00:00", "2026-11-23 12:00:05"


def pair(start: str = BEGUN, end: str = DONE, path: str = LOAD, instance: str = A) -> str:
    """A run in a CSV."""
    return table((start, 100, STARTED.format(instance, path)), (end, 102, ENDED.format(instance, path)))


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (pair("11/23/2026 6:00:00 AM", "11/23/2026 6:00:05 AM"), {"zone": "America/New_York"}),
        (pair("23/11/2026 11:00:00", "23/11/2026 11:00:05"), {"zone": "Europe/Dublin"}),
        (pair("2026-11-23T06:00:00.0000000-05:00", "2026-11-23T06:00:05.0000000-05:00"), {}),
        (pair(), {"zone": "Europe/Warsaw"}),
        (pair().encode("utf-16"), {"zone": "Europe/Warsaw"}),
        (b"\xfe\xff" + pair().encode("utf-16-be"), {"zone": "Europe/Rome"}),
        (pair().replace('","', '"\t"').replace(",", "\t"), {"zone": "Europe/Rome"}),
        ("#TYPE X\r\n" + 2 * pair(), {"zone": "Europe/Rome"}),
    ],
    ids=["mdy", "dmy", "offset", "iso", "utf-16", "utf-16-be", "tab", "twice with header"],
)
def test_csv_times_are_those_of_the_zone(write: Write, content: str | bytes, options: dict[str, str]) -> None:
    log = read_eventlog(write(content, "log.csv"), **options)
    assert [(each.started, each.ended) for each in log.runs] == [(at(0), at(5))]
    assert log.problems == []


def test_csv_in_an_8_bit_page_keeps_its_letters(write: Write) -> None:
    content = pair(path="\\Büro").encode("cp1252")
    assert [each.path for each in read_eventlog(write(content), zone="Europe/Rome").runs] == ["\\Büro"]


def test_csv_without_a_zone_is_a_problem_and_no_runs(write: Write) -> None:
    log = read_eventlog(write(pair(), "log.csv"))
    assert log == EventLog([], [], [Problem("log.csv", "its times are local and need a time zone: use --zone")])


def test_csv_with_ambiguous_dates_asks_for_their_order_and_one_clear_day_settles_it(write: Write) -> None:
    ambiguous = pair("02/03/2026 06:00:00", "02/03/2026 06:00:05")
    clear = pair("13/03/2026 06:00:00", "13/03/2026 06:00:05", instance=B)
    log = read_eventlog(write(ambiguous), zone="Europe/Dublin")
    assert (log.runs, len(log.problems)) == ([], 1)
    assert "use --dates dmy or --dates mdy" in log.problems[0].what
    for text, dates, months in ((ambiguous, "dmy", [3]), (ambiguous, "mdy", [2]), (ambiguous + clear, "", [3, 3])):
        runs = read_eventlog(write(text), zone="Europe/Dublin", dates=dates).runs
        assert [each.started.month for each in runs] == months


@pytest.mark.parametrize(
    ("start", "end"),
    [("11/01/2026 12:59:00 AM", "11/01/2026 1:30:00 AM"), ("3/8/2026 1:59:00 AM", "3/8/2026 2:30:00 AM")],
    ids=["autumn", "spring"],
)
def test_csv_time_that_a_clock_change_skips_or_repeats_is_left_out(write: Write, start: str, end: str) -> None:
    sound = pair("11/23/2026 6:00:00 AM", "11/23/2026 6:00:05 AM", instance=B)
    ignored = f'Task Scheduler did not launch task "{SLOW}" because …'
    without = table(("11/23/2026 7:00:00 AM", 332, ignored), (end, 332, ignored))
    log = read_eventlog(write(pair(start, end) + sound + without), zone="America/New_York", dates="mdy")
    assert ([each.instance for each in log.runs], [each.path for each in log.events]) == ([B], [SLOW])
    assert whats(log) == ["2 times that a clock change skips or repeats: their runs and events were left out"]


def test_csv_path_that_lost_letters_is_a_problem(write: Write) -> None:
    log = read_eventlog(write(pair(path="\\B?ro")), zone="Europe/Rome")
    assert log.runs == []
    assert whats(log) == [
        "2 records could not be read; the first: its message names '\\B?ro': letters were lost that "
        "Export-Csv -Encoding UTF8 keeps"
    ]


def test_csv_class_of_an_action_is_not_taken_for_the_instance(write: Write) -> None:
    message = f'Task Scheduler launched action "{{{B}}}" in instance "{{{A}}}" of task "{LOAD}".'
    header = "TimeCreated,Id,Message,ActivityId"
    told = table((BEGUN, 200, message, A), header=header)
    assert [each.instance for each in read_eventlog(write(told), zone="Europe/Rome").runs] == [A]
    log = read_eventlog(write(table((BEGUN, 200, message))), zone="Europe/Rome")
    assert (log.runs, len(log.problems)) == ([], 1)


@pytest.mark.parametrize("program", ["\\\\FILES01\\jobs\\run.cmd", "C:\\jobs\\run 7.cmd", '"C:\\jobs\\run.cmd"'])
def test_csv_program_of_an_action_is_not_taken_for_the_task_or_the_code(write: Write, program: str) -> None:
    names = f'task "{LOAD}" , instance "{{{A}}}" , action "{program}"'
    message = f"Task Scheduler successfully completed {names} with return code 3."
    text = table((BEGUN, 200, message.replace("with return code 3", "")), (DONE, 201, message))
    log = read_eventlog(write(text), zone="Europe/Rome")
    assert [(each.path, each.code) for each in log.runs] == [(LOAD, 3)]


@pytest.mark.parametrize("quotes", ["“”", "„“", "„”", "«»", '""'])
def test_csv_task_is_found_in_the_quotes_of_any_language(write: Write, quotes: str) -> None:
    text = pair().replace('""', '"')
    first, last = quotes
    for value in ("{" + A + "}", LOAD, "TOWN\\opendata"):
        text = text.replace(f'"{value}"', f"{first}{value}{last}".replace('"', '""'))
    assert [(each.path, each.user) for each in read_eventlog(write(text), zone="Europe/Rome").runs] == [
        (LOAD, "TOWN\\opendata")
    ]


def test_csv_of_other_logs_and_incomplete_rows_are_reported(write: Write) -> None:
    header = "TimeCreated,Id,Message,ProviderName"
    ours = "Microsoft-Windows-TaskScheduler"
    rows = [
        (BEGUN, 100, STARTED.format(A, LOAD), ours),
        (BEGUN, 4698, "A scheduled task was created.", "Microsoft-Windows-Security-Auditing"),
        (DONE, 102, "", ours),
        (DONE, "x", ENDED.format(A, LOAD), ours),
        ("yesterday", 102, ENDED.format(A, LOAD), ours),
        ("1601-01-01 00:00:00", 102, ENDED.format(A, LOAD), ours),
        (DONE,),
    ]
    log = read_eventlog(write(table(*rows, header=header)), zone="Europe/Rome")
    assert [(each.path, each.ended) for each in log.runs] == [(LOAD, None)]
    assert whats(log) == ["5 records could not be read; the first: its message names no task"]
    (alone,) = whats(read_eventlog(write(table(rows[1], header=header)), zone="Europe/Rome"))
    assert alone == "holds no events of the Task Scheduler; its events are from Microsoft-Windows-Security-Auditing"


# What is wrong -------------------------------------------------------------------------------------------------------

SOUND = "".join(run_events(A))
ENTITIES = "".join(f"<!ENTITY {chr(98 + i)} '{f'&{chr(97 + i)};' * 10}'>" for i in range(9))
BOMB = f"<!DOCTYPE l [<!ENTITY a 'aaaaaaaaaa'>{ENTITIES}]>"
CSV_START = table((BEGUN, 100, STARTED.format(A, LOAD)))
SECURITY = SOUND.replace("Microsoft-Windows-TaskScheduler", "Microsoft-Windows-Security-Auditing")

# what stands in front of a sound log, or behind it, and why the only record of that can't be read
ODD = run_events(B)[0]
BROKEN = {
    "cut off in front": (ODD[:300], "it is cut off"),
    "without its beginning": ("<x/>" + ODD[-300:], "its beginning is missing"),
    "not well-formed": (ODD.replace("</Data>", ""), "is not well"),
    "no time": (ODD.replace("TimeCreated", "Time"), "it has no id or no time"),
    "odd id": (ODD.replace(">100<", ">1OO<"), "invalid literal"),
    "long id": (ODD.replace(">100<", f">{'1' * 5000}<"), "Exceeds the limit"),
    "naive time": (ODD.replace("Z'", "'"), "2026-11-23 11:00:00 is not the time of an event"),
    "first day": (ODD.replace("2026-11-23", "0001-01-01").replace("Z'", "+14:00'"), "0001-01-01 11:00:00+14:00 is"),
    "last day": (ODD.replace("2026-11-23", "9999-12-31").replace("Z'", "-14:00'"), "9999-12-31 11:00:00-14:00 is"),
}

# content of a file: (number of runs, how its only problem begins)
NO_EVENTS = "holds no events of the Task Scheduler"
WRONG: dict[str, tuple[str | bytes, int, str]] = {
    "empty": (b"", 0, "is empty"),
    "blank": (b"\xff\xfe \0\r\0\n\0", 0, "holds no text"),
    "text": ("Guten Morgen", 0, "is neither .evtx, nor XML of wevtutil, nor a CSV with"),
    "image": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 50, 0, "is neither .evtx, nor XML"),
    "status csv": ('"TaskName","Status"\r\n"\\Load","Ready"\r\n', 0, "is neither .evtx, nor XML"),
    "task definition": ("<Task><Actions/></Task>", 0, NO_EVENTS),
    "html": ("<!DOCTYPE html><html><body>no</body></html>", 0, NO_EVENTS),
    "another log": (SECURITY, 0, NO_EVENTS + "; its events are from Microsoft-Windows-Security"),
    "no provider": (SOUND.replace("<Provider ", "<Nothing "), 0, NO_EVENTS + "; its events are from no provider"),
    "cut off behind": (SOUND + ODD[:300], 1, "1 record could not be read; the first: it is cut off"),
    "no task path": (SOUND.replace(LOAD, "Load"), 0, "1 run left out, without a valid task path"),
    "control character": (SOUND.replace(LOAD, "\\OpenData&#127;Load"), 0, "1 run left out, without a valid task path"),
    "entity bomb": (BOMB + SOUND.replace(LOAD, "\\&i;"), 0, "4 records could not be read; the first: is not well"),
    "document type": ("<!DOCTYPE x SYSTEM 'http://localhost:9/x'>" + SOUND, 1, ""),
    "deep": (SOUND.replace("<EventData>", "<EventData>" + "<a>" * 5000), 0, "4 records could not be read"),
    "wide": (SOUND.replace("<EventData>", "<EventData>" + "<a/>" * 200_000), 0, "4 records could not be read"),
    "endless": (SOUND + "<Event " + " " * (6 << 20), 1, "was read up to a place where 4 MiB hold no end of an event"),
    "csv never closed": (CSV_START + '"' + "x" * 200_000, 1, "was read up to line"),
}
WRONG |= {
    name: (odd + SOUND, 1, f"1 record could not be read; the first: {reason}") for name, (odd, reason) in BROKEN.items()
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_reported_and_the_rest_is_read(write: Write, name: str) -> None:
    content, runs, begin = WRONG[name]
    log = read_eventlog(write(content), zone="Europe/Rome")
    assert len(log.runs) == runs
    assert [(what.file, what.what[: len(begin)]) for what in log.problems] == [("log.xml", begin)] * bool(begin)


@pytest.mark.parametrize("name", ["runs.xml", "english.csv", "german.csv"])
def test_text_with_bytes_at_random_never_raises(write: Write, name: str) -> None:
    chance, sound = random.Random(name), (FILES / name).read_bytes()
    for encoded in (sound, sound.decode("utf-8").encode("utf-16")):
        for _ in range(30):
            content = bytearray(encoded)
            for _ in range(chance.randint(1, 40)):
                place = chance.randrange(len(content))
                content[place : place + chance.choice((0, 1, 1, 50))] = chance.randbytes(chance.choice((0, 1, 1, 3)))
            log = read_eventlog(write(bytes(content), name), zone="America/New_York")
            assert all(each.started.tzinfo is UTC and each.path[0] == "\\" for each in log.runs)


def test_names_of_any_length_and_with_markup_are_kept_as_they_are(read: Read) -> None:
    paths = ["\\" + "x" * 10_000, "\\<script>alert('1')</script>", '\\"TaskName">\\Evil', "\\&amp;", "\\ü🎈"]
    log = read(*("".join(run_events(f"{number}" * 8 + A[8:], path=path)) for number, path in enumerate(paths)))
    assert (sorted(each.path for each in log.runs), log.problems) == (sorted(paths), [])


@pytest.mark.parametrize("name", ["", "none.evtx", "nul\0.evtx"])
def test_what_can_t_be_opened_is_a_problem(tmp_path: Path, name: str) -> None:
    (problem,) = read_eventlog(tmp_path / name).problems
    assert problem.what.startswith("can't be opened (")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes in folders")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log.evtx")
    found: list[EventLog] = []
    thread = threading.Thread(target=lambda: found.append(read_eventlog(tmp_path / "log.evtx")), daemon=True)
    thread.start()
    thread.join(10)
    assert [problem.what for log in found for problem in log.problems] == ["can't be opened (not a regular file)"]


def test_a_file_name_that_is_no_unicode_is_named_by_its_numbers(write: Write) -> None:
    try:
        file = write(b"", "b\udce9.evtx")
    except OSError:
        pytest.skip("this file system has no such names")
    assert [problem.file for problem in read_eventlog(file).problems] == ["b\\udce9.evtx"]


def test_large_log_is_never_held_in_memory(write: Write) -> None:
    others = event(140, 1, "", UserName="TOWN\\clerk").replace("</Event>", f"<x>{'y' * 20_000}</x></Event>")
    file = write([*run_events(A), *[others] * 1500])
    assert file.stat().st_size > 30_000_000
    tracemalloc.start()
    try:
        assert len(read_eventlog(file).runs) == 1
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
