r"""The ``\\?\`` of long paths reaches no reader.

On Windows the package puts it before the paths that it opens. Elsewhere the share lies in a folder of that name.
"""

import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from taskanalysis.cli import main
from tests.build import LOAD, report, status, write, xml

PREFIX = "\\\\?\\"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path if os.name == "nt" else tmp_path / f"{PREFIX}C:"


@pytest.fixture
def share(place: Path) -> Path:
    """A share in which something is wrong with every kind of file."""
    share = place / "tasks"
    folders = [write(share, hour, status(), definitions={LOAD: xml()} if hour in (0, 4) else None) for hour in range(5)]
    in_the_way(folders[1] / "snapshot.json")
    in_the_way(folders[2] / "status.csv")
    (folders[3] / "status.csv").write_bytes(b"\0")
    (share / "eventlogs" / "SRV").mkdir(parents=True)
    (share / "eventlogs" / "SRV" / "log.xml").write_bytes(b"<x")
    CliRunner().invoke(main, ["history", "--data", str(share)])
    for file in share.glob("history/server=*/*/*.parquet"):
        file.write_bytes(b"PAR1")
    in_the_way(share / "history" / "pruned.json")
    (share / "rules.toml").write_text("x = [", encoding="utf-8")
    return share


def in_the_way(file: Path) -> None:
    """A folder in the place of a file, which no account can read."""
    file.unlink(missing_ok=True)
    file.mkdir()


COMMANDS = (
    ("history", "--data", "{share}", "--verify"),
    ("history", "--data", "{share}", "--prune", "1d"),
    ("history", "--data", "{share}", "--rebuild"),
    ("history", "--data", "{share}/nowhere"),
    ("check", "--data", "{share}"),
    ("check", "--data", "{share}", "--format", "json"),
    ("check", "--data", "{share}", "--output", "{share}/rules.toml/file"),
    ("check", "--data", "{first}"),
    ("restore", "{share}"),
    ("restore", "{share}/nowhere"),
    ("restore", "{first}", "--script", "{share}/eventlogs"),
    ("restore", "{second}"),
    ("collect", "--data", "{share}", "--from", "{first}", "--server", "OTHER"),
    ("collect", "--data", "{share}", "--from", "{share}/nowhere"),
    ("collect", "--data", "{share}/nowhere", "--from", "{first}"),
    ("diff", "{first}", "{second}"),
    ("diff", "{first}", "{share}/nowhere"),
    ("notify", "--data", "{share}/nowhere", "--to", "json://localhost:1"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_says_it(command: tuple[str, ...], share: Path) -> None:
    first, second, *_ = sorted(share.glob("snapshots/*/*/*"))
    done = CliRunner().invoke(main, [word.format(share=share, first=first, second=second) for word in command])
    said = done.output + done.stderr
    assert said.strip()
    assert PREFIX not in said


@pytest.mark.slow
def test_no_report_says_it(place: Path, share: Path) -> None:
    shutil.rmtree(share / "history")
    done = report(place / "reports", "--data", str(share), "-v", "--log", str(place / "our.log"))
    assert PREFIX not in done.stdout + done.stderr
    files = [file for file in (place / "reports").rglob("*") if file.suffix in (".html", ".csv", ".json", ".txt")]
    assert len(files) > 20
    told = {file.name for file in (*files, place / "our.log") if PREFIX in file.read_text(encoding="utf-8-sig")}
    assert told == set()
