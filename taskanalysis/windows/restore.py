r"""Restore a snapshot to a server: first a plan that changes nothing, then the plan carried out.

Authority: [MS-TSCH] 3.2.5.4 and the pages on ITaskFolder::RegisterTask for what Windows refuses and what it keeps
outside a definition (passwords, access lists). Registration triggers never start a task here.

>>> [action.value for action in Action]
['create', 'replace', 'leave', 'refuse']
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from functools import partial
from pathlib import Path
from typing import NamedTuple

from taskanalysis.definition import Principal, TaskDefinition, differences, read_task
from taskanalysis.errors import Problem, TaskXmlError
from taskanalysis.snapshot import Needs, Snapshot, accounts_of, names_of, not_in_backup, write_snapshot
from taskanalysis.windows.collect import read_tasks
from taskanalysis.windows.paper import Paper
from taskanalysis.windows.restorable import Wanted, encoded, read_wanted
from taskanalysis.windows.scheduler import LOGON_FAILURE, LOGON_MISSING, NONE_MAPPED, Scheduler, SchedulerError


class Action(Enum):
    """What the plan does with a task."""

    CREATE = "create"
    REPLACE = "replace"
    LEAVE = "leave"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Step:
    """One task of a plan. `why` says what differs from the existing task, or why it can't be restored."""

    wanted: Wanted
    action: Action
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps, and what is not restored automatically.

    `unknown` and `absent` map to their tasks: accounts that the server does not know, programs, scripts and working
    directories that do not exist. `needs` is what must be there, whatever the server says, with the accounts whose
    password is needed, and `undefined` are tasks that the backup lacks, with the reason. `problems` are files of the
    snapshot that could not be read; `left_out` counts the tasks of Windows itself, which must be named.
    """

    steps: tuple[Step, ...]
    problems: tuple[Problem, ...] = ()
    unknown: Mapping[str, list[str]] = field(default_factory=dict)
    absent: Mapping[str, list[str]] = field(default_factory=dict)
    left_out: int = 0
    needs: Needs = field(default_factory=Needs)
    undefined: Mapping[str, str] = field(default_factory=dict)

    def of(self, *actions: Action) -> list[Step]:
        """The steps of these kinds."""
        return [step for step in self.steps if step.action in actions]


class Restored(NamedTuple):
    """The result for a task: ``created``, ``replaced``, ``unchanged``, ``failed`` or ``not tried``, and the detail.

    `lost` is true where the connection was lost.
    """

    path: str
    result: str
    detail: str = ""
    lost: bool = False

    @property
    def failed(self) -> bool:
        """Whether the task was not restored."""
        return self.result in ("failed", "not tried")


# Planning -------------------------------------------------------------------------------------------------------------


def plan(
    snapshot: Snapshot,
    scheduler: Scheduler | Paper,
    *,
    folder: str = "",
    tasks: Sequence[str] = (),
    mapping: Mapping[str, str] | None = None,
    disabled: bool = False,
) -> Plan:
    """Plan the restore of a snapshot's tasks to a server, or on paper; only reads from the server.

    `folder`, `tasks`, `mapping` and `disabled` as in `read_wanted`. SnapshotError where the snapshot is damaged or does
    not hold what is asked for; SchedulerError where the connection is lost.
    """
    snapshot_tasks = read_wanted(snapshot, folder=folder, tasks=tasks, mapping=mapping, disabled=disabled)
    accounts = names_of({wanted.path: wanted.task for wanted in snapshot_tasks.tasks}, accounts_of)
    unknown = {name: paths for name, paths in accounts.items() if _answer(scheduler.account_exists, name) is False}
    unknown_names = {name.casefold() for name in unknown}
    steps = tuple(_step(wanted, scheduler, unknown_names) for wanted in snapshot_tasks.tasks)
    coming = [step.wanted for step in steps if step.action in (Action.CREATE, Action.REPLACE)]
    restorable = {wanted.path: wanted.task for wanted in coming}
    needs = Needs.of(restorable, snapshot)
    files = {**needs.programs, **needs.scripts}
    return Plan(
        steps,
        tuple(snapshot_tasks.problems),
        unknown,
        {name: paths for name, paths in files.items() if _answer(scheduler.path_exists, name) is False},
        snapshot_tasks.left_out,
        needs,
        not_in_backup(snapshot, folder, tasks),
    )


def _step(wanted: Wanted, scheduler: Scheduler | Paper, unknown_accounts: set[str]) -> Step:
    try:
        existing = read_task(encoded(scheduler.xml(wanted.path)))
        why = _differences(existing, wanted.expected)
        if not why:
            return Step(wanted, Action.LEAVE)
        step = Step(wanted, Action.REPLACE, tuple(why))
    except SchedulerError as error:
        if error.lost:
            raise
        if not error.vanished:
            return Step(wanted, Action.REFUSE, (f"the existing task can't be read: {error.reason}",))
        step = Step(wanted, Action.CREATE)
    except TaskXmlError as error:
        step = Step(wanted, Action.REPLACE, (f"the existing definition can't be read: {error}",))
    if wanted.account.casefold() in unknown_accounts:
        return Step(wanted, Action.REFUSE, (f"this server does not know the account {wanted.account}",))
    try:
        scheduler.validate(wanted.path, wanted.text)
    except SchedulerError as error:
        if error.lost:
            raise
        if error.code not in LOGON_MISSING:  # it is validated without a password
            return Step(wanted, Action.REFUSE, (f"this Windows does not accept it: {error.reason}",))
    return step


def _differences(existing: TaskDefinition, wanted: TaskDefinition, *, just_registered: bool = False) -> list[str]:
    """Differences in meaning, whatever Windows makes of the URI and of the spelling of accounts.

    `just_registered`: a SID in place of the name that was registered is that account.
    """
    principals = list(existing.principals)
    for number, (old, new) in enumerate(zip(existing.principals, wanted.principals, strict=False)):
        is_sid_of = old.user_id.startswith("S-1-5-21-") and not new.user_id.startswith("S-1-")
        if _spelled(old) == _spelled(new) or (just_registered and is_sid_of):
            principals[number] = replace(old, user_id=new.user_id)
    return differences(replace(_without_uri(existing), principals=tuple(principals)), _without_uri(wanted))


def _without_uri(task: TaskDefinition) -> TaskDefinition:
    return replace(task, registration_info=replace(task.registration_info, uri=""))


def _spelled(principal: Principal) -> str:
    return (principal.account if principal.is_service else principal.user_id).casefold()


def _answer(question: Callable[[str], bool | None], name: str) -> bool | None:
    """The server's answer; None where it refuses one."""
    try:
        return question(name)
    except SchedulerError as error:
        if error.lost:
            raise
        return None


