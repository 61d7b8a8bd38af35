r"""Triggers in English, as a manager reads them.

Each trigger becomes a `Phrase`: a sentence around the one part in which similar triggers differ (a time, an event, a
user). Triggers that differ in that part alone share a sentence, and so do those that differ in their days alone.

>>> from taskanalysis.definition.model import CalendarTrigger, DayOfWeek, ScheduleByWeek
>>> monday = ScheduleByWeek(days_of_week=(DayOfWeek.Monday,), weeks_interval=2)
>>> describe(CalendarTrigger(start_boundary=datetime(2026, 11, 23, 6, 30), schedule=monday))
'At 06:30 on Monday, every 2 weeks'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import MAXYEAR, datetime, timedelta
from functools import singledispatch
from typing import Any, NamedTuple

from taskanalysis.definition import model
from taskanalysis.definition.duration import Duration
from taskanalysis.definition.events import describe_query
from taskanalysis.definition.model import LAST, TaskDefinition, Trigger
from taskanalysis.definition.moments import Time, asked_time
from taskanalysis.text import listed

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MOST_LISTED = 5  # times, events or users that one sentence names; more are counted
MOST_SENTENCES = 5  # per task; the table of triggers has them all


def describe(subject: Trigger | TaskDefinition, *, at: Time | None = None) -> str:
    """Describe one trigger, or all of a task, in English.

    Times are wall-clock times of the server unless an offset is given. `at` is the moment of reading (ISO text, date or
    datetime; on the server's clock where it has no offset): it tells which triggers become active later, and which have
    ended. TimeError for another `at`.

    >>> describe(model.BootTrigger(delay=Duration.parse("PT2M")))
    'At start-up, after 2 minutes'
    >>> describe(TaskDefinition())
    'Only when started by hand'
    """
    read = asked_time(at)
    if isinstance(subject, Trigger):
        return _sentence([_phrase_of(subject, read)])
    groups: dict[tuple[str, str, str], list[Phrase]] = {}
    for trigger, number in _joined(subject.triggers, read):
        phrase = _phrase_of(trigger, read, number)
        groups.setdefault((phrase.before, phrase.kind, phrase.after), []).append(phrase)
    alike = sorted(groups.values(), key=lambda group: not group[0].live)
    sentences = [_sentence(group) for group in alike]
    if len(alike) > MOST_SENTENCES:
        rest = [phrase for group in alike[MOST_SENTENCES - 1 :] for phrase in group]
        more, off = (
            sum(phrase.triggers for phrase in rest),
            sum(phrase.triggers for phrase in rest if not phrase.enabled),
        )
        sentences[MOST_SENTENCES - 1 :] = [f"and by {more} more triggers" + (f" ({off} disabled)" if off else "")]
    settings = subject.settings
    if maintenance := settings.maintenance_settings:
        every = f", about every {_unit(maintenance.period)}" if maintenance.period else ""
        sentences.append(f"During automatic maintenance{every}")
    if not sentences:
        never = "Never: it has no trigger and may not be started by hand"
        sentences = ["Only when started by hand" if settings.allow_start_on_demand else never]
    text = "; ".join([sentences[0], *(sentence[0].lower() + sentence[1:] for sentence in sentences[1:])])
    # conditions of the task apply to each trigger
    only = "; each only " if len(sentences) > 1 else ", " if text.startswith("Only") else ", only "
    conditions = ["while the computer is idle"] * settings.run_only_if_idle
    conditions += ["with a network connection"] * settings.run_only_if_network_available
    text += only + listed(conditions) if conditions else ""
    return text if settings.enabled else text + " (the task is disabled)"


_DAYS = {
    model.ScheduleByWeek: "days_of_week",
    model.ScheduleByMonth: "days_of_month",
    model.ScheduleByMonthDayOfWeek: "days_of_week",
}


def _joined(triggers: Sequence[Any], at: datetime | None) -> Iterable[tuple[Trigger, int]]:
    """Join triggers that differ in their days alone, and count how many each stands for."""
    if len(triggers) < 2:
        return [(trigger, 1) for trigger in triggers]
    joined: dict[Any, tuple[Any, int]] = {}
    for place, trigger in enumerate(triggers):
        key = _without_days(trigger, at) or place
        if key in joined:
            other, number = joined[key]
            field = _DAYS[type(other.schedule)]
            days = getattr(other.schedule, field) + getattr(trigger.schedule, field)
            if len({*days}) == len(days):
                joined[key] = replace(other, schedule=replace(other.schedule, **{field: days})), number + 1
                continue
            key = place  # a day in both: two triggers
        joined[key] = trigger, 1
    return joined.values()


def _without_days(trigger: Any, at: datetime | None) -> Trigger | None:
    """What a calendar trigger shares with those that it may be joined with; None for any other."""
    if not isinstance(trigger, model.CalendarTrigger) or type(trigger.schedule) not in _DAYS:
        return None
    schedule: Any = trigger.schedule
    plain, start = replace(schedule, **{_DAYS[type(schedule)]: ()}), trigger.start_boundary
    # the day of the start boundary counts where it is said, and where it decides which weeks are meant
    if start and not _is_later(start, at) and getattr(schedule, "weeks_interval", 1) == 1:
        start = start.replace(2000, 1, 1)
    return replace(trigger, id="", start_boundary=start, schedule=plain)


def _is_later(moment: datetime | None, at: datetime | None) -> bool:
    """Whether a boundary lies after `at`; where one of them has no offset, it is on the clock of the other."""
    if not moment or not at:
        return False
    return moment.replace(tzinfo=moment.tzinfo or at.tzinfo) > at.replace(tzinfo=at.tzinfo or moment.tzinfo)


# Sentences ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence around its `variable`; `kind` names its type, which decides how several are listed.

    `dated`: it names the day of the start boundary; `live`: it is enabled and has not ended; `triggers`: how many it
    stands for.
    """

    before: str
    variable: str = ""
    after: str = ""
    kind: str = ""
    dated: bool = False
    enabled: bool = True
    live: bool = True
    triggers: int = 1


def _sentence(group: Sequence[Phrase]) -> str:
    """One sentence for phrases that differ in their variable alone, with a count where the list does not show it."""
    first = group[0]
    variables = sorted(
        {phrase.variable for phrase in group}, key=lambda text: (len(text) if text.isdigit() else 0, text)
    )
    style = _STYLES[first.kind]
    if len(variables) <= MOST_LISTED:
        middle = style.before + listed(variables, style.joint)
    else:
        middle = style.many.format(number=len(variables), first=variables[0], last=variables[-1])
    counted = f" ({len(group)} triggers)" if len(group) > max(1, len(variables)) else ""
    return first.before + middle + first.after + counted


class Style(NamedTuple):
    """How several variables of a kind are listed, and counted where they are too many."""

    joint: str = "and"
    before: str = ""
    many: str = ""


_STYLES = {
    "": Style(),
    "time": Style("and", "", "{number} times between {first} and {last}"),
    "day": Style("and", "", "{number} days between {first} and {last}"),
    "span": Style("and", "", "in {number} spans, the first {first}"),
    "user": Style("or", "", "one of {number} users"),
    "event": Style("or", "event ", "one of {number} events between {first} and {last}"),
    "state": Style("or", "state ", "one of {number} states"),
}


def _phrase_of(trigger: Trigger, at: datetime | None, triggers: int = 1) -> Phrase:
    """The phrase of a trigger with the properties that any type may have: delay, limit, end, disabled."""
    phrase = _phrase(trigger)
    repetition, limit = trigger.repetition, trigger.execution_time_limit
    start, end = trigger.start_boundary, trigger.end_boundary
    delay, random = getattr(trigger, "delay", None), getattr(trigger, "random_delay", None)
    timed = isinstance(trigger, model.TimeTrigger | model.CalendarTrigger)
    stopped = repetition and repetition.duration and repetition.stop_at_duration_end
    ended = end is not None and at is not None and not _is_later(end, at)
    parts = [
        phrase.after,
        f", after {delay.words()}" if delay and not delay.is_zero else "",
        f", then every {_every(repetition.interval)}" if repetition and not timed else "",
        f" for {repetition.duration.words()}" if repetition and not timed and repetition.duration else "",
        f", up to {random.words()} later at random" if random and not random.is_zero else "",
        f", each run stopped after {limit.words()}" if limit and not limit.is_zero else "",
        f", from {_day(start)}" if start and _is_later(start, at) and not phrase.dated else "",
        f", {'ended' if ended else 'expires'} {_moment(end, start, phrase)}" if end else "",
        f", and a run still going at {_stop(trigger)} is stopped" if stopped else "",
        " (disabled)" if not trigger.enabled else "",
    ]
    live = trigger.enabled and not ended
    return replace(phrase, after="".join(parts), enabled=trigger.enabled, live=live, triggers=triggers)


# A trigger of each type -----------------------------------------------------------------------------------------------


@singledispatch
def _phrase(trigger: Trigger) -> Phrase:
    raise TypeError(f"{type(trigger).__name__} has no words")


@_phrase.register
def _(_trigger: model.BootTrigger) -> Phrase:
    return Phrase("At start-up")


@_phrase.register
def _(_trigger: model.RegistrationTrigger) -> Phrase:
    return Phrase("When the task is created or changed")


@_phrase.register
def _(_trigger: model.IdleTrigger) -> Phrase:
    return Phrase("When the computer becomes idle")


@_phrase.register
def _(trigger: model.LogonTrigger) -> Phrase:
    return Phrase("When ", trigger.user_id or "anyone", " logs on", "user")


_SESSION = {
    "ConsoleConnect": "connects at the console",
    "ConsoleDisconnect": "disconnects at the console",
    "RemoteConnect": "connects from another computer",
    "RemoteDisconnect": "disconnects from another computer",
    "SessionLock": "locks the session",
    "SessionUnlock": "unlocks the session",
}


@_phrase.register
def _(trigger: model.SessionStateChangeTrigger) -> Phrase:
    what = _SESSION.get(trigger.state_change, f"changes the state of a session ({trigger.state_change or 'any'})")
    return Phrase("When ", trigger.user_id or "anyone", f" {what}", "user")


@_phrase.register
def _(trigger: model.EventTrigger) -> Phrase:
    period = trigger.period_of_occurrence
    within = f" within {period.words()}" if period else ""
    several = trigger.number_of_occurrences > 1
    event, rest = describe_query(
        trigger.subscription, f" {trigger.number_of_occurrences} times{within}" if several else ""
    )
    return Phrase("When ", event, f" {rest}", "event") if event else Phrase(f"When an event {rest}")


@_phrase.register
def _(trigger: model.WnfStateChangeTrigger) -> Phrase:
    return Phrase("When Windows reports a change of ", trigger.state_name or "(not named)", "", "state")


@_phrase.register
def _(trigger: model.UnknownTrigger) -> Phrase:
    return Phrase(f"By a trigger of unknown type ({trigger.name})")


@_phrase.register
def _(trigger: model.TimeTrigger) -> Phrase:
    start, repetition = trigger.start_boundary, trigger.repetition
    if start is None:
        return Phrase("At an unspecified time")
    if repetition is None or not _starts_again(trigger):
        return Phrase("Once on ", _day(start), f" at {_clock(start)}{_offset(start)}", "day", dated=True)
    if not repetition.duration and not _ends_within_a_day(trigger):
        if repetition.interval == Duration(delta=DAY):
            return Phrase(f"Every {_every(repetition.interval)} from ", _clock(start), _offset(start), "time")
        if _divides_a_day(repetition):
            return Phrase(_all_day(repetition, start) + ", every day")
    lasting = f" for {repetition.duration.words()}" if repetition.duration else ""
    first = f"{_day(start)} {_clock(start)}{_offset(start)}"
    return Phrase(f"Every {_every(repetition.interval)} from {first}{lasting}", dated=True)


@_phrase.register
def _(trigger: model.CalendarTrigger) -> Phrase:
    start, repetition = trigger.start_boundary, trigger.repetition
    days = days_of(trigger.schedule)
    if start is None:
        return Phrase(f"At an unspecified time,{days.removeprefix(',')}")
    if isinstance(trigger.schedule, model.ScheduleByDay) and _ends_within_a_day(trigger):  # so it has a single day
        return _phrase(
            model.TimeTrigger(start_boundary=start, end_boundary=trigger.end_boundary, repetition=repetition)
        )
    then = ""
    if repetition and _starts_again(trigger):
        after = days if days.startswith(",") else "," + days
        a_day = repetition.duration == Duration(delta=DAY)
        every_day = days == " every day" and (a_day or repetition.duration is None)
        if (every_day or (a_day and start.time() == datetime.min.time())) and _divides_a_day(repetition):
            return Phrase(_all_day(repetition, start) + after)
        if repetition.duration:
            span = _span(start, repetition.duration)
            return Phrase(f"Every {_every(repetition.interval)} ", span, _offset(start) + after, "span")
        then = f", then every {_every(repetition.interval)} indefinitely"
    if isinstance(trigger.schedule, model.ScheduleByMonth | model.ScheduleByMonthDayOfWeek):
        on = days.lstrip(", ")
        return Phrase(on[0].upper() + on[1:] + " at ", _clock(start), _offset(start) + then, "time")
    return Phrase("At ", _clock(start), _offset(start) + days + then, "time")


# Times ----------------------------------------------------------------------------------------------------------------


def _starts_again(trigger: Trigger) -> bool:
    """Whether a repetition has a second start: an interval longer than its duration, or than the trigger, has none."""
    if trigger.repetition is None:
        return False
    interval, duration = trigger.repetition.interval, trigger.repetition.duration
    lasting = _lasting(trigger)
    if lasting is not None and lasting <= interval.delta:
        return False
    return duration is None or duration.months > 0 or (interval.delta <= duration.delta and not interval.months)


def _lasting(trigger: Trigger) -> timedelta | None:
    """From start to end boundary, where both are known and of one kind."""
    start, end = trigger.start_boundary, trigger.end_boundary
    return end - start if start and end and (start.tzinfo is None) == (end.tzinfo is None) else None


def _ends_within_a_day(trigger: Trigger) -> bool:
    lasting = _lasting(trigger)
    return lasting is not None and lasting <= DAY


def _divides_a_day(repetition: model.Repetition) -> bool:
    interval = repetition.interval
    return not interval.months and interval.delta < DAY and not DAY % interval.delta


def _all_day(repetition: model.Repetition, start: datetime) -> str:
    """Round the clock, with the first time where the interval does not tell it, as "every hour" tells the full hour."""
    interval = repetition.interval.delta
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    is_plain = interval <= HOUR and not (start - midnight) % interval
    first = "" if is_plain else f" from {_clock(start)}{_offset(start)}"
    return f"Every {_every(repetition.interval)}{first}, all day"


def _span(start: datetime, duration: Duration) -> str:
    end = _end_of(start, duration)
    if end is None:
        return f"from {_clock(start)} for {duration.words()}"
    return f"from {_clock(start)} to {_clock(end)}" + (" the next day" if end.date() != start.date() else "")


def _end_of(start: datetime, duration: Duration) -> datetime | None:
    """When a repetition ends, if within a day."""
    within = not duration.months and duration.delta <= DAY and start.year < MAXYEAR
    return start + duration.delta if within else None


def _stop(trigger: Trigger) -> str:
    """When a trigger stops a run that is still going: a time of day where there is one."""
    start, duration = trigger.start_boundary, trigger.repetition and trigger.repetition.duration
    timed = isinstance(trigger, model.TimeTrigger | model.CalendarTrigger)
    end = _end_of(start, duration) if timed and start and duration else None
    return _clock(end) if end else "the end"


def _every(interval: Duration) -> str:
    """An interval of a repetition after the word "every": "hour", "5 minutes"."""
    minutes = interval.delta // timedelta(minutes=1)
    if not interval.months and 60 < minutes < 180 and minutes % 60:
        return f"{minutes} minutes"  # "90 minutes", not "1 hour 30 minutes"
    # "24 hours", not "day": it counts elapsed time, so that summer time moves it
    return "24 hours" if interval == Duration(delta=DAY) else _unit(interval)


def _unit(duration: Duration) -> str:
    """A duration after the word "every", without the number 1."""
    words = duration.words()
    return words[2:] if words.startswith("1 ") and words.count(" ") == 1 else words


def _clock(moment: datetime) -> str:
    """Time of day."""
    return f"{moment:%H:%M:%S}".removesuffix(":00")


def _offset(moment: datetime) -> str:
    """The offset of a fixed instant, as it follows a time."""
    return f" ({moment.tzname()})" if moment.tzinfo else ""


def _day(moment: datetime) -> str:
    return moment.date().isoformat()


def _moment(end: datetime, start: datetime | None, phrase: Phrase) -> str:
    """Day and time of an end boundary, with its offset where that is not the one that the phrase names."""
    named = _offset(start) if start else ""
    named = named if named in phrase.before + phrase.after else ""
    if end.time() == datetime.min.time() and _offset(end) in ("", named):
        return _day(end)
    return f"{_day(end)} {_clock(end)}{'' if _offset(end) == named else _offset(end) or ' (server time)'}"


# Days of a calendar schedule ------------------------------------------------------------------------------------------


def weekdays(days: Iterable[model.DayOfWeek]) -> str:
    """Days of the week in their order, three or more in a row as a range.

    >>> days = model.DayOfWeek
    >>> weekdays([days.Saturday, days.Sunday]), weekdays([days.Sunday, days.Monday, days.Tuesday, days.Wednesday])
    ('Saturday and Sunday', 'Monday to Wednesday and Sunday')
    """
    if {*days} == {*model.DayOfWeek}:
        return "every day"
    return listed(_ranges(days, lambda day: model.DayOfWeek(day).name)) or "no day of the week"


@singledispatch
def days_of(schedule: object) -> str:
    """The days of a schedule, with the space or comma before them.

    >>> days_of(model.ScheduleByMonth(days_of_month=(1, 15, LAST), months=(model.Month.March,)))
    ' on the 1st, the 15th and the last day of March'
    """
    raise TypeError(f"{type(schedule).__name__} has no words")


@days_of.register
def _(schedule: model.ScheduleByDay) -> str:
    return " every day" if schedule.days_interval == 1 else f" every {schedule.days_interval} days"


@days_of.register
def _(schedule: model.ScheduleByWeek) -> str:
    days = weekdays(schedule.days_of_week)
    if days == "every day":
        return " every day" if schedule.weeks_interval == 1 else f" every day of every {schedule.weeks_interval} weeks"
    days = f", {days}" if " to " in days else f" on {days}"
    return days if schedule.weeks_interval == 1 else f"{days}, every {schedule.weeks_interval} weeks"


@days_of.register
def _(schedule: model.ScheduleByMonth) -> str:
    if set(schedule.days_of_month) >= set(range(1, 32)):
        return f" on every day of {_months(schedule.months)}"
    days = [f"the {part}" for part in _ranges((int(day) for day in schedule.days_of_month if day != LAST), _ordinal)]
    days += ["the last day"] * (LAST in schedule.days_of_month)
    return f" on {listed(days) if days else 'no day'} of {_months(schedule.months)}"


@days_of.register
def _(schedule: model.ScheduleByMonthDayOfWeek) -> str:
    names = listed([day.name for day in schedule.days_of_week]) or "no day of the week"
    if len(schedule.weeks) == 5:
        return f" on every {names} of {_months(schedule.months)}"
    weeks = listed([_WEEKS[week] for week in schedule.weeks])
    return f" on the {weeks} {names} of {_months(schedule.months)}"


_WEEKS: dict[object, str] = {1: "first", 2: "second", 3: "third", 4: "fourth", LAST: "last"}


def _months(months: Sequence[model.Month]) -> str:
    return "every month" if len(months) == 12 else listed([month.name for month in months])


def _ranges(days: Iterable[int], name: Callable[[int], str]) -> list[str]:
    """Names of days in their order, three or more in a row as a range.

    >>> _ranges([1, 2, 3, 15], _ordinal)
    ['1st to 3rd', '15th']
    """
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    parts: list[str] = []
    for run in runs:
        names = [name(day) for day in run]
        parts += [f"{names[0]} to {names[-1]}"] if len(run) > 2 else names
    return parts


def _ordinal(number: int) -> str:
    return f"{number}{'th' if 10 < number < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
