"""Make reports: run the notebooks, render and check their pages, and publish them on the share.

A report that fails stops no other: its last good version stays in ``latest`` under a banner, beside a page that says
what failed. Nor does a server stop the others.

>>> notebook_file("inventory").name
'inventory.ipynb'
"""

from __future__ import annotations

import logging
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from taskanalysis.definition import MOST_OWN_BYTES, read_bytes
from taskanalysis.errors import ExecutorError, Problem, ReportError, TaskAnalysisError, reason_of
from taskanalysis.health import dated, rules_of
from taskanalysis.history import executor_for
from taskanalysis.publish import pages
from taskanalysis.publish.fleet import Team, each_server
from taskanalysis.publish.folder import Keep, held, new_stamp, publish, workplace
from taskanalysis.publish.index import (
    Standing,
    index_page,
    read_reports,
    read_standing,
    servers,
    servers_page,
)
from taskanalysis.publish.notebooks import CELL_SECONDS, RUN_SECONDS, Failure
from taskanalysis.publish.pages import Run
from taskanalysis.publish.workers import Job, Workers, processors, stoppable
from taskanalysis.snapshot import Snapshot, long_path, stale_after, write_whole
from taskanalysis.text import clip, count

NOTEBOOKS = ("status", "tasks", "inventory", "trends")
"""The reports; pages, index and links follow from it, in this order."""
LATEST_ONLY = ("tasks",)
"""Reports that stay in ``latest``: thirty runs of a thousand stories would be 130 MB."""

KEEP = Keep()
UNKNOWN = 3
"""The exit code where it is not known how the tasks stand."""
_log = logging.getLogger(__name__)


@dataclass
class Outcome:
    """The result of a run: failures, files that stayed locked, and how the tasks stand, where known.

    `code` is what ``--fail-on attention`` ends with, the same as `check`; `left_out` is why no report was to be made,
    "" where one was; `no_rules` is why they were made without the rules of the office.
    """

    stamp: str
    failures: list[Failure] = field(default_factory=list)
    locked: list[str] = field(default_factory=list)
    standing: Standing | None = None
    code: int = 0
    left_out: str = ""
    no_rules: str = ""


