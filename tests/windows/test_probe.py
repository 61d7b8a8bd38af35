"""What `probe.py` does off Windows: it prints its help and touches nothing."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from tests.doubles.com import Folder, Service
from tests.windows import probe as windows_probe

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


@pytest.mark.parametrize("part", ["schedules", "dates", "errors", "refused_logon"])
def test_each_part_ends_and_leaves_no_task(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    ran = Mock(return_value=SimpleNamespace(returncode=0))
    monkeypatch.setattr("subprocess.run", ran)
    root = Folder("\\")
    probe = windows_probe.Probe(Service(root), windows_probe.ZoneInfo("America/New_York"))
    lines = list(getattr(windows_probe, part)(probe))
    assert len(lines) > (200 if part == "schedules" else 8)
    assert not any("NameError" in line or "TypeError" in line for line in lines)
    if part == "errors":
        assert any("register" in line and "0x8004131A" in line for line in lines)
    for call in ran.call_args_list:  # what asks, asks nobody
        assert call.kwargs["stdin"] == subprocess.DEVNULL
        assert call.kwargs["timeout"] <= 60
        assert ("/add" in call.args[0]) == ("/y" in call.args[0])
    (folder,) = root.below
    folder.RegisterTask("left", "")
    probe.clear()
    assert (folder.plain, root.said[-1]) == ([], ("DeleteFolder", "taskanalysis-probe", 0))
