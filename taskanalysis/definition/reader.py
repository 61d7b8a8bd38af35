r"""Read task XML into `TaskDefinition`s, one task or a text with many.

Authority: [MS-TSCH] 2.5 and the Task Scheduler schema; order of elements is free, because Windows itself varies it.
Triggers and actions that the schema does not know are kept by name.

>>> read_task(b"<Task><Actions><Exec><Command>robocopy.exe</Command></Exec><Wait/></Actions></Task>").actions[1]
<UnknownAction: name Wait>
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import MISSING, field, fields, make_dataclass
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

from lxml import etree

from taskanalysis.definition import model
from taskanalysis.definition.duration import Duration
from taskanalysis.definition.encoding import parse, read_bytes, split_tasks, xml_text
from taskanalysis.definition.model import LAST, OrLast, TaskDefinition
from taskanalysis.definition.values import boolean, date_time, duration, integer, interval, or_last, remembered
from taskanalysis.errors import TaskXmlError

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
    try:
        return _definition(parse(read_bytes(source)))
    except TaskXmlError as error:
        raise TaskXmlError(error.reason, file=Path(source).name, element=error.element, text=error.text) from None


def read_many(data: bytes) -> Iterator[tuple[str, TaskDefinition | TaskXmlError]]:
    r"""Each task of a text with many, as (task path or "", definition or the error that it gave).

    >>> [path for path, _ in read_many(b"<Tasks><!-- \\A --><Task/><!-- \\B --><Task/></Tasks>")]
    ['\\A', '\\B']
    """
    for path, text in split_tasks(xml_text(data)):
        try:
            definition = _definition(parse(text.encode("utf-8")))
            yield path or (definition.uri if definition.uri.startswith("\\") else ""), definition
        except TaskXmlError as error:
            yield path, error


# Elements -------------------------------------------------------------------------------------------------------------

_ROOTS = (f"{{{NAMESPACE}}}Task", "Task")
_Read = Callable[[Any], Any]  # of an element; lxml-stubs do not know that element[:] gives all its children at once


class _ByTag(dict[str, Any]):
    """Values by the name of an element, looked up by its tag: in Windows' namespace, in none, or in any other."""

    def __init__(self, by_name: dict[str, Any]) -> None:
        super().__init__(by_name | {f"{{{NAMESPACE}}}{name}": value for name, value in by_name.items()})

    def __missing__(self, tag: str) -> Any:
        return self.get(tag.rpartition("}")[2])


def _definition(root: etree._Element) -> TaskDefinition:
    if root.tag not in _ROOTS:
        raise TaskXmlError(_not_a_task(root), element=_local(root))
    actions = next(root.iterchildren("{*}Actions"), None)
    context = "" if actions is None else actions.get("Context", "")
    task: TaskDefinition = _reader(TaskDefinition)(root, version=root.get("version", ""), context=context)
    return task


def _not_a_task(root: etree._Element) -> str:
    kind = _local(root)
    if kind == "ScheduledTasks":
        return "is Group Policy's list of tasks (ScheduledTasks.xml), not a task definition"
    if kind == "Tasks":
        return "holds several tasks; read it with read_tasks"
    return "is not a task definition (its root must be <Task> of Task Scheduler's namespace)"


@cache
def _reader(cls: type[Any], make: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """A function that makes a dataclass, or calls `make`, from an element's children and its attribute `id`.

    Most of the time is spent here: a leaf takes one look-up by its tag and one call with its text, and no more.
    """
    fields_by_tag, has_id, construct = _fields(cls), _has_id(cls), make or _unfrozen(cls)

    def read(element: Any, **values: Any) -> Any:
        if has_id:
            values["id"] = element.get("id", "")
        try:
            for child in element[:]:
                filled = fields_by_tag[child.tag]
                if filled is None:
                    continue
                name, read_part, is_leaf, default = filled
                if name in values:
                    raise TaskXmlError("occurs twice", element=_path(child), text=(child.text or "").strip())
                part = child
                if is_leaf:
                    part = _text(child) if len(child) else child.text or ""
                value = read_part(part)
                values[name] = default if value is None else value
        except TaskXmlError:
            raise
        except ValueError as error:
            raise TaskXmlError(str(error), element=_path(child), text=_text(child)) from None
        instance = construct(**values)
        if make is None:
            instance.__class__ = cls
        return instance

    return read


def _unfrozen(cls: type[Any]) -> type[Any]:
    """The same dataclass, not frozen: its objects are made in a third of the time, and turn into those of `cls`.

    A frozen one sets each field through ``object.__setattr__``, which takes more than a tenth of all the reading.
    """
    plain = make_dataclass("plain", [(f.name, object, field(default=f.default)) for f in fields(cls)], kw_only=True)
    settable = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}  # with one alone, Python is slow
    return type(cls.__name__, (cls,), {"__slots__": (), "__init__": vars(plain)["__init__"], **settable})


def _read(cls: Any, element: etree._Element) -> Any:
    return _reader(cls)(element)


def _has_id(cls: type[Any]) -> bool:
    return "id" in cls.__dataclass_fields__ and cls is not model.NetworkSettings


