r"""The log TaskScheduler/Operational: runs with duration and code, and what kept others from starting.

A run is what one instance (a GUID) logs: a launch that says why (107 to 125), 100 started, 129 process created, 200 and
201 or 202 an action's start and end, 102 finished or 111 terminated. **102 and 201 do not mean success** (FACTS 5).

Which event is of which kind, and the sources, stand in ``events.csv``; names of data are from the provider's manifest
(OTRF/OSSEM).

>>> log = read_eventlog("tests/files/eventlogs/runs.xml")
>>> [(run.path, run.seconds, run.code, run.trigger_kind) for run in log.runs][0], log.problems
(('\\OpenData\\Load', 42.5, 2147942401, 'time'), [])
"""

from __future__ import annotations

import csv
import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import NamedTuple

from taskanalysis.errors import Problem, SnapshotError
from taskanalysis.history.eventlog.records import Record, Records, read_records
from taskanalysis.results import unsigned
from taskanalysis.schedule import known_zone
from taskanalysis.snapshot import ORDERS
from taskanalysis.text import clip, count, printable


class LoggedRun(NamedTuple):
    """One run in the log. Times are aware UTC; None, 0 or "" is "the log does not say".

    `started` is that of event 100, else of 129 or 200; `ended` that of 102 or 111, else of the last action's end.
    `seconds` are those from the first action's start (200) to the last one's end (201, 202).
    `code` is the raw unsigned code of the action that ended last, as it is logged; that LastTaskResult shows the last
    one's is unconfirmed. `codes` are those of all that ended, in their order. `code_source` is the `source` for
    `decode`: "action", or "start" where an action could not be started (203, else 103 or 101).
    `trigger_kind` is time, boot, logon, event, idle, registration, session, user (started by hand, or by a program that
    asked for it) or missed (StartWhenAvailable). `stopped` is "time limit" or "stopped" where Windows ended it.
    `instance` is a GUID in lower case without braces, `user` the account that it ran as.
    """

    path: str
    started: datetime
    ended: datetime | None = None
    seconds: float | None = None
    code: int | None = None
    code_source: str = ""
    codes: tuple[int, ...] = ()
    stopped: str = ""
    trigger_kind: str = ""
    instance: str = ""
    user: str = ""


class LoggedEvent(NamedTuple):
    """What kept a run from starting, or ended it: `kind` is one of ``events.csv``, `event` the id.

    `at` is aware UTC; `path` is "" for a failed logon that no run or launch explains; `code` is unsigned and to be
    decoded with the source "start". What one instance logs of one failure or one stop is one event.
    """

    path: str
    at: datetime
    kind: str
    code: int | None = None
    instance: str = ""
    event: int = 0


@dataclass(frozen=True, slots=True)
class EventLog:
    """Runs by start, events by time, problems, and the times (aware UTC) of the first and last event of any kind."""

    runs: list[LoggedRun]
    events: list[LoggedEvent]
    problems: list[Problem]
    first: datetime | None = None
    last: datetime | None = None


def read_eventlog(path: str | Path, *, zone: str = "", dates: str = "") -> EventLog:
    r"""Read a log: ``.evtx`` (needs the package `evtx`), XML of ``wevtutil qe /f:xml`` or CSV of ``Get-WinEvent``.

    Only a CSV needs `zone` (IANA), for its local times, and perhaps `dates` ("dmy" or "mdy"), where the file does not
    show which comes first. SnapshotError for an unknown order, ZoneError for an unknown zone; all else that is wrong is
    a problem.

    A run whose end is not in the log (still running, server down, log rolled over) has no end, duration or code. An end
    without a start is no run. The same records in another order, or twice, give the same runs and events.

    >>> read_eventlog("tests/files/eventlogs/english.csv").problems[0].what
    'its times are local and need a time zone: use --zone'
    >>> read_eventlog("tests/files/eventlogs/english.csv", zone="America/New_York").runs[0].ended.isoformat()
    '2026-11-23T11:00:43+00:00'
    """
    if dates not in ("", *ORDERS):
        raise SnapshotError(f"'{clip(dates)}' is not an order of day and month: dmy or mdy")
    local_zone = known_zone(zone) if zone else None
    records = Records(_EVENTS)
    read_records(Path(path), records, zone=local_zone, dates=dates)
    instances, created = _grouped(records.kept)
    starts, launches = _created_at(created, instances), _launched_by(instances)
    made = (instance.run(guid, starts.get(guid), launches.get(guid, 0)) for guid, instance in instances.items())
    all_runs = [run for run in made if run and _GUID.fullmatch(run.instance) and run.instance not in records.unclear]
    runs = sorted((run for run in all_runs if _PATH.fullmatch(run.path)), key=attrgetter("started", "path", "instance"))
    problems = records.problems()
    if len(all_runs) > len(runs):
        problems.append(f"{count(len(all_runs) - len(runs), 'run')} left out, without a valid task path")
    name = printable(Path(path).name)
    return EventLog(
        runs, _events(records, instances), [Problem(name, what) for what in problems], records.first, records.last
    )


