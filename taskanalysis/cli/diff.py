r"""``taskanalysis diff``: what differs between two snapshots, folders or exports, as text, JSON or Markdown.

Authority: CommonMark 0.31 with the tables of GitHub. All text is masked, because all of it is shown.

>>> cell("a|b <i>*c*")
'a\\|b \\<i\\>\\*c\\*'
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from taskanalysis.cli.main import ATTENTION, NOT_FINISHED, deliver
from taskanalysis.history import Diff, diff
from taskanalysis.text import mask, one_line


def run(
    a: str, b: str, *, server: str, folder: str, zone: str, dates: str | None, form: str, output: Path | None
) -> int:
    """Print the comparison as "text", "json" or "markdown", or write it to `output`; the exit code."""
    found = diff(a, b, server=server, folder=folder, zone=zone, dates=dates or "")
    deliver({"text": text, "json": as_json, "markdown": markdown}[form](found), output, is_for_programs=form != "text")
    return exit_code(found)


def exit_code(found: Diff) -> int:
    """3 where something is not known or could not be read, 1 where something differs, else 0."""
    return NOT_FINISHED if found.unknown or found.problems else ATTENTION if found.differs else 0


def text(found: Diff) -> str:
    """A line on both sides, a line for each change, and what is not known."""
    return f"{found}\n"


def as_json(found: Diff) -> str:
    """One object: both sides, the changes, and what is not known."""
    content = {
        "from": _side(found, "a"),
        "to": _side(found, "b"),
        "exit_code": exit_code(found),
        "tasks": len(found.compared),
        "changes": [{name: mask(value) for name, value in change._asdict().items()} for change in found.changes],
        "not_known": [{name: mask(value) for name, value in each._asdict().items()} for each in found.unknown],
        "remarks": [mask(remark) for remark in found.remarks],
        "problems": [{"file": mask(file), "what": mask(what)} for file, what in found.problems],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _side(found: Diff, which: str) -> dict[str, Any]:
    snapshot = getattr(found, which).snapshot
    return {
        "source": mask(str(snapshot.source)),
        "server": mask(snapshot.server),
        "taken_at": snapshot.local_time.isoformat(timespec="seconds"),
    }


def markdown(found: Diff) -> str:
    """A heading and tables, for an issue or a wiki; text of a task is never markup."""
    parts = [f"### {cell(found.headline)}", f"From {cell(found.a.name)} to {cell(found.b.name)}."]
    if found.changes:
        parts.append(_table(("change", "task", "what"), found.told))
    if found.unknown:
        parts.append(_table(("not known", "why"), found.unknown))
    parts += map(cell, found.remarks)
    if found.problems:
        parts.append(_table(("could not be read", "why"), found.problems))
    return "\n\n".join(parts) + "\n"


def _table(header: tuple[str, ...], rows: Any) -> str:
    lines = [header, ["---"] * len(header), *([cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


# all that begins markup, and what turns text into links, mentions, numbers of issues and emoji
_MARKUP = re.compile(r"[\\`*_{}\[\]<>()#+!|~&@$^=]|:(?=/)|(?<![\w)]):|(?<=www)\.", re.IGNORECASE)


def cell(value: str) -> str:
    """Text for a line or a cell of a table, masked, with all that Markdown would read as markup escaped."""
    return _MARKUP.sub(r"\\\g<0>", one_line(value))
