"""The trends page: what it shows and writes of the sample, of event logs, and of data that have no history."""

import csv
from pathlib import Path

import pytest
from lxml import html

from taskanalysis.errors import SnapshotError
from taskanalysis.report import trend_answers
from taskanalysis.report.columns import COLUMNS
from taskanalysis.report.strips import HEIGHT, STEP, day_signs, days_in_words
from taskanalysis.report.trends import MOST_STRIPS, Trends
from taskanalysis.snapshot.snapshot import read_snapshot
from tests.build import LOAD, status, trends_of, window_of, write, xml
from tests.history.test_logs import log, run

BUS = r"\OpenData\Transit\Bus stops"


def test_page_reads_the_share_for_so_many_days() -> None:
    page = Trends.read(days=7, folder="\\OpenData\\Transit", server="OPENDATA01")
    assert len(page.by_day) == 8
    assert {path.rpartition("\\")[0] for path in page.runs["task_path"]} == {"\\OpenData\\Transit"}
    with pytest.raises(SnapshotError, match="at least 1 day, not 0"):
        Trends.read(days=0)


def test_answer_is_better_or_worse_and_goes_to_the_index_with_its_numbers(trends: Trends) -> None:
    answer = trends.answer
    assert (answer.title, answer.is_good) == ("Worse since Mon 9 Nov", False)
    assert answer.line.startswith("About as good as a week ago, and worse than four weeks ago: 13 tasks")
    assert list(answer.points) == trend_answers.points(trends)


def test_figures_show_what_the_tables_hold(trends: Trends) -> None:
    now = int(trends.by_day["failing"].iloc[-1])
    assert f"{now} today;" in trends.failing_figure.alt
    assert (
        f"succeeded {(trends.runs['ending'] == 'succeeded').sum() - _blind_runs(trends):,};" in trends.runs_figure.alt
    )
    assert [round(end - begin) for begin, end in trends.runs_figure.gaps] == [3, 2]
    assert trends.hours_answer.lines[0].startswith("Left out: ")
    assert trends.incidents.frame["since"].dt.strftime("%m-%d %H:%M").tolist() == ["11-09 07:10"]


def _blind_runs(trends: Trends) -> int:
    blind = trends.by_day[trends.by_day["blind"]]
    return int(blind["succeeded"].sum())


def test_bad_tasks_have_a_strip_of_all_days_of_the_window(trends: Trends) -> None:
    page = html.fromstring(f"<div>{trends.worst.html()}</div>".replace("<wbr>", "<wbr/>"))
    heads = page.xpath("//thead//th/text()")
    assert heads[:2] == ["Task", "Each day"]
    rows = page.xpath("//tbody/tr")
    assert len(rows) == len(trends.worst.frame) <= MOST_STRIPS
    size = f"0 0 {STEP * len(trends.by_day)} {HEIGHT}"
    assert {row.xpath("string(.//svg/@viewbox)") for row in rows} == {size}
    assert rows[0].xpath(".//svg/@aria-label") == [days_in_words(day_signs(trends, [BUS]).loc[BUS])]
    assert trends.key.html


def test_worst_tasks_beyond_the_hundredth_are_in_a_file(tmp_path: Path) -> None:
    names = [f"\\Task {number:03}" for number in range(MOST_STRIPS + 5)]
    for hour in (0, 6):
        write(tmp_path, hour, *(status(name, last_run=hour - 1, code=1) for name in names))
    page = trends_of(read_snapshot(tmp_path))
    assert page.worst.html().count("<svg") == MOST_STRIPS
    assert "The first 100 of 105 rows" in page.worst.html()
    page.save(tmp_path / "out")
    assert len((tmp_path / "out" / "worst.csv").read_text("utf-8-sig").splitlines()) == 1 + len(names)


def test_page_without_a_trend_is_words_alone(tmp_path: Path) -> None:
    write(tmp_path, 0, status(last_run=-1, code=1))
    page = trends_of(read_snapshot(tmp_path))
    assert (page.answer.title, page.answer.is_good) == (
        "Not known: there is only one snapshot; not everything could be seen",
        False,
    )
    assert page.key.html == ""
    assert page.worst.html() == '<p class="empty">Which runs failed is not known: a trend needs two snapshots.</p>'
    assert page.missed.html() == ""


# Files ----------------------------------------------------------------------------------------------------------------


def test_files_have_the_columns_of_the_dictionary_and_all_rows(trends: Trends, tmp_path: Path) -> None:
    files = {file.stem: file for file in trends.save(tmp_path) if file.suffix == ".csv"}
    frames = {"runs": trends.runs, "slots": trends.slots, "changes": trends.all_changes}
    assert files.keys() >= frames.keys()  # and those of tables that the page cuts
    for name, frame in frames.items():
        file = files[name]
        text = file.read_bytes()
        assert text.startswith(b"\xef\xbb\xbf")
        with file.open(encoding="utf-8-sig", newline="") as opened:
            head, *rows = csv.reader(opened)
        assert head == list(COLUMNS[name])
        assert len(rows) == len(frame) == text.count(b"\r\n") - 1
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
