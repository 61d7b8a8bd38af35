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
_WORDS = (
    r"pass-?(?:word[do]?|wd|phrase|code|wort)|pwd|storepass|keypass"
    r"|kennwort|mot[ _-]?de[ _-]?passe|contrase(?:ñ|n\u0303?)a|\bsenha|wachtwoord|hasło|пароль"
)
_PASSWORD = rf"(?:{_WORDS})"
# first a look at their first letters, which makes the search three times as fast
_KEY = (
    rf"(?=[acfhkmpstwп])(?:{_PASSWORD}|secret|token|credentials?|apikey"
    r"|(?:api|access|account|client|auth|private|shared|functions?|secret|subscription)[_-]?(?:key|secret|token))"
)
_SHORT = r"(?:pass|pw|rp|xp|sig|user_?pw|owner_?pw)"
_SCHEME = r"(?!(?:Bearer|Basic|Token|ApiKey)\s+\*)(?:(?:Bearer|Basic|Token|ApiKey)\s+)?"
# %NAME%, !NAME!, $env:NAME, ${NAME}, $name, $name.Method(, $(, (Get-Secret, @file.txt, * (ask), and what is masked
_VARIABLE = (
    r"""["']?(?:%\w+%|!\w+!|\$env:\w+|\$\{\w+\}|\$\(|\(\s*[A-Za-z]+-[A-Za-z]+|\$[A-Za-z_]+(?=[\s.;"')]|$)"""
    r"""|@[\w\\/:.-]+\.\w{2,4}|\*+(?=[\s"';&,)|}]|$)|\*{3}(?!\w))"""
)
# quoted text to its end, a text in braces, or up to a space; closing quotes and brackets stay
_QUOTED = r"""\\"[^"\\]*(?:\\"|$)|""[^"]+""|"(?:[^"]|"")*(?:"|$)|'(?:[^']|'')*(?:'|$)|\{[^}]*\}"""
_VALUE = rf"""(?!{_VARIABLE})(?:(?:{_QUOTED})\w*|\S+?(?=["')}}\]]{{0,3}}(?:\s|$)))"""
# what begins like the next switch is one, unless it mixes small letters, capitals and digits, or is Base64
_MIXED = r"(?=\S{0,60}[A-Z])(?=\S{0,60}[a-z])(?=\S{0,60}\d[A-Za-z!?*+=])"
_NO_SWITCH = rf"(?![-/](?!{_MIXED}[^\s:=]{{5,60}}(?:\s|$)|[\w+/]{{15,90}}={{1,2}}(?:\s|$))|[=:](?:\s|$))"
_SWITCH_VALUE = _NO_SWITCH + _VALUE
_KEY_VALUE = rf"""(?!{_VARIABLE})(?:(?:{_QUOTED})\w*|[^\s"';&][^\s;&]*?(?=["')}}\],]{{0,3}}(?:[\s;&]|$)))"""
_BEGIN = r"""(?:(?<![^\s"'(;&|=\\])|(?<=^[+-]))"""  # also in a line of a diff
_ORACLE = r"(?:sqlplus|sqlldr|rman|exp|imp|expdp|impdp)"
_KEYS = (
    "pass pwd kennwort contrase senha wachtwoord hasło пароль secret token credential apikey api-key api_key accesskey "
    "access_key access-key accountkey account_key account-key clientkey client_key client-key authkey auth_key "
    "auth-key privatekey private_key private-key sharedkey shared_key shared-key functionkey function_key function-key "
    "functionskey functions_key functions-key subscriptionkey subscription_key subscription-key"
)


def _program(names: str, switch: str) -> str:
    """A program and what comes before the value of a switch of its own."""
    return rf"""(\b(?:{names})(?:\.exe)?"?\s(?:.{{0,300}}?\s)?["']?{switch})"""


