r"""What needs attention, for people at a prompt and for monitors: text, JSON, Nagios plug-ins, Prometheus.

Authority: the Nagios plug-in codes; Prometheus' text format 0.0.4. All text is masked, because all of it is shown.

>>> from datetime import UTC, datetime
>>> from taskanalysis.snapshot import Snapshot
>>> moment = datetime(2026, 11, 23, tzinfo=UTC)
>>> Check(Snapshot("S", moment), [], stale_after=moment, now=moment).text()
'S, 2026-11-23 00:00 (UTC): none of 0 tasks needs attention; no status was collected.\n'
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from taskanalysis.health import Judged, Verdict
from taskanalysis.snapshot import Snapshot
from taskanalysis.text import mask, one_line

__all__ = ["FORMATS", "Check"]

FORMATS = ("text", "json", "nagios", "prometheus")
ATTENTION, BLIND = 1, 3
NAGIOS_WARNING, NAGIOS_CRITICAL = 1, 2
NAGIOS_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")


@dataclass(frozen=True)
class Check:
    """The tasks of a snapshot that are judged, muted ones too, and whether it is too old at `now` (aware)."""

    snapshot: Snapshot
    judged: Sequence[Judged]
    stale_after: datetime
    now: datetime

    @property
    def stale(self) -> bool:
        """Whether a newer snapshot should be there by now."""
        return self.now > self.stale_after

    @property
    def blind(self) -> str:
        """Why nothing should be concluded from silence, "" where something may."""
        if not self.judged:
            return "no status was collected"
        damaged = [each.file for each in self.snapshot.problems if each.file.endswith(("status.csv", "snapshot.json"))]
        if damaged:
            return f"{damaged[0]} is damaged"
        return f"stale since {self._local(self.stale_after)}" if self.stale else ""

    @property
    def shown(self) -> list[Judged]:
        """The tasks that are not muted."""
        return [each for each in self.judged if not each.ignored]

    @property
    def loud(self) -> list[Judged]:
        """The tasks that need attention."""
        return [each for each in self.judged if each.needs_attention]

    def exit_code(self, form: str) -> int:
        """0 where all is well, 1 for attention, 3 for stale or nothing known; or the plug-in codes of Nagios."""
        if self.blind:
            return BLIND
        if form == "nagios":
            return self._nagios_code()
        return ATTENTION if self.loud else 0

    def render(self, form: str) -> str:
        """The whole output in one of `FORMATS`, lines ended by LF."""
        return {"text": self.text, "json": self.json, "nagios": self.nagios, "prometheus": self.prometheus}[form]()

    def text(self) -> str:
        """A line on the snapshot, then a line for each task that needs attention."""
        needs = (
            f"{len(self.loud) or 'none'} of {len(self.shown)} tasks need{'' if len(self.loud) > 1 else 's'} attention"
        )
        lines = [f"{self._where()}: {needs}{self._besides()}."]
        lines += [f"{each.verdict.value} {each.path}: {each.reason}" for each in self.loud]
        lines += [f"PROBLEM {each.file}: {each.what}" for each in self.snapshot.problems]
        return "".join(one_line(line) + "\n" for line in lines)

    def _besides(self) -> str:
        """What a reader must know besides the tasks: muted ones, and why silence may be no good news."""
        muted = len(self.judged) - len(self.shown)
        parts = [f"{muted} muted" if muted else "", self.blind]
        return "".join(f"; {part}" for part in parts if part)

    def json(self) -> str:
        """One object: the snapshot, and the tasks that need attention."""
        tasks = [
            {
                "task_path": mask(each.path),
                "verdict": each.verdict.value,
                "reason": mask(each.reason),
                "code": each.result.code,
                "advice": mask(each.result.advice),
            }
            for each in self.loud
        ]
        said = {
            "server": mask(self.snapshot.server),
            "taken_at": self.snapshot.local_time.isoformat(timespec="seconds"),
            "stale": self.stale,
            "blind": mask(self.blind),
            "tasks": len(self.shown),
            "muted": len(self.judged) - len(self.shown),
            "attention": tasks,
            "problems": [{"file": mask(each.file), "what": mask(each.what)} for each in self.snapshot.problems],
        }
        return json.dumps(said, indent=1, ensure_ascii=False) + "\n"

    def nagios(self) -> str:
        """One line with the worst first, then a line a task; ``|`` would begin performance data."""
        code = BLIND if self.blind else self._nagios_code()
        figures = f"attention={len(self.loud)};;;0;{len(self.shown)}"
        head = f"TASKS {NAGIOS_WORDS[code]} - {self._where()}: {len(self.loud)} need attention{self._besides()}"
        if self.snapshot.problems:
            head += f"; {len(self.snapshot.problems)} problems in what was read"
        lines = [f"{head.replace('|', '/')} | {figures}"]
        lines += [f"{each.verdict.value} {each.path}: {each.reason}".replace("|", "/") for each in self.loud]
        return "".join(one_line(line) + "\n" for line in lines)

    def prometheus(self) -> str:
        """Gauges a task, and the time of the snapshot."""
        return "\n".join(self._gauges()) + "\n"

    def _gauges(self) -> Iterator[str]:
        server = f'server="{_label(self.snapshot.server)}"'
        labels = {
            each.path: f'{server},path="{name}"' for each, name in zip(self.shown, _names(self.shown), strict=True)
        }
        started = [(each, each.status.last_run) for each in self.shown]
        yield from _gauge(
            "taskscheduler_task_last_run_timestamp_seconds",
            "Start of the last run.",
            [(labels[each.path], at.timestamp()) for each, at in started if isinstance(at, datetime) and at.tzinfo],
        )
        yield from _gauge(
            "taskscheduler_task_last_result",
            "Last result, unsigned.",
            [(labels[each.path], each.result.code) for each in self.shown if each.result.code is not None],
        )
        yield from _gauge(
            "taskscheduler_task_needs_attention",
            "1 where someone should look.",
            [(labels[each.path], int(each.needs_attention)) for each in self.shown],
        )
        yield from _gauge(
            "taskscheduler_task_verdict",
            "1 for the verdict that holds.",
            [
                (f'{labels[each.path]},verdict="{verdict.value}"', int(each.verdict is verdict))
                for each in self.shown
                for verdict in Verdict
            ],
        )
        taken_at = self.snapshot.taken_at.timestamp()
        yield from _gauge("taskscheduler_snapshot_timestamp_seconds", "Time of the snapshot.", [(server, taken_at)])

    def _nagios_code(self) -> int:
        if any(each.verdict is Verdict.FAILING for each in self.loud):
            return NAGIOS_CRITICAL
        return NAGIOS_WARNING if self.loud else 0

    def _where(self) -> str:
        return f"{self.snapshot.server or 'server not named'}, {self._local(self.snapshot.taken_at)}"

    def _local(self, moment: datetime) -> str:
        zone = self.snapshot.local_time.tzinfo
        return f"{moment.astimezone(zone):%Y-%m-%d %H:%M} ({self.snapshot.zone or 'UTC'})"


def _names(judged: Sequence[Judged]) -> list[str]:
    """Task paths as labels; where masking made two alike they are numbered, since a series must be there once."""
    seen: Counter[str] = Counter()
    names = []
    for each in judged:
        name = _label(each.path)
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


def _label(text: str) -> str:
    return one_line(text).replace("\\", "\\\\").replace('"', '\\"')


def _gauge(name: str, meaning: str, samples: Sequence[tuple[str, float]]) -> Iterator[str]:
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} gauge"
    yield from (f"{name}{{{labels}}} {int(value)}" for labels, value in samples)
