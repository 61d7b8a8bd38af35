"""Hostile input: refused with file, element and reason, quickly, and without touching network, disk or much memory.

`tests/files/malformed` is a shelf of its own: each file has a row in `malformed.csv`, and a file without one fails.
"""

import csv
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from taskanalysis.definition import encoding
from taskanalysis.definition.encoding import MOST_ATTRIBUTES, MOST_BYTES, MOST_MARKUP, MOST_TEXT, parse, xml_text
from taskanalysis.definition.model import TaskDefinition
from taskanalysis.definition.reader import read_many, read_task
from taskanalysis.definition.words import describe
from taskanalysis.errors import TaskXmlError
from taskanalysis.health.findings import find_findings
from tests.build import FILES, ROOT

NOW = datetime(2026, 11, 23, 6, 2, tzinfo=ZoneInfo("America/New_York"))
MALFORMED = FILES / "malformed"
with (FILES / "malformed.csv").open(encoding="utf-8", newline="") as table:
    EXPECTED = {row["file"]: (row["element"], row["reason"]) for row in csv.DictReader(table)}
"""The element that each file is refused for, and how the reason begins."""


def test_every_malformed_file_has_an_expectation() -> None:
    assert sorted(file.name for file in MALFORMED.iterdir()) == sorted(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_malformed_file_is_refused_with_file_element_and_reason(name: str) -> None:
    element, reason = EXPECTED[name]
    started = time.process_time()
    with pytest.raises(TaskXmlError) as caught:
        read_task(MALFORMED / name)
    assert time.process_time() - started < 1
    assert (caught.value.file, caught.value.element) == (name, element)
    assert caught.value.reason.startswith(reason)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


# Made here, because they are large: name -> (bytes, part of the reason)

MARK = b"\xff\xfe"


def with_attributes(number: int) -> bytes:
    attributes = b" ".join(b"a%d = '>'" % each if each % 2 else b'a%d="="' % each for each in range(number))
    return b"<Task ><Load " + attributes + b"/></Task>"


def as_exported(xml: bytes) -> bytes:
    return MARK + (DECLARED + "\r\n" + xml.decode("utf-8")).encode("utf-16-le")


DECLARED = '<?xml version="1.0" encoding="UTF-16"?>'
DEEP = b"<a>" * 10_000
TEXT, ONE_PIECE = b"<Task><Data>", "holds more than 10,000,000"
LARGE: dict[str, tuple[Callable[[], bytes], str]] = {
    "over 16 MiB": (lambda: TEXT + b"x" * MOST_BYTES, "is larger than 16 MiB"),
    "over 16 MiB of NULs": (lambda: b"\0" * (MOST_BYTES + 1), "is larger than 16 MiB"),
    "16 MiB of NULs": (lambda: b"\0" * MOST_BYTES, "holds no text"),
    "16 MiB of letters": (lambda: TEXT + b"x" * (MOST_BYTES - 40) + b"</Data></Task>", f"Data {ONE_PIECE}"),
    "16 MiB of letters in UTF-16": (lambda: MARK + ("<Task>" + "x" * (MOST_BYTES // 2 - 10)).encode("utf-16-le"), ""),
    "16 MiB of elements": (lambda: b"<Task>" + b"<a/>" * (MOST_BYTES // 4 - 10), "100,000 elements"),
    "elements up to the limit": (lambda: b"<Task>" + b"<a/>" * (MOST_MARKUP - 10), "not well-formed"),
    "16 MiB of attributes": (
        lambda: b"<Task " + b" ".join(b'a%d=""' % number for number in range(1_400_000)) + b"/>",
        "100,000 elements and attributes",
    ),
    "attributes up to the limit": (
        lambda: b"<Task " + b" ".join(b'a%d="%064d"' % (number, 0) for number in range(MOST_MARKUP - 10)) + b">",
        "Task has more than 1,000 attributes",
    ),
    "namespaces": (
        lambda: b"<Task " + b" ".join(b'xmlns:a%d="u"' % number for number in range(MOST_MARKUP // 2)) + b">",
        "Task has more than 1,000 attributes",
    ),
    "a name of 16 MiB": (lambda: b"<" + b"a" * (MOST_BYTES - 4) + b"/>", ONE_PIECE),
    "a comment of 16 MiB": (lambda: b"<Task><!--" + b"x" * (MOST_BYTES - 24) + b"--></Task>", ONE_PIECE),
    "a comment of few tags": (
        lambda: b"<Task><!--" + (b"<a/>" + b"x" * 200) * 50_000 + b"--></Task>",
        ONE_PIECE,
    ),
    "10 MB of text": (lambda: TEXT + b"x" * MOST_TEXT + b"</Data></Task>", f"Data {ONE_PIECE}"),
    "10 MB of wide text": (
        lambda: b"<Task><a/><Data>" + "€".encode() * (MOST_TEXT // 3 + 1) + b"</Data></Task>",
        f"Data {ONE_PIECE}",
    ),
    "10 MB behind an element": (lambda: b"<Task><a/>" + b"x" * MOST_TEXT + b"</Task>", f"a {ONE_PIECE}"),
    "10 MB of CDATA": (
        lambda: b"<Task><Data><![CDATA[" + b"<" * 9 + b"x" * MOST_TEXT + b"]]></Data></Task>",
        ONE_PIECE,
    ),
    "10 MB behind CDATA": (lambda: b"<Task><![CDATA[]]>" + b"x" * (MOST_TEXT + 1) + b"</Task>", ONE_PIECE),
    "10 MB of an attribute": (lambda: b'<Task a="' + b"x" * MOST_TEXT + b'"/>', f"Task {ONE_PIECE}"),
    "10 MB of an instruction": (lambda: b"<Task><?a " + b"x" * MOST_TEXT + b"?></Task>", ONE_PIECE),
    "1,001 attributes": (lambda: with_attributes(MOST_ATTRIBUTES + 1), "Load has more than 1,000 attributes"),
    "1,001 attributes as Windows exports": (
        lambda: as_exported(with_attributes(MOST_ATTRIBUTES + 1)),
        "Load has more than 1,000 attributes",
    ),
    "1,001 namespaces": (
        lambda: with_attributes(MOST_ATTRIBUTES + 1).replace(b" a", b" xmlns:a"),
        "Load has more than 1,000 attributes",
    ),
    "a NUL at the end": (lambda: as_exported(b"<Task ><Data>x</Data></Task>\0"), "Task holds a NUL character"),
    "a NUL between ends": (lambda: as_exported(b"<Task ></Task>\0</Task>"), "Task holds a NUL character"),
    "a NUL in a text": (lambda: as_exported(b"<Task ><Data>x\0y</Data></Task>"), "Data holds a NUL character"),
    "a NUL after 16 MiB": (
        lambda: TEXT + b"x" * (MOST_BYTES - 99) + b"</Data>\0</Task>",
        "Data holds a NUL character",
    ),
    "a prolog of 16 MiB": (lambda: b"<?a?>" * 3_000_000 + b"<Task>", "100,000 elements"),
    "spaces": (lambda: b" " * MOST_BYTES, "holds no text"),
    "nesting of 10,000": (lambda: b"<Task>" + DEEP + DEEP.replace(b"<", b"</") + b"</Task>", "is nested too deep"),
    "nesting of 10,000, never closed": (lambda: DEEP, "is nested too deep"),
    "brackets of a DTD": (lambda: b"<!DOCTYPE Task [" + b"<!ENTITY a '" * 90_000, "DTD"),
}  # fmt: skip


@pytest.mark.parametrize("name", LARGE)
def test_large_input_is_refused_in_time(name: str, tmp_path: Path) -> None:
    make, reason = LARGE[name]
    file = tmp_path / "large.xml"
    file.write_bytes(make())
    started = time.process_time()
    with pytest.raises(TaskXmlError) as caught:
        read_task(file)
    assert time.process_time() - started < 1
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 400


def test_what_is_within_the_limits_is_read() -> None:
    for xml in (with_attributes(MOST_ATTRIBUTES), as_exported(with_attributes(MOST_ATTRIBUTES))):
        assert parse(xml)[0].get("a999") == ">"
    many = b"<Task>" + b'<Load a="=" b="=" c="="><!-- a="" --> x="1" </Load>' * 9_000 + b"</Task>"
    assert len(parse(many)) == 9_000
    half = b"x" * (MOST_TEXT // 2)
    assert len(parse(b"<Task><Data>" + half + b"</Data><Data>" + half + b"</Data></Task>")) == 2
    assert (
        parse(as_exported("<Task ><Data>a\u0100b\u0400\u3000</Data></Task>".encode()))[0].text == "a\u0100b\u0400\u3000"
    )


MEASURE = """
import json, resource, sys
from pathlib import Path
from taskanalysis.errors import TaskXmlError
from taskanalysis.definition.reader import read_many, read_task
read_task(b"<Task/>")
file = Path(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_task(file)
except TaskXmlError:
    pass
try:
    list(read_many(file.read_bytes()))
except TaskXmlError:
    pass
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps(grown * (1 if sys.platform == "darwin" else 1024)))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="resource is not there on Windows")
@pytest.mark.parametrize(
    "name", ["16 MiB of letters in UTF-16", "16 MiB of elements", "16 MiB of attributes", "attributes up to the limit"]
)
def test_memory_stays_within_a_few_times_the_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "large.xml"
    file.write_bytes(LARGE[name][0]())
    command = [sys.executable, "-c", MEASURE, str(file)]
    done = subprocess.run(command, capture_output=True, check=True, text=True, cwd=ROOT, timeout=60)
    assert json.loads(done.stdout) < 6 * file.stat().st_size


WATCHED = """
import sys
from pathlib import Path
from taskanalysis.errors import TaskXmlError
from taskanalysis.definition.reader import read_many, read_task

def read_all():
    for data in files:
        for read in (read_task, lambda data: list(read_many(data))):
            try:
                read(data)
            except TaskXmlError:
                pass

files = [Path(name).read_bytes() for name in sys.argv[1:]]
read_all()  # Python itself opens codecs, once
seen = []
sys.addaudithook(lambda event, args: seen.append((event, str(args)[:200])))
read_all()
print([event for event in seen if event[0].split(".")[0] in ("open", "socket", "subprocess", "os", "urllib")])
"""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe as a trap")
def test_nothing_is_opened_and_no_host_is_asked(tmp_path: Path) -> None:
    """A file that is opened would block for ever: it is a pipe that nobody writes to; a host would be asked here."""
    trap = tmp_path / "trap"
    os.mkfifo(trap)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        host = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        texts = {
            "entity": '<!DOCTYPE Task [<!ENTITY x SYSTEM "{}">]><Task><Data>&x;</Data></Task>',
            "dtd": '<!DOCTYPE Task SYSTEM "{}"><Task/>',
            "parameter": '<!DOCTYPE Task [<!ENTITY % x SYSTEM "{}"> %x;]><Task/>',
            "mark": '\ufeff\ufeff<!DOCTYPE Task [<!ENTITY x SYSTEM "{}">]><Task><Data>&x;</Data></Task>',
            "include": '<Task xmlns:i="http://www.w3.org/2001/XInclude"><i:include href="{}"/></Task>',
            "stylesheet": '<?xml-stylesheet href="{}"?><Task/>',
            "schema": '<Task xmlns:s="http://www.w3.org/2001/XMLSchema-instance" s:schemaLocation="a {}"/>',
        }
        files = sorted(MALFORMED.iterdir())
        for name, text in texts.items():
            for target in (host, trap.as_uri()):
                file = tmp_path / f"{name}-{target[:4]}.xml"
                file.write_text(text.replace("{}", target), encoding="utf-8")
                files.append(file)
        command = [sys.executable, "-c", WATCHED, *map(str, files)]
        done = subprocess.run(command, capture_output=True, check=True, text=True, cwd=ROOT, timeout=20)
        assert done.stdout.strip() == "[]"
        with pytest.raises(BlockingIOError):
            server.accept()


def test_declared_utf_16_is_no_way_around_the_checks() -> None:
    texts = ["<!DOCTYPE Task [<!ENTITY a 'b'>]><Task/>", "<a>" * 10_000, "<Task/><Task/>", "<Task>\ud83d</Task>"]
    texts += ["<!DOCTYPE Task [<!ENTITY a 'b'>]><Task >&a;</Task>", "<Task ><!DOCTYPE a [<!ENTITY b 'c'>]></Task>"]
    texts += ["<Task /><!DOCTYPE a [<!ENTITY b 'c'>]>", "<Task >&a;</Task>", "<Task >" + "<a>" * 10_000, "<Task />\0"]
    for text in texts:
        for gap in ("", "\r\n", "\n"):
            with pytest.raises(TaskXmlError):
                parse(MARK + (DECLARED + gap + text).encode("utf-16-le", "surrogatepass"))


def test_declared_utf_16_is_no_way_around_size_and_whole_characters() -> None:
    whole = MARK + (DECLARED + "<Task ><Data>x</Data></Task>").encode("utf-16-le")
    assert parse(whole).findtext("Data") == "x"
    for rest in (b"\n", b"\0", b">"):
        with pytest.raises(TaskXmlError, match="is not UTF-16-LE at byte"):
            parse(whole + rest)
    many = MARK + (DECLARED + "<Task >" + "<a/>" * MOST_MARKUP + "</Task>").encode("utf-16-le")
    with pytest.raises(TaskXmlError, match="100,000 elements"):
        parse(many)


def test_what_windows_exports_is_read_or_refused_as_any_other_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes a shorter way through `parse`; without that way everything comes out the same."""
    texts = [etree.tostring(mutated_tree(random.Random(seed)), encoding="unicode") for seed in range(300)]
    texts += [text[: len(text) // 2] for text in texts[:20]]
    files = [MARK + (DECLARED + "\r\n" + text).encode("utf-16-le") for text in texts]
    assert sum(file.startswith(encoding._AS_EXPORTED) for file in files) > 200
    short = [outcome(file) for file in files]
    monkeypatch.setattr(encoding, "_AS_EXPORTED", ())
    assert [outcome(file) for file in files] == short
    assert {type(each) for each in short} == {TaskDefinition, str}


def outcome(data: bytes) -> TaskDefinition | str:
    try:
        return read_task(data)
    except TaskXmlError as error:
        return str(error)


def test_a_document_type_in_a_text_is_only_a_text() -> None:
    for text in ("<Task><Data><![CDATA[<!DOCTYPE a>]]></Data></Task>", "<Task><!-- <!DOCTYPE a> --><Data/></Task>"):
        assert isinstance(read_task(text.encode("utf-16")), TaskDefinition)


# Mutated real shapes

SEEDS = [xml_text(file.read_bytes()) for file in sorted((FILES / "definitions").iterdir())]
SEEDS += [
    xml_text(file.read_bytes()) for file in sorted(ROOT.glob("data/snapshots/*/2026-11/*/tasks/OpenData/*/*.xml"))[:40]
]
TEXTS = ["", " ", "true", "Last", "0", "-1", "99999999999", "P1M", "PT0S", "P", "\\", "é😀", "&", "<Task>", "\u2028"]
TEXTS += ["٣", "x" * 2000, "2026-02-30T00:00:00", "0000-01-01T00:00:00", "9999-12-31T24:00:00"]
TEXTS += ["2026-01-01T00:00:00+99:99"]
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp850", "cp1252", "ascii"]


def mutated_tree(dice: random.Random) -> etree._Element:
    """A definition with elements moved, doubled, dropped, renamed and refilled."""
    root = etree.fromstring(dice.choice(SEEDS))
    elements = list(root.iter(etree.Element))
    for _ in range(dice.randrange(6)):
        one, other = dice.choice(elements), dice.choice(elements)
        change = dice.randrange(7)
        if change == 0 and one.getparent() is not None:
            one.getparent().remove(one)
        elif change == 1 and not any(one is above for above in [other, *other.iterancestors()]):
            other.append(one)
        elif change == 2:
            other.insert(0, etree.fromstring(etree.tostring(one)))
        elif change == 3:
            one.text = dice.choice(TEXTS)
        elif change == 4:
            one.tag = other.tag
        elif change == 5:
            one.set(dice.choice(["id", "version", "Context", "name"]), dice.choice(TEXTS))
        else:
            one[:] = sorted(one, key=lambda _: dice.random())
    return root


def mutated(seed: int) -> bytes:
    """The same as a file, then bytes flipped, or a part cut."""
    dice = random.Random(seed)
    text = etree.tostring(mutated_tree(dice), encoding="unicode")
    if dice.random() < 0.3:
        text = DECLARED + text
    data = bytearray(text.encode(dice.choice(ENCODINGS), "xmlcharrefreplace"))
    if dice.random() < 0.5:
        for _ in range(dice.randrange(4)):
            place = dice.randrange(len(data))
            data[place : place + dice.choice([0, 1, 1, 2])] = dice.randbytes(dice.randrange(3))
    return bytes(data[: dice.randrange(len(data))] if dice.random() < 0.1 else data)


def read_or_refused(data: bytes) -> str:
    outcomes: list[object] = []
    try:
        outcomes.append(read_task(data))
    except TaskXmlError as error:
        outcomes.append(error)
    try:
        outcomes += [outcome for _, outcome in read_many(data)]
    except TaskXmlError as error:
        outcomes.append(error)
    for outcome in outcomes:
        assert isinstance(outcome, TaskDefinition | TaskXmlError)
        assert hash(outcome) is not None
        if isinstance(outcome, TaskDefinition):
            assert describe(outcome, at=NOW)
            assert find_findings({"\\Load": outcome}, at=NOW).keys() == {"\\Load"}
        assert len(str(outcome).splitlines()) == 1 or isinstance(outcome, TaskDefinition)
    return type(outcomes[0]).__name__


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**64))
def test_mutated_definition_is_read_or_refused(seed: int) -> None:
    read_or_refused(mutated(seed))


@settings(max_examples=300)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode), st.sampled_from([b"", b"<Task>", MARK]))
def test_any_bytes_are_read_or_refused(data: bytes, before: bytes) -> None:
    assert read_or_refused(before + data) in {"TaskDefinition", "TaskXmlError"}


@pytest.mark.slow
@settings(max_examples=20_000, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**64))
def test_many_mutated_definitions_are_read_or_refused(seed: int) -> None:
    read_or_refused(mutated(seed))


def test_mutations_are_neither_all_read_nor_all_refused() -> None:
    outcomes = [read_or_refused(mutated(seed)) for seed in range(200)]
    assert 40 < outcomes.count("TaskDefinition") < 160
