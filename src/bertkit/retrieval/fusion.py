"""Several orders of the same things made into one."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

K = 60  # how little the first places count more than those behind them, as in the paper

Item = TypeVar("Item", bound=Hashable)


def fused(orders: Sequence[Sequence[Item]]) -> list[tuple[Item, float]]:
    """What is in any of the orders, the best first, by reciprocal rank fusion (Cormack, Clarke and Büttcher 2009).

    An item's score is the sum of 1 / (60 + its place) over the orders that it is in. Of equal ones the one that the
    first order has before the other comes first.
    """
    scores: dict[Item, float] = {}
    for order in orders:
        for place, item in enumerate(order, 1):
            scores[item] = scores.get(item, 0.0) + 1 / (K + place)
    return sorted(scores.items(), key=lambda one: -one[1])
