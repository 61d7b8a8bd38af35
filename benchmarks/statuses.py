"""A year of ``status.csv`` to observations, ours, with pandas and with DuckDB: `python -m benchmarks --only statuses`.

All three give typed columns: texts, numbers, and times as instants. Ours also checks each value as the strict reader
does, and does not take "never" for "not known".
"""

# ruff: noqa: PLC0415 (each way imports what it needs, in a process of its own: other imports would be in its peak)

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.runner import Bench, Way
from benchmarks.table import Row

TIMES = ("LastRunTime", "NextRunTime")


def measured(bench: Bench) -> list[Row]:
    """An hourly snapshot of a hundred tasks."""
    from benchmarks.history import HEADER, tasks

    files, known = bench.size(8760, 24), tasks(bench.size(100, 10))
    for hour in range(files):
        lines = "".join([task.row(hour * 60) for task in known])
        bench.folder.joinpath(f"{hour:05}.csv").write_bytes((HEADER + lines).encode())
    here, same = {"folder": str(bench.folder)}, "number of observations, sum of codes and of last runs"
    ways = [
        Way("ours", f"{__name__}:ours", here, question=same),
        Way("pandas.read_csv in a loop, concat", f"{__name__}:by_pandas", here, question=same),
        Way("DuckDB read_csv over the glob", f"{__name__}:by_duckdb", here, question=same, is_peer=True),
    ]
    made = bench.rows("statuses", ways, size=files, unit="file", base=ways[0].name)
    return [replace(row, size=f"{files:,} files, {files * len(known):,} rows") for row in made.values()]


def ours(folder: str) -> Callable[[], Any]:
    """As the history reads them: some hundred files at once, and whole numbers for all that is known."""
    import numpy as np

    from taskanalysis.history.days import AT_ONCE
    from taskanalysis.history.spans import PATH, VALUES, regular

    files = sorted(Path(folder).glob("*.csv"))
    code, last = 3 + VALUES.index("last_result"), 3 + VALUES.index("last_run")

    def read(part: list[Path]) -> Any:
        found = regular([file.read_bytes() for file in part])
        if found is None:
            raise ValueError("a file is not regular")
        return found

    def work() -> Callable[[], list[int]]:
        parts = [read(files[begin : begin + AT_ONCE]) for begin in range(0, len(files), AT_ONCE)]
        paths = sorted({path for _, known in parts for path in known})
        place = {path: number for number, path in enumerate(paths)}
        for table, known in parts:
            table[:, PATH] = np.array([place[path] for path in known])[table[:, PATH]]
        whole = np.concatenate([table for table, _ in parts])
        return lambda: [len(whole), int(whole[:, code].sum()), int((whole[:, last] // 10**6).sum())]

    read(files[:1])
    return work


def by_pandas(folder: str) -> Callable[[], Any]:
    """A frame a file, then one of all."""
    import pandas as pd

    files = sorted(Path(folder).glob("*.csv"))

    def read(part: list[Path]) -> pd.DataFrame:
        frame = pd.concat([pd.read_csv(file) for file in part], ignore_index=True)
        times = {name: pd.to_datetime(frame[name], format="ISO8601", utc=True, errors="coerce") for name in TIMES}
        return frame.assign(**times)

    def work() -> Callable[[], list[int]]:
        frame = read(files)
        seconds = frame["LastRunTime"].astype("datetime64[s, UTC]").astype("int64")
        return lambda: [len(frame), int(frame["LastTaskResult"].sum()), int(seconds.sum())]

    read(files[:1])
    return work


def by_duckdb(folder: str) -> Callable[[], Any]:
    """A table of all files."""
    import duckdb

    database = duckdb.connect(config={"threads": 1})
    times = ", ".join(f"try_cast({name} as timestamptz) as {name}" for name in TIMES)
    texts = ", ".join(f"'{name}': 'varchar'" for name in TIMES)

    def read(files: str) -> None:
        source = f"read_csv('{Path(folder).as_posix()}/{files}', header=true, types={{{texts}}})"
        asked = f"select * replace ({times}) from {source}"  # noqa: S608 (own names)
        database.execute(f"create or replace table observations as {asked}")

    def work() -> Callable[[], list[int]]:
        read("*.csv")
        said = "select count(*), sum(LastTaskResult), sum(epoch(LastRunTime)) from observations"
        return lambda: [int(each) for each in database.execute(said).fetchone()]

    read("00000.csv")
    return work
