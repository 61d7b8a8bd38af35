r"""Changes between snapshots: tasks added, removed, enabled, disabled, or with a changed definition.

A missing task is removed only where the collector would have seen it: not where rows could not be read, its folder was
refused, the account sees less than the one that saw it, or far fewer tasks than before were listed (`proves_absence`).

>>> tasks = np.array([50, 50, 9, 50, 50])
>>> proves_absence(tasks, np.full(5, True), np.zeros(5, np.int64)).tolist()
[True, True, False, True, True]
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from taskanalysis.definition import TaskDefinition, changed_fields, describe, differences
from taskanalysis.errors import SnapshotError, TaskXmlError
from taskanalysis.history.spans import NONE, Flags, Numbers, Observed, blocks, differs
from taskanalysis.snapshot import StoredDefinitions, is_refused, known_task, long_path, snapshot_folder, task_path

LEAST_DROP, LARGE_DROP = 5, 0.2
CONFIRMED = 3  # snapshots in a row


class Seen(NamedTuple):
    """Changes by task, the snapshot that first shows each, and whether the task was added or enabled (`on`)."""

    task: Numbers
    at: Numbers
    on: Flags


TEXTS = ("before", "after", "what", "fields")
"""The columns of text in `History.changes`."""


class Changed(NamedTuple):
    """Rows of `History.changes`: tasks and snapshots (as in `Joined`), kinds, and texts in the order of `TEXTS`."""

    task: Numbers
    at: Numbers
    kind: Sequence[str]
    texts: Sequence[tuple[str, ...]]


ELEVATED = 0
"""The account number of every elevated collector: it sees all tasks."""


class Sight(NamedTuple):
    """What the collector of each snapshot could see: whether it proves absence, its account, and what it was refused.

    `account` is `ELEVATED` or the number of an account; `refused` are task folders and tasks.
    """

    proves: Flags
    account: Numbers
    refused: Sequence[Sequence[str]]

    def first_proof(self, last: Numbers, until: Numbers, paths: Sequence[str]) -> Numbers:
        """For tasks last seen at `last`, the first snapshot before `until` that proves them gone; -1 where none does.

        A snapshot proves it for its own account, an elevated one for all.
        """
        found = np.full(len(last), -1)
        for account in np.unique(self.account[last]):
            rows = np.flatnonzero(self.account[last] == account)
            places = np.append(self._places(account), len(self.proves))
            at = places[np.searchsorted(places, last[rows] + 1)]
            found[rows] = np.where(at < until[rows], at, -1)
        for row in np.flatnonzero(found >= 0).tolist():
            if self.refused[found[row]]:
                places = self._places(self.account[last[row]])
                places = places[(places >= found[row]) & (places < until[row])]
                found[row] = next((at for at in places if not is_refused(paths[row], self.refused[at])), -1)
        return found

    def absent_before(self, first: Numbers, since: Numbers, paths: Sequence[str]) -> Flags:
        """Whether a snapshot from `since` on would have shown tasks that are first seen at `first`."""
        absent = np.zeros(len(first), bool)
        for account in np.unique(self.account[first]):
            rows, places = np.flatnonzero(self.account[first] == account), self._places(account)
            absent[rows] = np.searchsorted(places, first[rows]) > np.searchsorted(places, since[rows])
        for row in np.flatnonzero(absent).tolist():
            places = self._places(self.account[first[row]])
            places = places[(places >= since[row]) & (places < first[row])]
            if self.refused[places[-1]]:
                absent[row] = any(not is_refused(paths[row], self.refused[at]) for at in places)
        return absent

    def _places(self, account: int) -> Numbers:
        return np.flatnonzero(self.proves & ((self.account == ELEVATED) | (self.account == account)))


def proves_absence(tasks: Numbers, whole: Flags, account: Numbers) -> Flags:
    """For each snapshot of one server, whether a task missing from it is missing on the server, as far as it can see.

    `tasks` is its number of tasks, `whole` whether all of its rows could be read, `account` as in `Sight`. A drop by
    more than a fifth and by at least five against the one before of that account, or to no task at all, counts as
    limited sight, unless three in a row have the lower count.
    """
    proves = whole.copy()
    for number in np.unique(account):
        own = np.flatnonzero(whole & (account == number))
        proves[own] = _confirmed(tasks[own])
    return proves


def _confirmed(counts: Numbers) -> Flags:
    """Whether each count is no drop against the one before, or a drop that the next two confirm."""
    confirmed = np.ones(len(counts), bool)
    end = 0
    for start in (np.flatnonzero(_is_drop(counts[:-1], counts[1:])) + 1).tolist():
        if start < end:
            continue  # within the one before
        had, end = counts[start - 1], start
        while end < len(counts) and _is_drop(had, counts[end]):
            end += 1
        if end - start < CONFIRMED:
            confirmed[start:end] = False
    return confirmed


def _is_drop(before: Any, after: Any) -> Any:
    large = (before - after >= LEAST_DROP) & (before - after > LARGE_DROP * before)
    return large | ((after == 0) & (before > 0))


def came_and_went(
    observed: Observed, server: Numbers, path: Numbers, begins: Numbers, sight: Sight, paths: Sequence[str]
) -> Seen:
    """Tasks added and removed.

    `server` is that of each row, `path` that of its task in `paths`; `begins` is the first snapshot of each server, and
    one more.
    """
    task, first, last = observed.task, observed.first, observed.last
    starts, ends = blocks(task)
    until = np.append(first[1:], 0)
    until[ends] = begins[server[ends] + 1]
    left = np.flatnonzero(until > last + 1)
    proof = np.full(len(task), -1)
    proof[left] = sight.first_proof(last[left], until[left], [paths[place] for place in path[left].tolist()])
    went = np.flatnonzero(proof >= 0)
    again = np.flatnonzero(np.append(False, proof[:-1] >= 0)[: len(task)] & ~differs(task))
    new = starts[first[starts] > begins[server[starts]]]
    new = new[sight.absent_before(first[new], begins[server[new]], [paths[place] for place in path[new].tolist()])]
    came = np.union1d(again, new)
    at = np.concatenate([first[came], proof[went]])
    on = np.repeat([True, False], [len(came), len(went)])
    return Seen(np.concatenate([task[came], task[went]]), at, on)


def switched(observed: Observed) -> Seen:
    """Tasks enabled and disabled: snapshots whose value differs from the last known one."""
    rows = np.flatnonzero(observed.enabled != NONE)
    task, enabled = observed.task[rows], observed.enabled[rows]
    flips = np.flatnonzero(~differs(task) & differs(enabled))
    return Seen(task[flips], observed.first[rows[flips]], enabled[flips] == 1)


# Definitions ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Definitions:
    """The definitions that the snapshots of a share store, each read when it is asked for and then kept."""

    data: Path
    _hashes: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    _read: dict[str, TaskDefinition | TaskXmlError] = field(default_factory=dict)
    _all: dict[tuple[str, str], Mapping[str, TaskDefinition]] = field(default_factory=dict)
    _folders: dict[tuple[str, str], StoredDefinitions] = field(default_factory=dict)

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
        return self._definition(server, stamp, path, self.hashes(server, stamp)[path])

    def _definition(self, server: str, stamp: str, path: str, sha256: str) -> TaskDefinition | TaskXmlError:
        if sha256 not in self._read:
            try:
                self._read[sha256] = known_task(sha256) or self._stored(server, stamp).read(path)
            except TaskXmlError as error:
                self._read[sha256] = error
        return self._read[sha256]

    def all(self, server: str, stamp: str) -> Mapping[str, TaskDefinition]:
        """All definitions that can be read of those that the snapshot stores, by task path."""
        if (server, stamp) not in self._all:
            hashes = self.hashes(server, stamp).items()
            found = ((path, self._definition(server, stamp, path, sha256)) for path, sha256 in hashes)
            tasks = {path: task for path, task in found if not isinstance(task, TaskXmlError)}
            self._all[server, stamp] = MappingProxyType(tasks)
        return self._all[server, stamp]

    def _stored(self, server: str, stamp: str) -> StoredDefinitions:
        if (server, stamp) not in self._folders:
            folder = snapshot_folder(long_path(self.data) / "snapshots" / server, stamp)
            self._folders[server, stamp] = StoredDefinitions(folder)
        return self._folders[server, stamp]


@lru_cache(maxsize=65536)
def _task_path(name: str) -> str:
    return task_path(name.removeprefix("tasks/"))


class Redefined(NamedTuple):
    """A changed definition: its schedule in words before and after, where that changed, all changes, and its parts."""

    path: str
    at: int
    before: str
    after: str
    what: str
    fields: str = ""


def redefined(
    definitions: Definitions, server: str, stamps: Iterable[tuple[int, str]], switches: Container[str] = ()
) -> Iterator[Redefined]:
    """Changed definitions of a server; `stamps` names the snapshots that store them, and where each takes effect.

    For tasks in `switches`, statuses show whether they are enabled; that change of a definition is left out.
    """
    hashes: dict[str, str] = {}
    stored_in: dict[str, str] = {}
    for at, stamp in stamps:
        now = definitions.hashes(server, stamp)
        for path, _ in sorted(now.items() - hashes.items()):
            if path in hashes:
                old, new = (definitions.read(server, name, path) for name in (stored_in[path], stamp))
                yield from redefinition(path, at, old, new, path in switches)
            stored_in[path] = stamp
        hashes |= now  # a task outside the scope of a snapshot may return


def redefinition(
    path: str, at: int, old: TaskDefinition | TaskXmlError, new: TaskDefinition | TaskXmlError, is_switch: bool
) -> Iterator[Redefined]:
    """How a definition changed, if it did; with `is_switch` without whether the task is enabled."""
    if isinstance(new, TaskXmlError) or isinstance(old, TaskXmlError):
        which, why = ("new definition", new) if isinstance(new, TaskXmlError) else ("previous definition", old)
        yield Redefined(path, at, "", "", f"Its {which} can't be read: {why}")
        return
    if is_switch:
        old = replace(old, settings=replace(old.settings, enabled=new.settings.enabled))
    if phrases := differences(old, new):
        words = describe(old), describe(new)
        parts = "; ".join(phrases), ", ".join(changed_fields(old, new))
        yield Redefined(path, at, *(words if words[0] != words[1] else ("", "")), *parts)
