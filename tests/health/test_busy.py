"""Until when runs are known to have gone on."""

from random import Random

import numpy as np
import pandas as pd
import pytest

from taskanalysis.health.busy import run_times

MINUTE = 60_000_000


def frame(rows: list[tuple[str, int, int]], names: tuple[str, str]) -> pd.DataFrame:
    times = {
        name: pd.to_datetime([row[place] for row in rows], unit="us", utc=True) for place, name in enumerate(names, 1)
    }
    return pd.DataFrame({"task_path": pd.Categorical([row[0] for row in rows])} | times)


@pytest.mark.parametrize("seed", range(20))
def test_snapshot_shows_the_run_of_its_task_that_began_nearest_within_a_minute(seed: int) -> None:
    dice = Random(seed)
    starts = sorted((dice.choice("abc"), dice.randrange(20) * MINUTE // 3, 0) for _ in range(dice.randrange(1, 25)))
    starts = list(dict.fromkeys(starts))
    seen = [(dice.choice("bcd"), dice.randrange(20) * MINUTE // 3 + 1, dice.randrange(9) * MINUTE) for _ in range(15)]
    runs = frame(starts, ("started", "ended")).assign(finished_by=pd.NaT)
    spans = frame(seen, ("last_run", "last_seen")).assign(
        state=pd.Categorical([dice.choice(["Running", "Ready"]) for _ in seen])
    )
    shown = [at for _, at, _ in starts]
    for (task, begun, until), state in zip(seen, spans["state"], strict=True):
        own = [place for place, (path, at, _) in enumerate(starts) if path == task and abs(at - begun) <= MINUTE]
        if own and state == "Running":
            nearest = min(own, key=lambda place: abs(starts[place][1] - begun))
            shown[nearest] = max(shown[nearest], until)

    found = run_times(runs, spans, np.zeros(0, np.int64))

    assert found.shown.tolist() == shown
    assert np.array_equal(found.started, [at for _, at, _ in starts])
