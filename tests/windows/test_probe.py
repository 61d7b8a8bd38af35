"""What `probe.py` does off Windows: it prints its help and touches nothing."""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from tests.build import ROOT
from tests.doubles.com import Folder, Service
from tests.windows import probe as windows_probe
from tests.windows.probe_machine import PARTS as MORE

PROBE = Path(windows_probe.__file__)


@pytest.mark.skipif(sys.platform == "win32", reason="there it would ask the real service")
@pytest.mark.parametrize("options", [[], ["--with-account"]])
def test_off_windows_it_explains_itself_and_does_nothing(options: list[str], tmp_path: Path) -> None:
    program = (
        "import runpy, socket, subprocess, sys\n"
        "def refuse(*_, **__): raise AssertionError('it did something')\n"
        "subprocess.Popen = socket.socket = refuse\n"
        f"sys.argv = sys.argv[1:]\nrunpy.run_path({str(PROBE)!r}, run_name='__main__')\n"
        "assert not {'win32com', 'taskanalysis', 'taskanalysis.windows.scheduler'} & sys.modules.keys()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(PROBE), *options], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == (windows_probe.__doc__ or "").strip()
    assert list(tmp_path.iterdir()) == []


def test_days_on_which_clocks_change() -> None:
    found = windows_probe.changes(windows_probe.ZoneInfo("America/New_York"), 2026)
    assert [f"{day:%Y-%m-%d}" for day in found] == ["2026-03-08", "2026-11-01"]
    assert windows_probe.changes(windows_probe.ZoneInfo("UTC"), 2026) == []


PARTS = {part.__name__: part for part in (windows_probe.schedules, windows_probe.dates, windows_probe.errors, *MORE)}
PARTS["refused_logon"] = windows_probe.refused_logon
TABLE = re.findall(
    r"`(\w+)`: `?([^|`]+?)`? \|$", (ROOT / "docs" / "windows.md").read_text(encoding="utf-8"), re.MULTILINE
)


@pytest.mark.parametrize("part", PARTS)
def test_each_part_ends_says_what_the_docs_name_and_leaves_no_task(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    ran = Mock(return_value=SimpleNamespace(returncode=0, stdout=b"", stderr=b""))
    monkeypatch.setattr("subprocess.run", ran)
    root = Folder("\\")
    probe = windows_probe.Probe(Service(root), windows_probe.ZoneInfo("America/New_York"))
    lines = list(PARTS[part](probe))
    assert len(lines) > (200 if part == "schedules" else 0)
    assert not any(re.search("NameError|TypeError|AssertionError", line) for line in lines)
    assert {name for name, _ in TABLE} == PARTS.keys()
    named = [line for name, line in TABLE if name == part]

    if part != "schedules":
        assert [name for name in named if not any(line.startswith(name) for line in lines)] == []
    if part == "errors":
        assert any("register" in line and "0x8004131A" in line for line in lines)
    for call in ran.call_args_list:  # what asks, asks nobody
        assert call.kwargs["stdin"] == subprocess.DEVNULL
        assert call.kwargs["timeout"]
        is_long = any(
            len(word) > 14 for word in call.args[0][3:]
        )  # a password, of which `net user` asks whether it may
        assert call.args[0][0] != "net" or is_long == ("/y" in call.args[0])
    (folder,) = root.below
    folder.RegisterTask("left", "")
    probe.clear()
    assert (folder.plain, root.said[-1]) == ([], ("DeleteFolder", "taskanalysis-probe", 0))
