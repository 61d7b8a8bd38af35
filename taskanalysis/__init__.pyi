from .definition import describe as describe
from .definition import read_task as read_task
from .errors import TaskAnalysisError as TaskAnalysisError
from .errors import TaskXmlError as TaskXmlError
from .history import diff as diff
from .history import read_history as read_history
from .report.tables import actions as actions
from .report.tables import findings as findings
from .report.tables import incidents as incidents
from .report.tables import inventory as inventory
from .report.tables import slots as slots
from .report.tables import starts as starts
from .report.tables import status as status
from .report.tables import triggers as triggers
from .results import decode as decode
from .schedule import expected_runs as expected_runs
from .schedule import move as move
from .snapshot import read_snapshot as read_snapshot
from .snapshot import read_tasks as read_tasks
from .snapshot import sample_share as sample_share

__version__: str
