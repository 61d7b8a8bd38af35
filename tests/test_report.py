"""Reports: what lies in ``latest``, what is refused, and that a failed run changes nothing."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest
from lxml import html

from conftest import report
from taskanalysis import report as reports
from taskanalysis.errors import ReportError
from taskanalysis.report import NOTEBOOKS, notebook_file, run_notebook, write_report
from taskanalysis.share import sample_share

NOW = datetime(2026, 11, 23, 11, 5, tzinfo=UTC)
CORPUS = Path(__file__).parents[1] / "../shared/corpus"
PARAMETERS = {"data", "server", "folder", "at", "zone", "dates", "save_to"}


def test_latest_holds_the_page_and_its_tables(pages: Path) -> None:
    inventory = {"inventory.html", "inventory.csv", "triggers.csv", "actions.csv", "task_scheduler_backup.csv"}
    status = {"status.html", "status.csv", "status.json", "task-status.csv"}
    assert {file.name for file in pages.iterdir()} == inventory | status


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_page_links_files_beside_it_and_nothing_else(name: str, pages: Path) -> None:
    page = html.parse(str(pages / f"{name}.html"))
    links = set(page.xpath("//a/@href"))
    assert f"{name}.csv" in links
    assert links <= {file.name for file in pages.iterdir()}
    assert page.xpath("//link/@href") == ["data:,"]
    assert all(source.startswith("data:image/svg+xml;base64,") for source in page.xpath("//img/@src"))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_page_says_what_it_is_and_that_it_is_the_sample(name: str, pages: Path) -> None:
    page = html.parse(str(pages / f"{name}.html"))
    assert page.findtext(".//title") == name.title()
    assert page.xpath("//h1//text()") == [name.title()]
    facts = page.xpath("//dl[contains(@class, 'facts')]")[0].text_content()
    assert "OPENDATA01" in facts
    assert "Monday, 2026-11-23 06:02 (America/New_York)" in facts
    assert (
        "Stale: the newest snapshot is of 2026-11-23 06:02" in page.xpath("//header[@class='banner']")[0].text_content()
    )
    assert "sample share" in page.xpath("//header[@class='banner']")[0].text_content()


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
    done = report(tmp_path, "--folder", r"\Backup", "--at", "2026-10-01")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [f"Open {tmp_path / 'latest' / name}.html" for name in NOTEBOOKS]
    assert "inventory: 100%" in done.stderr
    page = html.parse(str(tmp_path / "latest/inventory.html"))
    assert "Wednesday, 2026-09-30 19:02" in page.xpath("//dl[contains(@class, 'facts')]")[0].text_content()
    assert len(page.xpath("//caption[text()='Tasks']/../tbody/tr")) == 2


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the real files are not beside this checkout")
def test_report_on_real_files_reads_all_but_the_broken_one(tmp_path: Path) -> None:
    done = report(tmp_path, "--data", str(CORPUS / "xml"), "--folder", "\\")
    assert done.returncode == 0, done.stderr
    page = html.parse(str(tmp_path / "latest/inventory.html"))
    assert "274 task definitions read, 1 file not readable." in page.xpath("//ul[contains(@class, 'answer')]/li/text()")
    assert len(page.xpath("//caption[text()='Tasks']/../tbody/tr")) == 274
    problems = [row.text_content() for row in page.xpath("//caption[text()='Problems']/../tbody/tr")]
    assert sum("not well-formed" in problem for problem in problems) == 1


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
            ("--data", str(Path(__file__).parents[1] / "LICENSE")),
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

FAILING = {
    "raise ValueError('no <b>luck')": "the cell 'raise ValueError('no <b>luck')' gave ValueError: no <b>luck",
    "import sys; sys.exit(0)": "the cell 'import sys; sys.exit(0)' did not run to its end",
    "import os; os._exit(1)": "died",
}


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Makes `write_report` run a notebook of some code cells."""

    def use(*sources: str) -> None:
        first = nbformat.v4.new_code_cell("save_to: str = ''", metadata={"tags": ["parameters"]})
        cells = [first, *map(nbformat.v4.new_code_cell, sources)]
        file = tmp_path / "some.ipynb"
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), file)
        monkeypatch.setattr(reports, "notebook_file", lambda _: file)

    return use


@pytest.mark.parametrize("source", FAILING)
def test_failed_run_is_told_and_leaves_the_last_report(source: str, tmp_path: Path, notebook) -> None:
    latest = tmp_path / "latest"
    latest.mkdir()
    (latest / "some.html").write_text("the last good one", encoding="utf-8")
    notebook(source, "1 + 1")
    with pytest.raises(ReportError, match=r"some\.ipynb") as failed:
        write_report("some", tmp_path, {}, now=NOW)
    assert FAILING[source] in str(failed.value)
    assert [file.name for file in latest.iterdir()] == ["some.html"]
    assert (latest / "some.html").read_text(encoding="utf-8") == "the last good one"


def test_file_that_cannot_be_replaced_is_named_and_nothing_else_is_left(tmp_path: Path, notebook) -> None:
    (tmp_path / "latest/some.html").mkdir(parents=True)
    notebook("1 + 1")
    with pytest.raises(ReportError, match="latest can't be written"):
        write_report("some", tmp_path, {}, now=NOW)
    assert [file.name for file in (tmp_path / "latest").iterdir()] == ["some.html"]


def test_kernels_and_start_up_files_of_the_user_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, notebook
) -> None:
    kernel = tmp_path / "jupyter/kernels/python3/kernel.json"
    start_up = tmp_path / "ipython/profile_default/startup/00.py"
    for file, text in ((kernel, '{"argv": ["nothing"], "display_name": "x"}'), (start_up, "raise SystemExit")):
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook("1 + 1")
    assert write_report("some", tmp_path, {}, now=NOW).is_file()
    assert os.environ["IPYTHONDIR"] == str(tmp_path / "ipython")


def test_parameter_that_the_notebook_does_not_know_is_refused(tmp_path: Path, notebook) -> None:
    notebook()
    with pytest.raises(ReportError, match="has no parameter folder"):
        run_notebook("some", {"folder": ""}, tmp_path)


def test_last_expression_and_printed_text_are_shown_as_text(tmp_path: Path, notebook) -> None:
    notebook("print('<b>printed')\n'<i>shown'")
    page = html.parse(str(write_report("some", tmp_path, {}, now=NOW)))
    assert page.xpath("//pre/text()") == ["<b>printed\n", "'<i>shown'"]
    assert not page.xpath("//b | //i")


def test_mistake_in_the_rules_is_told_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text("[[rule]]\ntask = 'x'\n", encoding="utf-8")
    (tmp_path / "Load.xml").write_bytes(b"<Task/>")
    done = report(tmp_path / "out", "--data", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith("taskanalysis: rules.toml, line 2: 'task'")
    assert not (tmp_path / "out").exists()


def test_missing_notebook_is_one_sentence() -> None:
    with pytest.raises(ReportError, match=r"the notebook nowhere\.ipynb is not installed"):
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
    assert {line.split(":")[0] for line in lines} == PARAMETERS
    assert all(": str = " in line and "  # " in line for line in lines)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_runs_from_any_working_directory_without_parameters(name: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    run_notebook(name, {}, elsewhere)
    assert [file.name for file in elsewhere.iterdir()] == [f"{name}.ipynb"]


def test_sample_share_is_that_of_the_checkout() -> None:
    assert sample_share() == Path(__file__).parents[1] / "data"
    assert os.access(sample_share() / "make_sample.py", os.R_OK)
