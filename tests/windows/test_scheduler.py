"""The door to Windows: one suite for the fake and, on Windows, the real service; and COM through a double."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from taskanalysis.definition.reader import read_task
from taskanalysis.errors import TaskAnalysisError
from taskanalysis.schedule import known_zone
from taskanalysis.windows import machine, scheduler
from taskanalysis.windows.scheduler import ComScheduler, Scheduler, SchedulerError, connect
from tests.doubles.scheduler import FakeScheduler, filled, task_xml

ROOT, TEST = "\\", "\\taskanalysis test"
LOAD = f"{TEST}\\Load"
on_windows = [pytest.mark.windows, pytest.mark.skipif(sys.platform != "win32", reason="needs Task Scheduler itself")]


def code_of(error: pytest.ExceptionInfo[SchedulerError]) -> str:
    return f"0x{error.value.code:08X}"


# The same for the fake and for Windows --------------------------------------------------------------------------------


@pytest.fixture(params=["fake", pytest.param("windows", marks=on_windows)])
def any_scheduler(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    """A scheduler with an empty test folder; of a real one the folder is removed afterwards."""
    if request.param == "fake":
        fake = FakeScheduler()
        fake.create_folder(TEST)
        yield fake
        return
    real = connect()
    real.create_folder(TEST)
    yield real
    for folder in (f"{TEST}\\Below", TEST):
        for path in real.tasks(folder) if folder in (TEST, *real.folders(TEST)) else []:
            assert isinstance(path, str)
            real.delete(path)
    for folder in real.folders(TEST):
        real._service.GetFolder(ROOT).DeleteFolder(folder.strip("\\"), 0)
    real._service.GetFolder(ROOT).DeleteFolder(TEST.strip("\\"), 0)


def test_registered_task_is_listed_and_reads_back_the_same(any_scheduler: Scheduler) -> None:
    any_scheduler.register(LOAD, task_xml("load.exe"))
    assert TEST in any_scheduler.folders(ROOT)
    assert any_scheduler.tasks(TEST) == [LOAD]
    found, sent = read_task(any_scheduler.xml(LOAD).encode("utf-16")), read_task(task_xml("load.exe").encode("utf-16"))
    assert (found.actions, found.triggers, found.principals) == (sent.actions, sent.triggers, sent.principals)
    assert (any_scheduler.state(LOAD), any_scheduler.enabled(LOAD)) == ("Ready", True)
    assert (any_scheduler.last_run(LOAD), any_scheduler.next_run(LOAD)) == ("never", "never")
    assert any_scheduler.last_result(LOAD) == 267011
    assert any_scheduler.missed_runs(LOAD) == 0
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


def test_task_is_replaced_only_when_told_so(any_scheduler: Scheduler) -> None:
    any_scheduler.register(LOAD, task_xml("one.exe"))
    with pytest.raises(SchedulerError) as error:
        any_scheduler.register(LOAD, task_xml("two.exe"))
    assert code_of(error) == "0x800700B7"
    assert "one.exe" in any_scheduler.xml(LOAD)
    any_scheduler.register(LOAD, task_xml("two.exe"), replace=True)
    assert "two.exe" in any_scheduler.xml(LOAD)


def test_task_registered_switched_off_is_off(any_scheduler: Scheduler) -> None:
    any_scheduler.register(LOAD, task_xml(), disabled=True)
    assert (any_scheduler.state(LOAD), any_scheduler.enabled(LOAD)) == ("Disabled", False)


def test_registration_trigger_does_not_start_the_task(any_scheduler: Scheduler) -> None:
    any_scheduler.register(LOAD, task_xml(triggers="<RegistrationTrigger/>"))
    assert any_scheduler.last_run(LOAD) == "never"
    assert getattr(any_scheduler, "started", []) == []


def test_access_list_is_put_on_the_task(any_scheduler: Scheduler) -> None:
    any_scheduler.register(LOAD, task_xml(), sddl="D:(A;;FA;;;BA)(A;;FA;;;SY)(A;;FR;;;AU)")
    assert "(A;;FR;;;AU)" in any_scheduler.sddl(LOAD)


def test_deleted_task_has_vanished(any_scheduler: Scheduler) -> None:
    any_scheduler.register(LOAD, task_xml())
    any_scheduler.delete(LOAD)
    assert any_scheduler.tasks(TEST) == []
    with pytest.raises(SchedulerError) as error:
        any_scheduler.state(LOAD)
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
        (f"{TEST}\\..", task_xml(), "0x8007007B"),
        (LOAD, task_xml(principal="<UserId>NOSUCH\\nobody</UserId>"), "0x80070534"),
    ],
)
def test_what_windows_refuses_is_refused_with_its_code(
    any_scheduler: Scheduler, path: str, xml: str, code: str
) -> None:
    if isinstance(any_scheduler, FakeScheduler):
        any_scheduler.accounts = {"TOWN\\etl": "right"}
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
    ],
)
def test_fake_asks_for_what_an_account_needs(given: dict[str, Any], code: str) -> None:
    fake = FakeScheduler(accounts={"TOWN\\etl": "right", "TOWN\\svc-etl$": ""})
    try:
        fake.register("\\Load", task_xml(), **{"account": "TOWN\\etl", **given})
        found = ""
    except SchedulerError as error:
        found = f"0x{error.code:08X}"
    assert found == code
    assert ("\\Load" in fake.store) == (not code)


def test_fake_refuses_a_missing_folder_and_what_takes_rights() -> None:
    fake = FakeScheduler()
    with pytest.raises(SchedulerError, match="its folder is not there"):
        fake.register("\\Nowhere\\Load", task_xml())
    fake.elevated = False
    for xml in (task_xml(), task_xml(principal="<UserId>x</UserId>", triggers="<BootTrigger/>")):
        with pytest.raises(SchedulerError, match="access is denied"):
            fake.register("\\Load", xml)
    assert fake.store == {}


def test_fake_starts_a_registration_trigger_that_nobody_forbids() -> None:
    fake = FakeScheduler()
    fake.register("\\Load", task_xml(triggers="<RegistrationTrigger/>"), fire_registration_triggers=True)
    assert fake.started == ["\\Load"]


def test_fake_with_5000_tasks_lists_them_all() -> None:
    fake = filled(5000)
    assert sum(len(fake.tasks(folder)) for folder in fake.made) == 5000


# COM, through a double ------------------------------------------------------------------------------------------------


class ComError(Exception):
    """As pywintypes.com_error: HRESULT, its text, what the object said, position of the argument."""

    def __init__(self, code: int, scode: int = 0, said: str | None = None) -> None:
        super().__init__(code, "", None, None)
        self.hresult = code - 2**32 if code >= 2**31 else code
        signed = scode - 2**32 if scode >= 2**31 else scode
        self.excepinfo = (0, None, said, None, 0, signed) if scode else None


class Items(list[Any]):
    """A collection of COM: counted from 1; an error in place of an item is raised."""

    @property
    def Count(self) -> int:  # noqa: N802
        return len(self)

    def Item(self, number: int) -> Any:  # noqa: N802
        assert number >= 1
        if isinstance(self[number - 1], Exception):
            raise self[number - 1]
        return self[number - 1]


@dataclass
class Folder:
    Path: str
    below: list["Folder"] = field(default_factory=list)
    plain: list[Any] = field(default_factory=list)
    hidden: list[Any] = field(default_factory=list)
    said: list[tuple[Any, ...]] = field(default_factory=list)
    fails: Exception | None = None

    def _record(self, *words: Any) -> None:
        self.said.append(words)
        if self.fails:
            raise self.fails

    def GetFolders(self, flags: int) -> Items:  # noqa: N802
        assert flags == 0
        return Items(self.below)

    def GetTasks(self, flags: int) -> Items:  # noqa: N802
        return Items([*self.plain, *(self.hidden if flags & 1 else [])])

    def GetTask(self, name: str) -> Any:  # noqa: N802
        self._record("GetTask", name)
        return next(task for task in self.plain if task.Path.endswith("\\" + name))

    def RegisterTask(self, *words: Any) -> None:  # noqa: N802
        self._record("RegisterTask", *words)

    def CreateFolder(self, name: str) -> None:  # noqa: N802
        self._record("CreateFolder", name)

    def DeleteTask(self, name: str, flags: int) -> None:  # noqa: N802
        self._record("DeleteTask", name, flags)


class Service:
    def __init__(self, root: Folder) -> None:
        self.root, self.connected = root, list[tuple[Any, ...]]()

    def Connect(self, *words: Any) -> None:  # noqa: N802
        self.connected.append(words)

    def GetFolder(self, path: str) -> Folder:  # noqa: N802
        found = next((each for each in (self.root, *self.root.below) if each.Path == path), None)
        if not found:
            raise ComError(0x80020009, scode=0x80070003)
        return found


def task(path: str, **known: Any) -> SimpleNamespace:
    return SimpleNamespace(Path=path, **known)


def dated(**known: datetime) -> ComScheduler:
    return ComScheduler(Service(Folder("\\", plain=[task("\\T", **known)])), "America/New_York")


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
    root = Folder("\\", plain=[task("\\T", Xml="<Task/>", State=3, Enabled=True, NumberOfMissedRuns=2)])
    com = ComScheduler(Service(root), "UTC")
    com.tasks("\\")
    assert (com.xml("\\T"), com.state("\\T"), com.enabled("\\T"), com.missed_runs("\\T")) == (
        "<Task/>",
        "Ready",
        True,
        2,
    )
    assert root.said == []


@pytest.mark.parametrize(
    ("number", "state"), [(0, "Unknown"), (1, "Disabled"), (4, "Running"), (5, "Unknown"), (-1, "Unknown")]
)
def test_states_have_their_names(number: int, state: str) -> None:
    com = ComScheduler(Service(Folder("\\", plain=[task("\\T", State=number)])), "UTC")
    assert com.state("\\T") == state


@pytest.mark.parametrize(("signed", "code"), [(0, 0), (-2147024891, 0x80070005), (267011, 267011), (-1, 2**32 - 1)])
def test_results_have_no_sign(signed: int, code: int) -> None:
    com = ComScheduler(Service(Folder("\\", plain=[task("\\T", LastTaskResult=signed)])), "UTC")
    assert com.last_result("\\T") == code


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
    com = dated(LastRunTime=date, NextRunTime=date)
    for found in (com.last_run("\\T"), com.next_run("\\T")):
        assert (found if found == "never" else found.isoformat()) == moment  # type: ignore[union-attr]


def test_date_out_of_range_is_an_error_of_that_property() -> None:
    class Wild:
        @property
        def LastRunTime(self) -> datetime:  # noqa: N802
            raise ValueError("year 65535 is out of range")

        NextRunTime = datetime(9999, 12, 31)

    com = ComScheduler(Service(Folder("\\")), "UTC")
    com._listed["\\T"] = Wild()
    for ask in (com.last_run, com.next_run):
        with pytest.raises(SchedulerError, match="a date is out of range") as error:
            ask("\\T")
        assert not error.value.lost


def test_access_list_is_asked_with_owner_and_group() -> None:
    asked = []
    known = task("\\T", GetSecurityDescriptor=lambda parts: asked.append(parts) or "O:BA")
    assert ComScheduler(Service(Folder("\\", plain=[known])), "UTC").sddl("\\T") == "O:BA"
    assert asked == [7]


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
        disabled=True,
        fire_registration_triggers=True,
    )
    assert root.below[0].said == [
        ("RegisterTask", "Load", "<x/>", 2 | 32, None, None, 0),
        ("RegisterTask", "Load", "<x/>", 2 | 4 | 8 | 16, "TOWN\\etl", "S3cret", 1, "D:"),
    ]


def test_password_is_in_no_error() -> None:
    com = ComScheduler(Service(Folder("\\", fails=ComError(0x80020009, scode=0x8007052E))), "UTC")
    with pytest.raises(SchedulerError) as error:
        com.register("\\Load", "<x/>", account="TOWN\\etl", password="S3cret", logon_type="Password")
    assert "S3cret" not in f"{error.value} {error.value!r}"
    assert "password is wrong" in str(error.value)


def test_validation_and_deletion_and_folders_speak_to_their_methods() -> None:
    root = Folder("\\")
    com = ComScheduler(Service(root), "UTC")
    com.validate("\\OpenData\\Load", "<x/>")
    com.create_folder("\\OpenData\\Permits")
    com.delete("\\Load")
    assert root.said == [
        ("RegisterTask", "\\OpenData\\Load", "<x/>", 1, None, None, 0),
        ("CreateFolder", "OpenData\\Permits"),
        ("DeleteTask", "Load", 0),
    ]


@pytest.mark.parametrize(("code", "raised"), [(0x800700B7, False), (0x80070005, True)])
def test_folder_that_is_there_is_no_error(code: int, raised: bool) -> None:
    com = ComScheduler(Service(Folder("\\", fails=ComError(0x80020009, scode=code))), "UTC")
    try:
        com.create_folder("\\OpenData")
        found = False
    except SchedulerError:
        found = True
    assert found == raised


def test_mistake_of_ours_is_not_taken_for_an_answer_of_windows() -> None:
    com = ComScheduler(Service(Folder("\\", plain=[task("\\T")])), "UTC")
    with pytest.raises(AttributeError):
        com.xml("\\T")


def test_another_server_is_not_asked_for_what_only_this_machine_knows() -> None:
    com = ComScheduler(Service(Folder("\\")), "Europe/Paris", "OTHER")
    assert (com.is_elevated(), com.windows_version(), com.path_exists("C:\\x.exe")) == (None, "", None)
    assert com.zone() == "Europe/Paris"


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


def test_missing_pywin32_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler.sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "win32com.client", None)
    with pytest.raises(TaskAnalysisError, match="pip install pywin32"):
        connect(zone="UTC")


# This machine ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [None, LookupError("no such zone")])
def test_zone_that_can_not_be_told_is_asked_for(monkeypatch: pytest.MonkeyPatch, answer: Exception | None) -> None:
    def zone() -> None:
        if answer:
            raise answer

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
def test_account_is_known_unknown_or_not_told(
    monkeypatch: pytest.MonkeyPatch, account: str, raised: type[Exception] | None, known: bool | None
) -> None:
    asked = []

    def look(server: str | None, who: object) -> None:
        asked.append((server, who))
        if raised:
            raise raised

    double = SimpleNamespace(
        LookupAccountName=look, LookupAccountSid=look, ConvertStringSidToSid=lambda sid: ("sid", sid), error=NoSuch
    )
    monkeypatch.setitem(sys.modules, "win32security", double)
    assert machine.account_exists(account) is known
    assert asked == [(None, ("sid", account) if account.startswith("S-1") else account)]


def test_path_is_looked_for_with_its_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
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
