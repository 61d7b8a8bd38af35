"""``taskanalysis report``: what it checks first and prints."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

import click

from taskanalysis.commandline import ATTENTION, NOT_FINISHED, check_folder, fail
from taskanalysis.publish import Keep
from taskanalysis.report import NOTEBOOKS, Limits, Outcome, make_reports
from taskanalysis.rules import read_rules
from taskanalysis.snapshot import read_snapshot

__all__ = ["run"]


def run(
    share: Path,
    reports: str,
    *,
    server: str,
    folder: str,
    at: str,
    zone: str,
    dates: str | None,
    keep: str,
    fail_on: str | None,
    cell_seconds: int,
    run_seconds: int,
    executor: str,
    verbose: bool,
    sample: str = "",
) -> int:
    """Make the reports; the exit code. UsageError for options that make no sense, other errors as `make_reports`."""
    if not reports:
        raise click.UsageError("--reports is empty: name a folder")
    try:
        kept = Keep.of(keep)
    except ValueError as error:
        raise click.UsageError(f"--keep {error}") from None
    if verbose:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    now, folder, out = datetime.now(UTC), folder.replace("/", "\\"), Path(reports)
    # what is not there is told at once, not by a notebook
    snapshot = read_snapshot(share, server=server, at=at, zone=zone, dates=dates or "")
    check_folder(snapshot, folder)
    read_rules(snapshot.share / "rules.toml")
    if snapshot.others and not server:
        count = f"{snapshot.others} other server{'s are' if snapshot.others > 1 else ' is'}"
        click.echo(f"This is {snapshot.server}; {count} in {share}: --server names one.", err=True)
    number = len(snapshot.tasks.keys() | snapshot.statuses.keys())
    click.echo(f"Reading {number} tasks of {snapshot.server or share} for {out}", err=True)
    outcome = make_reports(
        snapshot,
        out,
        {"data": str(share), "server": server, "folder": folder, "at": at, "zone": zone, "dates": dates or ""},
        now=now,
        sample=sample,
        keep=kept,
        limits=Limits(cell_seconds, run_seconds),
        say=lambda line: click.echo(line, err=True),
        verbose=verbose,
        executor=executor,
    )
    for page in (out / "index.html", *(out / "latest" / f"{name}.html" for name in NOTEBOOKS)):
        click.echo(f"Open {page}")
    _say_what_is_locked(outcome, out)
    if outcome.failures:
        failed = ", ".join(str(out / "latest" / f"{each.report}-failed.html") for each in outcome.failures)
        fail(f"{outcome.failures[0].what} (see {failed})", NOT_FINISHED)
    return ATTENTION if fail_on and outcome.standing and outcome.standing.attention else 0


def _say_what_is_locked(outcome: Outcome, out: Path) -> None:
    if outcome.locked:
        names, place = ", ".join(outcome.locked), out / "runs" / outcome.stamp
        click.echo(
            f"Open in another program, and so still the old ones: {names}; the new ones are in {place}", err=True
        )
