r"""What needs attention, for people at a prompt and for monitors: text, JSON, Nagios plug-ins, Prometheus.

Authority: the Nagios plug-in codes; Prometheus' text format 0.0.4. All text is masked, because all of it is shown.

>>> from datetime import UTC, datetime
>>> from taskanalysis.snapshot import Snapshot
>>> moment = datetime(2026, 11, 23, tzinfo=UTC)
>>> Check(Snapshot("S", moment), [], stale_after=moment, now=moment).text()
'S, 2026-11-23 00:00 (UTC): none of 0 tasks needs attention.\n'
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from taskanalysis.health import Judged, Verdict
from taskanalysis.masking import mask
from taskanalysis.snapshot import Snapshot

__all__ = ["FORMATS", "Check"]

FORMATS = ("text", "json", "nagios", "prometheus")
ATTENTION, STALE = 1, 3
NAGIOS_WARNING, NAGIOS_CRITICAL = 1, 2
NAGIOS_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")


@dataclass(frozen=True)
class Check:
    """The tasks of a snapshot that are judged, and whether it is too old at `now` (aware)."""

    snapshot: Snapshot
    judged: Sequence[Judged]
    stale_after: datetime
    now: datetime

    @property
    def stale(self) -> bool:
        """Whether a newer snapshot should be there by now."""
        return self.now > self.stale_after

    @property
    def loud(self) -> list[Judged]:
        """The tasks that need attention."""
        return [each for each in self.judged if each.needs_attention]

    def exit_code(self, form: str) -> int:
        """0 where all is well; else 1 for attention and 3 for stale, or the plug-in codes of Nagios."""
        if self.stale:
            return STALE
        if form == "nagios":
            return self._nagios_code()
        return ATTENTION if self.loud else 0

    def render(self, form: str) -> str:
        """The whole output in one of `FORMATS`, lines ended by LF."""
        return {"text": self.text, "json": self.json, "nagios": self.nagios, "prometheus": self.prometheus}[form]()

    def text(self) -> str:
        """A line on the snapshot, then a line for each task that needs attention."""
        of = f"{len(self.judged)} tasks"
        needs = f"{len(self.loud) or 'none'} of {of} need{'' if len(self.loud) > 1 else 's'} attention"
        old = f" It is stale since {self._local(self.stale_after)}." if self.stale else ""
        lines = [f"{self._where()}: {needs}.{old}"]
        lines += [f"{each.verdict.value:<12}  {each.path}: {each.reason}" for each in self.loud]
        return "".join(_line(line) + "\n" for line in lines)

    def json(self) -> str:
        """One object: the snapshot, and the tasks that need attention."""
        tasks = [
            {
                "task_path": mask(each.path),
                "verdict": each.verdict.value,
                "reason": mask(each.reason),
                "code": each.result.code,
                "advice": each.result.advice,
            }
            for each in self.loud
        ]
        said = {
            "server": mask(self.snapshot.server),
            "taken_at": self.snapshot.local_time.isoformat(timespec="seconds"),
            "stale": self.stale,
            "tasks": len(self.judged),
            "attention": tasks,
        }
        return json.dumps(said, indent=1, ensure_ascii=False) + "\n"

    def nagios(self) -> str:
        """One line with the worst first, then a line a task; ``|`` would begin performance data."""
        code = STALE if self.stale else self._nagios_code()
        state = f"stale since {self._local(self.stale_after)}" if self.stale else f"{len(self.loud)} need attention"
        figures = f"attention={len(self.loud)};;;0;{len(self.judged)}"
        lines = [f"TASKS {NAGIOS_WORDS[code]} - {self._where()}: {state}".replace("|", "/") + f" | {figures}"]
        lines += [f"{each.verdict.value} {each.path}: {each.reason}".replace("|", "/") for each in self.loud]
        return "".join(_line(line) + "\n" for line in lines)

    def prometheus(self) -> str:
        """Gauges a task, and the time of the snapshot."""
        return "\n".join(self._gauges()) + "\n"

    def _gauges(self) -> Iterator[str]:
        server = f'server="{_label(self.snapshot.server)}"'
        labels = {each.path: f'{server},path="{_label(each.path)}"' for each in self.judged}
        started = [(each, each.status.last_run) for each in self.judged]
        yield from _gauge(
            "taskscheduler_task_last_run_timestamp_seconds",
            "Start of the last run.",
            [(labels[each.path], at.timestamp()) for each, at in started if isinstance(at, datetime) and at.tzinfo],
        )
        yield from _gauge(
            "taskscheduler_task_last_result",
            "Last result, unsigned.",
            [(labels[each.path], each.result.code) for each in self.judged if each.result.code is not None],
        )
        yield from _gauge(
            "taskscheduler_task_needs_attention",
            "1 where someone should look.",
            [(labels[each.path], int(each.needs_attention)) for each in self.judged],
        )
        yield from _gauge(
            "taskscheduler_task_verdict",
            "1 for the verdict that holds.",
            [
                (f'{labels[each.path]},verdict="{verdict.value}"', int(each.verdict is verdict))
                for each in self.judged
                for verdict in Verdict
            ],
        )
        taken_at = self.snapshot.taken_at.timestamp()
        yield from _gauge("taskscheduler_snapshot_timestamp_seconds", "Time of the snapshot.", [(server, taken_at)])

    def _nagios_code(self) -> int:
        verdicts = {each.verdict for each in self.loud}
        if Verdict.FAILING in verdicts:
            return NAGIOS_CRITICAL
        return NAGIOS_WARNING if verdicts & {Verdict.OVERDUE, Verdict.RUNNING_LONG} else 0

    def _where(self) -> str:
        return f"{self.snapshot.server or 'server not named'}, {self._local(self.snapshot.taken_at)}"

    def _local(self, moment: datetime) -> str:
        zone = self.snapshot.local_time.tzinfo
        return f"{moment.astimezone(zone):%Y-%m-%d %H:%M} ({self.snapshot.zone or 'UTC'})"


def _line(text: str) -> str:
    """One line, masked, without control characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in mask(text)).split())


def _label(text: str) -> str:
    shown = "".join(letter if letter.isprintable() else " " for letter in mask(text))
    return shown.replace("\\", "\\\\").replace('"', '\\"')


def _gauge(name: str, meaning: str, samples: Sequence[tuple[str, float]]) -> Iterator[str]:
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} gauge"
    yield from (f"{name}{{{labels}}} {int(value)}" for labels, value in samples)
