r"""What is new about a server since the last message: problems that began, grew or ended, and what can't be seen.

Nothing here knows who is notified, or how. A problem is a task with its verdict, and for a failure with the error of
Windows; it is new again where it began after the snapshot of the last message. Silence is never good news: a task that
could not be judged, or that may only be hidden, has not recovered. Authority: rules of our own
(``docs/notify.md``).

>>> from datetime import UTC, datetime, timedelta
>>> from taskanalysis.health import assess
>>> from taskanalysis.snapshot import Snapshot, Status
>>> moment = datetime(2026, 11, 23, tzinfo=UTC)
>>> def assessed(day, code):
...     at = moment + timedelta(days=day)
...     return assess(Snapshot("S", at, statuses={"\\A": Status("\\A", "Ready", True, at, code)}))
>>> first = find_news(assessed(0, 1), NOTHING)
>>> [line[:50] for line in first.began]
['FAILING \\A: The program ended with exit code 1; by']
>>> find_news(assessed(1, 1), first.keep).is_new, find_news(assessed(2, 0), first.keep).ended
(False, ['OK, before FAILING: \\A'])
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Self

from taskanalysis.health.assessment import Assessment
from taskanalysis.health.cases import Case
from taskanalysis.health.verdicts import Judged, Verdict
from taskanalysis.snapshot import in_scope
from taskanalysis.text import clip, listed, one_line

MOST_LINES = 25
"""Lines below one heading of a message."""
LONGEST_LINE, LONGEST_SUBJECT = 700, 200
MOST_TASKS = 12
UNREAD = "server"
"""What a doubt is about where nothing of a server can be read."""


class KnownProblem(NamedTuple):
    """A problem that is known: what it is (`problem_of`), and the time of the snapshot (aware) that showed it."""

    what: str
    at: datetime


@dataclass(frozen=True)
class Known:
    """What a target knows of a server: problems by task path, and what could not be seen, by what it is about.

    The sentences are masked; `momentary` are those of them whose end proves nothing.
    """

    problems: Mapping[str, KnownProblem] = field(default_factory=dict)
    unseen: Mapping[str, str] = field(default_factory=dict)
    momentary: frozenset[str] = frozenset()

    def to_json(self) -> dict[str, Any]:
        """As values that JSON can hold."""
        problems = {path: [problem.what, problem.at.isoformat()] for path, problem in self.problems.items()}
        return {"problems": problems, "unseen": dict(self.unseen), "momentary": sorted(self.momentary)}

    @classmethod
    def of_json(cls, content: Mapping[str, Any]) -> Self:
        """The reverse of `to_json`; ValueError, TypeError, KeyError or AttributeError for anything else.

        >>> Known.of_json(NOTHING.to_json()) == NOTHING
        True
        """
        problems = {
            str(path): KnownProblem(str(what), _aware(str(at))) for path, (what, at) in content["problems"].items()
        }
        unseen = {str(about): str(sentence) for about, sentence in content["unseen"].items()}
        return cls(problems, unseen, frozenset(map(str, content["momentary"])))


NOTHING = Known()


@dataclass(frozen=True)
class News:
    """What is new, as masked lines, and what the target knows once it has them (`keep`); `subject` is one line, too."""

    subject: str
    keep: Known
    began: Sequence[str] = ()
    grown: Sequence[str] = ()
    ended: Sequence[str] = ()
    unseen: Sequence[str] = ()
    seen_again: Sequence[str] = ()

    @property
    def _parts(self) -> dict[str, Sequence[str]]:
        return {
            "Needs attention": self.began,
            "Has grown": self.grown,
            "No longer needs attention": self.ended,
            "Could not be seen": self.unseen,
            "No longer so": self.seen_again,
        }

    @property
    def is_new(self) -> bool:
        """Whether there is anything to send."""
        return any(self._parts.values())

    def text(self, link: str = "") -> str:
        r"""The message: a heading and a line for each piece of news, and the link last.

        >>> print(News("S", NOTHING, ended=["OK, before FAILING: \\A"]).text("https://reports"))
        No longer needs attention:
        - OK, before FAILING: \A
        <BLANKLINE>
        https://reports
        """
        blocks = []
        for heading, lines in self._parts.items():
            more = len(lines) - MOST_LINES
            rows = [f"- {line}" for line in lines[:MOST_LINES]]
            rows += [f"- and {more} more" for _ in range(more > 0)]
            blocks += ["\n".join([f"{heading}:", *rows])] if rows else []
        return "\n\n".join([*blocks, *([one_line(link)] if link else [])])


def find_news(assessment: Assessment, known: Known) -> News:
    """What is new in an assessment for a target that knows `known`."""
    at = assessment.snapshot.taken_at
    new = {task.path for task in assessment.loud if _is_new(task, known.problems.get(task.path))}
    began, grown = [], []
    for case, line in zip(assessment.cases, assessment.task_lines, strict=True):
        fresh = [task.path for task in case.tasks if task.path in new]
        if len(fresh) == len(case.tasks):
            began.append(_line(line))
        elif fresh:
            grown.append(_line(f"{_name(case)} New among them: {listed(fresh, most=MOST_TASKS)}."))
    loud = {task.path: problem_of(task) for task in assessment.loud}
    ended, waiting = _ended(assessment, known)
    keep = {path: known.problems[path] for path in [*waiting, *(loud.keys() - new)]}
    problems = keep | {path: KnownProblem(loud[path], at) for path in new}
    doubts = [doubt._replace(sentence=_line(doubt.sentence)) for doubt in assessment.doubts]
    unseen: dict[str, str] = {}
    for doubt in doubts:
        unseen.setdefault(doubt.about, doubt.sentence)
    momentary = frozenset(doubt.about for doubt in doubts if doubt.is_momentary)
    return News(
        clip(one_line(assessment.subject), LONGEST_SUBJECT),
        _kept(known, problems, unseen, momentary),
        began,
        grown,
        ended,
        [doubt.sentence for doubt in doubts if doubt.about not in known.unseen],
        _seen_again(known, unseen),
    )


def unread_news(server: str, why: str, known: Known) -> News:
    """The news that nothing of a server can be read; what was known before stays known.

    >>> news = unread_news("S", "snapshot.json can't be read", NOTHING)
    >>> news.subject, news.unseen, unread_news("S", "gone", news.keep).is_new
    ("S can't be read.", ["S can't be read (snapshot.json can't be read)."], False)
    """
    sentence = _line(f"{server} can't be read ({why}).")
    keep = Known(known.problems, {UNREAD: sentence} | dict(known.unseen), known.momentary)
    subject = clip(one_line(f"{server} can't be read."), LONGEST_SUBJECT)
    return News(subject, keep, unseen=[] if UNREAD in known.unseen else [sentence])


def problem_of(task: Judged) -> str:
    """What is wrong with a task that needs attention, the same for as long as it is the same problem.

    An error of Windows is a problem of its own, an exit code is not: programs change theirs from run to run.
    """
    if task.verdict is Verdict.FAILING and task.result.is_of_windows:
        return f"{task.verdict.value} {task.result.hex}"
    return f"{task.verdict.value} {task.rule}" if task.verdict is Verdict.UNKNOWN else task.verdict.value


def _is_new(task: Judged, known: KnownProblem | None) -> bool:
    if known is None or known.what != problem_of(task):
        return True
    began = task.since
    return began is not None and began.tzinfo is not None and began > known.at


def _ended(assessment: Assessment, known: Known) -> tuple[list[str], list[str]]:
    """The problems that are over, as lines; and the paths of those of which that is not known."""
    judged = {task.path: task for task in assessment.judged}
    loud = {task.path for task in assessment.loud}
    ended: dict[tuple[str, str], list[str]] = defaultdict(list)
    waiting = []
    for path, problem in known.problems.items():
        if path not in loud:
            now = _now(assessment, judged.get(path), path, problem)
            if now:
                ended[now, problem.what].append(path)
            else:
                waiting.append(path)
    lines = [
        _line(f"{now}, before {was}: {listed(sorted(paths, key=str.casefold), most=MOST_TASKS)}")
        for (now, was), paths in ended.items()
    ]
    return lines, waiting


def _now(assessment: Assessment, task: Judged | None, path: str, known: KnownProblem) -> str:
    """What became of a problem that is no longer listed, in a word; "" where that is not known."""
    snapshot = assessment.snapshot
    if task is None:
        is_gone = in_scope(path, [assessment.folder] if assessment.folder else []) and snapshot.statuses
        return "removed" if is_gone and not snapshot.faults else ""
    if task.ignored:
        return "muted by rules.toml"
    if task.verdict is Verdict.UNKNOWN:
        return ""
    is_late = known.what == Verdict.OVERDUE.value
    return "" if task.doubt and (is_late or task.verdict is not Verdict.OK) else task.verdict.value


def _kept(
    known: Known, problems: dict[str, KnownProblem], unseen: Mapping[str, str], momentary: frozenset[str]
) -> Known:
    """What to keep; sentences stay as they were sent, so that nothing is written for a new number."""
    sentences = {about: known.unseen.get(about, sentence) for about, sentence in unseen.items()}
    return Known(dict(sorted(problems.items())), sentences, momentary)


def _seen_again(known: Known, unseen: Mapping[str, str]) -> list[str]:
    return [
        sentence for about, sentence in known.unseen.items() if about not in unseen and about not in known.momentary
    ]


def _name(case: Case) -> str:
    """A case that has grown, in one sentence with its next step."""
    what = case.incident.cause if case.incident else f"{case.verdict.value} {case.title}."
    return f"{what} Next: {case.advice}"


def _line(text: str) -> str:
    # masked before it is cut: half a secret would not be known as one
    return clip(one_line(text), LONGEST_LINE)


def _aware(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without offset")
    return moment
