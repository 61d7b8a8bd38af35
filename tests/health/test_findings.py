"""Each kind of finding: a definition that has it, and its nearest neighbour that has not."""

import hashlib
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from taskanalysis.definition.reader import read_task
from taskanalysis.health.findings import KINDS, Finding, find_findings
from taskanalysis.snapshot import ProgramFile, Snapshot, keep_script
from taskanalysis.snapshot.evidence import by_task

NOW = datetime(2026, 11, 23, 6, 2, tzinfo=ZoneInfo("America/New_York"))

DAILY = "<CalendarTrigger><StartBoundary>2026-01-01T06:30:00</StartBoundary><ScheduleByDay/></CalendarTrigger>"
EXEC = r"<Exec><Command>C:\job.exe</Command></Exec>"
LIMIT = "<ExecutionTimeLimit>PT1H</ExecutionTimeLimit>"


def task(
    *, triggers: str = DAILY, actions: str = EXEC, settings: str = LIMIT, principal: str = "", info: str = "Loads."
) -> str:
    """A definition that has nothing to look at but what its parts bring."""
    return (
        f"<Task><RegistrationInfo><Description>{info}</Description></RegistrationInfo><Triggers>{triggers}</Triggers>"
        f"<Principals><Principal id='Author'>{principal}</Principal></Principals><Settings>{settings}</Settings>"
        f"<Actions Context='Author'>{actions}</Actions></Task>"
    )


def found(*texts: str) -> list[Finding]:
    """What is found in the last one of some tasks."""
    tasks = {f"\\{number}": read_task(text.encode()) for number, text in enumerate(texts)}
    return find_findings(tasks, at=NOW)[f"\\{len(texts) - 1}"]


def run(command: str, arguments: str = "", folder: str = "") -> str:
    return (
        f"<Exec><Command>{command}</Command><Arguments>{arguments}</Arguments>"
        f"<WorkingDirectory>{folder}</WorkingDirectory></Exec>"
    )


def once(start: str, more: str = "") -> str:
    return f"<TimeTrigger>{more}<StartBoundary>{start}</StartBoundary></TimeTrigger>"


def ends(end: str, enabled: str = "true") -> str:
    inner = f"<EndBoundary>{end}</EndBoundary><Enabled>{enabled}</Enabled>"
    return (
        f"<CalendarTrigger><StartBoundary>2026-01-01T06:30:00</StartBoundary>{inner}<ScheduleByDay/></CalendarTrigger>"
    )


END_2026 = "<EndBoundary>2026-12-31T00:00:00</EndBoundary>"
FEBRUARY_30 = (
    "<CalendarTrigger><StartBoundary>2026-01-01T06:30:00</StartBoundary><ScheduleByMonth><DaysOfMonth><Day>30</Day>"
    "</DaysOfMonth><Months><February/></Months></ScheduleByMonth></CalendarTrigger>"
)
EVERY = "<Repetition><Interval>{}</Interval></Repetition>"
REPEAT, OFTEN = EVERY.format("PT5M"), EVERY.format("PT0.001S")
LOGON = "<LogonTrigger><Enabled>true</Enabled></LogonTrigger>"
UNLOCK = "<SessionStateChangeTrigger><StateChange>SessionUnlock</StateChange></SessionStateChangeTrigger>"
OFF = DAILY.replace("<Sched", "<Enabled>false</Enabled><Sched")
PYTHON = r"C:\Python311\python.exe"
REPEAT_AN_HOUR = "<Repetition><Interval>PT5M</Interval><Duration>PT1H</Duration></Repetition>"
SYSTEM, ETL, MANAGED = "S-1-5-18", r"TOWN\etl", r"TOWN\gmsa-etl$"
RESTART = "<RestartOnFailure><Interval>PT15M</Interval><Count>3</Count></RestartOnFailure>"


def user(name: str, logon: str = "") -> str:
    return f"<UserId>{name}</UserId>" + (f"<LogonType>{logon}</LogonType>" if logon else "")


def repeated(interval: str, duration: str) -> str:
    repetition = f"<Repetition><Interval>{interval}</Interval><Duration>{duration}</Duration></Repetition>"
    return task(triggers=DAILY.replace("<Start", f"{repetition}<Start"))


