"""One definition: everything in it is read, in any order, encoding and version; what can't be read is named."""

import codecs
import pickle
import sys
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from benchmarks.definitions import write_files
from taskanalysis.definition import model, reader
from taskanalysis.definition.duration import Duration
from taskanalysis.definition.encoding import parse
from taskanalysis.definition.model import ExecAction, Principal, Settings, TaskDefinition, TimeTrigger, Trigger
from taskanalysis.definition.reader import read_many, read_task
from taskanalysis.errors import TaskXmlError
from tests.build import CORPUS, FILES

DEFINITIONS = FILES / "definitions"
CLAIM = '<?xml version="1.0" encoding="UTF-16"?>\r\n'
START = datetime(2026, 1, 5, 6, 30)
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="the folder of real files is not here")


def minutes(number: int) -> Duration:
    return Duration(delta=timedelta(minutes=number))


def one(body: str) -> TaskDefinition:
    return read_task(f"<Task>{body}</Task>".encode())


def trigger(body: str, kind: str = "TimeTrigger") -> Trigger:
    (found,) = one(f"<Triggers><{kind}>{body}</{kind}></Triggers>").triggers
    return found


# Everything in a definition


def test_registration_info_principals_and_settings_are_read_whole() -> None:
    task = read_task(DEFINITIONS / "everything.xml")
    assert task == TaskDefinition(
        version="1.4",
        registration_info=model.RegistrationInfo(
            uri="\\OpenData\\Everything",
            author="TOWN\\mlopez",
            date=datetime(2025, 3, 4, 5, 6, 7, 123456),
            description='Line one & "two" — naïve\nline two',
            documentation="https://wiki.example.org/load",
            source="Open Data office",
            version="2.1",
            security_descriptor="D:(A;;FA;;;BA)(A;;FR;;;AU)",
        ),
        principals=(
            Principal(
                id="Author",
                user_id="TOWN\\opendata",
                logon_type="Password",
                run_level="HighestAvailable",
                display_name="Open Data service account",
                process_token_sid_type="Unrestricted",
                required_privileges=("SeBackupPrivilege", "SeRestorePrivilege"),
            ),
            Principal(id="Readers", group_id="S-1-5-32-545"),
        ),
        settings=Settings(
            enabled=False,
            hidden=True,
            execution_time_limit=Duration(),
            multiple_instances_policy="Queue",
            priority=4,
            restart_on_failure=model.RestartOnFailure(interval=minutes(5), count=3),
            start_when_available=True,
            allow_start_on_demand=False,
            allow_hard_terminate=False,
            delete_expired_task_after=Duration(delta=timedelta(days=30)),
            disallow_start_if_on_batteries=False,
            stop_if_going_on_batteries=False,
            disallow_start_on_remote_app_session=True,
            run_only_if_idle=True,
            idle_settings=model.IdleSettings(minutes(10), minutes(60), stop_on_idle_end=False, restart_on_idle=True),
            run_only_if_network_available=True,
            network_profile_name="Office",
            network_settings=model.NetworkSettings("Office LAN", "{11111111-2222-3333-4444-555555555555}"),
            maintenance_settings=model.MaintenanceSettings(Duration(1), Duration(1, timedelta(days=7)), exclusive=True),
            wake_to_run=True,
            use_unified_scheduling_engine=True,
            volatile=True,
        ),
        actions=(ExecAction(command="a.exe"),),
        context="Readers",
        data='<state run="7"/>',
    )
    assert task.principal.group_id == "S-1-5-32-545"
    assert task.uri == "\\OpenData\\Everything"


