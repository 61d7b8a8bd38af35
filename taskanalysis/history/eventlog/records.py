r"""Records of the log TaskScheduler/Operational, whatever file holds them, noted by instance; nothing is joined here.

Three kinds of file are told apart by their bytes: ``.evtx`` (with the package `evtx`, the extra ``eventlog``), the XML
that ``wevtutil qe /f:xml`` prints, with a root element or without, and the CSV of ``Get-WinEvent | Export-Csv``.
The package evtx makes XML of each record, of which most of the time goes; of a large log it is asked only for what
`evtxchunk` leaves.

Authority: names of data from the provider's manifest (OTRF/OSSEM, etw-providers, Microsoft-Windows-TaskScheduler),
messages from schedsvc.dll (libyal/winevt-kb, scheatkode/brain), columns of the CSV from .NET's EventLogRecord. Times
are UTC in evtx and XML. In the CSV they are local and in the server's language, as the messages are, of which only
quoted names and the last number are read.

>>> notes = Notes({201: "ResultCode"}, ())
>>> read_records(Path("tests/files/eventlogs/runs.xml"), notes)
>>> sorted({path for path, *_ in notes.instances.values()}), notes.problems()
(['\\OpenData\\Load', '\\OpenData\\Old', '\\OpenData\\Permits\\Nightly'], [])
"""

from __future__ import annotations

import codecs
import csv
import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from io import BufferedReader, RawIOBase, TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from taskanalysis.definition import parse, without_mark
from taskanalysis.errors import TaskXmlError
from taskanalysis.history.eventlog.chunks import CHUNK, ChunkReader, UnknownFormError
from taskanalysis.history.eventlog.notes import CREATED, Notes, microseconds
from taskanalysis.snapshot import moment, settle
from taskanalysis.text import clip

__all__ = ["read_records"]

PROVIDER = "Microsoft-Windows-TaskScheduler"


def read_records(path: Path, notes: Notes, *, zone: ZoneInfo | None = None, dates: str = "") -> None:
    """Note the records of a log file as they lie in it, which is no certain order. Wanted ids have three digits.

    What is wrong is noted and never raised. `zone` is that of a CSV's local times, `dates` ("dmy", "mdy" or "") the
    order of day and month where the file does not tell.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            notes.say("is not a regular file")  # a pipe or a device may never answer
        else:
            with path.open("rb") as file:
                _read(file, notes, zone, dates)
    except (OSError, ValueError, OverflowError) as error:
        notes.say(f"can't be opened ({getattr(error, 'strerror', None) or error})")


def _read(file: BufferedReader, notes: Notes, zone: ZoneInfo | None, dates: str) -> None:
    head = file.read(_HEADER)
    file.seek(0)
    if head.startswith(_MAGIC):
        _read_evtx(file, notes)
        return
    encoding = _encoding(head)
    text = head.decode(encoding, errors="replace").strip("\ufeff \t\r\n\0")
    if text.startswith("<"):
        for piece in _pieces(file, encoding, notes):
            _read_event(piece, notes)
    elif text:
        _read_csv(file, encoding, notes, zone, dates)
    else:
        notes.say("holds no text" if head else "is empty")


def _encoding(head: bytes) -> str:
    """By byte order mark, then by the zero bytes of the first two characters; "utf-8" for all else."""
    marked, _ = without_mark(head)
    if marked:
        return marked
    zeros = [byte == 0 for byte in head[:4]]
    return "utf-16-le" if zeros == [False, True] * 2 else "utf-16-be" if zeros == [True, False] * 2 else "utf-8"


# evtx ----------------------------------------------------------------------------------------------------------------

_MAGIC, _HEADER = b"ElfFile\0", 4096  # libyal/libevtx, "Windows XML Event Log (EVTX) format"
_MANY, _UNUSED = 8, bytes(CHUNK)  # for fewer chunks, to learn their templates takes longer than it saves


def _read_evtx(file: BufferedReader, notes: Notes) -> None:
    try:
        from evtx import PyEvtxParser  # noqa: PLC0415 (an extra)
    except ImportError:
        notes.say("needs the package evtx: pip install 'taskanalysis[eventlog]'")
        return
    chunks, more = divmod(file.seek(0, 2) - _HEADER, CHUNK)
    if more:
        notes.say("is cut off; what is whole was read")
    file.seek(0)
    try:
        parser = PyEvtxParser(file, indent=False)
        read = _read_chunks(file, notes) if chunks >= _MANY else 0
        if read == chunks:
            return
        if read:
            parser = PyEvtxParser(_Rest(file, _HEADER + read * CHUNK), indent=False)
    except (OSError, RuntimeError) as error:
        notes.broke(error)
        return
    _read_texts(cast("Iterator[dict[str, str]]", parser.records()), notes)


def _read_texts(records: Iterator[dict[str, str]], notes: Notes) -> None:
    """Note the records that the package evtx gives."""
    places, first, last = _Places(notes.wanted), notes.first, notes.last
    while True:
        try:  # around the loop, where it costs nothing; after a broken record or chunk the iterator goes on
            for record in records:
                text = record["data"]
                event, at, instance = places.record(text)
                if event < 0:
                    _read_event(text.encode("utf-8", "replace"), notes)
                    continue
                if at < first:  # noqa: PLR1730 (min() takes seven times as long)
                    first = at
                if at > last:  # noqa: PLR1730
                    last = at
                if event:
                    notes.add(event, at, instance, text)
            break
        except RuntimeError as error:
            notes.broke(error)
    if first <= last:
        notes.saw(first)
        notes.saw(last)


def _read_chunks(file: BufferedReader, notes: Notes) -> int:
    """Note what can be read without XML; the number of chunks up to the first that can't."""
    reader, number = ChunkReader(notes), 0
    file.seek(_HEADER)
    try:
        while len(chunk := file.read(CHUNK)) == CHUNK:
            if chunk != _UNUSED:
                reader.read(chunk)
            number += 1
    except UnknownFormError:
        file.seek(_HEADER)
    return number


