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
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from markupsafe import Markup

from taskanalysis.definition import MOST_OWN_BYTES, read_bytes
from taskanalysis.errors import Problem, TaskAnalysisError
from taskanalysis.health import STALE, late_names, without_calm
from taskanalysis.history import each_in, executor_for
from taskanalysis.publish.pages import (
    LAST_KNOWN,
    Run,
    attention_words,
    page,
    read_answer,
    read_head,
    shown,
)
from taskanalysis.snapshot import list_servers, read_snapshot, stamped
from taskanalysis.text import clip, count, listed, needs_attention

QUESTIONS = {
    "status": "What needs attention this morning?",
    "inventory": "If the server dies tonight, can we put every task back?",
    "trends": "Is it getting better or worse, and since when?",
}
"""The reports that have a card, in this order."""
LOUD = ("FAILING", "OVERDUE", "RUNNING LONG", "NO NEXT START", "UNKNOWN CODE")
ORDER = (*LOUD, "UNKNOWN", "RUNNING", "OK", "NEVER RAN", "DISABLED")
MOST_RUNS = 30
MOST_WORST = 3
MOST_WARNINGS = 5
MOST_CAUSES = 200
"""Rows of the table of causes of all servers; the pages of the servers have them all."""
PIECES_A_SERVER = 8
"""Judging the tasks of a server takes as long as this many pieces of work of `executor_for`."""


# How tasks stand ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """How the tasks of a server stand, from the object that ``status.json`` holds (`health.Assessment`).

    `counts` is verdict to number, with ``UNKNOWN CODE`` and ``NO NEXT START`` for unknown verdicts that need attention;
    `attention` is None where no task could be judged; `cases` is what there is to do, `title` how much that is,
    `unseen` what could not be judged, read or seen, `summary` all of it as lines. Both times are aware, None where not
    known.
    """

    counts: Mapping[str, int]
    cases: Sequence[Mapping[str, Any]] = ()
    title: str = ""
    headline: str = ""
    attention: int | None = 0
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
        attention = content.get("attention", need)
        headline = shown(str(content.get("headline") or f"{needs_attention(need, counts.total())}."))
        return cls(
            in_order(counts),
            [_case(case) for case in content.get("cases") or _old_cases(content["tasks"])],
            shown(str(content.get("title") or headline.removesuffix("."))),
            headline,
            None if attention is None else int(attention),
            [shown(str(sentence)) for sentence in content.get("unseen", ())],
            shown(str(backup.get("sentence", ""))),
            [shown(str(line)) for line in content.get("summary", ())],
            *(_time(text) for text in (content.get("stale_after"), backup.get("stale_after"))),
        )

    def listing(self) -> str:
        """The number of tasks with each verdict."""
        return listed([f"{number} {name}" for name, number in self.counts.items()]) or "no status was collected"

    def late(self, now: datetime) -> list[str]:
        """What is too old at `now` (aware): the snapshot, the backup, both or neither."""
        return late_names({"snapshot": self.stale_after, "backup": self.backup_stale_after}, now)

    def age(self, now: datetime) -> list[str]:
        """What is too old at `now` (aware), as sentences."""
        return [STALE[name] for name in self.late(now)]

    def code(self, now: datetime) -> int:
        """The exit code at `now` (aware), as `health.Assessment.code`."""
        return 3 if self.unseen or self.age(now) else 1 if self.attention else 0


def _case(case: Mapping[str, Any]) -> dict[str, Any]:
    """A case as ``status.json`` has it, all of it text but its tasks; KeyError or TypeError where it is none."""
    tasks = [str(path) for path in case["tasks"]]
    names = ("title", "verdict", "code", "account", "since", "why", "advice")
    return {name: "" if case.get(name) is None else str(case[name]) for name in names} | {"tasks": tasks}


def _old_cases(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The tasks of ``status.json`` that need attention as cases, where a version before these wrote it."""
    tasks = [{**row, "verdict": _word(row["verdict"], row.get("rule"))} for row in rows]
    return [
        {"title": task.get("task_path"), "tasks": [task.get("task_path")], "why": task.get("reason")} | task
        for task in tasks
        if task["verdict"] in LOUD
    ]


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
    cases: Sequence[Mapping[str, Any]] = ()

    @property
    def worst(self) -> list[str]:
        """What to do first there."""
        return [shown(f"{case['verdict']} {case['title']}") for case in self.cases[:MOST_WORST]]


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
        snapshot = read_snapshot(share, server=name, at=at, now=now, others=())
        found = assess(snapshot, rules_of(share), history=known_history(snapshot))
        counts = Counter(_word(task.verdict.value, task.rule) for task in found.shown)
        attention = len(found.loud) if found.is_known else None
        listing, unseen = Standing(in_order(counts)).listing(), _clipped(found.unseen)
        moment = _moment(snapshot.local_time, snapshot.zone)
        cases = [{"verdict": case.verdict.value, "title": case.title} for case in found.cases[:MOST_WORST]]
        return Server(
            shown(name), snapshot.taken_at, moment, found.stale_after, attention, listing, unseen, cases=cases
        )
    except (TaskAnalysisError, OSError) as error:
        return Server(shown(name), problem=f"can't be read ({clip(shown(str(error)), 200)})")


