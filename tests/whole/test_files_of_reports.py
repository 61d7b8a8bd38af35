"""The files of the sample share: byte for byte those of version 0.1.0, but for the texts that were reworded since.

`REWORDED` lists each of those texts with the one it replaced. A test that puts the old texts back and compares hashes
shows that nothing else changed. A change of the sample share or of a value changes a hash here, on purpose, as the
reasons, next steps and causes did with the pages that answer first.
"""

import csv
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# file, the sha256 it had
BEFORE = {
    "actions.csv": "37894f33fe4c0414ec6c18fb7614c76e6ffa69299d116882d31ff68752c30da4",
    "changes.csv": "1a5824a7c5b649172817d6c3f08540d27abcfb54279eb64289d8a02e6b14f7bd",
    "inventory.csv": "59a6c30ef5b1f8d80927446a8b97b142d70266852a71705767ced5d46709d93a",
    "missed_causes.csv": "b2c6c760418face260a3fe7c5d66fcaca44f66024b1481ec4ba7da569bcc1414",
    "runs.csv": "ab59f3a5f82d00576cf1b15fd9eaa15d937c734c8d6b39a9bcb68bba6994483e",
    "slots.csv": "f0a423aad937997c4195673f7d552b14f856c50601a1b85c9f8eaaa201fbb1c6",
    "status.csv": "9404a4cc1ee36d6ca25768b711e38bba704ebb8e301f212885133bb8d0ad9f60",
    "task-status.csv": "801ea207391e23bb8c766313b149aaff2b4e582b683d5cc4c637c71e198be246",
    "task_scheduler_backup.csv": "f66a7ef7638f7570411816f4ccff862afdcab61a7aa1c7caa1f1588397d16081",
    "triggers.csv": "d7e8938e3f7d10818bd080b9680b44bfb1022da01d57d7e15b224fe40e53c79c",
    "status.json": "c717c45b0103e4d27d2cd5ead67f9d279824c2b160c9b5eb26594b25cbe8758b",
}
# keys of status.json that it did not have, or that differ each time
LATER = {"made_at", "headline", "attention", "unseen", "backup", "summary", "not_judged_servers"}
# columns that came later, in every file that has them: after those that it had
ADDED = {
    "owner": ["inventory.csv", "task_scheduler_backup.csv"],
    "fields": ["changes.csv"],
    "at_most_seconds": ["runs.csv"],
}
# column, the text now, the text before; in every file that has the column
REWORDED = [
    ("reason", "It has been running for ", "It is running for "),
    ("reason", ", twice what its last runs took at most", ", twice the longest of its last runs"),
    ("reason", " All its failures of 60 days were on Saturday and Sunday.", ""),
    (
        "advice",
        "See in Task Manager what python is doing; if it hangs, end the run in Task Scheduler, and start the task "
        "again.",
        "",
    ),
    ("arguments", "; '-NoProfile", "; -NoProfile"),  # a cell of its own where ";" separates
    ("reason", "It is disabled; ", "It is switched off; "),
    ("reason", "counts this code as success.", "says that this code is success."),
    ("meaning", "counts this code as success.", "says that this code is success."),
    ("reason", "no trigger is enabled", "no trigger is switched on"),
    ("findings", "no trigger is enabled", "no trigger is switched on"),
    *[
        (column, new, old)
        for column in ("schedule", "interval")
        for new, old in (
            (", and a run still going at 22:00 is stopped", ", what still runs then is stopped"),
            (", expires ", ", before "),
            (" events between 4101 and 4106 ", " events (4101 to 4106) "),
            (" a change of state ", " a change of its state "),
            *[(f" from {minute}, all day", ", all day") for minute in ("00:04", "00:05", "00:10", "00:25")],
        )
    ],
]


def before(column: str, text: str) -> str:
    """The text as it was."""
    for name, new, old in REWORDED:
        if name == column:
            text = text.replace(new, old)
    return text


def csv_before(name: str, content: bytes) -> bytes:
    table = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    added = [column for column, files in ADDED.items() if name in files]
    assert table[0][len(table[0]) - len(added) :] == added
    header, *rows = [row[: len(row) - len(added)] for row in table]
    old = io.StringIO(newline="")
    writer = csv.writer(old, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([before(column, cell) for column, cell in zip(header, row, strict=True)] for row in rows)
    return old.getvalue().encode("utf-8-sig")


def json_before(_name: str, content: bytes) -> bytes:
    """Without the moment at which it was made, and what came later; the order of keys does not count."""

    def restored(value: Any, column: str = "") -> Any:
        if isinstance(value, dict):
            return {key: restored(cell, key) for key, cell in value.items() if key not in LATER}
        if isinstance(value, list):
            return [restored(cell, column) for cell in value]
        return (before(column, value) or None) if isinstance(value, str) else value

    whole = json.loads(content)
    whole.pop("code")  # tasks have one of their own
    return json.dumps(restored(whole), sort_keys=True, ensure_ascii=False).encode()


@pytest.mark.parametrize("name", BEFORE)
def test_only_listed_texts_differ_from_before(name: str, pages: Path) -> None:
    old: Callable[[str, bytes], bytes] = json_before if name.endswith(".json") else csv_before
    assert hashlib.sha256(old(name, (pages / name).read_bytes())).hexdigest() == BEFORE[name]


def test_every_file_of_data_is_compared(pages: Path) -> None:
    data = {file.name for file in pages.iterdir() if file.suffix not in (".html", ".parquet")}
    assert data == {*BEFORE, "summary.txt"}
