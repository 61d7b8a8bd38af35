"""Print the README's command for this system: `readme_command.py report` or `readme_command.py tests`."""

import re
import sys
from pathlib import Path

ENDS = {"report": "taskanalysis report", "tests": "python -m pytest -n logical --dist loadfile"}


def readme_command(what: str, platform: str = sys.platform) -> str:
    """The one indented line that makes the venv and ends as it should."""
    text = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
    begin = 'cmd /c "python -m venv' if platform == "win32" else "python3 -m venv"
    end = ENDS[what] + ('"' if platform == "win32" else "")
    (line,) = re.findall(rf"^    ({re.escape(begin)}.*{re.escape(end)})$", text, re.MULTILINE)
    return str(line)


if __name__ == "__main__":
    print(readme_command(sys.argv[1]))
