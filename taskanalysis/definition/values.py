"""Parse the text of one element: a boolean, a number, a date and time, or a duration, as task definitions write them.

Authority: XML Schema Part 2, 3.2 and 3.3, as [MS-TSCH] 2.5 uses it. Spaces around a text are ignored, and an empty text
is None. Any other text is a ValueError with its reason; the reader adds the path of the element.

>>> boolean(" 1 "), integer("007"), date_time("2026-11-23T06:30:00"), duration("")
(True, 7, datetime.datetime(2026, 11, 23, 6, 30), None)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from taskanalysis.definition.duration import Duration
from taskanalysis.definition.model import LAST, OrLast


def boolean(text: str) -> bool | None:
    """Read ``true``, ``1``, ``false`` or ``0``, in any case."""
    word = text.strip().lower()
    if word in ("true", "1"):
        return True
    if word in ("false", "0"):
        return False
    if not word:
        return None
    raise ValueError("is not true or false")


def integer(text: str) -> int | None:
    """Read a number of up to nine digits."""
    text = text.strip()
    if text and not re.fullmatch(r"[0-9]{1,9}", text):
        raise ValueError("is not a whole number")
    return int(text) if text else None


def interval(text: str) -> int | None:
    """Read a number of days or weeks, at least 1."""
    number = integer(text)
    if number == 0:
        raise ValueError("must be at least 1")
    return number


def or_last(text: str, most: int) -> OrLast:
    """Read a day or week of a month: 1 to `most`, or ``Last``; it can't be empty.

    >>> or_last("last", 31)
    'Last'
    """
    text = text.strip()
    if text.capitalize() == LAST:
        return LAST
    if not re.fullmatch(r"[0-9]{1,2}", text) or not 1 <= int(text) <= most:
        raise ValueError(f"is not 1 to {most} or Last")
    return int(text)


def duration(text: str) -> Duration | None:
    """Read an ``xs:duration``."""
    text = text.strip()
    return Duration.parse(text) if text else None


_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})?"
)


def date_time(text: str) -> datetime | None:
    """Read an ``xs:dateTime``: naive where it has no offset, cut off below the microsecond.

    >>> date_time("2026-01-04T24:00Z"), date_time("2024-11-04T11:42:41.3684096").microsecond
    (datetime.datetime(2026, 1, 5, 0, 0, tzinfo=datetime.timezone.utc), 368409)
    """
    text = text.strip()
    if not text:
        return None
    try:
        if not _DATE_TIME.fullmatch(text):
            raise ValueError
        if "T24:" not in text:
            return datetime.fromisoformat(text)
        midnight = datetime.fromisoformat(text.replace("T24:00", "T00:00"))  # xs:dateTime's end of the day
        if midnight.time() != datetime.min.time():
            raise ValueError
        return midnight + timedelta(days=1)
    except (ValueError, OverflowError):
        raise ValueError("is not a date and time such as 2026-11-23T06:30:00") from None


def remembered(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """The same function with its results for short texts kept: the same few occur in every task.

    >>> switch = remembered(boolean)
    >>> switch("true"), switch("true"), switch("")
    (True, True, None)
    """
    return _Texts(read).__getitem__  # a look-up takes a third of a call


class _Texts(dict[str, Any]):
    def __init__(self, read: Callable[[str], Any]) -> None:
        self.read = read

    def __missing__(self, text: str) -> Any:
        value = self.read(text)
        if len(text) < 40 and len(self) < 4096:
            self[text] = value
        return value
