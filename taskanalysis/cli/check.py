r"""``taskanalysis check``: what needs attention, as text, JSON, Nagios plug-in output or Prometheus metrics.

Authority: the Nagios plug-in codes; Prometheus' text format 0.0.4. All text is masked, because all of it is shown.

>>> from datetime import UTC, datetime
>>> from taskanalysis.health import assess
>>> from taskanalysis.snapshot import Snapshot
>>> print(Check([assess(Snapshot("S", datetime(2026, 11, 23, tzinfo=UTC)))]).text(), end="")
S, 2026-11-23 00:00 (UTC): No status was collected.
It is not known how the tasks run: no status was collected.
No: no definitions were collected.
"""

from __future__ import annotations

import gc
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from taskanalysis.cli.main import data_path, deliver, fail
from taskanalysis.cli.usage import BAD_INPUT, NAGIOS_UNKNOWN
from taskanalysis.errors import Problem, TaskAnalysisError
from taskanalysis.health import BLIND, Assessment, Judged, Verdict, assess, known_history, rules_of
from taskanalysis.snapshot import find_servers, read_snapshot
from taskanalysis.text import count, mask, one_line

FORMATS = ("text", "json", "nagios", "prometheus")
NAGIOS_CRITICAL = 2
NAGIOS_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Look for no cycles of garbage: among 100,000 tasks there is none, and looking takes a seventh of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@_without_garbage_collection()
def run(
    data: str | None,
    *,
    server: str,
    every: bool,
    form: str,
    output: Path | None,
    **options: Any,
) -> int:
    """Print what needs attention in one of `FORMATS`, or write it to `output`; the exit code.

    `every` judges all servers of the share; the other options are those of `_assess`.
    """
    now = datetime.now(UTC)
    try:
        if every and server:
            raise click.UsageError("--server and --all-servers exclude each other: omit one of them")
        path = data_path(data)
        check = _all(path, now, **options) if every else _one(path, server, now, **options)
    except TaskAnalysisError as error:
        fail(str(error), NAGIOS_UNKNOWN if form == "nagios" else BAD_INPUT)
    deliver(check.render(form), output, is_for_programs=form != "text")
    return check.exit_code(form)


def _one(path: Path, server: str, now: datetime, **options: Any) -> Check:
    return Check([_assess(path, server, now, **options)])


def _all(path: Path, now: datetime, **options: Any) -> Check:
    names = find_servers(path, zone=options["zone"], dates=options["dates"] or "")
    if not names:
        raise TaskAnalysisError(f"--all-servers needs a share, or a file of several servers: {path} is neither")
    check = Check([], all_servers=True)
    for name in names:
        try:
            check.assessments.append(_assess(path, name, now, **options, others=()))
        except TaskAnalysisError as error:
            check.failed.append(Problem(name, str(error)))
    return check


def _assess(
    path: Path,
    server: str,
    now: datetime,
    *,
    folder: str,
    at: str,
    zone: str,
    dates: str | None,
    others: Sequence[str] | None = None,
) -> Assessment:
    snapshot = read_snapshot(path, server=server, at=at, zone=zone, dates=dates or "", now=now, others=others)
    snapshot.check_folder(folder)
    moment = snapshot.judged_at(at, now)
    return assess(snapshot, rules_of(snapshot.share), folder, known_history(snapshot), moment)


