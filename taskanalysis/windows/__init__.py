"""What does the Windows Task Scheduler hold, and how do we change it?

`connect` gives a `Scheduler`, `collect` writes a snapshot of it, `plan` and `apply` restore one, `own_task` is the task
that runs us. The only wing that uses pywin32.
"""

from taskanalysis.windows.collect import LOG, TURN_ON, Collected, collect, convert, convert_all, export_log
from taskanalysis.windows.machine import server_name, user_name
from taskanalysis.windows.own_task import own_task, this_program
from taskanalysis.windows.paper import Paper, lay_out, lost_lines, named_lines, needs_lines, read_me
from taskanalysis.windows.restorable import parse_map, read_wanted
from taskanalysis.windows.restore import Action, Plan, Restored, Step, apply, plan
from taskanalysis.windows.scheduler import Scheduler, SchedulerError, connect
from taskanalysis.windows.script import write_script

__all__ = [
    "LOG",
    "TURN_ON",
    "Action",
    "Collected",
    "Paper",
    "Plan",
    "Restored",
    "Scheduler",
    "SchedulerError",
    "Step",
    "apply",
    "collect",
    "connect",
    "convert",
    "convert_all",
    "export_log",
    "lay_out",
    "lost_lines",
    "named_lines",
    "needs_lines",
    "own_task",
    "parse_map",
    "plan",
    "read_me",
    "read_wanted",
    "server_name",
    "this_program",
    "user_name",
    "write_script",
]
