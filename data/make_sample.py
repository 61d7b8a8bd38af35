r"""Write the sample share: sixty days of an invented server, as snapshots of its tasks and an event log.

    python data/make_sample.py [--out DIR]

`sample_tasks.py` says what the tasks are; here they are run on paper and written down four times a day, and
`sample_log.py` says what the event log has of their last days. Every run of this program writes the same bytes. What
the reports should find is listed in `README.md`.
"""

import argparse
import shutil
import xml.etree.ElementTree as ET
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, cast
from zoneinfo import ZoneInfo

from sample_files import FILES_FROM, Disk
from sample_log import Event, as_xml, ignored, is_logged, not_launched, queued, ran, refused, registered
from sample_tasks import (
    BY_HAND,
    LOG_FROM,
    LOGON_FAILS_FROM,
    NO_SNAPSHOTS,
    NO_SUCH_FOLDER,
    OPENDATA,
    SERVER,
    SERVER_OFF,
    STOPPED,
    TASKS,
    ZONE,
    Content,
    Task,
    Trigger,
)

from taskanalysis.definition import read_task
from taskanalysis.health import Rules, read_rules
from taskanalysis.snapshot import SAMPLE_TOOL, Status, keep_script, write_snapshot
from taskanalysis.windows import Scheduler
from taskanalysis.windows.evidence import Evidence, gather

LAST_SNAPSHOT = datetime(2026, 11, 23, 11, 2, tzinfo=UTC)
SNAPSHOTS = 60 * 4  # of which those in SERVER_OFF and NO_SNAPSHOTS are left out
HISTORY = datetime(2026, 3, 1, tzinfo=UTC)  # runs are simulated from here on
LONG = timedelta(days=400)
NEW_YORK = ZoneInfo(ZONE)

RUNNING = 267009
NEVER_RAN = 267011
LOGON_FAILURE = 0x8007052E


