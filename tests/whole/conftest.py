"""A browser for each module that wants one."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.whole.browsing import browsing


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A Chromium; tests that want it are skipped where there is none."""
    with browsing() as opened:
        yield opened


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """The same, without the pages of a test after it: each is a process."""
    yield chromium
    for context in chromium.contexts:
        context.close()
