"""The style of tables, badges, cards and strips in JupyterLab, where no page brings one.

It is a part of what each object shows, holds for what lies in it alone, and takes JupyterLab's own colours, light and
dark. The page templates leave it out: they have their own.

>>> scoped("<p>12</p>").startswith("<style data-jupyter>"), scoped("<p>12</p>")[-41:]
(True, '<div class="taskanalysis"><p>12</p></div>')
"""

from __future__ import annotations

from pathlib import Path

_STYLE = " ".join(Path(__file__).with_name("jupyter.css").read_text(encoding="utf-8").split())


def scoped(html: str) -> str:
    """HTML with the style beside it."""
    return f'<style data-jupyter>{_STYLE}</style><div class="taskanalysis">{html}</div>'
