r"""Task XML -> TaskDefinition, for one task or a text with many.

Authority: [MS-TSCH] 2.5 and the Task Scheduler schema; order of elements is free, because Windows itself varies it.
Triggers and actions that the schema does not know are kept by name.

>>> read_task(b"<Task><Actions><Exec><Command>robocopy.exe</Command></Exec><Wait/></Actions></Task>").actions[1]
UnknownAction(id='', name='Wait')
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import cache, partial
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

from lxml import etree

from taskanalysis.definition import (
    Action,
    ComHandlerAction,
    ExecAction,
    NetworkSettings,
    Principal,
    SendEmailAction,
    ShowMessageAction,
    TaskDefinition,
    UnknownAction,
)
from taskanalysis.duration import Duration
from taskanalysis.errors import TaskXmlError
from taskanalysis.trigger import (
    LAST,
    BootTrigger,
    CalendarTrigger,
    DayOfWeek,
    EventTrigger,
    IdleTrigger,
    LogonTrigger,
    Month,
    OrLast,
    RegistrationTrigger,
    Repetition,
    ScheduleByDay,
    ScheduleByMonth,
    ScheduleByMonthDayOfWeek,
    ScheduleByWeek,
    SessionStateChangeTrigger,
    TimeTrigger,
    Trigger,
    UnknownTrigger,
    WnfStateChangeTrigger,
)
from taskanalysis.xmltext import decode, parse, read_bytes, split_tasks

__all__ = ["read_many", "read_task"]

NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"


def read_task(source: bytes | str | Path) -> TaskDefinition:
    """Read one task definition from bytes or from a file (a str is a path).

    TaskXmlError where it is no task XML, names file, element and text; OSError where the file can't be opened.
    An element that the schema allows once and that occurs twice is an error, as it is for Windows.

    >>> read_task(b"<Task version='1.2'><Settings><Hidden>1</Hidden></Settings></Task>").settings.hidden
    True
    """
    if isinstance(source, bytes):
        return _definition(parse(source))
    path = Path(source)
    try:
        return _definition(parse(read_bytes(path)))
    except TaskXmlError as error:
        raise TaskXmlError(error.reason, file=path.name, element=error.element, text=error.text) from None


def read_many(data: bytes) -> Iterator[tuple[str, TaskDefinition | TaskXmlError]]:
    r"""Each task of a text with many, as (task path or "", definition or the error that it gave).

    >>> [path for path, _ in read_many(b"<Tasks><!-- \\A --><Task/><!-- \\B --><Task/></Tasks>")]
    ['\\A', '\\B']
    """
    for path, text in split_tasks(decode(data)):
        try:
            definition = _definition(parse(text.encode("utf-8")))
            yield path or (definition.uri if definition.uri.startswith("\\") else ""), definition
        except TaskXmlError as error:
            yield path, error


# Elements -------------------------------------------------------------------------------------------------------------


def _definition(root: etree._Element) -> TaskDefinition:
    namespace, _, name = root.tag.rpartition("}")
    if name != "Task" or namespace not in ("", "{" + NAMESPACE):
        raise TaskXmlError(_not_a_task(root), element=_local(root))
    actions = root.find("{*}Actions")
    context = "" if actions is None else actions.get("Context", "")
    return TaskDefinition(version=root.get("version", ""), context=context, **_values(TaskDefinition, root))


def _not_a_task(root: etree._Element) -> str:
    kind = _local(root)
    if kind == "ScheduledTasks":
        return "is Group Policy's list of tasks (ScheduledTasks.xml), not a task definition"
    if kind.lower() == "html":
        return "is HTML, not a task definition"
    if kind == "Tasks":
        return "holds several tasks; read it with read_tasks"
    return "is not a task definition (its root must be <Task> of Task Scheduler's namespace)"


def _values(cls: Callable[..., object], element: etree._Element) -> dict[str, Any]:
    """The fields of a dataclass that the children of `element` (and its attribute `id`) give."""
    readers = _readers(cls)
    values: dict[str, Any] = {"id": element.get("id", "")} if "id" in element.attrib and "@id" in readers else {}
    seen: set[str] = set()
    for child in element:
        name, reader = readers.get(_local(child), _SKIP)
        if name in seen:
            raise TaskXmlError("occurs twice", element=_path(child), text=(child.text or "").strip())
        if name:
            seen.add(name)
        value = _checked(reader, child)
        if value is not None:
            values[name] = value
    return values


def _checked(reader: Callable[[etree._Element], Any], element: etree._Element) -> Any:
    """What `reader` makes of an element; its ValueError gets the element's path and text."""
    try:
        return reader(element)
    except TaskXmlError:
        raise
    except ValueError as error:
        raise TaskXmlError(str(error), element=_path(element), text=_text(element)) from None


