"""How do pages get onto the share?

`make_reports` runs the notebooks of one server, renders and checks the pages, and publishes them; `make_all` does this
for every server of a share. `send_news` sends targets what is new.
"""

import lazy_loader

# the names stand in __init__.pyi; a room is loaded when one of its names is first used, and none loads pandas
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
