"""``taskanalysis notify``: where targets may stand, what it prints, its exit codes, and that no password is shown."""

import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from taskanalysis.cli import main
from taskanalysis.snapshot import write_snapshot
from tests.build import ROOT, status, xml
from tests.doubles.receivers import PASSWORD, USER, Receiver, free_port, web_hook

AN_HOUR = timedelta(hours=1)


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with web_hook() as receiver:
        yield receiver


def add(share: Path, code: int, server: str = "S", path: str = "\\F\\Load") -> None:
    at = datetime.now(UTC).replace(microsecond=0) - AN_HOUR
    known = {"zone": "Europe/London", "elevated": True, "definitions": {path: xml()}}
    write_snapshot(share, server=server, taken_at=at, statuses=[status(path, at - AN_HOUR, code)], **known)


@pytest.fixture
def share(tmp_path: Path) -> Path:
    add(tmp_path / "share", 1)
    return tmp_path / "share"


def run(share: Path, *words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, ["notify", "--data", str(share), *words])
    assert PASSWORD not in done.output
    for file in share.glob("notified/*"):
        assert PASSWORD.encode() not in file.read_bytes()
    return done.exit_code, done.stdout, done.stderr


def test_news_are_sent_once_and_said_in_a_line_each(share: Path, hook: Receiver) -> None:
    code, out, err = run(share, "--to", hook.url, "--link", "https://x")
    assert (code, err) == (0, "")
    assert out.startswith("S: sent to target 1 (json): S, 20")
    ((subject, text),) = hook.messages
    assert subject.endswith("(Europe/London): 1 of 1 task needs attention.")
    assert text.startswith("Needs attention:\n- FAILING (NEW) since ")
    assert text.endswith("\n\nhttps://x")
    assert run(share, "--to", hook.url) == (0, "S: nothing new\n", "")
    assert len(hook.messages) == 1


def test_targets_stand_in_options_a_file_and_the_environment(
    share: Path, hook: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "targets.txt"
    file.write_text(f"\ufeff# ours\r\n\r\n{hook.url}?a=1\r\n  {hook.url}?a=2  \r\n{hook.url}\r\n", encoding="utf-8")
    monkeypatch.setenv("TASKANALYSIS_NOTIFY", f"{hook.url}?a=3\n#\n{hook.url}?a=1\n")
    code, out, _ = run(share, "--to", hook.url, "--to-file", str(file))
    assert (code, len(out.splitlines()), len(hook.messages)) == (0, 4, 4)


def test_target_that_fails_ends_with_three_and_gets_it_next_time(share: Path, hook: Receiver) -> None:
    dead = f"json://{USER}:{PASSWORD}@127.0.0.1:{free_port()}"
    hook.status = 500
    code, out, err = run(share, "--to", dead, "--to", hook.url)
    assert (code, out) == (3, "")
    assert err.splitlines() == [
        "S: target 1 (json) could not be reached, or broke off, and will be tried again",
        "S: target 2 (json) answered with HTTP status 500, and will be tried again",
    ]
    hook.status = 200
    code, out, err = run(share, "--to", dead, "--to", hook.url)
    assert (code, len(out.splitlines()), len(err.splitlines()), len(hook.messages)) == (3, 1, 1, 1)


def test_every_server_has_a_message_of_its_own(share: Path, hook: Receiver) -> None:
    add(share, 1, "OTHER")
    assert run(share, "--to", hook.url, "--server", "other")[0] == 0
    assert [subject.partition(",")[0] for subject, _ in hook.messages] == ["OTHER"]
    assert run(share, "--to", hook.url)[1].splitlines()[0] == "OTHER: nothing new"
    assert [subject.partition(",")[0] for subject, _ in hook.messages] == ["OTHER", "S"]


def test_one_server_that_can_not_be_notified_of_stops_no_other(share: Path, hook: Receiver) -> None:
    add(share, 1, "OTHER")
    (share / "notified").mkdir()
    (share / "notified" / "OTHER.json").write_text("{", encoding="utf-8")
    code, _, err = run(share, "--to", hook.url)
    assert (code, len(err.splitlines()), len(hook.messages)) == (3, 1, 1)


def test_dry_run_prints_and_leaves_nothing(share: Path, hook: Receiver) -> None:
    before = sorted(share.rglob("*"))
    code, out, _ = run(share, "--to", hook.url, "--dry-run", "--link", "https://x")
    assert code == 0
    assert out.splitlines()[0].startswith("To target 1 (json): S, 20")
    assert out.splitlines()[-1] == "https://x"
    assert run(share, "--dry-run")[1].startswith("To a new target: S, 20")
    assert sorted(share.rglob("*")) == before
    assert hook.messages == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "name a target with --to or --to-file, or in the environment variable TASKANALYSIS_NOTIFY"),
        (["--to", f"{PASSWORD}://x"], "target 1 is not a URL that apprise knows"),
        (["--to", ""], "--to is empty"),
        (["--to"], "no value"),
        ([f"json://{PASSWORD}"], "an argument has no option"),
        ([f"--too={PASSWORD}"], "No such option"),
        ([f"--json://me:{PASSWORD}@host"], "an argument has no option"),
        (["--to-file", "nowhere"], "nowhere can't be read"),
        (["--to", "json://x", "--server", "X"], "the share has no server 'X'"),
        (["--to", "json://x", "--folder", "\\Nowhere"], "lies in \\Nowhere"),
    ],
)
def test_bad_usage_is_two_and_shows_no_argument(words: list[str], said: str, share: Path) -> None:
    code, out, err = run(share, *words)
    assert (code, out) == (2, "")
    assert said in err


def test_file_of_targets_that_is_no_text_is_named_without_its_content(share: Path, tmp_path: Path) -> None:
    file = tmp_path / "targets.txt"
    file.write_bytes(f"json://x:{PASSWORD}@host".encode("utf-16"))
    code, _, err = run(share, "--to-file", str(file))
    assert (code, err) == (2, f"taskanalysis: {file} is not text in UTF-8\n")


def test_data_must_be_a_share(tmp_path: Path) -> None:
    code, _, err = run(tmp_path, "--to", "json://x")
    assert (code, "notify needs a share" in err) == (2, True)
    assert run(ROOT / "data", "--dry-run")[0] == 0


def test_missing_package_is_one_sentence(share: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    code, _, err = run(share, "--to", "json://x")
    assert (code, len(err.splitlines())) == (2, 1)
    assert "apprise, which is not installed" in err
    assert run(share, "--dry-run")[0] == 0


def test_password_is_in_no_log_whatever_its_level(
    share: Path, hook: Receiver, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    log = tmp_path / "our.log"
    for name in ("", "apprise", "urllib3"):
        caplog.set_level(1, name or None)
    for words in (["--to", hook.url], ["--to", f"mailto://a:{PASSWORD}@127.0.0.1:{free_port()}?to=b@c.example"]):
        run(share, *words, "--log", str(log))
    assert PASSWORD not in caplog.text
    assert log.read_text(encoding="utf-8").count("ended with exit code") == 2
    assert PASSWORD not in log.read_text(encoding="utf-8")
    logging.getLogger("apprise").setLevel(logging.NOTSET)
