r"""The share: a folder with the snapshots of one or more servers, found by the names of their folders.

Authority: the layout is ours (``data/README.md``).

>>> [snapshot.server for snapshot in list_snapshots(sample_share())[:1]]
['OPENDATA01']
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import chain, groupby, islice, pairwise
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple, Self

from taskanalysis.definition import MOST_OWN_BYTES, TaskDefinition, read_bytes
from taskanalysis.errors import Problem, SnapshotError, TaskXmlError, reason_of
from taskanalysis.schedule import known_zone
from taskanalysis.snapshot.files import Found, find_tasks, task_of
from taskanalysis.snapshot.paths import file_name, long_path, plain_path, task_path
from taskanalysis.snapshot.status import CHANGED, aware
from taskanalysis.text import clip


class Stamped(NamedTuple):
    """A snapshot folder of a share, as its name describes it."""

    taken_at: datetime
    server: str
    place: str

    @property
    def path(self) -> Path:
        """The folder, made on demand: a year has 35,000 of them."""
        return Path(self.place)


def list_snapshots(data: Path, server: str | None = None, problems: list[Problem] | None = None) -> list[Stamped]:
    """All snapshots of a share, or of one server, oldest first; none is opened. `problems` as in `newest_first`."""
    return sorted(newest_first(data, server, problems))


def newest_first(data: Path, server: str | None = None, problems: list[Problem] | None = None) -> Iterator[Stamped]:
    """All snapshots of a share, or of one server, newest first; each month is listed only when it is reached.

    Folders that can't be listed, and snapshots in the folder of another month, are added to `problems`, where that is
    given.
    """
    problems = [] if problems is None else problems
    months = list_months(data, server, problems)
    months.sort(key=attrgetter("name"), reverse=True)
    for _, group in groupby(months, key=attrgetter("name")):
        snapshots = [
            Stamped(moment, month.parent.name, f"{month}{os.sep}{stamp}")
            for month in group
            for stamp in stamps_in(month, problems)
            if (moment := stamped(stamp))
        ]
        yield from sorted(snapshots, reverse=True)


def list_servers(data: Path) -> list[str]:
    """The servers that have a snapshot in a share, or a folder that can't be listed, sorted without case."""
    lost: list[Problem] = []
    folders = _server_folders(data, None, lost)
    names = [problem.file.rpartition("/")[2] for problem in lost if "/" in problem.file]
    for folder in folders:
        problems: list[Problem] = []
        months = _months_of(folder, problems)
        if any(stamped(stamp) for month in months for stamp in stamps_in(month, problems)) or problems:
            names.append(folder.name)
    return sorted(names, key=str.casefold)


def _server_folders(data: Path, server: str | None, problems: list[Problem]) -> list[Path]:
    """The folders of all servers or of one; problems of others are left out."""
    root = long_path(data) / "snapshots"

    def is_wanted(name: str) -> bool:
        return not name.startswith(".") and (server is None or name.casefold() == server.casefold())

    return folders_in(root, is_wanted, problems) if root.is_dir() else []


def list_months(data: Path, server: str | None, problems: list[Problem]) -> list[Path]:
    """The folders of months of all servers or of one, server by server; `problems` as in `folders_in`."""
    servers = _server_folders(data, server, problems)
    return [month for folder in servers for month in _months_of(folder, problems)]


def _months_of(folder: Path, problems: list[Problem]) -> list[Path]:
    return folders_in(folder, _MONTH.fullmatch, problems)


_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")


def folders_in(folder: Path, is_wanted: Callable[[str], object], problems: list[Problem]) -> list[Path]:
    """The folders in `folder` with a wanted name, sorted; a glob would take an unlisted one for empty.

    Added to `problems`: that it can't be listed, links that lead nowhere, and files in the place of a folder: those
    whose name has no dot.
    """
    found = []
    try:
        with os.scandir(folder) as entries:
            named = sorted((entry for entry in entries if is_wanted(entry.name)), key=attrgetter("name"))
    except OSError as error:
        _note(folder, error, problems)
        return []
    for entry in named:
        place = folder / entry.name
        try:
            if entry.is_dir():
                found.append(place)
            elif entry.is_symlink() and not place.exists():
                problems.append(Problem(_below_share(place), LEADS_NOWHERE))
            elif _FOLDER.fullmatch(entry.name):
                problems.append(Problem(_below_share(place), "is not a folder"))
        except OSError as error:
            problems.append(Problem(_below_share(place), f"can't be opened ({error.strerror})"))
    return found


LEADS_NOWHERE = "is a link that leads nowhere"
_FOLDER = re.compile(r"\w[\w-]*")


def _note(folder: Path, error: OSError, problems: list[Problem]) -> None:
    """Add that a folder can't be listed, unless it was removed a moment ago."""
    if not isinstance(error, FileNotFoundError) or folder.is_symlink():
        problems.append(Problem(_below_share(folder), f"can't be listed ({reason_of(error)})"))


