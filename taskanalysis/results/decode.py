r"""Decode a result code in the context of its task.

Authority: ``codes.csv`` beside this module, one row per fact with its source; names beyond it from the package
`ntstatus` ([MS-ERREF]). A code is never explained by a table that it does not belong to: a program's plain exit code is
no Win32 error, and what neither table nor convention knows stays unknown.

>>> decode(1, command="robocopy.exe").outcome.value, decode("0x8007052E").outcome.value, decode(77777).outcome.value
('succeeded', 'not started', 'unknown')
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from functools import cache, lru_cache
from numbers import Integral, Real
from pathlib import Path

from taskanalysis.text import brief, hides_exit_code, listed, program_name, small_table, working_program

OF_WINDOWS = ("scheduler", "win32", "hresult", "ntstatus")


class Outcome(StrEnum):
    """The outcome of a run, in the words of the reports."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    RUNNING = "running"
    STOPPED = "stopped"
    NOT_STARTED = "not started"
    NEVER_RAN = "never ran"
    UNKNOWN = "unknown"


BAD_OUTCOMES = (Outcome.FAILED, Outcome.STOPPED, Outcome.NOT_STARTED)
"""The outcomes that mean trouble, in the order in which reports show them; succeeded is the only good one."""
SETTLED = ("certain", "likely")
"""The certainties that settle an outcome; by a guess no run is bad."""


@dataclass(frozen=True, slots=True)
class Result:
    """A decoded result. `code` is unsigned 32 bit or None, `hex` its ``0x`` form, `name` the documented symbol or None.

    `meaning` is a plain sentence, `advice` the next step or "", `certainty` "certain", "likely" or "guess", and `basis`
    the table or rule that decided.
    """

    code: int | None
    hex: str
    name: str | None
    outcome: Outcome
    meaning: str
    advice: str
    certainty: str
    basis: str

    def __repr__(self) -> str:
        """One line: code, name, outcome, certainty and meaning.

        >>> decode(2)
        <Result: 2 (0x00000002), failed, likely, ...>
        """
        code = "no code" if self.code is None else f"{self.code} ({self.hex})"
        return brief("Result", code, self.name or "", self.outcome.value, self.certainty, self.meaning)

    def _repr_html_(self) -> str:
        """A small table of all that is known of it."""
        rows = [(field.name, getattr(self, field.name)) for field in fields(self)]
        return small_table("Result", [(name, value) for name, value in rows if value not in (None, "")])

    @property
    def is_of_windows(self) -> bool:
        """Whether Windows gives the code, whatever the program."""
        return self.basis in OF_WINDOWS


def decode(
    code: object,
    *,
    command: str | None = None,
    arguments: str | None = None,
    state: str | None = None,
    ever_ran: bool | None = None,
    source: str = "status",
) -> Result:
    """Decode a result code.

    `code` is an int, a whole float, signed or unsigned, or text of these or of ``0x…``; None and NaN are "no code".
    `command` and `arguments` name the program, `state` is Task Scheduler's word ("Unknown" says no more than None),
    `ever_ran` whether it has a last run.
    `source` is where the code stood: "status" (LastTaskResult), "action" (events 201 and 202, whose HRESULT wraps the
    program's own exit code) or "start" (events 101, 103 and 203). ValueError for any other code or source.

    >>> decode(2147942401, command="cmd.exe", source="action").basis
    'cmd'
    """
    if source not in ("status", "action", "start"):
        raise ValueError(f"source is not status, action or start: {source!r}")
    return _decode(unsigned(code), (command or "", arguments or ""), _known(state), ever_ran, source)


def _known(state: str | None) -> str | None:
    return None if state == "Unknown" else state


