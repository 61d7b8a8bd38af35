"""``rules.toml``: how rules apply, and each way of writing them wrong."""

import re
from datetime import date
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskanalysis.errors import RulesError
from taskanalysis.health.findings import KINDS
from taskanalysis.health.rules import NO_RULES, Rule, Rules, parse_rules, read_rules
from tests.build import ROOT

TEXT = r"""
# all of the office
[[rule]]
task = '\OpenData\*'
owner = "Open Data"
grace_minutes = 15
ok_codes = [1, "0x41306", -1]

[[rule]]
task = '\OpenData\GIS\*'
server = "opendata01"
owner = "GIS"  # wins
max_minutes = 90.5

[[rule]]
task = '*\Monthly*'
note = "From December on."
ignore_until = 2026-12-01
"""


def test_later_rules_win_key_by_key() -> None:
    rule = parse_rules(TEXT).of("OPENDATA01", r"\OpenData\GIS\Parcels")
    assert (rule.owner, rule.grace_minutes, rule.max_minutes, rule.note) == ("GIS", 15, 90.5, None)
    assert rule.ok_codes == {1, 0x41306, 0xFFFFFFFF}


def test_rule_of_another_server_does_not_apply() -> None:
    assert parse_rules(TEXT).of("OTHER", r"\OpenData\GIS\Parcels").owner == "Open Data"


def test_line_of_the_deciding_key_is_known() -> None:
    rule = parse_rules(TEXT).of("OPENDATA01", r"\OpenData\GIS\Parcels")
    assert (rule.name("owner"), rule.name("grace_minutes")) == ("rules.toml, line 12", "rules.toml, line 6")


def test_star_is_any_text_and_case_does_not_matter() -> None:
    rules = parse_rules(TEXT)
    assert rules.of("S", r"\Backup\MONTHLY archive").note == "From December on."
    assert rules.of("S", r"\opendata\load").owner == "Open Data"
    assert rules.of("S", r"\OpenData2\load").owner is None
    assert rules.of("S", r"\OpenData").owner is None


def plain(rules: list[Rule], server: str, path: str) -> Rule:
    """All matching rules in one, each tried for itself: what `Rules.of` gives."""

    def fits(glob: str, text: str) -> bool:
        return (
            re.fullmatch(".*".join(map(re.escape, glob.casefold().split("*"))), text.casefold(), re.DOTALL) is not None
        )

    found = Rule()
    for rule in rules:
        if fits(rule.server or "*", server) and fits(rule.task, path):
            owner, note = rule.owner or found.owner, rule.note or found.note
            found = Rule(owner=owner, note=note, lines={**found.lines, **rule.lines})
    return found


TEXTS = st.text("aA", max_size=4) | st.text("aB[?\\\n", max_size=8)
GLOBS = st.text("aA*", max_size=4) | st.text("aAb*[]?\\\n", max_size=6)
SETTINGS = st.dictionaries(st.sampled_from(["owner", "note"]), st.text("xyz", min_size=1, max_size=2))


RULES = st.lists(st.tuples(GLOBS, st.sampled_from(["", "S", "s*", "t"]), SETTINGS), max_size=5)


@given(RULES, st.lists(TEXTS, max_size=5))
def test_rules_win_as_if_each_was_tried_for_each_task(
    made: list[tuple[str, str, dict[str, str]]], paths: list[str]
) -> None:
    each = [
        Rule(task=task, server=server, lines=dict.fromkeys(values, number), **values)  # type: ignore[arg-type]
        for number, (task, server, values) in enumerate(made)
    ]
    rules = Rules(tuple(each))
    for path in [*paths, *paths]:
        assert rules.of("S", path) == plain(each, "S", path)
    unused = [id(rule) for rule in rules.unused(("S", path) for path in paths)]
    assert unused == [id(rule) for rule in each if not any(of_one(rule, path) for path in paths)]


@pytest.mark.parametrize("globs", list(permutations([r"\a\b", r"\a\*", r"\A\*", "*b", r"*a\*"])))
def test_last_rule_wins_whatever_its_stars(globs: tuple[str, ...]) -> None:
    rules = Rules(tuple(Rule(task=glob, owner=glob) for glob in globs))
    assert rules.of("S", r"\A\B").owner == globs[-1]


def of_one(rule: Rule, path: str) -> bool:
    return plain([Rule(task=rule.task, server=rule.server, owner="x")], "S", path).owner == "x"


def test_characters_of_other_globs_are_plain() -> None:
    assert Rules((Rule(task=r"\a[1]?.", owner="x"),)).of("", r"\a[1]?.").owner == "x"
    assert Rules((Rule(task=r"\a?*", owner="x"),)).of("", r"\ab").owner is None


