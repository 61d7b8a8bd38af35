r"""The tables of the pages as functions: what an analyst asks for in one line.

Each reads the newest snapshot of `data`, with what the share has beside it, computes the table as the page does, and
gives it with the dtypes of `typed`. Nothing is written.

>>> inventory(folder=r"\Backup")[["name", "run_as", "needs_password"]].values.tolist()
[['Offsite copy', 'SYSTEM', False], ['System state', 'SYSTEM', False]]
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import cleandoc
from pathlib import Path
from textwrap import fill
from typing import TypeVar

import pandas as pd

from taskanalysis.definition import Time
from taskanalysis.errors import SnapshotError
from taskanalysis.report.columns import Column
from taskanalysis.report.inventory import Inventory
from taskanalysis.report.page import Page
from taskanalysis.report.planned import Moved, planned_starts
from taskanalysis.report.status import StatusPage
from taskanalysis.report.trends import Trends
from taskanalysis.report.typed import EMPTY, FLAGS, columns_of, dtype_of, typed

MOST_DAYS = 366
Asked = TypeVar("Asked", bound=Callable[..., pd.DataFrame])

_PARAMETERS = r"""
`data` is a share, or a folder or file that `read_snapshot` reads ("": the sample share); of a share it is the newest
snapshot of `server` ("": of any) that is not later than `at` (ISO text, date or datetime; on the server's clock where
it has no offset). `folder` takes the tasks in it and below ("": all outside ``\Microsoft``). `zone` (IANA) and `dates`
("dmy", "mdy" or "ymd") are for files that do not tell. SnapshotError where there is no snapshot or no task in the
folder; TimeError for an `at` that is no time.

