"""What several tests share: the sample snapshot, a hostile one, and a rendered page."""

import csv
import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

from taskanalysis.definition.reader import read_task
from taskanalysis.errors import Problem
from taskanalysis.history import update_store
from taskanalysis.snapshot.share import sample_share
from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot, write_snapshot
from taskanalysis.snapshot.status import Status
from tests.build import FILES, HOSTILE, SCRIPT, definition, hours, report, write_many

settings.register_profile("not timed", settings(), deadline=None)  # a busy machine is no failure
settings.load_profile("not timed")


def pytest_configure(config: pytest.Config) -> None:
    """Bring the history of the sample share up to date once, as a report does: reading would compute it each time."""
    if not hasattr(config, "workerinput"):
        update_store(sample_share())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip under Wine what Wine lacks, by the list in `wine.csv`."""
    if os.name == "nt" and hasattr(ctypes.WinDLL("ntdll"), "wine_get_version"):  # type: ignore[attr-defined,unused-ignore]
        with (FILES / "wine.csv").open(encoding="utf-8", newline="") as file:
            lacks = {row["test"]: row["reason"] for row in csv.DictReader(file)}
        for item in items:
            if reason := lacks.get(item.nodeid) or lacks.get(item.nodeid.partition("[")[0]):
                item.add_marker(pytest.mark.skip(reason=reason))


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


def made_once(
    factory: pytest.TempPathFactory, name: str, make: Callable[[Path], subprocess.CompletedProcess[str]]
) -> Path:
    """The folder ``latest`` of a report, made once however many processes run the tests; its output lies beside it."""
    root = factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else factory.getbasetemp()
    out = root / name
    with FileLock(root / f"{name}.lock"):
        if not (out / "index.html").exists():
            done = make(out)
            assert done.returncode == 0, done.stderr
            out.with_suffix(".out").write_text(done.stdout, encoding="utf-8")
            out.with_suffix(".err").write_text(done.stderr, encoding="utf-8")
    return out / "latest"


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder ``latest`` of a report on the sample share."""
    return made_once(tmp_path_factory, "reports", lambda out: report(out, "-v"))


@pytest.fixture(scope="session")
def hostile_pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder ``latest`` of a report on a share of hostile tasks."""

    def make(out: Path) -> subprocess.CompletedProcess[str]:
        data = tmp_path_factory.mktemp("data")
        write_snapshot(
            data,
            server="SERVER",
            taken_at=datetime(2026, 11, 23, 11, 2, tzinfo=UTC),
            zone="America/New_York",
            statuses=[Status(path, "Ready", True, "never", 1) for path in HOSTILE],
            definitions={path: definition(text).encode() for path, text in HOSTILE.items()}
            | {r"\broken": b"<Task><b onclick='x'>"},
        )
        return report(out, "--data", str(data))

    return made_once(tmp_path_factory, "hostile", make)


@pytest.fixture(scope="session")
def many_pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder ``latest`` of a report on so many tasks that their stories are on several pages."""

    def make(out: Path) -> subprocess.CompletedProcess[str]:
        data = tmp_path_factory.mktemp("data")
        write_many(data)
        made = report(out, "--data", str(data), "--at", hours(1).isoformat(), "--keep", "1")
        (out / "latest" / "tasks-7.html").write_text("of an earlier run, which had more tasks", encoding="utf-8")
        shutil.rmtree(out / "runs")
        again = report(out, "--data", str(data), "--at", hours(1).isoformat(), "--keep", "1")
        return again if made.returncode == 0 else made

    return made_once(tmp_path_factory, "many", make)
