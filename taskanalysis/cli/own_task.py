"""``taskanalysis task-xml``: write the XML of our own task and print how to import it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from taskanalysis.cli.main import say
from taskanalysis.definition import describe, read_task
from taskanalysis.errors import TaskAnalysisError, UnfinishedError, reason_of
from taskanalysis.health import KINDS, find_findings
from taskanalysis.snapshot import write_whole
from taskanalysis.text import clip
from taskanalysis.windows import own_task, this_program, user_name


def run(
    data: str,
    *,
    output: Path,
    at: str,
    status_every: str | None,
    owner: str,
    program: str,
    **options: Any,
) -> None:
    """Write the file, with `status_every` a second one beside it, and print how to import each.

    `options` are handed to `own_task`. TaskAnalysisError for bad values, UnfinishedError where a file can't be
    written.
    """
    if output.name in ("", "-"):
        raise TaskAnalysisError("--output needs the name of a file: a redirection would change the encoding")
    clock = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", at)
    if not clock:
        raise TaskAnalysisError(f"--at '{clip(at)}' is not a time of day such as 05:45")
    now = datetime.now(UTC).astimezone().replace(tzinfo=None)
    start = now.replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
    start += timedelta(days=start <= now)  # a start in the past may be caught up on registration
    owner, program = owner or user_name(), program or this_program()
    files = {output: 0}
    if status_every:
        files[output.with_name(f"{output.stem}-status{output.suffix}")] = int(status_every)
    written = {
        file: own_task(program, data=data, start=start, owner=owner, status_every=minutes, **options)
        for file, minutes in files.items()
    }
    for file, xml in written.items():
        try:
            write_whole(file, xml)
        except OSError as error:
            raise UnfinishedError(f"{file} can't be written ({reason_of(error)})") from None
        _print(file, xml)


def _print(file: Path, xml: bytes) -> None:
    task = read_task(xml)
    who = task.principal.account
    password = f' /ru "{who}" /rp *' if task.principal.needs_password else ""
    for finding in find_findings({task.uri: task}, at=datetime.now(UTC))[task.uri]:
        say(f"WARNING {finding}: {KINDS[finding.kind].advice}", err=True)
    say(f"{file} defines the task {task.uri}, which runs as {who}. {describe(task)}.")
    line = f'schtasks /create /tn "{task.uri}" /xml "{file}"{password}'
    if who.endswith("$"):
        line = f'taskanalysis restore "{file}" --apply'
    say(f"To import, as administrator on the server: {line}")
