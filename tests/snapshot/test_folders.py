"""A folder that one process at a time writes to: locked, and cleaned of what killed processes left."""

from pathlib import Path

import pytest
from filelock import Timeout

from taskanalysis.snapshot.folders import locked, remove


def test_second_process_waits_and_gives_up(tmp_path: Path) -> None:
    with locked(tmp_path / "new", wait=0), pytest.raises(Timeout), locked(tmp_path / "new", wait=0):
        pass
    with locked(tmp_path / "new", wait=0):
        pass


def test_leftovers_are_removed_once_the_folder_is_locked(tmp_path: Path) -> None:
    (tmp_path / ".run.tmp").mkdir()
    (tmp_path / ".run.tmp" / "page.html").write_text("x", encoding="utf-8")
    (tmp_path / ".page.tmp").write_text("x", encoding="utf-8")
    (tmp_path / "page.html").write_text("x", encoding="utf-8")
    with locked(tmp_path, ".*.tmp"):
        assert sorted(file.name for file in tmp_path.iterdir()) == [".lock", "page.html"]


def test_link_is_removed_and_not_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    link = tmp_path / "link"
    try:
        link.symlink_to(tmp_path / "kept")
    except OSError:
        pytest.skip("this account may not make links")
    remove(link, tmp_path / "nowhere")
    assert [file.name for file in tmp_path.iterdir()] == ["kept"]
