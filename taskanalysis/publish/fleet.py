"""The reports of every server of a share, each in a folder of its own, and one page above them.

``<reports>/servers/<SERVER>/`` is a folder of reports like any other; ``<reports>/index.html`` says how all servers
stand, as their own ``status.json`` tells it. A server whose reports can't be made stops no other.

>>> loud([{"task_path": "A", "verdict": "OK"}, {"task_path": "B", "verdict": "FAILING", "reason": "oh", "since": None}])
[LoudTask(task_path='B', verdict='FAILING', since='', reason='oh')]
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from taskanalysis.errors import Problem, TaskAnalysisError
from taskanalysis.publish.folder import held, new_stamp
from taskanalysis.publish.index import LOUD, Server, Standing, needs_attention
from taskanalysis.publish.make import Outcome
from taskanalysis.publish.pages import Run, page, shown
from taskanalysis.snapshot import list_servers, write_whole
from taskanalysis.text import clip, count

__all__ = ["LoudTask", "loud", "make_all"]

MOST_TASKS = 1_000
"""Rows of the table of tasks; the pages of the servers have them all."""


class LoudTask(NamedTuple):
    """A task that needs attention; `since` is ISO 8601 with offset, "" where it is not known."""

    task_path: str
    verdict: str
    since: str
    reason: str


class _Told(NamedTuple):
    """What the reports of one server say: its row, and its tasks that need attention."""

    row: Server
    tasks: Sequence[LoudTask]


def loud(rows: Iterable[Mapping[str, Any]]) -> list[LoudTask]:
    """Those rows of ``status.json`` that need attention."""
    return [
        LoudTask(*(shown(str(row.get(name) or "")) for name in LoudTask._fields))
        for row in rows
        if needs_attention(row["verdict"], row.get("rule"))
    ]


def make_all(
    share: Path,
    reports: Path,
    make: Callable[[str, Path], Outcome],
    *,
    now: datetime,
    problems: Sequence[Problem] = (),
    say: Callable[[str], None],
) -> list[Outcome | TaskAnalysisError]:
    """Call `make` with each server and the folder for its reports, and write the page above; what came of each.

    `now` is aware; `problems` are told on the page. An error of one server is its row there. ReportError where the
    folder can't be written or is held by another run.
    """
    names = list_servers(share)
    outcomes: list[Outcome | TaskAnalysisError] = []
    told: list[_Told] = []
    with held(reports, now=now, say=say, folders=("servers",)):
        for number, name in enumerate(names, 1):
            say(f"{name}: {number} of {len(names)}")
            folder = reports / "servers" / name
            try:
                outcomes.append(make(name, folder))
            except TaskAnalysisError as error:
                outcomes.append(error)
            told.append(_told(name, folder, outcomes[-1]))
        text = _page(told, Run(new_stamp(reports, now), now, now, None, "", ()), problems)
        write_whole(reports / "index.html", text.encode())
    return outcomes


def _told(name: str, folder: Path, outcome: Outcome | TaskAnalysisError) -> _Told:
    """What the last good ``status.json`` of a server says, and what failed just now."""
    href = f"servers/{quote(name)}/index.html" if (folder / "index.html").is_file() else ""
    if isinstance(outcome, TaskAnalysisError):
        failed = f"its reports could not be made ({clip(shown(str(outcome)), 200)})"
    else:
        failed = "; ".join(f"{each.report} could not be made" for each in outcome.failures)
    try:
        content = json.loads((folder / "latest" / "status.json").read_text(encoding="utf-8"))
        taken_at, due = (datetime.fromisoformat(content[key]) for key in ("taken_at", "stale_after"))
        standing, tasks = Standing.of(content), loud(content["tasks"])
        moment = f"{taken_at:%Y-%m-%d %H:%M} ({content['zone'] or 'UTC'})"
    except (OSError, ValueError, KeyError, TypeError):
        return _Told(Server(shown(name), None, "", None, None, "", failed or "no status is known", href), [])
    attention = standing.attention if standing.counts else None
    return _Told(Server(shown(name), taken_at, moment, due, attention, standing.listing(), failed, href), tasks)


def _page(told: Sequence[_Told], run: Run, problems: Sequence[Problem]) -> str:
    rows = sorted((each.row for each in told), key=lambda row: (-(row.attention or 0), not row.problem))
    tasks = [(each.row, task) for each in told for task in each.tasks]
    tasks.sort(key=lambda pair: LOUD.index(pair[1].verdict) if pair[1].verdict in LOUD else len(LOUD))
    totals = Counter(task.verdict for _, task in tasks)
    return page(
        "fleet",
        run,
        title="All servers",
        links=[("All servers", "index.html")],
        sentence=_sentence([each.row for each in told], run.made_at),
        notes=[shown(f"{each.file}: {each.what}") for each in problems],
        counts=sorted(totals.items(), key=lambda pair: -pair[1]),
        loud=LOUD,
        rows=rows,
        tasks=tasks[:MOST_TASKS],
        more=max(len(tasks) - MOST_TASKS, 0),
    )


def _sentence(rows: Sequence[Server], now: datetime) -> str:
    needing = [row for row in rows if row.attention]
    number = sum(row.attention or 0 for row in needing)
    unknown = sum(row.attention is None for row in rows)
    stale = sum(bool(row.due and now > row.due) for row in rows)
    tasks, servers = count(number, "task"), count(len(rows), "server")
    said = [f"{tasks} on {len(needing)} of {servers} need{'s' if number == 1 else ''} attention."]
    if not needing:
        said = [f"No task on {servers} needs attention."]
    if unknown:
        said.append(f"How {count(unknown, 'server')} stand{'s' if unknown == 1 else ''} is not known.")
    if stale:
        snapshots = "The snapshot is" if stale == 1 else "The snapshots are"
        said.append(f"{snapshots} stale on {count(stale, 'server')}.")
    return " ".join(said)
