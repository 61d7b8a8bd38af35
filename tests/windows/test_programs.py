r"""Which files an action starts: found, or not known; never another."""

import ntpath
from collections.abc import Callable
from random import Random

import pytest

from taskanalysis.definition import ExecAction
from taskanalysis.windows.finder import PROGRAM, SCRIPT, Named
from taskanalysis.windows.programs import log_file, named_files

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
    r"D:\tools\more.x.exe",
    r"D:\tools\both.x.cmd",
    r"D:\jobs\app\__main__.py",
    r"D:\jobs\app.zip",
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
TOOL = there(r"D:\tools\tool.exe")
LOST, MORE = [unknown("python")], unknown("more")
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
        ("cmd", r"/c pushd D:\jobs & call load & robocopy D:\a E:\a", "", [CMD, BATCH, unknown("robocopy")]),
        ("cmd", r"/c if exist D:\flag D:\jobs\load.bat", "", [CMD]),
        ("cmd", r"/c cd %HERE% && python load.py", "", [CMD, unknown("python"), unknown("load.py", SCRIPT)]),
        ("cmd", "/k", "", [CMD]),
        ("cmd", r"/c cd\jobs && python load.py", "D:\\tools", [CMD, PYTHON, LOAD]),
        ("cmd", r"/c D: && cd \jobs && python load.py", "", [CMD, PYTHON, LOAD]),
        ("cmd", r"/c cd D:\jobs && D: && python load.py", "", [CMD, PYTHON, LOAD]),
        ("cmd", r"/c D: && python load.py", "", [CMD, unknown("python"), unknown("load.py", SCRIPT)]),
        ("cmd", r"/c D: && C: && cmd /c cd ..\.. && robocopy", "", [CMD, there(ROBOCOPY)]),
        ("cmd", r"/c cd /d D:\jobs\ps && cd.. && python load.py", "", [CMD, PYTHON, LOAD]),
        ("cmd", r"/c cd /d D:\jobs & python load.py & python no.py", "", [CMD, PYTHON, LOAD, unknown("no.py", SCRIPT)]),
        ("cmd", r"/c cd /d D:\jobs & tool & cd ps & tool", r"D:\tools", [CMD, unknown("tool")]),
        ("cmd", r"/c cd /d D:\jobs || exit /b 1 & python load.py", "", [CMD, PYTHON, LOAD]),
        ("cmd", r"/c cd /d D:\jobs || python load.py", "", [CMD, *LOST, unknown("load.py", SCRIPT)]),
        ("cmd", r"/c exit & python load.py", r"D:\jobs", [CMD]),
        ("cmd", r"/c load.bat & python load.py", r"D:\jobs", [CMD, BATCH, *LOST, unknown("load.py", SCRIPT)]),
        ("cmd", r"/c conda && python load.py", r"D:\jobs", [CMD, unknown("conda"), *LOST, unknown("load.py", SCRIPT)]),
        ("cmd", r"/c call load | more & python load.py", r"D:\jobs", [CMD, BATCH, MORE, PYTHON, LOAD]),
        ("cmd", r"/c python.exe load.py && tool x", r"D:\jobs", [CMD, PYTHON, LOAD, TOOL]),
        ("cmd", r"/c set PATH=E:\x&& python D:\jobs\load.py", "", [CMD, *LOST, LOAD]),
        ("cmd", r'/c set "P=E:\x" && python D:\jobs\load.py', "", [CMD, PYTHON, LOAD]),
        ("cmd", r"/c path E:\x & set PATHEXT=.BAT& load", r"D:\jobs", [CMD, unknown("load")]),
        ("cmd", r"/c (cd /d D:\jobs && python load.py) > D:\x.log", "", [CMD, PYTHON, LOAD]),
        ("cmd", r"/c (cd /d D:\jobs & load) | more & load", "", [CMD, unknown("load"), MORE]),
        ("cmd", r"/c >D:\x.log;;D:\jobs\load.bat,1", "", [CMD, BATCH]),
        ("cmd", r"/c D:\jobs\lo^ad.bat", "", [CMD, BATCH]),
        ("cmd", r"/c D:\two^ words\x.bat & load", r"D:\jobs", [CMD, unknown(r"D:\two^ words\x.bat"), unknown("load")]),
        ("cmd", r"/v /c set P=D:\x& !P!\load.bat", r"D:\jobs", [CMD, unknown(r"!P!\load.bat")]),
        ("cmd", r"/c ipconfig/all & D:/jobs/load.bat", "", [CMD, unknown("ipconfig/all"), unknown("D:/jobs/load.bat")]),
        ("cmd", r'/s /c "D:\jobs\two words\load it.bat"', "", [CMD, gone(r"D:\jobs\two")]),
        ("cmd", r'/c "D:\tools\tool.exe" "an unclosed', "", [CMD, unknown('D:\\tools\\tool.exe" an unclosed')]),
        ("cmd", r'/c tool "an unclosed', "", [CMD, TOOL]),
        ("cmd", r"/c D:\tools\more.x", "", [CMD, there(r"D:\tools\more.x.exe")]),
        ("cmd", r"/c both.x", r"D:\jobs", [CMD, there(r"D:\tools\both.x.cmd")]),
        ("cmd", r"/c start D:\x.exe & start.bat", r"D:\jobs", [CMD, unknown("start.bat")]),
        # Python
        ("python", r"--check-hash-based-pycs always D:\jobs\load.py", "", [PYTHON, LOAD]),
        ("python", r"D:\jobs\app", "", [PYTHON, there(r"D:\jobs\app\__main__.py")]),
        ("python", r"app.zip", r"D:\jobs", [PYTHON, Named(SCRIPT, r"D:\jobs\app.zip", True)]),
        ("python", r"D:\jobs\no", "", [PYTHON, unknown(r"D:\jobs\no", SCRIPT)]),
        ("python", r"\jobs\load.py", "D:\\", [PYTHON, LOAD]),
        ("python", r"D:load.py", r"D:\jobs", [PYTHON, unknown("D:load.py", SCRIPT)]),
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
        ("powershell", "Export-All.ps1", r"D:\jobs\ps", [POWERSHELL, unknown("Export-All.ps1", SCRIPT)]),
        ("powershell", r"-Command .\ps\Export-All.ps1", r"D:\jobs", [POWERSHELL, EXPORT]),
        ("powershell", r"-c . .\Export-All.ps1", r"D:\jobs\ps", [POWERSHELL, EXPORT]),
        ("powershell", r'-c "& \"D:\jobs\ps\Export-All.ps1\" -Day 1"', "", [POWERSHELL, EXPORT]),
        ("powershell", r"-File $env:JOBS\load.ps1", r"D:\jobs", [POWERSHELL, unknown(r"$env:JOBS\load.ps1", SCRIPT)]),
        ("powershell", r"-c & $dir\Export-All.ps1", r"D:\jobs", [POWERSHELL, unknown(r"$dir\Export-All.ps1", SCRIPT)]),
        ("powershell", r"-c cd ps; .\Export-All.ps1", r"D:\jobs", [POWERSHELL, unknown(r".\Export-All.ps1", SCRIPT)]),
        ("powershell", r"-c 'D:\jobs\load.ps1'", "", [POWERSHELL, unknown(r"D:\jobs\load.ps1", SCRIPT)]),
        ("powershell", "-EncodedCommand AAAA", "", [POWERSHELL]),
        # others
        ("conhost", r'--headless "C:\Program Files\Python311\python.exe" load.py', r"D:\jobs", [CONHOST, PYTHON, LOAD]),
        ("conhost", "--headless", "", [CONHOST]),
        ("wscript", r"//B //Nologo D:\jobs\load.vbs", "", [WSCRIPT, gone(r"D:\jobs\load.vbs", SCRIPT)]),
        ("perl", "-w load.pl", r"D:\jobs", [unknown("perl"), unknown("load.pl", SCRIPT)]),
        ("tool.exe", r"-x=1 D:\jobs\load.py -o D:\jobs\load.bat", "", [TOOL, LOAD]),
        ("tool.exe", r"--out D:\out.sql", "", [TOOL]),
        ("psql", "-f load.bat -o D:\\out.sql", r"D:\jobs", [unknown("psql"), BATCH]),
    ],
)  # fmt: skip
def test_files_of_an_action(command: str, arguments: str, folder: str, expected: list[Named]) -> None:
    assert found(command, arguments, folder) == expected


