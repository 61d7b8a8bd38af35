"""What was measured as a table: rows with their goals beside the figures, as Markdown and for JSON.

>>> goals = Goal(2, "× a", 2.5), Goal(99, "MiB", 80)
>>> print(markdown([Row("", "ours", 9, 9e-4, number=9, unit="task", peak=80, ratio=2.5, base="a", goals=goals)]))
| way | size | cores | median | each | peak | ratio | goal |
|---|---|---|---|---|---|---|---|
| ours | 9 | 1 | 900 µs | 100 µs a task | 80 MiB | 2.5 × a | not met: at most 2 × a (2.5); met: at most 99 MiB (80) |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

__all__ = ["Goal", "Row", "as_json", "duration", "markdown"]


@dataclass(frozen=True)
class Goal:
    """What a figure should be: at most the limit, or at least; `unit` follows it. None is a figure not judged."""

    limit: float
    unit: str
    figure: float | None
    is_least: bool = False

    @property
    def is_met(self) -> bool | None:
        """None where it is not judged."""
        if self.figure is None:
            return None
        return self.figure >= self.limit if self.is_least else self.figure <= self.limit

    @property
    def verdict(self) -> str:
        """Whether it is met, the goal, and the figure, with so many digits that it never looks like a missed limit."""
        goal = f"at {'least' if self.is_least else 'most'} {_number(self.limit)} {self.unit}".rstrip()
        if self.figure is None:
            return f"not judged: {goal}"
        digits = next(n for n in (3, 4, 6, 9) if self.is_met or float(f"{self.figure:.{n}g}") != self.limit)
        return f"{'met' if self.is_met else 'not met'}: {goal} ({_number(self.figure, digits)})"


@dataclass(frozen=True)
class Row:
    """One way to do something. Seconds are a median, the peak is in MiB; None is not measured.

    `number` of units were done in those seconds; `size` says how much there was; `ratio` is the time against that of
    `base`, the base's own row has none.
    """

    what: str
    way: str
    size: int | str
    seconds: float | None
    number: int = 0
    unit: str = ""
    peak: float | None = None
    cores: int = 1
    ratio: float | None = None
    base: str = ""
    goals: tuple[Goal, ...] = ()

    def cells(self) -> list[str]:
        """As the table shows it."""
        each = duration(self.seconds / self.number) + f" a {self.unit}" if self.seconds and self.number else ""
        return [
            self.what,
            self.way,
            self.size if isinstance(self.size, str) else f"{self.size:,}",
            str(self.cores),
            duration(self.seconds),
            each,
            "" if self.peak is None else f"{self.peak:,.0f} MiB",
            "" if self.ratio is None else f"{_number(self.ratio, 3)} × {self.base}",
            "; ".join(goal.verdict for goal in self.goals),
        ]


HEADER = ["what", "way", "size", "cores", "median", "each", "peak", "ratio", "goal"]


def markdown(rows: Sequence[Row]) -> str:
    """A table; without the column `what` where all rows are of the same, and a text never breaks out of its cell."""
    first = int(len({row.what for row in rows}) == 1)
    lines = [HEADER, ["---"] * len(HEADER), *(row.cells() for row in rows)]
    shown = [[_safe(cell) for cell in line[first:]] for line in lines]
    return "\n".join(("|{}|" if line[0] == "---" else "| {} |").format(_bars(line)) for line in shown)


def as_json(rows: Sequence[Row]) -> list[dict[str, object]]:
    """Rows with all their figures, and whether each goal is met."""
    return [asdict(row) | {"goals": [asdict(goal) | {"is_met": goal.is_met} for goal in row.goals]} for row in rows]


def duration(seconds: float | None) -> str:
    """A time in the unit that suits it, with three digits.

    >>> [duration(each) for each in (4.2e-8, 0.00012345, 0.5, 12.345, 123.4)]
    ['0.042 µs', '123 µs', '500 ms', '12.3 s', '123 s']
    """
    if seconds is None:
        return ""
    factor, unit = (1, "s") if seconds >= 1 else (1e3, "ms") if seconds >= 1e-3 else (1e6, "µs")
    return f"{_number(seconds * factor, 3)} {unit}"


def _number(value: float, digits: int = 4) -> str:
    """With so many digits, and all that stand before the point."""
    rounded = float(f"{value:.{digits}g}") if abs(value) < 10 ** (digits - 1) else round(value)
    return f"{rounded:,.10g}"


def _safe(text: str) -> str:
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").split())


def _bars(cells: Sequence[str]) -> str:
    return ("|" if cells[0] == "---" else " | ").join(cells)
