"""What did one server look like at one point in time?

A `Snapshot` holds the definitions and statuses of one server. `read_snapshot` reads our own format and what schtasks,
PowerShell and the old scripts write; `write_snapshot` adds one to a share.
"""

from taskanalysis.snapshot.dates import ORDERS, moment, settle
from taskanalysis.snapshot.files import (
    CHANGED,
    file_name,
    in_scope,
    long_path,
    plain_path,
    read_tasks,
    task_of,
    task_path,
    write_whole,
)
from taskanalysis.snapshot.folders import locked, remove
from taskanalysis.snapshot.share import (
    Stamped,
    instant,
    list_servers,
    list_snapshots,
    newest_first,
    sample_share,
    server_folder,
    stamped,
)
from taskanalysis.snapshot.snapshot import Snapshot, read_manifest, read_snapshot, stale_after, write_snapshot
from taskanalysis.snapshot.status import (
    STATES,
    STATUS_FIELDS,
    STATUS_HEADER,
    Moment,
    Status,
    _status,
    aware,
    read_statuses,
    with_offset,
)

__all__ = [
    "CHANGED",
    "ORDERS",
    "STATES",
    "STATUS_FIELDS",
    "STATUS_HEADER",
    "Moment",
    "Snapshot",
    "Stamped",
    "Status",
    "_status",
    "aware",
    "file_name",
    "in_scope",
    "instant",
    "list_servers",
    "list_snapshots",
    "locked",
    "long_path",
    "moment",
    "newest_first",
    "plain_path",
    "read_manifest",
    "read_snapshot",
    "read_statuses",
    "read_tasks",
    "remove",
    "sample_share",
    "server_folder",
    "settle",
    "stale_after",
    "stamped",
    "task_of",
    "task_path",
    "with_offset",
    "write_snapshot",
    "write_whole",
]