@pytest.mark.parametrize("pathext", [".BAT;.EXE", " .bat ; .exe"])
def test_endings_are_those_of_the_account(pathext: str) -> None:
    action = ExecAction(command="cmd", arguments="/c both")
    assert named_files(action, ENVIRONMENT | {"PATHEXT": pathext}, on(KNOWN)) == [CMD, there(r"D:\tools\both.bat")]
    assert named_files(action, ENVIRONMENT, on(KNOWN)) == [CMD, there(r"D:\tools\both.exe")]


@pytest.mark.parametrize(
    ("command", "arguments", "log"),
    [
        ("cmd", r"/c load.bat >> D:\logs\load.log 2>&1", r"D:\logs\load.log"),
        ("cmd", r'/c ""load.bat" > "D:\my logs\load.log""', r"D:\my logs\load.log"),
        ("cmd", r'/c "load.bat" > "D:\my logs\load.log"', ""),  # cmd takes the outer quotes away
        ("cmd", r"/c load.bat >load.log", r"D:\jobs\load.log"),
        ("cmd", r"/c load.bat > ..\logs\load.log", r"D:\logs\load.log"),
        ("cmd", r"/c load.bat > \logs\load.log", r"D:\logs\load.log"),
        ("cmd", r"/c cd ps && python load.py > load.log", r"D:\jobs\ps\load.log"),
        ("cmd", r"/c cd %HERE% && python load.py > load.log", ""),
        ("cmd", r"/c call env.bat && python load.py > load.log", ""),
        ("cmd", r"/c call env.bat && python load.py > D:\load.log", r"D:\load.log"),
        ("cmd", r"/c (cd ps && python load.py) > load.log", ""),
        ("cmd", r"/c (cd ps && python load.py) > D:\load.log", r"D:\load.log"),
        ("cmd", r"/c if exist x python load.py > D:\load.log", r"D:\load.log"),
        ("cmd", r"/c if exist x python load.py > load.log", ""),
        ("cmd", r"/c load.bat > nul 2> err.log", r"D:\jobs\err.log"),
        ("cmd", r"/c load.bat 2> err.log > out.log", r"D:\jobs\out.log"),
        ("cmd", r"/c load.bat >NUL 2>&1", ""),
        ("cmd", r"/c load.bat < in.txt", ""),
        ("cmd", r"/c load.bat > D:\logs\%HERE%.log", ""),
        ("cmd", r"/c load.bat > !HERE!.log", ""),
        ("cmd", r"/c load.bat > a.log & echo done > flag.txt", r"D:\jobs\a.log"),
        ("cmd", r'/c load.bat ">" x ^> y', ""),
        ("cmd", r"/c load.bat", ""),
        ("conhost", r"--headless cmd /c load.bat > load.log", r"D:\jobs\load.log"),
        ("python", r"load.py > load.log", ""),
        ("powershell", r"-Command .\load.ps1 *> D:\logs\load.log", r"D:\logs\load.log"),
        ("powershell", r"-c & '.\load.ps1' >> 'my logs\load.log'; exit 1", r"D:\jobs\my logs\load.log"),
        ("powershell", r"-c .\load.ps1 > $log", ""),
        ("powershell", r"-c .\load.ps1 2> err.log", ""),
        ("powershell", r"-c .\load.ps1 2>&1 > load.log", r"D:\jobs\load.log"),
        ("powershell", r"-c .\load.ps1 > $null", ""),
        ("powershell", r"-c cd ps; .\load.ps1 > load.log", ""),
        ("powershell", r"-c Write-Output 'a > b.log'", ""),
        ("powershell", r"-File load.ps1 > load.log", ""),  # nobody reads it as a redirection
        ("cmd", r'/c powershell -c ".\load.ps1 > load.log"', r"D:\jobs\load.log"),
    ],
)
def test_log_is_the_file_into_which_output_goes(command: str, arguments: str, log: str) -> None:
    action = ExecAction(command=command, arguments=arguments, working_directory=r"D:\jobs")
    assert log_file(action, ENVIRONMENT, on(KNOWN)) == log