FOUND = [
    ("no description", "", task(info="")),
    (
        "repetition under a minute",
        "every 30 seconds",
        task(triggers=once("2026-01-01T00:00:00", EVERY.format("PT30S"))),
    ),
    ("repetition under a minute", "every 0.001 seconds", task(triggers=DAILY.replace("<St", f"{OFTEN}<St"))),
    (
        "repetition under a minute",
        "every 59 seconds",
        task(triggers=f"<LogonTrigger>{EVERY.format('PT59S')}</LogonTrigger>"),
    ),
    ("no description", "", task(info="  ")),
    ("restart does not help", "", task(settings=LIMIT + RESTART)),
    ("only when logged on", ETL, task(principal=user(ETL, "InteractiveToken"))),
    ("only when logged on", "Users", task(principal="<GroupId>S-1-5-32-545</GroupId>")),
    ("stored password", ETL, task(principal=user(ETL, "Password"))),
    ("stored password", ETL, task(principal=user(ETL, "InteractiveTokenOrPassword"))),
    ("default time limit", "", task(settings="<ExecutionTimeLimit>PT72H</ExecutionTimeLimit>")),
    ("default time limit", "", task(settings="<ExecutionTimeLimit>P3D</ExecutionTimeLimit>")),
    ("default time limit", "none is written", task(settings="")),
    ("fixed to UTC", "starts at 06:30 UTC", task(triggers=DAILY.replace("06:30:00", "06:30:00Z"))),
    ("fixed to UTC", "starts at 06:30 UTC-04:00", task(triggers=DAILY.replace("06:30:00", "06:30:00-04:00"))),
    ("fixed to UTC", "starts at 00:00 UTC", task(triggers=once("2026-01-01T00:00:00Z", REPEAT))),
    ("relative program", "cleanup.bat", task(actions=run("cleanup.bat"))),
    ("relative program", r"jobs\cleanup.bat", task(actions=run(r"jobs\cleanup.bat"))),
    ("drive letter", "Z:", task(actions=run(r"Z:\load.exe"))),
    ("drive letter", "H: and Z:", task(actions=run(r"C:\load.exe", r"--in h:\a --out Z:/b"))),
    ("network as service", r"\\files as SYSTEM", task(principal=user(SYSTEM), actions=run(r"C:\x.exe", r"\\files\a"))),
    (
        "network as service",
        r"\\files as LOCAL SERVICE",
        task(principal=user("S-1-5-19"), actions=run(r"\\files\a\x.exe")),
    ),
    ("network as service", r"\\b as SYSTEM", task(principal=user(SYSTEM), actions=run(r"C:\x.exe", r"/out:\\b\a"))),
    ("network as service", "//b as SYSTEM", task(principal=user(SYSTEM), actions=run(r"C:\x.exe", "//b/a"))),
    ("exit code hidden", "cmd /c start", task(actions=run("%ComSpec%", "/c start x.exe"))),
    ("exit code hidden", "cmd /c start", task(actions=run(r"C:\cmd.exe", '/c "cd /d D:\\j &amp;&amp; start x.bat"'))),
    ("no action", "", task(actions="")),
    ("only when logged on", ETL, task(principal=user(ETL, "InteractiveToken"), triggers=LOGON + DAILY)),
    (
        "only when logged on",
        ETL,
        task(principal=user(ETL, "InteractiveToken"), triggers=OFF + "<BootTrigger/>"),
    ),
    (
        "only when logged on",
        ETL,
        task(principal=user(ETL, "InteractiveToken"), triggers="", settings=LIMIT + "<Enabled>false</Enabled>"),
    ),
    ("relative program", "python", task(actions=run("python", "x.py"))),
    ("relative program", r"tools\robocopy.exe", task(actions=run(r"tools\robocopy.exe", "a b"))),
    ("arguments in the program", "python", task(actions=run(r"C:\x\python.exe script.py"))),
    ("arguments in the program", "python", task(actions=run(r'"C:\my x\python.exe" -u script.py'))),
    ("arguments in the program", "cmd", task(actions=run(r'cmd /c "C:\jobs\open it.bat"'))),
    ("arguments in the program", "cmd", task(actions=run(r"%ComSpec% /c C:\jobs\a.bat"))),
    ("arguments in the program", "x", task(actions=run('"C:\\x.exe" "a &gt; b"'))),
    ("arguments in the program", "load.bat", task(actions=run(r"C:\my jobs\load.bat --password %PASSWORD%"))),
    ("script as the program", "load.py", task(actions=run(r"D:\jobs\load.py", "--all"))),
    ("script as the program", "load.ps1", task(actions=run(r'"D:\my jobs\Load.PS1"'))),
    ("script as the program", "load.jar", task(actions=run("load.jar", folder=r"D:\jobs"))),
    ("quotes around the folder", r'"C:\my jobs"', task(actions=run(r"C:\x.exe", folder=r'"C:\my jobs"'))),
    ("redirect without a shell", ">> after python", task(actions=run(PYTHON, r"x.py &gt;&gt; C:\log.txt 2&gt;&amp;1"))),
    ("redirect without a shell", "> after python", task(actions=run(PYTHON, "x.py 2&gt;&amp;1"))),
    ("redirect without a shell", ">> after python", task(actions=run(PYTHON, "x.py&gt;&gt;log.txt"))),
    ("redirect without a shell", "> after load", task(actions=run(r"C:\load.exe", r'"a b" &gt; "D:\log 1.txt"'))),
    ("redirect without a shell", "| after load", task(actions=run(r"C:\load.exe", "a | b.exe"))),
    ("redirect without a shell", "&& after load", task(actions=run(r"C:\load.exe", "a &amp;&amp; b.exe"))),
    (
        "repetition refused",
        "for 99,999,999 days 23 hours 59 minutes 59 seconds",
        repeated("PT5M", "P99999999DT23H59M59S"),
    ),
    (
        "repetition refused",
        "every 32 days",
        task(triggers=once("2020-01-01T00:00:00", "<Enabled>false</Enabled>" + EVERY.format("P32D")) + DAILY),
    ),
    ("repetition refused", "for 101 years", repeated("PT5M", "P101Y")),
    ("repetition refused", "for 0 seconds", repeated("PT5M", "PT0S")),
    ("repetition refused", "every 31 days 1 minute", repeated("P31DT1M", "P1Y")),
    ("repetition refused", "every 2 months", repeated("P2M", "P1Y")),
    (
        "network as service",
        r"\\files as NETWORK SERVICE",
        task(principal=user(r"NT-AUTORITÄT\Netzwerkdienst"), actions=run(r"C:\x.exe", r"\\files\a")),
    ),
    ("nothing starts it", "its triggers give no further start", task(triggers=once("2027-01-01T00:00:00", END_2026))),
    ("exit code hidden", "wscript", task(actions=run(r"C:\Windows\System32\wscript.exe", "load.vbs"))),
    ("exit code hidden", "conhost", task(actions=run(r"C:\Windows\System32\conhost.exe", "--headless x.exe"))),
    ("exit code hidden", "cmd /c start", task(actions=run(r"C:\Windows\System32\cmd.exe", '/c start "" x.exe'))),
    ("secret in arguments", "load", task(actions=run(r"C:\load.exe", "--password S3cret"))),
    ("ends soon", "2026-12-15", task(triggers=ends("2026-12-15T00:00:00"))),
    ("nothing starts it", "it has no trigger", task(triggers="")),
    ("nothing starts it", "no trigger is enabled", task(triggers=ends("2027-12-15T00:00:00", "false"))),
    ("nothing starts it", "its triggers give no further start", task(triggers=ends("2026-11-23T06:02:00"))),
    ("nothing starts it", "its triggers give no further start", task(triggers=ends("2026-11-23T06:30:00"))),
    ("nothing starts it", "its triggers give no further start", task(triggers=FEBRUARY_30)),
    ("nothing starts it", "its triggers give no further start", task(triggers=once("9999-12-31T23:30:00"))),
    ("nothing starts it", "its triggers give no further start", task(triggers=once("2026-11-23T06:00:00"))),
    (
        "nothing starts it",
        "its triggers give no further start",
        task(triggers=once("2026-11-23T04:30:00", REPEAT_AN_HOUR)),
    ),
]

