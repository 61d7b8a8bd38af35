"""``rules.toml``: how rules apply, and each way of writing them wrong."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskanalysis.errors import RulesError
from taskanalysis.health.rules import NO_RULES, Rule, parse_rules, read_rules

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


@given(st.lists(st.text("ab*", max_size=4), max_size=4), st.text("ab", max_size=12))
def test_glob_does_what_a_regular_expression_does(parts: list[str], text: str) -> None:
    import re  # noqa: PLC0415

    glob = "*".join(parts)
    expected = re.fullmatch(".*".join(map(re.escape, glob.split("*"))), text) is not None
    assert Rule(task=glob).matches("", text) == expected


def test_characters_of_other_globs_are_plain() -> None:
    assert Rule(task=r"\a[1]?.").matches("", r"\a[1]?.")
    assert not Rule(task=r"\a?").matches("", r"\ab")


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
