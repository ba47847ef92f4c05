"""Scores of how alike two texts are, in whatever unit, as cosines."""

from __future__ import annotations

from collections.abc import Sequence


def cosine_range(scores: Sequence[float]) -> tuple[float, float]:
    """The scores that are the cosines 0 and 1.

    Where all are from -1 to 1 they are cosines already, and 0 and 1 stay; else the lowest and the highest.

    Args:
        scores: at least one.
    """
    low, high = min(scores), max(scores)
    if low >= -1 and high <= 1:
        return 0.0, 1.0
    return low, high if high > low else low + 1


def range_in_words(scores: Sequence[float]) -> list[str]:
    """A line for the user, where there are scores and it is not plain that they are cosines."""
    low, high = cosine_range(scores or [0.0])
    if (low, high) != (0, 1):
        return [f"scores from {low:g} to {high:g} are scaled to cosines from 0 to 1"]
    least = min(scores, default=0)
    return [f"scores from {least:g} to {max(scores):g} are taken as cosines"] if least < 0 else []
