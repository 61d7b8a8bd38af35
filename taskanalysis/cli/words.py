r"""A plan of what to put back, and what became of it, in lines for a reader.

Every line is masked and without control characters: names and arguments come from tasks.

>>> result_lines([Restored(r"\OpenData\Load", "failed", "access is denied")])[-2:]
['', '1 task failed.']
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from taskanalysis.snapshot import Snapshot
from taskanalysis.text import count, one_line
from taskanalysis.windows import Action, Plan, Restored, Step

__all__ = ["plan_lines", "result_lines"]

_HEADINGS = {
    Action.CREATE: "To be created",
    Action.REPLACE: "To be replaced",
    Action.LEAVE: "Left alone, because they are the same",
    Action.REFUSE: "Can't be put back",
}


def plan_lines(plan: Plan, snapshot: Snapshot, target: str) -> list[str]:
    """What would be done on the server `target`, and what does not come back by itself."""
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
        lines += ["", "What does not come back by itself", *losses]
    if plan.left_out:
        lines += ["", rf"{count(plan.left_out, 'task')} of Windows itself (\Microsoft) left out: --folder names them."]
    return [one_line(line) for line in lines]


def result_lines(results: Sequence[Restored]) -> list[str]:
    """A table with a row a task, and a last sentence with the counts."""
    wide = max((len(each.path) for each in results), default=0)
    rows = [f"{each.path:{wide}}  {each.result:10}  {each.detail}".rstrip() for each in results]
    counts = Counter(each.result for each in results)
    said = ", ".join(f"{count(number, 'task')} {result}" for result, number in counts.items())
    return [one_line(line) for line in [*rows, "", f"{said or 'Nothing to do'}."]]


def _step(step: Step) -> Iterator[str]:
    yield f"  {step.wanted.path}" + ("" if step.wanted.enabled or step.action is Action.LEAVE else " (switched off)")
    yield from (f"    {why}" for why in step.why)


def _losses(plan: Plan) -> Iterator[str]:
    yield from _named("Passwords to type in, one an account", plan.passwords)
    yield from _named("Accounts that this server does not know (--map OLD=NEW names others)", plan.unknown)
    yield from _named("Programs and folders that are not there", plan.absent)
    coming = [step.wanted for step in plan.of(Action.CREATE, Action.REPLACE)]
    if off := [wanted.path for wanted in coming if not wanted.enabled]:
        yield f"  Switched off, and to be switched on by hand if they should run: {count(len(off), 'task')}"
    if unkept := [wanted.path for wanted in coming if not wanted.sddl]:
        what = "they get those of their folder, or keep those that they have"
        yield f"  Access rights of {count(len(unkept), 'task')}, which the snapshot does not hold: {what}"


def _named(heading: str, found: Mapping[str, list[str]]) -> Iterator[str]:
    if found:
        yield f"  {heading}:"
    for name, paths in found.items():
        yield f"    {name} ({count(len(paths), 'task')}: {', '.join(paths[:3])}{', …' * (len(paths) > 3)})"