@lru_cache(maxsize=65536)
def _decode(code: int | None, line: tuple[str, str], state: str | None, ever_ran: bool | None, source: str) -> Result:
    if result := _from_context(code, state, ever_ran):
        return result
    assert code is not None  # noqa: S101 (no code is context enough)
    if row := _row(code, "scheduler"):
        return row
    exit_code = code & 0xFFFF if source == "action" and code >> 16 == 0x8007 else code
    own = _tables_of(working_program(*line)) if code > 0xFFFF else ()  # a large code of its own is no one else's
    if exit_code == code and (row := _row(code, *own, "win32", "hresult", "ntstatus")):
        return row
    result = _of_program(exit_code, *line) or (_named(code) if exit_code == code else None)
    result = result or _result(code, Outcome.UNKNOWN, "Nothing is known of this code.", UNKNOWN_ADVICE, "guess", "none")
    return replace(result, code=code, hex=_hex(code))


UNKNOWN_ADVICE = "Look for it in the program's own documentation or log; a rule can say what it means here."


def unsigned(code: object) -> int | None:
    """A result code as an unsigned 32-bit number, None for None and NaN; ValueError for anything else.

    >>> unsigned(-2147024894) == unsigned("0x80070002") == unsigned(2147942402.0)
    True
    """
    if code is None or (not isinstance(code, str) and str(code) in ("nan", "<NA>")):
        return None
    if type(code) is int or (isinstance(code, Integral) and not isinstance(code, bool)):
        number = int(code)
    else:
        text = str(float(code) if isinstance(code, Real) and not isinstance(code, bool) else code).strip()
        if not re.fullmatch(r"[+-]?[0-9]{1,10}(?:\.0)?|0[xX][0-9a-fA-F]{1,8}", text):
            raise ValueError(f"is not a result code: {code!r:.60}")
        number = int(text, 16) if text[:2] in ("0x", "0X") else int(text.removesuffix(".0"))
    if not -(2**31) <= number < 2**32:
        raise ValueError(f"is not a result code of 32 bits: {code!r:.60}")
    return number & 0xFFFFFFFF


# The steps, in their order --------------------------------------------------------------------------------------------

RUNNING, NEVER_RAN = 267009, 267011
_REFUSED = (Outcome.NOT_STARTED, Outcome.FAILED)


def _from_context(code: int | None, state: str | None, ever_ran: bool | None) -> Result | None:
    """The result where state and last run decide, whatever the code is."""
    if state == "Running":
        return _result(code, Outcome.RUNNING, "It is running now.", "", "certain", "state")
    if ever_ran is False and code != RUNNING:
        refused = _row(code, "scheduler", "win32") if code is not None else None
        why = f" Its start gave {refused.hex}: {refused.meaning}" if refused and refused.outcome in _REFUSED else ""
        advice = refused.advice if why and refused else ""
        return _result(code, Outcome.NEVER_RAN, f"It has not run yet.{why}", advice, "certain", "last run")
    if code is None:
        return _result(code, Outcome.UNKNOWN, "No result is known.", "", "certain", "no code")
    if code == RUNNING and state is not None:
        meaning = "No end of its last run was recorded, and it is not running now."
        return _result(code, Outcome.UNKNOWN, meaning, "Look at the program's own log.", "certain", "state")
    if code == NEVER_RAN and ever_ran:
        meaning = "The code says that it has not run yet, but it has a last run."
        return _result(code, Outcome.UNKNOWN, meaning, "Look at the next run.", "certain", "last run")
    return None


def _of_program(code: int, command: str, arguments: str) -> Result | None:
    """By the program's own table, else by the convention that 0 is success and other small numbers are not."""
    program = working_program(command, arguments)
    # where cmd itself did not find the command, no table of that command can know
    first = ["cmd"] if code == 9009 and program_name(command) == "cmd" else []
    row = _row(code, *first, *_tables_of(program), "convention")
    if code == 0 and (hidden := hides_exit_code(command, arguments)):
        meaning = f"It returned 0, but {hidden} returns 0 whatever the program that it starts returns."
        return _result(code, Outcome.SUCCEEDED, meaning, "", "likely", "convention")
    if row or code > 255:
        return row
    if code == 0:
        return _result(code, Outcome.SUCCEEDED, "It ended without an error.", "", "likely", "convention")
    meaning = f"The program ended with exit code {code}; by convention only 0 is success."
    advice = f"Read what {program or 'the program'} wrote, in its own log or in that of the task."
    return _result(code, Outcome.FAILED, meaning, advice, "likely", "convention")


