r"""Which files an action starts: found, or not known; never another."""

import ntpath
from collections.abc import Callable
from random import Random

import pytest

from taskanalysis.definition import ExecAction
from taskanalysis.windows.programs import PROGRAM, SCRIPT, Named, named_files

WINDOWS = r"C:\Windows\System32"
FILES = {
    *(
        rf"{WINDOWS}\{name}"
        for name in ("cmd.exe", "robocopy.exe", "wscript.exe", "WindowsPowerShell\\v1.0\\powershell.exe")
    ),
    r"C:\Program Files\Python311\python.exe",
    r"D:\jobs\load.py",
    r"D:\jobs\load.bat",
    r"D:\jobs\two words\load it.bat",
    r"D:\jobs\ps\Export-All.ps1",
    r"D:\tools\tool.exe",
    r"D:\tools\both.bat",
    r"D:\tools\both.exe",
    r"\\files\share\load.cmd",
}
ENVIRONMENT = {
    "SystemRoot": r"C:\Windows",
    "JOBS": r"D:\jobs",
    "Path": rf"{WINDOWS};C:\Windows;{WINDOWS}\WindowsPowerShell\v1.0\;C:\Program Files\Python311\;D:\tools",
}


def there(file: str) -> Named:
    return Named(SCRIPT if file.endswith((".bat", ".cmd", ".py", ".ps1")) else PROGRAM, file, True)


def gone(file: str, role: str = PROGRAM) -> Named:
    return Named(role, file, False)


def unknown(text: str, role: str = PROGRAM) -> Named:
    return Named(role, text, None)


ROBOCOPY = rf"{WINDOWS}\robocopy.exe"
WSCRIPT = there(rf"{WINDOWS}\wscript.exe")
CONHOST = unknown("conhost")
CMD = there(rf"{WINDOWS}\cmd.exe")
PYTHON = there(r"C:\Program Files\Python311\python.exe")
POWERSHELL = there(rf"{WINDOWS}\WindowsPowerShell\v1.0\powershell.exe")
LOAD = there(r"D:\jobs\load.py")
TWO_WORDS = there(r"D:\jobs\two words\load it.bat")
BATCH = there(r"D:\jobs\load.bat")
EXPORT = there(r"D:\jobs\ps\Export-All.ps1")
KNOWN = {each.casefold() for each in FILES}


def on(disk: set[str]) -> Callable[[str], bool | None]:
    return lambda file: None if file.startswith("\\\\gone\\") else file.casefold() in disk


def found(command: str, arguments: str = "", folder: str = "") -> list[Named]:
    action = ExecAction(command=command, arguments=arguments, working_directory=folder)
    return named_files(action, ENVIRONMENT, on(KNOWN))


@pytest.mark.parametrize(
    ("command", "arguments", "folder", "expected"),
    [
        (r"D:\tools\tool.exe", "", "", [there(r"D:\tools\tool.exe")]),
        (r'"D:\tools\tool.exe"', "", "", [there(r"D:\tools\tool.exe")]),
        (r"D:\tools\tool", "", "", [there(r"D:\tools\tool.exe")]),
        (r"D:\tools\both", "", "", [there(r"D:\tools\both.exe")]),
        (r"D:\tools\gone.exe", "", "", [gone(r"D:\tools\gone.exe")]),
        (r"%JOBS%\load.bat", "", "", [BATCH]),
        (r"%USERPROFILE%\load.bat", "", "", [unknown(r"%USERPROFILE%\load.bat")]),
        (r"\\files\share\load.cmd", "", "", [there(r"\\files\share\load.cmd")]),
        (r"\\gone\share\load.cmd", "", "", [unknown(r"\\gone\share\load.cmd", SCRIPT)]),
        ("tool.exe", "", "", [there(r"D:\tools\tool.exe")]),
        ("nobody.exe", "", "", [unknown("nobody.exe")]),
        ("load.bat", "", r"D:\jobs", [unknown("load.bat")]),
        (r"jobs\load.bat", "", "D:\\", [unknown(r"jobs\load.bat")]),
        (r"D:\tools\tool.exe -x", "", "", [unknown(r"D:\tools\tool.exe -x")]),
        ("", "", "", []),
        # cmd
        ("cmd", r"/c D:\jobs\load.bat", "", [CMD, BATCH]),
        ("cmd.exe", r'/d /s /c ""D:\jobs\two words\load it.bat" -a"', "", [CMD, TWO_WORDS]),
        ("%ComSpec%", "/c load", r"D:\jobs", [unknown("%ComSpec%"), BATCH]),
        ("cmd", "/c load.bat", "", [CMD, unknown("load.bat")]),
        ("cmd", r"/c cd /d D:\jobs && python load.py > D:\logs\load.log 2>&1", "", [CMD, PYTHON, LOAD]),
        ("cmd", r"/c cd D:\jobs && python load.py", "", [CMD, PYTHON, gone(rf"{WINDOWS}\load.py", SCRIPT)]),
        ("cmd", r"/c pushd D:\jobs & call load & robocopy D:\a E:\a", "", [CMD, BATCH, there(ROBOCOPY)]),
        ("cmd", r"/c if exist D:\flag D:\jobs\load.bat", "", [CMD]),
        ("cmd", r"/c cd %HERE% && python load.py", "", [CMD, unknown("python"), unknown("load.py", SCRIPT)]),
        ("cmd", "/k", "", [CMD]),
        # Python
        ("python", "load.py", r"D:\jobs", [PYTHON, LOAD]),
        ("python", r"-u -W ignore -X dev D:/jobs/load.py --day -m", "", [PYTHON, LOAD]),
        ("python", r'"D:\jobs\gone.py"', "", [PYTHON, gone(r"D:\jobs\gone.py", SCRIPT)]),
        ("python", "-m etl.load D:\\jobs\\load.py", "", [PYTHON, unknown("etl.load", SCRIPT)]),
        ("python", "-Bum etl", "", [PYTHON, unknown("etl", SCRIPT)]),
        ("python", "-c \"print('load.py')\"", r"D:\jobs", [PYTHON]),
        ("python", "load.py", '"D:\\jobs"', [unknown("python"), unknown("load.py", SCRIPT)]),
        # PowerShell
        ("powershell", r"-NoP -Ex Bypass -File .\ps\Export-All.ps1", r"D:\jobs", [POWERSHELL, EXPORT]),
        ("powershell", r"-nop -ep bypass -f D:\jobs\ps\Export-All.ps1", "", [POWERSHELL, EXPORT]),
        ("powershell", r"-Command & 'D:\jobs\ps\Export-All.ps1' -Day 1; exit 1", "", [POWERSHELL, EXPORT]),
        ("powershell", r"D:\jobs\ps\Export-All.ps1", "", [POWERSHELL, EXPORT]),
        ("powershell", "Export-All.ps1", r"D:\jobs\ps", [POWERSHELL]),
        ("powershell", "-EncodedCommand AAAA", "", [POWERSHELL]),
        # others
        ("conhost", r'--headless "C:\Program Files\Python311\python.exe" load.py', r"D:\jobs", [CONHOST, PYTHON, LOAD]),
        ("conhost", "--headless", "", [CONHOST]),
        ("wscript", r"//B //Nologo D:\jobs\load.vbs", "", [WSCRIPT, gone(r"D:\jobs\load.vbs", SCRIPT)]),
        ("tool.exe", r"-i D:\jobs\load.py -o out.sql", "", [there(r"D:\tools\tool.exe"), LOAD]),
    ],
)  # fmt: skip
def test_files_of_an_action(command: str, arguments: str, folder: str, expected: list[Named]) -> None:
    assert found(command, arguments, folder) == expected


