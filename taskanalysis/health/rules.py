r"""Rules that an office writes for its tasks: ``rules.toml`` in the share.

The format is our own. A rule is a table ``[[rule]]`` with a `task`, in which ``*`` stands for any text, and settings
for the tasks that match. Later rules win, key by key.

>>> rules = parse_rules("[[rule]]\ntask = '\\OpenData\\*'\nok_codes = [1]\n[[rule]]\ntask = '*mirror'\nok_codes = [3]")
>>> rules.of("OPENDATA01", r"\OpenData\Tiles\Mirror").ok_codes
frozenset({3})
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from fnmatch import translate
from functools import cached_property
from pathlib import Path
from typing import Any

from taskanalysis.definition import read_bytes
from taskanalysis.errors import RulesError, TaskXmlError
from taskanalysis.results import unsigned
from taskanalysis.text import clip

FILE = "rules.toml"


@dataclass(frozen=True)
class Rule:
    """What holds for a task: one table of the file, or several merged; None and empty mean "not set".

    `ignore_until` is the first day on which the task is listed again; `lines` maps each key to its line in the file.
    """

    task: str = "*"
    server: str = ""
    ok_codes: frozenset[int] | None = None
    grace_minutes: float | None = None
    max_minutes: float | None = None
    owner: str | None = None
    note: str | None = None
    ignore: bool | None = None
    ignore_until: date | None = None
    lines: Mapping[str, int] = field(default_factory=dict)

    def ignores(self, day: date) -> bool:
        """Whether the task is not listed on `day`, a day of the server's zone."""
        if self.ignore_until is not None:
            return self.ignore is not False and day < self.ignore_until
        return bool(self.ignore)

    def name(self, key: str) -> str:
        """Where a key is set, such as "rules.toml, line 7"."""
        return f"{FILE}, line {self.lines[key]}"


@dataclass(frozen=True)
class Rules:
    """All rules of a file, in its order; `problem` is why a broken file has none."""

    rules: tuple[Rule, ...] = ()
    problem: str = ""

    def of(self, server: str, path: str) -> Rule:
        """All matching rules of a task in one, `NO_RULE` where none matches; later ones win, key by key."""
        matching = self._matching(server, path)
        if matching not in self._merged:
            self._merged[matching] = self._merge(matching)
        return self._merged[matching]

    def _merge(self, matching: Iterable[int]) -> Rule:
        values: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for rule in map(self.rules.__getitem__, matching):
            values |= {key: value for key in _KEYS if (value := getattr(rule, key)) is not None}
            lines |= rule.lines
        return Rule(**values, lines=lines)

    def unused(self, tasks: Iterable[tuple[str, str]]) -> list[Rule]:
        """The rules that match none of these tasks (server, task path)."""
        used = {number for task in tasks for number in self._matching(*task)}
        return [rule for number, rule in enumerate(self.rules) if number not in used]

    def _matching(self, server: str, path: str) -> tuple[int, ...]:
        """The places of the rules that match a task, kept: a page asks for each task several times."""
        known = self._known.get((server, path))
        if known is None:
            text = path.casefold()
            numbers = [
                number
                for (begin, end), by_ends in self._on(server).items()
                for piece, fits, number in by_ends.get((text[:begin], text[len(text) - end :]), ())
                if piece in text and fits(text)
            ]
            known = self._known[server, path] = tuple(sorted(numbers))
        return known

    def _on(self, server: str) -> _Index:
        """The rules for a server."""
        if server not in self._by_server:
            index: _Index = {}
            for number, rule in enumerate(self.rules):
                if _fits(rule.server or "*")(server.casefold()):
                    begin, *more = parts = rule.task.casefold().split("*")
                    end = more[-1] if more else ""
                    by_ends = index.setdefault((len(begin), len(end)), {})
                    by_ends.setdefault((begin, end), []).append((max(parts, key=len), _fits(rule.task), number))
            self._by_server[server] = index
        return self._by_server[server]

    @cached_property
    def _merged(self) -> dict[tuple[int, ...], Rule]:
        """The rules of tasks that the same rules match; of most tasks that is none."""
        return {(): NO_RULE}

    @cached_property
    def _known(self) -> dict[tuple[str, str], tuple[int, ...]]:
        return {}

    @cached_property
    def _by_server(self) -> dict[str, _Index]:
        return {}


_Index = dict[tuple[int, int], dict[tuple[str, str], list[tuple[str, Callable[[str], object], int]]]]
"""Rules by the text before the first ``*`` and after the last, and these by their lengths: 15 million trials take too
long. Of each rule: the longest of its parts, its test, and its place."""
NO_RULE, NO_RULES = Rule(), Rules()


def rules_of(share: Path) -> Rules:
    """The rules of a share; a broken ``rules.toml`` gives none, with its `problem`, and stops no page.

    >>> rules_of(Path("tests")).problem
    ''
    """
    try:
        return read_rules(share / FILE)
    except RulesError as error:
        return Rules(problem=f"No rule of the office is applied: {error}.")


