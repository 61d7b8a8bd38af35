r"""Event logs of a share as frames: read once, kept beside the history, and joined with the runs that snapshots show.

    <data>/eventlogs/OPENDATA01/*                       what Windows exported: .evtx, XML or CSV
    <data>/history/eventlogs/OPENDATA01/*.parquet       what was read from it; derived, may be deleted

A log file is identified by its name, size and time of change: one that did not change is not read again. The names of
what was read from it are a digest of these, ``runs``, ``events`` or ``problems``, and a digest of the content, which is
checked at each reading. A run in two logs, or in a log and a snapshot, is one.

>>> int((read_logs("data", ["OPENDATA01"]).events["kind"] == "ignored").sum())
2
"""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from taskanalysis.definition import MOST_OWN_BYTES, TaskDefinition, read_bytes
from taskanalysis.errors import Problem, reason_of
from taskanalysis.history.days import DAMAGES, digest_of
from taskanalysis.history.eventlog.runs import LoggedEvent, LoggedRun, read_eventlog
from taskanalysis.results import Outcome, decode
from taskanalysis.snapshot import LEADS_NOWHERE, long_path, remove, write_whole
from taskanalysis.text import clip

VERSION = 4
"""Version of what is kept: raise it when the reader learns more."""
SAME = timedelta(seconds=60)
"""Starts in a snapshot and in a log within a minute are one run; LastRunTime has no seconds."""
_RUNS = {
    "task_path": "str",
    "started": "datetime64[us, UTC]",
    "ended": "datetime64[us, UTC]",
    "seconds": "float64",
    "code": "UInt32",
    "code_source": "str",
    "stopped": "str",
    "trigger_kind": "str",
    "instance": "str",
}
_EVENTS = {"task_path": "str", "at": "datetime64[us, UTC]", "kind": "str", "code": "UInt32"}
_PROBLEMS = {"file": "str", "what": "str"}
_COLUMNS = {"problems": _PROBLEMS, "events": _EVENTS, "runs": _RUNS}


class Logged(NamedTuple):
    """Runs and events of the logs, with their `server`, what could not be read, and how many logs were not stored.

    `damaged` are files of the store that are not as they were written, so that their logs were read again.
    """

    runs: pd.DataFrame
    events: pd.DataFrame
    problems: list[Problem]
    read: int = 0
    damaged: Sequence[Problem] = ()

    def between(self, limits: Mapping[str, tuple[datetime | None, datetime | None]]) -> Logged:
        """What began or happened from one moment to another (aware) on each server, both included."""
        if self.runs.empty and self.events.empty:
            return self
        runs, events = _between(self.runs, "started", limits), _between(self.events, "at", limits)
        return self._replace(runs=runs, events=events)


def _between(
    frame: pd.DataFrame, column: str, limits: Mapping[str, tuple[datetime | None, datetime | None]]
) -> pd.DataFrame:
    kept = np.zeros(len(frame), bool)
    for server, (begin, end) in limits.items():
        mine, at = frame["server"] == server, frame[column]
        mine &= at >= begin if begin else True
        mine &= at <= end if end else True
        kept |= mine.to_numpy(dtype=bool)
    return frame[kept].reset_index(drop=True)


def read_logs(
    data: str | Path, servers: Iterable[str], *, zones: Mapping[str, str] | None = None, update: bool = False
) -> Logged:
    """Read the event logs of these servers; `update` stores what was read for the next time, if it can be written.

    `zones` maps servers to their zones (IANA), for logs that have wall-clock times.
    """
    root = long_path(data)
    runs, events, problems, damaged = [], [], list[Problem](), list[Problem]()
    read = 0
    for server in servers:
        folder = root / "eventlogs" / server
        store = root / "history" / "eventlogs" / server
        files, stored = _files(folder, problems), _stored(store)
        for digest, file in (files or {}).items():
            logged = _kept(stored, digest, damaged)
            if not logged:
                log = read_eventlog(file, zone=(zones or {}).get(server, ""))
                logged = Logged(_frame(log.runs, _RUNS), _frame(log.events, _EVENTS), log.problems)
                # another machine, or another zone, may read more of a log with problems alone
                if log.runs or log.events or not log.problems:
                    read += not (update and _keep(store, stored, digest, logged))
            runs.append(logged.runs.assign(server=server))
            events.append(logged.events.assign(server=server, source="eventlog"))
            problems += [Problem(f"eventlogs/{server}/{name}", what) for name, what in logged.problems]
        if update and files is not None:
            _tidy(store, files)
    if not runs:
        return Logged(*_nothing(), problems, read, damaged)
    order = ["server", "task_path", "started", "ended"]
    once = pd.concat(runs, ignore_index=True).sort_values(order, ignore_index=True)
    if len(runs) > 1:  # one log holds no run twice
        once = once.drop_duplicates(["server", "task_path", "started", "instance"], ignore_index=True)
    happened = pd.concat(events, ignore_index=True).drop_duplicates(ignore_index=True)
    return Logged(once, happened, problems, read, damaged)


