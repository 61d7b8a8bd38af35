r"""Publish a finished run so that readers never see half a page and a killed run leaves the last good reports.

Authority: FACTS on what Windows can't do. A folder can't be swapped on a Windows share, so ``runs/<stamp>/`` is renamed
in whole, then each file of ``latest/`` is replaced by rename, data first and pages next, and ``index.html`` last. All
copies are made before the first rename: a full disk changes nothing. One run at a time locks the folder, which is new,
empty or marked as one of ours; only what this program made is removed.

>>> Keep.of("90d")
Keep(runs=None, days=90)
"""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from filelock import Timeout

from taskanalysis.definition import read_bytes
from taskanalysis.errors import ReportError, TaskAnalysisError, reason_of
from taskanalysis.publish.pages import read_head
from taskanalysis.snapshot import LOCK, locked, plain_path, remove, rename, rename_all, stamp_of, stamped, write_whole
from taskanalysis.text import clip

HOLDER = ".lock.json"
MARKER = ".taskanalysis-reports"
"""The file that marks a folder of reports as one of ours."""
_MARK = "taskanalysis report writes its reports into this folder, and removes old ones. Keep this file.\n"
PREFIX = "taskanalysis-"
LOCKED_SECONDS = 30
"""How long to retry a file that another program holds open."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Keep:
    """Report runs to keep, by number or by age; the newest is always kept."""

    runs: int | None = 30
    days: int | None = None

    @classmethod
    def of(cls, text: str) -> Keep:
        """Parse ``30`` or ``90d``; ValueError for anything else."""
        parts = re.fullmatch("([1-9][0-9]{0,5})(d?)", text)
        if not parts:
            raise ValueError(f"'{clip(text)}' is neither a number of runs such as 30 nor of days such as 90d")
        number = int(parts[1])
        return cls(None, number) if parts[2] else cls(number)

    def stay(self, stamps: Sequence[str], now: datetime) -> list[str]:
        """The stamps that are kept at `now` (aware), newest first."""
        newest = sorted(stamps, reverse=True)
        if self.days is None:
            return newest[: self.runs]
        since = now - timedelta(days=self.days)
        return [stamp for stamp in newest if stamp == newest[0] or (stamped(stamp) or now) >= since]


# Our own folders ------------------------------------------------------------------------------------------------------

_NAME = r"[a-z][a-z0-9_-]*\.(?:html|csv|parquet|json|txt)"  # of a published file
_PUBLISHED = re.compile(_NAME)
_LEFTOVERS = {  # names of temporary files and folders, by the folder in which they are made
    ".": re.compile(rf"\.(?:index\.html|{re.escape(HOLDER)}|{re.escape(MARKER)})(?:\.[0-9]+)?\.tmp"),
    "latest": re.compile(rf"\.{_NAME}\.tmp"),
    "runs": re.compile(r"\.[0-9]{8}T[0-9]{6}Z(?:\.old)?\.tmp"),
}


def check_own(reports: Path) -> None:
    """TaskAnalysisError where a folder is neither new nor empty nor one of ours: we would overwrite what is there.

    It is ours with the marker, or with an index that this program wrote, as in folders of earlier versions.
    """
    with explained(reports):
        try:
            names = set(os.listdir(reports))  # noqa: PTH208 (names, not paths)
        except FileNotFoundError:
            return
    others = {name for name in names if name not in (LOCK, HOLDER) and not _LEFTOVERS["."].fullmatch(name)}
    if others and MARKER not in others and not read_head(reports / "index.html"):
        raise TaskAnalysisError(
            f"{plain_path(reports)} holds other files ({clip(min(others))}) and is no folder of reports: "
            "choose an empty or a new one with --reports"
        )


def _remove_leftovers(reports: Path) -> None:
    """Remove what a killed run left; a file of somebody else in it stays, and so does its folder."""
    for folder, pattern in _LEFTOVERS.items():
        place = reports / folder
        for name in os.listdir(place) if place.is_dir() else ():  # noqa: PTH208
            if pattern.fullmatch(name):
                _log.info("removing %s, left by a killed run", place / name)
                _remove_own(place / name, may_be_run=folder == "runs")


def _remove_own(place: Path, *, may_be_run: bool) -> None:
    """Remove a file, or of a folder that `may_be_run` what is named like published files, and the folder once empty."""
    if not place.is_dir() or place.is_symlink():
        remove(place)
    elif may_be_run:
        remove(*(file for file in place.iterdir() if _PUBLISHED.fullmatch(file.name) and not file.is_dir()))
        with suppress(OSError):  # it holds something else
            place.rmdir()


def _is_run(folder: Path) -> bool:
    """Whether all in it are published files, and a page says that it is of this run."""
    with os.scandir(folder) as entries:
        files = {entry.name: entry.is_file(follow_symlinks=False) for entry in entries}
    if not all(is_file and _PUBLISHED.fullmatch(name) for name, is_file in files.items()):
        return False
    pages = (read_head(folder / name) for name in files if name.endswith(".html"))
    return any(head and head.run == folder.name for head in pages)


# One run at a time ----------------------------------------------------------------------------------------------------


@contextmanager
def held(
    reports: Path,
    *,
    now: datetime,
    wait: float = 60,
    say: Callable[[str], None] = _log.info,
    folders: Sequence[str] = ("latest", "runs"),
) -> Iterator[None]:
    """Lock and mark a folder of reports, create its `folders`, and remove what a killed run left in it.

    TaskAnalysisError where the folder is not ours. ReportError where another run holds it for more than `wait` seconds,
    or where it can't be written.
    """
    check_own(reports)
    with ExitStack() as stack:
        with explained(reports):
            _lock(stack, reports, wait, say)
            if not (reports / MARKER).is_file():
                write_whole(reports / MARKER, _MARK.encode())
            _remove_leftovers(reports)
            holder = {"host": socket.gethostname(), "process": os.getpid(), "since": now.isoformat(timespec="seconds")}
            stack.callback(remove, reports / HOLDER)
            write_whole(reports / HOLDER, json.dumps(holder).encode())
            for folder in folders:
                reports.joinpath(folder).mkdir(exist_ok=True)
        yield


def _lock(stack: ExitStack, reports: Path, wait: float, say: Callable[[str], None]) -> None:
    try:
        try:
            stack.enter_context(locked(reports, wait=0))
        except Timeout:
            say(f"Waiting for {_holder(reports)}")
            stack.enter_context(locked(reports, wait=wait))
    except Timeout:
        raise ReportError(
            f"{plain_path(reports)} is locked by {_holder(reports)}: "
            "try again when that run is done, or end it if it hangs"
        ) from None


def _holder(reports: Path) -> str:
    try:
        holder = json.loads(read_bytes(reports / HOLDER).decode("utf-8"))
        host, process, since = (clip(str(holder[key])) for key in ("host", "process", "since"))
    except (OSError, ValueError, KeyError, TypeError):
        return "another run, which has not identified itself yet"
    return f"process {process} on {host}, running since {since}"


@contextmanager
def workplace() -> Iterator[Path]:
    """Create a local temporary folder, removed at the end; first remove those of runs that were killed.

    >>> with workplace() as folder:
    ...     folder.is_dir()
    True
    >>> folder.exists()
    False
    """
    root = Path(tempfile.gettempdir())
    for lock in root.glob(f"{PREFIX}*.lock"):
        with suppress(OSError, Timeout):  # locked while its owner lives
            with locked(root, lock.stem, lock=lock.name, wait=0):
                pass
            if not lock.with_suffix("").exists():
                lock.unlink(missing_ok=True)
    folder = root / f"{PREFIX}{secrets.token_hex(6)}"
    lock = folder.with_suffix(".lock")
    try:
        # the lock is beside the folder and older, so that no other run takes a new folder for one that was left
        with locked(root, lock=lock.name):
            try:
                folder.mkdir(mode=0o700)
                yield folder
            finally:
                _remove_soon(folder)
    finally:
        remove(lock)


def _remove_soon(folder: Path) -> None:
    """Remove a folder in which the last child process may still write."""
    for _ in range(20):
        remove(folder)
        if not folder.exists():
            break
        time.sleep(0.05)


# Publishing -----------------------------------------------------------------------------------------------------------


def new_stamp(reports: Path, now: datetime) -> str:
    """The name of a run that starts at `now` (aware), some seconds later where that name is taken."""
    moment = now.astimezone(UTC)
    runs = reports / "runs"
    while any((runs / name).exists() for name in (stamp_of(moment), f".{stamp_of(moment)}.tmp")):
        moment += timedelta(seconds=1)
    return stamp_of(moment)


def publish(
    run: Iterable[Path],
    latest: Iterable[Path],
    reports: Path,
    *,
    stamp: str,
    keep: Keep,
    now: datetime,
    index: Callable[[Sequence[str], Sequence[str]], str],
    gone: Iterable[str] = (),
    seconds: float = LOCKED_SECONDS,
) -> list[str]:
    """Publish the files `run` as ``runs/<stamp>`` and those of `latest` in ``latest``, then write ``index.html``.

    `index` renders the index from the stamps of the kept runs and the names of files that were locked for `seconds`;
    these keep their old content and are returned. `gone` are outdated files of ``latest`` to remove; `keep` says which
    older runs are removed. Call it within `held`. ReportError where something can't be written; what was published
    before stays then.
    """
    runs, target = reports / "runs", reports / "latest"
    beside = runs / f".{stamp}.tmp"
    front = reports / "index.html"
    kept, files = ({file.name: file for file in group} for group in (run, latest))
    copies = {_beside(target / name): target / name for name in sorted(files)}
    with explained(reports):
        try:
            beside.mkdir()
            sources = [*kept.values(), *(files[place.name] for place in copies.values())]
            targets = [*(beside / name for name in kept), *copies]
            with ThreadPoolExecutor() as pool:  # 340 MB at once take half the time
                list(pool.map(shutil.copyfile, sources, targets))
            stay = keep.stay([*list_runs(reports), stamp], now)
            _beside(front).write_text(index(stay, ()), encoding="utf-8", newline="\n")
            if rename_all({beside: runs / stamp}, seconds=seconds):
                raise ReportError(f"{runs / stamp} can't be made: another program holds {beside.name} open; run again")
            pages = {copy: place for copy, place in copies.items() if place.suffix == ".html"}
            data = {copy: place for copy, place in copies.items() if copy not in pages}
            left = [file.name for group in (data, pages) for file in rename_all(group, seconds=seconds)]
            for name in gone:
                remove(target / name)
            # once more, now with the names of the locked files
            _beside(front).write_text(index(stay, left), encoding="utf-8", newline="\n")
            left += [file.name for file in rename_all({_beside(front): front}, seconds=seconds)]
        finally:
            _remove_own(beside, may_be_run=True)
            remove(*copies, _beside(front))
    for old in set(list_runs(reports)) - set(stay):
        _retire(runs, old)
    return left


def _beside(place: Path) -> Path:
    return place.with_name(f".{place.name}.tmp")


def _retire(runs: Path, stamp: str) -> None:
    """Remove a run, unless the folder holds something else; rename it first, so that no part of it is ever seen."""
    hidden = runs / f".{stamp}.old.tmp"
    try:
        if not _is_run(runs / stamp):
            _log.info("%s stays: it is no run of ours", stamp)
            return
        rename(runs / stamp, hidden, seconds=0)
    except OSError as error:  # a file in it is open: the next run tries again
        _log.info("%s stays: %s", stamp, error)
    else:
        _remove_own(hidden, may_be_run=True)


def list_runs(reports: Path) -> list[str]:
    """Stamps of the runs in ``runs``, newest first."""
    try:
        with os.scandir(reports / "runs") as entries:
            names = [entry.name for entry in entries if stamped(entry.name) and entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return sorted(names, reverse=True)


# Errors in a sentence -------------------------------------------------------------------------------------------------

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_FULL_ON_WINDOWS = {39, 112}


@contextmanager
def explained(reports: Path) -> Iterator[None]:
    """Turn an error of the system about a folder of reports into a ReportError with a next step."""
    try:
        yield
    except (OSError, NotImplementedError) as error:  # the second where there are no locks
        _log.info("%s", reports, exc_info=True)
        raise ReportError(why_not(error, reports)) from None


def why_not(error: Exception, reports: Path) -> str:
    """An error of the system as a sentence with the next step.

    >>> why_not(OSError(errno.ENOSPC, "No space left on device"), Path("out"))
    'out is full: make room there and run again; the last reports are still there'
    """
    place, code = plain_path(reports), getattr(error, "errno", None)
    reason = reason_of(error)
    if code in _FULL or getattr(error, "winerror", None) in _FULL_ON_WINDOWS:
        return f"{place} is full: make room there and run again; the last reports are still there"
    if code in _DENIED:
        return f"{place} can't be written ({reason}): let this account write there, or choose another with --reports"
    if code in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR):
        named = getattr(error, "filename2", None) or getattr(error, "filename", None) or place
        return f"{named} is in the way ({reason}): remove it, or choose another folder with --reports"
    return f"{place} can't be reached ({reason}): see that it is there, and run again; nothing is lost"
