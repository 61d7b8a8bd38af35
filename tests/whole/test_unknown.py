"""Where nothing is known, nothing is claimed: each page, the index and `check`, made of each incomplete input.

``python -m tests.whole.test_unknown NAME`` prints all text that is made of one of `INPUTS`, to be read.
"""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

import nbformat
import pytest
from lxml import html

from taskanalysis.cli.check import FORMATS, Check
from taskanalysis.errors import SnapshotError
from taskanalysis.health import assess, known_history, rules_of
from taskanalysis.publish import make
from taskanalysis.publish.index import index_page, read_standing
from taskanalysis.publish.pages import Rendered, Run
from taskanalysis.snapshot import read_snapshot, stale_after
from taskanalysis.snapshot.status import Status
from tests.build import CORPUS, FILES, hours, page_of, scheduled, status, write

ROADS, OLD = r"\Town\Roads", r"\Town\Old"
NEW_YORK = "America/New_York"
NOON = datetime(2026, 11, 24, 17, tzinfo=UTC)
DAILY = (
    "<CalendarTrigger><StartBoundary>2026-01-05T06:00:00</StartBoundary>"
    "<ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay></CalendarTrigger>"
)
DEFINITIONS = {ROADS: scheduled(DAILY), OLD: scheduled(DAILY, "<Enabled>false</Enabled>")}
EXPORT = (
    "TaskName,TaskPath,State,LastRunTime,LastTaskResult,NextRunTime\r\n"
    "Roads,\\Town\\,Ready,2026-11-24 06:00:05,0,2026-11-25 06:00:00\r\n"
    "Old,\\Town\\,Disabled,2026-11-02 06:00:00,0,\r\n"
)
UNREADABLE = EXPORT.replace("2026-11-24 06:00:05", "at dawn 6").replace("2026-11-02 06:00:00", "once 7")
SHORT = '"TaskName","Next Run Time","Status"\r\n"\\Town\\Roads","11/25/2026 6:00:00 AM","Ready"\r\n'
NO_RESULT = '"TaskName","Status","Last Run Time"\r\n"\\Town\\Roads","Ready","11/24/2026 6:00:00 AM"\r\n'


# Incomplete inputs ----------------------------------------------------------------------------------------------------


def folder(data: Path, text: str = "", defined: bool = True) -> None:
    """A folder of task XML and of a status file with this text, as of `NOON`."""
    files = {f"{path[1:]}.xml".replace("\\", "/"): xml for path, xml in DEFINITIONS.items() if defined}
    files |= {"status.csv": text.encode()} if text else {}
    for name, content in files.items():
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(content)
        os.utime(data / name, (NOON.timestamp(), NOON.timestamp()))


def unknown_language(data: Path) -> None:
    folder(data, (FILES / "statuses" / "icelandic.csv").read_text(encoding="utf-8"))


def share(data: Path, days: int, *, defined: bool = True, **given: Any) -> None:
    """A share of daily snapshots; without statuses where a value of `given` is None."""
    for day in range(days):
        taken = hours(24 * (day - days + 1) + 1)
        last = taken.replace(hour=11, minute=0, second=5)
        rows = [
            status(ROADS, last, 0, next_run=last + timedelta(days=1)),
            status(OLD, hours(-300), 0, state="Disabled", enabled=False, next_run="never"),
        ]
        rows = [Status(row.path, **{name: getattr(row, name) for name in given.get("holds", _ALL)}) for row in rows]
        rows = rows if given.get("collected", True) else []
        holds = given.get("holds", _ALL)
        write(data, 24 * (day - days + 1) + 1, *rows, definitions=DEFINITIONS if defined else None, holds=holds)


_ALL = ("state", "enabled", "last_run", "last_result", "next_run", "missed_runs")

INPUTS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "definitions": ("past status judged", folder),
    "statuses": ("past definitions judged", lambda data: folder(data, EXPORT, defined=False)),
    "both, without a zone": ("past zone judged", lambda data: folder(data, EXPORT)),
    "unreadable times": ("past judged", lambda data: folder(data, UNREADABLE)),
    "unknown language": ("past judged", unknown_language),
    "short CSV": ("past judged result", lambda data: folder(data, SHORT)),
    "short CSV alone": ("past definitions judged result", lambda data: folder(data, SHORT, defined=False)),
    "CSV without results": ("past judged result next", lambda data: folder(data, NO_RESULT)),
    "one snapshot": ("past", lambda data: share(data, 1)),
    "share of definitions": ("status judged result", lambda data: share(data, 3, collected=False)),
    "share of statuses": ("definitions judged", lambda data: share(data, 12, defined=False)),
    "share without last runs": ("judged result", lambda data: share(data, 12, holds=("state", "enabled", "next_run"))),
    "share without results": ("judged result next", lambda data: share(data, 12, holds=("state", "last_run"))),
    "history without a log": ("", lambda data: share(data, 12)),
}
"""What each input lacks (`CLAIMS`), and what writes it."""

