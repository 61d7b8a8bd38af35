"""The short answers of the reports: sentences in which every number is computed.

>>> from taskanalysis.snapshot import read_snapshot
>>> inventory_check(read_snapshot("tests/files/folder"))[0]
'2 task definitions read, 1 file not readable.'
"""

from __future__ import annotations

import pandas as pd

from taskanalysis import __version__
from taskanalysis.duration import count, listed
from taskanalysis.masking import mask
from taskanalysis.snapshot import Snapshot
from taskanalysis.tables import scope
from taskanalysis.taskfiles import in_scope

__all__ = ["inventory_answer", "inventory_check", "page_facts"]

MOST_NAMED = 5  # accounts or findings in a sentence
NO_PASSWORD = "They can be put back without any password."  # noqa: S105


def inventory_answer(inventory: pd.DataFrame, findings: pd.DataFrame) -> list[str]:
    """The short answer of the inventory, from its tables of tasks and of findings."""
    if inventory.empty:
        return ["No task is defined here."]
    tasks, off = count(len(inventory), "task"), count(int((~inventory["enabled"]).sum()), "task")
    folders = count(inventory["folder"].nunique(), "folder")
    accounts = count(inventory["run_as"].nunique(), "account")
    lines = [f"{tasks} in {folders}, run by {accounts}; {off} disabled."]
    passwords = inventory[inventory["needs_password"]].groupby("run_as").size().sort_values(ascending=False)
    owners = [f"{name or 'an unnamed account'} ({count(number, 'task')})" for name, number in passwords.items()]
    if len(owners) > MOST_NAMED:
        owners[MOST_NAMED - 1 :] = [f"{len(owners) - MOST_NAMED + 1} others"]
    lines.append(f"To put them back, type in the password of {listed(owners)}." if owners else NO_PASSWORD)
    pressing = [f"{row.finding} ({row.tasks})" for row in findings.head(MOST_NAMED).itertuples()]
    lines.append(f"To look at first: {listed(pressing)}." if pressing else "There is nothing to look at.")
    clean = int((inventory["findings"].str.len() == 0).sum())
    lines.append(f"Nothing was found in {clean} of {tasks}." if clean else f"Something was found in each of {tasks}.")
    return lines


def inventory_check(snapshot: Snapshot, folder: str = "") -> list[str]:
    """What was read and what was not: so that a reader can see that nothing was lost."""
    here, read = len(scope(snapshot, folder)), len(snapshot.tasks)
    moment = f"{snapshot.local_time:%Y-%m-%d %H:%M} ({snapshot.zone or 'UTC'})"
    lines = [
        f"{count(read, 'task definition')} read, {count(snapshot.unread, 'file')} not readable.",
        f"They are of {moment}, read by taskanalysis {__version__}.",
    ]
    if read > here:
        where = f"outside {folder}" if folder else "below \\Microsoft"
        lines.append(f"{count(read - here, 'task')} {where}: counted, not listed on this page.")
    if snapshot.statuses:
        rows = {path for path in snapshot.statuses if in_scope(path, snapshot.folders)}
        alone = len(rows ^ snapshot.tasks.keys())
        lines.append(f"{count(len(rows), 'status row')} beside them, {alone or 'none'} without its partner.")
    else:
        lines.append("No status was collected with them.")
    if snapshot.others:
        lines.append(f"{count(snapshot.others, 'other server')} in this share: not on this page.")
    return lines


def page_facts(snapshot: Snapshot, folder: str = "") -> dict[str, str]:
    """Server, snapshot time with zone, and scope: what the head of each page says."""
    zone = snapshot.zone or "UTC; the zone of the server is not known"
    facts = {
        "Server": snapshot.server or "not named in the files",
        "Snapshot": f"{snapshot.local_time:%A, %Y-%m-%d %H:%M} ({zone})",
        "Tasks": f"{folder} and below" if folder else "all outside \\Microsoft",
    }
    return {name: mask(value) for name, value in facts.items()}
