"""What all pages say of themselves and of what was read."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from taskanalysis import __version__
from taskanalysis.cli.main import main
from taskanalysis.errors import Problem, SnapshotError
from taskanalysis.health.rules import parse_rules
from taskanalysis.publish.make import NOTEBOOKS
from taskanalysis.report.cards import MOST_CARDS
from taskanalysis.report.display import MOST_ROWS
from taskanalysis.report.inventory import Inventory
from taskanalysis.report.page import JudgedPage, Page, story_id, story_places
from taskanalysis.report.status import MOST_CHANGES, MOST_FURTHER, StatusPage
from taskanalysis.report.trends import Trends
from taskanalysis.snapshot.snapshot import Snapshot
from taskanalysis.snapshot.status import Status
from tests.build import LOAD, status, write, xml
from tests.report.test_notebooks import shown_by


@pytest.mark.parametrize("page", [Inventory, StatusPage, Trends])
def test_folder_without_a_task_is_the_same_error_as_at_the_prompt(page: type[Page]) -> None:
    with pytest.raises(SnapshotError, match=r"no task of .* lies in \\OpenDat or below"):
        page.read(folder=r"\OpenDat")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_folder_without_a_task_is_the_sentence_of_the_prompt_in_a_notebook(name: str, tmp_path: Path) -> None:
    write(tmp_path, 0, status())
    place = str(tmp_path)
    done = CliRunner().invoke(main, ["check", "--data", place, "--folder", "/Town"])
    with pytest.raises(SnapshotError) as caught:
        shown_by(name, data=place, folder="/Town")
    assert (done.exit_code, done.stderr) == (2, f"taskanalysis: {caught.value}\n")


def test_folder_of_a_damaged_or_refused_task_is_no_mistake(tmp_path: Path) -> None:
    write(tmp_path, 0, status(), problems=[Problem(r"\Town\Secret", "access is denied")])
    (tmp_path / "exports" / "Town").mkdir(parents=True)
    (tmp_path / "exports" / "Town" / "Cut.xml").write_text("<Task><Actions>", encoding="utf-8")
    (tmp_path / "exports" / "Load.xml").write_bytes(xml())
    assert StatusPage.read(tmp_path, folder="/Town").folder == r"\Town"
    assert StatusPage.read(tmp_path / "exports", folder=r"\Town").answer.title == "Not known: no status was collected"


def test_check_of_the_sample_matches_definitions_and_statuses(sample: Snapshot) -> None:
    assert Page(sample).check.lines == [
        "52 task definitions read, 0 files not readable.",
        f"They are of 2026-11-23 06:02 (America/New_York), read by taskanalysis {__version__}.",
        r"6 tasks below \Microsoft: counted, not listed on this page.",
        "58 status rows, none without its partner.",
    ]


def test_check_counts_what_is_not_listed(sample: Snapshot) -> None:
    outside = Page(sample, r"\OpenData").check.lines[2]
    assert outside == r"12 tasks outside \OpenData: counted, not listed on this page."
    statuses = {**sample.statuses, r"\New": Status(r"\New")}
    for changed, line in (
        (replace(sample, statuses=statuses), "59 status rows, 1 without its partner."),
        (replace(sample, statuses={}), "No status was collected."),
        (replace(sample, others=("B",) * 99), "99 other servers in this share: not on this page."),
        (replace(sample, holds=frozenset({"state"})), "58 status rows, no definitions with them."),
    ):
        assert Page(changed).check.lines[-1] == line


def test_heading_says_server_moment_zone_and_scope(sample: Snapshot) -> None:
    assert Page(sample).heading.facts == {
        "Server": "OPENDATA01",
        "Snapshot": "Monday, 2026-11-23 06:02 (America/New_York)",
        "Tasks": r"all outside \Microsoft",
    }
    unknown = Page(replace(sample, zone="", server=""), r"\OpenData").heading.facts
    assert unknown["Snapshot"].endswith("11:02 (UTC; the server's zone is not known)")
    assert unknown["Server"] == "not named in the files"
    assert unknown["Tasks"] == r"\OpenData and below"
    assert Page(replace(sample, server="--password S3cret")).heading.facts["Server"] == "--password ***"


def test_task_with_one_side_only_is_listed_both_ways(sample: Snapshot) -> None:
    assert Page(sample).unmatched.frame.empty
    statuses = {path: status for path, status in sample.statuses.items() if path != r"\Heartbeat"}
    assert Page(replace(sample, statuses=statuses), r"\Backup").unmatched.frame.empty
    frame = Page(replace(sample, statuses=statuses | {r"\New": Status(r"\New")})).unmatched.frame
    assert frame[["task_path", "what"]].to_numpy().tolist() == [
        [r"\Heartbeat", "It has a definition and no status."],
        [r"\New", "It has a status and no definition."],
    ]
    assert Page(replace(sample, holds=frozenset({"state"}))).unmatched.frame.empty


# What rests on verdicts -----------------------------------------------------------------------------------------------


def limits(page: JudgedPage) -> list[str]:
    """What follows the lines that every page has."""
    return list(page.check.lines[len(Page(page.snapshot).check.lines) :])


def test_limits_name_what_the_data_lack(sample: Snapshot) -> None:
    assert limits(JudgedPage(sample)) == ["One snapshot does not show earlier runs, nor since when a task fails."]
    old = replace(sample, holds=frozenset({"state", "last_result"}), tasks={})
    assert limits(JudgedPage(old))[1:] == [
        "There are no definitions, so missed starts can't be detected.",
        "These data do not show when it last ran.",
        "There are no definitions, so a code is read without knowing the program that returned it.",
    ]


def test_limits_say_that_the_zone_is_not_known(sample: Snapshot) -> None:
    assert "--zone" in limits(JudgedPage(replace(sample, zone="")))[1]


def test_rule_that_matches_no_task_is_reported(sample: Snapshot) -> None:
    rules = parse_rules("[[rule]]\ntask = '*'\nignore = true\n[[rule]]\ntask = '*Gone*'")
    assert limits(JudgedPage(sample, rules=rules))[-2:] == [
        "The rule for *Gone* in rules.toml, line 5 matches no task.",
        "The rule for * in rules.toml, line 3 mutes without an end.",
    ]


def test_broken_rules_stop_no_page_and_are_never_calm(tmp_path: Path) -> None:
    write(tmp_path, 0, status(last_run=-1), definitions={LOAD: xml()}, zone="Europe/London", elevated=True)
    (tmp_path / "rules.toml").write_text("[[rule]]\ntask = '*'\nignored = true\n", encoding="utf-8")
    page = StatusPage.read(tmp_path)
    said = "No rule of the office is applied: rules.toml, line 3: 'ignored' is not known"
    assert page.answer.title == "None of 1 task needs attention; not everything could be seen"
    assert [line[: len(said)] for line in page.assessment.unseen] == [said]
    assert Inventory.read(tmp_path).check.lines[-1].startswith(said)
    (tmp_path / "rules.toml").unlink()
    assert StatusPage.read(tmp_path).answer.title == "Nothing to do: no task needs attention"


# Files ----------------------------------------------------------------------------------------------------------------


def rows(file: Path) -> int:
    return len(file.read_text(encoding="utf-8-sig").splitlines()) - 1


def test_all_rows_of_a_table_that_the_page_cuts_are_in_its_file(sample: Snapshot, tmp_path: Path) -> None:
    number = MOST_ROWS + 5
    page = Inventory(replace(sample, problems=[Problem(f"{each}.xml", "is empty") for each in range(number)]))
    assert f'<a href="{page.problems.file}">' in page.problems.html()
    assert "<a href=" not in page.programs.html(), "it has all"
    names = {file.name: file for file in page.save(tmp_path)}
    assert "inventory-problems.csv" in names
    assert "programs.csv" not in names
    assert rows(names["inventory-problems.csv"]) == number


def test_tables_of_tasks_that_the_page_cuts_have_the_file_of_all_tasks(tmp_path: Path) -> None:
    names = [f"\\Task {number:02}" for number in range(MOST_CARDS + MOST_FURTHER + 5)]
    write(tmp_path, 0, *(status(name, last_run=-1, code=1) for name in names), zone="Europe/London")
    page = StatusPage.read(tmp_path)
    assert len(page.further.frame) == MOST_FURTHER + 5
    assert page.further.html().startswith('<p class="rest">The first 50 of 55 rows; <a href="status.csv">')
    page.save(tmp_path / "out")
    assert rows(tmp_path / "out" / "status.csv") == len(page.tasks.frame) == len(names), (
        "not only those of the cut table"
    )


def test_changes_that_the_page_cuts_are_in_a_file_of_its_own(tmp_path: Path) -> None:
    names = [f"\\Task {number:02}" for number in range(MOST_CHANGES + 3)]
    for hour, code in ((0, 0), (6, 1)):
        write(tmp_path, hour, *(status(name, last_run=hour - 1, code=code) for name in names))
    page = StatusPage.read(tmp_path)
    assert '<a href="status-changes.csv">' in page.changes.html()
    page.save(tmp_path / "out")
    assert rows(tmp_path / "out" / "status-changes.csv") == len(names)


# Names and times ------------------------------------------------------------------------------------------------------


def test_page_knows_every_task_in_scope_once(sample: Snapshot) -> None:
    statuses = {path: each for path, each in sample.statuses.items() if path != r"\Heartbeat"}
    changed = Page(replace(sample, statuses=statuses | {r"\New": Status(r"\New")}))
    assert (len(changed.paths), len(set(changed.paths))) == (53, 53)
    assert changed.paths == sorted(changed.paths, key=str.casefold)
    assert {r"\Heartbeat", r"\New"} <= set(changed.paths)
    assert not any(path.startswith(r"\Microsoft") for path in changed.paths)
    assert Page(sample, r"\Backup").paths == [r"\Backup\Offsite copy", r"\Backup\System state"]


def test_names_lead_to_a_page_for_each_hundred_stories() -> None:
    places = list(story_places([f"\\{number}" for number in range(MOST_ROWS + 1)]).values())
    assert len(places) == MOST_ROWS
    for turn, name in ((0, "tasks"), (99, "tasks"), (100, "tasks-2"), (199, "tasks-2"), (1999, "tasks-20")):
        assert places[turn] == f"{name}.html#{story_id(f'{chr(92)}{turn}')}"


def test_page_shows_times_near_its_snapshot_and_names_as_they_are_shown(sample: Snapshot) -> None:
    path = r"\load --password S3cret"
    look = Page(replace(sample, statuses={}, tasks={path: sample.tasks[r"\Heartbeat"]})).look
    assert look.near == sample.local_time
    assert look.places == {r"\load --password ***": f"tasks.html#{story_id(path)}"}


@pytest.mark.parametrize("page", [Inventory, StatusPage, Trends])
def test_page_without_cut_tables_writes_no_more_files(page: type[Page], sample: Snapshot) -> None:
    assert page(sample)._cut == {}