def make_reports(
    snapshot: Snapshot,
    reports: Path,
    parameters: Mapping[str, Any],
    *,
    now: datetime,
    sample: str = "",
    keep: Keep = KEEP,
    cell_seconds: int = CELL_SECONDS,
    run_seconds: float = RUN_SECONDS,
    say: Callable[[str], None] = _log.info,
    verbose: bool = False,
    executor: str = "",
    above: str = "",
    team: Workers | None = None,
) -> Outcome:
    """Run all notebooks on the data that `snapshot` was read from, and publish their pages and files in `reports`.

    `parameters` go to each notebook, `now` is aware, `sample` is a banner on each page, `say` receives progress in
    sentences, `executor` is the address of a Dask cluster that builds new parts of the history. `above` links the page
    of all servers from the index, which then lists no other servers. Where a `team` is given, one of its workers runs
    all notebooks, and the history is up to date already.
    ReportError where nothing could be published, KeyboardInterrupt after a signal: the last reports stay.
    """
    reports = long_path(reports)
    with ExitStack() as stack:
        alone, team = team is None, team or stack.enter_context(team_for(len(NOTEBOOKS), verbose))
        stack.enter_context(held(reports, now=now, say=say))
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=team.folder, ignore_cleanup_errors=True)))
        stamp = new_stamp(reports, now)
        at, sample_at = str(parameters.get("at") or ""), snapshot.taken_at if snapshot.is_sample else None
        due = None if at or sample_at else stale_after(snapshot)
        moment = snapshot.judged_at(at, now)
        if snapshot.manifest:  # all pages are of one snapshot, also where a newer one arrives
            parameters = {**parameters, "at": snapshot.taken_at.isoformat(), "server": snapshot.server}
        no_rules = rules_of(snapshot.share).problem
        banners, server = _banners(sample, no_rules), pages.shown(snapshot.server)
        run = Run(stamp, sample_at or now, snapshot.taken_at, due, snapshot.zone, NOTEBOOKS, banners, server)
        problems = renew_history(Path(str(parameters["data"])), executor) if alone else []
        made = _Made(run, reports, work, parameters)
        began = time.monotonic()
        jobs = [made.job(name, cell_seconds) for name in reversed(NOTEBOOKS)]  # the longest is the last, and begins
        for job, done in team.run(jobs, seconds=run_seconds, apart=alone):
            made.add(job.report, done)
            seconds = time.monotonic() - began
            say(done.what if isinstance(done, Failure) else f"{job.report}: made in {seconds:.1f} s")
        standing = read_standing(work / "files" / "status" / "status.json")
        made.write_pages(standing, moment)
        made.write_summary(standing, moment)
        code = standing.code(moment) if standing else UNKNOWN
        several = snapshot.others and not above
        rows = servers(snapshot.share, at, now) if several else []
        index = index_page(
            reports,
            made.run,
            failed=sorted(made.failures, key=NOTEBOOKS.index),
            cards={name: rendered.card for name, rendered in made.rendered.items()},
            rows=rows,
            above=above,
            notes=[pages.shown(f"{problem.file}: {problem.what}") for problem in problems],
            collected=_collected(snapshot),
        )
        outdated = [f"{name}-failed.html" for name in NOTEBOOKS if name not in made.failures]
        outdated += made.fewer_pages()
        kept, latest = made.published(kept=True), made.published(kept=False)
        locked = publish(kept, latest, reports, stamp=stamp, keep=keep, now=now, index=index, gone=outdated)
        return Outcome(stamp, list(made.failures.values()), locked, standing, code, no_rules=no_rules)


def make_all(
    share: Path,
    reports: Path,
    make: Callable[..., Outcome],
    names: Sequence[str],
    *,
    now: datetime,
    problems: Sequence[Problem] = (),
    say: Callable[[str], None],
    team: Team | None = None,
    cluster: str = "",
) -> list[Outcome | TaskAnalysisError]:
    """Call `make` with each server of `names` and the folder of its reports, and write the page of all servers.

    The folders are ``<reports>/servers/<SERVER>``; `now` is aware; `problems` stand on the page; `team` and `cluster`
    are those of `each_server`. A server whose reports fail is its error in the list and a row of the page. ReportError
    where the folder can't be written or is locked.
    """
    begun = time.monotonic()
    folders = {name: reports / "servers" / name for name in names}
    outcomes: dict[str, Outcome | TaskAnalysisError] = {}
    notes = list(problems)
    with held(reports, now=now, say=say, folders=("servers",)):
        for name, outcome in each_server(make, folders, team=team, cluster=cluster, problems=notes):
            outcomes[name] = outcome
            left = (time.monotonic() - begun) / len(outcomes) * (len(names) - len(outcomes))
            say(f"{name}: {len(outcomes)} of {len(names)} servers done, {_time_left(left)}")
        rows = [read_reports(name, folders[name], _failed(outcomes[name])) for name in names]
        run = Run(new_stamp(reports, now), now, now, None, "", (), _banners(rules_of(share).problem))
        text = servers_page(rows, run, notes)
        write_whole(reports / "index.html", text.encode())
    return [outcomes[name] for name in names]


def _time_left(seconds: float) -> str:
    """How long it will take, roughly.

    >>> _time_left(12), _time_left(250), _time_left(7300)
    ('less than a minute left', 'about 4 minutes left', 'about 2 hours left')
    """
    size, unit = (3600, "hour") if seconds >= 7200 else (60, "minute")
    number = round(seconds / size)
    return f"about {count(number, unit)} left" if number else "less than a minute left"


