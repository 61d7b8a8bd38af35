"""A snapshot with all that one can hold, for the tests of our own format."""

from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

from taskanalysis.snapshot.status import Status
from tests import build
from tests.build import LOAD, NOON, xml

NIGHTLY = "\\OpenData\\Permits\\Nightly: new?"
EASTERN = timezone(timedelta(hours=-5))
STATUSES = (
    Status(LOAD, "Ready", True, NOON.astimezone(EASTERN), 2147943726, NOON, 3),
    Status(NIGHTLY, "Disabled", False, "never", 267011, "never", 0),
    Status("\\Unknown"),
)


def write(data: Path, hour: float = 0, *statuses: Status, **given: Any) -> Path:
    """A snapshot so many hours after noon; with two definitions and three statuses, unless others are given."""
    known = {"definitions": {LOAD: xml("1"), NIGHTLY: xml("2")}}
    return build.write(data, hour, *(statuses or STATUSES), **{**known, **given})
