"""What does a task's definition say?

Task XML is read into a `TaskDefinition` (`read_task`, `read_many`), described in English (`describe`) and compared with
another (`differences`).
"""

from taskanalysis.definition import model
from taskanalysis.definition.accounts import is_localised, service_sid
from taskanalysis.definition.differences import changed_fields, differences
from taskanalysis.definition.duration import Duration
from taskanalysis.definition.encoding import (
    MOST_BYTES,
    MOST_OWN_BYTES,
    Chunk,
    open_regular,
    parse,
    read_bytes,
    split_tasks,
    without_mark,
    xml_text,
)
from taskanalysis.definition.model import (
    CalendarTrigger,
    DayOfWeek,
    ExecAction,
    Principal,
    TaskDefinition,
    TimeTrigger,
    Trigger,
    type_name,
)
from taskanalysis.definition.moments import Time, asked_time, instant, wall_time
from taskanalysis.definition.reader import NAMESPACE, read_many, read_task
from taskanalysis.definition.words import describe, weekdays

__all__ = [
    "MOST_BYTES",
    "MOST_OWN_BYTES",
    "NAMESPACE",
    "CalendarTrigger",
    "Chunk",
    "DayOfWeek",
    "Duration",
    "ExecAction",
    "Principal",
    "TaskDefinition",
    "Time",
    "TimeTrigger",
    "Trigger",
    "asked_time",
    "changed_fields",
    "describe",
    "differences",
    "instant",
    "is_localised",
    "model",
    "open_regular",
    "parse",
    "read_bytes",
    "read_many",
    "read_task",
    "service_sid",
    "split_tasks",
    "type_name",
    "wall_time",
    "weekdays",
    "without_mark",
    "xml_text",
]
