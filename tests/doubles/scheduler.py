"""A Task Scheduler in memory that refuses what Windows refuses, with faults to inject.

Sources of what it refuses: [MS-TSCH] 3.2.5.4.2 and 2.3.11, and Microsoft's pages on ITaskFolder::RegisterTask. Nobody
has compared it with a real one yet. Where they leave a choice it is the stricter one: a missing folder is refused,
though RegisterTask may create it.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from taskanalysis.definition.model import RegistrationTrigger
from taskanalysis.definition.reader import read_task
from taskanalysis.errors import TaskXmlError
from taskanalysis.snapshot.status import STATUS_FIELDS, Moment, Status
from taskanalysis.windows import scheduler as door
from taskanalysis.windows.machine import SeenFile
from taskanalysis.windows.scheduler import SchedulerError

NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
DECLARATION = '<?xml version="1.0" encoding="UTF-16"?>\r\n'
SYSTEM_SDDL = "O:BAG:SYD:(A;;FA;;;BA)(A;;FA;;;SY)"
SERVICE_ACCOUNTS = {"system", "local service", "network service", "localsystem", "s-1-5-18", "s-1-5-19", "s-1-5-20"}
E_OUTOFMEMORY, INVALID_SDDL, ACCOUNT_NOT_SET, UNEXPECTED_NODE = 0x8007000E, 0x8007053A, 0x8004130F, 0x80041316
BAD_NAMESPACE, INVALID_VALUE, MISSING_NODE, MALFORMED_XML = 0x80041317, 0x80041318, 0x80041319, 0x8004131A
TOO_MANY_NODES, INVALID_OWNER = 0x8004131D, 0x8007051B
MOST_ACTIONS, MOST_TRIGGERS = 32, 48


def task_xml(command: str = "python.exe", *, triggers: str = "", principal: str = "", version: str = "1.2") -> str:
    """A definition as Windows exports it, with one action."""
    return (
        f'{DECLARATION}<Task version="{version}" xmlns="{NAMESPACE}">\r\n'
        f"  <Triggers>{triggers}</Triggers>\r\n"
        f'  <Principals><Principal id="Author">{principal or "<UserId>S-1-5-18</UserId>"}</Principal></Principals>\r\n'
        "  <Settings><Enabled>true</Enabled></Settings>\r\n"
        f'  <Actions Context="Author"><Exec><Command>{command}</Command></Exec></Actions>\r\n'
        "</Task>"
    )


@dataclass
class FakeTask:
    """What the service knows of a task."""

    xml: str
    state: str = "Ready"
    enabled: bool = True
    last_run: Moment = "never"
    last_result: int = 267011
    next_run: Moment = "never"
    missed_runs: int = 0
    sddl: str = SYSTEM_SDDL


@dataclass
class FakeScheduler:
    r"""The protocol `Scheduler`, in memory.

    `store` maps task paths to what is known of them; `made` are the folders. `accounts` maps names to passwords (None:
    any account and any password are right), `paths` are the programs and folders that exist (None: not known), `disk`
    maps files to their content, `changed` to when that was last changed, `variables` accounts to their environment ("":
    that of all). `calls` counts each (member, path). `started` lists the tasks that a registration trigger started.

    Faults: `faults` maps (member, path) to an error; (``*``, path) is every property of a task; `broken` are errors in
    place of a task in a folder's list; `drops_after` calls the connection is gone; `sets_uri` writes the path into the
    definition, as newer Windows does; without `may_give_away` no owner can be set, as without SeRestorePrivilege.
    """

    store: dict[str, FakeTask] = field(default_factory=dict)
    made: set[str] = field(default_factory=lambda: {"\\"})
    accounts: Mapping[str, str] | None = None
    paths: set[str] | None = None
    disk: dict[str, bytes] = field(default_factory=dict)
    changed: dict[str, datetime] = field(default_factory=dict)
    variables: dict[str, dict[str, str]] = field(default_factory=dict)
    elevated: bool | None = True
    windows: str = "Windows Server 2019 10.0.17763"
    newest: tuple[int, int] = (1, 4)
    zone_name: str = "America/New_York"
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    started: list[str] = field(default_factory=list)
    faults: dict[tuple[str, str], Exception] = field(default_factory=dict)
    broken: dict[str, list[SchedulerError]] = field(default_factory=dict)
    drops_after: int | None = None
    sets_uri: bool = False
    may_give_away: bool = True

    # Filling it ------------------------------------------------------------------------------------------------------

    def add(self, path: str, xml: str = "", **known: Any) -> FakeTask:
        """Put a task there as it is, without any check, and its folders."""
        self.make(parent(path))
        self.store[path] = task = FakeTask(xml or task_xml(), **known)
        return task

    def make(self, folder: str) -> None:
        """Put a folder there, and those above."""
        while folder not in self.made:
            self.made.add(folder)
            folder = parent(folder)

    # Reading ---------------------------------------------------------------------------------------------------------

    def folders(self, folder: str) -> list[str]:
        self._called("folders", folder)
        where = self._folder(folder)
        return sorted(each for each in self.made if each != "\\" and parent(each) == where)

    def tasks(self, folder: str) -> list[str | SchedulerError]:
        self._called("tasks", folder)
        where = self._folder(folder)
        return [*sorted(path for path in self.store if parent(path) == where), *self.broken.get(where, [])]

    def xml(self, path: str) -> str:
        return self._task("xml", path).xml

    def status(self, path: str) -> tuple[Status, dict[str, SchedulerError]]:
        values, refused = dict[str, Any](), dict[str, SchedulerError]()
        for field_name in STATUS_FIELDS:
            try:
                values[field_name] = getattr(self._task(field_name, path), field_name)
            except SchedulerError as error:
                if error.lost or error.vanished:
                    raise
                refused[field_name] = error
        return Status(path, **values), refused

    def sddl(self, path: str) -> str:
        return self._task("sddl", path).sddl

    # Writing ---------------------------------------------------------------------------------------------------------

    def validate(self, path: str, xml: str) -> None:
        self._called("validate", path)
        self._check(path, xml)

    def create_folder(self, folder: str) -> None:
        self._called("create_folder", folder)
        check_name(folder)
        known = {each.casefold(): each for each in self.made}
        place = "\\"
        for name in folder.strip("\\").split("\\"):
            below = place.rstrip("\\") + "\\" + name
            place = known.get(below.casefold(), below)
            self.made.add(place)

    def register(
        self,
        path: str,
        xml: str,
        *,
        account: str = "",
        password: str | None = None,
        logon_type: str = "",
        sddl: str = "",
        replace: bool = False,
        fires: bool = False,
    ) -> None:
        """`fires`: registration triggers start the task, as they do for other programs."""
        self._called("register", path)
        check_name(path)
        self._folder(parent(path), path)
        known = self._known(path)
        if known and not replace:
            raise SchedulerError(path, door.ALREADY_EXISTS)
        definition = self._check(path, xml)
        if sddl and not re.fullmatch(r"(O:[\w-]+)?(G:[\w-]+)?(D:\w*(\([^()]*\))*)?(S:\w*(\([^()]*\))*)?", sddl):
            raise SchedulerError(path, INVALID_SDDL)
        if sddl.startswith("O:") and not self.may_give_away:
            raise SchedulerError(path, INVALID_OWNER)
        triggers, principal = definition.triggers, definition.principals[0] if definition.principals else None
        group = principal.group_id if principal else ""
        who = account or (principal.user_id if principal else "") or group
        logon = logon_type or ("Group" if group and not account else principal.logon_type if principal else "")
        self._check_account(path, who, password, logon)
        enabled = definition.settings.enabled
        if self.sets_uri:
            xml = with_uri(xml, path)
        self.store[known or path] = FakeTask(
            xml, state="Ready" if enabled else "Disabled", enabled=enabled, sddl=sddl or SYSTEM_SDDL
        )
        if fires and enabled and any(isinstance(each, RegistrationTrigger) and each.enabled for each in triggers):
            self.started.append(path)

    # The machine -----------------------------------------------------------------------------------------------------

    def is_elevated(self) -> bool | None:
        return self.elevated

    def windows_version(self) -> str:
        return self.windows

    def zone(self) -> str:
        return self.zone_name

    def account_exists(self, account: str) -> bool | None:
        self._called("account_exists", account)
        return self._knows(account)

    def path_exists(self, path: str) -> bool | None:
        self._called("path_exists", path)
        return None if self.paths is None else path.casefold() in {each.casefold() for each in self.paths}

    def environment(self, account: str) -> dict[str, str]:
        return self.variables.get("", {}) | self.variables.get(account, {})

    def file(self, path: str, most: int = 0) -> SeenFile | None:
        self._called("file", path)
        known = self._on_disk(path)
        if not known:
            return None
        content = self.disk[known]
        at = self.changed.get(known, datetime(2026, 11, 1, tzinfo=UTC))
        return SeenFile(len(content), at, content if len(content) <= most else None)

    def tail(self, path: str, most: int) -> bytes:
        self._called("tail", path)
        known = self._on_disk(path)
        if not known:
            raise FileNotFoundError(2, "No such file or directory")
        return self.disk[known][-most:]

    def newest_file(self, pattern: str) -> str:
        self._called("newest_file", pattern)
        wanted = re.escape(pattern).replace(r"\*", r"[^\\/]*").replace(r"\?", r"[^\\/]")
        fits = [path for path in self.disk if re.fullmatch(wanted, path, re.IGNORECASE)]
        return max(fits, key=lambda path: self.changed.get(path, datetime(2026, 11, 1, tzinfo=UTC)), default="")

    def _on_disk(self, path: str) -> str | None:
        return next((each for each in self.disk if each.casefold() == path.casefold()), None)

    # Inside ----------------------------------------------------------------------------------------------------------

    def _called(self, member: str, path: str) -> None:
        self.calls[member, path] += 1
        if self.drops_after is not None and self.calls.total() > self.drops_after:
            raise SchedulerError("", door.SERVER_UNAVAILABLE)
        fault = self.faults.get((member, path)) or self.faults.get(("*", path))
        if fault:
            raise fault

    def _task(self, member: str, path: str) -> FakeTask:
        self._called(member, path)
        known = self._known(path)
        if not known:
            raise SchedulerError(path, door.NOT_FOUND)
        return self.store[known]

    def _known(self, path: str) -> str | None:
        if path in self.store:
            return path
        return next((each for each in self.store if each.casefold() == path.casefold()), None)

    def _folder(self, folder: str, what: str = "") -> str:
        found = next((each for each in self.made if each.casefold() == folder.casefold()), None)
        if found is None:
            raise SchedulerError(what or folder, door.PATH_NOT_FOUND)
        return found

    def _check(self, path: str, xml: str) -> Any:
        """The definition; SchedulerError where Windows would refuse it. Unknown elements pass: real files have some."""
        declared = re.match(r"\s*<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)", xml)
        if declared and declared[1].upper() != "UTF-16":  # the text comes as UTF-16, whatever it says
            raise SchedulerError(path, MALFORMED_XML, "(1,38)::")
        try:
            root = etree.fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", xml.removeprefix("\ufeff")))
        except (etree.XMLSyntaxError, ValueError) as error:
            raise SchedulerError(path, MALFORMED_XML, str(error)) from None
        if root.tag != f"{{{NAMESPACE}}}Task":
            named = root.tag.rpartition("}")[2] == "Task"
            raise SchedulerError(path, BAD_NAMESPACE if named else UNEXPECTED_NODE, root.tag)
        version = re.fullmatch(r"(\d+)\.(\d+)", root.get("version", "1.2"))
        if not version or (int(version[1]), int(version[2])) > self.newest:
            raise SchedulerError(path, INVALID_VALUE, f"(2,2):version:{root.get('version')}")
        counts = Counter(str(child.tag) for child in root if isinstance(child.tag, str))
        actions, triggers = root.find(f"{{{NAMESPACE}}}Actions"), root.findall(f"{{{NAMESPACE}}}Triggers/*")
        if actions is None or not len(actions):
            raise SchedulerError(path, MISSING_NODE, "Actions")
        if max(counts.values()) > 1 or len(actions) > MOST_ACTIONS or len(triggers) > MOST_TRIGGERS:
            raise SchedulerError(path, TOO_MANY_NODES)
        try:
            return read_task(xml.encode("utf-16"))
        except TaskXmlError as error:
            raise SchedulerError(path, INVALID_VALUE, str(error)) from None

    def _check_account(self, path: str, account: str, password: str | None, logon: str) -> None:
        if account and not self._knows(account):
            raise SchedulerError(path, door.NONE_MAPPED)
        needs_one = logon in ("Password", "InteractiveTokenOrPassword")
        is_free = plain(account) in SERVICE_ACCOUNTS or account.endswith("$")
        if is_free and password and plain(account) in SERVICE_ACCOUNTS:
            raise SchedulerError(path, door.INVALID_ARGUMENT)
        if logon == "Password" and not is_free and password is None:
            raise SchedulerError(path, E_OUTOFMEMORY if account else ACCOUNT_NOT_SET)
        right = {plain(name): known for name, known in (self.accounts or {}).items()}.get(plain(account))
        if needs_one and password is not None and not is_free and self.accounts is not None and right != password:
            raise SchedulerError(path, door.LOGON_FAILURE)

    def _knows(self, account: str) -> bool:
        short = plain(account)
        known = None if self.accounts is None else {plain(name) for name in self.accounts}
        return known is None or short in SERVICE_ACCOUNTS or short in known or short.startswith("s-1-5-32-")


def parent(path: str) -> str:
    r"""The folder of a task or a folder: ``\`` for those at the root."""
    return path.rpartition("\\")[0] or "\\"


def plain(account: str) -> str:
    r"""A name that can be compared: ``NT AUTHORITY\SYSTEM`` is ``system``."""
    folded = account.casefold()
    return folded.removeprefix("nt authority\\").removeprefix("builtin\\")


def check_name(path: str) -> None:
    """Refuse names that a task or a folder can't have ([MS-TSCH] 2.3.11, RegisterTask)."""
    parts = path.split("\\")
    bad = any(
        not part or part in (".", "..") or part != part.strip(" ") or re.search(r'[/:*?"<>|\x00-\x1f]', part)
        for part in parts[1:]
    )
    if parts[0] or len(parts) < 2 or bad or len(path) > 260:
        raise SchedulerError(path, door.INVALID_NAME)


def with_uri(xml: str, path: str) -> str:
    """The definition with its URI set, as newer Windows writes it back."""
    root = etree.fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", xml))
    info = root.find(f"{{{NAMESPACE}}}RegistrationInfo")
    if info is None:
        info = etree.Element(f"{{{NAMESPACE}}}RegistrationInfo")
        root.insert(0, info)
    for uri in info.findall(f"{{{NAMESPACE}}}URI"):
        info.remove(uri)
    etree.SubElement(info, f"{{{NAMESPACE}}}URI").text = path
    return DECLARATION + etree.tostring(root, encoding="unicode")


def filled(
    number: int, folders: Sequence[str] = (r"\OpenData", r"\OpenData\Permits", r"\Microsoft\Windows")
) -> FakeScheduler:
    """A server with so many tasks, spread over these folders."""
    fake = FakeScheduler()
    for index in range(number):
        fake.add(f"{folders[index % len(folders)]}\\Task {index}", task_xml(f"program{index}.exe"))
    return fake
