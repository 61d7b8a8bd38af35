"""The short answers of the reports: sentences in which every number is computed.

>>> from taskanalysis.snapshot import read_snapshot
>>> inventory_check(read_snapshot("tests/files/folder"))[0]
'2 task definitions read, 1 file not readable.'
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from taskanalysis import __version__
from taskanalysis.health import Incident, Judged, Rules, Verdict
from taskanalysis.history import History
from taskanalysis.report.tables import unmatched
from taskanalysis.snapshot import Snapshot, in_scope
from taskanalysis.text import count, listed, mask

__all__ = ["inventory_answer", "inventory_check", "page_facts", "rules_check", "status_answer", "status_limits"]

MOST_NAMED = 5  # accounts or findings in a sentence
NO_PASSWORD = "They can be put back without any password."  # noqa: S105


def inventory_answer(inventory: pd.DataFrame, findings: pd.DataFrame) -> list[str]:
    """The short answer of the inventory, from its tables of tasks and of findings."""
    if inventory.empty:
        return ["There is no task definition here."]
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


def status_answer(
    snapshot: Snapshot, judged: Sequence[Judged], incidents: Sequence[Incident], folder: str = ""
) -> list[str]:
    """The short answer of the status: whether to worry, and about what first."""
    shown = [each for each in judged if not each.ignored]
    muted = [f"{count(len(judged) - len(shown), 'task')} muted by rules.toml: counted, not listed."]
    muted = muted if len(shown) < len(judged) else []
    if not shown:
        return muted or ["No status was collected, so nothing can be said of how the tasks run."]
    loud = [each for each in shown if each.needs_attention]
    unclear = [each for each in shown if each.verdict is Verdict.UNKNOWN and not each.needs_attention]
    gaps = _gaps(snapshot, len(unclear), folder)
    known = count(len(shown) - len(unclear), "task")
    lines = [f"{len(loud) or 'None'} of {known} need{'' if len(loud) > 1 else 's'} attention."]
    if not loud and not gaps:
        lines = [f"{lines[0][:-1]}: no need to worry."]
    lines += [f"One cause: {incident.cause}" for incident in incidents]
    together = {path for incident in incidents for path in incident.tasks}
    alone = [each for each in loud if each.path not in together]
    lines += [f"{each.verdict.value}: {each.path}. {each.reason}" for each in alone[:MOST_NAMED]]
    if len(alone) > MOST_NAMED:
        lines.append(f"And {count(len(alone) - MOST_NAMED, 'more task')}, listed below.")
    counts = Counter(each.verdict.value for each in shown)
    listing = listed([f"{counts[verdict.value]} {verdict.value}" for verdict in Verdict if counts[verdict.value]])
    return [*lines, *gaps, f"All in all: {listing}.", *muted]


def _gaps(snapshot: Snapshot, unclear: int, folder: str) -> list[str]:
    """What is not known, so that silence is not taken for good news."""
    missing = unmatched(snapshot, folder)["what"].str.endswith("no status.").sum()
    lines = []
    if unclear:
        lines.append(f"Of {count(unclear, 'other task')} it is not known how the last run ended.")
    if missing:
        lines.append(f"{count(int(missing), 'task')} without any status: nothing is known of how they run.")
    if snapshot.problems:
        lines.append(f"{count(len(snapshot.problems), 'problem')} in what was read: see the end of this page.")
    return lines


def status_limits(snapshot: Snapshot, judged: Sequence[Judged] = (), history: History | None = None) -> list[str]:
    """What these data can't tell, so that silence is not taken for good news."""
    lines = ["From one snapshot nothing is known of earlier runs, nor since when a task fails."]
    if history:
        oldest = history.coverage["taken_at"].min().astimezone(snapshot.local_time.tzinfo)
        snapshots = count(len(history.coverage), "snapshot")
        lines = [f"What happened before {oldest:%Y-%m-%d %H:%M} is not known: the history holds {snapshots}."]
    if not snapshot.zone:
        lines.append("The zone of the server is not known (--zone gives it), so no missed start can be told.")
    elif snapshot.statuses and not (snapshot.tasks or snapshot.in_force):
        lines.append("No definitions came with it, so no missed start can be told.")
    doubtful = [each.path for each in judged if each.due.in_doubt]
    if doubtful:
        named = listed(doubtful[:MOST_NAMED] + ["others"] * (len(doubtful) > MOST_NAMED))
        lines.append(f"No missed start is told where Windows names another next start than the definition: {named}.")
    wanted = {"state": "what a task is doing", "last_run": "when it last ran", "last_result": "how that ended"}
    lacking = [words for name, words in wanted.items() if name not in snapshot.holds]
    if lacking:
        lines.append(f"These data do not tell {listed(lacking)}.")
    if snapshot.statuses and not (snapshot.tasks or snapshot.in_force or snapshot.commands):
        lines.append("No definitions came with it, so a code is read without knowing the program that gave it.")
    return lines


def rules_check(snapshot: Snapshot, rules: Rules) -> list[str]:
    """Rules of the office that match no task here (mistyped, or no longer needed), and mutes that have no end."""
    unused = rules.unused((snapshot.server, path) for path in snapshot.statuses)
    endless = [rule for rule in rules.rules if rule.ignore and rule.ignore_until is None]
    return [
        *(f"The rule for {rule.task} in {rule.name('task')} matches no task." for rule in unused),
        *(f"The rule for {rule.task} in {rule.name('ignore')} mutes without an end." for rule in endless),
    ]


def inventory_check(snapshot: Snapshot, folder: str = "") -> list[str]:
    """What was read and what was not: so that a reader can see that nothing was lost."""
    read = len(snapshot.tasks)
    moment = f"{snapshot.local_time:%Y-%m-%d %H:%M} ({snapshot.zone or 'UTC'})"
    lines = [
        f"{count(read, 'task definition')} read, {count(snapshot.unread, 'file')} not readable.",
        f"They are of {moment}, read by taskanalysis {__version__}.",
    ]
    folders = [folder] if folder else []
    rest = [path for path in snapshot.tasks.keys() | snapshot.statuses.keys() if not in_scope(path, folders)]
    if rest:
        where = f"outside {folder}" if folder else "below \\Microsoft"
        lines.append(f"{count(len(rest), 'task')} {where}: counted, not listed on this page.")
    if snapshot.statuses:
        partners = f"{len(unmatched(snapshot, folder)) or 'none'} without its partner"
        partners = partners if "definitions" in snapshot.holds else "no definitions beside them"
        lines.append(f"{count(len(snapshot.statuses), 'status row')}, {partners}.")
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
