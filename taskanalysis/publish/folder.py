r"""A finished run -> the share, so that a reader never sees half a page and a killed run leaves the last good reports.

Authority: FACTS on what Windows can't do. A folder can't be swapped on a Windows share, so ``runs/<stamp>/`` is renamed
in whole, then each file of ``latest/`` is replaced by rename, data first and pages next, and ``index.html`` last. All
copies are made before the first rename: a full disk changes nothing. One run at a time holds the folder.

>>> Keep.of("90d")
Keep(runs=None, days=90)
"""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from taskanalysis.errors import ReportError
from taskanalysis.snapshot import plain_path, stamp_of, stamped
from taskanalysis.text import clip

__all__ = ["Keep", "Kept", "held", "list_runs", "new_stamp", "publish", "why_not"]

LOCK, HOLDER = ".lock", ".lock.json"
WAIT_SECONDS = 60
LOCKED_SECONDS = 30
"""How long a file that another program holds open is tried again."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Keep:
    """How many runs stay, by number or by age; the newest always does."""

    runs: int | None = 30
    days: int | None = None

    @classmethod
    def of(cls, text: str) -> Keep:
        """What ``30`` or ``90d`` means; ValueError for anything else."""
        found = re.fullmatch("([1-9][0-9]{0,5})(d?)", text)
        if not found:
            raise ValueError(f"'{clip(text)}' is neither a number of runs such as 30 nor of days such as 90d")
        number = int(found[1])
        return cls(None, number) if found[2] else cls(number)

    def stay(self, stamps: Sequence[str], now: datetime) -> list[str]:
        """Those of some stamps, the newest first, that stay at `now` (aware)."""
        newest = sorted(stamps, reverse=True)
        if self.days is None:
            return newest[: self.runs]
        since = now - timedelta(days=self.days)
        return [each for each in newest if each == newest[0] or (stamped(each) or now) >= since]


@dataclass(frozen=True)
class Kept:
    """A run in ``runs/``: its stamp, and the names of its pages."""

    stamp: str
    pages: Sequence[str]


# One run at a time ----------------------------------------------------------------------------------------------------


@contextmanager
def held(
    reports: Path,
    *,
    now: datetime,
    wait: float = WAIT_SECONDS,
    say: Callable[[str], None] = _log.info,
    folders: Sequence[str] = ("latest", "runs"),
) -> Iterator[None]:
    """Hold a folder of reports with its `folders`, made where missing, and remove what a killed run left in it.

    ReportError where another run holds it for more than `wait` seconds, or where it can't be written.
    """
    with saying(reports):
        reports.mkdir(parents=True, exist_ok=True)
    lock = FileLock(reports / LOCK)
    try:
        with saying(reports):
            try:
                lock.acquire(timeout=0)
            except Timeout:
                say(f"Waiting for {_holder(reports)}")
                lock.acquire(timeout=wait)
    except Timeout:
        raise ReportError(
            f"{plain_path(reports)} is held by {_holder(reports)}: "
            "try again when that run is done, or end it if it hangs"
        ) from None
    try:
        with saying(reports):
            tells = {"host": socket.gethostname(), "process": os.getpid(), "since": now.isoformat(timespec="seconds")}
            reports.joinpath(HOLDER).write_text(json.dumps(tells), encoding="utf-8")
            for folder in folders:
                reports.joinpath(folder).mkdir(exist_ok=True)
            _clean(reports)
        yield
    finally:
        with suppress(OSError):
            reports.joinpath(HOLDER).unlink(missing_ok=True)
        lock.release()


def _holder(reports: Path) -> str:
    try:
        tells = json.loads(reports.joinpath(HOLDER).read_text(encoding="utf-8"))
        host, process, since = (clip(str(tells[key])) for key in ("host", "process", "since"))
    except (OSError, ValueError, KeyError, TypeError):
        return "another run, which has not said yet who it is"
    return f"process {process} on {host}, which began at {since}"


def _clean(reports: Path) -> None:
    """Remove what a killed run was about to publish, or to delete."""
    for folder in (reports, reports / "latest", reports / "runs"):
        for left in folder.glob(".*.tmp"):
            _log.info("removing %s of a run that was killed", left)
            _remove(left)


def _remove(path: Path) -> None:
    """Remove a file or a folder; what is open in another program is left for the next run."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


# Publishing -----------------------------------------------------------------------------------------------------------


def new_stamp(reports: Path, now: datetime) -> str:
    """The name of a run that begins at `now` (aware), later by seconds where there is one of that name."""
    moment = now.astimezone(UTC)
    while (reports / "runs" / stamp_of(moment)).exists():
        moment += timedelta(seconds=1)
    return stamp_of(moment)


