"""Every schedule in slots: each file in tests/files/schedules carries the runs that it should give, and their source.

`Runs` are local times with offset; a run with `?` is not judged. With `To` they are all in the window, without it the
first from `From` on. They were worked out by hand and by a slow reading of the rules, not by
`taskanalysis.schedule.slots`.
"""

import re
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from taskanalysis.definition.model import TaskDefinition
from taskanalysis.definition.reader import read_task
from taskanalysis.definition.words import describe
from taskanalysis.schedule.slots import expected_runs, next_run, previous_run, slot_arrays, slots
from tests import build
from tests.proofread import expectation
from tests.schedule.oracle import simulate

FILES = sorted((build.FILES / "schedules").glob("*.xml"))
NEEDED = {"About", "Says", "Zone", "From", "Runs", "Source"}
SOURCES = r"\[MS-TSCH\] 2\.5\.(3\.[1-9]|4)|ITrigger::put_StartBoundary|KB 325413|unconfirmed"
OPEN = timedelta(days=73_000)  # 200 years: the end of a window that has none
MOMENT = timedelta(microseconds=1)

each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


class Case:
    """A file with what its comment says."""

    def __init__(self, file: Path) -> None:
        says = expectation(file)
        self.zone = says["Zone"]
        self.task: TaskDefinition = read_task(file)
        self.runs = [] if says["Runs"] == "none" else says["Runs"].split(", ")
        self.moments = [datetime.fromisoformat(run.rstrip("?")) for run in self.runs]
        self.start = self.moment(says["From"])
        self.end = self.moment(says["To"]) if "To" in says else self.start + OPEN
        self.most = None if "To" in says else len(self.runs)

    def moment(self, text: str) -> datetime:
        written = datetime.fromisoformat(text)
        return written if written.tzinfo else written.replace(tzinfo=ZoneInfo(self.zone))

    @property
    def until(self) -> datetime:
        """The end of the window; without one, what follows the last run."""
        return self.end if self.most is None else self.moments[-1] + MOMENT

    @property
    def instants(self) -> list[str]:
        return [run.rstrip("?") for run in self.runs]


def written(run: datetime | None, *, judged: bool = True) -> str:
    """A run as the files write it. Text tells the two passes of an autumn hour apart, `==` does not (PEP 495)."""
    if run is None:
        return "none"
    full = run.second or run.microsecond
    return run.isoformat(timespec="auto" if full else "minutes") + ("" if judged else "?")


@each_file
def test_slots_are_the_runs_that_the_file_says(file: Path) -> None:
    case = Case(file)
    found = islice(slots(case.task, case.start, case.end, tz=case.zone), case.most)
    assert [written(slot.time, judged=slot.judged) for slot in found] == case.runs
    runs = islice(expected_runs(case.task, case.start, case.end, tz=ZoneInfo(case.zone)), case.most)
    assert [written(run) for run in runs] == case.instants


@each_file
def test_arrays_hold_the_same_slots(file: Path) -> None:
    case = Case(file)
    found = slot_arrays(case.task, case.start, case.until, tz=case.zone)
    local = [time.replace(tzinfo=UTC).astimezone(ZoneInfo(case.zone)) for time in found.time.tolist()]
    pairs = zip(local, found.judged.tolist(), strict=True)
    assert [written(time, judged=judged) for time, judged in pairs] == case.runs


@each_file
def test_next_run_goes_from_each_run_to_the_next(file: Path) -> None:
    case = Case(file)
    before = [moment - MOMENT for moment in case.moments[:1]] + case.moments[:-1]
    assert [written(next_run(case.task, moment, tz=case.zone)) for moment in before] == case.instants
    if case.most is None:  # and then out of the window
        last = case.moments[-1] if case.moments else case.start - MOMENT
        after = next_run(case.task, last, tz=case.zone)
        assert after is None or after.astimezone(UTC) >= case.end.astimezone(UTC)


@each_file
def test_previous_run_goes_back_the_same_way(file: Path) -> None:
    case = Case(file)
    after = case.moments[1:] + [moment + MOMENT for moment in case.moments[-1:]]
    assert [written(previous_run(case.task, moment, tz=case.zone)) for moment in after] == case.instants
    first = case.moments[0] if case.moments else case.end
    before = previous_run(case.task, first, tz=case.zone)
    assert before is None or before.astimezone(UTC) < case.start.astimezone(UTC)


def is_simulated(file: Path) -> bool:
    """Whether a simulator that asks every minute is done soon, and knows all runs: they are at whole minutes."""
    case = Case(file)
    return case.until - case.start < timedelta(days=45) and not re.search(r"T\d\d:\d\d:", "".join(case.runs))


SIMULATED = [file for file in FILES if is_simulated(file)]


@pytest.mark.parametrize("file", SIMULATED, ids=lambda file: file.stem)
def test_simulator_of_the_random_cases_gives_the_same_runs(file: Path) -> None:
    case = Case(file)
    found = simulate(case.task, case.start.astimezone(UTC), case.until.astimezone(UTC), ZoneInfo(case.zone))
    assert [written(time.astimezone(ZoneInfo(case.zone)), judged=judged) for time, _, judged in found] == case.runs


@each_file
def test_sentence_is_the_one_that_the_file_says(file: Path) -> None:
    assert describe(read_task(file)) == expectation(file)["Says"]


@each_file
def test_each_file_says_what_it_is_about_and_whence(file: Path) -> None:
    said = expectation(file)
    assert NEEDED <= said.keys() <= NEEDED | {"To", "Seen"}
    assert all(said.values())
    assert re.fullmatch(SOURCES, said["Source"])
    runs = Case(file).runs
    assert all(re.fullmatch(r"[\d-]{10}T[\d:.]{5,15}[+-]\d\d:\d\d\??", run) for run in runs)
    assert len(runs) <= 30 if "To" in said else 3 <= len(runs) <= 8


def test_no_two_files_are_about_the_same() -> None:
    abouts = [expectation(file)["About"] for file in FILES]
    assert len(set(abouts)) == len(abouts) >= 60
    assert len(SIMULATED) > 150
