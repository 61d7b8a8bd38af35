"""What is masked, what is left, and that hostile text costs nothing."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskanalysis.text import has_secret, mask, mask_lines, masking
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


HOSTILE = """a|--|://|-u a:|-U a -P |--password |password=|;pwd=|"|'|'password="|/p:|eyJ.|--token -aB1|--password = |\
-----BEGIN PRIVATE KEY-----|MII-----END |Private-Lines: 1 A|mot de passe |/u a /p |7z -p"|rasdial "a|userid=a/|\
api.telegram.org/bot|rman target |echo a|key="password" |openssl -k "|curl -b a=|netsh key=|.login("a" |password =>"""
# each word of the table, and each form of it that stands in the table of tests
PIECES = [*HOSTILE.split("|"), *(word + " " for words, _ in masking._MARKED for word in words)]
PIECES += [text + " " for text, _ in PAIRS]


@pytest.mark.parametrize("piece", PIECES)
def test_ten_thousand_hostile_characters_take_no_time(piece: str) -> None:
    text = piece * (10_000 // len(piece))
    began = time.process_time()
    mask(text)
    assert time.process_time() - began < 1  # a bound that only a quadratic pattern misses


KEY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7/VJTUt9Us8cK\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"read:\n-----BEGIN PRIVATE KEY-----\n{KEY}-----END PRIVATE KEY-----\ndone\n",
            "read:\n-----BEGIN PRIVATE KEY-----***-----END PRIVATE KEY-----\ndone\n",
        ),
        (
            f"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n{KEY}-----END RSA PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----",
        ),
        (f"-----BEGIN OPENSSH PRIVATE KEY-----\r\n{KEY}", "-----BEGIN OPENSSH PRIVATE KEY-----***"),
        (f"{KEY}-----END EC PRIVATE KEY-----\nnext", "***-----END EC PRIVATE KEY-----\nnext"),
        ("-----BEGIN PRIVATE KEY-----\\nMI\\n-----END PRI", "-----BEGIN PRIVATE KEY-----***-----END PRI"),
        (f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{KEY}", "-----BEGIN PGP PRIVATE KEY BLOCK-----***"),
        (f"Private-Lines: 2\n{KEY}Private-MAC: ab", "Private-Lines: 2\n***Private-MAC: ab"),
    ],
)
def test_private_key_is_masked_over_its_lines_also_where_a_log_is_cut(text: str, expected: str) -> None:
    for masked in (mask, mask_lines):
        assert masked(text) == masked(expected) == expected


def test_certificate_is_no_secret() -> None:
    text = f"-----BEGIN CERTIFICATE-----\n{KEY}-----END CERTIFICATE-----\nThe private key is on the card.\n"
    assert mask(text) == text


def test_table_of_secrets_and_of_what_looks_alike_is_long() -> None:
    assert len(set(PAIRS)) >= 104
    assert len(set(LEFT)) >= 51


@pytest.mark.parametrize(("text", "expected"), PAIRS)
def test_secret_is_masked_inside_a_log_a_diff_and_a_message(text: str, expected: str) -> None:
    for begin, end in (
        ("06:02 INFO started\n", "\nbye\n"),
        ("", "\r\nbye"),
        ("  1 | ", " \n"),
        ("@@ -1 +1 @@\n+", "\n"),
    ):
        masked = mask_lines(begin + text + end)
        assert masked.replace("\r", "").rstrip(" \n") == f"{begin}{expected}{end}".replace("\r", "").rstrip(" \n")
    assert not has_secret(f"Load.xml, line 3: {expected}")
    assert has_secret(f"Load.xml, line 3: {text}")


def test_value_on_the_next_line_of_a_log_is_masked_and_prose_there_is_not() -> None:
    assert mask_lines("Starts load.py\n  --password\n  S3cret\n  --full\n") == (
        "Starts load.py\n  --password\n  ***\n  --full\n"
    )
    for text in ("load.py --password\n--full\n", "asks --password\nIt was right\n", "copy /p\nbye\n"):
        assert mask_lines(text) == text


@pytest.mark.parametrize("text", LEFT)
def test_other_text_is_left_alone_inside_a_log_and_a_message(text: str) -> None:
    for begin, end in (
        ("06:02 INFO started\n", "\nbye\n"),
        ("", "\r\nbye"),
        ("  1 | ", " \n"),
        ("@@ -1 +1 @@\n+", "\n"),
    ):
        assert mask_lines(begin + text + end) == begin + text + end
    assert not has_secret(f"Load.xml, line 3: {text}")


def test_only_the_words_that_a_pattern_needs_are_looked_for() -> None:
    """Each pattern matches only text with one of its words; without the words the same is masked."""
    every = [((), patterns) for _, patterns in masking._MARKED]
    for text in [pair[0] for pair in PAIRS] + LEFT:
        plain = text
        for _, patterns in every:
            for pattern in patterns:
                plain = pattern.sub(rf"\1{masking.MASK}", plain)
        assert plain == mask(text)
