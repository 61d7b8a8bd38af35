"""`notify` against a real SMTP server and a real web hook: thirty days of the sample share, and fifty kills.

The messages are listed by hand: what the stories of data/README.md should make people hear, and when. A line is the
day, what it is about (``+`` needs attention, ``*`` has grown, ``-`` no longer, ``?`` not seen, ``!`` seen again), and
what is said of which task.
"""

import random
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.build import ROOT
from tests.doubles.receivers import PASSWORD, mail_server, web_hook
from tests.whole.played import DAYS, noon, play

MESSAGES = r"""
10-25 + FAILING Portal\Catalog harvest
10-25 + FAILING Transit\Ridership
10-25 + OVERDUE Services\Recreation calendar
10-26 - OK, before FAILING: Portal\Catalog harvest
10-26 - OK, before OVERDUE: Services\Recreation calendar
10-27 + FAILING Transit\Bus stops
10-27 - OK, before FAILING: Transit\Ridership
10-27 ? The snapshot is stale: another was due by 2026-10-27 07:02 (America/New_York).
10-27 ? The backup is stale: its definitions are of 2026-10-26 19:02 (America/New_York).
10-29 + FAILING Transit\Bus stops
10-29 ! The snapshot is stale: another was due by 2026-10-27 07:02 (America/New_York).
10-29 ! The backup is stale: its definitions are of 2026-10-26 19:02 (America/New_York).
10-30 - OK, before FAILING: Transit\Bus stops
10-31 + FAILING Portal\Catalog harvest
11-01 + FAILING Transit\Bus stops
11-01 + FAILING Transit\Ridership
11-01 - OK, before FAILING: Portal\Catalog harvest
11-02 - OK, before FAILING: Transit\Bus stops
11-03 + FAILING Transit\Bus stops
11-03 - OK, before FAILING: Transit\Ridership
11-04 - OK, before FAILING: Transit\Bus stops
11-05 + FAILING Portal\Catalog harvest
11-06 + FAILING Transit\Bus stops
11-06 + FAILING Portal\Full-text index
11-06 - OK, before FAILING: Portal\Catalog harvest
11-07 - OK, before FAILING 0x00041306: Portal\Full-text index
11-07 - OK, before FAILING: Transit\Bus stops
11-08 + FAILING Transit\Bus stops
11-08 + FAILING Transit\Ridership
11-09 - OK, before FAILING: Transit\Bus stops
11-10 + INCIDENT 9 tasks since 2026-11-09 07:10, all as TOWN\opendata, 0x8007052E
11-10 + FAILING Portal\Catalog harvest
11-10 - OK, before FAILING: Transit\Ridership
11-11 + FAILING Transit\Bus stops
11-11 - OK, before FAILING: Portal\Catalog harvest
11-12 - OK, before FAILING: Transit\Bus stops
11-13 + FAILING Transit\Bus stops
11-14 + FAILING Portal\Catalog harvest
11-14 - OK, before FAILING: Transit\Bus stops
11-15 + FAILING Transit\Ridership
11-15 + UNKNOWN Admin\Old exports
11-15 - OK, before FAILING: Portal\Catalog harvest
11-16 + FAILING Transit\Bus stops
11-17 - OK, before FAILING: Transit\Bus stops and Transit\Ridership
11-18 + FAILING Transit\Bus stops
11-19 + FAILING Portal\Full-text index
11-19 - OK, before FAILING: Transit\Bus stops
11-20 - OK, before FAILING 0x00041306: Portal\Full-text index
11-21 + FAILING Transit\Bus stops
11-21 + FAILING GIS\Address points
11-21 + OVERDUE Log clean-up
11-22 + FAILING Transit\Ridership
11-22 + RUNNING LONG Services\Crime statistics
11-22 - OK, before FAILING: Transit\Bus stops
11-23 + FAILING Transit\Bus stops
11-23 + FAILING Portal\Full-text index
11-23 + FAILING Services\Recreation calendar
11-23 + RUNNING LONG GIS\Tiles\Base map
11-23 - OK, before FAILING: GIS\Address points
"""
SIGNS = {
    "Needs attention:": "+",
    "Has grown:": "*",
    "No longer needs attention:": "-",
    "Could not be seen:": "?",
    "No longer so:": "!",
}
LINK = "https://town.example/reports"
KILLS = 50


