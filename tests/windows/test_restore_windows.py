r"""Restoring and collecting: one suite for the stand-ins and, on Windows as administrator, for Task Scheduler itself.

All of it happens in one task folder, which is removed before and after. Nobody's password is needed, and no program of
a task is started.
"""

import re
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from taskanalysis.definition.model import WnfStateChangeTrigger
from taskanalysis.definition.reader import read_task
from taskanalysis.snapshot.files import find_tasks
from taskanalysis.snapshot.needs import accounts_of
from taskanalysis.snapshot.paths import file_name, plain_path
from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot
from taskanalysis.snapshot.status import Status
from taskanalysis.windows.collect import collect
from taskanalysis.windows.own_task import own_task
from taskanalysis.windows.restorable import Wanted, encoded, read_wanted, stored_text, switched_off
from taskanalysis.windows.restore import Action, plan
from taskanalysis.windows.scheduler import Scheduler
from taskanalysis.windows.script import write_script
from tests.build import ROOT
from tests.doubles.scheduler import FakeScheduler, task_xml
from tests.doubles.task_folder import FOLDER, STAND_INS, WINDOWS, Server, lies_inside
from tests.doubles.task_folder import server as the_server
from tests.windows.restoring import CORPUS, HOSTILE, NOW, actions, change, done, stored, taken

LOAD, NIGHTLY = rf"{FOLDER}\Load", rf"{FOLDER}\Permits\Nightly load"
SYSTEM, LOCAL_SERVICE, USERS = "S-1-5-18", "S-1-5-19", "S-1-5-32-545"
ACCESS = "O:BAG:BAD:(A;;FA;;;BA)(A;;FA;;;SY)(A;;FR;;;AU)"
MAY_READ = "(A;;FR;;;AU)"
ENDS_AT_ONCE = "where.exe"
FAR_AWAY = datetime(2099, 1, 1, 5, 45)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
DOCS = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def documented(pattern: str) -> list[str]:
    """The lines of README and docs that match, each once."""
    return list(dict.fromkeys(re.findall(pattern, DOCS, re.MULTILINE)))


SCHTASKS = documented(r'^ *(schtasks /create .* /xml "tasks.*)$')
IMPORTS = documented(r"(?:`|^ *)(schtasks /create /tn [^`\n]* /xml own\.xml|Register-ScheduledTask [^`\n]* own\.xml\))")
(RESTORE_PS1,) = documented(r"^ *(powershell .* -File restore\.ps1 -WhatIf)$")


@pytest.fixture(params=[*STAND_INS, WINDOWS])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with the_server(request.param) as found:
        yield found


def nothing_started(server: Server) -> bool:
    """Whether no task of ours runs or has run, some seconds later where Windows may need them."""
    if isinstance(server.whole, FakeScheduler):
        return server.whole.started == []
    time.sleep(3)
    statuses = [server.scheduler.status(path)[0] for path in server.paths()]
    return all(status.last_run == "never" and status.state not in ("Running", "Queued") for status in statuses)


def enabled(server: Server) -> dict[str, bool | None]:
    return {path: server.scheduler.status(path)[0].enabled for path in server.paths()}


def command_of(xml: str) -> str:
    return str(getattr(read_task(encoded(xml)).actions[0], "command", ""))


def access_of(scheduler: Scheduler, path: str) -> set[str]:
    """The entries of an access list that were put there, not inherited."""
    return set(re.findall(r"\(\w+;;[^()]*\)", scheduler.sddl(path)))


def ran(server: Server, line: str, folder: Path) -> str:
    """What a line printed that ended well."""
    code, said = server.shell(line, folder)
    assert code == 0, said
    return said


# The folder of these tests --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", STAND_INS)
def test_other_tasks_are_neither_seen_nor_changed(kind: str) -> None:
    with the_server(kind) as server:
        assert (server.paths(), server.scheduler.folders("\\")) == (set(), [])
        for path in (r"\OpenData\Not ours", rf"{FOLDER}2\Load", rf"{FOLDER}\..\OpenData\Not ours"):
            with pytest.raises(AssertionError, match="not ours"):
                server.scheduler.xml(path)
            with pytest.raises(AssertionError, match="not ours"):
                server.scheduler.register(path, task_xml())
        server.scheduler.create_folder(NIGHTLY.rpartition("\\")[0])
        server.scheduler.register(NIGHTLY, task_xml())
        assert server.paths() == {NIGHTLY}
    assert isinstance(server.whole, FakeScheduler)
    assert (list(server.whole.store), server.whole.made) == ([r"\OpenData\Not ours"], {"\\", r"\OpenData"})


