"""Moments and spans as readers say them.

>>> from datetime import UTC
>>> near = datetime(2026, 11, 23, 6, 2, tzinfo=UTC)
>>> [say(datetime(2026, 11, day, 5, 10, tzinfo=UTC), near) for day in (9, 22, 23, 24)]
['Mon 9 Nov 05:10', 'yesterday 05:10', 'today 05:10', 'tomorrow 05:10']
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

_NEAR = {-1: "yesterday", 0: "today", 1: "tomorrow"}


def say(moment: datetime, near: datetime) -> str:
    """A moment to the minute, in its own zone; `near` is when its readers' data were taken, in the same zone."""
    return f"{say_day(moment.date(), near.date())} {moment:%H:%M}"


def say_day(day: date, near: date) -> str:
    """A day with its weekday, and with its year where that is not the one of `near`.

    >>> say_day(date(2025, 11, 9), date(2026, 11, 23)), say_day(date(2026, 11, 22), date(2026, 11, 23))
    ('Sun 9 Nov 2025', 'yesterday')
    """
    if word := _NEAR.get((day - near).days):
        return word
    year = "" if day.year == near.year else f" {day.year}"
    return f"{day:%a} {day.day} {day:%b}{year}"


def spoken(sentence: str, near: datetime) -> str:
    """A sentence of ours with its times as `say` has them; those in names of tasks stay, and those to the second.

    >>> spoken("It failed at 2026-11-22 21:15, first on 2026-11-09: Load 2026-11-22.", datetime(2026, 11, 23, 6, 2))
    'It failed yesterday 21:15, first on Mon 9 Nov: Load 2026-11-22.'
    """

    def words(found: re.Match[str]) -> str:
        try:
            day = date.fromisoformat(found["day"])
        except ValueError:
            return found[0]
        said = f"{say_day(day, near.date())} {found['time'] or ''}".rstrip()
        # "at Mon 9 Nov", "on yesterday" and "at today" are no English
        bare = found["joint"] == "at" or (found["joint"] == "on" and said.split()[0] in _NEAR.values())
        return said if bare else f"{found['joint']} {said}"

    return _OUR_TIME.sub(words, sentence)


_OUR_TIME = re.compile(
    r"\b(?P<joint>at|on|since|from|to|until|by|before|after|of|ended|and|between) (?P<day>\d{4}-\d\d-\d\d)"
    r"(?! \d\d:\d\d:\d)(?: (?P<time>\d\d:\d\d))?(?![\w-])",
    re.IGNORECASE,
)


def ago(span: timedelta) -> str:
    """A span in its largest unit of which there are two, rounded.

    >>> ago(timedelta(days=13, hours=22)), ago(timedelta(hours=44)), ago(timedelta(minutes=101)), ago(timedelta(0))
    ('14 days', '44 hours', '101 minutes', '0 minutes')
    """
    minutes = max(span // timedelta(minutes=1), 0)
    size, unit = (1, "minute") if minutes < 120 else (60, "hour") if minutes < 2880 else (1440, "day")
    number = round(minutes / size)
    return f"{number:,} {unit}" if number == 1 else f"{number:,} {unit}s"
