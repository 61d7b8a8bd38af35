r"""The files that an action starts: its program, and the scripts that its arguments name; and where its output goes.

Authority: Microsoft's pages "cmd", "Parsing C++ command-line arguments", "about_PowerShell_exe", "about_Pwsh" and
"about_Redirection"; Python's "Command line and environment". Where a name leads is in `finder`.

>>> action = ExecAction(command="cmd", arguments=r'/c "D:\jobs\load.bat" --all')
>>> [(named.role, named.file) for named in named_files(action, {}, {r"D:\jobs\load.bat"}.__contains__)]
[('program', 'cmd'), ('script', 'D:\\jobs\\load.bat')]
"""

from __future__ import annotations

import ntpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from taskanalysis.definition import ExecAction
from taskanalysis.text import CmdCommand, cmd_commands, program_name
from taskanalysis.windows.finder import (
    PROGRAM,
    SCRIPT,
    Exists,
    Finder,
    Named,
    expanded,
    has_folder,
    is_whole,
    role_of,
)


def named_files(action: ExecAction, environment: Mapping[str, str], exists: Exists) -> list[Named]:
    """The program of an action and the scripts and programs that its arguments name, each once.

    `environment` holds the variables that are known for the task's account, with PATH and SystemRoot.
    """
    finder, command, arguments = _begun(action, environment, exists)
    if not command:
        return []
    return list(dict.fromkeys([finder.program(command), *_named(finder, program_name(command), arguments)]))


def log_file(action: ExecAction, environment: Mapping[str, str], exists: Exists = lambda _: None) -> str:
    r"""The file into which cmd or PowerShell writes output, else errors; "" where there is none, or it is not known.

    >>> log_file(ExecAction(command="cmd", arguments=r"/c load.bat >> D:\logs\load.log 2>&1"), {})
    'D:\\logs\\load.log'
    """
    finder, command, arguments = _begun(action, environment, exists)
    return _log(finder, program_name(command), arguments)


def _begun(action: ExecAction, environment: Mapping[str, str], exists: Exists) -> tuple[Finder, str, str]:
    """A finder from the folder in which an action works, its program and its arguments."""
    known = {name.upper(): value for name, value in environment.items()}
    command, arguments, folder = (
        expanded(text, known) for text in (action.command, action.arguments, action.working_directory)
    )
    finder = Finder(known, exists)
    folder = folder or finder.system_folder
    finder = replace(finder, folder=ntpath.normpath(folder) if is_whole(folder) else "")
    return finder, command.strip().strip('"'), arguments


# Arguments ------------------------------------------------------------------------------------------------------------


def _named(finder: Finder, program: str, line: str) -> Iterator[Named]:
    """What the arguments `line` of a program name."""
    if program == "cmd":
        for step in _steps(finder, line):
            if step.program:
                yield step.program
                yield from _named(step.finder, program_name(step.command.name), step.command.rest)
    elif program in _POWERSHELLS:
        yield from _of_powershell(finder, words(line), program)
    elif _PYTHON.fullmatch(program):
        yield from _of_python(finder, words(line))
    elif program == "conhost":
        first, rest = _inner(line)
        if first:
            yield finder.program(first)
            yield from _named(finder, program_name(first), rest)
    elif program in ("wscript", "cscript", "perl", "rscript", "ruby", "node"):
        first = next((word for word in words(line) if not word.startswith("//")), "-")
        if not first.startswith("-"):
            yield finder.script(first)
        elif script := next((word for word in words(line) if role_of(word, "")), ""):
            yield Named(SCRIPT, script, None)  # it may be the value of an option
    else:
        yield from _of_others(finder, words(line), _INPUTS.get(program, ()))


_POWERSHELLS = ("powershell", "pwsh")
_PYTHON = re.compile(r"py(?:w|thonw?)?[\d.]*")
_INPUTS = {"sqlcmd": ("-i",), "osql": ("-i",), "psql": ("-f", "--file"), "php": ("-f",)}
"""Options whose value is a script, where another program's may be a file that it writes."""


