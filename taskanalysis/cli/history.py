"""``taskanalysis history``: renew the history of a share, look after its snapshots, and say what it holds."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from taskanalysis import history
from taskanalysis.definition import Duration
from taskanalysis.history import History, executor_for, open_store, read_history
from taskanalysis.text import count, one_line

__all__ = ["run"]


def run(share: Path, *, verify: bool, rebuild: bool, prune: str | None, executor: str = "") -> bool:
    """Do what is asked for, in the order prune, rebuild, update, verify; whether `verify` found something wrong.

    `executor` is the address of a Dask cluster that builds what is new.
    """
    if prune is not None:
        try:
            before = datetime.now(UTC) - history.age(prune)
        except (ValueError, OverflowError) as error:
            raise click.UsageError(str(error)) from None
        gone = history.prune(share, before=before)
        click.echo(f"{count(len(gone), 'snapshot')} older than {prune} deleted.")
    if rebuild:
        history.rebuild(share)
    with executor_for(len(open_store(share).stale()), executor) as chosen:
        known = read_history(share, executor=chosen)
    _say(known)
    problems = known.problems
    if verify:
        found = history.verify(share)
        problems = [*problems, *found.problems]
        for last, gap in found.gaps:
            lasting = Duration(delta=gap).words()
            click.echo(one_line(f"GAP {last.server} {last.taken_at:%Y-%m-%d %H:%M} UTC: nothing for {lasting}"))
        click.echo(f"{count(found.snapshots, 'snapshot')} verified, {count(len(found.problems), 'problem')}.")
    for problem in problems:
        click.echo(one_line(f"PROBLEM {problem.file}: {problem.what}"))
    return verify and bool(problems)


def _say(known: History) -> None:
    """A line a server: its snapshots, runs and changes."""
    for server, seen in known.coverage.groupby("server", observed=True):
        first, last = seen["taken_at"].min(), seen["taken_at"].max()
        runs, changes = (int((frame["server"] == server).sum()) for frame in (known.runs, known.changes))
        line = f"{server}: {count(len(seen), 'snapshot')} from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC, "
        click.echo(one_line(f"{line}{count(runs, 'run')}, {count(changes, 'change')}."))