# There and back -------------------------------------------------------------------------------------------------------


def test_replaced_task_is_saved_first_keeps_its_access_list_and_can_be_restored(tmp_path: Path, server: Server) -> None:
    server.scheduler.create_folder(NIGHTLY.rpartition("\\")[0])
    server.scheduler.register(LOAD, task_xml("old.exe"), sddl=ACCESS)
    server.scheduler.register(NIGHTLY, task_xml())
    planned = plan(taken(tmp_path, {LOAD: task_xml("new.exe"), NIGHTLY: task_xml()}), server.scheduler)
    assert planned.steps[0].why == ("command from old.exe to new.exe",)
    assert done(planned, server.scheduler, saved_in=tmp_path / "old", server="SRV", now=NOW)[LOAD].result == "replaced"
    assert command_of(server.scheduler.xml(LOAD)) == "new.exe"
    assert MAY_READ in access_of(server.scheduler, LOAD)
    saved = read_snapshot(tmp_path / "old")
    assert (list(saved.tasks), saved.folders, saved.problems) == ([LOAD], (FOLDER,), [])
    assert (saved.statuses[LOAD].last_result, saved.manifest["sddl"].keys()) == (267011, {LOAD})
    assert done(plan(saved, server.scheduler), server.scheduler)[LOAD].result == "replaced"
    assert command_of(server.scheduler.xml(LOAD)) == "old.exe"


def test_all_are_off_where_that_is_asked_for_and_one_that_was_off_stays_off(tmp_path: Path, server: Server) -> None:
    statuses = [Status(LOAD, "Disabled", False), Status(NIGHTLY, "Ready", True)]
    snapshot = taken(tmp_path, {LOAD: task_xml(), NIGHTLY: task_xml()}, statuses=statuses)
    assert {each.result for each in done(plan(snapshot, server.scheduler), server.scheduler).values()} == {"created"}
    assert enabled(server) == {LOAD: False, NIGHTLY: True}
    planned = plan(snapshot, server.scheduler, disabled=True)
    assert actions(planned) == {LOAD: "leave", NIGHTLY: "replace"}
    assert done(planned, server.scheduler)[NIGHTLY].result == "replaced"
    assert enabled(server) == {LOAD: False, NIGHTLY: False}


def test_registration_trigger_starts_nothing_when_created_or_replaced(tmp_path: Path, server: Server) -> None:
    at_once = "<RegistrationTrigger/>"
    for command, result in ((ENDS_AT_ONCE, "created"), ("hostname.exe", "replaced")):
        snapshot = taken(tmp_path / result, {LOAD: task_xml(command, triggers=at_once)})
        assert done(plan(snapshot, server.scheduler), server.scheduler)[LOAD].result == result
        assert nothing_started(server)


def test_access_list_is_restored(tmp_path: Path, server: Server) -> None:
    sddl = {LOAD.upper(): ACCESS, NIGHTLY: "nonsense"}
    snapshot = taken(tmp_path, {LOAD: task_xml(), NIGHTLY: task_xml()}, sddl=sddl)
    results = done(plan(snapshot, server.scheduler), server.scheduler)
    assert (results[LOAD].result, results[LOAD].detail) == ("created", "")
    assert MAY_READ in access_of(server.scheduler, LOAD)
    assert results[NIGHTLY].result == "created"
    assert results[NIGHTLY].detail.startswith("access list not restored: ")


@pytest.mark.parametrize(
    "principal",
    [
        f"<UserId>{SYSTEM}</UserId>",
        f"<UserId>{SYSTEM}</UserId><RunLevel>HighestAvailable</RunLevel>",
        f"<UserId>{LOCAL_SERVICE}</UserId>",
        f"<GroupId>{USERS}</GroupId>",
        "<UserId>{own}</UserId><LogonType>InteractiveToken</LogonType>",
        "<UserId>{own}</UserId><LogonType>S4U</LogonType><RunLevel>HighestAvailable</RunLevel>",
    ],
)
def test_account_that_needs_no_password_comes_back_without_one(tmp_path: Path, server: Server, principal: str) -> None:
    xml = task_xml(principal=principal.format(own=server.account))
    snapshot = taken(tmp_path, {LOAD: xml})
    planned = plan(snapshot, server.scheduler)
    assert (planned.needs.passwords, planned.unknown) == ({}, {})
    assert done(planned, server.scheduler)[LOAD] == (LOAD, "created", "", False)
    assert actions(plan(snapshot, server.scheduler)) == {LOAD: "leave"}


