"""The scheduler: one suite for the fake and, on Windows, the real service; and COM through a double."""

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from taskanalysis.definition.reader import read_task
from taskanalysis.errors import TaskAnalysisError
from taskanalysis.schedule import known_zone
from taskanalysis.snapshot.status import STATES, Status
from taskanalysis.windows import machine, scheduler
from taskanalysis.windows.scheduler import ComScheduler, Scheduler, SchedulerError, connect
from tests.doubles.com import PROPERTIES, ComError, Folder, Service, task
from tests.doubles.scheduler import FakeScheduler, task_xml
from tests.doubles.task_folder import FOLDER, STAND_INS, WINDOWS, server

ROOT, TEST = "\\", FOLDER
LOAD = f"{TEST}\\Load"


def code_of(error: pytest.ExceptionInfo[SchedulerError]) -> str:
    return f"0x{error.value.code:08X}"


# The same for the fake and for Windows --------------------------------------------------------------------------------


@pytest.fixture(params=[STAND_INS[0], WINDOWS])
def any_scheduler(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    """A scheduler with an empty test folder."""
    with server(request.param) as found:
        found.scheduler.create_folder(TEST)
        yield found.scheduler


def test_registered_task_is_listed_and_reads_back_the_same(any_scheduler: Scheduler) -> None:
    xml = task_xml("ä\U0001f5c4.exe")
    any_scheduler.register(LOAD, xml)
    assert TEST in any_scheduler.folders(ROOT)
    assert any_scheduler.tasks(TEST) == [LOAD]
    found, sent = (read_task(text.encode("utf-16")) for text in (any_scheduler.xml(LOAD), xml))
    assert (found.actions, found.triggers, found.principals) == (sent.actions, sent.triggers, sent.principals)
    assert any_scheduler.status(LOAD) == (Status(LOAD, "Ready", True, "never", 267011, "never", 0), {})
    assert any_scheduler.sddl(LOAD).startswith("O:")


def test_hidden_task_is_listed_too(any_scheduler: Scheduler) -> None:
    hidden = task_xml().replace("<Enabled>true</Enabled>", "<Enabled>true</Enabled><Hidden>true</Hidden>")
    any_scheduler.register(LOAD, hidden)
    assert any_scheduler.tasks(TEST) == [LOAD]


def test_folder_is_created_with_those_above_it_and_again_without_harm(any_scheduler: Scheduler) -> None:
    for _ in range(2):
        any_scheduler.create_folder(f"{TEST}\\Below")
    assert any_scheduler.folders(TEST) == [f"{TEST}\\Below"]
    assert any_scheduler.tasks(TEST) == []


def test_task_is_replaced_only_on_request(any_scheduler: Scheduler) -> None:
    any_scheduler.register(LOAD, task_xml("one.exe"))
    with pytest.raises(SchedulerError) as error:
        any_scheduler.register(LOAD, task_xml("two.exe"))
    assert code_of(error) == "0x800700B7"
    assert "one.exe" in any_scheduler.xml(LOAD)
    any_scheduler.register(LOAD, task_xml("two.exe"), replace=True)
    assert "two.exe" in any_scheduler.xml(LOAD)


@pytest.mark.parametrize("ask", ["status", "xml", "sddl"])
def test_task_that_does_not_exist_has_vanished(any_scheduler: Scheduler, ask: str) -> None:
    with pytest.raises(SchedulerError) as error:
        getattr(any_scheduler, ask)(LOAD)
    assert error.value.vanished
    assert not error.value.lost


@pytest.mark.parametrize(
    ("path", "xml", "code"),
    [
        (LOAD, "<Task", "0x8004131A"),
        (LOAD, task_xml().replace("UTF-16", "UTF-8"), "0x8004131A"),
        (LOAD, task_xml().replace("windows/2004/02/mit", "nothing"), "0x80041317"),
        (LOAD, task_xml(version="9.9"), "0x80041318"),
        (LOAD, task_xml().replace("<Enabled>true", "<Enabled>perhaps"), "0x80041318"),
        (f"{TEST}\\a:b", task_xml(), "0x8007007B"),
        (f"{TEST}\\ Load", task_xml(), "0x8007007B"),
        (f"{TEST}\\.", task_xml(), "0x8007007B"),
        (LOAD, task_xml(principal="<UserId>NOSUCH\\nobody</UserId>"), "0x80070534"),
    ],
)
def test_what_windows_refuses_is_refused_with_its_code(
    any_scheduler: Scheduler, path: str, xml: str, code: str
) -> None:
    with pytest.raises(SchedulerError) as error:
        any_scheduler.register(path, xml)
    assert code_of(error) == code
    assert any_scheduler.tasks(TEST) == []


def test_validation_registers_nothing(any_scheduler: Scheduler) -> None:
    any_scheduler.validate(LOAD, task_xml())
    with pytest.raises(SchedulerError):
        any_scheduler.validate(LOAD, "<Task")
    assert any_scheduler.tasks(TEST) == []


@pytest.mark.windows
@pytest.mark.skipif(sys.platform != "win32", reason="needs Task Scheduler itself")
def test_real_service_is_collected_whole(tmp_path: Path) -> None:
    from taskanalysis.snapshot.snapshot import read_snapshot  # noqa: PLC0415
    from taskanalysis.windows.collect import collect  # noqa: PLC0415

    done = collect(connect(), tmp_path, server=machine.server_name(), now=datetime.now(UTC), folders=["\\"])
    snapshot = read_snapshot(tmp_path)
    assert snapshot.problems == []
    assert len(snapshot.statuses) == done.tasks > 50
    assert len(snapshot.tasks) == done.definitions


# The fake alone -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"logon_type": "Password"}, "0x8007000E"),
        ({"logon_type": "Password", "password": "wrong"}, "0x8007052E"),
        ({"logon_type": "Password", "password": "right"}, ""),
        ({"logon_type": "S4U"}, ""),
        ({"account": "TOWN\\gone"}, "0x80070534"),
        ({"account": "TOWN\\svc-etl$", "logon_type": "Password"}, ""),
        ({"account": "SYSTEM", "password": "x", "logon_type": "ServiceAccount"}, "0x80070057"),
        ({"sddl": "nonsense"}, "0x8007053A"),
        ({"path": r"\Nowhere\Load"}, "0x80070003"),
    ],
)
def test_fake_asks_for_what_an_account_needs(given: dict[str, Any], code: str) -> None:
    fake = FakeScheduler(accounts={"TOWN\\etl": "right", "TOWN\\svc-etl$": ""})
    try:
        fake.register(**{"path": "\\Load", "xml": task_xml(), "account": "TOWN\\etl", **given})
        found = ""
    except SchedulerError as error:
        found = f"0x{error.code:08X}"
    assert found == code
    assert ("\\Load" in fake.store) == (not code)


