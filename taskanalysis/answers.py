"""The short answers of the reports: sentences in which every number is computed.

>>> from taskanalysis.snapshot import read_snapshot
>>> inventory_check(read_snapshot("tests/files/folder"))
['2 task definitions read, 1 file not readable.', 'No status was collected with them.']
"""

from __future__ import annotations

from taskanalysis.duration import count
from taskanalysis.snapshot import Snapshot
from taskanalysis.tables import findings, inventory, scope
from taskanalysis.taskfiles import in_scope
from taskanalysis.wording import listed

__all__ = ["inventory_answer", "inventory_check", "page_facts"]

MOST_NAMED = 5  # accounts or findings in a sentence
NO_PASSWORD = "They can be put back without any password."  # noqa: S105


def inventory_answer(snapshot: Snapshot, folder: str = "") -> list[str]:
    """The short answer of the inventory."""
    frame = inventory(snapshot, folder)
    if frame.empty:
        return ["No task is defined here." if snapshot.tasks else "No task definition could be read."]
    off = int((~frame["enabled"]).sum())
    folders, accounts = count(frame["folder"].nunique(), "folder"), count(frame["run_as"].nunique(), "account")
    lines = [f"{count(len(frame), 'task')} in {folders}, run as {accounts}; {off or 'none'} of them disabled."]
    passwords = frame[frame["needs_password"]].groupby("run_as").size().sort_values(ascending=False)
    owners = [
        f"{name or 'an account that is not given'} ({count(number, 'task')})" for name, number in passwords.items()
    ]
    if len(owners) > MOST_NAMED:
        owners[MOST_NAMED - 1 :] = [f"{len(owners) - MOST_NAMED + 1} others"]
    lines.append(f"To put them back, type in the password of {listed(owners)}." if owners else NO_PASSWORD)
    found = findings(snapshot, folder)
    pressing = [f"{row.finding} ({row.tasks})" for row in found.head(MOST_NAMED).itertuples()]
    clean = int((frame["findings"].str.len() == 0).sum())
    lines.append(f"To look at first: {listed(pressing)}." if pressing else "There is nothing to look at.")
    lines.append(f"Nothing was found in {clean or 'none'} of the {count(len(frame), 'task')}.")
    return lines


def inventory_check(snapshot: Snapshot, folder: str = "") -> list[str]:
    """What was read and what was not: so that a reader can see that nothing was lost."""
    here, read = len(scope(snapshot, folder)), len(snapshot.tasks)
    lines = [f"{count(read, 'task definition')} read, {count(snapshot.unread, 'file')} not readable."]
    if read > here:
        where = f"outside {folder}" if folder else "below \\Microsoft"
        lines.append(f"{count(read - here, 'task')} {where}: counted, not listed on this page.")
    if snapshot.statuses:
        rows = {path for path in snapshot.statuses if in_scope(path, snapshot.folders)}
        alone = len(rows ^ snapshot.tasks.keys())
        lines.append(f"{count(len(rows), 'status row')} beside them, {alone or 'none'} without its partner.")
    else:
        lines.append("No status was collected with them.")
    return lines


def page_facts(snapshot: Snapshot, folder: str = "") -> dict[str, str]:
    """Server, snapshot time with zone, and scope: what the head of each page says."""
    zone = snapshot.zone or "UTC; the zone of the server is not known"
    return {
        "Server": snapshot.server or "not named in the files",
        "Snapshot": f"{snapshot.local_time:%A, %Y-%m-%d %H:%M} ({zone})",
        "Tasks": f"{folder} and below" if folder else "all outside \\Microsoft",
    }
