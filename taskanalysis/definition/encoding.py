"""Parse bytes of unknown encoding and origin into an element tree that is safe to walk.

Nearly every task file declares UTF-16 and many are something else, so the declaration counts last: first the byte
order mark, then the pattern of zero bytes, then UTF-8, then an 8-bit page. A document type (entities, external
files) is refused before the XML parser sees it; size, depth, and what one element holds are bounded. These limits are
our own, because those of libxml2 differ: version 2.11, in lxml's wheels for Windows, reads 16 MiB of text that 2.14
refuses, and takes 24 s for an element of 100,000 attributes.

>>> parse(b'<?xml version="1.0" encoding="UTF-16"?><Task/>').tag
'Task'
"""

from __future__ import annotations

import codecs
import errno
import os
import re
import stat
from collections.abc import Iterator
from functools import cache
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

from lxml import etree

from taskanalysis.errors import TaskXmlError
from taskanalysis.text import clip

MOST_BYTES = 16 * 1024 * 1024
MOST_OWN_BYTES = 256 * 1024 * 1024
"""For files of our own formats, which are a row or a line a task: those of a million tasks."""
# a node takes 30 times the memory of its "<a/>", so size alone bounds nothing; the largest real task seen has 1,857
MOST_MARKUP = 100_000
MOST_TASKS = 20_000
MOST_ATTRIBUTES = 1_000
"""Of one element, with the declarations of namespaces."""
MOST_TEXT = 10_000_000
"""Bytes in UTF-8 of a text, a comment or a tag."""

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_DECLARATION = re.compile(r"\s*<\?xml\s[^>]*\?>\ufeff*")
_DECLARED_PAGE = re.compile(
    rb"""\s*<\?xml\s[^>]*?encoding\s*=\s*["']((?:windows-|cp|ibm)\d+|iso-8859-\d+|shift_jis|gb\w+|big5|euc-\w+)["']""",
    re.IGNORECASE,
)
_PROLOG = re.compile(r"(?:[?-]*>)?\s*(<!DOCTYPE|<!--|<\?)", re.IGNORECASE)
_FIRST_ELEMENT = re.compile(r"(?:[?-]*>)?\s*<(?:[\w.-]+:)?([\w.-]+)")
# ’ between letters, a dash between spaces, “ before a word: typing habits of Windows 1252, nonsense in DOS 850
_TYPED = re.compile(rb"(?<=[a-z])\x92(?=[a-z])|(?<= )[\x96\x97](?= )|(?<=[ (>])\x93(?=[A-Za-z])")
# as Windows exports it, which libxml2 reads by itself: with the root element next, no document type can come before it
_AS_EXPORTED = tuple(
    codecs.BOM_UTF16_LE + f'<?xml version="1.0" encoding="UTF-16"?>{end}<Task '.encode("utf-16-le")
    for end in ("\r\n", "\n", "")
)
_END = "</Task>".encode("utf-16-le")
_TAILS = tuple(tail.encode("utf-16-le") for tail in ("", "\r\n", "\n"))
_FEW_ATTRIBUTES = 10 * MOST_ATTRIBUTES  # a space and a="" are 10 bytes each
_PIECE = 1 << 15
# not all systems have all of them; without O_NONBLOCK, opening a pipe waits for somebody who writes into it
_READ = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_BINARY", "O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC"))


def open_regular(path: Path | str) -> BufferedReader:
    """Open a regular file for reading; OSError for anything else: a pipe or a device may never answer, or never end."""
    return os.fdopen(_descriptor(path), "rb")


def _descriptor(path: Path | str) -> int:
    descriptor = os.open(path, _READ)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def read_bytes(path: Path | str, most: int = MOST_BYTES) -> bytes:
    """The bytes of a regular file; OSError where it can't be read, TaskXmlError where it has more than `most` bytes."""
    pieces, size = [], 0
    descriptor = _descriptor(path)  # to make a file object takes longer than to read
    try:
        while size <= most and (piece := os.read(descriptor, _PIECE)):
            pieces.append(piece)
            size += len(piece)
    finally:
        os.close(descriptor)
    data = b"".join(pieces)
    _check_size(data, most)
    return data


