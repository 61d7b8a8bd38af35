r"""Signs that are not seen, or that turn what is seen around: shown as signs that do nothing.

Control characters drive a terminal, direction marks make ``\u202egpj.exe`` look like another name, and what has no
width makes two names look alike. `mask` shows them in all that leaves the package; a tab, the end of a line, joiners of
scripts and emoji, and a soft hyphen stay. Authority: Unicode Character Database, general categories Cc, Cf, Cs, Zl
and Zp.

>>> visible("a\x1b[2J\x07b"), visible("\u202egpj.exe"), visible("two\nlines")
('a␛[2J␇b', '<U+202E>gpj.exe', 'two\nlines')
"""

from __future__ import annotations

import re

_HIDDEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
    "\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0001\U000e0020-\U000e007f"
    r"\ud800-\udfff]"
)


def visible(text: str) -> str:
    r"""`text` with a picture for each control character, and other hidden characters by their number.

    Half a character (a surrogate: a byte of a file name that is no UTF-8) is shown as `printable` does.

    >>> visible("bad\udce9.xml"), visible("a\x7f\x9b")
    ('bad\\udce9.xml', 'a␡<U+009B>')
    """
    return _HIDDEN.sub(_sign, text)


def _sign(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    if 0xD800 <= code <= 0xDFFF:
        return f"\\u{code:x}"
    return "\u2421" if code == 0x7F else f"<U+{code:04X}>"  # no name on Windows holds "<", and a "\\" parts names
