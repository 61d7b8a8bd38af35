"""The benchmark of the history measures what it says."""

from pathlib import Path

from benchmarks import history as benchmark
from taskanalysis.history.frames import read_history
from taskanalysis.snapshot.snapshot import read_snapshot


def test_its_share_is_one_that_can_be_read(tmp_path: Path) -> None:
    share = benchmark.Share(tmp_path, 20)
    share.grow(benchmark.A_DAY // 4)
    history = read_history(tmp_path)
    snapshot = read_snapshot(tmp_path)
    assert history.problems == snapshot.problems == []
    assert snapshot.taken_at == share.now == history.coverage["taken_at"].max()
    assert len(snapshot.statuses) == len(snapshot.tasks) == 20
    assert len(history.observations) == 20 * benchmark.A_DAY // 4
