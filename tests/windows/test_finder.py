r"""Lines of cmd, played as Windows would: what is found is what was started; what is a matter of luck is not known."""

import ntpath
from dataclasses import dataclass, field
from random import Random

import pytest

from taskanalysis.definition import ExecAction
from taskanalysis.windows.programs import log_file, named_files

SYSTEM = r"C:\Windows\System32"
FOLDERS = ["C:\\", "D:\\", r"D:\jobs", r"D:\jobs\in", r"D:\two words", r"D:\tools", r"C:\in", SYSTEM]
ENDINGS = [".com", ".exe", ".bat", ".cmd"]


@dataclass
class Cmd:
    """What a cmd.exe would do, with files that are there and luck where the documents leave a choice."""

    dice: Random
    disk: set[str]
    folder: str
    path: list[str]
    folders: dict[str, str] = field(default_factory=dict)
    started: dict[int, str] = field(default_factory=dict)
    log: str = ""

    def __post_init__(self) -> None:
        self.folders = {"C:": SYSTEM, "D:": "D:\\", self.folder[:2]: self.folder}

    def there(self, file: str) -> bool:
        return file.casefold() in self.disk

    def go(self, folder: str, *, everywhere: bool) -> bool:
        whole = ntpath.normpath(ntpath.join(self.folder, folder))
        if whole not in FOLDERS or not any(file.startswith(whole.casefold()) for file in self.disk):
            return False
        self.folders[whole[:2]] = whole
        if everywhere or whole[:2] == self.folder[:2]:
            self.folder = whole
        return True

    def enter(self, drive: str) -> bool:
        self.folder = self.folders[drive]
        return True

    def luck(self) -> bool:
        """A batch file may go anywhere and change the search path."""
        self.folder, self.path = self.dice.choice(FOLDERS), self.dice.sample(FOLDERS, 2)
        return self.dice.random() < 0.5

    def search(self, name: str) -> str:
        """The program of this name; "" where there is none."""
        ends = ["", *ENDINGS] if ntpath.splitext(name)[1] else ENDINGS
        places = [self.folder] if "\\" in name else [self.folder, *self.path]
        tries = [(place, end) for place in places for end in ends]
        if self.dice.random() < 0.5:
            tries.sort(key=lambda each: each[1] != "")  # nobody says which of the two it is
        files = (ntpath.normpath(ntpath.join(place, name + end)) for place, end in tries)
        return next((file for file in files if self.there(file)), "")

    def start(self, number: int, name: str) -> bool:
        file = self.started[number] = self.search(name)
        return self.luck() if file.endswith((".bat", ".cmd")) else bool(file) and self.dice.random() < 0.7

    def python(self, number: int, program: str, script: str) -> bool:
        self.start(number + 100, program)
        if not self.started[number + 100].endswith(".exe"):
            return False
        file = self.started[number] = ntpath.normpath(ntpath.join(self.folder, script))
        return self.there(file)


Command = tuple[str, tuple[object, ...]]
"""The text of a command, and the method of `Cmd` that does it, with its arguments."""


def _command(dice: Random, number: int) -> Command:  # noqa: PLR0911 (one return a kind)
    def quoted(text: str) -> str:
        return f'"{text}"' if " " in text or dice.random() < 0.3 else text

    folder, deep = dice.choice(FOLDERS), dice.choice(["in", "..", "\\", r"\jobs", r"..\jobs"])
    name = dice.choice(["", ".\\", "..\\", "D:\\jobs\\"]) + f"s{number}" + dice.choice(["", ".bat", ".x", ".exe"])
    script = dice.choice(["", "in\\", "\\jobs\\", "D:\\tools\\"]) + f"s{number}.py"
    match dice.randrange(9):
        case 0:
            return f"cd /d {quoted(folder)}", ("go", folder, True)
        case 1:
            return f"cd {quoted(folder)}", ("go", folder, False)
        case 2:
            return dice.choice(["cd ", "cd" if deep[0] in "\\." else "cd "]) + deep, ("go", deep, False)
        case 3:
            drive = dice.choice(["C:", "D:"])
            return drive, ("enter", drive)
        case 4:
            return f"set PATH={folder}", ("set", folder)
        case 5 | 6:
            program = f"python3.{number}"
            return f"{program} {dice.choice(['', '-u '])}{quoted(script)}", ("python", number, program, script)
        case _:
            text = quoted(name)
            if text == name and dice.random() < 0.3:
                text = text.replace(f"s{number}", f"^s{number}")
            return dice.choice(["", "call "]) + text + dice.choice(["", " -a", ",1", ' "x & y"']), (
                "start",
                number,
                name,
            )


