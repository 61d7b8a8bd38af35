r"""What to do first about a task that needs attention, in one sentence.

The order is that of likelihood for this very task: what its definition, its status and its history say comes before
what is true of any task. Authority: Microsoft Learn, Task Scheduler conditions and settings; [MS-TSCH].

>>> from datetime import UTC, datetime
>>> from taskanalysis.health.verdicts import judge
>>> from taskanalysis.snapshot import Snapshot, Status
>>> moment = datetime(2026, 11, 23, tzinfo=UTC)
>>> (judged,) = judge(Snapshot("S", moment, statuses={"\\A": Status("\\A", last_run=moment, last_result=77777)}))
>>> advice_on(judged)
'Ask who made the program what 77777 (0x00012FD1) means; if it is success, add ok_codes = [77777] for it to rules.toml.'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskanalysis.health.due import REFUSED
from taskanalysis.health.stops import ORDERED_STOP

if TYPE_CHECKING:
    from taskanalysis.health.verdicts import Judged


def advice_on(judged: Judged) -> str:
    """The first step for a task that needs attention, with its run book; else the advice on its last result, or ""."""
    if not judged.needs_attention:
        return "" if judged.rule == ORDERED_STOP else judged.result.advice
    advice = judged.due.rule.with_link(_advice(judged))
    if judged.hidden_since:
        return f"Give the collector back what it lost, to see how the task stands now. {advice}"
    return advice


def _advice(judged: Judged) -> str:
    match judged.verdict.value:
        case "OVERDUE":
            return _on_missed_start(judged)
        case "RUNNING LONG":
            program = next((action.program for action in judged.task.programs), "") if judged.task else ""
            return (
                f"See in Task Manager what {program or 'its program'} is doing; if it hangs, end the run in Task "
                "Scheduler, and start the task again."
            )
        case "FAILING":
            return judged.result.advice or f"Run its action by hand as {_account(judged)}, and read what it prints."
    if judged.rule == "no further start":
        return "Open the task in Task Scheduler, check its triggers, and save it again: then Windows plans it anew."
    code, name = judged.result.code, judged.result.hex
    known = f" {judged.result.advice}" if judged.result.certainty == "guess" and judged.result.basis != "none" else ""
    return (
        f"Ask who made the program what {code} ({name}) means; if it is success, add ok_codes = [{code}] for it to "
        f"rules.toml.{known}"
    )


def _account(judged: Judged) -> str:
    return (judged.task.principal.account if judged.task else "") or "its account"


def _on_missed_start(judged: Judged) -> str:
    """Why a start may not have happened, the likeliest reason first, as a step to take."""
    status, task = judged.status, judged.task
    principal, settings = (task.principal, task.settings) if task else (None, None)
    logged_on = principal and (principal.logon_type == "InteractiveToken" or principal.group_id)
    network = settings and settings.run_only_if_network_available
    steps = (
        (
            status.state == "Queued",
            "End the run that it waits for, or start it by hand: it has been in the queue since it was due.",
        ),
        (
            status.last_result == REFUSED,
            "See the conditions of the task (power, network, idle): one of them was not met at its start.",
        ),
        (status.missed_runs, "See in the System log whether the server was off at that time, and start the task now."),
        (
            logged_on,
            f"Log on as {_account(judged)}, or set the task to run whether its user is logged on or not.",
        ),
        (network, "Check the network at that time, or clear the condition that a network is available."),
        (
            not judged.due.snapshot.zone,
            "Give the server's time zone with --zone, so that its starts can be judged to the hour.",
        ),
        (
            True,
            "Start the task by hand; its history says why it did not start (events 101, 103, 322, 332 then).",
        ),
    )
    return next(step for holds, step in steps if holds)
