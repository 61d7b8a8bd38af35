"""What targets know of a server: kept after a message was sent, by a hash; a target that fails gets it next time."""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from taskanalysis.errors import SnapshotError, UnfinishedError
from taskanalysis.health import NOTHING, Known, News
from taskanalysis.publish.notified import finder_of, preview, send_news, servers_of
from taskanalysis.publish.targets import Target
from tests.build import hours, status, write, xml

ALL = Known(unseen={"x": "It is not seen."})


class Recording(Target):
    """A target that keeps its messages, or fails."""

    def __init__(self, number: int = 1, url: str = "json://me:S3cret@host", failure: str = "") -> None:
        super().__init__(number, "json", url)
        object.__setattr__(self, "failure", failure)
        object.__setattr__(self, "sent", [])

    def send(self, subject: str, text: str) -> str:
        if not self.failure:  # type: ignore[attr-defined]
            self.sent.append((subject, text))  # type: ignore[attr-defined]
        return self.failure  # type: ignore[attr-defined, no-any-return]


def find(known: Known) -> News:
    return News("subject", ALL, unseen=[] if known == ALL else ["It is not seen."])


def kept(share: Path) -> str:
    return (share / "notified" / "S.json").read_text(encoding="utf-8")


def test_message_is_sent_once_and_the_url_is_nowhere(tmp_path: Path) -> None:
    target = Recording()
    (done,) = send_news(tmp_path, "S", find, [target], link="https://x")
    assert (done.target, done.failure) == (target, "")
    assert send_news(tmp_path, "S", find, [target]) == []
    assert target.sent == [("subject", "Could not be seen:\n- It is not seen.\n\nhttps://x")]  # type: ignore[attr-defined]
    assert "S3cret" not in kept(tmp_path)
    assert "host" not in kept(tmp_path)
    assert len(json.loads(kept(tmp_path))["targets"]) == 1


def test_target_that_fails_stops_no_other_and_is_tried_again(tmp_path: Path) -> None:
    bad, good = Recording(1, "json://a", "could not be reached"), Recording(2, "json://b")
    assert [each.failure for each in send_news(tmp_path, "S", find, [bad, good])] == ["could not be reached", ""]
    better = Recording(1, "json://a")
    assert [each.target for each in send_news(tmp_path, "S", find, [better, good])] == [better]
    assert send_news(tmp_path, "S", find, [better, good]) == []


def test_change_without_news_is_kept_and_not_sent(tmp_path: Path) -> None:
    target = Recording()
    send_news(tmp_path, "S", find, [target])
    assert send_news(tmp_path, "S", lambda _: News("subject", NOTHING), [target]) == []
    assert len(send_news(tmp_path, "S", find, [target])) == 1


def test_calm_server_writes_no_file(tmp_path: Path) -> None:
    assert send_news(tmp_path, "S", lambda _: News("subject", NOTHING), [Recording()]) == []
    assert not (tmp_path / "notified" / "S.json").exists()


def test_preview_sends_and_writes_nothing(tmp_path: Path) -> None:
    target = Recording()
    assert [each.target for each in preview(tmp_path, "S", find, [target])] == [target]
    assert [each.target for each in preview(tmp_path, "S", find, [])] == [None]
    assert list(tmp_path.iterdir()) == []
    send_news(tmp_path, "S", find, [target])
    assert list(preview(tmp_path, "S", find, [target])) == []


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"format": 1}', '{"format": 1, "salt": "", "targets": {"a": 1}}', "\x00"]
)
def test_file_that_can_not_be_read_stops_before_anything_is_sent(content: str, tmp_path: Path) -> None:
    target = Recording()
    send_news(tmp_path, "S", find, [target])
    (tmp_path / "notified" / "S.json").write_text(content, encoding="utf-8")
    with pytest.raises(UnfinishedError, match=r"can't be read .* delete it"):
        send_news(tmp_path, "S", lambda _: News("again", ALL, began=["x"]), [target])
    assert len(target.sent) == 1  # type: ignore[attr-defined]
    (tmp_path / "notified" / "S.json").write_text('{"format": 2}', encoding="utf-8")
    with pytest.raises(UnfinishedError, match="reads format 1"):
        send_news(tmp_path, "S", find, [target])


