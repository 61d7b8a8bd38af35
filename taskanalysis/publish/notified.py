"""Send targets what is new about a server, and keep what each knows, so that nothing is sent twice.

``notified/<SERVER>.json`` of the share holds it, by a hash of the target. It is written after a message was sent: a
process that is killed in between sends that one message once more, and no message is ever lost. One process at a time
sends messages about a server.

>>> _Content({}, salt="1").known("json://host")
Known(problems={}, unseen={}, momentary=frozenset())
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from filelock import Timeout

from taskanalysis.definition import MOST_OWN_BYTES, read_bytes
from taskanalysis.errors import TaskAnalysisError, UnfinishedError, reason_of
from taskanalysis.publish.targets import Target, key_of
from taskanalysis.snapshot import list_servers, locked, long_path, read_snapshot, write_whole

if TYPE_CHECKING:
    from taskanalysis.health import Known, News

FOLDER = "notified"
FORMAT = 1
WAIT = 300
"""Seconds to wait for another process that sends messages about the same server."""


class Delivery(NamedTuple):
    """A message to a target, None for one that is not named; `failure` is why it was not taken, "" where it was."""

    target: Target | None
    news: News
    failure: str = ""


def servers_of(share: Path) -> list[str]:
    """The servers of a share; those too that are gone from it, and about which a message was sent."""
    gone = {file.stem.casefold(): file.stem for file in (long_path(share) / FOLDER).glob("[!.]*.json")}
    there = {name.casefold(): name for name in list_servers(share)}
    return sorted((gone | there).values(), key=str.casefold)


def send_news(
    share: Path, server: str, find: Callable[[Known], News], targets: Sequence[Target], *, link: str = ""
) -> list[Delivery]:
    """Send each target what is new for it by `find`, and keep what it then knows; the messages, sent or not.

    A target that fails stops no other. UnfinishedError where what targets know can't be read or kept: then nothing is
    sent.
    """
    folder = long_path(share) / FOLDER
    file, done = folder / f"{server}.json", []
    try:
        with locked(folder, f".{file.name}.*.tmp", wait=WAIT, lock=f".{server}.lock"):
            content = _Content.read(file)
            for target in targets:
                known = content.known(target.url)
                news = find(known)
                if news.is_new:
                    content.write(file)  # what can't be kept is not sent: it would be sent for ever
                    failure = target.send(news.subject, news.text(link))
                    done.append(Delivery(target, news, failure))
                    if failure:
                        continue
                if news.keep != known:
                    content.keep(target.url, news.keep)
                    content.write(file)
    except Timeout:
        raise UnfinishedError(
            f"{server}: another notify has been sending messages about it for {WAIT} seconds"
        ) from None
    except OSError as error:
        why = reason_of(error)
        raise UnfinishedError(f"{server}: what targets know can't be kept in {file} ({why})") from None
    return done


def preview(share: Path, server: str, find: Callable[[Known], News], targets: Sequence[Target]) -> Iterator[Delivery]:
    """What `send_news` would send; nothing is sent or written. Without targets: what a new one would get."""
    content = _Content.read(long_path(share) / FOLDER / f"{server}.json")
    receivers: Sequence[Target | None] = targets or [None]
    for target in receivers:
        news = find(content.known(target.url) if target else content.nothing)
        if news.is_new:
            yield Delivery(target, news)


def finder_of(share: Path, server: str, *, folder: str = "", now: datetime) -> Callable[[Known], News]:
    r"""What finds the news of a server, by its newest snapshot at `now` (aware), for what a target knows.

    The tasks are those in `folder` and below ("": all outside ``\Microsoft``). Where nothing can be read, that is news.
    SnapshotError where no task is in the folder.
    """
    from taskanalysis.health import assess, find_news, known_history, rules_of, unread_news  # noqa: PLC0415 (pandas)

    try:
        snapshot = read_snapshot(share, server=server, now=now)
        moment = snapshot.judged_at("", now)
        assessment = assess(snapshot, rules_of(share), folder, known_history(snapshot), moment)
    except (TaskAnalysisError, OSError) as error:
        return partial(unread_news, server, str(error))
    snapshot.check_folder(folder)
    return partial(find_news, assessment)


@dataclass
class _Content:
    """A file of ``notified/``: what each target knows, by the hash of its URL with the salt of the file."""

    targets: dict[str, Any]
    salt: str = field(default_factory=lambda: secrets.token_hex(16))

    @classmethod
    def read(cls, file: Path) -> _Content:
        try:
            content = json.loads(read_bytes(file, MOST_OWN_BYTES).decode("utf-8"))
            if content["format"] != FORMAT:
                raise UnfinishedError(f"{file}: this program reads format {FORMAT} of it; nothing was sent")
            found = cls(dict(content["targets"]), str(content["salt"]))
            for known in found.targets.values():
                found.nothing.of_json(known)
            return found
        except FileNotFoundError:
            return cls({})
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UnfinishedError(
                f"{file} can't be read ({type(error).__name__}), so nothing was sent: delete it, and each target gets "
                "all that needs attention once more"
            ) from None

    def known(self, url: str) -> Known:
        content = self.targets.get(key_of(url, self.salt))
        return self.nothing.of_json(content) if content else self.nothing

    @property
    def nothing(self) -> Known:
        """What a new target knows."""
        from taskanalysis.health import NOTHING  # noqa: PLC0415 (pandas)

        return NOTHING

    def keep(self, url: str, known: Known) -> None:
        self.targets[key_of(url, self.salt)] = known.to_json()

    def write(self, file: Path) -> None:
        content = {"format": FORMAT, "salt": self.salt, "targets": self.targets}
        write_whole(file, (json.dumps(content, indent=1) + "\n").encode("utf-8"))
