"""What needs attention?

`judge` gives each task one verdict with its reason. `find_findings` inspects definitions, `find_incidents` groups tasks
by cause, `slot_fates` classifies every scheduled start, and `rules_of` reads what the office says of its tasks.
"""

import lazy_loader

# the names stand in __init__.pyi: pandas is loaded when one of them is first used
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
