"""The columns of all tables, and frames that have exactly those.

Authority: ``columns.csv`` beside this module, one row per column. The pages show its meanings, `frame` takes columns
and dtypes from it, and ``data/README.md`` repeats it (`with_dictionary`).

>>> list(COLUMNS["actions"])[:4]
['server', 'task_path', 'number', 'type']
>>> str(COLUMNS["worst"]["success_rate"])
'share of these runs that succeeded, from 0 to 1; empty under three runs'
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from taskanalysis.text import mask

_PLAIN = {"int64", "Int64", "float64", "Float64", "bool", "boolean"}
"""Dtypes that pandas can't infer from rows that lack a value, or where there is no row."""


class Column(NamedTuple):
    """What a column holds.

    `dtype` is pandas', or "text", "list" (of texts; of times where it has a `unit`), "time" (aware datetimes, ISO text,
    or a word such as "never") or "span" (of time, in words); `typed` makes datetimes and timedeltas of them. `unit`
    also names the zone of times; `empty` says what an empty cell means, "" where no cell is empty.
    """

    dtype: str
    unit: str
    meaning: str
    empty: str

    def __str__(self) -> str:
        """The meaning, and what an empty cell means, as readers of a page see it."""
        return f"{self.meaning}; empty {self.empty}" if self.empty else self.meaning


def _read() -> dict[str, dict[str, Column]]:
    columns: dict[str, dict[str, Column]] = {}
    with Path(__file__).with_name("columns.csv").open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)  # the header
        for table, name, *cells in rows:
            columns.setdefault(table, {})[name] = Column(*cells)
    return columns


COLUMNS = _read()
"""Table -> column -> what it holds, in the order of the columns."""


def frame(table: str, rows: Iterable[Mapping[Any, Any]]) -> pd.DataFrame:
    """The rows as a frame with the columns of ``COLUMNS[table]``, all text masked; a row may have more keys.

    >>> frame("problems", [{"file": "a.xml", "what": "is empty"}]).to_dict("records")
    [{'file': 'a.xml', 'what': 'is empty'}]
    """
    columns = COLUMNS[table]
    made = pd.DataFrame([[_shown(row[name]) for name in columns] for row in rows], columns=list(columns), dtype=object)
    return made.infer_objects().astype(
        {name: column.dtype for name, column in columns.items() if column.dtype in _PLAIN}
    )


def _shown(value: Any) -> Any:
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return mask(value) if isinstance(value, str) else value


def with_dictionary(text: str) -> str:
    """Markdown in which the table after each comment ``<!-- columns of TABLE -->`` is that of `COLUMNS`.

    To renew the data dictionary: ``python -m taskanalysis.report.columns``, in the project's folder.
    """
    return _MARKED.sub(lambda found: f"{found[1]}\n{_markdown(COLUMNS[found[2]])}\n", text)


_MARKED = re.compile(r"(<!-- columns of (\w+) -->)\n(?:\|.*\n)*")


def _markdown(columns: Mapping[str, Column]) -> str:
    rows = [(f"`{name}`", column.dtype, column.unit, column.meaning, column.empty) for name, column in columns.items()]
    head = [("column", "dtype", "unit or zone", "meaning", "an empty cell"), ("---",) * 5]
    return "\n".join(f"| {' | '.join(cells)} |".replace("  ", " ") for cells in [*head, *rows])


if __name__ == "__main__":
    dictionary = Path("data/README.md")
    dictionary.write_text(with_dictionary(dictionary.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
