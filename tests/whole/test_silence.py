"""Silence is never good news: whatever a collector loses, no alarm goes quiet; and what is well stays quiet.

``python -m tests.whole.test_silence NUMBER SEED`` tries many more random shares than the tests.
"""

import hashlib
import json
import random
import shutil
import sys
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from taskanalysis.errors import Problem, SnapshotError
from taskanalysis.health import NOTHING, Assessment, Verdict, find_news
from taskanalysis.history import plan_pruning, prune, read_history, update_store, verify
from taskanalysis.publish import make
from taskanalysis.publish.index import index_page, read_standing
from taskanalysis.publish.pages import LAST_KNOWN, Rendered, Run
from taskanalysis.report import Inventory, StatusPage, TaskStories, Trends
from taskanalysis.snapshot import FUTURE, stamp_of
from tests.build import page_of, rewrite_manifest
from tests.whole.offices import (
    DAY,
    END,
    HOUR,
    LOSSES,
    MINUTE,
    Job,
    Loss,
    Office,
    healthy,
    judged,
    with_alarm,
    without_more_snapshots,
)

CALM = "no need to worry"
WELL = ("Nothing to do", "Yes", "Better", "About as good", "None of", "No task", "0 need attention")
"""How an answer or a title begins that calls it well, and what takes that back."""
LIMITS = (LAST_KNOWN, "not everything could be seen", "not all seen", "be judged", "stale")


def check_loss(folder: Path, seed: int, loss: Loss | None = None) -> None:
    """A share with an alarm that then loses one to three things: the code is never 0, and nothing calls it well."""
    dice = random.Random(seed)
    office, job = with_alarm(dice)
    losses = [loss] if loss else sorted(dice.sample(LOSSES, dice.randint(1, 3)), key=LOSSES.index)
    what = (seed, *(one.__name__ for one in losses))
    office.write_all(folder, leave=1)
    before = judged(folder, office.moments[-2] + MINUTE)
    assert job.path in {task.path for task in before.loud}, (*what, "the alarm was not there", before.unseen)
    for one in losses:
        one(office, job, folder)
    now = END + (30 * DAY if without_more_snapshots in losses else 0 * DAY)
    try:
        found = judged(folder, now)
    except SnapshotError:
        return  # exit code 2, one sentence
    assert found.code != 0, what
    assert CALM not in " ".join(found.lines()), what
    check_pages(Pages(folder, found, now), office, what)


class Pages:
    """The pages, index and summary of an assessment, made as `make_reports` does it but for the notebooks."""

    def __init__(self, folder: Path, found: Assessment, now: datetime) -> None:
        snapshot, out = found.snapshot, folder / "made"
        self.found, self.now = found, now
        run = Run("20261120T000000Z", now, snapshot.taken_at, found.stale_after, snapshot.zone, ("status",), (), "SRV")
        made = make._Made(replace(run, names=("status", "inventory", "trends")), out, out, {"data": ""})
        for kind, days in ((StatusPage, {}), (Inventory, {}), (Trends, {"days": 30})):
            page: Any = kind(snapshot, found.folder, found.history, **days)
            page.save(made.files[page.title.lower()])
            answer = page.answer._repr_mimebundle_()
            body, card = answer["text/html"], next(value for name, value in answer.items() if "card" in name)
            shown = Rendered(page.title, body, page.heading.read_at, page.heading.stale_after, card)
            made.rendered[page.title.lower()] = shown
        self.standing = read_standing(made.files["status"] / "status.json")
        made.write_pages(self.standing, now)
        made.write_summary(self.standing, now)
        shutil.copy(made.files["status"] / "status.json", made.latest)  # as `publish` does
        cards = {name: rendered.card for name, rendered in made.rendered.items()}
        index = index_page(out, made.run, failed=[], cards=cards)([], [])
        (out / "index.html").write_text(index, encoding="utf-8")
        files = [out / "index.html", *(made.latest / f"{name}.html" for name in made.rendered)]
        pages = {file.stem: page_of(file) for file in files}
        self.answers = {name: " ".join(page.xpath("string(//h1)").split()) for name, page in pages.items()}
        self.titles = {name: str(page.findtext(".//title")) for name, page in pages.items()}
        self.said = {name: page.xpath("//ul[contains(@class, 'unseen')]/li/text()") for name, page in pages.items()}
        self.cards = [
            (str(card.xpath("string(strong)")), card.get("class") != "no")
            for card in pages["index"].xpath("//div[@class='three']/div")
        ]
        self.summary = (made.latest / "summary.txt").read_text(encoding="utf-8").splitlines()
        self.first_line = self.summary[0]
        self.text = " ".join([*(page.xpath("string(//main)") for page in pages.values()), self.first_line])
        shutil.rmtree(out)


