"""The index of a folder of reports, and the page of all servers: the state in one sentence, and where everything is.

Both read the published pages and their ``status.json``, so that what they say holds after a failed run too.

>>> Standing.of({"tasks": [{"verdict": "FAILING"}, {"verdict": "OK"}]}).sentence()
'1 of 2 tasks needs attention.'
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from taskanalysis.definition import MOST_OWN_BYTES, read_bytes
from taskanalysis.errors import Problem, TaskAnalysisError
from taskanalysis.history import each_in, executor_for
from taskanalysis.publish.pages import Run, age, page, read_head, shown
from taskanalysis.snapshot import list_servers, read_snapshot, stale_after, stamped
from taskanalysis.text import clip, count, listed

QUESTIONS = {
    "inventory": "if the server dies tonight, can we restore every task?",
    "status": "what needs attention this morning?",
    "trends": "is it getting better or worse, and since when?",
}
LOUD = ("FAILING", "OVERDUE", "RUNNING LONG", "UNKNOWN CODE")
ORDER = (*LOUD, "UNKNOWN", "RUNNING", "OK", "NEVER RAN", "DISABLED")
MOST_RUNS = 30
MOST_CAUSES = 5
MOST_TASKS = 1_000
"""Rows of the table of tasks of all servers; the pages of the servers have them all."""
PIECES_A_SERVER = 8
"""Judging the tasks of a server takes as long as this many pieces of work of `executor_for`."""


# How tasks stand ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """How the tasks stand: verdict to number, with ``UNKNOWN CODE`` for unknown codes, and the causes of incidents."""

    counts: Mapping[str, int]
    causes: Sequence[str] = ()

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Standing:
        """From the content of ``status.json``."""
        verdicts = [(row["verdict"], row.get("rule")) for row in content["tasks"]]
        incidents = content.get("incidents", ())[:MOST_CAUSES]
        return cls.count(verdicts, [shown(str(incident["cause"])) for incident in incidents])

    @classmethod
    def count(cls, verdicts: Iterable[tuple[str, str | None]], causes: Sequence[str] = ()) -> Standing:
        """From pairs of a verdict and the rule that decided it."""
        counts = Counter(_word(verdict, rule) for verdict, rule in verdicts)
        return cls({name: counts[name] for name in [*ORDER, *(counts.keys() - set(ORDER))] if counts[name]}, causes)

    @property
    def attention(self) -> int | None:
        """How many tasks need attention; None where no status was collected."""
        return sum(self.counts.get(name, 0) for name in LOUD) if self.counts else None

    def listing(self) -> str:
        """The number of tasks with each verdict."""
        return listed([f"{number} {name}" for name, number in self.counts.items()]) or "no status was collected"

    def sentence(self) -> str:
        """How many tasks need attention, as a sentence."""
        number, tasks = self.attention or 0, count(sum(self.counts.values()), "task")
        return f"{number or 'None'} of {tasks} need{'' if number > 1 else 's'} attention."


def _word(verdict: str, rule: str | None) -> str:
    return "UNKNOWN CODE" if verdict == "UNKNOWN" and rule == "unknown code" else verdict


def read_standing(file: Path) -> Standing | None:
    """The content of a ``status.json``; None where there is none, or one without a task."""
    try:
        standing = Standing.of(json.loads(read_bytes(file, MOST_OWN_BYTES).decode("utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return standing if standing.counts else None


class LoudTask(NamedTuple):
    """A task that needs attention; `since` is ISO 8601 with offset, "" where it is not known."""

    task_path: str
    verdict: str
    since: str
    reason: str


def loud(rows: Iterable[Mapping[str, Any]]) -> list[LoudTask]:
    """The rows of ``status.json`` that need attention, with ``UNKNOWN CODE`` as in `Standing`.

    >>> loud([{"task_path": "A", "verdict": "OK"}, {"task_path": "B", "verdict": "FAILING", "reason": "It failed."}])
    [LoudTask(task_path='B', verdict='FAILING', since='', reason='It failed.')]
    """
    tasks = [{**row, "verdict": _word(row["verdict"], row.get("rule"))} for row in rows]
    return [
        LoudTask(*(shown(str(task.get(name) or "")) for name in LoudTask._fields))
        for task in tasks
        if task["verdict"] in LOUD
    ]


class Server(NamedTuple):
    """A row of the table of servers, with its tasks that need attention where its reports were read.

    `attention` is None where nothing is known, `page` links its reports.
    """

    server: str
    taken_at: datetime | None = None
    moment: str = ""
    due: datetime | None = None
    attention: int | None = None
    verdicts: str = ""
    problem: str = ""
    page: str = ""
    tasks: Sequence[LoudTask] = ()


def servers(share: Path, at: str = "") -> list[Server]:
    """A row for each server of a share, from its newest snapshot and its history; none where there is only one.

    `at` selects the newest snapshot not later than this ISO time. A server that can't be read is a row that says so.
    """
    names = list_servers(share)
    if len(names) < 2:
        return []
    with executor_for(PIECES_A_SERVER * len(names)) as executor:
        return list(each_in(executor, partial(_server, share, at), names, []))


def _server(share: Path, at: str, name: str) -> Server:
    from taskanalysis.health import judge, known_history, read_rules  # noqa: PLC0415 (pandas)

    try:
        snapshot = read_snapshot(share, server=name, at=at)
        judged = judge(snapshot, read_rules(share / "rules.toml"), history=known_history(snapshot))
        due = stale_after(snapshot)
    except (TaskAnalysisError, OSError) as error:
        return Server(shown(name), problem=f"can't be read ({clip(shown(str(error)), 200)})")
    standing = Standing.count((task.verdict.value, task.rule) for task in judged if not task.ignored)
    moment = f"{snapshot.local_time:%Y-%m-%d %H:%M} ({snapshot.zone or 'UTC'})"
    attention = (standing.attention or 0) if judged else None
    return Server(shown(name), snapshot.taken_at, moment, due, attention, standing.listing())


# The index of one folder of reports -----------------------------------------------------------------------------------


def index_page(
    reports: Path,
    run: Run,
    *,
    server: str,
    failed: Sequence[str],
    rows: Sequence[Server] = (),
    notes: Sequence[str] = (),
    above: str = "",
) -> Callable[[Sequence[str], Sequence[str]], str]:
    """A function that renders the index from the stamps of the kept runs and the names of locked files.

    `failed` are reports of this run without a page; `notes` stand above all else; `above` links the page of all
    servers.
    """
    up = [("All servers", above)] if above else []

    def render(stay: Sequence[str], locked: Sequence[str]) -> str:
        latest = reports / "latest"
        standing = read_standing(latest / "status.json")
        note = (
            f"Open in another program, so still from an earlier run: {listed(list(locked))}. "
            "The next run replaces the files that are closed then."
        )
        return page(
            "index",
            run,
            title="All reports",
            links=[*up, ("All reports", "index.html"), *((name.title(), f"latest/{name}.html") for name in run.names)],
            server=shown(server) or "an unnamed server",
            sentence=_index_sentence(standing, failed),
            age=age(run.taken_at, run.made_at),
            notes=[*notes, *([note] if locked else [])],
            counts=list(standing.counts.items()) if standing else [],
            causes=standing.causes if standing else [],
            loud=LOUD,
            reports=[_report(latest, name, name in failed) for name in run.names],
            servers=rows,
            runs=[_earlier(reports, stamp, run.names) for stamp in stay[:MOST_RUNS]],
            more=max(len(stay) - MOST_RUNS, 0),
        )

    return render


def _index_sentence(standing: Standing | None, failed: Sequence[str]) -> str:
    first = standing.sentence() if standing else "The state of the tasks is not known."
    if "status" in failed and standing:
        first = f"When it was last known: {first}"
    names = listed([name.title() for name in failed])
    return f"{first} {names} could not be made." if failed else f"{first} All reports were made."


def _report(latest: Path, name: str, failed: bool) -> dict[str, Any]:
    head = read_head(latest / f"{name}.html")
    return {
        "title": name.title(),
        "question": QUESTIONS.get(name, "a report"),
        "target": f"latest/{name}.html" if head else "",
        "failed": f"latest/{name}-failed.html" if failed else "",
        "good": head if head and head.state == "good" else None,
    }


def _earlier(reports: Path, stamp: str, wanted: Sequence[str]) -> dict[str, Any]:
    """A run of the list with its pages; those of the run being published lie in the hidden folder."""
    folder = reports / "runs" / stamp
    try:
        place = folder if folder.is_dir() else folder.with_name(f".{stamp}.tmp")
        names = {file.name for file in place.iterdir()}
    except OSError as error:
        logging.getLogger(__name__).info("%s: %s", stamp, error)
        names = set()
    pages = [stem for name in wanted for stem in (name, f"{name}-failed") if f"{stem}.html" in names]
    return {
        "made_at": stamped(stamp),
        "pages": [(stem.replace("-", " ").capitalize(), f"runs/{stamp}/{stem}.html") for stem in pages],
    }


# The page of all servers ----------------------------------------------------------------------------------------------


def read_reports(name: str, folder: Path, failed: str) -> Server:
    """A row from the last good ``status.json`` in a server's folder; `failed` is what failed just now, or ""."""
    href = f"servers/{quote(name)}/index.html" if (folder / "index.html").is_file() else ""
    try:
        content = json.loads(read_bytes(folder / "latest" / "status.json", MOST_OWN_BYTES).decode("utf-8"))
        taken_at, due = (datetime.fromisoformat(content[key]) for key in ("taken_at", "stale_after"))
        standing, tasks = Standing.of(content), loud(content["tasks"])
        moment = f"{taken_at:%Y-%m-%d %H:%M} ({content['zone'] or 'UTC'})"
    except (OSError, ValueError, KeyError, TypeError):
        return Server(shown(name), problem=failed or "no status is known", page=href)
    listing = standing.listing()
    return Server(shown(name), taken_at, moment, due, standing.attention, listing, failed, href, tasks)


