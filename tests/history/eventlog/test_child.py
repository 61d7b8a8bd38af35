"""``.evtx`` files, read in a process of its own: the same records as XML, whatever is damaged, and within a time limit.

The logs are made by the writer of the benchmark; real ones lie in the corpus, where that is there.
"""

import faulthandler
import json
import random
import runpy
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, timedelta
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psutil
import pytest

from benchmarks import eventlog as benchmark
from benchmarks.eventlog import Event
from taskanalysis.errors import Problem
from taskanalysis.history.eventlog import child, records
from taskanalysis.history.eventlog.runs import EventLog, read_eventlog
from taskanalysis.results.decode import Outcome, decode
from tests import build
from tests.build import whats

needs_evtx = pytest.mark.skipif(not find_spec("evtx"), reason="the extra eventlog is not installed")
HEADER, CHUNK = 4096, 65536
A, B = (UUID(guid) for guid in build.GUIDS[:2])
HANGING = list((build.CORPUS.parent / "cases" / "silence").glob("hang.evtx"))
Write, Read = Callable[..., Path], Callable[[bytes], EventLog]


@pytest.fixture
def read(write: Write) -> Read:
    return lambda content: read_eventlog(write(content, "log.evtx"))


@pytest.fixture
def one_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time that a small file may take."""
    monkeypatch.setattr(records, "SECONDS", 1)


def seeds(quick: int, number: int) -> list[Any]:
    """Seeds of which only the first few are tried each time."""
    return [*range(quick), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(quick, number))]


@pytest.fixture(scope="module")
def sound() -> bytes:
    """Nine full chunks."""
    return benchmark.log(list(benchmark.story(1200)))


def event(number: int, seconds: float = 0, activity: UUID | None = A, **data: Any) -> Event:
    benchmark.NAMES.setdefault(number, "Event")
    return Event(number, build.logged(seconds), activity, {"TaskName": build.LOAD} | data)


def run(instance: UUID = A, code: object = 0) -> list[Event]:
    return [
        event(107, 0, instance, InstanceId=instance),
        event(100, 0, instance, UserContext="TOWN\\clerk", InstanceId=instance),
        event(200, 1, instance, ActionName="cmd.exe", TaskInstanceId=instance),
        event(201, 9, instance, TaskInstanceId=instance, ActionName="cmd.exe", ResultCode=code),
        event(102, 10, instance, UserContext="TOWN\\clerk", InstanceId=instance),
    ]


def hanging() -> bytes:
    """A log in which the chain of names after "Security" is a ring: the package evtx 0.14 never comes to its end."""
    content = bytearray(benchmark.log(run()))
    content[content.index("Security".encode("utf-16-le")) - 7] = 1
    return bytes(content)


# The same as XML ------------------------------------------------------------------------------------------------------

NUMBERS = [*range(100, 105), 107, 110, 111, 114, 129, 129, 140, 153, *range(200, 204), 322, 323, 329, 332, 1000]
NAMES = [
    "\\Load",
    "\\Slow",
    "\\<b>&amp;'\"</b>",
    '\\"TaskName":"x","EventData":{',
    "\\ü🎈",
    "Load",
    "",
    "\\x\x7f",
    "\\a b ",
]


def at_random(dice: random.Random, number: int) -> Iterator[Event]:
    """Records of few instances, in no order, with usual and impossible data."""
    guids = [UUID(int=dice.getrandbits(128)) for _ in range(number // 6)]
    for _ in range(number):
        guid, kind, data = dice.choice(guids), dice.choice(NUMBERS), dict[str, Any]()
        if dice.random() < 0.95:
            data["TaskName"] = dice.choice(NAMES[:2] if dice.random() < 0.8 else NAMES)
        if kind == 323:
            data |= {"StoppedTaskInstanceId": guid, "NewTaskInstanceId": dice.choice(guids)}
        elif dice.random() < 0.95:
            data[dice.choice(["InstanceId", "TaskInstanceId"])] = guid
        if dice.random() < 0.6:
            data["ResultCode"] = dice.choice([0, 0, 1, 0x80070001, 0xFFFFFFFF])
        if dice.random() < 0.4:
            data["UserContext"] = dice.choice(["TOWN\\clerk", "a&b<c>", ""])
        keys = dice.sample([*data], len(data))
        moment = build.LOGGED + timedelta(microseconds=dice.randrange(10**7 if dice.random() < 0.7 else 10**10))
        benchmark.NAMES.setdefault(kind, "Event")
        yield Event(kind, moment, dice.choice([guid, None]), {key: data[key] for key in keys})


@needs_evtx
@pytest.mark.parametrize("seed", seeds(5, 20))
def test_evtx_and_xml_of_the_same_records_give_the_same_log(write: Write, read: Read, seed: int) -> None:
    dice = random.Random(seed)
    events = list(at_random(dice, dice.choice([20, 100, 400])))
    as_xml = [build.event(one.number, one.at, str(one.activity or ""), "", **one.data) for one in events]
    log, same = read(benchmark.log(events)), read_eventlog(write(as_xml, "log.evtx"))
    assert log == same
    assert log.events != []


OURS = child._OURS + '}},"EventID":100,"TimeCreated":{"#attributes":{"SystemTime":"2026-11-23T11:00:00Z"}}'
PARTS = ["Microsoft-Windows-TaskScheduler", 100, "2026-11-23T11:00:00Z", "", {"A": 1}]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (OURS + '},"EventData":{"A":1}}}', PARTS),
        (OURS.replace('"Name"', '"Guid":"x","Name"') + '},"EventData":{"A":1}}}', PARTS),
        (OURS.replace("100", '{"#attributes":{"Qualifiers":7},"#text":100}') + '},"EventData":{"A":1}}}', PARTS),
        (OURS + '},"EventData":{"A":1},"RenderingInfo":{"Message":"x"}}}', PARTS),
        (OURS + '},"EventData":null}}', [*PARTS[:4], {}]),
        (OURS + '},"UserData":{"A":1}}}', [*PARTS[:4], {}]),
        (OURS.replace("100", '"1OO"') + '},"EventData":{"A":1}}}', "invalid literal for int() with base 10: '1OO'"),
        (OURS.replace("SystemTime", "Time") + '},"EventData":{"A":1}}}', "it has no id or no time"),
        ('{"Event":{"System":null}}', "it has no id or no time"),
        ("{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
    ],
)
def test_records_of_rare_forms_are_read_and_invalid_ones_reported(text: str, answer: object) -> None:
    assert json.loads(child._usual(text)) == answer


@needs_evtx
@pytest.mark.parametrize(
    "odd",
    [
        event(201, 5, UserContext="x", TaskInstanceId=str(A)),
        event(322, 5, TaskInstanceId="{" + str(A) + "}"),
        event(201, 5, TaskInstanceId=A, ResultCode=B),
        event(100, 5, InstanceId=A, UserContext="a\tb\nc"),
    ],
    ids=["instance as text", "braces", "code as GUID", "control characters"],
)
def test_odd_values_are_no_problem(read: Read, odd: Event) -> None:
    log = read(benchmark.log([*run(B), odd, *run(A, code=7)]))
    assert (len(log.runs), log.problems) == (2, [])


@needs_evtx
def test_other_logs_are_named(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "PROVIDER", "Microsoft-Windows-Security-Auditing")
    log = read(benchmark.log([event(100, 0, InstanceId=A, UserContext="Microsoft-Windows-TaskScheduler")]))
    assert log.runs == []
    assert whats(log) == [
        "holds no events of the Task Scheduler; its events are from Microsoft-Windows-Security-Auditing"
    ]


# Damaged --------------------------------------------------------------------------------------------------------------


@needs_evtx
def test_a_broken_record_leaves_the_others(read: Read) -> None:
    content = bytearray(benchmark.log([*run(B), *run(A)]))
    second = content.index(b"**\0\0", content.index(b"**\0\0") + 1)
    content[second + 24 : second + 28] = b"\xff" * 4
    log = read(bytes(content))
    assert len(log.runs) == 2
    assert whats(log)[0].startswith("1 record could not be read; the first: Failed to parse record number ")


@needs_evtx
def test_log_cut_off_is_reported(read: Read, sound: bytes) -> None:
    for size in (len(sound) - 1, HEADER + 8 * CHUNK + 30_000, HEADER + CHUNK + 5_000, 4_000, 100, 8):
        log = read(sound[:size])
        assert whats(log)[0] == "is cut off; what is whole was read"
        assert (log.runs == []) == (size < HEADER + CHUNK)


@needs_evtx
def test_unused_chunks_are_no_problem_and_an_empty_log_is_reported(read: Read, sound: bytes) -> None:
    assert read(sound + bytes(3 * CHUNK)) == read(sound)
    assert whats(read(sound[:HEADER])) == ["holds no events of the Task Scheduler"]
    header = bytearray(sound[:HEADER])
    header[40:42] = b"\xff\xff"
    assert whats(read(bytes(header)))[0].startswith("1 record could not be read; the first: Calculation Error")


@needs_evtx
@pytest.mark.usefixtures("one_second")
@pytest.mark.parametrize("seed", seeds(1, 8))
def test_bytes_at_random_never_raise(read: Read, sound: bytes, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(25):
        whole = sound[: HEADER + CHUNK] if chance.random() < 0.8 else b"ElfFile\0" + chance.randbytes(70_000)
        content = bytearray(whole)
        for _ in range(chance.randint(1, 60)):
            content[chance.randrange(8, 18_000)] = chance.randrange(256)
        assert all(each.started.tzinfo is UTC and each.path[0] == "\\" for each in read(bytes(content)).runs)


# The process ----------------------------------------------------------------------------------------------------------

EMPTY = b"ElfFile\0" + bytes(HEADER - 8)


def running() -> int:
    """How many processes of this one read a log."""
    return sum(child.__file__ in process.cmdline() for process in psutil.Process().children())


StandIn = Callable[[str], None]


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Let the child find another package evtx, with a parser that yields a record and then does this."""

    def install(then: str) -> None:
        package = tmp_path / "packages" / "evtx"
        package.mkdir(parents=True)
        code = f"""
            import os, time
            class PyEvtxParser:
                def __init__(self, *_, **__): pass
                def records_json(self):
                    yield from [{{"data": {RECORD!r}}}] * 1000
                    {then}"""
        (package / "__init__.py").write_text(dedent(code), encoding="utf-8")
        spec = SimpleNamespace(origin=str(package / "__init__.py"))
        monkeypatch.setattr(records, "find_spec", lambda _: spec)

    return install