def _named(code: int) -> Result | None:
    """A name from [MS-ERREF]; the outcome by its severity, which is a guess. Plain exit codes have none."""
    if code < 0x40000000:
        return None
    from ntstatus import HResult, NtStatus, Win32Error  # noqa: PLC0415 (15,000 names, asked for rarely)

    win32 = Win32Error.decode_name(code & 0xFFFF) if code >> 16 == 0x8007 else ""
    name = win32 or NtStatus.decode_name(code) or HResult.decode_name(code)
    if not name:
        return None
    bad = code >= 0x80000000
    meaning = f"Windows calls this code {name}; what it means for this task is not known."
    outcome = Outcome.FAILED if bad else Outcome.UNKNOWN
    return replace(_result(code, outcome, meaning, UNKNOWN_ADVICE, "guess", "ntstatus"), name=name)


# Tables ---------------------------------------------------------------------------------------------------------------


@cache
def _tables() -> dict[tuple[str, int], Result]:
    """The curated rows by table and code."""
    file = Path(__file__).with_name("codes.csv")
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return {
        (row["table"], (code := int(row["code"], 0))): Result(
            code=code,
            hex=_hex(code),
            name=row["symbol"] or None,
            outcome=Outcome(row["outcome"]),
            meaning=row["meaning"],
            advice=row["advice"],
            certainty=row["certainty"],
            basis=row["table"],
        )
        for row in csv.DictReader(lines)
    }


@cache
def symbols() -> dict[str, int]:
    """The codes of Windows by their documented names."""
    return {row.name: code for (table, code), row in _tables().items() if row.name and table in OF_WINDOWS}


def _row(code: int, *tables: str) -> Result | None:
    return next((row for table in tables if (row := _tables().get((table, code)))), None)


_SAME_AS = {"pyw": "py", "cscript": "wscript", "7za": "7z", "7zr": "7z"}


@cache
def _tables_of(program: str) -> tuple[str, ...]:
    """The tables of a program, its own first; the launcher py gives its own codes and those of Python."""
    name = _SAME_AS.get(program, program)
    if name == "py":
        return "py", "python"
    if re.fullmatch(r"pythonw?[\d.]*", name) or name.endswith((".py", ".pyw")):
        return ("python",)
    if name.endswith((".bat", ".cmd")):
        return ("cmd",)
    if name.endswith((".vbs", ".vbe", ".wsf")):
        return ("wscript",)
    return (name,) if name in {table for table, _ in _tables()} - {*OF_WINDOWS, "convention"} else ()


def _result(code: int | None, outcome: Outcome, meaning: str, advice: str, certainty: str, basis: str) -> Result:
    row = _row(code, "scheduler") if code is not None else None
    hexadecimal = "" if code is None else _hex(code)
    return Result(code, hexadecimal, row.name if row else None, outcome, meaning, advice, certainty, basis)


def _hex(code: int) -> str:
    return f"0x{code:08X}"


def decode_lines(
    code: int | None, lines: Iterable[tuple[str, str]], *, state: str | None = None, ever_ran: bool | None = True
) -> Result:
    """Decode a code that one of these command lines (program, arguments) returned: unknown where they disagree.

    >>> result = decode_lines(1, [("robocopy.exe", ""), ("python.exe", "load.py")])
    >>> result.outcome.value, result.basis
    ('unknown', 'several programs')
    """
    number = unsigned(code)
    results = [_decode(number, line, _known(state), ever_ran, "status") for line in dict.fromkeys(lines)]
    if len(results) == 1 or len({result.outcome for result in results}) == 1:
        return results[0]
    readings = listed([f"{result.outcome.value} for {result.basis}" for result in dict.fromkeys(results)])
    meaning = f"It is not known which of its programs returned this code, and its meaning differs: {readings}."
    return replace(results[0], outcome=Outcome.UNKNOWN, meaning=meaning, certainty="guess", basis="several programs")
