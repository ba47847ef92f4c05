"""How a text's tokens become one vector: what the poolings are called, what they are made of, how they are finished.

The same for tensors and for arrays, so that windows of a long text can be merged wherever they were computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

# As sentence-transformers calls them.
Pooling = Literal["mean", "cls", "max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"]

# What a pooling is made of: numbers that windows of a long text can be merged by.
Part = Literal["sum", "weighted", "first", "last", "max"]
PARTS: dict[Pooling, tuple[Part, ...]] = {
    "mean": ("sum",),
    "cls": ("first",),
    "max": ("max",),
    "mean_sqrt_len_tokens": ("sum",),
    "weightedmean": ("weighted", "sum"),
    "lasttoken": ("last",),
}
Rows = TypeVar("Rows", bound=Any)  # a tensor or an array
Numbers = TypeVar("Numbers", bound=Any)  # a tensor or a float


def parts_of(poolings: Sequence[Pooling]) -> tuple[Part, ...]:
    """The parts that some poolings are made of, each once."""
    return tuple(dict.fromkeys(part for pooling in poolings for part in PARTS[pooling]))


def finish_pooling(pooling: Pooling, parts: Mapping[Part, Rows], count: Numbers, weight: Numbers) -> Rows:
    """A pooling of its parts.

    Args:
        count: tokens that were added up.
        weight: the sum of their positions, from 1.
    """
    if pooling == "mean":
        return parts["sum"] / count  # type: ignore[no-any-return]
    if pooling == "mean_sqrt_len_tokens":
        return parts["sum"] / count**0.5  # type: ignore[no-any-return]
    return parts["weighted"] / weight if pooling == "weightedmean" else parts[PARTS[pooling][0]]  # type: ignore[no-any-return]


def position_sum(length: Numbers) -> Numbers:
    """The sum of the positions from 1 to a length."""
    return length * (length + 1) / 2  # type: ignore[no-any-return]
