r"""A plan on paper: what a restore would do to an empty server, or to one as a snapshot shows it, and what it needs.

>>> print(*needs_lines(Needs(drives={"D:": [r"\Load"]})), sep="\n")
  Drives that must be there:
    D: (1 task: \Load)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from taskanalysis.errors import reason_of
from taskanalysis.snapshot import (
    Needs,
    Snapshot,
    file_name,
    kept_script,
    long_path,
    plain_path,
    script_place,
    write_whole,
)
from taskanalysis.text import count, one_line
from taskanalysis.windows.restorable import Wanted, read_wanted
from taskanalysis.windows.scheduler import NOT_FOUND, SchedulerError


class Paper:
    """The parts of `Scheduler` that a plan reads: a server with the tasks of a snapshot, or none."""

    def __init__(self, against: Snapshot | None = None) -> None:
        tasks = read_wanted(against, folder="\\").tasks if against else []
        self._tasks = {task.path.casefold(): task.xml for task in tasks}

    def xml(self, path: str) -> str:
        """The stored definition; SchedulerError where there is no such task."""
        if path.casefold() not in self._tasks:
            raise SchedulerError(path, NOT_FOUND)
        return self._tasks[path.casefold()]

    def validate(self, path: str, xml: str) -> None:
        """Only Windows can tell."""

    def account_exists(self, account: str) -> None:
        """Not known."""

    def path_exists(self, path: str) -> None:
        """Not known."""


# In words -------------------------------------------------------------------------------------------------------------

MOST_TASKS = 3
"""Tasks that a line names."""
STEPS = r"""What to do, in this order:

1. Install the programs, scripts and drives where they were, and set the time zone.
2. Create the accounts. One that is no administrator needs the right "Log on as a batch job": without it Windows
   registers a task and never starts it.
3. As administrator, in this folder: powershell -NoProfile -ExecutionPolicy Bypass -File restore.ps1 -WhatIf
   It shows what would be done. Without -WhatIf it does it, and asks for each password once.
4. Look at its table: each task that could not be restored is named there. It can be run again.
5. Only then let the collecting task run there again.
"""


def needs_lines(needs: Needs) -> Iterator[str]:
    """What must be there."""
    headings = {
        "Passwords to enter, one for each account": needs.passwords,
        "Accounts that the server must know": needs.accounts,
        "Programs and folders that must be there": needs.programs,
        "Programs that must be found by their names": needs.bare,
        "Scripts that must be there": needs.scripts,
        "Scripts that are not in the backup, to be copied from elsewhere": needs.unkept,
        "Drives that must be there": needs.drives,
    }
    for heading, names in headings.items():
        yield from named_lines(heading, names)
    if needs.looked is False:
        yield "  Scripts: not known, because the collector did not look for them."


def named_lines(heading: str, names: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """A heading and a line a name with the tasks that need it; nothing where there is none."""
    if names:
        yield f"  {heading}:"
    for name, paths in names.items():
        more = ", …" * (len(paths) > MOST_TASKS)
        yield f"    {name} ({count(len(paths), 'task')}: {', '.join(paths[:MOST_TASKS])}{more})"


def lost_lines(tasks: Sequence[Wanted]) -> Iterator[str]:
    """What tasks lose that are restored."""
    if off := [task.path for task in tasks if not task.enabled]:
        yield f"  Disabled, to be enabled by hand if they should run: {count(len(off), 'task')}"
    if unkept := [task.path for task in tasks if not task.sddl]:
        what = "they inherit those of their folder, or keep their current ones"
        yield f"  Access rights of {count(len(unkept), 'task')}, which the snapshot lacks: {what}"


def read_me(tasks: Sequence[Wanted], needs: Needs, lacking: Mapping[str, str], title: str) -> str:
    """The text of ``READ-ME.txt``: what is here, what must be there, what is lost, and what to do in which order."""
    parts = [*needs_lines(needs), *lost_lines(tasks), "  Task Scheduler's own history of runs is not restored."]
    if lacking:
        parts += ["  Tasks of which the backup has no definition, so that nothing restores them:"]
        parts += [f"    {path}: {why}" for path, why in lacking.items()]
    return "\n".join([one_line(title), "", *map(_indented, parts), "", STEPS])


def _indented(line: str) -> str:
    """A line without secrets and control characters, and with its indentation."""
    return " " * (len(line) - len(line.lstrip())) + one_line(line.strip())


# Scripts --------------------------------------------------------------------------------------------------------------


def lay_out(snapshot: Snapshot, paths: Sequence[str], folder: Path) -> list[str]:
    r"""Write the scripts of these tasks below `folder`, each under its path (``D:\jobs\x.py``: ``D/jobs/x.py``).

    No file that exists is written over. Returns a line for each script: where it is, or why it is not.
    """
    lines = []
    files = [file for path in paths for file in (snapshot.programs or {}).get(path, ()) if file.role == "script"]
    for name, sha256 in dict.fromkeys((file.file, file.sha256) for file in files):
        content = kept_script(snapshot.share, sha256)
        place = long_path(folder).joinpath(*_parts(name))
        try:
            if content is None:
                is_damaged = sha256 and script_place(snapshot.share, sha256).exists()
                lines.append(f"{'Damaged' if is_damaged else 'Not'} in the backup: {name}")
            elif place.exists():
                is_same = place.is_file() and place.read_bytes() == content
                there = "the same" if is_same else "and differs"
                lines.append(f"{name}: {plain_path(place)} is there already, {there}")
            else:
                write_whole(place, content)
                lines.append(f"{name}: written to {plain_path(place)}")
        except (OSError, ValueError) as error:
            lines.append(f"{name}: can't be written ({reason_of(error)})")
    return lines


def _parts(name: str) -> list[str]:
    r"""The folders and the name of a Windows path, safe as names here.

    >>> _parts(r"D:\jobs\..\x.py"), _parts(r"\\files\share\x.py")
    (['D', 'jobs', '.%2E', 'x.py'], ['files', 'share', 'x.py'])
    """
    return file_name(name.replace("/", "\\").replace(":", "", 1)).removesuffix(".xml").split("/")
