"""Tables for analysts: dtypes that sort, group and subtract as they are, in frames and in Parquet files."""

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow.parquet as pq
import pytest

import taskanalysis as ta
from taskanalysis.definition import TimeTrigger
from taskanalysis.report.columns import COLUMNS, frame
from taskanalysis.report.files import csv_parts, save
from taskanalysis.report.inventory import Inventory
from taskanalysis.report.status import StatusPage
from taskanalysis.report.tables import MOST_DAYS
from taskanalysis.report.trends import Trends
from taskanalysis.report.typed import FLAGS, columns_of, dtype_of, parquet, typed
from taskanalysis.snapshot.snapshot import Snapshot
from taskanalysis.snapshot.status import Status
from tests.build import HOSTILE, NOON, definition, status, text_in, write, xml

ZONE = "America/New_York"
TABLES: dict[str, Callable[..., pd.DataFrame]] = {
    name: getattr(ta, name)
    for name in ("inventory", "status", "triggers", "actions", "findings", "incidents", "starts", "slots")
}
EACH = pytest.mark.parametrize("name", TABLES)


@pytest.fixture(scope="module")
def frames() -> dict[str, pd.DataFrame]:
    return {name: table() for name, table in TABLES.items()}


def written(folder: Path, zone: ZoneInfo | None = None, **tables: pd.DataFrame) -> pd.DataFrame:
    """A table as its Parquet file gives it back."""
    *_, file = save(tables, folder, zone)
    return pd.read_parquet(file)


# What the functions give ----------------------------------------------------------------------------------------------


@EACH
def test_docstring_names_every_column_with_the_dtype_that_the_frame_has(
    name: str, frames: dict[str, pd.DataFrame]
) -> None:
    columns = columns_of(name)
    assert list(frames[name].columns) == list(columns)
    said = str(TABLES[name].__doc__).splitlines()
    for column, meaning in columns.items():
        (line,) = [line for line in said if line.startswith(f"{column} (")]
        dtype = line.removeprefix(f"{column} (").partition("):")[0]
        assert dtype == dtype_of(meaning)
        has = str(frames[name][column].dtype)
        assert has == ("object" if meaning.dtype == "list" else dtype.replace("ZONE", ZONE)), column
        assert max(map(len, said)) <= 120


@EACH
def test_frame_has_no_words_among_its_times_and_no_unused_category(name: str, frames: dict[str, pd.DataFrame]) -> None:
    for column, values in frames[name].items():
        if isinstance(values.dtype, pd.CategoricalDtype):
            assert set(values.cat.categories) == set(values)
        assert values.dtype != object or all(isinstance(value, list) for value in values), column
    for column, meaning in columns_of(name).items():
        if not meaning.empty and meaning.dtype not in ("list", "span"):
            assert frames[name][column].notna().all(), f"{column} may not be empty"


@EACH
def test_table_of_nothing_has_the_same_dtypes(name: str, frames: dict[str, pd.DataFrame]) -> None:
    rows = frame(name, [])
    made = typed(name, rows, ZoneInfo(ZONE)).dtypes.astype(str)
    of_categories = [column for column, meaning in columns_of(name).items() if meaning.dtype == "category"]
    assert made.drop(of_categories).to_dict() == frames[name].dtypes.astype(str).drop(of_categories).to_dict()


def test_frames_sort_group_and_subtract_without_a_cast(frames: dict[str, pd.DataFrame]) -> None:
    found = frames["status"]
    assert (found["last_run"] - found["last_success"]).max() > timedelta(days=10)
    assert found.sort_values("last_run")["never_ran"].iloc[-1]
    assert found.groupby("verdict")["success_rate_30d"].mean()["OK"] > 0.9
    assert frames["inventory"].sort_values("time_limit", ascending=False)["time_limit"].iloc[0] >= timedelta(days=3)
    assert frames["triggers"].groupby("task_path")["interval"].min().min() == timedelta(minutes=5)
    assert (frames["slots"].groupby(["task_path", "fate"])["count"].sum() > 0).all()
    assert (frames["inventory"]["next_runs"].explode().dropna() >= pd.Timestamp("2026-11-23", tz=ZONE)).all()


def test_tables_are_those_of_the_pages(trends: Trends, frames: dict[str, pd.DataFrame]) -> None:
    inventory = Inventory.read(ta.sample_share())
    page = StatusPage.read(ta.sample_share())
    pages = {"inventory": inventory.tasks, "triggers": inventory.triggers, "actions": inventory.actions}
    pages |= {"findings": inventory.findings, "status": page.tasks, "incidents": page.incidents}
    for name, table in pages.items():
        texts = [column for column, meaning in COLUMNS[name].items() if meaning.dtype == "text"]
        assert frames[name][texts].equals(table.frame[texts].astype("str")), name
    assert len(frames["slots"]) == len(trends.slots)
    day = frames["starts"]["start"]
    assert day.tolist() == inventory.starts["start"][inventory.starts["start"] <= day.max()].tolist()
    assert day.max() <= pd.Timestamp(inventory.snapshot.taken_at) + timedelta(days=1)


