"""Measure the pages in Chromium, as a reader meets them: ``python -m docs.measure_pages`` prints a Markdown table.

The pages are those of the sample share, and of a server with 1,000 tasks, copies of the sample's. The goals are what
earlier drafts of the pages reached. Exit code 1 where one is missed.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import click
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from benchmarks.reports import chromium
from taskanalysis.snapshot import list_servers, sample_share

TASKS = 1_000
DESK, PHONE, ZOOMED = (1280, 800), (390, 844), (640, 400)
REPORTS = ("status", "tasks", "inventory", "trends")


class Figure(NamedTuple):
    """What was measured, its value, and the goal it must not pass: at most, or at least where `least`."""

    what: str
    value: float
    goal: float
    least: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the goal is reached."""
        return self.value >= self.goal if self.least else self.value <= self.goal


def copied(share: Path, target: Path, number: int = TASKS) -> Path:
    """A share of so many tasks: copies of the sample's, each copy in a folder of its own."""
    for manifest in sorted((share / "snapshots").glob("*/*/*/snapshot.json")):
        folder = manifest.parent
        beside = target / folder.relative_to(share)
        beside.mkdir(parents=True)
        content = json.loads(manifest.read_text(encoding="utf-8"))
        head, *rows = (folder / "status.csv").read_text(encoding="utf-8").splitlines(keepends=True)
        rows = [row for row in rows if "\\Microsoft\\" not in row]
        copies = number // len(rows) + 1
        moved = [_moved(row, n) for n in range(copies) for row in rows][:number]
        files = {"status.csv": (head + "".join(moved)).encode()}
        kept = {row.lstrip('"')[1:].split(",")[0].split('"')[0] for row in moved}
        for file in sorted(folder.glob("tasks/**/*.xml")):
            name = file.relative_to(folder / "tasks").as_posix()
            if name.startswith("Microsoft/"):
                continue
            places = [f"Office {n:02}/{name}" for n in range(copies)]
            stored = [place for place in places if unquote(place.removesuffix(".xml").replace("/", "\\")) in kept]
            files |= {f"tasks/{place}": file.read_bytes() for place in stored}
        for name, data in files.items():
            (beside / name).parent.mkdir(parents=True, exist_ok=True)
            (beside / name).write_bytes(data)
        content["sha256"] = {name: sha256(data).hexdigest() for name, data in files.items()}
        content["tasks"] = len(moved)
        (beside / "snapshot.json").write_text(json.dumps(content), encoding="utf-8")
    return target


def _moved(row: str, number: int) -> str:
    """A row of ``status.csv`` whose task lies in a folder more, quoted or not."""
    quoted = row.startswith('"')
    return f'"\\Office {number:02}{row[1:]}' if quoted else f"\\Office {number:02}{row}"


@contextmanager
def made() -> Iterator[tuple[Path, Path]]:
    """The folders of the reports of both shares."""
    root = Path(tempfile.mkdtemp(prefix="measure-"))
    try:
        for name, data in (("small", sample_share()), ("large", copied(sample_share(), root / "share"))):
            given = ["--data", str(data), "--at", _last(data)] if name == "large" else []
            command = [sys.executable, "-m", "taskanalysis", "report", "--reports", str(root / name), *given]
            subprocess.run(command, check=True, capture_output=True)  # noqa: S603
        yield root / "small" / "latest", root / "large" / "latest"
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _last(data: Path) -> str:
    (server,) = list_servers(data)
    manifest = max((data / "snapshots" / server).glob("*/*/snapshot.json"))
    return str(json.loads(manifest.read_text(encoding="utf-8"))["taken_at"])


# Measures -------------------------------------------------------------------------------------------------------------


def opened(browser: Browser, file: Path, size: tuple[int, int], **context: Any) -> Page:
    """A page from file://, without network."""
    page = browser.new_context(
        offline=True, bypass_csp=True, viewport={"width": size[0], "height": size[1]}, **context
    ).new_page()
    page.goto(file.as_uri())
    return page


def words_before(page: Page, selector: str) -> int:
    """Words that a reader sees before an element."""
    text = page.evaluate(
        """selector => { const range = document.createRange(); range.setStart(document.body, 0);
        range.setEndBefore(document.querySelector(selector)); const box = document.createElement('div');
        box.append(range.cloneContents()); box.querySelectorAll('.skip, style, script').forEach(e => e.remove());
        for (const e of box.querySelectorAll('*')) e.after(' '); return box.textContent; }""",
        selector,
    )
    return len(text.split())


