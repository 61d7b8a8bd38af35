"""What all pages have in common: their head, what was read of the data, and what could not be read.

>>> from taskanalysis.snapshot import read_snapshot
>>> Page(read_snapshot("tests/files/folder")).check.lines[0]
'2 task definitions read, 1 file not readable.'
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self
from zoneinfo import ZoneInfo

import pandas as pd

from taskanalysis import __version__
from taskanalysis.definition import Time
from taskanalysis.health import (
    NO_RULES,
    Assessment,
    Incident,
    Judged,
    Rules,
    assess,
    hidden_tasks,
    known_history,
    rules_of,
)
from taskanalysis.history import History
from taskanalysis.report.columns import COLUMNS, frame
from taskanalysis.report.display import MOST_ROWS, Heading, Look, Sentences, Table
from taskanalysis.snapshot import Moment, Snapshot, in_scope, read_snapshot, sample_share, stale_after
from taskanalysis.text import count, listed, mask

STORIES_A_PAGE = 100
MOST_NAMED = 5  # accounts, findings or tasks in a sentence
NOT_ALL_SEEN = "not everything could be seen"
"""The end of an answer that can't be calm."""
NO_DEFINITIONS = "no definitions were collected with them"
LACKING = {
    "definitions": "no definitions were collected",
    "status": "no status was collected",
    "zone": "the server's zone is not known",
    "next_run": "these data do not hold the next start",
    "last_run": "these data do not hold the last run",
    "last_result": "these data do not hold the last result",
}
"""What a snapshot may lack, as the end of a sentence."""
NO_DEFINITION, NO_STATUS = "It has a status and no definition.", "It has a definition and no status."


def table(
    name: str,
    rows: pd.DataFrame | Iterable[Mapping[str, Any]],
    caption: str,
    shown: Sequence[str] = (),
    empty: str = "There is none.",
    file: str = "",
) -> Table:
    """The table of ``COLUMNS[name]`` with these rows; the page shows the columns `shown`, all where there are none.

    `file` has all rows where the page shows a part, ``<name>.csv`` where not given.
    """
    made = rows if isinstance(rows, pd.DataFrame) else frame(name, rows)
    return Table(made, caption, COLUMNS[name], shown, empty, file or f"{name}.csv")


def story_id(path: str) -> str:
    r"""The fragment of a task's story: a hash of its path, so that links last.

    >>> story_id(r"\OpenData\Load")
    'tc6bc8d76a9'
    """
    return f"t{hashlib.sha256(path.casefold().encode('utf-8', 'backslashreplace')).hexdigest()[:10]}"


def story_places(paths: Sequence[str]) -> dict[str, str]:
    """Where the story of each of these tasks is, in their order: a page for each hundred, of `MOST_ROWS` at most."""
    return {
        path: f"tasks{f'-{turn // STORIES_A_PAGE + 1}' if turn >= STORIES_A_PAGE else ''}.html#{story_id(path)}"
        for turn, path in enumerate(paths[:MOST_ROWS])
    }


def local(snapshot: Snapshot, moment: Moment) -> datetime | str:
    """A time in the server's zone; "never", and "" where it is not known."""
    if not isinstance(moment, datetime):
        return moment or ""
    return moment.astimezone(snapshot.local_time.tzinfo) if moment.tzinfo else moment


def change_rows(snapshot: Snapshot, changes: pd.DataFrame, folder: str) -> list[dict[str, Any]]:
    """The rows of ``COLUMNS["changes"]`` from those of `History.changes`, in the folder, in the server's zone."""
    names, folders = list(COLUMNS["changes"]), [folder] if folder else []
    rows = (dict(zip(names, row, strict=True)) for row in changes[names].itertuples(index=False))
    return [
        row | {"at": local(snapshot, row["at"].to_pydatetime())} for row in rows if in_scope(row["task_path"], folders)
    ]


