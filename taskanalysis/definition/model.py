"""What a task definition says: registration, principals, triggers, settings and actions, in the schema's words.

Authority: [MS-TSCH] 2.5 and the Task Scheduler schema; `WnfStateChangeTrigger` is undocumented. The dataclasses are the
schema: a field `run_only_if_idle` is the element ``RunOnlyIfIdle``, its default is Windows' default, and its type tells
`reader` how the text is read. No XML here and no dates computed; `words` describes a definition in English.

A boundary is a datetime. A naive one is wall-clock time of the server; an aware one was written with an offset or `Z`
and is a fixed instant, which drifts an hour against local time over DST (`ITrigger::put_StartBoundary`).

>>> TaskDefinition(actions=(ExecAction(command="robocopy.exe"),)).settings.multiple_instances_policy
'IgnoreNew'
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final, Literal

from taskanalysis.definition.accounts import SERVICES, service_sid
from taskanalysis.definition.duration import Duration
from taskanalysis.text import Brief, brief, count, mask_arguments, program_name, small_table

# Triggers -------------------------------------------------------------------------------------------------------------

LAST: Final = "Last"
OrLast = int | Literal["Last"]


class DayOfWeek(IntEnum):
    """Numbered as `datetime.weekday` does."""

    Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday = range(7)


class Month(IntEnum):
    """Numbered as `datetime.month` is."""

    January, February, March, April, May, June = range(1, 7)
    July, August, September, October, November, December = range(7, 13)


@dataclass(frozen=True, slots=True)
class Repetition:
    """Start again every `interval` for `duration` (None: indefinitely); [MS-TSCH] 2.5.3.1."""

    interval: Duration
    duration: Duration | None = None
    stop_at_duration_end: bool = False

    @property
    def is_too_short(self) -> bool:
        """Whether the interval is under a minute, which files can hold and Windows refuses ([MS-TSCH] 2.5.3.1).

        >>> Repetition(Duration.parse("PT59S")).is_too_short, Repetition(Duration.parse("PT1M")).is_too_short
        (True, False)
        """
        interval = self.interval
        return not interval.is_zero and not interval.months and interval.delta < timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ScheduleByDay:
    """Every `days_interval` days, counted from the start boundary."""

    days_interval: int = 1


@dataclass(frozen=True, slots=True)
class ScheduleByWeek:
    """On these weekdays, every `weeks_interval` weeks."""

    days_of_week: tuple[DayOfWeek, ...] = ()
    weeks_interval: int = 1


@dataclass(frozen=True, slots=True)
class ScheduleByMonth:
    """On these days (1..31 or `LAST`) of these months."""

    days_of_month: tuple[OrLast, ...] = ()
    months: tuple[Month, ...] = tuple(Month)


@dataclass(frozen=True, slots=True)
class ScheduleByMonthDayOfWeek:
    """On these weekdays of these weeks (1..4 or `LAST`) of these months.

    Weeks that the XML leaves out are read as all five; what Windows does then is unconfirmed.
    """

    days_of_week: tuple[DayOfWeek, ...] = ()
    weeks: tuple[OrLast, ...] = (1, 2, 3, 4, LAST)
    months: tuple[Month, ...] = tuple(Month)


Schedule = ScheduleByDay | ScheduleByWeek | ScheduleByMonth | ScheduleByMonthDayOfWeek


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Trigger(Brief):
    """What every trigger type has."""

    id: str = ""
    enabled: bool = True
    start_boundary: datetime | None = None
    end_boundary: datetime | None = None
    execution_time_limit: Duration | None = None
    repetition: Repetition | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class BootTrigger(Trigger):
    """At start-up of the server."""

    delay: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RegistrationTrigger(Trigger):
    """When the task is registered, that is created or changed."""

    delay: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class IdleTrigger(Trigger):
    """When the server has become idle."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TimeTrigger(Trigger):
    """Once at the start boundary; with a repetition, from then on."""

    random_delay: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class EventTrigger(Trigger):
    """When an event that `subscription` (a QueryList, as text) selects is logged."""

    subscription: str = ""
    delay: Duration | None = None
    period_of_occurrence: Duration | None = None
    number_of_occurrences: int = 1
    matching_element: str = ""
    value_queries: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class LogonTrigger(Trigger):
    """When `user_id` logs on, any user where it is empty."""

    user_id: str = ""
    delay: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SessionStateChangeTrigger(Trigger):
    """When a session of `user_id` (empty: of anyone) is locked, unlocked, connected or disconnected."""

    state_change: str = ""
    user_id: str = ""
    delay: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CalendarTrigger(Trigger):
    """By day, week, month, or day of week in a month."""

    schedule: Schedule
    random_delay: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class WnfStateChangeTrigger(Trigger):
    """When Windows publishes a change of an internal state (Windows Notification Facility); undocumented."""

    state_name: str = ""
    data: str = ""
    data_offset: str = ""
    delay: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class UnknownTrigger(Trigger):
    """A trigger of a type that this program does not know, kept by the name of its element."""

    name: str


