r"""What a command line starts: the program whose exit code Task Scheduler sees, and whether it is the one that works.

>>> program_name(r'"C:\Program Files\Python311\Python.exe"')
'python'
"""

from __future__ import annotations

import re

__all__ = ["hides_exit_code", "program_name", "working_program"]

_FIRST_WORD = re.compile(r"""\s*(?:"([^"]*)"|([^\s"]+))""")
_WHOLE = re.compile(r"((?:[A-Za-z]:|\\)\\[^\"]*\.(?:exe|com|bat|cmd))", re.IGNORECASE)
_CMD_INNER = re.compile(r"(?:^|\s)/[ck]\s*(.*)$", re.IGNORECASE | re.DOTALL)
_SEVERAL = re.compile(r"[&|]")
_START = re.compile(r"""(?:^|[&|"(])\s*@?start(?=[\s"]|$)""", re.IGNORECASE)


def program_name(command: str) -> str:
    r"""The program's file name in lower case, without folder and ``.exe``.

    >>> program_name(r"D:\jobs\Load.BAT"), program_name("")
    ('load.bat', '')
    """
    if command.strip().lower() == "%comspec%":
        return "cmd"
    return re.split(r"[\\/]", command.strip().strip("\"'"))[-1].strip().lower().removesuffix(".exe")


def working_program(command: str, arguments: str = "") -> str:
    """The program whose exit code is seen: what ``cmd /c`` starts, where that is one program, else the command itself.

    >>> working_program("cmd", "/c a.exe && b.exe"), working_program("robocopy.exe")
    ('cmd', 'robocopy')
    """
    name = program_name(command)
    inner = _CMD_INNER.search(arguments) if name == "cmd" else None
    if not inner or _SEVERAL.search(inner[1]) or _START.search(inner[1]):
        return name
    line = re.sub(r"^call\s+", "", _without_outer_quotes(inner[1].strip()), flags=re.IGNORECASE)
    word = _WHOLE.fullmatch(line) or _FIRST_WORD.match(line)
    return program_name(word[1] or word[2]) if word else name


def _without_outer_quotes(line: str) -> str:
    """What is left when cmd has dropped the quotes around all that follows /c; there may be more inside."""
    quoted = len(line) > 1 and line.startswith('"') and line.endswith('"')
    return line[1:-1] if quoted and (line.count('"') == 2 or line.startswith('""')) else line


def hides_exit_code(command: str, arguments: str = "") -> str:
    """What drops the exit code of the program that works; "" where nothing is known to do so.

    >>> hides_exit_code("wscript.exe"), hides_exit_code("cmd.exe", '/c start "" x.exe'), hides_exit_code("cmd", "/c x")
    ('wscript', 'cmd /c start', '')
    """
    name = program_name(command)
    if name in ("wscript", "conhost"):
        return name
    if name.endswith((".vbs", ".vbe", ".wsf")):
        return "wscript"
    inner = _CMD_INNER.search(arguments) if name == "cmd" else None
    return "cmd /c start" if inner and _START.search(inner[1]) else ""
