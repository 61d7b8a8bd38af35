from .folder import Keep as Keep
from .folder import check_own as check_own
from .index import servers as servers
from .make import NOTEBOOKS as NOTEBOOKS
from .make import Outcome as Outcome
from .make import make_all as make_all
from .make import make_reports as make_reports
from .make import renew_history as renew_history