def _inner(line: str) -> tuple[str, str]:
    """The program that ``conhost --headless`` starts without a window, and its arguments."""
    inner = re.sub(r"^\s*(?:--?\S+(?:\s+|$))*", "", line)
    first = next(iter(words(inner)), "")
    return first, inner[len(_FIRST.match(inner)[0]) :]  # type: ignore[index]


_FIRST = re.compile(r'(?:"[^"]*"|[^\s"])*')


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


def _of_others(finder: Finder, arguments: Sequence[str], inputs: Sequence[str]) -> Iterator[Named]:
    """The scripts among the arguments of any program, but for values of options: those may be files that it writes."""
    for before, word in zip(["", *arguments], arguments, strict=False):
        is_value = re.match(r"[-/][^:=]*$", before)
        if before in inputs or (role_of(word, "") and is_whole(word) and not is_value):
            yield finder.script(word)


def _of_python(finder: Finder, arguments: Sequence[str]) -> Iterator[Named]:
    """The script of Python; where a module is, depends on the environment."""
    rest = iter(arguments)
    for word in rest:
        if not word.startswith("-"):
            yield _python_script(finder, word)
            return
        option = re.match(r"-[bBdEhiIOPqRsSuvVx]*([cmWX])(.*)", word, re.DOTALL)
        value = option and (option[2] or next(rest, ""))
        if option and option[1] == "m":
            yield Named(SCRIPT, value or "", None)
        if word == "-" or (option and option[1] in "cm"):
            return
        if word == "--check-hash-based-pycs":
            next(rest, "")


def _python_script(finder: Finder, name: str) -> Named:
    """The script that Python runs by this name: a file (also a zip with one in it), or ``__main__.py`` of a folder."""
    found = finder.script(name)
    if found.exists is not False or name.lower().endswith((".py", ".pyw")):
        return found
    main = finder.script(ntpath.join(name, "__main__.py"))
    return main if main.exists else Named(SCRIPT, name, None)  # it may be a folder with __main__.pyc


# cmd ------------------------------------------------------------------------------------------------------------------


class _Step(NamedTuple):
    """A command of a line of cmd, what it starts (None for one of cmd's own), and where that looks for files."""

    finder: Finder
    command: CmdCommand
    program: Named | None = None


def _steps(finder: Finder, line: str) -> Iterator[_Step]:
    """The commands of a line of cmd, one after the other. Its current folder can't be one of a server's share."""
    commands = cmd_commands(line)
    if finder.folder.startswith("\\\\"):
        finder = finder.moved("")
    is_mixed = any(command.joint == "|" and command.is_grouped for command in commands)
    moves = list[str]()  # the joints of commands that may have changed the folder
    folders: set[str] = {finder.folder}  # in which it may be; "" where one is not known
    is_guarded, is_conditional = False, False
    for command, following in zip(commands, [*commands[1:], CmdCommand("", "")], strict=False):
        joint, is_exit = command.joint, command.built_in == "exit"
        if is_mixed or (joint == "||" and not is_exit) or (joint == "&&" and is_exit):
            finder = finder.lost()
        elif joint == "&" and moves and not is_guarded:
            # each of them may have failed, and those after others may not have been run
            instead = () if "" in folders else tuple(folders)
            is_run = not {*moves} & {"&&", "||"}
            finder = replace(finder, is_doubtful=True, instead=instead) if is_run else finder.moved("")
        if joint == "&" and is_guarded:
            moves = []
        is_guarded = is_exit and joint == "||"
        is_conditional |= command.built_in in _CONDITIONAL or (is_exit and joint in ("", "&"))
        if is_conditional:  # whether the rest is run is not known
            yield _Step(finder.lost(), command)
            continue
        step = _step(finder, command)
        yield step
        if "|" not in (joint, following.joint):  # there, each has a cmd of its own
            finder = _after(step)
            if replace(finder, environment=step.finder.environment) != step.finder:
                moves.append(joint)
                folders.add("" if step.finder.is_doubtful and finder.is_doubtful else finder.folder)


