"""Statuses that others print: in every language, code page and layout, and in the state in which they arrive."""

import csv
import os
import random
import re
import time
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskanalysis.errors import SnapshotError, ZoneError
from taskanalysis.snapshot import languages as statuswords
from taskanalysis.snapshot.dates import moment
from taskanalysis.snapshot.foreign import (
    ForeignStatuses,
    decode_page,
    is_status_file,
    join_paths,
    read_statuses_file,
    status_files,
)
from taskanalysis.snapshot.languages import enabled_of, field_of, state_of
from taskanalysis.snapshot.status import STATES, STATUS_FIELDS, Status
from tests import build

FILES = build.FILES / "statuses"
CORPUS = build.CORPUS / "csv"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MORNING = datetime(2026, 11, 24, 6)
LOAD, NIGHTLY = "\\OpenData\\Load", "\\OpenData\\Permits\\Nightly"
SCHTASKS = {"state", "enabled", "last_run", "last_result", "next_run"}
corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="the folder of real files is not here")
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(content: str | bytes, encoding: str = "utf-8", at: datetime = NOON, name: str = "statuses.dat") -> Path:
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        os.utime(file, (at.timestamp(), at.timestamp()))
        return file

    return to_file


def sample(name: str) -> str:
    return (FILES / name).read_text(encoding="utf-8")


def whats(found: ForeignStatuses) -> list[str]:
    return [problem.what for problem in found.problems]


# Nine languages ------------------------------------------------------------------------------------------------------


class Language(NamedTuple):
    names: str  # of the first 12 columns
    ready: str
    running: str
    disabled: str
    on: str
    off: str
    none: str
    date: str
    pages: tuple[str, ...]


WESTERN = ("cp1252", "cp850")
LANGUAGES = {
    "English": Language(
        "HostName|TaskName|Next Run Time|Status|Logon Mode|Last Run Time|Last Result|Author|Task To Run|Start In"
        "|Comment|Scheduled Task State",
        "Ready", "Running", "Disabled", "Enabled", "Disabled", "N/A", "%m/%d/%Y %I:%M:%S %p", (*WESTERN, "cp437"),
    ),
    "German": Language(
        "Hostname|Aufgabenname|Nächste Laufzeit|Status|Anmeldemodus|Letzte Laufzeit|Letztes Ergebnis|Autor"
        "|Auszuführende Aufgabe|Starten in|Kommentar|Status der geplanten Aufgabe",
        "Bereit", "Wird ausgeführt", "Deaktiviert", "Aktiviert", "Deaktiviert", "Nicht zutreffend",
        "%d.%m.%Y %H:%M:%S", (*WESTERN, "cp437"),
    ),
    "French": Language(
        "Nom de l'hôte|Nom de la tâche|Prochaine exécution|Statut|Mode d'ouverture de session"
        "|Heure de la dernière exécution|Dernier résultat|Auteur|Tâche à exécuter|Commencer dans|Commentaire"
        "|Statut de la tâche planifiée",
        "Prêt", "En cours d'exécution", "Désactivée", "Activée", "Désactivée", "N/A", "%d/%m/%Y %H:%M:%S", WESTERN,
    ),
    "Spanish": Language(
        "Nombre de host|Nombre de tarea|Hora próxima ejecución|Estado|Modo de inicio de sesión"
        "|Último tiempo de ejecución|Último resultado|Autor|Tarea que se ejecutará|Iniciar en|Comentario"
        "|Estado de tarea programada",
        "Listo", "En ejecución", "Deshabilitado", "Habilitado", "Deshabilitado", "N/D",
        "%d/%m/%Y %I:%M:%S\u00a0%p", WESTERN,
    ),
    "Italian": Language(
        "Nome host|Nome attività|Prossima esecuzione|Stato|Modalità accesso|Ultima esecuzione|Ultimo risultato|Autore"
        "|Attività da eseguire|Inizia in|Commento|Stato attività pianificata",
        "Pronta", "In esecuzione", "Disabilitata", "Abilitata", "Disabilitata", "N/D", "%d/%m/%Y %H.%M.%S", WESTERN,
    ),
    "Polish": Language(
        "Nazwa hosta|Nazwa zadania|Czas nast. uruchomienia|Stan|Tryb logowania|Czas ostat. uruchomienia|Ostatni wynik"
        "|Autor|Zadanie do uruchomienia|Rozpocznij w|Komentarz|Stan zaplanowanego zadania",
        "Gotowe", "Uruchomione", "Wyłączone", "Włączony", "Wyłączony", "Brak", "%Y-%m-%d %H:%M:%S",
        ("cp1250", "cp852"),
    ),
    "Portuguese": Language(
        "Nome do host|Nome da tarefa|Hora da próxima execução|Status|Modo de logon|Horário da última execução"
        "|Último resultado|Autor|Tarefa a ser executada|Iniciar em|Comentário|Status da tarefa agendada",
        "Pronto", "Em execução", "Desabilitado", "Habilitado", "Desabilitado", "N/A", "%d/%m/%Y %H:%M:%S", WESTERN,
    ),
    "Japanese": Language(
        "ホスト名|タスク名|次回の実行時刻|状態|ログオン モード|前回の実行時刻|前回の結果|作成者|実行するタスク|開始"
        "|コメント|スケジュールされたタスクの状態",
        "準備完了", "実行中", "無効", "有効", "無効", "N/A", "%Y/%m/%d %H:%M:%S", ("cp932",),
    ),
    "Chinese": Language(
        "主机名|任务名|下次运行时间|模式|登录状态|上次运行时间|上次结果|创建者|要运行的任务|起始于|注释|计划任务状态",
        "就绪", "正在运行", "已禁用", "已启用", "已禁用", "N/A", "%Y/%m/%d %H:%M:%S", ("gbk",),
    ),
}  # fmt: skip
WANTED = {
    LOAD: Status(LOAD, "Ready", True, MORNING, 0, datetime(2026, 11, 25, 18)),
    "\\OpenData\\Übertragen, dann löschen": Status(
        "\\OpenData\\Übertragen, dann löschen", "Running", True, datetime(2026, 11, 24, 17, 5, 9), 267009, "never"
    ),
    NIGHTLY: Status(NIGHTLY, "Disabled", False, "never", 267011, "never"),
    "\\備份 就": Status("\\備份 就", "Ready", True, MORNING, 2147942402, datetime(2026, 11, 25, 18)),
}


