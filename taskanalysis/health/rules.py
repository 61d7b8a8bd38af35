r"""Rules that an office writes for its tasks: ``rules.toml`` in the share.

The format is our own. A rule is a table ``[[rule]]`` with a `task`, in which ``*`` stands for any text, and settings
for the tasks that match. Later rules win, key by key. A table ``[[code]]`` explains a result code of one program.

>>> rules = parse_rules("[[rule]]\ntask = '\\OpenData\\*'\nok_codes = [1]\n[[rule]]\ntask = '*mirror'\nok_codes = [3]")
>>> rules.of("OPENDATA01", r"\OpenData\Tiles\Mirror").ok_codes
frozenset({3})
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from fnmatch import translate
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from taskanalysis.definition import TaskDefinition, read_bytes
from taskanalysis.errors import RulesError, TaskXmlError
from taskanalysis.health.findings import KINDS
from taskanalysis.results import Outcome, unsigned
from taskanalysis.text import clip, program_name, working_program

FILE = "rules.toml"


class Meaning(NamedTuple):
    """What the office says of a result code; `basis` is where, such as "rules.toml, line 7"."""

    outcome: Outcome
    meaning: str
    basis: str


@dataclass(frozen=True)
class Code:
    """A result code of one of the office's programs: a table ``[[code]]``.

    `program` is a file name in lower case, without ``.exe``; that of a script has its ending.
    """

    program: str
    code: int
    outcome: Outcome
    meaning: str
    line: int = 0

    def is_of(self, command: str, arguments: str) -> bool:
        """Whether a command line starts the program, or names it as its script.

        >>> code = Code("load.py", 3, Outcome.SUCCEEDED, "There was nothing to load.")
        >>> code.is_of("python.exe", "D:/jobs/load.py --all"), code.is_of("python.exe", "reload.py")
        (True, False)
        """
        return self.program in _programs(command, arguments)


@lru_cache(maxsize=4096)
def _programs(command: str, arguments: str) -> frozenset[str]:
    """The program that a command line starts, and the files that it names, by their names in lower case."""
    names = map(program_name, re.split(r"[\s\"']+", arguments))
    return frozenset([working_program(command, arguments), *(name for name in names if "." in name)])


@dataclass(frozen=True)
class Rule:
    """What holds for a task: one table of the file, or several merged; None and empty mean "not set".

    `ignore_until` is the first day on which the task is listed again; `accept` are kinds of findings that are meant;
    `log` are globs of the task's log files; `lines` maps each key to its line in the file; `codes` are those of the
    whole file.
    """

    task: str = "*"
    server: str = ""
    ok_codes: frozenset[int] | None = None
    grace_minutes: float | None = None
    max_minutes: float | None = None
    owner: str | None = None
    note: str | None = None
    link: str | None = None
    ignore: bool | None = None
    ignore_until: date | None = None
    accept: frozenset[str] | None = None
    log: tuple[str, ...] | None = None
    lines: Mapping[str, int] = field(default_factory=dict)
    codes: tuple[Code, ...] = ()

    def ignores(self, day: date) -> bool:
        """Whether the task is not listed on `day`, a day of the server's zone."""
        if self.ignore_until is not None:
            return self.ignore is not False and day < self.ignore_until
        return bool(self.ignore)

    def accepts(self, kind: str) -> bool:
        """Whether a kind of finding is meant for the task, so that it is counted and not listed."""
        return kind in (self.accept or ())

    def with_link(self, advice: str) -> str:
        """An advice with the run book of the task, where there is one.

        >>> Rule(link="https://wiki.example/load").with_link("Read the log.")
        'Read the log. (Run book: https://wiki.example/load)'
        """
        return f"{advice} (Run book: {self.link})".lstrip() if self.link else advice

    def meanings(self, lines: Sequence[tuple[str, str]]) -> dict[int, Meaning]:
        """What the office says of the codes of a task with these command lines (program, arguments).

        A ``[[code]]`` is of a task all of whose lines start its program: else it is not known which one returned it.
        """
        if not self.codes and not self.ok_codes:
            return {}
        found = {
            code.code: Meaning(code.outcome, code.meaning, f"{FILE}, line {code.line}")
            for code in self.codes
            if lines and all(code.is_of(*line) for line in lines)
        }
        good = "A rule of the office counts this code as success."
        return found | {code: Meaning(Outcome.SUCCEEDED, good, self.name("ok_codes")) for code in self.ok_codes or ()}

    def name(self, key: str) -> str:
        """Where a key is set, such as "rules.toml, line 7"."""
        return f"{FILE}, line {self.lines[key]}"


