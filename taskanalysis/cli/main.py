r"""The command line: the options of each command, exit codes, and one sentence on stderr for an error.

Slow imports stand inside the commands, so that ``--help`` answers at once.

>>> @one_sentence
... def command() -> None:
...     raise TaskAnalysisError("no such share")
>>> command()
Traceback (most recent call last):
SystemExit: 2
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn

import click

from taskanalysis import __version__
from taskanalysis.cli.log import log_line, logged
from taskanalysis.cli.usage import BAD_INPUT, Commands, Discreet, Monitored
from taskanalysis.errors import ReportError, TaskAnalysisError, UnfinishedError, reason_of
from taskanalysis.text import one_line, plain_paths

ATTENTION, NOT_FINISHED = 1, 3
STATES = ["Unknown", "Disabled", "Queued", "Ready", "Running"]
SAMPLE = "Sample: an invented server of an invented town."
TARGETS = "TASKANALYSIS_NOTIFY"
"""The environment variable that may hold targets of `notify`, one a line."""


# What every command shares --------------------------------------------------------------------------------------------


def say(line: str, *, err: bool = False) -> None:
    """Print one line, masked, without control characters, and with paths as their users wrote them."""
    line = plain_paths(line)
    log_line(line)
    click.echo(one_line(line), err=err)


def fail(what: str, code: int) -> NoReturn:
    """Print one line on stderr and exit with `code`."""
    say(f"taskanalysis: {what}", err=True)
    sys.exit(code)


def one_sentence(command: Callable[..., int | None]) -> Callable[..., None]:
    """Exit with the code that a command returns; show an error as one sentence on stderr, never a traceback."""

    @wraps(command)
    def run(*args: Any, log: Path | None = None, **kwargs: Any) -> None:
        with logged(log, command.__name__):
            guarded(*args, **kwargs)

    def guarded(*args: Any, **kwargs: Any) -> None:
        try:
            code = command(*args, **kwargs)
        except click.ClickException as error:
            log_line(error.format_message())
            raise
        except click.exceptions.Exit:
            raise
        except TaskAnalysisError as error:
            fail(str(error), NOT_FINISHED if isinstance(error, ReportError | UnfinishedError) else BAD_INPUT)
        except OSError as error:
            fail(f"{error.filename or 'a file'}: {reason_of(error)}", NOT_FINISHED)
        except (KeyboardInterrupt, click.Abort):
            fail("interrupted", NOT_FINISHED)
        except Exception as error:
            fail(f"unexpected error: {type(error).__name__}: {error}", NOT_FINISHED)
        sys.exit(code)

    return run


def password_of(user: str, server: str) -> str | None:
    """Prompt for the password of the remote connection; None without a user."""
    if user and not server:
        raise click.UsageError("--user is for the connection to --server, which is missing")
    return str(click.prompt(one_line(f"Password of {user}"), hide_input=True, err=True)) if user else None


def deliver(text: str, output: Path | None, *, is_for_programs: bool) -> None:
    """Print the whole output of a command, or write it to `output`; to programs in UTF-8, whatever the console's."""
    from taskanalysis.snapshot import write_whole  # noqa: PLC0415 (lxml)

    content = text.encode("utf-8")
    if output:
        try:
            write_whole(output, content)
        except OSError as error:
            fail(f"{output} can't be written ({error.strerror})", NOT_FINISHED)
    elif is_for_programs:
        sys.stdout.buffer.write(content)
    else:
        click.echo(text, nl=False)


def data_path(data: str | None) -> Path:
    """The path of the data: the sample share without --data."""
    from taskanalysis.snapshot import sample_share  # noqa: PLC0415 (lxml)

    return Path(data).absolute() if data else sample_share()


def address(_context: click.Context, _option: click.Parameter, text: str) -> str:
    """Check the address of a Dask scheduler; "" for none."""
    from taskanalysis.history import is_address  # noqa: PLC0415

    if text and not is_address(text):
        raise click.BadParameter(f"'{text}' is not the address of a Dask scheduler, such as tcp://HOST:8786")
    return text


def file_with_name(_context: click.Context, _option: click.Parameter, file: Path | None) -> Path | None:
    """Check that there is a name of a file, as there is none in ""."""
    if file and not file.name:
        raise click.BadParameter("it needs the name of a file")
    return file


def task_folder(text: str) -> str:
    r"""A task folder, which may be written with slashes: ``/OpenData`` is ``\OpenData``."""
    return text.replace("/", "\\")


