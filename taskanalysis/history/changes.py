r"""Changes between snapshots: tasks added, removed, enabled, disabled, or with a changed definition.

A missing task is removed only where the snapshot proves it: not where rows could not be read, nor where the collecting
account may have seen fewer tasks (`proves_absence`).

>>> tasks = np.array([50, 50, 9, 50, 50])
>>> proves_absence(tasks, np.full(5, True), [(None, "")] * 5).tolist()
[True, True, False, True, True]
"""

from __future__ import annotations

from collections.abc import Container, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from taskanalysis.definition import TaskDefinition, describe, differences
from taskanalysis.errors import SnapshotError, TaskXmlError
from taskanalysis.history.spans import NONE, Flags, Numbers, Observed, blocks, differs
from taskanalysis.snapshot import StoredDefinitions, long_path, snapshot_folder, task_path

LEAST_DROP, LARGE_DROP = 5, 0.2
CONFIRMED = 3  # snapshots in a row


class Seen(NamedTuple):
    """Changes by task, the snapshot that first shows each, and whether the task was added or enabled (`on`)."""

    task: Numbers
    at: Numbers
    on: Flags


def proves_absence(tasks: Numbers, whole: Flags, rights: Sequence[tuple[bool | None, Hashable]]) -> Flags:
    """For each snapshot of one server, whether a task missing from it is missing on the server.

    `tasks` is its number of tasks, `whole` whether all of its rows could be read, `rights` whether its account was
    elevated, and the account. A drop by more than a fifth and by at least five counts as limited sight, unless both
    snapshots are elevated under one account, or three in a row have the lower count.
    """
    proves = whole.copy()
    usable = np.flatnonzero(whole)
    counts = tasks[usable]
    number = 0
    for start in (np.flatnonzero(_is_drop(counts[:-1], counts[1:])) + 1).tolist():
        if start < number:
            continue  # within the one before
        before, had = rights[usable[start - 1]], counts[start - 1]
        number = start
        while number < len(usable) and _is_drop(had, counts[number]):
            if before[0] and rights[usable[number]] == before:
                break
            number += 1
        if number - start < CONFIRMED:
            proves[usable[start:number]] = False
    return proves


def _is_drop(before: Any, after: Any) -> Any:
    return (before - after >= LEAST_DROP) & (before - after > LARGE_DROP * before)


def came_and_went(observed: Observed, server: Numbers, begins: Numbers, proves: Flags) -> Seen:
    """Tasks added and removed; `proves` is what `proves_absence` returns for each snapshot.

    `server` is the server of each row, `begins` the first snapshot of each server, and one more.
    """
    task, first, last = observed.task, observed.first, observed.last
    proofs = np.append(0, np.cumsum(proves))  # before each snapshot
    places = np.append(np.flatnonzero(proves), len(proves))
    starts, ends = blocks(task)
    since = np.append(0, last[:-1] + 1)
    since[starts] = begins[server[starts]]
    came = np.flatnonzero(proofs[first] > proofs[since])
    until = np.append(first[1:], 0)
    until[ends] = begins[server[ends] + 1]
    went = np.flatnonzero(proofs[until] > proofs[last + 1])
    at = np.concatenate([first[came], places[proofs[last[went] + 1]]])
    on = np.repeat([True, False], [len(came), len(went)])
    return Seen(np.concatenate([task[came], task[went]]), at, on)


def switched(observed: Observed) -> Seen:
    """Tasks enabled and disabled: snapshots whose value differs from the last known one."""
    known = np.flatnonzero(observed.enabled != NONE)
    task, enabled = observed.task[known], observed.enabled[known]
    flips = np.flatnonzero(~differs(task) & differs(enabled))
    return Seen(task[flips], observed.first[known[flips]], enabled[flips] == 1)


# Definitions ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Definitions:
    """The definitions that the snapshots of a share store, each read when it is asked for and then kept."""

    data: Path
    _hashes: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    _read: dict[str, TaskDefinition | TaskXmlError] = field(default_factory=dict)

    def hashes(self, server: str, stamp: str) -> dict[str, str]:
        """The sha256 of each that the snapshot of that name stores, by task path; none where it can't be read."""
        if (server, stamp) not in self._hashes:
            stored = self._stored(server, stamp)
            try:
                hashes = stored.hashes if stored.tasks.is_dir() else {}
            except SnapshotError:
                hashes = {}
            self._hashes[server, stamp] = {_task_path(name): sha256 for name, sha256 in hashes.items()}
        return self._hashes[server, stamp]

    def read(self, server: str, stamp: str, path: str) -> TaskDefinition | TaskXmlError:
        """A definition that the snapshot stores, or why it can't be read; equal bytes are read once."""
        sha256 = self.hashes(server, stamp)[path]
        if sha256 not in self._read:
            try:
                self._read[sha256] = self._stored(server, stamp).read(path)
            except TaskXmlError as error:
                self._read[sha256] = error
        return self._read[sha256]

    def all(self, server: str, stamp: str) -> dict[str, TaskDefinition]:
        """All definitions that can be read of those that the snapshot stores, by task path."""
        found = {path: self.read(server, stamp, path) for path in self.hashes(server, stamp)}
        return {path: task for path, task in found.items() if not isinstance(task, TaskXmlError)}

    def _stored(self, server: str, stamp: str) -> StoredDefinitions:
        return StoredDefinitions(snapshot_folder(long_path(self.data) / "snapshots" / server, stamp))


@lru_cache(maxsize=65536)
def _task_path(name: str) -> str:
    return task_path(name.removeprefix("tasks/"))


class Redefined(NamedTuple):
    """A changed definition: its schedule in words before and after, where that changed, and all changes."""

    path: str
    at: int
    before: str
    after: str
    what: str


def redefined(
    definitions: Definitions, server: str, stamps: Iterable[tuple[int, str]], switches: Container[str] = ()
) -> Iterator[Redefined]:
    """Changed definitions of a server; `stamps` names the snapshots that store them, and where each takes effect.

    For tasks in `switches`, statuses show whether they are enabled; that change of a definition is left out.
    """
    known: dict[str, str] = {}
    stored_in: dict[str, str] = {}
    for at, stamp in stamps:
        now = definitions.hashes(server, stamp)
        for path, _ in sorted(now.items() - known.items()):
            if path in known:
                old, new = (definitions.read(server, name, path) for name in (stored_in[path], stamp))
                yield from _redefined(path, at, old, new, path in switches)
            stored_in[path] = stamp
        known |= now  # a task outside the scope of a snapshot may return


def _redefined(
    path: str, at: int, old: TaskDefinition | TaskXmlError, new: TaskDefinition | TaskXmlError, is_switch: bool
) -> Iterator[Redefined]:
    if isinstance(new, TaskXmlError) or isinstance(old, TaskXmlError):
        which, why = ("new definition", new) if isinstance(new, TaskXmlError) else ("previous definition", old)
        yield Redefined(path, at, "", "", f"Its {which} can't be read: {why}")
        return
    if is_switch:
        old = replace(old, settings=replace(old.settings, enabled=new.settings.enabled))
    if phrases := differences(old, new):
        words = describe(old), describe(new)
        yield Redefined(path, at, *(words if words[0] != words[1] else ("", "")), "; ".join(phrases))
