"""The index: what it says of the share, of the reports that lie there, and of several servers."""

import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import html

from taskanalysis.errors import Problem, ReportError
from taskanalysis.publish.index import MOST_TASKS, Standing, index_page, read_standing, servers
from taskanalysis.publish.make import Outcome, make_all
from taskanalysis.publish.notebooks import Failure
from taskanalysis.publish.pages import Rendered, Run, report_page
from taskanalysis.snapshot.snapshot import write_snapshot
from taskanalysis.snapshot.status import Status
from tests.build import table

NOW = datetime(2026, 11, 23, 11, 5, tzinfo=UTC)
RUN = Run("20261123T110500Z", NOW, NOW - timedelta(minutes=3), NOW + timedelta(hours=1), "Europe/London", ("status",))


def snapshot_of(data: Path, server: str, *rows: tuple[str, int], hours: float = 0) -> None:
    statuses = [Status(path, "Ready", True, NOW - timedelta(days=1), code) for path, code in rows]
    at = NOW - timedelta(hours=hours)
    write_snapshot(data, server=server, taken_at=at, zone="Europe/London", statuses=statuses, definitions=None)


def test_each_server_is_a_row_with_its_verdicts(tmp_path: Path) -> None:
    snapshot_of(tmp_path, "B", ("\\X", 0), ("\\Y", 1), ("\\Z", 0x8007052E))
    snapshot_of(tmp_path, "a", ("\\X", 0), hours=30)
    snapshot_of(tmp_path, "EMPTY")
    snapshot_of(tmp_path, "BROKEN")
    (broken,) = tmp_path.glob("snapshots/BROKEN/*/*/snapshot.json")
    broken.write_text("{", encoding="utf-8")
    rows = servers(tmp_path)
    assert [row.server for row in rows] == ["a", "B", "BROKEN", "EMPTY"]
    assert [row.attention for row in rows] == [0, 2, None, None]
    assert rows[0].moment == "2026-11-22 05:05 (Europe/London)"
    assert rows[0].due == NOW - timedelta(hours=4)
    assert rows[1].verdicts == "2 FAILING and 1 OK"
    assert rows[1].problem.startswith("1 task: not judged, because no definitions were collected: ")
    assert rows[2].problem.startswith("can't be read (")
    assert rows[3].verdicts == "no status was collected"


def test_share_of_one_server_has_no_table_of_servers(tmp_path: Path) -> None:
    snapshot_of(tmp_path, "B", ("\\X", 0))
    assert servers(tmp_path) == []
    assert "Servers" not in index(tmp_path)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({"attention": 0}, 0),
        ({"attention": 2}, 1),
        ({"attention": 2, "unseen": ["The collector was refused a folder."]}, 3),
        ({"attention": 0, "stale_after": (NOW - timedelta(minutes=1)).isoformat()}, 3),
        ({"attention": 0, "stale_after": (NOW + timedelta(minutes=1)).isoformat()}, 0),
        ({"attention": 0, "backup": {"stale_after": (NOW - timedelta(minutes=1)).isoformat()}}, 3),
    ],
)
def test_code_is_that_of_the_check(content: dict[str, object], code: int) -> None:
    assert Standing.of({"tasks": [], **content}).code(NOW) == code


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"tasks": [1]}', '{"tasks": [{}]}'])
def test_invalid_status_file_says_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / "status.json").write_text(text, encoding="utf-8")
    assert read_standing(tmp_path / "status.json") is None
    assert read_standing(tmp_path / "nowhere.json") is None


def test_unknown_code_needs_attention_and_missing_data_does_not(tmp_path: Path) -> None:
    rows = [{"verdict": "UNKNOWN", "rule": "unknown code"}, {"verdict": "UNKNOWN", "rule": "no status"}]
    standing = Standing.of({"tasks": rows, "incidents": [{"cause": "--password S3cret"}]})
    assert (standing.attention, standing.counts, standing.causes) == (
        1,
        {"UNKNOWN CODE": 1, "UNKNOWN": 1},
        ["--password ***"],
    )


def index(out: Path, *, stay: tuple[str, ...] = (), locked: tuple[str, ...] = ()) -> str:
    return index_page(out, RUN, server="SERVER", failed=[])(stay, locked)


