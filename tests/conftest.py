"""What several tests share: the sample snapshot, a hostile one, and a rendered page."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from taskanalysis.errors import Problem
from taskanalysis.snapshot import Snapshot, read_snapshot, sample_share
from taskanalysis.taskxml import read_task

NOW = datetime(2026, 11, 23, 11, 5, tzinfo=UTC)
SCRIPT = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"


@pytest.fixture(scope="session")
def sample() -> Snapshot:
    """The newest snapshot of the sample share."""
    return read_snapshot(sample_share())


@pytest.fixture(scope="session")
def hostile() -> Snapshot:
    """A snapshot in which every text that a task can bring is markup, a formula, a secret, or too long."""
    texts = {
        r"\<b>bold": SCRIPT,
        r"\=cmd|'x'!A1": "=1+1",
        r"\{{ 7*7 }} {% raw %} $a$b$": "{{ 7*7 }}",
        "\\" + "long " * 50: "x" * 10_000,
        r"\tab": "\t=1+1",
        r"\at": "@SUM(1)",
        r"\secret": "--password S3cret",
    }
    tasks = {path: read_task(_definition(text).encode()) for path, text in texts.items()}
    return Snapshot(
        server="<i>SERVER",
        taken_at=datetime(2026, 11, 23, 11, 2, tzinfo=UTC),
        zone="America/New_York",
        tasks=tasks,
        holds=frozenset({"definitions"}),
        problems=[Problem(f"{SCRIPT}.xml", f"{SCRIPT} --password S3cret")],
        files=dict.fromkeys(tasks, SCRIPT),
    )


def _definition(text: str) -> str:
    safe = text.replace("&", "&amp;").replace("<", "&lt;")
    exec_action = "".join(f"<{name}>{safe}</{name}>" for name in ("Command", "Arguments", "WorkingDirectory"))
    return (
        f"<Task><RegistrationInfo><Author>{safe}</Author><Description>{safe}</Description></RegistrationInfo>"
        f"<Triggers><LogonTrigger><UserId>{safe}</UserId></LogonTrigger></Triggers>"
        f"<Principals><Principal><UserId>{safe}</UserId></Principal></Principals>"
        f"<Actions><Exec>{exec_action}</Exec></Actions></Task>"
    )


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder ``latest`` of a report on the sample share."""
    from taskanalysis.report import NOTEBOOKS, write_report  # noqa: PLC0415 (papermill and nbconvert take a second)

    reports = tmp_path_factory.mktemp("reports")
    parameters = {"data": str(sample_share()), "server": "", "folder": "", "at": ""}
    for name in NOTEBOOKS:
        write_report(name, reports, parameters, now=NOW)
    return reports / "latest"
