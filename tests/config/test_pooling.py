from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch

from bertkit.config.pooling import PARTS, Pooling, finish_pooling, parts_of, position_sum


@pytest.mark.parametrize("pooling", get_args(Pooling))
def test_arrays_and_tensors_are_pooled_alike(pooling: Pooling) -> None:
    """Both by the definition: of four tokens, at the positions 1 to 4."""
    x_LW = np.random.default_rng(0).normal(size=(4, 3))
    place_L1 = np.arange(1.0, 5.0)[:, None]
    parts = {
        "sum": x_LW.sum(0),
        "weighted": (x_LW * place_L1).sum(0),
        "first": x_LW[0],
        "last": x_LW[-1],
        "max": x_LW.max(0),
    }
    expected = {
        "mean": x_LW.mean(0),
        "cls": x_LW[0],
        "max": x_LW.max(0),
        "mean_sqrt_len_tokens": x_LW.sum(0) / 2,
        "weightedmean": (x_LW * place_L1).sum(0) / 10,
        "lasttoken": x_LW[-1],
    }[pooling]
    needed = {part: parts[part] for part in PARTS[pooling]}  # nothing else is read
    np.testing.assert_allclose(finish_pooling(pooling, needed, 4.0, position_sum(4.0)), expected)
    tensors = {part: torch.from_numpy(values) for part, values in needed.items()}
    found = finish_pooling(pooling, tensors, torch.tensor(4.0), position_sum(torch.tensor(4.0)))
    np.testing.assert_allclose(found.numpy(), expected)


def test_each_part_is_named_once() -> None:
    assert parts_of(["mean", "max", "weightedmean", "mean"]) == ("sum", "max", "weighted")
    assert [position_sum(length) for length in (0, 1, 4)] == [0, 1, 10]
