"""Every trigger in words: each file in tests/files/triggers carries the sentence that it should give."""

import sys
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import get_args

import pytest

from taskanalysis.definition import model
from taskanalysis.definition.model import ScheduleByMonthDayOfWeek, Trigger
from taskanalysis.definition.words import _phrase, days_of, describe
from tests import build, proofread
from tests.proofread import TRIGGERS, expectation, sentence

FILES = sorted(TRIGGERS.glob("*.xml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_sentence_is_the_one_that_the_file_says(file: Path) -> None:
    assert sentence(file) == expectation(file)["Says"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_file_says_what_it_is_about(file: Path) -> None:
    assert expectation(file).keys() <= {"About", "Says", "At", "Zone", "From", "Runs", "Seen"}
    assert expectation(file)["About"]


def test_no_two_files_are_about_the_same() -> None:
    abouts = [expectation(file)["About"] for file in FILES]
    assert [about for about in abouts if abouts.count(about) > 1] == []


def listed_sentences(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    monkeypatch.setattr(sys, "argv", ["proofread", str(folder), "--at", "2026-11-23T06:02"])
    proofread.main()
    return capsys.readouterr().out.splitlines()


def test_list_to_proofread_has_the_sentences_of_the_tests_and_of_a_folder(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = build.FILES / "folder"
    *ours, broken, load, nightly = listed_sentences(folder, monkeypatch, capsys)
    assert [line.split("\t")[1] for line in ours] == [expectation(file)["Says"] for file in FILES]
    assert broken.startswith(f"{folder / 'OpenData' / 'Broken.xml'}\t(can't be read: ")
    assert load == f"{folder / 'OpenData' / 'Load.xml'}\tAt 06:30 every day"
    assert nightly.startswith(str(folder / "OpenData" / "Permits" / "Nightly.xml"))


def test_sentences_have_no_gaps(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Those of the tests and, where they lie beside the checkout, of real files."""
    folder = build.CORPUS if build.CORPUS.is_dir() else build.FILES
    said = [line.split("\t")[1] for line in listed_sentences(folder, monkeypatch, capsys)]
    assert [text for text in said if text != text.strip() or "  " in text or "None" in text or ",," in text] == []


KINDS = {kind for kind in vars(model).values() if isinstance(kind, type) and issubclass(kind, Trigger)} - {Trigger}


def test_every_trigger_type_and_schedule_has_words() -> None:
    assert len(KINDS) == 10
    assert _phrase.registry.keys() >= KINDS
    assert set(get_args(model.Schedule)) <= days_of.registry.keys()


def test_every_field_of_a_trigger_is_described_or_left_out_on_purpose() -> None:
    unsaid = {"id", "matching_element", "value_queries", "data", "data_offset"}
    names = {field.name for kind in KINDS for field in fields(kind)} - unsaid - {"name", "schedule"}
    shown = "".join(file.read_text(encoding="utf-8") for file in FILES).lower()
    elements = {name: name.replace("_", "").replace("occurrences", "occurences") for name in names}
    assert [name for name, element in elements.items() if f"<{element}>" not in shown] == []


def test_text_of_a_task_is_not_formatted() -> None:
    hostile = "{0} %s <b>" + "x" * 10_000
    assert describe(model.LogonTrigger(user_id=hostile)) == f"When {hostile} logs on"
    assert "MoonTrigger{0}" in describe(model.UnknownTrigger(name="MoonTrigger{0}"))


def test_schedule_without_weekdays_names_no_day() -> None:
    empty = ScheduleByMonthDayOfWeek(weeks=(1,))
    trigger = model.CalendarTrigger(start_boundary=datetime(2026, 11, 23, 6, 30), schedule=empty)
    assert describe(trigger) == "On the first no day of the week of every month at 06:30"
