r"""What the tasks of this machine run, and what they last wrote: evidence beside the definitions.

Every file is looked at once; none over 16 MiB is read whole, and of a log its end alone. Nothing is run. What can't be
looked at is not known, and a problem.

>>> last_lines("Löad\r\nfailed\r\n".encode("utf-16-le"))
'Löad\nfailed'
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from taskanalysis.definition import ExecAction, TaskDefinition
from taskanalysis.errors import Problem, reason_of
from taskanalysis.results import Outcome, decode_lines
from taskanalysis.snapshot import MOST_SCRIPT_BYTES, ProgramFile, Status, log_name, text_of
from taskanalysis.text import listed
from taskanalysis.windows.finder import SCRIPT, SCRIPTS, expanded
from taskanalysis.windows.machine import SeenFile
from taskanalysis.windows.programs import log_file, named_files
from taskanalysis.windows.scheduler import Scheduler

MOST_HASHED = 16 * 2**20
MOST_LOG_BYTES, MOST_LOG_LINES = 8192, 50
LogOf = Callable[[str], Sequence[str]]
"""The globs of a task's log files by the rules of the office; none where they name none."""


@dataclass
class Evidence:
    """What was found: the files that actions start, scripts to keep by hash, ends of logs, and what can't be read."""

    programs: list[ProgramFile] = field(default_factory=list)
    scripts: dict[str, bytes] = field(default_factory=dict)
    logs: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def gather(
    scheduler: Scheduler, tasks: Mapping[str, TaskDefinition], statuses: Mapping[str, Status], log_of: LogOf
) -> Evidence:
    """Look at the files of all programs, and at the logs of tasks whose last result is no success."""
    found, seen = Evidence(), _Seen(scheduler)
    for path, task in tasks.items():
        environment = seen.environment(task.principal.account)
        for number, action in enumerate(task.actions, 1):
            if isinstance(action, ExecAction):
                for named in named_files(action, environment, seen.exists):
                    facts, sha256 = seen.facts.get(named.file.lower(), (None, ""))
                    size, modified = (facts.size, facts.modified) if facts and named.exists else (None, None)
                    row = ProgramFile(path, number, named.role, named.file, named.exists, size, modified, sha256)
                    found.programs.append(row)
                    is_script = named.role == SCRIPT and named.file.lower().endswith(SCRIPTS)
                    if is_script and facts and facts.content is not None and facts.size <= MOST_SCRIPT_BYTES:
                        found.scripts[sha256] = facts.content
        if (status := statuses.get(path)) and has_failed(status, task):
            written = [file for action in task.programs if (file := log_file(action, environment, seen.exists))]
            globs = [expanded(glob, environment) for glob in log_of(path)]
            _read_log(scheduler, path, globs or written[:1], found)
    return found


def has_failed(status: Status, task: TaskDefinition) -> bool:
    """Whether the last result of a task is known and no success."""
    if status.last_result is None or status.never_ran:
        return False
    return decode_lines(status.last_result, task.command_lines).outcome not in (Outcome.SUCCEEDED, Outcome.RUNNING)


class _Seen:
    """The files and accounts that were asked for, each once."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.facts: dict[str, tuple[SeenFile | None, str]] = {}
        self._unknown: set[str] = set()
        self._environments: dict[str, dict[str, str]] = {}

    def environment(self, account: str) -> dict[str, str]:
        if account not in self._environments:
            self._environments[account] = self.scheduler.environment(account)
        return self._environments[account]

    def exists(self, file: str) -> bool | None:
        key = file.lower()
        if key not in self.facts and key not in self._unknown:
            try:
                facts = self.scheduler.file(file, MOST_HASHED)
                content = facts.content if facts else None
                self.facts[key] = facts, hashlib.sha256(content).hexdigest() if content is not None else ""
                if facts and facts.size > MOST_SCRIPT_BYTES:  # its hash is enough
                    self.facts[key] = facts._replace(content=None), self.facts[key][1]
            except OSError:
                self._unknown.add(key)
        return None if key in self._unknown else self.facts[key][0] is not None


# Logs -----------------------------------------------------------------------------------------------------------------


def _read_log(scheduler: Scheduler, path: str, globs: Sequence[str], found: Evidence) -> None:
    """The end of the newest file that fits one of these globs."""
    named = listed(globs, "or")
    try:
        files = [file for glob in globs if (file := scheduler.newest_file(glob))]
        if len(files) > 1:
            seen = [(facts.modified, file) for file in files if (facts := scheduler.file(file))]
            files = [max(seen)[1]] if seen else []
        if files:
            found.logs[path] = last_lines(scheduler.tail(files[0], MOST_LOG_BYTES))
        elif globs:
            found.problems.append(Problem(log_name(path), f"no file is there for its log {named}"))
    except OSError as error:
        found.problems.append(Problem(log_name(path), f"its log {named} can't be read ({reason_of(error)})"))


def last_lines(tail: bytes) -> str:
    """The last lines of a log of any encoding, from its last bytes; the first may be cut."""
    lines = text_of(tail).replace("\r\n", "\n").rstrip().split("\n")
    if len(tail) >= MOST_LOG_BYTES and len(lines) > 1:
        del lines[0]  # a half
    return "\n".join(lines[-MOST_LOG_LINES:])
