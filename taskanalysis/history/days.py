r"""Build the Parquet file of one server's day from the day's snapshots.

The rows are spans (`spans`). The file's metadata has one record per snapshot under ``taskanalysis``: data from its
manifest, and problems reading it. Snapshots in an older file of the day are not read again, as they never change,
except those that could not be read.

Parquet's own checksums cover the rows, not what describes them, so the file's name has a digest of all its bytes.

>>> snapshots = sorted(Path("data/snapshots/OPENDATA01/2026-11").glob("20261109T*"))
>>> content, file = build_day(DayJob("OPENDATA01", "2026-11-09", tuple(snapshots)))
>>> table, records = checked("OPENDATA01", file, content)
>>> table.num_rows, [record["snapshot"] for record in records][:2], file.unread
(99, ['20261109T050200Z', '20261109T110200Z'], False)
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

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
    numbers,
    regular,
    rows_of,
    to_rows,
    to_table,
)
from taskanalysis.schedule import microseconds
from taskanalysis.snapshot import read_statuses, refused_folders, share_manifest, stamped
from taskanalysis.text import clip

VERSION = 2  # of the files; another number rebuilds them all, and loses what was pruned unless it is taken over
KEY = b"taskanalysis"
AT_ONCE = 100  # files in memory
DAMAGES = (OSError, ValueError, TypeError, LookupError, AttributeError, pa.ArrowException)
"""What reading a damaged file of the store may raise."""
TIMES = ["first_seen", "last_seen"]
"""The columns with times of snapshots."""
Record = dict[str, Any]
_FILE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.([0-9a-f]{16})\.([0-9a-f]{16})(\.unread)?(\.pruned)?\.parquet")


class DayFile(NamedTuple):
    """The name of a day's file: the day, a digest of its snapshots' names, and one of its bytes.

    `unread` marks a file with a snapshot that could not be read: each update tries to read that snapshot again.
    `pruned` marks one with a snapshot that was pruned: nothing else has what it showed.

    >>> DayFile.of("2026-11-23.0123456789abcdef.0123456789abcdef.unread.parquet")
    DayFile(day='2026-11-23', names='0123456789abcdef', content='0123456789abcdef', unread=True, pruned=False)
    """

    day: str
    names: str
    content: str
    unread: bool = False
    pruned: bool = False

    @classmethod
    def of(cls, name: str) -> Self | None:
        """The parts of a name; None for any other name."""
        parts = _FILE.fullmatch(name)
        return cls(parts[1], parts[2], parts[3], bool(parts[4]), bool(parts[5])) if parts else None

    def __str__(self) -> str:
        """The name."""
        return f"{self.day}.{self.names}.{self.content}{'.unread' * self.unread}{'.pruned' * self.pruned}.parquet"


@dataclass(frozen=True, slots=True)
class DayJob:
    """The snapshot folders of one day of one server, and the path of an older file of that day, where there is one."""

    server: str
    day: str
    folders: tuple[Path, ...]
    older: Path | None = None


def digest(names: Sequence[str]) -> str:
    """A digest of snapshot names, for the name of their file: 16 hex digits.

    >>> digest(["20261123T110200Z"]) == digest(["20261123T110200Z", "20261123T170200Z"])
    False
    """
    return digest_of("\n".join([str(VERSION), *sorted(names)]).encode())


def digest_of(content: bytes) -> str:
    """A digest of bytes: 16 hex digits."""
    return hashlib.sha256(content).hexdigest()[:16]


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


def read_day(server: str, place: Path, columns: Sequence[str] | None = None) -> tuple[pa.Table, list[Record]]:
    """Read spans and records from a day's file; one of `DAMAGES` where it is not as it was written.

    The table has some `columns`, or all: with `TIMES` it is checked as well, in two thirds of the time.
    """
    file = DayFile.of(place.name)
    if not file:
        raise ValueError("not the name of a day's file")
    return checked(server, file, read_bytes(place, MOST_OWN_BYTES), columns)


def checked(
    server: str, file: DayFile, content: bytes, columns: Sequence[str] | None = None
) -> tuple[pa.Table, list[Record]]:
    """Spans and records of the content of a day's file; one of `DAMAGES` where it is not what its name says."""
    if digest_of(content) != file.content:
        raise ValueError("its bytes have changed since it was written")
    with pq.ParquetFile(io.BytesIO(content), page_checksum_verification=True) as opened:
        metadata = json.loads((opened.schema_arrow.metadata or {}).get(KEY, b"{}"))
        if metadata.get("version") != VERSION:
            raise ValueError("written by another version")
        schema, records = opened.schema_arrow.remove_metadata(), metadata["snapshots"]
        if schema != SCHEMA:
            raise ValueError("it has other columns")
        table = opened.read(columns).replace_schema_metadata(None)
    names = [record["snapshot"] for record in records]
    if metadata["server"] != server or digest(names) != file.names or names != sorted(names):
        raise ValueError("it is of other snapshots")
    taken = moments(records)
    for name in TIMES:
        times = numbers(table, name)
        place = np.searchsorted(taken, times)
        if (place == len(taken)).any() or (taken[place] != times).any():
            raise ValueError("it has times at which there is no snapshot")
    return table, records


