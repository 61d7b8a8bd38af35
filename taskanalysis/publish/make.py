"""Notebooks -> reports on the share: run at once in processes of their own, rendered, checked, published.

A report that fails stops no other: its last good version stays in ``latest`` under a banner, beside a page that says
what failed.

>>> notebook_file("inventory").name
'inventory.ipynb'
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from taskanalysis.errors import ExecutorError, Problem, ReportError
from taskanalysis.history import executor_for
from taskanalysis.publish import index as overview
from taskanalysis.publish import pages
from taskanalysis.publish.folder import Keep, held, new_stamp, publish, workplace
from taskanalysis.publish.notebooks import CELL_SECONDS, RUN_SECONDS, Failure, Workers, stoppable, without_slow_imports
from taskanalysis.publish.pages import Run
from taskanalysis.snapshot import Snapshot, long_path, stale_after
from taskanalysis.text import clip

__all__ = ["NOTEBOOKS", "Limits", "Outcome", "make_reports", "notebook_file", "renew_history"]

NOTEBOOKS = ("inventory", "status", "trends")
"""The reports there are; pages, index and links follow from it."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """Seconds that a cell and all notebooks together may take."""

    cell: int = CELL_SECONDS
    run: float = RUN_SECONDS


LIMITS, KEEP = Limits(), Keep()


@dataclass
class Outcome:
    """What came of a run: what failed, the files that stayed locked, and how the tasks stand where that is known."""

    stamp: str
    failures: list[Failure] = field(default_factory=list)
    locked: list[str] = field(default_factory=list)
    standing: overview.Standing | None = None


def make_reports(
    snapshot: Snapshot,
    reports: Path,
    parameters: Mapping[str, Any],
    *,
    now: datetime,
    sample: str = "",
    keep: Keep = KEEP,
    limits: Limits = LIMITS,
    say: Callable[[str], None] = _log.info,
    verbose: bool = False,
    executor: str = "",
    above: str = "",
) -> Outcome:
    """Run all notebooks on the data that `snapshot` was read from, and publish what they made into `reports`.

    `parameters` go to each notebook, `now` is aware, `sample` is said on each page, `say` gets progress in sentences,
    `executor` is the address of a Dask cluster that builds what is new in the history. `above` is where the page of all
    servers lies, as seen from the index: then the index lists no other servers.
    ReportError where nothing could be published, KeyboardInterrupt where a signal stopped it: what was there stays.
    """
    reports = long_path(reports)
    with (
        stoppable(),
        held(reports, now=now, say=say),
        _saying_where_it_works(),
        workplace() as work,
        Workers(NOTEBOOKS, work, verbose=verbose) as team,
    ):
        stamp = new_stamp(reports, now)
        due = None if parameters.get("at") else stale_after(snapshot)
        run = Run(stamp, now, snapshot.taken_at, due, snapshot.zone, NOTEBOOKS, sample)
        problems = renew_history(Path(str(parameters["data"])), executor)
        made = _Made(run, reports, work / "made", parameters)
        began = time.monotonic()
        for done in _run_all(team, made, limits):
            name = done if isinstance(done, str) else done.report
            failure = made.report(name, team.folders[name]) if isinstance(done, str) else made.failure(done)
            say(failure.what if failure else f"{name}: made in {time.monotonic() - began:.1f} s")
        made.write_pages()
        share = snapshot.share
        several = snapshot.others and not above
        rows = overview.servers(share, str(parameters.get("at") or "")) if several else []
        index = overview.index_page(
            reports,
            run,
            server=snapshot.server,
            failed=sorted(made.failures, key=NOTEBOOKS.index),
            rows=rows,
            above=above,
            notes=[pages.shown(f"{each.file}: {each.what}") for each in problems],
        )
        locked = publish(
            made.kept, made.latest, reports, stamp=stamp, keep=keep, now=now, index=index, gone=made.not_true_any_more()
        )
        standing = overview.read_standing(made.latest / "status.json")
        return Outcome(stamp, list(made.failures.values()), locked, standing)


@contextmanager
def _saying_where_it_works() -> Iterator[None]:
    """Turn what the system says of the local temporary folder into a ReportError with a next step."""
    try:
        yield
    except OSError as error:
        where, why = tempfile.gettempdir(), error.strerror or error
        remedy = "make room there, or name another folder in TMPDIR (on Windows TEMP)"
        raise ReportError(f"{where} can't be worked in ({why}): {remedy}; the last reports are still there") from None


def _run_all(team: Workers, made: _Made, limits: Limits) -> Iterator[Failure | str]:
    jobs = {}
    for name in team.folders:
        values = {**made.parameters, "save_to": str(made.files_of(name))}
        try:
            jobs[name] = {"source": str(notebook_file(name)), "parameters": values, "cell_seconds": limits.cell}
        except ReportError as error:
            yield Failure(name, str(error))
    yield from team.run(jobs, seconds=limits.run)


def notebook_file(name: str) -> Path:
    """Where a notebook lies: in the package when installed from a wheel, else in the checkout."""
    places = [Path(__file__).parents[1] / "notebooks", Path(__file__).parents[2] / "notebooks"]
    for place in places:
        if (place / f"{name}.ipynb").is_file():
            return place / f"{name}.ipynb"
    raise ReportError(f"the notebook {name}.ipynb is not installed: install taskanalysis again")


class _Made:
    """The files that a run publishes, in a local folder: `kept` for the run, `latest` with the last good ones."""

    def __init__(self, run: Run, reports: Path, work: Path, parameters: Mapping[str, Any]) -> None:
        self.run, self.reports, self.work, self.parameters = run, reports, work, parameters
        self.kept, self.latest = work / "run", work / "latest"
        self.failures: dict[str, Failure] = {}
        self.rendered: dict[str, tuple[str, str]] = {}
        for folder in (self.kept, self.latest):
            folder.mkdir(parents=True)

    def files_of(self, name: str) -> Path:
        """Where a notebook puts its CSV and JSON files."""
        folder = self.work / "files" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def report(self, name: str, folder: Path) -> Failure | None:
        """Render what a notebook made; what a reader must not get is a failure."""
        without_slow_imports()
        import nbformat  # noqa: PLC0415 (while notebooks run there is time for it)

        rendered = pages.render_cells(nbformat.read(folder / f"{name}.ipynb", as_version=4))
        if faults := pages.find_faults(rendered[1]):
            return self.failure(Failure(name, f"{name}.ipynb: {faults[0]}", "", "\n".join(faults)))
        self.rendered[name] = rendered
        return None

    def failure(self, failure: Failure) -> Failure:
        """Note a report that could not be made."""
        self.failures[failure.report] = failure
        return failure

    def write_pages(self) -> None:
        """Write the pages of all reports, when it is known which of them failed, and their files beside them."""
        for folder, kept in ((self.kept, True), (self.latest, False)):
            for name, rendered in self.rendered.items():
                files = sorted(self.files_of(name).iterdir())
                for file in files:
                    shutil.copyfile(file, folder / file.name)
                names = [file.name for file in files]
                text = pages.report_page(name, rendered, self.run, files=names, kept=kept, failed=[*self.failures])
                _write(folder / f"{name}.html", text)
            for failure in self.failures.values():
                self._write_failure(failure, folder, kept)

    def _write_failure(self, failure: Failure, folder: Path, kept: bool) -> None:
        """The page that says what failed; in ``latest`` the last good report, under a banner that says so, too."""
        name, run = failure.report, self.run
        place = self.reports / "latest" / f"{name}.html"
        head = pages.read_head(place)
        has_good = place.is_file() and (head is None or head.state == "good")
        text = pages.failure_page(
            failure, run, self.parameters, kept=kept, has_good=has_good, failed=[*self.failures] if kept else ()
        )
        _write(folder / f"{name}-failed.html", text)
        if kept:
            return
        if has_good:
            of = f", of {run.local(head.made_at)}" if head else ""
            sentence = f"This report could not be made at {run.local(run.made_at)}. Below is the last good one{of}."
            text = pages.with_notice(_read(place), sentence, f"{name}-failed.html", "What failed")
        _write(folder / place.name, text)

    def not_true_any_more(self) -> list[str]:
        """Failure pages of reports that were made this time."""
        return [f"{name}-failed.html" for name in self.run.names if name not in self.failures]


def _read(file: Path) -> str:
    with file.open(encoding="utf-8", errors="replace", newline="") as opened:
        return opened.read()


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", newline="")


# History --------------------------------------------------------------------------------------------------------------


def renew_history(share: Path, executor: str = "") -> list[Problem]:
    """Bring the history store of a share up to date, once, before notebooks read it; nothing for other data.

    `executor` is the address of a Dask cluster, "" this machine. Whatever keeps it from that is a problem beside the
    reports: then they compute what is missing in memory.
    """
    if not (share / "snapshots").is_dir():
        return []
    try:
        try:
            return _renewed(share, executor)
        except ExecutorError as error:
            return [Problem("executor", f"{error}; the history was built on this machine"), *_renewed(share, "")]
    except Exception as error:
        _log.info("history", exc_info=True)
        return [Problem("history", f"could not be brought up to date ({clip(str(error), 200)})")]


def _renewed(share: Path, address: str) -> list[Problem]:
    from taskanalysis.history import open_store, update_store  # noqa: PLC0415

    with executor_for(len(open_store(share).stale()), address) as executor:
        return update_store(share, executor=executor)
