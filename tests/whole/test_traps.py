"""A pipe or a device in place of any file that is read: a problem, or the error of its reader, and never a wait."""

from pathlib import Path

import pytest

from taskanalysis.errors import RulesError
from taskanalysis.health.rules import read_rules
from taskanalysis.history.frames import read_history
from taskanalysis.history.upkeep import verify
from taskanalysis.publish.folder import HOLDER, MARKER, held
from taskanalysis.publish.index import read_reports, read_standing
from taskanalysis.publish.pages import read_head
from taskanalysis.snapshot.snapshot import read_snapshot
from tests.build import LOAD, NOON, TRAPS, answer, logged, run_events, status, store_files, trap, write, xml


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """Two snapshots with definitions, the second with others, and an event log; the history is stored."""
    for hour in range(2):
        write(tmp_path, hour, status(last_run=hour), definitions={LOAD: xml(f"{hour}.exe")})
    (tmp_path / "eventlogs" / "SRV").mkdir(parents=True)
    log = f"<Events>{''.join(run_events('a' * 8 + '-0a0b-4c0d-8e0f-aaaaaaaaaaaa'))}</Events>"
    (tmp_path / "eventlogs" / "SRV" / "log.xml").write_text(log, encoding="utf-8")
    history = read_history(tmp_path, update=True)
    assert history.problems == []
    assert logged(0) in set(history.runs["started"])
    return tmp_path


@pytest.mark.parametrize("kind", TRAPS)
@pytest.mark.parametrize("name", ["snapshot.json", "status.csv", "tasks/OpenData/Load.xml"])
def test_file_of_a_snapshot(share: Path, name: str, kind: str) -> None:
    trap(read_snapshot(share).source / name, kind)
    snapshot = answer(lambda: read_snapshot(share))
    assert "not a regular file" in " ".join(problem.what for problem in snapshot.problems)
    assert "not a regular file" in " ".join(problem.what for problem in answer(lambda: verify(share)).problems)


@pytest.mark.parametrize("kind", TRAPS)
@pytest.mark.parametrize("name", ["snapshot.json", "status.csv"])
def test_file_of_a_snapshot_of_the_history(share: Path, name: str, kind: str) -> None:
    folder = write(share, 2, status(last_run=2))
    trap(folder / name, kind)
    history = answer(lambda: read_history(share, update=True))
    problems = dict(history.problems)
    assert "not a regular file" in problems[f"SRV/{folder.name}/{name}"]


@pytest.mark.parametrize("kind", TRAPS)
def test_event_log(share: Path, kind: str) -> None:
    trap(share / "eventlogs" / "SRV" / "log.xml", kind)
    history = answer(lambda: read_history(share, update=True))
    assert ("eventlogs/SRV/log.xml", "can't be opened (not a regular file)") in history.problems


@pytest.mark.parametrize("kind", TRAPS)
def test_files_of_the_store(share: Path, kind: str) -> None:
    before = read_history(share, update=True)
    for name in store_files(share):
        trap(share / name, kind)
    history = answer(lambda: read_history(share, update=False))
    assert len(history.runs) == len(before.runs)
    assert "not a regular file" in " ".join(problem.what for problem in history.problems)
    assert answer(lambda: read_history(share, update=True)).runs.equals(before.runs)


@pytest.mark.parametrize("kind", TRAPS)
def test_rules(tmp_path: Path, kind: str) -> None:
    trap(tmp_path / "rules.toml", kind)
    with pytest.raises(RulesError, match=r"rules.toml can't be opened \(not a regular file\)"):
        answer(lambda: read_rules(tmp_path / "rules.toml"))


@pytest.mark.parametrize("kind", TRAPS)
def test_published_files(tmp_path: Path, kind: str) -> None:
    (tmp_path / "latest").mkdir()
    (tmp_path / MARKER).touch()
    for name in ("index.html", "latest/status.json", HOLDER):
        trap(tmp_path / name, kind)
    assert answer(lambda: read_head(tmp_path / "index.html")) is None
    assert answer(lambda: read_standing(tmp_path / "latest" / "status.json")) is None
    assert answer(lambda: read_reports("SRV", tmp_path, "")).problem == "no status is known"

    def hold() -> bool:
        with held(tmp_path, now=NOON):
            return True

    assert answer(hold)
