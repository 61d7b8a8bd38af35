"""Encodings, and the cutting of a text with many tasks."""

import codecs
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskanalysis.definition.encoding import (
    _PIECE,
    MOST_BYTES,
    MOST_TASKS,
    open_regular,
    parse,
    read_bytes,
    split_tasks,
    xml_text,
)
from taskanalysis.errors import TaskXmlError
from tests.build import TRAPS, answer, trap

CLAIM = '<?xml version="1.0" encoding="UTF-16"?>\r\n'
TASK = "<Task><Data>{}</Data></Task>"
FRENCH = "Élèves: données à jour, août"
GERMAN = "Straße für Müller, Öl"
TYPED = "the mayor’s list – “open” data"


@pytest.mark.parametrize("claim", [CLAIM, CLAIM.replace("UTF-16", "utf-8"), ""])
@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-le", b""),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-16-be", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("utf-8", b""),
    ],
)
def test_unicode_is_read_whatever_the_declaration_claims(encoding: str, mark: bytes, claim: str) -> None:
    data = mark + (claim + TASK.format("données – 統計 😀")).encode(encoding)
    assert parse(data).findtext("Data") == "données – 統計 😀"


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("ascii", "plain"),
        ("cp850", FRENCH.replace("É", "E")),
        ("cp850", GERMAN),
        ("cp437", GERMAN),
        ("cp1252", FRENCH),
        ("cp1252", GERMAN),
        ("cp1252", TYPED),
        ("cp1252", "opened – closed"),
    ],
)
def test_western_8_bit_page_is_guessed_by_its_letters(page: str, text: str) -> None:
    assert parse((CLAIM + TASK.format(text)).encode(page)).findtext("Data") == text


@pytest.mark.parametrize(
    ("page", "name", "text"),
    [
        ("cp1251", "windows-1251", "Открытые данные"),
        ("cp866", "IBM866", "Открытые данные"),
        ("cp1253", "windows-1253", "Ανοικτά δεδομένα"),
        ("iso-8859-2", "ISO-8859-2", "Otwarte dane: źródło"),
        ("shift_jis", "Shift_JIS", "統計データ"),
        ("gb18030", "GB18030", "开放数据"),
        ("cp850", "cp850", "ÉÀ"),
    ],
)
def test_page_named_by_the_declaration_counts(page: str, name: str, text: str) -> None:
    data = (CLAIM.replace("UTF-16", name) + TASK.format(text)).encode(page)
    assert parse(data).findtext("Data") == text


def test_unknown_page_is_guessed() -> None:
    assert xml_text('<?xml version="1.0" encoding="cp99999"?><a>Müller</a>'.encode("cp1252")) == "<a>Müller</a>"


@given(st.binary(max_size=400))
def test_any_bytes_give_a_text_or_a_task_xml_error(data: bytes) -> None:
    try:
        assert isinstance(xml_text(data), str)
    except TaskXmlError:
        assert data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) or data[:3] == codecs.BOM_UTF8 or 0 in data[:2]


# Files


