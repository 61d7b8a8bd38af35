"""The stories: each part says what is known and what is not, and each name of a task leads to its story."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import html

from taskanalysis.definition import read_task
from taskanalysis.errors import SnapshotError
from taskanalysis.health import known_history
from taskanalysis.health.rules import parse_rules
from taskanalysis.report import page as page_module
from taskanalysis.report import stories as stories_module
from taskanalysis.report.display import Html, Table
from taskanalysis.report.inventory import Inventory
from taskanalysis.report.page import STORIES_A_PAGE, Page, story_id, story_places
from taskanalysis.report.status import StatusPage
from taskanalysis.report.stories import LAST_RUNS, MOST_CHANGES, TaskStories
from taskanalysis.report.trends import Trends
from taskanalysis.snapshot.evidence import ProgramFile
from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot
from tests.build import HOSTILE, LOAD, NOON, definition, every, hours, rewrite_manifest, scheduled, status, write, xml
from tests.history.test_logs import log, run

HEADS = ["How it stands", "How it ran", "When it starts", "What it runs", "What changed", "How to restore it"]
BUS, LOGS, MAP = r"\OpenData\Transit\Bus stops", r"\OpenData\Log clean-up", r"\OpenData\GIS\Tiles\Base map"
NIGHTLY, CRASHES, MIRROR = (
    rf"\OpenData\{name}" for name in (r"Permits\Nightly load", r"Services\Crash reports", r"GIS\Tiles\Mirror")
)
Story = dict[str, html.HtmlElement]


def parsed(text: str) -> html.HtmlElement:
    return html.fromstring(f"<div>{text}</div>".replace("<wbr>", "<wbr/>"))  # lxml takes it for a tag with an end


@pytest.fixture(scope="module")
def page() -> TaskStories:
    return TaskStories.read("data")


def story(page: TaskStories, path: str) -> Story:
    """The parts of a task's story by their heads, and its summary."""
    text = page._story(path)
    (section,) = parsed(text).xpath("./section")
    parts = {part.findtext("h3"): part for part in section.xpath(".//div[@class='story']/div")}
    return parts | {"summary": section.find("details/summary"), "id": section.find("details/div").get("id")}


def words(part: html.HtmlElement) -> str:
    return " ".join(" ".join(part.itertext()).split()) if part.tag == "div" else " ".join(part.text_content().split())


def rows(part: html.HtmlElement) -> dict[str, str]:
    return {words(row.find("dt")): words(row.find("dd")) for row in part.xpath(".//dl/div")}


def steps(part: html.HtmlElement) -> list[str]:
    return [words(summary) for summary in part.xpath("./details/summary")]


def ids(page: TaskStories) -> list[str]:
    return [found for each in page.stories for found in parsed(each.html).xpath("//div[@class='story']/@id")]


# The parts ------------------------------------------------------------------------------------------------------------


def test_story_has_its_parts_in_their_order(page: TaskStories) -> None:
    assert [head for head in story(page, BUS) if head in HEADS] == HEADS


def test_summary_names_folder_task_state_days_and_since(page: TaskStories) -> None:
    summary = story(page, BUS)["summary"]
    assert summary.xpath("string(.//b[not(@class)])") == "Bus stops"
    assert summary.xpath("string(span[1])") == r"OpenData\Transit\Bus stops"
    assert summary.xpath("string(.//b[@class='badge bad'])") == "FAILING"
    assert summary.xpath("string(.//svg/@aria-label)").endswith(" with some runs failed")
    assert summary.xpath("string(span[4])") == "since today 04:20"


def test_how_it_stands_says_why_what_to_do_and_what_to_copy(page: TaskStories) -> None:
    part = story(page, BUS)["How it stands"]
    assert words(part.find("p")).startswith("AGAIN The Python script ended with an error (exit code 1).")
    assert words(part.xpath("p[@class='next']")[0]).startswith("Next: Read the last lines of the traceback")
    assert steps(part) == ["PowerShell to copy: starts the real job"]
    assert rows(part) == {
        "Result": "1 (0x00000001), likely",
        "Last run": "today 04:20",
        "Last good run": "yesterday 22:20",
        "Failed in a row": "1",
        "Next start": "today 10:20",
        "Owner": "Transit desk",
    }
    assert steps(story(page, MAP)["How it stands"]) == ["PowerShell to copy: ends the run"]