def cells(language: Language, page: str) -> list[list[str]]:
    """A row a trigger, the first 12 cells; of names only what the code page can write."""
    words = {"Ready": language.ready, "Running": language.running, "Disabled": language.disabled}
    rows = []
    for status in WANTED.values():
        path, state, last, code, next_ = status.path, status.state, status.last_run, status.last_result, status.next_run
        if path.encode(page, "ignore") != path.encode(page, "replace"):
            continue
        next_text = next_.strftime(language.date) if isinstance(next_, datetime) else language.none
        last_text = (last if isinstance(last, datetime) else datetime(1999, 11, 30)).strftime(language.date)
        signed = str(code - 2**32 if code and code > 2**31 else code)
        row = ["OPENDATA01", path, next_text, words[state or ""], "x", last_text, signed, "y"]
        row += ['cmd /c "D:\\a b.bat" 1', language.none, language.none, language.on if status.enabled else language.off]
        rows += [row, row]
    return rows


def wanted(rows: list[list[str]]) -> dict[str, Status]:
    return {row[1]: WANTED[row[1]] for row in rows}


REST = ["z"] * 8 + ["05/01/2026"] + ["z"] * 7
REST_NAMES = [f"{name}: x" for name in "abcdefghijklmnop"]


def as_csv(language: Language, page: str, names: str = "") -> str:
    header = [*(names or language.names).split("|"), *REST_NAMES]
    rows = [header] + [[*row, *REST] for row in cells(language, page)]
    return "\r\n".join('"' + '","'.join(row) + '"' for row in rows) + "\r\n"


def as_list(language: Language, page: str) -> str:
    names = [*language.names.split("|"), *REST_NAMES]
    widths = {name: sum(1 + (each > "\u2fff") for each in name) for name in names}
    most = max(widths.values()) + 2
    records = []
    for row in cells(language, page):
        pairs = zip(names, [*row, *REST], strict=True)
        records.append("\r\n".join(f"{name}:{' ' * (most - widths[name] - 1)}{cell}" for name, cell in pairs))
    return "\r\nFolder: \\OpenData\r\n" + "\r\n\r\n".join(records) + "\r\n"


ENCODED = [
    (name, page)
    for name, language in LANGUAGES.items()
    for page in (*language.pages, "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")
]


@pytest.mark.parametrize("layout", [as_csv, as_list])
@pytest.mark.parametrize(("name", "page"), ENCODED)
def test_every_language_reads_in_every_code_page_of_it(
    write: Write, name: str, page: str, layout: Callable[[Language, str], str]
) -> None:
    language = LANGUAGES[name]
    file = write(layout(language, page), page)
    found = read_statuses_file(file)
    assert is_status_file(file)
    assert found.statuses == wanted(cells(language, page))
    assert len(found.statuses) >= 2
    assert (found.server, set(found.holds), found.problems) == ("OPENDATA01", SCHTASKS, [])
    assert set(found.commands.values()) == {'cmd /c "D:\\a b.bat" 1'}
    assert found.taken_at == NOON


@pytest.mark.parametrize("layout", [as_csv, as_list])
def test_language_that_nobody_knows_is_read_by_position(write: Write, layout: Callable[[Language, str], str]) -> None:
    names = "|".join(f"имя{number}" for number in range(12))
    language = LANGUAGES["English"]._replace(names=names, ready="Готово")
    found = read_statuses_file(write(layout(language, "utf-8")))
    assert {path: status.state for path, status in found.statuses.items()} == {
        path: "Unknown" if status.state == "Ready" else status.state for path, status in WANTED.items()
    }
    assert [status.last_run for status in found.statuses.values()] == [each.last_run for each in WANTED.values()]
    assert [status.last_result for status in found.statuses.values()] == [each.last_result for each in WANTED.values()]


def test_columns_of_another_order_are_read_by_name(write: Write) -> None:
    head, *rows = (line.split('","') for line in as_csv(LANGUAGES["English"], "utf-8").splitlines())
    moved = [[*row[:5], row[12], row[5], row[6], *row[7:12], *row[13:]] for row in (head, *rows)]
    found = read_statuses_file(write("\n".join('","'.join(row) for row in moved)))
    assert found.statuses == WANTED


@pytest.mark.parametrize("pages", [("utf-8", "cp1252"), ("cp1252", "cp850")])
def test_lost_letters_do_not_hide_what_a_word_means(write: Write, pages: tuple[str, str]) -> None:
    for language in (LANGUAGES["German"], LANGUAGES["French"], LANGUAGES["Spanish"]):
        text = as_csv(language, "cp1252").encode(pages[0]).decode(pages[1], errors="replace")
        found = read_statuses_file(write(text))
        assert [status.state for status in found.statuses.values()] == ["Ready", "Running", "Disabled"]
        assert [status.enabled for status in found.statuses.values()] == [True, True, False]
        lossy = as_list(language, "cp1252").encode("ascii", errors="replace")
        assert [each.state for each in read_statuses_file(write(lossy)).statuses.values()] == [
            "Ready",
            "Running",
            "Disabled",
        ]


def test_known_words_outweigh_odd_letters_where_the_page_is_told() -> None:
    text = "Nächste Laufzeit" + " aÓ" * 20
    assert decode_page(text.encode("cp850")) == text
    assert decode_page("são".encode("cp850")) == "são"  # no "Æ" after a small letter
    assert field_of(unicodedata.normalize("NFD", "Nächste Laufzeit")) == "next_run"


def test_no_word_means_two_things() -> None:
    for table in (statuswords._NAMES, statuswords._STATES):
        listed = [(word, meaning) for meaning, words in table.items() for word in words.split("|")]
        assert [word for word, meaning in listed if (field_of if "name" in table else state_of)(word) != meaning] == []
    for word in statuswords._ENABLED.split("|"):
        assert enabled_of(word) is True
        assert state_of(word) == "Unknown"
    for word in statuswords._STATES["Disabled"].split("|"):
        assert enabled_of(word) is False


# Layouts -------------------------------------------------------------------------------------------------------------


