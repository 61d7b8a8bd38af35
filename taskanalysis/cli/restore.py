r"""``taskanalysis restore``: what it asks, prints and ends with.

>>> run("tests/files/folder", script="")
Traceback (most recent call last):
click.exceptions.UsageError: --script is empty: name a new folder
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from taskanalysis.cli.words import plan_lines, result_lines
from taskanalysis.errors import TaskAnalysisError, UnfinishedError
from taskanalysis.snapshot import Snapshot, read_snapshot
from taskanalysis.text import count, one_line
from taskanalysis.windows import (
    Action,
    Plan,
    Restored,
    Scheduler,
    SchedulerError,
    apply,
    connect,
    parse_map,
    plan,
    read_wanted,
    server_name,
    write_script,
)

__all__ = ["run"]

DONE, NOT_ALL = 0, 1


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which tasks of the snapshot, and how."""

    folder: str
    tasks: Sequence[str]
    mapping: Mapping[str, str]
    disabled: bool


def run(
    snapshot: str,
    *,
    folder: str = "",
    tasks: Sequence[str] = (),
    carry_out: bool = False,
    disabled: bool = False,
    maps: Sequence[str] = (),
    script: str | None = None,
    server: str = "",
    user: str = "",
    data: str = "",
) -> int:
    """Print the plan, write the script, or carry the plan out; the exit code, 1 where a task was not put back.

    UsageError for options that do not fit together, UnfinishedError where the connection is lost; others as
    `read_wanted`, `plan` and `apply` raise them.
    """
    if script is not None and not script:
        raise click.UsageError("--script is empty: name a new folder")
    if script is not None and (carry_out or server or user or data):
        raise click.UsageError("--script only writes a folder: --apply, --server, --user and --data are not for it")
    if user and not server:
        raise click.UsageError("--user says as whom to connect to --server, which is missing")
    try:
        asked = _Asked(folder.replace("/", "\\"), tasks, parse_map(maps), disabled)
    except ValueError as error:
        raise click.UsageError(f"--map {error}") from None
    source = read_snapshot(snapshot, holding="definitions")
    if script is not None:
        return _write(source, asked, Path(script))
    scheduler = _connect(server, user, source.zone)
    planned = plan(
        source, scheduler, folder=asked.folder, tasks=asked.tasks, mapping=asked.mapping, disabled=asked.disabled
    )
    name = server or server_name()
    click.echo("\n".join(plan_lines(planned, source, name)))
    if carry_out:
        return _carry_out(planned, scheduler, source, name, data)
    click.echo("\nNothing was done. --apply does it.")
    return DONE


def _write(source: Snapshot, asked: _Asked, folder: Path) -> int:
    found = read_wanted(source, folder=asked.folder, tasks=asked.tasks, mapping=asked.mapping, disabled=asked.disabled)
    moment = f"{source.local_time:%Y-%m-%d %H:%M} {source.zone or 'UTC'}"
    title = f"{len(found.tasks)} tasks of {source.server or source.source}, as they were at {moment}"
    written = write_script(folder, found.tasks, title=title)
    click.echo(f"Copy {written.parent} to the server, and there, as administrator:")
    click.echo("powershell -NoProfile -ExecutionPolicy Bypass -File restore.ps1 -WhatIf")
    if found.left_out:
        click.echo(rf"{count(found.left_out, 'task')} of Windows itself (\Microsoft) left out: --folder names them.")
    for problem in found.problems:
        click.echo(one_line(f"Could not be read: {problem.file}: {problem.what}"), err=True)
    return NOT_ALL if found.problems else DONE


def _connect(server: str, user: str, zone: str) -> Scheduler:
    """The Task Scheduler of this machine or another; the password of `user` is asked."""
    password = click.prompt(one_line(f"Password of {user}"), hide_input=True, err=True) if user else None
    try:
        return connect(server, user=user, password=password, zone=zone if server else "")
    except SchedulerError:
        raise
    except TaskAnalysisError as error:
        if sys.platform == "win32":
            raise
        raise TaskAnalysisError("restore needs Windows; --script DIR writes what is needed there") from error


def _carry_out(planned: Plan, scheduler: Scheduler, source: Snapshot, name: str, data: str) -> int:
    """Ask the passwords, do what the plan says, and end with a table."""
    own = source.share if (source.share / "snapshots").is_dir() else None
    share = Path(data) if data else own
    if planned.of(Action.REPLACE) and not share:
        raise click.UsageError("name with --data where the tasks that are replaced are saved first")
    passwords: dict[str, str] = {}
    for account in planned.passwords:
        question = one_line(f"Password of {account} (nothing leaves its tasks out)")
        passwords[account] = click.prompt(question, hide_input=True, default="", show_default=False, err=True)
    done: list[Restored] = []
    try:
        apply(
            planned,
            scheduler,
            passwords,
            saved_in=share / "replaced" if share else None,
            server=name,
            now=datetime.now(UTC),
            on_result=done.append,
        )
    finally:  # what was done is told, also where it was stopped
        if done:
            click.echo("\n" + "\n".join(result_lines(done)))
    if any(each.lost for each in done):
        raise UnfinishedError("the connection was lost before all was done")
    return NOT_ALL if planned.problems or any(each.failed for each in done) else DONE
