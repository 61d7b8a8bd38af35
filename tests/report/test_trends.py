"""The trends page: what it shows and writes of the sample, of event logs, and of data that have no history."""

import csv
from pathlib import Path

import pytest

from taskanalysis.errors import SnapshotError
from taskanalysis.report.columns import COLUMNS
from taskanalysis.report.trends import Trends
from tests.build import LOAD, status, trends_of, window_of, xml
from tests.history.test_logs import log, run


def test_page_reads_the_share_for_so_many_days() -> None:
    page = Trends.read(days=7, folder="\\OpenData\\Transit", server="OPENDATA01")
    assert len(page.by_day) == 8
    assert {path.rpartition("\\")[0] for path in page.runs["task_path"]} == {"\\OpenData\\Transit"}
    with pytest.raises(SnapshotError, match="at least 1 day, not 0"):
        Trends.read(days=0)


def test_figures_show_what_the_tables_hold(trends: Trends) -> None:
    assert trends.changes_figure.alt.count("\\OpenData\\") >= 4
    assert trends.expected_figure.title == "What happened to the expected starts?"
    assert trends.worst.frame["task_path"].iloc[0] in trends.days_figure.alt
    assert trends.hours_answer.lines[0].startswith("Left out: ")
    assert trends.incidents.frame["since"].dt.strftime("%m-%d %H:%M").tolist() == ["11-09 07:10"]


# Files ----------------------------------------------------------------------------------------------------------------


def test_files_have_the_columns_of_the_dictionary_and_all_rows(trends: Trends, tmp_path: Path) -> None:
    files = {file.stem: file for file in trends.save(tmp_path)}
    frames = {"runs": trends.runs, "slots": trends.slots, "changes": trends.all_changes}
    assert files.keys() == frames.keys()
    for name, file in files.items():
        text = file.read_bytes()
        assert text.startswith(b"\xef\xbb\xbf")
        with file.open(encoding="utf-8-sig", newline="") as opened:
            head, *rows = csv.reader(opened)
        assert head == list(COLUMNS[name])
        assert len(rows) == len(frames[name]) == text.count(b"\r\n") - 1
    first = dict(zip(COLUMNS["runs"], (files["runs"].read_text("utf-8-sig").splitlines()[1]).split(","), strict=True))
    assert first["started"] == "2026-09-25T02:20:02-04:00"
    assert (first["ended"], first["seconds"], first["code"], first["source"]) == ("", "", "0", "status")
    assert trends.save("") == []


def test_runs_of_an_event_log_between_snapshots_are_counted_with_their_durations(tmp_path: Path) -> None:
    log(tmp_path, *(run(hour, 6 * hour, code=hour == 3, instance=hour) for hour in (1, 2, 3, 4)))
    rows = {0: [status(last_run=-1)], 6: [status(last_run=4)], 12: [status(last_run=4)]}
    window = window_of(tmp_path, rows, definitions={LOAD: xml()})
    page = trends_of(window.snapshot)
    assert window.runs["ending"].tolist() == ["succeeded", "succeeded", "failed", "succeeded"]
    assert window.by_day[["succeeded", "failed"]].to_numpy().tolist() == [[3, 1]]
    assert window.spells["until"].tolist() == [window.runs["started"].iloc[-1]]
    (row,) = page.durations.frame.to_dict("records")
    assert (row["runs"], row["usual_minutes"], row["longest_minutes"]) == (4, 15, 24)
    assert page.hours_answer.lines[-1] == "The duration of 4 of 4 runs is known, from the event log."
    page.save(tmp_path / "out")
    lines = (tmp_path / "out" / "runs.csv").read_text("utf-8-sig").splitlines()
    assert len(lines) == 5
    assert ",360,0,succeeded,eventlog,time,00000001-0a0b-" in lines[1]