def test_schtasks_csv_with_quotes_commas_and_comments_that_span_lines(write: Write) -> None:
    found = read_statuses_file(write(sample("english.csv"), "utf-16"))
    assert found.statuses == {
        LOAD: Status(LOAD, "Ready", True, MORNING, 0, datetime(2026, 11, 25, 6)),
        NIGHTLY: Status(NIGHTLY, "Disabled", False, "never", 267011, "never"),
    }
    assert found.problems == []
    assert found.commands == {NIGHTLY: 'robocopy "D:\\Permits" "E:\\Permits" /MIR'}  # the other can't be told


def test_comment_may_hold_many_quotes_and_commas_before_it_goes_on(write: Write) -> None:
    lines = as_csv(LANGUAGES["English"], "utf-8").splitlines()
    lines[2] = lines[2].replace('"N/A","Enabled"', '"' + 'x","' * 30 + 'y\nand "so" on","Enabled"')
    found = read_statuses_file(write("\n".join(lines)))
    assert (found.statuses, found.problems) == (WANTED, [])


def test_inner_quotes_may_be_doubled(write: Write) -> None:
    text = as_csv(LANGUAGES["English"], "utf-8").replace('"D:\\a b.bat"', '""D:\\a b.bat"",""x""')
    found = read_statuses_file(write(text))
    assert found.statuses == WANTED
    assert set(found.commands.values()) == {'cmd /c "D:\\a b.bat","x" 1'}


def test_schtasks_csv_without_header_is_read_by_position(write: Write) -> None:
    lines = as_csv(LANGUAGES["German"], "utf-8").splitlines()[1:]
    assert read_statuses_file(write("\n".join(lines))).statuses == WANTED
    short = '"\\Load","25.11.2026 06:00:00","Bereit"\n"\\B","Nicht zutreffend","Deaktiviert"\n'
    assert read_statuses_file(write(short)).statuses == {
        "\\Load": Status("\\Load", "Ready", next_run=datetime(2026, 11, 25, 6)),
        "\\B": Status("\\B", "Disabled", False, next_run="never"),
    }


def test_short_csv_holds_next_run_and_state_only(write: Write) -> None:
    text = '\n"TaskName","Next Run Time","Status"\n"\\Load","11/25/2026 6:00:00 AM","Queued"\n'
    found = read_statuses_file(write(text))
    assert found.statuses == {"\\Load": Status("\\Load", "Queued", None, next_run=datetime(2026, 11, 25, 6))}
    assert found.holds == {"state", "next_run"}
    assert (found.server, found.commands) == ("", {})


def test_list_with_a_comment_that_looks_like_keys(write: Write) -> None:
    found = read_statuses_file(write(sample("list.txt")))
    assert found.statuses == {
        LOAD: Status(LOAD, "Running", True, MORNING, 267009, datetime(2026, 11, 25, 6)),
        NIGHTLY: Status(NIGHTLY, "Ready", True, "never", 1, "never"),
    }
    assert whats(found) == ["ERROR: The task cannot be loaded: Broken (2 times)"]
    assert found.commands == {LOAD: "py.exe D:\\Jobs\\load.py"}


def test_short_list_is_read(write: Write) -> None:
    text = (
        "Ordner: \\\nHostname:         SRV\nAufgabenname:     \\A: b\nNächste Laufzeit: 25.11.2026 06:00:00\n"
        "Status:           Wird ausgeführt\nAnmeldemodus:     Nur interaktiv\n"
    )
    found = read_statuses_file(write(text, "cp850"))
    assert found.statuses == {"\\A: b": Status("\\A: b", "Running", next_run=datetime(2026, 11, 25, 6))}
    assert (found.server, found.problems) == ("SRV", [])


def test_short_list_of_a_language_that_nobody_knows_is_read_by_position(write: Write) -> None:
    text = "Папка: \\\nИмя:      SRV\nЗадача:   \\A\nСрок:     2026-11-25 06:00\nСтатус:   ?\nВход:     x\n"
    found = read_statuses_file(write(text))
    assert found.statuses == {"\\A": Status("\\A", None, next_run=datetime(2026, 11, 25, 6))}
    assert found.server == "SRV"


def test_list_that_lost_its_columns_is_read_by_its_names(write: Write) -> None:
    text = re.sub(r":  +", ": ", sample("list.txt"))
    assert read_statuses_file(write(text)).statuses == read_statuses_file(write(sample("list.txt"))).statuses


def test_table_is_read_by_its_ruler(write: Write) -> None:
    message = "WARNING: some text that ends with column fits\n"
    found = read_statuses_file(write((sample("table.txt") + message).replace("\n", "\r\n")))
    long = "\\OpenData\\Permits\\A name that is longer than its column is"
    assert list(found.statuses.values()) == [
        Status(LOAD, "Ready", None, next_run=datetime(2026, 11, 25, 6)),
        Status("\\OpenData\\Log clean-up", "Disabled", False, next_run="never"),
        Status("\\OpenData\\Serve", "Running", None, next_run="never"),
        Status(NIGHTLY, "Unknown", None, next_run=datetime(2026, 11, 24, 23, 30)),
        Status(long, "Queued", None, next_run=datetime(2026, 11, 26, 1)),
    ]
    assert whats(found) == [
        "INFO: There are no scheduled tasks presently available at your access level. (2 times)",
        "task names that fill their column may be cut off",
        message.strip(),
    ]
    assert found.holds == {"state", "next_run"}


def test_table_with_wide_characters_lines_up(write: Write) -> None:
    text = (
        "フォルダー: \\業務\nタスク名                                 次回の実行時刻         状態\n"
        f"{'=' * 40} {'=' * 22} {'=' * 15}\n"
        "日次バックアップ                         2026/11/25 6:00:00     準備完了\n"
        "Load                                     N/A                    無効\n"
    )
    found = read_statuses_file(write(text, "cp932"))
    assert list(found.statuses.values()) == [
        Status("\\業務\\日次バックアップ", "Ready", next_run=datetime(2026, 11, 25, 6)),
        Status("\\業務\\Load", "Disabled", False, next_run="never"),
    ]
    assert found.problems == []