def listed(text: str) -> list[str]:
    """The lines of a message in the form of `MESSAGES`, without the day."""
    *lines, link = text.splitlines()
    assert link == LINK
    found, sign = [], ""
    for line in filter(None, lines):
        if line in SIGNS:
            sign = SIGNS[line]
            continue
        said = line.removeprefix("- ").replace("\\OpenData\\", "")
        if sign in "+*":
            said = re.sub(r"^([A-Z ]+?)(?: \((?:NEW|AGAIN)\))?(?: since [-0-9]+ [:0-9]+)? ([^:]+): .*", r"\1 \2", said)
            said = re.sub(r"^(INCIDENT .*?0x\w+): .*", r"\1", line.removeprefix("- ")) if "INCIDENT" in line else said
        found.append(f"{sign} {said}")
    return found


def expected(day: int) -> list[str]:
    """What is to be sent on a day of the play."""
    date = f"{noon(day):%m-%d} "
    return [line.removeprefix(date) for line in MESSAGES.strip().splitlines() if line.startswith(date)]


@pytest.mark.slow
def test_thirty_days_give_exactly_the_messages_listed_by_hand_each_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    share = tmp_path / "share"
    with mail_server() as mail, web_hook() as hook:
        for day in range(DAYS):
            before = len(hook.messages)
            assert play(share, day, mail.url, hook.url) == 0
            assert play(share, day, mail.url, hook.url) == 0  # nothing new, nothing sent
            assert len(mail.messages) == len(hook.messages)
            new = hook.messages[before:]
            assert [line for _, text in new for line in listed(text)] == expected(day), noon(day)
            assert len(new) == bool(expected(day))
            assert all(re.match(r"OPENDATA01, 2026-\d\d-\d\d 0?\d*", subject) for subject, _ in new)
    assert [(subject, text.replace("\r", "")) for subject, text in mail.messages] == hook.messages
    assert len(hook.messages) == len({line[:5] for line in MESSAGES.split("\n") if line})
    assert all(message.get_content_type() == "text/plain" for message in mail.whole)
    kept = (share / "notified" / "OPENDATA01.json").read_text(encoding="utf-8")
    assert PASSWORD not in kept + "".join(capfd.readouterr())


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a process that is killed there ends in another way")
@pytest.mark.parametrize("part", range(2))  # two tests, to be run at once
def test_fifty_kills_lose_nothing_and_repeat_a_message_once_at_most(tmp_path: Path, part: int) -> None:
    kills, round_number = 0, 0
    with web_hook() as hook:
        hook.most_seconds = 0.3  # the answer waits: the moment between sending and keeping is long
        while kills < KILLS / 2:
            round_number += 1
            folder = tmp_path / str(round_number)
            folder.mkdir()
            kills += killed_play(folder, hook.url)
            sent = Counter(hook.messages)  # subjects have the time of the snapshot
            days = {tuple(expected(day)) for day in range(DAYS)} - {()}
            assert {tuple(listed(text)) for _, text in sent} == days, "nothing lost, nothing else"
            assert max(sent.values()) <= 2
            hook.messages.clear()


def killed_play(folder: Path, url: str) -> int:
    """Play all days, with one kill at a random moment for most days; the number of kills."""
    kills, mark = 0, folder / "day"
    mark.write_text("0", encoding="utf-8")
    command = [sys.executable, "-m", "tests.whole.played", str(folder / "share"), url]
    while True:
        began_at = mark.read_text(encoding="utf-8")
        child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        # the day that a kill interrupted is finished before the next kill
        while kills and child.poll() is None and mark.read_text(encoding="utf-8") == began_at:
            time.sleep(0.005)
        try:
            said, _ = child.communicate(timeout=random.uniform(0, 0.9 if kills else 2))
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            kills += 1
            continue
        assert child.returncode == 0, said
        return kills
