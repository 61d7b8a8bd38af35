r"""Programs of a command line: the one it starts, the one that does the work, and whether its exit code is lost.

>>> program_name(r'"C:\Program Files\Python311\Python.exe"')
'python'
"""

from __future__ import annotations

import re

_FIRST_WORD = re.compile(r"""\s*(?:"([^"]*)"|([^\s"]+))""")
_WHOLE = re.compile(r"((?:[A-Za-z]:|\\)\\[^\"]*\.(?:exe|com|bat|cmd))", re.IGNORECASE)
_PROGRAM_AND_MORE = re.compile(r"(.+?\.(?:exe|com|bat|cmd))\s", re.IGNORECASE)
_CMD_INNER = re.compile(r"(?:^|\s)(?:/[a-z](?::\w+)?\s*)*?/[ckr]\s*(.*)$", re.IGNORECASE | re.DOTALL)
_NO_SEPARATOR = re.compile(r"""\d?>>?\s*&\d|\^.""")  # 2>&1, and what a caret takes its meaning from
_ASIDE = re.compile(r"@?\s*(?:cd|chdir|pushd|set|echo\s+off)\b", re.IGNORECASE)
_START = re.compile(r"""(?:^|[&|"(])\s*@?start(?=[\s"]|$)""", re.IGNORECASE)
# commands of cmd itself: the exit code is that of cmd
_BUILT_IN = {
    *("call", "cd", "chdir", "copy", "del", "dir", "echo", "erase", "exit", "for", "goto", "if", "md", "mkdir"),
    *("move", "popd", "pushd", "rd", "ren", "rmdir", "set", "type"),
}


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
    line = _last_command(arguments) if name == "cmd" else ""
    if not line or _START.search(line):
        return name
    word = _WHOLE.fullmatch(line) or _FIRST_WORD.match(line)
    inside = program_name(word[1] or word[2]) if word else name
    return name if inside in _BUILT_IN else inside


def cmd_commands(arguments: str) -> list[str]:
    r"""The commands that ``cmd /c`` runs, in order; without brackets, ``@`` and ``call`` before them.

    >>> cmd_commands(r'/d /c "cd /d D:\jobs && call load.bat 2>&1 | more"')
    ['cd /d D:\\jobs', 'load.bat 2>&1', 'more']
    """
    return [command for _, command in _parted(arguments)]


def _last_command(arguments: str) -> str:
    """The command whose exit code cmd returns, after others that only prepare it; "" where there are several."""
    parts = _parted(arguments)
    if not parts or any("|" in joint for joint, _ in parts) or not all(_ASIDE.match(line) for _, line in parts[:-1]):
        return ""
    return parts[-1][1]


def _parted(arguments: str) -> list[tuple[str, str]]:
    """The commands that cmd gets, each after what joins it to the one before."""
    inner = _CMD_INNER.search(arguments)
    line = _without_outer_quotes(inner[1].strip()) if inner else ""
    quoted = re.sub(r'"[^"]*"', lambda found: "_" * len(found[0]), line)
    plain = _NO_SEPARATOR.sub(lambda found: "_" * len(found[0]), quoted)
    places = [(0, 0), *(found.span() for found in re.finditer("[&|]+", plain))]
    ends = [*(begin for begin, _ in places[1:]), len(line)]
    commands = [line[begin:end] for (_, begin), end in zip(places, ends, strict=True)]
    joints = [plain[begin:end] for begin, end in places]
    return [(joint, _BEFORE.sub("", command, count=1).strip()) for joint, command in zip(joints, commands, strict=True)]


_BEFORE = re.compile(r"[@(\s]*(?:call\s+)?", re.IGNORECASE)


def _without_outer_quotes(line: str) -> str:
    r"""`line` as cmd reads it after /c, by ``cmd /?``: without its first quote and its last one.

    Both stay around the only quoted text of a line where that is the path of a program with a blank.

    >>> _without_outer_quotes(r'""D:\a b.bat" -x"'), _without_outer_quotes(r'"D:\a b.bat" -x')
    ('"D:\\a b.bat" -x', '"D:\\a b.bat" -x')
    """
    if not line.startswith('"') or _QUOTED_PROGRAM.fullmatch(line):
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
    return "cmd /c start" if inner and _START.search(inner[1]) else ""
