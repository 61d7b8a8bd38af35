r"""Build the Parquet file of one server's day from the day's snapshots.

The rows are spans (`spans`). The file's metadata has one record per snapshot under ``taskanalysis``: data from its
manifest, and problems reading it. Snapshots in an older file of the day are not read again: they never change.

>>> day = sorted(Path("data/snapshots/OPENDATA01/2026-11").glob("20261109T*"))
>>> table, records = read_day(build_day(DayJob(tuple(day)))[0])
>>> table.num_rows, [record["snapshot"] for record in records][:2]
(95, ['20261109T050200Z', '20261109T110200Z'])
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from taskanalysis.definition import MOST_OWN_BYTES, read_bytes
from taskanalysis.errors import Problem, SnapshotError, TaskXmlError
from taskanalysis.history.spans import (
    FIRST,
    LAST,
    PATH,
    SCHEMA,
    Numbers,
    Rows,
    in_order,
    merged,
    moved,
    regular,
    rows_of,
    to_rows,
    to_table,
)
from taskanalysis.schedule import microseconds
from taskanalysis.snapshot import read_manifest, read_statuses, stamped
from taskanalysis.text import clip

VERSION = 1  # of the files; another number rebuilds them all
KEY = b"taskanalysis"
AT_ONCE = 100  # files in memory
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DayJob:
    """The snapshot folders of one day of one server, and an older file of that day, where there is one."""

    folders: tuple[Path, ...]
    older: Path | None = None


def digest(names: Sequence[str]) -> str:
    """A digest of snapshot names, for the name of their file: 16 hex digits.

    >>> digest(["20261123T110200Z"]) == digest(["20261123T110200Z", "20261123T170200Z"])
    False
    """
    return hashlib.sha256("\n".join([str(VERSION), *sorted(names)]).encode()).hexdigest()[:16]


def moments(records: Sequence[Record]) -> Numbers:
    """When the readable snapshots were taken, from their names, in microseconds."""
    stamps = (datetime.fromisoformat(record["snapshot"]) for record in records if record["read"])
    return np.array([microseconds(moment) for moment in stamps], np.int64)


def places(records: Sequence[Record]) -> dict[str, int]:
    """The position of each readable snapshot."""
    return {name: number for number, name in enumerate(row["snapshot"] for row in records if row["read"])}


def rows_at(table: pa.Table, records: Sequence[Record], place: Mapping[str, int]) -> tuple[Rows, list[str]]:
    """The spans of a day's table, its snapshots moved to positions in `place`; those without one are dropped."""
    rows, paths = to_rows(table, moments(records))
    return moved(rows, np.array([place.get(name, -1) for name in places(records)], np.int64)), paths


def read_day(source: Path | bytes) -> tuple[pa.Table, list[Record]]:
    """Read spans and records from a day's file; OSError or ValueError where it is damaged or of another version."""
    with pq.ParquetFile(
        io.BytesIO(source if isinstance(source, bytes) else read_bytes(source, MOST_OWN_BYTES))
    ) as file:
        metadata = json.loads((file.schema_arrow.metadata or {}).get(KEY, b"{}"))
        if metadata.get("version") != VERSION:
            raise ValueError("written by another version")
        return file.read().replace_schema_metadata(None), metadata["snapshots"]


def build_day(job: DayJob) -> tuple[bytes, str]:
    """Build the file of a day: its content, and the digest for its name.

    The digest leaves out snapshots that are locked at the moment, so they are retried.
    """
    folders = {folder.name: folder for folder in sorted(job.folders) if stamped(folder.name)}
    table, records = SCHEMA.empty_table(), list[Record]()
    if job.older:
        with suppress(OSError, ValueError, KeyError, pa.ArrowException):  # it is built from the snapshots alone
            table, records = read_day(job.older)
    kept = {record["snapshot"]: record for record in records if record["snapshot"] in folders and record["settled"]}
    fresh = {name: _read(folder) for name, folder in folders.items() if name not in kept}
    now = sorted([*kept.values(), *(new.record for new in fresh.values())], key=lambda record: record["snapshot"])
    place = places(now)
    parts = [rows_at(table, records, {name: place[name] for name in place.keys() & kept.keys()})]
    parts += _placed([new for new in fresh.values() if new.record["read"]], place)
    rows, paths = _together(parts)
    metadata = {KEY: json.dumps({"version": VERSION, "snapshots": now}).encode()}
    result = to_table(merged(rows), paths, moments(now)).replace_schema_metadata(metadata)
    out = io.BytesIO()
    pq.write_table(result, out, compression="zstd")
    return out.getvalue(), digest([name for name in folders if name in kept or fresh[name].record["settled"]])


