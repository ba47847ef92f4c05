from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from bertkit.batching.layout import PackedLayout
from bertkit.batching.token_batch import TokenBatch


def test_pack() -> None:
    batch = TokenBatch.pack([[7, 8, 9], [5], [6, 4]], [[0, 0, 1], [0], [0, 1]])
    assert batch.ids_T.tolist() == [7, 8, 9, 5, 6, 4]
    assert batch.segments_T.tolist() == [0, 0, 1, 0, 0, 1]
    assert batch.positions_T.tolist() == [0, 1, 2, 0, 0, 1]
    assert batch.layout.lengths == (3, 1, 2)
    assert isinstance(batch.layout, PackedLayout)
    assert batch.layout.cu_lengths_B1.tolist() == [0, 3, 4, 6]
    assert batch.layout.cu_lengths_B1.dtype == torch.int32
    assert batch.layout.first_B.tolist() == [0, 3, 4]
    assert batch.layout.max_length == 3


@pytest.mark.parametrize(
    ("ids", "segments"), [([], []), ([[1], []], [[0], []]), ([[1, 2]], [[0]])], ids=["none", "empty one", "uneven"]
)
def test_what_cannot_be_packed(ids: list[list[int]], segments: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="every sequence needs at least one token"):
        TokenBatch.pack(ids, segments)


def test_pad() -> None:
    batch = TokenBatch.pad([[7, 8, 9], [5], [6, 4]], [[0, 0, 1], [0], [0, 1]], length=4)
    assert batch.ids_T.tolist() == [7, 8, 9, 0, 5, 0, 0, 0, 6, 4, 0, 0]
    assert batch.segments_T.tolist() == [0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0]
    assert batch.positions_T.tolist() == [0, 1, 2, 3] * 3
    assert batch.layout.lengths == (3, 1, 2)
    assert TokenBatch.pad([[7, 8, 9], [5]], [[0, 0, 1], [0]]).layout.max_length == 3
    with pytest.raises(ValueError, match="a sequence of 3 tokens in a row of 2"):
        TokenBatch.pad([[7, 8, 9]], [[0, 0, 1]], length=2)
    with pytest.raises(ValueError, match="every sequence needs at least one token"):
        TokenBatch.pad([[]], [[]])


@pytest.mark.parametrize("make", [TokenBatch.pack, TokenBatch.pad], ids=["packed", "padded"])
def test_every_tensor_is_moved(make: Callable[..., TokenBatch]) -> None:
    batch = make([[7, 8, 9], [5]], [[0, 0, 1], [0]])
    moved = batch.moved(lambda tensor: tensor.to("meta"))
    assert {tensor.device.type for tensor in (moved.ids_T, moved.segments_T, moved.positions_T)} == {"meta"}
    assert moved.layout.lengths_B.device.type == "meta"