def type_name(trigger: Trigger) -> str:
    """The type of a trigger as its element is called; a CalendarTrigger's with the name of its schedule.

    >>> type_name(CalendarTrigger(schedule=ScheduleByDay()))
    'CalendarTrigger/ScheduleByDay'
    """
    if isinstance(trigger, UnknownTrigger):
        return trigger.name
    name = type(trigger).__name__
    return f"{name}/{type(trigger.schedule).__name__}" if isinstance(trigger, CalendarTrigger) else name


# Registration and principals ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class RegistrationInfo(Brief):
    """Who wrote the task, when and why. `date` is naive where it was written without offset."""

    uri: str = ""
    author: str = ""
    date: datetime | None = None
    description: str = ""
    documentation: str = ""
    source: str = ""
    version: str = ""
    security_descriptor: str = ""


# well-known SIDs (Windows protocols, [MS-DTYP] 2.4.2.4)
_GROUPS = {
    "S-1-1-0": "Everyone",
    "S-1-5-4": "INTERACTIVE",
    "S-1-5-11": "Authenticated Users",
    "S-1-5-32-544": "Administrators",
    "S-1-5-32-545": "Users",
}


@dataclass(frozen=True, slots=True, repr=False)
class Principal(Brief):
    """The account a task runs as: a user or a group, by name or SID."""

    id: str = ""
    user_id: str = ""
    group_id: str = ""
    logon_type: str = ""
    run_level: str = "LeastPrivilege"
    display_name: str = ""
    process_token_sid_type: str = ""
    required_privileges: tuple[str, ...] = ()

    @property
    def account(self) -> str:
        r"""The user or group, well-known SIDs by name; "" where the definition names none.

        >>> Principal(user_id="S-1-5-18").account, Principal(user_id="TOWN\\svc-gis").account
        ('SYSTEM', 'TOWN\\svc-gis')
        """
        return self.service or self.user_id or _GROUPS.get(self.group_id, self.group_id)

    @property
    def service(self) -> str:
        """The service account that this is, such as SYSTEM, by its English name; "" for any other account."""
        return SERVICES.get(service_sid(self.user_id), "")

    @property
    def is_service(self) -> bool:
        """Whether this is SYSTEM, LOCAL SERVICE or NETWORK SERVICE, by SID or by its name in any language."""
        return bool(self.service)

    @property
    def needs_password(self) -> bool:
        r"""Whether registering the task takes a password: not for managed (`name$`), S4U and service accounts.

        >>> Principal(user_id="TOWN\\etl", logon_type="Password").needs_password
        True
        """
        stored = self.logon_type in ("Password", "InteractiveTokenOrPassword")
        return stored and not self.user_id.endswith("$") and not self.is_service


# Settings -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IdleSettings:
    """What counts as idle."""

    duration: Duration | None = None
    wait_timeout: Duration | None = None
    stop_on_idle_end: bool = True
    restart_on_idle: bool = False


@dataclass(frozen=True, slots=True)
class MaintenanceSettings:
    """Windows starts such a task itself during automatic maintenance, about every `period`."""

    period: Duration | None = None
    deadline: Duration | None = None
    exclusive: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class NetworkSettings(Brief):
    """The network profile that must be connected; `id` is an element here, not an attribute."""

    name: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class RestartOnFailure:
    """Tries again when a *start* failed; a program that ends with an error is not retried ([MS-TSCH] 2.5.4.2)."""

    interval: Duration | None = None
    count: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class Settings(Brief):
    """When and how the task may run. `execution_time_limit` None is "not written" (72 hours by default)."""

    enabled: bool = True
    hidden: bool = False
    execution_time_limit: Duration | None = None
    multiple_instances_policy: str = "IgnoreNew"
    priority: int = 7
    restart_on_failure: RestartOnFailure | None = None
    start_when_available: bool = False
    allow_start_on_demand: bool = True
    allow_hard_terminate: bool = True
    delete_expired_task_after: Duration | None = None
    disallow_start_if_on_batteries: bool = True
    stop_if_going_on_batteries: bool = True
    disallow_start_on_remote_app_session: bool = False
    run_only_if_idle: bool = False
    idle_settings: IdleSettings = IdleSettings()
    run_only_if_network_available: bool = False
    network_profile_name: str = ""
    network_settings: NetworkSettings | None = None
    maintenance_settings: MaintenanceSettings | None = None
    wake_to_run: bool = False
    use_unified_scheduling_engine: bool = False
    volatile: bool = False


