"""How is it used at a prompt?

`main` has the options of every command; the work of each is in a module named after it, imported when it runs.
"""

from taskanalysis.cli.main import main

__all__ = ["main"]
