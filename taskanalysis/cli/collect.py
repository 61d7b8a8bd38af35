r"""``taskanalysis collect``: what it asks and prints.

>>> run("data", server="OTHER")
Traceback (most recent call last):
click.exceptions.UsageError: --server needs --zone: the time zone of another server can't be asked for
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from taskanalysis.errors import UnfinishedError
from taskanalysis.text import one_line
from taskanalysis.windows import LOG, TURN_ON, Collected, collect, connect, convert, export_log, server_name, user_name

__all__ = ["run"]


def run(
    data: str,
    *,
    folders: Sequence[str] = (),
    status_only: bool = False,
    server: str = "",
    user: str = "",
    zone: str = "",
    eventlog: bool = False,
    source: str | None = None,
    dates: str | None = None,
) -> None:
    """Write the snapshot and say so in one line; what is worth a look goes to stderr.

    UsageError for options that do not fit together; other errors as `collect`, `convert` and `export_log` raise them.
    """
    now, share, scope = datetime.now(UTC), Path(data).absolute(), [folder.replace("/", "\\") for folder in folders]
    for name, value in (("--data", data), ("--folder", " ".join(scope)), ("--from", source)):
        if value == "" and (name != "--folder" or folders):
            raise click.UsageError(f"{name} is empty: give it a value, or leave it out")
    if source is not None:
        if status_only or eventlog or user:
            raise click.UsageError("--status-only, --eventlog and --user ask Windows, which --from does not")
        _say(convert(Path(source), share, server=server, zone=zone, dates=dates or "", folders=scope))
        return
    if dates:
        raise click.UsageError("--dates is for --from: Windows itself leaves no doubt")
    if user and not server:
        raise click.UsageError("--user says as whom to connect to --server, which is missing")
    if server and not zone:
        raise click.UsageError("--server needs --zone: the time zone of another server can't be asked for")
    if server and eventlog:
        raise click.UsageError("--eventlog exports the log of this machine: run it there, without --server")
    password = click.prompt(one_line(f"Password of {user}"), hide_input=True, err=True) if user else None
    scheduler = connect(server, user=user, password=password, zone=zone)
    done = collect(
        scheduler,
        share,
        server=server_name(server),
        now=now,
        folders=scope,
        status_only=status_only,
        collected_by=user or user_name(),
    )
    _say(done)
    if eventlog:
        _export(share, done.server, now)


def _say(done: Collected) -> None:
    for warning in done.warnings:
        click.echo(one_line(f"WARNING {warning}"), err=True)
    for problem in done.problems:
        click.echo(one_line(f"PROBLEM {problem.file}: {problem.what}"), err=True)
    click.echo(one_line(done.line()))


def _export(share: Path, server: str, now: datetime) -> None:
    try:
        file = export_log(share, server, now=now)
    except UnfinishedError as error:
        raise UnfinishedError(f"the snapshot is written, but {error}") from None
    if file is None:
        click.echo(f"WARNING the log {LOG} is off, so there is nothing to export; turn it on: {TURN_ON}", err=True)
