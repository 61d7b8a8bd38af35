"""Events of the Task Scheduler straight from a chunk of an ``.evtx`` file, without the detour over XML.

A chunk holds records, a record the values for the slots of two templates, a template XML in tokens; that of the
system's part has a slot for the other, the data. Read is what Windows writes for this log, in a chunk whose checksums
are right. All else is an `UnknownFormError`: the package evtx knows more forms, and says what is wrong.

Source: libyal/libevtx, "Windows XML Event Log (EVTX) format".

>>> ChunkReader(Notes({100: "UserContext"}, ())).read(bytes(CHUNK))
Traceback (most recent call last):
    ...
taskanalysis.history.eventlog.chunks.UnknownFormError: not a whole chunk of this log
"""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from struct import Struct, error
from typing import NamedTuple, TypeVar

from taskanalysis.history.eventlog.notes import CREATED, Notes, Told, microseconds

__all__ = ["CHUNK", "ChunkReader", "UnknownFormError"]

CHUNK, _HEADER = 65536, 512
_CHUNK = Struct("<8s24xQIIII68xI")  # magic; last record's id, size of this, its place and end, checksums of both
_RECORD, _MAGIC = Struct("<IIQ"), 0x2A2A  # magic, size, id; after 8 bytes more an instance of a template
_INSTANCE, _TOKENS = Struct("<6s4sI"), b"\x0f\x01\x01\0\x0c\x01"  # tokens, template's id, its place; then what values
_TEMPLATE, _FRAGMENT = Struct("<4x4s12xI4s"), b"\x0f\x01\x01\0"  # id, size of what follows, tokens
_SHORT, _GUID_PARTS = Struct("<H"), Struct("<IHH2s6s")
_TEXT, _UINT16, _UINT32, _GUID, _FILETIME, _XML = 1, 6, 8, 15, 17, 33  # types of values
_PROVIDER = "Microsoft-Windows-TaskScheduler"
_PROVIDERS = _PROVIDER.encode("utf-16-le"), b""  # in a slot, or in the template
_NO_XML = re.compile("[\0-\x1f\ufffe\uffff]")
_FIRST, _LAST = (microseconds(datetime(year, 1, 1, tzinfo=UTC)) for year in (1991, 2200))


class UnknownFormError(ValueError):
    """Something that is not understood here."""


# Templates -----------------------------------------------------------------------------------------------------------


class _Place(NamedTuple):
    """Where a value stands, counted from the first one."""

    start: int
    end: int
    kind: int

    def of(self, kind: int, size: int) -> int:
        """Its start, if it is of this type and size."""
        if (self.kind, self.end - self.start) != (kind, size):
            raise UnknownFormError(f"a value of type {self.kind}, not {kind}")
        return self.start


class _Template:
    """Slots and texts of a template by where they stand: "/Event/System/EventID", "/EventData/Data TaskName"."""

    def __init__(self, chunk: bytes, place: int, size: int) -> None:
        self.slots: dict[str, int] = {}
        self.texts: dict[str, str] = {}
        self._chunk, self._place = chunk, place + len(_FRAGMENT)
        self._element("")
        if self._place != place + size - 1:
            raise UnknownFormError("not a template")

    def places(self, sizes: bytes) -> dict[str, _Place]:
        """Where the values stand; `sizes` are their number, sizes and types, as they stand before them."""
        end, found = 0, []
        for at in range(4, len(sizes), 4):
            start, end = end, end + _SHORT.unpack_from(sizes, at)[0]
            found.append(_Place(start, end, sizes[at + 2]))
        if int.from_bytes(sizes[:4], "little") != len(found):
            raise UnknownFormError("too many values")
        return {path: found[slot] for path, slot in self.slots.items()}

    def _byte(self) -> int:
        self._place += 1
        return self._chunk[self._place - 1]

    def _text(self) -> str:
        start = self._place + 2
        self._place = start + 2 * _SHORT.unpack_from(self._chunk, self._place)[0]
        return self._chunk[start : self._place].decode("utf-16-le")

    def _name(self) -> str:
        """A name, which stands here or where it was used first."""
        after = self._place + 4
        place = int.from_bytes(self._chunk[self._place : after], "little")
        self._place = place + 6
        name = self._text()
        self._place = self._place + 2 if place == after else after
        return name

    def _element(self, path: str) -> None:
        token, self._place = self._chunk[self._place], self._place + 7
        path += f"/{self._name()}"
        self.texts.pop(f"{path}@Name", None)  # of the element before
        self._place += 4 if token == 0x41 else 0
        while token in (0x41, 0x46):
            token = self._byte()
            self._value(f"{path}@{self._name()}")
        if token not in (0x01, 0x06):
            raise UnknownFormError(f"token {token}")
        if path == "/EventData/Data":
            path += f" {self.texts.get(f'{path}@Name')}"
        token = self._byte()
        while token != 0x03 and (token := self._chunk[self._place]) != 0x04:
            if token in (0x01, 0x41):
                self._element(path)
            else:
                self._value(path)
        self._place += token == 0x04

    def _value(self, path: str) -> None:
        token = self._byte()
        if token in (0x0D, 0x0E) and path not in self.slots:
            (self.slots[path],) = _SHORT.unpack_from(self._chunk, self._place)
            self._place += 3
        elif token == 0x05 and self._byte() == _TEXT and path not in self.texts:
            self.texts[path] = self._text()
        else:
            raise UnknownFormError(f"token {token}")


