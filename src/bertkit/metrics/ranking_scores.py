"""Scores of rankings: what is found near the top. Documents are ranked by their scores, the highest first.

Documents of equal scores have no order among them: each score here is the mean over all orders that they could have,
so that neither luck nor a constant score is rewarded. (scikit-learn does so for nDCG, after McSherry and Najork 2008;
trec_eval orders them by their names instead, so that its numbers differ where there are ties.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

CUT = 10


def query_scores(scores: Sequence[Sequence[float]], relevances: Sequence[Sequence[float]]) -> dict[str, list[float]]:
    """`ndcg_at_10`, `mrr` and `recall_at_10` of each query; the metrics are their means.

    Queries that have no relevant document say nothing of a ranking, but count 0, as trec_eval's `-c` has it.

    Args:
        scores: of each query's documents, at least one a query.
        relevances: how good each document is, from 0; as many as there are scores.
    """
    each = list(zip(scores, relevances, strict=True))
    return {
        f"ndcg_at_{CUT}": [ndcg(*one, cut=CUT) for one in each],
        "mrr": [reciprocal_rank(*one) for one in each],
        f"recall_at_{CUT}": [recall(*one, cut=CUT) for one in each],
    }


def ndcg(scores: Sequence[float], relevances: Sequence[float], *, cut: int) -> float:
    """Discounted gain of the first `cut` documents, as a share of what the best order has; 0 where no order has any.

    A document at rank r gains its relevance / log2(r + 1) (Järvelin and Kekäläinen 2002, as in scikit-learn and in
    trec_eval's `ndcg_cut`).
    """
    discount_K = 1 / np.log2(np.arange(2, min(cut, len(scores)) + 2))
    best = float(np.sort(np.asarray(relevances, dtype=np.float64))[::-1][: len(discount_K)] @ discount_K)
    found = rank = 0.0
    for group in _tied(scores, relevances):
        found += sum(group) / len(group) * float(discount_K[int(rank) : int(rank) + len(group)].sum())
        rank += len(group)
    return found / best if best else 0.0


def reciprocal_rank(scores: Sequence[float], relevances: Sequence[float]) -> float:
    """1 / rank of the first document whose relevance is above 0; 0 where there is none."""
    rank = 0
    for group in _tied(scores, relevances):
        size, relevant = len(group), sum(one > 0 for one in group)
        if relevant:  # of all orders of the group, the share in which the first relevant one stands at each place
            place_K = np.arange(1, size - relevant + 2)
            passed_K = (size - relevant + 1 - place_K) / (size + 1 - place_K)  # where none stood before, none does here
            first_K = np.cumprod(np.concatenate([[1.0], passed_K[:-1]])) * (1 - passed_K)
            return float((first_K / (rank + place_K)).sum())
        rank += size
    return 0.0


def recall(scores: Sequence[float], relevances: Sequence[float], *, cut: int) -> float:
    """Share of the documents whose relevance is above 0 that is among the first `cut`; 0 where there are none."""
    found, room = 0.0, cut
    for group in _tied(scores, relevances):
        taken = min(room, len(group))
        found += sum(one > 0 for one in group) * taken / len(group)
        room -= taken
    relevant = sum(one > 0 for one in relevances)
    return found / relevant if relevant else 0.0


def _tied(scores: Sequence[float], relevances: Sequence[float]) -> Iterator[list[float]]:
    """The relevances of the documents of each score, the highest score first."""
    groups: dict[float, list[float]] = {}
    for score, relevance in zip(scores, relevances, strict=True):
        groups.setdefault(score, []).append(relevance)
    for score in sorted(groups, reverse=True):
        yield groups[score]
