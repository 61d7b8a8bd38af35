r"""Windows Task Scheduler, read anywhere: what is scheduled, what needs attention, is it getting better or worse.

>>> import taskanalysis as ta
>>> ta.describe(ta.read_task(b"<Task><Triggers><BootTrigger><Delay>PT2M</Delay></BootTrigger></Triggers></Task>"))
'At start-up, after 2 minutes'
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from taskanalysis.definition.reader import read_task
    from taskanalysis.definition.words import describe
    from taskanalysis.errors import TaskAnalysisError, TaskXmlError
    from taskanalysis.history.frames import read_history
    from taskanalysis.results.decode import decode
    from taskanalysis.schedule.slots import expected_runs
    from taskanalysis.snapshot.files import read_tasks
    from taskanalysis.snapshot.snapshot import read_snapshot

__all__ = [
    "TaskAnalysisError",
    "TaskXmlError",
    "__version__",
    "decode",
    "describe",
    "expected_runs",
    "read_history",
    "read_snapshot",
    "read_task",
    "read_tasks",
]

_HOMES = {
    "TaskAnalysisError": "errors",
    "TaskXmlError": "errors",
    "decode": "results.decode",
    "describe": "definition.words",
    "expected_runs": "schedule.slots",
    "read_history": "history.frames",
    "read_snapshot": "snapshot.snapshot",
    "read_task": "definition.reader",
    "read_tasks": "snapshot.files",
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first asked for, so that a part of the package costs no more than itself."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
