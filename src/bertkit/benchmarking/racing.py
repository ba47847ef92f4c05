"""Contestants on the same work, interleaved, so that a machine that drifts drifts for all.

Torch-free, and without a clock of its own.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bertkit.benchmarking.cells import Batches, tokens_of
from bertkit.errors import OutOfMemory

LEAST_ROUNDS = 5
FEWEST_ROUNDS, LONG_SHARE = 2, 3.0  # of rounds that take so many times as long as was asked for, fewer do
GIVE_UP_SHARE = 0.9  # a larger batch that is slower than so much of the best ends the search for it


class Contestant(Protocol):
    """Somebody who does rounds of work."""

    def seconds(self, batches: Batches) -> float:
        """Does a round; how long that took.

        Raises:
            OutOfMemory: it does not fit.
        """
        ...


@dataclass(slots=True)
class TimedRounds:
    """The rounds of one contestant that count."""

    batch: int
    tokens: list[int] = field(default_factory=list)
    texts: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def tokens_per_second(self) -> float:
        """The median of the rounds."""
        return statistics.median(t / s for t, s in zip(self.tokens, self.seconds, strict=True))

    @property
    def texts_per_second(self) -> float:
        """The same, of texts."""
        return statistics.median(t / s for t, s in zip(self.texts, self.seconds, strict=True))

    @property
    def spread(self) -> float:
        """Half of what lies between the quartiles of the speeds, as a share of the median."""
        speeds = [t / s for t, s in zip(self.tokens, self.seconds, strict=True)]
        low, middle, high = statistics.quantiles(speeds, n=4) if len(speeds) > 1 else [speeds[0]] * 3
        return (high - low) / 2 / middle


def best_batch(
    contestant: Contestant, candidates: Sequence[int], work: Callable[[int, int], Batches], seconds: float = math.inf
) -> int:
    """The fastest of some sizes, ascending: each is tried twice, and the second time counts.

    Args:
        work: the batches of a round, by the size and the number of the round.
        seconds: no size is tried after one that takes longer.

    Raises:
        OutOfMemory: not even the smallest fits.
    """
    best, fastest = candidates[0], 0.0
    for size in candidates:
        try:
            contestant.seconds(work(size, 0))
            batches = work(size, 1)
            taken = contestant.seconds(batches)
            speed = tokens_of(batches) / taken
        except OutOfMemory:
            if size == candidates[0]:
                raise
            break
        if speed > fastest:
            best, fastest = size, speed
        if speed < GIVE_UP_SHARE * fastest or taken > seconds:
            break
    return best


def race(
    contestants: Mapping[str, Contestant],
    sizes: Mapping[str, int],
    work: Callable[[int, int], Batches],
    seconds: float,
) -> dict[str, TimedRounds]:
    """Each does rounds in turn until all have worked for so long, after one round that does not count.

    Args:
        sizes: of each contestant's batches.
        work: as of `best_batch`.
        seconds: of work of each.
    """
    names = list(contestants)
    found = {name: TimedRounds(sizes[name]) for name in names}
    turn = 0
    while not all(_is_enough(one.seconds, seconds) for one in found.values()):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            batches = work(sizes[name], turn)
            taken = contestants[name].seconds(batches)
            if turn:
                found[name].tokens.append(tokens_of(batches))
                found[name].texts.append(sum(map(len, batches)))
                found[name].seconds.append(taken)
        turn += 1
    return found


def _is_enough(taken: Sequence[float], seconds: float) -> bool:
    if sum(taken) >= LONG_SHARE * seconds and seconds > 0:
        return len(taken) >= FEWEST_ROUNDS
    return len(taken) >= LEAST_ROUNDS and sum(taken) >= seconds