def build_day(job: DayJob) -> tuple[bytes, DayFile]:
    """Build the file of a day: its content and its name."""
    table, records = compute_day(job)
    metadata = {KEY: json.dumps({"version": VERSION, "server": job.server, "snapshots": records}).encode()}
    out = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(metadata), out, compression="zstd", write_page_checksum=True)
    content = out.getvalue()
    unread = not all(record["settled"] for record in records)
    names = digest([record["snapshot"] for record in records])
    return content, DayFile(job.day, names, digest_of(content), unread)


def compute_day(job: DayJob) -> tuple[pa.Table, list[Record]]:
    """Spans and records of a day, from its snapshots and an older file."""
    folders = {folder.name: folder for folder in sorted(job.folders) if stamped(folder.name)}
    table, records = SCHEMA.empty_table(), list[Record]()
    if job.older:
        with suppress(*DAMAGES):  # it is built from the snapshots alone
            table, records = read_day(job.server, job.older)
    kept = {record["snapshot"]: record for record in records if record["snapshot"] in folders and record["settled"]}
    fresh = {name: _read(folder) for name, folder in folders.items() if name not in kept}
    now = sorted([*kept.values(), *(new.record for new in fresh.values())], key=lambda record: record["snapshot"])
    place = places(now)
    parts = [rows_at(table, records, {name: place[name] for name in place.keys() & kept.keys()})]
    parts += _placed([new for new in fresh.values() if new.record["read"]], place)
    rows, paths = _together(parts)
    return to_table(merged(rows), paths, moments(now)), now


# Snapshots ------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Fresh:
    """A snapshot new to the store: its record, and the content of its ``status.csv`` where its hash is right.

    `expected` is the number of tasks in its manifest. It is settled once a read file has the hash of the manifest, or
    all rows where that has none: until then it may be half copied, locked or cut.
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
        "settled": False,
        "problems": [],
        "tasks": 0,
        "whole": False,
    }
    fresh = _Fresh(folder, record)
    try:
        manifest = share_manifest(folder)
        fresh.expected, fresh.sha256 = manifest.get("tasks"), manifest["sha256"].get("status.csv")
        record |= {name: manifest.get(name) for name in ("zone", "elevated", "folders", "definitions_read")}
        record["definitions"] = manifest["definitions"] if manifest["definitions_read"] else None
        record["programs"] = manifest["sha256"].get("programs.csv", "") if manifest["definitions_read"] else ""
        record["account"] = str(manifest.get("collected_by") or "")
        record["refused"] = sorted(refused_folders(manifest["problems"]))
        content = read_bytes(folder / "status.csv", MOST_OWN_BYTES)
    except SnapshotError as error:
        record |= {"read": False, "problems": [[_name(folder, "snapshot.json"), clip(str(error), 200)]]}
    except (OSError, TaskXmlError):
        pass  # the strict reader says why
    else:
        record["settled"] = hashlib.sha256(content).hexdigest() == fresh.sha256
        if record["settled"] or not fresh.sha256:
            fresh.content = content
    return fresh


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
                new.record["settled"] |= not new.sha256 and new.record["whole"] and not new.record["problems"]
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
