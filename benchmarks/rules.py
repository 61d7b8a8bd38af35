"""Rules of an office on many tasks: `python -m benchmarks.rules [RULES] [TASKS]` prints a Markdown table.

A third of the rules names a task, a third a folder, a third the end of a name; each sets an owner. The goal is 3,000
rules on 5,000 tasks in under a second, read from the file, with the rules that match no task. Beside it stands the
plain way on a tenth of the tasks: each rule tried for each task.
"""

from __future__ import annotations

import hashlib
import re
import sys
import tomllib
from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from benchmarks.runner import Bench, Way, alone
from benchmarks.table import Goal, Row
from taskanalysis.health import read_rules

__all__ = ["by_index", "by_trial", "main", "measured"]

SERVER = "OPENDATA01"


def measured(bench: Bench, rules: int = 0, tasks: int = 0) -> list[Row]:
    """Both ways, with the same owners on the tenth."""
    rules, tasks = rules or bench.size(3_000, 30), tasks or bench.size(5_000, 50)
    file = bench.folder / "rules.toml"
    file.write_text("\n".join(map(_rule, range(rules))), encoding="utf-8")
    values = {"file": str(file), "tasks": tasks}
    ways = [
        Way("ours", f"{__name__}:by_index", values, question="owners"),
        Way("each rule tried for each task", f"{__name__}:by_trial", values, question="owners", number=tasks // 10),
    ]
    found = bench.rows("rules", ways, size=tasks, unit="task", base="ours")
    goals = {"ours": (Goal(1, "s", found["ours"].seconds),)} if "ours" in found else {}
    return [replace(row, goals=goals.get(name, ())) for name, row in found.items()]


def _rule(number: int) -> str:
    task = (f"\\Office\\F{number % 50}\\Task {number}", f"\\Office\\F{number}\\*", f"*\\Task {number}")[number % 3]
    return f"[[rule]]\ntask = '{task}'\nowner = 'Owner {number}'\n"


def paths(tasks: int) -> list[str]:
    """Task paths in 50 folders."""
    return [f"\\Office\\F{number % 50}\\Task {number}" for number in range(tasks)]


def by_index(file: str, tasks: int) -> Callable[[], object]:
    """Ours: the file, the rule of each task, and the rules without effect."""

    def work() -> Callable[[], str]:
        rules = read_rules(Path(file))
        owners = [rules.of(SERVER, path).owner for path in paths(tasks)]
        rules.unused((SERVER, path) for path in paths(tasks))
        return lambda: _digest(owners[: tasks // 10])

    return work


def by_trial(file: str, tasks: int) -> Callable[[], object]:
    """The plain way, on a tenth of the tasks."""

    def work() -> Callable[[], str]:
        rules = tomllib.loads(Path(file).read_text(encoding="utf-8"))["rule"]
        owners: list[str | None] = []
        for path in paths(tasks)[: tasks // 10]:
            fitting = [rule["owner"] for rule in rules if _fits(rule["task"], path)]
            owners.append(fitting[-1] if fitting else None)
        return lambda: _digest(owners)

    return work


def _fits(glob: str, text: str) -> bool:
    return fnmatchcase(text.casefold(), re.sub(r"[\[?]", r"[\g<0>]", glob.casefold()))


def _digest(owners: list[str | None]) -> str:
    return hashlib.sha256("\n".join(map(str, owners)).encode()).hexdigest()[:16]


def main(rules: int = 3_000, tasks: int = 5_000) -> None:
    """Measure in this process."""
    with alone() as bench:
        bench.show(measured(bench, rules, tasks))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
