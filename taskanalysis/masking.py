r"""Secrets out of text: the one function that every text passes before it leaves the package.

A value counts as secret-looking where a switch or a key says so (``--password``, ``/p:``, ``Pwd=``), where it stands
before ``@`` in a URL, after ``Bearer``, or has the shape of a well-known kind of token. A variable (``%DB_PASS%``,
``$env:TOKEN``) is no secret. The backup keeps everything; only what is shown is masked. It is a net, not a wall: a
secret that nothing marks as one is not found.

>>> mask('load.py --user loader --password "S3cret 1" /p:Winter https://me:pass@host.example/ --token %TOKEN%')
'load.py --user loader --password *** /p:*** https://me:***@host.example/ --token %TOKEN%'
"""

from __future__ import annotations

import re

__all__ = ["MASK", "has_secret", "mask"]

MASK = "***"

_KEY = (
    r"(?:pass(?:word|wd|phrase|code|wort)?|pwd|pw|secret|token|credentials?"
    r"|(?:api|access|account|client|auth|private|shared|function)[_-]?(?:key|secret|token)|apikey|sig|rp)"
)
_VARIABLE = r"""(?:%\w+%|\$env:\w+|\$\{?\w+\}?|\*{3})["']?(?:[\s;&,)]|$)"""
# a quoted text, to its end where the quote is never closed; else up to a space, a ";" or "&", without closing brackets
_VALUE = rf"""(?!{_VARIABLE})(?:"[^"]*(?:"|$)|'[^']*(?:'|$)|[^\s"';&][^\s;&]*?(?=["')}}\]]{{0,3}}(?:[\s;&]|$)))"""

# every repetition is bounded or of a single class, so that ten thousand characters take milliseconds
_MARKED = (
    # ;Password=two words;  in a connection string
    re.compile(rf"""(;\s*{_KEY}\s{{0,3}}=)(?!\s{{0,3}}(?:{_VARIABLE}|["']))[^;"']+""", re.IGNORECASE),
    # --password X, -Password X, /rp X: a switch, a space, a value that is not the next switch
    re.compile(rf"""((?<![^\s"'(;&|])(?:--?|/)(?:[\w.]{{1,40}}[_.-])?{_KEY}\s+)(?![-/]){_VALUE}""", re.IGNORECASE),
    # --password=X, /p:X, DB_PASSWORD=X; Pwd = X; ?sig=X
    re.compile(rf"""((?<![A-Za-z]){_KEY}["']?\s{{0,3}}[=:]\s{{0,3}}){_VALUE}""", re.IGNORECASE),
    re.compile(rf"""((?<![^\s"'])/p:){_VALUE}""", re.IGNORECASE),
    # sqlcmd, bcp: -U name -P X
    re.compile(rf"""((?<![^\s"'])-U\s?[^\s]{{1,200}}\s(?:.{{0,200}}\s)?-P\s?){_VALUE}"""),
    re.compile(r"""(://[^\s:/@"']{0,200}:)[^\s/@"']{1,400}(?=@)"""),
    re.compile(r"""((?<![^\s"'])(?:-u|--user)[\s=]["']?[^\s:"'/\\]{1,200}:)[^\s"'\\/]{1,400}"""),
    re.compile(r"""(\b(?:Bearer|Basic)\s+)[\w.~+/=-]{8,}""", re.IGNORECASE),
    re.compile(rf"""(ConvertTo-SecureString\s+(?:-String\s+)?)(?!-){_VALUE}""", re.IGNORECASE),
    re.compile(r"()\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}|sk-[\w-]{20,})"),
    re.compile(r"()\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{5,}"),
)


def mask(text: str) -> str:
    """`text` with every secret-looking value replaced by ``***``; twice masked is once masked.

    >>> mask("Server=db;User ID=etl;Password=x y;Encrypt=yes")
    'Server=db;User ID=etl;Password=***;Encrypt=yes'
    """
    for pattern in _MARKED:
        text = pattern.sub(rf"\1{MASK}", text)
    return text


def has_secret(text: str) -> bool:
    """Whether something in `text` would be masked.

    >>> has_secret("backup.exe /u:backup /p:Winter-2026"), has_secret("--password-file D:/key.txt")
    (True, False)
    """
    return mask(text) != text
