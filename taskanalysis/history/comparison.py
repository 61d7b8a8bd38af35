r"""Compare two snapshots, folders or exports: tasks added, removed, changed, enabled, disabled, and what is not known.

A task that one side lacks is added or removed only where that side would show it (`Side.lack`); otherwise it is not
known, and so is a definition that one side alone has.

>>> found = diff("tests/files/folder", "tests/files/folder/OpenData/Permits")
>>> [(change.kind, change.task_path) for change in found.changes][:2]
[('added', '\\Old\\Nightly'), ('removed', '\\OpenData\\Broken')]
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from taskanalysis.definition import TaskDefinition, describe
from taskanalysis.errors import Problem, SnapshotError
from taskanalysis.history.changes import LARGE_DROP, LEAST_DROP, redefinition
from taskanalysis.snapshot import Snapshot, in_scope, is_refused, read_snapshot, refused_folders, task_path
from taskanalysis.text import brief, clip, count, listed, one_line, small_table

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("added", "removed", "changed", "enabled", "disabled")
NOT_READ = "its definition could not be read"
MOST_SHOWN = 1000
"""Rows of a table in a notebook."""


class Change(NamedTuple):
    """One difference: `kind` is one of `KINDS`, `what` is in words, and so are the schedules `before` and `after`."""

    kind: str
    task_path: str
    what: str = ""
    before: str = ""
    after: str = ""


class Unknown(NamedTuple):
    """A task of which the comparison is not known, and why."""

    task_path: str
    why: str


def diff(
    a: str | Path | Snapshot,
    b: str | Path | Snapshot,
    *,
    server: str = "",
    folder: str = "",
    zone: str = "",
    dates: str = "",
) -> Diff:
    r"""Compare `a`, the earlier side, with `b`; each is a Snapshot, or a path of anything that `read_snapshot` reads.

    Of a share the newest snapshot is taken, of `server` where it has several. Only tasks in `folder` and below count
    ("": all outside ``\Microsoft``). `zone` (IANA) and `dates` ("dmy", "mdy" or "ymd") are those of exports. Two files
    with one task each are compared with each other, whatever their names.

    The result has `changes`, `unknown` (what one side does not tell), `problems`, `frame` (a DataFrame) and `differs`.
    SnapshotError where a side can't be read, or no task of either lies in `folder`.

    >>> diff("data", "data", folder=r"\OpenData\Permits").differs
    False
    """
    earlier, later = (
        Side(side if isinstance(side, Snapshot) else read_snapshot(side, server=server, zone=zone, dates=dates))
        for side in (a, b)
    )
    _same_task(earlier, later)
    folder = folder.replace("/", "\\")  # as at the prompt
    found = Diff(earlier, later, folder)
    if folder and not found.compared:
        raise SnapshotError(f"no task of {earlier.name} or {later.name} lies in {folder} or below")
    return found


def _same_task(a: Side, b: Side) -> None:
    """Give the tasks of two files with one task each the path of the first."""
    if all(side.is_file and len(side.tasks) == 1 for side in (a, b)):
        b.tasks = dict.fromkeys(a.tasks, *b.tasks.values())


@dataclass
class Side:
    """One side of a comparison: a snapshot, and its definitions by task path."""

    snapshot: Snapshot
    tasks: dict[str, TaskDefinition] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Take the definitions."""
        self.tasks = self.snapshot.tasks

    @property
    def is_file(self) -> bool:
        """Whether it is one file of task XML."""
        return not self.snapshot.manifest and not self.snapshot.statuses and self.snapshot.source.is_file()

    @property
    def name(self) -> str:
        """Server and time of a snapshot; of an export its path, and its server where it is known."""
        snapshot = self.snapshot
        if snapshot.manifest:
            return f"{snapshot.server}, {self.local}"
        return f"{snapshot.source} ({snapshot.server})" if snapshot.server else str(snapshot.source)

    @property
    def local(self) -> str:
        """When it was taken, in the server's zone."""
        return f"{self.snapshot.local_time:%Y-%m-%d %H:%M} ({self.snapshot.zone or 'UTC'})"

    @cached_property
    def paths(self) -> dict[str, str]:
        """The paths of its tasks by what Windows compares, which is without case."""
        snapshot = self.snapshot
        older = snapshot.statuses and snapshot.manifest and "definitions" not in snapshot.holds
        defined = [] if older else [*self.tasks, *(path for path in snapshot.damaged if self._is_placed(path))]
        return {path.casefold(): path for path in reversed([*snapshot.statuses, *defined])}

    def enabled(self, path: str) -> bool | None:
        """Whether a task is enabled: by its status, else by its definition; None where not known."""
        status, task = self.snapshot.statuses.get(path), self.tasks.get(path)
        if status and (status.enabled is not None or status.state == "Disabled"):
            return bool(status.enabled) and status.state != "Disabled"
        return task.settings.enabled if task else None

    # What it would show -----------------------------------------------------------------------------------------------

    def lack(self, path: str, other: Side) -> str:
        """Why a task of the other side may be here although this side lacks it; "" where it would be shown."""
        if is_refused(path, self._unread):
            return "it could not be read"
        if self._may_be_any:
            return f"something in {self._may_be_any} could not be read"
        if not self.snapshot.statuses and path not in other.tasks and path not in other.snapshot.damaged:
            return "no statuses were collected"
        if not self._sees_as_much_as(other):
            return "its collector may not see as much"
        had, has = len(other.snapshot.statuses), len(self.snapshot.statuses)
        if has and had - has >= max(LEAST_DROP, LARGE_DROP * had):
            return f"only {has:,} of {count(had, 'task')} are listed, so the collector may have seen less"
        return ""

    def lacks_definition(self, path: str) -> str:
        """Why this side has no definition of a task that it has."""
        if path in self.snapshot.damaged or is_refused(path, self._unread) or self._may_be_any:
            return NOT_READ
        if not self.tasks and self.snapshot.defined_at:
            return NOT_READ
        return "its definition was not collected" if self.tasks else "no definitions were collected"

    def _is_placed(self, path: str) -> bool:
        """Whether a file that can't be read is of the task of its name, as it is not in a flat folder of exports."""
        return bool(self.snapshot.manifest) or path.count("\\") > 1

    @cached_property
    def _unread(self) -> list[str]:
        r"""The task folders and tasks that could not be read, by their place: ``\OpenData\Broken``."""
        refused = refused_folders(self.snapshot.manifest.get("problems") or ())
        return [*refused, *self.snapshot.damaged, *(_place(problem.file) for problem in self._placed)]

    @cached_property
    def _placed(self) -> list[Problem]:
        return [fault for fault in self.snapshot.faults if "/" in fault.file and not fault.file.endswith(".json")]

    @cached_property
    def _may_be_any(self) -> str:
        """Files that could not be read and whose place does not say of which task they are; rows of statuses."""
        snapshot = self.snapshot
        if snapshot.manifest:  # its statuses list all tasks
            expected = snapshot.manifest.get("tasks")
            whole = not isinstance(expected, int) or len(snapshot.statuses) >= expected
            return "" if whole else "status.csv"
        known = {path.casefold() for path in self.tasks}
        unplaced = [
            fault.file
            for fault in snapshot.faults
            if fault not in self._placed and _place(fault.file).casefold() not in known
        ]
        return listed(list(dict.fromkeys(unplaced)), most=3)

    def _sees_as_much_as(self, other: Side) -> bool:
        """Whether the collector has all rights, or those of the other's; exports say nothing of it."""
        mine, others = self.snapshot.manifest, other.snapshot.manifest
        if not mine or mine.get("elevated") is True:
            return True
        if not others:
            return mine.get("elevated") is None
        return others.get("elevated") is not True and mine.get("collected_by") == others.get("collected_by")


