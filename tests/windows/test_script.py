"""The PowerShell script: what it holds parses to exactly what was put in, and nothing of it is code."""

import codecs
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskanalysis.definition.reader import read_task
from taskanalysis.errors import SnapshotError
from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot
from taskanalysis.windows.restorable import Wanted, encoded, read_wanted
from taskanalysis.windows.script import quoted, script_text, write_script
from tests.build import ROOT

QUOTES = "'\u2018\u2019\u201a\u201b"
TEMPLATE = (ROOT / "taskanalysis" / "windows" / "restore.ps1").read_text(encoding="ascii")
HOSTILE = [
    "",
    "'",
    "''",
    "O'Brien",
    "\u2019; Remove-Item C:\\ -Recurse; \u2018",
    "\u2018\u2019\u201a\u201b",
    "'\u2019",
    '"double" \u201cand\u201d curly',
    "$(calc) ${env:PATH} $x @(1) %PATH%",
    "`$ `' `n ``",
    "line\nline",
    "\r\n'@\r\n",
    "@'\nx\n'@",
    "# a comment",
    "#>",
    "\n# SIG # Begin signature block\n",
    "nul\0nul",
    "\0",
    "a\ud800b",
    "\udc00\ud800",
    "\U0001f5c4 archive",
    "\u202egnp.exe",
    "line\u2028separator\u0085next",
    "trailing backslash\\",
    "{0} } ) ; & | > && ||",
    "\ufeff",
]


# PowerShell's own rules, from the language specification 3.0 ----------------------------------------------------------
# verbatim-string-literal (2.3.5.2, B.1.8): a single-quote-character, parts, a single-quote-character; a part is any
# character but such a quote, or two of them in a row, which stand for the second. single-quote-character: U+0027,
# U+2018, U+2019, U+201A, U+201B.


def verbatim(text: str, at: int) -> tuple[str, int]:
    """The value of the verbatim string that begins at `at`, and where it ends."""
    assert text[at] in QUOTES
    at += 1
    value = ""
    while True:
        if text[at] in QUOTES:
            if at + 1 == len(text) or text[at + 1] not in QUOTES:
                return value, at + 1
            at += 1
        value += text[at]
        at += 1


TOKEN = re.compile(
    r"\s+|(?P<name>[A-Za-z][A-Za-z0-9]*)|(?P<number>[0-9](?![0-9xX]))|(?P<char>\[char\]0x[0-9A-F]{4})(?![0-9A-Fa-f])"
    r"|(?P<variable>\$(?:title|tasks|true|false))\b|(?P<mark>@\{|@\(|[(){}=;+])"
)


def tokens(text: str) -> Iterator[tuple[str, Any]]:
    """The tokens of the data, each as (kind, value); an AssertionError where there is anything else than data."""
    at = 0
    while at < len(text):
        if text[at] in QUOTES:
            value, at = verbatim(text, at)
            yield "text", value
            continue
        found = TOKEN.match(text, at)
        assert found, f"not data: {text[at : at + 40]!r}"
        at = found.end()
        if found.lastgroup == "char":
            yield "char", chr(int(found[0][-4:], 16))
        elif found.lastgroup:
            yield found.lastgroup, found[0]


class Reader:
    """A reader of ``$title = …`` and ``$tasks = @( @{ … } … )``, and of nothing else."""

    def __init__(self, text: str) -> None:
        self.tokens = list(tokens(text))

    def take(self, kind: str, value: str | None = None) -> Any:
        found = self.tokens.pop(0)
        assert found[0] == kind, found
        assert value is None or found[1] == value, found
        return found[1]

    def next_is(self, *token: str) -> bool:
        return bool(self.tokens) and self.tokens[0] == token

    def text(self) -> str:
        if not self.next_is("mark", "("):
            return str(self.take("text"))
        self.take("mark", "(")
        value = self.take("text")
        while not self.next_is("mark", ")"):
            self.take("mark", "+")
            value += self.take("char" if self.tokens[0][0] == "char" else "text")
        self.take("mark", ")")
        return str(value)

    def value(self) -> Any:
        kind, value = self.tokens[0]
        if kind == "variable":
            self.tokens.pop(0)
            return {"$true": True, "$false": False}[value]
        return int(self.take("number")) if kind == "number" else self.text()

    def row(self) -> dict[str, Any]:
        self.take("mark", "@{")
        row = {}
        while not self.next_is("mark", "}"):
            name = self.take("name")
            self.take("mark", "=")
            row[name] = self.value()
            if not self.next_is("mark", "}"):
                self.take("mark", ";")
        self.take("mark", "}")
        return row

    def data(self) -> tuple[str, list[dict[str, Any]]]:
        self.take("variable", "$title")
        self.take("mark", "=")
        title = self.text()
        self.take("variable", "$tasks")
        self.take("mark", "=")
        self.take("mark", "@(")
        rows = []
        while not self.next_is("mark", ")"):
            rows.append(self.row())
        self.take("mark", ")")
        assert self.tokens == []
        return title, rows


