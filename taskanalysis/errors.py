"""What can go wrong, in one short file.

>>> raise TaskXmlError("is not a date and time", file="Load.xml", element="StartBoundary", text="2024-13-01")
Traceback (most recent call last):
...
taskanalysis.errors.TaskXmlError: Load.xml: StartBoundary '2024-13-01' is not a date and time
"""

from typing import NamedTuple

from taskanalysis.text import clip

__all__ = [
    "ExecutorError",
    "Problem",
    "ReportError",
    "RulesError",
    "SnapshotError",
    "TaskAnalysisError",
    "TaskXmlError",
    "UnfinishedError",
    "ZoneError",
]


class Problem(NamedTuple):
    """Something that could not be read, told beside the data instead of stopping it."""

    file: str
    what: str


class TaskAnalysisError(Exception):
    """Parent of all errors of this package; its text is one sentence for a reader."""


class SnapshotError(TaskAnalysisError):
    """A folder that is no snapshot, or one that this version can't read or write."""


class UnfinishedError(TaskAnalysisError):
    """What was asked for is right and could not be finished; nothing half-done is left."""


class ReportError(TaskAnalysisError):
    """A report that could not be made; what was there before is left as it was."""


class ExecutorError(UnfinishedError):
    """Other processes or machines that can't be used; the same work can be done in this process."""


class RulesError(TaskAnalysisError):
    """Rules that can't be read: the text names file, line and key."""


class ZoneError(TaskAnalysisError, ValueError):
    """A time zone whose name the IANA database does not have."""


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
        return _rebuild, (self.reason, self.file, self.element, self.text)


def _rebuild(reason: str, file: str, element: str, text: str) -> TaskXmlError:
    return TaskXmlError(reason, file=file, element=element, text=text)