def is_calm(answer: str) -> bool:
    """Whether an answer or a title calls it well."""
    return answer.startswith(WELL) and not any(limit in answer for limit in LIMITS)


def check_pages(pages: Pages, office: Office, what: object) -> None:
    """Where something needs attention or is unseen, index and pages have the numbers of the check, and are not calm."""
    found, standing, inventory = pages.found, pages.standing, pages.answers["inventory"]
    assert standing, what
    assert standing.code(pages.now) == found.code, what
    assert standing.attention == (len(found.loud) if found.is_known else None), what
    assert CALM not in pages.text, (what, pages.answers)
    calm = {name for name, answer in pages.answers.items() if is_calm(answer)}
    calm |= {name for name, title in pages.titles.items() if is_calm(title)}
    if not found.unseen and any(task.verdict.value != "OK" for task in found.loud):
        calm -= {"trends"}  # other tasks may be better than they were, and all of them are seen
    assert calm <= {"inventory"}, (what, pages.answers, pages.titles)
    if "inventory" in calm:  # nothing was lost of the backup: it holds all that the server has
        number = f"all {len(office.jobs)} tasks" if len(office.jobs) > 1 else "the one task"
        assert inventory.startswith(f"Yes, {number} can be put back"), (what, inventory, found.unseen)
    for (answer, is_good), name in zip(pages.cards, ("status", "inventory", "trends"), strict=True):
        assert answer == pages.answers[name], what
        assert is_good <= (name in calm or name == "trends"), (what, name, answer)


def check_health(folder: Path, seed: int) -> None:
    """A share on which all is well: exit code 0, and the pages say so."""
    office = healthy(random.Random(seed))
    office.write_all(folder)
    found = judged(folder)
    assert found.code == 0, (seed, found.lines())
    pages, number = Pages(folder, found, END), len(office.jobs)
    assert pages.answers["index"] == pages.answers["status"] == "Nothing to do: no task needs attention", seed
    assert pages.answers["inventory"] == f"Yes, all {number} tasks can be put back", seed
    assert pages.titles["index"] == "0 need attention – Overview – SRV", seed
    assert [is_good for _, is_good in pages.cards][:2] == [True, True], seed
    later = Pages(folder, judged(folder, END + 30 * DAY), END + 30 * DAY)
    assert not any(map(is_calm, [*later.answers.values(), *later.titles.values()])), (seed, later.answers, later.titles)
    assert CALM not in later.text, seed


# Situations -----------------------------------------------------------------------------------------------------------


def office(number: int = 12, spacing: timedelta = 6 * HOUR, jobs: int = 8, **given: Any) -> Office:
    """Eight daily tasks at 03:00 UTC, and a snapshot every six hours."""
    known = [Job(f"\\OpenData\\T{place}", hour=3 * HOUR, **given) for place in range(jobs)]
    made = Office("UTC", known, spacing, number, 1, random.Random(1))
    made.simulate()
    return made


def said(folder: Path, now: datetime = END) -> tuple[int, str, list[str]]:
    """Exit code, headline and what was not seen."""
    found = judged(folder, now)
    return found.code, found.headline, found.unseen


def verdicts(folder: Path) -> set[str]:
    return {task.verdict.value for task in judged(folder).loud}