def test_server_survives_a_round_trip(tmp_path: Path, server: Server) -> None:
    daily = "<CalendarTrigger><StartBoundary>2026-01-01T05:45:00</StartBoundary>"
    daily += "<ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay></CalendarTrigger>"
    server.scheduler.create_folder(NIGHTLY.rpartition("\\")[0])
    server.scheduler.register(LOAD, task_xml(triggers="<BootTrigger><Delay>PT2M</Delay></BootTrigger>"), sddl=ACCESS)
    server.scheduler.register(NIGHTLY, switched_off(task_xml(ENDS_AT_ONCE, triggers=daily)))
    round_trip_of(server, tmp_path)
    assert enabled(server) == {LOAD: True, NIGHTLY: False}


def test_sample_share_survives_a_round_trip(tmp_path: Path, server: Server, sample: Snapshot) -> None:
    strangers = {account.casefold(): SYSTEM for each in read_wanted(sample).tasks for account in accounts_of(each.task)}
    strangers.pop(USERS.casefold())
    wanted = read_wanted(sample, mapping=strangers).tasks
    snapshot = taken(tmp_path / "sample", {FOLDER + each.path: each.xml for each in wanted})
    planned = plan(snapshot, server.scheduler, disabled=True)
    # what Windows' own components wait for, no program may be allowed to
    refused = [step.wanted for step in planned.of(Action.REFUSE)]
    assert [each.path for each in refused if WnfStateChangeTrigger not in map(type, each.task.triggers)] == []
    results = done(planned, server.scheduler)
    coming = {step.wanted.path for step in planned.of(Action.CREATE)}
    assert len(coming) > 45
    assert {path: results[path][1:3] for path in coming} == dict.fromkeys(coming, ("created", ""))
    assert enabled(server) == dict.fromkeys(coming, False)
    round_trip_of(server, tmp_path)
    assert nothing_started(server)


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real files is not on this machine")
def test_real_files_survive_a_round_trip_byte_for_byte(tmp_path: Path) -> None:
    found = find_tasks(CORPUS, path_of=lambda name: rf"{FOLDER}\{name}")
    texts = {path: stored_text((CORPUS / name).read_bytes()) for path, name in found.files.items()}
    fake = FakeScheduler(newest=(1, 6))
    for path, text in texts.items():
        fake.add(path, text, enabled=found.tasks[path].settings.enabled)
    round_trip_of(Server(fake, SYSTEM), tmp_path)
    before = read_snapshot(tmp_path / "before")
    assert before.tasks == found.tasks
    assert stored(before) == {path: encoded(text) for path, text in texts.items()}
    exported = {file.read_bytes() for file in CORPUS.iterdir()}
    assert len(exported & set(stored(before).values())) > 200
    writes_uris = FakeScheduler(newest=(1, 6), sets_uri=True)
    assert {each.result for each in done(plan(before, writes_uris), writes_uris).values()} == {"created"}


def round_trip_of(server: Server, tmp_path: Path) -> None:
    """Collect, restore into the emptied folder, collect again: the same tasks, states, access lists and bytes."""

    def collected(name: str) -> Snapshot:
        (tmp_path / name).mkdir()
        collect(server.scheduler, tmp_path / name, server="SRV", now=NOW)
        snapshot = read_snapshot(tmp_path / name)
        assert snapshot.problems == []
        return snapshot

    before = collected("before")
    assert before.tasks.keys() == before.statuses.keys() == server.paths()
    access = {path: access_of(server.scheduler, path) for path in before.tasks}
    server.empty()
    planned = plan(before, server.scheduler)
    assert server.paths() == set()
    results = done(planned, server.scheduler)
    assert {path: each[1:3] for path, each in results.items()} == dict.fromkeys(before.tasks, ("created", ""))
    after = collected("after")
    assert after.tasks == before.tasks
    if isinstance(server.whole, FakeScheduler):
        assert stored(after) == stored(before)
    assert {path: status.enabled for path, status in after.statuses.items()} == {
        path: status.enabled for path, status in before.statuses.items()
    }
    assert [path for path in access if access[path] - access_of(server.scheduler, path)] == []
    assert set(actions(plan(before, server.scheduler)).values()) == {"leave"}


