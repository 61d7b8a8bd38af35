r"""The files of the invented server: programs, the scripts that its tasks run, and a log.

`Disk` answers as the server would at a moment, and is looked at with the code of `collect`. Until 2026-11-18 an older
version of that looked at no file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from zoneinfo import ZoneInfo

from sample_tasks import JOBS, POWERSHELL, PYTHON, TASKS, ZONE

from taskanalysis.windows.machine import SeenFile

FILES_FROM = datetime(2026, 11, 18, 17, tzinfo=UTC)
OLD_PYTHON = r"C:\Python38\python.exe"
NEW_YORK = ZoneInfo(ZONE)
GONE = {OLD_PYTHON: "2026-11-20T11:15", rf"{JOBS}\polling.py": "2026-11-09T10:05"}
"""Files that were removed, and when: the election is over, and Python 3.8 too."""
LARGE = {rf"{JOBS}\tiles.py": 2_400_000}
"""Scripts that are too large to be kept: it holds a table of colours."""
SYSTEM_FOLDER = r"C:\Windows\System32"
PROGRAMS = (
    PYTHON,
    OLD_PYTHON,
    POWERSHELL.replace("%SystemRoot%", r"C:\Windows"),
    *(
        rf"{SYSTEM_FOLDER}\{name}.exe"
        for name in ("cmd", "conhost", "forfiles", "net", "robocopy", "wbadmin", "wscript")
    ),
    r"D:\Tools\dbbackup.exe",
    r"C:\Program Files\Offsite\offsite.exe",
    r"C:\Program Files\Agent\update.exe",
    r"C:\Program Files\Agent\beat.exe",
    r"C:\Program Files\Browser\update.exe",
)
EDITED = "2026-11-22T20:35"
"""When somebody changed the script of the full-text index, 40 minutes before it ran into its time limit."""
LOG = r"D:\OpenData\logs\bus_stops-2026-11.log"
LOGGED = """\
2026-11-22 22:20:02 reading stops of the asset system
2026-11-22 22:20:09 4,112 stops
2026-11-23 04:20:02 reading stops of the asset system
2026-11-23 04:20:07 4,112 stops
Traceback (most recent call last):
  File "D:\\OpenData\\jobs\\bus_stops.py", line 41, in <module>
    main()
  File "D:\\OpenData\\jobs\\bus_stops.py", line 33, in main
    shelters = {row["stop_id"]: row["shelter_id"] for row in rows}
KeyError: 'shelter_id'
"""


def moment(text: str) -> datetime:
    """A time of the server's clock."""
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


def scripts() -> Iterator[str]:
    """The names of all scripts in the folder of the jobs, as command lines name them."""
    actions = [action for task in TASKS for action in [*task.actions, *(task.edit or {}).get("actions", [])]]
    words = {word for _, content in actions for word in _words(content)}
    yield from sorted(
        word for word in words if word.endswith((".py", ".ps1", ".bat", ".vbs")) and word != "cleanup.bat"
    )


def _words(content: object) -> Iterator[str]:
    if isinstance(content, dict):
        for text in content.values():
            yield from (word.rpartition("\\")[2] for word in str(text).replace('"', " ").split())


def text_of(name: str, now: datetime) -> bytes:
    """The content of a script; nothing in it is real."""
    task = next((task for task in TASKS if name in str(task.actions)), None)
    about = task.description if task and task.description else "Part of the open data jobs."
    batch = 50 if name == "fulltext.py" and now >= moment(EDITED) else 500
    mark = {"py": "#", "ps1": "#", "bat": "rem", "vbs": "'"}[name.rpartition(".")[2]]
    lines = [f"{mark} {name}: {about}", f"{mark} Invented, and runs nothing.", f"{mark} batch = {batch}"]
    return "".join(f"{line}\r\n" for line in lines).encode()


@dataclass(frozen=True)
class Disk:
    """What the collector can ask of the server's files at a moment."""

    now: datetime

    def environment(self, _account: str) -> dict[str, str]:
        """The variables of the machine."""
        return {
            "SystemRoot": r"C:\Windows",
            "ComSpec": rf"{SYSTEM_FOLDER}\cmd.exe",
            "Path": rf"{SYSTEM_FOLDER};C:\Windows",
        }

    def file(self, path: str, most: int = 0) -> SeenFile | None:
        """A program or script; the drive Z: is only there for the account that maps it."""
        if path[:2].upper() not in ("C:", "D:"):
            raise OSError(0, "its drive is not there for this account")
        known = next((each for each in PROGRAMS if each.casefold() == path.casefold()), "")
        name = path.rpartition("\\")[2]
        if not known and path.casefold() == rf"{JOBS}\{name}".casefold() and name in set(scripts()):
            known = rf"{JOBS}\{name}"
        if not known or (known in GONE and self.now >= moment(GONE[known])):
            return None
        dice = Random(known)
        changed = datetime(
            dice.randrange(2023, 2026), dice.randrange(1, 13), dice.randrange(1, 29), 9, 30, tzinfo=NEW_YORK
        )
        if known in LARGE:
            return SeenFile(LARGE[known], changed)
        if name == "fulltext.py" and self.now >= moment(EDITED):
            changed = moment(EDITED)
        content = dice.randbytes(dice.randrange(20_000, 60_000)) if known in PROGRAMS else text_of(name, self.now)
        return SeenFile(len(content), changed, content if len(content) <= most else None)

    def tail(self, _path: str, most: int) -> bytes:
        """The end of the log of the bus stops."""
        return LOGGED.replace("\n", "\r\n").encode()[-most:]

    def newest_file(self, pattern: str) -> str:
        """The log of the bus stops, from the run on that ended with it."""
        is_there = self.now >= moment("2026-11-23T04:21")
        return LOG if pattern == r"D:\OpenData\logs\bus_stops*.log" and is_there else ""