# Actions --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class Action(Brief):
    """What every action type has."""

    id: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class ExecAction(Action):
    """Starts a program."""

    command: str = ""
    arguments: str = ""
    working_directory: str = ""
    hide_app_window: bool = False

    def __repr__(self) -> str:
        return brief("ExecAction", self.line)

    @property
    def line(self) -> str:
        """The command line with its arguments masked as the program takes them."""
        return f"{self.command} {mask_arguments(self.command, self.arguments)}".strip()

    @property
    def program(self) -> str:
        """The program's file name in lower case, without folder and ``.exe``."""
        return program_name(self.command)


@dataclass(frozen=True, slots=True, repr=False)
class ComHandlerAction(Action):
    """Calls a COM class."""

    class_id: str = ""
    data: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class SendEmailAction(Action):
    """Sends a mail (deprecated by Windows, still found)."""

    server: str = ""
    subject: str = ""
    to: str = ""
    cc: str = ""
    bcc: str = ""
    reply_to: str = ""
    from_: str = ""
    header_fields: tuple[tuple[str, str], ...] = ()
    body: str = ""
    attachments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class ShowMessageAction(Action):
    """Shows a message box (deprecated by Windows, still found)."""

    title: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class UnknownAction(Action):
    """An action of a type that this program does not know, kept by the name of its element."""

    name: str = ""


# The task -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """One task as its XML says it: `version` "" where it has none, `context` the `id` of the principal to run as."""

    version: str = ""
    registration_info: RegistrationInfo = RegistrationInfo()
    triggers: tuple[Trigger, ...] = ()
    principals: tuple[Principal, ...] = ()
    settings: Settings = Settings()
    actions: tuple[Action, ...] = ()
    context: str = ""
    data: str = ""

    def __repr__(self) -> str:
        r"""One line, masked: task path, schedule, program and account.

        >>> TaskDefinition(actions=(ExecAction(command="load.bat", arguments="--password S3cret"),))
        <TaskDefinition: Only when started by hand, runs load.bat --password ***>
        """
        account = f"as {self.principal.account}" if self.principal.account else ""
        runs = [f"runs {line}" for line in self._lines[:1]] + [f"and {count(len(self._lines) - 1, 'more action')}"]
        return brief("TaskDefinition", self.uri, self._schedule, *runs[: len(self._lines)], account)

    def _repr_html_(self) -> str:
        """A small table of the same, with all actions."""
        rows = [("schedule", self._schedule), *(("runs", line) for line in self._lines)]
        return small_table(self.uri or "Task", [*rows, ("account", self.principal.account or "not written")])

    @property
    def _schedule(self) -> str:
        from taskanalysis.definition.words import describe  # noqa: PLC0415 (it stands on this module)

        return describe(self)

    @property
    def _lines(self) -> list[str]:
        """Each action as text, arguments masked as the program takes them."""
        return [action.line if isinstance(action, ExecAction) else type(action).__name__ for action in self.actions]

    @property
    def uri(self) -> str:
        r"""The task path that the XML claims; it may differ from where the task lies."""
        return self.registration_info.uri

    @property
    def principal(self) -> Principal:
        """The principal that the actions name, else the first, else an empty one."""
        named = [principal for principal in self.principals if principal.id == self.context]
        return next(iter(named or self.principals), Principal())

    @property
    def programs(self) -> tuple[ExecAction, ...]:
        """The actions that start a program, in order."""
        return tuple(action for action in self.actions if isinstance(action, ExecAction))

    @property
    def command_lines(self) -> list[tuple[str, str]]:
        """Command and arguments of each program, in order."""
        return [(action.command, action.arguments) for action in self.programs]