def test_task_that_needs_nothing_has_no_next_step(page: TaskStories) -> None:
    part = story(page, MIRROR)["How it stands"]
    assert part.xpath("p[@class='next']") == []
    assert steps(part) == []
    assert rows(part)["Owner"] == "GIS team"
    assert "Failed in a row" not in rows(part)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (r"\OpenData\Finance\Checkbook", "11 starts failed, the first Thu 12 Nov 19:30, the last yesterday 19:30"),
        (r"\OpenData\Services\Recreation calendar", "1 start failed, yesterday 07:20"),
        (r"\OpenData\Services\Crime statistics", "2 starts ignored, the first yesterday 05:10, the last today 05:10"),
        (LOGS, "3 starts queued, the first Sat 21 Nov 00:20, the last today 00:20"),
        (
            r"\OpenData\Portal\Full-text index",
            "2 runs stopped at the time limit, the first Wed 18 Nov 23:15, the last yesterday 23:15",
        ),
    ],
)
def test_starts_that_failed_or_were_put_off_are_named(page: TaskStories, path: str, said: str) -> None:
    assert rows(story(page, path)["How it ran"])["Events"] == said
    assert "Events" not in rows(story(page, MIRROR)["How it ran"])


def test_how_it_ran_has_rates_missed_starts_and_the_last_runs_the_newest_first(page: TaskStories) -> None:
    part = story(page, BUS)["How it ran"]
    assert rows(part)["Good"] == "61 % of 28 in 7 days and 60 % of 112 in 30 days"
    assert rows(part)["Takes"] == "2 minutes 22 seconds, at most 3 minutes 59 seconds"
    runs = [[words(cell) for cell in row] for row in part.xpath(".//tr")]
    assert len(runs) == LAST_RUNS
    assert runs[:2] == [["today 04:20", "failed", "1"], ["yesterday 22:20", "succeeded", "0"]]
    bad = sum(ending == "failed" for _, ending, _ in runs)
    label = part.xpath("string(svg/@aria-label)")
    assert label == f"Last 30 runs, oldest left: {LAST_RUNS - bad} succeeded, {bad} failed"
    assert rows(story(page, LOGS)["How it ran"])["Missed starts"] == "3 in 30 days, the last today 00:20"
    assert "Missed starts" not in rows(part)


def test_rate_is_100_only_where_all_runs_were_good(tmp_path: Path) -> None:
    for number in range(-300, 0):
        stands = status(last_run=2 * number - 1, code=int(number == -290))
        write(tmp_path, 2 * number, stands, definitions={LOAD: xml()})
    part = story(TaskStories.read(tmp_path), LOAD)["How it ran"]
    assert rows(part)["Good"] == "100 % of 84 in 7 days and 99 % of 300 in 30 days"


def test_durations_are_those_of_the_event_log(tmp_path: Path) -> None:
    log(tmp_path, *(run(hour, 6 * hour, instance=hour) for hour in (1, 2, 3)))
    for hour in (0, 6):
        write(tmp_path, hour, status(last_run=min(hour, 3)), definitions={LOAD: xml()})
    assert rows(story(TaskStories.read(tmp_path), LOAD)["How it ran"])["Takes"] == "12 minutes, at most 18 minutes"


def test_when_it_starts_says_schedule_limit_and_policy(page: TaskStories) -> None:
    part = story(page, BUS)["When it starts"]
    assert words(part.find("p")) == "Every 6 hours from 04:20 to 00:20 the next day, every day"
    assert rows(part) == {
        "Starts in 24 hours": "today 10:20; today 16:20; today 22:20; and 1 more",
        "Time limit": "1 hour",
        "While it runs": "a further start is skipped",
    }


def test_starts_of_a_frequent_task_are_all_counted(tmp_path: Path) -> None:
    write(tmp_path, 0, status(last_run=-1), definitions={LOAD: scheduled(every("PT15M"))})
    part = story(TaskStories.read(tmp_path), LOAD)["When it starts"]
    assert rows(part)["Starts in 24 hours"] == "today 07:15; today 07:30; today 07:45; and 93 more"


