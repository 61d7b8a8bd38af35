r"""Text for readers: plurals, enumerations, and foreign text made fit for a line.

>>> count(3, "task"), listed(["Monday", "Friday"]), clip("a\nb" * 50, 10)
('3 tasks', 'Monday and Friday', 'a ba ba b…')
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from taskanalysis.text.masking import mask


def count(number: float, unit: str) -> str:
    """A number with its unit in the singular or plural.

    >>> count(1, "task"), count(1200, "task")
    ('1 task', '1,200 tasks')
    """
    return f"{number:,} {unit}" if number == 1 else f"{number:,} {unit}s"


def listed(words: Sequence[str], joint: str = "and", most: int = 0) -> str:
    """Words as an enumeration; with `most` the first of them, and the number of others.

    >>> listed(["Monday", "Wednesday", "Friday"]), listed(["A", "B", "C", "D"], most=2)
    ('Monday, Wednesday and Friday', 'A, B and 2 others')
    """
    if most and len(words) > most:
        words = [*words[:most], count(len(words) - most, "other")]
    return f" {joint} ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def needs_attention(number: int, total: int) -> str:
    """How many of all tasks need attention.

    >>> needs_attention(0, 3), needs_attention(2, 3)
    ('None of 3 tasks needs attention', '2 of 3 tasks need attention')
    """
    return f"{number or 'None'} of {count(total, 'task')} need{'' if number > 1 else 's'} attention"


def clip(text: str, most: int = 80) -> str:
    r"""`text` on one line and at most `most` characters, so that an error stays a sentence.

    >>> clip("a\nb" * 50, 10)
    'a ba ba b…'
    """
    line = " ".join(text[: 4 * most].split())
    whole = len(line) <= most and not text[4 * most :].strip()
    return line if whole else line[: most - 1] + "…"


def printable(text: str) -> str:
    r"""`text` as any Unicode encoding can write it: raw bytes in file names are shown by number.

    >>> printable("bad\udce9.xml")
    'bad\\udce9.xml'
    """
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def plain_paths(text: str) -> str:
    r"""`text` with the Windows paths in it as their users wrote them, without the prefix of long ones.

    >>> plain_paths(r"\\?\UNC\files\tasks and \\?\C:\tasks")
    '\\\\files\\tasks and C:\\tasks'
    """
    return text.replace("\\\\?\\UNC\\", "\\\\").replace("\\\\?\\", "")


def one_line(text: str) -> str:
    r"""`text` on one line, without secrets: what ends a line, and whatever else is not seen, becomes a blank.

    What could deceive is visible: control characters, direction marks, and characters without width.

    >>> one_line("load\n--password\u200bS3cret"), one_line("a\x07b")
    ('load --password ***', 'a␇b')
    """
    masked = mask(text)
    if masked.isprintable():
        return masked
    runs = groupby(masked, str.isprintable)
    return mask("".join("".join(run) if fit else " " for fit, run in runs))
