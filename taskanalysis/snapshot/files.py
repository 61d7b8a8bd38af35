r"""Task XML in files: a folder of exports, a copy of ``C:\Windows\System32\Tasks``, or one file with many tasks.

A bad file is a problem and does not stop the others. Authority for the shapes: real exports, the output of ``schtasks
/query /xml`` (tasks with a comment each), and the files that Windows keeps, which have no extension.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from taskanalysis.definition import TaskDefinition, open_regular, read_bytes, read_many, read_task
from taskanalysis.errors import Problem, SnapshotError, TaskXmlError, reason_of
from taskanalysis.snapshot.kinds import EMPTY, HEAD, OTHER, XML, Kind, kind_of
from taskanalysis.text import clip, printable


@dataclass(slots=True)
class Found:
    """Definitions by task path with file and sha256, the number `failed`, and when the newest file was `changed`.

    `notes` are those of the problems that are no damage: files that are not of tasks; `broken` those of definitions
    that can't be read.
    """

    tasks: dict[str, TaskDefinition] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    broken: list[Problem] = field(default_factory=list)
    changed: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    failed: int = 0
    _first: dict[str, str] = field(default_factory=dict)

    def add(self, path: str, definition: TaskDefinition, name: str, sha256: str) -> None:
        """Keep a task; one whose path is taken (Windows compares without case) is listed under its file name."""
        if path.casefold() in self._first:
            other = self._first[path.casefold()]
            wanted, path = path, _where(name)
            while path.casefold() in self._first:
                path += "~"
            self.problems.append(Problem(name, f"has the same task path {clip(wanted)} as {other}; listed as {path}"))
        self._first.setdefault(path.casefold(), name)
        self.tasks[path], self.files[path], self.hashes[path] = definition, name, sha256

    def pass_over(self, name: str, kind: Kind) -> None:
        """Note a file that is not read."""
        self.problems.append(Problem(name, kind.what))
        if not kind.is_data:
            self.notes.append(self.problems[-1])

    def fail(self, name: str, what: object) -> None:
        """Note task XML that could not be read."""
        self.failed += 1
        self.problems.append(Problem(name, str(what)))
        self.broken.append(self.problems[-1])


def read_tasks(source: str | Path) -> tuple[dict[str, TaskDefinition], list[Problem]]:
    r"""All tasks of a folder, or of one file with many (``schtasks /query /xml``), by task path, and the problems.

    A task path is where the file lies, without ``.xml``; in a folder without subfolders, the URI. A second file with
    the same path is a problem and listed under its file name, so that it is not lost. Reads files that end in ``.xml``,
    have no extension, or contain ``<Task`` near the start, those with many tasks, too; every other file is a problem.
    SnapshotError where `source` can't be opened.

    >>> tasks, problems = read_tasks("tests/files/folder")
    >>> sorted(tasks), [problem.file for problem in problems]
    (['\\OpenData\\Load', '\\OpenData\\Permits\\Nightly'], ['OpenData/Broken.xml'])
    """
    if source == "":
        raise SnapshotError("name a file or a folder with task XML")
    found = find_tasks(Path(source))
    return found.tasks, found.problems


def find_tasks(source: Path, path_of: Callable[[str], str] | None = None, skip: Sequence[Path] = ()) -> Found:
    """Read all task XML in a file or below a folder, except `skip`; `path_of` gives the task path of a file name."""
    found = Found()
    try:
        source.stat()
    except (OSError, ValueError) as error:
        reason = "does not exist" if isinstance(error, FileNotFoundError) else f"can't be opened ({reason_of(error)})"
        raise SnapshotError(f"{source} {reason}") from None
    if source.is_dir():
        _folder(source, found, path_of, skip)
    else:
        _file_with_many(source, found)
    return found


def _folder(source: Path, found: Found, path_of: Callable[[str], str] | None, skip: Sequence[Path]) -> None:
    def closed(error: OSError) -> None:
        name = printable(Path(error.filename).relative_to(source).as_posix())
        found.fail(name + "/", f"can't be opened ({error.strerror})")

    # as text: making a Path for each of many files takes longer than reading them; in the order of paths
    files = [os.path.join(root, name) for root, _, names in os.walk(source, onerror=closed) for name in names]  # noqa: PTH118
    files.sort(key=lambda file: os.path.normcase(file).split(os.sep))  # noqa: PTH206
    begin = len(os.path.join(source, ""))  # noqa: PTH118
    read: list[tuple[str, str, TaskDefinition, str]] = []  # name, path in a file with many, definition, sha256
    newest = 0.0
    for file in (file for file in files if not skip or Path(file) not in skip):
        name = printable(file[begin:].replace(os.sep, "/"))
        try:
            if not _is_task_xml(file):
                if path_of is None and name != OWN_RULES:
                    found.pass_over(name, _kind(file))
                continue
            data = read_bytes(file)
            newest = max(newest, os.stat(file).st_mtime)  # noqa: PTH116 (pathlib takes longer)
            read += _tasks_of(name, data, found)
        except TaskXmlError as error:
            kind = XML if path_of else _kind(file)
            if kind in (XML, OTHER, EMPTY):
                found.fail(name, _why(file, error, kind))
            else:
                found.pass_over(name, kind)
        except OSError as error:
            found.fail(name, f"can't be opened ({error.strerror})")
    found.changed = datetime.fromtimestamp(int(newest), UTC)
    flat = path_of is None and not any("/" in name for name, _, _, _ in read)
    for name, given, definition, sha256 in read:
        here = given or (path_of or _where_without_extension)(name)
        path = definition.uri if flat and not given and re.match(r"\\[^\\]", definition.uri) else here
        found.add(path, definition, name, sha256)


def _tasks_of(name: str, data: bytes, found: Found) -> list[tuple[str, str, TaskDefinition, str]]:
    """The task of a file, or all of one with many; TaskXmlError where it holds neither."""
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        return [(name, "", task_of(data, sha256), sha256)]
    except TaskXmlError:
        plain = data.replace(b"\0", b"")
        many = list(read_many(data)) if plain.count(b"<Task") > 1 else []
        if len(many) < 2 and not (many and b"<Tasks" in plain):
            raise
    tasks = []
    for number, (path, outcome) in enumerate(many, 1):
        if isinstance(outcome, TaskXmlError):
            found.fail(name, f"task {number} {path}".strip() + f": {outcome}")
        else:
            tasks.append((f"{name} ({number})", path, outcome, ""))
    return tasks


OWN_RULES = "rules.toml"
"""What the office says of its tasks; it may lie beside them."""


def _why(name: str, error: TaskXmlError, kind: Kind) -> str:
    """Why a file is not read: what it looks like, or what is wrong with it as XML."""
    return str(error) if kind in (XML, EMPTY) or (kind is OTHER and name.lower().endswith(".xml")) else kind.what


def _kind(file: str) -> Kind:
    with open_regular(file) as opened:
        return kind_of(opened.read(HEAD))


def task_of(data: bytes, sha256: str) -> TaskDefinition:
    """The definition in a file of these bytes, as `read_task`; bytes of the same `sha256` are parsed only once.

    >>> task_of(b"<Task/>", "h") is task_of(b"<Task/>", "h")
    True
    """
    if sha256 not in _PARSED:
        if len(_PARSED) >= MOST_PARSED:
            _PARSED.clear()
        _PARSED[sha256] = read_task(data)
    return _PARSED[sha256]


def known_task(sha256: str) -> TaskDefinition | None:
    """The definition in a file of these bytes, where it has been parsed before."""
    return _PARSED.get(sha256)


MOST_PARSED = 20_000
_PARSED: dict[str, TaskDefinition] = {}


def _file_with_many(file: Path, found: Found) -> None:
    try:
        data = read_bytes(file)
        found.changed = datetime.fromtimestamp(int(file.stat().st_mtime), UTC)
        outcomes = list(read_many(data)) or [("", read_task(data))]
    except OSError as error:
        raise SnapshotError(f"{file} can't be opened ({error.strerror})") from None
    except TaskXmlError as error:
        outcomes = [("", TaskXmlError(_why(file.name, error, kind_of(data[:HEAD]))))]
    for number, (path, outcome) in enumerate(outcomes, 1):
        if isinstance(outcome, TaskXmlError):
            place = f"task {number} {path}".strip() + ": " if len(outcomes) > 1 else ""
            found.fail(printable(file.name), place + str(outcome))
        else:
            sha256 = hashlib.sha256(data).hexdigest() if len(outcomes) == 1 else ""
            name = printable(file.name) + (f" ({number})" if len(outcomes) > 1 else "")
            found.add(path or _where_without_extension(name), outcome, name, sha256)


def _where(name: str) -> str:
    return "\\" + name.replace("/", "\\")


def _where_without_extension(name: str) -> str:
    return _where(re.sub(r"\.xml$", "", name, flags=re.IGNORECASE))


def _is_task_xml(file: str) -> bool:
    """Whether it ends in ``.xml``, has no extension, as Windows keeps them, or begins like task XML."""
    if file.lower().endswith(".xml") or not Path(file).suffix:
        return True
    with open_regular(file) as opened:
        return b"<Task" in opened.read(4096).replace(b"\0", b"")
