"""Examples in docstrings name files of the checkout, wherever pytest is started."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _in_the_checkout(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if type(request.node).__name__ == "DoctestItem":
        monkeypatch.chdir(Path(__file__).parent)
