"""The log TaskScheduler/Operational: which runs and events its records make, from each kind of file, and what is wrong.

Real logs hold none of 101, 103, 107, 203, 322 and 329 (FACTS); these are written here as the provider's manifest has
them, and have been seen on no Windows by this project.
"""

import builtins
import os
import random
import re
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskanalysis.errors import Problem, SnapshotError, ZoneError
from taskanalysis.history.eventlog import records as eventrecords
from taskanalysis.history.eventlog import runs as eventlog
from taskanalysis.history.eventlog.runs import EventLog, LoggedEvent, LoggedRun, read_eventlog
from taskanalysis.results.decode import Outcome, decode
from tests import build

FILES = build.FILES / "eventlogs"
CORPUS = build.CORPUS / "evtx"
OPERATIONAL = CORPUS / "41a9f34d1963056b.evtx"
corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="the folder of real logs is not here")
LOAD, SLOW, BACKSLASH = "\\OpenData\\Load", "\\OpenData\\Slow", "\\"
START = datetime(2026, 11, 23, 11, tzinfo=UTC)
A, B, C, D = (f"{letter * 8}-0a0b-4c0d-8e0f-{letter * 12}" for letter in "abcd")
Write = Callable[..., Path]


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def event(number: int, seconds: float = 0, activity: str = "", path: str = LOAD, **data: object) -> str:
    """An event as wevtutil prints it; `path` is its TaskName, "" for none."""
    values = ({"TaskName": path} if path else {}) | data
    cells = "".join(f"<Data Name={quoteattr(name)}>{escape(str(each))}</Data>" for name, each in values.items())
    correlation = (
        f"<Correlation ActivityID={quoteattr('{' + activity.upper() + '}')}/>" if activity else "<Correlation/>"
    )
    time = at(seconds).isoformat().replace("+00:00", "Z")
    return (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
        "<Provider Name='Microsoft-Windows-TaskScheduler' Guid='{de7b24ea-73c8-4a09-985d-5bdadcfa9017}'/>"
        f"<EventID>{number}</EventID><Version>0</Version><TimeCreated SystemTime='{time}'/>{correlation}"
        f"<Channel>Microsoft-Windows-TaskScheduler/Operational</Channel></System><EventData>{cells}</EventData></Event>"
    )


def run(instance: str, start: float = 0, end: float | None = 60, path: str = LOAD, code: int = 0) -> list[str]:
    """The five events that every run has but 129; without `end` the first two."""
    events = [
        event(100, start, instance, path, UserContext="TOWN\\opendata", InstanceId=instance),
        event(200, start + 1, instance, path, ActionName="x.exe", TaskInstanceId=instance),
    ]
    if end is not None:
        events.append(event(201, end, instance, path, TaskInstanceId=instance, ActionName="x.exe", ResultCode=code))
        events.append(event(102, end + 1, instance, path, UserContext="TOWN\\opendata", InstanceId=instance))
    return events


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(content: str | bytes | Iterable[str], name: str = "log.xml") -> Path:
        file = tmp_path / name
        text = content if isinstance(content, str | bytes) else "\n".join(content)
        file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        os.utime(file, (at(86400).timestamp(),) * 2)
        return file

    return to_file


@pytest.fixture
def read(write: Write) -> Callable[..., EventLog]:
    return lambda *events: read_eventlog(write(events))


Read = Callable[..., EventLog]


@pytest.fixture(scope="module")
def sample() -> EventLog:
    return read_eventlog(FILES / "runs.xml")


def by_name(log: EventLog) -> dict[str, LoggedRun]:
    return {each.path.split("\\")[-1]: each for each in log.runs}


def whats(log: EventLog) -> list[str]:
    return [problem.what for problem in log.problems]


# Runs ----------------------------------------------------------------------------------------------------------------


def test_a_run_has_start_end_duration_code_trigger_and_account(sample: EventLog) -> None:
    found = by_name(sample)["Load"]
    assert found == LoggedRun(
        path=LOAD,
        started=datetime(2026, 11, 23, 11, 0, 0, 250742, tzinfo=UTC),
        ended=datetime(2026, 11, 23, 11, 0, 43, 612, tzinfo=UTC),
        seconds=42.5,
        code=0x80070001,
        code_source="action",
        codes=(0x80070001,),
        trigger_kind="time",
        instance="00000011-0a0b-4c0d-8e0f-000000000077",
        user="TOWN\\opendata",
    )
    assert sample.problems == []
    assert (sample.first, sample.last) == (datetime(2026, 11, 23, 10, 40, 12, 100000, UTC), at(4 * 3600))


def test_event_102_does_not_make_a_success(sample: EventLog) -> None:
    found = by_name(sample)["Load"]
    said = decode(found.code, command="cmd.exe", source=found.code_source)
    assert (said.outcome, said.hex) == (Outcome.FAILED, "0x80070001")


def test_several_actions_give_the_code_of_the_last_and_the_time_of_all(sample: EventLog) -> None:
    found = by_name(sample)["Nightly"]
    assert (found.code, found.codes, found.seconds) == (0, (0x80070003, 0), 200)


