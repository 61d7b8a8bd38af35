"""The index of a folder of reports, and the page of all servers: the state in one sentence, and where everything is.

Both read the published pages and their ``status.json``, so that what they say holds after a failed run too.

>>> Standing.of({"tasks": [{"verdict": "FAILING"}], "unseen": []}).code(datetime.max)
1
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
from taskanalysis.snapshot import list_servers, read_snapshot, stamped
from taskanalysis.text import clip, count, listed, needs_attention

QUESTIONS = {
    "inventory": "if the server dies tonight, can we restore every task?",
    "status": "what needs attention this morning?",
    "trends": "is it getting better or worse, and since when?",
}
LOUD = ("FAILING", "OVERDUE", "RUNNING LONG", "NO NEXT START", "UNKNOWN CODE")
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
    """How the tasks of a server stand, from the object that ``status.json`` holds (`health.Assessment`).

    `counts` is verdict to number, with ``UNKNOWN CODE`` and ``NO NEXT START`` for unknown verdicts that need attention;
    `causes` are those of incidents, `unseen` what could not be judged, read or seen, `summary` all of it as lines. Both
    times are aware, None where not known.
    """

    counts: Mapping[str, int]
    causes: Sequence[str] = ()
    headline: str = ""
    attention: int = 0
    unseen: Sequence[str] = ()
    backup: str = ""
    summary: Sequence[str] = ()
    stale_after: datetime | None = None
    backup_stale_after: datetime | None = None

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Standing:
        """From the content of ``status.json``, also of versions before there was more than its rows."""
        counts = Counter(_word(row["verdict"], row.get("rule")) for row in content["tasks"])
        need, backup = sum(counts[name] for name in LOUD), content.get("backup") or {}
        return cls(
            in_order(counts),
            [shown(str(incident["cause"])) for incident in content.get("incidents", ())[:MOST_CAUSES]],
            shown(str(content.get("headline") or f"{needs_attention(need, counts.total())}.")),
            int(content.get("attention", need)),
            [shown(str(sentence)) for sentence in content.get("unseen", ())],
            shown(str(backup.get("sentence", ""))),
            [shown(str(line)) for line in content.get("summary", ())],
            *(_time(text) for text in (content.get("stale_after"), backup.get("stale_after"))),
        )

    def listing(self) -> str:
        """The number of tasks with each verdict."""
        return listed([f"{number} {name}" for name, number in self.counts.items()]) or "no status was collected"

    def age(self, now: datetime) -> list[str]:
        """What is too old at `now` (aware), as sentences."""
        late = [self.stale_after is not None and now > self.stale_after]
        late += [self.backup_stale_after is not None and now > self.backup_stale_after]
        sentences = ("The snapshot is stale: a newer one was due.", BACKUP_STALE)
        return [sentence for sentence, is_late in zip(sentences, late, strict=True) if is_late]

    def code(self, now: datetime) -> int:
        """The exit code at `now` (aware), as `health.Assessment.code`."""
        return 3 if self.unseen or self.age(now) else 1 if self.attention else 0


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def in_order(counts: Mapping[str, int]) -> dict[str, int]:
    """The verdicts that occur, those that need attention first."""
    return {name: counts[name] for name in [*ORDER, *(counts.keys() - set(ORDER))] if counts.get(name)}


def _word(verdict: str, rule: str | None) -> str:
    return _LOUD_UNKNOWN.get(rule or "", verdict) if verdict == "UNKNOWN" else verdict


_LOUD_UNKNOWN = {"unknown code": "UNKNOWN CODE", "no further start": "NO NEXT START"}


def read_standing(file: Path) -> Standing | None:
    """The content of a ``status.json``; None where there is none that can be read."""
    try:
        return Standing.of(json.loads(read_bytes(file, MOST_OWN_BYTES).decode("utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


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

    `attention` is None where nothing is known, `problem` is what could not be seen, `page` links its reports.
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


def servers(share: Path, at: str = "", now: datetime | None = None) -> list[Server]:
    """A row for each server of a share, from its newest snapshot and its history; none where there is only one.

    `at` selects the newest snapshot not later than this ISO time, `now` is aware. A server that can't be read is a row
    that says so.
    """
    names = list_servers(share)
    if len(names) < 2:
        return []
    with executor_for(PIECES_A_SERVER * len(names)) as executor:
        return list(each_in(executor, partial(_server, share, at, now), names, []))


def _server(share: Path, at: str, now: datetime | None, name: str) -> Server:
    from taskanalysis.health import assess, known_history, rules_of  # noqa: PLC0415 (pandas)

    try:
        snapshot = read_snapshot(share, server=name, at=at, now=now)
        found = assess(snapshot, rules_of(share), history=known_history(snapshot))
        counts = Counter(_word(task.verdict.value, task.rule) for task in found.shown)
        attention = len(found.loud) if found.shown else None
        listing, unseen = Standing(in_order(counts)).listing(), _clipped(found.unseen)
        moment = found.local(snapshot.taken_at)
        return Server(shown(name), snapshot.taken_at, moment, found.stale_after, attention, listing, unseen)
    except (TaskAnalysisError, OSError) as error:
        return Server(shown(name), problem=f"can't be read ({clip(shown(str(error)), 200)})")


def _clipped(sentences: Sequence[str]) -> str:
    return clip(shown(" ".join(sentences)), 300)


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
            unseen=standing.unseen if standing else [],
            backup=_backup(standing, run) if standing else "",
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


def _backup(standing: Standing, run: Run) -> str:
    """Whether every task is in the backup, and whether that is known of late."""
    late = run.due and standing.backup_stale_after and run.made_at > standing.backup_stale_after
    return f"{standing.backup} {BACKUP_STALE}" if standing.backup and late else standing.backup


BACKUP_STALE = "The backup is stale: definitions were due."


def _index_sentence(standing: Standing | None, failed: Sequence[str]) -> str:
    first = standing.headline if standing else "The state of the tasks is not known."
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
        taken_at = datetime.fromisoformat(content["taken_at"])
        standing, tasks = Standing.of(content), loud(content["tasks"])
        moment = f"{taken_at:%Y-%m-%d %H:%M} ({content['zone'] or 'UTC'})"
    except (OSError, ValueError, KeyError, TypeError):
        return Server(shown(name), problem=failed or "no status is known", page=href)
    attention = standing.attention if standing.counts else None
    problem = failed or _clipped(standing.unseen)
    return Server(
        shown(name), taken_at, moment, standing.stale_after, attention, standing.listing(), problem, href, tasks
    )


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
    unseen = sum(bool(row.problem) and row.attention is not None for row in rows)
    stale = sum(bool(row.due and now > row.due) for row in rows)
    tasks, total = count(number, "task"), count(len(rows), "server")
    sentences = [f"{tasks} on {len(needing)} of {total} need{'s' if number == 1 else ''} attention."]
    if not needing:
        sentences = [f"No task on {total} needs attention."]
    if unknown:
        sentences.append(f"The state of {count(unknown, 'server')} is not known.")
    if unseen:
        sentences.append(f"On {count(unseen, 'server')} something could not be judged, read or seen.")
    if stale:
        sentences.append(f"The newest snapshot of {count(stale, 'server')} is stale.")
    return " ".join(sentences)
