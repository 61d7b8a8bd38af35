r"""Windows Task Scheduler, read anywhere: what is scheduled, what needs attention, is it getting better or worse.

Where to find what:

======================  ==================================================================
`errors`, `duration`    what can go wrong; spans of time as task definitions write them
`trigger`, `definition` what a task definition says, as frozen dataclasses
`xmltext`, `taskxml`    bytes -> safe XML -> definition, with `xmlvalues` (what the text of an element says)
`wording`, `eventquery` triggers in English, with `dayswords`
`difference`            what differs between two definitions, in words
`schedule`              when a task should start, with `recurrence` (the days of a calendar) and `zoneclock` (what
                        the clocks of a zone do)
`result`, `program`     what a result code means for the program that gave it; `result_codes.csv`
`decoding`              result codes of many rows at once
`rules`                 what an office says of its tasks
`taskfiles`             folders and files with many definitions
`snapshot`, `status`    one server at one moment: our own format, read and written
`share`                 the snapshots that lie in a share
`formats`               statuses that schtasks, PowerShell and the old scripts write: `statusrows` cuts them
                        into rows, `statuswords` knows the words of nine languages, `localdates` their dates
`eventlog`              runs and what kept others from starting, from Windows' log; `eventrecords` reads its files
                        into `eventnotes`, most of an .evtx by `evtxchunk`
`history`               many snapshots -> observations, runs, changes. `daystore` keeps its files, which `daybuild`
                        makes (`statustable`, `spans`); `joined`, `runs`, `changes`, `outcomes` make the frames of
                        them; `logstore` adds the event logs; `upkeep` verifies and prunes a share, as
                        `historycommand` is told
`past`, `fates`         what the history says of each task; what became of each start that was due
`masking`               secrets out of everything that is shown
`findings`              what an office can act on in a definition
`due`, `health`         which start is overdue; one verdict a task, with its reason
`incidents`             tasks that need attention for one shared cause
`tables`, `starts`      DataFrames for readers: what there is, and what starts when; `columns` says what their
                        columns mean, `frames` makes them
`trends`                the same over time, with `failing` (how many fail at which time): `trendtables`,
                        `trendanswers`, and `trendfiles` for the CSV files
`answers`, `charts`     computed sentences; figures with alternative text, those over time in `timecharts` and
                        `taskcharts`, on the days of `timeaxis`
`display`, `export`     what a notebook shows; CSV and JSON files
`check`                 what needs attention, for a prompt and for monitors
`execute`, `workers`    one notebook in a process of its own; those processes, their time limits and their end
`pages`, `overview`     HTML around what a notebook shows; the index of a folder of reports
`report`, `fleet`       notebooks -> HTML, of one server and of all; `reportcommand` checks and prints
`publish`               HTML -> the share: runs, latest, retention, lock
`scheduler`, `machine`  the one door to Windows' Task Scheduler; what this machine is
`collect`               Task Scheduler, or files of other programs -> a new snapshot; `logexport` takes the event
                        log, and `collectcommand` asks and prints
`restore`               snapshot -> Task Scheduler: plan first, then do; `restorable` is what can be put back,
                        `restorewords` a plan in lines, `restorecommand` asks and prints
`taskwriter`            the task XML that runs `collect` and `report` on a schedule
`executors`             where work that comes in pieces is done: here, in other processes, on a Dask cluster
`commandline`           how every command ends: its exit code, and one sentence where it can't go on
`psscript`              a snapshot as a PowerShell script that puts tasks back
======================  ==================================================================

>>> import taskanalysis as ta
>>> ta.describe(ta.read_task(b"<Task><Triggers><BootTrigger><Delay>PT2M</Delay></BootTrigger></Triggers></Task>"))
'At start-up, after 2 minutes'
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from taskanalysis.errors import TaskAnalysisError, TaskXmlError
    from taskanalysis.history import read_history
    from taskanalysis.result import decode
    from taskanalysis.schedule import expected_runs
    from taskanalysis.snapshot import read_snapshot
    from taskanalysis.taskfiles import read_tasks
    from taskanalysis.taskxml import read_task
    from taskanalysis.wording import describe

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
    "decode": "result",
    "describe": "wording",
    "expected_runs": "schedule",
    "read_history": "history",
    "read_snapshot": "snapshot",
    "read_task": "taskxml",
    "read_tasks": "taskfiles",
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first asked for, so that a part of the package costs no more than itself."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
