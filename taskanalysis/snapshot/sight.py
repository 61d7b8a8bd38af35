r"""What the collector of a snapshot lost from the one before: rights, account, folders, properties, tasks.

Authority: without elevation Windows lists only the tasks that the account may read (FACTS on collecting). What is lost
from one snapshot to the next is loud at once; tasks that stay hidden are found by the history (`health`).

>>> was = {"elevated": True, "collected_by": "SYSTEM", "problems": [], "tasks": 8}
>>> now = {"elevated": False, "collected_by": "TOWN\\bob", "problems": [["\\Secret", "access is denied"]], "tasks": 5}
>>> print(*lost_between(was, now), sep="\n")
The collector is no longer elevated, and runs as TOWN\bob, before as SYSTEM.
It was refused \Secret (access is denied).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from taskanalysis.errors import SnapshotError
from taskanalysis.snapshot.paths import in_scope
from taskanalysis.snapshot.share import folders_above, newest_first, share_manifest
from taskanalysis.snapshot.snapshot import Snapshot

DELETED = "was deleted while collecting"
"""What the collector notes of a task that was there at first: it was not refused."""


def refused_folders(notes: Sequence[Sequence[str]]) -> dict[str, str]:
    r"""The task folders and tasks that the collector was refused, with the reason, from the problems in a manifest.

    >>> refused_folders([["\\Secret", "access is denied"], ["\\A\\B", DELETED], ["status.csv", "damaged"]])
    {'\\Secret': 'access is denied'}
    """
    return {place: what for place, what in notes if place.startswith("\\") and what != DELETED}


def is_refused(path: str, refused: Mapping[str, str] | Sequence[str]) -> bool:
    """Whether a task is one of the refused places or lies below one."""
    return any(path.casefold() == place.casefold() or in_scope(path, [place]) for place in refused)


def lost_sight(snapshot: Snapshot, folder: str = "") -> list[str]:
    r"""What the collector could see in the snapshot before and not in this one, as sentences; none outside a share.

    Of refusals, those count that concern `folder` ("": all outside ``\Microsoft``).
    """
    lost = []
    statuses = snapshot.statuses.values()
    if statuses and not any(status.state or status.last_run or status.last_result is not None for status in statuses):
        lost.append("Of no task is state, last run or result known.")
    before = _before(snapshot)
    return lost + (lost_between(before, snapshot.manifest, folder) if before else [])


def lost_between(
    before: Mapping[str, Any], now: Mapping[str, Any], folder: str = "", *, hidden: Sequence[str] = ()
) -> list[str]:
    """What the collector lost from one snapshot to a later one of its server, by their manifests, as sentences.

    Where the paths of tasks are given that only the first shows (`hidden`), those refusals count that hide them.
    """
    lost = []
    elevated, account = now.get("elevated"), now.get("collected_by") or "an unknown account"
    if elevated is not True:
        was = before.get("collected_by") or "an unknown account"
        rights = ["is no longer elevated"] if before.get("elevated") is True else []
        rights += [f"runs as {account}, before as {was}"] if account != was else []
        lost += [f"The collector {', and '.join(rights)}."] if rights else []
    earlier = refused_folders(before.get("problems") or ())
    for place, what in refused_folders(now.get("problems") or ()).items():
        concerned = in_scope(place + "\\", [folder] if folder else []) or (folder and in_scope(folder + "\\", [place]))
        if hidden:
            concerned = any(is_refused(path, [place]) for path in hidden)
        if place not in earlier and concerned:
            lost.append(f"It was refused {place} ({what}).")
    if not now.get("tasks") and before.get("tasks"):
        lost.append(f"It listed no task, and {before['tasks']} before.")
    return lost


def _before(snapshot: Snapshot) -> dict[str, Any] | None:
    """The manifest of the last snapshot of the server before this one that can be read."""
    above = folders_above(snapshot.source)
    if not snapshot.manifest or len(above) < 4:
        return None
    for earlier in newest_first(above[3], above[1].name):
        if earlier.taken_at < snapshot.taken_at:
            try:
                return share_manifest(earlier.path)
            except SnapshotError:
                continue
    return None
