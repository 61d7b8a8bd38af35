r"""The command line.

Imports of what takes time stand inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click

from taskanalysis import __version__
from taskanalysis.errors import ReportError, TaskAnalysisError

__all__ = ["main"]

BAD_INPUT, NOT_FINISHED = 2, 3
SAMPLE = "This is the sample share: an invented server of an invented town."


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="taskanalysis")
def main() -> None:
    r"""Say what Windows Task Scheduler runs, what needs attention, and whether it gets better or worse.

    Example: taskanalysis report --data \\fileserver\tasks --reports \\fileserver\reports
    """


def one_sentence(command: Callable[..., None]) -> Callable[..., None]:
    """Show an error as one sentence on stderr, never a traceback, with the exit code that README lists."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except TaskAnalysisError as error:
            from taskanalysis.masking import mask  # noqa: PLC0415 (only where it is needed)

            click.echo(f"taskanalysis: {mask(str(error))}", err=True)
            sys.exit(NOT_FINISHED if isinstance(error, ReportError) else BAD_INPUT)
        except OSError as error:
            click.echo(f"taskanalysis: {error.filename or 'a file'}: {error.strerror or error}", err=True)
            sys.exit(NOT_FINISHED)

    return run


@main.command()
@click.option("--data", type=click.Path(path_type=Path), help="A share, or a folder or file of task XML.")
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
def report(data: Path | None, reports: Path, server: str, folder: str, at: str) -> None:
    r"""Render the reports into REPORTS/latest.

    Without --data, in a checkout of the project, the sample share is rendered.

    Example: taskanalysis report --data \\fileserver\tasks --reports D:\reports --folder \OpenData
    """
    from taskanalysis.snapshot import find_snapshot, sample_share  # noqa: PLC0415 (lxml)

    now = datetime.now(UTC)
    sample = data is None
    share = (data or sample_share()).absolute()
    find_snapshot(share, server=server, at=at)  # what is not there is told at once, not by a notebook
    parameters = {"data": str(share), "server": server, "folder": folder, "at": at}
    from taskanalysis.report import NOTEBOOKS, write_report  # noqa: PLC0415 (papermill and nbconvert take a second)

    for name in NOTEBOOKS:
        page = write_report(name, reports, parameters, now=now, banner=SAMPLE if sample else "")
        click.echo(f"Open {page}")


if __name__ == "__main__":
    main()