@pytest.mark.parametrize(
    ("settings", "limit", "policy", "enabled"),
    [
        ("", "3 days (Windows' default)", "a further start is skipped", ""),
        ("<ExecutionTimeLimit>PT0S</ExecutionTimeLimit>", "none", "a further start is skipped", ""),
        (
            "<MultipleInstancesPolicy>Queue</MultipleInstancesPolicy><ExecutionTimeLimit>PT90M</ExecutionTimeLimit>",
            "1 hour 30 minutes",
            "a further start waits for its end",
            "",
        ),
        (
            "<MultipleInstancesPolicy>StopExisting</MultipleInstancesPolicy><Enabled>false</Enabled>",
            "3 days (Windows' default)",
            "a further start ends it",
            "no",
        ),
        (
            "<MultipleInstancesPolicy>Parallel</MultipleInstancesPolicy>",
            "3 days (Windows' default)",
            "a further start runs beside it",
            "",
        ),
    ],
)
def test_settings_are_said_in_words(settings: str, limit: str, policy: str, enabled: str, tmp_path: Path) -> None:
    write(tmp_path, 0, status(last_run=-1), definitions={LOAD: scheduled(settings=settings)})
    found = rows(story(TaskStories.read(tmp_path), LOAD)["When it starts"])
    assert (found["Time limit"], found["While it runs"], found.get("Enabled", "")) == (limit, policy, enabled)
    assert found["Starts in 24 hours"] == "none"


def test_what_it_runs_names_program_folder_account_and_rights(page: TaskStories) -> None:
    part = story(page, CRASHES)["What it runs"]
    assert words(part.find("p")) == "Traffic crashes, from the state's exchange server."
    assert rows(part) == {
        "Runs": r"C:\Program Files\Python311\python.exe crashes.py",
        "In": r"D:\OpenData\jobs",
        "Files": r"program C:\Program Files\Python311\python.exe (32,312 bytes, changed Mon 8 Jan 2024); "
        r"script D:\OpenData\jobs\crashes.py (89 bytes, changed Tue 9 Sep 2025)",
        "As": r"TOWN\gmsa-etl$",
        "Rights": "normal",
        "Registered": r"Thu 12 Nov 15:15, TOWN\mrivera",
        "sha256": page.snapshot.hashes[CRASHES][:16],
    }
    assert rows(story(page, LOGS)["What it runs"])["Look at"] == "relative program (cleanup.bat); no description"
    assert rows(story(page, MIRROR)["What it runs"])["Rights"] == "highest"


def test_what_changed_is_the_newest_first_and_counted(page: TaskStories, tmp_path: Path) -> None:
    (item,) = story(page, CRASHES)["What changed"].xpath(".//li")
    assert words(item).startswith("Thu 12 Nov 12:02: changed. schedule: from At 21:40 every day to At 20:40, Monday")
    assert words(item).endswith("15:15:41.467389"), "a value stays as it is"
    assert words(story(page, BUS)["What changed"]).endswith("Nothing since Thu 24 Sep.")
    for hour in range(MOST_CHANGES + 3):
        write(tmp_path, hour, status(last_run=-1), definitions={LOAD: xml(f"x{hour}.exe")})
    part = story(TaskStories.read(tmp_path), LOAD)["What changed"]
    assert len(part.xpath(".//li")) == MOST_CHANGES
    assert "x12.exe" in words(part.xpath(".//li")[0])
    assert words(part).endswith("And 2 more.")


def test_how_to_restore_it_names_the_password_and_has_its_lines(page: TaskStories) -> None:
    part = story(page, NIGHTLY)["How to restore it"]
    assert words(part.find("p")) == r"Needs the password of TOWN\opendata."
    assert steps(part) == [
        "PowerShell to copy (without --apply: the plan)",
        "PowerShell to copy, without this program",
        "A rule to copy into rules.toml",
    ]
    assert words(story(page, BUS)["How to restore it"].find("p")) == "No password is needed."


# What is not known ----------------------------------------------------------------------------------------------------


def test_muted_task_says_so_and_shows_no_day(sample: Snapshot) -> None:
    rules = parse_rules(f"[[rule]]\ntask = '{BUS}'\nignore = true\nnote = 'moved'")
    muted = story(TaskStories(sample, "", known_history(sample, 30), rules), BUS)
    assert rows(muted["How it stands"])["Muted"] == "by rules.toml"
    assert rows(muted["How it stands"])["Note"] == "moved"
    assert muted["How it stands"].xpath("p[@class='next']") == []
    assert words(muted["How it ran"]).endswith("Not shown: a rule of rules.toml mutes the task.")
    assert muted["summary"].xpath(".//svg") == [], "an empty strip would say that it never ran"


def test_task_without_a_status_is_not_called_well(sample: Snapshot) -> None:
    statuses = {path: each for path, each in sample.statuses.items() if path != BUS}
    found = story(TaskStories(replace(sample, statuses=statuses)), BUS)
    assert words(found["How it stands"]) == "How it stands Not known: there is no status of it."
    assert found["summary"].xpath(".//b[contains(@class, 'badge')]") == []
    assert rows(found["What it runs"])["As"] == r"TOWN\gmsa-etl$"