def test_powershell_5_csv(write: Write) -> None:
    found = read_statuses_file(write(sample("powershell5.csv"), "ascii"))
    lossy = "\\OpenData\\Stra?en ?bertragen"
    assert list(found.statuses.values()) == [
        Status(LOAD, None, None, MORNING, 0, datetime(2026, 11, 25, 6), 0),
        Status(lossy, None, None, "never", 267011, None, 2),
        Status("\\Heartbeat", None, None, datetime(2026, 11, 24, 5, 30), 2147942402, datetime(2026, 11, 24, 23, 30), 1),
    ]
    assert found.holds == {"last_run", "last_result", "next_run", "missed_runs"}
    assert (found.server, found.problems) == ("", [])


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_powershell_7_csv_with_states_and_further_columns(write: Write, delimiter: str) -> None:
    rows = [
        ["Actions", "State", "TaskName", "TaskPath", "LastRunTime", "Description", "PSComputerName"],
        ["x", "Ready", "Load", "\\OpenData\\", "11/24/2026 6:00:00\u202fAM", "a; b, c\td\nState", "SRV"],
        ["x", "4", "B", "\\", "11/24/2026 6:00:00\u202fAM", "", "SRV"],
        ["x", "0", "C", "\\", "2026-11-24T06:00:00-05:00", "", "SRV"],
    ]
    lines = [delimiter.join(f'"{cell}"' if set(cell) & set(",;\t\n") else cell for cell in row) for row in rows]
    found = read_statuses_file(write("\n".join(lines)))
    assert [each.state for each in found.statuses.values()] == ["Ready", "Running", "Unknown"]
    assert list(found.statuses) == [LOAD, "\\B", "\\C"]
    assert found.statuses[LOAD].last_run == MORNING
    assert found.statuses["\\C"].last_run == datetime(2026, 11, 24, 11, tzinfo=UTC)
    assert found.server == "SRV"


def test_csv_with_names_and_folders_alone_is_tasks_of_which_nothing_is_known(write: Write) -> None:
    header = '"TaskName","TaskPath","Query"\n'
    text = header * 2 + '"A","\\F\\","<x>"\n"A","\\F\\","<y>\n"",z"\n"<script>","\\","\'"\n'
    found = read_statuses_file(write(text))
    assert list(found.statuses.values()) == [Status("\\F\\A"), Status("\\<script>")]
    assert (found.holds, found.problems) == (frozenset(), [])


def test_format_list(write: Write) -> None:
    found = read_statuses_file(write(sample("format_list.txt")))
    first, second = found.statuses.values()
    assert first == Status(LOAD, None, None, MORNING, 0, datetime(2026, 11, 25, 18), 3)
    assert (second.last_run, second.next_run, second.missed_runs) == ("never", None, 0)


@pytest.mark.parametrize("form", ["whole", "folder", "folder\\"])
def test_old_scripts_csv_has_paths_or_folders(write: Write, form: str) -> None:
    rows = list(csv.reader(sample("script_status.csv").splitlines()))
    if form != "whole":
        for row in rows[1:]:
            row[1] = row[1].removesuffix("\\" + row[0]) + "\\" * (form == "folder\\" or row[0] == "Heartbeat")
    found = read_statuses_file(write("\n".join('"' + '","'.join(row) + '"' for row in rows)))
    assert list(found.statuses.values()) == [
        Status(LOAD, "Ready", None, None, 0, datetime(2026, 11, 25, 6)),
        Status(NIGHTLY, "Disabled", False, None, 267011, None),
        Status("\\Heartbeat", "Running", None, None, 2147942401, datetime(2026, 11, 24, 23, 30)),
    ]
    assert found.holds == {"state", "last_result", "next_run"}
    assert found.commands[LOAD] == "C:\\Python312\\python.exe D:\\Jobs\\load.py --full"
    assert found.problems == []


def test_task_named_like_its_folder_keeps_its_path(write: Write) -> None:
    text = '"Name","Path","NextRun"\n"A","\\F\\A",""\n"B","\\F\\B",""\n"Load","\\Load\\",""\n'
    assert list(read_statuses_file(write(text)).statuses) == ["\\F\\A", "\\F\\B", "\\Load\\Load"]
    text = '"Name","Path","NextRun"\n"A","\\F",""\n"B","\\F",""\n"Load","\\Load",""\n'
    assert list(read_statuses_file(write(text)).statuses) == ["\\F\\A", "\\F\\B", "\\Load\\Load"]


# Found by looking ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(path.name for path in FILES.iterdir()))
def test_samples_are_known_by_content_whatever_their_name(write: Write, name: str) -> None:
    for encoding in ("utf-8", "utf-16", "utf-16-be"):
        assert is_status_file(write(sample(name), encoding, name="Load.xml"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 5000,
        b"ERROR: Access is denied.\r\n",
        b"a,b,c\n1,2,3\n",
        b"Status: fine\nName: x\nLast Result: 0\n",
        b"Path,State,Enabled,LastRunTime,LastTaskResult,NextRunTime,NumberOfMissedRuns\r\n\\Load,Ready,,,,,\r\n",
        "<Task><TaskName>\\x</TaskName></Task>".encode("utf-16"),
        b'<!--\n"TaskName","TaskPath"\n-->',
        b"name  role  place\n===== ===== =====\nx     y     z\n",
        b'"a","b","c"\n"1","2","3"\n',
        b'{"TaskName": "\\\\Load", "State": 3}',
    ],
)
def test_other_files_are_none(write: Write, content: bytes) -> None:
    file = write(content)
    assert not is_status_file(file)
    with pytest.raises(SnapshotError, match="holds no statuses of tasks"):
        read_statuses_file(file)


