"""Reports: what lies in the folder, what is refused, and what a failed run leaves."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Self

import nbformat
import pytest
from lxml import html

from taskanalysis.cli.main import SAMPLE
from taskanalysis.errors import Problem, ReportError
from taskanalysis.publish import make, workers
from taskanalysis.publish.folder import MARKER
from taskanalysis.publish.make import LATEST_ONLY, NOTEBOOKS, make_reports, notebook_file, renew_history
from taskanalysis.publish.notebooks import Failure
from taskanalysis.publish.pages import (
    LAST_KNOWN,
    Rendered,
    Run,
    failure_page,
    read_answer,
    read_head,
    report_pages,
    with_notice,
)
from taskanalysis.publish.workers import Job, Workers
from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot
from tests.build import MANY, hours, page_of, status, text_in, write

NOW = datetime(2026, 11, 23, 11, 5, tzinfo=UTC)
SNAPSHOT = Snapshot("SERVER", NOW - timedelta(minutes=3))


def test_latest_holds_the_page_and_its_tables(pages: Path) -> None:
    inventory = {"inventory.html", "inventory.csv", "triggers.csv", "actions.csv", "task_scheduler_backup.csv"}
    status = {"status.html", "status.csv", "status.json", "task-status.csv"}
    trends = {"trends.html", "runs.csv", "slots.csv", "changes.csv", "missed_causes.csv"}
    tables = {file.name for file in pages.glob("*.parquet")}
    named = inventory | status | trends | {"tasks.html", "summary.txt"}
    assert {file.name for file in pages.iterdir()} == named | tables
    assert tables == {file.with_suffix(".parquet").name for file in pages.glob("*.csv")}


def links_of(file: Path) -> set[tuple[Path, str]]:
    """The files that a page links, each with its fragment."""
    found = [target.partition("#") for target in html.parse(str(file)).xpath("//a/@href")]
    return {((file.parent / (to or file.name)).resolve(), fragment) for to, _, fragment in found}


@cache
def ids_of(file: Path) -> list[str]:
    return list(html.parse(str(file)).xpath("//@id"))


@pytest.mark.parametrize("name", ["index", *NOTEBOOKS])
def test_page_links_what_is_there_and_nothing_outside(name: str, pages: Path) -> None:
    root = pages.parent
    (run,) = (root / "runs").iterdir()
    folders = [pages] if name in LATEST_ONLY else [pages, run]
    files = [root / "index.html"] if name == "index" else [folder / f"{name}.html" for folder in folders]
    for file in files:
        page, links = html.parse(str(file)), links_of(file)
        assert all(link.is_file() and root in link.parents for link, _ in links)
        assert {(link, fragment) for link, fragment in links if fragment and fragment not in ids_of(link)} == set()
        own = [] if name == "index" else NOTEBOOKS
        reports = {(pages if each in LATEST_ONLY else file.parent) / f"{each}.html" for each in own}
        assert {link for link, _ in links} >= reports | {root / "index.html"}
        assert page.xpath("//link/@href") == ["data:,"]
        assert page.xpath("//img") == []
        tables = {"inventory": "triggers.csv", "status": "status.json", "trends": "runs.csv"}
        assert name not in tables or (file.parent / tables[name], "") in links


def test_each_name_of_a_task_leads_to_its_story(pages: Path) -> None:
    stories = {str(each) for each in html.parse(str(pages / "tasks.html")).xpath("//div[@class='story']/@id")}
    assert len(stories) == len(ids_of(pages / "tasks.html")) - len(["main"]) == 52
    status = html.parse(str(pages / "status.html"))
    rows = status.xpath("//table[caption='All tasks']/tbody/tr/th")
    assert {row.xpath("string(a/@href)").removeprefix("tasks.html#") for row in rows} == stories
    for card in status.xpath("//ol[@class='todo']/li"):
        assert card.xpath(".//a[starts-with(@href, 'tasks.html#')]")
    (run,) = (pages.parent / "runs").iterdir()
    for name in ("status", "inventory", "trends"):
        kept = [link for link in html.parse(str(run / f"{name}.html")).xpath("//main//a/@href") if "tasks" in link]
        assert len(kept) > 20
        assert all(link.startswith("../../latest/tasks.html#t") for link in kept)


ANSWERS = {
    "status": "9 things to do, 4 since yesterday",
    "tasks": "52 tasks and their stories",
    "inventory": "Yes, all 52 tasks can be put back, with 2 passwords at hand; "
    "the scripts of 1 task are not in the backup",
    "trends": "Worse since Mon 9 Nov",
}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_page_begins_with_its_number_and_its_answer_and_says_that_it_is_the_sample(name: str, pages: Path) -> None:
    page = html.parse(str(pages / f"{name}.html"))
    assert page.findtext(".//title") == f"17 need attention – {name.title()} – OPENDATA01"
    assert page.xpath("//h1//text()") == [ANSWERS[name]]
    assert " ".join(page.xpath("string(//p[@class='when'])").split()) == (
        "As of Mon 23 Nov 2026 06:02, server time (America/New_York)."
    )
    banners = page.xpath("//header/p[@class='banner']/text()")
    assert banners == [SAMPLE], "and nothing is stale"
    assert page.xpath("//nav/a[@aria-current='page']/text()") == [name.title()]
    assert page.xpath("//header/div/b/text()") == ["OPENDATA01"]


def test_index_begins_with_the_number_and_has_three_cards_the_timeline_and_the_run(pages: Path) -> None:
    page = html.parse(str(pages.parent / "index.html"))
    assert page.findtext(".//title") == "17 need attention – Overview – OPENDATA01"
    assert page.xpath("//h1/text()") == [ANSWERS["status"]]
    assert page.xpath("//div[@class='three']//strong/a/text()") == [
        ANSWERS[name] for name in ("status", "inventory", "trends")
    ]
    assert [len(card.xpath("ul/li")) for card in page.xpath("//div[@class='three']/div")] == [5, 5, 3]
    assert len(page.xpath("//div[@class='timeline']//tr")) == 26
    (run,) = page.xpath("//ul[@class='runs']/li")
    assert " ".join(run.text_content().split()).endswith(" 17 need attention Status Inventory Trends")


def test_page_names_its_run_and_the_run_has_the_same_page(pages: Path) -> None:
    (run,) = (pages.parent / "runs").iterdir()
    stories = {f"{name}.html" for name in LATEST_ONLY}
    assert {each.name for each in run.iterdir()} == {each.name for each in pages.iterdir()} - stories
    for name in sorted({*NOTEBOOKS} - {*LATEST_ONLY}):
        head = read_head(pages / f"{name}.html")
        assert head
        assert (head.state, head.run, head.attention, head.unseen) == ("good", run.name, 17, False)
        kept, newest = (html.parse(str(folder / f"{name}.html")) for folder in (run, pages))
        assert [each.text_content() for each in kept.xpath("//main")] == [
            each.text_content() for each in newest.xpath("//main")
        ]
        assert f"run {run.name}" in kept.xpath("//footer")[0].text_content()
        assert kept.xpath("//header//a[text()='latest']/@href") == [f"../../latest/{name}.html"]
        assert not kept.xpath("//*[@data-stale-after]")  # nobody renews a page that is kept


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_page_shows_no_code_and_no_warning(name: str, pages: Path) -> None:
    text = (pages / f"{name}.html").read_text(encoding="utf-8")
    assert "read_snapshot" not in text
    assert not html.fromstring(text).xpath("//pre[not(@class='cmd' or @class='log')]")
    assert "data-jupyter" not in text  # the style of JupyterLab


@pytest.mark.slow
def test_stories_of_many_tasks_are_on_several_pages_and_every_link_finds_them(many_pages: Path) -> None:
    root = many_pages.parent
    (run,) = (root / "runs").iterdir()
    names = sorted(file.name for file in many_pages.glob("tasks*"))
    assert names == ["tasks-2.html", "tasks-3.html", "tasks.html"]
    assert list(run.glob("tasks*")) == []
    numbers = [len(html.parse(str(many_pages / name)).xpath("//div[@class='story']")) for name in names]
    assert numbers == [100, MANY - 200, 100]
    for file in [root / "index.html", *many_pages.glob("*.html"), *run.glob("*.html")]:
        for link, fragment in links_of(file):
            assert link.is_file()
            assert not fragment or fragment in ids_of(link), (file.name, link.name, fragment)
    found = {fragment for link, fragment in links_of(many_pages / "status.html") if link.name.startswith("tasks")}
    assert len(found - {""}) == MANY


def test_no_secret_is_in_any_file(pages: Path, hostile_pages: Path) -> None:
    for file in [*pages.iterdir(), *hostile_pages.iterdir()]:
        text = text_in(file)
        assert "S3cret" not in text
        assert "Winter-2026" not in text


def test_bad_file_is_named_with_its_reason(hostile_pages: Path) -> None:
    page = page_of(hostile_pages / "inventory.html")
    (row,) = page.xpath("//caption[text()='Problems']/../tbody/tr")
    assert row[0].text_content() == "broken.xml"
    assert "not well-formed" in row[1].text_content()


# Notebooks that fail --------------------------------------------------------------------------------------------------

FAILURES = {
    "inventory": Failure(
        "inventory",
        "inventory.ipynb: the cell 'load()' raised ValueError: no <b>luck",
        "load('--password S3cret')",
        "\x1b[31mValueError: no <b>luck --password S3cret",
    ),
    "tasks": Failure("tasks", "tasks.ipynb: the cell 'exit()' did not complete", "exit()"),
    "trends": Failure("trends", "trends.ipynb: its process ended with code 1"),
}
OUTSIDE = "<script src='https://example.org/x.js'></script>"
SAID = {
    **{name: failure.what for name, failure in FAILURES.items()},
    "outside": "outside.ipynb: it loads https://example.org/x.js",
}
NAMES = ("status", *SAID)


class Team(Workers):
    """Workers whose notebooks have run, or failed, already."""

    def __enter__(self) -> Self:
        return self

    def run(self, jobs: Sequence[Job], **_: object) -> Iterator[tuple[Job, Rendered | Failure]]:  # type: ignore[override]
        for job in jobs:
            printed = nbformat.v4.new_output("stream", text="<b>printed\n")
            shown = nbformat.v4.new_output("execute_result", {"text/plain": "'<i>shown'"})
            outside = nbformat.v4.new_output("display_data", {"text/html": OUTSIDE})
            outputs = [outside] if job.report == "outside" else [printed, shown]
            notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", outputs=outputs)])
            yield job, FAILURES.get(job.report) or workers.page_of(job, notebook)


@dataclass(frozen=True)
class Failed:
    """The result of a run in which most reports fail; two of them were good before."""

    out: Path
    failures: Mapping[str, str]
    said: list[str]

    def page(self, name: str) -> html.HtmlElement:
        return html.fromstring((self.out / f"latest/{name}.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Failed:
    folder = tmp_path_factory.mktemp("fail")
    latest = folder / "out/latest"
    latest.mkdir(parents=True)
    (folder / "out" / MARKER).touch()
    earlier = Run("20261123T050500Z", NOW - timedelta(hours=6), NOW - timedelta(hours=7), NOW, "", NAMES)
    page, stories = "<h1>the last good one</h1>", '<div class="taskanalysis"><!--page--></div>'
    rendered = {name: Rendered(name, page + (name == "tasks") * 2 * stories) for name in NAMES}
    good = {name: report_pages(name, each, earlier, files=[]) for name, each in rendered.items()}
    before = {
        **good["inventory"],
        **good["tasks"],
        "status.html": with_notice(good["status"]["status.html"], "It failed.", "status-failed.html", "Why"),
        "trends.html": failure_page(Failure("trends", "It died before"), earlier, {}, kept=False, has_good=False),
        "status-2.html": "of an earlier run, which had more to show",
        "status-failed.html": "of an earlier run",
        "inventory-failed.html": "of an earlier run",
    }
    for name, text in before.items():
        (latest / name).write_text(text, encoding="utf-8")
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(make, "notebook_file", lambda name: Path(f"{name}.ipynb"))
        patched.setattr(make, "NOTEBOOKS", NAMES)
        patched.setattr(make, "Workers", Team)
        outcome = make_reports(SNAPSHOT, folder / "out", {"data": str(folder), "at": ""}, now=NOW, say=said.append)
    return Failed(folder / "out", {failure.report: failure.what for failure in outcome.failures}, said)


def test_failure_is_one_sentence(failed: Failed) -> None:
    assert failed.failures == SAID
    assert set(failed.said) > set(SAID.values())


def test_good_report_is_made_though_others_fail(failed: Failed) -> None:
    page = failed.page("status")
    assert page.xpath("//pre/text()") == ["<b>printed\n", "'<i>shown'"]
    assert not page.xpath("//main//b | //main//i")
    assert not (failed.out / "latest/status-failed.html").exists()


def test_pages_that_a_report_has_no_more_are_removed_and_those_of_a_failed_one_stay(failed: Failed) -> None:
    assert not (failed.out / "latest/status-2.html").exists()
    assert (failed.out / "latest/tasks-2.html").exists()
    assert list(failed.out.glob("runs/*/tasks*")) == [failed.out / "runs/20261123T110500Z/tasks-failed.html"]


@pytest.mark.parametrize("name", ["inventory", "tasks", "tasks-2"])
def test_last_good_version_stays_under_a_banner(name: str, failed: Failed) -> None:
    page, report = failed.page(name), name.partition("-")[0]
    assert page.xpath("//h1/text()") == ["tasks, page 2 of 2" if name == "tasks-2" else "the last good one"]
    (banner,) = page.xpath("//header/p[@class='banner'][a]")
    assert banner.text_content() == (
        "This report could not be made at Mon 23 Nov 2026 11:05. "
        "Below is the last good one, of Mon 23 Nov 2026 05:05. What failed"
    )
    assert banner.xpath("a/@href") == [f"{report}-failed.html"]
    assert not (failed.out / f"runs/20261123T110500Z/{name}.html").exists()


@pytest.mark.parametrize("name", ["trends", "outside"])
def test_report_without_a_good_version_is_the_page_that_says_why(name: str, failed: Failed) -> None:
    head = read_head(failed.out / f"latest/{name}.html")
    assert head
    assert (head.state, head.run) == ("failed", "20261123T110500Z")
    page = failed.page(name)
    assert "It died before" not in page.text_content()
    assert page.xpath("//h1/text()") == [f"{name.title()} could not be made"]
    assert page.xpath("string(//main/p[1])") == "There is no earlier version of this report."


@pytest.mark.parametrize("folder", ["latest", "runs/20261123T110500Z"])
def test_failure_page_says_what_still_holds_then_cell_error_and_parameters_and_no_secret(
    folder: str, failed: Failed
) -> None:
    text = (failed.out / folder / "inventory-failed.html").read_text(encoding="utf-8")
    page = html.fromstring(text)
    assert page.xpath("string(//main/p[1])") == "What still holds: the last good one, as of Mon 23 Nov 2026 04:05."
    assert page.xpath("string(//main/p[2])") == "Made in this run: Status."
    cell, error = page.xpath("//pre/text()")
    assert cell == "load('--password ***')"
    assert error == "ValueError: no <b>luck --password ***"
    names = page.xpath("//h2[text()='Parameters']/following-sibling::dl//dt/text()")
    assert names == ["data", "at"]
    assert "S3cret" not in text
    assert "\x1b" not in text


def test_index_says_which_reports_failed_and_what_was_last_known(failed: Failed) -> None:
    page = html.parse(str(failed.out / "index.html"))
    assert page.xpath("//h1/text()") == ["The state of the tasks is not known"]  # the notebook made no status.json
    status, inventory, trends = page.xpath("//div[@class='three']/div")
    assert not status.xpath("p[@class='stale']")
    assert inventory.xpath("string(strong)") == f"{LAST_KNOWN}the last good one"
    assert trends.xpath("string(strong)") == "Not known"
    for card, name in ((inventory, "inventory"), (trends, "trends")):
        assert card.xpath("string(p[@class='stale'])") == "It could not be made: why"
        assert card.xpath("p/a/@href") == [f"latest/{name}-failed.html"]
        assert card.get("class") == "no"


def test_links_of_a_run_that_failed_lead_somewhere(failed: Failed) -> None:
    for file in [failed.out / "index.html", *failed.out.glob("latest/*.html"), *failed.out.glob("runs/*/*.html")]:
        links = html.parse(str(file)).xpath("//a[not(@class='skip')]/@href")
        assert [link for link in links if not (file.parent / link).exists()] == []


def test_banner_goes_when_the_report_is_made_again(failed: Failed) -> None:
    text = (failed.out / "latest/inventory.html").read_text(encoding="utf-8")
    again = with_notice(text, "It failed again.", "x", "Why")
    assert "could not be made" not in again
    assert again.count("<!--notice-->") == 1
    assert read_answer(again) == "the last good one"
    assert not failed.page("status").xpath("//header/p[@class='banner']")  # there was one before


def test_temporary_folder_that_is_full_is_one_sentence_with_a_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Workers, "_start", refuse)
    with pytest.raises(ReportError, match=r"can't be used .No space left on device.: make room there, or name"):
        make_reports(SNAPSHOT, tmp_path / "out", {"data": str(tmp_path)}, now=NOW)
    assert not (tmp_path / "out").exists()


# History --------------------------------------------------------------------------------------------------------------


def test_history_of_a_share_is_brought_up_to_date_and_of_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr("taskanalysis.history.update_store", lambda *given, **_: asked.append(given) or [])
    assert renew_history(tmp_path) == []
    (tmp_path / "snapshots").mkdir()
    assert renew_history(tmp_path) == []
    assert asked == [(tmp_path,)]


def test_history_that_cannot_be_written_is_a_problem_beside_the_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> list[Problem]:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("taskanalysis.history.update_store", refuse)
    (tmp_path / "snapshots").mkdir()
    assert renew_history(tmp_path) == [Problem("history", "could not be brought up to date (oh)")]


def test_missing_notebook_is_one_sentence() -> None:
    with pytest.raises(ReportError, match=r"the notebook nowhere\.ipynb is missing: reinstall"):
        notebook_file("nowhere")


def test_the_process_that_waits_imports_no_pandas() -> None:
    program = "import sys, taskanalysis.publish as p; [getattr(p, n) for n in p.__all__]\n"
    program += "print(sorted({'pandas', 'matplotlib', 'papermill', 'nbconvert'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_all_pages_are_of_the_snapshot_that_the_run_began_with_and_say_that_rules_are_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Job] = {}

    class Asked(Team):
        def run(self, jobs: Sequence[Job], **_: object) -> Iterator[tuple[Job, Rendered | Failure]]:  # type: ignore[override]
            asked.update({job.report: job for job in jobs})
            yield from super().run(jobs)

    monkeypatch.setattr(make, "Workers", Asked)
    share = tmp_path / "share"
    write(share, 0, status())
    snapshot = read_snapshot(share)
    write(share, 1, status())
    (share / "rules.toml").write_text("[[rule]]\nowner = 'x'", encoding="utf-8")
    outcome = make_reports(snapshot, tmp_path / "out", {"data": str(share), "at": "", "server": ""}, now=hours(1))
    said = "No rule of the office is applied: rules.toml, line 1: a rule needs a 'task', such as '\\OpenData\\*'."
    index = html.parse(str(tmp_path / "out" / "index.html"))
    assert (outcome.no_rules, index.xpath("//p[@class='banner']/text()")[0]) == (said, said)
    chosen = {(job.parameters["at"], job.parameters["server"]) for job in asked.values()}
    assert (asked.keys(), chosen) == ({*NOTEBOOKS}, {(hours(0).isoformat(), "SRV")})
    assert outcome.code == 3  # no status report: nothing is known