def test_every_trigger_type_is_read_with_all_that_it_may_have() -> None:
    base: dict[str, Any] = {
        "enabled": False,
        "start_boundary": START,
        "end_boundary": datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC),
        "execution_time_limit": minutes(120),
        "repetition": model.Repetition(minutes(15), minutes(480), stop_at_duration_end=True),
    }
    query = '<QueryList><Query Id="0"><Select Path="Security">*[System[EventID=4625]]</Select></Query></QueryList>'
    assert read_task(DEFINITIONS / "every-trigger.xml").triggers == (
        model.BootTrigger(id="tBootTrigger", delay=minutes(2), **base),
        model.RegistrationTrigger(id="tRegistrationTrigger", delay=minutes(3), **base),
        model.IdleTrigger(id="tIdleTrigger", **base),
        TimeTrigger(id="tTimeTrigger", random_delay=minutes(4), **base),
        model.EventTrigger(
            id="tEventTrigger",
            subscription=query,
            delay=minutes(5),
            period_of_occurrence=minutes(10),
            number_of_occurrences=3,
            matching_element="Event/EventData",
            value_queries=(("id", "Event/System/EventID"), ("who", "Event/EventData/Data")),
            **base,
        ),
        model.LogonTrigger(id="tLogonTrigger", user_id="TOWN\\mlopez", delay=minutes(6), **base),
        model.SessionStateChangeTrigger(
            id="tSessionStateChangeTrigger",
            state_change="SessionUnlock",
            user_id="TOWN\\mlopez",
            delay=minutes(7),
            **base,
        ),
        model.CalendarTrigger(id="tCalendarTrigger", schedule=model.ScheduleByDay(3), random_delay=minutes(8), **base),
        model.WnfStateChangeTrigger(
            id="tWnfStateChangeTrigger",
            state_name="7510BCA33E0B8441",
            data="0100",
            data_offset="4",
            delay=minutes(9),
            **base,
        ),
        model.UnknownTrigger(id="tCustomTrigger", name="CustomTrigger", **base),
    )


def test_every_schedule_is_read_with_windows_defaults() -> None:
    days = model.DayOfWeek
    triggers = read_task(DEFINITIONS / "every-schedule.xml").triggers
    assert [getattr(each, "schedule", getattr(each, "name", None)) for each in triggers] == [
        model.ScheduleByDay(days_interval=1),
        model.ScheduleByWeek((days.Monday, days.Wednesday, days.Friday), weeks_interval=2),
        model.ScheduleByWeek((days.Sunday,), weeks_interval=1),
        model.ScheduleByMonth((1, 15, model.LAST), (model.Month.March, model.Month.June)),
        model.ScheduleByMonth((31,), tuple(model.Month)),
        model.ScheduleByMonthDayOfWeek((days.Tuesday,), (2, model.LAST), (model.Month.December,)),
        model.ScheduleByMonthDayOfWeek((days.Tuesday,), (1, 2, 3, 4, model.LAST), tuple(model.Month)),
        "CalendarTrigger",  # no schedule at all
        "CalendarTrigger/ScheduleByYear",
    ]


def test_all_actions_are_read_in_order() -> None:
    task = read_task(DEFINITIONS / "every-action.xml")
    raw = task.actions[5]
    assert isinstance(raw, model.ComHandlerAction)
    assert task.context == "Author"
    assert task.actions == (
        model.ShowMessageAction(id="m", title="Done", body="All loaded"),
        ExecAction(
            id="one",
            command='"C:\\Program Files\\Python\\python.exe"',
            arguments='load.py --county "St. Mary\'s" > log.txt',
            working_directory="D:\\jobs",
            hide_app_window=True,
        ),
        model.ComHandlerAction(class_id="{AAAAAAAA-0000-1111-2222-BBBBBBBBBBBB}", data="a <b> & c"),
        ExecAction(command="robocopy.exe"),
        model.SendEmailAction(
            server="mail.example.org",
            subject="Loaded",
            to="data@example.org",
            cc="cc@example.org",
            bcc="bcc@example.org",
            reply_to="reply@example.org",
            from_="tasks@example.org",
            header_fields=(("X-Job", "load"), ("X-Empty", "")),
            body="See the log",
            attachments=("D:\\jobs\\log.txt", "D:\\jobs\\rows.csv"),
        ),
        replace(raw, class_id="{CCCCCCCC-0000-1111-2222-DDDDDDDDDDDD}"),
        model.UnknownAction(id="w", name="Wait"),
    )
    job = etree.fromstring(raw.data)
    assert (etree.QName(job).localname, job.get("n"), len(job)) == ("job", "1", 1)


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6", ""])
def test_each_version_is_read_alike(version: str) -> None:
    name = f"version-{version}.xml" if version else "no-version.xml"
    task = read_task(DEFINITIONS / name)
    assert task == TaskDefinition(
        version=version,
        triggers=(TimeTrigger(start_boundary=START),),
        actions=(ExecAction(command="robocopy.exe", arguments="a b"),),
    )


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("no-namespace.xml", "no-version.xml"),
        ("prefixed-namespace.xml", "no-version.xml"),
        ("no-declaration.xml", "version-1.2.xml"),
    ],
)
def test_namespace_may_be_absent_or_prefixed_and_declaration_absent(name: str, plain: str) -> None:
    assert read_task(DEFINITIONS / name) == read_task(str(DEFINITIONS / plain))


