"""``taskanalysis history``: renew the history of a share, look after its snapshots, and say what it holds."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from taskanalysis.definition.duration import Duration, count
from taskanalysis.history import upkeep
from taskanalysis.history.frames import History, read_history
from taskanalysis.history.parallel import executor_for
from taskanalysis.history.store import open_store
from taskanalysis.text.masking import mask

__all__ = ["run"]


def run(share: Path, *, verify: bool, rebuild: bool, prune: str | None, executor: str = "") -> bool:
    """Do what is asked for, in the order prune, rebuild, update, verify; whether `verify` found something wrong.

    `executor` is the address of a Dask cluster that builds what is new.
    """
    if prune is not None:
        try:
            before = datetime.now(UTC) - upkeep.age(prune)
        except (ValueError, OverflowError) as error:
            raise click.UsageError(str(error)) from None
        gone = upkeep.prune(share, before=before)
        click.echo(f"{count(len(gone), 'snapshot')} older than {prune} deleted.")
    if rebuild:
        upkeep.rebuild(share)
    with executor_for(len(open_store(share).stale()), executor) as chosen:
        known = read_history(share, executor=chosen)
    _say(known)
    problems = known.problems
    if verify:
        found = upkeep.verify(share)
        problems = [*problems, *found.problems]
        for last, gap in found.gaps:
            lasting = Duration(delta=gap).words()
            click.echo(f"GAP {last.server} {last.taken_at:%Y-%m-%d %H:%M} UTC: nothing for {lasting}")
        click.echo(f"{count(found.snapshots, 'snapshot')} verified, {count(len(found.problems), 'problem')}.")
    for problem in problems:
        click.echo(mask(f"PROBLEM {problem.file}: {problem.what}"))
    return verify and bool(problems)


def _say(known: History) -> None:
    """A line a server: its snapshots, runs and changes."""
    for server, seen in known.coverage.groupby("server", observed=True):
        first, last = seen["taken_at"].min(), seen["taken_at"].max()
        runs, changes = (int((frame["server"] == server).sum()) for frame in (known.runs, known.changes))
        click.echo(
            f"{server}: {count(len(seen), 'snapshot')} from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC, "
            f"{count(runs, 'run')}, {count(changes, 'change')}."
        )
