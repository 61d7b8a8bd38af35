"""A result code as people type it: from a window, a log or a web page, without 0x, or by its name.

Authority: names of ``codes.csv`` and of the package `ntstatus` ([MS-ERREF]). A Win32 error stands in LastTaskResult as
an HRESULT, so its name gives that.

>>> hex(code_of("ERROR_ACCESS_DENIED")), hex(code_of("800710E0")), code_of("-1"), code_of("41301")
('0x80070005', '0x800710e0', '-1', '41301')
>>> other_reading("41301").name
'SCHED_S_TASK_RUNNING'
"""

from __future__ import annotations

import re

from taskanalysis.results.decode import OF_WINDOWS, Result, decode, symbols


def code_of(text: str) -> int | str:
    """The code that a text names; the text itself where it is a number, or nothing that is known."""
    word = text.strip()
    digits = word.removesuffix("h").removesuffix("H")
    if re.fullmatch(r"[0-9a-fA-F]{1,8}", digits) and (not word.isdigit()) and (word[-1] in "hH" or len(digits) > 3):
        return int(digits, 16)
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*_[A-Za-z0-9_]+", word):
        return word
    from ntstatus import HResult, NtStatus, Win32Error  # noqa: PLC0415 (15,000 names, asked for rarely)

    name = word.upper()
    if name in symbols():
        return symbols()[name]
    if (win32 := getattr(Win32Error, name, None)) is not None:
        code: int = win32.unsigned_value
        return 0x80070000 | code if 0 < code <= 0xFFFF else code
    found = getattr(NtStatus, name, None) or getattr(HResult, name, None)
    return found.unsigned_value if found is not None else word


def other_reading(text: str) -> Result | None:
    """What decimal digits mean in hexadecimal, where that is a code of Windows and they themselves are none."""
    word = text.strip()
    if not re.fullmatch(r"[0-9]{5,8}", word) or decode(word).is_of_windows:
        return None
    result = decode(int(word, 16))
    return result if result.basis in OF_WINDOWS else None