def test_what_can_not_be_opened_is_a_snapshot_error(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere", tmp_path / "a\0b"):
        assert not is_status_file(path)
        with pytest.raises(SnapshotError):
            read_statuses_file(path)


def test_newest_status_file_of_a_folder_comes_first(write: Write, tmp_path: Path) -> None:
    old = write(sample("table.txt"), at=datetime(2026, 11, 23, tzinfo=UTC), name="b.txt")
    new = write(sample("script_status.csv"), name="a.csv")
    write(b"<Task/>", name="Load.xml")
    (tmp_path / "Sub").mkdir()
    assert status_files(tmp_path) == [new, old]
    assert status_files(tmp_path / "nowhere") == []


# Times ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "order", "iso"),
    [
        ("24/11/2026 06:00:00", "dmy", "2026-11-24T06:00:00"),
        ("24/11/2026 06:00:00", "mdy", None),
        ("11/24/2026 6:00:00 AM", "mdy", "2026-11-24T06:00:00"),
        ("11/24/2026 12:00:00 AM", "mdy", "2026-11-24T00:00:00"),
        ("11/24/2026 12:00:00 PM", "mdy", "2026-11-24T12:00:00"),
        ("24/11/2026 12:39:25 pm", "dmy", "2026-11-24T12:39:25"),
        ("24/11/2026 6:00:00\u202fp.\u00a0m.", "dmy", "2026-11-24T18:00:00"),
        ("24/11/2026 06:00:00 a. m.", "dmy", "2026-11-24T06:00:00"),
        ("11/24/2026 6:00:00?PM", "mdy", "2026-11-24T18:00:00"),
        ("11/24/2026 13:00:00 PM", "mdy", "2026-11-24T13:00:00"),
        ("11/24/2026 13:00:00 AM", "mdy", None),
        ("2026/11/24 午後 6:00:00", "dmy", "2026-11-24T18:00:00"),
        ("2026/11/24 下午 6:00:00", "mdy", "2026-11-24T18:00:00"),
        ("2026/11/24 上午 12:30:00", "mdy", "2026-11-24T00:30:00"),
        ("2026-11-24 오후 6:00:00", "mdy", "2026-11-24T18:00:00"),
        ("2026年11月24日 6:00:00", "mdy", "2026-11-24T06:00:00"),
        ("2026/11/24 ?? 6:00:00", "mdy", None),
        ("2026. 11. 24. 6:00:00", "mdy", "2026-11-24T06:00:00"),
        ("24.11.2026 06:00:00", "dmy", "2026-11-24T06:00:00"),
        ("24-11-26 06.05", "dmy", "2026-11-24T06:05:00"),
        ("\u200e24/\u200e11/\u200e2026 \u200f\u200e06:00:00", "dmy", "2026-11-24T06:00:00"),
        ("30-12-1899 00:00:00", "dmy", "1899-12-30T00:00:00"),
        ("30/11/99 00:00", "dmy", "1999-11-30T00:00:00"),
        ("2026-11-24T06:00:00.1234567", "dmy", "2026-11-24T06:00:00"),
        ("2026-11-24T06:00:00.1234567Z", "dmy", "2026-11-24T06:00:00.123456+00:00"),
        ("03/09/1405 06:00:00", "dmy", None),
        ("24/11/2569 06:00:00", "dmy", None),
        ("24/11/2026", "dmy", None),
        ("31/02/2026 06:00:00", "dmy", None),
        ("24/11/2026 06:60:00", "dmy", None),
        ("24/11/2026 6:00:00 xm", "dmy", None),
        ("1" * 100_000, "dmy", None),
        ("", "dmy", None),
    ],
)
def test_moment_is_read_in_every_spelling(text: str, order: str, iso: str | None) -> None:
    found = moment(text, order)
    assert (found.isoformat() if found else None) == iso


def runs(*pairs: tuple[str, str]) -> str:
    rows = [f'"T{number}","\\","{last}","{next_}"' for number, (last, next_) in enumerate(pairs)]
    return "\n".join(['"TaskName","TaskPath","LastRunTime","NextRunTime"', *rows])


@pytest.mark.parametrize(
    ("pairs", "at", "order"),
    [
        ([("03/11/2026 06:00", ""), ("13/11/2026 06:00", "")], "2026-11-24", "dmy"),  # one day is no month
        ([("11/03/2026 06:00", ""), ("11/13/2026 06:00", "")], "2026-11-24", "mdy"),
        ([("02/03/2026 06:00", ""), ("30/11/1999 00:00", "")], "2026-11-24", "dmy"),  # of a task that never ran
        ([("02/03/2026 06:00", ""), ("11/30/1999 00:00", "")], "2026-11-24", "mdy"),
        ([("02/11/2026 06:00", "")], "2026-11-03", ""),
        ([("02/11/2026 06:00", ""), ("01/12/2026 05:00", "")], "2026-02-12", "mdy"),  # else later than the file
        ([("10/11/2026 06:00", ""), ("02/12/2026 06:00", "03/12/2026 06:00")], "2027-02-20", "dmy"),  # next > last
        ([("", "04/11/2026 06:00")], "2026-11-03", "dmy"),  # else older than the file
        ([("", "04/11/2026 06:00")], "2026-04-10", "mdy"),
        ([("", "04/11/2026 06:00")], "2026-10-20", ""),  # the file may be a late copy of mdy
        ([("02.03.2026 06:00", "")], "2026-11-24", "dmy"),  # dots
        ([("02/12/2026 06:00", ""), ("13/03/2026 06:00", ""), ("03/13/2026 06:00", "")], "2026-11-24", ""),
        ([("02/03/2026 06:00", "02/04/2026 06:00")], "2026-11-24", ""),
    ],
)
def test_order_of_day_and_month_is_settled_from_all_dates(
    write: Write, pairs: list[tuple[str, str]], at: str, order: str
) -> None:
    file = write(runs(*pairs), at=datetime.fromisoformat(at).replace(hour=12, tzinfo=UTC))
    found = read_statuses_file(file)
    texts = [text for pair in pairs for text in pair if text]
    got = [time for each in found.statuses.values() for time in (each.last_run, each.next_run)]
    times = [moment(text, order or "dmy") for text in texts] if order else [None] * len(texts)
    assert [time for time in got if time != "never" and (time or not order)][: len(texts)] == [
        time for time in times if not time or time.year > 2000
    ]
    unclear = [what for what in whats(found) if "--dates dmy" in what]
    assert len(unclear) == (not order)


def test_dates_decides_where_the_file_does_not(write: Write) -> None:
    file = write(runs(("02/03/2026 06:00", "02/04/2026 06:00"), ("05/05/2026 07:00", "")))
    silent = read_statuses_file(file)
    assert [each.last_run for each in silent.statuses.values()] == [None, datetime(2026, 5, 5, 7)]
    assert whats(silent) == [
        "which is the day and which the month of 2 times can't be told from the file;"
        " --dates dmy or --dates mdy decides"
    ]
    for order, first in (("dmy", datetime(2026, 3, 2, 6)), ("mdy", datetime(2026, 2, 3, 6))):
        found = read_statuses_file(file, dates=order)
        assert found.statuses["\\T0"].last_run == first
        assert found.problems == []
    with pytest.raises(SnapshotError, match="is not an order"):
        read_statuses_file(file, dates="ymd")


