"""The status page: whether to worry, how each task stands, and the files of it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from lxml import html

from taskanalysis.errors import Problem
from taskanalysis.health.cases import Case
from taskanalysis.health.rules import parse_rules, read_rules
from taskanalysis.health.verdicts import Verdict
from taskanalysis.report.cards import MOST_CARDS, MOST_NAMED
from taskanalysis.report.columns import COLUMNS
from taskanalysis.report.status import StatusPage
from taskanalysis.report.trends import Trends
from taskanalysis.snapshot.share import sample_share
from taskanalysis.snapshot.snapshot import Snapshot
from taskanalysis.snapshot.status import Status
from tests.build import HOSTILE

NOON = datetime(2026, 11, 23, 17, tzinfo=UTC)
ALL_MUTED = parse_rules("[[rule]]\ntask = '*'\nignore = true")


@pytest.fixture(scope="module")
def page(sample: Snapshot) -> StatusPage:
    return StatusPage(sample, rules=read_rules(sample_share() / "rules.toml"))


@pytest.fixture(scope="module")
def status(page: StatusPage) -> pd.DataFrame:
    return page.tasks.frame


def test_page_reads_rules_and_history_of_the_share() -> None:
    page = StatusPage.read(folder=r"\OpenData\Transit")
    assert page.history
    assert page.rules.rules
    assert [case.title for case in page.cases] == [r"\OpenData\Transit\Bus stops", r"\OpenData\Transit\Ridership"]
    assert page.tasks.frame["verdict"].value_counts()["RUNNING"] == 1


def test_run_book_stands_beside_the_advice_of_tasks_that_need_attention(sample: Snapshot) -> None:
    rules = parse_rules("[[rule]]\ntask = '*'\nlink = 'https://wiki.example/x'")
    frame = StatusPage(sample, r"\OpenData\Transit", rules=rules).tasks.frame
    has_link = frame["advice"].str.endswith(" (Run book: https://wiki.example/x)")
    assert frame.loc[has_link, "verdict"].tolist() == ["FAILING", "FAILING"]
    assert len(frame) > 2


# Sentences ------------------------------------------------------------------------------------------------------------


def test_answer_of_the_status_says_what_there_is_to_do(page: StatusPage) -> None:
    assert page.answer.lines == [
        "9 things to do.",
        "17 of 52 tasks need attention. "
        "13 FAILING, 1 OVERDUE, 2 RUNNING LONG, 31 OK, 2 RUNNING, 1 NEVER RAN, 1 DISABLED and 1 UNKNOWN.",
    ]
    assert page.answer.points == [case.title for case in page.cases], "without a history nothing is new"
    assert not page.answer.is_good


def test_answer_with_a_history_says_what_began_since_yesterday() -> None:
    answer = StatusPage.read("data").answer
    assert answer.title == "9 things to do, 4 since yesterday"
    assert answer.points[0] == r"9 tasks cannot log on as TOWN\opendata"
    assert [point.partition(" ")[0] for point in answer.points].count("NEW") == 2
    assert [point.partition(" ")[0] for point in answer.points].count("AGAIN") == 2


def test_quiet_status_is_called_quiet(sample: Snapshot) -> None:
    quiet = StatusPage(sample, r"\Backup")
    assert quiet.answer.lines == [
        "Nothing to do: no task needs attention.",
        "None of 2 tasks needs attention: no need to worry. 2 OK.",
    ]
    assert quiet.answer.is_good
    assert quiet.cards.html == ""
    assert quiet.further.html() == ""
    muted = replace(quiet, rules=parse_rules("[[rule]]\ntask = '*Offsite*'\nignore = true"))
    assert muted.remarks.words == "1 task muted by rules.toml: counted, not listed."
    silent = replace(quiet, rules=ALL_MUTED)
    assert silent.answer.lines == ["Not known: no task is judged.", "No task is judged."]
    assert silent.remarks.words == "2 tasks muted by rules.toml: counted, not listed."
    nothing = StatusPage(replace(sample, statuses={}))
    assert not nothing.answer.is_good
    assert nothing.answer.lines == [
        "Not known: no status was collected.",
        "No status was collected.",
        "It is not known how the tasks run: no status was collected.",
    ]


def test_what_could_not_be_read_is_no_reason_not_to_worry(sample: Snapshot) -> None:
    damaged = replace(sample, problems=[Problem("status.csv", "line 3: is cut")])
    answer = StatusPage(damaged, r"\Backup").answer
    assert answer.title == "None of 2 tasks needs attention; not everything could be seen"
    assert answer.unseen == ["1 problem in the data that were read: status.csv line 3: is cut."]
    assert not answer.is_good
    lacking = replace(sample, statuses={path: sample.statuses[path] for path in [r"\Backup\Offsite copy"]})
    answer = StatusPage(lacking, r"\Backup").answer
    assert answer.title == "None of 1 task needs attention; 1 other could not be judged"
    assert answer.unseen == [r"1 task: not judged, because there is no status: \Backup\System state."]


def test_no_output_is_not_taken_for_good_news() -> None:
    statuses = {path: Status(path, "Ready") for path in (r"\A", r"\B")} | {r"\C": Status(r"\C", "Ready", True, NOON, 0)}
    page = StatusPage(Snapshot("S", NOON, statuses=statuses))
    assert page.answer.lines == [
        "Not known: none of 3 tasks could be judged.",
        "1 OK and 2 UNKNOWN.",
        r"2 tasks: not judged, because the last result is not known: \A and \B.",
        r"1 task: not judged, because no definitions were collected: \C.",
        "No: no definitions were collected.",
    ]
    assert "3 status rows, no definitions with them." in page.check.lines


# Tables ---------------------------------------------------------------------------------------------------------------


def test_tasks_that_need_attention_come_first(status: pd.DataFrame) -> None:
    loud = {"FAILING", "OVERDUE", "RUNNING LONG", "UNKNOWN"}
    assert len(status) == 52
    assert set(status["verdict"][:17]) == loud
    assert not set(status["verdict"][17:]) & loud


def test_all_tasks_have_a_row_with_state_strip_last_and_next() -> None:
    page = StatusPage.read("data")
    shown = html.fromstring(f"<div>{page.tasks.html()}</div>".replace("<wbr>", "<wbr/>"))
    assert shown.xpath("//thead//th/text()") == [
        *("Task", "State", "Last 30 days", "Last run", "Next start", "Good, 30 days", "Owner"),
    ]
    assert shown.xpath("//table/@class") == ["chips"]
    assert len(shown.xpath("//tbody/tr")) == len(shown.xpath("//tbody/tr//svg")) == 52
    row = next(row for row in shown.xpath("//tbody/tr") if row[0].text_content().endswith("Bus stops"))
    cells = [cell.text_content() for cell in row]
    assert cells == [
        *(r"OpenData\Transit\Bus stops", "FAILING", "", "today 04:20", "today 10:20", "60 %", "Transit desk"),
    ]
    loud = [row[1].text_content() for row in shown.xpath("//tbody/tr")][:17]
    assert set(loud) == {"FAILING", "OVERDUE", "RUNNING LONG", "UNKNOWN"}


# Cards ----------------------------------------------------------------------------------------------------------------


def cards(page: StatusPage) -> list[html.HtmlElement]:
    return html.fromstring(f"<div>{page.cards.html}</div>".replace("<wbr>", "<wbr/>")).xpath("./ol/li")


def words(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def test_card_says_state_name_days_why_next_since_owner_and_what_to_copy() -> None:
    page = StatusPage.read("data")
    found = cards(page)
    assert len(found) == len(page.cases) == 9
    first, second = found[:2]
    assert words(first.find("h2")) == r"FAILING 9 tasks cannot log on as TOWN\opendata"
    assert first.find("svg").get("aria-label") == "Tasks with a bad day: 9 of 9 tasks at most on a day"
    assert words(first.xpath("p[@class='next']")[0]) == (
        r"Next: Enter the new password of TOWN\opendata in these 9 tasks."
    )
    assert words(first.xpath(".//div[@class='more']/span")[0]) == "since Mon 9 Nov 07:10 (14 days)"
    assert [words(each) for each in first.xpath(".//summary")] == ["The 9 tasks", "PowerShell to copy"]
    assert len(first.xpath(".//details[1]//a/@href")) == 9
    assert words(second.find("h2")) == r"AGAIN FAILING OpenData\Transit\Bus stops"
    assert second.xpath("h2//a/@href") == [page.look.places[r"\OpenData\Transit\Bus stops"]]
    assert "Owner: Transit desk" in words(second)
    assert second.xpath(".//summary//strong/text()") == ["starts the real job"]


def test_card_of_what_is_late_has_another_edge_than_that_of_what_failed() -> None:
    page = StatusPage.read("data")
    kinds = {case.verdict.value: card.get("class") for case, card in zip(page.cases, cards(page), strict=True)}
    assert kinds == {"FAILING": None, "OVERDUE": "warn", "RUNNING LONG": "warn", "UNKNOWN": "warn"}


def several(number: int, code: int = 1) -> StatusPage:
    statuses = {f"\\{each:02}": Status(f"\\{each:02}", "Ready", True, NOON, code) for each in range(number)}
    return StatusPage(Snapshot("S", NOON, statuses=statuses))


def test_twelve_cases_are_cards_and_the_others_rows() -> None:
    assert len(cards(several(MOST_CARDS))) == MOST_CARDS
    assert several(MOST_CARDS).further.html() == ""
    page = several(MOST_CARDS + 2)
    assert len(cards(page)) == MOST_CARDS
    assert page.further.frame["task_path"].tolist() == [r"\12", r"\13"]
    assert page.answer.title.startswith("14 things to do")


def test_case_beyond_the_cards_has_a_row_for_each_of_its_tasks_with_what_they_share() -> None:
    page = StatusPage.read("data")
    vars(page.assessment)["cases"] = [*page.cases[1:], *page.cases[1:5], page.cases[0]]
    assert len(page.further.frame) == 9
    assert set(page.further.frame["incident"]) == {r"9 tasks cannot log on as TOWN\opendata"}


def test_card_names_twenty_tasks_and_counts_the_others() -> None:
    page = several(MOST_NAMED + 1234, code=4711)
    (card,) = cards(page)
    names = [words(each) for each in card.xpath(".//details[1]//li")]
    assert (len(names), names[-1]) == (MOST_NAMED + 1, "and 1,234 more, among all tasks below")


def test_note_and_owner_of_the_office_are_on_the_card_and_are_text(sample: Snapshot) -> None:
    rules = parse_rules("[[rule]]\ntask = '*Bus*'\nowner = '<i>me'\nnote = '<b> --password S3cret'")
    page = StatusPage(sample, r"\OpenData\Transit", rules=rules)
    card = next(each for each in cards(page) if "Bus stops" in words(each))
    assert "Note: <b> --password ***" in words(card)
    assert "Owner: <i>me" in words(card)
    assert "S3cret" not in page.cards.html + page.cards.words


def test_no_text_of_a_task_is_markup_or_secret_on_a_card() -> None:
    names = [*HOSTILE, "\\load --password S3cret", "\\a\0b"]
    statuses = {name: Status(name, "Ready", True, NOON, 1) for name in names}
    page = StatusPage(Snapshot("S", NOON, "America/New_York", statuses=statuses))
    found = cards(page)
    assert len(found) == len(names)
    tags = {element.tag for card in found for element in card.iter()}
    assert tags <= {"li", "h2", "b", "a", "wbr", "p", "div", "span", "details", "summary", "strong", "pre"}
    assert "S3cret" not in page.cards.html + page.cards.words
    assert "\0" not in page.cards.html + page.cards.words
    assert len(page.cards.words.splitlines()) == len(names)


def test_time_without_a_zone_is_said_without_how_long_ago() -> None:
    naive = Status(r"\A", "Running", True, datetime(2026, 11, 20, 4, 30), 267009)
    page = StatusPage(Snapshot("S", NOON, statuses={r"\A": naive}))
    late = replace(page.judged[0], verdict=Verdict.RUNNING_LONG, since=datetime(2026, 11, 20, 4, 30))
    vars(page.assessment)["cases"] = [Case([late])]
    (card,) = cards(page)
    assert words(card.xpath(".//div[@class='more']/span")[0]) == "since Fri 20 Nov 04:30"


# Rows -----------------------------------------------------------------------------------------------------------------


def test_status_row_says_what_is_known(status: pd.DataFrame) -> None:
    row = status.set_index("task_path").loc[r"\OpenData\Permits\Nightly load"]
    assert (row["outcome"], row["code"], row["hex"]) == ("not started", 0x8007052E, "0x8007052E")
    assert row["incident"].startswith(r"9 tasks, all as TOWN\opendata")
    assert row["last_run"].isoformat() == "2026-11-22T22:15:02-05:00"
    row = status.set_index("task_path").loc[r"\OpenData\GIS\Tiles\Mirror"]
    assert (row["verdict"], row["owner"], row["code"]) == ("OK", "GIS team", 1)


def test_status_keeps_never_and_unknown_apart() -> None:
    statuses = {r"\A": Status(r"\A", last_run="never"), r"\B": Status(r"\B")}
    frame = StatusPage(Snapshot("S", NOON, statuses=statuses)).tasks.frame
    assert frame["last_run"].tolist() == ["never", ""]
    assert frame["code"].isna().all()
    assert frame["verdict"].tolist() == ["NEVER RAN", "UNKNOWN"]


def test_old_status_keeps_its_columns_and_their_meaning(page: StatusPage) -> None:
    old = page.old_status
    assert list(old.columns[:8]) == [*COLUMNS["old_status"], "task_path", "verdict", "last_run", "meaning"]
    assert set(old.columns[4:]) == set(COLUMNS["status"])
    by_path = old.set_index("task_path")
    row = by_path.loc[r"\OpenData\Permits\Nightly load"]
    assert (row["name"], row["lastResult"], row["resultCode"]) == ("Nightly load", "Broken", 0x8007052E)
    assert row["timeStamp"] == row["next_run"]
    assert by_path.loc[r"\OpenData\GIS\Tiles\Mirror", "lastResult"] == "Working"
    assert by_path.loc[r"\OpenData\Admin\Monthly archive", "lastResult"] == "Unknown"


def test_muted_task_is_not_listed(sample: Snapshot) -> None:
    page = StatusPage(sample, rules=ALL_MUTED)
    assert page.tasks.frame.empty
    assert list(page.old_status.columns)[:4] == list(COLUMNS["old_status"])


def test_changes_are_those_of_24_hours_the_newest_first(sample: Snapshot, trends: Trends) -> None:
    history = trends.history
    changes = StatusPage(sample, history=history).changes.frame
    assert changes[["task_path", "kind", "after"]].to_numpy().tolist() == [
        [r"\OpenData\Transit\Bus stops", "outcome", "failed"],
        [r"\OpenData\GIS\Address points", "outcome", "succeeded"],
        [r"\OpenData\Transit\Parking meters", "outcome", "stopped"],
        [r"\OpenData\Portal\Full-text index", "script", "7d3c37d2"],
        [r"\OpenData\Portal\Full-text index", "outcome", "stopped"],
        [r"\OpenData\Services\Recreation calendar", "outcome", "not started"],
    ]
    assert not changes.duplicated(["task_path", "kind"]).any(), "the last turn of each task"
    assert changes["at"].min() > sample.local_time - timedelta(days=1)
    assert StatusPage(sample, r"\Backup", history=history).changes.empty == (
        "Nothing changed in the 24 hours before the snapshot."
    )
    assert StatusPage(sample).changes.empty == "There is no snapshot before this one, so no change is known."
    assert StatusPage(sample).changes.frame.empty


def test_status_with_a_history_shows_how_the_runs_before_went(sample: Snapshot, trends: Trends) -> None:
    tasks = StatusPage(sample, history=trends.history).tasks.frame.set_index("task_path")
    row = tasks.loc[r"\OpenData\Transit\Bus stops"]
    assert (row["consecutive_failures"], row["runs_7d"], row["runs_30d"], row["flapping"]) == (1, 28, 112, True)
    assert row["success_rate_7d"] == 17 / 28
    assert f"{row['last_success']:%m-%d %H:%M %z}" == "11-22 22:20 -0500"
    few = tasks.loc[r"\Backup\System state"]
    assert (few["runs_7d"], few["success_rate_7d"] is pd.NA) == (1, True)
    columns = ["consecutive_failures", "runs_7d", "success_rate_7d", "runs_30d", "success_rate_30d", "flapping"]
    assert StatusPage(sample).tasks.frame[columns].isna().all(axis=None)


# Files ----------------------------------------------------------------------------------------------------------------


def test_status_json_has_its_keys_and_plain_values(page: StatusPage, tmp_path: Path) -> None:
    files = page.save(tmp_path, made_at=datetime(2026, 11, 23, 12, tzinfo=UTC))
    assert [file.name for file in files] == [
        *("status.csv", "status.parquet", "task-status.csv", "task-status.parquet", "status.json"),
    ]
    content = json.loads(files[-1].read_text(encoding="utf-8"))
    assert list(content) == [
        *("format", "version", "server", "taken_at", "made_at", "stale_after", "zone", "code", "title", "headline"),
        *(
            "attention",
            "unseen",
            "not_judged_servers",
            "backup",
            "cases",
            "summary",
            "counts",
            "tasks",
            "incidents",
            "problems",
        ),
    ]
    assert content["taken_at"] == "2026-11-23T06:02:00-05:00"
    assert content["made_at"] == "2026-11-23T07:00:00-05:00"
    assert content["stale_after"] == "2026-11-23T18:02:00-05:00"
    assert content["counts"]["FAILING"] == 13
    assert content["title"] == page.assessment.title == "9 things to do"
    assert [case["title"] for case in content["cases"]] == [case.title for case in page.cases]
    first, second = content["cases"][:2]
    assert first == {
        "title": r"9 tasks cannot log on as TOWN\opendata",
        "verdict": "FAILING",
        "novelty": "",
        "tasks": [task.path for task in page.cases[0].tasks],
        "code": 0x8007052E,
        "account": r"TOWN\opendata",
        "since": None,
        "why": page.cases[0].why,
        "advice": page.cases[0].advice,
    }
    assert (second["account"], second["tasks"]) == ("", [second["title"]])
    assert (content["code"], content["attention"], content["unseen"]) == (1, 17, [])
    assert content["backup"]["sentence"] == "Yes: all 52 tasks are in the backup."
    assert content["summary"][0].endswith(": 17 of 52 tasks need attention.")
    assert [len(content[name]) for name in ("tasks", "incidents", "problems")] == [52, 1, 0]
    row = next(row for row in content["tasks"] if row["task_path"] == r"\OpenData\Admin\Monthly archive")
    assert (row["last_run"], row["owner"], row["code"], row["flapping"]) == ("never", None, 267011, None)
    assert page.save("") == []
