"""Batches filled up to few sizes: nothing of what is read changes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bertkit.model.shape_buckets import FULL_ROWS, SIZES, compiles_each_size, filled, full
from tests.model.products import Products
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


@pytest.mark.parametrize("half", ["weights", "autocast", "neither"])
@torch.no_grad()
def test_the_products_of_half_precision_have_few_shapes(half: str) -> None:
    encoder = make().to(torch.bfloat16 if half == "weights" else torch.float32)
    rows = set()
    for count in range(30, 80, 3):
        batch = pack([[5] * min(20, count - start) for start in range(0, count, 20)])
        with torch.autocast("cpu", torch.bfloat16, enabled=half == "autocast"), Products() as products:
            assert len(encoder(batch)) == count
            assert len(encoder(batch, torch.tensor([3, 7]))) == 2
        rows |= {left[0] for left, right in products.shapes if len(left) == 2}
    assert len(rows) == (17 + 1 if half == "neither" else 3), "the two that are wanted are of a size of their own"


@pytest.mark.parametrize("weights", [torch.float32, torch.bfloat16])
def test_only_half_precision_is_filled(weights: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    assert compiles_each_size(CPU, weights) == (weights == torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        assert compiles_each_size(CPU, weights)
    assert compiles_each_size(CPU, torch.int8)
    assert not compiles_each_size(torch.device("cuda"), torch.bfloat16)
    monkeypatch.setattr(torch.compiler, "is_exporting", lambda: True)
    assert not compiles_each_size(CPU, weights), "a program that is exported takes any size"
