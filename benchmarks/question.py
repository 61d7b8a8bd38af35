"""A question to the Parquet files of the history: how many runs of each task ended with which code in 90 days.

A run is a task and the minute of a last run, its code the first that was seen while it neither ran nor waited. Ours
gives all that `history.runs` knows, the decoded outcome too; the others what is asked.
"""

# ruff: noqa: PLC0415 (each way imports what it needs, in a process of its own: other imports would be in its peak)

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.runner import Bench, Way
from benchmarks.table import Row

NEVER = "2100-01-01T00:00:00+00:00"
"""A moment after all of it: a first try asks since then."""
QUESTION = """
with seen as (
    select task_path, date_trunc('minute', last_run) as started, first_seen, last_result as code,
        state in ('Running', 'Queued') or last_result in (267009, 267045) or last_result is null as goes_on
    from read_parquet('{files}', hive_partitioning=true)
    where month >= '{month}' and first_seen >= '{since}' and last_run is not null),
runs as (select task_path, started, arg_min(code, first_seen) as code from seen where not goes_on group by all)
select task_path, code, count(*) from runs group by all
"""


def measured(bench: Bench, data: Path, now: datetime) -> list[Row]:
    """Ours, DuckDB and Polars, each in one thread; days begin at midnight, UTC."""
    since = (now.astimezone(UTC) - timedelta(days=90)).replace(hour=0, minute=0, second=0, microsecond=0)
    here = {"data": str(data), "since": since.isoformat()}
    same = "runs by task and code"
    ways = [
        Way("runs by task and code in 90 days, ours", f"{__name__}:ours", here, question=same),
        Way("the same, DuckDB", f"{__name__}:by_duckdb", here, question=same, is_peer=True),
        Way("the same, Polars", f"{__name__}:by_polars", here, question=same, is_peer=True),
    ]
    made = bench.rows("history", ways, size="the same Parquet files", unit="", base=ways[0].name)
    return [replace(row, base="ours") for row in made.values()]


def ours(data: str, since: str) -> Callable[[], Any]:
    """All runs, then counted."""
    from taskanalysis.history import read_history

    def ask(begin: str) -> Callable[[], str]:
        runs = read_history(data, update=False, since=datetime.fromisoformat(begin)).runs
        counts = runs.groupby(["task_path", "code"], observed=True).size()
        return lambda: _digest((path, code, number) for (path, code), number in counts.items())

    ask(NEVER)
    return lambda: ask(since)


def by_duckdb(data: str, since: str) -> Callable[[], Any]:
    """In SQL."""
    import duckdb

    database = duckdb.connect(config={"threads": 1})
    database.execute("set timezone = 'UTC'")

    def ask(begin: str) -> Callable[[], str]:
        counts = database.execute(QUESTION.format(files=_files(data), month=begin[:7], since=begin)).fetchall()
        return lambda: _digest(counts)

    ask(NEVER)
    return lambda: ask(since)


def by_polars(data: str, since: str) -> Callable[[], Any]:
    """As a lazy frame."""
    import polars as pl

    code, started = pl.col("last_result"), pl.col("last_run").dt.truncate("1m")
    goes_on = pl.col("state").cast(pl.String).is_in(["Running", "Queued"]) | code.is_in([267009, 267045])

    def ask(begin: str) -> Callable[[], str]:
        files = pl.scan_parquet(_files(data), hive_partitioning=True)
        recent = files.filter(pl.col("month") >= begin[:7], pl.col("first_seen") >= datetime.fromisoformat(begin))
        seen = recent.filter(started.is_not_null(), code.is_not_null(), ~goes_on)
        runs = seen.group_by("task_path", started).agg(code.sort_by("first_seen").first().alias("code"))
        counts = runs.group_by("task_path", "code").len().collect().rows()
        return lambda: _digest(counts)

    ask(NEVER)
    return lambda: ask(since)


def _files(data: str) -> str:
    return f"{Path(data).as_posix()}/history/*/*/*.parquet"


def _digest(counts: Iterable[tuple[object, object, object]]) -> str:
    lines = sorted(f"{path} {code} {number}" for path, code, number in counts)
    return f"{len(lines)} " + hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
