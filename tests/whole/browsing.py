"""A page in a real browser, with the network cut, and what a reader does there."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page

from benchmarks.reports import BROWSERS, PROGRAM, chromium

PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}}
DARK: dict[str, Any] = {"color_scheme": "dark"}
PLAIN: dict[str, Any] = {"java_script_enabled": False}
OURS = "Content Security Policy"


@contextmanager
def browsing() -> Iterator[Browser]:
    """A Chromium; the test is skipped where there is none."""
    if not PROGRAM:
        pytest.skip(f"no Chromium found: none of {', '.join(BROWSERS)} is on the PATH")
    with chromium() as opened:
        yield opened


class Opened:
    """A page with the network cut, and all that it asked for or complained of."""

    def __init__(
        self, browser: Browser, file: Path, fragment: str = "", *, now: datetime | None = None, **context: Any
    ) -> None:
        self.context = browser.new_context(offline=True, **context)
        self.page: Page = self.context.new_page()
        self.asked: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.file = file
        if now:
            self.page.clock.set_fixed_time(now)
        self.page.goto(file.as_uri() + fragment)

    @property
    def outside(self) -> list[str]:
        """What it asked for beside itself."""
        return [url for url in self.asked[1:] if not url.startswith("data:") and url.partition("#")[0] != self.asked[0]]

    @property
    def fragment(self) -> str:
        """The fragment of its address, without #."""
        return str(self.page.evaluate("location.hash.slice(1)"))

    def table(self, caption: str) -> Locator:
        return self.page.locator(".table", has=self.page.locator(f"caption:text-is('{caption}')"))

    def rows(self, caption: str) -> list[str]:
        """The first cells of a table's rows that can be seen."""
        return [cell for cell in self.cells(caption, 1) if cell]

    def cells(self, caption: str, column: int) -> list[str]:
        """The cells of a column that can be seen, counted from 1."""
        return self.table(caption).locator(f"tbody tr > :nth-child({column}):visible").all_inner_texts()

    def head(self, caption: str, name: str) -> Locator:
        """The head of a column, as a button."""
        return self.table(caption).locator("thead th button", has_text=re.compile(f"^{re.escape(name)}$"))

    def tools(self, caption: str) -> Locator:
        """The field and the chips of a list."""
        return self.page.locator(".tools", has=self.page.get_by_label(f"Filter: {caption}"))

    def find(self, caption: str, words: str) -> None:
        self.page.get_by_label(f"Filter: {caption}").fill(words)