def without_mark(data: bytes) -> tuple[str, bytes]:
    r"""The encoding that a byte order mark names ("" without one), and the bytes after the mark.

    >>> without_mark(b"\xff\xfea\x00"), without_mark(b"a")
    (('utf-16-le', b'a\x00'), ('', b'a'))
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return encoding, data[len(mark) :]
    return "", data


def xml_text(data: bytes) -> str:
    """Text of task XML, without byte order mark and XML declaration.

    Among 8-bit pages only Western ones are distinguished (Windows 1252 by its letters above C0, its quotes and dashes,
    DOS 850 by its letters below A6), unless the declaration names a page; double-byte pages need it named.
    TaskXmlError for more than 16 MiB, or for bytes that are not what their byte order mark says.

    >>> xml_text("<a>é</a>".encode("utf-16-be")), xml_text("<a>é</a>".encode("cp850"))
    ('<a>é</a>', '<a>é</a>')
    """
    _check_size(data)
    encoding, rest = without_mark(data)
    zeros = [byte == 0 for byte in data[:2]]
    if not encoding and zeros in ([False, True], [True, False]):
        encoding = "utf-16-le" if zeros[1] else "utf-16-be"
    try:
        return _without_declaration(rest.decode(encoding or "utf-8"))
    except UnicodeDecodeError as error:
        if encoding:
            raise TaskXmlError(f"is not {encoding.upper()} at byte {error.start} ({error.reason})") from None
        return _without_declaration(data.decode(_eight_bit_page(data), errors="replace"))


def parse(data: bytes) -> etree._Element:
    """Root element of task XML; TaskXmlError for anything that is not well-formed or not safe."""
    if (
        len(data) < MOST_MARKUP
        and len(data) % 2 == 0
        and data.startswith(_AS_EXPORTED)
        # no NUL behind the root, where one version of libxml2 takes it for the end
        and data[data.find(_END) + len(_END) :] in _TAILS
        and (len(data) < _FEW_ATTRIBUTES or data.count(b"=") <= MOST_ATTRIBUTES)
    ):
        try:
            return etree.fromstring(data, _parser(None))
        except etree.XMLSyntaxError:
            pass  # what is wrong with it is found out below
    _check_size(data)
    if not data.strip(b" \t\r\n\0\xff\xfe"):
        raise TaskXmlError("the file is empty" if not data else "the file holds no text")
    if len(data) > MOST_MARKUP and data.count(b"<") + data.count(b"=") > MOST_MARKUP:
        raise TaskXmlError(f"holds more than {MOST_MARKUP:,} elements and attributes")
    text = xml_text(data)
    _after_prolog(text)
    _check_limits(text)
    return _parse_xml(text.encode("utf-8"))


class Chunk(NamedTuple):
    """One task of a text with many: the path that a comment before it gives ("" without one), and its XML."""

    path: str
    text: str


_TOKEN = re.compile(r"<!--|<!\[CDATA\[|<\?|<(?P<close>/?)(?:[\w.-]+:)?Task(?=[\s>/])")
_CLOSERS = {"<!--": "-->", "<![CDATA[": "]]>", "<?": "?>"}


def split_tasks(text: str) -> Iterator[Chunk]:
    r"""The tasks of what ``schtasks /query /xml`` prints: declarations, comments with paths, a `<Tasks>` root or none.

    A task that is cut off ends where the next declaration or path begins. Nothing where the root is another element.

    >>> [chunk.path for chunk in split_tasks("<Tasks><!-- \\A\\B --><Task>1</Task><Task/></Tasks>")]
    ['\\A\\B', '']
    """
    root = _FIRST_ELEMENT.match(text, _after_prolog(text))
    if root and root[1] not in ("Task", "Tasks"):
        return
    position, start, depth, path, number = 0, -1, 0, "", 0
    while token := _TOKEN.search(text, position):
        closer = _CLOSERS.get(token[0], ">")
        end = text.find(closer, token.end())
        if end < 0:
            start = start if start >= 0 else token.start()
            break
        position = end + len(closer)
        inner = text[token.end() : end].strip() if token[0] in ("<!--", "<?") else ""
        if start >= 0 and re.match(r"\\[^\\]" if token[0] == "<!--" else r"xml\s", inner):
            yield Chunk(path, text[start : token.start()])
            start, depth, path = -1, 0, ""
        if token[0] == "<!--" and start < 0:
            path = inner if inner.startswith("\\") else ""
        elif closer == ">" and (start >= 0 or not token["close"]):
            start = start if start >= 0 else token.start()
            depth += -1 if token["close"] else text[end - 1] != "/"
            if depth == 0:
                yield Chunk(path, text[start:position])
                start, path = -1, ""
                number += 1
                if number > MOST_TASKS:
                    raise TaskXmlError(f"holds more than {MOST_TASKS:,} tasks")
    if start >= 0:
        yield Chunk(path, text[start:])


def _check_size(data: bytes, most: int = MOST_BYTES) -> None:
    if len(data) > most:
        raise TaskXmlError(f"the file is larger than {most >> 20} MiB")


def _check_limits(text: str) -> None:
    """TaskXmlError for what versions of libxml2 answer differently, or one of them only after a long time."""
    if (nul := text.find("\0")) >= 0:
        raise TaskXmlError("holds a NUL character", element=_tag(text, text.rfind("<", 0, nul)))
    is_long = 3 * len(text) > MOST_TEXT and len(text.encode("utf-8", "replace")) > MOST_TEXT
    if not is_long and text.count("=") <= MOST_ATTRIBUTES:
        return
    for begin, end in _pieces(text):
        if 3 * (end - begin) > MOST_TEXT and len(text[begin:end].encode("utf-8", "replace")) > MOST_TEXT:
            raise TaskXmlError(f"holds more than {MOST_TEXT:,} bytes in one piece", element=_tag(text, begin))
        if text.count("=", begin, end) > MOST_ATTRIBUTES and _has_many_attributes(text, begin):
            raise TaskXmlError(f"has more than {MOST_ATTRIBUTES:,} attributes", element=_tag(text, begin))


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Where a comment, a CDATA section or an instruction, or a tag and the text behind it, begins and ends."""
    position = 0
    while opener := _OPENER.search(text, position):
        begin = opener.start()
        if begin > position:
            yield position, begin
        closer = _CLOSERS.get(opener[0], "")
        end = text.find(closer or "<", opener.end())
        position = len(text) if end < 0 else end + len(closer)
        yield begin, position
    yield position, len(text)


