"""The task that runs us: it reads back as meant, has no finding, and no scheduler refuses it."""

import codecs
import re
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from lxml import etree

from taskanalysis.definition.model import ExecAction, Principal, TaskDefinition, TimeTrigger
from taskanalysis.definition.reader import read_task
from taskanalysis.definition.words import describe
from taskanalysis.errors import SnapshotError, TaskAnalysisError
from taskanalysis.health.findings import find_findings
from taskanalysis.schedule.slots import expected_runs, next_run
from taskanalysis.snapshot.snapshot import read_snapshot
from taskanalysis.windows.own_task import own_task, this_program
from taskanalysis.windows.restore import apply, plan
from tests.doubles.scheduler import NAMESPACE, FakeScheduler

PROGRAM = r"C:\taskanalysis\.venv\Scripts\taskanalysis.exe"
START, ZONE = datetime(2026, 11, 24, 5, 45), "America/New_York"
MANAGED = r"TOWN\gmsa-tasks$"
SHARES = {"data": r"\\fileserver\tasks", "reports": r"\\fileserver\reports"}
LOCAL = {"data": r"D:\tasks", "reports": r"D:\reports"}


def xml(program: str = PROGRAM, **given: Any) -> bytes:
    return own_task(program, **{"data": r"D:\tasks", "start": START, "owner": "Ada", **given})


def written(program: str = PROGRAM, **given: Any) -> TaskDefinition:
    return read_task(xml(program, **given))


def programs(task: TaskDefinition) -> list[ExecAction]:
    return [action for action in task.actions if isinstance(action, ExecAction)]


def words(line: str) -> list[str]:
    """What CommandLineToArgvW makes of a line after the name of the program, by the rules of its page.

    2n backslashes and a quotation mark are n backslashes and one that begins or ends a quotation; 2n+1 are n and a mark
    that is meant; others stand for themselves. No word is empty here.
    """
    found, quoted = [""], False
    for backslashes, letter in re.findall(r"(\\*)([^\\]|$)", line):
        if letter == '"':
            number, meant = divmod(len(backslashes), 2)
            found[-1] += "\\" * number + '"' * meant
            quoted ^= not meant
        elif letter in (" ", "\t") and not quoted:
            found[-1] += backslashes
            found.append("")
        else:
            found[-1] += backslashes + letter
    assert not quoted
    return [word for word in found if word]


# What it says ---------------------------------------------------------------------------------------------------------


def test_task_starts_every_day_at_its_time_on_both_sides_of_a_change_of_the_clocks() -> None:
    task = written()
    assert describe(task) == "At 05:45 every day"
    starts = [
        next_run(task, datetime(2027, month, day, 17, tzinfo=UTC), tz=ZONE) for month, day in [(3, 13), (7, 1), (11, 6)]
    ]
    assert [f"{start:%m-%d %H:%M %z}" for start in starts if start] == [
        "03-14 05:45 -0400",
        "07-02 05:45 -0400",
        "11-07 05:45 -0500",
    ]
    assert next_run(task, datetime(2026, 1, 1, tzinfo=UTC), tz=ZONE) == datetime(2026, 11, 24, 10, 45, tzinfo=UTC)


@pytest.mark.parametrize("minutes", [5, 10, 15, 20, 30, 60])
def test_light_task_runs_every_few_minutes_and_never_when_the_daily_one_starts(minutes: int) -> None:
    daily, light = written(), written(status_every=minutes)
    (trigger,) = light.triggers
    assert isinstance(trigger, TimeTrigger)
    assert trigger.repetition
    assert trigger.repetition.interval.delta == timedelta(minutes=minutes)
    for month, day in [(11, 25), (3, 13), (11, 6)]:
        begin = datetime(2027, month, day, tzinfo=UTC)
        end = begin + timedelta(days=3)
        both = [{at.astimezone(UTC) for at in expected_runs(task, begin, end, tz=ZONE)} for task in (daily, light)]
        assert len(both[1]) == 3 * 1440 // minutes
        assert not both[0] & both[1]


PYTHON = r"C:\Program Files\Python313\python.exe"
COLLECT, REPORT = r"collect --data D:\tasks", r"report --data D:\tasks --reports D:\reports"
LOG = r" --log D:\tasks\taskanalysis.log"
NOTIFY, TARGETS = r"notify --data D:\tasks --to-file D:\secret\to.txt", {"notify_file": r"D:\secret\to.txt"}
ONE, IN_ONE = {"folders": [r"\A"], "eventlog": True}, r"--folder \A"


