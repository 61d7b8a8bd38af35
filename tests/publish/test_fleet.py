"""All servers of a share: their reports, and the page above them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from lxml import html

from taskanalysis.cli import main
from taskanalysis.errors import Problem, ReportError
from taskanalysis.publish.index import MOST_TASKS
from taskanalysis.publish.make import Outcome, make_all
from taskanalysis.publish.notebooks import Failure
from tests.build import status, write, xml

NOW = datetime(2026, 11, 23, 11, 5, tzinfo=UTC)
Row = tuple[str, str]


def told(folder: Path, rows: Sequence[Row], due: timedelta = timedelta(hours=1)) -> Outcome:
    """Reports of a server with these tasks and verdicts."""
    tasks = [
        {"task_path": path, "verdict": verdict, "since": "2026-11-09T06:00:00-05:00", "reason": "It failed."}
        for path, verdict in rows
    ]
    content = {"tasks": tasks, "zone": "America/New_York", "stale_after": (NOW + due).isoformat()}
    (folder / "latest").mkdir(parents=True, exist_ok=True)
    file = folder / "latest" / "status.json"
    file.write_text(json.dumps(content | {"taken_at": "2026-11-23T06:02:00-05:00"}), encoding="utf-8")
    (folder / "index.html").write_text("", encoding="utf-8")
    return Outcome("20261123T110500Z")


class Office:
    """A share with servers, and what their reports would say; a text is what goes wrong."""

    def __init__(self, folder: Path, servers: dict[str, Sequence[Row] | str]) -> None:
        self.share, self.reports, self.servers = folder / "share", folder / "reports", servers
        self.asked: list[str] = []
        for name in servers:
            (self.share / "snapshots" / name / "2026-11" / "20261123T110200Z").mkdir(parents=True, exist_ok=True)

    def make(self, name: str, folder: Path) -> Outcome:
        self.asked.append(name)
        rows = self.servers[name]
        if isinstance(rows, str):
            raise ReportError(rows)
        return told(folder, rows)

    def page(self, *problems: Problem) -> html.HtmlElement:
        """The page above all reports."""
        make_all(self.share, self.reports, self.make, now=NOW, problems=problems, say=lambda _: None)
        return html.document_fromstring((self.reports / "index.html").read_text(encoding="utf-8"))


def cells(page: html.HtmlElement, caption: str) -> list[list[str]]:
    """The rows of a table."""
    return [
        [" ".join(cell.text_content().split()) for cell in row]
        for row in page.xpath(f"//table[caption='{caption}']/tbody/tr")
    ]


def state(page: html.HtmlElement) -> str:
    return str(page.xpath("string(//p[@class='state'])"))


def test_every_server_has_its_reports_and_its_row(tmp_path: Path) -> None:
    office = Office(
        tmp_path, {"B": [("\\X", "FAILING"), ("\\Y", "OK")], "a": [("\\X", "OK")], "c": [("\\Z", "OVERDUE")] * 2}
    )
    page = office.page()
    assert office.asked == ["a", "B", "c"]
    assert [(row[0], row[2], row[3]) for row in cells(page, "Servers")] == [
        ("c", "2", "2 OVERDUE"),
        ("B", "1", "1 FAILING and 1 OK"),
        ("a", "0", "1 OK"),
    ]
    assert cells(page, "Servers")[0][1] == "2026-11-23 06:02 (America/New_York), fresh"
    assert state(page) == "3 tasks on 2 of 3 servers need attention."
    links = [link.get("href") for link in page.xpath("//a") if link.get("href", "").startswith("servers")]
    assert all((tmp_path / "reports" / link).is_file() for link in links)
    assert len(links) == 6


def test_tasks_that_need_attention_are_listed_with_the_worst_first(tmp_path: Path) -> None:
    page = Office(tmp_path, {"A": [("\\O", "OVERDUE"), ("\\R", "RUNNING")], "B": [("\\F", "FAILING")]}).page()
    assert cells(page, "Tasks that need attention") == [
        ["B", "\\F", "FAILING", "2026-11-09 06:00", "It failed."],
        ["A", "\\O", "OVERDUE", "2026-11-09 06:00", "It failed."],
    ]
    assert state(page) == "2 tasks on 2 of 2 servers need attention."


def test_where_nothing_needs_attention_the_page_says_so(tmp_path: Path) -> None:
    page = Office(tmp_path, {"A": [("\\X", "OK")]}).page()
    assert state(page) == "No task on 1 server needs attention."
    assert cells(page, "Tasks that need attention") == []


def test_server_that_fails_stops_no_other_and_keeps_what_was_known(tmp_path: Path) -> None:
    office = Office(tmp_path, {"A": [("\\X", "FAILING")], "B": [("\\Y", "OK")], "NEW": "its disk is full"})
    office.page()
    office.servers["A"] = "--password S3cret is wrong"
    rows = {row[0]: row for row in cells(office.page(), "Servers")}
    assert rows["A"][1].endswith("fresh its reports could not be made (--password *** is wrong)")
    assert rows["A"][2] == "1"
    assert rows["B"][1].endswith("fresh")
    assert rows["NEW"][1:] == ["its reports could not be made (its disk is full)", "", ""]


def test_report_that_could_not_be_made_is_named(tmp_path: Path) -> None:
    office = Office(tmp_path, {"A": [("\\X", "OK")]})
    made = office.make
    office.make = lambda name, folder: Outcome(made(name, folder).stamp, [Failure("trends", "oh")])  # type: ignore[method-assign]
    assert cells(office.page(), "Servers")[0][1].endswith("fresh trends could not be made")


def test_stale_and_unknown_servers_are_in_the_sentence(tmp_path: Path) -> None:
    office = Office(tmp_path, {"A": [("\\X", "OK")], "B": [], "C": "oh"})
    office.make = lambda name, folder: told(folder, office.servers[name] if name != "C" else [], timedelta(hours=-1))  # type: ignore[method-assign,arg-type]
    assert state(office.page()) == (
        "No task on 3 servers needs attention. The state of 2 servers is not known. "
        "The newest snapshot of 3 servers is stale."
    )


def test_problems_are_told_above_all_else(tmp_path: Path) -> None:
    page = Office(tmp_path, {"A": []}).page(Problem("history", "can't be written"))
    assert page.xpath("string(//p[@class='banner'])") == "history: can't be written"


def test_very_many_tasks_are_cut_and_counted(tmp_path: Path) -> None:
    page = Office(tmp_path, {"A": [("\\X", "FAILING")] * (MOST_TASKS + 7)}).page()
    assert len(cells(page, "Tasks that need attention")) == MOST_TASKS
    assert "7 more are on the pages of their servers." in page.text_content()


# The command ----------------------------------------------------------------------------------------------------------


def test_one_server_and_all_of_them_is_bad_usage(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["report", "--all-servers", "--server", "A", "--data", str(tmp_path)])
    assert done.exit_code == 2
    assert "--server names one, and --all-servers means every one: leave one of them out" in done.output


def test_what_is_no_share_has_no_servers(tmp_path: Path) -> None:
    (tmp_path / "Load.xml").write_bytes(xml())
    done = CliRunner().invoke(main, ["report", "--all-servers", "--data", str(tmp_path)])
    assert done.exit_code == 2
    assert "--all-servers is for a share" in done.output


@pytest.mark.slow
def test_command_makes_the_reports_of_all_servers(tmp_path: Path) -> None:
    for server in ("ALPHA", "BETA"):
        for hour in (0, 1):
            write(
                tmp_path,
                hour,
                status(last_run=hour - 0.5, code=1),
                server=server,
                definitions={"\\OpenData\\Load": xml()},
            )
    (tmp_path / "snapshots" / "BROKEN" / "2026-11" / "20261120T120000Z").mkdir(parents=True)
    out = tmp_path / "out"
    done = CliRunner().invoke(
        main, ["report", "--all-servers", "--fail-on", "attention", "--data", str(tmp_path), "--reports", str(out)]
    )
    assert done.exit_code == 3, done.output
    assert "BROKEN" in done.output.splitlines()[-1]
    for server in ("ALPHA", "BETA"):
        index = (out / "servers" / server / "index.html").read_text(encoding="utf-8")
        assert '<a href="../../index.html">All servers</a>' in index
        assert server in (out / "servers" / server / "latest" / "trends.html").read_text(encoding="utf-8")
    page = html.document_fromstring((out / "index.html").read_text(encoding="utf-8"))
    assert [row[:3] for row in cells(page, "Tasks that need attention")] == [
        ["ALPHA", "\\OpenData\\Load", "FAILING"],
        ["BETA", "\\OpenData\\Load", "FAILING"],
    ]