# Tables --------------------------------------------------------------------------------------------------------------


def _read() -> dict[int, dict[str, str]]:
    lines = Path(__file__).with_name("events.csv").read_text(encoding="utf-8").splitlines()
    return {int(row["event"]): row for row in csv.DictReader(line for line in lines if line[0] != "#")}


_EVENTS = _read()
_rank = {event: rank for rank, event in enumerate([*_EVENTS, 0])}.__getitem__  # of several about one thing, the first
_TRIGGERS, _FAILURES, _STOPS = (
    {event: row["kind"] for event, row in _EVENTS.items() if row["about"] == about}
    for about in ("launch", "failure", "stop")
)
_KINDS = {event: row["kind"] for event, row in _EVENTS.items() if row["about"] not in ("launch", "step")}
_CREATED = 129  # the only step that names no instance, and its path instead
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PATH = re.compile(r"\\[^\\\x00-\x1f\x7f][^\x00-\x1f\x7f]*")
_SOON = timedelta(seconds=2)  # what is logged of one start lies a millisecond apart

Mark = tuple[datetime, int, int]  # time, event, code or -1
Start = tuple[datetime, str]  # time, instance


@lru_cache(maxsize=4096)
def _code(text: str) -> int:
    """An unsigned code, -1 for none, as None can't be sorted."""
    try:
        code = unsigned(text or None)
    except ValueError:
        code = None
    return -1 if code is None else code


# Joining -------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Instance:
    """What the log says of one instance of a task; the order of its records and repeated ones do not matter."""

    path: str
    user: str = ""
    started: datetime | None = None
    finished: datetime | None = None
    begins: list[datetime] = field(default_factory=list)  # of actions
    ends: list[Mark] = field(default_factory=list)
    failures: list[Mark] = field(default_factory=list)
    launched: datetime | None = None
    trigger: int = 0
    stop: int = 0

    def add(self, event: int, at: datetime, datum: str) -> None:
        """Take a record."""
        if event == 200:
            self.begins.append(at)
        elif event == 100:
            if self.started is None or at < self.started:
                self.started, self.user = at, datum
        elif event in (201, 202, 203):
            self.ends.append((at, event, _code(datum)))
        elif event in (102, 111):
            self.finished = max(self.finished or at, at)
        elif event in _TRIGGERS:
            self.trigger, self.launched = min(self.trigger, event, key=_rank), min(self.launched or at, at)
        elif event in _FAILURES:
            self.failures.append((at, event, _code(datum)))
        if event in _STOPS:
            self.stop = min(self.stop, event, key=_rank)

    def earliest(self) -> datetime | None:
        """When its first action started or ended, else its end; None where none was started."""
        return min([*self.begins, *(at for at, event, _ in self.ends if event != 203)], default=self.finished)

    def run(self, instance: str, created: datetime | None, launch: int) -> LoggedRun | None:
        begin = min(self.begins, default=None)
        if not (started := self.started or created or begin):
            return None
        ends = sorted(set(self.ends)) or ([] if self.begins else sorted(set(self.failures)))
        closed = bool(ends) and len(ends) >= len(set(self.begins))  # else one is still open, or was killed
        at, event, code = ends[-1] if closed else (None, 0, -1)
        done = max((at for at, event, _ in ends if event not in _FAILURES), default=None)
        seconds = (
            (done - begin).total_seconds() if closed and begin and done else -1
        )  # also where the clock was set back
        return LoggedRun(
            self.path,
            started,
            self.finished or at,
            seconds if seconds >= 0 else None,
            code if code >= 0 else None,
            "" if code < 0 else "start" if event in _FAILURES else "action",
            tuple([code for _, _, code in ends if code >= 0]),
            _KINDS.get(self.stop, ""),
            _TRIGGERS.get(self.trigger or launch, ""),
            instance,
            self.user,
        )


