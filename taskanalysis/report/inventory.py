r"""The inventory page: what is scheduled, what starts it, and which account runs it.

All text is masked, because all of it is shown.

>>> page = Inventory.read("tests/files/folder")
>>> page.tasks.frame[["task_path", "schedule"]].iloc[0].tolist()
['\\OpenData\\Load', 'At 06:30 every day']
>>> page.answer.title
'No: 1 of 3 tasks is not in the backup; not everything could be seen'
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from taskanalysis.definition import Duration, ExecAction, TaskDefinition, Trigger, describe, model, type_name
from taskanalysis.health import KINDS, NOT_KEPT, Backup, Finding, find_backup, find_findings, find_unseen
from taskanalysis.report import starts
from taskanalysis.report.columns import COLUMNS
from taskanalysis.report.commands import restore_all
from taskanalysis.report.display import Answer, Html, Sentences, Table
from taskanalysis.report.files import save
from taskanalysis.report.page import MOST_NAMED, NOT_ALL_SEEN, Page, change_rows, local
from taskanalysis.schedule import next_run, slots
from taskanalysis.snapshot import Needs, Snapshot
from taskanalysis.text import count, listed, mask_arguments

MOST_GROUPS = 20
"""Rows of the table of starts in the same minute."""


@dataclass(frozen=True, eq=False, repr=False)
class Inventory(Page):
    """The definitions of a snapshot as tables, sentences and figures; each is computed when it is first asked for."""

    title: ClassVar[str] = "Inventory"

    @cached_property
    def answer(self) -> Answer:
        """The short answer: whether every task can be put back, which passwords that needs, what to look at first."""
        frame, findings = self.tasks.frame, self.findings.frame
        unseen = [doubt.sentence for doubt in find_unseen(self.snapshot, self.folder, self.history)]
        if frame.empty:
            nothing = "there is no task definition here"
            title = self.backup.sentence if self.backup.tasks or self.lacks("definitions") else f"No: {nothing}."
            line = "" if nothing in title or self.lacks("definitions") else f"{nothing[0].upper()}{nothing[1:]}."
            return Answer(title.removesuffix("."), line, unseen, is_good=False)
        tasks, disabled = count(len(frame), "task"), count(int((~frame["enabled"]).sum()), "task")
        folders, accounts = count(frame["folder"].nunique(), "folder"), count(frame["run_as"].nunique(), "account")
        needed = f"the password of {listed(self._passwords, most=MOST_NAMED)}" if self._passwords else "no password"
        pressing = [f"{row.finding} ({row.tasks})" for row in findings.head(MOST_NAMED).itertuples()]
        clean = int((frame["findings"].str.len() == 0).sum())
        lines = [
            f"Restoring them needs {needed}, and {self._programs_needed}.",
            f"Look first at: {listed(pressing)}." if pressing else "There is nothing to look at.",
            f"{clean} of {tasks} have no findings." if clean else f"Each of {tasks} has findings.",
            *self._accepted_lines(),
        ]
        read = self.read_at.astimezone(self.snapshot.local_time.tzinfo)
        points = [
            f"Definitions of {read:%Y-%m-%d %H:%M}",
            *(f"Password of {owner}" for owner in self._passwords[:2]),
            *pressing[:2],
        ]
        return Answer(
            f"{self._title}; {NOT_ALL_SEEN}" if unseen else self._title,
            f"{tasks} in {folders}, run by {accounts}; {disabled} disabled.",
            unseen,
            lines,
            self.look,
            points=points,
            figure=self.timeline,
            is_good=not (self.backup.missing or unseen),
        )

    @property
    def _title(self) -> str:
        if self.backup.missing or self.backup.read_at is None:
            return self.backup.sentence.removesuffix(".")
        number = self.backup.tasks
        which = f"all {number:,} tasks" if number > 1 else "the one task"
        hands = f", with {count(len(self._passwords), 'password')} at hand" if self._passwords else ""
        lost = f"; {self._scripts_lacking}" if self._scripts_lacking else ""
        return f"Yes, {which} can be put back{hands}{lost}"

    @property
    def _programs_needed(self) -> str:
        """What restored tasks need besides, as far as the collector looked for it."""
        if self.snapshot.programs is None:
            return "their programs and scripts, which are not in the backup"
        files = [file for path in self._definitions for file in self.snapshot.programs.get(path, ())]
        scripts = [file for file in files if file.role == "script"]
        unknown = {file.path for file in scripts if file.exists is None}
        parts = ["their programs"]
        if not self._scripts_lacking and any(file.exists for file in scripts):
            parts.append("the scripts that were found are in the backup")
        if unknown:
            parts.append(f"it is not known where the scripts of {count(len(unknown), 'task')} are")
        return "; ".join(parts)

    @cached_property
    def _scripts_lacking(self) -> str:
        """How many tasks run a script that is not in the backup; "" where none is known to."""
        lacking = [path for path, kinds in self._all_found.items() if any(each.kind == NOT_KEPT for each in kinds)]
        if not lacking:
            return ""
        return f"the scripts of {count(len(lacking), 'task')} are not in the backup"

    @cached_property
    def _passwords(self) -> list[str]:
        """The accounts whose passwords are needed, with the number of their tasks, most first; as `restore` asks."""
        needed = Needs.of(self._definitions).passwords
        most_first = sorted(needed.items(), key=lambda pair: -len(pair[1]))
        return [f"{name or 'an unnamed account'} ({count(len(paths), 'task')})" for name, paths in most_first]

    @cached_property
    def restore(self) -> Html:
        """The command that puts all tasks back."""
        line = restore_all(self.snapshot)
        return Html(line.html() if line and len(self._definitions) else "", line.text if line else "")

    @cached_property
    def backup(self) -> Backup:
        """How old the stored definitions are, and which tasks they lack."""
        return find_backup(self.snapshot, self.folder, self.history)

    @property
    def read_at(self) -> datetime:
        """When the definitions were read from the server (aware)."""
        return self.backup.read_at or super().read_at

    @property
    def stale_after(self) -> datetime:
        """When the definitions should be read again (aware)."""
        return self.backup.stale_after or super().stale_after

    # Tables -----------------------------------------------------------------------------------------------------------

    @cached_property
    def missing(self) -> Table:
        """Tasks that are not in the backup."""
        rows = (
            {"task_path": path, "what": lack.what, "since": local(self.snapshot, lack.since)}
            for path, lack in self.backup.missing.items()
        )
        empty = "No task is missing from the backup."
        if self.lacks("definitions", "status"):
            empty = "Which tasks are missing from the backup is not known: no status was collected."
        empty = "" if self.lacks("definitions") else empty
        return self._table("missing_tasks", rows, "Not in the backup", empty=empty)

    @cached_property
    def tasks(self) -> Table:
        """The tasks."""
        soon = starts.next_runs(self.snapshot, self.starts)
        rows = (
            _task_row(self.snapshot, path, task, self._found[path]) | self._more(path, soon)
            for path, task in self._definitions.items()
        )
        shown = ("task_path", "schedule", "command", "arguments", "run_as", "findings")
        return self._table("inventory", rows, "Tasks", shown, self._nothing("There is no task."))

    @cached_property
    def triggers(self) -> Table:
        """The triggers of the tasks."""
        rows = (
            {"server": self.snapshot.server, "task_path": path, "number": number}
            | _trigger_row(trigger, self.snapshot)
            | _next(trigger if task.settings.enabled else None, self.snapshot)
            for path, task in self._definitions.items()
            for number, trigger in enumerate(task.triggers, 1)
        )
        return self._table("triggers", rows, "Triggers")

    @cached_property
    def actions(self) -> Table:
        """The actions of the tasks."""
        rows = (
            {"server": self.snapshot.server, "task_path": path, "number": number, "type": _type(action)}
            | dict(zip(("command", "arguments", "working_directory"), _parts(action), strict=True))
            | {"program": action.program if isinstance(action, ExecAction) else ""}
            for path, task in self._definitions.items()
            for number, action in enumerate(task.actions, 1)
        )
        return self._table("actions", rows, "Actions")

    @cached_property
    def findings(self) -> Table:
        """The kinds of findings that occur."""
        rows = []
        for kind, (meaning, advice) in KINDS.items():
            which = []
            for path, findings in self._found.items():
                details = [finding.detail for finding in findings if finding.kind == kind]
                if details:
                    which.append(path + (f" ({', '.join(filter(None, details))})" if any(details) else ""))
            if which:
                row = {"finding": kind, "tasks": len(which), "which": which, "meaning": meaning, "advice": advice}
                rows.append(row)
        nothing = self._nothing("Nothing was found.")
        return self._table("findings", rows, "Findings, the most pressing first", empty=nothing)

    @cached_property
    def changed(self) -> Table:
        """Changes of tasks and definitions, as far as the history goes."""
        rows = []
        if self.history:
            changes = self.history.changes
            rows = change_rows(self.snapshot, changes[changes["kind"] != "outcome"].iloc[::-1], self.folder)
        shown, nothing = ("at", "task_path", "kind", "what"), "No change is known, as far as the snapshots go."
        if self.history is None or len(self.history.coverage) < 2:
            nothing = "There is no snapshot before this one, so no change is known."
        nothing = self._nothing(nothing)
        return self._table("changes", rows, "What changed, the newest first", shown, nothing, self._own_file("changes"))

    @cached_property
    def accounts(self) -> Table:
        """The accounts, the one with most tasks first."""
        frame = self.tasks.frame
        grouped = frame.assign(run_as=frame["run_as"].replace("", "(not given)")).groupby("run_as", sort=True)
        accounts = grouped.agg(
            tasks=("task_path", "size"),
            enabled=("enabled", "sum"),
            needs_password=("needs_password", "sum"),
            logon_type=("logon_type", _several),
        )
        return self._table("accounts", _most_first(accounts), "Accounts", empty=self._nothing())

    @cached_property
    def programs(self) -> Table:
        """The programs that are started, the one with most tasks first."""
        frame = self.actions.frame
        named = frame.assign(program=frame["program"].where(frame["program"] != "", "(" + frame["type"] + ")"))
        programs = named.groupby("program", sort=True).agg(
            tasks=("task_path", "nunique"), actions=("task_path", "size"), command=("command", _several)
        )
        return self._table("programs", _most_first(programs), "Programs", empty=self._nothing())

    @cached_property
    def trigger_types(self) -> Table:
        """The types of triggers, the most frequent first."""
        types = self.triggers.frame.groupby("type", sort=True).agg(
            triggers=("task_path", "size"),
            tasks=("task_path", "nunique"),
            enabled=("enabled", "sum"),
            example=("schedule", "first"),
        )
        return self._table("trigger_types", _most_first(types), "Types of triggers", empty=self._nothing())

    def _nothing(self, sentence: str = "There is none.") -> str:
        """What stands in place of an empty table: the `sentence` only where definitions were collected."""
        why = self.lacks("definitions")
        return f"Not known: {why}." if why else sentence

    # Starts -----------------------------------------------------------------------------------------------------------

    @cached_property
    def starts(self) -> pd.DataFrame:
        """The expected starts of the week after the snapshot (`starts.expected_starts`)."""
        return starts.expected_starts(self.snapshot, self.folder)

    @cached_property
    def starts_answer(self) -> Sentences:
        """How much starts in the next 24 hours, and when nothing does."""
        lines = [] if self.lacks("definitions") else starts.starts_answer(self.snapshot, self.starts, self.folder)
        return Sentences(lines, self.look)

    @cached_property
    def timeline(self) -> Html:
        """The starts of the 24 hours after the snapshot, a line a task."""
        if why := self.lacks("definitions", "zone"):
            return Html(f'<p class="empty">No start can be computed: {why}.</p>')
        return starts.timeline(self.snapshot, self.starts, self.look)

    @cached_property
    def collisions(self) -> Table:
        """Groups of three tasks or more that start in the same minute."""
        rows = starts.collisions(self.starts)
        nothing = "No three tasks start in the same minute, as far as is computed."
        nothing = "" if self.lacks("definitions", "zone") else nothing
        made = self._table("collisions", rows, "Starts in the same minute", empty=nothing)
        return replace(made, most=MOST_GROUPS)

    @cached_property
    def differences(self) -> Table:
        """Tasks whose next start by Windows is not the one that their definition gives."""
        rows = starts.differences(self.snapshot, self.folder)
        shown = ("task_path", "next_run", "expected_next", "why")
        nothing = "Where Windows names a next start, it is ours, to the minute."
        if why := self.lacks("status", "next_run"):
            nothing = f"Windows' next starts are not known: {why}."
        nothing = "" if self.lacks("definitions", "zone") else nothing
        return self._table("differences", rows, "Other than Windows", shown, nothing)

    # Files ------------------------------------------------------------------------------------------------------------

    @property
    def old_backup(self) -> pd.DataFrame:
        """The tasks as ``task_scheduler_backup.csv`` has them: four columns under old names first, then the others."""
        old = self.tasks.frame.rename(columns={"schedule": "interval", "command": "path"})
        names = list(COLUMNS["backup"])
        return old[[*names, *(name for name in old.columns if name not in names)]]

    def save(self, folder: str | Path) -> list[Path]:
        """Write the inventory, triggers, actions and ``task_scheduler_backup.csv`` into a folder (`files.save`)."""
        frames = {"inventory": self.tasks.frame, "triggers": self.triggers.frame, "actions": self.actions.frame}
        return save(self._cut | frames | {"task_scheduler_backup": self.old_backup}, folder, self.known_zone)

    # Parts ------------------------------------------------------------------------------------------------------------

    @cached_property
    def _definitions(self) -> dict[str, TaskDefinition]:
        return self.snapshot.within(self.folder)

    @cached_property
    def _all_found(self) -> dict[str, list[Finding]]:
        return find_findings(self._definitions, at=self.snapshot.local_time, snapshot=self.snapshot)

    @cached_property
    def _found(self) -> dict[str, list[Finding]]:
        """The findings of each task but for those that a rule accepts."""
        server = self.snapshot.server
        rules = {path: self.rules.of(server, path) for path in self._all_found}
        return {
            path: [finding for finding in found if not rules[path].accepts(finding.kind)]
            for path, found in self._all_found.items()
        }

    def _more(self, path: str, soon: dict[str, list[datetime | str]]) -> dict[str, Any]:
        """What a row of the inventory has beside the definition."""
        owner = self.rules.of(self.snapshot.server, path).owner or ""
        return {"next_runs": soon.get(path, []), "owner": owner}

    def _accepted_lines(self) -> list[str]:
        meant = [len(found) - len(self._found[path]) for path, found in self._all_found.items()]
        if not any(meant):
            return []
        findings, tasks = count(sum(meant), "finding"), count(sum(map(bool, meant)), "task")
        return [f"{findings} in {tasks} accepted by rules.toml: counted, not listed."]


def _task_row(snapshot: Snapshot, path: str, task: TaskDefinition, findings: list[Finding]) -> dict[str, Any]:
    principal, settings, info = task.principal, task.settings, task.registration_info
    restart = settings.restart_on_failure
    folder, _, name = path.rpartition("\\")
    parts = [_parts(action) for action in task.actions]
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
        "command": "; ".join(command for command, _, _ in parts),
        "arguments": "; ".join(filter(None, (arguments for _, arguments, _ in parts))),
        "working_directory": "; ".join(filter(None, dict.fromkeys(folder for _, _, folder in parts))),
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
        "findings": [str(finding) for finding in findings],
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


def _type(action: model.Action) -> str:
    return action.name if isinstance(action, model.UnknownAction) else type(action).__name__.removesuffix("Action")


def _parts(action: model.Action) -> tuple[str, str, str]:
    """Command, arguments and working directory; what an action of another type has in their places."""
    match action:
        case ExecAction():
            return action.command, mask_arguments(action.command, action.arguments), action.working_directory
        case model.ComHandlerAction():
            return f"COM handler {action.class_id}", action.data, ""
        case model.SendEmailAction():
            return f"mail to {action.to} through {action.server}", action.subject, ""
        case model.ShowMessageAction():
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
    return listed(names, most=3)


def _most_first(frame: pd.DataFrame) -> pd.DataFrame:
    first_count = frame.columns[0]
    return frame.reset_index().sort_values(first_count, ascending=False, kind="stable", ignore_index=True)
