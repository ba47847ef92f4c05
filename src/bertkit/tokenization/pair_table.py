"""Every word of a corpus as a row of symbols, and how often each two neighbours stand together.

The rows lie end to end in flat arrays, linked both ways, so that merging a pair touches all its occurrences at once.
`N` is the number of symbols of all different words. A pair of symbols is one number, `left << 32 | right`.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int32]
Numbers = NDArray[np.int64]

GONE = -1  # no neighbour, or a symbol that was merged into the one before it
SHIFT = 32


class PairTable:
    """The pairs of neighbouring symbols, the most frequent of which can be asked for and merged.

    Args:
        symbols_N: the symbol at each place.
        starts_N: True where a word begins.
        weights_N: how often the word stands in the corpus.
    """

    def __init__(self, symbols_N: NDArray[np.int32], starts_N: NDArray[np.bool_], weights_N: Numbers) -> None:
        places = np.arange(len(symbols_N), dtype=np.int32)
        self._symbol = symbols_N
        self._weight = weights_N
        self._before = np.where(starts_N, np.int32(GONE), places - np.int32(1))
        self._after = np.where(np.append(starts_N[1:], True), np.int32(GONE), places + np.int32(1))
        self._chosen = np.zeros(len(symbols_N), dtype=np.bool_)  # the places of the merge under way
        self._count: dict[int, int] = {}
        self._places: dict[int, list[Positions]] = {}  # of the left symbols; some may have changed since
        self._heap: list[tuple[int, int]] = []
        left = places[self._after != GONE]
        self._add(symbols_N[left], symbols_N[self._after[left]], left)

    def most_frequent(self) -> tuple[int, int, int] | None:
        """Left symbol, right symbol and count of the most frequent pair; None when no pair is left.

        Of pairs as frequent as each other, the one whose left symbol, then whose right symbol has the lower number.
        """
        while self._heap:
            negative, pair = self._heap[0]
            count = self._count.get(pair, 0)
            if count == -negative:
                return pair >> SHIFT, pair & ((1 << SHIFT) - 1), count
            heappop(self._heap)  # counts sink without notice: put back in its present place
            if count:
                heappush(self._heap, (-count, pair))
        return None

    def merge(self, left: int, right: int, merged: int) -> None:
        """Makes each occurrence of the pair one symbol, from the start of a word to its end."""
        places = self._occurrences(left, right)
        second = self._after[places]
        before, after = self._before[places], self._after[second]
        self._chosen[places] = True
        # Where two occurrences touch, the pair between them belongs to the second.
        free = (after != GONE) & ~self._chosen[after]
        has = before != GONE
        self._remove(self._symbol[before[has]], left, self._weight[places[has]])
        self._remove(right, self._symbol[after[free]], self._weight[places[free]])

        self._symbol[places] = merged
        self._symbol[second] = GONE
        self._after[places] = after
        inner = after != GONE
        self._before[after[inner]] = places[inner]

        self._chosen[places] = False
        before = self._before[places[has]]
        self._add(
            np.concatenate([self._symbol[before], self._symbol[places[free]]]),
            np.concatenate([self._symbol[places[has]], self._symbol[after[free]]]),
            np.concatenate([before, places[free]]),
        )
        self._count.pop(left << SHIFT | right, None)

    def _occurrences(self, left: int, right: int) -> Positions:
        """The places where the pair still stands, none inside another."""
        places: Positions = np.concatenate(self._places.pop(left << SHIFT | right))
        places = places[self._symbol[places] == left]
        after = self._after[places]
        places = places[(after != GONE) & (self._symbol[after] == right)]
        if left != right:
            return places
        # aaa holds the pair twice and can be merged once: every second place of a run, from its start.
        places.sort()
        goes_on = np.append(False, self._after[places[:-1]] == places[1:])
        order = np.arange(len(places))
        start = np.maximum.accumulate(np.where(goes_on, 0, order))
        every_second: Positions = places[(order - start) % 2 == 0]
        return every_second

    def _add(self, left: NDArray[np.int32], right: NDArray[np.int32], places: Positions) -> None:
        pairs = left.astype(np.int64) << SHIFT | right
        order = np.argsort(pairs, kind="stable")
        places = places[order]
        start = 0
        for pair, count, end in _runs(pairs[order], self._weight[places]):
            count += self._count.get(pair, 0)
            self._count[pair] = count
            self._places.setdefault(pair, []).append(places[start:end])
            heappush(self._heap, (-count, pair))
            start = end

    def _remove(self, left: NDArray[np.int32] | int, right: NDArray[np.int32] | int, weights: Numbers) -> None:
        pairs = np.asarray(left, dtype=np.int64) << SHIFT | np.asarray(right, dtype=np.int64)
        order = np.argsort(pairs)
        for pair, count, _ in _runs(pairs[order], weights[order]):
            rest = self._count[pair] - count
            if rest:
                self._count[pair] = rest
            else:
                del self._count[pair]
                self._places.pop(pair, None)


def _runs(ordered: Numbers, weights: Numbers) -> Iterator[tuple[int, int, int]]:
    """Each different number with the sum of its weights and the place behind its last."""
    if not len(ordered):
        return iter(())
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    sums = np.add.reduceat(weights, starts)
    ends = np.append(starts[1:], len(ordered))
    return zip(ordered[starts].tolist(), sums.tolist(), ends.tolist(), strict=True)
