"""What a user may write: every public name, for ``mypy --strict``."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd

import taskanalysis as ta

share: Path = ta.sample_share()
snapshot = ta.read_snapshot(share, server="OPENDATA01", at=date(2026, 11, 23), zone="", dates="")
taken_at: datetime = snapshot.taken_at
tasks, problems = ta.read_tasks("tests/files/folder")
files: list[str] = [problem.file for problem in problems]
task = ta.read_task(b"<Task/>")
words: str = ta.describe(task, at=pd.Timestamp("2026-11-23"))
paths: list[str] = [ta.describe(snapshot.tasks[path], at="2026-11-23") for path in snapshot.tasks]
starts: list[datetime] = list(ta.expected_runs(task, "2026-11-23", date(2026, 11, 24), tz="America/New_York"))
result = ta.decode("0x8007052E", command="python.exe", state="Ready", ever_ran=True, source="status")
meaning: str = result.meaning
outcome: str = result.outcome.value

with ThreadPoolExecutor() as executor:
    history = ta.read_history(share, server=None, since="2026-11-01", until=datetime(2026, 11, 23), executor=executor)
runs: pd.DataFrame = history.runs
before = history.definitions("2026-11-10")
late = runs[runs["at_most_seconds"] > 3600].groupby("task_path")["started"].max()
changed: pd.DataFrame = history.changes[history.changes["fields"].str.contains("actions.command")]

inventory: pd.DataFrame = ta.inventory(share, server="", folder="\\OpenData", at=None, zone="", dates="")
status: pd.DataFrame = ta.status(share, at=pd.Timestamp("2026-11-23"))
quiet = status[status["last_run"] - status["last_success"] > timedelta(days=7)].sort_values("last_run")
triggers: pd.DataFrame = ta.triggers(share)
actions: pd.DataFrame = ta.actions(share)
findings: pd.DataFrame = ta.findings(share)
incidents: pd.DataFrame = ta.incidents(share)
moved = ta.move(snapshot.tasks["\\OpenData\\GIS\\Parcels"], to="02:00")
soon: pd.DataFrame = ta.starts(share, days=7, moved={"\\OpenData\\GIS\\Parcels": moved})
what: pd.DataFrame = ta.diff(snapshot, share).frame
slots: pd.DataFrame = ta.slots(str(share), days=30)
per_hour = soon["start"].dt.hour.value_counts()
shares = status.groupby("verdict")["success_rate_30d"].mean()

try:
    ta.read_task(b"<Task>")
except ta.TaskXmlError as error:
    said: str = f"{error.file} {error.element} {error.text} {error.reason}"
except ta.TaskAnalysisError as error:
    sentence: str = str(error)
