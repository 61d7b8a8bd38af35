r"""Programs of a command line: the one it starts, the one that does the work, and whether its exit code is lost.

>>> program_name(r'"C:\Program Files\Python311\Python.exe"')
'python'
"""

from __future__ import annotations

import re
from typing import NamedTuple

_FIRST_WORD = re.compile(r"""\s*(?:"([^"]*)"|([^\s"]+))""")
_WHOLE = re.compile(r"((?:[A-Za-z]:|\\)\\[^\"]*\.(?:exe|com|bat|cmd))", re.IGNORECASE)
_PROGRAM_AND_MORE = re.compile(r"(.+?\.(?:exe|com|bat|cmd))\s", re.IGNORECASE)
_CMD_INNER = re.compile(r"(?:^|\s)((?:/[a-z](?::\w+)?\s*)*?)/[ckr]\s*(.*)$", re.IGNORECASE | re.DOTALL)
_ASIDE = re.compile(r"@?\s*(?:cd|chdir|pushd|set|echo\s+off)\b", re.IGNORECASE)
_START = re.compile(r"""(?:^|[&|"(])\s*@?start(?=[\s"]|$)""", re.IGNORECASE)
# commands of cmd itself: the exit code is that of cmd
_BUILT_IN = (
    *("assoc", "break", "call", "cd", "chdir", "cls", "color", "copy", "date", "del", "dir", "dpath", "echo"),
    *("endlocal", "erase", "exit", "for", "ftype", "goto", "if", "md", "mkdir", "mklink", "move", "path", "pause"),
    *("popd", "prompt", "pushd", "rd", "rem", "ren", "rename", "rmdir", "set", "setlocal", "shift", "start", "time"),
    *("title", "type", "ver", "verify", "vol"),
)


class CmdCommand(NamedTuple):
    """One command of a line of cmd: what joins it to the one before (``&&``; "" for the first), and its text.

    The text is without brackets, redirections and carets (but those before blanks and quotes), and without ``@`` and
    ``call`` before it. `built_in` is its name where it is one of cmd itself (``cd`` of ``cd..``), else "" and `name` is
    the program, without quotes; `rest` follows it. `outputs` are the numbers of redirected handles with their targets,
    files or ``&1``. `is_grouped`: there are brackets in the line.
    """

    joint: str
    text: str
    built_in: str = ""
    name: str = ""
    rest: str = ""
    outputs: tuple[tuple[int, str], ...] = ()
    is_grouped: bool = False


def program_name(command: str) -> str:
    r"""The program's file name in lower case, without folder and ``.exe``.

    >>> program_name(r"D:\jobs\Load.BAT"), program_name("%ComSpec%"), program_name("")
    ('load.bat', 'cmd', '')
    """
    command = command.strip().strip("\"'")
    if command.lower() == "%comspec%":
        return "cmd"
    more = _PROGRAM_AND_MORE.match(command)  # arguments that stand in the field of the program
    return re.split(r"[\\/]", more[1] if more else command)[-1].strip().lower().removesuffix(".exe")


def working_program(command: str, arguments: str = "") -> str:
    """The program whose exit code Task Scheduler sees: the one that ``cmd /c`` starts, else the command itself.

    >>> working_program("cmd", "/c a.exe && b.exe"), working_program("robocopy.exe")
    ('cmd', 'robocopy')
    """
    name = program_name(command)
    last = _last_command(arguments) if name == "cmd" else None
    if not last or last.built_in or _START.search(last.text):
        return name
    word = _WHOLE.fullmatch(last.text) or _FIRST_WORD.match(last.text)
    return program_name(word[1] or word[2]) if word else name


def cmd_commands(arguments: str) -> list[CmdCommand]:
    r"""The commands that ``cmd /c`` gets, in order.

    Authority: ``cmd /?``, and "How does the Windows Command Interpreter (CMD.EXE) parse scripts?" (Stack Overflow,
    question 4094699).

    >>> [(each.joint, each.text) for each in cmd_commands(r'/d /c "cd /d D:\jobs && call load.bat 2>&1 | more"')]
    [('', 'cd /d D:\\jobs'), ('&&', 'load.bat'), ('|', 'more')]
    """
    inner = _CMD_INNER.search(arguments)
    if not inner:
        return []
    line = inner[2].strip()
    return _parted(line if not line.startswith('"') else _without_outer_quotes(line, always="/s" in inner[1].lower()))


