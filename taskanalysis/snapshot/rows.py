r"""Cut the text of a status file into rows of raw cells, whatever printed it; `foreign` decides what a cell means.

Authority: outputs of ``schtasks /query`` (CSV, LIST) and of PowerShell's Export-Csv and Format-List. schtasks prints
one row for each trigger, doubles inner quotes on some Windows and not on others, and writes errors between the rows.

>>> text = '"TaskName","Next Run Time","Status"\n"\\Load","N/A","Ready"\n'
>>> list(find_layout(text)(text, Counter()))
[{'name': '\\Load', 'next_run': 'N/A', 'state': 'Ready'}]
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice, pairwise

from taskanalysis.snapshot.locales import field_of
from taskanalysis.snapshot.objects import are_objects, rows_of
from taskanalysis.text import clip

Row = dict[str, str]
Layout = Callable[[str, Counter[str]], Iterator[Row]]

TABLE = "looks like schtasks /fo table, which has no results and cuts names: export schtasks /query /v /fo csv instead"
VERBOSE = 28  # columns of `/v`
_POSITIONS = {"host": 0, "name": 1, "next_run": 2, "state": 3, "last_run": 5, "last_result": 6, "command": 8}
_POSITIONS |= {"enabled": 11, "start_date": 20}
_SHORT = {"name": 0, "next_run": 1, "state": 2}
_UNNAMED = {"name": 0, "time": 1, "state": 2}
"""Of three columns that no language names: whether the second is the next run, its times must tell."""
_SHORT_LIST = {"host": 0, "name": 1, "next_run": 2, "state": 3}
_HEAD = 1000  # lines in which a layout must show itself
_LONGEST = 10_000

_ROW = re.compile(r'"[^"\\]*","\\|"\\')
_RULER = re.compile(r"={3,}(?: ={3,})+\s*$")
_FOLDER = re.compile(r"[^\s:：\\]+ ?[:：] ?(\\[^\\].*|\\)$")
_FIELD = re.compile(r"([^:：]{1,80})[:：]\s*")
_ERROR = re.compile(r"(\w{2,20}) ?[:：] ?\S")
_ERROR_WORDS = ("エラー", "警告", "情報", "错误", "信息")


def find_layout(text: str) -> Layout | None:
    """The layout of the text, by its content; None where it holds no statuses that can be read."""
    if are_objects(text[:_LONGEST]):
        return rows_of
    if text[:_LONGEST].lstrip("\ufeff \t\r\n").startswith("<"):
        return None
    for line in islice(filter(None, _lines(text)), _HEAD):
        for delimiter in ",;\t":
            columns = _columns(_cells(line, delimiter)) if delimiter in line else {}
            is_old = {"name", "path"} <= columns.keys() and {"last_result", "next_run"} & columns.keys()
            if {"name", "folder"} <= columns.keys() or is_old:
                return partial(_export, delimiter=delimiter)
            if "name" in columns and columns.keys() & {"last_run", "last_result", "next_run"}:
                own = line.count('","') + 1 == len(_SHORT) and _SHORT.keys() <= columns.keys()
                own = (own or line.count('","') + 1 >= VERBOSE) and delimiter == "," and line.startswith('"')
                return _schtasks if own else partial(_export, delimiter=delimiter)
        if _ROW.match(line) and line.count('","') >= VERBOSE - 1:
            return _schtasks
    return _schtasks if _ends_in_words(text) else _list if _opening(text) else None


def is_csv_of_schtasks(text: str) -> bool:
    r"""Whether a row of the text is like those that schtasks prints: in quotes, with a task path.

    >>> is_csv_of_schtasks('"\\Load","23.10.2026 06:00:00","1"')
    True
    """
    return any(map(_ROW.match, islice(_lines(text), _HEAD)))


def _ends_in_words(text: str) -> bool:
    """Whether there are rows of a task path, a time or word, and a word, as the state is: no time, no number."""
    rows = [line for line in islice(_lines(text), _HEAD) if line.startswith('"\\') and line.count('","') == 2]
    return bool(rows) and not any(re.search(r'","\d*",|\d[^,]*$', line) for line in rows)


def is_table(text: str) -> bool:
    r"""Whether ``schtasks /fo table`` printed the text: a ruler below the names of columns, or among lines of folders.

    >>> is_table("TaskName      Next Run Time    Status\n============= ================ ======\n")
    True
    """
    lines = [line[:_LONGEST] for line in islice(filter(None, _lines(text)), _HEAD)]
    has_folder = any(map(_FOLDER.match, lines))
    return any(
        _RULER.match(line) and (has_folder or _SHORT.keys() <= _columns(re.split("  +", names)).keys())
        for names, line in pairwise(lines)
    )


def _lines(text: str) -> Iterator[str]:
    return (line.rstrip("\r\n") for line in io.StringIO(text))


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line[:_LONGEST]], delimiter=delimiter), [])[:200]
    except csv.Error:
        return []


def _columns(names: Sequence[str]) -> dict[str, int]:
    """Field -> index of the first column of that name."""
    columns: dict[str, int] = {}
    for index, name in enumerate(names):
        columns.setdefault(field_of(name), index)
    columns.pop("", None)
    return columns


def _row(columns: Mapping[str, int], cells: Sequence[str]) -> Row:
    return {field: cells[index].strip(" \0") for field, index in columns.items() if index < len(cells)}


# CSV -----------------------------------------------------------------------------------------------------------------


def _export(text: str, notes: Counter[str], *, delimiter: str) -> Iterator[Row]:
    """RFC 4180 with a header, as Export-Csv writes it; unknown columns do not matter."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    columns: dict[str, int] = {}
    header: list[str] = []
    try:
        for cells in reader:
            if not any(cells) or cells[0].startswith("#TYPE") or cells == header:
                continue
            if not header and len(found := _columns(cells[:200])) > 1 and "name" in found:
                columns, header = found, cells
            elif not header or len(cells) == 1:
                notes[clip(delimiter.join(cells[:9]), 160)] += 1
            else:
                if len(cells) != len(header):
                    notes[f"line {reader.line_num}: {len(cells)} cells instead of {len(header)}"] += 1
                yield _row(columns, cells)
    except csv.Error as error:
        notes[f"line {reader.line_num}: {error}, not read further"] += 1


