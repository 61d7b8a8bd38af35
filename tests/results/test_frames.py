"""Many codes at once: the same answers as one by one, whatever is missing."""

import pandas as pd
import pytest

from benchmarks import decoding as benchmark
from taskanalysis.results.decode import decode
from taskanalysis.results.frames import decode_frame


def test_many_rows_get_the_answers_of_single_calls() -> None:
    frame = benchmark.rows(3_000)
    assert decode_frame(frame)["outcome"].tolist() == benchmark.one_by_one(frame)


def test_index_is_kept_and_what_is_missing_is_not_known() -> None:
    frame = pd.DataFrame(
        {"code": [1.0, None, 1.0], "command": ["robocopy.exe", None, None], "ever_ran": [None, None, False]}
    )
    said = decode_frame(frame.set_axis([7, 5, 7]))
    assert said.index.tolist() == [7, 5, 7]
    assert said["outcome"].tolist() == ["succeeded", "unknown", "never ran"]


def test_source_is_that_of_decode() -> None:
    frame = pd.DataFrame({"code": [0x80070001], "command": ["robocopy.exe"]})
    assert decode_frame(frame, source="action")["basis"].tolist() == ["robocopy"]
    assert decode_frame(frame)["meaning"].tolist() == [decode(0x80070001, command="robocopy.exe").meaning]


def test_no_rows_give_no_rows_and_what_is_no_code_is_refused() -> None:
    assert decode_frame(pd.DataFrame({"code": []})).empty
    with pytest.raises(ValueError, match="is no result code"):
        decode_frame(pd.DataFrame({"code": [0, "x"]}))


def test_benchmark_runs_at_a_small_size(capsys: pytest.CaptureFixture[str]) -> None:
    benchmark.main(500)
    assert "| each distinct case once | 500 |" in capsys.readouterr().out
