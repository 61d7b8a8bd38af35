"""What several tests share: the sample snapshot, a hostile one, and a rendered page."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from taskanalysis.definition.reader import read_task
from taskanalysis.errors import Problem
from taskanalysis.snapshot.share import sample_share
from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot, write_snapshot
from taskanalysis.snapshot.status import Status

SCRIPT = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"


HOSTILE = {
    r"\<b>bold": SCRIPT,
    r"\=cmd|'x'!A1": "=1+1",
    r"\{{ 7*7 }} {% raw %} $a$b$": "{{ 7*7 }}",
    "\\" + "long" * 50: "x" * 10_000,
    r"\tab": "\t=1+1",
    r"\at": "@SUM(1)",
    r"\secret": "--password S3cret",
}


def definition(text: str) -> str:
    safe = text.replace("&", "&amp;").replace("<", "&lt;")
    exec_action = "".join(f"<{name}>{safe}</{name}>" for name in ("Command", "Arguments", "WorkingDirectory"))
    return (
        f"<Task><RegistrationInfo><Author>{safe}</Author><Description>{safe}</Description></RegistrationInfo>"
        f"<Triggers><LogonTrigger><UserId>{safe}</UserId></LogonTrigger></Triggers>"
        f"<Principals><Principal><UserId>{safe}</UserId></Principal></Principals>"
        f"<Actions><Exec>{exec_action}</Exec></Actions></Task>"
    )


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


def report(out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run ``taskanalysis report`` as a user does, in a process of its own."""
    command = [sys.executable, "-m", "taskanalysis", "report", "--reports", str(out), *options]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False)


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