def _read(cls: type[Any], element: etree._Element) -> Any:
    return cls(**_values(cls, element))


@cache
def _readers(cls: Callable[..., object]) -> dict[str, tuple[str, Callable[[etree._Element], Any]]]:
    """Element name -> (field, reader) for a dataclass; an element that is not in it is left out."""
    readers: dict[str, tuple[str, Callable[[etree._Element], Any]]] = {}
    for name, kind in get_type_hints(cls).items():
        if name == "schedule":
            readers |= {each.__name__: (name, partial(_read, each)) for each in _SCHEDULES}
        elif name == "id" and cls is not NetworkSettings:
            readers["@id"] = _SKIP
        elif cls is not TaskDefinition or name not in ("version", "context"):
            for spelling in _XML_NAMES.get(name) or (name.title().replace("_", ""),):
                readers[spelling] = (name, _reader(name, kind))
    return readers


def _reader(name: str, kind: Any) -> Callable[[etree._Element], Any]:
    plain = (
        next((part for part in get_args(kind) if part is not NoneType), kind) if NoneType in get_args(kind) else kind
    )
    known = _BY_FIELD.get(name) or _BY_TYPE.get(plain)
    return known or partial(_read, plain)


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _path(element: etree._Element) -> str:
    return re.sub(r"\{[^}]*\}", "", element.getroottree().getelementpath(element))


def _text(element: etree._Element) -> str:
    """Text of a leaf; of an element with children, all their text (Data and queries may be written as raw XML)."""
    if len(element):
        inner = (element.text or "") + "".join(etree.tostring(child, encoding="unicode") for child in element)
        return inner.strip()
    return (element.text or "").strip()


def _boolean(element: etree._Element) -> bool | None:
    text = _text(element).lower()
    if text in ("true", "1"):
        return True
    if text in ("false", "0"):
        return False
    if not text:
        return None
    raise ValueError("is not true or false")


def _integer(element: etree._Element) -> int | None:
    text = _text(element)
    if text and not re.fullmatch(r"[0-9]{1,9}", text):
        raise ValueError("is not a whole number")
    return int(text) if text else None


def _interval(element: etree._Element) -> int | None:
    number = _integer(element)
    if number == 0:
        raise ValueError("must be at least 1")
    return number


def _duration(element: etree._Element) -> Duration | None:
    text = _text(element)
    return Duration.parse(text) if text else None


_DATE_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?"
)


def _date_time(element: etree._Element) -> datetime | None:
    text = _text(element)
    if not text:
        return None
    found = _DATE_TIME.fullmatch(text)
    try:
        if not found:
            raise ValueError
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
        midnight = hour == 24 and not minute and not second  # xs:dateTime's end of the day
        zone = _offset(found[8])
        # seven digits occur; a datetime holds six
        micro = int((found[7] or "0")[:6].ljust(6, "0"))
        when = datetime(year, month, day, 0 if midnight else hour, minute, second, micro, zone)
        return when + timedelta(days=1) if midnight else when
    except (ValueError, OverflowError):
        raise ValueError("is not a date and time such as 2026-11-23T06:30:00") from None


def _offset(text: str | None) -> timezone | None:
    if not text or text == "Z":
        return UTC if text else None
    delta = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(-delta if text[0] == "-" else delta)


def _or_last(element: etree._Element, most: int) -> OrLast:
    text = _text(element)
    if text.capitalize() == LAST:
        return LAST
    if not re.fullmatch(r"[0-9]{1,2}", text) or not 1 <= int(text) <= most:
        raise ValueError(f"is not 1 to {most} or Last")
    return int(text)


