"""What starts when: the frames of expected starts, their sums, and what Windows says otherwise."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from lxml import html

from taskanalysis.definition.duration import Duration
from taskanalysis.definition.model import (
    BootTrigger,
    CalendarTrigger,
    Repetition,
    ScheduleByDay,
    Settings,
    TaskDefinition,
    TimeTrigger,
    Trigger,
)
from taskanalysis.report import starts
from taskanalysis.report.inventory import Inventory
from taskanalysis.snapshot.snapshot import Snapshot
from taskanalysis.snapshot.status import Status

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 23, 6, 2, tzinfo=NEW_YORK)
SIX = CalendarTrigger(start_boundary=datetime(2026, 1, 1, 6), schedule=ScheduleByDay())
QUARTERS = TimeTrigger(start_boundary=datetime(2026, 1, 1), repetition=Repetition(Duration.parse("PT15M")))


def share(now: datetime = NOW, zone: str = "America/New_York", **tasks: Trigger) -> Snapshot:
    definitions = {f"\\{name}": TaskDefinition(triggers=(trigger,)) for name, trigger in tasks.items()}
    return Snapshot("S", now.astimezone(UTC), zone=zone, tasks=definitions)


def test_starts_of_the_sample_are_those_of_its_tasks_in_order(sample: Snapshot) -> None:
    week = starts.expected_starts(sample)
    assert week["start"].is_monotonic_increasing
    assert str(week["start"].dt.tz) == "America/New_York"
    assert set(week["task_path"]) <= set(sample.within())
    parcels = week.loc[week["task_path"] == r"\OpenData\GIS\Parcels", "start"]
    assert [f"{start:%a %H:%M}" for start in parcels] == [
        f"{day} 05:25" for day in ("Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Mon")
    ]


def test_start_at_the_very_moment_of_the_snapshot_is_not_a_coming_one() -> None:
    six = NOW.replace(minute=0)
    snapshot = share(six, Load=SIX)
    runs = starts.next_runs(snapshot, starts.expected_starts(snapshot))
    assert runs == {r"\Load": [six + timedelta(days=1)]}


def test_many_starts_of_a_task_are_listed_in_part_and_counted() -> None:
    snapshot = share(Load=QUARTERS)
    runs = starts.next_runs(snapshot, starts.expected_starts(snapshot))[r"\Load"]
    assert len(runs) == starts.MOST_TIMES + 1
    assert runs[0] == NOW.replace(minute=15)
    assert runs[-1] == "and 72 more"


def lines(snapshot: Snapshot) -> dict[str, html.HtmlElement]:
    """The lines of the timeline, by what they begin with."""
    page = html.fromstring(f"<div>{Inventory(snapshot).timeline.html}</div>".replace("<wbr>", "<wbr/>"))
    return {row[0].xpath("string(.//summary)") or row[0].text_content(): row for row in page.xpath("//tr")}


def places(line: html.HtmlElement) -> list[float]:
    """Where the starts of a line stand, in per cent of the 24 hours after the snapshot."""
    return [float(mark.get("x").rstrip("%")) for mark in line.xpath(".//rect")]


def axis(snapshot: Snapshot) -> list[tuple[str, float]]:
    """The hours of the first line, and where they stand."""
    return [(text.text, float(text.get("x").rstrip("%"))) for text in lines(snapshot)["Starts"].xpath(".//text")]


def test_timeline_has_a_line_a_task_and_each_start_at_its_time() -> None:
    noon = TimeTrigger(start_boundary=datetime(2026, 11, 23, 18, 2))
    found = lines(share(Load=SIX, Once=noon, Gone=TimeTrigger(start_boundary=datetime(2026, 11, 22, 18))))
    assert list(found) == ["Starts", "Once", "Load"], "the first start first; no line without a start"
    assert places(found["Once"]) == [50]
    assert places(found["Load"]) == [99.9]
    assert found["Load"].xpath(".//title/text()") == ["06:00"]
    assert found["Once"].xpath("string(.//svg/@aria-label)") == "18:02"


def test_frequent_tasks_are_one_band_and_never_24_marks() -> None:
    hourly = TimeTrigger(start_boundary=datetime(2026, 1, 1), repetition=Repetition(Duration.parse("PT1H")))
    seldom = replace(hourly, repetition=Repetition(Duration.parse("PT62M")))
    found = lines(share(Often=QUARTERS, Hourly=hourly, Seldom=seldom))
    band = found["2 tasks, every hour or more often"]
    assert band.text_content() == "2 tasks, every hour or more oftenOften, Hourly"
    assert len(band.xpath(".//rect")) == 1
    assert len(places(found["Seldom"])) == 23
    assert found["Seldom"].xpath("string(.//svg/@aria-label)").count(":") == 23


def test_no_start_is_said_and_never_called_free() -> None:
    none = Inventory(share(Boot=BootTrigger())).timeline.html
    assert none == '<p class="empty">No start in the 24 hours after the snapshot.</p>'
    unknown = Inventory(share(zone="", Load=SIX)).timeline.html
    assert unknown == '<p class="empty">No start can be computed: the server\'s zone is not known.</p>'


@pytest.mark.parametrize(
    ("now", "first", "last"),
    [
        (NOW, ("09:00", 12.4), ("03:00", 87.4)),
        (datetime(2026, 10, 31, 12, tzinfo=NEW_YORK), ("12:00", 0), ("09:00", 91.7)),
        (datetime(2026, 3, 7, 12, tzinfo=NEW_YORK), ("12:00", 0), ("12:00", 95.8)),
    ],
)
def test_axis_has_every_third_hour_of_the_clock_also_when_clocks_change(
    now: datetime, first: tuple[str, float], last: tuple[str, float]
) -> None:
    hours = axis(share(now, Load=SIX))
    assert (hours[0], hours[-1]) == (first, last)
    assert [place for _, place in hours] == sorted(place for _, place in hours)
    assert all(int(hour[:2]) % 3 == 0 for hour, _ in hours)


def test_start_stands_below_its_hour_in_spring_and_autumn() -> None:
    for now in (datetime(2026, 10, 31, 12, tzinfo=NEW_YORK), datetime(2026, 3, 7, 12, tzinfo=NEW_YORK)):
        snapshot = share(now, Load=SIX)
        (at,) = places(lines(snapshot)["Load"])
        assert at == dict(axis(snapshot))["06:00"]


def test_hour_that_autumn_repeats_has_its_starts_twice() -> None:
    snapshot = share(datetime(2026, 10, 31, 12, tzinfo=NEW_YORK), Often=QUARTERS)
    runs = starts.expected_starts(snapshot)["start"]
    night = [start for start in runs if (start.day, start.hour) == (1, 1)]
    assert [f"{start:%H:%M %z}" for start in night][::4] == ["01:00 -0400", "01:00 -0500"]
    assert len(night) == 8


def test_tasks_beyond_the_sixtieth_are_counted() -> None:
    many = {f"Task {number:02}": SIX for number in range(starts.MOST_LINES + 5)}
    found = Inventory(share(**many)).timeline
    assert found.html.count("<tr>") == 1 + starts.MOST_LINES
    assert found.html.endswith("<p>And 5 more tasks, in inventory.csv.</p></div>")
    assert len(found.words.splitlines()) == len(many), "in words all are there"


def test_timeline_of_hostile_names_is_text_and_holds_no_secret() -> None:
    found = Inventory(share(**{"<b>x</b> --password S3cret": SIX, "often <i>": QUARTERS})).timeline
    assert "S3cret" not in found.html + found.words
    assert "<b>" not in found.html
    assert "<i>" not in found.html


def test_more_starts_than_asked_for_are_counted() -> None:
    snapshot = share(Load=QUARTERS)
    runs = starts.next_runs(snapshot, starts.expected_starts(snapshot), most=3)[r"\Load"]
    assert (len(runs), runs[-1]) == (4, "and 93 more")


def test_three_tasks_that_start_together_are_a_group_and_two_are_none() -> None:
    snapshot = share(A=SIX, B=SIX, C=replace(SIX, start_boundary=datetime(2026, 1, 1, 6, 0, 30)))
    (row,) = Inventory(snapshot).collisions.frame.to_dict("records")
    assert row == {"tasks": 3, "which": [r"\A", r"\B", r"\C"], "starts": 7, "when": "every day, at 06:00"}
    assert Inventory(share(A=SIX, B=SIX)).collisions.frame.empty


def test_times_of_a_group_that_often_starts_together_are_shortened() -> None:
    snapshot = share(A=QUARTERS, B=QUARTERS, C=QUARTERS)
    (row,) = Inventory(snapshot).collisions.frame.to_dict("records")
    assert row["when"] == "every day, at 00:00, 00:15, 00:30, 00:45 and 92 other times of day"


def test_windows_other_next_start_of_the_sample_is_that_of_disabled_triggers(sample: Snapshot) -> None:
    frame = Inventory(sample).differences.frame
    assert frame["task_path"].tolist() == [r"\OpenData\Admin\Rebuild staging", r"\OpenData\Portal\Certificate check"]
    assert set(frame["why"]) == {"Windows counts a disabled trigger."}
    assert frame["expected_next"].tolist()[0] == "never"


def test_task_without_a_status_is_not_compared() -> None:
    snapshot = share(A=SIX, B=SIX)
    snapshot.statuses = {r"\A": Status(r"\A", next_run=NOW)}
    assert Inventory(snapshot).differences.frame["task_path"].tolist() == [r"\A"]


def test_answer_names_the_longest_pause_with_and_without_the_frequent_ones() -> None:
    snapshot = share(Load=SIX, Often=QUARTERS, Boot=BootTrigger())
    said = starts.starts_answer(snapshot, starts.expected_starts(snapshot))
    assert said == [
        "97 starts of 2 tasks in the 24 hours after the snapshot.",
        "The longest time without a start is 15 minutes, from 2026-11-23 06:15 on.",
        "Apart from 1 task starting every hour or more often, it is 23 hours 58 minutes, from 2026-11-23 06:02 on.",
        "1 task can also start at times that no schedule gives (at startup).",
    ]


def test_repetition_under_a_minute_is_the_reason_why_no_start_is_computed() -> None:
    snapshot = share(Load=SIX, Often=replace(SIX, repetition=Repetition(Duration.parse("PT0.001S"))))
    said = starts.starts_answer(snapshot, starts.expected_starts(snapshot))
    assert said[0] == "1 start of 1 task in the 24 hours after the snapshot."
    assert said[-1] == (
        "1 task can also start at times that no schedule gives (a repetition under a minute, which Windows refuses)."
    )


def test_pause_of_a_share_where_all_tasks_start_often_is_said_once() -> None:
    snapshot = share(Often=QUARTERS)
    assert len(starts.starts_answer(snapshot, starts.expected_starts(snapshot))) == 2


def test_starts_in_doubt_are_counted() -> None:
    snapshot = share(
        datetime(2026, 3, 6, 12, tzinfo=NEW_YORK), Load=replace(SIX, start_boundary=datetime(2026, 1, 1, 2))
    )
    assert starts.starts_answer(snapshot, starts.expected_starts(snapshot))[-1].startswith("1 start in the week")


@pytest.mark.parametrize("zone", ["", "America/New_York"])
def test_empty_share_and_unknown_zone_have_no_starts_and_no_error(zone: str) -> None:
    snapshot = share(zone=zone) if zone else share(zone="", Load=SIX)
    week = starts.expected_starts(snapshot)
    assert week.empty
    assert starts.next_runs(snapshot, starts.expected_starts(snapshot)) == {}
    assert starts.collisions(week) == []
    assert Inventory(snapshot).differences.frame.empty
    assert '<p class="empty">' in Inventory(snapshot).timeline.html
    assert len(starts.starts_answer(snapshot, week)) == 1
    assert Inventory(snapshot).triggers.frame["next_run"].tolist() == ([] if zone else [""])


def test_next_run_in_the_hour_that_spring_skips_is_not_certain() -> None:
    gap = share(datetime(2026, 3, 7, 12, tzinfo=NEW_YORK), A=replace(SIX, start_boundary=datetime(2026, 1, 1, 2, 30)))
    (row,) = Inventory(gap).triggers.frame.to_dict("records")
    assert (row["next_run"], row["judged"]) == (datetime(2026, 3, 8, 3, 30, tzinfo=NEW_YORK), False)


def test_disabled_task_and_disabled_trigger_have_no_next_run() -> None:
    snapshot = share(A=replace(SIX, enabled=False), B=SIX)
    snapshot.tasks[r"\B"] = replace(snapshot.tasks[r"\B"], settings=Settings(enabled=False))
    assert Inventory(snapshot).triggers.frame["next_run"].tolist() == ["", ""]
    assert Inventory(snapshot).tasks.frame["next_runs"].tolist() == [[], []]