def test_zone_makes_times_aware_and_its_absence_leaves_wall_clock_times(write: Write) -> None:
    file = write(runs(("2026-11-24 06:00:00", "2026-07-24 06:00:00")))
    zone = ZoneInfo("America/New_York")
    found = read_statuses_file(file, zone="America/New_York").statuses["\\T0"]
    assert found.last_run == MORNING.replace(tzinfo=zone)
    assert str(found.last_run) == "2026-11-24 06:00:00-05:00"
    assert str(found.next_run) == "2026-07-24 06:00:00-04:00"
    assert read_statuses_file(file).statuses["\\T0"].last_run == MORNING
    for name in ("Mars/Olympus", "../etc/passwd", "a\0b", "America"):
        with pytest.raises(ZoneError, match="is not the name of a time zone"):
            read_statuses_file(file, zone=name)


# Cells ---------------------------------------------------------------------------------------------------------------


def one(write: Write, **given: str) -> ForeignStatuses:
    row = {"LastRunTime": "", "LastTaskResult": "", "NextRunTime": "", "State": "", "NumberOfMissedRuns": ""} | given
    names = '","'.join(["TaskName", "TaskPath", *row])
    values = '","'.join(["A", "\\", *row.values()])
    return read_statuses_file(write(f'"{names}"\n"{values}"\n'))


def test_empty_cells_are_not_known_and_no_problem(write: Write) -> None:
    found = one(write)
    assert found.statuses == {"\\A": Status("\\A")}
    assert found.problems == []
    assert found.holds == set(STATUS_FIELDS) - {"enabled"}


@pytest.mark.parametrize(
    ("text", "last", "next_", "odd"),
    [
        ("N/A", "never", "never", 0),
        ("Nicht zutreffend", "never", "never", 0),
        ("Не применимо", None, "never", 1),
        ("11/30/1999 12:00:00 AM", "never", "never", 0),
        ("12/30/1899 12:00:00 AM", "never", "never", 0),
        ("1999-12-31 23:59:59", "never", "never", 0),
        ("2000-01-01 00:00:00", datetime(2000, 1, 1), datetime(2000, 1, 1), 0),
        ("????", None, None, 0),
        ("week 7", None, None, 2),
    ],
)
def test_never_is_told_from_not_known(write: Write, text: str, last: object, next_: object, odd: int) -> None:
    found = one(write, LastRunTime=text, NextRunTime=text)
    status = found.statuses["\\A"]
    assert (status.last_run, status.next_run) == (last, next_)
    assert len(found.problems) == odd
    assert all(f"'{text}' can't be read" in what and what.startswith("\\A: ") for what in whats(found))


@pytest.mark.parametrize(
    ("text", "code", "odd"),
    [
        ("0", 0, 0),
        ("267011", 267011, 0),
        ("-2147024894", 2147942402, 0),
        ("2147942402", 2147942402, 0),
        ("0x80070002", 2147942402, 0),
        ("0X1", 1, 0),
        ("-1", 2**32 - 1, 0),
        ("007", 7, 0),
        ("4294967295", 2**32 - 1, 0),
        ("4294967296", None, 1),
        ("-2147483649", None, 1),
        ("1.0", None, 1),
        ("٣", None, 1),
        ("N/A", None, 0),
    ],
)
def test_results_are_unsigned(write: Write, text: str, code: int | None, odd: int) -> None:
    found = one(write, LastTaskResult=text)
    assert found.statuses["\\A"].last_result == code
    assert len(found.problems) == odd


@pytest.mark.parametrize(
    ("text", "state", "enabled"),
    [("", None, None), ("0", "Unknown", None), ("1", "Disabled", False), ("2", "Queued", None), ("3", "Ready", None),
     ("4", "Running", None), ("5", "Unknown", None), ("Could not start", "Unknown", None), ("??", None, None),
     ("Désactivé", "Disabled", False), ("準備完了", "Ready", None)],
)  # fmt: skip
def test_states_are_coms_words(write: Write, text: str, state: str | None, enabled: bool | None) -> None:
    status = one(write, State=text).statuses["\\A"]
    assert (status.state, status.enabled) == (state, enabled)
    assert state is None or state in STATES


# What arrives broken -------------------------------------------------------------------------------------------------


def test_error_lines_are_problems_and_the_same_one_only_once(write: Write) -> None:
    lines = as_csv(LANGUAGES["Italian"], "cp850").splitlines()
    error, info = "ERRORE: impossibile caricare l'attività: Rotta", "INFORMAZIONI: nessuna attività"
    text = "\n".join([error, lines[0], lines[1], error, *lines[2:4], info, "", lines[0], *lines[4:], error])
    found = read_statuses_file(write(text, "cp850"))
    assert found.statuses == wanted(cells(LANGUAGES["Italian"], "cp850"))
    assert whats(found) == [f"{error} (3 times)", info]
    assert {problem.file for problem in found.problems} == {"statuses.dat"}


def test_row_cut_off_keeps_what_is_whole_and_not_the_next(write: Write) -> None:
    lines = as_csv(LANGUAGES["English"], "utf-8").splitlines()
    cut = lines[1][: lines[1].index('","y"')]
    found = read_statuses_file(write("\n".join([lines[0], cut, *lines[3:]])))
    assert found.statuses == WANTED | {LOAD: Status(LOAD, "Ready", None, MORNING, None, datetime(2026, 11, 25, 18))}
    assert [what[:18] for what in whats(found)] == ["a row is cut off: "]
    last = read_statuses_file(write("\n".join([*lines[:-2], lines[-1][:-40]])))
    assert last.statuses == WANTED
    assert len(last.problems) == 1


def test_same_task_with_another_value_is_a_problem_and_the_first_counts(write: Write) -> None:
    text = runs(("2026-11-24 06:00", ""), ("2026-11-24 07:00", ""), ("2026-11-24 06:00", ""))
    found = read_statuses_file(write(re.sub(r'"T\d"', lambda name: '"t"' if "1" in name[0] else '"T"', text)))
    assert found.statuses == {"\\T": Status("\\T", last_run=MORNING)}
    assert whats(found) == ["\\T is there again with another last_run; the first was taken"]