@pytest.mark.parametrize(
    ("given", "name", "lines"),
    [
        ({}, "Collect", [COLLECT]),
        (LOCAL, "Collect and report", [COLLECT, REPORT]),
        # one folder limits the reports too
        (LOCAL | ONE, "Collect and report", [f"{COLLECT} {IN_ONE} --eventlog", f"{REPORT} {IN_ONE}"]),
        (LOCAL | {"folders": [r"\A", "/B/C"]}, "Collect and report", [rf"{COLLECT} {IN_ONE} --folder \B\C", REPORT]),
        (LOCAL | ONE | {"status_every": 15}, "Collect status", [f"{COLLECT} --status-only"]),
        (LOCAL | TARGETS | {"status_every": 15}, "Collect status", [f"{COLLECT} --status-only"]),
        ({"program": PYTHON}, "Collect", [f"-m taskanalysis {COLLECT}"]),
        (TARGETS, "Collect", [COLLECT, NOTIFY]),
        (
            LOCAL | TARGETS | ONE,
            "Collect and report",
            [f"{COLLECT} {IN_ONE} --eventlog", f"{REPORT} {IN_ONE}", f"{NOTIFY} {IN_ONE}"],
        ),
    ],
)
def test_task_collects_first_and_reports_then(given: dict[str, Any], name: str, lines: list[str]) -> None:
    task, program = written(**given), given.get("program", PROGRAM)
    assert task.uri == rf"\taskanalysis\{name}"
    assert [words(action.arguments) for action in programs(task)] == [(line + LOG).split() for line in lines]
    assert {action.command for action in programs(task)} == {program}
    assert {action.working_directory for action in programs(task)} == {program.rpartition("\\")[0]}


def test_message_links_the_reports_where_others_reach_them() -> None:
    *_, last = programs(written(user=MANAGED, **SHARES, notify_file=r"D:\to.txt", log_file=r"D:\my logs\our.log"))
    assert words(last.arguments) == [
        *("notify", "--data", SHARES["data"], "--to-file", r"D:\to.txt"),
        *("--link", r"\\fileserver\reports\index.html", "--log", r"D:\my logs\our.log"),
    ]


def test_description_says_what_it_is_and_whom_to_ask() -> None:
    info = written(**LOCAL).registration_info
    assert all(part in info.description for part in (r"D:\tasks", r"D:\reports", "taskanalysis", "Contact: Ada"))
    assert info.author == "Ada"


@pytest.mark.parametrize(
    ("user", "paths", "principal"),
    [
        ("", LOCAL, Principal("Author", "S-1-5-18", run_level="HighestAvailable")),
        ("nt authority\\system", LOCAL, Principal("Author", "S-1-5-18", run_level="HighestAvailable")),
        (MANAGED, SHARES, Principal("Author", MANAGED, logon_type="Password", run_level="HighestAvailable")),
        (r"TOWN\etl", LOCAL, Principal("Author", r"TOWN\etl", logon_type="S4U", run_level="HighestAvailable")),
    ],
)
@pytest.mark.parametrize("minutes", [0, 15])
def test_our_own_findings_have_nothing_to_say(
    user: str, paths: dict[str, str], principal: Principal, minutes: int
) -> None:
    task = written(user=user, **paths, folders=[r"\OpenData"], eventlog=True, status_every=minutes)
    assert find_findings({task.uri: task}, at=START.replace(tzinfo=UTC)) == {task.uri: []}
    assert task.principals == (principal,)
    assert task.context == principal.id
    assert not task.principal.needs_password


def test_settings_let_it_catch_up_end_by_itself_and_wait_for_the_network_only_where_it_is_needed() -> None:
    for paths, network in ((LOCAL, False), (SHARES, True)):
        settings = written(user=MANAGED, **paths).settings
        assert settings.run_only_if_network_available is network
        assert settings.start_when_available
        assert settings.enabled
        assert settings.multiple_instances_policy == "IgnoreNew"
        assert not settings.disallow_start_if_on_batteries
        assert not settings.stop_if_going_on_batteries
        assert settings.execution_time_limit
        assert settings.execution_time_limit.delta == timedelta(hours=2)  # beyond the hour of report --run-seconds


# How it is written ----------------------------------------------------------------------------------------------------


