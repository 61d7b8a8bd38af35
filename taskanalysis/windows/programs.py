r"""The files that an action starts: its program, and the scripts that its arguments name, found as Windows would.

Nothing is run. A file is named only where Windows could start no other; everything else is not known. Authority:
Microsoft's pages "CreateProcessW", "ShellExecuteExW", "cmd", "Parsing C++ command-line arguments",
"about_PowerShell_exe" and "about_Pwsh"; Python's "Command line and environment". That a task without "Start in" works
in System32 is what people see, and nowhere promised.

>>> action = ExecAction(command="cmd", arguments=r'/c "D:\jobs\load.bat" --all')
>>> [(named.role, named.file) for named in named_files(action, {}, {r"D:\jobs\load.bat"}.__contains__)]
[('program', 'cmd'), ('script', 'D:\\jobs\\load.bat')]
"""

from __future__ import annotations

import ntpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from taskanalysis.definition import ExecAction
from taskanalysis.text import cmd_commands, program_name

PROGRAM, SCRIPT = "program", "script"
SCRIPTS = (
    *(".bat", ".cmd", ".js", ".pl", ".ps1", ".psm1", ".py", ".pyw", ".r", ".rb", ".sh", ".sql", ".vbe", ".vbs", ".wsf"),
)
"""Kinds of files that tasks run and that somebody of the office wrote."""
PATHEXT = (".com", ".exe", ".bat", ".cmd")
"""What cmd adds to a name without extension, in this order, on every Windows."""

Exists = Callable[[str], bool | None]
"""Whether there is a file of this whole path; None where that can't be told."""


class Named(NamedTuple):
    """A file that an action names: its role, its whole path, and whether it is there.

    Where Windows could start another file, or where its place is not known, `file` is what the action says, and
    `exists` is None.
    """

    role: str
    file: str
    exists: bool | None


def named_files(action: ExecAction, environment: Mapping[str, str], exists: Exists) -> list[Named]:
    """The program of an action and the scripts and programs that its arguments name, each once.

    `environment` holds the variables that are known for the task's account, with PATH and SystemRoot.
    """
    finder = _finder(action, environment, exists)
    command = finder.expanded(action.command).strip().strip('"')
    if not command:
        return []
    arguments = finder.expanded(action.arguments)
    return list(dict.fromkeys([finder.program(command), *_named(finder, program_name(command), arguments)]))


def _finder(action: ExecAction, environment: Mapping[str, str], exists: Exists = lambda _: None) -> _Finder:
    """From the folder in which an action works."""
    finder = _Finder({name.upper(): value for name, value in environment.items()}, exists)
    folder = finder.expanded(action.working_directory) or finder.system_folder
    return replace(finder, folder=ntpath.normpath(folder) if _is_whole(folder) else "")


def log_file(action: ExecAction, environment: Mapping[str, str]) -> str:
    r"""The file into which a command line of cmd writes its output; "" where there is none, or its place is not known.

    >>> log_file(ExecAction(command="cmd", arguments=r"/c load.bat >> D:\logs\load.log 2>&1"), {})
    'D:\\logs\\load.log'
    """
    finder = _finder(action, environment)
    if program_name(action.command) != "cmd":
        return ""
    found = _OUTPUT.findall(finder.expanded(action.arguments))
    name = found[-1].strip('"') if found else ""
    return finder.joined(name) if name and "\\" in name else ""


_OUTPUT = re.compile(r'(?<![0-9&^])1?>>?\s*("[^"]*"|[^\s"&|<>]+)')


