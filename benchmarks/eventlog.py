"""Reading an event log, against the package evtx alone: `python -m benchmarks.eventlog [LOG.evtx ...]` prints a table.

The log is made, seeded, as Windows lays it out: what forty tasks log, full chunks, at the size at which Windows starts
over. Real logs may be given instead. Alone means that the package makes JSON of every record, which is dropped. Ours
works in two processes at once: on one core it takes half as long again. A log of a few records takes longer to be found
and opened than to be read, and its ratio says little.
"""

import re
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from pathlib import Path
from random import Random
from statistics import median
from struct import pack, pack_into
from typing import Any, NamedTuple
from uuid import UUID

from lxml import etree

from benchmarks.table import Goal
from benchmarks.timing import once
from taskanalysis.history import read_eventlog, read_logs

RECORDS, TURNS = 20_000, 11
SECONDS, WHOLE = 0.2, "runs and events"
"""The goal for a full log, from the start of the process that reads it."""
SERVER = "OPENDATA01"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def files(folder: Path, number: int) -> list[Path]:
    """Write logs with so many records, at most 20,000 each: there Windows, which keeps 10 MiB, starts over."""
    events = list(story(number))
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{first // RECORDS:03}.evtx" for first in range(0, number, RECORDS)]
    for part, path in enumerate(paths):
        path.write_bytes(log(events[part * RECORDS : (part + 1) * RECORDS]))
    return paths


# What happened -------------------------------------------------------------------------------------------------------


class Event(NamedTuple):
    """A record of the log; the data are numbers, texts and GUIDs."""

    number: int
    at: datetime
    activity: UUID | None
    data: Mapping[str, Any]


def story(number: int) -> Iterator[Event]:
    """The first events, by time, of forty tasks that run every 5 minutes to every day."""
    dice = Random(1)
    tasks = [
        (f"\\OpenData\\{dice.choice(('GIS', 'Permits', 'Finance'))}\\Job {each}", dice.choice((5, 15, 15, 60, 1440)))
        for each in range(40)
    ]
    events: list[Event] = []
    while len(events) < number:
        path, period = dice.choice(tasks)
        at = BEGIN + timedelta(
            minutes=period * dice.randrange(number // period + 1), microseconds=dice.randrange(10**6)
        )
        events += run(path, at, dice)
    return iter(sorted(events, key=attrgetter("at"))[:number])


def run(path: str, at: datetime, dice: Random) -> Iterator[Event]:
    """All events of a run, or of a start that failed."""
    activity, user = UUID(int=dice.getrandbits(128)), "TOWN\\opendata"
    name, instance, task = {"TaskName": path}, {"InstanceId": activity}, {"TaskInstanceId": activity}
    lasting = timedelta(seconds=dice.expovariate(1 / 90))
    fate = dice.random()
    yield Event(107, at, activity, name | instance)
    if fate < 0.01:
        yield Event(101, at, activity, name | {"UserContext": user, "ResultCode": 0x8007052E})
        return
    if fate < 0.03:
        yield Event(322, at, activity, name | task)
        return
    if fate < 0.1:
        yield Event(140, at, None, name | {"UserName": user})
    program = {"ActionName": "C:\\Windows\\System32\\cmd.exe"}
    yield Event(129, at, None, name | {"Path": program["ActionName"], "ProcessID": 4412, "Priority": 16384})
    yield Event(100, at, activity, name | {"UserContext": user} | instance)
    yield Event(200, at, activity, name | program | task | {"EnginePID": 4412})
    if fate > 0.98:
        yield Event(329, at + lasting, activity, name | task)
        yield Event(111, at + lasting, activity, name | instance | {"ProcessId": 4412})
        return
    code = 0x80070001 if dice.random() < 0.03 else 0
    yield Event(201, at + lasting, activity, name | task | program | {"ResultCode": code, "EnginePID": 4412})
    yield Event(102, at + lasting, activity, name | {"UserContext": user} | instance)


# As Windows keeps it (libyal/libevtx, "Windows XML Event Log (EVTX) format") ------------------------------------------

HEADER, CHUNK = 512, 65536
TYPES = {
    "text": 1,
    "byte": 4,
    "short": 6,
    "int": 8,
    "long": 10,
    "guid": 15,
    "time": 17,
    "sid": 19,
    "hex": 21,
    "xml": 33,
}
PACKED = {"byte": "<B", "short": "<H", "int": "<I", "long": "<Q", "time": "<Q", "hex": "<Q"}
SYSTEM = """<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System>
<Provider Name="{14:text}" Guid="{15:guid}"/><EventID Qualifiers="{4:short}">{3:short}</EventID>
<Version>{11:byte}</Version><Level>{0:byte}</Level><Task>{2:short}</Task><Opcode>{1:byte}</Opcode>
<Keywords>{5:hex}</Keywords><TimeCreated SystemTime="{6:time}"/><EventRecordID>{10:long}</EventRecordID>
<Correlation ActivityID="{7:guid}" RelatedActivityID="{13:guid}"/><Execution ProcessID="{8:int}" ThreadID="{9:int}"/>
<Channel>{16:text}</Channel><Computer>OPENDATA01.town.example</Computer><Security UserID="{12:sid}"/></System>{17:xml}
</Event>""".replace("\n", "")
PROVIDER, PROVIDER_ID = "Microsoft-Windows-TaskScheduler", UUID("de7b24ea-73c8-4a09-985d-5bdadcfa9017")
LOCAL_SYSTEM = bytes.fromhex("010100000000000512000000")
NAMES = {100: "TaskStartEvent", 101: "TaskStartFailedEvent", 102: "TaskSuccessEvent", 107: "TimeTrigger"}
NAMES |= {111: "TaskTerminated", 129: "CreatedTaskProcess", 140: "TaskUpdated", 200: "ActionStart"}
NAMES |= {201: "ActionSuccess", 322: "NewInstanceIgnored", 329: "StoppingOnTimeout"}


def log(events: list[Event]) -> bytes:
    """A file of these records, numbered from 1."""
    chunks = [Chunk()]
    for number, event in enumerate(events, 1):
        if not chunks[-1].add(number, event):
            chunks.append(Chunk())
            chunks[-1].add(number, event)
    numbers = 0, len(chunks) - 1, len(events) + 1, 128, 1, 3, 4096, len(chunks)
    head = pack("<8sQQQIHHHH76x", b"ElfFile", *numbers)
    head += pack("<II", 0, zlib.crc32(head))
    return b"".join([head.ljust(4096, b"\0"), *(chunk.closed() for chunk in chunks)])


class Chunk:
    """64 KiB of records. A name or a template stands where it is first used; what comes later points there."""

    def __init__(self) -> None:
        self.content = bytearray(HEADER)
        self.records: dict[int, int] = {}  # where each stands, by number
        self.names: dict[str, int] = {}
        self.templates: dict[str, int] = {}

    def add(self, number: int, event: Event) -> bool:
        """Write a record, if there is room for it."""
        out, place = self.content, len(self.content)
        moment = (event.at - datetime(1601, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 10
        told: list[Any] = [
            4,
            0,
            event.number,
            event.number,
            None,
            1 << 63,
            moment,
            event.activity,
            1304,
            2212,
            number,
            0,
        ]
        told += [LOCAL_SYSTEM, None, PROVIDER, PROVIDER_ID, f"{PROVIDER}/Operational", _data(event)]
        out += pack("<4sIQQ", b"**", 0, number, moment)
        self._instance(SYSTEM, told)
        out += bytes(-(len(out) + 4) % 8)
        size = len(out) + 4 - place
        out += pack("<I", size)
        pack_into("<I", out, place + 4, size)
        if len(out) > CHUNK:
            del out[place:]
            return False
        self.records[number] = place
        return True

    def closed(self) -> bytes:
        """The whole chunk, with its header, tables and checksums."""
        out, end = self.content, len(self.content)
        tables = [0] * (64 + 32)
        hashes = [(place, _hash(name) % 64) for name, place in self.names.items()]
        hashes += [(place, 64 + _key(template) % 32) for template, place in self.templates.items()]
        for place, row in hashes:
            if place < end:
                pack_into("<I", out, place, tables[row])
                tables[row] = place
        first, last = min(self.records), max(self.records)
        told = first, last, first, last, 128, self.records[last], end, zlib.crc32(out[HEADER:])
        pack_into("<8sQQQQIIII64xII96I", out, 0, b"ElfChnk", *told, 1, 0, *tables)
        pack_into("<I", out, 124, zlib.crc32(out[:120] + out[128:HEADER]))
        return bytes(out.ljust(CHUNK, b"\0"))

    def _instance(self, template: str, values: list[Any]) -> None:
        """Values for the slots of a template."""
        out = self.content
        out += b"\x0f\x01\x01\0\x0c\x01" + pack("<I", _key(template))
        if self._is_new(self.templates, template):
            out += pack("<II12xI", 0, _key(template), 0)
            begin = len(out)
            out += b"\x0f\x01\x01\0"
            self._element(etree.fromstring(template))
            out += b"\0"
            pack_into("<I", out, begin - 4, len(out) - begin)
        sizes, kinds = len(out) + 4, {int(slot): kind for slot, kind in re.findall(r"{(\d+):(\w+)}", template)}
        out += pack(f"<I{4 * len(kinds)}x", len(kinds))
        for slot, value in enumerate(values):
            kind = kinds[slot]
            begin = len(out)
            if kind == "xml":
                self._instance(*value)
            elif value is not None:
                out += _value(kind, value)
            pack_into("<HH", out, sizes + 4 * slot, len(out) - begin, TYPES[kind] if len(out) > begin else 0)
        out += b"\0"

    def _is_new(self, known: dict[str, int], what: str) -> bool:
        """Point to a name or a template; whether that is here, where it is to be written now."""
        here = len(self.content) + 4
        self.content += pack("<I", known.setdefault(what, here))
        return known[what] == here

    def _name(self, name: str) -> None:
        if self._is_new(self.names, name):
            self.content += pack("<IHH", 0, _hash(name), len(name)) + name.encode("utf-16-le") + b"\0\0"

    def _element(self, element: etree._Element) -> None:
        out, attributes = self.content, [(str(name), str(value)) for name, value in element.items()]
        if element.getparent() is None:
            attributes += [("xmlns", uri) for uri in element.nsmap.values()]
        out += pack("<BHI", 0x41 if attributes else 1, 0xFFFF, 0)
        begin = len(out)
        self._name(etree.QName(element).localname)
        if attributes:
            out += pack("<I", 0)
            start = len(out)
            for left, (name, value) in zip(range(len(attributes) - 1, -1, -1), attributes, strict=True):
                out += b"\x46" if left else b"\x06"
                self._name(name)
                self._text(value)
            pack_into("<I", out, start - 4, len(out) - start)
        if element.text or len(element):
            out += b"\x02"
            self._text(element.text or "")
            for child in element:
                self._element(child)
                self._text(child.tail or "")
            out += b"\x04"
        else:
            out += b"\x03"
        pack_into("<I", out, begin - 4, len(out) - begin)

    def _text(self, text: str) -> None:
        if slot := re.fullmatch(r"{(\d+):(\w+)}", text):
            self.content += pack("<BHB", 0x0E, int(slot[1]), TYPES[slot[2]])
        elif text:
            self.content += pack("<BBH", 5, 1, len(text)) + text.encode("utf-16-le")


def _data(event: Event) -> tuple[str, list[Any]]:
    """Template and values of what an event says beside the system's part."""
    kinds = {str: "text", int: "int", UUID: "guid"}
    slots = enumerate(event.data.items())
    cells = [f'<Data Name="{name}">{{{slot}:{kinds[type(value)]}}}</Data>' for slot, (name, value) in slots]
    return f'<EventData Name="{NAMES[event.number]}">{"".join(cells)}</EventData>', [*event.data.values()]


def _value(kind: str, value: Any) -> bytes:
    if kind in PACKED:
        return pack(PACKED[kind], value)
    return bytes(value.encode("utf-16-le") if kind == "text" else value.bytes_le if kind == "guid" else value)


def _hash(name: str) -> int:
    found = 0
    for letter in name:
        found = found * 65599 + ord(letter) & 0xFFFF
    return found


def _key(template: str) -> int:
    return zlib.crc32(template.encode())


# Measured ------------------------------------------------------------------------------------------------------------


def alone(path: Path) -> int:
    """Make JSON of every record with the package evtx alone; their number."""
    from evtx import PyEvtxParser  # noqa: PLC0415 (`files` does without)

    return sum(1 for _ in PyEvtxParser(str(path)).records_json())


def main(paths: list[Path]) -> None:
    """Measure each log and print a row for each way."""
    print("| log | way | milliseconds | a record | times evtx alone | goal |")
    print("|---|---|---|---|---|---|")
    for path in paths:
        with tempfile.TemporaryDirectory() as share:
            log = Path(share) / "eventlogs" / SERVER / path.name
            log.parent.mkdir(parents=True)
            shutil.copyfile(path, log)
            measure(log, Path(share))
    print("\nMedians, in turns.")


def measure(log: Path, share: Path) -> None:
    """The rows of a log, which lies in a share."""
    empty = share / "empty.evtx"
    empty.write_bytes(log.read_bytes()[:4096])
    ways: dict[str, Callable[[], object]] = {
        "evtx alone, records as JSON": lambda: alone(log),
        "the process started for a log without records": lambda: read_eventlog(empty),
        WHOLE: lambda: read_eventlog(log),
        "their frames, as the history has them": lambda: read_logs(share, [SERVER]),
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    number = alone(log)
    for turn in range(TURNS + 1):
        for way, work in ways.items():
            took = once(work)
            times[way] += [took] * (turn > 0)
    least = median(next(iter(times.values())))
    for way, taken in times.items():
        took = median(taken)
        goal = Goal(SECONDS, "s", took).verdict if way == WHOLE and number == RECORDS else ""
        cells = f"{1e3 * took:.1f} | {1e6 * took / max(number, 1):.2f} µs | {took / least:.2f} | {goal}"
        print(f"| {log.name}, {number:,} records | {way} | {cells} |")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        main([Path(each) for each in sys.argv[1:]] or files(Path(made), RECORDS))
