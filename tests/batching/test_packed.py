from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertkit.batching.packed import PackedBatch, positions_of
from bertkit.batching.token_batch import TokenBatch

SEQUENCES = st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=9), min_size=1, max_size=9)


@given(SEQUENCES)
def test_it_is_what_tensors_of_the_same_sequences_are(ids: list[list[int]]) -> None:
    segments = [[id % 2 for id in sequence] for sequence in ids]
    found, expected = PackedBatch.of(ids, segments), TokenBatch.pack(ids, segments)
    for name in ("ids_T", "segments_T", "positions_T"):
        assert getattr(found, name).tolist() == getattr(expected, name).tolist()
    assert found.lengths == expected.layout.lengths
    assert found.output_indices_M is None


@given(SEQUENCES)
def test_named_tokens_are_found_among_all(ids: list[list[int]]) -> None:
    named = [[place for place, id in enumerate(sequence) if id % 3 == 0] for sequence in ids]
    batch = PackedBatch.of(ids, ids, named)
    assert batch.output_indices_M is not None
    assert batch.output_indices_M.dtype == np.int64
    assert batch.output_indices_M.tolist() == np.flatnonzero(batch.ids_T % 3 == 0).tolist()


@pytest.mark.parametrize(
    ("ids", "segments"), [([], []), ([[1], []], [[0], []]), ([[1, 2]], [[0]])], ids=["none", "empty one", "uneven"]
)
def test_what_cannot_be_packed(ids: list[list[int]], segments: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="every sequence needs at least one token"):
        PackedBatch.of(ids, segments)


def test_positions_begin_again_with_each_sequence() -> None:
    assert positions_of(np.array([3, 1, 2])).tolist() == [0, 1, 2, 0, 0, 1]


def test_some_of_the_sequences() -> None:
    batch = PackedBatch.of([[5, 6], [7], [8, 9, 10]], [[0, 1], [0], [0, 0, 1]])
    found, expected = batch.only([2, 0]), PackedBatch.of([[8, 9, 10], [5, 6]], [[0, 0, 1], [0, 1]])
    assert found.lengths == expected.lengths
    for name in ("ids_T", "segments_T", "positions_T"):
        assert getattr(found, name).tolist() == getattr(expected, name).tolist()