def test_page_of_an_earlier_run_has_its_own_time(tmp_path: Path) -> None:
    latest = tmp_path / "latest"
    latest.mkdir()
    old = Run("20261122T110500Z", NOW - timedelta(days=1), NOW, NOW - timedelta(hours=20), "", ("status",))
    (latest / "status.html").write_text(report_page("status", Rendered("Status", "x"), old, files=[]), encoding="utf-8")
    ((_, *cells),) = table(html.fromstring(index(tmp_path)), "Reports")
    stale = "stale since 2026-11-22 15:05 (Europe/London)"
    assert cells == [stale, "2026-11-22 11:05 (Europe/London)", "20261122T110500Z"]


@pytest.mark.parametrize(
    "text", ["", "<html>", "\x00" * 9000, '<html data-state="good" data-run="<b>" data-made-at="x">']
)
def test_page_of_another_program_is_missing(text: str, tmp_path: Path) -> None:
    (tmp_path / "latest").mkdir()
    (tmp_path / "latest/status.html").write_text(text, encoding="utf-8")
    (row,) = html.fromstring(index(tmp_path)).xpath("//caption[text()='Reports']/../tbody/tr")
    assert row[1].text_content() == "missing"
    assert not row.xpath(".//a")


def test_only_the_newest_runs_are_listed_and_the_rest_is_counted(tmp_path: Path) -> None:
    stamps = [f"{NOW - timedelta(hours=hour):%Y%m%dT%H%M%SZ}" for hour in range(33)]
    for stamp in stamps:
        folder = tmp_path / "runs" / stamp
        folder.mkdir(parents=True)
        (folder / "status.html").write_text("", encoding="utf-8")
    shutil.rmtree(tmp_path / "runs" / stamps[1])  # retention or a reader removed it
    page = html.fromstring(index(tmp_path, stay=tuple(stamps)))
    runs = page.xpath("//ul[@class='runs']/li")
    assert [len(each.xpath("a")) for each in runs] == [1, 0, *[1] * 28]
    assert runs[0].xpath("a/@href") == [f"runs/{stamps[0]}/status.html"]
    assert page.xpath("//a[@href='runs/']/..")[0].text_content() == "3 more in runs."


def test_locked_files_are_named(tmp_path: Path) -> None:
    (note,) = html.fromstring(index(tmp_path, locked=("status.csv", "runs.csv"))).xpath("//main/p[@class='banner']")
    assert note.text_content() == (
        "Open in another program, so still from an earlier run: status.csv and runs.csv. "
        "The next run replaces the files that are closed then."
    )


def test_counts_lead_to_the_status_page(tmp_path: Path) -> None:
    (tmp_path / "latest").mkdir()
    told = {"tasks": [{"verdict": "OK"}, {"verdict": "OVERDUE"}]}
    (tmp_path / "latest/status.json").write_text(json.dumps(told), encoding="utf-8")
    page = html.fromstring(index(tmp_path))
    assert [each.text_content() for each in page.xpath("//ul[@class='counts']/li")] == ["1 OVERDUE", "1 OK"]
    assert set(page.xpath("//ul[@class='counts']//a/@href")) == {"latest/status.html"}


# The page of all servers ----------------------------------------------------------------------------------------------

Row = tuple[str, str]


class Office:
    """A share with servers, and what their reports would say; a text is what goes wrong."""

    def __init__(
        self,
        folder: Path,
        servers: dict[str, Sequence[Row] | str],
        *,
        due: timedelta = timedelta(hours=1),
        failures: Sequence[Failure] = (),
    ) -> None:
        self.share, self.reports, self.servers = folder / "share", folder / "reports", servers
        self.due, self.failures, self.asked = due, failures, list[str]()
        for name in servers:
            (self.share / "snapshots" / name / "2026-11" / "20261123T110200Z").mkdir(parents=True, exist_ok=True)

    def make(self, name: str, folder: Path) -> Outcome:
        self.asked.append(name)
        rows = self.servers[name]
        if isinstance(rows, str):
            raise ReportError(rows)
        tasks = [
            {"task_path": path, "verdict": verdict, "since": "2026-11-09T06:00:00-05:00", "reason": "It failed."}
            for path, verdict in rows
        ]
        times = {"taken_at": "2026-11-23T06:02:00-05:00", "stale_after": (NOW + self.due).isoformat()}
        content = {"tasks": tasks, "zone": "America/New_York", **times}
        (folder / "latest").mkdir(parents=True, exist_ok=True)
        (folder / "latest" / "status.json").write_text(json.dumps(content), encoding="utf-8")
        (folder / "index.html").write_text("", encoding="utf-8")
        return Outcome("20261123T110500Z", [*self.failures])

    def page(self, *problems: Problem) -> html.HtmlElement:
        """The page above all reports."""
        make_all(self.share, self.reports, self.make, now=NOW, problems=problems, say=lambda _: None)
        return html.document_fromstring((self.reports / "index.html").read_text(encoding="utf-8"))


