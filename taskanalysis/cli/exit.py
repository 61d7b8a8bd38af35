"""How every command ends: with an exit code that README lists, and in one sentence on stderr where it can't go on.

>>> @one_sentence
... def command() -> None:
...     raise TaskAnalysisError("no such share")
>>> command()
Traceback (most recent call last):
SystemExit: 2
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, NoReturn

import click

from taskanalysis.errors import ReportError, SnapshotError, TaskAnalysisError, UnfinishedError
from taskanalysis.text import one_line

if TYPE_CHECKING:
    from taskanalysis.snapshot import Snapshot

__all__ = [
    "ATTENTION",
    "BAD_INPUT",
    "NAGIOS_UNKNOWN",
    "NOT_FINISHED",
    "Commands",
    "check_folder",
    "fail",
    "one_sentence",
]

ATTENTION, BAD_INPUT, NOT_FINISHED, NAGIOS_UNKNOWN = 1, 2, 3, 3


class Commands(click.Group):
    """Commands that take what is typed as it is."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        r"""Run one. Without it click takes ``[1]``, ``~`` and ``%X%`` in a Windows path for something to expand."""
        return super().main(*args, **{"windows_expand_args": False} | kwargs)


def check_folder(snapshot: Snapshot, folder: str) -> None:
    """Refuse a folder in which there is no task: most likely it is mistyped."""
    from taskanalysis.snapshot import in_scope  # noqa: PLC0415 (lxml)

    if folder and not any(in_scope(path, [folder]) for path in [*snapshot.tasks, *snapshot.statuses]):
        raise SnapshotError(f"no task of {snapshot.source} lies in {folder} or below")


def fail(what: str, code: int) -> NoReturn:
    """One line on stderr, masked and without control characters, and an exit code."""
    click.echo(f"taskanalysis: {one_line(what)}", err=True)
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
            fail(str(error), NOT_FINISHED if isinstance(error, ReportError | UnfinishedError) else BAD_INPUT)
        except OSError as error:
            fail(f"{error.filename or 'a file'}: {error.strerror or error}", NOT_FINISHED)
        except (KeyboardInterrupt, click.Abort):
            fail("stopped before it was done", NOT_FINISHED)
        except Exception as error:
            fail(f"an error that is not expected: {type(error).__name__}: {error}", NOT_FINISHED)

    return run