def _fields(cls: type[Any]) -> _ByTag:
    """By element: the field it fills, the function that reads it, whether from its text, and the default for None."""
    by_element: dict[str, tuple[str, Callable[[Any], Any], bool, Any]] = {}
    defaults = {f.name: None if f.default is MISSING else f.default for f in fields(cls)}
    for name, kind in get_type_hints(cls).items():
        if name == "schedule":
            by_element |= {kind.__name__: (name, partial(_read, kind), False, None) for kind in _SCHEDULES}
        elif not (name == "id" and _has_id(cls)) and not (cls is TaskDefinition and name in ("version", "context")):
            for spelling in _XML_NAMES.get(name) or (name.title().replace("_", ""),):
                by_element[spelling] = (name, *_reader_of_field(name, kind), defaults[name])
    return _ByTag(by_element)


def _reader_of_field(name: str, kind: Any) -> tuple[Callable[[Any], Any], bool]:
    (plain,) = [part for part in get_args(kind) if part is not NoneType] if NoneType in get_args(kind) else [kind]
    if leaf := _LEAVES.get(name) or _LEAVES.get(plain):
        return leaf, True
    return _PARTS.get(name) or _PARTS.get(plain) or _reader(plain), False


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


# Parts ----------------------------------------------------------------------------------------------------------------


def _members(kind: type[Any]) -> _Read:
    bits = _ByTag({member.name: 1 << member for member in kind})

    @cache
    def chosen(mask: int) -> tuple[Any, ...] | None:
        return tuple(member for member in kind if mask >> member & 1) or None

    def read(element: etree._Element) -> tuple[Any, ...] | None:
        mask = 0
        for child in element:
            bit = bits[child.tag]
            if bit is None:
                raise TaskXmlError(f"is not a {kind.__name__}", element=_path(child))
            mask |= bit
        return chosen(mask)

    return read


def _numbers(most: int) -> _Read:
    number_of = remembered(partial(or_last, most=most))

    def read(element: etree._Element) -> tuple[OrLast, ...] | None:
        numbers = set()
        for child in element:
            try:
                numbers.add(number_of(_text(child)))
            except ValueError as error:
                raise TaskXmlError(str(error), element=_path(child), text=_text(child)) from None
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


def _repetition(element: etree._Element) -> model.Repetition | None:
    values = _reader(model.Repetition, dict)(element)
    if values.get("interval") is None:
        return None
    if values["interval"].is_zero:
        raise TaskXmlError("leaves no time between two starts", element=_path(element) + "/Interval")
    return model.Repetition(**values)


_SCHEDULES = get_args(model.Schedule)
_SCHEDULE_NAMES = {kind.__name__ for kind in _SCHEDULES}
_TRIGGERS = _ByTag({name: kind for name, kind in vars(model).items() if re.fullmatch(r"(?!Unknown)\w+Trigger", name)})
_ACTIONS = _ByTag(
    {
        "Exec": model.ExecAction,
        "ComHandler": model.ComHandlerAction,
        "SendEmail": model.SendEmailAction,
        "ShowMessage": model.ShowMessageAction,
    }
)


def _trigger(element: etree._Element) -> Any:
    cls, kinds = _TRIGGERS[element.tag], []
    if cls is model.CalendarTrigger:
        names = [_local(child) for child in element if "ScheduleBy" in child.tag]
        kinds = [name for name in names if name.startswith("ScheduleBy")]
        cls = cls if len(kinds) == 1 and kinds[0] in _SCHEDULE_NAMES else None
    if cls is None:
        return _reader(model.Trigger, model.UnknownTrigger)(element, name="/".join([_local(element), *kinds]))
    return _read(cls, element)


def _action(element: etree._Element) -> Any:
    cls = _ACTIONS[element.tag]
    return _read(cls, element) if cls else model.UnknownAction(id=element.get("id", ""), name=_local(element))


def _each(read: _Read) -> _Read:
    return lambda element: tuple([read(child) for child in element[:]])


def _alike(read: _Read) -> _Read:
    """The same function, but equal elements are read once and share the result, as long as they are few and short."""
    results: dict[str, Any] = {}

    def read_once(element: etree._Element) -> Any:
        if len(results) >= 1024:  # to compare costs a third of reading, for nothing where they are all different
            return read(element)
        xml = etree.tostring(element, encoding="unicode", with_tail=False)
        if len(xml) > 4096:
            return read(element)
        if xml not in results:
            results[xml] = read(element)
        return results[xml]

    return read_once


# spellings that snake_case does not give back; [MS-TSCH] 2.5.3.6 has "Occurrences", the other costs nothing
_XML_NAMES = {
    "uri": ("URI",),
    "from_": ("From",),
    "number_of_occurrences": ("NumberOfOccurrences", "NumberOfOccurences"),
}
# by the type of a field, or by its name
_LEAVES: dict[Any, Callable[[str], Any]] = {
    str: str.strip,
    bool: remembered(boolean),
    int: remembered(integer),
    datetime: date_time,
    Duration: remembered(duration),
    "days_interval": remembered(interval),
    "weeks_interval": remembered(interval),
}
_PARTS: dict[Any, _Read] = {
    model.Settings: _alike(partial(_read, model.Settings)),
    model.Repetition: _repetition,
    tuple[str, ...]: _each(_text),
    tuple[tuple[str, str], ...]: _named_texts,
    tuple[model.DayOfWeek, ...]: _members(model.DayOfWeek),
    tuple[model.Month, ...]: _members(model.Month),
    tuple[model.Trigger, ...]: _each(_trigger),
    tuple[model.Action, ...]: _each(_action),
    tuple[model.Principal, ...]: _alike(_each(partial(_read, model.Principal))),
    "days_of_month": _numbers(31),
    "weeks": _numbers(4),
}
