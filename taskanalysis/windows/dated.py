"""A folder of dated folders, as scripts leave one for each export: which are they, and of when?

>>> import tempfile
>>> place = Path(tempfile.mkdtemp())
>>> for name in ("2026-11-21", "2026-11-22_0700", "old"):
...     (place / name).mkdir()
>>> [at for at, _ in dated_folders(place)[0]], dated_folders(place)[1]
(['2026-11-21T12:00:00', '2026-11-22T07:00:00'], ['old'])
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from taskanalysis.errors import SnapshotError
from taskanalysis.schedule import known_zone

_DATED = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(?:[T_ -]?(\d\d)[-:.h]?(\d\d)(?:[-:.]?(\d\d))?)?(?!\d)")


def dated_folders(source: Path, zone: str = "") -> tuple[list[tuple[str, Path]], list[str]]:
    """The time (ISO) and place of each dated folder, and the names of what lies beside them.

    Its time is in its name; where this has a date only, the newest file of that day tells it, in `zone` (IANA; "" is
    UTC), or else it is noon. Nothing is dated where other things lie beside a single one. SnapshotError for 30 February
    and the like.
    """
    if not source.is_dir() or (source / "snapshots").is_dir():
        return [], []
    inside = sorted(source.iterdir())
    dated = [(found, folder) for folder in inside if folder.is_dir() and (found := _DATED.match(folder.name))]
    if len(dated) < (2 if len(dated) < len(inside) else 1):
        return [], []
    times = []
    for found, folder in dated:
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
        try:
            at = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 (local time of the server)
        except ValueError as error:
            raise SnapshotError(f"{folder.name} is no date ({error})") from None
        if not found[4]:
            newest = max((file.stat().st_mtime for file in folder.rglob("*") if file.is_file()), default=0.0)
            written = datetime.fromtimestamp(newest, known_zone(zone) if zone else UTC).replace(
                tzinfo=None, microsecond=0
            )
            at = written if written.date() == at.date() else at.replace(hour=12)
        times.append((at.isoformat(), folder))
    folders = {folder for _, folder in dated}
    return sorted(times), [path.name for path in inside if path not in folders]
