"""Each kind of finding: a definition that has it, and its nearest neighbour that has not."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from taskanalysis.definition.reader import read_task
from taskanalysis.health.findings import KINDS, Finding, find_findings

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
REPEAT_AN_HOUR = "<Repetition><Interval>PT5M</Interval><Duration>PT1H</Duration></Repetition>"
SYSTEM, ETL, MANAGED = "S-1-5-18", r"TOWN\etl", r"TOWN\gmsa-etl$"
RESTART = "<RestartOnFailure><Interval>PT15M</Interval><Count>3</Count></RestartOnFailure>"


def user(name: str, logon: str = "") -> str:
    return f"<UserId>{name}</UserId>" + (f"<LogonType>{logon}</LogonType>" if logon else "")


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
    ("exit code hidden", "wscript", task(actions=run(r"D:\jobs\load.vbs"))),
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


def test_every_kind_is_tested_and_explained() -> None:
    assert {kind for kind, _, _ in FOUND} | {"other interpreter"} == KINDS.keys()
    for meaning, advice in KINDS.values():
        assert meaning.endswith(".")
        assert advice.endswith(".")


def test_most_pressing_finding_comes_first() -> None:
    kinds = [finding.kind for finding in found(task(info="", triggers="", settings=""))]
    assert kinds == ["nothing starts it", "default time limit", "no description"]


def test_finding_never_shows_the_secret() -> None:
    hidden = task(actions=run("load.exe --password S3cret"))
    assert "S3cret" not in str(found(hidden))


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