def test_fake_starts_a_registration_trigger_that_nobody_forbids() -> None:
    fake = FakeScheduler()
    fake.register("\\Load", task_xml(triggers="<RegistrationTrigger/>"), fires=True)
    assert fake.started == ["\\Load"]


# COM, through a double ------------------------------------------------------------------------------------------------


def status_of(**known: Any) -> tuple[Status, dict[str, SchedulerError]]:
    """The status of a task with these properties, and what was refused."""
    asked = type("Task", (), {"Path": "\\T", **PROPERTIES, **known})()
    return ComScheduler(Service(Folder(ROOT, plain=[asked])), "America/New_York").status("\\T")


def test_hidden_tasks_and_all_folders_are_seen() -> None:
    below = Folder("\\OpenData", plain=[task("\\OpenData\\Load")], hidden=[task("\\OpenData\\Secret")])
    com = ComScheduler(Service(Folder("\\", below=[below])), "UTC")
    assert com.folders("\\") == ["\\OpenData"]
    assert com.tasks("\\OpenData") == ["\\OpenData\\Load", "\\OpenData\\Secret"]


def test_task_that_can_not_be_loaded_is_an_error_in_its_place() -> None:
    broken = ComError(0x80020009, scode=0x80041321, said="its hash")
    com = ComScheduler(Service(Folder("\\", plain=[task("\\A"), broken, task("\\B")])), "UTC")
    first, error, last = com.tasks("\\")
    assert (first, last) == ("\\A", "\\B")
    assert isinstance(error, SchedulerError)
    assert (error.code, error.what) == (0x80041321, "task 2 of 3 in \\")
    assert str(error).endswith("(0x80041321): its hash")


