"""Reports on a real SMB share: Samba on loopback, mounted by rclone; and on a real disk that is full."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from taskanalysis.errors import ReportError
from taskanalysis.publish.folder import MARKER, list_runs
from taskanalysis.snapshot.share import sample_share
from tests.build import FILES, report
from tests.publish.test_folder import DATA, NOW, PAGES, left_over, put, stamp_of

PROGRAMS = ("smbd", "rclone", "fusermount3")
MISSING = [name for name in PROGRAMS if not shutil.which(name)]
MISSING += [] if Path("/dev/fuse").exists() else ["/dev/fuse"]
MISSING += [] if hasattr(os, "geteuid") and os.geteuid() == 0 else ["the rights of root"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"for a real SMB share these are missing: {', '.join(MISSING)}"),
]
SETTINGS = (FILES / "smb.conf").read_text(encoding="utf-8")


class Share:
    """An SMB share: `served` as the server sees it, `mounted` as a client does."""

    def __init__(self, root: Path) -> None:
        self.served, self.mounted, self.own = root / "served", root / "mounted", root / "own"
        for folder in (self.served, self.mounted, self.own):
            folder.mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        text = SETTINGS.format(port=self.port, own=self.own, folder=self.served)
        (self.own / "smb.conf").write_text(text, encoding="utf-8")
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        with (self.own / f"{command[0]}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=os.environ | {"RCLONE_CONFIG": str(self.own / "rclone.conf")},
                start_new_session=True,  # when Samba ends, it ends its whole group
            )
        self.processes.append(process)
        return process

    def serve(self) -> subprocess.Popen[bytes]:
        process = self.start("smbd", "--foreground", "--no-process-group", "-s", str(self.own / "smb.conf"))
        until = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return process
            assert time.monotonic() < until, (self.own / "smbd.log").read_text(encoding="utf-8", errors="replace")
            time.sleep(0.1)

    def mount(self) -> None:
        remote = f":smb,host=127.0.0.1,port={self.port},user=guest:share"
        # "minimal" writes to the server at once, as Windows does; a write-back cache would hide what the server says
        how = ["--vfs-cache-mode", "minimal", "--cache-dir", str(self.own), "--dir-cache-time", "1s"]
        patience = ["--retries", "1", "--low-level-retries", "2", "--contimeout", "5s"]
        self.start("rclone", "mount", remote, str(self.mounted), *how, *patience)
        until = time.monotonic() + 30
        while not self.mounted.is_mount():
            assert time.monotonic() < until, (self.own / "rclone.log").read_text(encoding="utf-8", errors="replace")
            time.sleep(0.1)


@pytest.fixture
def share(tmp_path: Path) -> Iterator[Share]:
    made = Share(tmp_path)
    try:
        made.serve()
        made.mount()
        yield made
    finally:
        subprocess.run(["fusermount3", "-u", "-z", str(made.mounted)], capture_output=True, check=False)
        for process in reversed(made.processes):
            process.terminate()
            process.wait(timeout=30)


def test_reports_are_read_from_and_written_to_a_share(share: Share) -> None:
    data, out = "Aufgaben für alle", "Berichte & mehr"
    month = sample_share() / "snapshots/OPENDATA01/2026-11"
    shutil.copytree(month, share.served / data / "snapshots/OPENDATA01/2026-11")
    for _ in range(2):
        done = report(share.mounted / out, "--data", str(share.mounted / data), "--keep", "1")
        assert done.returncode == 0, done.stderr
    served = share.served / out
    assert {each.name for each in served.iterdir()} - {".lock"} == {MARKER, "index.html", "latest", "runs"}
    (stamp,) = list_runs(served)
    names = {each.name for each in (served / "latest").iterdir()}
    assert names - {"tasks.html"} == {each.name for each in (served / "runs" / stamp).iterdir()}
    assert names > {"inventory.html", "status.html", "status.json"}
    for file in [served / "index.html", *served.glob("latest/*.html")]:
        assert file.read_text(encoding="utf-8").endswith("</html>")
    assert left_over(served) == []


def test_share_that_goes_away_is_one_sentence_and_nothing_is_lost(share: Share, tmp_path: Path) -> None:
    put(tmp_path, out=share.mounted / "out")
    server = share.processes[0]
    server.terminate()
    server.wait(timeout=30)
    gone = r"can't be reached .*: see that it is there, and run again; nothing is lost"
    with pytest.raises(ReportError, match=gone):
        put(tmp_path, NOW + timedelta(hours=1), out=share.mounted / "out")
    latest = share.served / "out/latest"
    stamps = {name: stamp_of(latest / name) for name in (*PAGES, *DATA)}
    assert stamps == dict.fromkeys(stamps, "20261123T110500Z")
    assert list_runs(share.served / "out") == ["20261123T110500Z"]


def test_disk_that_is_full_is_one_sentence_and_nothing_is_lost(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        (tmp_path / "out").symlink_to(disk)
        put(tmp_path, size=100_000)
        before = {each: each.read_bytes() for each in disk.rglob("*") if each.is_file()}
        with pytest.raises(ReportError, match="is full: make room there and run again"):
            put(tmp_path, NOW + timedelta(hours=1), size=300_000)
        assert {each: each.read_bytes() for each in disk.rglob("*") if each.is_file()} == before
    finally:
        subprocess.run(["umount", str(disk)], check=True)
