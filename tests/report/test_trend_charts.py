"""Figures over time: blind days are gaps, words tell the numbers, colour is no only sign, names are only text."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from lxml import etree
from matplotlib.figure import Figure

from taskanalysis.report import trend_charts
from taskanalysis.report.charts import COLOURS, HATCHES, Chart
from taskanalysis.report.trend_tables import SIGNS
from taskanalysis.report.window import ENDINGS
from taskanalysis.results.decode import BAD_OUTCOMES

SVG = "{http://www.w3.org/2000/svg}"
OKABE_ITO = {"#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#999999"}
FIRST = datetime(2026, 11, 16)  # a Monday
GAP = [(datetime(2026, 11, 17, 19), datetime(2026, 11, 19, 7))]
HOSTILE = ["\\<script>x</script>", "\\$a$ and $b$", "\\任务", "\\" + "x" * 500, "\\a\nb & \"c\" 'd'"]


def days(number: int = 7, blind: tuple[int, ...] = (2,), **columns: list[int]) -> pd.DataFrame:
    """Days from a Monday on, those in `blind` blind; a column that is not given is of zeros."""
    index = pd.date_range(FIRST, periods=number)
    frame = pd.DataFrame(0, index=index, columns=[*ENDINGS, "snapshots", "failing"])
    for name, values in columns.items():
        frame[name.replace("_", " ")] = values
    return frame.assign(blind=[place in blind for place in range(number)])


def bars_of(chart: Chart, colour: str) -> int:
    """How many bars or outlines of a colour, or hatched on it, are drawn."""
    root = etree.fromstring(chart.svg)
    hatched = [
        pattern.get("id") for pattern in root.iter(f"{SVG}pattern") if pattern[0].get("fill", "").lower() == colour
    ]
    fills = [f"fill: {colour}", *(f"fill: url(#{name})" for name in hatched)]
    paths = [path for path in root.iter(f"{SVG}path") if any(fill in path.get("style", "").lower() for fill in fills)]
    drawn = [path for path in paths if not any("legend" in each.get("id", "") for each in path.iterancestors())]
    return sum(path.get("d").count("M") for path in drawn if path.getparent().get("id", "").startswith("patch"))


def texts(chart: Chart) -> list[str]:
    return [element.text for element in etree.fromstring(chart.svg).iter(f"{SVG}text")]


WEEK = days(
    succeeded=[9, 8, 7, 9, 9, 9, 3],
    failed=[1, 0, 5, 0, 2, 0, 1],
    not_started=[0, 0, 0, 0, 1, 0, 0],
    snapshots=[4, 3, 0, 3, 4, 4, 1],
    failing=[1, 1, 1, 0, 3, 3, 2],
)


# Blind days -----------------------------------------------------------------------------------------------------------


def test_blind_day_has_no_bar_even_where_runs_of_it_are_known() -> None:
    drawn = trend_charts.endings(WEEK, GAP)
    assert bars_of(drawn, COLOURS["failed"]) == 3, "of four days with failures one is blind"
    assert bars_of(drawn, COLOURS["succeeded"]) == 6
    assert bars_of(trend_charts.endings(WEEK.assign(blind=False), []), COLOURS["succeeded"]) == 7


def test_blind_day_is_no_zero_of_failing_tasks_nor_of_snapshots() -> None:
    assert bars_of(trend_charts.coverage(WEEK, GAP), "#0072b2") == 6
    assert bars_of(trend_charts.failing(WEEK, GAP), COLOURS["failed"]) == 2, "one outline before the gap, one after it"


def test_each_blind_time_is_hatched_and_the_first_are_named() -> None:
    for drawn in (trend_charts.endings(WEEK, GAP), trend_charts.coverage(WEEK, GAP), trend_charts.failing(WEEK, GAP)):
        assert texts(drawn).count("blind") == 1
        assert drawn.svg.count(b'fill="#eef1f4"') == 1
    assert "blind" not in texts(trend_charts.coverage(WEEK, []))


# Words ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            trend_charts.failing,
            "Area chart. How many tasks were failing at the end of each day? "
            "1 on 2026-11-16, 2 on 2026-11-22; most: 3 on 2026-11-20.",
        ),
        (
            trend_charts.coverage,
            "Bar chart. How many snapshots are there of each day? 3 on most of 7 days.",
        ),
        (
            trend_charts.endings,
            "Stacked bars. How did the runs that were seen end, day by day? succeeded 47; not started 1; failed 4. "
            "Failed, stopped or not started: most: 3 on 2026-11-20.",
        ),
    ],
)
def test_words_tell_what_is_drawn(make: Callable[..., Chart], words: str) -> None:
    assert make(WEEK, GAP).alt == f"{words} Blind, drawn as gaps: 2026-11-18."


def test_number_of_failing_tasks_stands_beside_its_last_day() -> None:
    assert "7" in texts(trend_charts.failing(WEEK.assign(failing=[0] * 6 + [7]), GAP))


def test_words_of_hours_tell_the_fullest_and_the_empty_ones() -> None:
    hours = pd.DataFrame(1, index=range(24), columns=ENDINGS)
    hours.loc[3, "succeeded"], hours.loc[[4, 5]] = 1200, 0
    assert trend_charts.hours(hours).alt == (
        "Stacked bars. At which hours do runs start? Most: 03:00 1,205 starts, 00:00 6 starts, "
        "01:00 6 starts. None in the hours from 04:00 and 05:00."
    )
    assert trend_charts.hours(hours * 0).alt.endswith("No start is known.")


def test_nothing_known_is_words_without_a_figure() -> None:
    empty = days(0, blind=())
    for make in (trend_charts.failing, trend_charts.coverage, trend_charts.endings):
        assert make(empty, []).svg == b""
        assert make(empty, []).alt.endswith("Not known: a trend needs two snapshots.")
    nothing = pd.DataFrame(columns=["at", "task_path", "kind", "before", "after"])
    assert trend_charts.changes(nothing, empty.index, []).alt.endswith("Not known: a trend needs two snapshots.")
    assert trend_charts.changes(nothing, WEEK.index, []).alt.endswith("No change is known.")
    worst = pd.DataFrame(columns=["task_path", "bad_runs", "runs"])
    assert trend_charts.task_days(pd.DataFrame(), worst, []).alt.endswith("Not known: a trend needs two snapshots.")
    assert trend_charts.task_days(grid("··").head(0), worst, []).alt.endswith("No task with a bad day is known.")
    assert trend_charts.multiples({}, []).svg == b""


# Colours and signs ----------------------------------------------------------------------------------------------------


def test_endings_have_distinct_colours_that_are_safe_for_the_colour_blind() -> None:
    assert set(COLOURS) == set(ENDINGS)
    assert len(set(COLOURS.values())) == len(COLOURS)
    assert set(COLOURS.values()) <= OKABE_ITO


def test_bad_endings_stand_at_the_bottom_and_differ_in_hatching() -> None:
    assert tuple(COLOURS)[:3] == BAD_OUTCOMES
    assert len({HATCHES.get(name, "") for name in BAD_OUTCOMES}) == 3


def test_key_names_only_what_occurs() -> None:
    shown = texts(trend_charts.endings(WEEK, GAP))
    assert [name for name in shown if name in ENDINGS] == ["succeeded", "not started", "failed"]


def test_counts_begin_at_zero() -> None:
    many = WEEK.assign(succeeded=1000)
    for drawn in (trend_charts.endings(many, []), trend_charts.coverage(WEEK, []), trend_charts.failing(WEEK, [])):
        numbers = [int(text.replace(",", "")) for text in texts(drawn) if re.fullmatch(r"[\d,]+", text)]
        assert min(numbers) == 0
    assert "1,000" in texts(trend_charts.endings(many, []))


# Tasks by day ---------------------------------------------------------------------------------------------------------


def grid(*rows: str, names: list[str] | None = None) -> pd.DataFrame:
    """A row a task, a sign a day, a space for a day without a run."""
    cells = [["" if sign == " " else sign for sign in row] for row in rows]
    index = pd.Index(names or [f"\\Folder\\Task {number}" for number in range(len(rows))])
    return pd.DataFrame(cells, index=index, columns=pd.date_range(FIRST, periods=len(rows[0])))


def task_days(signs: pd.DataFrame, gaps: list[tuple[datetime, datetime]] | None = None) -> Chart:
    worst = pd.DataFrame({"task_path": signs.index, "bad_runs": 3, "runs": 1200})
    return trend_charts.task_days(signs, worst, gaps or [])


def test_each_bad_cell_has_its_letter_in_its_middle() -> None:
    axes = Figure().add_subplot()
    trend_charts._letters(axes, grid("··F f S", "N?M r··").to_numpy())
    points = [sorted(zip(*map(list, line.get_data()), strict=True)) for line in axes.lines]
    assert points == [
        [(1.5, 0.5)],  # ?
        [(2.5, 1.5)],
        [(2.5, 0.5)],
        [(0.5, 0.5)],
        [(6.5, 1.5)],
        [(4.5, 1.5)],  # f
        [(4.5, 0.5)],
    ]
    sizes = [line.get_markersize() for line in axes.lines]
    assert max(sizes[5:]) < min(sizes[:5]), "a small letter: the day had good runs too"
    assert {"Task 0", "Task 1", "3 of 1,200"} <= set(texts(task_days(grid("··F f S", "N?M r··"))))


def test_shape_tells_good_bad_mixed_and_missed_without_colour() -> None:
    image = trend_charts._pixels(np.array([["", "·", "f", "F", "M"]], dtype=object))
    filled = [int((image[:, column * 6 : (column + 1) * 6 - 1, 3] > 0).any(axis=1).sum()) for column in range(5)]
    assert filled[0] == 0
    assert filled[0] < filled[1] < filled[2] < filled[3] == filled[4]
    frame = image[1:, 24:29]
    assert (frame[0, 0, :3] < 50).all()
    assert (frame[5, 2, :3] == 255).all()


def test_every_sign_of_the_tables_can_be_drawn() -> None:
    signs = "".join([*SIGNS.values(), "f", "s", "n", "m"])
    assert task_days(grid(signs)).svg


def test_words_of_the_grid_tell_the_worst_tasks() -> None:
    signs = grid("··F f S", "M      ", *["·······"] * 30)
    assert task_days(signs).alt == (
        "Grid. Which task failed on which day? Worst first: "
        "\\Folder\\Task 0: failed on 2 days and stopped on 1 day, last on 2026-11-22; "
        "\\Folder\\Task 1: missed on 1 day, last on 2026-11-16; "
        "\\Folder\\Task 2: nothing bad; \\Folder\\Task 3: nothing bad; \\Folder\\Task 4: nothing bad. "
        "7 more tasks not drawn."
    )
    assert texts(task_days(signs)).count("3 of 1,200") == trend_charts.MOST_ROWS


def test_panels_tell_good_and_bad_runs_and_leave_blind_days_out() -> None:
    drawn = trend_charts.multiples({"\\A": WEEK, "\\B": WEEK.assign(failed=0)}, GAP)
    assert drawn.alt == (
        "Small bar charts. How did the worst tasks go? Good runs above the line, bad ones below. "
        "\\A: 54 good, 10 bad; \\B: 54 good, 1 bad."
    )
    assert bars_of(drawn, COLOURS["succeeded"]) == 4, "before and after the gap, twice"
    assert bars_of(drawn, COLOURS["failed"]) == 3


def test_more_than_six_panels_are_not_drawn() -> None:
    drawn = trend_charts.multiples({f"\\{number}": WEEK for number in range(9)}, [])
    assert drawn.alt.count(" good, ") == trend_charts.MOST_PANELS


# Changes --------------------------------------------------------------------------------------------------------------


def changes(*rows: tuple[float, str, str, str]) -> pd.DataFrame:
    """Changes: days after the first, task, kind, and what came after."""
    zone = ZoneInfo("America/New_York")
    at = [(FIRST + timedelta(days=day)).replace(tzinfo=zone) for day, *_ in rows]
    frame = pd.DataFrame([row[1:] for row in rows], columns=["task_path", "kind", "after"])
    return frame.assign(at=at, before="")


SEVERAL = changes(
    (1, "\\A", "outcome", "failed"),
    (1.2, "\\B", "outcome", "not started"),
    (20, "\\A", "outcome", "succeeded"),
    (30, "\\C", "changed", ""),
    (40, "\\D", "removed", ""),
)


def test_changes_of_one_kind_close_together_are_one_mark_with_their_number() -> None:
    drawn = trend_charts.changes(SEVERAL, pd.date_range(FIRST, periods=61), [])
    assert drawn.alt == (
        "Time line. What changed when? began to fail: 2 tasks on 2026-11-17. recovered: \\A on 2026-12-06. "
        "changed: \\C on 2026-12-16. removed: \\D on 2026-12-26."
    )
    assert {"2 tasks", "A", "C", "D", "began to fail", "recovered", "changed", "removed"} <= set(texts(drawn))
    assert "disabled" not in texts(drawn), "a kind that does not occur has no row"


def test_every_kind_of_change_has_its_row() -> None:
    kinds = ["changed", "enabled", "disabled", "added", "removed"]
    drawn = trend_charts.changes(changes(*((3, "\\A", kind, "") for kind in kinds)), WEEK.index, GAP)
    assert set(kinds) <= set(texts(drawn))


# Names ----------------------------------------------------------------------------------------------------------------


def hostile_charts() -> list[Callable[[], Chart]]:
    rows = [(day, path, "changed", "") for day, path in enumerate(HOSTILE)]
    return [
        lambda: task_days(grid(*["F  ·"] * len(HOSTILE), names=HOSTILE)),
        lambda: trend_charts.multiples(dict.fromkeys(HOSTILE, WEEK), GAP),
        lambda: trend_charts.changes(changes(*rows), pd.date_range(FIRST, periods=len(HOSTILE)), []),
    ]


@pytest.mark.parametrize("make", hostile_charts())
def test_text_of_a_task_is_neither_formula_nor_markup(make: Callable[[], Chart]) -> None:
    drawn = make()
    assert b"<script" not in drawn.svg
    shown = " ".join(texts(drawn))
    assert "<script>x</script>" in shown
    assert "$a$ and $b$" in shown
    assert "任务" in shown
    assert "x" * 40 not in shown
    assert re.fullmatch(r'[^"<>]*', drawn._repr_html_().split('alt="')[1].split('" src=')[0])


# Files ----------------------------------------------------------------------------------------------------------------


def large_charts() -> dict[str, Callable[[], Chart]]:
    number = 90
    dice = np.random.default_rng(1)
    columns = {name.replace(" ", "_"): dice.integers(0, 99, number).tolist() for name in [*ENDINGS, "snapshots"]}
    quarter = days(number, blind=(30, 31), **columns, failing=dice.integers(0, 99, number).tolist())
    signs = grid(*("".join(dice.choice(list("FfSsNnMm?r· "), number)) for _ in range(40)))
    kinds = ["changed", "enabled", "disabled", "added", "removed", "outcome"]
    rows = [(day, f"\\Folder\\Task {day}", kind, "failed") for day in range(number) for kind in kinds]
    unusual = {"stopped": 0, "not started": 0}
    hours = pd.DataFrame(dice.integers(1, 99, (24, len(ENDINGS))), columns=ENDINGS)
    return {
        "failing": lambda: trend_charts.failing(quarter, GAP),
        "coverage": lambda: trend_charts.coverage(quarter, GAP),
        "endings": lambda: trend_charts.endings(quarter, GAP),
        "hours": lambda: trend_charts.hours(hours),
        "grid": lambda: task_days(signs, GAP),
        "panels": lambda: trend_charts.multiples({f"\\{n}": quarter.assign(**unusual) for n in range(6)}, GAP),
        "changes": lambda: trend_charts.changes(changes(*rows), quarter.index, GAP),
    }


@pytest.mark.parametrize("name", large_charts())
def test_same_data_give_the_same_small_file(name: str) -> None:
    make = large_charts()[name]
    svg = make().svg
    assert svg == make().svg
    assert len(svg) < 80_000, f"{name}: {len(svg):,}"