# What Windows refuses -------------------------------------------------------------------------------------------------


def test_definition_that_windows_refuses_is_in_the_plan_and_not_restored(tmp_path: Path, server: Server) -> None:
    planned = plan(taken(tmp_path, {LOAD: task_xml(version="9.9"), NIGHTLY: task_xml()}), server.scheduler)
    assert actions(planned) == {LOAD: "refuse", NIGHTLY: "create"}
    assert planned.steps[0].why[0].startswith("this Windows does not accept it: ")
    results = done(planned, server.scheduler)
    assert (results[LOAD].result, results[NIGHTLY].result) == ("failed", "created")
    assert server.paths() == {NIGHTLY}


@pytest.mark.parametrize("account", ["S-1-5-21-9-9-9-1001", r"NOSUCH\nobody"])
def test_unknown_account_is_named_and_its_task_not_restored(tmp_path: Path, server: Server, account: str) -> None:
    principal = f"<UserId>{account}</UserId><LogonType>InteractiveToken</LogonType>"
    planned = plan(taken(tmp_path, {LOAD: task_xml(principal=principal), NIGHTLY: task_xml()}), server.scheduler)
    assert planned.unknown == {account: [LOAD]}
    results = done(planned, server.scheduler)
    assert results[LOAD] == (LOAD, "failed", f"this server does not know the account {account}", False)
    assert results[NIGHTLY].result == "created"
    assert server.paths() == {NIGHTLY}


def test_invalid_name_is_one_failed_task(tmp_path: Path, server: Server) -> None:
    planned = plan(taken(tmp_path, {rf"{FOLDER}\a?b": task_xml(), LOAD: task_xml()}), server.scheduler)
    assert [each.result for each in done(planned, server.scheduler).values()] == ["failed", "created"]
    assert server.paths() == {LOAD}


# Documented lines -----------------------------------------------------------------------------------------------------


def option(line: str, name: str) -> str:
    """The value of an option of schtasks, "" where it is not there."""
    found = re.search(rf'{name} (?:"([^"]*)"|(\S+))', line)
    return (found[1] or found[2]) if found else ""


@pytest.mark.parametrize("line", SCHTASKS)
def test_documented_line_names_a_file_that_the_sample_share_has(line: str, sample: Snapshot) -> None:
    path, file = option(line, "/tn"), option(line, "/xml")
    assert file == "tasks\\" + sample.files[path].replace("/", "\\")
    assert path in stored(sample)
    principal = sample.tasks[path].principal
    assert option(line, "/ru") in ("", principal.user_id)
    assert bool(option(line, "/ru")) == (principal.logon_type == "Password")


def test_docs_have_such_lines() -> None:
    assert SCHTASKS
    assert [line.partition(" ")[0] for line in IMPORTS] == ["schtasks", "Register-ScheduledTask"]


@pytest.mark.parametrize("line", SCHTASKS)
def test_documented_line_imports_a_stored_file(line: str, tmp_path: Path, server: Server, sample: Snapshot) -> None:
    """As it stands, but in the folder of these tests, and for SYSTEM, since nobody types a password here."""
    line = re.sub(r" /ru \S+ /rp \*", "", line).replace('/tn "', f'/tn "{FOLDER}')
    path = option(line, "/tn")
    assert lies_inside(path)
    named = path.removeprefix(FOLDER)
    account = sample.tasks[named].principal.user_id
    (one,) = read_wanted(sample, tasks=[named], mapping={account.casefold(): SYSTEM}, disabled=True).tasks
    folder = Path(plain_path(taken(tmp_path, {named: one.text}).source))

    ran(server, line, folder)
    assert server.paths() == {path}
    assert plan(taken(tmp_path / "again", {path: one.text}), server.scheduler).steps[0].why == ()

    assert command_of(one.xml) in ran(server, f'schtasks /query /tn "{path}" /xml', folder)

    server.scheduler.register(path, task_xml("other.exe"), replace=True)
    ran(server, f"{line} /f", folder)
    assert command_of(server.scheduler.xml(path)) == command_of(one.xml)