# Values --------------------------------------------------------------------------------------------------------------


class _Texts(dict[bytes, str]):
    """Texts by their bytes, each decoded once."""

    def __missing__(self, raw: bytes) -> str:
        text = raw.decode("utf-16-le")
        if not text.isprintable() and _NO_XML.search(text):
            raise UnknownFormError("a text that XML can't hold")
        return self.setdefault(raw, text)


class _Numbers(dict[bytes, str]):
    """Numbers by their bytes."""

    def __missing__(self, raw: bytes) -> str:
        return self.setdefault(raw, str(int.from_bytes(raw, "little")))


class _Others(dict[bytes, str]):
    """Holds nothing but the empty value: none of another type is understood."""

    def __missing__(self, raw: bytes) -> str:
        raise UnknownFormError("a value of another type")


Values = dict[str, tuple[int, int, dict[bytes, str]]]  # by name: from where to where, and what the bytes say


class _Data:
    """The data of a record, by name."""

    def __init__(self, chunk: bytes, begin: int, values: Values) -> None:
        self._chunk, self._begin, self._values = chunk, begin, values

    def get(self, name: str, _default: str = "") -> str:
        """A text or a number, "" where there is none."""
        start, end, words = self._values[name]
        return words[self._chunk[self._begin + start : self._begin + end]]


class _SystemForm(NamedTuple):
    """How long the head is; where and how id, time, activity and provider are unpacked; where the data begin."""

    length: int
    start: int
    unpack: Callable[[bytes, int], tuple[int, int, bytes, bytes]]
    data: int


class _DataForm(NamedTuple):
    """How long the head is; the values; where the GUIDs of the first and the last instance stand, or -1."""

    length: int
    values: Values
    first: int
    last: int


Form = TypeVar("Form", _SystemForm, _DataForm)


# Chunks --------------------------------------------------------------------------------------------------------------


