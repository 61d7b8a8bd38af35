r"""Describe what differs between two definitions of a task.

Meanings are compared: encoding, the order of elements and of triggers, and defaults that one of them writes out make no
difference. Arguments are shown masked; other texts are masked by the code that shows them.

>>> from taskanalysis.definition import ExecAction
>>> before = TaskDefinition(actions=(ExecAction(command="load.bat"),))
>>> differences(before, TaskDefinition(actions=(ExecAction(command="load.exe"),)))
['command from load.bat to load.exe']
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from typing import Any

from taskanalysis.definition.duration import Duration
from taskanalysis.definition.model import Action, ExecAction, Principal, TaskDefinition, Trigger, type_name
from taskanalysis.definition.words import describe
from taskanalysis.text import clip, listed, mask_arguments

MOST = 120  # characters of a value
_NOTHING = "nothing"


def differences(before: TaskDefinition, after: TaskDefinition) -> list[str]:
    """List each difference as a short phrase, the most important first; empty where both mean the same.

    >>> from taskanalysis.definition.model import BootTrigger
    >>> boot = BootTrigger()
    >>> differences(TaskDefinition(triggers=(boot,)), TaskDefinition(triggers=(replace(boot, enabled=False),)))
    ['trigger 1 disabled']
    """
    return [
        *_switched("task", before.settings.enabled, after.settings.enabled),
        *_triggers(before.triggers, after.triggers),
        *_actions(before.actions, after.actions),
        *_principals(before, after),
        *_fields(before.settings, after.settings, skip=("enabled",)),
        *_fields(before.registration_info, after.registration_info, names=_REGISTRATION),
        *_value("version of the task format", before.version, after.version),
        *_value("data", before.data, after.data),
    ]


def changed_fields(before: TaskDefinition, after: TaskDefinition) -> list[str]:
    """List the parts that differ by their names in `TaskDefinition`; empty where `differences` lists nothing.

    >>> changed_fields(TaskDefinition(), TaskDefinition(version="1.4", actions=(ExecAction(command="load.exe"),)))
    ['actions', 'version']
    """
    triggers, actions = (before.triggers, after.triggers), (before.actions, after.actions)
    names = ["triggers"] * bool(_missing(*triggers) or _missing(*reversed(triggers)))
    for old, new in zip(*actions, strict=False):
        names += _differing("actions", old, new) if type(old) is type(new) else ["actions"]
    names += ["actions"] * (len(actions[0]) != len(actions[1]))
    names += _differing("principals", before.principal, after.principal)
    names += ["principals"] * (_others(before) != _others(after))
    names += _differing("settings", before.settings, after.settings)
    names += _differing("registration_info", before.registration_info, after.registration_info)
    names += [name for name in ("context", "version", "data") if getattr(before, name) != getattr(after, name)]
    return list(dict.fromkeys(names))


def _differing(part: str, before: Any, after: Any) -> list[str]:
    names = [field.name for field in fields(before) if getattr(before, field.name) != getattr(after, field.name)]
    return [f"{part}.{name.strip('_')}" for name in names]


_REGISTRATION = {
    "date": "registration date",
    "source": "registered by program",
    "version": "version in its registration",
}


def _switched(what: str, before: bool, after: bool) -> list[str]:
    return [] if before == after else [f"{what} {'enabled' if after else 'disabled'}"]


# Triggers -------------------------------------------------------------------------------------------------------------


def _triggers(before: Sequence[Trigger], after: Sequence[Trigger]) -> Iterator[str]:
    """Triggers that are in both, at any position, are equal; of the rest, those at the same position are paired."""
    olds, news = _missing(before, after), _missing(after, before)
    single = len(before) == len(after) == 1
    pairs = _pairs(olds, news)
    for old, new in pairs:
        yield from _trigger("schedule" if single else f"trigger {new + 1}", before[old], after[new], new + 1)
    for old in sorted({*olds} - {old for old, _ in pairs}):
        yield f"trigger {old + 1} removed: {_shown(describe(before[old]))}"
    for new in sorted({*news} - {new for _, new in pairs}):
        yield f"trigger {new + 1} added: {_shown(describe(after[new]))}"


def _missing(triggers: Sequence[Trigger], others: Sequence[Trigger]) -> list[int]:
    """Indexes of triggers missing from the other list, counting duplicates."""
    left = list(others)
    indexes = []
    for index, trigger in enumerate(triggers):
        if trigger in left:
            left.remove(trigger)
        else:
            indexes.append(index)
    return indexes


def _pairs(olds: Sequence[int], news: Sequence[int]) -> list[tuple[int, int]]:
    """Pair equal indexes, then the rest in their order."""
    both = [index for index in olds if index in news]
    others = [[index for index in indexes if index not in both] for indexes in (olds, news)]
    return sorted([*zip(both, both, strict=True), *zip(*others, strict=False)], key=lambda pair: pair[1])


def _trigger(label: str, before: Trigger, after: Trigger, number: int) -> Iterator[str]:
    yield from _switched(f"trigger {number}", before.enabled, after.enabled)
    before, after = replace(before, enabled=True), replace(after, enabled=True)
    if before == after:
        return
    words = describe(before), describe(after)
    if words[0] != words[1]:
        yield f"{label}: from {_shown(words[0])} to {_shown(words[1])}"
    elif type_name(before) == type_name(after):
        yield from (f"trigger {number}: {phrase}" for phrase in _fields(before, after))
    else:
        yield f"trigger {number}: type from {type_name(before)} to {type_name(after)}"


# Actions --------------------------------------------------------------------------------------------------------------


def _actions(before: Sequence[Action], after: Sequence[Action]) -> Iterator[str]:
    """Actions run in order, so each is compared with the one at its position."""
    several = max(len(before), len(after)) > 1
    for number, (old, new) in enumerate(zip(before, after, strict=False), 1):
        which = f"action {number}: " if several else ""
        if type(old) is not type(new):
            yield f"{which}action from {_action(old)} to {_action(new)}"
            continue
        skip = ("arguments",) if isinstance(old, ExecAction) else ()
        yield from (which + phrase for phrase in _fields(old, new, skip=skip))
        if isinstance(old, ExecAction) and isinstance(new, ExecAction) and old.arguments != new.arguments:
            masked = [mask_arguments(action.command, action.arguments) for action in (old, new)]
            yield which + ("".join(_value("arguments", *masked)) or "arguments changed in a masked value")
    for number, old in list(enumerate(before, 1))[len(after) :]:
        yield f"action {number} removed: {_action(old)}"
    for number, new in list(enumerate(after, 1))[len(before) :]:
        yield f"action {number} added: {_action(new)}"


def _action(action: Action) -> str:
    if isinstance(action, ExecAction):
        return _shown(action.line)
    return type(action).__name__


# Principals -----------------------------------------------------------------------------------------------------------


def _principals(before: TaskDefinition, after: TaskDefinition) -> Iterator[str]:
    """The principal that the task runs as in detail; that others, or the names of principals, changed."""
    old, new = before.principal, after.principal
    if old.account != new.account:
        yield f"runs as {new.account or _NOTHING} instead of {old.account or _NOTHING}"
        yield from _fields(old, new, skip=("id", "user_id", "group_id"))
    else:
        yield from _fields(old, new, skip=("id",))
    yield from _value("name of the principal", old.id, new.id)
    yield from _value("context", before.context, after.context)
    if _others(before) != _others(after):
        yield "other principals changed"


def _others(definition: TaskDefinition) -> list[Principal]:
    used = definition.principal
    return sorted((principal for principal in definition.principals if principal != used), key=repr)


# Fields ---------------------------------------------------------------------------------------------------------------


def _fields(before: Any, after: Any, *, skip: Sequence[str] = (), names: dict[str, str] | None = None) -> Iterator[str]:
    """Fields that differ between two dataclasses of one type, including those of nested dataclasses."""
    for field in fields(before):
        values = getattr(before, field.name), getattr(after, field.name)
        if field.name in skip or values[0] == values[1]:
            continue
        label = (names or {}).get(field.name) or field.name.strip("_").replace("_", " ")
        nested = is_dataclass(values[0]) and not isinstance(values[0], Duration)
        if nested and type(values[0]) is type(values[1]):
            yield from (f"{label}: {phrase}" for phrase in _fields(*values))
        else:
            yield from _value(label, *values)


def _value(label: str, before: object, after: object) -> Iterator[str]:
    if before == after:
        return
    shown = _shown(before), _shown(after)
    yield f"{label} changed" if shown[0] == shown[1] else f"{label} from {shown[0]} to {shown[1]}"


def _shown(value: object) -> str:
    """A value in words, cut where it is long."""
    if value is None or value in ("", ()):
        return _NOTHING
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Duration | datetime):
        return value.words() if isinstance(value, Duration) else value.isoformat(" ")
    if isinstance(value, tuple):
        return clip(listed([" = ".join(part) if isinstance(part, tuple) else _shown(part) for part in value]), MOST)
    if is_dataclass(value):
        parts = [f"{field.name.replace('_', ' ')} {_shown(getattr(value, field.name))}" for field in fields(value)]
        return clip(", ".join(parts), MOST)
    return clip(str(value), MOST)