def data_of(script: str) -> tuple[str, list[dict[str, Any]]]:
    """Title and rows of a script, whose other text must be that of the template."""
    before, after = TEMPLATE.split("#DATA#\n")
    assert script.startswith(before)
    assert script.endswith(after)
    return Reader(script[len(before) : len(script) - len(after)]).data()


def in_windows(text: str) -> bytes:
    """A text as .NET keeps it: two halves of a character, put side by side, are that character."""
    return text.encode("utf-16-le", "surrogatepass")


def wanted(path: str = r"\OpenData\Load", xml: str = "<Task/>", **known: Any) -> Wanted:
    return Wanted(path, xml, read_task(encoded(xml)), **known)


# Quoting --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_read_back_as_it_was(text: str) -> None:
    reader = Reader(quoted(text))
    assert in_windows(reader.text()) == in_windows(text)
    assert reader.tokens == []


@settings(deadline=None)
@given(
    st.text(alphabet=st.one_of(st.characters(), st.characters(categories=["Cs"]), st.sampled_from(QUOTES + "$`@#\n\0")))
)
def test_any_text_is_read_back_as_it_was(text: str) -> None:
    reader = Reader(quoted(text))
    assert in_windows(reader.text()) == in_windows(text)
    assert reader.tokens == []


@settings(deadline=None)
@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\n\r\u2028\u202e\0"))))
def test_a_quoted_text_is_one_line_that_a_reader_can_see(text: str) -> None:
    assert quoted(text).isprintable()


def test_a_text_comes_before_the_first_character() -> None:
    # [char] + [char] would be added as numbers
    assert quoted("\n\n") == "('' + [char]0x000A + [char]0x000A)"


@pytest.mark.parametrize("quote", QUOTES)
def test_each_of_the_five_quotes_is_doubled(quote: str) -> None:
    assert quoted(f"a{quote}b") == f"'a{quote}{quote}b'"


@pytest.mark.parametrize(
    "code",
    ["'it's'", "'a'; Remove-Item x", "$(calc)", "'\u2019x'", '"a"', "[char]0x0041", "'a' + calc", "@{ a = 1 }", "('a'"],
)
def test_the_reader_of_these_tests_finds_code(code: str) -> None:
    with pytest.raises((AssertionError, IndexError)):
        Reader(f"$title = {code} $tasks = @( )").data()


# The whole script -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_everywhere_stays_data(text: str) -> None:
    xml_text = "".join(letter if letter.isprintable() and letter not in "<&" else "?" for letter in text)
    principal = f"<UserId>x{xml_text}</UserId><LogonType>Password</LogonType>"
    xml = f"<Task><Principals><Principal>{principal}</Principal></Principals></Task>"
    task = wanted(rf"\F{text}\N{text}", xml, sddl=text)
    title, (row,) = data_of(script_text([(task, f"tasks/{text}.xml", b"content")], text))
    folder, _, name = rf"\F{text}\N{text}".rpartition("\\")
    found = [title, row["Folder"], row["Name"], row["File"], row["Account"], row["Sddl"]]
    meant = [text, folder, name, f"tasks/{text}.xml".replace("/", "\\"), task.account, text]
    assert [in_windows(each) for each in found] == [in_windows(each) for each in meant]


@settings(deadline=None)
@given(st.lists(st.text(), min_size=1, max_size=5))
def test_any_names_stay_data(names: list[str]) -> None:
    tasks = [(wanted("\\" + name.replace("\\", "")), f"tasks/{number}.xml", b"") for number, name in enumerate(names)]
    _, rows = data_of(script_text(tasks, "title"))
    assert [in_windows(row["Name"]) for row in rows] == [in_windows(name.replace("\\", "")) for name in names]


def test_the_program_itself_is_ascii_without_here_strings_and_without_what_5_1_lacks() -> None:
    TEMPLATE.encode("ascii")
    for pattern in (r"@['\"]\s*$", r"&&", r"\|\|", r"\?\?", r"Invoke-Expression|\biex\b", r"\bImport-Module\b"):
        assert not re.search(pattern, TEMPLATE, re.MULTILINE)
    assert TEMPLATE.count("#DATA#\n") == 1


@pytest.mark.parametrize(
    "part",
    [
        "SupportsShouldProcess = $true",
        "Read-Host -AsSecureString",
        "Register-ScheduledTask @with",
        # with -User it wants a password, which a managed account has not: the definition names that one
        "if ($password) { $with.User = $task.Account; $with.Password = $password }",
        "$ignoreRegistrationTriggers = 0x6, 0x10, 0x20",
        "ErrorAction = 'Stop'",
        "[StringComparison]::Ordinal",  # -ceq would pass over characters that have no weight
        "exit 1",
        "exit 2",
        "exit 3",
    ],
)
def test_the_program_has(part: str) -> None:
    assert part in TEMPLATE


# The folder -----------------------------------------------------------------------------------------------------------


def test_script_is_utf_8_with_byte_order_mark_and_windows_line_ends(tmp_path: Path, sample: Snapshot) -> None:
    script = write_script(tmp_path / "out", read_wanted(sample).tasks, title="Łódź’s tasks")
    data = script.read_bytes()
    assert data.startswith(codecs.BOM_UTF8)
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert "'Łódź’’s tasks'" in data.decode("utf-8-sig")


