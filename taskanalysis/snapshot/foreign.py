r"""Statuses in files of other programs: what schtasks, PowerShell and the old scripts print.

Authority: the output of ``schtasks /query`` and of Export-Csv, of which ``tests/files/statuses`` has samples. A file is
known by its content, never by its name. `rows` cuts it into cells, `locales` knows words and dates; here they become
`Status`.

>>> found = read_statuses_file(Path("tests/files/statuses/english.csv"), zone="America/New_York")
>>> found.server, found.statuses[r"\OpenData\Load"].state, len(found.problems)
('OPENDATA01', 'Ready', 0)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from itertools import chain, islice, pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from taskanalysis.definition import MOST_BYTES, open_regular, without_mark
from taskanalysis.errors import Problem, SnapshotError
from taskanalysis.schedule import known_zone
from taskanalysis.snapshot.locales import ORDERS, WORDS, enabled_of, is_not_available, moment, settle, state_of
from taskanalysis.snapshot.rows import TABLE, Row, find_layout, is_table
from taskanalysis.snapshot.status import STATUS_FIELDS, Moment, Status
from taskanalysis.text import clip, count

MOST_ROWS = 100_000
MOST_PROBLEMS = 200
_HEAD = 256 * 1024


@dataclass(slots=True)
class ForeignStatuses:
    """The content of a status file. `server` is "" where it names none; `taken_at` (aware UTC) is the file's date.

    `statuses` maps task path to Status, with aware times where the zone is known or the text has an offset, else naive
    local times of the server. `holds` are the fields of Status that the format has; `commands` maps task path to
    command line, where the file has it.
    """

    server: str
    taken_at: datetime
    statuses: dict[str, Status] = field(default_factory=dict)
    holds: frozenset[str] = frozenset()
    problems: list[Problem] = field(default_factory=list)
    commands: dict[str, str] = field(default_factory=dict)


def status_files(source: Path) -> tuple[list[Path], list[Path]]:
    """The status files directly in a folder, newest first, and the tables of schtasks; of a file, the file itself.

    They are known by a look at their beginning. Empty where `source` can't be opened.
    """
    try:
        listed = [path for path in (source.iterdir() if source.is_dir() else [source]) if path.is_file()]
        listed.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    except OSError:
        return [], []
    files, tables = list[Path](), list[Path]()
    for path in listed:
        with suppress(OSError), open_regular(path) as file:
            head = decode_page(file.read(_HEAD))
            if find_layout(head):
                files.append(path)
            elif is_table(head):
                tables.append(path)
    return files, tables


def read_statuses_file(path: Path, *, zone: str = "", dates: str = "") -> ForeignStatuses:
    """Read the statuses of a file in any known layout.

    `zone` (IANA) makes local times aware; without it they stay naive. `dates` ("dmy" or "mdy") is the order of day and
    month where the file leaves it open; times that stay ambiguous are None, with a problem.

    SnapshotError for a file that can't be opened, is larger than 16 MiB or holds no statuses, and for an unknown
    order; ZoneError for an unknown zone. All else that is wrong (a cut row, an unreadable cell, an error line) is a
    problem beside the data.
    """
    if dates not in ("", *ORDERS):
        raise SnapshotError(f"'{clip(dates)}' is not an order of day and month: dmy or mdy")
    server_zone = known_zone(zone) if zone else None
    try:
        with open_regular(path) as file:
            data = file.read(MOST_BYTES + 1)
        taken_at = datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
    except (OSError, ValueError, OverflowError) as error:
        raise SnapshotError(f"{path} can't be opened ({error})") from None
    if len(data) > MOST_BYTES:
        raise SnapshotError(f"{path} is larger than {MOST_BYTES >> 20} MiB")
    text = decode_page(data).lstrip("\ufeff")
    layout = find_layout(text)
    if layout is None:
        raise SnapshotError(f"{path} {TABLE if is_table(text) else 'holds no statuses of tasks'}")
    notes = _Notes()
    rows = list(islice(layout(text, notes), MOST_ROWS + 1))
    if len(rows) > MOST_ROWS:
        raise SnapshotError(f"{path} holds more than {MOST_ROWS:,} rows")
    server, rows = _one_server(rows, notes)
    folded = _fold(rows, notes)
    cells = _Cells(dates or _order(rows, taken_at), server_zone, notes)
    statuses = {task: cells.status(task, row) for task, row in folded.items()}
    if cells.unclear:
        what = f"day and month of {count(cells.unclear, 'time')} are ambiguous"
        notes[f"{what}: choose with --dates dmy or --dates mdy"] += 1
    return ForeignStatuses(
        server=server,
        taken_at=taken_at,
        statuses=statuses,
        holds=frozenset(STATUS_FIELDS).intersection(chain.from_iterable(rows)),
        problems=[Problem(path.name, what + f" ({n:,} times)" * (n > 1)) for what, n in notes.items()],
        commands={task: command for task, row in folded.items() if (command := _command(row))},
    )


def join_paths(printed: ForeignStatuses, paths: Iterable[str]) -> None:
    r"""Give the statuses the task paths of their definitions, `paths`.

    Windows compares without case, and an ASCII export has ``?`` for a character that it could not write. A path that
    fits none or several stays as it is.
    """
    exact: dict[str, set[str]] = {}
    lossy: dict[str, set[str]] = {}
    for path in paths:
        exact.setdefault(path.casefold(), set()).add(path)
        ascii_path = re.sub(r"[^\x00-\x7f]", lambda lost: "?" if lost[0] <= "\uffff" else "??", path)
        lossy.setdefault(ascii_path.casefold(), set()).add(path)
    for task in list(printed.statuses):
        fits = exact.get(task.casefold()) or lossy.get(task.casefold(), set())
        if len(fits) == 1 and (path := min(fits)) not in printed.statuses:
            printed.statuses[path] = replace(printed.statuses.pop(task), path=path)
            if task in printed.commands:
                printed.commands[path] = printed.commands.pop(task)


class _Notes(Counter[str]):
    """How often each problem occurred; after the first 200 different ones, only their number."""

    def __setitem__(self, what: str, times: int) -> None:
        if what not in self and len(self) >= MOST_PROBLEMS:
            what, times = "further problems", self["further problems"] + 1
        super().__setitem__(what, times)


# Bytes -> text -------------------------------------------------------------------------------------------------------

_PAGES = ("utf-8", "cp1252", "cp850", "cp852", "cp1250", "cp932", "gbk", "cp437")


def decode_page(data: bytes) -> str:
    """Decode the text of a console or program whose code page is unknown; never an error.

    By byte order mark, then the pattern of zero bytes, then UTF-8, then the code page that gives most words of
    schtasks, and letters where letters belong.

    >>> decode_page("Nächste Laufzeit".encode("cp850")), decode_page("状態: 準備完了".encode("cp932"))
    ('Nächste Laufzeit', '状態: 準備完了')
    """
    encoding, rest = without_mark(data)
    if encoding:
        return rest.decode(encoding, errors="replace")
    head = data[:4096]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) * 8 > len(head) and max(even, odd) > 4 * min(even, odd):
        return data.decode("utf-16-le" if odd > even else "utf-16-be", errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        telling = b"\n".join(islice((line[:1000] for line in data.split(b"\n") if not line.isascii()), 100))
        return data.decode(max(_PAGES, key=partial(_likely, telling[:20_000])), errors="replace")


def _likely(data: bytes, page: str) -> int:
    text = data.decode(page, errors="replace")
    words = sum(word in text for word in WORDS)
    return 100 * words + sum(_fits(before, letter, page) for before, letter in pairwise(" " + text) if letter > "\x7f")


def _fits(before: str, character: str, page: str) -> int:
    """2 or 1 for a character that fits its place, negative for one that a wrong code page produces."""
    if character == "\ufffd":
        return -3
    if "぀" <= character <= "ヿ":
        return 2
    if page in ("cp932", "gbk"):  # the characters of daily use
        lead, *trail = character.encode(page, errors="replace")
        daily = trail and (0xB0 <= lead <= 0xD7 and trail[0] > 0xA0 if page == "gbk" else 0x88 <= lead <= 0x97)
        return 2 if daily else -1
    latin = character < "\u0250" and (character.islower() or (character.isupper() and not before.islower()))
    return 1 if latin else -1


# Rows -> statuses ----------------------------------------------------------------------------------------------------


def _one_server(rows: list[Row], notes: Counter[str]) -> tuple[str, list[Row]]:
    """The server of the first row that names one, and the rows that name no other."""
    server = next((row["host"] for row in rows if row.get("host")), "")
    kept = [row for row in rows if row.get("host", "").casefold() in ("", server.casefold())]
    if len(kept) < len(rows):
        notes[f"rows of servers other than {clip(server)} are left out"] += len(rows) - len(kept)
    return server, kept


def _fold(rows: list[Row], notes: Counter[str]) -> dict[str, Row]:
    """The first row of each task, with paths compared without case; later rows with other values are noted."""
    ending = sum(row.get("path", "").casefold().endswith("\\" + row.get("name", "").casefold()) for row in rows)
    whole = 2 * ending > len(rows)
    folded: dict[str, Row] = {}
    first: dict[str, str] = {}
    for row in rows:
        task = _task_path(row, whole)
        if not re.fullmatch(r"\\[^\\\x00-\x1f\x7f][^\x00-\x1f\x7f]*", task):
            notes[f"'{clip(task)}' is not a task path"] += 1
            continue
        path = first.setdefault(task.casefold(), task)
        if (kept := folded.setdefault(path, row)) is row:
            continue
        different = [name for name in STATUS_FIELDS if name in row and row[name] != kept.get(name, row[name])]
        if different:
            notes[f"{path} is listed again with another {' and '.join(different)}; the first row is used"] += 1
    return folded


def _task_path(row: Row, whole: bool) -> str:
    """The task path: PowerShell's `TaskPath` is the folder, `Path` of the old scripts the folder or the `whole`."""
    name, folder = row.get("name", ""), row.get("folder", row.get("path", ""))
    if not folder or ("path" in row and whole and not folder.endswith("\\")):
        return folder or name
    return folder.rstrip("\\") + "\\" + name if name else ""


