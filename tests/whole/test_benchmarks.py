"""The benchmarks: what their table says, that ways are compared, and that all of them still run."""

import doctest
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from benchmarks import __main__ as command
from benchmarks import child, machine, peers, table
from benchmarks.runner import Bench, Way
from benchmarks.table import Goal, Row, as_json, markdown
from tests.build import ROOT

# The table ------------------------------------------------------------------------------------------------------------


def test_what_the_table_module_shows_is_so() -> None:
    assert doctest.testmod(table).failed == 0


@pytest.mark.parametrize(
    ("goal", "says"),
    [
        (Goal(2.5, "× lxml", 2.31), "met: at most 2.5 × lxml (2.31)"),
        (Goal(2.5, "× lxml", 2.9), "not met: at most 2.5 × lxml (2.9)"),
        (Goal(2.5, "× lxml", 2.5), "met: at most 2.5 × lxml (2.5)"),
        (Goal(2.5, "× lxml", 2.5004), "not met: at most 2.5 × lxml (2.5004)"),
        (Goal(5, "times the rate", 4.2, is_least=True), "not met: at least 5 times the rate (4.2)"),
        (Goal(5, "times the rate", 6, is_least=True), "met: at least 5 times the rate (6)"),
        (Goal(1024, "MiB", 1500.6), "not met: at most 1,024 MiB (1,501)"),
        (Goal(2, "", None), "not judged: at most 2"),
    ],
)
def test_a_goal_is_met_or_not_and_its_figure_stands_beside_it(goal: Goal, says: str) -> None:
    assert goal.verdict == says


def test_a_row_tells_time_for_each_peak_and_ratio_and_leaves_out_what_it_has_not() -> None:
    full = Row("definitions", "ours", 20_000, 2.5, number=20_000, unit="file", peak=80.4, ratio=2.347, base="lxml")
    assert full.cells() == ["definitions", "ours", "20,000", "1", "2.5 s", "125 µs a file", "80 MiB", "2.35 × lxml", ""]
    assert Row("history", "on disk", "6 files", None).cells() == ["history", "on disk", "6 files", "1", *[""] * 5]


def test_topics_are_a_column_where_there_are_several() -> None:
    one, other = Row("collect", "ours", 6, 1), Row("decoding", "ours", 6, 1)
    assert markdown([one, one]).splitlines()[0].startswith("| way |")
    assert markdown([one, other]).splitlines()[0].startswith("| what | way |")


def test_no_text_breaks_out_of_its_cell() -> None:
    lines = markdown([Row("", "a|b\\\n<script>", 1, 1)]).splitlines()
    assert len(lines) == 3
    assert lines[2].startswith("| a\\|b\\\\ &lt;script> | 1 |")


def test_json_holds_all_figures_and_whether_goals_are_met() -> None:
    row = Row("memory", "all", 9, 0.5, peak=2000, goals=(Goal(1024, "MiB", 2000),))
    (told,) = json.loads(json.dumps(as_json([row])))
    assert told["seconds"] == 0.5
    assert told["ratio"] is None
    assert told["goals"] == [{"limit": 1024, "unit": "MiB", "figure": 2000, "is_least": False, "is_met": False}]


# Ways -----------------------------------------------------------------------------------------------------------------


def answering(answer: object) -> Callable[[], object]:
    return lambda: answer


def answering_later(answer: object) -> Callable[[], Callable[[], object]]:
    return lambda: lambda: answer


def taking(seconds: float) -> Callable[[], child.Measured]:
    return lambda: child.Measured(seconds)


def failing() -> None:
    raise ValueError("no such file")


def way(name: str, function: str, **more: object) -> Way:
    question = str(more.pop("question", ""))
    number = int(str(more.pop("number", 0)))
    return Way(name, f"tests.whole.test_benchmarks:{function}", more, question=question, number=number)


def test_a_way_runs_in_a_process_of_its_own_which_tells_its_peak(tmp_path: Path) -> None:
    bench = Bench(tmp_path, turns=1)
    taken = bench.measure([Way("ours", "benchmarks.collect:stored", {"number": 2, "folder": str(tmp_path)})])
    assert bench.problems == []
    assert 5 < (taken["ours"].peak or 0) < 2000
    assert 0 < taken["ours"].seconds < 60