def test_line_of_thousands_of_commands_has_an_end() -> None:
    arguments = "/c cd /d D:\\jobs" + " && cd deeper" * 5000 + " && python load.py"
    assert found("cmd", arguments) == [CMD, unknown("python"), unknown("load.py", SCRIPT)]


FOLDERS = [r"D:\jobs", r"D:\two words", r"D:\two words\in (x86)", r"\\files\share\a b"]
NAMES = ["load", "load it", "lädt", "a&b", "x.y"]


def _quoted(path: str, dice: Random) -> str:
    return f'"{path}"' if " " in path or "&" in path or dice.random() < 0.5 else path


def _powershell(name: str, word: str, dice: Random) -> str:
    """A line that runs a script of this name, in quotes where needed (`word`)."""
    if "\\" not in name or "&" in name or dice.random() < 0.4:
        return f"powershell -NoProfile -File {word}"
    command = dice.choice([name, f". {name}"]) if " " not in name and dice.random() < 0.5 else f"& '{name}'"
    return f'powershell -NoProfile -Command "{command}"'


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
    noise = dice.choice(["", " --day 1", ' "other words"', r" D:\out.csv", r" --out D:\jobs\load.py"])
    inner = {
        ".bat": word + noise,
        ".cmd": f"call {word}{noise}",
        ".py": f"python {dice.choice(['', '-u ', '-W ignore ', '--check-hash-based-pycs never '])}{word}{noise}",
        ".ps1": _powershell(name, word, dice) + noise,
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
        every = named_files(action, ENVIRONMENT, on(known))
        started = {ntpath.basename(each.file) for each in every if each.role == PROGRAM and each.exists}
        assert started <= {"cmd.exe", "python.exe", "powershell.exe"}, (action, every)
        named = [each for each in every if each.role == SCRIPT]
        sure = [each.file.casefold() for each in named if each.exists is not None]
        assert set(sure) <= {script.casefold()}, (action, script, named)
        assert all(each.exists == (script.casefold() in known) for each in named if each.exists is not None)
        told += bool(sure)
    assert told > 50
