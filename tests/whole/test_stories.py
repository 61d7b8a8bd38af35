"""The stories planted in the sample share: verdicts, incidents, changes and fates find each, and nothing else.

data/README.md describes what is planted; here it stands once more, as what the reports must say.
"""

import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from taskanalysis.health.fates import slot_fates
from taskanalysis.health.findings import find_findings
from taskanalysis.health.incidents import find_incidents
from taskanalysis.health.past import blind_times, known_history
from taskanalysis.health.rules import read_rules
from taskanalysis.health.verdicts import Judged, Verdict, judge
from taskanalysis.history.frames import History, read_history
from taskanalysis.snapshot.evidence import said_last
from taskanalysis.snapshot.share import list_snapshots, sample_share
from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot

NEW_YORK = ZoneInfo("America/New_York")
PASSWORD = [
    *("Finance\\Checkbook", "Finance\\Nightly load", "Finance\\Vendor payments", "Permits\\Inspections"),
    *("Permits\\Nightly load", "Permits\\Permit addresses", "Portal\\Publish datasets"),
    *("Portal\\Refresh dashboards", "Services\\311 requests"),
]
# task, verdict, since (local time), failures in a row, flapping
VERDICTS = [
    ("Finance\\Checkbook", "FAILING", "2026-11-09 19:30", 14, False),
    ("Finance\\Nightly load", "FAILING", "2026-11-09 21:05", 14, False),
    ("Finance\\Vendor payments", "FAILING", "2026-11-09 09:15", 2, False),
    ("Permits\\Inspections", "FAILING", "2026-11-09 07:10", 10, False),
    ("Permits\\Nightly load", "FAILING", "2026-11-09 22:15", 14, False),
    ("Permits\\Permit addresses", "FAILING", "2026-11-09 08:30", 14, False),
    ("Portal\\Publish datasets", "FAILING", "2026-11-09 20:20", 14, False),
    ("Portal\\Refresh dashboards", "FAILING", "2026-11-09 11:50", 30, False),
    ("Services\\311 requests", "FAILING", "2026-11-09 11:10", 56, False),
    ("Transit\\Ridership", "FAILING", "2026-11-21 09:20", 2, True),
    ("Transit\\Bus stops", "FAILING", "2026-11-23 04:20", 1, True),
    ("Portal\\Full-text index", "FAILING", "2026-11-22 21:15", 1, True),
    ("Services\\Recreation calendar", "FAILING", "2026-11-22 07:20", 1, False),
    ("Services\\Crime statistics", "RUNNING LONG", "2026-11-21 05:10", 0, False),
    ("GIS\\Tiles\\Base map", "RUNNING LONG", "2026-11-23 03:20", 0, False),
    ("Log clean-up", "OVERDUE", "2026-11-21 00:20", 0, False),
    ("Admin\\Old exports", "UNKNOWN", "2026-11-15 00:40", 0, False),
    ("GIS\\Parcels", "RUNNING", "2026-11-23 05:25", 0, False),
    ("Transit\\Vehicle positions", "RUNNING", "2026-10-19 07:01", 0, False),
    ("Admin\\Monthly archive", "NEVER RAN", "2026-11-18 12:02", 0, False),
    ("GIS\\Street centerlines", "DISABLED", "2026-11-04 18:02", 0, False),
]
# task, what its reason says beyond the verdict
REASONS = [
    ("Transit\\Ridership", "2 failures in a row. All its failures of 60 days were on Saturday and Sunday."),
    ("Services\\Recreation calendar", "The start folder of the task does not exist"),
    ("Services\\Crime statistics", "its last runs took at most 1 hour 52 minutes"),
    (
        "GIS\\Tiles\\Base map",
        "(3 hours), past its time limit of 1 hour, at which Windows should have stopped it",
    ),
    ("Log clean-up", "3 starts missed, the first at 2026-11-21 00:20"),
    ("Log clean-up", "It is in the queue, since 2026-11-21 00:20 at the latest."),
    ("Admin\\Old exports", "No file matched, or a command for a file failed; for a cleanup the first is normal."),
    ("Transit\\Parking meters", "It was stopped at 2026-11-22 22:00, as its trigger orders"),
    ("Services\\Polling places", "Nothing will start it again: its triggers give no further start."),
    ("GIS\\Zoning", "No zoning district has changed since the last export."),
]
# Oct 16 19:00 to Oct 19 07:00: starts that were missed, by task
MISSED = {
    "\\Backup\\Offsite copy": 3,
    "\\Heartbeat": 359,
    "\\OpenData\\Admin\\Back up databases": 2,
    "\\OpenData\\Admin\\Old exports": 3,
    "\\OpenData\\Finance\\Checkbook": 3,
    "\\OpenData\\Finance\\Nightly load": 2,
    "\\OpenData\\GIS\\Address points": 1,
    "\\OpenData\\GIS\\Parcels": 3,
    "\\OpenData\\GIS\\Street centerlines": 1,
    "\\OpenData\\GIS\\Tiles\\Base map": 3,
    "\\OpenData\\GIS\\Tiles\\Mirror": 3,
    "\\OpenData\\Log clean-up": 3,
    "\\OpenData\\Permits\\Nightly load": 2,
    "\\OpenData\\Permits\\Permit addresses": 2,
    "\\OpenData\\Portal\\Catalog harvest": 2,
    "\\OpenData\\Portal\\Certificate check": 3,
    "\\OpenData\\Portal\\Full-text index": 3,
    "\\OpenData\\Portal\\Publish datasets": 3,
    "\\OpenData\\Portal\\Refresh dashboards": 1,
    "\\OpenData\\Portal\\Sitemap": 3,
    "\\OpenData\\Services\\311 requests": 59,
    "\\OpenData\\Services\\Air quality": 119,
    "\\OpenData\\Services\\Crash reports": 3,
    "\\OpenData\\Services\\Crime statistics": 3,
    "\\OpenData\\Services\\Polling places": 2,
    "\\OpenData\\Services\\Recreation calendar": 1,
    "\\OpenData\\Transit\\Bus stops": 10,
    "\\OpenData\\Transit\\Parking meters": 215,
    "\\OpenData\\Transit\\Ridership": 2,
    "\\OpenData\\Transit\\Timetable import": 1,
    "\\OpenData\\Transit\\Trip updates": 720,
    "\\Restart print spooler": 1,
    "\\Updater\\Agent": 2,
    "\\Updater\\Browser": 59,
}
# since Nov 21: starts that wait in the queue, by task
QUEUED = {"\\OpenData\\Log clean-up": 3}
# those that catch up as soon as the server is back: late for the last start that they missed
CAUGHT_UP = {
    "\\Backup\\System state",
    "\\OpenData\\Admin\\Back up databases",
    "\\OpenData\\Finance\\Nightly load",
    "\\OpenData\\Permits\\Nightly load",
    "\\OpenData\\Portal\\Catalog harvest",
}


