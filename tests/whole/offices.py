"""Made-up servers whose tasks run by a simple simulation, shares of their snapshots, and ways to lose sight of them.

The simulation knows nothing of the package's schedules: it walks from start to start on the server's own clock.
"""

import contextlib
import json
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from taskanalysis.errors import Problem, UnfinishedError
from taskanalysis.health import Assessment, assess, known_history
from taskanalysis.history import plan_pruning, prune, update_store
from taskanalysis.snapshot import (
    Status,
    list_snapshots,
    read_snapshot,
    snapshot_folder,
    stamp_of,
    stamped,
    write_snapshot,
)
from tests.build import rewrite_manifest, scheduled

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
END = datetime(2026, 11, 20, tzinfo=UTC)
"""No share reaches past this moment."""
NEVER = END + 1000 * DAY
ZONES = ("UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Sydney", "America/Los_Angeles")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass
class Job:
    """A task that starts every `every` from midnight on, or at `hour` on some `days` of the week, and takes `took`.

    `code` is what each run ends with; after `until` Windows starts it no more; a run that begins after `hangs` never
    ends; `plans` is whether Windows names a next start.
    """

    path: str
    hour: timedelta = timedelta(0)
    every: timedelta | None = None
    days: tuple[int, ...] = tuple(range(7))
    took: tuple[timedelta, timedelta] = (MINUTE, 5 * MINUTE)
    code: int = 0
    until: datetime = NEVER
    hangs: datetime = NEVER
    plans: bool = True

    @property
    def xml(self) -> bytes:
        """Its definition."""
        clock = f"2026-01-05T{self.hour.seconds // 3600:02}:{self.hour.seconds // 60 % 60:02}:00"
        kind = "<ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay>"
        if len(self.days) < 7:
            names = "".join(f"<{WEEKDAYS[day]}/>" for day in self.days)
            kind = f"<ScheduleByWeek><WeeksInterval>1</WeeksInterval><DaysOfWeek>{names}</DaysOfWeek></ScheduleByWeek>"
        repetition = ""
        if self.every:
            minutes = int(self.every / MINUTE)
            repetition = f"<Repetition><Interval>PT{minutes}M</Interval><Duration>P1D</Duration></Repetition>"
        limit = "<ExecutionTimeLimit>PT72H</ExecutionTimeLimit>"
        return scheduled(
            f"<CalendarTrigger>{repetition}<StartBoundary>{clock}</StartBoundary>{kind}</CalendarTrigger>", limit
        )

    def slots(self, begin: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        """The moments at which it should start, from `begin` on."""
        day = begin.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None) - DAY
        while True:
            if day.weekday() in self.days:
                midnight = (day + self.hour).replace(tzinfo=zone).astimezone(UTC)
                following = (day + DAY + self.hour).replace(tzinfo=zone).astimezone(UTC)
                at = midnight
                while at < following and (at == midnight or self.every):
                    if at >= begin and at < midnight + DAY:
                        yield at
                    at += self.every or DAY
            day += DAY


@dataclass
class Office:
    """A server: its zone, jobs, and the snapshots taken of it."""

    zone: str
    jobs: list[Job]
    spacing: timedelta
    number: int
    full_each: int
    dice: random.Random
    runs: dict[str, list[tuple[datetime, datetime]]] = field(default_factory=dict)

    @property
    def moments(self) -> list[datetime]:
        """When the snapshots are taken."""
        return [END - 7 * MINUTE - self.spacing * before for before in reversed(range(self.number))]

    def simulate(self) -> None:
        """Find the runs of every job: starts and ends."""
        begin = self.moments[0] - 10 * DAY
        for job in self.jobs:
            runs: list[tuple[datetime, datetime]] = []
            for at in job.slots(begin, ZoneInfo(self.zone)):
                if at > END or at > job.until:
                    break
                if runs and runs[-1][1] > at:
                    continue  # IgnoreNew
                length = self.dice.uniform(*(span / MINUTE for span in job.took)) * MINUTE
                runs.append((at + timedelta(seconds=1), END + 90 * DAY if at > job.hangs else at + length))
            self.runs[job.path] = runs

    def status(self, job: Job, now: datetime) -> Status:
        """What Windows says of a job."""
        runs = [run for run in self.runs[job.path] if run[0] <= now]
        upcoming = next(job.slots(now, ZoneInfo(self.zone)))
        planned: datetime | str = upcoming if job.plans else "never"
        if not runs:
            return Status(job.path, "Ready", True, "never", 267011, planned, 0)
        running = runs[-1][1] > now
        code = 267009 if running else job.code
        return Status(job.path, "Running" if running else "Ready", True, runs[-1][0], code, planned, 0)

    def write(self, share: Path, at: datetime, **given: object) -> Path:
        """A snapshot of this moment."""
        jobs = given.pop("jobs", self.jobs)
        is_full = given.pop("full", True)
        statuses = [self.status(job, at) for job in jobs]  # type: ignore[union-attr]
        known: dict[str, object] = {"elevated": True, "collected_by": "SYSTEM", "zone": self.zone, "statuses": statuses}
        known["definitions"] = {job.path: job.xml for job in jobs} if is_full else None  # type: ignore[union-attr]
        return write_snapshot(share, server="SRV", taken_at=at, **known | given)  # type: ignore[arg-type]

    def write_all(self, share: Path, leave: int = 0) -> None:
        """The snapshots but for the last ones, each n-th with definitions, counted from the last."""
        moments = self.moments
        for place, at in enumerate(moments[: len(moments) - leave]):
            self.write(share, at, full=(len(moments) - 1 - place) % self.full_each == 0)


