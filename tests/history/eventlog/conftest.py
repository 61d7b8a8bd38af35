"""Log files written and read."""

import os
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from taskanalysis.history.eventlog.runs import EventLog, read_eventlog
from tests.build import FILES, LOGGED


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a log file, of a day later than its events."""

    def to_file(content: str | bytes | Iterable[str], name: str = "log.xml") -> Path:
        file = tmp_path / name
        text = content if isinstance(content, str | bytes) else "\n".join(content)
        file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        os.utime(file, ((LOGGED + timedelta(days=1)).timestamp(),) * 2)
        return file

    return to_file


@pytest.fixture
def read(write: Callable[..., Path]) -> Callable[..., EventLog]:
    """Read a log of these events."""
    return lambda *events: read_eventlog(write(events))


@pytest.fixture(scope="session")
def sample_log() -> EventLog:
    """The log of the test files."""
    return read_eventlog(FILES / "eventlogs" / "runs.xml")