def _place(file: str) -> str:
    return task_path(file.rstrip("/"))


@dataclass
class Diff:
    """What differs between two sides, `a` before `b`, among the tasks in `folder` and below.

    All that it shows is masked, `frame` too; `changes` and `unknown` hold the text as it is.
    """

    a: Side
    b: Side
    folder: str = ""

    @property
    def differs(self) -> bool:
        """Whether something is known to differ."""
        return bool(self.changes)

    @cached_property
    def changes(self) -> list[Change]:
        """All differences, by task path."""
        return [found for found in self._found if isinstance(found, Change)]

    @cached_property
    def unknown(self) -> list[Unknown]:
        """Tasks that one side may have and does not show, and definitions that one side alone has, by task path."""
        return [found for found in self._found if isinstance(found, Unknown)]

    @cached_property
    def problems(self) -> list[Problem]:
        """What could not be read of either side, without what was left out on purpose."""
        sides = (self.a, self.b) if self.a.snapshot is not self.b.snapshot else (self.a,)
        return list(dict.fromkeys(problem for side in sides for problem in side.snapshot.faults))

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The changes: `kind` (category), `task_path`, `what`, `before`, `after` (text, "" where there is none)."""
        import pandas as pd  # noqa: PLC0415 (the command needs none)

        rows = [[one_line(text) for text in change] for change in self.changes]
        frame = pd.DataFrame(rows, columns=list(Change._fields), dtype="str")
        return frame.astype({"kind": pd.CategoricalDtype([kind for kind in KINDS if kind in {*frame["kind"]}])})

    @cached_property
    def told(self) -> list[tuple[str, str, str]]:
        """The changes in words: kind, task path and what it is, with the schedule of a task that came or went."""
        return [_told(change) for change in self.changes]

    @cached_property
    def headline(self) -> str:
        """How many tasks were added, removed, and so on."""
        numbers = [(sum(change.kind == kind for change in self.changes), kind) for kind in KINDS]
        told = listed([f"{number:,} {kind}" for number, kind in numbers if number])
        several = count(len(self.compared), "task")
        return f"{told[:1].upper()}{told[1:]}." if told else f"No difference is known among {several}."

    @cached_property
    def remarks(self) -> list[str]:
        """What the comparison leaves out, as sentences."""
        remarks = []
        if self.unknown:
            remarks.append(f"Of {count(len(self.unknown), 'task')} it is not known whether something differs.")
        for side in (self.a, self.b):
            at = side.snapshot.defined_at
            if at and at != side.snapshot.taken_at:
                local = at.astimezone(side.snapshot.local_time.tzinfo)
                remarks.append(f"The definitions of {side.name} are of {local:%Y-%m-%d %H:%M}.")
        if undefined := sum(path not in self.a.tasks and other not in self.b.tasks for path, other in self._both):
            remarks.append(f"Neither side has the definition of {count(undefined, 'task')}: statuses are compared.")
        if outside := len(self._all) - len(self.compared):
            where = f"outside {self.folder}" if self.folder else "in \\Microsoft"
            remarks.append(f"{count(outside, 'task')} {where} not compared.")
        return remarks

    def lines(self) -> list[str]:
        """The comparison as text: which sides and how many changes, a line for each, and what is not known."""
        lines = [f"From {self.a.name} to {self.b.name}: {self.headline}"]
        lines += [f"{kind.upper()} {path}{f': {what}' * bool(what)}" for kind, path, what in self.told]
        lines += [f"NOT KNOWN {path}: {why}" for path, why in self.unknown]
        return lines + self.remarks + [f"PROBLEM {problem.file}: {problem.what}" for problem in self.problems]

    def __str__(self) -> str:
        """The lines, masked."""
        return "\n".join(map(one_line, self.lines()))

    def __repr__(self) -> str:
        """One line, masked."""
        unknown = f"{len(self.unknown):,} not known" if self.unknown else ""
        return brief("Diff", self.headline.rstrip("."), unknown, f"from {self.a.name} to {self.b.name}")

    def _repr_html_(self) -> str:
        """The changes as a table, then what is not known."""
        rows = self.told + [("not known", *unknown) for unknown in self.unknown]
        caption = " ".join([f"From {self.a.name} to {self.b.name}: {self.headline}", *self.remarks])
        if len(rows) > MOST_SHOWN:
            caption += f" The first {MOST_SHOWN:,} of {len(rows):,} rows."
        return small_table(caption, rows[:MOST_SHOWN], ("change", "task_path", "what"))

    # How it is found --------------------------------------------------------------------------------------------------

    @cached_property
    def _all(self) -> list[str]:
        return sorted({*self.a.paths, *self.b.paths})

    @cached_property
    def compared(self) -> list[str]:
        """The tasks of either side, without case."""
        return [key for key in self._all if in_scope(key, [self.folder] if self.folder else [])]

    @cached_property
    def _both(self) -> list[tuple[str, str]]:
        """The paths of tasks that both sides have, as each writes them."""
        both = (key for key in self.compared if key in self.a.paths and key in self.b.paths)
        return [(self.a.paths[key], self.b.paths[key]) for key in both]

    @cached_property
    def _found(self) -> list[Change | Unknown]:
        found: list[Change | Unknown] = []
        for key in self.compared:
            old, new = self.a.paths.get(key), self.b.paths.get(key)
            if old is not None and new is not None:
                found += self._of_both(old, new)
            elif new is not None:
                found.append(_of_one("added", new, self.b, self.a))
            elif old is not None:
                found.append(_of_one("removed", old, self.a, self.b))
        return found

    def _of_both(self, path: str, other: str) -> Iterator[Change | Unknown]:
        was, now = self.a.enabled(path), self.b.enabled(other)
        if was is not None and now is not None and was != now:
            kind = "enabled" if now else "disabled"
            yield Change(kind, other, f"It was {kind}.")
        old, new = self.a.tasks.get(path), self.b.tasks.get(other)
        if old is not None and old is new:
            return  # equal bytes are read once, and most tasks do not change
        if old and new:
            for change in redefinition(other, 0, old, new, is_switch=True):
                yield Change("changed", other, change.what, change.before, change.after)
        elif old or new:
            side, lacking = (self.b, other) if old else (self.a, path)
            yield Unknown(other, f"in {side.name} {side.lacks_definition(lacking)}")


def _told(change: Change) -> tuple[str, str, str]:
    came, went = change.kind == "added", change.kind == "removed"
    schedule = change.after if came else change.before if went else ""
    what = "; ".join(filter(None, (schedule, change.what))) if came or went else change.what
    return change.kind, change.task_path, what


def _of_one(kind: str, path: str, having: Side, lacking: Side) -> Change | Unknown:
    """A task that one side lacks."""
    if why := lacking.lack(path, having):
        return Unknown(path, f"{lacking.name} does not show it: {why}")
    task = having.tasks.get(path)
    words = describe(task) if task else ""
    return Change(kind, path, _in_short(task) if task else "", *(("", words) if kind == "added" else (words, "")))


def _in_short(task: TaskDefinition) -> str:
    """What a task starts, and as which account."""
    program = task.programs[0].command if task.programs else ""
    parts = [f"runs {clip(program)}" if program else "", f"as {task.principal.account}" * bool(task.principal.account)]
    return " ".join(filter(None, parts))