def _schtasks(text: str, notes: Counter[str]) -> Iterator[Row]:
    """Quoted cells, cut at ``","`` and not by quotes: inner quotes may or may not be doubled, comments span lines."""
    header, width = "", 0
    columns: Mapping[str, int] = {}
    pending: list[str] = []
    count = 0  # cells of `pending`
    for line in _lines(text + '\n"\\'):  # a row that begins after it completes the last one
        starts = _ROW.match(line)
        if not width and line.startswith('"') and line.count('","') > 1:
            width = line.count('","') + 1
            if starts:
                width = VERBOSE if width >= VERBOSE or not line.startswith('"\\') else len(_SHORT)
            else:
                header = line.rstrip()
            columns = _known(_split(header), width)
        if starts or (header and line.rstrip() == header):
            if pending:
                yield from _finish(pending, width, columns, notes)
            pending, count = ([line], line.count('","') + 1) if starts else ([], 0)
        elif pending and not (count >= width and pending[-1].rstrip().endswith('"')):
            pending.append(line)
            count += line.count('","')
        elif line.strip():
            notes[clip(line, 160)] += 1


def _known(header: Sequence[str], width: int) -> Mapping[str, int]:
    """By name where the header names all that a row has, else by position where their number is right."""
    named = _columns(header)
    if width == len(_SHORT):
        return named if _SHORT.keys() <= named.keys() else _UNNAMED
    wanted = _POSITIONS if width == VERBOSE else {}
    return named if wanted.keys() - {"start_date"} <= named.keys() else wanted


def _split(line: str) -> list[str]:
    cells = line.rstrip().removeprefix('"').removesuffix('"').split('","')
    return [cell if '"' in cell.replace('""', "") else cell.replace('""', '"') for cell in cells]


