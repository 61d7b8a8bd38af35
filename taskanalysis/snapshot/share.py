r"""The share: a folder with the snapshots of one or more servers, each known by the name of its folder alone.

Authority: the layout is ours (``data/README.md``).

>>> [known.server for known in list_snapshots(sample_share())[:1]]
['OPENDATA01']
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from taskanalysis.errors import SnapshotError
from taskanalysis.snapshot.paths import long_path
from taskanalysis.text import clip

__all__ = [
    "Stamped",
    "instant",
    "list_servers",
    "list_snapshots",
    "newest_first",
    "sample_share",
    "server_folder",
    "stamped",
]


class Stamped(NamedTuple):
    """A snapshot folder of a share, known by its name alone."""

    taken_at: datetime
    server: str
    place: str

    @property
    def path(self) -> Path:
        """The folder; made when it is asked for, since a year has 35,000 of them."""
        return Path(self.place)


def list_snapshots(data: Path, server: str | None = None) -> list[Stamped]:
    """All snapshots of a share (of one server, where named), oldest first; found by their names, none is opened."""
    return sorted(newest_first(data, server))


def newest_first(data: Path, server: str | None = None) -> Iterator[Stamped]:
    """The same, newest first; a month is listed when it is reached, since a year has 35,000 of them."""
    wanted = [each for each in _months(data) if server is None or each[0].casefold() == server.casefold()]
    wanted.sort(key=lambda each: each[1].name, reverse=True)
    for _, group in groupby(wanted, key=lambda each: each[1].name):
        found = []
        for name, month in group:
            known = ((moment, stamp) for stamp in _names(month) if (moment := stamped(stamp)))
            found += [Stamped(moment, name, f"{month}{os.sep}{stamp}") for moment, stamp in known]
        yield from sorted(found, reverse=True)


def list_servers(data: Path) -> list[str]:
    """The servers that have a snapshot in a share, as lists show them."""
    months = groupby(_months(data), key=itemgetter(0))
    found = (name for name, group in months if any(stamped(stamp) for _, month in group for stamp in _names(month)))
    return sorted(found, key=str.casefold)


def _months(data: Path) -> Iterator[tuple[str, Path]]:
    """The folders of months with the server of each, server by server."""
    for month in (long_path(data) / "snapshots").glob("*/[0-9][0-9][0-9][0-9]-[0-9][0-9]"):
        if month.is_dir():
            yield month.parent.name, month


def _names(month: Path) -> list[str]:
    return os.listdir(month)  # noqa: PTH208 (3,000 names a month, and no paths wanted)


def server_folder(data: Path, server: str, below: str = "snapshots") -> Path:
    """Where the snapshots (or ``eventlogs``) of a server lie; SnapshotError where `server` is no name for a folder."""
    if not re.fullmatch(r"\w[\w.-]*", server):
        raise SnapshotError(f"'{clip(server)}' is not the name of a server")
    return long_path(data) / below / server


def sample_share() -> Path:
    """The sample share of a checkout; SnapshotError where the package was installed without one."""
    share = Path(__file__).parents[2] / "data"
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
