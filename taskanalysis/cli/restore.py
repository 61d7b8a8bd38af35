r"""``taskanalysis restore``: print the plan to restore tasks, carry it out, or write a script that does.

Every line is masked and free of control characters, because names and arguments come from tasks.

>>> run("tests/files/folder", script="new", carry_out=True)
Traceback (most recent call last):
click.exceptions.UsageError: --script only writes a folder: omit --apply, --server, --user and --data
>>> result_lines([Restored(r"\OpenData\Load", "failed", "access is denied")])[-2:]
['', '1 task failed.']
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from taskanalysis.cli.main import ATTENTION, password_of, say
from taskanalysis.errors import TaskAnalysisError, UnfinishedError
from taskanalysis.snapshot import Snapshot, read_snapshot
from taskanalysis.text import count, one_line
from taskanalysis.windows import (
    Action,
    Plan,
    Restored,
    Scheduler,
    SchedulerError,
    Step,
    apply,
    connect,
    parse_map,
    plan,
    read_wanted,
    server_name,
    write_script,
)


def run(
    snapshot: str,
    *,
    folder: str = "",
    tasks: Sequence[str] = (),
    carry_out: bool = False,
    disabled: bool = False,
    maps: Sequence[str] = (),
    script: str | None = None,
    server: str = "",
    user: str = "",
    data: str = "",
) -> int:
    """Print the plan, write the script, or carry the plan out; the exit code, 1 where a task was not restored.

    UsageError for options that do not fit together, UnfinishedError where the connection is lost; other errors as from
    `read_wanted`, `plan` and `apply`.
    """
    if script and (carry_out or server or user or data):
        raise click.UsageError("--script only writes a folder: omit --apply, --server, --user and --data")
    try:
        mapping = parse_map(maps)
    except ValueError as error:
        raise click.UsageError(f"--map {error}") from None
    choice: dict[str, Any] = {"folder": folder, "tasks": tasks, "mapping": mapping, "disabled": disabled}
    source = read_snapshot(snapshot, holding="definitions")
    if script:
        return _write(source, choice, Path(script))
    scheduler = _connect(server, user, source.zone)
    planned = plan(source, scheduler, **choice)
    name = server or server_name()
    click.echo("\n".join(plan_lines(planned, source, name)))
    if carry_out:
        return _carry_out(planned, scheduler, source, name, data)
    click.echo("\nNothing was changed. Add --apply to carry out the plan.")
    return 0


def _write(source: Snapshot, choice: dict[str, Any], folder: Path) -> int:
    wanted = read_wanted(source, **choice)
    moment = f"{source.local_time:%Y-%m-%d %H:%M} {source.zone or 'UTC'}"
    title = f"{len(wanted.tasks)} tasks of {source.server or source.source}, as they were at {moment}"
    written = write_script(folder, wanted.tasks, title=title)
    click.echo(f"Copy {written.parent} to the server, and there, as administrator:")
    click.echo("powershell -NoProfile -ExecutionPolicy Bypass -File restore.ps1 -WhatIf")
    if wanted.left_out:
        say(_left_out(wanted.left_out))
    for problem in wanted.problems:
        say(f"Could not be read: {problem.file}: {problem.what}", err=True)
    return ATTENTION if wanted.problems else 0


def _connect(server: str, user: str, zone: str) -> Scheduler:
    """Connect to the Task Scheduler of this machine or of `server`, with the password that `user` is prompted for."""
    password = password_of(user, server)
    try:
        return connect(server, user=user, password=password, zone=zone if server else "")
    except TaskAnalysisError as error:
        if sys.platform == "win32" or isinstance(error, SchedulerError):
            raise
        raise TaskAnalysisError("restore needs Windows; --script DIR writes a script to run there") from error


def _carry_out(planned: Plan, scheduler: Scheduler, source: Snapshot, name: str, data: str) -> int:
    """Prompt for the passwords, carry out the plan, and print a table of results."""
    own = source.share if (source.share / "snapshots").is_dir() else None
    share = Path(data) if data else own
    if planned.of(Action.REPLACE) and not share:
        raise click.UsageError("--data is missing: name the share in which replaced tasks are saved first")
    passwords: dict[str, str] = {}
    for account in planned.passwords:
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
    return ATTENTION if planned.problems or any(result.failed for result in done) else 0


# Lines for a reader --------------------------------------------------------------------------------------------------

_HEADINGS = {
    Action.CREATE: "To be created",
    Action.REPLACE: "To be replaced",
    Action.LEAVE: "Unchanged, skipped",
    Action.REFUSE: "Can't be restored",
}


def plan_lines(plan: Plan, snapshot: Snapshot, target: str) -> list[str]:
    """The plan for the server `target`, and what is not restored automatically."""
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
    losses = list(_losses(plan))
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
    yield from _named("Passwords to enter, one for each account", plan.passwords)
    yield from _named("Accounts unknown to this server (replace them with --map OLD=NEW)", plan.unknown)
    yield from _named("Missing programs and folders", plan.absent)
    coming = [step.wanted for step in plan.of(Action.CREATE, Action.REPLACE)]
    if off := [wanted.path for wanted in coming if not wanted.enabled]:
        yield f"  Disabled, to be enabled by hand if they should run: {count(len(off), 'task')}"
    if unkept := [wanted.path for wanted in coming if not wanted.sddl]:
        what = "they inherit those of their folder, or keep their current ones"
        yield f"  Access rights of {count(len(unkept), 'task')}, which the snapshot lacks: {what}"


def _named(heading: str, names: Mapping[str, list[str]]) -> Iterator[str]:
    if names:
        yield f"  {heading}:"
    for name, paths in names.items():
        yield f"    {name} ({count(len(paths), 'task')}: {', '.join(paths[:3])}{', …' * (len(paths) > 3)})"


def _left_out(number: int) -> str:
    return rf"{count(number, 'task')} of Windows itself (\Microsoft) left out: --folder names them."
