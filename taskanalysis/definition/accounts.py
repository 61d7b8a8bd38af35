r"""The service accounts of Windows, by SID or by their names in its languages.

Authority: [MS-DTYP] 2.4.2.4 for the SIDs; ``services.csv`` beside this module for the names, each with its source. A
name in a language that it lacks is that of an ordinary account.

>>> service_sid(r"NT-AUTORITÄT\Netzwerkdienst"), service_sid("s-1-5-18"), service_sid(r"TOWN\SYSTEM")
('S-1-5-20', 'S-1-5-18', '')
"""

from __future__ import annotations

import csv
import unicodedata
from functools import lru_cache
from pathlib import Path

SERVICES = {"S-1-5-18": "SYSTEM", "S-1-5-19": "LOCAL SERVICE", "S-1-5-20": "NETWORK SERVICE"}
"""The English name of each service account, by its SID."""


def _key(name: str) -> str:
    """A name without case and spaces: NetworkService is also a name."""
    return "".join(unicodedata.normalize("NFC", name).casefold().split())


_LINES = Path(__file__).with_name("services.csv").read_text(encoding="utf-8").splitlines()
_ROWS = list(csv.DictReader(line for line in _LINES if not line.startswith("#")))
_NAMES = {_key(row["name"]): row["sid"] for row in _ROWS}
_ENGLISH = {_key(row["name"]) for row in _ROWS if row["language"] in ("English", "every")}


@lru_cache(maxsize=4096)
def service_sid(account: str) -> str:
    """The SID of a service account, given by SID or name; "" for any other account."""
    if account.upper() in SERVICES:
        return account.upper()
    authority, _, name = account.rpartition("\\")
    sid = _NAMES.get(_key(name), "") if not authority or _NAMES.get(_key(authority)) == "S-1-5" else ""
    return sid if sid in SERVICES else ""


def is_localised(account: str) -> bool:
    r"""Whether an account is a service account by a name that only Windows of some languages knows.

    >>> is_localised(r"AUTORITE NT\Système"), is_localised(r"NT AUTHORITY\SYSTEM"), is_localised("S-1-5-18")
    (True, False, False)
    """
    if not service_sid(account) or account.upper() in SERVICES:
        return False
    return not {_key(part) for part in account.split("\\")} <= _ENGLISH