@dataclass(frozen=True, eq=False, repr=False)
class Page:
    r"""A page about the tasks of a snapshot in `folder` and below ("": all outside ``\Microsoft``).

    `history` is that of the server, None where there is none; `rules` are those of the office.
    """

    snapshot: Snapshot
    folder: str = ""
    history: History | None = None
    rules: Rules = NO_RULES

    title: ClassVar[str] = ""

    @classmethod
    def read(
        cls,
        data: str | Path = "",
        *,
        server: str = "",
        folder: str = "",
        at: Time | None = None,
        zone: str = "",
        dates: str = "",
        **more: Any,
    ) -> Self:
        r"""The newest snapshot in `data` ("": the sample share), with what the share has beside it.

        The parameters are those of `snapshot.read_snapshot`; `folder` takes the tasks in it and below. A page of a
        period takes `days`, too. SnapshotError where there is no snapshot or no task in the folder; a ``rules.toml``
        that is wrong is a line of `check`, and no rule is applied.
        """
        place, folder = data or sample_share(), folder.replace("/", "\\")  # as at the prompt
        snapshot = read_snapshot(place, server=server, at=at, zone=zone, dates=dates)
        snapshot.check_folder(folder)
        return cls(snapshot, folder, **cls._beside(snapshot, **more))

    @classmethod
    def _beside(cls, snapshot: Snapshot, days: int = 0) -> dict[str, Any]:
        """What the share has beside the snapshot, as the fields of the page: so many `days`, and what verdicts need."""
        return {"history": known_history(snapshot, days), "rules": rules_of(snapshot.share)}

    @cached_property
    def paths(self) -> list[str]:
        """The paths of all tasks in scope, of those with a definition, with a status, and hidden ones."""
        hidden = {status.path for status, _ in hidden_tasks(self.history, self.snapshot)} if self.history else set()
        known = self.snapshot.tasks.keys() | self.snapshot.statuses.keys() | hidden
        return sorted(
            (path for path in known if in_scope(path, self._folders)), key=lambda path: (path.casefold(), path)
        )

    @cached_property
    def look(self) -> Look:
        """How the page shows times and task names."""
        masked = {mask(path): place for path, place in story_places(self.paths).items()}
        return Look(self.snapshot.local_time, masked)

    def _table(self, *parts: Any, **more: Any) -> Table:
        """A `table` as this page shows times and names."""
        return replace(table(*parts, **more), look=self.look)

    @property
    def known_zone(self) -> ZoneInfo | None:
        """The server's zone, None where it is not known."""
        return ZoneInfo(self.snapshot.zone) if self.snapshot.zone else None

    @property
    def _folders(self) -> list[str]:
        return [self.folder] if self.folder else []

    @property
    def heading(self) -> Heading:
        """Title, server, time of the snapshot with zone, and scope."""
        zone = self.snapshot.zone or "UTC; the server's zone is not known"
        facts = {
            "Server": self.snapshot.server or "not named in the files",
            "Snapshot": f"{self.snapshot.local_time:%A, %Y-%m-%d %H:%M} ({zone})",
            "Tasks": f"{self.folder} and below" if self.folder else "all outside \\Microsoft",
        }
        when = (self.read_at, self.stale_after)
        return Heading(self.title, {name: mask(value) for name, value in facts.items()}, *when)

    @property
    def read_at(self) -> datetime:
        """When what the page shows was read from the server (aware)."""
        return self.snapshot.taken_at

    @property
    def stale_after(self) -> datetime:
        """When it should be read again (aware)."""
        return stale_after(self.snapshot)

    @cached_property
    def check(self) -> Sentences:
        """What was read and what was not, so that a reader sees that nothing was lost."""
        return Sentences(self._read_lines(), self.look)

    @cached_property
    def unmatched(self) -> Table:
        """Tasks with a definition and no status, or a status and no definition, where both were read."""
        snapshot, folders = self.snapshot, self._folders
        lacking: dict[str, str] = {}
        if snapshot.statuses and "definitions" in snapshot.holds:
            lacking |= dict.fromkeys(snapshot.statuses.keys() - snapshot.tasks.keys(), NO_DEFINITION)
            lacking |= dict.fromkeys(snapshot.tasks.keys() - snapshot.statuses.keys(), NO_STATUS)
        rows = [
            {"server": snapshot.server, "task_path": path, "what": lacking[path]}
            for path in sorted(lacking)
            if in_scope(path, folders) and in_scope(path, snapshot.folders)
        ]
        nothing = "Every definition has its status, and every status its definition."
        if why := self.lacks("definitions", "status") or ("" if "definitions" in snapshot.holds else NO_DEFINITIONS):
            nothing = f"Definitions and statuses were not compared: {why}."
        return self._table("unmatched", rows, "Without a partner", empty=nothing)

    @cached_property
    def problems(self) -> Table:
        """What could not be read of the snapshot and of the history, each once."""
        older = self.history.problems if self.history else []
        problems = list(dict.fromkeys([*self.snapshot.problems, *older]))
        rows = (problem._asdict() for problem in problems)
        return self._table(
            "problems", rows, "Problems", empty="Everything could be read.", file=self._own_file("problems")
        )

    def lacks(self, *needs: str) -> str:
        """Why something is not known that rests on `needs` (keys of `LACKING`), as the end of a sentence; "" if it is.

        >>> Page(Snapshot("S", datetime(2026, 11, 23))).lacks("zone", "status")
        "the server's zone is not known"
        """
        snapshot = self.snapshot
        held = {
            "definitions": bool(snapshot.tasks) or snapshot.defined_at is not None,
            "status": bool(snapshot.statuses),
            "zone": bool(snapshot.zone),
            "next_run": "next_run" in snapshot.holds,
            "last_run": "last_run" in snapshot.holds,
            "last_result": "last_result" in snapshot.holds,
        }
        return next((LACKING[need] for need in needs if not held[need]), "")

    @property
    def _cut(self) -> dict[str, pd.DataFrame]:
        """The tables that the page shows in part, as files with all rows."""
        tables = [self.problems, *vars(self).values()]
        return {Path(shown.file).stem: shown.frame for shown in tables if isinstance(shown, Table) and shown.is_cut}

    def _own_file(self, name: str) -> str:
        """The file of a table that other pages have too."""
        return f"{self.title.lower()}-{name}.csv"

    def _read_lines(self) -> list[str]:
        snapshot, folder = self.snapshot, self.folder
        read_at = (snapshot.defined_at or snapshot.taken_at).astimezone(snapshot.local_time.tzinfo)
        moment = f"{read_at:%Y-%m-%d %H:%M} ({snapshot.zone or 'UTC'})"
        unread = f"{count(snapshot.unread, 'file')} not readable"
        lines = [
            f"{count(len(snapshot.tasks), 'task definition')} read, {unread}.",
            f"They are of {moment}, read by taskanalysis {__version__}.",
        ]
        if self.lacks("definitions"):
            lines = [f"No definitions were collected{f', {unread}' if snapshot.unread else ''}."]
        folders = self._folders
        rest = [path for path in snapshot.tasks.keys() | snapshot.statuses.keys() if not in_scope(path, folders)]
        if rest:
            where = f"outside {folder}" if folder else "below \\Microsoft"
            lines.append(f"{count(len(rest), 'task')} {where}: counted, not listed on this page.")
        if not snapshot.statuses:
            lines.append("No status was collected.")
        else:
            partners = "no definitions with them"
            if "definitions" in snapshot.holds:
                partners = f"{len(self.unmatched.frame) or 'none'} without its partner"
            lines.append(f"{count(len(snapshot.statuses), 'status row')}, {partners}.")
        if snapshot.others:
            lines.append(f"{count(len(snapshot.others), 'other server')} in this share: not on this page.")
        if self.rules.problem:
            lines.append(self.rules.problem)
        return lines