def test_never_is_a_flag_beside_a_time_that_is_not_there(tmp_path: Path) -> None:
    rows = [
        Status(r"\a", "Ready", True, "never", 267011, "never"),
        Status(r"\b", "Ready", True, NOON - timedelta(hours=1), 0, NOON + timedelta(hours=1)),
        Status(r"\c", "Ready", True),
    ]
    write(tmp_path, 0, *rows, definitions={row.path: xml() for row in rows})
    found = ta.status(tmp_path).sort_values("task_path")
    assert found["last_run"].isna().tolist() == found["next_run"].isna().tolist() == [True, False, True]
    assert found["never_ran"].tolist() == found["never_next"].tolist() == [True, False, pd.NA]


def test_times_are_in_the_servers_zone_and_naive_where_that_is_not_known(tmp_path: Path) -> None:
    local = "<TimeTrigger><StartBoundary>2026-11-10T06:00:00</StartBoundary></TimeTrigger>"
    text, with_offset = f"<Task><Triggers>{local}%s</Triggers></Task>", local.replace("06:00:00", "06:00:00Z")
    (tmp_path / "Load.xml").write_text(text % with_offset, encoding="utf-8")
    known = ta.triggers(tmp_path, zone=ZONE)["start_boundary"]
    assert [f"{at:%H:%M %z}" for at in known] == ["06:00 -0500", "01:00 -0500"]
    unknown = ta.triggers(tmp_path)["start_boundary"]
    assert str(unknown.dtype) == "datetime64[us]"
    assert (unknown[0], unknown.isna().tolist()) == (datetime(2026, 11, 10, 6), [False, True])
    (tmp_path / "Load.xml").write_text((text % "").replace("06:00:00", "06:00:00Z"), encoding="utf-8")
    assert str(ta.triggers(tmp_path)["start_boundary"].dtype) == "datetime64[us, UTC]"
    assert ta.starts(tmp_path).empty


@pytest.mark.parametrize("days", [0, -1, MOST_DAYS + 1, 10**9])
def test_starts_are_of_a_year_at_most(days: int) -> None:
    with pytest.raises(ta.TaskAnalysisError, match=f"1 to 366 days, not {days}"):
        ta.starts(days=days)


def test_folder_without_a_task_is_the_error_of_the_pages() -> None:
    with pytest.raises(ta.TaskAnalysisError, match="no task of"):
        ta.starts(folder=r"\Nothing")


@pytest.mark.parametrize(
    ("words", "span"),
    [
        ("15 minutes", timedelta(minutes=15)),
        ("1 day 2 hours 47 minutes", timedelta(days=1, hours=2, minutes=47)),
        ("3 days (not written, Windows' default)", timedelta(days=3)),
        ("1,000 days", timedelta(days=1000)),
        ("1.5 seconds", timedelta(seconds=1.5)),
        ("none", pd.NaT),
        ("1 month", pd.NaT),
        ("1 year 2 months 3 days", pd.NaT),
        ("", pd.NaT),
    ],
)
def test_span_in_our_words_is_a_timedelta(words: str, span: object) -> None:
    (found,) = typed("triggers", pd.DataFrame({"interval": [words]}))["interval"]
    assert found == span or (found is pd.NaT and span is pd.NaT)


# Parquet --------------------------------------------------------------------------------------------------------------


def test_each_csv_has_a_parquet_of_the_same_rows_and_columns(pages: Path) -> None:
    names = {file.stem for file in pages.glob("*.csv")}
    assert names == {file.stem for file in pages.glob("*.parquet")} >= {"runs", "slots", "changes", "status"}
    for name in names:
        csv = pd.read_csv(pages / f"{name}.csv", dtype="str", keep_default_na=False)
        parquet = pd.read_parquet(pages / f"{name}.parquet")
        flags = [flag for flag in FLAGS.values() if flag in parquet.columns]
        assert [*csv.columns, *flags] == list(parquet.columns)
        assert len(csv) == len(parquet), name
        times = [column for column, meaning in columns_of(name).items() if meaning.dtype == "time"]
        for column in times:
            assert str(parquet[column].dtype) == f"datetime64[us, {ZONE}]", (name, column)
            aware = csv[column].str.contains(r"[+-]\d\d:\d\d$")
            moments = pd.to_datetime(csv[column][aware], utc=True, format="ISO8601")
            assert moments.eq(parquet[column][aware].dt.tz_convert("UTC").dt.floor("s")).all(), (name, column)
            assert parquet[column][csv[column].isin(["", "never"])].isna().all()


