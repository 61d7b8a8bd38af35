"""Rows under the columns of a table, as readers get them: in the order of the dictionary, all text masked.

>>> frame("problems", [{"file": "a.xml", "what": "is empty"}]).to_dict("records")
[{'file': 'a.xml', 'what': 'is empty'}]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from taskanalysis.columns import COLUMNS
from taskanalysis.errors import printable
from taskanalysis.masking import mask

__all__ = ["frame"]

_COUNTS = {"code", "missed_runs"}
"""Columns of whole numbers that may be unknown."""


def frame(table: str, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """The rows as a frame with the columns of ``COLUMNS[table]``; each row has them all, and may have more."""
    columns = list(COLUMNS[table])
    made = pd.DataFrame([[_shown(row[name]) for name in columns] for row in rows], columns=columns, dtype=object)
    return made.infer_objects().astype(dict.fromkeys(_COUNTS & set(columns), "Int64"))


def _shown(value: Any) -> Any:
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return mask(printable(value)) if isinstance(value, str) else value
