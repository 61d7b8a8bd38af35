r"""The tasks page: the story of each task, to which every name of a task on any page leads.

A story says how a task stands and what to do, how its last runs went, when it starts, what it runs and as whom, what
changed, and how to restore it. Its fragment is a hash of its path, so that a link to it lasts.

>>> page = TaskStories.read("data", task=r"\Backup\Offsite copy")
>>> page.answer.title, len(page.stories)
('The story of \\Backup\\Offsite copy', 1)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import unified_diff
from functools import cached_property
from html import escape
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from taskanalysis.definition import Duration, describe
from taskanalysis.errors import SnapshotError
from taskanalysis.health import NO_PAST, Case, Judged, find_findings
from taskanalysis.history import task_slices
from taskanalysis.report import starts
from taskanalysis.report.commands import Line, case_lines, restore_lines, rule_lines
from taskanalysis.report.display import MOST_ROWS, Answer, Html, badge, percent, shown
from taskanalysis.report.page import STORIES_A_PAGE, change_rows, local, story_id
from taskanalysis.report.strips import day_signs, key, run_strip, strips
from taskanalysis.report.window import Window, event_words
from taskanalysis.snapshot import ProgramFile, Snapshot, said_last, stored_script, text_of
from taskanalysis.text import clip, count, listed, mask, mask_lines, one_line, say, say_day

LAST_RUNS = 30
MOST_STARTS, MOST_CHANGES, MOST_LINES = 3, 10, 20
_POLICIES = {
    "IgnoreNew": "a further start is skipped",
    "Parallel": "a further start runs beside it",
    "Queue": "a further start waits for its end",
    "StopExisting": "a further start ends it",
}
_RIGHTS = {"HighestAvailable": "highest", "LeastPrivilege": "normal", "": "normal"}
_COLUMNS = ("started", "ending", "code", "seconds")


@dataclass(frozen=True, eq=False, repr=False)
class TaskStories(Window):
    """The stories of the tasks of a snapshot, or of one `task`."""

    days: int = 30
    task: str = ""

    title: ClassVar[str] = "Tasks"

    @classmethod
    def _beside(cls, snapshot: Snapshot, days: int | None = None, task: str = "") -> dict[str, Any]:
        return {**super()._beside(snapshot, days), "task": task}

    @classmethod
    def read(cls, *parts: Any, **more: Any) -> Self:
        """As `Page.read`; `task` is the path of the only task to tell of. SnapshotError where there is no such task."""
        page = super().read(*parts, **more)
        if page.task and page.task not in page.paths:
            raise SnapshotError(f"there is no task {page.task}: give its whole path, such as \\Folder\\Name")
        return page

    @cached_property
    def answer(self) -> Answer:
        """How many tasks there are, which the page leaves out, and what could not be judged, read or seen."""
        number, unseen = len(self.paths), self.assessment.unseen
        if self.task:
            return Answer(f"The story of {self.task}", unseen=unseen, look=self.look)
        cut = f"The first {MOST_ROWS:,}; inventory.csv and status.csv have all." if number > MOST_ROWS else ""
        return Answer(f"{count(number, 'task')} and their stories", cut, unseen, look=self.look)

    @cached_property
    def names(self) -> Html:
        """Where the story of each task is that stands on a further page, so that any name is found on the first."""
        further = {} if self.task else dict(list(self.look.places.items())[STORIES_A_PAGE:])
        links = "".join(f'<a href="{escape(to)}">{shown(path)}</a> ' for path, to in further.items())
        text = f"The {count(len(further), 'task')} on further pages"
        return Html(f"<details><summary>{text}</summary><p class=names>{links}</p></details>" if further else "")

    @cached_property
    def key(self) -> Html:
        """What the blocks of the strips mean."""
        return Html(key() if len(self.dates) else "")

    @cached_property
    def stories(self) -> list[Html]:
        """The stories in the order of the paths, a hundred at once."""
        paths = self._told
        pages = [paths[begin : begin + STORIES_A_PAGE] for begin in range(0, len(paths), STORIES_A_PAGE)]
        return [Html("<!--page-->" + "".join(map(self._story, part)), "\n".join(map(_named, part))) for part in pages]

    # A story ----------------------------------------------------------------------------------------------------------

    def _story(self, path: str) -> str:
        judged = self._by_path.get(path)
        look, name = self.look, _named(path)
        state = badge(judged.verdict.value) if judged else ""
        is_muted = judged is not None and judged.ignored
        days = "" if is_muted else self._strips.get(path, "")
        since = ""
        if judged and judged.since:
            since = f'<span class="soft">since {look.time(self._local(judged.since))}</span>'
        opened = " open" if self.task else ""
        parts = (
            ("How it stands", self._standing(path)),
            ("What it last wrote", self._wrote(path)),
            ("How it ran", self._runs(path)),
            ("When it starts", self._starts(path)),
            ("What it runs", self._action(path)),
            ("What changed", self._changes(path)),
            ("How to restore it", self._restore(path)),
        )
        body = "".join(f"<div><h3>{head}</h3>{html}</div>" for head, html in parts if html)
        folders, _, last = name.rpartition("\\")
        folders = f'<span class="soft">{shown(folders.removeprefix(chr(92)))}\\<wbr></span>' if folders else ""
        return (
            f'<section class="task"><details{opened}><summary><span>{folders}<b>{shown(last or name)}</b></span>'
            f"<span>{state}</span><span>{days}</span><span>{since}</span></summary>"
            f'<div class="story" id="{story_id(path)}">{body}</div></details></section>'
        )

    def _standing(self, path: str) -> str:
        judged = self._by_path.get(path)
        if not judged:
            return "<p>Not known: there is no status of it.</p>"
        look, past = self.look, judged.past
        result = judged.result
        rows = {
            "Result": f"{result.code} ({result.hex}), {result.certainty}" if result.code is not None else "not known",
            "Last run": self._time(judged.status.last_run),
            "Last good run": self._time(past.last_success),
            "Failed in a row": str(past.failures) if past.failures else "",
            "Next start": self._time(judged.status.next_run),
            "Owner": judged.due.rule.owner or "",
            "Note": judged.due.rule.note or "",
            "Muted": "by rules.toml" if judged.ignored else "",
        }
        new = f'<span class="new">{judged.novelty}</span> ' if judged.novelty else ""
        step = lines = ""
        if judged.needs_attention:
            step = f'<p class="next"><b>Next:</b> {look.sentence(mask(judged.advice))}</p>'
            lines = _folded(case_lines(Case([judged])))
        return f"<p>{new}{look.sentence(mask(judged.reason))}</p>{step}{lines}{_rows(rows)}"

    def _wrote(self, path: str) -> str:
        log = mask_lines(self.snapshot.logs.get(path, ""))
        if not log.strip():
            return ""
        title = f"The last {count(len(log.splitlines()), 'line')} of its log"
        first = shown(clip(one_line(said_last(log)), 1000))
        return (
            f"<p><samp>{first}</samp></p><details><summary>{title}</summary><pre class=log>{shown(log)}</pre></details>"
        )

    def _runs(self, path: str) -> str:
        runs, judged = self._last_runs.get(path), self._by_path.get(path)
        if not self.history:
            return "<p>Not known: this is no share of snapshots.</p>"
        if judged and judged.ignored:
            return "<p>Not shown: a rule of rules.toml mutes the task.</p>"
        if runs is None or not len(runs[0]):
            return f"<p>Not known: {self.unknown_runs}.</p>" if self.unknown_runs else "<p>No run is known.</p>"
        started, ending, codes, seconds = runs
        near = self.snapshot.local_time
        past = judged.past if judged else NO_PAST
        took = seconds[~np.isnan(seconds)]
        missed = self._missed.get(path, [])
        last = f", the last {self.look.time(self._local(missed[-1]))}" if missed else ""
        rates = [
            f"{percent(rate.success)} of {rate.runs:,} in {days} days"
            for rate, days in ((past.week, 7), (past.month, 30))
            if rate.success is not None
        ]
        rows = {
            "Good": listed(rates) or "too few runs for a rate",
            "Takes": f"{_seconds(float(np.median(took)))}, at most {_seconds(float(took.max()))}"
            if len(took)
            else "not known: only an event log shows it",
            "Events": self._events.get(path, ""),
        }
        extra = f"<div><dt>Missed starts<dd>{len(missed)} in {self.days} days{last}</div>" if missed else ""
        items = "".join(
            f"<tr><td>{say(moment, near)}<td>{end}<td>{'' if pd.isna(code) else int(code)}"
            for moment, end, code in zip(started[::-1], ending[::-1], codes[::-1], strict=True)
        )
        title = f"The last {count(len(ending), 'run')}"
        table = f"<details><summary>{title}</summary><table><tbody>{items}</tbody></table></details>"
        return f"{run_strip(list(ending))}{_rows(rows, extra)}{table}"

    def _starts(self, path: str) -> str:
        task = self.snapshot.tasks.get(path)
        if not task:
            return "<p>Not known: its definition was not collected.</p>"
        settings = task.settings
        soon = map(self._time, self._coming.get(path, []))
        limit = settings.execution_time_limit
        rows = {
            "Starts in 24 hours": "; ".join(soon) or ("none" if self.snapshot.zone else "not known without a zone"),
            "Time limit": "3 days (Windows' default)" if limit is None else "none" if limit.is_zero else limit.words(),
            "While it runs": _POLICIES.get(settings.multiple_instances_policy, settings.multiple_instances_policy),
            "Enabled": "" if settings.enabled else "no",
        }
        return f"<p>{shown(mask(describe(task, at=self.snapshot.local_time)))}</p>{_rows(rows)}"

    def _action(self, path: str) -> str:
        task = self.snapshot.tasks.get(path)
        if not task:
            text = self.snapshot.commands.get(path, "")
            return f"<p><code>{shown(mask(text))}</code></p>" if text else ""
        principal, info = task.principal, task.registration_info
        folders = dict.fromkeys(action.working_directory for action in task.programs if action.working_directory)
        findings = [f"{finding}" for finding in self._findings.get(path, [])]
        author = [part for part in (self._time(info.date) if info.date else "", info.author) if part]
        rows = {
            "Runs": "; ".join(action.line for action in task.programs) or "no program",
            "In": "; ".join(folders),
            "Files": "; ".join(map(self._file, (self.snapshot.programs or {}).get(path, []))),
            "As": principal.account or "not given",
            "Rights": _RIGHTS.get(principal.run_level, principal.run_level),
            "Registered": ", ".join(author),
            "Look at": "; ".join(findings),
            "sha256": self.snapshot.hashes.get(path, "")[:16],
        }
        about = f"<p>{shown(clip(mask(info.description), 1000))}</p>" if info.description.strip() else ""
        return about + _rows(rows)

    def _file(self, file: ProgramFile) -> str:
        """A file that an action starts, in words."""
        state = {None: "not known whether it is there", False: "not there"}.get(file.exists, "there")
        if file.modified:
            day = say_day(self._local(file.modified).date(), self.snapshot.local_time.date())
            state = f"{file.size:,} bytes, changed {day}"
        return f"{file.role} {file.file} ({state})"

    def _changes(self, path: str) -> str:
        if not self.history or len(self._past.coverage) < 2:
            return ""
        changes = self._changed.get(path, [])
        if not changes and path not in self.snapshot.tasks:
            return "<p>Not known: its definition was not collected.</p>"
        if not changes:
            return f"<p>Nothing since {say_day(self._oldest.date(), self.snapshot.local_time.date())}.</p>"
        items = "".join(
            f"<li>{self.look.time(row['at'])}: {row['kind']}. {self.look.sentence(mask(row['what']))}"
            f"{self._versions(row)}</li>"
            for row in changes[:MOST_CHANGES]
        )
        more = f"<p>And {len(changes) - MOST_CHANGES} more.</p>" if len(changes) > MOST_CHANGES else ""
        return f"<ul>{items}</ul>{more}"

    def _versions(self, row: Mapping[str, Any]) -> str:
        """What changed in a script, where the share keeps both versions."""
        if row["kind"] != "script":
            return ""
        old, new = (stored_script(self.snapshot.share, row[name]) for name in ("before", "after"))
        if old is None or new is None:
            return ""
        # masked before they are compared: of a private key, a few lines alone would not be known as one
        texts = [text_of(old), text_of(new)]
        before, after = (mask_lines(text).splitlines() for text in texts)
        if before == after and texts[0].splitlines() != texts[1].splitlines():
            return "<p>Only what is masked differs.</p>"
        lines = list(unified_diff(before, after, n=1, lineterm=""))[2:]
        if len(lines) > MOST_LINES:
            lines[MOST_LINES:] = [f"… {count(len(lines) - MOST_LINES, 'more line')}"]
        return f"<pre class=log>{shown(chr(10).join(lines))}</pre>" if lines else ""

    def _restore(self, path: str) -> str:
        task = self.snapshot.tasks.get(path)
        if not task:
            return "<p>It can't be restored: its definition is not stored.</p>"
        account = task.principal.account
        password = f"Needs the password of {account}." if task.principal.needs_password else "No password is needed."
        lines = restore_lines(self.snapshot, path) + rule_lines(path, 'owner = ""', 'note = ""')
        return f"<p>{shown(mask(password))}</p>{_folded(lines)}"

    # What stories need ------------------------------------------------------------------------------------------------

    @cached_property
    def _by_path(self) -> Mapping[str, Judged]:
        return {judged.path: judged for judged in self.judged}

    @cached_property
    def _strips(self) -> dict[str, str]:
        return strips(day_signs(self, self._told))

    @property
    def _told(self) -> list[str]:
        """The tasks whose stories are told."""
        return [self.task] if self.task else self.paths[:MOST_ROWS]

    @cached_property
    def _last_runs(self) -> dict[str, tuple[Any, ...]]:
        """The last finished or running runs of each task, the oldest first: times, endings, codes, seconds."""
        runs = self.all_runs[self.all_runs["task_path"].isin(self._told)]
        runs = runs.sort_values(["task_path", "started"], kind="stable")
        local_times = runs["started"].dt.tz_convert(self.zone)
        columns = (local_times, runs["ending"].astype(str), runs["code"], runs["seconds"].astype(float))
        return {
            str(path): tuple(column.iloc[rows][-LAST_RUNS:].to_numpy() for column in columns)
            for path, rows in task_slices(runs).items()
        }

    @cached_property
    def _missed(self) -> dict[str, list[datetime]]:
        return {
            str(path): sorted(rows["expected"].dt.to_pydatetime())
            for path, rows in self.missed_starts.groupby("task_path", observed=True)
        }

    @cached_property
    def _events(self) -> dict[str, str]:
        """What is known to have kept each task from running, or to have ended its runs, in words."""
        said = {}
        for path, rows in self.events.groupby("task_path", observed=True):
            first, last = (self._time(moment.to_pydatetime()) for moment in (rows["at"].min(), rows["at"].max()))
            times = [first] if first == last else [f"the first {first}", f"the last {last}"]
            if words := listed(event_words(rows)):
                said[str(path)] = ", ".join([words, *times])
        return said

    @cached_property
    def _coming(self) -> dict[str, list[datetime | str]]:
        return starts.next_runs(self.snapshot, starts.expected_starts(self.snapshot, self.folder), MOST_STARTS)

    @cached_property
    def _findings(self) -> Mapping[str, Sequence[Any]]:
        found = find_findings(self.snapshot.within(self.folder), at=self.snapshot.local_time, snapshot=self.snapshot)
        rules = {path: self.rules.of(self.snapshot.server, path) for path in found}
        return {path: [each for each in kinds if not rules[path].accepts(each.kind)] for path, kinds in found.items()}

    @cached_property
    def _changed(self) -> dict[str, list[dict[str, Any]]]:
        changes = self._past.changes
        rows = change_rows(self.snapshot, changes[changes["kind"] != "outcome"].iloc[::-1], self.folder)
        by_path: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            by_path.setdefault(str(row["task_path"]), []).append(row)
        return by_path

    @property
    def _oldest(self) -> datetime:
        """When the history begins, local."""
        return self._local(pd.Timestamp(self._past.coverage["taken_at"].min()).to_pydatetime())

    def _local(self, moment: datetime) -> datetime:
        found = local(self.snapshot, moment)
        return found if isinstance(found, datetime) else moment

    def _time(self, moment: Any) -> str:
        """A time for the value of a row, in words; "never" and "" as they are."""
        if not isinstance(moment, datetime):
            return str(moment or "")
        return say(self._local(moment), self.snapshot.local_time)


def _named(path: str) -> str:
    return mask(path)


def _rows(rows: Mapping[str, str], more: str = "") -> str:
    """Names and values, those without a value left out."""
    items = "".join(f"<div><dt>{name}<dd>{shown(mask(text))}</div>" for name, text in rows.items() if text)
    return f'<dl class="kv">{items}{more}</dl>'


def _folded(lines: Sequence[Line]) -> str:
    return "".join(line.html() for line in lines)


def _seconds(seconds: float) -> str:
    return Duration(delta=timedelta(seconds=round(seconds))).words() if seconds >= 1 else "under 1 second"
