r"""Mask secrets: every text passes `mask` before it leaves the package.

A value counts as secret-looking where a switch or a key says so (``--password``, ``Pwd=``, ``?sig=``), where a
program is known to take one there (``net use``, ``sqlcmd -P``), where it stands before ``@`` in a URL or after
``Bearer``, or has the shape of a well-known kind of token. A variable (``%DB_PASS%``, ``$env:TOKEN``) is no secret. The
backup keeps everything; only what is shown is masked. It is a net, not a wall: a secret that nothing marks as one is
not found.

>>> mask('load.py --user loader --password "S3cret 1" --token %TOKEN% https://me:pass@host.example/')
'load.py --user loader --password *** --token %TOKEN% https://me:***@host.example/'
"""

from __future__ import annotations

import re
from functools import lru_cache

from taskanalysis.text.commands import program_name
from taskanalysis.text.signs import visible

MASK = "***"

# words that may have others glued to them (dbPassword, SharedAccessKey), and short ones that must stand alone
_PASSWORD = r"(?:pass-?(?:word|wd|phrase|code|wort)|pwd|storepass|keypass)"  # noqa: S105
# first a look at their first letters, which makes the search three times as fast
_KEY = (
    rf"(?=[acfkpst])(?:{_PASSWORD}|secret|token|credentials?|apikey"
    r"|(?:api|access|account|client|auth|private|shared|function|secret|subscription)[_-]?(?:key|secret|token))"
)
_SHORT = r"(?:pass|pw|rp|xp|sig)"
_SCHEME = r"(?!(?:Bearer|Basic|Token|ApiKey)\s+\*)(?:(?:Bearer|Basic|Token|ApiKey)\s+)?"
# %NAME%, !NAME!, $env:NAME, ${NAME}, $name, $name.Method(, $(, (Get-Secret, @file.txt, * (ask), and what is masked
_VARIABLE = (
    r"""["']?(?:%\w+%|!\w+!|\$env:\w+|\$\{\w+\}|\$\(|\(\s*[A-Za-z]+-[A-Za-z]+|\$[A-Za-z_]+(?=[\s.;"')]|$)"""
    r"""|@[\w\\/:.-]+\.\w{2,4}|\*+(?=[\s"';&,)}]|$))"""
)
# quoted text to its end, a text in braces, or up to a space; closing quotes and brackets stay
_QUOTED = r"""\\"[^"\\]*(?:\\"|$)|""[^"]+""|"(?:[^"]|"")*(?:"|$)|'(?:[^']|'')*(?:'|$)|\{[^}]*\}"""
_SWITCH_VALUE = rf"""(?!{_VARIABLE})(?:{_QUOTED}|\S+?(?=["')}}\]]{{0,3}}(?:\s|$)))"""
_KEY_VALUE = rf"""(?!{_VARIABLE})(?:{_QUOTED}|[^\s"';&][^\s;&]*?(?=["')}}\],]{{0,3}}(?:[\s;&]|$)))"""
_BEGIN = r"""(?<![^\s"'(;&|=\\])"""

