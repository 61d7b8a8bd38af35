"""Status files of ``tests/files/statuses`` in languages, formats and spellings that people have."""

from datetime import UTC, datetime

import pytest

from taskanalysis.snapshot.foreign import read_statuses_file
from taskanalysis.snapshot.status import Status
from tests.snapshot.printed import Write, sample, whats

RAN, NEXT, LONG_AGO = datetime(2026, 11, 24, 6, 10), datetime(2026, 11, 25, 6, 10), datetime(2026, 11, 2, 7)
ROADS, MAPS, OLD = "\\Town\\Roads", "\\Town\\Maps", "\\Town\\Old"
MORNING, NEXT_MORNING = RAN.replace(tzinfo=UTC), NEXT.replace(tzinfo=UTC)
OFF = Status(OLD, "Disabled", False, LONG_AGO, 1, "never")


@pytest.mark.parametrize(
    ("name", "statuses", "problems"),
    [
        (
            "dutch.csv",
            [
                Status(ROADS, "Ready", True, RAN, 0, NEXT),
                Status(MAPS, "Running", True, RAN.replace(hour=7, minute=0), 267009, NEXT.replace(hour=7, minute=0)),
                OFF,
            ],
            [],
        ),
        (
            "icelandic.csv",  # of which no table has a word
            [Status(ROADS, None, True, RAN, 0, NEXT), OFF],
            ["'Tilbúið' is a word of no known language: state of 1 task not known"],
        ),
        (
            "powershell5.json",
            [
                Status(ROADS, "Ready", None, MORNING, 0, NEXT_MORNING, 0),
                Status(OLD, "Disabled", False, "never", 267011, None, 2),
            ],
            [],
        ),
        ("weekdays.csv", [Status(ROADS, "Ready", None, RAN, 0, NEXT), Status(OLD, "Disabled", False, LONG_AGO, 1)], []),
        (
            "short_years.csv",
            [Status(ROADS, "Ready", None, RAN, 0, NEXT), Status(OLD, "Disabled", False, LONG_AGO, 1)],
            [],
        ),
        (
            "two_servers.csv",
            [Status(ROADS, None, None, RAN, 0, NEXT)],
            ["1 row of other servers than TOWN02 left out: --server TOWN03"],
        ),
    ],
)
def test_sample_is_read_as_far_as_it_tells(
    write: Write, name: str, statuses: list[Status], problems: list[str]
) -> None:
    found = read_statuses_file(write(sample(name)))
    assert (list(found.statuses.values()), whats(found)) == (statuses, problems)
