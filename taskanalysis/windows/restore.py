r"""A snapshot -> a server: first a plan that touches nothing, then the same plan carried out.

Authority: what Windows keeps outside a definition and so loses with it (passwords, access lists), and what it refuses,
are in [MS-TSCH] 3.2.5.4 and the pages on ITaskFolder::RegisterTask. Registration triggers never start a task here.

>>> [action.value for action in Action]
['create', 'replace', 'leave', 'refuse']
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from taskanalysis.definition import Principal, TaskDefinition, differences, read_task
from taskanalysis.errors import Problem, TaskXmlError
from taskanalysis.snapshot import Snapshot, Status, write_snapshot
from taskanalysis.windows.restorable import Wanted, encoded, read_wanted
from taskanalysis.windows.scheduler import LOGON_FAILURE, NONE_MAPPED, Scheduler, SchedulerError

__all__ = ["Action", "Plan", "Restored", "Step", "apply", "plan"]


class Action(Enum):
    """What is to be done with a task."""

    CREATE = "create"
    REPLACE = "replace"
    LEAVE = "leave"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Step:
    """One task of a plan. `why` says what differs from the task that is there, or why it can't be put back."""

    wanted: Wanted
    action: Action
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done, and what does not come back by itself.

    `passwords` maps each account whose password must be typed in to its tasks; `unknown` each account that the server
    does not know; `absent` each program or working directory that is not there. `problems` are files of the snapshot
    that could not be read, `left_out` counts tasks of Windows itself that were not asked for.
    """

    steps: tuple[Step, ...]
    problems: tuple[Problem, ...] = ()
    passwords: Mapping[str, list[str]] = field(default_factory=dict)
    unknown: Mapping[str, list[str]] = field(default_factory=dict)
    absent: Mapping[str, list[str]] = field(default_factory=dict)
    left_out: int = 0

    def of(self, *actions: Action) -> list[Step]:
        """The steps of these kinds."""
        return [step for step in self.steps if step.action in actions]


class Restored(NamedTuple):
    """What became of a task: ``created``, ``replaced``, ``left alone``, ``failed`` or ``not tried``, and the detail.

    `lost` is true where the connection was gone, so that the rest was not tried.
    """

    path: str
    result: str
    detail: str = ""
    lost: bool = False

    @property
    def failed(self) -> bool:
        """Whether it is not there as it should be."""
        return self.result in ("failed", "not tried")


# Planning -------------------------------------------------------------------------------------------------------------


def plan(
    snapshot: Snapshot,
    scheduler: Scheduler,
    *,
    folder: str = "",
    tasks: Sequence[str] = (),
    mapping: Mapping[str, str] | None = None,
    disabled: bool = False,
) -> Plan:
    """What it takes to have the tasks of a snapshot on a server; asks the server and changes nothing.

    `folder`, `tasks`, `mapping` and `disabled` as `read_wanted` has them. SnapshotError where the snapshot is damaged
    or has nothing of what is asked for; SchedulerError where the connection is lost.
    """
    found = read_wanted(snapshot, folder=folder, tasks=tasks, mapping=mapping, disabled=disabled)
    named = _listed(found.tasks, lambda wanted: wanted.accounts)
    unknown = {name: paths for name, paths in named.items() if _ask(scheduler.account_exists, name) is False}
    strangers = {name.casefold() for name in unknown}
    steps = tuple(_step(wanted, scheduler, strangers) for wanted in found.tasks)
    coming = [step.wanted for step in steps if step.action in (Action.CREATE, Action.REPLACE)]
    programs = _listed(coming, _programs)
    return Plan(
        steps,
        tuple(found.problems),
        _listed(coming, lambda wanted: [wanted.account] if wanted.asks_password else []),
        unknown,
        {name: paths for name, paths in programs.items() if _ask(scheduler.path_exists, name) is False},
        found.left_out,
    )


def _step(wanted: Wanted, scheduler: Scheduler, strangers: set[str]) -> Step:
    try:
        there = read_task(encoded(scheduler.xml(wanted.path)))
        why = _differences(there, wanted.expected)
        if not why:
            return Step(wanted, Action.LEAVE)
        step = Step(wanted, Action.REPLACE, tuple(why))
    except SchedulerError as error:
        if error.lost:
            raise
        if not error.vanished:
            return Step(wanted, Action.REFUSE, (f"the task that is there can't be read: {error.reason}",))
        step = Step(wanted, Action.CREATE)
    except TaskXmlError as error:
        step = Step(wanted, Action.REPLACE, (f"the definition that is there can't be read: {error}",))
    if wanted.account.casefold() in strangers:
        return Step(wanted, Action.REFUSE, (f"this server does not know the account {wanted.account}",))
    try:
        scheduler.validate(wanted.path, wanted.text)
    except SchedulerError as error:
        if error.lost:
            raise
        return Step(wanted, Action.REFUSE, (f"this Windows does not take it: {error.reason}",))
    return step


def _differences(there: TaskDefinition, wanted: TaskDefinition, *, trusted: bool = False) -> list[str]:
    """What differs in meaning; newer Windows writes the task's path into the URI, and spells accounts its own way.

    `trusted`: an account that was just handed over by name and reads back as a SID is that account.
    """
    principals = list(there.principals)
    for number, (old, new) in enumerate(zip(there.principals, wanted.principals, strict=False)):
        same = _spelled(old).casefold() == _spelled(new).casefold() or (trusted and _may_be_sid_of(old, new))
        principals[number] = replace(old, user_id=new.user_id) if same else old
    return differences(replace(_without_uri(there), principals=tuple(principals)), _without_uri(wanted))


def _without_uri(task: TaskDefinition) -> TaskDefinition:
    return replace(task, registration_info=replace(task.registration_info, uri=""))


def _spelled(principal: Principal) -> str:
    return principal.account if principal.is_service else principal.user_id


def _may_be_sid_of(there: Principal, wanted: Principal) -> bool:
    return there.user_id.startswith("S-1-5-21-") and not wanted.user_id.startswith("S-1-")


def _ask(question: Callable[[str], bool | None], name: str) -> bool | None:
    """The answer; what the server refuses to tell is not known."""
    try:
        return question(name)
    except SchedulerError as error:
        if error.lost:
            raise
        return None


def _listed(wanted: Sequence[Wanted], names: Callable[[Wanted], list[str]]) -> dict[str, list[str]]:
    """Name -> the tasks that have it, as first spelled: Windows compares without case."""
    found: dict[str, tuple[str, list[str]]] = {}
    for each in wanted:
        for name in names(each):
            found.setdefault(name.casefold(), (name, []))[1].append(each.path)
    return dict(sorted(found.values()))


def _programs(wanted: Wanted) -> list[str]:
    """Programs and working directories with a folder; where a bare name is found depends on the account."""
    named = wanted.task.programs
    paths = [text.strip().strip('"') for action in named for text in (action.command, action.working_directory)]
    return list(dict.fromkeys(path for path in paths if "\\" in path or "/" in path))


# Doing it -------------------------------------------------------------------------------------------------------------


def apply(
    planned: Plan,
    scheduler: Scheduler,
    passwords: Mapping[str, str],
    *,
    saved_in: Path | None = None,
    server: str = "",
    now: datetime | None = None,
    say: Callable[[Restored], None] = lambda _: None,
) -> list[Restored]:
    """Carry a plan out, task by task, going on after a failure; what becomes of each, in the order of the plan.

    `passwords` maps account to password; an account that has none, or whose password was refused once, is not tried:
    each further try would bring it nearer to being locked. What is replaced is first saved as a snapshot of `server` at
    `now` in the share `saved_in`, all of it before anything is changed. `say` is told each result as it comes.

    SnapshotError or OSError where it can't be saved: nothing is changed then. Where the connection is lost, the tasks
    that are left are "not tried".
    """
    if saved_in and now and (replaced := planned.of(Action.REPLACE)):
        _save([step.wanted.path for step in replaced], scheduler, saved_in, server, now)
    doing = _Doing(scheduler, {name.casefold(): password for name, password in passwords.items()})
    results = []
    for step in planned.steps:
        results.append(doing.one(step))
        say(results[-1])
    return results


def _save(paths: Sequence[str], scheduler: Scheduler, share: Path, server: str, now: datetime) -> None:
    definitions: dict[str, bytes] = {}
    for path in paths:
        try:
            definitions[path] = encoded(scheduler.xml(path))
        except SchedulerError as error:
            if not error.vanished:
                raise
    if definitions:
        write_snapshot(
            share,
            server=server,
            taken_at=now,
            zone=scheduler.zone(),
            statuses=[_status(path, scheduler) for path in definitions],
            definitions=definitions,
            folders=sorted({path.rpartition("\\")[0] or "\\" for path in definitions}),
            windows=scheduler.windows_version(),
            elevated=scheduler.is_elevated(),
            sddl={path: sddl for path in definitions if (sddl := _access_list(path, scheduler))},
        )


def _access_list(path: str, scheduler: Scheduler) -> str:
    with suppress(SchedulerError):
        return scheduler.sddl(path)
    return ""


def _status(path: str, scheduler: Scheduler) -> Status:
    with suppress(SchedulerError):  # the definition is what counts here
        return scheduler.status(path)[0]
    return Status(path)


@dataclass(slots=True)
class _Doing:
    """What is known while a plan is carried out."""

    scheduler: Scheduler
    passwords: Mapping[str, str]
    refused: set[str] = field(default_factory=set)
    lost: bool = False

    def one(self, step: Step) -> Restored:
        """Do one step."""
        if settled := self._without_trying(step):
            return settled
        wanted = step.wanted
        replacing = step.action is Action.REPLACE
        try:
            if wanted.folder != "\\":  # the root is there, and no name to create
                self.scheduler.create_folder(wanted.folder)
            detail = self._register(wanted, replacing)
            wrong = self._read_back(wanted)
        except SchedulerError as error:
            self.lost = error.lost
            if error.code == LOGON_FAILURE:
                self.refused.add(wanted.account.casefold())
            return Restored(wanted.path, "failed", error.reason, error.lost)
        except TaskXmlError as error:
            return Restored(wanted.path, "failed", f"what was registered can't be read back: {error}")
        if wrong:
            return Restored(wanted.path, "failed", f"it is registered, and differs: {'; '.join(wrong)}")
        return Restored(wanted.path, "replaced" if replacing else "created", detail)

    def _without_trying(self, step: Step) -> Restored | None:
        """What becomes of a step that Windows is not asked for."""
        path, who = step.wanted.path, step.wanted.account
        if step.action is Action.LEAVE:
            return Restored(path, "left alone")
        if step.action is Action.REFUSE:
            return Restored(path, "failed", step.why[0])
        if self.lost:
            return Restored(path, "not tried", "the connection was lost", lost=True)
        if step.wanted.asks_password and not self.passwords.get(who.casefold()):
            return Restored(path, "not tried", f"no password was given for {who}")
        if step.wanted.asks_password and who.casefold() in self.refused:
            return Restored(path, "not tried", f"the password of {who} was refused")
        return None

    def _register(self, wanted: Wanted, replacing: bool) -> str:
        """Register it; what is lost of its access list, in words."""
        sddl = wanted.sddl
        if replacing and not sddl:
            sddl = _access_list(wanted.path, self.scheduler)  # it keeps the one that it has
        try:
            self._hand_over(wanted, sddl, replacing)
        except SchedulerError as error:
            if not sddl or error.lost or error.code in (LOGON_FAILURE, NONE_MAPPED):
                raise
            self._hand_over(wanted, "", replacing)
            return f"its access list is lost: {error.reason}"
        return ""

    def _hand_over(self, wanted: Wanted, sddl: str, replacing: bool) -> None:
        self.scheduler.register(
            wanted.path,
            wanted.text,
            account=wanted.logs_on_as,
            password=self.passwords[wanted.account.casefold()] if wanted.asks_password else None,
            logon_type=wanted.logon_type,
            sddl=sddl,
            replace=replacing,
        )

    def _read_back(self, wanted: Wanted) -> list[str]:
        """In what the task that is there now differs from the one that was to be put back."""
        there = read_task(encoded(self.scheduler.xml(wanted.path)))
        wrong = _differences(there, wanted.expected, trusted=True)
        if wrong:
            return wrong
        status, refused = self.scheduler.status(wanted.path)
        if "enabled" in refused:
            raise refused["enabled"]
        return [] if status.enabled == wanted.enabled else ["disabled" if wanted.enabled else "enabled"]
