r"""Records of the log TaskScheduler/Operational, from any kind of file.

The kinds of file are told apart by their bytes: ``.evtx``, the XML that ``wevtutil qe /f:xml`` prints, with a root
element or without, the CSV and JSON of ``Get-WinEvent | Export-Csv`` or ``ConvertTo-Json``, and the CSV that Event
Viewer saves. The package `evtx` (the extra ``eventlog``) reads the first in a process of its own: a damaged file can
keep it from ever returning, and no other thread runs meanwhile.

Authority: libyal/libevtx, "Windows XML Event Log (EVTX) format"; names of data from the provider's manifest
(OTRF/OSSEM, etw-providers, Microsoft-Windows-TaskScheduler); messages from schedsvc.dll (libyal/winevt-kb,
scheatkode/brain); columns of the CSV from .NET's EventLogRecord. Times are UTC in evtx and XML. In CSV they are
local and in the server's language, as the messages are, of which only quoted names and the last number are read.

>>> records = Records({201})
>>> read_records(Path("tests/files/eventlogs/runs.xml"), records)
>>> sorted({path for _, _, _, path, _ in records.kept}), records.problems()
(['\\OpenData\\Load', '\\OpenData\\Old', '\\OpenData\\Permits\\Nightly'], [])
"""

from __future__ import annotations

import codecs
import csv
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import lru_cache, partial
from importlib.util import find_spec
from io import BufferedReader, TextIOWrapper
from itertools import chain, islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from taskanalysis.definition import MOST_OWN_BYTES, open_regular, parse, without_mark
from taskanalysis.errors import TaskXmlError, reason_of
from taskanalysis.history.eventlog import child
from taskanalysis.snapshot import ORDERS, moment, objects, plain, settle
from taskanalysis.text import clip, count

PROVIDER = "Microsoft-Windows-TaskScheduler"

Record = tuple[int, datetime, str, str, str]
"""Event, time, instance (in lower case without braces), path, and the account of event 100 or else the ResultCode."""


class Records:
    r"""The records of these events that a file holds, in its order, and what is wrong with it.

    >>> records = Records({100, 200})
    >>> data = {"TaskName": "\\OpenData\\Load", "UserContext": "TOWN\\clerk"}
    >>> records.add(100, datetime(2026, 11, 23, tzinfo=UTC), "{A1}", data)
    >>> [(event, instance, path, account) for event, _, instance, path, account in records.kept]
    [(100, 'a1', '\\OpenData\\Load', 'TOWN\\clerk')]
    """

    def __init__(self, events: Collection[int]) -> None:
        self.events = events
        self.kept: list[Record] = []
        self.unclear: set[str] = set()  # instances of which a record has no certain time
        self.first: datetime | None = None  # of events of any id
        self.last: datetime | None = None
        self.faults: list[str] = []  # problems of the whole file
        self._others: set[str] = set()
        self._doubts = self._broken = 0
        self._reason = ""

    def add(self, event: int, at: datetime, activity: str, data: Mapping[str, Any]) -> None:
        """Take a record of the Task Scheduler; `data` by their names in the provider's manifest.

        The ActivityID is its instance if the data name none. ValueError for a time that is not that of an event.
        """
        if at.tzinfo is None or not _FIRST < at < _LAST:
            raise ValueError(f"{clip(str(at))} is not the time of an event")
        at = at if at.tzinfo is UTC else at.astimezone(UTC)
        self.first, self.last = min(self.first or at, at), max(self.last or at, at)
        if event not in self.events:
            return
        instance = activity
        for name in data:
            if name.endswith("InstanceId"):
                instance = _text(data, name)
                break
        datum = _text(data, "UserContext" if event == 100 else "ResultCode")
        self.kept.append((event, at, instance.strip("{}").lower(), _text(data, "TaskName"), datum))

    def doubt(self, instance: str) -> None:
        """Count an event of this instance, or of none, without a certain time."""
        self._doubts += 1
        self.unclear |= {instance} - {""}

    def broken(self, reason: object) -> None:
        """Count a record that can't be read."""
        self._broken += 1
        self._reason = self._reason or clip(str(reason), 160)

    def other(self, provider: str) -> None:
        """Note an event of another log."""
        if len(self._others) < 3:
            self._others.add(clip(provider or "no provider", 60))

    def problems(self) -> list[str]:
        """A sentence for each."""
        problems = list(self.faults)
        if self._broken:
            problems.append(f"{count(self._broken, 'record')} could not be read; the first: {self._reason}")
        if self._doubts:
            times = count(self._doubts, "time")
            problems.append(f"{times} that a clock change skips or repeats: their runs and events were left out")
        if not self.first and not problems:
            others = "; its events are from " + ", ".join(sorted(self._others)) if self._others else ""
            problems.append("holds no events of the Task Scheduler" + others)
        return problems


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return "" if value is None else str(value)


