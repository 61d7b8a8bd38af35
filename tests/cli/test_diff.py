"""``taskanalysis diff``: what it prints in each format, and its exit codes."""

import json
from pathlib import Path
from typing import Any

import mistune
import pytest
from click.testing import CliRunner, Result
from lxml import html

from taskanalysis.cli import main
from taskanalysis.cli.diff import cell
from tests.build import HOSTILE, definition, status, write, xml

A, B = "\\OpenData\\A", "\\OpenData\\B"


@pytest.fixture
def sides(tmp_path: Path) -> tuple[str, str]:
    """Two snapshots: a task removed, and one with another command."""
    one = write(tmp_path, 0, status(A), status(B), definitions={A: xml("a"), B: xml("b")})
    two = write(tmp_path, 1, status(B), definitions={B: xml("c --password S3cret")})
    return str(one), str(two)


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["diff", *map(str, words)])


def test_text_has_a_line_for_each_change(sides: tuple[str, str]) -> None:
    done = run(*sides)
    assert done.stdout.splitlines() == [
        "From SRV, 2026-11-20 07:00 (America/New_York) to SRV, 2026-11-20 08:00 (America/New_York): "
        "1 removed and 1 changed.",
        f"REMOVED {A}: Only when started by hand; runs a",
        f"CHANGED {B}: command from b to c --password ***",
    ]


def test_exit_code_says_whether_they_differ(sides: tuple[str, str], tmp_path: Path) -> None:
    assert run(*sides).exit_code == 1
    assert run(sides[0], sides[0]).exit_code == 0
    assert run(sides[0], sides[1], "--folder", "/Nope").exit_code == 2
    assert run(sides[0], tmp_path / "nothing").exit_code == 2
    assert run(sides[0]).exit_code == 2
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "A.xml").write_bytes(b"<Task")
    (broken / "B.xml").write_bytes(xml("b"))
    assert run(broken, broken).exit_code == 3
    assert run(sides[0], write(tmp_path / "other", 2, status(A), status(B))).exit_code == 3


def test_json_is_one_object(sides: tuple[str, str]) -> None:
    done = json.loads(run(*sides, "--format", "json").stdout)
    assert [done["from"]["taken_at"], done["exit_code"], done["tasks"]] == ["2026-11-20T07:00:00-05:00", 1, 2]
    assert done["changes"][0] == {
        "kind": "removed",
        "task_path": A,
        "what": "runs a",
        "before": "Only when started by hand",
        "after": "",
    }
    assert (done["not_known"], done["problems"]) == ([], [])


def test_output_is_written_whole(sides: tuple[str, str], tmp_path: Path) -> None:
    done = run(*sides, "--format", "markdown", "--output", tmp_path / "changes.md")
    assert (done.exit_code, done.stdout) == (1, "")
    assert (tmp_path / "changes.md").read_text(encoding="utf-8").startswith("### 1 removed and 1 changed.\n")
    assert run(*sides, "--output", tmp_path / "changes.md" / "x.md").exit_code == 3
    assert run(*sides, "--output", tmp_path).exit_code == 2


def rendered(text: str) -> Any:
    """Markdown as a page, as an issue or a wiki shows it."""
    plugins = ["table", "url", "strikethrough", "footnotes", "math"]
    return html.fromstring(str(mistune.create_markdown(escape=False, plugins=plugins)(text)))


def test_text_of_a_task_is_never_markup(tmp_path: Path) -> None:
    given: dict[str, Any] = {"definitions": {path: definition(text).encode() for path, text in HOSTILE.items()}}
    one = write(tmp_path, 0, *map(status, HOSTILE), **given)
    two = write(tmp_path, 1, *map(status, HOSTILE), definitions={path: xml("x") for path in HOSTILE})
    done = run(one, two, "--format", "markdown")
    page = rendered(done.stdout)
    tags = {element.tag for element in page.iter()}
    assert tags == {"div", "h3", "p", "table", "thead", "tbody", "tr", "th", "td"}
    assert len(page.findall(".//tbody/tr")) == len(HOSTILE)
    assert all(len(row) == 3 for row in page.findall(".//tr"))


@pytest.mark.parametrize(
    "text",
    [
        "a|b",
        "**bold** _x_ `code` ~~gone~~",
        "<script>alert(1)</script> &amp;",
        "[x](http://example.org) ![x](y)",
        "https://example.org/x www.example.org me@example.org",
        "trailing \\",
        "\\| | \\\\|",
        "$x$ ^[note] [^1]",
    ],
)
def test_every_text_is_shown_as_it_is(text: str) -> None:
    page = rendered(f"| a | b |\n| --- | --- |\n| {cell(text)} | c |\n")
    row = page.findall(".//td")
    assert [(len(each), each.text) for each in row] == [(0, text), (0, "c")]


def test_line_breaks_and_secrets_stay_out_of_a_cell() -> None:
    assert cell("a\n| b\r--pass\u200bword S3cret") == "a \\| b --password \\*\\*\\*"