Columns, with what is in place of a missing value; times are in the server's zone, naive where that is not known:
"""


def _listing(table: str) -> Callable[[Asked], Asked]:
    """Add parameters and columns of a table to the docstring of its function."""

    def documented(function: Asked) -> Asked:
        listed = "\n".join(_line(name, column) for name, column in columns_of(table).items())
        function.__doc__ = f"{cleandoc(function.__doc__ or '')}\n{_PARAMETERS}\n{listed}\n"
        return function

    return documented


def _line(name: str, column: Column) -> str:
    """A column in words, indented from its second line on."""
    meaning, missing = column.meaning, column.empty
    if column.dtype == "time" and ", or never" in meaning:
        meaning, missing = meaning.replace(", or never", ""), f"{missing}, or never: see `{FLAGS[name]}`"
    empty = f"; {EMPTY.get(column.dtype, '<NA>')} {missing}" if missing else ""
    return fill(f"{name} ({dtype_of(column)}): {meaning}{empty}", 118, subsequent_indent="    ", break_on_hyphens=False)


def _frame(table: str, page: Page, rows: pd.DataFrame) -> pd.DataFrame:
    return typed(table, rows, page.known_zone)


@_listing("inventory")
def inventory(
    data: str | Path = "",
    *,
    server: str = "",
    folder: str = "",
    at: Time | None = None,
    zone: str = "",
    dates: str = "",
) -> pd.DataFrame:
    r"""The tasks: what each runs, when, and as whom; one row a task.

    >>> inventory().groupby("run_as")["needs_password"].sum().nlargest(1).to_dict()
    {'TOWN\\opendata': 9}
    """
    page = Inventory.read(data, server=server, folder=folder, at=at, zone=zone, dates=dates)
    return _frame("inventory", page, page.tasks.frame)


@_listing("status")
def status(
    data: str | Path = "",
    *,
    server: str = "",
    folder: str = "",
    at: Time | None = None,
    zone: str = "",
    dates: str = "",
) -> pd.DataFrame:
    """How each task stands: verdict, reason, last and next run, success rates; one row a task.

    >>> int(status()["verdict"].eq("FAILING").sum())
    13
    """
    page = StatusPage.read(data, server=server, folder=folder, at=at, zone=zone, dates=dates)
    return _frame("status", page, page.tasks.frame)


@_listing("triggers")
def triggers(
    data: str | Path = "",
    *,
    server: str = "",
    folder: str = "",
    at: Time | None = None,
    zone: str = "",
    dates: str = "",
) -> pd.DataFrame:
    """What starts the tasks; one row a trigger.

    >>> triggers().groupby("type").size().nlargest(1).to_dict()
    {'CalendarTrigger/ScheduleByDay': 26}
    """
    page = Inventory.read(data, server=server, folder=folder, at=at, zone=zone, dates=dates)
    return _frame("triggers", page, page.triggers.frame)


@_listing("actions")
def actions(
    data: str | Path = "",
    *,
    server: str = "",
    folder: str = "",
    at: Time | None = None,
    zone: str = "",
    dates: str = "",
) -> pd.DataFrame:
    """What the tasks run; one row an action.

    >>> actions()["program"].value_counts().nlargest(1).to_dict()
    {'python': 30}
    """
    page = Inventory.read(data, server=server, folder=folder, at=at, zone=zone, dates=dates)
    return _frame("actions", page, page.actions.frame)


@_listing("findings")
def findings(
    data: str | Path = "",
    *,
    server: str = "",
    folder: str = "",
    at: Time | None = None,
    zone: str = "",
    dates: str = "",
) -> pd.DataFrame:
    """What is wrong or risky in the definitions, the most pressing first; one row a kind.

    >>> int(findings().set_index("finding")["tasks"]["stored password"])
    9
    """
    page = Inventory.read(data, server=server, folder=folder, at=at, zone=zone, dates=dates)
    return _frame("findings", page, page.findings.frame)


@_listing("incidents")
def incidents(
    data: str | Path = "",
    *,
    server: str = "",
    folder: str = "",
    at: Time | None = None,
    zone: str = "",
    dates: str = "",
) -> pd.DataFrame:
    """Causes that several tasks share that need attention; one row a cause.

    >>> len(incidents()["tasks"].iloc[0])
    9
    """
    page = StatusPage.read(data, server=server, folder=folder, at=at, zone=zone, dates=dates)
    return _frame("incidents", page, page.incidents.frame)


@_listing("starts")
def starts(
    data: str | Path = "",
    *,
    server: str = "",
    folder: str = "",
    at: Time | None = None,
    zone: str = "",
    dates: str = "",
    days: int = 1,
    moved: Moved | None = None,
) -> pd.DataFrame:
    r"""When the tasks should start in the `days` (1 to 366) after the snapshot; one row a start, none without a zone.

    What if: `moved` maps task paths to a time of day such as "02:00", or to a changed definition (`move`). Nothing is
    written to Windows.

    >>> starts(folder=r"\Backup")["start"].dt.hour.tolist()
    [2]
    """
    if not 1 <= days <= MOST_DAYS:
        raise SnapshotError(f"starts are computed for 1 to {MOST_DAYS} days, not {days}")
    page = Inventory.read(data, server=server, folder=folder, at=at, zone=zone, dates=dates)
    rows = planned_starts(page.snapshot, page.folder, days=days, moved=moved, history=page.history)
    return _frame("starts", page, rows.assign(server=page.snapshot.server)[list(columns_of("starts"))])


@_listing("slots")
def slots(
    data: str | Path = "",
    *,
    server: str = "",
    folder: str = "",
    at: Time | None = None,
    zone: str = "",
    dates: str = "",
    days: int = 90,
) -> pd.DataFrame:
    """The starts that should have been in the `days` before the snapshot, each with its fate; one row a start.

    >>> int(slots(days=7)["fate"].eq("missed").sum())
    3
    """
    page = Trends.read(data, server=server, folder=folder, at=at, zone=zone, dates=dates, days=days)
    return _frame("slots", page, page.slots[list(columns_of("slots"))])