def test_an_element_of_another_namespace_counts_by_its_name() -> None:
    body = (
        "<Triggers><CalendarTrigger id='T'><ScheduleByWeek><DaysOfWeek><Monday/></DaysOfWeek></ScheduleByWeek>"
        "</CalendarTrigger></Triggers><Settings><Hidden>1</Hidden></Settings><Principals><Principal id='A'/>"
        "</Principals><Actions Context='A'><Exec><Command>a</Command></Exec></Actions>"
    )
    prefixed = body.replace("<", "<o:").replace("<o:/", "</o:")
    assert read_task(f"<Task xmlns:o='urn:other'>{prefixed}</Task>".encode()) == one(body)
    assert one(body).actions == (ExecAction(command="a"),)


def test_defaults_are_those_of_windows() -> None:
    task = read_task(DEFINITIONS / "only-a-root.xml")
    assert task == TaskDefinition(version="1.2")
    assert (task.uri, task.principal, task.triggers, task.actions) == ("", Principal(), (), ())
    switched_on = {field.name for field in fields(Settings) if getattr(task.settings, field.name) is True}
    allowed = {"enabled", "allow_start_on_demand", "allow_hard_terminate"}
    assert switched_on == allowed | {"disallow_start_if_on_batteries", "stop_if_going_on_batteries"}
    assert task.settings.idle_settings.stop_on_idle_end
    assert (task.settings.priority, task.settings.multiple_instances_policy) == (7, "IgnoreNew")
    assert task.settings.execution_time_limit is None
    assert task.principal.run_level == "LeastPrivilege"
    assert trigger("").enabled


def test_empty_elements_are_as_if_they_were_absent() -> None:
    assert read_task(DEFINITIONS / "empty-elements.xml") == TaskDefinition(
        version="1.2",
        principals=(Principal(id="Author"),),
        triggers=(TimeTrigger(),),
        settings=Settings(restart_on_failure=model.RestartOnFailure()),
        actions=(ExecAction(),),
    )


def test_order_of_elements_is_free() -> None:
    root = parse((DEFINITIONS / "every-trigger.xml").read_bytes())
    group = root.find("{*}Triggers")
    assert group is not None
    for parent in [root, *group]:
        parent[:] = list(reversed(parent))
    again = read_task(etree.tostring(root))
    assert again == read_task(DEFINITIONS / "every-trigger.xml")


# Values


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("1", True), ("false", False), ("0", False), (" true\n", True), ("True", True), ("FALSE", False)],
)
def test_booleans_are_words_or_digits(text: str, value: bool) -> None:
    assert one(f"<Settings><Hidden>{text}</Hidden></Settings>").settings.hidden is value


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-05T06:30:00", START),
        ("2026-01-05T06:30", START),
        ("2026-01-05T06:30:00.1234567", START.replace(microsecond=123456)),
        ("2026-01-05T06:30:00.5", START.replace(microsecond=500000)),
        ("2026-01-04T24:00:00", START.replace(hour=0, minute=0)),
        ("2026-01-05T06:30:00Z", START.replace(tzinfo=UTC)),
        ("2026-01-05T06:30:00.0000000Z", START.replace(tzinfo=UTC)),
        ("2026-01-05T06:30:00-05:00", START.replace(tzinfo=timezone(timedelta(hours=-5)))),
        ("2026-01-05T06:30:00+05:45", START.replace(tzinfo=timezone(timedelta(hours=5, minutes=45)))),
    ],
)
def test_offsets_stay_apart_from_local_time(text: str, moment: datetime) -> None:
    found = trigger(f"<StartBoundary>{text}</StartBoundary>").start_boundary
    assert found == moment
    assert found.utcoffset() == moment.utcoffset()