def _below_share(path: Path) -> str:
    """The path from ``snapshots`` or ``eventlogs`` on, where it lies below one."""
    parts = path.parts
    places = [place for place, part in enumerate(parts) if part in ("snapshots", "eventlogs")]
    return "/".join(parts[places[-1] :]) if places else plain_path(path)


def stamps_in(month: Path, problems: list[Problem]) -> list[str]:
    """The names of the snapshots in the folder of a month; those of other months are added to `problems`."""
    try:
        names = os.listdir(month)  # noqa: PTH208 (3,000 names a month, and no paths wanted)
    except OSError as error:
        _note(month, error, problems)
        return []
    stamps, own = _STAMPS.findall("\n".join(names)), month.name.replace("-", "")
    others = sorted(stamp for stamp in stamps if not stamp.startswith(own) and stamped(stamp))
    what = f"lies in the month {month.name}, so it is not used"
    problems += [Problem(_below_share(month / stamp), what) for stamp in others]
    return [stamp for stamp in stamps if stamp.startswith(own)]


def server_folder(data: Path, server: str, below: str = "snapshots") -> Path:
    """The folder of a server's snapshots (or ``eventlogs``); SnapshotError where `server` can't name a folder."""
    if not re.fullmatch(r"\w[\w.-]*", server):
        raise SnapshotError(f"'{clip(server)}' is not the name of a server")
    return long_path(data) / below / server


SAMPLE_TOOL = "make_sample.py"
"""What wrote the snapshots of the sample share, as their ``snapshot.json`` says."""


def sample_share() -> Path:
    """The sample share of a checkout; SnapshotError where the package was installed without one."""
    share = Path(__file__).parents[2] / "data"
    if (share / "make_sample.py").is_file():
        return share
    raise SnapshotError("name a share with --data: the sample share is only in a checkout of the project")


def snapshot_folder(snapshots: Path, stamp: str) -> Path:
    """Where a snapshot lies below those of its server: in the folder of its month.

    >>> snapshot_folder(Path("data/snapshots/SRV"), "20261123T170200Z").as_posix()
    'data/snapshots/SRV/2026-11/20261123T170200Z'
    """
    return snapshots / f"{stamp[:4]}-{stamp[4:6]}" / stamp


def folders_above(folder: Path) -> Sequence[Path]:
    """The folders above that of a snapshot: its month, its server, ``snapshots`` and the share."""
    return Path(os.path.abspath(folder)).parents  # noqa: PTH100 (resolve() would follow a mapped drive)


def stamp_of(moment: datetime) -> str:
    """The name of a snapshot taken at that moment (aware), to the second: the reverse of `stamped`."""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def stamped(name: str) -> datetime | None:
    """When the snapshot in a folder of this name was taken (aware UTC); None for any other name."""
    try:
        return datetime.fromisoformat(name).astimezone(UTC) if _STAMP.fullmatch(name) else None
    except ValueError:
        return None


_STAMP = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_STAMPS = re.compile(f"^{_STAMP.pattern}$", re.MULTILINE)

CLOCKS_APART = timedelta(minutes=10)
"""How far the clock of a server may be ahead of that of this machine."""


def in_future(taken_at: datetime, now: datetime) -> bool:
    """Whether a snapshot of that time can't be right at `now` (both aware): a clock was wrong when it was taken."""
    return taken_at > now + CLOCKS_APART