# Carrying it out ------------------------------------------------------------------------------------------------------


def apply(
    planned: Plan,
    scheduler: Scheduler,
    passwords: Mapping[str, str],
    *,
    saved_in: Path | None = None,
    server: str = "",
    now: datetime | None = None,
    on_result: Callable[[Restored], None] = lambda _: None,
) -> list[Restored]:
    """Carry out a plan task by task, continuing after a failure; returns the results in the order of the plan.

    `passwords` maps accounts to passwords. Tasks of an account without one, or whose password was refused, are not
    tried: each attempt could lock the account. Before anything is changed, all tasks to be replaced are saved as a
    snapshot of `server` at `now` in the share `saved_in`. `on_result` gets each result as it comes.

    SchedulerError, SnapshotError or OSError where saving fails; nothing is changed then. After the connection is lost,
    the remaining tasks are "not tried".
    """
    if saved_in and now and (replaced := planned.of(Action.REPLACE)):
        _save([step.wanted.path for step in replaced], scheduler, saved_in, server, now)
    restore = _Restore(scheduler, {name.casefold(): password for name, password in passwords.items()})
    results = []
    for step in planned.steps:
        results.append(restore.step(step))
        on_result(results[-1])
    return results


def _save(paths: Sequence[str], scheduler: Scheduler, share: Path, server: str, now: datetime) -> None:
    read = read_tasks(scheduler, paths, ["\\"])
    for error in read.refused.values():
        raise error
    if read.definitions:
        write_snapshot(
            share,
            server=server,
            taken_at=now,
            zone=scheduler.zone(),
            statuses=read.statuses,
            definitions=read.definitions,
            folders=sorted({path.rpartition("\\")[0] or "\\" for path in read.definitions}),
            windows=scheduler.windows_version(),
            elevated=scheduler.is_elevated(),
            sddl=read.sddl,
        )