def test_task_without_a_definition_says_what_is_not_known(sample: Snapshot) -> None:
    tasks = {path: each for path, each in sample.tasks.items() if path != BUS}
    lacking = replace(sample, tasks=tasks, commands={BUS: "python.exe bus.py --password S3cret"})
    found = story(TaskStories(lacking), BUS)
    assert words(found["When it starts"]).endswith("Not known: its definition was not collected.")
    assert words(found["What it runs"]) == "What it runs python.exe bus.py --password ***"
    assert words(found["How to restore it"]).endswith("It can't be restored: its definition is not stored.")
    assert steps(found["How to restore it"]) == []
    assert "What it runs" not in story(TaskStories(replace(lacking, commands={})), BUS)


def test_folder_of_files_has_no_past_and_says_so() -> None:
    page = TaskStories.read("tests/files/folder")
    found = story(page, LOAD)
    assert words(found["How it ran"]).endswith("Not known: this is no share of snapshots.")
    assert rows(found["When it starts"])["Starts in 24 hours"] == "not known without a zone"
    assert "What changed" not in found
    assert found["summary"].xpath(".//svg") == []
    assert page.key.html == ""


def test_task_of_which_no_run_was_seen_says_so(page: TaskStories, tmp_path: Path) -> None:
    assert words(story(page, r"\OpenData\Admin\Monthly archive")["How it ran"]).endswith("No run is known.")
    write(tmp_path, 0, status(last_run="never", code=None), definitions={LOAD: xml()})
    found = story(TaskStories.read(tmp_path), LOAD)
    assert rows(found["How it stands"])["Last run"] == "never"
    assert rows(found["How it stands"])["Result"] == "not known"


def test_hidden_task_has_a_story(tmp_path: Path) -> None:
    write(tmp_path, 0, status(last_run=-1, code=1), status("\\Other"), definitions={LOAD: xml(), "\\Other": xml()})
    newest = write(tmp_path, 6, status("\\Other"), definitions={"\\Other": xml()})
    rewrite_manifest(newest, elevated=False)
    page = TaskStories.read(tmp_path)
    assert page.paths == [LOAD, "\\Other"]
    assert "when last seen, 6 hours ago" in words(story(page, LOAD)["How it stands"])


# Fragments and links --------------------------------------------------------------------------------------------------


def test_fragment_is_the_hash_of_the_path_so_that_links_last() -> None:
    assert story_id(LOAD) == story_id(LOAD.upper()) == "tc6bc8d76a9"
    assert story_id(BUS) == "tdc9893ff65"
    assert story_id("\\bad\udce9") != story_id("\\bad")


def shown_tables(page: Page) -> Iterable[str]:
    """The HTML of all that a page shows."""
    for name in dir(type(page)):
        if not name.startswith("_"):
            each = getattr(page, name)
            if isinstance(each, Table | Html):
                yield each._repr_html_()
            elif hasattr(each, "_repr_mimebundle_"):
                yield each._repr_mimebundle_()["text/html"]
            elif hasattr(each, "_repr_html_"):
                yield each._repr_html_()


@pytest.mark.parametrize("kind", [StatusPage, Inventory, Trends, TaskStories])
def test_every_link_of_every_page_leads_to_a_story(kind: type[Page], page: TaskStories) -> None:
    known = {f"tasks.html#{each}" for each in ids(page)}
    other = kind.read("data")
    linked = {link for text in shown_tables(other) for link in parsed(text).xpath("//a/@href") if "tasks" in link}
    assert len(linked) >= 10 or kind is TaskStories
    assert linked <= known
    if kind is StatusPage:
        assert linked == known, "all tasks are in its table"


def test_every_task_has_one_story_and_one_fragment(page: TaskStories) -> None:
    assert ids(page) == [story_id(path) for path in page.paths]
    assert len(set(ids(page))) == len(page.paths) == 52
    assert [f"tasks.html#{each}" for each in ids(page)] == list(story_places(page.paths).values())


# One task, many tasks -------------------------------------------------------------------------------------------------


def test_one_task_is_told_alone_and_open() -> None:
    page = TaskStories.read("data", task=BUS)
    (only,) = page.stories
    assert page.answer.title == rf"The story of {BUS}"
    assert parsed(only.html).xpath("//details[@open]/div/@id") == [story_id(BUS)]
    assert page.names.html == ""
    assert only.words == BUS