def test_lost_connection_ends_the_list() -> None:
    com = ComScheduler(Service(Folder("\\", plain=[task("\\A"), ComError(0x800706BA)])), "UTC")
    with pytest.raises(SchedulerError, match="the server does not answer") as error:
        com.tasks("\\")
    assert error.value.lost


def test_listed_task_is_not_looked_up_again() -> None:
    root = Folder("\\", plain=[task("\\T", Xml="<Task/>", **PROPERTIES)])
    com = ComScheduler(Service(root), "UTC")
    com.tasks("\\")
    assert (com.xml("\\T"), com.status("\\T")[0].missed_runs) == ("<Task/>", 2)
    assert root.said == []


@pytest.mark.parametrize(
    ("known", "field", "value"),
    [
        *((("State", number), "state", name) for number, name in enumerate(STATES)),
        (("State", 5), "state", "Unknown"),
        (("State", -1), "state", "Unknown"),
        (("LastTaskResult", 0), "last_result", 0),
        (("LastTaskResult", 267011), "last_result", 267011),
        (("LastTaskResult", -2147024891), "last_result", 0x80070005),  # COM's LONG has a sign
        (("LastTaskResult", -1), "last_result", 2**32 - 1),
    ],
)
def test_states_have_their_names_and_results_no_sign(known: tuple[str, int], field: str, value: object) -> None:
    assert getattr(status_of(**dict([known]))[0], field) == value


@pytest.mark.parametrize(
    ("date", "moment"),
    [
        (datetime(1899, 12, 30, tzinfo=UTC), "never"),
        (datetime(1999, 11, 30, tzinfo=UTC), "never"),
        (datetime(2026, 11, 23, 5, 10, 2, tzinfo=UTC), "2026-11-23T05:10:02-05:00"),  # pywin32 says UTC: it is not
        (datetime(2026, 7, 1, 5, 10, 2), "2026-07-01T05:10:02-04:00"),
        (datetime(2026, 11, 23, 5, 10, 1, 999_998), "2026-11-23T05:10:02-05:00"),  # a day's fraction, rounded down
        (datetime(2026, 11, 23, 5, 10, 2, 3), "2026-11-23T05:10:02-05:00"),
        (datetime(2026, 11, 1, 1, 30), "2026-11-01T01:30:00-04:00"),  # twice in autumn: the first
        (datetime(2026, 3, 8, 2, 30), "2026-03-08T02:30:00-05:00"),  # not there in spring
    ],
)
def test_dates_are_wall_clock_times_of_the_server(date: datetime, moment: str) -> None:
    status, refused = status_of(LastRunTime=date, NextRunTime=date)
    for value in (status.last_run, status.next_run):
        assert (value if isinstance(value, str) or value is None else value.isoformat()) == moment
    assert refused == {}


def refusing(error: Exception) -> property:
    """A property that raises when it is read."""
    return property(Mock(side_effect=error))


def test_refused_properties_are_named_and_the_others_are_kept() -> None:
    denied, wild = refusing(ComError(0x80070005)), refusing(ValueError("year 65535 is out of range"))
    status, refused = status_of(State=denied, LastRunTime=wild, NextRunTime=datetime(9999, 12, 31))
    assert status == Status("\\T", enabled=True, last_result=0, missed_runs=2)
    assert {field: error.reason for field, error in refused.items()} == {
        "state": "access is denied (0x80070005)",
        "last_run": "a date is out of range (0x8002000A)",
        "next_run": "a date is out of range (0x8002000A)",
    }


