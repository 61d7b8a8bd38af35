"""Moments as readers say them, each form once; and what in a sentence is a time of ours."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from taskanalysis.text.times import ago, say, say_day, spoken

NEW_YORK = ZoneInfo("America/New_York")
NEAR = datetime(2026, 11, 23, 6, 2, tzinfo=NEW_YORK)


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (date(2026, 11, 21), "Sat 21 Nov"),
        (date(2026, 11, 22), "yesterday"),
        (date(2026, 11, 23), "today"),
        (date(2026, 11, 24), "tomorrow"),
        (date(2026, 11, 25), "Wed 25 Nov"),
        (date(2026, 1, 1), "Thu 1 Jan"),
        (date(2025, 12, 31), "Wed 31 Dec 2025"),
        (date(2027, 1, 1), "Fri 1 Jan 2027"),
    ],
)
def test_day_is_near_or_has_its_weekday_and_a_year_where_that_is_another(day: date, said: str) -> None:
    assert say_day(day, NEAR.date()) == said


def test_day_beside_a_turn_of_the_year_is_near_and_has_no_year() -> None:
    assert say_day(date(2026, 12, 31), date(2027, 1, 1)) == "yesterday"
    assert say_day(date(2027, 1, 1), date(2026, 12, 31)) == "tomorrow"


def test_yesterday_is_a_day_of_the_calendar_not_24_hours() -> None:
    night = NEAR.replace(hour=0, minute=1)
    assert say(night - timedelta(minutes=2), night) == "yesterday 23:59"
    assert say(night - timedelta(hours=24, minutes=2), night) == "Sat 21 Nov 23:59"


@pytest.mark.parametrize(
    ("near", "moment", "said"),
    [
        (datetime(2026, 3, 8, 12, tzinfo=NEW_YORK), datetime(2026, 3, 8, 6, 30, tzinfo=UTC), "today 01:30"),
        (datetime(2026, 3, 8, 12, tzinfo=NEW_YORK), datetime(2026, 3, 8, 7, 30, tzinfo=UTC), "today 03:30"),
        (datetime(2026, 11, 1, 12, tzinfo=NEW_YORK), datetime(2026, 11, 1, 5, 30, tzinfo=UTC), "today 01:30"),
        (datetime(2026, 11, 1, 12, tzinfo=NEW_YORK), datetime(2026, 11, 1, 6, 30, tzinfo=UTC), "today 01:30"),
    ],
)
def test_moment_is_said_as_the_server_s_clocks_show_it_when_they_change(
    near: datetime, moment: datetime, said: str
) -> None:
    assert say(moment.astimezone(NEW_YORK), near) == said


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("It failed at 2026-11-22 21:15.", "It failed yesterday 21:15."),
        ("It failed at 2026-11-09 21:15.", "It failed Mon 9 Nov 21:15."),
        ("Changed on 2026-11-22.", "Changed yesterday."),
        ("Changed on 2026-11-09.", "Changed on Mon 9 Nov."),
        ("Running since 2026-11-21 05:10 (2 days).", "Running since Sat 21 Nov 05:10 (2 days)."),
        ("Since 2026-11-09, when it began.", "Since Mon 9 Nov, when it began."),
        (
            "Blind from 2026-10-16 13:02 to 2026-10-19 07:02: 2 days.",
            "Blind from Fri 16 Oct 13:02 to Mon 19 Oct 07:02: 2 days.",
        ),
        (
            "between 2025-12-31 23:00 and 2026-11-24 01:00",
            "between Wed 31 Dec 2025 23:00 and tomorrow 01:00",
        ),
        ("those before 2026-10-16 are not known", "those before Fri 16 Oct are not known"),
    ],
)
def test_time_in_a_sentence_of_ours_is_said(sentence: str, said: str) -> None:
    assert spoken(sentence, NEAR) == said


@pytest.mark.parametrize(
    "text",
    [
        "Load 2026-11-22",
        r"\Loads 2026-11-22\Run at 2026-11-22-b",
        "from 2026-11-22T21:15:00",
        "at 2026-13-01 and on 2026-02-30",
        "at 2026-11-22_old",
        "at 12026-11-22",
        "registration date from 2026-11-22 15:15:41.467389 to 2026-11-23 15:15:41",
        "",
    ],
)
def test_what_is_no_time_of_ours_stays(text: str) -> None:
    assert spoken(text, NEAR) == text


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(minutes=-5), "0 minutes"),
        (timedelta(seconds=59), "0 minutes"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=119, seconds=59), "119 minutes"),
        (timedelta(hours=2), "2 hours"),
        (timedelta(hours=47, minutes=59), "48 hours"),
        (timedelta(days=13, hours=22), "14 days"),
        (timedelta(days=2), "2 days"),
        (timedelta(days=1500), "1,500 days"),
    ],
)
def test_span_is_said_in_its_largest_unit_of_which_there_are_two(span: timedelta, said: str) -> None:
    assert ago(span) == said