def test_repetition_without_duration_has_no_end() -> None:
    found = trigger("<Repetition><StopAtDurationEnd>false</StopAtDurationEnd><Interval>PT5M</Interval></Repetition>")
    assert found.repetition == model.Repetition(minutes(5), None, stop_at_duration_end=False)


def test_interval_of_restart_on_failure_is_no_repetition() -> None:
    restart = "<RestartOnFailure><Interval>PT1M</Interval></RestartOnFailure>"
    task = one(f"<Triggers><BootTrigger/></Triggers><Settings>{restart}</Settings>")
    assert task.triggers[0].repetition is None


@pytest.mark.parametrize("name", ["NumberOfOccurrences", "NumberOfOccurences"])
def test_count_of_events_is_read_in_both_spellings(name: str) -> None:
    assert trigger(f"<{name}>4</{name}>", "EventTrigger") == model.EventTrigger(number_of_occurrences=4)


@pytest.mark.parametrize("query", ["<QueryList><Query/></QueryList>", "<![CDATA[<QueryList><Query/></QueryList>]]>"])
def test_queries_may_be_written_as_raw_xml_or_cdata(query: str) -> None:
    found = trigger(f"<Subscription>{query}</Subscription>", "EventTrigger")
    assert found == model.EventTrigger(subscription="<QueryList><Query/></QueryList>")


def test_comments_inside_a_text_do_not_cut_it() -> None:
    (action,) = one("<Actions><Exec><Command>a<!-- x -->b<?y?>c</Command></Exec></Actions>").actions
    assert action == ExecAction(command="abc")


def test_two_schedules_in_one_trigger_are_kept_by_name_and_not_guessed() -> None:
    found = trigger("<ScheduleByDay/><ScheduleByWeek/><Enabled>0</Enabled>", "CalendarTrigger")
    assert found == model.UnknownTrigger(name="CalendarTrigger/ScheduleByDay/ScheduleByWeek", enabled=False)


def test_principal_to_run_as_is_the_one_that_actions_name_else_the_first() -> None:
    principals = "<Principals><Principal id='A'/><Principal id='B'/></Principals>"
    assert one(principals + "<Actions Context='B'/>").principal.id == "B"
    assert one(principals + "<Actions Context='C'/>").principal.id == "A"
    assert one(principals).principal.id == "A"


def test_equal_elements_are_read_once_while_they_are_few() -> None:
    read: list[str] = []
    read_once = reader._alike(lambda element: read.append(element.text) or element.text)
    for text in ["a", "b", "a", "b", "x" * 5000, "x" * 5000]:
        assert read_once(parse(f"<Settings><!-- {len(read)} -->{text}</Settings>".encode())) == text
    assert read == ["a", "b", "x" * 5000, "x" * 5000]
    for number in range(1200):
        assert read_once(parse(f"<Settings>{number}</Settings>".encode())) == str(number)
    assert read_once(parse(b"<Settings>1199</Settings>")) == "1199"
    assert len(read) == 4 + 1200 + 1


def test_settings_that_differ_only_in_place_or_namespace_of_an_element_stay_apart() -> None:
    inner = "<Duration>PT1H</Duration>"
    idle = model.IdleSettings(duration=minutes(60))
    assert one(f"<Settings><IdleSettings>{inner}</IdleSettings></Settings>").settings == Settings(idle_settings=idle)
    assert one(f"<Settings><IdleSettings/>{inner}</Settings>").settings == Settings()
    assert one("<Settings><Hidden>1</Hidden></Settings>").settings.hidden
    assert not one("<Settings><a><Hidden>1</Hidden></a></Settings>").settings.hidden


