"""The command line: options, sentences and exit codes.

Each command has a module of its own and imports what it needs when it runs.
"""

from taskanalysis.cli.main import main

__all__ = ["main"]