def read_records(path: Path, records: Records, *, zone: ZoneInfo | None = None, dates: str = "") -> None:
    """Add the records of a log file. Problems are noted, never raised.

    `zone` is that of a CSV's local times, `dates` ("dmy", "mdy" or "") the order of day and month where the file does
    not tell.
    """
    try:
        with open_regular(path) as file:
            head = file.read(_HEAD)
            file.seek(0)
            if head.startswith(b"ElfFile\0"):
                _read_evtx(path, records)
            else:
                _read_text(file, head, records, zone, dates)
    except (OSError, ValueError, OverflowError) as error:
        records.faults.append(f"can't be opened ({reason_of(error)})")


def _read_text(file: BufferedReader, head: bytes, records: Records, zone: ZoneInfo | None, dates: str) -> None:
    encoding = _encoding(head)
    text = head.decode(encoding, errors="replace").strip("\ufeff \t\r\n\0")
    if re.match(r"(?:<\?[^>]*>\s*)?<Objs\b", text):
        records.faults.append("is Clixml (Export-Clixml), which is not read: export the log with wevtutil epl")
    elif text[:1] in ("{", "["):
        _read_json(file, encoding, records, zone, dates)
    elif text.startswith("<"):
        for piece in _pieces(file, encoding, records):
            _read_event(piece, records)
    elif text:
        _read_csv(file, encoding, records, zone, dates)
    else:
        records.faults.append("holds no text" if head else "is empty")


def _encoding(head: bytes) -> str:
    """By byte order mark, then by the zero bytes of the first two characters; "utf-8" for all else."""
    marked, _ = without_mark(head)
    if marked:
        return marked
    zeros = [byte == 0 for byte in head[:4]]
    return "utf-16-le" if zeros == [False, True] * 2 else "utf-16-be" if zeros == [True, False] * 2 else "utf-8"


_HEAD = 4096  # bytes in which the kind of a file shows
_time = datetime.fromisoformat
_FIRST, _LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

# evtx ----------------------------------------------------------------------------------------------------------------

SECONDS = 10
"""Time for a file, and one second more for each MiB, of which the package reads about 100 a second."""
_HEADER, _CHUNK, _MIB = 4096, 65536, 1 << 20
_decoder = json.JSONDecoder(strict=False)

EvtxRecord = tuple[str, int, str, str, dict[str, Any]]
"""Provider, id, time as text, ActivityID ("" without one), data by their names in the provider's manifest."""


class EvtxError(Exception):
    """A file that could not be read, or not to its end."""


def evtx_records(path: Path) -> Generator[EvtxRecord | str, None, None]:
    """Each record of a file, or why it can't be read; EvtxError, after those, for a problem of the whole file.

    The process that reads it ends with the iterator, or itself after its time, also where this one was killed.
    """
    package = find_spec("evtx")
    if not package or not package.origin:
        raise EvtxError("needs the package evtx: pip install 'taskanalysis[eventlog]'")
    size = path.stat().st_size
    began, seconds = time.monotonic(), SECONDS + size / _MIB
    arguments = [str(Path(package.origin).parents[1]), os.fspath(path), str(seconds)]
    try:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-S", child.__file__, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise EvtxError(f"can't be read: no process can be started for it ({reason_of(error)})") from error
    with process:
        try:
            for line in process.stdout or ():
                try:
                    if line.endswith(b"\n"):  # else the process ended while it wrote
                        yield _decoder.raw_decode(line.decode("utf-8", "replace"))[0]
                except (ValueError, RecursionError) as error:
                    yield str(error)
            code = process.wait()
        finally:
            process.kill()
    if code and time.monotonic() - began >= seconds:
        raise EvtxError(f"was not read to its end within {count(round(seconds), 'second')}; it may be damaged")
    if code:
        raise EvtxError(f"was not read to its end: the package evtx failed (exit code {code})")
    if (size - _HEADER) % _CHUNK:
        raise EvtxError("is cut off; what is whole was read")


def _read_evtx(path: Path, records: Records) -> None:
    try:
        with closing(evtx_records(path)) as found:
            for record in found:
                try:
                    if isinstance(record, str):
                        raise ValueError(record)
                    provider, event, stamp, activity, data = record
                    if provider == PROVIDER:
                        records.add(event, _time(stamp), activity, data)
                    else:
                        records.other(provider)
                except (ValueError, TypeError, AttributeError) as error:  # damaged records may have any form
                    records.broken(error)
    except EvtxError as error:
        records.faults.append(str(error))


