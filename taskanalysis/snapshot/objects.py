r"""Statuses that PowerShell wrote with ConvertTo-Json, cut into rows of raw cells.

Authority: ConvertTo-Json of Windows PowerShell 5.1 (dates as ``/Date(ms)/``, one object alone not in a list, lists with
a count) and of PowerShell 7 (ISO 8601). Several texts may follow one another.

>>> text = '[{"TaskName": "Load", "TaskPath": "\\\\", "LastRunTime": "/Date(1795410000000)/", "State": 3}]'
>>> list(rows_of(text, Counter()))
[{'name': 'Load', 'folder': '\\', 'last_run': '2026-11-23T05:00:00+00:00', 'state': '3'}]
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from taskanalysis.snapshot.locales import field_of
from taskanalysis.text import clip

Row = dict[str, str]
_DATE = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")
_LONGEST = 10_000
_decoder = json.JSONDecoder(strict=False)


def are_objects(text: str) -> bool:
    """Whether a text begins like JSON with the status of tasks."""
    if text.lstrip("\ufeff \t\r\n")[:1] not in ("{", "["):
        return False
    fields = {field_of(key) for key in re.findall(r'"(\w{1,40})"\s*:', text)}
    return "name" in fields and bool(fields & {"last_run", "last_result", "next_run"})


def objects(text: str, notes: Counter[str]) -> Iterator[dict[str, Any]]:
    """Each object of a text of JSON; what is damaged is noted, and what stands before it is read."""
    position, end = 0, len(text)
    while position < end:
        position = re.compile(r"[\s,\[\]\ufeff]*").match(text, position).end()  # type: ignore[union-attr]
        if position == end:
            return
        try:
            found, position = _decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            notes[f"its JSON is damaged: {clip(str(error))}, not read further"] += 1
            return
        if not isinstance(found, dict):
            notes[f"{clip(str(found))} is no object"] += 1
        elif isinstance(found.get("value"), list) and found.keys() <= {"value", "Count"}:
            yield from (inner for inner in found["value"] if isinstance(inner, dict))
        else:
            yield found


def rows_of(text: str, notes: Counter[str]) -> Iterator[Row]:
    """The row of each object that has the name of a task."""
    for found in objects(text, notes):
        row: Row = {}
        for key, value in found.items():
            if (name := field_of(key)) and name not in row:
                row[name] = plain(value)[:_LONGEST]
        if "name" in row:
            yield row
        else:
            notes[f"an object without TaskName: {clip(', '.join(found))}"] += 1


def plain(value: Any) -> str:
    """A value as the text of a cell; "" for null and for what is no single value.

    >>> plain("/Date(943920000000)/"), plain({"value": 3, "Value": "Ready"}), plain(True), plain(None)
    ('1999-11-30T00:00:00+00:00', '3', 'True', '')
    """
    if isinstance(value, dict):
        return plain(next((value[key] for key in ("value", "Value", "DateTime") if key in value), None))
    if value is None or isinstance(value, list):
        return ""
    text = str(value).strip()
    if found := _DATE.fullmatch(text):
        try:
            return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(found[1]))).isoformat()
        except OverflowError:
            return text
    return text
