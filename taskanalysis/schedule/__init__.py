"""When should a task start?

Starts are computed from a definition between two moments in the server's zone: `expected_runs`, `slots`, `next_run`,
`previous_run`, `runs_around`. `move` gives a task another time of day.
"""

from taskanalysis.schedule.moving import move
from taskanalysis.schedule.slots import (
    Slot,
    SlotArrays,
    expected_runs,
    next_run,
    previous_run,
    runs_around,
    slot_arrays,
    slots,
    unscheduled,
)
from taskanalysis.schedule.zones import Moments, known_zone, microseconds, moment_of

__all__ = [
    "Moments",
    "Slot",
    "SlotArrays",
    "expected_runs",
    "known_zone",
    "microseconds",
    "moment_of",
    "move",
    "next_run",
    "previous_run",
    "runs_around",
    "slot_arrays",
    "slots",
    "unscheduled",
]