_CONDITIONAL = ("if", "for", "goto", "rem")


def _step(finder: Finder, command: CmdCommand) -> _Step:
    name, text = command.name, command.text
    if command.built_in or not name or _DRIVE.fullmatch(name):
        return _Step(finder, command)
    before, quote, _ = text.partition('"')
    # where cmd took a quote away that belonged to a name, where it cuts off a switch, and what it would still change
    is_unclear = (quote and before and not re.search(r"[\s=,;:]$", before)) or ("/" in name and text[0] != '"')
    if is_unclear or _UNCLEAR.search(re.sub('"[^"]*"', "", text)) or _DELAYED.search(text):
        return _Step(finder, command._replace(name="", rest=""), Named(PROGRAM, text, None))
    return _Step(finder, command, finder.command(name))


_DRIVE = re.compile("[a-z]:", re.IGNORECASE)
_UNCLEAR, _DELAYED = re.compile(r"\^"), re.compile("![^!]+!")


def _after(step: _Step) -> Finder:
    """Where the next command looks for files."""
    finder, command, program = step
    if command.built_in in ("cd", "chdir", "pushd"):
        return _after_cd(finder, command.rest, changes_drive=command.built_in == "pushd")
    if command.built_in == "popd":
        return finder.moved("")
    variable = re.match(r'\s*"?\s*(?:/\w\s+"?)?(path|pathext)\s*=', command.rest, re.IGNORECASE)
    if command.built_in == "path" or (command.built_in == "set" and variable):
        changed = "PATHEXT" if variable and variable[1].upper() == "PATHEXT" else "PATH"
        return replace(finder, environment={**finder.environment, changed: ""})
    if not program:
        return finder.on_drive(command.name) if command.name else finder
    file = (command.name if program.exists is None else program.file).lower()
    is_safe = file.endswith((".exe", ".com")) if program.exists is None else not file.endswith((".bat", ".cmd"))
    return finder if is_safe else finder.lost()  # a batch file may change folder and variables


def _after_cd(finder: Finder, rest: str, *, changes_drive: bool) -> Finder:
    option = re.match(r'\s*/d(?=[\s"]|$)', rest, re.IGNORECASE)
    folder = rest[option.end() if option else 0 :].replace('"', "").strip()
    drive, path = ntpath.splitdrive(folder)
    changes_drive |= bool(option)
    if not folder:
        return finder
    if _UNCLEAR.search(folder) or _DELAYED.search(folder) or re.search("[,;=]", folder):
        return finder.moved("")
    if folder.startswith("\\\\") and (option or not changes_drive):
        return finder.moved("")
    if not path and drive:
        return finder.on_drive(drive) if changes_drive else finder
    if changes_drive or not drive or drive.upper() == finder.current_drive.upper():
        return finder.moved(folder)
    return finder.parking(folder) if finder.current_drive and is_whole(folder) else finder.moved("")


# PowerShell -----------------------------------------------------------------------------------------------------------


class _Called(NamedTuple):
    """How PowerShell is called: where it works, and the file or the command that it runs, "" where there is none."""

    finder: Finder
    file: str = ""
    command: str = ""


def _called(finder: Finder, arguments: Sequence[str], program: str) -> _Called:
    rest = iter(arguments)
    for word in rest:
        option = word[1:].lower() if word[:1] in "-/" else None
        if option is None:
            is_file = program == "pwsh" and word.lower().endswith(".ps1")
            return _Called(finder, file=word) if is_file else _Called(finder, command=" ".join([word, *rest]))
        if option and "file".startswith(option):
            return _Called(finder, file=next(rest, ""))
        if option and "command".startswith(option):
            return _Called(finder, command=" ".join(rest))
        if option == "e" or option.startswith(("en", "ec")):
            break  # an encoded command
        if option.startswith(("wd", "wo")):
            folder = next(rest, "")
            finder = finder.moved("" if _COMPUTED.search(folder) else folder)
        elif option.startswith(("ex", "ep", "w", "v", "in", "if", "o", "p", "con", "cus", "set")):
            next(rest, "")
    return _Called(finder)