def test_a_killed_run_has_an_end_and_what_stopped_it_but_no_code(sample: EventLog) -> None:
    found = by_name(sample)["Slow"]
    assert (found.ended, found.stopped) == (datetime(2026, 11, 23, 13, 20, 0, 250000, tzinfo=UTC), "time limit")
    assert (found.code, found.codes, found.code_source, found.seconds) == (None, (), "", None)


def test_a_run_without_an_end_is_open(sample: EventLog) -> None:
    found = by_name(sample)["Crash"]
    assert (found.ended, found.seconds, found.code, found.trigger_kind) == (None, None, None, "boot")


def test_an_end_without_a_start_is_no_run(sample: EventLog) -> None:
    assert "EventID>201</EventID" in (FILES / "runs.xml").read_text(encoding="utf-8").splitlines()[0]
    assert "Old" not in by_name(sample)


def test_code_of_a_failed_start_is_not_taken_for_an_exit_code(sample: EventLog) -> None:
    found = by_name(sample)["Missing"]
    assert (found.code, found.code_source, found.seconds) == (0x80070002, "start", None)
    assert found.ended == datetime(2026, 11, 23, 13, 30, 0, 120000, tzinfo=UTC)
    assert decode(found.code, source=found.code_source).outcome is Outcome.NOT_STARTED


def test_code_of_103_serves_where_203_is_missing(read: Read) -> None:
    (found,) = read(event(100, 0, A, InstanceId=A), event(103, 1, A, InstanceId=A, ResultCode=5)).runs
    assert (found.code, found.code_source, found.ended) == (5, "start", at(1))


def test_an_action_that_is_open_leaves_no_code_of_the_one_before(read: Read) -> None:
    events = [*run(A)[:3], event(200, 61, A, TaskInstanceId=A)]
    (found,) = read(*events).runs
    assert (found.ended, found.seconds, found.code, found.codes) == (None, None, None, (0,))
    (killed,) = read(*events, event(111, 90, A, InstanceId=A)).runs
    assert (killed.ended, killed.seconds, killed.code, killed.stopped) == (at(90), None, None, "stopped")


def test_an_end_of_all_actions_serves_where_102_is_missing(read: Read) -> None:
    (found,) = read(*run(A)[:3]).runs
    assert (found.ended, found.seconds, found.code) == (at(60), 59, 0)


def test_a_start_is_that_of_200_where_100_is_missing(read: Read) -> None:
    (found,) = read(*run(A)[1:]).runs
    assert (found.started, found.ended, found.user) == (at(1), at(61), "")


def test_an_action_end_without_code_as_vista_logs_it_has_none(read: Read) -> None:
    events = run(A)
    events[2] = event(201, 60, A, ActionName="x.exe", TaskInstanceId=A)
    (found,) = read(*events).runs
    assert (found.code, found.codes, found.code_source, found.seconds) == (None, (), "", 59)


@pytest.mark.parametrize("code", ["0xZZ", "99999999999", "-", "x" * 10_000])
def test_a_code_that_is_none_is_not_known(read: Read, code: str) -> None:
    assert [found.code for found in read(*run(A, code=code)).runs] == [None]  # type: ignore[arg-type]


def test_a_code_in_hex_is_the_same_number(read: Read) -> None:
    assert [found.code for found in read(*run(A, code="0x80070001")).runs] == [0x80070001]  # type: ignore[arg-type]


def test_a_clock_set_back_leaves_no_duration(read: Read) -> None:
    (found,) = read(*run(A, 0, -30)).runs
    assert (found.started, found.ended, found.seconds, found.code) == (at(0), at(-29), None, 0)


def test_an_action_of_no_time_takes_no_seconds(read: Read) -> None:
    assert [found.seconds for found in read(*run(A, 0, 1)).runs] == [0]


def test_of_several_starts_the_first_counts_and_of_several_ends_the_last(read: Read) -> None:
    marks = [event(100, 5, A, InstanceId=A, UserContext="other"), event(111, 60.5, A, InstanceId=A)]
    for events in ([*run(A), *marks], [*marks, *run(A)]):
        (found,) = read(*events).runs
        assert (found.started, found.ended, found.user, found.stopped) == (at(0), at(61), "TOWN\\opendata", "stopped")


def test_runs_at_the_same_time_stay_apart(read: Read) -> None:
    found = read(*run(A, 0, 60), *run(B, 5, 30, code=7), *run(C, 6, 20, SLOW)).runs
    assert [(each.path, each.seconds, each.code) for each in found] == [(LOAD, 59, 0), (LOAD, 24, 7), (SLOW, 13, 0)]


TRIGGERS = {107: "time", 108: "event", 109: "registration", 110: "user", 114: "missed", 117: "idle", 118: "boot"}
TRIGGERS |= {119: "logon"} | dict.fromkeys(range(120, 126), "session")


@pytest.mark.parametrize(("number", "kind"), TRIGGERS.items())
def test_trigger_is_what_launched_the_run(read: Read, number: int, kind: str) -> None:
    (found,) = read(*run(A), event(number, 0.001, A, InstanceId=A, UserContext="clerk")).runs
    assert (found.trigger_kind, found.user) == (kind, "TOWN\\opendata")


def test_a_run_without_a_known_launch_has_no_trigger(read: Read) -> None:
    assert [found.trigger_kind for found in read(*run(A)).runs] == [""]