def test_equal_principals_keep_their_ids() -> None:
    for name in ("A", "B", "A"):
        (found,) = one(f"<Principals><Principal id='{name}'><UserId>u</UserId></Principal></Principals>").principals
        assert found == Principal(id=name, user_id="u")


@pytest.mark.parametrize(
    ("before", "element", "reason"),
    [
        ("", "Settings/Priority", "is not a whole number"),
        ("<Settings/>", "Settings[2]", "occurs twice"),
        ("<BootTrigger/>", "Settings/Priority", "is not a whole number"),
    ],
)
def test_same_error_is_reported_each_time_with_its_element(before: str, element: str, reason: str) -> None:
    with pytest.raises(TaskXmlError) as caught:
        one(f"{before}<Settings><Priority>high</Priority></Settings>")
    assert (caught.value.element, caught.value.reason) == (element, reason)


def test_forty_eight_triggers_stay_forty_eight() -> None:
    body = "".join(f"<TimeTrigger id='t{number}'/>" for number in range(48))
    assert [each.id for each in one(f"<Triggers>{body}</Triggers>").triggers] == [f"t{number}" for number in range(48)]


def test_error_names_file_element_and_text(tmp_path: Path) -> None:
    file = tmp_path / "Load.xml"
    file.write_text(
        "<Task><Triggers><BootTrigger/><BootTrigger><Delay>soon</Delay></BootTrigger></Triggers></Task>",
        encoding="utf-8",
    )
    with pytest.raises(TaskXmlError) as caught:
        read_task(file)
    error = caught.value
    assert (error.file, error.element, error.text) == ("Load.xml", "Triggers/BootTrigger[2]/Delay", "soon")
    assert str(error) == "Load.xml: Triggers/BootTrigger[2]/Delay 'soon' is not a duration such as PT15M"


def test_a_file_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_task(tmp_path / "none.xml")


@pytest.mark.parametrize("file", sorted(DEFINITIONS.iterdir()), ids=lambda file: file.stem)
def test_what_is_read_is_what_the_constructors_make_and_frozen(file: Path) -> None:
    def rebuilt(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(rebuilt, value))
        if not is_dataclass(value):
            return value
        with pytest.raises(FrozenInstanceError):
            setattr(value, fields(value)[0].name, None)
        with pytest.raises(FrozenInstanceError):
            delattr(value, fields(value)[0].name)
        kind = type(value)
        assert kind is getattr(sys.modules[kind.__module__], kind.__name__)
        return kind(**{each.name: rebuilt(getattr(value, each.name)) for each in fields(value)})

    task = read_task(file)
    again = rebuilt(task)
    assert (again, hash(again), repr(again)) == (task, hash(task), repr(task))
    assert pickle.loads(pickle.dumps(task)) == task


# Many in one text


def test_one_bad_task_among_many_is_one_error() -> None:
    good = "<Task><RegistrationInfo><URI>\\C</URI></RegistrationInfo></Task>"
    bad = "<Task><Settings><Hidden>x</Hidden></Settings></Task>"
    found = list(read_many(f"<Tasks><!-- \\A --><Task/><!-- \\B -->{bad}{good}<Task/></Tasks>".encode("utf-16")))
    assert [path for path, _ in found] == ["\\A", "\\B", "\\C", ""]
    assert [type(each) for _, each in found] == [TaskDefinition, TaskXmlError, TaskDefinition, TaskDefinition]


# The schema as a whole


