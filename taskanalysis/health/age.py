"""What is too old at a moment, in words: the same on the index, in ``summary.txt`` and in the subject of a message.

>>> from datetime import datetime
>>> late_names({"snapshot": datetime(2026, 11, 23, 18), "backup": None}, datetime(2026, 11, 24))
['snapshot']
>>> dated("S: None of 2 tasks needs attention: no need to worry.", ["snapshot"])
'S: None of 2 tasks needs attention. The snapshot is stale: a newer one was due.'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

STALE = {
    "snapshot": "The snapshot is stale: a newer one was due.",
    "backup": "The backup is stale: definitions were due.",
}
CALM = ": no need to worry"


def late_names(due: Mapping[str, datetime | None], now: datetime) -> list[str]:
    """The keys of `STALE` that are too old at `now`, by when a newer one was due (None: not known)."""
    return [name for name in STALE if (when := due.get(name)) is not None and now > when]


def without_calm(text: str) -> str:
    """A sentence of an assessment for a moment at which its data are stale: nobody may be calm then."""
    return text.replace(CALM, "")


def dated(line: str, late: Sequence[str]) -> str:
    """The first line of an assessment with what is too old now (keys of `STALE`)."""
    return " ".join([without_calm(line), *(STALE[name] for name in late)]) if late else line
