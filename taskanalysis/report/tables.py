r"""The tables of the reports: the only maker of their columns (`columns.COLUMNS` says what they mean).

All text here is masked (`masking.mask`), because all of it is shown.

>>> from taskanalysis.snapshot import read_snapshot
>>> inventory(read_snapshot("tests/files/folder"))[["task_path", "schedule"]].iloc[0].tolist()
['\\OpenData\\Load', 'At 06:30 every day']
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from taskanalysis.definition import (
    Action,
    ComHandlerAction,
    Duration,
    ExecAction,
    SendEmailAction,
    ShowMessageAction,
    TaskDefinition,
    Trigger,
    UnknownAction,
    describe,
    type_name,
)
from taskanalysis.health import KINDS, NO_PAST, Finding, Incident, Judged, Past, find_findings
from taskanalysis.history import History
from taskanalysis.report.columns import COLUMNS
from taskanalysis.report.frames import frame
from taskanalysis.report.starts import next_runs
from taskanalysis.results import BAD_OUTCOMES
from taskanalysis.schedule import next_run, slots
from taskanalysis.snapshot import Moment, Snapshot, in_scope
from taskanalysis.text import listed, mask_arguments

__all__ = [
    "actions",
    "backup",
    "by_account",
    "by_program",
    "by_trigger_type",
    "changes",
    "findings",
    "incidents",
    "inventory",
    "old_status",
    "problems",
    "redefined",
    "status",
    "triggers",
    "unmatched",
]


def inventory(snapshot: Snapshot, folder: str = "") -> pd.DataFrame:
    """A row a task, with the columns of ``COLUMNS["inventory"]``; the tasks of `Snapshot.within`."""
    tasks = snapshot.within(folder)
    found, soon = find_findings(tasks, at=snapshot.local_time), next_runs(snapshot, folder)
    rows = (
        _inventory_row(snapshot, path, task, found[path]) | {"next_runs": soon.get(path, [])}
        for path, task in tasks.items()
    )
    return frame("inventory", rows)


def triggers(snapshot: Snapshot, folder: str = "") -> pd.DataFrame:
    """A row a trigger, with the columns of ``COLUMNS["triggers"]``."""
    return frame(
        "triggers",
        (
            {"server": snapshot.server, "task_path": path, "number": number}
            | _trigger_row(trigger, snapshot)
            | _next(trigger if task.settings.enabled else None, snapshot)
            for path, task in snapshot.within(folder).items()
            for number, trigger in enumerate(task.triggers, 1)
        ),
    )


def actions(snapshot: Snapshot, folder: str = "") -> pd.DataFrame:
    """A row an action, with the columns of ``COLUMNS["actions"]``."""
    return frame(
        "actions",
        (
            {"server": snapshot.server, "task_path": path, "number": number, "type": _type(action)}
            | dict(zip(("command", "arguments", "working_directory"), _spoken(action), strict=True))
            | {"program": action.program if isinstance(action, ExecAction) else ""}
            for path, task in snapshot.within(folder).items()
            for number, action in enumerate(task.actions, 1)
        ),
    )


def findings(snapshot: Snapshot, folder: str = "") -> pd.DataFrame:
    """A row a kind of finding that occurs, with the columns of ``COLUMNS["findings"]``, the most pressing first."""
    found = find_findings(snapshot.within(folder), at=snapshot.local_time)
    rows = []
    for kind, (meaning, advice) in KINDS.items():
        which = {
            path: [finding.detail for finding in those if finding.kind == kind]
            for path, those in found.items()
            if any(finding.kind == kind for finding in those)
        }
        names = [
            path + (f" ({', '.join(filter(None, details))})" if any(details) else "") for path, details in which.items()
        ]
        if which:
            rows.append({"finding": kind, "tasks": len(which), "which": names, "meaning": meaning, "advice": advice})
    return frame("findings", rows)


def status(snapshot: Snapshot, judged: Sequence[Judged], incidents: Sequence[Incident] = ()) -> pd.DataFrame:
    """A row a task that is not muted, with the columns of ``COLUMNS["status"]``, those that need attention first."""
    cause = {path: incident.cause for incident in incidents for path in incident.tasks}
    listed = sorted((each for each in judged if not each.ignored), key=lambda each: not each.needs_attention)
    return frame("status", (_status_row(snapshot, each, cause.get(each.path, "")) for each in listed))


def incidents(snapshot: Snapshot, found: Iterable[Incident]) -> pd.DataFrame:
    """A row an incident, with the columns of ``COLUMNS["incidents"]``."""
    rows = (asdict(each) | {"tasks": list(each.tasks), "since": _local(snapshot, each.since)} for each in found)
    return frame("incidents", rows)


def changes(snapshot: Snapshot, history: History | None, folder: str = "") -> pd.DataFrame:
    """A row a change that `snapshot` is the first to show, with the columns of ``COLUMNS["changes"]``."""
    if history is None:
        return frame("changes", [])
    return _changes(snapshot, history.changes[history.changes["at"] == pd.Timestamp(snapshot.taken_at)], folder)


def redefined(snapshot: Snapshot, history: History | None, folder: str = "") -> pd.DataFrame:
    """A row a change of what is scheduled, as far as the history goes, the newest first; the same columns."""
    if history is None:
        return frame("changes", [])
    return _changes(snapshot, history.changes[history.changes["kind"] != "outcome"].iloc[::-1], folder)


def _changes(snapshot: Snapshot, found: pd.DataFrame, folder: str) -> pd.DataFrame:
    folders, names = [folder] if folder else [], list(COLUMNS["changes"])
    rows = (dict(zip(names, row, strict=True)) for row in found[names].itertuples(index=False))
    zone = snapshot.local_time.tzinfo
    listed = (
        row | {"at": row["at"].to_pydatetime().astimezone(zone)} for row in rows if in_scope(row["task_path"], folders)
    )
    return frame("changes", listed)


def unmatched(snapshot: Snapshot, folder: str = "") -> pd.DataFrame:
    """A row a task that has only one side where both were read, with the columns of ``COLUMNS["unmatched"]``."""
    if not snapshot.statuses or "definitions" not in snapshot.holds:
        return frame("unmatched", [])
    folders = [folder] if folder else []
    both = (snapshot.statuses.keys(), snapshot.tasks.keys())
    statuses, tasks = (
        {path for path in paths if in_scope(path, folders) and in_scope(path, snapshot.folders)} for paths in both
    )
    lacking = dict.fromkeys(statuses - tasks, "It has a status and no definition.")
    lacking |= dict.fromkeys(tasks - statuses, "It has a definition and no status.")
    key = {"server": snapshot.server}
    return frame("unmatched", (key | {"task_path": path, "what": lacking[path]} for path in sorted(lacking)))


def old_status(status: pd.DataFrame) -> pd.DataFrame:
    """The status under the names of ``task-status.csv``: four old columns, those most asked for, then the others."""
    old = pd.DataFrame(
        {
            "name": status["task_path"].str.rpartition("\\")[2] if len(status) else [],
            "lastResult": [_OLD_WORDS.get(outcome, "Unknown") for outcome in status["outcome"]],
            "resultCode": status["code"],
            "timeStamp": status["next_run"],
        }
    )
    first = ["task_path", "verdict", "last_run", "meaning"]
    return pd.concat([old, status[first], status.drop(columns=first)], axis=1)


_OLD_WORDS = {"succeeded": "Working", "running": "Working"} | dict.fromkeys(BAD_OUTCOMES, "Broken")


def problems(snapshot: Snapshot) -> pd.DataFrame:
    """A row for each file or row that could not be read, with the columns of ``COLUMNS["problems"]``."""
    return frame("problems", (problem._asdict() for problem in snapshot.problems))


def backup(inventory: pd.DataFrame) -> pd.DataFrame:
    """The inventory under the names of ``task_scheduler_backup.csv``: four old columns first, then the others."""
    old = inventory.rename(columns={"schedule": "interval", "command": "path"})
    names = list(COLUMNS["backup"])
    return old[[*names, *(name for name in old.columns if name not in names)]]


def by_account(inventory: pd.DataFrame) -> pd.DataFrame:
    """A row an account, the one with most tasks first, with the columns of ``COLUMNS["accounts"]``."""
    grouped = inventory.assign(run_as=inventory["run_as"].replace("", "(not given)")).groupby("run_as", sort=True)
    accounts = grouped.agg(
        tasks=("task_path", "size"),
        enabled=("enabled", "sum"),
        needs_password=("needs_password", "sum"),
        logon_type=("logon_type", _several),
    )
    return _most_first(accounts)


def by_program(actions: pd.DataFrame) -> pd.DataFrame:
    """A row a program, the one with most tasks first, with the columns of ``COLUMNS["programs"]``."""
    named = actions.assign(program=actions["program"].where(actions["program"] != "", "(" + actions["type"] + ")"))
    programs = named.groupby("program", sort=True).agg(
        tasks=("task_path", "nunique"), actions=("task_path", "size"), command=("command", _several)
    )
    return _most_first(programs)


def by_trigger_type(triggers: pd.DataFrame) -> pd.DataFrame:
    """A row a type of trigger, the most frequent first, with the columns of ``COLUMNS["trigger_types"]``."""
    types = triggers.groupby("type", sort=True).agg(
        triggers=("task_path", "size"),
        tasks=("task_path", "nunique"),
        enabled=("enabled", "sum"),
        example=("schedule", "first"),
    )
    return _most_first(types)


# Rows -----------------------------------------------------------------------------------------------------------------


def _inventory_row(snapshot: Snapshot, path: str, task: TaskDefinition, found: list[Finding]) -> dict[str, Any]:
    principal, settings, info = task.principal, task.settings, task.registration_info
    restart = settings.restart_on_failure
    folder, _, name = path.rpartition("\\")
    spoken = [_spoken(action) for action in task.actions]
    registered = info.date
    if registered and snapshot.zone:
        zone = snapshot.local_time.tzinfo
        registered = registered.astimezone(zone) if registered.tzinfo else registered.replace(tzinfo=zone)
    return {
        "server": snapshot.server,
        "task_path": path,
        "folder": folder or "\\",
        "name": name,
        "enabled": settings.enabled,
        "hidden": settings.hidden,
        "description": info.description,
        "author": info.author,
        "registered": registered.isoformat(timespec="seconds") if registered else "",
        "schedule": describe(task, at=snapshot.local_time),
        "triggers": len(task.triggers),
        "actions": len(task.actions),
        "command": "; ".join(command for command, _, _ in spoken),
        "arguments": "; ".join(filter(None, (arguments for _, arguments, _ in spoken))),
        "working_directory": "; ".join(filter(None, dict.fromkeys(folder for _, _, folder in spoken))),
        "run_as": principal.account,
        "logon_type": principal.logon_type or ("Group" if principal.group_id else ""),
        "run_level": principal.run_level,
        "needs_password": principal.needs_password,
        "time_limit": _limit(settings.execution_time_limit),
        "multiple_instances": settings.multiple_instances_policy,
        "restart_count": restart.count if restart else 0,
        "restart_interval": _words(restart.interval) if restart else "",
        "version": task.version,
        "uri": task.uri,
        "sha256": snapshot.hashes.get(path, ""),
        "file": snapshot.files.get(path, ""),
        "findings": [str(finding) for finding in found],
    }


def _trigger_row(trigger: Trigger, snapshot: Snapshot) -> dict[str, Any]:
    repetition = trigger.repetition
    return {
        "type": type_name(trigger),
        "enabled": trigger.enabled,
        "schedule": describe(trigger, at=snapshot.local_time),
        "start_boundary": trigger.start_boundary.isoformat() if trigger.start_boundary else "",
        "end_boundary": trigger.end_boundary.isoformat() if trigger.end_boundary else "",
        "interval": _words(repetition.interval) if repetition else "",
        "duration": _words(repetition.duration) if repetition else "",
        "random_delay": _words(getattr(trigger, "random_delay", None)),
    }


def _next(trigger: Trigger | None, snapshot: Snapshot) -> dict[str, Any]:
    """Its next start, and whether that is judged; empty where there is none, or no zone is known."""
    found = next_run(trigger, snapshot.taken_at, tz=snapshot.zone) if trigger and snapshot.zone else None
    if not trigger or not found:
        return {"next_run": "", "judged": None}
    (slot,) = slots(trigger, found, found + timedelta(microseconds=1), tz=snapshot.zone)
    return {"next_run": found, "judged": slot.judged}


def _details(kind: str, found: list[Finding]) -> str:
    return ", ".join(finding.detail for finding in found if finding.kind == kind and finding.detail)


def _status_row(snapshot: Snapshot, judged: Judged, incident: str) -> dict[str, Any]:
    result, status, rule = judged.result, judged.status, judged.due.rule
    return {
        "server": snapshot.server,
        "task_path": judged.path,
        "verdict": judged.verdict.value,
        "reason": judged.reason,
        "since": _local(snapshot, judged.since),
        "outcome": result.outcome.value,
        "code": result.code,
        "hex": result.hex,
        "meaning": result.meaning,
        "advice": result.advice,
        "certainty": result.certainty,
        "basis": result.basis,
        "state": status.state or "",
        "last_run": _local(snapshot, status.last_run),
        "last_success": _local(snapshot, judged.past.last_success),
        "next_run": _local(snapshot, status.next_run),
        "expected_next": _local(snapshot, judged.due.next_start),
        "missed_runs": status.missed_runs,
        "incident": incident,
        "owner": rule.owner or "",
        "note": rule.note or "",
        "rule": judged.rule,
    } | _past_row(judged.past)


def _past_row(past: Past) -> dict[str, Any]:
    """How the runs before went; empty where no history is known."""
    known = past is not NO_PAST
    return {
        "consecutive_failures": past.failures if known else None,
        "runs_7d": past.week.runs if known else None,
        "success_rate_7d": past.week.success,
        "runs_30d": past.month.runs if known else None,
        "success_rate_30d": past.month.success,
        "flapping": past.flapping if known else None,
    }


def _local(snapshot: Snapshot, moment: Moment) -> datetime | str:
    """A time in the server's zone; "never", and "" where it is not known."""
    if not isinstance(moment, datetime):
        return moment or ""
    return moment.astimezone(snapshot.local_time.tzinfo) if moment.tzinfo else moment