# every repetition is bounded or of a single class, so that ten thousand characters take milliseconds
_MARKED = [
    re.compile(pattern, flags)
    for pattern, flags in [
        (r"""((?:Authorization|X-Auth-Token)["']?\s{0,3}[:=]\s{0,3}(?:[A-Za-z]{3,12}\s+)?)[^\s"',;]+""", re.I),
        (r"""(\bCookie:\s{0,3})[^"'\r\n]+""", re.I),
        (r"""(\bBearer\s+)(?=[\w.~+/-]{0,60}[\d=])[\w.~+/=-]{8,}""", re.I),
        (r"""(\bBasic\s+)(?=[A-Za-z+/]{0,60}[\d=])[A-Za-z0-9+/]{8,}={0,2}""", 0),
        (rf"(ConvertTo-SecureString\s+(?:-(?:AsPlainText|Force|String)\s+){{0,3}})(?!-){_SWITCH_VALUE}", re.I),
        (r"((?<!\S)-e(?:c|nc\w{0,12})?\s+)[A-Za-z0-9+/]{40,}={0,2}", re.I),  # -EncodedCommand
        # Password=two words;Encrypt=yes in a connection string
        (rf"""((?:;\s{{0,3}}|["']|^){_KEY}\s{{0,3}}=)(?!\s{{0,3}}(?:{_VARIABLE}|["'{{]))[^;"']+(?=;)""", re.I),
        (rf"""(;\s{{0,3}}{_KEY}\s{{0,3}}=)(?!\s{{0,3}}(?:{_VARIABLE}|["'{{]))[^;"']+""", re.I),
        # --db-password X, -Password X, /rp X: a switch, a space, a value that is not the next switch
        (rf"({_BEGIN}(?:--?|/)[\w.-]{{0,40}}{_KEY}\s+{_SCHEME})(?![-/]){_SWITCH_VALUE}", re.I),
        (rf"({_BEGIN}(?:--?|/)(?:[\w.]{{1,40}}[_.-])?{_SHORT}\s+)(?![-/]){_SWITCH_VALUE}", re.I),
        # PGPASSWORD=X, "password": "X"; a word of prose after "token: " is no secret
        (rf"""({_KEY}(?:\\?["']){{0,2}}\s{{0,3}}=\s{{0,3}}){_KEY_VALUE}""", re.I),
        (rf"""({_PASSWORD}(?:\\?["']){{0,2}}\s{{0,3}}:\s{{0,3}}){_KEY_VALUE}""", re.I),
        (
            rf"""({_KEY}(?:\\?["']){{0,2}}\s{{0,3}}:(?:\s{{0,3}}(?=["'\\]|\S*[^\sA-Za-z.,;:!?)])|(?=\S))){_KEY_VALUE}""",
            re.I,
        ),
        (rf"((?<![A-Za-z]){_SHORT}[=:])(?=\S){_KEY_VALUE}", re.I),
        (r"""([?&](?:key|code)=)[^&\s"']+""", re.I),
        (rf"(<(?:\w{{1,20}}:)?\w{{0,20}}{_KEY}>)[^<]+", re.I),
        (rf"(\bsetx?\s+(?:/\w\s+)?[\w.]{{0,40}}{_KEY}\w{{0,20}}\s+){_SWITCH_VALUE}", re.I),
        # programs that take one without saying so
        (rf"(\bnet\s+use\s.{{0,200}}?/user:\S{{1,200}}\s+)(?![/\\-]){_SWITCH_VALUE}", re.I),
        (rf"(\bnet\s+use\s+(?:\S{{1,3}}\s+)?\\\\\S{{1,200}}\s+)(?![/*]){_SWITCH_VALUE}(?=\s+/u)", re.I),
        (rf"(\bnet\s+user\s+\S{{1,100}}\s+)(?![/*]){_SWITCH_VALUE}", re.I),
        (r"(\b(?:mysql|mariadb)\w{0,12}\s(?:.{0,300}?\s)?-p)[^\s*]\S*", re.I),
        (r"(\b(?:7z[ar]?|(?:un|win)?rar)\s(?:.{0,300}?\s)?-(?:hp|p))[^\s*]\S*", re.I),
        (rf"(\b(?:sqlcmd|bcp|osql|isql|unzip|zip)\s(?:.{{0,300}}?\s)?-P\s?)(?!-){_SWITCH_VALUE}", 0),
        (rf"((?<!\S)-u\s?\S{{1,200}}\s(?:.{{0,200}}?\s)?-p\s+)(?!-|\d{{1,5}}(?:\s|$)){_SWITCH_VALUE}", re.I),
        (rf"({_BEGIN}/u(?:ser)?:\S{{1,200}}\s(?:.{{0,200}}?\s)?/p:){_SWITCH_VALUE}", re.I),
        (rf"({_BEGIN}/De(?:crypt)?\s+){_SWITCH_VALUE}", re.I),
        (r"(\b(?:sqlplus|sqlldr|rman|exp|imp|expdp|impdp)\s(?:.{0,100}?\s)?[\w$#]{1,60}/)[^\s@/*]{1,100}(?=@)", re.I),
        (r"(\blftp\s(?:.{0,100}?\s)?-u\s+[^\s,]{1,100},)[^\s*]\S*", re.I),
        (r"""((?<!\S)(?:-u|--(?:proxy-)?user|--auth)[\s=]\s{0,3}["'][^"':]{1,100}:)[^"'*]+""", 0),
        (
            r"""((?<!\S)(?:-u|--(?:proxy-)?user|--auth)[\s=][^\s:"'/\\]{1,200}:)(?!\d{1,6}(?:\s|$)|\*)[^\s"'\\/]{1,400}""",
            0,
        ),
        (r"""(://[^\s:/@"']{0,200}:)(?!\d{1,5}/)[^\s@"']{1,400}(?=@)""", 0),
        # shapes of tokens and of addresses that are secrets
        (
            r"(https://(?:hooks\.slack\.com/services|discord(?:app)?\.com/api/webhooks|[\w.-]{1,60}webhook\.office\.com)/)[^\s\"'*]+",
            re.I,
        ),
        (r"()\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16})", 0),
        (
            r"()\b(?:sk[-_](?:live_|test_)?[\w-]{20,}|AIza[\w-]{30,}|hf_\w{20,}|npm_\w{30,}|SG\.[\w-]{10,}\.[\w-]{10,})",
            0,
        ),
        (r"()\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{5,}", 0),
    ]
]