@contextmanager
def team_for(number: int, verbose: bool = False) -> Iterator[Workers]:
    """Workers for a number of notebooks, at most one for each processor, that a signal ends.

    KeyboardInterrupt after a signal, ReportError where the local temporary folder can't be used.
    """
    sources = [notebook_file(name) for name in NOTEBOOKS]
    number = min(processors(), number)
    with (
        stoppable(),
        _naming_the_temporary_folder(),
        workplace() as work,
        Workers(number, work, sources, verbose=verbose) as team,
    ):
        yield team


def _collected(snapshot: Snapshot) -> list[str]:
    """What the collect of a snapshot warned of and could not read, as lines."""
    if not snapshot.manifest:
        return []
    lines = [*snapshot.manifest["warnings"], *(f"{problem.file}: {problem.what}" for problem in snapshot.notes)]
    return [pages.shown(line) for line in lines]


def _banners(*texts: str) -> list[str]:
    return [pages.shown(text) for text in texts if text]


def _failed(outcome: Outcome | TaskAnalysisError) -> str:
    if isinstance(outcome, TaskAnalysisError):
        return f"its reports could not be made ({clip(pages.shown(str(outcome)), 200)})"
    return outcome.left_out or "; ".join(f"{failure.report} could not be made" for failure in outcome.failures)


@contextmanager
def _naming_the_temporary_folder() -> Iterator[None]:
    """Turn an error of the system about the local temporary folder into a ReportError with a next step."""
    try:
        yield
    except OSError as error:
        where, why = tempfile.gettempdir(), reason_of(error)
        remedy = "make room there, or name another folder in TMPDIR (on Windows TEMP)"
        raise ReportError(f"{where} can't be used ({why}): {remedy}; the last reports are still there") from None


def notebook_file(name: str) -> Path:
    """The path of a notebook: in the package when installed from a wheel, else in the checkout."""
    places = [Path(__file__).parents[1] / "notebooks", Path(__file__).parents[2] / "notebooks"]
    for place in places:
        if (place / f"{name}.ipynb").is_file():
            return place / f"{name}.ipynb"
    raise ReportError(f"the notebook {name}.ipynb is missing: reinstall taskanalysis")


