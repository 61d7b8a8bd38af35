r"""Maintain a share: verify its snapshots, find gaps, delete old ones, rebuild the store.

>>> found = verify("data")
>>> found.snapshots, found.problems, [f"{gap.days} days" for _, gap in found.gaps]
(222, [], ['2 days', '2 days'])
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from pathlib import Path
from typing import NamedTuple

from taskanalysis.errors import Problem, SnapshotError
from taskanalysis.history.store import open_store
from taskanalysis.snapshot import (
    Stamped,
    StoredDefinitions,
    beside_of,
    list_snapshots,
    long_path,
    read_manifest,
    read_statuses,
    snapshot_folder,
    wrong_files,
)
from taskanalysis.text import clip

GAP = 1.5
"""An interval between snapshots that is longer than this many median intervals is a gap."""


class Verified(NamedTuple):
    """The result of `verify`: the number of snapshots, problems, and gaps (the snapshot before, and how long)."""

    snapshots: int
    problems: list[Problem]
    gaps: list[tuple[Stamped, timedelta]]


def verify(data: str | Path) -> Verified:
    """Compare every file of every snapshot with its hash in ``snapshot.json``; SnapshotError where it is no share."""
    open_store(data)
    known = list_snapshots(Path(data))
    problems = [
        Problem(f"{each.server}/{each.path.name}/{file}", what) for each in known for file, what in _wrong(each)
    ]
    gaps = []
    for _, group in groupby(sorted(known, key=lambda each: (each.server, each.taken_at)), key=lambda each: each.server):
        pairs = [(before, after.taken_at - before.taken_at) for before, after in pairwise(group)]
        usual = sorted(gap for _, gap in pairs)[len(pairs) // 2] if pairs else timedelta(0)
        gaps += [(before, gap) for before, gap in pairs if gap > GAP * usual]
    return Verified(len(known), problems, gaps)


def _wrong(known: Stamped) -> Iterator[tuple[str, str]]:
    """Files of a snapshot with what is wrong with them."""
    try:
        manifest = read_manifest(known.path)
    except SnapshotError as error:
        yield "snapshot.json", str(error)
        return
    hashes = manifest["sha256"]
    yield from wrong_files(known.path, hashes)
    there = {path.relative_to(known.path).as_posix() for path in known.path.rglob("*") if path.is_file()}
    for name in sorted(there - hashes.keys() - {"snapshot.json"}):
        yield name, "is not in the list of snapshot.json"
    problems: list[Problem] = []
    statuses = read_statuses(known.path / "status.csv", None, problems)
    yield from problems
    number = manifest.get("tasks")
    if isinstance(number, int) and not problems and len(statuses) != number:
        yield "status.csv", f"has {len(statuses)} tasks, and snapshot.json says {number}"
    if manifest["definitions_read"] and not StoredDefinitions.of(known.path, manifest):
        yield "snapshot.json", f"its definitions ({manifest['definitions']}) are not there"


def rebuild(data: str | Path) -> None:
    """Delete the store of days, so that the next update builds it again; snapshots stay."""
    open_store(data)
    for folder in (long_path(data) / "history").glob("server=*"):
        shutil.rmtree(folder)


def prune(data: str | Path, *, before: datetime) -> list[Stamped]:
    """Delete and return the snapshots taken earlier than `before` (aware).

    Those whose definitions a later snapshot names stay, whatever their age, and so does the newest of each server. A
    snapshot is renamed first, so that a killed process leaves no half of one.
    """
    open_store(data)
    known = list_snapshots(Path(data))
    newest = {each.server: each.path for each in known}
    young = [each for each in known if each.taken_at >= before or each.path == newest[each.server]]
    needed = {each.path for each in young}
    for each in young:
        with suppress(SnapshotError):  # a damaged one needs none
            stamp = read_manifest(each.path)["definitions"]
            needed |= {snapshot_folder(each.path.parent.parent, stamp)} if stamp else set()
    old = [each for each in known if each.path not in needed]
    for each in old:
        beside = each.path.rename(beside_of(each.path))
        shutil.rmtree(beside)
        with suppress(OSError):  # other snapshots of that month are left
            each.path.parent.rmdir()
    return old


def age(text: str) -> timedelta:
    """Parse a number of days such as ``90d``; ValueError for anything else.

    >>> age("400d").days
    400
    """
    found = re.fullmatch(r"([0-9]{1,5})d", text)
    if not found:
        raise ValueError(f"'{clip(text)}' is not a number of days such as 400d")
    return timedelta(days=int(found[1]))