def _parted(line: str) -> list[CmdCommand]:
    found: list[CmdCommand] = []
    joint, text, outputs, depth, is_grouped = "", "", list[tuple[int, str]](), 0, False
    for piece in (*_PIECE.finditer(line), None):
        if not piece or piece["joint"]:
            text = _BEFORE.sub("", text, count=1).strip()
            if text or outputs:
                found.append(_named(CmdCommand(joint, text, outputs=tuple(outputs))))
            joint, text, outputs = piece["joint"] if piece and found else "", "", []
        elif piece["sign"]:
            target = re.sub(r'"|\^(?=.)', "", piece["target"])
            outputs += [] if piece["sign"] == "<" else [(int(piece["handle"] or 1), target)]
            text += " "
        elif piece[0] == "(" and not _BEFORE.sub("", text, count=1):
            depth, is_grouped = depth + 1, True
        elif piece[0] == ")" and depth:
            depth -= 1
        else:
            text += piece["literal"] or piece[0]
    return [command._replace(is_grouped=is_grouped) for command in found]


_PIECE = re.compile(
    r"""(?P<quoted>"[^"]*"?)|\^(?P<literal>[^\s"^])|\^.?|(?P<joint>&&?|\|\|?)"""
    r"""|(?P<handle>(?<![^\s"&|<>()@,;=])\d)?(?P<sign>>>?|<)\s*"""
    r"""(?P<target>&\d|(?:"[^"]*"?|\^.|\([^\s"&|<>()]*\)|[^\s"&|<>()^,;=])*)"""
    r"""|[()]|[^"^&|<>()\d]+|.""",
    re.DOTALL,
)
_BEFORE = re.compile(r"(?:[@\s,;=]|call(?=[\s,;=]))*", re.IGNORECASE)
_NAME = re.compile(r'(?:"[^"]*"?|[^\s",;=])+')
_INTERNAL = re.compile(rf"({'|'.join(_BUILT_IN)})(?=[\s\\/.,;=+:\[\]\"]|$)(?!\.\w)", re.IGNORECASE)


def _named(command: CmdCommand) -> CmdCommand:
    """The same with its name and what follows it."""
    text = command.text
    if own := _INTERNAL.match(text):
        return command._replace(built_in=own[1].lower(), rest=text[own.end() :])
    name = _NAME.match(text)
    return command._replace(name=name[0].replace('"', ""), rest=text[name.end() :]) if name else command


def _last_command(arguments: str) -> CmdCommand | None:
    """The command whose exit code cmd returns, after others that only prepare it; None where there are several."""
    commands = cmd_commands(arguments)
    if not commands or any("|" in command.joint for command in commands):
        return None
    return commands[-1] if all(_ASIDE.match(command.text) for command in commands[:-1]) else None


def _without_outer_quotes(line: str, *, always: bool = False) -> str:
    r"""`line`, which begins with a quote, as cmd reads it after /c, by ``cmd /?``: without that quote and the last one.

    Both stay around the only quoted text of a line where that is the path of a program with a blank, unless `always`.

    >>> _without_outer_quotes(r'""D:\a b.bat" -x"'), _without_outer_quotes(r'"D:\a b.bat" -x')
    ('"D:\\a b.bat" -x', '"D:\\a b.bat" -x')
    """
    if not always and _QUOTED_PROGRAM.fullmatch(line):
        return line
    last = line.rfind('"')
    return line[1:last] + line[last + 1 :]


_QUOTED_PROGRAM = re.compile(r'"[^"&<>()@^|]*\s[^"&<>()@^|]*\.(?:exe|com|bat|cmd)"[^"]*', re.IGNORECASE)


def hides_exit_code(command: str, arguments: str = "") -> str:
    """The launcher that hides the exit code of the program it starts; "" where none is known to.

    >>> hides_exit_code("load.vbs"), hides_exit_code("cmd.exe", '/c start "" x.exe'), hides_exit_code("cmd", "/c x")
    ('wscript', 'cmd /c start', '')
    """
    name = program_name(command)
    if name in ("wscript", "conhost"):
        return name
    if name.endswith((".vbs", ".vbe", ".wsf")):
        return "wscript"
    inner = _CMD_INNER.search(arguments) if name == "cmd" else None
    return "cmd /c start" if inner and _START.search(inner[2]) else ""
