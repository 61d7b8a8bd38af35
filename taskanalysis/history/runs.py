r"""Runs of tasks from spans: each start with the first result that was seen for it.

Task and last-run time, to the minute, identify a run (one build of Windows showed seconds equal to minutes). Its result
is the first one seen while the task was not running; another result later under the same last run is a start that
failed or was refused, an event of its own. All rows are processed at once, as arrays of whole numbers. Results are
decoded for the programs of the definition in force.

>>> ran = Observed(times=np.array([0, 900, 1800]) * 10**6, offsets=np.zeros(3, np.int64), task=np.array([7, 7, 7]),
...     first=np.arange(3), last=np.arange(3), state=np.array([4, 3, 3]), enabled=np.ones(3, np.int64),
...     last_run=np.array([0, 0, 0]), last_result=np.array([267009, 1, 2]))
>>> runs, events = find_runs(ran)
>>> runs.code.tolist(), runs.finished_by.tolist(), events.code.tolist()
([1], [1], [2])
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from taskanalysis.definition import TaskDefinition
from taskanalysis.history.changes import Definitions
from taskanalysis.history.joined import Joined
from taskanalysis.history.spans import NONE, Flags, Numbers, Observed, blocks, differs
from taskanalysis.results import Result, decode_lines
from taskanalysis.snapshot import STATES

MINUTE = 60_000_000
GOES_ON = [STATES.index("Queued"), STATES.index("Running")]
NO_RESULT = [267009, 267045]  # is running, is queued


class Runs(NamedTuple):
    """Runs by task and start: `started` in microseconds, `code` `NONE` where none was seen, the rest index `times`.

    `finished_by` is the first snapshot that shows the code, -1 where none does; `goes_on` marks a task's last run where
    it was still running or queued when last seen.
    """

    task: Numbers
    started: Numbers
    code: Numbers
    first_seen: Numbers
    finished_by: Numbers
    last_seen: Numbers
    goes_on: Flags


class Events(NamedTuple):
    """Failed starts: the code that a snapshot shows under a run that already had a result."""

    task: Numbers
    seen: Numbers
    code: Numbers


def find_runs(observed: Observed) -> tuple[Runs, Events]:
    """All runs in the observations, sorted by task and minute of their start, and failed starts."""
    rows = np.flatnonzero(observed.last_run != NONE)
    task, minute = observed.task[rows], _minute_of_run(observed, rows)
    if not is_sorted(task, minute):  # a last run went backwards: registered again, or restored
        order = np.lexsort((rows, minute, task))
        rows, task, minute = rows[order], task[order], minute[order]
    begins, ends = blocks(task, minute)
    number = np.repeat(np.arange(len(begins)), ends - begins + 1)
    state, result = observed.state[rows], observed.last_result[rows]
    going = np.isin(state, GOES_ON) | np.isin(result, NO_RESULT)
    finished = np.flatnonzero(~going & (result != NONE))
    results = finished[differs(number[finished])]  # the first one of each run
    code = np.full(len(begins), NONE)
    finished_by = np.full(len(begins), -1)
    code[number[results]] = result[results]
    finished_by[number[results]] = observed.first[rows[results]]
    last_rows = blocks(observed.task)[1]
    runs = Runs(
        task=task[begins],
        started=observed.last_run[rows[begins]],
        code=code,
        first_seen=observed.first[rows[begins]],
        finished_by=finished_by,
        last_seen=observed.last[rows[ends]],
        goes_on=going[ends] & np.isin(rows[ends], last_rows) & (code == NONE),
    )
    other = ~differs(number[finished]) & differs(result[finished]) & (result[finished] != code[number[finished]])
    later = rows[finished[other]]
    return runs, Events(observed.task[later], observed.first[later], observed.last_result[later])


def _minute_of_run(observed: Observed, rows: Numbers) -> Numbers:
    """The minute that identifies the run of each row: of its last run, or of the one before a clock change."""
    task, last_run = observed.task[rows], observed.last_run[rows]
    minute = last_run // MINUTE
    begins, ends = blocks(task, minute)
    first_of = np.maximum.accumulate(np.where(_same_run(observed, rows, begins), 0, np.arange(len(begins))))
    return np.repeat(minute[begins[first_of]], ends - begins + 1)


def _same_run(observed: Observed, rows: Numbers, begins: Numbers) -> Flags:
    """Whether a last run that differs from the one before is the same run, shown after a clock change.

    They differ by exactly the change of the zone's offset between their snapshots (not seen on Windows yet), and the
    later one does not lie between these snapshots, where it can be a run of its own.
    """
    same = np.zeros(len(begins), bool)
    seen, again = observed.last[rows[begins - 1]], observed.first[rows[begins]]
    turns = np.flatnonzero(observed.offsets[seen] != observed.offsets[again])
    seen, again, row = seen[turns], again[turns], rows[begins[turns]]
    before = rows[begins[turns] - 1]
    offsets = observed.offsets[seen], observed.offsets[again]
    start, shift = observed.last_run[row], offsets[1] - offsets[0]
    shifted = (observed.task[row] == observed.task[before]) & (offsets[0] != NONE) & (offsets[1] != NONE)
    shifted &= np.abs(start - observed.last_run[before]) == np.abs(shift)
    shifted &= (start <= observed.times[seen]) | (start > observed.times[again])
    same[turns] = shifted
    same[:1] = False  # nothing is before it
    return same


def is_sorted(task: Numbers, value: Numbers) -> bool:
    """Whether rows are sorted by task and a value."""
    return not (((task[1:] == task[:-1]) & (value[1:] < value[:-1])) | (task[1:] < task[:-1])).any()


# Outcomes -------------------------------------------------------------------------------------------------------------

Line = tuple[str, str]


class Decoded(NamedTuple):
    """For each run the index of its result in `results`, -1 where no code was seen."""

    which: Numbers
    results: list[Result]


def decode_runs(runs: Runs, joined: Joined, definitions: Definitions) -> Decoded:
    """Decode the results of runs, each distinct case once."""
    finished = np.flatnonzero(runs.code != NONE)
    stamps = joined.coverage["definitions"].cat
    in_force = stamps.codes.to_numpy()[runs.finished_by[finished]]
    server, path = joined.split(runs.task[finished])
    lines: dict[tuple[Line, ...], int] = {(("", ""),): 0}
    number = np.zeros(len(finished), np.int64)
    for place, name in enumerate(joined.servers):
        mine = server == place
        table = _lines(definitions, name, stamps.categories.tolist(), joined.paths, lines)
        number[mine] = table[in_force[mine], path[mine]]
    of_pair, pairs = pd.factorize(number << 32 | runs.code[finished])
    cases = list(lines)
    which = np.full(len(runs.code), -1)
    which[finished] = of_pair
    return Decoded(which, [decode_lines(pair & 0xFFFFFFFF, cases[pair >> 32]) for pair in pairs.tolist()])


def _lines(
    definitions: Definitions, server: str, stamps: list[str], paths: list[str], lines: dict[tuple[Line, ...], int]
) -> Numbers:
    """The command lines of each task, as numbers in `lines`, by snapshot that stores definitions; last, by none."""
    place = {path: number for number, path in enumerate(paths)}
    table = np.zeros((len(stamps) + 1, len(paths)), np.int64)
    current = table[-1].copy()  # tasks outside the scope of a snapshot keep theirs
    before: dict[str, str] = {}
    for row, stamp in enumerate(stamps):
        now = definitions.hashes(server, stamp)
        for path, _ in now.items() - before.items():
            if path in place:
                started = _lines_of(definitions.read(server, stamp, path))
                current[place[path]] = lines.setdefault(started, len(lines))
        table[row] = current
        before = now
    return table


def _lines_of(definition: object) -> tuple[Line, ...]:
    """The command lines of a task, an empty one where it has none or its definition can't be read."""
    programs = definition.programs if isinstance(definition, TaskDefinition) else ()
    return tuple((action.command, action.arguments) for action in programs) or (("", ""),)