def test_file_is_what_windows_exports() -> None:
    data = xml(owner="Zoë 😀")
    assert data.startswith(
        codecs.BOM_UTF16_LE + '<?xml version="1.0" encoding="UTF-16"?>\r\n<Task '.encode("utf-16-le")
    )
    assert not data[2:].startswith(codecs.BOM_UTF16_LE)
    assert data.count("\n".encode("utf-16-le")) == data.count("\r\n".encode("utf-16-le")) > 30
    root = etree.fromstring(data)
    assert (root.tag, root.get("version"), root.nsmap) == (f"{{{NAMESPACE}}}Task", "1.2", {None: NAMESPACE})
    assert root.findtext("{*}RegistrationInfo/{*}Author") == "Zoë 😀"


@pytest.mark.parametrize(
    ("minutes", "order"), [(0, ["StartBoundary", "ScheduleByDay"]), (15, ["StartBoundary", "Repetition"])]
)
def test_elements_stand_in_the_order_of_the_schema(minutes: int, order: list[str]) -> None:
    root = etree.fromstring(xml(**LOCAL, status_every=minutes))
    assert [etree.QName(child).localname for child in root.iterfind("{*}Triggers/*/*")] == ["Enabled", *order]
    assert [etree.QName(child).localname for child in root] == [
        *("RegistrationInfo", "Triggers", "Settings", "Principals", "Actions")
    ]


HOSTILE = "</Description><Exec/>&amp;]]><!--'x--> <?x?>"


def test_hostile_names_are_text_and_never_markup() -> None:
    plain, hostile = xml(user="A", **LOCAL), xml(user=HOSTILE, owner=HOSTILE, data=r"D:\&amp;]]'x", reports=r"D:\r")
    tags = [[element.tag for element in etree.fromstring(data).iter()] for data in (plain, hostile)]
    assert tags[0] == tags[1]
    task = read_task(hostile)
    assert (task.principal.user_id, task.registration_info.author) == (HOSTILE, HOSTILE)
    assert words(programs(task)[0].arguments)[2] == r"D:\&amp;]]'x"


LETTERS = st.text(st.sampled_from(" aZ09é漢😀%&'^$()[]{}=;,.-~+!@#`\u202e"), min_size=1, max_size=12)
PATHS = st.builds(
    lambda root, parts, end: "\\".join([root, *parts]) + end,
    st.sampled_from(["C:", "d:", r"\\server\share", r"\\srv\ops$", r"\\10.0.0.5\a b"]),
    st.lists(LETTERS, min_size=1, max_size=4),
    st.sampled_from(["", "\\", "\\\\"]),
)


@given(PATHS, PATHS)
@example(r"\\server\my share" + "\\", r"C:\a b" + "\\\\")
@example(r"C:\100% sure", "D:\\%")
def test_every_path_reaches_the_program_as_it_was_given(data: str, reports: str) -> None:
    assume("$(" not in data + reports)
    assume(data.count("%") < 2 and reports.count("%") < 2)
    given = {"data": data, "reports": reports, "notify_file": reports, "log_file": data}
    try:
        collect, report, notify = programs(written(**given, user=MANAGED))
    except SnapshotError:
        assume(False)  # one lies in the other
    data, reports = data.strip(), reports.strip()
    assert words(collect.arguments) == ["collect", "--data", data, "--log", data]
    assert words(report.arguments) == ["report", "--data", data, "--reports", reports, "--log", data]
    assert words(notify.arguments)[:5] == ["notify", "--data", data, "--to-file", reports]


def test_words_are_those_of_the_documented_examples() -> None:
    assert words('"a b c" d\te') == ["a b c", "d", "e"]
    assert words(r'"ab\"c" "\\" d') == ['ab"c', "\\", "d"]
    assert words(r'a\\\b d"e f"g h') == [r"a\\\b", "de fg", "h"]
    assert words(r"a\\\"b c d") == [r"a\"b", "c", "d"]
    assert words(r'a\\\\"b c" d e') == [r"a\\b c", "d", "e"]


# Who accepts it -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [0, 15])
@pytest.mark.parametrize(("user", "paths"), [("", LOCAL), (MANAGED, SHARES), (r"TOWN\etl", LOCAL)])
def test_file_is_restored_without_a_password(tmp_path: Path, user: str, paths: dict[str, str], minutes: int) -> None:
    file, fake = tmp_path / "own.xml", FakeScheduler(accounts={MANAGED: "", r"TOWN\etl": "x"})
    file.write_bytes(xml(user=user, **paths, status_every=minutes))
    planned = plan(read_snapshot(file, holding="definitions"), fake)
    assert not planned.needs.passwords
    (done,) = apply(planned, fake, {})
    assert (done.path, done.result) == (read_task(file).uri, "created")
    assert read_task(fake.xml(done.path).encode("utf-16")) == read_task(file)


