r"""The event query of an EventTrigger in English.

Authority: the query schema of Windows Event Log (QueryList with Select and Suppress, an XPath each). Only the common
shapes are put into words: providers, event ids and the log. What else a query asks is said to be there, not guessed.

>>> describe_query('''<QueryList><Query Path="Security"><Select>*[System[EventID=4625]]</Select></Query></QueryList>''')
QueryWords(event='4625', rest='is logged in Security')
"""

from __future__ import annotations

import re
from typing import NamedTuple

from lxml import etree

from taskanalysis.definition.encoding import parse
from taskanalysis.errors import TaskXmlError
from taskanalysis.text import clip

__all__ = ["QueryWords", "describe_query"]

_EVENT_ID = re.compile(r"""\bEventID\s*=\s*['"]?([0-9]+)['"]?""")
_PROVIDER = re.compile(r"""Provider\s*\[\s*@Name\s*=\s*(?:'([^']*)'|"([^"]*)")\s*\]""")


class QueryWords(NamedTuple):
    """`event`: ids, or "" where not one plain condition on them; `rest`: provider, log and what else is asked."""

    event: str
    rest: str


def describe_query(subscription: str) -> QueryWords:
    """Say what a subscription selects; a query that can't be read is said to be one.

    >>> describe_query("no xml").rest
    'that its query selects is logged'
    """
    try:
        root = parse(subscription.encode("utf-8"))
    except TaskXmlError:
        return QueryWords("", "that its query selects is logged")
    selects = [(query, select) for query in root.iter("{*}Query") for select in query.iter("{*}Select")]
    if len(selects) != 1:
        kinds = f"one of {len(selects)} queries" if selects else "its query"
        logs = sorted({_log(query, select) for query, select in selects} - {""})
        return QueryWords("", f"that {kinds} selects is logged" + (f" in {_some(logs)}" if logs else ""))
    query, select = selects[0]
    return _one(select.text or "", _log(query, select), suppressed=query.find("{*}Suppress") is not None)


def _one(xpath: str, log: str, *, suppressed: bool) -> QueryWords:
    conjoined, plain = _shape(xpath)
    events = list(dict.fromkeys(_EVENT_ID.findall(xpath))) if conjoined else []
    providers = [one or other for one, other in _PROVIDER.findall(xpath)] if conjoined else []
    rest = f"of {_some(providers)} " if providers else ""
    rest += f"is logged in {log}" if log else "is logged"
    rest += "" if plain else " and fits its further conditions"
    rest += " and none of its exceptions" if suppressed else ""
    return QueryWords(_some(events), rest)


def _shape(xpath: str) -> tuple[bool, bool]:
    """Whether a query is "provider and (id or id) and more", so that these can be named; and whether it has no more."""
    shape = re.sub(r"[*\[\]()/\s]+|\bSystem\b", " ", _PROVIDER.sub(" P ", _EVENT_ID.sub(" E ", xpath)))
    terms = [" ".join(term.split()) for term in shape.split(" and ")]
    named = [term for term in terms if re.search(r"\b[PE]\b", term)]
    mixed = len(named) > 1 and " or " in shape and "(" not in xpath
    once = sum(term == "P" for term in named) <= 1 and sum(term != "P" for term in named) <= 1
    each = all(re.fullmatch("P|E(?: or E)*", term) for term in named)
    conjoined = once and each and not mixed and "not" not in shape.split()
    return conjoined, conjoined and len(named) == len([term for term in terms if term])


def _some(names: list[str]) -> str:
    """Names joined by "or", a few of them."""
    shown = [clip(name, 60) for name in names[:6]] + ([f"{len(names) - 6} others"] if len(names) > 6 else [])
    return " or ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _log(query: etree._Element, select: etree._Element) -> str:
    return str(select.get("Path") or query.get("Path") or "")
