"""The workflow: what it installs has wheels, no job runs for ever, and no step hides what a later one would say."""

import re
import runpy
import tomllib
from typing import Any

import yaml

from tests.build import ROOT

JOBS: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))["jobs"]
PYTHONS = runpy.run_path(str(ROOT / ".ci" / "check_wheels.py"))["PYTHONS"]


def pythons(job: dict[str, Any]) -> set[str]:
    versions = {step["with"]["python-version"] for step in job["steps"] if "setup-python" in step.get("uses", "")}
    return set(job["strategy"]["matrix"]["python"]) if "strategy" in job else versions


def test_every_job_has_a_time_limit() -> None:
    assert {
        name: job.get("timeout-minutes", 0) for name, job in JOBS.items() if job.get("timeout-minutes", 0) < 10
    } == {}


def test_the_oldest_and_the_newest_python_are_those_whose_wheels_are_checked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == f">={PYTHONS[0]}"
    assert pythons(JOBS["ubuntu"]) == pythons(JOBS["windows"]) == {PYTHONS[0], PYTHONS[-1]}
    assert all(pythons(job) <= set(PYTHONS) for job in JOBS.values())
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert f"every Python from {PYTHONS[0]} to {PYTHONS[-1]}" in text


def test_steps_after_the_tests_run_whatever_the_tests_say() -> None:
    for name, job in JOBS.items():
        runs = [step for step in job["steps"] if "run" in step]
        first = next((place for place, step in enumerate(runs) if re.search("pytest|tests", step["run"])), len(runs))
        assert [step["run"] for step in runs[first + 1 :] if step.get("if") != "${{ !cancelled() }}"] == [], name


def test_what_only_windows_tells_waits_for_no_other_job() -> None:
    said = " ".join(step["run"] for step in JOBS["scheduler"]["steps"] if "run" in step)
    assert "-m windows" in said
    assert "probe.py --with-account" in said
    assert "needs" not in JOBS["scheduler"]


def test_all_jobs_use_the_same_version_of_an_action() -> None:
    used = {step["uses"] for job in JOBS.values() for step in job["steps"] if "uses" in step}
    assert len(used) == len({name.partition("@")[0] for name in used})
