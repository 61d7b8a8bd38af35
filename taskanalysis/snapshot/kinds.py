r"""What a file that is neither task XML nor a status file looks like, and what to export instead.

Authority: the first bytes of the formats, the roots of Export-Clixml and of event logs, and what Format-Table prints.

>>> kind_of(b"PK\x03\x04...xl/workbook.xml").what
'is a workbook, which is not read: export schtasks /query /v /fo csv, or pipe Get-ScheduledTaskInfo to Export-Csv'
>>> kind_of(b"Tasks of the office")
Kind(what='is not read: neither task XML nor statuses', is_data=False)
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from taskanalysis.snapshot.locales import field_of
from taskanalysis.snapshot.pages import decode_page
from taskanalysis.snapshot.rows import TABLE, find_layout, is_csv_of_schtasks, is_table
from taskanalysis.text import clip

HEAD = 64 * 1024
"""Bytes in which the kind of a file shows."""
INSTEAD = "export schtasks /query /v /fo csv, or pipe Get-ScheduledTaskInfo to Export-Csv"
EVENTS = "put it into eventlogs/SERVER of a share"
_MAGIC = (
    (b"ElfFile\0", f"is an event log: {EVENTS}"),
    (b"\xd0\xcf\x11\xe0", f"is a file of Excel or another program of Office, which is not read: {INSTEAD}"),
    (b"7z\xbc\xaf", "is an archive: unpack it"),
    (b"Rar!", "is an archive: unpack it"),
    (b"\x1f\x8b", "is an archive: unpack it"),
    (b"MSCF", "is an archive: unpack it"),
    (b"BZh", "is an archive: unpack it"),
    (b"\xfd7zXZ", "is an archive: unpack it"),
)
FORMAT_TABLE = (
    "looks like Format-Table, which cuts cells: use | Export-Csv FILE -NoTypeInformation -Encoding UTF8 instead"
)
_HTML = ("html", "head", "body", "table", "div", "p", "pre")
_RULER = re.compile(r"-{2,}(?: +-{2,})+\s*$")
_EVENT_COLUMNS = ({"timecreated", "id", "message"}, {"date and time", "source", "event id"})
_EVENT_ROW = re.compile(r'[^,]*,[^,]*,"?Microsoft-Windows-[^,]*,"?\d{1,5}"?,')
"""A row that Event Viewer saves: level, time, source and number of an event; the columns have names in its language."""
_EVENT_TEXT = re.compile(r"\s*(?:ProviderName|Source) *: *Microsoft-Windows-\S+\s*")
"""A line of ``wevtutil qe /f:text``, and of Get-WinEvent as a list or table."""
_OWN = "Path,State,Enabled,LastRunTime"


class Kind(NamedTuple):
    """What a file looks like, as the end of a sentence, and whether it seems to hold data that then are missing."""

    what: str
    is_data: bool = True


OTHER = Kind("is not read: neither task XML nor statuses", is_data=False)
XML = Kind("is XML")
"""XML, of which the reader of definitions says what is wrong with it."""
EMPTY = Kind("is empty")


def kind_of(data: bytes) -> Kind:
    """The kind of a file by its first bytes, `OTHER` where it is no kind that people take for data of tasks."""
    if data.startswith(b"PK\x03\x04"):
        is_workbook = b"xl/" in data or b"[Content_Types].xml" in data
        return Kind(f"is a workbook, which is not read: {INSTEAD}" if is_workbook else "is an archive: unpack it")
    if what := next((what for magic, what in _MAGIC if data.startswith(magic)), ""):
        return Kind(what)
    text = decode_page(data).lstrip("\ufeff \t\r\n\0")
    if not text:
        return EMPTY
    if text.startswith("<") or b"<" in data[:4]:
        return _of_xml(text)
    if text[:1] in ("{", "["):
        what = "is JSON without tasks and their status" if re.search(r'"\w+"\s*:', text) else ""
        events = re.search(r'"Id"\s*:', text) and '"TimeCreated"' in text
        return Kind(f"is JSON of events: {EVENTS}" if events else f"{what}: {INSTEAD}") if what else OTHER
    return _of_lines(text)


def _of_xml(text: str) -> Kind:
    root = re.match(r"(?:<\?[^>]*>\s*|<!--.*?-->\s*)*<([\w.:-]+)", text, re.DOTALL)
    name = root[1].rpartition(":")[2] if root else ""
    if name == "Objs":
        events = "EventLogRecord" in text
        more = "of events (Export-Clixml), which is not read: export the log with wevtutil epl" if events else ""
        return Kind(f"is Clixml {more or f'(Export-Clixml), which is not read: {INSTEAD}'}")
    if name.casefold() in _HTML or re.match(r"<!doctype html\b", text, re.IGNORECASE):
        return Kind(f"is a page of HTML, which is not read: {INSTEAD}")
    if name in ("Event", "Events"):
        provider = re.search(r"""<Provider\s[^>]*?\bName=["']([^"'<>]*)""", text)
        source = provider[1] if provider else "an unknown program"
        if source == "Microsoft-Windows-TaskScheduler":
            return Kind(f"holds events of the Task Scheduler: {EVENTS}")
        return Kind(f"holds events of {clip(source, 60)}, which are not read: only TaskScheduler/Operational is")
    return XML


def _of_lines(text: str) -> Kind:
    """Of text: a table, statuses, or the first line of a CSV."""
    if is_table(text):
        return Kind(TABLE)
    if find_layout(text):
        return Kind("holds statuses, but lies in a folder below, which is not read: move it up")
    lines = [line for line in text[:20_000].splitlines() if line.strip() and not line.startswith("#TYPE")][:200]
    if any(_RULER.match(line) and "name" in map(field_of, names.split()) for names, line in pairwise(lines)):
        return Kind(FORMAT_TABLE)
    if lines and lines[0].startswith(_OWN):
        return Kind("is the status.csv of a snapshot: name the folder of the snapshot")
    headers = (_of_header(lines[0], delimiter) for delimiter in ",;\t") if lines and "\0" not in text[:1000] else ()
    kinds = [_of_events(lines), *headers, CUT if is_csv_of_schtasks(text) else OTHER]
    return next((kind for kind in kinds if kind is not OTHER), OTHER)


def _of_events(lines: Sequence[str]) -> Kind:
    """Of lines that Event Viewer saved, or that wevtutil or Get-WinEvent printed."""
    if any(map(_EVENT_ROW.match, lines[1:])):
        return Kind(f"holds events: {EVENTS}")
    is_text = any(map(_EVENT_TEXT.fullmatch, lines))
    return Kind("holds events as text, which is not read: export the log with wevtutil epl") if is_text else OTHER


def _of_header(line: str, delimiter: str) -> Kind:
    """Of the first line of a CSV: which columns of a status file it lacks."""
    try:
        names = next(csv.reader([line], delimiter=delimiter))
    except csv.Error:
        return OTHER
    lower = {name.strip().casefold() for name in names}
    if any(columns <= lower for columns in _EVENT_COLUMNS):
        return Kind(f"holds events: {EVENTS}")
    fields = {field_of(name) for name in names}
    if len(names) < 2 or not fields & {*_TIMES, "state", "name", "folder"}:
        return OTHER
    wanted = ["TaskName"] * ("name" not in fields) + ["LastRunTime or LastTaskResult"] * (not fields & _TIMES)
    return Kind(f"is a CSV without the column {' and '.join(wanted)}: {INSTEAD}") if wanted else OTHER


CUT = Kind(f"is a CSV of schtasks in an unknown language that lacks columns: {INSTEAD}, with all columns")
_TIMES = {"last_run", "last_result", "next_run"}
