"""Rows under the columns of a table, as readers get them: in the order of the dictionary, all text masked.

>>> frame("problems", [{"file": "a.xml", "what": "is empty"}]).to_dict("records")
[{'file': 'a.xml', 'what': 'is empty'}]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from taskanalysis.errors import printable
from taskanalysis.report.columns import COLUMNS
from taskanalysis.text.masking import mask

__all__ = ["frame", "task_slices"]

_NUMBERS = dict.fromkeys(["code", "missed_runs", "consecutive_failures", "runs_7d", "runs_30d"], "Int64")
_NUMBERS |= dict.fromkeys(["success_rate_7d", "success_rate_30d"], "Float64")
"""Columns of numbers that may be unknown."""


def frame(table: str, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """The rows as a frame with the columns of ``COLUMNS[table]``; each row has them all, and may have more."""
    columns = list(COLUMNS[table])
    made = pd.DataFrame([[_shown(row[name]) for name in columns] for row in rows], columns=columns, dtype=object)
    return made.infer_objects().astype({name: kind for name, kind in _NUMBERS.items() if name in columns})


def task_slices(frame: pd.DataFrame) -> dict[str, slice]:
    r"""Where the rows of each task are, by task path, of a frame in the order of tasks; ``task_path`` is a category.

    >>> task_slices(pd.DataFrame({"task_path": pd.Categorical(["\\A", "\\A", "\\B"])}))
    {'\\A': slice(0, 2, None), '\\B': slice(2, 3, None)}
    """
    codes, paths = frame["task_path"].cat.codes.to_numpy(), frame["task_path"].cat.categories
    begins = np.flatnonzero(np.diff(codes, prepend=-1)).tolist()
    return {
        str(paths[codes[begin]]): slice(begin, end)
        for begin, end in zip(begins, [*begins[1:], len(codes)], strict=False)
    }


def _shown(value: Any) -> Any:
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return mask(printable(value)) if isinstance(value, str) else value
