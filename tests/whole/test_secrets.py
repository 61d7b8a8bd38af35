"""No secret leaves the package, whichever way it goes out and whatever stands inside it to hide it."""

import io
import json
import re
import tempfile
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from taskanalysis.cli import collect, own_task
from taskanalysis.cli import diff as shown_diff
from taskanalysis.cli.check import FORMATS, Check
from taskanalysis.cli.log import logged
from taskanalysis.cli.main import fail
from taskanalysis.cli.report import progress
from taskanalysis.cli.restore import plan_lines, result_lines
from taskanalysis.definition import model
from taskanalysis.definition.duration import Duration
from taskanalysis.definition.model import TaskDefinition
from taskanalysis.definition.reader import read_task
from taskanalysis.errors import Problem
from taskanalysis.health import NOTHING, Assessment, Judged, assess, find_news, judge, unread_news
from taskanalysis.health.cases import Case
from taskanalysis.history import Diff, History, diff, read_logs
from taskanalysis.history.store import LoadedDay
from taskanalysis.publish.index import index_page, read_reports, servers_page
from taskanalysis.publish.notebooks import Failure
from taskanalysis.publish.pages import Run, failure_page, shown
from taskanalysis.report import TaskStories
from taskanalysis.report.cards import cards
from taskanalysis.report.columns import frame
from taskanalysis.report.display import Answer, Look, Sentences
from taskanalysis.report.files import save
from taskanalysis.results import decode
from taskanalysis.snapshot.evidence import ProgramFile
from taskanalysis.snapshot.needs import Needs
from taskanalysis.snapshot.snapshot import Snapshot, write_snapshot
from taskanalysis.snapshot.status import Status
from taskanalysis.windows.collect import Collected
from taskanalysis.windows.restorable import Wanted
from taskanalysis.windows.restore import Action, Plan, Restored, Step
from tests.build import definition, report, text_in

NOW = datetime(2026, 11, 23, 11, 2, tzinfo=UTC)
SECRETS = [
    "--password S3cret",
    "--pass\u200bword S3cret",  # zero-width space
    "--password\u200bS3cret",
    "--pass\u00adword=S3\u00adcret",  # soft hyphen
    "--pass\ufe0fword S3cret",  # variation selector
    "--password\u2060\u0085S3cret",  # word joiner, next line
    "--password\u2028S3cret",  # line separator
]
# XML can't hold these; statuses, names of files and errors can
CONTROLS = [
    "--password\x00S3cret",
    "--pass\x00word S3cret",
    "--pass\x1fword S3cret",
    "--pass\u200bword\x00S3cret",
    "--pass\x1b[0mword S3cret",
    "--password\nS3cret",
]


def is_shown(text: object) -> bool:
    """Whether the secret can be read in a text, with or without something between its letters."""
    return re.search(r"S3[^A-Za-z]{0,8}cret", str(text)) is not None


def plan_of(text: str) -> list[str]:
    wanted = Wanted(f"\\Load {text}", "<Task/>", read_task(b"<Task/>"))
    steps = tuple(Step(wanted, action, (text,)) for action in Action)
    named = {text: [f"\\Load {text}"]}
    plan = Plan(steps, (Problem(text, text),), unknown=named, absent=named, needs=Needs(passwords=named))
    return plan_lines(plan, Snapshot(text, NOW), text)


def judged_of(text: str) -> list[Judged]:
    path = f"\\Load {text}"
    return [
        replace(each, reason=text, result=replace(each.result, advice=text))
        for each in judge(Snapshot("S", NOW, statuses={path: Status(path, "Ready", True, NOW, 1)}))
    ]


def checked(text: str, form: str) -> str:
    judged = judged_of(text)
    problems = [Problem(text, text), Problem(f"{text}/status.csv", text)]
    snapshot = Snapshot(text, NOW, problems=problems, others=(text,))
    return Check([Assessment(snapshot, judged, now=NOW)], [Problem(text, text)]).render(form)


RUN = Run("20261123T110200Z", NOW, NOW, NOW, "UTC", ["status"])


def failed(text: str) -> str:
    failure = Failure("status", text, text, text)
    return failure_page(failure, RUN, {"data": text}, kept=True, has_good=True, answer=text)