def test_missed_says_more_than_time(read: Read) -> None:
    launches = [event(number, 0, A, InstanceId=A) for number in (107, 114)]
    for order in (launches, launches[::-1]):
        assert [found.trigger_kind for found in read(*run(A), *order).runs] == ["missed"]


# What names no instance, or another one ------------------------------------------------------------------------------


def created(seconds: float, path: str = LOAD) -> str:
    return event(129, seconds, "", path, Path="x.exe", ProcessID=4412, Priority=16384)


def test_event_129_gives_the_start_of_a_run_that_has_no_other(read: Read) -> None:
    (found,) = read(created(0), *run(A)[2:]).runs
    assert (found.started, found.ended, found.code, found.seconds) == (at(0), at(61), 0, None)


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ([created(0, SLOW), *run(A)[2:]], "another task"),
        ([created(70), *run(A)[2:]], "later than the end"),
        ([created(0), created(30), *run(A)[2:]], "two may be open"),
        ([created(0), *run(A)[2:], *run(B, 0.001, None)], "it is that of another run"),
        ([created(0), *run(A, 0, 60)[2:], *run(B, 0, 60)[2:]], "two may be meant"),
        ([created(0), *run(B, 0, 60), *run(A, 0, 200)[2:]], "it is that of a whole run"),
        ([created(0), *run(B, 0, 60), created(30), *run(A, 0, 50)[2:]], "a whole run is still open"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_event_129_is_left_where_it_may_be_wrong(read: Read, events: list[str], why: str) -> None:
    assert A not in [found.instance for found in read(*events).runs], why


def test_event_129_is_joined_again_after_each_end(read: Read) -> None:
    found = read(created(0), *run(A)[2:], created(100), *run(B, 100, 160)[2:]).runs
    assert [(each.instance, each.started) for each in found] == [(A, at(0)), (B, at(100))]


def test_event_129_alone_is_no_run(read: Read) -> None:
    assert read(created(0)).runs == []


def test_a_launch_under_another_instance_belongs_to_the_one_run_beside_it(read: Read) -> None:
    launch = event(110, 0.0002, B, InstanceId=B, UserContext="Administrators")
    assert [(found.instance, found.trigger_kind) for found in read(*run(A), launch).runs] == [(A, "user")]


@pytest.mark.parametrize(
    "others",
    [
        run(C, 1),
        [event(107, 0.1, D, InstanceId=D)],
        [event(107, 0.1, A, InstanceId=A)],
    ],
    ids=["two runs", "two launches", "the run has its own"],
)
def test_a_launch_under_another_instance_is_left_where_it_may_be_wrong(read: Read, others: list[str]) -> None:
    launch = event(110, 0.0002, B, InstanceId=B)
    assert "user" not in [found.trigger_kind for found in read(*run(A), launch, *others).runs]


def test_a_launch_that_has_its_own_run_explains_no_other(read: Read) -> None:
    found = read(event(107, 0, A, InstanceId=A), *run(A)[1:], *run(B, 1)).runs
    assert {each.instance: each.trigger_kind for each in found} == {A: "time", B: ""}


@pytest.mark.parametrize("seconds", [-30, 30])
def test_a_launch_long_before_or_after_a_run_does_not_explain_it(read: Read, seconds: float) -> None:
    assert [found.trigger_kind for found in read(*run(A), event(110, seconds, B, InstanceId=B)).runs] == [""]


# Events --------------------------------------------------------------------------------------------------------------

KINDS = dict.fromkeys((101, 103, 203, 305, 204, 205), "start failed") | dict.fromkeys((104, 105), "logon failed")
KINDS |= dict.fromkeys((322, 112, 128, 153, 130, 131, 133, 135, 326, 332, 333, 334), "ignored")
KINDS |= {324: "queued", 325: "queued", 329: "time limit"} | dict.fromkeys((111, 323, 327, 328, 330), "stopped")


@pytest.mark.parametrize(("number", "kind"), KINDS.items())
def test_each_event_has_its_kind(read: Read, number: int, kind: str) -> None:
    log = read(event(number, 5, A, ResultCode=2147942402))
    assert log.events == [LoggedEvent(LOAD, at(5), kind, 2147942402, A, number)]
    assert (log.runs, log.problems) == ([], [])


def test_the_table_in_the_docstring_is_the_one_that_is_applied() -> None:
    rows = re.findall(r"^(\d[\d, ]*\d)  +(\w+ ?\w+)  +\w", eventlog.__doc__ or "", re.MULTILINE)
    assert {int(number): kind for numbers, kind in rows for number in numbers.split(", ")} == KINDS


@pytest.mark.parametrize(
    "number", [106, 113, 116, 126, 127, 140, 141, 142, 145, 155, 301, 319, 331, 400, 411, 700, 1000]
)
def test_other_events_say_nothing_of_a_run(read: Read, number: int) -> None:
    log = read(event(number, 5, A, InstanceId=A, ResultCode=1))
    assert (log.runs, log.events, log.problems, log.first, log.last) == ([], [], [], at(5), at(5))


def test_a_failure_told_three_times_is_one_event(sample: EventLog) -> None:
    (found,) = [each for each in sample.events if each.path == "\\OpenData\\Missing"]
    assert (found.kind, found.event, found.code) == ("start failed", 203, 0x80070002)
    assert found.at == datetime(2026, 11, 23, 13, 30, 0, 120000, tzinfo=UTC)


def test_a_stop_told_twice_is_one_event_with_its_reason(sample: EventLog) -> None:
    (found,) = [each for each in sample.events if each.path == SLOW and each.kind != "ignored"]
    assert (found.kind, found.event, found.at) == ("time limit", 329, datetime(2026, 11, 23, 13, 20, 0, 10000, UTC))


def test_an_ignored_start_names_the_instance_that_was_running(sample: EventLog) -> None:
    (found,) = [each for each in sample.events if each.event == 322]
    assert (found.path, found.kind, found.instance) == (SLOW, "ignored", by_name(sample)["Slow"].instance)


def test_two_ignored_starts_during_one_run_are_two(read: Read) -> None:
    log = read(*run(A), *(event(322, second, B, TaskInstanceId=A) for second in (20, 40)))
    assert [each.at for each in log.events] == [at(20), at(40)]


def test_a_run_stopped_for_a_new_one_is_the_stopped_one(read: Read) -> None:
    log = read(*run(A, 0, None), *run(B, 30), event(323, 30, "", StoppedTaskInstanceId=A, NewTaskInstanceId=B))
    assert [(each.instance, each.stopped) for each in log.runs] == [(A, "stopped"), (B, "")]
    assert [each.instance for each in log.events] == [A]


def test_a_failed_logon_is_of_the_task_whose_instance_it_names(read: Read) -> None:
    logon = event(104, 1, A, "", UserName="TOWN\\opendata", ErrorDescription="LogonUserExEx", ResultCode=2147943726)
    assert [each.path for each in read(event(107, 0, A, InstanceId=A), logon).events] == [LOAD]
    assert [(each.path, each.code) for each in read(logon).events] == [("", 2147943726)]


def test_what_names_no_instance_explains_nothing_else(read: Read) -> None:
    log = read(event(101, 0, "", UserContext="x"), event(104, 1, "", "", UserName="x"))
    assert [(each.path, each.event) for each in log.events] == [(LOAD, 101), ("", 104)]


# The same records ----------------------------------------------------------------------------------------------------

STORY = [
    *run(A, 0, 60, code=1),
    event(107, 0, A, InstanceId=A),
    created(0),
    *run(B, 100, None),
    event(322, 110, C, TaskInstanceId=B),
    event(329, 200, B, TaskInstanceId=B),
    event(111, 201, B, InstanceId=B),
    *run(C, 300, 360),
    event(200, 361, C, TaskInstanceId=C),
    event(201, 365, C, TaskInstanceId=C, ResultCode=3),
    event(110, 300.1, "e" * 8 + A[8:], InstanceId="e" * 8 + A[8:]),
    created(400, SLOW),
    *run(D, 400, 460, SLOW)[2:],
    event(203, 500, A[:-1] + "0", SLOW, TaskInstanceId=A[:-1] + "0", ResultCode=2),
    event(103, 501, A[:-1] + "0", SLOW, InstanceId=A[:-1] + "0", ResultCode=2),
]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(STORY), twice=st.lists(st.sampled_from(STORY)))
def test_order_and_repetition_of_records_change_nothing(write: Write, order: list[str], twice: list[str]) -> None:
    expected = read_eventlog(write(STORY))
    assert (len(expected.runs), len(expected.events)) == (4, 3)
    assert read_eventlog(write(order + twice)) == expected


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
def test_xml_is_read_in_every_encoding_and_shape(write: Write, sample: EventLog, content: bytes) -> None:
    log = read_eventlog(write(content, "runs.xml"))
    assert log == sample