RECORD, BROKEN = OURS + '},"EventData":{}}}', OURS + '},"EventData":{"A":}}}'


@pytest.mark.usefixtures("one_second")
@pytest.mark.parametrize(
    ("then", "what"),
    [
        ("time.sleep(60)", "was not read to its end within 1 second; it may be damaged"),
        (
            "os.write(1, b'[half of a record'); os._exit(7)",
            "was not read to its end: the package evtx failed (exit code 7)",
        ),
        (
            f"yield {{'data': {BROKEN!r}}}",
            "1 record could not be read; the first: Expecting value: line 1 column 71 (char 70)",
        ),
    ],
)
def test_what_was_read_before_a_failure_is_kept(read: Read, stand_in: StandIn, then: str, what: str) -> None:
    stand_in(then)
    log = read(EMPTY)
    assert log.problems == [Problem("log.evtx", what)]
    assert log.first == build.LOGGED


@needs_evtx
@pytest.mark.usefixtures("one_second")
def test_a_file_that_the_package_never_ends_is_a_problem(read: Read) -> None:
    for content in [hanging(), *map(Path.read_bytes, HANGING)]:
        assert whats(read(content)) == ["was not read to its end within 1 second; it may be damaged"]
    assert running() == 0


@needs_evtx
def test_an_interrupted_reading_leaves_no_process(write: Write, sound: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        assert running() == 1
        raise KeyboardInterrupt

    monkeypatch.setattr(records.Records, "add", interrupt)
    with pytest.raises(KeyboardInterrupt) as interrupted:
        read_eventlog(write(sound, "log.evtx"))
    assert interrupted, "its traceback holds on to what was read"
    assert running() == 0


@needs_evtx
@pytest.mark.skipif(sys.platform == "win32", reason="pipes are no handles that a child has by number there")
def test_logs_are_read_where_no_standard_stream_is_open(write: Write, sound: bytes, tmp_path: Path) -> None:
    code = (
        "import os, sys; [os.close(number) for number in range(3)]\n"
        "from taskanalysis.history import read_eventlog\n"
        f"open({str(tmp_path / 'out')!r}, 'w').write(str(len(read_eventlog({str(write(sound, 'log.evtx'))!r}).runs)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=build.ROOT)
    assert (tmp_path / "out").read_text(encoding="utf-8") == "197"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.slow
def test_no_process_stays_where_its_starter_was_killed(tmp_path: Path, write: Write, stand_in: StandIn) -> None:
    stand_in("time.sleep(60)")
    code = (
        "import os, psutil, types; from pathlib import Path; from taskanalysis.history.eventlog import records\n"
        f"records.find_spec = lambda _: types.SimpleNamespace(origin={str(tmp_path / 'packages/evtx/__init__.py')!r})\n"
        "records.SECONDS = 1\n"
        f"found = records.evtx_records(Path({str(write(EMPTY, 'log.evtx'))!r})); next(found)\n"
        "print(psutil.Process().children()[0].pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, cwd=build.ROOT, check=False)
    status, until = Path(f"/proc/{int(done.stdout)}/stat"), time.monotonic() + 20
    while status.exists() and ") Z " not in status.read_text(encoding="utf-8"):
        assert time.monotonic() < until
        time.sleep(0.05)


def test_no_process_that_can_be_started_is_a_problem(
    write: Write, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stand_in("pass")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    (what,) = whats(read_eventlog(write(EMPTY, "log.evtx")))
    assert what.startswith("can't be read: no process can be started for it (")


@needs_evtx
def test_the_process_prints_a_line_a_record_within_its_time(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = bytearray(benchmark.log(run()))
    broken[broken.index(b"**\0\0") + 24] = 0xFF
    out, limits = BytesIO(), list[tuple[float, object]]()
    monkeypatch.setattr(faulthandler, "dump_traceback_later", lambda seconds, **more: limits.append((seconds, more)))
    monkeypatch.setattr(sys, "argv", ["child.py", "", str(write(bytes(broken), "log.evtx")), "60.5"])
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=out))
    runpy.run_path(child.__file__, run_name="__main__")
    assert [line[:1].decode() for line in out.getvalue().splitlines()] == [*'"[[[[']
    assert limits == [(60.5, {"exit": True})]


# Real logs ------------------------------------------------------------------------------------------------------------

REAL = sorted((build.CORPUS / "evtx").glob("*.evtx"))


@needs_evtx
@pytest.mark.skipif(not REAL, reason="the folder of real logs is not here")
def test_real_logs_give_two_runs_started_by_a_user(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    (ours,) = (file for file in REAL if file.name == "41a9f34d1963056b.evtx")
    log = read_eventlog(ours)
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
    # the activity serves where the data name no instance
    renamed = ours.read_bytes().replace("InstanceId".encode("utf-16-le"), "InstanceXd".encode("utf-16-le"))
    assert read(renamed).runs == log.runs
    monkeypatch.setattr(child, "_parsed", None)
    assert len(list(child.records(str(ours)))) == 20, "some have no usual form"
    for log in map(read_eventlog, set(REAL) - {ours}):
        (what,) = whats(log)
        assert what.startswith("holds no events of the Task Scheduler; its events are from ")
        assert "Microsoft-Windows-Security-Auditing" in what
        assert (log.runs, log.events, log.first) == ([], [], None)


# The benchmark --------------------------------------------------------------------------------------------------------


@needs_evtx
def test_logs_of_the_benchmark_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from evtx import PyEvtxParser  # noqa: PLC0415 (an extra)

    monkeypatch.setattr(benchmark, "RECORDS", 250)
    files = benchmark.files(tmp_path / "logs", 600)
    found = [[*PyEvtxParser(str(file), validate_checksums=True).records()] for file in files]
    assert [len(records) for records in found] == [250, 250, 100]
    assert found[0][0]["timestamp"].startswith("2026-01-01T00:00:00")
    assert all(read_eventlog(file).problems == [] for file in files)


@needs_evtx
def test_benchmark_prints_what_it_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark, "TURNS", 1)
    benchmark.main(benchmark.files(tmp_path, 30))
    out = capsys.readouterr().out
    assert "| 000.evtx, 30 records | evtx alone, records as JSON |" in out
    assert "| 000.evtx, 30 records | runs and events |" in out
