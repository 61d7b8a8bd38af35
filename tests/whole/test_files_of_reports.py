"""The files of the sample share: byte for byte those of version 0.1.0, but for the texts that were reworded since.

`REWORDED` lists each of those texts with the one it replaced. A test that puts the old texts back and compares hashes
shows that nothing else changed. A change of the sample share or of a value changes a hash here, on purpose.
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
    "actions.csv": "867a5599756829ed4d3fd0a25a094c8281d160a4e8b5d846990df512f629b2bc",
    "changes.csv": "92a53e178fe5041b1e983ee37dece53ee2d5b3b7edd1de00e69b2e8f552f0a0b",
    "inventory.csv": "bda91e75106339fd66fbf25262e0d4410de64f4dcf381e341c4583da7841f853",
    "runs.csv": "f21d0812bc707e626228107bca7928c842e380073078a7c142c538217a92f955",
    "slots.csv": "f1e42a8462e9fda48e6c56a3d4e98c31819c8378a5cfe421baaff4492b679b30",
    "status.csv": "3c42b06c921a1f6c0a43032f6cbf83ba5b10a51d36c52749bee58d591f0dbc6d",
    "task-status.csv": "1ed82e8979e88c1762c4e740511b83eb2f13986ae1be445ce2ab8c3be5d1ad21",
    "task_scheduler_backup.csv": "a455e28943bb785aae07492032a8dc03683c76a73cc3d1aaf082449200a199d1",
    "triggers.csv": "d4070cc0d3aff28622c9bed402b937790b1c56595a4e9b309c9dd7aafd66a692",
    "status.json": "b3db5ff8fb75d1b7dd98cead27da6ec751b1ed1096b48cbee535c28b1d563f9c",
}
# keys of status.json that it did not have, or that differ each time
LATER = {"made_at", "headline", "attention", "unseen", "backup", "summary"}
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


def csv_before(content: bytes) -> bytes:
    header, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    old = io.StringIO(newline="")
    writer = csv.writer(old, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([before(column, cell) for column, cell in zip(header, row, strict=True)] for row in rows)
    return old.getvalue().encode("utf-8-sig")


def json_before(content: bytes) -> bytes:
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
    old: Callable[[bytes], bytes] = json_before if name.endswith(".json") else csv_before
    assert hashlib.sha256(old((pages / name).read_bytes())).hexdigest() == BEFORE[name]


def test_every_file_of_data_is_compared(pages: Path) -> None:
    assert {file.name for file in pages.iterdir() if file.suffix != ".html"} == {*BEFORE, "summary.txt"}
