r"""Select the tasks of a snapshot to restore: the exact text of each definition, checked by its hash, and its account.

Authority: [MS-TSCH] 2.5 for where accounts stand in a definition. A text is registered as it is stored; it is rewritten
only if it has another encoding than Windows' own, or gets another account.

>>> from taskanalysis.snapshot import read_snapshot
>>> [(task.path, task.account) for task in read_wanted(read_snapshot("tests/files/folder")).tasks]
[('\\OpenData\\Load', ''), ('\\OpenData\\Permits\\Nightly', '')]
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lxml import etree

from taskanalysis.definition import (
    Chunk,
    Principal,
    TaskDefinition,
    is_localised,
    model,
    parse,
    read_bytes,
    read_task,
    service_sid,
    split_tasks,
    without_mark,
    xml_text,
)
from taskanalysis.errors import Problem, SnapshotError, TaskXmlError
from taskanalysis.snapshot import (
    Snapshot,
    StoredDefinitions,
    account_of,
    in_scope,
    is_evidence,
    not_in_backup,
    plain_path,
    wrong_files,
)
from taskanalysis.text import clip

DECLARATION = '<?xml version="1.0" encoding="UTF-16"?>\r\n'
_DECLARES_OTHER = re.compile(r"""\s*<\?xml[^>]*?encoding\s*=\s*["'](?!UTF-16["'])""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A task to restore: its stored text, the definition it holds, and its access list ("" if not known).

    `off`: to be disabled although its definition is enabled, on request or because its status was disabled.
    """

    path: str
    xml: str
    task: TaskDefinition
    sddl: str = ""
    off: bool = False

    @property
    def folder(self) -> str:
        r"""Its folder, ``\`` for the root."""
        return self.path.rpartition("\\")[0] or "\\"

    @property
    def name(self) -> str:
        """Its name in the folder."""
        return self.path.rpartition("\\")[2]

    @property
    def text(self) -> str:
        """The text to register. It is not known whether TASK_DISABLE works where a task is replaced."""
        return switched_off(self.xml) if self.off else self.xml

    @property
    def expected(self) -> TaskDefinition:
        """The definition that should read back after registration."""
        return replace(self.task, settings=replace(self.task.settings, enabled=False)) if self.off else self.task

    @property
    def enabled(self) -> bool:
        """Whether it is enabled after registration."""
        return self.task.settings.enabled and not self.off

    @property
    def account(self) -> str:
        """The account, as the definition spells it; "" if it names none."""
        return account_of(self.task)

    @property
    def asks_password(self) -> bool:
        """Whether registering it takes the account's password."""
        return self.task.principal.needs_password

    @property
    def logs_on_as(self) -> str:
        """The account to pass on, with or without a password; "" if the definition is enough."""
        stored = self.logon_type in ("Password", "InteractiveTokenOrPassword")
        return self.account if stored else ""  # a managed account has a password too, known to Windows

    @property
    def logon_type(self) -> str:
        """The logon type in the schema's words; ``Group`` or ``ServiceAccount`` by the account."""
        principal = self.task.principal
        if principal.is_service:
            return "ServiceAccount"
        return "Group" if principal.group_id and not principal.user_id else principal.logon_type

    @property
    def starts_at_once(self) -> bool:
        """Whether an enabled registration trigger would start it."""
        return any(isinstance(trigger, model.RegistrationTrigger) and trigger.enabled for trigger in self.task.triggers)


@dataclass(slots=True)
class WantedTasks:
    r"""The tasks in the order of their paths, what could not be read, and the number of ``\Microsoft``'s left out."""

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
    r"""Select the tasks in `folder` and below and those in `tasks`; with neither, all outside ``\Microsoft``.

    `mapping` replaces accounts, by their name in lower case (`parse_map`); `disabled` disables all. SnapshotError where
    the snapshot does not hold what is asked for, and where a file of it is missing, changed or added since it was
    written: nothing of it is restored then.
    """
    chosen = _chosen(snapshot, folder, tasks)
    files, access_lists, used = _Files(snapshot), _access_lists(snapshot), set[str]()
    wanted = WantedTasks(left_out=len(snapshot.tasks) - len(chosen) if not folder and not tasks else 0)
    for path in chosen:
        try:
            xml, task = files.text(path), snapshot.tasks[path]
            accounts = {**_by_sid(task), **(mapping or {})}
            if accounts and (renamed := _renamed(xml, accounts, used)):
                xml, task = renamed, read_task(encoded(renamed))
        except (TaskXmlError, OSError) as error:
            wanted.problems.append(Problem(snapshot.files[path], str(error)))
            continue
        status = snapshot.statuses.get(path)
        was_off = status is not None and (status.enabled is False or status.state == "Disabled")
        off = task.settings.enabled and (disabled or was_off)
        wanted.tasks.append(Wanted(path, xml, task, access_lists.get(path.casefold(), ""), off))
    wanted.problems += [
        problem
        for problem in snapshot.problems
        if problem.file.lower() != "status.csv" and not is_evidence(problem.file)
    ]
    if unused := sorted((mapping or {}).keys() - used):
        raise SnapshotError(f"no task to restore names the account {clip(unused[0])}")
    return wanted


def parse_map(pairs: Sequence[str]) -> dict[str, str]:
    r"""Parse ``OLD=NEW`` pairs into a mapping from OLD in lower case; ValueError for any other form.

    >>> parse_map(["TOWN\\etl=CITY\\svc-etl$"])
    {'town\\etl': 'CITY\\svc-etl$'}
    """
    mapping = {}
    for pair in pairs:
        old, _, new = (part.strip() for part in pair.partition("="))
        if not old or not new or old.casefold() in mapping:
            raise ValueError(f"'{clip(pair)}' is not OLD=NEW, or names an account twice")
        mapping[old.casefold()] = new
    return mapping


def stored_text(data: bytes) -> str:
    r"""The text to register for the bytes of a definition; what Windows exported stays as it is.

    Windows takes the text as UTF-16 whatever the file was, and refuses a declaration that says otherwise.

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
    """Encode a text as Windows exports it: UTF-16LE with byte order mark."""
    return codecs.BOM_UTF16_LE + xml.encode("utf-16-le", "surrogatepass")  # readers refuse half characters


def switched_off(xml: str) -> str:
    """Set ``Settings/Enabled`` of a definition to false.

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


# Selection ------------------------------------------------------------------------------------------------------------


def _chosen(snapshot: Snapshot, folder: str, tasks: Sequence[str]) -> list[str]:
    if "definitions" not in snapshot.holds:
        raise SnapshotError(f"{plain_path(snapshot.source)} holds no task definitions, only statuses")
    if snapshot.others:
        raise SnapshotError(f"{plain_path(snapshot.share)} holds several servers: name the folder of one snapshot")
    paths = {path.casefold(): path for path in snapshot.tasks}
    lacking = not_in_backup(snapshot, folder, tasks)
    known = {path.casefold() for path in (*paths, *lacking)}
    missing = [task for task in tasks if task.casefold() not in known]
    if missing:
        raise SnapshotError(f"{plain_path(snapshot.source)} has no task {clip(missing[0])}")
    chosen = {paths[task.casefold()] for task in tasks if task.casefold() in paths}
    if folder or not tasks:
        chosen |= snapshot.within(folder).keys()
    if folder and not any(in_scope(path, [folder]) for path in (*chosen, *lacking)):
        raise SnapshotError(f"{plain_path(snapshot.source)} has no task in {clip(folder)} or below")
    return sorted(chosen, key=str.casefold)


def _access_lists(snapshot: Snapshot) -> dict[str, str]:
    lists = snapshot.manifest.get("sddl")
    pairs = lists.items() if isinstance(lists, dict) else ()
    return {path.casefold(): sddl for path, sddl in pairs if isinstance(sddl, str)}  # JSON has no other keys than text


# Files ----------------------------------------------------------------------------------------------------------------


class _Files:
    """The texts of a snapshot's definitions; SnapshotError at once where it is of our format and damaged."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.chunks: dict[Path, list[Chunk]] = {}
        stored = StoredDefinitions.of(snapshot.source, snapshot.manifest) if snapshot.manifest else None
        self.root = stored.tasks if stored else snapshot.source
        if not stored:
            return
        hashes = snapshot.manifest["sha256"].items()
        damaged = wrong_files(snapshot.source, {name: sha256 for name, sha256 in hashes if not is_evidence(name)})
        if stored.folder != snapshot.source:
            damaged += wrong_files(stored.folder, stored.hashes)
        # one that was put there since would run with the rights that it claims
        added = sorted({f"tasks/{name}" for name in snapshot.files.values()} - stored.hashes.keys())
        damaged += [Problem(name, "is not listed in snapshot.json") for name in added]
        if damaged:
            more = f", and {len(damaged) - 1} more" if len(damaged) > 1 else ""
            raise SnapshotError(
                f"{plain_path(snapshot.source)} is damaged ({damaged[0].file} {damaged[0].what}{more}): "
                "nothing of it is restored; name its folder tasks to restore that unchecked"
            )

    def text(self, path: str) -> str:
        """The text to register; TaskXmlError or OSError where it can't be read any more as it was."""
        name = self.snapshot.files[path]
        number = re.search(r" \((\d+)\)$", name)
        file = self.root / name if self.root.is_dir() else self.root
        if number and (file == self.root or not file.is_file()):  # one of a file with many
            file = file if file == self.root else self.root / name[: number.start()]
            if file not in self.chunks:
                self.chunks[file] = list(split_tasks(xml_text(read_bytes(file))))
            return DECLARATION + self.chunks[file][int(number[1]) - 1].text
        data = read_bytes(file)
        wanted = self.snapshot.hashes[path]
        if wanted and hashlib.sha256(data).hexdigest() != wanted:
            raise TaskXmlError("was changed while it was read")
        return stored_text(data)


# Accounts -------------------------------------------------------------------------------------------------------------


def _by_sid(task: TaskDefinition) -> dict[str, str]:
    """Service accounts by a name that only Windows of some languages knows -> their SIDs, which every one knows."""
    names = [principal.user_id for principal in task.principals if is_localised(principal.user_id)]
    return {name.casefold(): service_sid(name) for name in names}


def _renamed(xml: str, mapping: Mapping[str, str], used: set[str]) -> str:
    """Replace the accounts of principals and triggers; "" if the definition names none of them."""
    root = parse(encoded(xml))
    elements = [*root.iterfind("{*}Principals/{*}Principal/*"), *root.iterfind("{*}Triggers/*/{*}UserId")]
    changed = False
    for element in elements:
        text = (element.text or "").strip()
        spellings = [Principal(user_id=text).account.casefold(), text.casefold()]
        old = next((spelling for spelling in spellings if spelling in mapping), "")
        if etree.QName(element).localname in ("UserId", "GroupId") and old:
            used.add(old)
            element.text = mapping[old]
            changed = True
            parent = element.getparent()
            if parent is not None and etree.QName(parent).localname == "Principal":
                _fit_logon(parent, was_service=Principal(user_id=text).is_service, now=mapping[old])
    return _written(root) if changed else ""


def _fit_logon(principal: etree._Element, *, was_service: bool, now: str) -> None:
    """Remove the logon type for a service account; add one for an account that replaces a service account."""
    logon = principal.find("{*}LogonType")
    if Principal(user_id=now).is_service:
        if logon is not None:
            principal.remove(logon)
    elif was_service:
        logon = etree.SubElement(principal, _like(principal, "LogonType")) if logon is None else logon
        logon.text = "Password"


def _like(element: etree._Element, name: str) -> str:
    """Qualify a name with the namespace of an element."""
    return re.sub(r"[^}]*$", "", str(element.tag)) + name


def _written(root: etree._Element) -> str:
    return DECLARATION + etree.tostring(root, encoding="unicode")
