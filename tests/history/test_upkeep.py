"""Verifying, pruning and rebuilding a share."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from taskanalysis.cli import main
from taskanalysis.errors import SnapshotError
from taskanalysis.history.frames import read_history
from taskanalysis.history.store import update_store
from taskanalysis.history.upkeep import prune, rebuild, verify
from taskanalysis.snapshot.share import list_snapshots
from taskanalysis.snapshot.snapshot import read_snapshot
from tests.build import LOAD, hours, rewrite_manifest, status, write, xml


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
    return [(each.taken_at - hours(0)) // timedelta(hours=1) for each in list_snapshots(share)]


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
        ("snapshot.json", f"{folder(share, 2)}: snapshot.json can't be read"),
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


def test_pruning_keeps_snapshots_whose_definitions_are_needed(share: Path) -> None:
    gone = prune(share, before=hours(2))
    assert [each.taken_at for each in gone] == [hours(1)]
    assert stamps(share) == [0, 2, 3, 4], "the third names the definitions of the first"
    assert verify(share).problems == []
    assert [each.taken_at for each in prune(share, before=hours(3))] == [hours(0), hours(2)]
    assert verify(share).problems == []
    assert read_snapshot(share).tasks[LOAD].actions[0].command == "b.exe"


def test_empty_month_is_removed(share: Path) -> None:
    write(share, 24 * 40, status(last_run=0), definitions={LOAD: xml("c.exe")})
    prune(share, before=hours(24 * 40))
    assert [month.name for month in (share / "snapshots" / "SRV").iterdir()] == ["2026-12"]


def test_history_without_pruned_snapshots_is_the_same_when_rebuilt(share: Path) -> None:
    assert len(read_history(share).runs) == 5
    prune(share, before=hours(3))
    runs = read_history(share).runs
    assert runs["started"].tolist() == [hours(3), hours(4)]
    rebuild(share)
    assert not list(share.glob("history/server=*"))
    assert read_history(share).runs.equals(runs)


@pytest.mark.parametrize("act", [verify, rebuild, update_store, partial(prune, before=hours(0))])
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


def test_command_prunes_and_refuses_invalid_ages(share: Path) -> None:
    code, lines = history("--data", str(share), "--prune", "0d")
    assert (code, lines[0]) == (0, "3 snapshots older than 0d deleted.")
    for wrong in ("30", "x", "-1d", "1.5d", ""):
        assert history("--data", str(share), "--prune", wrong)[0] == 2
    assert stamps(share) == [3, 4], "the newest is never pruned, nor what it needs"
