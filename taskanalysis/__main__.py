"""``python -m taskanalysis``."""

from taskanalysis.cli import main

main()