@pytest.fixture(scope="module")
def history() -> History:
    return read_history(sample_share(), update=False)


@pytest.fixture(scope="module")
def judged(sample: Snapshot) -> dict[str, Judged]:
    rules = read_rules(sample.share / "rules.toml")
    return {each.path: each for each in judge(sample, rules, history=known_history(sample))}


@pytest.fixture(scope="module")
def slots(history: History) -> pd.DataFrame:
    return slot_fates(history, "OPENDATA01")


def local(moment: datetime | None) -> str:
    return f"{moment.astimezone(NEW_YORK):%Y-%m-%d %H:%M}" if moment else ""


@pytest.mark.parametrize(("task", "verdict", "since", "failures", "flapping"), VERDICTS, ids=str)
def test_story_has_its_verdict_and_its_beginning(
    task: str, verdict: str, since: str, failures: int, flapping: bool, judged: dict[str, Judged]
) -> None:
    found = judged["\\OpenData\\" + task]
    assert (found.verdict.value, local(found.since)) == (verdict, since)
    assert (found.past.failures, found.past.flapping) == (failures, flapping)


@pytest.mark.parametrize(("task", "reason"), REASONS, ids=str)
def test_story_has_its_reason(task: str, reason: str, judged: dict[str, Judged]) -> None:
    assert reason in judged["\\OpenData\\" + task].reason