EXECUTOR = click.option(
    "--executor", default="", metavar="URL", callback=address, help="Dask cluster for many servers and days."
)
SERVER = click.option("--server", default="", metavar="NAME", help="Server to read, where the share holds several.")
FOLDER = click.option(
    "--folder", type=task_folder, default="", metavar=r"\F", help="Only tasks in this task folder and below."
)
AT = click.option("--at", default="", metavar="TIME", help="Use the newest snapshot not later than this ISO time.")
ZONE = click.option("--zone", default="", metavar="ZONE", help="Time zone of the server, where the data lacks it.")
ORDERS = click.Choice(["dmy", "mdy", "ymd"])
DATES = click.option("--dates", type=ORDERS, help="Order of day, month and year in dates, where the data is ambiguous.")
OUTPUT = click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=file_with_name,
    help="File to write instead of stdout.",
)
LOG = click.option(
    "--log", type=click.Path(path_type=Path), metavar="FILE", help="Append what is printed to this file, too."
)
USER = click.option("--user", default="", metavar="U", help="User for the remote connection; prompts for the password.")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="taskanalysis")
def main() -> None:
    r"""Report what Windows Task Scheduler runs and what needs attention.

    Example: taskanalysis report --data \\fileserver\tasks --reports \\fileserver\reports
    """
    for stream in (sys.stdout, sys.stderr):
        # a pipe on Windows has the code page of the console, which lacks most letters
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@main.command()
@click.option("--data", metavar="PATH", help="A share, or exported task XML and statuses.")
@click.option(
    "--reports",
    type=click.Path(file_okay=False),
    default="reports",
    show_default=True,
    help="Folder for the reports.",
)
@SERVER
@click.option("--all-servers", "every", is_flag=True, help="Make reports of each server, and a page of all.")
@FOLDER
@AT
@ZONE
@DATES
@click.option(
    "--keep",
    default="30",
    show_default=True,
    metavar="30|90d",
    help="Report runs to keep: a number, or days such as 90d.",
)
@click.option("--fail-on", type=click.Choice(["attention"]), help="Exit code 1 if a task needs attention.")
@click.option(
    "--cell-seconds", type=click.IntRange(1), default=900, show_default=True, help="Timeout per cell in seconds."
)
@click.option(
    "--run-seconds", type=click.IntRange(1), default=3600, show_default=True, help="Timeout of the run in seconds."
)
@EXECUTOR
@click.option("-v", "--verbose", is_flag=True, help="Show progress on stderr.")
@LOG
@one_sentence
def report(**options: Any) -> int:
    r"""Make the reports and publish them in REPORTS; its index.html links them all.

    Without --data, in a checkout of the project, the sample share is used. REPORTS must be empty, new, or a folder of
    earlier reports.

    Exit code 0: done; 1: done, and a task needs attention (with --fail-on attention); 2: bad input, or other files in
    REPORTS: nothing done; 3: a report could not be made, and its last good version stays, or (with --fail-on attention)
    something was not seen.

    Example: taskanalysis report --data \\fileserver\tasks --reports D:\reports --folder \OpenData
    """
    from taskanalysis.cli.report import run  # noqa: PLC0415 (lxml)

    return run(data_path(options.pop("data")), **options)


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("code")
@click.option("--command", default="", help="Program of the action.")
@click.option("--arguments", default="", help="Arguments of the program.")
@click.option("--state", type=click.Choice(STATES), help="State of the task.")
@click.option(
    "--source",
    type=click.Choice(["status", "action", "start"]),
    default="status",
    show_default=True,
    help="Source of the code: LastTaskResult, events 201 and 202, or events 101, 103 and 203.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@one_sentence
def decode(code: str, command: str, arguments: str, state: str | None, source: str, as_json: bool) -> None:
    """Explain a result code: a number, signed or not, hexadecimal, or Windows' name such as ERROR_ACCESS_DENIED.

    Example: taskanalysis decode 0x800710E0 --command robocopy.exe
    """
    from taskanalysis.results import code_of, other_reading  # noqa: PLC0415 (the tables)
    from taskanalysis.results import decode as decoded  # noqa: PLC0415

    try:
        result = decoded(code_of(code), command=command, arguments=arguments, state=state, source=source)
    except ValueError as error:
        fail(str(error), BAD_INPUT)
    if as_json:
        click.echo(json.dumps(asdict(result) | {"outcome": result.outcome.value}, indent=1, ensure_ascii=False))
        return
    name = f" {result.name}" if result.name else ""
    click.echo(f"{result.code} ({result.hex}{name}): {result.outcome.value}, {result.certainty}")
    click.echo("\n".join(filter(None, (result.meaning, result.advice, f"Source: {result.basis}"))))
    if other := other_reading(code):
        click.echo(f"Hexadecimal? taskanalysis decode 0x{code}: {other.meaning}", err=True)


@main.command(cls=Monitored)
@click.option("--data", metavar="PATH", help="A share, or anything that report reads.")
@SERVER
@click.option("--all-servers", "every", is_flag=True, help="Judge each server of the share; the worst code wins.")
@FOLDER
@AT
@ZONE
@DATES
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "nagios", "prometheus"]),
    default="text",
    show_default=True,
    help="Output format.",
)
@OUTPUT
@one_sentence
def check(**options: Any) -> int:
    r"""Print a line for each task that needs attention.

    Exit code 0: none; 1: some; 2: bad input; 3: the newest snapshot or the backup is stale, or something could not be
    judged, read or seen. With --format nagios 1 is OVERDUE or RUNNING LONG, 2 FAILING, 3 stale or unseen.

    Example: taskanalysis check --data \\fileserver\tasks --format prometheus --output tasks.prom
    """
    from taskanalysis.cli.check import run  # noqa: PLC0415 (lxml)

    return run(options.pop("data"), **options)


