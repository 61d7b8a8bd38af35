"""The log TaskScheduler/Operational: which runs and events its records make.

No real log that was at hand holds 101, 103, 107, 203, 322 or 329; these are written here as the provider's manifest has
them, and have been seen on no Windows by this project.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskanalysis.errors import SnapshotError, ZoneError
from taskanalysis.history.eventlog.runs import EventLog, LoggedEvent, LoggedRun, read_eventlog
from taskanalysis.results.decode import Outcome, decode
from tests import build
from tests.build import LOAD, event, run_events
from tests.build import logged as at

FILES = build.FILES / "eventlogs"
A, B, C, D = build.GUIDS
SLOW = "\\OpenData\\Slow"
Read, Write = Callable[..., EventLog], Callable[..., Path]


def by_name(log: EventLog) -> dict[str, LoggedRun]:
    return {each.path.split("\\")[-1]: each for each in log.runs}


# Runs ----------------------------------------------------------------------------------------------------------------


def test_a_run_has_start_end_duration_code_trigger_and_account(sample_log: EventLog) -> None:
    found = by_name(sample_log)["Load"]
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
    assert sample_log.problems == []
    assert (sample_log.first, sample_log.last) == (datetime(2026, 11, 23, 10, 40, 12, 100000, UTC), at(4 * 3600))


SAMPLE: dict[str, dict[str, object]] = {
    "Nightly": {"code": 0, "codes": (0x80070003, 0), "seconds": 200},  # of several actions the last code, all the time
    "Slow": {
        "stopped": "time limit",
        "ended": at(8400.25),
        "code": None,
        "codes": (),
        "code_source": "",
        "seconds": None,
    },
    "Crash": {"ended": None, "seconds": None, "code": None, "trigger_kind": "boot"},
    "Missing": {"code": 0x80070002, "code_source": "start", "seconds": None, "ended": at(9000.12)},  # no exit code
}


@pytest.mark.parametrize("name", SAMPLE)
def test_runs_of_several_actions_and_of_each_end_are_told_apart(sample_log: EventLog, name: str) -> None:
    found = by_name(sample_log)[name]
    assert {field: getattr(found, field) for field in SAMPLE[name]} == SAMPLE[name]


@pytest.mark.parametrize(
    ("name", "command", "outcome"),
    [("Load", "cmd.exe", Outcome.FAILED), ("Missing", "", Outcome.NOT_STARTED)],
    ids=["event 102 makes no success", "a failed start"],
)
def test_code_is_decoded_by_its_source(sample_log: EventLog, name: str, command: str, outcome: Outcome) -> None:
    found = by_name(sample_log)[name]
    assert decode(found.code, command=command, source=found.code_source).outcome is outcome


def test_an_end_without_a_start_is_no_run(sample_log: EventLog) -> None:
    assert "EventID>201</EventID" in (FILES / "runs.xml").read_text(encoding="utf-8").splitlines()[0]
    assert "Old" not in by_name(sample_log)


def created(seconds: float, path: str = LOAD) -> str:
    return event(129, seconds, "", path, Path="x.exe", ProcessID=4412, Priority=16384)


RUN = run_events(A)
REFUSED = [event(100, 0, A, InstanceId=A), event(103, 1, A, InstanceId=A, ResultCode=5)]
STILL = [*RUN[:3], event(200, 61, A, TaskInstanceId=A)]
KILLED = [*STILL, event(111, 90, A, InstanceId=A)]
OF_VISTA = [*RUN[:2], event(201, 60, A, ActionName="x.exe", TaskInstanceId=A), RUN[3]]
MARKS = [event(100, 5, A, InstanceId=A, UserContext="other"), event(111, 60.5, A, InstanceId=A)]
WIDEST = {"started": at(0), "ended": at(61), "user": "TOWN\\opendata", "stopped": "stopped"}


@pytest.mark.parametrize(
    ("events", "facts"),
    [
        (REFUSED, {"code": 5, "code_source": "start", "ended": at(1)}),  # 203 is missing
        (STILL, {"ended": None, "seconds": None, "code": None, "codes": (0,)}),  # not the code of the action before
        (KILLED, {"ended": at(90), "seconds": None, "code": None, "stopped": "stopped"}),
        (RUN[:3], {"ended": at(60), "seconds": 59, "code": 0}),  # 102 is missing
        (RUN[1:], {"started": at(1), "ended": at(61), "user": ""}),  # 100 is missing
        ([created(0), *RUN[2:]], {"started": at(0), "ended": at(61), "code": 0, "seconds": None}),
        (OF_VISTA, {"code": None, "codes": (), "code_source": "", "seconds": 59}),
        (run_events(A, 0, -30), {"started": at(0), "ended": at(-29), "seconds": None, "code": 0}),  # clock set back
        (run_events(A, 0, 1), {"seconds": 0}),
        ([*RUN, *MARKS], WIDEST),  # the first of several starts, the last of several ends
        ([*MARKS, *RUN], WIDEST),
    ],
)
def test_run_of_incomplete_or_repeated_events(read: Read, events: list[str], facts: dict[str, object]) -> None:
    (found,) = read(*events).runs
    assert {field: getattr(found, field) for field in facts} == facts


@pytest.mark.parametrize(
    ("code", "number"),
    [("0x80070001", 0x80070001), ("0xZZ", None), ("99999999999", None), ("-", None), ("x" * 10_000, None)],
)
def test_code_may_be_in_hex_and_an_invalid_one_is_unknown(read: Read, code: str, number: int | None) -> None:
    assert [found.code for found in read(*run_events(A, code=code)).runs] == [number]


def test_runs_at_the_same_time_stay_apart(read: Read) -> None:
    found = read(*run_events(A, 0, 60), *run_events(B, 5, 30, code=7), *run_events(C, 6, 20, SLOW)).runs
    assert [(each.path, each.seconds, each.code) for each in found] == [(LOAD, 59, 0), (LOAD, 24, 7), (SLOW, 13, 0)]


TRIGGERS = {107: "time", 108: "event", 109: "registration", 110: "user", 114: "missed", 117: "idle", 118: "boot"}
TRIGGERS |= {119: "logon"} | dict.fromkeys(range(120, 126), "session")


@pytest.mark.parametrize(("number", "kind"), [*TRIGGERS.items(), (140, "")])
def test_trigger_is_what_launched_the_run(read: Read, number: int, kind: str) -> None:
    (found,) = read(*run_events(A), event(number, 0.001, A, InstanceId=A, UserContext="clerk")).runs
    assert (found.trigger_kind, found.user) == (kind, "TOWN\\opendata")


def test_missed_start_prevails_over_its_time_trigger(read: Read) -> None:
    launches = [event(number, 0, A, InstanceId=A) for number in (107, 114)]
    for order in (launches, launches[::-1]):
        assert [found.trigger_kind for found in read(*run_events(A), *order).runs] == ["missed"]


# What names no instance, or another one ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "starts"),
    [
        ([created(0), *RUN[2:]], {A: 0}),
        ([created(0), *RUN[2:], created(100), *run_events(B, 100, 160)[2:]], {A: 0, B: 100}),  # after each end again
        ([created(0)], {}),
        ([created(0, SLOW), *RUN[2:]], {}),  # another task
        ([created(70), *RUN[2:]], {}),  # later than the end
        ([created(0), created(30), *RUN[2:]], {}),  # two may be open
        ([created(0), *RUN[2:], *run_events(B, 0.001, None)], {B: 0.001}),  # it is that of another run
        ([created(0), *RUN[2:], *run_events(B, 0, 60)[2:]], {}),  # two may be meant
        ([created(0), *run_events(B, 0, 60), *run_events(A, 0, 200)[2:]], {B: 0}),  # it is that of a whole run
        ([created(0), *run_events(B, 0, 60), created(30), *run_events(A, 0, 50)[2:]], {B: 0}),  # that is still open
    ],
)
def test_event_129_gives_the_start_of_a_run_that_has_no_other(
    read: Read, events: list[str], starts: dict[str, float]
) -> None:
    assert {each.instance: each.started for each in read(*events).runs} == {key: at(starts[key]) for key in starts}


def launched(number: int, seconds: float, instance: str) -> str:
    return event(number, seconds, instance, InstanceId=instance)


@pytest.mark.parametrize(
    ("others", "kinds"),
    [
        ([launched(110, 0.0002, B)], {A: "user"}),
        ([launched(110, 0.0002, B), *run_events(C, 1)], {A: "", C: ""}),  # two runs
        ([launched(110, 0.0002, B), launched(107, 0.1, D)], {A: ""}),  # two launches
        ([launched(110, 0.0002, B), launched(107, 0.1, A)], {A: "time"}),  # the run has its own
        ([launched(107, 0, A), *run_events(B, 1)], {A: "time", B: ""}),  # the launch has its own
        ([launched(110, -30, B)], {A: ""}),  # long before
        ([launched(110, 30, B)], {A: ""}),  # long after
    ],
)
def test_a_launch_under_another_instance_belongs_to_the_one_run_beside_it(
    read: Read, others: list[str], kinds: dict[str, str]
) -> None:
    assert {each.instance: each.trigger_kind for each in read(*RUN, *others).runs} == kinds


# Events --------------------------------------------------------------------------------------------------------------

KINDS = dict.fromkeys((101, 103, 203, 305, 204, 205), "start failed") | dict.fromkeys((104, 105), "logon failed")
KINDS |= dict.fromkeys((322, 112, 128, 153, 130, 131, 133, 135, 326, 332, 333, 334), "ignored")
KINDS |= {324: "queued", 325: "queued", 329: "time limit"} | dict.fromkeys((111, 323, 327, 328, 330), "stopped")


@pytest.mark.parametrize(("number", "kind"), KINDS.items())
def test_each_event_has_its_kind(read: Read, number: int, kind: str) -> None:
    log = read(event(number, 5, A, ResultCode=2147942402))
    assert log.events == [LoggedEvent(LOAD, at(5), kind, 2147942402, A, number)]
    assert (log.runs, log.problems) == ([], [])


@pytest.mark.parametrize(
    "number", [106, 113, 116, 126, 127, 140, 141, 142, 145, 155, 301, 319, 331, 400, 411, 700, 1000]
)
def test_other_events_do_not_change_a_run(read: Read, number: int) -> None:
    log = read(event(number, 5, A, InstanceId=A, ResultCode=1))
    assert (log.runs, log.events, log.problems, log.first, log.last) == ([], [], [], at(5), at(5))


def test_what_the_sample_logs_several_times_is_one_event(sample_log: EventLog) -> None:
    slow, missing = (by_name(sample_log)[name].instance for name in ("Slow", "Missing"))
    assert [each for each in sample_log.events if each.path in (SLOW, "\\OpenData\\Missing")] == [
        LoggedEvent(SLOW, at(4800.01), "ignored", None, slow, 322),
        LoggedEvent(SLOW, at(8400.01), "time limit", None, slow, 329),
        LoggedEvent("\\OpenData\\Missing", at(9000.12), "start failed", 0x80070002, missing, 203),
    ]


def test_two_ignored_starts_during_one_run_are_two(read: Read) -> None:
    log = read(*run_events(A), *(event(322, second, B, TaskInstanceId=A) for second in (20, 40)))
    assert [each.at for each in log.events] == [at(20), at(40)]


def test_a_run_stopped_for_a_new_one_is_the_stopped_one(read: Read) -> None:
    log = read(
        *run_events(A, 0, None), *run_events(B, 30), event(323, 30, "", StoppedTaskInstanceId=A, NewTaskInstanceId=B)
    )
    assert [(each.instance, each.stopped) for each in log.runs] == [(A, "stopped"), (B, "")]
    assert [each.instance for each in log.events] == [A]


def test_a_failed_logon_is_of_the_task_whose_instance_it_names(read: Read) -> None:
    logon = event(104, 1, A, "", UserName="TOWN\\opendata", ErrorDescription="LogonUserExEx", ResultCode=2147943726)
    assert [each.path for each in read(event(107, 0, A, InstanceId=A), logon).events] == [LOAD]
    assert [(each.path, each.code) for each in read(logon).events] == [("", 2147943726)]


def test_event_without_instance_explains_no_other_event(read: Read) -> None:
    log = read(event(101, 0, "", UserContext="x"), event(104, 1, "", "", UserName="x"))
    assert [(each.path, each.event) for each in log.events] == [(LOAD, 101), ("", 104)]


# The same records ----------------------------------------------------------------------------------------------------

STORY = [
    *run_events(A, 0, 60, code=1),
    event(107, 0, A, InstanceId=A),
    created(0),
    *run_events(B, 100, None),
    event(322, 110, C, TaskInstanceId=B),
    event(329, 200, B, TaskInstanceId=B),
    event(111, 201, B, InstanceId=B),
    *run_events(C, 300, 360),
    event(200, 361, C, TaskInstanceId=C),
    event(201, 365, C, TaskInstanceId=C, ResultCode=3),
    event(110, 300.1, "e" * 8 + A[8:], InstanceId="e" * 8 + A[8:]),
    created(400, SLOW),
    *run_events(D, 400, 460, SLOW)[2:],
    event(203, 500, A[:-1] + "0", SLOW, TaskInstanceId=A[:-1] + "0", ResultCode=2),
    event(103, 501, A[:-1] + "0", SLOW, InstanceId=A[:-1] + "0", ResultCode=2),
]


@pytest.mark.parametrize("number", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_order_and_repetition_of_records_change_nothing(read: Read, number: int) -> None:
    expected = read(*STORY)
    assert (len(expected.runs), len(expected.events)) == (4, 3)

    @settings(max_examples=number, deadline=None)
    @given(order=st.permutations(STORY), twice=st.lists(st.sampled_from(STORY)))
    def check(order: list[str], twice: list[str]) -> None:
        assert read(*order, *twice) == expected

    check()


def test_unknown_zone_and_order_are_refused() -> None:
    with pytest.raises(ZoneError, match="'Mars/Olympus' is not the name of a time zone"):
        read_eventlog(FILES / "english.csv", zone="Mars/Olympus")
    with pytest.raises(SnapshotError, match="'ydm' is not an order of day and month"):
        read_eventlog(FILES / "english.csv", dates="ydm")


def test_invalid_guid_is_ignored(read: Read) -> None:
    log = read(*run_events("<b>" + A[3:]), event(322, 5, TaskInstanceId="'; DROP"))
    assert (log.runs, [each.instance for each in log.events], log.problems) == ([], [""], [])
