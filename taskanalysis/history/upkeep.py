r"""Maintain a share: verify its snapshots and its store, find gaps, delete old snapshots, rebuild the store.

>>> found = verify("data")
>>> found.snapshots, found.problems, [f"{gap.days} days" for _, gap in found.gaps]
(222, [], ['2 days', '2 days'])
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from taskanalysis.errors import Problem, SnapshotError, UnfinishedError, reason_of
from taskanalysis.history.days import build_day, checked, read_day
from taskanalysis.history.logs import delete_logs
from taskanalysis.history.pruned import read_pruned, write_pruned
from taskanalysis.history.store import Store, open_store, update_store
from taskanalysis.snapshot import (
    CLOCKS_APART,
    Stamped,
    StoredDefinitions,
    beside_of,
    kept_script,
    read_statuses,
    remove,
    rename,
    share_manifest,
    snapshot_folder,
    stamped,
    wrong_files,
)
from taskanalysis.text import clip, listed, printable

GAP = 1.5
"""An interval between snapshots that is longer than this many median intervals is a gap."""


# Verify ---------------------------------------------------------------------------------------------------------------


class Verified(NamedTuple):
    """The result of `verify`: the number of snapshots, problems, and gaps (the snapshot before, and how long)."""

    snapshots: int
    problems: list[Problem]
    gaps: list[tuple[Stamped, timedelta]]


def verify(data: str | Path) -> Verified:
    """Compare every file of every snapshot with its hash in ``snapshot.json``, and every stored day with its snapshots.

    A day is compared with what its snapshots say now. Whatever is wrong is a problem; SnapshotError only where `data`
    is no share.
    """
    store = open_store(data)
    snapshots = _snapshots(store)
    problems = [*store.problems, *store.later_than(datetime.now(UTC) + CLOCKS_APART)]
    for snapshot in snapshots:
        place = f"{snapshot.server}/{snapshot.path.name}"
        try:
            problems += [Problem(f"{place}/{file}", what) for file, what in _wrong(snapshot.path)]
        except Exception as error:  # nothing that it finds may end it
            problems.append(Problem(place, f"can't be verified ({type(error).__name__}: {clip(reason_of(error))})"))
    problems += [*_other_days(store), *_other_scripts(store.data)]
    gaps = []
    known = [*snapshots, *_pruned(store)]
    for _, group in groupby(sorted(known, key=attrgetter("server", "taken_at")), key=attrgetter("server")):
        pairs = [(before, after.taken_at - before.taken_at) for before, after in pairwise(group)]
        usual = sorted(gap for _, gap in pairs)[len(pairs) // 2] if pairs else timedelta(0)
        gaps += [(before, gap) for before, gap in pairs if gap > GAP * usual]
    return Verified(len(snapshots), problems, gaps)


def _snapshots(store: Store) -> list[Stamped]:
    """All snapshots of a share, oldest first."""
    return sorted(
        Stamped(taken_at, server, str(store.month((server, day)) / name))
        for (server, day), names in store.names.items()
        for name in names
        if (taken_at := stamped(name))
    )


def _pruned(store: Store) -> list[Stamped]:
    """The pruned snapshots that the history knows: their absence is no gap."""
    return [
        Stamped(taken_at, server, str(store.month((server, day)) / name))
        for (server, day), names in store.pruned.items()
        for name in names
        if (taken_at := stamped(name))
    ]


def _other_scripts(share: Path) -> Iterator[Problem]:
    """A problem for each kept script that is not what its name says."""
    for file in sorted((share / "scripts").glob("[0-9a-f][0-9a-f]/*")):
        if kept_script(share, file.name) is None:
            yield Problem(
                f"scripts/{file.parent.name}/{printable(file.name)}", "is damaged, or no script that was kept"
            )


def _wrong(folder: Path) -> Iterator[tuple[str, str]]:
    """Files of a snapshot with what is wrong with them."""
    try:
        manifest = share_manifest(folder)
    except SnapshotError as error:
        yield "snapshot.json", str(error)
        return
    hashes = manifest["sha256"]
    yield from wrong_files(folder, hashes)
    there = {Path(root, name).relative_to(folder).as_posix() for root, _, names in os.walk(folder) for name in names}
    for name in sorted(there - hashes.keys() - {"snapshot.json"}):
        yield printable(name), "is not in the list of snapshot.json"
    problems: list[Problem] = []
    statuses = read_statuses(folder / "status.csv", None, problems)
    yield from problems
    number = manifest.get("tasks")
    if isinstance(number, int) and not problems and len(statuses) != number:
        yield "status.csv", f"has {len(statuses)} tasks, and snapshot.json says {number}"
    if manifest["definitions_read"] and not StoredDefinitions.of(folder, manifest):
        yield "snapshot.json", f"its definitions ({manifest['definitions']}) are not there"


def _other_days(store: Store) -> Iterator[Problem]:
    """A problem for each stored day that is not what its snapshots give now."""
    for day in sorted(store.wanted):
        if not (file := store.file(day)):
            continue
        try:
            if day in store.pruned:  # nothing else can build it
                read_day(day[0], file)
                continue
            content, name = build_day(replace(store.job(day), older=None))
            if read_day(day[0], file) != checked(day[0], name, content):
                yield Problem(f"history/{file.name}", "differs from its snapshots as they are now")
        except FileNotFoundError:
            pass  # another process has just replaced it
        except Exception as error:
            yield Problem(f"history/{file.name}", f"is damaged ({clip(reason_of(error))})")


# Rebuild and prune ----------------------------------------------------------------------------------------------------


def rebuild(data: str | Path) -> int:
    """Delete the store, so that the next update builds it again; snapshots, logs and files of others stay.

    Returns the number of days that stay as they are: of these snapshots were pruned, and nothing can build them again.
    """
    store = open_store(data)
    if store.is_closed:
        raise SnapshotError(store.lost[-1].file + " " + store.lost[-1].what)
    kept = {day for day, files in store.files.items() if day in store.pruned or any(file.pruned for file in files)}
    files = [store.place(day, file) for day in store.files.keys() - kept for file in store.files[day]]
    for file in [*files, *store.rests]:
        file.unlink()
    delete_logs(store.data)
    return len(kept)


class Pruning(NamedTuple):
    """A plan of `prune`: the snapshots to delete, oldest first, and the old ones that stay, by the reason."""

    deleted: list[Stamped]
    kept: dict[str, list[Stamped]]


NEWEST = "no later one of its server is there"
NEEDED = "a later one uses its definitions"
LAST = "no later one read definitions"
EXPLAINS = "its definitions explain the runs of deleted ones"


def plan_pruning(data: str | Path, *, before: datetime) -> Pruning:
    """Plan to delete the snapshots taken earlier than `before` (aware); nothing is changed.

    Of each server the newest snapshot stays, the newest that read definitions, and those that store definitions: they
    are few, and without them old results could not be decoded. UnfinishedError where a snapshot that decides this, or a
    file of it, can't be read: it may need one that would go.
    """
    store = open_store(data)
    snapshots = _snapshots(store)
    wrong = [*store.unseen, *store.later_than(datetime.now(UTC) + CLOCKS_APART)]
    unreadable = [problem.file for problem in wrong]
    reasons: dict[Path, str] = {}
    decisive: dict[Path, None] = {}
    for _, group in groupby(sorted(snapshots, key=attrgetter("server", "taken_at")), key=attrgetter("server")):
        newest, *others = reversed(list(group))
        reasons[newest.path] = NEWEST
        has_definitions = False
        for snapshot in [newest, *others]:
            if snapshot.taken_at < before and has_definitions:
                break
            decisive.setdefault(snapshot.path)
            with suppress(SnapshotError):
                stamp = share_manifest(snapshot.path)["definitions"]
                if not stamp:
                    continue
                if snapshot.taken_at < before:
                    reasons.setdefault(snapshot.path, LAST)
                needed = snapshot_folder(snapshot.path.parent.parent, stamp)
                reasons.setdefault(needed, NEEDED)
                decisive.setdefault(needed)
                has_definitions = True
    unreadable += [f"{folder.parents[1].name}/{folder.name}" for folder in decisive if not _is_whole(folder)]
    if unreadable:
        names = [*unreadable[:5], *([f"{len(unreadable) - 5} more"] if len(unreadable) > 5 else [])]
        them = "it can't be read and may need" if len(unreadable) == 1 else "they can't be read and may need"
        raise UnfinishedError(f"nothing is deleted because of {listed(names)}: {them} older definitions")
    old = [snapshot for snapshot in snapshots if snapshot.taken_at < before]
    for snapshot in old:
        if (snapshot.path / "tasks").is_dir():
            reasons.setdefault(snapshot.path, EXPLAINS)
    kept: dict[str, list[Stamped]] = {}
    for snapshot in old:
        if snapshot.path in reasons:
            kept.setdefault(reasons[snapshot.path], []).append(snapshot)
    return Pruning([snapshot for snapshot in old if snapshot.path not in reasons], kept)


def _is_whole(folder: Path) -> bool:
    """Whether the manifest of a snapshot and all files that it lists can be read and are as they were written."""
    try:
        return not wrong_files(folder, share_manifest(folder)["sha256"])
    except SnapshotError:
        return False


def prune(data: str | Path, plan: Pruning) -> None:
    """Delete the snapshots of a plan; the store keeps what it knows of them.

    Each is renamed first, so that a killed process leaves no half of one. UnfinishedError where the store can't be
    brought up to date before: nothing is deleted then.
    """
    problems, store = update_store(data, check=True), open_store(data)
    known = read_pruned(store.data)
    for snapshot in plan.deleted:
        day = (snapshot.server, snapshot.taken_at.date().isoformat())
        if not store.file(day):
            why = f" ({problems[0].what})" if problems else ""
            raise UnfinishedError(f"nothing is deleted: the history, which keeps their runs, is not up to date{why}")
        known[day] = sorted({*known.get(day, ()), snapshot.path.name})
    if plan.deleted:
        write_pruned(store.data, known)
        update_store(data)  # marks the files of their days
    for snapshot in plan.deleted:
        beside = beside_of(snapshot.path)
        rename(snapshot.path, beside)
        remove(beside)
        with suppress(OSError):  # other snapshots of that month are left
            snapshot.path.parent.rmdir()


def age(text: str) -> timedelta:
    """Parse a number of days such as ``90d``; ValueError for anything else.

    >>> age("400d").days
    400
    """
    found = re.fullmatch(r"([0-9]{1,5})d", text)
    if not found:
        raise ValueError(f"'{clip(text)}' is not a number of days such as 400d")
    return timedelta(days=int(found[1]))