def indexed(text: str) -> str:
    """The index of a folder whose ``status.json`` and page have the text wherever it fits, and of several servers."""
    with tempfile.TemporaryDirectory() as folder:
        latest = Path(folder) / "latest"
        latest.mkdir()
        told = {"tasks": [], "cases": [case_of(text)], "unseen": [text], "backup": {"sentence": text}}
        texts = dict.fromkeys(("title", "headline"), text)
        (latest / "status.json").write_text(json.dumps({**told, **texts}), encoding="utf-8")
        card = {"answer": text, "points": [], "figure": "", "is_good": True}
        rows = [read_reports(text, Path(folder), ""), read_reports("X", Path(folder), shown(text))]
        one = index_page(Path(folder), RUN, failed=[], cards={"status": card}, rows=rows)([], [])
        return one + servers_page(rows, RUN, [Problem(text, text)])


def case_of(text: str) -> dict[str, object]:
    names = ("title", "verdict", "account", "since", "why", "advice")
    return dict.fromkeys(names, text) | {"code": 1, "tasks": [text]}


def carded(text: str) -> str:
    """The cards of a task and of three that share a cause."""
    found = Assessment(Snapshot("S", NOW), judged_of(text))
    several = Case(found.judged * 3)
    made = cards([*found.cases, several], Look(NOW), lambda case: "", {judged_of(text)[0].path: f"It said {text}"})
    return made.html + made.words


def told(text: str) -> str:
    """The story of a task with the text in its path, definition and status."""
    path = f"\\Load {text}"
    tasks = {path: read_task(definition("x" if text in CONTROLS else text).encode())}
    statuses = {path: Status(path, "Ready", True, NOW - timedelta(days=1), 1)}
    holds = frozenset({"definitions"})
    snapshot = Snapshot("S", NOW, statuses=statuses, tasks=tasks, holds=holds, files={path: f"{text}.xml"})
    assert assess(snapshot).loud
    return "".join(map(str, TaskStories(snapshot).stories[0].html))


def answered(text: str) -> str:
    return str(Answer(text, text, [text], [text], points=[text])._repr_mimebundle_())


def spoken(say: Callable[[], object]) -> str:
    """What a command prints, on either stream."""
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed), suppress(SystemExit):
        say()
    return printed.getvalue()


def collected(text: str) -> Collected:
    return Collected(Path(text), text, 1, 1, warnings=(text,), problems=(Problem(text, text),))


def differing(text: str) -> str:
    """What a comparison shows of sides with the text in names, paths, definitions and problems."""
    xml = definition("x" if text in CONTROLS else text).encode()
    tasks = {f"\\Load {text}": read_task(xml), "\\B": read_task(xml), "\\C": read_task(xml)}
    statuses = {f"\\D {text}": Status(f"\\D {text}")}
    one = Snapshot(text, NOW, tasks=tasks, problems=[Problem(text, text)], source=Path(text))
    two = Snapshot(text, NOW, tasks={"\\B": read_task(b"<Task/>")}, statuses=statuses)
    found = [diff(one, two), diff(two, one)]
    assert found[0].changes
    assert found[0].unknown
    forms = [shown_diff.text, shown_diff.as_json, shown_diff.markdown, repr, Diff._repr_html_]
    return "".join(form(each) + str(each.frame.to_dict()) for form in forms for each in found)


def at_a_prompt(text: str) -> str:
    """What a snapshot, a definition, a history and a result show at a prompt and in a notebook."""
    tasks = {f"\\Load {text}": read_task(definition("x" if text in CONTROLS else text).encode())}
    snapshot = Snapshot(text, NOW, tasks=tasks, problems=[Problem(text, text)], source=Path(text))
    logged = read_logs(Path(), [])
    day = LoadedDay(text, text, None, [{"snapshot": text}])
    history = History(Path(text), [Problem(text, text)], [day], {}, logged, computed=text)
    result = replace(decode(1), name=text, meaning=text, advice=text)
    return "".join(repr(each) + each._repr_html_() for each in (snapshot, *tasks.values(), history, result))


def parts_at_a_prompt(text: str) -> str:
    """What each part of a definition that holds text, a status, a file that is started and a problem show."""
    parts = [kind for kind in vars(model).values() if is_dataclass(kind) and isinstance(kind, type)]
    made: list[Any] = [Status(text, state=text), ProgramFile(text, 1, text, text), Problem(text, text)]
    made += [part(**_filled(part, text)) for part in parts if part is not TaskDefinition]
    assert len(made) > 25
    return "".join(map(repr, made))


