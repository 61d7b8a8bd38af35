r"""Event triggers in English: which events a subscription selects.

Authority: the query schema of Windows Event Log (QueryList with Select and Suppress, an XPath each). Providers, event
ids, levels and logs are put into words; other conditions are mentioned, not guessed.

>>> describe_query("<Query Path='Security'><Select>*[System[EventID=4625]]</Select></Query>")
QueryWords(event='4625', rest='is logged in Security')
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from lxml import etree

from taskanalysis.definition.encoding import parse
from taskanalysis.errors import TaskXmlError
from taskanalysis.text import clip, listed

MOST_NAMED = 6  # ids, providers or logs that one sentence names; more are counted
MOST_BRACKETS = 50  # in a query that is read: Event Viewer's own have some 30
_NAMED = ("EventID", "Provider/@Name", "Level")  # what a sentence names
_LEVELS = {"0": "Information", "1": "Critical", "2": "Error", "3": "Warning", "4": "Information", "5": "Verbose"}


class QueryWords(NamedTuple):
    """`event`: ids, or "" where they are not one plain condition; `rest`: provider, level, log, further conditions."""

    event: str
    rest: str


def describe_query(subscription: str, times: str = "") -> QueryWords:
    """Describe which events a subscription selects, and how often; an unreadable query is only mentioned.

    >>> describe_query("<Query Path='System'><Select>*[System[Level=2]]</Select></Query>", " 5 times").rest
    'at level Error is logged in System 5 times'
    >>> describe_query("no xml").rest
    'that its query selects is logged'
    """
    try:
        root = parse(subscription.encode("utf-8"))
    except TaskXmlError:
        return QueryWords("", f"that its query selects is logged{times}")
    selects = [(query, select) for query in root.iter("{*}Query") for select in query.iter("{*}Select")]
    logs = sorted({_log(query, select) for query, select in selects} - {""})
    logged = "is logged" + (f" in {_some(logs)}" if logs else "") + times
    clauses = [logged, *["is not excluded by its query"] * any(True for _ in root.iter("{*}Suppress"))]
    if len({select.text for _, select in selects}) == 1:
        return _one(selects[0][1].text or "", clauses)
    kinds = f"one of {len(selects)} queries" if selects else "its query"
    return QueryWords("", f"that {kinds} selects {listed(clauses)}")


def _one(xpath: str, clauses: list[str]) -> QueryWords:
    """Describe one XPath; `clauses` say what must become of such an event."""
    found = _conditions(xpath)
    named = {path: values for path, sign, values in found if sign == "=" and path in _NAMED}
    if found and not named:
        return QueryWords("", f"that its query selects {listed(clauses)}")
    events, providers, levels = (named.get(path, ()) for path in _NAMED)
    if len(named) < len(found):
        clauses = [clauses[0], "meets further conditions", *clauses[1:]]
    what = [f"of {_some(providers)}"] if providers else []
    what += [f"at level {_some([_LEVELS.get(level, level) for level in levels])}"] if levels else []
    return QueryWords(_some(events), " ".join([*what, listed(clauses)]))


def _some(names: Iterable[str]) -> str:
    """Names joined by "or", a few of them."""
    return listed([clip(name, 60) for name in dict.fromkeys(names)], "or", most=MOST_NAMED)


def _log(query: etree._Element, select: etree._Element) -> str:
    return str(select.get("Path") or query.get("Path") or "")


# XPath ----------------------------------------------------------------------------------------------------------------


class _Condition(NamedTuple):
    """A path that is compared with some values; "" where the condition is not understood."""

    path: str
    sign: str = ""
    values: tuple[str, ...] = ()


_UNKNOWN = _Condition("")
_TOKEN = re.compile(r"""\s*('[^']*'|"[^"]*"|[<>!]=|[][()<>=@*/.,]|[\w:-]+)""")
_SIGNS = ("=", "!=", "<", "<=", ">", ">=")
_WHOLE = (".", "*", "Event", "System")  # steps that every path has, or may have


def _conditions(xpath: str) -> list[_Condition]:
    """Read the conditions that an event must meet, all of them.

    >>> [(path, values) for path, _, values in _conditions("*[System[Level=2 and (EventID=1 or EventID=4)]]")]
    [('Level', ('2',)), ('EventID', ('1', '4'))]
    """
    tokens, place, text = [], 0, xpath.strip()
    while match := _TOKEN.match(text, place):
        tokens.append(match[1])
        place = match.end()
    if place < len(text) or tokens.count("(") + tokens.count("[") > MOST_BRACKETS:
        return [_UNKNOWN]
    query = _Query(tokens)
    try:
        found = query.either()
    except (IndexError, ValueError):
        return [_UNKNOWN]
    return [_UNKNOWN] if query.tokens else found


class _Query:
    """The tokens of an XPath that are still to be read; IndexError or ValueError where it is not well-formed."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens[::-1]

    def take(self, token: str) -> bool:
        """Take the next token if it is this one."""
        if not self.tokens or self.tokens[-1] != token:
            return False
        self.tokens.pop()
        return True

    def expect(self, token: str) -> None:
        if not self.take(token):
            raise ValueError(f"{token} is missing")

    def either(self) -> list[_Condition]:
        """Read conditions joined by "or": one condition if all of them give values of one path."""
        parts = [self.every()]
        while self.take("or"):
            parts.append(self.every())
        if len(parts) == 1:
            return parts[0]
        if not all(len(part) == 1 and part[0][:2] == (parts[0][0].path, "=") for part in parts):
            return [_UNKNOWN]
        values = dict.fromkeys(value for part in parts for _, _, values in part for value in values)
        return [parts[0][0]._replace(values=tuple(values))]

    def every(self) -> list[_Condition]:
        """Read conditions joined by "and": a lower and an upper bound of one path become a range."""
        found = self.one()
        while self.take("and"):
            found += self.one()
        if [sign for _, sign, _ in found] == [">=", "<="] and found[0].path == found[1].path:
            return [_Condition(found[0].path, "=", (f"{found[0].values[0]} to {found[1].values[0]}",))]
        return found

    def one(self) -> list[_Condition]:
        if not self.take("("):
            return self.path()
        found = self.either()
        self.expect(")")
        return found

    def path(self) -> list[_Condition]:
        """Read a path, its predicates and the value that it is compared with."""
        steps: list[str] = []
        found: list[_Condition] = []
        while True:
            step = "@" * self.take("@") + self.tokens.pop()
            if self.take("("):  # a function, such as not() or timediff()
                self.either()
                while self.take(","):
                    self.either()
                self.expect(")")
                found.append(_UNKNOWN)
            steps += [step] * (step not in _WHOLE)
            while self.take("["):
                found += [inner._replace(path="/".join([*steps, inner.path])) for inner in self.either()]
                self.expect("]")
            if not self.take("/"):
                break
        if self.tokens and self.tokens[-1] in _SIGNS:
            sign = self.tokens.pop()
            found.append(_Condition("/".join(steps), sign, (self.tokens.pop().strip("'\""),)))
        elif steps and not found:
            found.append(_UNKNOWN)  # that there is such a part
        return found
