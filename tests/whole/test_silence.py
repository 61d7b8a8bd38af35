"""Silence is never good news: whatever a collector loses, no alarm goes quiet; and what is well stays quiet.

``python -m tests.whole.test_silence NUMBER SEED`` tries many more random shares than the tests.
"""

import json
import random
import shutil
import sys
import tempfile
from datetime import datetime
from pathlib import Path

import pytest

from taskanalysis.errors import SnapshotError
from taskanalysis.health import Assessment
from taskanalysis.publish.index import read_standing
from taskanalysis.report import StatusPage
from tests.whole.offices import (
    DAY,
    END,
    LOSSES,
    MINUTE,
    Loss,
    healthy,
    judged,
    with_alarm,
    without_more_snapshots,
)

CALM = "no need to worry"


def check_loss(folder: Path, seed: int, loss: Loss | None = None) -> None:
    """A share with an alarm that then loses something: the code is never 0, and nothing says that all is well."""
    dice = random.Random(seed)
    office, job = with_alarm(dice)
    loss = loss or dice.choice(LOSSES)
    office.write_all(folder, leave=1)
    before = judged(folder, office.moments[-2] + MINUTE)
    assert job.path in {task.path for task in before.loud}, (
        seed,
        loss.__name__,
        "the alarm was not there",
        before.unseen,
    )
    loss(office, job, folder)
    now = END + (30 * DAY if loss is without_more_snapshots else 0 * DAY)
    try:
        found = judged(folder, now)
    except SnapshotError:
        return  # exit code 2, one sentence
    assert found.code != 0, (seed, loss.__name__)
    assert CALM not in " ".join(found.lines()), (seed, loss.__name__)
    check_same(folder, found, now)


def check_same(folder: Path, found: Assessment, now: datetime) -> None:
    """The index has the numbers and the code of the check."""
    page = StatusPage(found.snapshot, found.folder, history=found.history)
    page.save(folder / "made")
    standing = read_standing(folder / "made" / "status.json")
    assert standing
    assert standing.code(now) == found.code
    assert (standing.attention, CALM in standing.headline) == (len(found.loud), False)
    shutil.rmtree(folder / "made")


def check_health(folder: Path, seed: int) -> None:
    """A share on which all is well: exit code 0."""
    office = healthy(random.Random(seed))
    office.write_all(folder)
    found = judged(folder)
    assert found.code == 0, (seed, found.lines())


# A few of each kind, the same each time -------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_loss_never_quiets_an_alarm(loss: Loss, tmp_path: Path) -> None:
    for seed in range(2):
        check_loss(tmp_path / str(seed), seed, loss)


def test_what_is_well_is_quiet(tmp_path: Path) -> None:
    for seed in range(8):
        check_health(tmp_path / str(seed), seed)


# New ones each time ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_random_losses_never_quiet_an_alarm(tmp_path: Path) -> None:
    for seed in random.SystemRandom().sample(range(10**9), 150):
        check_loss(tmp_path / "share", seed)
        shutil.rmtree(tmp_path / "share")


@pytest.mark.slow
def test_random_shares_that_are_well_are_quiet(tmp_path: Path) -> None:
    for seed in random.SystemRandom().sample(range(10**9), 60):
        check_health(tmp_path / "share", seed)
        shutil.rmtree(tmp_path / "share")


def try_many(number: int, first: int) -> None:
    """Random losses, a tenth as many healthy shares; prints each failure with its seed."""
    failures = 0
    for seed in range(first, first + number):
        with tempfile.TemporaryDirectory() as folder:
            try:
                check_loss(Path(folder) / "loss", seed)
                if seed % 10 == 0:
                    check_health(Path(folder) / "healthy", seed)
            except AssertionError as error:
                failures += 1
                print(json.dumps(str(error)[:1500]))
    print(f"{number} losses, {number // 10} healthy shares from seed {first}: {failures} failures")


if __name__ == "__main__":
    try_many(int(sys.argv[1]), int(sys.argv[2]))