def test_a_letter_at_the_edge_of_a_block_is_whole(write: Write) -> None:
    for encoding, filler in (("utf-8", 1 << 20), ("utf-16", (1 << 19) - 1)):
        text = " " * (filler - 30) + "".join(run(A, path="\\Bürö" * 40))
        assert [each.path for each in read_eventlog(write(("<x/>" + text).encode(encoding))).runs] == ["\\Bürö" * 40]


def test_times_in_other_offsets_are_the_same_moment(read: Read) -> None:
    (found,) = read(*(each.replace("T11:", "T06:").replace("Z'", "-05:00'") for each in run(A))).runs
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


def pair(start: str, end: str, path: str = LOAD, instance: str = A) -> str:
    return table((start, 100, STARTED.format(instance, path)), (end, 102, ENDED.format(instance, path)))


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (pair("11/23/2026 6:00:00 AM", "11/23/2026 6:00:05 AM"), {"zone": "America/New_York"}),
        (pair("23/11/2026 11:00:00", "23/11/2026 11:00:05"), {"zone": "Europe/Dublin"}),
        (pair("2026-11-23T06:00:00.0000000-05:00", "2026-11-23T06:00:05.0000000-05:00"), {}),
        (pair("2026-11-23 12:00:00", "2026-11-23 12:00:05"), {"zone": "Europe/Warsaw"}),
        (pair("2026-11-23 12:00:00", "2026-11-23 12:00:05").encode("utf-16"), {"zone": "Europe/Warsaw"}),
        (b"\xfe\xff" + pair("2026-11-23 12:00:00", "2026-11-23 12:00:05").encode("utf-16-be"), {"zone": "Europe/Rome"}),
        (
            pair("2026-11-23 12:00:00", "2026-11-23 12:00:05").replace('","', '"\t"').replace(",", "\t"),
            {"zone": "Europe/Rome"},
        ),
        ("#TYPE X\r\n" + 2 * pair("2026-11-23 12:00:00", "2026-11-23 12:00:05"), {"zone": "Europe/Rome"}),
    ],
    ids=["mdy", "dmy", "offset", "iso", "utf-16", "utf-16-be", "tab", "twice with header"],
)
def test_csv_times_are_those_of_the_zone(write: Write, content: str | bytes, options: dict[str, str]) -> None:
    log = read_eventlog(write(content, "log.csv"), **options)
    assert [(each.started, each.ended) for each in log.runs] == [(at(0), at(5))]
    assert log.problems == []


