"""A file as another program leaves it."""

import os
from datetime import datetime
from pathlib import Path

import pytest

from tests.snapshot.printed import NOON, Write


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(content: str | bytes, encoding: str = "utf-8", at: datetime = NOON, name: str = "statuses.dat") -> Path:
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        os.utime(file, (at.timestamp(), at.timestamp()))
        return file

    return to_file
