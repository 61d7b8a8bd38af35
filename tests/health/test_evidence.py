"""Files that changed before a task began to fail are named in its reason; no others are."""

from datetime import timedelta
from pathlib import Path

import pytest

from taskanalysis.health import NO_PAST, judge, known_history
from taskanalysis.health.evidence import changed_file
from taskanalysis.health.past import Past
from taskanalysis.snapshot import ProgramFile, read_snapshot
from tests.build import LOAD, NOON, hours, status, write, xml

FAILED = Past(last_success=hours(-24), failing_since=hours(0))


OLD, NEW = "a" * 64, "b" * 64


def file(hour: float | None, name: str = "load.py", role: str = "script", sha256: str = NEW) -> ProgramFile:
    modified = None if hour is None else hours(hour)
    return ProgramFile(LOAD, 1, role, rf"D:\{name}", exists=True, modified=modified, sha256=sha256)


OTHER = file(-0.5, "x.exe", "program")
BEFORE = [file(-99, sha256=OLD), file(-99, "x.exe", "program", OLD)]


@pytest.mark.parametrize(
    ("files", "past", "sentence"),
    [
        ([file(-1)], FAILED, r" Its script load.py changed 1 hour before."),
        ([file(0)], FAILED, r" Its script load.py changed just before."),
        ([file(-2), OTHER], FAILED, r" Its program x.exe changed 30 minutes before."),
        ([file(-24)], FAILED, ""),  # the run that started then was good
        ([file(1)], FAILED, ""),
        ([file(None)], FAILED, ""),
        ([], FAILED, ""),
        ([file(-1)], NO_PAST, ""),
        ([file(-1)], Past(failing_since=hours(0)), ""),  # it never was good, as far as is known
    ],
)  # fmt: skip
def test_change_between_the_last_good_run_and_the_first_bad_one(
    files: list[ProgramFile], past: Past, sentence: str
) -> None:
    assert changed_file(files, past, lambda _: BEFORE) == sentence


@pytest.mark.parametrize(
    ("files", "before"),
    [
        ([file(-1)], [file(-99)]),  # written again, as it was
        ([file(-1)], []),  # nobody had looked
        ([file(-1)], [file(-99, sha256="")]),
        ([file(-1, sha256="")], BEFORE),
        ([file(-1)], [file(-99, "other.py", sha256=OLD)]),
        ([file(-1)], [file(-99, sha256=OLD)._replace(path="\\Other")]),
    ],
)
def test_file_is_not_said_to_have_changed_where_its_content_is_not_known_to(
    files: list[ProgramFile], before: list[ProgramFile]
) -> None:
    assert changed_file(files, FAILED, lambda _: before) == ""


def test_other_file_is_named_where_the_last_was_written_as_it_was() -> None:
    before = [file(-99), *BEFORE[1:]]
    assert (
        changed_file([file(-0.1), OTHER], FAILED, lambda _: before) == " Its program x.exe changed 30 minutes before."
    )


@pytest.mark.parametrize(
    ("sha256", "said"), [(NEW, r" Its script load.py changed 36 minutes before."), (OLD, "")], ids=["edited", "touched"]
)
def test_reason_of_a_task_that_fails_names_the_script_that_changed(sha256: str, said: str, tmp_path: Path) -> None:
    for hour, code in ((-25, 0), (-1, 0), (23, 1)):
        files = [file(hour - 0.6, sha256=sha256)] if code else [file(-99, sha256=OLD)]
        write(tmp_path, hour + 1, status(LOAD, hour, code), definitions={LOAD: xml()}, programs=files)
    write(tmp_path, 25, status(LOAD, 23, 1), definitions={LOAD: xml()}, programs=files)
    snapshot = read_snapshot(tmp_path, now=NOON + timedelta(days=2))
    (judged,) = judge(snapshot, history=known_history(snapshot))
    assert judged.reason.partition(" Its script")[1:] == said.partition(" Its script")[1:]