def test_csv_in_an_8_bit_page_keeps_its_letters(write: Write) -> None:
    content = pair("2026-11-23 12:00:00", "2026-11-23 12:00:05", "\\Büro").encode("cp1252")
    assert [each.path for each in read_eventlog(write(content), zone="Europe/Rome").runs] == ["\\Büro"]


def test_csv_without_a_zone_is_a_problem_and_no_runs(write: Write) -> None:
    log = read_eventlog(write(pair("2026-11-23 12:00:00", "2026-11-23 12:00:05"), "log.csv"))
    assert log == EventLog(
        [], [], [Problem("log.csv", "its times are local, and no time zone is given for them: --zone does")]
    )


def test_csv_whose_day_and_month_may_be_swapped_asks(write: Write) -> None:
    file = write(pair("02/03/2026 06:00:00", "02/03/2026 06:00:05"))
    log = read_eventlog(file, zone="Europe/Dublin")
    assert (log.runs, len(log.problems)) == ([], 1)
    assert "--dates dmy or --dates mdy decides" in log.problems[0].what
    for dates, month in (("dmy", 3), ("mdy", 2)):
        assert [each.started.month for each in read_eventlog(file, zone="Europe/Dublin", dates=dates).runs] == [month]


def test_one_clear_day_settles_all_of_a_csv(write: Write) -> None:
    text = pair("02/03/2026 06:00:00", "02/03/2026 06:00:05") + pair(
        "13/03/2026 06:00:00", "13/03/2026 06:00:05", instance=B
    )
    log = read_eventlog(write(text), zone="Europe/Dublin")
    assert [each.started.month for each in log.runs] == [3, 3]


@pytest.mark.parametrize(
    ("start", "end"),
    [("11/01/2026 12:59:00 AM", "11/01/2026 1:30:00 AM"), ("3/8/2026 1:59:00 AM", "3/8/2026 2:30:00 AM")],
    ids=["autumn", "spring"],
)
def test_csv_time_that_the_zone_has_twice_or_not_at_all_is_left_out(write: Write, start: str, end: str) -> None:
    sound = pair("11/23/2026 6:00:00 AM", "11/23/2026 6:00:05 AM", instance=B)
    ignored = f'Task Scheduler did not launch task "{SLOW}" because …'
    without = table(("11/23/2026 7:00:00 AM", 332, ignored), (end, 332, ignored))
    log = read_eventlog(write(pair(start, end) + sound + without), zone="America/New_York", dates="mdy")
    assert ([each.instance for each in log.runs], [each.path for each in log.events]) == ([B], [SLOW])
    assert whats(log) == ["2 times that the zone has twice or not at all: what belongs to them is left out"]


def test_csv_path_that_lost_letters_is_a_problem(write: Write) -> None:
    log = read_eventlog(write(pair("2026-11-23 12:00:00", "2026-11-23 12:00:05", "\\B?ro")), zone="Europe/Rome")
    assert log.runs == []
    assert whats(log) == [
        "2 records could not be read; the first: its message names '\\B?ro': letters were lost that "
        "Export-Csv -Encoding UTF8 keeps"
    ]


LAUNCHED = 'Task Scheduler launched action "{{{0}}}" in instance "{{{1}}}" of task "{2}".'


def test_csv_class_of_an_action_is_not_taken_for_the_instance(write: Write) -> None:
    message = LAUNCHED.format(B, A, LOAD)
    header = "TimeCreated,Id,Message,ActivityId"
    told = table(("2026-11-23 12:00:00", 200, message, A), header=header)
    assert [each.instance for each in read_eventlog(write(told), zone="Europe/Rome").runs] == [A]
    log = read_eventlog(write(table(("2026-11-23 12:00:00", 200, message))), zone="Europe/Rome")
    assert (log.runs, len(log.problems)) == ([], 1)


@pytest.mark.parametrize("program", ["\\\\FILES01\\jobs\\run.cmd", "C:\\jobs\\run 7.cmd", '"C:\\jobs\\run.cmd"'])
def test_csv_program_of_an_action_is_not_taken_for_the_task_or_the_code(write: Write, program: str) -> None:
    names = f'task "{LOAD}" , instance "{{{A}}}" , action "{program}"'
    message = f"Task Scheduler successfully completed {names} with return code 3."
    rows = [
        ("2026-11-23 12:00:00", 200, message.replace("with return code 3", "")),
        ("2026-11-23 12:00:09", 201, message),
    ]
    log = read_eventlog(write(table(*rows)), zone="Europe/Rome")
    assert [(each.path, each.code) for each in log.runs] == [(LOAD, 3)]


