"""Rows under the columns of a table, as readers get them: in the order of the dictionary, all text masked.

>>> frame("problems", [{"file": "a.xml", "what": "is empty"}]).to_dict("records")
[{'file': 'a.xml', 'what': 'is empty'}]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from taskanalysis.report.columns import COLUMNS
from taskanalysis.text import mask, printable

__all__ = ["frame"]

_NUMBERS = dict.fromkeys(["code", "missed_runs", "consecutive_failures", "runs_7d", "runs_30d"], "Int64")
_NUMBERS |= dict.fromkeys(["success_rate_7d", "success_rate_30d"], "Float64")
"""Columns of numbers that may be unknown."""


def frame(table: str, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """The rows as a frame with the columns of ``COLUMNS[table]``; each row has them all, and may have more."""
    columns = list(COLUMNS[table])
    made = pd.DataFrame([[_shown(row[name]) for name in columns] for row in rows], columns=columns, dtype=object)
    return made.infer_objects().astype({name: kind for name, kind in _NUMBERS.items() if name in columns})


def _shown(value: Any) -> Any:
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return mask(printable(value)) if isinstance(value, str) else value
