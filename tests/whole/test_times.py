"""Every time that a caller may name: the same forms, the same error, by whatever function it is asked for."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from click.testing import CliRunner

import taskanalysis as ta
from taskanalysis.cli import main
from taskanalysis.definition import instant
from taskanalysis.report import Inventory, StatusPage, TaskStories, Trends
from taskanalysis.schedule import next_run, previous_run, slot_arrays, slots
from taskanalysis.windows import convert
from tests.build import xml

ZONE = "America/New_York"
SAMPLE = ta.sample_share()
TASK = ta.read_task(
    b"<Task><Triggers><CalendarTrigger><StartBoundary>2026-01-01T00:00:00</StartBoundary>"
    b"<Repetition><Interval>PT1H</Interval></Repetition><EndBoundary>2026-11-10T00:00:00</EndBoundary>"
    b"<ScheduleByDay/></CalendarTrigger></Triggers></Task>"
)
MOMENT = datetime(2026, 11, 10, tzinfo=ZoneInfo(ZONE))
FORMS = {
    "a day as text": "2026-11-10",
    "text without offset": "2026-11-10T00:00",
    "text with a space": "2026-11-10 00:00:00",
    "text with an offset": "2026-11-10T00:00:00-05:00",
    "text in UTC": "2026-11-10T05:00Z",
    "a date": date(2026, 11, 10),
    "a naive datetime": datetime(2026, 11, 10),
    "an aware datetime": MOMENT,
    "another zone": MOMENT.astimezone(UTC),
    "a fixed offset": MOMENT.astimezone(timezone(timedelta(hours=9))),
    "a naive Timestamp": pd.Timestamp("2026-11-10"),
    "an aware Timestamp": pd.Timestamp(MOMENT),
}
WRONG = ["yesterday", "10.11.2026", "2026-13-01", "24:00", 20261110, 1.5, ["2026-11-10"], pd.NaT, timedelta(1), True]
PAGES = {"Inventory.read": Inventory, "StatusPage.read": StatusPage, "Trends.read": Trends, "TaskStories": TaskStories}
TABLES = ["inventory", "status", "triggers", "actions", "findings", "incidents", "starts", "slots"]
# what is asked, by the name of what takes the time; each answers with something that depends on it
ASKED: dict[str, Callable[[Any], Any]] = {
    "read_snapshot(at)": lambda time: ta.read_snapshot(SAMPLE, at=time).taken_at,
    "read_history(since)": lambda time: (
        ta.read_history(SAMPLE, since=time, until="2026-11-12", update=False).coverage["taken_at"].tolist()
    ),
    "read_history(until)": lambda time: (
        ta.read_history(SAMPLE, since="2026-11-08", until=time, update=False).coverage["taken_at"].tolist()
    ),
    "History.definitions(at)": lambda time: len(
        ta.read_history(SAMPLE, since="2026-11-08", until="2026-11-12", update=False).definitions(time)
    ),
    "expected_runs(start)": lambda time: list(ta.expected_runs(TASK, time, MOMENT + timedelta(hours=3), tz=ZONE)),
    "expected_runs(end)": lambda time: list(ta.expected_runs(TASK, MOMENT - timedelta(hours=3), time, tz=ZONE)),
    "slots": lambda time: list(slots(TASK, MOMENT - timedelta(hours=3), time, tz=ZONE)),
    "slot_arrays": lambda time: len(slot_arrays(TASK, MOMENT - timedelta(hours=3), time, tz=ZONE).time),
    "next_run": lambda time: next_run(TASK, time, tz=ZONE),
    "previous_run": lambda time: previous_run(TASK, time, tz=ZONE),
    "describe(definition, at)": lambda time: ta.describe(TASK, at=time),
    "describe(trigger, at)": lambda time: ta.describe(TASK.triggers[0], at=time),
    **{name: (lambda time, page=page: page.read(SAMPLE, at=time).snapshot.taken_at) for name, page in PAGES.items()},
    **{f"ta.{name}(at)": (lambda time, name=name: getattr(ta, name)(SAMPLE, at=time).to_csv()) for name in TABLES},
}


@cache
def meant(name: str) -> Any:
    return ASKED[name](MOMENT)


# the tables hand what they get to the pages
CASES = [
    pytest.param(name, form, marks=pytest.mark.slow if name.startswith("ta.") and name != "ta.status(at)" else ())
    for name in ASKED
    for form in FORMS
    if form != "an aware datetime" and (not name.startswith("ta.") or form in ("a date", "text in UTC"))
]


@pytest.mark.parametrize(("name", "form"), CASES)
def test_every_form_of_a_time_means_the_same_wherever_it_is_asked_for(name: str, form: str) -> None:
    assert ASKED[name](FORMS[form]) == meant(name)


@pytest.mark.parametrize("wrong", WRONG, ids=str)
@pytest.mark.parametrize("name", ASKED)
def test_what_is_no_time_is_one_error_with_an_example(name: str, wrong: object) -> None:
    with pytest.raises(ta.TaskAnalysisError) as caught:
        ASKED[name](wrong)
    assert "is not a time such as 2026-11-23T06:00 or 2026-11-23" in str(caught.value)


@pytest.mark.parametrize("name", ["expected_runs(start)", "expected_runs(end)", "next_run", "History.definitions(at)"])
@pytest.mark.parametrize("nothing", [None, ""])
def test_time_that_must_be_given_must_be_one(name: str, nothing: Any) -> None:
    with pytest.raises(ta.TaskAnalysisError, match="is not a time such as"):
        ASKED[name](nothing)


@pytest.mark.parametrize("name", ["read_snapshot(at)", "read_history(since)", "ta.status(at)", "StatusPage.read"])
def test_time_that_may_be_left_out_may_be_empty_too(name: str) -> None:
    assert ASKED[name](None) == ASKED[name]("") != meant(name)


@pytest.mark.parametrize(
    "command", [["check", "--data", str(SAMPLE)], ["report", "--data", str(SAMPLE), "--reports", "x"]]
)
def test_commands_say_the_same(command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, [*command, "--at", "yesterday"])
    assert done.exit_code == 2
    assert done.stderr == "taskanalysis: 'yesterday' is not a time such as 2026-11-23T06:00 or 2026-11-23\n"


@pytest.mark.parametrize("form", FORMS)
def test_time_of_files_that_name_none_takes_every_form(form: str, tmp_path: Path) -> None:
    source, data = tmp_path / "exports", tmp_path / "data"
    source.mkdir()
    data.mkdir()
    (source / "Load.xml").write_bytes(xml())
    made = convert(source, data, server="SRV", zone=ZONE, at=FORMS[form])
    assert ta.read_snapshot(made.place).taken_at == MOMENT
    with pytest.raises(ta.TaskAnalysisError, match="is not a time such as"):
        convert(source, data, server="SRV", zone=ZONE, at="yesterday")


@pytest.mark.parametrize("far", ["0001-01-01", "9999-12-31T23:59", datetime(1, 1, 1), datetime(9999, 12, 31, 23)])
@pytest.mark.parametrize("zone", ["", "Asia/Tokyo", ZONE])
def test_far_times_stay_within_the_calendar(far: Any, zone: str) -> None:
    assert 1 < instant(far, zone).astimezone(ZoneInfo("Asia/Tokyo")).year <= 9999
    assert len(ta.read_history(SAMPLE, until="9999-12-31", since=datetime(1, 1, 1), update=False).coverage) == 222


def test_naive_moment_of_reading_is_on_the_clock_of_the_boundary() -> None:
    (trigger,) = ta.read_task(
        b"<Task><Triggers><TimeTrigger><StartBoundary>2026-11-10T06:00:00+02:00</StartBoundary></TimeTrigger>"
        b"</Triggers></Task>"
    ).triggers
    said = [ta.describe(trigger, at=time) for time in ("2026-11-10T05:59", "2026-11-10T06:01", "2026-11-10T03:59Z")]
    assert said[0] == said[2]