def _has_many_attributes(text: str, begin: int) -> bool:
    found = _NAME.match(text, begin)
    for _ in range(MOST_ATTRIBUTES + 1):
        found = found and _ATTRIBUTE.match(text, found.end())
    return found is not None


def _tag(text: str, begin: int) -> str:
    """The name of the element whose tag begins there; "" where none does."""
    found = _NAME.match(text, begin) if begin >= 0 else None
    return clip(found[1]) if found else ""


_OPENER = re.compile(r"<!--|<!\[CDATA\[|<\?|<")
_NAME = re.compile(r"</?(?:[\w.-]{1,80}:)?([\w.-]+)")
_ATTRIBUTE = re.compile(r"""\s*[^\s=<>"']+\s*=\s*(?:"[^"]*"|'[^']*')""")


def _without_declaration(text: str) -> str:
    text = text.lstrip("\ufeff")  # the XML parser would take it for a byte order mark, and what follows for its start
    return text[found.end() :] if (found := _DECLARATION.match(text)) else text


def _eight_bit_page(data: bytes) -> str:
    named = _DECLARED_PAGE.match(data)
    try:
        return codecs.lookup(named[1].decode("ascii") if named else "").name
    except LookupError:
        low = sum(data.count(byte) for byte in range(0x80, 0xA6))
        high = sum(data.count(byte) for byte in range(0xC0, 0x100)) + 2 * len(_TYPED.findall(data))
        return "cp850" if low > high else "cp1252"


def _after_prolog(text: str) -> int:
    """Where the root element begins; TaskXmlError for a document type, which can stand only before it, and for HTML."""
    position = 0
    while prolog := _PROLOG.match(text, position):
        if prolog[1].upper() == "<!DOCTYPE":
            html = text[prolog.end() : prolog.end() + 80].lstrip()[:4].lower() == "html"
            reason = "is HTML, not a task definition" if html else "a document type (DTD) is not allowed"
            raise TaskXmlError(reason, element="<!DOCTYPE>")
        end = text.find(_CLOSERS[prolog[1]], prolog.end())
        if end < 0:
            return position
        position = end
    root = _FIRST_ELEMENT.match(text, position)
    if root and root[1].lower() == "html":
        raise TaskXmlError("is HTML, not a task definition", element=f"<{root[1]}>")
    return position


@cache
def _parser(encoding: str | None) -> etree.XMLParser:
    return etree.XMLParser(
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def _parse_xml(data: bytes) -> etree._Element:
    try:
        root = etree.fromstring(data, _parser("utf-8"))
    except etree.XMLSyntaxError as error:
        what = clip(re.sub(r" \(<string>, line \d+\)$", "", str(error)), 160)
        deep = "Excessive depth" in what
        if "xmlParseEntityRef: no name" in what or ("EntityRef" in what and "expecting ';'" in what):
            what = f"a bare & in line {error.lineno}, which must be &amp;"
        raise TaskXmlError("is nested too deep" if deep else f"is not well-formed XML: {what}") from None
    if root.getroottree().docinfo.internalDTD is not None:  # should `_after_prolog` ever be led astray
        raise TaskXmlError("a document type (DTD) is not allowed", element="<!DOCTYPE>")
    return root
