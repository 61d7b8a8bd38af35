"""Task XML from file to definition: `python -m benchmarks.definitions [FILES]` prints a Markdown table.

The files are made, seeded: the definitions of the sample share over and over, each with names, times and arguments of
its own, some with another account, other settings or one more trigger, and no two alike. The least that any reader
needs is the bare parse by lxml of the same files; the goal is the whole definition in at most 2.5 times that.
"""

import codecs
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median

from lxml import etree

from benchmarks.timing import once
from taskanalysis.definition import read_task
from taskanalysis.snapshot import sample_share

__all__ = ["write_files"]

TURNS = 5
ACCOUNTS = ["TOWN\\mlopez", "TOWN\\kchen", "TOWN\\gmsa-etl$", "TOWN\\svc-gis", "S-1-5-18", "S-1-5-20"]
LIMITS = ["PT30M", "PT1H", "PT2H", "PT12H", "P1D", "P3D", "PT0S"]
SWITCHES = ["Hidden", "WakeToRun", "StartWhenAvailable", "RunOnlyIfNetworkAvailable", "DisallowStartIfOnBatteries"]
QUERY = (
    "&lt;QueryList&gt;&lt;Query Id='0'&gt;&lt;Select Path='System'&gt;*[System[EventID=#]]&lt;/Select&gt;&lt;/Query&gt;"
)
MORE_TRIGGERS = [
    "<BootTrigger><Delay>PT#M</Delay></BootTrigger>",
    "<LogonTrigger><Enabled>true</Enabled><UserId>TOWN\\user#</UserId></LogonTrigger>",
    "<TimeTrigger><Repetition><Interval>PT#M</Interval><Duration>PT8H</Duration></Repetition></TimeTrigger>",
    f"<EventTrigger><Subscription>{QUERY}&lt;/QueryList&gt;</Subscription></EventTrigger>",
    "<CalendarTrigger><StartBoundary>2026-01-05T06:30:00-05:00</StartBoundary><ScheduleByMonth><DaysOfMonth>"
    "<Day>#</Day><Day>Last</Day></DaysOfMonth><Months><March/><June/></Months></ScheduleByMonth></CalendarTrigger>",
]


def write_files(folder: Path, number: int, *, settings_apart: bool = False) -> None:
    """Write so many files below `folder`, each with one task as Windows exports it, a thousand in a subfolder.

    Few settings and accounts occur in many tasks, as in an office; with `settings_apart` none occurs twice.
    """
    files = sorted((sample_share() / "snapshots").glob("*/*/*/tasks/**/*.xml"))
    texts = list(dict.fromkeys(file.read_text(encoding="utf-16") for file in files))
    dice = Random(1)
    for place in range(number):
        inside = folder / f"{place // 1000:03}"
        inside.mkdir(parents=True, exist_ok=True)
        xml = _variant(dice.choice(texts), place, dice)
        if settings_apart:
            xml = re.sub(r"<ExecutionTimeLimit>\w*", f"<ExecutionTimeLimit>PT{place}M", xml)
            xml = re.sub(r"<UserId>[^<]*", rf"<UserId>TOWN\\user{place}", xml)
        (inside / f"Job {place:06}.xml").write_bytes(_exported(xml))


def _exported(xml: str) -> bytes:
    return codecs.BOM_UTF16_LE + xml.replace("\n", "\r\n").encode("utf-16-le")


def _variant(xml: str, place: int, dice: Random) -> str:
    """A definition like this one, and unlike all others."""
    xml = xml.replace("</URI>", f" {place:06}</URI>").replace("</Arguments>", f" --job {place}</Arguments>")
    xml = re.sub(r">\d{4}-\d\d-\d\dT\d\d:\d\d", lambda _: f">{_minute(dice)}", xml)
    if dice.random() < 0.3:
        xml = re.sub(r"<UserId>[^<]*", lambda _: f"<UserId>{dice.choice(ACCOUNTS)}", xml)
    if dice.random() < 0.3:
        xml = re.sub(r"<ExecutionTimeLimit>\w*", f"<ExecutionTimeLimit>{dice.choice(LIMITS)}", xml)
    if dice.random() < 0.3:
        switch, state = dice.choice(SWITCHES), dice.choice(["true", "false"])
        xml = re.sub(f"<{switch}>\\w*", f"<{switch}>{state}", xml)
    if dice.random() < 0.2:
        more = dice.choice(MORE_TRIGGERS).replace("#", str(dice.randrange(1, 32)))
        xml = xml.replace("</Triggers>", f"  {more}\n  </Triggers>")
    return xml


def _minute(dice: Random) -> str:
    year, month, day = dice.randrange(2015, 2027), dice.randrange(1, 13), dice.randrange(1, 29)
    return f"{year}-{month:02}-{day:02}T{dice.randrange(24):02}:{dice.randrange(60):02}"


def main(number: int = 20_000) -> None:
    """Measure the bare parse and ours over the same files, in turns."""
    print("| files | lxml.etree.parse alone | from file to definition | ratio |")
    print("|---|---|---|---|")
    for kind, apart in {"settings as in an office": False, "no settings twice": True}.items():
        with tempfile.TemporaryDirectory() as name:
            write_files(Path(name), number, settings_apart=apart)
            files = [str(file) for file in sorted(Path(name).rglob("*.xml"))]
            turns = [(_each(etree.parse, files), _each(read_task, files)) for _ in range(TURNS)]
        bare, ours = (median(turn) for turn in zip(*turns, strict=True))
        ratio = median(ours / bare for bare, ours in turns)
        print(f"| {number:,}, {kind} | {bare * 1e6:.1f} µs a file | {ours * 1e6:.1f} µs a file | {ratio:.2f} |")
    print("\nGoal: a ratio of at most 2.5.")


def _each(read: Callable[[str], object], files: list[str]) -> float:
    """Seconds that a file takes."""
    return once(lambda: sum(1 for _ in map(read, files))) / len(files)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
