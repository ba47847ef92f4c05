"""Batches filled up to few sizes: nothing of what is read changes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bertkit.model.filling import FULL_ROWS, SIZES, compiles_each_size, filled, full
from tests.model.test_encoder import make, pack

CPU = torch.device("cpu")


def test_there_are_few_sizes_and_little_is_filled() -> None:
    sizes = {rows: full(rows) for rows in range(1, 2**14 + 1)}
    assert all(rows <= size <= max(rows + FULL_ROWS - 1, rows * (1 + 1 / SIZES)) for rows, size in sizes.items())
    assert len(set(sizes.values())) == 2**9 // FULL_ROWS + 5 * SIZES  # to 512, and for each doubling after that
    assert full(0) == 0
    assert all(full(size) == size for size in sizes.values())


@given(st.lists(st.lists(st.integers(0, 98), min_size=1, max_size=23), min_size=1, max_size=9))
@settings(max_examples=40, deadline=None)
@torch.inference_mode()
def test_what_is_filled_changes_nothing(sequences: list[list[int]]) -> None:
    encoder, batch = make(), pack(sequences)
    more = filled(batch)
    count = len(batch.ids_T)
    assert len(more.ids_T) == sum(more.layout.lengths) == full(count)
    assert more.layout.lengths[: len(sequences)] == batch.layout.lengths
    assert more.layout.max_length == batch.layout.max_length
    assert (encoder(more)[:count] - encoder(batch)).abs().max() < 1e-5


@pytest.mark.parametrize("weights", [torch.float32, torch.bfloat16])
def test_only_half_precision_is_filled(weights: torch.dtype) -> None:
    assert compiles_each_size(CPU, weights) == (weights == torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        assert compiles_each_size(CPU, weights)
    assert not compiles_each_size(torch.device("cuda"), torch.bfloat16)