@pytest.mark.parametrize("quotes", ["“”", "„“", "„”", "«»", '""'])
def test_csv_task_is_found_in_the_quotes_of_any_language(write: Write, quotes: str) -> None:
    text = pair("2026-11-23 12:00:00", "2026-11-23 12:00:05").replace('""', '"')
    first, last = quotes
    for value in ("{" + A + "}", LOAD, "TOWN\\opendata"):
        text = text.replace(f'"{value}"', f"{first}{value}{last}".replace('"', '""'))
    assert [(each.path, each.user) for each in read_eventlog(write(text), zone="Europe/Rome").runs] == [
        (LOAD, "TOWN\\opendata")
    ]


def test_csv_of_other_logs_and_rows_that_say_nothing_are_told(write: Write) -> None:
    header = "TimeCreated,Id,Message,ProviderName"
    ours = "Microsoft-Windows-TaskScheduler"
    rows = [
        ("2026-11-23 12:00:00", 100, STARTED.format(A, LOAD), ours),
        ("2026-11-23 12:00:00", 4698, "A scheduled task was created.", "Microsoft-Windows-Security-Auditing"),
        ("2026-11-23 12:00:05", 102, "", ours),
        ("2026-11-23 12:00:05", "x", ENDED.format(A, LOAD), ours),
        ("yesterday", 102, ENDED.format(A, LOAD), ours),
        ("1601-01-01 00:00:00", 102, ENDED.format(A, LOAD), ours),
        ("2026-11-23 12:00:05",),
    ]
    log = read_eventlog(write(table(*rows, header=header)), zone="Europe/Rome")
    assert [(each.path, each.ended) for each in log.runs] == [(LOAD, None)]
    assert whats(log) == ["5 records could not be read; the first: its message names no task"]
    (alone,) = whats(read_eventlog(write(table(rows[1], header=header)), zone="Europe/Rome"))
    assert alone == "holds no event of the Task Scheduler; its events are of Microsoft-Windows-Security-Auditing"


def test_unknown_zone_and_order_are_refused() -> None:
    with pytest.raises(ZoneError, match="'Mars/Olympus' is not the name of a time zone"):
        read_eventlog(FILES / "english.csv", zone="Mars/Olympus")
    with pytest.raises(SnapshotError, match="'ymd' is not an order of day and month"):
        read_eventlog(FILES / "english.csv", dates="ymd")


# What is wrong -------------------------------------------------------------------------------------------------------

SOUND = "".join(run(A))
BOMB = "<!DOCTYPE l [<!ENTITY a 'aaaaaaaaaa'>" + "".join(
    f"<!ENTITY {chr(98 + i)} '{f'&{chr(97 + i)};' * 10}'>" for i in range(9)
)
SECURITY = SOUND.replace("Microsoft-Windows-TaskScheduler", "Microsoft-Windows-Security-Auditing")

