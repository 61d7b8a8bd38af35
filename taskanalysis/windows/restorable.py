r"""What of a snapshot can be put back: the exact text of each definition, checked against its hash, and its account.

Authority: [MS-TSCH] 2.5 for where accounts stand in a definition. A text is registered as it is stored; only what was
written in another encoding than Windows' own, or is to run as another account, is written anew.

>>> from taskanalysis.snapshot import read_snapshot
>>> [(each.path, each.account) for each in read_wanted(read_snapshot("tests/files/folder")).tasks]
[('\\OpenData\\Load', ''), ('\\OpenData\\Permits\\Nightly', '')]
"""

from __future__ import annotations

import codecs
import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lxml import etree

from taskanalysis.definition import (
    Chunk,
    LogonTrigger,
    Principal,
    RegistrationTrigger,
    SessionStateChangeTrigger,
    TaskDefinition,
    parse,
    read_bytes,
    read_task,
    split_tasks,
    without_mark,
    xml_text,
)
from taskanalysis.errors import Problem, SnapshotError, TaskXmlError
from taskanalysis.snapshot import CHANGED, Snapshot, in_scope, plain_path, read_manifest
from taskanalysis.text import clip

__all__ = ["Wanted", "WantedTasks", "encoded", "parse_map", "read_wanted", "stored_text", "switched_off"]

