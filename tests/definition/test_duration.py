"""xs:duration, read and in words."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskanalysis.definition.duration import Duration

SPANS = st.builds(
    Duration,
    months=st.integers(0, 10**9 - 1),
    delta=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=10**8)),
)


@given(SPANS)
def test_words_have_every_part_once_and_no_long_fraction(span: Duration) -> None:
    words = span.words().replace(",", "").split()
    numbers = dict(zip([unit.removesuffix("s") for unit in words[1::2]], words[::2], strict=True))
    months = 12 * int(numbers.get("year", 0)) + int(numbers.get("month", 0))
    parts = {f"{unit}s": int(numbers.get(unit, 0)) for unit in ("day", "hour", "minute")}
    seconds = numbers.get("second", "0")
    assert (months, timedelta(**parts)) == (
        span.months,
        span.delta - timedelta(seconds=span.delta.seconds % 60, microseconds=span.delta.microseconds),
    )
    assert float(seconds) == (span.delta % timedelta(minutes=1)).total_seconds()


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("PT15M", Duration(delta=timedelta(minutes=15))),
        ("P1M", Duration(months=1)),
        ("PT1M", Duration(delta=timedelta(minutes=1))),
        ("P1Y2M3DT4H5M6.5S", Duration(14, timedelta(days=3, hours=4, minutes=5, seconds=6.5))),
        ("PT1.1234567S", Duration(delta=timedelta(seconds=1, microseconds=123457))),
        ("P31D", Duration(delta=timedelta(days=31))),
        ("PT259200S", Duration(delta=timedelta(days=3))),
    ],
)
def test_months_are_kept_apart_from_minutes(text: str, span: Duration) -> None:
    assert Duration.parse(text) == span


@pytest.mark.parametrize(
    "text",
    ["", "P", "PT", "P1", "P1DT", "T1H", "1H", "-P1D", "P-1D", "PT1H1H", "PT1M1H", "P1S", "P1.5D", "PT.5S", "PT5M ",
     "pt5m", "PT٣M", "PT1H\n", "P" + "9" * 5000 + "D", "P9999999999Y", "P999999999DT999999999H"],
)  # fmt: skip
def test_invalid_duration_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        Duration.parse(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("PT0S", "0 seconds"),
        ("PT1H", "1 hour"),
        ("PT90M", "1 hour 30 minutes"),
        ("PT36H", "1 day 12 hours"),
        ("P7D", "7 days"),
        ("P12M", "1 year"),
        ("PT8.3S", "8.3 seconds"),
        ("PT1.639463S", "1.639463 seconds"),
        ("PT1S", "1 second"),
    ],
)
def test_words_use_days_as_the_largest_exact_unit(text: str, words: str) -> None:
    assert Duration.parse(text).words() == words


def test_zero_is_no_limit_and_a_month_is_not_zero() -> None:
    zeros = [text for text in ("PT0S", "P0D", "P0M", "P1M", "PT1S") if Duration.parse(text).is_zero]
    assert zeros == ["PT0S", "P0D", "P0M"]
