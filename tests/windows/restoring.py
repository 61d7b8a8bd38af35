"""What the tests of restoring share: a snapshot with certain tasks, and the results of a plan."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot, write_snapshot
from taskanalysis.snapshot.status import Status
from taskanalysis.windows.restorable import encoded
from taskanalysis.windows.restore import Plan, Restored, apply
from taskanalysis.windows.scheduler import Scheduler
from tests import build

NOW = datetime(2026, 11, 23, 11, 2, tzinfo=UTC)
CORPUS = build.CORPUS / "xml"
HOSTILE = [
    "O'Brien",
    "\u2019; ni owned; \u2018",
    "'; ni owned; '",
    "\u2018\u2019\u201a\u201b",
    "$(ni owned) $x ${x} @(1) %PATH%",
    "`$ `' `n ``",
    "@'",
    "# SIG # Begin signature block",
    "{0} } ) ; & && ^",
    "=1+1",
    "@SUM(1)",
    "[ab]",
    "-WhatIf",
    "\U0001f5c4 archive",
    "\u202egnp.exe",
]
"""Names that a task can have and that a script or a table could take for more than a name."""


def taken(tmp_path: Path, tasks: dict[str, str], **more: Any) -> Snapshot:
    """A snapshot of our format with these definitions."""
    write_snapshot(
        tmp_path / "share",
        server="OPENDATA01",
        taken_at=NOW,
        zone="America/New_York",
        statuses=more.pop("statuses", [Status(path, "Ready", True) for path in tasks]),
        definitions={path: encoded(xml) for path, xml in tasks.items()},
        **more,
    )
    return read_snapshot(tmp_path / "share")


def done(planned: Plan, scheduler: Scheduler, password: str = "secret", **more: Any) -> dict[str, Restored]:
    """The result for each task, every account with the same password."""
    results = apply(planned, scheduler, dict.fromkeys(planned.passwords, password), **more)
    return {each.path: each for each in results}


def actions(planned: Plan) -> dict[str, str]:
    return {step.wanted.path: step.action.value for step in planned.steps}


def stored(snapshot: Snapshot) -> dict[str, bytes]:
    """The stored definitions by task path, also where an earlier snapshot holds them."""
    stamp = snapshot.manifest["definitions"]
    folder = snapshot.source.parents[1] / f"{stamp[:4]}-{stamp[4:6]}" / stamp / "tasks"
    return {path: (folder / name).read_bytes() for path, name in snapshot.files.items()}