DECLARATION = '<?xml version="1.0" encoding="UTF-16"?>\r\n'
_DECLARES_OTHER = re.compile(r"""\s*<\?xml[^>]*?encoding\s*=\s*["'](?!UTF-16["'])""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One task as it should be: its stored text, what that means, and its access list ("" where not known).

    `off` is a task that is to be switched off though its definition says otherwise: that is asked for, or its status
    said so.
    """

    path: str
    xml: str
    task: TaskDefinition
    sddl: str = ""
    off: bool = False

    @property
    def folder(self) -> str:
        r"""The folder that it lies in, ``\`` for the root."""
        return self.path.rpartition("\\")[0] or "\\"

    @property
    def name(self) -> str:
        """Its name in that folder."""
        return self.path.rpartition("\\")[2]

    @property
    def text(self) -> str:
        """The text to register. Windows' own flag for "off" is not known to work where a task is replaced."""
        return switched_off(self.xml) if self.off else self.xml

    @property
    def expected(self) -> TaskDefinition:
        """What should be read back after it was registered."""
        return replace(self.task, settings=replace(self.task.settings, enabled=False)) if self.off else self.task

    @property
    def enabled(self) -> bool:
        """Whether it is switched on afterwards."""
        return self.task.settings.enabled and not self.off

    @property
    def account(self) -> str:
        """Whom it runs as, as the definition writes it; "" where it does not say."""
        return self.task.principal.user_id or self.task.principal.group_id

    @property
    def asks_password(self) -> bool:
        """Whether Windows wants the account's password to register it."""
        return self.task.principal.needs_password

    @property
    def logs_on_as(self) -> str:
        """The account to hand over with or without its password, "" where the definition is enough."""
        stored = self.logon_type in ("Password", "InteractiveTokenOrPassword")
        return self.account if stored else ""  # a managed account logs on with a password too, which Windows knows

    @property
    def logon_type(self) -> str:
        """How it logs on, in the schema's words; ``Group`` and ``ServiceAccount`` where the account says so."""
        principal = self.task.principal
        if principal.is_service:
            return "ServiceAccount"
        return "Group" if principal.group_id and not principal.user_id else principal.logon_type

    @property
    def starts_at_once(self) -> bool:
        """Whether registering it would start it, did one not forbid it."""
        return any(isinstance(each, RegistrationTrigger) and each.enabled for each in self.task.triggers)

    @property
    def accounts(self) -> list[str]:
        """All accounts that Windows must know, as they are written: a name of ours would be in one language only."""
        named = [each.user_id or each.group_id for each in self.task.principals if not each.is_service]
        named += [each.user_id for each in self.task.triggers if isinstance(each, LogonTrigger)]
        named += [each.user_id for each in self.task.triggers if isinstance(each, SessionStateChangeTrigger)]
        return list(dict.fromkeys(filter(None, named)))


@dataclass(slots=True)
class WantedTasks:
    r"""The tasks to put back, in the order of their paths; what could not be read; tasks of ``\Microsoft`` left out."""

    tasks: list[Wanted] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    left_out: int = 0


def read_wanted(
    snapshot: Snapshot,
    *,
    folder: str = "",
    tasks: Sequence[str] = (),
    mapping: Mapping[str, str] | None = None,
    disabled: bool = False,
) -> WantedTasks:
    r"""The tasks in `folder` and below and those named by `tasks`; with neither, all outside ``\Microsoft``.

    `mapping` names other accounts in place of those of the definitions, by their text in lower case (`parse_map`);
    `disabled` switches all off. SnapshotError where there is nothing of what is asked for, and where a file of the
    snapshot is missing, changed or added since it was written: nothing of it is then put back.
    """
    chosen = _chosen(snapshot, folder, tasks)
    read, access, used = _Files(snapshot), _access_lists(snapshot), set[str]()
    found = WantedTasks(left_out=len(snapshot.tasks) - len(chosen) if not folder and not tasks else 0)
    for path in chosen:
        try:
            xml, task = read.text(path), snapshot.tasks[path]
            if mapping and (renamed := _renamed(xml, mapping, used)):
                xml, task = renamed, read_task(encoded(renamed))
        except (TaskXmlError, OSError) as error:
            found.problems.append(Problem(snapshot.files[path], str(error)))
            continue
        status = snapshot.statuses.get(path)
        was_off = status is not None and (status.enabled is False or status.state == "Disabled")
        off = task.settings.enabled and (disabled or was_off)
        found.tasks.append(Wanted(path, xml, task, access.get(path.casefold(), ""), off))
    found.problems += [problem for problem in snapshot.problems if problem.file.lower() != "status.csv"]
    if unused := sorted((mapping or {}).keys() - used):
        raise SnapshotError(f"no task that is to be put back names the account {clip(unused[0])}")
    return found


def parse_map(pairs: Sequence[str]) -> dict[str, str]:
    r"""``OLD=NEW`` of the command line as a mapping from OLD in lower case; ValueError where one is not of that form.

    >>> parse_map(["TOWN\\etl=CITY\\svc-etl$"])
    {'town\\etl': 'CITY\\svc-etl$'}
    """
    mapping = {}
    for pair in pairs:
        old, _, new = (part.strip() for part in pair.partition("="))
        if not old or not new or old.casefold() in mapping:
            raise ValueError(f"'{clip(pair)}' is not OLD=NEW, or names an account again")
        mapping[old.casefold()] = new
    return mapping


def stored_text(data: bytes) -> str:
    r"""The text to register for the bytes of a definition: as stored where they are what Windows exports.

    Windows takes the text as UTF-16 whatever it was read from, and refuses one whose declaration says otherwise.

    >>> stored_text(b"<?xml version='1.0' encoding='UTF-8'?>\n<Task/>").splitlines()
    ['<?xml version="1.0" encoding="UTF-16"?>', '<Task/>']
    """
    encoding, rest = without_mark(data)
    if encoding == "utf-16-le":
        text = rest.decode(encoding).lstrip("\ufeff")
        if not _DECLARES_OTHER.match(text):
            return text
    return DECLARATION + xml_text(data).lstrip(" \t\r\n")  # the line that the old declaration stood on is not kept


def encoded(xml: str) -> bytes:
    """A text as Windows exports it to a file: UTF-16LE with byte order mark."""
    return codecs.BOM_UTF16_LE + xml.encode("utf-16-le", "surrogatepass")  # halves are refused by whoever reads it


def switched_off(xml: str) -> str:
    """The definition with ``Settings/Enabled`` false.

    >>> switched_off("<Task><Settings/></Task>").splitlines()[1]
    '<Task><Settings><Enabled>false</Enabled></Settings></Task>'
    """
    root = parse(encoded(xml))
    settings = root.find("{*}Settings")
    if settings is None:
        settings = etree.SubElement(root, _like(root, "Settings"))
    enabled = settings.find("{*}Enabled")
    if enabled is None:
        enabled = etree.SubElement(settings, _like(root, "Enabled"))
    enabled.text = "false"
    return _written(root)


# What is asked for ----------------------------------------------------------------------------------------------------


def _chosen(snapshot: Snapshot, folder: str, tasks: Sequence[str]) -> list[str]:
    if "definitions" not in snapshot.holds:
        raise SnapshotError(f"{plain_path(snapshot.source)} holds no definitions of tasks, only how they stand")
    if snapshot.others:
        raise SnapshotError(f"{plain_path(snapshot.share)} holds several servers: name the folder of one snapshot")
    known = {path.casefold(): path for path in snapshot.tasks}
    absent = [task for task in tasks if task.casefold() not in known]
    if absent:
        raise SnapshotError(f"no task {clip(absent[0])} is in {plain_path(snapshot.source)}")
    chosen = {known[task.casefold()] for task in tasks}
    if folder or not tasks:
        chosen |= snapshot.within(folder).keys()
    if folder and not any(in_scope(path, [folder]) for path in chosen):
        raise SnapshotError(f"no task of {plain_path(snapshot.source)} lies in {folder} or below")
    return sorted(chosen, key=str.casefold)


def _access_lists(snapshot: Snapshot) -> dict[str, str]:
    kept = snapshot.manifest.get("sddl")
    pairs = kept.items() if isinstance(kept, dict) else ()
    return {path.casefold(): sddl for path, sddl in pairs if isinstance(path, str) and isinstance(sddl, str)}


# Files ----------------------------------------------------------------------------------------------------------------


class _Files:
    """The texts of a snapshot's definitions; SnapshotError at once where it is of our format and damaged."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.chunks: list[Chunk] = []
        self.root = _holder(snapshot) / "tasks" if snapshot.manifest else snapshot.source
        damaged = _damage(snapshot, self.root.parent) if snapshot.manifest else []
        if damaged:
            more = f", and {len(damaged) - 1} more" if len(damaged) > 1 else ""
            raise SnapshotError(
                f"{plain_path(snapshot.source)} is damaged ({damaged[0].file} {damaged[0].what}{more}): "
                "nothing of it is put back; its folder tasks, named by itself, is read as it is"
            )

    def text(self, path: str) -> str:
        """The text to register; TaskXmlError or OSError where it can't be read any more as it was."""
        name = self.snapshot.files[path]
        number = re.search(r" \((\d+)\)$", name)
        if self.root.is_dir():
            data = read_bytes(self.root / name)
        elif number:
            self.chunks = self.chunks or list(split_tasks(xml_text(read_bytes(self.root))))
            return DECLARATION + self.chunks[int(number[1]) - 1].text
        else:
            data = read_bytes(self.root)
        wanted = self.snapshot.hashes[path]
        if wanted and hashlib.sha256(data).hexdigest() != wanted:
            raise TaskXmlError("was changed while it was read")
        return stored_text(data)


def _holder(snapshot: Snapshot) -> Path:
    """The folder whose ``tasks/`` holds the definitions: its own, or that of the snapshot that it names."""
    if (snapshot.source / "tasks").is_dir():
        return snapshot.source
    stamp = str(snapshot.manifest["definitions"])
    return Path(os.path.abspath(snapshot.source)).parent.parent / f"{stamp[:4]}-{stamp[4:6]}" / stamp  # noqa: PTH100


def _damage(snapshot: Snapshot, holder: Path) -> list[Problem]:
    """What is not as it was written, in the snapshot and where its definitions lie."""
    written = {snapshot.source / name: sha256 for name, sha256 in snapshot.manifest["sha256"].items()}
    if holder != snapshot.source:
        kept = read_manifest(holder)["sha256"]
        written |= {holder / name: sha256 for name, sha256 in kept.items() if name.startswith("tasks/")}
    damaged = []
    for file, sha256 in sorted(written.items()):
        name = file.relative_to(holder if file.is_relative_to(holder) else snapshot.source).as_posix()
        try:
            if hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
                damaged.append(Problem(name, CHANGED))
        except OSError as error:
            damaged.append(Problem(name, f"can't be opened ({error.strerror})"))
    # one that was put there since would run with the rights that it claims
    added = sorted({holder / "tasks" / name for name in snapshot.files.values()} - written.keys())
    return damaged + [Problem(file.relative_to(holder).as_posix(), "is not listed in snapshot.json") for file in added]


# Accounts -------------------------------------------------------------------------------------------------------------


def _renamed(xml: str, mapping: Mapping[str, str], used: set[str]) -> str:
    """The definition with other accounts in its principals and triggers, "" where it names none of them."""
    root = parse(encoded(xml))
    places = [*root.iterfind("{*}Principals/{*}Principal/*"), *root.iterfind("{*}Triggers/*/{*}UserId")]
    changed = False
    for element in places:
        text = (element.text or "").strip()
        spellings = [text.casefold(), Principal(user_id=text).account.casefold()]
        old = next((each for each in spellings if each in mapping), "")
        if etree.QName(element).localname in ("UserId", "GroupId") and old:
            used.add(old)
            element.text = mapping[old]
            changed = True
            parent = element.getparent()
            if parent is not None and etree.QName(parent).localname == "Principal":
                _fit_logon(parent, was_service=Principal(user_id=text).is_service, now=mapping[old])
    return _written(root) if changed else ""


def _fit_logon(principal: etree._Element, *, was_service: bool, now: str) -> None:
    """A service account has no logon type, another one that takes its place needs one."""
    logon = principal.find("{*}LogonType")
    if Principal(user_id=now).is_service:
        if logon is not None:
            principal.remove(logon)
    elif was_service:
        logon = etree.SubElement(principal, _like(principal, "LogonType")) if logon is None else logon
        logon.text = "Password"


def _like(element: etree._Element, name: str) -> str:
    """A name in the namespace of an element."""
    return re.sub(r"[^}]*$", "", str(element.tag)) + name


def _written(root: etree._Element) -> str:
    return DECLARATION + etree.tostring(root, encoding="unicode")
