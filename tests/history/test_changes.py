"""Changes between snapshots: what is added, removed, switched or defined differently, and what only looks so."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taskanalysis.errors import Problem
from taskanalysis.history.changes import ELEVATED, proves_absence
from taskanalysis.history.frames import History, read_history
from taskanalysis.snapshot.status import Status
from tests.build import LOAD, NOON, history_of, hourly, hours, rows, status, write, xml


def changes(history: History, *columns: str) -> list[tuple[Any, ...]]:
    return rows(history.changes, "at", "kind", *columns)


def test_added_removed_enabled_and_disabled(tmp_path: Path) -> None:
    other = "\\Other"
    history = history_of(
        tmp_path,
        {
            0: [status()],
            1: [status(enabled=False), status(other)],
            2: [status(enabled=None)],
            3: [status(enabled=False)],
            16: [status(enabled=True), status(other)],
        },
    )
    assert changes(history, "task_path", "before", "after", "what") == [
        (1, "disabled", LOAD, "enabled", "disabled", "It was disabled."),
        (1, "added", other, "", "", "It was added."),
        (2, "removed", other, "", "", "It was removed."),
        (16, "enabled", LOAD, "disabled", "enabled", "It was enabled."),
        (16, "added", other, "", "", "It was added."),
    ]


def test_changes_of_several_servers_are_sorted_by_time(tmp_path: Path) -> None:
    for hour in range(6):
        for server, turn in (("A", 0), ("B", 1)):
            tasks = [status(), *([status("\\Other")] if hour % 2 == turn else [])]
            write(tmp_path, hour + turn / 2, *tasks, server=server)
    frame = read_history(tmp_path, update=False).changes
    assert frame["at"].is_monotonic_increasing
    assert frame["server"].tolist() == ["A", "B"] * 5


def test_outcome_change_is_a_difference_from_the_previous_run(tmp_path: Path) -> None:
    codes = [0, 0, 1, 267009, 1, 0x8007052E, 0]
    history = hourly(tmp_path, [(hour - 0.5, code) for hour, code in enumerate(codes)])
    assert changes(history, "before", "after", "fields") == [
        (2, "outcome", "succeeded", "failed", ""),
        (5, "outcome", "failed", "not started", ""),
        (6, "outcome", "not started", "succeeded", ""),
    ]


def test_equivalent_definition_is_no_change(tmp_path: Path) -> None:
    same = (
        "<Task><Settings><Enabled>true</Enabled></Settings><Actions><Exec><Command>a</Command></Exec></Actions></Task>"
    )
    texts = [xml("a"), same.encode("utf-8-sig"), xml("b"), b"<Task><b onclick='x'>", xml("b")]
    for hour, text in enumerate(texts):
        write(tmp_path, hour, status(), definitions={LOAD: text})
    found = changes(read_history(tmp_path), "what", "fields")
    assert found[0] == (2, "changed", "command from a to b", "actions.command")
    assert [(*row[:2], row[3]) for row in found[1:]] == [(3, "changed", ""), (4, "changed", "")]
    assert found[1][2].startswith("Its new definition can't be read: ")
    assert found[2][2].startswith("Its previous definition can't be read: ")


def disabled(text: str) -> bytes:
    return f"<Task><Settings><Enabled>{text}</Enabled></Settings></Task>".encode("utf-16")


@pytest.mark.parametrize(("observed", "kinds"), [(True, ["disabled"]), (False, ["changed"])])
def test_disabling_is_reported_once(tmp_path: Path, observed: bool, kinds: list[str]) -> None:
    for hour, text in enumerate(("true", "false")):
        enabled = (text == "true") if observed else None
        write(tmp_path, hour, status(enabled=enabled), definitions={LOAD: disabled(text)})
    assert [kind for _, kind in changes(read_history(tmp_path))] == kinds


def test_definition_that_was_out_of_scope_is_compared_with_the_one_before(tmp_path: Path) -> None:
    for hour, stored in enumerate([{LOAD: xml("a")}, {"\\Else": xml("x")}, {LOAD: xml("b")}]):
        write(tmp_path, hour, status(), definitions=stored)
    assert changes(read_history(tmp_path), "what") == [(2, "changed", "command from a to b")]


def test_deleted_definitions_are_not_compared(tmp_path: Path) -> None:
    folders = [write(tmp_path, hour, status(), definitions={LOAD: xml(text)}) for hour, text in enumerate("aba")]
    shutil.rmtree(folders[1] / "tasks")
    history = read_history(tmp_path)
    assert changes(history) == []
    assert history.definitions(hours(1.5)) == {}
    assert list(history.definitions(hours(2))) == [LOAD]


def many(number: int, **given: Any) -> list[Status]:
    return [status(f"\\T{each}", **given) for each in range(number)]


@pytest.mark.parametrize(
    ("counts", "removed"),
    [
        ([40, 31, 40], []),  # blind once
        ([40, 31, 31, 40], []),  # twice
        ([40, 31, 31, 31, 31], [(1, 9)]),  # three in a row: they have gone
        ([40, 31, 31, 31, 40], [(1, 9)]),
        ([40, 32, 40], [(1, 8)]),  # a fifth and no more
        ([10, 6, 10], [(1, 4)]),  # less than five
        ([40, 31], []),
        ([40, 0, 0, 40], []),
        ([40, 31, 22, 40], []),
    ],
)
def test_drop_in_tasks_is_doubted_until_three_snapshots_confirm_it(
    tmp_path: Path, counts: list[int], removed: list[tuple[int, int]]
) -> None:
    history = history_of(tmp_path, {hour: many(number) for hour, number in enumerate(counts)}, elevated=None)
    gone = history.changes.query("kind == 'removed'").groupby("at").size()
    assert [((at - NOON) / timedelta(hours=1), number) for at, number in gone.items()] == removed
    added = history.changes.query("kind == 'added'")
    assert len(added) == (sum(number for _, number in removed) if counts[-1] == counts[0] else 0)


@pytest.mark.parametrize(
    ("tasks", "account", "proves"),
    [
        ([40, 20, 40], [ELEVATED] * 3, [True, False, True]),
        ([40, 20, 40], [1, 1, 1], [True, False, True]),
        (
            [40, 20, 40, 39],
            [ELEVATED, 1, ELEVATED, 1],
            [True, True, True, True],
        ),  # accounts are compared with themselves
        ([40, 20, 20, 20], [1] * 4, [True, True, True, True]),  # three in a row
        ([40, 20, 20, 20], [1, 2, 1, 1], [True, True, False, False]),
        ([4, 0, 4, 4], [ELEVATED] * 4, [True, False, True, True]),  # no task at all
        ([4, 0, 0, 0], [1] * 4, [True] * 4),
        ([40, None, 40, 40], [1] * 4, [True, False, True, True]),  # could not be read whole: no drop
    ],
)
def test_drop_is_believed_where_three_in_a_row_of_one_account_confirm_it(
    tasks: list[int | None], account: list[int], proves: list[bool]
) -> None:
    whole = np.array([number is not None for number in tasks])
    assert (
        proves_absence(
            np.array([3 if number is None else number for number in tasks]), whole, np.array(account)
        ).tolist()
        == proves
    )


@pytest.mark.parametrize(
    ("rights", "removed"),
    [
        ([(True, "a"), (True, "b")], [1]),  # elevated both times
        ([(False, "a"), (False, "a")], [1]),
        ([(False, "a"), (True, "b")], [1]),  # an elevated one sees all
        ([(True, "a"), (False, "a")], []),
        ([(False, "a"), (False, "b")], []),
        ([(False, "a"), (False, "b"), (False, "a")], [2]),
        ([(True, "a"), (False, "b"), (True, "c")], [2]),
        ([(None, ""), (None, "")], [1]),
    ],
)
def test_task_is_removed_only_where_the_collector_would_have_seen_it(
    tmp_path: Path, rights: list[tuple[bool | None, str]], removed: list[int]
) -> None:
    for hour, (elevated, account) in enumerate(rights):
        gone = [] if hour else [status("\\Gone")]
        write(tmp_path, hour, status("\\Stays"), *gone, elevated=elevated, collected_by=account)
    changes = read_history(tmp_path).changes.query("kind == 'removed'")
    assert rows(changes, "task_path", "at") == [("\\Gone", hour) for hour in removed]


@pytest.mark.parametrize(("refused", "removed"), [("\\F", []), ("\\F\\Gone", []), ("\\Fo", [1]), ("\\G", [1])])
def test_task_whose_folder_was_refused_is_not_removed(tmp_path: Path, refused: str, removed: list[int]) -> None:
    write(tmp_path, 0, status("\\Stays"), status("\\F\\Gone"))
    write(tmp_path, 1, status("\\Stays"), problems=[Problem(refused, "access is denied")])
    changes = read_history(tmp_path).changes.query("kind == 'removed'")
    assert rows(changes, "task_path", "at") == [("\\F\\Gone", hour) for hour in removed]


def test_task_that_a_lesser_account_could_not_show_before_is_not_added(tmp_path: Path) -> None:
    write(tmp_path, 0, status("\\Stays"), elevated=False)
    write(tmp_path, 1, status("\\Stays"), status("\\Shown"))
    write(tmp_path, 2, status("\\Stays"), status("\\Shown"), status("\\New"))
    changes = read_history(tmp_path).changes.query("kind == 'added'")
    assert rows(changes, "task_path", "at") == [("\\New", 2)]