def test_every_other_task_is_ok(judged: dict[str, Judged]) -> None:
    planted = {"\\OpenData\\" + task for task, *_ in VERDICTS}
    others = [each for path, each in judged.items() if path not in planted]
    assert {each.verdict for each in others} == {Verdict.OK}
    told = {task for task, _ in REASONS} | {"Admin\\Move archive", "Admin\\Rebuild staging"}
    planted = {"\\OpenData\\" + task for task in told} | {"\\Restart print spooler"}  # by a rule of the office
    odd = {each.path for each in others if each.rule != "last run succeeded" or "Nothing will start" in each.reason}
    assert odd <= planted
    assert len(judged) == 52


def test_one_snapshot_alone_gives_the_same_verdicts(sample: Snapshot, judged: dict[str, Judged]) -> None:
    alone = judge(sample, read_rules(sample.share / "rules.toml"))
    assert {each.path: each.verdict for each in alone} == {path: each.verdict for path, each in judged.items()}


def test_problems_of_the_last_day_are_new_or_come_again(judged: dict[str, Judged]) -> None:
    found = {path.removeprefix("\\OpenData\\"): each.novelty for path, each in judged.items() if each.novelty}
    assert found == {
        "Services\\Recreation calendar": "NEW",
        "GIS\\Tiles\\Base map": "NEW",
        "Portal\\Full-text index": "AGAIN",
        "Transit\\Bus stops": "AGAIN",
    }


def test_one_task_has_recovered_and_one_often_fails(judged: dict[str, Judged]) -> None:
    assert [path for path, each in judged.items() if each.has_recovered] == ["\\OpenData\\GIS\\Address points"]
    (often,) = [each for each in judged.values() if each.often_fails]
    assert (often.path, often.past.failures, often.past.flapping) == ("\\OpenData\\Portal\\Catalog harvest", 0, False)
    assert f"{often.past.month.success:.0%}" == "83%"


def test_rules_of_the_office_show(sample: Snapshot, judged: dict[str, Judged]) -> None:
    assert judged["\\OpenData\\GIS\\Zoning"].rule.startswith("rules.toml, line ")
    assert {each.verdict for each in judge(sample) if each.path == "\\OpenData\\GIS\\Zoning"} == {Verdict.FAILING}
    links = {path.removeprefix("\\OpenData\\") for path, each in judged.items() if "(Run book: " in each.advice}
    assert links == {"Transit\\Bus stops", "Transit\\Ridership"}
    assert judged["\\OpenData\\GIS\\Parcels"].due.rule.accepts("stored password")


def test_findings_of_the_stories_are_found(sample: Snapshot) -> None:
    found = find_findings(sample.tasks, at=sample.local_time, snapshot=sample)
    planted = {
        "program not found": ["Permits\\Certificates of occupancy"],
        "script not found": ["Services\\Polling places"],
        "script is not in the backup": ["GIS\\Tiles\\Base map"],
        "arguments in the program": ["Admin\\Monthly archive"],
        "quotes around the folder": ["Services\\Recreation calendar"],
        "redirect without a shell": ["Services\\Polling places"],
        "script as the program": ["Services\\Polling places"],
        "nothing starts it": ["Admin\\Move archive", "Admin\\Rebuild staging", "Services\\Polling places"],
    }
    for kind, tasks in planted.items():
        those = [path for path, findings in found.items() if kind in {finding.kind for finding in findings}]
        assert sorted(those) == ["\\OpenData\\" + task for task in tasks]


