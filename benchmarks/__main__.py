"""Everything that is measured, ours beside its peers in the same run: `python -m benchmarks` prints one table.

Inputs are made in a temporary folder, and the peers installed into an environment of their own. Each measurement runs
in a process of its own, on one core unless the table says two; the ways of a topic take turns, and medians count.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.machine import machine, said
from benchmarks.peers import peers_python
from benchmarks.runner import Bench
from benchmarks.table import Row, as_json, markdown

TOPICS = {
    "definitions": "taskxml:measured",
    "memory": "taskxml:memory",
    "statuses": "statuses:measured",
    "history": "history:measured",
    "schedule": "schedule:measured",
    "decoding": "decoding:measured",
    "eventlog": "logs:measured",
    "reports": "reports:measured",
    "collect": "collect:measured",
    "fleet": "fleet:measured",
    "rows": "rows:measured",
    "rules": "rules:measured",
}


def main(arguments: list[str] | None = None) -> int:
    """Measure what is asked for, print, and write; 1 where something failed or ways do not agree."""
    asked = _parser().parse_args(arguments)
    known, problems, peers = machine(), list[str](), None
    if not asked.no_peers:
        try:
            peers = peers_python()
        except SystemExit as error:
            problems.append(str(error))
    rows: list[Row] = []
    for topic in asked.only or TOPICS:
        print(topic, file=sys.stderr, flush=True)
        with TemporaryDirectory(prefix="benchmarks-", ignore_cleanup_errors=True) as folder:
            turns = asked.turns or (1 if asked.tiny else 5)
            bench = Bench(Path(folder), turns, is_tiny=asked.tiny, peers=peers, problems=problems)
            rows += [_unjudged(row) for row in _rows(topic, bench)] if asked.tiny else _rows(topic, bench)
    print(f"{markdown(rows)}\n\n{said(known)}")
    if asked.json:
        told = {"rows": as_json(rows), "machine": known, "tiny": asked.tiny, "problems": problems}
        asked.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    for problem in problems:
        print(f"PROBLEM {problem}", file=sys.stderr)
    return int(bool(problems))


def _rows(topic: str, bench: Bench) -> list[Row]:
    """The rows of a topic; what fails as a whole is a problem, and the other topics are measured."""
    module, _, function = TOPICS[topic].partition(":")
    try:
        rows: list[Row] = getattr(import_module(f"benchmarks.{module}"), function)(bench)
    except Exception as error:
        bench.problems.append(f"{topic} failed: {type(error).__name__}: {error}")
        return []
    return rows


def _unjudged(row: Row) -> Row:
    """Goals are meant for the full size."""
    return replace(row, goals=tuple(replace(goal, figure=None) for goal in row.goals))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=TOPICS, help="this topic alone; may be given several times")
    parser.add_argument("--turns", type=int, help="how often each way is measured: 5, or 1 where it is tiny")
    parser.add_argument("--tiny", action="store_true", help="so small that it shows only that all of it still works")
    parser.add_argument("--no-peers", action="store_true", help="install no peers and leave them out")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write rows and machine there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