def usual_wait(newest_first: Iterable[datetime]) -> timedelta:
    """How long to wait for the next of these times: twice the median gap of the last 20, from an hour to 8 days.

    26 hours where there is only one.

    >>> usual_wait(datetime(2026, 11, day, tzinfo=UTC) for day in (23, 22, 20, 19)).days
    2
    """
    gaps = sorted(after - before for after, before in pairwise(islice(newest_first, 20)))
    return min(max(2 * gaps[len(gaps) // 2], timedelta(hours=1)), timedelta(days=8)) if gaps else timedelta(hours=26)


# snapshot.json --------------------------------------------------------------------------------------------------------

FORMAT = 1


def read_manifest(folder: Path) -> dict[str, Any]:
    """The content of ``snapshot.json``, with every key that is used here checked; SnapshotError otherwise."""
    try:
        manifest = json.loads(read_bytes(folder / "snapshot.json", MOST_OWN_BYTES).decode("utf-8"))
        if not isinstance(manifest, dict):
            raise ValueError("it is not an object")
        if manifest.get("format") != FORMAT:
            wanted = clip(str(manifest.get("format")))
            raise SnapshotError(f"{folder}: this program reads format {FORMAT} of snapshot.json, not {wanted}")
        values = _ABSENT | manifest
        for name, kind in _KINDS.items():
            if not isinstance(values.get(name), kind):
                raise ValueError(f"'{name}' is missing or of a wrong type")
        problems = [*values["problems"], *values["faults"]]
        texts = [*values["folders"], *values["warnings"], *(values["holds"] or [])]
        texts += [*values["sha256"].values(), *chain(*problems)]
        if not all(isinstance(text, str) for text in texts):
            raise ValueError(
                "'folders', 'warnings', 'holds', 'sha256', 'problems' or 'faults' hold something other than text"
            )
        if any(len(pair) != 2 for pair in problems):
            raise ValueError("'problems' or 'faults' are not pairs")
        if values["definitions_read"] and not stamped(values["definitions"] or ""):
            raise ValueError(f"'definitions' is not the name of a snapshot: {values['definitions']}")
        if values["zone"]:
            known_zone(values["zone"])
        aware(values["taken_at"])
        json.dumps(values, ensure_ascii=False).encode("utf-8")  # half a character can't be shown
        return values
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise SnapshotError(f"{folder}: snapshot.json can't be read ({clip(reason_of(error), 160)})") from None


def share_manifest(folder: Path) -> dict[str, Any]:
    """The content of the ``snapshot.json`` of a share; SnapshotError too where it contradicts the snapshot's folder."""
    manifest = read_manifest(folder)
    if what := contradiction(folder, manifest):
        raise SnapshotError(f"{folder}: {what}")
    return manifest


def contradiction(folder: Path, manifest: Mapping[str, Any]) -> str:
    """How ``snapshot.json`` and the folders of a share disagree on time or server; "" where they agree."""
    stamp = stamp_of(aware(manifest["taken_at"]))
    if folder.name != stamp:
        return f"snapshot.json says that it was taken at {manifest['taken_at']}, unlike the name of its folder"
    above = folders_above(folder)
    if snapshot_folder(above[1], stamp) != above[0] / stamp:
        return f"it lies in the month {above[0].name}"
    if above[1].name.casefold() != manifest["server"].casefold():
        return f"snapshot.json says that it is of {clip(manifest['server'])}, unlike the name of its folder"
    return ""


_KINDS: dict[str, Any] = {"server": str, "taken_at": str, "zone": str, "folders": list, "sha256": dict}
_KINDS |= {"definitions_read": bool, "definitions": str | None, "problems": list, "faults": list, "holds": list | None}
_ABSENT: dict[str, Any] = {"folders": [], "definitions_read": False, "definitions": None, "sha256": {}, "problems": []}
_KINDS["warnings"] = list
_ABSENT |= {"faults": [], "holds": None, "warnings": []}


# Stored definitions ---------------------------------------------------------------------------------------------------


@dataclass
class StoredDefinitions:
    """The definitions that the snapshot in `folder` stores, with their sha256 as its ``snapshot.json`` lists them."""

    folder: Path

    @classmethod
    def of(cls, folder: Path, manifest: Mapping[str, Any]) -> Self | None:
        """Those that a snapshot stores, or those of the snapshot that it names; None where it has none or lost them."""
        if not manifest["definitions_read"]:
            return None
        places = (folder, snapshot_folder(folders_above(folder)[1], manifest["definitions"]))
        return next((cls(place) for place in places if (place / "tasks").is_dir()), None)

    @property
    def tasks(self) -> Path:
        """The folder of the files."""
        return self.folder / "tasks"

    @cached_property
    def hashes(self) -> dict[str, str]:
        """The sha256 of each file (``tasks/...``); SnapshotError where ``snapshot.json`` can't be read."""
        hashes = read_manifest(self.folder)["sha256"]
        return {name: sha256 for name, sha256 in hashes.items() if name.startswith("tasks/")}

    def find(self) -> Found:
        """All tasks; files that can't be read, are missing or were changed are problems."""
        found = find_tasks(self.tasks, path_of=task_path)
        try:
            hashes = {name.removeprefix("tasks/"): sha256 for name, sha256 in self.hashes.items()}
        except SnapshotError as error:
            found.problems.append(Problem(f"{self.folder.name}/snapshot.json", str(error)))
            return found
        read = {found.files[path]: sha256 for path, sha256 in found.hashes.items()}
        for name in sorted(hashes.keys() - {problem.file for problem in found.problems}):
            if name not in read:
                found.problems.append(Problem(name, "is listed in snapshot.json but missing"))
            elif read[name] != hashes[name]:
                found.problems.append(Problem(name, CHANGED))
        return found

    def read(self, path: str) -> TaskDefinition:
        """The definition of a task; TaskXmlError where it can't be read. Its hash is not compared."""
        try:
            data = read_bytes(self.tasks / file_name(path))
        except OSError as error:
            raise TaskXmlError(f"can't be opened ({error.strerror})") from None
        return task_of(data, hashlib.sha256(data).hexdigest())


def wrong_files(folder: Path, hashes: Mapping[str, str]) -> list[Problem]:
    """The files of a folder, of those with a sha256 in `hashes` (by posix path), that are missing or were changed."""
    wrong = []
    for name, sha256 in sorted(hashes.items()):
        try:
            if hashlib.sha256(read_bytes(folder / name, MOST_OWN_BYTES)).hexdigest() != sha256:
                wrong.append(Problem(name, CHANGED))
        except FileNotFoundError:
            wrong.append(Problem(name, "is not there"))
        except OSError as error:
            wrong.append(Problem(name, f"can't be opened ({error.strerror})"))
        except ValueError as error:
            wrong.append(Problem(name, clip(str(error))))
    return wrong
