r"""``taskanalysis collect``: write a snapshot and print what it holds.

>>> run("data", server="OTHER")
Traceback (most recent call last):
click.exceptions.UsageError: --server needs --zone: the time zone of a remote server can't be queried
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from taskanalysis.cli.main import password_of, say
from taskanalysis.errors import UnfinishedError
from taskanalysis.health import rules_of
from taskanalysis.windows import (
    LOG,
    TURN_ON,
    Collected,
    collect,
    connect,
    convert_all,
    export_log,
    server_name,
    user_name,
)


def run(
    data: str,
    *,
    folders: Sequence[str] = (),
    status_only: bool = False,
    scripts: bool = False,
    server: str = "",
    user: str = "",
    zone: str = "",
    eventlog: bool = False,
    source: str | None = None,
    dates: str | None = None,
    at: str = "",
) -> None:
    """Write the snapshot and print one line about it; warnings and problems go to stderr.

    UsageError for options that do not fit together; other errors as from `collect`, `convert_all` and `export_log`.
    """
    now, share = datetime.now(UTC), Path(data).absolute()
    if source:
        if status_only or scripts or eventlog or user:
            raise click.UsageError("--status-only, --scripts, --eventlog and --user ask Windows: omit them with --from")
        options = {"dates": dates or "", "folders": folders, "at": at}
        for collected in convert_all(Path(source), share, server=server, zone=zone, **options):
            _print(collected)
        return
    if dates or at:
        raise click.UsageError(f"{'--dates' if dates else '--at'} is for --from: Windows leaves no time open")
    if server and not zone:
        raise click.UsageError("--server needs --zone: the time zone of a remote server can't be queried")
    if scripts and (status_only or server):
        raise click.UsageError("--scripts keeps what definitions on this machine run: omit --status-only and --server")
    if server and eventlog:
        raise click.UsageError("--eventlog exports the log of this machine: run it there, without --server")
    password, name, rules = password_of(user, server), server_name(server), rules_of(share)
    if rules.problem:
        say(f"WARNING {rules.problem}: no log of a task is read by it", err=True)
    collected = collect(
        connect(server, user=user, password=password, zone=zone),
        share,
        server=name,
        now=now,
        folders=folders,
        status_only=status_only,
        scripts=scripts,
        log_of=lambda path: rules.of(name, path).log or (),
        collected_by=user or user_name(),
    )
    _print(collected)
    if eventlog:
        _export(share, collected.server, now)


def _print(collected: Collected) -> None:
    for warning in collected.warnings:
        say(f"WARNING {warning}", err=True)
    for problem in collected.problems:
        say(f"PROBLEM {problem.file}: {problem.what}", err=True)
    say(collected.line())


def _export(share: Path, server: str, now: datetime) -> None:
    try:
        file = export_log(share, server, now=now)
    except UnfinishedError as error:
        raise UnfinishedError(f"the snapshot was written, but {error}") from None
    if file is None:
        say(f"WARNING the log {LOG} is disabled, so nothing was exported; enable it: {TURN_ON}", err=True)
