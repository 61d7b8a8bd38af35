r"""Windows Task Scheduler, read anywhere: what is scheduled, what needs attention, is it getting better or worse.

Functions that read:
    read_task       one definition, from bytes or a file
    read_tasks      many, from a file or a folder
    read_snapshot   the definitions and statuses of a server at one moment
    read_history    a share over time, as DataFrames: runs, changes, events, observations, coverage

Functions that give a table of the pages, as a DataFrame:
    inventory       the tasks: what each runs, when, and as whom
    status          how each task stands: verdict, reason, last and next run, success rates
    triggers        what starts the tasks
    actions         what they run
    findings        what is wrong or risky in the definitions
    incidents       causes that several tasks share that need attention
    starts          when the tasks should start in the days after the snapshot
    slots           the starts that should have been in the days before it, each with its fate

Functions for one thing:
    describe        a trigger or a definition in English
    diff            what differs between two snapshots, folders or exports
    move            a definition with its start at another time of day
    expected_runs   when a definition or a trigger should start, between two moments
    decode          what a result code means
    sample_share    the path of the sample share

Errors:
    TaskAnalysisError   the parent of all errors of this package
    TaskXmlError        task XML that can't be read

>>> import taskanalysis as ta
>>> ta.describe(ta.read_task(b"<Task><Triggers><BootTrigger><Delay>PT2M</Delay></BootTrigger></Triggers></Task>"))
'At start-up, after 2 minutes'
"""

import lazy_loader

__version__ = "0.1.0"

# the names stand in __init__.pyi: a part of the package is loaded when one of its names is first used
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
