"""What restored tasks need: names with their tasks, each spelled as it first is."""

from taskanalysis.definition import read_task
from taskanalysis.snapshot import Needs, ProgramFile

STORED = "<UserId>TOWN\\{}</UserId><LogonType>Password</LogonType>"


def task(principal: str, *actions: tuple[str, str]) -> bytes:
    runs = "".join(
        f"<Exec><Command>{command}</Command><WorkingDirectory>{folder}</WorkingDirectory></Exec>"
        for command, folder in actions
    )
    return (
        f"<Task><Triggers><LogonTrigger><UserId>TOWN\\anna</UserId></LogonTrigger></Triggers>"
        f"<Principals><Principal>{principal}</Principal></Principals><Actions>{runs}</Actions></Task>"
    ).encode()


def test_needs_are_named_once_with_all_their_tasks() -> None:
    tasks = {
        r"\A": read_task(task(STORED.format("etl"), (r"E:\x\load.exe", r"\\files\e"), ("python.exe", "D:\\"))),
        r"\B": read_task(task(STORED.format("ETL"), (r"e:\X\load.exe", ""))),
        r"\C": read_task(task("<UserId>S-1-5-18</UserId>", ("%JOBS%/c.exe", r"C:\jobs"))),
        r"\D": read_task(task("<UserId>TOWN\\gmsa$</UserId><LogonType>Password</LogonType>")),
    }
    scripts = {
        r"\A": [ProgramFile(r"\A", 1, "script", r"F:\load.py"), ProgramFile(r"\A", 1, "script", "etl.load")],
        r"\B": [ProgramFile(r"\B", 1, "program", r"G:\x.exe")],
        r"\Gone": [ProgramFile(r"\Gone", 1, "script", r"H:\x.py")],
    }
    needs = Needs.of(tasks, scripts)
    assert needs.passwords == {r"TOWN\etl": [r"\A", r"\B"]}
    assert needs.accounts == {
        r"TOWN\anna": [r"\A", r"\B", r"\C", r"\D"],
        r"TOWN\etl": [r"\A", r"\B"],
        r"TOWN\gmsa$": [r"\D"],
    }
    assert needs.programs == {
        "%JOBS%/c.exe": [r"\C"],
        r"C:\jobs": [r"\C"],
        "D:\\": [r"\A"],
        r"E:\x\load.exe": [r"\A", r"\B"],
        r"\\files\e": [r"\A"],
    }
    assert needs.scripts == {r"F:\load.py": [r"\A"]}
    assert needs.drives == {"D:": [r"\A"], "E:": [r"\A", r"\B"], "F:": [r"\A"]}


def test_nothing_needs_nothing() -> None:
    assert Needs.of({}) == Needs()
