r"""Errors of this package, and problems, which are returned beside the data.

TaskAnalysisError
├── SnapshotError      a folder that is no snapshot, or that can't be read or written
├── RulesError         a rules file that can't be read
├── TaskXmlError       task XML that can't be read (a ValueError too)
├── ZoneError          an unknown time zone (a ValueError too)
├── TimeError          what is no time, where one is asked for (a ValueError too)
├── ReportError        a report that could not be made
└── UnfinishedError    valid input, but the work could not be finished
    ├── ExecutorError  other processes or machines that can't be used
    └── SchedulerError a refusal of the Windows Task Scheduler (in `windows`)

The text of an error is one sentence for a reader; the command line shows it as it is.

>>> raise TaskXmlError("is not a date and time", file="Load.xml", element="StartBoundary", text="2024-13-01")
Traceback (most recent call last):
...
taskanalysis.errors.TaskXmlError: Load.xml: StartBoundary '2024-13-01' is not a date and time
"""

from functools import partial
from typing import NamedTuple

from taskanalysis.text import brief, clip, plain_paths


def reason_of(error: BaseException) -> str:
    r"""What went wrong, without the path: the sentence names it, and the text of an OSError has it escaped.

    >>> reason_of(FileNotFoundError(2, "No such file or directory", r"C:\tasks")), reason_of(ValueError("it is empty"))
    ('No such file or directory', 'it is empty')
    """
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


class Problem(NamedTuple):
    """A non-fatal read error, returned alongside the data."""

    file: str
    what: str

    def __repr__(self) -> str:
        """One masked line."""
        return brief("Problem", self.file, self.what)


class TaskAnalysisError(Exception):
    """Parent of all errors of this package; its text is one sentence for a reader."""

    def __str__(self) -> str:
        """The sentence, with paths as their users wrote them."""
        return plain_paths(super().__str__())


class SnapshotError(TaskAnalysisError):
    """A folder that is not a snapshot, or one that this version can't read or write."""


class RulesError(TaskAnalysisError):
    """A rules file that can't be read; the text names file, line and key."""


class ZoneError(TaskAnalysisError, ValueError):
    """A time zone whose name is not in the IANA database."""


class TimeError(TaskAnalysisError, ValueError):
    """What is neither ISO 8601 text nor a date nor a datetime, where a time is asked for."""


class ReportError(TaskAnalysisError):
    """A report that could not be made; the previous one is left unchanged."""


class UnfinishedError(TaskAnalysisError):
    """Valid input, but the work could not be finished; nothing half-done is left."""


class ExecutorError(UnfinishedError):
    """Other processes or machines that can't be used; the same work can be done in this process."""


class TaskXmlError(TaskAnalysisError, ValueError):
    """Task XML that can't be read: `file`, `element` (a path such as ``Settings/Priority``), `text`, `reason`.

    All four are str, "" where not known; the message joins them.
    """

    def __init__(self, reason: str, *, file: str = "", element: str = "", text: str = "") -> None:
        self.reason, self.file, self.element, self.text = reason, file, element, clip(text)
        super().__init__(reason, file, element, text)

    def __str__(self) -> str:
        """The four parts as one sentence."""
        quoted = f"'{self.text}'" if self.text else ""
        sentence = " ".join(part for part in (self.element, quoted, self.reason) if part)
        return f"{self.file}: {sentence}" if self.file else sentence

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the parts when the error comes back from another process."""
        return partial(TaskXmlError, file=self.file, element=self.element, text=self.text), (self.reason,)
