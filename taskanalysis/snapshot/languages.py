"""The words that schtasks and PowerShell print, in nine languages of Windows.

Authority: real outputs and programs that read them, marked * below; the rest is translated as the Task Scheduler window
and Microsoft's documentation have it and was seen on no machine. All words of English, and:

- German: all names and states but "In Warteschlange". French: all names*, Activée*, Désactivée*, En cours*, Prêt.
- Spanish: all names*, all states* but "En cola", both genders*. Polish: all names*, Gotowe*, Włączony*, Wyłączony*.
- Japanese: all names*, 準備完了*, 実行中*, 無効*, 有効*. Chinese: all names*, none of the states.
- Italian: Nome attività*, Stato*, Stato attività pianificata*, Ultimo risultato*; no state. Portuguese: three names*.

Case, accents, spaces and lost characters do not matter: a wrong code page and the ``?`` of an ASCII export still match.

>>> state_of("Wird ausgef?hrt"), field_of("Nächste Laufzeit"), enabled_of("Wyłączony")
('Running', 'next_run', False)
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["WORDS", "enabled_of", "field_of", "is_not_available", "state_of"]

# field: the names in English (schtasks, PowerShell, the old scripts), German, French, Spanish, Italian, Polish,
# Portuguese, Japanese, Chinese
_NAMES = {
    "host": "HostName|PSComputerName|Hostname|Nom de l'hôte|Nombre de host|Nome host|Nazwa hosta|Nome do host"
    "|ホスト名|主机名",
    "name": "TaskName|Name|Aufgabenname|Nom de la tâche|Nombre de tarea|Nome attività|Nazwa zadania|Nome da tarefa"
    "|タスク名|任务名",
    "folder": "TaskPath",
    "path": "Path",
    "next_run": "Next Run Time|NextRun|Nächste Laufzeit|Prochaine exécution|Hora próxima ejecución|Prossima esecuzione"
    "|Ora prossima esecuzione|Czas nast. uruchomienia|Hora da próxima execução|次回の実行時刻|下次运行时间",
    "state": "Status|State|Statut|État|Estado|Stato|Stan|状態|状态|模式",
    "last_run": "Last Run Time|Letzte Laufzeit|Heure de la dernière exécution|Último tiempo de ejecución"
    "|Hora última ejecución|Ultima esecuzione|Ora ultima esecuzione|Czas ostat. uruchomienia"
    "|Horário da última execução|Hora da última execução|前回の実行時刻|上次运行时间",
    "last_result": "Last Result|Last Task Result|Letztes Ergebnis|Dernier résultat|Último resultado|Ultimo risultato"
    "|Ultimo esito|Ostatni wynik|前回の結果|上次结果",
    "command": "Task To Run|Command|Auszuführende Aufgabe|Tâche à exécuter|Tarea que se ejecutará|Attività da eseguire"
    "|Operazione da eseguire|Zadanie do uruchomienia|Tarefa a ser executada|実行するタスク|要运行的任务",
    "arguments": "Arguments",
    "enabled": "Scheduled Task State|Enabled|Status der geplanten Aufgabe|Statut de la tâche planifiée"
    "|Estado de tarea programada|Stato attività pianificata|Stan zaplanowanego zadania|Status da tarefa agendada"
    "|Estado da tarefa agendada|スケジュールされたタスクの状態|计划任务状态",
    "missed_runs": "Number Of Missed Runs",
    "start_date": "Start Date|Startdatum|Date de début|Fecha de inicio|Data inizio|Data rozpoczęcia|Data de início"
    "|開始日|开始日期",
}
_STATES = {
    "Ready": "Ready|Bereit|Prêt|Prête|Listo|Lista|Pronto|Pronta|Gotowe|Gotowy|準備完了|就绪|准备就绪",
    "Running": "Running|Wird ausgeführt|En cours|En cours d'exécution|En ejecución|Ejecutándose|In esecuzione"
    "|Uruchomione|Uruchomiony|Em execução|Executando|実行中|正在运行|运行中",
    "Disabled": "Disabled|Deaktiviert|Désactivé|Désactivée|Deshabilitado|Deshabilitada|Disabilitato|Disabilitata"
    "|Disattivato|Disattivata|Wyłączony|Wyłączone|Desabilitado|Desabilitada|Desativado|Desativada|無効|已禁用|禁用",
    "Queued": "Queued|In Warteschlange|En file d'attente|En cola|In coda|W kolejce|Na fila|Em fila"
    "|キュー待ち|已排队|排队",
}
_ENABLED = (
    "Enabled|True|Aktiviert|Activé|Activée|Habilitado|Habilitada|Abilitato|Abilitata|Attivato|Attivata|Włączony|Włączone"
    "|Ativado|Ativada|有効|已启用|启用"
)
_NOT_AVAILABLE = (
    "N/A|Never|Nicht zutreffend|Nicht verfügbar|Nie|Non disponible|Jamais|N/D|No disponible|Nunca|Non disponibile|Mai"
    "|Brak|Brak danych|Nigdy|Não disponível|該当なし|なし|不可用|暂缺|从不"
)


def _key(text: str) -> str:
    """The ASCII letters and digits of a word; the word itself where it has none."""
    folded = unicodedata.normalize("NFC", text[:80]).casefold()
    return re.sub("[^a-z0-9]", "", folded) or re.sub(r"\s", "", folded)


def _table(words: dict[str, str]) -> dict[str, str]:
    return {_key(word): meaning for meaning, listed in words.items() for word in listed.split("|")}


_FIELD_OF, _STATE_OF = _table(_NAMES), _table(_STATES)
_ENABLED_OF = dict.fromkeys(_table({"": _ENABLED}), True)
_ENABLED_OF |= dict.fromkeys(_table({"": _STATES["Disabled"] + "|False"}), False)
_NEVER = frozenset(_table({"": _NOT_AVAILABLE}))

WORDS = frozenset(
    word
    for listed in (*_NAMES.values(), *_STATES.values(), _ENABLED, _NOT_AVAILABLE)
    for word in listed.split("|")
    if not word.isascii()
)
"""The words that tell one code page from another."""


def field_of(name: str) -> str:
    """What a column or key holds: a field of Status, "host", "name", "folder", …; "" where the name is not known."""
    return _FIELD_OF.get(_key(name), "")


def state_of(word: str) -> str:
    """One of COM's five states for a word in any language or for its number; "Unknown" where it is not in the table.

    >>> state_of("3"), state_of("Could not start")
    ('Ready', 'Unknown')
    """
    numbered = {"1": "Disabled", "2": "Queued", "3": "Ready", "4": "Running"}
    return numbered.get(word) or _STATE_OF.get(_key(word), "Unknown")


def enabled_of(word: str) -> bool | None:
    """Whether a word says enabled or disabled; None for any other."""
    return _ENABLED_OF.get(_key(word))


def is_not_available(word: str) -> bool:
    """Whether a word says that there is no such time or code.

    >>> is_not_available("N/A"), is_not_available("Nicht zutreffend"), is_not_available("soon")
    (True, True, False)
    """
    return _key(word) in _NEVER
