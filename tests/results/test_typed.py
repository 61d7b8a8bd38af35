"""Result codes as people type them, and the command that explains them."""

import pytest
from click.testing import CliRunner

from taskanalysis.cli import main
from taskanalysis.results.typed import code_of, other_reading


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("800710E0", 0x800710E0),
        ("8004131f", 0x8004131F),
        ("C000013A", 0xC000013A),
        ("41301h", 0x41301),
        ("ERROR_ACCESS_DENIED", 0x80070005),
        ("error_access_denied", 0x80070005),
        ("SCHED_S_TASK_RUNNING", 267009),
        ("STATUS_CONTROL_C_EXIT", 0xC000013A),
        ("E_FAIL", 0x80004005),
        ("E_ACCESSDENIED", 0x80070005),
        ("CO_E_CLASSSTRING", 0x800401F3),
        ("ERROR_GRACEFUL_DISCONNECT", 0x800704CA),
        ("STATUS_FATAL_APP_EXIT", 0x40000015),
        ("267009", "267009"),
        ("-1", "-1"),
        ("0x1", "0x1"),
        ("abc", "abc"),
        ("NO_SUCH_NAME", "NO_SUCH_NAME"),
    ],
)
def test_code_is_found_by_name_and_without_its_mark(text: str, code: int | str) -> None:
    assert code_of(text) == code


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("41301", "SCHED_S_TASK_RUNNING"),
        ("80070002", "ERROR_FILE_NOT_FOUND"),
        ("267009", None),
        ("1", None),
        ("0x41301", None),
    ],
)
def test_decimal_digits_that_mean_more_in_hexadecimal_are_asked_about(text: str, name: str | None) -> None:
    other = other_reading(text)
    assert (other.name if other else None) == name


def run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, ["decode", *words])
    return done.exit_code, done.stdout, done.stderr


def test_command_takes_what_people_have_in_hand() -> None:
    assert run("-1")[:2] == run("--", "-1")[:2]
    assert run("-1")[1].startswith("4294967295 (0xFFFFFFFF")
    assert run("-2147024894", "--command", "x.exe")[1].startswith("2147942402 (0x80070002 ")
    assert run("800710E0")[1].startswith("2147946720 (0x800710E0 ")
    assert run("ERROR_ACCESS_DENIED")[1].startswith("2147942405 (0x80070005 ")
    code, out, err = run("41301")
    assert (code, out[:5]) == (0, "41301")
    assert err.startswith("Hexadecimal? taskanalysis decode 0x41301: The task is running")
    assert run("267009")[2] == ""


@pytest.mark.parametrize("words", [("nonsense",), ("NO_SUCH_NAME",), ("--bogus", "1"), ("--bogus",)])
def test_what_is_no_code_is_refused(words: tuple[str, ...]) -> None:
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert err