def _of_powershell(finder: Finder, arguments: Sequence[str], program: str) -> Iterator[Named]:
    """The script of PowerShell: after -File, or the first that a command calls."""
    called = _called(finder, arguments, program)
    if called.file and called.file != "-":
        yield _powershell_script(called.finder, called.file)
    elif found := _CALL.match(called.command):
        name = next(filter(None, found.groups()))
        # by its name alone it would not be found in the current folder
        yield _powershell_script(called.finder, name) if has_folder(name) else Named(SCRIPT, name, None)
    elif other := _SOME_SCRIPT.search(called.command):
        yield Named(SCRIPT, next(filter(None, other.groups())), None)


def _powershell_script(finder: Finder, name: str) -> Named:
    return Named(SCRIPT, name, None) if _COMPUTED.search(name) else finder.script(name)


_COMPUTED = re.compile(r"[$`~*?\[\]{}]")
_CALL = re.compile(
    r"""\s*(?:(?:&\s*|\.\s+|\.(?=['"]))(?:'([^']+\.ps1)'|"([^"]+\.ps1)")|(?:&\s*|\.\s+)?([^\s'"|;&(){},]+\.ps1))(?=[\s;]|$)""",
    re.IGNORECASE,
)
_SOME_SCRIPT = re.compile(r"""'([^']+\.ps1)'|"([^"]+\.ps1)"|([^\s'"|;&(){},=]+\.ps1)\b""", re.IGNORECASE)


# Output ---------------------------------------------------------------------------------------------------------------


def _log(finder: Finder, program: str, line: str) -> str:
    """The file into which a command line writes what it says; "" where that is not known."""
    if program == "conhost":
        first, rest = _inner(line)
        return _log(finder, program_name(first), rest)
    if program in _POWERSHELLS:
        return _log_of_powershell(_called(finder, words(line), program))
    if program != "cmd":
        return ""
    steps = [step for step in _steps(finder, line) if step.program or step.command.built_in in ("", *_CONDITIONAL)]
    for wanted in (1, 2):
        for step in reversed(steps):
            targets = [target for handle, target in step.command.outputs if handle == wanted and _is_file(target)]
            if targets:
                is_clear = is_whole(targets[-1]) or not (step.command.is_grouped or step.finder.is_doubtful)
                return step.finder.joined(targets[-1]) if is_clear and not _DELAYED.search(targets[-1]) else ""
    inner = (_log(step.finder, program_name(step.command.name), step.command.rest) for step in reversed(steps))
    return next(filter(None, inner), "")


def _log_of_powershell(called: _Called) -> str:
    found = [
        match for match in _WRITTEN.finditer(called.command) if match["sign"] and match["stream"] in ("", "1", "*")
    ]
    names = [name for match in found if _is_file(name := match["file"].strip("'\""))]
    if not names or _COMPUTED.search(names[-1]):
        return ""
    moves = re.search(r"\b(?:cd|chdir|sl|pushd|popd|set-location|push-location)\b", called.command, re.IGNORECASE)
    return called.finder.joined(names[-1]) if is_whole(names[-1]) or not moves else ""


_WRITTEN = re.compile(
    r"""'[^']*'|"[^"]*"|(?P<stream>(?<!\S)[2-6]|[1*]?)(?P<sign>>>?)\s*(?P<file>'[^']*'|"[^"]*"|[^\s'"|;(){}]+)"""
)


def _is_file(target: str) -> bool:
    """Whether a redirection ends in a file, not in another handle or in nothing."""
    return bool(target) and not re.fullmatch(r"&\d|nul|con|prn|aux|\$null", target, re.IGNORECASE)
