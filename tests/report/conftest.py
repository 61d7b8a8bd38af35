"""The pages of the sample share, each computed once."""

import pytest

from taskanalysis.health.rules import rules_of
from taskanalysis.report.inventory import Inventory
from taskanalysis.report.trends import Trends
from taskanalysis.report.window import Window
from taskanalysis.snapshot.snapshot import Snapshot
from tests.build import trends_of


@pytest.fixture(scope="session")
def inventory(sample: Snapshot) -> Inventory:
    return Inventory(sample)


@pytest.fixture(scope="session")
def trends(sample: Snapshot) -> Trends:
    return trends_of(sample, rules_of(sample.share))


@pytest.fixture(scope="session")
def window(trends: Trends) -> Window:
    return trends