ALL, NONE = "8 of 8 tasks need attention", "None of 8 tasks needs attention"


def test_snapshot_of_the_future_is_not_the_newest(tmp_path: Path) -> None:
    office(code=1).write_all(tmp_path)
    calm = office()
    calm.write(tmp_path, END + 3650 * DAY)
    named = f"1 problem in the data that were read: SRV/20361117T000000Z {FUTURE}."
    assert said(tmp_path) == (3, f"{ALL}; not everything could be seen.", [named])
    pages = Pages(tmp_path, judged(tmp_path), END)
    assert pages.said["index"] == [named]
    assert all(named in said_there for said_there in pages.said.values())
    (problem,) = judged(tmp_path).problems
    assert (problem.file, problem.what) == ("SRV/20361117T000000Z", FUTURE)
    calm.write(tmp_path, END + 9 * MINUTE)  # clocks may be that far apart
    assert verdicts(tmp_path) == set()
    assert [problem.file for problem in read_history(tmp_path, update=True).problems] == ["SRV/20361117T000000Z"]
    assert "SRV/20361117T000000Z" in {problem.file for problem in verify(tmp_path).problems}


@pytest.mark.parametrize("zone", ["Asia/Kolkata", ""])
def test_wrong_or_missing_zone_does_not_excuse_days(zone: str, tmp_path: Path) -> None:
    late = office(until=END - 10 * DAY)
    for at in late.moments:
        late.write(tmp_path, at, zone=zone)
    assert verdicts(tmp_path) == {"OVERDUE"}
    reason = judged(tmp_path).loud[0].reason
    assert "That is likely, not certain: " in reason
    assert ("the time zone of the server is not known" if not zone else "Windows gives another next start") in reason


def test_tasks_in_doubt_are_counted_and_named(tmp_path: Path) -> None:
    fine = office()
    for at in fine.moments:
        fine.write(tmp_path, at, zone="Asia/Kolkata")
    code, headline, unseen = said(tmp_path)
    assert (code, headline) == (3, "Not known: none of 8 tasks could be judged.")
    assert unseen[0].startswith("8 tasks: not judged, because Windows gives another next start (2026-11-20 08:30) than")
    assert unseen[0].endswith("\\T4 and 3 others.")


def test_windows_that_plans_nothing_is_loud(tmp_path: Path) -> None:
    office(plans=False).write_all(tmp_path)
    assert said(tmp_path)[:2] == (1, f"{ALL}.")
    assert {task.rule for task in judged(tmp_path).loud} == {"no further start"}


def test_old_backup_is_said_though_statuses_go_on(tmp_path: Path) -> None:
    old = office()
    old.write(tmp_path, END - 90 * DAY)
    new = office(jobs=11)
    for at in new.moments:
        new.write(tmp_path, at, full=False)
    code, headline, unseen = said(tmp_path)
    assert (code, headline) == (3, "None of 8 tasks needs attention; 3 others could not be judged.")
    assert unseen[1:] == [
        "No: 3 of 11 tasks are not in the backup: \\OpenData\\T10, \\OpenData\\T8 and \\OpenData\\T9.",
        "The backup is stale: its definitions are of 2026-08-22 00:00 (UTC).",
    ]
    page = Inventory.read(tmp_path)
    assert page.answer.lines[0] == "No: 3 of 11 tasks are not in the backup."
    assert page.missing.frame["task_path"].tolist() == [f"\\OpenData\\T{place}" for place in (10, 8, 9)]
    assert page.heading.stale_after == END - 90 * DAY + 26 * HOUR


def test_refused_folder_keeps_its_alarm(tmp_path: Path) -> None:
    bad = office(code=1)
    bad.write_all(tmp_path, leave=1)
    calm = [job for job in bad.jobs if job.path > "\\OpenData\\T2"]
    bad.write(tmp_path, bad.moments[-1], jobs=calm, problems=[Problem("\\OpenData", "access is denied")])
    code, headline, unseen = said(tmp_path)
    assert (code, headline) == (3, f"{ALL}; not everything could be seen.")
    assert unseen == [
        "It was refused \\OpenData (access is denied).",
        "No: 3 of 8 tasks are not in the backup: \\OpenData\\T0, \\OpenData\\T1 and \\OpenData\\T2.",
    ]
    assert sum("when last seen, 6 hours ago" in task.reason for task in judged(tmp_path).loud) == 3
    assert "removed" not in set(read_history(tmp_path, update=True).changes["kind"])