@main.command()
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@SERVER
@FOLDER
@ZONE
@DATES
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="Output format.",
)
@OUTPUT
@one_sentence
def diff(**options: Any) -> int:
    r"""Compare two snapshots, folders or exports: tasks added, removed, changed, enabled and disabled.

    A and B, the later one, are anything that report reads; of a share the newest snapshot. A task that one of them may
    not show, as where something could not be read, is not known, and never removed.

    Exit code 0: alike; 1: they differ; 2: bad input; 3: something could not be read, or is not known.

    Example: taskanalysis diff D:\exports\october D:\exports\november --format markdown --output changes.md
    """
    from taskanalysis.cli.diff import run  # noqa: PLC0415 (lxml)

    return run(**options)


@main.command()
@click.option("--data", metavar="PATH", help="A share; --prune and --rebuild need it.")
@click.option("--verify", is_flag=True, help="Check all snapshots by their hashes, and the history by them; list gaps.")
@click.option("--rebuild", is_flag=True, help="Rebuild the history from the snapshots and event logs.")
@click.option("--prune", metavar="AGE", help="Print the plan to delete snapshots older than this, such as 400d.")
@click.option("--apply", "carry_out", is_flag=True, help="Carry out the plan of --prune.")
@EXECUTOR
@LOG
@one_sentence
def history(data: str | None, **options: Any) -> int:
    r"""Update the history of a share from its snapshots, and summarize it.

    --prune keeps the newest snapshot of each server, the newest that read definitions, and those that store some.
    Without --apply nothing is deleted. The history keeps what it knows of deleted ones, also with --rebuild.

    Exit code 0: done; 1: --verify found a problem; 2: bad usage or no share, nothing done; 3: could not finish, or
    nothing was pruned because a younger snapshot can't be read and may need an older one.

    Example: taskanalysis history --data \\fileserver\tasks --verify
    """
    from taskanalysis.cli.history import run  # noqa: PLC0415 (pyarrow)

    if data is None and (options["rebuild"] or options["prune"] is not None):
        raise click.UsageError("--prune and --rebuild delete files of a share: name it with --data")
    if options["carry_out"] and options["prune"] is None:
        raise click.UsageError("--apply carries out the plan of --prune, which is missing")
    return ATTENTION if run(data_path(data), **options) else 0


@main.command()
@click.argument("snapshot", metavar="SNAPSHOT")
@FOLDER
@click.option("--task", "tasks", multiple=True, metavar="PATH", help="Only this task; repeatable.")
@click.option("--apply", "carry_out", is_flag=True, help="Carry out the plan.")
@click.option("--disabled", is_flag=True, help="Register all tasks disabled, for a trial beside the live server.")
@click.option("--map", "maps", multiple=True, metavar="OLD=NEW", help="Replace the account OLD by NEW; repeatable.")
@click.option("--script", metavar="DIR", help="Write a PowerShell script into a new folder instead.")
@click.option("--scripts", metavar="DIR", help="Also lay out the tasks' scripts below DIR, under their paths.")
@click.option("--against", metavar="SNAPSHOT", help="Plan on paper: against the tasks of another snapshot.")
@click.option("--server", default="", metavar="NAME", help="Server to restore to; this machine without it.")
@USER
@click.option("--data", default="", metavar="SHARE", help="Share whose folder 'replaced' stores the replaced tasks.")
@one_sentence
def restore(**options: Any) -> int:
    r"""Print the plan to restore the tasks of a snapshot; with --apply carry it out.

    SNAPSHOT is the folder of a snapshot, a share (its newest one), or task XML. Without --apply nothing is changed; off
    Windows the plan is one for an empty server.
    Registration triggers start nothing; a task is saved before it is replaced.

    Exit code 0: done; 1: done, and a task could not be restored; 2: bad input or a damaged snapshot, nothing done; 3:
    could not finish.

    Example: taskanalysis restore D:\tasks\snapshots\OPENDATA01\2026-11\20261123T110200Z --folder \OpenData --apply
    """
    from taskanalysis.cli.restore import run  # noqa: PLC0415 (lxml)

    return run(**options)


