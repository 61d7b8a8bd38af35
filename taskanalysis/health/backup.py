r"""Whether every task is in the backup: how old the stored definitions are, and which tasks they lack.

Statuses may be collected every few minutes and definitions never again, so the backup has an age of its own.

>>> from dataclasses import replace; from datetime import UTC
>>> from taskanalysis.snapshot import Status
>>> snapshot = Snapshot("S", datetime(2026, 11, 23, tzinfo=UTC), statuses={"\\A": Status("\\A")})
>>> find_backup(snapshot).sentence
'No: no definitions were collected.'
>>> backup = find_backup(replace(snapshot, defined_at=snapshot.taken_at))
>>> backup.sentence, backup.missing
('No: 1 of 1 task is not in the backup.', {'\\A': Missing(what='its definition is not stored', since=None)})
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from taskanalysis.health.past import hidden_tasks
from taskanalysis.history import History, microseconds_of, of_server
from taskanalysis.schedule import moment_of
from taskanalysis.snapshot import Snapshot, in_backup, usual_wait
from taskanalysis.text import count, listed

MOST_NAMED = 5
"""Tasks that a sentence names."""


class Missing(NamedTuple):
    """A task that is not in the backup: why, and the first snapshot that shows it (aware UTC; None: not known)."""

    what: str
    since: datetime | None


@dataclass(frozen=True)
class Backup:
    """The stored definitions of a server.

    `read_at` is when they were last read from Windows and `stale_after` when they should have been again (aware UTC),
    None where they never were. `tasks` is the number of known tasks, `missing` those without a good definition; none
    where no definition was ever read.
    """

    read_at: datetime | None
    stale_after: datetime | None
    tasks: int
    missing: dict[str, Missing] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The answer to the question whether every task is in the backup."""
        if self.read_at is None:
            return "No: no definitions were collected."
        if not self.tasks:
            return "No task is known."
        if self.missing:
            are = "is" if len(self.missing) == 1 else "are"
            return f"No: {len(self.missing)} of {count(self.tasks, 'task')} {are} not in the backup."
        return (
            f"Yes: all {self.tasks:,} tasks are in the backup." if self.tasks > 1 else "Yes: 1 task is in the backup."
        )

    @property
    def named(self) -> str:
        """The same, with the first of the tasks that are missing."""
        names = f": {listed([*self.missing], most=MOST_NAMED)}." if self.missing else "."
        return self.sentence.removesuffix(".") + names


def find_backup(snapshot: Snapshot, folder: str = "", history: History | None = None) -> Backup:
    r"""The backup at the time of a snapshot, of the tasks in `folder` and below ("": all outside ``\Microsoft``).

    A task outside the folders whose definitions were collected counts only where an earlier snapshot stored it. One
    that the collector no longer sees counts, too.
    """
    if snapshot.defined_at is None:
        return Backup(None, None, len(snapshot.statuses))
    hidden = [status.path for status, _ in hidden_tasks(history, snapshot)] if history else []
    stored = history.stored_tasks(snapshot.server) if history else set()
    tasks = in_backup(snapshot, folder, hidden=hidden, stored=stored)
    missing = {path: why for path, why in tasks.items() if why}
    since = history.first_seen(snapshot.server) if missing and history else {}
    return Backup(
        snapshot.defined_at,
        snapshot.defined_at + usual_wait(_times(snapshot, history)),
        len(tasks),
        {path: Missing(what, since.get(path)) for path, what in missing.items()},
    )


def _times(snapshot: Snapshot, history: History | None) -> list[datetime]:
    """When definitions were read, newest first."""
    if history is None:
        return []
    coverage = of_server(history.coverage, snapshot.server)
    times = microseconds_of(coverage["taken_at"])[(coverage["kind"] == "full").to_numpy()]
    return [moment_of(at, UTC) for at in times[:-21:-1].tolist()]