def test_collector_that_lost_its_rights_is_named(tmp_path: Path) -> None:
    bad = office(code=1)
    bad.write_all(tmp_path, leave=1)
    bad.write(tmp_path, bad.moments[-1], jobs=bad.jobs[:4], elevated=False, collected_by="TOWN\\bob")
    code, _, unseen = said(tmp_path)
    assert (code, unseen[0]) == (3, "The collector is no longer elevated, and runs as TOWN\\bob, before as SYSTEM.")
    assert len(judged(tmp_path).loud) == 8
    for page in PAGES:
        assert unseen[0] in page.read(tmp_path).answer.lines


PAGES = (StatusPage, Inventory, Trends, TaskStories)
LESS_RIGHTS = {"elevated": False, "collected_by": "TOWN\\bob"}
REFUSALS = {"problems": [Problem(place, "access is denied") for place in ("\\OpenData", "\\Other")]}


@pytest.mark.parametrize(
    ("given", "lost"),
    [
        (LESS_RIGHTS, "The collector is no longer elevated, and runs as TOWN\\bob, before as SYSTEM."),
        (REFUSALS, "It was refused \\OpenData (access is denied)."),
        ({"jobs": []}, "It listed no task, and 8 before."),
    ],
    ids=["rights", "folder", "rows"],
)
def test_what_the_collector_lost_is_named_while_tasks_are_hidden(
    given: dict[str, Any], lost: str, tmp_path: Path
) -> None:
    bad = office(code=1)
    bad.write_all(tmp_path, leave=2)
    for moment in bad.moments[-2:]:
        bad.write(tmp_path, moment, **{"jobs": bad.jobs[:4], **given})
        for page in PAGES:
            assert page.read(tmp_path).answer.lines.count(lost) == 1, (moment, page)
    assert "\\Other" not in " ".join(said(tmp_path)[2])


def test_what_the_collector_lost_is_no_longer_named_once_all_tasks_are_seen(tmp_path: Path) -> None:
    bad = office(code=1)
    bad.write_all(tmp_path, leave=2)
    bad.write(tmp_path, bad.moments[-2], jobs=bad.jobs[:4], elevated=False)
    assert said(tmp_path)[2][0] == "The collector is no longer elevated."
    bad.write(tmp_path, bad.moments[-1])
    assert said(tmp_path)[2] == []


def test_past_that_cannot_be_read_is_not_quiet(tmp_path: Path) -> None:
    bad = office(code=1)
    bad.write_all(tmp_path, leave=4)
    for folder in (tmp_path / "snapshots/SRV/2026-11").iterdir():
        (folder / "snapshot.json").write_bytes(b"{")
    fine = office(jobs=1)
    for at in fine.moments[-4:]:
        fine.write(tmp_path, at, elevated=False, collected_by="TOWN\\bob")
    code, headline, unseen = said(tmp_path)
    assert (code, headline) == (3, "None of 1 task needs attention; not everything could be seen.")
    assert unseen == ["Part of the past is not known: 8 problems in the history."]
    check_pages(Pages(tmp_path, judged(tmp_path), END), fine, "past")


