"""One way, measured in a process of its own: `python -m benchmarks.child MODULE FUNCTION ARGUMENTS CORES` prints JSON.

A way is a function that gets ready (imports, lists files, tries a little of it) and returns the work, a function that
is timed. What the work returns is the answer, in values that JSON knows; a function that it returns gives the answer
afterwards; `Measured` is a time that the work took by itself. This module is read by the peers' Python too.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["Measured", "measure"]


@dataclass
class Measured:
    """Seconds, the answer, and the peak memory of the process and of those that it started, in MiB."""

    seconds: float
    answer: Any = None
    peak: float | None = None


def measure(module: str, function: str, arguments: dict[str, Any]) -> Measured:
    """Get ready, do the work once, and say what it took."""
    work = getattr(import_module(module), function)(**arguments)
    began = time.perf_counter()
    found = work()
    took = time.perf_counter() - began
    peak = _peak()
    measured = found if isinstance(found, Measured) else Measured(took, found)
    return replace(measured, peak=peak, answer=measured.answer() if callable(measured.answer) else measured.answer)


def _peak() -> float | None:
    """The most memory that was in use: of this process and its living children together, or of a dead one if larger."""
    if Path("/proc/self/status").exists():
        return max(_most_of("self") + sum(map(_most_of, _children())), _dead())
    try:
        import resource  # noqa: PLC0415 (not on Windows)
    except ImportError:
        import psutil  # noqa: PLC0415 (the peers have it on Windows alone)

        own = psutil.Process()
        return sum(each.memory_info().peak_wset for each in (own, *own.children(recursive=True))) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # bytes on macOS


def _most_of(process: str) -> float:
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")  # ru_maxrss would be the starter's, if larger
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _children() -> list[str]:
    try:
        return Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()
    except OSError:  # a kernel without that
        return []


def _dead() -> float:
    import resource  # noqa: PLC0415 (not on Windows)

    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main(module: str, function: str, arguments: str, cores: str) -> None:
    """Stay on as many cores, where the system can be asked for that, and measure."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-int(cores) :])
    print(json.dumps(asdict(measure(module, function, json.loads(arguments)))))


if __name__ == "__main__":
    import_module("benchmarks.child").main(*sys.argv[1:])  # by its name, so that there is one class `Measured`
