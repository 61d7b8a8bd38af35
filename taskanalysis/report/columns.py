"""The data dictionary: each table's columns, in order, with what they mean.

The pages show it on hover and in a legend, ``data/README.md`` repeats it, and `tables` makes nothing else.

>>> list(COLUMNS["actions"])[:4]
['server', 'task_path', 'number', 'type']
"""

__all__ = ["COLUMNS"]

_KEY = {"server": "name of the server", "task_path": "folder and name of the task, unique on its server"}

_OBSERVED = {
    "state": "what Task Scheduler says that it is doing: Unknown, Disabled, Queued, Ready, Running",
    "enabled": "whether the task as a whole is switched on",
    "last_run": "start of the last run; empty where it never ran, or that is not known",
    "never_ran": "whether it never ran; empty where not known",
    "last_result": "last result, unsigned",
    "next_run": "when Windows means to start it next; empty where never, or not known",
    "never_next": "whether nothing is planned; empty where not known",
    "missed_runs": "starts missed because the server was off, since the last successful run",
}

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
        "since": "since when it is so: the first failed run after a good one or the first good one after a failed one, "
        "the start that was missed first, the run that goes on; else the first snapshot that shows it",
        "outcome": "what the result says: succeeded, failed, running, stopped, not started, never ran, unknown",
        "code": "last result, unsigned",
        "hex": "last result as a hexadecimal number",
        "meaning": "what that result means here",
        "advice": "next step",
        "certainty": "how sure the meaning is: certain, likely, guess",
        "basis": "table or rule that gave the meaning",
        "state": "what Task Scheduler says that it is doing: Unknown, Disabled, Queued, Ready, Running",
        "last_run": "start of the last run, or never",
        "last_success": "start of the last run that succeeded, as far as the history goes",
        "next_run": "when Windows means to start it next, or never; it counts disabled triggers too",
        "expected_next": "when it should start next by its definition",
        "missed_runs": "starts missed because the server was off, since the last successful run",
        "consecutive_failures": "failed runs in a row",
        "runs_7d": "finished runs of known outcome that were seen in the 7 days before the snapshot",
        "success_rate_7d": "part of them that succeeded, from 0 to 1; empty under three runs",
        "runs_30d": "finished runs of known outcome that were seen in the 30 days before the snapshot",
        "success_rate_30d": "part of them that succeeded, from 0 to 1; empty under three runs",
        "flapping": "whether the outcome changed three times or more within the last ten finished runs",
        "incident": "the shared cause, where there is one",
        "owner": "who looks after it, by a rule of the office",
        "note": "what a rule of the office says of it",
        "rule": "what decided the verdict",
    },
    "incidents": {
        "cause": "what the tasks have in common",
        "tasks": "the tasks",
        "since": "start of the first failed run, or the first missed start",
        "code": "the result that they share",
        "account": "the account that they share",
        "program": "the program that they share",
        "folder": "the folder that they share",
    },
    "changes": _KEY
    | {
        "at": "time of the snapshot that first shows it",
        "kind": "added, removed, changed, enabled, disabled, or outcome of a finished run",
        "before": "what was before",
        "after": "what is now",
        "what": "what changed, in words",
    },
    "slots": _KEY
    | {
        "expected": "when a start was due",
        "fate": "seen, late, overlapped, missed, not visible, blind, not judged, or pending",
        "started": "start of its run, where it was seen",
        "count": "number of such starts, of a task that starts more often than snapshots are taken",
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
    "runs": _KEY
    | {
        "started": "when the run started",
        "ended": "when it ended, where the event log tells it",
        "seconds": "how long it took, where the event log tells it",
        "code": "its result, unsigned; empty where none was seen",
        "outcome": "what that means: succeeded, failed, running, stopped, not started, unknown",
        "source": "what tells of the run: status or eventlog",
        "trigger_kind": "what started it, where the event log tells it",
        "instance": "its number in the event log",
        "first_seen": "the first snapshot that shows the run",
        "finished_by": "the first snapshot that shows its result: it had ended by then",
        "certainty": "how sure the outcome is: certain, likely, guess",
    },
    "weeks": {
        "week": "the Monday that it begins with",
        "runs": "runs with a known ending that were seen",
        "succeeded": "those that succeeded",
        "failed": "those that failed",
        "stopped": "those that were stopped",
        "not_started": "those whose start was refused",
        "success_rate": "part of them that succeeded, from 0 to 1; empty under three runs",
        "missed": "starts that were missed",
        "blind_days": "days of which nothing is known, as no snapshot was taken",
    },
    "worst": {
        "task_path": _KEY["task_path"],
        "failing_since": "start of the first failed run after the last good one; empty where its last run did not fail",
        "bad_days": "days with a run that failed, was stopped or was not started",
        "runs": "runs with a known ending that were seen",
        "bad_runs": "those that failed, were stopped or were not started",
        "success_rate": "part of them that succeeded, from 0 to 1; empty under three runs",
        "missed": "starts that were missed",
        "owner": "who looks after it, by a rule of the office",
    },
    "expected": {
        "task_path": _KEY["task_path"],
        "starts": "starts that its triggers should have made",
        "seen": "those with a known run, in time",
        "late": "those with a known run, later than it may be",
        "overlapped": "those while the run before was still going on",
        "missed": "those that did not happen, as a later snapshot proves",
        "not_visible": "those hidden by a later run, as snapshots are too far apart to show each",
        "blind": "the same, in a time without the usual snapshots: nothing is said of them",
        "not_judged": "those of which it is not certain when Windows starts them",
        "pending": "those whose time to start was not over",
    },
    "missed": {
        "task_path": _KEY["task_path"],
        "first": "the first start that was missed",
        "last": "the last one before it started again",
        "starts": "number of starts that were missed in a row",
        "why": "what is known of the reason",
    },
    "durations": {
        "task_path": _KEY["task_path"],
        "runs": "runs whose duration the event log tells",
        "usual_minutes": "how long they took: the median",
        "longest_minutes": "how long the longest took",
        "last_week_minutes": "the median of the last 7 days; empty under three runs",
    },
    "coverage": {
        "server": _KEY["server"],
        "taken_at": "moment of the snapshot",
        "kind": "full, or status where no definitions were read",
        "tasks": "number of tasks whose status could be read",
        "elevated": "whether the account that collected had administrator's rights; empty where not known",
        "proves_absence": "whether a task that is not in it is not on the server: false where rows could not be read, "
        "or the account may have seen less",
        "zone": "time zone of the server, by its IANA name, empty where not known",
        "account": "account that collected it",
        "definitions": "name of the snapshot that stores the definitions in force then",
    },
    "observations": _KEY | {"taken_at": "moment of the snapshot"} | _OBSERVED,
    "spans": _KEY
    | {
        "first_seen": "first snapshot of the day (UTC) in which it was so",
        "last_seen": "last snapshot of that day up to which it was so in each",
    }
    | _OBSERVED,
    "events": _KEY
    | {
        "at": "moment of the event, or of the snapshot that first shows it",
        "kind": "start failed, ignored, queued, stopped, time limit, logon failed",
        "code": "result that came with it, unsigned",
        "source": "status or eventlog",
    },
}
"""Table -> column -> meaning, in the order of the columns."""
