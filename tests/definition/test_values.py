"""What the text of an element says; what each element takes is tested with the reader of definitions."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskanalysis.definition.values import boolean, date_time, integer, or_last, remembered

WHOLE_MINUTES = st.datetimes(timezones=st.none() | st.timezones()).filter(
    lambda moment: not (moment.utcoffset() or timedelta()).seconds % 60
)


@given(WHOLE_MINUTES)
def test_time_is_read_as_python_writes_it(moment: datetime) -> None:
    written = moment.isoformat()
    assert date_time(f" {written}\n") == datetime.fromisoformat(written)


@pytest.mark.parametrize(
    "text",
    ["2026-01-05", "2026-01-05 06:30:00", "20260105T063000", "2026-W02-1T06:30:00", "2026-01-05T06:30:00,5", "24:00",
     "2026-01-05T06:30:00+05:30:15", "2026-01-05T06:30:00+0530", "2026-01-05T063000", "2026-01-05T24:00:01",
     "2026-01-05T06:30:00.", "٢٠٢٦-01-05T06:30:00", "2026-01-05T06:30:60", "2026-01-05T06:30:00+24:00",
     "2026-01-05T24:30"],
)  # fmt: skip
def test_times_that_only_python_knows_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a date and time"):
        date_time(text)


def test_a_day_of_the_month_is_never_empty() -> None:
    with pytest.raises(ValueError, match="is not 1 to 31 or Last"):
        or_last(" ", 31)


def test_short_texts_are_read_once_and_invalid_ones_each_time() -> None:
    read: list[str] = []

    def note(text: str) -> int | None:
        read.append(text)
        return integer(text)

    known = remembered(note)
    assert [known(text) for text in ("7", " 7", "7", "", "")] == [7, 7, 7, None, None]
    assert read == ["7", " 7", ""]
    for _ in range(2):
        with pytest.raises(ValueError, match="whole number"):
            known("seven")
    assert read[3:] == ["seven", "seven"]


def test_long_texts_and_those_past_the_first_thousands_are_not_kept() -> None:
    read: list[str] = []
    known = remembered(lambda text: read.append(text) or boolean(text))
    long = " " * 40 + "true"
    assert [known(long), known(long)] == [True, True]
    assert read == [long] * 2
    known = remembered(lambda text: read.append(text) or text)
    for _ in range(2):
        for number in range(5000):
            assert known(str(number)) == str(number)
    assert len(read) == 2 + 2 * 5000 - 4096