# colours of a terminal, and Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt)
_ZERO_WIDTH = re.compile(
    r"\x1b\[[0-9;]*[A-Za-z]|"
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@lru_cache(maxsize=2**18)
def mask(text: str) -> str:
    r"""`text` with every secret-looking value replaced by ``***``.

    The last texts are remembered: the table of 100,000 tasks and its files take 8 s instead of 24 s.

    A control or zero-width character hides no secret: the text is also read without these characters and with blanks
    in their place, and comes back in the reading that shows most secrets. Where they hide none, they are `visible`.

    >>> mask("Server=db;User ID=etl;Password=two words;Encrypt=yes")
    'Server=db;User ID=etl;Password=***;Encrypt=yes'
    >>> mask("--password\x00S3cret"), mask("--pass\u200bword S3cret"), mask("two\u200bwords")
    ('--password ***', '--password ***', 'two<U+200B>words')
    """
    return visible(_without_secrets(text))


def _without_secrets(text: str) -> str:
    masked = _masked(text)
    if text.isascii() and text.isprintable():  # nearly every cell
        return masked
    visible = _ZERO_WIDTH.sub("", text)
    readings = [_CONTROL.sub("", visible), _CONTROL.sub(" ", visible), _CONTROL.sub(" ", _ZERO_WIDTH.sub(" ", text))]
    if readings[0] == text:
        return masked
    best = max([*map(_masked, readings), masked], key=lambda reading: reading.count(MASK))
    return masked if _letters(masked) == _letters(best) else best


def _masked(text: str) -> str:
    for pattern in _MARKED:
        if pattern.search(text):  # `sub` takes longer to find nothing
            text = pattern.sub(rf"\1{MASK}", text)
    return text


def _letters(text: str) -> str:
    """`text` without blanks, control and zero-width characters."""
    return "".join(_CONTROL.sub("", _ZERO_WIDTH.sub("", text)).split())


def mask_arguments(command: str, arguments: str) -> str:
    r"""The arguments of a program, masked as that program takes them.

    >>> mask_arguments("C:\\Windows\\System32\\net.exe", r"use Z: \\files\tiles S3cret /user:TOWN\etl")
    'use Z: \\\\files\\tiles *** /user:TOWN\\etl'
    """
    before = f"{program_name(command)} "
    line = mask(before + arguments)
    return line[len(before) :] if line.startswith(before) else mask(arguments)


def has_secret(text: str) -> bool:
    """Whether something in `text` would be masked.

    >>> has_secret("backup.exe /u:backup /p:Winter-2026"), has_secret("--password-file D:/key.txt")
    (True, False)
    """
    return _without_secrets(text) != text