CLAIMS = {
    "past": (
        r"failing (now|a week ago)|No (run|task) (that|had)|\d finished run|ended in the last",
        r"No (missed|expected) start is known|No start was expected|No week is known|\d starts? .*were expected",
        r"Nothing changed|No change is known, as far|Nothing since|\d changes?:|No snapshot is missing",
        r"(failing at the end of each day|each day end|hours do runs start)\? (?!Not known)|good.*shaded",
    ),
    "status": (
        r"it is ours|Every definition has its status|none without its partner|No task is missing|No cause",
        r"Nothing changed|No missed start|missed a start|failing (now|a week ago)|No run (that|is known)|\b0 runs",
        r"attention=\d|\"attention\": \d|\"tasks\": \d|not_judged.* 0$|No task is judged|no run known|\| OK",
    ),
    "definitions": (
        r"\d task definitions? read|They are of|No start in the 24|\b\d starts? of|longest time without|No three tasks",
        r"it is ours|There is (none|no task)|Nothing was found|Nothing changed|Nothing since|No task is missing",
        r"Every definition|none without its partner|No missed start|[Mm]issed starts \||missed a start",
        r"No password|can be put back|tasks? disabled\.|removed, changed",
    ),
    "zone": (r"No start in the 24|\b\d starts? of|No three tasks|it is ours|No missed start|Starts in 24 hours ?none",),
    "judged": (
        r"no need to worry|Nothing to do|None of \d|No task (on|needs)|\b0 (tasks? )?need|No cause is shared",
        r"attention=\d|\"attention\": \d|needs_attention{.*Roads.*} \d|not_judged.* 0$",
    ),
    "result": (
        r"failing (now|a week ago)|No run that|No task had|\d %|\b0 runs|Runs \| Succeeded|succeeded|ended without",
        r"failing at the end of each day\? (?!Not known)|each day end\? (?!Not known)|\bOK\b.*(?<! 0)$|last_result{",
    ),
    "next": (r"it is ours|plans no further start|Next start",),
}
"""What must not be said where something is lacking: the moments before, statuses, definitions, the zone, ..."""


# What is made of them -------------------------------------------------------------------------------------------------


def shown(item: Any) -> tuple[str, Mapping[str, Any] | None]:
    """What a cell shows as HTML, and what the index says of it."""
    if hasattr(item, "_repr_html_"):
        return item._repr_html_(), None
    bundle = item._repr_mimebundle_()
    return bundle["text/html"], next((value for name, value in bundle.items() if "card" in name), None)


def rendered(name: str, parameters: Mapping[str, str]) -> Rendered:
    """The cells of a notebook, run here in one process."""
    parts: list[str] = []
    cards: list[Mapping[str, Any]] = []
    names: dict[str, Any] = {}

    def display(*items: Any) -> None:
        for item in items:
            text, card = shown(item)
            parts.append(text)
            cards.extend([card] if card else [])

    for number, cell in enumerate(nbformat.read(make.notebook_file(name), 4).cells):
        if cell.cell_type == "markdown":
            head, _, text = cell.source.partition("\n")
            parts += [f"<h2>{escape(head[3:])}</h2><p>{escape(text)}</p>"] if number else []
            continue
        *before, last = [line for line in cell.source.splitlines() if line.strip()]
        if number == 1:
            exec(cell.source, names)
            names |= {"display": display, **parameters}
            continue
        exec("\n".join(before), names)
        value = eval(last, names)
        if value is not None and value is not names["page"].heading:
            display(value)
    heading = names["page"].heading
    return Rendered(names["page"].title, "".join(parts), heading.read_at, heading.stale_after, cards[0])