@pytest.mark.parametrize("size", [0, 1, _PIECE - 1, _PIECE, _PIECE + 1, 3 * _PIECE, MOST_BYTES])
def test_a_file_is_read_whole_and_as_it_is(size: int, tmp_path: Path) -> None:
    data = (b"\r\n\x1a\0" * (size // 4 + 1))[:size]
    (tmp_path / "file").write_bytes(data)
    assert read_bytes(tmp_path / "file") == read_bytes(str(tmp_path / "file")) == data


def test_file_above_the_bound_is_refused_without_reading_it_all(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(TaskXmlError, match="larger than 16 MiB"):
        read_bytes(tmp_path / "file")


@pytest.mark.parametrize("kind", TRAPS)
def test_what_may_never_end_is_not_read(kind: str, tmp_path: Path) -> None:
    trap(tmp_path / "file", kind)
    for read in (read_bytes, open_regular):
        with pytest.raises(OSError, match="not a regular file"):
            answer(lambda read=read: read(tmp_path / "file"))


def test_a_folder_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"regular|denied"):
        read_bytes(tmp_path)


# Many tasks in one text

A, B, C = ("<Task><Data>A</Data></Task>", "<Task><Data>B</Data></Task>", "<Task><Data>C</Data></Task>")
DECLARED = '<?xml version="1.0" encoding="UTF-16"?>\r\n'


@pytest.mark.parametrize(
    ("text", "chunks"),
    [
        (f"<!-- \\A --><Tasks>{A}</Tasks>", [("\\A", A)]),
        (f"<Tasks><!-- \\A -->{A}<!-- \\F\\B -->{B}</Tasks>", [("\\A", A), ("\\F\\B", B)]),
        (f"{DECLARED}<!-- \\A -->{A}\r\n\r\n{DECLARED}<!-- \\B -->{B}", [("\\A", A), ("\\B", B)]),
        (f"{DECLARED}{A}{DECLARED}{B}", [("", A), ("", B)]),
        (f"<!-- \\A -->\n<!-- exported by hand -->{A}", [("", A)]),
        (f"<!-- \\A -->{A}{B}", [("\\A", A), ("", B)]),
        ("<Tasks/>", []),
        ("", []),
        ("<t:Task xmlns:t='n'><t:Data/></t:Task>", [("", "<t:Task xmlns:t='n'><t:Data/></t:Task>")]),
        ("<Task/><Task a='1' />", [("", "<Task/>"), ("", "<Task a='1' />")]),
        # a task inside Data, a comment or CDATA is not one of the many
        (f"<Task><Data>{A}<Task/></Data></Task>{B}", [("", f"<Task><Data>{A}<Task/></Data></Task>"), ("", B)]),
        (f"<!-- {A} -->{B}", [("", B)]),
        ("<Task><![CDATA[</Task><!-- ]]>x</Task>", [("", "<Task><![CDATA[</Task><!-- ]]>x</Task>")]),
        ("<Task><!-- </Task> -->x</Task>", [("", "<Task><!-- </Task> -->x</Task>")]),
        ("<Task><!-- \\\\files\\share --></Task>", [("", "<Task><!-- \\\\files\\share --></Task>")]),
        # cut off: up to where the next begins
        (f"<!-- \\A -->{A[:12]}{DECLARED}<!-- \\B -->{B}", [("\\A", A[:12]), ("\\B", B)]),
        (f"<!-- \\A -->{A[:12]}<!-- \\B -->{B}", [("\\A", A[:12]), ("\\B", B)]),
        (f"{A}{B[:12]}", [("", A), ("", B[:12])]),
        (f"{A}<!-- \\B {B}", [("", A), ("", f"<!-- \\B {B}")]),
        (f"</Task>{A}</Task>", [("", A)]),
        # another root, though it holds elements called Task
        (f"<ScheduledTasks><TaskV2><Properties>{A}</Properties></TaskV2></ScheduledTasks>", []),
        (f"{DECLARED}<!-- note --><Project>{A}</Project>", []),
    ],
)  # fmt: skip
def test_text_with_many_tasks_is_cut_at_each(text: str, chunks: list[tuple[str, str]]) -> None:
    assert [tuple(chunk) for chunk in split_tasks(text)] == chunks


def test_more_tasks_than_any_server_has_are_refused() -> None:
    with pytest.raises(TaskXmlError, match="more than 20,000 tasks"):
        list(split_tasks("<Task/>" * (MOST_TASKS + 1)))


@given(
    st.lists(
        st.sampled_from(
            [A, B, "<Task>", "</Task>", "<!--", "-->", "<![CDATA[", "]]>", "<?xml ", "?>", " \\P ", "<Tasks>"]
        )
    )
)
def test_pieces_are_cut_out_of_the_text_and_do_not_overlap(parts: list[str]) -> None:
    text = "".join(parts)
    position = 0
    for chunk in split_tasks(text):
        begin = text.find(chunk.text, position)
        assert begin >= position
        position = begin + len(chunk.text)


@pytest.mark.parametrize("text", ["a && b", "a & b", "x?a=1&b=2", "R&D"])
def test_bare_ampersand_is_named_as_that(text: str) -> None:
    with pytest.raises(TaskXmlError, match="a bare & in line 2, which must be &amp;"):
        parse(f"<Task>\n<Command>{text}</Command></Task>".encode())
