from __future__ import annotations

import math
from itertools import pairwise, permutations
from math import comb

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from bertkit.metrics.ranking_scores import ndcg, query_scores, recall, reciprocal_rank


@pytest.mark.parametrize("seed", range(50))
def test_ndcg_as_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    size = int(random.integers(2, 25))
    scores = random.integers(0, 6, size).astype(float)  # many ties
    relevances = random.integers(0, 4, size).astype(float)
    for cut in (1, 3, 10, 30):
        assert ndcg(scores.tolist(), relevances.tolist(), cut=cut) == pytest.approx(
            ndcg_score([relevances], [scores], k=cut)
        )


@pytest.mark.parametrize("seed", range(30))
def test_ties_are_the_mean_over_their_orders(seed: int) -> None:
    random = np.random.default_rng(seed)
    scores, relevances = random.integers(0, 3, 6).tolist(), random.integers(0, 2, 6).tolist()
    orders = [
        [relevances[place] for place in order]
        for order in permutations(range(6))
        if all(scores[one] >= scores[other] for one, other in pairwise(order))
    ]
    first = [next((1 / rank for rank, one in enumerate(order, 1) if one), 0.0) for order in orders]
    within = [sum(order[:4]) / max(sum(order), 1) for order in orders]
    assert reciprocal_rank(scores, relevances) == pytest.approx(np.mean(first))
    assert recall(scores, relevances, cut=4) == pytest.approx(np.mean(within))


def test_each_query() -> None:
    scores = [[0.1, 0.9, 0.5], [0.3, 0.2, 0.1]]
    found = query_scores(scores, [[0, 0, 1], [0, 0, 0]])
    assert found["ndcg_at_10"] == pytest.approx([1 / np.log2(3), 0])
    assert (found["mrr"], found["recall_at_10"]) == ([0.5, 0], [1, 0])


@pytest.mark.parametrize(("size", "relevant"), [(1, 1), (5, 1), (5, 3), (60, 25), (400, 200)])
def test_the_first_of_many_ties_is_where_counting_orders_has_it(size: int, relevant: int) -> None:
    orders = [comb(size - place, relevant - 1) for place in range(1, size + 1)]
    plain = sum(count / comb(size, relevant) / (2 + place) for place, count in enumerate(orders, 1))
    scores, relevances = [2.0, 2.0] + [1.0] * size, [0.0, 0.0] + [1.0] * relevant + [0.0] * (size - relevant)
    assert reciprocal_rank(scores, relevances) == pytest.approx(plain, rel=1e-12)


def test_ties_of_many_documents_take_no_numbers_of_thousands_of_digits() -> None:
    found = reciprocal_rank([1.0] * 200_000, [1.0] * 100_000 + [0.0] * 100_000)
    assert found == pytest.approx(math.log(2), rel=1e-4)  # as if each place were tossed a coin for
