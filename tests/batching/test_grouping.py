from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bertkit.batching.grouping import balance_by_tokens, group_by_tokens


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


@given(st.lists(st.integers(1, 50)), st.integers(1, 20))
def test_every_sequence_is_dealt_once_and_evenly(lengths: list[int], hands: int) -> None:
    groups = balance_by_tokens(lengths, hands)
    assert len(groups) == hands
    assert sorted(index for group in groups for index in group) == list(range(len(lengths)))
    assert all(groups) == (len(lengths) >= hands)
    tokens = [sum(lengths[index] for index in group) for group in groups]
    assert max(tokens) - min(tokens) <= max(lengths, default=0)


def test_the_longest_are_dealt_first() -> None:
    assert balance_by_tokens([2, 9, 3, 4, 3], 2) == [[1, 0], [3, 2, 4]]
    assert balance_by_tokens([], 2) == [[], []]
