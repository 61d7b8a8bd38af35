"""The index: what it says of the share, of the reports that lie there, and of several servers."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import html

from taskanalysis.errors import Problem, ReportError
from taskanalysis.publish.index import MOST_CAUSES, QUESTIONS, Server, Standing, index_page, read_standing, servers
from taskanalysis.publish.make import Outcome, make_all
from taskanalysis.publish.notebooks import Failure
from taskanalysis.publish.pages import LAST_KNOWN, Rendered, Run, report_pages, with_notice
from taskanalysis.snapshot.share import list_servers
from taskanalysis.snapshot.snapshot import write_snapshot
from taskanalysis.snapshot.status import Status
from tests.build import table

NOW = datetime(2026, 11, 23, 11, 5, tzinfo=UTC)
NAMES = ("status", "tasks", "inventory", "trends")
RUN = Run("20261123T110500Z", NOW, NOW - timedelta(minutes=3), NOW + timedelta(hours=1), "Europe/London", NAMES)
PAST = (NOW - timedelta(minutes=1)).isoformat()
FUTURE = (NOW + timedelta(minutes=1)).isoformat()
GOOD: dict[str, Any] = {"answer": "All is well", "points": [], "figure": "", "is_good": True}


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
    assert [row.attention for row in rows] == [None, 2, None, None]
    assert rows[0].moment == "Sun 22 Nov 2026 05:05 (Europe/London)"
    assert rows[0].due == NOW - timedelta(hours=4)
    assert rows[1].verdicts == "2 FAILING and 1 OK"
    assert rows[1].problem.startswith("1 task: not judged, because no definitions were collected: ")
    assert rows[1].worst == ["FAILING \\Y", "FAILING \\Z"]
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
        ({"attention": 0, "stale_after": PAST}, 3),
        ({"attention": 0, "stale_after": FUTURE}, 0),
        ({"attention": 0, "backup": {"stale_after": PAST}}, 3),
    ],
)
def test_code_is_that_of_the_check(content: dict[str, object], code: int) -> None:
    assert Standing.of({"tasks": [], **content}).code(NOW) == code


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", '{"tasks": [1]}', '{"tasks": [{}]}'),
        *('{"tasks": [], "cases": [1]}', '{"tasks": [], "cases": [{"tasks": 1}]}', '{"tasks": [], "cases": [{}]}'),
    ],
)
def test_invalid_status_file_says_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / "status.json").write_text(text, encoding="utf-8")
    assert read_standing(tmp_path / "status.json") is None
    assert read_standing(tmp_path / "nowhere.json") is None


def test_status_file_of_an_older_version_has_cases_too() -> None:
    rows = [
        {"task_path": "\\A", "verdict": "UNKNOWN", "rule": "unknown code", "reason": "--password S3cret"},
        {"task_path": "\\B", "verdict": "UNKNOWN", "rule": "no status"},
    ]
    standing = Standing.of({"tasks": rows})
    assert (standing.attention, standing.counts) == (1, {"UNKNOWN CODE": 1, "UNKNOWN": 1})
    assert standing.title == "1 of 2 tasks needs attention"
    assert [(case["title"], case["verdict"], case["tasks"]) for case in standing.cases] == [
        ("\\A", "UNKNOWN CODE", ["\\A"])
    ]


# The index ------------------------------------------------------------------------------------------------------------


def index(
    out: Path,
    *,
    run: Run = RUN,
    failed: Sequence[str] = (),
    cards: Mapping[str, Mapping[str, Any]] | None = None,
    rows: Sequence[Server] = (),
    stay: tuple[str, ...] = (),
    locked: tuple[str, ...] = (),
    **told: Any,
) -> html.HtmlElement:
    """The page, beside a ``status.json`` that says this, if anything."""
    if told:
        write(out, "status.json", json.dumps({"tasks": [], **told}))
    make = index_page(out, run, failed=failed, cards=cards or {}, rows=rows)
    return html.document_fromstring(make(stay, locked))


def write(out: Path, name: str, text: str) -> None:
    (out / "latest").mkdir(exist_ok=True, parents=True)
    (out / "latest" / name).write_text(text, encoding="utf-8")


def report_page(name: str, answer: str, run: Run = RUN) -> str:
    return report_pages(name, Rendered(name, f"<h1>{answer}</h1>"), run, files=[])[f"{name}.html"]


def h1(page: html.HtmlElement) -> str:
    return " ".join(page.xpath("string(//h1)").split())


def card_of(page: html.HtmlElement, name: str) -> html.HtmlElement:
    (card,) = page.xpath(f"//div[@class='three']/div[h2={QUESTIONS[name]!r}]")
    return card


def test_index_has_three_questions_with_their_answers(tmp_path: Path) -> None:
    for name in ("status", "inventory", "trends"):
        write(tmp_path, f"{name}.html", report_page(name, "x"))
    figure = '<div class="timeline"><a href="tasks.html#t2">T</a></div>'
    points = ['A <a href="tasks-2.html#t1">b</a> &lt;i&gt;', "href=&quot;tasks"]
    cards = {
        "status": {"answer": "9 things <to> do --password S3cret", "points": points, "is_good": False},
        "tasks": GOOD | {"answer": "no card of it"},
        "inventory": GOOD | {"answer": "Yes, all 2", "figure": figure},
    }
    page = index(tmp_path, cards=cards, title="9 things to do", headline="9 of 9 tasks need attention.", attention=9)
    assert (h1(page), page.xpath("//p[@class='sub']/text()")) == ("9 things to do", ["9 of 9 tasks need attention."])
    assert page.xpath("//div[@class='three']/div/h2/text()") == list(QUESTIONS.values())
    status, inventory, trends = page.xpath("//div[@class='three']/div")
    assert (status.get("class"), inventory.get("class"), trends.get("class")) == ("no", None, "no")
    assert status.xpath("strong/a/text() | strong/a/@href") == ["latest/status.html", "9 things <to> do --password ***"]
    assert [each.text_content() for each in status.xpath("ul/li")] == ["A b <i>", 'href="tasks']
    assert status.xpath("ul//a/@href") == ["latest/tasks-2.html#t1"]
    assert page.xpath("//h2[.='The next 24 hours']/following-sibling::div[@class='timeline']/a/@href") == [
        "latest/tasks.html#t2"
    ]
    assert trends.xpath("strong")[0].text_content() == f"{LAST_KNOWN}x"  # the last page that lies there


def test_index_without_a_figure_has_no_section_for_it(tmp_path: Path) -> None:
    assert "The next 24 hours" not in index(tmp_path, cards={"inventory": GOOD}).text_content()


@pytest.mark.parametrize(
    ("told", "title"),
    [
        ({}, "The state of the tasks is not known"),
        ({"title": "2 things to do", "attention": 2}, "2 things to do"),
        ({"title": "2 things to do", "attention": 2, "stale_after": FUTURE}, "2 things to do"),
        ({"title": "2 things to do", "attention": 2, "stale_after": PAST}, "2 things to do; the snapshot is stale"),
        ({"title": "Nothing to do", "stale_after": PAST}, "Not known: the snapshot is stale"),
        ({"title": "Nothing to do", "backup": {"stale_after": PAST}}, "Not known: the backup is stale"),
        (
            {"title": "Nothing to do", "stale_after": PAST, "backup": {"stale_after": PAST}},
            "Not known: the snapshot and backup are stale",
        ),
    ],
)
def test_answer_of_the_index_is_calm_only_where_nothing_is_stale(
    told: dict[str, Any], title: str, tmp_path: Path
) -> None:
    page = index(tmp_path, cards=dict.fromkeys(QUESTIONS, GOOD), **told)
    assert h1(page) == title
    late = "stale" in title
    assert bool(page.xpath("//ul[@class='unseen']/li[contains(., 'stale')]")) == late
    named = {name: card_of(page, name) for name in QUESTIONS}
    stale = {name for name, card in named.items() if card.xpath("string(strong)") == f"{LAST_KNOWN}All is well"}
    expected = {"status", "trends"} if "snapshot" in title else set()
    assert stale == expected | ({"inventory"} if "backup" in title else set())
    assert {name for name, card in named.items() if card.get("class") == "no"} == stale
    if told:
        failed = index(tmp_path, failed=["status"], **told)
        assert h1(failed) == f"{LAST_KNOWN}{title}"


def test_index_says_what_could_not_be_seen(tmp_path: Path) -> None:
    page = index(tmp_path, unseen=["1 task: not judged.", "It was refused \\A."], backup={"stale_after": PAST})
    assert page.xpath("//ul[@class='unseen']/li/text()") == [
        "1 task: not judged.",
        "It was refused \\A.",
        "The backup is stale: definitions were due.",
    ]


def test_nothing_is_stale_on_the_index_of_an_earlier_snapshot(tmp_path: Path) -> None:
    page = index(tmp_path, run=replace(RUN, due=None), title="Nothing to do", stale_after=PAST)
    assert (h1(page), page.xpath("//ul[@class='unseen']")) == ("Nothing to do", [])


def test_card_of_a_failed_report_says_what_was_last_known(tmp_path: Path) -> None:
    write(tmp_path, "status.html", with_notice(report_page("status", "2 things &lt;to&gt; do"), "It failed", "x", "y"))
    write(tmp_path, "inventory.html", report_page("inventory", f"{LAST_KNOWN}Yes, all"))
    page = index(tmp_path, failed=["status", "inventory", "trends"], cards={"status": GOOD})
    status, inventory, trends = (card_of(page, name) for name in QUESTIONS)
    assert status.xpath("string(strong)") == f"{LAST_KNOWN}2 things <to> do"
    assert status.xpath("strong/a/@href") == ["latest/status.html"]
    assert status.xpath("p[@class='stale']/a/@href") == ["latest/status-failed.html"]
    assert inventory.xpath("string(strong)") == f"{LAST_KNOWN}Yes, all"
    assert (trends.xpath("string(strong)"), trends.xpath("strong/a")) == ("Not known", [])
    assert {card.get("class") for card in (status, inventory, trends)} == {"no"}


@pytest.mark.parametrize(
    "text", ["", "<html>", "\x00" * 9000, '<html data-state="good" data-run="<b>" data-made-at="x"><h1>x</h1>']
)
def test_page_of_another_program_answers_nothing(text: str, tmp_path: Path) -> None:
    write(tmp_path, "status.html", text)
    assert card_of(index(tmp_path), "status").xpath("string(strong)") == "Not known"


def test_earlier_runs_have_their_numbers_and_only_the_newest_are_listed(tmp_path: Path) -> None:
    stamps = [f"{NOW - timedelta(hours=hour):%Y%m%dT%H%M%SZ}" for hour in range(33)]
    for hour, stamp in enumerate(stamps):
        folder = tmp_path / "runs" / stamp
        folder.mkdir(parents=True)
        run = replace(RUN, attention=hour or None, unseen=hour == 3)
        (folder / "status.html").write_text(report_page("status", "x", run), encoding="utf-8")
    shutil.rmtree(tmp_path / "runs" / stamps[1])  # retention or a reader removed it
    (tmp_path / "runs" / stamps[2] / "tasks-failed.html").touch()
    page = index(tmp_path, stay=tuple(stamps))
    runs = [" ".join(each.text_content().split()) for each in page.xpath("//ul[@class='runs']/li")]
    assert runs[:5] == [
        "today 11:05 Status",
        "today 10:05",
        "today 09:05 2 need attention Status Tasks failed",
        "today 08:05 3 need attention, not all seen Status",
        "today 07:05 4 need attention Status",
    ]
    assert len(runs) == 30
    assert page.xpath("//ul[@class='runs']/li[1]/a/@href") == [f"runs/{stamps[0]}/status.html"]
    assert page.xpath("//a[@href='runs/']/..")[0].text_content() == "3 more in runs."


def test_index_without_earlier_runs_says_so(tmp_path: Path) -> None:
    assert index(tmp_path).xpath("//p[@class='empty']/text()") == ["No earlier run."]


def test_locked_files_are_named(tmp_path: Path) -> None:
    (note,) = index(tmp_path, locked=("status.csv", "runs.csv")).xpath("//main/p[@class='banner']")
    assert note.text_content() == (
        "Open in another program, so still from an earlier run: status.csv and runs.csv. "
        "The next run replaces the files that are closed then."
    )


def test_other_servers_have_a_row_each_with_what_is_known(tmp_path: Path) -> None:
    rows = [
        Server("NEW", NOW, "today (UTC)", None, 0, "3 OK"),  # when it is due is not known
        Server("OLD", NOW, "long ago (UTC)", NOW - timedelta(hours=1), 2, "2 FAILING", "refused", "p.html"),
        Server("GONE", problem="can't be read"),
    ]
    assert table(index(tmp_path, rows=rows), "Servers, those with most to do first") == [
        ["NEW", "0", "", "today (UTC)", "3 OK"],
        ["OLD", "2", "refused", "long ago (UTC), stale", "2 FAILING"],
        ["GONE", "", "can't be read", "", ""],
    ]


# The page of all servers ----------------------------------------------------------------------------------------------

Row = tuple[str, str]
WORST, CAUSES = "Servers, those with most to do first", "By cause, those of most servers first"


class Office:
    """A share with servers, and what their reports would say; a text is what goes wrong."""

    def __init__(
        self,
        folder: Path,
        servers: dict[str, Sequence[Row] | str],
        *,
        due: timedelta = timedelta(hours=1),
        failures: Sequence[Failure] = (),
        **more: Mapping[str, Any],
    ) -> None:
        self.share, self.reports, self.servers = folder / "share", folder / "reports", servers
        self.due, self.failures, self.more, self.asked = due, failures, more, list[str]()
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
        content = {"tasks": tasks, "zone": "America/New_York", **times, **self.more.get(name, {})}
        (folder / "latest").mkdir(parents=True, exist_ok=True)
        (folder / "latest" / "status.json").write_text(json.dumps(content), encoding="utf-8")
        (folder / "index.html").write_text("", encoding="utf-8")
        return Outcome("20261123T110500Z", [*self.failures])

    def page(self, *problems: Problem) -> html.HtmlElement:
        """The page above all reports."""
        make_all(
            self.share,
            self.reports,
            self.make,
            list_servers(self.share),
            now=NOW,
            problems=problems,
            say=lambda _: None,
        )
        return html.document_fromstring((self.reports / "index.html").read_text(encoding="utf-8"))


def case(title: str, *tasks: str, **more: Any) -> dict[str, Any]:
    """What there is to do, as ``status.json`` has it."""
    known = {"verdict": "FAILING", "code": 1, "account": "", "since": "2026-11-09T06:00:00-05:00", "why": "It failed."}
    return {"title": title, "tasks": list(tasks), "advice": "Look.", **known, **more}


def test_every_server_has_its_reports_and_its_row(tmp_path: Path) -> None:
    office = Office(
        tmp_path, {"B": [("\\X", "FAILING"), ("\\Y", "OK")], "a": [("\\X", "OK")], "c": [("\\Z", "OVERDUE")] * 2}
    )
    page = office.page()
    assert office.asked == ["a", "B", "c"]
    assert [(row[0], row[1], row[4]) for row in table(page, WORST)] == [
        ("c", "2", "2 OVERDUE"),
        ("B", "1", "1 FAILING and 1 OK"),
        ("a", "0", "1 OK"),
    ]
    assert table(page, WORST)[0][3] == "Mon 23 Nov 2026 06:02 (America/New_York), fresh"
    assert h1(page) == "3 tasks on 2 of 3 servers need attention"
    assert page.findtext(".//title") == "3 need attention – All servers"
    links = [link.get("href") for link in page.xpath("//a") if link.get("href", "").startswith("servers")]
    assert all((tmp_path / "reports" / link).is_file() for link in links)
    assert len(links) == 5  # a row each, and two causes


def test_server_names_its_three_worst_cases(tmp_path: Path) -> None:
    cases = [case(f"\\T{number}", f"\\T{number}", code=number) for number in range(5)]
    page = Office(tmp_path, {"A": [("\\T", "FAILING")] * 5}, A={"cases": cases}).page()
    (cell,) = page.xpath(f"//table[caption='{WORST}']/tbody/tr/td[2]")
    assert [line.text_content() for line in cell.xpath("div")] == ["FAILING \\T0", "FAILING \\T1", "FAILING \\T2"]


def test_causes_join_servers_by_account_and_by_code(tmp_path: Path) -> None:
    logon = {"code": 0x8007052E, "account": "TOWN\\jobs", "advice": "Enter it."}
    office = Office(
        tmp_path,
        {"A": [("\\X", "FAILING")] * 4, "B": [("\\X", "FAILING")] * 4, "C": [("\\X", "OK")]},
        A={"cases": [case("3 tasks cannot log on", "\\1", "\\2", "\\3", **logon), case("\\P", "\\P")]},
        B={
            "zone": "Europe/London",
            "cases": [
                case("\\Q", "\\Q", since="2026-11-09T10:59:00+00:00"),
                case("\\L", "\\L", **logon | {"account": "town\\JOBS"}),
                case("2 tasks alike", "\\M", "\\N", code=1, verdict="OVERDUE"),
            ],
        },
    )
    page = office.page()
    assert table(page, CAUSES) == [
        [
            *("FAILING, 4 tasks as TOWN\\jobs: It failed.", "4", "A (3), B (1)"),
            *("Mon 9 Nov 2026 06:00 (America/New_York)", "Enter it."),
        ],
        # 10:59 in London is before 06:00 in New York, which a comparison of texts would not see
        ["FAILING, 2 tasks: It failed.", "2", "A (1), B (1)", "Mon 9 Nov 2026 10:59 (Europe/London)", "Look."],
        ["2 tasks alike", "2", "B (2)", "Mon 9 Nov 2026 06:00 (Europe/London)", "Look."],
    ]
    assert page.xpath(f"//table[caption='{CAUSES}']//a/@href")[:2] == ["servers/A/index.html", "servers/B/index.html"]


@pytest.mark.parametrize("since", ["", None, "<b>", "2026-11-09", "2026-11-09T06:00:00"])
def test_times_that_say_nothing_stop_no_page(since: object, tmp_path: Path) -> None:
    cases = [case("\\A", "\\A", since=since), case("\\B", "\\B")]
    page = Office(tmp_path, {"A": [("\\X", "FAILING")]}, A={"cases": cases, "stale_after": None}).page()
    assert len(table(page, CAUSES)) == 1
    assert h1(page) == "1 task on 1 of 1 server needs attention"


def test_server_that_fails_stops_no_other_and_keeps_what_was_known(tmp_path: Path) -> None:
    office = Office(tmp_path, {"A": [("\\X", "FAILING")], "B": [("\\Y", "OK")], "NEW": "its disk is full"})
    office.page()
    office.servers["A"] = "--password S3cret is wrong"
    rows = {row[0]: row for row in table(office.page(), WORST)}
    assert rows["A"][1:3] == ["1", "FAILING \\Xits reports could not be made (--password *** is wrong)"]
    assert rows["A"][3].endswith("fresh")
    assert rows["B"][2] == ""
    assert rows["NEW"][1:] == ["", "its reports could not be made (its disk is full)", "", ""]


def test_report_that_could_not_be_made_is_named(tmp_path: Path) -> None:
    office = Office(tmp_path, {"A": [("\\X", "OK")]}, failures=[Failure("trends", "oh")])
    page = office.page()
    assert table(page, WORST)[0][2] == "trends could not be made"
    assert page.findtext(".//title") == "0 need attention, not all seen – All servers"


def test_stale_and_unknown_servers_are_in_the_answer_and_problems_above_all_else(tmp_path: Path) -> None:
    office = Office(tmp_path, {"A": [("\\X", "OK")], "B": [], "C": "oh"}, due=timedelta(hours=-1))
    page = office.page(Problem("history", "can't be written"))
    assert h1(page) == (
        "No task on 1 server needs attention; the state of 2 servers is not known; "
        "the newest snapshot of 2 servers is stale"
    )
    assert page.findtext(".//title") == "0 need attention, not all seen – All servers"
    assert table(page, CAUSES) == []
    assert page.xpath("string(//p[@class='banner'])") == "history: can't be written"


@pytest.mark.parametrize(("due", "unseen"), [(1, False), (-1, True)])
def test_title_of_all_servers_is_calm_only_where_none_is_stale(due: int, unseen: bool, tmp_path: Path) -> None:
    page = Office(tmp_path, {"A": [("\\X", "OK")], "B": [("\\X", "OK")]}, due=timedelta(hours=due)).page()
    seen = ", not all seen" if unseen else ""
    assert page.findtext(".//title") == f"0 need attention{seen} – All servers"
    assert ("stale" in h1(page)) is unseen


def test_title_of_all_servers_has_no_number_where_nothing_is_known(tmp_path: Path) -> None:
    assert Office(tmp_path, {"A": "oh", "B": []}).page().findtext(".//title") == "All servers"


def test_very_many_causes_are_cut_and_counted(tmp_path: Path) -> None:
    cases = [case(f"\\T{number}", f"\\T{number}", code=number) for number in range(MOST_CAUSES + 7)]
    page = Office(tmp_path, {"A": [("\\X", "FAILING")]}, A={"cases": cases}).page()
    assert len(table(page, CAUSES)) == MOST_CAUSES
    assert "7 more are on the pages of their servers." in page.text_content()
