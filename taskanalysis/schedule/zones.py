"""Time zones: the check of a name, and wall-clock times converted to instants, many at once.

Authority: the IANA database through `zoneinfo` (`tzdata` on Windows), and PEP 495 for times that a change of the clocks
skips or repeats: with ``fold=0`` a skipped time moves forward by the gap, a repeated one is its first pass. Task
Scheduler's own behaviour in such hours is not specified (KB 325413): `ZoneClock.is_settled` is False there.

Moments are whole microseconds since 1970: of UTC, or, as wall-clock time, as if the wall were UTC.

>>> clock = zone_clock(ZoneInfo("America/New_York"), 2026, 2026)
>>> [str(moment)[:16] for moment in clock.changes.astype("datetime64[us]")]
['2026-03-08T07:00', '2026-11-01T06:00']
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from taskanalysis.errors import ZoneError
from taskanalysis.text import clip

Moments = NDArray[np.int64]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# no two changes of a zone since 1970 are closer than 7 days (measured over all zones of tzdata 2026)
_STEP = timedelta(days=3)


class ZoneClock(NamedTuple):
    """The changes of a zone's offset within some years: their instants, and the offsets before and after each."""

    changes: Moments
    offsets: Moments

    def instants(self, wall: Moments) -> Moments:
        """The instants of wall-clock times; skipped ones move forward, repeated ones are taken once, the first."""
        borders = self.changes + np.maximum(self.offsets[:-1], self.offsets[1:])
        return wall - self.offsets[np.searchsorted(borders, wall, side="right")]

    def is_settled(self, instants: Moments) -> NDArray[np.bool_]:
        """False for as long as the shift after a skipped time, and in both passes of a repeated one."""
        shifts = np.diff(self.offsets)
        begins, ends = self.changes + np.minimum(shifts, 0), self.changes + np.abs(shifts)
        settled: NDArray[np.bool_] = np.searchsorted(begins, instants, side="right") == np.searchsorted(
            ends, instants, side="right"
        )
        return settled


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 of an aware moment."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(instant: int, zone: tzinfo) -> datetime:
    """The aware moment, in a zone, of microseconds since 1970."""
    moment = _EPOCH + timedelta(microseconds=instant)
    return moment if zone is UTC else moment.astimezone(zone)


# a day and more from the ends of the calendar, so that no offset leads out of it
EARLIEST, LATEST = (microseconds(datetime(year, 1, 1, tzinfo=UTC)) for year in (2, 9999))


def known_zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name; ZoneError for any other text.

    >>> known_zone("America/New_York").key
    'America/New_York'
    """
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # a folder of the database, a path out of it, an unknown name
        raise ZoneError(f"'{clip(name)}' is not the name of a time zone, such as America/New_York") from None


@lru_cache(maxsize=512)
def zone_clock(zone: tzinfo, first_year: int, last_year: int) -> ZoneClock:
    """The clock of a zone from the start of one year to the end of another."""
    years = range(max(first_year, 2), min(last_year, 9998) + 1)
    changes = [change for year in years for change in _changes(zone, year)]
    offset_first = _offset(zone, datetime(years[0], 1, 1, tzinfo=UTC))
    return ZoneClock(
        np.array([microseconds(instant) for instant, _ in changes], dtype=np.int64),
        np.array([offset_first, *(offset for _, offset in changes)], dtype=np.int64),
    )


@lru_cache(maxsize=4096)
def _changes(zone: tzinfo, year: int) -> list[tuple[datetime, int]]:
    """Instant and new offset of each change within a year of UTC."""
    changes = []
    low, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    while low < end:
        high = min(low + _STEP, end)
        if _offset(zone, low) != _offset(zone, high):
            changes.append(_between(zone, low, high))
        low = high
    return changes


def _between(zone: tzinfo, low: datetime, high: datetime) -> tuple[datetime, int]:
    """Instant and new offset of the one change between two instants, by bisection."""
    before = _offset(zone, low)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // timedelta(seconds=2) * timedelta(seconds=1)
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    return high, _offset(zone, high)


def _offset(zone: tzinfo, moment: datetime) -> int:
    return (moment.astimezone(zone).utcoffset() or timedelta(0)) // _MICROSECOND