def healthy(dice: random.Random) -> Office:
    """A server where all is well: frequent, daily and weekly tasks, some of which run into their next start."""
    spacing = dice.choice([15 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY])
    jobs = []
    for number in range(dice.randint(2, 6)):
        job = Job(f"\\{dice.choice(['OpenData', 'GIS'])}\\Job {number}")
        match dice.randrange(4):
            case 0:
                job.every = dice.choice([5, 15, 30, 60, 120]) * MINUTE
                longest = dice.choice([0.2, 0.9, 2.6])  # the last one overlaps its next starts
                job.took = (longest * 0.8 * job.every, longest * job.every)
            case 1:
                job.hour = dice.randrange(24 * 12) * 5 * MINUTE
            case 2:
                job.hour = dice.randrange(24 * 12) * 5 * MINUTE
                job.took = (HOUR, 5 * HOUR)
            case 3:
                job.hour = dice.randrange(24 * 12) * 5 * MINUTE
                job.days = tuple(sorted(dice.sample(range(7), dice.randint(1, 4))))
        jobs.append(job)
    number = dice.randint(8, 20)
    office = Office(dice.choice(ZONES), jobs, spacing, number, dice.choice([1, 1, 2, 3]), dice)
    office.simulate()
    return office


def with_alarm(dice: random.Random) -> tuple[Office, Job]:
    """A server on which one task needs attention, and that task."""
    office = healthy(dice)
    job = Job("\\Finance\\Alarm", hour=dice.randrange(24) * HOUR)
    match dice.randrange(4):
        case 0:
            job.code = dice.choice([1, 2147943726, 0xC0000005, 77777])
        case 1:
            job.until = END - 4 * DAY
        case 2:
            job.hangs = END - 5 * DAY
        case 3:
            job.every, job.until = HOUR, END - 3 * DAY
    office.jobs.append(job)
    office.simulate()
    return office, job


# Ways to lose sight ---------------------------------------------------------------------------------------------------

Loss = Callable[[Office, Job, Path], None]
"""Writes the last snapshot of a share, or does something to the share, so that less can be seen."""


def _last(office: Office, share: Path, **given: object) -> Path:
    """The last snapshot; one that is written after it is a minute younger."""
    at = office.moments[-1]
    while snapshot_folder(share / "snapshots" / "SRV", stamp_of(at)).exists():
        at += MINUTE
    return office.write(share, at, **given)


def without_rights(office: Office, job: Job, share: Path) -> None:
    """Another account, not elevated, that does not see the task."""
    seen = [other for other in office.jobs if other is not job and office.dice.random() < 0.7]
    _last(office, share, jobs=seen, elevated=False, collected_by=office.dice.choice(["TOWN\\bob", "SYSTEM", ""]))


def without_folder(office: Office, job: Job, share: Path) -> None:
    seen = [other for other in office.jobs if other is not job]
    place = office.dice.choice(["\\Finance", job.path])
    _last(office, share, jobs=seen, problems=[Problem(place, "access is denied (0x80070005)")])


def without_rows(office: Office, job: Job, share: Path) -> None:
    _last(office, share, statuses=[])


def without_values(office: Office, job: Job, share: Path) -> None:
    """All properties of the task, or of all tasks, were refused."""
    of_all = office.dice.random() < 0.5
    statuses = [office.status(other, office.moments[-1]) for other in office.jobs]
    _last(office, share, statuses=[Status(one.path) if of_all or one.path == job.path else one for one in statuses])


def without_one_value(office: Office, job: Job, share: Path) -> None:
    """A cell of the task's row is empty: its last run, its last result, or both."""
    lost = office.dice.choice([{"last_run": None}, {"last_result": None}, {"last_run": None, "last_result": None}])
    statuses = [office.status(other, office.moments[-1]) for other in office.jobs]
    statuses = [replace(one, **lost) if one.path == job.path else one for one in statuses]  # type: ignore[arg-type]
    _last(office, share, statuses=statuses)


def without_zone(office: Office, job: Job, share: Path) -> None:
    _last(office, share, zone=office.dice.choice(["", *ZONES]))


def without_definitions(office: Office, job: Job, share: Path) -> None:
    _last(office, share, definitions={})


def with_narrow_scope(office: Office, job: Job, share: Path) -> None:
    """The definitions of other folders alone."""
    rest = {other.path: other.xml for other in office.jobs if not other.path.startswith("\\Finance")}
    _last(office, share, definitions=rest, folders=["\\OpenData", "\\GIS"])