class _Made:
    """The pages that a run publishes, in local folders: `kept` for the run, `latest` with the last good ones.

    `files` are the folders of the CSV and JSON files of each notebook.
    """

    def __init__(self, run: Run, reports: Path, work: Path, parameters: Mapping[str, Any]) -> None:
        self.run, self.reports, self.parameters = run, reports, parameters
        self.kept, self.latest = work / "run", work / "latest"
        self.files = {name: work / "files" / name for name in run.names}
        self.failures: dict[str, Failure] = {}
        self.rendered: dict[str, pages.Rendered] = {}
        for folder in (self.kept, self.latest, *self.files.values()):
            folder.mkdir(parents=True)

    def job(self, name: str, cell_seconds: float) -> Job:
        """The notebook to run with its parameters, for `Workers`."""
        parameters = {**self.parameters, "save_to": str(self.files[name])}
        return Job(name, notebook_file(name), parameters, cell_seconds)

    def add(self, name: str, done: pages.Rendered | Failure) -> None:
        """Note the page of a report, or its failure."""
        if isinstance(done, Failure):
            self.failures[name] = done
        else:
            self.rendered[name] = done

    def write_pages(self, standing: Standing | None, moment: datetime) -> None:
        """Write the pages of all reports, once it is known which failed and how the tasks stand."""
        if standing:
            seen = not (standing.unseen or standing.age(moment))
            self.run = replace(self.run, attention=standing.attention if standing.counts else None, unseen=not seen)
        for folder, kept in ((self.kept, True), (self.latest, False)):
            for name, rendered in self.rendered.items():
                if kept and name in LATEST_ONLY:
                    continue
                names = sorted(file.name for file in self.files[name].iterdir())
                texts = pages.report_pages(name, rendered, self.run, files=names, kept=kept, failed=[*self.failures])
                for file_name, text in texts.items():
                    (folder / file_name).write_bytes(text.encode())
            for failure in self.failures.values():
                self._write_failure(failure, folder, kept)

    def published(self, *, kept: bool) -> list[Path]:
        """The pages of the run that is kept, or of ``latest``, and the files that they link."""
        folder = self.kept if kept else self.latest
        reports = [name for name in self.rendered if not (kept and name in LATEST_ONLY)]
        return [*folder.iterdir(), *(file for name in reports for file in self.files[name].iterdir())]

    def fewer_pages(self) -> list[str]:
        """Pages of an earlier run whose report has fewer pages now."""
        made = {file.name for file in self.latest.iterdir()}
        return [file.name for name in self.rendered for file in self._further(name) if file.name not in made]

    def _further(self, name: str) -> list[Path]:
        """The further pages of a report that are in ``latest`` now."""
        found = (self.reports / "latest").glob(f"{name}-*.html")
        return [file for file in found if _FURTHER.fullmatch(file.name)]

    def write_summary(self, standing: Standing | None, moment: datetime) -> None:
        """Write ``summary.txt``: how the tasks stand, the first line fit for the subject of a mail."""
        if standing and standing.summary:
            first, *others = standing.summary
            text = "".join(f"{line}\n" for line in (dated(first, standing.late(moment)), *others))
            for folder in (self.kept, self.latest):
                (folder / "summary.txt").write_bytes(text.encode())

    def _write_failure(self, failure: Failure, folder: Path, kept: bool) -> None:
        """Write the page that says what failed; in ``latest`` also put a banner on the last good report."""
        name, run = failure.report, self.run
        place = self.reports / "latest" / f"{name}.html"
        head = pages.read_head(place)
        has_good = place.is_file() and (head is None or head.state == "good")
        good = read_bytes(place, MOST_OWN_BYTES).decode("utf-8", "replace") if has_good else ""
        text = pages.failure_page(
            failure,
            run,
            self.parameters,
            kept=kept,
            has_good=has_good,
            failed=[*self.failures] if kept else (),
            answer=pages.read_answer(good),
            good_at=(head.taken_at or head.made_at) if head and has_good else None,
            made=[f"{other}.html" for other in self.rendered],
        )
        (folder / f"{name}-failed.html").write_bytes(text.encode())
        if kept:
            return
        if has_good:
            of = f", of {run.full(head.made_at)}" if head else ""
            sentence = f"This report could not be made at {run.full(run.made_at)}. Below is the last good one{of}."
            notice = (sentence, f"{name}-failed.html", "What failed")
            text = pages.with_notice(good, *notice)
            for file in self._further(name):
                further = read_bytes(file, MOST_OWN_BYTES).decode("utf-8", "replace")
                (folder / file.name).write_bytes(pages.with_notice(further, *notice).encode())
        (folder / place.name).write_bytes(text.encode())


_FURTHER = re.compile(r"[a-z]+-[0-9]+\.html")


# History --------------------------------------------------------------------------------------------------------------


def renew_history(share: Path, executor: str = "") -> list[Problem]:
    """Bring the history store of a share up to date, once, before notebooks read it; do nothing for other data.

    `executor` is the address of a Dask cluster, "" for this machine. An error is returned as a problem to show beside
    the reports, which then compute the missing part in memory.
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
        return [Problem("history", f"could not be brought up to date ({clip(reason_of(error), 200)})")]


def _renewed(share: Path, address: str) -> list[Problem]:
    from taskanalysis.history import open_store, store_logs, update_store, zone_of  # noqa: PLC0415

    with executor_for(len(open_store(share).stale()), address) as executor:
        problems = update_store(share, executor=executor, check=True)
    logs = share / "eventlogs"
    for folder in sorted(logs.iterdir()) if logs.is_dir() else []:
        store_logs(share, folder.name, zone=zone_of(share, folder.name))
    return problems
