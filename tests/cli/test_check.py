"""``taskanalysis check`` and ``decode``: what they print, in each format, and their exit codes."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from taskanalysis.cli import main
from taskanalysis.cli.check import FORMATS, Check
from taskanalysis.definition import TaskDefinition
from taskanalysis.errors import Problem
from taskanalysis.health import assess
from taskanalysis.health.age import CALM
from taskanalysis.snapshot.snapshot import Snapshot, write_snapshot
from taskanalysis.snapshot.status import Status
from tests.build import FILES, ROOT, xml

NOW = datetime(2026, 11, 23, 11, 2, tzinfo=UTC)
AN_HOUR = timedelta(hours=1)


def check(*statuses: Status, stale: bool = False, **given: Any) -> Check:
    by_path = {status.path: status for status in statuses}
    tasks = dict.fromkeys(by_path, TaskDefinition())
    snapshot = Snapshot("S", NOW, "America/New_York", statuses=by_path, tasks=tasks, defined_at=NOW, **given)
    return Check([assess(snapshot, now=NOW + (27 * AN_HOUR if stale else timedelta(0)))])


def status(path: str, code: int, *, state: str = "Ready", hours: int = 1) -> Status:
    return Status(path, state, True, NOW - hours * AN_HOUR, code)


GOOD, BAD, LONG = status(r"\Good", 0), status(r"\Bad", 1), status(r"\Long", 267009, state="Running", hours=30)
ODD = status(r"\Odd", 77777)


@pytest.mark.parametrize(
    ("statuses", "code", "nagios"),
    [((GOOD,), 0, 0), ((GOOD, BAD), 1, 2), ((LONG,), 1, 1), ((ODD,), 1, 1), ((LONG, BAD), 1, 2), ((), 3, 3)],
)
def test_exit_code_says_what_was_found(statuses: tuple[Status, ...], code: int, nagios: int) -> None:
    found = check(*statuses)
    assert [found.exit_code(form) for form in FORMATS] == [code, code, nagios, code]


@pytest.mark.parametrize("form", FORMATS)
def test_stale_snapshot_is_three_whatever_it_says(form: str) -> None:
    assert check(GOOD, stale=True).exit_code(form) == check(BAD, stale=True).exit_code(form) == 3


@pytest.mark.parametrize("form", FORMATS)
def test_where_most_last_runs_are_not_known_it_is_three_and_the_first_sentence(form: str) -> None:
    unread = [replace(GOOD, path=f"\\{number}", last_run=None) for number in range(3)]
    found = check(GOOD, *unread, holds=frozenset({"last_run"}))
    assert found.exit_code(form) == 3
    assert check(GOOD, *unread[:1], holds=frozenset({"last_run"})).exit_code(form) == 0
    (assessment,) = found.assessments
    assert assessment.title == "The last run of 3 of 4 tasks could not be read"
    assert assessment.lines()[0].endswith(
        "The last run of 3 of 4 tasks could not be read. None of 4 tasks needs attention by what is known."
    )
    (assessment,) = check(BAD, *unread, holds=frozenset({"last_run"})).assessments
    assert assessment.title == "The last run of 3 of 4 tasks could not be read; 1 thing to do"


def test_text_has_a_line_for_each_task_that_needs_attention() -> None:
    assert check(GOOD, BAD).text().splitlines() == [
        "S, 2026-11-23 06:02 (America/New_York): 1 of 2 tasks needs attention.",
        r"FAILING \Bad: The program ended with exit code 1; by convention only 0 is success. "
        "Next: Read what the program wrote, in its own log or in that of the task.",
    ]
    stale = check(GOOD, stale=True).text().splitlines()
    assert stale[0].endswith(": None of 1 task needs attention; not everything could be seen.")
    assert stale[1] == "The snapshot is stale: another was due by 2026-11-24 08:02 (America/New_York)."


def test_calm_is_said_only_where_all_was_seen() -> None:
    assert check(GOOD).text().endswith("None of 1 task needs attention: no need to worry.\n")
    assert "No status was collected." in check().text()
    damaged = check(GOOD, problems=[Problem("status.csv", "line 3: is cut")])
    assert damaged.exit_code("text") == 3
    assert damaged.text().splitlines() == [
        "S, 2026-11-23 06:02 (America/New_York): None of 1 task needs attention; not everything could be seen.",
        "1 problem in the data that were read: status.csv line 3: is cut.",
        "PROBLEM status.csv: line 3: is cut",
    ]
    assert json.loads(damaged.json())["problems"] == [{"file": "status.csv", "what": "line 3: is cut"}]
    assert "1 problem in the data that were read: status.csv line 3: is cut. |" in damaged.nagios()


def test_names_made_equal_by_masking_stay_two_series() -> None:
    pair = [r"\A --password one1", r"\A --password two2"]
    numbered = [*pair, r"\A --password *** (2)", r"\A --password *** (3)", r"\A --password three3"]
    for paths in (pair, numbered, numbered[::-1], ["\\A\nb", "\\A\rb", "\\A b", "\\A\\b"]):
        series = series_of(check(*(replace(BAD, path=path) for path in paths)))
        assert len(set(series)) == len(series)
        assert len([name for name in series if "_needs_attention{" in name]) == len(paths)


def test_servers_made_equal_by_masking_stay_two_series() -> None:
    names = ["S --password one1", "S --password two2", "S\nx", "S x"]
    several = [
        replace(each, snapshot=replace(each.snapshot, server=name)) for name in names for each in check(BAD).assessments
    ]
    series = series_of(Check(several, [Problem("S --password three3", "?"), Problem("S\rx", "?")], all_servers=True))
    assert len(set(series)) == len(series)
    assert len([name for name in series if "_blind{" in name]) == 6


def series_of(made: Check) -> list[str]:
    return [line.rpartition(" ")[0] for line in made.prometheus().splitlines() if line[0] != "#"]


def test_json_is_one_object() -> None:
    said = json.loads(check(GOOD, BAD).json())
    assert (said["tasks"], said["stale"], [each["task_path"] for each in said["attention"]]) == (2, False, [r"\Bad"])
    assert (said["exit_code"], said["blind"], said["not_judged"], said["not_judged_servers"]) == (1, "", {}, [])


def test_nagios_begins_with_one_line_of_state_and_figures() -> None:
    first, *others = check(GOOD, BAD).nagios().splitlines()
    assert first.startswith("TASKS CRITICAL - S, ")
    assert first.endswith(" | attention=1;;;0;2")
    assert len(others) == 1
    assert check(GOOD, stale=True).nagios().startswith("TASKS UNKNOWN")


def test_prometheus_text_is_well_formed_and_whole() -> None:
    text = check(GOOD, BAD).prometheus()
    assert text.endswith("\n")
    sample = re.compile(r'([a-z_]+)\{((?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\} -?[0-9]+')
    names = set()
    for line in text.splitlines():
        if not line.startswith("# "):
            found = sample.fullmatch(line)
            assert found, line
            names.add(found[1])
    task = "taskscheduler_task_"
    assert names == {
        *(task + name for name in ("last_run_timestamp_seconds", "last_result", "needs_attention", "verdict")),
        "taskscheduler_snapshot_timestamp_seconds",
        "taskscheduler_tasks_not_judged",
        "taskscheduler_other_servers",
        "taskscheduler_blind",
    }
    assert 'taskscheduler_task_needs_attention{server="S",path="\\\\Bad"} 1' in text
    assert 'taskscheduler_task_verdict{server="S",path="\\\\Bad",verdict="FAILING"} 1' in text
    assert 'taskscheduler_task_verdict{server="S",path="\\\\Bad",verdict="OK"} 0' in text


@pytest.mark.parametrize("form", FORMATS)
def test_hostile_name_stays_in_its_place_and_hides_its_secret(form: str) -> None:
    path = '\\a"b|c\n\x1b[31m --password S3cret'
    text = check(replace(BAD, path=path)).render(form)
    assert "S3cret" not in text
    assert "\x1b" not in text
    if form in ("text", "nagios"):
        assert len(text.splitlines()) == 2
        assert text.count("|") <= 1


# The command line -----------------------------------------------------------------------------------------------------


@pytest.fixture
def share(tmp_path: Path) -> Path:
    statuses = [GOOD, BAD, status(r"\Microsoft\Windows\Bad", 1), status(r"\F\Muted", 1)]
    add(tmp_path, "S", *statuses)
    (tmp_path / "rules.toml").write_text("[[rule]]\ntask = '*Muted'\nignore = true\n", encoding="utf-8")
    return tmp_path


def add(share: Path, server: str, *statuses: Status, at: datetime | None = None, **given: Any) -> Path:
    """A snapshot of an hour ago, with a definition of each task outside Microsoft."""
    taken_at = at or datetime.now(UTC).replace(microsecond=0) - AN_HOUR
    definitions = {status.path: xml() for status in statuses if not status.path.startswith("\\Microsoft")}
    known = {"zone": "Europe/London", "elevated": True, "definitions": definitions, **given}
    return write_snapshot(share, server=server, taken_at=taken_at, statuses=statuses, **known)


def run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, list(words))
    return done.exit_code, done.stdout, done.stderr


def test_check_of_a_share_uses_its_rules_and_its_scope(share: Path) -> None:
    code, out, _ = run("check", "--data", str(share))
    assert code == 1
    assert re.fullmatch(r"FAILING since [-0-9]+ [:0-9]+ \\Bad: .*", out.splitlines()[1])
    assert "1 task muted by rules.toml" in out
    assert run("check", "--data", str(share), "--folder", r"\F")[0] == 0
    assert run("check", "--data", str(share), "--folder", "\\")[1].count("FAILING") == 2


def test_run_book_stands_beside_the_advice(share: Path) -> None:
    (share / "rules.toml").write_text(r"[[rule]]" "\ntask = '*'\nlink = 'D:\\docs\\bad.md'\n", encoding="utf-8")
    found = json.loads(run("check", "--data", str(share), "--format", "json")[1])
    assert {each["advice"].partition("(Run book: ")[2] for each in found["attention"]} == {r"D:\docs\bad.md)"}


def test_broken_rules_are_said_and_no_task_is_muted(share: Path) -> None:
    (share / "rules.toml").write_text("[[rule]]\ntask = '*Muted'\nignored = true\n", encoding="utf-8")
    code, out, _ = run("check", "--data", str(share))
    assert code == 3
    assert out.count("FAILING") == 2
    assert "\nNo rule of the office is applied: rules.toml, line 3: 'ignored' is not known" in out
    assert run("check", "--data", str(share), "--format", "nagios")[0] == 3


def test_output_goes_into_a_file_without_mark_and_with_lf(share: Path, tmp_path: Path) -> None:
    file = tmp_path / "out" / "tasks.prom"
    code, out, _ = run("check", "--data", str(share), "--format", "prometheus", "--output", str(file))
    assert (code, out) == (1, "")
    content = file.read_bytes()
    assert content.startswith(b"# HELP")
    assert b"\r" not in content
    assert [each.name for each in file.parent.iterdir()] == ["tasks.prom"]


@pytest.mark.slow
@pytest.mark.parametrize(("form", "page"), [("text", "cp850"), ("text", "cp1250"), ("json", "cp850")])
def test_output_in_any_code_page_says_all_and_a_file_is_utf_8(form: str, page: str, tmp_path: Path) -> None:
    add(tmp_path, "Größe", status("\\Müll \u0142\u202e\x07", 1))
    command = [sys.executable, "-m", "taskanalysis", "check", "--data", str(tmp_path), "--format", form]
    environment = os.environ | {"PYTHONIOENCODING": page, "PYTHONUTF8": "0", "PYTHONPATH": str(ROOT)}
    file = tmp_path / "out.txt"
    printed, written = (
        subprocess.run([*command, *more], capture_output=True, env=environment, cwd=ROOT, timeout=60, check=False)
        for more in ((), ("--output", str(file)))
    )
    assert (printed.stderr, written.stdout, written.stderr) == (b"", b"", b"")
    assert printed.returncode == written.returncode == 1
    whole = file.read_bytes().decode("utf-8")
    assert "Müll ł<U+202E>␇" in whole
    shown = whole.encode(page if form == "text" else "utf-8", "backslashreplace")
    assert printed.stdout.replace(os.linesep.encode(), b"\n") == shown
    assert (rb"ll \u0142<U+202E>\u2407" in shown) == ((form, page) == ("text", "cp850"))


@pytest.mark.parametrize(("form", "code"), [("text", 2), ("nagios", 3)])
def test_bad_input_is_one_sentence(form: str, code: int, share: Path) -> None:
    here = ("--data", str(share))
    for words in (("--data", "nowhere"), (*here, "--folder", r"\Nowhere"), (*here, "--server", "X")):
        found, out, err = run("check", "--format", form, *words)
        assert (found, out, len(err.splitlines())) == (code, "", 1)


@pytest.mark.parametrize("words", [("--dates", "foo"), ("--bogus",), ("--data", ""), ("--output", "")])
def test_bad_usage_is_unknown_to_nagios_and_two_else(words: tuple[str, ...]) -> None:
    assert run("check", "--format", "nagios", *words)[0] == 3
    assert run("check", *words)[0] == 2


def test_part_of_a_share_or_another_server_is_refused(share: Path) -> None:
    assert "is a part of a share" in run("check", "--data", str(share / "snapshots"))[2]
    (folder,) = share.glob("snapshots/S/*/*")
    code, out, _ = run("check", "--data", str(folder))
    assert code == 1
    assert "1 task muted" in out  # by the rules of its share
    assert run("check", "--data", str(folder), "--server", "OTHER")[0] == 2
    assert run("check", "--data", str(folder), "--at", "2020-01-01")[0] == 2


def test_output_that_cannot_be_written_is_named(share: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    code, _, err = run("check", "--data", str(share), "--output", str(tmp_path / "file" / "x.prom"))
    assert (code, err.startswith(f"taskanalysis: {tmp_path / 'file' / 'x.prom'} can't be written (")) == (3, True)


@pytest.mark.parametrize(
    ("at", "form", "code"),
    [
        ("2026-11-23T12:00", "text", 1),
        ("2026-11-23T12:00", "nagios", 2),
        ("2026-11-25", "text", 3),
        ("2099-01-01", "text", 3),
    ],
)
def test_staleness_is_judged_at_the_given_time(at: str, form: str, code: int, tmp_path: Path) -> None:
    add(tmp_path, "S", BAD, at=NOW)
    assert run("check", "--data", str(tmp_path), "--at", at, "--format", form)[0] == code


def test_incident_comes_once_and_first_then_the_other_tasks_with_their_next_step() -> None:
    code, out, _ = run("check", "--data", str(ROOT / "data"), "--at", "2026-11-23T12:00")
    first, *others = out.splitlines()[1:]
    assert code == 1
    assert first.startswith("INCIDENT 9 tasks since 2026-11-09 07:10, all as TOWN\\opendata, 0x8007052E: ")
    assert "Next: Enter the new password of TOWN\\opendata in these 9 tasks. It is shared by" in first
    assert "\\OpenData\\Finance\\Checkbook," in first
    assert len(others) == 10
    others, remarks = others[:-2], others[-2:]
    assert all("Next: " in line and " since " in line for line in others)
    assert remarks[0].startswith("Recovered in the last 24 hours: ")
    assert not any("password is wrong" in line for line in others)
    assert sum(line.endswith("Owner: Transit desk.") for line in others) == 2


def test_sample_share_is_never_stale() -> None:
    code, out, _ = run("check")
    assert (code, "stale" in out) == (1, False)


# Several servers ------------------------------------------------------------------------------------------------------


def test_servers_that_were_not_judged_are_named(share: Path) -> None:
    add(share, "OTHER", BAD, at=datetime.now(UTC).replace(microsecond=0) - 2 * AN_HOUR)
    code, out, _ = run("check", "--data", str(share))
    assert (code, out.splitlines()[-1]) == (
        1,
        "1 other server of this share not judged here: OTHER (--all-servers judges all).",
    )
    said = json.loads(run("check", "--data", str(share), "--format", "json")[1])
    assert said["not_judged_servers"] == ["OTHER"]


@pytest.mark.parametrize("form", FORMATS)
def test_no_server_is_calm_beside_one_that_was_not_judged(form: str, tmp_path: Path) -> None:
    add(tmp_path, "A", GOOD)
    add(tmp_path, "B", BAD)
    check = ("check", "--data", str(tmp_path), "--format", form)
    code, one, _ = run(*check, "--server", "A")
    assert code == 0
    assert CALM not in one
    if form == "text":
        assert one.partition("\n")[0].endswith(": None of 1 task needs attention; 1 other server is not counted here.")
    says = 'other_servers{server="A"} 1\n' if form == "prometheus" else "B"
    assert says in one
    every = run(*check, "--all-servers")[1]
    assert "not counted here" not in every
    assert "not judged here" not in every


def test_worst_code_of_all_servers_wins(tmp_path: Path) -> None:
    add(tmp_path, "A", GOOD)
    add(tmp_path, "B", GOOD)
    assert run("check", "--data", str(tmp_path), "--all-servers")[0] == 0
    add(tmp_path, "C", BAD)
    assert run("check", "--data", str(tmp_path), "--all-servers")[0] == 1
    assert run("check", "--data", str(tmp_path), "--all-servers", "--format", "nagios")[0] == 2
    broken = add(tmp_path, "D", GOOD)
    (broken / "snapshot.json").write_text("{", encoding="utf-8")
    for form, code in (("text", 3), ("json", 3), ("nagios", 3), ("prometheus", 3)):
        found, out, _ = run("check", "--data", str(tmp_path), "--all-servers", "--format", form)
        assert found == code
        assert "D" in out


def test_all_servers_are_one_text_in_each_format(tmp_path: Path) -> None:
    add(tmp_path, "A", GOOD, BAD)
    add(tmp_path, "B", GOOD)
    every = ("check", "--data", str(tmp_path), "--all-servers", "--format")
    assert [server["server"] for server in json.loads(run(*every, "json")[1])["servers"]] == ["A", "B"]
    metrics = run(*every, "prometheus")[1]
    assert metrics.count("# HELP taskscheduler_blind") == 1
    assert metrics.count("taskscheduler_blind{") == 2
    first, *others = run(*every, "nagios")[1].splitlines()
    assert first == "TASKS CRITICAL - 2 servers: 1 of 3 tasks need attention. | attention=1;;;0;3"
    assert re.match(r"A: FAILING since [-0-9]+ [:0-9]+ \\Bad: ", others[0])
    assert run(*every[:-1], "--server", "A")[0] == 2


@pytest.mark.parametrize("source", ["file", "folder"])
def test_all_servers_of_one_file_are_judged(source: str, tmp_path: Path) -> None:
    (folder := tmp_path / "data").mkdir()
    shutil.copy(FILES / "statuses" / "two_servers.csv", folder)
    place = folder if source == "folder" else folder / "two_servers.csv"
    data = ("check", "--data", str(place), "--zone", "Europe/London")
    code, out, _ = run(*data, "--all-servers", "--format", "json")
    found = {server["server"]: server["attention"] for server in json.loads(out)["servers"]}
    assert (code, [len(found[name]) for name in ("TOWN02", "TOWN03")]) == (3, [0, 1])
    assert run(*data, "--server", "TOWN03")[1].startswith("TOWN03, ")
    assert "TOWN03 (--all-servers judges all).\n" in run(*data)[1]


def test_day_and_month_are_decided_by_an_option(tmp_path: Path) -> None:
    file = tmp_path / "status.csv"
    row = r'"Load","\F\Load","1","04/08/2025 9:15:00 PM","Ready","x.exe",""'
    file.write_text(f'"Name","Path","LastResult","NextRun","Status","Command","Arguments"\n{row}\n', encoding="utf-8")
    assert run("check", "--data", str(file), "--zone", "Nowhere")[2].startswith("taskanalysis: 'Nowhere' is not")
    assert run("check", "--data", str(file), "--zone", "Europe/London", "--dates", "dmy")[0] in (1, 3)


def test_decode_answers_in_words_and_as_json() -> None:
    code, out, _ = run("decode", "0x8007052E")
    assert code == 0
    assert out.startswith("2147943726 (0x8007052E ERROR_LOGON_FAILURE): not started, certain\n")
    said = json.loads(run("decode", "1", "--command", "robocopy.exe", "--json")[1])
    assert (said["outcome"], said["basis"]) == ("succeeded", "robocopy")
    assert json.loads(run("decode", "--json", "--", "-2147024894")[1])["code"] == 0x80070002


def test_decode_refuses_what_is_no_code() -> None:
    assert run("decode", "5x") == (2, "", "taskanalysis: is not a result code: '5x'\n")


def test_all_servers_of_a_status_file_are_judged(tmp_path: Path) -> None:
    file = tmp_path / "status.csv"
    rows = "".join(f"Load,\\,2026-11-23 06:00:00,{code},SRV0{code}\n" for code in (1, 2))
    file.write_text("TaskName,TaskPath,LastRunTime,LastTaskResult,PSComputerName\n" + rows, encoding="utf-8")
    _, out, _ = run("check", "--data", str(file), "--all-servers")
    assert [line[:5] for line in out.splitlines() if "attention" in line] == ["SRV01", "SRV02"]
    assert "1 other server of this share not judged here: SRV02" in run("check", "--data", str(file))[1]
    assert run("check", "--data", str(file), "--server", "SRV02")[1].startswith("SRV02, ")
