r"""The sentences of the trends report, in which every number is computed.

>>> from taskanalysis.snapshot import read_snapshot
>>> from taskanalysis.report.trends import trend_history
>>> snapshot = read_snapshot("data")
>>> trend_answer(Trends(snapshot, trend_history(snapshot)))[0].partition(": ")[2]
'12 tasks are failing now, 11 a week ago, 1 four weeks ago.'
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from taskanalysis.definition import Duration
from taskanalysis.health import Incident
from taskanalysis.report.trend_tables import fates, missed, worst
from taskanalysis.report.trends import Trends
from taskanalysis.results import BAD_OUTCOMES
from taskanalysis.text import count, listed

__all__ = [
    "changes_answer",
    "coverage_answer",
    "durations_answer",
    "expected_answer",
    "hours_answer",
    "runs_answer",
    "trend_answer",
]

WEEK, MONTH = timedelta(days=7), timedelta(days=28)
LEAST_STEP = 3
"""Failing tasks more or less, from where on it is called worse or better."""
MOST_NAMED = 3
NO_SHARE = "These data are no share of snapshots: they tell of one moment, and a trend needs two."
ONE_SNAPSHOT = "There is one snapshot of these days, and a trend needs two: nothing is known of how it went."
NO_CAUSE = "No cause is shared by three tasks or more that need attention."


def trend_answer(trends: Trends, incidents: Sequence[Incident] = ()) -> list[str]:
    """The short answer: whether it is getting better or worse, since when, and what stands out."""
    causes = [f"One cause: {incident.cause}" for incident in incidents]
    if not trends.is_known:
        return [NO_SHARE if trends.history is None else ONE_SNAPSHOT, *causes]
    return [
        _direction(trends),
        *_since(trends),
        *_rates(trends),
        *causes,
        *_missed(trends),
        *_blind(trends),
        *_worst(trends),
    ]


def coverage_answer(trends: Trends) -> list[str]:
    """Which snapshots there are, how far apart they are, and which times are blind."""
    if not trends.is_known:
        return [NO_SHARE if trends.history is None else ONE_SNAPSHOT]
    times = trends.coverage["taken_at"]
    first, last = (_moment(times.iloc[place], trends) for place in (0, -1))
    usual = _words(pd.Timedelta(times.diff().median()))
    lines = [f"{count(len(times), 'snapshot')} from {first} to {last}, usually {usual} apart."]
    asked = trends.snapshot.taken_at - timedelta(days=trends.days)
    if trends.begin - asked > timedelta(days=1):
        lines.append(f"Of the {count(trends.days, 'day')} asked for, those before {first[:14]} are not known.")
    if not trends.blind:
        return [*lines, "There is no blind time: nowhere is a snapshot lacking."]
    return lines + [
        f"Blind from {_moment(start, trends)} to {_moment(end, trends)}: {_words(end - start)} without a snapshot."
        for start, end in trends.blind
    ]


def runs_answer(trends: Trends) -> list[str]:
    """How many runs were seen, and which could not be."""
    if not trends.is_known:
        return []
    runs, slots = trends.runs, trends.slots
    lines = [f"{count(len(runs), 'run')} of {count(runs['task_path'].nunique(), 'task')} were seen."]
    hidden = slots[slots["fate"] == "not visible"]
    if len(hidden):
        starts, tasks = count(int(hidden["count"].sum()), "start"), count(hidden["task_path"].nunique(), "task")
        lines.append(f"{starts} of {tasks} are not among them: these start more often than snapshots are taken.")
    blind = int(trends.by_day.loc[trends.by_day["blind"], ["succeeded", *BAD_OUTCOMES]].to_numpy().sum())
    if blind:
        lines.append(f"{count(blind, 'run')} of blind days are known from the snapshot after them: counted, not drawn.")
    return lines


def changes_answer(trends: Trends, shown: pd.DataFrame) -> list[str]:
    """How many changes there are, and which are not in the table `shown`."""
    if not trends.is_known:
        return []
    outcomes = trends.changes["kind"] == "outcome"
    lines = [f"{count(int((~outcomes).sum()), 'change')} of definitions, of tasks, or of whether they are switched on."]
    left = int(outcomes.sum()) - int((shown["kind"] == "outcome").sum())
    if left > 0:
        lines.append(
            f"{count(left, 'change')} of outcome did not last for three runs: counted here, and in changes.csv."
        )
    return lines


def expected_answer(trends: Trends) -> list[str]:
    """How many starts were expected, and what became of them."""
    known = fates(trends)
    if known.empty:
        why = (
            "the zone of the server is not known"
            if not trends.snapshot.zone
            else "no definition is known, or none has times"
        )
        return [f"No start is expected: {why}."]
    starts, tasks = count(int(known["starts"].sum()), "start"), count(trends.slots["task_path"].nunique(), "task")
    parts = [f"{number:,} {fate}" for fate, number in zip(known["fate"], known["starts"], strict=True)]
    lines = [f"{starts} of {tasks} were expected: {listed(parts)}."]
    return lines + (_missed(trends) or ["No start was missed, as far as can be told."])


def durations_answer(trends: Trends) -> list[str]:
    """Of how many runs the duration is known."""
    known = int(trends.runs["seconds"].notna().sum())
    if not known:
        folder = f"eventlogs/{trends.snapshot.server or 'SERVER'}"
        return [f"Of no run is it known how long it took: only an event log tells that (.evtx files in {folder})."]
    return [f"Of {known:,} of {count(len(trends.runs), 'run')} it is known how long they took: the event log tells it."]


def hours_answer(left_out: Sequence[str]) -> list[str]:
    """Which tasks are not in the figure of hours."""
    if not left_out:
        return []
    named = listed([*left_out[:MOST_NAMED], *(["others"] if len(left_out) > MOST_NAMED else [])])
    tasks = count(len(left_out), "task")
    return [f"Without {tasks} of which most starts are not visible, as they start too often ({named})."]


# Parts of the short answer --------------------------------------------------------------------------------------------


def _direction(trends: Trends) -> str:
    taken = trends.coverage["taken_at"]
    now = int(trends.failing_at(pd.DatetimeIndex([taken.iloc[-1]]))[0])
    then: dict[str, int] = {}
    for words, ago in (("a week ago", WEEK), ("four weeks ago", MONTH)):
        known = taken[taken <= trends.snapshot.taken_at - ago]
        if len(known):
            then[words] = int(trends.failing_at(pd.DatetimeIndex([known.iloc[-1]]))[0])
    failing = f"{count(now, 'task')} {'is' if now == 1 else 'are'} failing now" if now else "no task is failing now"
    numbers = ", ".join([failing, *(f"{number:,} {words}" for words, number in then.items())])
    if not then:
        return f"{numbers[0].upper()}{numbers[1:]}; of a week ago nothing is known."
    turns = {words: _turn(now, number) for words, number in then.items()}
    if len(set(turns.values())) == 1:
        said = f"{next(iter(turns.values()))} {' and '.join(turns)}"
    else:
        said = ", and ".join(f"{turn} {words}" for words, turn in turns.items())
    return f"{said[0].upper()}{said[1:]}: {numbers}."


def _turn(now: int, then: int) -> str:
    """A step of one or two tasks is said to be one only from none, or to none: one task that flaps makes it."""
    if abs(now - then) < LEAST_STEP and (now > 0) == (then > 0):
        return "about as good as"
    return "worse than" if now > then else "better than"


def _since(trends: Trends) -> list[str]:
    """The day of the largest step, where the number of failing tasks has not gone back since."""
    known = trends.by_day[~trends.by_day["blind"]]["failing"]
    steps = known.diff().fillna(0)
    if not len(known) or steps.abs().max() < LEAST_STEP:
        return []
    place = int(steps.abs().to_numpy().argmax())
    day, step, before, after = known.index[place], int(steps.iloc[place]), known.iloc[place - 1], known.iloc[place:]
    if (step > 0 and after.min() <= before) or (step < 0 and after.max() >= before):
        return []
    more, good = ("more", "as good") if step > 0 else ("fewer", "as bad")
    turn = f"It turned on {day:%A}, {day:%Y-%m-%d}: {abs(step):,} {more} tasks were failing than the day before"
    return [f"{turn}, and it has never been {good} since."]


def _rates(trends: Trends) -> list[str]:
    reach = (trends.snapshot.taken_at - trends.begin) // timedelta(days=1)
    days = min(7, reach or 1)
    last = trends.rate(timedelta(days=days))
    if last.success is None:
        return [f"Only {count(last.runs, 'run')} ended in the last {count(days, 'day')}: too few for a rate."]
    said = f"Of {count(last.runs, 'finished run')} of the last {count(days, 'day')} {_percent(last.success)} succeeded"
    earlier = min(28, reach - 7)
    before = trends.rate(WEEK + timedelta(days=earlier), WEEK) if earlier > 0 else None
    if before is None or before.success is None:
        return [f"{said}."]
    return [f"{said}, of {before.runs:,} of the {count(earlier, 'day')} before {_percent(before.success)}."]


def _percent(part: float) -> str:
    """In tenths; 100 and 0 only where it is all or nothing.

    >>> _percent(0.99999), _percent(1.0), _percent(0.7255)
    ('99.9 %', '100 %', '72.5 %')
    """
    if part in (0, 1):
        return f"{100 * part:.0f} %"
    return f"{min(max(100 * part, 0.1), 99.9):.1f} %"


def _missed(trends: Trends) -> list[str]:
    starts, rows = trends.missed, missed(trends)
    lines = []
    rest = np.ones(len(starts), dtype=bool)
    for start, end in trends.blind:
        inside = ((starts["expected"] >= start) & (starts["expected"] <= end)).to_numpy()
        rest &= ~inside
        if inside.any():
            off = rows.loc[(rows["first"] >= start) & (rows["last"] <= end), "why"].str.contains("server was off").any()
            said = f"{_starts(starts[inside])} between {_moment(start, trends)} and {_moment(end, trends)}"
            lines.append(f"{said}: the server was off." if off else f"{said}, without a snapshot: off, or cut off.")
    if rest.any():
        most = starts.loc[rest, "task_path"].astype(str).value_counts()
        named = f", most of them by {most.index[0]}" if len(most) > 1 else f": {most.index[0]}"
        lines.append(f"{_starts(starts[rest])} while snapshots were taken{named}.")
    return lines


def _starts(starts: pd.DataFrame) -> str:
    return f"{count(starts['task_path'].nunique(), 'task')} missed {count(len(starts), 'start')}"


def _blind(trends: Trends) -> list[str]:
    days = trends.by_day.index[trends.by_day["blind"]]
    if not trends.blind:
        return []
    longest = max(end - start for start, end in trends.blind)
    whole = f", {count(len(days), 'whole day')} among them" if len(days) else ""
    return [
        f"{count(len(trends.blind), 'blind time')}, the longest of {_words(longest)}{whole}: no snapshot tells of them."
    ]


def _worst(trends: Trends) -> list[str]:
    bad = worst(trends)
    bad = bad[bad["bad_runs"] > 0].sort_values("bad_runs", ascending=False, kind="stable")
    if bad.empty:
        return ["No run that was seen failed."]
    named = [f"{row.task_path} ({row.bad_runs:,} of {row.runs:,} runs)" for row in bad.head(MOST_NAMED).itertuples()]
    return [f"{count(len(bad), 'task')} had bad runs; the most: {listed(named)}."]


def _moment(moment: datetime | pd.Timestamp, trends: Trends) -> str:
    return f"{moment.astimezone(trends.zone):%a %Y-%m-%d %H:%M}"


def _words(span: timedelta | pd.Timedelta) -> str:
    """A span of time to the minute."""
    return Duration(delta=timedelta(minutes=round(span.total_seconds() / 60))).words()
