from __future__ import annotations

import pytest
import torch

from bertkit.batching.token_batch import Layout, Run, TokenBatch


def test_pack() -> None:
    batch = TokenBatch.pack([[7, 8, 9], [5], [6, 4]], [[0, 0, 1], [0], [0, 1]])
    assert batch.ids_T.tolist() == [7, 8, 9, 5, 6, 4]
    assert batch.segments_T.tolist() == [0, 0, 1, 0, 0, 1]
    assert batch.positions_T.tolist() == [0, 1, 2, 0, 0, 1]
    assert batch.layout.lengths == (3, 1, 2)
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


def test_runs_are_neighbours_of_equal_length() -> None:
    runs = list(Layout.of([4, 4, 2, 4, 1, 1, 1]).runs())
    assert runs == [Run(0, 2, 4), Run(8, 1, 2), Run(10, 1, 4), Run(14, 3, 1)]
    assert runs[-1].tokens == slice(14, 17)
