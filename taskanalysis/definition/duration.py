"""Spans of time as task definitions write them: ``xs:duration``.

Authority: XML Schema Part 2, 3.2.6, as [MS-TSCH] 2.5 uses it (no negative spans). A month has no fixed length, so
``P1M`` is no timedelta: months and the rest are kept apart.

>>> Duration.parse("P1DT2H47M").words()
'1 day 2 hours 47 minutes'
>>> Duration.parse("P1M")
Duration(months=1, delta=datetime.timedelta(0))
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from taskanalysis.text import count

_PATTERN = re.compile(
    r"P(?=[0-9T])(?:([0-9]{1,9})Y)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})D)?"
    r"(?:T(?=[0-9])(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9}(?:\.[0-9]+)?)S)?)?"
)


@dataclass(frozen=True, slots=True)
class Duration:
    """Whole months, and a timedelta for the rest; neither is negative."""

    months: int = 0
    delta: timedelta = timedelta(0)

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read ``PT15M``, ``P1DT12H``, ``P1M``; ValueError for anything else, or for a number of more than 9 digits.

        >>> Duration.parse("PT0S").is_zero
        True
        """
        match = _PATTERN.fullmatch(text)
        if not match:
            raise ValueError("is not a duration such as PT15M")
        years, months, days, hours, minutes = (int(part or 0) for part in match.groups()[:5])
        try:
            delta = timedelta(days=days, hours=hours, minutes=minutes, seconds=float(match[6] or 0))
        except OverflowError:
            raise ValueError("is too long a duration") from None
        return cls(12 * years + months, delta)

    @property
    def is_zero(self) -> bool:
        """``PT0S``, which Task Scheduler uses for "no limit"."""
        return not self.months and not self.delta

    def words(self) -> str:
        """In English, days as the largest exact unit.

        >>> Duration.parse("PT72H").words(), Duration.parse("P8D").words(), Duration.parse("P14M").words()
        ('3 days', '8 days', '1 year 2 months')
        """
        # "8 days", not "1 week 1 day": readers compare it with the log
        whole = self.delta // timedelta(seconds=1)
        minutes, seconds = divmod(whole, 60)
        parts = [
            (self.months // 12, "year"),
            (self.months % 12, "month"),
            (minutes // 1440, "day"),
            (minutes // 60 % 24, "hour"),
            (minutes % 60, "minute"),
            (round(seconds + self.delta.microseconds / 1e6, 6) if self.delta.microseconds else seconds, "second"),
        ]
        return " ".join(count(number, unit) for number, unit in parts if number) or "0 seconds"