def _members(kind: type[Any]) -> Callable[[etree._Element], tuple[Any, ...] | None]:
    def read(element: etree._Element) -> tuple[Any, ...] | None:
        names = {_local(child) for child in element}
        for child in element:
            if _local(child) not in kind.__members__:
                raise TaskXmlError(f"is no {kind.__name__}", element=_path(child))
        return tuple(member for member in kind if member.name in names) or None

    return read


def _numbers(most: int) -> Callable[[etree._Element], tuple[OrLast, ...] | None]:
    def read(element: etree._Element) -> tuple[OrLast, ...] | None:
        numbers = {_checked(partial(_or_last, most=most), child) for child in element}
        return tuple(sorted(numbers, key=lambda number: 99 if number == LAST else int(number))) or None

    return read


def _named_texts(element: etree._Element) -> tuple[tuple[str, str], ...]:
    pairs = []
    for child in element:
        parts = {_local(part): _text(part) for part in child}
        is_header = "Name" in parts or "Value" in parts
        pairs.append(
            (parts.get("Name", ""), parts.get("Value", "")) if is_header else (child.get("name", ""), _text(child))
        )
    return tuple(pairs)


def _repetition(element: etree._Element) -> Repetition | None:
    values = _values(Repetition, element)
    if "interval" in values and values["interval"].is_zero:
        raise TaskXmlError("leaves no time between two starts", element=_path(element) + "/Interval")
    return Repetition(**values) if "interval" in values else None


_SCHEDULES = (ScheduleByDay, ScheduleByWeek, ScheduleByMonth, ScheduleByMonthDayOfWeek)
_TRIGGERS: dict[str, type[Trigger]] = {
    cls.__name__: cls
    for cls in (
        BootTrigger,
        EventTrigger,
        IdleTrigger,
        LogonTrigger,
        RegistrationTrigger,
        SessionStateChangeTrigger,
        TimeTrigger,
        WnfStateChangeTrigger,
    )
}
_ACTIONS: dict[str, type[Action]] = {
    "Exec": ExecAction,
    "ComHandler": ComHandlerAction,
    "SendEmail": SendEmailAction,
    "ShowMessage": ShowMessageAction,
}


def _trigger(element: etree._Element) -> Trigger:
    name = _local(element)
    if name == "CalendarTrigger":
        kinds = [kind for kind in map(_local, element) if kind.startswith("ScheduleBy")]
        if len(kinds) == 1 and kinds[0] in {each.__name__ for each in _SCHEDULES}:
            return CalendarTrigger(**_values(CalendarTrigger, element))
        name = "/".join([name, *kinds])
    if name in _TRIGGERS:
        return _TRIGGERS[name](**_values(_TRIGGERS[name], element))
    return UnknownTrigger(name=name, **_values(Trigger, element))


def _action(element: etree._Element) -> Action:
    name = _local(element)
    if name in _ACTIONS:
        return _ACTIONS[name](**_values(_ACTIONS[name], element))
    return UnknownAction(id=element.get("id", ""), name=name)


def _each(reader: Callable[[etree._Element], Any]) -> Callable[[etree._Element], tuple[Any, ...]]:
    return lambda element: tuple(reader(child) for child in element)


_SKIP: tuple[str, Callable[[etree._Element], Any]] = ("", lambda _: None)
# spellings that snake_case does not give back; [MS-TSCH] 2.5.3.6 has "Occurrences", the other costs nothing
_XML_NAMES = {
    "uri": ("URI",),
    "from_": ("From",),
    "number_of_occurrences": ("NumberOfOccurrences", "NumberOfOccurences"),
}
_BY_FIELD: dict[str, Callable[[etree._Element], Any]] = {
    "days_interval": _interval,
    "weeks_interval": _interval,
    "days_of_month": _numbers(31),
    "weeks": _numbers(4),
}
_BY_TYPE: dict[Any, Callable[[etree._Element], Any]] = {
    str: _text,
    bool: _boolean,
    int: _integer,
    datetime: _date_time,
    Duration: _duration,
    Repetition: _repetition,
    tuple[str, ...]: _each(_text),
    tuple[tuple[str, str], ...]: _named_texts,
    tuple[DayOfWeek, ...]: _members(DayOfWeek),
    tuple[Month, ...]: _members(Month),
    tuple[Trigger, ...]: _each(_trigger),
    tuple[Action, ...]: _each(_action),
    tuple[Principal, ...]: _each(partial(_read, Principal)),
}