def publish(
    run: Path,
    latest: Path,
    reports: Path,
    *,
    stamp: str,
    keep: Keep,
    now: datetime,
    index: Callable[[Sequence[str], Sequence[str]], str],
    gone: Iterable[str] = (),
    seconds: float = LOCKED_SECONDS,
) -> list[str]:
    """Put the files of `run` into ``runs/<stamp>``, those of `latest` into ``latest``, and write ``index.html``.

    `index` makes its text from the stamps of the runs that stay and the names of files that stayed locked for so many
    `seconds`; these keep their old content, and are returned. `gone` are names in ``latest`` that are not true any
    more. Older runs go as `keep` says. Call it within `held`. ReportError where something can't be written; what was
    published before is still there then.
    """
    runs, target = reports / "runs", reports / "latest"
    beside = runs / f".{stamp}.tmp"
    front = reports / "index.html"
    copies = {_beside(target / file.name): target / file.name for file in sorted(latest.iterdir())}
    with saying(reports):
        try:
            shutil.copytree(run, beside)
            for copy, place in copies.items():
                shutil.copyfile(latest / place.name, copy)
            stay = keep.stay([*list_runs(reports), stamp], now)
            _beside(front).write_text(index(stay, ()), encoding="utf-8", newline="\n")
            if _replace({beside: runs / stamp}, seconds):
                raise ReportError(f"{runs / stamp} can't be made: another program holds {beside.name} open; run again")
            pages = {copy: place for copy, place in copies.items() if place.suffix == ".html"}
            data = {copy: place for copy, place in copies.items() if copy not in pages}
            left = [file.name for group in (data, pages) for file in _replace(group, seconds)]
            for name in gone:
                _remove(target / name)
            # the index is made of what is there now, where no other page can be had in time
            _beside(front).write_text(index(stay, left), encoding="utf-8", newline="\n")
            left += [file.name for file in _replace({_beside(front): front}, seconds)]
        finally:
            for each in (beside, *copies, _beside(front)):
                _remove(each)
    for old in set(list_runs(reports)) - set(stay):
        _retire(runs, old)
    return left


def _beside(place: Path) -> Path:
    return place.with_name(f".{place.name}.tmp")


def _replace(moves: Mapping[Path, Path], seconds: float) -> list[Path]:
    """Rename each to its place, in order; the places that another program held open for so many seconds.

    A virus scanner or an indexer holds a new file for a moment, a spreadsheet for as long as it is open.
    """
    waiting, until, pause = dict(moves), time.monotonic() + seconds, 0.05
    while True:
        for source, place in list(waiting.items()):
            with suppress(PermissionError):
                source.replace(place)
                del waiting[source]
        if not waiting or time.monotonic() >= until:
            return list(waiting.values())
        time.sleep(pause)
        pause = min(2 * pause, 1)


def _retire(runs: Path, stamp: str) -> None:
    """Remove a run; renamed first, so that there is never a part of one under its name."""
    hidden = runs / f".{stamp}.old.tmp"
    try:
        (runs / stamp).rename(hidden)
    except OSError as error:  # a file in it is open: the next run tries again
        _log.info("%s stays: %s", stamp, error)
    else:
        _remove(hidden)


def list_runs(reports: Path) -> list[str]:
    """The stamps of the runs that lie in ``runs``, the newest first."""
    try:
        with os.scandir(reports / "runs") as entries:
            names = [entry.name for entry in entries if stamped(entry.name) and entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return sorted(names, reverse=True)


# Errors in a sentence -------------------------------------------------------------------------------------------------

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_IS_FULL, _GONE_ON_WINDOWS = {39, 112}, {51, 53, 55, 59, 64, 67, 121, 1231}


@contextmanager
def saying(reports: Path) -> Iterator[None]:
    """Turn what the system says of a folder of reports into a ReportError with a next step."""
    try:
        yield
    except Timeout:  # an OSError too
        raise
    except (OSError, shutil.Error, NotImplementedError) as error:  # the last where there are no locks
        _log.info("%s", reports, exc_info=True)
        raise ReportError(why_not(error, reports)) from None


def why_not(error: Exception, reports: Path) -> str:
    """A sentence for an error of the system, with the next step.

    >>> why_not(OSError(errno.ENOSPC, "No space left on device"), Path("out"))
    'out is full: make room there and run again; the last reports are still there'
    """
    place = plain_path(reports)
    if isinstance(error, shutil.Error):  # of copytree: a list of source, target, reason
        reasons = " ".join(str(each[2]) for each in error.args[0])
        number = next((each for each in _FULL | _DENIED if f"[Errno {each}]" in reasons), None)
        error = OSError(number, os.strerror(number)) if number else OSError(clip(reasons, 200))
    code, windows = getattr(error, "errno", None), getattr(error, "winerror", None)
    if code in _FULL or windows in _IS_FULL:
        return f"{place} is full: make room there and run again; the last reports are still there"
    if code in _DENIED:
        reason = os.strerror(code) if code else "denied"
        return f"{place} can't be written ({reason}): let this account write there, or choose another with --reports"
    reason = getattr(error, "strerror", None) or str(error)
    if code in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR):
        named = getattr(error, "filename2", None) or getattr(error, "filename", None) or place
        return f"{named} is in the way ({reason}): remove it, or choose another folder with --reports"
    return f"{place} can't be reached ({reason}): see that it is there, and run again; nothing is lost"
