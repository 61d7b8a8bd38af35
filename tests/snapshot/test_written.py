"""What is read of a status file is what was written into it, or not known with a problem: never another value."""

import csv
import os
import random
import re
import string
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pytest

from taskanalysis.errors import SnapshotError
from taskanalysis.snapshot import locales
from taskanalysis.snapshot.foreign import ForeignStatuses, read_statuses_file
from taskanalysis.snapshot.status import Status
from tests.snapshot.printed import LANGUAGES, NOON, REST, REST_NAMES, Language

FORMS = ("%d/%m/%Y", "%m/%d/%Y", "%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d-%m-%y", "%m/%d/%y", "%y/%m/%d", "%y.%m.%d")
NAMED = ("%a %d %b %Y", "%A, %B %d, %Y", "%d-%b-%y", "%Y/%m/%d/%a", "%a %d/%m/%Y", "%a %m/%d/%Y", "%d %B %Y")
CLOCKS = (" %H:%M:%S", " %I:%M:%S %p")
SCRIPTS = (
    string.ascii_lowercase,
    "abcdéèüößåø",
    "абвгдежзиклмнопрстуфхцчшя",
    "αβγδεζηθικλμνξοπρστυφω",
    "가나다라마바사아자차카타",
)
PAGES = {"abc": ("cp1252", "cp850"), "абв": ("cp1251", "cp866"), "αβγ": ("cp1253", "cp737"), "가나다": ("cp949",)}
CODES = (0, 1, 267009, 267011, 2147942402)


class Written(NamedTuple):
    """A file: its bytes, and the cells of each task by field."""

    content: bytes
    rows: dict[str, dict[str, str]]
    statuses: dict[str, Status]


def invented(chance: random.Random) -> Language:
    """A language with words of letters of one script, each word another."""
    script = chance.choice(SCRIPTS)
    words: list[str] = []
    while len(words) < 18:
        word = "".join(chance.choices(script, k=chance.randint(4, 9))).capitalize()
        if word not in words:
            words.append(word)
    names, (ready, running, disabled, on, off, none) = words[:12], words[12:]
    off = disabled if chance.random() < 0.5 else off
    pages = next((" ".join(pages) for start, pages in PAGES.items() if start[0] in script), "cp1252")
    return Language("|".join(names), ready, running, disabled, on, off, none, "", pages)


def written(chance: random.Random) -> Written:
    known = list(LANGUAGES.values())
    language = chance.choice(known) if chance.random() < 0.6 else invented(chance)
    form = chance.choice(FORMS + NAMED) + chance.choice(CLOCKS)
    calendar = chance.choice(CALENDARS)
    page = chance.choice([*language.pages.split(), "utf-8", "utf-8-sig", "utf-16"])
    words = {"Ready": language.ready, "Running": language.running, "Disabled": language.disabled}
    rows, statuses = {}, {}
    noon = NOON.replace(tzinfo=None)
    for number in range(chance.randint(1, 8)):
        name = f"\\F\\{chance.choice(['Load', 'Lädt', 'Übergabe', 'Zażółć', 'Дело', '작업', '備份'])} {number}"
        name = name if name.encode(page, "ignore") == name.encode(page, "replace") else f"\\F\\Load {number}"
        state = chance.choice(list(words))
        last = noon - timedelta(seconds=chance.randint(600, 86400 * chance.choice((1, 20, 60))))
        next_ = noon + timedelta(seconds=chance.randint(600, 86400 * chance.choice((1, 30))))
        status = Status(name, state, state != "Disabled", last, chance.choice(CODES), next_)
        if state == "Disabled":
            status = Status(name, state, False, last, status.last_result, "never")
        statuses[name] = status
        rows[name] = {
            "state": words[state],
            "enabled": language.on if status.enabled else language.off,
            "last_run": dated(last, form, calendar),
            "last_result": str(status.last_result),
            "next_run": dated(next_, form, calendar) if status.next_run != "never" else language.none,
        }
    layout = chance.choice((verbose, short, listing, exported, cut))
    text, fields = layout(language, rows, chance)
    kept = {path: {name: cells[name] for name in fields} for path, cells in rows.items()}
    writable = text.encode(page, "ignore") == text.encode(page, "replace")  # else a name of the calendar is not
    return Written(text.encode(page if writable else "utf-8"), kept, statuses)