class _Rest(RawIOBase):
    """A log whose chunks up to a place seem unused: they were read."""

    def __init__(self, file: BufferedReader, begin: int) -> None:
        self._file, self._begin = file, begin
        file.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        place = self._file.tell()
        size = self._file.readinto(buffer)
        first, last = max(_HEADER - place, 0), max(min(self._begin - place, size), 0)
        buffer[first:last] = bytes(max(last - first, 0))
        return size


_OURS = f'<Provider Name="{PROVIDER}" Guid="DE7B24EA-73C8-4A09-985D-5BDADCFA9017"></Provider><EventID>'
_RARE = -1, 0, ""
_time = datetime.fromisoformat
_FIRST, _LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class _Places:
    """What `_read_event` says of a record, ten times as fast: its parts are taken from where they mostly stand.

    The package evtx prints all records in one form, and escapes "<" and ">" in values: no text can look like a tag.
    """

    def __init__(self, wanted: Collection[int]) -> None:
        self._ids = {f"{event}<": event if event < 300 else -1 for event in wanted}
        self._before, self._stamp = "\0", 0

    def record(self, text: str) -> tuple[int, int, str]:
        """Id, 0 where it is not wanted, -1 where anything is not as expected, or is rare; time; instance."""
        if not text.startswith(self._before):
            if (start := text.find(_OURS)) < 0:
                return _RARE
            self._before = text[: start + len(_OURS)]
        start = len(self._before)
        event = self._ids.get(text[start : start + 4], 0)
        try:
            at = _time(text[self._stamp : self._stamp + 27])
        except ValueError:
            self._stamp = text.find('SystemTime="', start) + 12
            try:
                at = _time(text[self._stamp : text.find('"', self._stamp)])
            except ValueError:
                return _RARE
        if event < 0 or at.tzinfo is not UTC or not 1990 < at.year < 2200:
            return _RARE
        place = text.rfind('InstanceId">') + 12 if event and event != CREATED else 0
        if place == 11:
            place = text.find(' ActivityID="', start) + 13
        return event, microseconds(at), text[place : place + 36].lower() if place > 12 else ""


# XML -----------------------------------------------------------------------------------------------------------------

_PROVIDER = re.compile(rb"""<Provider\s[^>]*?\bName=["']([^"'<>]*)""")
_OPEN, _CLOSE = re.compile(rb"<Event[\s>]"), b"</Event>"
_BLOCK, _MOST = 1 << 20, 4 << 20  # bytes; Windows writes no event above 64 KiB


def _pieces(file: BufferedReader, encoding: str, notes: Notes) -> Iterator[bytes]:
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
                notes.broke("it is cut off")
            if starts:
                yield piece[starts[-1] :] + _CLOSE
            else:
                notes.broke("it has no begin")
        if len(rest) > _MOST:
            notes.say(f"is not read further where {_MOST >> 20} MiB hold no end of an event")
            return
    if _OPEN.search(rest):
        notes.broke("it is cut off")


