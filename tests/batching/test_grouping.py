from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bertkit.batching.grouping import group_by_tokens


@given(st.lists(st.integers(1, 50)), st.integers(1, 120))
def test_every_sequence_is_in_one_batch_within_the_budget(lengths: list[int], budget: int) -> None:
    batches = group_by_tokens(lengths, budget)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or sum(lengths[index] for index in batch) <= budget


@given(st.lists(st.integers(1, 50)), st.integers(1, 120))
def test_longest_first_and_equal_lengths_side_by_side(lengths: list[int], budget: int) -> None:
    order = [lengths[index] for batch in group_by_tokens(lengths, budget) for index in batch]
    assert order == sorted(lengths, reverse=True)


def test_batches_are_filled() -> None:
    assert group_by_tokens([2, 9, 2, 4, 2], 6) == [[1], [3, 0], [2, 4]]
    assert group_by_tokens([], 6) == []
