"""What needs attention?

`judge` gives one verdict a task with its reason. Findings, incidents, the office's rules and the fate of every start
that was due are here, too.
"""

import lazy_loader

# the names stand in __init__.pyi: pandas is loaded when one of them is first used
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
