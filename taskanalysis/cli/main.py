r"""The command line.

Imports of what takes time stand inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import io
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from taskanalysis import __version__
from taskanalysis.cli.exit import (
    ATTENTION,
    BAD_INPUT,
    NAGIOS_UNKNOWN,
    NOT_FINISHED,
    Commands,
    check_folder,
    fail,
    one_sentence,
)
from taskanalysis.errors import TaskAnalysisError

__all__ = ["main"]

STATES = ["Unknown", "Disabled", "Queued", "Ready", "Running"]
SAMPLE = "This is the sample share: an invented server of an invented town."


def address(_context: click.Context, _option: click.Parameter, text: str) -> str:
    """The address of a Dask scheduler, "" for none."""
    from taskanalysis.history import is_address  # noqa: PLC0415

    if text and not is_address(text):
        raise click.BadParameter(f"'{text}' is not the address of a Dask scheduler, such as tcp://HOST:8786")
    return text


EXECUTOR = click.option(
    "--executor", default="", metavar="URL", callback=address, help="A Dask cluster that builds what is new."
)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="taskanalysis")
def main() -> None:
    r"""Say what Windows Task Scheduler runs and what needs attention.

    Example: taskanalysis report --data \\fileserver\tasks --reports \\fileserver\reports
    """
    for stream in (sys.stdout, sys.stderr):
        # a pipe on Windows has the code page of the console, which lacks most letters
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@main.command()
@click.option("--data", metavar="PATH", help="A share, or task XML and statuses of other programs.")
@click.option(
    "--reports",
    type=click.Path(file_okay=False),
    default="reports",
    show_default=True,
    help="Where the reports go.",
)
@click.option("--server", default="", metavar="NAME", help="Which server of the share, if it holds several.")
@click.option("--all-servers", "every", is_flag=True, help="The reports of each server, and a page above them.")
@click.option("--folder", default="", metavar=r"\F", help="This task folder and all below it.")
@click.option("--at", default="", metavar="TIME", help="The newest snapshot not later than this ISO time.")
@click.option("--zone", default="", metavar="ZONE", help="Time zone of the server, where the data don't tell.")
@click.option("--dates", type=click.Choice(["dmy", "mdy"]), help="Day or month first, where the data don't tell.")
@click.option("--keep", default="30", show_default=True, metavar="30|90d", help="How many runs stay, or how many days.")
@click.option("--fail-on", type=click.Choice(["attention"]), help="Exit code 1 where a task needs attention.")
@click.option(
    "--cell-seconds", type=click.IntRange(1), default=900, show_default=True, help="Most that a cell may take."
)
@click.option("--run-seconds", type=click.IntRange(1), default=3600, show_default=True, help="Most that all may take.")
@EXECUTOR
@click.option("-v", "--verbose", is_flag=True, help="Say on stderr what is done.")
@one_sentence
def report(**options: Any) -> None:
    r"""Render the reports and publish them in REPORTS, whose index.html links them all.

    Without --data, in a checkout of the project, the sample share is rendered.

    Exit code 0: done; 1: done, and a task needs attention (with --fail-on attention); 2: bad input, nothing done; 3: a
    report could not be made, its last good one is still there.

    Example: taskanalysis report --data \\fileserver\tasks --reports D:\reports --folder \OpenData
    """
    from taskanalysis.cli.report import run  # noqa: PLC0415 (lxml)

    data = options.pop("data")
    sys.exit(run(where(data), sample=SAMPLE if data is None else "", **options))


@main.command()
@click.argument("code")
@click.option("--command", default="", help="The program of the action.")
@click.option("--arguments", default="", help="Its arguments.")
@click.option("--state", type=click.Choice(STATES), help="State of the task.")
@click.option(
    "--source",
    type=click.Choice(["status", "action", "start"]),
    default="status",
    show_default=True,
    help="Where the code stands: LastTaskResult, events 201 and 202, or events 101, 103 and 203.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@one_sentence
def decode(code: str, command: str, arguments: str, state: str | None, source: str, as_json: bool) -> None:
    """Say what a result code means. A negative one stands after "--".

    Example: taskanalysis decode 0x800710E0 --command robocopy.exe
    """
    from taskanalysis.results import decode as decoded  # noqa: PLC0415 (the tables)

    try:
        result = decoded(code, command=command, arguments=arguments, state=state, source=source)
    except ValueError as error:
        fail(str(error), BAD_INPUT)
    said = asdict(result) | {"outcome": result.outcome.value}
    if as_json:
        click.echo(json.dumps(said, indent=1, ensure_ascii=False))
        return
    name = f" {result.name}" if result.name else ""
    click.echo(f"{result.code} ({result.hex}{name}): {result.outcome.value}, {result.certainty}")
    click.echo("\n".join(filter(None, (result.meaning, result.advice, f"Told by: {result.basis}"))))


class UnknownUsage(click.UsageError):
    """Bad usage with the code that a monitor takes for unknown, not for critical."""

    exit_code = NAGIOS_UNKNOWN


class Monitored(click.Command):
    """A command that says `UnknownUsage` where Nagios asks."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run it."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            raise _as_monitor(error, ctx.params.get("form") == "nagios") from None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read its words."""
        nagios = "nagios" in args or "--format=nagios" in args
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise _as_monitor(error, nagios) from None


def _as_monitor(error: click.UsageError, nagios: bool) -> click.UsageError:
    return UnknownUsage(error.format_message(), error.ctx) if nagios else error


@main.command(cls=Monitored)
@click.option("--data", metavar="PATH", help="A share, or anything that report reads.")
@click.option("--server", default="", metavar="NAME", help="Which server of the share, if it holds several.")
@click.option("--folder", default="", metavar=r"\F", help="This task folder and all below it.")
@click.option("--at", default="", metavar="TIME", help="The newest snapshot not later than this ISO time.")
@click.option("--zone", default="", metavar="ZONE", help="Time zone of the server, where the data don't tell.")
@click.option("--dates", type=click.Choice(["dmy", "mdy"]), help="Day or month first, where the data don't tell.")
@click.option("--format", "form", type=click.Choice(["text", "json", "nagios", "prometheus"]), default="text")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="A file, replaced whole, not stdout.")
@one_sentence
def check(
    data: str | None, server: str, folder: str, at: str, zone: str, dates: str | None, form: str, output: Path | None
) -> None:
    r"""Print a line for each task that needs attention.

    Exit code 0: none; 1: some; 2: bad input; 3: the newest snapshot is stale. With --format nagios 1 is OVERDUE or
    RUNNING LONG, 2 FAILING, 3 stale or unreadable.

    Example: taskanalysis check --data \\fileserver\tasks --format prometheus --output tasks.prom
    """
    from taskanalysis.cli.check import Check  # noqa: PLC0415 (lxml)
    from taskanalysis.health import judge, known_history, read_rules  # noqa: PLC0415
    from taskanalysis.snapshot import instant, read_snapshot, stale_after  # noqa: PLC0415

    if output and not output.name:
        raise click.UsageError("--output is empty: name a file")

    now = datetime.now(UTC)
    try:
        share, folder = where(data), folder.replace("/", "\\")
        snapshot = read_snapshot(share, server=server, at=at, zone=zone, dates=dates or "")
        check_folder(snapshot, folder)
        rules = read_rules(snapshot.share / "rules.toml")
        judged = judge(snapshot, rules, folder, known_history(snapshot))
        then = instant(at, snapshot.zone) if at else now
    except TaskAnalysisError as error:
        fail(str(error), NAGIOS_UNKNOWN if form == "nagios" else BAD_INPUT)
    found = Check(snapshot, judged, stale_after(snapshot), min(then, now))
    content = found.render(form).encode("utf-8")
    if output:
        from taskanalysis.snapshot import write_whole  # noqa: PLC0415 (pandas)

        try:
            write_whole(output, content)
        except OSError as error:
            fail(f"{output} can't be written ({error.strerror})", NOT_FINISHED)
    elif form == "text":
        click.echo(content.decode("utf-8"), nl=False)
    else:
        sys.stdout.buffer.write(content)  # programs read it, whatever the console's code page
    sys.exit(found.exit_code(form))


@main.command()
@click.option("--data", metavar="PATH", help="A share.")
@click.option("--verify", is_flag=True, help="Compare every file of every snapshot with its hash, and list gaps.")
@click.option("--rebuild", is_flag=True, help="Make all of the history anew from the snapshots.")
@click.option("--prune", metavar="AGE", help="Delete snapshots older than this, such as 400d.")
@EXECUTOR
@one_sentence
def history(data: str | None, verify: bool, rebuild: bool, prune: str | None, executor: str) -> None:
    r"""Bring the history of a share up to date with its snapshots, and say what it holds.

    --prune never deletes a snapshot whose definitions a later one names, nor the newest of a server. Exit code 0: done;
    1: --verify found something wrong.

    Example: taskanalysis history --data \\fileserver\tasks --verify
    """
    from taskanalysis.cli.history import run  # noqa: PLC0415 (pyarrow)

    wrong = run(where(data), verify=verify, rebuild=rebuild, prune=prune, executor=executor)
    sys.exit(ATTENTION if wrong else 0)


@main.command()
@click.argument("snapshot", metavar="SNAPSHOT")
@click.option("--folder", default="", metavar=r"\F", help="This task folder and all below it.")
@click.option("--task", "tasks", multiple=True, metavar="PATH", help="This task; may be given several times.")
@click.option("--apply", "carry_out", is_flag=True, help="Do what the plan says.")
@click.option("--disabled", is_flag=True, help="Register all switched off, for a trial beside the living server.")
@click.option("--map", "maps", multiple=True, metavar="OLD=NEW", help="Another account in place of one.")
@click.option("--script", metavar="DIR", help="Write a PowerShell script into a new folder instead.")
@click.option("--server", default="", metavar="NAME", help="Put them back on another machine than this one.")
@click.option("--user", default="", metavar="U", help="As whom to connect to it; the password is asked.")
@click.option("--data", default="", metavar="SHARE", help="Where what is replaced is saved, in its folder 'replaced'.")
@one_sentence
def restore(**options: Any) -> None:
    r"""Say what it takes to put the tasks of a snapshot back; with --apply do it.

    SNAPSHOT is one of ours, a share (its newest), or task XML as report reads it. Without --apply nothing is changed.
    Registration triggers start nothing; a task that is replaced is saved first.

    Exit code 0: done; 1: done, and a task could not be put back; 2: bad input or a damaged snapshot, nothing done; 3:
    could not finish.

    Example: taskanalysis restore D:\tasks\snapshots\OPENDATA01\2026-11\20261123T110200Z --folder \OpenData --apply
    """
    from taskanalysis.cli.restore import run  # noqa: PLC0415 (lxml)

    sys.exit(run(**options))


@main.command()
@click.option("--data", metavar="SHARE", required=True, help="The share; its folder must be there.")
@click.option("--folder", "folders", multiple=True, metavar=r"\F", help="Definitions of this folder and all below it.")
@click.option("--status-only", is_flag=True, help="How the tasks stand, no definitions: for every few minutes.")
@click.option("--server", default="", metavar="NAME", help="Another server; with --from whose data these are.")
@click.option("--user", default="", metavar="U", help="As whom to connect to it; the password is asked.")
@click.option("--zone", default="", metavar="ZONE", help="Time zone of that server, such as America/New_York.")
@click.option("--eventlog", is_flag=True, help="Export the Operational log since the last export, too.")
@click.option("--from", "source", metavar="PATH", help="Make a snapshot of what report reads, instead of Windows.")
@click.option("--dates", type=click.Choice(["dmy", "mdy"]), help="With --from: what comes first, if it can't be told.")
@one_sentence
def collect(**options: Any) -> None:
    r"""Write a snapshot: how all tasks of a server stand, and the definitions of those outside \Microsoft.

    Definitions are stored only when something changed. Exit code 0: done; 2: bad input, nothing done; 3: could not
    finish, nothing half-done left.

    Example: taskanalysis collect --data \\fileserver\tasks --folder \OpenData --eventlog
    """
    from taskanalysis.cli.collect import run  # noqa: PLC0415 (lxml)

    run(**options)


@main.command("task-xml", epilog=r"Example: taskanalysis task-xml --data D:\tasks --reports D:\reports --output t.xml")
@click.option("--data", required=True, metavar="SHARE", help="The share, by its full path as the server sees it.")
@click.option("--reports", default="", metavar="DIR", help="Where the reports go; without it they are not made.")
@click.option("--user", default="", metavar="ACCOUNT", help=r"As whom, such as TOWN\gmsa-tasks$; SYSTEM without it.")
@click.option("--at", default="05:45", show_default=True, metavar="HH:MM", help="When, by the server's clock.")
@click.option("--status-every", type=click.Choice(["5", "10", "15", "20", "30", "60"]), help="Minutes of a light task.")
@click.option("--folder", "folders", multiple=True, metavar=r"\F", help="Handed to collect; one to report, too.")
@click.option("--eventlog", is_flag=True, help="Export the Operational log, too.")
@click.option("--owner", default="", metavar="NAME", help="Whom to ask about it; without it, you.")
@click.option("--program", default="", metavar="PATH", help="taskanalysis.exe on the server, where this is not it.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write.")
@one_sentence
def task_xml(**options: Any) -> None:
    """Write a task that collects and reports every day, to import into Task Scheduler."""
    from taskanalysis.cli.own_task import run  # noqa: PLC0415 (lxml)

    run(**options)


def where(data: str | None) -> Path:
    """The data that are meant: the sample share where none are named."""
    from taskanalysis.snapshot import sample_share  # noqa: PLC0415 (lxml)

    if data == "":
        raise click.UsageError("--data is empty: name a share, or leave it out for the sample share")
    return Path(data).absolute() if data else sample_share()