def store_logs(data: str | Path, server: str, *, zone: str = "") -> None:
    """Read and store the event logs of a server that are not stored yet; do nothing else."""
    root = long_path(data)
    stored = {digest for digest, _ in _stored(root / "history" / "eventlogs" / server)}
    if not stored.issuperset(_files(root / "eventlogs" / server, []) or {}):
        read_logs(data, [server], zones={server: zone}, update=True)


@cache
def _nothing() -> tuple[pd.DataFrame, pd.DataFrame]:
    """No run and no event, made once: most servers have no log."""
    return _frame([], _RUNS).assign(server=""), _frame([], _EVENTS).assign(server="", source="")


def with_logged(
    runs: pd.DataFrame, logged: pd.DataFrame, definitions: dict[str, dict[str, TaskDefinition]]
) -> pd.DataFrame:
    """Runs of snapshots and logs together: one in both appears once, with the log's times and the snapshot's code.

    `definitions` (by server, then task path) name the programs for which exit codes are decoded.
    """
    if logged.empty:
        return runs
    logged = logged.sort_values("started", ignore_index=True)
    plain = runs.assign(server=runs["server"].astype("str"), task_path=runs["task_path"].astype("str"))
    plain = plain.reset_index(names="run").sort_values("started")
    keys = logged[["server", "task_path", "started"]].assign(log=logged.index, at=logged["started"])
    near = pd.merge_asof(
        plain[["run", "server", "task_path", "started"]],
        keys,
        on="started",
        by=["server", "task_path"],
        direction="nearest",
        tolerance=SAME,
    ).dropna(subset="log")
    near["apart"] = (near["started"] - near["at"]).abs()
    pairs = near.sort_values("apart").drop_duplicates("log").astype({"log": "int64"})
    both = _joined(plain.set_index("run"), logged, pairs, definitions)
    alone = logged[~logged.index.isin(pairs["log"])]
    frame = pd.concat([both, _rows(alone, definitions)], ignore_index=True)
    frame = frame.sort_values(["server", "task_path", "started"], ignore_index=True)
    repeated = ["server", "task_path", "outcome", "source", "trigger_kind", "instance", "certainty"]
    return frame[list(runs.columns)].astype(dict.fromkeys(repeated, "category"))


# Joining --------------------------------------------------------------------------------------------------------------


def _joined(
    runs: pd.DataFrame, logged: pd.DataFrame, pairs: pd.DataFrame, definitions: dict[str, dict[str, TaskDefinition]]
) -> pd.DataFrame:
    """Runs of snapshots, those in `pairs` completed from the log."""
    runs = runs.astype(dict.fromkeys(("outcome", "source", "trigger_kind", "instance", "certainty"), "object"))
    rows = _rows(logged.loc[pairs["log"]], definitions).set_index(pairs["run"])
    for name in ("started", "ended", "seconds", "source", "trigger_kind", "instance"):
        runs.loc[rows.index, name] = rows[name]
    # a run that the log does not end either is what the snapshots say: going on, or unknown
    unknown = rows.index[runs.loc[rows.index, "code"].isna() & (rows["outcome"] != Outcome.UNKNOWN.value)]
    for name in ("code", "outcome", "certainty"):
        runs.loc[unknown, name] = rows.loc[unknown, name]
    return runs.reset_index(drop=True)


def _rows(logged: pd.DataFrame, definitions: dict[str, dict[str, TaskDefinition]]) -> pd.DataFrame:
    """Runs of a log under the columns of `History.runs`."""
    cases = logged[["server", "task_path", "code", "code_source", "stopped"]]
    distinct = cases.drop_duplicates()
    decoded = [
        _meaning(definitions.get(str(server), {}).get(str(path)), code, str(source), str(stopped))
        for server, path, code, source, stopped in distinct.itertuples(index=False)
    ]
    with_meaning = distinct.assign(
        outcome=[outcome for outcome, _ in decoded], certainty=[certain for _, certain in decoded]
    )
    meanings = cases.merge(with_meaning, how="left", on=list(cases.columns))
    nothing = pd.Series(pd.NaT, index=logged.index, dtype="datetime64[us, UTC]")
    return logged.assign(
        source="eventlog",
        outcome=meanings["outcome"].to_numpy(),
        certainty=meanings["certainty"].to_numpy(),
        first_seen=nothing,
        finished_by=logged["ended"],
        last_seen=nothing,
    ).reset_index(drop=True)


def _meaning(task: TaskDefinition | None, code: Any, source: str, stopped: str) -> tuple[str, str]:
    """Outcome and certainty of a run in the log."""
    if stopped:
        return Outcome.STOPPED.value, "certain"
    if code is pd.NA or code is None or not source:
        return Outcome.UNKNOWN.value, "certain"
    programs = task.programs if task else ()
    # the log has the code of the action that ended last, which is the last one's where all ran
    command, arguments = (programs[-1].command, programs[-1].arguments) if programs else ("", "")
    result = decode(int(code), command=command, arguments=arguments, ever_ran=True, source=source)
    return result.outcome.value, result.certainty


# Files ----------------------------------------------------------------------------------------------------------------