def local(text: str) -> datetime:
    """A moment written as a StartBoundary: server time where it names no offset."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=NEW_YORK)


OFF_FROM, OFF_UNTIL = (local(text).astimezone(UTC) for text in SERVER_OFF)
BLIND_FROM, BLIND_UNTIL = (local(text).astimezone(UTC) for text in NO_SNAPSHOTS)


# When tasks run ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """One start of a task, when it ended and with which result."""

    start: datetime
    end: datetime
    code: int


@dataclass(frozen=True)
class Form:
    """A task as it was defined from one moment until another."""

    since: datetime
    until: datetime
    task: Task


def forms(task: Task) -> list[Form]:
    """A task before and after it was edited, or just as it is."""
    since = local(task.added).astimezone(UTC) if task.added else HISTORY
    until = local(task.removed).astimezone(UTC) if task.removed else LAST_SNAPSHOT + LONG
    if not task.edited:
        return [Form(since, until, task)]
    edited = local(task.edited).astimezone(UTC)
    return [Form(since, edited, task), Form(edited, until, replace(task, **task.edit))]


def slots(trigger: Trigger, since: datetime, until: datetime) -> Iterator[datetime]:
    """The moments from `since` until `until` (both in UTC) at which a trigger starts its task, in order."""
    boundary = local(trigger.start)
    since = max(since, boundary.astimezone(UTC))
    until = min(until, local(trigger.end).astimezone(UTC)) if trigger.end else until
    step = timedelta(minutes=trigger.every)
    if step and not trigger.lasting:
        slot = since + (boundary - since) % step
        while slot <= until:
            yield slot
            slot += step
        return
    day = since.date() - timedelta(days=2)  # a repetition may go on past midnight
    while day <= until.date():
        if trigger.on(day):
            first = datetime.combine(day, time(boundary.hour, boundary.minute), boundary.tzinfo).astimezone(UTC)
            for number in range(trigger.lasting // trigger.every + 1 if step else 1):
                if since <= first + number * step <= until:
                    yield first + number * step
        day += timedelta(days=1)


def missed_slots(task: Task) -> list[datetime]:
    """The slots in which the server was off, of the triggers that Windows can count: enabled ones with a schedule."""
    timed = [trigger for trigger in task.triggers if trigger.timed and trigger.enabled]
    return sorted({slot for trigger in timed for slot in slots(trigger, OFF_FROM, OFF_UNTIL)})


def runs(task: Task) -> list[Run]:
    """The runs of a task, in order. A slot is lost while the server is off, another run is going on, or one waits."""
    chance = Random(task.path)
    starts: set[tuple[datetime, int]] = set()
    for form in forms(task):
        for trigger in form.task.triggers:
            if trigger.enabled and form.task.enabled:
                found = slots(trigger, form.since, min(form.until, LAST_SNAPSHOT))
                starts.update((slot, trigger.random_delay * 60 or 2) for slot in found)
    if "StartWhenAvailable" in task.settings and missed_slots(task):
        starts.add((OFF_UNTIL + timedelta(minutes=10), 2))

    done: list[Run] = []
    for slot, delay in sorted(starts):
        start, minutes = slot + timedelta(seconds=chance.randint(0, delay)), chance.uniform(*task.minutes)
        if OFF_FROM <= slot <= OFF_UNTIL or (done and slot < done[-1].end):
            continue
        if task.queued and slot >= local(task.queued):
            break
        here = slot.astimezone(NEW_YORK)
        usual = task.odd_runs.get(f"{here:%Y-%m-%d}", (task.result(here), minutes))
        code, minutes = task.odd_runs.get(f"{here:%Y-%m-%dT%H:%M}", usual)
        if task.account is OPENDATA and slot >= local(LOGON_FAILS_FROM):
            code, minutes = LOGON_FAILURE, 0.0
        end = start + timedelta(minutes=minutes)
        done.append(Run(start, min(end, OFF_FROM) if start < OFF_FROM else end, code))
    return done


# What Windows says of them -------------------------------------------------------------------------------------------


def status(task: Task, done: list[Run], missed: list[datetime], now: datetime) -> Status:
    """What Task Scheduler shows of a task at a moment. It counts disabled triggers too when it names the next run."""
    ran = bisect_right(done, now, key=lambda run: run.start)
    last = done[ran - 1] if ran else None
    running = last is not None and last.end > now
    queued = task.queued and now >= local(task.queued)
    state = "Disabled" if not task.enabled else "Running" if running else "Queued" if queued else "Ready"
    timed = [trigger for trigger in task.triggers if trigger.timed and task.enabled]
    coming = [slot for trigger in timed for slot in islice(slots(trigger, now, now + LONG), 1)]
    return Status(
        path=task.path,
        state=state,
        enabled=task.enabled,
        last_run=last.start.astimezone(NEW_YORK) if last else "never",
        last_result=NEVER_RAN if last is None else RUNNING if running else last.code,
        next_run=min(coming).astimezone(NEW_YORK) if coming else "never",
        missed_runs=sum(slot <= now and (last is None or slot > last.start) for slot in missed),
    )


def fill(element: ET.Element, content: Content) -> None:
    """Put text or child elements into an element."""
    if isinstance(content, str):
        element.text = content or None
        return
    for name, value in content.items():
        for one in value if isinstance(value, list) else [value]:
            fill(ET.SubElement(element, name), one)


def duration(minutes: int) -> str:
    """Minutes as an xs:duration, the way Windows writes it."""
    hours, rest = divmod(minutes, 60)
    return "P1D" if hours == 24 else "PT" + (f"{hours}H" if hours else "") + (f"{rest}M" if rest else "")


def trigger_content(trigger: Trigger, version: str) -> dict[str, Any]:
    """The children of a trigger's element. Windows has written Repetition before StartBoundary and after it."""
    repetition = {"Interval": duration(trigger.every)}
    if trigger.lasting:
        repetition |= {"Duration": duration(trigger.lasting), "StopAtDurationEnd": str(trigger.stop).lower()}
    repeated: dict[str, Any] = {"Repetition": repetition} if trigger.every else {}
    boundary: dict[str, Any] = {"StartBoundary": trigger.start} if trigger.timed else {}
    if trigger.end:
        boundary["EndBoundary"] = trigger.end
    content = repeated | boundary if version == "1.2" else boundary | repeated
    if version == "1.2" or not trigger.enabled:
        content["Enabled"] = str(trigger.enabled).lower()
    if trigger.random_delay:
        content["RandomDelay"] = duration(trigger.random_delay)
    return content | trigger.content


