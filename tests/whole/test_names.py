"""Every name of the repository can be checked out on Windows.

Authority: Microsoft, "Naming Files, Paths, and Namespaces".
"""

import re
import subprocess
import unicodedata
from collections.abc import Iterator

import pytest

from tests.build import ROOT

MOST = 180  # of 260 characters: what is left is for the folder that holds the checkout
_DEVICE = re.compile(
    r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9\u00b9\u00b2\u00b3]) *(?:[.:].*)?", re.IGNORECASE
)
_REFUSED = re.compile(r'[<>:"|?*\\\x00-\x1f\ud800-\udfff]')


def faults(paths: list[str]) -> Iterator[str]:
    """What Windows refuses in these paths, which are parted by slashes."""
    seen: dict[str, str] = {}
    for path in paths:
        if len(path) > MOST:
            yield f"{path} is too long"
        for part in path.split("/"):
            if _DEVICE.fullmatch(part):
                yield f"{path}: {part} is a device"
            if part != part.rstrip(". ") or part != part.lstrip(" "):
                yield f"{path}: a blank or a dot at an end"
            if _REFUSED.search(part):
                yield f"{path}: a character that no name may have"
        folders = path.split("/")
        for number in range(1, len(folders) + 1):
            place = "/".join(folders[:number])
            other = seen.setdefault(unicodedata.normalize("NFC", place).casefold(), place)
            if other != place:
                yield f"{place} is {other}"


def test_every_name_of_the_repository_is_allowed_on_windows() -> None:
    try:
        listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"not a checkout of git, or no git: {error}")
    paths = listing.stdout.decode("utf-8", "surrogateescape").rstrip("\0").split("\0")
    assert "pyproject.toml" in paths
    assert list(faults(paths)) == []


@pytest.mark.parametrize(
    "paths",
    [
        ["a/con"],
        ["aux.xml"],
        ["Nul .txt/x"],
        ["com1.tar.gz"],
        ["LPT\u00b2"],
        ["a/b."],
        ["a /b"],
        ["a/ b"],
        ["a:b"],
        ["what?.xml"],
        ['a"b'],
        ["a\\b"],
        ["a\x1fb"],
        ["bad\udce9"],
        ["Docs/a.md", "docs/b.md"],
        ["a/Größe.xml", "a/GRÖßE.xml"],
        ["e\u0301.xml", "\u00e9.xml"],
        ["x" * (MOST + 1)],
    ],
)
def test_name_that_windows_refuses_is_found(paths: list[str]) -> None:
    assert len(list(faults(paths))) >= 1


def test_names_that_look_like_refused_ones_are_allowed() -> None:
    assert not list(
        faults([".gitignore", "console.py", "com.txt", "com10", "a.b/c", "auxiliary/nul_test.py", "Größe%3A.xml"])
    )
