"""What tests of collecting and restoring share: a server, a snapshot with certain tasks, and the results of a plan."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from taskanalysis.errors import UnfinishedError
from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot, write_snapshot
from taskanalysis.snapshot.status import Status
from taskanalysis.windows.restorable import encoded
from taskanalysis.windows.restore import Plan, Restored, apply
from taskanalysis.windows.scheduler import Scheduler
from tests import build
from tests.doubles.scheduler import FakeScheduler, task_xml

NOW = datetime(2026, 11, 23, 11, 2, tzinfo=UTC)
NOON = datetime(2026, 11, 23, 17, 2, tzinfo=UTC)
LOAD, NIGHTLY = r"\OpenData\Load", r"\OpenData\Permits\Nightly"
STORED = r"<UserId>TOWN\etl</UserId><LogonType>Password</LogonType>"
SDDL = "O:BAG:BAD:(A;;FA;;;BA)(A;;FR;;;S-1-5-21-1-2-3-1001)"
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
    known = {"server": "OPENDATA01", "taken_at": NOW, "zone": "America/New_York"}
    known["statuses"] = [Status(path, "Ready", True) for path in tasks]
    known["definitions"] = {path: encoded(xml) for path, xml in tasks.items()}
    write_snapshot(tmp_path / "share", **known | more)
    return read_snapshot(tmp_path / "share")


def done(planned: Plan, scheduler: Scheduler, password: str = "secret", **more: Any) -> dict[str, Restored]:
    """The result for each task, every account with the same password."""
    results = apply(planned, scheduler, dict.fromkeys(planned.needs.passwords, password), **more)
    return {each.path: each for each in results}


def actions(planned: Plan) -> dict[str, str]:
    return {step.wanted.path: step.action.value for step in planned.steps}


def stored(snapshot: Snapshot) -> dict[str, bytes]:
    """The stored definitions by task path, also where an earlier snapshot holds them."""
    stamp = snapshot.manifest["definitions"]
    folder = snapshot.source.parents[1] / f"{stamp[:4]}-{stamp[4:6]}" / stamp / "tasks"
    return {path: (folder / name).read_bytes() for path, name in snapshot.files.items()}


def change(file: Path) -> None:
    """Damage a file."""
    file.write_bytes(file.read_bytes() + b" \0")


def server() -> FakeScheduler:
    """Three tasks in three folders, one of them Windows' own."""
    fake = FakeScheduler()
    fake.add(
        LOAD, task_xml("load.exe"), last_run=NOON - timedelta(hours=1), last_result=1, next_run=NOON, missed_runs=2
    )
    fake.add("\\OpenData\\Permits\\Nightly: new?", task_xml("nightly.exe"), state="Disabled", enabled=False)
    fake.add("\\Microsoft\\Windows\\Scan", task_xml("scan.exe"), state="Running", last_result=267009)
    return fake


class Wevtutil:
    """As wevtutil answers: whether the log is on, and a file where one is exported."""

    def __init__(self, enabled: bool = True, fails: bool = False) -> None:
        self.enabled, self.fails, self.asked = enabled, fails, list[str]()

    def __call__(self, words: Any) -> str:
        verb, log, *more = words
        assert log == "Microsoft-Windows-TaskScheduler/Operational"
        if verb == "get-log":
            return f"name: {log}\r\nenabled: {str(self.enabled).lower()}\r\ntype: Operational\r\n"
        Path(more[0]).write_bytes(b"ElfFile")
        self.asked.append(more[1])
        if self.fails:
            raise UnfinishedError("the event log can't be exported: wevtutil says Access is denied.")
        return ""
