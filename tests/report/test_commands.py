"""Lines to copy: read back by the rules of their languages, they say what was meant, and what they do to a job."""

import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from taskanalysis.cli.main import restore
from taskanalysis.health.cases import Case
from taskanalysis.health.rules import parse_rules
from taskanalysis.report.commands import (
    ADMIN,
    ENDS,
    STARTS,
    Line,
    argument,
    case_lines,
    powershell,
    restore_all,
    restore_lines,
    rule_lines,
    toml,
)
from taskanalysis.report.status import StatusPage
from taskanalysis.snapshot.paths import plain_path
from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot
from tests.build import HOSTILE, LOAD, status, write, xml
from tests.health.test_cases import PASSWORD, cases, failing, hidden, late, running, without_a_start
from tests.health.test_incidents import several

SINGLE, DOUBLE = "'\u2018\u2019\u201a\u201b", '"\u201c\u201d\u201e'
"""The quotation marks of PowerShell: CharTraits.cs, IsSingleQuote and IsDoubleQuote."""
UNFIT = ["a\nb", "a\rb", "a\tb", "a\0b", "a\x7fb", "a\x85b", "a\u2028b", "a\u200bb", "a\u202eb", "\ud800", "\udce9.xml"]
"""What no line can hold: control, format and half characters."""


def read(text: str) -> tuple[str, list[str]]:
    """A line as PowerShell reads it: what stands outside of strings, with an § for each, and the values of these.

    Authority: Microsoft Learn, about_Quoting_Rules: a string in single quotation marks is taken as it is; two of them
    inside it are one. Typographic ones are read as straight ones.
    """
    outside, values, place = "", [], 0
    while place < len(text):
        assert text[place] not in f"{DOUBLE}`#", "would be read in another way than it looks"
        outside += "§" if text[place] in SINGLE else text[place]
        place += 1
        if outside[-1] != "§":
            continue
        value = ""
        while text[place] not in SINGLE or text[place + 1 : place + 2] in tuple(SINGLE):
            place += text[place] in SINGLE
            value += text[place]
            place += 1
        place += 1
        values.append(value)
    return outside, values