def _type(action: Action) -> str:
    return action.name if isinstance(action, UnknownAction) else type(action).__name__.removesuffix("Action")


def _spoken(action: Action) -> tuple[str, str, str]:
    """Command, arguments and working directory; what an action of another type has in their places."""
    match action:
        case ExecAction():
            return action.command, mask_arguments(action.command, action.arguments), action.working_directory
        case ComHandlerAction():
            return f"COM handler {action.class_id}", action.data, ""
        case SendEmailAction():
            return f"mail to {action.to} through {action.server}", action.subject, ""
        case ShowMessageAction():
            return f"message {action.title}", action.body, ""
    return f"{_type(action)} (a type that is not known here)", "", ""


def _limit(limit: Duration | None) -> str:
    if limit is None:
        return "3 days (not written, Windows' default)"
    return "none" if limit.is_zero else limit.words()


def _words(duration: Duration | None) -> str:
    return duration.words() if duration else ""


# Frames ---------------------------------------------------------------------------------------------------------------


def _several(values: pd.Series) -> str:
    """The distinct texts of a group, the most frequent first, three of them at most."""
    names = [str(name) for name in values[values != ""].value_counts().index]
    return listed(names[:3] + ([f"{len(names) - 3} others"] if len(names) > 3 else []))


def _most_first(frame: pd.DataFrame) -> pd.DataFrame:
    first_count = frame.columns[0]
    return frame.reset_index().sort_values(first_count, ascending=False, kind="stable", ignore_index=True)
