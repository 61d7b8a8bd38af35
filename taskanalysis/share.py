r"""The share: a folder with the snapshots of one or more servers, each known by the name of its folder alone.

Authority: the layout is ours (``data/README.md``).

>>> [known.server for known in list_snapshots(sample_share())[:1]]
['OPENDATA01']
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from taskanalysis.errors import SnapshotError, clip
from taskanalysis.taskfiles import long_path

__all__ = ["Stamped", "instant", "list_snapshots", "sample_share", "server_folder", "stamped"]


class Stamped(NamedTuple):
    """A snapshot folder of a share, known by its name alone."""

    taken_at: datetime
    server: str
    path: Path


def list_snapshots(data: Path, server: str | None = None) -> list[Stamped]:
    """All snapshots of a share (of one server, where named), oldest first; found by their names, none is opened."""
    found = []
    for month in (long_path(data) / "snapshots").glob("*/[0-9][0-9][0-9][0-9]-[0-9][0-9]"):
        name = month.parent.name
        if month.is_dir() and (server is None or name.casefold() == server.casefold()):
            stamps = os.listdir(month)  # noqa: PTH208 (3,000 names a month, and no paths wanted)
            found += [Stamped(moment, name, month / stamp) for stamp in stamps if (moment := stamped(stamp))]
    return sorted(found)


def server_folder(data: Path, server: str, below: str = "snapshots") -> Path:
    """Where the snapshots (or ``eventlogs``) of a server lie; SnapshotError where `server` is no name for a folder."""
    if not re.fullmatch(r"\w[\w.-]*", server):
        raise SnapshotError(f"'{clip(server)}' is not the name of a server")
    return long_path(data) / below / server


def sample_share() -> Path:
    """The sample share of a checkout; SnapshotError where the package was installed without one."""
    share = Path(__file__).parents[1] / "data"
    if (share / "make_sample.py").is_file():
        return share
    raise SnapshotError("name a share with --data: the sample share is only in a checkout of the project")


def stamped(name: str) -> datetime | None:
    """The moment that the name of a snapshot's folder tells, None for any other name."""
    try:
        return datetime.fromisoformat(name).astimezone(UTC) if _STAMP.fullmatch(name) else None
    except ValueError:
        return None


_STAMP = re.compile(r"[0-9]{8}T[0-9]{6}Z")


def instant(text: str, zone: str) -> datetime:
    """What an ISO time means, local time of `zone` where it has no offset; SnapshotError where it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SnapshotError(f"'{clip(text)}' is not a time such as 2026-11-23T06:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone) if zone else UTC)