def _follow(steps: list[tuple[datetime, int, str]]) -> dict[str, datetime]:
    """Match starts (0) to the first record (2) of instances of one task, if just one was open each time; else none.

    Events 100 (1) name the instance of a start, ends (3) close one.
    """
    joined: dict[str, datetime] = {}
    last, free, still_open = None, False, 0
    for at, step, instance in steps:
        if step == 0:
            last, free, still_open = at, True, still_open + 1
        elif step == 1:
            free = free and last is not None and at - last > _SOON
        elif step == 2 and last and free and still_open == 1:
            joined[instance], free = last, False
        elif step == 2 and last:
            return {}
        elif step == 3:
            still_open = max(still_open - 1, 0)
    return joined


def _launched_by(instances: dict[str, _Instance]) -> dict[str, int]:
    """Launches under another instance than the run's, as a task of a group has them, where one can be meant."""
    launches = [
        (instance.path, instance.launched, instance.trigger)
        for instance in instances.values()
        if instance.launched and not (instance.started or instance.failures or instance.ends or instance.earliest())
    ]
    starts: dict[str, list[Start]] = {path: [] for path, _, _ in launches}
    for guid, instance in instances.items():
        if instance.started and instance.path in starts:
            starts[instance.path].append((instance.started, guid))
    for times in starts.values():
        times.sort()
    meant: dict[str, list[int]] = defaultdict(list)
    for path, at, event in launches:
        first = bisect_left(starts[path], at - _SOON, key=itemgetter(0))
        last = bisect_right(starts[path], at + _SOON, key=itemgetter(0))
        if last - first == 1:
            meant[starts[path][first][1]].append(event)
    return {guid: events[0] for guid, events in meant.items() if len(events) == 1}


def _created_at(created: dict[str, list[datetime]], instances: dict[str, _Instance]) -> dict[str, datetime]:
    """The starts that event 129 gives of instances without event 100, where just one can be meant."""
    orphans = {instance.path for instance in instances.values() if not instance.started and instance.earliest()}
    steps = {path: [(at, 0, "") for at in set(created[path])] for path in orphans & created.keys()}
    for guid, instance in instances.items():
        if instance.path in steps:
            end = instance.finished or max((at for at, _, _ in instance.ends), default=None)
            moments = ((instance.started, 1), (None if instance.started else instance.earliest(), 2), (end, 3))
            steps[instance.path] += [(at, step, guid) for at, step in moments if at]
    return {guid: at for path in steps for guid, at in _follow(sorted(steps[path])).items()}


def _grouped(records: list[Record]) -> tuple[dict[str, _Instance], dict[str, list[datetime]]]:
    """Instances by GUID, and the times of event 129 by path."""
    instances: dict[str, _Instance] = {}
    created: dict[str, list[datetime]] = defaultdict(list)
    for event, at, guid, path, datum in records:
        if event == _CREATED:
            created[path].append(at)
        elif guid and _EVENTS[event]["about"]:
            if guid not in instances:
                instances[guid] = _Instance(path)
            instances[guid].add(event, at, datum)
    return instances, created


def _events(records: Records, instances: dict[str, _Instance]) -> list[LoggedEvent]:
    """All events; those about one failure, or one stop, of an instance are one."""
    groups: dict[tuple[object, ...], list[tuple[int, datetime, int, int, str, str]]] = defaultdict(list)
    for event, at, instance, path, result in records.kept:
        if event not in _KINDS:
            continue
        about = _EVENTS[event]["about"]
        key = (instance, about) if instance and about else (instance, event, at, path)
        groups[key].append((_rank(event), at, event, _code(result), path, instance))
    events = []
    for marks in groups.values():
        _, _, event, code, path, instance = min(marks)
        if instance in records.unclear:
            continue
        if not path and instance in instances:
            path = instances[instance].path
        code = code if code >= 0 else max(mark[3] for mark in marks)
        path, instance = path if _PATH.fullmatch(path) else "", instance if _GUID.fullmatch(instance) else ""
        first = min(mark[1] for mark in marks)
        events.append(LoggedEvent(path, first, _KINDS[event], code if code >= 0 else None, instance, event))
    return sorted(events, key=attrgetter("at", "path", "event", "instance"))
