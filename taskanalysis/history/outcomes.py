"""What the results of runs mean for the programs that gave them, by the definition that was in force."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from taskanalysis.definition import TaskDefinition
from taskanalysis.history.changes import Definitions
from taskanalysis.history.joined import Joined
from taskanalysis.history.runs import Runs
from taskanalysis.history.spans import NONE
from taskanalysis.results import Result, decode_lines

__all__ = ["Decoded", "decode_runs"]

Line = tuple[str, str]
Numbers = npt.NDArray[np.int64]


class Decoded(NamedTuple):
    """For each run the place of its result in `results`, -1 where no code was seen."""

    which: Numbers
    results: list[Result]


_decode_lines = lru_cache(maxsize=65536)(decode_lines)


def decode_runs(runs: Runs, joined: Joined, definitions: Definitions) -> Decoded:
    """The results of runs; each distinct case is decoded once."""
    finished = np.flatnonzero(runs.code != NONE)
    stamps = joined.coverage["definitions"].cat
    in_force = stamps.codes.to_numpy()[runs.finished_by[finished]]
    server, path = np.divmod(runs.task[finished], max(len(joined.paths), 1))
    lines: dict[tuple[Line, ...], int] = {(("", ""),): 0}
    number = np.zeros(len(finished), np.int64)
    for each, name in enumerate(joined.servers):
        mine = server == each
        table = _lines(definitions, name, stamps.categories.tolist(), joined.paths, lines)
        number[mine] = table[in_force[mine], path[mine]]
    of_pair, pairs = pd.factorize(number << 32 | runs.code[finished])
    known = list(lines)
    which = np.full(len(runs.code), -1)
    which[finished] = of_pair
    return Decoded(which, [_decode_lines(pair & 0xFFFFFFFF, known[pair >> 32]) for pair in pairs.tolist()])


def _lines(
    definitions: Definitions, server: str, stamps: list[str], paths: list[str], lines: dict[tuple[Line, ...], int]
) -> Numbers:
    """For each snapshot that stores definitions, and for none, the number in `lines` of what each task starts."""
    place = {path: number for number, path in enumerate(paths)}
    table = np.zeros((len(stamps) + 1, len(paths)), np.int64)
    before: dict[str, str] = {}
    for row, stamp in enumerate(stamps):
        now = definitions.hashes(server, stamp)
        table[row] = table[row - 1]  # also of tasks that another scope leaves out
        for path, _ in now.items() - before.items():
            if path in place:
                found = _lines_of(definitions.read(server, stamp, path))
                table[row, place[path]] = lines.setdefault(found, len(lines))
        before = now
    table[-1] = 0
    return table


def _lines_of(definition: object) -> tuple[Line, ...]:
    """The distinct command lines of a task, one that says nothing where its definition can't be read."""
    programs = definition.programs if isinstance(definition, TaskDefinition) else ()
    lines = [(action.command, action.arguments) for action in programs]
    return tuple(dict.fromkeys(lines)) or (("", ""),)
