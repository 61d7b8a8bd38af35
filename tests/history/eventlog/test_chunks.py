"""Chunks of an .evtx file read from their bytes say what the package evtx says by way of XML, or leave it to it.

The logs are made by the writer of the benchmark; a real one lies in the corpus, where that is there.
"""

import random
import struct
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from benchmarks import eventlog as benchmark
from benchmarks.eventlog import Event
from taskanalysis.history.eventlog import records as eventrecords
from taskanalysis.history.eventlog.chunks import CHUNK, ChunkReader, UnknownFormError
from taskanalysis.history.eventlog.notes import Notes
from taskanalysis.history.eventlog.runs import EventLog, read_eventlog
from tests import build

evtx = pytest.importorskip("evtx", reason="the extra eventlog is not installed")
CORPUS = build.CORPUS / "evtx"
HEADER = 4096
START = datetime(2026, 11, 23, 11, tzinfo=UTC)
A, B = (UUID(f"{letter * 8}-0a0b-4c0d-8e0f-{letter * 12}") for letter in "ab")
Write = Callable[[bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(content: bytes) -> Path:
        (tmp_path / "log.evtx").write_bytes(content)
        return tmp_path / "log.evtx"

    return to_file


@pytest.fixture(scope="module")
def sound() -> bytes:
    """Nine full chunks."""
    return benchmark.log(list(benchmark.story(1200)))


@pytest.fixture
def by_xml(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], EventLog]:
    def read(path: Path) -> EventLog:
        with monkeypatch.context() as patch:
            patch.setattr(eventrecords, "_MANY", 1 << 20)
            return read_eventlog(path)

    return read


class Counted:
    """Records of the package evtx, and how many there were."""

    def __init__(self) -> None:
        self.number = 0
        self.records: Iterator[dict[str, str]] = iter(())

    def __iter__(self) -> Iterator[dict[str, str]]:
        return self

    def __next__(self) -> dict[str, str]:
        record = next(self.records)  # which goes on after an error, as no generator does
        self.number += 1
        return record


@pytest.fixture
def by_bytes(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], tuple[EventLog, int]]:
    """A log, and of how many records the package evtx had to make XML."""
    read_texts = eventrecords._read_texts

    def read(path: Path) -> tuple[EventLog, int]:
        counted = Counted()

        def count(records: Iterator[dict[str, str]], notes: Notes) -> None:
            counted.records = records
            read_texts(counted, notes)

        with monkeypatch.context() as patch:
            patch.setattr(eventrecords, "_MANY", 1)
            patch.setattr(eventrecords, "_read_texts", count)
            return read_eventlog(path), counted.number

    return read


ByXml, ByBytes = Callable[[Path], EventLog], Callable[[Path], tuple[EventLog, int]]


def event(number: int, seconds: float = 0, activity: UUID | None = A, **data: Any) -> Event:
    benchmark.NAMES.setdefault(number, "Event")
    return Event(number, START + timedelta(seconds=seconds), activity, {"TaskName": "\\OpenData\\Load"} | data)


def run(instance: UUID = A, code: object = 0) -> list[Event]:
    return [
        event(107, 0, instance, InstanceId=instance),
        event(100, 0, instance, UserContext="TOWN\\clerk", InstanceId=instance),
        event(200, 1, instance, ActionName="cmd.exe", TaskInstanceId=instance),
        event(201, 9, instance, TaskInstanceId=instance, ActionName="cmd.exe", ResultCode=code),
        event(102, 10, instance, UserContext="TOWN\\clerk", InstanceId=instance),
    ]


def sealed(content: bytes | bytearray) -> bytes:
    """With checksums that are right."""
    whole = bytearray(content)
    for begin in range(HEADER, len(whole), CHUNK):
        chunk = whole[begin : begin + CHUNK]
        end = min(int.from_bytes(chunk[48:52], "little"), CHUNK)
        struct.pack_into("<I", chunk, 52, zlib.crc32(chunk[512:end]))
        struct.pack_into("<I", chunk, 124, zlib.crc32(chunk[128:512], zlib.crc32(chunk[:120])))
        whole[begin : begin + CHUNK] = chunk
    return bytes(whole)


# The same ------------------------------------------------------------------------------------------------------------


def test_bytes_tell_what_xml_tells_without_any(write: Write, sound: bytes, by_xml: ByXml, by_bytes: ByBytes) -> None:
    file = write(sound)
    log, texts = by_bytes(file)
    assert log == by_xml(file)
    assert (texts, log.problems) == (0, [])
    assert (len(log.runs), len(log.events)) == (197, 9)
    assert {each.kind for each in log.events} == {"ignored", "start failed", "time limit"}


