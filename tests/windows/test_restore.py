"""Restoring: the plan, the results, what is lost, and the round trip from server to server."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from taskanalysis.definition.reader import read_task
from taskanalysis.errors import SnapshotError
from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot
from taskanalysis.snapshot.status import Status
from taskanalysis.windows import scheduler as door
from taskanalysis.windows.restorable import encoded, parse_map, read_wanted, stored_text
from taskanalysis.windows.restore import Action, Restored, plan
from taskanalysis.windows.scheduler import SchedulerError
from tests.build import rewrite_manifest, write
from tests.doubles.scheduler import FakeScheduler, task_xml
from tests.windows.restoring import LOAD, NIGHTLY, NOW, SDDL, STORED, actions, change, done, taken

URI = r"<RegistrationInfo><URI>\Elsewhere</URI></RegistrationInfo>"
WRITING = {"register", "create_folder"}


# The plan -------------------------------------------------------------------------------------------------------------


def test_plan_for_an_empty_server_creates_all_and_touches_nothing(sample: Snapshot) -> None:
    fake = FakeScheduler()
    planned = plan(sample, fake)
    assert {step.action for step in planned.steps} == {Action.CREATE}
    assert len(planned.steps) == 52
    assert not {member for member, _ in fake.calls} & WRITING
    assert (fake.store, fake.made) == ({}, {"\\"})


@pytest.mark.parametrize(
    ("existing", "action", "why"),
    [
        (task_xml(principal=STORED.replace("TOWN", "town")), Action.LEAVE, ""),
        (task_xml(principal=STORED).replace("\r\n", "\n"), Action.LEAVE, ""),
        (task_xml(principal=STORED).replace("<Triggers>", f"{URI}<Triggers>"), Action.LEAVE, ""),
        (task_xml("old.exe", principal=STORED), Action.REPLACE, "command from old.exe to python.exe"),
        (task_xml(principal=STORED.replace("l<", "x<")), Action.REPLACE, r"runs as TOWN\etl instead of TOWN\etx"),
        ("<Task", Action.REPLACE, "the existing definition can't be read: is not well-formed XML"),
    ],
)
def test_existing_task_is_replaced_only_if_it_differs(tmp_path: Path, existing: str, action: Action, why: str) -> None:
    snapshot, fake = taken(tmp_path, {LOAD: task_xml(principal=STORED)}), FakeScheduler()
    fake.add(LOAD, existing)
    planned = plan(snapshot, fake)
    (step,) = planned.steps
    assert (step.action, "; ".join(step.why)[: len(why) or 1]) == (action, why)
    assert list(planned.needs.passwords) == ([] if action is Action.LEAVE else [r"TOWN\etl"])


def test_task_that_may_not_be_read_is_refused_and_the_rest_planned(tmp_path: Path) -> None:
    snapshot, fake = taken(tmp_path, {LOAD: task_xml(), NIGHTLY: task_xml()}), FakeScheduler()
    fake.faults["xml", LOAD] = SchedulerError(LOAD, door.ACCESS_DENIED)
    planned = plan(snapshot, fake)
    assert actions(planned) == {LOAD: "refuse", NIGHTLY: "create"}
    assert planned.steps[0].why == ("the existing task can't be read: access is denied (0x80070005)",)


@pytest.mark.parametrize("calls", [0, 20, 21])
def test_connection_that_drops_ends_the_plan(sample: Snapshot, calls: int) -> None:
    with pytest.raises(SchedulerError) as raised:
        plan(sample, FakeScheduler(drops_after=calls))
    assert raised.value.lost


def test_missing_programs_and_folders_are_named(tmp_path: Path) -> None:
    actions_xml = r"<Command>&quot;D:\py\python.exe&quot;</Command><WorkingDirectory>D:\jobs</WorkingDirectory>"
    xml = task_xml().replace("<Command>python.exe</Command>", actions_xml)
    snapshot = taken(tmp_path, {LOAD: xml, NIGHTLY: task_xml("robocopy.exe")})
    assert plan(snapshot, FakeScheduler(paths={r"d:\JOBS"})).absent == {r"D:\py\python.exe": [LOAD]}
    assert plan(snapshot, FakeScheduler(paths=None)).absent == {}


def test_refused_lookups_count_as_unknown(tmp_path: Path) -> None:
    fake = FakeScheduler(paths=set(), accounts={})
    snapshot = taken(tmp_path, {LOAD: task_xml(r"D:\x.exe", principal=STORED)})
    for member, what in (("account_exists", r"TOWN\etl"), ("path_exists", r"D:\x.exe")):
        fake.faults[member, what] = SchedulerError(what, door.ACCESS_DENIED)
    planned = plan(snapshot, fake)
    assert (planned.unknown, planned.absent, actions(planned)) == ({}, {}, {LOAD: "create"})


def test_tasks_of_windows_itself_are_left_out_unless_named(tmp_path: Path) -> None:
    own = r"\Microsoft\Windows\Defrag"
    snapshot = taken(tmp_path, {LOAD: task_xml(), own: task_xml()})
    planned = plan(snapshot, FakeScheduler())
    assert (actions(planned), planned.left_out) == ({LOAD: "create"}, 1)
    assert actions(plan(snapshot, FakeScheduler(), folder=r"\Microsoft")) == {own: "create"}
    assert actions(plan(snapshot, FakeScheduler(), tasks=[own.upper()])) == {own: "create"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"folder": r"\Opendata2"}, r"has no task in \\Opendata2 or below"),
        ({"tasks": [r"\Nothing"]}, r"has no task \\Nothing"),
        ({"mapping": {"town\\nobody": "x"}}, r"no task to restore names the account town\\nobody"),
    ],
)
def test_missing_tasks_and_accounts_are_one_sentence(sample: Snapshot, options: dict[str, Any], said: str) -> None:
    with pytest.raises(SnapshotError, match=said):
        plan(sample, FakeScheduler(), **options)


def test_path_is_shown_as_its_user_wrote_it(sample: Snapshot) -> None:
    there = replace(sample, source=Path(r"\\?\UNC\files\tasks"))  # as Windows takes paths of any length
    with pytest.raises(SnapshotError, match=r"^\\\\files\\tasks has no task \\Nothing$"):
        plan(there, FakeScheduler(), tasks=[r"\Nothing"])


# Doing it -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sddl", ["", SDDL])
def test_wrong_password_is_tried_once(tmp_path: Path, sddl: str) -> None:
    # each further try could lock the account
    paths = [rf"\OpenData\{number}" for number in range(5)]
    fake = FakeScheduler(accounts={r"TOWN\etl": "right"})
    tasks = dict.fromkeys(paths, task_xml(principal=STORED)) | {LOAD: task_xml()}
    planned = plan(taken(tmp_path, tasks, sddl={paths[0]: sddl}), fake)
    results = done(planned, fake, "wrong")
    assert [results[path].result for path in paths] == ["failed"] + 4 * ["not tried"]
    assert results[paths[4]].detail == r"the password of TOWN\etl was refused"
    assert results[LOAD].result == "created"
    assert sum(number for (member, _), number in fake.calls.items() if member == "register") == 2


def test_after_the_connection_dropped_the_rest_is_not_tried(tmp_path: Path) -> None:
    fake = FakeScheduler()
    planned = plan(taken(tmp_path, {rf"\{letter}": task_xml() for letter in "abc"}), fake)
    fake.faults["register", r"\b"] = SchedulerError("", door.SERVER_UNAVAILABLE)
    results = done(planned, fake)
    assert [each.result for each in results.values()] == ["created", "failed", "not tried"]
    assert [each.lost for each in results.values()] == [False, True, True]
    assert fake.calls["register", r"\c"] == 0


def test_task_that_reads_back_disabled_is_a_failure(tmp_path: Path) -> None:
    fake = FakeScheduler()
    planned = plan(taken(tmp_path, {LOAD: task_xml()}), fake)
    fake.status = lambda path: (Status(path, enabled=False), {})  # type: ignore[method-assign]
    assert done(planned, fake)[LOAD].detail == "registered, but differs: disabled"


def test_task_whose_state_can_not_be_read_back_is_a_failure(tmp_path: Path) -> None:
    fake = FakeScheduler()
    planned = plan(taken(tmp_path, {LOAD: task_xml()}), fake)
    fake.faults["enabled", LOAD] = SchedulerError(LOAD, door.ACCESS_DENIED)
    assert done(planned, fake)[LOAD] == Restored(LOAD, "failed", "access is denied (0x80070005)")


@pytest.mark.parametrize(
    ("change", "result", "detail"),
    [
        (("python.exe", "calc.exe"), "failed", "registered, but differs: command from calc.exe to python.exe"),
        ((r"TOWN\etl", "S-1-5-21-1-2-3-1104"), "created", ""),  # the account that was just named
        (("Task>", ""), "failed", "registered, but can't be read back: "),
    ],
)
def test_task_is_read_back_and_compared(tmp_path: Path, change: tuple[str, str], result: str, detail: str) -> None:
    class Changing(FakeScheduler):
        def register(self, path: str, xml: str, **known: Any) -> None:
            super().register(path, xml, **known)
            self.store[path].xml = self.store[path].xml.replace(*change)

    fake = Changing()
    restored = done(plan(taken(tmp_path, {LOAD: task_xml(principal=STORED)}), fake), fake)[LOAD]
    assert restored.result == result
    assert restored.detail.startswith(detail)


@pytest.mark.slow  # most of it is the fake's
def test_5000_tasks_are_planned_and_restored(tmp_path: Path) -> None:
    tasks = {rf"\OpenData\{number % 50}\Task {number}": task_xml(f"p{number}.exe") for number in range(5000)}
    fake = FakeScheduler()
    assert {each.result for each in done(plan(taken(tmp_path, tasks), fake), fake).values()} == {"created"}
    assert len(fake.store) == 5000


# What is replaced -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("refused", "raised"), [(False, OSError), (True, SchedulerError)])
def test_nothing_is_changed_where_it_can_not_be_saved(tmp_path: Path, refused: bool, raised: type[Exception]) -> None:
    fake = FakeScheduler()
    fake.add(LOAD, task_xml("old.exe"))
    planned = plan(taken(tmp_path, {LOAD: task_xml(), NIGHTLY: task_xml()}), fake)
    (tmp_path / "old").write_text("a file", encoding="utf-8")
    if refused:
        fake.faults["xml", LOAD] = SchedulerError(LOAD, door.ACCESS_DENIED)
    with pytest.raises(raised):
        done(planned, fake, saved_in=tmp_path / "old", server="NEW", now=NOW)
    assert (list(fake.store), fake.store[LOAD].xml) == ([LOAD], task_xml("old.exe"))


def test_task_without_a_state_is_saved_all_the_same(tmp_path: Path) -> None:
    fake = FakeScheduler()
    fake.add(LOAD, task_xml("old.exe"))
    planned = plan(taken(tmp_path, {LOAD: task_xml()}), fake)
    fake.faults["state", LOAD] = fake.faults["sddl", LOAD] = SchedulerError(LOAD, door.ACCESS_DENIED)
    done(planned, fake, saved_in=tmp_path / "old", server="NEW", now=NOW)
    saved = read_snapshot(tmp_path / "old")
    assert (list(saved.tasks), saved.statuses[LOAD].state, "sddl" in saved.manifest) == ([LOAD], None, False)


def test_task_that_vanished_since_the_plan_is_registered_all_the_same(tmp_path: Path) -> None:
    fake = FakeScheduler()
    fake.add(LOAD, task_xml("old.exe"))
    planned = plan(taken(tmp_path, {LOAD: task_xml()}), fake)
    del fake.store[LOAD]
    assert not done(planned, fake, saved_in=tmp_path / "old", server="NEW", now=NOW)[LOAD].failed
    assert fake.store[LOAD].xml == task_xml()


# Damage ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("tasks/OpenData/Load.xml", change, "was changed"),
        ("tasks/OpenData/Load.xml", Path.unlink, "is not there"),
        ("status.csv", change, "was changed"),
        ("tasks/Added.xml", lambda file: file.write_bytes(encoded(task_xml())), "is not listed in snapshot.json"),
    ],
)
def test_damaged_snapshot_is_refused_whole(
    tmp_path: Path, name: str, damage: Callable[[Path], object], said: str
) -> None:
    folder = taken(tmp_path, {LOAD: task_xml(), NIGHTLY: task_xml()}).source
    damage(folder / name)
    with pytest.raises(SnapshotError, match=rf"is damaged \({name} {said}.*nothing of it is restored"):
        plan(read_snapshot(folder), FakeScheduler(), tasks=[NIGHTLY])
    # the way out that the sentence names
    assert NIGHTLY in actions(plan(read_snapshot(folder / "tasks"), FakeScheduler()))


def test_definitions_stored_in_an_earlier_snapshot_are_checked_and_restored(tmp_path: Path) -> None:
    first = taken(tmp_path, {LOAD: task_xml()})
    later = taken(tmp_path, {LOAD: task_xml()}, taken_at=NOW.replace(hour=17))
    assert not (later.source / "tasks").exists()
    assert actions(plan(later, FakeScheduler())) == {LOAD: "create"}
    change(first.source / "tasks/OpenData/Load.xml")
    with pytest.raises(SnapshotError, match="is damaged"):
        plan(read_snapshot(tmp_path / "share"), FakeScheduler())


def test_folder_without_hashes_that_changes_meanwhile_is_one_problem(tmp_path: Path) -> None:
    for name in ("a.xml", "b.xml"):
        (tmp_path / name).write_bytes(encoded(task_xml()))
    snapshot = read_snapshot(tmp_path)
    (tmp_path / "a.xml").write_bytes(encoded(task_xml("calc.exe")))
    found = read_wanted(snapshot)
    assert [each.path for each in found.tasks] == [r"\b"]
    assert [problem.what for problem in found.problems] == ["was changed while it was read"]


def test_snapshot_without_definitions_is_one_sentence(tmp_path: Path) -> None:
    folder = write(tmp_path, 0, Status(LOAD, "Ready", True))
    with pytest.raises(SnapshotError, match="holds no task definitions"):
        plan(read_snapshot(folder), FakeScheduler())


def test_share_of_several_servers_is_not_guessed(tmp_path: Path) -> None:
    taken(tmp_path, {LOAD: task_xml()})
    write(tmp_path / "share", 0, server="B", definitions={LOAD: encoded(task_xml())})
    with pytest.raises(SnapshotError, match="several servers"):
        plan(read_snapshot(tmp_path / "share"), FakeScheduler())


# Other accounts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "before", "after"),
    [
        (r"town\ETL", r"CITY\etl", STORED, STORED.replace("TOWN", "CITY")),
        (r"TOWN\etl", "SYSTEM", STORED, "<UserId>SYSTEM</UserId>"),
        ("SYSTEM", r"TOWN\etl", "<UserId>SYSTEM</UserId>", STORED),
        ("system", r"TOWN\etl", "<UserId>S-1-5-18</UserId>", STORED),
        (r"TOWN\web", "S-1-5-32-545", r"<GroupId>TOWN\web</GroupId>", "<GroupId>S-1-5-32-545</GroupId>"),
    ],
)
def test_another_account_takes_the_place(tmp_path: Path, old: str, new: str, before: str, after: str) -> None:
    planned = plan(
        taken(tmp_path, {LOAD: task_xml(principal=before)}), FakeScheduler(), mapping=parse_map([f"{old}={new}"])
    )
    assert planned.steps[0].wanted.task == read_task(encoded(task_xml(principal=after)))
    assert done(planned, FakeScheduler())[LOAD].result == "created"


def test_service_account_is_the_same_by_any_name(tmp_path: Path) -> None:
    snapshot, fake = taken(tmp_path, {LOAD: task_xml()}), FakeScheduler()
    for user in ("SYSTEM", r"NT AUTHORITY\SYSTEM", "s-1-5-18"):
        fake.add(LOAD, task_xml(principal=f"<UserId>{user}</UserId>"))
        assert actions(plan(snapshot, fake)) == {LOAD: "leave"}


@pytest.mark.parametrize("given", [{}, {"mapping": {"system": r"TOWN\etl"}}])
def test_service_account_of_another_language_is_registered_by_its_sid(given: Any, tmp_path: Path) -> None:
    snapshot, fake = (
        taken(tmp_path, {LOAD: task_xml(principal=r"<UserId>NT-AUTORITÄT\SYSTEM</UserId>")}),
        FakeScheduler(),
    )
    planned = plan(snapshot, fake, **given)
    expected = STORED if given else "<UserId>S-1-5-18</UserId>"
    assert planned.unknown == {}
    assert planned.steps[0].wanted.task == read_task(encoded(task_xml(principal=expected)))
    assert done(planned, fake)[LOAD].result == "created"


def test_account_of_a_trigger_is_mapped_and_looked_up(tmp_path: Path) -> None:
    trigger = r"<LogonTrigger><UserId>TOWN\anna</UserId></LogonTrigger>"
    snapshot = taken(tmp_path, {LOAD: task_xml(triggers=trigger), NIGHTLY: task_xml()})
    planned = plan(snapshot, FakeScheduler(accounts={}), mapping={"town\\anna": "C&D"})
    assert planned.unknown == {"C&D": [LOAD]}
    assert planned.steps[1].wanted.xml == task_xml()


@pytest.mark.parametrize("pairs", [["x"], ["=x"], ["x="], ["a=b", "A=c"]])
def test_invalid_mapping_is_refused(pairs: list[str]) -> None:
    with pytest.raises(ValueError, match="is not OLD=NEW"):
        parse_map(pairs)


# Other formats --------------------------------------------------------------------------------------------------------


def test_folder_of_the_old_scripts_is_restored(tmp_path: Path) -> None:
    info = r"<RegistrationInfo><URI>\OpenData\Load</URI></RegistrationInfo><Triggers>"
    (tmp_path / "Load.xml").write_bytes(encoded(task_xml().replace("<Triggers>", info)))
    (tmp_path / "script_status.csv").write_text(
        "Name,Path,LastResult,NextRun,Status,Command,Arguments\n"
        "Load,\\OpenData\\Load,0,11/24/2026 6:00:00 AM,Disabled,python.exe,\n",
        encoding="utf-8",
    )
    fake = FakeScheduler()
    planned = plan(read_snapshot(tmp_path), fake)
    assert done(planned, fake)[LOAD].result == "created"
    assert not fake.store[LOAD].enabled


@pytest.mark.parametrize("root", ["<Tasks>{}</Tasks>", "{}"])
def test_file_with_many_tasks_is_restored(tmp_path: Path, root: str) -> None:
    text = "".join(f"<!-- {path} -->{task_xml(f'{number}.exe')}" for number, path in enumerate((LOAD, NIGHTLY)))
    (tmp_path / "tasks.xml").write_text(root.format(text), encoding="utf-8")
    fake = FakeScheduler()
    assert {each.result for each in done(plan(read_snapshot(tmp_path / "tasks.xml"), fake), fake).values()} == {
        "created"
    }
    assert [read_task(encoded(fake.xml(path))).actions[0].command for path in (LOAD, NIGHTLY)] == ["0.exe", "1.exe"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
def test_text_in_another_encoding_is_what_windows_takes(encoding: str) -> None:
    for declaration in ("UTF-16", "UTF-8", encoding.upper()):
        text = task_xml("caféß.exe").replace("UTF-16", declaration)
        registered = stored_text(text.encode(encoding))
        assert registered == task_xml("caféß.exe")
        FakeScheduler().validate(LOAD, registered)


def test_accounts_are_looked_up_as_they_are_written(tmp_path: Path) -> None:
    # "Users" is called otherwise on a server that speaks another language
    principal = "<GroupId>S-1-5-32-545</GroupId>"
    fake = FakeScheduler(accounts={})
    planned = plan(taken(tmp_path, {LOAD: task_xml(principal=principal), NIGHTLY: task_xml()}), fake)
    assert {what for member, what in fake.calls if member == "account_exists"} == {"S-1-5-32-545"}
    assert actions(planned) == {LOAD: "create", NIGHTLY: "create"}


def test_managed_account_is_handed_over_without_a_password(tmp_path: Path) -> None:
    fake = FakeScheduler()
    register = fake.register = Mock(wraps=fake.register)  # type: ignore[method-assign]
    planned = plan(taken(tmp_path, {LOAD: task_xml(principal=STORED.replace("etl", "etl$"))}), fake)
    assert planned.needs.passwords == {}
    done(planned, fake)
    given = register.call_args.kwargs
    assert (given["account"], given["password"], given["logon_type"]) == (r"TOWN\etl$", None, "Password")


def test_access_list_is_restored_without_an_owner_that_may_not_be_set(tmp_path: Path) -> None:
    fake = FakeScheduler(may_give_away=False)
    snapshot = taken(tmp_path, {LOAD: task_xml(), NIGHTLY: task_xml()}, sddl={LOAD: SDDL, NIGHTLY: "O:BA"})
    results = done(plan(snapshot, fake), fake)
    assert fake.store[LOAD].sddl == SDDL.removeprefix("O:BAG:BA")
    assert (results[LOAD].result, results[LOAD].detail[:20]) == ("created", "owner not restored: ")
    assert (results[NIGHTLY].result, results[NIGHTLY].detail[:26]) == ("created", "access list not restored: ")


@pytest.mark.parametrize("code", [door.LOGON_FAILURE, 0x8007000E, 0x8004130F, 0x80070569])
def test_logon_that_is_refused_without_a_password_says_nothing_of_the_definition(tmp_path: Path, code: int) -> None:
    fake = FakeScheduler(faults={("validate", LOAD): SchedulerError(LOAD, code)})
    planned = plan(taken(tmp_path, {LOAD: task_xml(principal=STORED)}), fake)
    assert actions(planned) == {LOAD: "create"}


def test_snapshot_without_access_lists_is_restored(tmp_path: Path) -> None:
    snapshot = taken(tmp_path, {LOAD: task_xml()}, sddl={LOAD: SDDL})
    for kept in (None, [], {LOAD: 5}):
        rewrite_manifest(snapshot.source, sddl=kept)
        assert read_wanted(read_snapshot(snapshot.source)).tasks[0].sddl == ""


@pytest.fixture(autouse=True)
def _no_password_in_a_result(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No error and no result of any test may hold a password."""
    seen: list[str] = []
    plain = Restored.__new__
    monkeypatch.setattr(Restored, "__new__", lambda cls, *a, **k: seen.append(f"{a} {k}") or plain(cls, *a, **k))
    yield
    assert not any(word in text for text in seen for word in ("'secret'", "'wrong'"))
