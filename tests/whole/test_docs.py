"""The documentation: links lead somewhere, and files, options and commands that it names exist."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from taskanalysis.cli import main
from tests.build import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("data/*.md"), *ROOT.glob("reports/*.md")])
README = (ROOT / "README.md").read_text(encoding="utf-8")
PLATFORM_SCRIPT = ROOT / ".ci" / "readme_command.py"


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def slug(heading: str) -> str:
    """The fragment that a heading of Markdown gets."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@cache
def help_of(command: str) -> str:
    done = CliRunner().invoke(main, [command, "--help"])
    assert done.exit_code == 0, command
    return done.output


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if not link.startswith("https://"):
            file, _, fragment = link.partition("#")
            target = page.parent / file if file else page
            assert target.exists(), link
            if fragment:
                assert fragment in {slug(line.lstrip("#")) for line in text_of(target).splitlines() if line[:1] == "#"}


def test_every_page_of_the_docs_is_linked_from_the_readme() -> None:
    assert [page.name for page in ROOT.glob("docs/*.md") if f"(docs/{page.name})" not in README] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    named = re.findall(r"`((?:taskanalysis|tests|data|notebooks|docs|benchmarks|\.ci)/[\w./-]*)`", text_of(page))
    invented = ("NAME", "WING", ".peers", "data/history")  # a new file of a recipe, and what a run writes
    assert [name for name in named if not (ROOT / name).exists() and not any(word in name for word in invented)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_has_the_options_that_a_page_gives_it(page: Path) -> None:
    for command, rest in re.findall(r"\btaskanalysis[ ]([a-z][a-z-]+)([ ][^`\n]*)?", text_of(page)):
        if command in main.commands:
            options = re.findall(r"(?<!\S)--[a-z][a-z-]*", rest or "")
            assert [option for option in options if option not in help_of(command)] == [], (command, rest)


@pytest.mark.parametrize(
    ("page", "commands"),
    [
        ("reports", ["report"]),
        ("collect", ["collect", "task-xml"]),
        ("restore", ["restore"]),
        ("history", ["history", "report"]),
        ("notify", ["notify"]),
    ],
)
def test_every_option_in_a_table_exists(page: str, commands: list[str]) -> None:
    rows = re.findall(r"^\| (`--[^|]*)\|", text_of(ROOT / "docs" / f"{page}.md"), re.MULTILINE)
    options = {option for row in rows for option in re.findall(r"--[a-z][a-z-]*", row)}
    assert options
    helps = "".join(map(help_of, commands))
    assert [option for option in options if option not in helps] == []


def test_the_page_of_reports_names_every_file_that_a_report_makes(pages: Path) -> None:
    text = text_of(ROOT / "docs" / "reports.md")
    assert [file.name for file in pages.iterdir() if f"`{file.name}`" not in text] == []


def test_readme_is_short_and_says_how_long_its_commands_take() -> None:
    assert len(README.splitlines()) <= 150
    assert len(re.findall(r"about \d+ (?:seconds|s|minutes)", README)) >= 2


@pytest.mark.parametrize("what", ["report", "tests"])
@pytest.mark.parametrize("platform", ["linux", "win32"])
def test_each_command_is_one_line_that_makes_its_venv(what: str, platform: str) -> None:
    program = f"import runpy; print(runpy.run_path({str(PLATFORM_SCRIPT)!r})['readme_command']({what!r}, {platform!r}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    line = done.stdout.strip()
    assert "-m venv .venv &&" in line
    assert f"-r requirements{'-dev' if what == 'tests' else ''}.txt &&" in line
    assert line in README