def _play(cmd: Cmd, commands: list[Command], joints: list[str], target: int) -> None:
    """Do the commands as ``&``, ``&&`` and ``||`` say, which bind in this order, the last the closest but one."""

    def done(place: int) -> bool:
        if place == target:
            cmd.log = ntpath.normpath(ntpath.join(cmd.folder, "out.log"))
        _, (what, *how) = commands[place]
        if what == "set":
            cmd.path = [str(how[0])]
            return True
        if what == "go":
            return cmd.go(str(how[0]), everywhere=bool(how[1]))
        return bool(getattr(cmd, str(what))(*how))

    place = 0
    while place < len(commands):
        end = next((at for at in range(place, len(joints)) if joints[at] == "&"), len(joints)) + 1
        was_good = False
        while place < end:  # a part between "||"
            last = next((at for at in range(place, end - 1) if joints[at] == "||"), end - 1) + 1
            if not was_good:
                was_good = all(done(at) for at in range(place, last))
            place = last


@pytest.mark.parametrize("seed", range(20))
def test_lines_of_cmd_start_what_is_found_or_it_is_not_known(seed: int) -> None:
    dice, sure, logs = Random(seed), 0, 0
    for _ in range(200):
        commands = [_command(dice, number) for number in range(dice.randrange(1, 6))]
        joints = [dice.choice([" & ", " && ", " && ", "||", "&"]).strip() for _ in commands[1:]]
        names = [f"s{number}{end}" for number in range(5) for end in (".py", ".bat", ".exe", ".x", ".x.cmd")]
        names += [f"python3.{number}.exe" for number in range(5)] + ["python3.1.bat"]
        disk = {ntpath.join(dice.choice(FOLDERS), name).casefold() for name in dice.choices(names, k=40)}
        start, path, target = dice.choice(FOLDERS), dice.sample(FOLDERS, 3), dice.randrange(len(commands))
        texts = [text + " > out.log" * (place == target) for place, (text, _) in enumerate(commands)]
        line = "".join(
            text + (f" {joint} " if dice.random() < 0.5 else joint)
            for text, joint in zip(texts, [*joints, ""], strict=True)
        )
        action = ExecAction(command="cmd", arguments=f'/d /s /c "{line}"', working_directory=start)
        environment = {"SystemRoot": r"C:\Windows", "Path": ";".join(path), "PATHEXT": ";".join(ENDINGS).upper()}
        cmd = Cmd(dice, disk, start, path)
        _play(cmd, commands, joints, target)

        def exists(file: str, disk: set[str] = disk) -> bool:
            return file.casefold() in disk

        for named in named_files(action, environment, exists):
            base = ntpath.basename(named.file)
            number = int(base[1]) if base[0] == "s" else 100 + int(base[8]) if base.startswith("python") else -1
            if named.exists is None or number not in cmd.started:
                continue  # it was not run
            truth = cmd.started[number]
            assert named.exists == exists(truth), (line, start, path, named, truth)
            assert not truth or named.file.casefold() == truth.casefold(), (line, start, path, named, truth)
            sure += 1
        log = log_file(action, environment, exists)
        assert not cmd.log or log.casefold() in ("", cmd.log.casefold()), (line, start, log, cmd.log)
        logs += bool(log and cmd.log)
    assert sure > 50
    assert logs > 20