# Words of which a text must hold one, in lower case, and patterns whose first group stays. Most texts hold none of the
# words, and to look for those is a tenth of the work. Every repetition of a pattern is bounded or of a single class, so
# that ten thousand characters take milliseconds.
_TABLE: list[tuple[str, list[tuple[str, re.RegexFlag | int]]]] = [
    (
        "private",
        [
            # to its end, or to that of the text: a log may be cut off
            (r"(-----BEGIN [A-Z\d ]{0,40}PRIVATE KEY(?: BLOCK)?-----)[\s\S]+?(?=-----END |\Z)", 0),
            (r"(\A)[A-Za-z\d+/=\s]{16,}(?=-----END [A-Z\d ]{0,40}PRIVATE KEY(?: BLOCK)?-----)", 0),
            (r"(Private-Lines:\s{0,3}\d{1,3}\s)[A-Za-z\d+/=\s]+(?=Private-MAC|\Z)", 0),
        ],
    ),
    ("telegram", [(r"(\bapi\.telegram\.org/(?:file/)?bot)[^\s/\"'*]+", re.I)]),
    (
        "authorization x-auth-token cookie bearer basic",
        [
            (r"""((?:Authorization|X-Auth-Token)["']?\s{0,3}[:=]\s{0,3}(?:[A-Za-z]{3,12}\s+)?)[^\s"',;]+""", re.I),
            (r"""(\bCookie:\s{0,3})[^"'\r\n]+""", re.I),
            (r"""(\bBearer\s+)(?=[\w.~+/-]{0,60}[\d=])[\w.~+/=-]{8,}""", re.I),
            (r"""(\bBasic\s+)(?=[A-Za-z+/]{0,60}[\d=])[A-Za-z0-9+/]{8,}={0,2}""", 0),
            (rf"({_BEGIN}--?(?:oauth2-)?bearer\s+){_SWITCH_VALUE}", re.I),
        ],
    ),
    ("securestring", [(rf"(ConvertTo-SecureString\s+(?:-(?:AsPlainText|Force|String)\s+){{0,3}})(?!-){_VALUE}", re.I)]),
    ("-e", [(r"((?<!\S)-e(?:c|nc\w{0,12})?\s+)[A-Za-z0-9+/]{40,}={0,2}", re.I)]),  # -EncodedCommand
    (
        f"{_KEYS} passe",
        [
            # Password=two words;Encrypt=yes in a connection string
            (rf"""((?:;\s{{0,3}}|["']|^){_KEY}\s{{0,3}}=)(?!\s{{0,3}}(?:{_VARIABLE}|["'{{]))[^;"']+(?=;)""", re.I),
            (rf"""(;\s{{0,3}}{_KEY}\s{{0,3}}=)(?!\s{{0,3}}(?:{_VARIABLE}|["'{{]))[^;"']+""", re.I),
            (
                rf"""({_KEY}\s{{0,3}}=)(?!\s{{0,3}}(?:{_VARIABLE}|["'{{]))[^;&"']{{1,200}}(?=;\s?[a-z ]{{1,30}}=)""",
                re.I,
            ),
            # --db-password X, -Password X: a switch, a space, a value that is not the next switch
            (rf"({_BEGIN}(?:--?|/)[\w.-]{{0,40}}{_KEY}\s+(?:[=:]\s+)?{_SCHEME}){_SWITCH_VALUE}", re.I),
            (rf"""(\bkey=["'][\w.:-]{{0,40}}{_KEY}["']\s+value=){_VALUE}""", re.I),
            # PGPASSWORD=X, "password": "X"; a word of prose after "token: " is no secret
            (rf"""({_KEY}(?:\\?["']){{0,2}}\s{{0,3}}(?:=>|=(?!>))\s{{0,3}}){_KEY_VALUE}""", re.I),
            (rf"""({_PASSWORD}(?:\\?["']){{0,2}}\s{{0,3}}:\s{{0,3}}){_KEY_VALUE}""", re.I),
            (
                rf"""({_KEY}(?:\\?["']){{0,2}}\s{{0,3}}:(?:\s{{0,3}}(?=["'\\]|\S*[^\sA-Za-z.,;:!?)])|(?=\S))){_KEY_VALUE}""",
                re.I,
            ),
            (rf"(<(?:\w{{1,20}}:)?\w{{0,20}}{_KEY}>)[^<]+", re.I),
            (rf"(\bsetx?\s+(?:/\w\s+)?[\w.]{{0,40}}{_KEY}\w{{0,20}}\s+){_VALUE}", re.I),
            (r"""(\bPASSWORD\s+)(?!'[%$*])'[^']+'""", 0),  # of SQL
        ],
    ),
    (
        "pass pw rp xp sig",
        [
            # one digit is the number of a pass
            (
                rf"({_BEGIN}(?:--?|/)(?!auth-user-pass)(?:[\w.]{{1,40}}[_.-])?{_SHORT}\s+(?:[=:]\s+)?)(?!\d(?:\s|$)){_SWITCH_VALUE}",
                re.I,
            ),
            (rf"((?<![A-Za-z]){_SHORT}[=:])(?=\S){_KEY_VALUE}", re.I),
            (rf"(\$(?:pass|pw)\s{{0,3}}=\s{{0,3}}|\b[A-Z\d_]{{1,40}}_PASS:\s){_KEY_VALUE}", 0),
        ],
    ),
    ("key= code=", [(r"""([?&](?:key|code)=)[^&\s"']+""", re.I)]),
    ("keymaterial", [(r"(<keyMaterial>)[^<*]+", re.I)]),
    ("identified", [(rf"(\bIDENTIFIED\s+BY\s+){_VALUE}", re.I)]),
    ("login( networkcredential(", [(rf"""((?:\.login|NetworkCredential)\(\s*["'][^"']*["']\s*,\s*){_VALUE}""", re.I)]),
    # programs that take one without saying so
    (
        "net",
        [
            (rf"""(\bnet(?:\.exe)?"?\s+use\s.{{0,200}}?/user:\S{{1,200}}\s+)(?![/\\-]){_VALUE}""", re.I),
            (rf"""(\bnet(?:\.exe)?"?\s+use\s+(?:\S{{1,3}}\s+)?\\\\\S{{1,200}}\s+)(?![/*]){_VALUE}(?=\s+/u)""", re.I),
            (rf"""(\bnet(?:\.exe)?"?\s+user\s+\S{{1,100}}\s+)(?![/*]){_VALUE}""", re.I),
            (r"""(\bnetsh(?:\.exe)?"?\s.{0,300}?\bkey=)[^\s*]\S*""", re.I),
        ],
    ),
    (
        "mysql mariadb",
        [
            (_program(r"(?:mysql|mariadb)\w{0,12}", "-p") + rf"(?=[^\s*]){_VALUE}", re.I),
            (_program("mysqladmin", r"password\s+") + _VALUE, re.I),
        ],
    ),
    (
        "7z rar",
        [
            (r"""(\b(?:7z[ar]?|(?:win)?rar)(?:\.exe)?"?\s(?:.{0,300}?\s)?"-(?:hp|p))[^"*]+(?=")""", re.I),
            (_program("7z[ar]?|(?:un|win)?rar", "-(?:hp|p)") + rf"(?=[^\s*]){_VALUE}", re.I),
        ],
    ),
    (
        "sqlcmd bcp osql isql zip ipmitool",
        [(_program("sqlcmd|bcp|osql|isql|unzip|zip|ipmitool", r"-P\s?") + rf"(?!-){_VALUE}", 0)],
    ),
    (
        "sshpass signtool certutil pmcmd mongo",
        [
            (_program("sshpass", r"-p\s?") + _VALUE, 0),
            (_program("signtool", r"[-/]p\s+") + _SWITCH_VALUE, re.I),
            (_program(r"certutil|pmcmd|mongo\w{0,8}", r"-p\s+") + _SWITCH_VALUE, 0),
        ],
    ),
    (
        "openssl nuget choco redis-cli ldap smbclient snmp",
        [
            (_program("openssl", r"-[kK]\s+") + _SWITCH_VALUE, 0),
            (_program("nuget|choco", r"-k\s+") + _SWITCH_VALUE, 0),
            (_program("redis-cli", r"-a\s+") + _SWITCH_VALUE, 0),
            (_program(r"ldap\w{3,8}", r"-w\s+") + _SWITCH_VALUE, 0),
            (_program("smbclient", r"-U\s+[^\s%]{1,100}%") + _VALUE, 0),
            (_program(r"snmp\w{3,8}", r"-c\s+") + _SWITCH_VALUE, 0),
        ],
    ),
    (
        "sqlplus sqlldr rman exp imp oracle:",
        [
            (rf"""(\b{_ORACLE}(?:\.exe)?"?\s(?:.{{0,100}}?\s)?[\w$#]{{1,60}}/)[^\s@/*]{{1,100}}(?=@)""", re.I),
            (rf"""(\b{_ORACLE}(?:\.exe)?"?\s(?:.{{0,100}}?\s)?userid=["']?[\w$#]{{1,60}}/)[^\s@/*"']{{1,100}}""", re.I),
            (r"""(\b(?:sqlplus|sqlldr)(?:\.exe)?"?\s+(?:-\w+\s+)?[\w$#]{1,60}/)[^\s@/*]{1,100}""", re.I),
            (r"(\brman\s(?:.{0,100}?\s)?target\s+[\w$#]{1,60}/)[^\s@/*]{1,100}", re.I),
            (r"(\bjdbc:oracle:\w{1,9}:[\w$#]{1,60}/)[^\s@/*]{1,100}(?=@)", re.I),
        ],
    ),
    (
        "rasdial ssh-keygen rclone ngrok qpdf sqlpackage sudo slmgr pdftk",
        [
            (
                rf"""(\brasdial(?:\.exe)?"?\s+(?:"[^"]{{1,100}}"|[^\s/"]{{1,100}})\s+[^\s/]{{1,100}}\s+)(?!/){_VALUE}""",
                re.I,
            ),
            (_program("ssh-keygen", r"-[NP]\s+") + _VALUE, 0),
            (rf"(\b(?:rclone(?:\.exe)?\s+obscure|ngrok(?:\.exe)?\s.{{0,60}}?\bauthtoken)\s+){_VALUE}", re.I),
            (rf"(\bqpdf\s.{{0,200}}?--encrypt\s+){_VALUE}", re.I),
            (rf"(\bqpdf\s.{{0,200}}?--encrypt\s+\*\*\*\s+){_VALUE}", re.I),
            (_program("sqlpackage", "/[st]p:") + _VALUE, re.I),
            (r"""(\becho\s+)[^\s|*%$]+(?=\s{0,3}\|\s{0,3}sudo\s+-S)""", 0),
            (r"(\bslmgr(?:\.vbs)?\s+[-/]ipk\s+)[^\s*%]+", re.I),
            (rf"(\bpdftk\s.{{0,300}}?\s(?:user|owner)_pw\s+){_VALUE}", re.I),
        ],
    ),
    ("lftp", [(r"(\blftp\s(?:.{0,100}?\s)?-u\s+[^\s,]{1,100},)[^\s*]\S*", re.I)]),
    (
        "curl",
        [
            (r"""(\bcurl(?:\.exe)?"?\s(?:.{0,200}?\s)?-u[^\s:"'/\\]{1,100}:)(?!\*)[^\s"']{1,400}""", 0),
            (_program("curl", r"(?:-E|--cert)\s+(?:[A-Za-z]:)?[^\s:]{1,200}:") + r"""[^\s"'*\\/]{1,100}""", 0),
            (_program("curl", r"""(?:-b|--cookie)\s+["']?[^\s"'=]{1,100}=""") + r"""[^\s"'*][^"'\s]*""", 0),
        ],
    ),
    (
        "-u --user --proxy-user --auth",
        [
            (
                rf"((?<!\S)-u\s?\S{{1,200}}\s(?:.{{0,200}}?\s)?-p\s+)(?!-|\d{{1,5}}(?::\d{{1,5}})?(?:\s|$)){_VALUE}",
                re.I,
            ),
            (r"""((?<!\S)(?:-u|--(?:proxy-)?user|--auth)[\s=]\s{0,3}["'][^"':]{1,100}:)[^"'*]+""", 0),
            (
                r"""((?<!\S)(?:-u|--(?:proxy-)?user|--auth)[\s=][^\s:"'/\\]{1,200}:)(?!\d{1,6}(?:\s|$)|\*)[^\s"'\\/]{1,400}""",
                0,
            ),
        ],
    ),
    (
        "/p /de",
        [
            (rf"({_BEGIN}/u(?:ser)?:\S{{1,200}}\s(?:.{{0,200}}?\s)?/p:){_VALUE}", re.I),
            (rf"({_BEGIN}/u(?:ser)?\s+(?!/)\S{{1,200}}\s(?:.{{0,200}}?\s)?/p\s+){_SWITCH_VALUE}", re.I),
            (rf"({_BEGIN}/p:){_VALUE}(?=\s(?:.{{0,200}}?\s)?/u(?:ser)?:\S)", re.I),
            (rf"({_BEGIN}/De(?:crypt)?\s+){_VALUE}", re.I),
        ],
    ),
    ("://", [(r"""(://[^\s:/@"']{0,200}:)(?!\d{1,5}/)[^\s@"']{1,400}(?=@)""", 0)]),
    # shapes of addresses that are secrets, and of tokens
    (
        "webhook /services/ /with/key/",
        [
            (
                r"(https://(?:hooks\.slack\.com/services|discord(?:app)?\.com/api/webhooks|[\w.-]{1,60}webhook\.office\.com"
                r"|outlook\.office(?:365)?\.com/webhook|maker\.ifttt\.com/trigger/\w{1,60}/(?:json/)?with/key)/)[^\s\"'*]+",
                re.I,
            )
        ],
    ),
    (
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- xox akia asia sk- sk_ aiza hf_ npm_ sg. eyj",
        [
            (
                r"()\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}|A[KS]IA[0-9A-Z]{16})",
                0,
            ),
            (
                r"()\b(?:sk[-_](?:live_|test_)?[\w-]{20,}|AIza[\w-]{30,}|hf_\w{20,}|npm_\w{30,}|SG\.[\w-]{10,}\.[\w-]{10,})",
                0,
            ),
            (r"()\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{5,}", 0),
        ],
    ),
    (
        "pypi- hvs. dapi ya29. gocspx- shpat_",
        [
            (
                r"()\b(?:pypi-[\w-]{20,}|hvs\.[\w-]{20,}|dapi[0-9a-f]{32}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{16,}|shpat_[0-9a-f]{32})",
                0,
            )
        ],
    ),
]
_MARKED = [
    (tuple(words.split()), [re.compile(pattern, flags) for pattern, flags in patterns]) for words, patterns in _TABLE
]
_PRIVATE_KEYS = _MARKED[0][1]
# a log that lists arguments: the switch ends a line, and its value is the next one
_NEXT_LINE = re.compile(
    rf"({_BEGIN}(?:--?|/)[\w.-]{{0,40}}{_KEY}[^\S\n]{{0,9}}\n[^\S\n]{{0,40}})(?![-/*\s])\S+(?=[^\S\n]{{0,9}}(?:\n|\Z))",
    re.I,
)


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
    lower = text.lower()
    for words, patterns in _MARKED:
        for word in words:
            if word in lower:
                break
        else:
            continue
        for pattern in patterns:
            if pattern.search(text):  # `sub` takes longer to find nothing
                text = pattern.sub(rf"\1{MASK}", text)
    return text


def _letters(text: str) -> str:
    """`text` without blanks, control and zero-width characters."""
    return "".join(_CONTROL.sub("", _ZERO_WIDTH.sub("", text)).split())


def mask_lines(text: str) -> str:
    r"""A log, a script or what differs in one: each line masked by itself, and private keys over all their lines.

    >>> mask_lines("copy a b /p\ndone\nload.py --password S3cret\n")
    'copy a b /p\ndone\nload.py --password ***\n'
    """
    for pattern in (*_PRIVATE_KEYS, _NEXT_LINE):
        text = pattern.sub(rf"\1{MASK}", text)
    return "\n".join(map(mask, text.split("\n")))


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
