"""Reports: what lies in the folder, what is refused, and what a failed run leaves."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import psutil
import pytest
from lxml import html

from taskanalysis.errors import Problem, ReportError
from taskanalysis.publish import make as reports
from taskanalysis.publish import notebooks, pages
from taskanalysis.publish.folder import workplace
from taskanalysis.publish.index import read_standing
from taskanalysis.publish.make import NOTEBOOKS, Limits, Outcome, make_reports, notebook_file, renew_history
from taskanalysis.publish.notebooks import (
    START_TRIES,
    Failure,
    Workers,
    _with_retries,
    last_started,
    run_notebook,
)
from taskanalysis.publish.pages import Run, find_faults, read_head, report_page, with_notice
from taskanalysis.report import display
from taskanalysis.snapshot.share import sample_share
from taskanalysis.snapshot.snapshot import Snapshot
from tests.build import CORPUS, ROOT, report

NOW = datetime(2026, 11, 23, 11, 5, tzinfo=UTC)
PARAMETERS = {"data", "server", "folder", "at", "zone", "dates", "save_to"}


def test_latest_holds_the_page_and_its_tables(pages: Path) -> None:
    inventory = {"inventory.html", "inventory.csv", "triggers.csv", "actions.csv", "task_scheduler_backup.csv"}
    status = {"status.html", "status.csv", "status.json", "task-status.csv"}
    trends = {"trends.html", "runs.csv", "slots.csv", "changes.csv"}
    assert {file.name for file in pages.iterdir()} == inventory | status | trends


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
    stale = "Stale: the newest snapshot is from 2026-11-23 06:02, and another was due by 2026-11-23 18:02."
    assert banners == ["This is the sample share: an invented server of an invented town.", stale]
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


def test_report_names_the_page_to_open_and_shows_progress(tmp_path: Path) -> None:
    done = report(tmp_path, "--folder", r"\Backup", "--at", "2026-10-01", "--fail-on", "attention", "-v")
    files = [tmp_path / "index.html", *(tmp_path / "latest" / f"{name}.html" for name in NOTEBOOKS)]
    assert done.stdout.splitlines() == [f"Open {file}" for file in files]
    assert [name for name in NOTEBOOKS if f"{name}: made in " not in done.stderr] == []
    assert "inventory: Executing notebook" in done.stderr  # for -v
    page = html.parse(str(tmp_path / "latest/inventory.html"))
    assert "Wednesday, 2026-09-30 19:02" in page.xpath("//dl[contains(@class, 'facts')]")[0].text_content()
    assert len(page.xpath("//caption[text()='Tasks']/../tbody/tr")) == 2
    assert "tale" not in page.xpath("//header")[0].text_content()  # a time in the past was asked for
    assert not page.xpath("//*[@data-stale-after]")
    standing = read_standing(tmp_path / "latest/status.json")
    assert standing
    assert done.returncode == (1 if standing.attention else 0)


@pytest.mark.slow
@pytest.mark.skipif(not CORPUS.is_dir(), reason="the real files are not beside this checkout")
def test_report_on_real_files_reads_all_but_the_broken_one(tmp_path: Path) -> None:
    done = report(tmp_path, "--data", str(CORPUS / "xml"), "--folder", "\\")
    assert done.returncode == 0, done.stderr
    page = html.parse(str(tmp_path / "latest/inventory.html"))
    assert "274 task definitions read, 1 file not readable." in page.xpath("//ul[contains(@class, 'answer')]/li/text()")
    assert len(page.xpath("//caption[text()='Tasks']/../tbody/tr")) == 274
    problems = [row.text_content() for row in page.xpath("//caption[text()='Problems']/../tbody/tr")]
    assert sum("not well-formed" in problem for problem in problems) == 1


@pytest.mark.slow
def test_zone_and_order_of_dates_reach_the_pages(tmp_path: Path) -> None:
    file = tmp_path / "script_status.csv"
    row = r'"Load","\F\Load","1","04/08/2026 9:15:00 PM","Ready","x.exe",""'
    file.write_text(f'"Name","Path","LastResult","NextRun","Status","Command","Arguments"\n{row}\n', encoding="utf-8")
    done = report(tmp_path, "--data", str(file), "--zone", "Europe/London", "--dates", "dmy")
    assert done.returncode == 0, done.stderr
    said = json.loads((tmp_path / "latest/status.json").read_text(encoding="utf-8"))
    assert (said["zone"], said["tasks"][0]["next_run"]) == ("Europe/London", "2026-08-04T21:15:00+01:00")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--data", "nowhere"), "nowhere does not exist"),
        (("--server", "OTHER"), "holds no snapshot of OTHER"),
        (("--at", "2020-01-01"), "holds no snapshot up to 2020-01-01"),
        (("--at", "yesterday"), "'yesterday' is not a time"),
        (("--folder", "/Nowhere"), r"lies in \Nowhere or below"),
        (("--data", ""), "--data is empty"),
        (
            ("--data", str(ROOT / "LICENSE")),
            "neither snapshots nor task XML nor statuses that can be read",
        ),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_done(options: tuple[str, str], said: str, tmp_path: Path) -> None:
    done = report(tmp_path / "out", *options)
    assert done.returncode == 2
    assert said in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


# Notebooks that fail --------------------------------------------------------------------------------------------------

IMAGE = "<img src='data:image/png;base64,iVBORw0KGgo=' alt='{}'>"
SOURCES = {
    "fine": "print('<b>printed')\n'<i>shown'",
    "raises": "raise ValueError('no <b>luck --password S3cret')",
    "exits": "import sys; sys.exit(0)",
    "nothing": "from taskanalysis.snapshot.snapshot import read_snapshot; read_snapshot('nowhere')",
    "dies": "import os; os._exit(1)",
    "sleeps": "import time; time.sleep(600)",
    "silent": f"from IPython.display import HTML; HTML({IMAGE.format('')!r})",
    "outside": "from IPython.display import HTML; HTML('<script src=\"https://example.org/x.js\"></script>')",
}
SAID = {
    "raises": "raises.ipynb: the cell 'raise ValueError('no <b>luck --password S3cret')' raised ValueError: no <b>luck",
    "exits": "exits.ipynb: the cell 'import sys; sys.exit(0)' did not complete",
    "nothing": "nothing.ipynb: nowhere does not exist",
    "dies": "dies.ipynb: the cell 'import os; os._exit(1)' did not complete: its kernel died",
    "sleeps": "sleeps.ipynb: the cell 'import time; time.sleep(600)' exceeded 5 seconds",
    "silent": "silent.ipynb: an image has no text (alt)",
    "outside": "outside.ipynb: it loads https://example.org/x.js",
    "broken": "broken.ipynb can't be run",
    "other": "other.ipynb has no parameter at: restore the original notebook",
    "none": "none.ipynb has no cell with parameters (tagged 'parameters')",
    "missing": "the notebook missing.ipynb is not installed",
}


def notebook_of(file: Path, *sources: str, parameters: str = "data: str = ''") -> None:
    """Write a notebook of some code cells."""
    first = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]} if parameters else {})
    cells = [first, *map(nbformat.v4.new_code_cell, sources)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), file)


ALL = "\n".join(f"{name}: str = ''" for name in sorted(PARAMETERS))


def made_by(folder: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], **given: object) -> Outcome:
    """Make reports of the notebooks in a folder, for ``<folder>/out``."""

    def find(name: str) -> Path:
        if (folder / f"{name}.ipynb").is_file():
            return folder / f"{name}.ipynb"
        raise ReportError(f"the notebook {name}.ipynb is not installed")

    snapshot = Snapshot("SERVER", NOW - timedelta(minutes=3))
    parameters = {"data": str(folder), "at": ""}
    with monkeypatch.context() as patched:
        patched.setattr(reports, "notebook_file", find)
        patched.setattr(reports, "NOTEBOOKS", names)
        return make_reports(snapshot, folder / "out", parameters, **{"now": NOW, **given})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Failed:
    """What came of one run of notebooks that fail in every way, of which two were good before."""

    out: Path
    failures: Mapping[str, str]
    said: list[str]

    def page(self, name: str) -> html.HtmlElement:
        return html.fromstring((self.out / f"latest/{name}.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Failed:
    folder = tmp_path_factory.mktemp("fail {0}")  # papermill formats paths
    monkeypatch = pytest.MonkeyPatch()
    for name, source in SOURCES.items():
        notebook_of(folder / f"{name}.ipynb", source, "1 + 1", parameters=ALL)
    folder.joinpath("broken.ipynb").write_text("{", encoding="utf-8")
    notebook_of(folder / "other.ipynb")
    notebook_of(folder / "none.ipynb", parameters="")
    names = (*SOURCES, "broken", "other", "none", "missing")
    latest = folder / "out/latest"
    latest.mkdir(parents=True)
    earlier = Run("20261123T050500Z", NOW - timedelta(hours=6), NOW, NOW, "", names)
    for name in ("raises", "exits"):
        text = report_page(name, (name.title(), "<h1>the last good one</h1>"), earlier, files=[])
        (latest / f"{name}.html").write_text(text, encoding="utf-8")
    before = pages.failure_page(Failure("dies", "It died before"), earlier, {}, kept=False, has_good=False)
    (latest / "dies.html").write_text(before, encoding="utf-8")
    for name in ("fine", "raises"):
        (latest / f"{name}-failed.html").write_text("of an earlier run", encoding="utf-8")
    said: list[str] = []
    outcome = made_by(folder, monkeypatch, names, limits=Limits(cell=5), say=said.append)
    return Failed(folder / "out", {each.report: each.what for each in outcome.failures}, said)


@pytest.mark.parametrize("name", SAID)
def test_failure_is_told_in_one_sentence(name: str, failed: Failed) -> None:
    assert failed.failures[name].startswith(SAID[name])
    assert failed.failures[name] in failed.said


def test_good_report_is_made_though_others_fail(failed: Failed) -> None:
    assert failed.failures.keys() == SAID.keys()
    page = failed.page("fine")
    assert page.xpath("//pre/text()") == ["<b>printed\n", "'<i>shown'", "2"]
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


@pytest.mark.parametrize("name", ["dies", "missing"])
def test_report_without_a_good_version_is_the_page_that_says_why(name: str, failed: Failed) -> None:
    head = read_head(failed.out / f"latest/{name}.html")
    assert head
    assert (head.state, head.run) == ("failed", "20261123T110500Z")
    assert "It died before" not in failed.page(name).text_content()
    assert failed.page(name).xpath("//h1/text()") == [f"{name.title()} could not be made"]


def test_page_says_cell_error_and_parameters_and_no_secret(failed: Failed) -> None:
    page = failed.page("raises-failed")
    cell, error = page.xpath("//pre/text()")
    assert cell == "raise ValueError('no <b>luck --password ***')"
    assert error.splitlines()[-1] == "ValueError: no <b>luck --password ***"
    names = page.xpath("//h2[text()='Parameters']/following-sibling::dl//dt/text()")
    assert names == ["data", "at"]
    text = (failed.out / "runs/20261123T110500Z/raises-failed.html").read_text(encoding="utf-8")
    assert "S3cret" not in text
    assert "\x1b" not in text


@pytest.mark.parametrize("name", ["dies", "sleeps", "exits"])
def test_cell_that_did_not_end_is_shown(name: str, failed: Failed) -> None:
    assert failed.page(f"{name}-failed").xpath("//pre/text()")[0] == SOURCES[name]


def test_time_limit_of_a_cell_is_that_which_was_given(failed: Failed) -> None:
    assert "after 5 seconds" in failed.page("sleeps-failed").xpath("//pre/text()")[1]


def test_index_says_which_reports_failed(failed: Failed) -> None:
    page = html.parse(str(failed.out / "index.html"))
    assert "and Missing could not be made." in page.xpath("//p[@class='state']/text()")[0]
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


def test_banner_goes_when_the_report_is_made_again(
    failed: Failed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (failed.out / "latest/raises.html").read_text(encoding="utf-8")
    again = with_notice(page, "It failed again.", "x.html", "Why")
    assert "could not be made" not in again
    assert again.count("<!--notice-->") == 1
    notebook_of(tmp_path / "some.ipynb", "1 + 1", parameters=ALL)
    latest = tmp_path / "out/latest"
    latest.mkdir(parents=True)
    (latest / "some.html").write_text(again, encoding="utf-8")
    (latest / "some-failed.html").write_text("x", encoding="utf-8")
    outcome = made_by(tmp_path, monkeypatch, ("some",))
    assert (outcome.failures, outcome.locked) == ([], [])
    assert [each.name for each in latest.iterdir()] == ["some.html"]
    assert not html.parse(str(latest / "some.html")).xpath("//header/p[@class='banner']")


def test_page_of_an_older_version_gets_its_banner_too() -> None:
    page = with_notice("<html><head></head><body><main>x</main></body></html>", "No <b>luck.", "a.html", "Why")
    assert html.fromstring(page).xpath("//p[@class='banner']/text()") == ["No <b>luck. "]


def test_run_that_takes_too_long_is_ended_with_its_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, real = tmp_path / "begun", time.monotonic
    clock = SimpleNamespace(monotonic=lambda: real() + 1000 * begun.exists(), sleep=time.sleep)
    monkeypatch.setattr(notebooks, "time", clock)
    source = f"import time; open({str(begun)!r}, 'w').close(); time.sleep(600)"
    notebook_of(tmp_path / "some.ipynb", source)
    job = {"source": str(tmp_path / "some.ipynb"), "parameters": {}, "cell_seconds": 600}
    with workplace() as work, Workers(("some",), work) as team:
        (failure,) = team.run({"some": job}, seconds=300)
        said = "some.ipynb: stopped, because the run exceeded 300 seconds"
        assert failure == Failure("some", said, source)
        left = [each.info["cmdline"] for each in psutil.process_iter(["cmdline"]) if each.info["cmdline"]]
        assert [words for words in left if str(work) in " ".join(words)] == []


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM that a program could catch")
@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_signal_ends_kernels_and_removes_all_that_was_begun(number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "tmp").mkdir()
    (tmp_path / "data/Load.xml").write_bytes(b"<Task><Actions><Exec><Command>x</Command></Exec></Actions></Task>")
    options = ["--data", str(tmp_path / "data"), "--reports", str(tmp_path / "out")]
    with subprocess.Popen(
        [sys.executable, "-m", "taskanalysis", "report", *options],
        env=os.environ | {"TMPDIR": str(tmp_path / "tmp")},
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        family: list[psutil.Process] = []
        while not any("ipykernel_launcher" in each.cmdline() for each in family if each.is_running()):
            assert run.poll() is None
            family = psutil.Process(run.pid).children(recursive=True)
        run.send_signal(number)
        _, said = run.communicate(timeout=30)
    assert run.returncode == 3
    assert said.splitlines()[-1] == "taskanalysis: interrupted"
    assert not any(each.is_running() for each in family)
    assert list((tmp_path / "tmp").iterdir()) == []
    assert sorted(each.name for each in (tmp_path / "out").rglob("*")) == [".lock", "latest", "runs"]


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no SIGHUP")
def test_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with notebooks.stoppable():
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) not in (signal.SIG_IGN, signal.SIG_DFL)
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


def test_kernels_and_start_up_files_of_the_user_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = tmp_path / "jupyter/kernels/python3/kernel.json"
    start_up = tmp_path / "ipython/profile_default/startup/00.py"
    for file, text in ((kernel, '{"argv": ["nothing"], "display_name": "x"}'), (start_up, "raise SystemExit")):
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook_of(tmp_path / "some.ipynb", "1 + 1")
    (tmp_path / "work").mkdir()
    assert run_notebook("some", tmp_path / "some.ipynb", {}, tmp_path / "work") is None
    assert os.environ["IPYTHONDIR"] == str(tmp_path / "ipython")


def test_last_cell_that_began_is_told_of_a_notebook_that_is_half_written(tmp_path: Path) -> None:
    assert last_started(tmp_path / "nowhere.ipynb") == ""
    (tmp_path / "half.ipynb").write_text('{"cells": [', encoding="utf-8")
    assert last_started(tmp_path / "half.ipynb") == ""


@pytest.mark.parametrize(
    "fault",
    [
        "<img src='data:,'>",
        "<img src='data:,' alt=' '>",
        "<img src='https://example.org/x.png' alt='x'>",
        "<img src='//example.org/x.png' alt='x'>",
        "<img src='\\\\host\\x.png' alt='x'>",
        "<a href='file:///etc/passwd'>x</a>",
        "<p style='background: url(https://example.org/x.png)'>x</p>",
        "<style>@import 'x.css'</style>",
        "<svg><image xlink:href='https://example.org/x.png'></image></svg>",
    ],
)
def test_fault_of_a_page_is_found(fault: str) -> None:
    assert len(find_faults(f"<p>before</p>{fault}<p>after</p>")) == 1


def test_page_without_fault_has_none() -> None:
    assert find_faults(f"{IMAGE.format('Bar chart.')}<a href='status.csv'>x</a><a href='#top'>y</a> https://a.b") == []


def test_temporary_folder_that_is_full_is_one_sentence_with_a_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Workers, "_start", refuse)
    with pytest.raises(ReportError, match=r"can't be used .No space left on device.: make room there, or name"):
        made_by(tmp_path, monkeypatch, ("some",))
    assert sorted(each.name for each in (tmp_path / "out").rglob("*")) == [".lock", "latest", "runs"]


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


def test_mistake_in_the_rules_is_told_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text("[[rule]]\ntask = 'x'\n", encoding="utf-8")
    (tmp_path / "Load.xml").write_bytes(b"<Task/>")
    done = report(tmp_path / "out", "--data", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith("taskanalysis: rules.toml, line 2: 'task'")
    assert not (tmp_path / "out").exists()


def test_media_type_of_the_title_is_that_of_the_notebooks() -> None:
    assert pages.PAGE_TYPE == display.PAGE_TYPE


def test_missing_notebook_is_one_sentence() -> None:
    with pytest.raises(ReportError, match=r"the notebook nowhere\.ipynb is missing: reinstall"):
        notebook_file("nowhere")


# The notebooks themselves ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_is_short_and_stored_without_outputs(name: str) -> None:
    cells = json.loads(notebook_file(name).read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert 14 <= len(cells) <= 20
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code)
    assert not any(line.startswith(("def ", "for ", "while ", "class ")) for cell in code for line in cell["source"])


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_parameters_are_typed_and_explained(name: str) -> None:
    cells = json.loads(notebook_file(name).read_text(encoding="utf-8"))["cells"]
    (cell,) = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    lines = [line for line in cell["source"] if not line.startswith("#")]
    assert {line.split(":")[0] for line in lines} == PARAMETERS | ({"days"} if name == "trends" else set())
    assert all((": str = " in line or "days: int = 90" in line) and "  # " in line for line in lines)


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_runs_from_any_working_directory_without_parameters(name: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    assert run_notebook(name, notebook_file(name), {}, elsewhere) is None
    assert [file.name for file in elsewhere.iterdir() if file.name != ".jupyter"] == [f"{name}.ipynb"]


def test_sample_share_is_that_of_the_checkout() -> None:
    assert sample_share() == ROOT / "data"
    assert os.access(sample_share() / "make_sample.py", os.R_OK)


# A kernel that does not start -----------------------------------------------------------------------------------------


def test_kernel_that_dies_at_its_start_is_tried_again(tmp_path: Path) -> None:
    tries: list[int] = []

    def execute() -> Any:
        tries.append(len(tries))
        if len(tries) < START_TRIES:
            raise RuntimeError("Kernel died before replying to kernel_info")
        return "done"

    assert _with_retries(execute, tmp_path / "status.ipynb") == "done"
    assert len(tries) == START_TRIES


def test_kernel_that_never_starts_or_dies_in_a_cell_is_not_tried_for_ever(tmp_path: Path) -> None:
    tries: list[int] = []

    def execute() -> Any:
        tries.append(1)
        raise RuntimeError("Kernel died")

    target = tmp_path / "status.ipynb"
    with pytest.raises(RuntimeError):
        _with_retries(execute, target)
    assert len(tries) == START_TRIES
    cell = {"source": "x", "metadata": {"papermill": {"start_time": "2026-11-23T11:02:00"}}}
    target.write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    with pytest.raises(RuntimeError):
        _with_retries(execute, target)
    assert len(tries) == START_TRIES + 1