def _order(rows: Sequence[Row], taken_at: datetime) -> str:
    lasts, nexts, days = ([row.get(name, "") for row in rows] for name in ("last_run", "next_run", "start_date"))
    return settle(lasts, nexts, [f"{day} 0:00" for day in days], taken_at)


@dataclass(slots=True)
class _Cells:
    """Reads the cells of one file, with dates in `order`; notes those that can't be read, counts `unclear` dates.

    `times` are those that were read, by their text: many tasks start at one time.
    """

    order: str
    zone: ZoneInfo | None
    notes: Counter[str]
    unclear: int = 0
    times: dict[str, Moment] = field(default_factory=dict)

    def status(self, task: str, row: Row) -> Status:
        word = row.get("state", "")
        state = state_of(word) if word.strip("?") else None
        if state_of(row.get("next_run", "")) == "Disabled":  # where Windows 7 and 2008 have it
            state = "Disabled"
        enabled = enabled_of(row.get("enabled", ""))
        return Status(
            path=task,
            state=state,
            enabled=False if enabled is None and state == "Disabled" else enabled,
            last_run=self.time(task, row, "last_run"),
            last_result=self.number(task, row, "last_result"),
            next_run=self.time(task, row, "next_run"),
            missed_runs=self.number(task, row, "missed_runs"),
        )

    def time(self, task: str, row: Row, name: str) -> Moment:
        text = row.get(name, "")
        if text in self.times:
            return self.times[text]
        if not text.strip("?"):
            return None
        times = [moment(text, order) for order in ([self.order] if self.order else ORDERS)]
        if times[0] != times[-1]:
            self.unclear += 1
            return None
        time = times[0]
        if time is None:
            if is_not_available(text) or (name == "next_run" and not re.search(r"\d", text)):
                return "never"
            self.odd(task, row, name)
            return None
        if self.zone and time.tzinfo is None:
            time = time.replace(tzinfo=self.zone)
        self.times[text] = "never" if time.year < 2000 else time  # 1999-11-30, or 1899-12-30 on old servers
        return self.times[text]

    def number(self, task: str, row: Row, name: str) -> int | None:
        text = row.get(name, "")
        code = _code(text)
        if code is None and text and not is_not_available(text):
            self.odd(task, row, name)
        return code

    def odd(self, task: str, row: Row, name: str) -> None:
        self.notes[f"{clip(task)}: {name.replace('_', ' ')} '{clip(row[name])}' can't be read"] += 1


@lru_cache(maxsize=4096)
def _code(text: str) -> int | None:
    """A number of 32 bits, signed or not, as an unsigned one; None for any other text."""
    if not re.fullmatch(r"-?[0-9]{1,10}|0[xX][0-9a-fA-F]{1,8}", text):
        return None
    code = int(text, 16 if text[1:2] in ("x", "X") else 10)
    return code % 2**32 if -(2**31) <= code < 2**32 else None


def _command(row: Row) -> str:
    line = f"{row.get('command', '')} {row.get('arguments', '')}".strip()
    return "" if is_not_available(line) else line
