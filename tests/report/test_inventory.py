"""The inventory: what its tables, sentences and figures say of the sample, and that nothing shown holds a secret."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from lxml import html

from taskanalysis.definition.reader import read_task
from taskanalysis.errors import Problem
from taskanalysis.health import known_history
from taskanalysis.health.rules import parse_rules
from taskanalysis.report.columns import COLUMNS
from taskanalysis.report.inventory import Inventory
from taskanalysis.snapshot.paths import plain_path
from taskanalysis.snapshot.snapshot import Snapshot
from taskanalysis.snapshot.status import Status
from tests.build import NOON, ROOT, rows, scheduled, status, write, xml

TABLES = ("tasks", "triggers", "actions", "findings", "problems")


@pytest.mark.parametrize("name", TABLES[:4])
def test_table_of_no_task_has_its_columns(name: str, sample: Snapshot) -> None:
    frame = getattr(Inventory(sample, r"\Nowhere"), name).frame
    assert list(frame.columns) == list(COLUMNS["inventory" if name == "tasks" else name])
    assert frame.empty


@pytest.mark.parametrize("name", TABLES)
def test_no_secret_is_in_a_table(name: str, inventory: Inventory, hostile: Snapshot) -> None:
    for page in (inventory, Inventory(hostile)):
        text = getattr(page, name).frame.to_csv()
        assert not re.search("S3cret|Winter-2026", text)


def test_snapshot_keeps_the_secret(sample: Snapshot) -> None:
    assert "S3cret" in sample.tasks[r"\OpenData\Services\Air quality"].actions[0].arguments


def test_page_reads_the_share_its_history_and_the_folder(inventory: Inventory, sample: Snapshot) -> None:
    page = Inventory.read(folder=r"\OpenData", at="2026-11-23T11:02:00Z")
    assert (page.snapshot.taken_at, len(page.tasks.frame)) == (sample.taken_at, 46)
    assert page.changed.frame["kind"].tolist() == ["script", "changed", "added", "changed", "disabled", "removed"], (
        "the newest first"
    )
    assert inventory.changed.frame.empty, "without a history"
    assert len(replace(page, folder=r"\OpenData\GIS").changed.frame) == 1
    assert page.tasks is page.tasks, "computed once"


def test_tasks_that_are_not_in_the_backup_are_counted_first_and_listed(sample: Snapshot) -> None:
    lost, changed = r"\OpenData\GIS\Parcels", r"\Backup\Offsite copy"
    tasks = {path: task for path, task in sample.tasks.items() if path != lost}
    page = Inventory(replace(sample, tasks=tasks, damaged={changed: "was changed"}), history=known_history(sample))
    assert page.answer.lines[0] == "No: 2 of 52 tasks are not in the backup."
    assert page.missing.frame[["task_path", "what"]].to_numpy().tolist() == [
        [changed, "its stored definition was changed"],
        [lost, "its definition is not stored"],
    ]
    assert page.missing.frame["since"].iloc[1] == datetime(2026, 9, 24, 13, 2, tzinfo=ZoneInfo("America/New_York"))


def test_accepted_findings_are_counted_and_not_listed(sample: Snapshot) -> None:
    rules = parse_rules("[[rule]]\ntask = '\\Backup\\*'\naccept = ['default time limit']")
    page, plain = Inventory(sample, rules=rules), Inventory(sample)
    assert page.answer.lines[-1] == "1 finding in 1 task accepted by rules.toml: counted, not listed."
    assert plain.answer.lines[-1] == "19 of 52 tasks have no findings."
    found, before = (each.findings.frame.set_index("finding")["which"] for each in (page, plain))
    assert before["default time limit"] == [*found["default time limit"], r"\Backup\System state"][::-1]
    changed = page.tasks.frame["findings"] != plain.tasks.frame["findings"]
    assert page.tasks.frame.loc[changed, "task_path"].tolist() == [r"\Backup\System state"]


def test_page_is_as_old_as_the_definitions(sample: Snapshot) -> None:
    old = replace(sample, defined_at=sample.taken_at - timedelta(days=2), holds=frozenset({"state"}))
    assert Inventory(sample).heading.read_at == sample.taken_at
    assert Inventory(old).heading.read_at == old.defined_at
    assert Inventory(old).heading.stale_after == old.defined_at + timedelta(hours=26)


# Sentences ------------------------------------------------------------------------------------------------------------


def test_answer_of_the_sample_counts_right(inventory: Inventory, sample: Snapshot) -> None:
    users = {task.principal.user_id or task.principal.group_id for task in sample.tasks.values()}
    lines = inventory.answer.lines
    assert lines[:3] == [
        "Yes, all 52 tasks can be put back, with 2 passwords at hand; the scripts of 1 task are not in the backup.",
        f"{len(sample.tasks)} tasks in 12 folders, run by {len(users)} accounts; 1 task disabled.",
        r"Restoring them needs the password of TOWN\opendata (9 tasks) and TOWN\svc-gis (5 tasks), "
        "and their programs; it is not known where the scripts of 1 task are.",
    ]
    assert lines[3].startswith("Look first at: program not found (1), script not found (1), nothing starts it (3), arg")
    assert lines[4] == "19 of 52 tasks have no findings."


def test_answer_for_a_folder_counts_that_folder_alone(sample: Snapshot) -> None:
    assert Inventory(sample, r"\Backup").answer.lines[:3] == [
        "Yes, all 2 tasks can be put back.",
        "2 tasks in 1 folder, run by 1 account; 0 tasks disabled.",
        "Restoring them needs no password, and their programs.",
    ]


def test_many_accounts_are_named_in_part(sample: Snapshot) -> None:
    task = sample.tasks[r"\OpenData\Portal\Publish datasets"]
    tasks = {
        f"\\{number}": replace(task, principals=(replace(task.principal, user_id=f"U{number}"),)) for number in range(7)
    }
    assert (
        Inventory(replace(sample, tasks=tasks))
        .answer.lines[2]
        .partition(", and their")[0]
        .endswith("U4 (1 task) and 2 others")
    )


def test_answer_says_where_there_is_nothing(sample: Snapshot, hostile: Snapshot) -> None:
    assert Inventory(sample, r"\Nowhere").answer.lines == ["No: there is no task definition here."]
    assert Inventory(hostile).answer.lines[-1] == "Each of 7 tasks has findings."


def held(sample: Snapshot, *paths: str, **given: Any) -> Inventory:
    """The inventory of these tasks alone."""
    tasks = {path: sample.tasks[path] for path in paths}
    return Inventory(replace(sample, **{"tasks": tasks, "statuses": {}} | given))


UNSEEN = "; not everything could be seen"
COPY, STATE, LOAD = r"\Backup\Offsite copy", r"\Backup\System state", r"\OpenData\Permits\Nightly load"


@pytest.mark.parametrize(
    ("paths", "given", "title", "is_good"),
    [
        ([COPY], {}, "Yes, the one task can be put back", True),
        ([COPY, STATE], {}, "Yes, all 2 tasks can be put back", True),
        ([LOAD], {}, "Yes, the one task can be put back, with 1 password at hand", True),
        ([COPY, LOAD], {}, "Yes, all 2 tasks can be put back, with 1 password at hand", True),
        ([COPY], {"damaged": {STATE: "was changed"}}, "No: 1 of 2 tasks is not in the backup", False),
        ([COPY, LOAD], {"damaged": {COPY: "was changed"}}, "No: 1 of 2 tasks is not in the backup", False),
        ([COPY], {"statuses": {STATE: Status(STATE)}}, f"No: 1 of 2 tasks is not in the backup{UNSEEN}", False),
        (
            [COPY],
            {"statuses": {STATE: Status(STATE), LOAD: Status(LOAD)}},
            f"No: 2 of 3 tasks are not in the backup{UNSEEN}",
            False,
        ),
        ([COPY], {"problems": [Problem("a.xml", "is cut")]}, f"Yes, the one task can be put back{UNSEEN}", False),
        ([], {}, "No: there is no task definition here", False),
        ([], {"statuses": {STATE: Status(STATE)}}, "No: 1 of 1 task is not in the backup", False),
        (
            [],
            {"statuses": {STATE: Status(STATE)}, "defined_at": None, "holds": frozenset({"state"})},
            "No: no definitions were collected",
            False,
        ),
    ],
)
def test_title_says_whether_every_task_can_be_put_back(
    paths: list[str], given: dict[str, Any], title: str, is_good: bool, sample: Snapshot
) -> None:
    answer = held(sample, *paths, **given).answer
    assert (answer.title, answer.is_good) == (title, is_good)


def test_yes_is_never_said_of_a_definition_whose_hash_is_wrong(tmp_path: Path) -> None:
    folder = write(tmp_path, 0, status(), definitions={"\\A": xml(), "\\B": xml("y.exe")})
    assert Inventory.read(tmp_path).answer.title == "No: 1 of 3 tasks is not in the backup", (
        "the status has no definition"
    )
    file = folder / "tasks" / "B.xml"
    file.write_bytes(file.read_bytes() + b" ")
    page = Inventory.read(tmp_path)
    assert page.answer.title == f"No: 2 of 3 tasks are not in the backup{UNSEEN}"
    assert not page.answer.is_good
    assert dict(page.missing.frame[["task_path", "what"]].to_numpy())["\\B"].startswith("its stored definition ")


def test_all_tasks_are_put_back_by_a_line_where_there_are_any(sample: Snapshot, inventory: Inventory) -> None:
    assert inventory.restore.words == f"taskanalysis restore '{plain_path(sample.source)}' --apply"
    assert "<pre" in inventory.restore.html
    assert Inventory(sample, r"\Nowhere").restore.html == ""


def test_index_gets_age_passwords_findings_and_the_timeline(inventory: Inventory) -> None:
    answer = inventory.answer
    assert [point.partition(" ")[0] for point in answer.points] == [
        "Definitions",
        "Password",
        "Password",
        "program",
        "script",
    ]
    assert answer.figure is inventory.timeline


def test_findings_link_each_task(inventory: Inventory) -> None:
    rows = html.fromstring(f"<div>{inventory.findings.html()}</div>".replace("<wbr>", "<wbr/>")).xpath("//tbody/tr")
    linked = [row.xpath(".//a/@href") for row in rows]
    assert [min(number, 20) for number in inventory.findings.frame["tasks"]] == [len(links) for links in linked]
    assert {link for links in linked for link in links} <= set(inventory.look.places.values())


# Tables ---------------------------------------------------------------------------------------------------------------


def test_inventory_of_the_sample_has_a_row_for_each_task_outside_microsoft(inventory: Inventory) -> None:
    frame = inventory.tasks.frame
    assert len(frame) == 52
    assert frame["task_path"].is_unique
    assert list(frame["task_path"]) == sorted(frame["task_path"], key=str.casefold)
    assert frame.loc[~frame["enabled"], "task_path"].tolist() == [r"\OpenData\GIS\Street centerlines"]


def test_folder_takes_what_lies_below_and_no_other(sample: Snapshot) -> None:
    assert len(Inventory(sample, r"\opendata\gis\Tiles").tasks.frame) == 3
    assert Inventory(sample, r"\OpenDat").tasks.frame.empty


def test_row_of_the_inventory_says_what_the_definition_says(inventory: Inventory) -> None:
    frame = inventory.tasks.frame.set_index("task_path")
    row = frame.loc[r"\OpenData\Portal\Publish datasets"]
    assert (row["folder"], row["name"]) == (r"\OpenData\Portal", "Publish datasets")
    assert (row["schedule"], row["triggers"], row["actions"]) == ("At 20:20 every day", 1, 3)
    assert row["command"].count("python.exe") == 2
    assert row["command"].endswith("powershell.exe")
    assert row["arguments"].startswith("check_staging.py; publish.py --all; ")
    assert (row["run_as"], row["logon_type"], row["needs_password"]) == (r"TOWN\opendata", "Password", True)
    assert (row["time_limit"], row["multiple_instances"]) == ("2 hours", "IgnoreNew")
    assert row["registered"].startswith("2024-03-11T")
    assert row["registered"].endswith("-04:00")
    assert row["findings"] == [r"stored password (TOWN\opendata)"]
    assert len(row["sha256"]) == 64
    assert row["file"] == "OpenData/Portal/Publish datasets.xml"
    assert frame.loc[r"\OpenData\Admin\Monthly archive", "schedule"].endswith(", from 2026-12-01")


def test_trigger_that_ended_before_the_snapshot_says_so() -> None:
    ends = [
        f"<BootTrigger><EndBoundary>{day}T00:00:00</EndBoundary></BootTrigger>" for day in ("2026-11-20", "2026-11-21")
    ]
    page = Inventory(Snapshot("S", NOON, tasks={r"\A": read_task(scheduled("".join(ends)))}))
    said = ["At start-up, ended 2026-11-20", "At start-up, expires 2026-11-21"]
    assert page.triggers.frame["schedule"].tolist() == said
    assert page.tasks.frame["schedule"].tolist() == [f"{said[1]}; at start-up, ended 2026-11-20"]


def test_triggers_and_actions_are_numbered_in_each_task(inventory: Inventory) -> None:
    tasks = inventory.tasks.frame.set_index("task_path")
    for name, table in (("triggers", inventory.triggers), ("actions", inventory.actions)):
        numbers = table.frame.groupby("task_path")["number"].agg(list)
        assert {path: list(range(1, count + 1)) for path, count in tasks[name].items() if count} == numbers.to_dict()


def test_triggers_show_their_next_run_and_whether_it_is_certain(inventory: Inventory) -> None:
    row = inventory.triggers.frame.set_index(["task_path", "number"]).loc[(r"\OpenData\Finance\Nightly load", 1)]
    assert (f"{row['next_run']:%Y-%m-%d %H:%M %z}", row["judged"]) == ("2026-11-23 21:05 -0500", True)


def test_every_action_type_has_something_to_show() -> None:
    inner = (
        "<Exec><Command>x.exe</Command></Exec><ComHandler><ClassId>{1}</ClassId><Data>d</Data></ComHandler>"
        "<SendEmail><Server>s</Server><To>t</To><Subject>hello</Subject></SendEmail>"
        "<ShowMessage><Title>t</Title><Body>b</Body></ShowMessage><Wait/>"
    )
    task = read_task(f"<Task><Actions>{inner}</Actions></Task>".encode())
    page = Inventory(Snapshot("S", NOON, tasks={r"\A": task}))
    assert rows(page.actions.frame, "type", "command", "arguments") == [
        ("Exec", "x.exe", ""),
        ("ComHandler", "COM handler {1}", "d"),
        ("SendEmail", "mail to t through s", "hello"),
        ("ShowMessage", "message t", "b"),
        ("Wait", "Wait (a type that is not known here)", ""),
    ]


def test_backup_has_the_old_columns_first_and_loses_none(inventory: Inventory) -> None:
    frame, backup = inventory.tasks.frame, inventory.old_backup
    assert list(backup.columns[:4]) == ["name", "description", "interval", "path"]
    assert backup["interval"].tolist() == frame["schedule"].tolist()
    assert len(backup.columns) == len(frame.columns)


def test_findings_name_each_task_of_the_data_dictionary(inventory: Inventory) -> None:
    text = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    text = text.split("What the inventory has to find besides:")[1].split("##")[0]
    planted = set(re.findall(r"`(\\[^`]+)`", text))
    which = " ".join(name for names in inventory.findings.frame["which"] for name in names)
    assert len(planted) > 15
    assert [path for path in planted if path not in which] == []


def test_groups_count_every_task_once(inventory: Inventory) -> None:
    accounts, programs = inventory.accounts.frame, inventory.programs.frame
    assert accounts["tasks"].sum() == len(inventory.tasks.frame)
    assert programs["actions"].sum() == len(inventory.actions.frame)
    assert inventory.trigger_types.frame["triggers"].sum() == len(inventory.triggers.frame)
    assert accounts["tasks"].is_monotonic_decreasing
    assert programs["tasks"].is_monotonic_decreasing
