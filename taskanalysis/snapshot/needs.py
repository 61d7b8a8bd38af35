r"""What restoring takes: a stored definition of each task, and passwords, accounts, programs, scripts and drives.

>>> from taskanalysis.snapshot.snapshot import read_snapshot
>>> {account: len(paths) for account, paths in Needs.of(read_snapshot("data").within()).passwords.items()}
{'TOWN\\opendata': 9, 'TOWN\\svc-gis': 5}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from taskanalysis.definition import TaskDefinition, model
from taskanalysis.snapshot.evidence import ProgramFile, kept_script
from taskanalysis.snapshot.paths import in_scope
from taskanalysis.snapshot.snapshot import Snapshot

Names = Mapping[str, list[str]]
"""Names with the paths of the tasks that need them."""
_SYSTEM_DRIVE = "C:"


def in_backup(
    snapshot: Snapshot, folder: str = "", *, hidden: Iterable[str] = (), stored: Collection[str] = ()
) -> dict[str, str]:
    r"""For each known task, why its definition is not in the backup, "" where it is; by task path, in their order.

    Tasks in `folder` and below ("": all outside ``\Microsoft``), and `hidden` ones, which the snapshot no longer shows.
    A task outside the folders whose definitions were collected counts where an earlier snapshot `stored` it.
    """
    return {
        path: _why_missing(snapshot, path)
        for path in sorted({*_known(snapshot), *hidden}, key=str.casefold)
        if in_scope(path, [folder] if folder else [])
        and (path in snapshot.tasks or path in stored or in_scope(path, snapshot.folders))
    }


def not_in_backup(snapshot: Snapshot, folder: str = "", tasks: Collection[str] = ()) -> dict[str, str]:
    r"""Why those of the chosen tasks can't be restored that the backup lacks, by task path, in their order.

    `folder` and `tasks` choose as in a restore: the tasks in it and below, and those; with neither, all outside
    ``\Microsoft``.
    """
    chosen, named = in_backup(snapshot, folder) if folder or not tasks else {}, {task.casefold() for task in tasks}
    chosen |= {path: _why_missing(snapshot, path) for path in _known(snapshot) if path.casefold() in named}
    return {path: why for path, why in sorted(chosen.items(), key=lambda pair: pair[0].casefold()) if why}


def _known(snapshot: Snapshot) -> set[str]:
    return {*snapshot.statuses, *snapshot.tasks, *snapshot.damaged}


def _why_missing(snapshot: Snapshot, path: str) -> str:
    if path in snapshot.damaged:
        return f"its stored definition {snapshot.damaged[path]}"
    return "" if path in snapshot.tasks else "its definition is not stored"


@dataclass(frozen=True)
class Needs:
    """What must be there, by name, with the paths of the tasks that need it.

    `passwords` are asked for when restoring. `bare` are programs that actions name without a folder, with the place
    where the collector found them. `scripts` are known only where it looked for them (`looked`; None: not asked);
    `unkept` are those of which the share has no copy.
    """

    passwords: Names = field(default_factory=dict)
    accounts: Names = field(default_factory=dict)
    programs: Names = field(default_factory=dict)
    bare: Names = field(default_factory=dict)
    scripts: Names = field(default_factory=dict)
    unkept: Names = field(default_factory=dict)
    drives: Names = field(default_factory=dict)
    looked: bool | None = None

    @classmethod
    def of(cls, tasks: Mapping[str, TaskDefinition], snapshot: Snapshot | None = None) -> Self:
        """Those of tasks by their paths, with the files that the collector of the `snapshot` saw."""
        files = (snapshot.programs if snapshot else None) or {}
        scripts = {path: [file for file in files.get(path, ()) if file.role == "script"] for path in tasks}
        whole = {path: [file.file for file in found if _has_folder(file.file)] for path, found in scripts.items()}
        places = {path: [*named_paths(task), *whole[path]] for path, task in tasks.items()}
        unkept = {
            path: [file.file for file in found if snapshot and kept_script(snapshot.share, file.sha256) is None]
            for path, found in scripts.items()
        }
        return cls(
            names_of(tasks, lambda task: [account_of(task)] if task.principal.needs_password else []),
            names_of(tasks, accounts_of),
            names_of(tasks, named_paths),
            by_name({path: _bare(task, files.get(path, ())) for path, task in tasks.items()}),
            by_name(whole),
            by_name(unkept),
            by_name({path: _drives(texts) for path, texts in places.items()}),
            None if snapshot is None else snapshot.programs is not None,
        )


def by_name(names: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Paths of tasks by the names that each has, in the first spelling of a name: Windows ignores case."""
    paths: dict[str, tuple[str, list[str]]] = {}
    for path, found in names.items():
        for name in dict.fromkeys(found):
            paths.setdefault(name.casefold(), (name, []))[1].append(path)
    return dict(sorted(paths.values()))


def names_of(
    tasks: Mapping[str, TaskDefinition], names: Callable[[TaskDefinition], Sequence[str]]
) -> dict[str, list[str]]:
    """The same of what a function finds in each definition."""
    return by_name({path: names(task) for path, task in tasks.items()})


def account_of(task: TaskDefinition) -> str:
    """The account, as the definition spells it; "" if it names none."""
    return task.principal.user_id or task.principal.group_id


def accounts_of(task: TaskDefinition) -> list[str]:
    """All accounts that Windows must know, as they are spelled: names of well-known SIDs depend on the language."""
    names = [principal.user_id or principal.group_id for principal in task.principals if not principal.is_service]
    of_users = (model.LogonTrigger, model.SessionStateChangeTrigger)
    names += [trigger.user_id for trigger in task.triggers if isinstance(trigger, of_users)]
    return list(dict.fromkeys(filter(None, names)))


def named_paths(task: TaskDefinition) -> list[str]:
    """Full paths of programs and working directories; a bare name depends on the account's PATH."""
    texts = (text for action in task.programs for text in (action.command, action.working_directory))
    paths = (text.strip().strip('"') for text in texts)
    return list(dict.fromkeys(filter(_has_folder, paths)))


def _bare(task: TaskDefinition, files: Sequence[ProgramFile]) -> list[str]:
    """The programs that actions name without a folder, and where they were found."""
    found = {file.action: file.file for file in files if file.role == "program" and _has_folder(file.file)}
    names = {
        number: action.command.strip().strip('"')
        for number, action in enumerate(task.actions, 1)
        if isinstance(action, model.ExecAction)
    }
    return [
        f"{name}, found at {found[number]}" if number in found else name
        for number, name in names.items()
        if name and not _has_folder(name)
    ]


def _has_folder(path: str) -> bool:
    return "\\" in path or "/" in path


def _drives(texts: Sequence[str]) -> list[str]:
    found = re.findall(r"(?<!\w)([A-Za-z]:)[\\/]", " ".join(texts))
    return sorted({drive.upper() for drive in found} - {_SYSTEM_DRIVE})
