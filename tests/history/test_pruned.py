"""What only the history still has of pruned snapshots: it is never deleted, and never another."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest

from taskanalysis.errors import SnapshotError
from taskanalysis.history.frames import History, read_history
from taskanalysis.history.pruned import read_pruned, write_pruned
from taskanalysis.history.store import open_store, update_store
from taskanalysis.history.upkeep import plan_pruning, prune, rebuild, verify
from tests.build import LOAD, assert_same, hours, status, store_files, write, xml

LISTED = Path("history", "pruned.json")
FIRST, WHOLE, LAST = ("SRV", "2026-11-18"), ("SRV", "2026-11-19"), ("SRV", "2026-11-20")


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """Three days of which snapshots were pruned, all of the second, and a server of which none was."""
    for number, hour in enumerate((-60, -40, -20, -19, 0, 1, 2)):
        write(tmp_path, hour, status(last_run=hour - 0.5, code=number % 3), definitions={LOAD: xml()})
    write(tmp_path, 2, status(), server="OTHER")
    prune(tmp_path, plan_pruning(tmp_path, before=hours(2)))
    return tmp_path


@pytest.fixture
def before(share: Path) -> History:
    """What the history of the share was then."""
    history = read_history(share, update=True)
    assert (len(history.coverage), int(history.coverage["pruned"].sum())) == (8, 5)
    assert history.problems == []
    return history


def parquet(share: Path) -> list[Path]:
    """The files of the days, oldest first."""
    return sorted((share / "history").rglob("*.parquet"), key=lambda file: file.name)


def day_file(share: Path, day: tuple[str, str]) -> Path:
    file = open_store(share).file(day)
    assert file
    return file


# The list -------------------------------------------------------------------------------------------------------------


def test_list_without_a_digest_is_that_of_an_earlier_version(tmp_path: Path) -> None:
    pruned = {("SRV", "2026-11-18"): ["20261118T200000Z"], ("A", "2026-11-19"): ["20261119T160000Z"]}
    write_pruned(tmp_path, pruned)
    assert read_pruned(tmp_path) == pruned
    assert read_pruned(tmp_path, "srv") == {FIRST: ["20261118T200000Z"]}
    older = json.loads((tmp_path / LISTED).read_bytes())["pruned"]
    (tmp_path / LISTED).write_text(json.dumps(older), encoding="utf-8")
    assert read_pruned(tmp_path) == pruned


@pytest.mark.parametrize(
    "listed",
    [
        {"SRV": {"2026-11-18": ["20261117T200000Z"]}},
        {"SRV": {"2026-11-18": ["20261118T250000Z"]}},
        {"SRV": {"2026-11-18": [7]}},
        {"SRV": {"2026-11-18": None}},
        {"SRV": {"20261118": ["20261118T200000Z"]}},
        {"SRV": {"2026-11-31": ["20261131T200000Z"]}},
        {"sha256": "0" * 64, "pruned": {"SRV": {"2026-11-18": ["20261118T200000Z"]}}},
        {"sha257": "0" * 64, "pruned": {"SRV": {"2026-11-18": ["20261118T200000Z"]}}},
        {"sha256": "0" * 64},
        [],
        3,
    ],
)
def test_list_that_names_no_snapshots_of_its_days_cannot_be_read(tmp_path: Path, listed: object) -> None:
    (tmp_path / "history").mkdir()
    (tmp_path / LISTED).write_text(json.dumps(listed), encoding="utf-8")
    with pytest.raises(SnapshotError, match=r"^history/pruned\.json can't be read \("):
        read_pruned(tmp_path)


def test_damaged_list_is_a_problem_and_the_pruned_days_are_still_read(share: Path, before: History) -> None:
    good = store_files(share)
    (share / LISTED).write_bytes(good[LISTED.as_posix()].replace(b"1118T2", b"1118T1"))
    kept = store_files(share)
    for update in (False, True, True):
        history = read_history(share, update=update)
        assert_same(history, before)
        assert [(problem.file, problem.what[:14]) for problem in history.unread] == [
            ("history/pruned.json", "can't be read ")
        ]
    write(share, 3, status())
    update_store(share, check=True)
    with pytest.raises(SnapshotError, match=r"pruned\.json"):
        rebuild(share)
    with pytest.raises(SnapshotError, match=r"pruned\.json"):
        prune(share, plan_pruning(share, before=hours(2.5)))
    assert store_files(share) == kept
    assert "history/pruned.json" in {problem.file for problem in verify(share).problems}
    (share / LISTED).write_bytes(good[LISTED.as_posix()])
    assert len(read_history(share, update=True).coverage) == len(before.coverage) + 1


@pytest.mark.parametrize("act", [update_store, rebuild, lambda share: update_store(share, check=True)])
def test_missing_list_is_made_again_from_the_marked_files(
    share: Path, before: History, act: Callable[[Path], object]
) -> None:
    good = store_files(share)
    (share / LISTED).unlink()
    assert_same(read_history(share), before)
    act(share)
    history = read_history(share, update=True)
    assert_same(history, before)
    assert history.problems == []
    assert store_files(share) == good


def test_list_that_is_older_than_the_files_is_completed(share: Path, before: History) -> None:
    good = store_files(share)
    write_pruned(share, {FIRST: ["20261118T200000Z"], LAST: ["20261120T120000Z"]})
    assert_same(read_history(share, update=True), before)
    assert store_files(share) == good


# The files ------------------------------------------------------------------------------------------------------------


def test_files_with_pruned_snapshots_are_marked_before_any_is_deleted(
    share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [file.name[:10] for file in parquet(share) if file.name.endswith(".pruned.parquet")] == [
        "2026-11-18",
        "2026-11-19",
        "2026-11-20",
    ]
    write(share, 3, status(), server="OTHER")
    monkeypatch.setattr(
        "taskanalysis.history.upkeep.rename", Mock(side_effect=PermissionError(13, "Permission denied"))
    )
    with pytest.raises(PermissionError):
        prune(share, plan_pruning(share, before=hours(2.5)))
    assert len([file for file in parquet(share) if file.name.endswith(".pruned.parquet")]) == 4
    monkeypatch.undo()
    assert len(read_history(share, update=True).coverage) == 9


def test_files_of_an_earlier_version_are_marked_by_the_next_update(share: Path, before: History) -> None:
    good = store_files(share)
    for file in parquet(share):
        file.rename(file.with_name(file.name.replace(".pruned", "")))
    assert store_files(share).keys() != good.keys()
    assert_same(read_history(share), before)
    assert update_store(share) == []
    assert store_files(share) == good


@pytest.mark.parametrize("check", [False, True])
def test_snapshot_that_comes_to_a_pruned_day_loses_nothing_of_it(share: Path, before: History, check: bool) -> None:
    write(share, 3, status())
    write(share, -18, status())
    assert update_store(share, check=check) == []
    history = read_history(share)
    assert (len(history.coverage), int(history.coverage["pruned"].sum())) == (10, 5)
    assert history.problems == []
    assert len(parquet(share)) == 4


@pytest.mark.parametrize("marked", [True, False])
def test_what_a_file_alone_has_stays_whatever_a_list_of_an_earlier_version_says(
    share: Path, before: History, marked: bool
) -> None:
    listed = {day: names for (_, day), names in read_pruned(share).items()} | {"2026-11-18": ["20261118T210000Z"]}
    (share / LISTED).write_text(json.dumps({"SRV": listed}), encoding="utf-8")
    for file in [] if marked else parquet(share):
        file.rename(file.with_name(file.name.replace(".pruned", "")))
    history = read_history(share, update=True)
    assert [problem.file for problem in history.unread] == ["SRV/20261118T210000Z/snapshot.json"]
    assert_same(history, before)


def test_damaged_file_of_a_pruned_day_is_a_problem_until_it_is_restored(share: Path, before: History) -> None:
    file = day_file(share, LAST)
    good, names = file.read_bytes(), store_files(share).keys()
    file.write_bytes(good[:-1])
    for update in (False, True, True, False):
        history = read_history(share, update=update)
        assert f"history/{file.name}" in {problem.file for problem in history.unread}
        assert history.coverage["taken_at"].tolist()[-1:] == [hours(2)]
        assert len(history.coverage) == len(before.coverage) - 2
    assert file.read_bytes() == good[:-1], "it is not deleted"
    file.write_bytes(good)
    history = read_history(share, update=True)
    assert_same(history, before)
    assert history.problems == []
    assert store_files(share).keys() == names


def test_history_is_rebuilt_without_the_files_of_others(share: Path, before: History) -> None:
    places = ("server=OTHER/month=2026-11", "eventlogs/OTHER", "eventlogs")
    names = ("notes.txt", ".x.tmp", "2026.parquet")
    notes = [share / "history" / place / name for place in places for name in names]
    for file in notes:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x", encoding="utf-8")
    good = store_files(share)
    assert rebuild(share) == 3
    assert [name for name in good if name not in store_files(share)] == [
        name for name in good if "server=OTHER" in name and "/2026-11-20." in name
    ]
    assert_same(read_history(share, update=True), before)
    assert store_files(share) == good


@pytest.mark.parametrize("flips", [10, pytest.param(500, marks=pytest.mark.slow)])
def test_a_single_flipped_bit_of_what_was_pruned_is_noticed_and_restored(
    share: Path, before: History, flips: int
) -> None:
    good = store_files(share)
    dice = random.Random(20261128)
    for _ in range(0, flips, len(good)):
        for name, content in good.items():  # one after the other: without both the list and a file nothing is known
            flipped = bytearray(content)
            flipped[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
            (share / name).write_bytes(flipped)
            history = read_history(share, update=True)
            known = before.coverage.merge(history.coverage, how="inner")
            assert len(known) == len(history.coverage), name
            if ".pruned." in name:
                assert f"history/{Path(name).name}" in {problem.file for problem in history.unread}, name
                assert len(known) < len(before.coverage)
            else:
                assert_same(history, before)
                assert history.problems or name == LISTED.as_posix(), name
            assert good.keys() <= store_files(share).keys()
            (share / name).write_bytes(content)
            history = read_history(share, update=True)
            assert_same(history, before)
            assert history.problems == [], name
            assert store_files(share) == good, name