@pytest.mark.parametrize("line", IMPORTS, ids=lambda line: line.partition(" ")[0])
def test_documented_line_imports_our_own_task(line: str, tmp_path: Path, server: Server) -> None:
    xml = own_task(r"C:\ta\taskanalysis.exe", data=r"D:\tasks", reports=r"D:\reports", start=FAR_AWAY, owner="Ada")
    (tmp_path / "own.xml").write_bytes(xml)
    named = read_task(xml).uri
    assert named.rpartition("\\")[2] in line
    line, found = re.subn(r'(?<=[ "])(?=\\taskanalysis\\)', lambda _: FOLDER, line)
    assert found == 1
    if line.startswith("Register-ScheduledTask"):
        line = f'powershell -NoProfile -Command "{line}"'
    ran(server, line, tmp_path)
    assert server.paths() == {FOLDER + named}
    snapshot = taken(tmp_path, {FOLDER + named: xml.decode("utf-16")})
    assert set(actions(plan(snapshot, server.scheduler)).values()) == {"leave"}


# restore.ps1 ----------------------------------------------------------------------------------------------------------

IN_A_FOLDER = rf"{FOLDER}\It's $(ni owned)\Load"


def script_folder(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A folder with `restore.ps1` for tasks of all kinds, and their texts."""
    tasks = {rf"{FOLDER}\{name}": task_xml(f"{number}.exe") for number, name in enumerate([*HOSTILE, "a" * 150])}
    tasks[IN_A_FOLDER] = task_xml(ENDS_AT_ONCE, triggers="<RegistrationTrigger/>")
    tasks[LOAD] = task_xml("load.exe", principal=f"<GroupId>{USERS}</GroupId>")
    wanted = [
        Wanted(path, xml, read_task(encoded(xml)), sddl=ACCESS if path == IN_A_FOLDER else "", off=path == LOAD)
        for path, xml in tasks.items()
    ]
    assert all(map(lies_inside, tasks))
    return write_script(tmp_path / "out", wanted, title="O'Brien’s $(ni owned)").parent, tasks


def test_script_with_whatif_changes_nothing(tmp_path: Path, server: Server) -> None:
    folder, _ = script_folder(tmp_path)
    ran(server, RESTORE_PS1, folder)
    assert server.paths() == set()
    assert not any(file.name == "owned" for file in tmp_path.rglob("*"))


def test_script_restores_all_under_their_exact_names(tmp_path: Path, server: Server) -> None:
    folder, tasks = script_folder(tmp_path)
    line = RESTORE_PS1.removesuffix(" -WhatIf")
    for _ in range(2):  # and once more where all is there
        ran(server, line, folder)
        assert server.paths() == set(tasks)
    assert not any(file.name == "owned" for file in tmp_path.rglob("*"))
    scheduler = server.scheduler
    assert {path: command_of(scheduler.xml(path)) for path in tasks} == {
        path: command_of(xml) for path, xml in tasks.items()
    }
    assert {path for path, on in enabled(server).items() if not on} == {LOAD}
    assert MAY_READ in access_of(scheduler, IN_A_FOLDER)
    assert nothing_started(server)


def test_script_saves_what_it_replaces(tmp_path: Path, server: Server) -> None:
    folder, _ = script_folder(tmp_path)
    server.scheduler.create_folder(FOLDER)
    server.scheduler.register(rf"{FOLDER}\O'Brien", task_xml("old.exe"))
    ran(server, RESTORE_PS1.removesuffix(" -WhatIf"), folder)
    (saved,) = (folder / "replaced").rglob("*.xml")
    assert command_of(saved.read_bytes().decode("utf-16")) == "old.exe"
    assert command_of(server.scheduler.xml(rf"{FOLDER}\O'Brien")) == "0.exe"


@pytest.mark.parametrize("name", ["tasks.csv", f"tasks/{file_name(LOAD)}"])
def test_script_restores_nothing_if_a_file_was_changed(tmp_path: Path, server: Server, name: str) -> None:
    folder, _ = script_folder(tmp_path)
    change(folder / name)
    code, said = server.shell(RESTORE_PS1.removesuffix(" -WhatIf"), folder)
    assert code == 2, said
    assert server.paths() == set()