def test_findings_run_book_and_logs_are_read() -> None:
    text = r"""
[[rule]]
task = '*'
accept = ["stored password", "no description"]
link = '\\files\docs\Load.docx'
log = 'D:\logs\load*.log'

[[rule]]
task = '*\Load'
accept = ["drive letter"]
log = ['\\files\logs\*\load.txt', '%ProgramData%\load\*.log']
"""
    rules = parse_rules(text)
    other, load = rules.of("S", r"\Other"), rules.of("S", r"\Load")
    assert (other.accepts("stored password"), load.accepts("stored password"), load.accepts("drive letter")) == (
        True,
        False,
        True,
    )
    assert load.with_link("") == r"(Run book: \\files\docs\Load.docx)"
    assert (other.log, load.log) == (
        (r"D:\logs\load*.log",),
        (r"\\files\logs\*\load.txt", r"%ProgramData%\load\*.log"),
    )
    assert (Rule().accepts("drive letter"), Rule().with_link("Look.")) == (False, "Look.")


CODES = r"""
[[code]]
program = 'Load.EXE'
code = 3
meaning = "There was nothing to load."
outcome = "succeeded"

[[rule]]
task = '*\Strict'
ok_codes = [4]

[[code]]
program = 'sync.py'
code = "0xFFFFFFFF"
meaning = "The portal did not answer."
outcome = "failed"

[[code]]
program = 'load.exe'
code = 4
meaning = "Stopped by hand."
outcome = "stopped"
"""


@pytest.mark.parametrize(
    ("path", "lines", "said"),
    [
        ("\\A", [("D:\\x\\LOAD.exe", "")], {3: ("succeeded", 2), 4: ("stopped", 18)}),
        ("\\Strict", [("load", "")], {3: ("succeeded", 2), 4: ("succeeded", 10)}),
        ("\\A", [("cmd.exe", "/c D:\\x\\load.exe --all")], {3: ("succeeded", 2), 4: ("stopped", 18)}),
        ("\\A", [("python.exe", '"D:\\my jobs\\sync.py" 3')], {0xFFFFFFFF: ("failed", 12)}),
        ("\\A", [("python.exe", "D:\\jobs\\resync.py")], {}),
        ("\\A", [("load.exe", ""), ("load.exe", "x")], {3: ("succeeded", 2), 4: ("stopped", 18)}),
        ("\\A", [("load.exe", ""), ("robocopy.exe", "")], {}),
        ("\\A", [], {}),
        ("\\Strict", [], {4: ("succeeded", 10)}),
    ],
)
def test_codes_are_those_of_the_program_and_a_rule_for_the_task_wins(
    path: str, lines: list[tuple[str, str]], said: dict[int, tuple[str, int]]
) -> None:
    found = parse_rules(CODES).of("S", path).meanings(lines)
    assert {code: (each.outcome.value, each.basis) for code, each in found.items()} == {
        code: (outcome, f"rules.toml, line {line}") for code, (outcome, line) in said.items()
    }


def test_every_finding_that_can_be_accepted_is_documented() -> None:
    named = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8").split("## Findings")[1].split("##")[0]
    assert {name for name in KINDS if f"`{name}`" not in " ".join(named.split())} == set()


def test_mute_ends_on_its_day() -> None:
    rule = parse_rules(TEXT).of("S", r"\Monthly archive")
    assert rule.ignores(date(2026, 11, 30))
    assert not rule.ignores(date(2026, 12, 1))
    assert Rule(ignore=True).ignores(date(2099, 1, 1))
    assert not Rule().ignores(date(2026, 1, 1))
    assert not Rule(ignore=False, ignore_until=date(2099, 1, 1)).ignores(date(2026, 1, 1))


def test_rule_that_matches_no_task_is_named() -> None:
    unused = parse_rules(TEXT).unused([("OPENDATA01", r"\OpenData\GIS\Parcels")])
    assert [rule.task for rule in unused] == [r"*\Monthly*"]


