from __future__ import annotations

import pytest

from bertkit.config.readout import Readout, Rows


@pytest.mark.parametrize(("rows", "count"), [("sequence", 1), ("token", 7), ("mask", 2)])
def test_rows_of_a_sequence(rows: Rows, count: int) -> None:
    assert Readout(rows).count(tokens=7, named=2) == count


def test_parts_that_several_poolings_need_are_given_once() -> None:
    readout = Readout("sequence", pooling=("mean", "weightedmean", "cls", "mean_sqrt_len_tokens"))
    assert readout.parts == ("sum", "weighted", "first")
    assert Readout("token").parts == ()
