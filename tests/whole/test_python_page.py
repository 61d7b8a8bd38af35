"""The page for Python: its examples are true, and each public name has one."""

import doctest
import re

import pytest

import taskanalysis as ta
from taskanalysis.history import update_store
from tests.build import ROOT

PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The inplace keyword")  # of dask
def test_every_example_gives_what_the_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    update_store(ta.sample_share())
    names: dict[str, object] = {}
    said: list[str] = []
    for number, block in enumerate(BLOCKS):
        test = doctest.DocTestParser().get_doctest(block, names, f"example {number}", "docs/python.md", 0)
        doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL).run(test, out=said.append, clear_globs=False)
        names = test.globs
    assert not said, "".join(said)


def test_every_public_name_has_an_example() -> None:
    examples = "".join(re.findall(r"^(?:>>>|\.\.\.) .*", "\n".join(BLOCKS), re.MULTILINE))
    assert [name for name in ta.__all__ if not re.search(rf"\bta\.{name}\b", examples)] == []
