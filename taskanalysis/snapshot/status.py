r"""The status of tasks at one moment, and the file ``status.csv`` that keeps it.

Authority: the values and their names are those of COM's IRegisteredTask; the file is ours (``data/README.md``).

>>> write_statuses([Status(r"\Load", state="Ready", last_run="never")]).decode().splitlines()[1]
'\\Load,Ready,,never,,,'
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal

from taskanalysis.definition import MOST_OWN_BYTES, read_bytes
from taskanalysis.errors import Problem, SnapshotError
from taskanalysis.text import Brief, clip, count

CHANGED = "was changed after the snapshot was written (its sha256 differs)"
STATUS_HEADER = ("Path", "State", "Enabled", "LastRunTime", "LastTaskResult", "NextRunTime", "NumberOfMissedRuns")
NEVER_RAN = 267011
STATUS_FIELDS = ("state", "enabled", "last_run", "last_result", "next_run", "missed_runs")
STATES = ("Unknown", "Disabled", "Queued", "Ready", "Running")
Moment = datetime | Literal["never"] | None


@dataclass(frozen=True, slots=True, repr=False)
class Status(Brief):
    """The status of one task as Task Scheduler reports it; None means "not known", never "never".

    Times are aware datetimes or "never"; `last_result` is an unsigned 32-bit code. Source: COM's IRegisteredTask.
    """

    path: str
    state: str | None = None
    enabled: bool | None = None
    last_run: Moment = None
    last_result: int | None = None
    next_run: Moment = None
    missed_runs: int | None = None

    @property
    def never_ran(self) -> bool:
        """Whether the task never ran: by its last run, or by SCHED_S_TASK_HAS_NOT_RUN, whatever the last run says."""
        return self.last_run == "never" or self.last_result == NEVER_RAN


def read_statuses(file: Path, sha256: str | None, problems: list[Problem]) -> dict[str, Status]:
    """The rows of a ``status.csv`` by task path; errors of the file or of a row are added to `problems`."""
    statuses: dict[str, Status] = {}

    def take(row: list[str]) -> None:
        status = status_of(row)
        if status.path in statuses:
            raise ValueError(f"{status.path} is listed twice")
        statuses[status.path] = status

    take_rows(file, STATUS_HEADER, take, problems, sha256)
    return statuses


def take_rows(
    file: Path,
    header: tuple[str, ...],
    take: Callable[[list[str]], None],
    problems: list[Problem],
    sha256: str | None,
    *,
    believed: bool = True,
) -> None:
    """Give each row of a CSV file of ours to `take`, which raises ValueError for a wrong one; errors are `problems`.

    A file with another `sha256` than its manifest says was changed: a problem, and only read where it is `believed`.
    """
    try:
        content = read_bytes(file, MOST_OWN_BYTES)
        if sha256 and hashlib.sha256(content).hexdigest() != sha256:
            problems.append(Problem(file.name, CHANGED))
            if not believed:
                return
        rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        if tuple(next(rows, ())) != header:
            raise ValueError(f"its header is not the one of {file.name}")
        for row in filter(None, rows):
            try:
                take(row)
            except ValueError as error:
                problems.append(Problem(file.name, f"line {rows.line_num}: {clip(str(error))}"))
    except OSError as error:
        problems.append(Problem(file.name, f"can't be opened ({error.strerror})"))
    except (ValueError, csv.Error) as error:
        problems.append(Problem(file.name, clip(str(error))))


_PATH = re.compile(r"\\[^\\]")


def check_path(path: str) -> None:
    """ValueError where a text is no task path."""
    if not _PATH.match(path):
        raise ValueError(f"'{path}' is not a task path")


def status_of(row: Sequence[str]) -> Status:
    """The status in a row of ``status.csv``; ValueError where a cell is wrong."""
    if len(row) != len(STATUS_HEADER):
        raise ValueError(f"has {count(len(row), 'cell')} instead of {len(STATUS_HEADER)}")
    path, state, enabled, last_run, last_result, next_run, missed = row
    check_path(path)
    if state not in ("", *STATES) or enabled not in ("", "true", "false"):
        raise ValueError(f"state '{state}' or enabled '{enabled}' is not known")
    return Status(
        path=path,
        state=state or None,
        enabled=enabled == "true" if enabled else None,
        last_run=_moment(last_run),
        last_result=_number(last_result),
        next_run=_moment(next_run),
        missed_runs=_number(missed),
    )


@lru_cache(maxsize=4096)
def _number(text: str) -> int | None:
    if text and not (re.fullmatch(r"[0-9]{1,10}", text) and int(text) < 2**32):
        raise ValueError(f"'{text}' is not a number from 0 to 4294967295")
    return int(text) if text else None


@lru_cache(maxsize=65536)  # many tasks start at one time
def _moment(text: str) -> Moment:
    return aware(text) if text not in ("", "never") else "never" if text else None


def aware(text: str) -> datetime:
    """An ISO 8601 time with its offset; ValueError for any other text."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"time '{text}' has no offset")
    if not 1 < moment.year < 9999:  # so that no zone pushes it out of the calendar
        raise ValueError(f"time '{text}' is out of range")
    return moment


def write_statuses(statuses: Iterable[Status]) -> bytes:
    """The content of a ``status.csv``; SnapshotError where a time has no offset."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(STATUS_HEADER)
    for status in statuses:
        writer.writerow([status.path, *(_cell(getattr(status, name)) for name in STATUS_FIELDS)])
    return out.getvalue().encode("utf-8")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return with_offset(value).isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)


def with_offset(moment: datetime) -> datetime:
    """The moment itself; SnapshotError where it is naive."""
    if moment.tzinfo is None:
        raise SnapshotError(f"{moment} has no offset")
    return moment
