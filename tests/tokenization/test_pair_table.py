from __future__ import annotations

import numpy as np

from bertkit.tokenization.pair_table import PairTable


def table(*words: tuple[list[int], int]) -> PairTable:
    symbols = [symbol for row, _ in words for symbol in row]
    starts = [place == 0 for row, _ in words for place in range(len(row))]
    weights = [count for row, count in words for _ in row]
    return PairTable(np.array(symbols, np.int32), np.array(starts, np.bool_), np.array(weights, np.int64))


def test_the_most_frequent_pair() -> None:
    assert table(([1, 2, 3], 5), ([2, 3], 1)).most_frequent() == (2, 3, 6)


def test_of_equals_the_lower_left_then_the_lower_right() -> None:
    assert table(([3, 1], 2), ([2, 9], 2), ([2, 4], 2)).most_frequent() == (2, 4, 2)


def test_no_pair() -> None:
    assert table().most_frequent() is None
    assert table(([1], 3), ([2], 4)).most_frequent() is None


def test_pairs_do_not_reach_over_the_end_of_a_word() -> None:
    pairs = table(([1, 2], 1), ([3, 4], 1))
    pairs.merge(1, 2, 9)
    assert pairs.most_frequent() == (3, 4, 1)
    pairs.merge(3, 4, 10)
    assert pairs.most_frequent() is None


def test_neighbours_after_a_merge() -> None:
    pairs = table(([1, 2, 3, 4], 7))
    pairs.merge(2, 3, 9)
    assert pairs.most_frequent() == (1, 9, 7)
    pairs.merge(1, 9, 10)
    assert pairs.most_frequent() == (10, 4, 7)


def test_occurrences_that_touch() -> None:
    pairs = table(([1, 2, 1, 2, 1, 2], 3))
    assert pairs.most_frequent() == (1, 2, 9)
    pairs.merge(1, 2, 9)
    assert pairs.most_frequent() == (9, 9, 6)
    pairs.merge(9, 9, 10)
    assert pairs.most_frequent() == (10, 9, 3)


def test_a_run_of_one_symbol_is_merged_from_its_start() -> None:
    pairs = table(([0, 1, 1, 1], 1), ([1, 1, 1, 1], 1), ([5, 1, 1], 1))
    assert pairs.most_frequent() == (1, 1, 6)
    pairs.merge(1, 1, 9)
    found = set()
    while (best := pairs.most_frequent()) is not None:
        found.add(best)
        pairs.merge(best[0], best[1], 100 + best[0])
    assert found >= {(0, 9, 1), (5, 9, 1), (9, 9, 1)}
    assert not any(best[:2] == (1, 1) for best in found)


def test_a_piece_made_in_two_ways() -> None:
    pairs = table(([1, 2, 3], 4), ([1, 2], 9), ([2, 3, 7], 5))
    pairs.merge(1, 2, 10)
    pairs.merge(2, 3, 11)
    pairs.merge(10, 3, 12)
    pairs.merge(11, 7, 13)
    assert pairs.most_frequent() is None