@dataclass(frozen=True)
class Rules:
    """All rules of a file, in its order; `problem` is why a broken file has none."""

    rules: tuple[Rule, ...] = ()
    codes: tuple[Code, ...] = ()
    problem: str = ""

    def of(self, server: str, path: str) -> Rule:
        """All matching rules of a task in one, `NO_RULE` where the file says nothing; later ones win, key by key."""
        matching = self._matching(server, path)
        if matching not in self._merged:
            self._merged[matching] = self._merge(matching)
        return self._merged[matching]

    def meanings_of(self, server: str, path: str, task: TaskDefinition | None) -> dict[int, Meaning]:
        """What the office says of the codes of a task, whose definition is None where it is not known."""
        return self.of(server, path).meanings(task.command_lines if task else [])

    def _merge(self, matching: Iterable[int]) -> Rule:
        values: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for rule in map(self.rules.__getitem__, matching):
            values |= {key: value for key in _KEYS if (value := getattr(rule, key)) is not None}
            lines |= rule.lines
        return Rule(**values, lines=lines, codes=self.codes)

    def unused(self, tasks: Iterable[tuple[str, str]]) -> list[Rule]:
        """The rules that match none of these tasks (server, task path)."""
        used = {number for task in tasks for number in self._matching(*task)}
        return [rule for number, rule in enumerate(self.rules) if number not in used]

    def _matching(self, server: str, path: str) -> tuple[int, ...]:
        """The places of the rules that match a task, kept: a page asks for each task several times."""
        if not self.rules:
            return ()
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
        return {(): Rule(codes=self.codes) if self.codes else NO_RULE}

    @cached_property
    def _known(self) -> dict[tuple[str, str], tuple[int, ...]]:
        return {}

    @cached_property
    def _by_server(self) -> dict[str, _Index]:
        return {}


_Index = dict[tuple[int, int], dict[tuple[str, str], list[tuple[str, Callable[[str], object], int]]]]
"""Rules by the text before the first ``*`` and after the last, and these by their lengths: 15 million trials take too
long. Of each rule: the longest of its parts, its test, and its place."""
NO_RULE: Rule = Rule()
NO_RULES: Rules = Rules()


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
    for key, value in tables.items():
        if key not in ("rule", "code") or not isinstance(value, list) or len(_heads(lines, key)) != len(value):
            line = _line(lines, key, 0)
            how = "each rule begins with [[rule]], each code with [[code]]"
            raise RulesError(f"{file}, line {line}: '{clip(key)}' is not known here; {how}")
    rules, codes = (list(zip(tables.get(name, ()), _heads(lines, name), strict=True)) for name in ("rule", "code"))
    return Rules(
        tuple(_rule(table, lines, head, file) for table, head in rules),
        tuple(_code(table, lines, head, file) for table, head in codes),
    )


# One table ------------------------------------------------------------------------------------------------------------


_Readers = Mapping[str, Callable[[object], Any]]


def _rule(table: Mapping[str, Any], lines: list[str], head: int, file: str) -> Rule:
    values, where = _values(table, lines, head, file, _READERS)
    if "task" not in values:
        raise RulesError(f"{file}, line {head + 1}: a rule needs a 'task', such as '\\OpenData\\*'")
    return Rule(**values, lines=where)


def _code(table: Mapping[str, Any], lines: list[str], head: int, file: str) -> Code:
    values, _ = _values(table, lines, head, file, _CODE_READERS)
    for key in _CODE_READERS:
        if key not in values:
            raise RulesError(f"{file}, line {head + 1}: a code needs the key '{key}'")
    return Code(**values, line=head + 1)


