"""The list of tests that are skipped under Wine: each is there, and says what Wine lacks."""

import csv
import re

import pytest

from tests.build import FILES, ROOT

with (FILES / "wine.csv").open(encoding="utf-8", newline="") as file:
    LACKS = list(csv.DictReader(file))


@pytest.mark.parametrize("row", LACKS, ids=[row["test"].partition("::")[2] for row in LACKS])
def test_what_is_skipped_is_there_and_has_its_reason(row: dict[str, str]) -> None:
    place, _, name = row["test"].partition("::")
    text = (ROOT / place).read_text(encoding="utf-8")
    assert re.search(rf"^def {re.escape(name.partition('[')[0])}\(", text, re.MULTILINE)
    assert row["reason"].startswith("Wine ")
