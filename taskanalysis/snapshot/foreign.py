r"""Statuses in files of other programs: what schtasks, PowerShell and the old scripts print.

Authority: the output of ``schtasks /query`` and of Export-Csv, of which ``tests/files/statuses`` has samples. A file is
known by its content, never by its name. `pages` decodes it, `rows` cuts it into cells, `cells` reads these with the
words and dates of `locales`.

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
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import chain, islice
from pathlib import Path

from taskanalysis.definition import MOST_BYTES, open_regular
from taskanalysis.errors import Problem, SnapshotError, reason_of
from taskanalysis.schedule import known_zone
from taskanalysis.snapshot.cells import Cells, learn, learn_nothing
from taskanalysis.snapshot.kinds import INSTEAD
from taskanalysis.snapshot.locales import ORDERS, are_near, is_not_available, readings, settle
from taskanalysis.snapshot.pages import decode_page, is_nonsense, read_page
from taskanalysis.snapshot.rows import TABLE, Row, find_layout, is_table
from taskanalysis.snapshot.status import STATUS_FIELDS, Status
from taskanalysis.text import clip, count, listed

MOST_ROWS = 100_000
MOST_PROBLEMS = 200
_HEAD = 256 * 1024
_SAMPLE = 20
"""Rows by which the fields of files of one time are compared."""


@dataclass(slots=True)
class ForeignStatuses:
    """The content of a status file. `server` is "" where it names none; `taken_at` (aware UTC) is the file's date.

    `statuses` maps task path to Status, with aware times where the zone is known or the text has an offset, else naive
    local times of the server. `holds` are the fields of Status that the format has; `commands` maps task path to
    command line, where the file has it. `others` are the other servers in the file, `notes` what is no damage: columns
    that it lacks, and what schtasks says of empty folders. `nameless` are the paths of which it has only the name.
    """

    server: str
    taken_at: datetime
    statuses: dict[str, Status] = field(default_factory=dict)
    holds: frozenset[str] = frozenset()
    problems: list[Problem] = field(default_factory=list)
    commands: dict[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    notes: list[Problem] = field(default_factory=list)
    nameless: set[str] = field(default_factory=set)


def status_files(source: Path) -> tuple[list[Path], list[Path]]:
    """The status files directly in a folder, newest first, and the tables of schtasks; of a file, the file itself.

    They are known by a look at their beginning; of files of one time, as after a copy, that with most fields is first.
    Empty where `source` can't be opened.
    """
    try:
        listed = [path for path in (source.iterdir() if source.is_dir() else [source]) if path.is_file()]
        times = {path: path.stat().st_mtime for path in sorted(listed)}
    except OSError:
        return [], []
    files, tables = dict[Path, int](), list[Path]()
    for path in times:
        with suppress(OSError), open_regular(path) as file:
            head = decode_page(file.read(_HEAD))
            if layout := find_layout(head):
                files[path] = len({*chain.from_iterable(islice(layout(head, Counter()), _SAMPLE))})
            elif is_table(head):
                tables.append(path)
    return sorted(files, key=lambda path: (times[path], files[path]), reverse=True), tables


def read_statuses_file(path: Path, *, zone: str = "", dates: str = "", server: str = "") -> ForeignStatuses:
    """Read the statuses of a file in any known layout; of several servers, those of `server`, or else of the first.

    `zone` (IANA) makes local times aware; without it they stay naive. `dates` ("dmy", "mdy" or "ymd") is the order of
    day, month and year where the file leaves it open; times that stay ambiguous are None, with a problem.

    SnapshotError for a file that can't be opened, is larger than 16 MiB or holds no statuses, and for an unknown
    order; ZoneError for an unknown zone. All else that is wrong (a cut row, an unreadable cell, an error line) is a
    problem beside the data.
    """
    if dates not in ("", *ORDERS):
        raise SnapshotError(f"'{clip(dates)}' is not an order of day, month and year: dmy, mdy or ymd")
    server_zone = known_zone(zone) if zone else None
    try:
        with open_regular(path) as file:
            data = file.read(MOST_BYTES + 1)
        taken_at = datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
    except (OSError, ValueError, OverflowError) as error:
        raise SnapshotError(f"{path} can't be opened ({reason_of(error)})") from None
    if len(data) > MOST_BYTES:
        raise SnapshotError(f"{path} is larger than {MOST_BYTES >> 20} MiB")
    text, doubt = read_page(data)
    text = text.lstrip("\ufeff")
    layout = find_layout(text)
    if layout is None:
        raise SnapshotError(f"{path} {TABLE if is_table(text) else 'holds no statuses of tasks'}")
    notes = _Notes()
    rows = list(islice(layout(text, notes), MOST_ROWS + 1))
    if len(rows) > MOST_ROWS:
        raise SnapshotError(f"{path} holds more than {MOST_ROWS:,} rows")
    servers = list(dict.fromkeys(filter(None, (row.get("host", "").upper() for row in rows))))
    chosen, rows = _one_server(rows, notes, server if len(servers) > 1 else "")
    nameless = _nameless(rows, notes)
    _name_times(rows, notes, taken_at, server_zone or _EASTERNMOST)
    folded = _fold(rows, notes)
    learned = learn(rows)
    order = _order(rows, taken_at, dates, notes)
    cells = Cells(order, server_zone, notes, learned, learn_nothing(rows, learned))
    statuses = {task: cells.status(task, row) for task, row in folded.items()}
    cells.finish()
    for task in statuses:
        if is_nonsense(task):
            notes[lost_letters(task)] += 1
    if doubt and any(not task.isascii() for task in statuses):
        notes[doubtful_page(doubt)] += 1
    problems = [Problem(path.name, what + f" ({n:,} times)" * (n > 1)) for what, n in notes.items()]
    told = [problem for problem in problems if _INFO.match(problem.what)]
    lacking = [Problem(path.name, what) for what in _lacking(rows)]
    return ForeignStatuses(
        server=chosen,
        taken_at=taken_at,
        statuses=statuses,
        holds=frozenset(STATUS_FIELDS).intersection(chain.from_iterable(rows)),
        problems=[problem for problem in problems if problem not in told],
        others=tuple(name for name in servers if name != chosen.upper()),
        notes=told + lacking,
        nameless=nameless & folded.keys(),
        commands={task: command for task, row in folded.items() if (command := _command(row))},
    )


def lost_letters(task: str) -> str:
    """The problem of a name that lost letters, or got those of another code page."""
    return f"the name {clip(task)} lost letters when it was written: export as UTF-8 or Unicode"


def doubtful_page(pages: str) -> str:
    """The problem of a file whose code page nothing tells."""
    return f"its code page is {pages}: letters of names may be wrong; export as UTF-8 or Unicode"


def join_paths(printed: ForeignStatuses, paths: Iterable[str]) -> None:
    r"""Give the statuses the task paths of their definitions, `paths`.

    Windows compares without case, and an ASCII export has ``?`` for a character that it could not write. A path that
    fits none or several stays as it is. Doubts about the letters of a name end where a definition has it.
    """
    exact: dict[str, set[str]] = {}
    lossy: dict[str, set[str]] = {}
    known, settled = set(paths), set[str]()
    for path in known:
        exact.setdefault(path.casefold(), set()).add(path)
        ascii_path = re.sub(r"[^\x00-\x7f]", lambda lost: "?" if lost[0] <= "\uffff" else "??", path)
        lossy.setdefault(ascii_path.casefold(), set()).add(path)
    by_name: dict[str, set[str]] = {}
    for path in known:
        by_name.setdefault(path.rpartition("\\")[2].casefold(), set()).add(path)
    for task in list(printed.statuses):
        fits = exact.get(task.casefold()) or lossy.get(task.casefold(), set())
        if task in printed.nameless:  # only its name is known
            fits = by_name.get(task[1:].casefold(), set())
            if len(fits) == 1:
                printed.nameless.discard(task)
        if len(fits) == 1 and (path := min(fits)) not in printed.statuses:
            printed.statuses[path] = replace(printed.statuses.pop(task), path=path)
            if task in printed.commands:
                printed.commands[path] = printed.commands.pop(task)
            settled.add(lost_letters(task))
    if not printed.nameless:
        settled.add(NO_FOLDER)
    if all(task.isascii() or task in known for task in printed.statuses):
        settled |= {problem.what for problem in printed.problems if _DOUBT.match(problem.what)}
    printed.problems[:] = [problem for problem in printed.problems if problem.what not in settled]


_DOUBT = re.compile(re.escape(doubtful_page("\0")).replace("\0", ".*"))


_INFO = re.compile(r"(?:INFO|ИНФО|情報|信息|資訊|정보|BİLGİ)\w* ?[:：]")
"""What schtasks says of a folder without tasks of its own, as most folders of Windows are: no loss."""


class _Notes(Counter[str]):
    """How often each problem occurred; after the first 200 different ones, only their number."""

    def __setitem__(self, what: str, times: int) -> None:
        if what not in self and len(self) >= MOST_PROBLEMS:
            what, times = "further problems", self["further problems"] + 1
        super().__setitem__(what, times)


# Rows -> statuses ----------------------------------------------------------------------------------------------------


def _one_server(rows: list[Row], notes: Counter[str], wanted: str) -> tuple[str, list[Row]]:
    """The server that is wanted, or of the first row that names one, and the rows that name no other."""
    hosts = [row["host"] for row in rows if row.get("host")]
    server = next((host for host in hosts if not wanted or host.casefold() == wanted.casefold()), "")
    if wanted and not server:
        raise SnapshotError(
            f"no row is of the server {clip(wanted)}, but of {listed(list(dict.fromkeys(hosts)), most=5)}"
        )
    kept = [row for row in rows if row.get("host", server).casefold() == server.casefold()]
    if nobodys := sum(row.get("host") == "" for row in rows) if server else 0:
        notes[f"{count(nobodys, 'row')} without the name of a server left out, as others have one"] += 1
    left_out = len(rows) - len(kept) - nobodys
    if left_out and not wanted:
        others = listed([name for name in dict.fromkeys(map(str.upper, hosts)) if name != server.upper()], most=5)
        notes[f"{count(left_out, 'row')} of other servers than {clip(server)} left out: --server {others}"] += 1
    return server, kept


_EASTERNMOST = timezone(timedelta(hours=14))


def _name_times(rows: list[Row], notes: Counter[str], taken_at: datetime, zone: tzinfo) -> None:
    """Take a column of times without a known name for that of the next run, where one is later than the file."""
    times = [time for row in rows for time in readings(row.get("time", "")) if time]
    is_next = any(time.replace(tzinfo=time.tzinfo or zone) > taken_at for time in times)
    for row in rows:
        text = row.pop("time", "")
        if text and (is_next or not times):
            row["next_run"] = text
    if times and not is_next:
        notes["its times are of a column in no known language, and none is later than the file: left out"] += 1


def _nameless(rows: list[Row], notes: Counter[str]) -> set[str]:
    """Where a file has names without folders: take them for those of the root, as long as each is there once.

    The paths are returned, until definitions give the folders (`join_paths`).
    """
    if any("folder" in row or "path" in row for row in rows):
        return set()
    names = Counter(row["name"].casefold() for row in rows if row.get("name") and not row["name"].startswith("\\"))
    for name, times in names.items():
        if times > 1:
            notes[f"{count(times, 'row')} named {clip(name)} left out: without TaskPath they are not one task"] += 1
    rows[:] = [row for row in rows if names[row.get("name", "").casefold()] < 2]
    if names:
        notes[NO_FOLDER] += 1
    lonely = [row for row in rows if names[row.get("name", "").casefold()]]
    for row in lonely:
        row["name"] = "\\" + row["name"]
    return {row["name"] for row in lonely}


NO_FOLDER = "has no column TaskPath, so folders of tasks are not known: export it, too"
_WANTED = {"last_run": "LastRunTime", "last_result": "LastTaskResult", "next_run": "NextRunTime"}


def _lacking(rows: list[Row]) -> list[str]:
    """A sentence for each column that an export was cut by, where it has a part of them."""
    fields = {*chain.from_iterable(rows)}
    if "path" in fields or not fields:  # the old scripts' file has them never
        return []
    if not fields & {"last_run", "last_result"}:
        return [f"has no columns LastRunTime and LastTaskResult: {INSTEAD}"]
    return [f"has no column {name}: export it, too" for field, name in _WANTED.items() if field not in fields]


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


def _order(rows: Sequence[Row], taken_at: datetime, wanted: str, notes: Counter[str]) -> str:
    lasts, nexts, days = ([row.get(name, "") for row in rows] for name in ("last_run", "next_run", "start_date"))
    if wanted and not are_near(lasts, nexts, wanted, taken_at):
        notes[f"--dates {wanted} gives years that are not near that of the file: they may be of another calendar"] += 1
    return wanted or settle(lasts, nexts, [f"{day} 0:00" for day in days], taken_at)


def _command(row: Row) -> str:
    line = f"{row.get('command', '')} {row.get('arguments', '')}".strip()
    return "" if is_not_available(line) else line
