"""Starts that are overdue: what counts, how long the grace is, and what is never held against a task."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from taskanalysis.definition.duration import Duration
from taskanalysis.definition.model import (
    CalendarTrigger,
    Principal,
    Repetition,
    ScheduleByDay,
    Settings,
    TaskDefinition,
    TimeTrigger,
    Trigger,
)
from taskanalysis.health import due as due_module
from taskanalysis.health.due import Differing, Due, Missed, graces
from taskanalysis.health.past import known_history
from taskanalysis.health.rules import NO_RULE, Rule
from taskanalysis.report import StatusPage
from taskanalysis.snapshot.snapshot import Snapshot
from taskanalysis.snapshot.status import Status

NEW_YORK = ZoneInfo("America/New_York")
SIX = CalendarTrigger(start_boundary=datetime(2026, 1, 1, 6), schedule=ScheduleByDay())
EVERY_MINUTE = TimeTrigger(start_boundary=datetime(2026, 1, 1), repetition=Repetition(Duration.parse("PT1M")))
PAST = TimeTrigger(start_boundary=datetime(2026, 1, 1, 6))
OFF_AT_ONE = replace(SIX, start_boundary=datetime(2026, 1, 1, 13), enabled=False)
OFTEN = TimeTrigger(start_boundary=datetime(2026, 1, 1), repetition=Repetition(Duration.parse("PT30S")))
AT_RANDOM = replace(SIX, random_delay=Duration.parse("PT30M"))


def local(day: int, hour: int = 0, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=NEW_YORK)


def task(*triggers: Trigger, **settings: object) -> TaskDefinition:
    return TaskDefinition(triggers=triggers or (SIX,), settings=Settings(**settings))  # type: ignore[arg-type]


def due(
    definition: TaskDefinition, now: datetime, rule: Rule = NO_RULE, zone: str = "America/New_York", **status: object
) -> Due:
    snapshot = Snapshot("S", now.astimezone(UTC), zone=zone)
    return Due(Status(r"\Load", **status), snapshot, definition, rule)  # type: ignore[arg-type]


def missed(definition: TaskDefinition, last_run: object, now: datetime, **more: object) -> Missed | None:
    return due(definition, now, last_run=last_run, **more).missed  # type: ignore[arg-type]


def test_starts_since_the_last_run_are_counted_with_the_first_and_the_last() -> None:
    found = missed(task(), local(20, 6), local(23, 12))
    assert found == Missed(3, local(21, 6), local(23, 6))
    assert found.first.tzinfo == NEW_YORK


def test_start_that_happened_is_not_missed() -> None:
    assert missed(task(), local(23, 6), local(23, 12)) is None
    assert missed(task(), local(23, 5, 59), local(23, 12)) is None, "a run up to a minute before is that of the slot"
    assert missed(task(), local(23, 5, 58), local(23, 12)) == Missed(1, local(23, 6), local(23, 6))
    assert missed(task(), local(23, 9), local(23, 12)) is None, "a run by hand counts as a run"


@pytest.mark.parametrize(("minutes", "number"), [(59, 0), (60, 1), (61, 1)])
def test_start_is_not_late_before_an_hour_has_passed(minutes: int, number: int) -> None:
    found = missed(task(), local(22, 6), local(23, 6) + timedelta(minutes=minutes))
    assert (found.number if found else 0) == number


@pytest.mark.parametrize(
    ("definition", "rule", "expected"),
    [
        (task(), NO_RULE, timedelta(hours=1)),
        (task(start_when_available=True), NO_RULE, timedelta(minutes=70)),
        (task(AT_RANDOM), NO_RULE, timedelta(minutes=90)),
        (task(AT_RANDOM), Rule("*", grace_minutes=5), timedelta(minutes=5)),
        (task(), Rule("*", owner="GIS"), timedelta(hours=1)),
    ],
)
def test_grace_is_the_longest_wait_that_is_no_lateness(
    definition: TaskDefinition, rule: Rule, expected: timedelta
) -> None:
    assert graces(definition, timedelta(days=1), rule)[1] == expected
    late = missed(definition, local(22, 6), local(23, 6) + expected, rule=rule)
    assert late == Missed(1, local(23, 6), local(23, 6))
    assert missed(definition, local(22, 6), local(23, 6) + expected - timedelta(seconds=1), rule=rule) is None


def test_rule_may_leave_no_grace_at_all() -> None:
    none = Rule("*", grace_minutes=0)
    assert missed(task(start_when_available=True), local(22, 6), local(23, 6), rule=none) is None
    assert missed(task(), local(22, 6), local(23, 6) + timedelta(seconds=1), rule=none)


def test_grace_of_frequent_starts_is_their_spacing_but_two_minutes_at_least() -> None:
    assert graces(task(), timedelta(minutes=15))[1] == timedelta(minutes=15)
    assert graces(task(), timedelta(minutes=1))[1] == timedelta(minutes=2)
    assert graces(task(), None)[1] == timedelta(hours=1)
    assert missed(task(EVERY_MINUTE), local(23, 6), local(23, 6, 2)) is None
    assert missed(task(EVERY_MINUTE), local(23, 6), local(23, 6, 5)) == Missed(2, local(23, 6, 2), local(23, 6, 3))


def test_each_trigger_has_its_own_random_delay() -> None:
    noon = replace(SIX, start_boundary=datetime(2026, 1, 1, 12), random_delay=Duration.parse("PT6H"))
    assert missed(task(SIX, noon), local(23, 6), local(23, 18)) is None
    assert missed(task(SIX, noon), local(23, 6), local(23, 19)) == Missed(1, local(23, 12), local(23, 12))


@pytest.mark.parametrize(
    ("definition", "last_run", "more"),
    [
        (task(run_only_if_idle=True), local(1, 6), {}),
        (task(enabled=False), local(1, 6), {}),
        (task(replace(SIX, enabled=False)), local(1, 6), {}),
        (task(), "never", {}),
        (task(), None, {}),
        (task(), datetime(2026, 11, 1, 6), {}),
        (task(), local(22, 6), {"zone": ""}),
        (task(), local(22, 6), {"next_run": local(24, 7)}),
        (task(), local(22, 6), {"next_run": "never"}),
        (task(PAST), local(1, 6, month=2), {}),
    ],
)
def test_what_is_in_doubt_is_never_called_missed(
    definition: TaskDefinition, last_run: object, more: dict[str, object]
) -> None:
    assert missed(definition, last_run, local(23, 12), **more) is None


@pytest.mark.parametrize("more", [{"next_run": local(24, 7)}, {"next_run": "never"}])
def test_no_doubt_explains_a_start_that_is_26_hours_late(more: dict[str, object]) -> None:
    assert missed(task(), local(1, 6), local(23, 12), **more) == Missed(21, local(2, 6), local(22, 6))
    assert missed(task(), local(20, 6), local(22, 7, 59), **more) is None
    assert missed(task(), local(20, 6), local(22, 8), **more) == Missed(1, local(21, 6), local(21, 6))


def test_without_a_zone_times_count_as_utc_and_are_late_after_26_hours() -> None:
    naive = datetime(2026, 11, 20, 6)
    early, late = (datetime(2026, 11, 22, hour, 30, tzinfo=UTC) for hour in (7, 8))
    assert missed(task(), naive, early, zone="") is None
    found = missed(task(), naive, late, zone="")
    assert found
    assert (found.number, found.first.day, found.first.hour) == (1, 21, 6)


def test_windows_naming_our_next_start_or_that_of_a_disabled_trigger_is_no_doubt() -> None:
    for next_run in (local(24, 6), local(24, 6, 1), local(23, 13)):
        assert missed(task(SIX, OFF_AT_ONE), local(20, 6), local(23, 12), next_run=next_run)


def test_starts_around_a_change_of_the_clocks_are_not_counted() -> None:
    half_past_two = replace(SIX, start_boundary=datetime(2026, 1, 1, 2, 30))
    half_past_one = replace(SIX, start_boundary=datetime(2026, 1, 1, 1, 30))
    assert missed(task(half_past_two), local(7, 2, 30, month=3), local(8, 12, month=3)) is None
    assert missed(task(half_past_two), local(7, 2, 30, month=3), local(9, 12, month=3)) == Missed(
        1, local(9, 2, 30, month=3), local(9, 2, 30, month=3)
    )
    assert missed(task(half_past_one), local(31, 1, 30, month=10), local(1, 12)) is None


def test_task_that_stands_still_for_years_is_answered_from_its_last_400_days() -> None:
    found = missed(task(EVERY_MINUTE), datetime(1999, 1, 1, tzinfo=UTC), local(23, 12))
    assert found
    assert found.number < 400 * 24 * 60


# NextRunTime ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("definition", "next_run", "why", "doubt"),
    [
        (task(SIX, OFF_AT_ONE), local(23, 13), "disabled trigger", False),
        (task(AT_RANDOM), local(24, 6, 20), "at random", False),
        (task(AT_RANDOM), local(24, 6, 32), "Not known", True),
        (task(), local(24, 5), "1 hour apart", True),
        (task(), local(24, 8, 7), "Not known", True),
        (task(), "never", "plans no further start", True),
        (task(PAST), local(24, 6), "No trigger", True),
    ],
)
def test_other_next_start_of_windows_is_explained_or_in_doubt(
    definition: TaskDefinition, next_run: object, why: str, doubt: bool
) -> None:
    answer = due(definition, local(23, 12), next_run=next_run)
    assert answer.differing
    assert why in answer.differing.why
    assert answer.differing.doubt is answer.in_doubt is doubt
    assert answer.differing.ours == answer.next_start
    assert answer.differing.windows == (next_run if isinstance(next_run, datetime) else None)


@pytest.mark.parametrize("next_run", [local(24, 6), local(24, 6, 1), local(24, 5, 59), None, datetime(2026, 11, 24, 9)])
def test_same_next_start_and_an_unknown_one_are_no_difference(next_run: datetime | None) -> None:
    assert due(task(), local(23, 12), next_run=next_run).differing is None


@pytest.mark.parametrize(
    ("definition", "off"), [(task(), {"enabled": False}), (task(), {"state": "Disabled"}), (task(enabled=False), {})]
)
def test_next_start_of_a_disabled_task_is_not_compared(definition: TaskDefinition, off: dict[str, object]) -> None:
    assert due(definition, local(23, 12), next_run="never", **off).differing is None  # type: ignore[arg-type]


def test_start_that_falls_into_the_taking_of_the_snapshot_is_no_doubt() -> None:
    for now, next_run in ((local(23, 5, 58), local(24, 6)), (local(23, 6, 1), local(23, 6))):
        ours = local(23, 6) if now < local(23, 6) else local(24, 6)
        why = "It was due while the snapshot was taken."
        assert due(task(), now, next_run=next_run).differing == Differing(next_run, ours, why, doubt=False)
    assert due(task(), local(23, 5, 50), next_run=local(24, 6)).in_doubt


def test_likely_reasons_for_a_missed_start_are_named() -> None:
    noon = local(23, 12)
    assert due(task(disallow_start_if_on_batteries=False), noon).likely_reasons == []
    several = replace(task(run_only_if_network_available=True), principals=(Principal(logon_type="InteractiveToken"),))
    reasons = " ".join(due(several, noon, missed_runs=2).likely_reasons)
    for words in ("counts 2 starts missed", "while its user is logged on", "network connection"):
        assert words in reasons
    assert due(task(), noon).likely_reasons == []  # its setting is the default, and nothing shows that it mattered
    assert due(task(), noon, last_result=0x800710E0).likely_reasons == [
        "Windows refused its last start, as it does on battery power."
    ]


def test_without_a_definition_nothing_is_due() -> None:
    unknown = Due(Status(r"\Load", last_run=local(1, 6), next_run="never"), Snapshot("S", local(23, 12), zone="UTC"))
    assert (unknown.next_start, unknown.spacing, unknown.missed, unknown.differing) == (None, None, None, None)
    assert unknown.likely_reasons == []


def test_next_start_of_a_task_is_computed_once_in_a_status_report(
    sample: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: Counter[int] = Counter()
    real = due_module.runs_around

    def counting(subject: TaskDefinition, moment: datetime, *, tz: str) -> tuple[datetime | None, datetime | None]:
        calls[id(subject)] += 1
        return real(subject, moment, tz=tz)

    monkeypatch.setattr(due_module, "runs_around", counting)
    page = StatusPage(sample, history=known_history(sample))
    judged = page.judged
    assert len(page.tasks.frame) == len(judged)
    assert page.check.lines
    doubtful = {id(each.task) for each in judged if each.due.differing}
    assert {calls[id(each.task)] for each in judged if id(each.task) not in doubtful} == {1}
    assert {each.due.next_start for each in judged} > {None}


REFUSED = "the starts of a repetition under a minute, which Windows refuses, are not computed"


@pytest.mark.parametrize("next_run", [None, "never", local(23, 12, 1)], ids=["not known", "never", "soon"])
def test_repetition_under_a_minute_is_the_reason_whatever_windows_gives_as_next_start(next_run: object) -> None:
    found = due(task(OFTEN), local(23, 12), last_run=local(19), next_run=next_run)
    assert (found.uncomputed, found.doubt) == (REFUSED, "")
    assert found.differing is None or found.differing.why == f"T{REFUSED[1:]}."


@pytest.mark.parametrize(
    "trigger",
    [SIX, EVERY_MINUTE, replace(OFTEN, enabled=False), replace(OFTEN, end_boundary=datetime(2026, 11, 1))],
    ids=["daily", "each minute", "disabled", "over"],
)
def test_nothing_is_uncomputed_without_a_repetition_under_a_minute_that_is_on(trigger: Trigger) -> None:
    assert due(task(trigger), local(23, 12)).uncomputed == ""
    assert due(task(OFTEN, enabled=False), local(23, 12)).uncomputed == ""
