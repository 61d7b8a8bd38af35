"""Words and dates in every language and spelling."""

import csv
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest

from taskanalysis.snapshot import locales
from taskanalysis.snapshot.foreign import decode_page
from taskanalysis.snapshot.locales import enabled_of, field_of, is_not_available, moment, settle, state_of
from taskanalysis.snapshot.status import STATES
from tests.snapshot.printed import Write, one


def test_known_words_outweigh_odd_letters_where_the_page_is_told() -> None:
    text = "Nächste Laufzeit" + " aÓ" * 20
    assert decode_page(text.encode("cp850")) == text
    assert decode_page("são".encode("cp850")) == "são"  # no "Æ" after a small letter
    assert field_of(unicodedata.normalize("NFD", "Nächste Laufzeit")) == "next_run"


def test_no_word_means_two_things() -> None:
    lines = (Path(locales.__file__).with_name("languages.csv")).read_text(encoding="utf-8").splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    meanings = {"column": field_of, "state": state_of, "switch": enabled_of, "never": is_not_available}
    wanted: dict[str, object] = {"Enabled": True, "Disabled": False, "never": True}
    for row in rows:
        meaning = row["meaning"] if row["kind"] in ("column", "state") else wanted[row["meaning"]]
        assert meanings[row["kind"]](row["word"]) == meaning, row
        assert row["kind"] != "state" or enabled_of(row["word"]) is (False if meaning == "Disabled" else None)
        assert row["kind"] != "switch" or state_of(row["word"]) == ("Disabled" if meaning is False else None)
    assert len({row["language"] for row in rows}) == 16


