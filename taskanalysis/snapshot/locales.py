"""Words and dates that schtasks and PowerShell print, in sixteen languages of Windows.

Authority for words: ``languages.csv`` beside this module, which says of each where it was seen. A word that it does not
have means nothing here: it is not known.

Case, accents, spaces and lost characters do not matter: a wrong code page and the ``?`` of an ASCII export still match.

>>> state_of("Wird ausgef?hrt"), field_of("Nächste Laufzeit"), enabled_of("Wyłączony")
('Running', 'next_run', False)

Authority for dates: the short date and long time formats of Windows' locales, as far as they are Gregorian: dots,
slashes or dashes, 12 or 24 hours, with the names of weekdays and months of ``calendar.csv``; and the datetimes of CIM
([DSP0004] 5.2.4). A year of four digits that comes first is never in doubt. Years before 1600 (other calendars) are no
date.

>>> moment("23.11.2026 06:00:00", "dmy"), moment("11/23/2026 6:00:00 PM", "mdy").hour, moment("23/11/2026 6:00", "mdy")
(datetime.datetime(2026, 11, 23, 6, 0), 18, None)
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=65536)  # times are looked up, too: some have a word in their place
def _key(text: str) -> str:
    """The ASCII letters and digits of a word; the word itself where most of its letters are of another script."""
    folded = unicodedata.normalize("NFC", text[:80]).casefold()
    latin = re.sub("[^a-z0-9]", "", folded)
    foreign = sum(letter.isalpha() and letter > "\u024f" for letter in folded)
    return re.sub(r"\s", "", folded) if foreign >= len(latin) else latin


def _rows(name: str) -> list[list[str]]:
    """Second to fourth cell of each row of a table: kind, meaning and word, or kind, number and words."""
    lines = Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()
    rows = csv.reader(line for line in lines if not line.startswith("#"))
    return [row[1:4] for row in rows][1:]


_ROWS = _rows("languages.csv")
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

ORDERS = ("dmy", "mdy", "ymd")
"""The orders in which dates may have day, month and year; the last matters only where the year has two digits."""
_LONGEST = 60
_MARK = r"([^\W\d_][^\d]{0,8}?)"
_MOMENT = re.compile(
    r"(\d{1,4}) ?[./-] ?(\d{1,2}) ?[./-] ?(\d{1,4})\.?(?:T|,? )"
    rf"(?:{_MARK} ?)?(\d{{1,2}})[:.](\d{{2}})(?:[:.](\d{{2}})(?:[.,]\d{{1,7}})?)?"
    rf"(?:[ ?]?{_MARK})?"  # Export-Csv in ASCII makes "?" of the narrow space that newer Windows puts before AM
)
_SPELLED = re.compile(
    r"(.*?(?:[T\s]|[^\W\d_]\.?))(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:[.,]\d{1,7})?)?([^\d:]*)",
)
_WORD, _BETWEEN = re.compile(r"[^\W\d_]+"), re.compile(r"[\s.,/()-]*")
_MORNING = ("am", "a", "fm", "dop", "öö", "vm", "de", "sa", "πμ", "pd", "午前", "上午", "오전")
_EVENING = ("pm", "p", "em", "odp", "ös", "nm", "du", "ch", "μμ", "md", "午後", "下午", "오후")
"""Of English, Swedish, Czech, Turkish, German, Hungarian, Vietnamese, Greek, Albanian, Japanese, Chinese and Korean, as
CLDR has them."""
_HALVES = dict.fromkeys(_MORNING, 0) | dict.fromkeys(_EVENING, 12)
_NEUTRAL = frozenset(("de", "del", "di", "г", "год", "года", "ч", "h", "kl", "klo", "um", "uhr", "at", "ora", "alle"))
_NAMES: dict[str, set[tuple[str, int]]] = {}
for _kind, _number, _words in _rows("calendar.csv"):
    for _word in _words.split("|"):
        _NAMES.setdefault(unicodedata.normalize("NFKC", _word), set()).add((_kind, int(_number)))
_DOTTED = re.compile(r"\s*\d{1,2}\.\s?\d{1,2}\.\s?\d")
_CIM = re.compile(r"(\d{14})\.\d{6}(?:([+-]\d{3})|[+-]\*{3})")
_LONG_AGO, _FAR = datetime(2000, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001 (what is older is "never")
_WITH_OFFSET = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d\S*?) ?(Z|[+-]\d\d:\d\d)")


@lru_cache(maxsize=2**18)
def moment(text: str, order: str) -> datetime | None:
    """The time that `text` names with day, month and year in `order`; None for any other text.

    Naive wall-clock time, aware only where the text itself has an offset. `order` is one of `ORDERS`. A weekday must be
    that of the date; a name that languages give to two months needs one. Remembered, with the words: a file is read in
    one order after it was tried in all. 100,000 rows take 2.8 s, without 3.9 s.

    >>> moment("2026/8/14 9:00:00", "dmy") == moment("14/08/2026 09:00", "dmy") == moment("Fri 14 Aug 2026 9:00", "mdy")
    True
    >>> moment("Thu 14 Aug 2026 9:00", "dmy"), moment("26/11/23 6:00", "ymd")
    (None, datetime.datetime(2026, 11, 23, 6, 0))
    """
    plain = text[:_LONGEST]
    if not plain.isascii():
        plain = re.sub(r"[\u200e\u200f\u202a-\u202e]", "", unicodedata.normalize("NFKC", plain))
        plain = re.sub("(?<=[0-9])[年月년월]", "/", plain)
        plain = re.sub("(?<=[0-9])[日일]", " ", plain)
    plain = " ".join(plain.split())
    try:
        time = _with_offset(plain) or _in_digits(plain, order) or _spelled(plain, order)
    except ValueError:
        return None
    return time if time and 1600 <= time.year < 2200 else None


def _with_offset(text: str) -> datetime | None:
    if found := _WITH_OFFSET.fullmatch(text):
        return datetime.fromisoformat(found[1] + found[2])
    if found := _CIM.fullmatch(text):
        time = datetime.strptime(found[1], "%Y%m%d%H%M%S")  # noqa: DTZ007 (its offset is in minutes)
        return time.replace(tzinfo=timezone(timedelta(minutes=int(found[2])))) if found[2] else time
    return None


def _in_digits(text: str, order: str) -> datetime | None:
    """A date of three numbers, without a name in it; None where the text has another form."""
    parts = _MOMENT.fullmatch(text)
    if not parts:
        return None
    first, second, third, before, hour, minute, seconds, after = parts.groups()
    mark = re.sub(r"[.\s?]", "", before or after or "").casefold()
    if mark and mark not in _HALVES:
        return None
    day = _date(first, second, third, order)
    return datetime(*day, _hour(int(hour), mark), int(minute), int(seconds or 0))  # noqa: DTZ001


def _spelled(text: str, order: str) -> datetime | None:
    """A date with the name of its weekday or month; None where the text has another form."""
    parts = _SPELLED.fullmatch(re.sub(r"\b([ap])\. ?m\b\.?", r"\1m", text.casefold().replace("\u0307", "")))
    if not parts:
        return None
    head, hour, minute, seconds, tail = parts.groups()
    half = re.search(r"(\w+)\.?\s*$", head)  # before the clock "de" is Hungarian, else Spanish
    neutral = _NEUTRAL - ({half[1]} & _HALVES.keys() if half else set())
    words = [word for word in _WORD.findall(head + tail) if word not in neutral and word != "t"]
    halves = [word for word in words if word in _HALVES and word not in _NAMES] or [""]
    names = [_NAMES[word] for word in words if word in _NAMES]
    numbers = re.findall(r"\d+", head)
    rest = re.sub(r"[^\W_]+", "", head)
    if len(names) + len(halves) - (halves == [""]) != len(words) or len(halves) > 1 or not _BETWEEN.fullmatch(rest):
        return None
    if re.sub(r"[.\s?()]", "", _WORD.sub("", tail)):
        return None
    times = set()
    for day, weekdays in _dates(numbers, names, order):
        with suppress(ValueError):
            time = datetime(*day, _hour(int(hour), halves[0]), int(minute), int(seconds or 0))  # noqa: DTZ001
            times |= {time} if all(("day", time.weekday()) in name for name in weekdays) else set()
    return times.pop() if len(times) == 1 else None


def _dates(
    numbers: Sequence[str], names: Sequence[set[tuple[str, int]]], order: str
) -> Iterable[tuple[tuple[int, int, int], Sequence[set[tuple[str, int]]]]]:
    """Year, month and day, with the names that are left for the weekday; each reading that a name allows."""
    if len(numbers) == 3 and len(names) <= 1:
        first, second, third = numbers
        yield _date(first, second, third, order), names
    if len(numbers) == 2 and 1 <= len(names) <= 2:
        for place, name in enumerate(names):
            day, year = (numbers[1], numbers[0]) if len(numbers[0]) == 4 or order == "ymd" else numbers
            for kind, month in name:
                if kind == "month" and len(day) <= 2 and len(year) in (2, 4):
                    yield (_year(year), month, int(day)), [*names[:place], *names[place + 1 :]]


def _date(first: str, second: str, third: str, order: str) -> tuple[int, int, int]:
    if len(first) == 4 and len(third) < 3:
        return int(first), int(second), int(third)
    if order == "ymd":
        if len(first) != 2 or len(third) > 2:
            raise ValueError
        return _year(first), int(second), int(third)
    if len(first) > 2 or len(third) not in (2, 4):
        raise ValueError
    day, month = (first, second) if order == "dmy" else (second, first)
    return _year(third), int(month), int(day)


def _year(digits: str) -> int:
    return int(digits) if len(digits) == 4 else (int(digits) + 30) % 100 + 1970  # 70 to 99 are the last century's


def _hour(hour: int, half: str) -> int:
    if not half:
        return hour
    if hour > 12:
        return hour if _HALVES[half] else 24  # 24 is no hour
    return hour % 12 + _HALVES[half]


def readings(text: str) -> list[datetime | None]:
    """What a text means in each order that it may have: one of four digits is a year.

    >>> [str(time)[:10] for time in readings("02/11/2026 6:00")], len(readings("02/11/26 6:00"))
    (['2026-11-02', '2026-02-11'], 3)
    """
    return [moment(text, order) for order in (ORDERS[:2] if re.search(r"\d{4}", text) else ORDERS)]


def settle(lasts: Iterable[str], nexts: Iterable[str], others: Iterable[str], taken_at: datetime) -> str:
    """The order that all dates of a file share: one of `ORDERS`, or "" where they leave it open.

    Tested in turn: every date exists, and no date with dots has the month first; no last run is later than the file
    (`taken_at`, aware, plus a day for the zones); no next run is before the latest last run; no next run is older than
    the file and the first one is soon (else the file may be a late copy). Orders that fail a test that others pass are
    out. A year of two digits may be that of any calendar, and come first: then the newest last run must be of the 100
    days before the file, too. `others` are dates of another kind.

    >>> settle(["02/11/2026 06:00"], ["04/11/2026 06:00"], [], datetime(2026, 11, 3, 12, tzinfo=UTC))
    'dmy'
    >>> settle(["26/11/23 06:00"], ["26/11/24 06:00"], [], datetime(2026, 11, 23, 12, tzinfo=UTC))
    'ymd'
    """
    last, next_, other = (_in_all_orders(texts) for texts in (lasts, nexts, others))
    every = [*last, *next_, *other]
    candidates = [order for order in range(len(ORDERS)) if all(len(times) > order and times[order] for times in every)]
    two_digits = any(len(times) == len(ORDERS) for times in every)
    if not two_digits and all(times[0] == times[1] for times in every):
        return ORDERS[0]
    file_time = taken_at.astimezone(UTC).replace(tzinfo=None)
    tests: list[Callable[[int], bool]] = [
        lambda order: _latest(last, order) < file_time + timedelta(days=1),
        lambda order: _soonest(next_, order) > _latest(last, order) - timedelta(hours=1),
        lambda order: timedelta(days=-1) < _soonest(next_, order) - file_time < timedelta(days=2),
    ]
    if two_digits:
        candidates = [order for order in candidates if _is_near(last, next_, order, file_time)]
    for test in tests:
        candidates = [order for order in candidates if test(order)] or candidates
    return ORDERS[candidates[0]] if len({tuple(times[order] for times in every) for order in candidates}) == 1 else ""


def are_near(lasts: Iterable[str], nexts: Iterable[str], order: str, taken_at: datetime) -> bool:
    """Whether dates in this order are of the time of their file, where any has a year of two digits; else True.

    >>> are_near(["23/11/69 06:00"], [], "dmy", datetime(2026, 11, 23, 12, tzinfo=UTC))  # 2569 of the Thai calendar
    False
    """
    place = ORDERS.index(order)
    last, next_ = ([times for times in _in_all_orders(texts) if len(times) > place] for texts in (lasts, nexts))
    if all(len(times) < len(ORDERS) for times in [*last, *next_]):
        return True
    return _is_near(last, next_, place, taken_at.astimezone(UTC).replace(tzinfo=None))


def _is_near(last: list[list[datetime | None]], next_: list[list[datetime | None]], order: int, at: datetime) -> bool:
    """Whether the newest last run is of the 100 days before, or else the first next run not long before or after."""
    latest, soonest = _latest(last, order), _soonest(next_, order)
    if latest > _LONG_AGO:
        return timedelta(days=-1) < at - latest < timedelta(days=100)
    return soonest == _FAR or timedelta(days=-1) < soonest - at < timedelta(days=400)


def _latest(last: list[list[datetime | None]], order: int) -> datetime:
    return max((times[order] or _LONG_AGO for times in last), default=_LONG_AGO)


def _soonest(next_: list[list[datetime | None]], order: int) -> datetime:
    return min((time for times in next_ if (time := times[order]) and time > _LONG_AGO), default=_FAR)


def _in_all_orders(texts: Iterable[str]) -> list[list[datetime | None]]:
    """Each date (naive) in the orders that it may have, without those that are a date in none."""
    found = []
    for text in set(texts):
        times = [time.replace(tzinfo=None) if time else None for time in readings(text)]
        if _DOTTED.match(text):
            times[1] = None
        if any(times):
            found.append(times)
    return found
