r"""Windows Task Scheduler, read anywhere: what is scheduled, what needs attention, is it getting better or worse.

>>> import taskanalysis as ta
>>> ta.describe(ta.read_task(b"<Task><Triggers><BootTrigger><Delay>PT2M</Delay></BootTrigger></Triggers></Task>"))
'At start-up, after 2 minutes'
"""

import lazy_loader

__version__ = "0.1.0"

# the names stand in __init__.pyi: a part of the package is loaded when one of its names is first used
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
