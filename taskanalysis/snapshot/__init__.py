"""What did one server look like at one point in time?

A `Snapshot` holds the definitions and statuses of one server. `read_snapshot` reads our own format and what schtasks,
PowerShell and the old scripts write; `write_snapshot` adds one to a share.
"""

from taskanalysis.snapshot.files import read_tasks
from taskanalysis.snapshot.folders import locked, remove
from taskanalysis.snapshot.locales import ORDERS, moment, settle
from taskanalysis.snapshot.paths import (
    beside_of,
    file_name,
    in_scope,
    long_path,
    plain_path,
    task_path,
    write_folder,
    write_whole,
)
from taskanalysis.snapshot.share import (
    Stamped,
    StoredDefinitions,
    instant,
    list_servers,
    list_snapshots,
    newest_first,
    read_manifest,
    sample_share,
    server_folder,
    snapshot_folder,
    stamp_of,
    stamped,
    wrong_files,
)
from taskanalysis.snapshot.snapshot import Snapshot, read_snapshot, stale_after, write_snapshot
from taskanalysis.snapshot.status import (
    STATES,
    STATUS_FIELDS,
    STATUS_HEADER,
    Moment,
    Status,
    aware,
    read_statuses,
    status_of,
    with_offset,
)

__all__ = [
    "ORDERS",
    "STATES",
    "STATUS_FIELDS",
    "STATUS_HEADER",
    "Moment",
    "Snapshot",
    "Stamped",
    "Status",
    "StoredDefinitions",
    "aware",
    "beside_of",
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
    "snapshot_folder",
    "stale_after",
    "stamp_of",
    "stamped",
    "status_of",
    "task_path",
    "with_offset",
    "write_folder",
    "write_snapshot",
    "write_whole",
    "wrong_files",
]