# What is refused ------------------------------------------------------------------------------------------------------

LONG = "C:\\" + "a" * 250 + "\\taskanalysis.exe"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"data": r"\\fs\tasks"}, r"SYSTEM reaches \\fs\tasks ... name a managed account with --user, such as TOWN"),
        ({"data": "//fs/tasks", "user": "S-1-5-18"}, r"SYSTEM reaches \\fs\tasks "),
        ({"reports": r"\\fs\reports"}, r"SYSTEM reaches \\fs\reports "),
        ({"program": r"\\fs\p\taskanalysis.exe"}, r"SYSTEM reaches \\fs\p"),
        ({"user": "LOCAL SERVICE"}, "LOCAL SERVICE is not an administrator ... managed account"),
        ({"user": "S-1-5-20"}, "NETWORK SERVICE is not an administrator"),
        ({"user": "a\nb"}, "--user ... one line"),
        ({"owner": " "}, "--owner is empty"),
        ({"owner": "\ud800"}, "--owner ... can't be written"),
        ({"data": ""}, "--data is empty"),
        ({"data": "tasks"}, "--data 'tasks' is not a full Windows path, such as"),
        ({"data": r"D:tasks"}, "not a full Windows path"),
        ({"data": r"\tasks"}, "not a full Windows path"),
        ({"data": r"\\fs"}, "not a full Windows path"),
        ({"data": "/srv/tasks"}, "not a full Windows path"),
        ({"data": r"\\?\UNC\fs\tasks"}, "not a full Windows path"),
        ({"data": r"\\.\C:\tasks"}, "not a full Windows path"),
        ({"data": 'D:\\tasks" --reports D:\\r'}, "not a full Windows path"),
        ({"data": "D:\\a\tb"}, "--data ... can't be written"),
        ({"reports": r"D:\<b>"}, "--reports ... not a full Windows path"),
        ({"data": r"D:\%TEMP%\x"}, "--data holds %TEMP%, which Task Scheduler would replace: write it out"),
        ({"data": r"D:\$(Arg0)"}, "--data holds $(, which"),
        ({"folders": ["OpenData"]}, r"--folder 'OpenData' is not a task folder, such as \OpenData"),
        ({"folders": ['\\a" --server "x']}, "is not a task folder"),
        ({"program": r"C:\Windows\System32\cmd.exe"}, "neither taskanalysis.exe nor python.exe"),
        ({"program": r"C:\py\pythonw.exe"}, "neither taskanalysis.exe nor python.exe"),
        ({"program": "taskanalysis.exe"}, "--program ... not a full Windows path"),
        ({"program": LONG}, "longer than 260 characters"),
        ({"program": r"C:\Users\ada\venv\Scripts\taskanalysis.exe"}, r"lies below C:\Users ... install it elsewhere"),
        ({"program": r"c:/users/ada/python.exe"}, r"lies below C:\Users"),
        ({"program": r"C:\x\..\Users\ada\python.exe"}, r"lies below C:\Users"),
        ({"reports": r"d:\TASKS\reports"}, "the reports would lie in the data"),
        ({"reports": r"D:\x\..\tasks"}, "the reports and the data would be in one folder"),
        ({"data": r"D:\r\data", "reports": "D:/r"}, "the data lies in the folder of the reports"),
        ({"notify_file": "to.txt"}, "--notify-file 'to.txt' is not a full Windows path"),
        ({"notify_file": r"D:\%TEMP%\to.txt"}, "--notify-file holds %TEMP%"),
        ({"notify_file": r"\\fs\to.txt"}, r"SYSTEM reaches \\fs\to.txt"),
        ({"log_file": "our.log"}, "--log 'our.log' is not a full Windows path"),
    ],
)
def test_what_windows_or_the_account_could_not_do_is_refused_in_one_sentence(given: dict[str, Any], said: str) -> None:
    with pytest.raises(TaskAnalysisError) as refused:
        xml(**given)
    assert [part for part in said.split(" ... ") if part not in str(refused.value)] == []
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("names", [["python.exe"], ["python.exe", "taskanalysis.exe"]])
def test_on_the_server_the_program_is_the_one_beside_python_or_else_python_itself(
    names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in names:
        (tmp_path / name).touch()
    windows = SimpleNamespace(platform="win32", executable=str(tmp_path / "python.exe"))
    monkeypatch.setattr(import_module("taskanalysis.windows.own_task"), "sys", windows)
    assert this_program() == str(tmp_path / names[-1])