def _read_event(piece: bytes, notes: Notes) -> None:
    name = found[1].decode("utf-8", "replace") if (found := _PROVIDER.search(piece)) else ""
    if name != PROVIDER:
        notes.other(name or "no provider")
        return
    try:
        root = parse(piece)
        system = {str(part.tag).rpartition("}")[2]: part for part in root.iterfind("{*}System/*")}
        if not {"EventID", "TimeCreated"} <= system.keys():
            raise ValueError("it has no id or no time")
        event = int(system["EventID"].text or "")
        at = datetime.fromisoformat(system["TimeCreated"].get("SystemTime", ""))
        if at.tzinfo is None or not _FIRST < at < _LAST:
            raise ValueError(f"{clip(str(at))} is no time of an event")
    except (TaskXmlError, ValueError) as error:
        notes.broke(error)
        return
    moment = microseconds(at)
    notes.saw(moment)
    if event in notes.wanted:
        data = {part.get("Name", ""): part.text or "" for part in root.iterfind("{*}EventData/{*}Data")}
        activity = system["Correlation"].get("ActivityID", "") if "Correlation" in system else ""
        instance = next((text for name, text in data.items() if name.endswith("InstanceId")), activity)
        notes.add(event, moment, instance.strip("{}").lower(), data)


# CSV -----------------------------------------------------------------------------------------------------------------

_COLUMNS = {"timecreated", "id", "message"}
_CODED, _OF_NO_TASK = {101, 103, 104, 105, 201, 202, 203, 204, 205, 305}, {104, 105}
_QUOTED = re.compile(r'"[^"]*"|“[^”]*”|„[^“”]*[“”]|«[^»]*»')
_TASK = re.compile(r'["“„«]\s?(\\[^\\"“”»][^"“”»]*?)\s?["“”»]')  # two backslashes begin the program of an action
_GUID = re.compile(r'["“„«]\s?\{([0-9A-Fa-f-]{36})\}')
_DAY = re.compile(r"\d{1,4}\D{1,3}\d{1,2}\D{1,3}\d{1,4}")
_moment = lru_cache(maxsize=1024)(moment)


def _read_csv(file: BufferedReader, encoding: str, notes: Notes, zone: ZoneInfo | None, dates: str) -> None:
    if not (dates := dates or _order(file, encoding)):
        notes.say(
            "which is the day and which the month can't be told from the file; --dates dmy or --dates mdy decides"
        )
        return
    for row in _rows(file, encoding, notes):
        if (provider := row.get("providername", PROVIDER)) != PROVIDER:
            notes.other(provider)
            continue
        local = _moment(row["timecreated"], dates)
        if local and not local.tzinfo and not zone:
            notes.say("its times are local, and no time zone is given for them: --zone does")
            return
        try:
            at = _instant(local, zone)
            event = int(row["id"])
            instance, data = _from_message(event, row) if event in notes.wanted else ("", {})
        except ValueError as error:
            notes.broke(error)
            continue
        if at is None:
            notes.doubt(instance)
            continue
        notes.saw(at)
        if event in notes.wanted:
            notes.add(event, at, instance, data)


def _order(file: BufferedReader, encoding: str) -> str:
    days: dict[str, str] = {}
    for row in _rows(file, encoding, Notes({}, ())):
        if day := _DAY.search(row["timecreated"]):
            days.setdefault(day[0], row["timecreated"])
    return settle(days.values(), (), (), datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC))


def _rows(file: BufferedReader, encoding: str, notes: Notes) -> Iterator[dict[str, str]]:
    file.seek(0)
    lines = _lines(file, encoding)
    header, delimiter = next(filter(None, map(_header, islice(lines, 100))), ((), ","))
    if not header:
        notes.say("is neither .evtx, nor XML of wevtutil, nor a CSV with the columns TimeCreated, Id and Message")
        return
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        for cells in reader:
            row = dict(zip(header, cells, strict=False))
            if row.keys() >= _COLUMNS and row["id"].lower() != "id":
                yield row
            elif any(cells) and not row.keys() >= _COLUMNS:
                notes.broke(f"line {reader.line_num} is cut off")
    except csv.Error as error:
        notes.say(f"is not read further than line {reader.line_num}: {error}")


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
def _instant(local: datetime | None, zone: ZoneInfo | None) -> int | None:
    """Microseconds since 1601; None for a time that the zone has twice or not at all, ValueError for none."""
    if local is None:
        raise ValueError("its TimeCreated is no time")
    first, second = (
        (local if local.tzinfo else local.replace(tzinfo=zone, fold=fold)).astimezone(UTC) for fold in (0, 1)
    )
    if not _FIRST < first < _LAST:
        raise ValueError(f"{first} is no time of an event")
    return microseconds(first) if first == second else None


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
