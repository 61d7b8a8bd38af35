"""Scripts that changed between snapshots are changes of their tasks; what nobody saw is none."""

from dataclasses import replace
from pathlib import Path

import pytest

from taskanalysis.history.scripts import SHORT, how_it_changed
from taskanalysis.snapshot import ProgramFile, keep_script, stored_script
from tests.build import LOAD, history_of, hours, rows, status, write, xml

OLD, NEW = "a" * 64, "b" * 64
SCRIPT = ProgramFile(LOAD, 1, "script", r"D:\load.py", exists=True, size=12, modified=hours(-1), sha256=OLD)
UNREAD = SCRIPT._replace(sha256="")
GONE = SCRIPT._replace(exists=False, size=None, modified=None, sha256="")


def changes(share: Path, *files: list[ProgramFile] | None) -> list[tuple[object, ...]]:
    """The changed scripts where each snapshot found these files (None: nobody looked), an hour apart."""
    for hour, found in enumerate(files):
        write(share, hour, status(), definitions={LOAD: xml()}, programs=found)
    frame = history_of(share, {}).changes
    return rows(frame[frame["kind"] == "script"], "at", "task_path", "before", "after", "what")


def test_changed_script_is_a_change_of_its_task(tmp_path: Path) -> None:
    new = SCRIPT._replace(sha256=NEW, modified=hours(0.5))
    said = r"The script D:\load.py was changed at 2026-11-20 12:30."
    assert changes(tmp_path, [SCRIPT], [SCRIPT], [new], [new]) == [(2, LOAD, OLD[:SHORT], NEW[:SHORT], said)]


def test_script_that_is_gone_and_there_again(tmp_path: Path) -> None:
    found = changes(tmp_path, [SCRIPT], [GONE], [GONE], [SCRIPT])
    assert [(at, what) for at, *_, what in found] == [
        (1, r"The script D:\load.py is gone."),
        (3, r"The script D:\load.py is there again."),
    ]


def test_snapshot_that_did_not_look_hides_no_change_and_makes_none(tmp_path: Path) -> None:
    new = SCRIPT._replace(sha256=NEW)
    assert [at for at, *_ in changes(tmp_path, None, [SCRIPT], None, [SCRIPT], None, [new])] == [5]


@pytest.mark.parametrize(
    "files",
    [
        [SCRIPT._replace(exists=None), GONE],
        [SCRIPT],  # and then the task names another
        [SCRIPT._replace(role="program"), SCRIPT._replace(role="program", sha256=NEW)],
        [SCRIPT._replace(path=r"\Other"), SCRIPT._replace(path=r"\Other", sha256=NEW)],
    ],
)
def test_what_is_not_known_or_no_script_of_a_task_is_no_change(files: list[ProgramFile], tmp_path: Path) -> None:
    other = SCRIPT._replace(file=r"D:\other.py", sha256=NEW)
    assert changes(tmp_path, *([file] for file in files), [other]) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (SCRIPT, SCRIPT, ""),
        (SCRIPT, SCRIPT._replace(modified=hours(1)), ""),  # written again, and the same
        (UNREAD, UNREAD._replace(size=13), r"The script D:\load.py was changed at 2026-11-20 11:00."),
        (UNREAD, UNREAD, ""),
        (GONE, GONE, ""),
    ],
)  # fmt: skip
def test_words_of_a_change(old: ProgramFile, new: ProgramFile, said: str) -> None:
    assert how_it_changed(old, new) == said


def test_damaged_list_of_files_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, 0, status(), definitions={LOAD: xml()}, programs=[SCRIPT])
    place = write(tmp_path, 1, status(), definitions={LOAD: xml()}, programs=[SCRIPT._replace(sha256=NEW)])
    (place / "programs.csv").write_bytes(b"x")
    history = history_of(tmp_path, {})
    assert rows(history.changes, "kind") == []
    assert replace(history, problems=[]).changes.empty


def test_script_is_found_by_the_begin_of_its_hash(tmp_path: Path) -> None:
    keep_script(tmp_path, b"print()")
    (file,) = (tmp_path / "scripts").rglob("*/*")
    assert stored_script(tmp_path, file.name[:SHORT]) == b"print()"
    assert [stored_script(tmp_path, start) for start in ("", "zz" * 4, file.name[:2] + "x")] == [None] * 3
    (file.parent / (file.name[:SHORT] + "0" * (64 - SHORT))).write_bytes(b"another")
    assert stored_script(tmp_path, file.name[:SHORT]) is None