def state(page: html.HtmlElement) -> str:
    return str(page.xpath("string(//p[@class='state'])"))


def test_every_server_has_its_reports_and_its_row(tmp_path: Path) -> None:
    office = Office(
        tmp_path, {"B": [("\\X", "FAILING"), ("\\Y", "OK")], "a": [("\\X", "OK")], "c": [("\\Z", "OVERDUE")] * 2}
    )
    page = office.page()
    assert office.asked == ["a", "B", "c"]
    assert [(row[0], row[2], row[3]) for row in table(page, "Servers")] == [
        ("c", "2", "2 OVERDUE"),
        ("B", "1", "1 FAILING and 1 OK"),
        ("a", "0", "1 OK"),
    ]
    assert table(page, "Servers")[0][1] == "2026-11-23 06:02 (America/New_York), fresh"
    assert state(page) == "3 tasks on 2 of 3 servers need attention."
    links = [link.get("href") for link in page.xpath("//a") if link.get("href", "").startswith("servers")]
    assert all((tmp_path / "reports" / link).is_file() for link in links)
    assert len(links) == 6


def test_tasks_that_need_attention_are_listed_with_the_worst_first(tmp_path: Path) -> None:
    page = Office(tmp_path, {"A": [("\\O", "OVERDUE"), ("\\R", "RUNNING")], "B": [("\\F", "FAILING")]}).page()
    assert table(page, "Tasks that need attention") == [
        ["B", "\\F", "FAILING", "2026-11-09 06:00", "It failed."],
        ["A", "\\O", "OVERDUE", "2026-11-09 06:00", "It failed."],
    ]
    assert state(page) == "2 tasks on 2 of 2 servers need attention."


def test_server_that_fails_stops_no_other_and_keeps_what_was_known(tmp_path: Path) -> None:
    office = Office(tmp_path, {"A": [("\\X", "FAILING")], "B": [("\\Y", "OK")], "NEW": "its disk is full"})
    office.page()
    office.servers["A"] = "--password S3cret is wrong"
    rows = {row[0]: row for row in table(office.page(), "Servers")}
    assert rows["A"][1].endswith("fresh its reports could not be made (--password *** is wrong)")
    assert rows["A"][2] == "1"
    assert rows["B"][1].endswith("fresh")
    assert rows["NEW"][1:] == ["its reports could not be made (its disk is full)", "", ""]


def test_report_that_could_not_be_made_is_named(tmp_path: Path) -> None:
    office = Office(tmp_path, {"A": [("\\X", "OK")]}, failures=[Failure("trends", "oh")])
    assert table(office.page(), "Servers")[0][1].endswith("fresh trends could not be made")


def test_stale_and_unknown_servers_are_in_the_sentence_and_problems_above_all_else(tmp_path: Path) -> None:
    office = Office(tmp_path, {"A": [("\\X", "OK")], "B": [], "C": "oh"}, due=timedelta(hours=-1))
    page = office.page(Problem("history", "can't be written"))
    assert state(page) == (
        "No task on 3 servers needs attention. The state of 2 servers is not known. "
        "The newest snapshot of 2 servers is stale."
    )
    assert table(page, "Tasks that need attention") == []
    assert page.xpath("string(//p[@class='banner'])") == "history: can't be written"


def test_very_many_tasks_are_cut_and_counted(tmp_path: Path) -> None:
    page = Office(tmp_path, {"A": [("\\X", "FAILING")] * (MOST_TASKS + 7)}).page()
    assert len(table(page, "Tasks that need attention")) == MOST_TASKS
    assert "7 more are on the pages of their servers." in page.text_content()
