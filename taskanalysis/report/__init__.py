"""What do the pages say?

`Inventory`, `StatusPage` and `Trends` read data once. Their properties are tables (with `.frame`), sentences and
figures; `.save` writes the files. Notebooks import this wing and nothing else.
"""

import lazy_loader

# the names stand in __init__.pyi: pandas is loaded when one of them is first used
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
