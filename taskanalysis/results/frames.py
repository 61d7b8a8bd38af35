"""Result codes of many rows at once: each distinct case is decoded once.

>>> rows = pd.DataFrame({"code": [0, 1, 1], "command": ["robocopy.exe", "robocopy.exe", "python.exe"]})
>>> decode_frame(rows)["outcome"].tolist()
['succeeded', 'succeeded', 'failed']
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from taskanalysis.results.decode import decode

__all__ = ["decode_frame"]

CONTEXT = ("command", "arguments", "state", "ever_ran")
COLUMNS = ("hex", "name", "outcome", "meaning", "advice", "certainty", "basis")


def decode_frame(frame: pd.DataFrame, *, source: str = "status") -> pd.DataFrame:
    """What `decode` says of each row, under the same index: hex, name, outcome, meaning, advice, certainty, basis.

    `frame` has a column `code` and those of command, arguments, state and ever_ran that are known; a value that is
    missing is not known. `source` is that of `decode`. ValueError where a code is none.
    """
    keys = ["code", *(name for name in CONTEXT if name in frame)]
    number = frame.groupby(keys, sort=False, dropna=False).ngroup()
    distinct = frame.loc[~number.duplicated(), keys].astype(object)
    distinct = distinct.where(distinct.notna(), None)
    rows: list[dict[str, Any]] = distinct.to_dict("records")  # type: ignore[assignment]  # its keys are text
    decoded = [decode(row.pop("code"), source=source, **row) for row in rows]
    said = [[each.outcome.value if name == "outcome" else getattr(each, name) for name in COLUMNS] for each in decoded]
    return pd.DataFrame(said, columns=list(COLUMNS)).take(number.to_numpy()).set_axis(frame.index)