@pytest.mark.parametrize(
    ("text", "order", "iso"),
    [
        ("24/11/2026 06:00:00", "dmy", "2026-11-24T06:00:00"),
        ("24/11/2026 06:00:00", "mdy", None),
        ("11/24/2026 6:00:00 AM", "mdy", "2026-11-24T06:00:00"),
        ("11/24/2026 12:00:00 AM", "mdy", "2026-11-24T00:00:00"),
        ("11/24/2026 12:00:00 PM", "mdy", "2026-11-24T12:00:00"),
        ("24/11/2026 12:39:25 pm", "dmy", "2026-11-24T12:39:25"),
        ("24/11/2026 6:00:00\u202fp.\u00a0m.", "dmy", "2026-11-24T18:00:00"),
        ("24/11/2026 06:00:00 a. m.", "dmy", "2026-11-24T06:00:00"),
        ("11/24/2026 6:00:00?PM", "mdy", "2026-11-24T18:00:00"),
        ("11/24/2026 13:00:00 PM", "mdy", "2026-11-24T13:00:00"),
        ("11/24/2026 13:00:00 AM", "mdy", None),
        ("2026/11/24 午後 6:00:00", "dmy", "2026-11-24T18:00:00"),
        ("2026/11/24 下午 6:00:00", "mdy", "2026-11-24T18:00:00"),
        ("2026/11/24 上午 12:30:00", "mdy", "2026-11-24T00:30:00"),
        ("2026-11-24 오후 6:00:00", "mdy", "2026-11-24T18:00:00"),
        ("2026年11月24日 6:00:00", "mdy", "2026-11-24T06:00:00"),
        ("2026/11/24 ?? 6:00:00", "mdy", None),
        ("2026. 11. 24. 6:00:00", "mdy", "2026-11-24T06:00:00"),
        ("24.11.2026 06:00:00", "dmy", "2026-11-24T06:00:00"),
        ("24-11-26 06.05", "dmy", "2026-11-24T06:05:00"),
        ("\u200e24/\u200e11/\u200e2026 \u200f\u200e06:00:00", "dmy", "2026-11-24T06:00:00"),
        ("30-12-1899 00:00:00", "dmy", "1899-12-30T00:00:00"),
        ("30/11/99 00:00", "dmy", "1999-11-30T00:00:00"),
        ("2026-11-24T06:00:00.1234567", "dmy", "2026-11-24T06:00:00"),
        ("2026-11-24T06:00:00.1234567Z", "dmy", "2026-11-24T06:00:00.123456+00:00"),
        ("03/09/1405 06:00:00", "dmy", None),
        ("24/11/2569 06:00:00", "dmy", None),
        ("Tue 24 Nov 2026 06:00:00", "mdy", "2026-11-24T06:00:00"),
        ("Mon 24 Nov 2026 06:00:00", "mdy", None),  # it was a Tuesday
        ("Tuesday, November 24, 2026 6:00:00 PM", "dmy", "2026-11-24T18:00:00"),
        ("24-Nov-26 06:00", "dmy", "2026-11-24T06:00:00"),
        ("26-Nov-24 06:00", "ymd", "2026-11-24T06:00:00"),
        ("2026/11/24/周二 6:00:00", "dmy", "2026-11-24T06:00:00"),
        ("2026年11月24日 星期二 6:00:00", "dmy", "2026-11-24T06:00:00"),
        ("2026/11/24(火) 午後 6:00:00", "dmy", "2026-11-24T18:00:00"),
        ("2026-11-24 화요일 오전 6:00:00", "dmy", "2026-11-24T06:00:00"),
        ("24 ноября 2026 г. 6:00:00", "dmy", "2026-11-24T06:00:00"),
        ("24.11.2026 г. 6:00:00 ч.", "dmy", "2026-11-24T06:00:00"),
        ("24.11.2026 klo 6.05.00", "dmy", "2026-11-24T06:05:00"),
        ("martes, 24 de noviembre de 2026 6:00:00 p. m.", "dmy", "2026-11-24T18:00:00"),
        ("Di 24.11.2026 06:00:00", "dmy", "2026-11-24T06:00:00"),
        ("11/24/2026 Tue 06:00:00", "mdy", "2026-11-24T06:00:00"),
        ("2026. 11. 24. de. 12:05:00", "dmy", "2026-11-24T00:05:00"),
        ("2026. november 24. de. 12:05", "dmy", "2026-11-24T00:05:00"),
        ("2026. 11. 24. du. 6:00:00", "dmy", "2026-11-24T18:00:00"),
        ("24/11/2026 6:00:00 CH", "dmy", "2026-11-24T18:00:00"),
        ("24/11/2026 12:05:00 SA", "dmy", "2026-11-24T00:05:00"),
        ("24/11/2026 6:00:00 μ.μ.", "dmy", "2026-11-24T18:00:00"),
        ("24 listopada 2026 06:00", "dmy", None),  # November in Polish, October in Croatian
        ("wt 24 lis 2026 06:00", "dmy", "2026-11-24T06:00:00"),
        ("31 lis 2026 06:00", "dmy", "2026-10-31T06:00:00"),
        ("24 Nov Dec 2026 06:00", "dmy", None),
        ("24 Nov 06:00", "dmy", None),
        ("Tue 24 Smarch 2026 06:00", "dmy", None),
        ("26/11/24 06:00", "ymd", "2026-11-24T06:00:00"),
        ("26/11/24 06:00", "dmy", "2024-11-26T06:00:00"),
        ("24/11/2026 06:00", "ymd", None),
        ("115/11/24 06:00", "ymd", None),
        ("20261124060001.000000+060", "dmy", "2026-11-24T06:00:01+01:00"),
        ("20261124060001.000000-***", "dmy", "2026-11-24T06:00:01"),
        ("20261124060001.******+060", "dmy", None),
        ("2026-11-24 06:00:00Z", "dmy", "2026-11-24T06:00:00+00:00"),
        ("2026-11-24 06:00:00 +01:00", "dmy", "2026-11-24T06:00:00+01:00"),
        ("24/11/2026", "dmy", None),
        ("31/02/2026 06:00:00", "dmy", None),
        ("24/11/2026 06:60:00", "dmy", None),
        ("24/11/2026 6:00:00 xm", "dmy", None),
        ("1" * 100_000, "dmy", None),
        ("", "dmy", None),
    ],
)
def test_moment_is_read_in_every_spelling(text: str, order: str, iso: str | None) -> None:
    found = moment(text, order)
    assert (found.isoformat() if found else None) == iso


