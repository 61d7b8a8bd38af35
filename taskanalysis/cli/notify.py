"""``taskanalysis notify``: send what is new about the servers of a share, and print what was sent."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from taskanalysis.cli.main import NOT_FINISHED, TARGETS, say
from taskanalysis.definition import read_bytes
from taskanalysis.errors import SnapshotError, TaskAnalysisError, UnfinishedError
from taskanalysis.publish import Delivery, finder_of, preview, send_news, servers_of, targets_of


def run(
    data: str,
    *,
    to: Sequence[str],
    to_file: str | None,
    server: str = "",
    folder: str = "",
    link: str = "",
    dry_run: bool = False,
    now: datetime | None = None,
) -> int:
    """Send the news of each server to each target, or only print it with `dry_run`; the exit code.

    The targets are `to`, the lines of `to_file` and those of the environment variable `TARGETS`. `now` is aware, the
    clock where it is None.
    """
    share = Path(data).absolute()
    if not (share / "snapshots").is_dir():
        raise TaskAnalysisError(f"notify needs a share: {share} has no folder snapshots")
    targets = targets_of(urls) if (urls := [*to, *_lines_of(to_file), *_lines(os.environ.get(TARGETS, ""))]) else []
    if not targets and not dry_run:
        raise click.UsageError(f"name a target with --to or --to-file, or in the environment variable {TARGETS}")
    servers, code, elsewhere = _chosen(share, server), 0, list[SnapshotError]()
    for name in servers:
        try:
            find = finder_of(share, name, folder=folder, now=now or datetime.now(UTC))
            if dry_run:
                _show(name, list(preview(share, name, find, targets)), link)
            else:
                done = send_news(share, name, find, targets, link=link)
                _print(name, done)
                code = max([code, *(NOT_FINISHED for each in done if each.failure)])
        except SnapshotError as error:
            elsewhere.append(error)
        except UnfinishedError as error:
            say(f"taskanalysis: {error}", err=True)
            code = NOT_FINISHED
    if servers and len(elsewhere) == len(servers):
        raise elsewhere[0]  # a folder that no server has is a mistake
    return code


def _chosen(share: Path, server: str) -> list[str]:
    names = servers_of(share)
    if not server:
        return names
    chosen = [name for name in names if name.casefold() == server.casefold()]
    if not chosen:
        raise TaskAnalysisError(f"the share has no server '{server}'")
    return chosen


def _lines_of(file: str | None) -> list[str]:
    """The targets in a file; an error names the file, never what it holds."""
    if file is None:
        return []
    try:
        return _lines(read_bytes(file).decode("utf-8-sig"))
    except OSError as error:
        raise TaskAnalysisError(f"{file} can't be read ({error.strerror})") from None
    except ValueError:
        raise TaskAnalysisError(f"{file} is not text in UTF-8") from None


def _lines(text: str) -> list[str]:
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def _print(server: str, done: Sequence[Delivery]) -> None:
    for each in done:
        if each.failure:
            say(f"{server}: {each.target} {each.failure}, and will be tried again", err=True)
        else:
            say(f"{server}: sent to {each.target}: {each.news.subject}")
    if not done:
        say(f"{server}: nothing new")


def _show(server: str, done: Sequence[Delivery], link: str) -> None:
    for each in done:
        say(f"To {each.target or 'a new target'}: {each.news.subject}")
        for line in each.news.text(link).splitlines():
            say(line)
    if not done:
        say(f"{server}: nothing new")