def test_method_in_place_of_a_property_is_a_refusal() -> None:
    """What pywin32 returns for a property that fails with E_INVALIDARG."""

    def method() -> None:
        raise AssertionError

    status, refused = status_of(Enabled=staticmethod(method), State=staticmethod(method))
    assert (status.enabled, status.state) == (None, None)
    assert {error.code for error in refused.values()} == {0x80070057}
    com = ComScheduler(Service(Folder(ROOT, plain=[task("\\T", Xml=method)])), "UTC")
    with pytest.raises(SchedulerError, match=r"^\\T: Windows does not accept this combination \(0x80070057\): Xml$"):
        com.xml("\\T")


@pytest.mark.parametrize("text", ["", "None", "\0\0"])
def test_definition_that_is_no_xml_is_a_refusal(text: str) -> None:
    com = ComScheduler(Service(Folder(ROOT, plain=[task("\\T", Xml=text)])), "UTC")
    with pytest.raises(SchedulerError, match="Xml is "):
        com.xml("\\T")


@pytest.mark.parametrize(("code", "attribute"), [(0x800706BA, "lost"), (0x80070002, "vanished")])
def test_status_of_a_task_out_of_reach_is_an_error(code: int, attribute: str) -> None:
    with pytest.raises(SchedulerError) as error:
        status_of(LastRunTime=refusing(ComError(code)))
    assert getattr(error.value, attribute)


def test_access_list_is_asked_with_owner_and_group() -> None:
    known = task("\\T", GetSecurityDescriptor={7: "O:BA"}.__getitem__)
    assert ComScheduler(Service(Folder("\\", plain=[known])), "UTC").sddl("\\T") == "O:BA"


def test_registration_says_all_in_flags() -> None:
    root = Folder("\\", below=[Folder("\\OpenData")])
    com = ComScheduler(Service(root), "UTC")
    com.register("\\OpenData\\Load", "<x/>")
    com.register(
        "\\OpenData\\Load",
        "<x/>",
        account="TOWN\\etl",
        password="S3cret",
        logon_type="Password",
        sddl="D:",
        replace=True,
    )
    assert root.below[0].said == [
        ("RegisterTask", "Load", "<x/>", 2 | 32, None, None, 0),
        ("RegisterTask", "Load", "<x/>", 2 | 4 | 16 | 32, "TOWN\\etl", "S3cret", 1, "D:"),
    ]


@pytest.mark.parametrize("logon", ["S4U", "Group", "ServiceAccount"])
@pytest.mark.parametrize("code", [0x80070057, 0x80070534, 0x8007000E])
def test_logon_type_that_is_refused_without_an_account_is_left_to_the_definition_once(logon: str, code: int) -> None:
    number = scheduler.LOGON_TYPES[logon]
    root = Folder("\\", refuses={number: ComError(0x80020009, scode=code)})
    com = ComScheduler(Service(root), "UTC")
    com.register("\\Load", "<x/>", logon_type=logon, sddl="D:")
    assert [(words[1], words[4:]) for words in root.said] == [
        ("Load", (None, None, number, "D:")),
        ("Load", (None, None, 0, "D:")),
    ]
    root.refuses[0] = ComError(0x80020009, scode=0x8004131A)
    with pytest.raises(SchedulerError) as error:
        com.register("\\Load", "<x/>", logon_type=logon)
    assert (code_of(error), len(root.said)) == ("0x8004131A", 4)


@pytest.mark.parametrize(
    ("logon", "code", "account"),
    [
        ("S4U", 0x80070005, ""),
        ("S4U", 0x80070057, "TOWN\\etl"),
        ("Password", 0x80070057, ""),
        ("InteractiveToken", 0x8007000E, ""),
    ],
)
def test_other_refusals_are_not_tried_again(logon: str, code: int, account: str) -> None:
    root = Folder("\\", refuses={scheduler.LOGON_TYPES[logon]: ComError(0x80020009, scode=code)})
    with pytest.raises(SchedulerError):
        ComScheduler(Service(root), "UTC").register("\\Load", "<x/>", logon_type=logon, account=account)
    assert len(root.said) == 1