def _filled(part: type[Any], text: str) -> dict[str, Any]:
    """The fields of a part that hold text or several, filled with it, and those that must be given."""
    texts = {"str": text, "tuple[str, ...]": (text,), "tuple[tuple[str, str], ...]": ((text, text),)}
    given = {"interval": Duration(), "schedule": model.ScheduleByDay()}
    values = {**{each.name: texts.get(str(each.type)) for each in fields(part)}, **given}
    return {each.name: values[each.name] for each in fields(part) if values[each.name]}


def saved(text: str, folder: Path) -> str:
    return "\n".join(map(text_in, save({"problems": frame("problems", [{"file": text, "what": text}])}, folder)))


def notified(text: str) -> str:
    """The messages about a server with the text in its name, tasks, reasons and problems, and what was seen again."""
    found = Assessment(Snapshot(text, NOW, problems=[Problem(text, text)]), judged_of(text), no_rules=text)
    first = find_news(found, unread_news(text, text, NOTHING).keep)
    ended = find_news(replace(found, judged=[], no_rules=""), replace(first.keep, momentary=frozenset()))
    news = [first, ended, unread_news(text, text, NOTHING)]
    assert all(each.is_new for each in news)
    return "".join(each.subject + each.text() for each in news)


def logged_line(text: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        with logged(Path(folder) / "our.log", "collect"):
            spoken(lambda: fail(text, 2))
        return (Path(folder) / "our.log").read_text(encoding="utf-8")


WAYS: dict[str, Callable[[str], object]] = {
    "plan of restore": plan_of,
    "results of restore": lambda text: result_lines([Restored(text, "failed", text)]),
    **{f"check, {form}": lambda text, form=form: checked(text, form) for form in FORMATS},  # type: ignore[misc]
    "error on stderr": lambda text: spoken(lambda: fail(text, 2)),
    "message of notify": notified,
    "log of a command": logged_line,
    "collect": lambda text: spoken(lambda: collect._print(collected(text))),
    "progress of report": lambda text: spoken(lambda: progress(text)),
    "page of a failed report": failed,
    "index and page of all servers": indexed,
    "cards": carded,
    "story": told,
    "answer": answered,
    "comparison": differing,
    "prompt": at_a_prompt,
    "prompt, parts": parts_at_a_prompt,
    "text on a page": shown,
    "sentences": lambda text: Sentences([text])._repr_html_() + str(Sentences([text])),
    "frame": lambda text: frame("problems", [{"file": text, "what": text}]).to_dict(),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("text", [*SECRETS, *CONTROLS], ids=repr)
def test_no_secret_goes_out(way: str, text: str) -> None:
    assert not is_shown(WAYS[way](text))


@pytest.mark.parametrize("text", [*SECRETS, *CONTROLS], ids=repr)
def test_no_secret_is_in_a_csv(text: str, tmp_path: Path) -> None:
    assert not is_shown(saved(text, tmp_path))


@pytest.mark.parametrize("text", SECRETS, ids=repr)
def test_own_task_says_no_secret(text: str, tmp_path: Path) -> None:
    xml = definition(text).encode()
    assert not is_shown(spoken(lambda: own_task._print(tmp_path / ("Load " + text.replace("\\", "")), xml)))


@pytest.fixture(scope="module")
def latest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder ``latest`` of a report on tasks with these secrets in all their texts."""
    data, out = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("reports")
    texts = {f"\\{number} " + text.replace("\\", ""): text for number, text in enumerate(SECRETS)}
    write_snapshot(
        data,
        server="SERVER",
        taken_at=NOW,
        zone="America/New_York",
        statuses=[Status(path, "Ready", True, NOW - timedelta(days=1), 1) for path in texts],
        definitions={path: definition(text).encode() for path, text in texts.items()}
        | {f"\\broken {SECRETS[1]}": b"<Task><b --password S3cret>"},
    )
    done = report(out, "--data", str(data))
    assert done.returncode == 0, done.stderr
    assert not is_shown(done.stdout + done.stderr)
    return out


@pytest.mark.slow
def test_no_file_of_a_report_holds_a_secret(latest: Path) -> None:
    files = {file for file in latest.rglob("*") if file.suffix in (".html", ".csv", ".parquet", ".json", ".txt")}
    named = {"index.html", "status.html", "tasks.html", "status.json", "status.csv", "triggers.csv", "summary.txt"}
    assert {file.name for file in files} >= named
    assert [file.name for file in files if is_shown(text_in(file))] == []
    assert "\u200b" not in pd.read_csv(latest / "latest" / "actions.csv")["arguments"].to_string()
