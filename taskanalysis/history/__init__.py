"""What happened on a server over time?

`read_history` turns many snapshots and event logs into the frames of a `History`: observations, runs, events, changes.
`update_store` keeps them in Parquet files, which can be rebuilt at any time; `verify` and `prune` look after a share.
"""

import lazy_loader

# the names stand in __init__.pyi: pandas is loaded when one of them is first used
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
