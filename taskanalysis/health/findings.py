r"""What an office can act on in a task definition, before anything fails.

A finding has a kind, which ``findings.csv`` beside this module explains, and a detail of its own. Each is a reason to
look, not a verdict; a disabled task gets those that matter when it is restored or enabled again.

>>> from datetime import UTC
>>> found = find_findings({"\\Load": TaskDefinition()}, at=datetime(2026, 11, 23, tzinfo=UTC))
>>> [finding.kind for finding in found["\\Load"]]
['nothing starts it', 'no action', 'default time limit', 'no description']
"""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from taskanalysis.definition import CalendarTrigger, Duration, ExecAction, TaskDefinition, TimeTrigger, Trigger, model
from taskanalysis.schedule import next_run, unscheduled
from taskanalysis.snapshot import Snapshot, kept_script
from taskanalysis.text import has_secret, hides_exit_code, listed, mask, mask_arguments, program_name


class Finding(NamedTuple):
    """One thing to look at: `kind` is a key of `KINDS`, `detail` what it is in this task, where that needs saying."""

    kind: str
    detail: str = ""

    def __str__(self) -> str:
        """Kind and detail, as a cell shows them; a colon after "password" would look like one to `mask`."""
        return f"{self.kind} ({self.detail})" if self.detail else self.kind


class Kind(NamedTuple):
    """What a kind of finding means and what to do about it."""

    meaning: str
    advice: str


_LINES = Path(__file__).with_name("findings.csv").read_text(encoding="utf-8").splitlines()
_ROWS = csv.DictReader(line for line in _LINES if not line.startswith("#"))
KINDS = {row["kind"]: Kind(row["meaning"], row["advice"]) for row in _ROWS}
"""All kinds, the most pressing first."""
_ORDER = list(KINDS)
NOT_KEPT = "script is not in the backup"

_INTERPRETERS = {"python": "Python", "pythonw": "Python", "py": "Python", "rscript": "R", "node": "Node.js"} | {
    name: name.capitalize() for name in ("java", "perl", "php", "ruby")
}
_DEFAULT_LIMIT = Duration.parse("PT72H")
_SOON = timedelta(days=30)
_DRIVE = re.compile(r"(?<![\w./-])([H-Zh-z]):[\\/]")
_NETWORK = re.compile(  # \\server\share or //server/share, but no https://host/, \\?\ and not this computer
    r"""(?:(?<![^\s"'=:(,;])\\\\|(?<![^\s"'=(,;])//)(?![?.][\\/]|localhost[\\/])[\w.$-]+(?=[\\/])""", re.IGNORECASE
)
_ROOTED = re.compile(r"""["']?(?:[A-Za-z]:|\\\\|[\\/]|%\w+%)""")
_SESSION = (model.LogonTrigger, model.SessionStateChangeTrigger)
_SHELLS = {"cmd", "powershell", "pwsh", "bash", "sh", "zsh", "wsl", "busybox"}
_SHELL_MARK = re.compile(  # " > x", " 2>&1", "x.log>>", " | x" and " && x", but no "a|b", "->" and "<x>"
    r"""(?:^|\s)(?:[12]?(>{1,2})(?=[\s"'\w.%\\&])|(\||&&)(?=\s))|(?<=\w)(>>)"""
)
_SCRIPT = re.compile(r"\.(?:pyw?|ps[dm]?1|vb[se]|jse?|ws[fh]|pl|rb|r|php|sh|jar|lua|tcl)$")
_MORE = re.compile(  # a program in quotes, with its ending, as a variable, or by a name and then an option; and more
    r"""(?:"([^"]+)"|(.+?\.(?:exe|com|bat|cmd|ps1|pyw?|vbs))(?=\s)|(%\w+%)(?=\s)|([\w-]+)(?=\s+["/-]))\s*(\S.*)""",
    re.IGNORECASE | re.DOTALL,
)
_LONGEST_DAYS, _LONGEST_INTERVAL = 36_525, timedelta(days=31)


def _words(name: str) -> frozenset[str]:
    lines = Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


_ON_PATH = _words("search_path.txt")


def find_findings(
    tasks: Mapping[str, TaskDefinition], *, at: datetime, snapshot: Snapshot | None = None
) -> dict[str, list[Finding]]:
    """The findings of each task, in the order of `KINDS`; `at` is an aware moment in the server's zone.

    Those of the files that tasks start are only known of a `snapshot` whose collector looked at them.
    """
    usual, files = _usual_interpreters(tasks.values()), defaultdict[str, list[Finding]](list)
    for path, finding in _of_files(snapshot) if snapshot else ():
        files[path].append(finding)
    return {path: _of_task(task, at, usual, files[path]) for path, task in tasks.items()}