@pytest.mark.parametrize(
    ("options", "task"),
    [({}, r"\No such task"), ({}, "Bus stops"), ({"folder": r"\Backup"}, BUS), ({}, r"\Microsoft\Windows\Defrag")],
)
def test_task_that_is_not_there_is_an_error_that_says_what_is_asked_for(options: dict[str, str], task: str) -> None:
    with pytest.raises(SnapshotError, match=r"there is no task .*: give its whole path, such as \\Folder\\Name"):
        TaskStories.read("data", task=task, **options)


def many(number: int) -> TaskStories:
    names = [f"\\Task {turn:04}" for turn in range(number)]
    tasks = TaskStories.read("tests/files/folder").snapshot.tasks[LOAD]
    snapshot = read_snapshot("tests/files/folder")
    return TaskStories(replace(snapshot, tasks=dict.fromkeys(names, tasks), files={}))


def test_a_hundred_stories_are_one_page_and_the_first_names_all_others() -> None:
    assert len(many(STORIES_A_PAGE).stories) == 1
    assert many(STORIES_A_PAGE).names.html == ""
    page = many(2 * STORIES_A_PAGE + 5)
    assert [each.html.count("<section") for each in page.stories] == [STORIES_A_PAGE, STORIES_A_PAGE, 5]
    assert all(each.html.startswith("<!--page-->") for each in page.stories)
    links = parsed(page.names.html).xpath("//a")
    assert parsed(page.names.html).xpath("string(//summary)") == "The 105 tasks on further pages"
    assert (links[0].text_content(), links[0].get("href")) == (
        "\\Task 0100",
        f"tasks-2.html#{story_id(page.paths[100])}",
    )
    assert links[-1].get("href") == f"tasks-3.html#{story_id(page.paths[-1])}"
    on_page = [parsed(each.html).xpath("//div[@class='story']/@id") for each in page.stories]
    for link in links:
        name, _, fragment = link.get("href").partition("#")
        assert fragment in on_page[int(name[6]) - 1]


def test_stories_beyond_two_thousand_are_left_out_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (page_module, stories_module):
        monkeypatch.setattr(module, "MOST_ROWS", 250)
    page = many(260)
    assert sum(each.html.count("<section") for each in page.stories) == 250 == len(page.look.places)
    assert page.answer.unseen == page.assessment.unseen != []
    assert replace(page.answer, unseen=()).lines == [
        "260 tasks and their stories.",
        "The first 250; inventory.csv and status.csv have all.",
    ]
    assert page.look.task(page.paths[-1]) == "Task 0259", "no link that leads nowhere"


def test_two_thousand_and_more_tasks_are_twenty_pages() -> None:
    page = many(2003)
    assert len(story_places(page.paths)) == 2000
    assert {place.partition("#")[0] for place in story_places(page.paths).values()} == {
        "tasks.html",
        *(f"tasks-{number}.html" for number in range(2, 21)),
    }
    assert page.answer.line == "The first 2,000; inventory.csv and status.csv have all."


# Hostile tasks --------------------------------------------------------------------------------------------------------

TAGS = {"div", "section", "details", "summary", "span", "b", "wbr", "h3", "p", "dl", "dt", "dd", "code", "ul", "li"}
TAGS |= {"svg", "path", "table", "tbody", "tr", "td", "time", "pre", "strong"}


def test_no_text_of_a_task_is_more_than_text_in_its_story(tmp_path: Path) -> None:
    definitions = {path: definition(text).encode() for path, text in HOSTILE.items()}
    for hour, code in ((0, 0), (6, 1), (12, 1)):
        stands = [status(path, last_run=hour - 1, code=code) for path in HOSTILE]
        write(tmp_path, hour, *stands, definitions=definitions)
    page = TaskStories.read(tmp_path)
    text = "".join(each.html for each in page.stories)
    assert {element.tag for element in parsed(text).iter() if isinstance(element.tag, str)} <= TAGS
    assert {name for element in parsed(text).iter() for name in element.attrib} <= {
        *("class", "id", "open", "role", "aria-label", "viewbox", "d", "datetime"),
    }
    assert "S3cret" not in text
    assert len(page.paths) == len(HOSTILE) == text.count("<section")
    for path in page.paths:
        assert story(page, path)["id"] == story_id(path)