def test_folder_is_enough_by_itself(tmp_path: Path, sample: Snapshot) -> None:
    tasks = read_wanted(sample).tasks
    script = write_script(tmp_path / "out", tasks, title="t")
    _, rows = data_of(script.read_text(encoding="utf-8-sig"))
    assert len(rows) == len(tasks) == 49
    stored = sample.source / "tasks" if (sample.source / "tasks").is_dir() else None
    for row, task in zip(rows, tasks, strict=True):
        file = script.parent / row["File"].replace("\\", "/")
        assert file.read_bytes() == encoded(task.xml)
        assert stored is None or file.read_bytes() == (stored / sample.files[task.path]).read_bytes()
    found = read_snapshot(script.parent / "tasks")
    assert {path.casefold() for path in found.tasks} == {task.path.casefold() for task in tasks}


def test_hash_of_each_file_is_in_the_script(tmp_path: Path) -> None:
    script = write_script(tmp_path / "out", [wanted()], title="t")
    _, (row,) = data_of(script.read_text(encoding="utf-8-sig"))
    assert re.fullmatch("[0-9A-F]{64}", row["Sha256"])


def test_task_that_is_to_be_off_is_off_in_its_file_too(tmp_path: Path) -> None:
    xml = "<Task><Settings><Enabled>true</Enabled></Settings></Task>"
    script = write_script(tmp_path / "out", [wanted(xml=xml, off=True)], title="t")
    _, (row,) = data_of(script.read_text(encoding="utf-8-sig"))
    assert row["Enabled"] is False
    assert not read_task(script.parent / "tasks/OpenData/Load.xml").settings.enabled


@pytest.mark.parametrize(
    ("principal", "account", "asks", "logon"),
    [
        (r"<UserId>TOWN\etl</UserId><LogonType>Password</LogonType>", r"TOWN\etl", True, 1),
        (r"<UserId>TOWN\gmsa$</UserId><LogonType>Password</LogonType>", r"TOWN\gmsa$", False, 1),
        (r"<UserId>TOWN\etl</UserId><LogonType>S4U</LogonType>", "", False, 2),
        (r"<UserId>TOWN\etl</UserId><LogonType>InteractiveToken</LogonType>", "", False, 3),
        ("<GroupId>S-1-5-32-545</GroupId>", "", False, 4),
        ("<UserId>S-1-5-18</UserId>", "", False, 5),
        (r"<UserId>etl</UserId><LogonType>InteractiveTokenOrPassword</LogonType>", "etl", True, 6),
    ],
)
def test_only_accounts_with_a_stored_password_are_asked(principal: str, account: str, asks: bool, logon: int) -> None:
    xml = f"<Task><Principals><Principal>{principal}</Principal></Principals></Task>"
    _, (row,) = data_of(script_text([(wanted(xml=xml), "tasks/x.xml", b"")], "t"))
    assert (row["Account"], row["AsksPassword"], row["Logon"]) == (account, asks, logon)


def test_task_that_registering_would_start_is_marked() -> None:
    xmls = ["<Task><Triggers><RegistrationTrigger/></Triggers></Task>", "<Task/>"]
    _, rows = data_of(script_text([(wanted(xml=xml), "tasks/x.xml", b"") for xml in xmls], "t"))
    assert [row["StartsAtOnce"] for row in rows] == [True, False]


def test_long_names_get_short_files(tmp_path: Path) -> None:
    tasks = [wanted("\\" + "a" * 200 + f"\\{number}") for number in range(2)]
    script = write_script(tmp_path / "out", tasks, title="t")
    _, rows = data_of(script.read_text(encoding="utf-8-sig"))
    assert [row["File"] for row in rows] == [r"long\00001.xml", r"long\00002.xml"]
    assert all((script.parent / "long" / f"0000{number}.xml").is_file() for number in (1, 2))


def test_folder_that_holds_something_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(SnapshotError, match="is not empty"):
        write_script(tmp_path, [wanted()], title="t")
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write_script(tmp_path / "out", [wanted()], title="t")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out"]


@pytest.mark.skipif(sys.platform == "win32", reason="there such a path is no name for a file")
def test_folder_is_told_as_its_user_wrote_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("taskanalysis.windows.script.long_path", lambda path: Path(f"\\\\?\\{path}"))
    assert write_script(Path("out"), [wanted()], title="t") == Path("out/restore.ps1")
    with pytest.raises(SnapshotError, match=r"^out is not empty"):
        write_script(Path("out"), [wanted()], title="t")


def test_no_task_no_folder(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="no task"):
        write_script(tmp_path / "out", [], title="t")
    assert list(tmp_path.iterdir()) == []


def test_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("taskanalysis.windows.script.script_text", full)
    with pytest.raises(OSError, match="No space"):
        write_script(tmp_path / "out", [wanted()], title="t")
    assert list(tmp_path.iterdir()) == []