@dataclass(frozen=True)
class Check:
    """The assessments of one server, or of all of a share.

    `failed` are the servers that can't be read, with the reason.
    """

    assessments: list[Assessment]
    failed: list[Problem] = field(default_factory=list)
    all_servers: bool = False

    def exit_code(self, form: str) -> int:
        """The worst code of all servers: 0, 1 for attention, 3 for something unseen; or the Nagios plug-in code."""
        codes = [self._code(assessment, form) for assessment in self.assessments]
        return max([*codes, *(BLIND for _ in self.failed)])

    def _code(self, assessment: Assessment, form: str) -> int:
        critical = any(task.verdict is Verdict.FAILING for task in assessment.loud)
        if form == "nagios" and critical and not assessment.unseen:
            return NAGIOS_CRITICAL
        return assessment.code  # to Nagios, 1 is a warning

    def render(self, form: str) -> str:
        """The whole output in one of `FORMATS`, lines ended by LF."""
        return {"text": self.text, "json": self.json, "nagios": self.nagios, "prometheus": self.prometheus}[form]()

    def text(self) -> str:
        """For each server a line on the snapshot, a line for each task that needs attention, and what is not known."""
        lines = [line for assessment in self.assessments for line in assessment.lines()]
        lines += [f"{server}: can't be read ({what})" for server, what in self.failed]
        return "".join(one_line(line) + "\n" for line in lines)

    def json(self) -> str:
        """One object: the snapshot, and the tasks that need attention; of all servers, a list of such objects."""
        objects = [self._object(assessment) for assessment in self.assessments]
        if self.all_servers:
            failed = [{"server": mask(server), "what": mask(what)} for server, what in self.failed]
            content: dict[str, Any] = {"servers": objects, "failed": failed}
        else:
            content = objects[0] | {"not_judged_servers": [mask(name) for name in self.assessments[0].snapshot.others]}
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"

    def _object(self, assessment: Assessment) -> dict[str, Any]:
        snapshot = assessment.snapshot
        tasks = [
            {
                "task_path": mask(task.path),
                "verdict": task.verdict.value,
                "reason": mask(task.reason),
                "code": task.result.code,
                "novelty": task.novelty,
                "since": task.since.isoformat(timespec="seconds") if task.since else None,
                "advice": mask(task.advice),
                "owner": mask(task.due.rule.owner or ""),
                "note": mask(task.due.rule.note or ""),
            }
            for task in assessment.loud
        ]
        return {
            "server": mask(snapshot.server),
            "taken_at": snapshot.local_time.isoformat(timespec="seconds"),
            "exit_code": assessment.code,
            "stale": assessment.now is not None and assessment.now > assessment.stale_after,
            "blind": mask(" ".join(assessment.unseen)),
            "tasks": len(assessment.shown) if snapshot.statuses or assessment.shown else None,
            "muted": len(assessment.judged) - len(assessment.shown),
            "not_judged": {mask(why): [mask(path) for path in paths] for why, paths in assessment.not_judged.items()},
            "attention": tasks,
            "problems": [{"file": mask(file), "what": mask(what)} for file, what in assessment.problems],
        }

    def nagios(self) -> str:
        """One line with state and figures, then a line for each task; ``|`` would start performance data."""
        loud = sum(len(found.loud) for found in self.assessments)
        shown = sum(len(found.shown) for found in self.assessments)
        known = sum(found.known for found in self.assessments if found.is_known)
        figures = f"attention={loud if known else 'U'};;;0;{shown or ''}"
        unseen = [f"{found.where}: {sentence}" for found in self.assessments for sentence in found.unseen]
        unseen += [f"{server} can't be read ({what})" for server, what in self.failed]
        servers = count(len(self.assessments) + len(self.failed), "server")
        many = f"{servers}: {loud} of {count(known, 'task')} need attention."
        many = many if known else f"{servers}: no task could be judged."
        first = many if self.all_servers else f"{self.assessments[0].where}: {self.assessments[0].headline}"
        head = " ".join([f"TASKS {NAGIOS_WORDS[self.exit_code('nagios')]} - {first}", *unseen[:1]])
        lines = [f"{head.replace('|', '/')} | {figures}"]
        rows = [
            f"{found.snapshot.server}: {line}" if self.all_servers else line
            for found in self.assessments
            for line in found.task_lines
        ]
        others = [line for found in self.assessments for line in found.others]
        lines += [line.replace("|", "/") for line in [*rows, *unseen[1:], *others]]
        return "".join(one_line(line) + "\n" for line in lines)

    def prometheus(self) -> str:
        """Gauges for each task, and for each server the time of its snapshot and what is not seen."""
        gauges = (
            ("task_last_run_timestamp_seconds", "Start of the last run.", _last_runs),
            ("task_last_result", "Last result, unsigned.", _results),
            ("task_needs_attention", "1 if the task needs attention.", _attention),
            ("task_verdict", "1 for the current verdict.", _verdicts),
            ("snapshot_timestamp_seconds", "Time of the snapshot.", _taken_at),
            ("tasks_not_judged", "Tasks that could not be judged.", _not_judged),
            ("other_servers", "Other servers of the share that were not judged.", _others),
        )
        names = _distinct([*(found.snapshot.server for found in self.assessments), *(name for name, _ in self.failed)])
        servers = [f'server="{name}"' for name in names]
        judged = list(zip(servers, self.assessments, strict=False))
        lines = [
            line
            for name, meaning, samples in gauges
            for line in _gauge(name, meaning, [sample for server, found in judged for sample in samples(server, found)])
        ]
        blind = [(server, bool(found.unseen)) for server, found in judged]
        blind += [(server, True) for server in servers[len(judged) :]]
        return "\n".join([*lines, *_gauge("blind", "1 if something could not be judged, read or seen.", blind)]) + "\n"


