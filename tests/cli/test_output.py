from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertkit.cli.output import json_line, open_output
from bertkit.errors import BertkitError, OutputError

float32 = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.lists(float32, min_size=1), float32)
def test_every_float32_comes_back_exactly(vector: list[float], score: float) -> None:
    record = json.loads(json_line({"vector": vector, "vectors": [vector], "score": score}, "row 1"))
    assert record["vector"] == record["vectors"][0]
    read = [*record["vector"], record["score"]]
    assert [np.float32(number) for number in read] == [*vector, score]
    assert all(type(value) is float for value in read)


def test_numbers_are_short() -> None:
    assert json_line({"score": float(np.float32(0.97))}, "row 1") == '{"score": 0.97}'
    line = json_line({"embedding": np.random.default_rng(0).normal(size=384).astype(np.float32).tolist()}, "row 1")
    assert len(line) < 384 * 16


def test_arrays_are_lists() -> None:
    assert (
        json_line({"ids": np.array([1, 2]), "x": np.array([0.5], np.float32)}, "")
        == '{"ids": [1, 2], "x": [0.500000000]}'
    )


def test_other_values_are_plain_json() -> None:
    record = {
        "text": 'é"\n\u2028',
        "n": 3,
        "yes": True,
        "none": None,
        "empty": [],
        "pairs": [(0, 1)],
        "inner": {"k": ["v"]},
    }
    line = json_line(record, "row 1")
    assert "\n" not in line
    assert "é" in line
    assert json.loads(line) == {**record, "pairs": [[0, 1]]}


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_nan_and_infinity_are_refused_wherever_they_stand(bad: float) -> None:
    for record in ({"score": bad}, {"embedding": [0.5, bad]}, {"labels": [{"score": np.float32(bad)}]}):
        with pytest.raises(BertkitError, match=r"^f:3: the result holds NaN or infinity"):
            json_line(record, "f:3")


def test_closed_standard_output_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(OutputError, match="standard output is closed"), open_output(None):
        pass