FOLDERS = [r"D:\jobs", r"D:\two words", r"D:\two words\in (x86)", r"\\files\share\a b"]
NAMES = ["load", "load it", "lädt", "a&b", "x.y"]


def _quoted(path: str, dice: Random) -> str:
    return f'"{path}"' if " " in path or "&" in path or dice.random() < 0.5 else path


def _case(dice: Random) -> tuple[ExecAction, set[str], str]:
    """An action made for one script of a made disk, that disk, and the script that Windows would run."""
    folder, kind = dice.choice(FOLDERS), dice.choice([".bat", ".cmd", ".py", ".ps1", ".vbs"])
    script = ntpath.join(folder, dice.choice(NAMES) + kind)
    disk = {ntpath.join(dice.choice([*FOLDERS, WINDOWS, r"D:\tools"]), dice.choice(NAMES) + kind) for _ in range(6)}
    if dice.random() < 0.9:
        disk.add(script)
    is_relative = dice.random() < 0.5
    name = script.replace(r"D:\jobs", "%JOBS%") if dice.random() < 0.2 else script
    if is_relative:
        name = dice.choice(["", ".\\"]) + ntpath.basename(script)
    start_in = folder if is_relative else dice.choice(["", folder, r"D:\elsewhere"])
    if is_relative and dice.random() < 0.3:
        start_in = r"D:\elsewhere"
        script = ntpath.join(start_in, ntpath.basename(script))
    word = _quoted(name, dice)
    noise = dice.choice(["", " --day 1", ' "other words"', r" D:\out.csv"])
    inner = {
        ".bat": word + noise,
        ".cmd": f"call {word}{noise}",
        ".py": f"python {dice.choice(['', '-u ', '-W ignore '])}{word}{noise}",
        ".ps1": f"powershell -NoProfile -File {word}{noise}",
        ".vbs": f"cscript //B {word}{noise}",
    }[kind]
    shape = dice.randrange(4)
    if shape == 0 and kind not in (".bat", ".cmd"):
        command, arguments = inner.split(" ", 1)
    elif shape == 1 and start_in and not start_in.startswith("\\\\"):
        command, arguments = "cmd.exe", f'/c cd /d "{start_in}" && {inner}'
        start_in = ""
    elif shape == 2:
        command, arguments = "cmd", f'/d /c "{inner}"'
    else:
        command, arguments = "%ComSpec%", f"/c {inner} > D:\\logs\\out.log 2>&1"
    if is_relative and kind in (".bat", ".cmd") and script not in disk | FILES and "\\" not in name:
        path = [WINDOWS, r"D:\tools"]
        script = next((file for each in path if (file := ntpath.join(each, name)) in disk | FILES), script)
    return ExecAction(command=command, arguments=arguments, working_directory=start_in), disk, script


@pytest.mark.parametrize("seed", range(20))
def test_script_is_the_one_that_windows_would_run_or_not_known(seed: int) -> None:
    dice, told = Random(seed), 0
    for _ in range(100):
        action, disk, script = _case(dice)
        known = {file.casefold() for file in disk | FILES}
        named = [each for each in named_files(action, ENVIRONMENT, on(known)) if each.role == SCRIPT]
        sure = [each.file.casefold() for each in named if each.exists is not None]
        assert set(sure) <= {script.casefold()}, (action, script, named)
        assert all(each.exists == (script.casefold() in known) for each in named if each.exists is not None)
        told += bool(sure)
    assert told > 50
