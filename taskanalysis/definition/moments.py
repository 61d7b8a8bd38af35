"""The times that a caller names: the one check of `at`, `since`, `until`, `start` and `end`.

A time is ISO 8601 text, a date (its midnight), or a datetime; pandas' Timestamp is one. Without an offset it is
wall-clock time of the server.

>>> instant("2026-11-23", "America/New_York").isoformat()
'2026-11-23T00:00:00-05:00'
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, tzinfo
from zoneinfo import ZoneInfo

from taskanalysis.errors import TimeError
from taskanalysis.text import clip

Time = str | date | datetime
"""ISO 8601 text, a date, or a datetime, naive or aware."""


def wall_time(given: Time) -> datetime:
    """The datetime that is meant, naive where it has no offset; TimeError for anything else, such as NaT.

    >>> wall_time(date(2026, 11, 23))
    datetime.datetime(2026, 11, 23, 0, 0)
    """
    if hasattr(given, "item"):  # a time of numpy
        given = given.item()
    if isinstance(given, datetime) and given == given:  # noqa: PLR0124 (pandas' NaT is a datetime)
        return given
    if isinstance(given, date) and not isinstance(given, datetime):
        return datetime.combine(given, time())
    try:
        return datetime.fromisoformat(given)  # type: ignore[arg-type]  # a caller may give anything
    except (TypeError, ValueError):
        raise TimeError(f"'{clip(str(given))}' is not a time such as 2026-11-23T06:00 or 2026-11-23") from None


def asked_time(given: Time | None) -> datetime | None:
    """The same, and None where no time is asked for (None or "")."""
    return None if given is None or given == "" else wall_time(given)


def instant(given: Time, zone: tzinfo | str = "") -> datetime:
    """The same as an aware datetime, on the clock of `zone` (IANA name or tzinfo; UTC for "") where it has no offset.

    Its years are 2 to 9998, so that no zone pushes it out of the calendar: what is earlier or later is cut to these.
    """
    moment = wall_time(given)
    if moment.tzinfo is None or moment.utcoffset() is None:
        moment = moment.replace(tzinfo=(ZoneInfo(zone) if isinstance(zone, str) else zone) if zone else UTC)
    if 1 < moment.year < 9999:
        return moment
    return datetime(2 if moment.year == 1 else 9999, 1, 1, tzinfo=UTC)