def test_evidence_says_what_changed_and_what_was_last_written(sample: Snapshot, judged: dict[str, Judged]) -> None:
    changed = [path for path, each in judged.items() if "Its script " in each.reason]
    assert changed == ["\\OpenData\\Portal\\Full-text index"]
    assert "Its script fulltext.py changed 40 minutes before." in judged[changed[0]].reason
    assert {path: said_last(log) for path, log in sample.logs.items()} == {
        "\\OpenData\\Transit\\Bus stops": "KeyError: 'shelter_id'"
    }
    unknown = {file.path for files in (sample.programs or {}).values() for file in files if file.exists is None}
    assert {"\\OpenData\\Services\\Recreation calendar", "\\OpenData\\GIS\\Zoning"} <= unknown


def test_password_change_is_the_one_incident(sample: Snapshot, judged: dict[str, Judged]) -> None:
    (incident,) = find_incidents(judged.values(), known_history(sample))
    assert set(incident.tasks) == {"\\OpenData\\" + task for task in PASSWORD}
    assert local(incident.since) == "2026-11-09 07:10"
    assert incident.cause == (
        "9 tasks since 2026-11-09 07:10, all as TOWN\\opendata, 0x8007052E: "
        "The account could not log on: its password is wrong or has been changed."
    )


def test_robocopy_s_one_is_success_all_along(judged: dict[str, Judged]) -> None:
    past = judged["\\OpenData\\GIS\\Tiles\\Mirror"].past
    assert (past.month.success, past.failures, past.flapping) == (1.0, 0, False)


# Changes --------------------------------------------------------------------------------------------------------------


def test_changes_are_the_planted_ones(history: History) -> None:
    changes = history.changes[history.changes["kind"] != "outcome"]
    assert [(local(at), kind, path) for at, kind, path in changes[["at", "kind", "task_path"]].to_numpy().tolist()] == [
        ("2026-10-08 13:02", "removed", "\\OpenData\\Permits\\Legacy permit export"),
        ("2026-11-04 18:02", "disabled", "\\OpenData\\GIS\\Street centerlines"),
        ("2026-11-12 12:02", "changed", "\\OpenData\\Services\\Crash reports"),
        ("2026-11-18 12:02", "added", "\\OpenData\\Admin\\Monthly archive"),
        ("2026-11-18 12:02", "changed", "\\OpenData\\Services\\Recreation calendar"),
        ("2026-11-23 00:02", "script", "\\OpenData\\Portal\\Full-text index"),
    ]
    changed, quoted = changes.query("kind == 'changed'").itertuples()
    assert (changed.before, changed.after) == ("At 21:40 every day", "At 20:40, Monday to Friday")
    assert "command from cmd.exe to C:\\Program Files\\Python311\\python.exe; arguments from" in changed.what
    assert 'working directory from D:\\OpenData\\jobs to "D:\\OpenData\\jobs"' in quoted.what


def test_outcomes_change_only_in_tasks_of_a_story(history: History) -> None:
    changes = history.changes[history.changes["kind"] == "outcome"]
    stories = [*PASSWORD, "Transit\\Ridership", "Transit\\Bus stops", "Transit\\Parking meters"]
    stories += ["Portal\\Full-text index", "Portal\\Catalog harvest", "GIS\\Address points"]
    stories += ["Services\\Recreation calendar", "Admin\\Old exports"]
    assert set(changes["task_path"]) == {"\\OpenData\\" + task for task in stories}
    by_password = changes[changes["task_path"].isin(["\\OpenData\\" + task for task in PASSWORD])]
    assert (by_password["before"] + " -> " + by_password["after"]).tolist() == ["succeeded -> not started"] * 9


# The event log --------------------------------------------------------------------------------------------------------


def test_event_log_knows_the_runs_of_its_days_and_no_others(history: History) -> None:
    runs = history.runs[history.runs["source"] == "eventlog"]
    assert len(runs) == 233
    assert local(runs["started"].min()) == "2026-11-12 16:20"
    assert len(history.runs) == len(history.runs.drop_duplicates(["task_path", "started"]))
    parcels = runs[runs["task_path"] == "\\OpenData\\GIS\\Parcels"]
    assert parcels["seconds"].dropna().between(50 * 60, 70 * 60).all()
    assert (parcels["seconds"].isna().sum(), parcels["outcome"].iloc[-1]) == (1, "running"), "one is going on"
    kinds = dict.fromkeys(["event", "idle", "logon", "session", "time"], True)
    assert {kind: bool(number) for kind, number in runs["trigger_kind"].value_counts().items() if number} == kinds