def test_secret_in_a_path_is_on_no_line_and_in_no_word(sample: Snapshot) -> None:
    path = "\\load --password S3cret"
    task = sample.tasks[BUS]
    held = replace(sample, tasks={path: task}, statuses={path: replace(sample.statuses[BUS], path=path)})
    page = TaskStories(held, "", known_history(sample, 30))
    assert "S3cret" not in page.stories[0].html + page.stories[0].words
    assert steps(story(page, path)["How to restore it"]) == []
    assert "S3cret" not in str(page.answer._repr_mimebundle_())
    assert "S3cret" not in str(replace(page, task=path).answer._repr_mimebundle_())


@pytest.mark.parametrize("name", ["\\bad\\udce9", "\\a\0b\x1b[31m", "\\a\nb", "\\" + "x" * 10_000, "\\\u202egnp.exe"])
def test_name_of_any_characters_has_a_story_that_can_be_written(name: str, sample: Snapshot) -> None:
    held = replace(sample, tasks={name: sample.tasks[BUS]}, statuses={})
    page = TaskStories(held)
    (only,) = page.stories
    assert only.html.encode()
    assert only.words.encode()
    assert replace(page, task=name).answer._repr_mimebundle_()["text/html"].encode()
    assert not set("\0\x1b\u202e") & set(only.html)
    for other in (Inventory(held), StatusPage(held)):
        assert all(text.encode() for text in shown_tables(other))


def test_moment_of_the_page_is_that_of_the_snapshot(page: TaskStories) -> None:
    later: Any = TaskStories.read("data", at=(page.snapshot.taken_at - timedelta(hours=6)).isoformat())
    assert rows(story(later, BUS)["How it stands"])["Last run"] != rows(story(page, BUS)["How it stands"])["Last run"]


# Evidence -------------------------------------------------------------------------------------------------------------


def test_story_shows_files_and_what_was_last_written() -> None:
    files = [
        ProgramFile(LOAD, 1, "program", r"C:\Python\python.exe", exists=True, size=1234, modified=hours(-24)),
        ProgramFile(LOAD, 1, "script", r"D:\jobs\<b>.py", exists=False),
        ProgramFile(LOAD, 1, "script", "etl.load"),
    ]
    log = "Traceback (most recent call last):\n  <i>\nValueError: no rows for --password S3cret\n\nbye"
    known = Snapshot(
        "SRV", NOON, statuses={LOAD: status(LOAD, -1, 1)}, tasks={LOAD: read_task(xml())}, logs={LOAD: log}
    )
    parts = story(TaskStories(replace(known, programs={LOAD: files})), LOAD)
    said = parts["What it last wrote"]
    assert words(said.find("p")) == "ValueError: no rows for --password ***"
    assert words(said.find("details/summary")) == "The last 5 lines of its log"
    assert said.find("details/pre").text_content() == log.replace("S3cret", "***")
    assert rows(parts["What it runs"])["Files"] == (
        r"program C:\Python\python.exe (1,234 bytes, changed yesterday); script D:\jobs\<b>.py (not there); "
        "script etl.load (not known whether it is there)"
    )
    without = story(TaskStories(replace(known, logs={})), LOAD)
    assert "What it last wrote" not in without
    assert "Files" not in rows(without["What it runs"])


def test_card_shows_the_line_that_says_most() -> None:
    known = Snapshot(
        "SRV", NOON, statuses={LOAD: status(LOAD, -1, 1)}, logs={LOAD: f"{HOSTILE}\n<i>no rows --password x1"}
    )
    (card,) = parsed(StatusPage(known).cards.html).xpath("//li")
    assert words(card.find(".//samp")) == "<i>no rows --password ***"
    assert not parsed(StatusPage(replace(known, logs={})).cards.html).xpath("//samp")


def test_private_key_in_a_script_that_changed_is_not_shown(page: TaskStories, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "set X=-----BEGIN PRIVATE KEY-----\n{}AAEC\nAwQFBgcI\n-----END PRIVATE KEY-----\n"
    kept = {"a": f"echo 1\n{key.format(1)}", "b": f"echo 2\n{key.format(2)}", "c": f"echo 2\n{key.format(3)}"}
    monkeypatch.setattr("taskanalysis.report.stories.stored_script", lambda _, start: kept[start].encode())

    def versions(before: str, after: str) -> str:
        return page._versions({"kind": "script", "before": before, "after": after})

    assert "AAEC" not in versions("a", "b")
    assert "-echo 1\n+echo 2\n" in versions("a", "b")
    assert versions("b", "c") == "<p>Only what is masked differs.</p>"
    assert versions("b", "b") == ""
