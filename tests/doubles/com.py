"""COM as the package uses it, in memory: errors, collections, folders that record calls, and the service."""

from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any


class ComError(Exception):
    """As pywintypes.com_error: HRESULT, its text, what the object said, position of the argument."""

    def __init__(self, code: int, scode: int = 0, said: str | None = None) -> None:
        super().__init__(code, "", None, None)
        self.hresult = code - 2**32 if code >= 2**31 else code
        signed = scode - 2**32 if scode >= 2**31 else scode
        self.excepinfo = (0, None, said, None, 0, signed) if scode else None


class Items(list[Any]):
    """A collection of COM: counted from 1; an error in place of an item is raised."""

    @property
    def Count(self) -> int:  # noqa: N802
        return len(self)

    def Item(self, number: int) -> Any:  # noqa: N802
        assert number >= 1
        if isinstance(self[number - 1], Exception):
            raise self[number - 1]
        return self[number - 1]


@dataclass
class Folder:
    """ITaskFolder: `said` are the calls that change something or look a task up; all of them raise `fails`.

    `refuses` are the logon types with which RegisterTask fails, with the error of each.
    """

    Path: str
    below: list["Folder"] = field(default_factory=list)
    plain: list[Any] = field(default_factory=list)
    hidden: list[Any] = field(default_factory=list)
    said: list[tuple[Any, ...]] = field(default_factory=list)
    fails: Exception | None = None
    refuses: dict[int, Exception] = field(default_factory=dict)

    def _record(self, *words: Any) -> None:
        self.said.append(words)
        if self.fails:
            raise self.fails

    def GetFolders(self, flags: int) -> Items:  # noqa: N802
        assert flags == 0
        return Items(self.below)

    def GetTasks(self, flags: int) -> Items:  # noqa: N802
        return Items([*self.plain, *(self.hidden if flags & 1 else [])])

    def GetTask(self, name: str) -> Any:  # noqa: N802
        self._record("GetTask", name)
        return next(known for known in self.plain if known.Path.endswith("\\" + name))

    def RegisterTask(self, name: str, xml: str, *words: Any) -> Any:  # noqa: N802
        """Keep the task; a text that holds ``Unheard`` is refused."""
        self._record("RegisterTask", name, xml, *words)
        for error in [self.refuses[logon] for logon in words[3:4] if logon in self.refuses]:
            raise error
        if "Unheard" in xml:
            raise ComError(0x8004131A)
        self.plain.append(task(f"{self.Path}\\{name}", Xml=xml, **PROPERTIES))
        return self.plain[-1]

    def CreateFolder(self, name: str) -> "Folder":  # noqa: N802
        self._record("CreateFolder", name)
        self.below.append(Folder(f"\\{name}"))
        return self.below[-1]

    def DeleteTask(self, name: str, flags: int) -> None:  # noqa: N802
        self._record("DeleteTask", name, flags)
        self.plain = [known for known in self.plain if known.Name != name]

    def DeleteFolder(self, name: str, flags: int) -> None:  # noqa: N802
        self._record("DeleteFolder", name, flags)


class Service:
    """ITaskService: the root and the folders right below it."""

    def __init__(self, root: Folder) -> None:
        self.root, self.connected = root, list[tuple[Any, ...]]()

    def Connect(self, *words: Any) -> None:  # noqa: N802
        self.connected.append(words)

    def GetFolder(self, path: str) -> Folder:  # noqa: N802
        found = next((folder for folder in (self.root, *self.root.below) if folder.Path == path), None)
        if not found:
            raise ComError(0x80020009, scode=0x80070003)
        return found


PROPERTIES = {
    "State": 3,
    "Enabled": True,
    "LastRunTime": datetime(1899, 12, 30),
    "LastTaskResult": 0,
    "NextRunTime": datetime(1899, 12, 30),
    "NumberOfMissedRuns": 2,
}


def task(path: str, **known: Any) -> SimpleNamespace:
    """IRegisteredTask with the properties that are named, and the methods."""
    methods = {"GetSecurityDescriptor": lambda _: "D:", "Run": lambda _: "a running task"}
    return SimpleNamespace(**{"Path": path, "Name": path.rpartition("\\")[2], **methods, **known})
