"""The cells of a status file -> a `Status`: what can't be read is not known, and a problem beside the data.

Authority: what schtasks and PowerShell print (``locales``). A word that no table knows is learned only where the rows
of ``schtasks /v`` themselves tell that it means disabled; else it is not known.

>>> row = {"state": "Uit", "enabled": "Uit", "next_run": "n.v.t."}
>>> learn([row, {"state": "Klar", "enabled": "Aan", "next_run": "28-11-2026 06:05"}])
{'uit': False, 'aan': True}
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from zoneinfo import ZoneInfo

from taskanalysis.snapshot.locales import ORDERS, enabled_of, is_not_available, moment, readings, state_of
from taskanalysis.snapshot.rows import Row
from taskanalysis.snapshot.status import Moment, Status
from taskanalysis.text import clip, count, listed


def learn(rows: Iterable[Row]) -> dict[str, bool]:
    """The words for disabled (False) and enabled (True) that no table has, in lower case, as far as the rows tell them.

    A disabled task has the same word as its status and as its scheduled task state, another one for its next run, and
    no time of it. A task with a next run is enabled. Where all rows have one scheduled task state, nothing is learned.
    """
    rows = [row for row in rows if row.get("state") and row.get("enabled")]
    states, switches = ({row[name] for row in rows} for name in ("state", "enabled"))
    if all(map(state_of, states)) and all(enabled_of(switch) is not None for switch in switches):
        return {}
    off: dict[str, bool] = {}
    others: dict[str, bool] = {}
    for row in rows:
        state, switch = row["state"].casefold(), row["enabled"].casefold()
        planned = bool(re.search(r"\d", row.get("next_run", "")))
        if state_of(state) is None and enabled_of(switch if state == switch else state) is None:
            is_off = state == switch and not planned and row.get("next_run", "").casefold() not in ("", state)
            off[state] = off.get(state, True) and is_off
        if enabled_of(switch) is None and switch.strip("?"):
            others[switch] = others.get(switch, False) or planned
    words = [word for word, is_off in off.items() if is_off and word.strip("?")]
    if len(words) != 1 or len({switch.casefold() for switch in switches}) < 2:
        return {}
    on = [word for word in others if word not in words]
    return {words[0]: False} | ({on[0]: True} if len(on) == 1 and others[on[0]] else {})


def learn_nothing(rows: Iterable[Row], learned: Mapping[str, bool]) -> frozenset[str]:
    """The words for "no next run" that no table has: those of the next run of disabled tasks.

    >>> learn_nothing([{"state": "Uit", "next_run": "n.v.t."}, {"state": "Klar", "next_run": "?"}], {"uit": False})
    frozenset({'n.v.t.'})
    """
    words = set()
    for row in rows:
        next_run, words_of_row = row.get("next_run", ""), (row.get("state", ""), row.get("enabled", ""))
        is_off = any(state_of(word) == "Disabled" or learned.get(word.casefold()) is False for word in words_of_row)
        if is_off and next_run.strip("?") and not re.search(r"\d", next_run):
            words.add(next_run)
    return frozenset(words)


@dataclass(slots=True)
class Cells:
    """Reads the cells of one file, with dates in `order`; notes those that can't be read, counts `unclear` dates.

    `learned` are words for enabled and disabled (`learn`), `nothing` those for no next run (`learn_nothing`). `times`
    are those that were read, by their text: many tasks start at one time.
    """

    order: str
    zone: ZoneInfo | None
    notes: Counter[str]
    learned: Mapping[str, bool] = field(default_factory=dict)
    nothing: frozenset[str] = frozenset()
    unclear: int = 0
    has_short_years: bool = False
    times: dict[str, Moment] = field(default_factory=dict)
    unknown: dict[str, Counter[str]] = field(default_factory=dict)

    def status(self, task: str, row: Row) -> Status:
        """The status in a row."""
        state, enabled = self.state(row), self.enabled(row)
        return Status(
            path=task,
            state=state,
            enabled=False if not row.get("enabled") and state == "Disabled" else enabled,
            last_run=self.time(task, row, "last_run"),
            last_result=self.number(task, row, "last_result"),
            next_run=self.time(task, row, "next_run"),
            missed_runs=self.number(task, row, "missed_runs"),
        )

    def state(self, row: Row) -> str | None:
        """COM's state; None for a word that is not known."""
        word = row.get("state", "")
        state = state_of(word) or ("Disabled" if self.learned.get(word.casefold()) is False else None)
        if _means_disabled(row.get("next_run", "")):
            return "Disabled"
        if word and state is None and not is_not_available(word):
            self.unknown.setdefault(word, Counter())["state"] += 1
        return state

    def enabled(self, row: Row) -> bool | None:
        """Whether the task is enabled; None for a word that is not known."""
        word = row.get("enabled", "")
        enabled = enabled_of(word)
        if enabled is None:
            enabled = self.learned.get(word.casefold())
        if word and enabled is None and not is_not_available(word):
            self.unknown.setdefault(word, Counter())["enabled"] += 1
        return enabled

    def time(self, task: str, row: Row, name: str) -> Moment:
        """A time, or "never"; None where it can't be read."""
        text = row.get(name, "")
        if text in self.times:
            return self.times[text]
        if not text:
            return None
        times = [moment(text, self.order)] if self.order else readings(text)
        if len(set(times)) > 1:
            self.unclear += 1
            self.has_short_years |= len(times) == len(ORDERS)
            return None
        time = times[0]
        if time is None:
            is_next = name == "next_run"
            means_none = is_not_available(text) or _NO_DATE.search(text)
            if means_none or (is_next and (text in self.nothing or _means_disabled(text))):
                return "never"
            if is_next and text.strip("?") and not re.search(r"\d", text):
                self.unknown.setdefault(text, Counter())["next run"] += 1
            else:
                self.odd(task, row, name)
            return None
        if self.zone and time.tzinfo is None:
            time = time.replace(tzinfo=self.zone)
        self.times[text] = "never" if time.year < 2000 else time  # 1999-11-30, or 1899-12-30 on old servers
        return self.times[text]

    def number(self, task: str, row: Row, name: str) -> int | None:
        """A number of 32 bits; None where it can't be read."""
        text = row.get(name, "")
        code = _code(text)
        if code is None and text and not is_not_available(text):
            self.odd(task, row, name)
        return code

    def odd(self, task: str, row: Row, name: str) -> None:
        """Note a cell that can't be read."""
        self.notes[f"{clip(task)}: {name.replace('_', ' ')} '{clip(row[name])}' can't be read"] += 1

    def finish(self) -> None:
        """Note what concerns the file: each unknown word, and dates that may be read in two ways."""
        for word, columns in self.unknown.items():
            of = f"{listed(list(columns))} of {count(max(columns.values()), 'task')}"
            self.notes[f"'{clip(word)}' is a word of no known language: {of} not known"] += 1
        if self.unclear:
            what = "day, month and year" if self.has_short_years else "day and month"
            orders = ORDERS if self.has_short_years else ORDERS[:2]
            choice = " or ".join(f"--dates {order}" for order in orders)
            self.notes[f"{what} of {count(self.unclear, 'time')} are ambiguous: choose with {choice}"] += 1


def _means_disabled(next_run: str) -> bool:
    """Whether a word for disabled stands in the place of the next run, as on Windows 7 and 2008; a number is none."""
    return not next_run.isdigit() and state_of(next_run) == "Disabled"


_NO_DATE = re.compile(r"(?<![0-9])0001(?![0-9])")
"""The first year there is: .NET's date that is none."""


@lru_cache(maxsize=4096)
def _code(text: str) -> int | None:
    """A number of 32 bits, signed or not, as an unsigned one; None for any other text."""
    if not re.fullmatch(r"-?[0-9]{1,10}|0[xX][0-9a-fA-F]{1,8}", text):
        return None
    code = int(text, 16 if text[1:2] in ("x", "X") else 10)
    return code % 2**32 if -(2**31) <= code < 2**32 else None
