"""The data dictionary: each table's columns, in order, with what they mean.

The pages show it on hover and in a legend, ``data/README.md`` repeats it, and `tables` makes nothing else.

>>> list(COLUMNS["actions"])[:4]
['server', 'task_path', 'number', 'type']
"""

__all__ = ["COLUMNS"]

_KEY = {"server": "name of the server", "task_path": "folder and name of the task, unique on its server"}

COLUMNS: dict[str, dict[str, str]] = {
    "inventory": _KEY
    | {
        "folder": "folder of the task",
        "name": "name of the task",
        "enabled": "whether the task as a whole is switched on",
        "hidden": "whether Task Scheduler hides it unless hidden tasks are shown",
        "description": "description as its author wrote it",
        "author": "account that registered it, or what was written there",
        "registered": "when it was registered, in the server's zone",
        "schedule": "what starts it, in words; times are the server's local time unless an offset is said",
        "next_runs": "expected starts in the 24 hours after the snapshot, the first 24 of them",
        "triggers": "number of triggers",
        "actions": "number of actions",
        "command": "programs of all actions, in order",
        "arguments": "their arguments, in order; secret-looking values are masked",
        "working_directory": "their working directories, in order",
        "run_as": "account that it runs as",
        "logon_type": "how it logs on: Password (stored), S4U (not stored), InteractiveToken (only while logged on)",
        "run_level": "LeastPrivilege or HighestAvailable",
        "needs_password": "whether a password must be typed in to put the task back",
        "time_limit": "after which time Windows stops a run",
        "multiple_instances": "what a start does while it runs: IgnoreNew, Parallel, Queue or StopExisting",
        "restart_count": "how often a start that failed is tried again",
        "restart_interval": "time between such tries",
        "version": "version of the task format",
        "uri": "task path that the XML claims; it may differ from where the task lies",
        "sha256": "check sum of its file",
        "file": "file that it was read from",
        "findings": "what to look at, the most pressing first",
    },
    "triggers": _KEY
    | {
        "number": "position in the task, from 1",
        "type": "name of its element; a calendar trigger with its schedule",
        "enabled": "whether the trigger is switched on",
        "schedule": "the trigger in words",
        "start_boundary": "moment from which it counts, as written: the server's local time unless it has an offset",
        "end_boundary": "moment from which it does not count any more, as written",
        "interval": "time between repetitions",
        "duration": "how long it repeats; empty with an interval means for ever",
        "random_delay": "longest delay that Windows adds at random",
        "next_run": "the next start that it gives after the snapshot, in the server's zone",
        "judged": "whether it is certain that Windows starts it just then; not so around a change of the clocks",
    },
    "actions": _KEY
    | {
        "number": "position in the task, from 1",
        "type": "name of its element",
        "command": "program, class, mail or message",
        "arguments": "arguments; secret-looking values are masked",
        "working_directory": "folder that it starts in",
        "program": "file name of the program, in lower case without .exe",
    },
    "status": _KEY
    | {
        "verdict": "what to think of it: OK, FAILING, OVERDUE, RUNNING, RUNNING LONG, NEVER RAN, DISABLED, UNKNOWN",
        "reason": "why, in words",
        "since": "since when, where one snapshot can know it: the start of the run that goes on, or the first missed",
        "outcome": "what the result says: succeeded, failed, running, stopped, not started, never ran, unknown",
        "code": "last result, unsigned",
        "hex": "last result as a hexadecimal number",
        "meaning": "what that result means here",
        "advice": "next step",
        "certainty": "how sure the meaning is: certain, likely, guess",
        "basis": "table or rule that gave the meaning",
        "state": "what Task Scheduler says that it is doing: Unknown, Disabled, Queued, Ready, Running",
        "last_run": "start of the last run, or never",
        "next_run": "when Windows means to start it next, or never; it counts disabled triggers too",
        "expected_next": "when it should start next by its definition",
        "missed_runs": "starts missed because the server was off, since the last successful run",
        "incident": "the shared cause, where there is one",
        "owner": "who looks after it, by a rule of the office",
        "note": "what a rule of the office says of it",
        "rule": "what decided the verdict",
    },
    "incidents": {
        "cause": "what the tasks have in common",
        "tasks": "the tasks",
        "since": "start of the first failed run; not known from one snapshot",
        "code": "the result that they share",
        "account": "the account that they share",
        "program": "the program that they share",
        "folder": "the folder that they share",
    },
    "changes": _KEY
    | {
        "at": "time of the snapshot that first shows it",
        "kind": "added, removed, changed, enabled, disabled, or outcome of the last run",
        "before": "what was before",
        "after": "what is now",
        "what": "what changed, in words",
    },
    "unmatched": _KEY | {"what": "which side is missing: definition or status"},
    "old_status": {
        "name": "name of the task",
        "lastResult": "Working, Broken or Unknown",
        "resultCode": "last result, unsigned",
        "timeStamp": "the next run",
    },
    "findings": {
        "finding": "what was found",
        "tasks": "number of tasks",
        "which": "the tasks, with what it is there",
        "meaning": "why it matters",
        "advice": "what to do about it",
    },
    "coming": {
        "hour": "hour, in the server's zone",
        "starts": "number of starts in it",
        "tasks": "number of tasks that start in it",
        "which": "the tasks, with their times",
    },
    "collisions": {
        "tasks": "number of tasks that start in the same minute",
        "which": "the tasks",
        "starts": "how often they do, in the week that follows the snapshot",
        "when": "days and times of day, in the server's zone",
    },
    "differences": _KEY
    | {
        "next_run": "when Windows means to start it next",
        "expected_next": "when it should start next by its definition",
        "why": "why they differ, where that is known",
    },
    "accounts": {
        "run_as": "account that tasks run as",
        "tasks": "number of its tasks",
        "enabled": "number of them that are switched on",
        "needs_password": "number of them that need a password to be put back",
        "logon_type": "how it logs on",
    },
    "programs": {
        "program": "file name of the program, or the type of an action that starts none",
        "tasks": "number of tasks that start it",
        "actions": "number of actions that start it",
        "command": "how it is written there",
    },
    "trigger_types": {
        "type": "type of the trigger, as its element is called",
        "triggers": "number of such triggers",
        "tasks": "number of tasks that have one",
        "enabled": "number of such triggers that are switched on",
        "example": "one of them in words",
    },
    "problems": {"file": "file or row that could not be read", "what": "what is wrong with it"},
    "backup": {
        "name": "name of the task",
        "description": "description as its author wrote it",
        "interval": "what starts it, in words",
        "path": "programs of all actions, in order",
    },
}
"""Table -> column -> meaning, in the order of the columns."""