@dataclass(slots=True)
class _Restore:
    """A plan being carried out: whose password was refused, and whether the connection is lost."""

    scheduler: Scheduler
    passwords: Mapping[str, str]
    refused: set[str] = field(default_factory=set)
    lost: bool = False

    def step(self, step: Step) -> Restored:
        """Carry out one step."""
        if result := self._without_windows(step):
            return result
        wanted = step.wanted
        replacing = step.action is Action.REPLACE
        try:
            if wanted.folder != "\\":  # the root exists and is no valid name
                self.scheduler.create_folder(wanted.folder)
            detail = self._register(wanted, replacing)
            wrong = self._read_back(wanted)
        except SchedulerError as error:
            self.lost = error.lost
            if error.code == LOGON_FAILURE:
                self.refused.add(wanted.account.casefold())
            return Restored(wanted.path, "failed", error.reason, error.lost)
        except TaskXmlError as error:
            return Restored(wanted.path, "failed", f"registered, but can't be read back: {error}")
        if wrong:
            return Restored(wanted.path, "failed", f"registered, but differs: {'; '.join(wrong)}")
        return Restored(wanted.path, "replaced" if replacing else "created", detail)

    def _without_windows(self, step: Step) -> Restored | None:
        """The result of a step that needs no call."""
        path, account = step.wanted.path, step.wanted.account
        if step.action is Action.LEAVE:
            return Restored(path, "unchanged")
        if step.action is Action.REFUSE:
            return Restored(path, "failed", step.why[0])
        if self.lost:
            return Restored(path, "not tried", "the connection was lost", lost=True)
        if step.wanted.asks_password and not self.passwords.get(account.casefold()):
            return Restored(path, "not tried", f"no password was given for {account}")
        if step.wanted.asks_password and account.casefold() in self.refused:
            return Restored(path, "not tried", f"the password of {account} was refused")
        return None

    def _register(self, wanted: Wanted, replacing: bool) -> str:
        """Register a task; returns a sentence if its access list, or the owner in it, could not be restored."""
        sddl = wanted.sddl
        if replacing and not sddl:
            with suppress(SchedulerError):
                sddl = self.scheduler.sddl(wanted.path)  # the existing one stays
        register = partial(
            self.scheduler.register,
            wanted.path,
            wanted.text,
            account=wanted.logs_on_as,
            password=self.passwords[wanted.account.casefold()] if wanted.asks_password else None,
            logon_type=wanted.logon_type,
            replace=replacing,
        )
        try:
            register(sddl=sddl)
            return ""
        except SchedulerError as error:
            if not sddl or error.lost or error.code in (LOGON_FAILURE, NONE_MAPPED):
                raise
            why = error.reason
        head, mark, entries = sddl.partition("D:")
        if head and mark:  # to set another owner than oneself takes a privilege
            with suppress(SchedulerError):
                register(sddl=mark + entries)
                return f"owner not restored: {why}"
        register(sddl="")
        return f"access list not restored: {why}"

    def _read_back(self, wanted: Wanted) -> list[str]:
        """Differences between the registered task and the wanted one."""
        registered = read_task(encoded(self.scheduler.xml(wanted.path)))
        if wrong := _differences(registered, wanted.expected, just_registered=True):
            return wrong
        status, refused = self.scheduler.status(wanted.path)
        if "enabled" in refused:
            raise refused["enabled"]
        return [] if status.enabled == wanted.enabled else ["disabled" if wanted.enabled else "enabled"]
