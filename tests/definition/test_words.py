"""Every trigger in words: each file in tests/files/triggers carries the sentence that it should give."""

import re
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import get_args

import pytest

from taskanalysis.definition import model
from taskanalysis.definition.model import ScheduleByMonthDayOfWeek, Trigger
from taskanalysis.definition.reader import read_task
from taskanalysis.definition.words import _phrase, days_of, describe
from tests import build

FILES = sorted((build.FILES / "triggers").glob("*.xml"))


def expectation(file: Path) -> dict[str, str]:
    """What the comment before the root element says: About, Says and so on."""
    (comment,) = re.findall(r"\A<!--\n(.*?)-->", file.read_text(encoding="utf-8"), re.DOTALL)
    return dict(line.split(": ", 1) for line in comment.splitlines())


def sentence(file: Path) -> str:
    at = expectation(file).get("At")
    return describe(read_task(file), at=datetime.fromisoformat(at) if at else None)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_sentence_is_the_one_that_the_file_says(file: Path) -> None:
    assert sentence(file) == expectation(file)["Says"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_file_says_what_it_is_about(file: Path) -> None:
    assert expectation(file).keys() <= {"About", "Says", "At", "Zone", "From", "Runs", "Seen"}
    assert expectation(file)["About"]


def test_all_sentences_as_a_table_to_proofread() -> None:
    """`pytest tests/definition/test_words.py -k proofread -rP` prints what each file is about, and its sentence."""
    table = [(expectation(file)["About"], sentence(file)) for file in FILES]
    width = max(len(about) for about, _ in table)
    print("\n".join(f"{about:<{width}} | {said}" for about, said in table))
    assert len(table) >= 60
    assert [said for _, said in table if said != said.strip() or "  " in said or "None" in said] == []


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