_Samples = list[tuple[str, float]]


def _by_task(server: str, found: Assessment, value: Callable[[Judged], float | None]) -> _Samples:
    names = _names(server, found)
    samples = [(name, value(task)) for name, task in zip(names, found.shown, strict=True)]
    return [(name, number) for name, number in samples if number is not None]


def _last_runs(server: str, found: Assessment) -> _Samples:
    def start(task: Judged) -> float | None:
        at = task.status.last_run
        return at.timestamp() if isinstance(at, datetime) and at.tzinfo else None

    return _by_task(server, found, start)


def _results(server: str, found: Assessment) -> _Samples:
    return _by_task(server, found, lambda task: task.result.code)


def _attention(server: str, found: Assessment) -> _Samples:
    return _by_task(server, found, lambda task: None if task.not_judged else task.needs_attention)


def _verdicts(server: str, found: Assessment) -> _Samples:
    return [
        (f'{name},verdict="{verdict.value}"', task.verdict is verdict)
        for name, task in zip(_names(server, found), found.shown, strict=True)
        for verdict in Verdict
    ]


def _taken_at(server: str, found: Assessment) -> _Samples:
    return [(server, found.snapshot.taken_at.timestamp())]


def _not_judged(server: str, found: Assessment) -> _Samples:
    return [(server, sum(map(len, found.not_judged.values())))]


def _others(server: str, found: Assessment) -> _Samples:
    return [(server, len(found.snapshot.others))]


def _names(server: str, found: Assessment) -> list[str]:
    return [f'{server},path="{name}"' for name in _distinct([task.path for task in found.shown])]


def _distinct(texts: Sequence[str]) -> list[str]:
    """Texts as values of a label; those that masking made equal are numbered, since series must be unique."""
    values = list(map(_label, texts))
    taken, seen = set(values), Counter[str]()
    for place, value in enumerate(values):
        seen[value] += 1
        if seen[value] > 1:
            while (numbered := f"{value} ({seen[value]})") in taken:
                seen[value] += 1
            taken.add(numbered)
            values[place] = numbered
    return values


def _label(text: str) -> str:
    return one_line(text).replace("\\", "\\\\").replace('"', '\\"')


def _gauge(name: str, meaning: str, samples: Sequence[tuple[str, float]]) -> Iterator[str]:
    yield f"# HELP taskscheduler_{name} {meaning}"
    yield f"# TYPE taskscheduler_{name} gauge"
    yield from (f"taskscheduler_{name}{{{labels}}} {int(value)}" for labels, value in samples)
