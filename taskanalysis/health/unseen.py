r"""What could not be read, and what the collector lost: the same sentences on every page, in `check` and in messages.

What the collector lost is found by comparison with the snapshot before, and goes on being said while tasks are hidden.

>>> from datetime import UTC, datetime; from taskanalysis.errors import Problem
>>> snapshot = Snapshot("S", datetime(2026, 11, 23, tzinfo=UTC), problems=[Problem("status.csv", "is not there")])
>>> [doubt.sentence for doubt in find_unseen(snapshot)]
['1 problem in the data that were read: status.csv is not there.']
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import pandas as pd

from taskanalysis.health.past import hidden_tasks
from taskanalysis.history import History, of_server
from taskanalysis.snapshot import Snapshot, in_scope, lost_between, lost_sight
from taskanalysis.text import clip, count, one_line

MOST_FAULTS = 3
LONGEST_FAULT = 200


class Doubt(NamedTuple):
    """Something that could not be judged, read or seen: what it is about, the same each time, and the sentence.

    `is_momentary`: found by comparison with the snapshot before, so that its absence from the next proves nothing.
    """

    about: str
    sentence: str
    is_momentary: bool = False


def find_unseen(snapshot: Snapshot, folder: str = "", history: History | None = None) -> list[Doubt]:
    r"""What the collector lost in `folder` and below ("": all outside ``\Microsoft``), and what could not be read.

    `history` is that of the server up to the snapshot, None where there is none.
    """
    lasting = _lost_with(history, snapshot, folder) if history else []
    lost = list(dict.fromkeys([*lost_sight(snapshot, folder), *lasting]))
    doubts = [Doubt(sentence, sentence, is_momentary=sentence not in lasting) for sentence in lost]
    if faults := snapshot.faults:
        # masked before it is cut: half a secret would not be known as one
        named = [
            clip(f"{clip(one_line(fault.file), LONGEST_FAULT // 2)} {one_line(fault.what)}", LONGEST_FAULT)
            for fault in faults[:MOST_FAULTS]
        ]
        named += [f"and {len(faults) - MOST_FAULTS} more"] if len(faults) > MOST_FAULTS else []
        what = f"{count(len(faults), 'problem')} in the data that were read: {'; '.join(named)}."
        doubts.append(Doubt("faults", what))
    return doubts


def _lost_with(history: History, snapshot: Snapshot, folder: str) -> list[str]:
    """What the collector lost since the last snapshots that show the tasks that are hidden now, as sentences."""
    hidden = defaultdict(list)
    for status, seen in hidden_tasks(history, snapshot):
        if in_scope(status.path, [folder] if folder else []):
            hidden[seen].append(status.path)
    if not hidden:
        return []
    coverage = of_server(history.coverage, snapshot.server).set_index("taken_at")
    lost = []
    for seen, paths in sorted(hidden.items(), reverse=True):
        row = coverage.loc[seen]
        was_elevated = pd.notna(row["elevated"]) and bool(row["elevated"])
        before = {"tasks": row["tasks"], "collected_by": row["account"], "elevated": was_elevated}
        lost += lost_between(before, snapshot.manifest, hidden=paths)
    return lost