# content of a file: (number of runs, how its only problem begins)
WRONG: dict[str, tuple[str | bytes, int, str]] = {
    "empty": (b"", 0, "is empty"),
    "blank": (b"\xff\xfe \0\r\0\n\0", 0, "holds no text"),
    "text": ("Guten Morgen", 0, "is neither .evtx, nor XML of wevtutil, nor a CSV with"),
    "image": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 50, 0, "is neither .evtx, nor XML"),
    "status csv": ('"TaskName","Status"\r\n"\\Load","Ready"\r\n', 0, "is neither .evtx, nor XML"),
    "task definition": ("<Task><Actions/></Task>", 0, "holds no event of the Task Scheduler"),
    "html": ("<!DOCTYPE html><html><body>no</body></html>", 0, "holds no event of the Task Scheduler"),
    "another log": (SECURITY, 0, "holds no event of the Task Scheduler; its events are of Microsoft-Windows-Security"),
    "no provider": (
        SOUND.replace("<Provider ", "<Nothing "),
        0,
        "holds no event of the Task Scheduler; its events are of no",
    ),
    "cut off at the end": (SOUND + run(B)[0][:300], 1, "1 record could not be read; the first: it is cut off"),
    "cut off in the middle": (run(B)[0][:300] + SOUND, 1, "1 record could not be read; the first: it is cut off"),
    "without its begin": (
        "<x/>" + run(B)[0][-300:] + SOUND,
        1,
        "1 record could not be read; the first: it has no begin",
    ),
    "not well-formed": (
        run(B)[0].replace("</Data>", "") + SOUND,
        1,
        "1 record could not be read; the first: is not well",
    ),
    "no time": (
        run(B)[0].replace("TimeCreated", "Time") + SOUND,
        1,
        "1 record could not be read; the first: it has no id",
    ),
    "odd id": (run(B)[0].replace(">100<", ">1OO<") + SOUND, 1, "1 record could not be read"),
    "long id": (run(B)[0].replace(">100<", f">{'1' * 5000}<") + SOUND, 1, "1 record could not be read"),
    "naive time": (
        run(B)[0].replace("Z'", "'") + SOUND,
        1,
        "1 record could not be read; the first: 2026-11-23 11:00:00 is",
    ),
    "first day": (run(B)[0].replace("2026-11-23", "0001-01-01").replace("Z'", "+14:00'") + SOUND, 1, "1 record could"),
    "last day": (run(B)[0].replace("2026-11-23", "9999-12-31").replace("Z'", "-14:00'") + SOUND, 1, "1 record could"),
    "no task path": (SOUND.replace(LOAD, "Load"), 0, "1 run of what is no task path; left out"),
    "control character": (SOUND.replace(LOAD, "\\OpenData&#127;Load"), 0, "1 run of what is no task path; left out"),
    "entity bomb": (
        BOMB + "]>" + SOUND.replace(LOAD, "\\&i;"),
        0,
        "4 records could not be read; the first: is not well",
    ),
    "document type": ("<!DOCTYPE x SYSTEM 'http://localhost:9/x'>" + SOUND, 1, ""),
    "deep": (SOUND.replace("<EventData>", "<EventData>" + "<a>" * 5000), 0, "4 records could not be read"),
    "wide": (SOUND.replace("<EventData>", "<EventData>" + "<a/>" * 200_000), 0, "4 records could not be read"),
    "endless": (SOUND + "<Event " + " " * (6 << 20), 1, "is not read further where 4 MiB hold no end of an event"),
    "csv never closed": (
        table(("2026-11-23 12:00:00", 100, STARTED.format(A, LOAD))) + '"' + "x" * 200_000,
        1,
        "is not read",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_and_the_rest_is_read(write: Write, name: str) -> None:
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
            assert all(each.started.tzinfo is UTC and each.path[0] == BACKSLASH for each in log.runs)


def test_names_of_any_length_and_with_markup_are_kept_as_they_are(read: Read) -> None:
    paths = ["\\" + "x" * 10_000, "\\<script>alert('1')</script>", '\\"TaskName">\\Evil', "\\&amp;", "\\ü🎈"]
    log = read(
        *(line for path, letter in zip(paths, "01234", strict=True) for line in run(letter * 8 + A[8:], path=path))
    )
    assert (sorted(each.path for each in log.runs), log.problems) == (sorted(paths), [])


def test_what_is_no_guid_joins_nothing(read: Read) -> None:
    log = read(*run("<b>" + A[3:]), event(322, 5, TaskInstanceId="'; DROP"))
    assert (log.runs, [each.instance for each in log.events], log.problems) == ([], [""], [])


@pytest.mark.parametrize("name", ["", "none.evtx", "nul\0.evtx"])
def test_what_can_t_be_opened_is_a_problem(tmp_path: Path, name: str) -> None:
    (problem,) = read_eventlog(tmp_path / name).problems
    assert problem.what.startswith("can't be opened (" if name else "is not a regular file")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes in folders")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log.evtx")
    found: list[EventLog] = []
    thread = threading.Thread(target=lambda: found.append(read_eventlog(tmp_path / "log.evtx")), daemon=True)
    thread.start()
    thread.join(10)
    assert [problem.what for log in found for problem in log.problems] == ["is not a regular file"]


def test_a_file_name_that_is_no_unicode_is_named_by_its_numbers(write: Write) -> None:
    try:
        file = write(b"", os.fsdecode(b"b\xe9.evtx"))
    except OSError:
        pytest.skip("this file system has no such names")
    assert [problem.file for problem in read_eventlog(file).problems] == ["b\\udce9.evtx"]


def test_a_large_log_is_never_held_whole(write: Write) -> None:
    others = event(140, 1, "", UserName="TOWN\\clerk").replace("</Event>", f"<x>{'y' * 20_000}</x></Event>")
    file = write([*run(A), *[others] * 1500])
    assert file.stat().st_size > 30_000_000
    tracemalloc.start()
    try:
        assert len(read_eventlog(file).runs) == 1
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


# evtx ----------------------------------------------------------------------------------------------------------------


def test_without_the_package_evtx_a_log_is_a_problem(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: object) -> object:
        if name == "evtx":
            raise ImportError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    log = read_eventlog(write(b"ElfFile\0" + bytes(8000), "Operational.evtx"))
    assert log == EventLog(
        [], [], [Problem("Operational.evtx", "needs the package evtx: pip install 'taskanalysis[eventlog]'")]
    )