def test_every_field_of_every_dataclass_can_be_filled_from_xml() -> None:
    """A field that a test file does not fill is a field that nobody has seen filled."""

    def filled(value: Any) -> Iterator[str]:
        if isinstance(value, tuple):
            for each in value:
                yield from filled(each)
        elif is_dataclass(value):
            for field in fields(value):
                inner = getattr(value, field.name)
                if inner != field.default:
                    yield f"{type(value).__name__}.{field.name}"
                yield from filled(inner)

    kinds = [kind for kind in vars(model).values() if is_dataclass(kind)]
    apart = {Duration, Trigger, model.Action}
    every = {f"{kind.__name__}.{field.name}" for kind in kinds if kind not in apart for field in fields(kind)}
    seen = {name for file in DEFINITIONS.iterdir() for name in filled(read_task(file))}
    assert every - seen == {"ComHandlerAction.id", "SendEmailAction.id"}


# Files that are measured


@pytest.mark.parametrize("apart", [False, True])
def test_files_of_the_benchmark_differ_and_are_read_as_windows_exports_them(apart: bool, tmp_path: Path) -> None:
    write_files(tmp_path, 120, settings_apart=apart)
    files = sorted(tmp_path.rglob("*.xml"))
    contents = {file.read_bytes() for file in files}
    tasks = [read_task(file) for file in files]
    assert len(contents) == len(set(tasks)) == len({task.uri for task in tasks}) == 120
    assert all(data.startswith(codecs.BOM_UTF16_LE + CLAIM.encode("utf-16-le")) for data in contents)
    assert (len({(task.settings, task.principals) for task in tasks}) == 120) is apart
    assert len({type(each) for task in tasks for each in task.triggers}) > 4


# Real files


NAMES = """Principal ScheduleByDay ScheduleByWeek ScheduleByMonth ScheduleByMonthDayOfWeek RegistrationInfo Settings
    Repetition IdleSettings RestartOnFailure MaintenanceSettings NetworkSettings"""
KINDS: dict[str, Any] = {"Task": TaskDefinition} | {name: getattr(model, name) for name in NAMES.split()}
KINDS |= reader._TRIGGERS | reader._ACTIONS
KNOWN = {name: reader._fields(kind) for name, kind in KINDS.items()}
KNOWN |= {"Triggers": reader._TRIGGERS, "Actions": reader._ACTIONS, "Principals": reader._ByTag({"Principal": True})}


def dropped(root: etree._Element) -> set[str]:
    """Elements and attributes that the readers of the dataclasses would pass over."""
    lost = set()
    for element in root.iter("{*}*"):
        name = reader._local(element)
        if name in KNOWN:
            lost |= {f"{name}/{reader._local(child)}" for child in element if not KNOWN[name][child.tag]}
        if name in KINDS:
            allowed = "version" if name == "Task" else "id" if reader._has_id(KINDS[name]) else ""
            lost |= {f"{name}@{attribute}" for attribute in element.attrib if attribute != allowed}
    return lost


def test_the_search_for_dropped_elements_finds_them() -> None:
    parts = "<Settings><New/></Settings><Triggers><New/><BootTrigger><New/></BootTrigger></Triggers>"
    body = f"<Task a=''><New/>{parts}</Task>"
    assert dropped(parse(body.encode())) == {"Task@a", "Task/New", "Settings/New", "Triggers/New", "BootTrigger/New"}


@needs_corpus
def test_of_275_real_files_one_is_unreadable_and_no_element_of_the_rest_is_dropped() -> None:
    unread, lost = [], set()
    files = sorted((CORPUS / "xml").iterdir())
    for file in files:
        try:
            assert read_task(file) == read_task(file.read_bytes())
        except TaskXmlError as error:
            unread.append(str(error))
        else:
            lost |= dropped(parse(file.read_bytes()))
    assert (len(files), lost) == (275, set())
    assert len(unread) == 1
    assert "Double hyphen within comment" in unread[0]


@needs_corpus
def test_definitions_out_of_real_security_events_are_read() -> None:
    files = sorted((CORPUS / "xml_from_evtx").iterdir())
    assert files
    assert all(read_task(file).actions for file in files)


@needs_corpus
def test_real_group_policy_files_are_named_as_such() -> None:
    files = sorted((CORPUS / "gpp").iterdir())
    assert files
    for file in files:
        with pytest.raises(TaskXmlError, match="is Group Policy's list of tasks"):
            read_task(file)