def test_event_log_and_snapshots_agree_on_every_run(history: History, tmp_path: Path) -> None:
    shutil.copytree(Path(sample_share()) / "snapshots", tmp_path / "snapshots")
    alone = read_history(tmp_path).runs
    assert len(alone) == len(history.runs)
    for name in ("code", "outcome"):
        assert alone[name].astype("str").tolist() == history.runs[name].astype("str").tolist()


def test_events_are_those_of_the_stories(history: History) -> None:
    events = history.events.groupby(["kind", "task_path"], observed=True).size()
    refused = {"Finance\\Vendor payments": 1, "Permits\\Inspections": 6, "Permits\\Permit addresses": 10}
    refused |= dict.fromkeys(["Finance\\Checkbook", "Finance\\Nightly load"], 11)
    refused |= dict.fromkeys(["Permits\\Nightly load", "Portal\\Publish datasets"], 11)
    expected = {
        "ignored": {"Services\\Crime statistics": 2},
        "logon failed": refused,
        "queued": {"Log clean-up": 3},
        "start failed": refused | {"Services\\Recreation calendar": 1},
        "time limit": {"Portal\\Full-text index": 2},
    }
    found: dict[str, dict[str, int]] = {}
    for (kind, path), number in events.items():
        found.setdefault(kind, {})[path.removeprefix("\\OpenData\\")] = number
    assert found == expected


# Slots ----------------------------------------------------------------------------------------------------------------


def test_starts_while_the_server_was_off_or_that_wait_are_missed_and_no_others(slots: pd.DataFrame) -> None:
    missed = slots[slots["fate"] == "missed"]
    begin, end = datetime(2026, 10, 16, 19, tzinfo=NEW_YORK), datetime(2026, 10, 19, 7, tzinfo=NEW_YORK)
    off = missed["expected"].between(begin, end)
    assert missed[off].groupby("task_path", observed=True)["count"].sum().to_dict() == MISSED
    assert missed[~off].groupby("task_path", observed=True)["count"].sum().to_dict() == QUEUED
    assert missed.loc[~off, "expected"].min() == datetime(2026, 11, 21, 0, 20, tzinfo=NEW_YORK)


def test_tasks_that_catch_up_are_late_once_and_no_others(slots: pd.DataFrame) -> None:
    late = slots[slots["fate"] == "late"]
    assert set(late["task_path"]) == CAUGHT_UP
    assert len(late) == len(CAUGHT_UP)
    assert {local(started)[:15] for started in late["started"]} == {"2026-10-19 07:1"}


def test_two_days_without_snapshots_are_blind_and_never_missed(history: History, slots: pd.DataFrame) -> None:
    begin, end = datetime(2026, 10, 27, tzinfo=NEW_YORK), datetime(2026, 10, 29, tzinfo=NEW_YORK)
    then = slots[slots["expected"].between(begin, end)]
    assert set(then["fate"]) <= {"blind", "seen", "not judged"}
    daily = then[then["task_path"] == "\\OpenData\\GIS\\Parcels"]
    assert daily["fate"].tolist() == ["blind", "seen"], "the next snapshot shows the second night's run"
    assert [(local(begin), local(end)) for begin, end in blind_times(history)] == [
        ("2026-10-16 13:02", "2026-10-19 07:02"),
        ("2026-10-26 19:02", "2026-10-29 01:02"),
    ]


def test_starts_during_the_run_that_hangs_are_overlapped(slots: pd.DataFrame) -> None:
    overlapped = slots[slots["fate"] == "overlapped"]
    assert set(overlapped["task_path"]) == {"\\OpenData\\Services\\Crime statistics"}
    assert [local(expected) for expected in overlapped["expected"]] == ["2026-11-22 05:10", "2026-11-23 05:10"]


