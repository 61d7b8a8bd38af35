"""The tables: their columns, what the sample's rows say, and that nothing shown holds a secret."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd
import pytest

from taskanalysis.health.incidents import find_incidents
from taskanalysis.health.past import known_history
from taskanalysis.health.rules import parse_rules, read_rules
from taskanalysis.health.verdicts import judge
from taskanalysis.report import tables
from taskanalysis.report.columns import COLUMNS
from taskanalysis.snapshot.share import sample_share
from taskanalysis.snapshot.snapshot import Snapshot
from taskanalysis.snapshot.status import Status
from tests.build import ROOT

DICTIONARY = ROOT / "data" / "README.md"
MAKERS = {name: getattr(tables, name) for name in ("inventory", "triggers", "actions", "findings")}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("kind", ["sample", "hostile"])
def test_columns_are_those_of_the_dictionary(name: str, kind: str, request: pytest.FixtureRequest) -> None:
    frame = MAKERS[name](request.getfixturevalue(kind))
    assert list(frame.columns) == list(COLUMNS[name])
    assert len(frame)


@pytest.mark.parametrize("name", MAKERS)
def test_table_of_no_task_has_its_columns(name: str, sample: Snapshot) -> None:
    frame = MAKERS[name](sample, r"\Nowhere")
    assert list(frame.columns) == list(COLUMNS[name])
    assert frame.empty


@pytest.mark.parametrize("name", [*MAKERS, "problems"])
def test_no_secret_is_in_a_table(name: str, sample: Snapshot, hostile: Snapshot) -> None:
    for snapshot in (sample, hostile):
        text = getattr(tables, name)(snapshot).to_csv()
        assert not re.search("S3cret|Winter-2026", text)


def test_snapshot_keeps_the_secret(sample: Snapshot) -> None:
    assert "S3cret" in sample.tasks[r"\OpenData\Services\Air quality"].actions[0].arguments


def test_data_dictionary_repeats_every_column_and_its_meaning() -> None:
    text = DICTIONARY.read_text(encoding="utf-8")
    for table, columns in COLUMNS.items():
        section = text.split(f"\n### {table}\n")[1].split("\n### ")[0]
        assert dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE)) == columns


def test_inventory_of_the_sample_has_a_row_for_each_task_outside_microsoft(sample: Snapshot) -> None:
    frame = tables.inventory(sample)
    assert len(frame) == 49
    assert frame["task_path"].is_unique
    assert list(frame["task_path"]) == sorted(frame["task_path"], key=str.casefold)
    assert frame.loc[~frame["enabled"], "task_path"].tolist() == [r"\OpenData\GIS\Street centerlines"]


def test_folder_takes_what_lies_below_and_no_other(sample: Snapshot) -> None:
    assert len(tables.inventory(sample, r"\OpenData")) == 43
    assert len(tables.inventory(sample, r"\opendata\gis\Tiles")) == 3
    assert tables.inventory(sample, r"\OpenDat").empty


def test_row_of_the_inventory_says_what_the_definition_says(sample: Snapshot) -> None:
    frame = tables.inventory(sample).set_index("task_path")
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


def test_trigger_that_begins_later_is_said_to_begin_later(sample: Snapshot) -> None:
    frame = tables.inventory(sample).set_index("task_path")
    assert frame.loc[r"\OpenData\Admin\Monthly archive", "schedule"].endswith(", from 2026-12-01")


def test_triggers_and_actions_are_numbered_in_each_task(sample: Snapshot) -> None:
    inventory = tables.inventory(sample).set_index("task_path")
    for name in ("triggers", "actions"):
        numbers = MAKERS[name](sample).groupby("task_path")["number"].agg(list)
        assert {
            path: list(range(1, count + 1)) for path, count in inventory[name].items() if count
        } == numbers.to_dict()


def test_every_action_type_has_something_to_show() -> None:
    from taskanalysis.definition.reader import read_task  # noqa: PLC0415

    inner = (
        "<Exec><Command>x.exe</Command></Exec><ComHandler><ClassId>{1}</ClassId><Data>d</Data></ComHandler>"
        "<SendEmail><Server>s</Server><To>t</To><Subject>hello</Subject></SendEmail>"
        "<ShowMessage><Title>t</Title><Body>b</Body></ShowMessage><Wait/>"
    )
    task = read_task(f"<Task><Actions>{inner}</Actions></Task>".encode())
    shown = [(tables._type(action), *tables._spoken(action)[:2]) for action in task.actions]
    assert shown == [
        ("Exec", "x.exe", ""),
        ("ComHandler", "COM handler {1}", "d"),
        ("SendEmail", "mail to t through s", "hello"),
        ("ShowMessage", "message t", "b"),
        ("Wait", "Wait (a type that is not known here)", ""),
    ]


def test_backup_has_the_old_columns_first_and_loses_none(sample: Snapshot) -> None:
    inventory = tables.inventory(sample)
    backup = tables.backup(inventory)
    assert list(backup.columns[:4]) == ["name", "description", "interval", "path"]
    assert backup["interval"].tolist() == inventory["schedule"].tolist()
    assert len(backup.columns) == len(inventory.columns)


def test_findings_name_each_task_of_the_data_dictionary(sample: Snapshot) -> None:
    text = DICTIONARY.read_text(encoding="utf-8").split("What the inventory has to find besides:")[1].split("##")[0]
    planted = set(re.findall(r"`(\\[^`]+)`", text))
    which = " ".join(name for names in tables.findings(sample)["which"] for name in names)
    assert len(planted) > 15
    assert [path for path in planted if path not in which] == []


def test_groups_count_every_task_once(sample: Snapshot) -> None:
    inventory, actions, triggers = (make(sample) for make in (tables.inventory, tables.actions, tables.triggers))
    assert tables.by_account(inventory)["tasks"].sum() == len(inventory)
    assert tables.by_program(actions)["actions"].sum() == len(actions)
    assert tables.by_trigger_type(triggers)["triggers"].sum() == len(triggers)
    for frame in (tables.by_account(inventory), tables.by_program(actions)):
        assert frame["tasks"].is_monotonic_decreasing


# Status ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def status(sample: Snapshot) -> pd.DataFrame:
    judged = judge(sample, read_rules(sample_share() / "rules.toml"))
    return tables.status(sample, judged, find_incidents(judged))


def test_status_has_the_columns_of_the_dictionary_and_the_loud_first(status: pd.DataFrame) -> None:
    assert list(status.columns) == list(COLUMNS["status"])
    assert len(status) == 49
    assert set(status["verdict"][:13]) == {"FAILING", "RUNNING LONG"}
    assert not set(status["verdict"][13:]) & {"FAILING", "RUNNING LONG"}


def test_status_row_says_what_is_known(status: pd.DataFrame) -> None:
    row = status.set_index("task_path").loc[r"\OpenData\Permits\Nightly load"]
    assert (row["outcome"], row["code"], row["hex"]) == ("not started", 0x8007052E, "0x8007052E")
    assert row["incident"].startswith(r"9 tasks, all as TOWN\opendata")
    assert row["last_run"].isoformat() == "2026-11-22T22:15:02-05:00"
    row = status.set_index("task_path").loc[r"\OpenData\GIS\Tiles\Mirror"]
    assert (row["verdict"], row["owner"], row["code"]) == ("OK", "GIS team", 1)


def test_status_keeps_never_and_unknown_apart() -> None:
    statuses = {r"\A": Status(r"\A", last_run="never"), r"\B": Status(r"\B")}
    snapshot = Snapshot("S", datetime(2026, 11, 23, tzinfo=UTC), statuses=statuses)
    frame = tables.status(snapshot, judge(snapshot))
    assert frame["last_run"].tolist() == ["never", ""]
    assert frame["code"].isna().all()
    assert frame["verdict"].tolist() == ["NEVER RAN", "UNKNOWN"]


def test_old_status_keeps_its_columns_and_their_meaning(status: pd.DataFrame) -> None:
    old = tables.old_status(status)
    assert list(old.columns[:8]) == [*COLUMNS["old_status"], "task_path", "verdict", "last_run", "meaning"]
    assert set(old.columns[4:]) == set(COLUMNS["status"])
    by_path = old.set_index("task_path")
    row = by_path.loc[r"\OpenData\Permits\Nightly load"]
    assert (row["name"], row["lastResult"], row["resultCode"]) == ("Nightly load", "Broken", 0x8007052E)
    assert row["timeStamp"] == row["next_run"]
    assert by_path.loc[r"\OpenData\GIS\Tiles\Mirror", "lastResult"] == "Working"
    assert by_path.loc[r"\OpenData\Admin\Monthly archive", "lastResult"] == "Unknown"


def test_muted_task_is_not_listed(sample: Snapshot) -> None:
    judged = judge(sample, parse_rules("[[rule]]\ntask = '*'\nignore = true"))
    assert tables.status(sample, judged).empty
    assert list(tables.old_status(tables.status(sample, judged)).columns)[:4] == list(COLUMNS["old_status"])


def test_incidents_and_changes_have_the_columns_of_the_dictionary(sample: Snapshot) -> None:
    judged = judge(sample)
    incidents = tables.incidents(sample, find_incidents(judged))
    assert (list(incidents.columns), len(incidents)) == (list(COLUMNS["incidents"]), 1)
    changes = tables.changes(sample, known_history(sample))
    assert list(changes.columns) == list(COLUMNS["changes"])
    assert changes[["task_path", "kind", "after"]].to_numpy().tolist() == [
        [r"\OpenData\Transit\Bus stops", "outcome", "failed"]
    ]
    assert set(changes["at"]) == {sample.local_time}
    assert tables.changes(sample, known_history(sample), r"\Backup").empty
    assert tables.changes(sample, None).empty


def test_status_with_a_history_tells_how_the_runs_before_went(sample: Snapshot) -> None:
    history = known_history(sample)
    told = tables.status(sample, judge(sample, history=history)).set_index("task_path")
    row = told.loc[r"\OpenData\Transit\Bus stops"]
    assert (row["consecutive_failures"], row["runs_7d"], row["runs_30d"], row["flapping"]) == (1, 28, 112, True)
    assert row["success_rate_7d"] == 17 / 28
    assert f"{row['last_success']:%m-%d %H:%M %z}" == "11-22 22:20 -0500"
    untold = tables.status(sample, judge(sample)).set_index("task_path")
    columns = ["consecutive_failures", "runs_7d", "success_rate_7d", "runs_30d", "success_rate_30d", "flapping"]
    assert untold[columns].isna().all(axis=None)
    few = told.loc[r"\Backup\System state"]
    assert (few["runs_7d"], few["success_rate_7d"] is pd.NA) == (1, True)


def test_task_with_one_side_only_is_listed_both_ways(sample: Snapshot) -> None:
    assert tables.unmatched(sample).empty
    statuses = {path: each for path, each in sample.statuses.items() if path != r"\Heartbeat"}
    frame = tables.unmatched(replace(sample, statuses=statuses | {r"\New": Status(r"\New")}))
    assert tables.unmatched(replace(sample, statuses=statuses), r"\Backup").empty
    assert frame[["task_path", "what"]].to_numpy().tolist() == [
        [r"\Heartbeat", "It has a definition and no status."],
        [r"\New", "It has a status and no definition."],
    ]
    assert tables.unmatched(replace(sample, holds=frozenset({"state"}))).empty


def test_inventory_tells_what_was_redefined_as_far_as_the_history_goes(sample: Snapshot) -> None:
    found = tables.redefined(sample, known_history(sample))
    assert list(found.columns) == list(COLUMNS["changes"])
    assert [(f"{at:%Y-%m-%d %H:%M}", kind) for at, kind in found[["at", "kind"]].to_numpy().tolist()] == [
        ("2026-11-18 12:02", "added"),
        ("2026-11-12 12:02", "changed"),
        ("2026-11-04 18:02", "disabled"),
        ("2026-10-08 13:02", "removed"),
    ]
    assert tables.redefined(sample, None).empty
    assert len(tables.redefined(sample, known_history(sample), r"\OpenData\GIS")) == 1