# XML -----------------------------------------------------------------------------------------------------------------

_PROVIDER = re.compile(rb"""<Provider\s[^>]*?\bName=["']([^"'<>]*)""")
_OPEN, _CLOSE = re.compile(rb"<Event[\s>]"), b"</Event>"
_BLOCK, _MOST = 1 << 20, 4 << 20  # bytes; Windows writes no event above 64 KiB


def _pieces(file: BufferedReader, encoding: str, records: Records) -> Iterator[bytes]:
    """The XML of each event, in UTF-8 or in the code page of a console; what stands between them does not matter."""
    blocks: Iterable[bytes] = iter(partial(file.read, _BLOCK), b"")
    if encoding != "utf-8":
        texts = codecs.iterdecode(blocks, encoding, errors="replace")
        blocks = (text.encode("utf-8", "replace") for text in texts)
    rest = b""
    for block in blocks:
        *pieces, rest = (rest + block).split(_CLOSE)
        for piece in pieces:
            starts = [found.start() for found in _OPEN.finditer(piece)]
            for _ in starts[1:]:
                records.broken("it is cut off")
            if starts:
                yield piece[starts[-1] :] + _CLOSE
            else:
                records.broken("its beginning is missing")
        if len(rest) > _MOST:
            records.faults.append(f"was read up to a place where {_MOST >> 20} MiB hold no end of an event")
            return
    if _OPEN.search(rest):
        records.broken("it is cut off")


def _read_event(piece: bytes, records: Records) -> None:
    provider = _PROVIDER.search(piece)
    name = provider[1].decode("utf-8", "replace") if provider else ""
    if name != PROVIDER:
        records.other(name)
        return
    try:
        root = parse(piece)
        system = {str(part.tag).rpartition("}")[2]: part for part in root.iterfind("{*}System/*")}
        if not {"EventID", "TimeCreated"} <= system.keys():
            raise ValueError("it has no id or no time")
        event, at = int(system["EventID"].text or ""), _time(system["TimeCreated"].get("SystemTime", ""))
        activity = system["Correlation"].get("ActivityID", "") if "Correlation" in system else ""
        data = {part.get("Name", ""): part.text for part in root.iterfind("{*}EventData/{*}Data")}
        records.add(event, at, activity, data)
    except (TaskXmlError, ValueError) as error:
        records.broken(error)


# CSV -----------------------------------------------------------------------------------------------------------------

_COLUMNS = {"timecreated", "id", "message"}
_VIEWER = ("level", "timecreated", "providername", "id", "category", "message")
_VIEWER_ROW = re.compile(rf'"?[^",]*"?,"?[^"]{{8,60}}"?,"?{PROVIDER}"?,"?\d{{1,5}}"?,')
_CODED, _OF_NO_TASK = {101, 103, 104, 105, 201, 202, 203, 204, 205, 305}, {104, 105}
_QUOTED = re.compile(r'"[^"]*"|“[^”]*”|„[^“”]*[“”]|«[^»]*»')
_TASK = re.compile(r'["“„«]\s?(\\[^\\"“”»][^"“”»]*?)\s?["“”»]')  # two backslashes begin the program of an action
_GUID = re.compile(r'["“„«]\s?\{([0-9A-Fa-f-]{36})\}')
_DAY = re.compile(r"\d{1,4}\D{1,3}\d{1,2}\D{1,3}\d{1,4}")
_moment = lru_cache(maxsize=1024)(moment)


def _read_csv(file: BufferedReader, encoding: str, records: Records, zone: ZoneInfo | None, dates: str) -> None:
    if not (dates := dates or _order(file, encoding)):
        records.faults.append("its dates may be day/month or month/day: use --dates dmy or --dates mdy")
        return
    _add_rows(_rows(file, encoding, records), records, zone, dates)


def _read_json(file: BufferedReader, encoding: str, records: Records, zone: ZoneInfo | None, dates: str) -> None:
    data = file.read(MOST_OWN_BYTES + 1)
    if len(data) > MOST_OWN_BYTES:
        records.faults.append(f"is larger than {MOST_OWN_BYTES >> 20} MiB")
        return
    notes = Counter[str]()
    found = objects(data.decode(encoding, errors="replace"), notes)
    rows = ({key.lower(): plain(value) for key, value in each.items()} for each in found)
    _add_rows(rows, records, zone, dates or ORDERS[0])  # it has no local dates
    records.faults += notes


