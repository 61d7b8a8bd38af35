"""A notebook in JupyterLab itself, in its light and its dark theme: tables, badges and strips as readers need them."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.request import urlopen

import nbformat
import psutil
import pytest
from playwright.sync_api import Browser, Page

from taskanalysis.publish.make import notebook_file
from tests.build import ROOT

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not find_spec("jupyterlab"), reason="JupyterLab is not installed (the extra lab)"),
]
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
EXECUTE = """
import sys, nbformat
from nbclient import NotebookClient
from nbformat.sign import NotebookNotary
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, kernel_name="python3", timeout=300).execute()
NotebookNotary().sign(notebook)  # as after running it in JupyterLab: without a signature it shows no style
nbformat.write(notebook, sys.argv[2])
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the executed notebook of each theme, and settings of JupyterLab for it."""
    folder = tmp_path_factory.mktemp("lab")
    command = [sys.executable, "-c", EXECUTE, str(notebook_file("status")), str(folder / "status.ipynb")]
    subprocess.run(command, check=True, capture_output=True, env=environment(folder), timeout=600, cwd=ROOT)
    assert "svg" in (folder / "status.ipynb").read_text(encoding="utf-8")
    return folder


def environment(folder: Path) -> dict[str, str]:
    own = {
        name: str(folder / name)
        for name in ("JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    }
    return {**os.environ, **own, "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module", params=THEMES)
def lab(request: pytest.FixtureRequest, root: Path, chromium: Browser) -> Iterator[Page]:
    """The notebook, opened in a JupyterLab with this theme."""
    settings = root / request.param / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"theme": THEMES[request.param]}), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "IdentityProvider.token": "",
        "ServerApp.root_dir": root,
        "LabApp.user_settings_dir": root / request.param,
        "LabApp.workspaces_dir": root / f"{request.param}-workspaces",
        "LabApp.news_url": "None",
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--{name}={value}" for name, value in options.items()]
    log = root / f"{request.param}.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=environment(root)
        )
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    try:
        wait_for(f"http://127.0.0.1:{port}/api", server, log)
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/lab/tree/status.ipynb")
        page.locator(".jp-Notebook table.chips").wait_for(state="attached", timeout=120_000)
        page.locator(f"body[data-jp-theme-name='{THEMES[request.param]}']").wait_for(state="attached", timeout=60_000)
        yield page
    finally:
        context.close()
        end(server)


def end(server: subprocess.Popen[bytes]) -> None:
    """End JupyterLab, and its kernels where it does not."""
    family = psutil.Process(server.pid).children(recursive=True)
    server.terminate()
    with suppress(subprocess.TimeoutExpired):
        server.wait(timeout=30)
    for process in family:
        with suppress(psutil.Error):
            process.kill()
    server.kill()
    server.wait(timeout=30)


def wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 120
    while True:
        with suppress(OSError), closing(urlopen(url, timeout=5)):
            return
        assert server.poll() is None, log.read_text(encoding="utf-8", errors="replace")
        assert time.monotonic() < until, log.read_text(encoding="utf-8", errors="replace")
        time.sleep(0.2)


def test_tables_are_aligned_at_the_left_and_their_numbers_at_the_right(lab: Page) -> None:
    aligned = "all => [...new Set(all.map(each => getComputedStyle(each).textAlign))]"
    assert lab.locator(".taskanalysis td:not(.number), .taskanalysis th:not(.number)").evaluate_all(aligned) == ["left"]
    assert lab.locator(".taskanalysis th.number").evaluate_all(aligned) == ["right"]


def test_badges_and_strips_are_seen(lab: Page) -> None:
    badges = lab.locator(".taskanalysis td > .badge")
    assert badges.count() > 52
    borders = "all => [...new Set(all.map(each => getComputedStyle(each).borderTopStyle))].sort()"
    assert badges.evaluate_all(borders) == ["dashed", "solid"]
    strips = lab.locator(".taskanalysis table.chips svg.s")
    assert strips.count() > 45
    sizes = "all => all.map(each => each.getBoundingClientRect()).map(box => [box.width, box.height])"
    for width, height in strips.evaluate_all(sizes):
        assert (height, 100 < width < 400) == (16, True)
    paths = "all => all.map(each => getComputedStyle(each)).map(style => [style.stroke, style.strokeWidth].join())"
    assert len(set(lab.locator(".taskanalysis table.chips svg.s path").evaluate_all(paths))) >= 5


def test_cards_are_whole_and_dates_are_for_readers(lab: Page) -> None:
    cards = lab.locator(".taskanalysis .todo > li")
    assert cards.count() == 9
    text = cards.nth(1).inner_text()
    for words in ("FAILING", "Bus stops", "Next:", "since today 04:20"):
        assert words in text
    assert not re.search(r"\d{4}-\d\d-\d\d", lab.locator(".taskanalysis table.chips").inner_text())


CONTRAST = """all => {
    const parts = color => (color.match(/[\\d.]+/g) || [0, 0, 0, 0])
        .map((part, i) => part * (i < 3 && color.startsWith('color(') ? 255 : 1));
    const channel = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const ground = e => { for (; e; e = e.parentElement) { const c = parts(getComputedStyle(e).backgroundColor);
        if (c.length === 3 || c[3] === 1) return c; } return [255, 255, 255]; };
    return all.filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && e.checkVisibility())
        .map(e => { const [x, y] = [light(parts(getComputedStyle(e).color)), light(ground(e))];
            const ratio = (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
            return [ratio, getComputedStyle(e).color, e.outerHTML.slice(0, 100)]; })
        .filter(([ratio]) => ratio < 4.5);
}"""


def test_text_can_be_read_in_the_theme(lab: Page) -> None:
    assert lab.locator(".taskanalysis, .taskanalysis *").evaluate_all(CONTRAST) == []
    ground = lab.locator(".jp-Notebook").evaluate("e => getComputedStyle(e).backgroundColor")
    dark = "Dark" in (lab.locator("body").get_attribute("data-jp-theme-name") or "")
    assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 3 * 128) is dark


def test_notebook_in_the_repository_has_no_outputs_though_it_was_run() -> None:
    notebook = nbformat.read(notebook_file("status"), as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