def test_start_with_an_offset_drifts_and_is_still_seen(slots: pd.DataFrame) -> None:
    sitemap = slots[(slots["task_path"] == "\\OpenData\\Portal\\Sitemap") & (slots["fate"] == "seen")]
    times = {local(expected)[11:]: expected.date() for expected in sitemap["expected"]}
    assert set(times) == {"06:30", "05:30"}
    assert sitemap.loc[sitemap["expected"] > datetime(2026, 11, 1, tzinfo=UTC), "expected"].dt.hour.unique() == [10]


def test_starts_in_the_hour_that_autumn_repeats_are_not_judged(slots: pd.DataFrame) -> None:
    autumn = slots[
        slots["expected"].between(datetime(2026, 11, 1, 5, tzinfo=UTC), datetime(2026, 11, 1, 6, 59, tzinfo=UTC))
    ]
    assert set(autumn["fate"]) == {"not judged"}


def test_every_start_has_a_fate_and_no_task_of_windows_is_in(slots: pd.DataFrame) -> None:
    assert slots["fate"].notna().all()
    assert not slots["task_path"].astype(str).str.startswith("\\Microsoft").any()
    assert (slots["fate"] == "pending").sum() == 0
    assert slots.loc[slots["fate"].isin(["seen", "late"]), "started"].notna().all()
    assert slots.loc[~slots["fate"].isin(["seen", "late"]), "started"].isna().all()


# Over time ------------------------------------------------------------------------------------------------------------


def test_on_any_day_a_snapshot_alone_shows_no_overdue_task_but_after_the_server_was_off_or_in_the_queue() -> None:
    """Looked at once a day; a start in the two days without snapshots is proven by the last run that follows."""
    days = set()
    for taken_at, _, folder in list_snapshots(sample_share())[::4]:
        overdue = {each.path for each in judge(read_snapshot(folder)) if each.verdict is Verdict.OVERDUE}
        if overdue - (QUEUED.keys() if taken_at.date() >= date(2026, 11, 21) else set()):
            days.add(taken_at.date())
    assert days
    assert days <= {date(2026, 10, day) for day in range(19, 26)}


@pytest.mark.slow
def test_at_any_time_nothing_but_the_stories_is_overdue_or_an_incident(tmp_path: Path) -> None:
    shutil.copytree(Path(sample_share()) / "snapshots", tmp_path / "snapshots")
    read_history(tmp_path)
    rules = read_rules(Path(sample_share()) / "rules.toml")
    overdue: dict[str, set[date]] = {}
    causes: dict[str, set[str]] = {}
    after_the_server_was_off = {date(2026, 10, 19), date(2026, 10, 20)}
    for number, (taken_at, _, folder) in enumerate(list_snapshots(tmp_path)):
        if number % 4 and taken_at.date() not in after_the_server_was_off:
            continue
        snapshot = read_snapshot(folder)
        past = known_history(snapshot)
        judged = judge(snapshot, rules, history=past)
        for each in judged:
            if each.verdict is Verdict.OVERDUE:
                overdue.setdefault(each.path, set()).add(snapshot.local_time.date())
        for incident in find_incidents(judged, past):
            kind = "off" if "the server was off" in incident.cause else incident.account
            causes.setdefault(kind, set()).add(local(snapshot.taken_at)[:10])
    (queued,) = QUEUED
    waits = {day for day in overdue[queued] if day >= date(2026, 11, 21)}
    assert waits
    overdue[queued] -= waits
    assert set().union(*overdue.values()) <= {date(2026, 10, day) for day in range(19, 26)}
    assert set(overdue) == MISSED.keys() | {"\\Backup\\System state"}
    assert causes["off"] <= {"2026-10-19", "2026-10-20"}
    assert causes["TOWN\\opendata"] <= {f"2026-11-{day:02}" for day in range(9, 24)}
    assert set(causes) == {"off", "TOWN\\opendata"}