# Files ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Finder:
    """Finds files from `folder`, the current one, "" where that is not known."""

    environment: Mapping[str, str]
    exists: Exists
    folder: str = ""

    @property
    def system_folder(self) -> str:
        return ntpath.join(self._root, "System32")

    @property
    def _root(self) -> str:
        return self.environment.get("SYSTEMROOT", r"C:\Windows")

    @property
    def _path(self) -> list[str]:
        """The folders of the search path, as far as it is known."""
        return [folder.strip('" ') for folder in self.environment.get("PATH", "").split(";") if folder.strip('" ')]

    def expanded(self, text: str) -> str:
        """`text` with the values of the variables that are known; the others stay, and what holds one is not known."""
        return re.sub("%([^%]+)%", lambda found: self.environment.get(found[1].upper(), found[0]), text)

    def program(self, name: str) -> Named:
        """What Task Scheduler starts by this name; without a folder that of the search path."""
        ends = ("",) if ntpath.splitext(name)[1] else (".exe",)
        if _is_whole(name):
            found = self._first(PROGRAM, [name], ends)
            is_unclear = found.exists is False and (_MORE.search(name) or self._any_like(name))
            return Named(PROGRAM, name, None) if is_unclear else found
        if _has_folder(name) or not self.folder:
            return Named(PROGRAM, name, None)
        if self.folder != self.system_folder and self._any_like(ntpath.join(self.folder, name)):
            return Named(PROGRAM, name, None)  # Windows takes it in some cases only
        return self._on_path(name, [self.system_folder, self._root, *self._path], ends)

    def command(self, name: str) -> Named:
        """What cmd starts by this name, from the current folder or the search path."""
        ends = ("",) if ntpath.splitext(name)[1] else PATHEXT
        if _has_folder(name):
            whole = self.joined(name)
            found = self._first(PROGRAM, [whole], ends) if whole else Named(PROGRAM, name, None)
            # then cmd may take the first word alone
            return Named(PROGRAM, name, None) if found.exists is False and " " in name else found
        return self._on_path(name, [self.folder, *self._path], ends) if self.folder else Named(PROGRAM, name, None)

    def script(self, name: str) -> Named:
        """What a program opens by this name: a whole path, or one from the current folder."""
        whole = self.joined(name)
        return self._first(SCRIPT, [whole], ("",)) if whole else Named(SCRIPT, name, None)

    def moved(self, folder: str) -> _Finder:
        """The same from another folder, "" where that is not known."""
        return replace(self, folder=self.joined(folder) if folder else "")

    def joined(self, name: str) -> str:
        """The whole path of a name; "" where it is not known, as behind the letter of a drive alone."""
        if _is_whole(name):
            return ntpath.normpath(name)
        if not self.folder or ntpath.splitdrive(name)[0] or name.startswith(("\\", "/")) or _NO_NAME.search(name):
            return ""
        return ntpath.normpath(ntpath.join(self.folder, name))

    def _on_path(self, name: str, folders: Sequence[str], ends: Sequence[str]) -> Named:
        """The first of these folders that has it; where none has, the account may have a search path of its own."""
        if _NO_NAME.search(name):
            return Named(PROGRAM, name, None)
        found = self._first(PROGRAM, [ntpath.join(folder, name) for folder in folders], ends)
        return found if found.exists else Named(PROGRAM, name, None)

    def _first(self, role: str, places: Sequence[str], ends: Sequence[str]) -> Named:
        """The first of these places where a file is; not known where one before it can't be looked at."""
        for file in (place + end for place in places for end in ends):
            there = self.exists(file)
            if there is not False:
                return Named(_role(file, role), file, there)
        return Named(_role(places[0], role), places[0], False)

    def _any_like(self, place: str) -> bool:
        """Whether a file of this name, with an extension or without, is there or may be."""
        return any(self.exists(place + end) is not False for end in ("", *PATHEXT))


_MORE = re.compile(r"\.(?:exe|com|bat|cmd)\s", re.IGNORECASE)
"""Arguments in the field of the program."""
_NO_NAME = re.compile(r'["%<>|?*]|(?<!^\w):')


def _role(file: str, role: str) -> str:
    return SCRIPT if file.lower().endswith(SCRIPTS) else role


def _has_folder(name: str) -> bool:
    return bool(ntpath.splitdrive(name)[0]) or "\\" in name or "/" in name


def _is_whole(path: str) -> bool:
    """Whether a path begins with a drive and a folder, or with a server and its share."""
    drive, rest = ntpath.splitdrive(path.replace("/", "\\"))
    return bool(drive) and rest.startswith("\\") and not _NO_NAME.search(path)


# Arguments ------------------------------------------------------------------------------------------------------------


def _named(finder: _Finder, program: str, line: str) -> Iterator[Named]:
    """What the arguments `line` of a program name."""
    if program == "cmd":
        yield from _of_cmd(finder, line)
    elif program in ("powershell", "pwsh"):
        yield from _of_powershell(finder, words(line), program)
    elif _PYTHON.fullmatch(program):
        yield from _of_python(finder, words(line))
    elif program == "conhost":  # --headless hides the window of the program behind it
        inner = re.sub(r"^\s*(?:--?\S+(?:\s+|$))*", "", line)
        if first := next(iter(words(inner)), ""):
            yield finder.program(first)
            yield from _named(finder, program_name(first), inner[len(_FIRST.match(inner)[0]) :])  # type: ignore[index]
    elif program in ("wscript", "cscript", "perl", "rscript", "ruby", "node"):
        first = next((word for word in words(line) if not word.startswith("//")), "-")
        yield from [] if first.startswith("-") else [finder.script(first)]
    else:
        yield from (finder.script(word) for word in words(line) if _role(word, "") and _is_whole(word))


_FIRST = re.compile(r'(?:"[^"]*"|[^\s"])*')
_PYTHON = re.compile(r"py(?:w|thonw?)?[\d.]*")


