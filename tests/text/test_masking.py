"""What is masked, what is left, and that hostile text costs nothing."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskanalysis.text import has_secret, mask
from tests.build import FILES

LINES = (FILES / "masking.txt").read_text(encoding="utf-8").splitlines()[1:]
PAIRS = [tuple(part.strip() for part in line.split(" | ")) for line in LINES if " | " in line]
LEFT = [line for line in LINES if " | " not in line]


@pytest.mark.parametrize(("text", "expected"), PAIRS)
def test_secret_looking_value_is_masked(text: str, expected: str) -> None:
    assert mask(text) == expected
    assert has_secret(text)
    assert not re.search("s3cret|two |s3[; /]", mask(text), re.IGNORECASE)


@pytest.mark.parametrize("text", LEFT)
def test_other_text_is_left_as_it_is(text: str) -> None:
    assert mask(text) == text
    assert not has_secret(text)


@given(st.text(alphabet="-/ pasword=:;\"'&Ux%$*tken@", max_size=60))
def test_masking_twice_is_masking_once(text: str) -> None:
    assert mask(mask(text)) == mask(text)


HOSTILE = """a|--|://|-u a:|-U a -P |--password |password=|;pwd=|"|'|'password="|/p:|eyJ."""


@pytest.mark.parametrize("piece", HOSTILE.split("|"))
def test_ten_thousand_hostile_characters_take_no_time(piece: str) -> None:
    text = piece * (10_000 // len(piece))
    began = time.process_time()
    mask(text)
    assert time.process_time() - began < 1  # a bound that only a quadratic pattern misses