def measure(browser: Browser, small: Path, large: Path) -> list[Figure]:
    """All figures of the table."""
    desk = opened(browser, small / "status.html", DESK)
    wide = opened(browser, large / "status.html", DESK)
    phone = opened(browser, small / "status.html", PHONE)
    zoomed = opened(browser, small / "status.html", ZOOMED)
    bottoms = desk.locator(".todo > li .next").evaluate_all("all => all.map(e => e.getBoundingClientRect().bottom)")
    largest = max(file.stat().st_size for folder in (small, large) for file in folder.glob("*.html"))
    first = "document.querySelector('.todo > li').getBoundingClientRect().bottom"
    violations = sum(
        Axe().run(opened(browser, small / f"{name}.html", size, color_scheme=scheme)).violations_count
        for name in REPORTS
        for size, scheme in ((DESK, "light"), (DESK, "dark"), (PHONE, "light"))
    )
    narrow = [opened(browser, large / f"{name}.html", (360, 740)) for name in REPORTS]
    return [
        Figure("words before the number of things to do", words_before(desk, "h1"), 29),
        Figure("words before the first next step", words_before(desk, ".next"), 93),
        Figure("pixels down to the last next step of the sample, 1280×800", max(bottoms, default=0), 800),
        Figure("clicks from a failing task to its story", _clicks(desk), 1),
        Figure("rows on a screen, 1,000 tasks", _rows(wide), 22, least=True),
        Figure("status of 1,000 tasks, KB", (large / "status.html").stat().st_size / 1000, 475),
        Figure("largest page, KB", largest / 1000, 500),
        Figure("screens of status on a phone", _screens(phone, PHONE), 6),
        Figure("axe violations, light, dark, phone", violations, 0),
        Figure("A4 sheets of status", _sheets(desk), 2),
        Figure("sorting 1,000 tasks, ms", _sorting(wide), 200),
        Figure("filtering 1,000 tasks, ms", _filtering(wide), 200),
        Figure("first paint of 1,000 tasks, ms", _paint(browser, large / "status.html"), 500),
        Figure("pixels wider than a screen of 360", max(_wider(page) for page in narrow), 0),
        Figure("pixels down to the end of the first card, 200 % zoom", zoomed.evaluate(first), ZOOMED[1]),
    ]


def _clicks(page: Page) -> int:
    """1 where the first link of a card opens a story; 99 where it does not."""
    page.locator(".todo .what a").first.click()
    page.wait_for_load_state()
    story = page.locator(".story:visible")
    found = story.count() == 1
    page.go_back()
    return 1 if found else 99


def _rows(page: Page) -> int:
    script = """() => { const table = document.querySelector('.chips'); scrollTo(0, table.tBodies[0].rows[30].offsetTop
        + table.offsetTop); const top = table.tHead.getBoundingClientRect().height; return [...table.tBodies[0].rows]
        .map(r => r.getBoundingClientRect()).filter(b => b.top >= top && b.bottom <= innerHeight).length; }"""
    return int(page.evaluate(script))


def _screens(page: Page, size: tuple[int, int]) -> float:
    return float(page.evaluate("document.documentElement.scrollHeight")) / size[1]


def _sheets(page: Page) -> int:
    return page.pdf(format="A4").count(b"/Type /Page\n")


def _sorting(page: Page) -> float:
    script = """async () => { const button = document.querySelector('.chips th:nth-child(4) button');
        const began = performance.now(); button.click(); document.body.offsetHeight;
        return performance.now() - began; }"""
    return float(page.evaluate(script))


def _filtering(page: Page) -> float:
    script = """async () => { const input = [...document.querySelectorAll('.tools input')].at(-1);
        const began = performance.now(); input.value = 'gis'; input.dispatchEvent(new Event('input'));
        document.body.offsetHeight; return performance.now() - began; }"""
    return float(page.evaluate(script))


def _paint(browser: Browser, file: Path) -> float:
    page = opened(browser, file, DESK)
    page.wait_for_timeout(500)
    script = "performance.getEntriesByName('first-contentful-paint').map(e => e.startTime)[0] ?? 9999"
    return float(page.evaluate(script))


def _wider(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def main() -> int:
    """Print the table."""
    with made() as (small, large), chromium() as browser:
        figures = measure(browser, small, large)
    click.echo("| | measured | goal |\n|---|---:|---:|")
    for figure in figures:
        sign = "at least" if figure.least else "at most"
        missed = "" if figure.is_met else " (missed)"
        click.echo(
            f"| {figure.what} | {figure.value:,.1f}{missed} | {sign} {figure.goal:,.0f} |".replace(".0 ", " ").replace(
                ".0(", "("
            )
        )
    return 0 if all(figure.is_met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