NOT_FOUND = [
    task(principal=user(ETL, "InteractiveToken"), triggers=LOGON),
    task(principal="<GroupId>S-1-5-32-545</GroupId>", triggers=LOGON + UNLOCK + OFF),
    task(principal=user(r"NT-AUTORITÄT\SYSTEM", "InteractiveToken"), actions=run(r"C:\x.exe")),
    task(actions=run("powershell.exe", r"-File C:\jobs\a.ps1")),
    task(actions=run("ROBOCOPY", "a b")),
    task(actions=run("chcp.com", "65001")),
    task(actions=run(r"C:\ZeroTier Script\disconnect.bat")),
    task(actions=run(r'"C:\my x\python.exe"', "script.py", r"C:\my x")),
    task(actions=run(r"C:\x.exe", "load.py")),
    task(actions=run(PYTHON, 'x.py --send dumps|report --to "a &gt; b" &lt;c&gt; -&gt; d?a=1&amp;&amp;b=2')),
    task(actions=run("cmd.exe", r"/c C:\jobs\a.exe &gt;&gt; C:\log.txt")),
    task(actions=run(r"C:\jobs\a.bat", "&gt; log.txt")),
    task(actions=run(r"C:\Tools\hidden.exe", r"cmd /c a.exe &gt; log.txt")),
    task(actions=run(r'"C:\x.exe"', '"a &gt; b"')),
    repeated("P31D", "P1Y"),
    repeated("P1M", "P3650D"),
    repeated("PT1M", "PT1M"),
    task(principal=user(SYSTEM, "InteractiveToken")),
    task(settings="", triggers=DAILY.replace("<Sched", "<ExecutionTimeLimit>PT4H</ExecutionTimeLimit><Sched")),
    task(actions=run(r"C:\Windows\System32\cmd.exe", "/c start.bat")),
    task(actions=run(r"C:\Windows\System32\cmd.exe", "/c start-sync.cmd")),
    task(actions=run(r"C:\load.exe", r"/p:/x /t:\y")),
    task(principal=user(SYSTEM), actions=run(r"C:\x.exe", r"\\localhost\a https://host.example/x/")),
    task(),
    task(settings=LIMIT + RESTART, actions="<ComHandler><ClassId>{0}</ClassId></ComHandler>"),
    task(principal=user(ETL, "S4U")),
    task(principal=user(MANAGED, "Password")),
    task(principal=user(SYSTEM, "Password")),
    task(settings="<ExecutionTimeLimit>PT0S</ExecutionTimeLimit>"),
    task(triggers=once("2026-12-01T06:00:00Z")),  # once is an instant anyway
    task(triggers=DAILY.replace("06:30:00", "06:30:00Z").replace("<Sched", "<Enabled>false</Enabled><Sched") + DAILY),
    task(actions=run("cleanup.bat", folder=r"D:\jobs")),
    task(actions=run(r"%SystemRoot%\System32\net.exe", "stop spooler")),
    task(actions=run(r'"C:\Program Files\x.exe"')),
    task(actions=run(r"C:\load.exe", r"--out D:\a https://host.example/x")),
    task(principal=user(SYSTEM), actions=run(r"C:\x.exe", r"\\?\D:\a")),
    task(principal=user(ETL, "S4U"), actions=run(r"C:\x.exe", r"\\files\a")),
    task(actions=run(r"C:\Windows\System32\cmd.exe", "/c restart.bat")),
    task(actions=run(r"C:\load.exe", "--password %PASSWORD%")),
    task(triggers=ends("2026-12-24T00:00:00")),
    task(triggers=ends("2026-12-15T00:00:00", "false") + DAILY),
    task(triggers="", settings=LIMIT + "<MaintenanceSettings><Period>P1D</Period></MaintenanceSettings>"),
    task(triggers="", settings=LIMIT + "<Enabled>false</Enabled>"),
    task(triggers="<LogonTrigger/>"),
    task(triggers=once("2026-11-24T06:00:00")),
    task(triggers=once("1970-01-01T00:00:00", EVERY.format("PT1M"))),
    task(triggers=once("1970-01-01T00:00:00", REPEAT)),
    task(triggers=once("2026-11-23T05:30:00", REPEAT_AN_HOUR)),
]