@pytest.mark.parametrize("cause", ["month", "list", "log"])
def test_each_loss_of_the_past_is_seen_everywhere(tmp_path: Path, cause: str) -> None:
    fine = office()
    fine.write_all(tmp_path)
    update_store(tmp_path)
    prune(tmp_path, plan_pruning(tmp_path, before=fine.moments[4]))
    assert said(tmp_path)[0] == 0
    match cause:
        case "month":
            (tmp_path / "snapshots/SRV/2026-08").mkdir()
            (tmp_path / "snapshots/SRV/2026-11" / stamp_of(fine.moments[-2])).rename(
                tmp_path / "snapshots/SRV/2026-08" / stamp_of(fine.moments[-2])
            )
        case "list":
            (tmp_path / "history/pruned.json").write_bytes(b"{")
        case "log":
            (tmp_path / "eventlogs/SRV").mkdir(parents=True)
            (tmp_path / "eventlogs/SRV/log.xml").write_bytes(b"<html>")
    code, headline, unseen = said(tmp_path)
    assert (code, headline) == (3, f"{NONE}; not everything could be seen.")
    assert unseen == ["Part of the past is not known: 1 problem in the history."]
    check_pages(Pages(tmp_path, judged(tmp_path), END), fine, cause)


def test_history_that_was_built_again_is_no_doubt(tmp_path: Path) -> None:
    office().write_all(tmp_path)
    update_store(tmp_path)
    for file in tmp_path.glob("history/server=SRV/*/*.parquet"):
        file.write_bytes(b"PAR1")
    found = judged(tmp_path)
    assert (found.code, found.unseen) == (0, [])
    assert found.remarks == [f"{len(found.problems)} problems in the history, with nothing lost."]


def test_alarm_survives_a_snapshot_without_tasks(tmp_path: Path) -> None:
    late = office(jobs=2, until=END - 10 * DAY)
    late.write_all(tmp_path, leave=2)
    late.write(tmp_path, late.moments[-2], statuses=[])
    late.write(tmp_path, late.moments[-1])
    assert verdicts(tmp_path) == {"OVERDUE"}


@pytest.mark.parametrize("how", ["cut", "gone"])
def test_lost_definitions_are_said_on_every_page(how: str, tmp_path: Path) -> None:
    late = office(until=END - 10 * DAY)
    late.write_all(tmp_path)
    assert verdicts(tmp_path) == {"OVERDUE"}
    first = min((tmp_path / "snapshots/SRV/2026-11").iterdir())
    if how == "gone":
        shutil.rmtree(first)
    for file in first.rglob("*.xml"):
        file.write_bytes(file.read_bytes()[:300])
    code, headline, unseen = said(tmp_path)
    assert (code, headline) == (3, "Not known: none of 8 tasks could be judged.")
    named = ", ".join(f"\\OpenData\\T{place}" for place in range(5))
    assert f"No: 8 of 8 tasks are not in the backup: {named} and 3 others." in unseen
    assert Inventory.read(tmp_path).answer.lines[0] == "No: 8 of 8 tasks are not in the backup."


def test_start_that_a_run_overlapped_is_missed_nowhere(tmp_path: Path) -> None:
    long = office(spacing=10 * MINUTE, number=52, jobs=1)
    long.jobs[0] = Job("\\A\\Slow", every=HOUR, took=(2.5 * HOUR, 2.5 * HOUR))
    long.simulate()
    long.write_all(tmp_path)
    assert said(tmp_path)[0] == 0
    page = Trends.read(tmp_path)
    assert set(page.slots["fate"]) == {"seen", "overlapped"}


@pytest.mark.parametrize(("late", "is_full"), [(0, True), (9, True), (0, False), (9, False)])
def test_subject_of_a_message_is_the_first_line_of_the_summary(late: int, is_full: bool, tmp_path: Path) -> None:
    calm = office()
    calm.write_all(tmp_path, leave=1)
    calm.write(tmp_path, calm.moments[-1], full=is_full)
    found = judged(tmp_path, now := END + late * DAY)
    subject = find_news(found, NOTHING).subject
    assert Pages(tmp_path, found, now).first_line == subject
    assert ("stale: a newer one was due" in subject) == (late > 0)
    assert (CALM in subject) == (late == 0)