def _finish(lines: list[str], width: int, columns: Mapping[str, int], notes: Counter[str]) -> Iterator[Row]:
    text = "\n".join(lines)
    if text.count('","') > 5000:
        notes[f"a row with more than 5,000 cells is left out: {clip(text)}"] += 1
        return
    cells = _split(text)
    if len(cells) > width and len(text) < 100_000:
        strict = next(csv.reader(io.StringIO(text, newline="")), [])
        cells = strict if len(strict) == width else cells
    if len(cells) < width or not text.rstrip().endswith('"'):
        notes[f"a row is cut off: {clip(text)}"] += 1
        cells = cells[:-1]  # the last may be a part of itself
    surplus = len(cells) - width
    if surplus > 0 and width == VERBOSE:
        cells[8 : 8 + surplus + 3] = ["", "", ""]  # which of the texts in the middle holds '","' is not known
    elif surplus > 0:
        notes[f"a row has {len(cells)} cells instead of {width}: {clip(text)}"] += 1
    if len(cells) > 1:
        yield _row(columns, cells)


# LIST -----------------------------------------------------------------------------------------------------------------


def _wide(line: str) -> str:
    r"""The line with a filler after each character that takes two cells of a console, so that columns line up."""
    if line.isascii():
        return line
    return "".join(letter + "\0" * (unicodedata.east_asian_width(letter) in "WF") for letter in line)


def _plain(text: str) -> str:
    return text.replace("\0", "").strip()


def _is_error(line: str) -> bool:
    found = _ERROR.match(line)
    return bool(found and (found[1].isupper() or found[1] in _ERROR_WORDS) and not field_of(found[1]))


def _opening(text: str) -> str:
    """The key that begins each record of a list; "" where the text is no list of tasks."""
    first, block = "", list[tuple[str, str]]()
    for line in chain(islice(_lines(text), _HEAD), [""]):
        key, value = _pair(line)
        field = field_of(key)
        if field in ("name", "folder") and value.startswith("\\"):
            return first or key
        if field and not first:
            first = key
        if key and (block or not _FOLDER.match(line)):
            block.append((key, value))
        elif not line.strip():
            short = len(block) == 5 and not re.search(r"\d", block[_SHORT_LIST["state"]][1])
            if (short or len(block) == VERBOSE) and block[1][1].startswith("\\"):
                return block[0][0]
            block = []
    return ""


def _pair(line: str) -> tuple[str, str]:
    found = _FIELD.match(line[:_LONGEST])
    return (found[1].strip(), line[found.end() : _LONGEST].strip()) if found else ("", "")


def _list(text: str, notes: Counter[str]) -> Iterator[Row]:
    """Records of ``key:   value`` whose values begin in one column; what does not line up continues a comment."""
    first, width = _opening(text), 0
    record: list[tuple[str, str]] = []
    for line in (line[:_LONGEST] for line in _lines(f"{text}\n{first}:")):  # the last key completes the last record
        key, value = _pair(line)
        if key == first:
            if record:
                yield from _record(record, notes)
            found = _FIELD.match(_wide(line))
            width = found.end() if found and value else width
            record = [(key, value)]
        elif _is_error(line):
            notes[clip(line, 160)] += 1
        elif record:
            view = _wide(line)
            head = view[:width].rstrip(" \0")
            if head.endswith((":", "：")):
                record.append((_plain(head[:-1]), _plain(view[width:])))
            elif field_of(key):
                record.append((key, value))


def _record(record: list[tuple[str, str]], notes: Counter[str]) -> Iterator[Row]:
    names, values = zip(*record[:200], strict=True)
    columns = _columns(names)
    if len(record) == VERBOSE:
        columns = dict(_known(names, VERBOSE))
    elif "name" not in columns and len(record) == 5:
        columns = _SHORT_LIST
    if "name" in columns:
        yield _row(columns, values)
    else:
        notes[f"a record without the name of its task is left out: {clip(values[0])}"] += 1