@pytest.mark.parametrize(("kind", "detail", "text"), FOUND, ids=lambda value: value[:24])
def test_finding_is_found_and_nothing_else(kind: str, detail: str, text: str) -> None:
    assert found(text) == [Finding(kind, detail)]


@pytest.mark.parametrize("text", NOT_FOUND)
def test_nothing_is_found(text: str) -> None:
    assert found(text) == []


def python(folder: str, program: str = "python.exe") -> str:
    return task(actions=run(f"{folder}\\{program}", "x.py", r"D:\jobs"))


def test_script_whose_interpreter_hides_the_exit_code_is_both() -> None:
    kinds = [finding.kind for finding in found(task(actions=run(r"D:\jobs\load.vbs")))]
    assert kinds == ["script as the program", "exit code hidden"]


def test_interpreter_that_differs_from_the_others_is_found() -> None:
    usual = [python(r"C:\Python311"), python(r"C:\Python311"), python(r"C:\Python311", "pythonw.exe")]
    assert found(*usual, python(r"C:\Python38")) == [
        Finding("other interpreter", r"Python in C:\Python38, mostly in C:\Python311")
    ]
    assert found(*usual) == []


def test_interpreter_behind_conhost_counts_too() -> None:
    usual = [python(r"C:\Python311")] * 3
    behind = task(actions=run(r"C:\conhost.exe", r'--headless "C:\Python38\python.exe" x.py', r"D:\jobs"))
    assert [finding.kind for finding in found(*usual, behind)] == ["exit code hidden", "other interpreter"]


