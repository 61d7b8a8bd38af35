r"""``taskanalysis restore``: print the plan to restore tasks, carry it out, or write a script that does.

Every line is masked and free of control characters, because names and arguments come from tasks.

>>> run("tests/files/folder", script="new", carry_out=True)
Traceback (most recent call last):
click.exceptions.UsageError: --script only writes a folder: omit --apply, --server, --user, --data and --against
>>> result_lines([Restored(r"\OpenData\Load", "failed", "access is denied")])[-2:]
['', '1 task failed.']
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from taskanalysis.cli.main import ATTENTION, password_of, say
from taskanalysis.errors import TaskAnalysisError, UnfinishedError
from taskanalysis.snapshot import Needs, Snapshot, not_in_backup, read_snapshot
from taskanalysis.text import count, one_line
from taskanalysis.windows import (
    Action,
    Paper,
    Plan,
    Restored,
    Scheduler,
    SchedulerError,
    Step,
    apply,
    connect,
    lay_out,
    lost_lines,
    named_lines,
    needs_lines,
    parse_map,
    plan,
    read_me,
    read_wanted,
    server_name,
    write_script,
)

WINDOWS = sys.platform == "win32"


def run(
    snapshot: str,
    *,
    folder: str = "",
    tasks: Sequence[str] = (),
    carry_out: bool = False,
    disabled: bool = False,
    maps: Sequence[str] = (),
    script: str | None = None,
    scripts: str | None = None,
    against: str | None = None,
    server: str = "",
    user: str = "",
    data: str = "",
) -> int:
    """Print the plan, write the script, or carry the plan out; the exit code, 1 where a task was not restored.

    UsageError for options that do not fit together, UnfinishedError where the connection is lost; other errors as from
    `read_wanted`, `plan` and `apply`.
    """
    if script and (carry_out or server or user or data or against):
        raise click.UsageError("--script only writes a folder: omit --apply, --server, --user, --data and --against")
    if against and (carry_out or server or user):
        raise click.UsageError("--against plans on paper: omit --apply, --server and --user")
    try:
        mapping = parse_map(maps)
    except ValueError as error:
        raise click.UsageError(f"--map {error}") from None
    choice: dict[str, Any] = {"folder": folder, "tasks": tasks, "mapping": mapping, "disabled": disabled}
    source = read_snapshot(snapshot, holding="definitions")
    if scripts:
        _lay_out(source, choice, Path(scripts))
    if script:
        return _write(source, choice, Path(script))
    if against or not (WINDOWS or carry_out or server or user):
        return _on_paper(source, choice, against)
    scheduler = _connect(server, user, source.zone)
    planned = plan(source, scheduler, **choice)
    name = server or server_name()
    click.echo("\n".join(plan_lines(planned, source, name)))
    if carry_out:
        return _carry_out(planned, scheduler, source, name, data)
    click.echo("\nNo task was changed. Add --apply to carry out the plan.")
    return 0


def _on_paper(source: Snapshot, choice: dict[str, Any], against: str | None) -> int:
    """Print the plan for an empty server, or for one as a snapshot shows it."""
    other = read_snapshot(against, holding="definitions") if against else None
    target = "an empty server"
    if other:
        target = f"{other.server or other.source} as of {other.local_time:%Y-%m-%d %H:%M} {other.zone or 'UTC'}"
    planned = plan(source, Paper(other), **choice)
    click.echo("\n".join(plan_lines(planned, source, target, on_paper=True)))
    click.echo("\nThis is a plan on paper: only Windows can tell whether it accepts the tasks. No task was changed.")
    return ATTENTION if planned.problems or planned.undefined else 0


def _lay_out(source: Snapshot, choice: dict[str, Any], folder: Path) -> None:
    """Lay out the scripts of the chosen tasks below a folder, and say which the backup lacks."""
    if folder.exists() and not folder.is_dir():
        raise click.UsageError(f"--scripts {folder} is no folder")
    for problem in source.problems:
        if problem.file == "programs.csv":
            say(f"PROBLEM {problem.file}: {problem.what}, so that scripts are not known", err=True)
    paths = [task.path for task in read_wanted(source, **choice).tasks]
    for line in lay_out(source, paths, folder):
        say(line)


def _write(source: Snapshot, choice: dict[str, Any], folder: Path) -> int:
    wanted = read_wanted(source, **choice)
    moment = f"{source.local_time:%Y-%m-%d %H:%M} {source.zone or 'UTC'}"
    title = f"{count(len(wanted.tasks), 'task')} of {source.server or source.source}, as they were at {moment}"
    needs = Needs.of({task.path: task.task for task in wanted.tasks}, source)
    lacking = not_in_backup(source, choice["folder"], choice["tasks"])
    for path, why in lacking.items():
        say(f"Not in the backup: {path}: {why}", err=True)
    written = write_script(folder, wanted.tasks, title=title, read_me=read_me(wanted.tasks, needs, lacking, title))
    click.echo(f"Copy {written.parent} to the server, and there, as administrator:")
    click.echo("powershell -NoProfile -ExecutionPolicy Bypass -File restore.ps1 -WhatIf")
    if wanted.left_out:
        say(_left_out(wanted.left_out))
    for problem in wanted.problems:
        say(f"Could not be read: {problem.file}: {problem.what}", err=True)
    return ATTENTION if wanted.problems or lacking else 0


def _connect(server: str, user: str, zone: str) -> Scheduler:
    """Connect to the Task Scheduler of this machine or of `server`, with the password that `user` is prompted for."""
    password = password_of(user, server)
    try:
        return connect(server, user=user, password=password, zone=zone if server else "")
    except TaskAnalysisError as error:
        if WINDOWS or isinstance(error, SchedulerError):
            raise
        raise TaskAnalysisError("restore --apply needs Windows; --script DIR writes a script to run there") from error


def _carry_out(planned: Plan, scheduler: Scheduler, source: Snapshot, name: str, data: str) -> int:
    """Prompt for the passwords, carry out the plan, and print a table of results."""
    own = source.share if (source.share / "snapshots").is_dir() else None
    share = Path(data) if data else own
    if planned.of(Action.REPLACE) and not share:
        raise click.UsageError("--data is missing: name the share in which replaced tasks are saved first")
    passwords: dict[str, str] = {}
    for account in planned.needs.passwords:
        question = one_line(f"Password of {account} (empty skips its tasks)")
        passwords[account] = click.prompt(question, hide_input=True, default="", show_default=False, err=True)
    done: list[Restored] = []
    try:
        apply(
            planned,
            scheduler,
            passwords,
            saved_in=share / "replaced" if share else None,
            server=name,
            now=datetime.now(UTC),
            on_result=done.append,
        )
    finally:  # results are printed also after an interruption
        if done:
            click.echo("\n" + "\n".join(result_lines(done)))
    if any(result.lost for result in done):
        raise UnfinishedError("the connection was lost before all tasks were restored")
    return ATTENTION if planned.problems or planned.undefined or any(result.failed for result in done) else 0


# Lines for a reader --------------------------------------------------------------------------------------------------

_HEADINGS = {
    Action.CREATE: "To be created",
    Action.REPLACE: "To be replaced",
    Action.LEAVE: "Unchanged, skipped",
    Action.REFUSE: "Can't be restored",
}


def plan_lines(plan: Plan, snapshot: Snapshot, target: str, *, on_paper: bool = False) -> list[str]:
    """The plan for the server `target`, and what is not restored automatically; `on_paper` all that must be there."""
    taken = f"{snapshot.local_time:%Y-%m-%d %H:%M} {snapshot.zone or 'UTC'}"
    lines = [f"Plan for {target}: {count(len(plan.steps), 'task')} of {snapshot.server or snapshot.source} at {taken}"]
    for action, heading in _HEADINGS.items():
        steps = plan.of(action)
        if steps:
            lines += ["", f"{heading}: {len(steps)}"]
            lines += [line for step in steps for line in _step(step)]
    if plan.problems:
        lines += ["", f"Could not be read: {len(plan.problems)}"]
        lines += [f"  {problem.file}: {problem.what}" for problem in plan.problems]
    if plan.undefined:
        lines += ["", f"Not in the backup, so that nothing restores them: {len(plan.undefined)}"]
        lines += [f"  {path}: {why}" for path, why in plan.undefined.items()]
    coming = [step.wanted for step in plan.of(Action.CREATE, Action.REPLACE)]
    losses = [*needs_lines(plan.needs), *lost_lines(coming)] if on_paper else list(_losses(plan))
    if losses:
        lines += ["", "Not restored automatically", *losses]
    if plan.left_out:
        lines += ["", _left_out(plan.left_out)]
    return [one_line(line) for line in lines]


def result_lines(results: Sequence[Restored]) -> list[str]:
    """A table with a row for each task, and a last sentence with the counts."""
    width = max((len(task.path) for task in results), default=0)
    rows = [f"{task.path:{width}}  {task.result:10}  {task.detail}".rstrip() for task in results]
    counts = Counter(task.result for task in results)
    total = ", ".join(f"{count(number, 'task')} {result}" for result, number in counts.items())
    return [one_line(line) for line in [*rows, "", f"{total or 'Nothing to do'}."]]


def _step(step: Step) -> Iterator[str]:
    yield f"  {step.wanted.path}" + ("" if step.wanted.enabled or step.action is Action.LEAVE else " (disabled)")
    yield from (f"    {why}" for why in step.why)


def _losses(plan: Plan) -> Iterator[str]:
    coming = [step.wanted for step in plan.of(Action.CREATE, Action.REPLACE)]
    yield from named_lines("Passwords to enter, one for each account", plan.needs.passwords)
    yield from named_lines("Accounts unknown to this server (replace them with --map OLD=NEW)", plan.unknown)
    yield from named_lines("Missing programs, scripts and folders", plan.absent)
    yield from lost_lines(coming)


def _left_out(number: int) -> str:
    return rf"{count(number, 'task')} of Windows itself (\Microsoft) left out: --folder names them."
