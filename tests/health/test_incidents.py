"""Incidents: what makes tasks that need attention one, and what does not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from taskanalysis.definition.duration import Duration
from taskanalysis.definition.model import ExecAction, Principal, Repetition, Settings, TaskDefinition, TimeTrigger
from taskanalysis.health.incidents import find_incidents
from taskanalysis.health.past import Past, known_history
from taskanalysis.health.verdicts import Judged, Verdict, judge
from taskanalysis.snapshot.share import sample_share
from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot
from taskanalysis.snapshot.status import Status

NOW = datetime(2026, 11, 23, 11, 2, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")
AN_HOUR_AGO = (NOW - timedelta(hours=1)).astimezone(NEW_YORK)
PASSWORD = 0x8007052E
LIMITED = Settings(execution_time_limit=Duration.parse("PT1H"))


def task(command: str, user: str) -> TaskDefinition:
    actions, principals = (ExecAction(command=command),), (Principal(user_id=user),)
    return TaskDefinition(actions=actions, principals=principals, settings=LIMITED)


def several(*parts: tuple[str, str, str, int]) -> list[Judged]:
    """Judged tasks of (path, user, program, code)."""
    tasks = {path: task(program, user) for path, user, program, _ in parts}
    statuses = {path: Status(path, "Ready", True, AN_HOUR_AGO, code) for path, _, _, code in parts}
    return judge(Snapshot("S", NOW, "America/New_York", tasks, statuses))


def test_three_tasks_of_one_account_and_code_are_an_incident() -> None:
    tasks = several(*((rf"\{name}", r"TOWN\etl", f"{name}.exe", PASSWORD) for name in "abc"))
    (incident,) = find_incidents(tasks)
    assert (incident.tasks, incident.code, incident.account) == (("\\a", "\\b", "\\c"), PASSWORD, r"TOWN\etl")
    assert incident.cause.startswith(r"3 tasks, all as TOWN\etl, 0x8007052E: ")
    assert incident.since is None


def test_two_tasks_are_no_incident_and_another_code_does_not_count() -> None:
    assert find_incidents(several(*((rf"\{name}", "u", "x.exe", PASSWORD) for name in "ab"))) == []
    assert find_incidents(several(("\\a", "u", "x.exe", 1), ("\\b", "u", "x.exe", 2), ("\\c", "u", "x.exe", 3))) == []


def test_tasks_share_a_program_or_a_folder_where_accounts_differ() -> None:
    by_program = several(*((rf"\{name}", name, "python.exe", 0xC0000005) for name in "abc"))
    assert [incident.program for incident in find_incidents(by_program)] == ["python"]
    by_folder = several(*((rf"\F\{name}", name, f"{name}.exe", 0xC0000005) for name in "abc"))
    assert [incident.folder for incident in find_incidents(by_folder)] == [r"\F"]


def test_task_is_in_one_incident_only() -> None:
    parts = ((rf"\F\{name}", "u" if name in "abc" else name, "x.exe", 0xC0000005) for name in "abcdef")
    tasks = several(*parts)
    incidents = find_incidents(tasks)
    paths = [path for incident in incidents for path in incident.tasks]
    assert len(paths) == len(set(paths)) == 6
    assert [incident.account for incident in incidents] == ["", "u"] or [i.account for i in incidents] == ["u", ""]


def test_exit_codes_of_programs_are_no_shared_cause() -> None:
    assert find_incidents(several(*((rf"\{name}", "u", "python.exe", 1) for name in "abc"))) == []


def test_good_and_muted_tasks_are_in_no_incident() -> None:
    assert find_incidents(several(*((rf"\{name}", "u", "x.exe", 0) for name in "abc"))) == []


def failing(name: str, good: int, bad: int) -> Judged:
    """A task that ran well at hour `good` and failed from hour `bad` on."""
    (each,) = several((f"\\{name}", "u", "x.exe", PASSWORD))
    start = datetime(2026, 11, 20, tzinfo=UTC)
    past = Past(last_success=start + timedelta(hours=good), failing_since=start + timedelta(hours=bad), failures=3)
    return replace(each, past=past, since=past.failing_since)


def test_tasks_that_began_to_fail_at_one_moment_are_an_incident_since_the_first_of_them() -> None:
    (incident,) = find_incidents([failing("a", 1, 6), failing("b", 5, 7), failing("c", 4, 30)])
    assert incident.tasks == ("\\a", "\\b", "\\c")
    assert incident.since == datetime(2026, 11, 20, 6, tzinfo=UTC)
    assert incident.cause.startswith("3 tasks since 2026-11-20 01:00, all as u, 0x8007052E: ")


def test_tasks_that_can_have_no_moment_in_common_are_none() -> None:
    assert find_incidents([failing("a", 1, 3), failing("b", 3, 5), failing("c", 5, 7)]) == []
    (incident,) = find_incidents([failing("a", 1, 3), *(failing(name, 5, 7) for name in "bcd")])
    assert incident.tasks == ("\\b", "\\c", "\\d")


HOURLY = TimeTrigger(start_boundary=datetime(2026, 1, 1), repetition=Repetition(Duration.parse("PT1H")))


def overdue(name: str, first: datetime, *triggers: TimeTrigger, missed_runs: int = 0) -> Judged:
    status = Status(f"\\{name}", "Ready", True, first - timedelta(hours=1), 0, missed_runs=missed_runs)
    definition = replace(task("x.exe", "u"), triggers=triggers or (HOURLY,))
    (each,) = judge(Snapshot("S", NOW, "UTC", {status.path: definition}, {status.path: status}))
    assert each.verdict is Verdict.OVERDUE
    return each


def once(moment: datetime) -> TimeTrigger:
    return TimeTrigger(start_boundary=moment)


def test_two_overdue_tasks_are_no_incident() -> None:
    each = overdue("a", NOW - timedelta(hours=20), missed_runs=1)
    assert find_incidents([each, each]) == []
    assert find_incidents([overdue("a", NOW - timedelta(hours=20))] * 3) == []
    assert len(find_incidents([each] * 3)) == 1


def test_starts_missed_within_one_time_without_snapshots_are_an_incident() -> None:
    monday = read_snapshot(sample_share(), at="2026-10-19T07:05")
    history = known_history(monday)
    assert history
    night = datetime(2026, 10, 18, 2, tzinfo=UTC)
    each = overdue("a", night, once(night))
    (incident,) = find_incidents([each] * 3, history)
    assert incident.cause == "3 tasks, 3 starts missed since 2026-10-18 02:00: the server was off."
    earlier = night - timedelta(days=30)
    assert find_incidents([overdue("a", earlier, once(earlier), once(night))] * 3, history) == []
    assert find_incidents([each] * 3) == []


# The sample -----------------------------------------------------------------------------------------------------------


def test_password_change_is_one_incident_without_a_history_too(sample: Snapshot) -> None:
    (incident,) = find_incidents(judge(sample))
    assert (len(incident.tasks), incident.account, incident.code) == (9, r"TOWN\opendata", PASSWORD)
    assert incident.since is None


def test_server_that_was_off_for_three_nights_is_one_incident() -> None:
    monday = read_snapshot(sample_share(), at="2026-10-19T07:05")
    found = judge(monday)
    (incident,) = find_incidents(found)
    assert set(incident.tasks) == {each.path for each in found if each.verdict is Verdict.OVERDUE}
    assert incident.cause == "35 tasks, 1,614 starts missed since 2026-10-16 19:00: the server was off."
    assert incident.since == datetime(2026, 10, 16, 19, tzinfo=NEW_YORK)