def _clipped(sentences: Sequence[str]) -> str:
    return clip(shown(" ".join(sentences)), 300)


# The index of one folder of reports -----------------------------------------------------------------------------------


def index_page(
    reports: Path,
    run: Run,
    *,
    failed: Sequence[str],
    cards: Mapping[str, Mapping[str, Any]],
    rows: Sequence[Server] = (),
    notes: Sequence[str] = (),
    collected: Sequence[str] = (),
    above: str = "",
) -> Callable[[Sequence[str], Sequence[str]], str]:
    """A function that renders the index from the stamps of the kept runs and the names of locked files.

    `failed` are reports of this run without a page, `cards` what the others say of theirs (`pages.Rendered`); `notes`
    stand above all else; `collected` is what the last collect warned of; `above` links the page of all servers.
    """
    up = [("All servers", above)] if above else []

    def render(stay: Sequence[str], locked: Sequence[str]) -> str:
        latest = reports / "latest"
        standing = read_standing(latest / "status.json")
        note = (
            f"Open in another program, so still from an earlier run: {listed(list(locked))}. "
            "The next run replaces the files that are closed then."
        )
        figure = str(cards.get("inventory", {}).get("figure") or "")
        return page(
            "index",
            run,
            title="Overview",
            links=[*up, ("Overview", "index.html"), *((name.title(), f"latest/{name}.html") for name in run.names)],
            sentence=_index_title(standing, failed, run),
            line=_index_line(standing, run) if standing else "",
            unseen=[*standing.unseen, *_late(standing, run)] if standing else [],
            notes=[*notes, *([note] if locked else [])],
            cards=[
                _card(latest, name, cards.get(name), name in failed, _is_late(standing, run, name))
                for name in QUESTIONS
                if name in run.names
            ],
            collected=[clip(line, 200) for line in collected[:MOST_WARNINGS]],
            warnings=count(len(collected), "warning"),
            further=max(len(collected) - MOST_WARNINGS, 0),
            figure=Markup(_from_index(figure)),  # noqa: S704 (of our own notebook)
            servers=rows,
            runs=[_earlier(reports, stamp, run.names) for stamp in stay[:MOST_RUNS]],
            more=max(len(stay) - MOST_RUNS, 0),
        )

    return render


def _late(standing: Standing, run: Run) -> list[str]:
    return standing.age(run.made_at) if run.due else []


def _index_line(standing: Standing, run: Run) -> str:
    return without_calm(standing.headline) if _late(standing, run) else standing.headline