@corpus
class TestRealLogs:
    @pytest.fixture(autouse=True)
    def _package(self) -> None:
        pytest.importorskip("evtx", reason="the extra eventlog is not installed")

    def test_real_log_gives_two_runs_started_by_a_user(self) -> None:
        log = read_eventlog(OPERATIONAL)
        first, second = log.runs
        assert (first.code, first.code_source, round(first.seconds or 0, 6)) == (0x80070001, "action", 0.256973)
        assert decode(first.code, command="cmd.exe", source=first.code_source).outcome is Outcome.FAILED
        assert (second.code, round(second.seconds or 0, 6)) == (0, 0.466982)
        # the second is a task of a group: its event 110 names another instance than all others of the run
        assert [each.trigger_kind for each in log.runs] == ["user", "user"]
        assert all(each.ended and each.started < each.ended and each.user for each in log.runs)
        assert (log.events, log.problems) == ([], [])
        assert log.first
        assert log.last
        assert log.first < first.started < log.last

    def test_parts_taken_from_their_places_are_those_that_a_parser_finds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        quick = read_eventlog(OPERATIONAL)
        parsed: list[bytes] = []
        parse = eventrecords.parse
        monkeypatch.setattr(eventrecords, "parse", lambda piece: (parsed.append(piece), parse(piece))[1])
        assert read_eventlog(OPERATIONAL) == quick
        assert parsed == []
        monkeypatch.setattr(eventrecords._Places, "record", lambda *_: (-1, 0, ""))
        assert read_eventlog(OPERATIONAL) == quick
        assert len(parsed) == 20

    @pytest.mark.parametrize("name", sorted(file.name for file in CORPUS.glob("*.evtx") if file != OPERATIONAL))
    def test_other_logs_hold_no_event_of_the_task_scheduler(self, name: str) -> None:
        log = read_eventlog(CORPUS / name)
        (what,) = whats(log)
        assert what.startswith("holds no event of the Task Scheduler; its events are of ")
        assert "Microsoft-Windows-Security-Auditing" in what
        assert (log.runs, log.events, log.first) == ([], [], None)

    def test_names_with_markup_are_kept_as_they_are(self, write: Write) -> None:
        real = OPERATIONAL.read_bytes()
        name = read_eventlog(OPERATIONAL).runs[0].path[1:]
        for odd in ('"TaskName">\\Evil1', "<b>&amp;'\"&lt;</b>"):
            put = odd[: len(name)].ljust(len(name), "x")
            content = real.replace(name.encode("utf-16-le"), put.encode("utf-16-le"))
            assert content != real
            assert read_eventlog(write(content, "log.evtx")).runs[0].path == "\\" + put

    def test_log_cut_off_is_told(self, write: Write) -> None:
        content = OPERATIONAL.read_bytes()
        for size in (len(content) - 1, 30_000, 5_000, 4_000, 100, 8):
            log = read_eventlog(write(content[:size], "log.evtx"))
            assert whats(log)[0] == "is cut off; what is whole was read"
            assert log.runs == []

    def test_empty_log_is_told(self, write: Write) -> None:
        assert whats(read_eventlog(write(OPERATIONAL.read_bytes()[:4096], "log.evtx"))) == [
            "holds no event of the Task Scheduler"
        ]

    def test_a_broken_record_leaves_the_others(self, write: Write) -> None:
        content = bytearray(OPERATIONAL.read_bytes())
        second = content.index(b"**\0\0", content.index(b"**\0\0") + 1)
        content[second + 24 : second + 28] = b"\xff" * 4
        log = read_eventlog(write(bytes(content), "log.evtx"))
        assert len(log.runs) == 2
        (what,) = whats(log)
        assert what.startswith("1 record could not be read; the first: Failed to parse record number ")

    def test_a_broken_header_is_told(self, write: Write) -> None:
        content = bytearray(OPERATIONAL.read_bytes()[:4096])
        content[40:42] = b"\xff\xff"
        (what,) = whats(read_eventlog(write(bytes(content), "log.evtx")))
        assert what.startswith("1 record could not be read; the first: Calculation Error")

    def test_rare_events_are_read_too(self, write: Write) -> None:
        content = OPERATIONAL.read_bytes()
        launch = content.index("Administrators".encode("utf-16-le")) - 450
        found = []
        for place in range(launch, launch + 450):  # one of these is the id of event 110
            if content[place : place + 2] == b"\x6e\0":
                changed = content[:place] + (322).to_bytes(2, "little") + content[place + 2 :]
                found += read_eventlog(write(changed, "log.evtx")).events
        (ignored,) = found
        assert (ignored.event, ignored.kind, ignored.path) == (322, "ignored", read_eventlog(OPERATIONAL).runs[1].path)

    def test_the_activity_serves_where_the_data_name_no_instance(self, write: Write) -> None:
        content, quick = OPERATIONAL.read_bytes(), read_eventlog(OPERATIONAL).runs
        renamed = content.replace("InstanceId".encode("utf-16-le"), "InstanceXd".encode("utf-16-le"))
        assert renamed != content
        assert read_eventlog(write(renamed, "log.evtx")).runs == quick

    def test_unused_chunks_are_no_problem(self, write: Write) -> None:
        log = read_eventlog(write(OPERATIONAL.read_bytes() + bytes(3 * 65536), "log.evtx"))
        assert (len(log.runs), log.problems) == (2, [])

    @pytest.mark.parametrize("seed", range(8))
    def test_bytes_at_random_never_raise(self, write: Write, seed: int) -> None:
        chance, real = random.Random(seed), OPERATIONAL.read_bytes()
        for _ in range(25):
            content = bytearray(real if chance.random() < 0.8 else b"ElfFile\0" + chance.randbytes(70_000))
            for _ in range(chance.randint(1, 60)):
                content[chance.randrange(8, 18_000)] = chance.randrange(256)
            log = read_eventlog(write(bytes(content), "log.evtx"))
            assert all(each.started.tzinfo is UTC and each.path[0] == BACKSLASH for each in log.runs)
