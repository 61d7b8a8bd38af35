"""``taskanalysis report``: check the input first, make the reports, and print where they are."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from taskanalysis.cli.main import NOT_FINISHED, SAMPLE, fail, say
from taskanalysis.errors import SnapshotError, TaskAnalysisError
from taskanalysis.publish import (
    NOTEBOOKS,
    Keep,
    Outcome,
    Workers,
    check_own,
    make_all,
    make_reports,
    renew_history,
    team_for,
)
from taskanalysis.snapshot import Snapshot, check_apart, find_servers, long_path, read_snapshot
from taskanalysis.text import count

progress = partial(say, err=True)


def run(share: Path, reports: str, *, every: bool, fail_on: str | None, **options: Any) -> int:
    """Make the reports of one server, or of `every` server; the exit code.

    The options are those of `taskanalysis report`. UsageError for options that do not fit together, other errors as
    from `make_reports` and `make_all`.
    """
    if every and options["server"]:
        raise click.UsageError("--server and --all-servers exclude each other: omit one of them")
    try:
        options["keep"] = Keep.of(options["keep"])
    except ValueError as error:
        raise click.UsageError(f"--keep {error}") from None
    if options["verbose"]:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    check_apart(share.resolve(), Path(reports).resolve())
    check_own(long_path(reports))
    options["now"] = datetime.now(UTC)
    make = _run_all if every else _run_one
    code = make(share, Path(reports), **options)
    return code if fail_on else 0


def _run_one(share: Path, out: Path, **options: Any) -> int:
    """The reports of one server; the code for ``--fail-on``.

    Ends with code 3 where one could not be made, or the rules of the office could not be read.
    """
    outcome = _make(share, out, **options)
    for page in (out / "index.html", *(out / "latest" / f"{name}.html" for name in NOTEBOOKS)):
        say(f"Open {page}")
    if outcome.failures:
        failed = ", ".join(str(out / "latest" / f"{failure.report}-failed.html") for failure in outcome.failures)
        fail(f"{outcome.failures[0].what} (see {failed})", NOT_FINISHED)
    if outcome.no_rules:
        fail(outcome.no_rules, NOT_FINISHED)
    return outcome.code


def _run_all(share: Path, out: Path, **options: Any) -> int:
    """The reports of all servers; the worst code for ``--fail-on``. Ends with code 3 as those of one server do."""
    names = find_servers(share, zone=options["zone"], dates=options["dates"] or "")
    if not names and not (share / "snapshots").is_dir():
        raise click.UsageError(f"--all-servers needs a share, or a file of several servers: {share} is neither")
    problems = renew_history(share, options["executor"])
    place, reports = (share.absolute(), out.absolute()) if options["executor"] else (share, out)
    outcomes = make_all(
        place,
        reports,
        partial(_make_one, place, options),
        names,
        now=options["now"],
        problems=problems,
        say=progress,
        team=partial(team_for, verbose=options["verbose"]),
        cluster=options["executor"],
    )
    say(f"Open {out / 'index.html'}")
    made = [outcome for outcome in outcomes if isinstance(outcome, Outcome)]
    failed = [str(outcome) for outcome in outcomes if isinstance(outcome, TaskAnalysisError)]
    failed += [failure.what for outcome in made for failure in outcome.failures]
    if failed:
        more = f", and {len(failed) - 1} more" if len(failed) > 1 else ""
        fail(f"{failed[0]}{more} (see {out / 'index.html'})", NOT_FINISHED)
    if no_rules := next((outcome.no_rules for outcome in made if outcome.no_rules), ""):
        fail(no_rules, NOT_FINISHED)
    return max((outcome.code for outcome in made), default=0)


def _make_one(share: Path, options: dict[str, Any], name: str, folder: Path, *, team: Workers) -> Outcome:
    """The reports of one of all servers, here or on a worker of a cluster."""
    return _make(share, folder, above="../../index.html", team=team, **options | {"server": name})


def _make(share: Path, out: Path, *, above: str = "", team: Workers | None = None, **options: Any) -> Outcome:
    # missing data is reported at once, not by a notebook
    selected = {name: options[name] or "" for name in ("server", "at", "zone", "dates")}
    snapshot = read_snapshot(share, **selected, now=options["now"])
    try:
        snapshot.check_folder(options["folder"])
    except SnapshotError as error:
        if not above:
            raise
        return Outcome("", left_out=str(error))  # not every server has the folder
    if not above:
        _announce(snapshot, share, out, options["server"])
    outcome = make_reports(
        snapshot,
        out,
        {"data": str(share), "folder": options["folder"], **selected},
        say=_named(snapshot.server) if options["verbose"] or not above else lambda _: None,
        above=above,
        team=team,
        sample=SAMPLE if snapshot.is_sample else "",
        **{name: options[name] for name in ("now", "keep", "cell_seconds", "run_seconds", "verbose", "executor")},
    )
    if outcome.locked:
        names, place = ", ".join(outcome.locked), out / "runs" / outcome.stamp
        progress(f"Open in another program, so not replaced: {names}; the new versions are in {place}")
    return outcome


def _named(server: str) -> Callable[[str], None]:
    """How progress is printed: with the server, where it has a name."""
    return lambda line: progress(f"{server} {line}".strip())


def _announce(snapshot: Snapshot, share: Path, out: Path, server: str) -> None:
    if snapshot.others and server:
        progress(f"{count(len(snapshot.others), 'other server')} in {share} not judged: --all-servers judges all.")
    elif snapshot.others:
        progress(
            f"This is {snapshot.server}, one of {len(snapshot.others) + 1} servers in {share}: "
            "choose another with --server, or all with --all-servers."
        )
    number = len(snapshot.tasks.keys() | snapshot.statuses.keys())
    progress(f"Reading {count(number, 'task')} of {snapshot.server or share} for {out}")