def _of_files(snapshot: Snapshot) -> Iterator[tuple[str, Finding]]:
    """What is wrong with the files that tasks start, by task path."""
    is_kept = cache(lambda sha256: kept_script(snapshot.share, sha256) is not None)
    for file in chain.from_iterable((snapshot.programs or {}).values()):
        if file.exists is False:
            yield file.path, Finding(f"{file.role} not found", file.file)
        elif file.role == "script" and file.exists and not (file.sha256 and is_kept(file.sha256)):
            yield file.path, Finding(NOT_KEPT, file.file)


def _of_task(task: TaskDefinition, at: datetime, usual: Mapping[str, str], files: Sequence[Finding]) -> list[Finding]:
    live = [trigger for trigger in task.triggers if trigger.enabled and not is_over(trigger, at)]
    parts = (_of_principal(task, live), _of_triggers(task, live, at), _of_settings(task), _of_actions(task, usual))
    found = [*chain.from_iterable(parts), *files]
    return sorted(dict.fromkeys(found), key=lambda finding: _ORDER.index(finding.kind))


def why_nothing_starts(task: TaskDefinition, at: datetime) -> str:
    """Why no trigger will start a task after `at`, an aware moment in the server's zone; "" where one may."""
    enabled = [trigger for trigger in task.triggers if trigger.enabled]
    if task.settings.maintenance_settings or not all(is_over(trigger, at) for trigger in enabled):
        return ""
    if not task.triggers:
        return "it has no trigger"
    return "its triggers give no further start" if enabled else "no trigger is enabled"


# Parts of a definition ------------------------------------------------------------------------------------------------


def _of_principal(task: TaskDefinition, live: Sequence[Trigger]) -> Iterator[Finding]:
    principal = task.principal
    is_meant = live and all(isinstance(trigger, _SESSION) for trigger in live)  # someone is logged on just then
    if ((principal.logon_type == "InteractiveToken" and not principal.service) or principal.group_id) and not is_meant:
        yield Finding("only when logged on", principal.account)
    if principal.needs_password:
        yield Finding("stored password", principal.account)
    commands = " ".join(f"{action.command} {action.arguments} {action.working_directory}" for action in task.programs)
    if principal.service and (path := _NETWORK.search(commands)):
        yield Finding("network as service", f"{path[0]} as {principal.service}")
    if letters := sorted({letter.upper() for letter in _DRIVE.findall(commands)}):
        yield Finding("drive letter", listed([f"{letter}:" for letter in letters]))


def _of_triggers(task: TaskDefinition, live: Sequence[Trigger], at: datetime) -> Iterator[Finding]:
    for repetition in filter(None, (trigger.repetition for trigger in task.triggers)):  # Windows refuses the whole task
        if repetition.is_too_short:
            yield Finding("repetition under a minute", f"every {repetition.interval.words()}")
        if refused := _refused(repetition):
            yield Finding("repetition refused", refused)
    if not live and task.settings.enabled and (why := why_nothing_starts(task, at)):
        yield Finding("nothing starts it", why)
    for trigger in live:
        if trigger.end_boundary and _aware(trigger.end_boundary, at) <= at + _SOON:
            yield Finding("ends soon", f"{trigger.end_boundary:%Y-%m-%d}")
        recurs = isinstance(trigger, CalendarTrigger) or (isinstance(trigger, TimeTrigger) and trigger.repetition)
        if recurs and trigger.start_boundary and trigger.start_boundary.tzinfo:
            yield Finding("fixed to UTC", f"starts at {trigger.start_boundary:%H:%M} {trigger.start_boundary.tzname()}")


def _of_settings(task: TaskDefinition) -> Iterator[Finding]:
    settings = task.settings
    if not task.registration_info.description.strip():
        yield Finding("no description")
    if settings.execution_time_limit == _DEFAULT_LIMIT:
        yield Finding("default time limit")
    elif settings.execution_time_limit is None and not _limited_by_triggers(task):
        yield Finding("default time limit", "none is written")
    if settings.restart_on_failure and task.programs:
        yield Finding("restart does not help")