def test_ways_that_answer_a_question_differently_are_a_problem(tmp_path: Path) -> None:
    bench = Bench(tmp_path, turns=1, apart=False)
    same = way("a", "answering", question="rows", answer=5), way("b", "answering_later", question="rows", answer=5)
    bench.measure([*same, way("c", "answering", answer=7)])
    assert bench.problems == []
    bench.measure([*same, way("c", "answering", question="rows", answer=7)])
    assert bench.problems == ["rows: the ways do not agree: a 5; b 5; c 7"]


def test_ratios_are_of_the_time_for_each_where_ways_do_not_do_the_same_number(tmp_path: Path) -> None:
    bench = Bench(tmp_path, turns=3, apart=False)
    ways = [way("base", "taking", seconds=2.0), way("tenth", "taking", seconds=1.0, number=10)]
    rows = bench.rows("decoding", ways, size=100, unit="row", base="base")
    assert (rows["base"].ratio, rows["tenth"].ratio) == (None, 5.0)
    assert (rows["base"].size, rows["tenth"].size) == (100, 10)


def test_one_that_fails_is_a_problem_and_the_others_have_their_rows(tmp_path: Path) -> None:
    bench = Bench(tmp_path, turns=2)
    good = Way("good", "benchmarks.collect:stored", {"number": 2, "folder": str(tmp_path)})
    assert set(bench.measure([good, Way("bad", "benchmarks.collect:nothing")])) == {"good"}
    assert bench.problems == ["bad failed: AttributeError: module 'benchmarks.collect' has no attribute 'nothing'"]


def test_peers_are_left_out_where_there_is_no_python_for_them(tmp_path: Path) -> None:
    bench = Bench(tmp_path, turns=1, apart=False)
    peer = replace(way("duckdb", "answering", answer=1), is_peer=True)
    assert set(bench.measure([way("ours", "answering", answer=1), peer])) == {"ours"}


# The command ----------------------------------------------------------------------------------------------------------


def test_peers_are_pinned() -> None:
    assert set(peers.pinned()) == {"dissect.target", "duckdb", "polars", "xmltodict"}
    assert all(version[0].isdigit() for version in peers.pinned().values())


@pytest.mark.parametrize("error", [OSError("no"), RuntimeError("Performance counters may be disabled.")])
def test_machine_that_tells_no_load_is_described_without(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("psutil.getloadavg", Mock(side_effect=error))
    assert "load before: not known." in machine.said(machine.machine())


def test_peers_that_cannot_be_installed_are_said_and_the_rest_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(
        peers, "subprocess", SimpleNamespace(run=refuse, CalledProcessError=subprocess.CalledProcessError)
    )
    monkeypatch.setattr(command, "peers_python", lambda: peers.peers_python(tmp_path / "peers"))
    monkeypatch.setitem(command.TOPICS, "collect", "table:nothing")
    assert command.main(["--only", "collect", "--tiny"]) == 1
    out, err = capsys.readouterr()
    assert "the peers could not be installed: no network" in err
    assert "PROBLEM collect failed: AttributeError" in err
    assert out.startswith("| ")


@pytest.mark.slow
def test_everything_runs_at_a_tiny_size(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    arguments = ["-m", "benchmarks", "--tiny", "--no-peers", "--json", str(told)]
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "PROBLEM" in line]) == (0, [])
    said = json.loads(told.read_text(encoding="utf-8"))
    ways = {(row["what"], row["way"]) for row in said["rows"]}
    topics = "collect, decoding, definitions, event log, expected runs, fleet, history, memory, reports, rows, rules"
    assert sorted({what for what, _ in ways}) == [*topics.split(", "), "statuses"]
    assert {
        ("definitions", "ours"),
        ("definitions", "minidom, 4 fields"),
        ("statuses", "pandas.read_csv in a loop, concat"),
        ("history", "add one snapshot"),
        ("rows", "check, an export"),
        ("collect", "with evidence"),
        ("rules", "each rule tried for each task"),
        ("event log", "the package evtx alone, the limit"),
    } <= ways
    assert all(row["goals"] == [] or row["goals"][0]["is_met"] is None for row in said["rows"])
    assert done.stdout.splitlines()[0].startswith("| what | way | size |")
    assert said["machine"]["python"] in done.stdout
