r"""A day of one server as a Parquet file: the snapshots of the day -> bytes.

The rows are spans (`spans`); what each snapshot says of itself, and what could not be read of it, stands in the file's
metadata under ``taskanalysis``, a record a snapshot. What an older file of the day holds is not read again: a snapshot
does not change once it is written.

>>> day = sorted(Path("data/snapshots/OPENDATA01/2026-11").glob("20261109T*"))
>>> table, records = read_day(build_day(DayJob(tuple(day))).content)
>>> table.num_rows, [record["snapshot"] for record in records][:2]
(95, ['20261109T050200Z', '20261109T110200Z'])
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from taskanalysis.errors import Problem, SnapshotError
from taskanalysis.history.spans import (
    FIRST,
    LAST,
    PATH,
    SCHEMA,
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

__all__ = ["VERSION", "Built", "DayJob", "build_day", "digest", "moments", "places", "read_day", "rows_at"]

VERSION = 1  # of the files; another number builds them all anew
KEY = b"taskanalysis"
AT_ONCE = 100  # files in memory
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DayJob:
    """The snapshot folders of one day of one server, and an older file of that day, where there is one."""

    folders: tuple[Path, ...]
    older: Path | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """The content of the day's file, and the digest that its name tells."""

    content: bytes
    digest: str


def digest(names: Sequence[str]) -> str:
    """What a file of these snapshots is called by: 16 hex digits.

    >>> digest(["20261123T110200Z"]) == digest(["20261123T110200Z", "20261123T170200Z"])
    False
    """
    return hashlib.sha256("\n".join([str(VERSION), *sorted(names)]).encode()).hexdigest()[:16]


def moments(records: Sequence[Record]) -> npt.NDArray[np.int64]:
    """When the snapshots were taken, as their names tell, in microseconds; of those that could be read."""
    stamps = (datetime.fromisoformat(record["snapshot"]) for record in records if record["read"])
    return np.array([microseconds(moment) for moment in stamps], np.int64)


def places(records: Sequence[Record]) -> dict[str, int]:
    """The position of each snapshot among those that could be read."""
    return {name: number for number, name in enumerate(each["snapshot"] for each in records if each["read"])}


def rows_at(table: pa.Table, records: Sequence[Record], place: Mapping[str, int]) -> tuple[Rows, list[str]]:
    """The spans of a day's table with its snapshots at other positions, without those that have none."""
    rows, paths = to_rows(table, moments(records))
    return moved(rows, np.array([place.get(name, -1) for name in places(records)], np.int64)), paths


def read_day(source: Path | bytes) -> tuple[pa.Table, list[Record]]:
    """Spans and records of a day's file; OSError or ValueError where it is damaged or of another version."""
    with pq.ParquetFile(io.BytesIO(source) if isinstance(source, bytes) else source) as file:
        said = json.loads(file.schema_arrow.metadata[KEY]) if KEY in (file.schema_arrow.metadata or {}) else {}
        if said.get("version") != VERSION:
            raise ValueError("it is not of this version")
        return file.read().replace_schema_metadata(None), said["snapshots"]


def build_day(job: DayJob) -> Built:
    """The file of a day. A snapshot that could not be opened just now is not in its digest, so it is tried again."""
    folders = {folder.name: folder for folder in sorted(job.folders) if stamped(folder.name)}
    table, records = _older(job)
    kept = {record["snapshot"]: record for record in records if record["snapshot"] in folders and record["settled"]}
    fresh = {name: _read(folder) for name, folder in folders.items() if name not in kept}
    now = sorted([*kept.values(), *(each.record for each in fresh.values())], key=lambda record: record["snapshot"])
    place = places(now)
    parts = [rows_at(table, records, {name: place[name] for name in place.keys() & kept.keys()})]
    parts += _placed([each for each in fresh.values() if each.record["read"]], place)
    rows, paths = _together(parts)
    said = {"version": VERSION, "snapshots": now}
    result = to_table(merged(rows), paths, moments(now)).replace_schema_metadata({KEY: json.dumps(said).encode()})
    out = io.BytesIO()
    pq.write_table(result, out, compression="zstd")
    return Built(out.getvalue(), digest([name for name in folders if name in kept or fresh[name].record["settled"]]))


def _older(job: DayJob) -> tuple[pa.Table, list[Record]]:
    if job.older:
        try:
            return read_day(job.older)
        except (OSError, ValueError, KeyError, pa.ArrowException):
            pass  # build it from the snapshots
    return SCHEMA.empty_table(), []


# Snapshots ------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Fresh:
    """A snapshot that is new to the store: its record, and the content of its ``status.csv`` where that is as written.

    `said` is the number of tasks that its manifest tells.
    """

    folder: Path
    record: Record
    content: bytes | None = None
    sha256: str | None = None
    said: object = None


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
        fresh.said, fresh.sha256 = manifest.get("tasks"), manifest["sha256"].get("status.csv")
        record |= {name: manifest.get(name) for name in ("zone", "elevated", "folders", "definitions_read")}
        record["definitions"] = manifest["definitions"] if manifest["definitions_read"] else None
        record["account"] = str(manifest.get("collected_by") or "")
        content = (folder / "status.csv").read_bytes()
    except SnapshotError as error:
        record |= {"read": False, "settled": _is_settled(error.__context__)}
        record["problems"] = [[_name(folder, "snapshot.json"), clip(str(error), 200)]]
    except OSError as error:
        record["settled"] = _is_settled(error)
    else:
        if not fresh.sha256 or hashlib.sha256(content).hexdigest() == fresh.sha256:
            fresh.content = content
    return fresh


def _is_settled(error: BaseException | None) -> bool:
    """Whether it will be the same next time: not where a file is locked, or a network gone for a moment."""
    return not isinstance(error, OSError) or isinstance(error, FileNotFoundError | NotADirectoryError)


def _name(folder: Path, file: str) -> str:
    return f"{folder.parent.parent.name}/{folder.name}/{file}"


def _placed(fresh: Sequence[_Fresh], place: dict[str, int]) -> Iterator[tuple[Rows, list[str]]]:
    """The observations of new snapshots, at their places; their records told how many there are."""
    for begin in range(0, len(fresh), AT_ONCE):
        batch = fresh[begin : begin + AT_ONCE]
        found = _regular(batch)
        for group, (rows, paths) in [(batch, found)] if found else [([each], _one(each)) for each in batch]:
            counts = np.bincount(rows[:, FIRST], minlength=len(group))
            for each, tasks in zip(group, counts.tolist(), strict=True):
                each.record["tasks"] = tasks
                each.record["whole"] = tasks >= each.said if isinstance(each.said, int) else tasks > 0
            goal = np.array([place[each.folder.name] for each in group])
            rows[:, FIRST] = rows[:, LAST] = goal[rows[:, FIRST]]
            yield rows, paths


def _regular(group: Sequence[_Fresh]) -> tuple[Rows, list[str]] | None:
    contents = [each.content for each in group if each.content is not None]
    return regular(contents) if len(contents) == len(group) else None


def _one(fresh: _Fresh) -> tuple[Rows, list[str]]:
    """One file, by the strict reader if it is not regular."""
    if found := _regular([fresh]):
        return found
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
