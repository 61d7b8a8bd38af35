from .definition import describe as describe
from .definition import read_task as read_task
from .errors import TaskAnalysisError as TaskAnalysisError
from .errors import TaskXmlError as TaskXmlError
from .history import diff as diff
from .history import read_history as read_history
from .results import decode as decode
from .schedule import expected_runs as expected_runs
from .schedule import move as move
from .snapshot import read_snapshot as read_snapshot
from .snapshot import read_tasks as read_tasks

__version__: str