def test_large_logs_are_read_by_bytes_and_small_ones_by_xml(
    write: Write, sound: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = read_eventlog(write(sound))
    monkeypatch.setattr(eventrecords, "_read_texts", lambda *_: None)
    assert read_eventlog(write(sound)) == expected
    assert read_eventlog(write(sound[: HEADER + 7 * CHUNK])).runs == []


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the folder of real logs is not here")
def test_real_log_tells_the_same(by_xml: ByXml, by_bytes: ByBytes) -> None:
    log, texts = by_bytes(CORPUS / "41a9f34d1963056b.evtx")
    assert log == by_xml(CORPUS / "41a9f34d1963056b.evtx")
    assert (len(log.runs), texts) == (2, 0)
    for file in sorted(CORPUS.glob("*.evtx")):
        assert by_bytes(file)[0] == by_xml(file)


NUMBERS = [
    100,
    101,
    102,
    103,
    104,
    107,
    110,
    111,
    114,
    129,
    129,
    140,
    153,
    200,
    201,
    202,
    203,
    322,
    323,
    329,
    332,
    1000,
]
NAMES = [
    "\\OpenData\\Load",
    "\\Slow",
    "\\<b>&amp;'\"</b>",
    '\\"TaskName">\\Evil',
    "\\ü🎈",
    "Load",
    "",
    "\\x\x7f",
    "\\a b ",
]


def at_random(dice: random.Random, number: int) -> Iterator[Event]:
    """Records of few instances, in no order, with what may and what can't be in them."""
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
        moment = START + timedelta(microseconds=dice.randrange(10**7 if dice.random() < 0.7 else 10**10))
        yield Event(kind, moment, dice.choice([guid, None]), {key: data[key] for key in keys})


@pytest.mark.parametrize("seed", range(40))
def test_any_records_tell_the_same(write: Write, by_xml: ByXml, by_bytes: ByBytes, seed: int) -> None:
    dice = random.Random(seed)
    for number in NUMBERS:
        benchmark.NAMES.setdefault(number, "Event")
    file = write(benchmark.log(list(at_random(dice, dice.choice([20, 100, 400])))))
    log, texts = by_bytes(file)
    assert log == by_xml(file)
    assert (log.events != [], texts) == (True, 0)


def test_provider_may_stand_in_the_template(
    write: Write, by_xml: ByXml, by_bytes: ByBytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = 'Name="Microsoft-Windows-TaskScheduler" EventSourceName="{14:text}"'
    monkeypatch.setattr(benchmark, "SYSTEM", benchmark.SYSTEM.replace('Name="{14:text}"', named))
    file = write(benchmark.log(run()))
    log, texts = by_bytes(file)
    assert log == by_xml(file)
    assert ([each.code for each in log.runs], texts) == ([0], 0)


@pytest.mark.parametrize("number", [201, 203, 323])
def test_of_two_instances_the_same_one_is_meant(write: Write, by_xml: ByXml, by_bytes: ByBytes, number: int) -> None:
    both = event(number, 5, B, StoppedTaskInstanceId=A, NewTaskInstanceId=B, ResultCode=2)
    file = write(benchmark.log([*run(A)[:3], *run(B)[:3], both]))
    log, texts = by_bytes(file)
    assert log == by_xml(file)
    assert (len(log.runs), texts) == (2, 0)


def test_chunks_that_are_not_used_are_no_problem(write: Write, sound: bytes, by_bytes: ByBytes) -> None:
    chunks = [sound[begin : begin + CHUNK] for begin in range(HEADER, len(sound), CHUNK)]
    unused = b"".join([sound[:HEADER], *(chunk + bytes(CHUNK) for chunk in chunks)])
    expected = read_eventlog(write(sound))
    assert by_bytes(write(unused)) == (expected, 0)


# Left to the package evtx --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_damaged_chunk_and_what_follows_are_left(
    write: Write, sound: bytes, by_xml: ByXml, by_bytes: ByBytes, seed: int
) -> None:
    dice, content = random.Random(seed), bytearray(sound)
    number = dice.randrange(9)
    content[HEADER + number * CHUNK + dice.choice([dice.randrange(512), dice.randrange(60_000)])] ^= 0xFF
    file = write(bytes(content))
    log, texts = by_bytes(file)
    assert log == by_xml(file)
    assert (texts > 0) or log.problems
    assert texts <= (9 - number) * 180


def test_what_was_read_is_not_read_again(write: Write, sound: bytes, by_bytes: ByBytes) -> None:
    content = bytearray(sound)
    content[-1] ^= 1  # after the last record, where no checksum reaches
    content[HEADER + 8 * CHUNK + 124] ^= 1
    _, texts = by_bytes(write(bytes(content)))
    assert 0 < texts < 180
    assert by_bytes(write(sound[: HEADER + 8 * CHUNK + 5000]))[0].problems[0].what.startswith("is cut off")


@pytest.mark.parametrize(
    "odd",
    [
        event(201, 5, UserContext="x", TaskInstanceId=str(A)),
        event(322, 5, TaskInstanceId="{" + str(A) + "}"),
        event(201, 5, TaskInstanceId=A, ResultCode=B),
        event(100, 5, InstanceId=A, UserContext=B),
        event(100, 5, InstanceId=A, UserContext="a\tb"),
        event(100, 5, InstanceId=A, UserContext="a\0b"),
        event(100, 5, InstanceId=A)._replace(at=datetime(1985, 1, 1, tzinfo=UTC)),
        event(100, 5, InstanceId=A)._replace(at=datetime(2201, 1, 1, tzinfo=UTC)),
    ],
    ids=["instance as text", "braces", "code as GUID", "user as GUID", "tab", "zero", "too early", "too late"],
)
def test_what_is_not_understood_is_read_as_xml(write: Write, by_xml: ByXml, by_bytes: ByBytes, odd: Event) -> None:
    file = write(benchmark.log([*run(B), odd, *run(A, code=7)]))
    log, texts = by_bytes(file)
    assert log == by_xml(file)
    assert (texts, len(log.runs)) == (11, 2)


def test_other_logs_are_left(write: Write, by_xml: ByXml, by_bytes: ByBytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "PROVIDER", "Microsoft-Windows-Security-Auditing")
    file = write(benchmark.log(run()))
    log, texts = by_bytes(file)
    assert log == by_xml(file)
    assert texts == 5
    assert [problem.what for problem in log.problems] == [
        "holds no event of the Task Scheduler; its events are of Microsoft-Windows-Security-Auditing"
    ]


def test_records_of_another_provider_are_left(
    write: Write, by_xml: ByXml, by_bytes: ByBytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark, "PROVIDER", "Microsoft-Windows-TaskSchedulex")
    file = write(benchmark.log([event(100, 0, InstanceId=A, UserContext="Microsoft-Windows-TaskScheduler")]))
    log, texts = by_bytes(file)
    assert log == by_xml(file)
    assert (log.runs, texts) == ([], 1)


def test_chunk_whose_last_record_is_another_is_left(write: Write, by_xml: ByXml, by_bytes: ByBytes) -> None:
    content = bytearray(benchmark.log(run()))
    content[HEADER + 32] = 3  # the package evtx ends there
    file = write(sealed(content))
    log, texts = by_bytes(file)
    assert log == by_xml(file)
    assert ([each.ended for each in log.runs], texts) == ([None], 3)


def test_data_that_stand_in_the_template_are_left(
    write: Write, by_xml: ByXml, by_bytes: ByBytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = '<EventData><Data Name="TaskName">\\Fixed</Data><Data Name="InstanceId">{0:guid}</Data></EventData>'
    monkeypatch.setattr(benchmark, "_data", lambda told: (data, [told.activity]))
    file = write(benchmark.log([event(100)]))
    log, texts = by_bytes(file)
    assert log == by_xml(file)
    assert ([each.path for each in log.runs], texts) == (["\\Fixed"], 1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('<EventID Qualifiers="{4:short}">{3:short}</EventID>', "<EventID>{4:short}{3:short}</EventID>"),
        ("<Task>{2:short}</Task>", "<Task>&lt;{2:short}</Task>"),
        ("{17:xml}", "{17:xml}x"),
    ],
    ids=["two slots", "text and slot", "text after"],
)
def test_templates_of_another_form_are_left(
    write: Write, by_xml: ByXml, by_bytes: ByBytes, monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    assert old in benchmark.SYSTEM
    monkeypatch.setattr(benchmark, "SYSTEM", benchmark.SYSTEM.replace(old, new))
    file = write(benchmark.log(run()))
    assert by_bytes(file)[0] == by_xml(file)


@pytest.mark.parametrize("seed", range(8))
def test_bytes_at_random_under_right_checksums_never_raise(sound: bytes, seed: int) -> None:
    dice, chunk = random.Random(seed), sound[HEADER : HEADER + CHUNK]
    understood = 0
    for _ in range(60):
        content = bytearray(chunk)
        for _ in range(dice.choice([1, 1, 2, 20])):
            content[dice.randrange(0 if dice.random() < 0.1 else 512, CHUNK)] = dice.randrange(256)
        notes = Notes({100: "UserContext", 201: "ResultCode", 107: ""}, {322})
        try:
            ChunkReader(notes).read(sealed(bytes(HEADER) + content)[HEADER:])
            understood += 1
        except UnknownFormError:
            pass
        assert all(isinstance(told[0], str) for told in notes.instances.values())
    assert 5 < understood < 60


# The writer ----------------------------------------------------------------------------------------------------------


def test_logs_of_the_benchmark_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "RECORDS", 250)
    first, second, third = benchmark.files(tmp_path / "logs", 600)
    found = [
        record
        for file in (first, second, third)
        for record in evtx.PyEvtxParser(str(file), validate_checksums=True).records()
    ]
    assert len(found) == 600
    assert [len([*evtx.PyEvtxParser(str(file)).records()]) for file in (first, second, third)] == [250, 250, 100]
    assert found[0]["timestamp"].startswith("2026-01-01T00:00:00")
    assert all(read_eventlog(file).problems == [] for file in (first, second, third))


def test_benchmark_prints_what_it_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    benchmark.main(benchmark.files(tmp_path, 30))
    out = capsys.readouterr().out
    assert "| 000.evtx, 30 records | evtx alone, records as XML |" in out
    assert "| 000.evtx, 30 records | runs and events |" in out
