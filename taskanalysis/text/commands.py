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
    inner = _CMD_INNER.search(arguments) if name == "cmd" else None
    line = _last_command(_without_outer_quotes(inner[1].strip())) if inner else ""
    line = re.sub(r"^[@(\s]+", "", line)
    if not line or _START.search(line):
        return name
    line = re.sub(r"^call\s+", "", line, flags=re.IGNORECASE)
    word = _WHOLE.fullmatch(line) or _FIRST_WORD.match(line)
    inside = program_name(word[1] or word[2]) if word else name
    return name if inside in _BUILT_IN else inside


def _last_command(line: str) -> str:
    """The command whose exit code cmd returns, after others that only prepare it; "" where there are several."""
    quoted = re.sub(r'"[^"]*"', lambda found: "_" * len(found[0]), line)
    plain = _NO_SEPARATOR.sub(lambda found: "_" * len(found[0]), quoted)
    if "|" in plain:
        return ""
    places = [found.span() for found in re.finditer("&+", plain)]
    begins, ends = [0, *(end for _, end in places)], [*(start for start, _ in places), len(line)]
    commands = [line[begin:end].strip() for begin, end in zip(begins, ends, strict=True)]
    return commands[-1] if all(map(_ASIDE.match, commands[:-1])) else ""


def _without_outer_quotes(line: str) -> str:
    """`line` as cmd reads it after /c: without quotes around the whole; there may be more inside."""
    quoted = len(line) > 1 and line.startswith('"') and line.endswith('"')
    return line[1:-1] if quoted and (line.count('"') == 2 or line.startswith('""')) else line


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