def words(line: str) -> list[str]:
    r"""Arguments as a program gets them: parted by blanks outside quotes, which are gone.

    >>> words(r'-f "D:\two words\load.py" --name "a \"b\""')
    ['-f', 'D:\\two words\\load.py', '--name', 'a "b"']
    """
    found: list[str] = []
    word: str | None = None
    is_quoted = False
    for part in re.findall(r'\\*"|\\+|\s+|[^\\"\s]+', line):
        if part.isspace() and not is_quoted:
            found += [] if word is None else [word]
            word = None
        elif part.endswith('"'):
            slashes, is_text = divmod(len(part) - 1, 2)
            word = (word or "") + "\\" * slashes + '"' * is_text
            is_quoted ^= not is_text
        else:
            word = (word or "") + part
    return found if word is None else [*found, word]


def _of_cmd(finder: _Finder, line: str) -> Iterator[Named]:
    """What ``cmd /c`` starts, one command after the other. Its current folder can't be one of a server's share."""
    if finder.folder.startswith("\\\\"):
        finder = finder.moved("")
    for command in cmd_commands(line):
        found = re.match(r'"([^"]*)"|[^\s"]+', _REDIRECTION.sub(" ", command).strip())
        if not found:
            return
        name, rest = found[1] or found[0], command[found.end() :]
        before, quote, _ = command.partition('"')
        if quote and before and not before[-1].isspace():
            yield Named(PROGRAM, command, None)  # cmd took a quote away that belonged to a name
            return
        word = name.lower()
        if word in ("cd", "chdir", "pushd"):
            finder = _after_cd(finder, rest, changes_drive=word == "pushd")
        elif word in _CONDITIONAL:
            return  # whether the rest is run is not known
        elif word not in _QUIET:
            yield finder.command(name)
            yield from _named(finder, program_name(name), rest)


_REDIRECTION = re.compile(r'\d?>>?\s*(?:&\d|"[^"]*"|[^\s"&|]+)|<\s*(?:"[^"]*"|[^\s"&|]+)')
_CONDITIONAL = ("if", "for", "goto", "start", "exit", "popd")
_QUIET = ("set", "echo", "rem", "del", "erase", "copy", "move", "md", "mkdir", "rd", "ren", "rmdir", "type", "dir")


def _after_cd(finder: _Finder, rest: str, *, changes_drive: bool) -> _Finder:
    is_whole = re.match(r"\s*/d\b", rest, re.IGNORECASE)
    folder = re.sub(r"^\s*/d\b", "", rest, flags=re.IGNORECASE).strip().strip('"')
    drives = [ntpath.splitdrive(place)[0].lower() for place in (folder, finder.folder)]
    if folder.startswith("\\\\") and not changes_drive:
        return finder.moved("")
    if is_whole or changes_drive or not drives[0] or drives[0] == drives[1]:
        return finder.moved(folder)
    return finder if finder.folder else finder.moved("")  # without /d the drive stays


def _of_powershell(finder: _Finder, arguments: Sequence[str], program: str) -> Iterator[Named]:
    """The script of PowerShell: after -File, or a command that calls one."""
    rest = iter(arguments)
    for word in rest:
        option = word[1:].lower() if word[:1] in "-/" else None
        if option is None:
            is_file = program == "pwsh" and word.lower().endswith(".ps1")
            yield from [finder.script(word)] if is_file else _called(finder, [word, *rest])
            return
        if option and "file".startswith(option):
            yield from (finder.script(name) for name in list(rest)[:1])
            return
        if option and "command".startswith(option):
            yield from _called(finder, rest)
            return
        if option == "e" or option.startswith(("en", "ec")):
            return  # an encoded command
        if option.startswith(("wd", "wo")):
            finder = finder.moved(next(rest, ""))
        elif option.startswith(("ex", "ep", "w", "v", "in", "if", "o", "p", "con", "cus", "set")):
            next(rest, "")


def _called(finder: _Finder, command: Iterator[str] | Sequence[str]) -> Iterator[Named]:
    """The script that a command of PowerShell calls first: by its name alone it would not be found."""
    found = _CALL.match(" ".join(command))
    if found and _has_folder(name := found[1] or found[2]):
        yield finder.script(name)


_CALL = re.compile(r"""\s*(?:[&.]\s*)?(?:'([^']+\.ps1)'|([^\s'"|;&]+\.ps1))(?=\s|;|$)""", re.IGNORECASE)


def _of_python(finder: _Finder, arguments: Sequence[str]) -> Iterator[Named]:
    """The script of Python; where a module is, depends on the environment."""
    rest = iter(arguments)
    for word in rest:
        if not word.startswith("-"):
            yield finder.script(word)
            return
        option = re.match(r"-[bBdEhiIOPqRsSuvVx]*([cmWX])(.*)", word, re.DOTALL)
        value = option and (option[2] or next(rest, ""))
        if option and option[1] == "m":
            yield Named(SCRIPT, value or "", None)
        if word == "-" or (option and option[1] in "cm"):
            return
