"""On which machine, and with what, was measured."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil

from benchmarks.peers import pinned
from taskanalysis import __version__

__all__ = ["machine", "said"]

OURS = ("lxml", "numpy", "pandas", "pyarrow", "evtx")


def machine() -> dict[str, object]:
    """Processor, cores that may be used, memory, system, Python, how busy it is, and versions."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": _system(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "load": _load(),
        "ours": {"taskanalysis": __version__, **{name: version(name) for name in OURS}},
        "peers": pinned(),
    }


def said(known: dict[str, object]) -> str:
    """The same in two lines."""
    place = ("processor", "cores", "memory", "system", "python", "load")
    libraries = {name: number for kind in ("ours", "peers") for name, number in known[kind].items()}  # type: ignore[attr-defined]
    return "{}, {} cores, {}; {}; {}; load before: {}.\n".format(*(known[name] for name in place)) + (
        ", ".join(f"{name} {number}" for name, number in libraries.items()) + "."
    )


def _load() -> str:
    try:
        return f"{psutil.getloadavg()[0]:.1f}"
    except (OSError, RuntimeError):  # Windows where performance counters are disabled
        return "not known"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(named), platform.processor() or platform.machine())


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return f"{platform.system()} {platform.release()}"