def servers_page(rows: Sequence[Server], run: Run, problems: Sequence[Problem]) -> str:
    """The page of all servers: `problems` first, then tasks that need attention, worst first, then the servers."""
    tasks = [(row, task) for row in rows for task in row.tasks]
    tasks.sort(key=lambda pair: LOUD.index(pair[1].verdict))
    rows = sorted(rows, key=lambda row: (-(row.attention or 0), not row.problem))
    totals = Counter(task.verdict for _, task in tasks)
    return page(
        "servers",
        run,
        title="All servers",
        links=[("All servers", "index.html")],
        sentence=_servers_sentence(rows, run.made_at),
        notes=[shown(f"{problem.file}: {problem.what}") for problem in problems],
        counts=totals.most_common(),
        servers=rows,
        tasks=tasks[:MOST_TASKS],
        more=max(len(tasks) - MOST_TASKS, 0),
    )


def _servers_sentence(rows: Sequence[Server], now: datetime) -> str:
    needing = [row for row in rows if row.attention]
    number = sum(row.attention or 0 for row in needing)
    unknown = sum(row.attention is None for row in rows)
    stale = sum(bool(row.due and now > row.due) for row in rows)
    tasks, total = count(number, "task"), count(len(rows), "server")
    sentences = [f"{tasks} on {len(needing)} of {total} need{'s' if number == 1 else ''} attention."]
    if not needing:
        sentences = [f"No task on {total} needs attention."]
    if unknown:
        sentences.append(f"The state of {count(unknown, 'server')} is not known.")
    if stale:
        sentences.append(f"The newest snapshot of {count(stale, 'server')} is stale.")
    return " ".join(sentences)
