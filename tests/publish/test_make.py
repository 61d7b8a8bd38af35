"""Reports: what lies in the folder, what is refused, and what a failed run leaves."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import nbformat
import pytest
from lxml import html

from taskanalysis.cli.main import SAMPLE
from taskanalysis.errors import Problem, ReportError
from taskanalysis.publish import make
from taskanalysis.publish.folder import MARKER
from taskanalysis.publish.make import NOTEBOOKS, make_reports, notebook_file, renew_history
from taskanalysis.publish.notebooks import Failure
from taskanalysis.publish.pages import Rendered, Run, failure_page, read_head, report_page, with_notice
from taskanalysis.publish.workers import Job, Workers, page_of
from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot
from tests.build import hours, status, write

NOW = datetime(2026, 11, 23, 11, 5, tzinfo=UTC)
SNAPSHOT = Snapshot("SERVER", NOW - timedelta(minutes=3))


def test_latest_holds_the_page_and_its_tables(pages: Path) -> None:
    inventory = {"inventory.html", "inventory.csv", "triggers.csv", "actions.csv", "task_scheduler_backup.csv"}
    status = {"status.html", "status.csv", "status.json", "task-status.csv"}
    trends = {"trends.html", "runs.csv", "slots.csv", "changes.csv"}
    assert {file.name for file in pages.iterdir()} == inventory | status | trends | {"summary.txt"}


@pytest.mark.parametrize("name", ["index", *NOTEBOOKS])
def test_page_links_what_is_there_and_nothing_outside(name: str, pages: Path) -> None:
    root = pages.parent
    (run,) = (root / "runs").iterdir()
    files = [root / "index.html"] if name == "index" else [pages / f"{name}.html", run / f"{name}.html"]
    for file in files:
        page = html.parse(str(file))
        targets = page.xpath("//a/@href")
        assert {target[1:] for target in targets if target.startswith("#")} <= set(page.xpath("//@id"))
        links = {(file.parent / target).resolve() for target in targets if not target.startswith("#")}
        assert links >= {root / "index.html"} | {file.parent / f"{each}.html" for each in NOTEBOOKS if name != "index"}
        assert all(link.is_file() and root in link.parents for link in links)
        assert page.xpath("//link/@href") == ["data:,"]
        assert all(source.startswith("data:image/svg+xml;base64,") for source in page.xpath("//img/@src"))
        tables = {"inventory": "triggers.csv", "status": "status.json", "trends": "runs.csv"}
        assert name == "index" or file.parent / tables[name] in links


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_page_says_what_it_is_and_that_it_is_the_sample(name: str, pages: Path) -> None:
    page = html.parse(str(pages / f"{name}.html"))
    assert page.findtext(".//title") == name.title()
    assert page.xpath("//h1//text()") == [name.title()]
    facts = page.xpath("//dl[contains(@class, 'facts')]")[0].text_content()
    assert "OPENDATA01" in facts
    assert "Monday, 2026-11-23 06:02 (America/New_York)" in facts
    banners = page.xpath("//header/p[@class='banner']/text()")
    assert banners == [SAMPLE], "and nothing is stale"
    assert page.xpath("//nav/a[@aria-current='page']/text()") == [name.title()]


def test_page_names_its_run_and_the_run_has_the_same_page(pages: Path) -> None:
    (run,) = (pages.parent / "runs").iterdir()
    assert {each.name for each in run.iterdir()} == {each.name for each in pages.iterdir()}
    for name in NOTEBOOKS:
        head = read_head(pages / f"{name}.html")
        assert head
        assert (head.state, head.run) == ("good", run.name)
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
    assert not html.fromstring(text).xpath("//pre")


def test_no_secret_is_in_any_file(pages: Path, hostile_pages: Path) -> None:
    for file in [*pages.iterdir(), *hostile_pages.iterdir()]:
        text = file.read_text(encoding="utf-8")
        assert "S3cret" not in text
        assert "Winter-2026" not in text


def test_bad_file_is_named_with_its_reason(hostile_pages: Path) -> None:
    page = html.parse(str(hostile_pages / "inventory.html"))
    (row,) = page.xpath("//caption[text()='Problems']/../tbody/tr")
    assert row[0].text_content() == "broken.xml"
    assert "not well-formed" in row[1].text_content()


# Notebooks that fail --------------------------------------------------------------------------------------------------

FAILURES = {
    "raises": Failure(
        "raises",
        "raises.ipynb: the cell 'load()' raised ValueError: no <b>luck",
        "load('--password S3cret')",
        "\x1b[31mValueError: no <b>luck --password S3cret",
    ),
    "exits": Failure("exits", "exits.ipynb: the cell 'exit()' did not complete", "exit()"),
    "dies": Failure("dies", "dies.ipynb: its process ended with code 1"),
}
OUTSIDE = "<script src='https://example.org/x.js'></script>"
SAID = {
    **{name: failure.what for name, failure in FAILURES.items()},
    "outside": "outside.ipynb: it loads https://example.org/x.js",
}
NAMES = ("fine", *SAID)


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
            yield job, FAILURES.get(job.report) or page_of(job, notebook)


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
    earlier = Run("20261123T050500Z", NOW - timedelta(hours=6), NOW, NOW, "", NAMES)
    good = {name: report_page(name, Rendered(name, "<h1>the last good one</h1>"), earlier, files=[]) for name in SAID}
    before = {
        "raises": good["raises"],
        "exits": good["exits"],
        "fine": with_notice(good["raises"], "It failed.", "fine-failed.html", "Why"),
        "dies": failure_page(Failure("dies", "It died before"), earlier, {}, kept=False, has_good=False),
        "fine-failed": "of an earlier run",
        "raises-failed": "of an earlier run",
    }
    for name, text in before.items():
        (latest / f"{name}.html").write_text(text, encoding="utf-8")
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
    page = failed.page("fine")
    assert page.xpath("//pre/text()") == ["<b>printed\n", "'<i>shown'"]
    assert not page.xpath("//b | //i")
    assert not (failed.out / "latest/fine-failed.html").exists()


@pytest.mark.parametrize("name", ["raises", "exits"])
def test_last_good_version_stays_under_a_banner(name: str, failed: Failed) -> None:
    page = failed.page(name)
    assert page.xpath("//h1/text()") == ["the last good one"]
    (banner,) = page.xpath("//header/p[@class='banner'][a]")
    assert banner.text_content() == (
        "This report could not be made at 2026-11-23 11:05 (UTC). "
        "Below is the last good one, of 2026-11-23 05:05 (UTC). What failed"
    )
    assert banner.xpath("a/@href") == [f"{name}-failed.html"]
    assert not (failed.out / f"runs/20261123T110500Z/{name}.html").exists()


@pytest.mark.parametrize("name", ["dies", "outside"])
def test_report_without_a_good_version_is_the_page_that_says_why(name: str, failed: Failed) -> None:
    head = read_head(failed.out / f"latest/{name}.html")
    assert head
    assert (head.state, head.run) == ("failed", "20261123T110500Z")
    assert "It died before" not in failed.page(name).text_content()
    assert failed.page(name).xpath("//h1/text()") == [f"{name.title()} could not be made"]


def test_failure_page_shows_cell_error_and_parameters_and_no_secret(failed: Failed) -> None:
    page = failed.page("raises-failed")
    cell, error = page.xpath("//pre/text()")
    assert cell == "load('--password ***')"
    assert error == "ValueError: no <b>luck --password ***"
    names = page.xpath("//h2[text()='Parameters']/following-sibling::dl//dt/text()")
    assert names == ["data", "at"]
    text = (failed.out / "runs/20261123T110500Z/raises-failed.html").read_text(encoding="utf-8")
    assert "S3cret" not in text
    assert "\x1b" not in text


def test_index_says_which_reports_failed(failed: Failed) -> None:
    page = html.parse(str(failed.out / "index.html"))
    assert "Dies and Outside could not be made." in page.xpath("//p[@class='state']/text()")[0]
    rows = {
        row[0].text_content().partition(":")[0]: row for row in page.xpath("//caption[text()='Reports']/../tbody/tr")
    }
    assert "failed" not in rows["Fine"].text_content()
    assert "failed why Raises failed; shown is the last good one" in rows["Raises"].text_content()
    assert rows["Dies"][1].text_content() == "failed why Dies failed"
    assert rows["Dies"].xpath(".//a/@href") == ["latest/dies.html", "latest/dies-failed.html"]


def test_links_of_a_run_that_failed_lead_somewhere(failed: Failed) -> None:
    for file in [failed.out / "index.html", *failed.out.glob("latest/*.html"), *failed.out.glob("runs/*/*.html")]:
        links = html.parse(str(file)).xpath("//a/@href")
        assert [link for link in links if not (file.parent / link).exists()] == []


def test_banner_goes_when_the_report_is_made_again(failed: Failed) -> None:
    again = with_notice((failed.out / "latest/raises.html").read_text(encoding="utf-8"), "It failed again.", "x", "Why")
    assert "could not be made" not in again
    assert again.count("<!--notice-->") == 1
    assert not failed.page("fine").xpath("//header/p[@class='banner']")  # there was one before


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
