"""What a snapshot, a definition, a history and a result are at a prompt, and what reading a history tells."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from lxml import html

import taskanalysis as ta
from taskanalysis.definition.model import ExecAction, TaskDefinition
from taskanalysis.definition.reader import read_task
from taskanalysis.history.logs import read_logs
from taskanalysis.history.store import open_store, update_store
from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot
from tests.build import GUIDS, HOSTILE, LOAD, definition, history_of, hours, run_events, status, write, xml


def shown(value: object) -> list[list[str]]:
    """The cells of a value's table in a notebook."""
    (table,) = html.fragments_fromstring(value._repr_html_())  # type: ignore[attr-defined]
    assert {element.tag for element in table.iter()} <= {"table", "caption", "thead", "tbody", "tr", "th", "td"}
    return [[cell.text or "" for cell in row] for row in table.findall(".//tr")]


def add_log(data: Path) -> None:
    """Put an event log with a run into a share."""
    folder = data / "eventlogs" / "SRV"
    folder.mkdir(parents=True)
    (folder / "log.xml").write_text("".join(run_events(GUIDS[0])), encoding="utf-8")


def test_snapshot_is_one_short_line_and_a_small_table(sample: Snapshot) -> None:
    assert repr(sample) == (
        "<Snapshot: OPENDATA01, 2026-11-23 06:02 (America/New_York), 52 definitions, the status of 58 tasks>"
    )
    assert len(shown(sample)) == 5
    assert repr(Snapshot("", hours(0))) == (
        "<Snapshot: unnamed server, 2026-11-20 12:00 (UTC), no definitions, no statuses>"
    )


def test_problems_are_counted(tmp_path: Path) -> None:
    folder = write(tmp_path, 0, status(), definitions={LOAD: xml("a")})
    (folder / "status.csv").write_text("damaged", encoding="utf-8")
    found = read_snapshot(folder)
    assert repr(found).endswith("1 definition, no statuses, 2 problems>")
    assert shown(found)[-1] == ["holds", "1 definition, no statuses and 2 problems"]


def test_definition_says_what_it_is() -> None:
    task = read_task(xml("net.exe", "b.exe", "c.exe"))
    assert repr(task) == "<TaskDefinition: Only when started by hand, runs net.exe, and 2 more actions>"
    assert shown(task) == [
        ["schedule", "Only when started by hand"],
        *(["runs", f"{name}.exe"] for name in ("net", "b", "c")),
        ["account", "not written"],
    ]


def test_arguments_are_masked_as_their_program_takes_them() -> None:
    action = ExecAction(command="C:\\Windows\\net.exe", arguments="use Z: \\\\files\\tiles S3cret /user:TOWN\\etl")
    task = TaskDefinition(actions=(action,))
    assert "tiles *** /user" in repr(task)
    assert "S3cret" not in repr(task) + task._repr_html_()


@pytest.mark.parametrize("path", HOSTILE)
def test_hostile_text_is_one_line_and_no_markup(path: str) -> None:
    task = read_task(definition(HOSTILE[path]).encode())
    snapshot = Snapshot(HOSTILE[path], hours(0), tasks={path: task})
    for value in (task, snapshot):
        assert repr(value).isprintable()
        assert len(repr(value)) < 200
        assert all(len(cell) <= 320 for row in shown(value) for cell in row)


def test_result_says_what_it_means() -> None:
    assert repr(ta.decode(0x8007052E)).startswith(
        "<Result: 2147943726 (0x8007052E), ERROR_LOGON_FAILURE, not started, cer"
    )
    assert ["outcome", "not started"] in shown(ta.decode(0x8007052E))
    assert repr(ta.decode(None)) == "<Result: no code, unknown, certain, No result is known.>"


def test_history_names_its_servers_and_what_was_computed(tmp_path: Path) -> None:
    history = history_of(tmp_path, {0: [status()], 24: [status()]})
    span = "2 snapshots from 2026-11-20 to 2026-11-21"
    assert repr(history) == f"<History: {tmp_path}, SRV {span}, 2 of 2 days were computed in memory>"
    assert shown(history) == [["SRV", span]]
    write(tmp_path, 48).joinpath("snapshot.json").write_text("{", encoding="utf-8")
    history = ta.read_history(tmp_path)
    assert ", 1 problem, " in repr(history)
    assert len(shown(history)) == 2


# Reading writes nothing -----------------------------------------------------------------------------------------------


def test_reading_writes_nothing_and_says_how_much_it_computed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, 0, status())
    add_log(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    history = ta.read_history(tmp_path)
    assert sorted(tmp_path.rglob("*")) == before
    assert history.computed == (
        '1 of 1 day and 1 event log were computed in memory; "taskanalysis history" or update=True stores them.'
    )
    assert ta.read_history(tmp_path, update=True).computed == ""
    assert ta.read_history(tmp_path).computed == ""
    write(tmp_path, 24, status())
    assert ta.read_history(tmp_path).computed.startswith("1 of 2 days was computed")
    assert capsys.readouterr() == ("", "")


def test_what_cant_be_stored_counts_as_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, 0, status())
    add_log(tmp_path)
    (tmp_path / "history").write_text("in the way", encoding="utf-8")
    assert ta.read_history(tmp_path, update=True).computed.startswith("1 of 1 day and 1 event log were")


def test_someone_in_a_notebook_sees_it_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, 0, status())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))  # type: ignore[arg-type]
    ta.read_history(tmp_path)
    assert capsys.readouterr().out == ""
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=object))  # type: ignore[arg-type]
    history = ta.read_history(tmp_path)
    assert capsys.readouterr().out == f"{history.computed}\n"
    assert history.computed
    update_store(tmp_path)
    assert not open_store(tmp_path).stale()
    assert (ta.read_history(tmp_path).computed, capsys.readouterr().out) == ("", "")
    assert read_logs(tmp_path, ["SRV"]).read == 0
