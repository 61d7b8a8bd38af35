"""What schtasks prints in sixteen languages, as CSV and as LIST, for the tests of other programs' statuses."""

import csv
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from taskanalysis.snapshot.foreign import ForeignStatuses, read_statuses_file, status_files
from taskanalysis.snapshot.status import Status
from tests import build

FILES = build.FILES / "statuses"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MORNING = datetime(2026, 11, 24, 6)
LOAD, NIGHTLY = "\\OpenData\\Load", "\\OpenData\\Permits\\Nightly"
Write = Callable[..., Path]


def is_status_file(path: Path) -> bool:
    return status_files(path) == ([path], [])


def sample(name: str) -> str:
    return (FILES / name).read_text(encoding="utf-8")


def whats(found: ForeignStatuses) -> list[str]:
    return [problem.what for problem in found.problems]


class Language(NamedTuple):
    """A row of ``tests/files/languages.csv``."""

    names: str  # of the first 12 columns
    ready: str
    running: str
    disabled: str
    on: str
    off: str
    none: str
    date: str
    pages: str


_ROWS = csv.reader((build.FILES / "languages.csv").read_text(encoding="utf-8").splitlines()[2:])
LANGUAGES = {name: Language(*row) for name, *row in _ROWS}
WANTED = {
    LOAD: Status(LOAD, "Ready", True, MORNING, 0, datetime(2026, 11, 25, 18)),
    "\\OpenData\\Übertragen, dann löschen": Status(
        "\\OpenData\\Übertragen, dann löschen", "Running", True, datetime(2026, 11, 24, 17, 5, 9), 267009, "never"
    ),
    NIGHTLY: Status(NIGHTLY, "Disabled", False, "never", 267011, "never"),
    "\\備份 就": Status("\\備份 就", "Ready", True, MORNING, 2147942402, datetime(2026, 11, 25, 18)),
}


def cells(language: Language, page: str) -> list[list[str]]:
    """A row a trigger, the first 12 cells; of names only what the code page can write."""
    words = {"Ready": language.ready, "Running": language.running, "Disabled": language.disabled}
    rows = []
    for status in WANTED.values():
        path, state, last, code, next_ = status.path, status.state, status.last_run, status.last_result, status.next_run
        if path.encode(page, "ignore") != path.encode(page, "replace"):
            continue
        next_text = next_.strftime(language.date) if isinstance(next_, datetime) else language.none
        last_text = (last if isinstance(last, datetime) else datetime(1999, 11, 30)).strftime(language.date)
        signed = str(code - 2**32 if code and code > 2**31 else code)
        row = ["OPENDATA01", path, next_text, words[state or ""], "x", last_text, signed, "y"]
        row += ['cmd /c "D:\\a b.bat" 1', language.none, language.none, language.on if status.enabled else language.off]
        rows += [row, row]
    return rows


def wanted(language: Language, page: str) -> dict[str, Status]:
    """The statuses that are read back, by path."""
    return {path: WANTED[path] for _, path, *_ in cells(language, page)}


REST = ["z"] * 8 + ["05/01/2026"] + ["z"] * 7
REST_NAMES = [f"{name}: x" for name in "abcdefghijklmnop"]


def as_csv(language: Language, page: str) -> str:
    header = [*language.names.split("|"), *REST_NAMES]
    rows = [header] + [[*row, *REST] for row in cells(language, page)]
    return "\r\n".join('"' + '","'.join(row) + '"' for row in rows) + "\r\n"


def as_list(language: Language, page: str) -> str:
    names = [*language.names.split("|"), *REST_NAMES]
    widths = {name: sum(1 + (each > "\u2fff") for each in name) for name in names}
    most = max(widths.values()) + 2
    records = []
    for row in cells(language, page):
        pairs = zip(names, [*row, *REST], strict=True)
        records.append("\r\n".join(f"{name}:{' ' * (most - widths[name] - 1)}{cell}" for name, cell in pairs))
    return "\r\nFolder: \\OpenData\r\n" + "\r\n\r\n".join(records) + "\r\n"


def one(write: Write, **given: str) -> ForeignStatuses:
    row = {"LastRunTime": "", "LastTaskResult": "", "NextRunTime": "", "State": "", "NumberOfMissedRuns": ""} | given
    names = '","'.join(["TaskName", "TaskPath", *row])
    values = '","'.join(["A", "\\", *row.values()])
    return read_statuses_file(write(f'"{names}"\n"{values}"\n'))
