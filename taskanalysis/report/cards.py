r"""Cards: what there is to do, a card for each thing that one step mends, as HTML.

>>> from taskanalysis.report.status import StatusPage
>>> cards = StatusPage.read("data").cards
>>> cards.words.splitlines()[0][:53]
'1. FAILING 9 tasks cannot log on as TOWN\\opendata: Th'
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from taskanalysis.health import Case, Judged, Verdict
from taskanalysis.report.commands import case_lines
from taskanalysis.report.display import Html, Look, badge, shown
from taskanalysis.snapshot import said_last
from taskanalysis.text import ago, clip, count, listed, mask, mask_lines, one_line

MOST_CARDS = 12
"""Cards of a page; further cases are rows of a table."""
MOST_NAMED = 20
"""Tasks that a card names."""
MOST_SAID = 200
"""Characters of what a task last wrote."""
_LATE = ("OVERDUE", "RUNNING LONG", "UNKNOWN")


def cards(cases: Sequence[Case], look: Look, strip: Callable[[Case], str], logs: Mapping[str, str]) -> Html:
    """The first `MOST_CARDS` cases as cards; `strip` draws the days of one, `logs` is what tasks last wrote."""
    chosen = cases[:MOST_CARDS]
    items = "".join(f"<li{_kind(case)}>{_card(case, look, strip(case), logs)}</li>" for case in chosen)
    words = "\n".join(f"{number}. {_words(case)}" for number, case in enumerate(chosen, 1))
    return Html(f'<ol class="todo mathjax_ignore">{items}</ol>' if items else "", words)


def _kind(case: Case) -> str:
    return ' class="warn"' if case.verdict.value in _LATE else ""


def _card(case: Case, look: Look, strip: str, logs: Mapping[str, str]) -> str:
    """State, name and days, the reason, the next step; since when, whom to ask, what to copy."""
    alone = len(case.tasks) == 1
    title = look.task(mask(case.title)) if alone else shown(mask(case.title))
    new = f'<span class="new">{case.novelty}</span> ' if case.novelty else ""
    # masked first: a secret may stand on the line behind its name
    said = one_line(said_last(mask_lines(logs.get(case.first.path, "")))) if alone else ""
    wrote = f" It last wrote: <samp>{shown(clip(said, MOST_SAID))}</samp>" if said else ""
    notes = "".join(f"<p>Note: {shown(mask(note))}</p>" for note in case.notes)
    folded = [line.html() for line in case_lines(case)]
    folded[:0] = [] if alone else [_tasks(case.tasks, look)]
    return (
        f"<h2 class=what>{new}{badge(case.verdict.value)} {title}</h2>{strip}"
        f"<p>{look.sentence(mask(case.why))}{wrote}</p>"
        f'<p class="next"><b>Next:</b> {look.sentence(mask(case.advice))}</p>{notes}'
        f'<div class="more">{_since(case, look)}{_owner(case)}{"".join(folded)}</div>'
    )


def _tasks(tasks: Sequence[Judged], look: Look) -> str:
    items = "".join(f"<li>{look.task(mask(task.path))}</li>" for task in tasks[:MOST_NAMED])
    if len(tasks) > MOST_NAMED:
        items += f"<li>and {len(tasks) - MOST_NAMED:,} more, among all tasks below</li>"
    return f"<details><summary>The {count(len(tasks), 'task')}</summary><ul>{items}</ul></details>"


def _since(case: Case, look: Look) -> str:
    if not case.since:
        return ""
    since = "since" if case.first.past.last_success or case.verdict is not Verdict.FAILING else "since, at least,"
    if not look.near or not case.since.tzinfo:
        return f"<span>{since} {look.time(case.since)}</span>"
    began = case.since.astimezone(look.near.tzinfo)
    return f"<span>{since} {look.time(began)} ({ago(look.near - began)})</span>"


def _owner(case: Case) -> str:
    return f"<span>Owner: {shown(mask(listed(case.owners)))}</span>" if case.owners else ""


def _words(case: Case) -> str:
    new = f" ({case.novelty})" if case.novelty else ""
    return one_line(f"{case.verdict.value}{new} {case.title}: {case.why} Next: {case.advice}")