def test_rows_of_a_second_server_are_left_out_and_counted(write: Write) -> None:
    lines = as_csv(LANGUAGES["English"], "utf-8").splitlines()
    other = [line.replace("OPENDATA01", "OPENDATA02") for line in lines[1:]]
    found = read_statuses_file(write("\n".join([*lines, *other])))
    assert found.statuses == WANTED
    assert whats(found) == ["rows of other servers than OPENDATA01 are left out (8 times)"]


@pytest.mark.parametrize("name", ["", "\x07bell", "\\"])
def test_row_without_a_task_path_is_a_problem(write: Write, name: str) -> None:
    found = read_statuses_file(write(f'"TaskName","TaskPath"\n"{name}","{"" if name else "x"}"\n"A","\\"\n'))
    assert list(found.statuses) == ["\\A"]
    assert [what[-18:] for what in whats(found)] == [" is not a task path"[-18:]]


def test_problems_do_not_grow_without_end(write: Write) -> None:
    rows = "\n".join(f'"A{number}","\\","x7{number}"' for number in range(5000))
    found = read_statuses_file(write('"TaskName","TaskPath","LastRunTime"\n' + rows))
    assert len(found.problems) == 201
    assert whats(found)[-1] == "further problems (4,800 times)"


BIG = 16 * 1024 * 1024
VERBOSE = as_csv(LANGUAGES["English"], "utf-8").encode()


def numbered(line: str, most: int) -> bytes:
    return "\n".join(line % number for number in range(most)).encode()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("made", "refused"),
    [
        (lambda: b"x" * (BIG + 1), "larger than 16 MiB"),
        (lambda: b"\n" * BIG, "holds no statuses"),
        (lambda: random.Random(7).randbytes(BIG), "holds no statuses"),
        (lambda: b'"' + b'","' * (BIG // 3 - 1) + b'"', "holds no statuses"),
        (lambda: b"TaskName,TaskPath" + b",x" * 1_000_000 + b"\nA,\\" + b",y" * 1_000_000, ""),
        (lambda: VERBOSE + b'"H","\\A","' + b'","' * 5_000_000, ""),
        (lambda: VERBOSE + b'"H","\\A","' + b"x\n" * 7_000_000, ""),
        (lambda: VERBOSE + b'"H","\\A",""\n' * 1_000_000, "more than 100,000 rows"),
        (lambda: VERBOSE + numbered("stray %d", 1_000_000), ""),
        (lambda: b"TaskName,TaskPath\n" + numbered("%d,x", 1_500_000), "more than 100,000 rows"),
        (lambda: b"TaskName,TaskPath,LastRunTime\n" + numbered("%d,\\,x", 99_000), ""),
        (lambda: b'TaskName,TaskPath\nA,"\\' + b"x\n" * 7_000_000, ""),
        (lambda: as_list(LANGUAGES["English"], "utf-8").encode() + b"x: y\n" * 3_000_000, ""),
        (lambda: b"Folder: \\\na Next Status\n=== === ===\n" + b"a   b   c\n" * 90_000 + b"=" * 5_000_000, ""),
        (lambda: b"Folder: \\\n" + b"=== " * 4_000_000, ""),
        (lambda: "ホスト名: x\nタスク名: \\A\n".encode("cp932") + b"\x83" * 9_000_000, ""),
    ],
)
def test_huge_files_take_seconds_and_no_traceback(write: Write, made: Callable[[], bytes], refused: str) -> None:
    file = write(made())
    started = time.perf_counter()
    is_status_file(file)
    if refused:
        with pytest.raises(SnapshotError, match=refused):
            read_statuses_file(file)
    else:
        assert len(read_statuses_file(file).problems) <= 201
    assert time.perf_counter() - started < 20


def read_or_refused(file: Path) -> str:
    """Which of the two it was; what is read is sound."""
    is_status_file(file)
    try:
        found = read_statuses_file(file, zone="Europe/Berlin")
    except SnapshotError as error:
        return type(error).__name__
    for path, status in found.statuses.items():
        assert re.match(r"\\[^\\]", path)
        assert status.path == path
        assert status.state in (None, *STATES)
        assert status.last_result is None or 0 <= status.last_result < 2**32
        for moment_ in (status.last_run, status.next_run):
            assert moment_ in (None, "never") or (isinstance(moment_, datetime) and moment_.tzinfo)
    return type(found).__name__


FUZZ = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
SAMPLES = [path.read_bytes() for path in sorted(FILES.iterdir())]
SAMPLES += [as_csv(LANGUAGES[name], LANGUAGES[name].pages[-1]).encode(LANGUAGES[name].pages[-1]) for name in LANGUAGES]


@FUZZ
@given(
    content=st.binary(max_size=400) | st.text(st.sampled_from('"\\,;:=\r\n\0\t ACTaskNmePth?|1/202')).map(str.encode)
)
def test_any_bytes_give_statuses_or_a_snapshot_error(write: Write, content: bytes) -> None:
    assert read_or_refused(write(content)) in {"ForeignStatuses", "SnapshotError"}


@FUZZ
@given(
    content=st.sampled_from(SAMPLES),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), st.binary(max_size=6)), max_size=8),
    encoding=st.sampled_from(["", "utf-16", "utf-16-le"]),
)
def test_any_damaged_sample_gives_statuses_or_a_snapshot_error(
    write: Write, content: bytes, changes: list[tuple[float, int, bytes]], encoding: str
) -> None:
    if encoding:
        content = decode_page(content).encode(encoding, errors="replace")
    for place, length, new in changes:
        at = int(place * len(content))
        content = content[:at] + new + content[at + length :]
    assert read_or_refused(write(content)) in {"ForeignStatuses", "SnapshotError"}


# Joined to definitions -----------------------------------------------------------------------------------------------


def test_statuses_take_the_names_of_their_definitions(write: Write) -> None:
    found = read_statuses_file(write(sample("powershell5.csv")))
    known = ["\\opendata\\LOAD", "\\OpenData\\Straßen übertragen", "\\OpenData\\Other"]
    join_paths(found, known)
    assert sorted(found.statuses) == ["\\Heartbeat", "\\OpenData\\Straßen übertragen", "\\opendata\\LOAD"]
    assert all(path == status.path for path, status in found.statuses.items())
    found = read_statuses_file(write(sample("script_status.csv")))
    join_paths(found, [LOAD.upper()])
    assert LOAD.upper() in found.commands


