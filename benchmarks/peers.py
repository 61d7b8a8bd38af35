"""The Python that has the peers: made and filled by the command itself, beside this file.

Both environments come from one Python. What both could have (lxml, pandas, ElementTree, minidom, evtx) is measured in
ours alone, so that no peer runs with another version of it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

__all__ = ["peers_python", "pinned"]

HERE = Path(__file__).parent
FOLDER, WANTED = HERE / ".peers", HERE / "peers.txt"


def pinned() -> dict[str, str]:
    """The peers and their versions."""
    lines = WANTED.read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line and ";" not in line)


def peers_python(folder: Path = FOLDER) -> Path:
    """The interpreter of the peers' environment, which is installed where it is not up to date.

    SystemExit says in a sentence what kept it from that.
    """
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    stamp, wanted = folder / "installed.txt", f"{sys.version}\n{WANTED.read_text(encoding='utf-8')}"
    if not (stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted):
        print(f"installing the peers into {folder}", file=sys.stderr)
        _run(sys.executable, "-m", "venv", "--clear", str(folder))
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        _run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(WANTED))
        stamp.write_text(wanted, encoding="utf-8")
    return python


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, encoding="utf-8", errors="replace")  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        raise SystemExit(f"the peers could not be installed: {said[-1] if said else error}") from None
