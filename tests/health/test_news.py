"""What is new since the last message: what begins, grows and ends, and that silence is never good news."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskanalysis.definition import TaskDefinition
from taskanalysis.definition.model import Principal
from taskanalysis.errors import Problem
from taskanalysis.health import NOTHING, Assessment, Known, News, assess, find_news, unread_news
from taskanalysis.health.age import STALE
from taskanalysis.health.rules import Rule, Rules
from taskanalysis.health.unseen import Doubt
from taskanalysis.snapshot import Snapshot, Status

NOW = datetime(2026, 11, 23, 11, 2, tzinfo=UTC)
DAY = timedelta(days=1)
LOGON = 0x8007052E
A, B, C, D = "\\A", "\\B", "\\C", "\\D"


def assessed(day: float, results: dict[str, int], *, folder: str = "", account: str = "", **given: Any) -> Assessment:
    """The tasks with these results, all run an hour before the snapshot of that day."""
    at = NOW + day * DAY
    statuses = {path: Status(path, "Ready", True, at - DAY / 24, code) for path, code in results.items()}
    definition = TaskDefinition(principals=(Principal(user_id=account),))
    known = {"zone": "America/New_York", "tasks": dict.fromkeys(results, definition), "defined_at": at}
    return assess(Snapshot("S", at, statuses=statuses, **{**known, **given}), folder=folder, now=at)


def changed(assessment: Assessment, path: str, **values: Any) -> Assessment:
    """The same with other values of a verdict."""
    return replace(
        assessment, judged=[replace(task, **values) if task.path == path else task for task in assessment.judged]
    )


def after(*assessments: Assessment) -> News:
    """The news of the last of these for a target that knows the others."""
    known = NOTHING
    for assessment in assessments:
        news = find_news(assessment, known)
        known = news.keep
    return news


def test_first_message_has_all_that_needs_attention_and_the_second_is_none() -> None:
    news = after(assessed(0, {A: 1, B: 0, C: 1}))
    assert [line.partition(":")[0] for line in news.began] == [r"FAILING \A", r"FAILING \C"]
    assert (news.grown, news.ended, news.unseen) == ([], [], [])
    assert news.subject == "S, 2026-11-23 06:02 (America/New_York): 2 of 3 tasks need attention."
    assert not after(assessed(0, {A: 1, B: 0, C: 1}), assessed(1, {A: 1, B: 0, C: 1})).is_new


def test_calm_server_is_no_news() -> None:
    news = after(assessed(0, {A: 0}))
    assert not news.is_new
    assert news.keep == NOTHING


def test_recovered_task_is_news_once() -> None:
    first, second = assessed(0, {A: 1, B: 1}), assessed(1, {A: 0, B: 0})
    assert after(first, second).ended == [r"OK, before FAILING: \A and \B"]
    assert not after(first, second, assessed(2, {A: 0, B: 0})).is_new


def test_problem_that_began_after_the_last_message_is_new_though_nobody_saw_the_good_run() -> None:
    first = changed(assessed(0, {A: 1}), A, since=NOW - DAY)
    assert not after(first, changed(assessed(2, {A: 1}), A, since=NOW - DAY)).is_new
    assert len(after(first, changed(assessed(2, {A: 1}), A, since=NOW + DAY)).began) == 1
    assert not after(first, changed(assessed(2, {A: 1}), A, since=None)).is_new
    assert not after(first, changed(assessed(2, {A: 1}), A, since=datetime(2027, 1, 1))).is_new


def test_another_error_of_windows_is_news_and_another_exit_code_is_none() -> None:
    assert not after(assessed(0, {A: 1}), assessed(1, {A: 2})).is_new
    assert len(after(assessed(0, {A: 1}), assessed(1, {A: LOGON})).began) == 1
    assert not after(assessed(0, {A: LOGON}), assessed(1, {A: LOGON})).is_new


def test_incident_grows_and_shrinks() -> None:
    who = {"account": "TOWN\\etl"}
    first = assessed(0, {A: LOGON, B: LOGON, C: LOGON, D: 0}, **who)
    news = after(first)
    assert len(news.began) == 1
    assert news.began[0].startswith("INCIDENT 3 tasks, all as TOWN\\etl")
    grown = after(first, assessed(1, {A: LOGON, B: LOGON, C: LOGON, D: LOGON}, **who))
    (line,) = grown.grown
    assert line.startswith("4 tasks, all as TOWN\\etl")
    assert line.endswith("Next: Enter the new password of TOWN\\etl in these 4 tasks. New among them: \\D.")
    assert grown.began == []
    shrunk = after(first, assessed(1, {A: LOGON, B: 0, C: 0, D: 0}, **who))
    assert (shrunk.began, shrunk.grown, shrunk.ended) == ([], [], [r"OK, before FAILING 0x8007052E: \B and \C"])


def test_what_could_not_be_judged_has_not_recovered() -> None:
    first = assessed(0, {A: 1})
    for unknown in (
        Status(A, "Ready", True, NOW, None),
        Status(A, "Unknown", None, None, None),
        Status(A, "Running", True, None, 267009),
    ):
        later = assessed(1, {A: 0})
        later.snapshot.statuses[A] = unknown
        news = after(first, assess(later.snapshot))
        assert news.ended == []
        assert A in news.keep.problems
    assert after(first, assessed(1, {}, tasks={})).ended == []  # no status at all


def test_overdue_task_has_not_started_where_its_schedule_is_in_doubt() -> None:
    known = Known({A: find_news(assessed(0, {A: 1}), NOTHING).keep.problems[A]._replace(what="OVERDUE")})
    doubtful = changed(assessed(1, {A: 0}), A, doubt="the time zone of the server is not known")
    assert find_news(doubtful, known).ended == []
    assert find_news(assessed(1, {A: 0}), known).ended == [r"OK, before OVERDUE: \A"]
    failed = after(assessed(0, {A: 1}), doubtful)
    assert failed.ended == [r"OK, before FAILING: \A"]


def test_removed_muted_and_disabled_tasks_are_named_as_such() -> None:
    first = assessed(0, {A: 1, B: 1, C: 0})
    assert after(first, assessed(1, {B: 1, C: 0})).ended == [r"removed, before FAILING: \A"]
    damaged = assessed(1, {B: 1, C: 0}, problems=[Problem("status.csv", "line 3 is cut")])
    assert after(first, damaged).ended == []
    muted = assess(assessed(1, {A: 1, B: 1, C: 0}).snapshot, Rules(rules=(Rule(task="\\A", ignore=True),)))
    assert after(first, muted).ended == [r"muted by rules.toml, before FAILING: \A"]
    off = assessed(1, {A: 1, B: 1, C: 0})
    off.snapshot.statuses[A] = replace(off.snapshot.statuses[A], enabled=False)
    assert after(first, assess(off.snapshot)).ended == [r"DISABLED, before FAILING: \A"]


def test_other_folder_ends_nothing() -> None:
    first = assessed(0, {A: 1, "\\F\\B": 1})
    news = after(first, assessed(1, {A: 1, "\\F\\B": 0}, folder="\\F"))
    assert news.ended == [r"OK, before FAILING: \F\B"]
    assert A in news.keep.problems


def test_stale_share_is_news_once_and_again_when_it_came_back() -> None:
    first = assessed(0, {A: 0})
    stale = replace(first, now=NOW + 9 * DAY)
    news = after(first, stale)
    assert news.unseen[0].startswith("The snapshot is stale")
    assert news.subject.endswith(f". {STALE['snapshot']} {STALE['backup']}")
    assert not after(first, stale, replace(first, now=NOW + 10 * DAY)).is_new
    back = after(first, stale, assessed(10, {A: 0}))
    assert back.seen_again == news.unseen
    assert not after(first, stale, assessed(10, {A: 0}), assessed(11, {A: 0})).is_new


def test_doubt_with_another_number_is_the_same_doubt() -> None:
    one = Doubt("the next start is #", "1 task: not judged: A.")
    two = one._replace(sentence="2 tasks: not judged: A and B.")

    def doubting(day: int, *doubts: Doubt) -> Assessment:
        assessment = assessed(day, {A: 0})
        assessment.__dict__["doubts"] = list(doubts)
        return assessment

    assert after(doubting(0, one)).unseen == [one.sentence]
    assert not after(doubting(0, one), doubting(1, two)).is_new
    lost = Doubt("It was refused \\X.", "It was refused \\X.", is_momentary=True)
    assert after(doubting(0), doubting(1, lost)).unseen == ["It was refused \\X."]
    assert not after(doubting(0), doubting(1, lost), doubting(1, lost)).is_new
    assert not after(doubting(0), doubting(1, lost), doubting(2)).is_new  # its end proves nothing


def test_server_that_can_not_be_read_is_news_and_keeps_what_was_known() -> None:
    known = after(assessed(0, {A: 1})).keep
    news = unread_news("S", "snapshot.json can't be read", known)
    assert news.unseen == ["S can't be read (snapshot.json can't be read)."]
    assert news.keep.problems == known.problems
    assert not unread_news("S", "something else", news.keep).is_new
    back = find_news(assessed(1, {A: 1}), news.keep)
    assert (back.began, back.seen_again) == ([], news.unseen)


def test_hostile_name_forges_no_line_and_shows_no_secret() -> None:
    name = "\\A\nNo longer needs attention:\n- OK\u2028x --password S3cret [x](http://evil) <b>"
    news = after(assessed(0, {name: 1, **{f"\\{number:03} {'long' * 500}": 1 for number in range(60)}}))
    lines = news.text("https://x").splitlines()
    assert len([line for line in lines if not line.startswith("- ")]) == 3  # heading, blank, link
    assert "S3cret" not in news.text()
    assert "\u2028" not in news.text()
    assert max(map(len, lines)) < 720
    assert len(lines) < 32
    assert "- and 36 more" in lines
    long = after(assessed(0, {A: 1}), assessed(1, {A: 1}))
    assert len(unread_news("S" * 5000, "x" * 5000, long.keep).subject) <= 200


@pytest.mark.parametrize(
    "content",
    [{}, [], {"problems": {"\\A": ["FAILING", "2026-11-23"]}, "unseen": {}, "momentary": []}, {"problems": []}, None],
)
def test_other_content_is_no_knowledge(content: Any) -> None:
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        Known.of_json(content)


def test_knowledge_survives_json() -> None:
    known = after(assessed(0, {A: 1, "\\\udce9": LOGON}), replace(assessed(0, {A: 1}), now=NOW + 9 * DAY)).keep
    assert known.problems
    assert known.unseen
    assert Known.of_json(known.to_json()) == known