BAD = {
    "owner = 'x'": "line 1: 'owner' is not known here; each rule begins with [[rule]]",
    "[rule]\ntask = '*'": "line 1: 'rule' is not known here",
    "rule = [1]": "line 1: 'rule' is not known here",
    "rule = [{task = '*'}]": "line 1: 'rule' is not known here",
    "[[rule]]\nowner = 'x'": "line 1: a rule needs a 'task'",
    "[[rule]]\ntask = 'OpenData'": "line 2: 'task' is not a task path",
    "[[rule]]\ntask = 1": "line 2: 'task' is not a task path",
    "[[rule]]\ntask = '*'\n\nok_code = [1]": "line 4: 'ok_code' is not known; known are task, server, ok_codes",
    "[[rule]]\ntask = '*'\nok_codes = 1": "line 3: 'ok_codes' is not a list of codes",
    "[[rule]]\ntask = '*'\nok_codes = [true]": "line 3: 'ok_codes' is not a result code: True",
    "[[rule]]\ntask = '*'\nok_codes = [4294967296]": "line 3: 'ok_codes' is not a result code of 32 bits",
    "[[rule]]\ntask = '*'\ngrace_minutes = -1": "line 3: 'grace_minutes' is not a number of minutes",
    "[[rule]]\ntask = '*'\nmax_minutes = nan": "line 3: 'max_minutes' is not a number of minutes",
    "[[rule]]\ntask = '*'\nmax_minutes = true": "line 3: 'max_minutes' is not a number of minutes",
    "[[rule]]\ntask = '*'\nignore = 'yes'": "line 3: 'ignore' is not true or false",
    "[[rule]]\ntask = '*'\nignore_until = '2026-12-31'": "line 3: 'ignore_until' is not a date without quotes",
    "[[rule]]\ntask = '*'\nignore_until = 2026-12-31T10:00:00": "line 3: 'ignore_until' is not a date",
    "[[rule]]\ntask = '*'\nignore_until = 2026-02-30": "rules.toml, line 3: 'ignore_until': ",
    "[[rule]]\ntask = '*'\ntask = '*'": "rules.toml, line 3: 'task': Cannot overwrite a value",
    "[[rule]]\nowner = GIS": "rules.toml, line 2: 'owner': Invalid value",
    "[[rule]]\ntask = '*'\nnote = \"never closed": "rules.toml, line 3: 'note': ",
    "a = " + "[" * 100_000: "rules.toml",
    "[[rule]]\ntask = '*'\nowner = 5": "line 3: 'owner' is not text in quotes",
    '[[rule]]\ntask = "\\OpenData"': "line 2",
    "[[rule]]\ntask = '*'\n[[rule]]\ntask = '*'\nowner = 5": "line 5: 'owner'",
    "[[rule]": "rules.toml, line 1: Expected",
    "[[rule]]\ntask = '*'\naccept = 'no description'": "line 3: 'accept' is not a list of findings, such as",
    "[[rule]]\ntask = '*'\naccept = ['no descripton']": "'accept' is not a list of findings: 'no descripton' is none",
    "[[rule]]\ntask = '*'\naccept = [['x']]": "line 3: 'accept' is not a list of findings: ['x'] is none",
    "[[rule]]\ntask = '*'\nlink = 'http://wiki'": "line 3: 'link' is not a link: https://",
    "[[rule]]\ntask = '*'\nlink = 'javascript:alert(1)'": "line 3: 'link' is not a link",
    "[[rule]]\ntask = '*'\nlink = 'file:///D:/x'": "line 3: 'link' is not a link",
    "[[rule]]\ntask = '*'\nlink = 'https:// x'": "line 3: 'link' is not a link",
    "[[rule]]\ntask = '*'\nlink = 'docs/load.md'": "line 3: 'link' is not a link",
    "[[rule]]\ntask = '*'\nlink = 'D:load.md'": "line 3: 'link' is not a link",
    "[[rule]]\ntask = '*'\nlink = 5": "line 3: 'link' is not text in quotes",
    "[[rule]]\ntask = '*'\nlog = 'load.log'": "line 3: 'log' is not a path of log files such as 'D:",
    "[[rule]]\ntask = '*'\nlog = []": "line 3: 'log' is not a path",
    "[[rule]]\ntask = '*'\nlog = ['D:/a.log', 5]": "line 3: 'log' is not a path",
    "[[rule]]\ntask = '*'\n[[code]]\ncode = 1": "line 3: a code needs the key 'program'",
    "[[code]]\nprogram = 'x.exe'\ncode = 1\nmeaning = 'x'": "line 1: a code needs the key 'outcome'",
    "[[code]]\nprogram = 'x.exe'\ncodes = 1": "line 3: 'codes' is not known; known are program, code, meaning, outcome",
    "[[code]]\nprogram = 'x.exe'\ncode = 1.5": "line 3: 'code' is not a result code: 1.5",
    "[[code]]\nprogram = 'x.exe'\ncode = nan": "line 3: 'code' is not a result code",
    "[[code]]\nprogram = ''": "line 2: 'program' is not the file name of a program",
    "[[code]]\nprogram = '*.exe'": "line 2: 'program' is not the file name of a program",
    "[[code]]\nmeaning = ' '": "line 2: 'meaning' is empty",
    "[[code]]\noutcome = 'good'": "line 2: 'outcome' is none of succeeded, failed, stopped, not started, unknown",
    "[[code]]\noutcome = 'running'": "line 2: 'outcome' is none of",
    "[code]\nprogram = 'x'": "line 1: 'code' is not known here",
}


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_mistake_is_named_with_file_line_and_key(text: str) -> None:
    with pytest.raises(RulesError) as refused:
        parse_rules(text)
    assert str(refused.value).startswith("rules.toml")
    assert BAD[text] in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300


def test_no_file_is_no_rule(tmp_path: Path) -> None:
    assert read_rules(tmp_path / "rules.toml") is NO_RULES
    assert NO_RULES.of("S", r"\x") == Rule()


def test_file_of_a_windows_editor_is_read(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    assert len(read_rules(file).rules) == 3
    file.write_bytes("[[rule]]\ntask = '*'\nowner = 'Größe'".encode("cp1252"))
    with pytest.raises(RulesError, match=r"rules\.toml is not UTF-8 \(byte"):
        read_rules(file)


def test_server_of_a_rule_may_be_a_glob() -> None:
    rules = parse_rules("[[rule]]\ntask = '*'\nserver = 'OPENDATA*'\nowner = 'GIS'")
    assert rules.of("opendata01", r"\Load").owner == "GIS"
    assert rules.of("PORTAL01", r"\Load").owner is None