def test_dot_in_an_account_becomes_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.node", lambda: "opendata01.town.example")
    root, look = Folder("\\"), Mock()
    monkeypatch.setitem(sys.modules, "win32security", SimpleNamespace(LookupAccountName=look, error=NoSuch))
    for other, name in (("", "OPENDATA01\\anna"), ("other.town.example", "OTHER\\anna")):
        com = ComScheduler(Service(root), "UTC", other)
        com.register("\\Load", "<x/>", account=".\\anna", password="x", logon_type="Password")
        assert com.account_exists(".\\anna")
        assert root.said[-1][4] == name
        look.assert_called_with(other or None, name)


def test_password_is_in_no_error() -> None:
    com = ComScheduler(Service(Folder("\\", fails=ComError(0x80020009, scode=0x8007052E))), "UTC")
    with pytest.raises(SchedulerError) as error:
        com.register("\\Load", "<x/>", account="TOWN\\etl", password="S3cret", logon_type="Password")
    assert "S3cret" not in f"{error.value} {error.value!r}"
    assert "password is wrong" in str(error.value)


def test_validation_and_folders_call_their_methods() -> None:
    root = Folder("\\")
    com = ComScheduler(Service(root), "UTC")
    com.validate("\\OpenData\\Load", "<x/>")
    com.create_folder("\\OpenData\\Permits")
    assert root.said == [
        ("RegisterTask", "taskanalysis-validated", "<x/>", 1, None, None, 0),  # it may have no such folder
        ("CreateFolder", "OpenData\\Permits"),
    ]


@pytest.mark.parametrize(("code", "raised"), [(0x800700B7, False), (0x80070005, True)])
def test_folder_that_is_there_is_no_error(code: int, raised: bool) -> None:
    com = ComScheduler(Service(Folder("\\", fails=ComError(0x80020009, scode=code))), "UTC")
    with pytest.raises(SchedulerError) if raised else nullcontext():
        com.create_folder("\\OpenData")


def test_python_errors_are_not_reported_as_scheduler_errors() -> None:
    com = ComScheduler(Service(Folder("\\", plain=[task("\\T")])), "UTC")
    with pytest.raises(AttributeError):
        com.xml("\\T")


def test_another_server_is_not_asked_for_what_only_this_machine_knows() -> None:
    com = ComScheduler(Service(Folder(ROOT)), "Europe/Paris", "OTHER")
    assert (com.is_elevated(), com.windows_version(), com.path_exists("C:\\x.exe")) == (None, "", None)
    assert com.zone() == "Europe/Paris"
    assert com.environment("SYSTEM") == {}
    for ask in (lambda: com.file(__file__), lambda: com.tail(__file__, 1), lambda: com.newest_file(__file__)):
        with pytest.raises(OSError, match="another machine"):
            ask()


# Connecting -----------------------------------------------------------------------------------------------------------


def test_elsewhere_than_on_windows_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler.sys, "platform", "linux")
    with pytest.raises(TaskAnalysisError, match="only on Windows"):
        connect()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, ()),
        ({"server": "OTHER", "zone": "UTC"}, ("OTHER", None, None, None)),
        ({"server": "OTHER", "user": "TOWN\\a", "password": "p", "zone": "UTC"}, ("OTHER", "a", "TOWN", "p")),
        ({"server": "OTHER", "user": "a@town.us", "password": "p", "zone": "UTC"}, ("OTHER", "a@town.us", None, "p")),
    ],
)
def test_service_is_connected_as_asked(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], words: tuple[str | None, ...]
) -> None:
    service = Service(Folder("\\"))
    client = SimpleNamespace(Dispatch={"Schedule.Service": service}.__getitem__)
    monkeypatch.setattr(scheduler.sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "win32com.client", client)
    monkeypatch.setitem(sys.modules, "tzlocal", SimpleNamespace(get_localzone_name=lambda: "America/Chicago"))
    assert connect(**given).zone() == given.get("zone", "America/Chicago")
    assert service.connected == [words]


