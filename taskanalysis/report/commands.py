r"""Lines to copy: PowerShell for the server's console, a rule for ``rules.toml``; what they do to a job is said beside.

Values are quoted by the rules of each language, so that a name is a name and never code. A value that can't be typed in
one line (control characters), or that Windows PowerShell hands on wrongly to a program (a quotation mark, a backslash
at the end), yields no line. None holds a secret: arguments of tasks are in none of them.

Authority: Microsoft Learn, about_Quoting_Rules and ScheduledTasks; TOML 1.0, strings. Not yet run on Windows.

>>> powershell("O'Neil"), toml("C:\\jobs"), toml("it's")
("'O''Neil'", "'C:\\jobs'", '"it\'s"')
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from taskanalysis.health import Case, Verdict
from taskanalysis.snapshot import Snapshot, plain_path, snapshot_folder, stamped
from taskanalysis.text import has_secret

ADMIN = "PowerShell to copy"
STARTS, ENDS = "starts the real job", "ends the run"
RULE = "A rule to copy into rules.toml"


@dataclass(frozen=True)
class Line:
    """Something to copy: where to type it, what it does to a job ("" where nothing), and the text."""

    where: str
    text: str
    effect: str = ""

    def html(self) -> str:
        """The line, folded, with what it does."""
        effect = f": <strong>{escape(self.effect)}</strong>" if self.effect else ""
        return f"<details><summary>{escape(self.where)}{effect}</summary>{command(self.text)}</details>"


def command(text: str) -> str:
    """A text to copy, as HTML."""
    return f'<pre class="cmd">{escape(text)}</pre>'


def powershell(value: str) -> str:
    """A value as a PowerShell string, in which nothing is expanded; each quotation mark, also a typographic one, twice.

    ValueError where no line can hold it.
    """
    if not value.isprintable():
        raise ValueError("it holds control characters")
    return "'" + re.sub("(['\u2018\u2019\u201a\u201b])", r"\1\1", value) + "'"


def argument(value: str) -> str:
    """A value as PowerShell hands it on to a program; ValueError also where Windows PowerShell would garble it."""
    if '"' in value or value.endswith("\\") or not value:
        raise ValueError("Windows PowerShell hands it on wrongly")
    return powershell(value)


def toml(value: str) -> str:
    """A value as a TOML string, literal where it can be."""
    if value.isprintable() and "'" not in value:
        return f"'{value}'"
    text = json.dumps(value, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in text)


def case_lines(case: Case) -> list[Line]:
    """What to copy for a case, none where nothing fits in a line."""
    try:
        return _without_secrets(_case_lines(case))
    except ValueError:
        return []


def _without_secrets(lines: Sequence[Line]) -> list[Line]:
    return [line for line in lines if not has_secret(line.text)]


def _case_lines(case: Case) -> list[Line]:
    first, paths = case.first, [task.path for task in case.tasks]
    account = case.incident.account if case.incident else first.task.principal.account if first.task else ""
    if first.hidden_since:
        return []
    if case.is_about_logon and account:
        return [Line(ADMIN, _new_password(account, paths))]
    if first.rule == "unknown code":
        return rule_lines(paths[0], f"ok_codes = [{first.result.code}]")
    if case.verdict is Verdict.RUNNING_LONG:
        return [Line(ADMIN, _on_tasks("Stop-ScheduledTask", paths), ENDS)]
    if case.verdict in (Verdict.FAILING, Verdict.OVERDUE):
        return [Line(ADMIN, _on_tasks("Start-ScheduledTask", paths), STARTS)]
    return []


def _new_password(account: str, paths: Sequence[str]) -> str:
    names = ",\n  ".join(map(powershell, paths))
    return (
        f"$who = Get-Credential {powershell(account)}\n"
        f"{names} | ForEach-Object {{\n"
        "  $end = $_.LastIndexOf('\\') + 1\n"
        "  Set-ScheduledTask -TaskPath $_.Substring(0, $end) -TaskName $_.Substring($end) "
        "-User $who.UserName -Password $who.GetNetworkCredential().Password\n"
        "}"
    )


def _on_tasks(verb: str, paths: Sequence[str]) -> str:
    return "\n".join(f"{verb} {_where(path)}" for path in paths)


def _where(path: str) -> str:
    folder, _, name = path.rpartition("\\")
    return f"-TaskPath {powershell(folder + chr(92))} -TaskName {powershell(name)}"


def rule_lines(path: str, *lines: str) -> list[Line]:
    """A rule of ``rules.toml`` for a task; none where its path holds a secret."""
    text = "\n".join(["[[rule]]", f"task = {toml(path)}", *lines])  # in which control characters are escaped
    return [] if has_secret(path) else _without_secrets([Line(RULE, text)])


def restore_lines(snapshot: Snapshot, path: str) -> list[Line]:
    """How to put a task back: with this program, and without it; none where its definition is not stored."""
    if path not in snapshot.tasks:
        return []
    try:
        start = f"taskanalysis restore {argument(plain_path(snapshot.source))} --task {argument(path)}"
        lines = [Line(f"{ADMIN} (without --apply: the plan)", f"{start} --apply")]
        if stored := _stored(snapshot, path):
            create = f"schtasks /create /tn {argument(path)} /xml {argument(stored)}"
            lines.append(Line(f"{ADMIN}, without this program", create))
    except ValueError:
        return []
    return _without_secrets(lines)


def restore_all(snapshot: Snapshot) -> Line | None:
    """How to put all tasks of a snapshot back; None where nothing fits in a line."""
    try:
        text = f"taskanalysis restore {argument(plain_path(snapshot.source))} --apply"
    except ValueError:
        return None
    return None if has_secret(text) else Line(f"{ADMIN}, to put them all back (without --apply: the plan)", text)


def _stored(snapshot: Snapshot, path: str) -> str:
    """The file of a stored definition, in a share of ours; "" elsewhere."""
    stamp = str(snapshot.manifest.get("definitions") or snapshot.source.name)
    if not snapshot.manifest or not stamped(stamp) or path not in snapshot.files:
        return ""
    folder = snapshot_folder(snapshot.source.absolute().parents[1], stamp)
    return plain_path(folder / "tasks" / snapshot.files[path])
