"""Take the pictures of the README: the top of each page of the sample share, as a browser shows it.

    .venv/bin/python -m docs.make_screenshots [--out DIR]

It renders the sample share as of half an hour after its newest snapshot, and sets the browser's clock to that moment,
so that no picture says that the sample is stale. It wants Chromium or one of its kin on the PATH, as the tests do. Two
runs on one machine give the same pictures; another machine's fonts give others.
"""

import argparse
import io
import tempfile
from datetime import timedelta
from pathlib import Path

from PIL import Image

from benchmarks.reports import chromium
from taskanalysis.cli.main import SAMPLE
from taskanalysis.publish import NOTEBOOKS, make_reports
from taskanalysis.snapshot import read_snapshot, sample_share

WIDTH, HEIGHT = 1200, 1300
COLOURS = 256  # a flat design needs no more: a third of the bytes, and no difference to be seen
HALF_AN_HOUR = timedelta(minutes=30)


def main() -> None:
    """Render the sample share in a temporary folder, and take a picture of each page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "screenshots", metavar="DIR")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    share = sample_share()
    snapshot = read_snapshot(share)
    now = snapshot.taken_at + HALF_AN_HOUR
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        made = make_reports(snapshot, Path(folder), {"data": str(share)}, now=now, sample=SAMPLE)
        if made.failures:
            raise SystemExit(f"no pictures were taken: {made.failures[0].what}")
        page = browser.new_context(offline=True, color_scheme="light", locale="en-US").new_page()
        page.clock.set_fixed_time(now)
        for file in (Path(folder, "index.html"), *(Path(folder, "latest", f"{name}.html") for name in NOTEBOOKS)):
            page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
            page.goto(file.as_uri())
            tall = page.evaluate("Math.ceil(document.body.getBoundingClientRect().bottom)")
            page.set_viewport_size({"width": WIDTH, "height": min(HEIGHT, tall)})
            save(page.screenshot(), out / f"{file.stem}.png")


def save(picture: bytes, file: Path) -> None:
    """Save a picture with few colours, which makes it small."""
    reduced = Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    reduced.save(file, optimize=True)


if __name__ == "__main__":
    main()