@main.command()
@click.option("--data", metavar="SHARE", required=True, help="The share; its folder must exist.")
@click.option(
    "--folder",
    "folders",
    type=task_folder,
    multiple=True,
    metavar=r"\F",
    help="Only definitions in this folder and below.",
)
@click.option("--status-only", is_flag=True, help="Collect statuses without definitions, for every few minutes.")
@click.option("--scripts", is_flag=True, help="Also keep the scripts that tasks run, each version once.")
@click.option("--server", default="", metavar="NAME", help="Remote server; with --from, the server of the data.")
@USER
@click.option("--zone", default="", metavar="ZONE", help="Time zone of that server, such as America/New_York.")
@click.option("--eventlog", is_flag=True, help="Also export the Operational log since the last export.")
@click.option("--from", "source", metavar="PATH", help="Convert anything that report reads, instead of asking Windows.")
@click.option(
    "--at", default="", metavar="TIME", help="With --from: the time of the data, where its files lack it (ISO)."
)
@click.option("--dates", type=ORDERS, help="With --from: order of day, month and year, where ambiguous.")
@LOG
@one_sentence
def collect(**options: Any) -> None:
    r"""Write a snapshot: statuses of all tasks of a server, and definitions of those outside \Microsoft.

    Definitions are stored only when one changed. --from takes a folder of dated folders, too, and each server of a
    file with several. The files that tasks start are noted, as are the last lines that a failing task wrote into a log.
    Exit code 0: done, or nothing new; 2: bad input, nothing done; 3: could not finish, nothing incomplete left.

    Example: taskanalysis collect --data \\fileserver\tasks --folder \OpenData --eventlog
    """
    from taskanalysis.cli.collect import run  # noqa: PLC0415 (lxml)

    run(**options)


@main.command(cls=Discreet)
@click.option("--data", metavar="SHARE", required=True, help="The share.")
@click.option("--to", multiple=True, metavar="URL", help="Target of the messages, as apprise writes it; repeatable.")
@click.option("--to-file", metavar="FILE", help="File with a target in each line, so that no password is in a command.")
@SERVER
@FOLDER
@click.option(
    "--link", default="", metavar="URL", help="Last line of each message, such as the address of the reports."
)
@click.option("--dry-run", is_flag=True, help="Print the messages; send nothing and keep nothing.")
@LOG
@one_sentence
def notify(**options: Any) -> int:
    r"""Send targets what is new since their last message: problems that began, grew or ended, and what was not seen.

    One message for each server of the share; nothing new, no message. The environment variable TASKANALYSIS_NOTIFY may
    hold targets, too, one a line. A target that fails is tried again next time.

    Exit code 0: done, or nothing new; 2: bad input, nothing done; 3: a message could not be sent, or not be kept.

    Example: taskanalysis notify --data \\fileserver\tasks --to-file D:\secret\targets.txt --link https://town/reports
    """
    from taskanalysis.cli.notify import run  # noqa: PLC0415 (lxml)

    return run(**options)


@main.command("task-xml", epilog=r"Example: taskanalysis task-xml --data D:\tasks --reports D:\reports --output t.xml")
@click.option("--data", required=True, metavar="SHARE", help="The share, by its full path on the server.")
@click.option("--reports", default="", metavar="DIR", help="Folder for the reports; default no reports.")
@click.option(
    "--user", default="", metavar="ACCOUNT", help=r"Account to run as, such as TOWN\gmsa-tasks$; default SYSTEM."
)
@click.option("--at", default="05:45", show_default=True, metavar="HH:MM", help="Time of day on the server's clock.")
@click.option(
    "--status-every",
    type=click.Choice(["5", "10", "15", "20", "30", "60"]),
    help="Also write a task that collects statuses at this interval in minutes.",
)
@click.option("--folder", "folders", multiple=True, metavar=r"\F", help="Folder to collect; one limits reports, too.")
@click.option("--eventlog", is_flag=True, help="Also export the Operational log.")
@click.option("--notify-file", default="", metavar="FILE", help="File with targets, on the server: notify them, too.")
@click.option(
    "--log", "log_file", default="", metavar="FILE", help="Log of the tasks; default taskanalysis.log in the share."
)
@click.option("--owner", default="", metavar="NAME", help="Contact in the description; default this user.")
@click.option("--program", default="", metavar="PATH", help="taskanalysis.exe or python.exe on the server.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write.")
@one_sentence
def task_xml(**options: Any) -> None:
    """Write the XML of a task that collects and reports every day, to import into Task Scheduler."""
    from taskanalysis.cli.own_task import run  # noqa: PLC0415 (lxml)

    run(**options)
