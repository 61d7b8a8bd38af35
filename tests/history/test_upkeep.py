"""Verifying, pruning and rebuilding a share."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import pandas as pd
import pytest
from click.testing import CliRunner

from taskanalysis.cli import main
from taskanalysis.errors import Problem, SnapshotError, UnfinishedError
from taskanalysis.history.frames import read_history
from taskanalysis.history.store import update_store
from taskanalysis.history.upkeep import EXPLAINS, LAST, NEEDED, NEWEST, plan_pruning, prune, rebuild, verify
from taskanalysis.snapshot import plain_path
from taskanalysis.snapshot.share import list_snapshots
from taskanalysis.snapshot.snapshot import read_snapshot
from tests.build import LOAD, hours, link, rewrite_manifest, status, write, xml


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """Five snapshots, an hour apart, the first and the fourth with definitions of their own."""
    for hour in range(5):
        command = "a.exe" if hour < 3 else "b.exe"
        write(tmp_path, hour, status(last_run=hour), definitions={LOAD: xml(command)})
    return tmp_path


def folder(share: Path, number: int) -> Path:
    return list_snapshots(share)[number].path


def problems(share: Path) -> list[tuple[str, str]]:
    return [(problem.file.partition("Z/")[2], problem.what) for problem in verify(share).problems]


def stamps(share: Path) -> list[int]:
    """The hours of the snapshots that are there."""
    return [(snapshot.taken_at - hours(0)) // timedelta(hours=1) for snapshot in list_snapshots(share)]


def test_unchanged_share_is_whole(share: Path) -> None:
    assert verify(share) == (5, [], [])


def test_differences_from_the_manifest_are_problems(share: Path) -> None:
    (folder(share, 0) / "tasks" / "OpenData" / "Load.xml").write_bytes(xml("other.exe"))
    (folder(share, 1) / "status.csv").unlink()
    (folder(share, 2) / "snapshot.json").write_text("{", encoding="utf-8")
    rewrite_manifest(folder(share, 3), tasks=7)
    (folder(share, 4) / "stray.txt").write_text("x", encoding="utf-8")
    assert [(file, what.split("(")[0].strip()) for file, what in problems(share)] == [
        ("tasks/OpenData/Load.xml", "was changed after the snapshot was written"),
        ("status.csv", "is not there"),
        ("status.csv", "can't be opened"),
        ("snapshot.json", f"{plain_path(folder(share, 2))}: snapshot.json can't be read"),
        ("status.csv", "has 1 tasks, and snapshot.json says 7"),
        ("stray.txt", "is not in the list of snapshot.json"),
    ]


def test_missing_definitions_are_a_problem_of_each_snapshot_that_needs_them(share: Path) -> None:
    folder(share, 0).rename(share / "away")
    assert [file for file, what in problems(share) if "are not there" in what] == ["snapshot.json"] * 2


def test_gap_is_an_interval_longer_than_usual(share: Path) -> None:
    write(share, 9, status(last_run=9))
    ((before, gap),) = verify(share).gaps
    assert (before.taken_at, gap) == (hours(4), timedelta(hours=5))
    write(share, 0, status(last_run=0), server="ALONE")
    assert len(verify(share).gaps) == 1


def test_unlisted_file_of_any_kind_is_a_problem(share: Path) -> None:
    (folder(share, 4) / "tasks" / "OpenData").mkdir(parents=True)
    link(folder(share, 4) / "tasks" / "OpenData" / "More.xml", "nowhere")
    assert problems(share) == [("tasks/OpenData/More.xml", "is not in the list of snapshot.json")]


def test_stored_day_that_differs_from_its_snapshots_is_a_problem(share: Path) -> None:
    read_history(share, update=True)
    assert verify(share).problems == []
    write(share, 24, status(last_run=0))
    read_history(share, update=True)
    file = folder(share, 5) / "status.csv"
    content = file.read_bytes().replace(b",Ready,", b",Queued,")
    file.write_bytes(content)
    rewrite_manifest(folder(share, 5), sha256={"status.csv": hashlib.sha256(content).hexdigest()})
    (problem,) = verify(share).problems
    assert problem.file.startswith("history/2026-11-21.")
    assert problem.what == "differs from its snapshots as they are now"
    rebuild(share)
    read_history(share, update=True)
    assert verify(share).problems == []


def test_damaged_file_of_the_store_is_a_problem(share: Path) -> None:
    read_history(share, update=True)
    (file,) = share.glob("history/server=SRV/*/*.parquet")
    file.write_bytes(b"PAR1")
    assert verify(share).problems == [
        (f"history/{file.name}", "is damaged (its bytes have changed since it was written)")
    ]


def test_error_that_nobody_expects_is_a_problem_and_the_rest_is_verified(
    share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taskanalysis.history.upkeep.read_statuses", Mock(side_effect=KeyError("x")))
    found = verify(share)
    assert found.snapshots == 5
    assert [problem.what for problem in found.problems] == ["can't be verified (KeyError: 'x')"] * 5


def test_folder_that_cant_be_listed_is_verified_to_be_a_problem(share: Path) -> None:
    write(share, 0, status(), server="OTHER")
    link(share / "snapshots" / "LOOP", share / "snapshots" / "LOOP")
    found = verify(share)
    assert [problem.file for problem in found.problems] == ["snapshots/LOOP"]
    assert found.snapshots == 6


# Pruning --------------------------------------------------------------------------------------------------------------


def pruned(share: Path, before: float) -> list[float]:
    """Prune what is older; the hours of what was deleted."""
    plan = plan_pruning(share, before=hours(before))
    there = list_snapshots(share)
    assert there == sorted([*plan.deleted, *(snapshot for snapshot in there if snapshot not in plan.deleted)])
    prune(share, plan)
    return [(snapshot.taken_at - hours(0)) / timedelta(hours=1) for snapshot in plan.deleted]


def test_pruning_keeps_snapshots_whose_definitions_are_needed(share: Path) -> None:
    assert pruned(share, 2) == [1]
    assert stamps(share) == [0, 2, 3, 4], "the third names the definitions of the first"
    assert verify(share).problems == []
    assert pruned(share, 3) == [2]
    assert verify(share).problems == []
    assert read_snapshot(share).tasks[LOAD].actions[0].command == "b.exe"


def test_plan_says_what_stays_and_why_and_changes_nothing(share: Path) -> None:
    write(share, 0.5, status(), server="GONE")
    write(share, 5, status())
    plan = plan_pruning(share, before=hours(5))
    kept = {reason: [snapshot.taken_at for snapshot in snapshots] for reason, snapshots in plan.kept.items()}
    assert kept == {NEWEST: [hours(0.5)], NEEDED: [hours(3)], LAST: [hours(4)], EXPLAINS: [hours(0)]}
    assert [snapshot.taken_at for snapshot in plan.deleted] == [hours(1), hours(2)]
    assert stamps(share) == [0, 0, 1, 2, 3, 4, 5]


def test_last_definitions_stay_where_only_statuses_were_collected_since(share: Path) -> None:
    for hour in (50, 51):
        write(share, hour, status())
    assert pruned(share, 50) == [1, 2]
    assert read_snapshot(share, holding="definitions").tasks[LOAD].actions[0].command == "b.exe"


@pytest.mark.parametrize("number", [2, 3, 4])
@pytest.mark.parametrize("content", ["{", '{"format": 2}'])
def test_nothing_is_pruned_while_a_younger_snapshot_cant_be_read(share: Path, number: int, content: str) -> None:
    write(share, 0, status(), server="OTHER")
    unreadable = list_snapshots(share, "SRV")[number].path
    (unreadable / "snapshot.json").write_text(content, encoding="utf-8")
    with pytest.raises(UnfinishedError, match=f"nothing is deleted because of SRV/{unreadable.name}: it can't be read"):
        plan_pruning(share, before=hours(2))


@pytest.mark.parametrize("number", [2, 3, 4])
def test_nothing_is_pruned_while_a_file_of_a_younger_snapshot_is_cut(share: Path, number: int) -> None:
    file = folder(share, number) / "status.csv"
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(
        UnfinishedError, match=f"nothing is deleted because of SRV/{file.parent.name}: it can't be read"
    ):
        plan_pruning(share, before=hours(2))


def test_nothing_is_pruned_while_definitions_that_a_younger_snapshot_needs_are_damaged(share: Path) -> None:
    (folder(share, 0) / "tasks" / "OpenData" / "Load.xml").write_bytes(xml("other.exe"))
    with pytest.raises(UnfinishedError, match=f"nothing is deleted because of SRV/{folder(share, 0).name}: it can't"):
        plan_pruning(share, before=hours(2))


@pytest.mark.parametrize("name", ["SRV/2026-12", "OTHER"])
def test_nothing_is_pruned_while_a_file_is_in_the_place_of_a_folder(share: Path, name: str) -> None:
    (share / "snapshots" / name).write_bytes(b"")
    with pytest.raises(UnfinishedError, match=f"nothing is deleted because of snapshots/{name}"):
        plan_pruning(share, before=hours(2))


def test_older_snapshot_that_cant_be_read_is_pruned(share: Path) -> None:
    (folder(share, 1) / "snapshot.json").write_text("{", encoding="utf-8")
    assert pruned(share, 2) == [1]


def test_nothing_is_pruned_while_a_folder_cant_be_listed(share: Path) -> None:
    link(share / "snapshots" / "LOOP", share / "snapshots" / "LOOP")
    with pytest.raises(UnfinishedError, match="nothing is deleted because of snapshots/LOOP"):
        plan_pruning(share, before=hours(2))


def test_empty_month_is_removed(share: Path) -> None:
    write(share, -24 * 40, status(last_run=-24 * 41))
    assert {month.name for month in (share / "snapshots" / "SRV").iterdir()} == {"2026-10", "2026-11"}
    pruned(share, -24 * 39)
    assert [month.name for month in (share / "snapshots" / "SRV").iterdir()] == ["2026-11"]


def test_history_keeps_what_pruned_snapshots_showed(share: Path) -> None:
    before = read_history(share, update=True)
    assert len(before.runs) == 5
    pruned(share, 3)
    for update in (False, True):
        after = read_history(share, update=update)
        for name in ("runs", "events", "changes", "spans"):
            pd.testing.assert_frame_equal(getattr(after, name), getattr(before, name))
        assert after.coverage["pruned"].tolist() == [False, True, True, False, False]
        assert after.problems == []
    assert after.definitions(hours(1)) == before.definitions(hours(1))
    assert verify(share).problems == []


def test_whole_day_that_was_pruned_stays_also_when_the_history_is_rebuilt(share: Path) -> None:
    for hour in (40, 41, 70):
        write(share, hour, status())
    before = read_history(share, update=True)
    assert pruned(share, 60) == [1, 2, 40, 41]
    assert [gap.taken_at for gap, _ in verify(share).gaps] == [hours(4), hours(41)], "what was pruned is no gap"
    assert rebuild(share) == 2
    after = read_history(share, update=True)
    assert after.runs.equals(before.runs)
    write(share, 71, status())
    assert len(read_history(share, update=True).coverage) == len(before.coverage) + 1


def test_snapshot_that_comes_to_a_day_of_pruned_ones_is_added(share: Path) -> None:
    before = read_history(share, update=True)
    pruned(share, 3)
    write(share, 5, status())
    for update in (False, True):
        history = read_history(share, update=update)
        assert (len(history.coverage), history.problems) == (len(before.coverage) + 1, [])
        assert history.coverage["pruned"].sum() == 2
    assert verify(share).problems == []


def test_what_was_pruned_and_is_lost_is_a_problem(share: Path) -> None:
    read_history(share, update=True)
    pruned(share, 3)
    (file,) = (share / "history").glob("server=*/*/*")
    file.unlink()
    lost = read_history(share, update=False)
    assert lost.coverage["taken_at"].tolist() == [hours(0), hours(3), hours(4)]
    assert lost.unread == [
        Problem("history/pruned.json", "what 2 pruned snapshots of SRV on 2026-11-20 had is no longer known")
    ]
    for update in (True, False, True):
        lost = read_history(share, update=update)
        assert len(lost.coverage) == 3
        assert [problem.file for problem in lost.unread] == [
            "SRV/20261120T130000Z/snapshot.json",
            "SRV/20261120T140000Z/snapshot.json",
        ]


def test_list_of_pruned_snapshots_that_cannot_be_read_stops_all_writing(share: Path) -> None:
    read_history(share, update=True)
    pruned(share, 3)
    listed = share / "history" / "pruned.json"
    good, files = listed.read_bytes(), list((share / "history").glob("server=*/*/*"))
    listed.write_bytes(b"{")
    assert {problem.file for problem in read_history(share, update=True).problems} >= {"history/pruned.json"}
    with pytest.raises(SnapshotError, match=r"pruned\.json"):
        rebuild(share)
    assert list((share / "history").glob("server=*/*/*")) == files
    listed.write_bytes(good)
    assert len(read_history(share, update=True).runs) == 5


def test_nothing_is_pruned_where_the_history_cannot_be_written(share: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "taskanalysis.history.store.write_whole", Mock(side_effect=OSError(28, "No space left on device"))
    )
    with pytest.raises(UnfinishedError, match="nothing is deleted: the history, which keeps their runs"):
        pruned(share, 3)
    assert stamps(share) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("act", [verify, rebuild, update_store, partial(plan_pruning, before=hours(0))])
def test_folder_that_is_no_share_is_refused(tmp_path: Path, act: Callable[[Path], object]) -> None:
    with pytest.raises(SnapshotError, match="is not a share"):
        act(tmp_path)
    assert list(tmp_path.iterdir()) == []


# The command ----------------------------------------------------------------------------------------------------------


def history(*arguments: str) -> tuple[int, list[str]]:
    done = CliRunner().invoke(main, ["history", *arguments])
    return done.exit_code, done.output.splitlines()


def test_command_updates_the_history_and_prints_its_contents(share: Path) -> None:
    line = "SRV: 5 snapshots from 2026-11-20 12:00 to 2026-11-20 16:00 UTC, 5 runs, 1 change."
    assert history("--data", str(share)) == (0, [line])
    assert list(share.glob("history/server=SRV/month=2026-11/*.parquet"))
    assert history("--data", str(share), "--rebuild") == (0, [line])


def test_command_verifies_with_an_exit_code(share: Path) -> None:
    write(share, 9, status(last_run=9))
    code, lines = history("--data", str(share), "--verify")
    assert (code, lines[1:]) == (
        0,
        ["GAP SRV 2026-11-20 16:00 UTC: no snapshot for 5 hours", "6 snapshots verified, 0 problems."],
    )
    (folder(share, 4) / "stray.txt").write_text("x", encoding="utf-8")
    code, lines = history("--data", str(share), "--verify")
    assert (code, lines[-1]) == (1, "PROBLEM SRV/20261120T160000Z/stray.txt: is not in the list of snapshot.json")


def test_command_prints_the_plan_and_prunes_where_it_is_applied(share: Path) -> None:
    write(share, 5, status(), definitions={LOAD: xml("b.exe")})
    plan = [
        "To delete: 3 snapshots older than 0d, from 2026-11-20 13:00 to 2026-11-20 16:00 UTC.",
        "Kept although older: 1 snapshot, because no later one of its server is there: SRV/20261120T170000Z.",
        "Kept although older: 1 snapshot, because a later one uses its definitions: SRV/20261120T150000Z.",
        "Kept although older: 1 snapshot, because its definitions explain the runs of deleted ones: "
        "SRV/20261120T120000Z.",
    ]
    code, lines = history("--data", str(share), "--prune", "0d")
    assert (code, sorted(lines[:4])) == (0, sorted(plan))
    assert lines[4] == "Nothing was deleted; --apply carries out the plan."
    assert stamps(share) == [0, 1, 2, 3, 4, 5]
    code, lines = history("--data", str(share), "--prune", "0d", "--apply")
    said = "3 snapshots deleted. The history keeps what it knows of them."
    assert (code, sorted(lines[:4]), lines[4]) == (0, sorted(plan), said)
    assert lines[5].startswith("SRV: 6 snapshots (3 of them pruned) from 2026-11-20 12:00 to 2026-11-20 17:00 UTC, ")
    assert stamps(share) == [0, 3, 5], "the newest is never pruned, nor what it or the history needs"
    code, lines = history("--data", str(share), "--prune", "0d", "--apply")
    assert (code, lines[0]) == (0, "To delete: 0 snapshots older than 0d.")


def test_command_refuses_invalid_ages(share: Path) -> None:
    for wrong in ("30", "x", "-1d", "1.5d", ""):
        assert history("--data", str(share), "--prune", wrong, "--apply")[0] == 2
    assert stamps(share) == [0, 1, 2, 3, 4]


def test_command_that_may_not_prune_ends_with_code_3(share: Path) -> None:
    (folder(share, 4) / "snapshot.json").write_text("{", encoding="utf-8")
    code, lines = history("--data", str(share), "--prune", "0d", "--apply")
    assert (code, stamps(share)) == (3, [0, 1, 2, 3, 4])
    assert lines[0].startswith("taskanalysis: nothing is deleted because of SRV/20261120T160000Z: it can't be read")


@pytest.mark.parametrize("options", [["--prune", "400d"], ["--prune", "400d", "--apply"], ["--rebuild"], ["--apply"]])
def test_options_that_delete_need_the_name_of_the_share(options: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taskanalysis.snapshot.sample_share", Mock(side_effect=AssertionError))
    code, lines = history(*options)
    assert code == 2
    assert ("--data" if options != ["--apply"] else "--prune") in lines[-1]


@pytest.mark.parametrize("server", ["SRV", "ZZZ"])
def test_command_verifies_a_server_without_a_readable_snapshot(share: Path, server: str) -> None:
    write(share, 30, status(), server="ZZZ")
    for found in list_snapshots(share, server):
        (found.path / "snapshot.json").write_text("{", encoding="utf-8")
    code, lines = history("--data", str(share), "--verify")
    assert code == 1
    assert f"6 snapshots verified, {5 if server == 'SRV' else 1} problem" in "\n".join(lines)