def calendars() -> Iterator[dict[str, str]]:
    """The names of months and weekdays of each language, by those of strftime in English."""
    lines = (Path(locales.__file__).with_name("calendar.csv")).read_text(encoding="utf-8").splitlines()
    rows = [row for row in csv.reader(lines) if not row[0].startswith("#")][1:]
    for language in dict.fromkeys(row[0] for row in rows):
        names = {}
        for _, kind, number, words in (row for row in rows if row[0] == language):
            day = datetime(2026, int(number), 1) if kind == "month" else datetime(2026, 11, 23 + int(number))
            for form, word in zip(
                ("%B", "%b") if kind == "month" else ("%A", "%a"), words.split("|") * 2, strict=False
            ):
                names[form + day.strftime(form)] = word
        yield names


CALENDARS = list(calendars())


def dated(time: datetime, form: str, names: dict[str, str]) -> str:
    """The time in this form, with names of months and weekdays of a language where it has them."""
    return re.sub("%[a-zA-Z]", lambda part: names.get(part[0] + (text := time.strftime(part[0])), text), form)


Made = tuple[str, list[str]]
Rows = dict[str, dict[str, str]]


def full(language: Language, path: str, cells: dict[str, str]) -> list[str]:
    none = language.none
    row = ["SRV", path, cells["next_run"], cells["state"], "x", cells["last_run"], cells["last_result"], "y"]
    return [*row, "load.exe", none, none, cells["enabled"], *REST[:8], none, *REST[9:]]


FIELDS = ["state", "enabled", "last_run", "last_result", "next_run"]


def verbose(language: Language, rows: Rows, chance: random.Random) -> Made:
    lines = [[*language.names.split("|"), *REST_NAMES], *(full(language, path, cells) for path, cells in rows.items())]
    return "\r\n".join('"' + '","'.join(line) + '"' for line in lines) + "\r\n", FIELDS


def short(language: Language, rows: Rows, chance: random.Random) -> Made:
    names = language.names.split("|")
    lines = [names[1:4], *([path, cells["next_run"], cells["state"]] for path, cells in rows.items())]
    return "\r\n".join('"' + '","'.join(line) + '"' for line in lines) + "\r\n", ["next_run", "state"]


def listing(language: Language, rows: Rows, chance: random.Random) -> Made:
    names = [*language.names.split("|"), *REST_NAMES]
    widths = {name: sum(1 + (each > "\u2fff" or "가" <= each <= "힣") for each in name) for name in names}
    most = max(widths.values()) + 2
    records = []
    for path, cells in rows.items():
        pairs = zip(names, full(language, path, cells), strict=True)
        records.append("\r\n".join(f"{name}:{' ' * (most - widths[name] - 1)}{cell}" for name, cell in pairs))
    return "\r\nFolder: \\F\r\n" + "\r\n\r\n".join(records) + "\r\n", FIELDS


def cut(language: Language, rows: Rows, chance: random.Random) -> Made:
    """The verbose output with some of its columns left out."""
    header = [*language.names.split("|"), *REST_NAMES]
    kept = sorted({1, *chance.sample(range(len(header)), chance.choice((2, 2, 3, 5, 12, 27)))})
    lines = [header, *(full(language, path, cells) for path, cells in rows.items())]
    fields = {2: "next_run", 3: "state", 5: "last_run", 6: "last_result", 11: "enabled"}
    text = "\r\n".join('"' + '","'.join(line[place] for place in kept) + '"' for line in lines)
    return text + "\r\n", [name for place, name in fields.items() if place in kept]


def exported(language: Language, rows: Rows, chance: random.Random) -> Made:
    """What PowerShell exports of the same, in any order of columns, some left out."""
    columns = {"state": "State", "last_run": "LastRunTime", "last_result": "LastTaskResult", "next_run": "NextRunTime"}
    fields = chance.sample(list(columns), chance.randint(1, 4))
    header = ["TaskName", "TaskPath", *(columns[name] for name in fields)]
    lines = [header]
    for path, cells in rows.items():
        folder, _, name = path.rpartition("\\")
        lines.append([name, folder + "\\", *(cells[field] for field in fields)])
    return "\n".join('"' + '","'.join(line) + '"' for line in lines) + "\n", fields