def _of_actions(task: TaskDefinition, usual: Mapping[str, str]) -> Iterator[Finding]:
    if not task.actions:
        yield Finding("no action")
    for action in task.programs:
        program, more = _split(action.command)
        name, arguments = program_name(program), f"{more} {action.arguments}"
        if more:
            yield Finding("arguments in the program", mask(name))
        if _SCRIPT.search(name):
            yield Finding("script as the program", mask(name))
        if '"' in action.working_directory:
            yield Finding("quotes around the folder", mask(action.working_directory))
        if mark := _shell_mark(name, arguments):
            yield Finding("redirect without a shell", f"{mark} after {mask(name)}")
        if has_secret(action.command) or mask_arguments(action.command, action.arguments) != action.arguments:
            yield Finding("secret in arguments", action.program)
        if hider := hides_exit_code(program, arguments):
            yield Finding("exit code hidden", hider)
        is_found = name.removesuffix(".com") in _ON_PATH and not re.search(r"[\\/]", program)
        if program and not action.working_directory and not _ROOTED.match(program) and not is_found:
            yield Finding("relative program", mask(program))
        for kind, folder in _interpreters(action):
            if usual.get(kind, folder).casefold() != folder.casefold():
                yield Finding("other interpreter", f"{kind} in {folder or 'the search path'}, mostly in {usual[kind]}")


def _limited_by_triggers(task: TaskDefinition) -> bool:
    limits = [trigger.execution_time_limit for trigger in task.triggers if trigger.enabled]
    return bool(limits) and all(limit and not limit.is_zero for limit in limits)


# Details --------------------------------------------------------------------------------------------------------------


def is_over(trigger: Trigger, at: datetime) -> bool:
    """Whether a trigger can't start the task any more after `at`."""
    if not unscheduled(trigger):
        return next_run(trigger, at, tz=at.tzinfo or UTC) is None
    return trigger.end_boundary is not None and _aware(trigger.end_boundary, at) <= at


def _aware(boundary: datetime, at: datetime) -> datetime:
    return boundary if boundary.tzinfo else boundary.replace(tzinfo=at.tzinfo)


def _refused(repetition: model.Repetition) -> str:
    """What Windows refuses of a repetition; "" where it takes it, or where the interval is under a minute."""
    interval, duration = repetition.interval, repetition.duration
    if _days(interval) > _LONGEST_INTERVAL.days or interval.delta > _LONGEST_INTERVAL:
        return f"every {interval.words()}"
    if duration and (
        _days(duration) > _LONGEST_DAYS or (not duration.months and duration.delta < timedelta(minutes=1))
    ):
        return f"for {duration.words()}"
    return ""


def _days(duration: Duration) -> int:
    """Its whole days, a month as 31."""
    return 31 * duration.months + duration.delta.days


def _split(command: str) -> tuple[str, str]:
    r"""The program in the field of the program, and what stands after it.

    >>> _split(r'cmd /c "C:\open it.bat"'), _split(r"C:\Program Files\x.exe")
    (('cmd', '/c "C:\\open it.bat"'), ('C:\\Program Files\\x.exe', ''))
    """
    command = command.strip()
    found = _MORE.fullmatch(command)
    return (next(filter(None, found.groups()[:-1])), found[5]) if found else (command.strip('"'), "")


def _shell_mark(program: str, arguments: str) -> str:
    """The first mark in the arguments that only a shell understands, where no shell is started; else ""."""
    if program.endswith((".bat", ".cmd")) or not _SHELLS.isdisjoint(map(program_name, [program, *arguments.split()])):
        return ""
    found = _SHELL_MARK.search(re.sub(r'"[^"]*"', '""', arguments))
    return next(filter(None, found.groups())) if found else ""


def _interpreters(action: ExecAction) -> Iterator[tuple[str, str]]:
    """Kind and folder of the interpreter that an action starts, itself or through conhost."""
    if action.program in _INTERPRETERS:
        command = action.command
    else:
        quoted = re.search(r'"([^"]+\.exe)"', action.arguments) if action.program == "conhost" else None
        command = quoted[1] if quoted else ""
    program = ExecAction(command=command).program
    if program in _INTERPRETERS:
        yield _INTERPRETERS[program], re.sub(r"[\\/]?[^\\/]*$", "", command.strip().strip("\"'"))


def _usual_interpreters(tasks: Iterable[TaskDefinition]) -> dict[str, str]:
    """Kind -> the folder that more than half of at least three tasks use, as it is most often spelled."""
    folders: dict[str, Counter[str]] = {}
    for task in tasks:
        for kind, folder in {pair for action in task.programs for pair in _interpreters(action)}:
            folders.setdefault(kind, Counter())[folder] += 1
    usual = {}
    for kind, counter in folders.items():
        spelled, _ = counter.most_common(1)[0]
        same = sum(number for folder, number in counter.items() if folder.casefold() == spelled.casefold())
        if counter.total() >= 3 and 2 * same > counter.total():
            usual[kind] = spelled
    return usual
