"""Words and dates that schtasks and PowerShell print, in sixteen languages of Windows.

Authority for words: ``languages.csv`` beside this module, which says of each where it was seen. A word that it does not
have means nothing here: it is not known.

Case, accents, spaces and lost characters do not matter: a wrong code page and the ``?`` of an ASCII export still match.

>>> state_of("Wird ausgef?hrt"), field_of("Nächste Laufzeit"), enabled_of("Wyłączony")
('Running', 'next_run', False)

Authority for dates: the short date and long time formats of Windows' locales, as far as they are Gregorian: dots,
slashes or dashes, 12 or 24 hours. A year that comes first is never in doubt. Years before 1600 (other calendars) are no
date.

>>> moment("23.11.2026 06:00:00", "dmy"), moment("11/23/2026 6:00:00 PM", "mdy").hour, moment("23/11/2026 6:00", "mdy")
(datetime.datetime(2026, 11, 23, 6, 0), 18, None)
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=65536)  # times are looked up, too: some have a word in their place
def _key(text: str) -> str:
    """The ASCII letters and digits of a word; the word itself where most of its letters are of another script."""
    folded = unicodedata.normalize("NFC", text[:80]).casefold()
    latin = re.sub("[^a-z0-9]", "", folded)
    foreign = sum(letter.isalpha() and letter > "\u024f" for letter in folded)
    return re.sub(r"\s", "", folded) if foreign >= len(latin) else latin


def _rows() -> list[list[str]]:
    """Kind, meaning and word of each row of ``languages.csv``."""
    lines = Path(__file__).with_name("languages.csv").read_text(encoding="utf-8").splitlines()
    rows = csv.reader(line for line in lines if not line.startswith("#"))
    return [row[1:4] for row in rows][1:]


_ROWS = _rows()
_MEANINGS = {(kind, _key(word)): meaning for kind, meaning, word in _ROWS}
WORDS = frozenset(word for _, _, word in _ROWS if not word.isascii())
"""The words that tell one code page from another."""


def field_of(name: str) -> str:
    """The field that a column or key holds: one of Status, "host", "name", "folder", …; "" for an unknown name."""
    return _MEANINGS.get(("column", _key(name)), "")


def state_of(word: str) -> str | None:
    """COM's state for a word in any language or for its number; None for a word that no table knows.

    "Unknown" is a state that Windows itself gives.

    >>> state_of("3"), state_of("Could not start"), state_of("Tilbúið")
    ('Ready', 'Unknown', None)
    """
    if word in _NUMBERED:
        return _NUMBERED[word]
    key = _key(word)
    off = "Disabled" if _MEANINGS.get(("switch", key)) == "Disabled" else None
    return _MEANINGS.get(("state", key), off)


_NUMBERED = dict(zip("01234", ("Unknown", "Disabled", "Queued", "Ready", "Running"), strict=True))


def enabled_of(word: str) -> bool | None:
    """Whether a word means enabled or disabled; None for any other."""
    key = _key(word)
    meaning = _MEANINGS.get(("switch", key)) or _MEANINGS.get(("state", key))
    return {"Enabled": True, "Disabled": False}.get(meaning or "")


def is_not_available(word: str) -> bool:
    """Whether a word means that there is no such time or code.

    >>> is_not_available("N/A"), is_not_available("Nicht zutreffend"), is_not_available("soon")
    (True, True, False)
    """
    return ("never", _key(word)) in _MEANINGS


# Dates ----------------------------------------------------------------------------------------------------------------

ORDERS = ("dmy", "mdy")
_LONGEST = 60
_MARK = r"([^\W\d_][^\d]{0,8}?)"
_MOMENT = re.compile(
    r"(\d{1,4}) ?[./-] ?(\d{1,2}) ?[./-] ?(\d{1,4})\.?(?:T|,? )"
    rf"(?:{_MARK} ?)?(\d{{1,2}})[:.](\d{{2}})(?:[:.](\d{{2}})(?:[.,]\d{{1,7}})?)?"
    rf"(?:[ ?]?{_MARK})?"  # Export-Csv in ASCII makes "?" of the narrow space that newer Windows puts before AM
)
_HALVES = dict.fromkeys(("am", "a", "午前", "上午", "오전"), 0) | dict.fromkeys(("pm", "p", "午後", "下午", "오후"), 12)
_DOTTED = re.compile(r"\s*\d{1,2}\.\s?\d{1,2}\.\s?\d")
_LONG_AGO, _FAR = datetime(2000, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001 (what is older is "never")
_WITH_OFFSET = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d\S*(?:Z|[+-]\d\d:\d\d)")


@lru_cache(maxsize=2**18)
def moment(text: str, order: str) -> datetime | None:
    """The time that `text` names with day and month in `order`; None for any other text.

    Naive wall-clock time, aware only where the text itself has an offset. `order` is "dmy" or "mdy". Remembered, with
    the words: a file is read in one order after it was tried in both. 100,000 rows take 2.8 s, without 3.9 s.

    >>> moment("2026/8/14 9:00:00", "dmy") == moment("14/08/2026 09:00", "dmy")
    True
    """
    plain = text[:_LONGEST]
    if not plain.isascii():
        plain = re.sub(r"[\u200e\u200f\u202a-\u202e]", "", unicodedata.normalize("NFKC", plain))
        plain = re.sub("[年月]", "/", plain).replace("日", " ")
    plain = " ".join(plain.split())
    try:
        if _WITH_OFFSET.fullmatch(plain):
            time = datetime.fromisoformat(plain)
        elif parts := _MOMENT.fullmatch(plain):
            first, second, third, before, hour, minute, seconds, after = parts.groups()
            day = _date(first, second, third, order)
            time = datetime(*day, _hour(int(hour), before or after or ""), int(minute), int(seconds or 0))  # noqa: DTZ001
        else:
            return None
    except (ValueError, KeyError):
        return None
    return time if 1600 <= time.year < 2200 else None


def _date(first: str, second: str, third: str, order: str) -> tuple[int, int, int]:
    if len(first) == 4:
        return int(first), int(second), int(third)
    if len(first) > 2 or len(third) not in (2, 4):
        raise ValueError
    year = int(third) if len(third) == 4 else (int(third) + 30) % 100 + 1970  # 70 to 99 are the last century's
    day, month = (first, second) if order == "dmy" else (second, first)
    return year, int(month), int(day)


def _hour(hour: int, mark: str) -> int:
    name = re.sub(r"[.\s?]", "", mark).casefold()
    if not name:
        return hour
    half = _HALVES[name]
    if hour > 12:
        return hour if half else 24  # 24 is no hour
    return hour % 12 + half


def settle(lasts: Iterable[str], nexts: Iterable[str], others: Iterable[str], taken_at: datetime) -> str:
    """The order of day and month that all dates of a file share: "dmy", "mdy", or "" where they leave it open.

    Tested in turn: every date exists, and no date with dots has the month first; no last run is later than the file
    (`taken_at`, aware, plus a day for the zones); no next run is before the latest last run; no next run is older than
    the file and the first one is soon (else the file may be a late copy). A test decides only where exactly one order
    passes. `others` are dates of another kind.

    >>> settle(["02/11/2026 06:00"], ["04/11/2026 06:00"], [], datetime(2026, 11, 3, 12, tzinfo=UTC))
    'dmy'
    """
    last, next_, other = (_in_both_orders(texts) for texts in (lasts, nexts, others))
    every = [*last, *next_, *other]
    if all(dmy == mdy for dmy, mdy in every):
        return ORDERS[0]
    exists = [all(pair[order] for pair in every) for order in (0, 1)]
    if not any(exists):
        return ""  # some dates want one order and some the other
    file_time = taken_at.astimezone(UTC).replace(tzinfo=None)
    latest = [max((pair[order] or _LONG_AGO for pair in last), default=_LONG_AGO) for order in (0, 1)]
    nexts_of = [[pair[order] or _LONG_AGO for pair in next_] for order in (0, 1)]
    soonest = [min((time for time in times if time > _LONG_AGO), default=_FAR) for times in nexts_of]
    tests = [
        exists,
        [time < file_time + timedelta(days=1) for time in latest],
        [time > latest[order] - timedelta(hours=1) for order, time in enumerate(soonest)],
        [timedelta(days=-1) < time - file_time < timedelta(days=2) for time in soonest],
    ]
    return next((ORDERS[mdy] for dmy, mdy in tests if dmy != mdy), "")


def _in_both_orders(texts: Iterable[str]) -> list[list[datetime | None]]:
    """Each date (naive) in both orders, without those that are a date in neither."""
    pairs = []
    for text in set(texts):
        times = [moment(text, order) for order in ORDERS]
        if _DOTTED.match(text):
            times[1] = None
        if any(times):
            pairs.append([time.replace(tzinfo=None) if time else None for time in times])
    return pairs
