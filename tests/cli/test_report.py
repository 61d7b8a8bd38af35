"""``taskanalysis report``: what it refuses, prints and ends with, and that its options reach the pages."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from click.testing import CliRunner, Result
from lxml import html

from taskanalysis.cli import main
from taskanalysis.publish.index import Standing, read_standing
from taskanalysis.publish.make import NOTEBOOKS, Outcome
from taskanalysis.publish.notebooks import Failure
from tests.build import CORPUS, FILES, ROOT, link, page_of, report, status, table, write, xml

Ends = Callable[..., Mock]


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["report", *words])


@pytest.fixture
def outcome(monkeypatch: pytest.MonkeyPatch) -> Ends:
    """Makes `report` end with this outcome; returns the double of `make_reports`."""

    def end_with(**fields: Any) -> Mock:
        make = Mock(return_value=Outcome("20261123T110500Z", **fields))
        monkeypatch.setattr("taskanalysis.cli.report.make_reports", make)
        return make

    return end_with


def test_locked_file_is_named_and_is_no_error(outcome: Ends, tmp_path: Path) -> None:
    outcome(locked=["status.csv", "index.html"])
    done = run("--reports", str(tmp_path))
    assert done.exit_code == 0
    where = f"the new versions are in {tmp_path / 'runs' / '20261123T110500Z'}"
    assert done.stderr.splitlines()[-1] == f"Open in another program, so not replaced: status.csv, index.html; {where}"


def test_report_that_failed_is_one_sentence_that_names_the_page(outcome: Ends, tmp_path: Path) -> None:
    outcome(failures=[Failure("status", "status.ipynb: it died --password S3cret")], standing=Standing({"FAILING": 1}))
    done = run("--reports", str(tmp_path), "--fail-on", "attention")
    assert done.exit_code == 3
    page = tmp_path / "latest/status-failed.html"
    assert done.stderr.splitlines()[-1] == f"taskanalysis: status.ipynb: it died --password *** (see {page})"


@pytest.mark.parametrize(
    ("known", "options", "code"),
    [
        (1, ["--fail-on", "attention"], 1),
        (0, ["--fail-on", "attention"], 0),
        (3, ["--fail-on", "attention"], 3),
        (3, [], 0),
    ],
)
def test_attention_fails_only_on_request(known: int, options: list[str], code: int, outcome: Ends) -> None:
    outcome(code=known)
    assert run(*options).exit_code == code


@pytest.mark.slow
@pytest.mark.parametrize(("at", "code"), [("", 1), ("2026-11-23T12:00", 1), ("2026-11-24T12:00", 3)])
def test_report_and_check_end_with_one_code(at: str, code: int, tmp_path: Path) -> None:
    options = ["--data", str(ROOT / "data"), *(["--at", at] if at else [])]
    assert CliRunner().invoke(main, ["check", *options]).exit_code == code
    assert report(tmp_path, *options, "--fail-on", "attention").returncode == code
    first, *_ = (tmp_path / "latest" / "summary.txt").read_text(encoding="utf-8").splitlines()
    assert ("stale" in first) == (code == 3)


def test_options_reach_the_run_and_its_notebooks(outcome: Ends) -> None:
    make = outcome()
    options = ["--keep", "90d", "--cell-seconds", "5", "--run-seconds", "60", "-v", "--folder", "/Backup"]
    options += ["--at", "2026-10-01", "--zone", "Europe/London", "--dates", "dmy"]
    root = logging.getLogger()
    before = root.handlers[:]
    assert run(*options).exit_code == 0
    root.handlers[:] = before
    (_, _, parameters), given = make.call_args
    assert (given["keep"].days, given["cell_seconds"], given["run_seconds"], given["verbose"]) == (90, 5, 60, True)
    assert parameters == {
        "data": str(ROOT / "data"),
        "server": "",
        "folder": r"\Backup",
        "at": "2026-10-01",
        "zone": "Europe/London",
        "dates": "dmy",
    }


def test_outside_a_checkout_the_share_must_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(
        "taskanalysis.snapshot.share.__file__", str(tmp_path / "taskanalysis" / "snapshot" / "share.py")
    )
    done = run("--reports", str(tmp_path / "out"))
    assert done.exit_code == 2
    assert "--data" in done.stderr
    assert not (tmp_path / "out").exists()


def test_report_names_the_pages_to_open_and_shows_progress(pages: Path) -> None:
    files = [pages.parent / "index.html", *(pages / f"{name}.html" for name in NOTEBOOKS)]
    said = pages.parent.with_suffix(".out").read_text(encoding="utf-8")
    assert said.splitlines() == [f"Open {file}" for file in files]
    progress = pages.parent.with_suffix(".err").read_text(encoding="utf-8")
    assert [name for name in NOTEBOOKS if f"{name}: made in " not in progress] == []
    assert "inventory: Executing notebook in process" in progress  # for -v


@pytest.mark.slow
def test_folder_and_time_reach_the_pages(tmp_path: Path) -> None:
    done = report(tmp_path, "--folder", r"\Backup", "--at", "2026-10-01", "--fail-on", "attention")
    page = html.parse(str(tmp_path / "latest/inventory.html"))
    assert "As of Wed 30 Sep 2026 19:02, server time" in page.xpath("//header")[0].text_content()
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
    page = page_of(tmp_path / "latest/inventory.html")
    said = [line.text_content() for line in page.xpath("//ul[contains(@class, 'answer')]/li")]
    assert "274 task definitions read, 1 file not readable." in said
    assert len(page.xpath("//caption[text()='Tasks']/../tbody/tr")) == 274
    problems = [row.text_content() for row in page.xpath("//caption[text()='Problems']/../tbody/tr")]
    assert sum("not well-formed" in problem for problem in problems) == 1


@pytest.mark.slow
def test_zone_and_order_of_dates_reach_the_pages(tmp_path: Path) -> None:
    file = tmp_path / "script_status.csv"
    row = r'"Load","\F\Load","1","04/08/2026 9:15:00 PM","Ready","x.exe",""'
    file.write_text(f'"Name","Path","LastResult","NextRun","Status","Command","Arguments"\n{row}\n', encoding="utf-8")
    done = report(tmp_path / "out", "--data", str(file), "--zone", "Europe/London", "--dates", "dmy")
    assert done.returncode == 0, done.stderr
    said = json.loads((tmp_path / "out/latest/status.json").read_text(encoding="utf-8"))
    assert (said["zone"], said["tasks"][0]["next_run"]) == ("Europe/London", "2026-08-04T21:15:00+01:00")


FOLDER = str(FILES / "folder")
LICENSE = str(ROOT / "LICENSE")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--keep", "0"], "--keep '0' is neither a number of runs such as 30 nor of days such as 90d"),
        (["--reports", ""], "--reports is empty: give it a value"),
        (["--cell-seconds", "0"], "0 is not in the range x>=1"),
        (["--fail-on", "monday"], "'monday' is not 'attention'"),
        (["--data", "nowhere"], "nowhere does not exist"),
        (["--data", ""], "--data is empty"),
        (["--data", LICENSE], "neither snapshots nor task XML nor statuses that can be read"),
        (["--server", "OTHER"], "holds no snapshot of OTHER"),
        (["--at", "2020-01-01"], "holds no snapshot up to 2020-01-01"),
        (["--at", "yesterday"], "'yesterday' is not a time"),
        (["--folder", "/Nowhere"], r"lies in \Nowhere or below"),
        (["--all-servers", "--server", "A"], "--server and --all-servers exclude each other: omit one of them"),
        (["--all-servers", "--data", LICENSE], "neither snapshots nor task XML nor statuses that can be read"),
        (["--all-servers", "--data", FOLDER], "--all-servers needs a share, or a file of several servers: "),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_done(options: list[str], said: str, tmp_path: Path) -> None:
    done = run("--reports", str(tmp_path / "out"), *options)
    assert done.exit_code == 2
    assert said in done.stderr.splitlines()[-1]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("options", [[], ["--fail-on", "attention"]])
def test_mistake_in_the_rules_is_the_last_sentence_after_the_pages(
    options: list[str], outcome: Ends, tmp_path: Path
) -> None:
    outcome(no_rules="No rule of the office is applied: rules.toml, line 2: 'task' --password S3cret")
    done = run("--reports", str(tmp_path), *options)
    assert done.exit_code == 3
    assert "Open " in done.stdout
    said = "taskanalysis: No rule of the office is applied: rules.toml, line 2: 'task' --password ***"
    assert done.stderr.splitlines()[-1] == said


@pytest.mark.parametrize(
    ("data", "reports", "said"),
    [
        ("share", "share/reports", "the reports would lie in the data ("),
        ("share", "share/new/../a/b", "the reports would lie in the data ("),
        ("share/tasks", "share", "the data lies in the folder of the reports ("),
        ("share", "share", "the reports and the data would be in one folder ("),
        ("share", "link/reports", "the reports would lie in the data ("),
    ],
)
def test_neither_data_nor_reports_may_lie_in_the_other(data: str, reports: str, said: str, tmp_path: Path) -> None:
    write(tmp_path / data, 0, status())
    if reports.startswith("link"):
        link(tmp_path / "link", tmp_path / "share")
    before = sorted(tmp_path.rglob("*"))
    for every in ([], ["--all-servers"]):
        done = run("--data", str(tmp_path / data), "--reports", str(tmp_path / reports), *every)
        assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1)
        assert done.stderr.startswith(f"taskanalysis: {said}")
    assert sorted(tmp_path.rglob("*")) == before


def test_mistake_in_the_rules_ends_the_reports_of_all_servers_with_3(outcome: Ends, tmp_path: Path) -> None:
    write(tmp_path / "data", 0, status(), server="ALPHA")
    (tmp_path / "data" / "rules.toml").write_text("[[rule]]\ntask = 'x'\n", encoding="utf-8")
    outcome(no_rules="No rule of the office is applied: x")
    done = run("--all-servers", "--data", str(tmp_path / "data"), "--reports", str(tmp_path / "out"))
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (3, "taskanalysis: No rule of the office is applied: x")
    banners = html.parse(str(tmp_path / "out" / "index.html")).xpath("//p[@class='banner']/text()")
    assert [banner.partition(",")[0] for banner in banners] == ["No rule of the office is applied: rules.toml"]


def test_server_without_the_folder_has_no_report_and_the_page_of_all_says_why(tmp_path: Path) -> None:
    write(tmp_path / "data", 0, status(), server="ALPHA")
    out = tmp_path / "out"
    done = run("--all-servers", "--folder", "/Nowhere", "--data", str(tmp_path / "data"), "--reports", str(out))
    assert done.exit_code == 0, done.output
    assert r"lies in \Nowhere or below" in (out / "index.html").read_text(encoding="utf-8")
    assert not (out / "servers" / "ALPHA").exists()


@pytest.mark.slow
def test_command_makes_the_reports_of_all_servers(tmp_path: Path) -> None:
    for server in ("ALPHA", "BETA"):
        for hour in (0, 1):
            write(
                tmp_path / "data",
                hour,
                status(last_run=hour - 0.5, code=1),
                server=server,
                definitions={"\\OpenData\\Load": xml()},
            )
    (tmp_path / "data" / "snapshots" / "BROKEN" / "2026-11" / "20261120T120000Z").mkdir(parents=True)
    out = tmp_path / "out"
    done = run("--all-servers", "--fail-on", "attention", "--data", str(tmp_path / "data"), "--reports", str(out))
    assert done.exit_code == 3, done.output
    assert "BROKEN" in done.output.splitlines()[-1]
    for server in ("ALPHA", "BETA"):
        index = (out / "servers" / server / "index.html").read_text(encoding="utf-8")
        assert '<a href="../../index.html">All servers</a>' in index
        assert server in (out / "servers" / server / "latest" / "trends.html").read_text(encoding="utf-8")
    page = html.document_fromstring((out / "index.html").read_text(encoding="utf-8"))
    rows = {row[0]: row[1:3] for row in table(page, "Servers, those with most to do first")}
    assert rows["ALPHA"] == rows["BETA"] == ["1", "FAILING \\OpenData\\Load"]
    ((_, number, servers, *_),) = table(page, "By cause, those of most servers first")
    assert (number, servers) == ("2", "ALPHA (1), BETA (1)")


@pytest.mark.parametrize("more", [[], ["--all-servers"]])
def test_report_into_a_folder_of_something_else_does_nothing(tmp_path: Path, more: list[str]) -> None:
    write(tmp_path / "data", 0, status())
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.docx").touch()
    done = run("--data", str(tmp_path / "data"), "--reports", str(tmp_path / "out"), *more)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        f"taskanalysis: {tmp_path / 'out'} holds other files (thesis.docx) and is no folder of reports: "
        "choose an empty or a new one with --reports\n"
    )
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["thesis.docx"]
    assert not (tmp_path / "data" / "history").exists()


@pytest.mark.slow
@pytest.mark.parametrize("options", [["--all-servers"], ["--server", "ALPHA"], []], ids=" ".join)
def test_each_step_is_told_once_and_of_its_server(options: list[str], tmp_path: Path) -> None:
    servers = ("ALPHA", "BETA") if options == ["--all-servers"] else ("ALPHA",)
    for name in servers:
        write(tmp_path / "data", 0, status(), server=name)
    done = report(tmp_path / "out", "--data", str(tmp_path / "data"), "-v", *options)
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert sorted(lines) == sorted(set(lines))
    wanted = [f"{name} {each}" for name in servers for each in NOTEBOOKS]
    for step in ("Input Notebook: ", "Executing notebook", "made in"):
        assert sorted(line.partition(":")[0] for line in lines if step in line) == sorted(wanted)


@pytest.mark.slow
def test_reports_of_all_servers_of_one_file(tmp_path: Path) -> None:
    file, out = FILES / "statuses" / "two_servers.csv", tmp_path / "out"
    done = run("--all-servers", "--data", str(file), "--zone", "Europe/London", "--reports", str(out))
    assert done.exit_code == 0, done.output
    rows = {row[0]: row for row in table(page_of(out / "index.html"), "Servers, those with most to do first")}
    assert sorted(rows) == ["TOWN02", "TOWN03"]
    assert "FAILING" in rows["TOWN03"][2]
    assert (out / "servers" / "TOWN02" / "latest" / "status.html").is_file()