def _files(folder: Path, problems: list[Problem]) -> dict[str, Path] | None:
    """The log files of a server by the digest of each; None where the folder can't be listed, which is a problem.

    That links lead nowhere, or to something other than a folder, is one too.
    """
    found: dict[str, Path] = {}
    try:
        for file in sorted(folder.iterdir()):
            try:
                if not file.is_dir() and not file.match(".*.tmp"):  # one that is being written
                    found[_digest(file)] = file
            except OSError as error:
                problems.append(Problem(f"eventlogs/{folder.name}/{file.name}", f"can't be opened ({error.strerror})"))
    except FileNotFoundError:
        for place, name in ((folder.parent, "eventlogs"), (folder, f"eventlogs/{folder.name}")):
            if place.is_symlink() and not place.exists():
                problems.append(Problem(name, LEADS_NOWHERE))
                return None
        return found
    except OSError as error:
        problems.append(Problem(f"eventlogs/{folder.name}", f"can't be listed ({error.strerror})"))
        return None
    return found


def _digest(file: Path) -> str:
    status = file.stat()
    identity = f"{VERSION} {file.name} {status.st_size} {status.st_mtime_ns}"
    return digest_of(identity.encode("utf-8", "surrogatepass"))


def _stored(folder: Path) -> dict[tuple[str, str], list[Path]]:
    """The stored files of the logs of a server, by digest and kind."""
    stored: dict[tuple[str, str], list[Path]] = {}
    for file in sorted(folder.glob("*.*.*.parquet")):
        if parts := _STORED.fullmatch(file.name):
            stored.setdefault((parts[1], parts[2]), []).append(file)
    return stored


_STORED = re.compile(rf"([0-9a-f]{{16}})\.({'|'.join(_COLUMNS)})(?:\.[0-9a-f]{{16}})?\.parquet")
_TEMPORARY = re.compile(rf"\.{_STORED.pattern}\.[0-9]+\.tmp")


def _kept(stored: Mapping[tuple[str, str], list[Path]], digest: str, problems: list[Problem]) -> Logged | None:
    """Stored runs, events and problems of a log; None where one is missing or damaged, which is a problem."""
    frames: dict[str, pd.DataFrame] = {}
    for kind, columns in _COLUMNS.items():
        for file in stored.get((digest, kind), ()):
            try:
                frames[kind] = _read_kept(file, columns)
            except FileNotFoundError:
                pass  # another process has just replaced it
            except DAMAGES as error:
                problems.append(Problem(f"history/eventlogs/{file.name}", f"is damaged ({clip(reason_of(error))})"))
    if frames.keys() != _COLUMNS.keys():
        return None
    lines = [Problem(str(file), str(what)) for file, what in frames["problems"].itertuples(index=False)]
    return Logged(frames["runs"], frames["events"], lines)


def _read_kept(file: Path, columns: dict[str, str]) -> pd.DataFrame:
    content = read_bytes(file, MOST_OWN_BYTES)
    if digest_of(content) != file.name.split(".")[2]:
        raise ValueError("its bytes have changed since it was written")
    frame = pd.read_parquet(io.BytesIO(content), page_checksum_verification=True)
    if list(frame.columns) != list(columns):
        raise ValueError("it has other columns")
    return frame.astype(columns)


def _keep(folder: Path, stored: Mapping[tuple[str, str], list[Path]], digest: str, logged: Logged) -> bool:
    """Store what was read from a log; whether it could be."""
    problems = pd.DataFrame([tuple(problem) for problem in logged.problems], columns=list(_PROBLEMS), dtype="str")
    with suppress(OSError):  # it is read again next time
        for kind, frame in (("problems", problems), ("events", logged.events), ("runs", logged.runs)):
            content = frame.to_parquet(index=False, write_page_checksum=True)
            file = folder / f"{digest}.{kind}.{digest_of(content)}.parquet"
            write_whole(file, content)
            remove(*(other for other in stored.get((digest, kind), ()) if other != file))
        return True
    return False


def _tidy(folder: Path, digests: Collection[str]) -> None:
    """Remove the files of logs that no longer exist or of older versions, and temporary files of killed processes."""
    gone = (file for (digest, _), files in _stored(folder).items() if digest not in digests for file in files)
    remove(*gone, *(file for file in folder.glob(".*.tmp") if _TEMPORARY.fullmatch(file.name)))


def delete_logs(data: Path) -> None:
    """Delete what is stored of all event logs; the logs and files of others stay."""
    for folder in (data / "history" / "eventlogs").glob("*/"):
        _tidy(folder, ())
        with suppress(OSError):  # it has other files
            folder.rmdir()


def _frame(rows: Sequence[LoggedRun] | Sequence[LoggedEvent], kinds: dict[str, str]) -> pd.DataFrame:
    names = {"task_path": "path"}
    cells = dict(zip(rows[0]._fields, zip(*rows, strict=True), strict=True)) if rows else {}
    return pd.DataFrame({name: pd.Series(cells.get(names.get(name, name), ()), dtype=kinds[name]) for name in kinds})