def _is_late(standing: Standing | None, run: Run, name: str) -> bool:
    """Whether what a report tells of is stale: the backup for the inventory, the snapshot for the others."""
    what = "backup" if name == "inventory" else "snapshot"
    return bool(standing and run.due and what in standing.late(run.made_at))


def _index_title(standing: Standing | None, failed: Sequence[str], run: Run) -> str:
    """The answer of the status page, calm only where nothing at all is too old."""
    if not standing:
        return "The state of the tasks is not known"
    title = standing.title
    if run.due and (names := standing.late(run.made_at)):
        late = f"the {listed(names)} {'are' if len(names) > 1 else 'is'} stale"
        title = f"{title}; {late}" if standing.attention else f"Not known: {late}"
    return f"{LAST_KNOWN}{title}" if "status" in failed else title


def _card(latest: Path, name: str, card: Mapping[str, Any] | None, failed: bool, late: bool) -> dict[str, Any]:
    """What the index says of a report: its answer and first points; of a failed one the last known answer."""
    place = latest / f"{name}.html"
    made = {"question": QUESTIONS[name], "target": f"latest/{name}.html" if place.is_file() else "", "failed": ""}
    if card and not failed:
        points = [Markup(_from_index(str(point))) for point in card["points"]]  # noqa: S704 (of our own notebook)
        answer = f"{LAST_KNOWN if late else ''}{shown(str(card['answer']))}"
        return made | {"answer": answer, "points": points, "is_good": card["is_good"] and not late}
    head = read_head(place)
    answer = read_answer(read_bytes(place, MOST_OWN_BYTES).decode("utf-8", "replace")) if head else ""
    known = f"{LAST_KNOWN}{shown(answer)}" if head and head.state == "good" and answer else "Not known"
    return made | {
        "answer": known,
        "points": [],
        "is_good": False,
        "failed": f"latest/{name}-failed.html" if failed else "",
    }


def _from_index(html: str) -> str:
    """HTML of a page in ``latest`` as it stands on the index."""
    return html.replace('href="tasks', 'href="latest/tasks')


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
    head = read_head(place / "status.html") if "status.html" in names else None
    return {
        "made_at": stamped(stamp),
        "attention": attention_words(head.attention, head.unseen) if head and head.attention is not None else "",
        "pages": [(stem.replace("-", " ").capitalize(), f"runs/{stamp}/{stem}.html") for stem in pages],
    }


# The page of all servers ----------------------------------------------------------------------------------------------


def read_reports(name: str, folder: Path, failed: str) -> Server:
    """A row from the last good ``status.json`` in a server's folder; `failed` is what failed just now, or ""."""
    href = f"servers/{quote(name)}/index.html" if (folder / "index.html").is_file() else ""
    try:
        content = json.loads(read_bytes(folder / "latest" / "status.json", MOST_OWN_BYTES).decode("utf-8"))
        taken_at = datetime.fromisoformat(content["taken_at"])
        standing = Standing.of(content)
        moment = _moment(taken_at, str(content["zone"] or ""))
    except (OSError, ValueError, KeyError, TypeError):
        return Server(shown(name), problem=failed or "no status is known", page=href)
    attention = standing.attention if standing.counts else None
    problem = failed or _clipped(standing.unseen)
    cases = [{**case, "zone": str(content["zone"] or "UTC")} for case in standing.cases]
    return Server(
        shown(name), taken_at, moment, standing.stale_after, attention, standing.listing(), problem, href, cases
    )


def _moment(local_time: datetime, zone: str) -> str:
    return f"{local_time:%a} {local_time.day} {local_time:%b %Y %H:%M} ({zone or 'UTC'})"