def test_parquet_gives_back_the_frame_that_python_has(pages: Path, frames: dict[str, pd.DataFrame]) -> None:
    for name in ("inventory", "triggers", "actions", "status"):
        back, here = pd.read_parquet(pages / f"{name}.parquet"), frames[name]
        lists = [column for column in here if here[column].dtype == object]
        pd.testing.assert_frame_equal(back.drop(columns=lists), here.drop(columns=lists))
        for column in set(lists) - {"next_runs"}:
            assert [list(value) for value in back[column]] == here[column].tolist()


def test_times_of_many_runs_take_little_room() -> None:
    started = pd.Series(pd.date_range("2026-01-01", periods=50_000, freq="7min", tz="UTC", unit="us"))
    content = parquet(
        "runs", pd.DataFrame({"started": started, "ended": pd.Series(pd.NaT, started.index, started.dtype)})
    )
    assert len(content) < 5_000, "eight bytes each, and as many for a dictionary, would be 400,000"
    assert pd.read_parquet(io.BytesIO(content))["started"].eq(started).all()


def test_parquet_has_no_apostrophes_no_secrets_and_no_markup_of_ours(tmp_path: Path) -> None:
    tasks = {path: ta.read_task(definition(text).encode()) for path, text in HOSTILE.items()}
    page = Inventory(Snapshot("<i>S", NOON, zone=ZONE, tasks=tasks, holds=frozenset({"definitions"})))
    back = [pd.read_parquet(file) for file in page.save(tmp_path) if file.suffix == ".parquet"]
    assert all("S3cret" not in text_in(file) for file in tmp_path.iterdir())
    descriptions = back[0]["description"]
    assert not descriptions.str.startswith("'").any()
    assert descriptions.str.startswith("=").any()
    assert "'=" in (tmp_path / "inventory.csv").read_text(encoding="utf-8-sig")


def test_list_without_any_item_keeps_its_type(tmp_path: Path) -> None:
    save({"inventory": frame("inventory", [])}, tmp_path, ZoneInfo(ZONE))
    schema = pq.read_schema(tmp_path / "inventory.parquet")
    assert str(schema.field("findings").type) == "list<element: string>"
    assert str(schema.field("next_runs").type) == f"list<element: timestamp[us, tz={ZONE}]>"


def test_categories_that_are_masked_alike_are_one(tmp_path: Path) -> None:
    texts = ["--password a1b2c3", "--password d4e5f6", "plain", "unused"]
    cells = pd.Series(pd.Categorical([*texts[:3], None], categories=texts))
    back = written(tmp_path, runs=pd.DataFrame({"task_path": cells}))["task_path"]
    assert back.astype(object).tolist()[:3] == ["--password ***", "--password ***", "plain"]
    assert list(back.cat.categories) == ["--password ***", "plain"]
    assert back.isna().tolist() == [False, False, False, True]


def test_boundary_at_the_end_of_the_calendar_has_a_place(tmp_path: Path) -> None:
    ends = [datetime(9999, 12, 31, 23, 59, 59), datetime(1, 1, 1, tzinfo=UTC)]
    triggers = tuple(TimeTrigger(start_boundary=NOON, end_boundary=end) for end in ends)
    task = replace(ta.read_task(xml()), triggers=triggers)
    page = Inventory(Snapshot("S", NOON, zone=ZONE, tasks={r"\a": task}, holds=frozenset({"definitions"})))
    page.save(tmp_path)
    assert pd.read_parquet(tmp_path / "triggers.parquet")["end_boundary"].dt.year.tolist() == [9998, 1]


def test_file_that_the_dictionary_does_not_know_keeps_its_columns(tmp_path: Path) -> None:
    table = pd.DataFrame({"number": [1, 2], "text": ["=a", None], "at": pd.to_datetime(["2026-11-23", None], utc=True)})
    back = written(tmp_path, ZoneInfo(ZONE), other=table)
    assert back["text"].tolist() == ["=a", ""]
    assert str(back["number"].dtype) == "int64"
    assert b"'=a" in b"".join(csv_parts(table))


def test_history_without_a_task_saves_empty_tables(tmp_path: Path) -> None:
    for hour in (0, 6):
        write(tmp_path / "data", hour, status(last_run=-1))
    page = Trends.read(tmp_path / "data")
    page.save(tmp_path / "out")
    assert len(pd.read_parquet(tmp_path / "out" / "runs.parquet")) == len(page.runs)