def _add_rows(rows: Iterable[dict[str, str]], records: Records, zone: ZoneInfo | None, dates: str) -> None:
    for row in rows:
        if not row.keys() >= _COLUMNS:
            records.broken(f"it has no {' and '.join(sorted(_COLUMNS - row.keys()))}")
            continue
        if (provider := row.get("providername", PROVIDER)) != PROVIDER:
            records.other(provider)
            continue
        local = _moment(row["timecreated"], dates)
        if local and not local.tzinfo and not zone:
            records.faults.append("its times are local and need a time zone: use --zone")
            return
        try:
            at = _instant(local, zone)
            event = int(row["id"])
            instance, data = _from_message(event, row) if event in records.events else ("", {})
            if at:
                records.add(event, at, instance, data)
            else:
                records.doubt(instance)
        except (ValueError, OverflowError) as error:
            records.broken(error)


def _order(file: BufferedReader, encoding: str) -> str:
    days: dict[str, str] = {}
    for row in _rows(file, encoding, Records(())):
        if day := _DAY.search(row["timecreated"]):
            days.setdefault(day[0], row["timecreated"])
    return settle(days.values(), (), (), datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC))


def _rows(file: BufferedReader, encoding: str, records: Records) -> Iterator[dict[str, str]]:
    file.seek(0)
    lines: Iterable[str] = iter(_lines(file, encoding))
    header: Sequence[str] = ()
    delimiter = ","
    for line in islice(lines, 100):
        if _VIEWER_ROW.match(line):  # whatever language the header has
            lines, header = chain([line], lines), _VIEWER
        elif found := _header(line):
            header, delimiter = found
        if header:
            break
    if not header:
        records.faults.append(
            "is neither .evtx, nor XML of wevtutil, nor a CSV with the columns TimeCreated, Id and Message, nor one of "
            "Event Viewer"
        )
        return
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        for cells in reader:
            row = dict(zip(header, cells, strict=False))
            if row.keys() >= _COLUMNS and row["id"].lower() != "id":
                yield row
            elif any(cells) and not row.keys() >= _COLUMNS:
                records.broken(f"line {reader.line_num} is cut off")
    except csv.Error as error:
        records.faults.append(f"was read up to line {reader.line_num}: {error}")


def _header(line: str) -> tuple[Sequence[str], str] | None:
    for delimiter in ",;\t":
        cells = line.strip("\ufeff\r\n")[:10_000].split(delimiter)
        names = [name.strip(' "').lower() for name in cells]
        if set(names) >= _COLUMNS:
            return names, delimiter
    return None


def _lines(file: BufferedReader, encoding: str) -> Iterator[str]:
    """The lines of a text, none longer than a block; what is neither Unicode nor ASCII is taken for Windows 1252."""
    if encoding == "utf-8":
        for line in iter(partial(file.readline, _BLOCK), b""):
            try:
                yield line.decode("utf-8")
            except UnicodeDecodeError:
                yield line.decode("cp1252", errors="replace")
    else:
        text = TextIOWrapper(file, encoding, errors="replace", newline="")
        try:
            yield from iter(partial(text.readline, _BLOCK), "")
        finally:
            text.detach()


@lru_cache(maxsize=1024)
def _instant(local: datetime | None, zone: ZoneInfo | None) -> datetime | None:
    """The time in UTC; None for a time that the zone has twice or not at all, ValueError for none."""
    if local is None:
        raise ValueError("its TimeCreated is not a time")
    first, second = (
        (local if local.tzinfo else local.replace(tzinfo=zone, fold=fold)).astimezone(UTC) for fold in (0, 1)
    )
    return first if first == second else None


def _from_message(event: int, row: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Instance and data out of a message in any language: task, instance and account are quoted, the code is not."""
    message, activity = row["message"], row.get("activityid", "").strip("{}").lower()
    tasks, guids = set(_TASK.findall(message)), [guid.lower() for guid in _GUID.findall(message)]
    if len(tasks) != 1 and (tasks or event not in _OF_NO_TASK):
        raise ValueError(f"its message names {'several tasks' if tasks else 'no task'}")
    task = "".join(tasks)
    if "?" in task:  # what Export-Csv writes for letters beyond ASCII
        raise ValueError(f"its message names '{clip(task)}': letters were lost that Export-Csv -Encoding UTF8 keeps")
    if len(set(guids)) > 1 and activity not in guids and event < 300:
        raise ValueError("its message names several instances")
    instance = activity if activity in guids or not guids else guids[0]
    quoted = [text.strip('"“”„«» ') for text in _QUOTED.findall(message)]
    accounts = [text for text in quoted if not text.startswith(("\\", "{"))]
    numbers = re.findall(r"\d{1,10}", _QUOTED.sub("", message)) if event in _CODED else []
    data = {"TaskName": task, "ResultCode": numbers[-1] if numbers else ""}
    return instance, data | ({"UserContext": accounts[0]} if len(accounts) == 1 else {})
