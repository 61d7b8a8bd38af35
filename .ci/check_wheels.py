"""Check that every pin has a wheel for Linux and Windows on every supported Python, and that the pins are complete.

Run it after renewing the pins: `python .ci/check_wheels.py [3.15 ...]`; the workflow does so once a week. It needs pip
25 or later, and `packaging`. For each pair, the pins whose marker holds there are handed to
`pip install --dry-run --only-binary=:all: --platform … --python-version …`. Markers are evaluated here, because pip
evaluates them for the Python that runs it; for the same reason pip is not asked to resolve, and what the wheels require
is compared with the pins afterwards.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.11", "3.12", "3.13", "3.14", "3.15")
PLATFORMS = {
    "Linux": ("linux", "posix", ["manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"]),
    "Windows": ("win32", "nt", ["win_amd64"]),
}


def environment(python: str, system: str) -> dict[str, str]:
    """The variables that markers ask for."""
    platform, os_name, _ = PLATFORMS[system]
    return {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "implementation_version": f"{python}.9",
        "sys_platform": platform,
        "os_name": os_name,
        "platform_system": system,
        "platform_machine": "AMD64" if system == "Windows" else "x86_64",
        "platform_release": "",
        "platform_version": "",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }


def pins(name: str) -> Iterator[Requirement]:
    """The pinned lines of a requirements file and of those that it names."""
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            yield from pins(line.removeprefix("-r "))
        elif line and not line.startswith(("#", "-e ")):
            yield Requirement(line)


def holds(requirement: Requirement, where: dict[str, str], extra: str = "") -> bool:
    """Whether a requirement counts there."""
    return requirement.marker is None or requirement.marker.evaluate(where | {"extra": extra})


def faults(python: str, system: str) -> Iterator[str]:
    """What is missing for one Python on one system."""
    where = environment(python, system)
    wanted = [f"{pin.name}{pin.specifier}" for pin in pins("requirements-dev.txt") if holds(pin, where)]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet"]
        command += ["--only-binary=:all:", "--python-version", f"{python}.9", "--implementation", "cp"]
        command += [f"--platform={tag}" for tag in PLATFORMS[system][2]]
        command += ["--target", folder, "--report", str(report), *wanted]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            yield done.stderr.strip().splitlines()[-1]
            return
        found = [item["metadata"] for item in json.loads(report.read_text(encoding="utf-8"))["install"]]
    versions = {canonicalize_name(item["name"]): item["version"] for item in found}
    for item in found:
        for text in item.get("requires_dist", []):
            need = Requirement(text)
            version = versions.get(canonicalize_name(need.name))
            if holds(need, where) and (version is None or not need.specifier.contains(version, prereleases=True)):
                yield f"{item['name']} needs {text}, and the pin is {version or 'missing'}"


def main() -> int:
    """Print a line for each Python and system; 1 where something is missing."""
    bad = 0
    for python in sys.argv[1:] or PYTHONS:
        for system in PLATFORMS:
            wrong = list(faults(python, system))
            print(f"Python {python} on {system}: {'; '.join(wrong) or 'every pin has a wheel'}", flush=True)
            bad += bool(wrong)
    return min(bad, 1)


if __name__ == "__main__":
    raise SystemExit(main())