@pytest.mark.parametrize(
    ("lasts", "nexts", "at", "order"),
    [
        (["03/11/2026 06:00", "13/11/2026 06:00"], [], "2026-11-24", "dmy"),  # one day is no month
        (["11/03/2026 06:00", "11/13/2026 06:00"], [], "2026-11-24", "mdy"),
        (["02/03/2026 06:00", "30/11/1999 00:00"], [], "2026-11-24", "dmy"),  # of a task that never ran
        (["02/03/2026 06:00", "11/30/1999 00:00"], [], "2026-11-24", "mdy"),
        (["02/11/2026 06:00"], [], "2026-11-03", ""),
        (["02/11/2026 06:00", "01/12/2026 05:00"], [], "2026-02-12", "mdy"),  # else later than the file
        (["10/11/2026 06:00", "02/12/2026 06:00"], ["03/12/2026 06:00"], "2027-02-20", "dmy"),  # next > last
        ([], ["04/11/2026 06:00"], "2026-11-03", "dmy"),  # else older than the file
        ([], ["04/11/2026 06:00"], "2026-04-10", "mdy"),
        ([], ["04/11/2026 06:00"], "2026-10-20", ""),  # the file may be a late copy of mdy
        (["02.03.2026 06:00"], [], "2026-11-24", "dmy"),  # dots
        (["02/12/2026 06:00", "13/03/2026 06:00", "03/13/2026 06:00"], [], "2026-11-24", ""),
        (["02/03/2026 06:00"], ["02/04/2026 06:00"], "2026-11-24", ""),
        (["05/05/2026 06:00", "N/A", ""], [], "2026-11-24", "dmy"),  # the same in both
        (["26/11/23 06:00"], ["26/11/24 06:00"], "2026-11-24", "ymd"),
        (["23/11/26 06:00"], ["24/11/26 06:00"], "2026-11-24", "dmy"),
        (["11/23/26 06:00"], ["11/24/26 06:00"], "2026-11-24", "mdy"),
        (["26/03/05 06:00"], ["26/03/06 06:00"], "2026-11-24", ""),  # eight months old, or twenty years
        (["24/11/69 06:00"], ["25/11/69 06:00"], "2026-11-24", ""),  # of the Thai calendar
        (["03/09/05 06:00"], ["04/09/05 06:00"], "2026-11-24", ""),  # of the Persian one
        (["99/11/30 00:00", "26/11/23 06:00"], [], "2026-11-24", "ymd"),
        (["Sun 08/11/2026 06:00", "Fri 06/11/2026 06:00"], [], "2026-11-24", "dmy"),  # by the weekdays
    ],
)
def test_order_of_day_and_month_is_settled_from_all_dates(
    lasts: list[str], nexts: list[str], at: str, order: str
) -> None:
    assert settle(lasts, nexts, [], datetime.fromisoformat(at).replace(hour=12, tzinfo=UTC)) == order


@pytest.mark.parametrize(
    ("text", "state", "enabled"),
    [("", None, None), ("0", "Unknown", None), ("1", "Disabled", False), ("2", "Queued", None), ("3", "Ready", None),
     ("4", "Running", None), ("5", None, None), ("Could not start", "Unknown", None), ("??", None, None),
     ("Tilbúið", None, None), ("Désactivé", "Disabled", False), ("準備完了", "Ready", None)],
)  # fmt: skip
def test_states_are_coms_words(write: Write, text: str, state: str | None, enabled: bool | None) -> None:
    status = one(write, State=text).statuses["\\A"]
    assert (status.state, status.enabled) == (state, enabled)
    assert state is None or state in STATES