def test_interpreter_differs_only_where_most_agree() -> None:
    assert found(python(r"C:\Python311"), python(r"C:\Python38")) == []
    half = [python(r"C:\Python311"), python(r"C:\Python311"), python(r"C:\Python38")]
    assert found(*half, python(r"C:\Python38")) == []


def test_folder_of_an_interpreter_is_compared_as_windows_does() -> None:
    usual = [python(r"C:\Python311")] * 3
    assert found(*usual, python(r"c:\PYTHON311", "PYTHON.EXE")) == []


OF_FILES = ("program not found", "script not found", "script is not in the backup")


def test_files_that_are_gone_or_not_kept_are_found_where_the_collector_looked(tmp_path: Path) -> None:
    kept = b"print()"
    keep_script(tmp_path, kept)
    hashes = [hashlib.sha256(content).hexdigest() for content in (kept, b"other")]
    files = [
        ProgramFile("\\0", 1, "program", r"D:\gone.exe", exists=False),
        ProgramFile("\\0", 1, "script", r"D:\gone.py", exists=False),
        ProgramFile("\\0", 2, "script", r"D:\kept.py", exists=True, sha256=hashes[0]),
        ProgramFile("\\0", 2, "script", r"D:\other.py", exists=True, sha256=hashes[1]),
        ProgramFile("\\0", 2, "script", r"D:\huge.py", exists=True),
        ProgramFile("\\0", 3, "program", "etl.exe"),
        ProgramFile("\\0", 3, "script", "etl"),
        ProgramFile("\\1", 1, "program", r"D:\gone.exe", exists=False),
    ]
    tasks = {"\\0": read_task(task().encode())}
    snapshot = Snapshot("SRV", NOW, source=tmp_path, programs=by_task(files))
    found = find_findings(tasks, at=NOW, snapshot=snapshot)["\\0"]
    assert found == [
        Finding("program not found", r"D:\gone.exe"),
        Finding("script not found", r"D:\gone.py"),
        Finding("script is not in the backup", r"D:\other.py"),
        Finding("script is not in the backup", r"D:\huge.py"),
    ]
    snapshot.programs = None  # nobody looked
    assert find_findings(tasks, at=NOW, snapshot=snapshot)["\\0"] == []


def test_every_kind_is_tested_and_explained() -> None:
    assert {kind for kind, _, _ in FOUND} | {"other interpreter", *OF_FILES} == KINDS.keys()
    for meaning, advice in KINDS.values():
        assert meaning.endswith(".")
        assert advice.endswith(".")


def test_most_pressing_finding_comes_first() -> None:
    kinds = [finding.kind for finding in found(task(info="", triggers="", settings=""))]
    assert kinds == ["nothing starts it", "default time limit", "no description"]


def test_finding_never_shows_the_secret() -> None:
    for hidden in (run("load.exe --password S3cret"), run(r"C:\x.exe", folder='"--password S3cret"')):
        assert "S3cret" not in str(found(task(actions=hidden)))


@pytest.mark.parametrize(
    ("principal", "name", "password"),
    [
        (user("S-1-5-20"), "NETWORK SERVICE", False),
        (user(r"NT AUTHORITY\SYSTEM", "Password"), "SYSTEM", False),
        (user("LocalSystem", "Password"), "SYSTEM", False),
        (user(ETL, "Password"), ETL, True),
        ("<GroupId>S-1-5-32-544</GroupId>", "Administrators", False),
        ("", "", False),
    ],
)
def test_account_is_named_and_asked_for_its_password(principal: str, name: str, password: bool) -> None:
    read = read_task(task(principal=principal).encode()).principal
    assert (read.account, read.needs_password) == (name, password)
