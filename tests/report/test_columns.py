"""The data dictionary: every table has its columns and dtypes, and the documentation repeats it."""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import taskanalysis as ta
from taskanalysis.report import trend_tables
from taskanalysis.report.columns import COLUMNS, frame, with_dictionary
from taskanalysis.report.columns import __file__ as columns_file
from taskanalysis.report.display import text_of
from taskanalysis.report.inventory import Inventory
from taskanalysis.report.status import StatusPage
from taskanalysis.report.trends import Trends
from tests.build import ROOT

DTYPES = {
    "text": {"str", "object"},
    "list": {"object"},
    "time": {"object", "str", "datetime64[us, America/New_York]", "datetime64[us, UTC]"},
    "span": {"str", "object"},
    "category": {"category"},
}


@pytest.fixture(scope="module")
def frames(inventory: Inventory, trends: Trends) -> dict[str, pd.DataFrame]:
    """Every table of the three pages, and every frame of a history."""
    status = StatusPage(trends.snapshot, history=trends.history)
    pages = {
        inventory: "triggers actions findings collisions differences accounts programs trigger_types",
        status: "incidents unmatched problems",
        trends: "weeks worst expected durations changes",
    }
    known = {name: getattr(page, name).frame for page, names in pages.items() for name in names.split()}
    known |= {
        "missing_tasks": inventory.missing.frame,
        "inventory": inventory.tasks.frame,
        "status": status.tasks.frame,
        "starts": ta.starts(),
        "missed": trend_tables.missed(trends),
        "missed_causes": trends.missed.frame,
    }
    known |= {"old_status": status.old_status.iloc[:, :4], "backup": inventory.old_backup.iloc[:, :4]}
    for name in ("coverage", "observations", "spans", "events"):
        known[name] = getattr(trends.history, name)
    columns = {name: list(COLUMNS[name]) for name in ("runs", "slots")}
    return known | {name: getattr(trends, name)[names] for name, names in columns.items()}


def test_every_table_has_the_columns_and_dtypes_of_the_dictionary(frames: dict[str, pd.DataFrame]) -> None:
    assert frames.keys() == COLUMNS.keys()
    for name, table in frames.items():
        assert list(table.columns) == list(COLUMNS[name]), name
        for column, meaning in COLUMNS[name].items():
            assert str(table[column].dtype) in DTYPES.get(meaning.dtype, {meaning.dtype}), (name, column)


def test_only_columns_that_may_be_empty_are_empty(frames: dict[str, pd.DataFrame]) -> None:
    wrong = [
        (name, column)
        for name, table in frames.items()
        for column, meaning in COLUMNS[name].items()
        if not meaning.empty and any(text_of(value) == "" for value in table[column].astype(object))
    ]
    assert wrong == []


def test_table_without_rows_has_its_columns_and_dtypes() -> None:
    for name, columns in COLUMNS.items():
        empty = frame(name, [])
        assert list(empty.columns) == list(columns)
        plain = {column: meaning.dtype for column, meaning in columns.items() if meaning.dtype not in DTYPES}
        assert {column: str(empty[column].dtype) for column in plain} == plain | {
            column: "object" for column, dtype in plain.items() if dtype == "UInt32"
        }


def test_text_of_a_table_is_masked_and_other_values_are_kept() -> None:
    rows = [{"file": "--password S3cret", "what": ["a \udce9", "--password S3cret"]}]
    assert frame("problems", rows).to_dict("records") == [
        {"file": "--password ***", "what": ["a \\udce9", "--password ***"]}
    ]
    hours = [{"task_path": "a", "runs": 1, "usual_minutes": 1.5, "longest_minutes": 2, "last_week_minutes": np.nan}]
    assert frame("durations", hours)["last_week_minutes"].isna().all()


def test_dictionary_of_users_is_that_of_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    assert text == with_dictionary(text), "python -m taskanalysis.report.columns renews it"
    for name, columns in COLUMNS.items():
        section = text.split(f"\n### {name}\n")[1].split("\n### ")[0]
        assert section.count("\n| `") == len(columns)
    old = tmp_path / "data" / "README.md"
    old.parent.mkdir()
    old.write_text(text.replace("unique on its server", "anything"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    runpy.run_path(columns_file, run_name="__main__")
    assert old.read_text(encoding="utf-8") == text


def test_words_of_a_column_say_what_an_empty_cell_means() -> None:
    column = COLUMNS["status"]["code"]
    assert str(column) == "last result, unsigned; empty where the result is not known"
    assert str(column._replace(empty="")) == "last result, unsigned"
