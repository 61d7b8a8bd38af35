"""Targets of messages: sent as text, named without their URL, and a library's log that shows no password."""

import logging
import sys
from collections.abc import Callable, Iterator

import pytest

from taskanalysis.errors import TaskAnalysisError
from taskanalysis.publish.targets import MISSING, Target, key_of, targets_of
from tests.doubles.receivers import PASSWORD, USER, Receiver, free_port, mail_server, mail_to, web_hook

HOSTILE = "Needs attention:\n- \\A [click](http://evil.example) <b>bold</b> *star* :smile: \\n {{7*7}} &amp; @everyone"


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with web_hook() as receiver:
        yield receiver


def test_text_stays_text_on_the_way_to_a_web_hook_and_to_mail(hook: Receiver) -> None:
    with mail_server() as mail:
        for target in targets_of([hook.url, mail.url]):
            assert target.send("<b>S</b> *x*", HOSTILE) == ""
    assert hook.messages == [("<b>S</b> *x*", HOSTILE)]
    assert [(subject, text.replace("\r", "")) for subject, text in mail.messages] == hook.messages
    assert mail.whole[0].get_content_type() == "text/plain"


def test_target_that_shows_markdown_or_html_only_gets_it_escaped(hook: Receiver) -> None:
    for form, shown in (("markdown", r"\[click\]\(http://evil"), ("html", "&lt;b&gt;bold")):
        (target,) = targets_of([f"{hook.url}?format={form}"])
        assert target.send("S", HOSTILE) == ""
        assert shown in hook.messages[-1][1]
        assert "<b>bold" not in hook.messages[-1][1]


def test_subject_can_not_add_a_header_to_a_mail() -> None:
    with mail_server() as mail:
        (target,) = targets_of([mail.url])
        target.send("S Bcc: all@town.example", "text")
        assert mail.whole[0]["Bcc"] is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda url: url.replace(USER, "nobody"), "answered with HTTP status 401"),
        (lambda _: f"json://{USER}:{PASSWORD}@127.0.0.1:{free_port()}/", "could not be reached, or broke off"),
        (lambda _: mail_to(free_port(), PASSWORD), "could not be reached, or broke off"),
    ],
)
def test_failure_is_said_in_words_of_ours_and_shows_no_password(
    change: Callable[[str], str],
    said: str,
    hook: Receiver,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(1, "apprise")
    (target,) = targets_of([change(hook.url)])
    why = target.send("S", "text")
    assert said in why
    assert why
    logging.getLogger("urllib3").warning("as before")
    assert [record.getMessage() for record in caplog.records] == ["as before"]
    for text in (why, str(target), repr(target), "".join(capfd.readouterr()), caplog.text):
        assert PASSWORD not in text
    assert hook.messages == []


def test_error_inside_a_service_names_its_kind_alone(hook: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> bool:
        raise RuntimeError(hook.url)

    (target,) = targets_of([hook.url])
    monkeypatch.setattr("apprise.Apprise.notify", broken)
    assert target.send("S", "text") == "failed with RuntimeError"


@pytest.mark.parametrize("url", [f"{PASSWORD}://host", f"bogus {PASSWORD}", "json://", "mailto://"])
def test_unknown_url_is_named_by_its_number(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(TaskAnalysisError) as caught:
        targets_of(["json://host", "json://host", url])
    assert str(caught.value).startswith("target 2 is not a URL that apprise knows")
    assert PASSWORD not in str(caught.value) + "".join(capfd.readouterr())


def test_missing_package_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(TaskAnalysisError, match="needs the package apprise") as caught:
        targets_of(["json://host"])
    assert str(caught.value) == MISSING


def test_hash_gives_no_password_away_and_depends_on_all_of_the_url() -> None:
    urls = [f"json://{USER}:{PASSWORD}@host", f"json://{USER}:other@host", f"json://{USER}:{PASSWORD}@host/"]
    assert len({key_of(url, "salt") for url in urls}) == 3
    assert key_of(urls[0], "salt") == key_of(urls[0], "salt")
    assert all(len(key_of(url, "salt")) == 32 for url in urls)
    assert str(Target(1, "json", urls[0])) == "target 1 (json)"