class ChunkReader:
    """Notes the events in the chunks of a file. What is known of templates is kept, as all chunks repeat them."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._texts, self._numbers, self._others = _Texts(), _Numbers(), _Others({b"": ""})
        self._templates: dict[bytes, _Template] = {}
        self._systems: dict[bytes, _SystemForm] = {}  # by the heads of instances
        self._datas: dict[bytes, _DataForm] = {}
        self._told: dict[bytes, Told] = {}

    def read(self, chunk: bytes) -> None:
        """Note all events; UnknownFormError may come after some of them."""
        try:
            self._read(chunk)
        except (error, IndexError, KeyError, UnicodeDecodeError, RecursionError) as cause:
            raise UnknownFormError(str(cause)) from None

    def _read(self, chunk: bytes) -> None:
        """In one loop, as calls are what takes time."""
        place, end = _HEADER, _checked(chunk)
        notes, wanted, usual = self._notes, self._notes.wanted, self._notes.usual
        told, systems, datas, times = self._told, self._systems, self._datas, list[int]()
        while place < end:
            magic, size, _ = _RECORD.unpack_from(chunk, place)
            if magic != _MAGIC or size < 24:
                raise UnknownFormError("not a record")
            begin, place = place + 24, place + size
            sizes = begin + 14
            head = chunk[begin : sizes + 4 + 4 * chunk[sizes]]
            length, start, unpack, data = systems.get(head) or self._form(chunk, begin, head, systems, self._system)
            begin += length
            event, ticks, activity, provider = unpack(chunk, begin + start)
            at = ticks // 10
            if provider not in _PROVIDERS or not _FIRST < at < _LAST:
                raise UnknownFormError("not an event of the Task Scheduler, or of no time that it can have")
            times.append(at)
            name = usual.get(event)
            if name is None and event not in wanted:
                continue
            begin += data
            sizes = begin + 14
            head = chunk[begin : begin + 10] + chunk[sizes : sizes + 4 + 4 * chunk[sizes]]  # wherever the template is
            length, values, one, other = datas.get(head) or self._form(chunk, begin, head, datas, self._data)
            begin += length
            if name is not None and other >= 0:
                raw = chunk[begin + other : begin + other + 16]
                known = told.get(raw)
                if known is None:
                    start, stop, words = values["TaskName"]
                    known = told[raw] = notes.told(_guid(raw), words[chunk[begin + start : begin + stop]])
                if name:
                    start, stop, words = values[name]
                    known += event, at, words[chunk[begin + start : begin + stop]]
                else:
                    known += event, at, ""
            elif event == CREATED:
                start, stop, words = values["TaskName"]
                notes.created[words[chunk[begin + start : begin + stop]]].append(at)
            else:
                guid = one if event >= 300 else other
                raw = chunk[begin + guid : begin + guid + 16] if guid >= 0 else activity
                notes.add(event, at, _guid(raw) if raw else "", _Data(chunk, begin, values))
        if place != end:
            raise UnknownFormError("not a record")
        notes.saw(min(times))
        notes.saw(max(times))

    def _form(
        self, chunk: bytes, begin: int, head: bytes, forms: dict[bytes, Form], form: Callable[[_Template, bytes], Form]
    ) -> Form:
        """How an instance is read; from now on it is known by its head, if its template stands elsewhere."""
        tokens, name, at = _INSTANCE.unpack_from(chunk, begin)
        same, size, fragment = _TEMPLATE.unpack_from(chunk, at)
        if tokens != _TOKENS or name != same or fragment != _FRAGMENT:
            raise UnknownFormError("not an instance of a template")
        if name not in self._templates:
            self._templates[name] = _Template(chunk, at + 24, size)
        here = 24 + size if at == begin + 14 else 0
        count = begin + 14 + here
        sizes = chunk[count : count + 4 + 4 * chunk[count]]
        if name + sizes not in forms:
            forms[name + sizes] = form(self._templates[name], sizes)
        found = forms[name + sizes]
        return found._replace(length=found.length + here) if here else forms.setdefault(head, found)

    def _system(self, template: _Template, sizes: bytes) -> _SystemForm:
        places, provider = template.places(sizes), "/Event/System/Provider@Name"
        event = places["/Event/System/EventID"].of(_UINT16, 2)
        time = places["/Event/System/TimeCreated@SystemTime"].of(_FILETIME, 8)
        activity = places.get("/Event/System/Correlation@ActivityID", _Place(time + 8, time + 8, 0))
        guid = 16 if activity.kind == _GUID else 0
        length = 0 if template.texts.get(provider) == _PROVIDER else len(_PROVIDERS[0])
        name = places[provider].of(_TEXT, length) if length else activity.end
        gaps = time - event - 2, activity.of(activity.kind, guid) - time - 8, name - activity.end
        layout = Struct(f"<H{gaps[0]}xQ{gaps[1]}x{guid}s{gaps[2]}x{length}s")  # no format if they are in another order
        start, end, kind = places["/Event"]
        if kind != _XML or start == end:
            raise UnknownFormError("without data")
        return _SystemForm(14 + len(sizes), event, layout.unpack_from, start)

    def _data(self, template: _Template, sizes: bytes) -> _DataForm:
        places, data = template.places(sizes), "/EventData/Data "
        if any(not path.startswith(data) for path in places) or any(path.startswith(data) for path in template.texts):
            raise UnknownFormError("not data in slots")
        values: Values = defaultdict(lambda: (0, 0, self._others))
        for path, (start, end, kind) in places.items():
            number = kind == _UINT32 and end - start == 4
            words = self._texts if kind == _TEXT else self._numbers if number else self._others
            values[path.removeprefix(data)] = start, end, words
        guids = [place.of(_GUID, 16) for path, place in places.items() if path.endswith("InstanceId")] or [-1]
        return _DataForm(14 + len(sizes), values, guids[0], guids[-1])


def _guid(raw: bytes) -> str:
    first, second, third, fourth, fifth = _GUID_PARTS.unpack(raw)
    return f"{first:08x}-{second:04x}-{third:04x}-{fourth.hex()}-{fifth.hex()}"


def _checked(chunk: bytes) -> int:
    """Where the records end."""
    if len(chunk) == CHUNK:
        magic, last, size, place, end, of_records, of_this = _CHUNK.unpack_from(chunk)
        if (
            (magic, size) == (b"ElfChnk\0", 128)
            and _HEADER <= place < end <= CHUNK
            and _RECORD.unpack_from(chunk, place) == (_MAGIC, end - place, last)
            and _PROVIDERS[0] in chunk
            and zlib.crc32(memoryview(chunk)[_HEADER:end]) == of_records
            and zlib.crc32(chunk[128:_HEADER], zlib.crc32(chunk[:120])) == of_this
        ):
            return int(end)
    raise UnknownFormError("not a whole chunk of this log")
