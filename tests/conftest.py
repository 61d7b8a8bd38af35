"""What several tests share: the sample snapshot, a hostile one, and a rendered page."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from taskanalysis.definition.reader import read_task
from taskanalysis.errors import Problem
from taskanalysis.snapshot.share import sample_share
from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot, write_snapshot
from taskanalysis.snapshot.status import Status
from tests.build import HOSTILE, SCRIPT, definition, report


@pytest.fixture(scope="session")
def sample() -> Snapshot:
    """The newest snapshot of the sample share."""
    return read_snapshot(sample_share())


@pytest.fixture(scope="session")
def hostile() -> Snapshot:
    """A snapshot in which every text that a task can bring is markup, a formula, a secret, or too long."""
    tasks = {path: read_task(definition(text).encode()) for path, text in HOSTILE.items()}
    return Snapshot(
        server="<i>SERVER",
        taken_at=datetime(2026, 11, 23, 11, 2, tzinfo=UTC),
        zone="America/New_York",
        tasks=tasks,
        holds=frozenset({"definitions"}),
        problems=[Problem(f"{SCRIPT}.xml", f"{SCRIPT} --password S3cret")],
        files=dict.fromkeys(tasks, SCRIPT),
    )


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder ``latest`` of a report on the sample share."""
    out = tmp_path_factory.mktemp("reports")
    done = report(out)
    assert done.returncode == 0, done.stderr
    return out / "latest"


@pytest.fixture(scope="session")
def hostile_pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder ``latest`` of a report on a share of hostile tasks."""
    data, out = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("reports")
    write_snapshot(
        data,
        server="SERVER",
        taken_at=datetime(2026, 11, 23, 11, 2, tzinfo=UTC),
        zone="America/New_York",
        statuses=[Status(path, "Ready", True, "never", 1) for path in HOSTILE],
        definitions={path: definition(text).encode() for path, text in HOSTILE.items()}
        | {r"\broken": b"<Task><b onclick='x'>"},
    )
    done = report(out, "--data", str(data))
    assert done.returncode == 0, done.stderr
    return out / "latest"
