r"""``taskanalysis check``: what needs attention, as text, JSON, Nagios plug-in output or Prometheus metrics.

Authority: the Nagios plug-in codes; Prometheus' text format 0.0.4. All text is masked, because all of it is shown.

>>> from datetime import UTC, datetime
>>> from taskanalysis.snapshot import Snapshot
>>> moment = datetime(2026, 11, 23, tzinfo=UTC)
>>> Check(Snapshot("S", moment), [], stale_after=moment, now=moment).text()
'S, 2026-11-23 00:00 (UTC): none of 0 tasks needs attention; no status was collected.\n'
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from taskanalysis.cli.main import ATTENTION, BAD_INPUT, NAGIOS_UNKNOWN, NOT_FINISHED, data_path, fail
from taskanalysis.errors import TaskAnalysisError
from taskanalysis.health import Judged, Verdict, judge, known_history, read_rules
from taskanalysis.snapshot import Snapshot, instant, read_snapshot, stale_after, write_whole
from taskanalysis.text import mask, one_line

FORMATS = ("text", "json", "nagios", "prometheus")
BLIND = 3
NAGIOS_CRITICAL = 2
NAGIOS_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")


def run(
    data: str | None,
    *,
    server: str,
    folder: str,
    at: str,
    zone: str,
    dates: str | None,
    form: str,
    output: Path | None,
) -> int:
    """Print the tasks that need attention in one of `FORMATS`, or write them to `output`; the exit code."""
    now = datetime.now(UTC)
    try:
        if output and not output.name:
            raise TaskAnalysisError("--output needs the name of a file")
        snapshot = read_snapshot(data_path(data), server=server, at=at, zone=zone, dates=dates or "")
        snapshot.check_folder(folder)
        judged = judge(snapshot, read_rules(snapshot.share / "rules.toml"), folder, known_history(snapshot))
        moment = min(instant(at, snapshot.zone), now) if at else now
    except TaskAnalysisError as error:
        fail(str(error), NAGIOS_UNKNOWN if form == "nagios" else BAD_INPUT)
    check = Check(snapshot, judged, stale_after(snapshot), moment)
    content = check.render(form).encode("utf-8")
    if output:
        try:
            write_whole(output, content)
        except OSError as error:
            fail(f"{output} can't be written ({error.strerror})", NOT_FINISHED)
    elif form == "text":
        click.echo(content.decode("utf-8"), nl=False)
    else:
        sys.stdout.buffer.write(content)  # programs read it, whatever the console's code page
    return check.exit_code(form)


@dataclass(frozen=True)
class Check:
    """The verdicts on the tasks of a snapshot, muted ones too, and whether it is stale at `now` (aware)."""

    snapshot: Snapshot
    judged: Sequence[Judged]
    stale_after: datetime
    now: datetime

    @property
    def stale(self) -> bool:
        """Whether a newer snapshot should exist by now."""
        return self.now > self.stale_after

    @property
    def blind(self) -> str:
        """Why no output does not mean that all is well; "" where it does."""
        if not self.judged:
            return "no status was collected"
        files = [problem.file for problem in self.snapshot.problems]
        if damaged := [file for file in files if file.endswith(("status.csv", "snapshot.json"))]:
            return f"{damaged[0]} is damaged"
        return f"stale since {self._local(self.stale_after)}" if self.stale else ""

    @property
    def shown(self) -> list[Judged]:
        """The tasks that are not muted."""
        return [task for task in self.judged if not task.ignored]

    @property
    def loud(self) -> list[Judged]:
        """The tasks that need attention."""
        return [task for task in self.judged if task.needs_attention]

    def exit_code(self, form: str) -> int:
        """0 where all is well, 1 for attention, 3 for stale or nothing known; or the Nagios plug-in code."""
        if self.blind:
            return BLIND
        if form == "nagios" and any(task.verdict is Verdict.FAILING for task in self.loud):
            return NAGIOS_CRITICAL
        return ATTENTION if self.loud else 0  # to Nagios, 1 is a warning

    def render(self, form: str) -> str:
        """The whole output in one of `FORMATS`, lines ended by LF."""
        return {"text": self.text, "json": self.json, "nagios": self.nagios, "prometheus": self.prometheus}[form]()

    def text(self) -> str:
        """A line on the snapshot, then a line for each task that needs attention."""
        number, need = len(self.loud), "need" if len(self.loud) > 1 else "needs"
        lines = [f"{self._where()}: {number or 'none'} of {len(self.shown)} tasks {need} attention{self._besides()}."]
        lines += [f"{task.verdict.value} {task.path}: {task.reason}" for task in self.loud]
        lines += [f"PROBLEM {problem.file}: {problem.what}" for problem in self.snapshot.problems]
        return "".join(one_line(line) + "\n" for line in lines)

    def _besides(self) -> str:
        """Muted tasks, and why no output does not mean that all is well."""
        muted = len(self.judged) - len(self.shown)
        parts = [f"{muted} muted" if muted else "", self.blind]
        return "".join(f"; {part}" for part in parts if part)

    def json(self) -> str:
        """One object: the snapshot, and the tasks that need attention."""
        tasks = [
            {
                "task_path": mask(task.path),
                "verdict": task.verdict.value,
                "reason": mask(task.reason),
                "code": task.result.code,
                "advice": mask(task.result.advice),
            }
            for task in self.loud
        ]
        content = {
            "server": mask(self.snapshot.server),
            "taken_at": self.snapshot.local_time.isoformat(timespec="seconds"),
            "stale": self.stale,
            "blind": mask(self.blind),
            "tasks": len(self.shown),
            "muted": len(self.judged) - len(self.shown),
            "attention": tasks,
            "problems": [{"file": mask(file), "what": mask(what)} for file, what in self.snapshot.problems],
        }
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"

    def nagios(self) -> str:
        """One line with state and figures, then a line for each task; ``|`` would start performance data."""
        figures = f"attention={len(self.loud)};;;0;{len(self.shown)}"
        word = NAGIOS_WORDS[self.exit_code("nagios")]
        head = f"TASKS {word} - {self._where()}: {len(self.loud)} need attention{self._besides()}"
        if self.snapshot.problems:
            head += f"; {len(self.snapshot.problems)} problems in what was read"
        lines = [f"{head.replace('|', '/')} | {figures}"]
        lines += [f"{task.verdict.value} {task.path}: {task.reason}".replace("|", "/") for task in self.loud]
        return "".join(one_line(line) + "\n" for line in lines)

    def prometheus(self) -> str:
        """Gauges for each task, and the time of the snapshot."""
        return "\n".join(self._gauges()) + "\n"

    def _gauges(self) -> Iterator[str]:
        server = f'server="{_label(self.snapshot.server)}"'
        tasks = [(f'{server},path="{name}"', task) for name, task in zip(_names(self.shown), self.shown, strict=True)]
        starts = [(label, task.status.last_run) for label, task in tasks]
        runs = [(label, at.timestamp()) for label, at in starts if isinstance(at, datetime) and at.tzinfo]
        results = [(label, task.result.code) for label, task in tasks if task.result.code is not None]
        attention = [(label, task.needs_attention) for label, task in tasks]
        verdicts = [
            (f'{label},verdict="{each.value}"', task.verdict is each) for label, task in tasks for each in Verdict
        ]
        taken_at = [(server, self.snapshot.taken_at.timestamp())]
        yield from _gauge("taskscheduler_task_last_run_timestamp_seconds", "Start of the last run.", runs)
        yield from _gauge("taskscheduler_task_last_result", "Last result, unsigned.", results)
        yield from _gauge("taskscheduler_task_needs_attention", "1 if the task needs attention.", attention)
        yield from _gauge("taskscheduler_task_verdict", "1 for the current verdict.", verdicts)
        yield from _gauge("taskscheduler_snapshot_timestamp_seconds", "Time of the snapshot.", taken_at)

    def _where(self) -> str:
        return f"{self.snapshot.server or 'unnamed server'}, {self._local(self.snapshot.taken_at)}"

    def _local(self, moment: datetime) -> str:
        zone = self.snapshot.local_time.tzinfo
        return f"{moment.astimezone(zone):%Y-%m-%d %H:%M} ({self.snapshot.zone or 'UTC'})"


def _names(judged: Sequence[Judged]) -> list[str]:
    """Task paths as labels; equal ones, from masking, are numbered, since task series must be unique."""
    seen: Counter[str] = Counter()
    names = []
    for task in judged:
        name = _label(task.path)
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


def _label(text: str) -> str:
    return one_line(text).replace("\\", "\\\\").replace('"', '\\"')


def _gauge(name: str, meaning: str, samples: Sequence[tuple[str, float]]) -> Iterator[str]:
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} gauge"
    yield from (f"{name}{{{labels}}} {int(value)}" for labels, value in samples)