# Snapshots ------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Fresh:
    """A snapshot new to the store: its record, and the content of its ``status.csv`` where its hash is right.

    `expected` is the number of tasks in its manifest.
    """

    folder: Path
    record: Record
    content: bytes | None = None
    sha256: str | None = None
    expected: object = None


def _read(folder: Path) -> _Fresh:
    record: Record = {
        "snapshot": folder.name,
        "read": True,
        "settled": True,
        "problems": [],
        "tasks": 0,
        "whole": False,
    }
    fresh = _Fresh(folder, record)
    try:
        manifest = read_manifest(folder)
        fresh.expected, fresh.sha256 = manifest.get("tasks"), manifest["sha256"].get("status.csv")
        record |= {name: manifest.get(name) for name in ("zone", "elevated", "folders", "definitions_read")}
        record["definitions"] = manifest["definitions"] if manifest["definitions_read"] else None
        record["account"] = str(manifest.get("collected_by") or "")
        content = read_bytes(folder / "status.csv", MOST_OWN_BYTES)
    except SnapshotError as error:
        record |= {"read": False, "settled": _is_settled(error.__context__)}
        record["problems"] = [[_name(folder, "snapshot.json"), clip(str(error), 200)]]
    except (OSError, TaskXmlError) as error:
        record["settled"] = _is_settled(error)
    else:
        if not fresh.sha256 or hashlib.sha256(content).hexdigest() == fresh.sha256:
            fresh.content = content
    return fresh


def _is_settled(error: BaseException | None) -> bool:
    """Whether a retry would fail alike: not where a file is locked or the network was interrupted."""
    return not isinstance(error, OSError) or isinstance(error, FileNotFoundError | NotADirectoryError)


def _name(folder: Path, file: str) -> str:
    return f"{folder.parent.parent.name}/{folder.name}/{file}"


def _placed(fresh: Sequence[_Fresh], place: dict[str, int]) -> Iterator[tuple[Rows, list[str]]]:
    """The observations of new snapshots, at their positions; sets the number of tasks in their records."""
    for begin in range(0, len(fresh), AT_ONCE):
        batch = fresh[begin : begin + AT_ONCE]
        table = _regular(batch)
        for group, (rows, paths) in [(batch, table)] if table else [([new], _one(new)) for new in batch]:
            counts = np.bincount(rows[:, FIRST], minlength=len(group))
            for new, tasks in zip(group, counts.tolist(), strict=True):
                new.record["tasks"] = tasks
                new.record["whole"] = tasks >= new.expected if isinstance(new.expected, int) else tasks > 0
            goal = np.array([place[new.folder.name] for new in group])
            rows[:, FIRST] = rows[:, LAST] = goal[rows[:, FIRST]]
            yield rows, paths


def _regular(group: Sequence[_Fresh]) -> tuple[Rows, list[str]] | None:
    contents = [new.content for new in group if new.content is not None]
    return regular(contents) if len(contents) == len(group) else None


def _one(fresh: _Fresh) -> tuple[Rows, list[str]]:
    """One file, by the strict reader where it is irregular."""
    if table := _regular([fresh]):
        return table
    problems: list[Problem] = []
    statuses = read_statuses(fresh.folder / "status.csv", fresh.sha256, problems)
    fresh.record["problems"] = [[_name(fresh.folder, problem.file), problem.what] for problem in problems]
    return rows_of(list(statuses.values()))


def _together(parts: Sequence[tuple[Rows, list[str]]]) -> tuple[Rows, list[str]]:
    """Rows that count paths of their own, as rows that count the same ones."""
    rows = np.concatenate([rows for rows, _ in parts])
    before = np.cumsum([0, *(len(paths) for _, paths in parts[:-1])])
    codes = rows[:, PATH] + np.repeat(before, [len(rows) for rows, _ in parts])
    rows[:, PATH], paths = in_order(codes, [path for _, paths in parts for path in paths])
    return rows, paths