def servers_page(rows: Sequence[Server], run: Run, problems: Sequence[Problem]) -> str:
    """The page of all servers: a row a server, worst first, and what there is to do by cause across servers."""
    rows = sorted(rows, key=lambda row: (-(row.attention or 0), not row.problem))
    causes = _causes(rows)
    known = [row.attention for row in rows if row.attention is not None]
    unseen = len(known) < len(rows) or any(row.problem or _is_stale(row, run.made_at) for row in rows)
    return page(
        "servers",
        replace(run, attention=sum(known) if known else None, unseen=unseen),
        title="All servers",
        links=[("All servers", "index.html")],
        sentence=_servers_sentence(rows, run.made_at),
        notes=[shown(f"{problem.file}: {problem.what}") for problem in problems],
        servers=rows,
        causes=causes[:MOST_CAUSES],
        more=max(len(causes) - MOST_CAUSES, 0),
    )


class Cause(NamedTuple):
    """What tasks of one server or more have in common; `since` is a time with its zone, `servers` those with a link."""

    what: str
    tasks: int
    since: str
    advice: str
    servers: Sequence[tuple[str, str, int]]


def _causes(rows: Sequence[Server]) -> list[Cause]:
    """The cases of all servers by what they share (account and code, else verdict and code), most servers first."""
    groups: dict[tuple[str, ...], list[tuple[Server, Mapping[str, Any]]]] = {}
    for row in rows:
        for case in row.cases:
            account, code = case["account"], case["code"]
            alone = len(case["tasks"]) == 1 and not account
            shared = (account.casefold(), code) if account else (case["verdict"], code, "" if alone else row.server)
            groups.setdefault(shared, []).append((row, case))
    causes = []
    for found in groups.values():
        first = found[0][1]
        numbers: Counter[tuple[str, str]] = Counter()
        for row, case in found:
            numbers[row.server, row.page] += len(case["tasks"])
        total = sum(numbers.values())
        times = [(_moment_of(case["since"]), case["since"], str(case.get("zone"))) for _, case in found]
        since = _since(*min(times)[1:])
        what = first["title"] if len(found) == 1 else _what(first, total)
        where = [(*place, number) for place, number in numbers.items()]
        causes.append(Cause(shown(what), total, since, shown(first["advice"]), where))
    return sorted(causes, key=lambda cause: (-len(cause.servers), -cause.tasks))


_SHARED = {"RUNNING LONG": "run too long", "OVERDUE": "are overdue"}


def _what(case: Mapping[str, Any], number: int) -> str:
    """What several cases have in common: of reasons the first sentence, as the others tell of one task."""
    who = f" as {case['account']}" if case.get("account") else ""
    if words := _SHARED.get(case["verdict"]):
        return f"{count(number, 'task')} {words}"
    why = str(case.get("why") or "").partition(". ")[0].rstrip(".")
    return f"{case['verdict']}, {count(number, 'task')}{who}: {why}."


def _moment_of(text: str) -> datetime:
    """A time of a file, for sorting: after all others where it can't be read."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _since(text: str, zone: str) -> str:
    try:
        return shown(_moment(datetime.fromisoformat(text), zone))
    except ValueError:
        return shown(text)


def _is_stale(row: Server, now: datetime) -> bool:
    return row.due is not None and now > row.due


def _servers_sentence(rows: Sequence[Server], now: datetime) -> str:
    needing = [row for row in rows if row.attention]
    number = sum(row.attention or 0 for row in needing)
    unknown = sum(row.attention is None for row in rows)
    unseen = sum(bool(row.problem) and row.attention is not None for row in rows)
    stale = sum(_is_stale(row, now) for row in rows)
    tasks, total = count(number, "task"), count(len(rows), "server")
    sentences = [f"{tasks} on {len(needing)} of {total} need{'s' if number == 1 else ''} attention"]
    if not needing:
        known = len(rows) - unknown
        sentences = [f"No task on {count(known, 'server')} needs attention"] if known else []
    if unknown:
        sentences.append(f"{'the' if sentences else 'The'} state of {count(unknown, 'server')} is not known")
    if unseen:
        sentences.append(f"on {count(unseen, 'server')} something could not be judged, read or seen")
    if stale:
        sentences.append(f"the newest snapshot of {count(stale, 'server')} is stale")
    return "; ".join(sentences)
