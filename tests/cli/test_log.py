"""``--log FILE``: what a scheduled command printed, whole lines by many processes, rotated, masked, never a failure."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from taskanalysis.cli import main
from taskanalysis.cli.log import log_line, logged
from tests.build import status, write, xml

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d \S+ \d+ [a-z]+: (.*)")


def lines_of(file: Path) -> list[str]:
    """What the lines say; each is whole."""
    found = [LINE.fullmatch(line) for line in file.read_bytes().decode("utf-8").split("\n")[:-1]]
    assert all(found)
    return [match[1] for match in found if match]


def run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, list(words))
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def share(tmp_path: Path) -> Path:
    write(tmp_path / "share", 0, status(last_run=-1), definitions={status().path: xml()})
    return tmp_path / "share"


def test_log_has_what_was_printed_and_the_exit_code(share: Path, tmp_path: Path) -> None:
    log = tmp_path / "new" / "our.log"
    code, out, _ = run("history", "--data", str(share), "--log", str(log))
    assert code == 0
    begin, *said, end = lines_of(log)
    assert begin.startswith("taskanalysis ")
    assert said == out.splitlines()
    assert end == "ended with exit code 0"
    run("history", "--data", str(share), "--log", str(log))
    assert len(lines_of(log)) == 2 * (2 + len(said))


@pytest.mark.parametrize(
    ("words", "code", "last"),
    [
        (["history", "--data", "nowhere"], 2, "ended with exit code 2"),
        (["history", "--data", "nowhere", "--apply"], 2, "ended by an error of usage"),
        (["notify", "--data", "nowhere"], 2, "ended with exit code 2"),
        (["report", "--data", "nowhere", "--reports", "new"], 2, "ended with exit code 2"),
        (["collect", "--data", "nowhere", "--from", "nothing"], 2, "ended with exit code 2"),
    ],
)
def test_errors_are_in_the_log_of_every_command(words: list[str], code: int, last: str, tmp_path: Path) -> None:
    log = tmp_path / "our.log"
    found, _, err = run(*words, "--log", str(log))
    assert found == code
    said = lines_of(log)
    assert said[-1] == last
    assert said[-2] in err


def test_nothing_is_logged_after_the_command(share: Path, tmp_path: Path) -> None:
    log = tmp_path / "our.log"
    run("history", "--data", str(share), "--log", str(log))
    before = log.read_bytes()
    run("history", "--data", str(share))
    log_line("later")
    assert log.read_bytes() == before


def test_line_is_masked_and_stays_one_line(tmp_path: Path) -> None:
    log = tmp_path / "our.log"
    with logged(log, "collect"):
        log_line("load\n--password S3cret \x1b[31m\u2028 Straße")
    (_, said, _) = lines_of(log)
    assert "S3cret" not in said
    assert "Straße" in said


@pytest.mark.parametrize("place", ["file/our.log", "."])
def test_log_that_can_not_be_written_is_one_warning(place: str, share: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, out, err = run("history", "--data", str(share), "--log", str(tmp_path / place))
    assert (code, len(out.splitlines()), len(err.splitlines())) == (0, 1, 1)
    assert err.startswith(f"WARNING the log {tmp_path / place} can't be written (")


def test_log_is_rotated_and_three_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taskanalysis.cli.log.MOST_BYTES", 1000)
    log = tmp_path / "our.log"
    with logged(log, "collect"):
        for number in range(60):
            log_line(f"line {number:03} {'x' * 100}")
    files = sorted(file.name for file in tmp_path.iterdir() if not file.name.startswith("."))
    assert files == ["our.log", "our.log.1", "our.log.2", "our.log.3"]
    assert all((tmp_path / name).stat().st_size <= 1000 for name in files)
    said = [line[:8] for name in reversed(files) for line in lines_of(tmp_path / name) if line.startswith("line")]
    assert said == [f"line {number:03}" for number in range(60 - len(said), 60)]
    assert len(said) > 15


def test_log_grows_where_an_older_one_is_held_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "used by another process")

    monkeypatch.setattr("taskanalysis.cli.log.MOST_BYTES", 500)
    monkeypatch.setattr(Path, "replace", refused)
    with logged(tmp_path / "our.log", "collect"):
        for number in range(20):
            log_line(f"line {number}")
    assert len(lines_of(tmp_path / "our.log")) == 22


@pytest.mark.slow
def test_many_processes_write_whole_lines_and_lose_none(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from taskanalysis.cli import log; log.MOST_BYTES = 12_000\n"
        "with log.logged(Path(sys.argv[1]), 'collect'):\n"
        "    for number in range(40): log.log_line(f'{sys.argv[2]} {number} ' + 'x' * 100)\n"
    )
    log = tmp_path / "our.log"
    words = [sys.executable, "-c", program, str(log)]
    running = [subprocess.Popen([*words, name], stderr=subprocess.PIPE, text=True) for name in "abcd"]
    for process in running:
        assert process.communicate(timeout=60) == (None, "")
    files = sorted(tmp_path.glob("our.log*"), reverse=True)
    said = [line.split() for file in files for line in lines_of(file) if "xxx" in line]
    assert len(files) == 3
    for name in "abcd":
        assert [int(number) for who, number, _ in said if who == name] == list(range(40))
