"""``taskanalysis history``: update the history of a share, check and prune its snapshots, and summarize it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from taskanalysis import history
from taskanalysis.cli.main import say
from taskanalysis.definition import Duration
from taskanalysis.history import History, executor_for, load_history, open_store
from taskanalysis.text import count

MOST_NAMES = 5
"""Names of snapshots in a line of the plan."""


def run(
    share: Path, *, verify: bool, rebuild: bool, prune: str | None, carry_out: bool = False, executor: str = ""
) -> bool:
    """Prune, rebuild, update and verify, in this order; whether `verify` found a problem.

    `prune` is an age; nothing is deleted unless the plan is to be `carry_out`. `executor` is the address of a Dask
    cluster that builds new parts.
    """
    if prune is not None:
        _prune(share, prune, carry_out=carry_out)
    if rebuild and (days := history.rebuild(share)):
        say(f"{count(days, 'day')} stay as they are: snapshots of them were pruned, and nothing can build them again.")
    with executor_for(len(open_store(share).stale()), executor) as chosen:
        content = load_history(share, update=True, executor=chosen)
    _summarize(content)
    problems = content.problems
    if verify:
        verified = history.verify(share)
        problems = [*problems, *verified.problems]
        for last, gap in verified.gaps:
            length = Duration(delta=gap).words()
            say(f"GAP {last.server} {last.taken_at:%Y-%m-%d %H:%M} UTC: no snapshot for {length}")
        say(f"{count(verified.snapshots, 'snapshot')} verified, {count(len(verified.problems), 'problem')}.")
    for problem in problems:
        say(f"PROBLEM {problem.file}: {problem.what}")
    return verify and bool(problems)


def _prune(share: Path, age: str, *, carry_out: bool) -> None:
    """Print the plan to delete snapshots of this age, and carry it out."""
    try:
        before = datetime.now(UTC) - history.age(age)
    except (ValueError, OverflowError) as error:
        raise click.UsageError(str(error)) from None
    plan = history.plan_pruning(share, before=before)
    number, span = count(len(plan.deleted), "snapshot"), ""
    if plan.deleted:
        oldest, newest = plan.deleted[0].taken_at, plan.deleted[-1].taken_at
        span = f", from {oldest:%Y-%m-%d %H:%M} to {newest:%Y-%m-%d %H:%M} UTC"
    say(f"To delete: {number} older than {age}{span}.")
    for reason, snapshots in plan.kept.items():
        names = [f"{snapshot.server}/{snapshot.path.name}" for snapshot in snapshots[:MOST_NAMES]]
        more = f" and {len(snapshots) - MOST_NAMES} more" if len(snapshots) > MOST_NAMES else ""
        say(f"Kept although older: {count(len(snapshots), 'snapshot')}, because {reason}: {', '.join(names)}{more}.")
    if carry_out:
        history.prune(share, plan)
        say(f"{number} deleted. The history keeps what it knows of them.")
    else:
        say("Nothing was deleted; --apply carries out the plan.")


def _summarize(content: History) -> None:
    """Print a line for each server: its snapshots, runs and changes."""
    for server, snapshots in content.coverage.groupby("server", observed=True):
        first, last = snapshots["taken_at"].min(), snapshots["taken_at"].max()
        pruned = int(snapshots["pruned"].sum())
        gone = f" ({pruned:,} of them pruned)" if pruned else ""
        runs, changes = (int((frame["server"] == server).sum()) for frame in (content.runs, content.changes))
        say(
            f"{server}: {count(len(snapshots), 'snapshot')}{gone} from {first:%Y-%m-%d %H:%M} to "
            f"{last:%Y-%m-%d %H:%M} UTC, {count(runs, 'run')}, {count(changes, 'change')}."
        )