def test_service_that_is_not_registered_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    client = SimpleNamespace(Dispatch=Mock(side_effect=ComError(0x80040154)))
    monkeypatch.setattr(scheduler.sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "win32com.client", client)
    with pytest.raises(SchedulerError, match="0x80040154"):
        connect(zone="UTC")


def test_missing_pywin32_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler.sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "win32com.client", None)
    with pytest.raises(TaskAnalysisError, match="pip install pywin32"):
        connect(zone="UTC")


# This machine ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [None, LookupError("no such zone")])
def test_unknown_zone_of_this_machine_is_asked_for(monkeypatch: pytest.MonkeyPatch, answer: Exception | None) -> None:
    zone = Mock(side_effect=[answer])
    monkeypatch.setitem(sys.modules, "tzlocal", SimpleNamespace(get_localzone_name=zone))
    with pytest.raises(TaskAnalysisError, match="--zone"):
        machine.local_zone()


def test_zone_of_this_machine_is_known() -> None:
    assert known_zone(machine.local_zone())


class NoSuch(Exception):  # noqa: N818
    winerror = 1332


class Silent(NoSuch):
    winerror = 1355  # the domain does not answer


@pytest.mark.parametrize(("raised", "known"), [(None, True), (NoSuch, False), (Silent, None)])
@pytest.mark.parametrize("account", ["TOWN\\etl", "S-1-5-21-1-2-3-1001"])
def test_account_is_known_unknown_or_undecided(
    monkeypatch: pytest.MonkeyPatch, account: str, raised: type[Exception] | None, known: bool | None
) -> None:
    look = Mock(side_effect=raised)
    double = SimpleNamespace(
        LookupAccountName=look, LookupAccountSid=look, ConvertStringSidToSid=lambda sid: ("sid", sid), error=NoSuch
    )
    monkeypatch.setitem(sys.modules, "win32security", double)
    assert ComScheduler(Service(Folder(ROOT)), "UTC").account_exists(account) is known
    look.assert_called_once_with(None, ("sid", account) if account.startswith("S-1") else account)


@pytest.mark.parametrize(
    ("domain", "user", "name"), [("TOWN", "anna", r"TOWN\anna"), ("", "anna", "anna"), ("TOWN", KeyError(), "TOWN")]
)
def test_current_user_is_named_as_far_as_known(
    monkeypatch: pytest.MonkeyPatch, domain: str, user: str | KeyError, name: str
) -> None:
    monkeypatch.setenv("USERDOMAIN", domain)
    monkeypatch.setattr("getpass.getuser", Mock(side_effect=[user]))
    assert machine.user_name() == name


def test_administrators_are_elevated(monkeypatch: pytest.MonkeyPatch) -> None:
    shell32 = SimpleNamespace(IsUserAnAdmin=lambda: 1)
    monkeypatch.setitem(sys.modules, "ctypes", SimpleNamespace(windll=SimpleNamespace(shell32=shell32)))
    assert ComScheduler(Service(Folder(ROOT)), "UTC").is_elevated() is True


def test_path_is_searched_with_its_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "load.exe").write_bytes(b"")
    monkeypatch.setenv("JOBS", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))  # ours, which says nothing of the account that a task runs as
    monkeypatch.delenv("NOT_SET", raising=False)
    answers = {"%jobs%/load.exe": True, '"%JOBS%/load.exe"': True, "%JOBS%/other.exe": False, "%NOT_SET%/x": None}
    answers |= {"%USERPROFILE%/x": None, "": None, "no such program": False}
    assert {path: machine.path_exists(path) for path in answers} == answers


def test_error_is_one_sentence_with_its_code() -> None:
    error = SchedulerError("\\Load", -2147024891, "line\none")
    assert str(error) == "\\Load: access is denied (0x80070005): line one"
