"""Send messages to targets: mail, Teams, Slack, ntfy, a web hook, whatever apprise reaches by a URL.

A URL holds passwords, so it is never shown: a target is named by its number and its kind. What apprise and the
libraries below it log names URLs too, so their log goes nowhere; only the kind of error is taken from it.

Authority: https://github.com/caronc/apprise. Text is sent as text: apprise escapes it for targets that show HTML or
Markdown only.

>>> key_of("json://me:S3cret@host", "salt") == key_of("json://me:S3cret@host", "another")
False
"""

from __future__ import annotations

import hashlib
import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from taskanalysis.errors import TaskAnalysisError

MISSING = "notify needs the package apprise, which is not installed: install it with pip, or the extra notify"
LIBRARIES = ("apprise", "urllib3", "requests", "requests_oauthlib", "oauthlib", "MARKDOWN")
"""Loggers that may name a URL."""
ROUNDS = 20_000
"""Of the hash of a URL, so that a short password is not found by trying all."""


@dataclass(frozen=True)
class Target:
    """A place to which messages go; its `url`, which may hold a password, is in no text of it."""

    number: int
    kind: str
    url: str = field(repr=False)
    plugin: Any = field(repr=False, default=None)

    def __str__(self) -> str:
        """The name for readers."""
        return f"target {self.number} ({self.kind})"

    def send(self, subject: str, text: str) -> str:
        """Send a message; why it was not taken, as the end of a sentence, or "" where it was."""
        from apprise import Apprise, NotifyFormat  # noqa: PLC0415 (an extra, and slow)

        with _silenced() as heard:
            try:
                service = Apprise(asset=self.plugin.asset)
                service.add(self.plugin)
                done = bool(service.notify(body=text, title=subject, body_format=NotifyFormat.TEXT))
            except Exception as error:  # whatever a service's library raises, perhaps with the URL in its text
                return f"failed with {type(error).__name__}"
        return "" if done else _reason(heard)


def targets_of(urls: Sequence[str]) -> list[Target]:
    """A target for each URL, each once; TaskAnalysisError where apprise is missing or does not know a URL."""
    try:
        from apprise import Apprise, AppriseAsset  # noqa: PLC0415 (an extra, and slow)
    except ImportError:
        raise TaskAnalysisError(MISSING) from None

    targets = []
    with _silenced():
        asset = AppriseAsset(app_id="taskanalysis", app_desc="taskanalysis", storage_mode="memory")
        for number, url in enumerate(dict.fromkeys(urls), 1):
            try:
                plugin = Apprise.instantiate(url, asset=asset)
            except Exception:
                plugin = None
            if plugin is None:
                raise TaskAnalysisError(
                    f"target {number} is not a URL that apprise knows, such as mailtos://… or json://…"
                )
            kind = next(iter(re.findall(r"^[a-z0-9]{1,20}(?=://)", url.strip(), re.IGNORECASE)), "other").lower()
            targets.append(Target(number, kind, url, plugin))
    return targets


def key_of(url: str, salt: str) -> str:
    """What stands for a URL in a file: a slow hash of it, which gives away no password."""
    return hashlib.pbkdf2_hmac("sha256", url.encode("utf-8", "surrogatepass"), salt.encode(), ROUNDS).hex()[:32]


class _Heard(logging.Handler):
    """Keeps what was logged; nothing of it is shown."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@contextmanager
def _silenced() -> Iterator[list[str]]:
    """Keep the log and the warnings of the libraries from every handler; gives the list of what they logged."""
    handler, loggers = _Heard(), [logging.getLogger(name) for name in LIBRARIES]
    before = [(each.handlers[:], each.propagate, each.level) for each in loggers]
    for each in loggers:
        each.handlers, each.propagate = [handler], False
        each.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield handler.lines
    finally:
        for each, (handlers, propagate, level) in zip(loggers, before, strict=True):
            each.handlers, each.propagate = handlers, propagate
            each.setLevel(level)


def _reason(heard: Sequence[str]) -> str:
    """Why a message was not taken, in words of ours alone.

    >>> _reason(["Failed to send JSON notification: Not Found, error=404."]), _reason(["A Connection error occurred"])
    ('answered with HTTP status 404', 'could not be reached, or broke off')
    """
    text = "\n".join(heard)
    if status := re.search(r"\berror[ =]([1-5][0-9]{2})\b", text):
        return f"answered with HTTP status {status[1]}"
    return "could not be reached, or broke off" if "onnection error" in text else "did not take the message"
