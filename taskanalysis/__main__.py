r"""The command line.

Imports of what takes time stand inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn

import click

from taskanalysis import __version__
from taskanalysis.errors import ReportError, SnapshotError, TaskAnalysisError

__all__ = ["main"]

BAD_INPUT, NOT_FINISHED = 2, 3
SAMPLE = "This is the sample share: an invented server of an invented town."


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="taskanalysis")
def main() -> None:
    r"""Say what Windows Task Scheduler runs, what needs attention, and whether it gets better or worse.

    Example: taskanalysis report --data \\fileserver\tasks --reports \\fileserver\reports
    """


def fail(what: str, code: int) -> NoReturn:
    """One line on stderr, masked and without control characters, and an exit code."""
    from taskanalysis.masking import mask  # noqa: PLC0415 (only where it is needed)

    line = "".join(letter if letter.isprintable() else " " for letter in mask(what))
    click.echo(f"taskanalysis: {' '.join(line.split())}", err=True)
    sys.exit(code)


def one_sentence(command: Callable[..., None]) -> Callable[..., None]:
    """Show an error as one sentence on stderr, never a traceback, with the exit code that README lists."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except TaskAnalysisError as error:
            fail(str(error), NOT_FINISHED if isinstance(error, ReportError) else BAD_INPUT)
        except OSError as error:
            fail(f"{error.filename or 'a file'}: {error.strerror or error}", NOT_FINISHED)
        except (KeyboardInterrupt, click.Abort):
            fail("stopped before it was done", NOT_FINISHED)
        except Exception as error:
            fail(f"an error that is not expected: {type(error).__name__}: {error}", NOT_FINISHED)

    return run


@main.command()
@click.option("--data", metavar="PATH", help="A share, or a folder or file of task XML.")
@click.option(
    "--reports",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="Where the reports go.",
)
@click.option("--server", default="", metavar="NAME", help="Which server of the share, if it holds several.")
@click.option("--folder", default="", metavar=r"\F", help="This task folder and all below it.")
@click.option("--at", default="", metavar="TIME", help="The newest snapshot not later than this ISO time.")
@one_sentence
def report(data: str | None, reports: Path, server: str, folder: str, at: str) -> None:
    r"""Render the reports into REPORTS/latest.

    Without --data, in a checkout of the project, the sample share is rendered.

    Example: taskanalysis report --data \\fileserver\tasks --reports D:\reports --folder \OpenData
    """
    from taskanalysis.snapshot import read_snapshot, sample_share  # noqa: PLC0415 (lxml)
    from taskanalysis.taskfiles import in_scope  # noqa: PLC0415

    now = datetime.now(UTC)
    sample = data is None
    if data == "":
        raise click.UsageError("--data is empty: name a share, or leave it out for the sample share")
    share = Path(data).absolute() if data else sample_share()
    folder = folder.replace("/", "\\")
    # what is not there is told at once, not by a notebook
    snapshot = read_snapshot(share, server=server, at=at, holding="definitions")
    if folder and not any(in_scope(path, [folder]) for path in snapshot.tasks):
        raise SnapshotError(f"no task of {share} lies in {folder} or below")
    if snapshot.others and not server:
        count = f"{snapshot.others} other server{'s are' if snapshot.others > 1 else ' is'}"
        click.echo(f"This is {snapshot.server}; {count} in {share}: --server names one.", err=True)
    click.echo(f"Reading {len(snapshot.tasks)} tasks of {snapshot.server or share} for {reports / 'latest'}", err=True)
    parameters = {"data": str(share), "server": server, "folder": folder, "at": at}
    from taskanalysis.report import NOTEBOOKS, write_report  # noqa: PLC0415 (papermill and nbconvert take a second)

    for name in NOTEBOOKS:
        page = write_report(name, reports, parameters, now=now, banner=SAMPLE if sample else "")
        click.echo(f"Open {page}")


if __name__ == "__main__":
    main()
