"""How long something takes, as the benchmarks measure it."""

import time
from collections.abc import Callable
from statistics import median

__all__ = ["once", "seconds"]

RUNS = 5


def seconds(work: Callable[[], object]) -> float:
    """The median of several runs, after one that is not counted."""
    work()
    return median(once(work) for _ in range(RUNS))


def once(work: Callable[[], object]) -> float:
    """The time of one run, for what takes long."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
