r"""The sentences of the trends report, in which every number is computed.

>>> from taskanalysis.health import known_history, rules_of
>>> from taskanalysis.snapshot import read_snapshot
>>> snapshot = read_snapshot("data")
>>> window = Window(snapshot, history=known_history(snapshot), rules=rules_of(snapshot.share))
>>> trend_answer(window)[0].partition(": ")[2]
'13 tasks are failing now, 11 a week ago, 1 four weeks ago.'
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from taskanalysis.definition import Duration
from taskanalysis.health import Incident
from taskanalysis.report.trend_tables import fates, missed, worst
from taskanalysis.report.window import Window, event_words
from taskanalysis.results import BAD_OUTCOMES
from taskanalysis.text import count, listed, say_day

WEEK, MONTH = timedelta(days=7), timedelta(days=28)
LEAST_STEP = 3
"""Failing tasks more or less, from where on it is called worse or better."""
MOST_NAMED = 3
NO_SHARE = "This is not a share of snapshots: it shows one moment, and a trend needs two."
ONE_SNAPSHOT = "There is only one snapshot of these days, and a trend needs two."


def trend_answer(window: Window, incidents: Sequence[Incident] = ()) -> list[str]:
    """The short answer: whether it is getting better or worse, since when, and what stands out."""
    causes = [f"One cause: {incident.cause}" for incident in incidents]
    if not window.is_known:
        return [NO_SHARE if window.history is None else ONE_SNAPSHOT, *causes]
    if why := window.unknown_endings or window.lacks("status"):
        return [f"How many tasks are failing is not known: {why}.", *causes, *_missed(window), *_blind(window)]
    return [
        _direction(window),
        *_since(window),
        *_rates(window),
        *causes,
        *_missed(window),
        *_blind(window),
        *_worst(window),
    ]


def direction(window: Window) -> str:
    """Whether it is getting better or worse, and since when, in a few words."""
    if not window.is_known:
        return (
            f"Not known: {'this is no share of snapshots' if window.history is None else 'there is only one snapshot'}"
        )
    if why := window.unknown_endings or window.lacks("status"):
        return f"Not known: {why}"
    found = _step(window)
    if found:
        day, step = found
        return f"{'Worse' if step > 0 else 'Better'} since {say_day(day.date(), window.snapshot.local_time.date())}"
    first = _direction(window)
    return first.partition(":")[0] if ":" in first else "Not known: there are no snapshots of a week ago"


def points(window: Window) -> list[str]:
    """What the index says of the trends."""
    if not window.is_known or window.unknown_endings or window.lacks("status"):
        return []
    numbers = _direction(window).rpartition(": ")[2]
    return [f"{numbers[0].upper()}{numbers[1:]}", *_rates(window), *_blind(window)]


def coverage_answer(window: Window) -> list[str]:
    """Which snapshots there are, how far apart they are, and which times are blind."""
    if not window.is_known:
        return [NO_SHARE if window.history is None else ONE_SNAPSHOT]
    times = window.coverage["taken_at"]
    first, last = (_moment(times.iloc[place], window) for place in (0, -1))
    usual = _words(pd.Timedelta(times.diff().median()))
    lines = [f"{count(len(times), 'snapshot')} from {first} to {last}, usually {usual} apart."]
    if window.begin - window.asked > timedelta(days=1):
        lines.append(f"Of the {count(window.days, 'day')} asked for, those before {first[:10]} are not known.")
    if not window.blind:
        return [*lines, "No snapshot is missing."]
    return lines + [
        f"Blind from {_moment(start, window)} to {_moment(end, window)}: {_words(end - start)} without a snapshot."
        for start, end in window.blind
    ]


def runs_answer(window: Window) -> list[str]:
    """How many runs were seen, and which could not be."""
    if window.unknown_runs:
        return []
    runs, slots = window.runs, window.slots
    lines = [f"{count(len(runs), 'run')} of {count(runs['task_path'].nunique(), 'task')} were seen."]
    hidden = slots[slots["fate"] == "not visible"]
    if len(hidden):
        starts, tasks = count(int(hidden["count"].sum()), "start"), count(hidden["task_path"].nunique(), "task")
        lines.append(f"{starts} of {tasks} are not among them: these start more often than snapshots are taken.")
    blind = int(window.by_day.loc[window.by_day["blind"], ["succeeded", *BAD_OUTCOMES]].to_numpy().sum())
    if blind:
        lines.append(f"{count(blind, 'run')} of blind days are known from the snapshot after them: counted, not drawn.")
    return lines


def changes_answer(window: Window, shown: pd.DataFrame) -> list[str]:
    """How many changes there are, and which are not in the table `shown`."""
    if not window.is_known:
        return []
    outcomes = window.all_changes["kind"] == "outcome"
    lines = [f"{count(int((~outcomes).sum()), 'change')}: tasks added, removed, changed, enabled or disabled."]
    if (window.all_changes["kind"] == "script").any():
        lines[0] = f"{lines[0].removesuffix('.')}, and scripts that were changed or removed."
    if (window.coverage["kind"] == "full").sum() < 2:
        numbers = count(int((~outcomes).sum()), "change")
        why = window.lacks("definitions") or "they were collected once"
        lines = [f"{numbers}: tasks added, removed, enabled or disabled. Definitions were not compared: {why}."]
    left = int(outcomes.sum()) - int((shown["kind"] == "outcome").sum())
    if left > 0:
        lines.append(f"{count(left, 'change')} of outcome did not last for three runs: not listed, but in changes.csv.")
    return lines


def expected_answer(window: Window) -> list[str]:
    """How many starts were expected, and how many of them were missed."""
    kinds = fates(window)
    if kinds.empty:
        if why := window.unknown_starts:
            return [f"Which starts were expected is not known: {why}."]
        return ["No start was expected: no enabled task has a time at which it should have started."]
    starts, tasks = count(int(kinds["starts"].sum()), "start"), count(window.slots["task_path"].nunique(), "task")
    parts = [f"{number:,} {fate}" for fate, number in zip(kinds["fate"], kinds["starts"], strict=True)]
    lines = [f"{starts} of {tasks} were expected: {listed(parts)}."]
    lines += _missed(window) or ["No missed start is known."]
    events = event_words(window.events)
    return lines + ([f"Known events: {listed(events)}."] if events else [])


def durations_answer(window: Window) -> list[str]:
    """Of how many runs the duration is known."""
    timed = int(window.runs["seconds"].notna().sum())
    if not timed:
        folder = f"eventlogs/{window.snapshot.server or 'SERVER'}"
        return [f"The duration of no run is known: only an event log shows it (.evtx files in {folder})."]
    return [f"The duration of {timed:,} of {count(len(window.runs), 'run')} is known, from the event log."]


def hours_answer(left_out: Sequence[str]) -> list[str]:
    """Which tasks are not in the figure of hours."""
    if not left_out:
        return []
    tasks, named = count(len(left_out), "task"), listed(left_out, most=MOST_NAMED)
    return [f"Left out: {tasks} that start too often for most starts to be visible ({named})."]


# Parts of the short answer --------------------------------------------------------------------------------------------


def _direction(window: Window) -> str:
    taken = window.coverage["taken_at"]
    now = int(window.failing_at(pd.DatetimeIndex([taken.iloc[-1]]))[0])
    then: dict[str, int] = {}
    for words, ago in (("a week ago", WEEK), ("four weeks ago", MONTH)):
        earlier = taken[taken <= window.snapshot.taken_at - ago]
        if len(earlier):
            then[words] = int(window.failing_at(pd.DatetimeIndex([earlier.iloc[-1]]))[0])
    failing = f"{count(now, 'task')} {'is' if now == 1 else 'are'} failing now" if now else "no task is failing now"
    numbers = ", ".join([failing, *(f"{number:,} {words}" for words, number in then.items())])
    if not then:
        return f"{numbers[0].upper()}{numbers[1:]}; a week ago is not known."
    turns = {words: _turn(now, number) for words, number in then.items()}
    if len(set(turns.values())) == 1:
        verdict = f"{next(iter(turns.values()))} {' and '.join(turns)}"
    else:
        verdict = ", and ".join(f"{turn} {words}" for words, turn in turns.items())
    return f"{verdict[0].upper()}{verdict[1:]}: {numbers}."


def _turn(now: int, then: int) -> str:
    """A step of one or two tasks counts only from none, or to none: one flapping task makes it."""
    if abs(now - then) < LEAST_STEP and (now > 0) == (then > 0):
        return "about as good as"
    return "worse than" if now > then else "better than"


def _step(window: Window) -> tuple[pd.Timestamp, int] | None:
    """The day of the largest step and its size, where the number of failing tasks has not gone back since."""
    failing = window.by_day[~window.by_day["blind"]]["failing"]
    steps = failing.diff().fillna(0)
    if not len(failing) or steps.abs().max() < LEAST_STEP:
        return None
    place = int(steps.abs().to_numpy().argmax())
    day, step = pd.Timestamp(failing.index[place]), int(steps.iloc[place])
    before, after = failing.iloc[place - 1], failing.iloc[place:]
    if (step > 0 and after.min() <= before) or (step < 0 and after.max() >= before):
        return None
    return day, step


def _since(window: Window) -> list[str]:
    found = _step(window)
    if not found:
        return []
    day, step = found
    more = "more" if step > 0 else "fewer"
    return [
        f"Since {day:%Y-%m-%d}, when {abs(step):,} {more} tasks were failing than the day before, it has stayed so."
    ]


def _rates(window: Window) -> list[str]:
    reach = (window.snapshot.taken_at - window.begin) // timedelta(days=1)
    days = min(7, reach or 1)
    last = window.rate(timedelta(days=days))
    if not last.runs:
        return [f"No run is known that ended in the last {count(days, 'day')}."]
    if last.success is None:
        return [f"Only {count(last.runs, 'run')} ended in the last {count(days, 'day')}: too few for a rate."]
    rate = f"Of {count(last.runs, 'finished run')} of the last {count(days, 'day')} {_percent(last.success)} succeeded"
    earlier = min(28, reach - 7)
    before = window.rate(WEEK + timedelta(days=earlier), WEEK) if earlier > 0 else None
    if before is None or before.success is None:
        return [f"{rate}."]
    return [f"{rate}, of {before.runs:,} of the {count(earlier, 'day')} before {_percent(before.success)}."]


def _percent(part: float) -> str:
    """In tenths; 100 and 0 only where it is all or nothing.

    >>> _percent(0.99999), _percent(1.0), _percent(0.7255)
    ('99.9 %', '100 %', '72.5 %')
    """
    if part in (0, 1):
        return f"{100 * part:.0f} %"
    return f"{min(max(100 * part, 0.1), 99.9):.1f} %"


def _missed(window: Window) -> list[str]:
    starts, rows = window.missed_starts, missed(window)
    lines = []
    rest = np.ones(len(starts), dtype=bool)
    for start, end in window.blind:
        inside = ((starts["expected"] >= start) & (starts["expected"] <= end)).to_numpy()
        rest &= ~inside
        if inside.any():
            off = rows.loc[(rows["first"] >= start) & (rows["last"] <= end), "why"].str.contains("server was off").any()
            missed_then = f"{_starts(starts[inside])} between {_moment(start, window)} and {_moment(end, window)}"
            reason = "the server was off" if off else "no snapshot was taken, as the server was off or out of reach"
            lines.append(f"{missed_then}: {reason}.")
    if rest.any():
        most = starts.loc[rest, "task_path"].astype(str).value_counts()
        named = f", most of them by {most.index[0]}" if len(most) > 1 else f": {most.index[0]}"
        lines.append(f"{_starts(starts[rest])} while snapshots were taken{named}.")
    return lines


def _starts(starts: pd.DataFrame) -> str:
    return f"{count(starts['task_path'].nunique(), 'task')} missed {count(len(starts), 'start')}"


def _blind(window: Window) -> list[str]:
    if not window.blind:
        return []
    times = [f"from {_moment(start, window)} to {_moment(end, window)}" for start, end in window.blind]
    return [f"No snapshots {listed(times, most=MOST_NAMED)}: these days are gaps in the figures, never zeros."]


def _worst(window: Window) -> list[str]:
    bad = worst(window)
    bad = bad[bad["bad_runs"] > 0].sort_values("bad_runs", ascending=False, kind="stable")
    if bad.empty:
        return ["No run that was seen failed."]
    named = [f"{row.task_path} ({row.bad_runs:,} of {row.runs:,} runs)" for row in bad.head(MOST_NAMED).itertuples()]
    return [f"{count(len(bad), 'task')} had bad runs; most: {listed(named)}."]


def _moment(moment: datetime | pd.Timestamp, window: Window) -> str:
    return f"{moment.astimezone(window.zone):%Y-%m-%d %H:%M}"


def _words(span: timedelta | pd.Timedelta) -> str:
    """A span of time to the minute."""
    return Duration(delta=timedelta(minutes=round(span.total_seconds() / 60))).words()
