"""Thirty days of the sample share, played day by day: it grows, and each day `notify` runs once.

``python -m tests.whole.played SHARE URL`` plays the days that are left; the file ``day`` beside the share is the next.
"""

import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from taskanalysis.cli.notify import run
from taskanalysis.snapshot import list_snapshots
from tests.build import ROOT

DAYS = 30
LAST = datetime(2026, 11, 23, 12, tzinfo=UTC)


def noon(day: int) -> datetime:
    return LAST - timedelta(days=DAYS - 1 - day)


def grow(share: Path, now: datetime) -> None:
    """Add the snapshots of the sample up to `now`, each by a rename, as `collect` does."""
    share.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(ROOT / "data" / "rules.toml", share / "rules.toml")
    for each in list_snapshots(ROOT / "data"):
        place = share / each.path.relative_to(ROOT / "data")
        if each.taken_at <= now and not place.exists():
            beside = place.with_name(f".{place.name}.tmp")
            shutil.rmtree(beside, ignore_errors=True)
            shutil.copytree(each.path, beside)
            beside.rename(place)


def play(share: Path, day: int, *urls: str) -> int:
    grow(share, noon(day))
    return run(str(share), to=urls, to_file=None, link="https://town.example/reports", now=noon(day))


if __name__ == "__main__":
    where, *to = sys.argv[1:]
    mark = Path(where).with_name("day")
    while (today := int(mark.read_text(encoding="utf-8"))) < DAYS:
        assert play(Path(where), today, *to) == 0
        mark.with_name("day.tmp").write_text(str(today + 1), encoding="utf-8")
        mark.with_name("day.tmp").replace(mark)
