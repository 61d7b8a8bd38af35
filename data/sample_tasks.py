r"""The tasks of the sample share: what each one is, when it starts, what it runs, its account, and what goes wrong.

Everything here is invented. A `start` is a StartBoundary as Windows writes it, `minutes` says how long a run takes, and
names in `settings` and in the accounts are those of the Task Scheduler schema. `make_sample.py` makes snapshots of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

SERVER = "OPENDATA01"
ZONE = "America/New_York"

# What happened to the server, in local time.
SERVER_OFF = ("2026-10-16T19:00:00", "2026-10-19T07:00:00")
NO_SNAPSHOTS = ("2026-10-27T00:00:00", "2026-10-29T00:00:00")
LOG_FROM = "2026-11-12T14:00:00"  # someone enabled the event log
LOGON_FAILS_FROM = "2026-11-09T06:00:00"  # the password of one account was changed

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WORKDAYS = "Monday Tuesday Wednesday Thursday Friday"
EVERY_MONTH = "January February March April May June July August September October November December"

Content = str | dict[str, Any]  # of an XML element: its text, or its children by name (a list where one repeats)
Days = Callable[[date], bool]
Action = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Trigger:
    """A trigger as its XML says it, and the days on which it starts its task, at the time of day of `start`."""

    kind: str  # the name of its element; BY_HAND is not in the XML
    start: str
    on: Days
    content: dict[str, Any]
    every: int = 0  # minutes; without end where `lasting` is 0
    lasting: int = 0  # minutes
    stop: bool = False  # when `lasting` is over
    end: str = ""
    random_delay: int = 0  # minutes
    enabled: bool = True

    @property
    def timed(self) -> bool:
        """Whether it starts at times that Windows knows beforehand."""
        return self.kind in ("CalendarTrigger", "TimeTrigger")


@dataclass(frozen=True)
class Task:
    """A task. `odd_runs` gives result and minutes of the runs on a day, or of the one at a time of a day.

    From `queued` on its starts wait in the queue; `edit` is what differs from `edited` on.
    """

    path: str
    description: str
    triggers: Sequence[Trigger]
    actions: Sequence[Action]
    account: dict[str, str]
    minutes: tuple[float, float] = (1, 4)
    limit: str = "PT1H"
    settings: Mapping[str, Content] = field(default_factory=dict)
    version: str = "1.2"
    author: str = r"TOWN\mrivera"
    enabled: bool = True
    result: Callable[[datetime], int] = lambda _start: 0
    odd_runs: dict[str, tuple[int, float]] = field(default_factory=dict)
    added: str = ""
    removed: str = ""
    queued: str = ""
    edited: str = ""
    edit: dict[str, Any] = field(default_factory=dict)


# Triggers ------------------------------------------------------------------------------------------------------------

BY_HAND = "by hand"


def on_days(names: str) -> Days:
    """On these days of the week."""
    return lambda day: DAYS[day.weekday()] in names.split()


def on_dates(*dates: str) -> Days:
    """On these dates."""
    return lambda day: day.isoformat() in dates


def at_time(start: str, **more: Any) -> Trigger:
    """Once, or from then on without end where `every` is given."""
    return Trigger("TimeTrigger", start, on_dates(start[:10]), {}, **more)


def daily(start: str, days: int = 1, **more: Any) -> Trigger:
    """Every so many days."""
    first = date.fromisoformat(start[:10])
    schedule = {"ScheduleByDay": {"DaysInterval": str(days)}}
    return Trigger("CalendarTrigger", start, lambda day: (day - first).days % days == 0, schedule, **more)


def weekly(start: str, names: str, weeks: int = 1, **more: Any) -> Trigger:
    """On some days of the week, every so many weeks counted from `start`."""

    def on(day: date) -> bool:
        return on_days(names)(day) and (day - date.fromisoformat(start[:10])).days // 7 % weeks == 0

    schedule = {"WeeksInterval": str(weeks), "DaysOfWeek": dict.fromkeys(names.split(), "")}
    return Trigger("CalendarTrigger", start, on, {"ScheduleByWeek": schedule}, **more)


def monthly(start: str, days: str, months: str = EVERY_MONTH, **more: Any) -> Trigger:
    """On some days of some months; a day may be `Last`."""

    def on(day: date) -> bool:
        number = "Last" if (day + timedelta(days=1)).day == 1 and "Last" in days else str(day.day)
        return number in days.split() and EVERY_MONTH.split()[day.month - 1] in months.split()

    schedule = {"DaysOfMonth": {"Day": days.split()}, "Months": dict.fromkeys(months.split(), "")}
    return Trigger("CalendarTrigger", start, on, {"ScheduleByMonth": schedule}, **more)


def monthly_weekday(start: str, week: str, name: str, **more: Any) -> Trigger:
    """On the first (1) to fourth or the `Last` of a day of the week in each month."""

    def on(day: date) -> bool:
        number = "Last" if (day + timedelta(days=7)).month != day.month else str((day.day + 6) // 7)
        return number == week and on_days(name)(day)

    schedule = {"Weeks": {"Week": week}, "DaysOfWeek": {name: ""}, "Months": dict.fromkeys(EVERY_MONTH.split(), "")}
    return Trigger("CalendarTrigger", start, on, {"ScheduleByMonthDayOfWeek": schedule}, **more)


def when(kind: str, clock: str, on: Days, **content: str) -> Trigger:
    """A trigger that waits for something, which in the sample happens on these days at this time."""
    return Trigger(kind, f"2025-06-11T{clock}:00", on, content)


def on_event(number: int) -> Trigger:
    """When a loader writes this event; in the sample only 4101 occurs."""
    select = f"*[System[Provider[@Name='OpenDataLoader'] and EventID={number}]]"
    query = f'<Query Id="0" Path="Application"><Select Path="Application">{select}</Select></Query>'
    days = on_days("Tuesday Friday" if number == 4101 else "")
    return when("EventTrigger", "14:37", days, Subscription=f"<QueryList>{query}</QueryList>")


REBOOTS = on_dates("2026-09-13", "2026-10-19")  # at 07:00

# Actions -------------------------------------------------------------------------------------------------------------

PYTHON = r"C:\Program Files\Python311\python.exe"
POWERSHELL = r"%SystemRoot%\System32\WindowsPowerShell\v1.0\powershell.exe"
JOBS = r"D:\OpenData\jobs"


def run(command: str, arguments: str = "", folder: str = "") -> Action:
    """Run a program in a folder."""
    words = {"Command": command, "Arguments": arguments, "WorkingDirectory": folder}
    return "Exec", {name: text for name, text in words.items() if text}


def python(arguments: str, interpreter: str = PYTHON) -> Action:
    """Run a script of ours with Python."""
    return run(interpreter, arguments, JOBS)


def powershell(script: str) -> Action:
    """Run a script of ours with PowerShell."""
    return run(POWERSHELL, rf"-NoProfile -File {JOBS}\{script}", JOBS)


# Accounts and settings -----------------------------------------------------------------------------------------------

OPENDATA = {"UserId": r"TOWN\opendata", "LogonType": "Password", "RunLevel": "LeastPrivilege"}
GIS = {"UserId": r"TOWN\svc-gis", "LogonType": "Password", "RunLevel": "LeastPrivilege"}
ETL = {"UserId": r"TOWN\gmsa-etl$", "LogonType": "Password", "RunLevel": "LeastPrivilege"}
WEB = {"UserId": r"TOWN\portal-web", "LogonType": "S4U", "RunLevel": "LeastPrivilege"}
SYSTEM = {"UserId": "S-1-5-18", "RunLevel": "HighestAvailable"}
LOCAL_SERVICE = {"UserId": "S-1-5-19", "RunLevel": "LeastPrivilege"}
USERS = {"GroupId": "S-1-5-32-545", "RunLevel": "LeastPrivilege"}
ANALYST = {"UserId": "S-1-5-21-1111111111-2222222222-3333333333-1001", "LogonType": "InteractiveToken"}

CATCH_UP: dict[str, Content] = {"StartWhenAvailable": "true"}
RETRY: dict[str, Content] = {"RestartOnFailure": {"Interval": "PT15M", "Count": "3"}}

# Results -------------------------------------------------------------------------------------------------------------

STOPPED = 267014  # at its time limit, or where its trigger orders it
NO_SUCH_FOLDER = 0x8007010B
NOTHING_CHANGED = 4  # of zoning_export.exe


def fails_on_weekends(start: datetime) -> int:
    """An exception on Saturdays and Sundays."""
    return int(start.weekday() >= 5)


def fails_often(start: datetime) -> int:
    """An exception in two of five runs, hardly ever twice in a row."""
    return (0, 1, 0, 0, 1)[(start.toordinal() * 4 + start.hour // 6 + 2) % 5]


def finds_nothing(start: datetime) -> int:
    """What forfiles returns: 1 where no file matches, which is so from a day on."""
    return int(start.date() >= date(2026, 11, 15))


def robocopy_result(start: datetime) -> int:
    """What robocopy returns: files were copied (1), and some were extra (3); nothing to do (0)."""
    return (1, 1, 0, 1, 3, 1, 1, 1, 0, 1, 1)[start.toordinal() % 11]


# Tasks: path, description, triggers, actions, account. No slot lies in the 20 minutes before a snapshot, except where a
# run is meant to be going on then or slots are close to each other.
# fmt: off
OPENDATA_TASKS = [
    # Permits
    Task(r"\OpenData\Permits\Nightly load", "Building permits from the permit system into the staging tables.",
         [daily("2024-03-04T22:15:00")], [python("permits_load.py --full")], OPENDATA, minutes=(18, 26),
         settings=CATCH_UP),
    Task(r"\OpenData\Permits\Inspections", "Results of yesterday's inspections, for the permits map.",
         [weekly("2024-03-04T07:10:00", WORKDAYS)], [python("inspections.py")], OPENDATA, minutes=(4, 7)),
    Task(r"\OpenData\Permits\Permit addresses", "Gives new permits a place on the map.",
         [daily("2024-03-05T08:30:00")], [python("permit_addresses.py --new")], OPENDATA, minutes=(6, 11)),
    Task(r"\OpenData\Permits\Legacy permit export", "Permits before 2009, until the old system is switched off.",
         [weekly("2021-08-09T20:15:00", "Monday Wednesday Friday")],
         [run("cmd.exe", r"/c D:\OpenData\jobs\legacy.cmd", JOBS)], GIS, minutes=(5, 8),
         removed="2026-10-08T10:15:00"),
    Task(r"\OpenData\Permits\Certificates of occupancy", "New certificates of occupancy, every two weeks.",
         [weekly("2025-01-15T10:20:00", "Wednesday", weeks=2)],
         [python("occupancy.py", r"C:\Python38\python.exe")], ETL),
    # Finance
    Task(r"\OpenData\Finance\Nightly load", "General ledger and purchase orders into the staging tables.",
         [daily("2023-10-02T21:05:00")], [python("ledger_load.py")], OPENDATA, minutes=(25, 40), limit="PT4H",
         settings=CATCH_UP),
    Task(r"\OpenData\Finance\Vendor payments", "Payments to vendors in the week before.",
         [weekly("2023-10-02T09:15:00", "Monday")], [python("vendor_payments.py --week")], OPENDATA),
    Task(r"\OpenData\Finance\Checkbook", "Extract for the open checkbook.",
         [daily("2023-10-03T19:30:00")], [powershell("checkbook.ps1")], OPENDATA, minutes=(3, 6)),
    Task(r"\OpenData\Finance\Budget book", "Adopted budget by department and fund, once a quarter.",
         [monthly("2025-01-01T08:10:00Z", "1", "January April July October")],
         [python("budget_book.py")], ETL, version="1.4"),
    Task(r"\OpenData\Finance\Payroll summary", "Payroll by department, on the 1st, the 15th and the last day.",
         [monthly("2024-06-01T04:30:00", "1 15 Last")], [powershell("payroll_summary.ps1")], ETL, version="1.4"),
    # Transit
    Task(r"\OpenData\Transit\Trip updates", "Arrival predictions for the trip planner.",
         [at_time("2019-04-01T00:00:00", every=5)], [python("trip_updates.py")], ETL, minutes=(0.2, 0.6), limit="PT5M",
         version="1.4"),
    Task(r"\OpenData\Transit\Ridership", "Boardings of the day before, from the fare boxes.",
         [daily("2025-02-03T09:20:00")], [python("ridership.py --yesterday")], ETL, minutes=(5, 9),
         result=fails_on_weekends),
    Task(r"\OpenData\Transit\Bus stops", "Stops and shelters from the asset system.",
         [daily("2025-02-03T04:20:00", every=360, lasting=1200)], [python("bus_stops.py")], ETL, result=fails_often,
         version="1.4"),
    Task(r"\OpenData\Transit\Vehicle positions", "Listens to the buses as long as the server is up.",
         [when("BootTrigger", "07:01", REBOOTS, Delay="PT1M")], [python("positions.py --listen")], ETL,
         minutes=(1e6, 1e6), limit="PT0S", version="1.4"),
    Task(r"\OpenData\Transit\Timetable import", "Timetables of the operator, whose contract ends this year.",
         [weekly("2026-01-04T04:20:00", "Sunday", random_delay=30, end="2026-12-15T00:00:00")],
         [python("timetable.py")], ETL, minutes=(9, 14), version="1.4"),
    Task(r"\OpenData\Transit\Parking meters", "",
         [daily("2025-04-07T06:05:00", every=10, lasting=955, stop=True)],
         [run("conhost.exe", rf'--headless "{PYTHON}" meters.py', JOBS)], ETL, minutes=(0.3, 0.8), limit="PT10M",
         odd_runs={"2026-11-22T21:55": (STOPPED, 5)}),
    # GIS
    Task(r"\OpenData\GIS\Parcels", "Parcels and owners, rebuilt from the assessor's database.",
         [daily("2024-01-08T05:25:00")], [python("parcels.py --rebuild")], GIS, minutes=(50, 70), limit="PT4H"),
    Task(r"\OpenData\GIS\Address points", "Every second night: the geocoder allows 50,000 requests in two days.",
         [daily("2024-01-08T03:40:00", days=2)], [python("addresses.py")], GIS, minutes=(25, 40), settings=RETRY,
         odd_runs={"2026-11-21": (1, 12)}),
    Task(r"\OpenData\GIS\Street centerlines", "Street centerlines for the routing service.",
         [weekly("2024-01-09T22:40:00", "Tuesday Thursday Saturday")], [python("streets.py")], GIS, minutes=(7, 12),
         edited="2026-11-04T14:20:00", edit={"enabled": False}),
    Task(r"\OpenData\GIS\Zoning", "Zoning districts and changes.",
         [weekly("2024-01-10T20:50:00", "Wednesday")],
         [run(r"Z:\Tools\zoning_export.exe", r"--out Z:\Zoning", r"Z:\Zoning")], GIS,
         result=lambda _start: NOTHING_CHANGED),
    Task(r"\OpenData\GIS\Tiles\Base map", "Base map tiles of the streets that changed.",
         [daily("2024-02-05T03:20:00")], [python("tiles.py --layer base --changed")], GIS, minutes=(12, 20),
         version="1.4", settings={"AllowHardTerminate": "false"}, odd_runs={"2026-11-23": (0, 1e6)}),
    Task(r"\OpenData\GIS\Tiles\Mirror", "Copies the tiles to the public web server. Robocopy says 1 where it copied.",
         [daily("2024-02-05T23:10:00")],
         [run("robocopy.exe", r"D:\OpenData\tiles \\fileserver.town.example\tiles /MIR /R:2 /W:5", r"D:\OpenData")],
         SYSTEM, minutes=(8, 20), result=robocopy_result, version="1.4"),
    Task(r"\OpenData\GIS\Tiles\Compact cache", "Compacts the tile cache while nobody needs the server.",
         [when("IdleTrigger", "03:48", on_days("Wednesday Sunday"))], [powershell("compact_cache.ps1")], SYSTEM,
         version="1.4", settings={"RunOnlyIfIdle": "true"}),
    # Services: 311, safety, environment
    Task(r"\OpenData\Services\311 requests", "Service requests, each hour.",
         [daily("2025-05-05T00:10:00", every=60, lasting=1440)], [python("requests311.py")], OPENDATA),
    Task(r"\OpenData\Services\Crime statistics", "Offences by precinct, without addresses.",
         [daily("2024-09-02T05:10:00")], [python("crime.py")], ETL, minutes=(8, 14), limit="PT72H",
         odd_runs={"2026-11-21": (0, 1e6)}),
    Task(r"\OpenData\Services\Crash reports", "Traffic crashes, from the state's exchange server.",
         [daily("2024-09-02T21:40:00")], [run("cmd.exe", r"/c D:\OpenData\jobs\crashes.bat", JOBS)], ETL,
         edited="2026-11-12T09:40:00",
         edit={"triggers": [weekly("2026-11-12T20:40:00", WORKDAYS)], "actions": [python("crashes.py")]}),
    Task(r"\OpenData\Services\Fire incidents", """"Fire" & 'EMS' calls, for O'Hara's map <script>alert(1)</script>""",
         [monthly_weekday("2025-03-28T20:10:00", "Last", "Friday")], [python("fire.py --month")], ETL),
    Task(r"\OpenData\Services\Air quality", "Readings of the air quality sensors.",
         [at_time("2019-05-06T00:05:00", every=30)], [python('air.py --user loader --password "S3cret-2026!"')], WEB,
         minutes=(0.5, 1.5), version="1.4"),
    Task(r"\OpenData\Services\Recreation calendar", "Courses and opening hours of the recreation centers.",
         [weekly("2025-03-02T07:20:00", "Sunday")], [python("recreation.py")], ETL, version="1.4",
         odd_runs={"2026-11-22": (NO_SUCH_FOLDER, 0)}, edited="2026-11-18T11:20:00",
         edit={"actions": [run(PYTHON, "recreation.py --year", rf'"{JOBS}"')]}),
    Task(r"\OpenData\Services\Polling places", "Polling places and waiting times, until the election of 2026-11-03.",
         [daily("2026-09-07T10:40:00", end="2026-11-04T00:00:00")],
         [run(rf"{JOBS}\polling.py", r"--places >> D:\OpenData\logs\polling.log", JOBS)], ETL, version="1.4"),
    # Portal
    Task(r"\OpenData\Portal\Publish datasets", "Checks what was loaded, publishes it and empties the portal's cache.",
         [daily("2024-03-11T20:20:00")],
         [python("check_staging.py"), python("publish.py --all"), powershell("purge_cache.ps1")], OPENDATA,
         minutes=(15, 25), limit="PT2H"),
    Task(r"\OpenData\Portal\Refresh dashboards", "Dashboards of the departments, in office hours.",
         [weekly("2024-03-11T06:35:00", WORKDAYS, every=15, lasting=720)], [python("dashboards.py")], OPENDATA,
         minutes=(0.5, 2)),
    Task(r"\OpenData\Portal\Catalog harvest", "Catalogs of the neighbouring towns.",
         [daily("2024-05-06T03:15:00")], [python("harvest.py --catalogs towns.json")], WEB, minutes=(10, 16),
         settings=CATCH_UP | RETRY, version="1.4",
         odd_runs=dict.fromkeys(["2026-10-25", "2026-10-31", "2026-11-05", "2026-11-10", "2026-11-14"], (1, 3))),
    Task(r"\OpenData\Portal\Full-text index", "Index of the portal's search.",
         [daily("2025-09-01T21:15:00")], [python("fulltext.py --rebuild")], ETL, minutes=(70, 110), limit="PT2H",
         odd_runs=dict.fromkeys(["2026-10-14", "2026-11-05", "2026-11-18", "2026-11-22"], (STOPPED, 120))),
    Task(r"\OpenData\Portal\Broken links", "Looks for dead links, on the first Monday of a month.",
         [monthly_weekday("2025-02-03T20:45:00", "1", "Monday")], [powershell("broken_links.ps1")], WEB,
         minutes=(30, 45)),
    Task(r"\OpenData\Portal\Sitemap", '=HYPERLINK("https://portal.town.example/sitemap.xml","Sitemap for search")',
         [daily("2026-03-10T06:30:00-04:00")], [python("sitemap.py")], WEB, version="1.4"),
    Task(r"\OpenData\Portal\Certificate check", "Says when a certificate of the portal is about to end.",
         [daily("2025-07-07T21:30:00"), daily("2025-07-07T13:30:00", enabled=False)], [powershell("certificates.ps1")],
         LOCAL_SERVICE),
    Task(r"\OpenData\Portal\Open status page", "Opens the status page for whoever logs on.",
         [when("LogonTrigger", "08:13", on_days(WORKDAYS))],
         [run("cmd.exe", "/c start https://portal.town.example/status")], USERS, minutes=(0.1, 0.2), version="1.3"),
    Task(r"\OpenData\Portal\Wall display", "Brings the wall display back when it is unlocked.",
         [when("SessionStateChangeTrigger", "13:20", on_days("Monday Thursday"), StateChange="SessionUnlock")],
         [run("wscript.exe", r"//B D:\OpenData\jobs\wall_display.vbs", JOBS)], ANALYST,
         minutes=(0.1, 0.2), version="1.3"),
    # Admin
    Task(r"\OpenData\Log clean-up", "",
         [daily("2023-05-01T00:20:00")], [run("cleanup.bat", "30")], SYSTEM, queued="2026-11-21T00:20:00"),
    Task(r"\OpenData\Admin\Old exports", "Deletes exports after 90 days.",
         [daily("2024-09-02T00:40:00")],
         [run("forfiles.exe", r'/p E:\Exports /s /d -90 /c "cmd /c del @path"')], SYSTEM, result=finds_nothing,
         version="1.4"),
    Task(r"\OpenData\Admin\Back up databases", "Full backup of the staging and portal databases.",
         [daily("2023-05-01T01:30:00")], [run(r"D:\Tools\dbbackup.exe", r"/u:backup /p:Winter-2026 /out:E:\Backup")],
         SYSTEM, minutes=(12, 18), settings=CATCH_UP),
    Task(r"\OpenData\Admin\React to load errors", "Collects the log of a load that wrote an error event.",
         [on_event(number) for number in range(4101, 4107)], [powershell("collect_log.ps1")], SYSTEM,
         version="1.4"),
    Task(r"\OpenData\Admin\Register data sources", "Data sources of the loaders, at start-up.",
         [when("RegistrationTrigger", "09:14", on_dates("2026-03-02")),
          when("BootTrigger", "07:05", REBOOTS, Delay="PT5M")],
         [powershell("data_sources.ps1"), ("ComHandler", {"ClassId": "{0D0A7A11-0000-4000-8000-5A3B1E000001}"})],
         SYSTEM, version="1.4"),
    Task(r"\OpenData\Admin\Move archive", "Moved the archive to the new disk, once.",
         [at_time("2026-05-16T20:00:00")],
         [run("robocopy.exe", r"D:\Archive E:\Archive /E /MOVE", "D:\\")], SYSTEM, limit="P1D"),
    Task(r"\OpenData\Admin\Rebuild staging", "By hand, after a change of the database layout.",
         [weekly("2025-06-01T04:10:00", "Sunday", enabled=False),
          when(BY_HAND, "10:30", on_dates("2026-08-19", "2026-10-22"))],
         [python("rebuild_staging.py")], ETL, minutes=(35, 50), limit="PT6H"),
    Task(r"\OpenData\Admin\Monthly archive", "Moves data of the month before to the archive, from December on.",
         [monthly("2026-12-01T04:40:00", "1")], [run(f"{PYTHON} archive.py --month", folder=JOBS)], ETL,
         added="2026-11-18T11:30:00"),
]

OTHER_TASKS = [
    Task(r"\Backup\System state", "Weekly backup of the system state.",
         [weekly("2023-04-30T04:00:00", "Sunday")],
         [run(r"%SystemRoot%\System32\wbadmin.exe", "start systemstatebackup -quiet")], SYSTEM, minutes=(30, 45),
         limit="PT72H", settings=CATCH_UP, author=r"TOWN\kchen"),
    Task(r"\Backup\Offsite copy", "Sends the database backups to the second site.",
         [daily("2023-05-02T02:20:00")], [run(r"C:\Program Files\Offsite\offsite.exe", "--profile nightly")], SYSTEM,
         minutes=(20, 50), limit="PT8H", author=r"TOWN\kchen", version="1.4"),
    Task(r"\Updater\Agent", "Keeps the monitoring agent up to date.",
         [daily("2025-01-06T10:15:00", random_delay=60),
          when("WnfStateChangeTrigger", "10:15", on_days(""), Delay="PT2H", StateName="00000000000A11CE")],
         [run(r"C:\Program Files\Agent\update.exe", "/quiet")], SYSTEM, author="Agent", version="1.4"),
    Task(r"\Updater\Browser", "Keeps the browser up to date.",
         [daily("2025-01-06T00:25:00", every=60, lasting=1440)],
         [run(r"C:\Program Files\Browser\update.exe", "/schedule")], SYSTEM, minutes=(0.1, 0.3),
         author="Browser", version="1.3"),
    Task(r"\Restart print spooler", "The spooler hangs once a week or so.",
         [weekly("2024-11-04T04:05:00", WORKDAYS)],
         [run(r"%SystemRoot%\System32\net.exe", f"{verb} spooler") for verb in ("stop", "start")],
         SYSTEM, minutes=(0.2, 0.5), author=r"TOWN\kchen"),
    Task(r"\Heartbeat", "Tells the monitoring that this server is up.",
         [at_time("1992-05-01T00:04:00", every=10)], [run(r"C:\Program Files\Agent\beat.exe")], LOCAL_SERVICE,
         minutes=(0.1, 0.2), limit="PT5M", author="Agent", version="1.4"),
]


def windows_task(path: str, trigger: Trigger, **more: Any) -> Task:
    r"""A task below `\Microsoft`: its definition is not read, so only its status matters."""
    return Task("\\Microsoft\\Windows\\" + path, "", [trigger], [], SYSTEM, **more)


TASKS = OPENDATA_TASKS + OTHER_TASKS + [
    windows_task(r"Defrag\ScheduledDefrag", when("Maintenance", "03:05", on_days("Wednesday"))),
    windows_task(r"DiskCleanup\SilentCleanup", when("Maintenance", "03:10", on_days("Saturday"))),
    windows_task(r"Registry\RegIdleBackup", when("Maintenance", "03:15", on_days("Tuesday Sunday"))),
    windows_task(r"Servicing\StartComponentCleanup", when("Maintenance", "03:25", on_days("Sunday"))),
    windows_task(r"Time Synchronization\SynchronizeTime", weekly("2024-01-07T04:15:00", "Sunday")),
    windows_task(r"Chkdsk\ProactiveScan", when("Maintenance", "03:35", on_dates("2026-04-08")),
                 edited="2026-04-09T09:00:00", edit={"enabled": False}),
]
# fmt: on