@dataclass(frozen=True, eq=False, repr=False)
class JudgedPage(Page):
    """A page that rests on verdicts, by the rules of the office and the history of the server."""

    no_cause: ClassVar[str] = "There is none."

    @cached_property
    def assessment(self) -> Assessment:
        """A verdict for each task, and what could not be judged, read or seen."""
        return assess(self.snapshot, self.rules, self.folder, self.history)

    @property
    def judged(self) -> list[Judged]:
        """A verdict for each task."""
        return self.assessment.judged

    @property
    def causes(self) -> list[Incident]:
        """The causes that several tasks share."""
        return self.assessment.causes

    @cached_property
    def incidents(self) -> Table:
        """Causes that several tasks share."""
        rows = [
            asdict(cause) | {"tasks": list(cause.tasks), "since": local(self.snapshot, cause.since)}
            for cause in self.causes
        ]
        nothing = self.no_cause if self.assessment.is_known else ""
        return self._table(
            "incidents", rows, "Incidents", ("cause", "since", "tasks"), nothing, self._own_file("incidents")
        )

    @cached_property
    def check(self) -> Sentences:
        """What was read, what these data can't show, and rules without effect or without an end."""
        return Sentences([*self._read_lines(), *self._limits(), *self._rule_lines()], self.look)

    def _limits(self) -> list[str]:
        """What these data can't show, so that no output is not taken for good news."""
        snapshot = self.snapshot
        undefined = snapshot.statuses and not snapshot.tasks
        lines = ["One snapshot does not show earlier runs, nor since when a task fails."]
        if self.history:
            oldest = self.history.coverage["taken_at"].min().astimezone(snapshot.local_time.tzinfo)
            snapshots = count(len(self.history.coverage), "snapshot")
            lines = [f"Nothing is known of the time before {oldest:%Y-%m-%d %H:%M}: the history holds {snapshots}."]
        if not snapshot.zone:
            lines.append("The server's zone is not known (--zone gives it): missed starts show after 26 hours.")
        elif undefined:
            lines.append("There are no definitions, so missed starts can't be detected.")
        fields = {
            "state": "what a task is doing",
            "last_run": "when it last ran",
            "last_result": "how its last run ended",
        }
        lacking = [words for name, words in fields.items() if name not in snapshot.holds]
        if lacking:
            lines.append(f"These data do not show {listed(lacking)}.")
        if undefined and not snapshot.commands:
            lines.append("There are no definitions, so a code is read without knowing the program that returned it.")
        return lines

    def _rule_lines(self) -> list[str]:
        unused = self.rules.unused((self.snapshot.server, path) for path in self.snapshot.statuses)
        endless = [rule for rule in self.rules.rules if rule.ignore and rule.ignore_until is None]
        return [
            *(f"The rule for {rule.task} in {rule.name('task')} matches no task." for rule in unused),
            *(f"The rule for {rule.task} in {rule.name('ignore')} mutes without an end." for rule in endless),
        ]
