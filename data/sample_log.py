r"""The event log of the sample share: what TaskScheduler/Operational would say of its runs, as `wevtutil` prints it.

    wevtutil qe Microsoft-Windows-TaskScheduler/Operational /f:xml > operational.xml

Someone enabled the log on `LOG_FROM`. Tasks of Windows itself and those that start every hour or more often are left
out, as by a query: they would be nine tenths of it. Names of events and of their data are from the provider's manifest;
which events one reason logs together is a reading, not seen on Windows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from uuid import UUID
from xml.sax.saxutils import escape, quoteattr

from sample_tasks import BY_HAND, SERVER, Task

CHANNEL = "Microsoft-Windows-TaskScheduler/Operational"
LAUNCHES = {
    "CalendarTrigger": (107, "TimeTrigger"),
    "TimeTrigger": (107, "TimeTrigger"),
    "EventTrigger": (108, "EventTrigger"),
    "RegistrationTrigger": (109, "RegistrationTrigger"),
    BY_HAND: (110, "TaskRunEvent"),
    "IdleTrigger": (117, "IdleTrigger"),
    "BootTrigger": (118, "BootTrigger"),
    "LogonTrigger": (119, "LogonTrigger"),
    "SessionStateChangeTrigger": (125, "SessionUnlockTrigger"),
}
"""The event that says why a task starts, and its name."""
SERVICES = {"S-1-5-18": r"NT AUTHORITY\SYSTEM", "S-1-5-19": r"NT AUTHORITY\LOCAL SERVICE"}
PROGRAM_FAILED = 0x80070000  # HRESULT_FROM_WIN32, around the exit code of a program
MOMENT = timedelta(milliseconds=20)


@dataclass(frozen=True)
class Event:
    """An event: `activity` is the instance that it is about, "" for none."""

    at: datetime
    number: int
    name: str
    activity: str
    data: Mapping[str, object]


def is_logged(task: Task) -> bool:
    """Whether the export has the task."""
    often = any(0 < trigger.every <= 60 for trigger in task.triggers)
    return not often and not task.path.startswith("\\Microsoft\\")


def instance(task: Task, start: datetime) -> str:
    """The GUID of a start of a task, the same in every build."""
    number = Random(f"{task.path} {start.isoformat()}").getrandbits(128)
    return f"{{{str(UUID(int=number, version=4)).upper()}}}"


def account(task: Task) -> str:
    """The account as the log names it."""
    name = task.account.get("UserId", r"TOWN\jdoe")  # of a group, whoever is logged on
    return SERVICES.get(name, r"TOWN\analyst" if name.startswith("S-1-5-21-") else name)


def action_names(task: Task) -> list[str]:
    """The programs of a task, and the classes that it calls."""
    return [content.get("Command", content.get("ClassId", "")) for _, content in task.actions]


# What one start logs --------------------------------------------------------------------------------------------------


def launched(task: Task, at: datetime) -> Event:
    """Why a task starts: the first of its enabled triggers."""
    kind = next(trigger.kind for trigger in task.triggers if trigger.enabled)
    number, name = LAUNCHES[kind]
    guid = instance(task, at)
    return Event(at, number, name, guid, {"TaskName": task.path, "InstanceId": guid})


def refused(task: Task, at: datetime, code: int) -> Iterator[Event]:
    """A start that the account could not log on for."""
    user, guid = account(task), instance(task, at)
    logon = {"UserName": user, "ErrorDescription": "LogonUserExEx", "ResultCode": code}
    yield launched(task, at)
    yield Event(at + MOMENT, 104, "LogonFailure", guid, logon)
    failed = {"TaskName": task.path, "UserContext": user, "ResultCode": code}
    yield Event(at + 2 * MOMENT, 101, "TaskStartFailedEvent", guid, failed)


def not_launched(task: Task, at: datetime, code: int) -> Iterator[Event]:
    """A start whose action could not be started."""
    user, guid, (program, *_) = account(task), instance(task, at), action_names(task)
    started = {"TaskName": task.path, "UserContext": user, "InstanceId": guid}
    action = {"TaskName": task.path, "TaskInstanceId": guid, "ActionName": program, "ResultCode": code}
    yield launched(task, at)
    yield Event(at + MOMENT, 100, "TaskStartEvent", guid, started)
    yield Event(at + 2 * MOMENT, 203, "ActionLaunchFailure", guid, action)
    failed = {"TaskName": task.path, "InstanceId": guid, "UserContext": user, "ResultCode": code}
    yield Event(at + 3 * MOMENT, 103, "TaskFailureEvent", guid, failed)


def ran(task: Task, start: datetime, end: datetime, code: int, *, stopped: bool) -> Iterator[Event]:
    """A run, its actions one after the other; one that was stopped at its time limit has no end of an action."""
    user, guid, names = account(task), instance(task, start), action_names(task)
    chance = Random(guid)
    process, engine = chance.randrange(1000, 9000, 4), chance.randrange(1000, 9000, 4)
    about = {"TaskName": task.path, "UserContext": user, "InstanceId": guid}
    yield launched(task, start)
    created = {"TaskName": task.path, "Path": names[0], "ProcessID": process, "Priority": 16384}
    yield Event(start + MOMENT, 129, "CreatedTaskProcess", "", created)
    yield Event(start + 2 * MOMENT, 100, "TaskStartEvent", guid, about)
    begin = start + 2 * MOMENT
    step = (end - begin) / len(names)
    for place, (name, (since, until)) in enumerate(
        zip(names, pairwise([begin + number * step for number in range(len(names) + 1)]), strict=True), 1
    ):
        action = {"TaskName": task.path, "ActionName": name, "TaskInstanceId": guid}
        yield Event(since, 200, "ActionStart", guid, action | {"EnginePID": engine})
        if not stopped:
            result = (PROGRAM_FAILED | code) * bool(code) if place == len(names) else 0
            yield Event(until, 201, "ActionSuccess", guid, action | {"ResultCode": result, "EnginePID": engine})
    if stopped:
        yield Event(end, 329, "TaskTimeout", guid, {"TaskName": task.path, "TaskInstanceId": guid})
        yield Event(end + MOMENT, 111, "TaskTerminatedEvent", guid, {"TaskName": task.path, "InstanceId": guid})
    else:
        yield Event(end + MOMENT, 102, "TaskSuccessEvent", guid, about)


def ignored(task: Task, at: datetime, running: datetime) -> Iterator[Event]:
    """A start during the run that began at `running`."""
    yield launched(task, at)
    data = {"TaskName": task.path, "TaskInstanceId": instance(task, running)}
    yield Event(at + MOMENT, 322, "NewInstanceIgnored", instance(task, at), data)


def queued(task: Task, at: datetime) -> Iterator[Event]:
    """A start that waits."""
    guid = instance(task, at)
    yield launched(task, at)
    yield Event(at + MOMENT, 325, "InstanceQueued", guid, {"TaskName": task.path, "TaskInstanceId": guid})


def registered(task: Task, at: datetime, *, is_new: bool) -> Event:
    """A task that someone registered or changed."""
    number, name, who = (106, "TaskRegisteredEvent", "UserContext") if is_new else (140, "TaskUpdated", "UserName")
    return Event(at, number, name, "", {"TaskName": task.path, who: task.author})


# The file -------------------------------------------------------------------------------------------------------------


def as_xml(events: list[Event]) -> bytes:
    """The events in the order of time, one on a line."""
    ordered = sorted(events, key=lambda event: (event.at, event.activity, event.number))
    lines = (line(number, event) for number, event in enumerate(ordered, 1))
    return "".join(f"{each}\r\n" for each in lines).encode("ascii")


def line(record: int, event: Event) -> str:
    """An event as ``wevtutil qe /f:xml`` prints it."""
    level, opcode = (2, 101) if event.number in (101, 103, 104, 203) else (4, 0)
    data = "".join(f"<Data Name={quoteattr(name)}>{escape(str(value))}</Data>" for name, value in event.data.items())
    activity = f" ActivityID='{event.activity}'" if event.activity else ""
    return (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
        "<Provider Name='Microsoft-Windows-TaskScheduler' Guid='{de7b24ea-73c8-4a09-985d-5bdadcfa9017}'/>"
        f"<EventID>{event.number}</EventID><Version>0</Version><Level>{level}</Level><Task>{event.number}</Task>"
        f"<Opcode>{opcode}</Opcode><Keywords>0x8000000000000000</Keywords>"
        f"<TimeCreated SystemTime='{event.at:%Y-%m-%dT%H:%M:%S.%f}0Z'/><EventRecordID>{record}</EventRecordID>"
        f"<Correlation{activity}/><Execution ProcessID='1304' ThreadID='2212'/><Channel>{CHANNEL}</Channel>"
        f"<Computer>{SERVER}.town.example</Computer><Security UserID='S-1-5-18'/></System>"
        f"<EventData Name='{event.name}'>{data}</EventData></Event>"
    )