def handed_on(value: str) -> list[str]:
    """The arguments that a program gets where Windows PowerShell hands one on to it.

    It puts quotation marks around a value with blanks and leaves those inside alone (about_Parsing); programs split the
    line by the rules of CommandLineToArgvW.
    """
    line = f'"{value}"' if " " in value else value
    arguments, quoted, place = [""], False, 0
    while place < len(line):
        slashes = re.match(r"(\\*)(\"?)", line[place:])
        assert slashes
        number, quote = len(slashes[1]), slashes[2]
        if number or quote:
            arguments[-1] += "\\" * (number // 2 if quote else number)
            arguments[-1] += '"' * (number % 2) if quote else ""
            quoted ^= bool(quote and not number % 2)
            place += number + len(quote)
        elif line[place] == " " and not quoted:
            arguments.append("")
            place += 1
        else:
            arguments[-1] += line[place]
            place += 1
    return arguments


# Values ---------------------------------------------------------------------------------------------------------------


@given(st.text() | st.text(alphabet=SINGLE + DOUBLE + "a$`\\ ;"))
def test_any_text_is_read_back_from_powershell_or_refused(text: str) -> None:
    if text.isprintable():
        assert read(powershell(text)) == ("§", [text])
    else:
        with pytest.raises(ValueError, match="control characters"):
            powershell(text)


@pytest.mark.parametrize(
    "text", ["O'Neil", "it\u2019s", "'\u2018\u2019\u201a\u201b'", "$(calc)", "`n", "a; calc", '"x"', "", "任务", "--%"]
)
def test_value_is_no_code_in_powershell(text: str) -> None:
    assert read(f"Start-Process {powershell(text)} -Wait") == ("Start-Process § -Wait", [text])


@given(st.text(alphabet="ab \\\"'$%^&/:") | st.text())
def test_value_for_a_program_arrives_whole_or_is_refused(text: str) -> None:
    is_fit = text.isprintable() and '"' not in text and not text.endswith("\\") and text != ""
    if is_fit:
        (value,) = read(argument(text))[1]
        assert handed_on(value) == [text]
    else:
        with pytest.raises(ValueError, match=r"control characters|hands it on wrongly"):
            argument(text)


def test_reader_of_arguments_splits_as_windows_does() -> None:
    """The examples of Microsoft Learn, "Parsing C++ command-line arguments"."""
    assert handed_on('a\\\\"b') == ["a\\b"]
    assert handed_on("a\\\\b") == ["a\\\\b"]
    assert handed_on("C:\\my jobs\\") == ['C:\\my jobs"'], "why a backslash at the end is refused"


@given(st.text() | st.text(alphabet="'\"\\\n\t\x7fé\u2028 "))
def test_any_text_is_read_back_from_toml(text: str) -> None:
    assert tomllib.loads(f"x = {toml(text)}") == {"x": text}


# Lines of a case ------------------------------------------------------------------------------------------------------


def the_case(judged: list[Any]) -> Case:
    (case,) = cases(judged)
    return case


def the_line(judged: list[Any]) -> Line:
    (line,) = case_lines(the_case(judged))
    return line


@pytest.mark.parametrize(
    ("judged", "effect", "verb"),
    [
        (failing("a", 1), STARTS, "Start-ScheduledTask"),
        (late("a"), STARTS, "Start-ScheduledTask"),
        (running("a"), ENDS, "Stop-ScheduledTask"),
    ],
)
def test_line_that_starts_or_ends_a_job_says_so(judged: list[Any], effect: str, verb: str) -> None:
    line = the_line(judged)
    assert (line.where, line.effect) == (ADMIN, effect)
    assert read(line.text) == (f"{verb} -TaskPath § -TaskName §", ["\\", "a"])
    summary = html.fromstring(line.html()).find("summary")
    assert summary is not None
    assert summary.text_content() == f"PowerShell to copy: {effect}"


def test_each_task_of_a_group_has_its_line() -> None:
    line = the_line(late("abc"))
    assert [read(each)[1] for each in line.text.splitlines()] == [["\\", "a"], ["\\", "b"], ["\\", "c"]]
    assert line.effect == STARTS


def test_new_password_is_asked_for_and_set_for_each_task() -> None:
    names = ["a b", "O'Neil", "\u2019s", "$x"]
    judged = several(*((f"\\F\\{name}", "TOWN\\o'etl", "x.exe", PASSWORD) for name in names))
    line = the_line(judged)
    outside, values = read(line.text)
    assert line.effect == ""
    assert values == ["TOWN\\o'etl", *sorted((f"\\F\\{name}" for name in names), key=str.casefold), "\\"]
    assert " ".join(outside.split()) == (
        "$who = Get-Credential § §, §, §, § | ForEach-Object { $end = $_.LastIndexOf(§) + 1 "
        "Set-ScheduledTask -TaskPath $_.Substring(0, $end) -TaskName $_.Substring($end) "
        "-User $who.UserName -Password $who.GetNetworkCredential().Password }"
    )


def test_unknown_code_has_a_rule_that_settles_it_for_that_task_alone() -> None:
    line = the_line(several(("\\F\\it's [1] ä", "u", "x.exe", 4711)))
    rules = parse_rules(line.text)
    assert rules.of("S", "\\F\\it's [1] ä").ok_codes == {4711}
    assert rules.of("S", "\\F\\it's 1 ä").ok_codes is None
    assert line.effect == ""


def test_hidden_task_and_one_that_windows_does_not_plan_have_no_line() -> None:
    assert case_lines(the_case(hidden("a"))) == []
    assert case_lines(the_case(without_a_start("a"))) == []


@pytest.mark.parametrize("text", UNFIT)
def test_name_that_fits_in_no_line_has_none(text: str) -> None:
    for code in (1, PASSWORD):
        assert case_lines(the_case(several((f"\\{text}", "u", "x.exe", code)))) == []
    assert case_lines(the_case(several(("\\a", text, "x.exe", PASSWORD)))) == []


# Lines of a task ------------------------------------------------------------------------------------------------------


@pytest.fixture
def shared(tmp_path: Path) -> Callable[[str], Snapshot]:
    def share(path: str) -> Snapshot:
        write(tmp_path / "my share", 0, status(path), definitions={path: xml()})
        return read_snapshot(tmp_path / "my share")

    return share


def test_task_is_restored_with_this_program_or_with_windows_own(shared: Callable[[str], Snapshot]) -> None:
    snapshot = shared("\\F\\O'Neil $x")
    ours, windows = restore_lines(snapshot, "\\F\\O'Neil $x")
    outside, (source, task) = read(ours.text)
    assert outside == "taskanalysis restore § --task § --apply"
    assert (source, task) == (plain_path(snapshot.source), "\\F\\O'Neil $x")
    options = restore.make_context("restore", [source, "--task", task, "--apply"]).params
    assert (options["tasks"], options["carry_out"]) == ((task,), True)
    outside, (task, file) = read(windows.text)
    assert (outside, task) == ("schtasks /create /tn § /xml §", "\\F\\O'Neil $x")
    assert Path(file).read_bytes() == xml()


def test_definitions_of_an_earlier_snapshot_are_named_where_they_lie(sample: Snapshot) -> None:
    path = "\\Backup\\Offsite copy"
    _, windows = restore_lines(sample, path)
    file = Path(read(windows.text)[1][1])
    assert file.is_file()
    assert file.parts[-3:] == ("tasks", "Backup", "Offsite copy.xml")


def test_folder_of_files_is_restored_with_this_program_alone() -> None:
    snapshot = read_snapshot("tests/files/folder")
    (line,) = restore_lines(snapshot, LOAD)
    assert read(line.text)[1][1] == LOAD
    assert restore_lines(snapshot, "\\No such task") == []


@pytest.mark.parametrize("source", ['D:\\a "b"', "D:\\", "D:\\a\nb", "\udce9"])
def test_place_that_no_line_can_name_has_none(source: str, sample: Snapshot) -> None:
    elsewhere = replace(sample, source=Path(source))
    assert restore_lines(elsewhere, "\\Backup\\Offsite copy") == []
    assert restore_all(elsewhere) is None


def test_all_tasks_are_put_back_by_one_line(sample: Snapshot) -> None:
    line = restore_all(sample)
    assert line
    assert read(line.text) == ("taskanalysis restore § --apply", [plain_path(sample.source)])
    assert "without --apply" in line.where


@pytest.mark.parametrize("path", ["\\it's", '\\"x"', "\\a\nb", "\\任务", "\\\u2019", "\\a]b"])
def test_rule_for_any_task_is_read_as_one_for_it(path: str) -> None:
    (line,) = rule_lines(path, 'owner = ""', 'note = ""')
    (found,) = tomllib.loads(line.text)["rule"]
    assert found == {"task": path, "owner": "", "note": ""}
    parse_rules(line.text)


# Secrets, markup, and all lines of the sample -------------------------------------------------------------------------


def test_no_line_holds_a_secret(sample: Snapshot) -> None:
    path = "\\load --password S3cret"
    for code in (1, PASSWORD, 4711):
        assert case_lines(the_case(several((path, "u", "x.exe", code)))) == []
    assert rule_lines(path) == []
    task = sample.tasks["\\Backup\\Offsite copy"]
    held = replace(sample, tasks={path: task}, files={path: "x.xml"})
    assert restore_lines(held, path) == []
    elsewhere = replace(sample, source=Path("load --password S3cret/snapshots/S/2026-11/20261123T110200Z"))
    assert restore_lines(elsewhere, "\\Backup\\Offsite copy") == []
    assert restore_all(elsewhere) is None


def test_line_of_a_hostile_task_is_text() -> None:
    for path in HOSTILE:
        for line in case_lines(the_case(several((path, "u", "x.exe", 1)))):
            page = html.fromstring(line.html())
            assert {element.tag for element in page.iter()} == {"details", "summary", "strong", "pre"}
            assert page.findtext("pre") == line.text
            folder, name = read(line.text)[1]
            assert folder + name == path


def test_every_line_of_the_sample_that_touches_a_job_says_so() -> None:
    found = [line for case in StatusPage.read("data").cases for line in case_lines(case)]
    assert len(found) >= 6
    for line in found:
        outside, _ = read(line.text) if line.where == ADMIN else ("", [])
        said = STARTS if "Start-" in outside else ENDS if "Stop-" in outside else ""
        assert line.effect == said, line
    assert {line.effect for line in found} == {STARTS, ENDS, ""}
