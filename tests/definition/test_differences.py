"""Differences of definitions: every field counts, and what means the same is none."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args, get_type_hints

import pytest

from taskanalysis.definition import model
from taskanalysis.definition.differences import changed_fields, differences
from taskanalysis.definition.duration import Duration
from taskanalysis.definition.model import (
    Action,
    BootTrigger,
    CalendarTrigger,
    ComHandlerAction,
    DayOfWeek,
    ExecAction,
    IdleSettings,
    LogonTrigger,
    Principal,
    RegistrationInfo,
    ScheduleByDay,
    ScheduleByWeek,
    Settings,
    TaskDefinition,
    TimeTrigger,
    Trigger,
)
from taskanalysis.definition.reader import read_task

SIX = datetime(2026, 11, 23, 6)
DAILY = CalendarTrigger(start_boundary=SIX, schedule=ScheduleByDay())
WEEKLY = CalendarTrigger(start_boundary=SIX, schedule=ScheduleByWeek(days_of_week=(DayOfWeek.Monday,)))
BOOT, LOGON = BootTrigger(), LogonTrigger(user_id="TOWN\\ann")


def task(*given: Trigger | Action | Principal, **more: Any) -> TaskDefinition:
    kinds = {"triggers": Trigger, "actions": Action, "principals": Principal}
    parts = {name: tuple(each for each in given if isinstance(each, kind)) for name, kind in kinds.items()}
    return TaskDefinition(**parts, **more)


def run(command: str = "load.exe", arguments: str = "", **more: Any) -> ExecAction:
    return ExecAction(command=command, arguments=arguments, **more)


SAYS = [
    (task(), task(settings=Settings(enabled=False)), "task disabled"),
    (task(DAILY), task(replace(DAILY, enabled=False)), "trigger 1 disabled"),
    (task(BOOT, replace(DAILY, enabled=False)), task(BOOT, DAILY), "trigger 2 enabled"),
    (task(DAILY), task(WEEKLY), "schedule: from At 06:00 every day to At 06:00 on Monday"),
    (task(BOOT, DAILY), task(BOOT, WEEKLY), "trigger 2: from At 06:00 every day to At 06:00 on Monday"),
    (task(BOOT), task(BOOT, DAILY), "trigger 2 added: At 06:00 every day"),
    (task(DAILY, BOOT), task(BOOT), "trigger 1 removed: At 06:00 every day"),
    (task(DAILY, DAILY), task(DAILY), "trigger 2 removed: At 06:00 every day"),
    (
        task(DAILY),
        task(replace(WEEKLY, enabled=False)),
        "trigger 1 disabled | schedule: from At 06:00 every day to At 06:00 on Monday",
    ),
    (task(BOOT), task(replace(BOOT, id="a")), "trigger 1: id from nothing to a"),
    (task(run("a.bat")), task(run("b.exe")), "command from a.bat to b.exe"),
    (task(run()), task(run(working_directory="D:\\")), "working directory from nothing to D:\\"),
    (task(run(arguments="--a")), task(run(arguments="--b")), "arguments from --a to --b"),
    (task(run(arguments="--password x1")), task(run(arguments="--password y2")), "arguments changed in a masked value"),
    (
        task(run(), run("a")),
        task(run(), run("b", "--password y2 --now")),
        "action 2: command from a to b | action 2: arguments from nothing to --password *** --now",
    ),
    (task(run()), task(run(), run("b", "1")), "action 2 added: b 1"),
    (task(run(), run("b", "/p x")), task(run()), "action 2 removed: b /p x"),
    (task(run()), task(ComHandlerAction()), "action from load.exe to ComHandlerAction"),
    (task(Principal(user_id="A\\x")), task(Principal(user_id="A\\y")), "runs as A\\y instead of A\\x"),
    (
        task(Principal(user_id="A")),
        task(Principal(user_id="B", logon_type="S4U")),
        "runs as B instead of A | logon type from nothing to S4U",
    ),
    (task(), task(Principal(user_id="S-1-5-18")), "runs as SYSTEM instead of nothing"),
    (
        task(Principal(user_id="A")),
        task(Principal(user_id="A", run_level="HighestAvailable")),
        "run level from LeastPrivilege to HighestAvailable",
    ),
    (
        task(),
        task(settings=Settings(execution_time_limit=Duration.parse("PT2H"), start_when_available=True)),
        "execution time limit from nothing to 2 hours | start when available from off to on",
    ),
    (
        task(),
        task(settings=Settings(idle_settings=IdleSettings(restart_on_idle=True))),
        "idle settings: restart on idle from off to on",
    ),
    (
        task(),
        task(registration_info=RegistrationInfo(description="x" * 200)),
        f"description from nothing to {'x' * 119}…",
    ),
    (
        task(registration_info=RegistrationInfo(description="x" * 200)),
        task(registration_info=RegistrationInfo(description="x" * 201)),
        "description changed",
    ),
    (
        task(registration_info=RegistrationInfo(date=SIX)),
        task(registration_info=RegistrationInfo(version="2")),
        "registration date from 2026-11-23 06:00:00 to nothing | version in its registration from nothing to 2",
    ),
    (task(version="1.2"), task(version="1.4"), "version of the task format from 1.2 to 1.4"),
]


@pytest.mark.parametrize(
    ("before", "after", "says"), SAYS, ids=lambda value: value[:40] if isinstance(value, str) else ""
)
def test_difference_is_described(before: TaskDefinition, after: TaskDefinition, says: str) -> None:
    assert " | ".join(differences(before, after)) == says
    assert changed_fields(before, after)


@pytest.mark.parametrize(
    ("before", "after", "parts"),
    [
        (task(run("a", "x")), task(run("b", "y")), ["actions.command", "actions.arguments"]),
        (task(run("a"), run("b")), task(run("a")), ["actions"]),
        (task(run("a")), task(ComHandlerAction()), ["actions"]),
        (task(DAILY, BOOT), task(BOOT, WEEKLY), ["triggers"]),
        (task(DAILY, DAILY), task(DAILY), ["triggers"]),
        (task(Principal(user_id="a")), task(Principal(user_id="b", run_level="x")), ["user_id", "run_level"]),
        (task(Principal(id="a", user_id="a"), context="a"), task(Principal(id="b", user_id="a"), context="b"), ["id"]),
        (task(), task(settings=Settings(enabled=False, priority=1)), ["settings.enabled", "settings.priority"]),
        (task(), task(registration_info=RegistrationInfo(author="a")), ["registration_info.author"]),
        (task(), task(version="1.4", data="x"), ["version", "data"]),
    ],
)
def test_parts_that_differ_are_named(before: TaskDefinition, after: TaskDefinition, parts: list[str]) -> None:
    of_principal = [f"principals.{name}" if name in ("user_id", "run_level", "id") else name for name in parts]
    context = ["context"] * (before.context != after.context)
    assert changed_fields(before, after) == of_principal + context


# What means the same --------------------------------------------------------------------------------------------------

ONE = """<Task version="1.4" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
<Triggers><CalendarTrigger><StartBoundary>2026-11-23T06:00:00</StartBoundary>
<ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay></CalendarTrigger><BootTrigger/></Triggers>
<Settings><Enabled>true</Enabled><ExecutionTimeLimit>PT1H</ExecutionTimeLimit><Priority>7</Priority></Settings>
<Actions><Exec><Command>é.exe</Command></Exec></Actions></Task>"""
OTHER = """<?xml version="1.0"?><Task version="1.4"><Actions><Exec><Command>é.exe</Command></Exec></Actions>
<Settings><ExecutionTimeLimit>PT60M</ExecutionTimeLimit></Settings><Triggers><BootTrigger><Enabled>1</Enabled></BootTrigger>
<CalendarTrigger><ScheduleByDay/><StartBoundary>2026-11-23T06:00:00</StartBoundary></CalendarTrigger></Triggers></Task>"""


def test_encoding_order_and_defaults_make_no_difference() -> None:
    one, other = read_task(ONE.encode("utf-16")), read_task(OTHER.encode())
    assert differences(one, other) == changed_fields(one, other) == []


def test_boundary_at_the_same_instant_makes_no_difference_and_a_local_one_does() -> None:
    east = SIX.replace(tzinfo=timezone(timedelta(hours=-5)))
    utc = east.astimezone(UTC)
    assert differences(task(TimeTrigger(start_boundary=east)), task(TimeTrigger(start_boundary=utc))) == []
    assert len(differences(task(TimeTrigger(start_boundary=east)), task(TimeTrigger(start_boundary=SIX)))) == 1


def test_order_of_actions_is_a_difference() -> None:
    assert len(differences(task(run("a"), run("b")), task(run("b"), run("a")))) == 2


# Every field ----------------------------------------------------------------------------------------------------------


def other(value: Any, hint: Any) -> Any:
    """Another value of the same type."""
    if is_dataclass(value) and not isinstance(value, Duration):
        first = fields(value)[0].name
        return replace(value, **{first: other(getattr(value, first), get_type_hints(type(value))[first])})
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | str):
        return value + ("x" if isinstance(value, str) else 1)
    if isinstance(value, tuple):
        return next(wanted for text, wanted in TUPLES.items() if text in str(hint))
    wanted = next((each for each in get_args(hint) if each is not type(None)), hint)
    if wanted is Duration:
        return Duration(delta=timedelta(minutes=7))
    return SIX if wanted is datetime else made(wanted)


TUPLES = {
    "DayOfWeek": (DayOfWeek.Friday,),
    "Month": (model.Month.May,),
    "Last": (1,),
    "tuple[tuple": (("x", "y"),),
    "str": ("x",),
}


def made(kind: type) -> Any:
    """An object with nothing but what it must have."""
    needs = {"schedule": ScheduleByDay(), "name": "New", "interval": Duration(delta=timedelta(minutes=5))}
    required = {each.name for each in fields(kind) if each.default is each.default_factory}  # both missing
    return kind(**{name: needs[name] for name in required if name in needs})


def children(parent: type) -> list[type]:
    """The classes of the model that are of this kind."""
    kinds = [kind for kind in vars(model).values() if isinstance(kind, type)]
    return [kind for kind in kinds if issubclass(kind, parent) and kind is not parent]


def wraps() -> list[tuple[Any, Callable[[Any], TaskDefinition]]]:
    """Each object whose fields are to be walked, and what makes a definition of it."""
    found: list[tuple[Any, Callable[[Any], TaskDefinition]]] = [
        (RegistrationInfo(), lambda each: TaskDefinition(registration_info=each)),
        (Principal(), lambda each: TaskDefinition(principals=(each,))),
        (Settings(), lambda each: TaskDefinition(settings=each)),
    ]
    hints = get_type_hints(Settings)
    for name, hint in hints.items():
        inner = [kind for kind in (hint, *get_args(hint)) if is_dataclass(kind) and kind is not Duration]
        found += [(kind(), lambda each, name=name: TaskDefinition(settings=Settings(**{name: each}))) for kind in inner]
    found += [(made(kind), lambda each: TaskDefinition(actions=(each,))) for kind in children(Action)]
    found += [(made(kind), lambda each: TaskDefinition(triggers=(each,))) for kind in children(Trigger)]
    schedules = [kind() for kind in get_args(model.Schedule)]
    found += [(each, lambda each: TaskDefinition(triggers=(replace(DAILY, schedule=each),))) for each in schedules]
    repetition = made(model.Repetition)
    found.append((repetition, lambda each: TaskDefinition(triggers=(replace(DAILY, repetition=each),))))
    return found


PLACES = [(each, field.name, wrap) for each, wrap in wraps() for field in fields(each)]
OF_THE_TASK = ["version", "context", "data"]


@pytest.mark.parametrize(
    ("whole", "name", "wrap"), PLACES, ids=[f"{type(each).__name__}.{name}" for each, name, _ in PLACES]
)
def test_every_field_that_differs_is_listed(whole: Any, name: str, wrap: Callable[[Any], TaskDefinition]) -> None:
    value = getattr(whole, name)
    changed = replace(whole, **{name: other(value, get_type_hints(type(whole))[name])})
    assert changed != whole
    says = differences(wrap(whole), wrap(changed))
    assert len(says) == 1
    assert not any("(" in each and "object at" in each for each in says)
    assert len(differences(wrap(changed), wrap(whole))) == 1
    assert len(changed_fields(wrap(whole), wrap(changed))) == 1


@pytest.mark.parametrize("name", OF_THE_TASK)
def test_every_text_of_the_task_itself_is_listed(name: str) -> None:
    assert len(differences(TaskDefinition(), TaskDefinition(**{name: "x"}))) == 1


def test_the_walk_leaves_out_no_field_of_a_task() -> None:
    walked = {"registration_info", "triggers", "principals", "settings", "actions"}
    assert {each.name for each in fields(TaskDefinition)} == walked | set(OF_THE_TASK)
    assert len(PLACES) > 130


def test_other_principals_and_names_are_listed() -> None:
    one, two = Principal(id="a", user_id="A"), Principal(id="b", user_id="B")
    assert differences(task(one, two), task(one)) == ["other principals changed"]
    assert changed_fields(task(one, two), task(one)) == ["principals"]
    assert differences(task(one, context="a"), task(replace(one, id="c"), context="c")) == [
        "name of the principal from a to c",
        "context from a to c",
    ]