def test_what_can_not_be_kept_is_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    target = Recording()
    monkeypatch.setattr("taskanalysis.publish.notified.write_whole", full)
    with pytest.raises(UnfinishedError, match=r"can't be kept in .*No space left"):
        send_news(tmp_path, "S", find, [target])
    assert target.sent == []  # type: ignore[attr-defined]
    monkeypatch.undo()
    (tmp_path / "file").touch()
    with pytest.raises(UnfinishedError, match="can't be kept in"):
        send_news(tmp_path / "file", "S", find, [target])


def test_two_at_once_send_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taskanalysis.publish.notified.WAIT", 0.1)

    class Slow(Recording):
        def send(self, subject: str, text: str) -> str:
            with pytest.raises(UnfinishedError, match="another notify"):
                other(tmp_path)
            return super().send(subject, text)

    target = Slow()
    assert len(send_news(tmp_path, "S", find, [target])) == 1


def other(share: Path) -> None:
    """A second process: the lock is one of the operating system."""
    program = (
        "import sys; from pathlib import Path; from taskanalysis.publish import notified; notified.WAIT = 0.1;"
        "notified.send_news(Path(sys.argv[1]), 'S', None, [])"
    )
    done = subprocess.run([sys.executable, "-c", program, share], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnfinishedError(done.stderr)


def test_leftover_of_a_killed_process_goes(tmp_path: Path) -> None:
    (tmp_path / "notified").mkdir()
    left = tmp_path / "notified" / ".S.json.123.tmp"
    left.touch()
    send_news(tmp_path, "S", find, [Recording()])
    assert not left.exists()


# The servers of a share -----------------------------------------------------------------------------------------------


def test_news_are_those_of_the_newest_snapshot(tmp_path: Path) -> None:
    write(tmp_path, 0, status(last_run=-1, code=0), definitions={status().path: xml()})
    write(tmp_path, 1, status(last_run=-1, code=1), definitions={status().path: xml()})
    find = finder_of(tmp_path, "SRV", now=hours(2))
    assert find(NOTHING).subject.startswith("SRV, 2026-11-20 08:00 (America/New_York): 1 of 1 task")
    assert finder_of(tmp_path, "SRV", now=hours(200))(NOTHING).unseen
    with pytest.raises(SnapshotError, match="lies in"):
        finder_of(tmp_path, "SRV", folder="\\Nowhere", now=hours(2))


def test_server_that_is_gone_or_damaged_is_news_once(tmp_path: Path) -> None:
    place = write(tmp_path, 1, status(last_run=-1, code=1), definitions={status().path: xml()})
    target = Recording()

    def sent() -> int:
        return sum(len(send_news(tmp_path, name, news(name), [target])) for name in servers_of(tmp_path))

    news: Callable[[str], Callable[[Known], News]] = partial(finder_of, tmp_path, now=hours(2))
    assert (sent(), sent()) == (1, 0)
    manifest = (place / "snapshot.json").read_bytes()
    (place / "snapshot.json").write_bytes(b"{")
    assert (sent(), sent()) == (1, 0)
    (place / "snapshot.json").write_bytes(manifest)
    assert (sent(), sent()) == (1, 0)
    (tmp_path / "snapshots" / "SRV").rename(tmp_path / "elsewhere")
    assert servers_of(tmp_path) == ["SRV"]
    assert (sent(), sent()) == (1, 0)
    heads = [text.splitlines()[0] for _, text in target.sent]  # type: ignore[attr-defined]
    assert heads == ["Needs attention:", "Could not be seen:", "No longer so:", "Could not be seen:"]