def with_clock_ahead(office: Office, job: Job, share: Path) -> None:
    """The last snapshot has the stamp of a year that has not come, and says that all is well."""
    calm = Office(office.zone, [replace(other, code=0) for other in office.jobs], DAY, 1, 1, office.dice)
    calm.runs = office.runs
    calm.write(share, END + office.dice.randint(1, 4000) * DAY)


def with_clock_behind(office: Office, job: Job, share: Path) -> None:
    """The last snapshot is stamped hours too early: its last runs lie after it."""
    statuses = [office.status(other, office.moments[-1]) for other in office.jobs]
    at = office.moments[-1] - office.spacing + 2 * MINUTE
    office.write(share, at, statuses=statuses)


def with_wrong_name(office: Office, job: Job, share: Path) -> None:
    """The last snapshot says another time or server than its folders."""
    folder = _last(office, share)
    wrong = office.dice.choice([{"taken_at": "2026-01-01T00:00:00Z"}, {"server": "OTHER"}])
    rewrite_manifest(folder, **wrong)


def cut_somewhere(office: Office, job: Job, share: Path) -> None:
    """A file of the last snapshot, or of the one that stores its definitions, is cut at any byte."""
    folder = _last(office, share)
    stored = json.loads((folder / "snapshot.json").read_text(encoding="utf-8"))["definitions"]
    files = (*folder.rglob("*"), *folder.parent.parent.glob(f"*/{stored}/tasks/**/*.xml"))
    file = office.dice.choice([file for file in files if file.is_file()])
    content = file.read_bytes()
    file.write_bytes(content[: office.dice.randrange(len(content))])


def without_stored_definitions(office: Office, job: Job, share: Path) -> None:
    """The folder that stores the definitions in force, or its files, is gone."""
    folder = _last(office, share)
    stored = json.loads((folder / "snapshot.json").read_text(encoding="utf-8"))["definitions"]
    (place,) = folder.parent.parent.glob(f"*/{stored}")
    shutil.rmtree(place if place != folder and office.dice.random() < 0.5 else place / "tasks")


def without_last_months(office: Office, job: Job, share: Path) -> None:
    """The newest month is a file, or a link that leads nowhere."""
    _last(office, share)
    month = max((share / "snapshots" / "SRV").iterdir())
    shutil.rmtree(month)
    if office.dice.random() < 0.5:
        with contextlib.suppress(OSError):  # Windows may refuse to make links
            month.symlink_to("nowhere")
    if not month.is_symlink():
        month.write_bytes(b"")


def with_wrong_month(office: Office, job: Job, share: Path) -> None:
    """The last snapshot lies in the folder of an older month."""
    folder = _last(office, share)
    other = folder.parents[1] / "2026-08" / folder.name
    other.parent.mkdir(exist_ok=True)
    folder.rename(other)


def without_past(office: Office, job: Job, share: Path) -> None:
    """The manifests or statuses of all or some snapshots but the last are cut."""
    for folder in _older(office, share):
        file = folder / office.dice.choice(["snapshot.json", "status.csv"])
        file.write_bytes(file.read_bytes()[: office.dice.randrange(20)])


def without_pruned_past(office: Office, job: Job, share: Path) -> None:
    """Of old snapshots only the history is left, and that is damaged: its list, a file of a day, or both."""
    older = _older(office, share)
    update_store(share, check=True)
    last = stamped(older[-1].name)
    assert last
    try:
        prune(share, plan_pruning(share, before=last))
    except UnfinishedError:
        return  # something else was lost before
    listed = share / "history" / "pruned.json"
    files = [*share.glob("history/server=SRV/*/*.pruned.parquet"), *([listed] if listed.exists() else [])]
    for file in office.dice.sample(files, office.dice.randint(0, len(files))):
        file.write_bytes(file.read_bytes()[:-2])


def _older(office: Office, share: Path) -> list[Path]:
    """The snapshots before the last one, which is written."""
    last = _last(office, share)
    return [stored.path for stored in list_snapshots(share) if stored.path.name < last.name]


def without_more_snapshots(office: Office, job: Job, share: Path) -> None:
    """Nothing more is collected, and time passes: see `judged`."""


LOSSES: tuple[Loss, ...] = (
    without_rights,
    without_folder,
    without_rows,
    without_values,
    without_one_value,
    without_zone,
    without_definitions,
    with_narrow_scope,
    with_clock_ahead,
    with_clock_behind,
    with_wrong_name,
    cut_somewhere,
    without_stored_definitions,
    without_past,
    without_pruned_past,
    with_wrong_month,
    without_last_months,
    without_more_snapshots,
)
"""Those that damage what others have written come last."""


def judged(share: Path, now: datetime = END) -> Assessment:
    """What is said of a share at a moment."""
    snapshot = read_snapshot(share, now=now)
    return assess(snapshot, history=known_history(snapshot), now=now)
