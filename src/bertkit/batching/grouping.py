"""Which sequences go into a batch together: by their number of tokens, never by their number. Torch-free."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence


def packed(length: int, longest: int) -> int:
    """What a sequence costs in a batch without padding: its own tokens."""
    return length


def group_by_tokens(lengths: Sequence[int], budget: int, cost: Callable[[int, int], int] = packed) -> list[list[int]]:
    """Indices of `lengths` in batches of at most `budget` tokens, the longest sequences first.

    Sorting by length puts equal lengths side by side, where attention takes them as one block, and makes the first
    batch the one that needs the most memory. A sequence longer than the budget is a batch of its own.

    Args:
        cost: the tokens that are computed for a sequence of the first length in a batch whose longest is the second.
    """
    batches: list[list[int]] = []
    room = longest = 0
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if not batches or cost(lengths[index], longest) > room:
            batches.append([])
            room, longest = budget, lengths[index]
        batches[-1].append(index)
        room -= cost(lengths[index], longest)
    return batches


def balance_by_tokens(lengths: Sequence[int], hands: int) -> list[list[int]]:
    """Indices of `lengths` dealt to `hands` groups of nearly as many tokens each, the longest sequences first.

    Each goes to the group that has the fewest tokens so far, so none is empty while there are sequences enough. The
    same lengths are always dealt the same way.
    """
    groups: list[list[int]] = [[] for _ in range(hands)]
    fewest = [(0, hand) for hand in range(hands)]
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        tokens, hand = heapq.heappop(fewest)
        groups[hand].append(index)
        heapq.heappush(fewest, (tokens + lengths[index], hand))
    return groups
