r"""Bytes of a console or program whose code page is unknown -> text, and whether that text can be trusted.

Authority: byte order marks; else a rule of our own, which takes the code page that gives most words of schtasks and
letters where letters belong. A page that reads equally well makes the text doubtful: it is then a problem, never a
silent choice.

>>> decode_page("Nächste Laufzeit".encode("cp850")), decode_page("状態: 準備完了".encode("cp932"))
('Nächste Laufzeit', '状態: 準備完了')
>>> read_page("Имя узла".encode("cp866")).doubt, read_page(b"Caf\x82, Caf\xe9").doubt
('', 'cp1252 or cp850')
"""

from __future__ import annotations

import re
from functools import partial
from itertools import islice
from typing import NamedTuple

from taskanalysis.definition import without_mark
from taskanalysis.snapshot.locales import WORDS

_LATIN = ("cp1252", "cp850", "cp852", "cp1250", "cp1254", "cp857", "cp437")
_CYRILLIC, _GREEK = ("cp866", "cp1251"), ("cp737", "cp1253")
_DOUBLE = ("cp932", "cp949", "gbk", "cp950")
PAGES = ("utf-8", *_LATIN, *_CYRILLIC, *_GREEK, *_DOUBLE)
"""The code pages that are tried, of two that read equally well the first: of Windows' languages, ANSI and OEM."""
_CLOSE = 1  # a page whose score is at most this much lower reads equally well


class Page(NamedTuple):
    """Text, and the code pages between which nothing decides ("" where one reads best)."""

    text: str
    doubt: str = ""


def decode_page(data: bytes) -> str:
    """Decode the text of a console or program whose code page is unknown; never an error.

    By byte order mark, then the pattern of zero bytes, then UTF-8, then the code page that reads best.
    """
    return read_page(data).text


def read_page(data: bytes) -> Page:
    """The same, with the code pages between which nothing decides."""
    encoding, rest = without_mark(data)
    if encoding:
        return Page(rest.decode(encoding, errors="replace"))
    head = data[:4096]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) * 8 > len(head) and max(even, odd) > 4 * min(even, odd):
        return Page(data.decode("utf-16-le" if odd > even else "utf-16-be", errors="replace"))
    try:
        return Page(data.decode("utf-8"))
    except UnicodeDecodeError:
        telling = b"\n".join(islice((line[:1000] for line in data.split(b"\n") if not line.isascii()), 100))[:20_000]
    scores = {page: _score(telling, page) for page in PAGES}
    best = max(PAGES, key=scores.__getitem__)
    read = partial(telling.decode, errors="replace")
    words, letters = scores[best]
    near = (words, 1 if best in _DOUBLE and not words else min(letters - _CLOSE, letters // 2 if letters > 3 else 0))
    rivals = [page for page in PAGES if scores[page] >= near and read(page) != read(best)]
    doubt = f"{best} or {rivals[0]}" if rivals else ""
    return Page(data.decode(best, errors="replace"), doubt)


def _score(data: bytes, page: str) -> tuple[int, int]:
    """The number of words that schtasks prints, and how well the letters fit their places."""
    text = f" {data.decode(page, errors='replace')} "
    words = sum(word in text for word in WORDS)
    places = zip(text, text[1:], text[2:], strict=False)
    pure = sum(map(len, _PURE.findall(text))) if page in _LATIN else 0
    return words, sum(_fits(*place, page) for place in places if place[1] > "\x7f") - 2 * pure


_PURE = re.compile("(?<![a-zA-ZÀ-ɏ])[À-ɏ]{3,}(?![a-zA-ZÀ-ɏ])")  # words of Latin languages have plain letters, too


def _fits(before: str, letter: str, after: str, page: str) -> int:
    """2, 1 or 0 for a character that fits its place, negative for one that a wrong code page produces."""
    if letter == "\ufffd":
        return -3
    if page in _DOUBLE:
        return -1 if _is_ascii_letter(before) else _fits_double(letter, page)
    script = _script(letter)
    if not script:  # a sign belongs between words, not into one or to another, and that of a box nowhere
        inside = (before.isalpha() and after.isalpha()) or before > "\x7f" or after > "\x7f"
        is_box = "─" <= letter <= "◿"
        return -3 if is_box and _is_ascii_letter(before + after) else -1 if inside or is_box else 0
    neighbours = {_script(before), _script(after)} - {""}
    wanted = "cyrillic" if page in _CYRILLIC else "greek" if page in _GREEK else "latin"
    wrong = script != wanted or neighbours - {wanted} or (letter.isupper() and before.islower())
    return -1 if wrong and page != "utf-8" else 1


def _fits_double(letter: str, page: str) -> int:
    """2 for the characters of daily use of a page of two bytes."""
    if "぀" <= letter <= "ヿ":
        return 2 if page == "cp932" else -1
    if _script(letter):
        return 0
    encoded = letter.encode(page, errors="replace")
    if len(encoded) != 2:
        return -1
    lead, trail = encoded
    match page:
        case "cp949":
            daily = 0xB0 <= lead <= 0xC8 and trail > 0xA0
        case "gbk":
            daily = 0xB0 <= lead <= 0xD7 and trail > 0xA0
        case "cp950":
            daily = 0xA4 <= lead <= 0xC6
        case _:
            daily = 0x88 <= lead <= 0x97
    return 2 if daily else -1


def _is_ascii_letter(letter: str) -> bool:
    return letter.isascii() and letter.isalpha()


def _script(letter: str) -> str:
    """The script of a letter: "latin", "cyrillic" or "greek"; "" for what is no letter of these."""
    if not letter.isalpha() or letter in "ªº":
        return ""
    code = ord(letter)
    if code < 0x250:
        return "latin"
    return "greek" if 0x370 <= code < 0x400 else "cyrillic" if 0x400 <= code < 0x530 else ""


# "?" and the replacement character stand for lost letters, signs of a box for those of another code page, and the pairs
# are what UTF-8 gives when it is read as Windows 1252; no name of a task has "?" or "|", and hardly one the others
_SECOND = re.escape(bytes(range(0x80, 0xC0)).decode("cp1252", errors="ignore"))
_NONSENSE = re.compile(
    f"[?|\ufffd\x80-\x9f\u2500-\u25ff\ue000-\uf8ff]|[ÃÂ][{_SECOND}]|[a-zA-Z][\u0370-\u052f]|[\u0370-\u052f][a-zA-Z]"
)


def is_nonsense(name: str) -> bool:
    """Whether a name lost letters, or got those of another code page.

    >>> is_nonsense("Stra?en"), is_nonsense("Stra├ƒen"), is_nonsense("Straßen"), is_nonsense("Дороги 2")
    (True, True, False, False)
    """
    return bool(_NONSENSE.search(name))