def definition(task: Task) -> bytes:
    """The task's XML as Windows exports it: version 1.2 in full, later ones without date and defaults, reordered."""
    root = ET.Element("Task", version=task.version, xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task")
    names = ["RegistrationInfo", "Triggers", "Principals", "Settings", "Actions"]
    if task.version != "1.2":
        names = ["RegistrationInfo", "Principals", "Settings", "Triggers", "Actions"]
    part = {name: ET.SubElement(root, name) for name in names}

    chance = Random(task.path)
    day = min(trigger.start for trigger in task.triggers)[:10]
    registered = task.added or f"{day}T{chance.randrange(10, 17)}:{chance.randrange(10, 60)}:41"
    date = {"Date": f"{registered}.{chance.randrange(10**7):07}"} if task.version == "1.2" else {}
    description = {"Description": task.description} if task.description else {}
    fill(part["RegistrationInfo"], date | {"Author": task.author} | description | {"URI": task.path})
    for trigger in task.triggers:
        if trigger.kind != BY_HAND:
            fill(ET.SubElement(part["Triggers"], trigger.kind), trigger_content(trigger, task.version))
    fill(ET.SubElement(part["Principals"], "Principal", id="Author"), task.account)
    fill(part["Settings"], settings(task))
    part["Actions"].set("Context", "Author")
    for name, content in task.actions:
        fill(ET.SubElement(part["Actions"], name), content)

    ET.indent(root)
    text = '<?xml version="1.0" encoding="UTF-16"?>\n' + ET.tostring(root, encoding="unicode")
    return b"\xff\xfe" + text.replace("\n", "\r\n").encode("utf-16-le")


def settings(task: Task) -> dict[str, Content]:
    """All settings in version 1.2, in later ones those that Windows always writes."""
    full: dict[str, Content] = {
        "MultipleInstancesPolicy": "IgnoreNew",
        "DisallowStartIfOnBatteries": "false",
        "StopIfGoingOnBatteries": "false",
        "AllowHardTerminate": "true",
        "StartWhenAvailable": "false",
        "RunOnlyIfNetworkAvailable": "false",
        "IdleSettings": {"StopOnIdleEnd": "true", "RestartOnIdle": "false"},
        "AllowStartOnDemand": "true",
        "Enabled": str(task.enabled).lower(),
        "Hidden": "false",
        "RunOnlyIfIdle": "false",
        "WakeToRun": "false",
        "ExecutionTimeLimit": task.limit,
        "Priority": "7",
    }
    if task.version == "1.2":
        return full | dict(task.settings)
    names = ["DisallowStartIfOnBatteries", "StopIfGoingOnBatteries", "ExecutionTimeLimit", "MultipleInstancesPolicy"]
    names += ["Enabled"] if not task.enabled else []
    return {name: full[name] for name in [*names, "IdleSettings"]} | dict(task.settings)


# What the event log says of them --------------------------------------------------------------------------------------


def log_of(task: Task) -> Iterator[Event]:
    """The events of a task from the day on which the log was enabled until the last snapshot."""
    since, done = local(LOG_FROM).astimezone(UTC), runs(task)
    for form in forms(task):
        if form.since > HISTORY:
            yield registered(form.task, form.since, is_new=form.since == forms(task)[0].since)
        during = [run for run in done if form.since <= run.start < form.until]
        for run in during:
            if run.code == LOGON_FAILURE:
                yield from refused(form.task, run.start, run.code)
            elif run.code == NO_SUCH_FOLDER:
                yield from not_launched(form.task, run.start, run.code)
            else:
                yield from ran(form.task, run.start, run.end, run.code, stopped=run.code == STOPPED)
        for slot in (slot for trigger in form.task.triggers for slot in lost(form, trigger, since)):
            if task.queued and slot >= local(task.queued):
                yield from queued(form.task, slot)
            elif going := [run for run in during if run.start < slot - timedelta(minutes=1) and slot < run.end]:
                yield from ignored(form.task, slot, going[-1].start)


def lost(form: Form, trigger: Trigger, since: datetime) -> Iterator[datetime]:
    """The slots of an enabled trigger with a time while the log is on: those that a run or the queue stands before."""
    if trigger.timed and trigger.enabled and form.task.enabled:
        yield from slots(trigger, max(form.since, since), min(form.until, LAST_SNAPSHOT))


def write_log(out: Path) -> None:
    """Write the event log of the tasks that the export has."""
    events = [event for task in TASKS if is_logged(task) for event in log_of(task)]
    begin = local(LOG_FROM)
    folder = out / "eventlogs" / SERVER
    folder.mkdir(parents=True)
    log = as_xml([event for event in events if begin <= event.at <= LAST_SNAPSHOT])
    (folder / "operational.xml").write_bytes(log)


# The share -----------------------------------------------------------------------------------------------------------


def snapshot_times() -> Iterator[datetime]:
    """Four times a day for sixty days, without the two gaps."""
    for number in reversed(range(SNAPSHOTS)):
        moment = LAST_SNAPSHOT - number * timedelta(hours=6)
        if not (OFF_FROM <= moment < OFF_UNTIL or BLIND_FROM <= moment < BLIND_UNTIL):
            yield moment


def look(now: datetime, statuses: list[Status], definitions: dict[str, bytes], rules: Rules) -> Evidence:
    """What the collector finds of the files that tasks start, and of what they wrote."""
    tasks = {path: read_task(xml) for path, xml in definitions.items()}
    disk = cast(Scheduler, Disk(now))
    by_path = {each.path: each for each in statuses}
    return gather(disk, tasks, by_path, lambda path: rules.of(SERVER, path).log or ())


def main() -> None:
    """Simulate the tasks, then write down what Windows would have said at each snapshot."""
    parser = argparse.ArgumentParser(description="Write the sample share.")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent, help="folder of the share, data/ if not given"
    )
    out = parser.parse_args().out
    shutil.rmtree(out / "snapshots" / SERVER, ignore_errors=True)
    shutil.rmtree(out / "eventlogs" / SERVER, ignore_errors=True)
    shutil.rmtree(out / "history" / f"server={SERVER}", ignore_errors=True)  # of the snapshots before
    shutil.rmtree(out / "history" / "eventlogs" / SERVER, ignore_errors=True)

    shutil.rmtree(out / "scripts", ignore_errors=True)

    rules = read_rules(Path(__file__).with_name("rules.toml"))
    plan = [(form, definition(form.task), runs(task), missed_slots(task)) for task in TASKS for form in forms(task)]
    for now in snapshot_times():
        present = [row for row in plan if row[0].since <= now < row[0].until]
        statuses = [status(form.task, done, missed, now) for form, _, done, missed in present]
        definitions = {form.task.path: content for form, content, _, _ in present if form.task.actions}
        evidence = look(now, statuses, definitions, rules) if now >= FILES_FROM else None
        for script in evidence.scripts.values() if evidence else ():
            keep_script(out, script)
        write_snapshot(
            out,
            server=SERVER,
            taken_at=now,
            zone=ZONE,
            statuses=statuses,
            definitions=definitions,
            programs=evidence and evidence.programs,
            logs=evidence and evidence.logs,
            folders=(),
            windows="Windows Server 2019 10.0.17763",
            collected_by=r"TOWN\svc-collector",
            elevated=True,
            tool=SAMPLE_TOOL,
        )
    write_log(out)


if __name__ == "__main__":
    main()