def losses(found: ForeignStatuses, made: Written) -> Iterator[str]:
    """What is read wrongly, or lost without a problem."""
    whats = [problem.what for problem in found.problems]
    ambiguous, doubtful, unknown, other_column = (
        any(text in what for what in whats)
        for text in (
            "are ambiguous",
            "letters of names",
            "of no known language",
            "its times are of a column in no known",
        )
    )
    for path, cells in made.rows.items():
        if path not in found.statuses:
            if not doubtful and not any("lost letters" in what for what in whats):
                yield f"{path} is lost"
            continue
        for name, text in cells.items():
            wanted, value = getattr(made.statuses[path], name), getattr(found.statuses[path], name)
            value = value.replace(tzinfo=None) if isinstance(value, datetime) else value
            noted = any(what.startswith(f"{path}: {name.replace('_', ' ')} ") for what in whats)
            noted |= other_column and name == "last_run"
            noted |= (ambiguous and "run" in name) or (unknown and name in ("state", "enabled", "next_run"))
            if value is None and not noted and not any(text in what for what in whats):
                yield f"{name} '{text}' is lost"
            if value is not None and value != wanted:
                yield f"{name} '{text}' is read as {value}"


def check(folder: Path, numbers: range) -> None:
    file = folder / "statuses.dat"
    for number in numbers:
        made = written(random.Random(number))
        file.write_bytes(made.content)
        os.utime(file, (NOON.timestamp(), NOON.timestamp()))
        try:
            found = read_statuses_file(file)
        except SnapshotError:  # a few columns alone are not known for statuses
            continue
        assert list(losses(found, made)) == [], number


def test_what_is_read_is_what_was_written_or_not_known(tmp_path: Path) -> None:
    check(tmp_path, range(150))


@pytest.mark.slow
def test_what_is_read_of_many_files_is_what_was_written_or_not_known(tmp_path: Path) -> None:
    check(tmp_path, range(150, 3000))


# all of the 768 are slow; one form of each language and layout, another each time, is quick
COMBINED = [
    pytest.param(*each, marks=[] if place % 16 == place // 16 % 16 else pytest.mark.slow)
    for place, each in enumerate(product(LANGUAGES, (verbose, short, listing), FORMS + NAMED))
]


@pytest.mark.parametrize(("name", "layout", "form"), COMBINED)
def test_every_language_reads_in_every_layout_and_order_of_dates(
    tmp_path: Path, name: str, layout: Callable[[Language, Rows, random.Random], Made], form: str
) -> None:
    language, noon = LANGUAGES[name], NOON.replace(tzinfo=None)
    last, next_ = noon - timedelta(hours=6), noon + timedelta(days=1)
    words = {"\\A": (language.ready, language.on), "\\B": (language.running, language.on)}
    rows = {
        path: {
            "state": state,
            "enabled": on,
            "last_run": last.strftime(form + CLOCKS[0]),
            "last_result": "0",
            "next_run": next_.strftime(form + CLOCKS[0]),
        }
        for path, (state, on) in words.items()
    }
    rows["\\C"] = rows["\\A"] | {"state": language.disabled, "enabled": language.off, "next_run": language.none}
    text, fields = layout(language, rows, random.Random(0))
    file = tmp_path / "statuses.txt"
    file.write_bytes(text.encode(language.pages.split()[-1]))
    os.utime(file, (NOON.timestamp(), NOON.timestamp()))
    found = read_statuses_file(file)
    wanted = {
        "\\A": Status("\\A", "Ready", True, last, 0, next_),
        "\\B": Status("\\B", "Running", True, last, 0, next_),
        "\\C": Status("\\C", "Disabled", False, last, 0, "never"),
    }
    for path, status in wanted.items():
        for field in fields:
            assert getattr(found.statuses[path], field) == getattr(status, field), (path, field)
    assert found.problems == []