def read_rules(file: Path) -> Rules:
    """The rules of a file, none where there is no such file; RulesError names file, line and key of what is wrong."""
    try:
        return parse_rules(read_bytes(file).decode("utf-8-sig"), file.name)
    except (FileNotFoundError, NotADirectoryError):
        return NO_RULES
    except OSError as error:
        raise RulesError(f"{file.name} can't be opened ({error.strerror})") from None
    except TaskXmlError as error:
        raise RulesError(f"{file.name}: {error}") from None
    except UnicodeDecodeError as error:
        raise RulesError(f"{file.name} is not UTF-8 (byte {error.start})") from None


def parse_rules(text: str, file: str = "rules.toml") -> Rules:
    """The rules of a text; RulesError names line and key of what is wrong."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RulesError(f"{file}{_place(text, str(error))}: {clip(str(error), 160)}") from None
    except RecursionError:
        raise RulesError(f"{file}: brackets within brackets, too many of them") from None
    lines = text.splitlines()
    rules = tables.get("rule", [])
    heads = [number for number, line in enumerate(lines) if re.match(r"\s*\[\[\s*rule\s*\]\]", line)]
    for key in tables:
        if key != "rule" or not isinstance(rules, list) or len(heads) != len(rules):
            line = _line(lines, key, 0)
            raise RulesError(f"{file}, line {line}: '{clip(key)}' is not known here; each rule begins with [[rule]]")
    return Rules(tuple(_rule(table, lines, head, file) for table, head in zip(rules, heads, strict=True)))


# One table ------------------------------------------------------------------------------------------------------------


def _rule(table: Mapping[str, Any], lines: list[str], head: int, file: str) -> Rule:
    where = {key: _line(lines, key, head) for key in table}
    values: dict[str, Any] = {}
    for key, value in table.items():
        try:
            if key not in _READERS:
                raise ValueError(f"is not known; known are {', '.join(_READERS)}")
            values[key] = _READERS[key](value)
        except ValueError as error:
            raise RulesError(f"{file}, line {where[key]}: '{clip(key)}' {error}") from None
    if "task" not in values:
        raise RulesError(f"{file}, line {head + 1}: a rule needs a 'task', such as '\\OpenData\\*'")
    return Rule(**values, lines=where)


def _fits(glob: str) -> Callable[[str], object]:
    """Whether a text is `glob` with any text in place of each ``*``; ``[`` and ``?`` are plain; both in one case."""
    return re.compile(translate(re.sub(r"[\[?]", r"[\g<0>]", glob.casefold()))).match


def _place(text: str, error: str) -> str:
    """The line of a TOML error, and the key where that line has one."""
    lines = text.splitlines() or [""]
    found = re.search(r"at line ([0-9]+)", error)
    number = int(found[1]) if found else len(lines)  # "at end of document"
    key = re.match(r"""\s*["']?([\w-]+)["']?\s*=""", lines[number - 1])
    return f", line {number}" + (f": '{clip(key[1])}'" if key else "")


def _line(lines: list[str], key: str, head: int) -> int:
    """The line of a key of the table that begins at line `head`, counted from 1."""
    pattern = re.compile(rf"""\s*(?:\[+\s*)?["']?{re.escape(key)}["']?\s*[=.\]]""")
    return next((number for number in range(head, len(lines)) if pattern.match(lines[number])), head) + 1


def _task(value: object) -> str:
    if not isinstance(value, str) or not value.startswith(("\\", "*")):
        raise ValueError("is not a task path; it begins with \\ or *, and * stands for any text")
    return value


def _codes(value: object) -> frozenset[int]:
    if not isinstance(value, list):
        raise ValueError('is not a list of codes, such as [1, "0x41306"]')
    codes = [unsigned(code) for code in value]
    return frozenset(code for code in codes if code is not None)


def _minutes(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 527_040:
        raise ValueError("is not a number of minutes, from 0 to a year")
    return value


def _only(kind: type, refusal: str) -> Callable[[object], Any]:
    """What reads values of exactly one type: True is no int, a time no date."""

    def read(value: object) -> Any:
        if type(value) is not kind:
            raise ValueError(refusal)
        return value

    return read


_text = _only(str, "is not text in quotes")
_READERS: dict[str, Callable[[object], Any]] = {
    "task": _task,
    "server": _text,
    "ok_codes": _codes,
    "grace_minutes": _minutes,
    "max_minutes": _minutes,
    "owner": _text,
    "note": _text,
    "ignore": _only(bool, "is not true or false"),
    "ignore_until": _only(date, "is not a date without quotes, such as 2026-12-31"),
}
_KEYS = [item.name for item in fields(Rule) if item.name not in ("task", "server", "lines")]
