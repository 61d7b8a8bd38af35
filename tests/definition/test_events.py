"""Queries of event triggers in words; common shapes are in tests/files/triggers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskanalysis.definition.events import describe_query

# XPath | event | rest
QUERIES = """
*                                                               |             | is logged
*[System]                                                       |             | is logged
*[System[EventID=1]]                                            | 1           | is logged
*[System[EventID = "1"]]                                        | 1           | is logged
Event[System[EventID=1]]                                        | 1           | is logged
Event/System[EventID=1 or EventID=1]                            | 1           | is logged
*[System[(EventID=1) or (EventID=2)]]                           | 1 or 2      | is logged
*[System[EventID=1]] or *[System[EventID=2]]                    | 1 or 2      | is logged
*[System[EventID<=9 and EventID>=3]]                            |             | that its query selects is logged
*[System[EventID>=3 and EventID<=9]]                            | 3 to 9      | is logged
*[System[EventID>=3 and Level<=4]]                              |             | that its query selects is logged
*[System[EventID>3]]                                            |             | that its query selects is logged
*[System[EventID=1 or Level=2]]                                 |             | that its query selects is logged
*[System[EventID=1 or not(Level=2)]]                            |             | that its query selects is logged
*[System[EventID=1 and not(Level=2)]]                           | 1           | is logged and meets further conditions
*[System[EventID=1 and Level!=2]]                               | 1           | is logged and meets further conditions
*[System[EventID=1 and (Level=2 or Level=3)]]                   | 1           | at level Error or Warning is logged
*[System[Level=9]]                                              |             | at level 9 is logged
*[System[EventID=1]] and *[UserData]                            | 1           | is logged and meets further conditions
*[System[EventID=1]] and *[EventData[Data='and EventID=7']]     | 1           | is logged and meets further conditions
*[System[EventID=1 or EventID=2][Level=2]]                      | 1 or 2      | at level Error is logged
*[UserData[EventID=1]]                                          |             | that its query selects is logged
* or *[System[EventID=1]]                                       |             | that its query selects is logged
*[System[EventID=1]]]                                           |             | that its query selects is logged
*[System[EventID=]]                                             |             | that its query selects is logged
*[System[EventID=1 & Level=2]]                                  |             | that its query selects is logged
//EventID                                                       |             | that its query selects is logged
"""


def query(xpath: str) -> str:
    escaped = xpath.replace("&", "&amp;").replace("<", "&lt;")
    return f"<QueryList><Query><Select>{escaped}</Select></Query></QueryList>"


@pytest.mark.parametrize("line", QUERIES.strip().splitlines())
def test_query_is_described(line: str) -> None:
    xpath, event, rest = (part.strip() for part in line.split("|"))
    assert describe_query(query(xpath)) == (event, rest)


PARTS = [
    "*",
    "[",
    "]",
    "(",
    ")",
    "/",
    "@",
    "=",
    ">=",
    "<=",
    ",",
    ".",
    " and ",
    " or ",
    "System",
    "EventID",
    "not",
    "'a'",
    "1",
]


@given(st.lists(st.sampled_from(PARTS), max_size=60))
def test_any_query_is_described(parts: list[str]) -> None:
    assert "is logged" in describe_query(query("".join(parts))).rest


@pytest.mark.parametrize(
    "xpath", ["(" * 100_000, "*[" * 100_000, "a/" * 100_000, "a and " * 100_000 + "a", "not(" * 40]
)
def test_long_query_is_described(xpath: str) -> None:
    assert describe_query(query(xpath)).rest == "that its query selects is logged"
