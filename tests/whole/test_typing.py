"""A user's file with every public name: it passes the strict checks of mypy, and it runs."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import taskanalysis as ta
from taskanalysis.history import update_store
from tests.build import FILES, ROOT

USER = FILES / "user.py"


def test_file_of_a_user_has_every_public_name_and_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    text = USER.read_text(encoding="utf-8")
    assert [name for name in ta.__all__ if not re.search(rf"\bta\.{name}\b", text)] == []
    update_store(ta.sample_share())
    monkeypatch.chdir(ROOT)
    assert "not well-formed" in runpy.run_path(str(USER))["said"]


@pytest.mark.slow
def test_file_of_a_user_passes_mypy_strictly(tmp_path: Path) -> None:
    copy = tmp_path / "user.py"
    copy.write_bytes(USER.read_bytes())
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "user.py"]
    env = {**os.environ, "MYPYPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=env)
    assert done.stdout == "Success: no issues found in 1 source file\n", done.stdout
    copy.write_text("import taskanalysis as ta\n\nreveal_type(ta.status())\nta.status(at=5)\n", encoding="utf-8")
    wrong = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=env).stdout
    assert "pandas.core.frame.DataFrame" in wrong
    assert 'Argument "at" to "status" has incompatible type "int"' in wrong
