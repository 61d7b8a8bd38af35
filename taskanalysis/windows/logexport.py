r"""The Operational log of Task Scheduler -> a file in a share, from the last export on.

Authority: ``wevtutil`` of Windows (``get-log``, ``export-log``). A file is named by the moment that it reaches to, so
names alone tell where the next begins. No Windows has confirmed it yet.

>>> query(datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))
"*[System[TimeCreated[@SystemTime>='2026-11-22T00:00:00.000Z' and @SystemTime<'2026-11-23T00:00:00.000Z']]]"
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from taskanalysis.errors import UnfinishedError
from taskanalysis.snapshot import beside_of, plain_path, server_folder, stamp_of, stamped
from taskanalysis.text import clip
from taskanalysis.windows.collect import WAIT, holding

__all__ = ["LOG", "TURN_ON", "export_log", "query"]

LOG = "Microsoft-Windows-TaskScheduler/Operational"
TURN_ON = f"wevtutil set-log {LOG} /enabled:true"
SECONDS = 600
"""Most that wevtutil may take."""
Run = Callable[[Sequence[str]], str]


def export_log(data: Path, server: str, *, now: datetime, run: Run | None = None, wait: float = WAIT) -> Path | None:
    """Export the events of this machine since the last export, up to `now` (aware); returns the file.

    None where the log is switched off: there is nothing to export. `run` runs a command and returns what it prints.
    UnfinishedError where wevtutil fails, or as `holding` says; no file is left then.
    """
    run = run or _run
    moment = now.astimezone(UTC)
    folder = server_folder(data, server, "eventlogs")
    with holding(data, server, wait=wait):
        if re.search(r"(?im)^\s*enabled:\s*false\s*$", run(["get-log", LOG])):
            return None
        stamp = stamp_of(moment)
        file = folder / f"{stamp}.evtx"
        last = max(filter(None, (stamped(each.stem) for each in folder.glob("*.evtx"))), default=None)
        beside = beside_of(folder / stamp)  # a folder: readers take every file for a log
        beside.mkdir(parents=True)
        try:
            run(["export-log", LOG, plain_path(beside / file.name), f"/query:{query(last, moment)}"])
            (beside / file.name).rename(file)
        finally:
            for left in beside.glob("*"):
                left.unlink()
            beside.rmdir()
    return file


def query(last: datetime | None, moment: datetime) -> str:
    """The XPath of the events from `last` (None: from the first on) up to `moment`, both aware."""
    since = f"@SystemTime>='{_iso(last)}' and " if last else ""
    return f"*[System[TimeCreated[{since}@SystemTime<'{_iso(moment)}']]]"


def _iso(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"


def _run(words: Sequence[str]) -> str:
    program = Path(os.environ.get("SystemRoot", r"C:\Windows"), "System32", "wevtutil.exe")  # noqa: SIM112 (its name)
    try:
        done = subprocess.run(  # noqa: S603 (a list, no shell; the values are ours)
            [str(program), *words], capture_output=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnfinishedError(f"the event log can't be exported: wevtutil fails ({clip(str(error))})") from None
    said = (done.stderr or done.stdout).decode("utf-8", "replace")
    if done.returncode:
        raise UnfinishedError(f"the event log can't be exported: wevtutil says {clip(said, 160)}")
    return done.stdout.decode("utf-8", "replace")
