"""Spans hold their observations, and files read at once are read as by the strict reader."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskanalysis.history.spans import FIRST, WIDTH, expand, merged, moved, regular, rows_of
from taskanalysis.snapshot.status import STATUS_HEADER, Status, read_statuses
from tests.build import LOAD, status, write

VALUES = st.sampled_from([None, 1, 2])
DAY = st.lists(st.dictionaries(st.sampled_from([0, 1, 2]), VALUES, max_size=3), min_size=1, max_size=9)


def observed(day: list[dict[int, int | None]], positions: list[int]) -> np.ndarray:
    """Rows of these snapshots (task to value), at their positions."""
    made = [
        [task, position, position, *rows_of([Status("\\A", missed_runs=value)])[0][0, 3:].tolist()]
        for position, snapshot in zip(positions, day, strict=True)
        for task, value in snapshot.items()
    ]
    return np.array(made, np.int64).reshape(-1, WIDTH)


def expanded(spans: np.ndarray) -> set[tuple[int, ...]]:
    span, position = expand(spans[:, 1], spans[:, 2])
    return {(row[0], at, *row[3:]) for row, at in zip(spans[span].tolist(), position.tolist(), strict=True)}


@given(DAY)
def test_spans_hold_exactly_their_observations(day: list[dict[int, int | None]]) -> None:
    made = observed(day, list(range(len(day))))
    spans = merged(made)
    assert expanded(spans) == {(row[0], row[1], *row[3:]) for row in made.tolist()}
    keys = [(row[0], row[2] + 1, *row[3:]) for row in spans.tolist()]
    assert not set(keys) & {(row[0], row[1], *row[3:]) for row in spans.tolist()}  # none could be longer


@given(DAY, st.data())
def test_spans_grow_and_shrink_as_if_rebuilt(day: list[dict[int, int | None]], data: st.DataObject) -> None:
    fates = data.draw(st.lists(st.sampled_from(["old", "new", "both"]), min_size=len(day), max_size=len(day)))
    before = [number for number, fate in enumerate(fates) if fate != "new"]
    after = [number for number, fate in enumerate(fates) if fate != "old"]
    place = {number: position for position, number in enumerate(after)}
    spans = merged(observed([day[number] for number in before], list(range(len(before)))))
    kept = moved(spans, np.array([place.get(number, -1) for number in before], np.int64))
    fresh = [number for number in after if number not in before]
    added = observed([day[number] for number in fresh], [place[number] for number in fresh])
    rebuilt = merged(observed([day[number] for number in after], list(range(len(after)))))
    assert merged(np.concatenate([kept, added])).tolist() == rebuilt.tolist()


HEADER = ",".join(STATUS_HEADER)
CELL = st.sampled_from(["", "never", "Ready", "true", "0", "4294967296", "12", "x", '"Ready"', "\\A", '"\\A, b"', "é"])
TIME = st.sampled_from(["", "never", "2026-11-20T12:00:00-05:00", "2026-11-20T12:00:00.5Z", "2026-11-20T12:00:00", "x"])
PATH = st.sampled_from(
    ["\\A", "\\B", "\\A\\B", '"\\A, b"', '"\\say ""so"""', "A", "", '\\A"b', '"\\A"b', '"\\x\ny"', "\\é"]
)
ROW = st.one_of(
    st.tuples(
        PATH,
        st.sampled_from(["", "Ready", "Running", "other"]),
        st.sampled_from(["", "true", "false", "True"]),
        TIME,
        st.sampled_from(["", "0", "267009", "4294967295", "4294967296", "-1", " 1", "007"]),
        TIME,
        st.sampled_from(["", "0", "3"]),
    ),
    st.lists(CELL, max_size=8),
)
ENDS = st.sampled_from(["\r\n", "\r\n", "\n", "\r", "\r\n\r\n", ""])


@pytest.mark.parametrize("examples", [80, pytest.param(400, marks=pytest.mark.slow)])
def test_regular_file_is_read_as_by_the_strict_reader(tmp_path: Path, examples: int) -> None:
    @settings(max_examples=examples)
    @given(st.lists(st.tuples(ROW, ENDS), max_size=4), st.sampled_from(["", "", "", "\ufeff", "x"]))
    def check(lines: list[Any], begin: str) -> None:
        text = begin + HEADER + "\r\n" + "".join(",".join(cells) + end for cells, end in lines)
        file = tmp_path / "status.csv"
        file.write_bytes(text.encode())
        problems: list[Any] = []
        strict = rows_of(list(read_statuses(file, None, problems).values()))
        if found := regular([file.read_bytes()]):
            assert problems == []
            by_path = dict(zip(np.array(found[1], object)[found[0][:, 0]], found[0][:, 3:].tolist(), strict=True))
            assert by_path == dict(zip(strict[1], strict[0][:, 3:].tolist(), strict=True))

    check()


@pytest.mark.parametrize(
    "rows_",
    [
        ["\\A,Ready,,,,,", "\\A,Ready,,,,,"],
        ['"\\A\r\nB",Ready,,,,,'],
        ["\\A,Ready,,,,,\r\\B,Ready,,,,,"],
        ["\\A,Ready,,,,"],
        ["\\A,ready,,,,,"],
        ["\\A,Ready,,2026-11-20T12:00:00,,,"],
        [""],
    ],
)
def test_files_are_read_at_once_and_an_irregular_one_is_left_to_the_strict_reader(
    tmp_path: Path, rows_: list[str]
) -> None:
    other = '\\OpenData\\Other, the "second"'
    good = (write(tmp_path, 0, status(), status(other)) / "status.csv").read_bytes()
    found = regular([good, good])
    assert found
    assert (found[0][:, FIRST].tolist(), found[1]) == ([0, 0, 1, 1], [LOAD, other])
    assert regular([good, "\r\n".join([HEADER, *rows_, ""]).encode()]) is None
    assert regular([good, good[:-2]]) is None
    assert regular([good, b"\xef\xbb\xbf" + good]) is None