def _values(
    table: Mapping[str, Any], lines: list[str], head: int, file: str, readers: _Readers
) -> tuple[dict[str, Any], dict[str, int]]:
    """The values of a table that begins at line `head`, and the line of each key."""
    where = {key: _line(lines, key, head + 1) for key in table}
    values = {}
    for key, value in table.items():
        try:
            if key not in readers:
                raise ValueError(f"is not known; known are {', '.join(readers)}")
            values[key] = readers[key](value)
        except ValueError as error:
            raise RulesError(f"{file}, line {where[key]}: '{clip(key)}' {error}") from None
    return values, where


def _fits(glob: str) -> Callable[[str], object]:
    """Whether a text is `glob` with any text in place of each ``*``; ``[`` and ``?`` are plain; both in one case."""
    return re.compile(translate(re.sub(r"[\[?]", r"[\g<0>]", glob.casefold()))).match


def _heads(lines: list[str], name: str) -> list[int]:
    """The lines, counted from 0, at which tables of this name begin."""
    return [number for number, line in enumerate(lines) if re.match(rf"\s*\[\[\s*{name}\s*\]\]", line)]


def _place(text: str, error: str) -> str:
    """The line of a TOML error, and the key where that line has one."""
    lines = text.splitlines() or [""]
    found = re.search(r"at line ([0-9]+)", error)
    number = int(found[1]) if found else len(lines)  # "at end of document"
    key = re.match(r"""\s*["']?([\w-]+)["']?\s*=""", lines[number - 1])
    return f", line {number}" + (f": '{clip(key[1])}'" if key else "")


def _line(lines: list[str], key: str, head: int) -> int:
    """The line of a key, counted from 1, of a table whose keys begin at line `head`, counted from 0."""
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


def _link(value: object) -> str:
    if not _LINK.fullmatch(_text(value)):
        raise ValueError(r"is not a link: https://… or a path such as \\server\share\file or D:\folder\file")
    return str(value)


def _accepted(value: object) -> frozenset[str]:
    if not isinstance(value, list):
        raise ValueError('is not a list of findings, such as ["stored password"]')
    for kind in value:
        if not isinstance(kind, str) or kind not in KINDS:
            raise ValueError(f"is not a list of findings: {clip(repr(kind), 60)} is none (docs/rules.md names them)")
    return frozenset(value)


def _log(value: object) -> tuple[str, ...]:
    globs = value if isinstance(value, list) else [value]
    if not globs or not all(isinstance(glob, str) and _GLOB.fullmatch(glob) for glob in globs):
        raise ValueError(r"is not a path of log files such as 'D:\logs\load*.log', or a list of such")
    return tuple(globs)


def _program(value: object) -> str:
    name = program_name(_text(value))
    if not name or "*" in name:
        raise ValueError("is not the file name of a program, such as 'load.exe' or 'load.py'")
    return name


def _one_code(value: object) -> int:
    code = unsigned(value)
    if code is None:
        raise ValueError("is not a result code")
    return code


def _meaning(value: object) -> str:
    if not _text(value).strip():
        raise ValueError("is empty")
    return str(value).strip()


def _outcome(value: object) -> Outcome:
    if value not in _ENDINGS:
        raise ValueError(f"is none of {', '.join(_ENDINGS)}")
    return Outcome(str(value))


_ENDINGS = (Outcome.SUCCEEDED, Outcome.FAILED, Outcome.STOPPED, Outcome.NOT_STARTED, Outcome.UNKNOWN)
_ROOT = r"(?:[A-Za-z]:[\\/]|\\\\[^\\/:*?\"<>|\s]+[\\/])"
_LINK = re.compile(rf"https://[^\s<>\"]+|{_ROOT}[^:*?\"<>|\x00-\x1f]+")
_GLOB = re.compile(rf"(?:{_ROOT}|%\w+%[\\/])[^:\"<>|\x00-\x1f]+")
_READERS: _Readers = {
    "task": _task,
    "server": _text,
    "ok_codes": _codes,
    "grace_minutes": _minutes,
    "max_minutes": _minutes,
    "owner": _text,
    "note": _text,
    "link": _link,
    "ignore": _only(bool, "is not true or false"),
    "ignore_until": _only(date, "is not a date without quotes, such as 2026-12-31"),
    "accept": _accepted,
    "log": _log,
}
_CODE_READERS: _Readers = {"program": _program, "code": _one_code, "meaning": _meaning, "outcome": _outcome}
_KEYS = [item.name for item in fields(Rule) if item.name not in ("task", "server", "lines", "codes")]