def test_lost_letters_that_fit_two_tasks_stay_lost(write: Write) -> None:
    found = read_statuses_file(write('"TaskName","TaskPath"\n"?b","\\"\n"??","\\"\n'))
    join_paths(found, ["\\äb", "\\öb", "\\😀"])
    assert sorted(found.statuses) == ["\\?b", "\\😀"]
    found = read_statuses_file(write('"TaskName","TaskPath"\n"ÄB","\\"\n'))
    join_paths(found, ["\\äb", "\\öb"])
    assert list(found.statuses) == ["\\äb"]


# Real files ----------------------------------------------------------------------------------------------------------


@corpus
def test_real_csv_of_tasks_alone_knows_nothing_of_them() -> None:
    file = CORPUS / "MSFT_TaskEventTrigger_brianary.csv"
    with file.open(encoding="utf-8", newline="") as opened:
        paths = {row["TaskPath"] + row["TaskName"] for row in csv.DictReader(opened)}
    found = read_statuses_file(file)
    assert found.statuses == {path: Status(path) for path in paths}
    assert len(paths) == 14
    assert (found.holds, found.problems) == (frozenset(), [])


@corpus
def test_real_schtasks_csv_reads_as_the_csv_module_reads_it() -> None:
    file = CORPUS / "resticprofile_csvOutput.csv"
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    found = read_statuses_file(file)
    (status,) = found.statuses.values()
    assert {row["TaskName"] for row in rows} == {status.path}
    assert {row["HostName"] for row in rows} == {found.server}
    assert {row["Task To Run"] for row in rows} == set(found.commands.values())
    for name, time_ in (("Last Run Time", status.last_run), ("Next Run Time", status.next_run)):
        assert {datetime.strptime(row[name], "%d/%m/%Y %H:%M:%S") for row in rows} == {time_}  # noqa: DTZ007
    assert {int(row["Last Result"]) + 2**32 for row in rows} == {status.last_result}
    assert (status.state, status.enabled, found.problems) == ("Ready", True, [])


@corpus
def test_real_list_needs_to_be_told_the_order_of_its_dates() -> None:
    file = CORPUS / "resticprofile_listOutput.txt"
    text = file.read_text(encoding="utf-8")
    silent, found = read_statuses_file(file), read_statuses_file(file, dates="dmy")
    (unclear,), (status,) = silent.statuses.values(), found.statuses.values()
    assert (unclear.last_run, unclear.next_run, len(silent.problems)) == (None, None, 1)

    def value(key: str) -> str:
        (only,) = set(re.findall(rf"^{key}: +(.*)$", text, re.MULTILINE))
        return str(only)

    for name, time_ in (("Last Run Time", status.last_run), ("Next Run Time", status.next_run)):
        assert datetime.strptime(value(name), "%d/%m/%Y %H:%M:%S") == time_  # noqa: DTZ007
    assert (status.path, found.server) == (value("TaskName"), value("HostName"))
    assert (status.state, str(status.last_result), status.enabled) == (value("Status"), value("Last Result"), True)
    assert list(found.commands.values()) == [value("Task To Run")]
    assert found.problems == []


@corpus
def test_real_table_reads_every_row() -> None:
    file = CORPUS / "schtasks_table_en_SuspectedDorkBot.txt"
    lines = file.read_text(encoding="utf-8").splitlines()
    row = re.compile(r"(.{40}) (.{22}) (.{15})$")
    cut = [each for line in lines if not line.startswith(("===", "INFO", "TaskName")) and (each := row.match(line))]
    found = read_statuses_file(file)
    assert len(cut) == 83
    assert len(found.statuses) == 82  # two names are cut off to the same
    shown = {state: sum(each[3].strip() == state for each in cut) for state in ("Ready", "Running")}
    for state, number in shown.items():
        assert sum(status.state == state for status in found.statuses.values()) == number - (state == "Ready")
    disabled = sum(each[2].strip() == "Disabled" for each in cut)
    assert sum(status.state == "Disabled" for status in found.statuses.values()) == disabled
    times = {
        datetime.strptime(each[2].strip(), "%m/%d/%Y %I:%M:%S %p")  # noqa: DTZ007
        for each in cut
        if "/20" in each[2]
    }
    assert {each.next_run for each in found.statuses.values() if isinstance(each.next_run, datetime)} == times
    assert len(whats(found)) == 3


def excerpts() -> dict[int, str]:
    text = (CORPUS / "localized_and_quirky_excerpts.md").read_text(encoding="utf-8")
    sections = re.split(r"^## (\d+)\. ", text, flags=re.MULTILINE)[1:]
    pairs = zip(sections[::2], sections[1::2], strict=True)
    return {
        int(number): found[1] for number, body in pairs if (found := re.search(r"^```\n(.*?)^```", body, re.S | re.M))
    }


@corpus
@pytest.mark.parametrize(
    ("number", "state", "order", "pages"),
    [
        (1, ("Ready", True), "mdy", ("utf-8", "cp437", "utf-16")),
        (5, ("Ready", True), "", ("utf-8", "cp852", "cp1250")),
        (7, ("Ready", None), "", ("utf-8", "cp932")),
        (9, (None, None), "dmy", ("utf-8",)),
    ],
)
def test_real_excerpts_read(
    write: Write, number: int, state: tuple[str | None, bool | None], order: str, pages: tuple[str, ...]
) -> None:
    text = excerpts()[number]
    for page in pages:
        found = read_statuses_file(write(text, page))
        (status,) = found.statuses.values()
        assert ((status.state, status.enabled), found.problems) == (state, [])
        assert status.path.split("\\")[-1] in text
        assert str(status.last_result) in text
        dates = re.findall(r"\d+[/-]\d+[/-]\d+ [\d:]+(?: [AaPp][Mm])?", text)
        times = {time_ if (time_ := moment(date, order or "dmy")) and time_.year > 2000 else "never" for date in dates}
        assert times == {each for each in (status.last_run, status.next_run) if each} - ({"never"} - times)


@corpus
def test_real_header_without_rows_is_read_and_error_lines_alone_are_not(write: Write) -> None:
    found = read_statuses_file(write(excerpts()[3], "gbk"))
    assert (found.statuses, found.problems) == ({}, [])
    with pytest.raises(SnapshotError, match="holds no statuses"):
        read_statuses_file(write(excerpts()[4]))