def test_nothing_is_calm_beside_another_server_that_was_not_judged(tmp_path: Path) -> None:
    office().write_all(tmp_path)
    assert CALM in Pages(tmp_path, judged(tmp_path), END).text
    first = min((tmp_path / "snapshots/SRV/2026-11").iterdir())
    other = shutil.copytree(first, tmp_path / "snapshots/ZULU/2026-11" / first.name)
    rewrite_manifest(other, server="ZULU")
    pages = Pages(tmp_path, judged(tmp_path), END)
    assert CALM not in pages.text
    counted = "None of 8 tasks needs attention; 1 other server is not counted here"
    assert pages.answers["index"] == pages.answers["status"] == counted
    assert pages.first_line.endswith(f": {counted}.")
    assert "1 other server of this share not judged here: ZULU (--all-servers judges all)." in pages.summary
    assert judged(tmp_path).code == 0


def test_two_old_snapshots_are_stale_after_eight_days_at_most(tmp_path: Path) -> None:
    rare = office(number=2, spacing=350 * DAY)
    rare.write_all(tmp_path)
    assert judged(tmp_path).stale_after == rare.moments[-1] + 8 * DAY
    assert said(tmp_path, END + 9 * DAY)[0] == 3


def test_row_that_cannot_be_read_is_not_quiet(tmp_path: Path) -> None:
    bad = office(code=2147943726)
    bad.write_all(tmp_path)
    file = max((tmp_path / "snapshots/SRV/2026-11").iterdir()) / "status.csv"
    file.write_bytes(file.read_bytes().replace(b"2147943726", b"99999999999", 1))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    manifest = json.loads((file.parent / "snapshot.json").read_text(encoding="utf-8"))
    rewrite_manifest(file.parent, sha256=manifest["sha256"] | {"status.csv": digest})
    code, headline, _ = said(tmp_path)
    assert (code, headline) == (3, f"{ALL}; not everything could be seen.")


def test_missed_starts_of_verdicts_are_those_of_the_slots(tmp_path: Path) -> None:
    for seed in range(6):
        made, _ = with_alarm(random.Random(seed))
        made.write_all(tmp_path / str(seed))
        page = Trends.read(tmp_path / str(seed))
        missed = page.slots[page.slots["fate"] == "missed"]
        for task in page.judged:
            own = missed[(missed["task_path"] == task.path) & (missed["expected"] > task.status.last_run)]
            if task.verdict is Verdict.OVERDUE and task.due.missed and task.due.missed.first > page.begin:
                assert own["count"].sum() == task.due.missed.number, (seed, task.path)
            elif task.verdict is Verdict.OK:
                assert own["count"].sum() == 0, (seed, task.path)


# A few of each kind, the same each time -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_loss_never_quiets_an_alarm(loss: Loss, tmp_path: Path) -> None:
    check_loss(tmp_path / "0", 0, loss)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_what_is_well_is_quiet(tmp_path: Path, seed: int) -> None:
    check_health(tmp_path / "share", seed)


# New ones each time ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_random_losses_never_quiet_an_alarm(tmp_path: Path) -> None:
    for seed in random.SystemRandom().sample(range(10**9), 30):
        check_loss(tmp_path / "share", seed)
        shutil.rmtree(tmp_path / "share")


@pytest.mark.slow
def test_random_shares_that_are_well_are_quiet(tmp_path: Path) -> None:
    for seed in random.SystemRandom().sample(range(10**9), 30):
        check_health(tmp_path / "share", seed)
        shutil.rmtree(tmp_path / "share")


def try_many(number: int, first: int) -> None:
    """Random losses, a tenth as many healthy shares; prints each failure with its seed."""
    failures = 0
    for seed in range(first, first + number):
        with tempfile.TemporaryDirectory() as folder:
            try:
                check_loss(Path(folder) / "loss", seed)
                if seed % 10 == 0:
                    check_health(Path(folder) / "healthy", seed)
            except AssertionError as error:
                failures += 1
                print(json.dumps(str(error)[:1500]))
    print(f"{number} losses, {number // 10} healthy shares from seed {first}: {failures} failures")


if __name__ == "__main__":
    try_many(int(sys.argv[1]), int(sys.argv[2]))
