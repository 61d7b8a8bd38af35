"""The index of a folder of reports: the state in one sentence, the reports and how fresh they are, earlier runs.

What it says of the reports it reads from the pages that lie there, so that it is true after a failed run too.

>>> Standing.of({"tasks": [{"verdict": "FAILING"}, {"verdict": "OK"}]}).sentence()
'1 of 2 tasks needs attention.'
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from taskanalysis.errors import TaskAnalysisError
from taskanalysis.history import each_in, executor_for
from taskanalysis.publish.pages import Run, age, page, read_head, shown
from taskanalysis.snapshot import list_servers, stamped
from taskanalysis.text import clip, count, listed

__all__ = ["QUESTIONS", "Server", "Standing", "index_page", "needs_attention", "read_standing", "servers"]

QUESTIONS = {
    "inventory": "if the server dies tonight, can we put every task back?",
    "status": "what needs attention this morning?",
    "trends": "is it getting better or worse, and since when?",
}
LOUD = ("FAILING", "OVERDUE", "RUNNING LONG", "UNKNOWN CODE")
ORDER = (*LOUD, "UNKNOWN", "RUNNING", "OK", "NEVER RAN", "DISABLED")
MOST_RUNS = 30
MOST_CAUSES = 5
PIECES_A_SERVER = 8
"""To judge the tasks of a server takes as long as so many pieces of work of `executor_for`."""


@dataclass(frozen=True)
class Standing:
    """How the tasks stand: verdict to number, with ``UNKNOWN CODE`` for those that someone should look at."""

    counts: Mapping[str, int]
    causes: Sequence[str] = ()

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Standing:
        """From the content of ``status.json``."""
        return cls.count((row["verdict"], row.get("rule")) for row in told["tasks"]).because(told.get("incidents", ()))

    @classmethod
    def count(cls, verdicts: Any) -> Standing:
        """From pairs of a verdict and of what decided it."""
        counts = Counter(_word(verdict, rule) for verdict, rule in verdicts)
        return cls({name: counts[name] for name in [*ORDER, *(counts.keys() - set(ORDER))] if counts[name]})

    def because(self, incidents: Sequence[Mapping[str, Any]]) -> Standing:
        """With the causes that several tasks share."""
        return Standing(self.counts, [shown(str(each["cause"])) for each in incidents[:MOST_CAUSES]])

    @property
    def attention(self) -> int:
        """How many tasks need attention."""
        return sum(self.counts.get(name, 0) for name in LOUD)

    def listing(self) -> str:
        """How many tasks have which verdict."""
        numbers = [f"{number} {name}" for name, number in self.counts.items()]
        return listed(numbers) or "no status was collected"

    def sentence(self) -> str:
        """How many of them do, for a reader."""
        number, tasks = self.attention, count(sum(self.counts.values()), "task")
        return f"{number or 'None'} of {tasks} need{'' if number > 1 else 's'} attention."


def needs_attention(verdict: str, rule: str | None) -> bool:
    """Whether someone should look at a task with this verdict, and what decided it."""
    return _word(verdict, rule) in LOUD


def _word(verdict: str, rule: str | None) -> str:
    return "UNKNOWN CODE" if verdict == "UNKNOWN" and rule == "unknown code" else verdict


def read_standing(file: Path) -> Standing | None:
    """What a ``status.json`` says, None where there is none, or one without a task."""
    try:
        told = Standing.of(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return told if told.counts else None


class Server(NamedTuple):
    """A row of the table of servers; `attention` None where nothing is known, `page` where its reports are."""

    server: str
    taken_at: datetime | None
    moment: str
    due: datetime | None
    attention: int | None
    verdicts: str
    problem: str = ""
    page: str = ""


def servers(share: Path, at: str = "") -> list[Server]:
    """A row for each server of a share, as its newest snapshot and its history show it; none where there is only one.

    `at` takes the newest not later than this ISO time. A server that can't be read is a row that says so.
    """
    names = list_servers(share)
    if len(names) < 2:
        return []
    with executor_for(PIECES_A_SERVER * len(names)) as executor:
        return list(each_in(executor, partial(_server, share, at), names, []))


def _server(share: Path, at: str, name: str) -> Server:
    from taskanalysis.health import judge, known_history, read_rules  # noqa: PLC0415
    from taskanalysis.snapshot import read_snapshot, stale_after  # noqa: PLC0415

    try:
        snapshot = read_snapshot(share, server=name, at=at)
        judged = judge(snapshot, read_rules(share / "rules.toml"), history=known_history(snapshot))
        due = stale_after(snapshot)
    except (TaskAnalysisError, OSError) as error:
        return Server(shown(name), None, "", None, None, "", f"can't be read ({clip(shown(str(error)), 200)})")
    told = Standing.count((each.verdict.value, each.rule) for each in judged if not each.ignored)
    moment = f"{snapshot.local_time:%Y-%m-%d %H:%M} ({snapshot.zone or 'UTC'})"
    attention = told.attention if judged else None
    return Server(shown(name), snapshot.taken_at, moment, due, attention, told.listing())


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
    """What makes the index of a folder from the stamps of the runs that stay and the files that are locked.

    `failed` are reports of this run without a page; `notes` are said above all else; `above` is where the page of all
    servers is.
    """
    up = [("All servers", above)] if above else []

    def make(stay: Sequence[str], locked: Sequence[str]) -> str:
        latest = reports / "latest"
        told = read_standing(latest / "status.json")
        names = listed(list(locked))
        held = (
            f"Open in another program, and so still of an earlier run: {names}. The next run replaces what is closed."
        )
        return page(
            "overview",
            run,
            title="All reports",
            links=[*up, ("All reports", "index.html"), *((name.title(), f"latest/{name}.html") for name in run.names)],
            server=shown(server) or "a server that is not named",
            sentence=_sentence(told, failed),
            age=age(run.taken_at, run.made_at),
            notes=[*notes, *([held] if locked else [])],
            counts=list(told.counts.items()) if told else [],
            causes=told.causes if told else [],
            loud=LOUD,
            latest="latest/",
            reports=[_report(latest, name, name in failed) for name in run.names],
            servers=rows,
            runs=[_earlier(reports, each, run.names) for each in stay[:MOST_RUNS]],
            more=max(len(stay) - MOST_RUNS, 0),
        )

    return make


def _sentence(told: Standing | None, failed: Sequence[str]) -> str:
    first = told.sentence() if told else "How the tasks stand is not known."
    if "status" in failed and told:
        first = f"When it was last known: {first}"
    names = listed([name.title() for name in failed])
    return f"{first} {names} could not be made." if failed else f"{first} All reports were made."


def _report(latest: Path, name: str, failed: bool) -> dict[str, Any]:
    head = read_head(latest / f"{name}.html")
    good = head if head and head.state == "good" else None
    return {
        "title": name.title(),
        "question": QUESTIONS.get(name, "a report"),
        "target": f"latest/{name}.html" if head else "",
        "failed": f"latest/{name}-failed.html" if failed else "",
        "made_at": good.made_at if good else None,
        "due": good.due if good else None,
        "run": good.run if good and stamped(good.run) else "",
    }


def _earlier(reports: Path, stamp: str, wanted: Sequence[str]) -> dict[str, Any]:
    """A run of the list: the pages that lie in it; of the run that is about to be published, in the hidden folder."""
    folder = reports / "runs" / stamp
    try:
        place = folder if folder.is_dir() else folder.with_name(f".{stamp}.tmp")
        names = {each.name for each in place.iterdir()}
    except OSError as error:
        logging.getLogger(__name__).info("%s: %s", stamp, error)
        names = set()
    known = [each for name in wanted for each in (name, f"{name}-failed")]
    pages = [each for each in known if f"{each}.html" in names]
    return {
        "made_at": stamped(stamp),
        "pages": [(each.replace("-", " ").capitalize(), f"runs/{stamp}/{each}.html") for each in pages],
    }