def text_of(file: Path) -> str:
    """The text of a page, with the words of its figures; a line for each block."""
    page = page_of(file).find(".//body")
    for figure in page.xpath("//*[@aria-label]"):
        figure.text = f" [{figure.get('aria-label')}] "
    for gone in page.xpath("//script|//style|//details[@class='legend']|//nav|//footer"):
        gone.drop_tree()
    marked = re.sub(r"<(t[dh])\b", r" | <\1", html.tostring(page, encoding="unicode"))
    marked = re.sub(r"<(tr|p|li|h\d|div|dt|details|summary|caption)\b", r"&#10;<\1", marked)
    text = html.fromstring(marked).text_content()
    return "\n".join(" ".join(line.split()) for line in text.splitlines() if line.strip())


def texts(data: Path, out: Path, zone: str) -> Iterator[tuple[str, str]]:
    """The text of all pages, of the index, of the files of the status page, and of `check` in each format."""
    snapshot = read_snapshot(data, zone=zone)
    parameters = {"data": str(data), "zone": zone}
    names = ("status", "inventory", "trends", "tasks")
    now = snapshot.taken_at
    run = Run("20261124T180000Z", now, now, stale_after(snapshot), snapshot.zone, names, (), snapshot.server)
    made = make._Made(run, out, out, parameters)
    for name in names:
        made.rendered[name] = rendered(name, parameters | {"save_to": str(made.files[name])})
    standing = read_standing(made.files["status"] / "status.json")
    made.write_pages(standing, now)
    made.write_summary(standing, now)
    shutil.copy(made.files["status"] / "status.json", made.latest)  # as `publish` does
    cards = {name: page.card for name, page in made.rendered.items() if page.card}
    index = index_page(out, made.run, failed=[], cards=cards)(["20261124T180000Z"], [])
    (made.latest / "index.html").write_text(index, encoding="utf-8")
    for file in sorted(made.latest.glob("*.html")):
        yield file.stem, text_of(file)
    yield "summary", (made.latest / "summary.txt").read_text(encoding="utf-8")
    yield "status.json", (made.latest / "status.json").read_text(encoding="utf-8")
    check = Check([assess(snapshot, rules_of(snapshot.share), "", known_history(snapshot), now)])
    for form in FORMATS:
        yield f"check {form}", check.render(form)


def claims(lacking: str, text: str) -> list[str]:
    """The lines that say something of what is lacking."""
    patterns = [re.compile(pattern) for name in lacking.split() for pattern in CLAIMS[name]]
    return [line for line in text.splitlines() if any(pattern.search(line) for pattern in patterns)]


@pytest.mark.parametrize("name", INPUTS)
def test_nothing_is_claimed_of_what_is_not_known(name: str, tmp_path: Path) -> None:
    lacking, make_input = INPUTS[name]
    (data := tmp_path / "data").mkdir()
    make_input(data)
    found = {
        what: lines
        for what, text in texts(data, tmp_path / "out", "" if "zone" in name else NEW_YORK)
        if (lines := claims(lacking, text))
    }
    assert found == {}


def test_all_that_is_known_is_said(tmp_path: Path) -> None:
    """Each pattern would be of no use where no page had such words."""
    share(tmp_path, 12)
    text = "\n".join(text for _, text in texts(tmp_path, tmp_path / "out", ""))
    for name in ("past", "status", "definitions", "result"):
        assert claims(name, text), name


REAL = sorted(file for file in CORPUS.rglob("*") if file.is_file() and file.suffix not in (".tsv", ".md"))


@pytest.mark.slow
@pytest.mark.skipif(not REAL, reason="the real files lie beside some checkouts alone")
@pytest.mark.parametrize("part", range(8))
def test_nothing_is_claimed_of_what_real_files_lack(part: int, tmp_path: Path) -> None:
    found = {}
    for number, file in enumerate(REAL[part::8]):
        zone = NEW_YORK if number % 4 else ""
        try:
            snapshot = read_snapshot(file, zone=zone)
        except SnapshotError:
            continue
        lacking = "past" + " zone" * (not zone) + " definitions" * (not snapshot.tasks)
        lacking += " status" * (not snapshot.statuses and bool(snapshot.within()))
        lacking += " result" * (bool(snapshot.statuses) and "last_result" not in snapshot.holds)
        for what, text in texts(file, tmp_path / str(number), zone):
            if lines := claims(lacking, text):
                found[file.name, what] = lines
    assert found == {}


def main(name: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        (data := Path(place) / "data").mkdir()
        INPUTS[name][1](data)
        for what, text in texts(data, Path(place) / "out", "" if "zone" in name else NEW_YORK):
            print(f"\n===== {what}\n{text}")


if __name__ == "__main__":
    main(sys.argv[1])
