r"""What a log of Windows tells, noted while it is read: its records by the instance they name, and what is wrong.

>>> notes = Notes({100: "UserContext", 200: ""}, {101})
>>> data = {"TaskName": "\\OpenData\\Load", "UserContext": "TOWN\\clerk"}
>>> notes.add(100, 13_439_865_600_000_000, "a1", data)
>>> notes.instances, moment(13_439_865_600_000_000).isoformat()
({'a1': ['\\OpenData\\Load', 100, 13439865600000000, 'TOWN\\clerk']}, '2026-11-23T00:00:00+00:00')
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any, Protocol

from taskanalysis.text import clip, count

__all__ = ["CREATED", "Data", "Listed", "Notes", "Told", "microseconds", "moment", "value"]


class Named(Protocol):
    """Data by their names in the provider's manifest."""

    def get(self, name: str, default: str, /) -> str:
        """A datum, or the default."""


Data = Named | str  # str: the event's XML, out of which `value` takes a datum
Told = list[Any]  # the path of a task; then event, time and the datum that matters of each record, in one row
Listed = tuple[int, int, str, str, str]  # event, time, instance, path, ResultCode

CREATED = 129
"""A process was created: the only event of a run that names no instance, and its path instead."""
_EPOCH, _MICROSECOND = datetime(1601, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


def moment(microseconds: int) -> datetime:
    """Aware UTC, of microseconds since 1601, as Windows counts."""
    return _EPOCH + timedelta(0, 0, microseconds)  # by name it takes three times as long


def microseconds(moment: datetime) -> int:
    """Microseconds since 1601, UTC, of an aware time.

    >>> microseconds(datetime(1601, 1, 2, tzinfo=UTC))
    86400000000
    """
    return (moment - _EPOCH) // _MICROSECOND


def value(data: Data, name: str) -> str:
    r"""A datum by its name in the provider's manifest, "" where there is none.

    >>> value({"Path": "a"}, "Path"), value('<Data Name="Path">a&amp;b</Data>', "Path"), value("", "Path")
    ('a', 'a&b', '')
    """
    if not isinstance(data, str):
        return data.get(name, "")
    start = data.rfind(f'"{name}">') + len(name) + 3  # from the end, where the data are
    text = data[start : data.find("<", start)] if start > len(name) + 2 else ""
    return unescape(text) if "&" in text else text


class Notes:
    """Records by instance, and what else a file tells.

    `said` names the datum that matters of each event of a run, "" where none does; `listed` are ids of events that are
    kept one by one. Times are microseconds since 1601, UTC.
    """

    def __init__(self, said: Mapping[int, str], listed: Collection[int]) -> None:
        self.instances: dict[str, Told] = {}  # lower case
        self.created: dict[str, list[int]] = defaultdict(list)  # by path
        self.listed: list[Listed] = []
        self.unclear: set[str] = set()  # instances of which a record has no certain time
        self.first, self.last = 1 << 63, -(1 << 63)  # of events of any id; so where there is none
        self.wanted = {*said, *listed, CREATED}
        self.usual = {event: name for event, name in said.items() if event not in listed}  # what nearly all are
        self._said, self._kept = said, listed
        self._ours = False
        self._others: set[str] = set()
        self._doubts = self._broken = 0
        self._reason = ""
        self._problems: list[str] = []

    def add(self, event: int, at: int, instance: str, data: Data) -> None:
        """A record that is wanted; `instance` is the one that the data name, else the ActivityID, "" without one."""
        name = self.usual.get(event)
        if name is None or not instance:
            self._add_unusual(event, at, instance, data)
            return
        told = self.instances.get(instance) or self.told(instance, value(data, "TaskName"))
        told += event, at, value(data, name) if name else ""

    def _add_unusual(self, event: int, at: int, instance: str, data: Data) -> None:
        path, name = value(data, "TaskName"), self._said.get(event)
        if event == CREATED:
            self.created[path].append(at)
        if instance and name is not None:
            told = self.told(instance, path)
            told += event, at, value(data, name) if name else ""
        if event in self._kept:
            self.listed.append((event, at, instance, path, value(data, "ResultCode")))

    def told(self, instance: str, path: str) -> Told:
        """What is noted of an instance; the path is that of its first record."""
        return self.instances.setdefault(instance, [path])

    def saw(self, at: int) -> None:
        """An event of the Task Scheduler, of whatever id."""
        self._ours = True
        self.first, self.last = min(self.first, at), max(self.last, at)

    def doubt(self, instance: str) -> None:
        """An event of this instance, or of none, without a certain time."""
        self._ours = True
        self._doubts += 1
        self.unclear |= {instance} - {""}

    def say(self, what: str) -> None:
        """A problem of the whole file."""
        self._problems.append(what)

    def broke(self, reason: object) -> None:
        """A record that can't be read."""
        self._broken += 1
        self._reason = self._reason or clip(str(reason), 160)

    def other(self, provider: str) -> None:
        """An event of another log."""
        if len(self._others) < 3:
            self._others.add(clip(provider, 60))

    def problems(self) -> list[str]:
        """A sentence for each."""
        told = list(self._problems)
        if self._broken:
            told.append(f"{count(self._broken, 'record')} could not be read; the first: {self._reason}")
        if self._doubts:
            times = count(self._doubts, "time")
            told.append(f"{times} that the zone has twice or not at all: what belongs to them is left out")
        if not self._ours and not told:
            others = "; its events are of " + ", ".join(sorted(self._others)) if self._others else ""
            told.append("holds no event of the Task Scheduler" + others)
        return told
